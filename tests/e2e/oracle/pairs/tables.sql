-- family: table
create table t (id int not null, a text); create unique index t_id on t (id); create index t_a on t (a);
create type of_t as (id int, a text); create access method heap2 type table handler heap_tableam_handler;
-- variant: dropped
drop table t;
-- variant: recreated same-as: base
drop table t; create table t (id integer not null, a text); create index t_a on t (a); create unique index t_id on t (id);
-- variant: built-up same-as: base
drop table t; create table t (); alter table t add id int4; alter table t add a text; alter table t alter id set not null; create unique index t_id on t (id); create index t_a on t (a);
-- variant: reordered order-of: base
drop table t; create table t (a text, id int not null); create unique index t_id on t (id); create index t_a on t (a);
-- variant: readded same-as: reordered
drop index t_id; alter table t drop id; alter table t add id int not null; create unique index t_id on t (id);
-- variant: last-readded same-as: base
alter table t drop a; alter table t add a text; create index t_a on t (a);
-- variant: rewritten same-as: base
vacuum full t;
-- variant: renamed
alter table t rename to u;
-- variant: renamed-back same-as: base
alter table t rename to u; alter table u rename to t;
-- variant: quoted
alter table t rename to "T t";
-- variant: moved
create schema a; alter table t set schema a;
-- variant: moved-back same-as: base
create schema a; alter table t set schema a; alter table a.t set schema public; drop schema a;
-- variant: unlogged
alter table t set unlogged;
-- variant: logged-again same-as: base
alter table t set unlogged; alter table t set logged;
-- variant: fillfactor
alter table t set (fillfactor = 70);
-- variant: fillfactor-80
alter table t set (fillfactor = 80);
-- variant: fillfactor-reset same-as: base
alter table t set (fillfactor = 70); alter table t reset (fillfactor);
-- variant: autovacuum
alter table t set (autovacuum_enabled = false);
-- variant: two-options
alter table t set (fillfactor = 70, autovacuum_enabled = false);
-- variant: two-options-swapped same-as: two-options
alter table t set (autovacuum_enabled = false); alter table t set (fillfactor = 70);
-- variant: toast-option
alter table t set (toast.autovacuum_enabled = false);
-- variant: toast-option-other
alter table t set (toast.autovacuum_vacuum_threshold = 500);
-- variant: toast-reset same-as: base
alter table t set (toast.autovacuum_enabled = false); alter table t reset (toast.autovacuum_enabled);
-- variant: toast-target
alter table t set (toast_tuple_target = 4080);
-- variant: parallel
alter table t set (parallel_workers = 4);
-- variant: method
drop table t; create table t (id int not null, a text) using heap2; create unique index t_id on t (id); create index t_a on t (a);
-- variant: method-altered same-as: method
alter table t set access method heap2;
-- variant: owner
alter table t owner to alice;
-- variant: rls
alter table t enable row level security;
-- variant: rls-forced
alter table t enable row level security; alter table t force row level security;
-- variant: rls-only-forced
alter table t force row level security;
-- variant: rls-off same-as: base
alter table t enable row level security; alter table t disable row level security;
-- variant: identity-full
alter table t replica identity full;
-- variant: identity-nothing
alter table t replica identity nothing;
-- variant: identity-index
alter table t replica identity using index t_id;
-- variant: identity-default same-as: base
alter table t replica identity full; alter table t replica identity default;
-- variant: clustered
alter table t cluster on t_id;
-- variant: clustered-a
alter table t cluster on t_a;
-- variant: not-clustered same-as: base
alter table t cluster on t_a; alter table t set without cluster;
-- variant: of
alter table t alter id drop not null; alter table t of of_t; alter table t alter id set not null;
-- variant: not-of same-as: base
alter table t alter id drop not null; alter table t of of_t; alter table t not of; alter table t alter id set not null;
-- variant: comment
comment on table t is 'one';
-- variant: comment-quoted
comment on table t is E'it''s\n-- Name: a line; Type: x';
-- variant: comment-null same-as: base
comment on table t is 'one'; comment on table t is '';
-- variant: temporary same-as: base
create temporary table tt (a int);

