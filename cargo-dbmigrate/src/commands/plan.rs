//! `plan`: the SQL that an upgrade or a downgrade would run.

use dbmigrate_runtime::engine::Target;

use crate::commands::Exit;
use crate::commands::database::{At, target};
use crate::operate::{Answer, Policies, changes, without_drafts};

/// Runs the command. `down`: a downgrade is meant, whatever the target.
///
/// # Errors
/// What the upgrade or downgrade would refuse.
pub async fn run(at: At<'_>, policies: Policies, to: &str, down: bool) -> anyhow::Result<Exit> {
    let Some(operation) = at.open("plan", policies)? else { return Ok(Exit::Findings) };
    let to = target(&operation, to)?;
    let plan = match down || matches!(to, Target::Base | Target::Down(_)) {
        true => operation.migrator.plan_downgrade(&at.place.database, to).await,
        false => operation.migrator.plan(&at.place.database, to).await,
    };
    let plan = plan.map_err(|error| operation.refusal(error))?;
    without_drafts(&at.place, &changes(&plan))?;
    let script = operation.migrator.script(&plan).map_err(|error| operation.refusal(error))?;
    at.tell("plan", Answer::Plan(plan, script))
}
