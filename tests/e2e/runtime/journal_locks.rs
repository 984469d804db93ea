//! `no-transaction` migrations that wait for others, fail, and leave something behind.

use std::time::{Duration, Instant};

use dbmigrate_runtime::engine::{Retries, RowState};
use dbmigrate_runtime::{Error, Event, Target};
use dbmigrate_tests::{Cluster, set};
use tokio_postgres::Client;

use super::journal::{T, alone, begun, count, number, observed};

/// A session that keeps a snapshot which has seen `t`, and its process id.
async fn snapshot(cluster: &Cluster) -> (Client, i64) {
    let client = cluster.connect("a").await;
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t").await.unwrap();
    let pid = number(&client, "SELECT pg_backend_pid()::int8").await;
    (client, pid)
}

/// Waits until a query gives true.
async fn until(client: &Client, query: &str) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !client.query_one(query, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < patience, "never: {query}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const QUICK: Retries =
    Retries { attempts: 3, pause: Duration::from_millis(50), longest: Duration::from_millis(100) };

fn retried(event: &Event) -> bool {
    matches!(event, Event::Retrying { .. })
}

fn dropped(event: &Event) -> bool {
    matches!(event, Event::InvalidIndexDropped { .. })
}

const INDEXES: &str = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass";
const VALID: &str = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid";
const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";

#[tokio::test]
async fn concurrently_waits_for_old_snapshots_and_names_the_holder() {
    let (cluster, url, client) = begun(&[]).await;
    let (holder, pid) = snapshot(&cluster).await;
    let up = alone(
        "CREATE INDEX CONCURRENTLY i ON t (a);\nINSERT INTO log VALUES (current_setting('lock_timeout'));\n",
    );
    let (migrator, events) = observed(set(&[T, ("i", &up, "DROP INDEX i;")]));
    // Much shorter than the wait: it is not for waits that stop nobody.
    let migrator = migrator.lock_timeout(Duration::from_millis(200));
    let run = tokio::spawn(async move { migrator.upgrade(&url, Target::Head).await });
    let named = |event: &Event| {
        let Event::Running { waits_for, progress, .. } = event else { return false };
        waits_for.iter().any(|holder| i64::from(holder.pid) == pid)
            && progress.as_ref().is_some_and(|progress| progress.contains("waiting for old snapshots"))
    };
    let patience = Instant::now() + Duration::from_secs(30);
    while count(&events, named) < 2 {
        assert!(Instant::now() < patience && !run.is_finished(), "{:?}", events.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    holder.batch_execute("COMMIT").await.unwrap();
    run.await.unwrap().unwrap();
    assert_eq!((count(&events, retried), count(&events, dropped)), (0, 0));
    assert_eq!(number(&client, VALID).await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = '200ms'").await, 1, "set again");
}

#[tokio::test]
async fn an_index_that_a_lock_timeout_left_is_dropped_and_rebuilt() {
    let (cluster, url, client) = begun(&[]).await;
    // Whatever the script says of its name: by it, by nothing, and where it would be skipped.
    for index in ["i ON t (a)", "ON t (a)", "IF NOT EXISTS i ON t (a)"] {
        let (holder, _) = snapshot(&cluster).await;
        let up = alone(&format!(
            "INSERT INTO log VALUES ('once');\nSET lock_timeout = '300ms';\nCREATE INDEX CONCURRENTLY {index};\n"
        ));
        let (migrator, events) = observed(set(&[T, ("i", &up, "DROP INDEX IF EXISTS i, t_a_idx;")]));
        let migrator =
            migrator.retries(Retries { attempts: 50, ..QUICK }).lock_timeout(Duration::from_millis(300));
        // The script's own timeout is another than the engine's.
        let migrator = migrator.lock_timeout(Duration::from_millis(400));
        let run = tokio::spawn({
            let (migrator, url) = (migrator.clone(), url.clone());
            async move { migrator.upgrade(&url, Target::Head).await }
        });
        let patience = Instant::now() + Duration::from_secs(30);
        while count(&events, retried) < 2 {
            assert!(Instant::now() < patience && !run.is_finished(), "{index}: {:?}", events.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        holder.batch_execute("COMMIT").await.unwrap();
        run.await.unwrap().unwrap();
        assert!(count(&events, dropped) >= 1, "{index}: {:?}", events.lock().unwrap());
        assert_eq!((number(&client, INDEXES).await, number(&client, VALID).await), (1, 1), "{index}");
        assert_eq!(number(&client, "SELECT count(*) FROM log").await, 1, "{index}");
        migrator.downgrade(&url, Target::Down(1)).await.unwrap();
        client.batch_execute("TRUNCATE log").await.unwrap();
    }
}

#[tokio::test]
async fn a_unique_index_that_cannot_be_leaves_nothing() {
    let (_cluster, url, client) = begun(&[]).await;
    client.batch_execute("INSERT INTO t VALUES (5, 6)").await.unwrap();
    for index in ["i ON t (a)", "ON t (a)"] {
        let up = alone(&format!("CREATE UNIQUE INDEX CONCURRENTLY {index};\n"));
        let (migrator, _) = observed(set(&[T, ("i", &up, "DROP INDEX IF EXISTS i, t_a_idx;")]));
        client.batch_execute("UPDATE t SET a = 5 WHERE b = 6").await.unwrap();
        for _ in 0..2 {
            let error = migrator.upgrade(&url, Target::Head).await.unwrap_err();
            assert_eq!(error.sqlstate(), Some("23505"), "{error}");
            assert_eq!(number(&client, INDEXES).await, 0);
        }
        assert_eq!(migrator.history(&url).await.unwrap()[1].state, RowState::Running(0));
        client.batch_execute("UPDATE t SET a = 6 WHERE b = 6").await.unwrap();
        migrator.upgrade(&url, Target::Head).await.unwrap();
        assert_eq!((number(&client, INDEXES).await, number(&client, VALID).await), (1, 1));
        migrator.downgrade(&url, Target::Down(1)).await.unwrap();
    }
}

/// Makes an invalid index.
async fn spoil(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_err();
}

#[tokio::test]
async fn an_invalid_index_is_neither_skipped_nor_recorded() {
    let (_cluster, url, client) = begun(&[]).await;
    client.batch_execute("CREATE TABLE u (a int); INSERT INTO u VALUES (1), (1)").await.unwrap();
    for text in ["CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON u (a)", "CREATE INDEX CONCURRENTLY i ON u (a)"]
    {
        spoil(&client, "CREATE UNIQUE INDEX CONCURRENTLY i ON u (a)").await;
        let (migrator, events) = observed(set(&[T, ("i", &alone(text), "DROP INDEX i;")]));
        migrator.upgrade(&url, Target::Head).await.unwrap();
        let said =
            |event: &Event| matches!(event, Event::InvalidIndexDropped { index, .. } if index == "public.i");
        assert_eq!((count(&events, said), number(&client, INVALID).await), (1, 0), "{text}");
        migrator.downgrade(&url, Target::Down(1)).await.unwrap();
    }
    // Of another table, it is not ours to drop.
    spoil(&client, "CREATE UNIQUE INDEX CONCURRENTLY i ON u (a)").await;
    let up = alone("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);\n");
    let (migrator, _) = observed(set(&[T, ("i", &up, "DROP INDEX i;")]));
    let error = migrator.upgrade(&url, Target::Head).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidIndex { index, .. } if index == "public.i"), "{error}");
    assert_eq!(migrator.history(&url).await.unwrap()[1].state, RowState::Running(0));
    assert_eq!(number(&client, INVALID).await, 1);
}

#[tokio::test]
async fn what_was_killed_in_its_wait_phase_is_cleared_away() {
    let (cluster, url, client) = begun(&[]).await;
    client
        .batch_execute(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); \
             CREATE INDEX of_p1 ON p1 (a); CREATE INDEX old ON t (b);",
        )
        .await
        .unwrap();
    // A leftover of somebody else's stays.
    client.batch_execute("CREATE TABLE u (a int); INSERT INTO u VALUES (1), (1)").await.unwrap();
    spoil(&client, "CREATE UNIQUE INDEX CONCURRENTLY others_ccnew ON u (a)").await;
    for (name, text) in [
        ("i", "CREATE INDEX CONCURRENTLY i ON t (a)"),
        ("unnamed", "CREATE INDEX CONCURRENTLY ON t (a, b)"),
        ("reindex", "REINDEX TABLE CONCURRENTLY t"),
        ("detach", "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY"),
        ("drops", "DROP INDEX CONCURRENTLY old"),
    ] {
        let holder = cluster.connect("a").await;
        holder
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t; SELECT * FROM p")
            .await
            .unwrap();
        let (migrator, events) = observed(set(&[T, (name, &alone(&format!("{text};\n")), "SELECT 1;")]));
        let run = tokio::spawn({
            let (migrator, url) = (migrator.clone(), url.clone());
            async move { migrator.upgrade(&url, Target::Head).await }
        });
        let waiting = format!(
            "SELECT count(*) = 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
             WHERE l.locktype = 'virtualxid' AND NOT l.granted AND a.query LIKE '%{text}%'"
        );
        until(&client, &waiting).await;
        client
            .batch_execute(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%{text}%' AND pid <> pg_backend_pid()"
            ))
            .await
            .unwrap();
        until(&client, &format!("SELECT NOT ({})", waiting.replace("count(*) = 1", "count(*) > 0"))).await;
        holder.batch_execute("COMMIT").await.unwrap();
        run.await.unwrap().unwrap_or_else(|error| panic!("{name}: {error}"));
        let resumed = count(&events, |event| matches!(event, Event::Resumed { .. }));
        assert_eq!(resumed, 1, "{name}: {:?}", events.lock().unwrap());
        let leaves_one = matches!(name, "i" | "unnamed" | "reindex");
        assert_eq!(count(&events, dropped) > 0, leaves_one, "{name}: {:?}", events.lock().unwrap());
        assert_eq!(number(&client, INVALID).await, 1, "{name}: only the one of somebody else's");
        client.batch_execute("DELETE FROM dbmigrate_history WHERE name <> 't'").await.unwrap();
    }
    assert_eq!((number(&client, INDEXES).await, number(&client, VALID).await), (2, 2));
    assert_eq!(number(&client, "SELECT count(*) FROM pg_inherits").await, 0);
}

#[tokio::test]
async fn an_index_that_another_session_builds_is_not_taken_for_a_leftover() {
    let (cluster, url, client) = begun(&[]).await;
    let (holder, _) = snapshot(&cluster).await;
    let builder = cluster.connect("a").await;
    let building =
        tokio::spawn(async move { builder.batch_execute("CREATE INDEX CONCURRENTLY i ON t (a)").await });
    until(&client, "SELECT count(*) = 1 FROM pg_index WHERE indrelid = 't'::regclass AND NOT indisvalid")
        .await;
    let up = alone("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);\n");
    let (migrator, events) = observed(set(&[T, ("i", &up, "DROP INDEX i;")]));
    let run = tokio::spawn(async move { migrator.upgrade(&url, Target::Head).await });
    until(&client, "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND NOT granted").await;
    let oid = number(&client, "SELECT 'i'::regclass::oid::int8").await;
    holder.batch_execute("COMMIT").await.unwrap();
    building.await.unwrap().unwrap();
    run.await.unwrap().unwrap();
    assert_eq!(count(&events, dropped), 0);
    assert_eq!(number(&client, "SELECT 'i'::regclass::oid::int8").await, oid);
}

#[tokio::test]
async fn a_lock_timeout_is_retried_at_the_statement() {
    let (cluster, url, client) = begun(&[]).await;
    let up = alone(
        "INSERT INTO log VALUES ('once');\nALTER TABLE t ADD c int;\nINSERT INTO log VALUES ('once');\n",
    );
    let down = alone("INSERT INTO log VALUES ('down');\nALTER TABLE t DROP c;\n");
    let (migrator, events) = observed(set(&[T, ("alters", &up, &down)]));
    let migrator =
        migrator.lock_timeout(Duration::from_millis(100)).retries(Retries { attempts: 100, ..QUICK });
    for way in ["up", "down"] {
        let (holder, _) = snapshot(&cluster).await;
        events.lock().unwrap().clear();
        let run = tokio::spawn({
            let (migrator, url) = (migrator.clone(), url.clone());
            async move {
                match way {
                    "up" => migrator.upgrade(&url, Target::Head).await,
                    _ => migrator.downgrade(&url, Target::Down(1)).await,
                }
            }
        });
        let patience = Instant::now() + Duration::from_secs(30);
        while count(&events, retried) < 3 {
            assert!(Instant::now() < patience && !run.is_finished(), "{way}: {:?}", events.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        holder.batch_execute("COMMIT").await.unwrap();
        assert_eq!(run.await.unwrap().unwrap().ran.len(), 1);
    }
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = 'once'").await, 2);
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = 'down'").await, 1);
}

#[tokio::test]
async fn a_locked_history_is_waited_for() {
    let (cluster, url, client) = begun(&[]).await;
    let up = alone("INSERT INTO log VALUES ('once');\nVACUUM t;\nCALL p();\n");
    client
        .batch_execute(
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('p'); COMMIT; \
             PERFORM pg_advisory_lock(7); PERFORM pg_advisory_unlock(7); END $$; SELECT pg_advisory_lock(7)",
        )
        .await
        .unwrap();
    let (migrator, events) = observed(set(&[T, ("vacuums", &up, "SELECT 1;")]));
    let migrator = migrator.lock_timeout(Duration::from_secs(1)).retries(Retries { attempts: 100, ..QUICK });
    let run = tokio::spawn(async move { migrator.upgrade(&url, Target::Head).await });
    until(
        &client,
        "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted",
    )
    .await;
    // It has run, and cannot be noted.
    let holder = cluster.connect("a").await;
    holder.batch_execute("BEGIN; LOCK dbmigrate_history IN EXCLUSIVE MODE").await.unwrap();
    client.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while count(&events, retried) < 1 {
        assert!(Instant::now() < patience && !run.is_finished(), "{:?}", events.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    holder.batch_execute("COMMIT").await.unwrap();
    run.await.unwrap().unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = 'once'").await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = 'p'").await, 1, "it was still known");
}

#[tokio::test]
async fn who_is_in_the_way_is_named_at_last() {
    let (cluster, url, client) = begun(&[]).await;
    for up in ["ALTER TABLE t ADD c int;".to_owned(), alone("ALTER TABLE t ADD c int;\n")] {
        let (holder, pid) = snapshot(&cluster).await;
        let (migrator, events) = observed(set(&[T, ("alters", &up, "ALTER TABLE t DROP c;")]));
        let migrator = migrator.lock_timeout(Duration::from_millis(400)).retries(QUICK);
        let error = migrator.upgrade(&url, Target::Head).await.unwrap_err();
        let Error::LockTimeout { attempts: 3, blockers, .. } = &error else { panic!("{error}") };
        assert!(blockers.iter().any(|blocker| i64::from(blocker.pid) == pid), "{error}");
        assert_eq!(count(&events, retried), 2);
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(number(&client, locks).await, 0);
        holder.batch_execute("COMMIT").await.unwrap();
        client.batch_execute("DELETE FROM dbmigrate_history WHERE name <> 't'").await.unwrap();
    }
}
