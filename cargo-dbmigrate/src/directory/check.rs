//! What one migration's directives and the lock say, against the files. Pure.

use std::collections::BTreeSet;
use std::path::Path;

use dbmigrate_runtime::lock::{self, Lock, NotNewer, Sealed, Statement, Times};
use dbmigrate_runtime::migration::{Direction, Id, Migration, Script, Stage};
use dbmigrate_runtime::set::{self, Discrepancy};

use super::{Contents, Directory};
use crate::problem::{Excerpt, Finding, Kind};
use crate::sql::{self, Unrepeatable};

/// What the lock says of a script. Statements are split here, once, so that the runtime needs no SQL parser.
pub fn seal(script: &Script) -> Sealed {
    let split = || -> Vec<Statement> {
        let found = sql::statements(&script.text);
        let times = |found: &sql::Statement| found.repeat.map_or(Times::Once, |_| Times::UntilNoRow);
        found.iter().map(|found| Statement { offset: found.start, times: times(found) }).collect()
    };
    let statements = script.directives.no_transaction.then(split).filter(|found| !found.is_empty());
    Sealed { hash: script.hash, statements }
}

/// Appends a migration to a lock.
///
/// # Errors
/// Its version is not newer than head.
pub fn append(lock: &mut Lock, migration: &Migration, replaces: Vec<String>) -> Result<(), NotNewer> {
    lock.push(migration.id.clone(), seal(&migration.up), migration.down.as_ref().map(seal), replaces)
}

/// Whether up, down and the declaration of irreversibility fit each other.
pub(super) fn directives(
    directory: &Directory,
    migration: &Migration,
    stage: Stage,
    lock: Option<&Lock>,
) -> Vec<Finding> {
    let id = &migration.id;
    let path = |direction| directory.shown.join(id.file_name_at(stage, direction));
    let mut found = Vec::new();
    let mut add = |kind, direction, message: String| {
        found.push(Finding::error(kind, message).file(path(direction)).migration(id.stem(stage)));
    };
    let (up, down) = (path(Direction::Up), path(Direction::Down));
    match (&migration.up.directives.irreversible, &migration.down) {
        (Some(_), Some(_)) => add(
            Kind::IrreversibleWithDown,
            Direction::Down,
            format!("`{}` is declared irreversible, but `{}` is there", up.display(), down.display()),
        ),
        // A locked down that is gone is reported as removed, which says more.
        (None, None) if lock.and_then(|lock| lock.entry(id)).is_none_or(|entry| entry.down.is_none()) => add(
            Kind::DownMissing,
            Direction::Up,
            format!("`{}` has no down and is not declared irreversible", up.display()),
        ),
        _ => {}
    }
    if let Some(script) = migration.down.as_ref().filter(|script| script.directives.irreversible.is_some()) {
        let why = "`irreversible` stands in a down; it belongs in the up, and the down goes";
        let offset = script.text.find("dbmigrate:").unwrap_or_default();
        let excerpt = Excerpt::at_offset(&down, &script.text, offset, why);
        let message = format!("`{}`: {why}", down.display());
        let finding = Finding::error(Kind::MisplacedDirective, message).file(down).excerpt(excerpt);
        found.push(finding.migration(id.stem(stage)));
    }
    for direction in [Direction::Up, Direction::Down] {
        let repeats = migration.script(direction).map(|script| unrepeatable(&path(direction), script));
        found.extend(repeats.into_iter().flatten().map(|finding| finding.migration(id.stem(stage))));
    }
    found
}

