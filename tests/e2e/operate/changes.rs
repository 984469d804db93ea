//! `upgrade`, `downgrade`, `redo` and `stamp`.

use dbmigrate_tests::{Project, shot};

use super::Shop;
use crate::sets::{NICK, ORDERS, USERS};

#[tokio::test]
async fn every_form_of_a_target() {
    let shop = Shop::finalized(&[USERS, ORDERS, NICK]).await;
    let (one, two, all) = (
        vec!["create_users"],
        vec!["create_users", "create_orders"],
        vec!["create_users", "create_orders", "add_nick"],
    );
    for (arguments, expected) in [
        (["upgrade", "+1"], &one),
        (["upgrade", "create_orders"], &two),
        (["upgrade", "head"], &all),
        (["downgrade", "-1"], &two),
        (["downgrade", "20200101000001"], &one),
        (["upgrade", "V20200101000003__add_nick"], &all),
        (["downgrade", "V20200101000002"], &two),
        (["downgrade", "base"], &vec![]),
        (["stamp", "create_orders"], &two),
        (["stamp", "base"], &vec![]),
    ] {
        shop.run(arguments).success().unchanged();
        assert_eq!(shop.applied().await, *expected, "{arguments:?}");
    }
    for arguments in [
        ["upgrade", "+4"],
        ["upgrade", "base"],
        ["upgrade", "nowhere"],
        ["upgrade", "2020"],
        ["upgrade", "a;b"],
        ["downgrade", "head"],
        ["downgrade", "-1"],
        ["downgrade", "add_nick"],
        ["stamp", "+0"],
    ] {
        shop.run(arguments).refused("bad-target");
        assert_eq!(shop.applied().await, [""; 0], "{arguments:?}");
    }
}

#[tokio::test]
async fn nothing_to_do_is_fine() {
    let shop = Shop::finalized(&[USERS]).await;
    shop.run(["upgrade"]).success();
    for arguments in [["upgrade", "head"], ["upgrade", "create_users"], ["downgrade", "create_users"]] {
        let ran = shop.run(arguments).success();
        assert_eq!(ran.stdout, "nothing to do\n", "{ran}");
    }
}

#[tokio::test]
async fn what_fails_is_shown_and_rolled_back() {
    let broken = ("broken", "CREATE TABLE b (x int);\n\nSELECT é, nowhere\nFROM b;\n", "DROP TABLE b;\n");
    let shop = Shop::new(Project::finalized(&[USERS]).drafts(&[broken])).await;
    let ran = shop.run(["upgrade"]).refused("sql");
    assert!(ran.stderr.contains("drafts/20200601000001__broken.sql:3:8"), "{ran}");
    let text = ran.stderr.replace(&shop.cluster.port().to_string(), "[PORT]");
    shot!(text);
    assert_eq!(shop.applied().await, ["create_users"]);
    let json = shop.run(["upgrade", "--format", "json"]).refused("sql").json();
    assert_eq!((&json["error"]["id"], &json["error"]["excerpts"][0]["line"]), (&"sql".into(), &3.into()));
    assert_eq!(json["error"]["excerpts"][0]["sqlstate"], "42703");
}

#[tokio::test]
async fn drafts_come_last_and_can_wait() {
    let shop = Shop::new(Project::finalized(&[USERS]).drafts(&[ORDERS, NICK])).await;
    shop.run(["upgrade", "--no-drafts"]).success();
    assert_eq!(shop.applied().await, ["create_users"]);
    shop.run(["upgrade"]).success();
    assert_eq!(shop.applied().await, ["create_users", "~create_orders", "~add_nick"]);
}

#[tokio::test]
async fn redo_takes_the_text_that_is_there_now() {
    let shop = Shop::new(Project::finalized(&[USERS]).drafts(&[NICK])).await;
    shop.run(["redo"]).refused("bad-target");
    shop.run(["upgrade"]).success();
    shop.project
        .edit("drafts/20200601000001__add_nick.sql", |text| text.replace("nick text", "nick varchar(9)"));
    shop.run(["upgrade"]).refused("divergent");
    let ran = shop.run(["redo"]).success();
    assert!(ran.stdout.starts_with("reverted `"), "{ran}");
    let client = shop.cluster.connect("shop").await;
    let row = client
        .query_one("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'nick'", &[])
        .await;
    assert_eq!(row.unwrap().get::<_, String>(0), "character varying(9)");
    shop.run(["status", "--exit-code"]).success();
}

#[tokio::test]
async fn redo_does_nothing_else() {
    let gone = ("gone", "DELETE FROM users;\n", "");
    let shop = Shop::finalized(&[USERS, ORDERS, gone]).await;
    shop.run(["upgrade", "+1"]).success();
    shop.run(["stamp", "create_orders"]).success();
    let client = shop.cluster.connect("shop").await;
    client.batch_execute("DELETE FROM dbmigrate_history WHERE name = 'create_users'").await.unwrap();
    shop.run(["redo"]).refused("pending");
    shop.run(["stamp", "head"]).success();
    shop.run(["redo"]).refused("irreversible");
    shop.run(["downgrade", "base"]).refused("irreversible");
    assert_eq!(shop.applied().await, ["create_users", "create_orders", "gone"]);
    // Here is less than there.
    let other = Project::finalized(&[USERS, ORDERS]);
    other.command(["redo"]).env("DATABASE_URL", shop.url("shop")).run().refused("missing");
}

#[tokio::test]
async fn a_dry_run_is_the_plan() {
    let shop = Shop::finalized(&[USERS, ORDERS]).await;
    let plan = shop.run(["plan"]).success();
    assert_eq!(shop.run(["upgrade", "--dry-run"]).success().stdout, plan.stdout);
    assert_eq!(shop.history("shop").await, None);
    shop.run(["upgrade"]).success();
    let plan = shop.run(["plan", "create_users", "--down"]).success();
    assert_eq!(shop.run(["downgrade", "create_users", "--dry-run"]).success().stdout, plan.stdout);
    assert_eq!(shop.run(["plan", "-1"]).success().stdout, plan.stdout);
    assert_eq!(shop.applied().await, ["create_users", "create_orders"]);
}

/// Where another tool's history stands, nothing is changed.
#[tokio::test]
async fn a_table_of_somebody_elses() {
    let shop = Shop::finalized(&[USERS]).await;
    let client = shop.cluster.connect("shop").await;
    client
        .batch_execute("CREATE TABLE dbmigrate_history (x int); GRANT ALL ON dbmigrate_history TO app")
        .await
        .unwrap();
    for command in ["status", "upgrade", "plan"] {
        shop.run([command]).refused("foreign-history");
    }
    client.batch_execute("DROP TABLE dbmigrate_history; REVOKE ALL ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres; GRANT USAGE ON SCHEMA public TO app").await.unwrap();
    shop.run(["upgrade"]).refused("not-permitted");
    assert_eq!(shop.history("shop").await, None);
}
