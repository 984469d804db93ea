//! Turns drafts into finalized migrations, and proves that they are the same.
//!
//! [`compose`] writes the text. [`prove`] holds the catalog after the drafts against the catalog after the result, and
//! has the result verified. This room writes no files: whoever calls it does, once everything is proved.

use std::path::Path;
use std::time::Duration;

use dbmigrate_runtime::migration::{Direction, Migration, Stage};

use crate::problem::{Kind, Refusal, Severity};
use crate::server::Server;
use crate::snapshot::Snapshot;
use crate::verify::ascent::Hands;
use crate::verify::bench::{Reading, Workshop};
use crate::verify::execute::Commit;
use crate::verify::outcome::{Observer, Outcome};
use crate::verify::plan::{self, Subject};
use crate::verify::{self, Request};

use compose::Composed;

pub mod compose;

/// What is to be proved.
pub struct Proposal<'a> {
    /// What is finalized already.
    pub finalized: &'a [Migration],
    /// The drafts.
    pub drafts: &'a [Migration],
    /// What is to replace them.
    pub composed: &'a [Composed],
    /// The migrations directory, as the user would write it.
    pub migrations_directory: &'a Path,
    /// The drafts' directory, as the user would write it.
    pub drafts_directory: &'a Path,
    /// Moved columns count.
    pub strict: bool,
    /// How long one script may run.
    pub timeout: Duration,
}

/// Proves that the result equals the drafts and survives verification. Gives the outcome of the latter.
///
/// # Errors
/// A migration does not apply, the catalogs differ, verification finds something, or the server cannot be used.
pub async fn prove(
    server: &Server,
    proposal: &Proposal<'_>,
    observer: &dyn Observer,
) -> anyhow::Result<Outcome> {
    let (migrations, drafts) = (proposal.migrations_directory, proposal.drafts_directory);
    let finalized = Subject::all(proposal.finalized.iter().cloned(), Stage::Finalized, migrations);
    let since = finalized.len();
    let with = |more: Vec<Subject>| [finalized.clone(), more].concat();
    let by_drafts = with(Subject::all(proposal.drafts.iter().cloned(), Stage::Draft, drafts));
    let result = proposal.composed.iter().map(|one| one.migration.clone());
    let by_result = with(Subject::all(result, Stage::Finalized, migrations));

    let wanted = catalog(server, proposal, &by_drafts).await?;
    let got = catalog(server, proposal, &by_result).await?;
    let difference = got.diff(&wanted);
    if !difference.is_empty() {
        let message = format!("the result does not give the drafts' catalog: {}", plan::summary(&difference));
        let lines: Vec<String> = difference.lines().iter().map(ToString::to_string).collect();
        let hint =
            "change the drafts so that each holds all that it needs, and try again; nothing was written";
        return Err(Refusal::new(Kind::ConsolidationDiffers, message, hint)
            .caused_by(anyhow::anyhow!("{}", lines.join("\n")))
            .into());
    }

    let request = Request {
        subjects: &by_result,
        since,
        strict: proposal.strict,
        timeout: proposal.timeout,
        hands: Hands::of_this_machine(),
    };
    verify::prove(server, &request, observer).await
}

/// Whether an outcome lets a consolidation pass.
pub fn is_proved(outcome: &Outcome) -> bool {
    outcome.findings.iter().all(|finding| finding.severity != Severity::Error)
}

/// The catalog after these migrations.
async fn catalog(server: &Server, proposal: &Proposal<'_>, subjects: &[Subject]) -> anyhow::Result<Snapshot> {
    let (strict, timeout) = (proposal.strict, proposal.timeout);
    let request = Request { subjects, since: 0, strict, timeout, hands: Hands::One };
    let shop = Workshop::new(server, &request, Reading::Everything).await?;
    let mut bench = shop.empty().await?;
    for subject in subjects {
        if let Err(failure) = bench.apply(subject, Direction::Up, Commit::Own).await? {
            let message = format!("`{}` does not go up: {}", subject.name(), failure.excerpt.message);
            let hint = "change it and try again; nothing was written";
            bench.discard().await?;
            shop.close().await?;
            return Err(Refusal::new(Kind::ConsolidationUnproved, message, hint).at(failure.excerpt).into());
        }
    }
    let snapshot = bench.snapshot().await?;
    bench.discard().await?;
    shop.close().await?;
    Ok(snapshot)
}
