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
fn since_head_proves_only_the_drafts() {
    let project = Project::finalized(&[USERS]).drafts(&[ORDERS]);
    let ran = project.run(["verify", "--since", "head", "--format", "json"]).success();
    assert_eq!(ran.json()["summary"]["skipped"], 1, "{ran}");
    assert_eq!(ran.json()["summary"]["reversible"], 1, "{ran}");
}

#[test]
fn an_unknown_rule_is_found() {
    let up = "-- dbmigrate: allow colum-order on purpose\nCREATE TABLE a ();\n";
    let project = Project::finalized(&[USERS]).drafts(&[("a", up, "DROP TABLE a;\n")]);
    let ran = project.run(["verify"]).found(["unknown-directive"]);
    assert!(ran.stdout.contains("did you mean `column-order`?"), "{ran}");
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

/// What the proofs of these say, by their ids; a run that cannot tell (exit 2) fails.
fn found(sets: &[crate::sets::Set<'_>]) -> Vec<String> {
    let ran = Project::finalized(sets).run(["verify", "--format", "json", "--timeout", "2s"]);
    assert!(ran.code() < 2, "{ran}");
    ran.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The catalog is read with prepared statements on the same session: a script may throw them away, or add its own.
#[test]
fn prepared_statements_do_not_outlive_a_script() {
    let forgets = ("forgets", "DEALLOCATE ALL;\nCREATE TABLE a ();\n", "DISCARD PLANS;\nDROP TABLE a;\n");
    let discards = ("discards", "-- no-transaction\nDISCARD ALL;\n", "-- no-transaction\nDISCARD ALL;\n");
    let prepares = ("prepares", "PREPARE p AS SELECT 1;\n", "PREPARE p AS SELECT 1;\n");
    let holds = "DECLARE c CURSOR WITH HOLD FOR SELECT 1;\n";
    let sets = [forgets, discards, prepares, ("holds", holds, holds), USERS];
    assert!(found(&sets).is_empty());
}

#[test]
fn a_script_that_ends_its_session() {
    let kill = "SELECT pg_terminate_backend(pg_backend_pid());\n";
    let alone = format!("-- no-transaction\n{kill}");
    let sets = [
        USERS,
        ("a", "CREATE TABLE a ();\n", kill),
        ("b", "-- no-transaction\nCREATE TABLE b ();\n", &*alone),
        NICK,
    ];
    assert_eq!(found(&sets), ["down-fails", "down-fails"]);
}

#[test]
fn a_script_that_ignores_being_cancelled() {
    let deaf = "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;\n";
    let sets = [("deaf", "CREATE TABLE a ();\n", deaf), USERS];
    assert_eq!(found(&sets), ["timeout"]);
}

/// Rows can only come from a client.
#[test]
fn a_copy_without_a_client() {
    let table = "CREATE TABLE a (x int);\n";
    let copies = "-- no-transaction\nSELECT 1;\nCOPY a FROM STDIN\n";
    let sets = [("out", &*format!("{table}COPY a TO STDOUT;\n"), "DROP TABLE a;\n"), USERS];
    let ran = Project::finalized(&sets).run(["verify"]).found(["up-fails"]);
    assert!(ran.stdout.contains("COPY a TO STDOUT;") && ran.stdout.contains("copies rows"), "{ran}");
    assert_eq!(found(&[("a", table, "DROP TABLE a;\n"), ("in", "SELECT 1;\n", copies)]), ["down-fails"]);
}

/// A role belongs to the server: its grants in one database keep it from being dropped in a copy of that.
#[test]
fn roles_are_not_copied() {
    let up =
        "-- no-transaction\nCREATE /* one */ ROLE app;\nCREATE TABLE a (x int);\nGRANT SELECT ON a TO app;\n";
    let down = "-- no-transaction\nDROP TABLE a;\nDROP ROLE app;\n";
    let hidden = "DO $$ BEGIN EXECUTE 'CREATE' || ' ROLE hidden'; END $$;\n";
    let sets = [
        ("role", up, down),
        ("row", "-- no-transaction\nINSERT INTO a VALUES (1);\n", "-- no-transaction\nDELETE FROM a;\n"),
        ("hidden", hidden, "DROP ROLE hidden;\n"),
    ];
    assert!(found(&sets).is_empty());
}

#[test]
fn databases_do_not_outlive_a_proof() {
    let sets = [
        ("other", "-- no-transaction\nCREATE DATABASE other;\n", "-- no-transaction\nDROP DATABASE other;\n"),
        USERS,
    ];
    assert!(found(&sets).is_empty());
}

/// `CREATE DATABASE … TEMPLATE` copies neither the settings of a database nor its grants.
#[test]
fn settings_of_the_database_are_not_copied() {
    let alter = |what: &str| format!("DO $$ BEGIN EXECUTE format('{what}', current_database()); END $$;\n");
    let (set, reset) = (
        alter("ALTER DATABASE %I SET statement_timeout = 1"),
        alter("ALTER DATABASE %I RESET statement_timeout"),
    );
    let (revoke, grant) =
        (alter("REVOKE TEMP ON DATABASE %I FROM PUBLIC"), alter("GRANT TEMP ON DATABASE %I TO PUBLIC"));
    let sets = [
        ("setting", &*set, &*reset),
        ("grant", &*revoke, &*grant),
        USERS,
        (
            "row",
            "-- no-transaction\nINSERT INTO users VALUES (1, 'a');\n",
            "-- no-transaction\nDELETE FROM users;\n",
        ),
    ];
    assert!(found(&sets).is_empty());
}
