//! A set of migrations that can be run: finalized ones that fit their lock, in its order, and drafts behind them. Pure.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::lock::{Lock, LockError, LockFault, Sealed, Statement};
use crate::migration::{
    Direction, DirectiveError, EncodingError, Id, Migration, NameError, Script, Stage, parse_file_name,
};
use crate::set::{self, Discrepancy};

/// Migrations in the order in which they run. Made from what a binary embeds ([`crate::embed!`]) or from parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrations {
    all: Vec<Runnable>,
}

/// One migration, and how it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runnable {
    /// Version and name.
    pub id: Id,
    /// Finalized or draft.
    pub stage: Stage,
    /// Applies it.
    pub up: Runs,
    /// Reverts it; `None` if it is declared irreversible.
    pub down: Option<Runs>,
}

/// A script, and how it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Text, hash and directives.
    pub script: Script,
    /// For a `no-transaction` script, its statements; `None` where all of it runs in one transaction.
    pub statements: Option<Vec<Statement>>,
}

impl Runs {
    /// A script with what the lock knows of it.
    pub fn new(script: Script, statements: Option<Vec<Statement>>) -> Self {
        Self { script, statements }
    }

    /// The text of the statement at an index of [`Runs::statements`]; `None` if there is none.
    pub fn statement(&self, index: usize) -> Option<(Statement, &str)> {
        let statements = self.statements.as_ref()?;
        let statement = *statements.get(index)?;
        let end = statements.get(index + 1).map_or(self.script.text.len(), |next| next.offset);
        Some((statement, self.script.text.get(statement.offset..end)?))
    }

    fn sealed(script: &Script, sealed: &Sealed) -> Option<Self> {
        let runs = Self { script: script.clone(), statements: sealed.statements.clone() };
        let count = runs.statements.as_ref().map_or(0, Vec::len);
        (0..count).all(|index| runs.statement(index).is_some()).then_some(runs)
    }
}

impl Runnable {
    /// Its script of one direction.
    pub fn runs(&self, direction: Direction) -> Option<&Runs> {
        match direction {
            Direction::Up => Some(&self.up),
            Direction::Down => self.down.as_ref(),
        }
    }

    /// Why there is no way back, if it is declared irreversible.
    pub fn irreversible(&self) -> Option<&str> {
        self.up.script.directives.irreversible.as_deref()
    }

    /// The name of its file of one direction.
    pub fn file_name(&self, direction: Direction) -> String {
        self.id.file_name_at(self.stage, direction)
    }
}

impl Migrations {
    /// Finalized migrations, checked against their lock: names, hashes, order and chain.
    ///
    /// # Errors
    /// They do not fit; every discrepancy is named.
    pub fn from_parts(lock: &Lock, migrations: &[Migration]) -> Result<Self, SetError> {
        let discrepancies = set::discrepancies(lock, migrations);
        if !discrepancies.is_empty() {
            return Err(SetError::Discrepancies(discrepancies));
        }
        let by_id: BTreeMap<&Id, &Migration> =
            migrations.iter().map(|migration| (&migration.id, migration)).collect();
        let mut all = Vec::with_capacity(migrations.len());
        for entry in lock.entries() {
            let unfit = || SetError::Statements(entry.id.clone());
            let migration = by_id.get(&entry.id).ok_or_else(unfit)?;
            let up = Runs::sealed(&migration.up, &entry.up).ok_or_else(unfit)?;
            let down = match (&migration.down, &entry.down) {
                (Some(script), Some(sealed)) => Some(Runs::sealed(script, sealed).ok_or_else(unfit)?),
                _ => None,
            };
            all.push(Runnable { id: entry.id.clone(), stage: Stage::Finalized, up, down });
        }
        Ok(Self { all })
    }

    /// Puts drafts behind the finalized migrations, in the order of their versions.
    #[must_use]
    pub fn with_drafts(mut self, drafts: impl IntoIterator<Item = Runnable>) -> Self {
        let mut drafts: Vec<Runnable> = drafts.into_iter().collect();
        drafts.sort_by(|a, b| a.id.cmp(&b.id));
        self.all.extend(drafts.into_iter().map(|draft| Runnable { stage: Stage::Draft, ..draft }));
        self
    }

