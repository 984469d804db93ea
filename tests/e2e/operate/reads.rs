//! `status` and `history`.

use std::collections::BTreeSet;

use dbmigrate_tests::Project;
use serde_json::Value;

use super::{Shop, discreet};
use crate::sets::{FIRST, NICK, ORDERS, USERS};

#[tokio::test]
async fn status_tells_and_writes_nothing() {
    let shop = Shop::finalized(&[USERS, ORDERS]).await;
    let ran = shop.run(["status"]).success().unchanged();
    assert!(ran.stderr.starts_with("database shop on 127.0.0.1:"), "{ran}");
    assert!(ran.stderr.contains(" as app"), "{ran}");
    assert!(ran.stdout.contains("2 pending"), "{ran}");
    assert_eq!(shop.history("shop").await, None);
    assert_eq!(shop.run(["status", "--exit-code"]).code(), 1);
    shop.run(["upgrade"]).success();
    let ran = shop.run(["status", "--exit-code"]).success();
    assert!(ran.stdout.contains("up to date") && ran.stdout.contains("2 tables"), "{ran}");
    let json = shop.run(["status", "--format", "json"]).success().json();
    assert_eq!(json["up_to_date"], true);
    assert_eq!((&json["tables"], &json["summary"]["applied"]), (&2.into(), &2.into()));
    assert!(json["size_bytes"].as_i64().unwrap() > 1_000_000, "{json}");
    let every = shop.run(["status", "-v"]).success();
    assert_eq!(every.stdout.matches("  applied  V").count(), 2, "{every}");
}

#[tokio::test]
async fn status_knows_drafts() {
    let project = Project::finalized(&[USERS]).drafts(&[ORDERS]);
    let shop = Shop::new(project).await;
    shop.run(["upgrade"]).success();
    let json = shop.run(["status", "--format", "json"]).success().json();
    assert_eq!((&json["summary"]["drafts"], &json["summary"]["pending"]), (&1.into(), &0.into()));
    assert_eq!(json["migrations"][1]["stage"], "draft");
    let ran = shop.run(["history", "--graph"]).success();
    assert!(ran.stdout.contains("●  V20200101000001__create_users"), "{ran}");
    assert!(ran.stdout.contains("\n╰╮\n ●  20200601000001__create_orders"), "{ran}");
}

#[tokio::test]
async fn a_database_that_is_ahead_or_behind() {
    let shop = Shop::finalized(&[USERS, ORDERS, NICK]).await;
    shop.run(["upgrade"]).success();
    let other = |migrations: &[_]| Project::finalized(migrations);
    let run = |project: &Project, arguments: &[&str]| {
        discreet(project.command([]).args(arguments).env("DATABASE_URL", shop.url("shop")).run())
    };
    let older = other(&[USERS]);
    run(&older, &["status"]).found(["database-ahead", "database-ahead"]);
    run(&older, &["status", "--database-ahead", "allow"]).success();
    run(&older, &["upgrade"]).refused("database-ahead");
    run(&older, &["upgrade", "--database-ahead", "allow"]).success();
    // An applied file with another text, and one that is not here although a newer one is.
    let edited = other(&[
        (USERS.0, "CREATE TABLE users (id bigint);\n", USERS.2),
        ("other", "SELECT 1;", "SELECT 1;"),
        NICK,
    ]);
    run(&edited, &["status"]).found(["divergent", "divergent"]);
    run(&edited, &["upgrade"]).refused("divergent");
    assert_eq!(shop.applied().await, ["create_users", "create_orders", "add_nick"]);
}

#[tokio::test]
async fn a_late_migration() {
    let shop = Shop::finalized(&[USERS, ORDERS, NICK]).await;
    shop.run(["upgrade"]).success();
    let client = shop.cluster.connect("shop").await;
    client
        .batch_execute("DROP TABLE orders; DELETE FROM dbmigrate_history WHERE name = 'create_orders'")
        .await
        .unwrap();
    shop.run(["status"]).found(["late"]);
    shop.run(["upgrade"]).refused("late");
    shop.run(["status", "--out-of-order", "apply"]).success();
    shop.run(["upgrade", "--out-of-order", "apply"]).success();
    shop.run(["status", "--exit-code"]).success();
}

#[tokio::test]
async fn a_lock_that_is_not_intact() {
    let shop = Shop::finalized(&[USERS]).await;
    shop.project.edit(FIRST, |text| format!("{text}-- more\n"));
    for command in ["status", "history", "plan", "upgrade", "redo"] {
        shop.run([command]).found(["file-edited"]);
    }
    for command in ["downgrade", "stamp"] {
        shop.run([command, "base"]).found(["file-edited"]);
    }
    assert_eq!(shop.history("shop").await, None);
}

/// The page shows objects with the very fields that the program writes.
#[tokio::test]
async fn the_documented_json_is_the_json() {
    let shop = Shop::new(Project::finalized(&[USERS]).drafts(&[NICK])).await;
    let older = Project::new().drafts(&[]);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md")).unwrap();
    let page = page.split_once("## `status`").unwrap().1.split("\n## ").take(1).collect::<String>();
    let documented: Vec<Value> = page
        .split("```json\n")
        .skip(1)
        .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
        .collect();
    let of = |command: &str| {
        let found = documented.iter().find(|value| value["command"] == command);
        fields(found.unwrap_or_else(|| panic!("docs/json.md does not show `{command}`")))
    };
    let json = |arguments: &[&str]| {
        discreet(shop.command(["--format", "json"]).args(arguments).run()).success().json()
    };
    assert_eq!(of("plan"), fields(&json(&["plan"])));
    assert_eq!(of("upgrade"), fields(&json(&["upgrade"])));
    assert_eq!(of("history"), fields(&json(&["history"])));
    assert_eq!(of("stamp"), fields(&json(&["stamp", "base"])));
    json(&["stamp", "head"]);
    let status = older.command(["status", "--format", "json"]).env("DATABASE_URL", shop.url("shop")).run();
    assert_eq!(of("status"), fields(&status.json()));
}

/// The paths of all fields.
fn fields(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| walk(value, &format!("{path}[]"), found)),
            Value::Object(map) => map.iter().for_each(|(name, value)| {
                let path = format!("{path}.{name}");
                walk(value, &path, found);
                found.insert(path);
            }),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}
