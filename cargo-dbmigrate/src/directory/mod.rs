//! The only reader and writer of migrations on disk: SQL files and the lock.
//!
//! Reading never stops at the first problem. Whatever is wrong with names, files, directives and the lock comes back
//! as findings, so that `verify` reports all of it in one run; commands that write call [`Contents::refuse`]. Only an
//! error of the operating system ends a read. This room knows no database and runs no SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dbmigrate_runtime::lock::{self, Lock, LockFault};
use dbmigrate_runtime::migration::{
    DIRECTIVES, Direction, DirectiveError, DirectiveFault, EncodingError, Id, Migration, NameError, Script,
    Stage, normalise, parse_file_name,
};

use crate::problem::{Excerpt, Finding, Kind, Refusal};
use crate::sql;

pub use check::{append, seal};
pub use naming::{name_of, next_version, snake_case};
pub use write::Change;

mod check;
mod naming;
mod write;

/// How the names of unfinished files begin; one that is still there was left by a killed run.
const TEMPORARY: &str = ".dbmigrate-";
/// Files that may lie beside drafts.
const BESIDE_DRAFTS: [&str; 2] = [".gitkeep", ".gitignore"];

/// A directory of migrations.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// As the user would write it, for messages.
    pub shown: PathBuf,
}

/// What a directory holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// All migrations that could be read, in the order of their versions. One whose down is missing without a reason
    /// is among them, and among the problems.
    pub migrations: Vec<Migration>,
    /// The lock, if it is there and could be read. Drafts have none.
    pub lock: Option<Lock>,
    /// Everything that is wrong: what is about no migration first, then in the order of the files.
    pub problems: Vec<Finding>,
}

impl Contents {
    /// Ends a command that builds on these files, unless nothing is wrong with them.
    ///
    /// # Errors
    /// The first problem, how many more there are, and how to see them all.
    pub fn refuse(&self) -> Result<(), Refusal> {
        let Some(first) = self.problems.first() else { return Ok(()) };
        let kind = match first.kind {
            Kind::FileEdited
            | Kind::FileAdded
            | Kind::FileRemoved
            | Kind::FilesReordered
            | Kind::ChainBroken => Kind::LockStale,
            kind => kind,
        };
        let more = match self.problems.len() - 1 {
            0 => String::new(),
            1 => " (and one more problem)".to_owned(),
            more => format!(" (and {more} more problems)"),
        };
        let message = format!("{}{more}", first.message);
        let hint = format!(
            "`cargo dbmigrate verify` names every problem; `cargo dbmigrate explain {}` says what to do",
            first.kind.id()
        );
        let refusal = Refusal::new(kind, message, hint);
        Err(match &first.excerpt {
            Some(excerpt) => refusal.at(excerpt.clone()),
            None => refusal,
        })
    }

    /// The newest version, if there is any migration.
    pub fn newest(&self) -> Option<&Id> {
        self.migrations.last().map(|migration| &migration.id)
    }
}

/// The two files of one migration, as far as they are there. `None` inside: there, but not readable as a script.
#[derive(Default)]
struct Pair {
    up: Option<Option<Script>>,
    down: Option<Option<Script>>,
}

