//! `no-transaction` migrations whose session ends at the worst moment: they go on where they stopped, nothing runs twice and
//! nothing is left out.

use std::sync::{Arc, Mutex};

use dbmigrate_runtime::engine::{Report, RowState};
use dbmigrate_runtime::lock::{Statement, Times};
use dbmigrate_runtime::migration::{Direction, Script, Stage};
use dbmigrate_runtime::migrations::{Migrations, Runnable, Runs};
use dbmigrate_runtime::{Error, Event, Migrator, Target};
use dbmigrate_tests::{Cluster, set};
use tokio_postgres::Client;

pub(super) const T: (&str, &str, &str) = (
    "t",
    "CREATE TABLE t (a int, b int); CREATE TABLE log (what text); INSERT INTO t SELECT n, n FROM generate_series(1, 5) n;",
    "DROP TABLE t, log;",
);

/// A `no-transaction` script.
pub(super) fn alone(statements: &str) -> String {
    format!("-- dbmigrate: no-transaction\n{statements}")
}

/// A migrator, and what it says.
pub(super) fn observed(migrations: Migrations) -> (Migrator, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let migrator = Migrator::new(migrations)
        .unwrap()
        .observer(move |event: &Event| seen.lock().unwrap().push(event.clone()));
    (migrator, events)
}

pub(super) fn count(events: &Mutex<Vec<Event>>, which: impl Fn(&Event) -> bool) -> usize {
    events.lock().unwrap().iter().filter(|event| which(event)).count()
}

fn resumed(event: &Event) -> bool {
    matches!(event, Event::Resumed { .. })
}

pub(super) async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// A server with a database whose history and `t` are there.
pub(super) async fn begun(settings: &[&str]) -> (Cluster, String, Client) {
    let cluster = Cluster::with(settings).await;
    let url = cluster.database("a").await;
    Migrator::new(set(&[T])).unwrap().upgrade(&url, Target::Head).await.unwrap();
    let client = cluster.connect("a").await;
    (cluster, url, client)
}

/// Ends the session that writes a row of the history for which this holds, the first time for each migration and `key`.
async fn sabotage(client: &Client, condition: &str, key: &str) {
    let sql = format!(
        "CREATE FUNCTION public.sabotage() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
         DECLARE mark text; nth int8; o public.dbmigrate_history; n public.dbmigrate_history;
         BEGIN
             IF TG_OP <> 'INSERT' THEN o := OLD; END IF;
             IF TG_OP = 'DELETE' THEN n := OLD; ELSE n := NEW; END IF;
             IF {condition} THEN
                 mark := 'public.mark_' || n.version || '_' || {key};
                 IF to_regclass(mark) IS NULL THEN RAISE 'no mark %', mark; END IF;
                 nth := nextval(mark::regclass);
                 IF nth = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); END IF;
             END IF;
             RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
         END $$;
         CREATE TRIGGER sabotage BEFORE INSERT OR UPDATE OR DELETE ON public.dbmigrate_history
             FOR EACH ROW EXECUTE FUNCTION public.sabotage();
         DO $$ BEGIN FOR d IN 2..28 LOOP FOR k IN 0..11 LOOP
             EXECUTE format('CREATE SEQUENCE public.mark_202601%s120000_%s', lpad(d::text, 2, '0'), k);
         END LOOP; END LOOP; END $$;"
    );
    client.batch_execute(&sql).await.unwrap();
}

/// How many sessions were ended.
async fn ended(client: &Client) -> i64 {
    number(
        client,
        "SELECT count(*) FROM pg_sequences WHERE sequencename LIKE 'mark%' AND last_value IS NOT NULL",
    )
    .await
}

/// After a statement that ran alone, before its note.
const BEFORE_NOTE: &str = "o.witness IS NOT NULL AND n.statement > o.statement";

fn all_ran(report: &Report) -> Vec<&str> {
    report.ran.iter().map(|ran| ran.id.name.as_str()).collect()
}

