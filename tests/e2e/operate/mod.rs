//! The commands on a database: the real program, a real server, and a role that has to show its password.

mod changes;
mod environments;
mod guards;
mod reads;
mod scripts;

use dbmigrate_tests::{Cluster, Command, Project, Ran};

use crate::sets::Set;

/// A password with everything that a URL may trip over, and the same in a URL.
const PASSWORD: &str = "s3cr#t p@ss:w/rd%?";
const ESCAPED: &str = "s3cr%23t%20p%40ss%3Aw%2Frd%25%3F";

/// A project, and a server with the database `shop`, which belongs to the role `app`.
struct Shop {
    cluster: Cluster,
    project: Project,
}

impl Shop {
    async fn new(project: Project) -> Self {
        let mut cluster = Cluster::start().await;
        cluster.demand_password("app").await;
        let role = format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'");
        cluster.connect("postgres").await.batch_execute(&role).await.unwrap();
        let shop = Self { cluster, project };
        shop.database("shop").await;
        shop
    }

    async fn finalized(migrations: &[Set<'_>]) -> Self {
        Self::new(Project::finalized(migrations)).await
    }

    /// Another database of the role's.
    async fn database(&self, name: &str) {
        let client = self.cluster.connect("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        client.batch_execute(&format!("ALTER DATABASE {name} OWNER TO app")).await.unwrap();
        let client = self.cluster.connect(name).await;
        client.batch_execute("ALTER SCHEMA public OWNER TO app").await.unwrap();
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://app:{ESCAPED}@127.0.0.1:{}/{database}", self.cluster.port())
    }

    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        self.project.command(arguments).env("DATABASE_URL", self.url("shop"))
    }

    fn run<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        discreet(self.command(arguments).run())
    }

    /// What the history says, but for times, with a sign for drafts; `None` if there is none.
    async fn history(&self, database: &str) -> Option<Vec<String>> {
        let client = self.cluster.connect(database).await;
        let there = "SELECT to_regclass('public.dbmigrate_history') IS NOT NULL";
        if !client.query_one(there, &[]).await.unwrap().get::<_, bool>(0) {
            return None;
        }
        let rows = "SELECT CASE WHEN draft THEN '~' ELSE '' END || name FROM dbmigrate_history ORDER BY draft, version";
        Some(client.query(rows, &[]).await.unwrap().iter().map(|row| row.get(0)).collect())
    }

    async fn applied(&self) -> Vec<String> {
        self.history("shop").await.unwrap_or_default()
    }
}

/// No output shows the password, however it is written.
fn discreet(ran: Ran) -> Ran {
    for secret in [PASSWORD, ESCAPED, "s3cr"] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran}");
    }
    ran
}
