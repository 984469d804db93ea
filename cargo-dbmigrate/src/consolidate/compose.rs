//! The text of finalized migrations, composed from drafts: ups in order, downs reversed. Pure.

use dbmigrate_runtime::migration::{
    Directives, Id, Migration, NameError, REPEAT, Script, Stage, Version, directive,
};

use crate::sql;

/// A finalized migration that is to be, and the drafts that it replaces.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The migration.
    pub migration: Migration,
    /// The drafts, as `<version>__<name>`.
    pub replaces: Vec<String>,
}

/// Drafts that can share one migration: they run in the same way, and what comes first (of the downs, the right one) sets
/// nothing that the other was not run with.
fn share(left: &Migration, right: &Migration) -> bool {
    let runs = |m: &Migration| {
        let no_transaction = |script: &Script| script.directives.no_transaction;
        (no_transaction(&m.up), m.down.as_ref().map(no_transaction))
    };
    let first_sets = sets_session(&left.up) || right.down.as_ref().is_some_and(sets_session);
    runs(left) == runs(right) && !first_sets
}

/// Whether what runs after this script in its session may mean something else.
fn sets_session(script: &Script) -> bool {
    script.text.to_lowercase().contains("set_config")
        || sql::statements(&script.text).iter().any(sql::Statement::sets_session)
}

/// Composes migrations from drafts: one, unless drafts that need a transaction, drafts that must have none and
/// irreversible ones follow each other, or one sets its session up; then one for each such run, so that nothing loses its
/// transaction, its down or its meaning.
///
/// The first gets this version and name, each further one the next version and a number.
///
/// # Errors
/// The name is not `snake_case`.
pub fn compose(drafts: &[Migration], version: Version, name: &str) -> Result<Vec<Composed>, NameError> {
    let groups = drafts.chunk_by(share);
    groups.enumerate().map(|(index, group)| compose_one(group, version, name, index)).collect()
}

fn compose_one(
    group: &[Migration],
    version: Version,
    name: &str,
    index: usize,
) -> Result<Composed, NameError> {
    let step = i64::try_from(index).unwrap_or(i64::MAX);
    let number = version.get().saturating_add(step);
    let version = Version::new(number).ok_or_else(|| NameError::BadVersion(number.to_string()))?;
    let name = if index == 0 { name.to_owned() } else { format!("{name}_{}", index + 1) };
    let up = script(group.iter().map(|draft| (&draft.id, &draft.up)).collect());
    let downs: Option<Vec<_>> =
        group.iter().rev().map(|draft| Some((&draft.id, draft.down.as_ref()?))).collect();
    let migration = Migration { id: Id::new(version, &name)?, up, down: downs.map(script) };
    Ok(Composed { migration, replaces: group.iter().map(|draft| draft.id.stem(Stage::Draft)).collect() })
}

fn script(parts: Vec<(&Id, &Script)>) -> Script {
    let mut directives = Directives::default();
    let mut reasons: Vec<&str> = Vec::new();
    for (_, part) in &parts {
        directives.no_transaction |= part.directives.no_transaction;
        directives.repeats += part.directives.repeats;
        reasons.extend(part.directives.irreversible.as_deref().filter(|reason| !reasons.contains(reason)));
        for allow in &part.directives.allow {
            if directives.allows(&allow.rule).is_none() {
                directives.allow.push(allow.clone());
            }
        }
    }
    if !reasons.is_empty() {
        directives.irreversible = Some(reasons.join("; "));
    }
    let mut text = render(&directives);
    let alone = parts.len() == 1;
    for (id, part) in parts {
        if !text.is_empty() {
            text.push('\n');
        }
        if !alone {
            text.push_str(&format!("-- from the draft {}\n", id.stem(Stage::Draft)));
        }
        text.push_str(&body(&part.text));
    }
    let hash = dbmigrate_runtime::migration::Hash::of(&[text.as_bytes()]);
    Script { text, hash, directives }
}

fn render(directives: &Directives) -> String {
    let mut lines = String::new();
    if directives.no_transaction {
        lines.push_str("-- dbmigrate: no-transaction\n");
    }
    if let Some(reason) = &directives.irreversible {
        lines.push_str(&format!("-- dbmigrate: irreversible {reason}\n"));
    }
    for allow in &directives.allow {
        lines.push_str(&format!("-- dbmigrate: allow {} {}\n", allow.rule, allow.reason));
    }
    lines
}

