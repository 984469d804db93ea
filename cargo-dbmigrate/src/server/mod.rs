//! Throwaway PostgreSQL servers: the only room that starts containers and cluster processes.
//!
//! [`start`] gives a [`Server`] on which databases are cheap. Whatever was started is stopped and removed: by
//! [`Server::stop`], by dropping the server or a future that starts one, and by the next run's [`sweep`] when the
//! process was killed. The room prints nothing (notes go to a callback) and knows nothing of migrations.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::{Client, Config};

use self::cluster::Cluster;
use self::database::Mark;
use self::docker::Containers;
use self::run::Run;
use crate::problem::{Kind, Refusal};

pub use self::database::Database;
pub use self::embedded::DEFAULT_VERSION;
pub use self::leftovers::{Report, sweep};

mod account;
mod auto;
mod cluster;
mod database;
mod docker;
mod embedded;
mod leftovers;
mod local;
mod process;
mod programs;
mod run;
mod template;
mod url;

#[cfg(test)]
mod tests;

/// The image that is started unless another one is configured.
pub const DEFAULT_IMAGE: &str = "postgres:17-alpine";

/// Where a throwaway server comes from: `--server`.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Way {
    /// The first of the others that works.
    #[default]
    Auto,
    /// A container.
    Docker,
    /// A private cluster, with the machine's own programs.
    Local,
    /// A private cluster, with downloaded programs.
    Embedded,
    /// Throwaway databases on the server of this connection string.
    Url(String),
}

impl FromStr for Way {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        const NAMES: [&str; 4] = ["auto", "docker", "local", "embedded"];
        match text {
            "auto" => Ok(Self::Auto),
            "docker" => Ok(Self::Docker),
            "local" => Ok(Self::Local),
            "embedded" => Ok(Self::Embedded),
            _ if text.starts_with("postgres://")
                || text.starts_with("postgresql://")
                || text.contains('=') =>
            {
                Ok(Self::Url(text.to_owned()))
            }
            _ => {
                let near = NAMES.into_iter().find(|name| strsim::damerau_levenshtein(name, text) <= 2);
                let guess = near.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
                Err(Refusal::new(
                    Kind::ServerUnknown,
                    format!("`{text}` is not a way to a throwaway server"),
                    format!("{guess}use `auto`, `docker`, `local`, `embedded` or a `postgres://` URL"),
                ))
            }
        }
    }
}

/// Without the password that a connection string may hold.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Docker => f.write_str("docker"),
            Self::Local => f.write_str("local"),
            Self::Embedded => f.write_str("embedded"),
            Self::Url(text) => match text.parse::<Config>() {
                Ok(config) => f.write_str(&url::place(&config)),
                Err(_) => f.write_str("<postgres url>"),
            },
        }
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Way({self})")
    }
}

/// SQL that every throwaway server needs first: roles, extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What messages call it: a file's name, or the configuration key.
    pub label: String,
    /// The SQL.
    pub sql: String,
}

/// What kind of server is wanted.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it comes from.
    pub way: Way,
    /// The image for `docker`.
    pub image: String,
    /// SQL to run once, in order, before any database is made.
    pub setup: Vec<Setup>,
    /// Whether downloads are forbidden.
    pub offline: bool,
    /// The base URL of the release server for `embedded`, if not the usual one.
    pub releases: Option<String>,
    /// The per-user cache directory.
    pub cache: PathBuf,
    /// The PostgreSQL version for `embedded`, if not the newest.
    pub version: Option<String>,
}

impl Request {
    /// A request with the defaults.
    pub fn new(way: Way, cache: impl Into<PathBuf>) -> Self {
        Self {
            way,
            image: DEFAULT_IMAGE.to_owned(),
            setup: Vec::new(),
            offline: false,
            releases: None,
            cache: cache.into(),
            version: None,
        }
    }
}

/// What stands behind a server. Dropping it stops and removes everything.
enum Backing {
    /// A private cluster.
    Cluster(Cluster),
    /// A container.
    Container(Containers),
    /// Databases on somebody else's server.
    Guest(Box<url::Guest>),
}

/// A server that answers.
struct Ready {
    backing: Backing,
    admin: Client,
    config: Config,
    place: String,
}

impl Ready {
    async fn cluster(cluster: Cluster, place: String) -> Result<Self> {
        let config = cluster.config();
        let admin = database::connect(&config).await.context("cannot connect to the throwaway server")?;
        Ok(Self { backing: Backing::Cluster(cluster), admin, config, place })
    }
}

/// A running throwaway server.
///
/// Dropping it is as good as [`Server::stop`], but blocks and keeps errors to itself.
pub struct Server {
    admin: Client,
    config: Config,
    version: String,
    version_num: i32,
    place: String,
    mark: Mark,
    next: AtomicU32,
    template: Option<String>,
    // In this order: the entry in the register goes last.
    backing: Backing,
    run: Run,
}

/// Starts a throwaway server, after a sweep of what killed runs left behind.
///
/// # Errors
/// A [`Refusal`] when the server cannot be had.
pub async fn start(request: &Request, note: Note<'_>) -> Result<Server> {
    let swept = sweep(&request.cache).await?;
    let found = swept.processes + swept.directories + swept.containers;
    if found > 0 {
        note(&format!("removed what {} killed {} left behind", swept.runs, plural(swept.runs, "run")));
    }
    for left in &swept.left {
        note(&format!("a killed run's leftover cannot be removed: {left}"));
    }
    let mut run = Run::create(&request.cache)?;
    let ready = match &request.way {
        Way::Auto => auto::start(request, &mut run, note).await?,
        Way::Docker => docker::start(request, &mut run, note).await?,
        Way::Local => local::start(&request.cache, &mut run).await?,
        Way::Embedded => embedded::start(request, &mut run, note).await?,
        Way::Url(text) => url::start(text, &run, note).await?,
    };
    Server::prepare(ready, run, &request.setup).await
}

