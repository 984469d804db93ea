//! Input that cannot be used: each is told by a typed error with a hint, and nothing changes.

use std::fs;

use super::*;
use dbmigrate_tests::directory;

/// The history table's columns, as the engine makes them.
const COLUMNS: &str = "version int8 PRIMARY KEY, name varchar(255) NOT NULL, applied_on varchar(255) NOT NULL, \
    checksum varchar(255) NOT NULL, up_sha256 text, down_sql text, down_statements text, irreversible text, state text, \
    statement int4, witness text, duration_ms int8, applied_by text, tool text, format int4, draft bool";

/// Other tools' histories, by the statements that they make them with, with a row each.
const OTHERS: [(&str, &str); 6] = [
    (
        "refinery's history",
        "CREATE TABLE IF NOT EXISTS dbmigrate_history(version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), \
         checksum VARCHAR(255)); INSERT INTO dbmigrate_history VALUES (1, 'initial', '2026-01-01T00:00:00Z', '123');",
    ),
    (
        "sqlx's history",
        "CREATE TABLE IF NOT EXISTS dbmigrate_history (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
         installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, \
         execution_time BIGINT NOT NULL); INSERT INTO dbmigrate_history VALUES (1, 'initial', now(), true, '\\x00', 1);",
    ),
    (
        "diesel's history",
        "CREATE TABLE IF NOT EXISTS dbmigrate_history (version VARCHAR(50) PRIMARY KEY NOT NULL, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP); INSERT INTO dbmigrate_history VALUES ('20260101000000');",
    ),
    (
        "sea-orm's history",
        "CREATE TABLE IF NOT EXISTS dbmigrate_history (version varchar NOT NULL, applied_at bigint NOT NULL, PRIMARY KEY (version)); \
         INSERT INTO dbmigrate_history VALUES ('m20260101_000000_initial', 1);",
    ),
    (
        "Alembic's history",
        "CREATE TABLE dbmigrate_history (version_num VARCHAR(32) NOT NULL, \
         CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)); INSERT INTO dbmigrate_history VALUES ('1975ea83b712');",
    ),
    (
        "Flyway's history",
        "CREATE TABLE dbmigrate_history (installed_rank INT NOT NULL, version VARCHAR(50), description VARCHAR(200) NOT NULL, \
         type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INTEGER, installed_by VARCHAR(100) NOT NULL, \
         installed_on TIMESTAMP NOT NULL DEFAULT now(), execution_time INTEGER NOT NULL, success BOOLEAN NOT NULL, \
         CONSTRAINT flyway_pk PRIMARY KEY (installed_rank)); \
         INSERT INTO dbmigrate_history VALUES (1, '1', 'initial', 'SQL', 'V1__initial.sql', 1, 'app', now(), 1, true);",
    ),
];

/// Runs a replica on a database with this in it; it must refuse, say this, and change nothing.
async fn refuses(cluster: &Cluster, given: &str, id: &str, says: &str) {
    for command in ["upgrade", "downgrade", "stamp"] {
        let admin = cluster.connect("postgres").await;
        admin.batch_execute("DROP DATABASE IF EXISTS a WITH (FORCE)").await.unwrap();
        let url = cluster.database("a").await;
        let client = cluster.connect("a").await;
        client.batch_execute(given).await.unwrap();
        let before = picture(cluster, "a").await;
        let set = directory(&[("first", "CREATE TABLE first ();", "DROP TABLE first;")]);
        let option = if command == "downgrade" { "base" } else { "head" };
        let ended = replica(&url, set.path()).option("target", option).start(command).end().await;
        if command == "downgrade" && ended.code == Some(0) {
            // An empty history has nothing to revert; that was read, not written.
            assert_eq!(ended.lines, [""; 0], "{given}");
        } else {
            let text = ended.failed(id);
            assert!(text.contains(says), "{given}\n{text}");
        }
        assert_eq!(picture(cluster, "a").await, before, "{given}");
        assert_eq!(locks(&client).await, 0);
    }
}

#[tokio::test]
async fn histories_of_others_are_named() {
    let cluster = Cluster::start().await;
    for (whose, ddl) in OTHERS {
        refuses(&cluster, ddl, "foreign-history", whose).await;
    }
}

