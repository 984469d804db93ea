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

mod environments;
#[cfg(test)]
mod tests;

pub use environments::{ENVIRONMENT_SETTINGS, Place, Protection};

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
    URL: "url", "DBMIGRATE_URL", "`DATABASE_URL`, then `PG*`, then `POSTGRES_*`", "database to work on: a `postgres://` URL without a password, or `{ env = \"NAME\" }`";
    ENV: "env", "DBMIGRATE_ENV", "none", "named environments, each a table of its own, see below; the variable, as `--env`, says which one is meant";
    LOCK_TIMEOUT: "lock-timeout", "DBMIGRATE_LOCK_TIMEOUT", "5s", "how long a migration waits for a lock before it is rolled back and tried again, or `none`";
    STATEMENT_TIMEOUT: "statement-timeout", "DBMIGRATE_STATEMENT_TIMEOUT", "none", "longest time for one statement of a migration";
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
    /// `--env`.
    pub environment: Option<String>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--lock-timeout`.
    pub lock_timeout: Option<String>,
    /// `--statement-timeout`.
    pub statement_timeout: Option<String>,
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

impl Found {
    /// As a duration of more than nothing.
    fn duration(&self) -> Option<Duration> {
        let parsed = self.value.parse::<jiff::SignedDuration>().ok();
        let parsed = parsed.and_then(|duration| Duration::try_from(duration).ok());
        parsed.filter(|duration| !duration.is_zero())
    }
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
        self.check_table(self.project.table(), table, known)?;
        self.check_environments()
    }

    /// A table of the manifest that may have these keys and no others.
    fn check_table<'k, K: Iterator<Item = &'k str>>(
        &self,
        name: &str,
        table: &serde_json::Map<String, Value>,
        known: impl Fn() -> K,
    ) -> Result<(), Refusal> {
        let Some(key) = table.keys().find(|key| known().all(|known| known != key.as_str())) else {
            return Ok(());
        };
        let hint = did_you_mean(key, known);
        let message = format!("`[{name}]` in {} has an unknown key `{key}`", self.manifest());
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
        found.duration().ok_or_else(|| bad_value(&found, "a duration such as `30s`, `5m` or `1h30m`"))
    }

    fn server(&self, flags: &Flags) -> Result<Way, Refusal> {
        let found = match self.key(SERVER) {
            Some(Value::Object(table)) if flags.server.is_none() && self.variable(SERVER).is_none() => {
                match (table.get("env"), table.len()) {
                    (Some(Value::String(name)), 1) => {
                        Some(self.named_variable(SERVER.key, name, "--server")?)
                    }
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

    /// The variable that a key names instead of a value.
    fn named_variable(&self, key: &str, name: &str, flag: &str) -> Result<Found, Refusal> {
        let value = self.environment.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            let message = format!(
                "the environment variable `{name}`, named by `{key}` in {}, is not set",
                self.manifest()
            );
            let hint = format!("set it, for instance in `.env`, or use `{flag}`");
            Refusal::new(Kind::BadValue, message, hint)
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

/// The near one of several words, or all of them.
fn did_you_mean<'k, K: Iterator<Item = &'k str>>(word: &str, known: impl Fn() -> K) -> String {
    match closest(word, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("the keys are {}", known().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
        }
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
