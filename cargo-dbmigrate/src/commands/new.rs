//! `new`: writes a draft.

use dbmigrate_runtime::migration::{Direction, Id, Stage};

use crate::config::Config;
use crate::directory::{Change, name_of, next_version};
use crate::problem::{Kind, Refusal};
use crate::report::Done;

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the migration does, in any form.
    pub name: String,
    /// Every statement runs on its own.
    pub no_transaction: bool,
    /// Why there is no down.
    pub irreversible: Option<String>,
}

/// Writes the up, and the down unless there is no way back.
///
/// # Errors
/// The name or the reason is empty, the order of versions is not certain, or a file cannot be written.
pub fn run(request: &Request, config: &Config) -> Result<Done, Refusal> {
    let name = name_of(&request.name)?;
    let reason = request.irreversible.as_deref().map(one_line);
    if reason.as_deref() == Some("") {
        return Err(Refusal::new(
            Kind::BadValue,
            "`--irreversible` is empty",
            "say why there is no way back",
        ));
    }
    let version =
        next_version(&config.migrations.read(Stage::Finalized)?, &config.drafts.read(Stage::Draft)?)?;
    let id = Id::new(version, &name)
        .map_err(|error| Refusal::new(Kind::BadName, format!("`{name}`: {error}"), "give another name"))?;
    let mut change = Change::default();
    let mut done = Done::new("new", format!("drafted `{}__{}`", id.version, id.name));
    for direction in [Direction::Up, Direction::Down] {
        if direction == Direction::Up || reason.is_none() {
            let file = id.file_name_at(Stage::Draft, direction);
            change.create.push((config.drafts.path.join(&file), text(request, reason.as_deref(), direction)));
            done = done.item("created", config.drafts.shown.join(file));
        }
    }
    change.apply()?;
    Ok(done.note("fill it in, then run `cargo dbmigrate consolidate`"))
}

fn text(request: &Request, reason: Option<&str>, direction: Direction) -> String {
    let title = one_line(&request.name);
    let mut text = match direction {
        Direction::Up => format!("-- Up: {title}\n"),
        Direction::Down => format!("-- Down: undoes all of the up of {title}\n"),
    };
    if request.no_transaction {
        text.push_str("-- dbmigrate: no-transaction\n");
    }
    if let Some(reason) = reason {
        text.push_str(&format!("-- dbmigrate: irreversible {reason}\n"));
    }
    text.push('\n');
    text
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::commands::tests::Sandbox;

    fn request(name: &str) -> Request {
        Request { name: name.to_owned(), ..Request::default() }
    }

    #[test]
    fn a_pair_is_written_and_later_ones_are_newer() {
        let sandbox = Sandbox::initialised();
        let done = run(&request("Add users\n-- dbmigrate: nope"), &sandbox.config()).unwrap();
        assert_eq!(done.items.len(), 2);
        run(&request("again"), &sandbox.config()).unwrap();
        let drafts = sandbox.config().drafts.read(Stage::Draft).unwrap();
        assert!(drafts.problems.is_empty(), "{:?}", drafts.problems);
        let names: Vec<_> = drafts.migrations.iter().map(|m| m.id.name.as_str()).collect();
        assert_eq!(names, ["add_users_dbmigrate_nope", "again"]);
        assert!(drafts.migrations.iter().all(|m| m.down.is_some() && !m.up.directives.no_transaction));
    }

    #[test]
    fn directives_are_written() {
        let sandbox = Sandbox::initialised();
        run(&Request { no_transaction: true, ..request("a") }, &sandbox.config()).unwrap();
        let irreversible = Some("gone\nfor good".to_owned());
        run(&Request { irreversible, no_transaction: true, ..request("b") }, &sandbox.config()).unwrap();
        let drafts = sandbox.config().drafts.read(Stage::Draft).unwrap();
        assert!(drafts.problems.is_empty(), "{:?}", drafts.problems);
        let [a, b] = &drafts.migrations[..] else { unreachable!() };
        assert!(a.up.directives.no_transaction && a.down.as_ref().unwrap().directives.no_transaction);
        assert_eq!(b.up.directives.irreversible.as_deref(), Some("gone for good"));
        assert!(b.down.is_none() && b.up.directives.no_transaction);
    }

    #[test]
    fn what_cannot_be_drafted_is_refused_and_nothing_is_written() {
        let sandbox = Sandbox::initialised();
        assert_eq!(run(&request("!"), &sandbox.config()).unwrap_err().kind, Kind::BadName);
        let blank = Request { irreversible: Some(" ".into()), ..request("a") };
        assert_eq!(run(&blank, &sandbox.config()).unwrap_err().kind, Kind::BadValue);
        sandbox.write("migrations/dbmigrate.lock", "<<<<<<< ours\n");
        assert_eq!(run(&request("a"), &sandbox.config()).unwrap_err().kind, Kind::LockConflict);
        assert!(sandbox.config().drafts.read(Stage::Draft).unwrap().migrations.is_empty());
        let bare = Sandbox::new("");
        assert_eq!(run(&request("a"), &bare.config()).unwrap_err().kind, Kind::NoMigrationsDirectory);
    }
}
