//! What a program does about a database that is not as it expects, and about failures of migrations.

use std::fs;

use super::*;
use dbmigrate_tests::directory;

#[tokio::test]
async fn a_migration_that_fails_fails_in_the_same_way_for_all() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    gate(&client).await;
    let broken = (
        "broken",
        "CREATE TABLE half ();\nSELECT count(*) FROM gate;\nSELECT nowhere FROM half;",
        "SELECT 1;",
    );
    let set = directory(&[LOG, broken, USERS]);
    let replica = replica(&url, set.path()).option("lock-timeout", "0");
    let mut started: Vec<_> = (0..4).map(|_| replica.start("upgrade")).collect();
    let first = started.pop().unwrap();
    let other = cluster.connect("a").await;
    until(&other, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'gate'").await;
    client.batch_execute("COMMIT").await.unwrap();
    let told = first.end().await.failed("sql").to_owned();
    assert!(
        told.contains("`V20260102120000__broken.sql`, line 3, column 8: column \"nowhere\" does not exist"),
        "{told}"
    );
    for one in started {
        // Nobody waited until `lock_wait` was over.
        assert_eq!(one.end().await.failed("sql"), told);
    }
    assert_eq!(locks(&client).await, 0);
    assert_eq!(log(&client).await, ["log"]);
    assert_eq!(column(&client, "SELECT to_regclass('half')").await, ["null"]);
}

#[tokio::test]
async fn a_lock_timeout_is_rolled_back_and_tried_again() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    gate(&client).await;
    // What the first attempt sets for itself must not last.
    let slow = (
        "slow",
        "CREATE TABLE attempts AS SELECT current_setting('lock_timeout') AS set;\nSET lock_timeout = '20ms';\nALTER TABLE gate ADD y int;",
        "SELECT 1;",
    );
    let set = directory(&[LOG, slow, USERS]);
    let replica = replica(&url, set.path()).option("lock-timeout", "777").option("pause", "20");
    let few = replica.clone().option("attempts", "2").upgrade().await;
    assert_eq!(few.count("retrying"), 1);
    let text = few.failed("lock-timeout");
    assert!(text.contains("in 2 attempts: canceling statement due to lock timeout"), "{text}");
    let other = cluster.connect("a").await;
    assert_eq!(
        (locks(&other).await, column(&other, "SELECT to_regclass('attempts')").await),
        (0, vec!["null".to_owned()])
    );
    let mut one = replica.start("upgrade");
    one.says("retrying").await.says("retrying").await;
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(one.end().await.fine().ran().len(), 2);
    assert_eq!(column(&client, "SELECT set FROM attempts").await, ["777ms"]);
    assert_eq!(log(&client).await, ["log", "users"]);
}

#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let cluster = Cluster::with(&["deadlock_timeout=50ms"]).await;
    let url = cluster.database("a").await;
    let client = cluster.connect("a").await;
    client.batch_execute("CREATE TABLE one (); CREATE TABLE two ()").await.unwrap();
    client.batch_execute("BEGIN; LOCK TABLE two").await.unwrap();
    let both = ("both", "LOCK TABLE one; LOCK TABLE two; CREATE TABLE three ();", "SELECT 1;");
    let set = directory(&[both]);
    let mut first = replica(&url, set.path()).option("lock-timeout", "0").start("upgrade");
    first.says("started up").await;
    let other = cluster.connect("a").await;
    until(&other, "SELECT FROM pg_locks WHERE NOT granted AND relation = 'two'::regclass").await;
    // Whoever waits longer notices first. This session does not look.
    client.batch_execute("SET deadlock_timeout = '1min'").await.unwrap();
    client.batch_execute("LOCK TABLE one").await.ok();
    client.batch_execute("COMMIT").await.unwrap();
    let ended = first.end().await.fine();
    assert_eq!(ended.ran().len(), 1, "{ended:?}");
}

#[tokio::test]
async fn small_timeouts_of_server_and_role_do_not_apply() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    // This session was there before.
    let client = cluster.connect("a").await;
    for name in
        ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"]
    {
        client.batch_execute(&format!("ALTER ROLE ALL SET {name} = '80ms'")).await.unwrap();
    }
    let slow = ("slow", "SELECT pg_sleep(0.2);", "SELECT 1;");
    let alone = (
        "alone",
        "-- dbmigrate: no-transaction\nSELECT pg_sleep(0.2);\nVACUUM log;\nSELECT pg_sleep(0.2);\n",
        "SELECT 1;",
    );
    gate(&client).await;
    let gated = ("gated", "SELECT count(*) FROM gate;", "SELECT 1;");
    let set = directory(&[LOG, slow, alone, gated, USERS]);
    let replica = replica(&url, set.path()).option("lock-timeout", "0");
    let mut first = replica.start("upgrade");
    first.says("started up V20260104120000__gated").await;
    let mut waiter = replica.start("upgrade");
    waiter.says("waiting").await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    client.batch_execute("COMMIT").await.unwrap();
    let ended = first.end().await.fine();
    assert_eq!((ended.ran().len(), ended.count("retrying")), (5, 0), "{ended:?}");
    // Before it asks for the lock a session may be ended for its idleness; not while it waits.
    let waited = waiter.end().await.fine();
    let lines = waited.lines.iter().skip_while(|line| !line.starts_with("waiting"));
    assert_eq!(lines.filter(|line| !line.starts_with("waiting")).count(), 0, "{waited:?}");
    assert_eq!(log(&client).await, ["log", "users"]);
}

