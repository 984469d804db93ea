//! A `migrate` subcommand for programs that read their command line with clap: `myapp migrate status`, `plan`, `upgrade`,
//! `downgrade` and `history`. Feature `cli`.
//!
//! ```
//! use std::process::ExitCode;
//!
//! use clap::{Parser, Subcommand};
//! use dbmigrate_runtime::Migrator;
//! use dbmigrate_runtime::cli::Migrate;
//!
//! #[derive(Parser)]
//! struct Cli {
//!     #[command(subcommand)]
//!     command: Command,
//! }
//!
//! #[derive(Subcommand)]
//! enum Command {
//!     /// Serve requests
//!     Serve,
//!     /// Migrate the database
//!     #[command(subcommand)]
//!     Migrate(Migrate),
//! }
//!
//! async fn run(cli: Cli, migrator: &Migrator) -> ExitCode {
//!     match cli.command {
//!         Command::Serve => ExitCode::SUCCESS, // your server
//!         Command::Migrate(migrate) => migrate.run(migrator, None).await,
//!     }
//! }
//! # assert!(Cli::try_parse_from(["myapp", "migrate", "downgrade", "-1"]).is_ok());
//! ```
//!
//! stdout is the result, for people or with `--format json` for programs; stderr is progress and errors. Let a `tracing`
//! subscriber of your own write to stderr, or install none for this subcommand: it would say the same again.
//!
//! The exit status is that of `cargo dbmigrate`: 0 fine, 1 findings (and with `--exit-code`, something to do), 2 could not
//! run. [`Migrate::run`] does everything. Whoever wants to print otherwise takes [`Migrate::execute`], which prints
//! nothing, and [`Outcome::human`], [`Outcome::json`], [`error_text`] and [`error_json`].

mod args;
mod finding;
mod json;
mod render;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::connect::Database;
use crate::engine::{Applied, Plan, Report, Status, Target};
use crate::{Error, Event, Migrator, blocking};

pub use args::{DowngradeArgs, HistoryArgs, Migrate, PlanArgs, StatusArgs, UpgradeArgs};
pub use finding::{Finding, Severity};

use args::{Format, Verbosity};

/// What a command found or did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which database, as [`Database`] displays itself: without its password.
    pub database: String,
    /// The result of the command.
    pub answer: Answer,
    /// How it ended.
    pub exit: Exit,
}

/// The result of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// `status`, with what is wrong.
    Status(Box<Status>, Vec<Finding>),
    /// `plan`.
    Plan(Plan),
    /// `upgrade`.
    Upgrade(Report),
    /// `downgrade`.
    Downgrade(Report),
    /// `history`.
    History(Vec<Applied>),
}

/// How a command ended, as an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing is wrong.
    Fine,
    /// 1: there are findings, or with `--exit-code` something to do.
    Findings,
    /// 2: the command could not run, or failed.
    CouldNotRun,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::CouldNotRun => Self::from(2),
        }
    }
}

impl Migrate {
    /// Runs the command, prints what it found or did, and yields the exit status.
    ///
    /// The database is that of `--database-url`, or else the one given here, or else that of the environment
    /// ([`Database::from_env`]).
    ///
    /// # Cancellation
    /// As [`Migrator::upgrade`].
    pub async fn run(&self, migrator: &Migrator, database: Option<Database>) -> ExitCode {
        let common = self.common();
        let verbosity = common.verbosity();
        let loud = verbosity > Verbosity::Quiet;
        let migrator = migrator.clone().observed_too(move |event: &Event| {
            if let Some(line) = render::progress(event, verbosity).filter(|_| loud) {
                print(&mut io::stderr(), &line);
            }
        });
        let outcome = match self.database(database) {
            Ok(database) => {
                if loud {
                    print(&mut io::stderr(), &format!("{database}\n"));
                }
                self.execute(&migrator, &database).await
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(outcome) => {
                print(&mut io::stdout(), &outcome.render(common.format, verbosity));
                outcome.exit.into()
            }
            Err(error) => {
                print(&mut io::stderr(), &render::error(&error));
                if common.format == Format::Json {
                    print(&mut io::stdout(), &json::error(&error));
                }
                Exit::CouldNotRun.into()
            }
        }
    }

    /// The same for programs without an async runtime.
    pub fn run_blocking(&self, migrator: &Migrator, database: Option<Database>) -> ExitCode {
        let ran = blocking::wait(|| async { Ok(self.run(migrator, database).await) });
        ran.unwrap_or_else(|error| {
            print(&mut io::stderr(), &render::error(&error));
            Exit::CouldNotRun.into()
        })
    }

    /// Runs the command and prints nothing.
    ///
    /// # Errors
    /// See [`Error`]. What `status` finds is no error.
    ///
    /// # Cancellation
    /// As [`Migrator::upgrade`].
    pub async fn execute(&self, migrator: &Migrator, database: &Database) -> Result<Outcome, Error> {
        let migrator = self.apply(migrator);
        let mut exit = Exit::Fine;
        let answer = match self {
            Self::Status(args) => {
                let status = migrator.status(database).await?;
                let options = migrator.options();
                let findings = finding::of(&status, options.database_ahead, options.out_of_order);
                let to_do = !status.pending.is_empty() || status.unfinished.is_some();
                if finding::errors(&findings) > 0 || (args.exit_code && to_do) {
                    exit = Exit::Findings;
                }
                Answer::Status(Box::new(status), findings)
            }
            Self::Plan(args) => {
                let target = args.target.clone();
                let plan = match (&target, args.down) {
                    (Target::Base | Target::Down(_), _) | (_, true) => {
                        migrator.plan_downgrade(database, target).await?
                    }
                    _ => migrator.plan(database, target).await?,
                };
                if args.exit_code && !plan.steps.is_empty() {
                    exit = Exit::Findings;
                }
                Answer::Plan(plan)
            }
            Self::Upgrade(args) => Answer::Upgrade(migrator.upgrade(database, args.target.clone()).await?),
            Self::Downgrade(args) => {
                Answer::Downgrade(migrator.downgrade(database, args.target.clone()).await?)
            }
            Self::History(_) => Answer::History(migrator.history(database).await?),
        };
        Ok(Outcome { database: database.to_string(), answer, exit })
    }

    /// The database that is meant.
    fn database(&self, given: Option<Database>) -> Result<Database, Error> {
        match (&self.common().database_url, given) {
            (Some(url), _) => Ok(Database::from_url(url)?),
            (None, Some(database)) => Ok(database),
            (None, None) => Ok(Database::from_env()?),
        }
    }
}

impl Outcome {
    /// The text for people. `everything` does not shorten long lists.
    pub fn human(&self, everything: bool) -> String {
        render::outcome(self, everything)
    }

    /// One JSON object, of version 1 as docs/json.md has it, with a line break behind it.
    pub fn json(&self) -> String {
        json::outcome(self)
    }

    fn render(&self, format: Format, verbosity: Verbosity) -> String {
        match format {
            Format::Human => self.human(verbosity == Verbosity::Verbose),
            Format::Json => self.json(),
        }
    }
}

/// An error as it is printed: its id, what is wrong and where, and what to do.
pub fn error_text(error: &Error) -> String {
    render::error(error)
}

/// An error as one JSON object, of version 1, with a line break behind it.
pub fn error_json(error: &Error) -> String {
    json::error(error)
}

/// A reader that has gone away (`| head`) is no error.
fn print(to: &mut impl Write, text: &str) {
    _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

#[cfg(test)]
mod tests;
