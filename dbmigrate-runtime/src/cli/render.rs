//! The result for people, and the lines of progress. Text in, text out.

use std::fmt::Write as _;
use std::time::Duration;

use super::args::Verbosity;
use super::finding::{self, Finding, Severity};
use super::{Answer, Outcome};
use crate::engine::{Applied, Plan, Report, RowState, Status};
use crate::migration::{Direction, Id, Stage};
use crate::{Error, Event, SqlError};

/// Longer lists of applied migrations are cut unless everything is asked for.
const SHOWN: usize = 10;

/// How much of a source line is shown on each side of the caret.
const AROUND: usize = 60;

pub(super) fn outcome(outcome: &Outcome, everything: bool) -> String {
    match &outcome.answer {
        Answer::Status(found, findings) => status(found, findings, everything),
        Answer::Plan(found) => plan(found),
        Answer::Upgrade(report) | Answer::Downgrade(report) => did(report),
        Answer::History(rows) => history(rows),
    }
}

fn status(status: &Status, findings: &[Finding], everything: bool) -> String {
    let mut out = String::new();
    // What is on its way back is both in the history and pending: one line is enough.
    let rows = status.applied.iter().map(|row| (word_of(row, findings), &row.id, when(row)));
    let pending = status.pending.iter().filter(|(id, _)| status.applied.iter().all(|row| row.id != *id)).map(
        |(id, stage)| {
            let word = if status.late.contains(id) { "late" } else { "pending" };
            (word, id, if *stage == Stage::Draft { "draft".to_owned() } else { String::new() })
        },
    );
    let mut lines: Vec<_> = rows.chain(pending).collect();
    let plain = lines.iter().take_while(|(word, ..)| *word == "applied").count();
    if plain > SHOWN && !everything {
        let cut = plain - (SHOWN - 1);
        lines.drain(..cut);
        _ = writeln!(out, "            … {} older ones; `-v` shows all", cut);
    }
    let width = lines.iter().map(|(_, id, _)| id.to_string().chars().count()).max().unwrap_or(0);
    for (word, id, note) in lines {
        _ = writeln!(out, "{}", format!("{word:>11} {:width$}  {note}", id.to_string()).trim_end());
    }
    for finding in findings {
        out += &one(finding);
    }
    let mut counts = match status.pending.len() {
        0 => vec![],
        pending => vec![format!("{pending} pending")],
    };
    if finding::errors(findings) > 0 {
        counts.push(count(finding::errors(findings), "finding"));
    }
    if status.unfinished.is_some() {
        counts.push("1 on its way".to_owned());
    }
    let counts = if counts.is_empty() { "up to date".to_owned() } else { counts.join(", ") };
    let here = status.current.as_ref().map_or("nothing is applied".to_owned(), |id| format!("at {id}"));
    _ = match &status.head {
        head if *head == status.current => writeln!(out, "{counts}: {here}"),
        head => writeln!(
            out,
            "{counts}: {here}, head is {}",
            head.as_ref().map_or("base".to_owned(), Id::to_string)
        ),
    };
    out
}

fn word_of(row: &Applied, findings: &[Finding]) -> &'static str {
    let found = findings.iter().find(|finding| finding.migration == row.id).map(|finding| finding.id);
    match (row.state, found) {
        (_, Some("divergent")) => "divergent",
        (_, Some("missing")) => "missing",
        (_, Some("database-ahead")) => "ahead",
        (RowState::Running(_), _) => "running",
        (RowState::Reverting(_), _) => "reverting",
        (RowState::Applied, _) => "applied",
    }
}

fn when(row: &Applied) -> String {
    // Whole seconds are enough for people.
    let mut text = row.applied_on.split_once('.').map_or(row.applied_on.clone(), |(on, _)| format!("{on}Z"));
    match (row.state, row.took) {
        (RowState::Applied, Some(took)) => _ = write!(text, ", {}", time(took)),
        (RowState::Running(done) | RowState::Reverting(done), _) => {
            _ = write!(text, ", {} done", count(done, "statement"));
        }
        _ => {}
    }
    if row.stage == Stage::Draft {
        text += ", draft";
    }
    text
}

fn one(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Note => "note",
    };
    format!("{word}[{}]: {}\n  hint: {}\n", finding.id, clean(&finding.message), clean(&finding.hint))
}

/// A script that `psql` could run, were it not for the history: everything beside the SQL is a comment.
fn plan(plan: &Plan) -> String {
    let of = plan.steps.len();
    if of == 0 {
        return "-- nothing to run\n".to_owned();
    }
    let mut out = String::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let how = match &step.runs.statements {
            None => "in a transaction".to_owned(),
            Some(all) => {
                let done = step.done.map(|done| format!("; {done} of them done")).unwrap_or_default();
                format!("{}, each on its own{done}", count(all.len(), "statement"))
            }
        };
        if index > 0 {
            out.push('\n');
        }
        _ = writeln!(out, "-- {} of {of}: {}, {how}", index + 1, step.file_name());
        let text = &step.runs.script.text;
        let rest = step.runs.statement(step.done.unwrap_or(0)).filter(|_| step.done.is_some());
        let text = rest.map_or(text.as_str(), |(statement, _)| &text[statement.offset.min(text.len())..]);
        _ = writeln!(out, "{}", text.trim_end());
    }
    out
}

fn did(report: &Report) -> String {
    let of = |direction| report.ran.iter().filter(move |ran| ran.direction == direction);
    let took: Duration = report.ran.iter().map(|ran| ran.took).sum();
    let mut parts = Vec::new();
    for (direction, word) in [(Direction::Down, "reverted"), (Direction::Up, "applied")] {
        let ran = of(direction).count();
        if let Some(last) = of(direction).next_back() {
            let last = if ran == 1 { format!("`{}`", last.id) } else { format!("the last is `{}`", last.id) };
            parts.push(match ran {
                1 => format!("{word} {last}"),
                ran => format!("{word} {ran} migrations, {last}"),
            });
        }
    }
    match parts.is_empty() {
        true => "nothing to do\n".to_owned(),
        false => format!("{}, in {}\n", parts.join("; "), time(took)),
    }
}