#[tokio::test]
async fn a_statement_timeout_that_is_asked_for_applies() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG, ("slow", "SELECT pg_sleep(600);", "SELECT 1;")]);
    let ended = replica(&url, set.path()).option("statement-timeout", "100").upgrade().await;
    assert!(ended.failed("sql").contains("statement timeout"), "{ended:?}");
    assert_eq!(log(&cluster.connect("a").await).await, ["log"]);
}

#[tokio::test]
async fn an_older_program_stops_or_is_allowed() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let (newer, older) = (directory(&[LOG, USERS, INDEX]), directory(&[LOG, USERS]));
    replica(&url, newer.path()).upgrade().await.fine();
    let before = picture(&cluster, "a").await;
    let ended = replica(&url, older.path()).upgrade().await;
    assert!(ended.failed("database-ahead").contains("`V20260103120000__index`"), "{ended:?}");
    let allowed = replica(&url, older.path()).option("database-ahead", "allow").upgrade().await.fine();
    assert_eq!(allowed.lines, [""; 0]);
    assert_eq!(picture(&cluster, "a").await, before);
    // A rolled-back program can take back what it does not know.
    let down = replica(&url, older.path()).option("target", "users").start("downgrade").end().await.fine();
    assert_eq!(down.ran(), ["down V20260103120000__index"]);
    assert_eq!(log(&cluster.connect("a").await).await, ["log", "users"]);
}

#[tokio::test]
async fn an_edited_migration_stops_with_both_hashes() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG, USERS]);
    replica(&url, set.path()).upgrade().await.fine();
    let before = picture(&cluster, "a").await;
    let edited = directory(&[LOG, (USERS.0, "CREATE TABLE users ();", USERS.2), INDEX]);
    let ended = replica(&url, edited.path()).upgrade().await;
    let text = ended.failed("divergent");
    let hash = |set: &tempfile::TempDir| {
        let lock = fs::read_to_string(set.path().join("dbmigrate.lock")).unwrap();
        let lock = dbmigrate_runtime::lock::Lock::parse(&lock).unwrap();
        lock.entries()[1].up.hash.short()
    };
    assert!(text.contains(&hash(&set)) && text.contains(&hash(&edited)), "{text}");
    assert_eq!(picture(&cluster, "a").await, before);
}

#[tokio::test]
async fn line_ends_and_marks_of_a_checkout_change_nothing() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let parts =
        [LOG, ("two", "-- dbmigrate: no-transaction\nVACUUM log;\nANALYZE log;\n", "SELECT 1;\n"), USERS];
    let set = directory(&parts[..2]);
    replica(&url, set.path()).upgrade().await.fine();
    let windows = directory(&parts);
    for entry in fs::read_dir(windows.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        fs::write(path, format!("\u{feff}{text}")).unwrap();
    }
    assert_eq!(replica(&url, windows.path()).upgrade().await.fine().ran(), ["up V20260103120000__users"]);
    let unix = directory(&parts);
    assert_eq!(replica(&url, unix.path()).upgrade().await.fine().lines, [""; 0]);
    replica(&url, windows.path()).start("downgrade").end().await.fine();
}

#[tokio::test]
async fn a_late_migration_is_refused_with_the_way_out() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let users = ("V20260105120000__users", USERS.1, USERS.2);
    replica(&url, directory(&[LOG, users]).path()).upgrade().await.fine();
    let before = picture(&cluster, "a").await;
    let late = ("V20260104120000__late", "CREATE TABLE late ();", "DROP TABLE late;");
    let set = directory(&[LOG, late, users]);
    let ended = replica(&url, set.path()).upgrade().await;
    assert!(
        ended.failed("late").contains("`V20260104120000__late`") && ended.errors.contains("rebase"),
        "{ended:?}"
    );
    assert_eq!(picture(&cluster, "a").await, before);
    let ended = replica(&url, set.path()).option("out-of-order", "apply").upgrade().await.fine();
    assert_eq!(ended.ran(), ["up V20260104120000__late"]);
}
