//! A service that migrates its database when it starts.
//!
//! It answers `/healthz` at once, so that whoever started it does not take it for dead while a migration runs for long, and
//! `/ready` only when the database is as this program needs it. Any number of replicas may start at the same time. Where a
//! job migrates instead, that job runs `axum-service migrate upgrade`.
//!
//! ```sh
//! DATABASE_URL=postgres://postgres@localhost/shop cargo run -p axum-service -- serve
//! DATABASE_URL=postgres://postgres@localhost/shop cargo run -p axum-service -- migrate status
//! ```

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use clap::{Parser, Subcommand};
use dbmigrate_runtime::cli::Migrate;
use dbmigrate_runtime::connect::Database;
use dbmigrate_runtime::{Embedded, Migrator, Target, embed};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

static MIGRATIONS: Embedded = embed!("../../migrations");

#[derive(Parser)]
#[command(about = "A service that migrates its database when it starts", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Migrate, then serve requests
    Serve {
        /// Where to listen
        #[arg(long, env = "LISTEN", default_value = "127.0.0.1:3000")]
        listen: SocketAddr,
    },
    /// Migrate the database, or look at it
    #[command(subcommand)]
    Migrate(Migrate),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let migrator = match Migrator::new(MIGRATIONS) {
        Ok(migrator) => migrator,
        Err(error) => return fail(&error),
    };
    match cli.command {
        // It prints what happens by itself: no tracing subscriber here.
        Command::Migrate(migrate) => migrate.run(&migrator, None).await,
        Command::Serve { listen } => {
            tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
            match serve(&migrator, listen).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&*error),
            }
        }
    }
}

async fn serve(migrator: &Migrator, listen: SocketAddr) -> Result<(), Box<dyn Error>> {
    let database = Database::from_env()?;
    let listener = TcpListener::bind(listen).await?;
    tracing::info!("listening on {}", listener.local_addr()?);

    let migrated = Arc::new(AtomicBool::new(false));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes(Arc::clone(&migrated)));
    let server = server.with_graceful_shutdown(async { _ = stopped.await });
    let server = tokio::spawn(server.into_future());

    let mut terminated = pin!(terminated()?);
    tokio::select! {
        done = migrator.upgrade(&database, Target::Head) => {
            // Without its database this program is of no use: it ends, and whoever started it sees why.
            done?;
            migrated.store(true, Ordering::Release);
            tracing::info!("ready");
            terminated.await;
        }
        // The upgrade is dropped, and the server rolls back what was not committed.
        () = &mut terminated => {}
    }
    tracing::info!("stopping");
    _ = stop.send(());
    server.await??;
    Ok(())
}

fn routes(migrated: Arc<AtomicBool>) -> Router {
    let ready = move || async move {
        match migrated.load(Ordering::Acquire) {
            true => (StatusCode::OK, "ready\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "migrating\n"),
        }
    };
    Router::new().route("/healthz", get(|| async { "alive\n" })).route("/ready", get(ready))
}

/// Ends with the first SIGTERM or Ctrl-C.
fn terminated() -> io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    #[allow(clippy::print_stderr, reason = "the last word of a program that fails")]
    match error.downcast_ref() {
        Some(error) => eprint!("{}", dbmigrate_runtime::cli::error_text(error)),
        None => eprintln!("error: {error}"),
    }
    ExitCode::FAILURE
}
