//! How fast `verify` is: on a real history against a script that does the same with pg_dump, and on made-up histories of
//! several lengths against pytest-alembic. One private server serves all of them, in one run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cargo_dbmigrate::server::{self, Request, Server, Way};
use dbmigrate_tests::{Project, Ran, cache, release, url};

use crate::{history, image};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The migrations directory of a real history in diesel's layout.
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// The script that checks it with pg_dump: `SCRIPT diesel DIR DATABASE`.
    #[arg(long, value_name = "SCRIPT", requires = "source")]
    truth: Option<PathBuf>,
    /// The lengths of the made-up histories.
    #[arg(long, value_delimiter = ',', default_value = "100,300,1000")]
    steps: Vec<usize>,
    /// Measure pytest-alembic too, on a history of 300 steps.
    #[arg(long)]
    peers: bool,
    /// The Python with psycopg2, and with pytest-alembic for `--peers`.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// How often each of our own runs is repeated; the fastest counts.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(server::start(&Request::new(Way::Local, cache()), &|_| ()))?;
    println!("All on one server in one run: {}.\n", server.describe());
    println!("| what | steps | seconds | ms per step | peak memory | findings | |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    if let Some(source) = &options.source {
        real(options, source, &server)?;
    }
    made_up(options, &server)?;
    runtime.block_on(server.stop())?;
    println!();
    println!("| throwaway server | ready after |\n|---|---:|");
    ready("local, template warm", &runtime, &Request::new(Way::Local, cache()))?;
    if image::is_there() {
        let request = Request { image: image::TAG.to_owned(), ..Request::new(Way::Docker, cache()) };
        ready(&format!("docker, `{}`", image::TAG), &runtime, &request)?;
    } else {
        println!("| docker | no engine with `{}` |", image::TAG);
    }
    Ok(())
}

fn real(options: &Options, source: &Path, server: &Server) -> anyhow::Result<()> {
    let ours = verify(&adopt(source), server, options.repeat);
    let (steps, findings) = (count(&ours, "migrations"), count(&ours, "findings"));
    row("verify, real history", steps, ours.elapsed, &memory(&ours), &findings.to_string(), "");
    let Some(truth) = &options.truth else { return Ok(()) };
    let from = Instant::now();
    let output = Command::new(&options.python)
        .arg(truth)
        .arg("diesel")
        .arg(source)
        .arg("bench_truth")
        .env("PGHOST", socket(server)?)
        .env("PGUSER", "postgres")
        .output()
        .with_context(|| format!("could not run `{}`", options.python.display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = from.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = said.lines().last().unwrap_or_default();
    let found = summary.split(' ').nth(2).unwrap_or_default();
    row("pg_dump script, real history", steps, theirs, "", found, &times(theirs, &ours));
    Ok(())
}

fn made_up(options: &Options, server: &Server) -> anyhow::Result<()> {
    for &steps in &options.steps {
        let folder = tempfile::tempdir()?;
        history::diesel(folder.path(), steps)?;
        let ours = verify(&adopt(folder.path()), server, options.repeat);
        ensure!(ours.code() == 0, "{ours}");
        row("verify, made-up history", steps, ours.elapsed, &memory(&ours), "0", "");
        if options.peers && steps == 300 {
            let theirs = pytest_alembic(options, steps, server)?;
            row("pytest-alembic, the same", steps, theirs, "", "", &times(theirs, &ours));
        }
    }
    Ok(())
}

fn adopt(source: &Path) -> Project {
    let project = Project::new();
    project.run(["init"]).success();
    let source = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    project.run(["adopt", "--from", "diesel", &source.to_string_lossy()]).success();
    project
}

/// The fastest of so many runs.
fn verify(project: &Project, server: &Server, repeat: usize) -> Ran {
    let once = || {
        let command =
            project.command(["verify", "--format", "json", "--server", &url(&server.config("postgres"))]);
        command.program(release()).patience(Duration::from_secs(600)).run().unchanged()
    };
    let mut best = once();
    for _ in 1..repeat.max(1) {
        let next = once();
        if next.elapsed < best.elapsed {
            best = next;
        }
    }
    best
}

fn pytest_alembic(options: &Options, steps: usize, server: &Server) -> anyhow::Result<Duration> {
    let folder = tempfile::tempdir()?;
    history::alembic(folder.path(), steps)?;
    let socket = socket(server)?;
    let psql = |sql: &str| Command::new("psql").args(["-qXh", &socket, "-U", "postgres", "-c", sql]).status();
    ensure!(psql("CREATE DATABASE bench_alembic")?.success(), "no database for pytest-alembic");
    let from = Instant::now();
    let output = Command::new(&options.python)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_stairway.py"])
        .current_dir(folder.path())
        .env("DATABASE_URL", format!("postgresql+psycopg2://postgres@/bench_alembic?host={socket}"))
        .output()?;
    ensure!(output.status.success(), "pytest-alembic: {}", String::from_utf8_lossy(&output.stdout));
    let elapsed = from.elapsed();
    ensure!(psql("DROP DATABASE bench_alembic")?.success(), "the database of pytest-alembic stays");
    Ok(elapsed)
}

fn socket(server: &Server) -> anyhow::Result<String> {
    match server.config("postgres").get_hosts() {
        [tokio_postgres::config::Host::Unix(folder)] => Ok(folder.to_string_lossy().into_owned()),
        hosts => anyhow::bail!("no Unix socket: {hosts:?}"),
    }
}

/// The time until a server answers, the fastest of five.
fn ready(what: &str, runtime: &tokio::runtime::Runtime, request: &Request) -> anyhow::Result<()> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let from = Instant::now();
        let server = runtime.block_on(server::start(request, &|_| ()))?;
        best = best.min(from.elapsed());
        runtime.block_on(server.stop())?;
    }
    println!("| {what} | {:.2} s |", best.as_secs_f64());
    Ok(())
}

fn count(ran: &Ran, what: &str) -> usize {
    ran.json()["summary"][what].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

fn memory(ran: &Ran) -> String {
    format!("{} MB", ran.peak_memory / 1024)
}

fn times(theirs: Duration, ours: &Ran) -> String {
    format!("{:.1} times as long", theirs.as_secs_f64() / ours.elapsed.as_secs_f64())
}

fn row(what: &str, steps: usize, elapsed: Duration, memory: &str, findings: &str, note: &str) {
    let seconds = elapsed.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a few thousand steps")]
    let each = 1000.0 * seconds / steps.max(1) as f64;
    println!("| {what} | {steps} | {seconds:.2} | {each:.1} | {memory} | {findings} | {note} |");
}
