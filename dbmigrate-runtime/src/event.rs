//! What the engine says while it works. One place turns it into `tracing` events and calls the caller's observer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::migration::{Direction, Id};

/// Something that happened. More kinds may come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Another session migrates this database; this one waits for it.
    Waiting {
        /// How long it has waited so far.
        waited: Duration,
        /// Who migrates, as far as it can be seen.
        holder: Option<Holder>,
    },
    /// This session is the one that migrates. So many migrations are to run.
    Began {
        /// Their number.
        steps: usize,
    },
    /// A migration begins.
    Started {
        /// Which.
        id: Id,
        /// Which way.
        direction: Direction,
        /// Its place among those that run, from 1.
        number: usize,
        /// How many run.
        of: usize,
    },
    /// A statement of a `no-transaction` migration begins.
    Statement {
        /// Whose.
        id: Id,
        /// Its place, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A `no-transaction` migration goes on where an interrupted run stopped.
    Resumed {
        /// Which.
        id: Id,
        /// Which way.
        direction: Direction,
        /// How many of its statements had been done.
        done: usize,
    },
    /// A repeated statement changed rows and runs again.
    Batch {
        /// Whose.
        id: Id,
        /// The statement's place, from 1.
        number: usize,
        /// How many rows this run of it changed.
        rows: u64,
        /// How many rows it has changed in this session.
        total: u64,
    },
    /// A statement has been running for a while, and waits for others or makes progress.
    Running {
        /// Whose.
        id: Id,
        /// Since the migration began.
        elapsed: Duration,
        /// The sessions that it waits for.
        waits_for: Vec<Holder>,
        /// What the server's progress views say, as `phase, done of total`.
        progress: Option<String>,
    },
    /// An invalid index that a failed `CREATE INDEX CONCURRENTLY` left was dropped, and is built anew.
    InvalidIndexDropped {
        /// Whose.
        id: Id,
        /// The index, as `schema.name`.
        index: String,
    },
    /// A statement of a `no-transaction` migration was interrupted, and nothing tells whether it was done: it runs again.
    RunAgain {
        /// Whose.
        id: Id,
        /// Its place, from 1.
        number: usize,
    },
    /// A migration could not get a lock in time, or lost a deadlock. It was rolled back, or of a `no-transaction` one its
    /// statement was, and is tried again.
    Retrying {
        /// Which.
        id: Id,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// What the server said.
        why: String,
        /// How long until the next attempt.
        pause: Duration,
    },
    /// The connection was lost and is made anew.
    Reconnecting {
        /// What was said of the loss.
        why: String,
        /// How long until the next attempt.
        pause: Duration,
    },
    /// A migration ended well, and so says the history.
    Finished {
        /// Which.
        id: Id,
        /// Which way.
        direction: Direction,
        /// How long it took.
        took: Duration,
    },
}

/// Another session, as `pg_stat_activity` shows it. Without the right to see it, there is only the process id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The process id of its backend.
    pub pid: i32,
    /// `application_name`.
    pub application: Option<String>,
    /// The role.
    pub user: Option<String>,
    /// `active`, `idle in transaction` and so on.
    pub state: Option<String>,
    /// Its current or last statement, shortened.
    pub query: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        let named = |value: &Option<String>| value.as_ref().filter(|value| !value.is_empty()).cloned();
        if let Some(application) = named(&self.application) {
            write!(f, " `{application}`")?;
        }
        if let Some(user) = named(&self.user) {
            write!(f, " of {user}")?;
        }
        if let Some(state) = named(&self.state) {
            write!(f, ", {state}")?;
        }
        if let Some(query) = named(&self.query) {
            write!(f, ", `{query}`")?;
        }
        Ok(())
    }
}

/// Is told of every [`Event`], in order, on the task that migrates: it must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Where events go.
#[derive(Clone, Default)]
pub(crate) struct Events(pub(crate) Option<Arc<dyn Observer>>);

impl Events {
    pub(crate) fn emit(&self, event: Event) {
        trace(&event);
        if let Some(observer) = &self.0 {
            observer.event(&event);
        }
    }
}

fn trace(event: &Event) {
    match event {
        Event::Waiting { waited, holder } => {
            let holder = holder.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::info!(?waited, holder, "another session migrates this database");
        }
        Event::Began { steps } => tracing::info!(steps, "migrating"),
        Event::Started { id, direction, number, of } => {
            tracing::info!(migration = %id, %direction, number, of, "migration started");
        }
        Event::Statement { id, number, of } => {
            tracing::debug!(migration = %id, number, of, "statement started");
        }
        Event::Resumed { id, direction, done } => {
            tracing::info!(migration = %id, %direction, done, "an interrupted migration goes on");
        }
        Event::Batch { id, number, rows, total } => {
            tracing::info!(migration = %id, statement = number, rows, total, "batch done");
        }
        Event::Running { id, elapsed, waits_for, progress } => {
            let waits_for = waits_for.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let progress = progress.as_deref().unwrap_or_default();
            tracing::info!(migration = %id, ?elapsed, waits_for, progress, "still running");
        }
        Event::InvalidIndexDropped { id, index } => {
            tracing::warn!(migration = %id, index, "an invalid index was dropped and is built anew");
        }
        Event::RunAgain { id, number } => {
            tracing::warn!(migration = %id, statement = number, "an interrupted statement may have been done, and runs again");
        }
        Event::Retrying { id, attempt, why, pause } => {
            tracing::warn!(migration = %id, attempt, why, ?pause, "rolled back, and tried again");
        }
        Event::Reconnecting { why, pause } => tracing::warn!(why, ?pause, "connection lost"),
        Event::Finished { id, direction, took } => {
            tracing::info!(migration = %id, %direction, ?took, "migration finished");
        }
    }
}
