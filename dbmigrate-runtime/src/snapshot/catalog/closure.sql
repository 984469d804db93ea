-- The objects whose facts may have changed, from those whose rows did ($1 their catalogs, $2 their oids): everything that
-- depends on them, directly or not, since it may print their names; then the objects that the reached parts belong to.
-- `offset 0` keeps the planner at one index look-up per object: joining all of a catalog costs what that weighs.
-- The triggers that PostgreSQL itself makes for foreign keys have no facts, and are many.
-- An object may be returned twice: making rows unique costs more than it saves.
-- The third column says what is to be read of it, in letters that the sources name: what kind it is (`a` an array type, `d` a
-- domain's constraint), whether it has grants (`G`, or `A` on its columns), and whether it has a comment or label (`N`). It
-- is null for what is gone.
with recursive seed(class, object) as (
  select * from unnest($1::oid[], $2::oid[])
  union select 'pg_type'::regclass::oid, c.reltype from unnest($1::oid[], $2::oid[]) as s(class, object) join pg_class c on c.oid = s.object
    where s.class = 'pg_class'::regclass and c.reltype <> 0
), reached(class, object) as (
  select class, object from seed
  union select d.classid, d.objid from reached r cross join lateral (
    select d.classid, d.objid from pg_depend d where d.refclassid = r.class and d.refobjid = r.object and d.deptype not in ('e', 'x') offset 0) d
)
select o.class, o.object, case o.class
    when 'pg_class'::regclass then (select c.relkind::text || case when c.relacl is null then '' else 'G' end ||
      case when exists (select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null offset 0) then 'A' else '' end from pg_class c where c.oid = o.object)
    when 'pg_type'::regclass then (select case when exists (select from pg_type e where e.oid = t.typelem and e.typarray = t.oid offset 0) then 'a' else t.typtype::text end ||
      case when t.typacl is null then '' else 'G' end from pg_type t where t.oid = o.object)
    when 'pg_constraint'::regclass then (select case k.contypid when 0 then 'c' else 'd' end from pg_constraint k where k.oid = o.object)
    when 'pg_proc'::regclass then (select case when p.proacl is null then '' else 'G' end from pg_proc p where p.oid = o.object)
    else '' end ||
  case when exists (select from pg_description d where d.classoid = o.class and d.objoid = o.object offset 0)
    or exists (select from pg_seclabel l where l.classoid = o.class and l.objoid = o.object offset 0) then 'N' else '' end
from (
select class, object from reached r where not (class = 'pg_trigger'::regclass
  and exists (select from pg_trigger t where t.oid = r.object and t.tgisinternal offset 0))
union all select d.refclassid, d.refobjid from reached r cross join lateral (
  select d.refclassid, d.refobjid from pg_depend d where d.classid = r.class and d.objid = r.object and case d.deptype
    when 'i' then r.class in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_rewrite'::regclass)
    when 'a' then r.class in ('pg_attrdef'::regclass, 'pg_publication_rel'::regclass, 'pg_publication_namespace'::regclass, 'pg_opclass'::regclass)
    else d.deptype in ('e', 'x') and d.refclassid = 'pg_extension'::regclass end offset 0) d
union all select 'pg_opfamily'::regclass, a.amopfamily from reached r join pg_amop a on a.oid = r.object where r.class = 'pg_amop'::regclass
union all select 'pg_opfamily'::regclass, a.amprocfamily from reached r join pg_amproc a on a.oid = r.object where r.class = 'pg_amproc'::regclass
) o(class, object)
