//! What the commands on a database have in common: saying which one it is, reading the migrations, asking before a change.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;

use anyhow::Context as _;
use dbmigrate_runtime::Error;
use dbmigrate_runtime::engine::Target;

use crate::commands::Exit;
use crate::config::{Config, Place, Protection};
use crate::operate::{Answer, Change, Consent, Opened, Operation, Policies, Question, Told, without_drafts};
use crate::problem::Severity;
use crate::report::{Done, Reporter, Running};

/// A database, and who is told of it.
pub struct At<'a> {
    /// The settings.
    pub config: Config,
    /// Which database.
    pub place: Place,
    /// Who is told.
    pub reporter: &'a Reporter,
    /// The database's name, as `--confirm` gave it.
    pub confirmed: Option<String>,
}

impl At<'_> {
    /// Says which database is meant and reads the migrations. `None` if there are findings: they have been reported.
    ///
    /// # Errors
    /// The migrations cannot be read.
    pub fn open(&self, command: &'static str, policies: Policies) -> anyhow::Result<Option<Operation>> {
        self.reporter.printer().error(&format!("database {}\n", self.place));
        let running = Running::new(Arc::clone(self.reporter.printer()));
        match Operation::open(&self.config, self.place.clone(), policies, running)? {
            Opened::Ready(operation) => Ok(Some(*operation)),
            Opened::Findings(findings) => {
                let headline = "nothing was done: the migrations have findings";
                self.reporter.done(&Done { findings, ..Done::new(command, headline) })?;
                Ok(None)
            }
        }
    }

    /// Tells the answer, and whether it holds findings.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn tell(&self, command: &'static str, answer: Answer) -> anyhow::Result<Exit> {
        let failed = match &answer {
            Answer::Status(overview) => {
                overview.findings.iter().any(|finding| finding.severity == Severity::Error)
            }
            _ => false,
        };
        let database = self.place.database.to_string();
        let environment = self.place.environment.clone();
        self.reporter.told(&Told { command, database, environment, answer })?;
        Ok(if failed { Exit::Findings } else { Exit::Fine })
    }

    /// Makes sure that these changes may be made. On a protected database they are shown, and the database's name is asked
    /// for. Nothing has been changed before this returns.
    ///
    /// # Errors
    /// They may not.
    pub async fn consent(&self, operation: &Operation, changes: &[Change]) -> anyhow::Result<()> {
        without_drafts(&self.place, changes)?;
        if changes.is_empty() || self.place.protection == Protection::Open && self.confirmed.is_none() {
            return Ok(());
        }
        let connected = operation.connect().await?;
        let name = connected.client().query_one("SELECT current_database()::text", &[]).await;
        let name: String = name
            .map_err(|error| {
                operation.refusal(Error::Database { doing: "asking for the database's name", error })
            })?
            .get(0);
        connected.close().await;
        if self.place.protection == Protection::Protected {
            self.reporter.changes(changes);
        }
        let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let confirmed = self.confirmed.as_deref();
        let question = Question { place: &self.place, database: &name, confirmed, terminal };
        if question.decide()? == Consent::Ask {
            self.reporter.printer().error("type the name of the database to go on: ");
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer).context("the answer could not be read")?;
            question.answered(&answer)?;
        }
        Ok(())
    }
}

/// A target, as it is written.
///
/// # Errors
/// It is none.
pub fn target(operation: &Operation, text: &str) -> anyhow::Result<Target> {
    Ok(text.parse::<Target>().map_err(|error| operation.refusal(error.into()))?)
}
