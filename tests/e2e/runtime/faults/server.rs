//! The server stops, crashes, starts late, or takes no writes.

use std::net::TcpListener;

use super::*;
use dbmigrate_tests::{Stop, directory};

const SLEEPER: (&str, &str, &str) = (
    "sleeper",
    "INSERT INTO log VALUES ('slept'); SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM awake) THEN 0 ELSE 600 END);",
    "SELECT 1;",
);
const AWAKE: (&str, &str, &str) = ("awake", "CREATE TABLE awake ();", "DROP TABLE awake;");

async fn stopped_in_a_migration(how: Stop) {
    let mut cluster = Cluster::with(&["synchronous_commit=on"]).await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG, USERS, AWAKE, SLEEPER, ("index", INDEX.1, INDEX.2)]);
    let one = replica(&url, set.path());
    let first = one.start("upgrade");
    let client = cluster.connect("a").await;
    until(&client, "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").await;
    client.batch_execute("INSERT INTO awake DEFAULT VALUES").await.unwrap();
    let waiter = one.start("upgrade");
    until(&client, "SELECT FROM pg_stat_activity WHERE query ~ 'pg_try_advisory_lock' AND state = 'idle'")
        .await;
    cluster.stop(how);
    cluster.run().await;
    let ended = [first.end().await.fine(), waiter.end().await.fine()];
    assert!(ended[0].count("reconnecting") > 0 && ended[1].count("reconnecting") > 0, "{ended:?}");
    // Whichever came first after the restart has the rest.
    assert_eq!(ended.iter().map(|one| one.ran().len()).sum::<usize>(), 5, "{ended:?}");
    let client = cluster.connect("a").await;
    assert_eq!(log(&client).await, ["after", "before", "log", "slept", "users"]);
}

#[tokio::test]
async fn a_restart_in_the_middle_is_survived() {
    stopped_in_a_migration(Stop::Fast).await;
}

#[tokio::test]
async fn a_crash_in_the_middle_is_survived() {
    stopped_in_a_migration(Stop::Immediate).await;
}

#[tokio::test]
async fn a_server_that_stays_away_is_an_error_after_a_while() {
    let mut cluster = Cluster::with(&["synchronous_commit=on"]).await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG, AWAKE, SLEEPER]);
    let client = cluster.connect("a").await;
    let one = replica(&url, set.path()).option("reconnect", "300").start("upgrade");
    until(&client, "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").await;
    cluster.stop(Stop::Fast);
    let ended = one.end().await;
    assert!(ended.count("reconnecting") > 0);
    ended.failed("cannot-connect");
    // Nothing is half-done.
    cluster.run().await;
    let client = cluster.connect("a").await;
    assert_eq!(log(&client).await, ["log"]);
    assert_eq!(column(&client, "SELECT name FROM dbmigrate_history ORDER BY 1").await, ["awake", "log"]);
}

#[tokio::test]
async fn a_server_that_starts_late_is_waited_for() {
    let mut cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    cluster.stop(Stop::Fast);
    let set = directory(&[LOG]);
    let mut one = replica(&url, set.path()).start("upgrade");
    one.says("reconnecting").await;
    cluster.run().await;
    assert_eq!(one.end().await.fine().ran().len(), 1);
    // A port where somebody listens and never answers is no server either.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url =
        format!("postgres://postgres@127.0.0.1:{}/a?connect_timeout=1", deaf.local_addr().unwrap().port());
    let ended = replica(&url, set.path()).option("reconnect", "100").upgrade().await;
    ended.failed("cannot-connect");
}

#[tokio::test]
async fn a_read_only_session_is_told_after_a_while() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let set = directory(&[LOG]);
    client.batch_execute("ALTER DATABASE a SET default_transaction_read_only = on").await.unwrap();
    let before = picture(&cluster, "a").await;
    let ended = replica(&url, set.path()).option("reconnect", "300").upgrade().await;
    assert!(ended.count("reconnecting") > 0, "{ended:?}");
    ended.failed("read-only");
    assert_eq!(picture(&cluster, "a").await, before);
    // When writes are taken again meanwhile, it goes on.
    let mut one = replica(&url, set.path()).start("upgrade");
    one.says("reconnecting").await;
    client.batch_execute("ALTER DATABASE a SET default_transaction_read_only = off").await.unwrap();
    assert_eq!(one.end().await.fine().ran().len(), 1);
    // With nothing to do, a session that may only read is enough.
    client.batch_execute("ALTER DATABASE a SET default_transaction_read_only = on").await.unwrap();
    assert_eq!(replica(&url, set.path()).upgrade().await.fine().lines, [""; 0]);
}

#[tokio::test]
async fn a_standby_is_told_and_after_its_promotion_used() {
    let mut cluster =
        Cluster::with(&["wal_level=replica", "max_wal_senders=2", "synchronous_commit=on"]).await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG]);
    replica(&url, set.path()).upgrade().await.fine();
    let standby = cluster.standby().await;
    let url = standby.url("a");
    assert_eq!(replica(&url, set.path()).upgrade().await.fine().ran().len(), 0, "nothing is pending");
    let set = directory(&[LOG, USERS]);
    let ended = replica(&url, set.path()).option("reconnect", "300").upgrade().await;
    ended.failed("read-only");
    let mut one = replica(&url, set.path()).start("upgrade");
    one.says("reconnecting").await;
    standby.connect("postgres").await.batch_execute("SELECT pg_promote()").await.unwrap();
    assert_eq!(one.end().await.fine().ran().len(), 1);
    let names = column(&cluster.connect("a").await, "SELECT name FROM dbmigrate_history").await;
    assert_eq!(names, ["log"], "the primary was left alone");
}
