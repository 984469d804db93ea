//! For programs without an async runtime: the same migrator, whose methods return when it is done.
//!
//! ```no_run
//! use dbmigrate_runtime::{Migrator, Target};
//! # fn migrations() -> dbmigrate_runtime::migrations::Migrations { Default::default() }
//!
//! let migrator = Migrator::new(migrations())?;
//! migrator.blocking().upgrade("postgres://app@localhost/shop", Target::Head)?;
//! # Ok::<(), dbmigrate_runtime::Error>(())
//! ```
//!
//! Each call has a current-thread runtime of its own and leaves nothing running. A program that does have a runtime may
//! call them too, at the price of a blocked thread; the methods of [`crate::Migrator`] are better there.

use std::future::Future;
use std::io;
use std::panic::resume_unwind;
use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::engine::{Access, Applied, Plan, Report, Status, Target};
use crate::migrations::Migrations;
use crate::{Error, Migrator as Inner};

/// A migrator whose methods block. Made by [`crate::Migrator::blocking`].
#[derive(Clone)]
pub struct Migrator(Inner);

impl From<Inner> for Migrator {
    fn from(migrator: Inner) -> Self {
        Self(migrator)
    }
}

/// Each method is the one of [`crate::Migrator`] with the same name, and blocks the calling thread until it is done. Besides
/// that method's errors there is [`Error::Runtime`]: the system had no thread or no descriptor left.
impl Migrator {
    /// The migrations.
    pub fn migrations(&self) -> &Migrations {
        self.0.migrations()
    }

    /// See [`crate::Migrator::upgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn upgrade(&self, at: impl Into<Access<'static>>, target: Target) -> Result<Report, Error> {
        let at = at.into();
        wait(move || self.0.upgrade(at, target))
    }

    /// See [`crate::Migrator::downgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn downgrade(&self, at: impl Into<Access<'static>>, target: Target) -> Result<Report, Error> {
        let at = at.into();
        wait(move || self.0.downgrade(at, target))
    }

    /// See [`crate::Migrator::stamp`].
    ///
    /// # Errors
    /// As there.
    pub fn stamp(&self, at: impl Into<Access<'static>>, target: Target) -> Result<Report, Error> {
        let at = at.into();
        wait(move || self.0.stamp(at, target))
    }

    /// See [`crate::Migrator::plan`].
    ///
    /// # Errors
    /// As there.
    pub fn plan(&self, at: impl Into<Access<'static>>, target: Target) -> Result<Plan, Error> {
        let at = at.into();
        wait(move || self.0.plan(at, target))
    }

    /// See [`crate::Migrator::plan_downgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn plan_downgrade(&self, at: impl Into<Access<'static>>, target: Target) -> Result<Plan, Error> {
        let at = at.into();
        wait(move || self.0.plan_downgrade(at, target))
    }

    /// See [`crate::Migrator::status`].
    ///
    /// # Errors
    /// As there.
    pub fn status(&self, at: impl Into<Access<'static>>) -> Result<Status, Error> {
        let at = at.into();
        wait(move || self.0.status(at))
    }

    /// See [`crate::Migrator::history`].
    ///
    /// # Errors
    /// As there.
    pub fn history(&self, at: impl Into<Access<'static>>) -> Result<Vec<Applied>, Error> {
        let at = at.into();
        wait(move || self.0.history(at))
    }

    /// See [`crate::Migrator::verify_up_to_date`].
    ///
    /// # Errors
    /// As there.
    pub fn verify_up_to_date(&self, at: impl Into<Access<'static>>) -> Result<(), Error> {
        let at = at.into();
        wait(move || self.0.verify_up_to_date(at))
    }
}

/// Runs a future to its end on a runtime of its own. Where the caller's thread drives a runtime already, which may not wait
/// for another one, this happens on a thread beside it, with the caller's `tracing` subscriber and span.
pub(crate) fn wait<T, F>(work: impl FnOnce() -> F + Send) -> Result<T, Error>
where
    T: Send,
    F: Future<Output = Result<T, Error>>,
{
    if Handle::try_current().is_err() {
        return alone(work);
    }
    let subscriber = tracing::dispatcher::get_default(Clone::clone);
    let span = tracing::Span::current();
    thread::scope(|scope| {
        let beside = thread::Builder::new().name("dbmigrate".to_owned()).spawn_scoped(scope, || {
            tracing::dispatcher::with_default(&subscriber, || span.in_scope(|| alone(work)))
        });
        match beside.map_err(|error| Error::Runtime(error.to_string()))?.join() {
            Ok(result) => result,
            // An observer's panic is the caller's to see.
            Err(panic) => resume_unwind(panic),
        }
    })
}

fn alone<T, F: Future<Output = Result<T, Error>>>(work: impl FnOnce() -> F) -> Result<T, Error> {
    let made: io::Result<_> = Builder::new_current_thread().enable_all().build();
    let runtime = made.map_err(|error| Error::Runtime(error.to_string()))?;
    let result = runtime.block_on(async { work().await });
    // A look-up of a host's name that hangs must not hold the caller.
    runtime.shutdown_background();
    result
}
