//! From a target to a migrated database: one attempt after the other until it is there or cannot be reached.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::Error;
use crate::connect::{Connected, Database};
use crate::engine::history::Table;
use crate::engine::journal::WORTH_ANOTHER;
use crate::engine::link::{Handle, Link, not_permitted, refinery_migration};
use crate::engine::options::Pauses;
use crate::engine::plan::{Goal, Plan, Step, goal_down, goal_up, steps};
use crate::engine::session::{self, Session, rows};
use crate::engine::state::{Applied, RowState};
use crate::engine::{Access, Migrator, Target};
use crate::event::Event;
use crate::migration::{Direction, Id, Version};

/// What an upgrade, downgrade or stamp did. Empty if there was nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What ran here, in order. What other sessions did meanwhile is not in it.
    pub ran: Vec<Ran>,
}

/// A script that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Version and name.
    pub id: Id,
    /// Which way.
    pub direction: Direction,
    /// How long it took.
    pub took: Duration,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    Up(Target),
    Down(Target),
    Stamp(Target),
}

/// Pauses between attempts to reach a server.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The table is not there (and perhaps not its schema).
const NO_TABLE: [&str; 2] = ["42P01", "3F000"];

/// What an attempt leaves to the next one.
struct Journey {
    way: Way,
    goal: Option<Goal>,
    report: Report,
    /// What ran when the connection broke.
    underway: Option<(Id, Direction, Instant)>,
    /// Since when there has been no success.
    trouble: Option<Instant>,
}

impl Migrator {
    pub(crate) async fn go(&self, at: Access<'_>, way: Way) -> Result<Report, Error> {
        let mut journey =
            Journey { way, goal: None, report: Report::default(), underway: None, trouble: None };
        let database = match at {
            Access::Unusable(error) => return Err(error.into()),
            Access::Client(client) => {
                let mut handle = Handle::Borrowed(client);
                return self.attempt(&mut handle, None, &mut journey).await.map(|()| journey.report);
            }
            Access::Database(database) => database,
        };
        let mut pauses = Pauses::new(RECONNECT.0, RECONNECT.1);
        loop {
            let error = match database.connect().await {
                Err(error) => Error::from(error),
                Ok(connected) => {
                    let mut handle = Handle::Owned(connected);
                    match self.attempt(&mut handle, Some(&database), &mut journey).await {
                        Ok(()) => return Ok(journey.report),
                        Err(error) => error,
                    }
                }
            };
            let since = *journey.trouble.get_or_insert_with(Instant::now);
            if !error.is_loss() || since.elapsed() >= self.options.reconnect {
                return Err(error);
            }
            let pause = pauses.pause();
            self.events.emit(Event::Reconnecting { why: error.to_string(), pause });
            tokio::time::sleep(pause).await;
        }
    }

    pub(crate) async fn read(&self, at: Access<'_>) -> Result<Vec<Applied>, Error> {
        match at {
            Access::Unusable(error) => Err(error.into()),
            Access::Client(client) => self.rows(client).await,
            Access::Database(database) => self.rows(&database.connect().await?.client).await,
        }
    }

    pub(crate) async fn planned(&self, at: Access<'_>, way: Way) -> Result<Plan, Error> {
        match at {
            Access::Unusable(error) => Err(error.into()),
            Access::Client(client) => self.planned_on(client, &way).await,
            Access::Database(database) => self.planned_on(&database.connect().await?.client, &way).await,
        }
    }

    async fn planned_on(&self, client: &Client, way: &Way) -> Result<Plan, Error> {
        let rows = self.rows(client).await?;
        let goal = self.goal(way, &rows)?;
        self.plan_for(client, &rows, &goal).await
    }

    /// The history, with one query. No table is an empty history.
    async fn rows(&self, client: &Client) -> Result<Vec<Applied>, Error> {
        let error = match rows(client, &self.table.read()).await {
            Ok(found) => return self.table.rows(&found),
            Err(error) => error,
        };
        match error.code().map(|code| code.code()) {
            Some(code) if NO_TABLE.contains(&code) => Ok(Vec::new()),
            Some("42703" | "42809" | "42883" | "42804") => {
                let what = look_alike(client, &self.table).await;
                Err(Error::ForeignHistory { table: self.table.to_string(), what })
            }
            Some("42501") => Err(not_permitted("read the history", error)),
            _ => Err(Error::Database { doing: "reading the history", error }),
        }
    }

