//! The report for programs. Documented in docs/json.md, and versioned: fields may be added, but none is removed,
//! renamed or given another meaning without a new version.
//!
//! These structs are the wire format and nothing else. They are never used inside the tool, so the inside can change.

use std::path::Path;

use serde::Serialize;

use super::{Done, Explained, Tally, Trouble, millis, proof_word, weigh};
use crate::problem::{self, Kind, Severity};
use crate::verify::outcome::{self, Proof};

pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
struct Verified<'a> {
    version: u32,
    command: &'static str,
    ok: bool,
    server: Option<&'a str>,
    elapsed_ms: u64,
    summary: Summary,
    migrations: Vec<Migration<'a>>,
    stretches: Vec<Stretch<'a>>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Summary {
    migrations: usize,
    reversible: usize,
    irreversible: usize,
    failed: usize,
    skipped: usize,
    not_reached: usize,
    findings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct Migration<'a> {
    migration: &'a str,
    proof: &'static str,
    reason: Option<&'a str>,
    duration_ms: u64,
}

#[derive(Serialize)]
struct Stretch<'a> {
    first: &'a str,
    last: &'a str,
    length: usize,
    proved: bool,
}

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    id: &'static str,
    title: &'static str,
    severity: &'static str,
    migration: Option<&'a str>,
    file: Option<String>,
    message: &'a str,
    difference: Option<Vec<Line>>,
    excerpt: Option<Excerpt<'a>>,
}

#[derive(Serialize)]
struct Line {
    sign: char,
    indent: usize,
    text: String,
}

#[derive(Serialize)]
struct Excerpt<'a> {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    source: Option<&'a str>,
    message: &'a str,
    sqlstate: Option<&'a str>,
    detail: Option<&'a str>,
    hint: Option<&'a str>,
    context: Option<&'a str>,
}

#[derive(Serialize)]
struct Did<'a> {
    version: u32,
    command: &'static str,
    ok: bool,
    server: Option<&'a str>,
    headline: &'a str,
    items: Vec<Item<'a>>,
    notes: &'a [String],
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    what: &'a str,
    path: String,
}

#[derive(Serialize)]
struct Failed<'a> {
    version: u32,
    error: Failure<'a>,
}

#[derive(Serialize)]
struct Failure<'a> {
    id: &'static str,
    message: &'a str,
    causes: &'a [String],
    hints: &'a [&'a str],
    excerpts: Vec<Excerpt<'a>>,
}

#[derive(Serialize)]
struct Explanations {
    version: u32,
    command: &'static str,
    problems: Vec<Explanation>,
}

#[derive(Serialize)]
struct Explanation {
    id: &'static str,
    title: &'static str,
    means: &'static str,
    matters: &'static str,
    remedy: &'static str,
}

/// The result of a verification.
pub(super) fn outcome(outcome: &outcome::Outcome) -> anyhow::Result<String> {
    let tally = Tally::of(outcome);
    text(&Verified {
        version: VERSION,
        command: "verify",
        ok: tally.findings == 0,
        server: outcome.server.as_deref(),
        elapsed_ms: millis(outcome.elapsed),
        summary: Summary {
            migrations: tally.migrations,
            reversible: tally.proved,
            irreversible: tally.irreversible,
            failed: tally.failed,
            skipped: tally.skipped,
            not_reached: tally.not_reached,
            findings: tally.findings,
            notes: tally.notes,
        },
        migrations: outcome.steps.iter().map(migration).collect(),
        stretches: outcome
            .stretches
            .iter()
            .map(|stretch| Stretch {
                first: &stretch.first,
                last: &stretch.last,
                length: stretch.length,
                proved: stretch.proved,
            })
            .collect(),
        findings: outcome.findings.iter().map(finding).collect(),
    })
}

/// What a command has done.
pub(super) fn done(done: &Done) -> anyhow::Result<String> {
    text(&Did {
        version: VERSION,
        command: done.command,
        ok: weigh(&done.findings).0 == 0,
        server: done.server.as_deref(),
        headline: &done.headline,
        items: done.items.iter().map(|item| Item { what: &item.what, path: path(&item.path) }).collect(),
        notes: &done.notes,
        findings: done.findings.iter().map(finding).collect(),
    })
}

/// An explanation.
pub(super) fn explained(explained: &Explained) -> anyhow::Result<String> {
    let kinds = match explained {
        Explained::All => Kind::ALL,
        Explained::One(kind) => std::slice::from_ref(kind),
    };
    text(&Explanations {
        version: VERSION,
        command: "explain",
        problems: kinds
            .iter()
            .map(|kind| Explanation {
                id: kind.id(),
                title: kind.title(),
                means: kind.means(),
                matters: kind.matters(),
                remedy: kind.remedy(),
            })
            .collect(),
    })
}

/// Why a command could not run.
pub(super) fn trouble(trouble: &Trouble<'_>) -> anyhow::Result<String> {
    text(&Failed {
        version: VERSION,
        error: Failure {
            id: trouble.kind.id(),
            message: &trouble.message,
            causes: &trouble.causes,
            hints: &trouble.hints,
            excerpts: trouble.excerpts.iter().map(|place| excerpt(place)).collect(),
        },
    })
}

fn migration(step: &outcome::Step) -> Migration<'_> {
    Migration {
        migration: &step.migration,
        proof: proof_word(&step.proof),
        reason: match &step.proof {
            Proof::Irreversible(reason) => Some(reason),
            _ => None,
        },
        duration_ms: millis(step.duration),
    }
}

pub(super) fn finding(finding: &problem::Finding) -> Finding<'_> {
    Finding {
        id: finding.kind.id(),
        title: finding.kind.title(),
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Note => "note",
        },
        migration: finding.migration.as_deref(),
        file: finding.file.as_deref().map(path),
        message: &finding.message,
        difference: finding.diff.as_ref().map(|diff| {
            diff.lines()
                .into_iter()
                .map(|line| Line { sign: line.sign.symbol(), indent: line.depth, text: line.text })
                .collect()
        }),
        excerpt: finding.excerpt.as_ref().map(excerpt),
    }
}

fn excerpt(excerpt: &problem::Excerpt) -> Excerpt<'_> {
    Excerpt {
        file: path(&excerpt.file),
        line: excerpt.place.map(|(line, _)| line),
        column: excerpt.place.map(|(_, column)| column),
        source: excerpt.place.map(|_| excerpt.line.as_str()),
        message: &excerpt.message,
        sqlstate: excerpt.sqlstate.as_deref(),
        detail: excerpt.detail.as_deref(),
        hint: excerpt.hint.as_deref(),
        context: excerpt.context.as_deref(),
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

pub(super) fn text(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
