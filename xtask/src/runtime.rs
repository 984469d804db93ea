//! How fast the runtime is, against refinery and sqlx doing the same: a start with nothing to do, a long way to head, and
//! replicas that start at once. Each is a program of its own (`xtask/peers`); one private server serves all, in one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use dbmigrate_tests::{Cluster, Project};

use crate::history;
use crate::peers::{self, PEERS, Peer};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The length of the made-up history.
    #[arg(long, default_value_t = 300)]
    pending: usize,
    /// How many programs start at once.
    #[arg(long, default_value_t = 32)]
    replicas: usize,
    /// The length of the history that they race for.
    #[arg(long, default_value_t = 50)]
    short: usize,
    /// How many starts with nothing to do; the median counts.
    #[arg(long, default_value_t = 300)]
    starts: usize,
    /// How often the rest is repeated; the median counts.
    #[arg(long, default_value_t = 7)]
    repeat: usize,
}

/// A program, and the same histories as it wants them.
struct Contestant {
    peer: Peer,
    program: PathBuf,
    long: PathBuf,
    short: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (long, short) = (adopted(options.pending)?, adopted(options.short)?);
    let mut contestants = Vec::new();
    for peer in PEERS {
        let program = peer.build(&peers::target())?;
        let history = |project: &Project, length: &str| {
            laid_out(
                peer,
                &project.path("migrations"),
                &folder.path().join(format!("{}-{length}", peer.name)),
            )
        };
        let (long, short) = (history(&long, "long")?, history(&short, "short")?);
        contestants.push(Contestant { peer, program, long, short });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = Cluster::with(&["max_connections=200"]).await;
        let table = Table { cluster: &cluster, options };
        table.idle(&contestants).await?;
        table.pending(&contestants).await?;
        table.racing(&contestants).await
    })
}

/// A history with its lock.
fn adopted(steps: usize) -> anyhow::Result<Project> {
    let folder = tempfile::tempdir()?;
    history::diesel(folder.path(), steps)?;
    let project = Project::new();
    project.run(["init"]).success();
    project.run(["adopt", "--from", "diesel", &folder.path().canonicalize()?.to_string_lossy()]).success();
    Ok(project)
}

/// The same migrations as a program wants them.
fn laid_out(peer: Peer, from: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().context("no name")?.to_string_lossy().into_owned();
        let up = name.ends_with(".sql") && !name.ends_with(".down.sql");
        let name = match peer.name {
            "refinery" if up => name,
            "sqlx" if up => name.trim_start_matches('V').replace("__", "_"),
            "refinery" | "sqlx" => continue,
            _ => name,
        };
        fs::copy(&path, to.join(name))?;
    }
    Ok(to.to_owned())
}

impl Contestant {
    fn start(&self, history: &Path, url: &str, times: usize) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.program);
        command.arg(history).arg(url).arg(times.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().with_context(|| format!("`{}`", self.program.display()))
    }

    /// What it says of each time.
    fn times(&self, history: &Path, url: &str, times: usize) -> anyhow::Result<Vec<Duration>> {
        let output = self.start(history, url, times)?.wait_with_output()?;
        ensure!(output.status.success(), "{}: {}", self.peer.name, String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        text.lines().map(|line| Ok(Duration::from_micros(line.parse()?))).collect()
    }
}

struct Table<'a> {
    cluster: &'a Cluster,
    options: &'a Options,
}