    fn goal(&self, way: &Way, rows: &[Applied]) -> Result<Goal, Error> {
        match way {
            Way::Up(target) => goal_up(&self.migrations, rows, target, &self.options),
            Way::Down(target) => goal_down(&self.migrations, rows, target),
            Way::Stamp(Target::Base) => Ok(Goal::Up(Vec::new())),
            Way::Stamp(target) => goal_up(&self.migrations, &[], target, &self.options),
        }
    }

    async fn plan_for(&self, client: &Client, applied: &[Applied], goal: &Goal) -> Result<Plan, Error> {
        let here = |row: &&Applied| {
            let known = self.migrations.all().iter().find(|one| one.id == row.id);
            known.is_some_and(|one| one.up.script.hash == row.hash)
        };
        let elsewhere: Vec<Version> =
            applied.iter().filter(|row| !here(row)).map(|row| row.id.version).collect();
        let mut stored: BTreeMap<Version, String> = BTreeMap::new();
        if !elsewhere.is_empty() {
            let found = rows(client, &self.table.read_downs(&elsewhere)).await;
            let found = found.map_err(|error| Error::Database { doing: "reading the history", error })?;
            stored.extend(found.iter().filter_map(|row| {
                let version = row.try_get(0).ok().flatten()?.parse().ok().and_then(Version::new)?;
                Some((version, row.try_get(1).ok().flatten()?.to_owned()))
            }));
        }
        steps(&self.migrations, applied, goal, &self.options, &|version| stored.get(&version).cloned())
    }

    async fn attempt(
        &self,
        handle: &mut Handle<'_>,
        database: Option<&Database>,
        journey: &mut Journey,
    ) -> Result<(), Error> {
        let client = handle.client();
        let applied = self.rows(client).await?;
        self.note_outcome(&applied, journey);
        let goal = match journey.goal.clone() {
            Some(goal) => goal,
            None => journey.goal.insert(self.goal(&journey.way, &applied)?).clone(),
        };
        if self.is_needless(client, &journey.way, &applied, &goal).await? {
            return Ok(());
        }
        let session = Session::open(client).await?;
        let key = self.table.lock_key();
        let mut wait = session::Wait::new(key);
        while !wait.is_over(client).await? {
            // The one that holds it may have done everything.
            if self.is_needless(client, &journey.way, &self.rows(client).await?, &goal).await? {
                return Ok(());
            }
            wait.pause(client, &self.options, &self.events).await?;
        }
        let result = self.locked(handle, database, &session, journey, &goal).await;
        match &result {
            Err(error) if !session::usable(error) => result,
            _ => {
                let released = Session::release(handle.client(), key).await;
                result.and(released)
            }
        }
    }

    /// Whether there is nothing left to do.
    async fn is_needless(
        &self,
        client: &Client,
        way: &Way,
        applied: &[Applied],
        goal: &Goal,
    ) -> Result<bool, Error> {
        match way {
            Way::Stamp(_) => Ok(self.is_stamped(applied, goal)),
            Way::Up(_) | Way::Down(_) => Ok(self.plan_for(client, applied, goal).await?.steps.is_empty()),
        }
    }

