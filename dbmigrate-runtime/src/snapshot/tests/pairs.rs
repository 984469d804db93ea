//! Which pairs of scripts are equal, and how a difference reads.

use super::super::{Diff, Reader, Snapshot, Tallies, Within, capture};
use super::{Cluster, bindirs};

enum Verdict {
    Equal,
    Order,
    /// Some line of the difference, given the second script's state against the first's.
    Differ(&'static str),
}
use Verdict::{Differ, Equal, Order};

const PAIRS: &[(&str, &str, Verdict)] = &[
    ("", "create table t (a int); drop table t", Equal),
    ("create table t (a int, b int)", "create table t (b int, a int)", Order),
    (
        "create table t (a int, b int)",
        "create table t (a int); alter table t add x int, add b int; alter table t drop x",
        Equal,
    ),
    (
        "create table t (a text)",
        "create table t (a varchar(3))",
        Differ("~   column public.t.a: type: text -> character varying(3)"),
    ),
    (
        "create type c as (a int, b text)",
        "create type c as (b text, a int)",
        Differ("~   column public.c.a: position: 1 -> 2"),
    ),
    ("create table t (a int)", "create table t (a int); grant all on t to postgres", Equal),
    (
        "create table t (a int)",
        "create table t (a int); grant select on t to public",
        Differ("+   grant table public.t to public: privileges select"),
    ),
    (
        "create function f() returns int language sql as 'select 1'",
        "create function f() returns int language sql as 'select 1'; revoke all on function f() from public; grant execute on function f() to public",
        Equal,
    ),
    (
        "create table t (a int default 1)",
        "create table t (a int default 2)",
        Differ("~   default public.t.a: expression: 1 -> 2"),
    ),
    (
        "create table t (a int)",
        "create table t (a int); alter table t alter a set (n_distinct = 5); alter table t alter a reset (n_distinct)",
        Equal,
    ),
    (
        "create table t (a int primary key)",
        "create table t (a int); alter table t add primary key (a)",
        Equal,
    ),
    (
        "create table t (a int)",
        "create table t (a int); comment on column t.a is 'x'",
        Differ("+   comment table public.t.a: x"),
    ),
    ("create collation c (locale = 'C')", "create collation c from \"C\"", Equal),
    ("create sequence s", "create sequence s; select nextval('s')", Equal),
    (
        "create view v as select 1 as a, 2 as b",
        "create view v as select 1 as a, 3 as b",
        Differ("-       2 AS b;"),
    ),
    (
        "create table p (a int) partition by list (a); create table c partition of p for values in (1)",
        "create table p (a int) partition by list (a); create table c (a int); alter table p attach partition c for values in (1)",
        Equal,
    ),
    ("create table \"A b\" (\"c.d\" int, e int)", "create table \"A b\" (e int, \"c.d\" int)", Order),
];

async fn state(cluster: &Cluster, name: &str, script: &str) -> Snapshot {
    let client = cluster.create(name).await;
    client.batch_execute(script).await.unwrap_or_else(|error| panic!("{script}: {error:?}"));
    capture(&client, &["public.history".to_owned()]).await.unwrap()
}

fn lines(diff: &Diff) -> Vec<String> {
    diff.lines().iter().map(|line| line.to_string()).collect()
}

#[tokio::test]
async fn pairs_have_their_verdict() {
    for programs in bindirs() {
        let cluster = Cluster::start(&programs);
        for (at, (first, second, verdict)) in PAIRS.iter().enumerate() {
            let should_be = state(&cluster, &format!("first{at}"), first).await;
            let there = state(&cluster, &format!("second{at}"), second).await;
            let diff = there.diff(&should_be);
            let lines = lines(&diff);
            match verdict {
                Equal => assert!(diff.is_empty() && diff.order.is_empty(), "{second}: {lines:?}"),
                Order => assert!(diff.only_order(), "{second}: {lines:?}"),
                Differ(line) => {
                    assert!(lines.iter().any(|found| found.trim() == line.trim()), "{second}: {lines:?}")
                }
            }
            assert_eq!(diff.is_empty(), should_be.diff(&there).is_empty());
        }
    }
}

#[tokio::test]
async fn ignored_relations_and_unmodelled_objects() {
    let programs = bindirs().remove(0);
    let cluster = Cluster::start(&programs);
    let plain = state(&cluster, "plain", "").await;
    let history = "create table history (v bigint primary key, w text default 'x' check (w <> '')); create index on history (w); \
        comment on column history.w is 'x'; grant select on history to public";
    let with = state(&cluster, "history", history).await;
    assert!(with.diff(&plain).is_empty(), "{:?}", lines(&with.diff(&plain)));
    let large = state(&cluster, "large", "select lo_create(0)").await;
    assert_eq!((large.unmodelled()[0].what.as_str(), large.unmodelled()[0].count), ("large object", 1));
}

#[tokio::test]
async fn a_plain_role_can_read() {
    for programs in bindirs() {
        let cluster = Cluster::start(&programs);
        let owner = cluster.create("plain_role").await;
        owner.batch_execute("create role plain; create table t (a int)").await.unwrap();
        owner.batch_execute("set role plain").await.unwrap();
        let mut reader = Reader::new(&owner, &[], Tallies::Trusted).await.unwrap();
        let before = reader.full(&owner, Within::OwnTransaction).await.unwrap();
        owner.batch_execute("reset role; alter table t add b int; set role plain").await.unwrap();
        let after = reader.refresh(&owner, &before, Within::OwnTransaction).await.unwrap();
        assert_eq!(lines(&after.diff(&before)), ["  table public.t", "+   column public.t.b: integer"]);
    }
}

#[tokio::test]
async fn the_callers_transaction_and_settings_survive() {
    let programs = bindirs().remove(0);
    let cluster = Cluster::start(&programs);
    let client = cluster.create("callers").await;
    let mut reader = Reader::new(&client, &[], Tallies::Trusted).await.unwrap();
    let before = reader.full(&client, Within::OwnTransaction).await.unwrap();
    client
        .batch_execute("begin; set local search_path = pg_temp, public; create table public.t (a int)")
        .await
        .unwrap();
    let inside = reader.full(&client, Within::CallersTransaction).await.unwrap();
    assert_eq!(lines(&inside.diff(&before))[0], "+ table public.t");
    let path: String = client.query_one("show search_path", &[]).await.unwrap().get(0);
    assert_eq!(path, "pg_temp, public");
    client.batch_execute("rollback").await.unwrap();
    let after = reader.refresh(&client, &inside, Within::OwnTransaction).await.unwrap();
    assert!(after.diff(&before).is_empty(), "a refresh from inside a transaction that was rolled back");
}
