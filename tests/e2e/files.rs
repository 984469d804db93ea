//! Files that are not as they must be: every one named, nothing changed.

use dbmigrate_tests::{Project, shot};

use crate::sets::{FIRST, FIRST_DOWN, NICK, ORDERS, SECOND, SECOND_DOWN, USERS};

fn two() -> Project {
    Project::finalized(&[USERS, ORDERS])
}

#[test]
fn no_migrations_directory() {
    let project = Project::new();
    shot!(project.run(["verify"]).refused("no-migrations-directory"));
}

#[test]
fn no_migrations_yet() {
    let project = Project::new();
    project.run(["init"]).success();
    shot!(project.run(["verify"]).success().unchanged());
}

#[test]
fn bad_names() {
    let project = two();
    for name in ["V2020__short.sql", "V20200102000000_one_underscore.sql", "v20200102000000__lower.sql"] {
        project.write(&format!("migrations/{name}"), "SELECT 1;\n");
    }
    for name in ["V20200102000000__Upper.sql", "V20200102000000__dash-es.sql"] {
        project.write(&format!("migrations/{name}"), "SELECT 1;\n");
    }
    shot!(project.run(["verify"]).found(["bad-name"; 5]));
}

#[test]
fn duplicate_versions() {
    let project = two();
    project.write("migrations/V20200101000002__other.sql", "CREATE TABLE other ();\n");
    project.write("migrations/V20200101000002__other.down.sql", "DROP TABLE other;\n");
    let ran = project.run(["verify"]).unchanged();
    assert_eq!(ran.code(), 1);
    assert!(ran.ids("error").contains(&"duplicate-version".to_owned()), "{ran}");
    shot!(ran);
}

#[test]
fn a_down_without_its_up() {
    let project = two();
    project.write("migrations/V20200102000000__lost.down.sql", "DROP TABLE lost;\n");
    shot!(project.run(["verify"]).found(["down-without-up"]));
}

#[test]
fn an_up_without_its_down() {
    let project = Project::new().drafts(&[("one", "CREATE TABLE one ();\n", "")]);
    shot!(project.run(["consolidate"]).refused("down-missing"));
}

#[test]
fn unknown_files() {
    let project = two();
    project.write("migrations/notes.txt", "remember the milk\n");
    project.write("migrations/old/V1__x.sql", "SELECT 1;\n");
    shot!(project.run(["verify"]).found(["unknown-file", "unknown-file"]));
}

#[test]
fn directives_that_are_none() {
    let project = Project::new().drafts(&[
        ("unknown", "-- dbmigrate: no-transactoin\nCREATE TABLE a ();\n", "DROP TABLE a;\n"),
        ("no_reason", "-- dbmigrate: irreversible\nCREATE TABLE b ();\n", ""),
        ("too_late", "CREATE TABLE c ();\n-- dbmigrate: no-transaction\n", "DROP TABLE c;\n"),
    ]);
    shot!(project.run(["verify"]).found(["unknown-directive", "bad-directive", "misplaced-directive"]));
    project.run(["consolidate"]).refused("unknown-directive");
}

#[test]
fn not_utf8() {
    let project = Project::new().drafts(&[USERS]);
    project.write("drafts/20200601000002__latin.sql", b"CREATE TABLE caf\xe9 ();\n");
    project.write("drafts/20200601000002__latin.down.sql", "DROP TABLE x;\n");
    shot!(project.run(["verify"]).found(["not-utf8"]));
    project.run(["consolidate"]).refused("not-utf8");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_no_hash() {
    let project = two();
    for path in [FIRST, FIRST_DOWN, SECOND, SECOND_DOWN] {
        project.edit(path, |text| format!("\u{feff}{}", text.replace('\n', "\r\n")));
    }
    let ran = project.run(["verify"]).success().unchanged();
    assert!(ran.ids("error").is_empty() && ran.ids("note").is_empty(), "{ran}");
}

#[test]
fn empty_files() {
    let project = Project::new().drafts(&[
        ("nothing", "", "DROP TABLE IF EXISTS x;\n"),
        ("only_comments", "CREATE TABLE y ();\n", "-- nothing to do\n"),
    ]);
    let ran = project.run(["verify"]).unchanged();
    assert_eq!(ran.code(), 1);
    for id in ["empty-migration", "comment-only-down"] {
        assert!(ran.ids("error").contains(&id.to_owned()), "{ran}");
    }
    shot!(ran);
    assert_eq!(project.run(["consolidate"]).unchanged().code(), 1);
}

#[test]
fn an_sql_error_has_its_place() {
    let up = "CREATE TABLE good (id int);\nCREATE TABLE bad (\n    ä text,\n    owner bigint REFERENCES nobody (id)\n);\n";
    let project = Project::finalized(&[USERS, ("bad", up, "DROP TABLE bad, good;\n"), NICK]);
    let ran = project.run(["verify"]).found(["up-fails"]);
    assert!(ran.stdout.contains("V20200101000002__bad.sql"), "{ran}");
    shot!(ran);
}

#[test]
fn an_sql_error_has_its_line_and_column() {
    let up = "CREATE TABLE good (id int);\nSELECT 'ä', missing FROM good;\n";
    let project = Project::finalized(&[USERS, ("bad", up, "DROP TABLE good;\n")]);
    let ran = project.run(["verify"]).found(["up-fails"]);
    assert!(ran.stdout.contains("V20200101000002__bad.sql:2:13"), "{ran}");
    assert!(ran.stdout.lines().any(|line| line.contains("^ ") && line.contains("missing")), "{ran}");
    shot!(ran);
}

#[test]
fn a_migration_that_never_ends() {
    let project = Project::finalized(&[USERS, ("sleep", "SELECT pg_sleep(600);\n", "SELECT 1;\n"), NICK]);
    let ran = project.run(["verify", "--timeout", "1s"]).found(["timeout"]);
    shot!(ran);
}

#[test]
fn psql_commands_and_transaction_control() {
    let project = Project::finalized(&[
        ("meta", "\\set ON_ERROR_STOP on\nCREATE TABLE a ();\n", "DROP TABLE a;\n"),
        ("bare", "BEGIN;\nCREATE TABLE b ();\nCOMMIT;\n", "DROP TABLE b;\n"),
    ]);
    let ran = project.run(["verify"]).unchanged();
    assert_eq!(ran.code(), 1);
    for id in ["psql-meta-command", "transaction-control"] {
        assert!(ran.ids("error").contains(&id.to_owned()), "{ran}");
    }
    shot!(ran);
}
