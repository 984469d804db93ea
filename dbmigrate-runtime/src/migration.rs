//! File names, versions, directives and scripts. Pure: text in, values or typed errors out.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Digits of a version: a UTC timestamp, `YYYYMMDDhhmmss`.
pub const VERSION_DIGITS: usize = 14;
/// Longest name, in bytes, so that every file name stays below the 255 bytes that file systems allow.
pub const MAX_NAME: usize = 200;

/// The version of a migration: fourteen digits, by convention a UTC timestamp. Orders as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// A version from its number; `None` if it has more than fourteen digits or is negative.
    pub const fn new(number: i64) -> Option<Self> {
        if number < 0 || number > 99_999_999_999_999 { None } else { Some(Self(number)) }
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

/// A version and a name; as text `V20260301120000__create_users`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The version.
    pub version: Version,
    /// The name, in `snake_case`.
    pub name: String,
}

impl Id {
    /// Checks a name and joins it with a version.
    pub fn new(version: Version, name: &str) -> Result<Self, NameError> {
        check_name(name)?;
        Ok(Self { version, name: name.to_owned() })
    }

    /// The name of one of its finalized files.
    pub fn file_name(&self, direction: Direction) -> String {
        format!("{self}{}", direction.suffix())
    }

    /// The name of one of its files at this stage.
    pub fn file_name_at(&self, stage: Stage, direction: Direction) -> String {
        format!("{}{}", self.stem(stage), direction.suffix())
    }

    /// How the names of its files begin at this stage, and what messages call it: a draft has no `V`.
    pub fn stem(&self, stage: Stage) -> String {
        match stage {
            Stage::Finalized => self.to_string(),
            Stage::Draft => format!("{}__{}", self.version, self.name),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V{}__{}", self.version, self.name)
    }
}

impl FromStr for Id {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        parse_id(text.strip_prefix('V').ok_or(NameError::NoV)?)
    }
}

/// Which way a script goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Applies the migration.
    Up,
    /// Reverts it.
    Down,
}

impl Direction {
    /// How file names of this direction end.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Up => ".sql",
            Self::Down => ".down.sql",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// Whether a file is finalized (`V…`) or a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In the migrations directory and in the lock.
    Finalized,
    /// What `new` writes; editable, local only.
    Draft,
}

/// Reads the name of a migration's file.
///
/// # Errors
/// Says what about the name is not as it must be: `V<14 digits>__<snake_case>.sql` or `.down.sql`, for drafts without `V`.
pub fn parse_file_name(file: &str, stage: Stage) -> Result<(Id, Direction), NameError> {
    let (stem, direction) = if let Some(stem) = file.strip_suffix(Direction::Down.suffix()) {
        (stem, Direction::Down)
    } else if let Some(stem) = file.strip_suffix(Direction::Up.suffix()) {
        (stem, Direction::Up)
    } else {
        return Err(NameError::NotSql);
    };
    let stem = match stage {
        Stage::Finalized => stem.strip_prefix('V').ok_or(NameError::NoV)?,
        Stage::Draft => stem,
    };
    Ok((parse_id(stem)?, direction))
}

fn parse_id(text: &str) -> Result<Id, NameError> {
    let (digits, name) = text.split_once("__").ok_or(NameError::NoSeparator)?;
    if digits.len() != VERSION_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameError::BadVersion(digits.to_owned()));
    }
    let number = digits.parse().map_err(|_| NameError::BadVersion(digits.to_owned()))?;
    Id::new(Version::new(number).ok_or_else(|| NameError::BadVersion(digits.to_owned()))?, name)
}

/// Checks that a name is `snake_case`: lower-case ASCII words of letters and digits, joined by single underscores.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if name.len() > MAX_NAME {
        Err(NameError::TooLong(name.len()))
    } else if name.split('_').all(word) {
        Ok(())
    } else {
        Err(NameError::NotSnakeCase(name.to_owned()))
    }
}

