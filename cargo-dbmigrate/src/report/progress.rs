//! Progress on stderr: a bar where that is a terminal, plain lines elsewhere. Plain lines are few, because a log is
//! read afterwards: each migration of a short history, every tenth part of a long one, and every failure.

use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;

use super::{proof_word, time};
use crate::printer::Printer;
use crate::verify::outcome::{Event, Observer, Proof};

/// Up to so many migrations each gets its line.
const SHORT: usize = 30;

/// Draws progress from the runner's events.
#[derive(Debug)]
pub struct Progress {
    printer: Arc<Printer>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    /// Finished migrations: they need not end in their order.
    finished: usize,
    failed: usize,
}

impl Progress {
    /// Progress on this printer's stderr.
    pub fn new(printer: Arc<Printer>) -> Self {
        Self { printer, state: Mutex::default() }
    }

    /// Removes the bar. Dropping does it too.
    pub fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Note(note) => self.printer.note(note),
            Event::StepStarted { total, migration, .. } => {
                if state.bar.is_none() {
                    state.bar = self.printer.bar(*total as u64);
                }
                if let Some(bar) = &state.bar {
                    bar.set_message((*migration).to_owned());
                }
            }
            Event::StepFinished { total, step, .. } => {
                state.finished += 1;
                let failed = step.proof == Proof::Failed;
                state.failed += usize::from(failed);
                if let Some(bar) = &state.bar {
                    bar.set_position(state.finished as u64);
                } else if failed || worth_a_line(state.finished, *total) {
                    let width = total.to_string().len();
                    self.printer.note(&format!(
                        "[{:>width$}/{total}] {}: {} ({})",
                        state.finished,
                        step.migration,
                        proof_word(&step.proof),
                        time(step.duration)
                    ));
                }
            }
            Event::StretchStarted { index, total, name } => {
                let line = format!("in one go, {} of {total}: {name}", index + 1);
                match &state.bar {
                    Some(bar) => bar.set_message(line),
                    None => self.printer.note(&line),
                }
            }
        }
    }
}

/// Whether the end of this migration gets a line although nothing went wrong.
fn worth_a_line(finished: usize, total: usize) -> bool {
    total <= SHORT || finished == total || finished * 10 / total != (finished - 1) * 10 / total
}

#[cfg(test)]
mod tests {
    use super::worth_a_line;

    #[test]
    fn a_long_history_gets_ten_lines() {
        for total in [31, 285, 1_000] {
            assert_eq!((1..=total).filter(|finished| worth_a_line(*finished, total)).count(), 10);
        }
        assert_eq!((1..=12).filter(|finished| worth_a_line(*finished, 12)).count(), 12);
    }
}
