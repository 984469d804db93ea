//! What commands on a database tell people: the overview, the history, what ran.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::Style;
use dbmigrate_runtime::engine::{Applied, Ran, RowState};
use dbmigrate_runtime::migration::{Direction, Id, Stage};

use super::human::{BOLD, DIM, ERROR, FINE, GREEN, RED, YELLOW, clean, findings};
use super::{Done, count, time, weigh};
use crate::operate::{Answer, Change, History, Overview, Told, gone, name};

/// More pending migrations than this are counted and not listed, unless everything is asked for.
const LISTED: usize = 12;

/// For people.
pub(super) fn told(told: &Told, verbose: bool) -> String {
    match &told.answer {
        Answer::Status(overview) => status(overview, verbose),
        Answer::History(found) => history(found),
        Answer::Plan(plan, script) => match plan.steps.is_empty() {
            true => "-- nothing to run\n".to_owned(),
            false => script.clone(),
        },
        Answer::Ran(_) | Answer::Stamped(_) => {
            let style = FINE;
            format!("{style}{}{style:#}\n", headline(told))
        }
    }
}

/// For the formats that know a headline and findings only.
pub(super) fn done(told: &Told) -> Done {
    let mut done = Done::new(told.command, headline(told));
    done.server = Some(told.database.clone());
    if let Answer::Status(overview) = &told.answer {
        done.findings.clone_from(&overview.findings);
    }
    if let Answer::Plan(plan, _) = &told.answer {
        done.notes =
            plan.steps.iter().map(|step| format!("{} `{}`", step.direction, step.file_name())).collect();
    }
    done
}

/// One line: what came of it.
fn headline(told: &Told) -> String {
    match &told.answer {
        Answer::Status(overview) => summary(overview),
        Answer::History(found) => match found.applied.len() {
            0 => "nothing is applied".to_owned(),
            applied => format!("{} applied", count(applied, "migration")),
        },
        Answer::Plan(plan, _) if plan.steps.is_empty() => "nothing to run".to_owned(),
        Answer::Plan(plan, _) => format!("{} would run", count(plan.steps.len(), "script")),
        Answer::Ran(ran) => did(ran),
        Answer::Stamped(ran) if ran.is_empty() => "nothing to do: the history says so already".to_owned(),
        Answer::Stamped(ran) => {
            let of = |direction| ran.iter().filter(move |ran| ran.direction == direction).count();
            let parts = [(of(Direction::Up), "added to"), (of(Direction::Down), "taken out of")];
            let parts = parts.iter().filter(|(number, _)| *number > 0);
            let parts: Vec<_> = parts
                .map(|(number, word)| format!("{} {word} the history", count(*number, "migration")))
                .collect();
            format!("stamped: {}; nothing was run", parts.join(", "))
        }
    }
}

fn did(ran: &[Ran]) -> String {
    let took: Duration = ran.iter().map(|ran| ran.took).sum();
    let mut parts = Vec::new();
    for direction in [Direction::Down, Direction::Up] {
        let those: Vec<&Ran> = ran.iter().filter(|ran| ran.direction == direction).collect();
        match those[..] {
            [] => {}
            [one] => parts.push(format!("{} `{}`", gone(direction), one.id)),
            [.., last] => parts.push(format!(
                "{} {}, the last is `{}`",
                gone(direction),
                count(those.len(), "migration"),
                last.id
            )),
        }
    }
    match parts.is_empty() {
        true => "nothing to do".to_owned(),
        false => format!("{}, in {}", parts.join("; "), time(took)),
    }
}

fn summary(overview: &Overview) -> String {
    let mut parts = Vec::new();
    let pending = overview.status.pending.len();
    if pending > 0 {
        parts.push(format!("{pending} pending"));
    }
    let (errors, notes) = weigh(&overview.findings);
    if errors > 0 {
        parts.push(count(errors, "finding"));
    }
    if notes > 0 {
        parts.push(count(notes, "note"));
    }
    if parts.is_empty() { "up to date".to_owned() } else { parts.join(", ") }
}

