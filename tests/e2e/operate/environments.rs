//! Which database is meant.

use dbmigrate_tests::{Command, Project};

use super::{Shop, discreet};
use crate::sets::USERS;

/// Port 1 answers nobody: what counts is which database is named first.
fn meant(command: Command) -> String {
    let ran = discreet(command.run());
    assert_eq!((ran.code(), ran.ids("error")), (2, vec!["cannot-connect".to_owned()]), "{ran}");
    ran.stderr.lines().next().unwrap().to_owned()
}

#[test]
fn what_goes_before_what() {
    let project = Project::finalized(&[USERS]);
    let url = |name: &str| format!("postgres://app:s3cret@127.0.0.1:1/{name}?sslmode=disable");
    let named = |name: &str, more: &str| format!("database {name} on 127.0.0.1:1 as app, TLS disable{more}");
    let docker = || {
        project
            .command(["status"])
            .env("POSTGRES_HOST", "127.0.0.1")
            .env("POSTGRES_PORT", "1")
            .env("POSTGRES_USER", "app")
            .env("POSTGRES_PASSWORD", "s3cret")
            .env("POSTGRES_DB", "docker")
            .env("PGSSLMODE", "disable")
    };
    assert_eq!(meant(docker()), named("docker", ""));
    assert_eq!(meant(docker().env("PGDATABASE", "libpq")), named("libpq", ""));
    project.write(".env", format!("DATABASE_URL={}\n", url("dotenv")));
    let libpq = || docker().env("PGDATABASE", "libpq");
    assert_eq!(meant(libpq()), named("dotenv", ""));
    assert_eq!(meant(libpq().env("DATABASE_URL", url("common"))), named("common", ""));
    project.edit("Cargo.toml", |text| {
        let table = "[package.metadata.dbmigrate]";
        assert!(text.contains(table), "{text}");
        text.replace(table, &format!("{table}\nurl = {{ env = \"OWN\" }}"))
            + "\n[package.metadata.dbmigrate.env.staging]\nurl = \"postgres://app@127.0.0.1:1/staging\"\n\
               [package.metadata.dbmigrate.env.production]\nurl = { env = \"PRODUCTION\" }\nprotected = true\nlock-timeout = \"2s\"\n\
               [package.metadata.dbmigrate.env.empty]\n"
    });
    let all =
        || libpq().env("DATABASE_URL", url("common")).env("OWN", url("own")).env("PRODUCTION", url("live"));
    assert_eq!(meant(all()), named("own", ""));
    assert_eq!(meant(all().env("DBMIGRATE_URL", url("variable"))), named("variable", ""));
    let production = || all().env("DBMIGRATE_URL", url("variable")).env("DBMIGRATE_ENV", "production");
    assert_eq!(meant(production()), named("live", " (environment production, protected)"));
    assert_eq!(meant(production().args(["--env", "staging"])), named("staging", " (environment staging)"));
    let given = production().args(["--database-url", &url("given")]);
    assert_eq!(meant(given), named("given", " (environment production, protected)"));
    // An environment never falls back to another database.
    discreet(all().args(["--env", "empty"]).run()).refused("no-database");
    discreet(all().without("PRODUCTION").args(["--env", "production"]).run()).refused("bad-value");
}

#[test]
fn what_names_no_database() {
    let project = Project::finalized(&[USERS]);
    project.run(["status"]).refused("no-database");
    let bad = project.command(["status", "--database-url", "postgres://app:s3cret@127.0.0.1:no/shop"]).run();
    let bad = discreet(bad).refused("bad-value");
    assert!(bad.stderr.contains("`--database-url`"), "{bad}");
    let ran = project.run(["status", "--env", "production"]).refused("unknown-environment");
    assert!(ran.stderr.contains("env.NAME"), "{ran}");
    let with = |text: &str| {
        let project = Project::new();
        project.manifest(&format!("[package.metadata.dbmigrate]\n{text}\n"));
        project
    };
    let environment = "[package.metadata.dbmigrate.env.production]\nurl = { env = \"X\" }\n";
    let ran = with(environment).run(["status", "--env", "prodution"]).refused("unknown-environment");
    assert!(ran.stderr.contains("did you mean `production`?"), "{ran}");
    for (text, id) in [
        (format!("{environment}protect = true"), "unknown-key"),
        (format!("{environment}protected = \"yes\""), "bad-value"),
        (format!("{environment}lock-timeout = \"soon\""), "bad-value"),
        (format!("{environment}statement-timeout = 5"), "bad-value"),
        ("env = true".to_owned(), "bad-value"),
        ("env.production = 1".to_owned(), "bad-value"),
        ("env.production.url = { var = \"X\" }".to_owned(), "bad-value"),
        ("env.production.url = \"postgres://app:s3cret@h/d\"".to_owned(), "secret-in-manifest"),
        ("url = \"postgres://app@h/d?password=s3cret\"".to_owned(), "secret-in-manifest"),
    ] {
        // It does not wait until the environment is used.
        discreet(with(&text).run(["verify"])).refused(id);
    }
    let ran = with(&format!("{environment}protect = true")).run(["verify"]);
    assert!(ran.stderr.contains("did you mean `protected`?"), "{ran}");
}

#[tokio::test]
async fn two_environments() {
    let shop = Shop::finalized(&[USERS]).await;
    shop.database("staging").await;
    shop.project.edit("Cargo.toml", |text| {
        format!("{text}\n[package.metadata.dbmigrate.env.staging]\nurl = {{ env = \"STAGING\" }}\n")
    });
    let staging = |arguments: [&str; 3]| {
        discreet(shop.command(arguments).env("STAGING", shop.url("staging")).run()).success()
    };
    let ran = staging(["upgrade", "--env", "staging"]);
    assert!(ran.stderr.starts_with("database staging on "), "{ran}");
    assert_eq!(
        (shop.history("shop").await, shop.history("staging").await.map(|rows| rows.len())),
        (None, Some(1))
    );
    shop.run(["upgrade"]).success();
    staging(["stamp", "base", "--env=staging"]);
    assert_eq!(
        (shop.applied().await.len(), shop.history("staging").await.map(|rows| rows.len())),
        (1, Some(0))
    );
}

/// A wrong password is told without telling it, and a right one may come from elsewhere.
#[tokio::test]
async fn passwords_are_never_shown() {
    let shop = Shop::finalized(&[USERS]).await;
    let url = format!("postgres://app@127.0.0.1:{}/shop", shop.cluster.port());
    let command = || shop.command(["status", "-v", "--database-url", &url]);
    discreet(command().env("PGPASSWORD", super::PASSWORD).run()).success();
    let ran = discreet(command().env("PGPASSWORD", "s3cr-wrong").run()).refused("cannot-connect");
    assert!(ran.stderr.contains("password authentication failed"), "{ran}");
    discreet(command().run()).refused("cannot-connect");
}

/// The limits reach the server.
#[tokio::test]
async fn limits_of_an_environment() {
    let sleep = ("sleep", "SELECT pg_sleep(60);\n", "SELECT 1;\n");
    let shop = Shop::finalized(&[USERS, sleep]).await;
    shop.project.edit("Cargo.toml", |text| {
        format!("{text}\n[package.metadata.dbmigrate.env.here]\nurl = {{ env = \"DATABASE_URL\" }}\nstatement-timeout = \"100ms\"\n")
    });
    let ran = shop.run(["upgrade", "--env", "here"]).refused("sql");
    assert!(ran.stderr.contains("statement timeout"), "{ran}");
    assert_eq!(shop.applied().await, ["create_users"]);
}
