//! Connections from connection strings: to servers with every kind of certificate, and to those that refuse.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use dbmigrate_runtime::connect::{ConnectError, Connected, Database};
use dbmigrate_tests::{Cluster, free_port};

use super::secured::{Authority, Wanted, admit, reload, show};

/// In every connection string below where a password is.
const SECRET: &str = "hunter2-p@ss";

/// The connection string of a server over TCP, under the name `localhost`.
fn string(cluster: &Cluster, rest: &str) -> String {
    let port = cluster.port();
    format!("host=localhost hostaddr=127.0.0.1 port={port} user=postgres dbname=postgres {rest}")
}

async fn connect(cluster: &Cluster, rest: &str) -> Result<Connected, ConnectError> {
    Database::from_url(&string(cluster, rest))?.connect().await
}

async fn refused(cluster: &Cluster, rest: &str) -> ConnectError {
    connect(cluster, rest).await.expect_err(rest)
}

/// What became of an attempt: `TLS`, `plain text`, or what the error says.
async fn outcome(cluster: &Cluster, rest: &str) -> String {
    match connect(cluster, rest).await {
        Err(error) => error.to_string().replace(&cluster.port().to_string(), "PORT"),
        Ok(connected) => {
            let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let encrypted: bool = connected.client().query_one(sql, &[]).await.unwrap().get(0);
            connected.close().await;
            if encrypted { "TLS" } else { "plain text" }.to_owned()
        }
    }
}

#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mode_with_every_certificate() {
    let cluster = Cluster::start().await;
    let authority = Authority::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    let ca = format!("sslrootcert={}", authority.file("ca.pem").display());
    let here = Wanted::host("localhost");
    let good = authority.sign(here);
    let own = here.self_signed();
    let elsewhere = authority.sign(Wanted::host("elsewhere.example"));
    let nameless = authority.sign(Wanted { name: Some("localhost"), ..Wanted::default() });
    let expired = authority.sign(Wanted { expired: true, ..here });
    let servers = [
        ("good", Some(&good)),
        ("self-signed", Some(&own)),
        ("elsewhere", Some(&elsewhere)),
        ("nameless", Some(&nameless)),
        ("expired", Some(&expired)),
        ("none", None),
    ];
    const UNKNOWN: &str =
        "no TLS connection to `localhost:PORT`: its certificate is signed by nobody that is trusted here";
    const ELSEWHERE: &str = "no TLS connection to `localhost:PORT`: its certificate is for `elsewhere.example`, not for `localhost`";
    const NAMELESS: &str =
        "no TLS connection to `localhost:PORT`: its certificate names no host, so not `localhost` either";
    const EXPIRED: &str = "no TLS connection to `localhost:PORT`: its certificate has expired";
    const NONE: &str = "the server at `localhost:PORT` does not offer TLS";
    const PLAIN: &str = "plain text";
    let modes = [
        ("sslmode=disable", "", [PLAIN; 6]),
        ("sslmode=allow", "", [PLAIN; 6]),
        ("", "", ["TLS", "TLS", "TLS", "TLS", "TLS", PLAIN]),
        ("sslmode=prefer", &*ca, ["TLS", PLAIN, "TLS", "TLS", PLAIN, PLAIN]),
        ("sslmode=require", "", ["TLS", "TLS", "TLS", "TLS", "TLS", NONE]),
        ("sslmode=require", &ca, ["TLS", UNKNOWN, "TLS", "TLS", EXPIRED, NONE]),
        ("sslmode=verify-ca", &ca, ["TLS", UNKNOWN, "TLS", "TLS", EXPIRED, NONE]),
        ("sslmode=verify-full", &ca, ["TLS", UNKNOWN, ELSEWHERE, NAMELESS, EXPIRED, NONE]),
        ("sslmode=verify-ca", "", [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, EXPIRED, NONE]),
        ("", "sslrootcert=system", [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, EXPIRED, NONE]),
    ];
    let (mut seen, mut expected) = (String::new(), String::new());
    for (index, (server, identity)) in servers.iter().enumerate() {
        show(&cluster, *identity).await;
        for (mode, roots, outcomes) in &modes {
            let found = outcome(&cluster, &format!("{mode} {roots}")).await;
            let kind = if roots.is_empty() {
                ""
            } else if roots.ends_with("system") {
                "system"
            } else {
                "ca"
            };
            writeln!(seen, "{server}: {mode} {kind}: {found}").unwrap();
            writeln!(expected, "{server}: {mode} {kind}: {}", outcomes[index]).unwrap();
        }
    }
    assert_eq!(seen, expected);
}

