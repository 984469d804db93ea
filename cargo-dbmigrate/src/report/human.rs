//! The report for people. Styled with ANSI, which the printer takes out where it is not wanted.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Done, Explained, Trouble, proof_word, summary, time, weigh};
use crate::problem::{Excerpt, Finding, Kind, Severity};
use crate::snapshot::{DiffLine, Sign};
use crate::verify::outcome::{Outcome, Proof};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
const GUTTER: Style = AnsiColor::BrightBlue.on_default().bold();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
pub(super) const FINE: Style = AnsiColor::Green.on_default().bold();

/// How much of a difference is shown, unless everything is asked for.
const ERROR_LINES: usize = 40;
const NOTE_LINES: usize = 6;
/// More notes of one kind than this become a list, of so many lines.
const MANY_NOTES: usize = 3;
const LISTED_NOTES: usize = 20;
/// How many files of a kind are listed, unless everything is asked for.
const ITEMS: usize = 12;
/// A source line longer than this is shown around the caret only.
const LINE_WIDTH: usize = 100;

/// The result of a verification.
pub(super) fn outcome(outcome: &Outcome, verbose: bool) -> String {
    let mut out = String::new();
    if verbose {
        for step in &outcome.steps {
            let (style, reason) = match &step.proof {
                Proof::Reversible => (GREEN, ""),
                Proof::Irreversible(reason) => (YELLOW, reason.as_str()),
                Proof::Failed => (RED, ""),
                Proof::Skipped | Proof::NotReached => (DIM, ""),
            };
            let word = proof_word(&step.proof);
            let _ = writeln!(
                out,
                "{style}{word:>12}{style:#} {} {DIM}{}{DIM:#} {}",
                step.migration,
                time(step.duration),
                clean(reason)
            );
        }
        out.push('\n');
    }
    out += &findings(&outcome.findings, verbose);
    let style = if weigh(&outcome.findings).0 == 0 { FINE } else { ERROR };
    let summary = summary(outcome);
    let (head, tail) = summary.split_once(": ").unwrap_or((&summary, ""));
    let _ = writeln!(out, "{style}{head}{style:#}: {tail}");
    out
}

/// What a command has done.
pub(super) fn done(done: &Done, verbose: bool) -> String {
    let mut out = findings(&done.findings, verbose);
    let style = if weigh(&done.findings).0 == 0 { FINE } else { ERROR };
    let on = done.server.as_ref().map(|server| format!(", on {server}")).unwrap_or_default();
    let _ = writeln!(out, "{style}{}{style:#}{on}", clean(&done.headline));
    for run in done.items.chunk_by(|one, two| one.what == two.what) {
        let shown = if verbose || run.len() <= ITEMS { run.len() } else { ITEMS - 1 };
        for item in &run[..shown] {
            let _ = writeln!(out, "  {DIM}{:>8}{DIM:#} {}", item.what, item.path.display());
        }
        if shown < run.len() {
            let _ = writeln!(out, "  {DIM}{:>8} … and {} more; `-v` shows all{DIM:#}", "", run.len() - shown);
        }
    }
    for note in &done.notes {
        let _ = writeln!(out, "{NOTE}note{NOTE:#}: {}", clean(note));
    }
    out
}

/// An explanation.
pub(super) fn explained(explained: &Explained) -> String {
    match explained {
        Explained::All => {
            let width = Kind::ALL.iter().map(|kind| kind.id().len()).max().unwrap_or(0);
            Kind::ALL.iter().fold(String::new(), |mut out, kind| {
                let _ = writeln!(out, "{BOLD}{:width$}{BOLD:#}  {}", kind.id(), kind.title());
                out
            })
        }
        Explained::One(kind) => {
            let mut out = format!("{BOLD}{}{BOLD:#}: {}\n", kind.id(), kind.title());
            for (heading, text) in [
                ("what it means", kind.means()),
                ("why it matters", kind.matters()),
                ("what to do", kind.remedy()),
            ] {
                let _ = writeln!(out, "\n{BOLD}{heading}{BOLD:#}");
                for line in wrap(text, 90) {
                    let _ = writeln!(out, "  {line}");
                }
            }
            out
        }
    }
}

/// Why a command could not run.
pub(super) fn trouble(trouble: &Trouble<'_>) -> String {
    let mut out =
        format!("{ERROR}error[{}]{ERROR:#}: {BOLD}{}{BOLD:#}\n", trouble.kind, indented(&trouble.message, 2));
    for cause in &trouble.causes {
        let _ = writeln!(out, "  caused by: {}", indented(cause, 4));
    }
    for place in &trouble.excerpts {
        out += &excerpt(place, ERROR);
    }
    if !trouble.hints.is_empty() {
        out.push('\n');
    }
    for hint in &trouble.hints {
        let _ = writeln!(out, "{NOTE}hint{NOTE:#}: {}", indented(hint, 2));
    }
    out
}

