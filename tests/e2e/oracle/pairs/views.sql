-- family: view
create table t (a int, b text);
-- variant: plain
create view v as select a, b from t;
-- variant: star same-as: plain
create view v as select * from t;
-- variant: replaced same-as: plain
create view v as select a + 0 as a, b from t; create or replace view v as select t.a, t.b from public.t;
-- variant: one-column
create view v as select a from t;
-- variant: swapped
create view v as select b, a from t;
-- variant: where
create view v as select a, b from t where a > 0;
-- variant: column-name
create view v (x, b) as select a, b from t;
-- variant: column-alias same-as: column-name
create view v as select a as x, b from t;
-- variant: column-renamed same-as: column-name
create view v as select a, b from t; alter view v rename column a to x;
-- variant: option-local
create view v as select a, b from t with local check option;
-- variant: option-cascaded
create view v as select a, b from t with check option;
-- variant: option-altered same-as: option-local
create view v as select a, b from t; alter view v set (check_option = local);
-- variant: option-reset same-as: plain
create view v with (check_option = local) as select a, b from t; alter view v reset (check_option);
-- variant: barrier
create view v with (security_barrier) as select a, b from t;
-- variant: barrier-false
create view v with (security_barrier = false) as select a, b from t;
-- variant: invoker
create view v with (security_invoker = true) as select a, b from t;
-- variant: barrier-invoker
create view v with (security_invoker = true, security_barrier = true) as select a, b from t;
-- variant: invoker-barrier same-as: barrier-invoker
create view v with (security_barrier = true, security_invoker = true) as select a, b from t;
-- variant: default
create view v as select a, b from t; alter view v alter a set default 7;
-- variant: default-other
create view v as select a, b from t; alter view v alter a set default 8;
-- variant: default-back same-as: plain
create view v as select a, b from t; alter view v alter a set default 7; alter view v alter a drop default;
-- variant: owner
create view v as select a, b from t; alter view v owner to alice;
-- variant: comment
create view v as select a, b from t; comment on view v is 'one';
-- variant: column-comment
create view v as select a, b from t; comment on column v.a is 'one';
-- variant: grant
create view v as select a, b from t; grant select on v to alice;
-- variant: column-grant
create view v as select a, b from t; grant select (a) on v to alice;
-- variant: renamed
create view v as select a, b from t; alter view v rename to w;
-- variant: moved
create schema s; create view v as select a, b from t; alter view v set schema s;
-- variant: recursive
create recursive view v (a) as select 1 union all select a + 1 from v where a < 10;
-- variant: recursive-spelled same-as: recursive
create view v (a) as with recursive v (a) as (select 1 union all select v_1.a + 1 from v as v_1 where v_1.a < 10) select a from v;
-- variant: dependent
create view v as select a, b from t; create view w as select a from v;
-- variant: dependent-star
create view v as select a, b from t; create view w as select * from v;
-- variant: circular
create view v as select a, b from t; create view w as select * from v; create or replace view v as select null::int as a, null::text as b;
-- variant: grouped
create table k (id int primary key, a int); create view v as select id, a from k group by id;
-- variant: temporary same-as: base
create temporary view v as select 1 as a;
-- variant: union
create view v as select a, b from t union all select a, b from t;
-- variant: window
create view v as select a, row_number() over (partition by b order by a) as n from t;
-- variant: values
create view v (x) as values (1), (2);
-- variant: collate
create view v as select a, b collate "C" as b from t;
-- variant: cast
create view v as select a, b::varchar(5) as b from t;
-- variant: matview
create materialized view v as select a, b from t;

