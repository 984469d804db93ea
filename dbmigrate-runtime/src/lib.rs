#![cfg_attr(any(feature = "engine", not(doctest)), doc = include_str!("../README.md"))]
//!
//! ## Rooms
//!
//! - [`engine`]: [`Migrator`](engine::Migrator), its options, plans, status and targets.
//! - [`connect`]: where a database is and how to connect.
//! - [`embed`](mod@embed): the directory inside a binary.
//! - [`blocking`]: the same migrator for programs without an async runtime.
//! - `cli` (feature `cli`): a subcommand for programs that use clap.
//! - `testing` (feature `testing`): a test of the migrations in one line.
//! - `build` (feature `build`): the checks of [`embed!`] in a build script.
//! - [`migrations`], [`migration`], [`lock`], [`set`]: what a migration is, pure: names, directives, hashes, the lock, and a set
//!   checked against it. `cargo dbmigrate` reads migrations with this very code, so that what was proved and what ships
//!   cannot be read differently.

#[cfg(feature = "engine")]
pub mod blocking;
#[cfg(feature = "build")]
pub mod build;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "engine")]
pub mod connect;
#[cfg(feature = "engine")]
pub mod embed;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
mod error;
#[cfg(feature = "engine")]
mod event;
#[cfg(any(feature = "engine", feature = "build"))]
mod files;
pub mod lock;
pub mod migration;
pub mod migrations;
pub mod set;
#[cfg(feature = "snapshot")]
#[doc(hidden)]
pub mod snapshot;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "engine")]
pub use embed::Embedded;
#[cfg(feature = "engine")]
pub use engine::{Migrator, Target};
#[cfg(feature = "engine")]
pub use error::{Error, SqlError};
#[cfg(feature = "engine")]
pub use event::{Event, Holder, Observer};

/// What the expansion of [`embed!`] names. No promise.
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod __private {
    pub use crate::embed::tree as include_dir;
}

/// Tests the code in the project's README.
#[cfg(all(doctest, feature = "cli", feature = "testing"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