impl Directory {
    /// A directory, shown as it is written.
    pub fn new(path: impl Into<PathBuf>, shown: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), shown: shown.into() }
    }

    /// Where the lock is.
    pub fn lock_path(&self) -> PathBuf {
        self.path.join(lock::FILE_NAME)
    }

    /// Reads everything. Drafts may have no directory, since version control keeps no empty ones.
    ///
    /// # Errors
    /// The directory of finalized migrations is not there, or something cannot be read.
    pub fn read(&self, stage: Stage) -> Result<Contents, Refusal> {
        let mut contents = Contents::default();
        let Some(names) = self.list(stage, &mut contents.problems)? else { return Ok(contents) };
        let mut pairs: BTreeMap<Id, Pair> = BTreeMap::new();
        let mut locked = None;
        for name in &names {
            if stage == Stage::Finalized && name == lock::FILE_NAME {
                locked = Some(self.bytes(name)?);
                continue;
            }
            match parse_file_name(name, stage) {
                Ok((id, direction)) => {
                    let script = self.script(name, &id, stage, &mut contents.problems)?;
                    let pair = pairs.entry(id).or_default();
                    match direction {
                        Direction::Up => pair.up = Some(script),
                        Direction::Down => pair.down = Some(script),
                    }
                }
                Err(error) => contents.problems.push(self.misnamed(name, stage, &error)),
            }
        }
        if let Some(bytes) = locked {
            contents.lock = self.parse_lock(&bytes, &mut contents.problems);
        } else if stage == Stage::Finalized && !pairs.is_empty() {
            let message = format!("there is no `{}` in `{}`", lock::FILE_NAME, self.shown.display());
            contents.problems.insert(0, Finding::error(Kind::LockMissing, message).file(self.shown.clone()));
        }
        self.repeated_versions(&pairs, stage, &mut contents.problems);
        let broken = self.join(pairs, stage, &mut contents);
        if contents.lock.is_some() {
            check::against_lock(self, &mut contents, &broken);
        }
        Ok(contents)
    }

    /// The names of all files in the directory, sorted; `None` if there is no such directory and need not be.
    fn list(&self, stage: Stage, problems: &mut Vec<Finding>) -> Result<Option<Vec<String>>, Refusal> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let shown = self.shown.display();
                return match stage {
                    Stage::Draft => Ok(None),
                    Stage::Finalized => Err(Refusal::new(
                        Kind::NoMigrationsDirectory,
                        format!("there is no migrations directory `{shown}`"),
                        "`cargo dbmigrate init` creates it; the key `migrations` of the configuration says where it is",
                    )),
                };
            }
            Err(error) => return Err(unreadable(&self.shown, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&self.shown, error))?;
            let name = entry.file_name();
            let shown = self.shown.join(&name);
            let metadata = fs::metadata(entry.path()).map_err(|error| unreadable(&shown, error))?;
            match name.into_string() {
                Ok(name) if metadata.is_file() => names.push(name),
                Ok(_) if metadata.is_dir() => problems.push(unknown(&shown, "is a directory")),
                Ok(_) => problems.push(unknown(&shown, "is not a regular file")),
                Err(_) => problems.push(unknown(&shown, "has a name that is not UTF-8")),
            }
        }
        if stage == Stage::Draft {
            names.retain(|name| !BESIDE_DRAFTS.contains(&name.as_str()));
        }
        names.sort_unstable();
        problems.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(Some(names))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        fs::read(self.path.join(name)).map_err(|error| unreadable(&self.shown.join(name), error))
    }

    /// One file as a script; what is wrong with it goes to the problems.
    fn script(
        &self,
        name: &str,
        id: &Id,
        stage: Stage,
        problems: &mut Vec<Finding>,
    ) -> Result<Option<Script>, Refusal> {
        let bytes = self.bytes(name)?;
        let shown = self.shown.join(name);
        let found = match normalise(&bytes) {
            Ok(text) => match parse(text.into_owned()) {
                Ok(script) => return Ok(Some(script)),
                Err(error) => bad_directive(&shown, &String::from_utf8_lossy(&bytes), &error),
            },
            Err(error) => not_text(&shown, &bytes, error),
        };
        problems.push(found.migration(id.stem(stage)));
        Ok(None)
    }

    fn misnamed(&self, name: &str, stage: Stage, error: &NameError) -> Finding {
        let shown = self.shown.join(name);
        let other = match stage {
            Stage::Finalized => Stage::Draft,
            Stage::Draft => Stage::Finalized,
        };
        if name.starts_with(TEMPORARY) {
            return unknown(&shown, "was left behind by an interrupted run; delete it");
        }
        if *error == NameError::NotSql {
            return unknown(&shown, "is neither a migration nor the lock");
        }
        let why = match (stage, parse_file_name(name, other)) {
            (Stage::Draft, Ok(_)) => "a draft's name does not begin with `V`".to_owned(),
            _ => error.to_string(),
        };
        Finding::error(Kind::BadName, format!("`{}` is not a migration's name: {why}", shown.display()))
            .file(shown)
    }

    fn parse_lock(&self, bytes: &[u8], problems: &mut Vec<Finding>) -> Option<Lock> {
        let shown = self.shown.join(lock::FILE_NAME);
        let text = match normalise(bytes) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", shown.display());
                problems.insert(0, Finding::error(Kind::LockMalformed, message).file(shown));
                return None;
            }
        };
        match Lock::parse(&text) {
            Ok(lock) => Some(lock),
            Err(error) => {
                let kind = match error.fault {
                    LockFault::Conflict => Kind::LockConflict,
                    _ => Kind::LockMalformed,
                };
                let offset: usize = text.split_inclusive('\n').take(error.line - 1).map(str::len).sum();
                let excerpt = Excerpt::at_offset(&shown, &text, offset, error.to_string());
                let message = format!("`{}` cannot be read: {error}", shown.display());
                problems.insert(0, Finding::error(kind, message).file(shown).excerpt(excerpt));
                None
            }
        }
    }

    fn repeated_versions(&self, pairs: &BTreeMap<Id, Pair>, stage: Stage, problems: &mut Vec<Finding>) {
        for (one, two) in pairs.keys().zip(pairs.keys().skip(1)) {
            if one.version == two.version {
                let name = |id: &Id| {
                    let direction = if pairs[id].up.is_some() { Direction::Up } else { Direction::Down };
                    self.shown.join(id.file_name_at(stage, direction))
                };
                let (one, two) = (name(one), name(two));
                let message = format!("`{}` and `{}` have the same version", one.display(), two.display());
                problems.push(Finding::error(Kind::DuplicateVersion, message).file(two));
            }
        }
    }

    /// Joins ups and downs to migrations. Gives those of which a file is there but could not be read as a script.
    fn join(&self, pairs: BTreeMap<Id, Pair>, stage: Stage, contents: &mut Contents) -> BTreeSet<Id> {
        let mut broken = BTreeSet::new();
        for (id, pair) in pairs {
            let shown = |direction| self.shown.join(id.file_name_at(stage, direction));
            let (up, down) = match (pair.up, pair.down) {
                (Some(Some(up)), None) => (up, None),
                (Some(Some(up)), Some(Some(down))) => (up, Some(down)),
                (None, _) => {
                    let down = shown(Direction::Down);
                    let message = format!(
                        "`{}` has no up: there is no `{}`",
                        down.display(),
                        id.file_name_at(stage, Direction::Up)
                    );
                    let finding = Finding::error(Kind::DownWithoutUp, message).file(down);
                    contents.problems.push(finding.migration(id.stem(stage)));
                    continue;
                }
                _ => {
                    broken.insert(id);
                    continue;
                }
            };
            let migration = Migration { id, up, down };
            contents.problems.extend(check::directives(self, &migration, stage, contents.lock.as_ref()));
            contents.migrations.push(migration);
        }
        broken
    }
}

