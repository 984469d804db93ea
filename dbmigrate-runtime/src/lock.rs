//! `dbmigrate.lock`: one line per finalized migration, in order, chained. Pure: text in, text out.
//!
//! ```text
//! # dbmigrate.lock 1: written by `cargo dbmigrate`, never by hand
//! V20260301120000__create_users up=<sha256> down=<sha256> chain=<sha256>
//! V20260302120000__add_index up=<sha256> down=<sha256> up-no-transaction=0,61 replaces=20260302083000__idx chain=<sha256>
//! V20260303120000__drop_legacy up=<sha256> down=irreversible chain=<sha256>
//! ```
//!
//! `chain` is the SHA-256 of the chain before it (64 zeros before the first line) and of the line up to ` chain=`. Two
//! branches that both finalize change the same place, so that version control reports a conflict, on purpose.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::migration::{Direction, Hash, Id};

/// The lock's file name, in the migrations directory.
pub const FILE_NAME: &str = "dbmigrate.lock";

const HEADER: &str = "# dbmigrate.lock 1: written by `cargo dbmigrate`, never by hand";
const HEADER_START: &str = "# dbmigrate.lock ";

/// All finalized migrations, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    entries: Vec<Entry>,
}

/// One line of the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Version and name.
    pub id: Id,
    /// The up.
    pub up: Sealed,
    /// The down; `None` if the migration is declared irreversible.
    pub down: Option<Sealed>,
    /// What it was made from: the drafts that it replaces, or `<tool>:<name>` for an adopted one.
    pub replaces: Vec<String>,
    /// The chain hash as it stands in the lock.
    pub chain: Hash,
}

/// What the lock knows of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The SHA-256 of the normalised text.
    pub hash: Hash,
    /// For a `no-transaction` file: where every statement begins. A statement goes up to the next one's beginning.
    pub statements: Option<Vec<Statement>>,
}

/// One statement of a `no-transaction` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The byte offset of its beginning in the normalised text.
    pub offset: usize,
    /// How often it runs.
    pub times: Times,
}

/// How often a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Again and again, each time in a transaction of its own, until it changes no row: `-- dbmigrate: repeat`.
    UntilNoRow,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.offset)?;
        if self.times == Times::UntilNoRow { f.write_str("*") } else { Ok(()) }
    }
}

impl FromStr for Statement {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (offset, times) = match text.strip_suffix('*') {
            Some(offset) => (offset, Times::UntilNoRow),
            None => (text, Times::Once),
        };
        Ok(Self { offset: offset.parse()?, times })
    }
}

/// The statements of a file as they stand in a lock or a history: offsets with commas between them, and a `*` after those
/// that run until they change no row.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_statements(text: &str) -> Result<Vec<Statement>, &'static str> {
    let statements = text.split(',').map(str::parse).collect::<Result<Vec<Statement>, _>>();
    let statements = statements.map_err(|_| "is not a list of byte offsets")?;
    if statements.windows(2).all(|pair| pair[0].offset < pair[1].offset) {
        Ok(statements)
    } else {
        Err("has byte offsets that do not ascend")
    }
}

/// The inverse of [`parse_statements`].
pub fn render_statements(statements: &[Statement]) -> String {
    let words: Vec<_> = statements.iter().map(ToString::to_string).collect();
    words.join(",")
}

impl Entry {
    /// What the lock knows of its file of one direction.
    pub fn sealed(&self, direction: Direction) -> Option<&Sealed> {
        match direction {
            Direction::Up => Some(&self.up),
            Direction::Down => self.down.as_ref(),
        }
    }

    /// The line up to ` chain=`.
    fn body(&self) -> String {
        let mut line = format!("{} up={}", self.id, self.up.hash);
        match &self.down {
            Some(down) => _ = write!(line, " down={}", down.hash),
            None => line.push_str(" down=irreversible"),
        }
        for (direction, sealed) in [(Direction::Up, Some(&self.up)), (Direction::Down, self.down.as_ref())] {
            if let Some(statements) = sealed.and_then(|sealed| sealed.statements.as_ref()) {
                _ = write!(line, " {direction}-no-transaction={}", render_statements(statements));
            }
        }
        if !self.replaces.is_empty() {
            let names: Vec<_> = self.replaces.iter().map(|name| escape(name)).collect();
            _ = write!(line, " replaces={}", names.join(","));
        }
        line
    }

