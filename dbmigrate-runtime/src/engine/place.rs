//! What stands in the history table's place: nothing, the history, or something else.

use tokio_postgres::Client;

use crate::Error;
use crate::engine::history::{FORMAT, Table, literal};
use crate::engine::session::rows;

/// The history's columns, and their types as the server prints them.
const COLUMNS: [(&str, &str); 16] = [
    ("version", "bigint"),
    ("name", "character varying"),
    ("applied_on", "character varying"),
    ("checksum", "character varying"),
    ("up_sha256", "text"),
    ("down_sql", "text"),
    ("down_statements", "text"),
    ("irreversible", "text"),
    ("state", "text"),
    ("statement", "integer"),
    ("witness", "text"),
    ("duration_ms", "bigint"),
    ("applied_by", "text"),
    ("tool", "text"),
    ("format", "integer"),
    ("draft", "boolean"),
];

/// A relation in the catalog.
struct Found {
    kind: String,
    /// Names and types, in order.
    columns: Vec<(String, String)>,
}

async fn find(client: &Client, table: &Table) -> Result<Option<Found>, Error> {
    let query = format!(
        "SELECT c.relkind, a.attname, pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE n.nspname = {} AND c.relname = {} ORDER BY a.attnum",
        literal(&table.schema),
        literal(&table.name)
    );
    let found = rows(client, &query).await;
    let found = found.map_err(|error| Error::Database { doing: "looking for the history", error })?;
    let text = |row: &tokio_postgres::SimpleQueryRow, column: usize| {
        row.try_get(column).ok().flatten().map(str::to_owned)
    };
    let Some(first) = found.first() else { return Ok(None) };
    let kind = text(first, 0).unwrap_or_default();
    let columns = found.iter().filter_map(|row| Some((text(row, 1)?, text(row, 2)?))).collect();
    Ok(Some(Found { kind, columns }))
}

/// Whether the history table is there and is one that can be written; `false` means that nothing is there.
///
/// # Errors
/// Something else is there, or the server cannot be asked.
pub(crate) async fn is_there(client: &Client, table: &Table) -> Result<bool, Error> {
    let Some(found) = find(client, table).await? else { return Ok(false) };
    let foreign = |what: String| Error::ForeignHistory { table: table.to_string(), what };
    if !matches!(&*found.kind, "r" | "p") {
        return Err(foreign(kind(&found.kind).to_owned()));
    }
    for (name, wanted) in COLUMNS {
        match found.columns.iter().find(|(column, _)| column == name) {
            Some((_, there)) if there == wanted => {}
            Some((_, there)) => {
                return Err(foreign(format!(
                    "a table whose column `{name}` is of type {there}, not {wanted}"
                )));
            }
            None => return Err(foreign(what(&found))),
        }
    }
    Ok(true)
}

/// Why the history cannot be read although something of its name is there.
pub(crate) async fn explain(client: &Client, table: &Table) -> Error {
    let foreign = |what: String| Error::ForeignHistory { table: table.to_string(), what };
    let found = match find(client, table).await {
        Ok(Some(found)) => found,
        Ok(None) => return foreign("no table".to_owned()),
        Err(error) => return error,
    };
    let has = |name: &str| found.columns.iter().any(|(column, _)| column == name);
    if has("format") && has("tool") {
        let newest = format!("SELECT tool FROM {} WHERE format > {FORMAT} LIMIT 1", table.sql());
        let newest = rows(client, &newest).await.unwrap_or_default();
        if let Some(tool) = newest.first().and_then(|row| row.try_get(0).ok().flatten()) {
            return Error::NewerHistory { table: table.to_string(), tool: tool.to_owned() };
        }
    }
    foreign(what(&found))
}

fn kind(relkind: &str) -> &'static str {
    match relkind {
        "v" => "a view",
        "m" => "a materialized view",
        "f" => "a foreign table",
        "S" => "a sequence",
        "i" | "I" => "an index",
        "c" => "a type",
        _ => "another table",
    }
}

/// What it is, as far as its kind and columns tell.
fn what(found: &Found) -> String {
    let kind = kind(&found.kind);
    if !matches!(&*found.kind, "r" | "p") {
        return kind.to_owned();
    }
    let mut names: Vec<&str> = found.columns.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.join(",").as_str() {
        "applied_on,checksum,name,version" => "refinery's history".to_owned(),
        "checksum,description,execution_time,installed_on,success,version" => "sqlx's history".to_owned(),
        "run_on,version" => "diesel's history".to_owned(),
        "applied_at,version" => "sea-orm's history".to_owned(),
        "version_num" => "Alembic's history".to_owned(),
        columns if columns.starts_with("checksum,description,execution_time,installed_by") => {
            "Flyway's history".to_owned()
        }
        "" => "a table without columns".to_owned(),
        _ => format!("{kind}, with the columns `{}`", names.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_that_are_created() {
        let create = Table::default().create();
        let made: Vec<_> = create.lines().filter_map(|line| line.trim().split_once(' ')).skip(1).collect();
        let names: Vec<_> = made.iter().map(|(name, _)| *name).take(COLUMNS.len()).collect();
        assert_eq!(names, COLUMNS.map(|(name, _)| name));
    }
}