fn unknown(shown: &Path, why: &str) -> Finding {
    Finding::error(Kind::UnknownFile, format!("`{}` {why}", shown.display())).file(shown)
}

fn not_text(shown: &Path, bytes: &[u8], error: EncodingError) -> Finding {
    let (EncodingError::NotUtf8(at) | EncodingError::Nul(at)) = error else {
        return Finding::error(Kind::NotUtf8, format!("`{}` cannot be read: {error}", shown.display()))
            .file(shown);
    };
    let message = format!("`{}` is no SQL text: {error}", shown.display());
    let excerpt = Excerpt::at_offset(shown, &String::from_utf8_lossy(bytes), at, error.to_string());
    Finding::error(Kind::NotUtf8, message).file(shown).excerpt(excerpt)
}

/// A script whose directives are where they must be, also where only a lexer can tell.
fn parse(text: String) -> Result<Script, DirectiveError> {
    let script = Script::parse(text)?;
    sql::stray_repeat(&script.text).map_or(Ok(script), Err)
}

fn bad_directive(shown: &Path, text: &str, error: &DirectiveError) -> Finding {
    let text = normalise(text.as_bytes()).unwrap_or_default();
    let (kind, hint) = match &error.fault {
        DirectiveFault::Unknown(name) => (Kind::UnknownDirective, closest(name, DIRECTIVES)),
        DirectiveFault::Misplaced
        | DirectiveFault::RepeatInTransaction
        | DirectiveFault::NothingToRepeat
        | DirectiveFault::RepeatNotBefore => (Kind::MisplacedDirective, None),
        _ => (Kind::BadDirective, None),
    };
    let mut why = error.to_string();
    if let Some(name) = hint {
        why = format!("{why}; did you mean `{name}`?");
    }
    let excerpt = Excerpt::at_offset(shown, &text, error.offset, why.clone());
    Finding::error(kind, format!("`{}`: {why}", shown.display())).file(shown).excerpt(excerpt)
}

/// The candidate that a misspelt word most likely stands for.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    near.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// A file or directory could not be read.
pub(crate) fn unreadable(shown: &Path, error: io::Error) -> Refusal {
    let message = format!("`{}` cannot be read", shown.display());
    Refusal::new(Kind::Unreadable, message, "check the path and the permissions").caused_by(error)
}

#[cfg(test)]
mod tests;
