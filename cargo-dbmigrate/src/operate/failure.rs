//! The engine's errors as refusals of the tool: the same ids as far as they are free, the tool's flags in the hints, and
//! the place in the file as `verify` shows it.

use dbmigrate_runtime::{Error, SqlError};

use super::Files;
use crate::problem::{Excerpt, Kind, Refusal};

/// The kind of an engine's error.
fn kind(error: &Error) -> Kind {
    match error {
        Error::Set(_) => Kind::LockStale,
        Error::Connect(_) => Kind::CannotConnect,
        Error::HistoryTable(_) => Kind::BadValue,
        Error::Target(_) => Kind::BadTarget,
        Error::DatabaseAhead(_) => Kind::DatabaseAhead,
        Error::Missing(_) => Kind::Missing,
        Error::Divergent(_) => Kind::Divergent,
        Error::Late { .. } => Kind::Late,
        Error::Pending(_) => Kind::Pending,
        Error::Unfinished(_) => Kind::Unfinished,
        Error::Irreversible { .. } => Kind::Irreversible,
        Error::NoDown(_) => Kind::NoDown,
        Error::ForeignHistory { .. } => Kind::ForeignHistory,
        Error::NewerHistory { .. } => Kind::NewerHistory,
        Error::NotPermitted { .. } => Kind::NotPermitted,
        Error::Encoding(_) => Kind::BadEncoding,
        Error::ReadOnly => Kind::DatabaseReadOnly,
        Error::Pooled => Kind::Pooled,
        Error::LockBusy { .. } => Kind::LockBusy,
        Error::LockTimeout { .. } => Kind::LockTimeout,
        Error::Sql(_) => Kind::Sql,
        Error::TransactionEnded { .. } => Kind::TransactionEnded,
        Error::Copies { .. } => Kind::Copies,
        Error::InvalidIndex { .. } => Kind::InvalidIndex,
        Error::Lost(_) => Kind::ConnectionLost,
        Error::Database { .. } => Kind::Database,
        _ => Kind::Internal,
    }
}

/// What to do, in the words of the command line.
fn hint(error: &Error) -> String {
    match error {
        Error::DatabaseAhead(_) => {
            "get the newer migrations, revert them with `cargo dbmigrate downgrade`, or give \
             `--database-ahead allow`"
                .to_owned()
        }
        Error::Missing(_) => {
            "check out the branch that holds it, or revert it with `cargo dbmigrate downgrade`: the \
             history keeps its down"
                .to_owned()
        }
        Error::Divergent(_) => {
            "put the applied text back and make the change in a new migration; after editing a draft, \
             revert it with `cargo dbmigrate downgrade`, or run `cargo dbmigrate redo` if it is the newest"
                .to_owned()
        }
        Error::Late { .. } => {
            "move it back to the drafts and consolidate it again; if its order does not matter, give \
             `--out-of-order apply`"
                .to_owned()
        }
        Error::LockTimeout { .. } => {
            "end the sessions that are in the way, try at a quieter time, or give a longer `--lock-timeout`"
                .to_owned()
        }
        Error::Sql(_) => {
            "correct the migration if it was never applied anywhere else, or the data that is in its way"
                .to_owned()
        }
        Error::Unfinished(_) => "put back the file that was begun, and run the command again".to_owned(),
        error => error.hint(),
    }
}

/// An engine's error.
pub fn refusal(error: Error, files: &Files) -> Refusal {
    let place = match &error {
        Error::Sql(error) | Error::LockTimeout { error, .. } => Some(excerpt(error, files)),
        _ => None,
    };
    let message = match (&error, &place) {
        // The excerpt says the rest.
        (Error::Sql(error), Some(place)) => {
            format!("`{}` failed: {}", place.file.display(), error.message)
        }
        (error, _) => error.to_string(),
    };
    let refusal = Refusal::new(kind(&error), message, hint(&error));
    match place {
        Some(place) => refusal.at(place),
        None => refusal,
    }
}

fn excerpt(error: &SqlError, files: &Files) -> Excerpt {
    Excerpt {
        place: error.place,
        line: error.line.clone(),
        sqlstate: Some(error.sqlstate.clone()),
        detail: error.detail.clone(),
        hint: error.hint.clone(),
        context: error.context.clone(),
        ..Excerpt::whole_file(files.shown(&error.file), error.message.clone())
    }
}
