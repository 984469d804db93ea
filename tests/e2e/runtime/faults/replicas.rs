//! Several programs at once, on one database.

use super::*;
use dbmigrate_tests::{Cluster, directory};

#[tokio::test]
async fn thirty_two_at_once_apply_each_migration_once() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    // The first takes so long that others come while it runs.
    let slow = ("log", &*format!("SELECT pg_sleep(0.5); {}", LOG.1), LOG.2);
    let set = directory(&[slow, USERS, INDEX]);
    let replica = replica(&url, set.path());
    let started: Vec<_> = (0..32).map(|_| replica.start("upgrade")).collect();
    let mut ran = Vec::new();
    for one in started {
        ran.extend(one.end().await.fine().ran().iter().map(ToString::to_string));
    }
    ran.sort();
    assert_eq!(ran, ["up V20260101120000__log", "up V20260102120000__users", "up V20260103120000__index"]);
    let client = cluster.connect("a").await;
    assert_eq!(log(&client).await, LOGGED);
    assert_eq!(locks(&client).await, 0);
}

#[tokio::test]
async fn more_replicas_than_connections_get_there() {
    let cluster = Cluster::with(&["max_connections=12", "superuser_reserved_connections=2"]).await;
    cluster.database("a").await;
    let admin = cluster.connect("a").await;
    admin.batch_execute("CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app").await.unwrap();
    let url = format!("postgres://app@127.0.0.1:{}/a", cluster.port());
    let set = directory(&[LOG, USERS, INDEX]);
    let replica = replica(&url, set.path());
    let started: Vec<_> = (0..32).map(|_| replica.start("upgrade")).collect();
    let mut full = 0;
    for one in started {
        full += one.end().await.fine().count("reconnecting");
    }
    assert_eq!(log(&admin).await, LOGGED);
    assert!(full > 0, "the server had room for all of them");
}

#[tokio::test]
async fn a_waiter_that_outlives_the_migration_does_nothing() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    gate(&client).await;
    let slow = ("slow", "SELECT count(*) FROM gate;", "SELECT 1;");
    let set = directory(&[LOG, slow, USERS]);
    let replica = replica(&url, set.path()).option("lock-timeout", "0");
    let mut first = replica.start("upgrade");
    first.says("started up V20260102120000__slow").await;
    let mut second = replica.start("upgrade");
    second.says("waiting for pid").await;
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(first.end().await.fine().ran().len(), 3);
    let second = second.end().await.fine();
    assert_eq!((second.ran().len(), second.count("began")), (0, 0), "{second:?}");
    assert_eq!(log(&client).await, ["log", "users"]);
}

#[tokio::test]
async fn a_waiter_does_not_stop_an_index_from_being_built() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let before = directory(&[LOG, USERS]);
    replica(&url, before.path()).upgrade().await.fine();
    // A writer holds up the build's first wait, while another replica comes.
    client.batch_execute("BEGIN; INSERT INTO users VALUES (1)").await.unwrap();
    let set = directory(&[LOG, USERS, INDEX]);
    let replica = replica(&url, set.path()).option("lock-timeout", "0");
    let mut first = replica.start("upgrade");
    first.says("statement 2 of 3").await;
    let other = cluster.connect("a").await;
    until(&other, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'CONCURRENTLY'")
        .await;
    let mut second = replica.start("upgrade");
    second.says("waiting for pid").await;
    client.batch_execute("COMMIT").await.unwrap();
    // A deadlock would be told after `deadlock_timeout`, by an error or another attempt.
    let first = first.end().await.fine();
    assert_eq!((first.ran().len(), first.count("retrying")), (1, 0), "{first:?}");
    assert_eq!(second.end().await.fine().ran().len(), 0);
    assert_eq!(log(&client).await, LOGGED);
}

#[tokio::test]
async fn two_services_in_one_database_do_not_wait_for_each_other() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    gate(&client).await;
    let shop = directory(&[("slow", "SELECT count(*) FROM gate;", "SELECT 1;")]);
    let mail = directory(&[("mails", "CREATE TABLE mails ();", "DROP TABLE mails;")]);
    let shop = replica(&url, shop.path()).option("lock-timeout", "0").option("history-table", "shop_history");
    let mut slow = shop.start("upgrade");
    slow.says("started up").await;
    let other = replica(&url, mail.path()).option("history-table", "mail_history").upgrade().await.fine();
    assert_eq!((other.ran().len(), other.count("waiting")), (1, 0));
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(slow.end().await.fine().ran().len(), 1);
    let names =
        column(&client, "SELECT name FROM shop_history UNION ALL SELECT name FROM mail_history").await;
    assert_eq!(names, ["slow", "mails"]);
}

#[tokio::test]
async fn the_lock_is_waited_for_no_longer_than_allowed() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    gate(&client).await;
    let other = cluster.connect("a").await;
    other
        .batch_execute(
            "CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app; GRANT pg_read_all_data TO app",
        )
        .await
        .unwrap();
    let set = directory(&[("slow", "SELECT count(*) FROM gate;", "SELECT 1;")]);
    let mut first = replica(&url, set.path()).option("lock-timeout", "0").start("upgrade");
    first.says("started up").await;
    // A role that may not see what other sessions do is told the process id.
    let url = url.replace("postgres@", "app@");
    let waiter = replica(&url, set.path()).option("lock-wait", "50").upgrade().await;
    let pid = column(&other, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").await;
    let text = waiter.failed("lock-busy");
    assert!(text.contains(&format!("pid {}", pid[0])), "{text}");
    first.kill().await;
}
