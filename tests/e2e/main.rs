//! End-to-end tests, in one binary: the real program and a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod adopt;
mod authoring;
mod cargo;
mod consolidate;
mod docker;
mod embed;
mod files;
mod formats;
mod interrupted;
mod lock;
mod mounts;
mod operate;
mod oracle;
mod repeat;
mod runtime;
mod servers;
mod sets;
mod settings;
mod verify;
