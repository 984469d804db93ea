//! What the settings are, from all the places where they can stand. Pure.
//!
//! A setting on the command line goes before the environment (and `.env`), that before the manifest, and that before
//! the default. Logic sees only the resolved [`Config`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::directory::{Directory, closest};
use crate::problem::{Kind, Refusal};
use crate::project::Project;
use crate::server::Way;

/// One setting and the places where it can stand.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the manifest's table; empty if it cannot stand there.
    pub key: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// The default, in words.
    pub default: &'static str,
    /// What it is.
    pub about: &'static str,
}

macro_rules! settings {
    ($($name:ident: $key:literal, $variable:literal, $default:literal, $about:literal;)*) => {
        $(const $name: Setting = Setting { key: $key, variable: $variable, default: $default, about: $about };)*
        /// All settings. The documentation's table is made from this one.
        pub const SETTINGS: &[Setting] = &[$($name,)*];
    };
}

settings! {
    MIGRATIONS: "migrations", "DBMIGRATE_MIGRATIONS", "migrations", "directory of the finalized migrations and their lock";
    DRAFTS: "drafts", "DBMIGRATE_DRAFTS", "drafts", "directory of the drafts";
    HISTORY_TABLE: "history-table", "DBMIGRATE_HISTORY_TABLE", "public.dbmigrate_history", "table in which a database keeps its history";
    SERVER: "server", "DBMIGRATE_SERVER", "auto", "throwaway server: `auto`, `docker`, `local`, `embedded`, a `postgres://` URL, or `{ env = \"NAME\" }`";
    IMAGE: "image", "DBMIGRATE_IMAGE", "postgres:17-alpine", "container image for `docker`";
    SETUP: "setup", "DBMIGRATE_SETUP", "none", "SQL files that prepare the throwaway server: roles, extensions";
    TIMEOUT: "timeout", "DBMIGRATE_TIMEOUT", "5m", "longest time for one script";
    STRICT: "strict", "DBMIGRATE_STRICT", "false", "whether column order alone is a finding";
    OFFLINE: "offline", "DBMIGRATE_OFFLINE", "false", "whether nothing may be downloaded";
    POSTGRES_RELEASES: "postgres-releases", "DBMIGRATE_POSTGRES_RELEASES", "the project's own", "where `embedded` finds PostgreSQL's programs";
    POSTGRES_VERSION: "postgres-version", "DBMIGRATE_POSTGRES_VERSION", "17.6.0", "which version `embedded` takes";
    CACHE: "", "DBMIGRATE_CACHE", "the user's cache directory", "where templates and downloads are kept";
}

/// What the command line says. Every command fills in what it has.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--server`.
    pub server: Option<String>,
    /// `--image`.
    pub image: Option<String>,
    /// `--setup`, which replaces what stands elsewhere.
    pub setup: Vec<PathBuf>,
    /// `--timeout`.
    pub timeout: Option<String>,
    /// `--strict`.
    pub strict: bool,
    /// `--offline`.
    pub offline: bool,
}

/// The resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The finalized migrations.
    pub migrations: Directory,
    /// The drafts.
    pub drafts: Directory,
    /// The history table, always with its schema.
    pub history_table: String,
    /// Which throwaway server.
    pub server: Way,
    /// The container image.
    pub image: String,
    /// SQL files that prepare the server.
    pub setup: Vec<SetupFile>,
    /// Longest time for one script.
    pub timeout: Duration,
    /// Column order alone is a finding.
    pub strict: bool,
    /// Nothing may be downloaded.
    pub offline: bool,
    /// Where `embedded` finds PostgreSQL's programs, unless it is the usual place.
    pub postgres_releases: Option<String>,
    /// Which PostgreSQL `embedded` takes.
    pub postgres_version: String,
    /// Where templates and downloads are kept, unless it is the usual place.
    pub cache: Option<PathBuf>,
}

/// An SQL file that prepares the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupFile {
    /// Where it is.
    pub path: PathBuf,
    /// How to name it to the user: as they wrote it, or from where they stand.
    pub shown: PathBuf,
}

