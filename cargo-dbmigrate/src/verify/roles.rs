//! Roles belong to the server, not to a database: what migrations create would be there already when the next throwaway
//! database starts from base. So new roles that the migrations name are removed before that, and at the end.

use anyhow::Context;
use tokio_postgres::Client;

use crate::verify::plan::Subject;

/// The roles that were there before, and the texts that may create more.
pub struct Roles<'a> {
    before: Vec<String>,
    subjects: &'a [Subject],
}

impl<'a> Roles<'a> {
    /// Notes which roles there are.
    pub async fn note(client: &Client, subjects: &'a [Subject]) -> anyhow::Result<Self> {
        Ok(Self { before: roles(client).await?, subjects })
    }

    /// Removes the roles that came since, as far as the migrations name them: on a shared server, others come and go.
    /// No database of ours may use them any more; a role that something else uses stays.
    pub async fn remove_new(&self, client: &Client) -> anyhow::Result<()> {
        let mut new = roles(client).await?;
        new.retain(|role| !self.before.contains(role) && self.is_named(role));
        for role in new {
            let quoted = role.replace('"', "\"\"");
            // What still depends on it is not ours to remove.
            _ = client.batch_execute(&format!("DROP ROLE IF EXISTS \"{quoted}\"")).await;
        }
        Ok(())
    }

    /// Whether any of these migrations creates roles at all.
    pub fn are_created_by(subjects: &[Subject]) -> bool {
        let creates = |text: &str| {
            let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            let words: Vec<String> = text.split_whitespace().map(word).collect();
            words.windows(2).any(|pair| pair[0] == "create" && matches!(&*pair[1], "role" | "user" | "group"))
        };
        subjects.iter().flat_map(Subject::scripts).any(|(_, script)| creates(&script.text))
    }

    fn is_named(&self, role: &str) -> bool {
        let role = role.to_lowercase();
        let names = |text: &str| text.to_lowercase().contains(&role);
        self.subjects.iter().flat_map(Subject::scripts).any(|(_, script)| names(&script.text))
    }
}

async fn roles(client: &Client) -> anyhow::Result<Vec<String>> {
    let rows = client.query("SELECT rolname::text FROM pg_catalog.pg_roles", &[]).await;
    let rows = rows.context("could not read the server's roles")?;
    rows.iter().map(|row| row.try_get(0).context("could not read a role's name")).collect()
}
