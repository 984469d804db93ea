//! Roles, settings and names that the server or its owner chose.

use super::*;
use dbmigrate_runtime::{Error, Migrator, Target};
use dbmigrate_tests::{Proxy, Verdict, directory, set};

#[tokio::test]
async fn settings_of_a_role_do_not_harm() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let admin = cluster.connect("a").await;
    let settings = [
        "search_path = ''",
        "search_path = app, public",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "standard_conforming_strings = off",
        "bytea_output = 'escape'",
        "DateStyle = 'German'",
        "TimeZone = 'Asia/Kathmandu'",
        "row_security = off",
        "role = owner",
        "check_function_bodies = off",
        "client_min_messages = 'debug1'",
    ];
    admin
        .batch_execute(
            "CREATE ROLE owner; CREATE ROLE app LOGIN IN ROLE owner; CREATE SCHEMA app AUTHORIZATION app; \
        GRANT CREATE ON SCHEMA public TO owner, app; GRANT ALL ON SCHEMA app TO owner",
        )
        .await
        .unwrap();
    let url = format!("postgres://app@127.0.0.1:{}/a", cluster.port());
    let parts = [
        (
            "one",
            "CREATE TABLE public.one (x text); INSERT INTO public.one VALUES ('it''s');",
            "DROP TABLE public.one;",
        ),
        (
            "two",
            "-- dbmigrate: no-transaction\nCREATE INDEX CONCURRENTLY two ON public.one (x);\n",
            "DROP INDEX public.two;",
        ),
    ];
    let set = directory(&parts);
    let one = replica(&url, set.path());
    for setting in settings {
        admin
            .batch_execute(&format!("ALTER ROLE app RESET ALL; ALTER ROLE app SET {setting}"))
            .await
            .unwrap();
        assert_eq!(one.upgrade().await.fine().ran().len(), 2, "{setting}");
        assert_eq!(one.upgrade().await.fine().lines, [""; 0], "{setting}");
        let row = "SELECT concat_ws(' ', count(*), min(state), min(applied_by), min(applied_on) ~ '^20..-..-..T..:..:..[.]......Z$') \
             FROM public.dbmigrate_history";
        assert_eq!(column(&admin, row).await, ["2 applied app t"], "{setting}");
        assert_eq!(one.start("downgrade").end().await.fine().ran().len(), 2, "{setting}");
        admin.batch_execute("DROP TABLE public.dbmigrate_history").await.unwrap();
    }
}

#[tokio::test]
async fn downs_come_back_as_they_were_written() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let admin = cluster.connect("a").await;
    let difficult = r"'it''s' || E'\\\n\'' || '\back' || $q$ $$ '' \ $q$ || U&'\00e9' || 'é🦀'";
    let up = "CREATE TABLE said (x text);";
    let down = format!("INSERT INTO witness VALUES ({difficult});\n-- \\ ' \" $$ é\nDROP TABLE said;\n");
    let witness = ("witness", "CREATE TABLE witness (x text);", "SELECT 1;");
    let long = format!("V20260103120000__{}names", "long_".repeat(39));
    let parts = [witness, ("said", up, &*down), (&*long, "CREATE TABLE l ();", "DROP TABLE l;")];
    let (all, few) = (directory(&parts), directory(&parts[..1]));
    admin.batch_execute("CREATE TABLE wanted (x text)").await.unwrap();
    for strings in ["on", "off"] {
        admin
            .batch_execute(&format!("ALTER DATABASE a SET standard_conforming_strings = {strings}"))
            .await
            .unwrap();
        let session = cluster.connect("a").await;
        // Unicode escapes need the standard's strings.
        let (plain, down) = match strings {
            "off" => (
                difficult.replace(r" || U&'\00e9'", ""),
                directory(&[witness, ("said", up, &*down.replace(r" || U&'\00e9'", "")), parts[2]]),
            ),
            _ => (difficult.to_owned(), directory(&parts)),
        };
        session
            .batch_execute(&format!("DELETE FROM wanted; INSERT INTO wanted VALUES ({plain})"))
            .await
            .unwrap();
        assert_eq!(replica(&url, down.path()).upgrade().await.fine().ran().len(), 3);
        // The older program has neither file.
        let ended =
            replica(&url, few.path()).option("target", "witness").start("downgrade").end().await.fine();
        assert_eq!(ended.ran(), [format!("down {long}"), "down V20260102120000__said".to_owned()]);
        let same = "SELECT count(*) FROM witness JOIN wanted USING (x)";
        assert_eq!(column(&session, same).await, ["1"], "{strings}");
        assert_eq!(replica(&url, few.path()).start("downgrade").end().await.fine().ran().len(), 1);
        session.batch_execute("DROP TABLE witness").await.unwrap();
    }
    drop(all);
}

