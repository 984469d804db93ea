//! The service as it is deployed: the real program, a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dbmigrate_tests::Cluster;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

fn program(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum-service"));
    command.env_clear().env("DATABASE_URL", url).stdin(Stdio::null());
    command
}

fn migrate(url: &str, arguments: &[&str]) -> Output {
    program(url).arg("migrate").args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A service that runs. Killed on drop.
struct Service {
    process: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Service {
    fn start(url: &str) -> Self {
        let mut process =
            program(url).args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.rsplit(' ').next().unwrap().to_owned();
        let log = Arc::new(Mutex::new(first));
        let to = Arc::clone(&log);
        thread::spawn(move || lines.for_each(|line| *to.lock().unwrap() += &format!("\n{}", line.unwrap())));
        Self { process, address, log }
    }

    /// The status of a GET.
    fn get(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn until(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < PATIENCE, "{what} does not happen: {}", self.log.lock().unwrap());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn terminate(mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end: {}", self.log.lock().unwrap());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Whether a session waits for another one.
async fn someone_waits(client: &tokio_postgres::Client) -> bool {
    let query = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    client.query_one(query, &[]).await.unwrap().get::<_, i64>(0) > 0
}

async fn until_someone_waits(client: &tokio_postgres::Client) {
    let began = Instant::now();
    while !someone_waits(client).await {
        assert!(began.elapsed() < PATIENCE, "nobody waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_alive_while_it_migrates_and_ready_after() {
    let cluster = Cluster::start().await;
    let url = cluster.database("shop").await;
    // The first migration has to wait for this table's name.
    let (holder, observer) = (cluster.connect("shop").await, cluster.connect("shop").await);
    holder.batch_execute("BEGIN; CREATE TABLE customers ()").await.unwrap();

    let service = Service::start(&url);
    until_someone_waits(&observer).await;
    assert_eq!((service.get("/healthz"), service.get("/ready")), (200, 503));
    let before = json(&migrate(&url, &["status", "--format", "json"]));
    assert_eq!((&before["up_to_date"], &before["current"]), (&false.into(), &Value::Null));

    holder.batch_execute("ROLLBACK").await.unwrap();
    service.until("ready", || service.get("/ready") == 200);
    let after = migrate(&url, &["status", "--exit-code", "--format", "json"]);
    assert_eq!(code(&after), 0, "{}", err(&after));
    let after = json(&after);
    assert_eq!((&after["up_to_date"], &after["summary"]["pending"]), (&true.into(), &0.into()));
    assert_eq!(after["current"], after["head"]);
    let log = service.log.lock().unwrap().clone();
    assert!(log.contains("V20260105090000__create_customers"), "{log}");
    assert_eq!(service.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_stops_it_in_the_middle_of_a_migration() {
    let cluster = Cluster::start().await;
    let url = cluster.database("shop").await;
    let (holder, observer) = (cluster.connect("shop").await, cluster.connect("shop").await);
    holder.batch_execute("BEGIN; CREATE TABLE customers ()").await.unwrap();
    let service = Service::start(&url);
    until_someone_waits(&observer).await;
    assert_eq!(service.terminate().code(), Some(0));
    holder.batch_execute("ROLLBACK").await.unwrap();
    // Nothing of it stayed, and the next one is not held up.
    let service = Service::start(&url);
    service.until("ready", || service.get("/ready") == 200);
    let history = json(&migrate(&url, &["history", "--format", "json"]));
    assert_eq!(history["migrations"].as_array().unwrap().len(), 15);
    assert_eq!(service.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_replicas_start_at_once() {
    let cluster = Cluster::start().await;
    let url = cluster.database("shop").await;
    let services: Vec<_> = (0..4).map(|_| Service::start(&url)).collect();
    for service in services {
        service.until("ready", || service.get("/ready") == 200);
        assert_eq!(service.terminate().code(), Some(0));
    }
    let history = json(&migrate(&url, &["history", "--format", "json"]));
    assert_eq!(history["migrations"].as_array().unwrap().len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_ends_it() {
    let cluster = Cluster::start().await;
    let url = cluster.database("shop").await;
    cluster.connect("shop").await.batch_execute("CREATE TABLE customers ()").await.unwrap();
    let mut service = Service::start(&url);
    assert_eq!(service.wait().code(), Some(1));
    service.until("the reason", || service.log.lock().unwrap().contains("hint: "));
    let log = service.log.lock().unwrap().clone();
    assert!(log.contains("error[sql]: `V20260105090000__create_customers.sql`"), "{log}");

    let upgrade = migrate(&url, &["upgrade", "--format", "json"]);
    assert_eq!(code(&upgrade), 2, "{upgrade:?}");
    let error = &json(&upgrade)["error"];
    assert_eq!((&error["id"], &error["excerpts"][0]["sqlstate"]), (&"sql".into(), &"42P07".into()));
    assert!(err(&upgrade).contains("error[sql]: "), "{}", err(&upgrade));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_by_hand() {
    let cluster = Cluster::start().await;
    let url = cluster.database("shop").await;

    let status = migrate(&url, &["status", "--exit-code"]);
    assert_eq!(code(&status), 1, "{status:?}");
    assert!(
        out(&status).ends_with("15 pending: nothing is applied, head is V20260305083000__guard_orders\n")
    );
    assert!(err(&status).starts_with("shop on 127.0.0.1:"), "{}", err(&status));
    let plan = migrate(&url, &["plan", "+1", "-q"]);
    assert_eq!((code(&plan), err(&plan).as_str()), (0, ""));
    assert!(out(&plan).starts_with("-- 1 of 1: V20260105090000__create_customers.sql, in a transaction\n"));
    assert!(out(&plan).contains("CREATE TABLE customers"), "{}", out(&plan));

    let upgrade = migrate(&url, &["upgrade"]);
    assert_eq!(code(&upgrade), 0, "{}", err(&upgrade));
    assert!(
        out(&upgrade).starts_with("applied 15 migrations, the last is `V20260305083000__guard_orders`, in ")
    );
    assert_eq!(err(&upgrade).lines().filter(|line| line.starts_with("applied ")).count(), 15);
    assert_eq!(out(&migrate(&url, &["upgrade"])), "nothing to do\n");

    let plan = json(&migrate(&url, &["plan", "-2", "--format", "json"]));
    assert_eq!(
        (&plan["steps"][1]["direction"], plan["steps"].as_array().unwrap().len()),
        (&"down".into(), 2)
    );
    let downgrade = migrate(&url, &["downgrade", "-2", "--format", "json", "-q"]);
    assert_eq!((code(&downgrade), err(&downgrade).as_str()), (0, ""));
    assert_eq!(json(&downgrade)["ran"][0]["migration"], "V20260305083000__guard_orders");
    let base = migrate(&url, &["downgrade", "base"]);
    assert_eq!((code(&base), out(&base).as_str()), (2, ""));
    assert!(err(&base).contains("error[irreversible]: `V20260216120000__forget_client_addresses`"));

    let other = cluster.url("elsewhere");
    let missing = migrate(&url, &["status", "--database-url", &other]);
    assert_eq!((code(&missing), out(&missing).as_str()), (2, ""));
    assert!(err(&missing).contains("error[cannot-connect]: "), "{}", err(&missing));
    assert_eq!(code(&migrate(&url, &["upgrade", "--frobnicate"])), 2);
}
