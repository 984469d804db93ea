//! The only place that prints. It owns stdout and stderr and decides about colour, and knows nothing of what it
//! prints: text comes with ANSI styles in it, which are taken out where they would not be understood.
//!
//! stdout is the result of a command, stderr is progress, notes and errors. A reader of stdout that has gone away
//! (`| head`) is not an error.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR`, `CLICOLOR` or `TERM` says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say on stderr, and how much detail to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only: no progress and no notes.
    Quiet,
    /// The default.
    #[default]
    Normal,
    /// Everything.
    Verbose,
}

/// stdout and stderr.
#[derive(Debug)]
pub struct Printer {
    stdout: Mutex<AutoStream<io::Stdout>>,
    stderr: Mutex<AutoStream<io::Stderr>>,
    bars: MultiProgress,
    verbosity: Verbosity,
}

impl Printer {
    /// Takes hold of stdout and stderr.
    pub fn new(color: Color, verbosity: Verbosity) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let stderr = AutoStream::new(io::stderr(), choice);
        if color != Color::Auto {
            // indicatif decides for itself, from the environment alone.
            console::set_colors_enabled_stderr(color == Color::Always);
        }
        Self {
            stdout: Mutex::new(AutoStream::new(io::stdout(), choice)),
            stderr: Mutex::new(stderr),
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            verbosity,
        }
    }

    /// How much to say.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Writes a result to stdout. The text brings its own line ends.
    pub fn result(&self, text: &str) -> io::Result<()> {
        self.bars.suspend(|| {
            let mut stdout = hold(&self.stdout);
            forgive_closed_pipe(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
        })
    }

    /// Writes a line of progress or a note to stderr, unless it should be quiet.
    pub fn note(&self, line: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.error(&format!("{line}\n"));
        }
    }

    /// Writes an error to stderr. The text brings its own line ends.
    pub fn error(&self, text: &str) {
        self.bars.suspend(|| {
            let mut stderr = hold(&self.stderr);
            // Nobody is left to tell when stderr itself does not work.
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        });
    }

    /// A progress bar on stderr, if that is a terminal and it should not be quiet.
    pub fn bar(&self, total: u64) -> Option<ProgressBar> {
        if self.verbosity == Verbosity::Quiet || !io::stderr().is_terminal() {
            return None;
        }
        let bar = self.bars.add(ProgressBar::new(total));
        if let Ok(style) = ProgressStyle::with_template("{bar:24.green} {pos:>4}/{len} {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Some(bar)
    }
}

/// A panic elsewhere while holding a stream leaves nothing half-done that would matter here.
fn hold<T>(stream: &Mutex<T>) -> MutexGuard<'_, T> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reader that has read enough is no failure of ours.
fn forgive_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::forgive_closed_pipe;

    #[test]
    fn only_a_closed_pipe_is_forgiven() {
        assert!(forgive_closed_pipe(Err(Error::from(ErrorKind::BrokenPipe))).is_ok());
        assert!(forgive_closed_pipe(Err(Error::from(ErrorKind::StorageFull))).is_err());
    }
}
