//! The harness of the end-to-end tests: a temporary cargo project, the real program run on it, and what that changed.
//!
//! A test builds a [`Project`], runs `cargo-dbmigrate` in it, and gets a [`Ran`]: exit status, stdout, stderr and the
//! difference between the trees of files before and after. Nothing of the surroundings leaks in: the environment is
//! made up, and the cache (with the template of local servers) belongs to the test binary. Every run is bounded in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a harness fails by panicking")]

pub use cluster::{Cluster, Stop, free_port};
pub use pgbouncer::PgBouncer;
pub use program::{Command, Ran, Running, cache, processes, program, release, url};
pub use project::Project;
pub use proxy::{Proxy, Verdict};
pub use replica::{Ended, Replica, Started, replica_program};
pub use set::{directory, set};
pub use tree::Tree;

mod cluster;
mod pgbouncer;
mod program;
mod project;
mod proxy;
mod replica;
mod set;
mod tree;

/// The filters that make output the same on every machine and every day.
pub const FILTERS: &[(&str, &str)] = &[
    // Versions that the tool takes from the clock; tests write those of 2020 themselves.
    (r"\b20(2[1-9]|[3-9]\d)\d{10}\b", "[VERSION]"),
    (r"\bV20(2[1-9]|[3-9]\d)\d{10}__", "V[VERSION]__"),
    (r"\b20(2[1-9]|[3-9]\d)\d{10}__", "[VERSION]__"),
    (r"PostgreSQL \d+(\.\d+)*(beta\d+|devel)?, local \([^)]*\)", "PostgreSQL [N], local ([PROGRAMS])"),
    (r"PostgreSQL \d+(\.\d+)*(beta\d+|devel)?, ", "PostgreSQL [N], "),
    (r"\b\d+(\.\d+)? (ms|s)\b", "[TIME]"),
    (r"\b\d+ min \d+ s\b", "[TIME]"),
    (r"\b[0-9a-f]{64}\b", "[SHA-256]"),
    (r"(/[\w.-]+)+/dbmigrate-e2e-\w+", "[PROJECT]"),
    (r"\.dbmigrate-[A-Za-z0-9]{6}\b", ".dbmigrate-[RANDOM]"),
];

/// Compares a run with its stored picture.
#[macro_export]
macro_rules! shot {
    ($ran:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(true);
        settings.set_omit_expression(true);
        for (pattern, replacement) in $crate::FILTERS {
            settings.add_filter(pattern, *replacement);
        }
        settings.bind(|| insta::assert_snapshot!(($ran).to_string()));
    }};
}
