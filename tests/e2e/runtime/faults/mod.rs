//! What goes wrong when programs migrate at their start, each fault made on purpose: real processes, a real server.

mod broken;
mod killed;
mod policies;
mod pooler;
mod refused;
mod replicas;
mod server;
mod sessions;

use std::path::Path;

use dbmigrate_tests::{Cluster, Replica};
use tokio_postgres::{Client, SimpleQueryMessage};

/// Each migration writes a line here, so that one that ran twice is seen.
const LOG: (&str, &str, &str) =
    ("log", "CREATE TABLE log (what text); INSERT INTO log VALUES ('log');", "DROP TABLE log;");
const USERS: (&str, &str, &str) = (
    "users",
    "CREATE TABLE users (id int8 PRIMARY KEY, email text); INSERT INTO log VALUES ('users');",
    "DROP TABLE users; DELETE FROM log WHERE what = 'users';",
);
const INDEX: (&str, &str, &str) = (
    "index",
    "-- dbmigrate: no-transaction\nINSERT INTO log VALUES ('before');\n\
     CREATE INDEX CONCURRENTLY by_email ON users (email);\nINSERT INTO log VALUES ('after');\n",
    "-- dbmigrate: no-transaction\nDROP INDEX CONCURRENTLY by_email;\nDELETE FROM log WHERE what IN ('before', 'after');\n",
);
/// What the three leave in the log.
const LOGGED: [&str; 4] = ["after", "before", "log", "users"];

fn replica(url: &str, migrations: &Path) -> Replica {
    Replica::new(env!("CARGO_BIN_EXE_replica"), url, migrations)
}

/// The first column of a query, as text.
async fn column(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.try_get(0).ok().flatten().unwrap_or("null").to_owned()),
        _ => None,
    });
    rows.collect()
}

/// Makes the table `gate`, and locks it in a transaction that stays open.
async fn gate(client: &Client) {
    client.batch_execute("CREATE TABLE gate (x int)").await.unwrap();
    client.batch_execute("BEGIN; LOCK TABLE gate").await.unwrap();
}

async fn log(client: &Client) -> Vec<String> {
    column(client, "SELECT what FROM log ORDER BY 1").await
}

/// How many sessions hold or want an advisory lock.
async fn locks(client: &Client) -> usize {
    column(client, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'").await.len()
}

/// Waits until a query gives a row. The bound is for a machine that stands still.
async fn until(client: &Client, query: &str) {
    for _ in 0..3000 {
        if !column(client, query).await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("in vain: {query}");
}

/// Everything in a database: its relations with their columns and owners, its functions and types, and the rows of all
/// tables.
async fn picture(cluster: &Cluster, database: &str) -> Vec<String> {
    let client = cluster.connect(database).await;
    let catalog = "SELECT concat_ws(' ', n.nspname, c.relname, c.relkind, c.relowner::regrole, c.relacl::text, a.attname, a.atttypid::regtype) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
         WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
         UNION ALL SELECT 'schema ' || nspname FROM pg_namespace \
         UNION ALL SELECT concat_ws(' ', 'function', proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
         ORDER BY 1";
    let mut found = column(&client, catalog).await;
    let tables = "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1";
    for table in column(&client, tables).await {
        let rows = column(&client, &format!("SELECT t::text FROM {table} t ORDER BY 1")).await;
        found.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    found
}
