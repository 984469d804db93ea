//! The two ways to call it.

use std::env;

use dbmigrate_tests::{Project, program};

use crate::sets::USERS;

/// Through cargo, which looks for `cargo-dbmigrate` on the path and puts the word `dbmigrate` before the arguments.
#[test]
fn as_cargo_s_own_subcommand() {
    let project = Project::finalized(&[USERS]);
    let folder = program().parent().unwrap().to_owned();
    let path =
        env::join_paths([folder].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let ran = project.command(["verify"]).program(cargo).env("PATH", path).run().success();
    assert!(ran.stdout.contains("proved 1"), "{ran}");
}

#[test]
fn on_its_own() {
    let project = Project::finalized(&[USERS]);
    project.run(["verify"]).success();
    let help = project.run(["--help"]).success();
    for verb in ["init", "new", "consolidate", "adopt", "verify", "explain"] {
        assert!(help.stdout.contains(verb), "{help}");
    }
    assert!(help.stdout.contains("cargo dbmigrate"), "{help}");
    let version = project.run(["--version"]).success();
    assert!(version.stdout.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

/// Without the word that cargo puts there it is a wrong command line, and the error says how to call.
#[test]
fn without_cargo_s_word() {
    let ran = Project::new().command(["verify"]).bare().run().unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr.contains("unrecognized subcommand"), "{ran}");
    assert!(ran.stderr.contains("`cargo dbmigrate …` or as `cargo-dbmigrate dbmigrate …`"), "{ran}");
    let ran = Project::new().run(["verfy"]).unchanged();
    assert!(!ran.stderr.contains("call it as"), "{ran}");
}
