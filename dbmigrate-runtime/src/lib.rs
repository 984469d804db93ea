//! What a finalized migration is: names, directives, scripts and the lock.
//!
//! This crate is what applications embed, so its dependency tree is tiny, and everything in it so far is pure: it reads
//! no file and opens no connection. `cargo dbmigrate` builds on the same code, so that what was proved and what is
//! shipped cannot be read differently.
//!
//! - [`migration`]: file names, versions, directives, and scripts with their hashes.
//! - [`lock`]: `dbmigrate.lock`, the source of truth of order and of tampering.
//! - [`set`]: a directory's files against its lock.
//! - [`embed`]: the directory inside a binary, with [`embed!`].
//! - `build` (feature `build`): the same checks in a build script.

#[cfg(feature = "engine")]
pub mod blocking;
#[cfg(feature = "build")]
pub mod build;
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
