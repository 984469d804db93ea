//! sqlx: `VERSION_description.sql`, or a pair of `.up.sql` and `.down.sql`, in one flat directory.
//!
//! The version is a number before the first `_`. A file that begins with `-- no-transaction`, byte for byte, runs
//! outside of a transaction. Files without `_` or not ending in `.sql`, and directories, are left alone.

use std::collections::BTreeMap;

use super::tree::Tree;
use super::{Foreign, Part, Source, refuse};
use crate::problem::Refusal;

const NO_TRANSACTION: &[u8] = b"-- no-transaction";

/// The version and the rest of a name, if sqlx takes the file for a migration.
fn split(file: &str) -> Option<(&str, &str)> {
    file.split_once('_').filter(|(_, rest)| rest.ends_with(".sql"))
}

pub(super) fn fits(tree: &Tree) -> bool {
    tree.top().filter_map(|file| split(file)).any(|(version, _)| version.parse::<i64>().is_ok())
}

#[derive(Default)]
struct Pair<'a> {
    up: Option<&'a String>,
    down: Option<&'a String>,
}

pub(super) fn read(tree: &Tree) -> Result<Source, Refusal> {
    let mut source = Source::default();
    let mut pairs: BTreeMap<i64, Pair<'_>> = BTreeMap::new();
    for file in tree.top() {
        let Some((version, rest)) = split(file) else {
            source.left_alone.push(tree.show(file));
            continue;
        };
        let version: i64 = version.parse().map_err(|_| {
            refuse(
                &tree.show(file),
                "has no number before its `_`",
                "sqlx refuses it too: rename it or move it away",
            )
        })?;
        let pair = pairs.entry(version).or_default();
        let side = if rest.ends_with(".down.sql") { &mut pair.down } else { &mut pair.up };
        if let Some(other) = side.replace(file) {
            let why = format!("has the same version as `{other}`");
            return Err(refuse(&tree.show(file), &why, "give one of them another version"));
        }
    }
    for (version, pair) in pairs {
        let up = match (pair.up, pair.down) {
            (Some(up), _) => up,
            (None, Some(down)) => {
                return Err(refuse(&tree.show(down), "has no up", "restore the up, or remove it"));
            }
            (None, None) => continue,
        };
        let (_, rest) = split(up).unwrap_or_default();
        let name = rest.strip_suffix(".up.sql").or_else(|| rest.strip_suffix(".sql")).unwrap_or_default();
        source.migrations.push(Foreign {
            original: up.clone(),
            version: version.max(0).to_string(),
            name: name.to_owned(),
            up: part(tree, up)?,
            down: pair.down.map(|down| part(tree, down)).transpose()?,
        });
    }
    let below = tree.files.iter().filter(|file| file.contains('/')).chain(&tree.hidden);
    source.left_alone.extend(below.map(|file| tree.show(file)));
    Ok(source)
}

fn part(tree: &Tree, file: &str) -> Result<Part, Refusal> {
    let no_transaction = tree.bytes(file)?.starts_with(NO_TRANSACTION);
    Ok(Part { file: tree.show(file), text: tree.text(file)?, no_transaction })
}
