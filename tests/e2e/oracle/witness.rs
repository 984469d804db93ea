//! The first witness: the snapshot.

use std::collections::BTreeMap;

use tokio_postgres::{Client, SimpleQueryMessage};

use super::Verdict;

pub(super) struct Catalog {
    facts: BTreeMap<(String, String), String>,
    order: BTreeMap<(String, String), String>,
}

impl Catalog {
    pub(super) async fn capture(client: &Client) -> Self {
        let sql = std::fs::read_to_string("/work/shared/prototypes/snapshot.sql").unwrap();
        let sql = sql.replace("\\set QUIET on\n", "").replace(
            "'options', a.attoptions,",
            "'options', (select array_agg(o) from unnest(a.attoptions) o where o not like 'pg_attver=%'),",
        );
        let mut facts = BTreeMap::new();
        let mut order = BTreeMap::new();
        for m in client.simple_query(&sql).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = m {
                let k = (row.get(0).unwrap().to_owned(), row.get(1).unwrap().to_owned());
                let text = row.get(2).unwrap_or("").to_owned();
                let mut stripped = text.clone();
                if k.0 == "column" {
                    let at = text.find("\"pos\": ").unwrap();
                    let end = text[at..].find([',', '}']).unwrap() + at;
                    stripped.replace_range(at..end, "");
                }
                order.insert(k.clone(), text);
                facts.insert(k, stripped);
            }
        }
        Self { facts, order }
    }

    pub(super) fn compare(&self, other: &Self) -> Verdict {
        if self.order == other.order {
            Verdict::Equal
        } else if self.facts == other.facts {
            Verdict::OnlyOrder
        } else {
            Verdict::Differ
        }
    }

    pub(super) fn explain(&self, other: &Self) -> String {
        let only = |s: &str, a: &Self, b: &Self| -> String {
            a.order
                .iter()
                .filter(|(k, v)| b.order.get(*k) != Some(*v))
                .map(|((k, i), v)| format!("{s} {k} {i} {v}\n"))
                .collect()
        };
        only("-", self, other) + &only("+", other, self)
    }
}
