//! A directory's migrations against its lock. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::lock::Lock;
use crate::migration::{Direction, Hash, Id, Migration};

/// One way in which files and lock do not fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discrepancy {
    /// A file's text is not what was locked.
    Edited {
        /// The migration.
        id: Id,
        /// Which of its files.
        direction: Direction,
        /// The hash in the lock.
        locked: Hash,
        /// The hash of the file.
        found: Hash,
    },
    /// The lock has no line for this migration.
    Added(Id),
    /// A locked migration's up, and with it the migration, is not there.
    Removed(Id),
    /// A locked migration's down is not there.
    DownRemoved(Id),
    /// There is a down for a migration that was locked as irreversible.
    DownAdded(Id),
    /// A locked migration stands under another version or name.
    Moved {
        /// As locked.
        from: Id,
        /// As found.
        to: Id,
    },
    /// The lock's line is not in the order of versions.
    OutOfOrder(Id),
    /// The lock names a migration or a version twice.
    Repeated(Id),
    /// The lock's line does not follow from the line before it.
    BrokenChain(Id),
}

impl Discrepancy {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Edited { .. } => {
                "restore the file from version control, and write the change as a new migration; `cargo dbmigrate verify` tells when it fits again"
            }
            Self::Added(_) => {
                "move it to the drafts, and run `cargo dbmigrate consolidate`; `cargo dbmigrate verify` tells when it fits again"
            }
            Self::Removed(_) | Self::DownRemoved(_) | Self::Moved { .. } => {
                "restore it from version control; `cargo dbmigrate verify` tells when it fits again"
            }
            Self::DownAdded(_) => "move the down away; `cargo dbmigrate verify` tells when it fits again",
            Self::OutOfOrder(_) | Self::Repeated(_) | Self::BrokenChain(_) => {
                "restore `dbmigrate.lock` from version control; only `cargo dbmigrate` writes it, and `cargo dbmigrate verify` tells when it fits again"
            }
        }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { id, direction, locked, found } => {
                let file = id.file_name(*direction);
                write!(f, "`{file}` was edited: its hash is {}, locked is {}", found.short(), locked.short())
            }
            Self::Added(id) => write!(f, "`{id}` is not in the lock"),
            Self::Removed(id) => write!(f, "`{id}` is in the lock, but its file is gone"),
            Self::DownRemoved(id) => write!(f, "`{}` is gone", id.file_name(Direction::Down)),
            Self::DownAdded(id) => {
                write!(f, "`{}` is there, but locked as irreversible", id.file_name(Direction::Down))
            }
            Self::Moved { from, to } => write!(f, "`{from}` is now called `{to}`"),
            Self::OutOfOrder(id) => write!(f, "`{id}` is not in the order of versions"),
            Self::Repeated(id) => write!(f, "`{id}` is in the lock twice"),
            Self::BrokenChain(id) => write!(f, "the lock's line of `{id}` was edited"),
        }
    }
}

/// Compares migrations, in the order of their versions, with a lock. Empty means intact.
pub fn discrepancies(lock: &Lock, migrations: &[Migration]) -> Vec<Discrepancy> {
    let mut found = lock_discrepancies(lock);
    let by_id: BTreeMap<&Id, &Migration> =
        migrations.iter().map(|migration| (&migration.id, migration)).collect();
    let locked: BTreeSet<&Id> = lock.entries().iter().map(|entry| &entry.id).collect();
    let mut added: Vec<&Migration> = migrations.iter().filter(|m| !locked.contains(&m.id)).collect();
    for entry in lock.entries() {
        let Some(migration) = by_id.get(&entry.id) else {
            match added.iter().position(|migration| migration.up.hash == entry.up.hash) {
                Some(at) => {
                    let to = added.remove(at).id.clone();
                    found.push(Discrepancy::Moved { from: entry.id.clone(), to });
                }
                None => found.push(Discrepancy::Removed(entry.id.clone())),
            }
            continue;
        };
        for direction in [Direction::Up, Direction::Down] {
            let id = entry.id.clone();
            match (entry.sealed(direction), migration.script(direction)) {
                (Some(sealed), Some(script)) if sealed.hash != script.hash => {
                    found.push(Discrepancy::Edited {
                        id,
                        direction,
                        locked: sealed.hash,
                        found: script.hash,
                    });
                }
                (Some(_), None) => found.push(Discrepancy::DownRemoved(id)),
                (None, Some(_)) => found.push(Discrepancy::DownAdded(id)),
                _ => {}
            }
        }
    }
    found.extend(added.into_iter().map(|migration| Discrepancy::Added(migration.id.clone())));
    found
}

