//! The command line, as `clap` reads it. Types only: what they mean is for [`crate::commands`] to say.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand};

use crate::adopt::Tool;
use crate::config::Flags;
use crate::printer::{Color, Verbosity};
use crate::project::Selection;
use crate::report::Format;

mod operate;

pub use operate::{
    Connection, Consent, Downgrade, History, Limits, Plan, Policies, Redo, Stamp, Status, Upgrade,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// What Cargo runs: it passes the subcommand's own name as the first argument.
#[derive(Debug, Parser)]
#[command(name = "cargo", bin_name = "cargo", about = "PostgreSQL migrations, proved before they ship", long_about = None)]
#[command(styles = STYLES)]
pub enum Cargo {
    /// PostgreSQL migrations, proved before they ship
    #[command(name = "dbmigrate", version, max_term_width = 100)]
    Dbmigrate(Cli),
}

impl Cargo {
    /// Reads a command line.
    ///
    /// # Errors
    /// It is none, or asks for help or the version. Where only the word is missing that Cargo puts before the
    /// arguments, the error says how to call.
    pub fn read(line: Vec<OsString>) -> Result<Cli, clap::Error> {
        let without_word = line.get(1).is_some_and(|word| word != "dbmigrate");
        match Self::try_parse_from(line) {
            Ok(Self::Dbmigrate(cli)) => Ok(cli),
            Err(mut error) => {
                if without_word && error.use_stderr() {
                    let tip = "call it as `cargo dbmigrate …` or as `cargo-dbmigrate dbmigrate …`";
                    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
                }
                Err(error)
            }
        }
    }
}

/// `cargo dbmigrate`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 fine, 1 findings, 2 could not run.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The package whose migrations are meant
    #[arg(short, long, global = true, value_name = "NAME")]
    pub package: Option<String>,
    /// Its `Cargo.toml`
    #[arg(long, global = true, value_name = "PATH")]
    pub manifest_path: Option<PathBuf>,
    /// The form of the report
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: Format,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Say only what matters
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say everything
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl Global {
    /// How the user names the package.
    pub fn selection(&self) -> Selection {
        Selection { package: self.package.clone(), manifest_path: self.manifest_path.clone() }
    }

    /// How much to say.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set a package up: configuration, folders, lock
    Init(Init),
    /// Write a draft: an up and a down to fill in
    New(New),
    /// Turn the drafts into one finalized migration, proved to give the same catalog
    Consolidate(Consolidate),
    /// Bring the migrations of another tool in
    Adopt(Adopt),
    /// Prove that every migration goes up, down and up again
    Verify(Verify),
    /// Show what a database has and has not; changes nothing
    Status(Status),
    /// Show what was applied to a database, when and by whom; changes nothing
    History(History),
    /// Show the SQL that an upgrade or a downgrade would run; changes nothing
    Plan(Plan),
    /// Apply what is pending to a database
    Upgrade(Upgrade),
    /// Revert what is applied to a database, the newest first
    Downgrade(Downgrade),
    /// Revert the newest applied migration and apply it again
    Redo(Redo),
    /// Make the history say that exactly the migrations up to the target are applied, and run nothing
    Stamp(Stamp),
    /// Say what a problem means, why it matters and what to do
    Explain(Explain),
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Let every build check that the migrations fit their lock: adds a build script
    #[arg(long)]
    pub build_script: bool,
}

/// `new`.
#[derive(Debug, Args)]
pub struct New {
    /// What the migration does, such as `create_users` or "Create users"
    pub name: String,
    /// Every statement runs on its own, as CREATE INDEX CONCURRENTLY needs it
    #[arg(long)]
    pub no_transaction: bool,
    /// There is no way back, and why
    #[arg(long, value_name = "REASON")]
    pub irreversible: Option<String>,
}

/// `consolidate`.
#[derive(Debug, Args)]
pub struct Consolidate {
    /// The name of the result; without it, made of the drafts' names
    pub name: Option<String>,
    /// Column order alone is a finding too
    #[arg(long)]
    pub strict: bool,
    /// The throwaway server.
    #[command(flatten)]
    pub server: Server,
}

/// `adopt`.
#[derive(Debug, Args)]
pub struct Adopt {
    /// The tool that the migrations were written for
    #[arg(long, value_enum, value_name = "TOOL")]
    pub from: Tool,
    /// The directory of its migrations, which is not changed
    pub path: PathBuf,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Prove only what is newer than this migration, or than this git revision
    #[arg(long, value_name = "VERSION|GIT_REF")]
    pub since: Option<String>,
    /// Fail if there are drafts that were not consolidated
    #[arg(long)]
    pub frozen: bool,
    /// Column order alone is a finding too
    #[arg(long)]
    pub strict: bool,
    /// The throwaway server.
    #[command(flatten)]
    pub server: Server,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A problem's id, such as `down-differs`; without it, all of them are listed
    pub id: Option<String>,
}

/// Which throwaway server, and how long it may work.
#[derive(Debug, Args)]
#[command(next_help_heading = "Throwaway server")]
pub struct Server {
    /// `auto`, `docker`, `local`, `embedded`, or a `postgres://` URL
    #[arg(long)]
    pub server: Option<String>,
    /// The container image for `docker`
    #[arg(long)]
    pub image: Option<String>,
    /// SQL that prepares the server: roles, extensions; may be given several times
    #[arg(long, value_name = "FILE")]
    pub setup: Vec<PathBuf>,
    /// Longest time for one script, such as `30s` or `5m`
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// Download nothing
    #[arg(long)]
    pub offline: bool,
}

impl Server {
    /// As settings, together with the command's own.
    pub fn flags(self, strict: bool) -> Flags {
        let Self { server, image, setup, timeout, offline } = self;
        Flags { server, image, setup, timeout, strict, offline, ..Flags::default() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cargo::command().debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        for line in [
            "cargo-dbmigrate dbmigrate -p shop --format json verify --since main --setup a --setup b -v",
            "cargo dbmigrate verify --since main --setup a --setup b -p shop --format json -v",
        ] {
            let Cargo::Dbmigrate(cli) = Cargo::try_parse_from(line.split(' ')).unwrap();
            assert_eq!((cli.global.package.as_deref(), cli.global.format), (Some("shop"), Format::Json));
            assert_eq!(cli.global.verbosity(), Verbosity::Verbose);
            let Command::Verify(verify) = cli.command else { unreachable!() };
            assert_eq!((verify.since.as_deref(), verify.server.setup.len()), (Some("main"), 2));
        }
    }

    #[test]
    fn what_is_not_a_command_line_is_refused() {
        for line in [
            "cargo",
            "cargo dbmigrate",
            "cargo dbmigrate nwe",
            "cargo dbmigrate adopt x",
            "cargo dbmigrate init -q -v",
        ] {
            assert_eq!(Cargo::try_parse_from(line.split(' ')).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
