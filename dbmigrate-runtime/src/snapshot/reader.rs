//! Reads snapshots over one connection. The only place of this room that speaks to the server.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::iter;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::catalog::marks::{self, Part};
use super::catalog::{self, Extent, Server};
use super::marks::{Changed, Header, Marks};
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

/// For the statements that read some objects: a plan that scans a whole catalog would cost what that weighs.
const BY_INDEX: &str =
    "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";

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

const NONE: &[&(dyn ToSql + Sync)] = &[];

const UNREADABLE: &str = "the catalogs cannot be read";

const CLASSES: &str = "select relname::text, oid from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'";

/// One connection's prepared statements.
pub struct Reader {
    sources: Vec<Prepared>,
    unmodelled: Statement,
    header: Statement,
    /// The marks of all parts.
    marks: Statement,
    parts: Vec<MarksPart>,
    /// The marks of some parts, as they were needed.
    some_marks: BTreeMap<Vec<usize>, Statement>,
    /// The catalogs that the tallies of a reading are about, in their order.
    tallied: Vec<u32>,
    /// The places among them of the catalogs that decide what is unmodelled.
    unmodelled_in: Vec<usize>,
    /// What tells this session from others.
    number: usize,
    closure: Statement,
    ignored: Vec<String>,
    /// Whether the role sees the versions of all catalog rows.
    superuser: bool,
    checked: bool,
    /// How many groups of facts there were when the statements that read some objects were planned.
    planned_for: usize,
}

/// A part of the marks.
struct MarksPart {
    part: Part,
    /// The places among the tallies of the catalogs that decide what it gives; `None` if it is always to be read.
    decided_in: Option<Vec<usize>>,
    /// The statement that lists what it counts.
    list: Option<Statement>,
}

/// So many statements for some parts are kept; what needs another one reads all parts.
const KEPT: usize = 32;

/// Tells sessions apart.
static SESSIONS: AtomicUsize = AtomicUsize::new(0);

/// Whether the numbers of written rows that the server keeps may tell which catalogs need no reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tallies {
    /// They may: only this session writes to the database, and nothing in it misleads the server's statistics.
    Trusted,
    /// They may not.
    Ignored,
}

struct Prepared {
    /// The class of the rows' objects; `None` when the first column says it.
    class: Option<u32>,
    /// What an object has to be for its facts to be here; `None` when it may be anything.
    letters: Option<&'static str>,
    all: Statement,
    some: Statement,
    /// The text of `some`, to plan it again.
    text: String,
}

impl Prepared {
    /// The classes and oids of those objects that have facts here; `None` if there are none.
    fn pick(&self, objects: &BTreeMap<(u32, u32), Option<String>>) -> Option<(Vec<u32>, Vec<u32>)> {
        let fits = |what: &String| self.letters.is_none_or(|letters| what.contains(|c| letters.contains(c)));
        let picked: (Vec<u32>, Vec<u32>) = objects
            .iter()
            .filter(|((class, _), what)| {
                self.class.is_none_or(|own| own == *class) && what.as_ref().is_some_and(fits)
            })
            .map(|(key, _)| *key)
            .unzip();
        (!picked.0.is_empty()).then_some(picked)
    }
}

/// The statements that read some objects are planned for catalogs of this size, in groups of facts, and anew each time
/// that the catalogs have grown by [`GROWTH`]: a plan for small catalogs would cost what large ones weigh.
const PLANNED_FOR: usize = 256;
const GROWTH: usize = 2;

/// So few objects are always read by themselves.
const SMALL: usize = 64;

/// Where a smaller part than one in this many objects changed, only that part is read again.
const PART: usize = 3;

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

/// The first version whose tallies hold what was just written.
const EXACT_TALLIES: u32 = 15;