    fn chain_after(&self, before: Hash) -> Hash {
        Hash::of(&[before.to_string().as_bytes(), self.body().as_bytes()])
    }
}

impl Lock {
    /// The entries, in the order of the lines.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a migration.
    pub fn entry(&self, id: &Id) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    /// The newest finalized migration.
    pub fn head(&self) -> Option<&Id> {
        self.entries.last().map(|entry| &entry.id)
    }

    /// Appends a migration and chains it to the line before.
    ///
    /// # Errors
    /// Its version is not newer than head; gives head.
    pub fn push(
        &mut self,
        id: Id,
        up: Sealed,
        down: Option<Sealed>,
        replaces: Vec<String>,
    ) -> Result<(), NotNewer> {
        let before = match self.entries.last() {
            Some(last) if last.id.version >= id.version => return Err(NotNewer { head: last.id.clone() }),
            Some(last) => last.chain,
            None => Hash::ZERO,
        };
        let mut entry = Entry { id, up, down, replaces, chain: Hash::ZERO };
        entry.chain = entry.chain_after(before);
        self.entries.push(entry);
        Ok(())
    }

    /// The index of every entry whose chain hash does not follow from the line before it.
    pub fn broken_links(&self) -> Vec<usize> {
        let mut before = Hash::ZERO;
        let mut broken = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.chain_after(before) != entry.chain {
                broken.push(index);
            }
            before = entry.chain;
        }
        broken
    }

    /// Reads a lock. Order and chain are not judged here: see [`Lock::broken_links`] and [`crate::set::discrepancies`].
    ///
    /// # Errors
    /// Conflict markers, an unknown format, or a line that is not as it must be; says which line.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let mut lines = text.lines().enumerate();
        let at = |index: usize, fault| LockError { line: index + 1, fault };
        if let Some(marker) = text.lines().position(is_conflict_marker) {
            return Err(at(marker, LockFault::Conflict));
        }
        match lines.next() {
            Some((_, line)) if line == HEADER => {}
            Some((_, line)) if line.starts_with(HEADER_START) => return Err(at(0, LockFault::UnknownFormat)),
            _ => return Err(at(0, LockFault::NoHeader)),
        }
        let mut entries = Vec::new();
        for (index, line) in lines {
            entries.push(parse_line(line).map_err(|why| at(index, LockFault::Malformed(why)))?);
        }
        Ok(Self { entries })
    }

    /// The lock as text.
    pub fn render(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for entry in &self.entries {
            _ = writeln!(text, "{} chain={}", entry.body(), entry.chain);
        }
        text
    }
}

fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker))
}

fn parse_line(line: &str) -> Result<Entry, String> {
    let mut words = line.split(' ');
    let id: Id = words.next().unwrap_or_default().parse().map_err(|error| format!("{error}"))?;
    let mut fields: Vec<(&str, &str)> = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not `key=value`"))?;
        if fields.iter().any(|(known, _)| *known == key) {
            return Err(format!("`{key}` stands twice"));
        }
        fields.push((key, value));
    }
    let mut take = |key: &str| {
        let at = fields.iter().position(|(known, _)| *known == key);
        at.map(|at| fields.remove(at).1)
    };
    let hash = |key: &str, value: Option<&str>| -> Result<Hash, String> {
        let value = value.ok_or_else(|| format!("`{key}` is missing"))?;
        value.parse().map_err(|error| format!("`{key}` is {error}"))
    };
    let statements = |key: &str, value: Option<&str>| {
        value.map(|value| parse_statements(value).map_err(|why| format!("`{key}` {why}"))).transpose()
    };
    let up = Sealed {
        hash: hash("up", take("up"))?,
        statements: statements("up-no-transaction", take("up-no-transaction"))?,
    };
    let down = match take("down") {
        Some("irreversible") => None,
        value => Some(Sealed {
            hash: hash("down", value)?,
            statements: statements("down-no-transaction", take("down-no-transaction"))?,
        }),
    };
    let replaces = take("replaces").map(|names| names.split(',').map(unescape).collect()).unwrap_or_default();
    let chain = hash("chain", take("chain"))?;
    match fields.first() {
        Some((key, _)) => Err(format!("`{key}` is not known")),
        None => Ok(Entry { id, up, down, replaces, chain }),
    }
}

