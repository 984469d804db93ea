//! Kills migrating programs at random moments, and looks whether the database gets there all the same: each round ends with
//! the catalog and the rows of an undisturbed run, and nothing was applied twice.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use cargo_dbmigrate::snapshot::{Snapshot, capture};
use dbmigrate_tests::{Cluster, Ended, Replica, Started, Stop, directory, replica_program};
use tokio_postgres::{Client, SimpleQueryMessage};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// For how long.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// The seed of all choices, to make them again. Moments are the machine's: the same seed may end otherwise.
    #[arg(long)]
    seed: Option<u64>,
    /// How many programs migrate at the same time.
    #[arg(long, default_value_t = 3)]
    replicas: usize,
}

/// Every statement that can writes to `ran`, so that one that ran twice is seen; the sleeps give kills a chance.
const HISTORY: [(&str, &str, &str); 7] = [
    (
        "ran",
        "CREATE TABLE ran (what text NOT NULL); INSERT INTO ran VALUES ('ran'); SELECT pg_sleep(0.02);",
        "SELECT pg_sleep(0.02); DROP TABLE ran;",
    ),
    (
        "users",
        "CREATE TABLE users (id int8 PRIMARY KEY, email text, done bool NOT NULL DEFAULT false);\n\
         SELECT pg_sleep(0.02);\nINSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 500) i;\n\
         INSERT INTO ran VALUES ('users');",
        "DROP TABLE users; SELECT pg_sleep(0.02); DELETE FROM ran WHERE what = 'users';",
    ),
    (
        "indexes",
        "-- dbmigrate: no-transaction\nINSERT INTO ran VALUES ('indexes 1');\n\
         CREATE INDEX CONCURRENTLY users_email ON users (email);\n\
         INSERT INTO ran SELECT 'indexes 2' FROM pg_sleep(0.02);\n\
         CREATE UNIQUE INDEX CONCURRENTLY users_unique ON users (lower(email));\nANALYZE users;\n\
         INSERT INTO ran VALUES ('indexes 3');\n",
        "-- dbmigrate: no-transaction\nDROP INDEX CONCURRENTLY users_unique;\n\
         DELETE FROM ran WHERE what = 'indexes 3';\nDROP INDEX CONCURRENTLY users_email;\n\
         DELETE FROM ran WHERE what LIKE 'indexes %';\n",
    ),
    (
        "mood",
        "CREATE TYPE mood AS ENUM ('sad'); INSERT INTO ran VALUES ('mood');",
        "DROP TYPE mood; DELETE FROM ran WHERE what = 'mood';",
    ),
    (
        "moods",
        "-- dbmigrate: no-transaction\nALTER TYPE mood ADD VALUE 'ok';\nINSERT INTO ran SELECT 'moods 1' FROM pg_sleep(0.02);\n\
         ALTER TYPE mood ADD VALUE 'happy';\nALTER TABLE users ADD mood mood DEFAULT 'happy';\nINSERT INTO ran VALUES ('moods 2');\n",
        "-- dbmigrate: no-transaction\nALTER TABLE users DROP mood;\nDELETE FROM ran WHERE what LIKE 'moods %';\n\
         DROP TYPE mood;\nCREATE TYPE mood AS ENUM ('sad');\n",
    ),
    (
        "fill",
        "-- dbmigrate: no-transaction\nINSERT INTO users SELECT i, 'v' || i FROM generate_series(501, 700) i;\n\
         INSERT INTO users SELECT i, 'v' || i FROM generate_series(701, 900) i, pg_sleep(0.02);\nVACUUM users;\n\
         INSERT INTO users SELECT i, 'v' || i FROM generate_series(901, 1100) i;\nINSERT INTO ran VALUES ('fill');\n",
        "DELETE FROM users WHERE id > 500; SELECT pg_sleep(0.02); DELETE FROM ran WHERE what = 'fill';",
    ),
    (
        "orders",
        "CREATE TABLE orders (id int8 PRIMARY KEY, user_id int8 REFERENCES users);\n\
         INSERT INTO orders SELECT id, id FROM users;\nSELECT pg_sleep(0.02);\nINSERT INTO ran VALUES ('orders');",
        "DROP TABLE orders; DELETE FROM ran WHERE what = 'orders';",
    ),
];

/// What a round does to those that migrate.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// SIGKILL to a program.
    Kill,
    /// `pg_terminate_backend` of one of their sessions.
    Terminate,
    /// The server crashes and starts again.
    Crash,
}

/// What happened so far.
#[derive(Default)]
struct Count {
    rounds: usize,
    kills: usize,
    terminated: usize,
    crashes: usize,
    resumed: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds, {} programs killed, {} sessions terminated, {} crashes of the server, {} resumptions",
            self.rounds, self.kills, self.terminated, self.crashes, self.resumed
        )
    }
}

