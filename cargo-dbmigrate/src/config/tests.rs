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
    assert_eq!((config.image.as_str(), config.strict, config.offline), ("postgres:17-alpine", false, false));
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
        ..Flags::default()
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
    assert_eq!(message, "`[package.metadata.dbmigrate]` in `../Cargo.toml` has an unknown key `migratoins`");
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

#[test]
fn the_readme_has_every_setting() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    for Setting { key, variable, default, about } in SETTINGS {
        let key = if key.is_empty() { String::new() } else { format!("`{key}` ") };
        let row = format!("| {key}| `{variable}` | {default} | {about} |\n");
        assert!(readme.contains(&row), "{row}");
    }
    for Setting { key, default, about, .. } in ENVIRONMENT_SETTINGS {
        let row = format!("| `{key}` | {default} | {about} |\n");
        assert!(readme.contains(&row), "{row}");
    }
}
