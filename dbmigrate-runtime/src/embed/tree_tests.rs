#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::embed::tests::{files, locked};

/// What the compiler would say about these files.
fn verdict(files: &[(String, Vec<u8>)]) -> Option<String> {
    let entries: Vec<DirEntry<'_>> = files
        .iter()
        .map(|(name, bytes)| match name.strip_suffix('/') {
            Some(name) => DirEntry::Dir(Dir::new(name, &[])),
            None => DirEntry::File(File::new(name, bytes)),
        })
        .collect();
    misfit("db", &Dir::new("", &entries)).map(|message| message.text().to_owned())
}

fn without(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = files();
    files.retain(|(file, _)| file != name);
    files
}

fn with(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = files();
    files.push((name.to_owned(), b"SELECT 1;\n".to_vec()));
    files.sort();
    files
}

#[test]
fn the_names_of_a_lock_fit() {
    assert_eq!(verdict(&files()), None);
    assert_eq!(verdict(&locked(&[])), None);
    assert_eq!(verdict(&locked(&[("V20260301120000__only", "SELECT 1;\n", "")])), None);
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_count() {
    let mut files = files();
    for (_, bytes) in &mut files {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes();
    }
    assert_eq!(verdict(&files), None);
}

#[test]
fn what_the_lock_does_not_name_is_named() {
    for name in [
        "V20200101000000__early.sql",
        "V20260301120000__a.txt",
        "V20260301120000__aa.sql",
        "V20260302120000__b.down.sql",
        "V20990101000000__late.sql",
        "20260302083000__draft.sql",
        ".gitkeep",
        "zzz",
    ] {
        let message = verdict(&with(name)).unwrap();
        assert!(message.starts_with(&format!("`db/{name}` is not in `dbmigrate.lock`")), "{message}");
        assert!(message.contains("`cargo dbmigrate verify`"), "{message}");
    }
    let message = verdict(&with("old/")).unwrap();
    assert!(message.starts_with("`db/old` is not in `dbmigrate.lock`"), "{message}");
}

#[test]
fn what_is_not_there_is_named() {
    for (name, _) in files().iter().filter(|(name, _)| name != lock::FILE_NAME) {
        let message = verdict(&without(name)).unwrap();
        assert!(
            message.starts_with(&format!("`db/{name}` is in `dbmigrate.lock`, but not there")),
            "{message}"
        );
    }
    let message = verdict(&without(lock::FILE_NAME)).unwrap();
    assert!(message.starts_with("`db` holds no `dbmigrate.lock`"), "{message}");
}

#[test]
fn a_renamed_file_is_named() {
    let mut files = without("V20260303120000__c.sql");
    files.push(("V20260303120000__see.sql".to_owned(), Vec::new()));
    files.sort();
    let message = verdict(&files).unwrap();
    assert!(
        message.starts_with("`db/V20260303120000__c.sql` is in `dbmigrate.lock`, but not there"),
        "{message}"
    );
}

/// With the lock's text changed.
fn edited(edit: impl Fn(Vec<&str>) -> Vec<&str>) -> String {
    let mut files = files();
    let (_, bytes) = files.iter_mut().find(|(name, _)| name == lock::FILE_NAME).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    *bytes = edit(text.lines().collect()).join("\n").into_bytes();
    verdict(&files).unwrap()
}

#[test]
fn a_lock_that_was_edited_by_hand_or_by_a_merge_is_said_to_be() {
    let message = edited(|lines| vec![lines[0], lines[2], lines[1], lines[3]]);
    assert!(
        message.starts_with("the lines of `db/dbmigrate.lock` are not in the order of versions"),
        "{message}"
    );
    let message = edited(|lines| vec![lines[0], lines[1], lines[1], lines[2], lines[3]]);
    assert!(
        message.starts_with("the lines of `db/dbmigrate.lock` are not in the order of versions"),
        "{message}"
    );
    for marker in ["<<<<<<< main", "=======", ">>>>>>> other", "V", "garbage"] {
        let message = edited(|lines| vec![lines[0], lines[1], marker, lines[2], lines[3]]);
        assert!(message.starts_with("`db/dbmigrate.lock` has a line that is no migration's"), "{message}");
    }
}

#[test]
fn a_text_that_is_too_long_or_cut_in_a_character_still_says_what_to_run() {
    let long = "ä".repeat(600);
    let message = verdict(&with(&format!("z{long}"))).unwrap();
    assert!(message.contains("`cargo dbmigrate verify`"), "{message}");
}
