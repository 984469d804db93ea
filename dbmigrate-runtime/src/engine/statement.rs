//! What a statement of a `no-transaction` script is, as far as it matters when it was interrupted. Pure.
//!
//! No parser: the first words of a statement tell. What is not recognised is no error, it is [`Kind::Other`].

use crate::engine::history::ident;

/// Names are cut by the server after so many bytes.
const LONGEST_NAME: usize = 63;

/// A statement, told by its first words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `CREATE INDEX CONCURRENTLY`.
    CreateIndex(NewIndex),
    /// `DROP INDEX CONCURRENTLY` of this one.
    DropIndex(Name),
    /// `REINDEX … CONCURRENTLY`.
    Reindex,
    /// `ALTER TABLE … DETACH PARTITION … CONCURRENTLY`.
    Detach { parent: Name, partition: Name },
    /// `CREATE DATABASE` and the like.
    Create(Global, String),
    /// `DROP DATABASE` and the like.
    Drop(Global, String),
    /// Never shares a transaction, and may run twice: `VACUUM`, `ALTER SYSTEM`.
    Maintenance,
    /// May run twice, whether or not it can share a transaction: `ANALYZE`, `CLUSTER`, `REFRESH …`.
    Harmless,
    /// Changes nothing but the session: `SET`, `RESET`, `SELECT set_config(…, false)`.
    Session,
    /// `RESET ALL`, which resets what the engine has set, too.
    ResetAll,
    /// `DISCARD ALL`, which gives the lock back, too.
    DiscardAll,
    /// Anything else.
    Other,
}

/// What `CREATE INDEX CONCURRENTLY` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewIndex {
    pub(crate) unique: bool,
    /// `None` where the server chooses.
    pub(crate) name: Option<String>,
    pub(crate) table: Name,
    /// Its keys: the columns' names, `None` for an expression.
    pub(crate) keys: Vec<Option<String>>,
}

/// What stands in a catalog by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    Database,
    Tablespace,
    Subscription,
}

/// A name with its schema or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(Vec<String>);

impl Name {
    /// As SQL, each part in quotes.
    pub(crate) fn sql(&self) -> String {
        self.0.iter().map(|part| ident(part)).collect::<Vec<_>>().join(".")
    }
}

impl Kind {
    /// Tells what a statement is.
    pub(crate) fn of(text: &str) -> Self {
        let mut words = Words::new(text);
        let first = words.next();
        match first.as_ref().and_then(Token::word).unwrap_or_default() {
            "create" => create(&mut words),
            "drop" => drop_(&mut words),
            "reindex" => reindex(&mut words),
            "alter" => alter(&mut words),
            "vacuum" => Some(Self::Maintenance),
            "analyze" | "analyse" | "cluster" | "checkpoint" | "refresh" => Some(Self::Harmless),
            "set" => match words.next().as_ref().and_then(Token::word) {
                Some("local" | "transaction" | "constraints") => None,
                _ => Some(Self::Session),
            },
            "reset" => Some(if words.eat("all") { Self::ResetAll } else { Self::Session }),
            "discard" => Some(if words.eat("all") { Self::DiscardAll } else { Self::Harmless }),
            "select" => set_config(&mut words),
            _ => None,
        }
        .unwrap_or(Self::Other)
    }

    /// Whether the server never runs it in a transaction block.
    pub(crate) fn runs_alone(&self) -> bool {
        match self {
            Self::CreateIndex(_) | Self::DropIndex(_) | Self::Reindex | Self::Detach { .. } => true,
            Self::Create(..) | Self::Drop(..) | Self::Maintenance => true,
            Self::Harmless | Self::Session | Self::ResetAll | Self::DiscardAll | Self::Other => false,
        }
    }

    /// Whether its waits stop nobody: it holds and asks for locks that readers and writers do not mind.
    pub(crate) fn waits_harmlessly(&self) -> bool {
        matches!(self, Self::CreateIndex(_) | Self::DropIndex(_) | Self::Reindex)
    }

    /// Whether a new session needs it again.
    pub(crate) fn sets_session(&self) -> bool {
        matches!(self, Self::Session | Self::ResetAll | Self::DiscardAll)
    }
}

