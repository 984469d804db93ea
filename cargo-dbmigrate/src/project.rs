//! Which Cargo package a command is about, and where its configuration stands. The only user of `cargo_metadata`.
//!
//! Only manifests are read (`--no-deps`): no registry, no lock file and no build is needed. What the configuration
//! means is for [`crate::config`] to say.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::{Component, Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};
use serde_json::Value;

use crate::directory::{closest, unreadable};
use crate::problem::{Kind, Refusal};

/// The table of the configuration below `metadata`.
pub const TABLE: &str = "dbmigrate";

/// How the user names a package.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `-p`: a member of the workspace.
    pub package: Option<String>,
    /// `--manifest-path`.
    pub manifest_path: Option<PathBuf>,
}

/// Whose table the configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `[package.metadata.dbmigrate]`.
    Package,
    /// `[workspace.metadata.dbmigrate]`.
    Workspace,
}

/// A package or workspace, and its configuration as it is written.
#[derive(Clone, Debug)]
pub struct Project {
    /// The manifest that holds the configuration, or would hold it.
    pub manifest: PathBuf,
    /// The directory of that manifest: paths in the configuration are relative to it.
    pub root: PathBuf,
    /// Whose table the configuration is, or would be.
    pub scope: Scope,
    /// The chosen package; `None` in a virtual workspace.
    pub package: Option<String>,
    /// Its manifest; `None` in a virtual workspace. With [`Scope::Workspace`] it is not the one with the configuration.
    pub package_manifest: Option<PathBuf>,
    /// Its build script, if it has one.
    pub build_script: Option<PathBuf>,
    /// The table; `Null` if there is none.
    pub metadata: Value,
    /// Where the user stands: paths on the command line and in messages are relative to it.
    pub cwd: PathBuf,
}

impl Project {
    /// Finds the package from the directory in which the user stands.
    ///
    /// # Errors
    /// There is no package, or several that could be meant, or Cargo cannot read the manifest.
    pub fn find(selection: &Selection, cwd: &Path) -> Result<Self, Refusal> {
        let cwd = cwd.canonicalize().map_err(|error| unreadable(cwd, error))?;
        let manifest = match &selection.manifest_path {
            Some(path) => cwd.join(path).canonicalize().map_err(|error| {
                let message = format!("there is no manifest `{}`", path.display());
                Refusal::new(Kind::NoProject, message, "`--manifest-path` wants the path of a `Cargo.toml`")
                    .caused_by(error)
            })?,
            None => {
                cwd.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.is_file()).ok_or_else(
                    || {
                        Refusal::new(
                            Kind::NoProject,
                            format!("there is no `Cargo.toml` in `{}` or above it", cwd.display()),
                            "change into a Cargo package, or name one with `--manifest-path PATH`",
                        )
                    },
                )?
            }
        };
        let metadata =
            MetadataCommand::new().manifest_path(&manifest).current_dir(&cwd).no_deps().exec().map_err(
                |error| {
                    let message = format!("cargo cannot read `{}`", shown(&manifest, &cwd).display());
                    Refusal::new(Kind::BadManifest, message, "correct what cargo says about it")
                        .caused_by(error)
                },
            )?;
        Self::choose(selection, &metadata, &manifest, cwd)
    }

    fn choose(
        selection: &Selection,
        metadata: &Metadata,
        manifest: &Path,
        cwd: PathBuf,
    ) -> Result<Self, Refusal> {
        let workspace_root = metadata.workspace_root.as_std_path();
        let packages = metadata.workspace_packages();
        let package = match &selection.package {
            Some(name) => Some(member(&packages, name)?),
            None => packages.iter().copied().find(|package| is_at(package, manifest)),
        };
        let of_workspace = &metadata.workspace_metadata[TABLE];
        if let Some(package) = package {
            let own = &package.metadata[TABLE];
            if own.is_null() && !of_workspace.is_null() {
                let manifest = workspace_root.join("Cargo.toml");
                return Ok(Self::at(manifest, Scope::Workspace, Some(package), of_workspace, cwd));
            }
            let manifest = package.manifest_path.clone().into_std_path_buf();
            return Ok(Self::at(manifest, Scope::Package, Some(package), own, cwd));
        }
        let configured: Vec<_> =
            packages.iter().filter(|package| !package.metadata[TABLE].is_null()).collect();
        if of_workspace.is_null() && !configured.is_empty() {
            let names: Vec<_> = configured.iter().map(|package| format!("`{}`", package.name)).collect();
            return Err(Refusal::new(
                Kind::AmbiguousPackage,
                format!(
                    "the workspace has no configuration of its own; its packages have: {}",
                    names.join(", ")
                ),
                "name the package with `-p NAME`",
            ));
        }
        Ok(Self::at(workspace_root.join("Cargo.toml"), Scope::Workspace, None, of_workspace, cwd))
    }

    fn at(manifest: PathBuf, scope: Scope, package: Option<&Package>, table: &Value, cwd: PathBuf) -> Self {
        let root = manifest.parent().map(Path::to_owned).unwrap_or_default();
        let package_manifest = package.map(|package| package.manifest_path.clone().into_std_path_buf());
        let build_script = package.and_then(|package| {
            let script = package.targets.iter().find(|target| target.is_custom_build())?;
            Some(script.src_path.clone().into_std_path_buf())
        });
        let package = package.map(|package| package.name.to_string());
        Self { manifest, root, scope, package, package_manifest, build_script, metadata: table.clone(), cwd }
    }

    /// A path as the user would write it from where they stand.
    pub fn shown(&self, path: &Path) -> PathBuf {
        shown(path, &self.cwd)
    }

    /// The name of the configuration's table.
    pub fn table(&self) -> &'static str {
        match self.scope {
            Scope::Package => "package.metadata.dbmigrate",
            Scope::Workspace => "workspace.metadata.dbmigrate",
        }
    }

    /// The process's environment, completed by the project's `.env`.
    ///
    /// # Errors
    /// The file is there and cannot be read. Its lines are never shown: they hold secrets.
    pub fn environment(&self) -> Result<BTreeMap<String, String>, Refusal> {
        let process = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        with_dotenv(process.collect(), &self.root, &self.cwd)
    }
}

