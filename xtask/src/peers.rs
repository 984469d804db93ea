//! The programs in `xtask/peers`, which do the same job with the runtime and with others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// What is measured, the runtime first.
pub(crate) const PEERS: [Peer; 3] = [
    Peer { name: "dbmigrate-runtime", package: "peer-ours" },
    Peer { name: "refinery", package: "peer-refinery" },
    Peer { name: "sqlx", package: "peer-sqlx" },
];

/// A program that migrates nothing.
pub(crate) const PLAIN: Peer = Peer { name: "nothing", package: "peer-plain" };

/// How many crates the runtime's default tree may have.
const MOST_CRATES: usize = 110;

#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    package: &'static str,
}

impl Peer {
    /// Builds its program, by itself so that no other's features are in it.
    pub(crate) fn build(self, target: &Path) -> anyhow::Result<PathBuf> {
        let mut command = cargo("build");
        command.args(["--release", "--locked", "--quiet", "--package", self.package]);
        let status = command.arg("--target-dir").arg(target).status()?;
        ensure!(status.success(), "`{}` does not build", self.package);
        Ok(target.join("release").join(self.package))
    }

    /// How many crates it needs, itself left out.
    fn crates(self) -> anyhow::Result<usize> {
        let mut command = cargo("tree");
        command.args(["--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
        let output = command.args(["--package", self.package]).stdout(Stdio::piped()).output()?;
        ensure!(output.status.success(), "no tree of `{}`", self.package);
        let text = String::from_utf8(output.stdout)?;
        let mut names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names.len() - 1)
    }
}

/// Where they are built.
pub(crate) fn target() -> PathBuf {
    root().join("target/peers")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo(verb: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(verb).arg("--manifest-path").arg(root().join("xtask/peers/Cargo.toml"));
    command
}

/// Prints what each adds to a program: crates, time to build from nothing, bytes.
pub(crate) fn weight() -> anyhow::Result<()> {
    let (_, plain, _) = measured(PLAIN)?;
    println!("| a program with | crates | cold release build | added to a stripped binary |");
    println!("|---|---:|---:|---:|");
    for peer in PEERS {
        let (crates, size, took) = measured(peer)?;
        #[allow(clippy::cast_precision_loss, reason = "a few megabytes")]
        let added = size.saturating_sub(plain) as f64 / 1024.0;
        println!("| {} | {crates} | {:.1} s | {added:.0} KiB |", peer.name, took.as_secs_f64());
    }
    let crates = PEERS[0].crates()?;
    ensure!(crates <= MOST_CRATES, "{crates} crates are more than {MOST_CRATES}");
    Ok(())
}

fn measured(peer: Peer) -> anyhow::Result<(usize, u64, Duration)> {
    let crates = peer.crates()?;
    let folder = tempfile::Builder::new().prefix("weight-").tempdir_in(root().join("target"))?;
    let from = Instant::now();
    let program = peer.build(folder.path())?;
    let took = from.elapsed();
    let size = fs::metadata(&program).with_context(|| format!("`{}`", program.display()))?.len();
    Ok((crates, size, took))
}
