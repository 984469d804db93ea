--@ routine pg_proc
select p.oid, [[routine p]], format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),
  [[routine p]] || ' ' || format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(p.proowner), 'definition', case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end) ||
  case when p.prokind <> 'a' then '{}' else (select jsonb_build_object(
      'arguments', pg_get_function_arguments(p.oid), 'returns', pg_get_function_result(p.oid),
      'parallel', p.proparallel, 'kind', nullif(a.aggkind, 'n'), 'direct arguments', nullif(a.aggnumdirectargs, 0),
      'state function', a.aggtransfn::regprocedure::text,
      'final function', nullif(a.aggfinalfn, 0)::regprocedure::text,
      'combine function', nullif(a.aggcombinefn, 0)::regprocedure::text,
      'serial function', nullif(a.aggserialfn, 0)::regprocedure::text,
      'deserial function', nullif(a.aggdeserialfn, 0)::regprocedure::text,
      'moving state function', nullif(a.aggmtransfn, 0)::regprocedure::text,
      'moving inverse function', nullif(a.aggminvtransfn, 0)::regprocedure::text,
      'moving final function', nullif(a.aggmfinalfn, 0)::regprocedure::text,
      'final extra', nullif(a.aggfinalextra, false), 'moving final extra', nullif(a.aggmfinalextra, false),
      'final modify', a.aggfinalmodify, 'moving final modify', a.aggmfinalmodify,
      'sort operator', nullif(a.aggsortop, 0)::regoperator::text,
      'state type', format_type(a.aggtranstype, null), 'state space', nullif(a.aggtransspace, 0),
      'moving state type', case when a.aggmtranstype <> 0 then format_type(a.aggmtranstype, null) end, 'moving state space', nullif(a.aggmtransspace, 0),
      'initial', a.agginitval, 'moving initial', a.aggminitval)
    from pg_aggregate a where a.aggfnoid = p.oid) end
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where [[only p.oid]] and [[mine pg_proc p.oid]] and [[lasting n]]
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i' and d.refclassid = 'pg_type'::regclass)

--@ language pg_language
select l.oid, 'language', quote_ident(l.lanname), 'language ' || quote_ident(l.lanname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(l.lanowner), 'trusted', l.lanpltrusted,
    'handler', nullif(l.lanplcallfoid, 0)::regprocedure::text, 'inline', nullif(l.laninline, 0)::regprocedure::text, 'validator', nullif(l.lanvalidator, 0)::regprocedure::text)
from pg_language l where [[only l.oid]] and [[mine pg_language l.oid]]

--@ transform pg_transform
select t.oid, 'transform', format_type(t.trftype, null) || ' ' || quote_ident(l.lanname), 'transform ' || format_type(t.trftype, null) || ' ' || quote_ident(l.lanname), null::int4,
  jsonb_build_object('from sql', nullif(t.trffromsql, 0)::regprocedure::text, 'to sql', nullif(t.trftosql, 0)::regprocedure::text)
from pg_transform t join pg_language l on l.oid = t.trflang where [[only t.oid]] and [[mine pg_transform t.oid]]

--@ event trigger pg_event_trigger
select e.oid, 'event trigger', quote_ident(e.evtname), 'event trigger ' || quote_ident(e.evtname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(e.evtowner), 'event', e.evtevent, 'function', e.evtfoid::regprocedure::text,
    'tags', (select jsonb_agg(t order by t collate "C") from unnest(e.evttags) t), 'enabled', [[enabled e.evtenabled]])
from pg_event_trigger e where [[only e.oid]] and [[mine pg_event_trigger e.oid]]

--@ cast pg_cast
-- The casts of a range type to its multirange come with the type.
select c.oid, 'cast', format_type(c.castsource, null) || ' as ' || format_type(c.casttarget, null),
  'cast ' || format_type(c.castsource, null) || ' as ' || format_type(c.casttarget, null), null::int4,
  jsonb_build_object('function', nullif(c.castfunc, 0)::regprocedure::text,
    'context', case c.castcontext when 'e' then 'explicit' when 'a' then 'assignment' else 'implicit' end,
    'method', case c.castmethod when 'f' then 'function' when 'i' then 'inout' else 'binary' end)
from pg_cast c where [[only c.oid]] and [[mine pg_cast c.oid]]
  and not exists (select from pg_depend d where d.classid = 'pg_cast'::regclass and d.objid = c.oid and d.deptype = 'i')

