//! The environment as a connection string: `DATABASE_URL`, libpq's variables, and those of Docker's images.

use std::ffi::OsString;

use super::error::{ConnectError, Origin};
use super::parse::Pairs;

/// libpq's variables and the parameters they are defaults of.
const LIBPQ: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
];

/// As Docker's PostgreSQL image and its many followers call them.
const DOCKER: &[(&str, &str)] = &[
    ("POSTGRES_HOST", "host"),
    ("POSTGRES_PORT", "port"),
    ("POSTGRES_USER", "user"),
    ("POSTGRES_PASSWORD", "password"),
    ("POSTGRES_DB", "dbname"),
];

/// The variables that say by themselves that a database is meant.
const TELLING: &[&str] = &["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE", "POSTGRES_HOST", "POSTGRES_DB"];

/// Reads the environment through `var`.
pub(super) fn read(var: impl Fn(&str) -> Option<OsString>) -> Result<(Pairs, Origin), ConnectError> {
    let text = |name: &'static str| utf8(name, &var);
    let url = text("DATABASE_URL")?;
    let (mut pairs, origin) = match &url {
        Some(url) => {
            let origin = Origin::Variable("DATABASE_URL");
            (Pairs::parse(url).map_err(|fault| ConnectError::fault(origin, fault))?, origin)
        }
        None => {
            let told = TELLING.iter().map(|name| text(name)).collect::<Result<Vec<_>, _>>()?;
            if told.iter().all(Option::is_none) {
                return Err(ConnectError::NotConfigured);
            }
            if text("PGSERVICE")?.is_some() {
                return Err(ConnectError::Url {
                    origin: Origin::Variable("PGSERVICE"),
                    what: "service files are not read".to_owned(),
                    hint: "unset it, and set `DATABASE_URL`, or `PGHOST`, `PGUSER` and `PGDATABASE`",
                });
            }
            (Pairs::default(), Origin::Environment)
        }
    };
    let docker = if url.is_none() { DOCKER } else { &[] };
    complete(&mut pairs, LIBPQ.iter().chain(docker), text)?;
    Ok((pairs, origin))
}

/// What a connection string says, completed by libpq's variables.
pub(super) fn completed(text: &str, var: impl Fn(&str) -> Option<OsString>) -> Result<Pairs, ConnectError> {
    let mut pairs = Pairs::parse(text).map_err(|fault| ConnectError::fault(Origin::Text, fault))?;
    complete(&mut pairs, LIBPQ.iter(), |name| utf8(name, &var))?;
    Ok(pairs)
}

/// A URL without a password takes it from `PGPASSWORD`, and so on, as with every program that uses libpq. A host of the
/// URL stands alone: an address from elsewhere would lead to another server.
fn complete<'a>(
    pairs: &mut Pairs,
    defaults: impl Iterator<Item = &'a (&'static str, &'static str)>,
    text: impl Fn(&'static str) -> Result<Option<String>, ConnectError>,
) -> Result<(), ConnectError> {
    let hosted = pairs.get("host").is_some() || pairs.get("hostaddr").is_some();
    for (name, parameter) in defaults {
        let place = matches!(*parameter, "host" | "hostaddr" | "port");
        if hosted && place {
            continue;
        }
        if let Some(value) = text(name)? {
            pairs.set_default(parameter, value);
        }
    }
    Ok(())
}

/// A variable's text; empty counts as absent.
fn utf8(name: &'static str, var: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, ConnectError> {
    match var(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(ConnectError::Url {
            origin: Origin::Variable(name),
            what: "it is not UTF-8".to_owned(),
            hint: "set it to UTF-8 text",
        }),
    }
}