fn history(rows: &[Applied]) -> String {
    if rows.is_empty() {
        return "nothing was applied\n".to_owned();
    }
    let width = rows.iter().map(|row| row.id.to_string().chars().count()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut out, row| {
        let id = row.id.to_string();
        let state = match row.state {
            RowState::Applied => "",
            RowState::Running(_) => ", on its way up",
            RowState::Reverting(_) => ", on its way down",
        };
        let by = clean(&format!("by {} with {}", row.by, row.tool));
        _ = writeln!(out, "{id:width$}  {}{state}, {by}", when(row));
        out
    })
}

/// A line of progress, if it is worth one.
pub(super) fn progress(event: &Event, verbosity: Verbosity) -> Option<String> {
    let everything = verbosity == Verbosity::Verbose;
    let line = match event {
        Event::Waiting { waited, holder } => {
            let who = holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default();
            format!(
                "waiting for another session that migrates this database, for {} so far{who}",
                time(*waited)
            )
        }
        Event::Began { steps } if *steps > 0 && everything => {
            format!("running {}", count(*steps, "script"))
        }
        Event::Started { id, direction, number, of } if everything => {
            format!("[{number}/{of}] {id}: {direction}")
        }
        Event::Statement { id, number, of } if everything => format!("{id}: statement {number} of {of}"),
        Event::Resumed { id, direction, done } => {
            format!("{id}: the {direction} was interrupted, and goes on after {}", count(*done, "statement"))
        }
        Event::Batch { id, number, rows, total } => {
            format!("{id}: statement {number} changed {rows} rows, {total} so far")
        }
        Event::Running { id, elapsed, waits_for, progress } => {
            let mut line = format!("{id}: running for {}", time(*elapsed));
            if let Some(progress) = progress {
                _ = write!(line, ", {progress}");
            }
            for (index, holder) in waits_for.iter().enumerate() {
                _ = write!(line, "{}{holder}", if index == 0 { ", waits for " } else { "; " });
            }
            line
        }
        Event::InvalidIndexDropped { id, index } => {
            format!("{id}: the index `{index}` was invalid; it was dropped, and is built anew")
        }
        Event::Retrying { id, attempt, why, pause } => {
            format!("{id}: attempt {attempt} was rolled back ({why}); again in {}", time(*pause))
        }
        Event::Reconnecting { why, pause } => format!("connecting again in {}: {why}", time(*pause)),
        Event::Finished { id, direction, took } => {
            let word = match direction {
                Direction::Up => "applied",
                Direction::Down => "reverted",
            };
            format!("{word} {id} in {}", time(*took))
        }
        _ => return None,
    };
    Some(clean(&line) + "\n")
}

/// `error[id]: text`, the place in the file, a blank line, and what to do.
pub(super) fn error(error: &Error) -> String {
    let mut out = format!("error[{}]: {}\n", error.id(), indented(&error.to_string(), 2));
    if let Error::Sql(error) | Error::LockTimeout { error, .. } = error {
        out += &excerpt(error);
    }
    _ = write!(out, "\nhint: {}\n", indented(&finding::hint(error), 2));
    out
}

fn excerpt(error: &SqlError) -> String {
    let mut out = String::new();
    let width = error.place.map_or(2, |(row, _)| row.to_string().len().max(2));
    let pad = " ".repeat(width);
    if let Some((row, column)) = error.place {
        let (text, caret) = window(&error.line, column);
        let (file, blank) = (&error.file, " ".repeat(caret));
        let message = indented(&error.message, width + 3);
        _ = writeln!(out, "{pad}--> {file}:{row}:{column}\n{pad} |\n{row:>width$} | {text}");
        _ = writeln!(out, "{pad} | {blank}^ {message}\n{pad} |");
    }
    let said = [("detail", &error.detail), ("hint", &error.hint), ("context", &error.context)];
    for (name, text) in said {
        if let Some(text) = text {
            _ = writeln!(out, "{pad} = {name}: {}", indented(text, width + 5 + name.len()));
        }
    }
    out
}

/// The part of a source line around a column, and how far from its left end the caret stands.
pub(super) fn window(line: &str, column: usize) -> (String, usize) {
    let at = column.saturating_sub(1);
    let chars: Vec<char> = line.chars().collect();
    let from = if chars.len() <= 2 * AROUND { 0 } else { at.min(chars.len()).saturating_sub(AROUND) };
    let to = if chars.len() <= 2 * AROUND { chars.len() } else { chars.len().min(from + 2 * AROUND) };
    let part = |range: &[char]| clean(&range.iter().collect::<String>());
    let before = part(&chars[from..at.clamp(from, to)]);
    let left = if from > 0 { "…" } else { "" };
    let right = if to < chars.len() { "…" } else { "" };
    let caret = left.chars().count() + before.chars().count();
    (format!("{left}{}{right}", part(&chars[from..to])), caret)
}

/// Text from files and servers, made harmless: a tab is four blanks, other control characters are shown as such.
fn clean(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\t' => out.push_str("    "),
            '\n' => out.push('\n'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

/// Clean text whose further lines are indented.
fn indented(text: &str, by: usize) -> String {
    clean(text.trim_end()).replace('\n', &format!("\n{}", " ".repeat(by)))
}

/// `1 finding`, `2 findings`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A duration as people say it.
fn time(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        millis => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}
