//! The SQL side of throwaway servers: connections, and databases that are made, copied and dropped.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio_postgres::error::{ErrorPosition, SqlState};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::Setup;
use crate::problem::{Excerpt, Kind, Refusal};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// What the names of all throwaway databases begin with.
pub(super) const PREFIX: &str = "dbmigrate_tmp_";

/// A throwaway database.
#[derive(Debug, PartialEq, Eq)]
pub struct Database {
    pub(super) name: String,
}

impl Database {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Connects; the connection ends with its client.
pub(super) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let mut config = config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// How throwaway databases are marked, so that they can be told from everybody else's.
///
/// `CREATE DATABASE` cannot share a transaction with `COMMENT`, so the connection limit, which it sets itself, carries the
/// mark as well: a database is marked from the first moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    token: String,
}

impl Mark {
    /// The mark of a run.
    pub(super) fn of(token: &str) -> Self {
        Self { token: token.to_owned() }
    }

    /// The mark that a database's name claims.
    pub(super) fn claimed(name: &str) -> Option<Self> {
        let (token, number) = name.strip_prefix(PREFIX)?.split_once('_')?;
        let hex = token.len() == 12
            && token.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (hex && !number.is_empty()).then(|| Self::of(token))
    }

    fn number(&self) -> i64 {
        i64::from_str_radix(&self.token, 16).unwrap_or_default()
    }

    /// The key of the advisory lock that the owner holds for its life.
    pub(super) fn lock_key(&self) -> i64 {
        const OURS: i64 = 0x6462 << 48;
        OURS | self.number()
    }

    pub(super) fn connection_limit(&self) -> i32 {
        1_000_000_000 + i32::try_from(self.number() % 1_000_000_000).unwrap_or_default()
    }

    pub(super) fn comment(&self) -> String {
        format!("cargo-dbmigrate throwaway {}", self.token)
    }

    /// The name of the run's n-th database.
    pub(super) fn name(&self, number: u32) -> String {
        format!("{PREFIX}{}_{number}", self.token)
    }

    /// Whether a database carries it.
    pub(super) async fn is_on(&self, admin: &Client, name: &str) -> Result<bool> {
        let row = admin
            .query_opt(
                "SELECT datconnlimit, pg_catalog.shobj_description(oid, 'pg_database') \
                 FROM pg_catalog.pg_database WHERE datname = $1",
                &[&name],
            )
            .await?;
        Ok(row.is_some_and(|row| {
            row.get::<_, i32>(0) == self.connection_limit()
                || row.get::<_, Option<String>>(1).as_deref() == Some(&self.comment())
        }))
    }
}

/// Makes a marked database from a template.
pub(super) async fn create(
    admin: &Client,
    mark: &Mark,
    name: &str,
    template: &str,
    strategy: &str,
) -> Result<()> {
    let limit = mark.connection_limit();
    let sql =
        format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" CONNECTION LIMIT {limit}{strategy}");
    admin.batch_execute(&sql).await.map_err(|error| create_failed(&error, template))?;
    let sql = format!("COMMENT ON DATABASE \"{name}\" IS '{}'", mark.comment());
    admin.batch_execute(&sql).await.with_context(|| format!("cannot mark the database `{name}`"))
}

/// Waits until the connections to a database that are closing are closed. `CREATE DATABASE` would wait as well, but
/// looks only every tenth of a second. Connections that stay are for the server to refuse.
pub(super) async fn settle(admin: &Client, name: &str) -> Result<()> {
    let sql = format!("SELECT FROM pg_catalog.pg_stat_activity WHERE datname = '{name}' LIMIT 1");
    let deadline = Instant::now() + Duration::from_secs(1);
    while Instant::now() < deadline {
        let found = admin.simple_query(&sql).await?;
        if !found.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn create_failed(error: &tokio_postgres::Error, template: &str) -> anyhow::Error {
    let text = said(error);
    match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Refusal::new(
            Kind::ServerPermission,
            format!("the server does not let this role make throwaway databases: {text}"),
            "give the role `CREATEDB`, or use another role or another way with `--server`",
        ),
        Some(&SqlState::OBJECT_IN_USE) => Refusal::new(
            Kind::ServerDatabase,
            format!("the database `{template}` cannot be copied while somebody is connected to it: {text}"),
            "close the other connections to it",
        ),
        Some(&SqlState::DISK_FULL) => Refusal::new(
            Kind::ServerDirectory,
            format!("the throwaway server has no room for another database: {text}"),
            "free some space on its disk",
        ),
        _ => Refusal::new(
            Kind::ServerDatabase,
            format!("a throwaway database cannot be made: {text}"),
            "see the server's message; another way with `--server` may work",
        ),
    }
    .into()
}

/// Drops a database and everybody's connections to it.
pub(super) async fn drop_marked(admin: &Client, mark: &Mark, name: &str) -> Result<()> {
    if !mark.is_on(admin, name).await? {
        return Err(Refusal::new(
            Kind::ForeignDatabase,
            format!("the database `{name}` does not carry this tool's mark: it is left alone"),
            "drop it yourself if nobody needs it",
        )
        .into());
    }
    let forced = admin.batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
    forced.map_err(|error| {
        Refusal::new(
            Kind::ServerDatabase,
            format!("the throwaway database `{name}` cannot be dropped: {}", said(&error)),
            "drop it yourself",
        )
        .into()
    })
}

/// Runs the configured setup SQL in a database.
pub(super) async fn set_up(client: &Client, setup: &[Setup]) -> Result<()> {
    for part in setup {
        let Err(error) = client.batch_execute(&part.sql).await else { continue };
        let mut excerpt = Excerpt::whole_file(&part.label, said(&error));
        if let Some(said) = error.as_db_error() {
            if let Some(ErrorPosition::Original(position)) = said.position() {
                let before = usize::try_from(*position).unwrap_or(1).saturating_sub(1);
                let offset = part.sql.char_indices().nth(before).map_or(part.sql.len(), |(at, _)| at);
                excerpt = Excerpt::at_offset(&part.label, &part.sql, offset, said.message());
            }
            excerpt.sqlstate = Some(said.code().code().to_owned());
            excerpt.detail = said.detail().map(str::to_owned);
            excerpt.hint = said.hint().map(str::to_owned);
            excerpt.context = said.where_().map(str::to_owned);
        }
        return Err(Refusal::new(
            Kind::ServerSetup,
            format!("the setup SQL `{}` failed on the throwaway server: {}", part.label, excerpt.message),
            "correct it; it runs once in every run, before any database is made",
        )
        .at(excerpt)
        .into());
    }
    Ok(())
}

/// What the server said, or what went wrong on the way to it. Never holds a password.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    if let Some(error) = error.as_db_error() {
        return match error.detail() {
            Some(detail) => format!("{} ({detail})", error.message()),
            None => error.message().to_owned(),
        };
    }
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text = format!("{text}: {source}");
    }
    text
}
