//! What the catalog says of a statement that runs outside of any transaction: whether it was done, and what an interrupted
//! one left behind.
//!
//! What is true before the statement is kept in the history, so that what it did can be told from what was there.

use std::fmt;

use tokio_postgres::{Client, SimpleQueryRow};

use crate::Error;
use crate::engine::history::{ident, literal};
use crate::engine::session::rows;
use crate::engine::statement::{Global, Kind, Name, NewIndex};

/// What was true before a statement ran for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Witness {
    /// The OID of a table, and of its indexes.
    Indexes(Oid, Vec<Oid>),
    /// The OIDs of what `REINDEX` may leave behind, and others have left.
    Leftovers(Vec<Oid>),
    /// The OID of what is made or dropped; `None` if there is no such thing.
    Object(Option<Oid>),
    /// The OIDs of a partitioned table and of what was its partition.
    Partition(Oid, Oid),
    /// Nothing that could tell.
    Nothing,
}

type Oid = u32;

impl fmt::Display for Witness {
    /// As it stands in the history.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |f: &mut fmt::Formatter<'_>, oids: &[Oid]| oids.iter().try_for_each(|oid| write!(f, " {oid}"));
        match self {
            Self::Indexes(table, oids) => {
                write!(f, "indexes {table}")?;
                list(f, oids)
            }
            Self::Leftovers(oids) => {
                f.write_str("leftovers")?;
                list(f, oids)
            }
            Self::Object(None) => f.write_str("object"),
            Self::Object(Some(oid)) => write!(f, "object {oid}"),
            Self::Partition(parent, partition) => write!(f, "partition {parent} {partition}"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

impl Witness {
    /// Reads what stands in the history. What another version wrote in its own way tells nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let word = words.next();
        let Ok(oids) = words.map(str::parse).collect::<Result<Vec<Oid>, _>>() else { return Self::Nothing };
        match (word, oids.as_slice()) {
            (Some("indexes"), [table, oids @ ..]) => Self::Indexes(*table, oids.to_vec()),
            (Some("leftovers"), oids) => Self::Leftovers(oids.to_vec()),
            (Some("object"), []) => Self::Object(None),
            (Some("object"), [oid]) => Self::Object(Some(*oid)),
            (Some("partition"), [parent, partition]) => Self::Partition(*parent, *partition),
            _ => Self::Nothing,
        }
    }

    /// Looks before a statement runs.
    pub(crate) async fn look(client: &Client, kind: &Kind) -> Result<Self, Error> {
        Ok(match kind {
            Kind::CreateIndex(index) => {
                let Some(table) = oid(client, &named(&index.table)).await? else { return Ok(Self::Nothing) };
                let query = format!("SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = {table}");
                Self::Indexes(table, oids(client, &query).await?)
            }
            Kind::DropIndex(name) => Self::Object(oid(client, &named(name)).await?),
            Kind::Reindex => {
                Self::Leftovers(leftovers(client).await?.into_iter().map(|index| index.oid).collect())
            }
            Kind::Detach { parent, partition } => {
                let parent = oid(client, &named(parent)).await?;
                let partition = oid(client, &named(partition)).await?;
                match parent.zip(partition) {
                    Some((parent, partition)) if detaching(client, parent, partition).await?.is_some() => {
                        Self::Partition(parent, partition)
                    }
                    _ => Self::Nothing,
                }
            }
            Kind::Create(global, name) | Kind::Drop(global, name) => {
                Self::Object(oid(client, &global_named(*global, name)).await?)
            }
            _ => Self::Nothing,
        })
    }

    /// Whether the statement did all that it was to do, since this was true.
    pub(crate) async fn is_done(&self, client: &Client, kind: &Kind) -> Result<bool, Error> {
        Ok(match (self, kind) {
            (Self::Indexes(table, before), Kind::CreateIndex(wanted)) => {
                let found = indexes(client, *table).await?;
                found.iter().any(|index| index.valid && index.is_made_by(wanted, before))
            }
            (Self::Object(Some(before)), Kind::DropIndex(_)) => {
                let query = format!("SELECT oid FROM pg_catalog.pg_class WHERE oid = {before}");
                oid(client, &query).await?.is_none()
            }
            (Self::Partition(parent, partition), Kind::Detach { .. }) => {
                detaching(client, *parent, *partition).await?.is_none()
            }
            (Self::Object(None), Kind::Create(global, name)) => {
                oid(client, &global_named(*global, name)).await?.is_some()
            }
            (Self::Object(Some(before)), Kind::Drop(global, name)) => {
                oid(client, &global_named(*global, name)).await? != Some(*before)
            }
            _ => false,
        })
    }

    /// What stands in the statement's way: indexes that an attempt left, this one's or another's of the same name.
    pub(crate) async fn debris(&self, client: &Client, kind: &Kind) -> Result<Vec<Index>, Error> {
        match (self, kind) {
            (Self::Indexes(table, before), Kind::CreateIndex(wanted)) => {
                let mut found = indexes(client, *table).await?;
                found.retain(|index| {
                    let same_name = wanted.name.as_ref().is_some_and(|name| index.name == *name);
                    !index.valid && (same_name || index.is_made_by(wanted, before))
                });
                Ok(found)
            }
            (Self::Leftovers(before), Kind::Reindex) => {
                let mut found = leftovers(client).await?;
                found.retain(|index| !before.contains(&index.oid));
                Ok(found)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The index that a statement has made, or found there, and that is invalid nevertheless.
    pub(crate) async fn invalid(&self, client: &Client, kind: &Kind) -> Result<Option<Index>, Error> {
        let (Self::Indexes(table, before), Kind::CreateIndex(wanted)) = (self, kind) else { return Ok(None) };
        let found = match &wanted.name {
            // It may stand on another table, where `IF NOT EXISTS` found it.
            Some(name) => {
                let schema = format!("(SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = {table})");
                let condition = format!("c.relnamespace = {schema} AND c.relname = {}", literal(name));
                indexes_where(client, &condition).await?
            }
            None => {
                let mut found = indexes(client, *table).await?;
                found.retain(|index| index.is_made_by(wanted, before));
                found
            }
        };
        Ok(found.into_iter().find(|index| !index.valid))
    }

    /// What brings an interrupted statement to its end, where that is another one.
    pub(crate) async fn rest(&self, client: &Client) -> Result<Option<String>, Error> {
        let Self::Partition(parent, partition) = self else { return Ok(None) };
        if detaching(client, *parent, *partition).await? != Some(true) {
            return Ok(None);
        }
        let query = format!(
            "SELECT {QUALIFIED} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid IN ({parent}, {partition}) ORDER BY c.oid <> {parent}"
        );
        let found = looked(client, &query).await?;
        let name = |row: usize| found.get(row).and_then(|row| row.try_get(0).ok().flatten());
        let names = name(0).zip(name(1));
        Ok(names
            .map(|(parent, partition)| format!("ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE")))
    }
}

/// A relation's name as SQL.
const QUALIFIED: &str = "pg_catalog.format('%I.%I', n.nspname, c.relname)";

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    oid: Oid,
    schema: String,
    name: String,
    valid: bool,
    unique: bool,
    /// The names of its key columns, `None` for an expression.
    keys: Vec<Option<String>>,
    /// Its table as SQL, if that can be locked.
    pub(crate) table: Option<String>,
}

impl Index {
    /// Its name as SQL.
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.name))
    }

    /// Its name for people.
    pub(crate) fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Whether this statement made it, if these were there before.
    fn is_made_by(&self, wanted: &NewIndex, before: &[Oid]) -> bool {
        if before.contains(&self.oid) {
            return false;
        }
        match &wanted.name {
            Some(name) => self.name == *name,
            // The server makes up the name from the table and the columns, and ends it so.
            None => {
                let fits =
                    |(wanted, found): (&Option<String>, &Option<String>)| wanted.is_none() || wanted == found;
                self.unique == wanted.unique
                    && self.name.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("_idx")
                    && self.keys.len() == wanted.keys.len()
                    && wanted.keys.iter().zip(&self.keys).all(fits)
            }
        }
    }
}

async fn indexes(client: &Client, table: Oid) -> Result<Vec<Index>, Error> {
    indexes_where(client, &format!("i.indrelid = {table}")).await
}

/// What an interrupted `REINDEX … CONCURRENTLY` may have left.
async fn leftovers(client: &Client) -> Result<Vec<Index>, Error> {
    indexes_where(client, r"NOT i.indisvalid AND c.relname ~ '_cc(new|old)\d*$'").await
}

/// Those with storage: the index of a partitioned table is invalid until each partition has one.
async fn indexes_where(client: &Client, condition: &str) -> Result<Vec<Index>, Error> {
    // The index of a TOAST table is guarded by the lock on the table that this belongs to.
    let query = format!(
        "SELECT i.indexrelid, n.nspname, c.relname, i.indisvalid, i.indisunique, \
         (SELECT {QUALIFIED} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
          WHERE (c.oid = i.indrelid OR c.reltoastrelid = i.indrelid) AND c.relkind IN ('r', 'p')), \
         i.indnkeyatts, (SELECT pg_catalog.string_agg(k.n || ' ' || a.attname, E'\\n') \
          FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) k(n) \
          JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.n]) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'i' AND {condition} ORDER BY 1"
    );
    let found = looked(client, &query).await?;
    Ok(found.iter().filter_map(index).collect())
}

