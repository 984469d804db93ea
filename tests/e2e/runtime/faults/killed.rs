//! Programs that are killed with SIGKILL, and futures that are dropped.

use std::time::Duration;

use super::*;
use dbmigrate_runtime::{Migrator, Target};
use dbmigrate_tests::{Proxy, Verdict, directory, set};

#[tokio::test]
async fn killed_in_a_long_statement_the_next_one_proceeds() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    // The first run sleeps for longer than any test may take, the second does not.
    let sleeper = (
        "sleeper",
        "SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM awake) THEN 0 ELSE 600 END);",
        "SELECT 1;",
    );
    let awake = ("awake", "CREATE TABLE awake ();", "DROP TABLE awake;");
    let set = directory(&[LOG, awake, sleeper, USERS]);
    let replica = replica(&url, set.path());
    let mut first = replica.start("upgrade");
    first.says("started up V20260103120000__sleeper").await;
    until(&client, "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").await;
    client.batch_execute("INSERT INTO awake DEFAULT VALUES").await.unwrap();
    first.kill().await;
    let second = replica.upgrade().await.fine();
    assert_eq!(second.ran(), ["up V20260103120000__sleeper", "up V20260104120000__users"]);
    assert_eq!(log(&client).await, ["log", "users"]);
    assert!(
        column(&client, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'").await.is_empty()
    );
}

#[tokio::test]
async fn killed_between_a_statement_and_its_note_it_goes_on_there() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    let set = directory(&[LOG, USERS, INDEX]);
    for held in
        ["INSERT INTO log VALUES ('before')", "CREATE INDEX CONCURRENTLY", "INSERT INTO log VALUES ('after')"]
    {
        // The query behind this one is its note, or at least not the statement.
        let seen = std::sync::Mutex::new(false);
        let proxy = Proxy::start(cluster.port(), move |query| {
            let mut seen = seen.lock().unwrap();
            let alone = held.starts_with("CREATE") && query.trim_start().starts_with("BEGIN");
            if query.contains(held) && !alone {
                *seen = true;
                return Verdict::Pass;
            }
            if *seen && !alone { Verdict::Hold } else { Verdict::Pass }
        })
        .await;
        let mut first = replica(&proxy.url("a"), set.path()).start("upgrade");
        first.says("started up V20260103120000__index").await;
        let number = match held {
            "CREATE INDEX CONCURRENTLY" => "statement 2",
            held if held.contains("before") => "statement 1",
            _ => "statement 3",
        };
        first.says(number).await;
        let done = match held {
            "CREATE INDEX CONCURRENTLY" => {
                "SELECT FROM pg_index WHERE indexrelid = to_regclass('by_email') AND indisvalid".to_owned()
            }
            // The statement has run, alone or with its note; what comes next is held.
            held => format!(
                "SELECT FROM pg_stat_activity WHERE state LIKE 'idle%' AND pid <> pg_backend_pid() AND strpos(query, {}) > 0",
                quoted(held)
            ),
        };
        until(&client, &done).await;
        first.kill().await;
        drop(proxy);

        let second = replica(&url, set.path()).upgrade().await.fine();
        assert_eq!((second.ran(), second.count("resumed")), (vec!["up V20260103120000__index"], 1), "{held}");
        assert_eq!(log(&client).await, LOGGED, "{held}");
        replica(&url, set.path()).start("downgrade").end().await.fine();
    }
}

#[tokio::test]
async fn a_dropped_future_frees_the_lock_and_rolls_back() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    gate(&client).await;
    let other = cluster.connect("a").await;
    let slow = ("slow", "CREATE TABLE half (); SELECT count(*) FROM gate;", "DROP TABLE half;");
    let migrator = Migrator::new(set(&[slow])).unwrap().lock_timeout(Duration::ZERO);
    let task = {
        let (migrator, url) = (migrator.clone(), url.clone());
        tokio::spawn(async move { migrator.upgrade(&url, Target::Head).await })
    };
    until(&other, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'gate'").await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    // The gate stays closed: only a closed socket ends the statement.
    until(&other, "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query ~ 'FROM gate' AND pid <> pg_backend_pid())").await;
    assert_eq!(locks(&other).await, 0);
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migrator.upgrade(&url, Target::Head).await.unwrap().ran.len(), 1);
}

/// As an SQL literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