/// What is wrong with a file's or migration's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It does not end in `.sql`.
    NotSql,
    /// A finalized migration's name does not begin with `V`.
    NoV,
    /// There is no `__` between version and name.
    NoSeparator,
    /// The version is not exactly fourteen digits.
    BadVersion(String),
    /// The name is not `snake_case`.
    NotSnakeCase(String),
    /// The name has more than [`MAX_NAME`] bytes; this many.
    TooLong(usize),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSql => f.write_str("it does not end in `.sql`"),
            Self::NoV => f.write_str("it does not begin with `V`"),
            Self::NoSeparator => f.write_str("there is no `__` between version and name"),
            Self::BadVersion(text) => {
                write!(f, "the version `{text}` is not {VERSION_DIGITS} digits (`YYYYMMDDhhmmss`)")
            }
            Self::NotSnakeCase(text) => {
                write!(
                    f,
                    "the name `{text}` is not snake_case (lower-case letters and digits, words joined by one `_`)"
                )
            }
            Self::TooLong(length) => write!(f, "the name has {length} bytes, more than {MAX_NAME}"),
        }
    }
}

impl Error for NameError {}

/// The SHA-256 of a normalised script or of a lock line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash before the first line of a lock.
    pub const ZERO: Self = Self([0; 32]);

    /// The SHA-256 of these pieces, one after the other.
    pub fn of(pieces: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for piece in pieces {
            digest.update(piece);
        }
        Self(digest.finalize().into())
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve digits, for messages.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(BadHash);
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| BadHash)?;
        }
        Ok(Self(bytes))
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHash;

impl fmt::Display for BadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a SHA-256: 64 lower-case hexadecimal digits")
    }
}

impl Error for BadHash {}

/// Removes a byte order mark and turns CRLF into LF, so that a checkout's settings change no hash.
///
/// # Errors
/// The file is not UTF-8, or holds a NUL byte, which PostgreSQL takes nowhere; says at which byte offset.
pub fn normalise(bytes: &[u8]) -> Result<Cow<'_, str>, EncodingError> {
    let text = std::str::from_utf8(bytes).map_err(|error| EncodingError::NotUtf8(error.valid_up_to()))?;
    if let Some(at) = text.find('\0') {
        return Err(EncodingError::Nul(at));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) })
}

/// Why bytes are not a script's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodingError {
    /// Not UTF-8 from this byte offset on.
    NotUtf8(usize),
    /// A NUL byte at this byte offset.
    Nul(usize),
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8(at) => write!(f, "not UTF-8 from byte {at} on"),
            Self::Nul(at) => write!(f, "a NUL byte at byte {at}"),
        }
    }
}

impl Error for EncodingError {}

/// What the comment lines at the head of a script ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-transaction`: every statement runs on its own.
    pub no_transaction: bool,
    /// `irreversible <reason>`: there is no down, and why.
    pub irreversible: Option<String>,
    /// `allow <rule> <reason>`: findings of these rules are accepted.
    pub allow: Vec<Allow>,
    /// How many lines say `repeat`. Which statements those are takes an SQL lexer: the lock says it.
    pub repeats: usize,
}

/// An accepted finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The id of the rule.
    pub rule: String,
    /// Why it is accepted.
    pub reason: String,
}

/// How directive lines begin, after `--` and spaces.
const MARK: &str = "dbmigrate:";

/// The directive of one statement, the one that follows: it runs until it changes no row.
pub const REPEAT: &str = "repeat";

