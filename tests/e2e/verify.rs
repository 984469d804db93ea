//! `verify` on migrations that are right and on those that are not.

use dbmigrate_tests::{Project, shot};

use crate::sets::{NICK, ORDERS, USERS};

#[test]
fn a_reversible_set() {
    let project = Project::finalized(&[USERS, ORDERS, NICK]);
    shot!(project.run(["verify"]).success().unchanged());
}

#[test]
fn the_step_on_a_pipe_has_no_colours() {
    let project = Project::finalized(&[USERS]);
    let ran = project.run(["verify"]).success();
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    let ran = project.run(["verify", "--color", "always"]).success();
    assert!(ran.stdout.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn a_down_that_fails() {
    let project =
        Project::finalized(&[USERS, ("view", "CREATE VIEW v AS SELECT id FROM users;\n", "DROP TABLE v;\n")]);
    shot!(project.run(["verify"]).found(["down-fails"]));
}

#[test]
fn a_down_that_differs() {
    let up =
        "CREATE TYPE state AS ENUM ('on', 'off');\nCREATE TABLE lamps (id int, state state DEFAULT 'on');\n";
    let project = Project::finalized(&[USERS, ("lamps", up, "DROP TABLE lamps;\n")]);
    shot!(project.run(["verify"]).found(["down-differs"]));
}

#[test]
fn an_up_that_works_once() {
    // The table survives the down as rows do: what the down leaves is no difference of catalogs.
    let project = Project::finalized(&[
        ("numbers", "CREATE TABLE numbers (n int PRIMARY KEY);\n", "DROP TABLE numbers;\n"),
        ("one", "INSERT INTO numbers VALUES (1);\n", "SELECT 1;\n"),
    ]);
    shot!(project.run(["verify"]).found(["up-again-fails"]));
}

#[test]
fn an_up_that_looks_around() {
    let up = "DO $$ BEGIN\n  IF EXISTS (SELECT FROM marks) THEN CREATE TABLE second (); ELSE CREATE TABLE first (); END IF;\nEND $$;\n\
              INSERT INTO marks VALUES (1);\n";
    let project = Project::finalized(&[
        ("marks", "CREATE TABLE marks (n int);\n", "DROP TABLE marks;\n"),
        ("looks", up, "DROP TABLE IF EXISTS first, second;\n"),
    ]);
    shot!(project.run(["verify"]).found(["up-again-differs"]));
}

/// The database goes on from a clean copy: what comes after a failed down is proved too.
#[test]
fn all_findings_in_one_run() {
    let project = Project::finalized(&[
        ("fails", "CREATE TABLE a (id int);\n", "DROP TABLE b;\n"),
        USERS,
        ("differs", "CREATE TABLE c (id int);\nCREATE SEQUENCE s;\n", "DROP TABLE c;\n"),
        NICK,
        ("fails_too", "CREATE INDEX i ON users (nick);\n", "DROP INDEX j;\n"),
    ]);
    let ran = project.run(["verify", "--format", "json"]);
    assert_eq!(ran.code(), 1, "{ran}");
    let json = ran.json();
    let found: Vec<_> =
        json["findings"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(found, ["down-fails", "down-differs", "down-fails"]);
    let proofs: Vec<_> =
        json["migrations"].as_array().unwrap().iter().map(|one| one["proof"].as_str().unwrap()).collect();
    assert_eq!(proofs, ["failed", "reversible", "failed", "reversible", "failed"]);
}

#[test]
fn column_order() {
    let project = Project::finalized(&[
        ("t", "CREATE TABLE t (a int, b int, c int);\n", "DROP TABLE t;\n"),
        ("drop_a", "ALTER TABLE t DROP COLUMN a;\n", "ALTER TABLE t ADD COLUMN a int;\n"),
    ]);
    let ran = project.run(["verify"]).success();
    assert_eq!(ran.ids("note"), ["column-order"], "{ran}");
    shot!(ran);
    project.run(["verify", "--strict"]).found(["column-order"]);
}

#[test]
fn irreversible_migrations_are_barriers() {
    let project = Project::finalized(&[USERS, ORDERS, ("forget", "DROP TABLE orders;\n", ""), NICK]);
    let ran = project.run(["verify", "--format", "json"]).success();
    let json = ran.json();
    let proofs: Vec<_> =
        json["migrations"].as_array().unwrap().iter().map(|one| one["proof"].as_str().unwrap()).collect();
    assert_eq!(proofs, ["reversible", "reversible", "irreversible", "reversible"]);
    let stretches: Vec<_> = json["stretches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["length"].as_u64().unwrap(), one["proved"].as_bool().unwrap()))
        .collect();
    assert_eq!(stretches, [(2, true), (1, true)]);
}

/// Each down is right on its own, after its own up. In one go, the second up's row stands in the first down's way.
#[test]
fn a_stretch_that_fails_in_one_go() {
    let project = Project::finalized(&[
        ("t", "CREATE TABLE t (n int NOT NULL);\n", "DROP TABLE t;\n"),
        ("loosen", "ALTER TABLE t ALTER n DROP NOT NULL;\n", "ALTER TABLE t ALTER n SET NOT NULL;\n"),
        ("row", "INSERT INTO t VALUES (NULL);\n", "SELECT 1;\n"),
    ]);
    shot!(project.run(["verify"]).found(["stretch-down-fails"]));
}

#[test]
fn since_a_version() {
    let project =
        Project::finalized(&[("old", "CREATE TABLE old ();\n", "DROP TABLE older;\n"), USERS, ORDERS]);
    project.run(["verify"]).found(["down-fails"]);
    let ran = project.run(["verify", "--since", "20200101000001", "--format", "json"]).success();
    let json = ran.json();
    let proofs: Vec<_> =
        json["migrations"].as_array().unwrap().iter().map(|one| one["proof"].as_str().unwrap()).collect();
    assert_eq!(proofs, ["skipped", "reversible", "reversible"]);
    shot!(project.run(["verify", "--since", "nothing-like-it"]).refused("unknown-since"));
}

#[test]
fn since_a_revision() {
    let project = Project::finalized(&[("old", "CREATE TABLE old ();\n", "DROP TABLE older;\n")]);
    project.git(["init", "-q", "-b", "main"]);
    project.git(["add", "."]);
    project.git(["commit", "-q", "-m", "one"]);
    project.git(["checkout", "-q", "-b", "feature"]);
    let project = project.drafts(&[USERS]);
    project.run(["consolidate", "users"]).success();
    let ran = project.run(["verify", "--since", "main", "--format", "json"]).success();
    assert_eq!(ran.json()["summary"]["reversible"], 1, "{ran}");
    assert_eq!(ran.json()["summary"]["skipped"], 1, "{ran}");
    project.run(["verify"]).found(["down-fails"]);
}

#[test]
fn drafts_are_proved_but_not_when_frozen() {
    let project = Project::finalized(&[USERS]).drafts(&[ORDERS]);
    let ran = project.run(["verify", "--format", "json"]).success().unchanged();
    assert_eq!(ran.json()["summary"]["reversible"], 2, "{ran}");
    shot!(project.run(["verify", "--frozen"]).found(["draft-present"]));
}

#[test]
fn a_new_enum_value_that_is_used_at_once() {
    let up = "CREATE TYPE mood AS ENUM ('fine');\nCREATE TABLE people (mood mood);\n";
    let late = "ALTER TYPE mood ADD VALUE 'great';\nINSERT INTO people VALUES ('great');\n";
    let project =
        Project::finalized(&[("mood", up, "DROP TABLE people;\nDROP TYPE mood;\n"), ("great", late, "")]);
    let ran = project.run(["verify"]).found(["up-fails"]);
    assert!(ran.stdout.contains("55P04"), "{ran}");
    let project = Project::finalized(&[
        ("mood", up, "DROP TABLE people;\nDROP TYPE mood;\n"),
        ("great", &format!("-- no-transaction\n{late}"), ""),
    ]);
    project.run(["verify"]).success();
}

#[test]
fn a_concurrent_index() {
    let up = "-- no-transaction\nCREATE INDEX CONCURRENTLY users_email ON users (email);\nCREATE INDEX CONCURRENTLY users_id ON users (id, email);\n";
    let down = "DROP INDEX CONCURRENTLY users_id;\nDROP INDEX CONCURRENTLY users_email;\n";
    let project = Project::finalized(&[USERS, ("index", up, down), NICK]);
    project.run(["verify"]).success();
    assert!(project.read(crate::sets::LOCK).contains("up-no-transaction="));
}

/// In a transaction the server refuses it.
#[test]
fn a_concurrent_index_that_does_not_say_so() {
    let up = "CREATE INDEX CONCURRENTLY users_email ON users (email);\n";
    let project = Project::finalized(&[USERS, ("index", up, "DROP INDEX users_email;\n")]);
    let ran = project.run(["verify"]).found(["up-fails"]);
    assert!(ran.stdout.contains("25001"), "{ran}");
}
