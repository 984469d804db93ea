//! The kinds of problem this tool can report, and the two shapes they come in.
//!
//! A [`Finding`] is data: something a check reports (exit status 1). A [`Refusal`] is an error: the command could not
//! run (exit status 2). Both carry a [`Kind`], whose id is stable and which `explain` describes. This room is at the
//! bottom of the tool: it knows no database, no files and no output format.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::snapshot::Diff;

pub use kind::Kind;

mod kind;

/// A command could not run. Says what is wrong and what to do instead.
///
/// Travels inside `anyhow::Error`; `main` finds it there and prints the id and the hint.
#[derive(Debug)]
pub struct Refusal {
    /// Which kind of refusal this is.
    pub kind: Kind,
    /// What is wrong and where: a lowercase fragment, literals in backticks.
    pub message: String,
    /// What to do instead.
    pub hint: String,
    /// The offending place in a file, if there is one.
    pub excerpt: Option<Box<Excerpt>>,
    /// The error underneath, if there is one.
    pub source: Option<anyhow::Error>,
}

impl Refusal {
    /// A refusal with a message and a way out.
    pub fn new(kind: Kind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into(), excerpt: None, source: None }
    }

    /// Adds the error that caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds the place in a file that it is about.
    #[must_use]
    pub fn at(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(Box::new(excerpt));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| {
            let error: &(dyn Error + 'static) = error.as_ref();
            error
        })
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; does not change the exit status.
    Note,
    /// Fails the check.
    Error,
}

/// Something a check reports about one migration or file, or about the whole set.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which kind of finding this is.
    pub kind: Kind,
    /// Whether it fails the check.
    pub severity: Severity,
    /// The migration that it is about, as `V<version>__<name>`.
    pub migration: Option<String>,
    /// The file that it is about, as the user would write it.
    pub file: Option<PathBuf>,
    /// One sentence: what is wrong. A lowercase fragment, literals in backticks.
    pub message: String,
    /// The catalog difference, if it is about one. Read as: what is there, against what should be there.
    pub diff: Option<Diff>,
    /// The place in the SQL, if it is about one.
    pub excerpt: Option<Excerpt>,
}

impl Finding {
    /// A finding that fails the check.
    pub fn error(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            severity: Severity::Error,
            migration: None,
            file: None,
            message: message.into(),
            diff: None,
            excerpt: None,
        }
    }

    /// A finding that is only worth knowing.
    pub fn note(kind: Kind, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(kind, message) }
    }

    /// Names the migration that it is about.
    #[must_use]
    pub fn migration(mut self, name: impl Into<String>) -> Self {
        self.migration = Some(name.into());
        self
    }

    /// Names the file that it is about.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Adds the catalog difference.
    #[must_use]
    pub fn diff(mut self, diff: Diff) -> Self {
        self.diff = Some(diff);
        self
    }

    /// Adds the place in the SQL.
    #[must_use]
    pub fn excerpt(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(excerpt);
        self
    }
}

/// A place in a text file, and what the server or the parser said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The file, as the user would write it.
    pub file: PathBuf,
    /// 1-based line, and 1-based column counted in characters; `None` when the place is not known.
    pub place: Option<(usize, usize)>,
    /// The source line at that place, without its line end.
    pub line: String,
    /// What is wrong there.
    pub message: String,
    /// SQLSTATE, if a server said it.
    pub sqlstate: Option<String>,
    /// The server's DETAIL.
    pub detail: Option<String>,
    /// The server's HINT.
    pub hint: Option<String>,
    /// The server's CONTEXT (for errors inside functions and DO blocks).
    pub context: Option<String>,
}

impl Excerpt {
    /// The place at a byte offset of a text.
    pub fn at_offset(
        file: impl Into<PathBuf>,
        text: &str,
        offset: usize,
        message: impl Into<String>,
    ) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default().to_owned();
        let row = before.matches('\n').count() + 1;
        let column = text[start..offset].chars().count() + 1;
        Self { place: Some((row, column)), line, ..Self::whole_file(file, message) }
    }

    /// A whole file, no place known.
    pub fn whole_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            place: None,
            line: String::new(),
            message: message.into(),
            sqlstate: None,
            detail: None,
            hint: None,
            context: None,
        }
    }
}
