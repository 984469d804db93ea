//! For build scripts (feature `build`): every way in which migrations can be stale fails **the build**.
//!
//! ```toml
//! [build-dependencies]
//! dbmigrate-runtime = { version = "0.1.0", default-features = false, features = ["build"] }
//! ```
//!
//! ```no_run
//! // in `main` of build.rs
//! dbmigrate_runtime::build::check("migrations");
//! ```
//!
//! Without the default features this crate is SHA-256 and a few pure rooms, so the build script costs next to nothing.
//! `cargo dbmigrate init --build-script` writes both.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::files::{self, Content, File};
use crate::migrations::SetError;

/// Compares the migrations in this directory, relative to the package's own, with their lock. Prints for cargo which files they are,
/// and one error line for each thing that is wrong, which fails the build. To be called in `build.rs`; never panics.
pub fn check(path: &str) {
    let path = path.strip_prefix("$CARGO_MANIFEST_DIR/").unwrap_or(path);
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let lines = instructions(Path::new(&root), path);
    // Where cargo no longer listens there is nobody to tell.
    _ = io::stdout().lock().write_all(lines.as_bytes());
}

/// The lines for cargo.
fn instructions(root: &Path, path: &str) -> String {
    let mut watched = vec![path.to_owned()];
    let mut problems = Vec::new();
    match read(&root.join(path)) {
        Ok(files) => {
            watched.extend(files.iter().map(|file| format!("{path}/{}", file.name)));
            for fault in files::load(files).err().into_iter().flatten() {
                problems.extend(explain(path, &fault));
            }
        }
        Err(error) => problems.push(format!(
            "`{path}` cannot be read: {error}; `build::check` wants the migrations directory, relative to the package"
        )),
    }
    let watched = watched.iter().map(|file| format!("cargo::rerun-if-changed={}\n", one_line(file)));
    let problems = problems.iter().map(|problem| format!("cargo::error={}\n", one_line(problem)));
    watched.chain(problems).collect()
}

/// A line for each discrepancy.
fn explain(path: &str, fault: &SetError) -> Vec<String> {
    match fault {
        SetError::Discrepancies(found) => {
            found.iter().map(|one| format!("in `{path}`: {one}; {}", one.hint())).collect()
        }
        fault => vec![format!("in `{path}`: {fault}; {}", fault.hint())],
    }
}

/// All entries of a directory, in the order of their names.
fn read(directory: &Path) -> io::Result<Vec<File<'static>>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let content =
            if path.is_dir() { Content::Directory } else { Content::Bytes(Cow::Owned(fs::read(&path)?)) };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(File { name: Cow::Owned(name), content });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Cargo reads line by line; a file's name may hold anything.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
