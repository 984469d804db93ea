//! SQL text: where statements begin and end, and what a migration's file must not hold.
//!
//! Tokens come from squawk's lexer; statements end where psql ends them: at a semicolon outside of parentheses and of a
//! `BEGIN ATOMIC … END` body. No grammar is needed for that, so that syntax newer than any parser splits as well. Pure:
//! this room knows no files and no server.

use std::borrow::Cow;
use std::ops::Range;

use dbmigrate_runtime::migration::{DirectiveError, DirectiveFault, REPEAT, directive};
use squawk_lexer::{TokenKind, tokenize};

/// One statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Byte offset of its first token.
    pub start: usize,
    /// Byte offset after its last token, the semicolon included.
    pub end: usize,
    /// Its first words in upper case, up to the first token that is no word; at most [`WORDS`].
    pub words: Vec<String>,
    /// Byte offset of the directive `repeat` before it: it runs until it changes no row.
    pub repeat: Option<usize>,
}

/// Why a statement may not repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrepeatable {
    /// The server counts no changed rows for such a statement.
    CountsNoRows,
    /// It changes the same rows every time.
    NeverEnds,
}

/// How many leading words of a statement are kept.
const WORDS: usize = 6;

/// A piece of text that belongs to psql or to the tool that runs migrations, not into a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intruder {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it is.
    pub kind: IntruderKind,
}

/// What does not belong into a migration's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntruderKind {
    /// A backslash command of psql, with the rest of its line; or inline data after `COPY … FROM STDIN`.
    MetaCommand,
    /// `BEGIN`, `COMMIT`, `ROLLBACK` and their like.
    TransactionControl,
}

struct Token<'a> {
    kind: TokenKind,
    start: usize,
    text: &'a str,
}

/// The tokens of a part of the text. Inline data of a `COPY` is no SQL, so that callers leave it out of the range.
fn tokens(text: &str, range: Range<usize>) -> impl Iterator<Item = Token<'_>> {
    let mut start = range.start;
    tokenize(&text[range]).map_while(move |token| {
        let end = start + token.len as usize;
        let token = Token { kind: token.kind, start, text: text.get(start..end)? };
        start = end;
        Some(token)
    })
}

fn is_trivia(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof
    )
}

/// Follows psql's scanner (`psqlscan.l`): parentheses, and the bodies of SQL-standard functions.
#[derive(Default)]
struct Nesting {
    parentheses: usize,
    bodies: usize,
    words: Vec<String>,
    /// Every word of the statement so far was an identifier.
    leading: bool,
    last_word: String,
    /// The words `FROM STDIN` stood in the statement.
    from_stdin: bool,
}

impl Nesting {
    fn in_routine(&self) -> bool {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        matches!(
            words[..],
            ["CREATE", "FUNCTION" | "PROCEDURE", ..]
                | ["CREATE", "OR", "REPLACE", "FUNCTION" | "PROCEDURE", ..]
        )
    }

    fn token(&mut self, token: &Token<'_>) {
        match token.kind {
            TokenKind::OpenParen => self.parentheses += 1,
            TokenKind::CloseParen => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Ident => {
                let word = token.text.to_uppercase();
                if self.in_routine() && self.parentheses == 0 {
                    match word.as_str() {
                        "ATOMIC" if self.bodies == 0 && self.last_word == "BEGIN" => self.bodies = 1,
                        "CASE" | "BEGIN" if self.bodies > 0 => self.bodies += 1,
                        "END" => self.bodies = self.bodies.saturating_sub(1),
                        _ => {}
                    }
                }
                if self.leading && self.words.len() < WORDS {
                    self.words.push(word.clone());
                }
                self.from_stdin |= self.last_word == "FROM" && word == "STDIN";
                self.last_word = word;
                return;
            }
            _ => {}
        }
        self.leading = false;
    }
}

/// The statements of a text; none if it holds only comments.
pub fn statements(text: &str) -> Vec<Statement> {
    scan(text).statements
}

