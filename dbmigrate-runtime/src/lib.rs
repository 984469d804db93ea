//! What a finalized migration is: names, directives, scripts and the lock.
//!
//! This crate is what applications embed, so its dependency tree is tiny, and everything in it so far is pure: it reads
//! no file and opens no connection. `cargo dbmigrate` builds on the same code, so that what was proved and what is
//! shipped cannot be read differently.
//!
//! - [`migration`]: file names, versions, directives, and scripts with their hashes.
//! - [`lock`]: `dbmigrate.lock`, the source of truth of order and of tampering.
//! - [`set`]: a directory's files against its lock.

pub mod connect;
pub mod engine;
mod error;
mod event;
pub mod lock;
pub mod migration;
pub mod migrations;
pub mod set;
#[cfg(feature = "snapshot")]
#[doc(hidden)]
pub mod snapshot;
#[cfg(feature = "testing")]
pub mod testing;

pub use engine::{Migrator, Target};
pub use error::{Error, SqlError};
pub use event::{Event, Holder, Observer};
