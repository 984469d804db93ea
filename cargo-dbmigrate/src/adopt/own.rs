//! Files named and written as ours, without a lock: from a generator, or from a directory whose lock was lost.

use dbmigrate_runtime::lock::FILE_NAME;
use dbmigrate_runtime::migration::{Direction, Stage, parse_file_name};

use super::tree::Tree;
use super::{Foreign, Part, Source, refuse};
use crate::problem::Refusal;

pub(super) fn fits(tree: &Tree) -> bool {
    tree.files.iter().any(|file| parse_file_name(file, Stage::Finalized).is_ok())
}

pub(super) fn read(tree: &Tree) -> Result<Source, Refusal> {
    let mut source = Source::default();
    let mut downs = Vec::new();
    for file in &tree.files {
        let Ok((id, direction)) = parse_file_name(file, Stage::Finalized) else {
            if file != FILE_NAME {
                source.left_alone.push(tree.show(file));
            }
            continue;
        };
        let part = Part { file: tree.show(file), text: tree.text(file)?, no_transaction: false };
        match direction {
            Direction::Down => downs.push((id, part)),
            Direction::Up => source.migrations.push(Foreign {
                original: id.to_string(),
                version: id.version.to_string(),
                name: id.name,
                up: part,
                down: None,
            }),
        }
    }
    for (id, down) in downs {
        let original = id.to_string();
        match source.migrations.iter_mut().find(|migration| migration.original == original) {
            Some(migration) => migration.down = Some(down),
            None => return Err(refuse(&down.file, "is a down without an up", "add its up, or remove it")),
        }
    }
    source.migrations.sort_by(|a, b| a.version.cmp(&b.version));
    for pair in source.migrations.windows(2) {
        if pair[0].version == pair[1].version {
            let why = format!("has the same version as `{}`", pair[0].original);
            return Err(refuse(&pair[1].up.file, &why, "rename one of them"));
        }
    }
    source.left_alone.extend(tree.hidden.iter().map(|file| tree.show(file)));
    Ok(source)
}
