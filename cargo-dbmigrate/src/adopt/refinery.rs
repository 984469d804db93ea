//! refinery: `V1__name.sql` or `U1__name.sql`, in the directory or anywhere below it, ordered by number. No downs.
//!
//! Names that do not fit are left alone, as refinery does with a warning. Migrations written in Rust cannot be adopted.

use super::tree::Tree;
use super::{Foreign, Part, Source, refuse};
use crate::problem::Refusal;

/// A file's name, taken apart as `^[U|V](\d+(\.\d+)?)__(\w+)\.(sql|rs)$`.
struct Name<'a> {
    version: &'a str,
    name: &'a str,
    rust: bool,
}

impl<'a> Name<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let file = path.rsplit('/').next().unwrap_or(path);
        let (stem, rust) = match file.strip_suffix(".sql") {
            Some(stem) => (stem, false),
            None => (file.strip_suffix(".rs")?, true),
        };
        let (version, name) = stem.strip_prefix(['U', 'V', '|'])?.split_once("__")?;
        let (whole, fraction) = version.split_once('.').unwrap_or((version, "0"));
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (digits(whole) && digits(fraction) && word).then_some(Self { version, name, rust })
    }
}

pub(super) fn fits(tree: &Tree) -> bool {
    tree.files.iter().any(|file| Name::parse(file).is_some())
}

pub(super) fn read(tree: &Tree) -> Result<Source, Refusal> {
    let mut source = Source::default();
    let mut found: Vec<(i64, Foreign)> = Vec::new();
    for file in &tree.files {
        let Some(name) = Name::parse(file) else {
            source.left_alone.push(tree.show(file));
            continue;
        };
        let shown = tree.show(file);
        if name.rust {
            return Err(refuse(&shown, "is a migration written in Rust", "write what it does as SQL first"));
        }
        let version = name.version.parse().map_err(|_| {
            refuse(&shown, "has a version that is no whole number", "refinery refuses it too: rename it")
        })?;
        found.push((
            version,
            Foreign {
                original: file.rsplit('/').next().unwrap_or(file).to_owned(),
                version: name.version.to_owned(),
                name: name.name.to_owned(),
                up: Part { file: shown, text: tree.text(file)?, no_transaction: false },
                down: None,
            },
        ));
    }
    found.sort_by_key(|(version, _)| *version);
    for pair in found.windows(2) {
        if pair[0].0 == pair[1].0 {
            let why = format!("has the same version as `{}`", pair[0].1.original);
            return Err(refuse(&pair[1].1.up.file, &why, "refinery refuses it too: rename one of them"));
        }
    }
    source.migrations = found.into_iter().map(|(_, migration)| migration).collect();
    source.left_alone.extend(tree.hidden.iter().map(|file| tree.show(file)));
    Ok(source)
}
