//! What is printed, as texts to look at; docs/json.md shows the same JSON.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::args::Verbosity;
use super::{Answer, Exit, Outcome, finding, render};
use crate::engine::{
    Applied, DatabaseAhead, Divergent, OutOfOrder, Plan, Ran, Report, RowState, Status, Step, WayBack,
};
use crate::event::Holder;
use crate::lock::parse_statements;
use crate::migration::{Direction, Hash, Id, Script, Stage};
use crate::migrations::Runs;
use crate::{Error, Event};

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn users() -> Id {
    id("V20260301120000__create_users")
}

fn orders() -> Id {
    id("V20260302083000__create_orders")
}

fn index() -> Id {
    id("V20260305090000__index_orders")
}

fn row(id: Id, state: RowState) -> Applied {
    let hash = Hash::of(&[id.name.as_bytes()]);
    Applied {
        id,
        stage: Stage::Finalized,
        state,
        applied_on: "2026-03-09T08:15:02Z".to_owned(),
        hash,
        took: (state == RowState::Applied).then_some(Duration::from_millis(41)),
        by: "shop".to_owned(),
        tool: "dbmigrate-runtime 0.1.0".to_owned(),
        way_back: WayBack::Stored(None),
        witness: None,
    }
}

fn outcome(answer: Answer) -> Outcome {
    let database = "shop on db.example:5432 as shop, TLS verify-full".to_owned();
    Outcome { database, answer, exit: Exit::Fine }
}

/// One of each kind.
fn status() -> Status {
    let mut forget = row(id("V20260304101500__forget"), RowState::Applied);
    forget.way_back = WayBack::Irreversible("the addresses are gone".to_owned());
    Status {
        current: Some(index()),
        head: Some(id("V20260306090000__drop_nick")),
        applied: vec![row(users(), RowState::Applied), forget, row(index(), RowState::Running(1))],
        pending: vec![(orders(), Stage::Finalized), (id("V20260306090000__drop_nick"), Stage::Finalized)],
        late: vec![orders()],
        divergent: vec![Divergent {
            id: users(),
            applied: Hash::of(&[b"create_users"]),
            here: Some(Hash::of(&[b"edited"])),
        }],
        missing: Vec::new(),
        ahead: Vec::new(),
        unfinished: Some(index()),
    }
}

fn mixed() -> Outcome {
    let status = status();
    let findings = finding::of(&status, DatabaseAhead::Refuse, OutOfOrder::Refuse);
    outcome(Answer::Status(Box::new(status), findings))
}

fn two_steps() -> Outcome {
    let step = |id: Id, text: &str, statements: Option<&str>, done| Step {
        id,
        stage: Stage::Finalized,
        direction: Direction::Up,
        runs: Runs::new(
            Script::parse(text.to_owned()).unwrap(),
            statements.map(|text| parse_statements(text).unwrap()),
        ),
        down: None,
        done,
        witness: None,
    };
    let transactional = "CREATE TABLE orders (id int8 PRIMARY KEY);\n";
    let single =
        "-- dbmigrate: no-transaction\nCREATE INDEX CONCURRENTLY a ON orders (id);\nANALYZE orders;\n";
    let plan = Plan {
        steps: vec![step(orders(), transactional, None, None), step(index(), single, Some("29,73"), Some(1))],
    };
    outcome(Answer::Plan(plan))
}

fn ran(parts: &[(Id, Direction)]) -> Report {
    let one = |(id, direction): &(Id, Direction)| Ran {
        id: id.clone(),
        direction: *direction,
        took: Duration::from_millis(1_250),
    };
    Report { ran: parts.iter().map(one).collect() }
}