#[tokio::test]
async fn what_is_no_table_is_named() {
    let cluster = Cluster::start().await;
    let fields = "SELECT 1::int8 AS x";
    let real = format!("CREATE TABLE real ({COLUMNS});");
    let server = "CREATE EXTENSION postgres_fdw; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw; ";
    let foreign = COLUMNS.replace(" PRIMARY KEY", "");
    let cases = [
        (format!("CREATE VIEW dbmigrate_history AS {fields}"), "a view"),
        (format!("CREATE MATERIALIZED VIEW dbmigrate_history AS {fields}"), "a materialized view"),
        ("CREATE SEQUENCE dbmigrate_history".to_owned(), "a sequence"),
        (format!("{server} CREATE FOREIGN TABLE dbmigrate_history (x int8) SERVER other"), "a foreign table"),
        ("CREATE TABLE other (x int); CREATE INDEX dbmigrate_history ON other (x)".to_owned(), "an index"),
        ("CREATE TYPE dbmigrate_history AS (x int)".to_owned(), "a type"),
        // These have all our columns.
        (format!("{real} CREATE VIEW dbmigrate_history AS SELECT * FROM real"), "a view"),
        (
            format!("{real} CREATE MATERIALIZED VIEW dbmigrate_history AS SELECT * FROM real"),
            "a materialized view",
        ),
        (format!("{real} CREATE TYPE dbmigrate_history AS ENUM ('x')"), "a type"),
    ];
    for (given, says) in cases {
        refuses(&cluster, &given, "foreign-history", says).await;
    }
    // Read over a loop to the real one.
    let given = format!(
        "{real} {server} ALTER SERVER other OPTIONS (host '127.0.0.1', port '{}', dbname 'a'); \
         CREATE USER MAPPING FOR postgres SERVER other OPTIONS (user 'postgres'); \
         CREATE FOREIGN TABLE dbmigrate_history ({foreign}) SERVER other OPTIONS (table_name 'real')",
        cluster.port()
    );
    refuses(&cluster, &given, "foreign-history", "a foreign table").await;
}

#[tokio::test]
async fn a_table_with_other_types_is_named() {
    let cluster = Cluster::start().await;
    for (column, other) in [
        ("version int8", "version text"),
        ("statement int4", "statement text"),
        ("draft bool", "draft text"),
        ("format int4", "format text"),
        ("up_sha256 text", "up_sha256 bytea"),
        ("duration_ms int8", "duration_ms interval"),
    ] {
        let columns = COLUMNS.replace(column, other);
        assert_ne!(columns, COLUMNS);
        let given = format!("CREATE TABLE dbmigrate_history ({columns})");
        refuses(&cluster, &given, "foreign-history", column.split(' ').next().unwrap()).await;
    }
    // A row that nobody of ours wrote.
    let given = format!(
        "CREATE TABLE dbmigrate_history ({COLUMNS}); INSERT INTO dbmigrate_history (version, name, applied_on, checksum) \
         VALUES (20260101120000, 'first', '', '')"
    );
    refuses(&cluster, &given, "foreign-history", "no format in the row of version `20260101120000`").await;
}

#[tokio::test]
async fn a_newer_format_is_left_alone() {
    let cluster = Cluster::start().await;
    let row = "INSERT INTO dbmigrate_history (version, name, applied_on, checksum, tool, format) \
         VALUES (20260101120000, 'first', '', '', 'dbmigrate 9.1.0', 7)";
    let given = format!("CREATE TABLE dbmigrate_history ({COLUMNS}, more text); {row}");
    refuses(&cluster, &given, "newer-history", "written by dbmigrate 9.1.0").await;
    // A format that no longer has all of our columns.
    let columns = COLUMNS.replace("witness text, ", "").replace("up_sha256 text", "up_hash text");
    let given = format!("CREATE TABLE dbmigrate_history ({columns}); {row}");
    refuses(&cluster, &given, "newer-history", "written by dbmigrate 9.1.0").await;
}

