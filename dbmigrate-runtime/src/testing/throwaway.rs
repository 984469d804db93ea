//! A database for one proof, on a server that the caller names. Only databases that carry a proof's mark are ever dropped.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::connect::{Connected, Database};
use crate::engine::rows;
use crate::testing::Failure;

/// What the names begin with.
const PREFIX: &str = "dbmigrate_test_";

/// How long the attempt to drop it may take when a proof is given up.
const FAREWELL: Duration = Duration::from_secs(10);

/// Tells the databases of proofs from each other and from everybody else's: 48 bits in their names.
///
/// The limit of connections repeats it, so that a database is marked from the moment that it is made, and an advisory
/// lock says that its proof lives.
#[derive(Clone, Copy)]
struct Mark(u64);

impl Mark {
    fn new() -> Self {
        Self(RandomState::new().hash_one(0) >> 16)
    }

    fn name(self) -> String {
        format!("{PREFIX}{:012x}", self.0)
    }

    fn limit(self) -> u64 {
        1_000_000_000 + self.0 % 1_000_000_000
    }

    fn lock_key(self) -> u64 {
        const OURS: u64 = 0x6474 << 48;
        OURS | self.0
    }

    /// The mark of a database with this name and limit.
    fn read(name: &str, limit: &str) -> Option<Self> {
        let mark = Self(u64::from_str_radix(name.strip_prefix(PREFIX)?, 16).ok()?);
        (mark.name() == name && mark.limit().to_string() == limit).then_some(mark)
    }
}

/// A database that is dropped when this is.
pub(super) struct Throwaway {
    server: Database,
    database: Database,
    mark: Mark,
    /// Holds the lock. `None` once the database is dropped.
    admin: Option<Connected>,
}

impl Throwaway {
    /// Drops what killed proofs left on the server, and makes a database.
    pub(super) async fn create(server: &Database) -> Result<Self, Failure> {
        let admin = server.connect().await.map_err(|error| Failure::Stopped(error.into()))?;
        let mark = Mark::new();
        let lock = format!("SELECT pg_advisory_lock({})", mark.lock_key());
        admin.client.batch_execute(&lock).await.map_err(refused("the server gives no advisory lock"))?;
        sweep(&admin).await.map_err(refused("what was left on the server cannot be looked at"))?;
        let (server, database) = (server.clone(), server.named(&mark.name()));
        let create = format!("CREATE DATABASE {} CONNECTION LIMIT {}", mark.name(), mark.limit());
        let throwaway = Self { server, database, mark, admin: Some(admin) };
        if let Some(admin) = &throwaway.admin {
            admin
                .client
                .batch_execute(&create)
                .await
                .map_err(refused("no throwaway database can be made"))?;
        }
        Ok(throwaway)
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Drops it.
    pub(super) async fn remove(mut self) -> Result<(), Failure> {
        let Some(admin) = self.admin.take() else { return Ok(()) };
        drop_database(&admin, self.mark).await.map_err(refused("the throwaway database cannot be dropped"))
    }
}

impl Drop for Throwaway {
    /// A proof was given up: its future was dropped, or it panicked.
    fn drop(&mut self) {
        // The lock goes with the connection, so it stays until the end.
        let Some(_admin) = self.admin.take() else { return };
        let (server, mark) = (self.server.clone(), self.mark);
        in_own_thread(async move {
            if let Ok(admin) = server.connect().await {
                _ = drop_database(&admin, mark).await;
            }
        });
    }
}

async fn drop_database(admin: &Connected, mark: Mark) -> Result<(), tokio_postgres::Error> {
    admin.client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", mark.name())).await
}

/// Drops the databases whose proofs are gone: nobody holds their locks.
async fn sweep(admin: &Connected) -> Result<(), tokio_postgres::Error> {
    // Databases first: the lock of each was taken before it was made.
    let databases = format!(
        "SELECT datname, datconnlimit FROM pg_catalog.pg_database \
         WHERE starts_with(datname, '{PREFIX}') AND pg_catalog.pg_has_role(datdba, 'USAGE')"
    );
    let databases = rows(&admin.client, &databases).await?;
    // Advisory locks belong to a database, but this view shows those of all.
    let held = "SELECT (classid::bigint << 32) | objid::bigint FROM pg_catalog.pg_locks \
        WHERE locktype = 'advisory' AND objsubid = 1";
    let held = rows(&admin.client, held).await?;
    let held: Vec<&str> = held.iter().filter_map(|row| row.get(0)).collect();
    for row in &databases {
        let mark = row.get(0).zip(row.get(1)).and_then(|(name, limit)| Mark::read(name, limit));
        if let Some(mark) = mark.filter(|mark| !held.contains(&&*mark.lock_key().to_string())) {
            // Two proofs may sweep at once: what one cannot drop is not its trouble.
            _ = drop_database(admin, mark).await;
        }
    }
    Ok(())
}

/// An error of the server's, while something was tried.
fn refused(what: &str) -> impl FnOnce(tokio_postgres::Error) -> Failure {
    move |error| {
        let said = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        let hint = "give the role `CREATEDB`, or name a server where it may make databases";
        Failure::Server { what: format!("{what}: {said}"), hint }
    }
}

/// Waits for a task on a runtime of its own: the one of the caller may be in the middle of something.
fn in_own_thread(task: impl Future<Output = ()> + Send + 'static) {
    let body = move || {
        if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
            runtime.block_on(async { _ = tokio::time::timeout(FAREWELL, task).await });
        }
    };
    if let Ok(thread) = thread::Builder::new().name("dbmigrate".to_owned()).spawn(body) {
        _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn only_marked_databases_are_recognised() {
        let mark = Mark(0x0123_4567_89ab);
        let (name, limit) = (mark.name(), mark.limit().to_string());
        assert_eq!(name, "dbmigrate_test_0123456789ab");
        assert!(Mark::read(&name, &limit).is_some());
        for (name, limit) in [
            (name.as_str(), "-1"),
            ("dbmigrate_test_0123456789AB", limit.as_str()),
            ("dbmigrate_test_123456789ab", &limit),
            ("dbmigrate_test_", &limit),
            ("dbmigrate_test_0123456789ab_backup", &limit),
            ("shop", &limit),
        ] {
            assert!(Mark::read(name, limit).is_none(), "{name} {limit}");
        }
    }
}
