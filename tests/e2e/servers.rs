//! Throwaway servers that cannot be had, and those that the user names.

use dbmigrate_tests::{Project, cache, shot, url};

use crate::sets::USERS;

/// Nowhere a program, an engine or a download.
#[test]
fn no_server_at_all() {
    let project = Project::finalized(&[USERS]);
    let empty = project.path("target/empty");
    std::fs::create_dir_all(&empty).unwrap();
    let ran = project
        .command(["verify", "--server", "auto", "--offline"])
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .env("DBMIGRATE_PG_BIN", &empty)
        .run();
    let ran = ran.unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    for way in ["docker", "local", "embedded"] {
        assert!(ran.stderr.contains(way), "{ran}");
    }
}

#[test]
fn no_engine() {
    let project = Project::finalized(&[USERS]);
    let ran = project
        .command(["verify", "--server", "docker"])
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .run();
    let ran = ran.unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    shot!(ran);
}

#[test]
fn no_programs() {
    let project = Project::finalized(&[USERS]);
    let ran = project.command(["verify"]).env("DBMIGRATE_PG_BIN", "/nonexistent/bin").run().unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    shot!(ran);
}

#[test]
fn nobody_listens() {
    let project = Project::finalized(&[USERS]);
    let ran = project.run(["verify", "--server", "postgres://me:hunter2@127.0.0.1:1/x"]).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    shot!(ran);
}

#[test]
fn no_download_when_offline() {
    let project = Project::finalized(&[USERS]);
    let ran = project
        .command(["verify", "--server", "embedded", "--offline"])
        .env("DBMIGRATE_CACHE", project.path("target/cache"))
        .run()
        .unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    shot!(ran);
}

/// The roles and extensions that migrations take for granted.
#[test]
fn set_up_first() {
    let project = Project::finalized(&[(
        "grant",
        "CREATE TABLE t ();\nGRANT SELECT ON t TO reader;\n",
        "DROP TABLE t;\n",
    )]);
    project.run(["verify"]).found(["up-fails"]);
    project.write("setup.sql", "CREATE ROLE reader;\n");
    project.run(["verify", "--setup", "setup.sql"]).success();
    project.write("setup.sql", "CREATE ROLE reader;\nCREATE ROEL writer;\n");
    let ran = project.run(["verify", "--setup", "setup.sql"]).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    shot!(ran);
}

/// On the server of somebody else nothing stays and nothing is touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_server() {
    use cargo_dbmigrate::server::{Request, Way, start};
    let server = start(&Request::new(Way::Local, cache()), &|_| ()).await.unwrap();
    let (admin, connection) = server.config("postgres").connect(tokio_postgres::NoTls).await.unwrap();
    let watch_admin = tokio::spawn(connection);
    // Looks like ours, but carries no mark.
    admin.batch_execute("CREATE DATABASE dbmigrate_tmp_0123456789ab_1").await.unwrap();
    let theirs = server.config("dbmigrate_tmp_0123456789ab_1");
    let (client, connection) = theirs.connect(tokio_postgres::NoTls).await.unwrap();
    let watch = tokio::spawn(connection);
    client.batch_execute("CREATE TABLE precious AS SELECT 1 AS n").await.unwrap();
    let names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database";
    let before: String = client.query_one(names, &[]).await.unwrap().get(0);

    let url = url(&server.config("postgres"));
    let ran = tokio::task::spawn_blocking(move || {
        let project = Project::finalized(&[USERS, ("fails", "CREATE TABLE a ();\n", "DROP TABLE b;\n")]);
        project.run(["verify", "--server", &url]).found(["down-fails"])
    });
    ran.await.unwrap();

    let after: String = client.query_one(names, &[]).await.unwrap().get(0);
    assert_eq!(before, after);
    let rows: i64 = client.query_one("SELECT count(*) FROM precious", &[]).await.unwrap().get(0);
    assert_eq!(rows, 1);
    drop((client, admin));
    watch.await.unwrap().unwrap();
    watch_admin.await.unwrap().unwrap();
    server.stop().await.unwrap();
}