/// The name of the directive that a line gives, and what stands after it; `None` if the line gives none.
pub fn directive(line: &str) -> Option<(&str, &str)> {
    let words = line.trim().strip_prefix("--")?.trim_start().strip_prefix(MARK)?.trim();
    let (name, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    Some((name, rest.trim()))
}

impl Directives {
    /// Reads the directives of a normalised script, one per line. Those of the file stand in its leading comment block;
    /// `repeat` stands before the statement that repeats, with nothing but comments and blank lines between them, so
    /// that in the leading block it is the first statement's.
    ///
    /// Lines are all that is looked at: a line inside of a string that reads like a directive is taken for one.
    ///
    /// # Errors
    /// An unknown directive, one without its reason, with an argument that it does not take, given twice, or in a place
    /// where it cannot stand.
    pub fn parse(text: &str) -> Result<Self, DirectiveError> {
        let mut directives = Self::default();
        let (mut offset, mut leading) = (0, true);
        let (mut first_repeat, mut waiting_repeat) = (None, None);
        for line in text.split_inclusive('\n') {
            let trimmed = line.trim();
            if !trimmed.is_empty() && !trimmed.starts_with("--") {
                leading = false;
                waiting_repeat = None;
            }
            if let Some((name, rest)) = directive(trimmed) {
                let at = offset + line.len() - line.trim_start().len();
                let fault = |fault| DirectiveError { offset: at, fault };
                if name == REPEAT {
                    if !rest.is_empty() {
                        return Err(fault(DirectiveFault::TakesNothing(name.to_owned())));
                    }
                    if waiting_repeat.is_some() {
                        return Err(fault(DirectiveFault::RepeatTwice));
                    }
                    directives.repeats += 1;
                    waiting_repeat = Some(at);
                    first_repeat = first_repeat.or(waiting_repeat);
                } else if leading {
                    directives.add(name, rest).map_err(fault)?;
                } else {
                    return Err(fault(DirectiveFault::Misplaced));
                }
            }
            offset += line.len();
        }
        match (first_repeat, waiting_repeat) {
            (Some(offset), _) if !directives.no_transaction => {
                Err(DirectiveError { offset, fault: DirectiveFault::RepeatInTransaction })
            }
            (_, Some(offset)) => Err(DirectiveError { offset, fault: DirectiveFault::NothingToRepeat }),
            _ => Ok(directives),
        }
    }

    fn add(&mut self, name: &str, rest: &str) -> Result<(), DirectiveFault> {
        match name {
            "no-transaction" if !rest.is_empty() => Err(DirectiveFault::TakesNothing(name.to_owned())),
            "no-transaction" if self.no_transaction => Err(DirectiveFault::Repeated(name.to_owned())),
            "no-transaction" => {
                self.no_transaction = true;
                Ok(())
            }
            "irreversible" if rest.is_empty() => Err(DirectiveFault::NoReason(name.to_owned())),
            "irreversible" if self.irreversible.is_some() => Err(DirectiveFault::Repeated(name.to_owned())),
            "irreversible" => {
                self.irreversible = Some(rest.to_owned());
                Ok(())
            }
            "allow" => {
                let (rule, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                if rule.is_empty() || reason.trim().is_empty() {
                    return Err(DirectiveFault::NoReason(format!("allow {rule}").trim_end().to_owned()));
                }
                self.allow.push(Allow { rule: rule.to_owned(), reason: reason.trim().to_owned() });
                Ok(())
            }
            _ => Err(DirectiveFault::Unknown(name.to_owned())),
        }
    }

    /// The reason why findings of this rule are accepted, if they are.
    pub fn allows(&self, rule: &str) -> Option<&str> {
        self.allow.iter().find(|allow| allow.rule == rule).map(|allow| allow.reason.as_str())
    }
}

/// A directive that cannot be taken, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectiveError {
    /// Byte offset in the normalised script.
    pub offset: usize,
    /// What is wrong with it.
    pub fault: DirectiveFault,
}

/// What is wrong with a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectiveFault {
    /// There is no such directive.
    Unknown(String),
    /// It stands after the first statement.
    Misplaced,
    /// `repeat` in a file that runs in one transaction.
    RepeatInTransaction,
    /// `repeat` without a statement after it.
    NothingToRepeat,
    /// `repeat` twice before one statement.
    RepeatTwice,
    /// `repeat` inside of a statement, or on the same line behind one.
    RepeatNotBefore,
    /// It wants a reason.
    NoReason(String),
    /// It takes no argument.
    TakesNothing(String),
    /// It is given twice.
    Repeated(String),
}

