//! The lock against the files: whoever changed what, it is named.

use std::fs;

use dbmigrate_tests::{Project, shot};

use crate::sets::{FIRST, LOCK, NICK, ORDERS, SECOND, SECOND_DOWN, USERS};

fn three() -> Project {
    Project::finalized(&[USERS, ORDERS, NICK])
}

#[test]
fn an_edited_file() {
    let project = three();
    project.edit(SECOND, |text| text.replace("bigint NOT NULL", "bigint"));
    shot!(project.run(["verify"]).found(["file-edited"]));
}

#[test]
fn an_added_migration() {
    let project = three();
    project.write("migrations/V20200102000000__late.sql", "CREATE TABLE late ();\n");
    project.write("migrations/V20200102000000__late.down.sql", "DROP TABLE late;\n");
    shot!(project.run(["verify"]).found(["file-added"]));
}

#[test]
fn a_removed_file() {
    let project = three();
    project.remove(SECOND_DOWN);
    shot!(project.run(["verify"]).found(["file-removed"]));
}

#[test]
fn a_renamed_file() {
    let project = three();
    for end in ["sql", "down.sql"] {
        let path = |version: &str| project.path(&format!("migrations/V{version}__add_nick.{end}"));
        fs::rename(path("20200101000003"), path("20200101000009")).unwrap();
    }
    shot!(project.run(["verify"]).found(["files-reordered"]));
}

#[test]
fn no_lock() {
    let project = three();
    project.remove(LOCK);
    shot!(project.run(["verify"]).found(["lock-missing"]));
}

#[test]
fn reordered_lines() {
    let project = three();
    project.edit(LOCK, |text| {
        let mut lines: Vec<_> = text.lines().collect();
        lines.swap(2, 3);
        lines.join("\n") + "\n"
    });
    let ran = project.run(["verify"]).unchanged();
    assert_eq!(ran.code(), 1);
    for id in ["files-reordered", "chain-broken"] {
        assert!(ran.ids("error").contains(&id.to_owned()), "{ran}");
    }
    shot!(ran);
}

#[test]
fn a_line_that_was_taken_out() {
    let project = three();
    project.edit(LOCK, |text| {
        let lines: Vec<_> = text.lines().filter(|line| !line.contains("create_orders")).collect();
        lines.join("\n") + "\n"
    });
    let ran = project.run(["verify"]).unchanged();
    assert_eq!(ran.code(), 1);
    for id in ["file-added", "chain-broken"] {
        assert!(ran.ids("error").contains(&id.to_owned()), "{ran}");
    }
    shot!(ran);
}

/// Whoever edits a file and puts its hash into the lock is found by the chain.
#[test]
fn a_hand_edited_hash() {
    let project = three();
    let hash_of = |lock: &str| {
        let line = lock.lines().find(|line| line.contains("create_users")).unwrap().to_owned();
        line.split_once("up=").unwrap().1.split_once(' ').unwrap().0.to_owned()
    };
    let old = hash_of(&project.read(LOCK));
    let edited = project.read(FIRST).replace("text NOT NULL", "text");
    let other = Project::finalized(&[("create_users", &edited, USERS.2)]);
    project.write(FIRST, &edited);
    project.edit(LOCK, |text| text.replace(&old, &hash_of(&other.read(LOCK))));
    shot!(project.run(["verify"]).found(["chain-broken"]));
}

#[test]
fn a_stale_lock_stops_what_builds_on_it() {
    let project = three().drafts(&[("more", "CREATE TABLE more ();\n", "DROP TABLE more;\n")]);
    project.edit(SECOND, |text| text + "-- changed\n");
    shot!(project.run(["consolidate", "more"]).refused("lock-stale"));
}

#[test]
fn conflict_markers() {
    let project = three();
    project.edit(LOCK, |text| {
        let at = text.rfind("V2020").unwrap();
        format!("{}<<<<<<< HEAD\n{}=======\n>>>>>>> other\n", &text[..at], &text[at..])
    });
    shot!(project.run(["verify"]).found(["lock-conflict"]));
    project.run(["consolidate"]).unchanged().code();
}

#[test]
fn a_line_that_is_none() {
    let project = three();
    project.edit(LOCK, |text| text + "and one by hand\n");
    shot!(project.run(["verify"]).found(["lock-malformed"]));
}

#[test]
fn a_lock_of_a_newer_format() {
    let project = three();
    project.edit(LOCK, |text| text.replacen("dbmigrate.lock 1", "dbmigrate.lock 2", 1));
    shot!(project.run(["verify"]).found(["lock-malformed"]));
}

/// Everything that is wrong in one run.
#[test]
fn all_at_once() {
    let project = three();
    project.edit(FIRST, |text| text + "-- changed\n");
    project.remove(SECOND_DOWN);
    project.write("migrations/V20200102000000__late.sql", "CREATE TABLE late ();\n");
    project.write("migrations/V20200102000000__late.down.sql", "DROP TABLE late;\n");
    let ran = project.run(["verify"]).unchanged();
    assert_eq!(ran.code(), 1);
    let mut ids = ran.ids("error");
    ids.sort();
    assert_eq!(ids, ["file-added", "file-edited", "file-removed"]);
}
