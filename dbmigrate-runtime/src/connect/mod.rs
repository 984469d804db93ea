//! Where a database is, and the connections that the engine makes to it.
//!
//! A [`Database`] is read once, from a connection string or the environment, and prints itself without its password.
//! What libpq understands is understood here in the same way, or refused by name: no parameter is ignored that would
//! have meant something. The differences are few and deliberate:
//!
//! - Nothing is read from the home directory: no `~/.pgpass`, no `~/.postgresql`, no service file.
//! - `verify-ca` and `verify-full` trust the authorities of the system when there is no `sslrootcert`. A `sslrootcert`
//!   that cannot be read is an error in every mode.
//! - A certificate names its hosts in the subjectAltName extension; the common name does not count.
//! - Without the feature `tls`, `disable`, `allow` and `prefer` connect in plain text, and the others are refused.
//!
//! `sslmode` does not apply to Unix sockets. Applications on sqlx, diesel or sea-orm pass the URL that they have.
//!
//! This room knows nothing of migrations.

use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Socket};

use self::parse::Pairs;
use self::settings::{Host, Name, Settings};
use self::tls::Tls;

pub use self::error::{ConnectError, Origin};
pub use self::settings::TlsMode;

mod env;
mod error;
mod parse;
mod settings;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
mod tls;

#[cfg(test)]
mod tests;

/// How long [`Connected::close`] waits for the server's side.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where a database is and how to connect to it.
///
/// [`Display`](fmt::Display) says it for people (`shop on db.example:5432 as app, TLS verify-full`). Neither that nor
/// `Debug` shows the password or the options.
#[derive(Clone)]
pub struct Database {
    settings: Settings,
    /// With the hosts, for others.
    config: Config,
}

impl Database {
    /// Reads a `postgres://` or `postgresql://` URL, or a keyword/value string of libpq. The environment is not looked
    /// at.
    ///
    /// # Errors
    /// [`ConnectError::Url`] with what is wrong, and [`ConnectError::TlsNotBuilt`] when the string asks for TLS and the
    /// feature `tls` is off. The string's values are never in it.
    pub fn from_url(url: &str) -> Result<Self, ConnectError> {
        let origin = Origin::Text;
        Self::new(&Pairs::parse(url).map_err(|fault| ConnectError::fault(origin, fault))?, origin)
    }

    /// Reads the environment: `DATABASE_URL`, and for what it leaves out libpq's variables (`PGHOST`, `PGPORT`,
    /// `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGAPPNAME`, `PGCONNECT_TIMEOUT`,
    /// `PGOPTIONS` and others). Without `DATABASE_URL` the variables of Docker's image fill what is still missing:
    /// `POSTGRES_HOST`, `POSTGRES_PORT`, `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB`. Empty variables count as
    /// absent. No `.env` file is read.
    ///
    /// # Errors
    /// [`ConnectError::NotConfigured`] when none of them names a host or a database, and otherwise as
    /// [`Database::from_url`].
    pub fn from_env() -> Result<Self, ConnectError> {
        Self::from_vars(|name| std::env::var_os(name))
    }

    /// As [`Database::from_env`], with other variables than the process's: those of a `.env` file, say.
    ///
    /// # Errors
    /// As [`Database::from_env`].
    pub fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConnectError> {
        let (pairs, origin) = env::read(var)?;
        Self::new(&pairs, origin)
    }

