#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::error::Error;
use std::ffi::OsString;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, Host, SslMode, TargetSessionAttrs};

use super::*;

/// In every string below where a password is.
const SECRET: &str = "hunter2";

fn read(url: &str) -> Database {
    Database::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Everything that can be printed of an error.
fn all(error: &ConnectError) -> String {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error} | {error:?} | {} | {source}", error.hint())
}

fn refused(url: &str) -> ConnectError {
    let Err(error) = Database::from_url(url) else { panic!("{url}: not refused") };
    for piece in [SECRET, "hunter", "ter2"] {
        assert!(!all(&error).contains(piece), "{url}: {}", all(&error));
    }
    assert!(!error.hint().is_empty(), "{url}");
    assert!(!error.is_transient(), "{url}");
    error
}

fn tcp(database: &Database) -> Vec<(String, u16)> {
    let config = database.config();
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    };
    config.get_hosts().iter().map(name).zip(config.get_ports().iter().copied()).collect()
}

#[test]
fn said_without_the_password() {
    let cases = [
        ("postgres://app:hunter2@db.example/shop", "shop on db.example:5432 as app, TLS prefer"),
        (
            "postgresql://app:hunter2@db.example:6432/shop?sslmode=disable",
            "shop on db.example:6432 as app, TLS disable",
        ),
        ("postgres://app:hunter2@a,b:2/shop", "shop on a:5432,b:2 as app, TLS prefer"),
        ("postgres://app:hunter2@[::1]:5/shop", "shop on [::1]:5 as app, TLS prefer"),
        ("postgres://app:hunter2@h", "app on h:5432 as app, TLS prefer"),
        ("host=h password=hunter2", "the default database on h:5432, TLS prefer"),
        ("user=app password='hunter2' host=h dbname='my shop' port=7", "my shop on h:7 as app, TLS prefer"),
        ("hostaddr=127.0.0.1 user=app", "app on 127.0.0.1:5432 as app, TLS prefer"),
        #[cfg(unix)]
        ("postgres://app:hunter2@%2Frun%2Fpg/shop", "shop on /run/pg:5432 as app"),
        #[cfg(unix)]
        ("postgres:///shop?host=/run/pg&port=6&user=app&password=hunter2", "shop on /run/pg:6 as app"),
        #[cfg(unix)]
        ("host=/run/pg,db dbname=shop options='-c x.y=hunter2'", "shop on /run/pg:5432,db:5432, TLS prefer"),
    ];
    for (url, said) in cases {
        let database = read(url);
        assert_eq!(database.to_string(), said, "{url}");
        let debugged = format!("{database:?} {database:#?}");
        assert!(debugged.contains(said) && !debugged.contains(SECRET), "{debugged}");
    }
}

#[test]
fn values() {
    let database = read(
        "postgres://us%40er:p%2Fa%3As%25s%C3%A9@h/d%20b?connect_timeout=7&tcp_user_timeout=1500&keepalives=0\
         &keepalives_idle=11&keepalives_interval=12&keepalives_count=3&target_session_attrs=read-write\
         &channel_binding=disable&application_name=me&options=-c%20a=b&options[search_path]=x%20y",
    );
    let config = database.config();
    assert_eq!(config.get_user(), Some("us@er"));
    assert_eq!(config.get_password(), Some("p/a:s%sé".as_bytes()));
    assert_eq!(config.get_dbname(), Some("d b"));
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(7)));
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));
    assert!(!config.get_keepalives());
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(11));
    assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(12)));
    assert_eq!(config.get_keepalives_retries(), Some(3));
    assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert_eq!(config.get_channel_binding(), ChannelBinding::Disable);
    assert_eq!(config.get_application_name(), Some("me"));
    assert_eq!(config.get_options(), Some("-c a=b -c search_path=x\\ y"));

    let plain = read("postgres://h/d");
    assert_eq!(plain.config().get_application_name(), Some("dbmigrate"));
    assert_eq!(plain.config().get_connect_timeout(), None);
    assert_eq!(plain.config().get_ssl_mode(), SslMode::Prefer);

    let quoted = read(r"  host = h  password = 'it\'s \\ hun ter2'  user=a\ b dbname=''  ");
    assert_eq!(quoted.config().get_password(), Some(r"it's \ hun ter2".as_bytes()));
    assert_eq!(quoted.config().get_user(), Some("a b"));
    assert_eq!(quoted.config().get_dbname(), None);
}

