//! Full and read-only directories. The mounts live in a namespace of the run and end with it.
//!
//! Root may write wherever permissions forbid it, so a mount is what stops it too.

use dbmigrate_tests::{Command, Project, Ran, cache, shot};

use crate::sets::{NICK, ORDERS, USERS};

/// Runs it with this done first, in a mount namespace of its own.
fn with(mount: &str, command: Command) -> Ran {
    command.through(["unshare", "--mount", "sh", "-euc", &format!("{mount}; exec \"$@\""), "sh"]).run()
}

#[test]
#[ignore = "needs the right to mount"]
fn mount_read_only() {
    let project = Project::finalized(&[USERS]).drafts(&[ORDERS]);
    let mount = "mount --bind migrations migrations && mount -o remount,bind,ro migrations";
    shot!(with(mount, project.command(["consolidate", "more"])).refused("read-only"));
    let mount = "mount --bind drafts drafts && mount -o remount,bind,ro drafts";
    with(mount, project.command(["new", "more"])).refused("read-only");
    let ran = with(mount, project.command(["consolidate", "more"])).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    // Reading is enough for the proof.
    let mount = "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\"";
    with(mount, project.command(["verify"])).success();
}

/// A directory with room for a few files only.
#[test]
#[ignore = "needs the right to mount"]
fn mount_full_directory() {
    let big = format!("CREATE TABLE big ();\n-- {}\n", "x".repeat(100_000));
    let project = Project::finalized(&[USERS]).drafts(&[("big", &big, "DROP TABLE big;\n"), NICK]);
    let mount = "cp -a migrations target-copy && mount -t tmpfs -o size=64k tmpfs migrations \
                 && cp -a target-copy/. migrations && rm -r target-copy";
    shot!(with(mount, project.command(["consolidate", "more"])).refused("disk"));
}

/// No room for the server.
#[test]
#[ignore = "needs the right to mount"]
fn mount_full_temporary_directory() {
    let project = Project::finalized(&[USERS]);
    // Projects lie in the temporary directory themselves, so the run gets another one. With room in memory it would
    // not be used.
    std::fs::create_dir_all(project.path("target/tmp")).unwrap();
    let mount =
        "mount -t tmpfs -o size=1m,mode=1777 tmpfs target/tmp && mount -t tmpfs -o size=1m tmpfs /dev/shm";
    let command = project.command(["verify"]).env("TMPDIR", project.path("target/tmp"));
    let ran = with(mount, command).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr.contains("target/tmp") || ran.stderr.contains("space"), "{ran}");
}

/// A cache that takes nothing.
#[test]
#[ignore = "needs the right to mount"]
fn mount_full_cache() {
    let project = Project::finalized(&[USERS]);
    let folder = project.path("target/cache");
    std::fs::create_dir_all(&folder).unwrap();
    assert!(cache() != folder);
    let mount = "mount -t tmpfs -o size=64k tmpfs target/cache";
    // It costs the template, not the proof.
    with(mount, project.command(["verify"]).env("DBMIGRATE_CACHE", &folder)).success().unchanged();
}
