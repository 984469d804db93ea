//! Base to head, one migration at a time: up, snapshot, down, equals the snapshot before, up, equals the snapshot after.
//!
//! The database itself only ever goes up, so that every migration starts from what production has. The down and the up
//! again are an excursion: rolled back where the files allow it, else on a copy (see [`Excursion`]).

use std::ops::Range;
use std::time::Instant;

use dbmigrate_runtime::migration::Direction;

use crate::problem::{Finding, Kind, Severity};
use crate::snapshot::{Diff, Snapshot, Within};
use crate::verify::bench::{Bench, Workshop};
use crate::verify::execute::{Commit, Failure};
use crate::verify::outcome::{Event, Observer, Proof, Step};
use crate::verify::plan::{Excursion, Subject, summary};

/// What the way up over some migrations found.
pub struct Climb<'a> {
    /// One for each migration.
    pub steps: Vec<Step>,
    /// In the order of the migrations.
    pub findings: Vec<Finding>,
    /// The catalog's changes were read right: reading everything at the end gave the same.
    pub consistent: bool,
    /// The database after the last of them, if that was reached.
    pub height: Option<Height<'a>>,
}

impl<'a> Climb<'a> {
    /// Adds the climb that follows it.
    pub fn extend(&mut self, next: Self) {
        self.steps.extend(next.steps);
        self.findings.extend(next.findings);
        self.consistent &= next.consistent;
        self.height = next.height;
    }
}

/// A database that only ever went up.
pub struct Height<'a> {
    /// The database.
    pub bench: Bench<'a>,
    /// Its catalog, read whole.
    pub catalog: Snapshot,
}

/// Goes from a height up over these migrations, the next ones there.
///
/// # Errors
/// The server cannot be used. What migrations do wrong is in the findings.
pub async fn climb<'a>(
    shop: &'a Workshop<'a>,
    from: Height<'a>,
    range: Range<usize>,
    observer: &dyn Observer,
) -> anyhow::Result<Climb<'a>> {
    let Height { mut bench, catalog: mut now } = from;
    let mut climb = Climb { steps: Vec::new(), findings: Vec::new(), consistent: true, height: None };
    let total = shop.request.subjects.len();
    let mut reached = true;
    for index in range {
        let subject = &shop.request.subjects[index];
        let mut step = Step::not_reached(subject);
        if reached {
            observer.event(&Event::StepStarted { index, total, migration: &step.migration });
            let started = Instant::now();
            let findings = &mut climb.findings;
            let mut stage = Stage { shop, subject, index, findings };
            (bench, step.proof, reached) = stage.run(bench, &mut now).await?;
            step.duration = started.elapsed();
            observer.event(&Event::StepFinished { index, total, step: &step });
        }
        climb.steps.push(step);
    }
    if !reached {
        bench.discard().await?;
        return Ok(climb);
    }
    let catalog = bench.snapshot().await?;
    climb.consistent = catalog.diff(&now) == Diff::default();
    climb.height = Some(Height { bench, catalog });
    Ok(climb)
}

/// What the down and the up again came to. Once the down restores the catalog, the order of columns may still differ.
enum Tried {
    /// The down does not run.
    DownFails(Failure),
    /// The catalog after the down is not the one before the up.
    DownDiffers(Diff),
    /// The up runs only once; with what the down left of the order of columns.
    UpAgainFails(Failure, Diff),
    /// The second up gives another catalog than the first; with the same.
    UpAgainDiffers(Diff, Diff),
    /// The catalog at the end, as it must be; with the same.
    Restored(Snapshot, Diff),
}

/// One migration's turn.
struct Stage<'a, 'b> {
    shop: &'a Workshop<'a>,
    subject: &'a Subject,
    index: usize,
    findings: &'b mut Vec<Finding>,
}