/// Adds what `.env` says and the environment does not.
fn with_dotenv(
    mut environment: BTreeMap<String, String>,
    root: &Path,
    cwd: &Path,
) -> Result<BTreeMap<String, String>, Refusal> {
    let path = root.join(".env");
    let lines = match dotenvy::from_path_iter(&path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(environment),
        Err(dotenvy::Error::Io(error)) => return Err(unreadable(&shown(&path, cwd), error)),
        Err(_) => return Err(unreadable(&shown(&path, cwd), io::ErrorKind::InvalidData.into())),
    };
    for (index, line) in lines.enumerate() {
        match line {
            Ok((name, value)) => _ = environment.entry(name).or_insert(value),
            Err(_) => {
                let message =
                    format!("entry {} of `{}` is not `NAME=value`", index + 1, shown(&path, cwd).display());
                return Err(Refusal::new(
                    Kind::BadValue,
                    message,
                    "put values with spaces or `#` into quotes",
                ));
            }
        }
    }
    Ok(environment)
}

fn member<'a>(packages: &[&'a Package], name: &str) -> Result<&'a Package, Refusal> {
    let names = || packages.iter().map(|package| package.name.as_str());
    packages.iter().copied().find(|package| package.name.as_str() == name).ok_or_else(|| {
        let hint = match closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "its members are {}",
                names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        Refusal::new(Kind::UnknownPackage, format!("the workspace has no package `{name}`"), hint)
    })
}

fn is_at(package: &Package, manifest: &Path) -> bool {
    let path = package.manifest_path.as_std_path();
    path == manifest || path.canonicalize().is_ok_and(|path| path == manifest)
}

