//! The catalog as data.

/// The difference between two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    lines: Vec<DiffLine>,
}

impl Diff {
    /// The difference as lines for people, grouped by object.
    pub fn lines(&self) -> Vec<DiffLine> {
        self.lines.clone()
    }
}

impl From<Vec<DiffLine>> for Diff {
    fn from(lines: Vec<DiffLine>) -> Self {
        Self { lines }
    }
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// `+` there and should not be, `-` should be there and is not, `~` changed, a blank for a heading.
    pub sign: char,
    /// How deep the line is nested, in levels.
    pub indent: usize,
    /// The line.
    pub text: String,
}