fn create(words: &mut Words<'_>) -> Option<Kind> {
    for (word, global) in GLOBALS {
        if words.eat(word) {
            return Some(Kind::Create(global, words.name()?));
        }
    }
    let unique = words.eat("unique");
    (words.eat("index") && words.eat("concurrently")).then_some(())?;
    let mut name = None;
    if !words.eat("on") {
        name = words.name();
        // `if` may be the name of an index.
        if name.as_deref() == Some("if") && words.eat("not") {
            words.eat("exists");
            name = words.name();
        }
        words.eat("on").then_some(())?;
    }
    words.eat("only");
    let parenthesis = words.eat_sign('(');
    let table = words.qualified()?;
    if parenthesis {
        words.eat_sign(')');
    }
    words.eat_sign('*');
    if words.eat("using") {
        words.name()?;
    }
    words.eat_sign('(').then_some(())?;
    Some(Kind::CreateIndex(NewIndex { unique, name, table, keys: keys(words)? }))
}

/// What stands between the parentheses after an index's table.
fn keys(words: &mut Words<'_>) -> Option<Vec<Option<String>>> {
    let mut keys = Vec::new();
    loop {
        let first = words.next()?;
        let mut depth = usize::from(first == Token::Sign('('));
        let mut key = first.name();
        if matches!(words.peek(), Some(Token::Sign('(' | '.'))) {
            key = None;
        }
        loop {
            match words.next()? {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') if depth > 0 => depth -= 1,
                Token::Sign(')') => {
                    keys.push(key);
                    return Some(keys);
                }
                Token::Sign(',') if depth == 0 => break,
                _ => {}
            }
        }
        keys.push(key);
    }
}

const GLOBALS: [(&str, Global); 3] = [
    ("database", Global::Database),
    ("tablespace", Global::Tablespace),
    ("subscription", Global::Subscription),
];

fn drop_(words: &mut Words<'_>) -> Option<Kind> {
    let global = GLOBALS.iter().find(|(word, _)| words.eat(word)).map(|(_, global)| *global);
    if global.is_none() && !(words.eat("index") && words.eat("concurrently")) {
        return None;
    }
    let mut name = words.qualified()?;
    if name.0 == ["if"] && words.eat("exists") {
        name = words.qualified()?;
    }
    match global {
        Some(global) => Some(Kind::Drop(global, name.0.into_iter().next()?)),
        None => Some(Kind::DropIndex(name)),
    }
}

fn reindex(words: &mut Words<'_>) -> Option<Kind> {
    let mut concurrently = false;
    if words.eat_sign('(') {
        let mut option = words.next()?;
        while option != Token::Sign(')') {
            let is_it = option.word() == Some("concurrently");
            option = words.next()?;
            if is_it {
                let off = matches!(option.text(), Some("false" | "off" | "0"));
                concurrently = !off;
            }
        }
    }
    let what = words.next()?;
    let known = matches!(what.word(), Some("index" | "table" | "schema" | "database" | "system"));
    concurrently |= words.eat("concurrently");
    known.then_some(if concurrently { Kind::Reindex } else { Kind::Harmless })
}

fn alter(words: &mut Words<'_>) -> Option<Kind> {
    if words.eat("system") {
        return Some(Kind::Maintenance);
    }
    if words.eat("database") || words.eat("subscription") {
        return Some(Kind::Harmless);
    }
    words.eat("table").then_some(())?;
    let mut parent = words.qualified()?;
    if parent.0 == ["if"] && words.eat("exists") {
        parent = words.qualified()?;
    }
    (words.eat("detach") && words.eat("partition")).then_some(())?;
    let partition = words.qualified()?;
    words.eat("concurrently").then_some(Kind::Detach { parent, partition })
}

/// `SELECT set_config('name', 'value', false)` and nothing more, as `pg_dump` writes it.
fn set_config(words: &mut Words<'_>) -> Option<Kind> {
    let name = words.qualified()?;
    let is_it = match name.0.as_slice() {
        [name] => name == "set_config",
        [schema, name] => schema == "pg_catalog" && name == "set_config",
        _ => false,
    };
    let mut rest = Vec::new();
    for token in words.by_ref() {
        rest.push(token);
        (rest.len() <= 8).then_some(())?;
    }
    while rest.last() == Some(&Token::Sign(';')) {
        rest.pop();
    }
    let is_call = matches!(
        rest.as_slice(),
        [
            Token::Sign('('),
            Token::Literal,
            Token::Sign(','),
            Token::Literal,
            Token::Sign(','),
            Token::Word(local),
            Token::Sign(')'),
        ] if local == "false"
    );
    (is_it && is_call).then_some(Kind::Session)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Not in quotes, in small letters.
    Word(String),
    /// In double quotes.
    Quoted(String),
    /// A string.
    Literal,
    /// Any other character.
    Sign(char),
}

