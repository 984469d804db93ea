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

/// How often it looks, and after how much time for the first time if locks are waited for that long.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs `work` to its end, and says from time to time what it waits for if it takes long.
pub(crate) async fn watched<T>(link: &Link<'_>, id: &Id, began: Instant, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    // Who is in the way has to be seen before the server gives the wait up.
    let timeout = Some(link.options.lock_timeout).filter(|timeout| !timeout.is_zero());
    let mut next = timeout.map_or(INTERVAL, |timeout| (timeout / 2).min(INTERVAL));
    loop {
        let pause = pin!(tokio::time::sleep(next));
        next = INTERVAL;
        match select(work.as_mut(), pause).await {
            Either::Left((result, _)) => return result,
            Either::Right(_) => {}
        }
        let look = pin!(look(link.watcher, link.session.pid));
        let (waits_for, progress) = match select(work.as_mut(), look).await {
            Either::Left((result, _)) => return result,
            Either::Right((found, _)) => found,
        };
        if !waits_for.is_empty() {
            link.is_blocked_by(&waits_for);
        }
        link.events.emit(Event::Running { id: id.clone(), elapsed: began.elapsed(), waits_for, progress });
    }
}

/// What a session waits for, and its progress. What cannot be seen is left out: looking must not stop the work.
async fn look(watcher: Option<&Client>, pid: i32) -> (Vec<Holder>, Option<String>) {
    let Some(client) = watcher else { return (Vec::new(), None) };
    let blocking = format!("SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids({pid}))");
    let waits_for = holders(client, &blocking).await.unwrap_or_default();
    let progress = format!(
        "SELECT phase, CASE WHEN lockers_total > 0 THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END, \
         CASE WHEN lockers_total > 0 THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END \
         FROM pg_catalog.pg_stat_progress_create_index WHERE pid = {pid} UNION ALL \
         SELECT phase, heap_blks_scanned, heap_blks_total FROM pg_catalog.pg_stat_progress_vacuum WHERE pid = {pid} UNION ALL \
         SELECT phase, heap_blks_scanned, heap_blks_total FROM pg_catalog.pg_stat_progress_cluster WHERE pid = {pid}"
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
