//! A directory of another tool: what is in it, and the text of its files. Only reads.

use std::fs;
use std::path::{Path, PathBuf};

use dbmigrate_runtime::migration::normalise;

use super::refuse;
use crate::directory::unreadable;
use crate::problem::{Excerpt, Kind, Refusal};

/// More than this is no directory of migrations.
const MOST_FILES: usize = 100_000;
/// Deeper than this is a loop of links.
const DEEPEST: usize = 16;

/// Everything below a directory, as paths with `/`.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: PathBuf,
    shown: PathBuf,
    /// All files, sorted.
    pub(super) files: Vec<String>,
    /// The directories right below, sorted; hidden ones are left out.
    pub(super) directories: Vec<String>,
    /// Hidden directories, which no tool means.
    pub(super) hidden: Vec<String>,
}

impl Tree {
    /// Lists a directory.
    pub(super) fn read(root: &Path, shown: &Path) -> Result<Self, Refusal> {
        let mut tree = Self { root: root.to_owned(), shown: shown.to_owned(), ..Self::default() };
        tree.list("", 0)?;
        tree.files.sort_unstable();
        tree.directories.sort_unstable();
        tree.hidden.sort_unstable();
        Ok(tree)
    }

    fn list(&mut self, below: &str, depth: usize) -> Result<(), Refusal> {
        let shown = self.shown.join(below);
        for entry in fs::read_dir(self.root.join(below)).map_err(|error| unreadable(&shown, error))? {
            let entry = entry.map_err(|error| unreadable(&shown, error))?;
            let Ok(name) = entry.file_name().into_string() else {
                let name = shown.join(entry.file_name()).display().to_string();
                return Err(refuse(&name, "has a name that is not UTF-8", "rename it"));
            };
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let metadata =
                fs::metadata(entry.path()).map_err(|error| unreadable(&shown.join(&name), error))?;
            if !metadata.is_dir() {
                self.files.push(path);
            } else if name.starts_with('.') {
                self.hidden.push(path);
            } else {
                self.list(&path, depth + 1)?;
                if depth == 0 {
                    self.directories.push(path);
                }
            }
            if self.files.len() > MOST_FILES || depth > DEEPEST {
                return Err(refuse(
                    &shown.display().to_string(),
                    "holds too much",
                    "give the directory of the migrations",
                ));
            }
        }
        Ok(())
    }

    /// The part below a directory.
    pub(super) fn below(&self, directory: &str) -> Option<Self> {
        let prefix = format!("{directory}/");
        let cut = |paths: &[String]| {
            paths.iter().filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect()
        };
        let root = self.root.join(directory);
        self.directories.iter().any(|name| name == directory).then_some(())?;
        let nested = Self::read(&root, &self.shown.join(directory)).ok()?;
        Some(Self { files: cut(&self.files), hidden: cut(&self.hidden), ..nested })
    }

    /// The files right in the directory.
    pub(super) fn top(&self) -> impl Iterator<Item = &String> {
        self.files.iter().filter(|file| !file.contains('/'))
    }

    /// A path as the user would write it.
    pub(super) fn show(&self, file: &str) -> String {
        self.shown.join(file).display().to_string()
    }

    /// The bytes of a file.
    pub(super) fn bytes(&self, file: &str) -> Result<Vec<u8>, Refusal> {
        fs::read(self.root.join(file)).map_err(|error| unreadable(&self.shown.join(file), error))
    }

    /// The normalised text of a file.
    pub(super) fn text(&self, file: &str) -> Result<String, Refusal> {
        let bytes = self.bytes(file)?;
        normalise(&bytes).map(|text| text.into_owned()).map_err(|error| {
            let message = format!("`{}` is no SQL text: {error}; nothing was adopted", self.show(file));
            let excerpt = Excerpt::whole_file(self.shown.join(file), error.to_string());
            Refusal::new(Kind::AdoptSource, message, "convert it to UTF-8").at(excerpt)
        })
    }
}
