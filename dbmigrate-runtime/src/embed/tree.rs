//! Stands in for the crate `include_dir` where its macro expands inside [`crate::embed!`], and is no promise to anybody else.
//!
//! `include_dir!` writes bare paths such as `include_dir::File::new(name, bytes)`. The crate's own types can be read at
//! run time only, these also in a constant. So the compiler itself compares the names with the lock, and fails the build.
#![allow(missing_docs, reason = "hidden: what a macro of another crate calls")]

pub use ::include_dir::include_dir;

use crate::lock;

#[derive(Debug)]
pub struct Dir<'a> {
    path: &'a str,
    entries: &'a [DirEntry<'a>],
}

#[derive(Debug)]
pub struct File<'a> {
    path: &'a str,
    contents: &'a [u8],
}

#[derive(Debug)]
pub enum DirEntry<'a> {
    Dir(Dir<'a>),
    File(File<'a>),
}

/// What the macro adds when another package of the build turns on `include_dir/metadata`.
#[derive(Debug)]
pub struct Metadata;

impl<'a> Dir<'a> {
    pub const fn new(path: &'a str, entries: &'a [DirEntry<'a>]) -> Self {
        Self { path, entries }
    }

    pub(super) const fn entries(&self) -> &'a [DirEntry<'a>] {
        self.entries
    }
}

impl<'a> File<'a> {
    pub const fn new(path: &'a str, contents: &'a [u8]) -> Self {
        Self { path, contents }
    }

    #[must_use]
    pub const fn with_metadata(self, _: Metadata) -> Self {
        self
    }

    pub(super) const fn contents(&self) -> &'a [u8] {
        self.contents
    }
}

impl<'a> DirEntry<'a> {
    /// Relative to the embedded directory.
    pub(super) const fn path(&self) -> &'a str {
        match self {
            Self::Dir(dir) => dir.path,
            Self::File(file) => file.path,
        }
    }
}

impl Metadata {
    pub const fn new(_: std::time::Duration, _: std::time::Duration, _: std::time::Duration) -> Self {
        Self
    }
}

/// Fails the build if the names of the files are not those that the lock asks for. For constants only.
///
/// Of the lock it knows no more than it needs for that: what it cannot tell, such as an edited file, loading finds.
pub const fn assert_fits(shown: &str, dir: &Dir<'_>) {
    if let Some(message) = misfit(shown, dir) {
        message.fail();
    }
}

/// Fails the build if the path would be resolved from wherever the compiler was started. For constants only.
pub const fn assert_anchored(path: &str) {
    let bytes = path.as_bytes();
    if !matches!(bytes, [b'$' | b'/' | b'\\', ..] | [_, b':', ..]) {
        let message = Message::new("`embed!(path = \"");
        let message = message
            .and(path)
            .and("\")`: in a workspace a relative path would begin at the workspace's directory; write ");
        message.and("`embed!(path = \"$CARGO_MANIFEST_DIR/").and(path).and("\")`").fail();
    }
}

/// What is wrong with the names, if anything is.
const fn misfit(shown: &str, dir: &Dir<'_>) -> Option<Message> {
    let entries = dir.entries;
    let Some(lock) = lock_of(entries) else {
        let message = Message::new("`").and(shown).and("` holds no `").and(lock::FILE_NAME);
        return Some(message.and("`: embed the directory that does, or run `cargo dbmigrate init`"));
    };
    // Both are in the order of names: the compiler's list is sorted, and so are the lock's lines.
    let (mut at, mut next) = (if let [0xef, 0xbb, 0xbf, ..] = lock { 3 } else { 0 }, 0);
    while at < lock.len() {
        let start = at;
        if matches!(lock[start], b'#' | b'\r' | b'\n') {
            at = line_at(lock, start).0;
            continue;
        }
        let (end, id_length, irreversible) = line_at(lock, start);
        at = end;
        let (_, line) = lock.split_at(start);
        let (id, _) = line.split_at(id_length);
        if lock[start] != b'V' || id_length == 0 {
            let message = Message::new("`").and(shown).and("/").and(lock::FILE_NAME);
            return Some(
                message.and("` has a line that is no migration's, as a merge conflict leaves it").and(VERIFY),
            );
        }
        let suffixes: &[&str] = if irreversible { &[".sql"] } else { &[".down.sql", ".sql"] };
        let mut which = 0;
        while which < suffixes.len() {
            let suffix = suffixes[which];
            next = past_lock(entries, next);
            let found = if next < entries.len() { order(entries[next].path(), id, suffix) } else { 1 };
            if found < 0 {
                return Some(unexpected(shown, lock, entries[next].path()));
            } else if found > 0 {
                return Some(missing(shown, entries, id, suffix));
            }
            next += 1;
            which += 1;
        }
    }
    next = past_lock(entries, next);
    if next < entries.len() { Some(unexpected(shown, lock, entries[next].path())) } else { None }
}

