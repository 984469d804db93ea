//! Throwaway databases, each with a session on it: what the proof runs on.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use dbmigrate_runtime::migration::Direction;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Statement};

use crate::server::{Database, Server};
use crate::snapshot::{Reader, Snapshot, Tallies, Within};
use crate::verify::Request;
use crate::verify::execute::{Commit, Failure, Job};
use crate::verify::plan::{self, Subject};
use crate::verify::roles::Roles;

/// What a session starts with, and what `RESET ALL` brings it back to: the catalog is read hundreds of times with the
/// same statements, so they are planned once.
///
/// What `ALTER DATABASE … SET` says of timeouts must not end the proof's own work.
const OPTIONS: &str = "-c plan_cache_mode=force_generic_plan -c jit=off -c client_min_messages=warning \
    -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0";

const SEQUENCES: &str = "could not read the sequences";

/// How the catalog is read between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Only what changed since the snapshot before.
    Changes,
    /// Everything, every time.
    Everything,
}

/// One connection and its prepared catalog reader.
struct Session {
    client: Client,
    connection: JoinHandle<()>,
    reader: Reader,
    /// Reads how far every sequence has come.
    sequences: Statement,
    /// Something still runs on it that cannot be ended, or it broke.
    lost: bool,
}

impl Session {
    async fn open(server: &Server, database: &Database, tallies: Tallies) -> anyhow::Result<Self> {
        let mut config = server.config(database.name());
        config.options(OPTIONS).application_name("cargo-dbmigrate");
        let (client, connection) =
            config.connect(NoTls).await.context("could not connect to a throwaway database")?;
        let connection = tokio::spawn(async move {
            // An error here is seen by whoever uses the client.
            _ = connection.await;
        });
        let reader = Reader::new(&client, &[], tallies).await;
        let reader = reader.context("could not prepare the catalog's queries")?;
        let text = "SELECT seqrelid, pg_catalog.pg_sequence_last_value(seqrelid) FROM pg_catalog.pg_sequence";
        let sequences = client.prepare(text).await.context(SEQUENCES)?;
        Ok(Self { client, connection, reader, sequences, lost: false })
    }

    /// Ends the session; the server has seen it when this returns.
    async fn close(self) {
        drop((self.client, self.reader));
        _ = tokio::time::timeout(Duration::from_secs(5), self.connection).await;
    }
}

/// What all databases of one proof share.
pub struct Workshop<'a> {
    /// Where the databases are.
    pub server: &'a Server,
    /// What is to be proved.
    pub request: &'a Request<'a>,
    /// How the catalog is read.
    pub reading: Reading,
    tallies: Tallies,
    roles: Roles<'a>,
}

impl<'a> Workshop<'a> {
    /// Notes what the server is like before anything is done to it.
    pub async fn new(server: &'a Server, request: &'a Request<'a>, reading: Reading) -> anyhow::Result<Self> {
        let roles = Roles::note(server, request.subjects).await?;
        let trusted = plan::writes_are_counted(request.subjects);
        let tallies = if trusted { Tallies::Trusted } else { Tallies::Ignored };
        Ok(Self { server, request, reading, tallies, roles })
    }