--@ operator pg_operator
select o.oid, 'operator', o.oid::regoperator::text, 'operator ' || o.oid::regoperator::text, null::int4,
  jsonb_build_object('owner', pg_get_userbyid(o.oprowner), 'function', nullif(o.oprcode, 0)::regprocedure::text, 'result', case when o.oprresult <> 0 then format_type(o.oprresult, null) end,
    'commutator', nullif(o.oprcom, 0)::regoperator::text, 'negator', nullif(o.oprnegate, 0)::regoperator::text,
    'restrict', nullif(o.oprrest, 0)::regprocedure::text, 'join', nullif(o.oprjoin, 0)::regprocedure::text,
    'hashes', nullif(o.oprcanhash, false), 'merges', nullif(o.oprcanmerge, false))
from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
where [[only o.oid]] and [[mine pg_operator o.oid]] and [[lasting n]]

--@ operator class pg_opclass
select c.oid, 'operator class', format('%I.%I', n.nspname, c.opcname) || ' using ' || am.amname, 'operator class ' || format('%I.%I', n.nspname, c.opcname) || ' using ' || am.amname, null::int4,
  jsonb_build_object('owner', pg_get_userbyid(c.opcowner), 'type', format_type(c.opcintype, null), 'default', c.opcdefault,
    'storage', case when c.opckeytype <> 0 then format_type(c.opckeytype, null) end, 'family', format('%I.%I', fn.nspname, f.opfname))
from pg_opclass c join pg_namespace n on n.oid = c.opcnamespace join pg_am am on am.oid = c.opcmethod
join pg_opfamily f on f.oid = c.opcfamily join pg_namespace fn on fn.oid = f.opfnamespace
where [[only c.oid]] and [[mine pg_opclass c.oid]] and [[lasting n]]

--@ operator family pg_opfamily
-- Members are listed for built-in families too: a user may add to one.
select f.oid, 'operator family', format('%I.%I', n.nspname, f.opfname) || ' using ' || am.amname, 'operator family ' || format('%I.%I', n.nspname, f.opfname) || ' using ' || am.amname, null::int4,
  jsonb_build_object('owner', case when f.oid >= 16384 then pg_get_userbyid(f.opfowner) end,
    'operators', (select jsonb_agg(x order by x collate "C") from (
        select a.amopstrategy || ' ' || a.amopopr::regoperator::text || case when a.amopsortfamily <> 0 then ' for order by ' || format('%I.%I', sn.nspname, sf.opfname) else '' end
        from pg_amop a left join pg_opfamily sf on sf.oid = a.amopsortfamily left join pg_namespace sn on sn.oid = sf.opfnamespace
        where a.amopfamily = f.oid and (f.oid >= 16384 or a.oid >= 16384 and not [[member pg_operator a.amopopr]])) as m(x)),
    'functions', (select jsonb_agg(x order by x collate "C") from (
        select a.amprocnum || ' (' || format_type(a.amproclefttype, null) || ', ' || format_type(a.amprocrighttype, null) || ') ' || a.amproc::oid::regprocedure::text
        from pg_amproc a where a.amprocfamily = f.oid and (f.oid >= 16384 or a.oid >= 16384 and not [[member pg_proc a.amproc]])) as m(x)))
from pg_opfamily f join pg_namespace n on n.oid = f.opfnamespace join pg_am am on am.oid = f.opfmethod
where [[only f.oid]] and [[lasting n]] and ([[mine pg_opfamily f.oid]] or f.oid < 16384 and (
  exists (select from pg_amop a where a.amopfamily = f.oid and a.oid >= 16384 and not [[member pg_operator a.amopopr]])
  or exists (select from pg_amproc a where a.amprocfamily = f.oid and a.oid >= 16384 and not [[member pg_proc a.amproc]])))

--@ access method pg_am
select a.oid, 'access method', quote_ident(a.amname), 'access method ' || quote_ident(a.amname), null::int4,
  jsonb_build_object('handler', a.amhandler::oid::regprocedure::text, 'type', case a.amtype when 't' then 'table' else 'index' end)
from pg_am a where [[only a.oid]] and [[mine pg_am a.oid]]

--@ conversion pg_conversion
select c.oid, 'conversion', format('%I.%I', n.nspname, c.conname), 'conversion ' || format('%I.%I', n.nspname, c.conname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(c.conowner), 'from', pg_encoding_to_char(c.conforencoding), 'to', pg_encoding_to_char(c.contoencoding),
    'function', c.conproc::oid::regprocedure::text, 'default', c.condefault)
from pg_conversion c join pg_namespace n on n.oid = c.connamespace where [[only c.oid]] and [[mine pg_conversion c.oid]] and [[lasting n]]
