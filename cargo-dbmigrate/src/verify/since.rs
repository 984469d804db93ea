//! Where the proof begins: `--since VERSION|GIT_REF`. The only user of git.

use std::path::Path;
use std::process::Command;

use dbmigrate_runtime::lock::{FILE_NAME, Lock};
use dbmigrate_runtime::migration::Stage;

use crate::problem::{Kind, Refusal};
use crate::verify::plan::Subject;

/// How many of the first migrations need no proof: all up to a version, or all that were finalized in a git revision.
///
/// `directory` is where the migrations are.
///
/// # Errors
/// The text is neither a version nor a unique prefix of one nor a git revision.
pub fn resolve(text: &str, subjects: &[Subject], directory: &Path) -> Result<usize, Refusal> {
    match text {
        "base" => return Ok(0),
        "head" => return Ok(subjects.iter().filter(|subject| subject.stage == Stage::Finalized).count()),
        _ => {}
    }
    let digits = text.strip_prefix('V').unwrap_or(text);
    let matches = |subject: &Subject| {
        let name = subject.name();
        name == text || name.strip_prefix('V').unwrap_or(&name).starts_with(digits)
    };
    let found: Vec<usize> =
        (0..subjects.len()).filter(|&index| !digits.is_empty() && matches(&subjects[index])).collect();
    match found[..] {
        [index] => return Ok(index + 1),
        [] => {}
        _ => {
            let message = format!("`{text}` is the beginning of {} versions", found.len());
            let hint = format!("give more digits, such as `{}`", subjects[found[0]].migration.id.version);
            return Err(Refusal::new(Kind::UnknownSince, message, hint));
        }
    }
    let lock = lock_at(text, directory)?;
    let is_new = |subject: &Subject| lock.entry(&subject.migration.id).is_none();
    Ok(subjects.iter().position(is_new).unwrap_or(subjects.len()))
}

/// The lock as it was in a git revision; empty if there was none.
fn lock_at(revision: &str, directory: &Path) -> Result<Lock, Refusal> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(directory).args(arguments).output();
        output.map_err(|error| {
            let message =
                format!("`--since {revision}` is no version here, and git could not be run to look it up");
            Refusal::new(Kind::Git, message, "install git, or give a version").caused_by(error)
        })
    };
    let commit =
        git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])?;
    if !commit.status.success() {
        let message =
            format!("`--since {revision}` is neither a version of this directory nor a git revision");
        let hint = "give a version, a unique prefix of one, or a branch, tag or commit that this clone has (CI systems \
                    often fetch only the newest commit)";
        return Err(Refusal::new(Kind::UnknownSince, message, hint));
    }
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_owned();
    let path = format!("{commit}:./{FILE_NAME}");
    if !git(&["cat-file", "-e", &path])?.status.success() {
        return Ok(Lock::default());
    }
    let text = String::from_utf8_lossy(&git(&["show", &path])?.stdout).into_owned();
    Lock::parse(&text).map_err(|error| {
        let message = format!("the lock in the git revision `{revision}` cannot be read");
        Refusal::new(Kind::Git, message, "give a version or another revision").caused_by(error)
    })
}
