//! What is to be proved, as data. Pure: no files, no server.

use std::ops::Range;
use std::path::{Path, PathBuf};

use dbmigrate_runtime::migration::{Direction, Migration, Script, Stage};

use crate::problem::{Finding, Kind};
use crate::snapshot::Diff;
use crate::sql;
use crate::verify::execute::{Cause, Failure};
use crate::verify::outcome::Proof;

/// A migration and where its files stand.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The migration.
    pub migration: Migration,
    /// Finalized or draft.
    pub stage: Stage,
    /// The directory of its files, as the user would write it.
    pub directory: PathBuf,
}

impl Subject {
    /// Migrations with the directory that their files stand in.
    pub fn all(migrations: impl IntoIterator<Item = Migration>, stage: Stage, directory: &Path) -> Vec<Self> {
        let subject = |migration| Self { migration, stage, directory: directory.into() };
        migrations.into_iter().map(subject).collect()
    }

    /// The name by which reports call it: as its files, without their ends.
    pub fn name(&self) -> String {
        self.migration.id.stem(self.stage)
    }

    /// One of its files, as the user would write it.
    pub fn file(&self, direction: Direction) -> PathBuf {
        self.directory.join(self.migration.id.file_name_at(self.stage, direction))
    }

    /// Its scripts, with their direction.
    pub fn scripts(&self) -> impl Iterator<Item = (Direction, &Script)> {
        let script = |direction| self.migration.script(direction).map(|script| (direction, script));
        [Direction::Up, Direction::Down].into_iter().filter_map(script)
    }

    /// The reason why findings of this kind are accepted, if a directive says so.
    pub fn allows(&self, kind: Kind) -> Option<&str> {
        self.scripts().find_map(|(_, script)| script.directives.allows(kind.id()))
    }

    /// A finding about one of its files; only a note if a directive allows it.
    pub fn finding(&self, kind: Kind, direction: Direction, message: String) -> Finding {
        let finding = match self.allows(kind) {
            Some(reason) => Finding::note(kind, format!("{message} (allowed: {reason})")),
            None => Finding::error(kind, message),
        };
        finding.migration(self.name()).file(self.file(direction))
    }

    /// The finding about a script that did not run.
    pub fn failure(&self, kind: Kind, direction: Direction, what: &str, failure: Failure) -> Finding {
        let (kind, what) = match failure.cause {
            Cause::Timeout => (Kind::Timeout, what.replace("fails", "does not end")),
            Cause::Refused => (kind, what.to_owned()),
        };
        let message = format!("{what}: {}", failure.excerpt.message);
        self.finding(kind, direction, message).excerpt(failure.excerpt)
    }

    /// Whether a script does to its session what only a new session undoes.
    pub fn outlasts_reset(&self, direction: Direction) -> bool {
        let script = self.migration.script(direction);
        script.is_some_and(|script| sql::statements(&script.text).iter().any(sql::Statement::outlasts_reset))
    }

    /// How its down and its up again are tried.
    pub fn excursion(&self) -> Excursion {
        if [Direction::Up, Direction::Down].into_iter().any(|direction| self.outlasts_reset(direction)) {
            return Excursion::OnCopy;
        }
        if !self.scripts().any(|(_, script)| script.directives.no_transaction) {
            return Excursion::RolledBack;
        }
        let changes_rows = |text: &str| sql::statements(text).iter().any(sql::Statement::may_change_rows);
        if self.scripts().any(|(_, script)| changes_rows(&script.text)) {
            Excursion::OnCopy
        } else {
            Excursion::InPlace
        }
    }
}

/// How the down and the up again of one migration are tried, so that the next one starts from what production has: the
/// plain ups, one after the other, with no moved columns, lost rows or used-up sequence values in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excursion {
    /// In one transaction, which is rolled back. The cheapest, for transactional files.
    RolledBack,
    /// With real commits, on the database itself: nothing but the catalog can have changed.
    InPlace,
    /// With real commits, on a copy.
    OnCopy,
}

/// A difference in one line: how much is there that should not be, and so on.
pub fn summary(diff: &Diff) -> String {
    let counts = diff.counts();
    let parts = [(counts.added, "left over"), (counts.removed, "missing"), (counts.changed, "changed")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// The longest runs of reversible migrations: each is reverted and applied again in one go.
pub fn stretches(proofs: &[Proof]) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for (index, proof) in proofs.iter().enumerate() {
        match (proof, stretches.last_mut()) {
            (Proof::Reversible, Some(last)) if last.end == index => last.end += 1,
            (Proof::Reversible, _) => stretches.push(index..index + 1),
            _ => {}
        }
    }
    stretches
}

/// Whether nothing is known that bars the way back over these migrations.
pub fn is_free(subjects: &[Subject]) -> bool {
    subjects
        .iter()
        .map(|subject| &subject.migration)
        .all(|migration| migration.down.is_some() && migration.up.directives.irreversible.is_none())
}

/// A history is worth two databases from so many migrations on.
const WORTH_TWO: usize = 24;

/// Of a hundred migrations to be proved, so many are for the first database: the second one has to go up over them, too,
/// and where nothing bars the way it goes back and up again in one go.
const FIRST_OF_HUNDRED: usize = 55;
const FIRST_OF_HUNDRED_FREE: usize = 70;

/// Where the second of two databases begins with its proofs: how many migrations are left to the first one. `None` if one
/// has to do all, because there is too little to do or because databases share what a migration may change.
pub fn split(subjects: &[Subject], since: usize) -> Option<usize> {
    let proved = subjects.len().saturating_sub(since);
    let share = if is_free(subjects) && since == 0 { FIRST_OF_HUNDRED_FREE } else { FIRST_OF_HUNDRED };
    (proved >= WORTH_TWO && stay_inside(subjects)).then(|| since + proved * share / 100)
}

fn stay_inside(subjects: &[Subject]) -> bool {
    subjects.iter().flat_map(Subject::scripts).all(|(_, script)| !sql::may_leave_database(&script.text))
}

/// Whether the server's own statistics know of every row that these migrations write: they write in the one session that
/// runs them, and leave the statistics alone.
pub fn writes_are_counted(subjects: &[Subject]) -> bool {
    let leaves_alone = |text: &str| !sql::may_mislead_statistics(text);
    stay_inside(subjects)
        && subjects.iter().flat_map(Subject::scripts).all(|(_, script)| leaves_alone(&script.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reversible_is_a_barrier() {
        let (yes, no) = (Proof::Reversible, Proof::Irreversible("data".into()));
        assert!(stretches(&[]).is_empty());
        assert_eq!(stretches(&[yes.clone(), yes.clone()]).first(), Some(&(0..2)));
        let mixed = [Proof::Skipped, yes.clone(), no, yes.clone(), yes, Proof::Failed, Proof::NotReached];
        assert_eq!(stretches(&mixed), [1..2, 3..5]);
    }
}
