--@ comment any N
-- Of built-in objects only the public schema and extensions can have one that is worth a fact.
select d.classoid, d.objoid, 'comment',
  case when d.classoid = 'pg_class'::regclass then [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname) || coalesce('.' || quote_ident(a.attname), '') else i.type || ' ' || i.identity end,
  case when c.oid is not null then [[word t]] || ' ' || format('%I.%I', tn.nspname, t.relname)
       when k.contypid <> 0 then 'domain ' || format_type(k.contypid, null) else i.type || ' ' || i.identity end, null::int4,
  jsonb_build_object('text', d.description)
from pg_description d
left join pg_constraint k on d.classoid = 'pg_constraint'::regclass and k.oid = d.objoid
left join pg_trigger g on d.classoid = 'pg_trigger'::regclass and g.oid = d.objoid
left join pg_policy p on d.classoid = 'pg_policy'::regclass and p.oid = d.objoid
left join pg_rewrite w on d.classoid = 'pg_rewrite'::regclass and w.oid = d.objoid
left join pg_class c on c.oid = case when d.classoid = 'pg_class'::regclass then d.objoid else coalesce(nullif(k.conrelid, 0), g.tgrelid, p.polrelid, w.ev_class) end
left join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.classoid = 'pg_class'::regclass and d.objsubid > 0
left join pg_index x on x.indexrelid = c.oid
left join pg_class t on t.oid = coalesce(x.indrelid, c.oid)
left join pg_namespace tn on tn.oid = t.relnamespace
left join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i on d.classoid <> 'pg_class'::regclass
where [[only d.classoid, d.objoid]] and (d.objoid >= 16384 or d.classoid = 'pg_extension'::regclass or d.classoid = 'pg_namespace'::regclass and d.objoid = 2200)
  and (c.oid is null or [[lasting n]])

--@ security label any N
select l.classoid, l.objoid, 'security label', i.type || ' ' || i.identity || ' by ' || l.provider, i.type || ' ' || i.identity, null::int4, jsonb_build_object('label', l.label)
from pg_seclabel l, lateral pg_identify_object(l.classoid, l.objoid, l.objsubid) i
where [[only l.classoid, l.objoid]]

--@ grant on relation pg_class G
[[grants]] from (
  select c.oid, 0 as sub, c.relowner as owner, c.relacl as acl, (case when c.relkind = 'S' then 's' else 'r' end)::"char" as kind,
    [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname) as name, [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname) as object
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where [[only c.oid]] and c.relacl is not null and [[granted n c.oid]]) x [[over pg_class]]

--@ grant on column pg_class A
[[grants]] from (
  select c.oid, a.attnum as sub, c.relowner as owner, a.attacl as acl, 'c'::"char" as kind,
    'column ' || format('%I.%I.%I', n.nspname, c.relname, a.attname) as name, [[word c]] || ' ' || format('%I.%I', n.nspname, c.relname) as object
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  where [[only a.attrelid]] and a.attacl is not null and not a.attisdropped and [[granted n c.oid]]) x [[over pg_class]]

--@ grant on schema pg_namespace
[[grants]] from (
  select n.oid, 0 as sub, n.nspowner as owner, n.nspacl as acl, 'n'::"char" as kind, 'schema ' || quote_ident(n.nspname) as name, 'schema ' || quote_ident(n.nspname) as object
  from pg_namespace n where [[only n.oid]] and n.nspacl is not null and [[granted n n.oid]]) x [[over pg_namespace]]

--@ grant on routine pg_proc G
[[grants]] from (
  select p.oid, 0 as sub, p.proowner as owner, p.proacl as acl, 'f'::"char" as kind,
    [[routine p]] || ' ' || format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) as name,
    [[routine p]] || ' ' || format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) as object
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where [[only p.oid]] and p.proacl is not null and [[granted n p.oid]]) x [[over pg_proc]]

--@ grant on type pg_type G
[[grants]] from (
  select t.oid, 0 as sub, t.typowner as owner, t.typacl as acl, 'T'::"char" as kind, [[type t]] || ' ' || format('%I.%I', n.nspname, t.typname) as name,
    [[type t]] || ' ' || format('%I.%I', n.nspname, t.typname) as object
  from pg_type t join pg_namespace n on n.oid = t.typnamespace where [[only t.oid]] and t.typacl is not null and [[granted n t.oid]]) x [[over pg_type]]

--@ grant on language pg_language
[[grants]] from (
  select l.oid, 0 as sub, l.lanowner as owner, l.lanacl as acl, 'l'::"char" as kind, 'language ' || quote_ident(l.lanname) as name, 'language ' || quote_ident(l.lanname) as object
  from pg_language l where [[only l.oid]] and l.lanacl is not null) x [[over pg_language]]

--@ grant on foreign data wrapper pg_foreign_data_wrapper
[[grants]] from (
  select f.oid, 0 as sub, f.fdwowner as owner, f.fdwacl as acl, 'F'::"char" as kind, 'foreign data wrapper ' || quote_ident(f.fdwname) as name, 'foreign data wrapper ' || quote_ident(f.fdwname) as object
  from pg_foreign_data_wrapper f where [[only f.oid]] and f.fdwacl is not null) x [[over pg_foreign_data_wrapper]]

--@ grant on server pg_foreign_server
[[grants]] from (
  select s.oid, 0 as sub, s.srvowner as owner, s.srvacl as acl, 'S'::"char" as kind, 'server ' || quote_ident(s.srvname) as name, 'server ' || quote_ident(s.srvname) as object
  from pg_foreign_server s where [[only s.oid]] and s.srvacl is not null) x [[over pg_foreign_server]]

--@ grant on database pg_database
[[grants]] from (
  select d.oid, 0 as sub, d.datdba as owner, d.datacl as acl, 'd'::"char" as kind, 'database' as name, 'database' as object
  from pg_database d where [[only d.oid]] and d.datacl is not null and d.datname = current_database()) x [[over pg_database]]

--@ default privilege pg_default_acl
select d.oid, 'default privilege', x.name || ' to ' || g.grantee, case when d.defaclnamespace <> 0 then 'schema ' || d.defaclnamespace::regnamespace::text else 'database' end, null::int4,
  jsonb_build_object('privileges', coalesce(g.privileges, '[]'))
from pg_default_acl d,
lateral (select 'of ' || [[role d.defaclrole]] || coalesce(' in schema ' || nullif(d.defaclnamespace, 0)::regnamespace::text, '') || ' on ' ||
  case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' when 'L' then 'large objects' else d.defaclobjtype::text end as name) x,
lateral (select d.defaclacl as acl, case when d.defaclnamespace = 0 then acldefault(case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end, d.defaclrole) end as base, d.defaclrole as owner) o,
[[differing]] g
where [[only d.oid]]
