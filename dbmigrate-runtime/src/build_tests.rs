#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::lock::{self, Lock, Sealed};
use crate::migration::{Direction, Id, Script};

/// A directory of one reversible migration, in a place of the test's own.
fn directory(test: &str) -> std::path::PathBuf {
    let root = env::temp_dir().join(format!("dbmigrate-build-{}-{test}", std::process::id()));
    _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("db")).unwrap();
    let id: Id = "V20260301120000__a".parse().unwrap();
    let seal = |direction, text: &str| {
        fs::write(root.join("db").join(id.file_name(direction)), text).unwrap();
        Sealed { hash: Script::parse(text.to_owned()).unwrap().hash, statements: None }
    };
    let (up, down) = (seal(Direction::Up, "SELECT 1;\n"), seal(Direction::Down, "SELECT 2;\n"));
    let mut lock = Lock::default();
    lock.push(id, up, Some(down), vec![]).unwrap();
    fs::write(root.join("db").join(lock::FILE_NAME), lock.render()).unwrap();
    root
}

fn errors(root: &Path, path: &str) -> Vec<String> {
    let lines = instructions(root, path);
    fs::remove_dir_all(root).unwrap();
    lines.lines().filter_map(|line| line.strip_prefix("cargo::error=")).map(str::to_owned).collect()
}

#[test]
fn files_that_fit_are_watched_and_nothing_else_is_said() {
    let root = directory("fits");
    let lines = instructions(&root, "db");
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        [
            "cargo::rerun-if-changed=db",
            "cargo::rerun-if-changed=db/V20260301120000__a.down.sql",
            "cargo::rerun-if-changed=db/V20260301120000__a.sql",
            "cargo::rerun-if-changed=db/dbmigrate.lock",
        ]
    );
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn each_thing_that_is_wrong_has_a_line_that_names_the_file_and_what_to_run() {
    let root = directory("misfits");
    fs::write(root.join("db/V20260301120000__a.sql"), "SELECT 3;\n").unwrap();
    fs::write(root.join("db/V20260302120000__b.sql"), "SELECT 4;\n").unwrap();
    let errors = errors(&root, "db");
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors[0].starts_with("in `db`: `V20260301120000__a.sql` was edited: its hash is "),
        "{errors:?}"
    );
    assert!(errors[1].starts_with("in `db`: `V20260302120000__b` is not in the lock"), "{errors:?}");
    assert!(errors.iter().all(|error| error.contains("cargo dbmigrate ")), "{errors:?}");
}

#[test]
fn names_that_cannot_be_taken_are_all_named() {
    let root = directory("names");
    fs::create_dir(root.join("db/old")).unwrap();
    fs::write(root.join("db/a\nb"), "").unwrap();
    fs::write(root.join("db/20260302083000__draft.sql"), "").unwrap();
    let errors = errors(&root, "db");
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        errors[0].contains("`20260302083000__draft.sql`") && errors[0].contains("a draft is not shipped"),
        "{errors:?}"
    );
    assert!(errors[1].contains("`a\u{fffd}b`"), "{errors:?}");
    assert!(errors[2].contains("`old` is a directory"), "{errors:?}");
}

#[test]
fn a_directory_that_is_not_there_is_an_error_line_too() {
    let root = directory("absent");
    let errors = errors(&root, "migrations");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("`migrations` cannot be read: "), "{errors:?}");
}
