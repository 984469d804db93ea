//! `stamp`: makes the history say that exactly the migrations up to the target are applied.

use dbmigrate_runtime::engine::Ran;
use dbmigrate_runtime::migration::Stage;

use crate::commands::Exit;
use crate::commands::database::{At, target};
use crate::operate::{Answer, Change, Policies};

/// Runs the command.
///
/// # Errors
/// The migrations cannot be read, the change is refused, or the history cannot be written.
pub async fn run(at: At<'_>, to: &str) -> anyhow::Result<Exit> {
    let Some(operation) = at.open("stamp", Policies::default())? else { return Ok(Exit::Findings) };
    let (to, database) = (target(&operation, to)?, &at.place.database);
    let failed = |error| operation.refusal(error);
    let planned = operation.migrator.plan_stamp(database, to.clone()).await.map_err(failed)?;
    let change = |ran: &Ran| {
        let here = operation.migrator.migrations().all().iter().find(|one| one.id == ran.id);
        let stage = here.map_or(Stage::Finalized, |one| one.stage);
        Change { id: ran.id.clone(), stage, direction: ran.direction }
    };
    let changes: Vec<Change> = planned.ran.iter().map(change).collect();
    at.consent(&operation, &changes).await?;
    let report = operation.migrator.stamp(database, to).await.map_err(failed)?;
    at.tell("stamp", Answer::Stamped(report.ran))
}
