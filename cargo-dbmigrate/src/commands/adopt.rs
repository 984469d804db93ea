//! `adopt`: brings the migrations of another tool in, all of them or none.

use std::path::{Path, PathBuf};

use dbmigrate_runtime::lock::{self, Lock};
use dbmigrate_runtime::migration::{Direction, Stage};

use crate::adopt::{self, Adopted, Source, Tool};
use crate::config::Config;
use crate::directory::{self, Change, unreadable};
use crate::problem::{Kind, Refusal};
use crate::project::Project;
use crate::report::Done;

/// What to bring in.
#[derive(Clone, Debug)]
pub struct Request {
    /// The tool that the migrations were written for.
    pub tool: Tool,
    /// Where they are, as the user wrote it.
    pub path: PathBuf,
}

/// Reads them by their tool's rules, and writes them and the lock.
///
/// # Errors
/// There are migrations already, the source is not that tool's or has no safe equivalent, or something cannot be
/// written. Nothing was changed then; the source is never changed.
pub fn run(request: &Request, project: &Project, config: &Config) -> Result<Done, Refusal> {
    let Request { tool, path: shown } = request;
    let path = project.cwd.join(shown).canonicalize().map_err(|error| unreadable(shown, error))?;
    refuse_overlap(&path, shown, config)?;
    refuse_history(config)?;
    let wrote_lock = if config.migrations.lock_path().exists() { "changed" } else { "created" };
    let source = adopt::read(*tool, &path, shown)?;
    let adopted = adopt::map(*tool, &source.migrations)?;

    let mut lock = Lock::default();
    let mut change = Change::default();
    for one in &adopted {
        for direction in [Direction::Up, Direction::Down] {
            if let Some(script) = one.migration.script(direction) {
                let file = config.migrations.path.join(one.migration.id.file_name(direction));
                change.create.push((file, script.text.clone()));
            }
        }
        directory::append(&mut lock, &one.migration, one.replaces.clone()).map_err(|error| {
            Refusal::new(Kind::Internal, format!("`{}` cannot be locked", one.migration.id), "report it")
                .caused_by(error)
        })?;
    }
    change.replace.push((config.migrations.lock_path(), lock.render()));
    change.apply()?;
    let done = report(*tool, shown, config, &source, &adopted, wrote_lock);
    Ok(done)
}

/// The new directory must not lie in the old one, which is never changed, nor the other way round.
fn refuse_overlap(path: &Path, shown: &Path, config: &Config) -> Result<(), Refusal> {
    let target = &config.migrations;
    let canonical = target.path.canonicalize().unwrap_or_else(|_| target.path.clone());
    // A project's root may be given, as long as the migrations in it are not the directory that is written to.
    let nested = path.join("migrations");
    let source = if nested.is_dir() { nested.canonicalize().unwrap_or(nested) } else { path.to_owned() };
    if source.starts_with(&canonical) || canonical.starts_with(&source) {
        let message = format!(
            "`{}` and the migrations directory `{}` overlap",
            shown.display(),
            target.shown.display()
        );
        return Err(Refusal::new(
            Kind::AdoptSource,
            message,
            "set `migrations` in the configuration to a new directory; the old one is never changed",
        ));
    }
    Ok(())
}

fn refuse_history(config: &Config) -> Result<(), Refusal> {
    let contents = match config.migrations.read(Stage::Finalized) {
        Ok(contents) => contents,
        Err(refusal) if refusal.kind == Kind::NoMigrationsDirectory => return Ok(()),
        Err(refusal) => return Err(refusal),
    };
    let locked = contents.lock.as_ref().is_some_and(|lock| !lock.entries().is_empty());
    if locked || !contents.migrations.is_empty() {
        return Err(Refusal::new(
            Kind::SetNotEmpty,
            format!("`{}` holds migrations already", config.migrations.shown.display()),
            "adopt into an empty directory: set `migrations` in the configuration to a new one",
        ));
    }
    contents.refuse()
}

