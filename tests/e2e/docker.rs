//! Containers: `.ci/run` starts an engine, makes the image, and runs these.

use std::process::Command;

use dbmigrate_tests::{Project, shot};

use crate::sets::{ORDERS, USERS};

const IMAGE: &str = "dbmigrate-test-postgres:15";

/// The containers that the engine has, running or not.
fn containers() -> Vec<String> {
    let output = Command::new("docker").args(["ps", "--all", "--quiet", "--no-trunc"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs a Docker engine and the test image"]
fn docker_proves_a_set() {
    let project = Project::finalized(&[USERS, ORDERS]);
    let before = containers();
    let ran = project.run(["verify", "--server", "docker", "--image", IMAGE]).success().unchanged();
    assert!(ran.stdout.contains("docker"), "{ran}");
    // Other tests' containers come and go.
    let left: Vec<_> = containers().into_iter().filter(|id| !before.contains(id) && is_ours(id)).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
#[ignore = "needs a Docker engine and the test image"]
fn docker_is_what_auto_takes_first() {
    let project = Project::finalized(&[USERS]);
    let ran = project.run(["verify", "--server", "auto", "--image", IMAGE]).success();
    assert!(ran.stdout.contains("docker"), "{ran}");
}

#[test]
#[ignore = "needs a Docker engine and the test image"]
fn docker_has_no_such_image() {
    let project = Project::finalized(&[USERS]);
    let ran =
        project.run(["verify", "--server", "docker", "--image", "dbmigrate-no-such-image:0"]).unchanged();
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr.contains("dbmigrate-no-such-image:0"), "{ran}");
    assert_eq!(ran.ids("error"), ["docker-image"], "{ran}");
}

#[test]
#[ignore = "needs a Docker engine and the test image"]
fn docker_is_left_clean_after_ctrl_c() {
    let project = Project::finalized(&[USERS, ("sleep", "SELECT pg_sleep(600);\n", "SELECT 1;\n")]);
    let mut running = project.command(["verify", "--server", "docker", "--image", IMAGE]).start();
    let before = containers();
    let mut mine = None;
    running.until("its container", || {
        mine = containers().into_iter().find(|id| !before.contains(id) && is_asleep(id));
        mine.is_some()
    });
    running.signal_group("INT");
    let ran = running.wait().unchanged();
    assert_eq!(ran.ids("error"), ["interrupted"], "{ran}");
    assert!(!containers().contains(&mine.unwrap()), "{ran}");
}

fn is_asleep(id: &str) -> bool {
    let output = Command::new("docker").args(["top", id, "-eo", "pid,args"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().any(|line| line.contains("SELECT"))
}

fn is_ours(id: &str) -> bool {
    let output =
        Command::new("docker").args(["inspect", "--format", "{{json .Config.Labels}}", id]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains("dbmigrate")
}

#[test]
#[ignore = "needs a Docker engine and the test image"]
fn docker_that_is_named_but_has_no_image_is_said_by_auto() {
    let project = Project::finalized(&[USERS]);
    // Auto goes on to the machine's own programs.
    let ran = project.run(["verify", "--server", "auto", "--image", "dbmigrate-no-such-image:0"]).success();
    shot!(ran);
}
