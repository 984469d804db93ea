//! A private PostgreSQL for one test: made in a temporary directory, durability off, on a Unix socket and a port of its own.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Names the directory of the programs to test with, instead of the newest that the machine has.
const BINDIR: &str = "DBMIGRATE_TEST_PG_BINDIR";

/// A server. Stopped and removed on drop.
pub struct Cluster {
    bin: PathBuf,
    directory: TempDir,
    user: Option<(u32, u32)>,
    port: u16,
    settings: Vec<String>,
    process: Option<Child>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// Sessions are ended and rolled back, and it ends as it should.
    Fast,
    /// As if it had crashed.
    Immediate,
}

impl Cluster {
    /// Makes and starts one. Panics when the machine has no PostgreSQL: a test must not pass without.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// As [`Cluster::start`], with settings as `name=value`.
    pub async fn with(settings: &[&str]) -> Self {
        let bin = programs();
        let directory = tempfile::Builder::new().prefix("dbmigrate-cluster").tempdir_in(fast()).unwrap();
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            chown(directory.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = directory.path().join("data");
        let made = command(&bin.join("initdb"), user)
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--no-instructions", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let settings = settings.iter().map(ToString::to_string).collect();
        let mut cluster = Self { bin, directory, user, port: free_port(), settings, process: None };
        cluster.run().await;
        cluster
    }

    /// Starts it, again if it was stopped, on the same port with the same data.
    pub async fn run(&mut self) {
        assert!(self.process.is_none(), "the server runs");
        let log =
            fs::File::options().create(true).append(true).open(self.directory.path().join("log")).unwrap();
        let mut program = command(&self.bin.join("postgres"), self.user);
        program
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.directory.path())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
            .args(["-c", "autovacuum=off", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"])
            .args(["-c", "max_wal_size=64MB", "-c", "checkpoint_timeout=1h", "-c", "jit=off"])
            .args(["-c", "max_prepared_transactions=10", "-c", "shared_buffers=16MB"]);
        for setting in &self.settings {
            program.args(["-c", setting]);
        }
        self.process = Some(program.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let patience = Instant::now() + Duration::from_secs(20);
        while self.try_connect("postgres").await.is_err() {
            assert!(Instant::now() < patience, "the server did not start: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A hot standby of it, which follows it. Needs `wal_level=replica` and a sender; this server is stopped for a moment.
    pub async fn standby(&mut self) -> Self {
        self.stop(Stop::Fast);
        let directory = tempfile::Builder::new().prefix("dbmigrate-cluster").tempdir_in(fast()).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(directory.path(), Some(uid), Some(gid)).unwrap();
        }
        let mut standby = Self {
            bin: self.bin.clone(),
            directory,
            user: self.user,
            port: free_port(),
            settings: self.settings.clone(),
            process: None,
        };
        let source = format!("primary_conninfo=host=127.0.0.1 port={} user=postgres", self.port);
        standby.settings.extend([source, "hot_standby=on".to_owned()]);
        let copied =
            command(Path::new("cp"), self.user).arg("-R").arg(self.data()).arg(standby.data()).status();
        assert!(copied.unwrap().success(), "cp {}", self.data().display());
        let mut mode = fs::metadata(self.data()).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o700);
        fs::set_permissions(standby.data(), mode).unwrap();
        fs::write(standby.data().join("standby.signal"), "").unwrap();
        if let Some((uid, gid)) = self.user {
            chown(standby.data().join("standby.signal"), Some(uid), Some(gid)).unwrap();
        }
        self.run().await;
        standby.run().await;
        standby
    }

    /// Stops it and keeps its data.
    pub fn stop(&mut self, how: Stop) {
        let Some(mut process) = self.process.take() else { return };
        let mode = match how {
            Stop::Fast => "--mode=fast",
            Stop::Immediate => "--mode=immediate",
        };
        let stopped = command(&self.bin.join("pg_ctl"), self.user)
            .args(["stop", "--silent", mode, "--pgdata"])
            .arg(self.data())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            process.kill().ok();
        }
        process.wait().ok();
    }

    /// The directory of its data: to change its settings before it is run again.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A new database, as a URL over TCP.
    pub async fn database(&self, name: &str) -> String {
        self.connect("postgres").await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        self.url(name)
    }

    /// The URL of a database over TCP.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A new connection to a database.
    pub async fn connect(&self, database: &str) -> Client {
        self.try_connect(database).await.unwrap()
    }

    async fn try_connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.directory.path()).port(self.port).user("postgres").dbname(database);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// The schema of a database as `pg_dump` writes it; `None` when these programs come without.
    pub async fn dump(&self, database: &str) -> Option<String> {
        let program = self.bin.join("pg_dump");
        if !program.exists() {
            return None;
        }
        let output = tokio::process::Command::new(program)
            .args(["--schema-only", "--no-sync", "--username=postgres", "--port"])
            .arg(self.port.to_string())
            .arg("--host")
            .arg(self.directory.path())
            .arg(database)
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "pg_dump {database}: {}", text(output.stderr));
        Some(text(output.stdout))
    }

    /// Runs a script with `psql` as this role, as somebody would who got it as a file: whether it went through, and what
    /// it said.
    pub async fn psql(&self, user: &str, database: &str, script: &str) -> (bool, String) {
        let file = self.directory.path().join("script.sql");
        fs::write(&file, script).unwrap();
        // Some packages of the server come without it; that of another version speaks to this one just as well.
        let own = self.bin.join("psql");
        let program = if own.exists() { own } else { PathBuf::from("psql") };
        let output = tokio::process::Command::new(program)
            .env_remove("PGHOST")
            .env("PGCLIENTENCODING", "LATIN1")
            .args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--username", user, "--port"])
            .arg(self.port.to_string())
            .arg("--host")
            .arg(self.directory.path())
            .arg("--file")
            .arg(file)
            .arg(database)
            .output()
            .await
            .unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }

    /// From now on this role has to show its password on TCP connections. Restarts the server.
    pub async fn demand_password(&mut self, role: &str) {
        self.stop(Stop::Fast);
        let file = self.data().join("pg_hba.conf");
        let rules = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("host all {role} 127.0.0.1/32 scram-sha-256\n{rules}")).unwrap();
        self.run().await;
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop(Stop::Immediate);
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a thousand databases are made and dropped again soonest: in memory, where there is enough of it.
fn fast() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = Command::new("df").arg("-Pk").arg(memory).output().ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    if free.is_some_and(|kilobytes| kilobytes > 1_000_000) { memory.into() } else { env::temp_dir() }
}

/// A program of PostgreSQL, run as a user that it accepts.
fn command(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C").env("TZ", "UTC");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// PostgreSQL refuses to run as root: then the user `postgres` must do it.
pub(crate) fn unprivileged() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let user = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
    Some(user.expect("root needs a user `postgres` to run the server as"))
}

fn programs() -> PathBuf {
    if let Some(path) = env::var_os(BINDIR) {
        return path.into();
    }
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let mut installed: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    installed.sort();
    installed.reverse();
    on_path
        .unwrap_or_default()
        .into_iter()
        .chain(installed)
        // What stands on the path may be a link to one program of many.
        .filter_map(|directory| Some(directory.join("initdb").canonicalize().ok()?.parent()?.into()))
        .find(|directory: &PathBuf| directory.join("pg_dump").exists())
        .unwrap_or_else(|| panic!("this test needs PostgreSQL's programs; name them in {BINDIR}"))
}
