//! Base to head: each migration up, down and up again, and then all that can be reverted in one go.

use crate::connect::{Connected, Database};
use crate::engine::{Migrator, Target};
use crate::migration::Id;
use crate::snapshot::{Reader, Snapshot, Tallies, Within};
use crate::testing::Failure;

/// The history table, which is nothing that migrations make.
const HISTORY: &str = "public.dbmigrate_history";

/// A proof under way.
pub(super) struct Stairway<'a> {
    migrator: &'a Migrator,
    database: &'a Database,
    /// Scripts run on connections of their own: what they do to their session cannot hurt this one.
    connected: Connected,
    reader: Reader,
}

/// Migrations that can be reverted in one go, and the catalogs below and above them.
struct Stretch {
    count: usize,
    foot: Snapshot,
    top: Snapshot,
}

impl<'a> Stairway<'a> {
    pub(super) async fn new(migrator: &'a Migrator, database: &'a Database) -> Result<Self, Failure> {
        let connected = database.connect().await.map_err(|error| Failure::Stopped(error.into()))?;
        let reader = Reader::new(&connected.client, &[HISTORY.to_owned()], Tallies::Ignored).await;
        let reader = reader.map_err(Failure::Catalog)?;
        Ok(Self { migrator, database, connected, reader })
    }

    pub(super) async fn climb(mut self) -> Result<(), Failure> {
        let base = self.whole().await?;
        let mut stretch = Stretch { count: 0, foot: base.clone(), top: base };
        for one in self.migrator.migrations().all() {
            if one.irreversible().is_some() {
                self.walk(&stretch).await?;
                self.up(&one.id, "its up").await?;
                let top = self.changed(&stretch.top).await?;
                stretch = Stretch { count: 0, foot: top.clone(), top };
                continue;
            }
            stretch.top = self.step(&one.id, &stretch.top).await?;
            stretch.count += 1;
        }
        self.walk(&stretch).await?;
        // Between the steps only what changed was read.
        let head = self.whole().await?;
        let lines = head.diff(&stretch.top).lines();
        if lines.is_empty() {
            return Ok(());
        }
        let what = "the catalog changed and no migration ran: somebody else uses the throwaway database";
        Err(Failure::differs(what.to_owned(), lines))
    }

    /// Up, down and up again; gives the catalog above.
    async fn step(&mut self, id: &Id, before: &Snapshot) -> Result<Snapshot, Failure> {
        self.up(id, "its up").await?;
        let after = self.changed(before).await?;
        let down = self.migrator.downgrade(self.database, Target::Down(1)).await;
        down.map_err(Failure::script(id, "its down"))?;
        let what = || format!("`{id}`: its down does not bring back what was there before");
        let back = self.must_be(before, &after, what).await?;
        self.up(id, "its up, after its down,").await?;
        self.must_be(&after, &back, || {
            format!("`{id}`: its up, after its down, does not make what it made before")
        })
        .await
    }

    /// All of a stretch down and up. The single steps of it are proved.
    async fn walk(&mut self, stretch: &Stretch) -> Result<(), Failure> {
        let all = self.migrator.migrations().all();
        let applied = self.migrator.status(self.database).await.map_err(Failure::Stopped)?.applied.len();
        let (Some(newest), true) = (all[..applied].last(), stretch.count > 1) else { return Ok(()) };
        let oldest = &all[applied - stretch.count].id;
        let newest = &newest.id;
        let run = format!("`{oldest}` to `{newest}`, each of which can be reverted by itself, in one go");
        let error = |direction: &str| {
            let what = format!("{run}: the way {direction} fails");
            move |error| Failure::Script { what, error: Box::new(error) }
        };
        let down = self.migrator.downgrade(self.database, Target::Down(stretch.count)).await;
        down.map_err(error("down"))?;
        let what = || format!("{run}: the way down does not bring back what was there before");
        let back = self.must_be(&stretch.foot, &stretch.top, what).await?;
        let up = self.migrator.upgrade(self.database, Target::Up(stretch.count)).await;
        up.map_err(error("up"))?;
        let what = || format!("{run}: the way up, after the way down, does not make what was there before");
        self.must_be(&stretch.top, &back, what).await.map(|_| ())
    }

    async fn up(&self, id: &Id, does: &str) -> Result<(), Failure> {
        let up = self.migrator.upgrade(self.database, Target::Up(1)).await;
        up.map(|_| ()).map_err(Failure::script(id, does))
    }

    /// Reads the catalog, which must be equal to another one. `latest` is what was last read.
    async fn must_be(
        &mut self,
        expected: &Snapshot,
        latest: &Snapshot,
        what: impl FnOnce() -> String,
    ) -> Result<Snapshot, Failure> {
        let found = self.changed(latest).await?;
        if found.diff(expected).is_empty() {
            return Ok(found);
        }
        // What is said to differ is read once more, in another way.
        let found = self.whole().await?;
        let diff = found.diff(expected);
        if diff.is_empty() { Ok(found) } else { Err(Failure::differs(what(), diff.lines())) }
    }

    async fn whole(&mut self) -> Result<Snapshot, Failure> {
        let client = &self.connected.client;
        self.reader.full(client, Within::OwnTransaction).await.map_err(Failure::Catalog)
    }

    async fn changed(&mut self, since: &Snapshot) -> Result<Snapshot, Failure> {
        let client = &self.connected.client;
        self.reader.refresh(client, since, Within::OwnTransaction).await.map_err(Failure::Catalog)
    }
}
