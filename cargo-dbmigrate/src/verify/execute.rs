//! Runs one script on one connection, exactly as a deployment would, and says where it failed.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use dbmigrate_runtime::migration::{Direction, Script};
use tokio_postgres::error::{DbError, ErrorPosition, Severity};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::problem::Excerpt;
use crate::sql;
use crate::verify::plan::Subject;

/// How long a cancelled statement may take to end.
const CANCEL_GRACE: Duration = Duration::from_secs(10);

/// What a script leaves behind in its session must not reach the next one. Works inside a transaction, too.
const RESET: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; DISCARD TEMP";

/// What came of the reset; `None` if it was not tried.
type Reset = Option<Result<(), tokio_postgres::Error>>;

/// Who commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The script runs in a transaction of its own, or statement by statement if it asks for that.
    Own,
    /// The script runs inside the caller's transaction. Deferred constraints are checked at its end.
    Callers,
}

/// A script that did not run.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// Where, and what the server said.
    pub excerpt: Excerpt,
    /// The session cannot be used any more: it broke, or the script still runs in it.
    pub session_lost: bool,
}

/// Why a script did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server refused a statement, or ended the session.
    Refused,
    /// It did not end in time and was cancelled.
    Timeout,
}

/// One script to run.
pub struct Job<'a> {
    script: &'a Script,
    file: PathBuf,
    /// The text that the server gets: every byte at its place in the file.
    text: std::borrow::Cow<'a, str>,
    /// The statement that repeats, while one does.
    repeating: Cell<Option<Repeating>>,
}

/// How far a statement that repeats has come.
#[derive(Clone, Copy)]
struct Repeating {
    /// Its byte offset.
    start: usize,
    /// How often it ran and changed rows.
    runs: u64,
}

impl<'a> Job<'a> {
    /// The job of one direction; `None` if there is no such script.
    pub fn new(subject: &'a Subject, direction: Direction) -> Option<Self> {
        let script = subject.migration.script(direction)?;
        let text = sql::without_intruders(&script.text);
        Some(Self { script, file: subject.file(direction), text, repeating: Cell::new(None) })
    }

    /// Runs it.
    ///
    /// With [`Commit::Own`] a failed transactional script leaves nothing behind and the session is as before; with
    /// [`Commit::Callers`] the caller must roll back after a failure. Not cancellation safe: a dropped future leaves
    /// the statement running until the connection closes.
    ///
    /// # Errors
    /// The inner result is the script's own failure; the outer one says that the session cannot be used any more.
    pub async fn run(
        &self,
        client: &Client,
        commit: Commit,
        limit: Duration,
    ) -> anyhow::Result<Result<(), Failure>> {
        let (result, reset) = match tokio::time::timeout(limit, self.attempt(client, commit)).await {
            Ok((result, reset)) => (result, reset),
            Err(_) => (Err(self.cancel(client, limit).await), None),
        };
        if client.is_closed() {
            let failure = result.err().unwrap_or_else(|| self.lost());
            return Ok(Err(Failure { session_lost: true, ..failure }));
        }
        let reset = match (&result, reset) {
            (Err(failure), _) if failure.session_lost => return Ok(result),
            (Err(_), _) if commit == Commit::Callers => return Ok(result),
            (_, Some(reset)) => reset,
            (_, None) => client.batch_execute(RESET).await,
        };
        match reset {
            Ok(()) => Ok(result),
            // A session that a script breaks may look alive until it is used.
            Err(error) if breaks_session(&error) => {
                Ok(result.and(Err(self.lost())).map_err(|failure| Failure { session_lost: true, ..failure }))
            }
            Err(error) => Err(error).context("the session could not be reset after a migration"),
        }
    }

    /// What came of the script, and of the reset after it where that was tried already.
    ///
    /// All is sent at once: after a failure in a transaction nothing but its end has an effect, and `COMMIT` then rolls
    /// back.
    async fn attempt(&self, client: &Client, commit: Commit) -> (Result<(), Failure>, Reset) {
        if self.script.directives.no_transaction {
            for statement in sql::statements(&self.text) {
                let text = &self.text[statement.start..statement.end];
                let ran = match statement.repeat {
                    Some(_) => self.repeat(client, statement.start, text).await,
                    None => client.batch_execute(text).await,
                };
                if let Err(error) = ran {
                    return (Err(self.failure(Some(statement.start), &error)), None);
                }
            }
            return (Ok(()), None);
        }
        let send = |text| client.batch_execute(text);
        if commit == Commit::Callers {
            let checks = send("SET CONSTRAINTS ALL IMMEDIATE");
            let (text, checks, reset) = futures_util::join!(send(&self.text), checks, send(RESET));
            let result = match text {
                Ok(()) => checks.map_err(|error| self.at_commit(&error)),
                Err(error) => Err(self.failure(None, &error)),
            };
            return (result, Some(reset));
        }
        let sent = futures_util::join!(send("BEGIN"), send(&self.text), send("COMMIT"), send(RESET));
        let (begun, text, committed, reset) = sent;
        let result = match (begun, text) {
            (Ok(()), Ok(())) => committed.map_err(|error| self.at_commit(&error)),
            (Err(error), _) => Err(self.failure(None, &error)),
            (Ok(()), Err(error)) => match self.failure(None, &error) {
                failure if failure.excerpt.place.is_none() => Err(self.located(client, failure).await),
                failure => Err(failure),
            },
        };
        // After a failure the statements may have been run once more.
        let reset = result.is_ok().then_some(reset);
        (result, reset)
    }

