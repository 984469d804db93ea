//! Work on a database that is there: which one, with which migrations, and what came of it. Everything that changes or
//! reads a history is the engine's of `dbmigrate-runtime`; here it gets what the project has, and its answers are put in
//! the tool's words. This room prints nothing.

mod failure;
mod guard;
mod overview;

use dbmigrate_runtime::Migrator;
use dbmigrate_runtime::engine::{Applied, DatabaseAhead, Drafts, OutOfOrder, Plan, Ran};
use dbmigrate_runtime::migration::{Direction, Id, Migration, Stage};
use dbmigrate_runtime::migrations::{Migrations, Runnable, Runs};
use dbmigrate_runtime::{Observer, connect::Connected};

use crate::config::{Config, Place, Protection};
use crate::directory::seal;
use crate::problem::{Finding, Refusal};

pub use failure::refusal;
pub use guard::{Change, Consent, Question, changes, without_drafts};
pub use overview::{Overview, overview};

/// What a run is allowed to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies {
    /// With a database that a newer version has migrated.
    pub database_ahead: DatabaseAhead,
    /// With migrations that are older than the newest applied one.
    pub out_of_order: OutOfOrder,
    /// With drafts.
    pub drafts: Drafts,
}

/// A database, and the migrations that are to be there.
pub struct Operation {
    /// Which database, and how to treat it.
    pub place: Place,
    /// The engine.
    pub migrator: Migrator,
    /// Where the files are, for messages.
    files: Files,
}

/// How messages call the directories.
#[derive(Clone, Debug)]
pub struct Files {
    finalized: std::path::PathBuf,
    drafts: std::path::PathBuf,
}

impl Files {
    /// The path of a file that the engine calls by its name.
    fn shown(&self, name: &str) -> std::path::PathBuf {
        // A draft's name begins with a digit.
        if name.starts_with('V') { self.finalized.join(name) } else { self.drafts.join(name) }
    }
}

/// What came of reading the project's migrations.
pub enum Opened {
    /// They can be run.
    Ready(Box<Operation>),
    /// Something is wrong with them, and nothing runs.
    Findings(Vec<Finding>),
}

impl Operation {
    /// Reads the migrations. No connection is made.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub fn open(
        config: &Config,
        place: Place,
        policies: Policies,
        observer: impl Observer + 'static,
    ) -> Result<Opened, Refusal> {
        let finalized = config.migrations.read(Stage::Finalized)?;
        let drafts = config.drafts.read(Stage::Draft)?;
        let problems: Vec<Finding> = finalized.problems.into_iter().chain(drafts.problems).collect();
        if !problems.is_empty() {
            return Ok(Opened::Findings(problems));
        }
        let files = Files { finalized: config.migrations.shown.clone(), drafts: config.drafts.shown.clone() };
        let failed = |error: dbmigrate_runtime::Error| refusal(error, &files);
        let lock = finalized.lock.unwrap_or_default();
        let set =
            Migrations::from_parts(&lock, &finalized.migrations).map_err(|error| failed(error.into()))?;
        let set = set.with_drafts(drafts.migrations.into_iter().map(draft));
        // On a protected database drafts wait until they are finalized.
        let drafts = match place.protection {
            Protection::Open => policies.drafts,
            Protection::Protected => Drafts::Leave,
        };
        let migrator = Migrator::new(set)
            .and_then(|migrator| migrator.history_table(&config.history_table))
            .map_err(failed)?
            .database_ahead(policies.database_ahead)
            .out_of_order(policies.out_of_order)
            .drafts(drafts)
            .lock_timeout(place.lock_timeout)
            .statement_timeout(place.statement_timeout)
            .observer(observer);
        Ok(Opened::Ready(Box::new(Self { place, migrator, files })))
    }

    /// A connection, for reading.
    ///
    /// # Errors
    /// There is none.
    pub async fn connect(&self) -> Result<Connected, Refusal> {
        let connected = self.place.database.connect().await;
        connected.map_err(|error| self.refusal(error.into()))
    }

    /// The engine's error in the tool's words.
    pub fn refusal(&self, error: dbmigrate_runtime::Error) -> Refusal {
        refusal(error, &self.files)
    }
}

/// A draft as it is run: its statements are found as they will be when it is finalized.
fn draft(migration: Migration) -> Runnable {
    let runs = |script: dbmigrate_runtime::migration::Script| {
        let statements = seal(&script).statements;
        Runs::new(script, statements)
    };
    Runnable { id: migration.id, stage: Stage::Draft, up: runs(migration.up), down: migration.down.map(runs) }
}

/// What a command on a database has to tell.
#[derive(Clone, Debug)]
pub struct Told {
    /// The command's name.
    pub command: &'static str,
    /// Which database, without a password.
    pub database: String,
    /// The environment that it was chosen by.
    pub environment: Option<String>,
    /// What was asked for.
    pub answer: Answer,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub enum Answer {
    /// `status`.
    Status(Box<Overview>),
    /// `history`: what was applied, and with `--graph` what is pending.
    History(History),
    /// `plan`, or a dry run: what would run, and the script.
    Plan(Plan, String),
    /// What ran.
    Ran(Vec<Ran>),
    /// What a stamp wrote into the history.
    Stamped(Vec<Ran>),
}

/// What was applied.
#[derive(Clone, Debug)]
pub struct History {
    /// The rows, oldest first and drafts last.
    pub applied: Vec<Applied>,
    /// What is not applied, and its stage, if that was asked for.
    pub graph: Option<Vec<(Id, Stage)>>,
    /// The newest finalized migration.
    pub head: Option<Id>,
}

/// The name of a step or a row, as messages have it.
pub fn name(id: &Id, stage: Stage) -> String {
    id.stem(stage)
}

/// The words for a direction that has been gone.
pub fn gone(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "applied",
        Direction::Down => "reverted",
    }
}
