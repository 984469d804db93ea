//! The session that migrates: what it must be, how it is set, and the lock that makes it the only one.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::Error;
use crate::engine::history::Table;
use crate::engine::options::{Options, Pauses, milliseconds};
use crate::error::lost;
use crate::event::{Event, Events, Holder};

/// What a script leaves behind in its session must not reach the next one. Works inside a transaction, too.
const RESET: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; DISCARD TEMP";

/// How soon the server notices that a client is gone, and ends its statement and its lock.
const CHECK_INTERVAL: &str = "SET client_connection_check_interval = '500ms'";

/// Polling the lock: the first pause, and the longest. In between, a pause is a part of the time waited so far: who waits
/// for a short run is not kept long after it, and who waits for a long one does not disturb it.
const POLL: (Duration, Duration) = (Duration::from_millis(30), Duration::from_millis(300));
const PART: u32 = 16;

/// How long a second connection may take: longer than that, work goes on without.
pub(crate) const SECOND: Duration = Duration::from_secs(3);

/// How often a waiter says that it waits.
const WAITING: Duration = Duration::from_secs(2);

/// What is known of a session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The process id of its backend.
    pub(crate) pid: i32,
    /// The major version of the server.
    pub(crate) server: u32,
    /// Whether the server can watch the socket while it works.
    checks_connection: bool,
    /// Nobody else's mark may be found in this session.
    token: String,
}

impl Session {
    /// Looks at a session that is about to wait for the lock. Sets nothing, unless a short timeout would end it meanwhile.
    ///
    /// # Errors
    /// It is in a transaction, the server takes no writes, the database's encoding is not UTF8, or the session is shared.
    pub(crate) async fn open(client: &Client) -> Result<Self, Error> {
        const LOOK: &str = "SELECT pg_backend_pid(), current_setting('server_version_num'), \
             pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, \
             pg_encoding_to_char(encoding), current_setting('dbmigrate.session', true), md5(random()::text || clock_timestamp()::text), \
             transaction_timestamp() <> statement_timestamp(), \
             EXISTS (SELECT FROM unnest(ARRAY[current_setting('statement_timeout'), current_setting('idle_session_timeout', true)]) t(x) \
             WHERE x <> '0' AND x::interval < '5s') \
             FROM pg_catalog.pg_database WHERE datname = current_database()";
        let rows = rows(client, LOOK).await.map_err(|error| match error.code().map(|code| code.code()) {
            // The history that is not there has failed it.
            Some("25P02") => Error::InTransaction,
            _ => Error::Database { doing: "looking at the session", error },
        })?;
        let text = |column: usize| {
            rows.first().and_then(|row| row.try_get(column).ok().flatten()).unwrap_or_default()
        };
        // A statement by itself begins its transaction.
        if text(6) == "t" {
            return Err(Error::InTransaction);
        }
        if text(2) == "t" {
            return Err(Error::ReadOnly);
        }
        if text(3) != "UTF8" {
            return Err(Error::Encoding(text(3).to_owned()));
        }
        if !text(4).is_empty() {
            // Another migrator has marked this very session, and it is not ours alone.
            return Err(Error::Pooled);
        }
        let server: u32 = text(1).parse().unwrap_or(0) / 10_000;
        if text(7) == "t" {
            let idle = if server >= 14 { "; SET idle_session_timeout = 0" } else { "" };
            let patient = format!("SET statement_timeout = 0{idle}");
            let set = client.batch_execute(&patient).await;
            set.map_err(|error| Error::Database { doing: "setting the session up", error })?;
        }
        let pid = text(0).parse().unwrap_or(0);
        Ok(Self { pid, server, checks_connection: false, token: text(5).to_owned() })
    }

