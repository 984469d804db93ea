//! Annotations of GitHub Actions: one workflow command per finding, then one with the summary.

use std::fmt::Write as _;
use std::path::Path;

use super::{Done, Trouble, human, summary};
use crate::problem::{Excerpt, Finding, Severity};
use crate::verify::outcome::Outcome;

/// Annotations are cut off by GitHub when they grow too long.
const DIFFERENCE_LINES: usize = 40;

/// The result of a verification.
pub(super) fn outcome(outcome: &Outcome) -> String {
    findings(&outcome.findings) + &command("notice", None, None, "cargo dbmigrate verify", &summary(outcome))
}

/// What a command has done.
pub(super) fn done(done: &Done) -> String {
    let title = format!("cargo dbmigrate {}", done.command);
    findings(&done.findings) + &command("notice", None, None, &title, &done.headline)
}

/// Why a command could not run.
pub(super) fn trouble(trouble: &Trouble<'_>) -> String {
    let mut text = trouble.message.clone();
    for cause in &trouble.causes {
        let _ = write!(text, "\ncaused by: {cause}");
    }
    for hint in &trouble.hints {
        let _ = write!(text, "\nhint: {hint}");
    }
    let place = trouble.excerpts.first().copied();
    command("error", place.map(|place| place.file.as_path()), place, trouble.kind.id(), &text)
}

fn findings(findings: &[Finding]) -> String {
    findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Note => "notice",
    };
    let title = match &finding.migration {
        Some(migration) => format!("{}: {migration}", finding.kind),
        None => finding.kind.to_string(),
    };
    let mut text = finding.message.clone();
    if let Some(excerpt) = &finding.excerpt {
        if !text.contains(&excerpt.message) {
            let _ = write!(text, "\n{}", excerpt.message);
        }
        for (name, said) in [
            ("sqlstate", &excerpt.sqlstate),
            ("detail", &excerpt.detail),
            ("hint", &excerpt.hint),
            ("context", &excerpt.context),
        ] {
            if let Some(said) = said {
                let _ = write!(text, "\n{name}: {said}");
            }
        }
    }
    if let Some(diff) = &finding.diff {
        let lines = diff.lines();
        for line in lines.iter().take(DIFFERENCE_LINES) {
            let _ = write!(text, "\n{line}");
        }
        if lines.len() > DIFFERENCE_LINES {
            let _ = write!(text, "\n… {} more lines", lines.len() - DIFFERENCE_LINES);
        }
    }
    let file = finding.excerpt.as_ref().map(|place| place.file.as_path()).or(finding.file.as_deref());
    command(level, file, finding.excerpt.as_ref(), &title, &text)
}

fn command(level: &str, file: Option<&Path>, place: Option<&Excerpt>, title: &str, text: &str) -> String {
    let mut out = format!("::{level} ");
    if let Some(file) = file {
        let _ = write!(out, "file={},", property(&file.display().to_string()));
    }
    if let Some((line, column)) = place.and_then(|place| place.place) {
        let _ = write!(out, "line={line},col={column},");
    }
    let _ = writeln!(out, "title={}::{}", property(title), data(&human::clean(text)));
    out
}

/// Escapes the text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn what_has_a_meaning_is_escaped() {
        assert_eq!(data("100%: a,\r\nb"), "100%25: a,%0D%0Ab");
        assert_eq!(property("100%: a,\nb"), "100%25%3A a%2C%0Ab");
    }
}