    /// All that happens while the lock is held.
    async fn locked(
        &self,
        handle: &Handle<'_>,
        database: Option<&Database>,
        session: &Session,
        journey: &mut Journey,
        goal: &Goal,
    ) -> Result<(), Error> {
        let client = handle.client();
        let set = client.batch_execute(&session.settings(&self.options)).await;
        set.map_err(|error| Error::Database { doing: "setting the session up", error })?;
        let watcher = self.watcher(session, database).await?;
        session.must_be_this(client).await?;
        let applied = self.rows(client).await?;
        if applied.is_empty() {
            self.create(client).await?;
        }
        if let Way::Stamp(_) = journey.way {
            return self.write_stamp(client, &applied, goal, journey).await;
        }
        let plan = self.plan_for(client, &applied, goal).await?;
        let of = plan.steps.len();
        self.events.emit(Event::Began { steps: of });
        let watcher = watcher.as_ref().map(|connected| &connected.client);
        let mut link = Link::new(handle, watcher, session, &self.table, &self.options, &self.events);
        for (index, step) in plan.steps.iter().enumerate() {
            let (id, direction) = (step.id.clone(), step.direction);
            self.events.emit(Event::Started { id: id.clone(), direction, number: index + 1, of });
            let began = Instant::now();
            journey.underway = Some((id, direction, began));
            self.insist(&mut link, step).await?;
            self.ran(journey);
        }
        Ok(())
    }

    /// Runs a step, again and again if it cannot get a lock.
    async fn insist<'a>(&self, link: &mut Link<'a>, step: &'a Step) -> Result<(), Error> {
        let retries = self.options.retries;
        let mut pauses = Pauses::new(retries.pause, retries.longest);
        let mut attempt = 0;
        link.is_blocked_by(&[]);
        loop {
            let error = match link.run(step).await {
                Err(Error::Sql(error)) if WORTH_ANOTHER.contains(&&*error.sqlstate) => error,
                result => return result,
            };
            if link.has_progressed() {
                // Each statement has all its attempts, and each batch.
                attempt = 0;
                pauses = Pauses::new(retries.pause, retries.longest);
            }
            attempt += 1;
            if attempt >= retries.attempts {
                return Err(Error::LockTimeout { attempts: attempt, blockers: link.blockers(), error });
            }
            let pause = pauses.pause();
            let why = error.to_string();
            self.events.emit(Event::Retrying { id: step.id.clone(), attempt, why, pause });
            tokio::time::sleep(pause).await;
        }
    }

    /// A second connection: it tells whether sessions are shared, and what a long statement waits for. Where the server has
    /// no room for one, work goes on without.
    async fn watcher(
        &self,
        session: &Session,
        database: Option<&Database>,
    ) -> Result<Option<Connected>, Error> {
        let Some(database) = database else { return Ok(None) };
        let Ok(connected) = database.connect().await else { return Ok(None) };
        let doing = "looking at the session";
        let found = rows(&connected.client, "SELECT pg_backend_pid()").await;
        let found = found.map_err(|error| Error::Database { doing, error })?;
        let pid =
            found.first().and_then(|row| row.try_get(0).ok().flatten()).and_then(|pid| pid.parse().ok());
        if pid == Some(session.pid) { Err(Error::Pooled) } else { Ok(Some(connected)) }
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        let error = match client.batch_execute(&self.table.create()).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.as_db_error() {
            Some(said) if matches!(said.code().code(), "42501" | "3F000") => Err(Error::NotPermitted {
                what: format!("create the history table `{}`", self.table),
                said: said.message().to_owned(),
            }),
            _ => Err(Error::Database { doing: "creating the history table", error }),
        }
    }

    /// After a lost connection: whether what ran then had been committed.
    fn note_outcome(&self, applied: &[Applied], journey: &mut Journey) {
        let Some((id, direction, _)) = &journey.underway else { return };
        let row = applied.iter().find(|row| row.id == *id);
        let ended = match direction {
            Direction::Up => row.is_some_and(|row| row.state == RowState::Applied),
            Direction::Down => row.is_none(),
        };
        if ended {
            self.ran(journey);
        }
        journey.underway = None;
    }

    fn ran(&self, journey: &mut Journey) {
        let Some((id, direction, began)) = journey.underway.take() else { return };
        let took = began.elapsed();
        journey.trouble = None;
        self.events.emit(Event::Finished { id: id.clone(), direction, took });
        journey.report.ran.push(Ran { id, direction, took });
    }

    fn is_stamped(&self, applied: &[Applied], goal: &Goal) -> bool {
        let (Goal::Up(ids) | Goal::Down(ids)) = goal;
        let fits = |row: &Applied| {
            let known = self.migrations.all().iter().find(|one| one.id == row.id);
            row.state == RowState::Applied && known.is_some_and(|one| one.up.script.hash == row.hash)
        };
        applied.len() == ids.len() && applied.iter().all(|row| ids.contains(&row.id) && fits(row))
    }

    /// The rows that a stamp takes out of the history, and the migrations that it adds.
    fn stamped<'r>(
        &self,
        applied: &'r [Applied],
        goal: &Goal,
    ) -> Result<(Vec<&'r Applied>, Vec<Step>), Error> {
        let mut plan = steps(&self.migrations, &[], goal, &self.options, &|_| None)?;
        let fits = |row: &Applied, step: &Step| {
            row.id == step.id && row.hash == step.runs.script.hash && row.state == RowState::Applied
        };
        let leaves = applied.iter().filter(|row| !plan.steps.iter().any(|step| fits(row, step))).collect();
        plan.steps.retain(|step| !applied.iter().any(|row| fits(row, step)));
        Ok((leaves, plan.steps))
    }

    pub(crate) async fn planned_stamp(&self, at: Access<'_>, target: Target) -> Result<Report, Error> {
        let applied = self.read(at).await?;
        let goal = self.goal(&Way::Stamp(target), &applied)?;
        let (leaves, comes) = self.stamped(&applied, &goal)?;
        let ran = |id: &Id, direction| Ran { id: id.clone(), direction, took: Duration::ZERO };
        let leaves = leaves.iter().map(|row| ran(&row.id, Direction::Down));
        let comes = comes.iter().map(|step| ran(&step.id, Direction::Up));
        Ok(Report { ran: leaves.chain(comes).collect() })
    }

    async fn write_stamp(
        &self,
        client: &Client,
        applied: &[Applied],
        goal: &Goal,
        journey: &mut Journey,
    ) -> Result<(), Error> {
        let (leaves, comes) = self.stamped(applied, goal)?;
        let mut sql = String::from("BEGIN");
        for row in leaves {
            sql.push_str(";\n");
            sql.push_str(&self.table.delete(row.id.version));
            let (id, direction) = (row.id.clone(), Direction::Down);
            journey.report.ran.push(Ran { id, direction, took: Duration::ZERO });
        }
        for step in &comes {
            let checksum = refinery_migration(step)?.checksum();
            sql.push_str(";\n");
            sql.push_str(&self.table.insert(step, checksum, RowState::Applied, None));
            let (id, direction) = (step.id.clone(), Direction::Up);
            journey.report.ran.push(Ran { id, direction, took: Duration::ZERO });
        }
        sql.push_str(";\nCOMMIT");
        client.batch_execute(&sql).await.map_err(|error| not_permitted("write the history", error))
    }
}