#[test]
fn hosts_and_ports() {
    let several = |pairs: &[(&str, u16)]| {
        pairs.iter().map(|(name, port)| (name.to_string(), *port)).collect::<Vec<_>>()
    };
    for (url, expected) in [
        ("postgres://a:1,b,[::1]:3/d", several(&[("a", 1), ("b", 5432), ("::1", 3)])),
        ("host=a,b port=1", several(&[("a", 1), ("b", 1)])),
        ("host=a,b port=1,2", several(&[("a", 1), ("b", 2)])),
        ("host=a,b port=,2", several(&[("a", 5432), ("b", 2)])),
        // The last one counts, as in libpq.
        ("postgres://a:1/d?host=b", several(&[("b", 1)])),
        ("host=a hostaddr=127.0.0.1", several(&[("a", 5432)])),
    ] {
        assert_eq!(tcp(&read(url)), expected, "{url}");
    }
    for url in [
        "host=a,b port=1,2,3",
        "host=a,b hostaddr=127.0.0.1",
        "host=a hostaddr=a",
        "postgres://a:0/d",
        "postgres://a:65536/d",
        "postgres://a:x/d",
        "postgres://[::1/d",
        "postgres://[::1]x/d",
        "host=@abstract",
        "host='a b'",
    ] {
        refused(url);
    }
}

/// Passwords that were not encoded or quoted: pieces of them end up anywhere.
#[test]
fn pieces_of_a_password_are_not_told() {
    for url in [
        "",
        "hunter2",
        "mysql://app:hunter2@h/d",
        "postgres:/app:hunter2@h/d",
        "postgres://app:hunter2@ter2@h/d",
        "postgres://app:hun/ter2@h/d",
        "postgres://app:hunter2/x@h:5/d",
        "postgres://app:a@hunter2:ter2/d",
        "postgres://app:hunter2%zz@h/d",
        "postgres://app:hunter2%0@h/d",
        "postgres://app:hunter2%00@h/d",
        "postgres://app:hunter2%ff@h/d",
        "postgres://app:a@x?hunter2=b@h/d",
        "postgres://app:a@x?hunter2@h/d",
        "postgres://h/d?sslmode=hunter2",
        "postgres://h/d?connect_timeout=hunter2",
        "postgres://h/d?target_session_attrs=hunter2",
        "host=h password=my hunter2",
        "host=h password=my hunter2=x",
        "host=h password='hunter2",
        "host=h password='a'hunter2=b",
        "host=h password=a =hunter2",
    ] {
        refused(url);
    }
}

#[test]
fn unknown_and_foreign_parameters() {
    let said = |url: &str| refused(url).to_string();
    assert_eq!(
        said("postgres://h/d?sslmod=require"),
        "the connection string cannot be used: the parameter `sslmod` is unknown"
    );
    assert_eq!(
        said("host=h sslmod=require"),
        "the connection string cannot be used: the parameter `sslmod` is unknown"
    );
    assert_eq!(
        said("host=h gssencmode=require"),
        "the connection string cannot be used: the value of `gssencmode` is not supported: it can be `disable`, `prefer`"
    );
    for parameter in
        ["passfile", "service", "sslcrl", "sslpassword", "pgbouncer", "schema", "connection_limit"]
    {
        let error = refused(&format!("postgres://h/d?{parameter}=x"));
        assert!(error.to_string().contains(&format!("`{parameter}` is not supported")), "{error}");
    }
    for url in [
        // sqlx
        "postgres://h/d?statement-cache-capacity=100&ssl-mode=disable",
        // libpq, and what drivers on it take
        "postgres://h/d?gssencmode=prefer&client_encoding=UTF8&fallback_application_name=x&sslcompression=0",
        "postgres://h/d?keepalives_retries=2&load_balance_hosts=random&sslsni=1&sslnegotiation=postgres",
    ] {
        read(url);
    }
    assert_eq!(read("host=h fallback_application_name=x").config().get_application_name(), Some("x"));
}