/// The names of all directives, for suggestions.
pub const DIRECTIVES: [&str; 4] = ["no-transaction", "irreversible", "allow", REPEAT];

impl fmt::Display for DirectiveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no directive `{name}`"),
            Self::Misplaced => f.write_str("a directive stands outside of the file's leading comment block"),
            Self::RepeatInTransaction => {
                f.write_str("the directive `repeat` stands in a file that is not `no-transaction`")
            }
            Self::NothingToRepeat => f.write_str("no statement follows the directive `repeat`"),
            Self::RepeatTwice => f.write_str("the directive `repeat` is given twice for one statement"),
            Self::RepeatNotBefore => {
                f.write_str("the directive `repeat` is not on a line of its own before a statement")
            }
            Self::NoReason(name) => write!(f, "the directive `{name}` wants a reason after it"),
            Self::TakesNothing(name) => write!(f, "the directive `{name}` takes no argument"),
            Self::Repeated(name) => write!(f, "the directive `{name}` is given twice"),
        }
    }
}

impl fmt::Display for DirectiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fault, f)
    }
}

impl Error for DirectiveError {}

/// One normalised file of a migration: its text, its hash and its directives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The normalised text: no byte order mark, LF line ends.
    pub text: String,
    /// Its SHA-256.
    pub hash: Hash,
    /// Its directives.
    pub directives: Directives,
}

impl Script {
    /// Reads a script from normalised text.
    pub fn parse(text: String) -> Result<Self, DirectiveError> {
        let directives = Directives::parse(&text)?;
        Ok(Self { hash: Hash::of(&[text.as_bytes()]), text, directives })
    }
}

/// A version, a name, an up, and a down unless it is irreversible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Version and name.
    pub id: Id,
    /// Applies it.
    pub up: Script,
    /// Reverts it; `None` if it is irreversible.
    pub down: Option<Script>,
}

