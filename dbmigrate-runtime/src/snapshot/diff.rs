//! The difference between two snapshots, as data. Pure.

use std::collections::BTreeMap;

use super::fact::Fact;

/// The difference between what is there and what should be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The facts that differ, in the order of the objects that they are shown under.
    pub changes: Vec<Change>,
    /// The objects whose common columns are in a different order.
    pub order: Vec<ColumnOrder>,
}

/// One fact that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there and should not be.
    Added(Fact),
    /// It should be there and is not.
    Removed(Fact),
    /// It is there, but says something else.
    Changed {
        /// As it should be.
        before: Fact,
        /// As it is.
        after: Fact,
    },
}

impl Change {
    /// The fact: as it is where it exists, else as it should be.
    pub fn fact(&self) -> &Fact {
        match self {
            Self::Added(fact) | Self::Removed(fact) | Self::Changed { after: fact, .. } => fact,
        }
    }
}

/// An object whose columns are in another order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrder {
    /// The object, as `table public.users`.
    pub of: String,
    /// The order that should be.
    pub before: Vec<String>,
    /// The order that is.
    pub after: Vec<String>,
}

/// How many facts differ, by how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Facts that are there and should not be.
    pub added: usize,
    /// Facts that should be there and are not.
    pub removed: usize,
    /// Facts that say something else.
    pub changed: usize,
}

impl Diff {
    /// Whether the snapshots are equal; the order of columns does not count.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether the order of columns is all that differs.
    pub fn only_order(&self) -> bool {
        self.changes.is_empty() && !self.order.is_empty()
    }

    /// How many facts differ.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            match change {
                Change::Added(_) => counts.added += 1,
                Change::Removed(_) => counts.removed += 1,
                Change::Changed { .. } => counts.changed += 1,
            }
        }
        counts
    }

    /// Compares the facts of two snapshots; both may leave out what they share.
    pub(super) fn between(there: Vec<&Fact>, should_be: Vec<&Fact>) -> Self {
        let order = column_order(&there, &should_be);
        let mut changes = Vec::new();
        let mut sides: BTreeMap<(&str, &str), Sides<'_>> = BTreeMap::new();
        for fact in there {
            sides.entry(fact.key()).or_default().0.push(fact);
        }
        for fact in should_be {
            sides.entry(fact.key()).or_default().1.push(fact);
        }
        for (mut after, mut before) in sides.into_values() {
            // Identities are unique; should two facts ever share one, equal ones cancel each other out.
            after.retain(|fact| match before.iter().position(|other| other == fact) {
                Some(at) => {
                    before.swap_remove(at);
                    false
                }
                None => true,
            });
            let mut before = before.into_iter();
            for fact in after {
                changes.push(match before.next() {
                    Some(other) => Change::Changed { before: other.clone(), after: fact.clone() },
                    None => Change::Added(fact.clone()),
                });
            }
            changes.extend(before.map(|fact| Change::Removed(fact.clone())));
        }
        changes.sort_by(|a, b| {
            let key = |change: &Change| {
                let fact = change.fact();
                (fact.of.clone(), !fact.is_object(), fact.kind, fact.position, fact.id.clone())
            };
            key(a).cmp(&key(b))
        });
        Self { changes, order }
    }
}

/// The facts of one identity: those that are there, and those that should be.
type Sides<'a> = (Vec<&'a Fact>, Vec<&'a Fact>);

fn column_order(there: &[&Fact], should_be: &[&Fact]) -> Vec<ColumnOrder> {
    let columns = |facts: &[&Fact]| {
        let mut columns: BTreeMap<String, Vec<(i32, String)>> = BTreeMap::new();
        for fact in facts {
            if let Some(position) = fact.position {
                columns.entry(fact.of.clone()).or_default().push((position, fact.name().to_owned()));
            }
        }
        for list in columns.values_mut() {
            list.sort();
        }
        columns
    };
    let (there, should_be) = (columns(there), columns(should_be));
    let mut orders = Vec::new();
    for (of, before) in should_be {
        let Some(after) = there.get(&of) else { continue };
        let common = |list: &[(i32, String)], other: &[(i32, String)]| -> Vec<String> {
            list.iter()
                .map(|(_, name)| name)
                .filter(|name| other.iter().any(|(_, n)| n == *name))
                .cloned()
                .collect()
        };
        let (was, is) = (common(&before, after), common(after, &before));
        if was != is {
            orders.push(ColumnOrder { of, before: was, after: is });
        }
    }
    orders
}
