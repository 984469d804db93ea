//! Throwaway databases on a server that the user names. Only databases that carry a run's mark are ever touched.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};

use super::database::{self, Mark, PREFIX};
use super::run::Run;
use super::{Backing, Note, Ready, plural};
use crate::problem::{Kind, Refusal};

/// How long the last attempt to tidy up may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// The databases of one run on a named server. Dropping it drops them.
pub(super) struct Guest {
    config: Config,
    mark: Mark,
    armed: bool,
}

/// Reads a connection string. What it says about a fault never shows the string itself: it may hold a password.
pub(super) fn parse(url: &str) -> Result<Config, Refusal> {
    let strict = |what: &str| {
        Refusal::new(
            Kind::ServerTls,
            format!("`sslmode={what}` asks for TLS, which is not available yet for throwaway servers"),
            "name a server on this machine or in a trusted network with `sslmode=disable`, or use another way",
        )
    };
    if let Some(mode) =
        ["verify-ca", "verify-full"].into_iter().find(|mode| url.contains(&format!("sslmode={mode}")))
    {
        return Err(strict(mode));
    }
    let config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        Refusal::new(
            Kind::ServerUnknown,
            format!("the connection string for `--server` is not valid: {}", database::said(&error)),
            "write it as `postgres://user@host:5432/database`",
        )
    })?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(strict("require"));
    }
    Ok(config)
}

/// Where a server is, without user and password.
pub(super) fn place(config: &Config) -> String {
    let port = |index: usize| match config.get_ports() {
        [] => 5432,
        [only] => *only,
        ports => ports.get(index).copied().unwrap_or(5432),
    };
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(index)),
        #[cfg(unix)]
        Host::Unix(path) => format!("{}:{}", path.display(), port(index)),
    });
    hosts.collect::<Vec<_>>().join(",")
}

/// Connects to the named server, makes sure that databases can be made there, and takes the lock that says this run
/// lives.
pub(super) async fn start(url: &str, run: &Run, note: Note<'_>) -> Result<Ready> {
    let config = parse(url)?;
    let admin = database::connect(&config).await.map_err(|error| {
        Refusal::new(
            Kind::ServerUnreachable,
            format!("the server at `{}` cannot be used: {}", place(&config), database::said(&error)),
            "check that it runs, and the host, port, user, password and database of the connection string",
        )
    })?;
    let sql = "SELECT rolcreatedb OR rolsuper, rolname FROM pg_catalog.pg_roles WHERE rolname = current_user";
    let row = admin.query_one(sql, &[]).await?;
    if !row.get::<_, bool>(0) {
        let role: String = row.get(1);
        return Err(Refusal::new(
            Kind::ServerPermission,
            format!("the role `{role}` may not make databases on `{}`", place(&config)),
            format!("`ALTER ROLE {role} CREATEDB`, or use another role or another way with `--server`"),
        )
        .into());
    }
    let dropped = sweep(&admin).await?;
    if dropped > 0 {
        note(&format!("dropped {dropped} {} of killed runs", plural(dropped, "database")));
    }
    let guest = Guest { config: config.clone(), mark: Mark::of(run.token()), armed: true };
    admin.execute("SELECT pg_catalog.pg_advisory_lock($1)", &[&guest.mark.lock_key()]).await?;
    let place = format!("url ({})", place(&config));
    Ok(Ready { backing: Backing::Guest(Box::new(guest)), admin, config, place })
}

/// Drops the databases of runs that are gone: those whose owner's lock nobody holds. Answers how many.
pub(super) async fn sweep(admin: &Client) -> Result<usize> {
    // Advisory locks belong to a database, but this view shows those of all.
    let rows = admin
        .query(
            "SELECT datname FROM pg_catalog.pg_database \
             WHERE datname LIKE $1 AND pg_catalog.pg_has_role(datdba, 'USAGE') ORDER BY datname",
            &[&format!("{}%", PREFIX.replace('_', "\\_"))],
        )
        .await?;
    let mut dropped = 0;
    for row in rows {
        let name: String = row.get(0);
        let Some(mark) = Mark::claimed(&name) else { continue };
        let alive = admin
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objsubid = 1 \
                 AND (classid::bigint << 32) | objid::bigint = $1)",
                &[&mark.lock_key()],
            )
            .await?;
        if !alive.get::<_, bool>(0) && mark.is_on(admin, &name).await? {
            // Two runs may sweep at once, or the database may be somebody else's to drop: not this run's trouble.
            dropped += usize::from(database::drop_marked(admin, &mark, &name).await.is_ok());
        }
    }
    Ok(dropped)
}

impl Guest {
    /// Drops everything this run made on the server.
    pub(super) async fn leave(mut self) -> Result<()> {
        self.armed = false;
        clear(&self.config, &self.mark).await
    }
}

async fn clear(config: &Config, mark: &Mark) -> Result<()> {
    let admin = database::connect(config).await?;
    let rows = admin.query("SELECT datname FROM pg_catalog.pg_database ORDER BY datname", &[]).await?;
    for row in rows {
        let name: String = row.get(0);
        if Mark::claimed(&name).as_ref() == Some(mark) && mark.is_on(&admin, &name).await? {
            database::drop_marked(&admin, mark, &name).await?;
        }
    }
    Ok(())
}

impl Drop for Guest {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let (config, mark) = (self.config.clone(), self.mark.clone());
        super::in_own_thread(FAREWELL, async move { clear(&config, &mark).await });
    }
}
