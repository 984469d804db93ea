//! `assert_reversible`: what it lets pass, what it says, and what it leaves on a server.

use std::time::Duration;

use cargo_dbmigrate::directory::Directory;
use dbmigrate_runtime::migration::Stage;
use dbmigrate_runtime::migrations::Migrations;
use dbmigrate_runtime::testing::{assert_reversible, assert_reversible_async};
use dbmigrate_tests::{Cluster, set};

const USERS: (&str, &str, &str) =
    ("users", "CREATE TABLE users (id int8 PRIMARY KEY, email text);", "DROP TABLE users;");

/// The repository's own.
fn sample() -> Migrations {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let contents = Directory::new(path, "migrations").read(Stage::Finalized).unwrap();
    contents.refuse().unwrap();
    Migrations::from_parts(&contents.lock.unwrap(), &contents.migrations).unwrap()
}

/// What the assertion panics with.
async fn said(set: Migrations, url: &str) -> String {
    let panic = tokio::spawn({
        let url = url.to_owned();
        async move { assert_reversible_async(set, &url).await }
    });
    let panic = panic.await.expect_err("it panics").into_panic();
    panic.downcast_ref::<String>().unwrap().clone()
}

async fn databases(cluster: &Cluster) -> Vec<String> {
    let client = cluster.connect("postgres").await;
    let query = "SELECT datname::text FROM pg_database WHERE NOT datistemplate ORDER BY 1";
    client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_sample_migrations_pass_and_leave_nothing() {
    let cluster = Cluster::start().await;
    let url = cluster.url("postgres");
    assert_reversible_async(sample(), &url).await;
    // The blocking form, on a thread with a runtime and on one without.
    assert_reversible(set(&[USERS]), &url);
    let plain = std::thread::spawn(move || assert_reversible(set(&[USERS]), &url));
    plain.join().unwrap();
    assert_eq!(databases(&cluster).await, ["postgres"]);
}

#[tokio::test]
async fn what_is_not_reversible_is_said() {
    let cluster = Cluster::start().await;
    let url = cluster.url("postgres");

    let forgets =
        ("forgets", "ALTER TABLE users ADD note text; CREATE INDEX n ON users (email);", "DROP INDEX n;");
    let expected = [
        "`V20260102120000__forgets`: its down does not bring back what was there before",
        "(`+` is there and should not be, `-` should be there, `~` is not as it should be)",
        "  table public.users",
        "+   column public.users.note: text",
    ];
    assert_eq!(said(set(&[USERS, forgets]), &url).await.lines().collect::<Vec<_>>(), expected);

    let fails = ("fails", "CREATE TABLE t (x int);", "DROP TABLE t;\nSELECT nowhere;\n");
    let expected = [
        "`V20260102120000__fails`: its down fails",
        "`V20260102120000__fails.down.sql`, line 2, column 8: column \"nowhere\" does not exist (42703)",
        "  --> V20260102120000__fails.down.sql:2:8",
        "  |",
        "2 | SELECT nowhere;",
        "  |        ^",
    ];
    assert_eq!(said(set(&[USERS, fails]), &url).await.lines().collect::<Vec<_>>(), expected);

    let twice = (
        "twice",
        "DO $$ BEGIN IF EXISTS (SELECT FROM users) THEN CREATE TABLE more (x int); ELSE INSERT INTO users VALUES (1); END IF; END $$;",
        "DROP TABLE IF EXISTS more;",
    );
    let expected = [
        "`V20260102120000__twice`: its up, after its down, does not make what it made before",
        "(`+` is there and should not be, `-` should be there, `~` is not as it should be)",
        "+ table public.more",
        "+   column public.more.x: integer",
    ];
    assert_eq!(said(set(&[USERS, twice]), &url).await.lines().collect::<Vec<_>>(), expected);

    let careful = (
        "careful",
        "CREATE TABLE t (x int);",
        "DO $$ BEGIN IF EXISTS (SELECT FROM t) THEN RAISE 'not empty'; END IF; END $$; DROP TABLE t;",
    );
    let fills = ("fills", "INSERT INTO t VALUES (1);", "SELECT 1;");
    let expected = [
        "`V20260101120000__careful` to `V20260102120000__fills`, each of which can be reverted by itself, in one go: the way down fails",
        "`V20260101120000__careful.down.sql`: not empty (P0001)",
        "context: PL/pgSQL function inline_code_block line 1 at RAISE",
    ];
    assert_eq!(said(set(&[careful, fills]), &url).await.lines().collect::<Vec<_>>(), expected);
    assert_eq!(databases(&cluster).await, ["postgres"]);
}

#[tokio::test]
async fn what_is_irreversible_is_not_reverted() {
    let cluster = Cluster::start().await;
    let url = cluster.url("postgres");
    let emptied = ("emptied", "ALTER TABLE users DROP email;", "");
    let orders = ("orders", "CREATE TABLE orders (id int8);", "DROP TABLE orders;");
    let lines = ("lines", "CREATE TABLE lines (id int8);", "DROP TABLE lines;");
    assert_reversible(set(&[USERS, emptied, orders, lines]), &url);
    // What comes after it is proved as well.
    let lines = ("lines", "CREATE TABLE lines (id int8);", "SELECT 1;");
    let said = said(set(&[USERS, emptied, orders, lines]), &url).await;
    assert!(said.contains("__lines`: its down does not bring back"), "{said}");
}

#[tokio::test]
async fn a_server_that_will_not_do_is_named() {
    let cluster = Cluster::start().await;
    cluster.connect("postgres").await.batch_execute("CREATE ROLE poor LOGIN").await.unwrap();
    let url = cluster.url("postgres").replace("postgres@", "poor@");
    let expected = [
        "no throwaway database can be made: permission denied to create database",
        "hint: give the role `CREATEDB`, or name a server where it may make databases",
    ];
    assert_eq!(said(set(&[USERS]), &url).await.lines().collect::<Vec<_>>(), expected);
    let said = said(set(&[USERS]), "postgres://localhost:port/x").await;
    assert!(said.contains("\nhint: "), "{said}");
}

#[tokio::test]
async fn what_was_killed_is_dropped_by_the_next_and_nothing_else_is() {
    let cluster = Cluster::start().await;
    let client = cluster.connect("postgres").await;
    let make = async |name: &str, limit: i64| {
        client.batch_execute(&format!("CREATE DATABASE {name} CONNECTION LIMIT {limit}")).await.unwrap();
    };
    make("dbmigrate_test_000000000001", 1_000_000_001).await;
    make("dbmigrate_test_000000000002", -1).await;
    make("dbmigrate_test_000000000003", 1_000_000_003).await;
    make("dbmigrate_test_shop", 1_000_000_004).await;
    // The third one's proof lives: its lock is held.
    let key = (0x6474_i64 << 48) | 3;
    client.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    assert_reversible_async(set(&[USERS]), &cluster.url("postgres")).await;
    let there =
        ["dbmigrate_test_000000000002", "dbmigrate_test_000000000003", "dbmigrate_test_shop", "postgres"];
    assert_eq!(databases(&cluster).await, there);
}

#[tokio::test]
async fn a_proof_that_is_given_up_drops_its_database() {
    let cluster = Cluster::start().await;
    let url = cluster.url("postgres");
    let sleeps = ("sleeps", "SELECT pg_sleep(600);", "SELECT 1;");
    let proof = tokio::spawn(async move { assert_reversible_async(set(&[sleeps]), &url).await });
    while databases(&cluster).await.len() == 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proof.abort();
    assert!(proof.await.unwrap_err().is_cancelled());
    assert_eq!(databases(&cluster).await, ["postgres"]);
}