impl Table<'_> {
    async fn idle(&self, contestants: &[Contestant]) -> anyhow::Result<()> {
        let pending = self.options.pending;
        println!("Start with nothing pending ({pending} applied), connection included:\n");
        println!("| | queries | median | |\n|---|---:|---:|---|");
        let mut rows: Vec<(usize, Vec<Duration>)> = Vec::new();
        for one in contestants {
            let url = self.database(one, "idle").await?;
            one.times(&one.long, &url, 1)?;
            let settings = format!("ALTER DATABASE {} SET log_statement = 'all'", name(one, "idle"));
            let admin = self.cluster.connect("postgres").await;
            admin.batch_execute(&settings).await?;
            let before = self.cluster.log().len();
            one.times(&one.long, &url, 1)?;
            let log = self.cluster.log();
            let sent: Vec<&str> = log[before..].lines().filter_map(query).collect();
            admin.batch_execute(&settings.replace("= 'all'", "= 'none'")).await?;
            rows.push((sent.len(), Vec::new()));
            ensure!(
                one.peer.name != PEERS[0].name || sent.len() == 1 && sent[0].starts_with("SELECT"),
                "the runtime sent more than one query: {sent:?}"
            );
        }
        // In turns, so that what else the machine does hits all alike.
        for _ in 0..10 {
            for (one, (_, times)) in contestants.iter().zip(&mut rows) {
                let url = self.cluster.url(&name(one, "idle"));
                times.extend(one.times(&one.long, &url, self.options.starts.div_ceil(10))?);
            }
        }
        let medians: Vec<Duration> = rows.iter_mut().map(|(_, times)| median(times)).collect();
        for (one, ((queries, _), median)) in contestants.iter().zip(rows.iter().zip(&medians)) {
            println!("| {} | {queries} | {} | {} |", one.peer.name, shown(*median), ratio(*median, &medians));
        }
        println!();
        Ok(())
    }

    async fn pending(&self, contestants: &[Contestant]) -> anyhow::Result<()> {
        println!("{} pending:\n\n| | median | |\n|---|---:|---|", self.options.pending);
        let mut times = vec![Vec::new(); contestants.len()];
        for _ in 0..self.options.repeat {
            for (one, times) in contestants.iter().zip(&mut times) {
                let url = self.database(one, "pending").await?;
                times.extend(one.times(&one.long, &url, 1)?);
            }
        }
        let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
        for (one, median) in contestants.iter().zip(&medians) {
            println!("| {} | {} | {} |", one.peer.name, shown(*median), ratio(*median, &medians));
        }
        println!();
        Ok(())
    }

    async fn racing(&self, contestants: &[Contestant]) -> anyhow::Result<()> {
        let Options { replicas, short, repeat, .. } = self.options;
        println!("{replicas} programs at once, {short} pending, until the last one has ended:\n");
        println!("| | median | failed, of {} | |\n|---|---:|---:|---|", replicas * repeat);
        let mut rows: Vec<(Vec<Duration>, usize)> = vec![Default::default(); contestants.len()];
        for _ in 0..*repeat {
            for (one, (times, failed)) in contestants.iter().zip(&mut rows) {
                let url = self.database(one, "racing").await?;
                let from = Instant::now();
                let started: Vec<Child> =
                    (0..*replicas).map(|_| one.start(&one.short, &url, 1)).collect::<Result<_, _>>()?;
                for child in started {
                    *failed += usize::from(!child.wait_with_output()?.status.success());
                }
                times.push(from.elapsed());
            }
        }
        let medians: Vec<Duration> = rows.iter_mut().map(|(times, _)| median(times)).collect();
        for (one, ((_, failed), median)) in contestants.iter().zip(rows.iter().zip(&medians)) {
            println!("| {} | {} | {failed} | {} |", one.peer.name, shown(*median), ratio(*median, &medians));
        }
        Ok(())
    }

    /// An empty database.
    async fn database(&self, one: &Contestant, what: &str) -> anyhow::Result<String> {
        let name = name(one, what);
        let admin = self.cluster.connect("postgres").await;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        Ok(self.cluster.database(&name).await)
    }
}

fn name(one: &Contestant, what: &str) -> String {
    format!("{what}_{}", one.peer.name.replace('-', "_"))
}

/// The query in a line of the server's log.
fn query(line: &str) -> Option<&str> {
    let said = line.split_once("LOG:  ")?.1;
    said.strip_prefix("statement: ").or_else(|| Some(said.strip_prefix("execute ")?.split_once(": ")?.1))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", 1000.0 * time.as_secs_f64())
}

/// Against the best of the others, for the runtime; against the runtime, for the others.
fn ratio(time: Duration, all: &[Duration]) -> String {
    let ours = all[0].as_secs_f64();
    if time != all[0] {
        return format!("{:.2} times the runtime", time.as_secs_f64() / ours);
    }
    let best = all[1..].iter().min().copied().unwrap_or_default();
    format!("{:.2} times the best of the others", ours / best.as_secs_f64())
}
