//! A program that migrates its database at its start, as a shipped one does: the tests start many of them, and kill some.
//!
//! Its migrations are a directory that is read when it runs. Events go to stdout, one a line; an error goes to stderr with
//! its id and its hint, and ends it with status 2.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what tests read")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dbmigrate_runtime::engine::{DatabaseAhead, OutOfOrder, Report, Retries};
use dbmigrate_runtime::lock::Lock;
use dbmigrate_runtime::migration::{Direction, Id, Migration, Script, Stage, normalise, parse_file_name};
use dbmigrate_runtime::migrations::{Migrations, SetError};
use dbmigrate_runtime::{Event, Migrator, Target};

const USAGE: &str = "usage: replica upgrade|downgrade|stamp|status --url URL --migrations DIR [--target TARGET] \
    [--history-table NAME] [--lock-timeout MS] [--lock-wait MS] [--statement-timeout MS] [--reconnect MS] \
    [--attempts N] [--pause MS] [--database-ahead refuse|allow] [--out-of-order refuse|apply]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let error = match run().await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    match error.downcast_ref::<dbmigrate_runtime::Error>() {
        Some(error) => eprintln!("error[{}]: {error}\n\nhint: {}", error.id(), error.hint()),
        None => eprintln!("{error}\n{USAGE}"),
    }
    ExitCode::from(2)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let command = words.next().ok_or("no command")?;
    let mut options = BTreeMap::new();
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{name}` has no value"))?;
        options.insert(name.strip_prefix("--").ok_or("not an option")?.to_owned(), value);
    }
    let mut option = |name: &str| options.remove(name);
    let url = option("url").ok_or("no `--url`")?;
    let directory = option("migrations").ok_or("no `--migrations`")?;
    let loaded = load(Path::new(&directory)).map_err(dbmigrate_runtime::Error::from)?;
    let mut migrator = Migrator::new(loaded)?.observer(|event: &Event| println!("{}", line(event)));
    let milliseconds = |text: String| text.parse().map(Duration::from_millis);
    let target = match option("target") {
        Some(target) => target.parse().map_err(dbmigrate_runtime::Error::from)?,
        None if command == "downgrade" => Target::Base,
        None => Target::Head,
    };
    if let Some(name) = option("history-table") {
        migrator = migrator.history_table(&name)?;
    }
    if let Some(text) = option("lock-timeout") {
        migrator = migrator.lock_timeout(milliseconds(text)?);
    }
    if let Some(text) = option("lock-wait") {
        migrator = migrator.lock_wait(milliseconds(text)?);
    }
    if let Some(text) = option("statement-timeout") {
        migrator = migrator.statement_timeout(Some(milliseconds(text)?));
    }
    if let Some(text) = option("reconnect") {
        migrator = migrator.reconnect(milliseconds(text)?);
    }
    let mut retries = Retries::default();
    if let Some(text) = option("attempts") {
        retries.attempts = text.parse()?;
    }
    if let Some(text) = option("pause") {
        retries.pause = milliseconds(text)?;
    }
    migrator = migrator.retries(retries);
    migrator = match option("database-ahead").as_deref() {
        Some("allow") => migrator.database_ahead(DatabaseAhead::Allow),
        _ => migrator.database_ahead(DatabaseAhead::Refuse),
    };
    migrator = match option("out-of-order").as_deref() {
        Some("apply") => migrator.out_of_order(OutOfOrder::Apply),
        _ => migrator.out_of_order(OutOfOrder::Refuse),
    };
    if let Some(name) = options.keys().next() {
        return Err(format!("unknown option `--{name}`").into());
    }
    match command.as_str() {
        "upgrade" => report(&migrator.upgrade(&url, target).await?),
        "downgrade" => report(&migrator.downgrade(&url, target).await?),
        "stamp" => report(&migrator.stamp(&url, target).await?),
        "status" => {
            let status = migrator.status(&url).await?;
            status.applied.iter().for_each(|row| println!("applied {}", row.id));
            status.pending.iter().for_each(|(id, _)| println!("pending {id}"));
        }
        other => return Err(format!("unknown command `{other}`").into()),
    }
    Ok(())
}

/// The migrations of a directory, as the compiler embeds them.
fn load(directory: &Path) -> Result<Migrations, SetError> {
    let mut lock = None;
    let mut scripts: BTreeMap<Id, BTreeMap<Direction, Script>> = BTreeMap::new();
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap_or_default();
        let text = normalise(&bytes).map_err(|fault| SetError::Encoding { file: file.clone(), fault })?;
        if file == "dbmigrate.lock" {
            lock = Some(Lock::parse(&text).map_err(SetError::Lock)?);
            continue;
        }
        let (id, direction) = parse_file_name(&file, Stage::Finalized)
            .map_err(|fault| SetError::Name { file: file.clone(), fault })?;
        let script = Script::parse(text.into_owned()).map_err(|fault| SetError::Directive { file, fault })?;
        scripts.entry(id).or_default().insert(direction, script);
    }
    let mut migrations: Vec<Migration> = Vec::new();
    for (id, mut pair) in scripts {
        let up = pair.remove(&Direction::Up).ok_or_else(|| SetError::DownWithoutUp(id.clone()))?;
        if let Some(same) = migrations.last().filter(|last| last.id.version == id.version) {
            return Err(SetError::DuplicateVersion(same.id.clone(), id));
        }
        migrations.push(Migration { id, up, down: pair.remove(&Direction::Down) });
    }
    Migrations::from_parts(&lock.ok_or(SetError::NoLock)?, &migrations)
}

fn report(report: &Report) {
    report.ran.iter().for_each(|ran| println!("ran {} {}", ran.direction, ran.id));
}

fn line(event: &Event) -> String {
    match event {
        Event::Waiting { holder, .. } => {
            format!("waiting for {}", holder.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        Event::Began { steps } => format!("began {steps}"),
        Event::Started { id, direction, .. } => format!("started {direction} {id}"),
        Event::Statement { id, number, of } => format!("statement {number} of {of} {id}"),
        Event::Resumed { id, direction, done } => format!("resumed {direction} {id} after {done}"),
        Event::Batch { id, rows, total, .. } => format!("batch {rows} {total} {id}"),
        Event::Running { id, .. } => format!("running {id}"),
        Event::InvalidIndexDropped { index, .. } => format!("dropped {index}"),
        Event::Retrying { id, attempt, why, .. } => format!("retrying {id} after {attempt}: {why}"),
        Event::Reconnecting { why, .. } => format!("reconnecting: {why}"),
        Event::Finished { id, direction, .. } => format!("finished {direction} {id}"),
        _ => "something else".to_owned(),
    }
}
