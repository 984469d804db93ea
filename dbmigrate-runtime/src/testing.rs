//! One-line tests of migrations: [`assert_reversible`].
//!
//! ```no_run
//! # fn migrations() -> dbmigrate_runtime::migrations::Migrations { Default::default() }
//! #[test]
//! fn migrations_are_reversible() {
//!     let server = std::env::var("TEST_DATABASE_URL").unwrap();
//!     dbmigrate_runtime::testing::assert_reversible(migrations(), &server);
//! }
//! ```
//!
//! Each call makes a database of its own on the server, so tests may run at the same time. It is named
//! `dbmigrate_test_…` and dropped at the end, whatever the end is. What a killed test left is dropped by the next one on
//! that server. Nothing else on the server is touched, but by the migrations themselves: roles and tablespaces that they
//! make belong to the server and stay there unless a down drops them.

mod stairway;
mod throwaway;

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use tokio::runtime::Builder;

use crate::connect::Database;
use crate::engine::{Access, Migrator};
use crate::error::Error;
use crate::migration::Id;
use crate::migrations::{Migrations, SetError};
use crate::snapshot::DiffLine;
use stairway::Stairway;
use throwaway::Throwaway;

/// Proves that the migrations can be reverted, and panics where they cannot.
///
/// In an empty database, each migration goes up, down and up again. After each step the whole catalog is compared with
/// what it must be: after the down with what was there before the up, after the second up with what the first one made.
/// Then all that were proved so go down and up in one go. A migration that is declared irreversible is applied, and none
/// is reverted across it. The order of columns does not count: a column that a down puts back stands at the end.
///
/// `source` is what [`Migrator::new`] takes, and `server` the URL of any database on the server, or a [`Database`]. The role
/// needs the right to make databases. It works inside of an async runtime, too, but blocks it; see
/// [`assert_reversible_async`].
///
/// # Panics
/// With the migration's name and the difference as `+`, `-` and `~` lines; and when there is nothing to prove on: the set
/// cannot be loaded, the server cannot be reached, or it lets the role make no database.
#[track_caller]
#[allow(clippy::panic, reason = "an assertion")]
pub fn assert_reversible<S>(source: S, server: impl Into<Access<'static>>)
where
    S: TryInto<Migrations>,
    SetError: From<S::Error>,
{
    let (migrator, server) = (Migrator::new(source), server.into());
    let proof = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Runtime(error.to_string()))?;
        runtime.block_on(prove(migrator, server))
    };
    // A runtime may be under way on this thread.
    let result = thread::Builder::new().name("dbmigrate".to_owned()).spawn(proof);
    let result = match result.map(thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(error) => Err(Failure::Runtime(error.to_string())),
    };
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// As [`assert_reversible`], for tests on a tokio runtime with its network and time drivers.
///
/// # Panics
/// As [`assert_reversible`].
///
/// # Cancellation
/// Dropping the future drops the database, and blocks for a moment to do so.
#[allow(clippy::panic, reason = "an assertion")]
pub async fn assert_reversible_async<S>(source: S, server: impl Into<Access<'static>>)
where
    S: TryInto<Migrations>,
    SetError: From<S::Error>,
{
    if let Err(failure) = prove(Migrator::new(source), server.into()).await {
        panic!("{failure}");
    }
}

async fn prove(migrator: Result<Migrator, Error>, server: Access<'static>) -> Result<(), Failure> {
    let migrator = migrator.map_err(Failure::Stopped)?;
    let server: Database = match server {
        Access::Database(database) => *database,
        Access::Unusable(error) => return Err(Failure::Stopped(error.into())),
        Access::Client(_) => {
            let what = "a client cannot make the connections that a proof needs".to_owned();
            return Err(Failure::Server { what, hint: "name the server by a URL" });
        }
    };
    let throwaway = Throwaway::create(&server).await?;
    let proof = async { Stairway::new(&migrator, throwaway.database()).await?.climb().await }.await;
    let dropped = throwaway.remove().await;
    proof.and(dropped)
}

/// Why a proof failed.
enum Failure {
    /// The server is not fit for it.
    Server { what: String, hint: &'static str },
    /// The migrations cannot be run at all.
    Stopped(Error),
    /// The system had no thread or no descriptor left.
    Runtime(String),
    /// The catalog cannot be read.
    Catalog(anyhow::Error),
    /// A script failed.
    Script { what: String, error: Box<Error> },
    /// A script did not do what it must.
    Differs { what: String, lines: Vec<DiffLine> },
}

impl Failure {
    fn differs(what: String, lines: Vec<DiffLine>) -> Self {
        Self::Differs { what, lines }
    }

    fn script(id: &Id, does: &str) -> impl FnOnce(Error) -> Self {
        let what = format!("`{id}`: {does} fails");
        move |error| Self::Script { what, error: Box::new(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { what, hint } => write!(f, "{what}\nhint: {hint}"),
            Self::Stopped(error) => write!(f, "{error}\nhint: {}", error.hint()),
            Self::Runtime(error) => write!(f, "the proof cannot run: {error}"),
            Self::Catalog(error) => write!(f, "{error:#}"),
            Self::Script { what, error } => {
                write!(f, "{what}\n{error}")?;
                let excerpt = match &**error {
                    Error::Sql(error) => error.excerpt(),
                    _ => String::new(),
                };
                excerpt.lines().try_for_each(|line| write!(f, "\n{line}"))
            }
            Self::Differs { what, lines } => {
                write!(
                    f,
                    "{what}\n(`+` is there and should not be, `-` should be there, `~` is not as it should be)"
                )?;
                lines.iter().try_for_each(|line| write!(f, "\n{line}"))
            }
        }
    }
}