fn report(
    tool: Tool,
    shown: &Path,
    config: &Config,
    source: &Source,
    adopted: &[Adopted],
    wrote_lock: &str,
) -> Done {
    let to = &config.migrations.shown;
    let count = adopted.len();
    let what = if count == 1 { "one migration".to_owned() } else { format!("{count} migrations") };
    let headline = format!("adopted {what} of {tool} from `{}` into `{}`", shown.display(), to.display());
    let mut done = Done::new("adopt", headline);
    for one in adopted {
        for direction in [Direction::Up, Direction::Down] {
            if one.migration.script(direction).is_some() {
                done = done.item("created", to.join(one.migration.id.file_name(direction)));
            }
        }
    }
    done = done.item(wrote_lock, to.join(lock::FILE_NAME));
    for file in &source.left_alone {
        done = done.item("kept", file);
    }
    let number = |what: fn(&Adopted) -> bool| adopted.iter().filter(|one| what(one)).count();
    let irreversible = number(|one| one.migration.down.is_none());
    let no_transaction = number(|one| one.migration.up.directives.no_transaction);
    let empty = number(|one| one.migration.up.directives.allows("empty-migration").is_some());
    let alone = source.left_alone.len();
    for (number, one, several) in [
        (
            irreversible,
            "migration is declared irreversible, since its down holds no statement",
            "migrations are declared irreversible, since their downs hold no statement",
        ),
        (
            no_transaction,
            "migration runs outside of a transaction, as before",
            "migrations run outside of a transaction, as before",
        ),
        (empty, "up holds no statement, as before", "ups hold no statement, as before"),
        (alone, "file was no migration and was left alone", "files were no migrations and were left alone"),
    ] {
        match number {
            0 => {}
            1 => done = done.note(format!("one {one}")),
            _ => done = done.note(format!("{number} {several}")),
        }
    }
    done.note("`cargo dbmigrate verify` proves them")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::commands::tests::Sandbox;

    fn adopt(sandbox: &Sandbox, path: &str) -> Result<Done, Refusal> {
        run(&Request { tool: Tool::Diesel, path: path.into() }, &sandbox.project(), &sandbox.config())
    }

    fn with_source(path: &str) -> Sandbox {
        let sandbox = Sandbox::initialised();
        sandbox.write(&format!("{path}/2018-01-01-000000_a/up.sql"), "SELECT 1;\n");
        sandbox.write(&format!("{path}/2018-01-01-000000_a/down.sql"), "SELECT -1;\n");
        sandbox.write(&format!("{path}/2018-01-02-000000_b/up.sql"), "SELECT 1;\nSELECT 2;\n");
        sandbox.write(&format!("{path}/2018-01-02-000000_b/metadata.toml"), "run_in_transaction = false");
        sandbox.write(&format!("{path}/README.md"), "");
        sandbox
    }

    #[test]
    fn a_history_is_adopted_and_locked() {
        let sandbox = with_source("old");
        let before = sandbox.files();
        let done = adopt(&sandbox, "old").unwrap();
        assert_eq!(done.items.iter().filter(|item| item.what == "created").count(), 3);
        assert_eq!(done.items.iter().filter(|item| item.what == "kept").count(), 1);
        let contents = sandbox.config().migrations.read(Stage::Finalized).unwrap();
        assert!(contents.problems.is_empty(), "{:?}", contents.problems);
        let lock = contents.lock.unwrap();
        assert_eq!(lock.entries()[0].replaces, ["diesel:2018-01-01-000000_a"]);
        assert_eq!(lock.entries()[1].up.statements.as_ref().unwrap().len(), 2);
        assert!(before.iter().all(|file| sandbox.files().contains(file)));
        assert_eq!(adopt(&sandbox, "old").unwrap_err().kind, Kind::SetNotEmpty);
    }

    #[test]
    fn a_source_that_is_refused_changes_nothing() {
        let sandbox = with_source("old");
        sandbox.write("old/2018-01-03-000000_c/down.sql", "");
        let before = (sandbox.files(), sandbox.read("migrations/dbmigrate.lock"));
        assert_eq!(adopt(&sandbox, "old").unwrap_err().kind, Kind::AdoptSource);
        assert_eq!(adopt(&sandbox, "nowhere").unwrap_err().kind, Kind::Unreadable);
        assert_eq!((sandbox.files(), sandbox.read("migrations/dbmigrate.lock")), before);
    }

    #[test]
    fn the_migrations_directory_is_no_source() {
        for path in ["migrations", ".", "migrations/2018-01-01-000000_a"] {
            let sandbox = with_source("migrations");
            let refusal = adopt(&sandbox, path).unwrap_err();
            assert_eq!(refusal.kind, Kind::AdoptSource, "{path}");
            assert!(refusal.message.contains("overlap"), "{}", refusal.message);
        }
    }
}
