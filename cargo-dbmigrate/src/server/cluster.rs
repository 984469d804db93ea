//! A private cluster: PostgreSQL's own programs on a directory that only this run knows, reached through a Unix socket.
//! Nothing in it is meant to survive, so durability is off.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio_postgres::Config;

use super::account::Account;
use super::run::{Keeper, Made, Run};
use super::template::{Template, blocked_hint, remove};
use super::{database, process, unusable};
use crate::problem::{Kind, Refusal};

/// How long the server may take until it answers.
const READY: Duration = Duration::from_secs(30);

/// The longest path of a Unix socket that all systems take.
const SOCKET_PATH: usize = 103;

/// Durability off, nothing in the background, room for migrations that lock thousands of tables. `wal_level` is logical
/// so that publications are created without a warning.
pub(super) const SETTINGS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=logical",
    "wal_init_zero=off",
    "wal_recycle=off",
    "autovacuum=off",
    "bgwriter_lru_maxpages=0",
    "checkpoint_timeout=1h",
    "max_wal_size=4GB",
    "max_connections=40",
    "max_locks_per_transaction=1024",
    "max_prepared_transactions=8",
    "shared_buffers=64MB",
    "dynamic_shared_memory_type=mmap",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=fatal",
    "logging_collector=off",
];

/// A running private cluster. Dropping it stops the server and removes the directory.
pub(super) struct Cluster {
    directory: PathBuf,
    programs: Option<PathBuf>,
    keeper: Keeper,
    child: Option<Child>,
}

impl Cluster {
    /// Starts a cluster with the programs in `bin`; with a copy of them if `copy` names the directory to copy.
    pub(super) async fn start(bin: &Path, copy: Option<&Path>, cache: &Path, run: &mut Run) -> Result<Self> {
        let account = Account::to_drop_to()?;
        let account = account.as_ref();
        let template = Template::of(bin, cache)?;
        let mut cluster = Self::directory(run, account)?;
        let copied = copy.map(|home| cluster.copy_programs(home, run)).transpose()?;
        let bin = copied.as_deref().unwrap_or(bin);
        if template.copy_to(&cluster.data(), account)? {
            match cluster.launch(bin, account).await {
                Ok(()) => return Ok(cluster),
                // A damaged template is one reason among others: with a fresh cluster the others show themselves again.
                Err(_) => {
                    template.remove();
                    cluster.stop();
                    remove(&cluster.data())
                        .map_err(|error| unusable(&cluster.data(), "make a private cluster", error))?;
                }
            }
        }
        template.make(&cluster.data(), account, run)?;
        cluster.launch(bin, account).await?;
        Ok(cluster)
    }

    /// How to reach it.
    pub(super) fn config(&self) -> Config {
        let mut config = Config::new();
        config.host_path(&self.directory).user("postgres").dbname("postgres");
        config
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Makes the run's directory, where the path of a socket in it is not too long.
    fn directory(run: &mut Run, account: Option<&Account>) -> Result<Self> {
        let name = run.directory_name();
        let mut tried: Option<(PathBuf, io::Error)> = None;
        for parent in memory().into_iter().chain([env::temp_dir(), PathBuf::from("/tmp")]) {
            let directory = parent.join(&name);
            if directory.join(".s.PGSQL.5432").as_os_str().len() > SOCKET_PATH {
                continue;
            }
            if account.is_some_and(|account| !account.can_enter(&parent)) {
                continue;
            }
            run.record(&Made::Directory(directory.clone()))?;
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => {
                    let cluster = Self { directory, programs: None, keeper: run.keeper(), child: None };
                    account
                        .map_or(Ok(()), |account| account.own(&cluster.directory))
                        .map_err(|error| unusable(&cluster.directory, "make a private cluster", error))?;
                    return Ok(cluster);
                }
                Err(error) => tried = Some((parent, error)),
            }
        }
        Err(match tried {
            Some((parent, error)) => unusable(&parent, "make a private cluster", error),
            None => Refusal::new(
                Kind::ServerDirectory,
                format!(
                    "no temporary directory is short enough for a Unix socket: `{}`",
                    env::temp_dir().display()
                ),
                "set `TMPDIR` to a directory with a shorter path",
            ),
        }
        .into())
    }

