-- family: not-null-constraint from: 18
create table t (a int, b int);
-- variant: plain
alter table t alter a set not null;
-- variant: named
alter table t add constraint n not null a;
-- variant: inline same-as: named
drop table t; create table t (a int constraint n not null, b int);
-- variant: renamed same-as: named
alter table t alter a set not null; alter table t rename constraint t_a_not_null to n;
-- variant: no-inherit
alter table t add constraint n not null a no inherit;
-- variant: not-valid
alter table t add constraint n not null a not valid;
-- variant: validated same-as: named
alter table t add constraint n not null a not valid; alter table t validate constraint n;
-- variant: comment
alter table t add constraint n not null a; comment on constraint n on t is 'one';
-- variant: dropped same-as: base
alter table t add constraint n not null a; alter table t drop constraint n;

-- family: virtual-column from: 18
create table t (a int);
-- variant: virtual
alter table t add c int generated always as (a + 1) virtual;
-- variant: default-virtual same-as: virtual
alter table t add c int generated always as (a + 1);
-- variant: stored
alter table t add c int generated always as (a + 1) stored;
-- variant: other
alter table t add c int generated always as (a + 2) virtual;
-- variant: other-altered same-as: other
alter table t add c int generated always as (a + 1) virtual; alter table t alter c set expression as (a + 2);

-- family: temporal-key from: 18
create extension btree_gist; create table t (a int, r int4range not null); create table c (x int, r int4range);
-- variant: primary
alter table t add constraint k primary key (a, r without overlaps);
-- variant: ordinary
alter table t add constraint k primary key (a, r);
-- variant: unique
alter table t add constraint k unique (a, r without overlaps);
-- variant: foreign
alter table t add constraint k primary key (a, r without overlaps); alter table c add constraint f foreign key (x, period r) references t (a, period r);

-- family: not-enforced from: 18
create table t (a int primary key); create table c (x int);
-- variant: check
alter table c add constraint k check (x > 0);
-- variant: check-not-enforced
alter table c add constraint k check (x > 0) not enforced;
-- variant: foreign
alter table c add constraint k foreign key (x) references t;
-- variant: foreign-not-valid
alter table c add constraint k foreign key (x) references t not valid;
-- variant: foreign-not-enforced
alter table c add constraint k foreign key (x) references t not enforced;
-- variant: foreign-enforced same-as: foreign
alter table c add constraint k foreign key (x) references t not enforced; alter table c alter constraint k enforced;

-- family: builtin-collation from: 17
-- variant: builtin
create collation c (provider = builtin, locale = 'C.UTF-8');
-- variant: builtin-c
create collation c (provider = builtin, locale = 'C');
-- variant: rules
create collation c (provider = icu, locale = 'de', rules = '&a < g');
-- variant: no-rules
create collation c (provider = icu, locale = 'de');

-- family: maintain from: 17
create table t (a int);
-- variant: maintain
grant maintain on t to alice;
-- variant: select
grant select on t to alice;

-- family: replication-18 from: 18
create table t (a int primary key, g int generated always as (a + 1) stored);
-- variant: publication
create publication p for table t;
-- variant: publication-generated
create publication p for table t with (publish_generated_columns = stored);
-- variant: subscription
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none);
-- variant: failover
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, failover = true);
-- variant: origin
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, origin = none);
-- variant: password
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, password_required = false);
-- variant: run-as-owner
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, run_as_owner = true);
-- variant: parallel
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, streaming = off);

-- family: partition-18 from: 17
create access method heap2 type table handler heap_tableam_handler;
-- variant: plain
create table p (a int) partition by list (a);
-- variant: method
create table p (a int) partition by list (a) using heap2;