    /// As [`Database::from_url`], and libpq's variables say what the string leaves out, as in every program that uses
    /// libpq: `PGPASSWORD`, `PGSSLMODE` and others. `DATABASE_URL` is not looked at.
    ///
    /// # Errors
    /// As [`Database::from_url`].
    pub fn from_url_and_vars(
        url: &str,
        var: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConnectError> {
        Self::new(&env::completed(url, var)?, Origin::Text)
    }

    fn new(pairs: &Pairs, origin: Origin) -> Result<Self, ConnectError> {
        let settings = Settings::new(pairs, origin)?;
        let mut config = settings.config.clone();
        for host in &settings.hosts {
            host.name.add_to(&mut config);
            config.port(host.port);
        }
        // tokio-postgres takes addresses for all hosts or for none.
        let addresses: Option<Vec<_>> = settings.hosts.iter().map(|host| host.address).collect();
        for address in addresses.into_iter().flatten() {
            config.hostaddr(address);
        }
        Ok(Self { settings, config })
    }

    /// Another database on the same server.
    #[cfg(feature = "testing")]
    pub(crate) fn named(&self, database: &str) -> Self {
        let mut other = self.clone();
        other.settings.config.dbname(database);
        other.config.dbname(database);
        other
    }

    /// The same as tokio-postgres puts it, with the password. Whoever connects with it checks of certificates what
    /// their own connector checks: it knows neither `allow`, nor `verify-ca`, nor `verify-full`.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether connections are encrypted and what is checked.
    pub fn tls_mode(&self) -> TlsMode {
        self.settings.security.mode
    }

    /// Opens a connection of one's own: to the first of the hosts that works, as libpq does it. `connect_timeout`
    /// limits each attempt, from the look-up to the end of authentication; there is no limit without it.
    ///
    /// Needs a tokio runtime with its network and time drivers. Dropping the future closes the socket.
    ///
    /// # Errors
    /// The reason, without the password. [`ConnectError::is_transient`] tells whether to try again. A wrong password or
    /// a missing database ends the search: the remaining hosts are not tried.
    pub async fn connect(&self) -> Result<Connected, ConnectError> {
        let Settings { hosts, security, config } = &self.settings;
        let tcp = hosts.iter().any(|host| matches!(host.name, Name::Tcp(_)));
        let tls = if tcp && security.mode != TlsMode::Disable { tls::load(security).await? } else { None };
        let mut hosts: Vec<&Host> = hosts.iter().collect();
        self.order(&mut hosts);
        let mut errors = Vec::new();
        for host in hosts {
            tracing::debug!(%host, mode = %security.mode, "connecting");
            let attempt = Attempt { host, config, mode: security.mode, tls: tls.as_ref() };
            let addresses = match attempt.addresses().await {
                Ok(mut addresses) => {
                    self.order(&mut addresses);
                    addresses
                }
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let mut last = None;
            for address in addresses {
                match attempt.connect(address).await {
                    Ok(connected) => return Ok(connected),
                    Err(error) if error.is_transient() => last = Some(error),
                    Err(error) => return Err(error),
                }
            }
            errors.extend(last);
        }
        match errors.pop() {
            Some(only) if errors.is_empty() => Err(only),
            last => {
                errors.extend(last);
                Err(ConnectError::Hosts(errors))
            }
        }
    }

    /// Shuffles, if `load_balance_hosts=random`.
    fn order<T>(&self, list: &mut [T]) {
        if self.config.get_load_balance_hosts() == tokio_postgres::config::LoadBalanceHosts::Random {
            list.sort_by_cached_key(|_| RandomState::new().build_hasher().finish());
        }
    }
}

impl FromStr for Database {
    type Err = ConnectError;

    fn from_str(url: &str) -> Result<Self, ConnectError> {
        Self::from_url(url)
    }
}

impl TryFrom<&str> for Database {
    type Error = ConnectError;

    fn try_from(url: &str) -> Result<Self, ConnectError> {
        Self::from_url(url)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.config.get_user();
        f.write_str(self.config.get_dbname().or(user).unwrap_or("the default database"))?;
        let mut between = " on ";
        for host in &self.settings.hosts {
            write!(f, "{between}{host}")?;
            between = ",";
        }
        if let Some(user) = user {
            write!(f, " as {user}")?;
        }
        match self.settings.hosts.iter().any(|host| matches!(host.name, Name::Tcp(_))) {
            true => write!(f, ", TLS {}", self.tls_mode()),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// An open connection. Dropping it closes its socket at once, whatever it was doing: the server rolls back, and gives
/// up its locks as soon as it notices.
pub struct Connected {
    pub(crate) client: Client,
    task: Task,
}

/// What carries bytes between the client and the socket. Aborted on drop.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connected {
    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The client, for transactions.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Says goodbye, and waits until the socket is closed: five seconds at most.
    pub async fn close(self) {
        let Self { client, mut task } = self;
        drop(client);
        _ = tokio::time::timeout(FAREWELL, &mut task.0).await;
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").finish_non_exhaustive()
    }
}

impl Name {
    fn add_to(&self, config: &mut Config) {
        match self {
            Self::Tcp(name) => config.host(name),
            #[cfg(unix)]
            Self::Unix(path) => config.host_path(path),
        };
    }
}

/// What is tried on one host.
struct Attempt<'a> {
    host: &'a Host,
    config: &'a Config,
    mode: TlsMode,
    tls: Option<&'a Tls>,
}

/// An attempt that failed.
struct Failed {
    error: ConnectError,
    /// Whether the server might take the connection with TLS if it was without, or without if it was with.
    otherwise: bool,
}

impl Attempt<'_> {
    /// The addresses of the host: `None` for a Unix socket.
    async fn addresses(&self) -> Result<Vec<Option<IpAddr>>, ConnectError> {
        let Name::Tcp(name) = &self.host.name else { return Ok(vec![None]) };
        if let Some(address) = self.host.address.or_else(|| name.parse().ok()) {
            return Ok(vec![Some(address)]);
        }
        let unknown = |source| ConnectError::Lookup { host: name.clone(), source };
        let found = self.limited(tokio::net::lookup_host((name.as_str(), self.host.port))).await?;
        let found: Vec<_> = found.map_err(unknown)?.map(|address| Some(address.ip())).collect();
        if found.is_empty() {
            return Err(unknown(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
        }
        Ok(found)
    }

    async fn limited<F: Future>(&self, future: F) -> Result<F::Output, ConnectError> {
        let Some(limit) = self.config.get_connect_timeout() else { return Ok(future.await) };
        let late = |_| ConnectError::Timeout { place: self.host.to_string(), limit: *limit };
        tokio::time::timeout(*limit, future).await.map_err(late)
    }

    /// Connects to one address: once, or in the modes that leave a choice twice.
    async fn connect(&self, address: Option<IpAddr>) -> Result<Connected, ConnectError> {
        let tls = self.tls.filter(|_| address.is_some());
        let (first, second) = match (self.mode, tls) {
            (_, None) | (TlsMode::Disable, _) => (None, None),
            (TlsMode::Allow, tls) => (None, Some(tls)),
            (TlsMode::Prefer, tls) => (tls, Some(None)),
            (TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull, tls) => (tls, None),
        };
        let failed = match self.once(address, first).await {
            Ok(connected) => return Ok(connected),
            Err(failed) => failed,
        };
        let Some(second) = second.filter(|_| failed.otherwise) else { return Err(failed.error) };
        tracing::debug!(host = %self.host, error = %failed.error, "trying {} TLS", if second.is_some() { "with" } else { "without" });
        // The first reason is the one to tell, unless the second attempt came further.
        self.once(address, second).await.map_err(|again| {
            if again.otherwise || !again.error.is_answer() { failed.error } else { again.error }
        })
    }

    async fn once(&self, address: Option<IpAddr>, tls: Option<&Tls>) -> Result<Connected, Failed> {
        let mut config = self.config.clone();
        self.host.name.add_to(&mut config);
        config.port(self.host.port);
        if let Some(address) = address {
            config.hostaddr(address);
        }
        config.ssl_mode(match (tls, self.mode) {
            (None, _) => SslMode::Disable,
            (Some(_), TlsMode::Prefer) => SslMode::Prefer,
            (Some(_), _) => SslMode::Require,
        });
        let opened = match tls {
            Some(tls) => self.limited(open(&config, tls.clone())).await,
            None => self.limited(open(&config, NoTls)).await,
        };
        match opened {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) => {
                let denied = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
                let error = self.explain(error);
                let otherwise = denied
                    || matches!(
                        error,
                        ConnectError::Tls { .. }
                            | ConnectError::TlsNotOffered { .. }
                            | ConnectError::Closed { .. }
                    );
                Err(Failed { error, otherwise })
            }
            Err(error) => Err(Failed { error, otherwise: false }),
        }
    }

    /// Sorts the driver's errors by what they mean to whoever connects.
    fn explain(&self, error: tokio_postgres::Error) -> ConnectError {
        let place = self.host.to_string();
        if let Some(answer) = error.as_db_error() {
            let said = match answer.detail() {
                Some(detail) => format!("{} ({detail})", answer.message()),
                None => answer.message().to_owned(),
            };
            return match *answer.code() {
                SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                    ConnectError::Authentication { place, said }
                }
                SqlState::INVALID_CATALOG_NAME => ConnectError::NoDatabase { place, said },
                SqlState::TOO_MANY_CONNECTIONS => ConnectError::TooMany { place, said },
                SqlState::CANNOT_CONNECT_NOW
                | SqlState::ADMIN_SHUTDOWN
                | SqlState::CRASH_SHUTDOWN
                | SqlState::DATABASE_DROPPED => ConnectError::StartingUp { place, said },
                _ => ConnectError::Other { place, said, source: error },
            };
        }
        if let Some((what, hint)) = tls::explain(&error) {
            return ConnectError::Tls { place, what, hint };
        }
        if error.is_closed() {
            return ConnectError::Closed { place };
        }
        let source = std::error::Error::source(&error);
        if let Some(source) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
            let said = source.to_string();
            // The driver's own judgement on `target_session_attrs` comes as an error of permission without a number.
            if source.kind() == io::ErrorKind::PermissionDenied && source.raw_os_error().is_none() {
                return ConnectError::Unfit { place, said };
            }
            return match (source.kind(), self.config.get_connect_timeout()) {
                (io::ErrorKind::TimedOut, Some(limit)) => ConnectError::Timeout { place, limit: *limit },
                (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset, _) => {
                    ConnectError::Closed { place }
                }
                (kind, _) => {
                    let source = source
                        .raw_os_error()
                        .map_or_else(|| io::Error::new(kind, said), io::Error::from_raw_os_error);
                    ConnectError::Refused { place, source }
                }
            };
        }
        // The driver tells these apart in words only.
        match source.map(ToString::to_string).as_deref() {
            Some("server does not support TLS") => ConnectError::TlsNotOffered { place },
            Some("password missing") => ConnectError::PasswordMissing { place },
            Some(
                said @ ("server did not use channel binding"
                | "unsupported authentication method"
                | "unsupported SASL mechanism"),
            ) => ConnectError::Authentication { place, said: said.to_owned() },
            Some(said) => ConnectError::Other { place, said: format!("{error}: {said}"), source: error },
            None => ConnectError::Other { place, said: error.to_string(), source: error },
        }
    }
}

impl ConnectError {
    /// Whether a server was reached and answered.
    fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::PasswordMissing { .. }
                | Self::Authentication { .. }
                | Self::NoDatabase { .. }
                | Self::TooMany { .. }
                | Self::StartingUp { .. }
                | Self::Unfit { .. }
                | Self::Other { .. }
        )
    }
}

/// Connects to the one host of `config`.
async fn open<T>(config: &Config, tls: T) -> Result<Connected, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
    });
    Ok(Connected { client, task: Task(task) })
}
