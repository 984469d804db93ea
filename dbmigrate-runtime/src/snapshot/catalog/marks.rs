//! The statement that tells which rows of the catalogs changed between two readings.
//!
//! A mark is an object (its catalog and oid) with the version of one catalog row that its facts are read from: the
//! transaction and the command that wrote the row. Rows of catalogs without an oid, and parts, mark the object that they
//! belong to. The largest catalogs tell only the objects whose rows were written since the earlier reading; where a row may
//! vanish without a trace in another catalog they are counted as well, and listed when the count is not what is expected.

use std::collections::BTreeSet;

use super::Server;

/// Catalogs whose user rows mark themselves.
const OWN: &[&str] = &[
    "pg_proc",
    "pg_rewrite",
    "pg_policy",
    "pg_collation",
    "pg_statistic_ext",
    "pg_event_trigger",
    "pg_publication",
    "pg_cast",
    "pg_operator",
    "pg_opclass",
    "pg_opfamily",
    "pg_am",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_conversion",
    "pg_transform",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_user_mapping",
    "pg_default_acl",
];

/// Rows that mark another object, or rows below the user's oids that can change: the object's catalog, its oid, and
/// where the rows come from.
const OTHERS: &[(&str, &str, &str)] = &[
    ("pg_trigger", "t.oid", "pg_trigger t where t.oid >= 16384 and not t.tgisinternal"),
    ("pg_class", "t.inhrelid", "pg_inherits t"),
    ("pg_class", "t.seqrelid", "pg_sequence t"),
    ("pg_class", "t.partrelid", "pg_partitioned_table t"),
    ("pg_class", "t.ftrelid", "pg_foreign_table t"),
    ("pg_type", "t.enumtypid", "pg_enum t"),
    ("pg_type", "t.rngtypid", "pg_range t where t.rngtypid >= 16384"),
    ("pg_proc", "t.aggfnoid::oid", "pg_aggregate t where t.aggfnoid >= 16384"),
    ("pg_opfamily", "t.amopfamily", "pg_amop t where t.oid >= 16384"),
    ("pg_opfamily", "t.amprocfamily", "pg_amproc t where t.oid >= 16384"),
    ("pg_ts_config", "t.mapcfg", "pg_ts_config_map t where t.mapcfg >= 16384"),
    ("pg_publication", "t.prpubid", "pg_publication_rel t"),
    ("pg_publication", "t.pnpubid", "pg_publication_namespace t"),
    ("pg_namespace", "t.oid", "pg_namespace t"),
    ("pg_extension", "t.oid", "pg_extension t"),
    ("pg_language", "t.oid", "pg_language t"),
    ("pg_database", "t.oid", "pg_database t where t.datname = current_database()"),
    (
        "pg_db_role_setting",
        "t.setrole",
        "pg_db_role_setting t where t.setdatabase = (select d.oid from pg_database d where d.datname = current_database())",
    ),
    (
        "pg_extension",
        "t.refobjid",
        "pg_depend t where t.refclassid = 'pg_extension'::regclass and t.deptype = 'x'",
    ),
    (
        "pg_class",
        "t.objid",
        "pg_sequence s join pg_depend t on t.classid = 'pg_class'::regclass and t.objid = s.seqrelid and t.objsubid = 0 \
         and t.refclassid = 'pg_class'::regclass",
    ),
];

/// Rows of large catalogs that mark themselves: the catalog, and which of the user's rows count. Those below the user's
/// oids are looked at when they were written since the earlier reading; they stay.
const COUNTED: &[(&str, &str)] = &[
    // TOAST tables matter for their options only; TOAST indexes, not at all.
    ("pg_class", "t.oid >= 16384 and (t.relnamespace <> 99 or t.reloptions is not null)"),
    // Row types change with their relation and array types with their element, but can be granted by themselves.
    (
        "pg_type",
        "t.oid >= 16384 and (t.typacl is not null or t.typtype <> 'c' \
         and (t.typelem = 0 or t.typsubscript <> 'array_subscript_handler'::regproc))",
    ),
    ("pg_constraint", "t.oid >= 16384"),
];

/// Rows that are only looked at when they were written since the earlier reading. A relation's attributes and indexes
/// vanish with its row in pg_class, a default leaves its attribute changed, and built-in objects stay.
const WRITTEN: &[(&str, &str, &str, &str)] = &[
    ("pg_class", "t.attrelid", "pg_attribute", "t.attnum > 0"),
    ("pg_class", "t.adrelid", "pg_attrdef", "true"),
    ("pg_class", "t.indexrelid", "pg_index", "t.indexrelid >= 16384"),
    ("pg_proc", "t.oid", "pg_proc", "t.oid < 16384"),
];

/// Holds for rows that were written since the earlier reading.
const NEW: &str = "age(t.xmin) <= (select coalesce(age($1::text::xid), -1))";

/// Rows that mark the object whose catalog they name: the catalog, the oid, and where the rows come from.
const ANY: &[(&str, &str, &str)] = &[
    ("t.classoid", "t.objoid", "pg_description t where t.objoid >= 16384"),
    (
        "t.classoid",
        "t.objoid",
        "(select 2200::oid union all select e.oid from pg_extension e where e.oid < 16384) b(oid) join pg_description t on t.objoid = b.oid",
    ),
    ("t.classoid", "t.objoid", "pg_seclabel t"),
    ("t.classoid", "t.objoid", "pg_init_privs t where t.privtype = 'e'"),
    ("t.classid", "t.objid", "pg_depend t where t.refclassid = 'pg_extension'::regclass and t.deptype = 'e'"),
];

