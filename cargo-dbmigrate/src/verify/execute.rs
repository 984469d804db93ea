//! Runs one script on one connection, exactly as a deployment would, and says where it failed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use dbmigrate_runtime::migration::{Direction, Script};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, NoTls};

use crate::problem::Excerpt;
use crate::sql;
use crate::verify::plan::Subject;

/// How long a cancelled statement may take to end.
const CANCEL_GRACE: Duration = Duration::from_secs(10);

/// What a script leaves behind in its session must not reach the next one. Works inside a transaction, too.
const RESET: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DISCARD TEMP";

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
}

/// Why a script did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server refused a statement.
    Refused,
    /// It did not end in time and was cancelled.
    Timeout,
    /// The connection broke.
    ConnectionLost,
}

/// One script to run.
pub struct Job<'a> {
    script: &'a Script,
    file: PathBuf,
    /// The text that the server gets: every byte at its place in the file.
    text: std::borrow::Cow<'a, str>,
}

impl<'a> Job<'a> {
    /// The job of one direction; `None` if there is no such script.
    pub fn new(subject: &'a Subject, direction: Direction) -> Option<Self> {
        let script = subject.migration.script(direction)?;
        let text = sql::without_intruders(&script.text);
        Some(Self { script, file: subject.file(direction), text })
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
        let result = match tokio::time::timeout(limit, self.attempt(client, commit)).await {
            Ok(result) => result,
            Err(_) => Err(self.cancel(client, limit).await),
        };
        let lost = client.is_closed() || matches!(&result, Err(f) if f.cause == Cause::ConnectionLost);
        if lost {
            return Ok(result.and(Err(self.lost())));
        }
        if result.is_ok() || commit == Commit::Own {
            client.batch_execute(RESET).await.context("the session could not be reset after a migration")?;
        }
        Ok(result)
    }

    async fn attempt(&self, client: &Client, commit: Commit) -> Result<(), Failure> {
        if self.script.directives.no_transaction {
            for statement in sql::statements(&self.text) {
                let text = &self.text[statement.start..statement.end];
                client.batch_execute(text).await.map_err(|e| self.failure(Some(statement.start), &e))?;
            }
            return Ok(());
        }
        if commit == Commit::Callers {
            client.batch_execute(&self.text).await.map_err(|e| self.failure(None, &e))?;
            return client
                .batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
                .await
                .map_err(|e| self.at_commit(&e));
        }
        client.batch_execute("BEGIN").await.map_err(|e| self.failure(None, &e))?;
        let result = match client.batch_execute(&self.text).await {
            Ok(()) => return client.batch_execute("COMMIT").await.map_err(|e| self.at_commit(&e)),
            Err(error) => Err(self.failure(None, &error)),
        };
        // What fails here is seen by the next statement on this connection.
        _ = client.batch_execute("ROLLBACK").await;
        match result {
            Err(failure) if failure.excerpt.place.is_none() => Err(self.located(client, failure).await),
            result => result,
        }
    }

    /// Most errors at run time carry no position. To find the statement, they are run one by one, and rolled back.
    pub async fn located(&self, client: &Client, failure: Failure) -> Failure {
        if failure.cause != Cause::Refused || client.batch_execute("BEGIN").await.is_err() {
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
        let cause = match tokio::time::timeout(CANCEL_GRACE, settle).await {
            Ok(()) => Cause::Timeout,
            Err(_) => Cause::ConnectionLost,
        };
        let message = format!("did not end within {limit:?} and was cancelled");
        Failure { cause, excerpt: Excerpt::whole_file(&self.file, message) }
    }

    fn lost(&self) -> Failure {
        let message = "the server closed the connection while this ran";
        Failure { cause: Cause::ConnectionLost, excerpt: Excerpt::whole_file(&self.file, message) }
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
            let cause = if error.is_closed() { Cause::ConnectionLost } else { Cause::Refused };
            return Failure { cause, excerpt: Excerpt::whole_file(&self.file, error.to_string()) };
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
        Failure { cause: Cause::Refused, excerpt }
    }
}
