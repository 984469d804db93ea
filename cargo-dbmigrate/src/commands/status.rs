//! `status`: what a database has and has not.

use crate::commands::Exit;
use crate::commands::database::At;
use crate::operate::{Answer, Policies, overview};

/// Runs the command. `pending_fails`: what is pending is a finding.
///
/// # Errors
/// The migrations or the database cannot be read.
pub async fn run(at: At<'_>, policies: Policies, pending_fails: bool) -> anyhow::Result<Exit> {
    let Some(operation) = at.open("status", policies)? else { return Ok(Exit::Findings) };
    let overview = overview(&operation, policies, &at.config.history_table).await?;
    let pending = pending_fails && !overview.is_up_to_date();
    let exit = at.tell("status", Answer::Status(Box::new(overview)))?;
    Ok(if pending { Exit::Findings } else { exit })
}
