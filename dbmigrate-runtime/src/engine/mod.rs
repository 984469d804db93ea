//! Runs migrations on a database. The one engine of the tool and of shipped binaries.
//!
//! `plan` and `state` decide, without a database, what a history means and what runs; `session` makes one session the
//! only one that migrates; `link` runs a script with its row of the history, `journal` one that cannot run in a
//! transaction, with `statement` and `witness` to tell what an interrupted one has done; `run` ties them together,
//! tries again, and reconnects. `script` writes a plan down for `psql`.

mod history;
mod journal;
mod link;
mod options;
mod place;
mod plan;
mod run;
mod script;
mod session;
mod state;
mod statement;
mod target;
mod watch;
mod witness;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use crate::Error;
use crate::connect::{ConnectError, Database};
use crate::event::{Events, Observer};
use crate::migration::Id;
use crate::migrations::{Migrations, SetError};

use history::Table;
use options::Options;
pub use options::{DatabaseAhead, Drafts, OutOfOrder, Retries};
pub use plan::{Plan, Step};
pub use run::{Ran, Report};
#[cfg(feature = "testing")]
pub(crate) use session::rows;
pub use state::{Applied, Divergent, RowState, Status, WayBack};
pub use target::{Target, TargetError};

/// Where the database is: a client of the caller's, or how to connect.
///
/// With a [`Database`], or a URL, the engine makes its own connections: it can make a lost one anew, tells a pooler by it,
/// and says what a long statement waits for. With a client it does what can be done over one connection. The client must be
/// a direct, dedicated session: never one of a pool.
#[derive(Debug)]
#[non_exhaustive]
pub enum Access<'c> {
    /// A client of the caller's, outside of any transaction. Its session's settings are reset.
    Client(&'c mut Client),
    /// How to connect.
    Database(Box<Database>),
    /// What was given is no way to connect.
    Unusable(ConnectError),
}

impl<'c> From<&'c mut Client> for Access<'c> {
    fn from(client: &'c mut Client) -> Self {
        Self::Client(client)
    }
}

impl From<Database> for Access<'_> {
    fn from(database: Database) -> Self {
        Self::Database(Box::new(database))
    }
}

impl From<&Database> for Access<'_> {
    fn from(database: &Database) -> Self {
        database.clone().into()
    }
}

impl From<&str> for Access<'_> {
    fn from(url: &str) -> Self {
        Database::from_url(url).map_or_else(Self::Unusable, Self::from)
    }
}

impl From<&String> for Access<'_> {
    fn from(url: &String) -> Self {
        url.as_str().into()
    }
}

/// Migrations, and how to run them. Cheap to clone.
///
/// Every method that takes a database reads its history first, with one query. Where there is nothing to do, that is all:
/// no lock, no write. Reads never write and never create the history table.
#[derive(Clone)]
pub struct Migrator {
    migrations: Arc<Migrations>,
    table: Table,
    options: Options,
    events: Events,
}

impl Migrator {
    /// A migrator of what a binary embeds (`embed!("migrations")`), of a directory of the caller's, or of a loaded set.
    ///
    /// # Errors
    /// The files do not fit their lock ([`SetError`]). No database is asked.
    pub fn new<S>(source: S) -> Result<Self, Error>
    where
        S: TryInto<Migrations>,
        SetError: From<S::Error>,
    {
        let migrations = source.try_into().map_err(SetError::from)?;
        Ok(Self {
            migrations: Arc::new(migrations),
            table: Table::default(),
            options: Options::default(),
            events: Events::default(),
        })
    }

    /// The history table: `table` or `schema.table`, by default `public.dbmigrate_history`. The lock's key is made from it, so
    /// services that share a database and have different tables do not wait for each other.
    ///
    /// # Errors
    /// It is not the name of a table.
    pub fn history_table(mut self, name: &str) -> Result<Self, Error> {
        self.table = name.parse()?;
        Ok(self)
    }

    /// What to do when a newer program has migrated the database. Refused unless allowed.
    #[must_use]
    pub fn database_ahead(mut self, policy: DatabaseAhead) -> Self {
        self.options.database_ahead = policy;
        self
    }

