//! Throwaway databases on a named server.

use super::*;

/// A server to name, and a connection string for a role on it.
async fn named(cache: &TempDir, sql: &str, user: &str) -> (Server, String) {
    let server = start(&local(cache), quiet()).await.unwrap();
    run_sql(&server, "postgres", sql).await;
    let url = format!("host={} user={user} password=geheim dbname=postgres", directory(&server).display());
    (server, url)
}

fn at(url: &str, cache: &TempDir) -> Request {
    Request::new(url.parse().unwrap(), cache.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_are_made_and_dropped_there() {
    let cache = cache();
    let (host, url) = named(&cache, "CREATE ROLE maker LOGIN CREATEDB", "maker").await;
    let server = start(&at(&url, &cache), quiet()).await.unwrap();
    assert!(!server.describe().contains("geheim"), "{}", server.describe());
    let first = server.create_database().await.unwrap();
    run_sql(&server, first.name(), "CREATE TABLE t ()").await;
    let second = server.copy_database(&first).await.unwrap();
    assert_eq!(count(&server, second.name(), "SELECT count(*) FROM pg_class WHERE relname = 't'").await, 1);
    server.drop_database(first).await.unwrap();
    assert_eq!(names(&host).await, ["postgres", second.name()]);
    server.stop().await.unwrap();
    assert_eq!(names(&host).await, ["postgres"]);

    let server = start(&at(&url, &cache), quiet()).await.unwrap();
    server.create_database().await.unwrap();
    drop(server);
    assert_eq!(names(&host).await, ["postgres"], "dropping the server drops its databases");
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_the_mark_is_never_touched() {
    let cache = cache();
    let (host, url) = named(&cache, "CREATE DATABASE dbmigrate_tmp_0123456789ab_1", "postgres").await;
    let server = start(&at(&url, &cache), quiet()).await.unwrap();
    assert!(names(&host).await.contains(&"dbmigrate_tmp_0123456789ab_1".to_owned()), "the sweep leaves it");

    let made = server.create_database().await.unwrap();
    let name = made.name().to_owned();
    run_sql(&host, "postgres", &format!("DROP DATABASE \"{name}\"")).await;
    run_sql(&host, "postgres", &format!("CREATE DATABASE \"{name}\"")).await;
    let refused = refusal(server.drop_database(made).await);
    assert_eq!(refused.kind, Kind::ForeignDatabase);
    server.stop().await.unwrap();
    assert!(names(&host).await.contains(&name), "the name alone is not enough");
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_a_killed_run_are_dropped_by_the_next() {
    let cache = cache();
    let (host, url) = named(&cache, "SELECT 1", "postgres").await;
    let living = start(&at(&url, &cache), quiet()).await.unwrap();
    let kept = living.create_database().await.unwrap();
    let name = killed(&url, cache.path());
    // Its connections end a moment after it.
    for _ in 0..100 {
        if count(&host, "postgres", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(names(&host).await.contains(&name));
    start(&at(&url, &cache), quiet()).await.unwrap().stop().await.unwrap();
    assert_eq!(names(&host).await, ["postgres", kept.name()], "the living run keeps its own");
    living.stop().await.unwrap();
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_and_no_password_is_shown() {
    let cache = cache();
    let (host, url) = named(&cache, "CREATE ROLE reader LOGIN", "reader").await;
    let cases = [
        (url, Kind::ServerPermission),
        ("postgres://me:geheim@127.0.0.1:1/x".to_owned(), Kind::ServerUnreachable),
        ("postgres://me:geheim@localhost/x?sslmode=require".to_owned(), Kind::ServerTls),
        ("postgres://me:geheim@localhost/x?sslmode=verify-full".to_owned(), Kind::ServerTls),
        ("postgres://me:geheim@localhost:geheim/x".to_owned(), Kind::ServerUnknown),
        ("host=localhost geheim=geheim".to_owned(), Kind::ServerUnknown),
    ];
    for (url, kind) in cases {
        let error = start(&at(&url, &cache), quiet()).await.map(drop).unwrap_err();
        let shown = format!("{error:?}").replace("option `geheim`", "");
        let refused = error.downcast::<Refusal>().unwrap();
        assert_eq!(refused.kind, kind, "{refused}");
        assert!(!format!("{shown}{}", refused.hint).contains("geheim"), "{shown}");
    }
    assert_eq!(names(&host).await, ["postgres"]);
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_exists_is_an_error_of_the_setup_and_nothing_stays() {
    let cache = cache();
    let (host, url) = named(&cache, "CREATE ROLE app", "postgres").await;
    let mut request = at(&url, &cache);
    request.setup = vec![Setup { label: "setup".into(), sql: "CREATE ROLE app".into() }];
    let refused = refusal(start(&request, quiet()).await.map(drop));
    assert_eq!(refused.kind, Kind::ServerSetup);
    assert_eq!(refused.excerpt.unwrap().sqlstate.as_deref(), Some("42710"));
    assert_eq!(names(&host).await, ["postgres"]);
    host.stop().await.unwrap();
}