#[test]
fn status_for_people() {
    assert_eq!(
        mixed().human(false),
        "  divergent V20260301120000__create_users   2026-03-09T08:15:02Z, 41 ms
    applied V20260304101500__forget         2026-03-09T08:15:02Z, 41 ms
    running V20260305090000__index_orders   2026-03-09T08:15:02Z, 1 statement done
       late V20260302083000__create_orders
    pending V20260306090000__drop_nick
error[divergent]: applied, but edited since: `V20260301120000__create_users` (applied 2ec268333482, here 1fb9f4097256)
  hint: put the applied text back, and make the change in a new migration
error[late]: not applied, although newer ones are (current is `V20260305090000__index_orders`): `V20260302083000__create_orders`
  hint: give the late ones versions newer than head (`cargo dbmigrate rebase`), or, if their order does not matter, give `--out-of-order apply`
note[unfinished]: `V20260305090000__index_orders` is on its way: it runs now, or was interrupted
  hint: if nothing runs, the next upgrade or downgrade goes on where it stopped
2 pending, 2 findings, 1 on its way: at V20260305090000__index_orders, head is V20260306090000__drop_nick
"
    );
}

#[test]
fn a_long_status_is_cut_unless_everything_is_asked_for() {
    let rows: Vec<_> = (10..40)
        .map(|day| row(id(&format!("V202601{:02}0000{day}__x{day}", day % 28 + 1)), RowState::Applied))
        .collect();
    let newest = rows.last().map(|row| row.id.clone());
    let status = Status { current: newest.clone(), head: newest, applied: rows, ..Status::default() };
    let found = outcome(Answer::Status(Box::new(status), Vec::new()));
    assert_eq!(found.human(true).lines().count(), 31);
    let short = found.human(false);
    assert_eq!(short.lines().count(), 11, "{short}");
    assert!(short.starts_with("            … 21 older ones"), "{short}");
    assert!(short.ends_with("up to date: at V20260112000039__x39\n"), "{short}");
}

#[test]
fn an_empty_database_and_an_empty_set() {
    let nothing = outcome(Answer::Status(Box::default(), Vec::new()));
    assert_eq!(nothing.human(false), "up to date: nothing is applied\n");
    assert_eq!(outcome(Answer::History(Vec::new())).human(false), "nothing was applied\n");
    assert_eq!(outcome(Answer::Plan(Plan::default())).human(false), "-- nothing to run\n");
    assert_eq!(outcome(Answer::Upgrade(Report::default())).human(false), "nothing to do\n");
}

#[test]
fn a_plan_is_sql() {
    assert_eq!(
        two_steps().human(false),
        "-- 1 of 2: V20260302083000__create_orders.sql, in a transaction
CREATE TABLE orders (id int8 PRIMARY KEY);

-- 2 of 2: V20260305090000__index_orders.sql, 2 statements, each on its own; 1 of them done
ANALYZE orders;
"
    );
}

#[test]
fn what_was_done_for_people() {
    let did = |parts: &[_]| outcome(Answer::Upgrade(ran(parts))).human(false);
    assert_eq!(did(&[(users(), Direction::Up)]), "applied `V20260301120000__create_users`, in 1.2 s\n");
    assert_eq!(
        did(&[(index(), Direction::Down), (users(), Direction::Up), (orders(), Direction::Up)]),
        "reverted `V20260305090000__index_orders`; applied 2 migrations, the last is `V20260302083000__create_orders`, in 3.7 s\n"
    );
}

#[test]
fn history_for_people() {
    let mut rows = vec![row(users(), RowState::Applied), row(index(), RowState::Reverting(2))];
    rows[0].applied_on = "2026-03-09T08:15:02.123456Z".to_owned();
    assert_eq!(
        outcome(Answer::History(rows)).human(false),
        "V20260301120000__create_users  2026-03-09T08:15:02Z, 41 ms, by shop with dbmigrate-runtime 0.1.0
V20260305090000__index_orders  2026-03-09T08:15:02Z, 2 statements done, on its way down, by shop with dbmigrate-runtime 0.1.0
"
    );
}

#[test]
fn findings_weigh_as_the_policies_say() {
    let status = Status { ahead: vec![index()], late: vec![orders()], ..Status::default() };
    let weigh = |ahead, late| finding::errors(&finding::of(&status, ahead, late));
    assert_eq!(weigh(DatabaseAhead::Refuse, OutOfOrder::Refuse), 2);
    assert_eq!(weigh(DatabaseAhead::Allow, OutOfOrder::Refuse), 1);
    assert_eq!(weigh(DatabaseAhead::Allow, OutOfOrder::Apply), 0);
    assert_eq!(finding::of(&status, DatabaseAhead::Allow, OutOfOrder::Apply).len(), 2);
}

