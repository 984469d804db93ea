//! What files there are, and what became of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// All files below a directory, with their contents. Directories are entries too: their names end with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Vec<u8>>);

impl Tree {
    /// Reads a directory. Build output and version control are left out.
    pub fn of(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.enter(root, "");
        tree
    }

    fn enter(&mut self, directory: &Path, prefix: &str) {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if ["target", ".git"].contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                let name = format!("{name}/");
                self.enter(&entry.path(), &name);
                self.0.insert(name, Vec::new());
            } else {
                self.0.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }

    /// The paths of all files and directories.
    pub fn paths(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// What became of it: a line for each file, `+`, `-` or `~`, and the lines of what is new or changed.
    pub fn changes(&self, after: &Self) -> String {
        let mut out = String::new();
        for (path, content) in &after.0 {
            match self.0.get(path) {
                None => {
                    let _ = writeln!(out, "+ {path}");
                    lines(&mut out, "  | ", content);
                }
                Some(before) if before != content => {
                    let _ = writeln!(out, "~ {path}");
                    difference(&mut out, before, content);
                }
                Some(_) => {}
            }
        }
        for path in self.0.keys().filter(|path| !after.0.contains_key(*path)) {
            let _ = writeln!(out, "- {path}");
        }
        out
    }
}

fn lines(out: &mut String, prefix: &str, content: &[u8]) {
    for line in String::from_utf8_lossy(content).lines() {
        let _ = writeln!(out, "{}", format!("{prefix}{line}").trim_end());
    }
}

/// The lines between what both begin with and what both end with.
fn difference(out: &mut String, before: &[u8], after: &[u8]) {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let start = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - start;
    let end = before.iter().rev().zip(after.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    for (prefix, changed) in
        [("  - ", &before[start..before.len() - end]), ("  + ", &after[start..after.len() - end])]
    {
        lines(out, prefix, changed.join("\n").as_bytes());
    }
}
