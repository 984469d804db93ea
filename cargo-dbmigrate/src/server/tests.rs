#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! Every test here runs a real PostgreSQL; one without its server fails.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::Result;
use tempfile::TempDir;

use super::*;

mod docker;
mod embedded;
mod local;
mod url;

pub(super) fn quiet() -> Note<'static> {
    &|_| {}
}

/// A cache directory of its own for a test.
pub(super) fn cache() -> TempDir {
    tempfile::Builder::new().prefix("dbmigrate-cache-").tempdir().unwrap()
}

pub(super) fn local(cache: &TempDir) -> Request {
    Request::new(Way::Local, cache.path())
}

/// The run directory of a private cluster.
pub(super) fn directory(server: &Server) -> PathBuf {
    match server.config.get_hosts() {
        [tokio_postgres::config::Host::Unix(path)] => path.clone(),
        other => panic!("not a private cluster: {other:?}"),
    }
}

/// The private clusters' directories with a token in their name, wherever they may be.
pub(super) fn directories_of(token: &str) -> Vec<PathBuf> {
    let parents = [env::temp_dir(), "/tmp".into(), "/dev/shm".into()];
    let mut found: Vec<_> = parents
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.to_string_lossy().contains(&format!("dbmigrate-{token}")))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// How many runs are in a cache's register.
pub(super) fn runs(cache: &TempDir) -> usize {
    fs::read_dir(cache.path().join("runs")).unwrap().count()
}

/// The refusal in an error.
pub(super) fn refusal<T>(result: Result<T>) -> Refusal {
    match result {
        Ok(_) => panic!("this should have been refused"),
        Err(error) => error.downcast::<Refusal>().unwrap(),
    }
}

pub(super) async fn names(server: &Server) -> Vec<String> {
    let rows =
        server.admin.query("SELECT datname FROM pg_database WHERE NOT datistemplate", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

pub(super) async fn run_sql(server: &Server, database: &str, sql: &str) {
    let client = database::connect(&server.config(database)).await.unwrap();
    client.batch_execute(sql).await.unwrap();
}

pub(super) async fn count(server: &Server, database: &str, sql: &str) -> i64 {
    let client = database::connect(&server.config(database)).await.unwrap();
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Starts this test program again with other environment variables, to be refused. Answers the refusal's id and message.
pub(super) fn refused_with(way: &str, cache: &Path, more: &[(&str, &str)]) -> String {
    said(way, cache, more, "refused ")
}

/// Starts this test program again, to run [`helper_that_is_killed`] alone, and kills it when it has a database.
/// Answers that database's name.
pub(super) fn killed(way: &str, cache: &Path) -> String {
    killed_with(way, cache, &[])
}

/// The same, with more environment variables.
pub(super) fn killed_with(way: &str, cache: &Path, more: &[(&str, &str)]) -> String {
    said(way, cache, more, "made ")
}

fn said(way: &str, cache: &Path, more: &[(&str, &str)], wanted: &str) -> String {
    let mut child = helper(way, cache, more);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let text = lines.map_while(Result::ok).find_map(|line| line.strip_prefix(wanted).map(str::to_owned));
    child.kill().unwrap();
    child.wait().unwrap();
    text.unwrap_or_else(|| panic!("the helper says `{wanted}`"))
}

/// This test program again, running [`helper_that_is_killed`] alone.
pub(super) fn helper(way: &str, cache: &Path, more: &[(&str, &str)]) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "server::tests::helper_that_is_killed", "--nocapture"])
        .env("DBMIGRATE_TEST_HOLD", way)
        .env("DBMIGRATE_TEST_CACHE", cache)
        .envs(more.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test by itself: the process that [`killed`] kills.
#[tokio::test(flavor = "multi_thread")]
async fn helper_that_is_killed() {
    let Ok(way) = env::var("DBMIGRATE_TEST_HOLD") else { return };
    let mut request = Request::new(way.parse().unwrap(), env::var("DBMIGRATE_TEST_CACHE").unwrap());
    request.offline = env::var_os("DBMIGRATE_TEST_OFFLINE").is_some();
    if let Ok(image) = env::var("DBMIGRATE_TEST_DOCKER_IMAGE") {
        request.image = image;
    }
    #[allow(clippy::print_stdout, reason = "the parent process reads it")]
    let server = match start(&request, quiet()).await {
        Ok(server) => {
            println!("\nmade {}", server.create_database().await.unwrap().name());
            server
        }
        Err(error) => {
            let refused = error.downcast::<Refusal>().unwrap();
            println!("\nrefused {} {}", refused.kind.id(), refused.message.replace('\n', " "));
            return;
        }
    };
    tokio::time::sleep(Duration::from_secs(600)).await;
    drop(server);
}

#[test]
fn ways_are_read() {
    assert_eq!("docker".parse::<Way>().unwrap(), Way::Docker);
    assert!(matches!("host=/tmp user=me".parse::<Way>().unwrap(), Way::Url(_)));
    let secret = "postgres://me:geheim@db.example:6543/x".parse::<Way>().unwrap();
    assert_eq!(format!("{secret} {secret:?}"), "db.example:6543 Way(db.example:6543)");
    let refused = "dokcer".parse::<Way>().unwrap_err();
    assert!(refused.hint.contains("did you mean `docker`?"), "{}", refused.hint);
}

#[test]
fn old_servers_are_refused() {
    assert!(supported(130_000, "13.0").is_ok());
    let refused = supported(120_022, "12.22").unwrap_err();
    assert_eq!(refused.kind, Kind::ServerVersion);
    assert!(refused.message.contains("12.22"), "{refused}");
}
