//! `init --build-script`: a build script that checks the migrations, and what it depends on. What is there is kept.

use std::fs;
use std::path::{Component, Path};

use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, Value};

use super::{Uneditable, below};
use crate::config::Config;
use crate::directory::{Change, unreadable};
use crate::problem::{Kind, Refusal};
use crate::project::Project;
use crate::report::Done;

/// The library that applications depend on.
const RUNTIME: &str = "dbmigrate-runtime";
/// Where a dependency comes from. The build script's comes from where the program's does.
const SOURCES: [&str; 8] = ["version", "path", "git", "branch", "tag", "rev", "registry", "package"];

/// Adds the build script and its dependency to what is to be changed.
///
/// # Errors
/// No package is chosen, or its manifest cannot be read or edited.
pub(super) fn add(
    project: &Project,
    config: &Config,
    change: &mut Change,
    mut done: Done,
) -> Result<Done, Refusal> {
    let Some((manifest, root)) =
        project.package_manifest.as_deref().and_then(|path| Some((path, path.parent()?)))
    else {
        let message = "a build script belongs to a package, and the workspace's root is none";
        return Err(Refusal::new(Kind::AmbiguousPackage, message, "name the package with `-p NAME`"));
    };
    let call = format!("dbmigrate_runtime::build::check({:?});", relative(&config.migrations.path, root));
    let script = project.build_script.clone().unwrap_or_else(|| root.join("build.rs"));
    let shown = project.shown(&script);
    if script.exists() {
        let text = fs::read_to_string(&script).map_err(|error| unreadable(&shown, error))?;
        if !text.contains("dbmigrate_runtime::build::check(") {
            done = done.note(format!("add this line to `main` in `{}`: `{call}`", shown.display()));
        }
        done = done.item("kept", shown);
    } else {
        let text = format!(
            "//! Fails the build when the migrations do not fit their lock.\n\nfn main() {{\n    {call}\n}}\n"
        );
        change.create.push((script, text));
        done = done.item("created", shown);
    }
    add_dependency(project, manifest, change, done)
}

fn add_dependency(
    project: &Project,
    manifest: &Path,
    change: &mut Change,
    mut done: Done,
) -> Result<Done, Refusal> {
    let shown = project.shown(manifest);
    let planned = change.replace.iter().position(|(path, _)| path == manifest);
    let text = match planned {
        Some(at) => change.replace[at].1.clone(),
        None => fs::read_to_string(manifest).map_err(|error| unreadable(&shown, error))?,
    };
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| Uneditable(error.message().to_owned()).at_manifest(&shown))?;
    if document.get("package").and_then(|package| package.get("build")).and_then(Item::as_bool) == Some(false)
    {
        done = done.note(format!(
            "`{}` says `build = false`: remove it, or cargo does not run the script",
            shown.display()
        ));
    }
    let dependency = document
        .get("dependencies")
        .and_then(|all| all.get(RUNTIME))
        .map_or_else(|| released(None), |program| released(Some(program)));
    let table = below(document.as_table_mut(), "build-dependencies");
    let Some(table) = table else {
        return Err(Uneditable("`build-dependencies` is not a table".to_owned()).at_manifest(&shown));
    };
    if let Some(there) = table.get(RUNTIME) {
        if !has_feature(there) {
            done = done.note(format!(
                "`{RUNTIME}` in `[build-dependencies]` of `{}` needs the feature `build`",
                shown.display()
            ));
        }
        return Ok(done);
    }
    table.insert(RUNTIME, Item::Value(Value::InlineTable(dependency)));
    let text = super::with_line_ends_of(&text, &document);
    match planned {
        Some(at) => change.replace[at].1 = text,
        None => {
            change.replace.push((manifest.to_owned(), text));
            match done.items.iter_mut().find(|item| item.path == shown) {
                Some(item) => item.what = "changed".to_owned(),
                None => done = done.item("changed", shown),
            }
        }
    }
    Ok(done)
}

/// The dependency of the build script: without the engine, and from where the program's own comes.
fn released(program: Option<&Item>) -> InlineTable {
    let mut table = InlineTable::new();
    let program = program.and_then(Item::as_table_like);
    let inherited = program.is_some_and(|program| program.get("workspace").is_some());
    if inherited {
        table.insert("workspace", true.into());
    } else {
        for key in SOURCES {
            if let Some(value) = program.and_then(|program| program.get(key)).and_then(Item::as_value) {
                table.insert(key, value.clone().decorated("", ""));
            }
        }
        if table.is_empty() {
            table.insert("version", env!("CARGO_PKG_VERSION").into());
        }
        table.insert("default-features", false.into());
    }
    table.insert("features", Value::Array(Array::from_iter(["build"])));
    table.fmt();
    table
}