/// Catalogs that databases share: others may write to them, so they are always looked at.
const SHARED: &[&str] =
    &["pg_authid", "pg_roles", "pg_tablespace", "pg_database", "pg_db_role_setting", "pg_subscription"];

/// One source of catalog rows.
#[derive(Debug)]
pub(in crate::snapshot) struct Part {
    /// The catalogs whose rows decide what it gives.
    pub(in crate::snapshot) catalogs: BTreeSet<&'static str>,
    /// The catalogs are shared.
    pub(in crate::snapshot) shared: bool,
    sql: String,
    /// For a counted one, the statement that lists what is counted: one row, the catalog's oid and an array of objects.
    pub(in crate::snapshot) list: Option<String>,
}

impl Part {
    fn new(texts: &[&'static str], sql: String) -> Self {
        let words = texts.iter().flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '_')));
        let catalogs: BTreeSet<&'static str> = words.filter(|word| word.starts_with("pg_")).collect();
        let shared = catalogs.iter().any(|name| SHARED.contains(name));
        Self { catalogs, shared, sql, list: None }
    }
}

/// All parts, in a fixed order.
pub(in crate::snapshot) fn parts(server: Server) -> Vec<Part> {
    let marked = |class: &str, oid: &str, from: &str, more: &str| {
        format!(
            "{class}, array_agg({oid}), array_agg(t.xmin), array_agg(t.cmin), null::int8 from {from}{more}"
        )
    };
    let class_of = |class: &str| format!("'{class}'::regclass::oid");
    let mut parts = Vec::new();
    for name in OWN.iter().filter(|name| server.superuser || **name != "pg_user_mapping") {
        let from = format!("{name} t where t.oid >= 16384");
        parts.push(Part::new(&[name], marked(&class_of(name), "t.oid", &from, "")));
    }
    for (class, oid, from) in OTHERS {
        parts.push(Part::new(&[from], marked(&class_of(class), oid, from, "")));
    }
    for (class, oid, from) in ANY {
        parts.push(Part::new(&[from], marked(class, oid, from, &format!(" group by {class}"))));
    }
    for (class, counted) in COUNTED {
        let sql = format!(
            "'{class}'::regclass::oid, array_agg(t.oid) filter (where {NEW} and (t.oid < 16384 or {counted})), null::xid[], null::cid[], \
             count(*) filter (where {counted}) from {class} t"
        );
        let list =
            format!("select '{class}'::regclass::oid, array_agg(t.oid) from {class} t where {counted}");
        parts.push(Part { list: Some(list), ..Part::new(&[class], sql) });
    }
    for (class, oid, from, which) in WRITTEN {
        let sql = format!(
            "'{class}'::regclass::oid, array_agg({oid}), null::xid[], null::cid[], null::int8 from {from} t where {NEW} and {which}"
        );
        parts.push(Part::new(&[from], sql));
    }
    if server.superuser {
        let from = "pg_subscription t where t.subdbid = (select d.oid from pg_database d where d.datname = current_database())";
        parts.push(Part::new(&[from], marked(&class_of("pg_subscription"), "t.oid", from, "")));
    }
    for (class, name, from) in
        [("pg_authid", "rolname", "pg_roles t"), ("pg_tablespace", "spcname", "pg_tablespace t")]
    {
        // Names that everything may print: their hashes are in place of transactions.
        let sql = format!(
            "'{class}'::regclass::oid, array_agg(t.oid), array_agg((hashtext(t.{name}::text)::int8 & 4294967295)::text::xid), \
             array_agg('0'::cid), null::int8 from {from}"
        );
        parts.push(Part::new(&[from], sql));
    }
    parts
}

/// The statement over some of the parts: rows of the part's number, a catalog's oid, three arrays (objects, transactions,
/// commands) and a count. Transactions and commands are null where only rows that were written since `$1` are told, the
/// horizon of the earlier reading (null: no such rows); a count is there for the parts that are counted. The first row
/// only names the parameter.
pub(in crate::snapshot) fn sql<'a>(parts: impl Iterator<Item = (usize, &'a Part)>) -> String {
    let mut text = "select -1, 0::oid, null::oid[], array[$1::text::xid], null::cid[], null::int8".to_owned();
    for (number, part) in parts {
        text += &format!("\nunion all\nselect {number}, {}", part.sql);
    }
    text
}

/// What a reading says of itself: its horizon, the transaction that it runs in (low and high half), and whether `$1`, the
/// transaction of the earlier reading, was rolled back; and for each of the catalogs `$2` how many rows were ever written
/// in it, by transactions that were rolled back too. Null if nobody counts.
pub(in crate::snapshot) const HEADER: &str = "select array[pg_snapshot_xmin(pg_current_snapshot())::text::xid8::xid, \
     (coalesce(pg_current_xact_id_if_assigned()::text, '0')::int8 & 4294967295)::text::xid, \
     (coalesce(pg_current_xact_id_if_assigned()::text, '0')::int8 >> 32)::text::xid, \
     (case when pg_xact_status($1::text::xid8) = 'aborted' then '1' else '0' end)::xid], \
     case when current_setting('track_counts')::bool then (select array_agg( \
       pg_stat_get_tuples_inserted(c) + pg_stat_get_tuples_updated(c) + pg_stat_get_tuples_deleted(c) + \
       pg_stat_get_xact_tuples_inserted(c) + pg_stat_get_xact_tuples_updated(c) + pg_stat_get_xact_tuples_deleted(c) \
       order by n) from unnest($2::oid[]) with ordinality as t(c, n)) end";