    /// All, in the order in which they run.
    pub fn all(&self) -> &[Runnable] {
        &self.all
    }

    /// The newest finalized migration.
    pub fn head(&self) -> Option<&Runnable> {
        self.all.iter().rfind(|one| one.stage == Stage::Finalized)
    }
}

/// A set of files that cannot be run. Nothing was sent to any database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError {
    /// There is no `dbmigrate.lock`.
    NoLock,
    /// There is a directory of this name beside the migrations.
    Directory(String),
    /// The lock cannot be read.
    Lock(LockError),
    /// A file is not UTF-8, or holds a null character.
    Encoding {
        /// The file.
        file: String,
        /// What is wrong.
        fault: EncodingError,
    },
    /// A file's name is not that of a migration.
    Name {
        /// The file.
        file: String,
        /// What is wrong.
        fault: NameError,
    },
    /// A directive is not as it must be.
    Directive {
        /// The file.
        file: String,
        /// What is wrong, and where.
        fault: DirectiveError,
    },
    /// Two files have the same version.
    DuplicateVersion(Id, Id),
    /// A down without an up.
    DownWithoutUp(Id),
    /// Files and lock do not fit each other.
    Discrepancies(Vec<Discrepancy>),
    /// The lock's statements do not fit the text of this migration.
    Statements(Id),
}

impl SetError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoLock => "embed the directory that holds `dbmigrate.lock`, or run `cargo dbmigrate init`",
            Self::Name { file, .. } if parse_file_name(file, Stage::Draft).is_ok() => {
                "a draft is not shipped: move it to the drafts, and run `cargo dbmigrate consolidate`"
            }
            Self::Directory(_) | Self::Name { .. } => {
                "only finalized migrations and `dbmigrate.lock` belong into this directory: move it away"
            }
            Self::Encoding { .. } => "restore the file from version control; it was finalized as UTF-8",
            Self::Lock(error) => match error.fault {
                LockFault::Conflict => "`cargo dbmigrate explain lock-conflict` says how to settle it",
                LockFault::UnknownFormat => {
                    "build with the version of `dbmigrate-runtime` that goes with `cargo dbmigrate`"
                }
                _ => "restore `dbmigrate.lock` from version control; only `cargo dbmigrate` writes it",
            },
            Self::Discrepancies(found) => match &found[..] {
                [one] => one.hint(),
                _ => VERIFY,
            },
            Self::Statements(_) => {
                "restore `dbmigrate.lock` from version control; only `cargo dbmigrate` writes it"
            }
            Self::Directive { .. } | Self::DuplicateVersion(..) | Self::DownWithoutUp(_) => VERIFY,
        }
    }
}

const VERIFY: &str = "run `cargo dbmigrate verify`, which names each file and the way out, and build again";

/// So many discrepancies are written out; the command that the hint names shows all.
const WRITTEN_OUT: usize = 8;

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLock => f.write_str("there is no `dbmigrate.lock` beside the migrations"),
            Self::Directory(name) => write!(f, "`{name}` is a directory"),
            Self::Lock(error) => write!(f, "`dbmigrate.lock`, {error}"),
            Self::Encoding { file, fault } => write!(f, "`{file}` {fault}"),
            Self::Name { file, fault } => write!(f, "`{file}`: {fault}"),
            Self::Directive { file, fault } => write!(f, "`{file}`: {fault}"),
            Self::DuplicateVersion(a, b) => write!(f, "`{a}` and `{b}` have the same version"),
            Self::DownWithoutUp(id) => write!(f, "`{id}` has a down and no up"),
            Self::Discrepancies(found) => {
                f.write_str("the migrations do not fit `dbmigrate.lock`: ")?;
                for (index, discrepancy) in found.iter().take(WRITTEN_OUT).enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{discrepancy}")?;
                }
                match found.len().saturating_sub(WRITTEN_OUT) {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
            Self::Statements(id) => {
                write!(f, "the statements in `dbmigrate.lock` do not fit the text of `{id}`")
            }
        }
    }
}

impl Error for SetError {}

/// A set that is loaded already.
impl From<Infallible> for SetError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