/// The first directive `repeat` that is not a statement's, where only a lexer can tell.
pub fn stray_repeat(text: &str) -> Option<DirectiveError> {
    scan(text).stray_repeat
}

/// What a text holds.
struct Scan {
    statements: Vec<Statement>,
    /// Where psql's own commands and data stand between the statements.
    foreign: Vec<Range<usize>>,
    stray_repeat: Option<DirectiveError>,
}

fn scan(text: &str) -> Scan {
    let (mut statements, mut foreign, mut stray_repeat) = (Vec::new(), Vec::new(), None);
    let mut stray = |offset, fault| _ = stray_repeat.get_or_insert(DirectiveError { offset, fault });
    let mut repeat: Option<usize> = None;
    let mut nesting = Nesting { leading: true, ..Nesting::default() };
    let mut range: Option<Range<usize>> = None;
    let mut remaining = tokens(text, 0..text.len());
    while let Some(token) = remaining.next() {
        if is_trivia(token.kind) {
            if token.kind == TokenKind::LineComment && gives_repeat(token.text) {
                let line = text[..token.start].rfind('\n').map_or(0, |at| at + 1);
                if range.is_some() || !text[line..token.start].trim().is_empty() {
                    stray(token.start, DirectiveFault::RepeatNotBefore);
                } else if repeat.is_some() {
                    stray(token.start, DirectiveFault::RepeatTwice);
                } else {
                    repeat = Some(token.start);
                }
            }
            continue;
        }
        if token.text.starts_with('\\') {
            // Outside of strings and comments a backslash is never SQL. psql takes the rest of the line.
            let end = text[token.start..].find('\n').map_or(text.len(), |at| token.start + at);
            foreign.push(token.start..end);
            remaining = tokens(text, end..text.len());
            continue;
        }
        let end = token.start + token.text.len();
        let ends = token.kind == TokenKind::Semi && nesting.parentheses == 0 && nesting.bodies == 0;
        if !ends {
            range.get_or_insert(token.start..end).end = end;
            nesting.token(&token);
        } else if let Some(Range { start, .. }) = range.take() {
            let Nesting { words, from_stdin, .. } = std::mem::take(&mut nesting);
            nesting.leading = true;
            let copies_from_stdin = from_stdin && words.first().is_some_and(|word| word == "COPY");
            if copies_from_stdin {
                let data_end = end_of_data(text, end);
                foreign.push(start..data_end);
                remaining = tokens(text, data_end..text.len());
            }
            statements.push(Statement { start, end, words, repeat: repeat.take() });
        }
    }
    if let Some(Range { start, end }) = range {
        statements.push(Statement { start, end, words: nesting.words, repeat: repeat.take() });
    }
    if let Some(offset) = repeat {
        stray(offset, DirectiveFault::NothingToRepeat);
    }
    Scan { statements, foreign, stray_repeat }
}

fn gives_repeat(comment: &str) -> bool {
    directive(comment).is_some_and(|(name, _)| name == REPEAT)
}

/// Where the inline data of a `COPY … FROM STDIN` ends: after the line `\.`, or with the text.
fn end_of_data(text: &str, from: usize) -> usize {
    text[from..].find("\n\\.").map_or(text.len(), |at| from + at + 3)
}

impl Statement {
    fn starts_with(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len() && self.words.iter().zip(words).all(|(found, word)| found == word)
    }

    fn controls_transaction(&self) -> bool {
        let is = |words: &[&str]| self.starts_with(words);
        is(&["BEGIN"])
            || is(&["START", "TRANSACTION"])
            || is(&["COMMIT"])
            || is(&["END"])
            || is(&["ABORT"])
            || is(&["PREPARE", "TRANSACTION"])
            || (is(&["ROLLBACK"]) && !self.words.iter().any(|word| word == "TO"))
    }

    /// Whether it changes prepared statements or loaded code: `RESET` does not undo that, and readers prepare statements.
    pub fn outlasts_reset(&self) -> bool {
        let first = self.words.first().map(String::as_str);
        matches!(first, Some("PREPARE" | "DEALLOCATE" | "DISCARD" | "LOAD"))
    }

