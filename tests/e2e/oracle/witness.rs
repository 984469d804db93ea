//! The first witness: the snapshot.

use cargo_dbmigrate::snapshot::{Diff, Snapshot, capture};
use tokio_postgres::Client;

use super::Verdict;

/// What the snapshot remembers of one database.
pub(super) struct Catalog {
    snapshot: Snapshot,
}

impl Catalog {
    /// Reads the database of a connection. Every kind in the table is one that the snapshot must model.
    pub(super) async fn capture(client: &Client) -> Self {
        let snapshot = capture(client, &[]).await.unwrap();
        assert!(snapshot.unmodelled().is_empty(), "not modelled: {:?}", snapshot.unmodelled());
        Self { snapshot }
    }

    /// Compares two catalogs, both ways round: which one is called the earlier must not matter.
    pub(super) fn compare(&self, other: &Self) -> Verdict {
        let verdict = verdict(&self.snapshot.diff(&other.snapshot));
        assert_eq!(verdict, self::verdict(&other.snapshot.diff(&self.snapshot)));
        verdict
    }

    /// The difference as people see it.
    pub(super) fn explain(&self, other: &Self) -> String {
        let lines = other.snapshot.diff(&self.snapshot).lines();
        lines
            .iter()
            .map(|line| {
                let indent = "  ".repeat(line.depth);
                format!("{} {indent}{}\n", line.sign.symbol(), line.text)
            })
            .collect()
    }
}

fn verdict(diff: &Diff) -> Verdict {
    match (diff.is_empty(), diff.only_order()) {
        (true, false) => Verdict::Equal,
        (true, true) => Verdict::OnlyOrder,
        (false, _) => Verdict::Differ,
    }
}
