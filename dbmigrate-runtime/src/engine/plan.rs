//! What an upgrade or a downgrade would run, as data. Pure.

use crate::Error;
use crate::engine::options::{DatabaseAhead, Drafts, Options, OutOfOrder};
use crate::engine::state::{Applied, RowState, Status, WayBack, order};
use crate::engine::target::{Target, TargetError, resolve};
use crate::migration::{Direction, Id, Script, Stage, Version};
use crate::migrations::{Migrations, Runs};

/// What would run, in order. Empty if there is nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Each script that runs.
    pub steps: Vec<Step>,
}

/// One script of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Version and name.
    pub id: Id,
    /// Finalized or draft.
    pub stage: Stage,
    /// Which way.
    pub direction: Direction,
    /// What runs, and how.
    pub runs: Runs,
    /// Its down, to be kept in the history.
    pub down: Option<Runs>,
    /// How many of its statements an interrupted run has already done; `None` if it was not begun.
    pub done: Option<usize>,
    pub(crate) witness: Option<String>,
}

impl Step {
    /// The name of its file, as messages call it.
    pub fn file_name(&self) -> String {
        self.id.file_name_at(self.stage, self.direction)
    }
}

/// Where a run goes, fixed when it begins: what other sessions do meanwhile does not move it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Every pending migration up to the last of these is applied.
    Up(Vec<Id>),
    /// These are reverted, the newest first.
    Down(Vec<Id>),
}

/// What must hold before anything is applied. Reverting needs none of it: the history holds what was applied.
fn intact(status: &Status, options: &Options) -> Result<(), Error> {
    if !status.divergent.is_empty() {
        return Err(Error::Divergent(status.divergent.clone()));
    }
    if !status.missing.is_empty() {
        return Err(Error::Missing(status.missing.clone()));
    }
    if !status.ahead.is_empty() && options.database_ahead == DatabaseAhead::Refuse {
        return Err(Error::DatabaseAhead(status.ahead.clone()));
    }
    Ok(())
}

/// Where an upgrade goes.
pub(crate) fn goal_up(
    migrations: &Migrations,
    rows: &[Applied],
    target: &Target,
    options: &Options,
) -> Result<Goal, Error> {
    let status = Status::of(migrations, rows);
    intact(&status, options)?;
    let drafts = match target {
        Target::Head => options.drafts,
        _ => Drafts::Apply,
    };
    let pending: Vec<Id> = status
        .pending
        .iter()
        .filter(|(_, stage)| *stage == Stage::Finalized || drafts == Drafts::Apply)
        .map(|(id, _)| id.clone())
        .collect();
    let wanted = match target {
        Target::Head => pending,
        Target::Base | Target::Down(_) => return Err(TargetError::NotUp(target.clone()).into()),
        Target::Up(count) if *count > pending.len() => {
            return Err(TargetError::TooFar(target.clone(), pending.len()).into());
        }
        Target::Up(count) => pending[..*count].to_vec(),
        Target::Version(_) | Target::Named(_) => {
            let ids = migrations.all().iter().map(|one| &one.id);
            let id = meant(target, ids)?.clone();
            let upto = migrations.all().iter().position(|one| one.id == id).unwrap_or_default();
            let reached = &migrations.all()[..=upto];
            pending.into_iter().filter(|id| reached.iter().any(|one| one.id == *id)).collect()
        }
    };
    let late: Vec<Id> = status.late.into_iter().filter(|id| wanted.contains(id)).collect();
    if let (false, OutOfOrder::Refuse) = (late.is_empty(), options.out_of_order) {
        return Err(Error::Late { late, current: status.current });
    }
    Ok(Goal::Up(wanted))
}

/// Where a downgrade goes.
pub(crate) fn goal_down(migrations: &Migrations, rows: &[Applied], target: &Target) -> Result<Goal, Error> {
    let status = Status::of(migrations, rows);
    let applied: Vec<&Id> = status.applied.iter().map(|row| &row.id).collect();
    let keep = match target {
        Target::Base => 0,
        Target::Head | Target::Up(_) => return Err(TargetError::NotDown(target.clone()).into()),
        Target::Down(count) => applied
            .len()
            .checked_sub(*count)
            .ok_or_else(|| TargetError::TooFar(target.clone(), applied.len()))?,
        Target::Version(_) | Target::Named(_) => {
            let all = applied.iter().copied().chain(migrations.all().iter().map(|one| &one.id));
            let mut ids: Vec<&Id> = all.collect();
            ids.sort();
            ids.dedup();
            let id = meant(target, ids.iter().copied())?;
            let at = applied.iter().position(|one| *one == id);
            at.ok_or_else(|| TargetError::NotApplied(id.clone()))? + 1
        }
    };
    Ok(Goal::Down(applied[keep..].iter().rev().map(|id| (*id).clone()).collect()))
}

