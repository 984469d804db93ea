//! Reads snapshots over one connection. The only place of this room that speaks to the server.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::catalog::{self, Extent, Server};
use super::{Fact, Groups, Key, Snapshot, Unmodelled};

/// Whose transaction a snapshot is read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// The reader opens a repeatable-read, read-only transaction and ends it.
    OwnTransaction,
    /// The caller has a transaction open, which stays as it is, settings included.
    CallersTransaction,
}

/// What decides how the server prints definitions. Set before statements are planned and whenever they run, so that the
/// plans stay valid.
const SETTINGS: &str = "set local search_path = ''; set local jit = off; set local plan_cache_mode = force_generic_plan; \
    set local max_parallel_workers_per_gather = 0; set local quote_all_identifiers = off; set local datestyle = 'ISO, YMD'; \
    set local intervalstyle = postgres; set local timezone = 'UTC'; set local bytea_output = hex; set local extra_float_digits = 1";

impl Within {
    fn opening(self) -> String {
        match self {
            Self::OwnTransaction => format!("begin isolation level repeatable read, read only; {SETTINGS}"),
            Self::CallersTransaction => format!("savepoint dbmigrate_snapshot; {SETTINGS}"),
        }
    }

    fn closing(self) -> &'static str {
        match self {
            Self::OwnTransaction => "rollback",
            Self::CallersTransaction => {
                "rollback to savepoint dbmigrate_snapshot; release savepoint dbmigrate_snapshot"
            }
        }
    }
}

/// One connection's prepared statements.
pub struct Reader {
    sources: Vec<Prepared>,
    unmodelled: Option<Statement>,
    ignored: Vec<String>,
}

struct Prepared {
    /// The class of the rows' objects; `None` when the first column says it.
    class: Option<u32>,
    all: Statement,
}

/// Catalogs with an oid whose rows are facts, or parts of facts, or say nothing that is the user's.
const MODELLED: &[&str] = &[
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_attrdef",
    "pg_cast",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_conversion",
    "pg_default_acl",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_language",
    "pg_namespace",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_policy",
    "pg_proc",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_rewrite",
    "pg_statistic_ext",
    "pg_transform",
    "pg_trigger",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_type",
    "pg_user_mapping",
];

impl Reader {
    /// Prepares the statements on a connection that has no transaction open. The relations in `ignore`, named as
    /// `schema.relation` with quotes where SQL needs them, are left out of every snapshot.
    pub async fn new(client: &Client, ignore: &[String]) -> Result<Self> {
        let row = client
            .query_one(
                "select current_setting('server_version_num')::int4, rolsuper, \
                 array(select c.relname::text from pg_catalog.pg_class c where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace \
                 and c.relkind = 'r' and not c.relisshared and c.relname <> all($1::text[]) and exists \
                 (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = 'oid')) \
                 from pg_catalog.pg_roles where rolname = current_user",
                &[&MODELLED],
            )
            .await
            .context("the catalogs cannot be read")?;
        let server = Server { version: u32::try_from(row.get::<_, i32>(0))? / 10_000, superuser: row.get(1) };
        let others: Vec<String> = row.get(2);
        let count = others.iter().map(|name| {
            format!(
                "select '{name}', count(*) from {name} o where o.oid >= 16384 and not exists \
                 (select from pg_depend e where e.classid = '{name}'::regclass and e.objid = o.oid and e.deptype = 'e')"
            )
        });
        let count = count.collect::<Vec<_>>().join(" union all ");
        client.batch_execute(&Within::OwnTransaction.opening()).await?;
        let prepared = Self::prepare(client, server, &count).await;
        client.batch_execute(Within::OwnTransaction.closing()).await?;
        let (sources, unmodelled) = prepared?;
        let ignored = ignore.iter().map(|name| format!("table {name}")).collect();
        Ok(Self { sources, unmodelled, ignored })
    }

