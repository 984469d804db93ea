//! Programs that migrate their database at their start, run as processes of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

/// No replica may take longer for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the program is that `cargo xtask` starts. Tests have it from cargo.
pub fn replica_program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let built = escargot::CargoBuild::new().manifest_path(manifest).bin("replica").run();
        built.unwrap_or_else(|error| panic!("replica does not build: {error}")).path().to_owned()
    })
}

/// How a replica is started.
#[derive(Clone, Debug)]
pub struct Replica {
    program: PathBuf,
    arguments: Vec<String>,
}

impl Replica {
    /// One that upgrades the database at a URL to the head of a directory.
    pub fn new(program: impl Into<PathBuf>, url: &str, migrations: &Path) -> Self {
        Self { program: program.into(), arguments: Vec::new() }
            .option("url", url)
            .option("migrations", migrations.to_str().unwrap())
    }

    /// With one more option; its name is without dashes.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([format!("--{name}"), value.to_owned()]);
        self
    }

    /// Starts it with a command.
    pub fn start(&self, command: &str) -> Started {
        let mut child = tokio::process::Command::new(&self.program)
            .arg(command)
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Started { child, stdout, seen: Vec::new() }
    }

    /// Upgrades and waits for the end.
    pub async fn upgrade(&self) -> Ended {
        self.start("upgrade").end().await
    }
}

/// A replica that runs. Killed on drop.
#[derive(Debug)]
pub struct Started {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
}

impl Started {
    /// Waits until it prints a line that begins so.
    pub async fn says(&mut self, start: &str) -> &mut Self {
        loop {
            let line = timeout(PATIENCE, self.stdout.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no `{start}` after {:?}", self.seen)).unwrap();
            let Some(line) = line else { panic!("it ended without `{start}`: {:?}", self.seen) };
            let found = line.starts_with(start);
            self.seen.push(line);
            if found {
                return self;
            }
        }
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends SIGKILL, and waits until it is dead.
    pub async fn kill(mut self) -> Vec<String> {
        self.child.kill().await.unwrap();
        self.seen
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Ended {
        let mut errors = String::new();
        let work = async {
            let mut stderr = self.child.stderr.take().unwrap();
            let read = stderr.read_to_string(&mut errors);
            let lines = async {
                while let Some(line) = self.stdout.next_line().await.unwrap() {
                    self.seen.push(line);
                }
            };
            let (read, ()) = tokio::join!(read, lines);
            read.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = timeout(PATIENCE, work).await;
        let status = status.unwrap_or_else(|_| panic!("a replica does not end"));
        Ended { code: status.code(), lines: self.seen, errors }
    }
}

/// A replica that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed to stdout.
    pub lines: Vec<String>,
    /// What it printed to stderr.
    pub errors: String,
}

impl Ended {
    /// Fails unless it went well.
    pub fn fine(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Fails unless it ended with an error of this id and a hint. Gives the error's text.
    pub fn failed(&self, id: &str) -> &str {
        assert_eq!(self.code, Some(2), "{self:?}");
        let text = self.errors.strip_prefix(&format!("error[{id}]: "));
        let text = text.unwrap_or_else(|| panic!("not `{id}`: {}", self.errors));
        let (text, hint) = text.split_once("\n\nhint: ").unwrap();
        assert!(hint.trim().len() > 10, "{}", self.errors);
        text
    }

    /// What it said that it ran, as `up V…`.
    pub fn ran(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix("ran ")).collect()
    }

    /// How many of its lines begin so.
    pub fn count(&self, start: &str) -> usize {
        self.lines.iter().filter(|line| line.starts_with(start)).count()
    }
}
