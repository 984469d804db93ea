//! From named values to a [`Database`]: what each value must be, and what goes with what.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs};

use super::error::{ConnectError, Origin};
use super::parse::{Fault, Pairs};

/// Whether a connection is encrypted and what is checked, as libpq's `sslmode`. It does not apply to Unix sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server refuses a connection in plain text.
    Allow,
    /// Encrypted if the server can.
    #[default]
    Prefer,
    /// Encrypted, whoever the server is; with `sslrootcert` as `verify-ca`.
    Require,
    /// Encrypted, and the server's certificate is signed by a trusted authority.
    VerifyCa,
    /// As `verify-ca`, and the certificate is for the host that was asked for.
    VerifyFull,
}

impl TlsMode {
    const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// The name that libpq gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose signature a server's certificate needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Nobody's in the modes that do not verify, that of an authority of the system in those that do.
    Default,
    /// An authority of the system's.
    System,
    /// An authority of this PEM file's.
    File(PathBuf),
}

/// What the handshake needs to know.
#[derive(Clone)]
#[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "read by the feature `tls` only"))]
pub(super) struct Security {
    pub(super) mode: TlsMode,
    pub(super) roots: Roots,
    /// The client's certificate and its key, as PEM files.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    /// Whether the host's name is sent in the clear (SNI).
    pub(super) sni: bool,
    pub(super) direct: bool,
    /// The oldest and the newest version, as libpq calls them.
    pub(super) versions: (Version, Version),
}

/// Versions of TLS that are not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V1_2,
    V1_3,
}

/// One server to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: Name,
    /// Its address, where it is not to be looked up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// What a host is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A host name or an IP address.
    Tcp(String),
    /// The directory of a Unix socket.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Tcp(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Name::Tcp(name) => write!(f, "{name}:{}", self.port),
            #[cfg(unix)]
            Name::Unix(path) => write!(f, "{}:{}", path.display(), self.port),
        }
    }
}

/// Everything that a connection string says.
#[derive(Clone)]
pub(super) struct Settings {
    /// All but the hosts.
    pub(super) config: Config,
    pub(super) hosts: Vec<Host>,
    pub(super) security: Security,
}

impl Settings {
    pub(super) fn new(pairs: &Pairs, origin: Origin) -> Result<Self, ConnectError> {
        let settings = Self::read(pairs).map_err(|fault| ConnectError::fault(origin, fault))?;
        let mode = settings.security.mode;
        let tcp = settings.hosts.iter().any(|host| matches!(host.name, Name::Tcp(_)));
        if cfg!(not(feature = "tls")) && mode >= TlsMode::Require && tcp {
            return Err(ConnectError::TlsNotBuilt { mode });
        }
        Ok(settings)
    }

    fn read(pairs: &Pairs) -> Result<Self, Fault> {
        let mut config = Config::new();
        if let Some(user) = pairs.get("user") {
            config.user(user);
        }
        if let Some(password) = pairs.get("password") {
            config.password(password);
        }
        if let Some(name) = pairs.get("dbname") {
            config.dbname(name);
        }
        if let Some(options) = pairs.get("options") {
            config.options(options);
        }
        let name = pairs.get("application_name").or_else(|| pairs.get("fallback_application_name"));
        config.application_name(name.unwrap_or("dbmigrate"));
        sockets(pairs, &mut config)?;
        let choice = Choice(pairs);
        choice.of(
            "client_encoding",
            &[("UTF8", ()), ("utf8", ()), ("UTF-8", ()), ("utf-8", ()), ("auto", ())],
        )?;
        choice.of("gssencmode", &[("disable", ()), ("prefer", ())])?;
        choice.of("sslcompression", &[("0", ())])?;
        let attributes = [
            ("any", TargetSessionAttrs::Any),
            ("read-write", TargetSessionAttrs::ReadWrite),
            ("primary", TargetSessionAttrs::ReadWrite),
            ("read-only", TargetSessionAttrs::ReadOnly),
        ];
        config.target_session_attrs(
            choice.of("target_session_attrs", &attributes)?.unwrap_or(TargetSessionAttrs::Any),
        );
        let orders = [("disable", LoadBalanceHosts::Disable), ("random", LoadBalanceHosts::Random)];
        config.load_balance_hosts(
            choice.of("load_balance_hosts", &orders)?.unwrap_or(LoadBalanceHosts::Disable),
        );
        let security = security(pairs, &mut config)?;
        Ok(Self { config, hosts: hosts(pairs)?, security })
    }
}

