//! What an upgrade, a downgrade, a stamp and the reads do to a database.

use std::sync::{Arc, Mutex};

use dbmigrate_runtime::engine::{DatabaseAhead, OutOfOrder, RowState, TargetError};
use dbmigrate_runtime::migration::Direction;
use dbmigrate_runtime::migrations::Migrations;
use dbmigrate_runtime::{Error, Event, Migrator, Target};
use dbmigrate_tests::{Cluster, set};

const USERS: (&str, &str, &str) =
    ("users", "CREATE TABLE users (id int8 PRIMARY KEY, email text);", "DROP TABLE users;");
const ORDERS: (&str, &str, &str) = (
    "orders",
    "CREATE TABLE orders (id int8 PRIMARY KEY, user_id int8 REFERENCES users);",
    "DROP TABLE orders;",
);
const INDEX: (&str, &str, &str) = (
    "index",
    "-- dbmigrate: no-transaction\nCREATE INDEX CONCURRENTLY by_user ON orders (user_id);\nANALYZE orders;\n",
    "-- dbmigrate: no-transaction\nDROP INDEX CONCURRENTLY by_user;\n",
);

fn migrator(migrations: Migrations) -> Migrator {
    Migrator::new(migrations).unwrap()
}

/// The names of what ran, with a sign for the direction.
fn ran(report: &dbmigrate_runtime::engine::Report) -> Vec<String> {
    let sign = |direction| if direction == Direction::Up { '+' } else { '-' };
    report.ran.iter().map(|ran| format!("{}{}", sign(ran.direction), ran.id.name)).collect()
}

async fn relations(client: &tokio_postgres::Client) -> Vec<String> {
    let query = "select relname::text from pg_class where relnamespace = 'public'::regnamespace order by 1";
    client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn up_to_head_down_to_base_and_up_again() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let migrator = migrator(set(&[USERS, ORDERS, INDEX])).observer(move |event: &Event| {
        seen.lock().unwrap().push(event.clone());
    });

    assert_eq!(migrator.status(&url).await.unwrap().pending.len(), 3);
    assert_eq!(relations(&client).await, [""; 0], "reads write nothing");
    let report = migrator.upgrade(&url, Target::Head).await.unwrap();
    assert_eq!(ran(&report), ["+users", "+orders", "+index"]);
    let there = relations(&client).await;
    assert_eq!(
        there,
        [
            "by_user",
            "dbmigrate_history",
            "dbmigrate_history_pkey",
            "orders",
            "orders_pkey",
            "users",
            "users_pkey"
        ]
    );
    migrator.verify_up_to_date(&url).await.unwrap();
    assert_eq!(ran(&migrator.upgrade(&url, Target::Head).await.unwrap()), [""; 0]);

    let history = migrator.history(&url).await.unwrap();
    assert_eq!(history.len(), 3);
    assert!(
        history
            .iter()
            .all(|row| row.state == RowState::Applied && row.took.is_some() && row.by == "postgres")
    );
    let finished = |event: &&Event| matches!(event, Event::Finished { .. });
    assert_eq!(events.lock().unwrap().iter().filter(finished).count(), 3);

    assert_eq!(migrator.plan_downgrade(&url, Target::Down(2)).await.unwrap().steps.len(), 2);
    assert_eq!(ran(&migrator.downgrade(&url, Target::Down(1)).await.unwrap()), ["-index"]);
    assert_eq!(ran(&migrator.downgrade(&url, Target::Base).await.unwrap()), ["-orders", "-users"]);
    assert_eq!(relations(&client).await, ["dbmigrate_history", "dbmigrate_history_pkey"]);
    assert_eq!(ran(&migrator.upgrade(&url, Target::Up(2)).await.unwrap()), ["+users", "+orders"]);
    assert_eq!(ran(&migrator.downgrade(&url, "users".parse().unwrap()).await.unwrap()), ["-orders"]);
    let error = migrator.verify_up_to_date(&url).await.unwrap_err();
    assert!(matches!(error, Error::Pending(ref ids) if ids.len() == 2), "{error}");
}

