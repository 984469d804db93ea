//! The oracle test of the snapshot: is a difference of two catalogs seen exactly when there is one?
//!
//! Three witnesses judge every pair of `pairs/*.sql`: what the table itself expects, what the snapshot says, and what
//! normalised `pg_dump` says. They must agree. Where `pg_dump` is blind or noisy, `exceptions.txt` says why, and an
//! exception that is no longer needed is an error too. Where these programs of PostgreSQL come without `pg_dump`, the
//! other two are heard.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use cases::{Family, Variant};
use dbmigrate_tests::Cluster;
use dump::Dump;
use exceptions::Exceptions;
use witness::Catalog;

mod cases;
mod dump;
mod exceptions;
mod witness;

/// Names the one family to try, while working on it.
const FAMILY: &str = "DBMIGRATE_TEST_FAMILY";

/// Databases being prepared at the same time.
const WORKERS: usize = 3;

/// What a witness says about two catalogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Equal,
    OnlyOrder,
    Differ,
}

/// What the witnesses remember of one variant.
struct Testimony {
    catalog: Catalog,
    dump: Option<Dump>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agrees_with_pg_dump() {
    let started = Instant::now();
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/oracle");
    let cluster = Cluster::start().await;
    let admin = cluster.connect("postgres").await;
    let version: String = admin.query_one("show server_version_num", &[]).await.unwrap().get(0);
    let major = version.parse::<u32>().unwrap() / 10_000;
    admin
        .batch_execute("create role alice; create role bob; create role super_carol superuser;")
        .await
        .unwrap();

    let mut families = cases::load(&room.join("pairs"), major);
    if let Ok(only) = env::var(FAMILY) {
        families.retain(|family| family.name == only);
    }
    let testimonies = hear(&cluster, &families).await;
    let heard = started.elapsed();

    let mut exceptions = Exceptions::load(&room.join("exceptions.txt"));
    let mut report = String::new();
    let mut reported = BTreeSet::new();
    let (mut pairs, mut excused) = (0, 0);
    for family in &families {
        for (index, left) in family.variants.iter().enumerate() {
            for right in &family.variants[index + 1..] {
                let key = |variant: &Variant| (family.name.clone(), variant.name.clone());
                let (Some(a), Some(b)) = (testimonies.get(&key(left)), testimonies.get(&key(right))) else {
                    continue;
                };
                pairs += 1;
                let expected = family.expected(left, right);
                let mut hear = |witness: &str, said: Verdict, why: &dyn Fn() -> String| {
                    if said == expected {
                    } else if exceptions.excuse(witness, family, left, right) {
                        excused += 1;
                    } else if reported.insert((
                        witness.to_owned(),
                        family.name.clone(),
                        family.exact(left).to_owned(),
                        family.exact(right).to_owned(),
                    )) {
                        let (family, left, right) = (&family.name, &left.name, &right.name);
                        writeln!(
                            report,
                            "{family}: {left} ~ {right}: {witness} says {said:?}, not {expected:?}\n{}",
                            why()
                        )
                        .unwrap();
                    }
                };
                let explain = || a.catalog.explain(&b.catalog);
                hear("snapshot", a.catalog.compare(&b.catalog), &explain);
                if let (Some(a), Some(b)) = (&a.dump, &b.dump) {
                    hear("pg_dump", a.compare(b), &|| a.explain(b));
                }
            }
        }
    }
    let witnessed = testimonies.values().any(|testimony| testimony.dump.is_some());
    for stale in exceptions.unused(&families, witnessed) {
        writeln!(report, "exceptions.txt: not needed: {stale}").unwrap();
    }
    let summary = format!(
        "PostgreSQL {major}, {} families, {} variants, {pairs} pairs, pg_dump heard: {witnessed}, \
         {excused} verdicts excused, prepared in {heard:.1?}, {:.1?} in all",
        families.len(),
        testimonies.len(),
        started.elapsed(),
    );
    assert!(report.is_empty(), "{report}\n{summary}");
    println!("{summary}");
}

/// Makes a database for every variant, hears the witnesses on it, and drops it again.
async fn hear(cluster: &Cluster, families: &[Family]) -> BTreeMap<(String, String), Testimony> {
    let jobs: Vec<_> =
        families.iter().flat_map(|it| it.variants.iter().map(move |variant| (it, variant))).collect();
    let next = Mutex::new(jobs.into_iter().enumerate());
    let testimonies = Mutex::new(BTreeMap::new());
    let errors = Mutex::new(String::new());
    let worker = async || {
        let admin = cluster.connect("postgres").await;
        loop {
            let Some((number, (family, variant))) = next.lock().unwrap().next() else { break };
            let database = format!("variant_{number}");
            match testify(cluster, &admin, &database, family, variant).await {
                Ok(testimony) => {
                    let key = (family.name.clone(), variant.name.clone());
                    testimonies.lock().unwrap().insert(key, testimony);
                }
                Err(error) => {
                    let error =
                        error.as_db_error().map_or_else(|| error.to_string(), |error| format!("{error}"));
                    let (family, variant) = (&family.name, &variant.name);
                    writeln!(errors.lock().unwrap(), "{family}/{variant}: {error}").unwrap();
                }
            }
        }
    };
    futures_util::future::join_all((0..WORKERS).map(|_| worker())).await;
    let errors = errors.into_inner().unwrap();
    assert!(errors.is_empty(), "the table's own SQL fails:\n{errors}");
    testimonies.into_inner().unwrap()
}

async fn testify(
    cluster: &Cluster,
    admin: &tokio_postgres::Client,
    database: &str,
    family: &Family,
    variant: &Variant,
) -> Result<Testimony, tokio_postgres::Error> {
    admin.batch_execute(&format!("create database {database} template template0 strategy file_copy")).await?;
    let client = cluster.connect(database).await;
    let written = async {
        client.batch_execute(&family.base).await?;
        client.batch_execute(&variant.sql).await
    };
    let heard = match written.await {
        Ok(()) => Ok(Testimony {
            catalog: Catalog::capture(&client).await,
            dump: cluster.dump(database).await.as_deref().map(Dump::parse),
        }),
        Err(error) => Err(error),
    };
    // A subscription holds its database.
    let subscriptions = "select quote_ident(subname) from pg_subscription where subdbid =
                           (select oid from pg_database where datname = current_database())";
    for row in client.query(subscriptions, &[]).await? {
        let name: String = row.get(0);
        client.batch_execute(&format!("alter subscription {name} set (slot_name = none)")).await?;
        client.batch_execute(&format!("drop subscription {name}")).await?;
    }
    drop(client);
    admin.batch_execute(&format!("drop database {database} with (force)")).await?;
    heard
}
