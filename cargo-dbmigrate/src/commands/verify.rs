//! `verify`: proves the finalized migrations, and the drafts after them.

use std::time::Instant;

use dbmigrate_runtime::migration::Stage;

use crate::commands::{Exit, session, throwaway};
use crate::config::Config;
use crate::problem::{Finding, Kind, Severity};
use crate::report::Reporter;
use crate::verify::ascent::Hands;
use crate::verify::outcome::{Event, Observer, Outcome, Proof, Step};
use crate::verify::plan::Subject;
use crate::verify::{self, Request, checks, since};

/// What the user asked for.
pub struct Options {
    /// Only what is newer is proved.
    pub since: Option<String>,
    /// Drafts are findings, and are not proved.
    pub frozen: bool,
}

/// Runs the command.
///
/// # Errors
/// The migrations cannot be read, or no server can be used.
pub async fn run(
    config: &Config,
    options: &Options,
    reporter: &Reporter,
    observer: &dyn Observer,
) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let (subjects, mut problems) = read(config, options.frozen)?;
    let since = match &options.since {
        Some(text) => since::resolve(text, &subjects, &config.migrations.path)?,
        None => 0,
    };
    let request = Request {
        subjects: &subjects,
        since,
        strict: config.strict,
        timeout: config.timeout,
        hands: Hands::of_this_machine(),
    };
    let readable = problems.iter().all(|problem| can_run_despite(problem.kind));
    let mut outcome = if !readable || since == subjects.len() {
        unproved(&subjects, readable)
    } else {
        let note = |text: &str| observer.event(&Event::Note(text));
        let server = throwaway(config)?;
        session::with_server(&server, &note, async |server| verify::prove(server, &request, observer).await)
            .await?
    };
    problems.append(&mut outcome.findings);
    outcome.findings = problems;
    verify::settle(&mut outcome);
    outcome.elapsed = started.elapsed();
    reporter.outcome(&outcome)?;
    let failed = outcome.findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if failed { Exit::Findings } else { Exit::Fine })
}

/// The migrations in order, and everything that is wrong with their files.
fn read(config: &Config, frozen: bool) -> anyhow::Result<(Vec<Subject>, Vec<Finding>)> {
    let finalized = config.migrations.read(Stage::Finalized)?;
    let mut problems = finalized.problems;
    let mut subjects = Subject::all(finalized.migrations, Stage::Finalized, &config.migrations.shown);
    let drafts = config.drafts.read(Stage::Draft)?;
    let draft_subjects = Subject::all(drafts.migrations, Stage::Draft, &config.drafts.shown);
    if frozen {
        problems.extend(draft_subjects.iter().map(|subject| {
            let message =
                format!("`{}` is a draft: it is not finalized, so it would not ship", subject.name());
            let file = subject.file(dbmigrate_runtime::migration::Direction::Up);
            Finding::error(Kind::DraftPresent, message).migration(subject.name()).file(file)
        }));
    } else {
        problems.extend(drafts.problems);
        subjects.extend(draft_subjects);
    }
    Ok((subjects, problems))
}

/// Problems that leave a set of migrations with an order, so that the rest of the proof is worth its time.
fn can_run_despite(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FileEdited
            | Kind::FileAdded
            | Kind::FileRemoved
            | Kind::FilesReordered
            | Kind::ChainBroken
            | Kind::LockMissing
            | Kind::LockStale
            | Kind::DraftPresent
            | Kind::DownMissing
            | Kind::IrreversibleWithDown
    )
}

/// The outcome without a server: nothing to prove, or nothing that could be.
fn unproved(subjects: &[Subject], nothing_to_prove: bool) -> Outcome {
    let proof = if nothing_to_prove { Proof::Skipped } else { Proof::NotReached };
    let step = |subject: &Subject| Step {
        migration: subject.name(),
        proof: proof.clone(),
        duration: std::time::Duration::ZERO,
    };
    let findings = if nothing_to_prove { Vec::new() } else { checks::texts(subjects) };
    Outcome { steps: subjects.iter().map(step).collect(), findings, ..Outcome::default() }
}
