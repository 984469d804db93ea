//! One file for each command: a typed request goes in, a report comes out. No `clap` in them, and no printing.

use std::env;
use std::future::Future;
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::{Cli, Command, Consent, Limits};
use crate::commands::database::At;
use crate::config::{Config, Flags, Place};
use crate::operate::Policies;
use crate::problem::{Kind, Refusal};
use crate::project::Project;
use crate::report::{self, Done, Progress, Reporter};
use crate::server;

pub mod adopt;
pub mod consolidate;
pub mod database;
pub mod downgrade;
pub mod history;
pub mod init;
pub mod new;
pub mod plan;
pub mod redo;
pub mod session;
pub mod stamp;
pub mod status;
pub mod upgrade;
pub mod verify;

/// How a command that could run came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing was found.
    Fine,
    /// A check found something.
    Findings,
}

/// Runs what the command line asks for.
///
/// # Errors
/// The command could not run.
pub fn run(cli: Cli, reporter: &Reporter) -> anyhow::Result<Exit> {
    let cwd = env::current_dir().context("the current directory cannot be told")?;
    let selection = cli.global.selection();
    let project = || Project::find(&selection, &cwd);
    let resolved = |flags: &Flags| -> Result<(Project, Config), Refusal> {
        let project = project()?;
        let config = Config::resolve(flags, &project.environment()?, &project)?;
        Ok((project, config))
    };
    let done = |done: Done| reporter.done(&done).map(|()| Exit::Fine);
    // What works on a database that is there.
    let at = |flags: &Flags, consent: Option<Consent>| -> Result<At<'_>, Refusal> {
        let project = project()?;
        let variables = project.environment()?;
        let config = Config::resolve(flags, &variables, &project)?;
        let place = Place::resolve(flags, &variables, &project)?;
        Ok(At { config, place, reporter, confirmed: consent.and_then(|consent| consent.confirm) })
    };
    match cli.command {
        Command::Init(args) => {
            let (project, config) = resolved(&Flags::default())?;
            let build = if args.build_script { init::Build::Checked } else { init::Build::AsItIs };
            done(init::run(build, &project, &config)?)
        }
        Command::New(args) => {
            let (_, config) = resolved(&Flags::default())?;
            let request = new::Request {
                name: args.name,
                no_transaction: args.no_transaction,
                irreversible: args.irreversible,
            };
            done(new::run(&request, &config)?)
        }
        Command::Adopt(args) => {
            let (project, config) = resolved(&Flags::default())?;
            let request = adopt::Request { tool: args.from, path: args.path };
            done(adopt::run(&request, &project, &config)?)
        }
        Command::Explain(args) => {
            reporter.explained(&report::explain(args.id.as_deref())?)?;
            Ok(Exit::Fine)
        }
        Command::Verify(args) => {
            let (_, config) = resolved(&args.server.flags(args.strict))?;
            let options = verify::Options { since: args.since, frozen: args.frozen };
            let progress = Progress::new(Arc::clone(reporter.printer()));
            run_async(verify::run(&config, &options, reporter, &progress))
        }
        Command::Consolidate(args) => {
            let (_, config) = resolved(&args.server.flags(args.strict))?;
            let progress = Progress::new(Arc::clone(reporter.printer()));
            run_async(consolidate::run(&config, args.name.as_deref(), reporter, &progress))
        }
        Command::Status(args) => {
            let at = at(&args.connection.flags(Limits::default()), None)?;
            run_async(status::run(at, args.policies.into(), args.exit_code))
        }
        Command::History(args) => {
            let at = at(&args.connection.flags(Limits::default()), None)?;
            run_async(history::run(at, args.graph))
        }
        Command::Plan(args) => {
            let at = at(&args.connection.flags(args.limits), None)?;
            let policies = args.policies.with(args.no_drafts);
            run_async(plan::run(at, policies, &args.target, args.down))
        }
        Command::Upgrade(args) => {
            let at = at(&args.connection.flags(args.limits), Some(args.consent))?;
            let policies = args.policies.with(args.no_drafts);
            match args.dry_run {
                true => run_async(plan::run(at, policies, &args.target, false)),
                false => run_async(upgrade::run(at, policies, &args.target)),
            }
        }
        Command::Downgrade(args) => {
            let at = at(&args.connection.flags(args.limits), Some(args.consent))?;
            match args.dry_run {
                true => run_async(plan::run(at, Policies::default(), &args.target, true)),
                false => run_async(downgrade::run(at, &args.target)),
            }
        }
        Command::Redo(args) => {
            let at = at(&args.connection.flags(args.limits), Some(args.consent))?;
            run_async(redo::run(at))
        }
        Command::Stamp(args) => {
            let at = at(&args.connection.flags(Limits::default()), Some(args.consent))?;
            run_async(stamp::run(at, &args.target))
        }
    }
}

