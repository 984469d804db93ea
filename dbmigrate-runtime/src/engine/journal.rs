//! Runs a `no-transaction` script statement by statement, and notes in the history how far it has got.
//!
//! A statement that can run in a transaction shares one with its note, so that both happen or neither does. One that cannot
//! runs alone, after the history has noted what is true before it: if it is interrupted, the catalog tells
//! ([`witness`](super::witness)) whether it was done. Where the catalog cannot tell, it runs again.

use std::time::Instant;

use futures_util::future::join;

use crate::Error;
use crate::engine::history::{Progress, underway};
use crate::engine::link::{Link, drained};
use crate::engine::plan::Step;
use crate::engine::session::rows;
use crate::engine::state::RowState;
use crate::engine::statement::Kind;
use crate::engine::watch;
use crate::engine::witness::{Index, Witness};
use crate::event::Event;
use crate::lock::{Statement, Times};
use crate::migration::{Direction, Version};

/// The statement cannot run inside of a transaction block.
const NEEDS_NO_TRANSACTION: [&str; 2] = ["25001", "2D000"];

/// A lock did not come in time, or a deadlock or a conflict was lost: another attempt may succeed.
pub(crate) const WORTH_ANOTHER: [&str; 3] = ["55P03", "40P01", "40001"];

/// What `DISCARD ALL` does, but for the advisory locks, of which one is the engine's.
const DISCARD_ALL: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; \
     DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES";

/// What an attempt leaves to the next one in the same session.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The script whose settings and temporary tables the session holds.
    prepared: Option<(Version, Direction)>,
    /// The rows that the repeated statement at this index has changed.
    repeated: (usize, u64),
    /// The statement that ran alone and is not noted yet.
    finished: Option<usize>,
    /// Whether something was done since this was last asked.
    pub(crate) progressed: bool,
}

/// Runs what is left of a script. `checksum` is refinery's, of an up.
///
/// How far it has got is read from the history, so that this can be called again after an error that left the session alive.
pub(crate) async fn run(
    link: &Link<'_>,
    memory: &mut Memory,
    step: &Step,
    checksum: Option<u64>,
) -> Result<(), Error> {
    let began = Instant::now();
    let count = step.runs.statements.as_ref().map_or(0, Vec::len);
    let (version, direction) = (step.id.version, step.direction);
    let again = memory.prepared == Some((version, direction));
    if !again {
        *memory = Memory::default();
        let settings = link.session.settings(link.options);
        let set = link.client().batch_execute(&settings).await;
        set.map_err(|error| Error::Database { doing: "setting the session up", error })?;
    }
    let run = Run { link, step, began };
    let (done, mut witness) = match run.progress(checksum).await? {
        Some(found) => found,
        // What was to be noted last had been noted.
        None => return Ok(()),
    };
    if !again {
        if step.done.is_some() {
            link.events.emit(Event::Resumed { id: step.id.clone(), direction, done });
        }
        run.replay(done).await?;
        memory.prepared = Some((version, direction));
    }
    for index in done..count {
        let Some((statement, text)) = step.runs.statement(index) else { break };
        link.events.emit(Event::Statement { id: step.id.clone(), number: index + 1, of: count });
        let one = One { index, offset: statement.offset, text, kind: run.kind(text) };
        run.statement(memory, &one, statement, witness.take()).await?;
        memory.progressed = true;
    }
    match direction {
        Direction::Up => run.write(link.table.finish(version, began.elapsed())).await,
        Direction::Down => run.write(link.table.delete(version)).await,
    }
}

/// A script that runs.
struct Run<'a> {
    link: &'a Link<'a>,
    step: &'a Step,
    began: Instant,
}

/// One statement of it.
struct One<'a> {
    index: usize,
    /// Where it begins in the file, in bytes.
    offset: usize,
    text: &'a str,
    kind: Kind,
}

