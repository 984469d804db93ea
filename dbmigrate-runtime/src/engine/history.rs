//! The history table: its name, its SQL, and its rows. Pure text in and out, so that a plan can show what is written.
//!
//! The first four columns are refinery's, so that its tools can read the table; the others may be null for it.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::SimpleQueryRow;

use crate::Error;
use crate::engine::plan::Step;
use crate::engine::state::{Applied, RowState, WayBack};
use crate::lock::{parse_statements, render_statements};
use crate::migration::{Direction, Hash, Id, Stage, Version};

/// The format that this version writes and knows.
pub(crate) const FORMAT: i32 = 1;

/// What writes rows.
pub(crate) const TOOL: &str = concat!("dbmigrate ", env!("CARGO_PKG_VERSION"));

/// The history table's name, always with its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl Default for Table {
    fn default() -> Self {
        Self { schema: "public".to_owned(), name: "dbmigrate_history".to_owned() }
    }
}

impl FromStr for Table {
    type Err = Error;

    /// `table` or `schema.table`; each part as it is stored, or in double quotes.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::HistoryTable(text.to_owned());
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let mut name = String::new();
                    let mut characters = quoted.char_indices().peekable();
                    let end = loop {
                        match characters.next() {
                            Some((_, '"')) if characters.next_if(|(_, c)| *c == '"').is_some() => {
                                name.push('"')
                            }
                            Some((at, '"')) => break at + 1,
                            Some((_, character)) => name.push(character),
                            None => return Err(bad()),
                        }
                    };
                    (name, &quoted[end..])
                }
                None => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
                    if !rest[..end].chars().all(plain) {
                        return Err(bad());
                    }
                    (rest[..end].to_lowercase(), &rest[end..])
                }
            };
            if part.is_empty() || part.len() > 63 || part.contains('\0') {
                return Err(bad());
            }
            parts.push(part);
            match after.strip_prefix('.') {
                Some(after) => rest = after,
                None if after.is_empty() => break,
                None => return Err(bad()),
            }
        }
        match parts.as_slice() {
            [name] => Ok(Self { schema: "public".to_owned(), name: name.clone() }),
            [schema, name] => Ok(Self { schema: schema.clone(), name: name.clone() }),
            _ => Err(bad()),
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A name as SQL, in quotes.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal, whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn nullable(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), literal)
}

/// Now, by the server's clock, as refinery writes it.
const NOW: &str = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

const COLUMNS: &str = "version, name, applied_on, checksum, up_sha256, state, statement, witness, duration_ms, applied_by, tool, \
     format, draft, irreversible, down_sql IS NOT NULL, down_statements";