/// Names of foreign files may hold anything; in the lock, separators and control characters are percent-encoded.
fn escape(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if matches!(character, '%' | ',' | '=') || character.is_whitespace() || character.is_control() {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| _ = write!(text, "%{byte:02x}"));
        } else {
            text.push(character);
        }
    }
    text
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code =
            after.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A migration that was to be appended is not newer than head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotNewer {
    /// The newest finalized migration.
    pub head: Id,
}

impl fmt::Display for NotNewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is not newer than head, `{}`", self.head)
    }
}

impl Error for NotNewer {}

/// A lock that cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockError {
    /// The 1-based line.
    pub line: usize,
    /// What is wrong there.
    pub fault: LockFault,
}

/// What is wrong with a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockFault {
    /// The first line is not the header.
    NoHeader,
    /// A format that this version does not know.
    UnknownFormat,
    /// Version control's conflict markers.
    Conflict,
    /// A line is not as it must be; says how.
    Malformed(String),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.fault {
            LockFault::NoHeader => write!(f, "line {line}: the header `{HEADER}` is missing"),
            LockFault::UnknownFormat => {
                write!(f, "line {line}: written in a format that this version does not know")
            }
            LockFault::Conflict => write!(f, "line {line}: an unresolved merge conflict"),
            LockFault::Malformed(why) => write!(f, "line {line}: {why}"),
        }
    }
}

impl Error for LockError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn sealed(text: &str, statements: Option<&str>) -> Sealed {
        let statements = statements.map(|text| parse_statements(text).unwrap());
        Sealed { hash: Hash::of(&[text.as_bytes()]), statements }
    }

    fn sample() -> Lock {
        let mut lock = Lock::default();
        let id = |text: &str| text.parse::<Id>().unwrap();
        lock.push(id("V20260301120000__a"), sealed("a", None), Some(sealed("b", None)), vec![]).unwrap();
        let replaces = vec!["diesel:2014 odd, %name=x".to_owned(), "20260302083000__idx".to_owned()];
        let (up, down) = (sealed("c", Some("0,61*")), Some(sealed("d", Some("0"))));
        lock.push(id("V20260302120000__b"), up, down, replaces).unwrap();
        lock.push(id("V20260303120000__c"), sealed("e", None), None, vec![]).unwrap();
        lock
    }

    #[test]
    fn a_lock_survives_its_text() {
        let lock = sample();
        assert_eq!(Lock::parse(&lock.render()).unwrap(), lock);
        assert!(lock.broken_links().is_empty());
        assert_eq!(Lock::parse(&Lock::default().render()).unwrap(), Lock::default());
    }

    #[test]
    fn every_change_to_a_line_breaks_the_chain() {
        let text = sample().render();
        let edited = text.replace("__a up", "__z up");
        assert_eq!(Lock::parse(&edited).unwrap().broken_links(), [0]);
        let lines: Vec<_> = text.lines().collect();
        let without = [lines[0], lines[1], lines[3]].join("\n");
        assert_eq!(Lock::parse(&without).unwrap().broken_links(), [1]);
        let swapped = [lines[0], lines[2], lines[1], lines[3]].join("\n");
        assert_eq!(Lock::parse(&swapped).unwrap().broken_links(), [0, 1, 2]);
    }

    #[test]
    fn what_is_not_a_lock_is_named_with_its_line() {
        let text = sample().render();
        let fault = |text: &str| Lock::parse(text).unwrap_err();
        assert_eq!(fault("").fault, LockFault::NoHeader);
        assert_eq!(fault("# dbmigrate.lock 2: x\n").fault, LockFault::UnknownFormat);
        let conflict = text.replacen("\nV", "\n<<<<<<< HEAD\nV", 1);
        assert_eq!((fault(&conflict).line, fault(&conflict).fault), (2, LockFault::Conflict));
        for (from, to) in [
            (" up=", " up=0"),
            (" chain=", " chian="),
            ("down=irreversible ", ""),
            ("=0,61*", "=61,0"),
            ("=0,61*", "=0,61**"),
            ("__b ", "__b x "),
        ] {
            assert!(matches!(fault(&text.replace(from, to)).fault, LockFault::Malformed(_)), "{from}");
        }
    }

    #[test]
    fn versions_ascend() {
        let mut lock = sample();
        let late = "V20260303120000__late".parse().unwrap();
        assert_eq!(lock.push(late, sealed("x", None), None, vec![]).unwrap_err().head.name, "c");
    }
}