fn status(overview: &Overview, verbose: bool) -> String {
    let status = &overview.status;
    let mut out = String::new();
    if verbose {
        out += &rows(
            status.applied.iter().map(Line::applied).chain(pending(&status.pending)),
            status.head.as_ref(),
        );
        out.push('\n');
    }
    let mut line = |label: &str, text: &str| _ = writeln!(out, "{DIM}{label:>9}{DIM:#}  {text}");
    let current = status.applied.iter().rfind(|row| status.current.as_ref() == Some(&row.id));
    line(
        "current",
        &current.map_or("nothing is applied".to_owned(), |row| {
            format!("{BOLD}{}{BOLD:#}, {}", name(&row.id, row.stage), when(&row.applied_on))
        }),
    );
    line("head", &status.head.as_ref().map_or("there are no finalized migrations".to_owned(), Id::to_string));
    let drafts = match overview.drafts() {
        0 => String::new(),
        drafts => format!(", {} of them", count(drafts, "draft")),
    };
    line("applied", &format!("{}{drafts}", count(status.applied.len(), "migration")));
    let shown = if verbose || status.pending.len() <= LISTED { status.pending.len() } else { LISTED - 1 };
    for (index, (id, stage)) in status.pending[..shown].iter().enumerate() {
        let word = if *stage == Stage::Draft { " (draft)" } else { "" };
        line(if index == 0 { "pending" } else { "" }, &format!("{}{word}", name(id, *stage)));
    }
    if shown < status.pending.len() {
        line("", &format!("{DIM}… and {} more; `-v` shows all{DIM:#}", status.pending.len() - shown));
    }
    let tables = count(usize::try_from(overview.tables).unwrap_or_default(), "table");
    line("size", &overview.size.map_or(tables.clone(), |size| format!("{}, {tables}", bytes(size))));
    out.push('\n');
    out += &findings(&overview.findings, verbose);
    let style = match (weigh(&overview.findings).0, status.pending.len()) {
        (0, 0) => FINE,
        (0, _) => YELLOW.bold(),
        _ => ERROR,
    };
    let _ = writeln!(out, "{style}{}{style:#}", summary(overview));
    out
}

fn history(history: &History) -> String {
    if history.applied.is_empty() && history.graph.as_ref().is_none_or(Vec::is_empty) {
        return "nothing is applied\n".to_owned();
    }
    let lines = history.applied.iter().map(Line::applied);
    match &history.graph {
        None => rows(lines, None),
        Some(found) => graph(lines.chain(pending(found)).collect(), history.head.as_ref()),
    }
}

/// One migration, as a line of a list.
struct Line {
    id: Id,
    stage: Stage,
    word: &'static str,
    style: Style,
    mark: char,
    about: String,
}

impl Line {
    fn applied(row: &Applied) -> Self {
        let (word, style, mark, done) = match row.state {
            RowState::Applied => ("applied", GREEN, '●', None),
            RowState::Running(done) => ("running", RED, '◐', Some(done)),
            RowState::Reverting(done) => ("reverting", RED, '◐', Some(done)),
        };
        let mut about = when(&row.applied_on);
        if let Some(took) = row.took {
            let _ = write!(about, ", {}", time(took));
        }
        if let Some(done) = done {
            let _ = write!(about, ", {} done", count(done, "statement"));
        }
        let _ = write!(about, ", {}, {}", clean(&row.by), clean(&row.tool));
        Self { id: row.id.clone(), stage: row.stage, word, style, mark, about }
    }
}

fn pending(found: &[(Id, Stage)]) -> impl Iterator<Item = Line> {
    found.iter().map(|(id, stage)| Line {
        id: id.clone(),
        stage: *stage,
        word: "pending",
        style: YELLOW,
        mark: '○',
        about: String::new(),
    })
}

