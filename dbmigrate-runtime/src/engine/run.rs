//! From a target to a migrated database: one attempt after the other until it is there or cannot be reached.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::Error;
use crate::connect::{Connected, Database};
use crate::engine::journal::WORTH_ANOTHER;
use crate::engine::link::{Handle, Link, not_permitted, refinery_migration};
use crate::engine::options::Pauses;
use crate::engine::place;
use crate::engine::plan::{Goal, Plan, Step, goal_down, goal_up, steps};
use crate::engine::session::{self, Asked, Session, Wait, rows};
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
    /// How far the last attempt came.
    reached: Reached,
}

/// How far an attempt came before the connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// Not to where it asks for the lock.
    Nothing,
    /// It waited for the lock: the server was well.
    Waiting,
    /// It had the lock.
    Lock,
}

impl Migrator {
    pub(crate) async fn go(&self, at: Access<'_>, way: Way) -> Result<Report, Error> {
        let mut journey = Journey {
            way,
            goal: None,
            report: Report::default(),
            underway: None,
            trouble: None,
            reached: Reached::Nothing,
        };
        let database = match at {
            Access::Unusable(error) => return Err(error.into()),
            Access::Client(client) => {
                let mut handle = Handle::Borrowed(client);
                return self.attempt(&mut handle, None, &mut journey).await.map(|()| journey.report);
            }
            Access::Database(database) => database,
        };
        let mut pauses = Pauses::new(RECONNECT.0, RECONNECT.1);
        // Whether the connection broke while something ran: what breaks it may do so each time.
        let mut broke = false;
        loop {
            journey.reached = Reached::Nothing;
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
            if !error.may_be_done() {
                journey.underway = None;
            }
            match journey.reached {
                Reached::Nothing => {}
                Reached::Waiting if broke => {}
                Reached::Waiting => {
                    journey.trouble = None;
                    pauses = Pauses::new(RECONNECT.0, RECONNECT.1);
                }
                Reached::Lock => broke = true,
            }
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
            Some("42703" | "42809" | "42883" | "42804") => Err(place::explain(client, &self.table).await),
            Some("25P02") => Err(Error::InTransaction),
            // The role's or the server's own timeout is too short even for this.
            Some("57014") => {
                let patient = format!(
                    "BEGIN READ ONLY; SET LOCAL statement_timeout = 0; {}; COMMIT",
                    self.table.read()
                );
                let found = rows(client, &patient).await;
                self.table
                    .rows(&found.map_err(|error| Error::Database { doing: "reading the history", error })?)
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
        self.note_if_done(&applied, journey);
        let goal = match journey.goal.clone() {
            Some(goal) => goal,
            None => journey.goal.insert(self.goal(&journey.way, &applied)?).clone(),
        };
        if self.is_needless(client, &applied, &journey.way, &goal).await? {
            return Ok(());
        }
        let mut session = Session::open(client).await?;
        let key = self.table.lock_key();
        let mut waiting = Wait::new(key);
        let enough = self.enough(&applied, &journey.way, &goal).map(|count| (&self.table, count));
        let taken_in = loop {
            let asked = waiting.ask(client, enough).await?;
            match asked {
                Asked::Held(pid) if journey.reached == Reached::Nothing => break pid,
                Asked::Busy => {
                    journey.reached = Reached::Waiting;
                    waiting.pause(client, &self.options, &self.events).await?;
                    continue;
                }
                Asked::Held(_) | Asked::BusyButPerhapsDone => {}
            }
            journey.reached = Reached::Waiting;
            // The one that holds it, or held it, may have done everything, or something that this program refuses.
            let needless = match self.reads_needless(client, journey, &goal).await {
                Ok(needless) => needless,
                Err(error) => {
                    if let Asked::Held(pid) = asked {
                        // What fails here has nothing to add.
                        _ = Session::unlock(client, key, pid).await;
                    }
                    return Err(error);
                }
            };
            match asked {
                Asked::Held(pid) if needless => return Session::unlock(client, key, pid).await,
                Asked::Held(pid) => break pid,
                _ if needless => return Ok(()),
                _ => waiting.pause(client, &self.options, &self.events).await?,
            }
        };
        journey.reached = Reached::Lock;
        let second = self.second(database).await;
        let second = second.as_ref().map(|connected| &connected.client);
        let result = self.locked(handle, second, &mut session, taken_in, journey, &goal).await;
        match &result {
            Err(Error::Pooled) => {
                let clients: Vec<&Client> = [Some(handle.client()), second].into_iter().flatten().collect();
                Session::abandon(&clients, key, taken_in).await;
                result
            }
            _ if handle.client().is_closed() => result,
            _ => {
                let released =
                    tokio::time::timeout(session::SECOND, Session::release(handle.client(), key)).await;
                let silent = || Err(Error::Lost("no answer when the lock was released".to_owned()));
                result.and(released.unwrap_or_else(|_| silent()))
            }
        }
    }

    /// Reads the history once more: whether there is nothing left to do.
    async fn reads_needless(
        &self,
        client: &Client,
        journey: &mut Journey,
        goal: &Goal,
    ) -> Result<bool, Error> {
        let applied = self.rows(client).await?;
        self.note_if_done(&applied, journey);
        self.is_needless(client, &applied, &journey.way, goal).await
    }

    /// How many migrations are applied where an upgrade is done. Of other ways the number says too little.
    fn enough(&self, applied: &[Applied], way: &Way, goal: &Goal) -> Option<usize> {
        let (Way::Up(_), Goal::Up(ids)) = (way, goal) else { return None };
        let done: Vec<&Id> =
            applied.iter().filter(|row| row.state == RowState::Applied).map(|row| &row.id).collect();
        Some(done.len() + ids.iter().filter(|id| !done.contains(id)).count())
    }

    /// Whether there is nothing to do.
    async fn is_needless(
        &self,
        client: &Client,
        applied: &[Applied],
        way: &Way,
        goal: &Goal,
    ) -> Result<bool, Error> {
        match way {
            Way::Stamp(_) => Ok(self.is_stamped(applied, goal)),
            _ => Ok(self.plan_for(client, applied, goal).await?.steps.is_empty()),
        }
    }

    /// All that happens while the lock is held.
    async fn locked(
        &self,
        handle: &Handle<'_>,
        second: Option<&Client>,
        session: &mut Session,
        taken_in: i32,
        journey: &mut Journey,
        goal: &Goal,
    ) -> Result<(), Error> {
        let client = handle.client();
        if taken_in != session.pid {
            return Err(Error::Pooled);
        }
        let watcher = match second {
            Some(second) => session.must_be_alone(client, second).await?.then_some(second),
            None => None,
        };
        session.prepare(client, &self.options).await?;
        session.must_be_this(client).await?;
        let session: &Session = session;
        if !place::is_there(client, &self.table).await? {
            self.create(client, session).await?;
        }
        let applied = self.rows(client).await?;
        self.note_if_done(&applied, journey);
        journey.underway = None;
        if let Way::Stamp(_) = journey.way {
            return self.write_stamp(client, &applied, goal, journey).await;
        }
        let plan = self.plan_for(client, &applied, goal).await?;
        let of = plan.steps.len();
        self.events.emit(Event::Began { steps: of });
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
    async fn second(&self, database: Option<&Database>) -> Option<Connected> {
        tokio::time::timeout(session::SECOND, database?.connect()).await.ok()?.ok()
    }

    async fn create(&self, client: &Client, session: &Session) -> Result<(), Error> {
        let guarded = format!("SELECT 1 / ({})::int; {}", session.is_this(), self.table.create());
        let error = match client.batch_execute(&guarded).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let Some(said) = error.as_db_error() else {
            return Err(Error::Database { doing: "creating the history table", error });
        };
        match said.code().code() {
            "42501" => Err(Error::NotPermitted {
                what: format!("create the history table `{}`", self.table),
                said: said.message().to_owned(),
            }),
            "3F000" => Err(Error::NoSchema(self.table.schema.clone())),
            "42710" => {
                Err(Error::ForeignHistory { table: self.table.to_string(), what: "a type".to_owned() })
            }
            "22012" => Err(Error::Pooled),
            _ => Err(Error::Database { doing: "creating the history table", error }),
        }
    }

    /// After a lost connection: counts what ran then, if the history says that it was committed.
    fn note_if_done(&self, applied: &[Applied], journey: &mut Journey) {
        let Some((id, direction, _)) = &journey.underway else { return };
        let row = applied.iter().find(|row| row.id == *id);
        let done = match direction {
            Direction::Up => row.is_some_and(|row| row.state == RowState::Applied),
            Direction::Down => row.is_none(),
        };
        if done {
            self.ran(journey);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_move_to_another_thread() {
        fn moves<'a>(migrator: &'a Migrator, at: Access<'a>) -> impl Send + 'a {
            migrator.upgrade(at, Target::Head)
        }
        let _compiles = moves;
    }
}