/// Parameters whose values are words.
struct Choice<'a>(&'a Pairs);

impl Choice<'_> {
    fn of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| Some(*meaning));
        found.ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            Fault::new(
                format!("the value of `{name}` is not supported: it can be {}", words.join(", ")),
                "correct the value, or leave the parameter out",
            )
        })
    }
}

fn number(pairs: &Pairs, name: &str) -> Result<Option<i64>, Fault> {
    let bad = |_| Fault::new(format!("the value of `{name}` is not a whole number"), "write it in digits");
    pairs.get(name).map(|value| value.trim().parse().map_err(bad)).transpose()
}

/// Timeouts and keepalives. The units are libpq's, which are not tokio-postgres's throughout.
fn sockets(pairs: &Pairs, config: &mut Config) -> Result<(), Fault> {
    let positive = |name| -> Result<Option<u64>, Fault> {
        Ok(number(pairs, name)?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0))
    };
    if let Some(seconds) = positive("connect_timeout")? {
        config.connect_timeout(Duration::from_secs(seconds));
    }
    if let Some(milliseconds) = positive("tcp_user_timeout")? {
        config.tcp_user_timeout(Duration::from_millis(milliseconds));
    }
    if let Some(on) = number(pairs, "keepalives")? {
        config.keepalives(on != 0);
    }
    if let Some(seconds) = positive("keepalives_idle")? {
        config.keepalives_idle(Duration::from_secs(seconds));
    }
    if let Some(seconds) = positive("keepalives_interval")? {
        config.keepalives_interval(Duration::from_secs(seconds));
    }
    if let Some(count) = positive("keepalives_count")?.and_then(|count| u32::try_from(count).ok()) {
        config.keepalives_retries(count);
    }
    Ok(())
}

fn security(pairs: &Pairs, config: &mut Config) -> Result<Security, Fault> {
    let choice = Choice(pairs);
    let mode = choice.of("sslmode", &TlsMode::ALL.map(|mode| (mode.name(), mode)))?;
    let roots = match pairs.get("sslrootcert") {
        None => Roots::Default,
        Some("system") => Roots::System,
        Some(file) => Roots::File(file.into()),
    };
    // As libpq: whoever trusts every authority of the system must at least look at the name.
    let mode = match (&roots, mode) {
        (Roots::System, Some(mode)) if mode != TlsMode::VerifyFull => {
            return Err(Fault::new(
                format!("`sslmode={mode}` is too weak for `sslrootcert=system`"),
                "use `sslmode=verify-full`",
            ));
        }
        (Roots::System, _) => TlsMode::VerifyFull,
        (_, mode) => mode.unwrap_or_default(),
    };
    let direct = choice.of("sslnegotiation", &[("postgres", false), ("direct", true)])?.unwrap_or(false);
    if direct && mode < TlsMode::Require {
        return Err(Fault::new(
            format!("`sslmode={mode}` is too weak for `sslnegotiation=direct`"),
            "use `sslmode=require` or stricter",
        ));
    }
    let with_certificate = choice.of("sslcertmode", &[("allow", true), ("disable", false)])?.unwrap_or(true);
    let identity = match (pairs.get("sslcert"), pairs.get("sslkey")) {
        (Some(certificate), Some(key)) => with_certificate.then(|| (certificate.into(), key.into())),
        (None, None) => None,
        _ => {
            return Err(Fault::new(
                "of `sslcert` and `sslkey` only one is there",
                "give both files: the client's certificate and its key",
            ));
        }
    };
    let old = [("TLSv1", Version::V1_2), ("TLSv1.1", Version::V1_2)];
    let new = [("TLSv1.2", Version::V1_2), ("TLSv1.3", Version::V1_3)];
    let oldest = choice.of("ssl_min_protocol_version", &[old, new].concat())?.unwrap_or(Version::V1_2);
    let newest = choice.of("ssl_max_protocol_version", &new)?.unwrap_or(Version::V1_3);
    if oldest > newest {
        return Err(Fault::new(
            "`ssl_min_protocol_version` is newer than `ssl_max_protocol_version`",
            "leave one of them out",
        ));
    }
    let bindings = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    let binding = choice.of("channel_binding", &bindings)?.unwrap_or(ChannelBinding::Prefer);
    if binding == ChannelBinding::Require && mode == TlsMode::Disable {
        return Err(Fault::new(
            "`channel_binding=require` needs TLS, and `sslmode=disable` forbids it",
            "use `sslmode=require` or stricter",
        ));
    }
    config.channel_binding(binding);
    config.ssl_negotiation(if direct { SslNegotiation::Direct } else { SslNegotiation::Postgres });
    config.ssl_mode(match mode {
        TlsMode::Disable => SslMode::Disable,
        TlsMode::Allow | TlsMode::Prefer => SslMode::Prefer,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
    });
    let sni = choice.of("sslsni", &[("0", false), ("1", true)])?.unwrap_or(true);
    Ok(Security { mode, roots, identity, sni, direct, versions: (oldest, newest) })
}