/// Runs a command that speaks to servers.
fn run_async(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the asynchronous runtime could not be started")?.block_on(command)
}

/// The throwaway server that the settings ask for.
fn throwaway(config: &Config) -> anyhow::Result<server::Request> {
    let setup = config.setup.iter().map(|file| {
        let shown = file.shown.display();
        let sql = std::fs::read_to_string(&file.path).map_err(|error| {
            let message = format!("the setup file `{shown}` cannot be read");
            Refusal::new(Kind::BadValue, message, "correct `setup` or `--setup`").caused_by(error)
        })?;
        Ok(server::Setup { label: shown.to_string(), sql })
    });
    let cache = match &config.cache {
        Some(cache) => cache.clone(),
        None => directories::ProjectDirs::from("", "", "cargo-dbmigrate")
            .context("the user's cache directory cannot be told: set `DBMIGRATE_CACHE`")?
            .cache_dir()
            .to_path_buf(),
    };
    Ok(server::Request {
        way: config.server.clone(),
        image: config.image.clone(),
        setup: setup.collect::<Result<_, Refusal>>()?,
        offline: config.offline,
        releases: config.postgres_releases.clone(),
        cache,
        version: Some(config.postgres_version.clone()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::*;
    use crate::project::Selection;

    /// A package in a temporary directory.
    pub(super) struct Sandbox {
        temporary: tempfile::TempDir,
    }

    impl Sandbox {
        /// A package; the text follows its name in the manifest.
        pub(super) fn new(manifest: &str) -> Self {
            let sandbox = Self { temporary: tempfile::tempdir().unwrap() };
            sandbox.write("src/lib.rs", "");
            sandbox.write("Cargo.toml", &format!("[package]\nname = \"shop\"\n{manifest}"));
            sandbox
        }

        pub(super) fn initialised() -> Self {
            let sandbox = Self::new("");
            init::run(init::Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap();
            sandbox
        }

        pub(super) fn path(&self) -> std::path::PathBuf {
            self.temporary.path().canonicalize().unwrap()
        }

        pub(super) fn write(&self, name: &str, text: &str) {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        pub(super) fn read(&self, name: &str) -> String {
            fs::read_to_string(self.path().join(name)).unwrap()
        }

        pub(super) fn project(&self) -> Project {
            Project::find(&Selection::default(), &self.path()).unwrap()
        }

        pub(super) fn config(&self) -> Config {
            Config::resolve(&Flags::default(), &std::collections::BTreeMap::new(), &self.project()).unwrap()
        }

        /// Every file below, sorted.
        pub(super) fn files(&self) -> Vec<String> {
            let (mut files, mut directories) = (Vec::new(), vec![self.path()]);
            while let Some(directory) = directories.pop() {
                for entry in fs::read_dir(directory).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        directories.push(path);
                    } else {
                        files.push(path.strip_prefix(self.path()).unwrap().to_str().unwrap().to_owned());
                    }
                }
            }
            files.sort();
            files
        }
    }
}
