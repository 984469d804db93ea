//! Base to head, one migration at a time: up, snapshot, down, equals the snapshot before, up, equals the snapshot after.
//!
//! The database itself only ever goes up, so that every migration starts from what production has. The down and the up
//! again are an excursion: rolled back where the files allow it, else on a copy (see [`Excursion`]).

use std::time::Instant;

use dbmigrate_runtime::migration::Direction;

use crate::problem::{Finding, Kind, Severity};
use crate::snapshot::{Diff, Snapshot, Within};
use crate::verify::bench::{Bench, Workshop};
use crate::verify::execute::{Commit, Failure};
use crate::verify::outcome::{Event, Observer, Proof, Step};
use crate::verify::plan::{Excursion, Subject, summary};

/// What the way up found.
pub struct Climb<'a> {
    /// One for each migration.
    pub steps: Vec<Step>,
    /// In the order of the migrations.
    pub findings: Vec<Finding>,
    /// The catalog's changes were read right: reading everything at the end gave the same.
    pub consistent: bool,
    /// The database at head, if it was reached.
    pub summit: Option<Summit<'a>>,
}

/// A database that only ever went up, at head.
pub struct Summit<'a> {
    /// The database.
    pub bench: Bench<'a>,
    /// The catalog at base.
    pub base: Snapshot,
    /// The catalog at head.
    pub head: Snapshot,
}

/// Goes from base to head.
///
/// # Errors
/// The server cannot be used. What migrations do wrong is in the findings.
pub async fn climb<'a>(shop: &'a Workshop<'a>, observer: &dyn Observer) -> anyhow::Result<Climb<'a>> {
    let request = shop.request;
    let mut bench = shop.empty().await?;
    let mut now = bench.snapshot().await?;
    let base = now.clone();
    let mut climb = Climb { steps: Vec::new(), findings: Vec::new(), consistent: true, summit: None };
    let total = request.subjects.len();
    let mut reached = true;
    for (index, subject) in request.subjects.iter().enumerate() {
        let migration = subject.name();
        let mut step = Step { migration, proof: Proof::NotReached, duration: std::time::Duration::ZERO };
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
    let head = bench.snapshot().await?;
    let difference = head.diff(&now);
    climb.consistent = difference.is_empty() && !difference.only_order();
    climb.summit = Some(Summit { bench, base, head });
    Ok(climb)
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
        let after = bench.changed(now, Within::OwnTransaction).await?;
        let before = std::mem::replace(now, after);
        if self.index < self.shop.request.since {
            return Ok((bench, Proof::Skipped, true));
        }
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
        let sequences = bench.sequences().await?;
        bench.begin().await?;
        let down = bench.apply(self.subject, Direction::Down, Commit::Callers).await?;
        let mut again_fails = false;
        match down {
            Err(failure) => {
                if !bench.is_usable() {
                    self.failed(Kind::DownFails, Direction::Down, "the down fails", failure);
                    return self.rebuilt(bench, after).await;
                }
                bench.rollback().await?;
                let failure = bench.located(self.subject, Direction::Down, failure).await;
                self.failed(Kind::DownFails, Direction::Down, "the down fails", failure);
                bench.restore_sequences(&sequences).await?;
                return Ok(bench);
            }
            Ok(()) => {
                let reverted = bench.changed(after, Within::CallersTransaction).await?;
                if self.down_restores(&reverted, before) {
                    again_fails = match bench.apply(self.subject, Direction::Up, Commit::Callers).await? {
                        Err(_) => true,
                        Ok(()) => {
                            let again = bench.changed(&reverted, Within::CallersTransaction).await?;
                            !again.diff(after).is_empty()
                        }
                    };
                }
            }
        }
        if bench.is_usable() {
            bench.rollback().await?;
            bench.restore_sequences(&sequences).await?;
        } else {
            bench = self.rebuilt(bench, after).await?;
        }
        if again_fails {
            // One transaction for both is stricter than two, and laxer in places: real commits decide.
            self.findings.retain(|f| {
                f.kind != Kind::ColumnOrder || f.migration.as_deref() != Some(&*self.subject.name())
            });
            return self.on_copy(bench, before, after).await;
        }
        Ok(bench)
    }

    /// Down and up again with real commits on the database itself.
    async fn in_place(
        &mut self,
        bench: Bench<'a>,
        before: &Snapshot,
        after: &mut Snapshot,
    ) -> anyhow::Result<Bench<'a>> {
        let mut bench = bench;
        match self.committed(&mut bench, before, after).await? {
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
            self.committed(&mut bench, before, after).await?;
            return self.rebuilt(bench, after).await;
        }
        let (bench, mut copy) = bench.copy().await?;
        self.committed(&mut copy, before, after).await?;
        copy.discard().await?;
        Ok(bench)
    }

    /// Down and up again with real commits; the catalog at the end, if that is as it must be.
    async fn committed(
        &mut self,
        bench: &mut Bench<'a>,
        before: &Snapshot,
        after: &Snapshot,
    ) -> anyhow::Result<Option<Snapshot>> {
        if let Err(failure) = bench.apply(self.subject, Direction::Down, Commit::Own).await? {
            self.failed(Kind::DownFails, Direction::Down, "the down fails", failure);
            return Ok(None);
        }
        let reverted = bench.changed(after, Within::OwnTransaction).await?;
        if !self.down_restores(&reverted, before) {
            return Ok(None);
        }
        if let Err(failure) = bench.apply(self.subject, Direction::Up, Commit::Own).await? {
            self.failed(Kind::UpAgainFails, Direction::Up, "after the down, the up fails", failure);
            return Ok(None);
        }
        let again = bench.changed(&reverted, Within::OwnTransaction).await?;
        let difference = again.diff(after);
        if difference.is_empty() {
            return Ok(Some(again));
        }
        let message = "after the down, the up does not give the same catalog again";
        self.find(Kind::UpAgainDiffers, Direction::Up, Severity::Error, message.to_owned(), Some(difference));
        Ok(None)
    }

    /// Judges the catalog after the down. Moved columns are a note, or a finding if asked for.
    fn down_restores(&mut self, reverted: &Snapshot, before: &Snapshot) -> bool {
        let difference = reverted.diff(before);
        if !difference.is_empty() {
            let message = format!("the down does not restore the catalog: {}", summary(&difference));
            self.find(Kind::DownDiffers, Direction::Down, Severity::Error, message, Some(difference));
            return false;
        }
        if difference.only_order() {
            let severity = if self.shop.request.strict { Severity::Error } else { Severity::Note };
            let message = "the down restores all but the order of columns";
            self.find(Kind::ColumnOrder, Direction::Down, severity, message.to_owned(), Some(difference));
        }
        true
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
