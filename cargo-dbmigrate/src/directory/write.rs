//! Changes to several files that happen as a whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::TEMPORARY;
use crate::problem::{Kind, Refusal};

/// Files to write and to remove. [`Change::apply`] does all of it, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// New files; none of them may exist. Directories on the way are made.
    pub create: Vec<(PathBuf, String)>,
    /// Files that are replaced, or made, after that. The lock is one.
    pub replace: Vec<(PathBuf, String)>,
    /// Files that are removed at the end.
    pub remove: Vec<PathBuf>,
}

impl Change {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.replace.is_empty() && self.remove.is_empty()
    }

    /// Everything is first written beside its place and synced, then renamed into it, in the order of the fields. If
    /// anything fails, what was done is undone.
    ///
    /// # Errors
    /// A new file exists already, the disk is full, something may not be written.
    pub fn apply(self) -> Result<(), Refusal> {
        let mut undo = Undo::default();
        let stage = |undo: &mut Undo, files: Vec<(PathBuf, String)>| -> Result<Vec<_>, Refusal> {
            files
                .into_iter()
                .map(|(path, text)| {
                    let path = fs::canonicalize(&path).unwrap_or(path);
                    let staged = staged(&path, &text, undo).map_err(|error| unwritable(&path, error))?;
                    Ok((path, staged))
                })
                .collect()
        };
        for (path, _) in &self.create {
            if fs::symlink_metadata(path).is_ok() {
                return Err(taken(path));
            }
        }
        let create = stage(&mut undo, self.create)?;
        let replace = stage(&mut undo, self.replace)?;
        let touched: Vec<PathBuf> =
            create.iter().chain(&replace).map(|(path, _)| path).chain(&self.remove).cloned().collect();
        for (path, staged) in create {
            match staged.persist_noclobber(&path) {
                Ok(_) => undo.steps.push(Step::Remove(path)),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Err(taken(&path)),
                Err(error) => return Err(unwritable(&path, error.error)),
            }
        }
        for (path, staged) in replace {
            let kept = keep(&path).map_err(|error| unwritable(&path, error))?;
            staged.persist(&path).map_err(|error| unwritable(&path, error.error))?;
            undo.steps.push(match kept {
                Some(kept) => Step::Restore { kept, path },
                None => Step::Remove(path),
            });
        }
        for path in self.remove {
            let kept = keep(&path).map_err(|error| unwritable(&path, error))?;
            fs::remove_file(&path).map_err(|error| unwritable(&path, error))?;
            if let Some(kept) = kept {
                undo.steps.push(Step::Restore { kept, path });
            }
        }
        touched.iter().for_each(|path| sync_parent(path));
        undo.done();
        Ok(())
    }
}

/// A synced temporary file beside the place that it is for.
fn staged(path: &Path, text: &str, undo: &mut Undo) -> io::Result<NamedTempFile> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let missing: Vec<_> =
        parent.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        fs::create_dir(dir)?;
        undo.steps.push(Step::RemoveDirectory(dir.to_owned()));
    }
    let mut builder = Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file has them: the process's mask is taken off.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// A second name for a file that is about to go, so that it can come back; `None` if there is no such file.
fn keep(path: &Path) -> io::Result<Option<NamedTempFile>> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let link = Builder::new().prefix(TEMPORARY).make_in(parent, |kept| {
        fs::hard_link(path, kept)?;
        fs::File::open(kept)
    });
    // Some file systems have no hard links.
    let copy = || {
        let kept = Builder::new().prefix(TEMPORARY).tempfile_in(parent)?;
        fs::copy(path, kept.path())?;
        Ok(kept)
    };
    link.or_else(|_| copy()).map(Some)
}

/// How to take back what was done so far. Runs when it is dropped before [`Undo::done`].
#[derive(Default)]
struct Undo {
    steps: Vec<Step>,
}

enum Step {
    Remove(PathBuf),
    RemoveDirectory(PathBuf),
    Restore { kept: NamedTempFile, path: PathBuf },
}

impl Undo {
    fn done(mut self) {
        self.steps.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        while let Some(step) = self.steps.pop() {
            // Nothing better can be done with an error here; the first one is on its way to the user.
            match step {
                Step::Remove(path) => _ = fs::remove_file(path),
                Step::RemoveDirectory(path) => _ = fs::remove_dir(path),
                Step::Restore { kept, path } => _ = kept.persist(path),
            }
        }
    }
}

fn sync_parent(path: &Path) {
    if let Some(Ok(directory)) = path.parent().map(fs::File::open) {
        // Not every file system can sync a directory.
        _ = directory.sync_all();
    }
}

fn taken(path: &Path) -> Refusal {
    Refusal::new(
        Kind::NameTaken,
        format!("`{}` exists already; nothing was written", path.display()),
        "choose another name, or move the existing file away",
    )
}

/// A file could not be written.
pub(crate) fn unwritable(path: &Path, error: io::Error) -> Refusal {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Kind::Disk, "free some space and try again")
        }
        _ => (Kind::ReadOnly, "check the permissions of the file and of its directory"),
    };
    Refusal::new(kind, format!("`{}` cannot be written; nothing was changed", path.display()), hint)
        .caused_by(error)
}