/// All findings: notes first, so that what must be acted upon stands last, above the summary.
pub(super) fn findings(findings: &[Finding], verbose: bool) -> String {
    let mut out = String::new();
    let mut explained = BTreeSet::new();
    for severity in [Severity::Note, Severity::Error] {
        for one in findings.iter().filter(|finding| finding.severity == severity) {
            let alike =
                || findings.iter().filter(|other| other.severity == severity && other.kind == one.kind);
            let many = severity == Severity::Note && !verbose && alike().count() > MANY_NOTES;
            let first = explained.insert((severity, one.kind));
            if many && !first {
                continue;
            }
            out += &if many { list(one.kind, &alike().collect::<Vec<_>>()) } else { finding(one, verbose) };
            if first {
                let _ = writeln!(out, "   {GUTTER}={GUTTER:#} explain: cargo dbmigrate explain {}", one.kind);
            }
            out.push('\n');
        }
    }
    out
}

/// Many notes of one kind, a line each.
fn list(kind: Kind, notes: &[&Finding]) -> String {
    let mut out =
        format!("{NOTE}note[{kind}]{NOTE:#}: {BOLD}{}, {} times{BOLD:#}\n", kind.title(), notes.len());
    for note in notes.iter().take(LISTED_NOTES) {
        let place = match (&note.migration, &note.file) {
            (Some(migration), _) => format!("{migration}: "),
            (None, Some(file)) => format!("{}: ", file.display()),
            (None, None) => String::new(),
        };
        let _ = writeln!(out, "   {GUTTER}|{GUTTER:#} {place}{}", clean(&note.message).replace('\n', " "));
    }
    if notes.len() > LISTED_NOTES {
        let more = notes.len() - LISTED_NOTES;
        let _ = writeln!(out, "   {GUTTER}|{GUTTER:#} {DIM}… {more} more, shown with `--verbose`{DIM:#}");
    }
    out
}

/// One finding, without the pointer to its explanation.
pub(super) fn finding(finding: &Finding, verbose: bool) -> String {
    let (word, style, most) = match finding.severity {
        Severity::Error => ("error", ERROR, ERROR_LINES),
        Severity::Note => ("note", NOTE, NOTE_LINES),
    };
    let mut out = format!("{style}{word}[{}]{style:#}: ", finding.kind);
    if let Some(migration) = &finding.migration {
        let _ = write!(out, "{BOLD}{migration}{BOLD:#}: ");
    }
    let _ = writeln!(out, "{BOLD}{}{BOLD:#}", indented(&finding.message, 2));
    match (&finding.excerpt, &finding.file) {
        (Some(place), file) => {
            if let Some(file) = file.as_ref().filter(|file| **file != place.file) {
                let _ = writeln!(out, "  {GUTTER}-->{GUTTER:#} {}", file.display());
            }
            out += &excerpt(place, style);
        }
        (None, Some(file)) => {
            let _ = writeln!(out, "  {GUTTER}-->{GUTTER:#} {}", file.display());
        }
        (None, None) => {}
    }
    if let Some(diff) = &finding.diff {
        out += &difference(&diff.lines(), if verbose { usize::MAX } else { most });
    }
    out
}

/// A catalog difference, cut after so many lines.
pub(super) fn difference(lines: &[DiffLine], most: usize) -> String {
    let mut out = format!("   {GUTTER}|{GUTTER:#}\n");
    // Cutting off a line or two would only replace them by the line that says so.
    let shown = if lines.len() <= most.saturating_add(2) { lines.len() } else { most };
    for line in &lines[..shown] {
        let style = match line.sign {
            Sign::Added => GREEN,
            Sign::Removed => RED,
            Sign::Changed => YELLOW,
            _ => Style::new(),
        };
        let indent = "  ".repeat(line.depth);
        let mut parts = line.text.lines();
        let first = parts.next().unwrap_or_default();
        let _ =
            writeln!(out, "   {GUTTER}|{GUTTER:#} {style}{} {indent}{}{style:#}", line.sign, clean(first));
        for part in parts {
            let _ = writeln!(out, "   {GUTTER}|{GUTTER:#} {style}  {indent}  {}{style:#}", clean(part));
        }
    }
    if shown < lines.len() {
        let _ = writeln!(
            out,
            "   {GUTTER}|{GUTTER:#} {DIM}… {} more lines, shown with `--verbose`{DIM:#}",
            lines.len() - shown
        );
    }
    let _ = writeln!(out, "   {GUTTER}|{GUTTER:#}");
    out
}

