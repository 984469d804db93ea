//! Why there is no connection.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::parse::Fault;
use super::settings::TlsMode;

/// Why there is no connection: what is wrong and where; [`hint`](ConnectError::hint) says what to do. No password is
/// ever in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The environment names no database.
    NotConfigured,
    /// A connection string, or the variables that stand for one, cannot be used.
    Url {
        /// Where it came from.
        origin: Origin,
        /// What is wrong: a lowercase fragment without the string's values.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// TLS was asked for, and this program was built without it.
    TlsNotBuilt {
        /// The mode that asks for it.
        mode: TlsMode,
    },
    /// TLS was asked for, and the server does not offer it.
    TlsNotOffered {
        /// Host and port.
        place: String,
    },
    /// A file of certificates or keys cannot be used, or the handshake failed.
    Tls {
        /// Host and port; empty where it is about a file.
        place: String,
        /// What is wrong: a lowercase fragment.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The name of the host leads to no address.
    Lookup {
        /// The name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody answers there: refused, unreachable, no such socket, or the connection broke.
    Refused {
        /// Host and port.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// No connection within `connect_timeout`.
    Timeout {
        /// Host and port.
        place: String,
        /// The limit.
        limit: Duration,
    },
    /// The server ended the connection without a word.
    Closed {
        /// Host and port.
        place: String,
    },
    /// The server wants a password, and there is none.
    PasswordMissing {
        /// Host and port.
        place: String,
    },
    /// The server refuses the user, the password or this kind of connection.
    Authentication {
        /// Host and port.
        place: String,
        /// What the server said.
        said: String,
    },
    /// There is no database of this name.
    NoDatabase {
        /// Host and port.
        place: String,
        /// What the server said.
        said: String,
    },
    /// The server, the database or the role has all the connections that it may have.
    TooMany {
        /// Host and port.
        place: String,
        /// What the server said.
        said: String,
    },
    /// The server is starting up, shutting down or recovering.
    StartingUp {
        /// Host and port.
        place: String,
        /// What the server said.
        said: String,
    },
    /// The server is not of the kind that `target_session_attrs` asks for.
    Unfit {
        /// Host and port.
        place: String,
        /// What it is.
        said: String,
    },
    /// Anything else.
    Other {
        /// Host and port.
        place: String,
        /// What was said.
        said: String,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// None of several hosts can be used: why not, in the order in which they were tried.
    Hosts(Vec<ConnectError>),
}

/// Where a connection string came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It was passed in by the program.
    Text,
    /// It is the value of this environment variable.
    Variable(&'static str),
    /// Several environment variables stand for it.
    Environment,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("the connection string"),
            Self::Variable(name) => write!(f, "`{name}`"),
            Self::Environment => f.write_str("the environment (`PGHOST` and others)"),
        }
    }
}

impl ConnectError {
    pub(super) fn fault(origin: Origin, fault: Fault) -> Self {
        Self::Url { origin, what: fault.what, hint: fault.hint }
    }

    /// What to do about it: a lowercase fragment.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotConfigured => {
                "set `DATABASE_URL` to `postgres://user:password@host:5432/database`, or set `PGHOST`, `PGUSER`, \
                 `PGPASSWORD` and `PGDATABASE`"
            }
            Self::Url { hint, .. } | Self::Tls { hint, .. } => hint,
            Self::TlsNotBuilt { .. } => {
                "build the program with the feature `tls` of dbmigrate-runtime, or use `sslmode=disable` in a network \
                 that you trust"
            }
            Self::TlsNotOffered { .. } => {
                "switch TLS on in the server (`ssl = on`), or use `sslmode=disable` in a network that you trust"
            }
            Self::Lookup { .. } => "check the name of the host, and that this machine can resolve it",
            Self::Refused { .. } => {
                "check that the server runs and listens there, the host and port, and that no firewall is between"
            }
            Self::Timeout { .. } => {
                "check the host and port, and that no firewall drops the packets; `connect_timeout` sets the limit in \
                 seconds"
            }
            Self::Closed { .. } => "check that a PostgreSQL server listens on this port, and look at its log",
            Self::PasswordMissing { .. } => {
                "put the password into the connection string or into `PGPASSWORD`; password files are not read"
            }
            Self::Authentication { .. } => {
                "check user and password, and what the server's `pg_hba.conf` says of this user, database and address"
            }
            Self::NoDatabase { .. } => "create the database, or correct its name in the connection string",
            Self::TooMany { .. } => {
                "close connections that nobody uses, or raise the limit of the server, database or role"
            }
            Self::StartingUp { .. } => "try again when the server accepts connections",
            Self::Unfit { .. } => "name the primary server, or change `target_session_attrs`",
            Self::Other { .. } => "look at the server's log for what it says of this connection",
            Self::Hosts(errors) => errors.last().map_or("name at least one host", Self::hint),
        }
    }

    /// Whether a later attempt may succeed with nothing changed here: the server is not there yet, has no room, or the
    /// connection broke. A wrong password, a missing database or a refused certificate stays what it is.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lookup { .. }
            | Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Closed { .. }
            | Self::TooMany { .. }
            | Self::StartingUp { .. }
            | Self::Unfit { .. } => true,
            Self::Other { source, .. } => {
                // Connection exceptions and insufficient resources.
                let class = source.code().and_then(|state| state.code().get(..2));
                matches!(class, Some("08" | "53"))
            }
            Self::Hosts(errors) => errors.iter().any(Self::is_transient),
            Self::NotConfigured
            | Self::Url { .. }
            | Self::TlsNotBuilt { .. }
            | Self::TlsNotOffered { .. }
            | Self::Tls { .. }
            | Self::PasswordMissing { .. }
            | Self::Authentication { .. }
            | Self::NoDatabase { .. } => false,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => f.write_str("the environment names no database"),
            Self::Url { origin, what, .. } => write!(f, "{origin} cannot be used: {what}"),
            Self::TlsNotBuilt { mode } => {
                write!(f, "`sslmode={mode}` asks for TLS, and this program was built without it")
            }
            Self::TlsNotOffered { place } => write!(f, "the server at `{place}` does not offer TLS"),
            Self::Tls { place, what, .. } if place.is_empty() => f.write_str(what),
            Self::Tls { place, what, .. } => write!(f, "no TLS connection to `{place}`: {what}"),
            Self::Lookup { host, source } => write!(f, "the host `{host}` is not known: {source}"),
            Self::Refused { place, source } => write!(f, "no connection to `{place}`: {source}"),
            Self::Timeout { place, limit } => {
                write!(f, "no connection to `{place}` within {} s", limit.as_secs())
            }
            Self::Closed { place } => write!(f, "`{place}` closed the connection without a message"),
            Self::PasswordMissing { place } => {
                write!(f, "the server at `{place}` wants a password, and there is none")
            }
            Self::Unfit { place, said } => write!(f, "the server at `{place}` is of the wrong kind: {said}"),
            Self::StartingUp { place, said } => {
                write!(f, "the server at `{place}` does not accept connections now: {said}")
            }
            Self::Authentication { place, said }
            | Self::NoDatabase { place, said }
            | Self::TooMany { place, said }
            | Self::Other { place, said, .. } => {
                write!(f, "the server at `{place}` refuses the connection: {said}")
            }
            Self::Hosts(errors) => {
                f.write_str("none of the hosts can be used")?;
                let mut between = ": ";
                for error in errors {
                    write!(f, "{between}{error}")?;
                    between = "; ";
                }
                Ok(())
            }
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // What these say is part of the text above already: the chain begins below them.
        match self {
            Self::Lookup { source, .. } | Self::Refused { source, .. } => source.source(),
            _ => None,
        }
    }
}
