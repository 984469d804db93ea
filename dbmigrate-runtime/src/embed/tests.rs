#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::lock::{self, Lock, Sealed, Statement, Times};
use crate::migration::{Direction, Id, Script, Stage};
use crate::set::Discrepancy;

/// The files of a directory, sorted: `(id, up, down)`, an empty down for an irreversible migration, and the lock.
pub(super) fn locked(migrations: &[(&str, &str, &str)]) -> Vec<(String, Vec<u8>)> {
    let (mut lock, mut files) = (Lock::default(), Vec::new());
    for (id, up, down) in migrations {
        let id: Id = id.parse().unwrap();
        let mut seal = |direction: Direction, text: &str| {
            let script = Script::parse(text.to_owned()).unwrap();
            files.push((id.file_name(direction), text.as_bytes().to_vec()));
            let first = Statement { offset: 0, times: Times::Once };
            Sealed { hash: script.hash, statements: script.directives.no_transaction.then(|| vec![first]) }
        };
        let up = seal(Direction::Up, up);
        let down = (!down.is_empty()).then(|| seal(Direction::Down, down));
        lock.push(id, up, down, vec![]).unwrap();
    }
    files.push((lock::FILE_NAME.to_owned(), lock.render().into_bytes()));
    files.sort();
    files
}

pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    locked(&[
        ("V20260301120000__a", "CREATE TABLE a ();\n", "DROP TABLE a;\n"),
        ("V20260302120000__b", "-- dbmigrate: irreversible gone\nSELECT 1;\n", ""),
        ("V20260303120000__c", "-- dbmigrate: no-transaction\nSELECT 2;\n", "SELECT 3;\n"),
    ])
}

/// As if they had been embedded by [`crate::embed!`].
fn checked(files: Vec<(String, Vec<u8>)>) -> Embedded {
    let entry = |(name, bytes): (String, Vec<u8>)| match name.strip_suffix('/') {
        Some(name) => tree::DirEntry::Dir(tree::Dir::new(name.to_owned().leak(), &[])),
        None => tree::DirEntry::File(tree::File::new(name.leak(), bytes.leak())),
    };
    let entries: &'static [_] = files.into_iter().map(entry).collect::<Vec<_>>().leak();
    Embedded::checked(Box::leak(Box::new(tree::Dir::new("", entries))))
}

/// As if they had been embedded by the caller, as a part of a larger directory.
fn foreign(files: Vec<(String, Vec<u8>)>) -> Embedded {
    let entry = |(name, bytes): (String, Vec<u8>)| {
        let path: &'static str = format!("sql/{}", name.trim_end_matches('/')).leak();
        match name.ends_with('/') {
            true => include_dir::DirEntry::Dir(include_dir::Dir::new(path, &[])),
            false => include_dir::DirEntry::File(include_dir::File::new(path, bytes.leak())),
        }
    };
    let entries: &'static [_] = files.into_iter().map(entry).collect::<Vec<_>>().leak();
    let dir: &'static include_dir::Dir<'static> = Box::leak(Box::new(include_dir::Dir::new("sql", entries)));
    dir.into()
}

fn with(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = files();
    files.retain(|(file, _)| file != name);
    files.push((name.to_owned(), bytes.to_vec()));
    files.sort();
    files
}

/// What both ways in say.
fn fault(files: Vec<(String, Vec<u8>)>) -> SetError {
    let fault = checked(files.clone()).load().unwrap_err();
    assert_eq!(foreign(files).load().unwrap_err(), fault);
    fault
}