/// Certificates that are their own authority, as everybody makes them for a first try.
#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn self_signed_certificates_can_be_trusted() {
    let cluster = Cluster::start().await;
    let folder = Authority::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    for authority in [true, false] {
        let wanted = Wanted { authority, ..Wanted::host("localhost") };
        let own = wanted.self_signed();
        let pinned = format!("sslrootcert={}", folder.write("own.pem", &own.certificate).display());
        show(&cluster, Some(&own)).await;
        assert_eq!(outcome(&cluster, &format!("sslmode=verify-full {pinned}")).await, "TLS");
        // Another one of the same name is not it.
        show(&cluster, Some(&wanted.self_signed())).await;
        let said = outcome(&cluster, &format!("sslmode=verify-full {pinned}")).await;
        assert!(said.starts_with("no TLS connection"), "authority: {authority}: {said}");
        // Neither is the right one of any use after its time, or under another name.
        let late = Wanted { expired: true, ..wanted }.self_signed();
        let pinned = format!("sslrootcert={}", folder.write("late.pem", &late.certificate).display());
        show(&cluster, Some(&late)).await;
        let said = outcome(&cluster, &format!("sslmode=verify-full {pinned}")).await;
        assert!(said.ends_with("has expired"), "authority: {authority}: {said}");
        let other = Wanted { host: Some("elsewhere.example"), ..wanted }.self_signed();
        let pinned = format!("sslrootcert={}", folder.write("other.pem", &other.certificate).display());
        show(&cluster, Some(&other)).await;
        let said = outcome(&cluster, &format!("sslmode=verify-full {pinned}")).await;
        assert!(said.ends_with("not for `localhost`"), "authority: {authority}: {said}");
        assert_eq!(outcome(&cluster, &format!("sslmode=verify-ca {pinned}")).await, "TLS");
    }
}

/// What the server admits decides in the modes that leave a choice.
#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_way_when_the_server_refuses_one() {
    let cluster = Cluster::start().await;
    show(&cluster, Some(&Wanted::host("localhost").self_signed())).await;
    admit(&cluster, "hostssl all all 127.0.0.1/32 trust").await;
    for (mode, expected) in [("allow", "TLS"), ("prefer", "TLS"), ("require", "TLS")] {
        assert_eq!(outcome(&cluster, &format!("sslmode={mode}")).await, expected, "{mode}");
    }
    let error = refused(&cluster, "sslmode=disable").await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");
    assert!(error.to_string().contains("no encryption"), "{error}");

    admit(&cluster, "hostnossl all all 127.0.0.1/32 trust").await;
    for (mode, expected) in [("allow", "plain text"), ("prefer", "plain text"), ("disable", "plain text")] {
        assert_eq!(outcome(&cluster, &format!("sslmode={mode}")).await, expected, "{mode}");
    }
    let error = refused(&cluster, "sslmode=require").await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");
    assert!(error.to_string().contains("SSL encryption"), "{error}");

    // Neither way: what is told is the reason of the way that was meant.
    admit(&cluster, "").await;
    let error = refused(&cluster, "sslmode=prefer").await;
    assert!(error.to_string().contains("SSL encryption"), "{error}");
    let error = refused(&cluster, "sslmode=allow").await;
    assert!(error.to_string().contains("no encryption"), "{error}");
    // With the second way open but another fault there, that fault counts.
    admit(&cluster, "hostssl all all 127.0.0.1/32 trust").await;
    let error = refused(&cluster, "sslmode=allow dbname=nowhere").await;
    assert!(matches!(error, ConnectError::NoDatabase { .. }), "{error}");
}