#[tokio::test]
async fn a_client_of_the_callers_will_do() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let mut client = cluster.connect("a").await;
    let migrator = migrator(set(&[USERS, ORDERS, INDEX]));
    assert_eq!(migrator.upgrade(&mut client, Target::Head).await.unwrap().ran.len(), 3);
    assert_eq!(migrator.downgrade(&mut client, Target::Base).await.unwrap().ran.len(), 3);
    // Neither a lock nor a setting stays behind.
    let row = client
        .query_one("select (select count(*) from pg_locks where locktype = 'advisory'), current_setting('statement_timeout')", &[])
        .await
        .unwrap();
    assert_eq!((row.get(0), row.get(1)), (0i64, "0"));
}

#[tokio::test]
async fn what_fails_is_rolled_back_and_placed() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let broken = ("broken", "CREATE TABLE b (x int);\n\nSELECT nowhere\nFROM b;\n", "DROP TABLE b;");
    let migrator = migrator(set(&[USERS, broken]));
    let error = migrator.upgrade(&url, Target::Head).await.unwrap_err();
    let Error::Sql(error) = error else { panic!("{error}") };
    assert_eq!(
        (error.place, error.line.as_str(), error.sqlstate.as_str()),
        (Some((3, 8)), "SELECT nowhere", "42703")
    );
    assert!(error.excerpt().contains("3 | SELECT nowhere\n  |        ^\n"), "{}", error.excerpt());
    assert!(!relations(&client).await.contains(&"b".to_owned()));
    assert_eq!(migrator.history(&url).await.unwrap().len(), 1);
    let locks =
        client.query_one("select count(*) from pg_locks where locktype = 'advisory'", &[]).await.unwrap();
    assert_eq!(locks.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_file_that_commits_is_told_and_not_recorded() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    for escape in ["COMMIT;", "ROLLBACK; BEGIN;", "COMMIT; BEGIN;"] {
        let sneaky = ("sneaky", &*format!("CREATE TABLE s (x int); {escape}"), "DROP TABLE s;");
        let migrator = migrator(set(&[sneaky]));
        let error = migrator.upgrade(&url, Target::Head).await.unwrap_err();
        assert!(matches!(error, Error::TransactionEnded { .. }), "{escape} {error}");
        assert_eq!(migrator.history(&url).await.unwrap(), []);
        cluster.connect("a").await.batch_execute("DROP TABLE IF EXISTS s").await.unwrap();
    }
}

#[tokio::test]
async fn a_file_may_change_its_session() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let dumped = (
        "dumped",
        "SELECT pg_catalog.set_config('search_path', '', false); SET statement_timeout = 1; RESET statement_timeout;",
        "SELECT 1;",
    );
    let reset = ("reset", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; RESET ALL;", "RESET ALL;");
    let role = ("role", "CREATE ROLE nobody; SET ROLE nobody;", "SET SESSION AUTHORIZATION nobody;");
    let migrator = migrator(set(&[dumped, reset, role, USERS]));
    assert_eq!(migrator.upgrade(&url, Target::Head).await.unwrap().ran.len(), 4);
    assert_eq!(migrator.downgrade(&url, Target::Base).await.unwrap().ran.len(), 4);
}

#[tokio::test]
async fn what_is_stored_is_what_was_written_whatever_encoding_a_file_sets() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let text =
        ("text", "CREATE TABLE t (x text); SET client_encoding = 'LATIN1';", "DROP TABLE t; -- fünf €");
    migrator(set(&[text])).upgrade(&url, Target::Head).await.unwrap();
    let client = cluster.connect("a").await;
    let row = client.query_one("SELECT down_sql FROM dbmigrate_history", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), text.2);
}

#[tokio::test]
async fn rows_cannot_be_copied_to_and_from_the_client() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    for copy in ["COPY t FROM STDIN;", "COPY t TO STDOUT;"] {
        let copies = ("copies", &*format!("CREATE TABLE t (x int); {copy}"), "DROP TABLE t;");
        let error = migrator(set(&[copies])).upgrade(&url, Target::Head).await.unwrap_err();
        assert!(matches!(error, Error::Copies { .. }), "{copy} {error}");
    }
    let locks = "select count(*) from pg_locks where locktype = 'advisory'";
    let client = cluster.connect("a").await;
    let mut patience = 100;
    while client.query_one(locks, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        patience -= 1;
        assert!(patience > 0, "the lock is still held");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_older_program_refuses_or_allows_and_can_revert() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    migrator(set(&[USERS, ORDERS, INDEX])).upgrade(&url, Target::Head).await.unwrap();
    let older = migrator(set(&[USERS]));
    let error = older.upgrade(&url, Target::Head).await.unwrap_err();
    assert!(matches!(error, Error::DatabaseAhead(ref ids) if ids.len() == 2), "{error}");
    let allowing = older.clone().database_ahead(DatabaseAhead::Allow);
    assert_eq!(allowing.upgrade(&url, Target::Head).await.unwrap().ran.len(), 0);
    // It does not have their files; the history has their downs.
    assert_eq!(ran(&older.downgrade(&url, "users".parse().unwrap()).await.unwrap()), ["-index", "-orders"]);
    older.verify_up_to_date(&url).await.unwrap();
}