impl Reader {
    /// Prepares the statements on a connection that has no transaction open. The relations in `ignore`, named as
    /// `schema.relation` with quotes where SQL needs them, are left out of every snapshot.
    pub async fn new(client: &Client, ignore: &[String], tallies: Tallies) -> Result<Self> {
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
            .context(UNREADABLE)?;
        let server = Server { version: u32::try_from(row.get::<_, i32>(0))? / 10_000, superuser: row.get(1) };
        let others: Vec<String> = row.get(2);
        let texts = catalog::sources()?;
        let sql = |extent| texts.iter().map(|source| source.sql(server, extent)).collect::<Result<Vec<_>>>();
        let parts = marks::parts(server);
        let all_marks = marks::sql(parts.iter().enumerate());
        let mut statements =
            vec![unmodelled(&others), marks::HEADER.to_owned(), all_marks, catalog::CLOSURE.to_owned()];
        statements.extend(parts.iter().filter_map(|part| part.list.clone()));
        statements.extend(sql(Extent::Everything)?);
        statements.extend(sql(Extent::Some)?);

        let (opening, closing) = (Within::OwnTransaction.opening(), Within::OwnTransaction.closing());
        let prepare = async {
            let names = client.query(CLASSES, &[]).await?;
            Ok((names, pipelined(statements.iter().map(|sql| client.prepare(sql))).await))
        };
        let (opened, prepared) = futures_util::join!(client.batch_execute(&opening), prepare);
        opened?;
        client.batch_execute(closing).await?;
        let (names, prepared): (Vec<Row>, Vec<_>) = prepared.map_err(|error: tokio_postgres::Error| error)?;
        let mut prepared = statements.iter().zip(prepared).map(|(sql, statement)| {
            statement.with_context(|| format!("the server does not understand `{sql}`"))
        });
        let mut next = || prepared.next().unwrap_or_else(|| Err(anyhow!("a statement is missing")));

        let classes: BTreeMap<String, u32> = names.iter().map(|row| (row.get(0), row.get(1))).collect();
        let class_of = |name: &str| {
            classes.get(name).copied().ok_or_else(|| anyhow!("this server has no catalog `{name}`"))
        };
        let (unmodelled, header, marks, closure) = (next()?, next()?, next()?, next()?);
        let mut tallied: Vec<u32> = Vec::new();
        let mut place = |name: &str| -> Result<usize> {
            let class = class_of(name)?;
            Ok(tallied.iter().position(|known| *known == class).unwrap_or_else(|| {
                tallied.push(class);
                tallied.len() - 1
            }))
        };
        let unmodelled_in = others.iter().map(|name| place(name)).collect::<Result<Vec<_>>>()?;
        let mut marks_parts = Vec::new();
        for part in parts {
            let decided_in = match part.shared {
                true => None,
                false => Some(part.catalogs.iter().map(|name| place(name)).collect::<Result<Vec<_>>>()?),
            };
            let list = part.list.is_some().then(&mut next).transpose()?;
            marks_parts.push(MarksPart { part, decided_in, list });
        }
        if tallies == Tallies::Ignored || server.version < EXACT_TALLIES {
            tallied.clear();
        }
        let all = texts.iter().map(|_| next()).collect::<Result<Vec<_>>>()?;
        let some = texts.iter().map(|_| next()).collect::<Result<Vec<_>>>()?;
        let mut sources = Vec::new();
        let some_texts = sql(Extent::Some)?;
        for (((source, all), some), text) in texts.iter().zip(all).zip(some).zip(some_texts) {
            let class = source.class.map(class_of).transpose()?;
            sources.push(Prepared { class, letters: source.letters, all, some, text });
        }
        let ignored = ignore.iter().map(|name| format!("table {name}")).collect();
        Ok(Self {
            sources,
            unmodelled,
            header,
            marks,
            parts: marks_parts,
            some_marks: BTreeMap::new(),
            tallied,
            unmodelled_in,
            number: SESSIONS.fetch_add(1, Ordering::Relaxed),
            closure,
            ignored,
            superuser: server.superuser,
            checked: false,
            planned_for: PLANNED_FOR,
        })
    }

    /// Makes every [`Reader::refresh`] read everything too, and fail if that says something else. For tests: it also
    /// refreshes where reading everything at once would be cheaper.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// Reads everything, in one round trip.
    pub async fn full(&mut self, client: &Client, within: Within) -> Result<Snapshot> {
        inside(client, within, self.everything(client)).await
    }

    /// Reads what changed since `from` was read, by this or another reader of the same database.
    ///
    /// `from` may be older than a transaction that was rolled back, or come from inside one (then everything is read), but
    /// not from inside a savepoint that was rolled back.
    pub async fn refresh(&mut self, client: &Client, from: &Snapshot, within: Within) -> Result<Snapshot> {
        if from.groups.len() > self.planned_for.saturating_mul(GROWTH) {
            self.plan_anew(client, within).await?;
            self.planned_for = from.groups.len();
        }
        inside(client, within, async {
            let snapshot = self.changes(client, from).await?;
            if self.checked {
                snapshot.must_equal(&self.everything(client).await?)?;
            }
            Ok(snapshot)
        })
        .await
    }

