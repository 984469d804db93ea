//! The table of cases, read from `pairs/*.sql`.
//!
//! A file holds families. A family is a base that every variant starts from, and variants; each variant is compared
//! with every other and with the bare base, so a handful of lines gives dozens of pairs:
//!
//! ```sql
//! -- family: sequence
//! create table t (id int);
//! -- variant: plain
//! create sequence s;
//! -- variant: cycle
//! create sequence s cycle;
//! -- variant: not-cycled same-as: plain
//! create sequence s cycle; alter sequence s no cycle;
//! ```
//!
//! Variants of a family differ from one another unless they say `same-as: NAME` (nothing may differ) or
//! `order-of: NAME` (nothing but the order of a table's columns). `base` names the bare base. `from: 18` and `to: 16`
//! bound the major versions of PostgreSQL for a family or a variant.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Verdict;

/// The implicit variant that adds nothing to the base.
const BASE: &str = "base";

/// One family: variants of the same few objects.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) base: String,
    pub(super) variants: Vec<Variant>,
}

/// One way to continue the base of a family.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) sql: String,
    relation: Option<(Relation, String)>,
    versions: (u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    SameAs,
    OrderOf,
}

impl Family {
    /// What the comparison of two of its variants must say.
    pub(super) fn expected(&self, left: &Variant, right: &Variant) -> Verdict {
        if self.class(left) != self.class(right) {
            Verdict::Differ
        } else if self.exact(left) == self.exact(right) {
            Verdict::Equal
        } else {
            Verdict::OnlyOrder
        }
    }

    /// The variant that this one equals but for the order of columns.
    pub(super) fn class<'a>(&'a self, variant: &'a Variant) -> &'a str {
        self.root(variant, &[Relation::SameAs, Relation::OrderOf])
    }

    /// The variant that this one equals in everything.
    pub(super) fn exact<'a>(&'a self, variant: &'a Variant) -> &'a str {
        self.root(variant, &[Relation::SameAs])
    }

    fn root<'a>(&'a self, variant: &'a Variant, follow: &[Relation]) -> &'a str {
        match &variant.relation {
            Some((relation, name)) if follow.contains(relation) => self.root(self.variant(name), follow),
            _ => &variant.name,
        }
    }

    fn variant(&self, name: &str) -> &Variant {
        self.variants
            .iter()
            .find(|variant| variant.name == name)
            .unwrap_or_else(|| panic!("family `{}` has no variant `{name}`", self.name))
    }
}

/// Reads every family that the server's major version can run.
pub(super) fn load(directory: &Path, major: u32) -> Vec<Family> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    paths.sort();
    let mut families = Vec::new();
    for path in paths {
        parse(&fs::read_to_string(&path).unwrap(), &mut families);
    }
    for (family, versions) in &mut families {
        let within = |(from, to): (u32, u32)| from <= major && major <= to;
        family.variants.retain(|variant| within(*versions) && within(variant.versions));
    }
    families.into_iter().map(|(family, _)| family).filter(|it| !it.variants.is_empty()).collect()
}

fn parse(text: &str, families: &mut Vec<(Family, (u32, u32))>) {
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("-- family: ") {
            let (name, words) = header(rest);
            let base = Variant {
                name: BASE.to_owned(),
                sql: String::new(),
                relation: None,
                versions: (0, u32::MAX),
            };
            let family = Family { name, base: String::new(), variants: vec![base] };
            families.push((family, versions(&words)));
        } else if let Some(rest) = line.strip_prefix("-- variant: ") {
            let (name, words) = header(rest);
            let relation = [("same-as", Relation::SameAs), ("order-of", Relation::OrderOf)]
                .into_iter()
                .find_map(|(word, relation)| Some((relation, words.get(word)?.clone())));
            let (family, _) = families.last_mut().expect("a variant belongs to a family");
            assert!(
                family.variants.iter().all(|variant| variant.name != name),
                "family `{}` has two variants `{name}`",
                family.name
            );
            let versions = versions(&words);
            family.variants.push(Variant { name, sql: String::new(), relation, versions });
        } else if let Some((family, _)) = families.last_mut() {
            let sql = match family.variants.as_mut_slice() {
                [_base] => &mut family.base,
                [.., last] => &mut last.sql,
                [] => unreachable!("the bare base is always there"),
            };
            sql.push_str(line);
            sql.push('\n');
        }
    }
}

/// `name key: value key: value`.
fn header(text: &str) -> (String, BTreeMap<String, String>) {
    let mut words = text.split_whitespace();
    let name = words.next().expect("a name").to_owned();
    let mut pairs = BTreeMap::new();
    while let Some(key) = words.next() {
        let key = key.strip_suffix(':').unwrap_or_else(|| panic!("`{text}`: expected `key:`"));
        assert!(["same-as", "order-of", "from", "to"].contains(&key), "`{text}`: what is `{key}`?");
        pairs.insert(key.to_owned(), words.next().expect("a value").to_owned());
    }
    (name, pairs)
}

fn versions(words: &BTreeMap<String, String>) -> (u32, u32) {
    let bound = |key, default| words.get(key).map_or(default, |text| text.parse().unwrap());
    (bound("from", 0), bound("to", u32::MAX))
}