impl Table {
    /// The name as SQL.
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.name))
    }

    /// The key of the advisory lock: two histories in one database never wait for each other.
    pub(crate) fn lock_key(&self) -> i64 {
        let hash = Hash::of(&[b"dbmigrate lock\0", self.schema.as_bytes(), b"\0", self.name.as_bytes()]);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.bytes()[..8]);
        i64::from_be_bytes(bytes)
    }

    pub(crate) fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (\n    version int8 PRIMARY KEY,\n    name varchar(255) NOT NULL,\n    \
             applied_on varchar(255) NOT NULL,\n    checksum varchar(255) NOT NULL,\n    up_sha256 text,\n    \
             down_sql text,\n    down_statements text,\n    irreversible text,\n    state text,\n    statement int4,\n    \
             witness text,\n    duration_ms int8,\n    applied_by text,\n    tool text,\n    format int4,\n    draft bool\n)",
            self.sql()
        )
    }

    pub(crate) fn read(&self) -> String {
        format!("SELECT {COLUMNS} FROM {} ORDER BY version", self.sql())
    }

    /// The downs of these versions.
    pub(crate) fn read_downs(&self, versions: &[Version]) -> String {
        let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
        format!("SELECT version, down_sql FROM {} WHERE version IN ({})", self.sql(), versions.join(", "))
    }

    /// Writes the row of a migration that is applied now, or of which nothing is applied yet (`state` says which).
    pub(crate) fn insert(
        &self,
        step: &Step,
        checksum: u64,
        state: RowState,
        took: Option<Duration>,
    ) -> String {
        let down = step.down.as_ref();
        let statements = down.and_then(|down| down.statements.as_ref()).map(|found| render_statements(found));
        let (state, statement) = state_columns(state);
        format!(
            "INSERT INTO {} (version, name, applied_on, checksum, up_sha256, down_sql, down_statements, irreversible, state, statement, \
             duration_ms, applied_by, tool, format, draft) VALUES ({}, {}, {NOW}, '{checksum}', '{}', {}, {}, {}, '{state}', {statement}, \
             {}, session_user, {}, {FORMAT}, {})",
            self.sql(),
            step.id.version,
            literal(&step.id.name),
            step.runs.script.hash,
            nullable(down.map(|down| down.script.text.as_str())),
            nullable(statements.as_deref()),
            nullable(step.runs.script.directives.irreversible.as_deref()),
            took.map_or_else(|| "NULL".to_owned(), |took| took.as_millis().to_string()),
            literal(TOOL),
            step.stage == Stage::Draft,
        )
    }

    /// Notes how far an interrupted-proof run has got. What was true before the statement that comes next is forgotten.
    pub(crate) fn progress(&self, version: Version, state: RowState) -> String {
        let (state, statement) = state_columns(state);
        format!(
            "UPDATE {} SET state = '{state}', statement = {statement}, witness = NULL WHERE version = {version}",
            self.sql()
        )
    }

    /// Notes what is true before a statement that cannot share a transaction with the history.
    pub(crate) fn witness(&self, version: Version, witness: &str) -> String {
        format!("UPDATE {} SET witness = {} WHERE version = {version}", self.sql(), literal(witness))
    }

    /// Notes that all statements are done.
    pub(crate) fn finish(&self, version: Version, took: Duration) -> String {
        self.finished(version, Some(took))
    }

    /// The same where nobody has looked at the clock.
    pub(crate) fn finished(&self, version: Version, took: Option<Duration>) -> String {
        let took = took.map_or_else(|| "NULL".to_owned(), |took| took.as_millis().to_string());
        format!(
            "UPDATE {} SET state = 'applied', statement = NULL, witness = NULL, applied_on = {NOW}, duration_ms = {took} \
             WHERE version = {version}",
            self.sql()
        )
    }

    pub(crate) fn delete(&self, version: Version) -> String {
        format!("DELETE FROM {} WHERE version = {version}", self.sql())
    }

    /// How far one migration has got.
    pub(crate) fn read_progress(&self, version: Version) -> String {
        format!("SELECT state, statement, witness FROM {} WHERE version = {version}", self.sql())
    }

    /// Reads the row of [`Table::read_progress`].
    pub(crate) fn progress_of(&self, row: &SimpleQueryRow) -> Result<Progress, Error> {
        let text = |column: usize| row.try_get(column).ok().flatten();
        let state = state(text(0), text(1)).map_err(|what| Error::ForeignHistory {
            table: self.to_string(),
            what: format!("a table with {what} in the row of a migration that runs"),
        })?;
        Ok(Progress { state, witness: text(2).map(str::to_owned) })
    }

    /// Reads the rows of [`Table::read`].
    pub(crate) fn rows(&self, rows: &[SimpleQueryRow]) -> Result<Vec<Applied>, Error> {
        rows.iter().map(|row| self.row(row)).collect()
    }

    fn row(&self, row: &SimpleQueryRow) -> Result<Applied, Error> {
        let foreign = |what: String| Error::ForeignHistory { table: self.to_string(), what };
        let text = |column: usize| row.try_get(column).ok().flatten();
        let shown = text(0).unwrap_or_default();
        let unreadable = |what: &str| foreign(format!("a table with {what} in the row of version `{shown}`"));
        let tool = text(10).unwrap_or_default().to_owned();
        match text(11).map(str::parse::<i32>) {
            Some(Ok(format)) if format > FORMAT => {
                return Err(Error::NewerHistory { table: self.to_string(), tool });
            }
            Some(Ok(_)) => {}
            _ => return Err(unreadable("no format")),
        }
        let version = shown.parse().ok().and_then(Version::new);
        let version = version.ok_or_else(|| unreadable("no version of dbmigrate's"))?;
        let id = Id::new(version, text(1).unwrap_or_default())
            .map_err(|error| unreadable(&format!("a name that is no migration's ({error})")))?;
        let hash = text(4).and_then(|hash| hash.parse().ok()).ok_or_else(|| unreadable("no hash"))?;
        let state = state(text(5), text(6)).map_err(unreadable)?;
        let way_back = match (text(13), text(14), text(15)) {
            (Some(reason), ..) => WayBack::Irreversible(reason.to_owned()),
            (None, Some("t"), None) => WayBack::Stored(None),
            (None, Some("t"), Some(statements)) => {
                WayBack::Stored(Some(parse_statements(statements).map_err(unreadable)?))
            }
            _ => WayBack::Unknown,
        };
        Ok(Applied {
            id,
            stage: if text(12) == Some("t") { Stage::Draft } else { Stage::Finalized },
            state,
            applied_on: text(2).unwrap_or_default().to_owned(),
            hash,
            took: text(8).and_then(|took| took.parse().ok()).map(Duration::from_millis),
            by: text(9).unwrap_or_default().to_owned(),
            tool,
            way_back,
            witness: text(7).map(str::to_owned),
        })
    }
}

