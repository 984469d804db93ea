//! The proof: every migration goes up, down and up again on a throwaway server, and after each step the whole catalog
//! is compared with what it must be.
//!
//! - [`plan`] says what is to be proved, and [`checks`] what can be said without a server; both are pure.
//! - [`stairway`] proves each migration on its own, [`stretch`] many in one go; [`ascent`] shares the work out.
//! - [`execute`] runs one script, [`mod@bench`] is the database that it runs on, [`roles`] what databases share.
//! - [`since`] finds out where the proof begins, [`outcome`] is what comes of it.
//!
//! This room prints nothing and reads no files.

use std::time::{Duration, Instant};

use crate::problem::{Kind, Refusal, Severity};
use crate::server::Server;

use ascent::{Back, Hands};
use bench::{Reading, Workshop};
use outcome::{Event, Observer, Outcome, Proof};
use plan::Subject;

pub mod ascent;
pub mod bench;
pub mod checks;
pub mod execute;
pub mod outcome;
pub mod plan;
pub mod roles;
pub mod since;
pub mod stairway;
pub mod stretch;
#[cfg(test)]
mod tests;

/// What to prove, and how strictly.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The migrations, in order.
    pub subjects: &'a [Subject],
    /// How many of the first ones are only applied.
    pub since: usize,
    /// Moved columns are findings.
    pub strict: bool,
    /// How long one script may run.
    pub timeout: Duration,
    /// How many databases prove them at the same time.
    pub hands: Hands,
}

/// Proves migrations on a throwaway server.
///
/// # Errors
/// The server cannot be used. What migrations do wrong is in the outcome. Not cancellation safe: a dropped future leaves
/// its databases to the server's own clean-up.
pub async fn prove(
    server: &Server,
    request: &Request<'_>,
    observer: &dyn Observer,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let mut reading = Reading::Changes;
    loop {
        let shop = Workshop::new(server, request, reading).await?;
        let ascent = ascent::ascend(&shop, observer).await?;
        let proofs: Vec<Proof> = ascent.steps.iter().map(|step| step.proof.clone()).collect();
        if !ascent.consistent {
            if reading == Reading::Everything {
                let hint = "run it again; if it stays, another program changes the throwaway database";
                let message = "two readings of the same catalog differ";
                return Err(Refusal::new(Kind::Internal, message, hint).into());
            }
            if let Back::Ready(height, _) = ascent.back {
                height.bench.discard().await?;
            }
            observer.event(&Event::Note(
                "reading only the catalog's changes missed one: proving again, reading all",
            ));
            shop.close().await?;
            reading = Reading::Everything;
            continue;
        }
        let (stretches, found) = stretch::walk(&shop, &proofs, ascent.back, observer).await?;
        shop.close().await?;
        let mut outcome = Outcome {
            server: Some(server.describe()),
            steps: ascent.steps,
            stretches,
            findings: checks::texts(request.subjects),
            elapsed: Duration::ZERO,
        };
        outcome.findings.extend(ascent.findings);
        outcome.findings.extend(found);
        settle(&mut outcome);
        outcome.elapsed = started.elapsed();
        return Ok(outcome);
    }
}

/// Puts the findings in the order of the migrations, and fails the proof of those that have one.
pub fn settle(outcome: &mut Outcome) {
    let Outcome { steps, findings, .. } = outcome;
    let position = |name: &Option<String>| {
        name.as_ref().map(|name| steps.iter().position(|step| step.migration == *name).unwrap_or(steps.len()))
    };
    findings.sort_by_cached_key(|finding| position(&finding.migration));
    for step in steps.iter_mut() {
        let failed = |finding: &&crate::problem::Finding| {
            finding.severity == Severity::Error && finding.migration.as_deref() == Some(&*step.migration)
        };
        if step.proof == Proof::Reversible && findings.iter().any(|finding| failed(&finding)) {
            step.proof = Proof::Failed;
        }
    }
}
