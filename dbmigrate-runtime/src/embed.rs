//! Migrations inside a binary: [`embed!`](crate::embed!), and what it yields.
//!
//! Three checks guard against a stale binary, each as early as it can be made without a build script:
//!
//! | what happened | what follows |
//! |---|---|
//! | the tool wrote the lock | the crate is built again, with the new files |
//! | a file was added, removed or renamed by hand | the build fails and names it, the next time that the crate is compiled |
//! | a file was edited by hand | [`Embedded::load`] fails and names it, with both hashes |
//!
//! Cargo compiles a crate again when a file changed that it knows. It does not know a file that nobody embedded yet, so
//! one that was added by hand, without the tool, goes unnoticed until something else changes; the binary is whole, and as it was before.
//! With the feature `build` and a line in `build.rs` all of it fails the build at once: see the module `build`.

use std::borrow::Cow;

use crate::files::{self, Content, File};
use crate::migrations::{Migrations, SetError};

#[doc(hidden)]
pub mod tree;

/// A directory of finalized migrations inside a binary, as [`embed!`](crate::embed!) yields it. Not read yet: see [`Embedded::load`].
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// Embedded by our macro, which has compared the names with the lock.
    Checked(&'static tree::Dir<'static>),
    /// Embedded by the caller.
    Foreign(&'static include_dir::Dir<'static>),
}

impl Embedded {
    /// A directory that the caller embedded with [`include_dir!`](include_dir::include_dir). It must hold the migrations and their lock and
    /// nothing else. The compiler does not compare it with its lock; [`Embedded::load`] does.
    ///
    /// ```
    /// use dbmigrate_runtime::Embedded;
    /// use include_dir::{Dir, include_dir};
    ///
    /// static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../migrations");
    /// const MIGRATIONS: Embedded = Embedded::new(&FILES);
    /// assert!(MIGRATIONS.load().is_ok());
    /// ```
    pub const fn new(dir: &'static include_dir::Dir<'static>) -> Self {
        Self { source: Source::Foreign(dir) }
    }

    #[doc(hidden)]
    pub const fn checked(dir: &'static tree::Dir<'static>) -> Self {
        Self { source: Source::Checked(dir) }
    }

    /// Reads the files and compares them with the lock: names, hashes, order and chain. No database is asked, and nothing is cached:
    /// [`Migrator::new`](crate::Migrator::new) calls this once.
    ///
    /// # Errors
    /// The files do not fit the lock, or something else is in the directory; the error names the file.
    pub fn load(self) -> Result<Migrations, SetError> {
        let loaded = match self.source {
            Source::Checked(dir) => files::load(dir.entries().iter().map(|entry| File {
                name: Cow::Borrowed(entry.path()),
                content: match entry {
                    tree::DirEntry::File(file) => Content::Bytes(Cow::Borrowed(file.contents())),
                    tree::DirEntry::Dir(_) => Content::Directory,
                },
            })),
            Source::Foreign(dir) => files::load(dir.entries().iter().map(|entry| File {
                name: entry.path().file_name().unwrap_or_default().to_string_lossy(),
                content: match entry {
                    include_dir::DirEntry::File(file) => Content::Bytes(Cow::Borrowed(file.contents())),
                    include_dir::DirEntry::Dir(_) => Content::Directory,
                },
            })),
        };
        loaded.map_err(|faults| faults.into_iter().next().unwrap_or(SetError::NoLock))
    }
}

impl From<&'static include_dir::Dir<'static>> for Embedded {
    fn from(dir: &'static include_dir::Dir<'static>) -> Self {
        Self::new(dir)
    }
}

impl TryFrom<Embedded> for Migrations {
    type Error = SetError;

    fn try_from(embedded: Embedded) -> Result<Self, SetError> {
        embedded.load()
    }
}

impl TryFrom<&'static include_dir::Dir<'static>> for Migrations {
    type Error = SetError;

    fn try_from(dir: &'static include_dir::Dir<'static>) -> Result<Self, SetError> {
        Embedded::new(dir).load()
    }
}

