//! The catalog as data: what a database is, as facts that can be compared.
//!
//! A [`Reader`] holds one connection's prepared statements and reads a [`Snapshot`], all of it or what changed since an
//! earlier one; two snapshots give a [`Diff`]. Facts carry names, never oids: oids key the groups of facts so that a part
//! can be read again, and take no part in equality. This room only reads: it changes nothing in the database and knows
//! nothing of migrations, files or output.

mod catalog;
mod diff;
mod fact;
mod groups;
mod lines;
mod marks;
mod reader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::{Result, bail};
use tokio_postgres::Client;

pub use diff::{Change, ColumnOrder, Counts, Diff};
pub use fact::Fact;
use groups::{Groups, Key};
pub use lines::{DiffLine, Sign};
use marks::Marks;
pub use reader::{Reader, Tallies, Within};

/// User objects of a kind that has no facts yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmodelled {
    /// The kind, as people call it.
    pub what: String,
    /// How many there are.
    pub count: i64,
}

/// What a database is at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshot {
    groups: Arc<Groups>,
    unmodelled: Arc<[Unmodelled]>,
    marks: Arc<Marks>,
}

impl Snapshot {
    /// All facts, sorted by kind and identity.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        let mut facts: Vec<&Fact> = self.groups.facts().collect();
        facts.sort_by(|a, b| a.key().cmp(&b.key()));
        facts.into_iter()
    }

    /// The user objects that the facts do not cover.
    pub fn unmodelled(&self) -> &[Unmodelled] {
        &self.unmodelled
    }

    /// Fails unless the two are the same to the last detail.
    fn must_equal(&self, whole: &Self) -> Result<()> {
        let details =
            |snapshot: &Self| -> Vec<String> { snapshot.facts().map(|fact| format!("{fact:?}")).collect() };
        let (part, whole_details) = (details(self), details(whole));
        let differing = part.iter().zip(&whole_details).find(|(a, b)| a != b);
        if part.len() == whole_details.len() && differing.is_none() && self.unmodelled == whole.unmodelled {
            return Ok(());
        }
        let lines: Vec<_> = self.diff(whole).lines().iter().map(ToString::to_string).collect();
        bail!("what was read again is not what is there:\n{}\nfirst: {differing:?}", lines.join("\n"))
    }

    /// What differs between this, which is there, and what should be there.
    pub fn diff(&self, should_be: &Self) -> Diff {
        if Arc::ptr_eq(&self.groups, &should_be.groups) {
            return Diff::default();
        }
        Diff::between(self.groups.unshared(&should_be.groups), should_be.groups.unshared(&self.groups))
    }
}

/// Reads everything once, for callers that keep no [`Reader`]. The relations in `ignore` are left out.
pub async fn capture(client: &Client, ignore: &[String]) -> Result<Snapshot> {
    Reader::new(client, ignore, Tallies::Ignored).await?.full(client, Within::OwnTransaction).await
}
