//! Reports: what a command found or did, in the form that the reader asked for. The only wire types of the tool live
//! here, so that the insides can change without the formats.
//!
//! Each format is a room of pure functions from data to text. They decide nothing: whether something is a finding,
//! and how much it weighs, was settled before.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::operate::{Answer, Change, Told};
use crate::printer::{Printer, Verbosity};
use crate::problem::{Finding, Kind, Refusal, Severity};
use crate::verify::outcome::{Outcome, Proof};

pub use progress::Progress;
pub use running::Running;

mod explain;
mod github;
mod human;
mod json;
mod junit;
mod markdown;
mod operation;
mod operation_json;
mod progress;
mod running;

pub use explain::{Explained, explain, troubleshooting};

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs; versioned, see docs/json.md.
    Json,
    /// JUnit XML, which most CI systems show.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// Markdown, fit for a comment on a pull request.
    Markdown,
}

/// What a command other than `verify` has done.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The command's name, such as `new`.
    pub command: &'static str,
    /// One line: what was done. A lowercase fragment, literals in backticks.
    pub headline: String,
    /// The files that were written, changed or removed, in order.
    pub items: Vec<Item>,
    /// What else the reader should know, one sentence each.
    pub notes: Vec<String>,
    /// What was found, if the command checks something.
    pub findings: Vec<Finding>,
    /// The server that was used, if one was.
    pub server: Option<String>,
}

/// One thing that a command did to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// One word: `created`, `changed`, `removed`, `kept`.
    pub what: String,
    /// The file, as the user would write it.
    pub path: PathBuf,
}

impl Done {
    /// Nothing but a headline yet.
    pub fn new(command: &'static str, headline: impl Into<String>) -> Self {
        Self { command, headline: headline.into(), ..Self::default() }
    }

    /// Adds what was done to a file.
    #[must_use]
    pub fn item(mut self, what: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.items.push(Item { what: what.into(), path: path.into() });
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Prints reports in one format.
#[derive(Clone, Debug)]
pub struct Reporter {
    printer: Arc<Printer>,
    format: Format,
}

impl Reporter {
    /// Prints to this printer, in this format.
    pub fn new(printer: Arc<Printer>, format: Format) -> Self {
        Self { printer, format }
    }

    /// The printer, for notes.
    pub fn printer(&self) -> &Arc<Printer> {
        &self.printer
    }

    /// Prints the result of a verification.
    pub fn outcome(&self, outcome: &Outcome) -> anyhow::Result<()> {
        self.print(&match self.format {
            Format::Human => human::outcome(outcome, self.printer.verbosity() == Verbosity::Verbose),
            Format::Json => json::outcome(outcome)?,
            Format::Junit => junit::outcome(outcome)?,
            Format::Github => github::outcome(outcome),
            Format::Markdown => markdown::outcome(outcome),
        })
    }

    /// Prints what a command has done.
    pub fn done(&self, done: &Done) -> anyhow::Result<()> {
        self.print(&match self.format {
            Format::Human => human::done(done, self.printer.verbosity() == Verbosity::Verbose),
            Format::Json => json::done(done)?,
            Format::Junit => junit::done(done)?,
            Format::Github => github::done(done),
            Format::Markdown => markdown::done(done),
        })
    }

    /// Prints what a command on a database has to tell.
    pub fn told(&self, told: &Told) -> anyhow::Result<()> {
        let done = || operation::done(told);
        self.print(&match self.format {
            Format::Human => operation::told(told, self.printer.verbosity() == Verbosity::Verbose),
            Format::Json => operation_json::told(told)?,
            Format::Junit => junit::done(&done())?,
            Format::Github => github::done(&done()),
            Format::Markdown => match &told.answer {
                Answer::Plan(_, script) => markdown::script(&done(), script),
                _ => markdown::done(&done()),
            },
        })
    }

    /// Shows on stderr what would run.
    pub fn changes(&self, changes: &[Change]) {
        self.printer.error(&operation::changes(changes));
    }

    /// Prints an explanation.
    pub fn explained(&self, explained: &Explained) -> anyhow::Result<()> {
        self.print(&match self.format {
            Format::Json => json::explained(explained)?,
            Format::Markdown => explained.markdown(),
            Format::Human | Format::Junit | Format::Github => human::explained(explained),
        })
    }

    /// Prints why a command could not run: for people on stderr, and for programs on stdout too.
    pub fn error(&self, error: &anyhow::Error) {
        let trouble = Trouble::of(error);
        let wire = match self.format {
            Format::Human => None,
            Format::Json => json::trouble(&trouble).ok(),
            Format::Junit => junit::trouble(&trouble).ok(),
            Format::Github => Some(github::trouble(&trouble)),
            Format::Markdown => Some(markdown::trouble(&trouble)),
        };
        if let Some(text) = wire {
            // The error itself follows on stderr, whatever became of stdout.
            let _ = self.printer.result(&text);
        }
        self.printer.error(&human::trouble(&trouble));
    }

    fn print(&self, text: &str) -> anyhow::Result<()> {
        self.printer.result(text).context("could not write the result to stdout")
    }
}

/// An error taken apart for the reader.
#[derive(Debug)]
struct Trouble<'a> {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hints: Vec<&'a str>,
    excerpts: Vec<&'a crate::problem::Excerpt>,
}

impl<'a> Trouble<'a> {
    fn of(error: &'a anyhow::Error) -> Self {
        let mut messages: Vec<String> = Vec::new();
        let mut trouble = Self {
            kind: Kind::Internal,
            message: String::new(),
            causes: vec![],
            hints: vec![],
            excerpts: vec![],
        };
        let mut known = false;
        for cause in error.chain() {
            let message = cause.to_string();
            // Many libraries repeat the message of the error underneath.
            if !messages.last().is_some_and(|last| last.contains(&message)) {
                messages.push(message);
            }
            if let Some(refusal) = cause.downcast_ref::<Refusal>() {
                if !known {
                    trouble.kind = refusal.kind;
                    known = true;
                }
                if !refusal.hint.is_empty() && !trouble.hints.contains(&refusal.hint.as_str()) {
                    trouble.hints.push(&refusal.hint);
                }
                trouble.excerpts.extend(refusal.excerpt.as_deref());
            }
        }
        let mut messages = messages.into_iter();
        trouble.message = messages.next().unwrap_or_default();
        trouble.causes = messages.collect();
        trouble
    }
}

/// How many of what: the summary of a verification, shared by the formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    migrations: usize,
    proved: usize,
    irreversible: usize,
    failed: usize,
    skipped: usize,
    not_reached: usize,
    findings: usize,
    notes: usize,
}