/// SCRAM bound to the channel: the hash is that of the certificate's signature.
#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_bound_to_the_channel() {
    let cluster = Cluster::start().await;
    // Another one than that of which no log may tell: this statement is in the log.
    let password = "ALTER ROLE postgres PASSWORD 'opensesame'";
    cluster.connect("postgres").await.batch_execute(password).await.unwrap();
    admit(&cluster, "host all all 127.0.0.1/32 scram-sha-256").await;
    let with = |rest: &str| format!("password=opensesame {rest}");
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let authority = Authority::new(algorithm);
        show(&cluster, Some(&authority.sign(Wanted::host("localhost")))).await;
        for version in ["TLSv1.2", "TLSv1.3"] {
            let rest = format!(
                "sslmode=require channel_binding=require ssl_min_protocol_version={version} ssl_max_protocol_version={version}"
            );
            assert_eq!(outcome(&cluster, &with(&rest)).await, "TLS", "{algorithm:?} {version}");
        }
    }
    // The standard knows no hash for Ed25519: no binding, and no connection where it is demanded.
    let authority = Authority::new(&rcgen::PKCS_ED25519);
    show(&cluster, Some(&authority.sign(Wanted::host("localhost")))).await;
    assert_eq!(outcome(&cluster, &with("sslmode=require")).await, "TLS");
    let error = refused(&cluster, &with("sslmode=require channel_binding=require")).await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");

    show(&cluster, None).await;
    assert_eq!(outcome(&cluster, &with("")).await, "plain text");
    let error = refused(&cluster, &with("channel_binding=require")).await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");
    assert!(error.to_string().contains("channel binding"), "{error}");
}

