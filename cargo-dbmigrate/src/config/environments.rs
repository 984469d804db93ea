//! Which database is meant, and what is to be heeded there. Pure: nothing is connected.
//!
//! The command line goes before a named environment, that before `DBMIGRATE_URL`, that before the manifest's `url`, and
//! that before the variables that every program reads. A named environment never falls back to another database.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use dbmigrate_runtime::connect::{ConnectError, Database};
use serde_json::{Map, Value};

use super::{
    ENV, Flags, Found, LOCK_TIMEOUT, STATEMENT_TIMEOUT, Setting, Sources, URL, bad_value, did_you_mean,
    has_password,
};
use crate::problem::{Kind, Refusal};
use crate::project::Project;

/// The keys of a named environment's table. They have no variables of their own.
pub const ENVIRONMENT_SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        variable: "",
        default: "none",
        about: "its database, as `url` above; without one, `--database-url` has to be given",
    },
    Setting {
        key: "protected",
        variable: "",
        default: "false",
        about: "whether a change shows its plan and has to be confirmed with the database's name, and drafts are refused",
    },
    Setting {
        key: "lock-timeout",
        variable: "",
        default: "as above",
        about: "goes before `lock-timeout` above",
    },
    Setting {
        key: "statement-timeout",
        variable: "",
        default: "as above",
        about: "goes before `statement-timeout` above",
    },
];

/// How carefully a database is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Changes are made as they are asked for.
    Open,
    /// Changes are shown and confirmed first, and drafts are refused.
    Protected,
}

/// A database, and how to treat it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it is.
    pub database: Database,
    /// The environment that it was chosen by.
    pub environment: Option<String>,
    /// Whether changes are confirmed.
    pub protection: Protection,
    /// How long a migration waits for a lock; zero is no limit.
    pub lock_timeout: Duration,
    /// Longest time for one statement.
    pub statement_timeout: Option<Duration>,
}

