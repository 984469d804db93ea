//! What has to be so before a protected database is changed. Pure.

use dbmigrate_runtime::engine::{Plan, Step};
use dbmigrate_runtime::migration::{Direction, Id, Stage};

use crate::config::{Place, Protection};
use crate::problem::{Kind, Refusal};

/// Whether a change may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// It may.
    Given,
    /// It may if somebody at the terminal gives the database's name.
    Ask,
}

/// What is asked before a change.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Where.
    pub place: &'a Place,
    /// The database's name, as the server says it.
    pub database: &'a str,
    /// The name that was given with `--confirm`.
    pub confirmed: Option<&'a str>,
    /// Whether somebody sits at a terminal.
    pub terminal: bool,
}

impl Question<'_> {
    /// Decides.
    ///
    /// # Errors
    /// The given name is another database's, or nobody can be asked.
    pub fn decide(&self) -> Result<Consent, Refusal> {
        match (self.confirmed, self.place.protection) {
            (Some(given), _) => self.answered(given).map(|()| Consent::Given),
            (None, Protection::Open) => Ok(Consent::Given),
            (None, Protection::Protected) if self.terminal => Ok(Consent::Ask),
            (None, Protection::Protected) => {
                let message = format!("{} is protected, and nobody can be asked here", self.environment());
                let hint = format!("look at the plan above, and give `--confirm {}`", self.database);
                Err(Refusal::new(Kind::Unconfirmed, message, hint))
            }
        }
    }

    /// Compares the given name with the database's.
    ///
    /// # Errors
    /// They differ.
    pub fn answered(&self, given: &str) -> Result<(), Refusal> {
        if given.trim() == self.database {
            return Ok(());
        }
        let message = format!("the database is `{}`, not `{}`", self.database, given.trim());
        Err(Refusal::new(Kind::Unconfirmed, message, "make sure that it is the database that you mean"))
    }

    fn environment(&self) -> String {
        self.place
            .environment
            .as_ref()
            .map_or_else(|| "the database".to_owned(), |name| format!("the environment `{name}`"))
    }
}

/// A change that is asked for: what somebody sees before they answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which migration.
    pub id: Id,
    /// Finalized or draft.
    pub stage: Stage,
    /// Which way.
    pub direction: Direction,
}

/// The changes of a plan.
pub fn changes(plan: &Plan) -> Vec<Change> {
    let change = |step: &Step| Change { id: step.id.clone(), stage: step.stage, direction: step.direction };
    plan.steps.iter().map(change).collect()
}

/// Drafts have no place on a protected database; they may leave it.
///
/// # Errors
/// A draft would be applied.
pub fn without_drafts(place: &Place, changes: &[Change]) -> Result<(), Refusal> {
    let draft = |change: &&Change| change.stage == Stage::Draft && change.direction == Direction::Up;
    match (place.protection, changes.iter().find(draft)) {
        (Protection::Protected, Some(change)) => {
            let message =
                format!("`{}` is a draft, and the database is protected", change.id.stem(change.stage));
            let hint =
                "finalize it with `cargo dbmigrate consolidate`; an applied draft has to be reverted before";
            Err(Refusal::new(Kind::DraftOnProtected, message, hint))
        }
        _ => Ok(()),
    }
}
