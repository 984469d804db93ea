//! The command line, as clap reads it. Types only.

use std::time::Duration;

use clap::{ArgAction, Args, Subcommand, ValueEnum};

use crate::Migrator;
use crate::engine::{self, Retries, Target};

/// Migrate the database
///
/// Exit status: 0 fine, 1 findings, 2 could not run.
#[derive(Clone, Debug, Subcommand)]
#[command(subcommand_value_name = "COMMAND", subcommand_help_heading = "Commands")]
pub enum Migrate {
    /// Show what is applied and what is pending; changes nothing
    Status(StatusArgs),
    /// Show the SQL that an upgrade or a downgrade would run; changes nothing
    Plan(PlanArgs),
    /// Apply what is pending
    Upgrade(UpgradeArgs),
    /// Revert what is applied, the newest first
    Downgrade(DowngradeArgs),
    /// Show what was applied, when and by whom; changes nothing
    History(HistoryArgs),
}

/// `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// End with status 1 if something is pending
    #[arg(long)]
    pub(super) exit_code: bool,
    /// What is allowed.
    #[command(flatten)]
    pub(super) policies: Policies,
    /// Options of every command.
    #[command(flatten)]
    pub(super) common: Common,
}

/// `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// `head`, `base`, `+N`, `-N`, a version or a unique beginning of one, or a name
    #[arg(default_value = "head", allow_negative_numbers = true)]
    pub(super) target: Target,
    /// Show the downgrade to this target; `base` and `-N` mean one anyway
    #[arg(long)]
    pub(super) down: bool,
    /// End with status 1 if something would run
    #[arg(long)]
    pub(super) exit_code: bool,
    /// What is allowed.
    #[command(flatten)]
    pub(super) policies: Policies,
    /// Options of every command.
    #[command(flatten)]
    pub(super) common: Common,
}

/// `upgrade`.
#[derive(Clone, Debug, Args)]
pub struct UpgradeArgs {
    /// `head`, `+N`, a version or a unique beginning of one, or a name
    #[arg(default_value = "head", allow_negative_numbers = true)]
    pub(super) target: Target,
    /// What is allowed.
    #[command(flatten)]
    pub(super) policies: Policies,
    /// How long things may take.
    #[command(flatten)]
    pub(super) limits: Limits,
    /// Options of every command.
    #[command(flatten)]
    pub(super) common: Common,
}

/// `downgrade`.
#[derive(Clone, Debug, Args)]
pub struct DowngradeArgs {
    /// What stays applied: `-N`, `base`, a version or a unique beginning of one, or a name
    #[arg(allow_negative_numbers = true)]
    pub(super) target: Target,
    /// How long things may take.
    #[command(flatten)]
    pub(super) limits: Limits,
    /// Options of every command.
    #[command(flatten)]
    pub(super) common: Common,
}

/// `history`.
#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// Options of every command.
    #[command(flatten)]
    pub(super) common: Common,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// The database as `postgres://…`; the environment's `DATABASE_URL` keeps a password out of the list of processes
    #[arg(long, value_name = "URL")]
    pub(super) database_url: Option<String>,
    /// The form of the result
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Say only what went wrong
    // A count and not a flag, as `clap-verbosity-flag` has it: clap passes an application's own `-q` and `-v` on to us.
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "verbose")]
    pub(super) quiet: u8,
    /// Say everything
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// What is allowed; what is not given is as the program has it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Policies {
    /// What to do when a newer program has migrated the database
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(super) database_ahead: Option<AheadPolicy>,
    /// What to do with migrations that are older than the newest applied one
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(super) out_of_order: Option<LatePolicy>,
}

/// How long things may take; what is not given is as the program has it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Limits {
    /// Longest wait for another session that migrates, such as `90s`, `15m` or `1h`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) lock_wait: Option<Duration>,
    /// Longest time that a statement waits for a lock before it is rolled back and tried again; 0 is no limit
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) lock_timeout: Option<Duration>,
    /// Longest time for one statement; 0 is no limit
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) statement_timeout: Option<Duration>,
    /// How often a migration is tried that could not get a lock in time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) attempts: Option<u32>,
    /// For how long a server that cannot be reached is tried again
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) reconnect: Option<Duration>,
}