    /// Runs a statement, each time in a transaction of its own, until the server says that it changed no row.
    async fn repeat(&self, client: &Client, start: usize, text: &str) -> Result<(), tokio_postgres::Error> {
        for runs in 0.. {
            let count = |message: &SimpleQueryMessage| match message {
                SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
                _ => None,
            };
            let rows = client.simple_query(text).await?.iter().rev().find_map(count).unwrap_or(0);
            if rows == 0 {
                break;
            }
            self.repeating.set(Some(Repeating { start, runs: runs + 1 }));
        }
        self.repeating.set(None);
        Ok(())
    }

    /// Most errors at run time carry no position. To find the statement, they are run one by one, and rolled back.
    pub async fn located(&self, client: &Client, failure: Failure) -> Failure {
        if failure.cause != Cause::Refused
            || failure.session_lost
            || client.batch_execute("BEGIN").await.is_err()
        {
            return failure;
        }
        let mut found = None;
        for statement in sql::statements(&self.text) {
            let text = &self.text[statement.start..statement.end];
            if let Err(error) = client.batch_execute(text).await {
                found = Some(self.failure(Some(statement.start), &error));
                break;
            }
        }
        _ = client.batch_execute("ROLLBACK").await;
        match found {
            Some(found) if found.excerpt.sqlstate == failure.excerpt.sqlstate => found,
            _ => failure,
        }
    }

    /// Ends what runs on the server; the connection stays usable if the server answers in time.
    async fn cancel(&self, client: &Client, limit: Duration) -> Failure {
        let settle = async {
            _ = client.cancel_token().cancel_query(NoTls).await;
            // Waits behind the cancelled statement on this connection.
            _ = client.batch_execute("ROLLBACK").await;
        };
        let session_lost = tokio::time::timeout(CANCEL_GRACE, settle).await.is_err();
        let message = match session_lost {
            false => format!("did not end within {limit:?} and was cancelled"),
            true => format!("did not end within {limit:?}, nor when it was cancelled"),
        };
        let excerpt = match self.repeating.take() {
            None => Excerpt::whole_file(&self.file, message),
            Some(Repeating { start, runs }) => {
                let times = if runs == 1 { "once".to_owned() } else { format!("{runs} times") };
                let message =
                    format!("{message}: a statement that repeats ran {times}, and still changed rows");
                Excerpt::at_offset(&self.file, &self.script.text, start, message)
            }
        };
        Failure { cause: Cause::Timeout, excerpt, session_lost }
    }

    fn lost(&self) -> Failure {
        let message = "the server closed the connection while this ran";
        let excerpt = Excerpt::whole_file(&self.file, message);
        Failure { cause: Cause::Refused, excerpt, session_lost: true }
    }

    /// The server waits for rows, or sends them: the session is of no use after that.
    fn copies(&self, statement: Option<usize>) -> Failure {
        let message = "it copies rows from or to the client, where a migration has none";
        let copy = || sql::statements(&self.text).iter().find(|one| one.may_copy()).map(|one| one.start);
        let excerpt = match statement.or_else(copy) {
            Some(offset) => Excerpt::at_offset(&self.file, &self.script.text, offset, message),
            None => Excerpt::whole_file(&self.file, message),
        };
        Failure { cause: Cause::Refused, excerpt, session_lost: true }
    }

    fn at_commit(&self, error: &tokio_postgres::Error) -> Failure {
        let mut failure = self.failure(None, error);
        failure.excerpt.place = None;
        failure.excerpt.message.push_str(" (when its deferred constraints were checked)");
        failure
    }

    /// What the server said: of the statement that was sent from this byte offset on, or of the whole text.
    fn failure(&self, statement: Option<usize>, error: &tokio_postgres::Error) -> Failure {
        let base = statement.unwrap_or(0);
        let Some(said) = error.as_db_error() else {
            // The client's own words, and all that it offers to tell this by.
            return match error.to_string().as_str() {
                "unexpected message from server" => self.copies(statement),
                _ => self.lost(),
            };
        };
        let offset_in = |text: &str, position: u32| {
            let characters = usize::try_from(position).unwrap_or(usize::MAX).saturating_sub(1);
            text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
        };
        let offset = match said.position() {
            Some(ErrorPosition::Original(position)) => Some(base + offset_in(&self.text[base..], *position)),
            // A query inside of a function or DO block: placed if it stands in this file just once.
            Some(ErrorPosition::Internal { position, query })
                if self.text.matches(query.as_str()).count() == 1 =>
            {
                self.text.find(query.as_str()).map(|at| at + offset_in(query, *position))
            }
            _ => statement,
        };
        let message = said.message();
        let mut excerpt = match offset {
            Some(offset) => Excerpt::at_offset(&self.file, &self.script.text, offset, message),
            None => Excerpt::whole_file(&self.file, message),
        };
        excerpt.sqlstate = Some(said.code().code().to_owned());
        excerpt.detail = said.detail().map(str::to_owned);
        excerpt.hint = said.hint().map(str::to_owned);
        excerpt.context = said.where_().map(str::to_owned);
        Failure { cause: Cause::Refused, excerpt, session_lost: breaks_session(error) }
    }
}

/// Whether the session has ended with this error.
fn breaks_session(error: &tokio_postgres::Error) -> bool {
    let fatal = |said: &DbError| matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    error.is_closed() || error.as_db_error().is_some_and(fatal)
}
