//! The commands that work on a database that is there. Types only.

use clap::{Args, ValueEnum};
use dbmigrate_runtime::engine::{DatabaseAhead, Drafts, OutOfOrder};

use crate::config::Flags;
use crate::operate;

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// End with status 1 if something is pending
    #[arg(long)]
    pub exit_code: bool,
    /// What is allowed.
    #[command(flatten)]
    pub policies: Policies,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
}

/// `history`.
#[derive(Debug, Args)]
pub struct History {
    /// Show what is pending and the drafts, too
    #[arg(long)]
    pub graph: bool,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// `head`, `base`, `+N`, `-N`, a version, a unique beginning of one, or a name
    #[arg(default_value = "head", allow_negative_numbers = true)]
    pub target: String,
    /// Show the downgrade to this target; `base` and `-N` mean one anyway
    #[arg(long)]
    pub down: bool,
    /// Leave drafts out
    #[arg(long)]
    pub no_drafts: bool,
    /// What is allowed.
    #[command(flatten)]
    pub policies: Policies,
    /// How long things may take.
    #[command(flatten)]
    pub limits: Limits,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
}

/// `upgrade`.
#[derive(Debug, Args)]
pub struct Upgrade {
    /// `head`, `+N`, a version, a unique beginning of one, or a name
    #[arg(default_value = "head", allow_negative_numbers = true)]
    pub target: String,
    /// Show the SQL, as `plan` does, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Leave drafts out
    #[arg(long)]
    pub no_drafts: bool,
    /// What is allowed.
    #[command(flatten)]
    pub policies: Policies,
    /// How long things may take.
    #[command(flatten)]
    pub limits: Limits,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
    /// Whether a protected one may be changed.
    #[command(flatten)]
    pub consent: Consent,
}

/// `downgrade`.
#[derive(Debug, Args)]
pub struct Downgrade {
    /// What stays applied: `-N` fewer than now, `base`, a version, a unique beginning of one, or a name
    #[arg(allow_negative_numbers = true)]
    pub target: String,
    /// Show the SQL, as `plan --down` does, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How long things may take.
    #[command(flatten)]
    pub limits: Limits,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
    /// Whether a protected one may be changed.
    #[command(flatten)]
    pub consent: Consent,
}

/// `redo`.
#[derive(Debug, Args)]
pub struct Redo {
    /// How long things may take.
    #[command(flatten)]
    pub limits: Limits,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
    /// Whether a protected one may be changed.
    #[command(flatten)]
    pub consent: Consent,
}

/// `stamp`.
#[derive(Debug, Args)]
pub struct Stamp {
    /// `head`, `base`, a version, a unique beginning of one, or a name
    pub target: String,
    /// Which database.
    #[command(flatten)]
    pub connection: Connection,
    /// Whether a protected one may be changed.
    #[command(flatten)]
    pub consent: Consent,
}

/// Which database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct Connection {
    /// The environment of the configuration that is meant [env: DBMIGRATE_ENV]
    #[arg(long = "env", value_name = "NAME")]
    pub environment: Option<String>,
    /// The database as `postgres://…`; variables keep a password out of the list of processes
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

impl Connection {
    /// As settings, together with the limits.
    pub fn flags(self, limits: Limits) -> Flags {
        Flags {
            environment: self.environment,
            database_url: self.database_url,
            lock_timeout: limits.lock_timeout,
            statement_timeout: limits.statement_timeout,
            ..Flags::default()
        }
    }
}

/// How long things may take.
#[derive(Debug, Default, Args)]
pub struct Limits {
    /// How long a statement waits for a lock before it is rolled back and tried again, or `none`
    #[arg(long, value_name = "DURATION")]
    pub lock_timeout: Option<String>,
    /// Longest time for one statement, or `none`
    #[arg(long, value_name = "DURATION")]
    pub statement_timeout: Option<String>,
}

/// What is allowed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Policies {
    /// What to do when a newer version has migrated the database
    #[arg(long, value_enum, value_name = "POLICY", default_value_t)]
    pub database_ahead: Ahead,
    /// What to do with migrations that are older than the newest applied one
    #[arg(long, value_enum, value_name = "POLICY", default_value_t)]
    pub out_of_order: Late,
}

/// With a database that is ahead.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Ahead {
    /// Stop.
    #[default]
    Refuse,
    /// Leave what is newer alone and go on.
    Allow,
}

/// With migrations that are late.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Late {
    /// Stop.
    #[default]
    Refuse,
    /// Apply them behind the newer ones.
    Apply,
}

impl Policies {
    /// As the engine has them, with or without drafts.
    pub fn with(self, no_drafts: bool) -> operate::Policies {
        operate::Policies {
            database_ahead: match self.database_ahead {
                Ahead::Refuse => DatabaseAhead::Refuse,
                Ahead::Allow => DatabaseAhead::Allow,
            },
            out_of_order: match self.out_of_order {
                Late::Refuse => OutOfOrder::Refuse,
                Late::Apply => OutOfOrder::Apply,
            },
            drafts: if no_drafts { Drafts::Leave } else { Drafts::Apply },
        }
    }
}

impl From<Policies> for operate::Policies {
    fn from(policies: Policies) -> Self {
        policies.with(false)
    }
}

/// Whether a protected database may be changed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct Consent {
    /// The name of the database, for protected ones where nobody can be asked
    #[arg(long, value_name = "DATABASE")]
    pub confirm: Option<String>,
}