    /// Prepares the statements that read some objects once more; their next execution plans them.
    async fn plan_anew(&mut self, client: &Client, within: Within) -> Result<()> {
        let prepare =
            async { Ok(pipelined(self.sources.iter().map(|source| client.prepare(&source.text))).await) };
        let prepared = inside(client, within, prepare).await?;
        for (source, some) in self.sources.iter_mut().zip(prepared) {
            source.some = some.context(UNREADABLE)?;
        }
        Ok(())
    }

    async fn everything(&self, client: &Client) -> Result<Snapshot> {
        let statements = iter::once(&self.unmodelled).chain(self.sources.iter().map(|source| &source.all));
        let marks = client.query(&self.marks, &[&None::<String>]);
        let lists = self.parts.iter().enumerate().filter_map(|(at, part)| Some((at, part.list.as_ref()?)));
        let (listed, lists): (Vec<usize>, Vec<&Statement>) = lists.unzip();
        let lists = pipelined(lists.into_iter().map(|statement| client.query_one(statement, NONE)));
        let others = pipelined(statements.map(|statement| client.query(statement, NONE)));
        let (header, marks, lists, others) =
            futures_util::join!(self.header(client, None), marks, lists, others);
        let mut marks = Marks::from_rows(header?, &marks.context(UNREADABLE)?)?;
        for (part, row) in listed.into_iter().zip(lists) {
            marks.list(part, &row.context(UNREADABLE)?)?;
        }
        let mut results = others.into_iter();
        let mut next = || results.next().ok_or_else(|| anyhow!("an answer is missing"))?.context(UNREADABLE);
        let unmodelled = counts(&next()?)?;
        let mut groups = Groups::default();
        for source in 0..self.sources.len() {
            self.group(source, &next()?, &mut groups)?;
        }
        Ok(Snapshot { groups: Arc::new(groups), unmodelled, marks: Arc::new(marks) })
    }

