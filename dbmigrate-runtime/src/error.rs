//! Why a migrator stopped. Every error says what is wrong, where, and what to do ([`Error::hint`]).

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::connect::ConnectError;
use crate::engine::{Divergent, TargetError};
use crate::event::Holder;
use crate::migration::{Direction, Hash, Id};
use crate::migrations::SetError;

/// What was being done when a commit was not answered.
pub(crate) const COMMITTING: &str = "committing a migration";

/// What was being done when the history could not be written.
pub(crate) const WRITING: &str = "writing the history";

/// Why a migrator stopped. Unless it says otherwise, nothing was changed by the step that failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The embedded files cannot be run.
    Set(SetError),
    /// The database cannot be reached.
    Connect(ConnectError),
    /// The name of the history table is not `table` or `schema.table`.
    HistoryTable(String),
    /// The target leads nowhere.
    Target(TargetError),
    /// The database holds migrations that are newer than this program.
    DatabaseAhead(Vec<Id>),
    /// The database holds migrations that this program does not know, although it knows newer ones.
    Missing(Vec<Id>),
    /// Applied migrations whose files changed since.
    Divergent(Vec<Divergent>),
    /// Migrations that are not applied although newer ones are.
    Late {
        /// The late ones.
        late: Vec<Id>,
        /// The newest that is applied.
        current: Option<Id>,
    },
    /// The database is not up to date: these are pending ([`Migrator::verify_up_to_date`](crate::Migrator::verify_up_to_date)).
    Pending(Vec<Id>),
    /// A migration was interrupted, and this program does not have the file to bring it to its end.
    Unfinished(Id),
    /// A migration that was to be reverted is declared irreversible.
    Irreversible {
        /// Which.
        id: Id,
        /// The declared reason.
        reason: String,
    },
    /// Neither this program nor the history has a down of this migration.
    NoDown(Id),
    /// What stands in the history table's place is something else.
    ForeignHistory {
        /// The table's name.
        table: String,
        /// What it seems to be.
        what: String,
    },
    /// The history was written by a newer version, in a format that this one does not know.
    NewerHistory {
        /// The table's name.
        table: String,
        /// What wrote it.
        tool: String,
    },
    /// The role may not do what is needed.
    NotPermitted {
        /// What it is: a lowercase fragment.
        what: String,
        /// What the server said.
        said: String,
    },
    /// There is no schema of this name for the history table.
    NoSchema(String),
    /// The caller's client is in a transaction of its own.
    InTransaction,
    /// The database's encoding is not UTF8.
    Encoding(String),
    /// The server is a standby, or the session is read-only.
    ReadOnly,
    /// Behind this connection is a pooler that shares sessions.
    Pooled,
    /// Another session has been migrating for longer than this one was to wait.
    LockBusy {
        /// How long it waited.
        waited: Duration,
        /// Who migrates, as far as it can be seen.
        holder: Option<Holder>,
    },
    /// A migration could not get a lock in the database, however often it was tried.
    LockTimeout {
        /// How often.
        attempts: u32,
        /// Who was in the way when it was last seen.
        blockers: Vec<Holder>,
        /// The last attempt's error.
        error: Box<SqlError>,
    },
    /// A statement failed. A transactional migration was rolled back.
    Sql(Box<SqlError>),
    /// A script ended the transaction that it ran in. What it did before that may have been committed.
    TransactionEnded {
        /// Which.
        id: Id,
        /// The name of its file.
        file: String,
    },
    /// A script copies rows from or to the client, where a migration has none. It was rolled back.
    Copies {
        /// Which.
        id: Id,
        /// The name of its file.
        file: String,
    },
    /// `CREATE INDEX CONCURRENTLY` ended without an error and without a valid index.
    InvalidIndex {
        /// Which.
        id: Id,
        /// The index, as `schema.name`.
        index: String,
    },
    /// The connection was lost and could not be made anew. The history says what was done.
    Lost(String),
    /// Without an async runtime of the caller's one has to be made, and the system refused.
    Runtime(String),
    /// Anything else that the server or the driver said.
    Database {
        /// What was being done: a lowercase fragment.
        doing: &'static str,
        /// What was said.
        error: tokio_postgres::Error,
    },
}

