--@ type pg_type edrbp
-- Row types belong to their relation, array types to their element, multiranges to their range.
select t.oid, [[type t]], format('%I.%I', n.nspname, t.typname), [[type t]] || ' ' || format('%I.%I', n.nspname, t.typname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(t.typowner),
    'labels', case when t.typtype = 'e' then (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid) end,
    'default', case when t.typtype in ('d', 'b') then coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) end) ||
  case t.typtype
  when 'd' then jsonb_build_object('type', format_type(t.typbasetype, t.typtypmod), 'not null', nullif(t.typnotnull, false),
    'collation', (select nullif(t.typcollation, b.typcollation)::regcollation::text from pg_type b where b.oid = t.typbasetype and t.typcollation <> 0))
  when 'r' then (select jsonb_build_object('subtype', format_type(g.rngsubtype, null), 'multirange', format_type(g.rngmultitypid, null),
      'collation', nullif(g.rngcollation, 0)::regcollation::text,
      'operator class', (select format('%I.%I', n2.nspname, o.opcname) from pg_opclass o join pg_namespace n2 on n2.oid = o.opcnamespace where o.oid = g.rngsubopc),
      'canonical', nullif(g.rngcanonical, 0)::oid::regprocedure::text, 'difference', nullif(g.rngsubdiff, 0)::oid::regprocedure::text)
    from pg_range g where g.rngtypid = t.oid)
  when 'b' then jsonb_build_object('input', t.typinput::oid::regprocedure::text, 'output', t.typoutput::oid::regprocedure::text,
    'receive', nullif(t.typreceive, 0)::oid::regprocedure::text, 'send', nullif(t.typsend, 0)::oid::regprocedure::text,
    'modifier input', nullif(t.typmodin, 0)::oid::regprocedure::text, 'modifier output', nullif(t.typmodout, 0)::oid::regprocedure::text,
    'analyze', nullif(t.typanalyze, 0)::oid::regprocedure::text, 'subscript', nullif(t.typsubscript, 0)::oid::regprocedure::text,
    'length', t.typlen, 'by value', t.typbyval, 'alignment', t.typalign, 'storage', t.typstorage, 'category', t.typcategory, 'preferred', t.typispreferred,
    'delimiter', t.typdelim, 'element', case when t.typelem <> 0 then format_type(t.typelem, null) end, 'collatable', t.typcollation <> 0)
  else '{}' end
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where [[only t.oid]] and [[mine pg_type t.oid]] and [[lasting n]]
  and (t.typtype in ('e', 'd', 'r', 'b') or t.typtype = 'p' and not t.typisdefined)
  and not (t.typtype = 'b' and t.typelem <> 0 and exists (select from pg_type e where e.oid = t.typelem and e.typarray = t.oid))

--@ domain constraint pg_constraint d
select k.oid, 'domain constraint', format('%I.%I.%I', n.nspname, t.typname, k.conname), 'domain ' || format('%I.%I', n.nspname, t.typname), null::int4,
  jsonb_build_object('definition', pg_get_constraintdef(k.oid))
from pg_constraint k join pg_type t on t.oid = k.contypid join pg_namespace n on n.oid = t.typnamespace
where [[only k.oid]] and [[mine pg_type t.oid]] and k.oid::int8 >= 16384 and [[lasting n]]

--@ collation pg_collation
select c.oid, 'collation', format('%I.%I', n.nspname, c.collname), 'collation ' || format('%I.%I', n.nspname, c.collname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(c.collowner), 'provider', case c.collprovider when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' when 'd' then 'default' end,
    'deterministic', nullif(c.collisdeterministic, true), 'collate', c.collcollate, 'ctype', c.collctype,
    'locale', [[17+ c.colllocale][ c.colliculocale]], 'rules', [[16+ c.collicurules][ null::text]])
from pg_collation c join pg_namespace n on n.oid = c.collnamespace where [[only c.oid]] and [[mine pg_collation c.oid]] and [[lasting n]]

--@ text search parser pg_ts_parser
select p.oid, 'text search parser', format('%I.%I', n.nspname, p.prsname), 'text search parser ' || format('%I.%I', n.nspname, p.prsname), null::int4,
  jsonb_build_object('start', p.prsstart::oid::regprocedure::text, 'token', p.prstoken::oid::regprocedure::text, 'end', p.prsend::oid::regprocedure::text,
    'headline', nullif(p.prsheadline, 0)::oid::regprocedure::text, 'lextypes', p.prslextype::oid::regprocedure::text)
from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace where [[only p.oid]] and [[mine pg_ts_parser p.oid]] and [[lasting n]]

--@ text search template pg_ts_template
select p.oid, 'text search template', format('%I.%I', n.nspname, p.tmplname), 'text search template ' || format('%I.%I', n.nspname, p.tmplname), null::int4,
  jsonb_build_object('init', nullif(p.tmplinit, 0)::oid::regprocedure::text, 'lexize', p.tmpllexize::oid::regprocedure::text)
from pg_ts_template p join pg_namespace n on n.oid = p.tmplnamespace where [[only p.oid]] and [[mine pg_ts_template p.oid]] and [[lasting n]]

--@ text search dictionary pg_ts_dict
select d.oid, 'text search dictionary', format('%I.%I', n.nspname, d.dictname), 'text search dictionary ' || format('%I.%I', n.nspname, d.dictname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(d.dictowner), 'options', d.dictinitoption,
    'template', (select format('%I.%I', tn.nspname, t.tmplname) from pg_ts_template t join pg_namespace tn on tn.oid = t.tmplnamespace where t.oid = d.dicttemplate))
from pg_ts_dict d join pg_namespace n on n.oid = d.dictnamespace where [[only d.oid]] and [[mine pg_ts_dict d.oid]] and [[lasting n]]

--@ text search configuration pg_ts_config
select c.oid, 'text search configuration', format('%I.%I', n.nspname, c.cfgname), 'text search configuration ' || format('%I.%I', n.nspname, c.cfgname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(c.cfgowner), 'parser', (select format('%I.%I', pn.nspname, p.prsname) from pg_ts_parser p join pg_namespace pn on pn.oid = p.prsnamespace where p.oid = c.cfgparser),
    'mappings', (select jsonb_agg(x order by x collate "C") from (
       select (select tt.alias from ts_token_type(c.cfgparser) tt where tt.tokid = m.maptokentype) || ': ' || string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno)
       from pg_ts_config_map m where m.mapcfg = c.oid group by m.maptokentype) as y(x)))
from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace where [[only c.oid]] and [[mine pg_ts_config c.oid]] and [[lasting n]]