-- family: table-grants
create table t (a int, b int);
-- variant: select
grant select on t to alice;
-- variant: insert
grant insert on t to alice;
-- variant: select-insert
grant select, insert on t to alice;
-- variant: select-insert-split same-as: select-insert
grant insert on t to alice; grant select on t to alice;
-- variant: all
grant all on t to alice;
-- variant: all-spelled same-as: all from: 15 to: 16
grant select, insert, update, delete, truncate, references, trigger on t to alice;
-- variant: all-spelled-17 same-as: all from: 17
grant select, insert, update, delete, truncate, references, trigger, maintain on t to alice;
-- variant: grantable
grant select on t to alice with grant option;
-- variant: grantable-one
grant select, insert on t to alice; grant select on t to alice with grant option;
-- variant: not-grantable-again same-as: select
grant select on t to alice with grant option; revoke grant option for select on t from alice;
-- variant: public
grant select on t to public;
-- variant: two-roles
grant select on t to alice, bob;
-- variant: two-roles-swapped same-as: two-roles
grant select on t to bob; grant select on t to alice;
-- variant: by-alice
grant select on t to alice with grant option; set role alice; grant select on t to bob; reset role;
-- variant: revoked same-as: base
grant all on t to alice; revoke all on t from alice;
-- variant: owner-less
revoke insert on t from postgres;
-- variant: owner-none
revoke all on t from postgres;
-- variant: owner-restored same-as: base
revoke all on t from postgres; grant all on t to postgres;
-- variant: column
grant select (a) on t to alice;
-- variant: column-b
grant select (b) on t to alice;
-- variant: columns
grant select (a, b) on t to alice;
-- variant: columns-split same-as: columns
grant select (b) on t to alice; grant select (a) on t to alice;
-- variant: column-update
grant update (a) on t to alice;
-- variant: column-grantable
grant select (a) on t to alice with grant option;
-- variant: column-public
grant select (a) on t to public;
-- variant: column-references
grant references (a) on t to alice;
-- variant: column-revoked same-as: base
grant select (a) on t to alice; revoke select (a) on t from alice;
-- variant: table-and-column
grant select on t to alice; grant update (a) on t to alice;

-- family: inheritance
create table p (a int, b text); create table q (a int, d int);
-- variant: one
create table c (x int) inherits (p);
-- variant: none
create table c (x int, a int, b text);
-- variant: two
create table c (x int) inherits (p, q);
-- variant: two-swapped
create table c (x int) inherits (q, p);
-- variant: merged
create table c (a int, x int) inherits (p);
-- variant: attached
create table c (a int, b text, x int); alter table c inherit p;
-- variant: detached order-of: none
create table c (x int) inherits (p); alter table c no inherit p;
-- variant: parent-later same-as: one
create table c (x int) inherits (q); drop table c; create table c (x int) inherits (p);
-- variant: default
create table c (x int) inherits (p); alter table c alter a set default 7;
-- variant: parent-default
alter table p alter a set default 7; create table c (x int) inherits (p);
-- variant: child-default-dropped
alter table p alter a set default 7; create table c (x int) inherits (p); alter table c alter a drop default;
-- variant: not-null
create table c (x int) inherits (p); alter table c alter a set not null;
-- variant: check-inherited
alter table p add constraint k check (a > 0); create table c (x int) inherits (p);
-- variant: check-inherited-later same-as: check-inherited
create table c (x int) inherits (p); alter table p add constraint k check (a > 0);
-- variant: check-no-inherit
alter table p add constraint k check (a > 0) no inherit; create table c (x int) inherits (p);
-- variant: check-merged
alter table p add constraint k check (a > 0); create table c (x int, constraint k check (a > 0)) inherits (p);
-- variant: comment
create table c (x int) inherits (p); comment on column c.a is 'one';

-- family: partitioning
create table p (a int not null, b text, d date); create schema s;
-- variant: range
drop table p; create table p (a int not null, b text, d date) partition by range (a);
-- variant: list
drop table p; create table p (a int not null, b text, d date) partition by list (a);
-- variant: hash
drop table p; create table p (a int not null, b text, d date) partition by hash (a);
-- variant: range-two
drop table p; create table p (a int not null, b text, d date) partition by range (a, d);
-- variant: range-two-swapped
drop table p; create table p (a int not null, b text, d date) partition by range (d, a);
-- variant: expression
drop table p; create table p (a int not null, b text, d date) partition by range ((a + 1));
-- variant: opclass
drop table p; create table p (a int not null, b text, d date) partition by range (b text_pattern_ops);
-- variant: key-collation
drop table p; create table p (a int not null, b text, d date) partition by range (b collate "C");
-- variant: key-b
drop table p; create table p (a int not null, b text, d date) partition by range (b);
-- variant: recreated same-as: range
drop table p; create table p (a int not null, b text, d date) partition by range (a); drop table p; create table p (a int not null, b text, d date) partition by range (a);

