#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! What two databases find together is what one finds alone. On a real server.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use dbmigrate_runtime::migration::{Id, Migration, Script, Stage, Version};

use super::ascent::{self, Back, Hands};
use super::bench::{Reading, Workshop};
use super::outcome::{Event, Observer, Proof};
use super::plan::{self, Subject};
use super::{Request, prove};
use crate::server::{self, Server, Way};

/// As many migrations as two databases are worth, some of them replaced: by place, the up and the down.
fn history(others: &[(usize, &str, Option<&str>)]) -> Vec<Subject> {
    let migration = |at: usize| {
        let is_plain = |at: &usize| others.iter().all(|(other, ..)| other != at);
        let before = (0..at).rfind(is_plain).unwrap_or_default();
        let up =
            format!("create table t{at} (a int primary key, b int); alter table t{before} add c{at} int");
        let plain = match at {
            0 => ("create table t0 (a int primary key)".to_owned(), "drop table t0".to_owned()),
            _ => (up, format!("alter table t{before} drop c{at}; drop table t{at}")),
        };
        let (up, down) = match others.iter().find(|(other, ..)| *other == at) {
            Some((_, up, down)) => ((*up).to_owned(), down.map(str::to_owned)),
            None => (plain.0, Some(plain.1)),
        };
        let version = Version::new(20_260_101_000_000 + i64::try_from(at).unwrap()).unwrap();
        let id = Id::new(version, "step").unwrap();
        let script = |text: String| Script::parse(text).unwrap();
        Migration { id, up: script(up), down: down.map(script) }
    };
    Subject::all((0..30).map(migration), Stage::Finalized, Path::new("migrations"))
}

fn request(subjects: &[Subject], hands: Hands, since: usize) -> Request<'_> {
    Request { subjects, since, strict: false, timeout: Duration::from_secs(60), hands }
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn event(&self, event: &Event<'_>) {
        let line = match event {
            Event::Note(note) => format!("note {note}"),
            Event::StepStarted { index, total, migration } => format!("begin {index}/{total} {migration}"),
            Event::StepFinished { index, step, .. } => format!("end {index} {:?}", step.proof),
            Event::StretchStarted { index, total, name } => format!("stretch {index}/{total} {name}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

/// Everything that is found and told, without times.
async fn found(server: &Server, subjects: &[Subject], hands: Hands, since: usize) -> String {
    let told = Told::default();
    let mut outcome = prove(server, &request(subjects, hands, since), &told).await.unwrap();
    outcome.elapsed = Duration::ZERO;
    outcome.steps.iter_mut().for_each(|step| step.duration = Duration::ZERO);
    format!("{outcome:#?}\n{:#?}", told.0.lock().unwrap())
}

#[tokio::test]
async fn two_find_what_one_finds() {
    let cache = tempfile::tempdir().unwrap();
    let server = server::start(&server::Request::new(Way::Local, cache.path()), &|_| ()).await.unwrap();
    let in_no_transaction = "-- dbmigrate: no-transaction\ncreate index concurrently i on t4 (b)";
    let mixed = [
        (5, in_no_transaction, Some("drop index i")),
        (8, "create table left_over (a int)", Some("select 1")),
        (11, "-- dbmigrate: irreversible rows go\ndelete from t1", None),
        (13, "alter table t2 add x int; alter table t2 add y int", Some("alter table t2 drop x, drop y")),
        (16, "alter table t2 drop b", Some("alter table t2 add b int")),
        (22, "create table once (a int)", Some("drop table once; create schema s; drop schema nowhere")),
        (25, "create view v as select 1", Some("drop view v")),
        (27, "create table stays (a int)", Some("alter table stays rename to other")),
    ];
    let histories = [
        ("all reversible", history(&[]), 0),
        ("all that can go wrong", history(&mixed), 0),
        ("begun later", history(&mixed), 6),
        ("an up fails below", history(&[(9, "create table t3 (a int)", Some("drop table t3"))]), 0),
        ("an up fails above", history(&[(26, "create table t3 (a int)", Some("drop table t3"))]), 0),
        ("a role", history(&[(3, "create role one_of_two", Some("drop role one_of_two"))]), 0),
    ];
    for (what, subjects, since) in &histories {
        let alone = found(&server, subjects, Hands::One, *since).await;
        let together = found(&server, subjects, Hands::Two, *since).await;
        assert_eq!(alone, together, "{what}");
        assert_eq!(alone.contains("NotReached"), what.starts_with("an up"), "{what}");
    }
    server.stop().await.unwrap();
}

/// How the way up with two databases ends, and how many steps are reversible.
async fn end(server: &Server, subjects: &[Subject]) -> (&'static str, usize) {
    let request = request(subjects, Hands::Two, 0);
    let shop = Workshop::new(server, &request, Reading::Changes).await.unwrap();
    let ascent = ascent::ascend(&shop, &Told::default()).await.unwrap();
    assert!(ascent.consistent);
    let reversible = ascent.steps.iter().filter(|step| step.proof == Proof::Reversible).count();
    let back = match ascent.back {
        Back::Unknown => "unknown",
        Back::Ready(height, _) => {
            height.bench.discard().await.unwrap();
            "ready"
        }
        Back::Proved => "proved",
    };
    (back, reversible)
}

#[tokio::test]
async fn the_second_counts_only_where_it_fits() {
    let cache = tempfile::tempdir().unwrap();
    let server = server::start(&server::Request::new(Way::Local, cache.path()), &|_| ()).await.unwrap();
    assert_eq!(end(&server, &history(&[])).await, ("proved", 30));
    let named = "do $$ begin execute format('create table %I (a int)', 'of_' || current_database()); end $$";
    let unnamed = "do $$ begin execute format('drop table %I', 'of_' || current_database()); end $$";
    assert_eq!(end(&server, &history(&[(2, named, Some(unnamed))])).await, ("ready", 30));
    server.stop().await.unwrap();
}

#[test]
fn what_databases_share_is_left_to_one() {
    assert!(plan::split(&history(&[]), 0).is_some_and(|split| (1..30).contains(&split)));
    assert_eq!(plan::split(&history(&[]), 20), None);
    assert_eq!(plan::split(&history(&[(3, "create role r", Some("drop role r"))]), 0), None);
    assert_eq!(plan::split(&history(&[(3, "select 1", Some("alter database d set work_mem = 1"))]), 0), None);
    assert!(plan::writes_are_counted(&history(&[])));
    assert!(!plan::writes_are_counted(&history(&[(3, "set track_counts = off", Some("select 1"))])));
}
