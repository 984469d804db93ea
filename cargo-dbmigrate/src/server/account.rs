//! Who owns a private cluster's files and processes: PostgreSQL refuses to run as root.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use nix::unistd::{User, geteuid};

use crate::problem::{Kind, Refusal};

/// The unprivileged account that root hands a cluster to.
#[derive(Clone, Debug)]
pub(super) struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account to drop to: `None` unless this process is root.
    pub(super) fn to_drop_to() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Some(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        Err(Refusal::new(
            Kind::ServerStart,
            "PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to drop to",
            "run as an ordinary user, add an account named `postgres`, or use another way with `--server`",
        )
        .into())
    }

    /// The account's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes a command run under this account.
    pub(super) fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a file or directory to this account.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))
    }

    /// Whether this account may enter a directory and all those above it.
    pub(super) fn can_enter(&self, directory: &Path) -> bool {
        directory.ancestors().filter(|path| !path.as_os_str().is_empty()).all(|path| {
            fs::metadata(path).is_ok_and(|meta| {
                let bit = match () {
                    () if meta.uid() == self.uid => 0o100,
                    () if meta.gid() == self.gid => 0o010,
                    () => 0o001,
                };
                meta.mode() & bit != 0
            })
        })
    }
}
