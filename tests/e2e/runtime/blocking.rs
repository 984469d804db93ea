//! The migrator of programs without an async runtime.

use std::sync::{Arc, Mutex};

use dbmigrate_runtime::{Error, Event, Migrator, Target};
use dbmigrate_tests::{Cluster, set};
use tokio::runtime::Builder;

const A: (&str, &str, &str) = ("a", "CREATE TABLE a ();", "DROP TABLE IF EXISTS a;");
const B: (&str, &str, &str) = (
    "b",
    "-- dbmigrate: no-transaction\nCREATE INDEX CONCURRENTLY b ON pg_temp_b (id);\n",
    "-- dbmigrate: no-transaction\nDROP INDEX b;\n",
);

/// A server, and a database's URL, kept by a runtime of the test's own.
fn cluster() -> (tokio::runtime::Runtime, Cluster, String) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::start());
    let url = runtime.block_on(cluster.database("a"));
    (runtime, cluster, url)
}

fn every_method(migrator: &Migrator, url: &str) {
    let blocking = migrator.blocking();
    assert_eq!(blocking.migrations().all().len(), 1);
    assert_eq!(blocking.status(url).unwrap().pending.len(), 1);
    assert_eq!(blocking.plan(url, Target::Head).unwrap().steps.len(), 1);
    assert!(matches!(blocking.verify_up_to_date(url), Err(Error::Pending(_))));
    assert_eq!(blocking.upgrade(url, Target::Head).unwrap().ran.len(), 1);
    blocking.verify_up_to_date(url).unwrap();
    assert_eq!(blocking.history(url).unwrap().len(), 1);
    assert_eq!(blocking.plan_downgrade(url, Target::Base).unwrap().steps.len(), 1);
    assert_eq!(blocking.downgrade(url, Target::Base).unwrap().ran.len(), 1);
    blocking.stamp(url, Target::Head).unwrap();
    assert!(blocking.status(url).unwrap().is_up_to_date());
    blocking.downgrade(url, Target::Base).unwrap();
}

#[test]
fn without_any_runtime() {
    let (_runtime, _cluster, url) = cluster();
    every_method(&Migrator::new(set(&[A])).unwrap(), &url);
}

#[test]
fn from_within_runtimes_of_both_kinds() {
    let (runtime, _cluster, url) = cluster();
    let migrator = Migrator::new(set(&[A])).unwrap();
    runtime.block_on(async { every_method(&migrator, &url) });
    let task = (migrator.clone(), url.clone());
    runtime.block_on(runtime.spawn(async move { every_method(&task.0, &task.1) })).unwrap();
    let task = (migrator.clone(), url.clone());
    runtime.block_on(runtime.spawn_blocking(move || every_method(&task.0, &task.1))).unwrap();
    let single = Builder::new_current_thread().enable_all().build().unwrap();
    single.block_on(async { every_method(&migrator, &url) });
}

#[test]
fn errors_and_an_observers_panic_reach_the_caller() {
    let (runtime, cluster, url) = cluster();
    let failing = Migrator::new(set(&[A, B])).unwrap();
    let error = failing.blocking().upgrade(&url, Target::Head).unwrap_err();
    assert_eq!((error.id(), error.sqlstate()), ("sql", Some("42P01")));
    let error = failing.blocking().status("postgres://nobody@127.0.0.1:1/a?connect_timeout=5").unwrap_err();
    assert_eq!(error.id(), "cannot-connect");

    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    let migrator = Migrator::new(set(&[A])).unwrap().observer(move |_: &Event| {
        *count.lock().unwrap() += 1;
        panic!("an observer's");
    });
    let url = runtime.block_on(cluster.database("b"));
    let panicked = runtime.spawn(async move { migrator.blocking().upgrade(&url, Target::Head).is_ok() });
    let panicked = runtime.block_on(panicked).unwrap_err();
    assert!(panicked.is_panic() && *seen.lock().unwrap() == 1, "{panicked}");
}