-- family: matview
create table t (a int, b text); create access method heap2 type table handler heap_tableam_handler;
-- variant: plain
create materialized view m as select a, b from t;
-- variant: refreshed same-as: plain
create materialized view m as select a, b from t with no data; refresh materialized view m;
-- variant: no-data
create materialized view m as select a, b from t with no data;
-- variant: query
create materialized view m as select a, b from t where a > 0;
-- variant: columns
create materialized view m (x, y) as select a, b from t;
-- variant: options
create materialized view m with (fillfactor = 70) as select a, b from t;
-- variant: toast-options
create materialized view m as select a, b from t; alter materialized view m set (toast.autovacuum_enabled = false);
-- variant: method
create materialized view m using heap2 as select a, b from t;
-- variant: index
create materialized view m as select a, b from t; create index i on m (a);
-- variant: clustered
create materialized view m as select a, b from t; create index i on m (a); alter materialized view m cluster on i;
-- variant: statistics
create materialized view m as select a, b from t; alter materialized view m alter a set statistics 50;
-- variant: storage
create materialized view m as select a, b from t; alter materialized view m alter b set storage plain;
-- variant: compression
create materialized view m as select a, b from t; alter materialized view m alter b set compression pglz;
-- variant: distinct
create materialized view m as select a, b from t; alter materialized view m alter a set (n_distinct = 5);
-- variant: owner
create materialized view m as select a, b from t; alter materialized view m owner to alice;
-- variant: comment
create materialized view m as select a, b from t; comment on materialized view m is 'one';
-- variant: column-comment
create materialized view m as select a, b from t; comment on column m.a is 'one';
-- variant: grant
create materialized view m as select a, b from t; grant select on m to alice;
-- variant: dependent
create materialized view m as select a, b from t; create materialized view n as select * from m;
-- variant: renamed
create materialized view m as select a, b from t; alter materialized view m rename to n;
-- variant: column-renamed same-as: columns
create materialized view m as select a, b from t; alter materialized view m rename a to x; alter materialized view m rename b to y;

-- family: rule
create table t (a int, b text); create table log (a int);
-- variant: also
create rule r as on insert to t do also insert into log values (new.a);
-- variant: replaced same-as: also
create rule r as on insert to t do nothing; create or replace rule r as on insert to t do insert into log values (new.a);
-- variant: instead
create rule r as on insert to t do instead insert into log values (new.a);
-- variant: nothing
create rule r as on insert to t do nothing;
-- variant: instead-nothing
create rule r as on insert to t do instead nothing;
-- variant: update
create rule r as on update to t do also insert into log values (new.a);
-- variant: delete
create rule r as on delete to t do also insert into log values (old.a);
-- variant: where
create rule r as on insert to t where new.a > 0 do also insert into log values (new.a);
-- variant: two-actions
create rule r as on insert to t do also (insert into log values (new.a); insert into log values (1));
-- variant: disabled
create rule r as on insert to t do also insert into log values (new.a); alter table t disable rule r;
-- variant: always
create rule r as on insert to t do also insert into log values (new.a); alter table t enable always rule r;
-- variant: replica
create rule r as on insert to t do also insert into log values (new.a); alter table t enable replica rule r;
-- variant: enabled same-as: also
create rule r as on insert to t do also insert into log values (new.a); alter table t disable rule r; alter table t enable rule r;
-- variant: renamed
create rule r as on insert to t do also insert into log values (new.a); alter rule r on t rename to q;
-- variant: comment
create rule r as on insert to t do also insert into log values (new.a); comment on rule r on t is 'one';
-- variant: on-view
create view v as select * from t; create rule r as on insert to v do instead insert into t values (new.*);

-- family: policy
create table t (a int, b text);
-- variant: plain
create policy p on t;
-- variant: using
create policy p on t using (a > 0);
-- variant: using-other
create policy p on t using (a > 1);
-- variant: check
create policy p on t with check (a > 0);
-- variant: using-check
create policy p on t using (a > 0) with check (a > 0);
-- variant: restrictive
create policy p on t as restrictive using (a > 0);
-- variant: select
create policy p on t for select using (a > 0);
-- variant: insert
create policy p on t for insert with check (a > 0);
-- variant: update
create policy p on t for update using (a > 0);
-- variant: delete
create policy p on t for delete using (a > 0);
-- variant: all same-as: using
create policy p on t for all to public using (a > 0);
-- variant: alice
create policy p on t to alice using (a > 0);
-- variant: two-roles
create policy p on t to alice, bob using (a > 0);
-- variant: two-roles-swapped same-as: two-roles
create policy p on t to bob, alice using (a > 0);
-- variant: altered same-as: alice
create policy p on t using (a > 0); alter policy p on t to alice;
-- variant: renamed
create policy p on t using (a > 0); alter policy p on t rename to q;
-- variant: comment
create policy p on t using (a > 0); comment on policy p on t is 'one';
-- variant: enabled
create policy p on t using (a > 0); alter table t enable row level security;
-- variant: subquery
create policy p on t using (a in (select a from t as u));
-- variant: dropped same-as: base
create policy p on t using (a > 0); drop policy p on t;