impl Tally {
    fn of(outcome: &Outcome) -> Self {
        let mut tally = Self { migrations: outcome.steps.len(), ..Self::default() };
        for step in &outcome.steps {
            match step.proof {
                Proof::Reversible => tally.proved += 1,
                Proof::Irreversible(_) => tally.irreversible += 1,
                Proof::Failed => tally.failed += 1,
                Proof::Skipped => tally.skipped += 1,
                Proof::NotReached => tally.not_reached += 1,
            }
        }
        (tally.findings, tally.notes) = weigh(&outcome.findings);
        tally
    }
}

/// How many findings fail the check, and how many are notes.
fn weigh(findings: &[Finding]) -> (usize, usize) {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    (errors, findings.len() - errors)
}

/// The one-line summary of a verification: `proved 9 of 12 migrations: 1 finding, …`.
fn summary(outcome: &Outcome) -> String {
    let tally = Tally::of(outcome);
    let mut text = format!("proved {} of {}: ", tally.proved, count(tally.migrations, "migration"));
    text += &match tally.findings {
        0 => "no findings".to_owned(),
        findings => count(findings, "finding"),
    };
    for (number, what) in
        [(tally.irreversible, "irreversible"), (tally.skipped, "skipped"), (tally.not_reached, "not reached")]
    {
        if number > 0 {
            let _ = write!(text, ", {number} {what}");
        }
    }
    if tally.notes > 0 {
        let _ = write!(text, ", {}", count(tally.notes, "note"));
    }
    let _ = write!(text, ", in {}", time(outcome.elapsed));
    match &outcome.server {
        Some(server) => text + " on " + server,
        None => text + ", without a server",
    }
}

/// `1 finding`, `2 findings`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A duration as people say it.
fn time(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        millis => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// Milliseconds, for the wire.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a step's proof is called, in every format.
fn proof_word(proof: &Proof) -> &'static str {
    match proof {
        Proof::Reversible => "reversible",
        Proof::Irreversible(_) => "irreversible",
        Proof::Failed => "failed",
        Proof::Skipped => "skipped",
        Proof::NotReached => "not-reached",
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
