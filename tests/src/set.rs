//! Sets of migrations for tests, made from texts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use cargo_dbmigrate::directory::append;
use dbmigrate_runtime::lock::Lock;
use dbmigrate_runtime::migration::{Direction, Migration, Script};
use dbmigrate_runtime::migrations::Migrations;
use tempfile::TempDir;

/// Finalized migrations with these names, ups and downs, a day apart; a name may have its version with it.
///
/// An empty down stands for an irreversible migration.
pub fn set(parts: &[(&str, &str, &str)]) -> Migrations {
    let (lock, migrations) = sealed(parts);
    Migrations::from_parts(&lock, &migrations).unwrap()
}

/// The same as files: a directory as `cargo dbmigrate` leaves it.
pub fn directory(parts: &[(&str, &str, &str)]) -> TempDir {
    let (lock, migrations) = sealed(parts);
    let directory = tempfile::Builder::new().prefix("dbmigrate-set").tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(directory.path().join("dbmigrate.lock"), lock.render()).unwrap();
    for migration in &migrations {
        for direction in [Direction::Up, Direction::Down] {
            if let Some(script) = migration.script(direction) {
                let path = directory.path().join(migration.id.file_name(direction));
                fs::write(path, &script.text).unwrap();
            }
        }
    }
    directory
}

fn sealed(parts: &[(&str, &str, &str)]) -> (Lock, Vec<Migration>) {
    let script = |text: &str| Script::parse(text.to_owned()).unwrap();
    let mut lock = Lock::default();
    let migrations: Vec<Migration> = parts
        .iter()
        .enumerate()
        .map(|(index, (name, up, down))| {
            let id = match name.starts_with('V') {
                true => (*name).to_owned(),
                false => format!("V202601{:02}120000__{name}", index + 1),
            };
            let (up, down) = match down.is_empty() {
                true => (script(&format!("-- dbmigrate: irreversible {name}\n{up}")), None),
                false => (script(up), Some(script(down))),
            };
            Migration { id: id.parse().unwrap(), up, down }
        })
        .collect();
    for migration in &migrations {
        append(&mut lock, migration, vec![]).unwrap();
    }
    (lock, migrations)
}