fn meant<'a>(target: &Target, ids: impl Iterator<Item = &'a Id> + Clone) -> Result<&'a Id, TargetError> {
    match target {
        Target::Version(version) => {
            let mut ids = ids;
            ids.find(|id| id.version == *version).ok_or_else(|| TargetError::Unknown(version.to_string()))
        }
        target => resolve(&target.to_string(), ids),
    }
}

/// The steps from here to the goal. What was interrupted is brought to its end first. Where finalized migrations arrive
/// under applied drafts, the drafts are reverted, and applied again behind them.
///
/// `stored` are the downs that the history holds of migrations that this program does not have, or has otherwise.
pub(crate) fn steps(
    migrations: &Migrations,
    rows: &[Applied],
    goal: &Goal,
    options: &Options,
    stored: &dyn Fn(Version) -> Option<String>,
) -> Result<Plan, Error> {
    let status = Status::of(migrations, rows);
    if let Goal::Up(_) = goal {
        intact(&status, options)?;
    }
    let mut plan = Plan::default();
    let mut applied: Vec<&Applied> = status.applied.iter().collect();
    let fits = |step: &Step, row: &Applied| step.runs.script.hash == row.hash;
    for row in &status.applied {
        match row.state {
            RowState::Applied => {}
            RowState::Running(done) => {
                let step = up(migrations, &row.id).filter(|step| fits(step, row));
                let mut step = step.ok_or_else(|| Error::Unfinished(row.id.clone()))?;
                (step.done, step.witness) = (Some(done), row.witness.clone());
                plan.steps.push(step);
            }
            RowState::Reverting(done) => {
                let mut step = down(migrations, row, stored)?;
                (step.done, step.witness) = (Some(done), row.witness.clone());
                plan.steps.push(step);
                applied.retain(|one| one.id != row.id);
            }
        }
    }
    let is_applied = |applied: &[&Applied], id: &Id| applied.iter().any(|row| row.id == *id);
    match goal {
        Goal::Down(ids) => {
            for id in ids.iter().filter(|id| is_applied(&applied, id)) {
                let row = applied.iter().find(|row| row.id == *id);
                plan.steps.extend(row.map(|row| down(migrations, row, stored)).transpose()?);
            }
        }
        Goal::Up(ids) => {
            let wanted: Vec<Step> = ids
                .iter()
                .filter(|id| !is_applied(&applied, id))
                .filter_map(|id| up(migrations, id))
                .collect();
            let mut under: Vec<&Applied> = Vec::new();
            if wanted.iter().any(|step| step.stage == Stage::Finalized) {
                under = applied.iter().copied().filter(|row| row.stage == Stage::Draft).collect();
                under.sort_by_key(|row| order(row));
            }
            for row in under.iter().rev() {
                plan.steps.push(down(migrations, row, stored)?);
            }
            let mut again: Vec<Step> = under.iter().filter_map(|row| up(migrations, &row.id)).collect();
            let (finalized, drafts): (Vec<Step>, Vec<Step>) =
                wanted.into_iter().partition(|step| step.stage == Stage::Finalized);
            again.extend(drafts);
            again.sort_by(|a, b| a.id.cmp(&b.id));
            plan.steps.extend(finalized);
            plan.steps.extend(again);
        }
    }
    Ok(plan)
}

fn up(migrations: &Migrations, id: &Id) -> Option<Step> {
    let one = migrations.all().iter().find(|one| one.id == *id)?;
    Some(Step {
        id: one.id.clone(),
        stage: one.stage,
        direction: Direction::Up,
        runs: one.up.clone(),
        down: one.down.clone(),
        done: None,
        witness: None,
    })
}

