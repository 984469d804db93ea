//! The pairs on which a witness is known to be wrong, each with the reason.

use std::fs;
use std::path::Path;

use super::cases::{Family, Variant};

/// `exceptions.txt`: one `witness | family | variant | variant | reason` a line, `*` for any variant.
pub(super) struct Exceptions {
    lines: Vec<Line>,
}

struct Line {
    witness: String,
    family: String,
    variants: [String; 2],
    text: String,
    used: bool,
}

impl Exceptions {
    pub(super) fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines = lines.map(|line| {
            let words: Vec<_> = line.splitn(5, '|').map(str::trim).collect();
            let [witness, family, left, right, reason] = words.as_slice() else {
                panic!("exceptions.txt: `{line}` has no five fields");
            };
            assert!(!reason.is_empty(), "exceptions.txt: `{line}` has no reason");
            Line {
                witness: (*witness).to_owned(),
                family: (*family).to_owned(),
                variants: [(*left).to_owned(), (*right).to_owned()],
                text: line.to_owned(),
                used: false,
            }
        });
        Self { lines: lines.collect() }
    }

    /// Whether the witness may be wrong on this pair. A line also holds for the variants that equal those it names.
    pub(super) fn excuse(&mut self, witness: &str, family: &Family, left: &Variant, right: &Variant) -> bool {
        let is = |variant: &Variant, name: &str| {
            name == "*" || name == variant.name || name == family.exact(variant)
        };
        let line = self.lines.iter_mut().find(|line| {
            let [a, b] = &line.variants;
            line.witness == witness
                && line.family == family.name
                && (is(left, a) && is(right, b) || is(left, b) && is(right, a))
        });
        if let Some(line) = line {
            line.used = true;
            true
        } else {
            false
        }
    }

    /// The lines that excused nothing, among those that could have.
    pub(super) fn unused(&self, families: &[Family], dumped: bool) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter(move |line| !line.used && (dumped || line.witness != "pg_dump"))
            .filter(|line| families.iter().any(|family| family.name == line.family))
            .map(|line| line.text.as_str())
    }
}
