-- The objects whose facts may have changed, from those whose rows did ($1 their catalogs, $2 their oids): everything that
-- depends on them, directly or not, since it may print their names; then the objects that the reached parts belong to.
with recursive seed(class, object) as (
  select * from unnest($1::oid[], $2::oid[])
  union select 'pg_type'::regclass::oid, c.reltype from unnest($1::oid[], $2::oid[]) as s(class, object) join pg_class c on c.oid = s.object
    where s.class = 'pg_class'::regclass and c.reltype <> 0
), reached(class, object) as (
  select class, object from seed
  union select d.classid, d.objid from reached r join pg_depend d on d.refclassid = r.class and d.refobjid = r.object where d.deptype not in ('e', 'x')
), owned(class, object) as (
  select class, object from reached
  union select d.refclassid, d.refobjid from owned o join pg_depend d on d.classid = o.class and d.objid = o.object
    where case d.deptype
      when 'i' then o.class in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_rewrite'::regclass)
      when 'a' then o.class in ('pg_attrdef'::regclass, 'pg_publication_rel'::regclass, 'pg_publication_namespace'::regclass, 'pg_opclass'::regclass)
      else d.deptype in ('e', 'x') and d.refclassid = 'pg_extension'::regclass end
)
select class, object from owned
union select 'pg_opfamily'::regclass, a.amopfamily from owned o join pg_amop a on a.oid = o.object where o.class = 'pg_amop'::regclass
union select 'pg_opfamily'::regclass, a.amprocfamily from owned o join pg_amproc a on a.oid = o.object where o.class = 'pg_amproc'::regclass