    /// Sets the session up, once it is known that it is not shared.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn prepare(&mut self, client: &Client, options: &Options) -> Result<(), Error> {
        // Some platforms cannot watch a socket and refuse the setting.
        self.checks_connection = self.server >= 14 && client.batch_execute(CHECK_INTERVAL).await.is_ok();
        let set = client.batch_execute(&self.settings(options)).await;
        set.map_err(|error| Error::Database { doing: "setting the session up", error })
    }

    /// The settings that every script starts with: the role's own, but for the timeouts, which are ours.
    pub(crate) fn settings(&self, options: &Options) -> String {
        format!("{RESET}; {}", self.own_settings(options))
    }

    /// Those of them that are ours.
    pub(crate) fn own_settings(&self, options: &Options) -> String {
        let mut text = format!("{}; SET dbmigrate.session = '{}'", limits(options), self.token);
        if self.checks_connection {
            text.push_str("; ");
            text.push_str(CHECK_INTERVAL);
        }
        if self.server >= 14 {
            text.push_str("; SET idle_session_timeout = 0");
        }
        if self.server >= 17 {
            text.push_str("; SET transaction_timeout = 0");
        }
        text
    }

    /// A condition that holds only in this session.
    pub(crate) fn is_this(&self) -> String {
        format!(
            "pg_backend_pid() = {} AND current_setting('dbmigrate.session', true) = '{}'",
            self.pid, self.token
        )
    }

    /// Tells by a second connection whether this one is shared: behind a pooler both get the session that is free.
    ///
    /// # Errors
    /// It is shared, or broke. A second connection that gives no answer is no reason to stop.
    pub(crate) async fn must_be_alone(&self, client: &Client, second: &Client) -> Result<bool, Error> {
        const SAMPLES: usize = 3;
        let ask = "SELECT pg_backend_pid()";
        let is_this = |found: &[SimpleQueryRow]| {
            let pid = found.first().and_then(|row| row.try_get(0).ok().flatten());
            pid.and_then(|pid| pid.parse().ok()) == Some(self.pid)
        };
        for _ in 0..SAMPLES {
            let Ok(Ok(found)) = tokio::time::timeout(SECOND, rows(second, ask)).await else {
                return Ok(false);
            };
            if is_this(&found) {
                return Err(Error::Pooled);
            }
            let found = rows(client, ask).await;
            let found = found.map_err(|error| Error::Database { doing: "looking at the session", error })?;
            if !is_this(&found) {
                return Err(Error::Pooled);
            }
        }
        Ok(true)
    }

    /// Gives the lock back where nothing was set and nothing was done.
    pub(crate) async fn unlock(client: &Client, key: i64, taken_in: i32) -> Result<(), Error> {
        let unlock = format!("SELECT pg_advisory_unlock({key}) WHERE pg_backend_pid() = {taken_in}");
        let found = rows(client, &unlock).await;
        let found = found.map_err(|error| Error::Database { doing: "releasing the lock", error })?;
        if found.first().and_then(|row| row.try_get(0).ok().flatten()) == Some("t") {
            return Ok(());
        }
        Self::abandon(&[client], key, taken_in).await;
        Err(Error::Pooled)
    }

    /// Gives the lock back that was taken in a session which others use as well: wherever that session is now.
    pub(crate) async fn abandon(clients: &[&Client], key: i64, taken_in: i32) {
        const TRIES: usize = 50;
        let unlock = format!("SELECT pg_advisory_unlock({key}) WHERE pg_backend_pid() = {taken_in}");
        // A session that is not to be had, and does nothing: the pooler makes a new one.
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = {taken_in} AND state = 'idle' \
             AND pid <> pg_backend_pid()"
        );
        for attempt in 0..TRIES {
            let sql = if attempt % 10 == 9 { &end } else { &unlock };
            for client in clients {
                let answer = tokio::time::timeout(SECOND, rows(client, sql)).await;
                let Ok(Ok(found)) = answer else { continue };
                if found.first().and_then(|row| row.try_get(0).ok().flatten()) == Some("t") {
                    return;
                }
            }
        }
    }

    /// Whether the server's side is still the same process.
    pub(crate) async fn must_have_its_backend(&self, client: &Client) -> Result<(), Error> {
        let found = rows(client, "SELECT pg_backend_pid()").await;
        let found = found.map_err(|error| Error::Database { doing: "looking at the session", error })?;
        let pid =
            found.first().and_then(|row| row.try_get(0).ok().flatten()).and_then(|pid| pid.parse().ok());
        if pid == Some(self.pid) { Ok(()) } else { Err(Error::Pooled) }
    }

    /// Whether this is still the session that was looked at.
    pub(crate) async fn must_be_this(&self, client: &Client) -> Result<(), Error> {
        let found = rows(client, &format!("SELECT {}", self.is_this())).await;
        let found = found.map_err(|error| Error::Database { doing: "looking at the session", error })?;
        if found.first().and_then(|row| row.try_get(0).ok().flatten()) == Some("t") {
            Ok(())
        } else {
            Err(Error::Pooled)
        }
    }

    /// Gives the lock back and leaves the session as it was. On any error the session is of no more use.
    pub(crate) async fn release(client: &Client, key: i64) -> Result<(), Error> {
        let text = format!("ROLLBACK; {RESET}; SELECT pg_advisory_unlock({key})");
        client
            .batch_execute(&text)
            .await
            .map_err(|error| Error::Database { doing: "releasing the lock", error })
    }
}

/// The settings that every script starts with, as far as every server and every client understands them.
pub(crate) fn settings(options: &Options) -> String {
    format!("{RESET}; {}", limits(options))
}

fn limits(options: &Options) -> String {
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = 0",
        options.statement_timeout.map_or(0, milliseconds),
        options.lock_timeout_ms(),
    )
}