impl Config {
    /// Resolves every setting.
    ///
    /// # Errors
    /// An unknown key, or a value of the wrong type or outside of what is allowed; says where it stands.
    pub fn resolve(
        flags: &Flags,
        environment: &BTreeMap<String, String>,
        project: &Project,
    ) -> Result<Self, Refusal> {
        let sources = Sources { environment, project };
        sources.check_keys()?;
        let directory = |setting, default| -> Result<Directory, Refusal> {
            let (found, base) = sources.path(setting)?.unwrap_or((PathBuf::from(default), &project.root));
            let path = base.join(found);
            Ok(Directory::new(path.clone(), project.shown(&path)))
        };
        let migrations = directory(MIGRATIONS, "migrations")?;
        let drafts = directory(DRAFTS, "drafts")?;
        if migrations.path == drafts.path {
            let message = format!("`migrations` and `drafts` are both `{}`", drafts.shown.display());
            return Err(Refusal::new(Kind::BadValue, message, "give the drafts a directory of their own"));
        }
        for (inner, outer) in [(&drafts, &migrations), (&migrations, &drafts)] {
            if inner.path.starts_with(&outer.path) {
                let message = format!("`{}` lies in `{}`", inner.shown.display(), outer.shown.display());
                let hint = "a directory of migrations or drafts holds nothing else: put the two side by side";
                return Err(Refusal::new(Kind::BadValue, message, hint));
            }
        }
        let cache = sources.variable(CACHE).map(|found| project.cwd.join(found.value));
        Ok(Self {
            migrations,
            drafts,
            history_table: sources.history_table()?,
            server: sources.server(flags)?,
            image: sources
                .text(IMAGE, flags.image.as_deref())?
                .map_or_else(|| IMAGE.default.to_owned(), |f| f.value),
            setup: sources.setup(flags)?,
            timeout: sources.timeout(flags)?,
            strict: sources.switch(STRICT, flags.strict)?,
            offline: sources.switch(OFFLINE, flags.offline)?,
            postgres_releases: sources.text(POSTGRES_RELEASES, None)?.map(|found| found.value),
            postgres_version: sources
                .text(POSTGRES_VERSION, None)?
                .map_or_else(|| POSTGRES_VERSION.default.to_owned(), |found| found.value),
            cache,
        })
    }
}

/// A value and where it stood, in words.
struct Found {
    value: String,
    origin: String,
}

struct Sources<'a> {
    environment: &'a BTreeMap<String, String>,
    project: &'a Project,
}

