//! `status`: what a database has and has not, and what is wrong with it.

use dbmigrate_runtime::Error;
use dbmigrate_runtime::engine::{DatabaseAhead, OutOfOrder, Status};
use dbmigrate_runtime::migration::{Id, Stage};

use super::{Operation, Policies, name};
use crate::config::Protection;
use crate::problem::{Finding, Kind, Refusal};

/// What a database has and has not.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What the engine says. What is pending are the migrations that an upgrade would apply here.
    pub status: Status,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The size of the database in bytes, if the role may know it.
    pub size: Option<i64>,
    /// How many tables there are beside the system's and the history.
    pub tables: i64,
}

impl Overview {
    /// How many drafts are applied.
    pub fn drafts(&self) -> usize {
        self.status.applied.iter().filter(|row| row.stage == Stage::Draft).count()
    }

    /// Whether an upgrade would do nothing, and nothing is wrong.
    pub fn is_up_to_date(&self) -> bool {
        self.status.is_up_to_date() && self.findings.is_empty()
    }
}

/// Looks. Writes nothing.
///
/// # Errors
/// The database cannot be read.
pub async fn overview(operation: &Operation, policies: Policies, table: &str) -> Result<Overview, Refusal> {
    let mut connected = operation.connect().await?;
    let status = operation.migrator.status(connected.client_mut()).await;
    let mut status = status.map_err(|error| operation.refusal(error))?;
    if operation.place.protection == Protection::Protected {
        status.pending.retain(|(_, stage)| *stage == Stage::Finalized);
    }
    let (schema, table) = table.split_once('.').unwrap_or(("public", table));
    let rows = connected.client().query(LOOK, &[&schema, &table]).await;
    let rows = rows.map_err(|error| {
        operation.refusal(Error::Database { doing: "reading the size of the database", error })
    })?;
    let (size, tables) = rows.first().map_or((None, 0), |row| (row.get(0), row.get(1)));
    connected.close().await;
    let findings = findings(&status, policies);
    Ok(Overview { status, findings, size, tables })
}

const LOOK: &str = "SELECT CASE WHEN has_database_privilege(current_database(), 'CONNECT') THEN pg_database_size(current_database()) END, \
     (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' \
     AND (n.nspname::text, c.relname::text) <> ($1, $2))";

/// What is wrong. Pure.
fn findings(status: &Status, policies: Policies) -> Vec<Finding> {
    let stage = |id: &Id| {
        let row = status.applied.iter().find(|row| row.id == *id).map(|row| row.stage);
        let pending = || status.pending.iter().find(|(one, _)| one == id).map(|(_, stage)| *stage);
        row.or_else(pending).unwrap_or(Stage::Finalized)
    };
    let called = |id: &Id| name(id, stage(id));
    let mut found = Vec::new();
    for one in &status.divergent {
        let here = one.here.as_ref().map_or("another migration has its version".to_owned(), |here| {
            format!("applied was {}, here is {}", one.applied.short(), here.short())
        });
        let message = format!("it was edited after it was applied: {here}");
        found.push(Finding::error(Kind::Divergent, message).migration(called(&one.id)));
    }
    for id in &status.missing {
        let message = "it is applied, and it is not here although newer ones are";
        found.push(Finding::error(Kind::Missing, message).migration(called(id)));
    }
    for id in &status.late {
        let newer = status.current.as_ref().map(|current| format!(" `{}`", called(current)));
        let message =
            format!("it is not applied, although newer ones are: current is{}", newer.unwrap_or_default());
        let finding = match policies.out_of_order {
            OutOfOrder::Refuse => Finding::error(Kind::Late, message),
            OutOfOrder::Apply => Finding::note(Kind::Late, message),
        };
        found.push(finding.migration(called(id)));
    }
    for id in &status.ahead {
        let message = "it is applied, and newer than all that is here";
        let finding = match policies.database_ahead {
            DatabaseAhead::Refuse => Finding::error(Kind::DatabaseAhead, message),
            DatabaseAhead::Allow => Finding::note(Kind::DatabaseAhead, message),
        };
        found.push(finding.migration(called(id)));
    }
    if let Some(id) = &status.unfinished {
        let message = "it runs now, or was interrupted";
        found.push(Finding::note(Kind::Unfinished, message).migration(called(id)));
    }
    found
}
