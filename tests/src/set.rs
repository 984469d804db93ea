//! Sets of migrations for tests, made from texts.

use cargo_dbmigrate::directory::append;
use dbmigrate_runtime::lock::Lock;
use dbmigrate_runtime::migration::{Migration, Script};
use dbmigrate_runtime::migrations::Migrations;

/// Finalized migrations with these names, ups and downs, a day apart; a name may have its version with it.
///
/// An empty down stands for an irreversible migration.
pub fn set(parts: &[(&str, &str, &str)]) -> Migrations {
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
    Migrations::from_parts(&lock, &migrations).unwrap()
}