/// The form of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub(super) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs: one JSON object, versioned
    Json,
}

/// As [`engine::DatabaseAhead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AheadPolicy {
    /// Stop
    Refuse,
    /// Leave them alone and go on
    Allow,
}

/// As [`engine::OutOfOrder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LatePolicy {
    /// Stop
    Refuse,
    /// Apply them behind the newer ones
    Apply,
}

/// How much goes to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

impl Migrate {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Status(args) => &args.common,
            Self::Plan(args) => &args.common,
            Self::Upgrade(args) => &args.common,
            Self::Downgrade(args) => &args.common,
            Self::History(args) => &args.common,
        }
    }

    /// The migrator with what the command line wants otherwise.
    pub(super) fn apply(&self, migrator: &Migrator) -> Migrator {
        let (policies, limits) = match self {
            Self::Status(args) => (args.policies, Limits::default()),
            Self::Plan(args) => (args.policies, Limits::default()),
            Self::Upgrade(args) => (args.policies, args.limits),
            Self::Downgrade(args) => (Policies::default(), args.limits),
            Self::History(_) => (Policies::default(), Limits::default()),
        };
        limits.apply(policies.apply(migrator.clone()))
    }
}

impl Common {
    pub(super) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (0, 0) => Verbosity::Normal,
            (0, _) => Verbosity::Verbose,
            _ => Verbosity::Quiet,
        }
    }
}

impl Policies {
    fn apply(self, mut migrator: Migrator) -> Migrator {
        if let Some(policy) = self.database_ahead {
            migrator = migrator.database_ahead(match policy {
                AheadPolicy::Refuse => engine::DatabaseAhead::Refuse,
                AheadPolicy::Allow => engine::DatabaseAhead::Allow,
            });
        }
        if let Some(policy) = self.out_of_order {
            migrator = migrator.out_of_order(match policy {
                LatePolicy::Refuse => engine::OutOfOrder::Refuse,
                LatePolicy::Apply => engine::OutOfOrder::Apply,
            });
        }
        migrator
    }
}

impl Limits {
    fn apply(self, mut migrator: Migrator) -> Migrator {
        if let Some(longest) = self.lock_wait {
            migrator = migrator.lock_wait(longest);
        }
        if let Some(longest) = self.lock_timeout {
            migrator = migrator.lock_timeout(longest);
        }
        if let Some(longest) = self.statement_timeout {
            migrator = migrator.statement_timeout(Some(longest).filter(|longest| !longest.is_zero()));
        }
        if let Some(attempts) = self.attempts {
            let retries = Retries { attempts, ..migrator.options().retries };
            migrator = migrator.retries(retries);
        }
        if let Some(longest) = self.reconnect {
            migrator = migrator.reconnect(longest);
        }
        migrator
    }
}

