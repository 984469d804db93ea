//! JUnit XML: one test case per migration, its findings as the failure. What is about no migration of the set gets a
//! case of its own, so that nothing found is lost.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Done, Trouble, human, proof_word};
use crate::problem::{Finding, Severity};
use crate::verify::outcome::{Outcome, Proof};

/// The result of a verification.
pub(super) fn outcome(outcome: &Outcome) -> anyhow::Result<String> {
    let mut suite = TestSuite::new("cargo dbmigrate verify");
    if let Some(server) = &outcome.server {
        suite.add_property(("server", server.as_str()));
    }
    for (name, found) in by_place(outcome) {
        suite.add_test_case(case(&name, &found, None));
    }
    for step in &outcome.steps {
        let found: Vec<_> = outcome
            .findings
            .iter()
            .filter(|finding| finding.migration.as_deref() == Some(step.migration.as_str()))
            .collect();
        let mut case = case(&step.migration, &found, Some(&step.proof));
        case.set_time(step.duration);
        suite.add_test_case(case);
    }
    suite.set_time(outcome.elapsed);
    wrap(suite)
}

/// What a command has done.
pub(super) fn done(done: &Done) -> anyhow::Result<String> {
    let name = format!("cargo dbmigrate {}", done.command);
    let mut suite = TestSuite::new(name.as_str());
    if let Some(server) = &done.server {
        suite.add_property(("server", server.as_str()));
    }
    let found: Vec<_> = done.findings.iter().collect();
    suite.add_test_case(case(&done.headline, &found, None));
    wrap(suite)
}

/// Why a command could not run.
pub(super) fn trouble(trouble: &Trouble<'_>) -> anyhow::Result<String> {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status
        .set_type(trouble.kind.id())
        .set_message(trouble.message.as_str())
        .set_description(plain(&human::trouble(trouble)));
    let mut suite = TestSuite::new("cargo dbmigrate");
    suite.add_test_case(TestCase::new("cargo dbmigrate", status));
    wrap(suite)
}

fn wrap(suite: TestSuite) -> anyhow::Result<String> {
    let mut report = Report::new("cargo dbmigrate");
    report.set_time(suite.time.unwrap_or_default());
    report.add_test_suite(suite);
    Ok(report.to_string()? + "\n")
}

fn case(name: &str, found: &[&Finding], proof: Option<&Proof>) -> TestCase {
    let errors: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let status = match (errors.first(), proof) {
        (Some(first), _) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let text: Vec<_> = errors.iter().map(|finding| plain(&human::finding(finding, true))).collect();
            status
                .set_type(first.kind.id())
                .set_message(first.message.as_str())
                .set_description(text.join("\n"));
            status
        }
        (None, Some(proof @ (Proof::Skipped | Proof::NotReached))) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(proof_word(proof));
            status
        }
        (None, Some(Proof::Failed)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(proof_word(&Proof::Failed));
            status
        }
        (None, _) => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(name, status);
    case.set_classname("dbmigrate");
    let mut notes: Vec<String> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Note)
        .map(|finding| plain(&human::finding(finding, true)))
        .collect();
    if let Some(Proof::Irreversible(reason)) = proof {
        notes.insert(0, format!("declared irreversible: {reason}\n"));
    }
    if !notes.is_empty() {
        case.set_system_out(notes.join("\n"));
    }
    case
}

/// Findings that belong to no migration of the set, by what they name.
fn by_place(outcome: &Outcome) -> Vec<(String, Vec<&Finding>)> {
    let mut places: Vec<(String, Vec<&Finding>)> = Vec::new();
    for finding in &outcome.findings {
        if let Some(name) = &finding.migration
            && outcome.steps.iter().any(|step| step.migration == *name)
        {
            continue;
        }
        let name = match (&finding.migration, &finding.file) {
            (Some(name), _) => name.clone(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => "history".to_owned(),
        };
        match places.iter_mut().find(|(place, _)| *place == name) {
            Some((_, found)) => found.push(finding),
            None => places.push((name, vec![finding])),
        }
    }
    places
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
