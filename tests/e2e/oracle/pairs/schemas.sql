-- family: schema
-- variant: plain
create schema a;
-- variant: recreated same-as: plain
create schema a; drop schema a; create schema a;
-- variant: dropped same-as: base
create schema a; drop schema a;
-- variant: renamed
create schema a; alter schema a rename to b;
-- variant: renamed-back same-as: plain
create schema a; alter schema a rename to b; alter schema b rename to a;
-- variant: quoted
create schema "A b";
-- variant: owner
create schema a authorization alice;
-- variant: owner-altered same-as: owner
create schema a; alter schema a owner to alice;
-- variant: comment
create schema a; comment on schema a is 'one';
-- variant: comment-other
create schema a; comment on schema a is 'two';
-- variant: comment-null same-as: plain
create schema a; comment on schema a is 'one'; comment on schema a is null;
-- variant: usage
create schema a; grant usage on schema a to alice;
-- variant: create
create schema a; grant create on schema a to alice;
-- variant: all
create schema a; grant all on schema a to alice;
-- variant: all-in-two same-as: all
create schema a; grant create on schema a to alice; grant usage on schema a to alice;
-- variant: usage-bob
create schema a; grant usage on schema a to bob;
-- variant: usage-public
create schema a; grant usage on schema a to public;
-- variant: usage-grantable
create schema a; grant usage on schema a to alice with grant option;
-- variant: owner-revoked
create schema a; revoke create on schema a from postgres;
-- variant: usage-both
create schema a; grant usage on schema a to alice, bob;
-- variant: usage-both-swapped same-as: usage-both
create schema a; grant usage on schema a to bob; grant usage on schema a to alice;
-- variant: revoked same-as: plain
create schema a; grant usage on schema a to alice; revoke usage on schema a from alice;
-- variant: with-table
create schema a create table t (x int);
-- variant: with-table-later same-as: with-table
create schema a; create table a.t (x int);

-- family: schema-public
-- variant: create-public
grant create on schema public to public;
-- variant: no-usage
revoke usage on schema public from public;
-- variant: alice
grant all on schema public to alice;
-- variant: owner
alter schema public owner to alice;
-- variant: comment
comment on schema public is 'ours';
-- variant: comment-none
comment on schema public is null;
-- variant: dropped
drop schema public;
-- variant: granted-and-revoked same-as: base
grant create on schema public to alice; revoke create on schema public from alice;

-- family: default-privileges
create schema a;
-- variant: tables
alter default privileges grant select on tables to alice;
-- variant: tables-insert
alter default privileges grant select, insert on tables to alice;
-- variant: tables-grantable
alter default privileges grant select on tables to alice with grant option;
-- variant: tables-bob
alter default privileges grant select on tables to bob;
-- variant: tables-for-alice
alter default privileges for role alice grant select on tables to bob;
-- variant: tables-in-schema
alter default privileges in schema a grant select on tables to alice;
-- variant: sequences
alter default privileges grant usage on sequences to alice;
-- variant: functions
alter default privileges revoke execute on functions from public;
-- variant: types
alter default privileges revoke usage on types from public;
-- variant: schemas
alter default privileges grant usage on schemas to alice;
-- variant: owner-none
alter default privileges revoke insert on tables from postgres;
-- variant: restored same-as: base
alter default privileges grant select on tables to alice; alter default privileges revoke select on tables from alice;
-- variant: functions-restored same-as: base
alter default privileges revoke execute on functions from public; alter default privileges grant execute on functions to public;
-- variant: effect
alter default privileges in schema a grant select on tables to alice; create table a.t (x int);
-- variant: effect-explicit same-as: effect
create table a.t (x int); grant select on a.t to alice; alter default privileges in schema a grant select on tables to alice;

-- family: database-settings
create table t (a int);
-- variant: set
do $$ begin execute format('alter database %I set work_mem = %L', current_database(), '8MB'); end $$;
-- variant: comment
do $$ begin execute format('comment on database %I is %L', current_database(), 'one'); end $$;
-- variant: grant
do $$ begin execute format('grant create on database %I to alice', current_database()); end $$;
-- variant: data same-as: base
insert into t select generate_series(1, 10); analyze t;

-- family: extension
create schema x;
-- variant: plain
create extension hstore;
-- variant: recreated same-as: plain
create extension hstore; drop extension hstore; create extension hstore;
-- variant: schema
create extension hstore schema x;
-- variant: schema-moved same-as: schema
create extension hstore; alter extension hstore set schema x;
-- variant: version
create extension hstore version '1.4';
-- variant: version-updated same-as: plain
create extension hstore version '1.4'; alter extension hstore update;
-- variant: other
create extension citext;
-- variant: both
create extension citext; create extension hstore;
-- variant: comment
create extension hstore; comment on extension hstore is 'one';
-- variant: comment-none
create extension hstore; comment on extension hstore is null;
-- variant: member-revoked
create extension hstore; revoke execute on function akeys(hstore) from public;
-- variant: member-granted
create extension hstore; grant execute on function akeys(hstore) to alice;
-- variant: member-granted-back same-as: plain
create extension hstore; grant execute on function akeys(hstore) to alice; revoke execute on function akeys(hstore) from alice;
-- variant: member-type
create extension hstore; revoke usage on type hstore from public;
-- variant: member-dropped
create extension hstore; alter extension hstore drop function akeys(hstore);
-- variant: member-added
create extension hstore; create function f() returns int language sql as 'select 1'; alter extension hstore add function f();
-- variant: user-function
create extension hstore; create function f() returns int language sql as 'select 1';
-- variant: depends
create extension hstore; create function f() returns int language sql as 'select 1'; alter function f() depends on extension hstore;
-- variant: depends-undone same-as: user-function
create extension hstore; create function f() returns int language sql as 'select 1'; alter function f() depends on extension hstore; alter function f() no depends on extension hstore;
-- variant: used
create extension hstore; create table t (a hstore);
