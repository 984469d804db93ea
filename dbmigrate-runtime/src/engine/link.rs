//! The one connection that migrates, as refinery sees it, and how a script runs on it.
//!
//! refinery's runner asks for three things: that the history table exists, what is applied, and to execute a script together
//! with a row for the history. It is run for one migration at a time, after [`super::plan`] has decided what runs; so the
//! first two have nothing to do, and the third is where every forward migration passes.

use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use futures_util::future::join;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Runner};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::Error;
use crate::connect::Connected;
use crate::engine::history::Table;
use crate::engine::journal::{self, Memory, WORTH_ANOTHER};
use crate::engine::options::Options;
use crate::engine::plan::Step;
use crate::engine::session::Session;
use crate::engine::state::RowState;
use crate::engine::watch;
use crate::error::{COMMITTING, SqlError, WRITING, copies};
use crate::event::{Events, Holder};
use crate::migration::Direction;

/// The lock on the history that a script's transaction is known by: the weakest, which whoever reads it may take.
const MARK: &str = "ACCESS SHARE";

/// Whose connection it is.
pub(crate) enum Handle<'c> {
    /// The caller's: it can be neither closed nor made anew.
    Borrowed(&'c mut Client),
    /// Our own.
    Owned(Connected),
}

impl Handle<'_> {
    pub(crate) fn client(&self) -> &Client {
        match self {
            Self::Borrowed(client) => client,
            Self::Owned(connected) => &connected.client,
        }
    }
}

/// The connection, with all that a script needs to run on it.
pub(crate) struct Link<'a> {
    pub(crate) handle: &'a Handle<'a>,
    /// A second connection, which looks at what the first waits for.
    pub(crate) watcher: Option<&'a Client>,
    pub(crate) session: &'a Session,
    pub(crate) table: &'a Table,
    pub(crate) options: &'a Options,
    pub(crate) events: &'a Events,
    /// What the runner is driven for.
    step: Option<&'a Step>,
    /// refinery's errors hold text; ours are kept here.
    failure: Option<Error>,
    memory: Memory,
    /// The sessions that were last seen in the way.
    blockers: Mutex<Vec<Holder>>,
}

