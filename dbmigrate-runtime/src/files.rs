//! The files of a migrations directory as a set that can be run, wherever they were read: from a binary or from a disk. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::lock::{self, Lock};
use crate::migration::{Direction, Id, Migration, Script, Stage, normalise, parse_file_name};
use crate::migrations::{Migrations, SetError};

/// One entry of a directory.
pub(crate) struct File<'a> {
    /// Its name, without the directory.
    pub(crate) name: Cow<'a, str>,
    /// What it holds.
    pub(crate) content: Content<'a>,
}

/// What an entry holds.
pub(crate) enum Content<'a> {
    /// A file's bytes.
    Bytes(Cow<'a, [u8]>),
    /// It is a directory.
    Directory,
}

/// The files as a set that fits its lock.
///
/// # Errors
/// Everything that is wrong with the files. The lock is compared only where each file can be read.
pub(crate) fn load<'a>(files: impl IntoIterator<Item = File<'a>>) -> Result<Migrations, Vec<SetError>> {
    let mut faults = Vec::new();
    let mut lock = None;
    let mut scripts: BTreeMap<Id, [Option<Script>; 2]> = BTreeMap::new();
    for File { name, content } in files {
        let read = match content {
            Content::Directory => Err(SetError::Directory(name.into_owned())),
            Content::Bytes(bytes) if name == lock::FILE_NAME => {
                read_lock(&bytes).map(|read| lock = Some(read)).inspect_err(|_| lock = Some(Lock::default()))
            }
            Content::Bytes(bytes) => read_script(&name, &bytes).map(|(id, direction, script)| {
                scripts.entry(id).or_default()[usize::from(direction == Direction::Down)] = Some(script);
            }),
        };
        faults.extend(read.err());
    }
    if lock.is_none() {
        faults.insert(0, SetError::NoLock);
    }
    let ids: Vec<&Id> = scripts.keys().collect();
    for pair in ids.windows(2).filter(|pair| pair[0].version == pair[1].version) {
        faults.push(SetError::DuplicateVersion(pair[0].clone(), pair[1].clone()));
    }
    let mut migrations = Vec::with_capacity(scripts.len());
    for (id, [up, down]) in scripts {
        match up {
            Some(up) => migrations.push(Migration { id, up, down }),
            None => faults.push(SetError::DownWithoutUp(id)),
        }
    }
    match lock {
        Some(lock) if faults.is_empty() => {
            Migrations::from_parts(&lock, &migrations).map_err(|fault| vec![fault])
        }
        _ => Err(faults),
    }
}

fn read_lock(bytes: &[u8]) -> Result<Lock, SetError> {
    let text =
        normalise(bytes).map_err(|fault| SetError::Encoding { file: lock::FILE_NAME.to_owned(), fault })?;
    Lock::parse(&text).map_err(SetError::Lock)
}

fn read_script(name: &str, bytes: &[u8]) -> Result<(Id, Direction, Script), SetError> {
    let (id, direction) = parse_file_name(name, Stage::Finalized)
        .map_err(|fault| SetError::Name { file: name.to_owned(), fault })?;
    let text = normalise(bytes).map_err(|fault| SetError::Encoding { file: name.to_owned(), fault })?;
    let script = Script::parse(text.into_owned())
        .map_err(|fault| SetError::Directive { file: name.to_owned(), fault })?;
    Ok((id, direction, script))
}
