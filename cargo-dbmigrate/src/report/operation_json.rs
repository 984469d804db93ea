//! What commands on a database tell programs. The same names as `migrate` of `dbmigrate-runtime` uses.

use dbmigrate_runtime::engine::{self, RowState, WayBack};
use dbmigrate_runtime::migration::{Id, Stage};
use serde::Serialize;

use super::json::{Finding, VERSION, finding, text};
use super::{millis, weigh};
use crate::operate::{Answer, Overview, Told};

#[derive(Serialize)]
struct Message<'a, T> {
    version: u32,
    command: &'static str,
    ok: bool,
    database: &'a str,
    environment: Option<&'a str>,
    #[serde(flatten)]
    answer: T,
}

#[derive(Serialize)]
struct Status<'a> {
    up_to_date: bool,
    current: Option<String>,
    head: Option<String>,
    size_bytes: Option<i64>,
    tables: i64,
    summary: Summary,
    migrations: Vec<Migration<'a>>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Summary {
    applied: usize,
    drafts: usize,
    pending: usize,
    findings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct Migration<'a> {
    migration: String,
    stage: &'static str,
    state: &'static str,
    statements_done: Option<usize>,
    applied_on: Option<&'a str>,
    duration_ms: Option<u64>,
    by: Option<&'a str>,
    tool: Option<&'a str>,
    hash: Option<String>,
    way_back: Option<&'static str>,
    irreversible: Option<&'a str>,
}

#[derive(Serialize)]
struct History<'a> {
    migrations: Vec<Migration<'a>>,
}

#[derive(Serialize)]
struct Plan<'a> {
    steps: Vec<Step<'a>>,
    script: &'a str,
}

#[derive(Serialize)]
struct Step<'a> {
    migration: String,
    stage: &'static str,
    direction: String,
    file: String,
    hash: String,
    transaction: bool,
    statements: Option<usize>,
    statements_done: Option<usize>,
    sql: &'a str,
}

#[derive(Serialize)]
struct Did {
    ran: Vec<Ran>,
}

#[derive(Serialize)]
struct Stamped {
    stamped: Vec<Ran>,
}

#[derive(Serialize)]
struct Ran {
    migration: String,
    direction: String,
    duration_ms: u64,
}

/// What a command has to tell.
pub(super) fn told(told: &Told) -> anyhow::Result<String> {
    match &told.answer {
        Answer::Status(overview) => message(told, weigh(&overview.findings).0 == 0, status(overview)),
        Answer::History(history) => {
            let pending = history.graph.iter().flatten().map(pending);
            let migrations = history.applied.iter().map(row).chain(pending).collect();
            message(told, true, History { migrations })
        }
        Answer::Plan(plan, script) => {
            message(told, true, Plan { steps: plan.steps.iter().map(step).collect(), script })
        }
        Answer::Ran(all) => message(told, true, Did { ran: all.iter().map(ran).collect() }),
        Answer::Stamped(all) => message(told, true, Stamped { stamped: all.iter().map(ran).collect() }),
    }
}

fn message(told: &Told, ok: bool, answer: impl Serialize) -> anyhow::Result<String> {
    text(&Message {
        version: VERSION,
        command: told.command,
        ok,
        database: &told.database,
        environment: told.environment.as_deref(),
        answer,
    })
}

fn status(overview: &Overview) -> Status<'_> {
    let status = &overview.status;
    let (findings, notes) = weigh(&overview.findings);
    // What is on its way back is both in the history and pending: one line is enough.
    let there = |id: &Id| status.applied.iter().any(|row| row.id == *id);
    Status {
        up_to_date: overview.is_up_to_date(),
        current: status.current.as_ref().map(Id::to_string),
        head: status.head.as_ref().map(Id::to_string),
        size_bytes: overview.size,
        tables: overview.tables,
        summary: Summary {
            applied: status.applied.len(),
            drafts: overview.drafts(),
            pending: status.pending.len(),
            findings,
            notes,
        },
        migrations: status
            .applied
            .iter()
            .map(row)
            .chain(status.pending.iter().filter(|(id, _)| !there(id)).map(pending))
            .collect(),
        findings: overview.findings.iter().map(finding).collect(),
    }
}

fn row(row: &engine::Applied) -> Migration<'_> {
    let (state, statements_done) = match row.state {
        RowState::Applied => ("applied", None),
        RowState::Running(done) => ("running", Some(done)),
        RowState::Reverting(done) => ("reverting", Some(done)),
    };
    let (way_back, irreversible) = match &row.way_back {
        WayBack::Stored(_) => ("stored", None),
        WayBack::Irreversible(reason) => ("irreversible", Some(reason.as_str())),
        WayBack::Unknown => ("unknown", None),
    };
    Migration {
        migration: row.id.to_string(),
        stage: stage(row.stage),
        state,
        statements_done,
        applied_on: Some(&row.applied_on),
        duration_ms: row.took.map(millis),
        by: Some(&row.by),
        tool: Some(&row.tool),
        hash: Some(row.hash.to_string()),
        way_back: Some(way_back),
        irreversible,
    }
}

fn pending((id, at): &(Id, Stage)) -> Migration<'_> {
    Migration {
        migration: id.to_string(),
        stage: stage(*at),
        state: "pending",
        statements_done: None,
        applied_on: None,
        duration_ms: None,
        by: None,
        tool: None,
        hash: None,
        way_back: None,
        irreversible: None,
    }
}

fn step(step: &engine::Step) -> Step<'_> {
    let statements = step.runs.statements.as_ref();
    Step {
        migration: step.id.to_string(),
        stage: stage(step.stage),
        direction: step.direction.to_string(),
        file: step.file_name(),
        hash: step.runs.script.hash.to_string(),
        transaction: statements.is_none(),
        statements: statements.map(Vec::len),
        statements_done: step.done,
        sql: &step.runs.script.text,
    }
}

fn ran(ran: &engine::Ran) -> Ran {
    Ran { migration: ran.id.to_string(), direction: ran.direction.to_string(), duration_ms: millis(ran.took) }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Finalized => "finalized",
        Stage::Draft => "draft",
    }
}