#[tokio::test]
async fn a_role_without_rights_is_told_which() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let admin = cluster.connect("a").await;
    admin
        .batch_execute("CREATE ROLE app LOGIN; CREATE SCHEMA mine AUTHORIZATION app; CREATE SCHEMA closed")
        .await
        .unwrap();
    let url = format!("postgres://app@127.0.0.1:{}/a", cluster.port());
    let set = directory(&[("first", "CREATE TABLE mine.first ();", "DROP TABLE mine.first;")]);
    let one = replica(&url, set.path());
    let refused = async |table: &str, command: &str, id: &str, says: &str| {
        let before = picture(&cluster, "a").await;
        let ended = one.clone().option("history-table", table).start(command).end().await;
        let text = ended.failed(id).to_owned();
        assert!(text.contains(says), "{text}");
        assert_eq!(picture(&cluster, "a").await, before);
        assert_eq!(locks(&admin).await, 0);
    };
    refused("public.h", "upgrade", "not-permitted", "create the history table `public.h`").await;
    refused("nowhere.h", "upgrade", "no-schema", "`nowhere`").await;
    refused("closed.h", "upgrade", "not-permitted", "closed").await;
    admin.batch_execute(&format!("CREATE TABLE public.h ({COLUMNS})")).await.unwrap();
    refused("public.h", "upgrade", "not-permitted", "read the history").await;
    refused("public.h", "status", "not-permitted", "read the history").await;
    admin.batch_execute("GRANT SELECT ON public.h TO app").await.unwrap();
    one.clone().option("history-table", "public.h").start("status").end().await.fine();
    refused("public.h", "upgrade", "not-permitted", "write the history").await;
    refused("public.h", "stamp", "not-permitted", "write the history").await;
    // Rights on the table are enough: it need not be able to create it.
    admin.batch_execute("GRANT INSERT, UPDATE, DELETE ON public.h TO app").await.unwrap();
    for command in ["upgrade", "downgrade", "upgrade"] {
        let ended = one.clone().option("history-table", "public.h").start(command).end().await.fine();
        assert_eq!(ended.ran().len(), 1);
    }
    // Without the right, a migration's own failure is told as what it is.
    let broken = directory(&[("broken", "CREATE TABLE closed.x ();", "SELECT 1;")]);
    let ended = replica(&url, broken.path()).option("history-table", "mine.h").upgrade().await;
    assert!(ended.failed("sql").contains("permission denied for schema closed (42501)"), "{ended:?}");
}

#[tokio::test]
async fn other_encodings_are_refused() {
    let cluster = Cluster::start().await;
    let admin = cluster.connect("postgres").await;
    let set = directory(&[("first", "CREATE TABLE first ();", "DROP TABLE first;")]);
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let create = format!("CREATE DATABASE b TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        admin.batch_execute(&create).await.unwrap();
        let before = picture(&cluster, "b").await;
        for command in ["upgrade", "stamp"] {
            let ended = replica(&cluster.url("b"), set.path()).start(command).end().await;
            assert!(ended.failed("bad-encoding").contains(encoding), "{ended:?}");
        }
        assert_eq!(picture(&cluster, "b").await, before);
        admin.batch_execute("DROP DATABASE b WITH (FORCE)").await.unwrap();
    }
}

#[tokio::test]
async fn files_that_do_not_fit_the_lock_reach_no_database() {
    // Nobody listens there: a database that is asked would be another error.
    let url = format!("postgres://postgres@127.0.0.1:{}/a", dbmigrate_tests::free_port());
    let (a, b) = (
        ("one", "CREATE TABLE one ();", "DROP TABLE one;"),
        ("two", "CREATE TABLE two ();", "DROP TABLE two;"),
    );
    let tampered = async |how: &dyn Fn(&std::path::Path), says: &str| {
        let set = directory(&[a, b]);
        how(set.path());
        let ended = replica(&url, set.path()).upgrade().await;
        let text = ended.failed("bad-set");
        assert!(text.contains(says), "{says}: {text}");
    };
    let lock = |path: &std::path::Path, change: &dyn Fn(String) -> String| {
        let path = path.join("dbmigrate.lock");
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    };
    let (first, second) = ("V20260101120000__one.sql", "V20260102120000__two.sql");
    tampered(&|path| fs::write(path.join(first), "DROP TABLE one;").unwrap(), "was edited").await;
    tampered(&|path| fs::remove_file(path.join(second)).unwrap(), "V20260102120000__two").await;
    tampered(&|path| fs::remove_file(path.join("dbmigrate.lock")).unwrap(), "no `dbmigrate.lock`").await;
    tampered(&|path| fs::write(path.join("V20260101120000__same.sql"), "").unwrap(), "have the same version")
        .await;
    tampered(&|path| fs::write(path.join("V20260103120000__more.sql"), "").unwrap(), "is not in the lock")
        .await;
    tampered(&|path| fs::write(path.join("notes.txt"), "").unwrap(), "`notes.txt`").await;
    tampered(&|path| fs::write(path.join(first), [0xff, 0xfe]).unwrap(), "UTF-8").await;
    tampered(&|path| fs::write(path.join(first), "-- dbmigrate: frobnicate\n").unwrap(), "frobnicate").await;
    tampered(&|path| lock(path, &|text| text.replace("V20260102120000__two", "V20260102120000__too")), "`")
        .await;
    tampered(
        &|path| lock(path, &|text| text.lines().rev().map(|line| format!("{line}\n")).collect()),
        "`dbmigrate.lock`",
    )
    .await;
    tampered(
        &|path| {
            lock(path, &|text| {
                let mut lines: Vec<_> = text.lines().collect();
                lines.pop();
                lines.join("\n")
            })
        },
        "is not in the lock",
    )
    .await;
    tampered(&|path| lock(path, &|_| "what is this".to_owned()), "`dbmigrate.lock`").await;
}
