//! The statements that turn the catalogs into facts: one SQL text per kind of fact, in the `.sql` files of this folder.
//!
//! A source starts with `--@ NAME CATALOG LETTERS`, where `CATALOG` is the catalog whose oids key its facts (`any`: the
//! class is the first column). With letters, it has facts only of objects for which `closure.sql` returns one of them. Its columns are the object's oid, the fact's kind, its identity, the object that it is shown under,
//! its position and its properties. `[[…]]` is a macro, see [`expand`]; the same text serves the reading of everything
//! and the reading of some objects, so the two cannot drift. This room knows no connection.

use anyhow::{Result, bail};

pub(super) mod marks;

/// The statement that finds the objects to be read again.
pub(super) const CLOSURE: &str = include_str!("closure.sql");

const FILES: [&str; 5] = [
    include_str!("relations.sql"),
    include_str!("routines.sql"),
    include_str!("types.sql"),
    include_str!("database.sql"),
    include_str!("notes.sql"),
];

/// Every kind of fact that the sources can return.
pub(super) const KINDS: &[&str] = &[
    "access method",
    "aggregate",
    "cast",
    "collation",
    "column",
    "comment",
    "composite type",
    "constraint",
    "conversion",
    "default",
    "default privilege",
    "domain",
    "domain constraint",
    "enum",
    "event trigger",
    "extension",
    "foreign data wrapper",
    "foreign table",
    "function",
    "grant",
    "index",
    "language",
    "materialized view",
    "operator",
    "operator class",
    "operator family",
    "policy",
    "procedure",
    "publication",
    "published table",
    "range",
    "rule",
    "schema",
    "security label",
    "sequence",
    "server",
    "setting",
    "statistics",
    "subscription",
    "table",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
    "transform",
    "trigger",
    "type",
    "user mapping",
    "view",
];

/// What the texts depend on beside the catalogs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// The major version.
    pub(super) version: u32,
    /// Whether the role may read the columns that hold secrets.
    pub(super) superuser: bool,
}

/// One statement that returns facts of one kind.
#[derive(Debug)]
pub(super) struct Source {
    /// The catalog whose oids key the facts; `None` when each row says it.
    pub(super) class: Option<&'static str>,
    /// What an object has to be for it to have such facts, as letters; `None` when it may be anything.
    pub(super) letters: Option<&'static str>,
    text: &'static str,
}

/// How much a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every object.
    Everything,
    /// The objects whose oids are bound as parameters: `$1 oid[]`, or `$1 oid[], $2 oid[]` for classes and objects.
    Some,
}

impl Source {
    /// The statement's text for one server.
    pub(super) fn sql(&self, server: Server, extent: Extent) -> Result<String> {
        expand(self.text, server, extent)
    }
}

/// All sources, in the order of the files.
pub(super) fn sources() -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for file in FILES {
        for part in file.split("--@ ").skip(1) {
            let Some((head, text)) = part.split_once('\n') else {
                bail!("a source without a text: `{part}`")
            };
            // Names have spaces, catalogs none: all of them but `any` start with `pg_`.
            let mut words = head.rsplit(' ');
            let last = words.next().unwrap_or_default();
            let (class, letters) = match last.starts_with("pg_") || last == "any" {
                true => (last, None),
                false => (words.next().unwrap_or_default(), Some(last)),
            };
            sources.push(Source { class: (class != "any").then_some(class), letters, text });
        }
    }
    Ok(sources)
}

