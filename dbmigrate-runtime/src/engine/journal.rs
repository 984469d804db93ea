//! Runs a `no-transaction` script statement by statement, and notes in the history how far it has got.
//!
//! A statement that can run in a transaction shares one with its note, so that both happen or neither does. One that cannot
//! runs alone.

use std::time::Instant;

use crate::Error;
use crate::engine::history::underway;
use crate::engine::link::{Link, drained, not_permitted};
use crate::engine::plan::Step;
use crate::engine::watch;
use crate::event::Event;
use crate::lock::Times;
use crate::migration::Direction;

/// The statement cannot run inside of a transaction block.
const NEEDS_NO_TRANSACTION: [&str; 2] = ["25001", "2D000"];

/// Runs what is left of a script. `checksum` is refinery's, of an up.
pub(crate) async fn run(link: &Link<'_>, step: &Step, checksum: Option<u64>) -> Result<(), Error> {
    let began = Instant::now();
    let client = link.client();
    let (version, direction) = (step.id.version, step.direction);
    let count = step.runs.statements.as_ref().map_or(0, Vec::len);
    client
        .batch_execute(&link.session.settings(link.options))
        .await
        .map_err(|error| Error::Database { doing: "setting the session up", error })?;
    let write = async |sql: String| {
        let guarded = format!("SELECT 1 / ({})::int; {sql}", link.session.is_this());
        client.batch_execute(&guarded).await.map_err(|error| not_permitted("write the history", error))
    };
    match (step.done, checksum) {
        (Some(done), _) => link.events.emit(Event::Resumed { id: step.id.clone(), direction, done }),
        (None, Some(checksum)) => {
            write(link.table.insert(step, checksum, underway(direction, 0), None)).await?
        }
        (None, None) => write(link.table.progress(version, underway(direction, 0))).await?,
    }
    for index in step.done.unwrap_or(0)..count {
        let Some((statement, text)) = step.runs.statement(index) else { break };
        link.events.emit(Event::Statement { id: step.id.clone(), number: index + 1, of: count });
        let mut total = 0;
        loop {
            let again = statement.times == Times::UntilNoRow;
            let rows =
                watch::watched(link, &step.id, began, one(link, step, index, statement.offset, text, again))
                    .await?;
            if !again || rows == 0 {
                break;
            }
            total += rows;
            link.events.emit(Event::Batch { id: step.id.clone(), number: index + 1, rows, total });
        }
    }
    match direction {
        Direction::Up => write(link.table.finish(version, began.elapsed())).await,
        Direction::Down => write(link.table.delete(version)).await,
    }
}

/// Runs a statement once, and notes it. Gives the number of rows that it changed.
async fn one(
    link: &Link<'_>,
    step: &Step,
    index: usize,
    offset: usize,
    text: &str,
    again: bool,
) -> Result<u64, Error> {
    let client = link.client();
    let opening = "BEGIN;\n";
    let ran = drained(client, &format!("{opening}{text}")).await;
    let rows = match ran {
        Ok(rows) => rows,
        Err(error) => {
            _ = client.batch_execute("ROLLBACK").await;
            let alone = error.code().is_some_and(|code| NEEDS_NO_TRANSACTION.contains(&code.code()));
            if !alone {
                return Err(link.sql_error(step, Some((offset, opening.chars().count())), error));
            }
            let rows = drained(client, text).await;
            rows.map_err(|error| link.sql_error(step, Some((offset, 0)), error))?
        }
    };
    let done = if again && rows > 0 { index } else { index + 1 };
    let note = link.table.progress(step.id.version, underway(step.direction, done));
    let note = format!("{note}; COMMIT");
    client.batch_execute(&note).await.map_err(|error| not_permitted("write the history", error))?;
    Ok(rows)
}
