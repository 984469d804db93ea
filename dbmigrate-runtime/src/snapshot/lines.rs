//! A difference as lines for people: grouped by object, long definitions as the lines that changed. Pure.

use std::collections::BTreeSet;
use std::fmt;

use similar::{Algorithm, ChangeTag, DiffTag, TextDiff, capture_diff_slices};

use super::diff::{Change, ColumnOrder, Diff};
use super::fact::{Fact, show};

/// How a line of a difference is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// There, and should not be.
    Added,
    /// Should be there, and is not.
    Removed,
    /// There, but says something else.
    Changed,
    /// Names what the lines below are about.
    Context,
}

impl Sign {
    /// The character that marks the line.
    pub fn symbol(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
            Self::Context => ' ',
        }
    }
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// The mark.
    pub sign: Sign,
    /// How deep the line is nested: 0 for objects.
    pub depth: usize,
    /// The text, without mark and indentation.
    pub text: String,
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.symbol())
    }
}

impl fmt::Display for DiffLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.sign, "  ".repeat(self.depth), self.text)
    }
}

/// Values longer than this, together, are shown as a difference of lines.
const SHORT: usize = 160;

impl Diff {
    /// The difference as lines, grouped by object; a property reads `what should be -> what is`.
    pub fn lines(&self) -> Vec<DiffLine> {
        let mut objects: BTreeSet<&str> =
            self.changes.iter().map(|change| change.fact().of.as_str()).collect();
        objects.extend(self.order.iter().map(|order| order.of.as_str()));
        let mut lines = Vec::new();
        for object in objects {
            let changes = || self.changes.iter().filter(|change| change.fact().of == object);
            if !changes().any(|change| change.fact().is_object()) {
                lines.push(DiffLine { sign: Sign::Context, depth: 0, text: object.to_owned() });
            }
            for change in changes() {
                write(change, &mut lines);
            }
            for order in self.order.iter().filter(|order| order.of == object) {
                lines.push(DiffLine { sign: Sign::Changed, depth: 1, text: moved(order) });
            }
        }
        lines
    }
}

/// Which columns moved, and behind which others they stand now.
fn moved(order: &ColumnOrder) -> String {
    let behind = |index: usize| match index.checked_sub(1).and_then(|at| order.after.get(at)) {
        Some(column) => format!("behind {column}"),
        None => "first".to_owned(),
    };
    let operations = capture_diff_slices(Algorithm::Myers, &order.before, &order.after);
    let moved = operations.iter().flat_map(|operation| {
        let inserted = operation.tag() != DiffTag::Equal && operation.tag() != DiffTag::Delete;
        if inserted { operation.new_range() } else { 0..0 }
    });
    let moved: Vec<_> = moved.map(|at| format!("{} is now {}", order.after[at], behind(at))).collect();
    format!("column order: {}", moved.join(", "))
}

fn write(change: &Change, lines: &mut Vec<DiffLine>) {
    let fact = change.fact();
    let depth = usize::from(!fact.is_object());
    let title = format!("{} {}", fact.kind, fact.id);
    let whole = |fact: &Fact| {
        let summary = fact.summary();
        if summary.is_empty() { title.clone() } else { format!("{title}: {summary}") }
    };
    match change {
        Change::Added(fact) => lines.push(DiffLine { sign: Sign::Added, depth, text: whole(fact) }),
        Change::Removed(fact) => lines.push(DiffLine { sign: Sign::Removed, depth, text: whole(fact) }),
        Change::Changed { before, after } => {
            let names: BTreeSet<&String> = before.properties.keys().chain(after.properties.keys()).collect();
            for name in names {
                let (was, is) = (before.properties.get(name), after.properties.get(name));
                if was == is {
                    continue;
                }
                let yes_no = was.or(is).is_some_and(serde_json::Value::is_boolean);
                let value = |value: Option<&serde_json::Value>| match value {
                    None if yes_no => "default".to_owned(),
                    value => show(value),
                };
                let (was, is) = (value(was), value(is));
                if !was.contains('\n') && !is.contains('\n') && was.len() + is.len() <= SHORT {
                    lines.push(DiffLine {
                        sign: Sign::Changed,
                        depth,
                        text: format!("{title}: {name}: {was} -> {is}"),
                    });
                    continue;
                }
                lines.push(DiffLine { sign: Sign::Changed, depth, text: format!("{title}: {name}:") });
                for line in TextDiff::from_lines(&was, &is).iter_all_changes() {
                    let sign = match line.tag() {
                        ChangeTag::Equal => continue,
                        ChangeTag::Delete => Sign::Removed,
                        ChangeTag::Insert => Sign::Added,
                    };
                    let text = line.value().trim_end().to_owned();
                    lines.push(DiffLine { sign, depth: depth + 1, text });
                }
            }
        }
    }
}
