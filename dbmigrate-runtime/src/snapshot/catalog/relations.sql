--@ relation pg_class rpvmfc
select c.oid, [[word c]], format('%I.%I', n.nspname, c.relname), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object(
    'owner', pg_get_userbyid(c.relowner),
    'partitioned', nullif(c.relkind = 'p', false),
    'persistence', case c.relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end,
    'options', (select jsonb_agg(o order by o collate "C") from (
        select unnest(c.reloptions) union all
        select 'toast.' || unnest(t.reloptions) from pg_class t where t.oid = c.reltoastrelid) as x(o)),
    'access method', (select amname from pg_am a where a.oid = c.relam and amname <> 'heap'),
    'tablespace', (select spcname from pg_tablespace s where s.oid = c.reltablespace),
    'row security', nullif(c.relrowsecurity, false),
    'row security forced', nullif(c.relforcerowsecurity, false),
    'replica identity', case when c.relkind in ('r', 'p') then case c.relreplident when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' end end,
    'of type', case when c.reloftype <> 0 then format_type(c.reloftype, null) end,
    'partition by', case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
    'partition bound', case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end,
    'inherits', (select jsonb_agg(i.inhparent::regclass::text || case when i.inhdetachpending then ' (detach pending)' else '' end order by i.inhseqno)
                 from pg_inherits i where i.inhrelid = c.oid),
    'server', (select quote_ident(s.srvname) from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = c.oid),
    'foreign options', (select jsonb_agg(o order by o collate "C") from pg_foreign_table f, unnest(f.ftoptions) o where f.ftrelid = c.oid),
    'definition', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
    'populated', case when c.relkind = 'm' then c.relispopulated end)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where [[only c.oid]] and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and [[mine pg_class c.oid]] and [[lasting n]]

--@ column pg_class rpfcm
-- The order of a composite type's attributes is part of what it means. Some servers keep a stamp of their own, `pg_attver`,
-- among the options; pg_dump leaves it out too.
select c.oid, 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), case when c.relkind <> 'c' then a.attnum::int4 end,
  jsonb_build_object(
    'type', format_type(a.atttypid, a.atttypmod),
    'not null', nullif(a.attnotnull, false),
    'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
    'identity sequence', case when a.attidentity <> '' then (
        select jsonb_build_object('name', s.seqrelid::regclass::text, 'type', format_type(s.seqtypid, null), 'start', s.seqstart, 'increment', s.seqincrement,
          'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
          'persistence', (select sc.relpersistence from pg_class sc where sc.oid = s.seqrelid),
          'owner', (select nullif(pg_get_userbyid(sc.relowner), pg_get_userbyid(c.relowner)) from pg_class sc where sc.oid = s.seqrelid))
        from pg_depend d join pg_sequence s on s.seqrelid = d.objid
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i'
        limit 1) end,
    'generated', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
    'inherited', case when not c.relispartition then nullif(a.attinhcount, 0) end,
    'local', case when not c.relispartition and a.attinhcount > 0 then a.attislocal end,
    'collation', case when a.attcollation <> t.typcollation and a.attcollation <> 0 then a.attcollation::regcollation::text end,
    'storage', case when a.attstorage <> t.typstorage then case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' when 'm' then 'main' end end,
    'compression', case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end,
    'statistics target', nullif(a.attstattarget, -1),
    'options', (select jsonb_agg(o order by o collate "C") from unnest(a.attoptions) o where o not like 'pg\_attver=%'),
    'position', case when c.relkind = 'c' then (select count(*) from pg_attribute b where b.attrelid = c.oid and b.attnum between 1 and a.attnum and not b.attisdropped) end,
    'foreign options', (select jsonb_agg(o order by o collate "C") from unnest(a.attfdwoptions) o))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where [[only c.oid]] and c.relkind in ('r', 'p', 'f', 'c', 'm') and [[mine pg_class c.oid]] and [[lasting n]]

--@ default pg_class rpvmf
select c.oid, 'default', format('%I.%I.%I', n.nspname, c.relname, a.attname), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object('expression', pg_get_expr(d.adbin, d.adrelid))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attrdef d on d.adrelid = c.oid
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum and not a.attisdropped
where [[only c.oid]] and [[mine pg_class c.oid]] and [[lasting n]]

