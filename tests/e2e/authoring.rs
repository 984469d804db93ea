//! `init` and `new`.

use dbmigrate_tests::{Project, shot};

#[test]
fn init_sets_a_package_up() {
    shot!(Project::new().run(["init"]).success());
}

#[test]
fn init_twice_changes_nothing() {
    let project = Project::new();
    project.run(["init"]).success();
    project.run(["init"]).success().unchanged();
}

#[test]
fn init_keeps_what_the_manifest_says() {
    let project = Project::new();
    project.manifest(
        "# mine\n[package.metadata.dbmigrate]\nmigrations = \"db/done\" # here\ntimeout = \"1m\"\n",
    );
    let ran = project.run(["init"]).success();
    assert!(project.path("db/done/dbmigrate.lock").exists(), "{ran}");
    let manifest = project.read("Cargo.toml");
    assert!(
        manifest.contains("# mine\n") && manifest.contains("migrations = \"db/done\" # here"),
        "{manifest}"
    );
    project.run(["init"]).success().unchanged();
}

#[test]
fn init_leaves_the_directory_of_another_tool_alone() {
    let project = Project::new();
    project.write("migrations/2020-01-01-000000_users/up.sql", "CREATE TABLE users ();\n");
    shot!(project.run(["init"]).refused("foreign-directory"));
}

#[test]
fn new_drafts() {
    let project = Project::new();
    project.run(["init"]).success();
    shot!(project.run(["new", "create_users"]).success());
}

#[test]
fn new_without_a_transaction() {
    let project = Project::new();
    project.run(["init"]).success();
    shot!(project.run(["new", "index_users", "--no-transaction"]).success());
}

#[test]
fn new_irreversible() {
    let project = Project::new();
    project.run(["init"]).success();
    shot!(project.run(["new", "forget", "--irreversible", "personal data, gone for good"]).success());
}

/// Whatever somebody calls it becomes a name, unless nothing is left.
#[test]
fn new_names() {
    let project = Project::new();
    project.run(["init"]).success();
    let ran = project.run(["new", "Create Users & Orders"]).success();
    assert!(ran.changes.contains("__create_users_orders.sql"), "{ran}");
    let ran = project.run(["new", "../../escape"]).success();
    assert!(ran.changes.contains("+ drafts/") && ran.changes.contains("__escape.sql"), "{ran}");
    for name in ["", "!", "../.."] {
        project.run(["new", name]).refused("bad-name");
    }
    shot!(project.run(["new", "…"]).refused("bad-name"));
}

/// Two in one second are two, in the order in which they were written.
#[test]
fn new_twice_at_once() {
    let project = Project::new();
    project.run(["init"]).success();
    for name in ["zebra", "ant", "zebra"] {
        project.run(["new", name]).success();
    }
    let tree = project.tree();
    let names: Vec<_> = tree
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("drafts/") && path.ends_with(".sql"))
        .collect();
    let ups: Vec<_> = names.iter().filter(|path| !path.ends_with(".down.sql")).collect();
    let order: Vec<_> = ups.iter().map(|path| path.split_once("__").unwrap().1).collect();
    assert_eq!(order, ["zebra.sql", "ant.sql", "zebra.sql"]);
}

/// From nothing to a proved history with the tool alone.
#[test]
fn the_whole_way() {
    let project = Project::new();
    project.run(["init"]).success();
    project.run(["new", "create_users"]).success();
    let tree = project.tree();
    let drafts: Vec<_> =
        tree.paths().into_iter().filter(|path| path.ends_with(".sql")).map(str::to_owned).collect();
    let [down, up] = drafts.as_slice() else { panic!("{drafts:?}") };
    project.edit(up, |text| text + "CREATE TABLE users (id int);\n");
    project.edit(down, |text| text + "DROP TABLE users;\n");
    project.run(["verify"]).success().unchanged();
    project.run(["consolidate"]).success();
    project.run(["verify", "--frozen"]).success().unchanged();
}