impl Token {
    fn word(&self) -> Option<&str> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Word(text) | Self::Quoted(text) = self { Some(text) } else { None }
    }

    fn name(self) -> Option<String> {
        let (Self::Word(mut name) | Self::Quoted(mut name)) = self else { return None };
        name.truncate(name.floor_char_boundary(LONGEST_NAME));
        Some(name)
    }
}

/// The tokens of a text, comments left out, read only as far as they are asked for.
#[derive(Clone)]
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    fn peek(&self) -> Option<Token> {
        self.clone().next()
    }

    fn eat(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.next().is_some_and(|token| token.word() == Some(word));
        if found {
            *self = ahead;
        }
        found
    }

    fn eat_sign(&mut self, sign: char) -> bool {
        let mut ahead = self.clone();
        let found = ahead.next() == Some(Token::Sign(sign));
        if found {
            *self = ahead;
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        self.next()?.name()
    }

    fn qualified(&mut self) -> Option<Name> {
        self.eat("only");
        let mut parts = vec![self.name()?];
        while self.eat_sign('.') {
            parts.push(self.name()?);
        }
        Some(Name(parts))
    }

    /// White space and comments, which may be nested.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("--") {
                self.rest = comment.find('\n').map_or("", |end| &comment[end..]);
            } else if self.rest.starts_with("/*") {
                let mut depth = 0;
                loop {
                    let (open, close) = (self.rest.starts_with("/*"), self.rest.starts_with("*/"));
                    let Some(next) = self.rest.chars().next() else { return };
                    self.rest = &self.rest[if open || close { 2 } else { next.len_utf8() }..];
                    depth = if open { depth + 1 } else { depth - usize::from(close) };
                    if depth == 0 {
                        break;
                    }
                }
            } else {
                return;
            }
        }
    }

    /// The inside of what begins and ends with this sign, where the sign doubled stands for itself.
    fn enclosed(&mut self, sign: char, backslashes: bool) -> String {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            if character == sign {
                if characters.next_if(|(_, next)| *next == sign).is_none() {
                    self.rest = &self.rest[at + sign.len_utf8()..];
                    return text;
                }
            } else if backslashes && character == '\\' {
                characters.next();
            }
            text.push(character);
        }
        self.rest = "";
        text
    }
}