--@ constraint pg_constraint c
-- Foreign key rows that PostgreSQL itself makes for partitions (conparentid) follow from their parent's and are not facts of their own.
select k.oid, 'constraint', format('%I.%I.%I', n.nspname, c.relname, k.conname), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object(
    'definition', pg_get_constraintdef(k.oid),
    'inherited', nullif(k.coninhcount, 0),
    'local', case when k.coninhcount > 0 then k.conislocal end) ||
  case when k.contype in ('p', 'u', 'x') then (
    select jsonb_build_object(
      'index', pg_get_indexdef(k.conindid),
      'valid', case when ic.relkind = 'i' then nullif(i.indisvalid, true) end,
      'clustered', nullif(i.indisclustered, false),
      'replica identity', nullif(i.indisreplident, false),
      'tablespace', (select spcname from pg_tablespace s where s.oid = ic.reltablespace),
      'statistics targets', [[statistics k.conindid]])
    from pg_index i join pg_class ic on ic.oid = i.indexrelid where i.indexrelid = k.conindid)
  else '{}' end
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where [[only k.oid]] and k.contype in ('p', 'u', 'f', 'c', 'x', 'n') and not (k.contype = 'f' and k.conparentid <> 0)
  and [[mine pg_class c.oid]] and [[lasting n]]

--@ index pg_class iI
select x.oid, 'index', format('%I.%I', n.nspname, x.relname), [[word c]] || ' ' || format('%I.%I', cn.nspname, c.relname), null::int4,
  jsonb_build_object(
    'definition', pg_get_indexdef(x.oid),
    'valid', case when x.relkind = 'i' then nullif(i.indisvalid, true) end,
    'clustered', nullif(i.indisclustered, false),
    'replica identity', nullif(i.indisreplident, false),
    'tablespace', (select spcname from pg_tablespace s where s.oid = x.reltablespace),
    'partition of', (select h.inhparent::regclass::text from pg_inherits h where h.inhrelid = x.oid),
    'statistics targets', [[statistics x.oid]])
from pg_class x join pg_namespace n on n.oid = x.relnamespace
join pg_index i on i.indexrelid = x.oid join pg_class c on c.oid = i.indrelid join pg_namespace cn on cn.oid = c.relnamespace
where [[only x.oid]] and x.relkind in ('i', 'I') and [[mine pg_class x.oid]] and [[mine pg_class c.oid]] and [[lasting n]]
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = x.oid and d.refclassid is not distinct from 'pg_constraint'::regclass and d.deptype = 'i')

--@ sequence pg_class S
-- Sequences of identity columns are part of their column.
select c.oid, 'sequence', format('%I.%I', n.nspname, c.relname), 'sequence ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object(
    'owner', pg_get_userbyid(c.relowner),
    'persistence', case c.relpersistence when 'u' then 'unlogged' end,
    'type', format_type(s.seqtypid, null), 'start', s.seqstart, 'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax,
    'cache', s.seqcache, 'cycle', nullif(s.seqcycle, false),
    'owned by', (select d.refobjid::regclass::text || '.' || quote_ident(a.attname)
        from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0 and d.refclassid = 'pg_class'::regclass and d.deptype = 'a' limit 1))
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid
where [[only c.oid]] and c.relkind = 'S' and [[mine pg_class c.oid]] and [[lasting n]]
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0 and d.refclassid = 'pg_class'::regclass and d.deptype = 'i')

--@ trigger pg_trigger
select t.oid, 'trigger', format('%I.%I.%I', n.nspname, c.relname, t.tgname), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object('definition', pg_get_triggerdef(t.oid), 'enabled', [[enabled t.tgenabled]], 'inherited', nullif(t.tgparentid <> 0, false))
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where [[only t.oid]] and not t.tgisinternal and [[mine pg_class c.oid]] and [[lasting n]]

--@ rule pg_rewrite
select w.oid, 'rule', format('%I.%I.%I', n.nspname, c.relname, w.rulename), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object('definition', pg_get_ruledef(w.oid), 'enabled', [[enabled w.ev_enabled]])
from pg_rewrite w join pg_class c on c.oid = w.ev_class join pg_namespace n on n.oid = c.relnamespace
where [[only w.oid]] and w.rulename <> '_RETURN' and w.oid >= 16384 and [[mine pg_class c.oid]] and [[lasting n]]

--@ policy pg_policy
select p.oid, 'policy', format('%I.%I.%I', n.nspname, c.relname, p.polname), [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname), null::int4,
  jsonb_build_object(
    'permissive', p.polpermissive,
    'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
    'roles', (select jsonb_agg(r order by r collate "C") from (select [[role o]] from unnest(p.polroles) o) as x(r)),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where [[only p.oid]] and [[mine pg_class c.oid]] and [[lasting n]]

--@ statistics pg_statistic_ext
select s.oid, 'statistics', format('%I.%I', n.nspname, s.stxname), 'table ' || s.stxrelid::regclass::text, null::int4,
  jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid), 'target', nullif(s.stxstattarget, -1), 'owner', pg_get_userbyid(s.stxowner))
from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
where [[only s.oid]] and [[mine pg_statistic_ext s.oid]] and [[lasting n]]
