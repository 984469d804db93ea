//! Migrates with dbmigrate-runtime.
//!
//! usage: `peer DIRECTORY URL TIMES`; prints the microseconds of each time, from the files to a migrated database.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use dbmigrate_runtime::lock::{self, Lock};
use dbmigrate_runtime::migration::{Direction, Migration, Script, Stage, parse_file_name};
use dbmigrate_runtime::migrations::Migrations;
use dbmigrate_runtime::{Migrator, Target};

async fn migrate(directory: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let migrator = Migrator::new(load(Path::new(directory))?)?;
    migrator.upgrade(url, Target::Head).await?;
    Ok(())
}

fn load(directory: &Path) -> Result<Migrations, Box<dyn Error>> {
    let lock = Lock::parse(&fs::read_to_string(directory.join(lock::FILE_NAME))?)?;
    let mut scripts = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| "a name that is not UTF-8")?;
        if name == lock::FILE_NAME {
            continue;
        }
        let (id, direction) = parse_file_name(&name, Stage::Finalized)?;
        let script = Script::parse(fs::read_to_string(entry.path())?)?;
        let slot: &mut (Option<Script>, Option<Script>) = scripts.entry(id).or_default();
        match direction {
            Direction::Up => slot.0 = Some(script),
            Direction::Down => slot.1 = Some(script),
        }
    }
    let migrations = scripts
        .into_iter()
        .map(|(id, (up, down))| Ok(Migration { id, up: up.ok_or("a down without its up")?, down }))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    Ok(Migrations::from_parts(&lock, &migrations)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: DIRECTORY URL TIMES");
    let (directory, url, times) = (next()?, next()?, next()?.parse::<u32>()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for _ in 0..times {
        let from = Instant::now();
        runtime.block_on(migrate(&directory, &url))?;
        println!("{}", from.elapsed().as_micros());
    }
    Ok(())
}