impl Server {
    async fn prepare(ready: Ready, run: Run, setup: &[Setup]) -> Result<Self> {
        let Ready { backing, admin, config, place } = ready;
        let sql = "SELECT current_setting('server_version'), current_setting('server_version_num')::int4";
        let row =
            admin.query_one(sql, &[]).await.context("cannot ask the throwaway server for its version")?;
        let version: String = row.get(0);
        let version = version.split_whitespace().next().unwrap_or_default().to_owned();
        supported(row.get(1), &version)?;
        let mut server = Self {
            admin,
            config,
            version,
            version_num: row.get(1),
            place,
            mark: Mark::of(run.token()),
            next: AtomicU32::new(1),
            template: None,
            backing,
            run,
        };
        if !setup.is_empty() {
            let template = server.create_database().await?;
            let client = database::connect(&server.config(template.name())).await?;
            database::set_up(&client, setup).await?;
            drop(client);
            database::settle(&server.admin, template.name()).await?;
            server.template = Some(template.name);
        }
        Ok(server)
    }

    /// Which server it is: `PostgreSQL 15.18, local (/usr/lib/postgresql/15/bin)`.
    pub fn describe(&self) -> String {
        format!("PostgreSQL {}, {}", self.version, self.place)
    }

    /// Its version as a number: `150018`.
    pub fn version_num(&self) -> i32 {
        self.version_num
    }

    /// A connection to it, for what belongs to no throwaway database.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// Whether nobody else uses it: all that came to it since it was started is this run's.
    pub fn is_private(&self) -> bool {
        !matches!(self.backing, Backing::Guest(_))
    }

    /// How to connect to one of its databases.
    pub fn config(&self, database: &str) -> Config {
        let mut config = self.config.clone();
        config.dbname(database);
        config
    }

    /// Makes a database that holds nothing but what the setup SQL put there.
    pub async fn create_database(&self) -> Result<Database> {
        self.create(self.template.as_deref().unwrap_or("template0")).await
    }

    /// Makes a copy of a database. Nobody may be connected to it.
    pub async fn copy_database(&self, from: &Database) -> Result<Database> {
        database::settle(&self.admin, &from.name).await?;
        self.create(&from.name).await
    }

    async fn create(&self, template: &str) -> Result<Database> {
        let name = self.mark.name(self.next.fetch_add(1, Ordering::Relaxed));
        // The quicker way, at the price of a checkpoint: not on somebody else's server.
        let strategy = match self.backing {
            Backing::Cluster(_) | Backing::Container(_) if self.version_num >= 150_000 => {
                " STRATEGY FILE_COPY"
            }
            _ => "",
        };
        database::create(&self.admin, &self.mark, &name, template, strategy).await?;
        Ok(Database { name })
    }

    /// Drops a database, and everybody's connections to it.
    pub async fn drop_database(&self, database: Database) -> Result<()> {
        database::drop_marked(&self.admin, &self.mark, &database.name).await
    }

    /// Stops the server and removes everything it left.
    pub async fn stop(self) -> Result<()> {
        let Self { admin, backing, run, .. } = self;
        drop(admin);
        match backing {
            Backing::Cluster(cluster) => tokio::task::spawn_blocking(move || drop(cluster)).await?,
            Backing::Container(containers) => containers.stop().await?,
            Backing::Guest(guest) => guest.leave().await?,
        }
        drop(run);
        Ok(())
    }
}

/// What notes go to: one line each, printed by the caller.
pub type Note<'a> = &'a (dyn Fn(&str) + Sync);

/// Refuses servers that lack what this room needs: `DROP DATABASE … WITH (FORCE)` came with PostgreSQL 13.
fn supported(version_num: i32, version: &str) -> Result<(), Refusal> {
    if version_num >= 130_000 {
        return Ok(());
    }
    Err(Refusal::new(
        Kind::ServerVersion,
        format!("PostgreSQL {version} is too old for a throwaway server"),
        "use PostgreSQL 13 or newer, best the version that production runs",
    ))
}

/// A path that cannot be written to (or read).
fn unusable(path: &Path, purpose: &str, error: io::Error) -> Refusal {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space there",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it writable, or choose another place: `TMPDIR` for servers, `DBMIGRATE_CACHE` for the cache"
        }
        _ => "see the message; `TMPDIR` and `DBMIGRATE_CACHE` choose other places",
    };
    Refusal::new(Kind::ServerDirectory, format!("cannot {purpose} in `{}`: {error}", path.display()), hint)
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// Runs a future to its end from where nothing can be awaited (a destructor), for a limited time. Says whether it
/// succeeded.
fn in_own_thread(limit: Duration, task: impl Future<Output = Result<()>> + Send + 'static) -> bool {
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::time::timeout(limit, task).await? })
    };
    std::thread::Builder::new()
        .spawn(body)
        .ok()
        .and_then(|thread| thread.join().ok())
        .is_some_and(|result: Result<()>| result.is_ok())
}