    /// What to do with a migration that is older than the newest applied one. Refused unless allowed.
    #[must_use]
    pub fn out_of_order(mut self, policy: OutOfOrder) -> Self {
        self.options.out_of_order = policy;
        self
    }

    /// What an upgrade to head does with drafts.
    #[must_use]
    pub fn drafts(mut self, policy: Drafts) -> Self {
        self.options.drafts = policy;
        self
    }

    /// How long to wait for another session that migrates the same database. By default 15 minutes.
    #[must_use]
    pub fn lock_wait(mut self, longest: Duration) -> Self {
        self.options.lock_wait = longest;
        self
    }

    /// PostgreSQL's `lock_timeout` for migrations: how long a statement waits for a lock, and others behind it. A migration
    /// that runs into it is rolled back and tried again ([`Migrator::retries`]). By default 5 seconds; zero is no limit.
    ///
    /// It does not apply to `CREATE INDEX`, `DROP INDEX` and `REINDEX … CONCURRENTLY`: their waits stop neither readers nor
    /// writers, and what they have built so far would be lost. They wait, and [`Event::Running`](crate::Event::Running) names
    /// the sessions that they wait for. A `SET lock_timeout` before them, in the file, limits them nevertheless.
    #[must_use]
    pub fn lock_timeout(mut self, longest: Duration) -> Self {
        self.options.lock_timeout = longest;
        self
    }

    /// PostgreSQL's `statement_timeout` for migrations. By default none, whatever the server or the role has.
    #[must_use]
    pub fn statement_timeout(mut self, longest: Option<Duration>) -> Self {
        self.options.statement_timeout = longest;
        self
    }

