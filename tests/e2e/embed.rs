//! Migrations in a binary, by real builds: what makes a crate be built again, what fails a build, what fails the load.
//!
//! The packages share a target directory, so that their dependencies are compiled once for all runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dbmigrate_tests::{Project, Ran, program};

use crate::sets::USERS;

/// A package that depends on the runtime, and its builds. What they leave in the target directory goes with it.
struct Package {
    project: Project,
    name: &'static str,
}

const MAIN: &str = r#"
static MIGRATIONS: dbmigrate_runtime::Embedded = dbmigrate_runtime::embed!("migrations");

fn main() {
    match MIGRATIONS.load() {
        Ok(migrations) => println!("loaded {}", migrations.all().len()),
        Err(error) => {
            println!("{error}\nhint: {}", error.hint());
            std::process::exit(1);
        }
    }
}
"#;

impl Package {
    /// A package with one finalized migration, in a directory of the project.
    fn new(name: &'static str, features: &str) -> Self {
        let project = Project::finalized(&[USERS]);
        let runtime =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../dbmigrate-runtime").canonicalize().unwrap();
        project.edit("Cargo.toml", |text| text.replace("\"shop\"", &format!("\"{name}\"")));
        project.edit("Cargo.toml", |text| {
            format!(
                "{text}\n[dependencies]\ndbmigrate-runtime = {{ path = \"{}\"{features} }}\n",
                runtime.display()
            )
        });
        let locked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        project.write("Cargo.lock", fs::read(locked).unwrap());
        Self { project, name }
    }

    fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.project
            .command(arguments)
            .program(cargo)
            .bare()
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            // The first one compiles the dependencies.
            .patience(Duration::from_secs(600))
            .run()
    }

    fn loads(&self, count: usize) {
        let ran = self.cargo(["run", "-q"]);
        assert_eq!(ran.stdout, format!("loaded {count}\n"), "{ran}");
    }

    /// Cargo compiles what is newer than its last output.
    fn touch(&self, file: &str) {
        self.project.edit(file, |text| format!("{text}\n// touched\n"));
    }

    /// The build fails, and says all of this.
    fn fails(&self, parts: &[&str]) {
        let ran = self.cargo(["build", "-q"]);
        assert_ne!(ran.code(), 0, "{ran}");
        for part in parts {
            assert!(ran.stderr.contains(part), "no `{part}` in\n{ran}");
        }
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        self.cargo(["clean", "-q", "-p", self.name]);
    }
}

fn target() -> PathBuf {
    program().with_file_name("e2e-builds")
}

const UP: &str = "migrations/V20200101000001__create_users.sql";

#[test]
fn a_package_follows_its_lock() {
    let package = Package::new("follows-its-lock", "");
    let project = &package.project;
    project.write("src/main.rs", MAIN);
    package.loads(1);

    // The tool adds a migration: no source file changes, and the crate is built again.
    project.write("drafts/20200601000001__extra.sql", "CREATE TABLE extra (id int);\n");
    project.write("drafts/20200601000001__extra.down.sql", "DROP TABLE extra;\n");
    project.run(["consolidate", "extra"]).success();
    package.loads(2);

    // By hand, one is added: the next time that the crate is compiled, the build fails.
    let by_hand = "migrations/V20990101000000__by_hand.sql";
    project.write(by_hand, "SELECT 1;\n");
    package.touch("src/main.rs");
    package.fails(&[
        "`migrations/V20990101000000__by_hand.sql` is not in `dbmigrate.lock`",
        "run `cargo dbmigrate verify`",
        "src/main.rs:2:",
    ]);
    project.remove(by_hand);
    package.loads(2);

    // One is removed: cargo knows the file, and the build fails at once.
    let up = project.read(UP);
    project.remove(UP);
    package.fails(&["`migrations/V20200101000001__create_users.sql` is in `dbmigrate.lock`, but not there"]);

    // One is edited: cargo knows the file, and loading it fails.
    project.write(UP, up.replace("text NOT NULL", "text"));
    let ran = package.cargo(["run", "-q"]);
    assert_eq!(ran.code(), 1, "{ran}");
    let before = "`V20200101000001__create_users.sql` was edited: its hash is ";
    assert!(ran.stdout.contains(before) && ran.stdout.contains(", locked is "), "{ran}");
    assert!(
        ran.stdout.contains("\nhint: restore the file") && ran.stdout.contains("`cargo dbmigrate verify`"),
        "{ran}"
    );

    // A checkout with other line ends and byte order marks is the same.
    project.write(UP, up);
    for file in fs::read_dir(project.path("migrations")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    }
    package.loads(2);
}