#[tokio::test]
async fn edited_missing_and_late_migrations_are_refused() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    migrator(set(&[USERS, ORDERS])).upgrade(&url, Target::Head).await.unwrap();
    let edited = migrator(set(&[(USERS.0, "CREATE TABLE users (id int8);", USERS.2), ORDERS]));
    let error = edited.upgrade(&url, Target::Head).await.unwrap_err();
    let Error::Divergent(found) = &error else { panic!("{error}") };
    assert!(found[0].here.is_some_and(|here| here != found[0].applied));
    let without = migrator(set(&[("V20260102120000__orders", ORDERS.1, ORDERS.2)]));
    assert!(matches!(without.upgrade(&url, Target::Head).await.unwrap_err(), Error::Missing(_)));
    let late = set(&[
        USERS,
        ("V20260101130000__late", "CREATE TABLE late ()", "DROP TABLE late"),
        ("V20260102120000__orders", ORDERS.1, ORDERS.2),
    ]);
    let late = migrator(late);
    assert!(matches!(late.upgrade(&url, Target::Head).await.unwrap_err(), Error::Late { .. }));
    let applying = late.out_of_order(OutOfOrder::Apply);
    assert_eq!(ran(&applying.upgrade(&url, Target::Head).await.unwrap()), ["+late"]);
}

#[tokio::test]
async fn irreversible_is_refused_before_anything_runs() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let migrator = migrator(set(&[
        USERS,
        ("gone", "ALTER TABLE users DROP email;", ""),
        ("more", "CREATE TABLE m ();", "DROP TABLE m;"),
    ]));
    migrator.upgrade(&url, Target::Head).await.unwrap();
    let error = migrator.downgrade(&url, Target::Base).await.unwrap_err();
    assert!(matches!(&error, Error::Irreversible { reason, .. } if reason == "gone"), "{error}");
    assert_eq!(migrator.history(&url).await.unwrap().len(), 3);
    let error = migrator.downgrade(&url, Target::Down(4)).await.unwrap_err();
    assert!(matches!(error, Error::Target(TargetError::TooFar(_, 3))), "{error}");
}

#[tokio::test]
async fn stamping_writes_the_history_and_nothing_else() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let migrator = migrator(set(&[USERS, ORDERS, INDEX]));
    assert_eq!(ran(&migrator.stamp(&url, "orders".parse().unwrap()).await.unwrap()), ["+users", "+orders"]);
    assert_eq!(relations(&client).await, ["dbmigrate_history", "dbmigrate_history_pkey"]);
    assert_eq!(migrator.status(&url).await.unwrap().pending.len(), 1);
    assert_eq!(ran(&migrator.stamp(&url, "users".parse().unwrap()).await.unwrap()), ["-orders"]);
    assert_eq!(ran(&migrator.stamp(&url, Target::Base).await.unwrap()), ["-users"]);
}

#[tokio::test]
async fn migrating_is_a_task_like_any_other() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let migrator = migrator(set(&[USERS, ORDERS]));
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let (migrator, url) = (migrator.clone(), url.clone());
            tokio::spawn(async move {
                let ran = migrator.upgrade(&url, Target::Head).await?.ran.len();
                migrator.plan(&url, Target::Head).await?;
                migrator.verify_up_to_date(&url).await.map(|()| ran)
            })
        })
        .collect();
    let mut ran = 0;
    for task in tasks {
        ran += task.await.unwrap().unwrap();
    }
    assert_eq!(ran, 2);
    let downgrade =
        async move { migrator.downgrade(&url, Target::Base).await.map(|report| report.ran.len()) };
    assert_eq!(tokio::spawn(downgrade).await.unwrap().unwrap(), 2);
}