fn hosts(pairs: &Pairs) -> Result<Vec<Host>, Fault> {
    let list = |name| pairs.get(name).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let names = list("host").unwrap_or_default();
    let addresses = list("hostaddr").unwrap_or_default();
    let count = names.len().max(addresses.len()).max(1);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(Fault::new(
            format!("there are {} hosts and {} addresses in `hostaddr`", names.len(), addresses.len()),
            "give as many of one as of the other",
        ));
    }
    let ports = list("port").unwrap_or_default();
    if ports.len() > 1 && ports.len() != count {
        return Err(Fault::new(
            format!("there are {count} hosts and {} ports", ports.len()),
            "give one port for all hosts, or one for each",
        ));
    }
    let host = |index: usize| {
        let port = match ports.get(index).or(ports.first()) {
            None | Some(&"") => 5432,
            Some(text) => text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                Fault::new(
                    "a port is not a number between 1 and 65535",
                    "correct it; in a URL, percent-encode special characters of the password: `@` is `%40`, `/` is \
                     `%2F`, `:` is `%3A`",
                )
            })?,
        };
        let address = match addresses.get(index) {
            None | Some(&"") => None,
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| {
                Fault::new("a value of `hostaddr` is not an IP address", "use `host` for names")
            })?),
        };
        let name = match (names.get(index), address) {
            (Some(&"") | None, Some(address)) => Name::Tcp(address.to_string()),
            (Some(&"") | None, None) => usual(port),
            (Some(text), _) => name(text)?,
        };
        Ok(Host { name, address, port })
    };
    (0..count).map(host).collect()
}

fn name(text: &str) -> Result<Name, Fault> {
    #[cfg(unix)]
    if text.starts_with('/') {
        return Ok(Name::Unix(text.into()));
    }
    if text.starts_with('@') || text.chars().any(|c| c.is_whitespace() || c == '/' || c == '@') {
        return Err(Fault::new(
            "the host is neither a host name, nor an IP address, nor the path of a Unix socket's directory",
            "in a URL, write the directory percent-encoded: `postgres://%2Fvar%2Frun%2Fpostgresql/database`",
        ));
    }
    Ok(Name::Tcp(text.to_owned()))
}

/// Where libpq looks when no host is given: the socket of this machine's server, else this machine.
fn usual(port: u16) -> Name {
    #[cfg(unix)]
    for directory in ["/var/run/postgresql", "/run/postgresql", "/private/tmp", "/tmp"] {
        let directory = PathBuf::from(directory);
        if directory.join(format!(".s.PGSQL.{port}")).exists() {
            return Name::Unix(directory);
        }
    }
    _ = port;
    Name::Tcp("localhost".to_owned())
}