/// Replaces the macros of a text.
///
/// `[[only OID]]` limits a statement to the bound objects · `[[mine CATALOG OID]]` holds for objects of the user's own:
/// not built in, not a member of an extension, as `[[member CATALOG OID]]` says · `[[lasting n]]` leaves temporary and TOAST schemas out,
/// `[[granted n OID]]` also what the standard's schema came with ·
/// `[[17+ NEW][ OLD]]` chooses by the server's version, `[[super YES][ NO]]` by the role · `[[word c]]`, `[[type t]]` and
/// `[[routine p]]` name the kind of a relation, type and routine · `[[role O]]`, `[[enabled E]]`, `[[option O]]` and
/// `[[statistics I]]` print a value · `[[grants]]`, `[[over CATALOG]]` and `[[differing]]` are the parts of a statement
/// that compares an access control list with what the object would have by default.
fn expand(text: &str, server: Server, extent: Extent) -> Result<String> {
    let Some((before, rest)) = text.split_once("[[") else { return Ok(text.to_owned()) };
    let Some(end) = closing(rest) else { bail!("a macro without an end: `{rest}`") };
    let (body, after) = (&rest[..end], &rest[end + 2..]);
    let (name, argument) = body.split_once(' ').unwrap_or((body, ""));
    let value = match name {
        "only" => match (extent, argument.contains(',')) {
            (Extent::Everything, _) => "true".to_owned(),
            (Extent::Some, false) => format!("{argument} = any($1::oid[])"),
            (Extent::Some, true) => {
                let (_, object) = argument.split_once(", ").unwrap_or_default();
                format!(
                    "({object} = any($2::oid[]) and ({argument}) in (select * from unnest($1::oid[], $2::oid[])))"
                )
            }
        },
        "member" | "mine" => {
            let (class, oid) = argument.split_once(' ').unwrap_or((argument, "oid"));
            let member = format!(
                "exists (select from pg_depend member where member.classid = '{class}'::regclass \
                 and member.objid = {oid} and member.deptype = 'e')"
            );
            // As a number, so that it is no reason to scan an index for all of the user's objects.
            if name == "mine" { format!("({oid}::int8 >= 16384 and not {member})") } else { member }
        }
        "lasting" => format!(r"{argument}.nspname !~ '^pg_(toast|temp|toast_temp)($|_)'"),
        "granted" => {
            let (schema, oid) = argument.split_once(' ').unwrap_or((argument, "oid"));
            let lasting = expand(&format!("[[lasting {schema}]]"), server, extent)?;
            format!("{lasting} and ({oid} >= 16384 or {schema}.nspname <> 'information_schema')")
        }
        "word" => format!(
            "(case {argument}.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' \
             when 'm' then 'materialized view' when 'f' then 'foreign table' when 'c' then 'composite type' \
             when 'S' then 'sequence' else 'index' end)"
        ),
        "type" => format!(
            "(case {argument}.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' else 'type' end)"
        ),
        "routine" => format!(
            "(case {argument}.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end)"
        ),
        "role" => format!(
            "(case when {argument} = 0 then 'public' else quote_ident(pg_get_userbyid({argument})) end)"
        ),
        "enabled" => format!(
            "(case {argument} when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always' end)"
        ),
        "option" => format!(
            "(case when {argument} ~* '^[^=]*(password|secret|token)' then \
             split_part({argument}, '=', 1) || '=md5:' || md5({argument}) else {argument} end)"
        ),
        "statistics" => format!(
            "(select jsonb_object_agg(a.attnum, a.attstattarget) from pg_attribute a \
             where a.attrelid = {argument} and a.attstattarget >= 0)"
        ),
        "grants" => "select x.oid, 'grant', x.name || ' to ' || g.grantee, x.object, null::int4, \
             jsonb_build_object('privileges', coalesce(g.privileges, '[]'))"
            .to_owned(),
        "over" => expand(
            &format!(
                "left join pg_init_privs i on i.objoid = x.oid and i.classoid = '{argument}'::regclass and i.objsubid = x.sub, \
                 lateral (select x.acl, coalesce(i.initprivs, acldefault(x.kind, x.owner)) as base, x.owner) o, \
                 [[differing]] g where x.acl is distinct from i.initprivs"
            ),
            server,
            extent,
        )?,
        "differing" => {
            let side = |list: &str| {
                format!(
                    "(select case when e.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(e.grantee)) end as grantee, \
                     jsonb_agg(lower(e.privilege_type) || case when e.is_grantable then ' with grant option' else '' end || \
                     case when e.grantor <> o.owner then ' by ' || quote_ident(pg_get_userbyid(e.grantor)) else '' end \
                     order by e.privilege_type, e.grantor) as privileges from aclexplode({list}) e group by e.grantee)"
                )
            };
            format!(
                "lateral (select coalesce(a.grantee, b.grantee) as grantee, a.privileges from {} a full join {} b \
                 on a.grantee = b.grantee where a.privileges is distinct from b.privileges)",
                side("o.acl"),
                side("o.base")
            )
        }
        "super" => expand(choose(argument, server.superuser), server, extent)?,
        _ => match name.strip_suffix('+').and_then(|version| version.parse::<u32>().ok()) {
            Some(version) => expand(choose(argument, server.version >= version), server, extent)?,
            None => bail!("an unknown macro: `{body}`"),
        },
    };
    Ok(format!("{before}{value}{}", expand(after, server, extent)?))
}

/// Where the macro that starts before `text` ends, nested ones passed over.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        match text.get(at..at + 2) {
            Some("[[") => (depth, at) = (depth + 1, at + 2),
            Some("]]") if depth == 0 => return Some(at),
            Some("]]") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    None
}

fn choose(alternatives: &str, first: bool) -> &str {
    let (yes, no) = alternatives.split_once("][").unwrap_or((alternatives, ""));
    if first { yes } else { no }
}
