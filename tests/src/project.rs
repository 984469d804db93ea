//! A temporary cargo project.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::program::{Command, Ran};
use crate::tree::Tree;

/// A package in a directory of its own, removed at the end.
pub struct Project {
    directory: TempDir,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// A package that has never heard of migrations.
    pub fn new() -> Self {
        let project = Self::without_manifest();
        project.manifest("");
        project.write("src/lib.rs", "");
        project
    }

    /// A directory that is no package.
    pub fn without_manifest() -> Self {
        Self { directory: tempfile::Builder::new().prefix("dbmigrate-e2e-").tempdir().unwrap() }
    }

    /// A package with finalized migrations: `(name, up, down)`, versions counted from 20200101000001. They get in as
    /// everybody's do, through `adopt`, so that the lock is the tool's own.
    ///
    /// An empty down makes the migration irreversible. An up that says `-- no-transaction` in its first line runs
    /// without one.
    pub fn finalized(migrations: &[(&str, &str, &str)]) -> Self {
        let project = Self::new();
        for (index, (name, up, down)) in migrations.iter().enumerate() {
            let folder = format!("other/2020-01-01-{:06}_{name}", index + 1);
            project.write(&format!("{folder}/up.sql"), up);
            if !down.is_empty() {
                project.write(&format!("{folder}/down.sql"), down);
            }
            if up.starts_with("-- no-transaction") {
                project.write(&format!("{folder}/metadata.toml"), "run_in_transaction = false\n");
            }
        }
        project.adopt("diesel", "other");
        fs::remove_dir_all(project.path("other")).unwrap();
        project
    }

    /// A package that is set up, and whose only migrations are drafts: `(name, up, down)`, versions counted from
    /// 20200601000001.
    pub fn drafts(self, migrations: &[(&str, &str, &str)]) -> Self {
        if !self.path("migrations").exists() {
            self.run(["init"]).success();
        }
        for (index, (name, up, down)) in migrations.iter().enumerate() {
            let stem = format!("drafts/20200601{:06}__{name}", index + 1);
            self.write(&format!("{stem}.sql"), up);
            if !down.is_empty() {
                self.write(&format!("{stem}.down.sql"), down);
            }
        }
        self
    }

    fn adopt(&self, from: &str, path: &str) {
        self.run(["init"]).success();
        self.run(["adopt", "--from", from, path]).success();
    }

    /// Writes the manifest, with these lines after the package's own.
    pub fn manifest(&self, more: &str) {
        let text = format!(
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n{more}"
        );
        self.write("Cargo.toml", &text);
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    /// Changes a file that is there.
    pub fn edit(&self, path: &str, change: impl FnOnce(String) -> String) {
        self.write(path, change(self.read(path)));
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"));
    }

    /// All files.
    pub fn tree(&self) -> Tree {
        Tree::of(self.root())
    }

    /// `cargo-dbmigrate dbmigrate …` in this project, with `--server local` unless the test says otherwise.
    pub fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        Command::new(self.root()).args(arguments)
    }

    /// Runs a command to its end.
    pub fn run<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        self.command(arguments).run()
    }

    /// Runs git, as somebody.
    pub fn git<const N: usize>(&self, arguments: [&str; N]) {
        let output = std::process::Command::new("git")
            .args([
                "-c",
                "user.name=somebody",
                "-c",
                "user.email=somebody@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(self.root())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