impl<'a> Stage<'a, '_> {
    /// Applies the migration and proves it. Gives the database with the migration applied, and whether it is.
    async fn run(
        &mut self,
        bench: Bench<'a>,
        now: &mut Snapshot,
    ) -> anyhow::Result<(Bench<'a>, Proof, bool)> {
        let mut bench = bench;
        if let Err(failure) = bench.apply(self.subject, Direction::Up, Commit::Own).await? {
            self.failed(Kind::UpFails, Direction::Up, "the up fails", failure);
            return Ok((bench, Proof::Failed, false));
        }
        let since = self.shop.request.since;
        if self.index < since {
            if self.index + 1 == since {
                *now = bench.snapshot().await?;
            }
            return Ok((bench, Proof::Skipped, true));
        }
        let after = bench.changed(now, Within::OwnTransaction).await?;
        let before = std::mem::replace(now, after);
        let found = self.findings.len();
        self.look_at(&before, now);
        if let Some(reason) = &self.subject.migration.up.directives.irreversible {
            return Ok((bench, self.proof(found, Proof::Irreversible(reason.clone())), true));
        }
        if self.subject.migration.down.is_none() {
            // The directory's own check has reported it.
            return Ok((bench, Proof::Failed, true));
        }
        bench = match self.subject.excursion() {
            Excursion::RolledBack => self.rolled_back(bench, &before, now).await?,
            Excursion::InPlace => self.in_place(bench, &before, now).await?,
            Excursion::OnCopy => self.on_copy(bench, &before, now).await?,
        };
        Ok((bench, self.proof(found, Proof::Reversible), true))
    }

    /// The proof, unless something that counts, or would if it were not allowed, was found since.
    fn proof(&self, since: usize, proof: Proof) -> Proof {
        let found = &self.findings[since..];
        if found.iter().any(|finding| finding.severity == Severity::Error) {
            return Proof::Failed;
        }
        let allowed = found.iter().filter(|finding| finding.kind != Kind::ColumnOrder);
        match allowed.filter_map(|finding| self.subject.allows(finding.kind)).next() {
            Some(reason) => Proof::Irreversible(reason.to_owned()),
            None => proof,
        }
    }

    /// What can be said of the catalog after the up alone.
    fn look_at(&mut self, before: &Snapshot, after: &Snapshot) {
        for object in after.unmodelled() {
            if !before.unmodelled().contains(object) {
                let message =
                    format!("objects of a kind that is not compared: {} {}", object.count, object.what);
                self.find(Kind::UnmodelledObject, Direction::Up, Severity::Note, message, None);
            }
        }
        if self.subject.migration.up.directives.no_transaction {
            let known = invalid_indexes(before);
            for index in invalid_indexes(after) {
                if !known.contains(&index) {
                    let message = format!("the up leaves the index `{index}` invalid");
                    self.find(Kind::InvalidIndex, Direction::Up, Severity::Error, message, None);
                }
            }
        }
    }

    /// Down and up again in one transaction that is rolled back.
    async fn rolled_back(
        &mut self,
        bench: Bench<'a>,
        before: &Snapshot,
        after: &mut Snapshot,
    ) -> anyhow::Result<Bench<'a>> {
        let mut bench = bench;
        let sequences = bench.begin().await?;
        let mut tried = self.tried(&mut bench, Commit::Callers, before, after).await?;
        if bench.is_usable() {
            let moved = bench.rollback().await?;
            if let Tried::DownFails(failure) = tried {
                tried = Tried::DownFails(bench.located(self.subject, Direction::Down, failure).await);
            }
            bench.restore_sequences(&sequences, &moved).await?;
        } else {
            bench = self.rebuilt(bench, after).await?;
        }
        match tried {
            // One transaction for both is stricter than two, and laxer in places: real commits decide.
            Tried::UpAgainFails(..) | Tried::UpAgainDiffers(..) => self.on_copy(bench, before, after).await,
            tried => {
                self.judge(tried);
                Ok(bench)
            }
        }
    }

    /// Down and up again with real commits on the database itself.
    async fn in_place(
        &mut self,
        bench: Bench<'a>,
        before: &Snapshot,
        after: &mut Snapshot,
    ) -> anyhow::Result<Bench<'a>> {
        let mut bench = bench;
        let tried = self.tried(&mut bench, Commit::Own, before, after).await?;
        match self.judge(tried) {
            Some(again) if !again.diff(after).only_order() => {
                *after = again;
                Ok(bench)
            }
            _ => self.rebuilt(bench, after).await,
        }
    }

    /// Down and up again with real commits on a copy; where that would not be the same, on the database itself, which
    /// is made anew then.
    async fn on_copy(
        &mut self,
        bench: Bench<'a>,
        before: &Snapshot,
        after: &mut Snapshot,
    ) -> anyhow::Result<Bench<'a>> {
        let mut bench = bench;
        if !bench.can_be_copied().await? {
            let tried = self.tried(&mut bench, Commit::Own, before, after).await?;
            self.judge(tried);
            return self.rebuilt(bench, after).await;
        }
        let (bench, mut copy) = bench.copy().await?;
        let tried = self.tried(&mut copy, Commit::Own, before, after).await?;
        self.judge(tried);
        copy.discard().await?;
        Ok(bench)
    }

    /// Down and up again, the catalogs compared; with real commits, or inside the caller's transaction.
    async fn tried(
        &self,
        bench: &mut Bench<'a>,
        commit: Commit,
        before: &Snapshot,
        after: &Snapshot,
    ) -> anyhow::Result<Tried> {
        let within = match commit {
            Commit::Own => Within::OwnTransaction,
            Commit::Callers => Within::CallersTransaction,
        };
        if let Err(failure) = bench.apply(self.subject, Direction::Down, commit).await? {
            return Ok(Tried::DownFails(failure));
        }
        let reverted = bench.changed(after, within).await?;
        let order = reverted.diff(before);
        if !order.is_empty() {
            return Ok(Tried::DownDiffers(order));
        }
        if let Err(failure) = bench.apply(self.subject, Direction::Up, commit).await? {
            return Ok(Tried::UpAgainFails(failure, order));
        }
        let again = bench.changed(&reverted, within).await?;
        let difference = again.diff(after);
        Ok(match difference.is_empty() {
            true => Tried::Restored(again, order),
            false => Tried::UpAgainDiffers(difference, order),
        })
    }

    /// Turns the result into findings. Gives the catalog at the end, if that is as it must be.
    fn judge(&mut self, tried: Tried) -> Option<Snapshot> {
        match tried {
            Tried::DownFails(failure) => {
                self.failed(Kind::DownFails, Direction::Down, "the down fails", failure);
                None
            }
            Tried::DownDiffers(difference) => {
                let message = format!("the down does not restore the catalog: {}", summary(&difference));
                self.find(Kind::DownDiffers, Direction::Down, Severity::Error, message, Some(difference));
                None
            }
            Tried::UpAgainFails(failure, order) => {
                self.note_order(order);
                self.failed(Kind::UpAgainFails, Direction::Up, "after the down, the up fails", failure);
                None
            }
            Tried::UpAgainDiffers(difference, order) => {
                self.note_order(order);
                let message = "after the down, the up does not give the same catalog again".to_owned();
                self.find(Kind::UpAgainDiffers, Direction::Up, Severity::Error, message, Some(difference));
                None
            }
            Tried::Restored(again, order) => {
                self.note_order(order);
                Some(again)
            }
        }
    }

    /// Moved columns after the down are a note, or a finding if asked for.
    fn note_order(&mut self, order: Diff) {
        if order.only_order() {
            let severity = if self.shop.request.strict { Severity::Error } else { Severity::Note };
            let message = "the down restores all but the order of columns".to_owned();
            self.find(Kind::ColumnOrder, Direction::Down, severity, message, Some(order));
        }
    }

    /// A new database at this migration, because the old one is not what it should be any more.
    async fn rebuilt(&self, bench: Bench<'a>, after: &mut Snapshot) -> anyhow::Result<Bench<'a>> {
        bench.discard().await?;
        let mut bench = self.shop.replayed(&self.shop.request.subjects[..=self.index]).await?;
        *after = bench.snapshot().await?;
        Ok(bench)
    }

    fn failed(&mut self, kind: Kind, direction: Direction, what: &str, failure: Failure) {
        self.findings.push(self.subject.failure(kind, direction, what, failure));
    }

    fn find(
        &mut self,
        kind: Kind,
        direction: Direction,
        severity: Severity,
        message: String,
        diff: Option<Diff>,
    ) {
        let mut finding = self.subject.finding(kind, direction, message);
        finding.severity = finding.severity.min(severity);
        finding.diff = diff;
        self.findings.push(finding);
    }
}

/// The indexes that a failed concurrent build has left behind.
fn invalid_indexes(snapshot: &Snapshot) -> Vec<&str> {
    let indexes = snapshot.facts().filter(|fact| fact.kind == "index");
    indexes
        .filter(|fact| fact.properties.get("valid") == Some(&false.into()))
        .map(|fact| fact.id.as_str())
        .collect()
}
