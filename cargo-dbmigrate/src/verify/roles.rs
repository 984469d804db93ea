//! Roles and databases belong to the server, not to a database: what migrations create would be there already when the
//! next throwaway database starts from base. So new ones are removed before that, and at the end.

use anyhow::Context;
use tokio_postgres::Client;

use crate::server::Server;
use crate::verify::plan::Subject;

/// The roles and databases that were there before, and the texts that may create more.
pub struct Roles<'a> {
    server: &'a Server,
    roles: Vec<String>,
    databases: Vec<String>,
    subjects: &'a [Subject],
}

impl<'a> Roles<'a> {
    /// Notes which there are.
    pub async fn note(server: &'a Server, subjects: &'a [Subject]) -> anyhow::Result<Self> {
        let admin = server.admin();
        let (roles, databases) = (names(admin, ROLES).await?, names(admin, DATABASES).await?);
        Ok(Self { server, roles, databases, subjects })
    }

    /// Removes what came since. No throwaway database may use it any more; a role that something else uses stays.
    ///
    /// On a server that others use too, roles come and go: only those are removed that the migrations name, and no
    /// database.
    pub async fn remove_new(&self) -> anyhow::Result<()> {
        let admin = self.server.admin();
        for database in self.new_databases().await? {
            _ = admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", quoted(&database))).await;
        }
        for role in self.new_roles().await? {
            // What still depends on it is not ours to remove.
            _ = admin.batch_execute(&format!("DROP ROLE IF EXISTS {}", quoted(&role))).await;
        }
        Ok(())
    }

    /// The roles that came since, the newest first.
    pub async fn new_roles(&self) -> anyhow::Result<Vec<String>> {
        let mut new = names(self.server.admin(), ROLES).await?;
        new.retain(|role| !self.roles.contains(role) && (self.server.is_private() || self.is_named(role)));
        Ok(new)
    }

    /// Whether there are no new roles and, on a private server, no new databases.
    pub async fn is_as_before(&self) -> anyhow::Result<bool> {
        Ok(self.new_roles().await?.is_empty() && self.new_databases().await?.is_empty())
    }

    /// The databases that came since; none on a server that others use too.
    async fn new_databases(&self) -> anyhow::Result<Vec<String>> {
        if !self.server.is_private() {
            return Ok(Vec::new());
        }
        let mut new = names(self.server.admin(), DATABASES).await?;
        new.retain(|name| !self.databases.contains(name));
        Ok(new)
    }

    fn is_named(&self, role: &str) -> bool {
        let role = role.to_lowercase();
        let names = |text: &str| text.to_lowercase().contains(&role);
        self.subjects.iter().flat_map(Subject::scripts).any(|(_, script)| names(&script.text))
    }
}

const ROLES: &str = "SELECT rolname::text FROM pg_catalog.pg_roles ORDER BY oid DESC";

/// Throwaway databases are dropped by whoever made them.
const DATABASES: &str =
    "SELECT datname::text FROM pg_catalog.pg_database WHERE datname NOT LIKE 'dbmigrate\\_tmp\\_%'";

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn names(client: &Client, query: &str) -> anyhow::Result<Vec<String>> {
    let rows = client.query(query, &[]).await.context("could not read the server's roles and databases")?;
    rows.iter().map(|row| row.try_get(0).context("could not read a name")).collect()
}
