//! `init`: sets a package up. Safe to run twice: what is there is kept.

use std::fs;
use std::path::Path;

use dbmigrate_runtime::lock::{self, Lock};
use dbmigrate_runtime::migration::{Migration, Stage};
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use crate::adopt;
use crate::config::Config;
use crate::directory::{Change, unreadable};
use crate::problem::{Kind, Refusal};
use crate::project::{Project, Scope};
use crate::report::Done;

/// Keeps the drafts' directory in version control while it is empty.
const KEEP: &str = ".gitkeep";

mod build_script;

/// What becomes of the package's build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// It stays as it is.
    AsItIs,
    /// A build script checks that the migrations fit their lock.
    Checked,
}

/// Adds what is missing: the configuration's table, both directories, the lock, and if that is wanted the build script.
///
/// # Errors
/// The migrations directory holds another tool's files, or something cannot be written. Nothing was changed then.
pub fn run(build: Build, project: &Project, config: &Config) -> Result<Done, Refusal> {
    let mut change = Change::default();
    let mut done = Done::new("init", "");
    let manifest = project.shown(&project.manifest);
    if project.metadata.is_null() {
        let text = fs::read_to_string(&project.manifest).map_err(|error| unreadable(&manifest, error))?;
        let text = with_table(&text, project, config).map_err(|error| error.at_manifest(&manifest))?;
        change.replace.push((project.manifest.clone(), text));
        done = done.item("changed", manifest);
    } else {
        done = done.item("kept", manifest);
    }

    let lock = config.migrations.shown.join(lock::FILE_NAME);
    if config.migrations.lock_path().is_file() {
        config.migrations.read(Stage::Finalized)?;
        done = done.item("kept", lock);
    } else {
        refuse_foreign(project, config)?;
        change.create.push((config.migrations.lock_path(), Lock::default().render()));
        done = done.item("created", lock);
    }
    if config.drafts.path.is_dir() {
        done = done.item("kept", config.drafts.shown.clone());
    } else {
        change.create.push((config.drafts.path.join(KEEP), String::new()));
        done = done.item("created", config.drafts.shown.join(KEEP));
    }

    if build == Build::Checked {
        done = build_script::add(project, config, &mut change, done)?;
    }

    if change.is_empty() {
        done.headline = "everything is there already; nothing was changed".to_owned();
        return Ok(done);
    }
    change.apply()?;
    done.headline = match &project.package {
        Some(package) => format!("`{package}` is set up for migrations"),
        None => "the workspace is set up for migrations".to_owned(),
    };
    if build == Build::AsItIs {
        done = done.note(
            "`cargo dbmigrate init --build-script` lets every build check that the migrations fit their lock",
        );
    }
    Ok(done.note("`cargo dbmigrate new NAME` writes the first draft"))
}

/// A directory that is not empty and has no lock was not written by this tool.
fn refuse_foreign(project: &Project, config: &Config) -> Result<(), Refusal> {
    let directory = &config.migrations;
    let entries = match fs::read_dir(&directory.path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(&directory.shown, error)),
    };
    let Some(first) = entries.flatten().map(|entry| entry.file_name()).min() else { return Ok(()) };
    let shown = directory.shown.display();
    // Another tool may name its ups like ours, but none has our downs and directives.
    let is_ours = |m: &Migration| m.down.is_some() || m.up.directives.irreversible.is_some();
    if directory.read(Stage::Finalized)?.migrations.iter().any(is_ours) {
        return Err(Refusal::new(
            Kind::LockMissing,
            format!("`{shown}` holds migrations, but their lock is gone"),
            format!("restore `{}` from version control", lock::FILE_NAME),
        ));
    }
    let tool = adopt::detect(&directory.path);
    let what = match tool {
        Some(tool) => format!("migrations of {tool}"),
        None => format!("`{}`", Path::new(&first).display()),
    };
    let from = tool.map_or("TOOL".to_owned(), |tool| tool.to_string());
    Err(Refusal::new(
        Kind::ForeignDirectory,
        format!("`{shown}` has no lock, but holds {what}"),
        format!(
            "set `migrations` in `[{}]` to a new directory, then run `cargo dbmigrate init` and `cargo dbmigrate adopt --from {from} {shown}`",
            project.table()
        ),
    ))
}

/// Why the table could not be added.
struct Uneditable(String);

impl Uneditable {
    fn at_manifest(self, manifest: &Path) -> Refusal {
        let message = format!("`{}` cannot be edited: {}", manifest.display(), self.0);
        Refusal::new(Kind::BadManifest, message, "add the table by hand")
    }
}