fn down(
    migrations: &Migrations,
    row: &Applied,
    stored: &dyn Fn(Version) -> Option<String>,
) -> Result<Step, Error> {
    let irreversible = |reason: &str| Error::Irreversible { id: row.id.clone(), reason: reason.to_owned() };
    let here = migrations.all().iter().find(|one| one.id == row.id && one.up.script.hash == row.hash);
    let runs = match here {
        Some(one) => match &one.down {
            Some(runs) => runs.clone(),
            None => return Err(irreversible(one.irreversible().unwrap_or_default())),
        },
        None => match (&row.way_back, stored(row.id.version)) {
            (WayBack::Irreversible(reason), _) => return Err(irreversible(reason)),
            (WayBack::Stored(statements), Some(text)) => {
                let script = Script::parse(text).map_err(|_| Error::NoDown(row.id.clone()))?;
                Runs::new(script, statements.clone())
            }
            _ => return Err(Error::NoDown(row.id.clone())),
        },
    };
    Ok(Step {
        id: row.id.clone(),
        stage: row.stage,
        direction: Direction::Down,
        runs,
        down: None,
        done: None,
        witness: None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::lock::{Lock, Sealed};
    use crate::migration::{Hash, Migration};
    use crate::migrations::Runnable;

    fn script(text: &str) -> Script {
        Script::parse(text.to_owned()).unwrap()
    }

    /// Finalized `a`, `b`, … on days 1, 2, … as far as there are letters; capitals are irreversible.
    fn set(letters: &str) -> Migrations {
        let mut lock = Lock::default();
        let mut migrations = Vec::new();
        for letter in letters.chars() {
            let day = u32::from(letter.to_ascii_lowercase()) - u32::from('a') + 1;
            let name = letter.to_ascii_lowercase();
            let (up, down) = match letter.is_ascii_uppercase() {
                true => (script("-- dbmigrate: irreversible gone\nup"), None),
                false => (script(&format!("up {name}")), Some(script(&format!("down {name}")))),
            };
            let id: Id = format!("V202601{day:02}000000__{name}").parse().unwrap();
            let seal = |script: &Script| Sealed { hash: script.hash, statements: None };
            lock.push(id.clone(), seal(&up), down.as_ref().map(seal), vec![]).unwrap();
            migrations.push(Migration { id, up, down });
        }
        Migrations::from_parts(&lock, &migrations).unwrap()
    }

    fn draft(name: &str) -> Runnable {
        let (up, down) = (script(&format!("up {name}")), script(&format!("down {name}")));
        let second = name.bytes().next().unwrap() - b'a';
        let id = format!("V202501010000{second:02}__{name}").parse().unwrap();
        Runnable { id, stage: Stage::Draft, up: Runs::new(up, None), down: Some(Runs::new(down, None)) }
    }

    /// The history after all of a set was applied.
    fn rows(migrations: &Migrations) -> Vec<Applied> {
        let row = |one: &Runnable| Applied {
            id: one.id.clone(),
            stage: one.stage,
            state: RowState::Applied,
            applied_on: String::new(),
            hash: one.up.script.hash,
            took: None,
            by: String::new(),
            tool: String::new(),
            way_back: match one.irreversible() {
                Some(reason) => WayBack::Irreversible(reason.to_owned()),
                None => WayBack::Stored(None),
            },
            witness: None,
        };
        migrations.all().iter().map(row).collect()
    }

    fn shown(plan: &Plan) -> String {
        let sign = |step: &Step| if step.direction == Direction::Up { '+' } else { '-' };
        let words: Vec<_> = plan.steps.iter().map(|step| format!("{}{}", sign(step), step.id.name)).collect();
        words.join(" ")
    }

    fn up_with(
        here: &Migrations,
        rows: &[Applied],
        target: &str,
        options: &Options,
    ) -> Result<String, Error> {
        let goal = goal_up(here, rows, &target.parse().unwrap(), options)?;
        Ok(shown(&steps(here, rows, &goal, options, &|_| None)?))
    }

    fn up(here: &Migrations, rows: &[Applied], target: &str) -> Result<String, Error> {
        up_with(here, rows, target, &Options::default())
    }

    fn down(here: &Migrations, rows: &[Applied], target: &str) -> Result<String, Error> {
        let goal = goal_down(here, rows, &target.parse().unwrap())?;
        let stored = |version: Version| Some(format!("stored {version}"));
        Ok(shown(&steps(here, rows, &goal, &Options::default(), &stored)?))
    }

    #[test]
    fn upgrades_go_as_far_as_they_are_told() {
        let (here, there) = (set("abcd"), rows(&set("a")));
        assert_eq!(up(&here, &[], "head").unwrap(), "+a +b +c +d");
        assert_eq!(up(&here, &there, "head").unwrap(), "+b +c +d");
        assert_eq!(up(&here, &there, "+2").unwrap(), "+b +c");
        assert_eq!(up(&here, &there, "c").unwrap(), "+b +c");
        assert_eq!(up(&here, &there, "a").unwrap(), "");
        assert_eq!(up(&here, &rows(&here), "head").unwrap(), "");
        assert!(matches!(up(&here, &there, "+4").unwrap_err(), Error::Target(TargetError::TooFar(_, 3))));
        assert!(matches!(up(&here, &there, "base").unwrap_err(), Error::Target(TargetError::NotUp(_))));
    }

    #[test]
    fn downgrades_go_back_the_way_they_came() {
        let here = set("abcd");
        let there = rows(&set("abc"));
        assert_eq!(down(&here, &there, "base").unwrap(), "-c -b -a");
        assert_eq!(down(&here, &there, "-1").unwrap(), "-c");
        assert_eq!(down(&here, &there, "a").unwrap(), "-c -b");
        assert_eq!(down(&here, &there, "c").unwrap(), "");
        assert!(matches!(down(&here, &there, "d").unwrap_err(), Error::Target(TargetError::NotApplied(_))));
        assert!(matches!(down(&here, &there, "-4").unwrap_err(), Error::Target(TargetError::TooFar(_, 3))));
        assert!(matches!(down(&here, &there, "head").unwrap_err(), Error::Target(TargetError::NotDown(_))));
    }

    #[test]
    fn irreversible_ones_bar_the_way() {
        let here = set("aBc");
        let there = rows(&here);
        assert_eq!(down(&here, &there, "b").unwrap(), "-c");
        assert!(matches!(down(&here, &there, "a").unwrap_err(), Error::Irreversible { .. }));
        // Known from the history alone, too.
        assert!(matches!(down(&set("a"), &there, "a").unwrap_err(), Error::Irreversible { .. }));
    }

    #[test]
    fn nothing_runs_on_a_history_that_does_not_fit() {
        let here = set("abd");
        assert!(
            matches!(up(&here, &rows(&set("ac")), "head").unwrap_err(), Error::Missing(ids) if ids.len() == 1)
        );
        assert!(matches!(up(&here, &rows(&set("abde")), "head").unwrap_err(), Error::DatabaseAhead(_)));
        assert!(matches!(up(&here, &rows(&set("ad")), "head").unwrap_err(), Error::Late { .. }));
        let mut edited = rows(&here);
        edited[1].hash = Hash::ZERO;
        assert!(
            matches!(up(&here, &edited, "head").unwrap_err(), Error::Divergent(found) if found.len() == 1)
        );
        let allowing = Options {
            database_ahead: DatabaseAhead::Allow,
            out_of_order: OutOfOrder::Apply,
            ..Options::default()
        };
        assert_eq!(up_with(&here, &rows(&set("ae")), "head", &allowing).unwrap(), "+b +d");
    }

    #[test]
    fn what_is_not_here_is_reverted_with_what_was_stored() {
        let there = rows(&set("abc"));
        assert_eq!(down(&set("a"), &there, "a").unwrap(), "-c -b");
        let mut edited = there;
        edited[2].hash = Hash::ZERO;
        let here = set("abc");
        let goal = goal_down(&here, &edited, &Target::Down(2)).unwrap();
        let stored = |_: Version| Some("stored".to_owned());
        let plan = steps(&here, &edited, &goal, &Options::default(), &stored).unwrap();
        let texts: Vec<_> = plan.steps.iter().map(|step| step.runs.script.text.as_str()).collect();
        assert_eq!(texts, ["stored", "down b"]);
        let none = steps(&here, &edited, &goal, &Options::default(), &|_| None);
        assert!(matches!(none.unwrap_err(), Error::NoDown(_)));
    }

    #[test]
    fn drafts_come_last_and_make_room() {
        let here = set("ab").with_drafts([draft("x"), draft("y")]);
        assert_eq!(up(&here, &[], "head").unwrap(), "+a +b +x +y");
        let leaving = Options { drafts: Drafts::Leave, ..Options::default() };
        assert_eq!(up_with(&here, &[], "head", &leaving).unwrap(), "+a +b");
        let there = rows(&set("a").with_drafts([draft("x")]));
        assert_eq!(up(&here, &there, "head").unwrap(), "-x +b +x +y");
        assert_eq!(down(&here, &there, "base").unwrap(), "-x -a");
    }

    #[test]
    fn what_was_interrupted_comes_first() {
        let here = set("abc");
        let mut there = rows(&set("ab"));
        there[1].state = RowState::Running(2);
        assert_eq!(up(&here, &there, "head").unwrap(), "+b +c");
        assert_eq!(down(&here, &there, "a").unwrap(), "+b -b");
        there[1].state = RowState::Reverting(1);
        assert_eq!(up(&here, &there, "head").unwrap(), "-b +b +c");
        assert_eq!(down(&here, &there, "base").unwrap(), "-b -a");
        there[1].state = RowState::Running(2);
        there[1].hash = Hash::ZERO;
        assert!(matches!(down(&here, &there, "a").unwrap_err(), Error::Unfinished(_)));
    }
}
