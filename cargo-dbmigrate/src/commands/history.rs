//! `history`: what was applied, when and by whom.

use crate::commands::Exit;
use crate::commands::database::At;
use crate::operate::{Answer, History, Policies};

/// Runs the command. `graph`: what is pending is shown, too.
///
/// # Errors
/// The migrations or the database cannot be read.
pub async fn run(at: At<'_>, graph: bool) -> anyhow::Result<Exit> {
    let Some(operation) = at.open("history", Policies::default())? else { return Ok(Exit::Findings) };
    let status = operation.migrator.status(&at.place.database).await;
    let status = status.map_err(|error| operation.refusal(error))?;
    let graph = graph.then_some(status.pending);
    at.tell("history", Answer::History(History { applied: status.applied, graph, head: status.head }))
}
