//! The room against real servers: those of `DBMIGRATE_TEST_BINDIRS` (folders of PostgreSQL programs, `:` between them), or
//! the newest one that is installed. Each test has clusters of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod pairs;
mod refresh;

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// A private cluster on a Unix socket; stopped and removed when dropped.
struct Cluster {
    programs: PathBuf,
    folder: TempDir,
}

fn bindirs() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("DBMIGRATE_TEST_BINDIRS") {
        return std::env::split_paths(&list).collect();
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL's programs, or DBMIGRATE_TEST_BINDIRS")
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    found.sort();
    vec![found.pop().expect("PostgreSQL's programs, or DBMIGRATE_TEST_BINDIRS")]
}

/// Runs one of PostgreSQL's programs, which refuse to run as root.
fn run(program: &Path, arguments: &[&str]) -> Output {
    let root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if root { Command::new("setpriv") } else { Command::new(program) };
    if root {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    }
    let output = command.args(arguments).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{program:?} {arguments:?}: {output:?}");
    output
}

impl Cluster {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("dbms").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Ok(id) = Command::new("id").args(["-u", "postgres"]).output() {
            let owner = String::from_utf8_lossy(&id.stdout).trim().parse().ok();
            let _not_root = chown(folder.path(), owner, None);
        }
        let cluster = Self { programs: programs.to_owned(), folder };
        let (data, log) = (cluster.data(), cluster.folder.path().join("log"));
        let options = format!(
            "-c fsync=off -c listen_addresses='' -c unix_socket_directories={} -c wal_level=logical -c max_locks_per_transaction=512",
            cluster.folder.path().display()
        );
        run(
            &programs.join("initdb"),
            &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        );
        run(
            &programs.join("pg_ctl"),
            &["-D", &data, "-w", "-l", log.to_str().unwrap(), "-o", &options, "start"],
        );
        cluster
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_str().unwrap().to_owned()
    }

    async fn connect(&self, database: &str) -> Client {
        let url = format!("host={} user=postgres dbname={database}", self.folder.path().display());
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn create(&self, database: &str) -> Client {
        self.connect("postgres").await.batch_execute(&format!("create database {database}")).await.unwrap();
        self.connect(database).await
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        run(&self.programs.join("pg_ctl"), &["-D", &self.data(), "-w", "-m", "immediate", "stop"]);
    }
}
