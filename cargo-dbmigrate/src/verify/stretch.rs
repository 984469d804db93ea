//! Head to base and base to head in one go, with real commits.
//!
//! What is not reversible is a barrier; every stretch between two barriers is proved on its own. The stretches share one
//! database. A stretch leaves it with equal catalog but perhaps with moved columns or lost rows, so a failure counts only
//! when it happens again on a clean one.

use std::ops::Range;

use dbmigrate_runtime::migration::Direction;

use crate::problem::{Finding, Kind};
use crate::snapshot::{Diff, Snapshot, Within};
use crate::verify::ascent::Back;
use crate::verify::bench::{Bench, Workshop};
use crate::verify::execute::Commit;
use crate::verify::outcome::{Event, Observer, Proof, Stretch};
use crate::verify::plan;
use crate::verify::stairway::Height;

/// Goes from head to base and back to head in one go; whether every catalog is restored. Uses the database up.
///
/// # Errors
/// The server cannot be used.
pub async fn returns<'a>(shop: &'a Workshop<'a>, head: Height<'a>, base: Snapshot) -> anyhow::Result<bool> {
    let mut track = Track::at_head(shop, head, base);
    let verdict = track.prove(&(0..shop.request.subjects.len())).await?;
    track.bench.discard().await?;
    Ok(verdict.is_ok())
}

/// Proves every stretch. Where there is no barrier at all, the database at head is the one to start from.
///
/// # Errors
/// The server cannot be used. What migrations do wrong is in the findings.
pub async fn walk(
    shop: &Workshop<'_>,
    proofs: &[Proof],
    back: Back<'_>,
    observer: &dyn Observer,
) -> anyhow::Result<(Vec<Stretch>, Vec<Finding>)> {
    let request = shop.request;
    let ranges = plan::stretches(proofs);
    let (mut stretches, mut findings) = (Vec::new(), Vec::new());
    let mut track: Option<Track<'_>> = None;
    let mut gone = false;
    match back {
        Back::Ready(head, base) if ranges.first() == Some(&(0..proofs.len())) => {
            track = Some(Track::at_head(shop, *head, base));
        }
        Back::Ready(head, _) => head.bench.discard().await?,
        Back::Proved => gone = true,
        Back::Unknown => {}
    }
    for (index, range) in ranges.iter().enumerate() {
        let (first, last) = (request.subjects[range.start].name(), request.subjects[range.end - 1].name());
        observer.event(&Event::StretchStarted {
            index,
            total: ranges.len(),
            name: &format!("{first}..{last}"),
        });
        let mut result = match &mut track {
            _ if gone => Ok(()),
            Some(track) => track.prove(range).await?,
            None => Err(None),
        };
        if result.is_err() {
            if let Some(used) = track.take() {
                used.bench.discard().await?;
            }
            result = track.insert(Track::new(shop).await?).prove(range).await?;
        }
        if result.is_err()
            && let Some(used) = track.take()
        {
            used.bench.discard().await?;
        }
        stretches.push(Stretch { first, last, length: range.len(), proved: result.is_ok() });
        findings.extend(result.err().flatten().map(|finding| *finding));
    }
    if let Some(track) = track {
        track.bench.discard().await?;
    }
    Ok((stretches, findings))
}

/// A database and how far up it is.
struct Track<'a> {
    shop: &'a Workshop<'a>,
    bench: Bench<'a>,
    now: Snapshot,
    applied: usize,
    /// The catalog at base, if all migrations are applied already.
    base: Option<Snapshot>,
}

/// What a stretch failed with; nothing if it was not tried.
type Failed = Option<Box<Finding>>;
type Verdict = Result<(), Failed>;

impl<'a> Track<'a> {
    fn at_head(shop: &'a Workshop<'a>, head: Height<'a>, base: Snapshot) -> Self {
        let Height { bench, catalog: now } = head;
        Self { shop, bench, now, applied: shop.request.subjects.len(), base: Some(base) }
    }

    async fn new(shop: &'a Workshop<'a>) -> anyhow::Result<Self> {
        let mut bench = shop.empty().await?;
        let now = bench.snapshot().await?;
        Ok(Self { shop, bench, now, applied: 0, base: None })
    }

    async fn prove(&mut self, range: &Range<usize>) -> anyhow::Result<Verdict> {
        let low = match self.base.take() {
            Some(base) => base,
            None => {
                let verdict = self.climb(range).await?;
                match verdict {
                    Ok(low) => low,
                    Err(failed) => return Ok(Err(failed)),
                }
            }
        };
        let high = self.now.clone();

        let verdict = self.run(range.clone(), Direction::Down).await?;
        if verdict.is_err() {
            return Ok(verdict);
        }
        let reverted = self.read().await?.diff(&low);
        if !reverted.is_empty() {
            return Ok(self.differs(
                Kind::StretchDownDiffers,
                range,
                "the downs do not restore the catalog",
                reverted,
            ));
        }
        let verdict = self.run(range.clone(), Direction::Up).await?;
        if verdict.is_err() {
            return Ok(verdict);
        }
        let again = self.read().await?.diff(&high);
        if !again.is_empty() {
            let what = "the ups do not give the same catalog again";
            return Ok(self.differs(Kind::StretchUpDiffers, range, what, again));
        }
        self.applied = range.end;
        Ok(Ok(()))
    }

    /// Applies what is missing and then the stretch; gives the catalog at its foot.
    async fn climb(&mut self, range: &Range<usize>) -> anyhow::Result<Result<Snapshot, Failed>> {
        let missing = self.applied..range.start;
        if !missing.is_empty() {
            if let Err(failed) = self.run(missing, Direction::Up).await? {
                return Ok(Err(failed));
            }
            self.read().await?;
        }
        let low = self.now.clone();
        if let Err(failed) = self.run(range.clone(), Direction::Up).await? {
            return Ok(Err(failed));
        }
        self.read().await?;
        Ok(Ok(low))
    }

    async fn read(&mut self) -> anyhow::Result<&Snapshot> {
        self.now = self.bench.changed(&self.now, Within::OwnTransaction).await?;
        Ok(&self.now)
    }

    async fn run(&mut self, indices: Range<usize>, direction: Direction) -> anyhow::Result<Verdict> {
        let in_order: Vec<_> = match direction {
            Direction::Up => indices.collect(),
            Direction::Down => indices.rev().collect(),
        };
        for index in in_order {
            let subject = &self.shop.request.subjects[index];
            if let Err(failure) = self.bench.apply(subject, direction, Commit::Own).await? {
                let kind = match direction {
                    Direction::Up => Kind::StretchUpFails,
                    Direction::Down => Kind::StretchDownFails,
                };
                let what = format!("in one go, the {direction} fails");
                return Ok(Err(Some(Box::new(subject.failure(kind, direction, &what, failure)))));
            }
        }
        Ok(Ok(()))
    }

    fn differs(&self, kind: Kind, range: &Range<usize>, what: &str, diff: Diff) -> Verdict {
        let [first, last] =
            [range.start, range.end - 1].map(|index| self.shop.request.subjects[index].name());
        let message = format!("from `{first}` to `{last}` in one go, {what}: {}", plan::summary(&diff));
        Err(Some(Box::new(Finding::error(kind, message).migration(first).diff(diff))))
    }
}
