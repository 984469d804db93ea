//! Which objects changed between two readings, told from the versions of their catalog rows. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// The version of one catalog row, and the object whose facts are read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    class: u32,
    object: u32,
    transaction: u32,
    command: u32,
}

/// What a reading says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    /// Rows of this or a later transaction may have been written after the reading.
    horizon: u32,
    /// The transaction that the reading ran in, if it had written something; 0 otherwise.
    transaction: u64,
    /// Whether the transaction of the earlier reading was rolled back.
    undone: bool,
    /// How many rows were ever written in each catalog, as far as this session can know; `None` if nobody counts.
    tallies: Option<Vec<i64>>,
    /// Whose reading it is: only readings of one session have tallies that can be compared.
    pub(super) reader: usize,
}

impl Header {
    /// Reads the row of the statement that says it.
    pub(super) fn from_row(row: &Row, reader: usize) -> Result<Self> {
        let numbers: Numbers = row.try_get(0)?;
        let [horizon, low, high, undone] = numbers.0[..] else {
            return Err(anyhow!("the reading says too little of itself"));
        };
        let transaction = u64::from(high) << 32 | u64::from(low);
        Ok(Self { horizon, transaction, undone: undone != 0, tallies: row.try_get(1)?, reader })
    }

    /// Which catalogs, by their place among the tallies, were written to since an earlier reading of the same session;
    /// `None` if that cannot be told.
    pub(super) fn touched(&self, earlier: &Marks) -> Option<BTreeSet<usize>> {
        let (now, before) = (self.tallies.as_ref()?, earlier.header.tallies.as_ref()?);
        let comparable = self.reader == earlier.header.reader && now.len() == before.len() && !self.undone;
        let differing = now.iter().zip(before).enumerate().filter(|(_, (now, before))| now != before);
        comparable.then(|| differing.map(|(at, _)| at).collect())
    }
}

/// The versions of the rows that a snapshot was read from.
#[derive(Debug, Default)]
pub(super) struct Marks {
    header: Header,
    /// The marks that each part of the statement gave, in order.
    rows: BTreeMap<usize, Arc<[Mark]>>,
    /// The objects that each counted part counts, in order, and their catalog.
    listed: BTreeMap<usize, (u32, Arc<[u32]>)>,
    /// The objects whose rows in the largest catalogs were written since the earlier reading.
    written: Vec<(u32, u32)>,
    /// The counted parts: the catalog, how many objects there are, and those whose rows were written since then.
    counts: BTreeMap<usize, (u32, usize, Vec<u32>)>,
}

/// `pg_authid` and `pg_tablespace`, names that any fact may print without depending on their rows, and `pg_database`:
/// another database is another matter altogether.
const NAMES: [u32; 3] = [1260, 1213, 1262];

/// The oids of the user's objects start here.
const FIRST_OF_USERS: u32 = 16_384;

/// What differs between two sets of marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// The facts of these objects, and of those that depend on them: their catalogs and oids.
    Objects(BTreeSet<(u32, u32)>),
    /// Any fact.
    Everything,
}

impl Marks {
    /// Reads the rows of the marks statement.
    pub(super) fn from_rows(header: Header, rows: &[Row]) -> Result<Self> {
        let mut marks = Self { header, ..Self::default() };
        let mut versions: BTreeMap<usize, Vec<Mark>> = BTreeMap::new();
        for row in rows {
            let (part, class): (i32, u32) = (row.try_get(0)?, row.try_get(1)?);
            // The first row is there for the parameter's sake.
            let Ok(part) = usize::try_from(part) else { continue };
            let column = |index| {
                row.try_get::<_, Option<Numbers>>(index).map(|numbers| numbers.map(|numbers| numbers.0))
            };
            let objects = column(2)?.unwrap_or_default();
            if let Some(count) = row.try_get::<_, Option<i64>>(5)? {
                marks.written.extend(objects.iter().map(|object| (class, *object)));
                let of_users = objects.into_iter().filter(|object| *object >= FIRST_OF_USERS).collect();
                marks.counts.insert(part, (class, usize::try_from(count)?, of_users));
                continue;
            }
            match (column(3)?, column(4)?) {
                (Some(transactions), Some(commands)) => {
                    if objects.len() != transactions.len() || objects.len() != commands.len() {
                        return Err(anyhow!("the marks of catalog {class} do not fit together"));
                    }
                    let found = objects.into_iter().zip(transactions).zip(commands);
                    versions.entry(part).or_default().extend(found.map(
                        |((object, transaction), command)| Mark { class, object, transaction, command },
                    ));
                }
                _ => marks.written.extend(objects.into_iter().map(|object| (class, object))),
            }
        }
        for (part, mut found) in versions {
            found.sort_unstable();
            marks.rows.insert(part, found.into());
        }
        Ok(marks)
    }

