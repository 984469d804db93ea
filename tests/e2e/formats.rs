//! The same outcome in every format; `explain`.

use dbmigrate_tests::{Project, shot};
use serde_json::{Value, json};

use crate::sets::{FIRST_DOWN, NICK, ORDERS, USERS};

fn mixed() -> Project {
    Project::finalized(&[
        USERS,
        ("forget", "DELETE FROM users;\n", ""),
        ORDERS,
        ("differs", "CREATE TABLE \"a|b <&> c\" ();\nCREATE SEQUENCE s;\n", "DROP TABLE \"a|b <&> c\";\n"),
        ("fails", "CREATE TABLE t ();\n", "DROP TABLE u;\n"),
        NICK,
    ])
}

/// The names of the fields and the types of their values, as docs/json.md has them.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(list) => list.first().map_or(json!([]), |first| json!([shape(first)])),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
    }
}

#[test]
fn json_has_its_shape() {
    let ran = mixed().run(["verify", "--format", "json"]);
    assert_eq!(ran.code(), 1, "{ran}");
    let json = ran.json();
    assert_eq!(
        (&json["version"], &json["command"], &json["ok"]),
        (&json!(1), &json!("verify"), &json!(false))
    );
    assert_eq!(json["summary"]["migrations"], 6);
    assert_eq!(json["summary"]["findings"], 2);
    let text = serde_json::to_string_pretty(&shape(&json)).unwrap();
    insta::assert_snapshot!(text);
    let fine = Project::finalized(&[USERS]).run(["verify", "--format", "json"]).success().json();
    assert_eq!(fine["ok"], true);
}

#[test]
fn json_of_what_could_not_run() {
    let ran = Project::without_manifest().run(["verify", "--format", "json"]);
    assert_eq!(ran.code(), 2, "{ran}");
    assert_eq!(ran.json()["error"]["id"], "no-project", "{ran}");
    assert_eq!(ran.json()["version"], 1, "{ran}");
}

#[test]
fn json_of_what_was_done() {
    let project = Project::finalized(&[USERS]).drafts(&[ORDERS]);
    let ran = project.run(["consolidate", "--format", "json"]);
    assert_eq!(ran.code(), 0, "{ran}");
    let json = ran.json();
    assert_eq!((&json["command"], &json["ok"]), (&json!("consolidate"), &json!(true)));
    let whats: Vec<_> =
        json["items"].as_array().unwrap().iter().map(|item| item["what"].as_str().unwrap()).collect();
    assert!(whats.contains(&"created") && whats.contains(&"removed"), "{ran}");
}

/// Well-formed, and what the counts say is what is there.
#[test]
fn junit_is_well_formed() {
    let ran = mixed().run(["verify", "--format", "junit"]);
    assert_eq!(ran.code(), 1, "{ran}");
    let mut reader = quick_xml::Reader::from_str(&ran.stdout);
    reader.config_mut().check_end_names = true;
    let (mut depth, mut cases, mut failures) = (0, 0, 0);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}:\n{ran}")) {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) => {
                depth += 1;
                cases += usize::from(tag.name().as_ref() == b"testcase");
                failures += usize::from(tag.name().as_ref() == b"failure");
                tag.attributes().for_each(|attribute| drop(attribute.unwrap()));
            }
            quick_xml::events::Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == b"testcase");
                failures += usize::from(tag.name().as_ref() == b"failure");
            }
            quick_xml::events::Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{ran}");
    assert!(cases >= 6, "{ran}");
    assert_eq!(failures, 2, "{ran}");
}

#[test]
fn github_annotates_lines() {
    let ran = mixed().run(["verify", "--format", "github"]);
    assert_eq!(ran.code(), 1, "{ran}");
    let errors: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 2, "{ran}");
    for line in &errors {
        let (properties, message) = line.strip_prefix("::error ").unwrap().split_once("::").unwrap();
        assert!(properties.contains("file=migrations/V2020010100000"), "{line}");
        assert!(!message.is_empty(), "{line}");
    }
    assert!(errors.iter().any(|line| line.contains("line=1")), "{ran}");
    shot!(ran);
}

#[test]
fn markdown_for_a_pull_request() {
    let ran = mixed().run(["verify", "--format", "markdown"]);
    assert_eq!(ran.code(), 1, "{ran}");
    shot!(ran);
}

#[test]
fn explain_knows_every_id_that_is_reported() {
    let project = Project::finalized(&[USERS]);
    project.remove(FIRST_DOWN);
    let [id] = project.run(["verify"]).found(["file-removed"]).ids("error").try_into().unwrap();
    shot!(project.run(["explain", &id]).success().unchanged());
}

#[test]
fn explain_without_a_project_and_without_an_id() {
    let ran = Project::without_manifest().run(["explain"]).success();
    for id in ["down-differs", "lock-conflict", "server-unavailable", "interrupted"] {
        assert!(ran.stdout.lines().any(|line| line.starts_with(id)), "{ran}");
    }
    let json =
        Project::without_manifest().run(["explain", "down-differs", "--format", "json"]).success().json();
    assert_eq!(json["problems"][0]["id"], "down-differs");
    shot!(Project::without_manifest().run(["explain", "down-difers"]).refused("unknown-id"));
}