/// `0`, `500ms`, `30s`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let bad = || "a duration is a number with a unit, such as `500ms`, `30s`, `5m` or `1h`".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let (digits, unit) = text.split_at(end);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(bad()),
    };
    let number: u64 = digits.parse().map_err(|_| bad())?;
    // PostgreSQL's timeouts are 32-bit milliseconds.
    let fits = number.checked_mul(millis).filter(|millis| *millis <= i32::MAX as u64);
    fits.map(Duration::from_millis).ok_or_else(|| "the longest duration is 596 h".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    enum Alone {
        #[command(flatten)]
        Migrate(Migrate),
    }

    /// An application with options of its own that mean the same, on every level.
    #[derive(Debug, Parser)]
    struct App {
        #[arg(short, long, action = ArgAction::Count, global = true)]
        verbose: u8,
        #[arg(short, long, action = ArgAction::Count, global = true)]
        quiet: u8,
        #[arg(long, global = true)]
        database_url: Option<String>,
        #[command(subcommand)]
        command: AppCommand,
    }

    #[derive(Debug, Subcommand)]
    enum AppCommand {
        Serve,
        #[command(subcommand)]
        Migrate(Migrate),
    }

    #[test]
    fn the_command_line_is_consistent() {
        Alone::command().debug_assert();
        App::command().debug_assert();
    }

    #[test]
    fn it_lives_with_the_options_of_an_application() {
        for line in ["app -v --database-url x migrate status", "app migrate status --database-url x -v"] {
            let app = App::try_parse_from(line.split(' ')).unwrap();
            let AppCommand::Migrate(migrate) = app.command else { unreachable!() };
            assert_eq!(migrate.common().verbosity(), Verbosity::Verbose, "{line}");
            assert_eq!(migrate.common().database_url.as_deref(), Some("x"), "{line}");
            assert_eq!((app.verbose, app.database_url.as_deref()), (1, Some("x")), "{line}");
        }
        assert!(matches!(App::try_parse_from(["app", "serve"]).unwrap().command, AppCommand::Serve));
    }

    #[test]
    fn targets_may_begin_with_a_sign() {
        for (line, target) in [
            ("app upgrade", Target::Head),
            ("app upgrade +2", Target::Up(2)),
            ("app downgrade -2", Target::Down(2)),
            ("app downgrade base --format json", Target::Base),
            ("app plan -1 --exit-code", Target::Down(1)),
            ("app plan users --down", Target::Named("users".to_owned())),
        ] {
            let Alone::Migrate(migrate) = Alone::try_parse_from(line.split(' ')).unwrap();
            let found = match migrate {
                Migrate::Upgrade(args) => args.target,
                Migrate::Downgrade(args) => args.target,
                Migrate::Plan(args) => args.target,
                _ => unreachable!(),
            };
            assert_eq!(found, target, "{line}");
        }
    }

    #[test]
    fn what_is_not_a_command_line_is_refused() {
        for line in [
            "app",
            "app downgrade",
            "app downgrade -0",
            "app upgrade -x",
            "app upgrade --lock-wait 5",
            "app upgrade --attempts 0",
            "app upgrade --database-ahead yes",
            "app history --lock-wait 5s",
            "app status -q -v",
        ] {
            assert_eq!(Alone::try_parse_from(line.split(' ')).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, millis) in [("0", 0), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "5", "s", "5 s", "-1s", "1.5s", "5d", "99999999999999999999s", "1000h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_given_goes_before_what_the_program_has() {
        let line = "app upgrade --lock-wait 1s --lock-timeout 2s --statement-timeout 3s --attempts 4 --reconnect 5s \
                    --database-ahead allow --out-of-order apply";
        let Alone::Migrate(migrate) = Alone::try_parse_from(line.split_whitespace()).unwrap();
        let program = Migrator::new(crate::migrations::Migrations::default())
            .unwrap()
            .lock_wait(Duration::from_secs(7))
            .statement_timeout(Some(Duration::from_secs(8)));
        let changed = migrate.apply(&program);
        let options = changed.options();
        let seconds = Duration::from_secs;
        assert_eq!((options.lock_wait, options.lock_timeout), (seconds(1), seconds(2)));
        assert_eq!((options.statement_timeout, options.reconnect), (Some(seconds(3)), seconds(5)));
        assert_eq!((options.retries.attempts, options.retries.pause), (4, Retries::default().pause));
        assert_eq!(options.database_ahead, engine::DatabaseAhead::Allow);
        assert_eq!(options.out_of_order, engine::OutOfOrder::Apply);
        let Alone::Migrate(plain) = Alone::try_parse_from(["app", "upgrade"]).unwrap();
        let kept = plain.apply(&program);
        assert_eq!(kept.options().lock_wait, seconds(7));
        assert_eq!(kept.options().statement_timeout, Some(seconds(8)));
        let Alone::Migrate(none) =
            Alone::try_parse_from(["app", "upgrade", "--statement-timeout", "0"]).unwrap();
        assert_eq!(none.apply(&program).options().statement_timeout, None);
    }
}