const VERIFY: &str = ": run `cargo dbmigrate verify`, which names each file and the way out";

/// An entry that does not come next in the lock.
const fn unexpected(shown: &str, lock: &[u8], path: &str) -> Message {
    let mut at = 0;
    while at < lock.len() {
        let (_, line) = lock.split_at(at);
        let (end, id_length, irreversible) = line_at(lock, at);
        let (id, _) = line.split_at(id_length);
        if order(path, id, ".sql") == 0 || (!irreversible && order(path, id, ".down.sql") == 0) {
            return out_of_order(shown);
        }
        at = end;
    }
    let message = Message::new("`").and(shown).and("/").and(path);
    message.and("` is not in `dbmigrate.lock`; only finalized migrations belong there").and(VERIFY)
}

/// A file of the lock that does not come next among the entries.
const fn missing(shown: &str, entries: &[DirEntry<'_>], id: &[u8], suffix: &str) -> Message {
    let mut at = 0;
    while at < entries.len() {
        if order(entries[at].path(), id, suffix) == 0 {
            return out_of_order(shown);
        }
        at += 1;
    }
    let message = Message::new("`").and(shown).and("/").bytes(id).and(suffix);
    message.and("` is in `dbmigrate.lock`, but not there").and(VERIFY)
}

const fn out_of_order(shown: &str) -> Message {
    let message = Message::new("the lines of `").and(shown).and("/").and(lock::FILE_NAME);
    message.and("` are not in the order of versions").and(VERIFY)
}

/// Where the line after the one that begins here begins, the length of its first word, and whether it says that there is no down.
const fn line_at(lock: &[u8], start: usize) -> (usize, usize, bool) {
    const IRREVERSIBLE: &[u8] = b" down=irreversible ";
    /// From the `=` to what stands after the 64 digits.
    const HASH: usize = 65;
    let (mut at, mut word, mut matched, mut irreversible) = (start, 0, 0, false);
    while at < lock.len() && lock[at] != b'\n' {
        let byte = lock[at];
        if word == 0 && byte == b' ' {
            word = at - start;
        }
        matched = if byte == IRREVERSIBLE[matched] { matched + 1 } else { (byte == b' ') as usize };
        if matched == IRREVERSIBLE.len() {
            (irreversible, matched) = (true, 0);
        }
        // A hash is skipped as a whole: the compiler counts steps, and warns of a constant that takes many.
        let hash = byte == b'=' && at + HASH < lock.len() && matches!(lock[at + HASH], b' ' | b'\r' | b'\n');
        at += if hash { HASH } else { 1 };
    }
    (at + 1, word, irreversible)
}

const fn lock_of<'a>(entries: &[DirEntry<'a>]) -> Option<&'a [u8]> {
    let mut at = 0;
    while at < entries.len() {
        if let DirEntry::File(file) = &entries[at]
            && order(file.path, lock::FILE_NAME.as_bytes(), "") == 0
        {
            return Some(file.contents);
        }
        at += 1;
    }
    None
}

/// The index, or the one after it if the lock stands there.
const fn past_lock(entries: &[DirEntry<'_>], at: usize) -> usize {
    let is_lock = at < entries.len() && order(entries[at].path(), lock::FILE_NAME.as_bytes(), "") == 0;
    if is_lock { at + 1 } else { at }
}

/// Compares a name with one that is given in two pieces: below, at or above zero.
const fn order(name: &str, start: &[u8], end: &str) -> i32 {
    let (name, end) = (name.as_bytes(), end.as_bytes());
    let length = start.len() + end.len();
    let mut at = 0;
    while at < name.len() && at < length {
        let expected = if at < start.len() { start[at] } else { end[at - start.len()] };
        if name[at] != expected {
            return name[at] as i32 - expected as i32;
        }
        at += 1;
    }
    name.len() as i32 - length as i32
}

/// A text that is put together in a constant.
struct Message {
    bytes: [u8; 1024],
    length: usize,
}

impl Message {
    const fn new(text: &str) -> Self {
        Self { bytes: [0; 1024], length: 0 }.and(text)
    }

    const fn and(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    const fn bytes(mut self, text: &[u8]) -> Self {
        let mut at = 0;
        while at < text.len() && self.length < self.bytes.len() {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    const fn text(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.length);
        match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "the migrations do not fit `dbmigrate.lock`: run `cargo dbmigrate verify`",
        }
    }

    #[allow(clippy::panic, reason = "in a constant, where this is called, a panic is a compile error")]
    const fn fail(&self) -> ! {
        panic!("{}", self.text())
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
