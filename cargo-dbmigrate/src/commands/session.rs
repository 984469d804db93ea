//! A throwaway server around a piece of work, stopped on every way out: success, failure, panic, Ctrl-C and SIGTERM.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use anyhow::Context;
use futures_util::FutureExt;

use crate::problem::{Kind, Refusal};
use crate::server::{self, Server};

/// Starts a server, does the work, stops the server.
///
/// # Errors
/// The server cannot be had, the work failed, it was interrupted, or the server could not be removed.
pub async fn with_server<T>(
    request: &server::Request,
    note: &(dyn Fn(&str) + Sync),
    work: impl AsyncFnOnce(&Server) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut interrupt = Interrupt::new().context("could not listen for signals")?;
    let server = tokio::select! {
        started = server::start(request, note) => started?,
        signal = interrupt.received() => return Err(interrupted(signal).into()),
    };
    note(&format!("using {}", server.describe()));
    let result = tokio::select! {
        result = AssertUnwindSafe(work(&server)).catch_unwind() => result.unwrap_or_else(|panic| Err(panicked(&*panic))),
        signal = interrupt.received() => Err(interrupted(signal).into()),
    };
    let stopped = server.stop().await.context("the throwaway server could not be removed");
    let value = result?;
    stopped?;
    Ok(value)
}

fn interrupted(signal: &'static str) -> Refusal {
    let message =
        format!("interrupted by {signal}; the throwaway server was removed and no file was changed");
    Refusal::new(Kind::Interrupted, message, "run the command again")
}

fn panicked(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let message = format!("a bug in this tool: {}", text.unwrap_or("it panicked"));
    Refusal::new(Kind::Internal, message, "please report it, with the migration that it happened in").into()
}

/// The signals that ask a command to end.
#[cfg(unix)]
struct Interrupt {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupt {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

#[cfg(not(unix))]
struct Interrupt;

#[cfg(not(unix))]
impl Interrupt {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn received(&mut self) -> &'static str {
        // An error means that the signal cannot be listened for: then nothing is ever received.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
