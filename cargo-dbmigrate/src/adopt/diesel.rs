//! diesel: a directory for each migration, `VERSION_name`, with `up.sql`, maybe `down.sql` and `metadata.toml`.
//!
//! The version is what stands before the first `_`, without its dashes, and is compared as text. Files and hidden
//! entries beside the directories are left alone; a directory without `up.sql` is an error.

use toml_edit::DocumentMut;

use super::tree::Tree;
use super::{Foreign, Part, Source, refuse};
use crate::problem::Refusal;

const OWN: [&str; 3] = ["up.sql", "down.sql", "metadata.toml"];

pub(super) fn fits(tree: &Tree) -> bool {
    tree.directories.iter().any(|directory| has(tree, directory, "up.sql"))
}

pub(super) fn read(tree: &Tree) -> Result<Source, Refusal> {
    let mut source = Source::default();
    for directory in &tree.directories {
        if !has(tree, directory, "up.sql") {
            return Err(refuse(
                &tree.show(directory),
                "has no `up.sql`",
                "diesel refuses it too: remove or complete it",
            ));
        }
        let no_transaction = !runs_in_transaction(tree, directory)?;
        let part = |name: &str| -> Result<Part, Refusal> {
            let file = format!("{directory}/{name}");
            Ok(Part { file: tree.show(&file), text: tree.text(&file)?, no_transaction })
        };
        let (version, name) = directory.split_once('_').unwrap_or((directory, ""));
        source.migrations.push(Foreign {
            original: directory.clone(),
            version: version.replace('-', ""),
            name: name.to_owned(),
            up: part("up.sql")?,
            down: if has(tree, directory, "down.sql") { Some(part("down.sql")?) } else { None },
        });
    }
    source.migrations.sort_by(|a, b| a.version.cmp(&b.version));
    for pair in source.migrations.windows(2) {
        if pair[0].version == pair[1].version {
            let why = format!("has the same version as `{}`", pair[0].original);
            return Err(refuse(
                &tree.show(&pair[1].original),
                &why,
                "diesel applies only one of them: rename one",
            ));
        }
    }
    let own = |file: &&String| {
        let name = file.split_once('/').map(|(_, name)| name);
        name.is_some_and(|name| OWN.contains(&name))
    };
    let rest = tree.files.iter().filter(|file| !own(file)).chain(&tree.hidden);
    source.left_alone = rest.map(|file| tree.show(file)).collect();
    Ok(source)
}

fn has(tree: &Tree, directory: &str, name: &str) -> bool {
    tree.files.binary_search(&format!("{directory}/{name}")).is_ok()
}

/// As diesel reads it: without the file yes, with the file only if it says so.
fn runs_in_transaction(tree: &Tree, directory: &str) -> Result<bool, Refusal> {
    if !has(tree, directory, "metadata.toml") {
        return Ok(true);
    }
    let file = format!("{directory}/metadata.toml");
    let unclear =
        |why: &str| refuse(&tree.show(&file), why, "write `run_in_transaction = true` or `= false`");
    let document: DocumentMut = tree.text(&file)?.parse().map_err(|_| unclear("is not valid TOML"))?;
    match document.get("run_in_transaction") {
        None => Ok(false),
        Some(item) => item.as_bool().ok_or_else(|| unclear("does not say `true` or `false`")),
    }
}