#[tokio::test]
async fn the_history_may_have_any_name_in_any_schema() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let admin = cluster.connect("a").await;
    let set = directory(&[LOG, USERS, INDEX]);
    for (schema, table) in [("Ops \"x\" é", "His.to\"ry' \\"), ("public", "select"), ("a.b", "c")] {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let name = format!("{}.{}", quoted(schema), quoted(table));
        admin.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema))).await.unwrap();
        let one = replica(&url, set.path()).option("history-table", &name);
        assert_eq!(one.upgrade().await.fine().ran().len(), 3);
        assert_eq!(one.upgrade().await.fine().lines, [""; 0]);
        assert_eq!(column(&admin, &format!("SELECT count(*) FROM {name}")).await, ["3"]);
        assert_eq!(one.start("downgrade").end().await.fine().ran().len(), 3);
        let foreign = format!("DROP TABLE {name}; CREATE TABLE {name} (version_num text)");
        admin.batch_execute(&foreign).await.unwrap();
        assert!(one.upgrade().await.failed("foreign-history").contains("Alembic's"));
    }
}

#[tokio::test]
async fn event_triggers_run_and_may_refuse() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let admin = cluster.connect("a").await;
    admin.batch_execute(
        "CREATE TABLE audit (tag text);
         CREATE FUNCTION audited() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit VALUES (tg_tag); END $$;
         CREATE EVENT TRIGGER audited ON ddl_command_end EXECUTE FUNCTION audited();",
    )
    .await
    .unwrap();
    let set = directory(&[LOG, USERS, INDEX]);
    assert_eq!(replica(&url, set.path()).upgrade().await.fine().ran().len(), 3);
    assert_eq!(replica(&url, set.path()).start("downgrade").end().await.fine().ran().len(), 3);
    admin.batch_execute(
        "DROP EVENT TRIGGER audited; DROP TABLE dbmigrate_history;
         CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'frozen until Monday'; END $$;
         CREATE EVENT TRIGGER no ON ddl_command_start EXECUTE FUNCTION no();",
    )
    .await
    .unwrap();
    let ended = replica(&url, set.path()).upgrade().await;
    assert!(
        ended.failed("database").contains("creating the history table: frozen until Monday"),
        "{ended:?}"
    );
    assert_eq!(locks(&admin).await, 0);
}

#[tokio::test]
async fn a_client_in_a_transaction_of_its_own_is_refused() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let mut client = cluster.connect("a").await;
    let migrator = Migrator::new(set(&[LOG])).unwrap();
    migrator.stamp(&mut client, Target::Head).await.unwrap();
    let migrator = Migrator::new(set(&[LOG, USERS])).unwrap();
    client.batch_execute("BEGIN; CREATE TABLE mine ()").await.unwrap();
    for _ in 0..2 {
        let error = migrator.upgrade(&mut client, Target::Head).await.unwrap_err();
        assert!(matches!(error, Error::InTransaction), "{error}");
    }
    // The transaction is the caller's still.
    client.batch_execute("CREATE TABLE log (what text); COMMIT").await.unwrap();
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1";
    assert_eq!(column(&client, tables).await, ["dbmigrate_history", "log", "mine"]);
    // One that has failed is told in the same way.
    client.batch_execute("BEGIN; SELECT 1/0").await.unwrap_err();
    let error = migrator.upgrade(&mut client, Target::Head).await.unwrap_err();
    assert!(matches!(error, Error::InTransaction), "{error}");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(migrator.upgrade(&mut client, Target::Head).await.unwrap().ran.len(), 1);
    // Reading is all right.
    client.batch_execute("BEGIN").await.unwrap();
    migrator.verify_up_to_date(&mut client).await.unwrap();
}

#[tokio::test]
async fn nothing_pending_is_one_query() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG, USERS, INDEX]);
    replica(&url, set.path()).upgrade().await.fine();
    let proxy = Proxy::start(cluster.port(), |_| Verdict::Pass).await;
    replica(&proxy.url("a"), set.path()).upgrade().await.fine();
    let queries = proxy.queries();
    assert!(queries.len() == 1 && queries[0].starts_with("SELECT version"), "{queries:?}");
}