/// A draft's text without the directives of the file and outer blank lines, its last statement closed.
fn body(text: &str) -> String {
    let mut closed = text.to_owned();
    if let Some(last) = sql::statements(text).last()
        && !text[..last.end].ends_with(';')
    {
        closed.insert(last.end, ';');
    }
    // These stand only in the leading comment block; the same words further down were refused when it was read. `repeat`
    // stays before its statement.
    let of_file = |line: &&str| directive(line).is_some_and(|(name, _)| name != REPEAT);
    let kept: Vec<&str> = closed.lines().filter(|line| !of_file(line)).collect();
    format!("{}\n", kept.join("\n").trim())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    fn draft(version: i64, name: &str, up: &str, down: Option<&str>) -> Migration {
        let script = |text: &str| Script::parse(text.to_owned()).unwrap();
        let id = Id::new(Version::new(version).unwrap(), name).unwrap();
        Migration { id, up: script(up), down: down.map(script) }
    }

    fn composed(drafts: &[Migration]) -> Vec<Composed> {
        compose(drafts, Version::new(20_260_301_000_000).unwrap(), "both").unwrap()
    }

    #[test]
    fn ups_go_in_order_and_downs_reversed() {
        let a = draft(1, "a", "-- note\nCREATE TABLE a (x int) -- open\n", Some("DROP TABLE a;\n"));
        let b = draft(2, "b", "\n\nCREATE TABLE b (x int);\n", Some("DROP TABLE b"));
        let [one] = &composed(&[a, b])[..] else { panic!("one") };
        assert_eq!(one.migration.id.to_string(), "V20260301000000__both");
        let up = "-- from the draft 00000000000001__a\n-- note\nCREATE TABLE a (x int); -- open\n\n\
                  -- from the draft 00000000000002__b\nCREATE TABLE b (x int);\n";
        assert_eq!(one.migration.up.text, up);
        let down = "-- from the draft 00000000000002__b\nDROP TABLE b;\n\n-- from the draft 00000000000001__a\nDROP TABLE a;\n";
        assert_eq!(one.migration.down.as_ref().unwrap().text, down);
        assert_eq!(one.replaces, ["00000000000001__a", "00000000000002__b"]);
        assert_eq!(Script::parse(up.to_owned()).unwrap(), one.migration.up);
    }

    #[test]
    fn settings_do_not_reach_the_next_draft() {
        let plain = |version| draft(version, "a", "INSERT INTO t VALUES (1);", Some("DELETE FROM t;"));
        let count = |drafts: &[Migration]| composed(drafts).len();
        for set in [
            "SET search_path = s;",
            "SET LOCAL ROLE app;",
            "SET SESSION AUTHORIZATION app;",
            "SELECT pg_catalog.set_config('search_path', '', false);",
        ] {
            let up = draft(2, "b", set, Some("SELECT 1;"));
            assert_eq!(count(&[plain(1), up.clone(), plain(3)]), 2, "{set}");
            assert_eq!(count(&[plain(1), up]), 1, "{set}");
            let down = draft(2, "b", "SELECT 1;", Some(set));
            assert_eq!(count(&[plain(1), down.clone(), plain(3)]), 2, "{set}");
            assert_eq!(count(&[down, plain(3)]), 1, "{set}");
        }
        let patient = draft(2, "b", "SET LOCAL lock_timeout = '5s'; SELECT 1;", Some("SELECT 1;"));
        assert_eq!(count(&[plain(1), patient, plain(3)]), 1);
    }

    #[test]
    fn repeats_stay_with_their_statements() {
        let a = "-- dbmigrate: repeat\n-- dbmigrate: no-transaction\nDELETE FROM a;\n";
        let b = "-- dbmigrate: no-transaction\nSELECT 1;\n  -- dbmigrate: repeat\n\n-- In batches.\nDELETE FROM b\n";
        let all = composed(&[draft(1, "a", a, Some(b)), draft(2, "b", b, Some(a))]);
        let [Composed { migration, .. }] = &all[..] else { panic!("one") };
        let up = "-- dbmigrate: no-transaction\n\n-- from the draft 00000000000001__a\n-- dbmigrate: repeat\nDELETE FROM a;\n\n\
                  -- from the draft 00000000000002__b\nSELECT 1;\n  -- dbmigrate: repeat\n\n-- In batches.\nDELETE FROM b;\n";
        assert_eq!(migration.up.text, up);
        for script in [&migration.up, migration.down.as_ref().unwrap()] {
            assert_eq!(Script::parse(script.text.clone()).unwrap(), *script);
            assert_eq!(script.directives.repeats, 2);
        }
    }

    #[test]
    fn what_runs_differently_is_kept_apart() {
        let plain = draft(1, "a", "SELECT 1;", Some("SELECT 2;"));
        let concurrent = "-- dbmigrate: no-transaction\nSELECT 3;";
        let index = draft(2, "b", concurrent, Some(concurrent));
        let gone = draft(3, "c", "-- dbmigrate: irreversible rows are lost\nSELECT 4;", None);
        let all = composed(&[plain.clone(), plain, index, gone]);
        let names: Vec<_> = all.iter().map(|one| one.migration.id.to_string()).collect();
        assert_eq!(names, ["V20260301000000__both", "V20260301000001__both_2", "V20260301000002__both_3"]);
        assert_eq!(all[1].migration.up.text, "-- dbmigrate: no-transaction\n\nSELECT 3;\n");
        assert!(all[1].migration.up.directives.no_transaction);
        assert_eq!(all[2].migration.up.directives.irreversible.as_deref(), Some("rows are lost"));
        assert!(all[2].migration.down.is_none());
    }
}