#[test]
fn files_that_fit_their_lock_are_loaded_in_its_order() {
    for embedded in [checked(files()), foreign(files())] {
        let migrations = Migrations::try_from(embedded).unwrap();
        let names: Vec<_> = migrations.all().iter().map(|one| one.id.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(migrations.all().iter().all(|one| one.stage == Stage::Finalized));
        assert_eq!(migrations.all()[0].up.script.text, "CREATE TABLE a ();\n");
        assert_eq!(migrations.all()[0].down.as_ref().unwrap().script.text, "DROP TABLE a;\n");
        assert_eq!(migrations.all()[1].irreversible(), Some("gone"));
        assert!(migrations.all()[1].down.is_none());
        assert!(migrations.all()[2].up.statements.is_some());
    }
    assert_eq!(checked(locked(&[])).load(), Ok(Migrations::default()));
}

#[test]
fn a_checkout_s_line_ends_and_byte_order_marks_change_nothing() {
    let mut crlf = files();
    for (_, bytes) in &mut crlf {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes();
    }
    assert_eq!(checked(crlf).load().unwrap(), checked(files()).load().unwrap());
}

#[test]
fn an_edited_file_is_named_with_both_hashes_and_what_to_run() {
    let before = Script::parse("DROP TABLE a;\n".to_owned()).unwrap().hash;
    let after = Script::parse("DROP TABLE b;\n".to_owned()).unwrap().hash;
    let fault = fault(with("V20260301120000__a.down.sql", b"DROP TABLE b;\n"));
    let SetError::Discrepancies(found) = &fault else { unreachable!("{fault}") };
    assert!(
        matches!(&found[..], [Discrepancy::Edited { locked, found, .. }] if (*locked, *found) == (before, after))
    );
    let text = fault.to_string();
    for part in ["`V20260301120000__a.down.sql` was edited", &before.short(), &after.short()] {
        assert!(text.contains(part), "{text}");
    }
    assert!(fault.hint().contains("`cargo dbmigrate verify`"), "{}", fault.hint());
}

#[test]
fn whatever_else_is_in_the_directory_is_refused_by_name() {
    for (name, part) in [
        ("README.md", "does not end in `.sql`"),
        ("V1__a.sql", "not 14 digits"),
        ("V20260304120000__Bad.sql", "not snake_case"),
        ("20260304120000__profile.sql", "does not begin with `V`"),
        ("old/", "is a directory"),
    ] {
        let fault = fault(with(name, b"SELECT 1;\n"));
        let text = fault.to_string();
        assert!(text.contains(&format!("`{}`", name.trim_end_matches('/'))) && text.contains(part), "{text}");
        assert!(fault.hint().contains("move it"), "{}", fault.hint());
    }
    let draft = fault(with("20260304120000__profile.sql", b"SELECT 1;\n"));
    assert!(draft.hint().contains("a draft is not shipped"), "{}", draft.hint());
}

#[test]
fn every_misfit_is_a_fault_of_its_own() {
    let up = "V20260301120000__a.sql";
    assert!(matches!(fault(with(up, b"\xff")), SetError::Encoding { file, .. } if file == up));
    assert!(
        matches!(fault(with(lock::FILE_NAME, b"\0")), SetError::Encoding { file, .. } if file == lock::FILE_NAME)
    );
    assert!(matches!(
        fault(with(up, b"-- dbmigrate: no-such\nSELECT 1;\n")),
        SetError::Directive { file, .. } if file == up
    ));
    assert!(matches!(fault(with(lock::FILE_NAME, b"hello\n")), SetError::Lock(_)));
    assert!(matches!(fault(with("V20260301120000__z.sql", b"")), SetError::DuplicateVersion(..)));
    assert!(matches!(fault(with("V20260309120000__z.down.sql", b"")), SetError::DownWithoutUp(_)));
    let added = fault(with("V20260309120000__z.sql", b"SELECT 1;\n"));
    assert!(matches!(&added, SetError::Discrepancies(found) if matches!(found[..], [Discrepancy::Added(_)])));
    let mut removed = files();
    removed.retain(|(name, _)| name != "V20260302120000__b.sql");
    let removed = fault(removed);
    assert!(
        matches!(&removed, SetError::Discrepancies(found) if matches!(found[..], [Discrepancy::Removed(_)]))
    );
    let mut unlocked = files();
    unlocked.retain(|(name, _)| name != lock::FILE_NAME);
    assert_eq!(fault(unlocked), SetError::NoLock);
    assert_eq!(fault(Vec::new()), SetError::NoLock);
}

#[test]
fn a_conflict_in_the_lock_says_how_to_settle_it() {
    let lock = files().into_iter().find(|(name, _)| name == lock::FILE_NAME).unwrap().1;
    let text = String::from_utf8(lock).unwrap();
    let fault = fault(with(lock::FILE_NAME, format!("{text}<<<<<<< main\n").as_bytes()));
    assert!(fault.to_string().contains("unresolved merge conflict"), "{fault}");
    assert!(fault.hint().contains("explain lock-conflict"), "{}", fault.hint());
}

#[test]
fn a_text_about_many_misfits_stays_short() {
    let ids: Vec<String> = (10..40).map(|day| format!("V202603{day}120000__m")).collect();
    let set = |up| ids.iter().map(|id| (id.as_str(), up, "SELECT 0;\n")).collect::<Vec<_>>();
    let mut files = locked(&set("SELECT 1;\n"));
    files.retain(|(name, _)| name == lock::FILE_NAME || name.ends_with(".down.sql"));
    let others = locked(&set("SELECT 2;\n"));
    files.extend(
        others.into_iter().filter(|(name, _)| !name.ends_with(".down.sql") && name != lock::FILE_NAME),
    );
    files.sort();
    let text = fault(files).to_string();
    assert_eq!(text.matches("was edited").count(), 8, "{text}");
    assert!(text.ends_with("; and 22 more"), "{text}");
}

#[test]
fn the_macro_s_forms() {
    static STATIC: Embedded = crate::embed!("../migrations");
    const CONST: Embedded = crate::embed!(path = "$CARGO_MANIFEST_DIR/../migrations",);
    assert_eq!(STATIC.load().unwrap(), CONST.load().unwrap());
    assert!(!STATIC.load().unwrap().all().is_empty());
}