/// Statements that would repeat for no reason, or for ever.
fn unrepeatable(shown: &Path, script: &Script) -> Vec<Finding> {
    let text = &script.text;
    let repeats = sql::statements(text).into_iter().filter(|statement| statement.repeat.is_some());
    let finding = |statement: sql::Statement| {
        let why = match statement.repeatable(text).err()? {
            Unrepeatable::CountsNoRows => {
                "the server does not say how many rows it changes; only `INSERT`, `UPDATE`, `DELETE` and `MERGE` repeat"
            }
            Unrepeatable::NeverEnds => {
                "it changes rows every time and never ends; it needs a condition that leaves out what it has done"
            }
        };
        let excerpt = Excerpt::at_offset(shown, text, statement.start, why);
        let message = format!("`{}` has a statement that cannot repeat: {why}", shown.display());
        Some(Finding::error(Kind::UnrepeatableStatement, message).file(shown).excerpt(excerpt))
    };
    repeats.filter_map(finding).collect()
}

/// Compares the files with the lock. Migrations of which a file could not be read have been reported already.
pub(super) fn against_lock(directory: &Directory, contents: &mut Contents, broken: &BTreeSet<Id>) {
    let Some(lock) = &contents.lock else { return };
    let discrepancies = set::discrepancies(lock, &contents.migrations);
    let mut found: Vec<Finding> = discrepancies
        .iter()
        .filter(|discrepancy| !matches!(discrepancy, Discrepancy::Removed(id) if broken.contains(id)))
        .map(|discrepancy| describe(directory, discrepancy))
        .collect();
    for migration in &contents.migrations {
        let Some(entry) = lock.entry(&migration.id) else { continue };
        for direction in [Direction::Up, Direction::Down] {
            let (Some(sealed), Some(script)) = (entry.sealed(direction), migration.script(direction)) else {
                continue;
            };
            if sealed.hash == script.hash && *sealed != seal(script) {
                let path = directory.shown.join(migration.id.file_name(direction));
                let message =
                    format!("the lock's statements of `{}` are not those of the file", path.display());
                let finding = Finding::error(Kind::LockStale, message).file(path);
                found.push(finding.migration(migration.id.to_string()));
            }
        }
    }
    contents.problems.extend(found);
}

fn describe(directory: &Directory, discrepancy: &Discrepancy) -> Finding {
    let path = |id: &Id, direction| directory.shown.join(id.file_name(direction));
    let locked = directory.shown.join(lock::FILE_NAME);
    let about = |kind, id: &Id, file: std::path::PathBuf, why: String| {
        Finding::error(kind, format!("`{}` {why}", file.display())).file(file).migration(id.to_string())
    };
    match discrepancy {
        Discrepancy::Edited { id, direction, locked, found } => {
            let why = format!(
                "was edited after it was finalized: it was {}, it is {}",
                locked.short(),
                found.short()
            );
            about(Kind::FileEdited, id, path(id, *direction), why)
        }
        Discrepancy::Added(id) => {
            about(Kind::FileAdded, id, path(id, Direction::Up), "is not in the lock".to_owned())
        }
        Discrepancy::Removed(id) => {
            about(Kind::FileRemoved, id, path(id, Direction::Up), "is in the lock, but not there".to_owned())
        }
        Discrepancy::DownRemoved(id) => about(
            Kind::FileRemoved,
            id,
            path(id, Direction::Down),
            "is in the lock, but not there".to_owned(),
        ),
        Discrepancy::DownAdded(id) => {
            let why = "was added after its migration was finalized as irreversible".to_owned();
            about(Kind::FileAdded, id, path(id, Direction::Down), why)
        }
        Discrepancy::Moved { from, to } => {
            let why = format!("stands in the lock as `{from}`: its version or name was changed");
            about(Kind::FilesReordered, to, path(to, Direction::Up), why)
        }
        Discrepancy::OutOfOrder(id) => {
            about(Kind::FilesReordered, id, locked, format!("names `{id}` after a newer version"))
        }
        Discrepancy::Repeated(id) => {
            about(Kind::FilesReordered, id, locked, format!("names `{id}` or its version twice"))
        }
        Discrepancy::BrokenChain(id) => {
            let why =
                format!("was changed by hand: the line of `{id}` does not follow from the one before it");
            about(Kind::ChainBroken, id, locked, why)
        }
    }
}