/// The wait for the lock. It is asked for again and again: a session that waits inside of the server would deadlock with
/// `CREATE INDEX CONCURRENTLY`.
///
/// No callback asks whether waiting is still needed: a future that holds one that borrows is not `Send`.
pub(crate) struct Wait {
    key: i64,
    began: Instant,
    said: Option<Instant>,
}

/// What came of asking for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The session of this process id holds it now. Another one than expected is one of a pooler's.
    Held(i32),
    /// Somebody else holds it, and is not done.
    Busy,
    /// Somebody else holds it; the history must be read to know more.
    BusyButPerhapsDone,
}

impl Wait {
    pub(crate) fn new(key: i64) -> Self {
        Self { key, began: Instant::now(), said: None }
    }

    /// Asks once for the lock. With a count of applied migrations, says in the same breath whether so many are.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn ask(&self, client: &Client, enough: Option<(&Table, usize)>) -> Result<Asked, Error> {
        let asked = format!("SELECT pg_try_advisory_lock({}), pg_backend_pid()", self.key);
        let found = match enough {
            Some((table, count)) => {
                let enough =
                    format!("(SELECT count(*) >= {count} FROM {} WHERE state = 'applied')", table.sql());
                match rows(client, &format!("{asked}, {enough}")).await {
                    // Without a table to look into, nothing was asked at all.
                    Err(error) if error.as_db_error().is_some_and(|_| !lost(&error)) => {
                        rows(client, &asked).await
                    }
                    found => found,
                }
            }
            None => rows(client, &asked).await,
        };
        let found = found.map_err(|error| Error::Database { doing: "waiting for the lock", error })?;
        let text = |column: usize| found.first().and_then(|row| row.try_get(column).ok().flatten());
        let pid = || text(1).and_then(|pid| pid.parse().ok()).unwrap_or_default();
        Ok(match (text(0), text(2)) {
            (Some("t"), _) => Asked::Held(pid()),
            (_, Some("f")) => Asked::Busy,
            _ => Asked::BusyButPerhapsDone,
        })
    }

    /// Lets some time pass, and says now and then that it waits.
    ///
    /// # Errors
    /// It has waited for as long as it may, or the connection broke.
    pub(crate) async fn pause(
        &mut self,
        client: &Client,
        options: &Options,
        events: &Events,
    ) -> Result<(), Error> {
        let waited = self.began.elapsed();
        if waited >= options.lock_wait {
            return Err(Error::LockBusy { waited, holder: holder(client, self.key).await? });
        }
        if self.said.is_none_or(|said| said.elapsed() >= WAITING) {
            self.said = Some(Instant::now());
            events.emit(Event::Waiting { waited, holder: holder(client, self.key).await? });
        }
        let pause = (waited / PART).clamp(POLL.0, POLL.1);
        let pause = Pauses::new(pause, POLL.1).pause();
        tokio::time::sleep(pause.min(options.lock_wait.saturating_sub(waited))).await;
        Ok(())
    }
}

/// Who holds the lock, as far as this role may see it.
async fn holder(client: &Client, key: i64) -> Result<Option<Holder>, Error> {
    let bits = key.cast_unsigned();
    let (high, low) = (bits >> 32, bits & 0xffff_ffff);
    let found = holders(
        client,
        &format!(
            "SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {high} \
             AND l.objid = {low} AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
        ),
    )
    .await;
    found
        .map(|found| found.into_iter().next())
        .map_err(|error| Error::Database { doing: "looking for who holds the lock", error })
}

/// The sessions whose process ids a query gives.
pub(crate) async fn holders(client: &Client, pids: &str) -> Result<Vec<Holder>, tokio_postgres::Error> {
    let query = format!(
        "SELECT p.pid, a.application_name, a.usename, a.state, substring(a.query from '^[[:space:]]*([[:alpha:]_]+([[:space:]]+[[:alnum:]_.]+){{0,2}})') \
         FROM ({pids}) p(pid) LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid ORDER BY 1"
    );
    let found = rows(client, &query).await?;
    let text = |row: &SimpleQueryRow, column: usize| row.try_get(column).ok().flatten().map(str::to_owned);
    Ok(found
        .iter()
        .map(|row| Holder {
            pid: text(row, 0).and_then(|pid| pid.parse().ok()).unwrap_or_default(),
            application: text(row, 1),
            user: text(row, 2),
            state: text(row, 3),
            query: text(row, 4),
        })
        .collect())
}

/// The rows of a query, as text.
pub(crate) async fn rows(client: &Client, query: &str) -> Result<Vec<SimpleQueryRow>, tokio_postgres::Error> {
    let messages = client.simple_query(query).await?;
    Ok(messages
        .into_iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        })
        .collect())
}