/// A statement that failed, and where it stands.
#[derive(Debug)]
pub struct SqlError {
    /// The migration.
    pub id: Id,
    /// Which of its scripts.
    pub direction: Direction,
    /// The name of its file.
    pub file: String,
    /// 1-based line and column (in characters) in the file, if the server said where.
    pub place: Option<(usize, usize)>,
    /// The source line at that place.
    pub line: String,
    /// What the server said.
    pub message: String,
    /// SQLSTATE.
    pub sqlstate: String,
    /// The server's DETAIL.
    pub detail: Option<String>,
    /// The server's HINT.
    pub hint: Option<String>,
    /// The server's CONTEXT.
    pub context: Option<String>,
    /// The driver's error.
    pub source: tokio_postgres::Error,
}

impl Error {
    /// A stable name for this kind of error, for logs and scripts.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Set(_) => "bad-set",
            Self::Connect(_) => "cannot-connect",
            Self::HistoryTable(_) => "bad-history-table",
            Self::Target(_) => "bad-target",
            Self::DatabaseAhead(_) => "database-ahead",
            Self::Missing(_) => "missing",
            Self::Divergent(_) => "divergent",
            Self::Late { .. } => "late",
            Self::Pending(_) => "pending",
            Self::Unfinished(_) => "unfinished",
            Self::Irreversible { .. } => "irreversible",
            Self::NoDown(_) => "no-down",
            Self::ForeignHistory { .. } => "foreign-history",
            Self::NewerHistory { .. } => "newer-history",
            Self::NotPermitted { .. } => "not-permitted",
            Self::NoSchema(_) => "no-schema",
            Self::InTransaction => "in-transaction",
            Self::Encoding(_) => "bad-encoding",
            Self::ReadOnly => "read-only",
            Self::Pooled => "pooled",
            Self::LockBusy { .. } => "lock-busy",
            Self::LockTimeout { .. } => "lock-timeout",
            Self::Sql(_) => "sql",
            Self::TransactionEnded { .. } => "transaction-ended",
            Self::Copies { .. } => "copies",
            Self::InvalidIndex { .. } => "invalid-index",
            Self::Lost(_) => "connection-lost",
            Self::Runtime(_) => "no-runtime",
            Self::Database { .. } => "database",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Set(error) => error.hint().to_owned(),
            Self::Connect(error) => error.hint().to_string(),
            Self::HistoryTable(_) => "write `table` or `schema.table`".to_owned(),
            Self::Target(error) => error.hint().to_owned(),
            Self::DatabaseAhead(_) => "deploy the program that knows them, revert them with it, or, if this program can work with the newer \
                 schema, choose `DatabaseAhead::Allow`"
                .to_owned(),
            Self::Missing(_) => "build the program with the directory that holds them: a branch may have been deployed that was never merged"
                .to_owned(),
            Self::Divergent(_) => "put the applied text back, and make the change in a new migration".to_owned(),
            Self::Late { .. } => "give the late ones versions newer than head (`cargo dbmigrate rebase`), or, if their order \
                 does not matter, choose `OutOfOrder::Apply`"
                .to_owned(),
            Self::Pending(_) => "run the upgrade first".to_owned(),
            Self::Unfinished(_) => "run the upgrade with the program that began it".to_owned(),
            Self::Irreversible { .. } => "choose a target after it, or write a new migration that takes the change back".to_owned(),
            Self::NoDown(_) => "revert it with the program that has its down".to_owned(),
            Self::ForeignHistory { table, .. } => {
                format!("choose another history table, or move `{table}` away; another tool's history has to be adopted first")
            }
            Self::NewerHistory { .. } => "use that version, or a newer one".to_owned(),
            Self::NotPermitted { .. } => "grant the right to the role that migrates, or migrate as the owner".to_owned(),
            Self::NoSchema(schema) => {
                format!("create the schema `{schema}`, or choose another history table")
            }
            Self::InTransaction => "commit it or roll it back first, or migrate with another client".to_owned(),
            Self::Encoding(_) => "make the database anew with `ENCODING 'UTF8'`".to_owned(),
            Self::ReadOnly => "connect to the primary; with several hosts, set `target_session_attrs=read-write`".to_owned(),
            Self::Pooled => "migrate over a direct URL of the server, not through the pooler; or set the pooler to session mode".to_owned(),
            Self::LockBusy { .. } => "wait for the other session to end, or look at what it does".to_owned(),
            Self::LockTimeout { .. } => "end the sessions that are in the way, try at a quieter time, or allow a longer lock timeout".to_owned(),
            Self::Sql(error) => match error.hint {
                Some(_) => "see the server's hint".to_owned(),
                None => "mend the migration if it was never applied anywhere, else the data that it meets".to_owned(),
            },
            Self::TransactionEnded { .. } => "remove `COMMIT` and the like from the file; `-- dbmigrate: no-transaction` runs its statements one by one".to_owned(),
            Self::Copies { .. } => "write the rows with `INSERT`, or `COPY` from a file on the server".to_owned(),
            Self::InvalidIndex { .. } => "look at the server's log, and run the upgrade again".to_owned(),
            Self::Lost(_) => "run it again: it goes on where it stopped".to_owned(),
            Self::Runtime(_) => "allow this process more threads or open files".to_owned(),
            Self::Database { .. } => "see what the server said".to_owned(),
        }
    }

    /// Whether the connection broke, so that a new one may help.
    pub(crate) fn is_loss(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Connect(error) => error.is_transient(),
            Self::ReadOnly => true,
            Self::Database { error, .. } => lost(error),
            Self::Sql(error) => lost(&error.source),
            _ => false,
        }
    }

    /// Whether what failed may have been committed all the same.
    pub(crate) fn may_be_done(&self) -> bool {
        matches!(self, Self::Database { doing: COMMITTING | WRITING, .. })
    }

    /// The SQLSTATE, if a server said one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Sql(error) | Self::LockTimeout { error, .. } => Some(&error.sqlstate),
            Self::Database { error, .. } => error.code().map(|code| code.code()),
            _ => None,
        }
    }
}

