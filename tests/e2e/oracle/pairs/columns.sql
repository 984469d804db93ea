-- family: column-type
create table t (id int);
-- variant: int
alter table t add c int;
-- variant: int4 same-as: int
alter table t add c int4;
-- variant: widened-back same-as: int
alter table t add c int; alter table t alter c type bigint; alter table t alter c type int;
-- variant: inline same-as: int
drop table t; create table t (id int, c int);
-- variant: first order-of: int
drop table t; create table t (c int, id int);
-- variant: bigint
alter table t add c bigint;
-- variant: altered same-as: bigint
alter table t add c int; alter table t alter c type int8;
-- variant: smallint
alter table t add c smallint;
-- variant: numeric
alter table t add c numeric;
-- variant: numeric-10-2
alter table t add c numeric(10, 2);
-- variant: numeric-10-3
alter table t add c decimal(10, 3);
-- variant: text
alter table t add c text;
-- variant: text-c
alter table t add c text collate "C";
-- variant: text-default same-as: text
alter table t add c text collate "default";
-- variant: varchar
alter table t add c varchar;
-- variant: varchar-5
alter table t add c varchar(5);
-- variant: varchar-5-spelled same-as: varchar-5
alter table t add c character varying(5);
-- variant: varchar-6
alter table t add c varchar(6);
-- variant: char-5
alter table t add c char(5);
-- variant: timestamp
alter table t add c timestamp;
-- variant: timestamp-3
alter table t add c timestamp(3);
-- variant: timestamptz
alter table t add c timestamptz;
-- variant: timestamptz-spelled same-as: timestamptz
alter table t add c timestamp with time zone;
-- variant: interval
alter table t add c interval;
-- variant: interval-day
alter table t add c interval day to second;
-- variant: bit-3
alter table t add c bit(3);
-- variant: varbit-3
alter table t add c bit varying(3);
-- variant: array
alter table t add c int[];
-- variant: array-dims same-as: array
alter table t add c int[][];
-- variant: array-size same-as: array
alter table t add c int[3];
-- variant: enum
create type e as enum ('a'); alter table t add c e;
-- variant: jsonb
alter table t add c jsonb;
-- variant: range
alter table t add c int4range;
-- variant: renamed
alter table t add c int; alter table t rename c to d;
-- variant: renamed-back same-as: int
alter table t add c int; alter table t rename c to d; alter table t rename d to c;
-- variant: quoted
alter table t add "C" int;
-- variant: dropped same-as: base
alter table t add c int; alter table t drop c;

-- family: column
create table t (a int, b text, z int);
-- variant: default
alter table t alter a set default 1;
-- variant: default-2
alter table t alter a set default 2;
-- variant: default-sum
alter table t alter a set default 1 + 1;
-- variant: default-null same-as: base
alter table t alter a set default null;
-- variant: default-dropped same-as: base
alter table t alter a set default 1; alter table t alter a drop default;
-- variant: default-reset same-as: default-2
alter table t alter a set default 1; alter table t alter a set default 2;
-- variant: default-text
alter table t alter b set default 'x';
-- variant: default-cast same-as: default-text
alter table t alter b set default 'x'::text;
-- variant: default-varchar
alter table t alter b set default 'x'::varchar;
-- variant: not-null
alter table t alter a set not null;
-- variant: nullable-again same-as: base
alter table t alter a set not null; alter table t alter a drop not null;
-- variant: not-null-b
alter table t alter b set not null;
-- variant: collation
alter table t alter b type text collate "C";
-- variant: collation-posix
alter table t alter b type text collate "POSIX";
-- variant: storage-plain
alter table t alter b set storage plain;
-- variant: storage-external
alter table t alter b set storage external;
-- variant: storage-main
alter table t alter b set storage main;
-- variant: storage-back same-as: base
alter table t alter b set storage main; alter table t alter b set storage extended;
-- variant: compression
alter table t alter b set compression pglz;
-- variant: compression-default same-as: base
alter table t alter b set compression pglz; alter table t alter b set compression default;
-- variant: statistics
alter table t alter a set statistics 100;
-- variant: statistics-0
alter table t alter a set statistics 0;
-- variant: statistics-back same-as: base
alter table t alter a set statistics 100; alter table t alter a set statistics -1;
-- variant: distinct
alter table t alter a set (n_distinct = 5);
-- variant: distinct-inherited
alter table t alter a set (n_distinct_inherited = 5);
-- variant: distinct-both
alter table t alter a set (n_distinct = 5, n_distinct_inherited = 6);
-- variant: distinct-both-swapped same-as: distinct-both
alter table t alter a set (n_distinct_inherited = 6); alter table t alter a set (n_distinct = 5);
-- variant: distinct-back same-as: base
alter table t alter a set (n_distinct = 5); alter table t alter a reset (n_distinct);
-- variant: comment
comment on column t.a is 'one';
-- variant: comment-b
comment on column t.b is 'one';
-- variant: comment-two
comment on column t.a is 'two';
-- variant: comment-null same-as: base
comment on column t.a is 'two'; comment on column t.a is null;
-- variant: recreated order-of: base
alter table t drop b; alter table t add b text;