    /// What the reading says of itself, given the transaction of the earlier one.
    async fn header(&self, client: &Client, transaction: Option<String>) -> Result<Header> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&transaction, &self.tallied];
        let row = client.query_one(&self.header, &parameters).await.context(UNREADABLE)?;
        Header::from_row(&row, self.number)
    }

    /// The statement that gives the marks of these parts.
    async fn marks_of(&mut self, client: &Client, parts: &[usize]) -> Result<Statement> {
        if parts.len() == self.parts.len() {
            return Ok(self.marks.clone());
        }
        if let Some(statement) = self.some_marks.get(parts) {
            return Ok(statement.clone());
        }
        let text = marks::sql(parts.iter().map(|part| (*part, &self.parts[*part].part)));
        let statement = client.prepare(&text).await.context(UNREADABLE)?;
        self.some_marks.insert(parts.to_vec(), statement.clone());
        Ok(statement)
    }

    async fn changes(&mut self, client: &Client, from: &Snapshot) -> Result<Snapshot> {
        if !self.superuser {
            return self.everything(client).await;
        }
        let (horizon, transaction) = from.marks.since();
        let header = self.header(client, transaction).await?;
        let touched = header.touched(&from.marks);
        let is_touched = |catalogs: &Vec<usize>| {
            touched.as_ref().is_none_or(|touched| catalogs.iter().any(|at| touched.contains(at)))
        };
        let mut parts: Vec<usize> = (0..self.parts.len())
            .filter(|part| self.parts[*part].decided_in.as_ref().is_none_or(is_touched))
            .collect();
        if self.some_marks.len() >= KEPT && !self.some_marks.contains_key(&parts) {
            parts = (0..self.parts.len()).collect();
        }
        let count_unmodelled = is_touched(&self.unmodelled_in);
        let statement = self.marks_of(client, &parts).await?;
        let unmodelled = async {
            match count_unmodelled {
                true => counts(&client.query(&self.unmodelled, NONE).await.context(UNREADABLE)?),
                false => Ok(Arc::clone(&from.unmodelled)),
            }
        };
        let parameters: [&(dyn ToSql + Sync); 1] = [&horizon];
        let (marks, unmodelled) = futures_util::join!(client.query(&statement, &parameters), unmodelled);
        let (mut marks, unmodelled) = (Marks::from_rows(header, &marks.context(UNREADABLE)?)?, unmodelled?);
        let open = marks.inherit(&from.marks, |part| parts.binary_search(&part).is_ok());
        let listing = open.iter().filter_map(|part| self.parts.get(*part)?.list.as_ref());
        let listed = pipelined(listing.map(|statement| client.query_one(statement, NONE))).await;
        for (part, row) in open.into_iter().zip(listed) {
            marks.list(part, &row.context(UNREADABLE)?)?;
        }
        let marks = Arc::new(marks);
        let Changed::Objects(changed) = from.marks.changed(&marks) else {
            return self.everything(client).await;
        };
        if changed.is_empty() {
            return Ok(Snapshot { groups: Arc::clone(&from.groups), unmodelled, marks });
        }
        let (classes, objects): (Vec<u32>, Vec<u32>) = changed.into_iter().unzip();
        let parameters: [&(dyn ToSql + Sync); 2] = [&classes, &objects];
        let (set, reached) =
            futures_util::join!(client.batch_execute(BY_INDEX), client.query(&self.closure, &parameters));
        set.context(UNREADABLE)?;
        let reached = reached.context(UNREADABLE)?;
        let reached = reached.iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)));
        let reached: BTreeMap<(u32, u32), Option<String>> = reached.collect::<Result<_>>()?;
        if !self.checked && reached.len() > SMALL && reached.len() > from.groups.len() / PART {
            return self.everything(client).await;
        }

        let needed: Vec<(usize, Vec<u32>, Vec<u32>)> = (0..self.sources.len())
            .filter_map(|at| self.sources[at].pick(&reached).map(|(classes, objects)| (at, classes, objects)))
            .collect();
        let needed: Vec<(usize, Vec<&(dyn ToSql + Sync)>)> = needed
            .iter()
            .map(|(at, classes, objects)| match self.sources[*at].class {
                None => (*at, vec![classes as &(dyn ToSql + Sync), objects]),
                Some(_) => (*at, vec![objects as &(dyn ToSql + Sync)]),
            })
            .collect();
        let read = pipelined(
            needed.iter().map(|(at, parameters)| client.query(&self.sources[*at].some, parameters)),
        );
        let read = read.await;

        let mut groups = Groups::clone(&from.groups);
        for (class, object) in reached.keys() {
            groups.remove(*class, *object);
        }
        for ((source, _), rows) in needed.iter().zip(read) {
            self.group(*source, &rows.context(UNREADABLE)?, &mut groups)?;
        }
        Ok(Snapshot { groups: Arc::new(groups), unmodelled, marks })
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
        for (key, facts) in parts {
            groups.insert(key, facts.into());
        }
        Ok(())
    }
}

/// Runs `work` between the opening and the closing of the transaction or savepoint.
async fn inside<T>(client: &Client, within: Within, work: impl Future<Output = Result<T>>) -> Result<T> {
    let opening = within.opening();
    let (opened, result) = futures_util::join!(client.batch_execute(&opening), work);
    // Sent, not awaited: whatever the connection is used for next waits behind it, and fails if it failed.
    let mut closing = pin!(client.batch_execute(within.closing()));
    let closed = poll_fn(|context| Poll::Ready(closing.as_mut().poll(context))).await;
    opened.context("the transaction for a snapshot cannot be opened")?;
    if let Poll::Ready(closed) = closed {
        closed?;
    }
    result
}

/// Counts the user's objects in catalogs that no source reads.
fn unmodelled(catalogs: &[String]) -> String {
    let count = catalogs.iter().map(|name| {
        format!(
            "select '{name}', count(*) from {name} o where o.oid >= 16384 and not exists \
             (select from pg_depend e where e.classid = '{name}'::regclass and e.objid = o.oid and e.deptype = 'e')"
        )
    });
    let count = count.collect::<Vec<_>>();
    if count.is_empty() { "select '', 0::int8 where false".to_owned() } else { count.join(" union all ") }
}

fn counts(rows: &[Row]) -> Result<Arc<[Unmodelled]>> {
    let mut found = Vec::new();
    for row in rows {
        let (name, count): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
        if count > 0 {
            let what = match name {
                "pg_largeobject_metadata" => "large object",
                name => name.strip_prefix("pg_").unwrap_or(name),
            };
            found.push(Unmodelled { what: what.to_owned(), count });
        }
    }
    Ok(found.into())
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
