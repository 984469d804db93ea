//! What the history of a database says, against the migrations of this program. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::lock::Statement;
use crate::migration::{Hash, Id, Stage};
use crate::migrations::{Migrations, Runnable};

/// A row of the history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Version and name.
    pub id: Id,
    /// Finalized or draft.
    pub stage: Stage,
    /// Applied, or interrupted on the way.
    pub state: RowState,
    /// When it was applied, by the server's clock: RFC 3339, UTC.
    pub applied_on: String,
    /// The hash of the up that was applied.
    pub hash: Hash,
    /// How long it took.
    pub took: Option<Duration>,
    /// The database role that applied it.
    pub by: String,
    /// What applied it: name and version.
    pub tool: String,
    /// Whether there is a way back.
    pub way_back: WayBack,
    /// What was true before the statement that may have been interrupted; of `no-transaction` migrations only.
    pub(crate) witness: Option<String>,
}

/// How far a migration got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// All of it.
    Applied,
    /// A `no-transaction` up was interrupted after so many statements.
    Running(usize),
    /// A `no-transaction` down was interrupted after so many statements.
    Reverting(usize),
}

/// How an applied migration can be reverted without its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// The history holds its down; these are its statements if it is a `no-transaction` one.
    Stored(Option<Vec<Statement>>),
    /// It was declared irreversible, for this reason.
    Irreversible(String),
    /// It was stamped by something that knew no down.
    Unknown,
}

/// An applied migration whose file is not what was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergent {
    /// Version and name.
    pub id: Id,
    /// The hash of what was applied.
    pub applied: Hash,
    /// The hash of what this program has; `None` if it has another migration of this version.
    pub here: Option<Hash>,
}

/// What a database has and has not, compared with this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The newest applied migration; `None` at base.
    pub current: Option<Id>,
    /// The newest finalized migration of this program.
    pub head: Option<Id>,
    /// Everything in the history, in the order of versions, drafts last.
    pub applied: Vec<Applied>,
    /// What an upgrade would apply: finalized migrations, then drafts.
    pub pending: Vec<(Id, Stage)>,
    /// Those of the pending ones that are older than the newest applied finalized migration.
    pub late: Vec<Id>,
    /// Applied, but the file changed.
    pub divergent: Vec<Divergent>,
    /// Applied, and this program does not know them although it knows newer ones.
    pub missing: Vec<Id>,
    /// Applied, unknown to this program, and newer than all that it knows: a newer program was here.
    pub ahead: Vec<Id>,
    /// Interrupted on the way; an upgrade or downgrade first brings it to its end.
    pub unfinished: Option<Id>,
}

impl Status {
    /// Whether an upgrade would do nothing, and nothing is wrong.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty()
            && self.divergent.is_empty()
            && self.missing.is_empty()
            && self.unfinished.is_none()
    }

    /// Compares.
    pub(crate) fn of(migrations: &Migrations, rows: &[Applied]) -> Self {
        let known: BTreeMap<_, &Runnable> =
            migrations.all().iter().map(|one| (one.id.version, one)).collect();
        // What is on its way back has to be applied again.
        let stays = |row: &&Applied| !matches!(row.state, RowState::Reverting(_));
        let there: BTreeSet<_> = rows.iter().filter(stays).map(|row| row.id.version).collect();
        let newest_known = migrations.all().iter().map(|one| one.id.version).max();
        let newest = rows
            .iter()
            .filter(stays)
            .filter(|row| row.stage == Stage::Finalized)
            .map(|row| row.id.version)
            .max();
        let mut status = Self {
            head: migrations.head().map(|head| head.id.clone()),
            applied: rows.to_vec(),
            ..Self::default()
        };
        status.applied.sort_by_key(order);
        status.current = status.applied.iter().rfind(stays).map(|row| row.id.clone());
        for row in &status.applied {
            if row.state != RowState::Applied {
                status.unfinished.get_or_insert_with(|| row.id.clone());
            }
            match known.get(&row.id.version) {
                Some(one) if one.id == row.id && one.up.script.hash == row.hash => {}
                Some(one) => status.divergent.push(Divergent {
                    id: row.id.clone(),
                    applied: row.hash,
                    here: (one.id == row.id).then_some(one.up.script.hash),
                }),
                None if newest_known.is_none_or(|newest| newest < row.id.version) => {
                    status.ahead.push(row.id.clone());
                }
                None => status.missing.push(row.id.clone()),
            }
        }
        for one in migrations.all().iter().filter(|one| !there.contains(&one.id.version)) {
            status.pending.push((one.id.clone(), one.stage));
            if one.stage == Stage::Finalized && newest.is_some_and(|newest| newest > one.id.version) {
                status.late.push(one.id.clone());
            }
        }
        status
    }
}

/// Drafts come behind all finalized migrations.
pub(crate) fn order(row: &Applied) -> (bool, Id) {
    (row.stage == Stage::Draft, row.id.clone())
}
