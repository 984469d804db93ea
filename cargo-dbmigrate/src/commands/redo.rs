//! `redo`: reverts the newest applied migration and applies it again, with the text that it has now.

use dbmigrate_runtime::engine::Target;
use dbmigrate_runtime::migration::Direction;

use crate::commands::Exit;
use crate::commands::database::At;
use crate::operate::{Answer, Change, Policies, name};
use crate::problem::{Kind, Refusal};

/// Runs the command.
///
/// # Errors
/// Nothing is applied, the newest migration is not here or something pending comes before it, the change is refused, or the
/// migration failed.
pub async fn run(at: At<'_>) -> anyhow::Result<Exit> {
    let Some(operation) = at.open("redo", Policies::default())? else { return Ok(Exit::Findings) };
    let database = &at.place.database;
    let failed = |error| operation.refusal(error);
    let status = operation.migrator.status(database).await.map_err(failed)?;
    let Some(newest) = status.applied.last() else {
        let message = "nothing is applied, so there is nothing to do again";
        return Err(Refusal::new(Kind::BadTarget, message, "run `cargo dbmigrate upgrade`").into());
    };
    let called = name(&newest.id, newest.stage);
    let all = operation.migrator.migrations().all();
    let Some(place) = all.iter().position(|one| one.id == newest.id) else {
        let message = format!("`{called}` is applied, and it is not here");
        let hint = "only what is here can be applied again; `cargo dbmigrate downgrade -1` reverts it";
        return Err(Refusal::new(Kind::Missing, message, hint).into());
    };
    let before = status.pending.iter().find(|(id, _)| all[..place].iter().any(|one| one.id == *id));
    if let Some((id, stage)) = before {
        let message = format!("`{}` is pending and comes before `{called}`", name(id, *stage));
        return Err(Refusal::new(Kind::Pending, message, "run `cargo dbmigrate upgrade`").into());
    }
    operation.migrator.plan_downgrade(database, Target::Down(1)).await.map_err(failed)?;
    let change = |direction| Change { id: newest.id.clone(), stage: newest.stage, direction };
    at.consent(&operation, &[change(Direction::Down), change(Direction::Up)]).await?;
    let mut ran = operation.migrator.downgrade(database, Target::Down(1)).await.map_err(failed)?.ran;
    let to = Target::Version(newest.id.version);
    ran.extend(operation.migrator.upgrade(database, to).await.map_err(failed)?.ran);
    at.tell("redo", Answer::Ran(ran))
}
