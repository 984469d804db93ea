//! The real program: built once, run in made-up surroundings, watched until it ends.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::tree::Tree;

/// No run may take longer, unless its test allows for more.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a run needs of the surroundings: cargo, and PostgreSQL's programs if others than the machine's are wanted.
const KEPT: &[&str] = &["PATH", "CARGO", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "DBMIGRATE_PG_BIN"];

/// The built program.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(false))
}

/// The program built for speed.
pub fn release() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(true))
}

fn build(release: bool) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cargo-dbmigrate/Cargo.toml");
    let build = escargot::CargoBuild::new().manifest_path(manifest).bin("cargo-dbmigrate");
    let build = if release { build.release() } else { build };
    build.run().unwrap_or_else(|error| panic!("cargo-dbmigrate does not build: {error}")).path().to_owned()
}

/// The cache that all runs of this build share.
pub fn cache() -> PathBuf {
    program().with_file_name("e2e-cache")
}

/// A connection string for a server on a Unix socket.
pub fn url(config: &tokio_postgres::Config) -> String {
    let [tokio_postgres::config::Host::Unix(folder), ..] = config.get_hosts() else { panic!("{config:?}") };
    let folder = folder.to_string_lossy().replace('/', "%2F");
    format!("postgres://{}@{folder}/{}", config.get_user().unwrap(), config.get_dbname().unwrap())
}

/// The processes whose working directory or arguments are in this place, with their titles.
pub fn processes(place: &Path) -> Vec<(u32, String)> {
    let shown = place.to_str().unwrap();
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let title = fs::read_to_string(entry.path().join("cmdline")).ok()?.replace('\0', " ");
        let folder = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        (title.contains(shown) || folder.starts_with(place)).then_some((id, title))
    })
    .collect()
}

/// A run of the program that is being put together.
pub struct Command {
    program: PathBuf,
    root: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    before: Vec<OsString>,
    subcommand: bool,
    patience: Duration,
}

impl Command {
    /// A run in this directory.
    pub fn new(root: &Path) -> Self {
        Self {
            program: program().to_owned(),
            root: root.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            before: Vec::new(),
            subcommand: true,
            patience: PATIENCE,
        }
    }

    /// Runs another program in the place of the built one.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Leaves out the word `dbmigrate`, which cargo puts before the arguments.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.subcommand = false;
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), Some(value.as_ref().to_owned())));
        self
    }

    /// Leaves an environment variable out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// Runs it through another program, such as `unshare`.
    #[must_use]
    pub fn through<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.before = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Allows for another time.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it.
    pub fn start(self) -> Running {
        let before = Tree::of(&self.root);
        let mut words = self.before.clone();
        words.push(self.program.into());
        words.extend(self.subcommand.then(|| "dbmigrate".into()));
        words.extend(self.arguments);
        let shown = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let mut command = process::Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.root).env_clear();
        for name in KEPT {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        // Cargo and rustup look below the home directory unless they are told where they are.
        if let Some(home) = env::var_os("HOME") {
            for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
                if env::var_os(name).is_none() {
                    command.env(name, Path::new(&home).join(folder));
                }
            }
        }
        command.env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8").env("CARGO_NET_OFFLINE", "true");
        command.env("DBMIGRATE_CACHE", cache()).env("DBMIGRATE_SERVER", "local");
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // A process group of its own, as a shell gives it: Ctrl-C goes to the whole group.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        let deadline = began + self.patience;
        Running { child, shown, root: self.root, before, stdout, stderr, began, deadline }
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.start().wait()
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}

/// A run that has begun.
pub struct Running {
    child: Child,
    shown: String,
    root: PathBuf,
    before: Tree,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    began: Instant,
    deadline: Instant,
}

impl Running {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until something is so.
    pub fn until(&mut self, what: &str, mut so: impl FnMut() -> bool) {
        while !so() {
            assert!(!self.ended(), "{} ended before {what}", self.shown);
            assert!(Instant::now() < self.deadline, "{} waits in vain for {what}", self.shown);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, name: &str) {
        kill(name, &self.id().to_string());
    }

    /// Sends a signal to the process group, as a terminal does for Ctrl-C.
    pub fn signal_group(&self, name: &str) {
        kill(name, &format!("-{}", self.id()));
    }

    /// The most memory that it has had so far, in KiB; `None` once it has ended.
    fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ran {
        let mut peak_memory = 0;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            peak_memory = self.peak_memory().unwrap_or(peak_memory);
            if Instant::now() > self.deadline {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("{} does not end", self.shown);
            }
            thread::sleep(Duration::from_millis(2));
        };
        let elapsed = self.began.elapsed();
        let (stdout, stderr) = (self.stdout.join().unwrap(), self.stderr.join().unwrap());
        let changes = self.before.changes(&Tree::of(&self.root));
        Ran { status, elapsed, peak_memory, stdout, stderr, changes }
    }
}

fn kill(signal: &str, target: &str) {
    let status = process::Command::new("kill").args([&format!("-{signal}"), "--", target]).status().unwrap();
    assert!(status.success(), "kill -{signal} -- {target}");
}

/// A run that has ended. Its text is what snapshots show.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// How long it took.
    pub elapsed: Duration,
    /// The most memory that its own process had, in KiB.
    pub peak_memory: u64,
    /// What it printed to stdout.
    pub stdout: String,
    /// What it printed to stderr.
    pub stderr: String,
    /// What became of the files; empty if nothing.
    pub changes: String,
}

impl Ran {
    /// The exit status; a signal counts as the shell counts it.
    pub fn code(&self) -> i32 {
        self.status.code().or_else(|| self.status.signal().map(|signal| 128 + signal)).unwrap()
    }

    /// Fails unless the run was fine.
    pub fn success(self) -> Self {
        assert_eq!(self.code(), 0, "{self:?}\n{self}");
        self
    }

    /// Fails unless the run ended with findings of exactly these kinds, in this order, and changed nothing.
    pub fn found<const N: usize>(self, ids: [&str; N]) -> Self {
        assert_eq!((self.code(), self.ids("error")), (1, ids.map(str::to_owned).to_vec()), "{self}");
        self.unchanged()
    }

    /// Fails unless the run was refused with this kind, and changed nothing.
    pub fn refused(self, id: &str) -> Self {
        assert_eq!((self.code(), self.ids("error")), (2, vec![id.to_owned()]), "{self}");
        self.unchanged()
    }

    /// Fails if any file changed.
    pub fn unchanged(self) -> Self {
        assert_eq!(self.changes, "", "{self}");
        self
    }

    /// The ids of what was reported to people under this word, in order.
    pub fn ids(&self, word: &str) -> Vec<String> {
        let start = format!("{word}[");
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines.filter_map(|line| Some(line.strip_prefix(&start)?.split_once(']')?.0.to_owned())).collect()
    }

    /// stdout as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit: {}\n----- stdout\n{}\n----- stderr\n{}",
            self.code(),
            self.stdout.trim_end(),
            self.stderr.trim_end()
        )?;
        write!(
            f,
            "\n----- files\n{}",
            if self.changes.is_empty() { "unchanged" } else { self.changes.trim_end() }
        )
    }
}
