//! Many runs of `verify`, some of them killed in the middle, and then a look for what they left: processes, directories,
//! entries in the register of runs, databases on a named server, containers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use cargo_dbmigrate::server::{self, Request, Server, Way};
use dbmigrate_tests::{Project, cache, processes, url};
use tokio_postgres::NoTls;

use crate::image;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many runs.
    #[arg(long, default_value_t = 50)]
    runs: usize,
    /// How many of them are killed.
    #[arg(long, default_value_t = 10)]
    kill: usize,
}

const TABLES: [&str; 4] = ["one", "two", "three", "four"];

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(options.kill < options.runs, "at least one run must not be killed");
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(server::start(&Request::new(Way::Local, cache()), &|_| ()))?;
    let outcome = soak(options, &runtime, &server);
    runtime.block_on(server.stop())?;
    outcome
}

fn soak(options: &Options, runtime: &tokio::runtime::Runtime, server: &Server) -> anyhow::Result<()> {
    let place = tempfile::Builder::new().prefix("soak-").tempdir_in("/tmp")?;
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let (temporary, register) = (place.path().join("tmp"), place.path().join("cache"));
    fs::create_dir(&temporary)?;
    let project = project();
    let places = Places::new(&temporary, &register);

    let named = url(&server.config("postgres"));
    let mut ways = vec![vec!["--server", "local"], vec!["--server", &named]];
    if image::is_there() {
        ways.push(vec!["--server", "docker", "--image", image::TAG]);
    } else {
        println!("no engine with `{}`: no containers in this soak", image::TAG);
    }
    let start = |way: &[&str]| {
        let command = project.command(["verify"]).args(way);
        command.env("TMPDIR", &temporary).env("DBMIGRATE_CACHE", &register).start()
    };
    let fine = |way: &[&str]| {
        let ran = start(way).wait().unchanged();
        ensure!(ran.code() == 0, "{ran}");
        Ok(ran)
    };

    // One of each to begin with: templates are made, and the moments for kills are known.
    let mut usual = Vec::new();
    for way in &ways {
        usual.push(fine(way)?.elapsed);
    }
    let (mut killed, mut late, mut most) = (0, 0, 0);
    let from = Instant::now();
    for number in ways.len()..options.runs - ways.len() {
        let (way, usual) = (&ways[number % ways.len()], usual[number % ways.len()]);
        let due = number * options.kill / (options.runs - 2 * ways.len()).max(1);
        if killed + late < options.kill && due > killed + late {
            let mut running = start(way);
            // Each kill at another moment of the run.
            let part = u32::try_from((killed + late) % 10).unwrap_or_default();
            thread::sleep(usual.mul_f64(0.1 + 0.08 * f64::from(part)));
            if running.ended() {
                late += 1;
                running.wait();
            } else {
                running.signal("KILL");
                running.wait().unchanged();
                killed += 1;
                most = most.max(places.left().len());
            }
        } else {
            fine(way)?;
        }
    }
    for way in &ways {
        fine(way)?;
    }
    println!(
        "{} runs in {:.0} s over {} kinds of server, {killed} killed ({late} ended before they could be); \
         after a kill at most {most} things were there",
        options.runs,
        from.elapsed().as_secs_f64(),
        ways.len()
    );

    let mut leftovers = places.stays();
    leftovers.extend(runtime.block_on(databases(server))?);
    leftovers.extend(containers());
    for what in &leftovers {
        println!("left behind: {what}");
    }
    ensure!(leftovers.is_empty(), "{} things were left behind", leftovers.len());
    ensure!(killed > 0 || options.kill == 0, "no run could be killed in time");
    println!("left behind: no process, no directory, no entry in the register, no database, no container");
    Ok(())
}

fn project() -> Project {
    let set: Vec<_> = TABLES
        .iter()
        .map(|name| {
            let up = format!(
                "CREATE TABLE {name} (id bigint PRIMARY KEY, t text);\nCREATE INDEX ON {name} (t);\n"
            );
            (*name, up, format!("DROP TABLE {name};\n"))
        })
        .collect();
    let set: Vec<_> = set.iter().map(|(name, up, down)| (*name, up.as_str(), down.as_str())).collect();
    Project::finalized(&set)
}

/// Where servers put their directories, and where runs are registered.
struct Places {
    parents: Vec<PathBuf>,
    before: BTreeSet<PathBuf>,
}

impl Places {
    fn new(temporary: &Path, register: &Path) -> Self {
        let memory = Path::new("/dev/shm");
        let parents =
            [temporary, Path::new("/tmp"), memory, &register.join("runs"), &register.join("templates")];
        let mut places = Self { parents: parents.map(Path::to_owned).into(), before: BTreeSet::new() };
        places.before = places.entries();
        places
    }

    fn entries(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for parent in &self.parents {
            let all = parent.ends_with("runs");
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                if all || entry.file_name().to_string_lossy().starts_with("dbmigrate-") {
                    found.insert(entry.path());
                }
            }
        }
        found
    }

    /// Directories of servers, the processes in them, and entries in the register.
    fn left(&self) -> Vec<String> {
        let mut found = Vec::new();
        for path in self.entries().difference(&self.before) {
            found.push(path.display().to_string());
            found.extend(processes(path).into_iter().map(|(id, title)| format!("process {id}: {title}")));
        }
        found
    }

    /// What is still there after a while. Somebody else's runs end meanwhile.
    fn stays(&self) -> Vec<String> {
        let mut stays: BTreeSet<_> = self.left().into_iter().collect();
        for _ in 0..50 {
            if stays.is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(200));
            let now: BTreeSet<_> = self.left().into_iter().collect();
            stays = stays.intersection(&now).cloned().collect();
        }
        stays.into_iter().collect()
    }
}

async fn databases(server: &Server) -> anyhow::Result<Vec<String>> {
    let (client, connection) = server.config("postgres").connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let sql = "SELECT datname FROM pg_database WHERE datname LIKE 'dbmigrate%'";
    let rows = client.query(sql, &[]).await?;
    drop(client);
    connection.await??;
    Ok(rows.iter().map(|row| format!("database {}", row.get::<_, String>(0))).collect())
}

/// Containers that carry this tool's label.
fn containers() -> Vec<String> {
    let format = "{{.ID}} {{.Image}} {{.Status}} {{.Labels}}";
    let Ok(output) = Command::new("docker").args(["ps", "--all", "--no-trunc", "--format", format]).output()
    else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| line.contains("dbmigrate")).map(|line| format!("container {line}")).collect()
}
