//! Reads the migrations of other tools, each by that tool's own rules, and turns them into ours.
//!
//! - [`tree`] lists a directory; [`diesel`], [`sqlx`], [`refinery`], [`dbmate`] and [`own`] say what its files
//!   mean, in the order in which that tool applies them.
//! - [`map`] gives them our versions, names and directives. Pure.
//!
//! Nothing is guessed and nothing is lost: what a tool would refuse, or what has no safe equivalent, is refused with
//! its file's name, and what a tool leaves alone is listed. This room writes nothing.

use std::fmt;
use std::path::Path;

use crate::problem::{Kind, Refusal};

use tree::Tree;

pub use map::{Adopted, map};

mod dbmate;
mod diesel;
mod map;
mod own;
mod refinery;
mod sqlx;
mod tree;

/// A tool whose migrations can be adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// Directories with `up.sql` and `down.sql`.
    Diesel,
    /// `VERSION_name.sql`, or `.up.sql` and `.down.sql`.
    Sqlx,
    /// `V1__name.sql`.
    Refinery,
    /// One file with `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// `V<14 digits>__name.sql` and `.down.sql`, without a lock.
    Dbmigrate,
}

impl Tool {
    const ALL: [Self; 5] = [Self::Dbmigrate, Self::Diesel, Self::Refinery, Self::Dbmate, Self::Sqlx];

    fn fits(self, tree: &Tree) -> bool {
        match self {
            Self::Diesel => diesel::fits(tree),
            Self::Sqlx => sqlx::fits(tree) && !dbmate::fits(tree),
            Self::Refinery => refinery::fits(tree),
            Self::Dbmate => dbmate::fits(tree),
            Self::Dbmigrate => own::fits(tree),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Diesel => "diesel",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Dbmate => "dbmate",
            Self::Dbmigrate => "dbmigrate",
        })
    }
}

/// One migration of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What its tool calls it.
    pub original: String,
    /// The version as it is written; what is not a digit does not count.
    pub version: String,
    /// What it is called, in any form.
    pub name: String,
    /// Applies it.
    pub up: Part,
    /// Reverts it, if there is anything.
    pub down: Option<Part>,
}

/// One direction of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its file, as the user would write it.
    pub file: String,
    /// Its SQL, normalised.
    pub text: String,
    /// It runs outside of a transaction.
    pub no_transaction: bool,
}

/// What a directory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The migrations, in the order in which their tool applies them.
    pub migrations: Vec<Foreign>,
    /// What the tool leaves alone, as the user would write it.
    pub left_alone: Vec<String>,
}

/// Reads a directory by the rules of a tool. It may be the directory itself, or one that has it as `migrations`.
///
/// # Errors
/// The directory is not laid out as that tool wants it, something cannot be read, or has no safe equivalent.
pub fn read(tool: Tool, path: &Path, shown: &Path) -> Result<Source, Refusal> {
    let tree = Tree::read(path, shown)?;
    let nested = tree.below("migrations");
    let tree = match nested {
        _ if tool.fits(&tree) => tree,
        Some(nested) if tool.fits(&nested) => nested,
        _ => {
            let message = format!("`{}` holds no migrations of {tool}", shown.display());
            let hint = match Tool::ALL.into_iter().find(|other| other.fits(&tree)) {
                Some(other) => format!("they look like those of {other}: try `--from {other}`"),
                None => "give the directory that holds them".to_owned(),
            };
            return Err(Refusal::new(Kind::AdoptSource, message, hint));
        }
    };
    match tool {
        Tool::Diesel => diesel::read(&tree),
        Tool::Sqlx => sqlx::read(&tree),
        Tool::Refinery => refinery::read(&tree),
        Tool::Dbmate => dbmate::read(&tree),
        Tool::Dbmigrate => own::read(&tree),
    }
}

/// The tool whose migrations a directory seems to hold.
pub fn detect(path: &Path) -> Option<Tool> {
    let tree = Tree::read(path, path).ok()?;
    Tool::ALL.into_iter().find(|tool| tool.fits(&tree))
}

/// The directory cannot be adopted because of this file.
fn refuse(file: &str, why: &str, hint: &str) -> Refusal {
    Refusal::new(Kind::AdoptSource, format!("`{file}` {why}; nothing was adopted"), hint)
}

#[cfg(test)]
mod tests;