impl Run<'_> {
    /// How many statements are done, and what was true before the next one if it has begun. Begins if nothing has. `None` if
    /// nothing is left to do.
    async fn progress(&self, checksum: Option<u64>) -> Result<Option<(usize, Option<String>)>, Error> {
        let table = self.link.table;
        let version = self.step.id.version;
        let found = rows(self.link.client(), &table.read_progress(version)).await;
        let found = found.map_err(|error| Error::Database { doing: "reading the history", error })?;
        let progress = found.first().map(|row| table.progress_of(row)).transpose()?;
        let begin = underway(self.step.direction, 0);
        match (self.step.direction, progress) {
            (Direction::Up, None) => {
                let row = table.insert(self.step, checksum.unwrap_or_default(), begin, None);
                self.write(row).await?;
                Ok(Some((0, None)))
            }
            (Direction::Down, Some(Progress { state: RowState::Applied, .. })) => {
                self.write(table.progress(version, begin)).await?;
                Ok(Some((0, None)))
            }
            (Direction::Up, Some(Progress { state: RowState::Running(done), witness }))
            | (Direction::Down, Some(Progress { state: RowState::Reverting(done), witness })) => {
                Ok(Some((done, witness)))
            }
            (Direction::Up, Some(Progress { state: RowState::Applied, .. })) | (Direction::Down, None) => {
                Ok(None)
            }
            (_, Some(Progress { state, .. })) => {
                let way = if matches!(state, RowState::Running(_)) { "up" } else { "down" };
                let why = format!("another session has begun the {way} of `{}`", self.step.id);
                Err(Error::Lost(why))
            }
        }
    }

    fn kind(&self, text: &str) -> Kind {
        match Kind::of(text) {
            // Older servers do not know it, and say so.
            Kind::Detach { .. } if self.link.session.server < 14 => Kind::Other,
            kind => kind,
        }
    }

    /// Sets the session as the statements before this one had set it.
    async fn replay(&self, done: usize) -> Result<(), Error> {
        for index in 0..done {
            let Some((statement, text)) = self.step.runs.statement(index) else { break };
            let kind = self.kind(text);
            if kind.sets_session() {
                let one = One { index, offset: statement.offset, text, kind };
                let ran = self.link.client().batch_execute(&self.sent(&one)).await;
                ran.map_err(|error| self.link.sql_error(self.step, Some((one.offset, 0)), error))?;
            }
        }
        Ok(())
    }

    /// The text of a statement, with what keeps the session the engine's.
    fn sent(&self, one: &One<'_>) -> String {
        let own = || self.link.session.own_settings(self.link.options);
        match one.kind {
            Kind::ResetAll => format!("RESET ALL; {}", own()),
            Kind::DiscardAll => format!("{DISCARD_ALL}; {}", own()),
            _ => one.text.to_owned(),
        }
    }

    /// Runs a statement as often as it is to run, and notes it.
    async fn statement(
        &self,
        memory: &mut Memory,
        one: &One<'_>,
        statement: Statement,
        witness: Option<String>,
    ) -> Result<(), Error> {
        if statement.times == Times::UntilNoRow {
            if memory.repeated.0 != one.index {
                memory.repeated = (one.index, 0);
            }
            loop {
                // One that does not change rows, or cannot share a transaction, is none that could be repeated.
                let rows = self.shared(one, statement.times).await?.unwrap_or_default();
                if rows == 0 {
                    return Ok(());
                }
                memory.progressed = true;
                memory.repeated.1 += rows;
                let (id, number, total) = (self.step.id.clone(), one.index + 1, memory.repeated.1);
                self.link.events.emit(Event::Batch { id, number, rows, total });
            }
        }
        let shares = witness.is_none() && !one.kind.runs_alone();
        if shares && self.shared(one, statement.times).await?.is_some() {
            return Ok(());
        }
        if memory.finished != Some(one.index) {
            self.alone(one, witness).await?;
            memory.finished = Some(one.index);
        }
        let state = underway(self.step.direction, one.index + 1);
        self.write(self.link.table.progress(self.step.id.version, state)).await
    }

    /// Runs a statement in a transaction with its note. Gives the number of rows that it changed; `None`, and nothing has
    /// happened, if it cannot run so.
    async fn shared(&self, one: &One<'_>, times: Times) -> Result<Option<u64>, Error> {
        let link = self.link;
        let client = link.client();
        let opening = format!("BEGIN; SET LOCAL dbmigrate.migration = '{}';\n", self.step.id.version);
        let sent = format!("{opening}{}", self.sent(one));
        let ran = watch::watched(link, &self.step.id, self.began, drained(client, &sent)).await;
        let rows = match ran {
            Ok(rows) => rows,
            Err(error) => {
                _ = client.batch_execute("ROLLBACK").await;
                let alone = error.code().is_some_and(|code| NEEDS_NO_TRANSACTION.contains(&code.code()));
                if alone && times == Times::Once {
                    return Ok(None);
                }
                return Err(link.sql_error(self.step, Some((one.offset, opening.chars().count())), error));
            }
        };
        let done = if times == Times::UntilNoRow && rows > 0 { one.index } else { one.index + 1 };
        let note = link.table.progress(self.step.id.version, underway(self.step.direction, done));
        // A reset of everything takes the transaction's mark with it, and does not end the transaction.
        let same = match one.kind {
            Kind::ResetAll | Kind::DiscardAll => link.session.is_this(),
            _ => link.is_this_transaction(self.step),
        };
        let note = guarded(&same, &note);
        // Where the note fails, nothing is committed: the transaction has failed with it.
        let ending = join(client.batch_execute(&note), client.batch_execute("COMMIT"));
        let (noted, committed) = watch::watched(link, &self.step.id, self.began, ending).await;
        if let Err(error) = noted {
            _ = client.batch_execute("ROLLBACK").await;
            if is_division(&error) {
                link.session.must_be_this(client).await?;
                let (id, file) = (self.step.id.clone(), self.step.file_name());
                return Err(Error::TransactionEnded { id, file });
            }
            return Err(self.unwritten(one, error));
        }
        committed.map_err(|error| link.commit_error(self.step, Some((one.offset, 0)), error))?;
        Ok(Some(rows))
    }

    /// Runs a statement outside of any transaction, if it is not done yet.
    async fn alone(&self, one: &One<'_>, witness: Option<String>) -> Result<(), Error> {
        let link = self.link;
        let client = link.client();
        let (id, number) = (self.step.id.clone(), one.index + 1);
        let mut before = witness.as_deref().map(Witness::parse);
        match &before {
            Some(witness) if witness.is_done(client, &one.kind).await? => return Ok(()),
            Some(Witness::Nothing) => {
                if one.kind == Kind::Other {
                    link.events.emit(Event::RunAgain { id: id.clone(), number });
                }
                before = None;
            }
            _ => {}
        }
        let before = match before {
            Some(before) => before,
            None => {
                let before = Witness::look(client, &one.kind).await?;
                self.write(link.table.witness(self.step.id.version, &before.to_string())).await?;
                before
            }
        };
        let patient = self.patience(&one.kind).await?;
        let mut result = self.attempt(one, &before).await;
        if result.is_ok() && before.invalid(client, &one.kind).await?.is_some() {
            // `IF NOT EXISTS` found what another session left meanwhile.
            result = self.attempt(one, &before).await;
        }
        if let Some(set_back) = patient
            && !client.is_closed()
        {
            let set = client.batch_execute(&set_back).await;
            set.map_err(|error| Error::Database { doing: "setting the session up", error })?;
        }
        if let Err(error) = result {
            // An invalid index slows writes down, and a unique one refuses some. What cannot be dropped now is dropped
            // before the next attempt.
            if !client.is_closed() {
                _ = self.clear(one, &before).await;
            }
            return Err(error);
        }
        match before.invalid(client, &one.kind).await? {
            Some(index) => Err(Error::InvalidIndex { id, index: index.shown() }),
            None => Ok(()),
        }
    }

    async fn attempt(&self, one: &One<'_>, before: &Witness) -> Result<(), Error> {
        let link = self.link;
        let client = link.client();
        self.clear(one, before).await?;
        let rest = before.rest(client).await?;
        let sent = rest.as_deref().unwrap_or(one.text);
        let ran = watch::watched(link, &self.step.id, self.began, drained(client, sent)).await;
        ran.map(drop).map_err(|error| link.sql_error(self.step, Some((one.offset, 0)), error))
    }

    /// Drops what an attempt has left.
    async fn clear(&self, one: &One<'_>, before: &Witness) -> Result<(), Error> {
        let link = self.link;
        let client = link.client();
        for seen in before.debris(client, &one.kind).await? {
            // Perhaps it is invalid because another session builds it now: after that one it is not.
            if let Some(table) = &seen.table {
                let waited = self
                    .tidy(one, format!("BEGIN; LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE"))
                    .await;
                _ = client.batch_execute("ROLLBACK").await;
                waited?;
            }
            let still = before.debris(client, &one.kind).await?;
            if still.iter().any(|index: &Index| index.sql() == seen.sql()) {
                self.tidy(one, format!("DROP INDEX CONCURRENTLY IF EXISTS {}", seen.sql())).await?;
                let index = seen.shown();
                link.events.emit(Event::InvalidIndexDropped { id: self.step.id.clone(), index });
            }
        }
        Ok(())
    }

    async fn tidy(&self, one: &One<'_>, sql: String) -> Result<(), Error> {
        let ran = self.link.client().batch_execute(&sql);
        let ran = watch::watched(self.link, &self.step.id, self.began, ran).await;
        ran.map_err(|error| self.link.sql_error(self.step, Some((one.offset, 0)), error))
    }

    /// Lifts the lock timeout for a statement whose waits stop nobody, and which would lose hours of work to it; but not one
    /// that the script has set. Gives what sets it back.
    async fn patience(&self, kind: &Kind) -> Result<Option<String>, Error> {
        if !kind.waits_harmlessly() {
            return Ok(None);
        }
        let client = self.link.client();
        let doing = "setting the session up";
        let asked = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'";
        let found = rows(client, asked).await.map_err(|error| Error::Database { doing, error })?;
        let found = found.first().and_then(|row| row.try_get(0).ok().flatten()).unwrap_or_default();
        let ours = self.link.options.lock_timeout_ms().to_string();
        if found != ours || ours == "0" {
            return Ok(None);
        }
        let lifted = client.batch_execute("SET lock_timeout = 0").await;
        lifted.map_err(|error| Error::Database { doing, error })?;
        Ok(Some(format!("SET lock_timeout = {ours}")))
    }

    /// Writes the history, in a transaction of its own.
    async fn write(&self, sql: String) -> Result<(), Error> {
        let client = self.link.client();
        let Err(error) = client.batch_execute(&guarded(&self.link.session.is_this(), &sql)).await else {
            return Ok(());
        };
        if is_division(&error) {
            self.link.session.must_be_this(client).await?;
        }
        Err(self.unwritten_at(None, error))
    }

    fn unwritten(&self, one: &One<'_>, error: tokio_postgres::Error) -> Error {
        self.unwritten_at(Some((one.offset, 0)), error)
    }

    /// The history could not be written. Locks may be free the next time.
    fn unwritten_at(&self, at: Option<(usize, usize)>, error: tokio_postgres::Error) -> Error {
        self.link.unwritten(self.step, at, error)
    }
}

/// Writes only if a condition holds, and fails in a way of its own where it does not. A script may have taken another role.
fn guarded(condition: &str, sql: &str) -> String {
    format!("SET LOCAL role TO DEFAULT; SELECT 1 / ({condition})::int; {sql}")
}

fn is_division(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code() == "22012")
}
