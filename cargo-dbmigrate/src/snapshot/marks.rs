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

/// The versions of the rows that a snapshot was read from.
#[derive(Debug, Default)]
pub(super) struct Marks {
    rows: Vec<Mark>,
    /// Rows of this or a later transaction may have been written after the reading.
    horizon: u32,
    /// The transaction that the reading ran in, if it had written something; 0 otherwise.
    transaction: u64,
    /// Whether the transaction of the earlier reading was rolled back.
    undone: bool,
    /// The objects whose rows in the largest catalogs were written since the earlier reading.
    written: Vec<(u32, u32)>,
    /// The catalogs whose objects are counted, how many there are, and those whose rows were written since then.
    counts: Vec<(u32, usize, Vec<u32>)>,
    /// The objects of those catalogs, in order.
    listed: BTreeMap<u32, Arc<[u32]>>,
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
    pub(super) fn from_rows(rows: &[Row]) -> Result<Self> {
        let mut marks = Self::default();
        for row in rows {
            let class: u32 = row.try_get(0)?;
            let column = |index| {
                row.try_get::<_, Option<Numbers>>(index).map(|numbers| numbers.map(|numbers| numbers.0))
            };
            if let Some(count) = row.try_get::<_, Option<i64>>(4)? {
                let mut written = column(1)?.unwrap_or_default();
                marks.written.extend(written.iter().map(|object| (class, *object)));
                written.retain(|object| *object >= FIRST_OF_USERS);
                marks.counts.push((class, usize::try_from(count)?, written));
                continue;
            }
            match (column(1)?, column(2)?, column(3)?) {
                (None, Some(reading), None) => {
                    let [horizon, low, high, undone] = reading[..] else {
                        return Err(anyhow!("the reading says too little of itself"));
                    };
                    marks.horizon = horizon;
                    marks.transaction = u64::from(high) << 32 | u64::from(low);
                    marks.undone = undone != 0;
                }
                (Some(objects), None, None) => {
                    marks.written.extend(objects.into_iter().map(|object| (class, object)))
                }
                (Some(objects), Some(transactions), Some(commands)) => {
                    if objects.len() != transactions.len() || objects.len() != commands.len() {
                        return Err(anyhow!("the marks of catalog {class} do not fit together"));
                    }
                    let versions = objects.into_iter().zip(transactions).zip(commands);
                    marks.rows.extend(versions.map(|((object, transaction), command)| Mark {
                        class,
                        object,
                        transaction,
                        command,
                    }));
                }
                _ => {}
            }
        }
        marks.rows.sort_unstable();
        Ok(marks)
    }

    /// The parameters of the statement for the next reading.
    pub(super) fn since(&self) -> (Option<String>, Option<String>) {
        (Some(self.horizon.to_string()), (self.transaction != 0).then(|| self.transaction.to_string()))
    }

    /// Takes the lists of the counted catalogs over from an earlier reading, whose horizon this one was read with, as far
    /// as their counts say that nothing is gone. Gives the catalogs that are still to be listed.
    pub(super) fn inherit(&mut self, earlier: &Self) -> Vec<u32> {
        let mut open = Vec::new();
        for (class, count, written) in &self.counts {
            let Some(old) = earlier.listed.get(class) else {
                open.push(*class);
                continue;
            };
            let is_new = |object: &&u32| old.binary_search(object).is_err();
            let new: BTreeSet<u32> = written.iter().filter(is_new).copied().collect();
            if old.len() + new.len() != *count {
                open.push(*class);
            } else if new.is_empty() {
                self.listed.insert(*class, Arc::clone(old));
            } else {
                let mut all: Vec<u32> = old.iter().copied().chain(new).collect();
                all.sort_unstable();
                self.listed.insert(*class, all.into());
            }
        }
        open
    }

    /// Takes the answer of a statement that lists a catalog.
    pub(super) fn list(&mut self, class: u32, row: &Row) -> Result<()> {
        let mut objects = row.try_get::<_, Option<Numbers>>(0)?.map(|numbers| numbers.0).unwrap_or_default();
        objects.sort_unstable();
        self.listed.insert(class, objects.into());
        Ok(())
    }

    /// What changed from `self` to `now`, which was read with the horizon of `self`.
    pub(super) fn changed(&self, now: &Self) -> Changed {
        if now.undone {
            return Changed::Everything;
        }
        let mut objects: BTreeSet<(u32, u32)> = now.written.iter().copied().collect();
        for (class, listed) in &now.listed {
            let Some(before) = self.listed.get(class) else { return Changed::Everything };
            if !Arc::ptr_eq(before, listed) {
                let differs = |a: &[u32], b: &[u32]| -> Vec<u32> {
                    a.iter().filter(|object| b.binary_search(object).is_err()).copied().collect()
                };
                let differing = differs(before, listed).into_iter().chain(differs(listed, before));
                objects.extend(differing.map(|object| (*class, object)));
            }
        }
        let (mut old, mut new) = (self.rows.iter().peekable(), now.rows.iter().peekable());
        loop {
            let (mark, gone) = match (old.peek().copied(), new.peek().copied()) {
                (None, None) => return Changed::Objects(objects),
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
                (true, true) => return Changed::Everything,
                (true, false) => {}
            }
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