/// What stands where the history should be, as far as its columns tell.
async fn look_alike(client: &Client, table: &Table) -> String {
    use crate::engine::history::literal;
    let query = format!(
        "SELECT c.relkind, array_to_string(array(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid \
         AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname), ',') FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}",
        literal(&table.schema),
        literal(&table.name)
    );
    let found = rows(client, &query).await.unwrap_or_default();
    let text =
        |column: usize| found.first().and_then(|row| row.try_get(column).ok().flatten()).unwrap_or_default();
    let kind = match text(0) {
        "v" => return "a view".to_owned(),
        "m" => return "a materialized view".to_owned(),
        "f" => return "a foreign table".to_owned(),
        "S" => return "a sequence".to_owned(),
        _ => "another table",
    };
    match text(1) {
        "applied_on,checksum,name,version" => "refinery's history".to_owned(),
        "checksum,description,execution_time,installed_on,success,version" => "sqlx's history".to_owned(),
        "run_on,version" => "diesel's history".to_owned(),
        "applied_at,version" => "sea-orm's history".to_owned(),
        "version_num" => "Alembic's history".to_owned(),
        columns if columns.starts_with("checksum,description,execution_time,installed_by") => {
            "Flyway's history".to_owned()
        }
        "" => kind.to_owned(),
        columns => format!("{kind}, with the columns {columns}"),
    }
}
