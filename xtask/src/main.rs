//! Chores of the workspace, run as `cargo xtask <chore>`.
#![allow(clippy::print_stdout, reason = "a chore's result is what it prints")]

use clap::{Parser, Subcommand};

mod api;
mod bench;
mod chaos;
mod docs;
mod history;
mod image;
mod peers;
mod runtime;
mod soak;

#[derive(Parser)]
#[command(about = "Chores of the workspace")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write the pages that are made from the code.
    Docs {
        /// Change nothing; fail if a page is stale.
        #[arg(long)]
        check: bool,
    },
    /// List the public items of the runtime in a page.
    Api {
        /// Change nothing; fail if the page is stale.
        #[arg(long)]
        check: bool,
    },
    /// Measure `verify`: on a real history, on made-up ones, and against others.
    Bench(Bench),
    /// What the runtime adds to a program, and what others add: crates, time to build, bytes.
    Weight,
    /// Run `verify` many times, kill some of the runs, and look for what was left behind.
    Soak(soak::Options),
    /// Kill migrating programs at random moments, and see that the database gets there all the same.
    Chaos(chaos::Options),
    /// Make the image that the Docker tests start.
    Image {
        /// Make it even if it is there.
        #[arg(long)]
        force: bool,
    },
}

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
struct Bench {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    options: bench::Options,
}

#[derive(Subcommand)]
enum Part {
    /// Measure the runtime against refinery and sqlx.
    Runtime(runtime::Options),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().chore {
        Chore::Docs { check } => docs::run(check),
        Chore::Api { check } => api::run(check),
        Chore::Bench(Bench { part: Some(Part::Runtime(options)), .. }) => runtime::run(&options),
        Chore::Bench(Bench { part: None, options }) => bench::run(&options),
        Chore::Weight => peers::weight(),
        Chore::Soak(options) => soak::run(&options),
        Chore::Chaos(options) => chaos::run(&options),
        Chore::Image { force } => image::run(force),
    }
}
