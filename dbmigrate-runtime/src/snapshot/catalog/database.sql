--@ schema pg_namespace
select n.oid, 'schema', quote_ident(n.nspname), 'schema ' || quote_ident(n.nspname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(n.nspowner))
from pg_namespace n where [[only n.oid]] and ([[mine pg_namespace n.oid]] or n.oid = 2200) and [[lasting n]]

--@ extension pg_extension
select e.oid, 'extension', quote_ident(e.extname), 'extension ' || quote_ident(e.extname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(e.extowner), 'schema', e.extnamespace::regnamespace::text, 'version', e.extversion,
    'configuration tables', (select jsonb_agg(t.rel::regclass::text || coalesce(' ' || nullif(t.cond, ''), '') order by t.rel::regclass::text collate "C") from unnest(e.extconfig, e.extcondition) as t(rel, cond)),
    'dependents', (select jsonb_agg(i.type || ' ' || i.identity order by i.type || ' ' || i.identity collate "C")
        from pg_depend d, pg_identify_object(d.classid, d.objid, 0) i where d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'x'))
from pg_extension e where [[only e.oid]]

--@ publication pg_publication
select p.oid, 'publication', quote_ident(p.pubname), 'publication ' || quote_ident(p.pubname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(p.pubowner), 'all tables', nullif(p.puballtables, false),
    'publish', concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end, case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end),
    'via root', nullif(p.pubviaroot, false), 'generated columns', [[18+ nullif(p.pubgencols, 'n')][ null::text]],
    'schemas', (select jsonb_agg(s.pnnspid::regnamespace::text order by s.pnnspid::regnamespace::text collate "C") from pg_publication_namespace s where s.pnpubid = p.oid))
from pg_publication p where [[only p.oid]] and [[mine pg_publication p.oid]]

--@ published table pg_publication
select p.oid, 'published table', quote_ident(p.pubname) || ' ' || r.prrelid::regclass::text, 'publication ' || quote_ident(p.pubname), null::int4,
  jsonb_build_object('where', pg_get_expr(r.prqual, r.prrelid),
    'columns', case when r.prattrs is not null then (select jsonb_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = r.prrelid and a.attnum = any(r.prattrs)) end)
from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
where [[only p.oid]] and [[mine pg_publication p.oid]]

--@ subscription pg_subscription
select s.oid, 'subscription', quote_ident(s.subname), 'subscription ' || quote_ident(s.subname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(s.subowner), 'enabled', s.subenabled, 'binary', s.subbinary, 'streaming', s.substream::text,
    'two phase', nullif(s.subtwophasestate, 'd'), 'disable on error', nullif(s.subdisableonerr, false),
    'connection', [[super md5(s.subconninfo)][ null::text]], 'slot', s.subslotname, 'synchronous commit', s.subsynccommit,
    'publications', (select jsonb_agg(p order by p collate "C") from unnest(s.subpublications) p),
    'password required', [[16+ nullif(s.subpasswordrequired, true)][ null::bool]], 'run as owner', [[16+ nullif(s.subrunasowner, false)][ null::bool]],
    'origin', [[16+ nullif(s.suborigin, 'any')][ null::text]], 'failover', [[17+ nullif(s.subfailover, false)][ null::bool]])
from pg_subscription s where [[only s.oid]] and s.subdbid = (select d.oid from pg_database d where d.datname = current_database()) and [[mine pg_subscription s.oid]]

--@ foreign data wrapper pg_foreign_data_wrapper
select f.oid, 'foreign data wrapper', quote_ident(f.fdwname), 'foreign data wrapper ' || quote_ident(f.fdwname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(f.fdwowner), 'handler', nullif(f.fdwhandler, 0)::regprocedure::text, 'validator', nullif(f.fdwvalidator, 0)::regprocedure::text,
    'options', (select jsonb_agg([[option o]] order by o collate "C") from unnest(f.fdwoptions) o))
from pg_foreign_data_wrapper f where [[only f.oid]] and [[mine pg_foreign_data_wrapper f.oid]]

--@ server pg_foreign_server
select s.oid, 'server', quote_ident(s.srvname), 'server ' || quote_ident(s.srvname), null::int4,
  jsonb_build_object('owner', pg_get_userbyid(s.srvowner), 'wrapper', quote_ident(f.fdwname), 'type', s.srvtype, 'version', s.srvversion,
    'options', (select jsonb_agg([[option o]] order by o collate "C") from unnest(s.srvoptions) o))
from pg_foreign_server s join pg_foreign_data_wrapper f on f.oid = s.srvfdw where [[only s.oid]] and [[mine pg_foreign_server s.oid]]

--@ user mapping pg_user_mapping
select u.umid, 'user mapping', [[role u.umuser]] || ' ' || quote_ident(u.srvname), 'server ' || quote_ident(u.srvname), null::int4,
  jsonb_build_object('options', (select jsonb_agg([[option o]] order by o collate "C") from unnest(u.umoptions) o))
from pg_user_mappings u where [[only u.umid]] and [[mine pg_user_mapping u.umid]]

--@ setting pg_db_role_setting
select r.setrole, 'setting', split_part(c, '=', 1) || case when r.setrole <> 0 then ' for ' || [[role r.setrole]] else '' end, 'database', null::int4,
  jsonb_build_object('value', substr(c, strpos(c, '=') + 1))
from pg_db_role_setting r, unnest(r.setconfig) c
where [[only r.setrole]] and r.setdatabase = (select d.oid from pg_database d where d.datname = current_database())