impl Sources<'_> {
    fn manifest(&self) -> String {
        format!("`{}`", self.project.shown(&self.project.manifest).display())
    }

    fn check_keys(&self) -> Result<(), Refusal> {
        let table = match &self.project.metadata {
            Value::Null => return Ok(()),
            Value::Object(table) => table,
            other => return Err(self.bad_type(self.project.table(), other, "a table")),
        };
        let known = || SETTINGS.iter().map(|setting| setting.key).filter(|key| !key.is_empty());
        let Some(key) = table.keys().find(|key| known().all(|known| known != key.as_str())) else {
            return Ok(());
        };
        let hint = match closest(key, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the keys are {}",
                known().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        let message =
            format!("`[{}]` in {} has an unknown key `{key}`", self.project.table(), self.manifest());
        Err(Refusal::new(Kind::UnknownKey, message, hint))
    }

    fn variable(&self, setting: Setting) -> Option<Found> {
        let value = self.environment.get(setting.variable).filter(|value| !value.is_empty())?;
        Some(Found {
            value: value.clone(),
            origin: format!("the environment variable `{}`", setting.variable),
        })
    }

    fn key(&self, setting: Setting) -> Option<&Value> {
        self.project.metadata.get(setting.key)
    }

    fn text(&self, setting: Setting, flag: Option<&str>) -> Result<Option<Found>, Refusal> {
        if let Some(value) = flag {
            return Ok(Some(Found { value: value.to_owned(), origin: format!("`--{}`", setting.key) }));
        }
        if let Some(found) = self.variable(setting) {
            return Ok(Some(found));
        }
        match self.key(setting) {
            None => Ok(None),
            Some(Value::String(value)) if !value.is_empty() => Ok(Some(Found {
                value: value.clone(),
                origin: format!("`{}` in {}", setting.key, self.manifest()),
            })),
            Some(other) => Err(self.bad_type(setting.key, other, "a string")),
        }
    }

    /// A path and the directory that it is relative to.
    fn path(&self, setting: Setting) -> Result<Option<(PathBuf, &Path)>, Refusal> {
        let base = if self.variable(setting).is_some() { &self.project.cwd } else { &self.project.root };
        Ok(self.text(setting, None)?.map(|found| (PathBuf::from(found.value), base.as_path())))
    }

    fn switch(&self, setting: Setting, flag: bool) -> Result<bool, Refusal> {
        if flag {
            return Ok(true);
        }
        if let Some(found) = self.variable(setting) {
            return match found.value.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Ok(true),
                "0" | "false" | "no" | "off" => Ok(false),
                _ => Err(bad_value(&found, "`true` or `false`")),
            };
        }
        match self.key(setting) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.bad_type(setting.key, other, "`true` or `false`")),
        }
    }

    fn history_table(&self) -> Result<String, Refusal> {
        let Some(found) = self.text(HISTORY_TABLE, None)? else {
            return Ok(HISTORY_TABLE.default.to_owned());
        };
        let identifier = |part: &str| {
            part.len() <= 63
                && part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let (schema, table) = found.value.split_once('.').unwrap_or(("public", &found.value));
        if identifier(schema) && identifier(table) {
            Ok(format!("{schema}.{table}"))
        } else {
            Err(bad_value(&found, "`schema.table` in lower-case letters, digits and `_`"))
        }
    }

    fn setup(&self, flags: &Flags) -> Result<Vec<SetupFile>, Refusal> {
        let given = |path: PathBuf| SetupFile { path: self.project.cwd.join(&path), shown: path };
        if !flags.setup.is_empty() {
            return Ok(flags.setup.iter().cloned().map(given).collect());
        }
        if let Some(found) = self.variable(SETUP) {
            return Ok(std::env::split_paths(&found.value).map(given).collect());
        }
        let configured = |file: &String| {
            let path = self.project.root.join(file);
            SetupFile { shown: self.project.shown(&path), path }
        };
        let wanted = "a list of SQL files";
        match self.key(SETUP) {
            None => Ok(Vec::new()),
            Some(Value::Array(files)) => files
                .iter()
                .map(|file| match file {
                    Value::String(file) => Ok(configured(file)),
                    other => Err(self.bad_type(SETUP.key, other, wanted)),
                })
                .collect(),
            Some(other) => Err(self.bad_type(SETUP.key, other, wanted)),
        }
    }

    fn timeout(&self, flags: &Flags) -> Result<Duration, Refusal> {
        let default = || Found { value: TIMEOUT.default.to_owned(), origin: "the default".to_owned() };
        let found = self.text(TIMEOUT, flags.timeout.as_deref())?.unwrap_or_else(default);
        let parsed = found.value.parse::<jiff::SignedDuration>().ok();
        let parsed = parsed.and_then(|duration| Duration::try_from(duration).ok());
        parsed
            .filter(|duration| !duration.is_zero())
            .ok_or_else(|| bad_value(&found, "a duration such as `30s`, `5m` or `1h30m`"))
    }

    fn server(&self, flags: &Flags) -> Result<Way, Refusal> {
        let found = match self.key(SERVER) {
            Some(Value::Object(table)) if flags.server.is_none() && self.variable(SERVER).is_none() => {
                match (table.get("env"), table.len()) {
                    (Some(Value::String(name)), 1) => Some(self.named_variable(name)?),
                    _ => {
                        return Err(self.bad_type(
                            SERVER.key,
                            &Value::Object(table.clone()),
                            "`{ env = \"NAME\" }`",
                        ));
                    }
                }
            }
            // A password in the manifest is refused even if something else goes before it.
            Some(Value::String(url)) if has_password(url) => {
                return Err(Refusal::new(
                    Kind::SecretInManifest,
                    format!("`server` in {} holds a password", self.manifest()),
                    "write `server = { env = \"NAME\" }` and set that variable, for instance in `.env`",
                ));
            }
            _ => self.text(SERVER, flags.server.as_deref())?,
        };
        let Some(found) = found else { return Ok(Way::Auto) };
        match found.value.as_str() {
            "auto" => Ok(Way::Auto),
            "docker" => Ok(Way::Docker),
            "local" => Ok(Way::Local),
            "embedded" => Ok(Way::Embedded),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Way::Url(found.value))
            }
            _ => {
                // Never the value itself: it may be a URL with a password and a typing error.
                let wanted = "`auto`, `docker`, `local`, `embedded` or a `postgres://` URL";
                Err(Refusal::new(
                    Kind::BadValue,
                    format!("{} names no server", found.origin),
                    format!("wanted: {wanted}"),
                ))
            }
        }
    }

    fn named_variable(&self, name: &str) -> Result<Found, Refusal> {
        let value = self.environment.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            let message = format!(
                "the environment variable `{name}`, named by `server` in {}, is not set",
                self.manifest()
            );
            Refusal::new(Kind::BadValue, message, "set it, for instance in `.env`, or use `--server`")
        })?;
        Ok(Found { value: value.clone(), origin: format!("the environment variable `{name}`") })
    }

    fn bad_type(&self, key: &str, found: &Value, wanted: &str) -> Refusal {
        let what = match found {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(text) if text.is_empty() => "an empty string",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "a table",
        };
        let message = format!("`{key}` in {} is {what}", self.manifest());
        Refusal::new(Kind::BadValue, message, format!("wanted: {wanted}"))
    }
}