/// Tells refinery to stop: the reason is kept in the link.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl<'a> Link<'a> {
    pub(crate) fn new(
        handle: &'a Handle<'a>,
        watcher: Option<&'a Client>,
        session: &'a Session,
        table: &'a Table,
        options: &'a Options,
        events: &'a Events,
    ) -> Self {
        Self {
            handle,
            watcher,
            session,
            table,
            options,
            events,
            step: None,
            failure: None,
            memory: Memory::default(),
            blockers: Mutex::default(),
        }
    }

    /// Whether statements were done since this was last asked.
    pub(crate) fn has_progressed(&mut self) -> bool {
        std::mem::take(&mut self.memory.progressed)
    }

    /// These are in the way.
    pub(crate) fn is_blocked_by(&self, holders: &[Holder]) {
        *self.blockers.lock().unwrap_or_else(PoisonError::into_inner) = holders.to_vec();
    }

    /// Those that were last seen in the way.
    pub(crate) fn blockers(&self) -> Vec<Holder> {
        self.blockers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn client(&self) -> &'a Client {
        self.handle.client()
    }

    /// Runs one step, and its change of the history with it. A forward step goes through refinery's runner.
    pub(crate) async fn run(&mut self, step: &'a Step) -> Result<(), Error> {
        if step.direction == Direction::Down {
            let sent = self.table.delete(step.id.version);
            return match step.runs.statements {
                Some(_) => self.journalled(step, None).await,
                None => self.in_transaction(step, |_| sent).await,
            };
        }
        let migration = refinery_migration(step)?;
        let mut runner = Runner::new(&[migration]);
        runner.set_migration_table_name(self.table.sql());
        self.step = Some(step);
        let result = runner.run_async(self).await;
        self.step = None;
        match (self.failure.take(), result) {
            (None, Ok(_)) => Ok(()),
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(Error::Lost(error.to_string())),
        }
    }

    async fn apply(&mut self, step: &Step) -> Result<(), Error> {
        let checksum = refinery_migration(step)?.checksum();
        match step.runs.statements {
            Some(_) => self.journalled(step, Some(checksum)).await,
            None => {
                let row = |took| self.table.insert(step, checksum, RowState::Applied, Some(took));
                self.in_transaction(step, row).await
            }
        }
    }

    async fn journalled(&mut self, step: &Step, checksum: Option<u64>) -> Result<(), Error> {
        let mut memory = std::mem::take(&mut self.memory);
        let result = journal::run(self, &mut memory, step, checksum).await;
        if result.is_ok() {
            memory = Memory::default();
        }
        self.memory = memory;
        result
    }

    /// A condition that holds only in this session, in the transaction that was opened for this step.
    pub(crate) fn is_this_transaction(&self, step: &Step) -> String {
        format!(
            "{} AND current_setting('dbmigrate.migration', true) = '{}'",
            self.session.is_this(),
            step.id.version
        )
    }

    /// Runs a script and its change of the history in one transaction.
    ///
    /// Three round trips: the script, with what opens its transaction; the history, if it is still the same transaction;
    /// the end.
    async fn in_transaction(
        &self,
        step: &Step,
        history: impl FnOnce(Duration) -> String,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let client = self.client();
        let opening = format!("BEGIN; LOCK TABLE {} IN {MARK} MODE;\n", self.table.sql());
        let text = &step.runs.script.text;
        let settings = self.session.settings(self.options);
        let script = format!("{opening}{text}");
        let work = join(client.batch_execute(&settings), drained(client, &script));
        let (set, ran) = watch::watched(self, &step.id, began, work).await;
        let result = match (set, ran) {
            (Err(error), _) => Err(Error::Database { doing: "setting the session up", error }),
            (_, Err(error)) => Err(self.sql_error(step, Some((0, opening.chars().count())), error)),
            _ => self.recorded(step, &history(began.elapsed())).await,
        };
        if result.is_err() {
            // What fails here is seen by whatever comes next on this connection.
            _ = client.batch_execute("ROLLBACK").await;
        }
        result
    }

    /// Writes the history and commits, if the script's transaction is still open: its lock tells, which nothing in a script
    /// can give back. (A setting can be reset, and a query before the script would fix its isolation level.)
    async fn recorded(&self, step: &Step, history: &str) -> Result<(), Error> {
        let client = self.client();
        let same = format!(
            "pg_backend_pid() = {} AND EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = pg_backend_pid() \
             AND l.relation = '{}'::regclass AND replace(l.mode, 'Lock', '') = replace(initcap('{MARK}'), ' ', ''))",
            self.session.pid,
            self.table.sql().replace('\'', "''"),
        );
        // Fails in a way of its own, and so writes nothing, where it is another transaction.
        let guarded = format!("SELECT 1 / ({same})::int; {history}");
        // By itself, since a text is read in the encoding that holds when it arrives. The script may have set another one.
        let own = "RESET SESSION AUTHORIZATION; RESET ROLE; SET client_encoding = 'UTF8'";
        let (set, written) = join(client.batch_execute(own), client.batch_execute(&guarded)).await;
        if let Err(error) = set.and(written) {
            if error.code().is_some_and(|code| code.code() == "22012") {
                _ = client.batch_execute("ROLLBACK").await;
                self.session.must_have_its_backend(client).await?;
                return Err(Error::TransactionEnded { id: step.id.clone(), file: step.file_name() });
            }
            return Err(self.unwritten(step, None, error));
        }
        client.batch_execute("COMMIT").await.map_err(|error| self.commit_error(step, None, error))
    }

    /// The history could not be written; `at` as of [`Link::sql_error`]. Locks may be free the next time.
    pub(crate) fn unwritten(
        &self,
        step: &Step,
        at: Option<(usize, usize)>,
        error: tokio_postgres::Error,
    ) -> Error {
        if !error.code().is_some_and(|code| WORTH_ANOTHER.contains(&code.code())) {
            return not_permitted("write the history", error);
        }
        match self.sql_error(step, at, error) {
            Error::Sql(mut error) => {
                error.message.push_str(" (when the history was written)");
                Error::Sql(error)
            }
            error => error,
        }
    }

    /// An error of the end of a transaction; `at` as of [`Link::sql_error`].
    pub(crate) fn commit_error(
        &self,
        step: &Step,
        at: Option<(usize, usize)>,
        error: tokio_postgres::Error,
    ) -> Error {
        match self.sql_error(step, at, error) {
            Error::Sql(mut error) => {
                error.message.push_str(" (when its deferred constraints were checked)");
                Error::Sql(error)
            }
            // No answer, which is not a no.
            Error::Database { error, .. } => Error::Database { doing: COMMITTING, error },
            error => error,
        }
    }

    /// An error of a script. `at` says where the text that was sent begins in the file, in bytes, and how many characters
    /// were sent before it.
    pub(crate) fn sql_error(
        &self,
        step: &Step,
        at: Option<(usize, usize)>,
        error: tokio_postgres::Error,
    ) -> Error {
        if copies(&error) {
            return Error::Copies { id: step.id.clone(), file: step.file_name() };
        }
        let Some(said) = error.as_db_error() else {
            return Error::Database { doing: "running a migration", error };
        };
        let text = step.runs.script.text.as_str();
        let offset = at.and_then(|(base, before)| {
            let sent = text.get(base..)?;
            match said.position()? {
                ErrorPosition::Original(position) => {
                    let characters = usize::try_from(*position).ok()?.checked_sub(before + 1)?;
                    Some(base + sent.char_indices().nth(characters).map_or(sent.len(), |(at, _)| at))
                }
                // A query inside of a function or DO block: placed if it stands in this file just once.
                ErrorPosition::Internal { position, query } if text.matches(query.as_str()).count() == 1 => {
                    let characters = usize::try_from(*position).ok()?.checked_sub(1)?;
                    let within = query.char_indices().nth(characters).map_or(query.len(), |(at, _)| at);
                    text.find(query.as_str()).map(|at| at + within)
                }
                ErrorPosition::Internal { .. } => None,
            }
        });
        // A statement that is sent by itself begins somewhere, whatever the server says.
        let offset = offset.or_else(|| at.map(|(base, _)| base).filter(|_| step.runs.statements.is_some()));
        let place = offset.map(|offset| {
            let before = &text[..offset];
            let start = before.rfind('\n').map_or(0, |at| at + 1);
            let place = (before.matches('\n').count() + 1, text[start..offset].chars().count() + 1);
            (place, text[start..].lines().next().unwrap_or_default().to_owned())
        });
        let (place, line) = place.map_or((None, String::new()), |(place, line)| (Some(place), line));
        Error::Sql(Box::new(SqlError {
            id: step.id.clone(),
            direction: step.direction,
            file: step.file_name(),
            place,
            line,
            message: said.message().to_owned(),
            sqlstate: said.code().code().to_owned(),
            detail: said.detail().map(str::to_owned),
            hint: said.hint().map(str::to_owned),
            context: said.where_().map(str::to_owned),
            source: error,
        }))
    }
}