/// A list, as it was applied and will be.
fn rows(lines: impl Iterator<Item = Line>, head: Option<&Id>) -> String {
    let lines: Vec<Line> = lines.collect();
    let width = lines.iter().map(|line| name(&line.id, line.stage).chars().count()).max().unwrap_or(0);
    lines.iter().fold(String::new(), |mut out, line| {
        let (style, word, id) = (line.style, line.word, name(&line.id, line.stage));
        let text = format!("{style}{word:>9}{style:#}  {id:width$}  {DIM}{}{DIM:#}", notes(line, head));
        let _ = writeln!(out, "{}", text.trim_end());
        out
    })
}

/// The finalized migrations on a line, and the drafts on one that leaves it behind head.
fn graph(lines: Vec<Line>, head: Option<&Id>) -> String {
    let (drafts, mut finalized): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.stage == Stage::Draft);
    finalized.sort_by(|a, b| a.id.cmp(&b.id));
    let width = |lines: &[Line]| lines.iter().map(|line| name(&line.id, line.stage).chars().count()).max();
    let width = width(&finalized).max(width(&drafts).map(|width| width + 1)).unwrap_or(0);
    let mut out = String::new();
    for line in &finalized {
        let (style, mark, id) = (line.style, line.mark, name(&line.id, line.stage));
        let _ = writeln!(out, "{style}{mark}{style:#}  {id:width$}  {DIM}{}{DIM:#}", notes(line, head));
    }
    if !drafts.is_empty() {
        let _ = writeln!(out, "{}", if finalized.is_empty() { "╮" } else { "╰╮" });
    }
    let width = width.saturating_sub(1);
    for line in &drafts {
        let (style, mark, id) = (line.style, line.mark, name(&line.id, line.stage));
        let _ = writeln!(out, " {style}{mark}{style:#}  {id:width$}  {DIM}{}{DIM:#}", notes(line, head));
    }
    out
}

/// What stands behind a name.
fn notes(line: &Line, head: Option<&Id>) -> String {
    let mut notes = Vec::new();
    if !line.about.is_empty() {
        notes.push(line.about.clone());
    } else {
        notes.push(line.word.to_owned());
    }
    if line.stage == Stage::Draft {
        notes.push("draft".to_owned());
    }
    if head == Some(&line.id) && line.stage == Stage::Finalized {
        notes.push("head".to_owned());
    }
    notes.join(", ")
}

/// What would change, one per line: what somebody who is asked should see.
pub(super) fn changes(changes: &[Change]) -> String {
    changes.iter().fold(String::new(), |mut out, change| {
        let (style, word) = match change.direction {
            Direction::Up => (GREEN, "apply"),
            Direction::Down => (RED, "revert"),
        };
        let _ = writeln!(out, "{style}{word:>9}{style:#}  {}", name(&change.id, change.stage));
        out
    })
}

/// A time of the history for people: to the second, UTC.
fn when(text: &str) -> String {
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => clean(&format!("{day} {time} UTC")),
        _ => clean(text),
    }
}

/// A size as people say it.
fn bytes(size: i64) -> String {
    let mut size = u64::try_from(size).unwrap_or_default();
    let mut rest = 0;
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
        if size < 1024 || unit == "TB" {
            let tenth = rest * 10 / 1024;
            return if unit == "bytes" { format!("{size} {unit}") } else { format!("{size}.{tenth} {unit}") };
        }
        (size, rest) = (size / 1024, size % 1024);
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::{bytes, when};

    #[test]
    fn sizes_and_times_are_for_people() {
        assert_eq!((bytes(0), bytes(1023)), ("0 bytes".to_owned(), "1023 bytes".to_owned()));
        assert_eq!((bytes(8_774_115), bytes(1 << 40)), ("8.3 MB".to_owned(), "1.0 TB".to_owned()));
        assert_eq!(when("2026-11-21T13:02:11.123456Z"), "2026-11-21 13:02:11 UTC");
        assert_eq!(when("long ago"), "long ago");
    }
}
