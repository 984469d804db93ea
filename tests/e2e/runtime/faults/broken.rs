//! Connections that break: at each query in turn, before the server sees it and after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use dbmigrate_runtime::{Error, Event, Migrator, Target};
use dbmigrate_tests::{Proxy, Verdict, directory, set};
use tokio::sync::Notify;

#[tokio::test]
async fn the_lost_reply_to_a_commit_is_looked_up() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let client = cluster.connect("a").await;
    let commits = AtomicUsize::new(0);
    // The second migration's.
    let proxy = Proxy::start(cluster.port(), move |query| {
        match query == "COMMIT" && commits.fetch_add(1, Ordering::SeqCst) == 1 {
            true => Verdict::CutAfter,
            false => Verdict::Pass,
        }
    })
    .await;
    let set = directory(&[LOG, USERS, INDEX]);
    let ended = replica(&proxy.url("a"), set.path()).upgrade().await.fine();
    assert_eq!(ended.count("reconnecting"), 1, "{ended:?}");
    assert_eq!(
        ended.ran(),
        ["up V20260101120000__log", "up V20260102120000__users", "up V20260103120000__index"]
    );
    assert_eq!((ended.count("started"), ended.count("finished")), (3, 3), "{ended:?}");
    assert_eq!(log(&client).await, LOGGED);
}

#[tokio::test]
async fn a_commit_that_comes_after_the_reconnect_is_counted_too() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let client = cluster.connect("a").await;
    let (go, cut) = (Arc::new(Notify::new()), AtomicBool::new(false));
    let late = Arc::clone(&go);
    let proxy = Proxy::start(cluster.port(), move |query| {
        match query == "COMMIT" && !cut.swap(true, Ordering::SeqCst) {
            true => Verdict::Late(Arc::clone(&late)),
            false => Verdict::Pass,
        }
    })
    .await;
    let set = directory(&[LOG]);
    let mut one = replica(&proxy.url("a"), set.path()).start("upgrade");
    // It has read a history without the migration, and waits for its own first session.
    one.says("waiting for pid").await;
    go.notify_one();
    let ended = one.end().await.fine();
    assert_eq!((ended.ran(), ended.count("finished")), (vec!["up V20260101120000__log"], 1), "{ended:?}");
    assert_eq!(log(&client).await, ["log"]);
}

/// The schema as text, without what differs from run to run. Empty where there is no `pg_dump`.
async fn dump(cluster: &Cluster, database: &str) -> Vec<String> {
    let text = cluster.dump(database).await.unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('\\')).map(str::to_owned).collect()
}

/// Breaks the connection once, at the query of each number.
async fn at_each_query(migrations: &[(&str, &str, &str)], cut: Verdict, direction: &str) {
    let cluster = Cluster::with(&["synchronous_commit=on"]).await;
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    let migrator = Migrator::new(set(migrations)).unwrap().observer(move |event: &Event| {
        if matches!(event, Event::Finished { .. }) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    cluster.database("undisturbed").await;
    migrator.upgrade(&cluster.url("undisturbed"), Target::Head).await.unwrap();
    let undisturbed = dump(&cluster, "undisturbed").await;
    cluster.database("a").await;
    for number in 1.. {
        assert!(number < 100, "it never ends");
        let client = cluster.connect("a").await;
        if direction == "down" {
            migrator.upgrade(&cluster.url("a"), Target::Head).await.unwrap();
        }
        ran.store(0, Ordering::SeqCst);
        let (seen, cut) = (AtomicUsize::new(0), cut.clone());
        let reached = Arc::new(AtomicBool::new(false));
        let here = Arc::clone(&reached);
        let proxy = Proxy::start(cluster.port(), move |_| {
            if seen.fetch_add(1, Ordering::SeqCst) + 1 == number {
                here.store(true, Ordering::SeqCst);
                cut.clone()
            } else {
                Verdict::Pass
            }
        })
        .await;
        let url = proxy.url("a");
        let result = match direction {
            "down" => migrator.downgrade(&url, Target::Base).await,
            _ => migrator.upgrade(&url, Target::Head).await,
        };
        let report = result.unwrap_or_else(|error| {
            panic!("{cut:?} at {number}: {error}\n{:?}", proxy.queries(), cut = "cut")
        });
        let queries = proxy.queries();
        let at = queries.get(number - 1);
        let count = migrations.len();
        assert_eq!((report.ran.len(), ran.load(Ordering::SeqCst)), (count, count), "at {number}: {at:?}");
        match direction {
            "down" => assert_eq!(
                column(&client, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'").await,
                ["dbmigrate_history"]
            ),
            _ => {
                assert_eq!(log(&client).await, LOGGED, "at {number}: {at:?}");
                assert_eq!(dump(&cluster, "a").await, undisturbed, "at {number}: {at:?}");
            }
        }
        until(&client, "SELECT WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')").await;
        client
            .batch_execute(
                "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner; \
            GRANT USAGE ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'standard public schema'",
            )
            .await
            .unwrap();
        if !reached.load(Ordering::SeqCst) {
            assert!(number > 10, "{queries:?}");
            return;
        }
    }
}

#[tokio::test]
async fn cut_before_each_query_of_an_upgrade() {
    at_each_query(&[LOG, USERS, INDEX], Verdict::CutBefore, "up").await;
}

#[tokio::test]
async fn cut_after_each_query_of_an_upgrade() {
    at_each_query(&[LOG, USERS, INDEX], Verdict::CutAfter, "up").await;
}

#[tokio::test]
async fn cut_after_each_query_of_a_downgrade() {
    at_each_query(&[LOG, USERS, INDEX], Verdict::CutAfter, "down").await;
}

#[tokio::test]
async fn a_backend_that_is_terminated_is_replaced() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let sleeper = (
        "sleeper",
        "SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM awake) THEN 0 ELSE 600 END);",
        "SELECT 1;",
    );
    let awake = ("awake", "CREATE TABLE awake ();", "DROP TABLE awake;");
    let set = directory(&[awake, sleeper]);
    let one = replica(&url, set.path()).start("upgrade");
    until(&client, "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").await;
    client.batch_execute("INSERT INTO awake DEFAULT VALUES").await.unwrap();
    client
        .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        .await
        .unwrap();
    let ended = one.end().await.fine();
    assert_eq!((ended.count("reconnecting"), ended.ran().len()), (1, 2), "{ended:?}");
}

#[tokio::test]
async fn a_client_of_the_callers_cannot_be_replaced() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let mut borrowed = cluster.connect("a").await;
    let client = cluster.connect("a").await;
    let migrator =
        Migrator::new(set(&[("end", "SELECT pg_terminate_backend(pg_backend_pid());", "SELECT 1;")]))
            .unwrap();
    let error = migrator.upgrade(&mut borrowed, Target::Head).await.unwrap_err();
    assert!(
        matches!(&error, Error::Sql(error) if error.sqlstate == "57P01")
            || matches!(error, Error::Database { .. }),
        "{error}"
    );
    assert_eq!(locks(&client).await, 0);
    // Over a connection of its own it tries again, and not for ever.
    let migrator = migrator.reconnect(Duration::from_millis(300));
    let error = migrator.upgrade(&cluster.url("a"), Target::Head).await.unwrap_err();
    assert!(error.sqlstate() == Some("57P01"), "{error}");
    assert_eq!(migrator.history(&cluster.url("a")).await.unwrap(), []);
}
