//! Every kind of finding and refusal, with its stable id and its explanation.

macro_rules! kinds {
    ($($variant:ident, $id:literal, $title:literal, $means:literal, $matters:literal, $remedy:literal;)*) => {
        /// A kind of finding or refusal. Ids are stable: they are never renamed or reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $title] $variant,)* }

        impl Kind {
            /// All kinds, in the order of the troubleshooting chapter.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable id, as `explain` takes it.
            pub const fn id(self) -> &'static str { match self { $(Self::$variant => $id,)* } }
            /// One line: what it is.
            pub const fn title(self) -> &'static str { match self { $(Self::$variant => $title,)* } }
            /// What it means.
            pub const fn means(self) -> &'static str { match self { $(Self::$variant => $means,)* } }
            /// Why it matters.
            pub const fn matters(self) -> &'static str { match self { $(Self::$variant => $matters,)* } }
            /// What to do about it.
            pub const fn remedy(self) -> &'static str { match self { $(Self::$variant => $remedy,)* } }
        }
    };
}

kinds! {
    DownDiffers, "down-differs", "the down does not restore the catalog",
        "After the migration's up and then its down, the catalog was not what it was before the up.",
        "A rollback in production would leave a schema that no version describes: the next upgrade may fail, or the older release may.",
        "Read the difference: lines with `+` were left behind by the down, lines with `-` are missing after it. Change the down so that it undoes the whole up, or declare the migration irreversible with `-- dbmigrate: irreversible <reason>`.";
}