/// What a database is after a run.
struct Picture {
    catalog: Snapshot,
    rows: Vec<String>,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn at(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(options.replicas > 0, "at least one program has to migrate");
    let clock = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    let seed = options.seed.unwrap_or(u64::from(clock));
    println!("seed {seed}");
    let runtime = tokio::runtime::Runtime::new()?;
    let mut count = Count::default();
    let outcome = runtime.block_on(chaos(options, seed, &mut count));
    println!("{count}");
    outcome.with_context(|| format!("run it again with `--seed {seed}`"))?;
    println!(
        "every round ended with the catalog and the rows of an undisturbed run; nothing was applied twice"
    );
    Ok(())
}

async fn chaos(options: &Options, seed: u64, count: &mut Count) -> anyhow::Result<()> {
    // What was committed must survive a crash.
    let mut cluster = Cluster::with(&["synchronous_commit=on"]).await;
    let set = directory(&HISTORY);
    let replica = |url: &str| Replica::new(replica_program(), url, set.path());
    let url = cluster.database("undisturbed").await;
    fine(replica(&url).upgrade().await)?;
    let top = picture(&cluster, "undisturbed").await?;
    fine(replica(&url).start("downgrade").end().await)?;
    let base = picture(&cluster, "undisturbed").await?;

    let mut random = Random(seed);
    let until = Instant::now() + Duration::from_secs_f64(options.minutes * 60.0);
    while Instant::now() < until {
        count.rounds += 1;
        let name = format!("round{}", count.rounds);
        let replica = replica(&cluster.database(&name).await);
        let mut ways = vec![("upgrade", &top)];
        if random.below(3) == 0 {
            ways.push(("downgrade", &base));
        }
        for (command, wanted) in ways {
            disturbed(&mut cluster, &name, &replica, command, options.replicas, &mut random, count).await?;
            same(&picture(&cluster, &name).await?, wanted)
                .with_context(|| format!("round {}, {command}", count.rounds))?;
        }
        cluster
            .connect("postgres")
            .await
            .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await?;
        if count.rounds.is_multiple_of(20) {
            println!("{count}");
        }
    }
    Ok(())
}

/// Several programs migrate, and some are killed, until all that are left have ended well.
async fn disturbed(
    cluster: &mut Cluster,
    name: &str,
    replica: &Replica,
    command: &str,
    replicas: usize,
    random: &mut Random,
    count: &mut Count,
) -> anyhow::Result<()> {
    let mut running: Vec<Started> = (0..replicas).map(|_| replica.start(command)).collect();
    for _ in 0..4 + random.below(8) {
        tokio::time::sleep(Duration::from_millis(5 + random.below(120))).await;
        let blow = match random.below(20) {
            0 => Blow::Crash,
            1..=3 => Blow::Terminate,
            _ => Blow::Kill,
        };
        match blow {
            Blow::Kill => {
                let mut victim = running.swap_remove(random.at(running.len()));
                if victim.ended() {
                    fine(victim.end().await)?;
                } else {
                    let lines = victim.kill().await;
                    count.kills += 1;
                    count.resumed += lines.iter().filter(|line| line.starts_with("resumed")).count();
                }
                running.push(replica.start(command));
            }
            Blow::Terminate => {
                let client = cluster.connect("postgres").await;
                let sessions = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{name}'");
                let sessions = column(&client, &sessions).await?;
                if !sessions.is_empty() {
                    let pid = &sessions[random.at(sessions.len())];
                    column(&client, &format!("SELECT pg_terminate_backend({pid})")).await?;
                    count.terminated += 1;
                }
            }
            Blow::Crash => {
                cluster.stop(Stop::Immediate);
                cluster.run().await;
                count.crashes += 1;
            }
        }
    }
    for one in running {
        let ended = fine(one.end().await)?;
        count.resumed += ended.count("resumed");
    }
    Ok(())
}

fn fine(ended: Ended) -> anyhow::Result<Ended> {
    ensure!(ended.code == Some(0), "a program failed: {}\nit said: {:#?}", ended.errors, ended.lines);
    Ok(ended)
}

async fn picture(cluster: &Cluster, database: &str) -> anyhow::Result<Picture> {
    let client = cluster.connect(database).await;
    let catalog = capture(&client, &["public.dbmigrate_history".to_owned()]).await?;
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' \
         AND relname <> 'dbmigrate_history' ORDER BY 1";
    let mut rows =
        column(&client, "SELECT concat_ws(' ', version, name, state) FROM dbmigrate_history ORDER BY 1")
            .await?;
    for table in column(&client, tables).await? {
        let texts = column(&client, &format!("SELECT t::text FROM {table} t ORDER BY 1")).await?;
        rows.extend(texts.into_iter().map(|row| format!("{table} {row}")));
    }
    Ok(Picture { catalog, rows })
}

fn same(found: &Picture, wanted: &Picture) -> anyhow::Result<()> {
    let difference = found.catalog.diff(&wanted.catalog);
    if !difference.is_empty() {
        let lines: Vec<_> = difference.lines().iter().map(ToString::to_string).collect();
        bail!("the catalog is not that of an undisturbed run:\n{}", lines.join("\n"));
    }
    if found.rows != wanted.rows {
        let more = found.rows.iter().filter(|row| !wanted.rows.contains(row));
        let fewer = wanted.rows.iter().filter(|row| !found.rows.contains(row));
        bail!(
            "the rows are not those of an undisturbed run ({} for {}): more {:?}, fewer {:?}",
            found.rows.len(),
            wanted.rows.len(),
            more.take(5).collect::<Vec<_>>(),
            fewer.take(5).collect::<Vec<_>>()
        );
    }
    Ok(())
}

async fn column(client: &Client, query: &str) -> anyhow::Result<Vec<String>> {
    let messages = client.simple_query(query).await?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    Ok(rows.collect())
}