/// A path relative to a directory, where that is shorter to read.
fn shown(path: &Path, from: &Path) -> PathBuf {
    let common = path.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let below = path.components().skip(common);
    let above = from.components().count() - common;
    let only_root = path.components().take(common).all(|part| !matches!(part, Component::Normal(_)));
    if only_root || above > 3 {
        return path.to_owned();
    }
    let relative: PathBuf = std::iter::repeat_n(Component::ParentDir, above).chain(below).collect();
    if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::fs;

    /// A workspace in a temporary directory: `root` is the text of its manifest, members are `(name, table)`.
    fn workspace(root: &str, members: &[(&str, &str)]) -> tempfile::TempDir {
        let temporary = tempfile::tempdir().unwrap();
        let package = |dir: &Path, text: String| {
            fs::create_dir_all(dir.join("src")).unwrap();
            fs::write(dir.join("src/lib.rs"), "").unwrap();
            fs::write(dir.join("Cargo.toml"), text).unwrap();
        };
        package(temporary.path(), root.to_owned());
        for (name, table) in members {
            // A dependency that no registry has: it must not be looked for.
            let text = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{table}\n[dependencies]\nnot-a-crate-at-all = \"99\"\n"
            );
            package(&temporary.path().join(name), text);
        }
        temporary
    }

    const VIRTUAL: &str = "[workspace]\nresolver = \"2\"\nmembers = [\"one\", \"two\"]\n";
    const OWN: &str = "[package.metadata.dbmigrate]\nmigrations = \"own\"\n";
    const SHARED: &str = "[workspace.metadata.dbmigrate]\nmigrations = \"shared\"\n";

    fn find(cwd: &Path, package: Option<&str>) -> Result<Project, Refusal> {
        Project::find(&Selection { package: package.map(str::to_owned), manifest_path: None }, cwd)
    }

    #[test]
    fn a_package_is_found_from_below() {
        let temporary = workspace(VIRTUAL, &[("one", OWN), ("two", "")]);
        let project = find(&temporary.path().join("one/src"), None).unwrap();
        assert_eq!((project.package.as_deref(), project.scope), (Some("one"), Scope::Package));
        assert_eq!(project.metadata["migrations"], "own");
        assert_eq!(project.shown(&project.root.join("own")), Path::new("../own"));
        assert!(find(&temporary.path().join("two"), None).unwrap().metadata.is_null());
        assert!(!temporary.path().join("Cargo.lock").exists());
    }

    #[test]
    fn the_workspace_stands_in_for_a_package_without_configuration() {
        let temporary = workspace(&format!("{VIRTUAL}{SHARED}"), &[("one", OWN), ("two", "")]);
        let two = find(&temporary.path().join("two"), None).unwrap();
        assert_eq!((two.scope, two.metadata["migrations"].as_str()), (Scope::Workspace, Some("shared")));
        assert_eq!(two.root, temporary.path().canonicalize().unwrap());
        assert_eq!(find(temporary.path(), None).unwrap().package, None);
        assert_eq!(find(temporary.path(), Some("one")).unwrap().metadata["migrations"], "own");
    }

    #[test]
    fn what_cannot_be_chosen_is_refused() {
        let temporary = workspace(VIRTUAL, &[("one", OWN), ("two", OWN)]);
        let refusal = find(temporary.path(), None).unwrap_err();
        assert_eq!(refusal.kind, Kind::AmbiguousPackage);
        assert!(refusal.message.ends_with("`one`, `two`"), "{}", refusal.message);
        let refusal = find(temporary.path(), Some("twoo")).unwrap_err();
        assert_eq!((refusal.kind, refusal.hint.as_str()), (Kind::UnknownPackage, "did you mean `two`?"));
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(find(empty.path(), None).unwrap_err().kind, Kind::NoProject);
        let selection =
            Selection { manifest_path: Some("nowhere/Cargo.toml".into()), ..Selection::default() };
        assert_eq!(Project::find(&selection, empty.path()).unwrap_err().kind, Kind::NoProject);
        fs::write(empty.path().join("Cargo.toml"), "[package").unwrap();
        assert_eq!(find(empty.path(), None).unwrap_err().kind, Kind::BadManifest);
    }

    #[test]
    fn dotenv_completes_the_environment_and_shows_no_secret() {
        let temporary = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            fs::write(temporary.path().join(".env"), text).unwrap();
            let process = BTreeMap::from([("A".to_owned(), "process".to_owned())]);
            with_dotenv(process, temporary.path(), temporary.path())
        };
        let environment = of("A=file\nB='x y'\n").unwrap();
        assert_eq!((environment["A"].as_str(), environment["B"].as_str()), ("process", "x y"));
        let refusal = of("A=file\nthe secret\n").unwrap_err();
        assert!(
            refusal.message.starts_with("entry 2 of `.env`") && !format!("{refusal:?}").contains("secret")
        );
    }

    #[test]
    fn paths_are_shown_from_where_the_user_stands() {
        for (path, expected) in
            [("/a/b/c/d", "d"), ("/a/b/c", "."), ("/a/x", "../../x"), ("/z/x", "/z/x"), ("/a/b", "..")]
        {
            assert_eq!(shown(Path::new(path), Path::new("/a/b/c")), Path::new(expected));
        }
    }
}
