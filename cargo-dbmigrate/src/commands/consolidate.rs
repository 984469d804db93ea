//! `consolidate`: turns the drafts into finalized migrations, once they are proved to give the same catalog.

use dbmigrate_runtime::lock::Lock;
use dbmigrate_runtime::migration::{Direction, Migration, Stage};

use crate::commands::{Exit, session, throwaway};
use crate::config::Config;
use crate::consolidate::{self, Proposal, compose};
use crate::directory::{self, Change, Contents, Directory};
use crate::problem::{Kind, Refusal};
use crate::report::{Done, Reporter};
use crate::verify::outcome::{Event, Observer};

/// Runs the command.
///
/// # Errors
/// There are no drafts, the files are not in order, or the proof fails. Nothing has been changed then.
pub async fn run(
    config: &Config,
    name: Option<&str>,
    reporter: &Reporter,
    observer: &dyn Observer,
) -> anyhow::Result<Exit> {
    let (finalized, drafts) = read(config)?;
    if drafts.migrations.is_empty() {
        let message = format!("there are no drafts in `{}`", config.drafts.shown.display());
        let hint = "`cargo dbmigrate new NAME` writes one";
        return Err(Refusal::new(Kind::DraftsMissing, message, hint).into());
    }
    let name = match name {
        Some(name) => directory::name_of(name)?,
        None => common_name(&drafts.migrations),
    };
    let version = directory::next_version(&finalized, &drafts)?;
    let composed = compose::compose(&drafts.migrations, version, &name)
        .map_err(|error| Refusal::new(Kind::BadName, format!("`{name}`: {error}"), "give another name"))?;

    let note = |text: &str| observer.event(&Event::Note(text));
    let proposal = Proposal {
        finalized: &finalized.migrations,
        drafts: &drafts.migrations,
        composed: &composed,
        migrations_directory: &config.migrations.shown,
        drafts_directory: &config.drafts.shown,
        strict: config.strict,
        timeout: config.timeout,
    };
    let server = throwaway(config)?;
    let outcome = session::with_server(&server, &note, async |server| {
        consolidate::prove(server, &proposal, observer).await
    })
    .await?;
    if !consolidate::is_proved(&outcome) {
        reporter.outcome(&outcome)?;
        observer.event(&Event::Note("nothing was written: change the drafts and try again"));
        return Ok(Exit::Findings);
    }

    unchanged(config, &finalized, &drafts)?;
    let mut lock = finalized.lock.unwrap_or_default();
    let (change, mut done) = changes(config, &composed, &drafts.migrations, &mut lock)?;
    change.apply()?;
    done.server = outcome.server;
    done.findings = outcome.findings;
    reporter.done(&done)?;
    Ok(Exit::Fine)
}

/// What is finalized, and the drafts, all in order.
fn read(config: &Config) -> Result<(Contents, Contents), Refusal> {
    let finalized = config.migrations.read(Stage::Finalized)?;
    finalized.refuse()?;
    let drafts = config.drafts.read(Stage::Draft)?;
    drafts.refuse()?;
    Ok((finalized, drafts))
}

/// Only what was proved is finalized, and only that is removed. A proof takes its time: an editor, a checkout or another
/// run may have changed the files since they were read.
fn unchanged(config: &Config, finalized: &Contents, drafts: &Contents) -> Result<(), Refusal> {
    let (finalized_now, drafts_now) = read(config)?;
    let differ = |then: &Contents, now: &Contents| then.migrations != now.migrations || then.lock != now.lock;
    let directory = if differ(drafts, &drafts_now) {
        &config.drafts
    } else if differ(finalized, &finalized_now) {
        &config.migrations
    } else {
        return Ok(());
    };
    let message = format!("`{}` changed while it was proved", directory.shown.display());
    Err(Refusal::new(Kind::ChangedMeanwhile, message, "run it again; nothing was written"))
}

/// The name of what comes of these drafts if none was given.
fn common_name(drafts: &[Migration]) -> String {
    match drafts {
        [only] => only.id.name.clone(),
        [first, second] => format!("{}_and_{}", first.id.name, second.id.name),
        [first, more @ ..] => format!("{}_and_{}_more", first.id.name, more.len()),
        [] => String::new(),
    }
}

/// What to write and remove, and what to say of it.
fn changes(
    config: &Config,
    composed: &[compose::Composed],
    drafts: &[Migration],
    lock: &mut Lock,
) -> anyhow::Result<(Change, Done)> {
    let count = |number: usize, what: &str| {
        if number == 1 { format!("one {what}") } else { format!("{number} {what}s") }
    };
    let (from, to) = (count(drafts.len(), "draft"), count(composed.len(), "finalized migration"));
    let mut done = Done::new("consolidate", format!("{from} became {to}, proved to give the same catalog"));
    let mut change = Change::default();
    for one in composed {
        for direction in [Direction::Up, Direction::Down] {
            if let Some(script) = one.migration.script(direction) {
                let file = one.migration.id.file_name(direction);
                done = done.item("created", config.migrations.shown.join(&file));
                change.create.push((config.migrations.path.join(file), script.text.clone()));
            }
        }
        directory::append(lock, &one.migration, one.replaces.clone())
            .map_err(|error| anyhow::anyhow!("`{}` cannot be locked: {error}", one.migration.id))?;
    }
    done = done.item("changed", shown_lock(&config.migrations));
    change.replace.push((config.migrations.lock_path(), lock.render()));
    for draft in drafts {
        for direction in [Direction::Up, Direction::Down] {
            if draft.script(direction).is_some() {
                let file = draft.id.file_name_at(Stage::Draft, direction);
                done = done.item("removed", config.drafts.shown.join(&file));
                change.remove.push(config.drafts.path.join(file));
            }
        }
    }
    Ok((change, done))
}

fn shown_lock(directory: &Directory) -> std::path::PathBuf {
    directory.shown.join(dbmigrate_runtime::lock::FILE_NAME)
}
