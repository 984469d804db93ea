//! What can be said of migrations without a server. Pure.

use dbmigrate_runtime::migration::Direction;

use crate::directory::closest;
use crate::problem::{Excerpt, Finding, Kind};
use crate::sql::{self, IntruderKind};
use crate::verify::plan::Subject;

/// What is wrong with the text of these migrations, in order.
pub fn texts(subjects: &[Subject]) -> Vec<Finding> {
    subjects.iter().flat_map(subject).collect()
}

fn subject(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (direction, script) in subject.scripts() {
        let file = subject.file(direction);
        for allow in &script.directives.allow {
            if Kind::from_id(&allow.rule).is_none() {
                let near = closest(&allow.rule, Kind::ALL.iter().map(|kind| kind.id()));
                let near = near.map(|id| format!(": did you mean `{id}`?")).unwrap_or_default();
                let message = format!("there is no rule `{}` to allow{near}", allow.rule);
                findings.push(subject.finding(Kind::UnknownDirective, direction, message));
            }
        }
        for intruder in sql::intruders(&script.text) {
            let text = script.text[intruder.range.clone()].lines().next().unwrap_or_default();
            let (kind, message) = match intruder.kind {
                IntruderKind::MetaCommand => {
                    (Kind::PsqlMetaCommand, format!("`{text}` is for psql: no server understands it"))
                }
                IntruderKind::TransactionControl => (
                    Kind::TransactionControl,
                    format!("`{text}` breaks the transaction that the migration runs in"),
                ),
            };
            let excerpt = Excerpt::at_offset(&file, &script.text, intruder.range.start, kind.title());
            findings.push(subject.finding(kind, direction, message).excerpt(excerpt));
        }
        if sql::statements(&sql::without_intruders(&script.text)).is_empty() {
            let (kind, message) = match direction {
                Direction::Up => (Kind::EmptyMigration, "the up holds no statement"),
                Direction::Down => (Kind::CommentOnlyDown, "the down holds no statement"),
            };
            findings.push(subject.finding(kind, direction, message.to_owned()));
        }
    }
    findings
}