/// The manifest with the configuration's table, everything else as it was.
fn with_table(text: &str, project: &Project, config: &Config) -> Result<String, Uneditable> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| Uneditable(error.message().to_owned()))?;
    let relative =
        |path: &Path| value(path.strip_prefix(&project.root).unwrap_or(path).to_string_lossy().into_owned());
    let mut table = Table::new();
    table.insert("migrations", relative(&config.migrations.path));
    table.insert("drafts", relative(&config.drafts.path));
    let owner = match project.scope {
        Scope::Package => "package",
        Scope::Workspace => "workspace",
    };
    let metadata = below(document.as_table_mut(), owner).and_then(|owner| below(owner, "metadata"));
    let metadata = metadata.ok_or_else(|| Uneditable(format!("`{owner}.metadata` is not a table")))?;
    metadata.insert("dbmigrate", Item::Table(table));
    Ok(with_line_ends_of(text, &document))
}

/// A document as text, with the line ends that the file had before.
fn with_line_ends_of(before: &str, document: &DocumentMut) -> String {
    let text = document.to_string();
    if before.contains("\r\n") { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text }
}

/// A table below a table; made if it is not there, without a header of its own.
fn below<'a>(table: &'a mut dyn TableLike, key: &str) -> Option<&'a mut dyn TableLike> {
    let item = table.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    item.as_table_like_mut()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::commands::tests::Sandbox;

    const TABLE: &str = "\n[package.metadata.dbmigrate]\nmigrations = \"migrations\"\ndrafts = \"drafts\"\n";

    #[test]
    fn a_package_is_set_up_once() {
        let tail = "# odd   spacing\nversion   =  \"0.1.0\" # kept\n";
        let sandbox = Sandbox::new(&format!("{tail}\n[dependencies]\n"));
        let before = sandbox.read("Cargo.toml");
        let done = run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap();
        assert_eq!(done.items.iter().filter(|item| item.what == "created").count(), 2);
        let after = sandbox.read("Cargo.toml");
        assert_eq!(after.replace(TABLE, ""), before);
        assert!(after.contains(TABLE), "{after}");
        let files = sandbox.files();
        assert!(
            files.contains(&"migrations/dbmigrate.lock".to_owned())
                && files.contains(&"drafts/.gitkeep".to_owned())
        );
        let contents = sandbox.config().migrations.read(Stage::Finalized).unwrap();
        assert!(contents.problems.is_empty() && contents.lock.unwrap().entries().is_empty());

        let done = run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap();
        assert!(done.items.iter().all(|item| item.what == "kept"), "{:?}", done.items);
        assert_eq!((sandbox.files(), sandbox.read("Cargo.toml")), (files, after));
    }

    #[test]
    fn every_form_of_manifest_is_kept() {
        for tail in [
            "metadata = { docs = true }\n",
            "metadata.docs.rs = true\n",
            "\r\n[package.metadata.docs]\r\nx = 1\r\n",
            "[package.metadata]\nx = 1\n[lib]\npath = \"src/lib.rs\"\n",
        ] {
            let sandbox = Sandbox::new(tail);
            run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap();
            let project = sandbox.project();
            assert_eq!(
                project.metadata["drafts"],
                "drafts",
                "{tail:?} became {:?}",
                sandbox.read("Cargo.toml")
            );
            if tail.contains('\r') {
                assert!(
                    sandbox.read("Cargo.toml").lines().count()
                        == sandbox.read("Cargo.toml").matches("\r\n").count()
                );
            }
        }
    }

    #[test]
    fn a_virtual_workspace_gets_its_own_table() {
        let sandbox = Sandbox::new("");
        sandbox.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = []\n");
        run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap();
        assert!(sandbox.read("Cargo.toml").contains("\n[workspace.metadata.dbmigrate]\n"));
    }

    #[test]
    fn a_lost_lock_is_not_replaced_by_an_empty_one() {
        let sandbox = Sandbox::new("");
        sandbox.write("migrations/V20260301120000__a.sql", "SELECT 1;");
        assert_eq!(
            run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap_err().kind,
            Kind::ForeignDirectory
        );
        sandbox.write("migrations/V20260301120000__a.down.sql", "SELECT 1;");
        assert_eq!(
            run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap_err().kind,
            Kind::LockMissing
        );
    }

    #[test]
    fn another_tools_directory_is_left_alone() {
        let sandbox = Sandbox::new("");
        sandbox.write("migrations/2020-01-01-000000_a/up.sql", "SELECT 1;");
        let before = (sandbox.files(), sandbox.read("Cargo.toml"));
        let refusal = run(Build::AsItIs, &sandbox.project(), &sandbox.config()).unwrap_err();
        assert_eq!(refusal.kind, Kind::ForeignDirectory);
        assert!(refusal.hint.contains("adopt --from diesel migrations"), "{}", refusal.hint);
        assert_eq!((sandbox.files(), sandbox.read("Cargo.toml")), before);
    }
}
