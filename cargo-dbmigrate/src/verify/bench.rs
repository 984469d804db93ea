//! Throwaway databases, each with a session on it: what the proof runs on.

use std::time::Duration;

use anyhow::Context;
use dbmigrate_runtime::migration::Direction;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use crate::server::{Database, Server};
use crate::snapshot::{Reader, Snapshot, Within};
use crate::verify::Request;
use crate::verify::execute::{Commit, Failure, Job};
use crate::verify::plan::Subject;
use crate::verify::roles::Roles;

/// What a session starts with, and what `RESET ALL` brings it back to: the catalog is read hundreds of times with the
/// same statements, so they are planned once.
const OPTIONS: &str = "-c plan_cache_mode=force_generic_plan -c jit=off -c client_min_messages=warning";

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
}

impl Session {
    async fn open(server: &Server, database: &Database) -> anyhow::Result<Self> {
        let mut config = server.config(database.name());
        config.options(OPTIONS).application_name("cargo-dbmigrate");
        let (client, connection) =
            config.connect(NoTls).await.context("could not connect to a throwaway database")?;
        let connection = tokio::spawn(async move {
            // An error here is seen by whoever uses the client.
            _ = connection.await;
        });
        let reader = Reader::new(&client, &[]).await.context("could not prepare the catalog's queries")?;
        Ok(Self { client, connection, reader })
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
    roles: Option<Roles<'a>>,
}

impl<'a> Workshop<'a> {
    /// Notes what the server is like before anything is done to it.
    pub async fn new(server: &'a Server, request: &'a Request<'a>, reading: Reading) -> anyhow::Result<Self> {
        let mut shop = Self { server, request, reading, roles: None };
        if Roles::are_created_by(request.subjects) {
            let database = server.create_database().await?;
            let session = Session::open(server, &database).await?;
            shop.roles = Some(Roles::note(&session.client, request.subjects).await?);
            session.close().await;
            server.drop_database(database).await?;
        }
        Ok(shop)
    }

    /// An empty database, prepared by the setup SQL, on a server without leftovers of the migrations.
    pub async fn empty(&'a self) -> anyhow::Result<Bench<'a>> {
        let database = self.server.create_database().await?;
        let session = Session::open(self.server, &database).await?;
        if let Some(roles) = &self.roles {
            roles.remove_new(&session.client).await?;
        }
        Ok(Bench { shop: self, database, session })
    }

    /// A database to which these migrations have been applied, which is known to work.
    pub async fn replayed(&'a self, subjects: &[Subject]) -> anyhow::Result<Bench<'a>> {
        let bench = self.empty().await?;
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
        if self.roles.is_some() { self.empty().await?.discard().await } else { Ok(()) }
    }
}

/// A throwaway database and the session on it.
pub struct Bench<'a> {
    shop: &'a Workshop<'a>,
    database: Database,
    session: Session,
}

impl<'a> Bench<'a> {
    /// A second database with the same contents. Object identifiers are the same, so snapshots stay comparable.
    pub async fn copy(self) -> anyhow::Result<(Self, Self)> {
        let Self { shop, database, session } = self;
        session.close().await;
        let copied = shop.server.copy_database(&database).await?;
        let original = Session::open(shop.server, &database).await?;
        let copy = Session::open(shop.server, &copied).await?;
        Ok((Self { shop, database, session: original }, Self { shop, database: copied, session: copy }))
    }

    /// Removes the database.
    pub async fn discard(self) -> anyhow::Result<()> {
        self.session.close().await;
        self.shop.server.drop_database(self.database).await
    }

    /// Runs one script; the inner result is its own failure.
    pub async fn apply(
        &self,
        subject: &Subject,
        direction: Direction,
        commit: Commit,
    ) -> anyhow::Result<Result<(), Failure>> {
        match Job::new(subject, direction) {
            Some(job) => job.run(&self.session.client, commit, self.shop.request.timeout).await,
            None => anyhow::bail!("`{}` has no {direction}", subject.name()),
        }
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
        !self.session.client.is_closed()
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

    /// Begins what [`Bench::rollback`] undoes.
    pub async fn begin(&self) -> anyhow::Result<()> {
        self.session.client.batch_execute("BEGIN").await.context("could not begin a transaction")
    }

    /// Undoes everything since [`Bench::begin`].
    pub async fn rollback(&self) -> anyhow::Result<()> {
        self.session.client.batch_execute("ROLLBACK").await.context("could not roll back")
    }

    /// How far every sequence has come: no rollback takes that back.
    pub async fn sequences(&self) -> anyhow::Result<Sequences> {
        let text = "SELECT seqrelid, pg_catalog.pg_sequence_last_value(seqrelid) FROM pg_catalog.pg_sequence ORDER BY 1";
        let rows = self.session.client.query(text, &[]).await.context("could not read the sequences")?;
        let row = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        Ok(Sequences(rows.iter().map(row).collect::<Result<_, tokio_postgres::Error>>()?))
    }

    /// Sets every sequence that has moved back to where it was.
    pub async fn restore_sequences(&self, before: &Sequences) -> anyhow::Result<()> {
        let now = self.sequences().await?;
        let moved = now.0.iter().filter(|state| !before.0.contains(state)).map(|(oid, _)| *oid);
        for (oid, value) in moved.filter_map(|oid| before.0.iter().find(|(known, _)| *known == oid)) {
            let text = "SELECT pg_catalog.setval($1::oid::pg_catalog.regclass, coalesce($2, seqstart), $2 IS NOT NULL)
                        FROM pg_catalog.pg_sequence WHERE seqrelid = $1";
            self.session.client.query(text, &[oid, value]).await.context("could not set a sequence back")?;
        }
        Ok(())
    }
}

/// The last value of every sequence that has one.
pub struct Sequences(Vec<(u32, Option<i64>)>);
