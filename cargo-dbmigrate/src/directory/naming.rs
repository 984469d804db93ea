//! Names and versions for new migrations.

use dbmigrate_runtime::migration::{MAX_NAME, Stage, Version};
use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::Contents;
use crate::problem::{Kind, Refusal};

/// How the digits of a version are a time.
const FORMAT: &str = "%Y%m%d%H%M%S";

/// The name of a migration from what somebody calls it: `Add users` becomes `add_users`.
///
/// # Errors
/// Nothing is left of it.
pub fn name_of(text: &str) -> Result<String, Refusal> {
    let name = snake_case(text);
    if name.is_empty() {
        let message = format!("no migration's name can be made of `{}`", text.escape_debug());
        return Err(Refusal::new(Kind::BadName, message, "give a name with ASCII letters or digits"));
    }
    Ok(name)
}

/// Lower-case words of ASCII letters and digits, joined by single underscores. Empty if there are none.
pub fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for character in text.chars() {
        let starts_word =
            character.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if !name.is_empty() && !name.ends_with('_') && (starts_word || !character.is_ascii_alphanumeric()) {
            name.push('_');
        }
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        }
        before = character;
    }
    name.truncate(MAX_NAME);
    name.truncate(name.trim_end_matches('_').len());
    name
}

/// A version for a new migration: now, or a second after the newest one if a clock went ahead.
///
/// # Errors
/// Something is wrong with names or with the lock, so that the newest version is not known.
pub fn next_version(finalized: &Contents, drafts: &Contents) -> Result<Version, Refusal> {
    version_at(Timestamp::now(), finalized, drafts)
}

fn version_at(now: Timestamp, finalized: &Contents, drafts: &Contents) -> Result<Version, Refusal> {
    for (contents, stage) in [(finalized, Stage::Finalized), (drafts, Stage::Draft)] {
        order_is_known(contents, stage)?;
    }
    let head = finalized.lock.as_ref().and_then(|lock| lock.head());
    let newest = [head, finalized.newest(), drafts.newest()].into_iter().flatten().map(|id| id.version).max();
    let now = number(TimeZone::UTC.to_datetime(now));
    let wanted = match newest.map(Version::get) {
        Some(newest) if now.is_none_or(|now| now <= newest) => Some(after(newest)),
        _ => now,
    };
    wanted.and_then(Version::new).ok_or_else(|| {
        let message = "there is no newer version than that of the newest migration";
        Refusal::new(Kind::BadName, message, "give the newest migration the time at which it was written")
    })
}

/// Refuses what would make the order of versions unsafe; everything else may wait for `verify`.
fn order_is_known(contents: &Contents, stage: Stage) -> Result<(), Refusal> {
    let about_order = |kind| match kind {
        Kind::BadName | Kind::DuplicateVersion => true,
        Kind::LockMissing | Kind::LockConflict | Kind::LockMalformed => stage == Stage::Finalized,
        _ => false,
    };
    let problems = contents.problems.iter().filter(|problem| about_order(problem.kind)).cloned().collect();
    Contents { problems, ..Contents::default() }.refuse()
}

fn number(time: DateTime) -> Option<i64> {
    time.strftime(FORMAT).to_string().parse().ok()
}

/// A second later if the version is a time, else the next number.
fn after(version: i64) -> i64 {
    let time = DateTime::strptime(FORMAT, format!("{version:014}")).ok();
    let later = time.and_then(|time| time.checked_add(1.second()).ok()).and_then(number);
    later.filter(|later| *later > version).unwrap_or(version + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::problem::Finding;
    use dbmigrate_runtime::migration::{Migration, Script, check_name};

    #[test]
    fn names_become_snake_case() {
        for (text, name) in [
            ("Add users", "add_users"),
            ("  add--users.up!", "add_users_up"),
            ("AddUsersV2Table", "add_users_v2_table"),
            ("Größe 2", "gr_e_2"),
            ("add_users", "add_users"),
        ] {
            assert_eq!(name_of(text).unwrap(), name);
        }
        let long = name_of(&format!("{} b", "a".repeat(199))).unwrap();
        assert_eq!((long.len(), check_name(&long)), (199, Ok(())));
        for text in ["", " ", "__", "é"] {
            assert_eq!(name_of(text).unwrap_err().kind, Kind::BadName);
        }
    }

    fn contents(versions: &[i64]) -> Contents {
        let migrations = versions.iter().map(|version| Migration {
            id: format!("V{version:014}__a").parse().unwrap(),
            up: Script::parse(String::new()).unwrap(),
            down: None,
        });
        Contents { migrations: migrations.collect(), ..Contents::default() }
    }

    #[test]
    fn a_new_version_is_newer_than_all() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (finalized, drafts, expected) in [
            (&[][..], &[][..], 20_260_301_120_000),
            (&[20_260_301_115_959], &[], 20_260_301_120_000),
            (&[20_260_301_120_000], &[], 20_260_301_120_001),
            (&[], &[20_991_231_235_959], 21_000_101_000_000),
            (&[20_260_301_120_099], &[20_260_301_120_000], 20_260_301_120_100),
        ] {
            let version = version_at(now, &contents(finalized), &contents(drafts)).unwrap();
            assert_eq!(version.get(), expected);
        }
        let full = contents(&[99_999_999_999_999]);
        assert_eq!(version_at(now, &full, &contents(&[])).unwrap_err().kind, Kind::BadName);
    }

    #[test]
    fn an_unsafe_order_is_refused_and_other_problems_are_not() {
        let with = |kind| Contents { problems: vec![Finding::error(kind, "x")], ..Contents::default() };
        let next = |kind| next_version(&with(kind), &Contents::default()).map_err(|refusal| refusal.kind);
        assert_eq!(next(Kind::LockConflict).unwrap_err(), Kind::LockConflict);
        assert_eq!(next(Kind::BadName).unwrap_err(), Kind::BadName);
        assert!(next(Kind::DownMissing).is_ok());
    }
}