#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_clients_and_files_that_are_none() {
    let cluster = Cluster::start().await;
    let authority = Authority::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    show(&cluster, Some(&authority.sign(Wanted::host("localhost")))).await;
    super::secured::trust(&cluster, &authority.file("ca.pem")).await;
    admit(&cluster, "hostssl all all 127.0.0.1/32 cert").await;
    let write = |name: &str, identity: &super::secured::Identity| {
        let certificate = authority.write(&format!("{name}.crt"), &identity.certificate);
        let key = authority.write(&format!("{name}.key"), &identity.key);
        format!("sslmode=require sslcert={} sslkey={}", certificate.display(), key.display())
    };
    let named = |name| Wanted { name: Some(name), ..Wanted::default() };
    let right = write("right", &authority.sign(named("postgres")));
    assert_eq!(outcome(&cluster, &right).await, "TLS");
    let error = refused(&cluster, &format!("{right} sslcertmode=disable")).await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");
    let error = refused(&cluster, &write("other", &authority.sign(named("somebody")))).await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error}");
    let error = refused(&cluster, &write("own", &named("postgres").self_signed())).await;
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    assert!(error.to_string().contains("the server ended it"), "{error}");
    assert!(error.hint().contains("sslcert"), "{}", error.hint());

    let none = authority.write("none.pem", "nothing\n").display().to_string();
    let (ca, key) =
        (authority.file("ca.pem").display().to_string(), authority.file("right.key").display().to_string());
    for (rest, said) in [
        ("sslrootcert=/nonexistent/ca.pem".to_owned(), "`sslrootcert`: `/nonexistent/ca.pem` cannot be read"),
        (format!("sslmode=allow sslrootcert={none}"), "holds no certificate that can be read"),
        (format!("sslmode=require sslcert={ca} sslkey={none}"), "holds no private key that can be read"),
        (format!("sslmode=require sslcert={ca} sslkey={key}"), "TLS cannot be set up"),
    ] {
        let error = refused(&cluster, &rest).await;
        assert!(matches!(error, ConnectError::Tls { .. }) && !error.is_transient(), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// TLS from the first byte: PostgreSQL 17 and newer.
#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_negotiation() {
    let cluster = Cluster::start().await;
    show(&cluster, Some(&Wanted::host("localhost").self_signed())).await;
    let sql = "SELECT current_setting('server_version_num')::int4";
    let version: i32 = cluster.connect("postgres").await.query_one(sql, &[]).await.unwrap().get(0);
    let found = outcome(&cluster, "sslmode=require sslnegotiation=direct").await;
    if version >= 170_000 {
        assert_eq!(found, "TLS");
    } else {
        assert!(found.contains("localhost:PORT"), "{found}");
        assert_ne!(found, "plain text");
    }
}

/// What a program that was built without TLS does with a server that has it.
#[cfg(not(feature = "tls"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tls() {
    let cluster = Cluster::start().await;
    show(&cluster, Some(&Wanted::host("localhost").self_signed())).await;
    for mode in ["sslmode=disable", "sslmode=allow", "sslmode=prefer", ""] {
        assert_eq!(outcome(&cluster, mode).await, "plain text", "{mode}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refused(&cluster, &format!("sslmode={mode}")).await;
        assert!(matches!(error, ConnectError::TlsNotBuilt { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("`sslmode={mode}`")), "{error}");
        assert!(error.hint().contains("feature `tls`"), "{}", error.hint());
    }
    admit(&cluster, "hostssl all all 127.0.0.1/32 trust").await;
    let error = refused(&cluster, "sslmode=allow").await;
    assert!(matches!(error, ConnectError::Authentication { .. }), "{error:?}");
    let authority = Authority::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    show(&cluster, Some(&authority.sign(Wanted::host("localhost")))).await;
    assert_eq!(outcome(&cluster, "").await, error.to_string().replace(&cluster.port().to_string(), "PORT"));
}

/// Everything that is logged, by `log` and by `tracing`.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn add(&self, text: &str) {
        let mut log = self.0.lock().unwrap();
        log.push_str(text);
        log.push('\n');
    }
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.add(&format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

impl tracing::field::Visit for &Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.add(&format!("{field}={value:?}"));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut &*self);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut &*self);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Every way to fail, told apart; and in none of them, nor in a log, the password. On one thread, where `tracing` can be
/// listened to.
#[tokio::test]
async fn faults_are_told_apart_and_tell_no_password() {
    let cluster = Cluster::start().await;
    let sql = format!(
        "CREATE ROLE app LOGIN PASSWORD '{SECRET}'; CREATE ROLE one LOGIN CONNECTION LIMIT 1 PASSWORD '{SECRET}'"
    );
    cluster.connect("postgres").await.batch_execute(&sql).await.unwrap();
    admit(&cluster, "host all all 127.0.0.1/32 scram-sha-256").await;
    let log = Log::default();
    log::set_boxed_logger(Box::new(log.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    // With two of them tracing asks both whether a place in the code is listened to. With one it asks the thread that
    // comes there first, which may be another test's, and remembers its answer for all.
    let _second = tracing::Dispatch::new(log.clone());
    let _listening = tracing::subscriber::set_default(log.clone());

    let port = cluster.port();
    let here = |user: &str, database: &str, rest: &str| {
        format!("postgres://{user}:{}@127.0.0.1:{port}/{database}?{rest}", SECRET.replace('@', "%40"))
    };
    let (unused, mute) = (free_port(), TcpListener::bind("127.0.0.1:0").unwrap());
    let mute_port = mute.local_addr().unwrap().port();
    let closing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing_port = closing.local_addr().unwrap().port();
    let closer = tokio::spawn(async move {
        loop {
            drop(closing.accept().await);
        }
    });
    let at = |port: u16, rest: &str| {
        here("app", "postgres", rest).replace(&cluster.port().to_string(), &port.to_string())
    };

    let database = Database::from_url(&here("app", "postgres", "")).unwrap();
    let first = database.connect().await.unwrap();
    first.client().batch_execute("SELECT 'a statement for the log'").await.unwrap();
    let name: String = first.client().query_one("SHOW application_name", &[]).await.unwrap().get(0);
    assert_eq!(name, "dbmigrate");
    let limited = Database::from_url(&here("one", "postgres", "")).unwrap().connect().await.unwrap();

    let mut shown = format!("{database} {database:?} {first:?}");
    let mut said = String::new();
    let long = "a".repeat(300);
    for (url, expected, transient) in [
        (here("app", "postgres", "").replace("hunter2", "hunter2x"), "Authentication", false),
        (here("nobody", "postgres", ""), "Authentication", false),
        (format!("postgres://app@127.0.0.1:{port}/postgres"), "PasswordMissing", false),
        (here("app", "nowhere", ""), "NoDatabase", false),
        (at(unused, ""), "Refused", true),
        (at(mute_port, "connect_timeout=1"), "Timeout", true),
        (at(closing_port, ""), "Closed", true),
        (here("one", "postgres", ""), "TooMany", true),
        (here("app", "postgres", "target_session_attrs=read-only"), "Unfit", true),
        (here("app", "postgres", "options=-c%20nonsense%3D1"), "Other", false),
        (here("app", "postgres", &format!("host={long}")), "Lookup", true),
        (format!("host=/nonexistent password='{SECRET}'"), "Refused", true),
        (at(unused, &format!("host=127.0.0.1,127.0.0.1&port={unused},{closing_port}")), "Hosts", true),
        // A wrong password ends the search.
        (
            here(
                "nobody",
                "postgres",
                &format!("host=127.0.0.1,127.0.0.1,127.0.0.1&port={unused},{port},{closing_port}"),
            ),
            "Authentication",
            false,
        ),
    ] {
        let error = Database::from_url(&url).unwrap().connect().await.expect_err(expected);
        let debugged = format!("{error:?} {error:#?}");
        assert!(debugged.starts_with(expected), "{expected}: {debugged}");
        assert_eq!(error.is_transient(), transient, "{debugged}");
        assert!(!error.hint().is_empty(), "{debugged}");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        writeln!(said, "{error}\n  hint: {}", error.hint()).unwrap();
        writeln!(shown, "{debugged} {source:?}").unwrap();
    }
    // The host that works, behind one that does not.
    let several = here("app", "postgres", &format!("host=127.0.0.1,127.0.0.1&port={unused},{port}"));
    Database::from_url(&several).unwrap().connect().await.unwrap().close().await;
    drop((first, limited));
    closer.abort();

    println!("{said}");
    let logged = log.0.lock().unwrap().clone();
    // Both are listened to.
    assert!(logged.contains("a statement for the log"), "{logged}");
    assert!(logged.contains("connecting"), "{logged}");
    for text in [&shown, &said, &logged] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains("p%40ss") && !text.contains("p@ss"), "{text}");
    }
}

