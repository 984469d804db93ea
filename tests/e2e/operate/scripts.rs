//! `plan`: what it prints is run by the real `psql`, and leaves what the command leaves.

use cargo_dbmigrate::snapshot::capture;
use dbmigrate_tests::Project;

use super::Shop;
use crate::sets::{NICK, ORDERS, Set, USERS};

/// Texts that end in every way, names and values with every quote, and statements that run on their own.
const HARD: &[Set<'_>] = &[
    USERS,
    (
        "quotes",
        "CREATE TABLE \"Straße 'x'\" (a text DEFAULT 'C:\\dir; -- no' NOT NULL) -- the end;",
        "DROP TABLE \"Straße 'x'\"",
    ),
    (
        "function",
        "CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS $dbmigrate$ BEGIN RETURN n; END $dbmigrate$;\n\
         SELECT pg_catalog.set_config('search_path', '', false);\n",
        "DROP FUNCTION f /* ; */",
    ),
    ORDERS,
    (
        "on_its_own",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY by_email ON users (lower(email));\nALTER TABLE users ADD COLUMN lowered text;\nINSERT INTO users (id, email) SELECT n, 'A' || n FROM generate_series(1, 25) n\n",
        "DROP INDEX CONCURRENTLY by_email;\nALTER TABLE users DROP COLUMN lowered;\nDELETE FROM users -- all\n",
    ),
];

/// A draft, since only those may be written by hand here.
const REPEAT: Set<'_> = (
    "repeat",
    "-- dbmigrate: no-transaction\n\n-- dbmigrate: repeat\nUPDATE users SET lowered = lower(email) || '$statement$' WHERE id IN (SELECT id FROM users WHERE lowered IS NULL LIMIT 10);\nCREATE INDEX CONCURRENTLY by_lowered ON users (lowered);\n",
    "DROP INDEX by_lowered;\nUPDATE users SET lowered = NULL;\n",
);

async fn same(shop: &Shop, what: &str) {
    let (one, two) = (shop.cluster.connect("shop").await, shop.cluster.connect("psql").await);
    let ignore = ["public.dbmigrate_history".to_owned()];
    let (there, should_be) = (capture(&two, &ignore).await.unwrap(), capture(&one, &ignore).await.unwrap());
    let lines: Vec<_> = there.diff(&should_be).lines().iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{what}:\n{}", lines.join("\n"));
    let rows = "SELECT jsonb_agg(to_jsonb(h) - 'applied_on' - 'duration_ms' - 'tool' ORDER BY version)::text \
                FROM dbmigrate_history h";
    let (a, b): (Option<String>, Option<String>) =
        (one.query_one(rows, &[]).await.unwrap().get(0), two.query_one(rows, &[]).await.unwrap().get(0));
    assert_eq!(a, b, "{what}");
}

/// Plans for one database, runs the script on it with psql, and the command on the other.
async fn both(shop: &Shop, plan: &[&str], command: &[&str]) {
    let script =
        shop.project.command([]).args(plan).env("DATABASE_URL", shop.url("psql")).run().success().stdout;
    let (fine, said) = shop.cluster.psql("app", "psql", &script).await;
    assert!(fine, "{plan:?}: {said}\n{script}");
    super::discreet(shop.command([]).args(command).run()).success();
    same(shop, &format!("{plan:?}")).await;
}

#[tokio::test]
async fn psql_runs_the_plan() {
    let shop = Shop::new(Project::finalized(HARD).drafts(&[REPEAT])).await;
    shop.database("psql").await;
    both(&shop, &["plan", "+2"], &["upgrade", "+2"]).await;
    both(&shop, &["plan"], &["upgrade"]).await;
    let filled = "SELECT count(*) FROM users WHERE lowered LIKE 'a%$statement$'";
    let client = shop.cluster.connect("psql").await;
    assert_eq!(client.query_one(filled, &[]).await.unwrap().get::<_, i64>(0), 25);
    both(&shop, &["plan", "create_orders", "--down"], &["downgrade", "create_orders"]).await;
    both(&shop, &["plan", "base"], &["downgrade", "base"]).await;
    let nothing = shop.run(["plan", "base"]).success();
    assert_eq!(nothing.stdout, "-- nothing to run\n");
}

#[tokio::test]
async fn psql_stops_where_the_plan_fails_or_another_migrates() {
    let broken = ("broken", "CREATE TABLE b ();\nSELECT nowhere;\n", "DROP TABLE b;\n");
    let shop = Shop::new(Project::finalized(&[USERS]).drafts(&[broken, NICK])).await;
    let script = shop.run(["plan"]).success().stdout;
    let (_, rest) = script.split_once("pg_try_advisory_lock(").unwrap();
    let key = rest.split(')').next().unwrap();
    let client = shop.cluster.connect("shop").await;
    client.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    let (fine, said) = shop.cluster.psql("app", "shop", &script).await;
    assert!(!fine && said.contains("division by zero"), "{said}");
    assert_eq!(shop.history("shop").await, None);
    client.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    let (fine, said) = shop.cluster.psql("app", "shop", &script).await;
    assert!(!fine && said.contains("nowhere"), "{said}");
    assert_eq!(shop.applied().await, ["create_users"]);
}
