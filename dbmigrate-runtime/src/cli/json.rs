//! The result for programs. Documented in docs/json.md and versioned together with the reports of `cargo dbmigrate`: fields
//! may be added, but none is removed, renamed or given another meaning without a new version.
//!
//! These structs are the wire format and nothing else.

use std::time::Duration;

use serde::Serialize;

use super::finding::{self, Severity};
use super::{Answer, Outcome};
use crate::engine::{self, RowState, WayBack};
use crate::migration::{Id, Stage};
use crate::{Error, SqlError};

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Status<'a> {
    version: u32,
    command: &'static str,
    ok: bool,
    database: &'a str,
    up_to_date: bool,
    current: Option<String>,
    head: Option<String>,
    summary: Summary,
    migrations: Vec<Migration<'a>>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Summary {
    applied: usize,
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
struct Finding<'a> {
    id: &'a str,
    title: &'a str,
    severity: &'static str,
    migration: Option<String>,
    file: Option<&'a str>,
    message: &'a str,
    hint: &'a str,
    difference: Option<()>,
    excerpt: Option<()>,
}

#[derive(Serialize)]
struct Plan<'a> {
    version: u32,
    command: &'static str,
    ok: bool,
    database: &'a str,
    steps: Vec<Step<'a>>,
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
struct Did<'a> {
    version: u32,
    command: &'static str,
    ok: bool,
    database: &'a str,
    ran: Vec<Ran>,
}

#[derive(Serialize)]
struct Ran {
    migration: String,
    direction: String,
    duration_ms: u64,
}

#[derive(Serialize)]
struct History<'a> {
    version: u32,
    command: &'static str,
    ok: bool,
    database: &'a str,
    migrations: Vec<Migration<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    version: u32,
    error: Failure<'a>,
}

#[derive(Serialize)]
struct Failure<'a> {
    id: &'a str,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    excerpts: Vec<Excerpt<'a>>,
}

#[derive(Serialize)]
struct Excerpt<'a> {
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    source: Option<&'a str>,
    message: &'a str,
    sqlstate: Option<&'a str>,
    detail: Option<&'a str>,
    hint: Option<&'a str>,
    context: Option<&'a str>,
}

pub(super) fn outcome(outcome: &Outcome) -> String {
    let database = outcome.database.as_str();
    let (version, ok) = (VERSION, true);
    match &outcome.answer {
        Answer::Status(status, findings) => {
            let errors = finding::errors(findings);
            text(&Status {
                version,
                command: "status",
                ok: errors == 0,
                database,
                up_to_date: status.is_up_to_date() && errors == 0,
                current: status.current.as_ref().map(Id::to_string),
                head: status.head.as_ref().map(Id::to_string),
                summary: Summary {
                    applied: status.applied.len(),
                    pending: status.pending.len(),
                    findings: errors,
                    notes: findings.len() - errors,
                },
                migrations: status
                    .applied
                    .iter()
                    .map(row)
                    .chain(status.pending.iter().filter(|(id, _)| !on_its_way(status, id)).map(pending))
                    .collect(),
                findings: findings.iter().map(wire).collect(),
            })
        }
        Answer::Plan(plan) => {
            let steps = plan.steps.iter().map(step).collect();
            text(&Plan { version, command: "plan", ok, database, steps })
        }
        Answer::Upgrade(report) => text(&Did { version, command: "upgrade", ok, database, ran: ran(report) }),
        Answer::Downgrade(report) => {
            text(&Did { version, command: "downgrade", ok, database, ran: ran(report) })
        }
        Answer::History(rows) => {
            let migrations = rows.iter().map(row).collect();
            text(&History { version, command: "history", ok, database, migrations })
        }
    }
}

pub(super) fn error(error: &Error) -> String {
    let excerpts = match error {
        Error::Sql(error) | Error::LockTimeout { error, .. } => vec![excerpt(error)],
        _ => Vec::new(),
    };
    text(&Failed {
        version: VERSION,
        error: Failure {
            id: error.id(),
            message: error.to_string(),
            causes: Vec::new(),
            hints: vec![finding::hint(error)],
            excerpts,
        },
    })
}

/// What is on its way back is both in the history and pending: one line is enough.
fn on_its_way(status: &engine::Status, id: &Id) -> bool {
    status.applied.iter().any(|row| row.id == *id)
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

fn ran(report: &engine::Report) -> Vec<Ran> {
    let one = |ran: &engine::Ran| Ran {
        migration: ran.id.to_string(),
        direction: ran.direction.to_string(),
        duration_ms: millis(ran.took),
    };
    report.ran.iter().map(one).collect()
}

fn wire(finding: &finding::Finding) -> Finding<'_> {
    Finding {
        id: finding.id,
        title: finding.title,
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Note => "note",
        },
        migration: Some(finding.migration.to_string()),
        file: None,
        message: &finding.message,
        hint: &finding.hint,
        difference: None,
        excerpt: None,
    }
}

fn excerpt(error: &SqlError) -> Excerpt<'_> {
    Excerpt {
        file: &error.file,
        line: error.place.map(|(line, _)| line),
        column: error.place.map(|(_, column)| column),
        source: error.place.map(|_| error.line.as_str()),
        message: &error.message,
        sqlstate: Some(&error.sqlstate),
        detail: error.detail.as_deref(),
        hint: error.hint.as_deref(),
        context: error.context.as_deref(),
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Finalized => "finalized",
        Stage::Draft => "draft",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// These structs hold nothing that cannot be JSON; should it fail all the same, the reader gets an error to read.
fn text(value: &impl Serialize) -> String {
    let failed = |error: serde_json::Error| {
        let message = error.to_string();
        let failed = serde_json::json!({"version": VERSION, "error": {"id": "no-json", "message": message}});
        failed.to_string()
    };
    serde_json::to_string_pretty(value).unwrap_or_else(failed) + "\n"
}
