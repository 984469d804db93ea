//! Markdown, fit for a comment on a pull request: a summary, a table of what was found, and the details folded away.

use std::fmt::Write as _;

use super::{Done, Tally, Trouble, count, human, proof_word, summary, time, weigh};
use crate::problem::{Finding, Severity};
use crate::verify::outcome::Outcome;

/// GitHub refuses comments of more than 65,536 characters; GitLab takes more.
const MOST: usize = 60_000;

/// The result of a verification.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let tally = Tally::of(outcome);
    let mut out = heading("verify", tally.findings);
    let _ = writeln!(out, "{}.", summary(outcome));
    findings(&mut out, &outcome.findings);
    let mut table = format!(
        "\n<details><summary>{}</summary>\n\n| migration | proof | time |\n|---|---|---:|\n",
        count(tally.migrations, "migration")
    );
    for step in &outcome.steps {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} |",
            step.migration,
            proof_word(&step.proof),
            time(step.duration)
        );
    }
    table += "\n</details>\n";
    if out.len() + table.len() <= MOST {
        out += &table;
    }
    out
}

/// What a command has done.
pub(super) fn done(done: &Done) -> String {
    let mut out = heading(done.command, weigh(&done.findings).0);
    let _ = writeln!(
        out,
        "{}{}.",
        done.headline,
        done.server.as_ref().map(|on| format!(", on {on}")).unwrap_or_default()
    );
    if !done.items.is_empty() {
        out.push('\n');
    }
    for item in &done.items {
        let _ = writeln!(out, "- {} `{}`", item.what, item.path.display());
    }
    if !done.notes.is_empty() {
        out.push('\n');
    }
    for note in &done.notes {
        let _ = writeln!(out, "> {note}");
    }
    findings(&mut out, &done.findings);
    out
}

/// A plan, with its script folded away.
pub(super) fn script(plan: &Done, script: &str) -> String {
    let mut out = done(plan);
    if !script.is_empty() && out.len() + script.len() <= MOST {
        let fence = fence(script);
        let _ =
            write!(out, "\n<details><summary>SQL</summary>\n\n{fence}sql\n{script}{fence}\n\n</details>\n");
    }
    out
}

/// Why a command could not run.
pub(super) fn trouble(trouble: &Trouble<'_>) -> String {
    let text = anstream::adapter::strip_str(&human::trouble(trouble)).to_string();
    let fence = fence(&text);
    format!("### ❌ cargo dbmigrate could not run\n\n{fence}text\n{text}{fence}\n")
}

fn heading(command: &str, errors: usize) -> String {
    match errors {
        0 => format!("### ✅ cargo dbmigrate {command}\n\n"),
        errors => format!("### ❌ cargo dbmigrate {command}: {}\n\n", count(errors, "finding")),
    }
}

fn findings(out: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    *out += "\n| | problem | where | what |\n|---|---|---|---|\n";
    for (at, finding) in findings.iter().enumerate() {
        let sign = match finding.severity {
            Severity::Error => "❌",
            Severity::Note => "ℹ️",
        };
        let place = match (&finding.migration, &finding.file) {
            (Some(name), _) => format!("`{name}`"),
            (None, Some(file)) => format!("`{}`", file.display()),
            (None, None) => String::new(),
        };
        let row = format!("| {sign} | `{}` | {place} | {} |\n", finding.kind, cell(&finding.message));
        if out.len() + row.len() > MOST / 2 {
            let _ = writeln!(out, "| | | | … and {} more |", findings.len() - at);
            break;
        }
        *out += &row;
    }
    for (at, finding) in findings.iter().enumerate() {
        if finding.diff.is_none() && finding.excerpt.is_none() {
            continue;
        }
        let details = details(finding);
        if out.len() + details.len() > MOST {
            let _ = writeln!(out, "\n… and {} more", count(findings.len() - at, "finding"));
            break;
        }
        *out += &details;
    }
}

fn details(finding: &Finding) -> String {
    let what = match &finding.migration {
        Some(name) => format!("{}: {name}", finding.kind),
        None => finding.kind.to_string(),
    };
    let text = anstream::adapter::strip_str(&human::finding(finding, false)).to_string();
    let fence = fence(&text);
    format!("\n<details><summary>{}</summary>\n\n{fence}text\n{text}{fence}\n\n</details>\n", html(&what))
}

/// A fence that is longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn cell(text: &str) -> String {
    html(&human::clean(text)).replace('|', "\\|").replace('\n', "<br>")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{cell, fence};

    #[test]
    fn nothing_escapes_from_a_cell_or_a_fence() {
        assert_eq!(cell("a|b\n</details>"), "a\\|b<br>&lt;/details&gt;");
        assert_eq!(fence("a ```` b"), "`````");
        assert_eq!(fence("a"), "```");
    }
}