#[test]
fn modes_of_tls() {
    for (url, mode) in [
        ("postgres://h/d", TlsMode::Prefer),
        ("postgres://h/d?sslmode=", TlsMode::Prefer),
        ("postgres://h/d?sslmode=disable", TlsMode::Disable),
        ("postgres://h/d?sslmode=allow", TlsMode::Allow),
        ("postgres://h/d?ssl-mode=prefer", TlsMode::Prefer),
        ("postgres://h/d?ssl=false", TlsMode::Prefer),
    ] {
        assert_eq!(read(url).tls_mode(), mode, "{url}");
    }
    for (url, mode) in [
        ("postgres://h/d?sslmode=require", TlsMode::Require),
        ("postgres://h/d?ssl=true", TlsMode::Require),
        ("host=h requiressl=1", TlsMode::Require),
        ("host=h sslmode=verify-ca", TlsMode::VerifyCa),
        ("host=h sslmode=verify-full sslrootcert=/ca.pem", TlsMode::VerifyFull),
        ("host=h sslrootcert=system", TlsMode::VerifyFull),
        ("host=h sslmode=require sslnegotiation=direct", TlsMode::Require),
    ] {
        match Database::from_url(url) {
            Ok(database) if cfg!(feature = "tls") => assert_eq!(database.tls_mode(), mode, "{url}"),
            Err(error) if cfg!(not(feature = "tls")) => {
                let text = format!("`sslmode={mode}` asks for TLS, and this program was built without it");
                assert_eq!(error.to_string(), text);
                assert!(error.hint().contains("feature `tls`"), "{}", error.hint());
            }
            other => panic!("{url}: {other:?}"),
        }
    }
    for url in [
        "host=h sslmode=REQUIRE",
        "host=h sslmode=require sslrootcert=system",
        "host=h sslmode=prefer sslnegotiation=direct",
        "host=h sslnegotiation=direct",
        "host=h sslmode=disable channel_binding=require",
        "host=h sslmode=require sslcert=/only",
        "host=h ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        "host=h ssl_min_protocol_version=SSLv3",
    ] {
        assert!(matches!(refused(url), ConnectError::Url { .. }), "{url}");
    }
    // It does not apply to Unix sockets.
    #[cfg(unix)]
    assert_eq!(read("host=/run/pg sslmode=verify-full").to_string(), "the default database on /run/pg:5432");
}

fn from(variables: &[(&str, &str)]) -> Result<Database, ConnectError> {
    let find = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    let (pairs, origin) = env::read(find)?;
    Database::new(&pairs, origin)
}

#[test]
fn the_environment() {
    let said = |variables: &[(&str, &str)]| from(variables).unwrap().to_string();
    let url = ("DATABASE_URL", "postgres://app@h/d");
    assert_eq!(said(&[url]), "d on h:5432 as app, TLS prefer");
    assert_eq!(
        said(&[url, ("PGHOST", "x"), ("PGPORT", "9"), ("PGDATABASE", "y")]),
        "d on h:5432 as app, TLS prefer"
    );
    let filled = from(&[url, ("PGPASSWORD", SECRET), ("PGSSLMODE", "disable"), ("PGAPPNAME", "me")]).unwrap();
    assert_eq!(filled.config().get_password(), Some(SECRET.as_bytes()));
    assert_eq!(filled.config().get_application_name(), Some("me"));
    assert_eq!(filled.to_string(), "d on h:5432 as app, TLS disable");
    // The image's variables are not meant for somebody else's URL.
    assert_eq!(from(&[url, ("POSTGRES_PASSWORD", SECRET)]).unwrap().config().get_password(), None);

    assert_eq!(
        said(&[("PGHOST", "h"), ("PGPORT", "7"), ("PGUSER", "u"), ("PGDATABASE", "d")]),
        "d on h:7 as u, TLS prefer"
    );
    let docker = [
        ("POSTGRES_HOST", "h"),
        ("POSTGRES_PORT", "8"),
        ("POSTGRES_USER", "u"),
        ("POSTGRES_PASSWORD", SECRET),
        ("POSTGRES_DB", "d"),
        ("PGDATABASE", "first"),
        ("PGOPTIONS", "-c a=b"),
        ("PGCONNECT_TIMEOUT", "3"),
    ];
    let docker = from(&docker).unwrap();
    assert_eq!(docker.to_string(), "first on h:8 as u, TLS prefer");
    assert_eq!(docker.config().get_password(), Some(SECRET.as_bytes()));
    assert_eq!(docker.config().get_options(), Some("-c a=b"));
    assert_eq!(docker.config().get_connect_timeout(), Some(&Duration::from_secs(3)));

    for nothing in [&[][..], &[("DATABASE_URL", "")], &[("PGUSER", "u"), ("PGPASSWORD", SECRET)]] {
        assert!(matches!(from(nothing), Err(ConnectError::NotConfigured)), "{nothing:?}");
    }
    let error = from(&[("DATABASE_URL", "postgres://app:hunter2@h:x/d")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`DATABASE_URL` cannot be used: a port is not a number between 1 and 65535"
    );
    let error = from(&[("PGHOST", "h"), ("PGPORT", SECRET)]).unwrap_err();
    assert!(
        error.to_string().starts_with("the environment (`PGHOST` and others) cannot be used: a port"),
        "{error}"
    );
    assert!(!all(&error).contains(SECRET), "{}", all(&error));
    let error = from(&[("PGSERVICE", "s")]).unwrap_err();
    assert_eq!(error.to_string(), "`PGSERVICE` cannot be used: service files are not read");
}
