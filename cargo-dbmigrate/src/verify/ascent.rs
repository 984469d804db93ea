//! From base to head: by one database, or by two at the same time, each of which proves a part of the history.
//!
//! The second one goes up over the first part unproved, ahead of the first one, and proves the rest. What it found counts
//! only if it began with the very catalog that the first one ends with; otherwise the first one goes on by itself. So two
//! find what one would have found, and nothing else.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use dbmigrate_runtime::migration::Direction;

use crate::problem::Finding;
use crate::snapshot::{Diff, Snapshot};
use crate::verify::bench::Workshop;
use crate::verify::execute::Commit;
use crate::verify::outcome::{Event, Observer, Proof, Step};
use crate::verify::plan;
use crate::verify::stairway::{self, Climb, Height};
use crate::verify::stretch;

/// How many databases prove the migrations at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// One.
    One,
    /// Two, if the history is long enough and its migrations touch nothing that databases share.
    Two,
}

impl Hands {
    /// As many as this machine has processors for.
    pub fn of_this_machine() -> Self {
        match thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            1 => Self::One,
            _ => Self::Two,
        }
    }
}

/// What the way from base to head found.
pub struct Ascent<'a> {
    /// One for each migration.
    pub steps: Vec<Step>,
    /// In the order of the migrations.
    pub findings: Vec<Finding>,
    /// The catalog's changes were read right: reading everything gave the same.
    pub consistent: bool,
    /// What is known of the way back in one go.
    pub back: Back<'a>,
}

/// What is known of the way from head to base and back to head in one go.
pub enum Back<'a> {
    /// Nothing: head was not reached, or not all the way can be gone.
    Unknown,
    /// The database is at head, ready to go; with the catalog at base.
    Ready(Box<Height<'a>>, Snapshot),
    /// All of it was gone already, and restored every catalog.
    Proved,
}

/// Goes from base to head.
///
/// # Errors
/// The server cannot be used. What migrations do wrong is in the findings.
pub async fn ascend<'a>(shop: &'a Workshop<'a>, observer: &dyn Observer) -> anyhow::Result<Ascent<'a>> {
    let total = shop.request.subjects.len();
    let mut bench = shop.empty().await?;
    let base = bench.snapshot().await?;
    let from = Height { bench, catalog: base.clone() };
    let split = match shop.request.hands {
        Hands::One => None,
        Hands::Two => plan::split(shop.request.subjects, shop.request.since),
    };
    let Some(split) = split else {
        return Ok(Ascent::of(stairway::climb(shop, from, 0..total, observer).await?, base));
    };

    let later = Later::default();
    let first = stairway::climb(shop, from, 0..split, observer);
    let second = ahead(shop, split, &base, &later);
    let (first, second) = futures_util::join!(first, second);
    let mut climb = first?;
    let Some(height) = climb.height.take() else {
        climb.steps.extend(shop.request.subjects[split..].iter().map(Step::not_reached));
        return Ok(Ascent::of(climb, base));
    };
    match second {
        Ok(Some(second)) if second.fits(&height.catalog) && shop.shared_is_as_before().await? => {
            height.bench.discard().await?;
            later.tell(observer, total);
            climb.extend(second.climb);
            let mut ascent = Ascent::of(climb, base);
            if second.returned && all_reversible(&ascent.steps) {
                ascent.back = Back::Proved;
            }
            Ok(ascent)
        }
        // What stopped the second one stops the first one there, too, or did not matter.
        _ => {
            climb.extend(stairway::climb(shop, height, split..total, observer).await?);
            Ok(Ascent::of(climb, base))
        }
    }
}

impl<'a> Ascent<'a> {
    /// A climb over the whole history, and the database at head if it is still there.
    fn of(climb: Climb<'a>, base: Snapshot) -> Self {
        let Climb { steps, findings, consistent, height } = climb;
        let back = height.map_or(Back::Unknown, |height| Back::Ready(Box::new(height), base));
        Self { steps, findings, consistent, back }
    }
}

/// What the second database found.
struct Second<'a> {
    /// The catalog that it began with.
    foot: Snapshot,
    climb: Climb<'a>,
    /// It went from head to base and back to head in one go, and every catalog was restored.
    returned: bool,
}

impl Second<'_> {
    /// Whether it went on from where the first one ends.
    fn fits(&self, top: &Snapshot) -> bool {
        self.foot.diff(top) == Diff::default() && self.foot.unmodelled() == top.unmodelled()
    }
}

/// Goes up to the split unproved and from there to head with proof; then, where nothing bars the way, back to base and up
/// again in one go. Nothing if it does not get to the split.
async fn ahead<'a>(
    shop: &'a Workshop<'a>,
    split: usize,
    base: &Snapshot,
    observer: &dyn Observer,
) -> anyhow::Result<Option<Second<'a>>> {
    let subjects = shop.request.subjects;
    let mut bench = shop.beside().await?;
    for subject in &subjects[..split] {
        if bench.apply(subject, Direction::Up, Commit::Own).await?.is_err() {
            bench.discard().await?;
            return Ok(None);
        }
    }
    let foot = bench.snapshot().await?;
    let from = Height { bench, catalog: foot.clone() };
    let mut climb = stairway::climb(shop, from, split..subjects.len(), observer).await?;
    let free = plan::is_free(&subjects[..split]) && all_reversible(&climb.steps) && climb.consistent;
    let returned = match climb.height.take() {
        Some(head) if free => stretch::returns(shop, head, base.clone()).await?,
        Some(head) => {
            head.bench.discard().await?;
            false
        }
        None => false,
    };
    Ok(Some(Second { foot, climb, returned }))
}

fn all_reversible(steps: &[Step]) -> bool {
    steps.iter().all(|step| step.proof == Proof::Reversible)
}

/// Keeps what is told, so that it can be told in order.
#[derive(Default)]
struct Later {
    steps: Mutex<Vec<(usize, Step)>>,
}

impl Later {
    fn tell(&self, observer: &dyn Observer, total: usize) {
        let steps = std::mem::take(&mut *self.steps.lock().unwrap_or_else(PoisonError::into_inner));
        for (index, step) in &steps {
            observer.event(&Event::StepStarted { index: *index, total, migration: &step.migration });
            observer.event(&Event::StepFinished { index: *index, total, step });
        }
    }
}

impl Observer for Later {
    fn event(&self, event: &Event<'_>) {
        if let Event::StepFinished { index, step, .. } = event {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            steps.push((*index, (*step).clone()));
        }
    }
}