fn index(row: &SimpleQueryRow) -> Option<Index> {
    let text = |column: usize| row.try_get(column).ok().flatten();
    let mut keys = vec![None; text(6)?.parse().ok()?];
    for line in text(7).unwrap_or_default().lines() {
        let (at, name) = line.split_once(' ')?;
        if let Some(key) = at.parse::<usize>().ok().and_then(|at| keys.get_mut(at)) {
            *key = Some(name.to_owned());
        }
    }
    Some(Index {
        oid: text(0)?.parse().ok()?,
        schema: text(1)?.to_owned(),
        name: text(2)?.to_owned(),
        valid: text(3)? == "t",
        unique: text(4)? == "t",
        keys,
        table: text(5).map(str::to_owned),
    })
}

/// Whether a partition's detachment has begun; `None` if it is no partition of this table.
async fn detaching(client: &Client, parent: Oid, partition: Oid) -> Result<Option<bool>, Error> {
    let query = format!(
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhparent = {parent} AND inhrelid = {partition}"
    );
    let found = looked(client, &query).await?;
    Ok(found.first().and_then(|row| row.try_get(0).ok().flatten()).map(|pending| pending == "t"))
}

/// A query for the OID of a relation, found as the statement finds it.
fn named(name: &Name) -> String {
    format!("SELECT pg_catalog.to_regclass({})::oid", literal(&name.sql()))
}