-- family: column-generated
create table t (a int, b int);
-- variant: stored
alter table t add c int generated always as (a + 1) stored;
-- variant: other
alter table t add c int generated always as (a + 2) stored;
-- variant: column-b
alter table t add c int generated always as (b + 1) stored;
-- variant: type
alter table t add c bigint generated always as (a + 1) stored;
-- variant: not-null
alter table t add c int not null generated always as (a + 1) stored;
-- variant: dropped
alter table t add c int generated always as (a + 1) stored; alter table t alter c drop expression;
-- variant: ordinary same-as: dropped
alter table t add c int;
-- variant: default
alter table t add c int default 1;
-- variant: parentheses same-as: stored
alter table t add c int generated always as ((a + 1)) stored;

-- family: identity
-- variant: always
create table t (id int generated always as identity, a int);
-- variant: by-default
create table t (id int generated by default as identity, a int);
-- variant: altered same-as: by-default
create table t (id int generated always as identity, a int); alter table t alter id set generated by default;
-- variant: later same-as: always
create table t (id int not null, a int); alter table t alter id add generated always as identity;
-- variant: dropped
create table t (id int generated always as identity, a int); alter table t alter id drop identity;
-- variant: not-null same-as: dropped
create table t (id int not null, a int);
-- variant: bigint
create table t (id bigint generated always as identity, a int);
-- variant: start
create table t (id int generated always as identity (start 10), a int);
-- variant: increment
create table t (id int generated always as identity (increment 10), a int);
-- variant: min
create table t (id int generated always as identity (minvalue 0), a int);
-- variant: max
create table t (id int generated always as identity (maxvalue 1000), a int);
-- variant: cache
create table t (id int generated always as identity (cache 10), a int);
-- variant: cycle
create table t (id int generated always as identity (cycle), a int);
-- variant: name
create table t (id int generated always as identity (sequence name my_seq), a int);
-- variant: start-altered same-as: start
create table t (id int generated always as identity, a int); alter table t alter id set start 10;
-- variant: restarted same-as: always
create table t (id int generated always as identity, a int); alter table t alter id restart with 100;
-- variant: used same-as: always
create table t (id int generated always as identity, a int); insert into t (a) values (1), (2);
-- variant: type-altered same-as: bigint
create table t (id int generated always as identity, a int); alter table t alter id type bigint;
-- variant: grant
create table t (id int generated always as identity, a int); grant usage on sequence t_id_seq to alice;
-- variant: comment
create table t (id int generated always as identity, a int); comment on sequence t_id_seq is 'one';
-- variant: unlogged
create unlogged table t (id int generated always as identity, a int);
-- variant: sequence-unlogged
create table t (id int generated always as identity, a int); alter sequence t_id_seq set unlogged;
-- variant: owner
create table t (id int generated always as identity, a int); alter table t owner to alice;
-- variant: serial
create table t (id serial, a int);
-- variant: serial-spelled same-as: serial
create sequence t_id_seq as int; create table t (id int not null default nextval('t_id_seq'), a int); alter sequence t_id_seq owned by t.id;
-- variant: serial-not-owned
create sequence t_id_seq as int; create table t (id int not null default nextval('t_id_seq'), a int);
-- variant: serial-other-column
create sequence t_id_seq as int; create table t (id int not null default nextval('t_id_seq'), a int); alter sequence t_id_seq owned by t.a;
-- variant: serial-no-default
create table t (id serial, a int); alter table t alter id drop default;
-- variant: bigserial
create table t (id bigserial, a int);
-- variant: table-renamed
create table u (id serial, a int); alter table u rename to t;

-- family: sequence
create schema a; create table t (id int, b int);
-- variant: plain
create sequence s;
-- variant: recreated same-as: plain
create sequence s; drop sequence s; create sequence s;
-- variant: spelled same-as: plain
create sequence s as bigint increment 1 minvalue 1 maxvalue 9223372036854775807 start 1 cache 1 no cycle;
-- variant: used same-as: plain
create sequence s; select nextval('s'); select setval('s', 100);
-- variant: restarted same-as: plain
create sequence s; alter sequence s restart 50;
-- variant: int
create sequence s as int;
-- variant: smallint
create sequence s as smallint;
-- variant: smallint-max
create sequence s as int maxvalue 32767;
-- variant: increment
create sequence s increment 2;
-- variant: decrement
create sequence s increment -1;
-- variant: start
create sequence s start 10;
-- variant: start-altered same-as: start
create sequence s; alter sequence s start 10;
-- variant: min
create sequence s minvalue 0 start 1;
-- variant: max
create sequence s maxvalue 100;
-- variant: no-max same-as: plain
create sequence s maxvalue 100; alter sequence s no maxvalue;
-- variant: cache
create sequence s cache 5;
-- variant: cycle
create sequence s cycle;
-- variant: owned
create sequence s owned by t.id;
-- variant: owned-b
create sequence s owned by t.b;
-- variant: owned-none same-as: plain
create sequence s owned by t.id; alter sequence s owned by none;
-- variant: unlogged
create unlogged sequence s;
-- variant: temporary same-as: base
create temporary sequence s;
-- variant: renamed
create sequence s; alter sequence s rename to r;
-- variant: moved
create sequence s; alter sequence s set schema a;
-- variant: owner
create sequence s; alter sequence s owner to alice;
-- variant: comment
create sequence s; comment on sequence s is 'one';
-- variant: usage
create sequence s; grant usage on sequence s to alice;
-- variant: select
create sequence s; grant select on sequence s to alice;
-- variant: update
create sequence s; grant update on sequence s to alice;
-- variant: all
create sequence s; grant all on sequence s to alice;
-- variant: grantable
create sequence s; grant usage on sequence s to alice with grant option;
-- variant: revoked same-as: plain
create sequence s; grant usage on sequence s to alice; revoke usage on sequence s from alice;