/// The compiler runs in the workspace's directory, and there lies a decoy.
#[test]
fn paths_start_at_the_package_in_a_workspace_too() {
    let package = Package::new("member-of-many", ", features = []");
    let project = &package.project;
    let member = project.read("Cargo.toml").replace("\n[workspace]\n", "\n");
    project.write("app/Cargo.toml", format!("{member}include_dir = \"0.7\"\n"));
    project.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\"]\n");
    for (directory, text) in
        [("app/migrations", None), ("app/any/where", None), ("migrations", Some("decoy"))]
    {
        for file in
            ["dbmigrate.lock", "V20200101000001__create_users.sql", "V20200101000001__create_users.down.sql"]
        {
            let content = project.read(&format!("migrations/{file}"));
            project.write(&format!("{directory}/{file}"), text.map_or(content, str::to_owned));
        }
    }
    let main = r#"
use dbmigrate_runtime::{Embedded, embed, migrations::{Migrations, SetError}};

static OWN: include_dir::Dir<'static> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/any/where");
const USUAL: Embedded = embed!();

fn main() -> Result<(), SetError> {
    let own = Migrations::try_from(&OWN)?;
    assert_eq!(own, Migrations::try_from(USUAL)?);
    assert_eq!(own, embed!("migrations").load()?);
    assert_eq!(own, embed!(path = "$CARGO_MANIFEST_DIR/any/where").load()?);
    assert_eq!(own, Embedded::from(&OWN).load()?);
    println!("loaded {}", own.all().len());
    Ok(())
}
"#;
    project.write("app/src/main.rs", main);
    package.loads(1);

    project
        .write("app/src/main.rs", main.replace("path = \"$CARGO_MANIFEST_DIR/any/where\"", "\"any/where\""));
    package.fails(&[
        "`any/where` is not one of the usual directories: write `embed!(path = \"$CARGO_MANIFEST_DIR/any/where\")`",
    ]);
    project.write("app/src/main.rs", main.replace("path = \"$CARGO_MANIFEST_DIR/any", "path = \"app/any"));
    package.fails(&["in a workspace a relative path would begin at the workspace's directory"]);
}

#[test]
fn a_build_script_finds_all_of_it_at_once() {
    let package = Package::new("checks-in-its-build", ", default-features = false");
    let project = &package.project;
    let ran = project.run(["init", "--build-script"]).success();
    for part in ["changed Cargo.toml", "created build.rs"] {
        assert!(ran.stdout.contains(part), "{ran}");
    }
    project.run(["init", "--build-script"]).success().unchanged();
    let ran = package.cargo(["build"]).success();
    assert!(!ran.stderr.contains("warning"), "{ran}");
    let tree = package.cargo(["tree", "-e", "normal,build", "--prefix", "none"]).success();
    assert!(tree.stdout.contains("sha2") && !tree.stdout.contains("tokio"), "{tree}");

    // Nothing of the crate itself changes from here on.
    let up = project.read(UP);
    project.write(UP, format!("{up}-- edited\n"));
    project.write("migrations/V20990101000000__by_hand.sql", "SELECT 1;\n");
    package.fails(&[
        "in `migrations`: `V20200101000001__create_users.sql` was edited: its hash is ",
        "in `migrations`: `V20990101000000__by_hand` is not in the lock; move it to the drafts, and run `cargo dbmigrate consolidate`",
    ]);
    project.write(UP, up);
    project.remove("migrations/V20990101000000__by_hand.sql");
    package.cargo(["build"]).success();
    project.write("migrations/20200301000001__draft.sql", "SELECT 1;\n");
    package.fails(&["`20200301000001__draft.sql`", "a draft is not shipped"]);
}