/// The same migration as refinery knows it.
pub(crate) fn refinery_migration(step: &Step) -> Result<Migration, Error> {
    // Its own rules for names are looser than ours, so this does not fail.
    Migration::unapplied(&format!("{}", step.id), &step.runs.script.text)
        .map_err(|error| Error::Lost(error.to_string()))
}

/// Runs a text and keeps none of its rows.
pub(crate) async fn drained(client: &Client, text: &str) -> Result<u64, tokio_postgres::Error> {
    let mut messages = pin!(client.simple_query_raw(text).await?);
    let mut changed = 0;
    while let Some(message) = messages.try_next().await? {
        if let SimpleQueryMessage::CommandComplete(rows) = message {
            changed = rows;
        }
    }
    Ok(changed)
}

/// An error while writing what is ours, told from a lack of rights.
pub(crate) fn not_permitted(what: &'static str, error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(said) if said.code().code() == "42501" => {
            Error::NotPermitted { what: what.to_owned(), said: said.message().to_owned() }
        }
        _ => Error::Database { doing: WRITING, error },
    }
}

impl AsyncTransaction for Link<'_> {
    type Error = Stopped;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Stopped> {
        // First comes the table, alone; it was made under the lock already. Then the script, with a row that has fewer
        // columns than ours.
        let script = queries.count() > 1;
        let Some(step) = self.step.filter(|_| script) else { return Ok(0) };
        match self.apply(step).await {
            Ok(()) => Ok(1),
            Err(error) => {
                self.failure = Some(error);
                Err(Stopped)
            }
        }
    }
}

impl AsyncQuery<Vec<Migration>> for Link<'_> {
    async fn query(&mut self, _query: &str) -> Result<Vec<Migration>, Stopped> {
        Ok(Vec::new())
    }
}

impl AsyncMigrate for Link<'_> {
    /// The table is made elsewhere.
    fn assert_migrations_table_query(_: &str) -> String {
        String::new()
    }
}