/// Embeds a directory of finalized migrations: an expression of type [`Embedded`], also for a `const` or a `static`.
///
/// ```
/// # use dbmigrate_runtime::Embedded;
/// static MIGRATIONS: Embedded = dbmigrate_runtime::embed!("../migrations");
/// let migrations = MIGRATIONS.load()?;
/// assert!(migrations.head().is_some());
/// # Ok::<(), dbmigrate_runtime::migrations::SetError>(())
/// ```
///
/// The path is relative to the package's directory, where its `Cargo.toml` is, in a workspace as well. These are known: `migrations`
/// (which is also what `embed!()` takes), `db/migrations`, `database/migrations`, `sql/migrations`, and each of them after `../` or
/// `../../`. For any other the base has to be written out, since a macro cannot put paths together:
///
/// ```
/// let migrations = dbmigrate_runtime::embed!(path = "$CARGO_MANIFEST_DIR/../migrations");
/// assert!(migrations.load().is_ok());
/// ```
///
/// # Compile errors
/// The directory is not there; it has no `dbmigrate.lock`; or its files are not those that the lock names: a migration was added, removed or
/// renamed without `cargo dbmigrate`, or something else lies there. Edited files are for [`Embedded::load`] to find.
/// A draft is never embedded: it is in another directory, and its name is not one that is taken here.
///
/// ```compile_fail
/// let migrations = dbmigrate_runtime::embed!("../elsewhere"); // the error says what to write
/// ```
#[macro_export]
macro_rules! embed {
    () => { $crate::embed!("migrations") };
    (path = $path:tt $(,)?) => {{
        const _: () = $crate::__private::include_dir::assert_anchored($path);
        $crate::__embed!($path, $path)
    }};
    ("migrations") => { $crate::__embed!("migrations", "$CARGO_MANIFEST_DIR/migrations") };
    ("db/migrations") => { $crate::__embed!("db/migrations", "$CARGO_MANIFEST_DIR/db/migrations") };
    ("database/migrations") => { $crate::__embed!("database/migrations", "$CARGO_MANIFEST_DIR/database/migrations") };
    ("sql/migrations") => { $crate::__embed!("sql/migrations", "$CARGO_MANIFEST_DIR/sql/migrations") };
    ("../migrations") => { $crate::__embed!("../migrations", "$CARGO_MANIFEST_DIR/../migrations") };
    ("../db/migrations") => { $crate::__embed!("../db/migrations", "$CARGO_MANIFEST_DIR/../db/migrations") };
    ("../database/migrations") => { $crate::__embed!("../database/migrations", "$CARGO_MANIFEST_DIR/../database/migrations") };
    ("../sql/migrations") => { $crate::__embed!("../sql/migrations", "$CARGO_MANIFEST_DIR/../sql/migrations") };
    ("../../migrations") => { $crate::__embed!("../../migrations", "$CARGO_MANIFEST_DIR/../../migrations") };
    ("../../db/migrations") => { $crate::__embed!("../../db/migrations", "$CARGO_MANIFEST_DIR/../../db/migrations") };
    ("../../database/migrations") => { $crate::__embed!("../../database/migrations", "$CARGO_MANIFEST_DIR/../../database/migrations") };
    ("../../sql/migrations") => { $crate::__embed!("../../sql/migrations", "$CARGO_MANIFEST_DIR/../../sql/migrations") };
    ($path:literal $(,)?) => {
        ::core::compile_error!(::core::concat!(
            "`", $path, "` is not one of the usual directories: write `embed!(path = \"$CARGO_MANIFEST_DIR/", $path, "\")`"
        ))
    };
    ($($other:tt)*) => {
        ::core::compile_error!("`embed!` takes the migrations directory, such as `embed!(\"migrations\")` or `embed!(path = \"$CARGO_MANIFEST_DIR/any/where\")`")
    };
}

// `include_dir!` takes a literal as it stands in the source, and writes paths that begin with `include_dir::`.
#[doc(hidden)]
#[macro_export]
macro_rules! __embed {
    ($shown:tt, $path:tt) => {{
        use $crate::__private::include_dir;
        static FILES: include_dir::Dir<'static> = include_dir::include_dir!($path);
        #[allow(long_running_const_eval, reason = "it goes once over the lock")]
        const _: () = include_dir::assert_fits($shown, &FILES);
        $crate::Embedded::checked(&FILES)
    }};
}

#[cfg(test)]
mod tests;