#[tokio::test]
async fn a_statement_that_was_done_and_not_noted_is_not_run_again() {
    let (cluster, url, client) = begun(&["allow_in_place_tablespaces=on"]).await;
    client
        .batch_execute(
            "CREATE SCHEMA other; CREATE TABLE other.\"T x\" (a int); CREATE INDEX old ON t (b); \
             CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);",
        )
        .await
        .unwrap();
    client.batch_execute("CREATE DATABASE old_db").await.unwrap();
    sabotage(&client, BEFORE_NOTE, "0").await;
    // Each would fail, or do something twice, if it ran again.
    let statements = [
        "CREATE INDEX CONCURRENTLY by_a ON t (a)",
        "CREATE INDEX CONCURRENTLY ON t (a, lower(b::text))",
        "CREATE UNIQUE INDEX CONCURRENTLY \"By A\" ON ONLY other.\"T x\" (a)",
        "DROP INDEX CONCURRENTLY old",
        "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
        "CREATE DATABASE new_db",
        "DROP DATABASE old_db",
        "CREATE TABLESPACE new_space LOCATION ''",
        "DROP TABLESPACE new_space",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
        "DROP SUBSCRIPTION s",
        // These run again, and nothing comes of it.
        "REINDEX TABLE CONCURRENTLY t",
        "VACUUM t",
        "ALTER SYSTEM SET work_mem = '5MB'",
    ];
    let ups: Vec<(String, String)> = statements
        .iter()
        .enumerate()
        .map(|(at, text)| (format!("s{at}"), alone(&format!("{text};\n"))))
        .collect();
    let mut parts = vec![T];
    parts.extend(ups.iter().map(|(name, up)| (name.as_str(), up.as_str(), "SELECT 1;")));
    let (migrator, events) = observed(set(&parts));
    let report = migrator.upgrade(&url, Target::Head).await.unwrap();

    assert_eq!(all_ran(&report).len(), statements.len(), "each counts once");
    assert_eq!(ended(&client).await, statements.len() as i64, "the session ended in each");
    assert_eq!(count(&events, resumed), statements.len());
    assert_eq!(count(&events, |event| matches!(event, Event::RunAgain { .. })), 0);
    let history = migrator.history(&url).await.unwrap();
    assert!(history.iter().all(|row| row.state == RowState::Applied));
    let indexes = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid";
    assert_eq!(number(&client, indexes).await, 2);
    drop(cluster);
}

#[tokio::test]
async fn a_statement_that_shares_its_note_is_rolled_back_with_it() {
    let (_cluster, url, client) = begun(&[]).await;
    // At the beginning of the row, at the note of each statement, and at the end.
    sabotage(&client, "true", "CASE WHEN n.state = 'applied' THEN 4 ELSE n.statement END").await;
    let up = alone("INSERT INTO log VALUES ('a');\nINSERT INTO log VALUES ('b');\nANALYZE log;\n");
    let (migrator, events) = observed(set(&[T, ("logs", &up, "SELECT 1;")]));
    let report = migrator.upgrade(&url, Target::Head).await.unwrap();
    assert_eq!((all_ran(&report), ended(&client).await), (vec!["logs"], 5));
    assert_eq!(number(&client, "SELECT count(*) FROM log").await, 2);
    assert_eq!(count(&events, resumed), 4);
}

