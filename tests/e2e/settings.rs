//! Which project, which settings.

use dbmigrate_tests::{Project, shot};

use crate::sets::USERS;

#[test]
fn no_project() {
    shot!(Project::without_manifest().run(["verify"]).refused("no-project"));
}

#[test]
fn a_manifest_that_is_none() {
    let project = Project::new();
    project.write("Cargo.toml", "[package\n");
    assert_eq!(project.run(["verify"]).refused("bad-manifest").ids("error"), ["bad-manifest"]);
}

#[test]
fn an_unknown_key() {
    let project = Project::new();
    project.manifest("[package.metadata.dbmigrate]\nmigratoins = \"db\"\n");
    shot!(project.run(["verify"]).refused("unknown-key"));
}

#[test]
fn a_value_that_does_not_fit() {
    let project = Project::new();
    project.manifest("[package.metadata.dbmigrate]\ntimeout = \"soon\"\n");
    shot!(project.run(["verify"]).refused("bad-value"));
}

#[test]
fn a_password_in_the_manifest() {
    let project = Project::new();
    project.manifest("[package.metadata.dbmigrate]\nserver = \"postgres://me:hunter2@localhost/\"\n");
    let ran = project.command(["verify"]).without("DBMIGRATE_SERVER").run().refused("secret-in-manifest");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    shot!(ran);
}

#[test]
fn a_server_that_is_none() {
    let project = Project::finalized(&[USERS]);
    let ran = project.run(["verify", "--server", "postgre://me:hunter2@localhost/"]).unchanged();
    assert_eq!(ran.code(), 2);
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    shot!(ran);
}

/// The command line goes before the environment, that before the manifest.
#[test]
fn what_goes_before_what() {
    let project = Project::finalized(&[USERS]);
    project.edit("Cargo.toml", |text| {
        assert!(text.contains("[package.metadata.dbmigrate]"), "{text}");
        text.replace("[package.metadata.dbmigrate]", "[package.metadata.dbmigrate]\ntimeout = \"none\"")
    });
    project.run(["verify"]).refused("bad-value");
    project.command(["verify"]).env("DBMIGRATE_TIMEOUT", "never").run().refused("bad-value");
    let flag = project.command(["verify", "--timeout", "1m"]).env("DBMIGRATE_TIMEOUT", "never");
    flag.run().success();
}

#[test]
fn a_workspace_and_its_members() {
    let project = Project::without_manifest();
    project.write("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n");
    for name in ["a", "b"] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        project.write(&format!("{name}/Cargo.toml"), &manifest);
        project.write(&format!("{name}/src/lib.rs"), "");
    }
    shot!(project.run(["init", "-p", "c"]).refused("unknown-package"));
    let ran = project.run(["init", "-p", "b"]).success();
    assert!(ran.changes.contains("+ b/migrations/dbmigrate.lock"), "{ran}");
    shot!(project.run(["verify"]).refused("ambiguous-package"));
    project.run(["verify", "--manifest-path", "b/Cargo.toml"]).success();
    project.run(["verify", "--manifest-path", "a/Cargo.toml"]).refused("no-migrations-directory");
}

/// What `.env` says counts, but not before the environment.
#[test]
fn a_dot_env_file() {
    let project = Project::finalized(&[USERS]);
    project.write(".env", "DBMIGRATE_TIMEOUT=never\n");
    project.run(["verify"]).refused("bad-value");
    project.command(["verify"]).env("DBMIGRATE_TIMEOUT", "1m").run().success();
}

#[test]
fn wrong_usage() {
    for arguments in [["verify", "--no-such-flag"], ["verfy", "--strict"]] {
        let ran = Project::new().run(arguments).unchanged();
        assert_eq!(ran.code(), 2, "{ran}");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{ran}");
    }
}
