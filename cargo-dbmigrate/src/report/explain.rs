//! `explain`: what a kind of problem means. The troubleshooting chapter of the docs is made from the same text.

use std::fmt::Write as _;

use crate::problem::{Kind, Refusal};

/// What `explain` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explained {
    /// The list of all kinds.
    All,
    /// One kind.
    One(Kind),
}

/// Finds what an id stands for; without an id, all of them.
pub fn explain(id: Option<&str>) -> Result<Explained, Refusal> {
    let Some(id) = id else { return Ok(Explained::All) };
    // People copy `error[down-differs]` whole.
    let bare =
        id.rsplit_once('[').map_or(id, |(_, rest)| rest.trim_end_matches([':', ']'])).to_ascii_lowercase();
    Kind::from_id(&bare).map(Explained::One).ok_or_else(|| {
        let near = Kind::ALL
            .iter()
            .map(|kind| (strsim::jaro_winkler(&bare, kind.id()), kind.id()))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let hint = match near {
            Some((_, near)) => format!("did you mean `{near}`? `cargo dbmigrate explain` lists all ids"),
            None => "`cargo dbmigrate explain` lists all ids".to_owned(),
        };
        Refusal::new(Kind::UnknownId, format!("no problem has the id `{id}`"), hint)
    })
}

impl Explained {
    /// As Markdown.
    pub fn markdown(self) -> String {
        match self {
            Self::All => troubleshooting(),
            Self::One(kind) => chapter(kind),
        }
    }
}

/// The troubleshooting chapter: every kind, explained.
pub fn troubleshooting() -> String {
    let mut out = String::from(
        "<!-- Made by `cargo xtask docs` from cargo-dbmigrate/src/problem/kind.rs. Do not edit. -->\n\n\
         # Troubleshooting\n\n\
         Every problem that the tool reports has an id, shown in brackets: `error[down-differs]`. Ids are stable. \
         `cargo dbmigrate explain ID` shows the same text as this page.\n\n\
         A *finding* is something that a check reports (exit status 1). A *refusal* says that a command could not \
         run (exit status 2).\n\n\
         | id | what it is |\n|---|---|\n",
    );
    for kind in Kind::ALL {
        let _ = writeln!(out, "| [`{0}`](#{0}) | {1} |", kind.id(), kind.title());
    }
    for kind in Kind::ALL {
        let _ = write!(out, "\n{}", chapter(*kind));
    }
    out
}

fn chapter(kind: Kind) -> String {
    format!(
        "## {}\n\n*{}*\n\n{}\n\n**Why it matters.** {}\n\n**What to do.** {}\n",
        kind.id(),
        capital(kind.title()),
        kind.means(),
        kind.matters(),
        kind.remedy()
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Explained, explain, troubleshooting};
    use crate::problem::Kind;

    #[test]
    fn an_id_is_found_bare_or_as_it_was_printed() {
        assert_eq!(explain(None).unwrap(), Explained::All);
        for id in ["down-differs", "DOWN-DIFFERS", "[down-differs]", "error[down-differs]:"] {
            assert_eq!(explain(Some(id)).unwrap(), Explained::One(Kind::DownDiffers));
        }
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let refusal = explain(Some("down-difers")).unwrap_err();
        assert_eq!(refusal.kind, Kind::UnknownId);
        assert!(refusal.hint.starts_with("did you mean `down-differs`?"), "{}", refusal.hint);
        assert!(!explain(Some("zzz")).unwrap_err().hint.contains("did you mean"));
    }

    #[test]
    fn the_docs_are_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/troubleshooting.md");
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page == troubleshooting(), "docs/troubleshooting.md is stale: run `cargo xtask docs`");
    }
}