    /// How often a migration is tried that could not get a lock in time or lost a deadlock.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.options.retries = retries;
        self
    }

    /// For how long a server that cannot be reached, went away or takes no writes is tried again, counted anew after each
    /// success. By default 30 seconds. Only where the engine connects by itself.
    #[must_use]
    pub fn reconnect(mut self, longest: Duration) -> Self {
        self.options.reconnect = longest;
        self
    }

    /// Who is told what happens. The same goes out as `tracing` events.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.events.0 = Some(Arc::new(observer));
        self
    }

    #[cfg(feature = "cli")]
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Tells another observer beside the one that there is.
    #[cfg(feature = "cli")]
    pub(crate) fn observed_too(mut self, second: impl Observer + 'static) -> Self {
        let first = self.events.0.take();
        self.observer(move |event: &crate::Event| {
            if let Some(first) = &first {
                first.event(event);
            }
            second.event(event);
        })
    }

    /// The same for programs without an async runtime.
    #[must_use]
    pub fn blocking(&self) -> crate::blocking::Migrator {
        self.clone().into()
    }

    /// The migrations.
    pub fn migrations(&self) -> &Migrations {
        &self.migrations
    }

    /// Applies what is pending, up to the target.
    ///
    /// Any number of programs may do this at the same time: one migrates, the others wait until there is nothing left to do.
    /// Where the target is already reached, nothing happens: it never reverts.
    ///
    /// # `no-transaction` migrations
    /// Each statement runs in a transaction of its own, together with a note of it in the history. One that PostgreSQL does
    /// not run in a transaction runs alone, and what is true before it is noted first. If it is interrupted, by whatever, the
    /// next run of any program goes on there: the catalog tells whether an index was made or dropped `CONCURRENTLY`, a
    /// partition detached, a database, tablespace or subscription made or dropped; invalid indexes that it left are dropped,
    /// and a pending detachment is finalized. `VACUUM`, `REINDEX`, `ALTER SYSTEM` and the like run again. So does what commits
    /// by itself, as a `CALL` or `DO` may: it runs *at least* once, and
    /// [`Event::RunAgain`](crate::Event::RunAgain) says so. Write it so that it may run twice.
    ///
    /// All statements of a file run in one session, and what `SET`, `RESET` and `SELECT set_config(…, false)` have set is set
    /// again before a new session goes on. Temporary tables, prepared statements, cursors, advisory locks, `LISTEN` and
    /// `currval` are not restored: a statement must not need those of an earlier one.
    ///
    /// # Errors
    /// A migration that fails is rolled back and stays pending, those before it stay applied; of a `no-transaction` one, the
    /// statements before the one that failed stay done, and the next run goes on there. See [`Error`] for the rest.
    ///
    /// # Cancellation
    /// Dropping the future loses no history. A connection of the engine's own closes, and the server rolls back within a
    /// second. A borrowed client must be dropped too: it may hold the lock and an open transaction.
    pub async fn upgrade<'c>(&self, at: impl Into<Access<'c>>, target: Target) -> Result<Report, Error> {
        self.go(at.into(), run::Way::Up(target)).await
    }

    /// Reverts what is applied, the newest first, down to the target, which stays applied.
    ///
    /// A migration that this program does not have, or has with another text, is reverted with the down that the history
    /// holds.
    ///
    /// # Errors
    /// As [`Migrator::upgrade`]. An irreversible migration on the way is refused before anything runs.
    ///
    /// # Cancellation
    /// As [`Migrator::upgrade`].
    pub async fn downgrade<'c>(&self, at: impl Into<Access<'c>>, target: Target) -> Result<Report, Error> {
        self.go(at.into(), run::Way::Down(target)).await
    }

    /// Makes the history say that exactly the migrations up to the target are applied, and runs nothing.
    ///
    /// # Errors
    /// See [`Error`]. All of it happens or nothing.
    pub async fn stamp<'c>(&self, at: impl Into<Access<'c>>, target: Target) -> Result<Report, Error> {
        self.go(at.into(), run::Way::Stamp(target)).await
    }

    /// What an upgrade to this target would run. Writes nothing.
    ///
    /// # Errors
    /// What the upgrade would refuse.
    pub async fn plan<'c>(&self, at: impl Into<Access<'c>>, target: Target) -> Result<Plan, Error> {
        self.planned(at.into(), run::Way::Up(target)).await
    }

    /// What a downgrade to this target would run. Writes nothing.
    ///
    /// # Errors
    /// What the downgrade would refuse.
    pub async fn plan_downgrade<'c>(&self, at: impl Into<Access<'c>>, target: Target) -> Result<Plan, Error> {
        self.planned(at.into(), run::Way::Down(target)).await
    }

    /// What a stamp with this target would take out of the history and add to it. Writes nothing.
    ///
    /// # Errors
    /// What the stamp would refuse.
    pub async fn plan_stamp<'c>(&self, at: impl Into<Access<'c>>, target: Target) -> Result<Report, Error> {
        self.planned_stamp(at.into(), target).await
    }

    /// What is applied, pending, divergent, missing. Writes nothing.
    ///
    /// # Errors
    /// The database cannot be read, or what stands in the history's place is something else.
    pub async fn status<'c>(&self, at: impl Into<Access<'c>>) -> Result<Status, Error> {
        Ok(Status::of(&self.migrations, &self.read(at.into()).await?))
    }

    /// The rows of the history, in the order of versions. Writes nothing.
    ///
    /// # Errors
    /// As [`Migrator::status`].
    pub async fn history<'c>(&self, at: impl Into<Access<'c>>) -> Result<Vec<Applied>, Error> {
        self.read(at.into()).await
    }

    /// Fails unless an upgrade would have nothing to do: for programs that are migrated by something else, at their start.
    /// Sends one query and writes nothing.
    ///
    /// # Errors
    /// [`Error::Pending`], or what an upgrade would refuse.
    pub async fn verify_up_to_date<'c>(&self, at: impl Into<Access<'c>>) -> Result<(), Error> {
        let plan = self.planned(at.into(), run::Way::Up(Target::Head)).await?;
        let pending: Vec<Id> = plan.steps.into_iter().map(|step| step.id).collect();
        if pending.is_empty() { Ok(()) } else { Err(Error::Pending(pending)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Servers put them on other threads.
    #[test]
    fn futures_are_send() {
        fn send<T: Send>(_: T) {}
        let migrator = Migrator::new(Migrations::default()).unwrap();
        let url = "postgres://localhost";
        send(migrator.upgrade(url, Target::Head));
        send(migrator.downgrade(url, Target::Base));
        send(migrator.stamp(url, Target::Head));
        send(migrator.plan(url, Target::Head));
        send(migrator.plan_downgrade(url, Target::Base));
        send(migrator.status(url));
        send(migrator.history(url));
        send(migrator.verify_up_to_date(url));
    }
}
