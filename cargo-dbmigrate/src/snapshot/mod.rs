//! The catalog as data.
use serde_json::Value;
use std::collections::BTreeMap;

/// The difference between two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    lines: Vec<DiffLine>,
    order: bool,
}

impl Diff {
    /// The difference as lines for people, grouped by object.
    pub fn lines(&self) -> Vec<DiffLine> {
        self.lines.clone()
    }
    /// x
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
    /// x
    pub fn only_order(&self) -> bool {
        self.lines.is_empty() && self.order
    }
    /// x
    pub fn summary(&self) -> String {
        format!("{} facts", self.lines.len())
    }
}

impl From<Vec<DiffLine>> for Diff {
    fn from(lines: Vec<DiffLine>) -> Self {
        Self { lines, order: false }
    }
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// `+` there and should not be, `-` should be there and is not, `~` changed, a blank for a heading.
    pub sign: char,
    /// How deep the line is nested, in levels.
    pub indent: usize,
    /// The line.
    pub text: String,
}
impl std::fmt::Display for DiffLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{} {}", "  ".repeat(self.indent), self.sign, self.text)
    }
}

/// x
#[derive(Clone, Debug)]
pub struct Snapshot {
    facts: BTreeMap<(String, String), Value>,
}
impl Snapshot {
    /// x
    pub fn diff(&self, should: &Snapshot) -> Diff {
        let mut d = Diff::default();
        let strip = |v: &Value| {
            let mut v = v.clone();
            if let Some(o) = v.as_object_mut() {
                o.remove("pos");
            }
            v
        };
        for (k, v) in &self.facts {
            match should.facts.get(k) {
                None => d.lines.push(DiffLine { sign: '+', indent: 0, text: format!("{} {} {v}", k.0, k.1) }),
                Some(w) if strip(v) != strip(w) => d.lines.push(DiffLine {
                    sign: '~',
                    indent: 0,
                    text: format!("{} {} {v} <- {w}", k.0, k.1),
                }),
                Some(w) if v != w => d.order = true,
                _ => {}
            }
        }
        for (k, v) in &should.facts {
            if !self.facts.contains_key(k) {
                d.lines.push(DiffLine { sign: '-', indent: 0, text: format!("{} {} {v}", k.0, k.1) });
            }
        }
        d
    }
    /// x
    pub fn unmodelled(&self) -> &[String] {
        &[]
    }
    /// x
    pub fn invalid_indexes(&self) -> Vec<&str> {
        self.facts
            .iter()
            .filter(|(k, v)| k.0 == "index" && v.get("valid") == Some(&Value::Bool(false)))
            .map(|(k, _)| k.1.as_str())
            .collect()
    }
}
/// x
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// x
    OwnTransaction,
    /// x
    CallersTransaction,
}
/// x
pub struct Reader {
    statement: tokio_postgres::Statement,
}
impl Reader {
    /// x
    pub async fn new(client: &tokio_postgres::Client, _ignore: &[String]) -> anyhow::Result<Self> {
        client.batch_execute("SET search_path=''").await?;
        let statement = client.prepare(include_str!("temp.sql")).await?;
        client.batch_execute("RESET search_path").await?;
        Ok(Self { statement })
    }
    /// x
    pub async fn full(
        &mut self,
        client: &tokio_postgres::Client,
        within: Within,
    ) -> anyhow::Result<Snapshot> {
        let (a, b) = match within {
            Within::OwnTransaction => ("BEGIN", "COMMIT"),
            Within::CallersTransaction => ("SAVEPOINT s", "ROLLBACK TO SAVEPOINT s; RELEASE s"),
        };
        client.batch_execute(&format!("{a}; SET LOCAL search_path=''")).await?;
        let rows = client.query(&self.statement, &[]).await?;
        client.batch_execute(b).await?;
        Ok(Snapshot { facts: rows.iter().map(|r| ((r.get(0), r.get(1)), r.get(2))).collect() })
    }
    /// x
    pub async fn refresh(
        &mut self,
        client: &tokio_postgres::Client,
        _from: &Snapshot,
        within: Within,
    ) -> anyhow::Result<Snapshot> {
        self.full(client, within).await
    }
}
