//! `consolidate`: many drafts become one finalized migration, or nothing happens.

use dbmigrate_tests::{Project, shot};

use crate::sets::{LOCK, NICK, ORDERS, USERS};

#[test]
fn drafts_become_one_migration() {
    let project = Project::finalized(&[USERS]).drafts(&[ORDERS, NICK]);
    let ran = project.run(["consolidate", "shopping"]).success();
    let tree = project.tree();
    assert!(!tree.paths().iter().any(|path| path.starts_with("drafts/") && path.ends_with(".sql")), "{ran}");
    shot!(ran);
    assert_eq!(project.read(LOCK).lines().filter(|line| line.starts_with('V')).count(), 2);
    project.run(["verify", "--frozen", "--strict"]).success().unchanged();
}

/// Downs run in the opposite order: the orders refer to the users.
#[test]
fn downs_are_reversed() {
    let project = Project::new().drafts(&[USERS, ORDERS]);
    project.run(["consolidate", "base"]).success();
    let tree = project.tree();
    let down = tree.paths().into_iter().find(|path| path.ends_with("__base.down.sql")).unwrap().to_owned();
    let text = project.read(&down);
    assert!(text.find("DROP TABLE orders").unwrap() < text.find("DROP TABLE users").unwrap(), "{text}");
}

#[test]
fn without_a_name_a_single_draft_keeps_its_own() {
    let project = Project::new().drafts(&[USERS]);
    let ran = project.run(["consolidate"]).success();
    assert!(ran.changes.contains("__create_users.sql"), "{ran}");
}

#[test]
fn no_drafts() {
    let project = Project::finalized(&[USERS]);
    shot!(project.run(["consolidate", "nothing"]).refused("drafts-missing"));
}

/// Two drafts, each right in its own transaction, that are not in one: the enum value is used at once.
#[test]
fn refused_when_the_result_does_not_run() {
    let project =
        Project::finalized(&[("mood", "CREATE TYPE mood AS ENUM ('fine');\n", "DROP TYPE mood;\n")]).drafts(
            &[
                (
                    "great",
                    "ALTER TYPE mood ADD VALUE 'great';\n",
                    "DROP TYPE mood;\nCREATE TYPE mood AS ENUM ('fine');\n",
                ),
                ("people", "CREATE TABLE people (mood mood DEFAULT 'great');\n", "DROP TABLE people;\n"),
            ],
        );
    shot!(project.run(["consolidate", "moods"]).refused("consolidation-unproved"));
}

/// The drafts see two transactions, the result only one.
#[test]
fn refused_when_the_result_differs() {
    let look = "DO $$ BEGIN\n  IF (SELECT first = txid_current() FROM marks) THEN CREATE TABLE same (); ELSE CREATE TABLE other (); END IF;\nEND $$;\n";
    let project = Project::new().drafts(&[
        ("marks", "CREATE TABLE marks AS SELECT txid_current() AS first;\n", "DROP TABLE marks;\n"),
        ("look", look, "DROP TABLE IF EXISTS same, other;\n"),
    ]);
    shot!(project.run(["consolidate", "looks"]).refused("consolidation-differs"));
}

#[test]
fn refused_when_a_draft_does_not_run() {
    let project =
        Project::finalized(&[USERS]).drafts(&[("bad", "CREATE TABLE users ();\n", "DROP TABLE users;\n")]);
    shot!(project.run(["consolidate"]).refused("consolidation-unproved"));
}

#[test]
fn refused_when_the_down_does_not_restore() {
    let project = Project::finalized(&[USERS]).drafts(&[(
        "bad",
        "CREATE TABLE a ();\nCREATE TABLE b ();\n",
        "DROP TABLE a;\n",
    )]);
    shot!(project.run(["consolidate"]).found(["down-differs"]));
}

/// Rows are not compared: a search path of one draft must not send those of the next one elsewhere.
#[test]
fn settings_do_not_reach_the_next_draft() {
    let project = Project::new().drafts(&[
        (
            "tables",
            "CREATE SCHEMA s;\nCREATE TABLE s.t (x int);\nCREATE TABLE public.t (x int);\nSET search_path = s;\n",
            "DROP TABLE public.t;\nDROP TABLE s.t;\nDROP SCHEMA s;\n",
        ),
        ("row", "INSERT INTO t VALUES (1);\n", "DELETE FROM t;\n"),
    ]);
    let ran = project.run(["consolidate", "both"]).success();
    assert!(ran.stdout.contains("2 finalized migrations"), "{ran}");
}