/// How far a migration has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) state: RowState,
    /// What was true before the statement that comes next, if that has begun alone.
    pub(crate) witness: Option<String>,
}

/// Reads the columns of [`state_columns`].
fn state(state: Option<&str>, statement: Option<&str>) -> Result<RowState, &'static str> {
    let done = || statement.and_then(|done| done.parse().ok()).ok_or("no statement");
    match state {
        Some("applied") => Ok(RowState::Applied),
        Some("running") => Ok(RowState::Running(done()?)),
        Some("reverting") => Ok(RowState::Reverting(done()?)),
        _ => Err("no state that is known"),
    }
}

fn state_columns(state: RowState) -> (&'static str, String) {
    match state {
        RowState::Applied => ("applied", "NULL".to_owned()),
        RowState::Running(done) => ("running", done.to_string()),
        RowState::Reverting(done) => ("reverting", done.to_string()),
    }
}

/// How far a step has got, as the state of its row.
pub(crate) fn underway(direction: Direction, done: usize) -> RowState {
    match direction {
        Direction::Up => RowState::Running(done),
        Direction::Down => RowState::Reverting(done),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn table(text: &str) -> Result<(String, String), String> {
        text.parse::<Table>().map(|table| (table.schema, table.name)).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_read_as_sql_reads_them() {
        let pair = |schema: &str, name: &str| Ok((schema.to_owned(), name.to_owned()));
        assert_eq!(table("history"), pair("public", "history"));
        assert_eq!(table("App.History"), pair("app", "history"));
        assert_eq!(table("\"App\".\"His\"\"tory.x\""), pair("App", "His\"tory.x"));
        for bad in ["", ".", "a.", ".a", "a.b.c", "a b", "a;b", "\"a", "\"a\"b", "\"\"", &"x".repeat(64)] {
            assert!(table(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_texts_are_quoted() {
        let table: Table = "\"a\"\"b\".c".parse().unwrap();
        assert_eq!(table.sql(), "\"a\"\"b\".\"c\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn tables_have_locks_of_their_own() {
        let key = |text: &str| text.parse::<Table>().unwrap().lock_key();
        assert_eq!(key("public.history"), key("history"));
        let keys = [key("a.b"), key("a.c"), key("ab"), key("\"a.b\""), key("a.bc"), key("ab.c")];
        assert!((1..keys.len()).all(|at| !keys[..at].contains(&keys[at])));
        // Older programs must lock the same: this never changes.
        assert_eq!(key("public.dbmigrate_history"), Table::default().lock_key());
    }
}