fn global_named(global: Global, name: &str) -> String {
    let name = literal(name);
    match global {
        Global::Database => format!("SELECT oid FROM pg_catalog.pg_database WHERE datname = {name}"),
        Global::Tablespace => format!("SELECT oid FROM pg_catalog.pg_tablespace WHERE spcname = {name}"),
        Global::Subscription => format!(
            "SELECT oid FROM pg_catalog.pg_subscription WHERE subname = {name} AND subdbid = \
             (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
        ),
    }
}

async fn oid(client: &Client, query: &str) -> Result<Option<Oid>, Error> {
    Ok(oids(client, query).await?.first().copied())
}

async fn oids(client: &Client, query: &str) -> Result<Vec<Oid>, Error> {
    let found = looked(client, query).await?;
    Ok(found.iter().filter_map(|row| row.try_get(0).ok().flatten()?.parse().ok()).collect())
}

async fn looked(client: &Client, query: &str) -> Result<Vec<SimpleQueryRow>, Error> {
    let doing = "looking at what a statement did";
    rows(client, query).await.map_err(|error| Error::Database { doing, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_gives_back_what_it_was_given() {
        for witness in [
            Witness::Indexes(1, vec![]),
            Witness::Indexes(1, vec![2, 3]),
            Witness::Leftovers(vec![]),
            Witness::Leftovers(vec![4_000_000_000]),
            Witness::Object(None),
            Witness::Object(Some(5)),
            Witness::Partition(6, 7),
            Witness::Nothing,
        ] {
            assert_eq!(Witness::parse(&witness.to_string()), witness);
        }
        for text in ["", "indexes", "partition 1", "object x", "of a newer version"] {
            assert_eq!(Witness::parse(text), Witness::Nothing, "{text}");
        }
    }

    #[test]
    fn an_index_without_a_name_is_told_by_its_columns() {
        let unnamed = |text: &str| match Kind::of(text) {
            Kind::CreateIndex(index) => index,
            other => unreachable!("{other:?}"),
        };
        let index = |name: &str, keys: &[Option<&str>]| Index {
            oid: 10,
            schema: "public".to_owned(),
            name: name.to_owned(),
            valid: true,
            unique: false,
            keys: keys.iter().map(|key| key.map(str::to_owned)).collect(),
            table: None,
        };
        let wanted = unnamed("CREATE INDEX CONCURRENTLY ON t (a, lower(b))");
        assert!(index("t_a_lower_idx", &[Some("a"), None]).is_made_by(&wanted, &[9]));
        assert!(index("t_a_lower_idx12", &[Some("a"), None]).is_made_by(&wanted, &[9]));
        assert!(!index("t_a_lower_idx", &[Some("a"), None]).is_made_by(&wanted, &[10]), "it was there");
        assert!(!index("t_c_lower_idx", &[Some("c"), None]).is_made_by(&wanted, &[]));
        assert!(!index("t_a_idx", &[Some("a")]).is_made_by(&wanted, &[]));
        assert!(!index("by_hand", &[Some("a"), None]).is_made_by(&wanted, &[]));
        let unique = unnamed("CREATE UNIQUE INDEX CONCURRENTLY ON t (a, lower(b))");
        assert!(!index("t_a_lower_idx", &[Some("a"), None]).is_made_by(&unique, &[]));
    }
}