fn bad_value(found: &Found, wanted: &str) -> Refusal {
    Refusal::new(
        Kind::BadValue,
        format!("{} is `{}`", found.origin, found.value),
        format!("wanted: {wanted}"),
    )
}

/// Whether a connection URL holds a password, before the host or among its parameters.
fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return url.contains("password=") };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
        || rest.split_once('?').is_some_and(|(_, parameters)| parameters.contains("password="))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::project::Scope;
    use serde_json::json;

    fn project(metadata: Value) -> Project {
        Project {
            manifest: "/w/p/Cargo.toml".into(),
            root: "/w/p".into(),
            scope: Scope::Package,
            package: Some("p".into()),
            package_manifest: None,
            build_script: None,
            metadata,
            cwd: "/w/p/src".into(),
        }
    }

    fn resolve(flags: &Flags, environment: &[(&str, &str)], metadata: Value) -> Result<Config, Refusal> {
        let environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::resolve(flags, &environment, &project(metadata))
    }

    fn refused(metadata: Value) -> (Kind, String, String) {
        let refusal = resolve(&Flags::default(), &[], metadata).unwrap_err();
        (refusal.kind, refusal.message, refusal.hint)
    }

    #[test]
    fn defaults_need_no_configuration() {
        let config = resolve(&Flags::default(), &[], Value::Null).unwrap();
        assert_eq!(config.migrations.path, Path::new("/w/p/migrations"));
        assert_eq!(config.drafts.shown, Path::new("../drafts"));
        assert_eq!(config.history_table, "public.dbmigrate_history");
        assert_eq!((config.server, config.timeout), (Way::Auto, Duration::from_secs(300)));
        assert_eq!(
            (config.image.as_str(), config.strict, config.offline),
            ("postgres:17-alpine", false, false)
        );
        // `embedded` takes only versions in full.
        assert_eq!(config.postgres_version, crate::server::DEFAULT_VERSION);
    }

    #[test]
    fn flags_go_before_variables_and_those_before_the_manifest() {
        let metadata = json!({ "server": "local", "timeout": "1h30m", "image": "m", "strict": true,
            "setup": ["a.sql"], "history-table": "audit.history", "migrations": "db/m" });
        let config = resolve(&Flags::default(), &[], metadata.clone()).unwrap();
        assert_eq!((config.server, config.timeout), (Way::Local, Duration::from_secs(5400)));
        assert_eq!((config.history_table.as_str(), config.strict), ("audit.history", true));
        assert_eq!(config.setup, [SetupFile { path: "/w/p/a.sql".into(), shown: "../a.sql".into() }]);
        assert_eq!(config.migrations.path, Path::new("/w/p/db/m"));
        let environment = [
            ("DBMIGRATE_SERVER", "docker"),
            ("DBMIGRATE_IMAGE", "e"),
            ("DBMIGRATE_STRICT", "0"),
            ("DBMIGRATE_MIGRATIONS", "here"),
            ("DBMIGRATE_TIMEOUT", ""),
        ];
        let config = resolve(&Flags::default(), &environment, metadata.clone()).unwrap();
        assert_eq!((config.server, config.image.as_str(), config.strict), (Way::Docker, "e", false));
        assert_eq!(config.migrations.path, Path::new("/w/p/src/here"));
        assert_eq!(config.timeout, Duration::from_secs(5400));
        let flags = Flags {
            server: Some("embedded".into()),
            image: Some("f".into()),
            setup: vec!["b.sql".into()],
            timeout: Some("30s".into()),
            strict: true,
            offline: true,
        };
        let config = resolve(&flags, &environment, metadata).unwrap();
        assert_eq!((config.server, config.image.as_str(), config.strict), (Way::Embedded, "f", true));
        assert_eq!((config.timeout, config.offline), (Duration::from_secs(30), true));
        assert_eq!(config.setup, [SetupFile { path: "/w/p/src/b.sql".into(), shown: "b.sql".into() }]);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_named() {
        let (kind, message, hint) = refused(json!({ "migratoins": "x" }));
        assert_eq!((kind, hint.as_str()), (Kind::UnknownKey, "did you mean `migrations`?"));
        assert_eq!(
            message,
            "`[package.metadata.dbmigrate]` in `../Cargo.toml` has an unknown key `migratoins`"
        );
        for metadata in [
            json!("x"),
            json!({ "migrations": 1 }),
            json!({ "migrations": "" }),
            json!({ "migrations": "drafts" }),
            json!({ "drafts": "migrations/new" }),
            json!({ "migrations": "drafts/done" }),
            json!({ "strict": "yes" }),
            json!({ "setup": "a.sql" }),
            json!({ "setup": [1] }),
            json!({ "timeout": "soon" }),
            json!({ "timeout": "0s" }),
            json!({ "timeout": "-5m" }),
            json!({ "timeout": 5 }),
            json!({ "server": "postgre" }),
            json!({ "server": { "env": "UNSET" } }),
            json!({ "server": { "var": "X" } }),
            json!({ "history-table": "a.b.c" }),
            json!({ "history-table": "x; DROP" }),
        ] {
            assert_eq!(refused(metadata.clone()).0, Kind::BadValue, "{metadata}");
        }
    }

    #[test]
    fn no_password_stands_in_the_manifest_or_in_a_message() {
        for url in ["postgres://u:hunter2@h/d", "postgres://u@h/d?password=hunter2"] {
            let (kind, message, hint) = refused(json!({ "server": url }));
            assert_eq!(kind, Kind::SecretInManifest);
            assert!(!format!("{message}{hint}").contains("hunter2"));
        }
        let environment = [("DBMIGRATE_SERVER", "postgre://u:hunter2@h/d")];
        let refusal = resolve(&Flags::default(), &environment, Value::Null).unwrap_err();
        assert!(!format!("{refusal:?}").contains("hunter2"));
        let environment = [("URL", "postgres://u:hunter2@h/d")];
        let config = resolve(&Flags::default(), &environment, json!({ "server": { "env": "URL" } })).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.server, Way::Url("postgres://u:hunter2@h/d".into()));
        let config = resolve(&Flags::default(), &[], json!({ "server": "postgres://u@h/d" })).unwrap();
        assert!(matches!(config.server, Way::Url(_)));
    }

    #[test]
    fn names_of_settings_are_consistent() {
        for setting in SETTINGS.iter().filter(|setting| !setting.key.is_empty()) {
            let expected = format!("DBMIGRATE_{}", setting.key.to_uppercase().replace('-', "_"));
            assert_eq!(setting.variable, expected);
        }
    }
}