fn lock_discrepancies(lock: &Lock) -> Vec<Discrepancy> {
    let entries = lock.entries();
    let mut found = Vec::new();
    let mut versions = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if !versions.insert(entry.id.version) {
            found.push(Discrepancy::Repeated(entry.id.clone()));
        } else if index > 0 && entries[index - 1].id.version > entry.id.version {
            found.push(Discrepancy::OutOfOrder(entry.id.clone()));
        }
    }
    found.extend(
        lock.broken_links().into_iter().map(|index| Discrepancy::BrokenChain(entries[index].id.clone())),
    );
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::lock::Sealed;
    use crate::migration::Script;

    fn migration(id: &str, up: &str, down: Option<&str>) -> Migration {
        let script = |text: &str| Script::parse(text.to_owned()).unwrap();
        Migration { id: id.parse().unwrap(), up: script(up), down: down.map(script) }
    }

    fn locked(migrations: &[Migration]) -> Lock {
        let mut lock = Lock::default();
        let seal = |script: &Script| Sealed { hash: script.hash, statements: None };
        for m in migrations {
            lock.push(m.id.clone(), seal(&m.up), m.down.as_ref().map(seal), vec![]).unwrap();
        }
        lock
    }

    #[test]
    fn each_kind_of_tampering_is_named() {
        let a = migration("V20260301120000__a", "a", Some("-a"));
        let b = migration("V20260302120000__b", "b", None);
        let lock = locked(&[a.clone(), b.clone()]);
        let check = |migrations: &[Migration]| discrepancies(&lock, migrations);
        assert_eq!(check(&[a.clone(), b.clone()]), []);
        let edited = migration("V20260301120000__a", "a", Some("changed"));
        assert!(matches!(
            check(&[edited, b.clone()])[..],
            [Discrepancy::Edited { direction: Direction::Down, .. }]
        ));
        assert_eq!(check(std::slice::from_ref(&a)), [Discrepancy::Removed(b.id.clone())]);
        let late = migration("V20260303120000__b", "b", None);
        assert_eq!(
            check(&[a.clone(), late.clone()]),
            [Discrepancy::Moved { from: b.id.clone(), to: late.id }]
        );
        let extra = migration("V20260303120000__c", "c", None);
        assert_eq!(check(&[a.clone(), b.clone(), extra.clone()]), [Discrepancy::Added(extra.id)]);
        let no_down = migration("V20260301120000__a", "a", None);
        assert_eq!(check(&[no_down, b.clone()]), [Discrepancy::DownRemoved(a.id.clone())]);
        let with_down = migration("V20260302120000__b", "b", Some("x"));
        assert_eq!(check(&[a, with_down]), [Discrepancy::DownAdded(b.id)]);
    }

    #[test]
    fn a_reordered_lock_is_named() {
        let a = migration("V20260301120000__a", "a", None);
        let b = migration("V20260302120000__b", "b", None);
        let text = locked(&[a.clone(), b.clone()]).render();
        let lines: Vec<_> = text.lines().collect();
        let lock = Lock::parse(&[lines[0], lines[2], lines[1]].join("\n")).unwrap();
        let found = discrepancies(&lock, &[a.clone(), b.clone()]);
        assert_eq!(found[0], Discrepancy::OutOfOrder(a.id.clone()));
        assert_eq!(found[1..], [Discrepancy::BrokenChain(b.id), Discrepancy::BrokenChain(a.id)]);
    }
}
