//! One thing that the catalog says.

use serde_json::{Map, Value};

/// One fact: an object, or a part of one, at the finest grain that can change by itself.
///
/// Two facts are equal when kind, identity and properties are; the position of a column is kept apart.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is: `table`, `column`, `comment`, …
    pub kind: &'static str,
    /// Its qualified, quoted identity, unique within the kind.
    pub id: String,
    /// What it says, by name. A property that has its default is left out.
    pub properties: Map<String, Value>,
    /// The object that it is shown under, as `table public.users`.
    pub of: String,
    /// A column's place among the columns of its table; not part of equality.
    pub position: Option<i32>,
}

impl PartialEq for Fact {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id && self.properties == other.properties
    }
}

impl Eq for Fact {}

impl Fact {
    /// The part that tells facts apart.
    pub fn key(&self) -> (&'static str, &str) {
        (self.kind, &self.id)
    }

    /// Whether the fact is the object itself that facts are shown under, not a part of it.
    pub fn is_object(&self) -> bool {
        self.of.strip_prefix(self.kind).and_then(|rest| rest.strip_prefix(' ')) == Some(self.id.as_str())
    }

    /// The identity without the object's, as far as it starts with it.
    pub fn name(&self) -> &str {
        self.of
            .match_indices(' ')
            .find_map(|(at, _)| self.id.strip_prefix(&self.of[at + 1..])?.strip_prefix('.'))
            .unwrap_or(&self.id)
    }

    /// The fact in one short line, without its kind and identity.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (name, value) in &self.properties {
            let text = show(Some(value));
            let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            let more = if text.trim().lines().count() > 1 { " …" } else { "" };
            match (name.as_str(), value) {
                ("owner", _) => {}
                (_, Value::Bool(true)) => parts.push(name.clone()),
                ("type", _) => parts.insert(0, text),
                ("definition" | "expression" | "text" | "value" | "label", _) => {
                    parts.push(format!("{first}{more}"))
                }
                _ => parts.push(format!("{name} {first}{more}")),
            }
        }
        parts.join(", ")
    }
}

/// A property's value as people read it.
pub(super) fn show(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
        Some(Value::Array(items)) => items.iter().map(|item| show(Some(item))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(map)) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| format!("{name} {}", show(Some(value))))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