/// A place in a file: the line with a caret, and what the server said.
fn excerpt(excerpt: &Excerpt, style: Style) -> String {
    let mut out = String::new();
    let file = excerpt.file.display();
    let message = indented(&excerpt.message, 7);
    let margin = match excerpt.place {
        Some((row, column)) => {
            let margin = row.to_string().len().max(2);
            let (text, caret) = window(&excerpt.line, column);
            let pad = " ".repeat(margin);
            let _ = writeln!(out, "{pad}{GUTTER}-->{GUTTER:#} {file}:{row}:{column}");
            let _ = writeln!(out, "{pad} {GUTTER}|{GUTTER:#}");
            let _ = writeln!(out, "{GUTTER}{row:>margin$} |{GUTTER:#} {text}");
            let _ =
                writeln!(out, "{pad} {GUTTER}|{GUTTER:#} {}{style}^ {message}{style:#}", " ".repeat(caret));
            let _ = writeln!(out, "{pad} {GUTTER}|{GUTTER:#}");
            margin
        }
        None => {
            let _ = writeln!(out, "  {GUTTER}-->{GUTTER:#} {file}");
            let _ = writeln!(out, "   {GUTTER}={GUTTER:#} {style}{message}{style:#}");
            2
        }
    };
    let pad = " ".repeat(margin + 1);
    for (name, text) in [
        ("sqlstate", &excerpt.sqlstate),
        ("detail", &excerpt.detail),
        ("hint", &excerpt.hint),
        ("context", &excerpt.context),
    ] {
        if let Some(text) = text {
            let _ =
                writeln!(out, "{pad}{GUTTER}={GUTTER:#} {name}: {}", indented(text, margin + 5 + name.len()));
        }
    }
    out
}

/// The part of a source line around a column, and how far from its left end the caret stands.
fn window(line: &str, column: usize) -> (String, usize) {
    let at = column.saturating_sub(1);
    let mut cells = line.chars().map(|c| clean(c.encode_utf8(&mut [0; 4]))).collect::<Vec<_>>();
    if cells.iter().map(|cell| cell.width()).sum::<usize>() <= LINE_WIDTH {
        let caret = cells.iter().take(at).map(|cell| cell.width()).sum();
        return (cells.concat(), caret);
    }
    let from = at.min(cells.len()).saturating_sub(LINE_WIDTH / 2);
    cells.drain(..from);
    let caret = cells.iter().take(at - from).map(|cell| cell.width()).sum::<usize>();
    let mut text = String::new();
    let mut width = 0;
    let mut rest = cells.iter();
    for cell in rest.by_ref() {
        if width + cell.width() > LINE_WIDTH {
            text.push('…');
            break;
        }
        width += cell.width();
        text += cell;
    }
    if from > 0 { (format!("…{text}"), caret + 1) } else { (text, caret) }
}

/// Text from files and servers, made harmless: a tab is four blanks, other control characters are shown as such.
pub(super) fn clean(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\t' => out.push_str("    "),
            '\n' => out.push('\n'),
            c if c.width().is_none() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

/// Clean text whose further lines are indented.
fn indented(text: &str, by: usize) -> String {
    clean(text.trim_end()).replace('\n', &format!("\n{}", " ".repeat(by)))
}

/// Breaks prose at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Done, ITEMS, clean, window, wrap};

    #[test]
    fn the_caret_stands_under_its_character() {
        assert_eq!(window("\tSELECT 1", 2), ("    SELECT 1".to_owned(), 4));
        assert_eq!(window("-- 日本 x", 7).1, 8);
        assert_eq!(window("", 1), (String::new(), 0));
        assert_eq!(window("ab", 9).1, 2);
    }

    #[test]
    fn a_long_line_is_shown_around_the_caret() {
        let line = "a".repeat(5_000) + "X" + &"b".repeat(5_000);
        let (text, caret) = window(&line, 5_001);
        assert_eq!(text.chars().nth(caret), Some('X'));
        assert!(text.chars().count() <= 102 && text.starts_with('…') && text.ends_with('…'));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\rc\td"), "a\u{fffd}[2Jb\u{fffd}c    d");
    }

    #[test]
    fn prose_is_wrapped_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn a_long_list_of_files_is_cut_unless_everything_is_asked_for() {
        let mut done = Done::new("adopt", "adopted");
        for number in 0..100 {
            done = done.item("created", format!("file-{number}"));
        }
        done = done.item("changed", "lock");
        let text = super::done(&done, false);
        assert_eq!(text.lines().count(), 1 + (ITEMS - 1) + 1 + 1, "{text}");
        assert!(text.contains("and 89 more") && text.contains("lock"), "{text}");
        assert_eq!(super::done(&done, true).lines().count(), 102);
    }
}