/// Whether the dependency has the feature that the build script calls, as far as this manifest says.
fn has_feature(dependency: &Item) -> bool {
    let Some(table) = dependency.as_table_like() else { return false };
    let named = |table: &dyn TableLike| {
        let features = table.get("features").and_then(Item::as_array)?;
        Some(features.iter().any(|feature| feature.as_str() == Some("build")))
    };
    table.get("workspace").is_some() || named(table).unwrap_or(false)
}

/// A path from a directory to another, as Rust source and every system read it.
fn relative(path: &Path, from: &Path) -> String {
    let common = path.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    if common == 0 || matches!(path.components().nth(common - 1), Some(Component::Prefix(_))) {
        return path.to_string_lossy().into_owned();
    }
    let above = std::iter::repeat_n("..".into(), from.components().count() - common);
    let below = path.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    above.chain(below).collect::<Vec<String>>().join("/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::{Build, run};
    use super::*;
    use crate::commands::tests::Sandbox;

    fn init(sandbox: &Sandbox) -> Done {
        run(Build::Checked, &sandbox.project(), &sandbox.config()).unwrap()
    }

    const DEPENDENCY: &str = concat!(
        "[build-dependencies]\ndbmigrate-runtime = { version = \"",
        env!("CARGO_PKG_VERSION"),
        "\", default-features = false, features = [\"build\"] }\n"
    );

    #[test]
    fn a_package_gets_its_build_script_once() {
        let sandbox = Sandbox::new("");
        init(&sandbox);
        let (script, manifest) = (sandbox.read("build.rs"), sandbox.read("Cargo.toml"));
        assert!(
            script.contains("fn main() {\n    dbmigrate_runtime::build::check(\"migrations\");\n}\n"),
            "{script}"
        );
        assert!(manifest.contains(DEPENDENCY), "{manifest}");
        assert!(manifest.contains("[package.metadata.dbmigrate]"), "{manifest}");
        let done = init(&sandbox);
        assert!(done.items.iter().all(|item| item.what == "kept") && done.notes.is_empty(), "{done:?}");
        assert_eq!((sandbox.read("build.rs"), sandbox.read("Cargo.toml")), (script, manifest));
    }

    #[test]
    fn what_is_there_is_kept_and_the_line_is_said() {
        let tail = "build = \"tools/b.rs\"\n\n[build-dependencies]\ndbmigrate-runtime = \"0.1\"\n";
        let sandbox = Sandbox::new(tail);
        sandbox.write("tools/b.rs", "fn main() {}\n");
        let done = init(&sandbox);
        assert_eq!(sandbox.read("tools/b.rs"), "fn main() {}\n");
        let manifest = sandbox.read("Cargo.toml");
        assert!(
            tail.lines().all(|line| manifest.contains(line)) && !manifest.contains("features"),
            "{manifest}"
        );
        assert!(!sandbox.files().contains(&"build.rs".to_owned()));
        assert!(
            done.notes[0].contains("`tools/b.rs`: `dbmigrate_runtime::build::check(\"migrations\");`"),
            "{done:?}"
        );
        assert!(done.notes[1].contains("needs the feature `build`"), "{done:?}");
    }

    #[test]
    fn the_dependency_comes_from_where_the_program_s_own_comes() {
        for (program, build) in [
            (
                "{ path = \"../rt\", features = [\"tls\"] }",
                "{ path = \"../rt\", default-features = false, features = [\"build\"] }",
            ),
            ("{ workspace = true }", "{ workspace = true, features = [\"build\"] }"),
            (
                "{ git = \"https://example.org/x\", rev = \"1\" }",
                "{ git = \"https://example.org/x\", rev = \"1\", default-features = false, features = [\"build\"] }",
            ),
        ] {
            let item = format!("d = {program}").parse::<DocumentMut>().unwrap();
            assert_eq!(released(item.get("d")).to_string().trim(), build);
        }
    }

    #[test]
    fn a_script_that_cargo_would_not_run_is_said_to_be_one() {
        let sandbox = Sandbox::new("build = false\n");
        let done = init(&sandbox);
        assert!(done.notes.iter().any(|note| note.contains("`build = false`: remove it")), "{done:?}");
    }

    #[test]
    fn a_workspace_names_the_package() {
        let sandbox = Sandbox::new("");
        sandbox.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = []\n");
        let before = sandbox.files();
        let refusal = run(Build::Checked, &sandbox.project(), &sandbox.config()).unwrap_err();
        assert_eq!((refusal.kind, sandbox.files()), (Kind::AmbiguousPackage, before));
    }

    #[test]
    fn paths_start_at_the_package() {
        for (path, expected) in [
            ("/a/b/migrations", "migrations"),
            ("/a/migrations", "../migrations"),
            ("/a/c/d", "../c/d"),
            ("/x", "../../x"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new("/a/b")), expected);
        }
    }
}