    /// Copies the programs to where the server's account can run them.
    fn copy_programs(&mut self, home: &Path, run: &mut Run) -> Result<PathBuf> {
        // Not beside the data: memory file systems often forbid to run programs.
        let target = env::temp_dir().join(format!("{}-programs", run.directory_name()));
        run.record(&Made::Directory(target.clone()))?;
        let target = self.programs.insert(target);
        copy_readable(home, target).map_err(|error| unusable(target, "copy PostgreSQL's programs", error))?;
        Ok(target.join("bin"))
    }

    /// Starts the server and waits until it answers.
    async fn launch(&mut self, bin: &Path, account: Option<&Account>) -> Result<()> {
        let log = self.directory.join("log");
        let file = File::create(&log).map_err(|error| unusable(&log, "start PostgreSQL", error))?;
        let mut command = Command::new(bin.join("postgres"));
        command.arg("-D").arg(self.data());
        for setting in SETTINGS.iter().chain(&["listen_addresses="]) {
            command.args(["-c", setting]);
        }
        command.arg("-c").arg(format!("unix_socket_directories={}", self.directory.display()));
        surroundings(&mut command, &self.directory, account);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().map_err(|error| {
            Refusal::new(
                Kind::ServerStart,
                format!("`{}` cannot be run: {error}", bin.join("postgres").display()),
                blocked_hint(bin, account),
            )
        })?;
        let child = self.child.insert(child);

        let mut config = Config::new();
        config.host_path(&self.directory).user("postgres").dbname("postgres");
        let deadline = Instant::now() + READY;
        loop {
            if let Some(status) = child.try_wait()? {
                let text = fs::read_to_string(&log).unwrap_or_default();
                return Err(not_started(&format!("it ended with {status}"), &text).into());
            }
            if self.directory.join(".s.PGSQL.5432").exists() && database::connect(&config).await.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let text = fs::read_to_string(&log).unwrap_or_default();
                return Err(not_started(&format!("no answer in {} s", READY.as_secs()), &text).into());
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            process::stop_child(&mut child);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
        for directory in [Some(&self.directory), self.programs.as_ref()].into_iter().flatten() {
            if remove(directory).is_err() {
                self.keeper.keep();
            }
        }
    }
}

/// A file system in memory with room to spare, where databases are copied several times faster than on a disk. Whoever
/// sets `TMPDIR` has chosen.
fn memory() -> Option<PathBuf> {
    const ENOUGH: u64 = 2 << 30;
    if !cfg!(target_os = "linux") || env::var_os("TMPDIR").is_some() {
        return None;
    }
    let room = nix::sys::statvfs::statvfs("/dev/shm").ok()?;
    #[allow(clippy::useless_conversion, reason = "the numbers are narrower on some systems")]
    let free = u64::from(room.blocks_available()) * u64::from(room.fragment_size());
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let available = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = available.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10;
    (free.min(available) >= ENOUGH).then(|| "/dev/shm".into())
}

/// Copies a directory so that everybody may read it.
fn copy_readable(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_readable(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn not_started(what: &str, log: &str) -> Refusal {
    let log = log.trim();
    let said = if log.is_empty() { String::new() } else { format!(": {log}") };
    Refusal::new(
        Kind::ServerStart,
        format!("the private PostgreSQL server did not start: {what}{said}"),
        "see its message; `--server docker`, `--server embedded` and `--server <postgres url>` are other ways",
    )
}

/// Runs a program of PostgreSQL's apart from the caller: without its `PG…` variables, its account (when root), its
/// process group (Ctrl-C is for us to handle) and its working directory.
pub(super) fn surroundings(command: &mut Command, directory: &Path, account: Option<&Account>) {
    for (key, _) in env::vars_os() {
        if key.to_string_lossy().starts_with("PG") {
            command.env_remove(key);
        }
    }
    command.env("TZ", "UTC").env("LC_ALL", "C").current_dir(directory).process_group(0);
    if let Some(account) = account {
        account.run(command);
    }
}