#[test]
fn an_error_has_an_id_and_a_hint() {
    assert_eq!(
        super::error_text(&Error::Pooled),
        "error[pooled]: the connection goes through a pooler that shares sessions (PgBouncer in transaction mode?), where a \
         lock does not lock\n\nhint: migrate over a direct URL of the server, not through the pooler; or set the pooler to \
         session mode\n"
    );
}

#[test]
fn the_caret_stands_under_its_character() {
    assert_eq!(render::window("\tSELECT 1", 2), ("    SELECT 1".to_owned(), 4));
    assert_eq!(render::window("", 1), (String::new(), 0));
    assert_eq!(render::window("ab", 9).1, 2);
    let line = "a".repeat(500) + "X" + &"b".repeat(500);
    let (text, caret) = render::window(&line, 501);
    assert_eq!(text.chars().nth(caret), Some('X'));
    assert!(text.chars().count() <= 122 && text.starts_with('…') && text.ends_with('…'));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let plain = Error::Lost("a\u{1b}[2Jb\rc\td".to_owned());
    assert!(super::error_text(&plain).contains("a\u{fffd}[2Jb\u{fffd}c    d"));
    let event = Event::Reconnecting { why: "a\u{1b}[2J".to_owned(), pause: Duration::from_millis(100) };
    assert_eq!(
        render::progress(&event, Verbosity::Normal).unwrap(),
        "connecting again in 100 ms: a\u{fffd}[2J\n"
    );
}

#[test]
fn progress_says_who_is_waited_for() {
    let holder = Holder { pid: 42, application: Some("psql".to_owned()), ..Holder::default() };
    let line = |event| render::progress(&event, Verbosity::Normal);
    let waited = Duration::from_secs(3);
    assert_eq!(
        line(Event::Waiting { waited, holder: Some(holder.clone()) }).unwrap(),
        "waiting for another session that migrates this database, for 3.0 s so far: pid 42 `psql`\n"
    );
    let waits_for = vec![holder];
    assert_eq!(
        line(Event::Running { id: index(), elapsed: waited, waits_for, progress: None }).unwrap(),
        "V20260305090000__index_orders: running for 3.0 s, waits for pid 42 `psql`\n"
    );
    let started = Event::Started { id: index(), direction: Direction::Up, number: 1, of: 2 };
    assert_eq!(line(started.clone()), None);
    let said = render::progress(&started, Verbosity::Verbose).unwrap();
    assert_eq!(said, "[1/2] V20260305090000__index_orders: up\n");
}

#[test]
fn the_documented_json_is_the_json() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md")).unwrap();
    let did = ran(&[(users(), Direction::Up)]);
    for text in [
        mixed().json(),
        two_steps().json(),
        outcome(Answer::Upgrade(did)).json(),
        outcome(Answer::History(vec![row(users(), RowState::Applied)])).json(),
        super::error_json(&Error::Pooled),
    ] {
        assert!(page.contains(&format!("```json\n{text}```")), "docs/json.md does not show\n{text}");
    }
}

#[test]
fn json_has_the_same_fields_whatever_happened() {
    let downgrade = outcome(Answer::Downgrade(ran(&[(users(), Direction::Down)]))).json();
    let value: serde_json::Value = serde_json::from_str(&downgrade).unwrap();
    assert_eq!((&value["version"], &value["command"]), (&1.into(), &"downgrade".into()));
    assert_eq!(value["ran"][0]["direction"], "down");
    let nothing = outcome(Answer::Status(Box::default(), Vec::new())).json();
    let value: serde_json::Value = serde_json::from_str(&nothing).unwrap();
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let all = "command current database findings head migrations ok summary up_to_date version";
    assert_eq!(names.join(" "), all);
}
