//! `downgrade`: reverts what is applied, the newest first.

use crate::commands::Exit;
use crate::commands::database::{At, target};
use crate::operate::{Answer, Policies, changes};

/// Runs the command.
///
/// # Errors
/// The migrations cannot be read, the change is refused, or a migration failed.
pub async fn run(at: At<'_>, to: &str) -> anyhow::Result<Exit> {
    let Some(operation) = at.open("downgrade", Policies::default())? else { return Ok(Exit::Findings) };
    let (to, database) = (target(&operation, to)?, &at.place.database);
    let plan = operation.migrator.plan_downgrade(database, to.clone()).await;
    let plan = plan.map_err(|error| operation.refusal(error))?;
    at.consent(&operation, &changes(&plan)).await?;
    let report =
        operation.migrator.downgrade(database, to).await.map_err(|error| operation.refusal(error))?;
    drop(operation);
    at.tell("downgrade", Answer::Ran(report.ran))
}
