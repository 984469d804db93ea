//! `adopt`: other tools' directories come in whole, in their own order, or not at all.

use dbmigrate_tests::{Project, Ran, shot};

const UP: &str = "CREATE TABLE a (id int);\n";
const DOWN: &str = "DROP TABLE a;\n";
const INDEX: &str = "CREATE INDEX CONCURRENTLY a_id ON a (id);\n";
const NO_INDEX: &str = "DROP INDEX CONCURRENTLY a_id;\n";

fn package() -> Project {
    let project = Project::new();
    project.run(["init"]).success();
    project
}

/// Adopts, and proves what came in.
fn adopted(project: &Project, from: &str) -> Ran {
    let ran = project.run(["adopt", "--from", from, "other"]).success();
    project.run(["verify", "--frozen"]).success().unchanged();
    ran
}

/// Diesel ignores the dashes: `2020-01-02-000000` comes after `20200101000000`.
#[test]
fn from_diesel() {
    let project = package();
    project.write("other/2020-01-02-000000_index/up.sql", INDEX);
    project.write("other/2020-01-02-000000_index/down.sql", NO_INDEX);
    project.write("other/2020-01-02-000000_index/metadata.toml", "run_in_transaction = false\n");
    project.write("other/20200101000000_table/up.sql", UP);
    project.write("other/20200101000000_table/down.sql", DOWN);
    project.write("other/2020-01-03-000000_row/up.sql", "INSERT INTO a VALUES (1);\n");
    project.write("other/2020-01-03-000000_row/down.sql", "-- rows stay\n");
    project.write("other/2020-01-04-000000_column/up.sql", "ALTER TABLE a ADD COLUMN b int;\n");
    project.write("other/.keep", "");
    shot!(adopted(&project, "diesel"));
}

#[test]
fn from_sqlx() {
    let project = package();
    project.write("other/20200101000000_table.up.sql", UP);
    project.write("other/20200101000000_table.down.sql", DOWN);
    project.write("other/20200102000000_index.up.sql", format!("-- no-transaction\n{INDEX}"));
    project.write("other/20200102000000_index.down.sql", format!("-- no-transaction\n{NO_INDEX}"));
    project.write("other/20200103000000_simple.sql", "INSERT INTO a VALUES (1);\n");
    shot!(adopted(&project, "sqlx"));
}

#[test]
fn from_refinery() {
    let project = package();
    project.write("other/V1__table.sql", UP);
    project.write("other/V2__column.sql", "ALTER TABLE a ADD COLUMN b int;\n");
    project.write("other/V10__later.sql", "ALTER TABLE a DROP COLUMN b;\n");
    shot!(adopted(&project, "refinery"));
}

#[test]
fn from_dbmate() {
    let project = package();
    project.write("other/20200101000000_table.sql", format!("-- migrate:up\n{UP}\n-- migrate:down\n{DOWN}"));
    project.write(
        "other/20200102000000_index.sql",
        format!("-- migrate:up transaction:false\n{INDEX}\n-- migrate:down transaction:false\n{NO_INDEX}"),
    );
    project.write(
        "other/20200103000000_row.sql",
        "-- migrate:up\nINSERT INTO a VALUES (1);\n\n-- migrate:down\n",
    );
    shot!(adopted(&project, "dbmate"));
}

#[test]
fn what_is_no_such_directory() {
    let project = package();
    shot!(project.run(["adopt", "--from", "diesel", "other"]).unchanged());
    project.write("other/V1__table.sql", UP);
    shot!(project.run(["adopt", "--from", "diesel", "other"]).refused("adopt-source"));
}

#[test]
fn one_bad_file_keeps_all_out() {
    let project = package();
    project.write("other/2020-01-01-000000_table/up.sql", UP);
    project.write("other/2020-01-01-000000_table/down.sql", DOWN);
    project.write("other/2020-01-02-000000_latin/up.sql", b"SELECT 'caf\xe9';\n");
    let ran = project.run(["adopt", "--from", "diesel", "other"]).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr.contains("2020-01-02-000000_latin"), "{ran}");
}

#[test]
fn only_into_an_empty_history() {
    let project = package();
    project.write("other/20200101000000_table.up.sql", UP);
    project.write("other/20200101000000_table.down.sql", DOWN);
    adopted(&project, "sqlx");
    shot!(project.run(["adopt", "--from", "sqlx", "other"]).refused("set-not-empty"));
}

#[test]
fn a_tool_that_nobody_knows() {
    let ran = package().run(["adopt", "--from", "flyway", "other"]).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    for known in ["diesel", "sqlx", "refinery", "dbmate"] {
        assert!(ran.stderr.contains(known), "{ran}");
    }
}
