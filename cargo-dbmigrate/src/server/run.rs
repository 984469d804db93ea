//! The register of runs, so that nothing outlives its owner: each living run holds a lock on a file that says what it
//! made. The kernel lets go of the lock when the owner ends, however it ends; the next run cleans up what such a file
//! lists. An entry is written *before* the thing is made.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use tempfile::TempDir;

use super::unusable;

/// A living run. Dropping it removes its entry from the register.
pub(super) struct Run {
    token: String,
    path: PathBuf,
    file: File,
    keeper: Keeper,
}

/// Leaves a run's entry behind for the next run, because something may not be removed yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeper(Arc<AtomicBool>);

impl Keeper {
    pub(super) fn keep(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Something that a run made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// A directory, with the processes that run in it.
    Directory(PathBuf),
    /// Containers that carry the run's token as a label.
    Container,
}

impl Run {
    /// Enters a new run into the register.
    pub(super) fn create(cache: &Path) -> Result<Self> {
        let runs = cache.join("runs");
        Self::try_create(&runs)
            .map_err(|error| unusable(&runs, "keep track of throwaway servers", error).into())
    }

    fn try_create(runs: &Path) -> io::Result<Self> {
        fs::create_dir_all(runs)?;
        let token = format!("{:012x}", RandomState::new().hash_one(std::process::id()) & 0xffff_ffff_ffff);
        let path = runs.join(&token);
        // The lock is taken under a temporary name: an entry is never seen unlocked while its owner lives.
        let draft = tempfile::Builder::new().prefix(".new-").tempfile_in(runs)?;
        draft.as_file().lock()?;
        let file = draft.persist_noclobber(&path).map_err(|error| error.error)?;
        Ok(Self { token, path, file, keeper: Keeper::default() })
    }

    /// The run's name: twelve hexadecimal digits, part of the name of everything it makes.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Writes down what is about to be made.
    pub(super) fn record(&mut self, made: &Made) -> Result<()> {
        let line = match made {
            Made::Directory(path) => format!("directory {}\n", path.display()),
            Made::Container => "container\n".to_owned(),
        };
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush())
            .map_err(|error| unusable(&self.path, "keep track of throwaway servers", error).into())
    }

    /// Makes a directory for something that is not ready to be seen under its own name.
    pub(super) fn draft_in(&mut self, parent: &Path) -> Result<TempDir> {
        let name = self.directory_name();
        self.record(&Made::Directory(parent.join(&name)))?;
        let made = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in(parent);
        made.map_err(|error| unusable(parent, "keep files", error).into())
    }

    /// What the names of the run's directories begin with.
    pub(super) fn directory_name(&self) -> String {
        format!("dbmigrate-{}", self.token)
    }

    /// What keeps the entry when the run ends.
    pub(super) fn keeper(&self) -> Keeper {
        self.keeper.clone()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.keeper.0.load(Ordering::Relaxed) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A run whose owner is gone. Holds the entry's lock, so that only one run cleans it up.
pub(super) struct Dead {
    pub(super) token: String,
    pub(super) made: Vec<Made>,
    path: PathBuf,
    _file: File,
}

impl Dead {
    /// Strikes the run from the register.
    pub(super) fn forget(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The runs in the register whose owner is gone.
pub(super) fn dead(cache: &Path) -> Vec<Dead> {
    let Ok(entries) = fs::read_dir(cache.join("runs")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| read_dead(&entry.path())).collect()
}

fn read_dead(path: &Path) -> Option<Dead> {
    let token = path.file_name()?.to_str()?.to_owned();
    let mut file = File::options().read(true).write(true).open(path).ok()?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
    }
    if token.starts_with('.') {
        // Killed between making the entry and naming it: nothing else was made yet. A young one may be about to be
        // locked by its owner.
        let age = file.metadata().ok()?.modified().ok()?.elapsed().ok()?;
        if age.as_secs() > 60 {
            let _ = fs::remove_file(path);
        }
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let made = text.lines().filter_map(parse).collect();
    Some(Dead { token, made, path: path.to_owned(), _file: file })
}

fn parse(line: &str) -> Option<Made> {
    match line.split_once(' ') {
        Some(("directory", path)) => Some(Made::Directory(path.into())),
        None if line == "container" => Some(Made::Container),
        _ => None,
    }
}
