//! Gives another tool's migrations our versions, names and directives. Pure. The order is kept, whatever the versions.

use dbmigrate_runtime::migration::{Directives, Id, Migration, Script, VERSION_DIGITS, Version};

use super::{Foreign, Part, Tool, refuse};
use crate::directory::snake_case;
use crate::problem::{Kind, Refusal};
use crate::sql;

/// One migration that was brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// As ours.
    pub migration: Migration,
    /// What it was made from, for the lock; nothing if it was ours before.
    pub replaces: Vec<String>,
}

/// Maps all of them, in their order.
///
/// # Errors
/// There are more than versions, or a text would be read as something else than it was.
pub fn map(tool: Tool, migrations: &[Foreign]) -> Result<Vec<Adopted>, Refusal> {
    let mut newest: Option<Version> = None;
    let mut adopted = Vec::with_capacity(migrations.len());
    for foreign in migrations {
        let version = version_after(newest, &foreign.version).ok_or_else(|| {
            refuse(
                &foreign.up.file,
                "comes after the last version that there can be",
                "give it a smaller version",
            )
        })?;
        let name = match snake_case(&foreign.name) {
            name if name.is_empty() => "migration".to_owned(),
            name => name,
        };
        let id = Id::new(version, &name)
            .map_err(|error| refuse(&foreign.up.file, &error.to_string(), "rename it"))?;
        let (up, down) = scripts(tool, foreign)?;
        newest = Some(version);
        adopted.push(Adopted {
            migration: Migration { id, up, down },
            replaces: match tool {
                Tool::Dbmigrate => Vec::new(),
                _ => vec![format!("{tool}:{}", foreign.original)],
            },
        });
    }
    Ok(adopted)
}

/// The version's own digits, if that is newer; else the next number.
fn version_after(newest: Option<Version>, written: &str) -> Option<Version> {
    let digits: String = written.chars().filter(char::is_ascii_digit).take(VERSION_DIGITS).collect();
    let wanted = Version::new(digits.parse().unwrap_or(0));
    match newest {
        Some(newest) if wanted.is_none_or(|wanted| wanted <= newest) => Version::new(newest.get() + 1),
        _ => wanted,
    }
}

/// Whether there is nothing in a text but comments.
fn is_empty(part: &Part) -> bool {
    sql::statements(&part.text).is_empty() && sql::intruders(&part.text).is_empty()
}

fn scripts(tool: Tool, foreign: &Foreign) -> Result<(Script, Option<Script>), Refusal> {
    let (mut directives, mut comments) = (no_transaction(&foreign.up), String::new());
    let down = foreign.down.as_ref().filter(|down| !is_empty(down));
    if down.is_none() && !declares_irreversible(tool, &foreign.up) {
        let reason = match (tool, &foreign.down) {
            (Tool::Refinery, _) => "refinery has no downs",
            (Tool::Diesel, None) => "there is no down.sql",
            (Tool::Diesel, Some(_)) => "its down.sql holds no statement",
            (_, None) => "there is no down",
            (_, Some(_)) => "its down holds no statement",
        };
        directives.push_str(&format!("-- dbmigrate: irreversible adopted from {tool}: {reason}\n"));
        comments = foreign.down.as_ref().map(|down| as_comments(&down.text)).unwrap_or_default();
    }
    if is_empty(&foreign.up) {
        directives.push_str(&format!("-- dbmigrate: allow empty-migration adopted from {tool} as it was\n"));
    }
    let up = script(tool, &foreign.up, &directives, &comments)?;
    let down = down.map(|down| script(tool, down, &no_transaction(down), "")).transpose()?;
    Ok((up, down))
}

fn no_transaction(part: &Part) -> String {
    if part.no_transaction { "-- dbmigrate: no-transaction\n".to_owned() } else { String::new() }
}

/// Our own files say themselves whether there is a way back.
fn declares_irreversible(tool: Tool, part: &Part) -> bool {
    let directives = Directives::parse(&part.text);
    tool == Tool::Dbmigrate && directives.is_ok_and(|directives| directives.irreversible.is_some())
}

/// The text below our directives. No comment of another tool's may be read as one.
fn script(tool: Tool, part: &Part, directives: &str, comments: &str) -> Result<Script, Refusal> {
    let script = Script::parse([directives, comments, &part.text].concat());
    match (script, Directives::parse(directives)) {
        (Ok(script), _) if tool == Tool::Dbmigrate => Ok(script),
        (Err(error), _) if tool == Tool::Dbmigrate => {
            Err(refuse(&part.file, &format!("cannot be read: {error}"), "correct the directive"))
        }
        (Ok(script), Ok(ours)) if script.directives == ours => Ok(script),
        _ => Err(reads_as_directive(&part.file)),
    }
}

fn reads_as_directive(file: &str) -> Refusal {
    let message = format!("`{file}` has a comment that begins with `dbmigrate:`; nothing was adopted");
    Refusal::new(Kind::AdoptSource, message, "it would be read as a directive: change the comment")
}

/// A down without statements, as comment lines.
fn as_comments(text: &str) -> String {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines
        .map(|line| if line.starts_with("--") { format!("{line}\n") } else { format!("-- {line}\n") })
        .collect();
    if lines.is_empty() { String::new() } else { format!("-- Its down was:\n{}\n", lines.concat()) }
}
