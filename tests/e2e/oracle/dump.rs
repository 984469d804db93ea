//! The second witness: what `pg_dump --schema-only` writes, made comparable.
//!
//! Two dumps of equal schemas may differ in the order of their entries, in the order of the grants of one entry, and
//! in the order of columns. The first two are sorted away; the third is kept apart.

use std::collections::BTreeMap;

use super::Verdict;

/// A normalised dump: its entries as a multiset, twice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dump {
    /// Every entry as it was written.
    exact: BTreeMap<String, usize>,
    /// The same with the lines of every table's column list sorted.
    unordered: BTreeMap<String, usize>,
}

impl Dump {
    /// Reads the text of a plain dump.
    pub(super) fn parse(text: &str) -> Self {
        let mut dump = Self { exact: BTreeMap::new(), unordered: BTreeMap::new() };
        let mut method = String::new();
        let mut kind = String::new();
        let mut entry = Vec::new();
        for line in text.lines() {
            if let Some(header) = line.strip_prefix("-- Name: ") {
                dump.push(&kind, &method, &entry);
                entry.clear();
                kind = header.split("; Type: ").nth(1).unwrap_or_default().to_owned();
                kind.truncate(kind.find(';').unwrap_or(kind.len()));
            } else if let Some(value) = line.strip_prefix("SET default_table_access_method = ") {
                // Stands before the header of the table that it is for.
                dump.push(&kind, &method, &entry);
                entry.clear();
                kind.clear();
                method = value.to_owned();
            } else if !is_noise(line) {
                entry.push(line);
            }
        }
        dump.push(&kind, &method, &entry);
        dump
    }

    fn push(&mut self, kind: &str, method: &str, lines: &[&str]) {
        let has_method = matches!(kind, "TABLE" | "MATERIALIZED VIEW");
        let mut add = |exact: String, unordered: String| {
            if !exact.trim().is_empty() {
                *self.exact.entry(exact).or_default() += 1;
                *self.unordered.entry(unordered).or_default() += 1;
            }
        };
        if kind.ends_with("ACL") {
            for line in lines {
                add((*line).to_owned(), (*line).to_owned());
            }
            return;
        }
        let mut text = lines.join("\n").trim().to_owned();
        if has_method && !text.is_empty() {
            text = format!("{text}\nUSING {method}");
        }
        let unordered = match kind {
            "TABLE" | "FOREIGN TABLE" => sort_columns(&text),
            _ => text.clone(),
        };
        add(text, unordered);
    }

    /// Compares two dumps.
    pub(super) fn compare(&self, other: &Self) -> Verdict {
        if self.exact == other.exact {
            Verdict::Equal
        } else if self.unordered == other.unordered {
            Verdict::OnlyOrder
        } else {
            Verdict::Differ
        }
    }

    /// The entries that only one of the two has.
    pub(super) fn explain(&self, other: &Self) -> String {
        let only = |sign: &str, these: &Self, those: &Self| -> String {
            let entries = these.exact.iter().filter(|(k, n)| those.exact.get(*k) != Some(*n));
            entries.map(|(k, _)| format!("{sign} {}\n", k.replace('\n', "\n  "))).collect()
        };
        only("-", self, other) + &only("+", other, self)
    }
}

/// Lines that say nothing about the schema.
fn is_noise(line: &str) -> bool {
    line.is_empty()
        || line.starts_with("--")
        || line.starts_with("\\restrict ")
        || line.starts_with("\\unrestrict ")
        || (line.starts_with("SET ") && line.ends_with(';'))
        || line.starts_with("SELECT pg_catalog.set_config('search_path'")
}

/// Sorts the lines between the parentheses of the first statement.
fn sort_columns(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some(open) = lines.iter().position(|line| line.ends_with('(')) else {
        return text.to_owned();
    };
    let Some(length) = lines[open..].iter().position(|line| line.starts_with(')')) else {
        return text.to_owned();
    };
    let list = &mut lines[open + 1..open + length];
    for line in list.iter_mut() {
        if let Some(bare) = line.strip_suffix(',') {
            *line = bare.to_owned();
        }
    }
    list.sort();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET row_security = off;\n\n";

    fn table(name: &str, columns: &[&str]) -> String {
        format!(
            "--\n-- Name: {name}; Type: TABLE; Schema: public; Owner: o\n--\n\n\
             CREATE TABLE public.{name} (\n    {}\n);\n\n\n",
            columns.join(",\n    ")
        )
    }

    fn compare(left: &[&str], right: &[&str]) -> Verdict {
        Dump::parse(&(HEAD.to_owned() + &left.concat()))
            .compare(&Dump::parse(&(HEAD.to_owned() + &right.concat())))
    }

    #[test]
    fn the_order_of_entries_and_of_grants_says_nothing() {
        let (t, u) = (table("t", &["a integer"]), table("u", &["a integer"]));
        assert_eq!(compare(&[&t, &u], &[&u, &t]), Verdict::Equal);
        let header = "-- Name: TABLE t; Type: ACL; Schema: public; Owner: o\n--\n\n";
        let (one, two) = ("GRANT SELECT ON TABLE t TO a;\n", "GRANT SELECT ON TABLE t TO b;\n");
        assert_eq!(compare(&[header, one, two], &[header, two, one]), Verdict::Equal);
        assert_eq!(compare(&[header, one, two], &[header, one]), Verdict::Differ);
    }

    #[test]
    fn the_order_of_columns_is_kept_apart() {
        let ab = table("t", &["a integer", "b text DEFAULT 'x'"]);
        let ba = table("t", &["b text DEFAULT 'x'", "a integer"]);
        assert_eq!(compare(&[&ab], &[&ba]), Verdict::OnlyOrder);
        assert_eq!(compare(&[&ab], &[&table("t", &["a integer", "b text"])]), Verdict::Differ);
    }

    #[test]
    fn a_table_keeps_the_access_method_that_stands_before_it() {
        let t = table("t", &["a integer"]);
        let (heap, other) =
            ("SET default_table_access_method = heap;\n\n", "SET default_table_access_method = other;\n\n");
        assert_eq!(compare(&[heap, &t], &[heap, &t]), Verdict::Equal);
        assert_eq!(compare(&[heap, &t], &[other, &t]), Verdict::Differ);
    }

    #[test]
    fn an_entry_that_is_there_twice_counts_twice() {
        let t = table("t", &["a integer"]);
        assert_eq!(compare(&[&t, &t], &[&t]), Verdict::Differ);
    }
}
