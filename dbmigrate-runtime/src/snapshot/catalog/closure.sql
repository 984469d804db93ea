-- The objects whose facts may have changed, from those whose rows did ($1 their catalogs, $2 their oids): everything that
-- depends on them, directly or not, since it may print their names; then the objects that the reached parts belong to.
-- `offset 0` keeps the planner at one index look-up per object: joining all of pg_depend costs what the catalog weighs.
-- The triggers that PostgreSQL itself makes for foreign keys have no facts, and are many.
-- An object may be returned twice: making rows unique costs more than it saves.
with recursive seed(class, object) as (
  select * from unnest($1::oid[], $2::oid[])
  union select 'pg_type'::regclass::oid, c.reltype from unnest($1::oid[], $2::oid[]) as s(class, object) join pg_class c on c.oid = s.object
    where s.class = 'pg_class'::regclass and c.reltype <> 0
), reached(class, object) as (
  select class, object from seed
  union select d.classid, d.objid from reached r cross join lateral (
    select d.classid, d.objid from pg_depend d where d.refclassid = r.class and d.refobjid = r.object and d.deptype not in ('e', 'x') offset 0) d
)
select class, object from reached r where not (class = 'pg_trigger'::regclass
  and exists (select from pg_trigger t where t.oid = r.object and t.tgisinternal offset 0))
union all select d.refclassid, d.refobjid from reached r cross join lateral (
  select d.refclassid, d.refobjid from pg_depend d where d.classid = r.class and d.objid = r.object and case d.deptype
    when 'i' then r.class in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_rewrite'::regclass)
    when 'a' then r.class in ('pg_attrdef'::regclass, 'pg_publication_rel'::regclass, 'pg_publication_namespace'::regclass, 'pg_opclass'::regclass)
    else d.deptype in ('e', 'x') and d.refclassid = 'pg_extension'::regclass end offset 0) d
union all select 'pg_opfamily'::regclass, a.amopfamily from reached r join pg_amop a on a.oid = r.object where r.class = 'pg_amop'::regclass
union all select 'pg_opfamily'::regclass, a.amprocfamily from reached r join pg_amproc a on a.oid = r.object where r.class = 'pg_amproc'::regclass
