//! Where PostgreSQL's own programs are on this machine.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::problem::{Kind, Refusal};

/// Names the directory with `initdb` and `postgres` explicitly.
pub(super) const PROGRAMS: &str = "DBMIGRATE_PG_BIN";

/// Finds the directory that holds PostgreSQL's `initdb` and `postgres`.
pub(super) fn find() -> Result<PathBuf, Refusal> {
    if let Some(named) = env::var_os(PROGRAMS).filter(|value| !value.is_empty()) {
        return usable(Path::new(&named)).ok_or_else(|| {
            Refusal::new(
                Kind::ServerPrograms,
                format!(
                    "no `initdb` and `postgres` in `{}`, which `{PROGRAMS}` names",
                    Path::new(&named).display()
                ),
                format!("set `{PROGRAMS}` to the directory of PostgreSQL's server programs, or unset it"),
            )
        });
    }
    on_path().or_else(from_pg_config).or_else(installed).ok_or_else(|| {
        Refusal::new(
            Kind::ServerPrograms,
            "PostgreSQL's server programs (`initdb`, `postgres`) are not on this machine: looked at `PATH`, \
             `pg_config --bindir`, `/usr/lib/postgresql/*/bin` and Homebrew's folders",
            format!(
                "install the PostgreSQL server, set `{PROGRAMS}` to the directory of its programs, \
                 or use `--server docker`, `--server embedded` or `--server <postgres url>`"
            ),
        )
    })
}

fn on_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).find_map(|directory| usable(&directory))
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    usable(Path::new(String::from_utf8(output.stdout).ok()?.trim()))
}

/// The folders where packages put PostgreSQL, the newest version first.
fn installed() -> Option<PathBuf> {
    let mut found = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr/pgsql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/Applications/Postgres.app/Contents/Versions", ""),
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let version = rest.trim_start_matches(['@', '-']);
            let number = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
            found.push((number, entry.path().join("bin")));
        }
    }
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().find_map(|(_, directory)| usable(&directory))
}

/// The real directory of the programs that `directory` offers, if it offers them. Links are followed; wrapper scripts do
/// not count, because what they start cannot be told from here.
pub(super) fn usable(directory: &Path) -> Option<PathBuf> {
    let real = |name: &str| {
        let path = fs::canonicalize(directory.join(format!("{name}{}", env::consts::EXE_SUFFIX))).ok()?;
        let mut start = [0; 2];
        File::open(&path).ok()?.read_exact(&mut start).ok()?;
        (start != *b"#!").then_some(path)
    };
    let home = real("postgres")?.parent()?.to_owned();
    real("initdb").filter(|initdb| initdb.parent() == Some(&home)).map(|_| home)
}
