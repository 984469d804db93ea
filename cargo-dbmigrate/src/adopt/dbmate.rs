//! dbmate: one file for each migration, its name beginning with digits, with `-- migrate:up` and `-- migrate:down`.
//!
//! Files are applied in the order of their names. `transaction:false` after a mark takes that part out of its
//! transaction. Comments above the first mark are kept with the up; statements there are an error.

use super::tree::Tree;
use super::{Foreign, Part, Source, refuse};
use crate::problem::Refusal;
use crate::sql;

pub(super) fn fits(tree: &Tree) -> bool {
    let marked =
        |file: &String| tree.text(file).is_ok_and(|text| text.lines().any(|line| mark(line, "up").is_some()));
    tree.top().filter(|file| version(file).is_some()).any(marked)
}

/// The digits at the beginning of a migration's file name.
fn version(file: &str) -> Option<&str> {
    let digits = file.len() - file.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (digits > 0 && file.ends_with(".sql")).then(|| &file[..digits])
}

/// The options of a line that begins a part: `^--\s*migrate:up(\s*$|\s+\S+)`.
fn mark<'a>(line: &'a str, part: &str) -> Option<&'a str> {
    let options = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?.strip_prefix(part)?;
    (options.is_empty() || options.starts_with(char::is_whitespace)).then_some(options)
}

pub(super) fn read(tree: &Tree) -> Result<Source, Refusal> {
    let mut source = Source::default();
    for file in &tree.files {
        let Some(version) = version(file).filter(|_| !file.contains('/')) else {
            source.left_alone.push(tree.show(file));
            continue;
        };
        let name = file[version.len()..].strip_suffix(".sql").unwrap_or_default();
        let (up, down) = parts(tree.show(file), &tree.text(file)?)?;
        if let Some(other) = source.migrations.iter().find(|other| other.version == version) {
            let why = format!("has the same version as `{}`", other.original);
            return Err(refuse(&tree.show(file), &why, "dbmate applies only one of them: rename one"));
        }
        source.migrations.push(Foreign {
            original: file.clone(),
            version: version.to_owned(),
            name: name.to_owned(),
            up,
            down: Some(down),
        });
    }
    source.left_alone.extend(tree.hidden.iter().map(|file| tree.show(file)));
    Ok(source)
}

fn parts(file: String, text: &str) -> Result<(Part, Part), Refusal> {
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let options = |part| mark(line.trim_end_matches('\n'), part).map(is_no_transaction);
        ups.extend(options("up").map(|no_transaction| (offset, no_transaction)));
        downs.extend(options("down").map(|no_transaction| (offset, no_transaction)));
        offset += line.len();
    }
    let ([(up, up_alone)], [(down, down_alone)]) = (&ups[..], &downs[..]) else {
        let why = match (ups.len(), downs.len()) {
            (0, _) => "has no `-- migrate:up`",
            (_, 0) => "has no `-- migrate:down`",
            _ => "has several `-- migrate:up` or `-- migrate:down`",
        };
        return Err(refuse(&file, why, "give it one of each"));
    };
    if up > down {
        return Err(refuse(
            &file,
            "has its `-- migrate:down` first",
            "dbmate refuses it too: turn them round",
        ));
    }
    if !sql::statements(&text[..*up]).is_empty() {
        return Err(refuse(
            &file,
            "has statements above `-- migrate:up`",
            "dbmate refuses it too: move them below",
        ));
    }
    let part =
        |text: &str, no_transaction: bool| Part { file: file.clone(), text: text.to_owned(), no_transaction };
    Ok((part(&text[..*down], *up_alone), part(&text[*down..], *down_alone)))
}

fn is_no_transaction(options: &str) -> bool {
    let last =
        options.split_whitespace().filter_map(|option| option.strip_prefix("transaction:")).next_back();
    last == Some("false")
}