-- family: partition
create schema s; create table p (a int not null, b text, d date default '2020-01-01') partition by range (a);
-- variant: bounds
create table c partition of p for values from (1) to (10);
-- variant: bounds-wider
create table c partition of p for values from (1) to (20);
-- variant: bounds-open
create table c partition of p for values from (minvalue) to (maxvalue);
-- variant: default
create table c partition of p default;
-- variant: attached same-as: bounds
create table c (a int constraint p_a_not_null not null, b text, d date default '2020-01-01'); alter table p attach partition c for values from (1) to (10);
-- variant: attached-reordered order-of: bounds
create table c (b text, d date default '2020-01-01', a int constraint p_a_not_null not null); alter table p attach partition c for values from (1) to (10);
-- variant: loose
create table c (a int constraint p_a_not_null not null, b text, d date default '2020-01-01');
-- variant: detached same-as: loose
create table c partition of p for values from (1) to (10); alter table p detach partition c;
-- variant: reattached same-as: bounds
create table c partition of p for values from (1) to (10); alter table p detach partition c; alter table p attach partition c for values from (1) to (10);
-- variant: own-default
create table c partition of p (d default '2021-01-01') for values from (1) to (10);
-- variant: no-default
create table c partition of p for values from (1) to (10); alter table c alter d drop default;
-- variant: own-check
create table c partition of p (constraint k check (b <> '')) for values from (1) to (10);
-- variant: own-not-null
create table c partition of p for values from (1) to (10); alter table c alter b set not null;
-- variant: other-schema
create table s.c partition of p for values from (1) to (10);
-- variant: fillfactor
create table c partition of p for values from (1) to (10) with (fillfactor = 70);
-- variant: unlogged
create unlogged table c partition of p for values from (1) to (10);
-- variant: sub
create table c partition of p for values from (1) to (10) partition by list (b);
-- variant: sub-with-leaf
create table c partition of p for values from (1) to (10) partition by list (b); create table e partition of c for values in ('x', 'y');
-- variant: sub-other-leaf
create table c partition of p for values from (1) to (10) partition by list (b); create table e partition of c for values in ('x', null);
-- variant: two
create table c partition of p for values from (1) to (10); create table e partition of p for values from (10) to (20);
-- variant: two-swapped same-as: two
create table e partition of p for values from (10) to (20); create table c partition of p for values from (1) to (10);
-- variant: key
create table c partition of p for values from (1) to (10); alter table p add primary key (a);
-- variant: key-first same-as: key
alter table p add primary key (a); create table c partition of p for values from (1) to (10);
-- variant: key-on-child
create table c partition of p for values from (1) to (10); alter table c add primary key (a);
-- variant: key-on-parent-only
create table c partition of p for values from (1) to (10); alter table only p add primary key (a);
-- variant: key-attached same-as: key
create table c partition of p for values from (1) to (10); alter table only p add primary key (a); alter table c add primary key (a); alter index p_pkey attach partition c_pkey;
-- variant: index
create table c partition of p for values from (1) to (10); create index i on p (b);
-- variant: index-loose
create table c partition of p for values from (1) to (10); create index i on only p (b); create index c_b_idx on c (b);
-- variant: index-parent-only
create table c partition of p for values from (1) to (10); create index i on only p (b);
-- variant: index-attached same-as: index
create table c partition of p for values from (1) to (10); create index i on only p (b); create index c_b_idx on c (b); alter index i attach partition c_b_idx;
-- variant: index-other-name
create table c partition of p for values from (1) to (10); create index i on only p (b); create index j on c (b); alter index i attach partition j;
-- variant: foreign-key
create table r (a int primary key); create table c partition of p for values from (1) to (10); alter table p add constraint f foreign key (a) references r;
-- variant: foreign-key-first same-as: foreign-key
create table r (a int primary key); alter table p add constraint f foreign key (a) references r; create table c partition of p for values from (1) to (10);
-- variant: foreign-key-child
create table r (a int primary key); create table c partition of p for values from (1) to (10); alter table c add constraint f foreign key (a) references r;
-- variant: referenced
alter table p add primary key (a); create table r (x int references p); create table c partition of p for values from (1) to (10);
-- variant: check-on-parent
create table c partition of p for values from (1) to (10); alter table p add constraint k check (b <> '');
-- variant: check-on-parent-first same-as: check-on-parent
alter table p add constraint k check (b <> ''); create table c partition of p for values from (1) to (10);
-- variant: trigger
create function tf() returns trigger language plpgsql as 'begin return new; end'; create table c partition of p for values from (1) to (10); create trigger g after insert on p for each row execute function tf();
-- variant: trigger-child-disabled
create function tf() returns trigger language plpgsql as 'begin return new; end'; create table c partition of p for values from (1) to (10); create trigger g after insert on p for each row execute function tf(); alter table c disable trigger g;
-- variant: trigger-child
create function tf() returns trigger language plpgsql as 'begin return new; end'; create table c partition of p for values from (1) to (10); create trigger g after insert on c for each row execute function tf();
-- variant: comment
create table c partition of p for values from (1) to (10); comment on table c is 'one';
-- variant: grant
create table c partition of p for values from (1) to (10); grant select on c to alice;

-- family: partition-list-hash
create table l (a text) partition by list (a); create table h (a int) partition by hash (a);
-- variant: list-one
create table c partition of l for values in ('x');
-- variant: list-two
create table c partition of l for values in ('x', 'y');
-- variant: list-null
create table c partition of l for values in (null);
-- variant: list-default
create table c partition of l default;
-- variant: hash-0
create table c partition of h for values with (modulus 4, remainder 0);
-- variant: hash-1
create table c partition of h for values with (modulus 4, remainder 1);
-- variant: hash-8
create table c partition of h for values with (modulus 8, remainder 1);
