//! A plan as a script that `psql` can run: the same texts, in the same transactions, with the same writes of the history.
//! Pure.
//!
//! What differs is what only a program can do. Nothing is tried again, durations are not written, and of a migration that
//! runs statement by statement each statement is followed by its note in the history instead of sharing a transaction with
//! it.

use std::fmt::Write as _;

use crate::Error;
use crate::engine::Migrator;
use crate::engine::history::{TOOL, literal, underway};
use crate::engine::link::refinery_migration;
use crate::engine::plan::{Plan, Step};
use crate::engine::session::settings;
use crate::engine::state::RowState;
use crate::lock::Times;
use crate::migration::Direction;

impl Migrator {
    /// A plan of this migrator's as a script for `psql`. Empty if there is nothing to run.
    ///
    /// It stops at the first error, takes the lock that all migrators take, or fails at once where another one holds it,
    /// and leaves the database and its history as the run itself would, but for times and durations.
    ///
    /// # Errors
    /// A migration that cannot be run either.
    pub fn script(&self, plan: &Plan) -> Result<String, Error> {
        let of = plan.steps.len();
        if of == 0 {
            return Ok(String::new());
        }
        let mut out = format!(
            "-- What {TOOL} would run, for psql. The history is that of the moment when this was written: do not keep it.\n\
             \\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n\n\
             -- Fails where another program migrates this database.\n\
             SELECT 1 / pg_try_advisory_lock({key})::int AS locked;\n",
            key = self.table.lock_key(),
        );
        if plan.steps.iter().any(|step| step.direction == Direction::Up) {
            let (table, create) = (literal(&self.table.sql()), self.table.create().replace('\n', "\n    "));
            _ = write!(
                out,
                "DO $dbmigrate$ BEGIN\n  IF to_regclass({table}) IS NULL THEN\n    {create};\n  END IF;\nEND $dbmigrate$;\n"
            );
        }
        for (index, step) in plan.steps.iter().enumerate() {
            _ = write!(out, "\n-- {} of {of}: {}\n", index + 1, step.file_name());
            for setting in settings(&self.options).split("; ") {
                _ = writeln!(out, "{setting};");
            }
            // Resetting gives psql its own encoding back.
            out.push_str("SET client_encoding = 'UTF8';\n");
            match step.runs.statements {
                None => self.in_transaction(step, &mut out)?,
                Some(_) => self.by_statement(step, &mut out)?,
            }
        }
        _ = write!(out, "\nSELECT pg_advisory_unlock({}) AS unlocked;\n", self.table.lock_key());
        Ok(out)
    }

    fn in_transaction(&self, step: &Step, out: &mut String) -> Result<(), Error> {
        let history = match step.direction {
            Direction::Up => {
                self.table.insert(step, refinery_migration(step)?.checksum(), RowState::Applied, None)
            }
            Direction::Down => self.table.delete(step.id.version),
        };
        _ = write!(out, "BEGIN;\n{}{history};\nCOMMIT;\n", ended(&step.runs.script.text));
        Ok(())
    }

    fn by_statement(&self, step: &Step, out: &mut String) -> Result<(), Error> {
        let (version, direction) = (step.id.version, step.direction);
        let count = step.runs.statements.as_ref().map_or(0, Vec::len);
        let first = step.done.unwrap_or(0);
        let begun = match (step.done, direction) {
            (Some(done), _) => format!(
                "-- An interrupted run has done {done} of {count} statements. Look whether the next one was done, too: \
                 upgrade and downgrade do."
            ),
            (None, Direction::Up) => {
                let checksum = refinery_migration(step)?.checksum();
                self.table.insert(step, checksum, underway(direction, 0), None) + ";"
            }
            (None, Direction::Down) => self.table.progress(version, underway(direction, 0)) + ";",
        };
        _ = writeln!(out, "{begun}");
        for index in first..count {
            let Some((statement, text)) = step.runs.statement(index) else { break };
            match statement.times {
                Times::Once => out.push_str(&ended(text)),
                Times::UntilNoRow => out.push_str(&repeated(text)),
            }
            let note = self.table.progress(version, underway(direction, index + 1));
            _ = writeln!(out, "{note};");
        }
        let end = match direction {
            Direction::Up => self.table.finished(version, None),
            Direction::Down => self.table.delete(version),
        };
        _ = writeln!(out, "{end};");
        Ok(())
    }
}

/// A text whose last statement is surely ended, and a line end.
fn ended(text: &str) -> String {
    let text = text.trim_end();
    let last = text.lines().next_back().unwrap_or_default();
    // A semicolon behind `--` may stand in a comment. Behind anything else that is open a text could not end.
    let sure = text.is_empty() || text.ends_with(';') && !last.contains("--");
    let end = match sure {
        _ if text.is_empty() => "",
        true => "\n",
        false => "\n;\n",
    };
    format!("{text}{end}")
}

/// A statement that runs, each time in a transaction of its own, until it changes no row.
fn repeated(text: &str) -> String {
    let mut tag = "statement".to_owned();
    while text.contains(&tag) {
        tag.push('_');
    }
    format!(
        "DO $dbmigrate_{tag}$ DECLARE changed bigint; BEGIN LOOP\n  EXECUTE ${tag}$\n{}\n${tag}$;\n  \
         GET DIAGNOSTICS changed = ROW_COUNT;\n  COMMIT;\n  EXIT WHEN changed = 0;\nEND LOOP; END $dbmigrate_{tag}$;\n",
        text.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::{ended, repeated};

    #[test]
    fn every_text_ends_its_last_statement() {
        for (text, end) in [
            ("SELECT 1;", "SELECT 1;\n"),
            ("SELECT 1", "SELECT 1\n;\n"),
            ("SELECT 1 -- one;", "SELECT 1 -- one;\n;\n"),
            ("SELECT 1; -- one", "SELECT 1; -- one\n;\n"),
            ("SELECT 1 /* ; */ \n\n", "SELECT 1 /* ; */\n;\n"),
            ("-- nothing\nSELECT '--';\n", "-- nothing\nSELECT '--';\n;\n"),
            ("", ""),
        ] {
            assert_eq!(ended(text), end, "{text}");
        }
    }

    #[test]
    fn a_repeated_statement_cannot_leave_its_quotes() {
        let text = repeated("UPDATE t SET a = $statement$x$statement$ WHERE a IS NULL;\n");
        assert!(text.contains("EXECUTE $statement_$\nUPDATE"), "{text}");
        assert_eq!(text.matches("$statement_$").count(), 2, "{text}");
    }
}
