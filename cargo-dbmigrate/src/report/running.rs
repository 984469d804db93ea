//! Progress of a run on a database, on stderr: a bar where that is a terminal, plain lines elsewhere.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use dbmigrate_runtime::{Event, Observer};
use indicatif::ProgressBar;

use super::human::clean;
use super::{count, time};
use crate::operate::gone;
use crate::printer::{Printer, Verbosity};

/// Draws progress from the engine's events.
#[derive(Clone, Debug)]
pub struct Running {
    printer: Arc<Printer>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    finished: u64,
}

impl Running {
    /// Progress on this printer's stderr.
    pub fn new(printer: Arc<Printer>) -> Self {
        Self { printer, state: Arc::default() }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Running {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Began { steps } => state.bar = self.printer.bar(*steps as u64),
            Event::Started { id, .. } => {
                if let Some(bar) = &state.bar {
                    bar.set_message(clean(&id.to_string()));
                }
            }
            Event::Finished { .. } => {
                state.finished += 1;
                if let Some(bar) = &state.bar {
                    bar.set_position(state.finished);
                }
            }
            _ => {}
        }
        let Some((line, passing)) = line(event, self.printer.verbosity() == Verbosity::Verbose) else {
            return;
        };
        match &state.bar {
            Some(bar) if passing => bar.set_message(clean(&line)),
            _ => self.printer.note(&clean(&line)),
        }
    }
}

/// What is said of an event, and whether it is outdated by the next one.
fn line(event: &Event, everything: bool) -> Option<(String, bool)> {
    Some(match event {
        Event::Waiting { waited, holder } => {
            let who = holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default();
            (
                format!(
                    "waiting for another session that migrates this database, for {}{who}",
                    time(*waited)
                ),
                true,
            )
        }
        Event::Started { id, direction, number, of } if everything => {
            (format!("[{number}/{of}] {direction} {id}"), false)
        }
        Event::Statement { id, number, of } => {
            if !everything {
                return None;
            }
            (format!("{id}: statement {number} of {of}"), false)
        }
        Event::Resumed { id, direction, done } => (
            format!("{id}: the {direction} was interrupted, and goes on after {}", count(*done, "statement")),
            false,
        ),
        Event::Batch { id, number, rows, total } => {
            (format!("{id}: statement {number} changed {rows} rows, {total} so far"), true)
        }
        Event::Running { id, elapsed, waits_for, progress } => {
            let mut line = format!("{id}: running for {}", time(*elapsed));
            if let Some(progress) = progress {
                let _ = write!(line, ", {progress}");
            }
            for (index, holder) in waits_for.iter().enumerate() {
                let _ = write!(line, "{}{holder}", if index == 0 { ", waits for " } else { "; " });
            }
            (line, true)
        }
        Event::InvalidIndexDropped { id, index } => {
            (format!("{id}: the index `{index}` was invalid; it was dropped and is built anew"), false)
        }
        Event::Retrying { id, attempt, why, pause } => {
            (format!("{id}: attempt {attempt} was rolled back ({why}), again in {}", time(*pause)), false)
        }
        Event::Reconnecting { why, pause } => {
            (format!("the connection is made anew in {}: {why}", time(*pause)), false)
        }
        Event::Finished { id, direction, took } => {
            (format!("{} {id} ({})", gone(*direction), time(*took)), false)
        }
        _ => return None,
    })
}
