//! The shape of every format, as files to look at.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use insta::assert_snapshot;

use super::{Explained, Trouble, fixture, github, human, json, junit, markdown};
use crate::problem::{Finding, Kind};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn for_people() {
    assert_snapshot!("human-outcome", plain(&human::outcome(&fixture::outcome(), false)));
    assert_snapshot!("human-verbose", plain(&human::outcome(&fixture::fine(), true)));
    assert_snapshot!("human-done", plain(&human::done(&fixture::done(), false)));
    assert_snapshot!("human-trouble", plain(&human::trouble(&Trouble::of(&fixture::refused()))));
    assert_snapshot!("human-explained", plain(&human::explained(&Explained::One(Kind::DownDiffers))));
}

#[test]
fn as_json() {
    assert_snapshot!("json-outcome", json::outcome(&fixture::outcome()).unwrap());
    assert_snapshot!("json-done", json::done(&fixture::done()).unwrap());
    assert_snapshot!("json-trouble", json::trouble(&Trouble::of(&fixture::refused())).unwrap());
    assert_snapshot!("json-explained", json::explained(&Explained::One(Kind::DownDiffers)).unwrap());
}

#[test]
fn as_junit() {
    assert_snapshot!("junit-outcome", junit::outcome(&fixture::outcome()).unwrap());
    assert_snapshot!("junit-done", junit::done(&fixture::done()).unwrap());
    assert_snapshot!("junit-trouble", junit::trouble(&Trouble::of(&fixture::refused())).unwrap());
}

#[test]
fn as_annotations() {
    assert_snapshot!("github-outcome", github::outcome(&fixture::outcome()));
    assert_snapshot!("github-trouble", github::trouble(&Trouble::of(&fixture::refused())));
}

#[test]
fn as_markdown() {
    assert_snapshot!("markdown-outcome", markdown::outcome(&fixture::outcome()));
    assert_snapshot!("markdown-trouble", markdown::trouble(&Trouble::of(&fixture::refused())));
    assert_snapshot!("markdown-done", markdown::done(&fixture::done()));
}

#[test]
fn the_documented_json_is_the_json() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md");
    let page = std::fs::read_to_string(path).unwrap();
    for text in [
        json::outcome(&fixture::outcome()).unwrap(),
        json::done(&fixture::done()).unwrap(),
        json::trouble(&Trouble::of(&fixture::refused())).unwrap(),
    ] {
        assert!(page.contains(&format!("```json\n{text}```")), "docs/json.md does not show\n{text}");
    }
}

#[test]
fn a_long_difference_is_cut_and_counted() {
    let line =
        crate::snapshot::DiffLine { sign: crate::snapshot::Sign::Added, depth: 0, text: "table t".into() };
    let cut = plain(&human::difference(&vec![line.clone(); 100], 40));
    assert_eq!(cut.matches("table t").count(), 40);
    assert!(cut.contains("… 60 more lines"), "{cut}");
    let whole = plain(&human::difference(&vec![line; 42], 40));
    assert_eq!(whole.matches("table t").count(), 42);
    assert!(!whole.contains("more lines"));
}

#[test]
fn an_unknown_error_is_internal_and_keeps_its_causes() {
    let error = anyhow::anyhow!("the root").context("in the middle").context("at the top");
    let trouble = Trouble::of(&error);
    assert_eq!(trouble.kind, Kind::Internal);
    assert_eq!(trouble.message, "at the top");
    assert_eq!(trouble.causes, ["in the middle", "the root"]);
}

#[test]
fn many_notes_become_a_list_unless_all_is_asked_for() {
    let mut outcome = fixture::fine();
    outcome.findings = (1..=25)
        .map(|n| Finding::note(Kind::ColumnOrder, "moved").migration(format!("V{n}__x")))
        .chain([Finding::note(Kind::UnmodelledObject, "a cast")])
        .collect();
    let short = plain(&human::outcome(&outcome, false));
    assert_eq!(short.matches("note[column-order]").count(), 1);
    assert_eq!(short.matches("moved").count(), 20);
    assert!(short.contains("25 times") && short.contains("… 5 more") && short.contains("a cast"), "{short}");
    assert!(short.contains("no findings") && short.contains("26 notes"), "{short}");
    let long = plain(&human::outcome(&outcome, true));
    assert_eq!(long.matches("note[column-order]").count(), 25);
}
