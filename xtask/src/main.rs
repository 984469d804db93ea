//! Chores of the workspace, run as `cargo xtask <chore>`.

use clap::{Parser, Subcommand};

mod docs;

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
}

fn main() -> anyhow::Result<()> {
    match Args::parse().chore {
        Chore::Docs { check } => docs::run(check),
    }
}