impl Migration {
    /// Its script of one direction.
    pub fn script(&self, direction: Direction) -> Option<&Script> {
        match direction {
            Direction::Up => Some(&self.up),
            Direction::Down => self.down.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn file_names_are_strict() {
        let (id, direction) =
            parse_file_name("V20260301120000__create_users.down.sql", Stage::Finalized).unwrap();
        assert_eq!((id.to_string().as_str(), direction), ("V20260301120000__create_users", Direction::Down));
        assert_eq!(id.file_name(Direction::Up), "V20260301120000__create_users.sql");
        assert_eq!(parse_file_name("20260301120000__a.sql", Stage::Draft).unwrap().1, Direction::Up);
        let bad = |file: &str| parse_file_name(file, Stage::Finalized).unwrap_err();
        assert_eq!(bad("V20260301120000__a.txt"), NameError::NotSql);
        assert_eq!(bad("20260301120000__a.sql"), NameError::NoV);
        assert_eq!(bad("|20260301120000__a.sql"), NameError::NoV);
        assert_eq!(bad("V20260301120000_a.sql"), NameError::NoSeparator);
        assert_eq!(bad("V3__a.sql"), NameError::BadVersion("3".into()));
        assert_eq!(bad("V2026030112000٣__a.sql"), NameError::BadVersion("2026030112000٣".into()));
        for name in ["", "A", "add-col", "a.up", "a__b", "_a", "a_", "ä"] {
            assert_eq!(bad(&format!("V20260301120000__{name}.sql")), NameError::NotSnakeCase(name.into()));
        }
        assert_eq!(bad(&format!("V20260301120000__{}.sql", "a".repeat(201))), NameError::TooLong(201));
    }

    #[test]
    fn the_hash_does_not_see_checkout_settings() {
        let plain = Script::parse(normalise(b"SELECT 1;\nSELECT 2;\n").unwrap().into_owned()).unwrap();
        let other = normalise(b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n").unwrap().into_owned();
        assert_eq!(plain.hash, Script::parse(other).unwrap().hash);
        assert_eq!(
            Hash::of(&[b"abc"]).to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(plain.hash.to_string().parse(), Ok(plain.hash));
        assert_eq!(normalise(b"ab\xff"), Err(EncodingError::NotUtf8(2)));
        assert_eq!(normalise(b"ab\0"), Err(EncodingError::Nul(2)));
    }

    #[test]
    fn directives_stand_in_the_leading_comment_block() {
        let text = "-- A comment\n\n--  dbmigrate:  no-transaction \n-- dbmigrate: allow some-rule it is fine\nSELECT 1;";
        let directives = Directives::parse(text).unwrap();
        assert!(directives.no_transaction);
        assert_eq!(directives.allows("some-rule"), Some("it is fine"));
        let fault = |text| Directives::parse(text).unwrap_err();
        assert_eq!(fault("\n-- dbmigrate: nope").fault, DirectiveFault::Unknown("nope".into()));
        assert_eq!(fault("\n-- dbmigrate: nope").offset, 1);
        assert_eq!(fault("SELECT 1;\n  -- dbmigrate: no-transaction").fault, DirectiveFault::Misplaced);
        assert_eq!(fault("SELECT 1;\n  -- dbmigrate: no-transaction").offset, 12);
        assert_eq!(
            fault("-- dbmigrate: irreversible ").fault,
            DirectiveFault::NoReason("irreversible".into())
        );
        assert_eq!(fault("-- dbmigrate: allow x").fault, DirectiveFault::NoReason("allow x".into()));
        assert_eq!(
            fault("-- dbmigrate: no-transaction yes").fault,
            DirectiveFault::TakesNothing("no-transaction".into())
        );
        let twice = "-- dbmigrate: no-transaction\n-- dbmigrate: no-transaction";
        assert_eq!(fault(twice).fault, DirectiveFault::Repeated("no-transaction".into()));
    }

    #[test]
    fn repeat_stands_before_its_statement() {
        let text = "-- dbmigrate: repeat\n-- dbmigrate: no-transaction\n\nUPDATE a;\nSELECT 1;\n\
                    -- dbmigrate: repeat\n-- in batches\n\nUPDATE b;\n";
        let directives = Directives::parse(text).unwrap();
        assert!(directives.no_transaction);
        assert_eq!(directives.repeats, 2);
        let fault = |text: &str| {
            let text = format!("-- dbmigrate: no-transaction\n{text}");
            let DirectiveError { offset, fault } = Directives::parse(&text).unwrap_err();
            (text[offset..].lines().next().unwrap().to_owned(), fault)
        };
        let line = "-- dbmigrate: repeat".to_owned();
        let twice = "-- dbmigrate: repeat\n\n-- x\n  -- dbmigrate: repeat\nUPDATE a;";
        assert_eq!(fault(twice), (line.clone(), DirectiveFault::RepeatTwice));
        let nothing = "UPDATE a;\n -- dbmigrate: repeat\n\n-- the end\n";
        assert_eq!(fault(nothing), (line, DirectiveFault::NothingToRepeat));
        assert_eq!(
            fault("UPDATE a;\n-- dbmigrate: repeat 5\nUPDATE b;"),
            ("-- dbmigrate: repeat 5".to_owned(), DirectiveFault::TakesNothing("repeat".into()))
        );
        assert_eq!(fault("UPDATE a;\n-- dbmigrate: repeats\nUPDATE b;").1, DirectiveFault::Misplaced);
        let transactional = "SELECT 1;\n-- dbmigrate: repeat\nUPDATE a;\n-- dbmigrate: repeat\nUPDATE b;";
        let error = Directives::parse(transactional).unwrap_err();
        assert_eq!(error, DirectiveError { offset: 10, fault: DirectiveFault::RepeatInTransaction });
    }
}