    /// Whether it sets something that the statements after it are run with, timeouts aside.
    pub fn sets_session(&self) -> bool {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        let name = match words[..] {
            ["SET", "LOCAL" | "SESSION", name, ..] | ["SET", name, ..] => name,
            _ => return false,
        };
        !name.ends_with("_TIMEOUT")
    }

    /// Whether it can run until it changes no row: the server must count the rows that it changes, and they must be able
    /// to run out. `text` is the text that it is a statement of.
    ///
    /// # Errors
    /// Says why it cannot.
    pub fn repeatable(&self, text: &str) -> Result<(), Unrepeatable> {
        const VERBS: [&str; 7] = ["INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "TABLE", "VALUES"];
        let words = self.outer_words(text);
        let has = |name: &str| words.iter().any(|word| word == name);
        let verb = match self.words.first().map(String::as_str) {
            // The server counts the rows of what follows the `WITH` queries, not of these.
            Some("WITH") => words.iter().map(String::as_str).find(|word| VERBS.contains(word)),
            first => first,
        };
        match verb {
            Some("UPDATE") if !has("WHERE") && !has("FROM") => Err(Unrepeatable::NeverEnds),
            Some("INSERT") if has("VALUES") && !has("CONFLICT") && !has("SELECT") => {
                Err(Unrepeatable::NeverEnds)
            }
            Some("INSERT" | "UPDATE" | "DELETE" | "MERGE") => Ok(()),
            _ => Err(Unrepeatable::CountsNoRows),
        }
    }

    /// Its words outside of all parentheses, in upper case, without the names of `WITH` queries.
    fn outer_words(&self, text: &str) -> Vec<String> {
        let (mut depth, mut name_follows, mut words) = (0_usize, false, Vec::new());
        for token in tokens(text, self.start..self.end).filter(|token| !is_trivia(token.kind)) {
            let is_name = std::mem::take(&mut name_follows);
            match token.kind {
                TokenKind::OpenParen => depth += 1,
                TokenKind::CloseParen => depth = depth.saturating_sub(1),
                TokenKind::Comma => name_follows = true,
                TokenKind::Ident if depth == 0 => {
                    let word = token.text.to_uppercase();
                    name_follows = matches!(word.as_str(), "WITH" | "RECURSIVE");
                    if name_follows || !is_name {
                        words.push(word);
                    }
                }
                _ => {}
            }
        }
        words
    }

    /// Whether it copies rows to or from the client.
    pub fn may_copy(&self) -> bool {
        self.starts_with(&["COPY"])
    }

    /// Whether it may change rows of tables, as opposed to only the catalog. When in doubt, it may.
    pub fn may_change_rows(&self) -> bool {
        let schema_only = matches!(
            self.words.first().map(String::as_str),
            Some(
                "CREATE"
                    | "DROP"
                    | "COMMENT"
                    | "GRANT"
                    | "REVOKE"
                    | "REINDEX"
                    | "VACUUM"
                    | "ANALYZE"
                    | "SET"
                    | "RESET"
            )
        );
        let fills = self.starts_with(&["CREATE", "TABLE"]) || self.starts_with(&["CREATE", "MATERIALIZED"]);
        let enumerates = self.starts_with(&["ALTER", "TYPE"]);
        !(schema_only && !fills || enumerates)
    }
}

/// Whether a text may change what the databases of a server share, or reach other databases or the machine itself. When in
/// doubt, it may: strings and bodies of functions count, since statements are made up from them.
pub fn may_leave_database(text: &str) -> bool {
    let pieces = tokens(text, 0..text.len());
    let pieces = pieces.map(|token| if is_trivia(token.kind) { " " } else { token.text });
    let text = pieces.collect::<String>().to_lowercase().replace(';', " ; ");
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ';'))
        .filter(|word| !word.is_empty())
        .collect();
    let word = |word: &&str| {
        const PARTS: [&str; 7] =
            ["dblink", "fdw", "replication", "pg_auth", "pg_tablespace", "pg_shd", "plpython"];
        PARTS.iter().any(|part| word.contains(part))
            || matches!(*word, "copy" | "reassign" | "prepared" | "pg_database" | "pg_db_role_setting")
            || matches!(*word, "plperlu" | "pltclu" | "plsh" | "lo_export" | "pg_reload_conf")
            || matches!(*word, "pg_cancel_backend" | "pg_terminate_backend")
    };
    let pair = |at: usize| {
        let [first, second, rest @ ..] = &words[at..] else { return false };
        // In a message, as `cannot create user with …`: no role has this name.
        if rest.first() == Some(&"with") {
            return false;
        }
        let shared = matches!(*second, "role" | "database" | "tablespace" | "subscription");
        match *first {
            "create" | "alter" | "drop" => shared || matches!(*second, "user" | "group" | "system" | "owned"),
            "on" => shared || *second == "parameter",
            "prepare" => *second == "transaction",
            _ => false,
        }
    };
    // `grant a to b` is about roles; what is granted `on` something is not.
    let membership = |at: usize| {
        let rest = words[at + 1..].iter().take_while(|word| **word != ";");
        let mut rest = rest.filter(|word| matches!(**word, "on" | "to" | "from"));
        matches!(words[at], "grant" | "revoke") && rest.next().is_some_and(|word| *word != "on")
    };
    words.iter().any(word) || (0..words.len()).any(|at| pair(at) || membership(at))
}