    /// The parameters of the statement for the next reading.
    pub(super) fn since(&self) -> (Option<String>, Option<String>) {
        let Header { horizon, transaction, .. } = &self.header;
        (Some(horizon.to_string()), (*transaction != 0).then(|| transaction.to_string()))
    }

    /// Takes over from an earlier reading, whose horizon this one was read with, what was not read again because `read`
    /// leaves it out, and the lists of the counted catalogs as far as their counts say that nothing is gone. Gives the
    /// counted parts that are still to be listed.
    pub(super) fn inherit(&mut self, earlier: &Self, read: impl Fn(usize) -> bool) -> Vec<usize> {
        let unread = earlier.rows.iter().filter(|(part, _)| !read(**part));
        self.rows.extend(unread.map(|(part, rows)| (*part, Arc::clone(rows))));
        let unread = earlier.listed.iter().filter(|(part, _)| !read(**part));
        self.listed.extend(unread.map(|(part, (class, list))| (*part, (*class, Arc::clone(list)))));
        let mut open = Vec::new();
        for (part, (class, count, written)) in &self.counts {
            let Some((_, old)) = earlier.listed.get(part) else {
                open.push(*part);
                continue;
            };
            let is_new = |object: &&u32| old.binary_search(object).is_err();
            let new: BTreeSet<u32> = written.iter().filter(is_new).copied().collect();
            if old.len() + new.len() != *count {
                open.push(*part);
            } else if new.is_empty() {
                self.listed.insert(*part, (*class, Arc::clone(old)));
            } else {
                let mut all: Vec<u32> = old.iter().copied().chain(new).collect();
                all.sort_unstable();
                self.listed.insert(*part, (*class, all.into()));
            }
        }
        open
    }

    /// Takes the answer of the statement that lists a counted part.
    pub(super) fn list(&mut self, part: usize, row: &Row) -> Result<()> {
        let (class, numbers): (u32, Option<Numbers>) = (row.try_get(0)?, row.try_get(1)?);
        let mut objects = numbers.map(|numbers| numbers.0).unwrap_or_default();
        objects.sort_unstable();
        self.listed.insert(part, (class, objects.into()));
        Ok(())
    }

    /// What changed from `self` to `now`, which was read with the horizon of `self`.
    pub(super) fn changed(&self, now: &Self) -> Changed {
        if now.header.undone {
            return Changed::Everything;
        }
        let mut objects: BTreeSet<(u32, u32)> = now.written.iter().copied().collect();
        for (part, (class, listed)) in &now.listed {
            let Some((_, before)) = self.listed.get(part) else { return Changed::Everything };
            if !Arc::ptr_eq(before, listed) {
                let differs = |a: &[u32], b: &[u32]| -> Vec<u32> {
                    a.iter().filter(|object| b.binary_search(object).is_err()).copied().collect()
                };
                let differing = differs(before, listed).into_iter().chain(differs(listed, before));
                objects.extend(differing.map(|object| (*class, object)));
            }
        }
        let none: Arc<[Mark]> = Arc::default();
        let parts: BTreeSet<&usize> = self.rows.keys().chain(now.rows.keys()).collect();
        for part in parts {
            let [before, after] = [self, now].map(|marks| marks.rows.get(part).unwrap_or(&none));
            if !Arc::ptr_eq(before, after) && !differing(before, after, &mut objects) {
                return Changed::Everything;
            }
        }
        Changed::Objects(objects)
    }
}

/// Collects the objects of marks that only one side has; both are sorted. False if any fact may have changed.
fn differing(before: &[Mark], after: &[Mark], objects: &mut BTreeSet<(u32, u32)>) -> bool {
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let (mark, gone) = match (old.peek().copied(), new.peek().copied()) {
            (None, None) => return true,
            (Some(was), Some(is)) if was == is => {
                old.next();
                new.next();
                continue;
            }
            (Some(was), is) if is.is_none_or(|is| was < is) => {
                old.next();
                (was, true)
            }
            (_, Some(is)) => {
                new.next();
                (is, false)
            }
            (Some(was), None) => {
                old.next();
                (was, true)
            }
        };
        match (NAMES.contains(&mark.class), gone) {
            (false, _) => _ = objects.insert((mark.class, mark.object)),
            (true, true) => return false,
            (true, false) => {}
        }
    }
}

/// A one-dimensional array of 4-byte values (oid, xid, cid) in binary form.
struct Numbers(Vec<u32>);

impl<'a> FromSql<'a> for Numbers {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        // Header: dimensions, flags, element type, length, lower bound. Each element: its size, its bytes.
        let elements = raw.get(20..).unwrap_or_default().chunks_exact(8);
        if !elements.remainder().is_empty() {
            return Err("an array of other than 4-byte values".into());
        }
        Ok(Self(elements.map(|e| u32::from_be_bytes([e[4], e[5], e[6], e[7]])).collect()))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::OID_ARRAY | Type::XID_ARRAY | Type::CID_ARRAY)
    }
}