impl Iterator for Words<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip();
        let first = self.rest.chars().next()?;
        let begins = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        let is_part = |c: char| begins(c) || c.is_ascii_digit() || c == '$';
        match first {
            '"' => Some(Token::Quoted(self.enclosed('"', false))),
            '\'' => {
                self.enclosed('\'', false);
                Some(Token::Literal)
            }
            '$' => {
                let body = &self.rest[1..];
                let tag = body.find('$').filter(|end| body[..*end].chars().all(is_part));
                let Some(tag) = tag.map(|end| &self.rest[..end + 2]) else {
                    self.rest = body;
                    return Some(Token::Sign('$'));
                };
                let inside = &self.rest[tag.len()..];
                self.rest = inside.find(tag).map_or("", |end| &inside[end + tag.len()..]);
                Some(Token::Literal)
            }
            _ if begins(first) || first.is_ascii_digit() => {
                let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
                let word = self.rest[..end].to_ascii_lowercase();
                self.rest = &self.rest[end..];
                if self.rest.starts_with('\'') && matches!(word.as_str(), "e" | "b" | "x" | "n") {
                    self.enclosed('\'', word == "e");
                    return Some(Token::Literal);
                }
                Some(Token::Word(word))
            }
            _ => {
                self.rest = &self.rest[first.len_utf8()..];
                Some(Token::Sign(first))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]
    use super::*;

    fn name(parts: &[&str]) -> Name {
        Name(parts.iter().map(ToString::to_string).collect())
    }

    fn index(text: &str) -> NewIndex {
        match Kind::of(text) {
            Kind::CreateIndex(index) => index,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn indexes_are_read_with_their_names_tables_and_keys() {
        let found = index(
            "-- one\n/* two /* three */ */ CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"By\"\"X\" ON ONLY app.\"T\" (a);",
        );
        let expected = NewIndex {
            unique: true,
            name: Some("By\"X".to_owned()),
            table: name(&["app", "T"]),
            keys: vec![Some("a".to_owned())],
        };
        assert_eq!(found, expected);
        let found = index(
            "create index concurrently on T using gin (lower(a), (b || ', )'), C desc, \"d\" x_ops(k='),'), s.f(e))",
        );
        assert_eq!((found.unique, found.name, found.table), (false, None, name(&["t"])));
        let keys: Vec<_> = found.keys.iter().map(Option::as_deref).collect();
        assert_eq!(keys, [None, None, Some("c"), Some("d"), None]);
        assert_eq!(index("CREATE INDEX CONCURRENTLY if ON t (a)").name.as_deref(), Some("if"));
        let long = "ä".repeat(40);
        assert_eq!(index(&format!("CREATE INDEX CONCURRENTLY {long} ON t (a)")).name, Some("ä".repeat(31)));
        assert_eq!(Kind::of("CREATE INDEX a ON t (b)"), Kind::Other);
        assert_eq!(Kind::of("CREATE TABLE concurrently_t ()"), Kind::Other);
    }

    #[test]
    fn what_cannot_share_a_transaction_is_told() {
        assert_eq!(
            Kind::of("DROP INDEX CONCURRENTLY IF EXISTS s.I CASCADE"),
            Kind::DropIndex(name(&["s", "i"]))
        );
        assert_eq!(Kind::of("DROP INDEX s.i"), Kind::Other);
        for text in [
            "REINDEX TABLE CONCURRENTLY t",
            "reindex (verbose, concurrently) index i",
            "REINDEX (CONCURRENTLY true) SCHEMA s",
        ] {
            assert_eq!(Kind::of(text), Kind::Reindex, "{text}");
        }
        assert_eq!(Kind::of("REINDEX (CONCURRENTLY off, VERBOSE) TABLE t"), Kind::Harmless);
        let detach = Kind::Detach { parent: name(&["a", "p"]), partition: name(&["q"]) };
        assert_eq!(Kind::of("ALTER TABLE IF EXISTS ONLY a.p DETACH PARTITION q CONCURRENTLY"), detach);
        assert_eq!(Kind::of("ALTER TABLE p DETACH PARTITION q FINALIZE"), Kind::Other);
        assert_eq!(Kind::of("ALTER TABLE p ADD COLUMN detach int"), Kind::Other);
        assert_eq!(
            Kind::of("CREATE DATABASE \"A b\" OWNER x"),
            Kind::Create(Global::Database, "A b".to_owned())
        );
        let drop = Kind::Drop(Global::Subscription, "s".to_owned());
        assert_eq!(Kind::of("DROP SUBSCRIPTION IF EXISTS S;"), drop);
        assert_eq!(Kind::of("VACUUM (ANALYZE) t"), Kind::Maintenance);
        assert_eq!(Kind::of("ALTER SYSTEM SET x = 1"), Kind::Maintenance);
        assert_eq!(Kind::of("CALL p()"), Kind::Other);
    }

    #[test]
    fn what_sets_only_the_session_is_told() {
        for text in [
            "SET search_path = app",
            "set session characteristics as transaction isolation level serializable",
            "SET ROLE x",
            "RESET role",
            "SELECT pg_catalog.set_config('search_path', '', false);",
        ] {
            assert_eq!(Kind::of(text), Kind::Session, "{text}");
        }
        for text in [
            "SET LOCAL search_path = app",
            "SET CONSTRAINTS ALL DEFERRED",
            "SELECT set_config('a.b', '', true)",
            "SELECT set_config('a.b', '', false), f()",
            "SELECT set_config('a.b', f(), false)",
            "SELECT app.set_config('a.b', '', false)",
            "SELECT 1",
        ] {
            assert_eq!(Kind::of(text), Kind::Other, "{text}");
        }
        assert_eq!((Kind::of("RESET ALL;"), Kind::of("DISCARD ALL")), (Kind::ResetAll, Kind::DiscardAll));
    }

    #[test]
    fn unfinished_texts_come_to_an_end() {
        for text in [
            "",
            "/* a",
            "\"a",
            "'a",
            "$a$ b",
            "$",
            "E'\\'",
            "CREATE INDEX CONCURRENTLY i ON t (a",
            "é'",
            "--",
        ] {
            assert_eq!(Kind::of(text), Kind::Other, "{text}");
        }
    }
}
