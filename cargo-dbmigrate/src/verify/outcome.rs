//! What a verification found: plain data, for the report.

use std::time::Duration;

use crate::problem::Finding;
use crate::verify::plan::Subject;

/// The result of one run of `verify`.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The server that it ran on, as `PostgreSQL 15.18, local (…)`; `None` when no server was needed.
    pub server: Option<String>,
    /// Every migration of the set, in order.
    pub steps: Vec<Step>,
    /// The runs over several migrations in one go, in order.
    pub stretches: Vec<Stretch>,
    /// Everything found, in the order of the migrations; what is about no migration comes first.
    pub findings: Vec<Finding>,
    /// Wall time of the whole run, the server's start included.
    pub elapsed: Duration,
}

/// One migration of the set and how far its proof came.
#[derive(Clone, Debug)]
pub struct Step {
    /// `V<version>__<name>`.
    pub migration: String,
    /// How far its proof came.
    pub proof: Proof,
    /// Wall time of its proof.
    pub duration: Duration,
}

impl Step {
    /// The step of a migration that nothing has been done about.
    pub fn not_reached(subject: &Subject) -> Self {
        Self { migration: subject.name(), proof: Proof::NotReached, duration: Duration::ZERO }
    }
}

/// How far the proof of one migration came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Up, down and up again, the catalogs equal.
    Reversible,
    /// Up only: it is declared irreversible, with this reason.
    Irreversible(String),
    /// Something was found; see the findings that name it.
    Failed,
    /// Applied, but not proved: `--since` names a newer one.
    Skipped,
    /// An earlier up failed, so nothing could be said.
    NotReached,
}

/// Several migrations reverted and applied again in one go, with real commits.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The first migration of it.
    pub first: String,
    /// The last migration of it.
    pub last: String,
    /// How many migrations it has.
    pub length: usize,
    /// Whether head → base and base → head gave the same catalogs.
    pub proved: bool,
}

/// What the runner tells while it runs. The progress bar and the plain lines are drawn from it.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A note for people, such as which server is used.
    Note(&'a str),
    /// The proof of a migration begins.
    StepStarted {
        /// Position from 0.
        index: usize,
        /// How many there are.
        total: usize,
        /// `V<version>__<name>`.
        migration: &'a str,
    },
    /// The proof of a migration has ended.
    StepFinished {
        /// Position from 0.
        index: usize,
        /// How many there are.
        total: usize,
        /// The result.
        step: &'a Step,
    },
    /// A stretch is run in one go.
    StretchStarted {
        /// Position from 0.
        index: usize,
        /// How many there are.
        total: usize,
        /// `first..last`.
        name: &'a str,
    },
}

/// Receives [`Event`]s.
pub trait Observer: Send + Sync {
    /// Called for each event, from the runner's own task; must not block.
    fn event(&self, event: &Event<'_>);
}
