//! What `status` finds wrong. Pure.

use crate::Error;
use crate::engine::{DatabaseAhead, OutOfOrder, Status};
use crate::migration::Id;

/// Something that `status` found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable name for this kind of finding: that of the [`Error`] with which an upgrade would stop.
    pub id: &'static str,
    /// The same in a few words.
    pub title: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is about.
    pub migration: Id,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// An upgrade would stop; the exit status is 1.
    Error,
    /// Worth knowing.
    Note,
}

/// Everything that is wrong, under these policies.
pub(super) fn of(status: &Status, ahead: DatabaseAhead, late: OutOfOrder) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in &status.divergent {
        let error = Error::Divergent(vec![one.clone()]);
        found.push(finding(&error, "an applied migration was edited", Severity::Error, &one.id));
    }
    for id in &status.missing {
        let error = Error::Missing(vec![id.clone()]);
        found.push(finding(&error, "an applied migration is not in this program", Severity::Error, id));
    }
    let severity = match late {
        OutOfOrder::Refuse => Severity::Error,
        OutOfOrder::Apply => Severity::Note,
    };
    for id in &status.late {
        let error = Error::Late { late: vec![id.clone()], current: status.current.clone() };
        found.push(finding(&error, "a pending migration is older than an applied one", severity, id));
    }
    let severity = match ahead {
        DatabaseAhead::Refuse => Severity::Error,
        DatabaseAhead::Allow => Severity::Note,
    };
    for id in &status.ahead {
        let error = Error::DatabaseAhead(vec![id.clone()]);
        found.push(finding(&error, "a newer program has migrated the database", severity, id));
    }
    if let Some(id) = &status.unfinished {
        found.push(Finding {
            id: "unfinished",
            title: "a migration is on its way",
            severity: Severity::Note,
            migration: id.clone(),
            message: format!("`{id}` is on its way: it runs now, or was interrupted"),
            hint: "if nothing runs, the next upgrade or downgrade goes on where it stopped".to_owned(),
        });
    }
    found
}

fn finding(error: &Error, title: &'static str, severity: Severity, id: &Id) -> Finding {
    Finding {
        id: error.id(),
        title,
        severity,
        migration: id.clone(),
        message: error.to_string(),
        hint: hint(error),
    }
}

/// What to do, in the words of the command line.
pub(super) fn hint(error: &Error) -> String {
    match error {
        Error::DatabaseAhead(_) => "deploy the program that knows them, revert them with it, or, if this program can work with the newer \
             schema, give `--database-ahead allow`"
            .to_owned(),
        Error::Late { .. } => "give the late ones versions newer than head (`cargo dbmigrate rebase`), or, if their order does not matter, \
             give `--out-of-order apply`"
            .to_owned(),
        Error::LockBusy { .. } => {
            "wait for the other session to end, look at what it does, or give a longer `--lock-wait`".to_owned()
        }
        Error::LockTimeout { .. } => "end the sessions that are in the way, try at a quieter time, or give a longer `--lock-timeout` or more \
             `--attempts`"
            .to_owned(),
        error => error.hint(),
    }
}

/// How many of them make the exit status 1.
pub(super) fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}