/// Whether a text may stop the server from counting written rows, or reset what it counted. When in doubt, it may.
pub fn may_mislead_statistics(text: &str) -> bool {
    let text = text.to_lowercase();
    ["track_counts", "pg_stat_reset", "pg_stat_force", "stats_fetch"].iter().any(|name| text.contains(name))
}

/// What of psql's or of a transaction's does not belong into this text, in order.
pub fn intruders(text: &str) -> Vec<Intruder> {
    let Scan { statements, foreign, .. } = scan(text);
    let control = statements.iter().filter(|statement| statement.controls_transaction());
    let control = control.map(|s| Intruder { range: s.start..s.end, kind: IntruderKind::TransactionControl });
    let foreign = foreign.into_iter().map(|range| Intruder { range, kind: IntruderKind::MetaCommand });
    let mut found: Vec<_> = control.chain(foreign).collect();
    found.sort_by_key(|intruder| intruder.range.start);
    found
}

/// The text with its [`intruders`] blanked out, every other byte at its old place, so that a server can run it.
pub fn without_intruders(text: &str) -> Cow<'_, str> {
    let intruders = intruders(text);
    if intruders.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut blanked = String::with_capacity(text.len());
    let mut at = 0;
    for Intruder { range, .. } in intruders {
        if range.start < at {
            continue;
        }
        blanked.push_str(&text[at..range.start]);
        blanked.extend(text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        at = range.end;
    }
    blanked.push_str(&text[at..]);
    Cow::Owned(blanked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use squawk_syntax::ast::AstNode;

    fn split(text: &str) -> Vec<&str> {
        statements(text).iter().map(|statement| &text[statement.start..statement.end]).collect()
    }

    const TRICKY: &str = "\
-- leading; comment
CREATE TABLE a (x text DEFAULT ';', /* ; /* nested; */ ; */ y int);;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END; $body$;
CREATE OR REPLACE FUNCTION g(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 1 ELSE 2 END; SELECT 2; END;
CREATE RULE r AS ON INSERT TO a DO ALSO (DELETE FROM a; UPDATE a SET y = 1);
SELECT E'it\\'s; x', U&'d\\0061t', \"we;ird\", $$a;b$$, $x$ $$;$$ $x$
";

    #[test]
    fn statements_end_where_psql_ends_them() {
        let found = split(TRICKY);
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[0].starts_with("CREATE TABLE a") && found[0].ends_with("y int);"));
        assert!(found[2].ends_with("SELECT 2; END;"));
        assert!(found[4].ends_with("$x$ $$;$$ $x$"));
        assert_eq!(split("  -- only a comment;\n/* ; */ ;"), [""; 0]);
        assert_eq!(split("CREATE TABLE begin (id int); SELECT 1;").len(), 2);
    }

    #[test]
    fn squawks_parser_agrees() {
        let tree = squawk_syntax::SourceFile::parse(TRICKY).tree();
        let parsed: Vec<_> = tree
            .stmts()
            .map(|s| s.syntax().text_range())
            .filter(|r| r.len() > 1.into())
            .map(|r| usize::from(r.start()))
            .collect();
        let ours: Vec<_> = statements(TRICKY).iter().map(|statement| statement.start).collect();
        assert_eq!(ours, parsed);
    }

    #[test]
    fn intruders_are_found_and_blanked() {
        let kinds = |text: &str| intruders(text).iter().map(|i| (i.range.start, i.kind)).collect::<Vec<_>>();
        assert_eq!(
            kinds("BEGIN; SELECT 1; COMMIT;"),
            [(0, IntruderKind::TransactionControl), (17, IntruderKind::TransactionControl)]
        );
        assert_eq!(kinds("SAVEPOINT a; ROLLBACK TO SAVEPOINT a; RELEASE a;"), []);
        assert_eq!(kinds("SELECT '\\connect x'; -- \\d\nDO $$ BEGIN NULL; END $$;"), []);
        assert_eq!(kinds("\\echo it's\nSELECT 1;"), [(0, IntruderKind::MetaCommand)]);
        assert_eq!(without_intruders("\\set é\nSELECT 1;\nCOMMIT;").as_ref(), "       \nSELECT 1;\n       ");
        let copy = "COPY a (x) FROM stdin;\nit's; BEGIN;\n\\.\nSELECT 1;";
        assert_eq!(kinds(copy), [(0, IntruderKind::MetaCommand)]);
        assert_eq!(split(copy), ["COPY a (x) FROM stdin;", "SELECT 1;"]);
        assert!(without_intruders(copy).ends_with("SELECT 1;"));
    }

    #[test]
    fn repeat_belongs_to_the_next_statement() {
        let repeats = |text: &str| statements(text).iter().map(|one| one.repeat).collect::<Vec<_>>();
        let text = "-- dbmigrate: repeat\n\n/* x */ UPDATE a;\nSELECT 1;\n  -- dbmigrate: repeat\n-- y\nDELETE FROM a";
        assert_eq!(repeats(text), [Some(0), None, Some(text.rfind("-- dbmigrate").unwrap())]);
        assert_eq!(stray_repeat(text), None);
        for quoted in
            ["$$\n-- dbmigrate: repeat\n$$", "'\n-- dbmigrate: repeat\n'", "/*\n-- dbmigrate: repeat\n*/ 1"]
        {
            let text = format!("SELECT {quoted};\nDELETE FROM a;");
            assert_eq!((repeats(&text), stray_repeat(&text)), (vec![None, None], None), "{text}");
        }
        let stray = |text: &str| stray_repeat(text).map(|error| (error.offset, error.fault));
        let line = "-- dbmigrate: repeat\n";
        assert_eq!(stray(&format!("UPDATE a\n{line}SET x = 1;")), Some((9, DirectiveFault::RepeatNotBefore)));
        assert_eq!(stray(&format!("SELECT 1; {line}UPDATE a;")), Some((10, DirectiveFault::RepeatNotBefore)));
        assert_eq!(
            stray(&format!("{line}/* */\n{line}DELETE FROM a;")),
            Some((27, DirectiveFault::RepeatTwice))
        );
        assert_eq!(stray(&format!("SELECT 1;\n{line}/* */")), Some((10, DirectiveFault::NothingToRepeat)));
    }

    #[test]
    fn what_may_repeat_is_known() {
        let repeatable = |text: &str| statements(text)[0].repeatable(text);
        for text in [
            "UPDATE a SET x = 1 WHERE x IS NULL",
            "update a set x = b.x from b",
            "DELETE FROM a",
            "INSERT INTO a SELECT * FROM b WHERE NOT EXISTS (SELECT FROM a)",
            "INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING",
            "INSERT INTO a (SELECT * FROM b WHERE x IS NULL)",
            "UPDATE a SET x = 1, \"y\" = 2 WHERE x IS NULL",
            "MERGE INTO a USING b ON a.x = b.x WHEN NOT MATCHED THEN INSERT VALUES (1)",
            "WITH one AS (SELECT 1 FOR UPDATE), two (x) AS MATERIALIZED (TABLE b) UPDATE a SET x = 1 WHERE x IN (TABLE two)",
            "WITH RECURSIVE values AS (SELECT 1), delete AS (SELECT 2) DELETE FROM a",
            "WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone",
        ] {
            assert_eq!(repeatable(text), Ok(()), "{text}");
        }
        for text in [
            "SELECT f()",
            "CALL p()",
            "DO $$ BEGIN DELETE FROM a; END $$",
            "CREATE INDEX CONCURRENTLY i ON a (x)",
            "COPY a FROM '/x'",
            "EXPLAIN ANALYZE DELETE FROM a",
            "WITH gone AS (DELETE FROM a RETURNING *) SELECT count(*) FROM gone",
            "WITH update AS (SELECT 1) SELECT * FROM b FOR UPDATE",
        ] {
            assert_eq!(repeatable(text), Err(Unrepeatable::CountsNoRows), "{text}");
        }
        for text in [
            "UPDATE a SET x = (SELECT 1 FROM b WHERE true)",
            "INSERT INTO a (x) VALUES (1)",
            "INSERT INTO a DEFAULT VALUES",
        ] {
            assert_eq!(repeatable(text), Err(Unrepeatable::NeverEnds), "{text}");
        }
    }

    #[test]
    fn texts_that_may_leave_their_database_are_known() {
        for text in [
            "CREATE ROLE a;",
            "create user a",
            "DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE a'; END $$;",
            "ALTER DATABASE x SET timezone = 'UTC'",
            "GRANT CONNECT ON DATABASE x TO a",
            "GRANT a, b TO c WITH ADMIN OPTION",
            "SELECT 1; REVOKE a FROM b;",
            "ALTER SYSTEM SET x = 1",
            "DROP OWNED BY a",
            "SELECT dblink_exec('', '')",
            "CREATE EXTENSION postgres_fdw",
            "COPY t TO '/tmp/x'",
            "COMMENT ON ROLE a IS 'x'",
            "PREPARE TRANSACTION 'x'",
            "UPDATE pg_catalog.pg_authid SET rolsuper = true",
            "CREATE FUNCTION f() RETURNS int LANGUAGE plperlu AS ''",
        ] {
            assert!(may_leave_database(text), "{text}");
        }
        for text in [
            "CREATE TABLE users (role text, \"user\" int, database_id int, plu int);",
            "GRANT SELECT, INSERT ON t TO a; ALTER TABLE a RENAME TO b;",
            "REVOKE ALL ON t FROM PUBLIC",
            "CREATE INDEX i ON t (role); DROP TABLE t;",
            "DO $$ BEGIN RAISE 'cannot create user with this name'; END $$;",
            "-- people create user accounts\nSELECT 1 /* alter database */;",
            "SELECT pg_advisory_lock(1); SET ROLE a; ALTER TABLE t OWNER TO a;",
        ] {
            assert!(!may_leave_database(text), "{text}");
        }
    }

    #[test]
    fn statements_that_may_change_rows_are_known() {
        let may = |text: &str| statements(text)[0].may_change_rows();
        assert!(
            may("UPDATE a SET x = 1")
                && may("DO $$ $$")
                && may("SELECT f()")
                && may("CREATE TABLE a AS SELECT 1")
        );
        assert!(!may("CREATE INDEX CONCURRENTLY i ON a (x)") && !may("ALTER TYPE t ADD VALUE 'x'"));
    }
}