    async fn prepare(
        client: &Client,
        server: Server,
        count: &str,
    ) -> Result<(Vec<Prepared>, Option<Statement>)> {
        let texts = catalog::sources()?;
        let mut classes: BTreeMap<&str, u32> = BTreeMap::new();
        for row in client
            .query("select relname::text, oid from pg_class where relnamespace = 11 and relkind = 'r'", &[])
            .await?
        {
            let name: &str = row.get(0);
            if let Some(class) = texts.iter().find_map(|source| source.class.filter(|class| *class == name)) {
                classes.insert(class, row.get(1));
            }
        }
        let mut sources = Vec::new();
        let all =
            texts.iter().map(|source| source.sql(server, Extent::Everything)).collect::<Result<Vec<_>>>()?;
        let all = pipelined(all.iter().map(|sql| client.prepare(sql))).await;
        for (source, all) in texts.iter().zip(all) {
            let class = match source.class {
                None => None,
                Some(name) => {
                    Some(*classes.get(name).ok_or_else(|| anyhow!("this server has no catalog `{name}`"))?)
                }
            };
            sources.push(Prepared { class, all: all.with_context(|| format!("{source:?}"))? });
        }
        let unmodelled = if count.is_empty() { None } else { Some(client.prepare(count).await?) };
        Ok((sources, unmodelled))
    }

    /// Reads everything, in one round trip.
    pub async fn full(&mut self, client: &Client, within: Within) -> Result<Snapshot> {
        const NONE: &[&(dyn ToSql + Sync)] = &[];
        let opening = within.opening();
        let read = async {
            let statements = self.sources.iter().map(|source| &source.all).chain(&self.unmodelled);
            pipelined(statements.map(|statement| client.query(statement, NONE))).await
        };
        let (opened, read, closed) =
            futures_util::join!(client.batch_execute(&opening), read, client.batch_execute(within.closing()));
        opened.context("the transaction for a snapshot cannot be opened")?;
        let mut results = Vec::with_capacity(read.len());
        for rows in read {
            results.push(rows.context("the catalogs cannot be read")?);
        }
        closed?;
        let mut unmodelled = Vec::new();
        if self.unmodelled.is_some() {
            for row in results.pop().unwrap_or_default() {
                let (name, count): (&str, i64) = (row.get(0), row.get(1));
                if count > 0 {
                    let what = name
                        .strip_prefix("pg_")
                        .unwrap_or(name)
                        .replace("largeobject_metadata", "large object");
                    unmodelled.push(Unmodelled { what, count });
                }
            }
        }
        let mut groups = Groups::new();
        for (source, rows) in results.iter().enumerate() {
            self.group(source, rows, &mut groups)?;
        }
        Ok(Snapshot { groups: Arc::new(groups), unmodelled: unmodelled.into() })
    }

    /// Puts the rows of one source into the groups that they belong to.
    fn group(&self, source: usize, rows: &[Row], groups: &mut Groups) -> Result<()> {
        let mut parts: BTreeMap<Key, Vec<Fact>> = BTreeMap::new();
        for row in rows {
            let first = usize::from(self.sources[source].class.is_none());
            let class = self.sources[source].class.map_or_else(|| row.try_get(0), Ok)?;
            let key = Key { class, object: row.try_get(first)?, source };
            let of: String = row.try_get(first + 3)?;
            if self.ignored.contains(&of) {
                continue;
            }
            let kind: &str = row.try_get(first + 1)?;
            let kind = catalog::KINDS
                .binary_search(&kind)
                .map(|at| catalog::KINDS[at])
                .map_err(|_| anyhow!("a fact of the unknown kind `{kind}`"))?;
            let Value::Object(mut properties) = row.try_get(first + 5)? else {
                return Err(anyhow!("a fact of kind `{kind}` without properties"));
            };
            properties.retain(|_, value| !value.is_null());
            let fact =
                Fact { kind, id: row.try_get(first + 2)?, properties, of, position: row.try_get(first + 4)? };
            parts.entry(key).or_default().push(fact);
        }
        groups.extend(parts.into_iter().map(|(key, facts)| (key, facts.into())));
        Ok(())
    }
}

/// Runs requests to one server so that all are sent before the first answer is awaited, in their order.
async fn pipelined<T, F: Future<Output = T>>(requests: impl Iterator<Item = F>) -> Vec<T> {
    let mut waiting: Vec<Option<Pin<Box<F>>>> = requests.map(|request| Some(Box::pin(request))).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (request, done) in waiting.iter_mut().zip(&mut done) {
            let Some(future) = request else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(value) => (*done, *request) = (Some(value), None),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}