    /// An empty database, prepared by the setup SQL, on a server without leftovers of the migrations.
    pub async fn empty(&'a self) -> anyhow::Result<Bench<'a>> {
        let database = self.server.create_database().await?;
        self.roles.remove_new().await?;
        let session = Session::open(self.server, &database, self.tallies).await?;
        Ok(Bench { shop: self, database, session })
    }

    /// An empty database while another one is in use: the server is left as it is.
    pub async fn beside(&'a self) -> anyhow::Result<Bench<'a>> {
        let database = self.server.create_database().await?;
        let session = Session::open(self.server, &database, self.tallies).await?;
        Ok(Bench { shop: self, database, session })
    }

    /// Whether the migrations have made nothing that databases share, as far as can be seen.
    pub async fn shared_is_as_before(&self) -> anyhow::Result<bool> {
        self.roles.is_as_before().await
    }

    /// A database to which these migrations have been applied, which is known to work.
    pub async fn replayed(&'a self, subjects: &[Subject]) -> anyhow::Result<Bench<'a>> {
        let mut bench = self.empty().await?;
        for subject in subjects {
            if let Err(failure) = bench.apply(subject, Direction::Up, Commit::Own).await? {
                let name = subject.name();
                anyhow::bail!("`{name}` went up before and does not now: {}", failure.excerpt.message);
            }
        }
        Ok(bench)
    }

    /// Leaves the server as it was.
    pub async fn close(&self) -> anyhow::Result<()> {
        self.roles.remove_new().await
    }
}

/// A throwaway database and the session on it.
pub struct Bench<'a> {
    shop: &'a Workshop<'a>,
    database: Database,
    session: Session,
}

impl<'a> Bench<'a> {
    /// Whether [`Bench::copy`] gives the same catalog and lets both be used as if they were alone: settings and grants of
    /// the database itself are not copied, and roles are shared.
    pub async fn can_be_copied(&self) -> anyhow::Result<bool> {
        let plain = "SELECT datacl IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setdatabase = oid) \
            FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
        let row = self
            .session
            .client
            .query_one(plain, &[])
            .await
            .context("could not read the database's settings")?;
        Ok(row.try_get(0)? && self.shop.roles.new_roles().await?.is_empty())
    }

    /// A second database with the same contents. Object identifiers are the same, so snapshots stay comparable.
    pub async fn copy(self) -> anyhow::Result<(Self, Self)> {
        let Self { shop, database, session } = self;
        session.close().await;
        let copied = shop.server.copy_database(&database).await?;
        let original = Session::open(shop.server, &database, shop.tallies).await?;
        let copy = Session::open(shop.server, &copied, shop.tallies).await?;
        Ok((Self { shop, database, session: original }, Self { shop, database: copied, session: copy }))
    }

    /// Removes the database.
    pub async fn discard(self) -> anyhow::Result<()> {
        self.session.close().await;
        self.shop.server.drop_database(self.database).await
    }

    /// Runs one script; the inner result is its own failure.
    ///
    /// A script that did to its session what cannot be reset inside it gets the next one a new session, if it commits.
    pub async fn apply(
        &mut self,
        subject: &Subject,
        direction: Direction,
        commit: Commit,
    ) -> anyhow::Result<Result<(), Failure>> {
        let Some(job) = Job::new(subject, direction) else {
            anyhow::bail!("`{}` has no {direction}", subject.name());
        };
        let result = job.run(&self.session.client, commit, self.shop.request.timeout).await?;
        self.session.lost |= result.as_ref().is_err_and(|failure| failure.session_lost);
        if commit == Commit::Own && self.is_usable() && subject.outlasts_reset(direction) {
            let fresh = Session::open(self.shop.server, &self.database, self.shop.tallies).await?;
            std::mem::replace(&mut self.session, fresh).close().await;
        }
        Ok(result)
    }

    /// Finds the statement of a failure that carries no position. The session must not be in a transaction.
    pub async fn located(&self, subject: &Subject, direction: Direction, failure: Failure) -> Failure {
        match Job::new(subject, direction) {
            Some(job) if failure.excerpt.place.is_none() => job.located(&self.session.client, failure).await,
            _ => failure,
        }
    }

    /// Whether the session can still be used.
    pub fn is_usable(&self) -> bool {
        !self.session.lost && !self.session.client.is_closed()
    }

    /// The catalog, read whole.
    pub async fn snapshot(&mut self) -> anyhow::Result<Snapshot> {
        let Session { client, reader, .. } = &mut self.session;
        reader.full(client, Within::OwnTransaction).await.context("could not read the catalog")
    }

    /// The catalog now, given an earlier snapshot of this database or of the one that it was copied from.
    pub async fn changed(&mut self, since: &Snapshot, within: Within) -> anyhow::Result<Snapshot> {
        let Session { client, reader, .. } = &mut self.session;
        let read = match self.shop.reading {
            Reading::Changes => reader.refresh(client, since, within).await,
            Reading::Everything => reader.full(client, within).await,
        };
        read.context("could not read the catalog")
    }

    /// Begins what [`Bench::rollback`] undoes. Gives how far every sequence has come: no rollback takes that back.
    pub async fn begin(&self) -> anyhow::Result<Sequences> {
        let begin = self.session.client.batch_execute("BEGIN");
        let (sequences, begun) = futures_util::join!(self.sequences(), begin);
        begun.context("could not begin a transaction")?;
        sequences
    }

    /// Undoes everything since [`Bench::begin`], but for the sequences. Gives how far those are now.
    pub async fn rollback(&self) -> anyhow::Result<Sequences> {
        let rollback = self.session.client.batch_execute("ROLLBACK");
        let (rolled_back, sequences) = futures_util::join!(rollback, self.sequences());
        rolled_back.context("could not roll back")?;
        sequences
    }

    async fn sequences(&self) -> anyhow::Result<Sequences> {
        let Session { client, sequences, .. } = &self.session;
        let rows = client.query(sequences, &[]).await.context(SEQUENCES)?;
        let row = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        Ok(Sequences(rows.iter().map(row).collect::<Result<_, tokio_postgres::Error>>()?))
    }

    /// Sets every sequence that has moved back to where it was.
    pub async fn restore_sequences(&self, before: &Sequences, now: &Sequences) -> anyhow::Result<()> {
        // One that is gone now was not moved, and one that was not there before has no place to go back to.
        let moved =
            before.0.iter().filter(|(oid, value)| now.0.get(oid).is_some_and(|found| found != *value));
        for (oid, value) in moved {
            let text = "SELECT pg_catalog.setval($1::oid::pg_catalog.regclass, coalesce($2, seqstart), $2 IS NOT NULL)
                        FROM pg_catalog.pg_sequence WHERE seqrelid = $1";
            self.session.client.query(text, &[oid, value]).await.context("could not set a sequence back")?;
        }
        Ok(())
    }
}

/// The last value of every sequence that has one.
pub struct Sequences(BTreeMap<u32, Option<i64>>);
