//! Looks, over a second connection, at what a long statement waits for and how far it is.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio_postgres::Client;

use crate::engine::link::Link;
use crate::engine::session::{holders, rows};
use crate::event::{Event, Holder};
use crate::migration::Id;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs `work` to its end, and says from time to time what it waits for if it takes long.
pub(crate) async fn watched<T>(link: &Link<'_>, id: &Id, began: Instant, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        let pause = pin!(tokio::time::sleep(INTERVAL));
        match select(work.as_mut(), pause).await {
            Either::Left((result, _)) => return result,
            Either::Right(_) => {}
        }
        let look = pin!(look(link.watcher, link.session.pid));
        let (waits_for, progress) = match select(work.as_mut(), look).await {
            Either::Left((result, _)) => return result,
            Either::Right((found, _)) => found,
        };
        link.events.emit(Event::Running { id: id.clone(), elapsed: began.elapsed(), waits_for, progress });
    }
}

/// What a session waits for, and its progress. What cannot be seen is left out: looking must not stop the work.
async fn look(watcher: Option<&Client>, pid: i32) -> (Vec<Holder>, Option<String>) {
    let Some(client) = watcher else { return (Vec::new(), None) };
    let waits_for =
        holders(client, &format!("SELECT unnest(pg_blocking_pids({pid}))")).await.unwrap_or_default();
    let progress = format!(
        "SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END, \
         CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END \
         FROM pg_catalog.pg_stat_progress_create_index WHERE pid = {pid}"
    );
    let found = rows(client, &progress).await.unwrap_or_default();
    let text = |column: usize| found.first().and_then(|row| row.try_get(column).ok().flatten());
    let progress = match (text(0), text(1), text(2)) {
        (Some(phase), Some(done), Some(total)) if total != "0" => Some(format!("{phase}, {done} of {total}")),
        (Some(phase), ..) => Some(phase.to_owned()),
        _ => None,
    };
    (waits_for, progress)
}