/// Whether a session has ended with this error: the socket broke, or the server shuts down or fails over.
pub(crate) fn lost(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::Severity;
    let Some(said) = error.as_db_error() else { return !copies(error) };
    let fatal = matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    // Operator intervention, and connection exceptions.
    let code = said.code().code();
    fatal || code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03")
}

/// Whether a statement copies rows from or to the client. The driver's own words, and all that it offers to tell this by.
pub(crate) fn copies(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none() && error.to_string() == "unexpected message from server"
}

fn list(f: &mut fmt::Formatter<'_>, ids: &[Id]) -> fmt::Result {
    const SHOWN: usize = 5;
    for (index, id) in ids.iter().take(SHOWN).enumerate() {
        write!(f, "{}`{id}`", if index == 0 { "" } else { ", " })?;
    }
    if ids.len() > SHOWN { write!(f, " and {} more", ids.len() - SHOWN) } else { Ok(()) }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(error) => write!(f, "{error}"),
            Self::Connect(error) => write!(f, "{error}"),
            Self::HistoryTable(name) => write!(f, "`{name}` cannot be the name of the history table"),
            Self::Target(error) => write!(f, "{error}"),
            Self::DatabaseAhead(ids) => {
                f.write_str("the database is ahead of this program: it has ")?;
                list(f, ids)
            }
            Self::Missing(ids) => {
                f.write_str("applied, but not known to this program: ")?;
                list(f, ids)
            }
            Self::Divergent(found) => {
                f.write_str("applied, but edited since: ")?;
                for (index, one) in found.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    let here = one.here.as_ref().map_or("another migration".to_owned(), Hash::short);
                    write!(f, "{separator}`{}` (applied {}, here {here})", one.id, one.applied.short())?;
                }
                Ok(())
            }
            Self::Late { late, current } => {
                f.write_str("not applied, although newer ones are")?;
                if let Some(current) = current {
                    write!(f, " (current is `{current}`)")?;
                }
                f.write_str(": ")?;
                list(f, late)
            }
            Self::Pending(ids) => {
                f.write_str("the database is not up to date, pending: ")?;
                list(f, ids)
            }
            Self::Unfinished(id) => {
                write!(f, "`{id}` was interrupted on its way, and this program does not have its file")
            }
            Self::Irreversible { id, reason } => write!(f, "`{id}` is declared irreversible: {reason}"),
            Self::NoDown(id) => write!(f, "there is no down of `{id}`, neither here nor in the history"),
            Self::ForeignHistory { table, what } => {
                write!(f, "`{table}` is not a history of dbmigrate: it is {what}")
            }
            Self::NewerHistory { table, tool } => {
                write!(f, "`{table}` was written by {tool}, in a format that this version does not know")
            }
            Self::NotPermitted { what, said } => write!(f, "the role may not {what}: {said}"),
            Self::NoSchema(schema) => write!(f, "there is no schema `{schema}` for the history table"),
            Self::InTransaction => f.write_str("the client is in a transaction of its own"),
            Self::Encoding(found) => write!(f, "the database's encoding is {found}, not UTF8"),
            Self::ReadOnly => f.write_str("the server takes no writes: it is a standby, or the session is read-only"),
            Self::Pooled => f.write_str(
                "the connection goes through a pooler that shares sessions (PgBouncer in transaction mode?), where a lock \
                 does not lock",
            ),
            Self::LockBusy { waited, holder } => {
                write!(f, "another session has been migrating this database for {waited:.0?}")?;
                holder.as_ref().map_or(Ok(()), |holder| write!(f, ": {holder}"))
            }
            Self::LockTimeout { attempts, blockers, error } => {
                write!(f, "`{}` could not get a lock, in {attempts} attempts: {}", error.file, error.message)?;
                for (index, blocker) in blockers.iter().enumerate() {
                    write!(f, "{}{blocker}", if index == 0 { "; in the way: " } else { "; " })?;
                }
                Ok(())
            }
            Self::Sql(error) => write!(f, "{error}"),
            Self::TransactionEnded { file, .. } => write!(f, "`{file}` ended the transaction that it ran in"),
            Self::Copies { file, .. } => {
                write!(f, "`{file}` copies rows from or to the client, where a migration has none")
            }
            Self::InvalidIndex { id, index } => write!(f, "`{id}`: the index `{index}` was built, but is invalid"),
            Self::Lost(why) => write!(f, "the connection to the server was lost: {why}"),
            Self::Runtime(why) => write!(f, "no thread or runtime to work on: {why}"),
            Self::Database { doing, error } => match error.as_db_error() {
                Some(said) => write!(f, "{doing}: {} ({})", said.message(), said.code().code()),
                None => write!(f, "{doing}: {error}"),
            },
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": {} ({})", self.message, self.sqlstate)
    }
}

impl SqlError {
    /// The place in the file with a caret under it, and what the server said besides; several lines.
    pub fn excerpt(&self) -> String {
        use fmt::Write as _;
        let mut text = String::new();
        if let Some((line, column)) = self.place {
            let number = line.to_string();
            let gutter = " ".repeat(number.len());
            let before: String =
                self.line.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            _ = write!(
                text,
                "{gutter} --> {}:{line}:{column}\n{gutter} |\n{number} | {}\n{gutter} | {before}^\n",
                self.file, self.line
            );
        }
        let parts = [("detail", &self.detail), ("hint", &self.hint), ("context", &self.context)];
        for (name, value) in parts {
            if let Some(value) = value {
                _ = writeln!(text, "{name}: {value}");
            }
        }
        text
    }
}

impl StdError for SqlError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Set(error) => error.source(),
            Self::Connect(error) => error.source(),
            Self::Sql(error) | Self::LockTimeout { error, .. } => Some(&error.source),
            Self::Database { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<SetError> for Error {
    fn from(error: SetError) -> Self {
        Self::Set(error)
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<TargetError> for Error {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}