#[tokio::test]
async fn a_down_goes_on_like_an_up() {
    let (_cluster, url, client) = begun(&[]).await;
    let up = alone("CREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (b);\n");
    let down =
        alone("DROP INDEX CONCURRENTLY j;\nINSERT INTO log VALUES ('down');\nDROP INDEX CONCURRENTLY i;\n");
    let (migrator, events) = observed(set(&[T, ("i", &up, &down)]));
    migrator.upgrade(&url, Target::Head).await.unwrap();
    // At the beginning, after each statement, and where the row goes.
    sabotage(
        &client,
        "o.witness IS NULL OR n.statement > o.statement OR TG_OP = 'DELETE'",
        "CASE WHEN TG_OP = 'DELETE' THEN 4 ELSE n.statement END",
    )
    .await;
    let report = migrator.downgrade(&url, Target::Down(1)).await.unwrap();
    assert_eq!(all_ran(&report), ["i"], "it counts once");
    assert_eq!(ended(&client).await, 5);
    assert!(count(&events, |event| matches!(event, Event::Resumed { direction: Direction::Down, .. })) >= 4);
    assert_eq!(number(&client, "SELECT count(*) FROM log").await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass").await, 0);
    assert_eq!(migrator.history(&url).await.unwrap().len(), 1);
    client.batch_execute("DROP TRIGGER sabotage ON dbmigrate_history").await.unwrap();
    migrator.upgrade(&url, Target::Head).await.unwrap();
}

#[tokio::test]
async fn another_program_goes_on_and_what_was_unfinished_can_be_reverted() {
    let (cluster, url, client) = begun(&[]).await;
    sabotage(&client, BEFORE_NOTE, "0").await;
    let up = alone(
        "INSERT INTO log VALUES ('a');\nCREATE INDEX CONCURRENTLY i ON t (a);\nINSERT INTO log VALUES ('b');\n",
    );
    let migrations = || set(&[T, ("i", &up, "DROP INDEX i; INSERT INTO log VALUES ('c');")]);
    // A client of the caller's: nobody reconnects.
    let mut session = cluster.connect("a").await;
    let error = observed(migrations()).0.upgrade(&mut session, Target::Head).await.unwrap_err();
    assert!(error.sqlstate().is_none_or(|code| code == "57P01"), "{error}");
    let (next, events) = observed(migrations());
    let state = next.history(&url).await.unwrap()[1].state;
    assert_eq!(state, RowState::Running(1));
    // What is on its way up is first brought to its end.
    let report = next.downgrade(&url, Target::Down(1)).await.unwrap();
    assert_eq!(all_ran(&report), ["i", "i"]);
    assert_eq!(count(&events, resumed), 1);
    let logged = client.query_one("SELECT string_agg(what, '' ORDER BY what) FROM log", &[]).await.unwrap();
    assert_eq!(logged.get::<_, &str>(0), "abc");
    assert_eq!(next.history(&url).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_commits_by_itself_runs_again_and_says_so() {
    let (_cluster, url, client) = begun(&[]).await;
    client
        .batch_execute(
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('p'); COMMIT; END $$",
        )
        .await
        .unwrap();
    sabotage(&client, BEFORE_NOTE, "0").await;
    let up = alone("CALL p();\nSELECT 1;\n");
    let (migrator, events) = observed(set(&[T, ("calls", &up, "SELECT 1;")]));
    migrator.upgrade(&url, Target::Head).await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM log").await, 2);
    assert_eq!(count(&events, |event| matches!(event, Event::RunAgain { number: 1, .. })), 1);
}

#[tokio::test]
async fn the_session_is_set_as_the_statements_before_had_set_it() {
    let (_cluster, url, client) = begun(&[]).await;
    client
        .batch_execute("CREATE SCHEMA app; CREATE TABLE app.u (a int); CREATE ROLE maker; ALTER TABLE app.u OWNER TO maker; GRANT ALL ON SCHEMA app TO maker")
        .await
        .unwrap();
    sabotage(&client, BEFORE_NOTE, "n.statement").await;
    let up = alone(
        "SET search_path = nowhere;\nSELECT pg_catalog.set_config('search_path', 'app', false);\nSET ROLE maker;\n\
         SET LOCAL search_path = nowhere;\nINSERT INTO public.log SELECT 'never' WHERE false;\n\
         CREATE INDEX CONCURRENTLY i ON u (a);\nRESET ROLE;\nCREATE INDEX CONCURRENTLY j ON u (a);\nRESET ALL;\n\
         DISCARD ALL;\nVACUUM app.u;\nINSERT INTO log SELECT current_setting('search_path');\n",
    );
    client.batch_execute("GRANT INSERT ON log TO maker").await.unwrap();
    let (migrator, events) = observed(set(&[T, ("sets", &up, "DROP INDEX app.i, app.j;")]));
    migrator.upgrade(&url, Target::Head).await.unwrap();
    assert_eq!(ended(&client).await, 3);
    assert_eq!(count(&events, resumed), 3);
    assert_eq!(
        number(&client, "SELECT count(*) FROM pg_index WHERE indrelid = 'app.u'::regclass AND indisvalid")
            .await,
        2
    );
    let path = client.query_one("SELECT what FROM log", &[]).await.unwrap();
    assert_eq!(path.get::<_, &str>(0), "\"$user\", public");
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(number(&client, locks).await, 0);
}

#[tokio::test]
async fn the_lock_is_held_to_the_end_whatever_a_script_discards() {
    let (_cluster, url, client) = begun(&[]).await;
    let locked = "INSERT INTO log SELECT 'locked' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();\n";
    let up = alone(&format!(
        "DISCARD ALL;\n{locked}RESET ALL;\n{locked}INSERT INTO log VALUES (current_setting('lock_timeout'));"
    ));
    let (migrator, _) = observed(set(&[T, ("discards", &up, "SELECT 1;")]));
    migrator.upgrade(&url, Target::Head).await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = 'locked'").await, 2);
    assert_eq!(number(&client, "SELECT count(*) FROM log WHERE what = '5s'").await, 1);
}

#[tokio::test]
async fn a_backfill_goes_on_at_the_batch() {
    let (_cluster, url, client) = begun(&[]).await;
    client
        .batch_execute(
            "ALTER TABLE t ADD n int NOT NULL DEFAULT 0;
             CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('batch'); RETURN NULL; END $$;
             CREATE TRIGGER logs AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION logs();
             CREATE SEQUENCE notes;",
        )
        .await
        .unwrap();
    // Ends the session that notes the second batch.
    sabotage(&client, "nextval('public.notes') = 3", "0").await;
    let text = alone(
        "UPDATE t SET n = n + 1 WHERE a IN (SELECT a FROM t WHERE n = 0 ORDER BY a LIMIT 2);\nSELECT 1;\n",
    );
    let second = text.find("SELECT 1").unwrap();
    let statements = vec![
        Statement { offset: 0, times: Times::UntilNoRow },
        Statement { offset: second, times: Times::Once },
    ];
    let script = |text: &str| Script::parse(text.to_owned()).unwrap();
    let backfill = Runnable {
        id: "V20260109120000__backfill".parse().unwrap(),
        stage: Stage::Draft,
        up: Runs::new(script(&text), Some(statements)),
        down: Some(Runs::new(script("SELECT 1;"), None)),
    };
    let (migrator, events) = observed(set(&[T]).with_drafts([backfill]));
    migrator.upgrade(&url, Target::Head).await.unwrap();
    assert_eq!(ended(&client).await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM t WHERE n = 1").await, 5);
    assert_eq!(number(&client, "SELECT count(*) FROM log").await, 4, "2, 2, 1 and none");
    let batches: Vec<(u64, u64)> = events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::Batch { rows, total, .. } => Some((*rows, *total)),
            _ => None,
        })
        .collect();
    assert_eq!(batches, [(2, 2), (2, 2), (1, 3)]);
}

#[tokio::test]
async fn a_script_that_ends_its_transaction_is_told() {
    let (_cluster, url, client) = begun(&[]).await;
    for escape in ["COMMIT", "ROLLBACK", "BEGIN"] {
        let up = alone(&format!("INSERT INTO log VALUES ('a');\n{escape};\nINSERT INTO log VALUES ('b');\n"));
        let (migrator, _) = observed(set(&[T, ("ends", &up, "SELECT 1;")]));
        let result = migrator.upgrade(&url, Target::Head).await;
        if escape == "BEGIN" {
            result.unwrap();
        } else {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::TransactionEnded { .. }), "{escape}: {error}");
            assert_eq!(migrator.history(&url).await.unwrap()[1].state, RowState::Running(1));
            assert_eq!(number(&client, "SELECT count(*) FROM log").await, 1);
        }
        client.batch_execute("DELETE FROM dbmigrate_history WHERE name <> 't'; TRUNCATE log").await.unwrap();
    }
}

#[tokio::test]
async fn what_fails_when_it_commits_is_placed() {
    let (_cluster, url, client) = begun(&[]).await;
    client
        .batch_execute("CREATE TABLE u (a int PRIMARY KEY, b int REFERENCES u DEFERRABLE INITIALLY DEFERRED)")
        .await
        .unwrap();
    let up = alone("INSERT INTO u VALUES (1, 1);\n\nINSERT INTO u VALUES (2, 3);\n");
    let (migrator, _) = observed(set(&[T, ("defers", &up, "SELECT 1;")]));
    let error = migrator.upgrade(&url, Target::Head).await.unwrap_err();
    let Error::Sql(error) = error else { panic!("{error}") };
    assert_eq!((error.place, error.sqlstate.as_str()), (Some((4, 1)), "23503"));
    assert_eq!(migrator.history(&url).await.unwrap()[1].state, RowState::Running(1));
    assert_eq!(number(&client, "SELECT count(*) FROM u").await, 1);
}