/// All connections taken, and a server that is not there yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_and_a_socket() {
    let cluster = Cluster::with(&["max_connections=20", "superuser_reserved_connections=16"]).await;
    cluster.connect("postgres").await.batch_execute("CREATE ROLE app LOGIN").await.unwrap();
    // Unix sockets, both ways to write them; `sslmode` does not apply.
    let directory = cluster.data().parent().unwrap().to_str().unwrap().to_owned();
    let encoded = directory.replace('/', "%2F");
    for url in [
        format!("postgres://app@{encoded}:{}/postgres?sslmode=verify-full", cluster.port()),
        format!("postgres:///postgres?host={directory}&port={}&user=app", cluster.port()),
        format!("host={directory} port={} user=app dbname=postgres sslmode=require", cluster.port()),
    ] {
        Database::from_url(&url).unwrap().connect().await.unwrap().close().await;
    }

    let url = format!("postgres://app@127.0.0.1:{}/postgres", cluster.port());
    let database = Database::from_url(&url).unwrap();
    let mut open = Vec::new();
    let error = loop {
        match database.connect().await {
            Ok(connected) => open.push(connected),
            Err(error) => break error,
        }
        assert!(open.len() < 6, "more connections than there can be");
    };
    assert!(matches!(error, ConnectError::TooMany { .. }) && error.is_transient(), "{error:?}");

    // Dropped ones are closed, even in the middle of a statement: the server ends their sessions.
    let busy = open.pop().unwrap();
    busy.client().batch_execute("SET client_connection_check_interval = '50ms'").await.unwrap();
    let started = {
        let asleep = busy.client().batch_execute("SELECT pg_sleep(300)");
        tokio::time::timeout(std::time::Duration::from_millis(500), asleep).await
    };
    assert!(started.is_err(), "{started:?}");
    drop((open, busy));
    let admin = cluster.connect("postgres").await;
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'";
        let sessions: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
        if sessions == 0 {
            break;
        }
        assert!(std::time::Instant::now() < patience, "{sessions} sessions are still there");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    // A server that takes no writes.
    reload(&cluster, "ALTER SYSTEM SET default_transaction_read_only = on").await;
    let wanted = format!("{url}?target_session_attrs=primary");
    let error = Database::from_url(&wanted).unwrap().connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Unfit { .. }), "{error:?}");
    database.connect().await.unwrap().close().await;
}
