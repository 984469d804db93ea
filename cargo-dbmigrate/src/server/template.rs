//! The cached data directory that private clusters start from: `initdb` takes a second, a copy takes a few hundredths.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::run::Run;
use super::unusable;
use crate::problem::{Kind, Refusal};

/// Changes whenever what is written into a template changes.
const LAYOUT: &str = "1";

/// The name of the file that says how much a whole template holds.
const SIZE: &str = "size";

/// `initdb`'s options. Small WAL segments keep the copy small.
const OPTIONS: &[&str] = &[
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--no-sync",
    "--no-instructions",
    "--wal-segsize=1",
];

/// Where the template of some programs is, or will be.
pub(super) struct Template {
    bin: PathBuf,
    path: PathBuf,
}

impl Template {
    /// The template of the programs in `bin`. Its name changes when they do.
    pub(super) fn of(bin: &Path, cache: &Path) -> Result<Self> {
        let program = bin.join("postgres");
        let meta = fs::metadata(&program).map_err(|error| unusable(&program, "start PostgreSQL", error))?;
        let changed =
            meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let identity = format!("{LAYOUT}\n{}\n{}\n{changed:?}\n{OPTIONS:?}", program.display(), meta.len());
        let name: String =
            Sha256::digest(identity).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { bin: bin.to_owned(), path: cache.join("templates").join(name) })
    }

    /// Fills `data` from the template, if there is a whole one.
    pub(super) fn copy_to(&self, data: &Path, account: Option<&Account>) -> Result<bool> {
        let Ok(size) = fs::read_to_string(self.path.join(SIZE)) else { return Ok(false) };
        let copied = copy(&self.path.join("data"), data, account);
        match copied {
            Ok(copied) if copied.to_string() == size => Ok(true),
            Err(Failed::Writing(error)) => Err(unusable(data, "make a private cluster", error).into()),
            Ok(_) | Err(Failed::Reading(_)) => {
                self.remove();
                remove(data).map_err(|error| unusable(data, "make a private cluster", error))?;
                Ok(false)
            }
        }
    }

    /// Removes a template that turned out to be broken.
    pub(super) fn remove(&self) {
        let _ = remove(&self.path);
    }

    /// Makes a new cluster in `data` and keeps a copy as the template. A cache that takes no copy costs time only.
    pub(super) fn make(&self, data: &Path, account: Option<&Account>, run: &mut Run) -> Result<()> {
        initdb(&self.bin, data, account)?;
        let _ = self.save(data, run);
        Ok(())
    }

    fn save(&self, data: &Path, run: &mut Run) -> Result<()> {
        let parent = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent)?;
        let draft = run.draft_in(parent)?;
        let size = copy(data, &draft.path().join("data"), None).map_err(Failed::into_inner)?;
        fs::write(draft.path().join(SIZE), size.to_string())?;
        // When another run was faster, its template stays and this one goes.
        Ok(fs::rename(draft.path(), &self.path)?)
    }
}

/// Runs `initdb`. Where the C library has no `C.UTF-8`, `C` does.
fn initdb(bin: &Path, data: &Path, account: Option<&Account>) -> Result<()> {
    let mut message = String::new();
    for locale in ["C.UTF-8", "C"] {
        let mut command = Command::new(bin.join("initdb"));
        command.arg("-D").arg(data).args(OPTIONS).arg(format!("--locale={locale}"));
        super::cluster::surroundings(&mut command, data.parent().unwrap_or(data), account);
        let output = command.stdin(Stdio::null()).output().map_err(|error| {
            Refusal::new(
                Kind::ServerStart,
                format!("`{}` cannot be run: {error}", bin.join("initdb").display()),
                blocked_hint(bin, account),
            )
        })?;
        if output.status.success() {
            return Ok(());
        }
        message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        remove(data).map_err(|error| unusable(data, "make a private cluster", error))?;
        if !message.contains("locale") {
            break;
        }
    }
    if message.contains("No space left on device") {
        return Err(unusable(data, "make a private cluster", io::ErrorKind::StorageFull.into()).into());
    }
    Err(Refusal::new(
        Kind::ServerStart,
        format!("`{}` failed: {message}", bin.join("initdb").display()),
        "see its message; `--server docker`, `--server embedded` and `--server <postgres url>` are other ways",
    )
    .into())
}

/// What to do when a program cannot be run.
pub(super) fn blocked_hint(bin: &Path, account: Option<&Account>) -> String {
    match account {
        Some(account) if !account.can_enter(bin) => format!(
            "as root the server runs under the account `{}`, which cannot enter `{}`: move the programs to where it can",
            account.name(),
            bin.display()
        ),
        _ => "check that it is a program for this machine and may be executed".to_owned(),
    }
}

/// How much was copied; its text is what `SIZE` holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    files: u64,
    bytes: u64,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} files, {} bytes", self.files, self.bytes)
    }
}

/// On which side a copy failed.
#[derive(Debug)]
enum Failed {
    Reading(io::Error),
    Writing(io::Error),
}

impl Failed {
    fn into_inner(self) -> io::Error {
        match self {
            Self::Reading(error) | Self::Writing(error) => error,
        }
    }
}

/// Copies a data directory; the copy belongs to `account` and nobody else may read it.
fn copy(from: &Path, to: &Path, account: Option<&Account>) -> Result<Size, Failed> {
    let mut size = Size::default();
    let own = |path: &Path| account.map_or(Ok(()), |account| account.own(path)).map_err(Failed::Writing);
    fs::create_dir(to).map_err(Failed::Writing)?;
    private(to).map_err(Failed::Writing)?;
    own(to)?;
    for entry in fs::read_dir(from).map_err(Failed::Reading)? {
        let entry = entry.map_err(Failed::Reading)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(Failed::Reading)?.is_dir() {
            let below = copy(&entry.path(), &target, account)?;
            size.files += below.files;
            size.bytes += below.bytes;
        } else {
            let mut source = fs::File::open(entry.path()).map_err(Failed::Reading)?;
            let mut file = fs::File::create_new(&target).map_err(Failed::Writing)?;
            size.bytes += io::copy(&mut source, &mut file).map_err(Failed::Writing)?;
            size.files += 1;
            own(&target)?;
        }
    }
    Ok(size)
}

/// Leaves a directory to its owner alone.
fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Removes a directory, also while a program that was stopped a moment ago still writes into it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let mut left = 50;
    loop {
        match fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if left == 0 => return Err(error),
            Err(_) => left -= 1,
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