impl Place {
    /// Finds out which database is meant.
    ///
    /// # Errors
    /// Nothing names a database, or what names it cannot be used. Never shows a connection string: it may hold a
    /// password.
    pub fn resolve(
        flags: &Flags,
        variables: &BTreeMap<String, String>,
        project: &Project,
    ) -> Result<Self, Refusal> {
        let sources = Sources { environment: variables, project };
        sources.check_keys()?;
        let chosen =
            flags.environment.clone().map(|name| Found { value: name, origin: "`--env`".to_owned() });
        let chosen = chosen.or_else(|| sources.variable(ENV));
        let table = chosen.as_ref().map(|chosen| sources.environment_table(chosen)).transpose()?;
        let name = chosen.map(|chosen| chosen.value);
        let protected = table.and_then(|table| table.get("protected"));
        let protection = match protected {
            Some(Value::Bool(true)) => Protection::Protected,
            _ => Protection::Open,
        };
        let at = name.as_ref().zip(table);
        let database = match sources.url(flags, at)? {
            Some(found) => Database::from_url_and_vars(&found.value, |name| var(variables, name))
                .map_err(|error| unusable(&error, Some(&found.origin)))?,
            None => {
                Database::from_vars(|name| var(variables, name)).map_err(|error| unusable(&error, None))?
            }
        };
        let limit = |setting, flag: &Option<String>| sources.limit(setting, flag.as_deref(), at);
        Ok(Self {
            database,
            protection,
            lock_timeout: limit(LOCK_TIMEOUT, &flags.lock_timeout)?.unwrap_or_default(),
            statement_timeout: limit(STATEMENT_TIMEOUT, &flags.statement_timeout)?,
            environment: name,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.database)?;
        match (&self.environment, self.protection) {
            (None, _) => Ok(()),
            (Some(name), Protection::Open) => write!(f, " (environment {name})"),
            (Some(name), Protection::Protected) => write!(f, " (environment {name}, protected)"),
        }
    }
}

fn var(variables: &BTreeMap<String, String>, name: &str) -> Option<OsString> {
    variables.get(name).map(OsString::from)
}

fn unusable(error: &ConnectError, origin: Option<&str>) -> Refusal {
    match (error, origin) {
        (ConnectError::NotConfigured, _) => Refusal::new(
            Kind::NoDatabase,
            "nothing says which database is meant",
            "give `--database-url` or `--env`, or set `DATABASE_URL`, for instance in `.env`",
        ),
        (ConnectError::Url { what, .. }, Some(origin)) => {
            Refusal::new(Kind::BadValue, format!("{origin} cannot be used: {what}"), error.hint())
        }
        (error, _) => Refusal::new(Kind::BadValue, error.to_string(), error.hint()),
    }
}

type Table = Map<String, Value>;

impl Sources<'_> {
    fn environments(&self) -> Result<Option<&Table>, Refusal> {
        match self.key(ENV) {
            None => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table)),
            Some(other) => {
                Err(self.bad_type(ENV.key, other, "a table of environments, `[….dbmigrate.env.NAME]`"))
            }
        }
    }

    /// Every environment is checked, whichever is meant: a typing error must not wait for a deployment.
    pub(super) fn check_environments(&self) -> Result<(), Refusal> {
        self.check_url(URL.key, self.key(URL))?;
        for (name, value) in self.environments()?.into_iter().flatten() {
            let key = |key: &str| format!("env.{name}.{key}");
            let Value::Object(table) = value else {
                return Err(self.bad_type(&format!("env.{name}"), value, "a table"));
            };
            let shown = format!("{}.env.{name}", self.project.table());
            self.check_table(&shown, table, || ENVIRONMENT_SETTINGS.iter().map(|setting| setting.key))?;
            self.check_url(&key("url"), table.get("url"))?;
            if let Some(other) = table.get("protected").filter(|value| !value.is_boolean()) {
                return Err(self.bad_type(&key("protected"), other, "`true` or `false`"));
            }
            for setting in [LOCK_TIMEOUT, STATEMENT_TIMEOUT] {
                self.limit(setting, None, Some((name, table)))?;
            }
        }
        Ok(())
    }

    fn check_url(&self, key: &str, value: Option<&Value>) -> Result<(), Refusal> {
        match value {
            None => Ok(()),
            Some(Value::String(url)) if has_password(url) => Err(Refusal::new(
                Kind::SecretInManifest,
                format!("`{key}` in {} holds a password", self.manifest()),
                format!("write `{key} = {{ env = \"NAME\" }}` and set that variable, for instance in `.env`"),
            )),
            Some(Value::String(url)) if !url.is_empty() => Ok(()),
            Some(Value::Object(table))
                if table.len() == 1 && table.get("env").is_some_and(Value::is_string) =>
            {
                Ok(())
            }
            Some(other) => Err(self.bad_type(key, other, "a `postgres://` URL or `{ env = \"NAME\" }`")),
        }
    }

    fn environment_table(&self, chosen: &Found) -> Result<&Table, Refusal> {
        let all = self.environments()?;
        if let Some(Value::Object(table)) = all.and_then(|all| all.get(&chosen.value)) {
            return Ok(table);
        }
        let names = || all.into_iter().flat_map(|all| all.keys().map(String::as_str));
        let hint = match names().next() {
            None => format!("add `[{}.env.NAME]` with a `url` to {}", self.project.table(), self.manifest()),
            Some(_) => did_you_mean(&chosen.value, names).replace("the keys are", "there are"),
        };
        let message = format!("{} names no environment: there is no `{}`", chosen.origin, chosen.value);
        Err(Refusal::new(Kind::UnknownEnvironment, message, hint))
    }

    /// The connection string; `None` if only the common variables can say.
    fn url(&self, flags: &Flags, at: Option<(&String, &Table)>) -> Result<Option<Found>, Refusal> {
        if let Some(url) = &flags.database_url {
            return Ok(Some(Found { value: url.clone(), origin: "`--database-url`".to_owned() }));
        }
        let (key, value) = match at {
            Some((name, table)) => {
                let value = table.get("url").ok_or_else(|| {
                    let message = format!("the environment `{name}` in {} has no `url`", self.manifest());
                    let hint = "add `url = { env = \"NAME\" }` to it, or give `--database-url`";
                    Refusal::new(Kind::NoDatabase, message, hint)
                })?;
                (format!("env.{name}.url"), Some(value))
            }
            None => match self.variable(URL) {
                Some(found) => return Ok(Some(found)),
                None => (URL.key.to_owned(), self.key(URL)),
            },
        };
        match value {
            None => Ok(None),
            Some(Value::Object(table)) => {
                let name = table.get("env").and_then(Value::as_str).unwrap_or_default();
                self.named_variable(&key, name, "--database-url").map(Some)
            }
            Some(value) => Ok(Some(Found {
                value: value.as_str().unwrap_or_default().to_owned(),
                origin: format!("`{key}` in {}", self.manifest()),
            })),
        }
    }

    /// A timeout of migrations; `None` is no limit.
    fn limit(
        &self,
        setting: Setting,
        flag: Option<&str>,
        at: Option<(&String, &Table)>,
    ) -> Result<Option<Duration>, Refusal> {
        let own = at
            .and_then(|(name, table)| Some((format!("env.{name}.{}", setting.key), table.get(setting.key)?)));
        let found = match own {
            Some((key, value)) if flag.is_none() && self.variable(setting).is_none() => match value {
                Value::String(text) => {
                    Some(Found { value: text.clone(), origin: format!("`{key}` in {}", self.manifest()) })
                }
                other => return Err(self.bad_type(&key, other, WANTED)),
            },
            _ => self.text(setting, flag)?,
        };
        let default = || Found { value: setting.default.to_owned(), origin: "the default".to_owned() };
        let found = found.unwrap_or_else(default);
        match found.value.as_str() {
            "none" => Ok(None),
            _ => found.duration().map(Some).ok_or_else(|| bad_value(&found, WANTED)),
        }
    }
}

const WANTED: &str = "a duration such as `500ms`, `5s` or `2m`, or `none`";
