-- family: function
create schema s;
-- variant: plain
create function f(a int) returns int language sql as 'select 1';
-- variant: replaced same-as: plain
create function f(a int) returns int language sql as 'select 2'; create or replace function f(a int4) returns integer language sql volatile called on null input security invoker as $x$select 1$x$;
-- variant: body
create function f(a int) returns int language sql as 'select 2';
-- variant: body-space
create function f(a int) returns int language sql as 'select  1';
-- variant: body-trailing-space
create function f(a int) returns int language sql as 'select 1 ';
-- variant: body-backslash
create function f(a int) returns int language sql as 'select length(''\n'')';
-- variant: atomic
create function f(a int) returns int language sql return 1;
-- variant: atomic-block
create function f(a int) returns int language sql begin atomic select 1; end;
-- variant: atomic-argument
create function f(a int) returns int language sql return a;
-- variant: plpgsql
create function f(a int) returns int language plpgsql as 'begin return 1; end';
-- variant: internal
create function f(a int) returns int language internal as 'int4abs';
-- variant: overload
create function f(a int) returns int language sql as 'select 1'; create function f(a text) returns int language sql as 'select 1';
-- variant: argument-type
create function f(a bigint) returns int language sql as 'select 1';
-- variant: argument-name
create function f(b int) returns int language sql as 'select 1';
-- variant: argument-unnamed
create function f(int) returns int language sql as 'select 1';
-- variant: argument-default
create function f(a int default 1) returns int language sql as 'select 1';
-- variant: argument-default-2
create function f(a int default 2) returns int language sql as 'select 1';
-- variant: argument-out
create function f(a int, out b int) language sql as 'select 1';
-- variant: argument-out-two
create function f(a int, out b int, out c int) language sql as 'select 1, 2';
-- variant: argument-inout
create function f(inout a int) language sql as 'select 1';
-- variant: variadic
create function f(variadic a int[]) returns int language sql as 'select 1';
-- variant: array
create function f(a int[]) returns int language sql as 'select 1';
-- variant: typmod same-as: plain
create function f(a int) returns int language sql as 'select 1'; create function g(a varchar(5)) returns int language sql as 'select 1'; drop function g(varchar);
-- variant: result
create function f(a int) returns bigint language sql as 'select 1::bigint';
-- variant: setof
create function f(a int) returns setof int language sql as 'select 1';
-- variant: table
create function f(a int) returns table (x int, y text) language sql as $$ select 1, 'a'::text $$;
-- variant: table-names
create function f(a int) returns table (x int, z text) language sql as $$ select 1, 'a'::text $$;
-- variant: rows
create function f(a int) returns setof int language sql rows 10 as 'select 1';
-- variant: cost
create function f(a int) returns int language sql cost 10 as 'select 1';
-- variant: stable
create function f(a int) returns int language sql stable as 'select 1';
-- variant: immutable
create function f(a int) returns int language sql immutable as 'select 1';
-- variant: immutable-altered same-as: immutable
create function f(a int) returns int language sql as 'select 1'; alter function f(int) immutable;
-- variant: strict
create function f(a int) returns int language sql strict as 'select 1';
-- variant: strict-spelled same-as: strict
create function f(a int) returns int language sql returns null on null input as 'select 1';
-- variant: leakproof
create function f(a int) returns int language sql leakproof as 'select 1';
-- variant: definer
create function f(a int) returns int language sql security definer as 'select 1';
-- variant: parallel-safe
create function f(a int) returns int language sql parallel safe as 'select 1';
-- variant: parallel-restricted
create function f(a int) returns int language sql parallel restricted as 'select 1';
-- variant: support
create function f(a int) returns int language sql support generate_series_int4_support as 'select 1';
-- variant: set
create function f(a int) returns int language sql set search_path = public as 'select 1';
-- variant: set-other
create function f(a int) returns int language sql set search_path = public, s as 'select 1';
-- variant: set-two
create function f(a int) returns int language sql set search_path = public set work_mem = '8MB' as 'select 1';
-- variant: set-two-swapped
create function f(a int) returns int language sql set work_mem = '8MB' set search_path = public as 'select 1';
-- variant: set-reset same-as: plain
create function f(a int) returns int language sql set work_mem = '8MB' as 'select 1'; alter function f(int) reset work_mem;
-- variant: window
create function f() returns bigint language internal window as 'window_row_number';
-- variant: not-window
create function f() returns bigint language internal as 'window_row_number';
-- variant: transform
create transform for int language sql (from sql with function prsd_lextype(internal), to sql with function int4recv(internal)); create function f(a int) returns int language sql transform for type int as 'select 1';
-- variant: no-transform
create transform for int language sql (from sql with function prsd_lextype(internal), to sql with function int4recv(internal)); create function f(a int) returns int language sql as 'select 1';
-- variant: trigger-function
create function f() returns trigger language plpgsql as 'begin return new; end';
-- variant: polymorphic
create function f(a anyelement) returns anyelement language sql as 'select a';
-- variant: owner
create function f(a int) returns int language sql as 'select 1'; alter function f(int) owner to alice;
-- variant: comment
create function f(a int) returns int language sql as 'select 1'; comment on function f(int) is 'one';
-- variant: granted
create function f(a int) returns int language sql as 'select 1'; grant execute on function f(int) to alice;
-- variant: revoked
create function f(a int) returns int language sql as 'select 1'; revoke execute on function f(int) from public;
-- variant: revoked-and-granted
create function f(a int) returns int language sql as 'select 1'; revoke execute on function f(int) from public; grant execute on function f(int) to alice;
-- variant: granted-back same-as: plain
create function f(a int) returns int language sql as 'select 1'; revoke execute on function f(int) from public; grant execute on function f(int) to public;
-- variant: renamed
create function f(a int) returns int language sql as 'select 1'; alter function f(int) rename to g;
-- variant: moved
create function f(a int) returns int language sql as 'select 1'; alter function f(int) set schema s;
-- variant: procedure
create procedure f(a int) language sql as 'select 1';
-- variant: dropped same-as: base
create function f(a int) returns int language sql as 'select 1'; drop function f(int);

-- family: procedure
-- variant: plain
create procedure p(a int) language plpgsql as 'begin null; end';
-- variant: body
create procedure p(a int) language plpgsql as 'begin perform 1; end';
-- variant: out
create procedure p(a int, out b int) language plpgsql as 'begin null; end';
-- variant: inout
create procedure p(inout a int) language plpgsql as 'begin null; end';
-- variant: default
create procedure p(a int default 1) language plpgsql as 'begin null; end';
-- variant: definer
create procedure p(a int) language plpgsql security definer as 'begin null; end';
-- variant: set
create procedure p(a int) language plpgsql set work_mem = '8MB' as 'begin null; end';
-- variant: atomic
create procedure p(a int) language sql begin atomic select a; end;
-- variant: owner
create procedure p(a int) language plpgsql as 'begin null; end'; alter procedure p owner to alice;
-- variant: comment
create procedure p(a int) language plpgsql as 'begin null; end'; comment on procedure p is 'one';
-- variant: revoked
create procedure p(a int) language plpgsql as 'begin null; end'; revoke execute on procedure p from public;
-- variant: renamed
create procedure p(a int) language plpgsql as 'begin null; end'; alter procedure p rename to q;

-- family: aggregate
create schema s;
create function fin(int) returns int language sql immutable as 'select $1'; create function fin2(int, int) returns int language sql immutable as 'select $1';
create function step(internal, int) returns internal language internal as 'int2int4_sum'; create function ofin(internal, int) returns int language internal as 'ordered_set_transition';
-- variant: plain
create aggregate a(int) (sfunc = int4pl, stype = int);
-- variant: function
create aggregate a(int) (sfunc = int4mul, stype = int);
-- variant: state

create aggregate a(bigint) (sfunc = int8pl, stype = bigint);
-- variant: initial
create aggregate a(int) (sfunc = int4pl, stype = int, initcond = '0');
-- variant: initial-1
create aggregate a(int) (sfunc = int4pl, stype = int, initcond = '1');
-- variant: space
create aggregate a(int) (sfunc = int4pl, stype = int, sspace = 100);
-- variant: final
create aggregate a(int) (sfunc = int4pl, stype = int, finalfunc = fin);
-- variant: final-modify
create aggregate a(int) (sfunc = int4pl, stype = int, finalfunc = fin, finalfunc_modify = shareable);
-- variant: final-modify-write
create aggregate a(int) (sfunc = int4pl, stype = int, finalfunc = fin, finalfunc_modify = read_write);
-- variant: final-extra
create aggregate a(int) (sfunc = int4pl, stype = int, finalfunc = fin2, finalfunc_extra);
-- variant: combine
create aggregate a(int) (sfunc = int4pl, stype = int, combinefunc = int4pl);
-- variant: serial
create aggregate a(numeric) (sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_avg, combinefunc = numeric_avg_combine, serialfunc = numeric_avg_serialize, deserialfunc = numeric_avg_deserialize);
-- variant: not-serial
create aggregate a(numeric) (sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_avg, combinefunc = numeric_avg_combine);
-- variant: moving
create aggregate a(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int);
-- variant: moving-initial
create aggregate a(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, minitcond = '0');
-- variant: moving-space
create aggregate a(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, msspace = 10);
-- variant: moving-final
create aggregate a(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, mfinalfunc = fin);
-- variant: moving-final-extra
create aggregate a(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, mfinalfunc = fin2, mfinalfunc_extra);
-- variant: moving-final-modify
create aggregate a(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, mfinalfunc = fin, mfinalfunc_modify = shareable);
-- variant: sort
create aggregate a(int) (sfunc = int4larger, stype = int, sortop = >);
-- variant: sort-other
create aggregate a(int) (sfunc = int4larger, stype = int, sortop = <);
-- variant: no-sort
create aggregate a(int) (sfunc = int4larger, stype = int);
-- variant: parallel
create aggregate a(int) (sfunc = int4pl, stype = int, parallel = safe);
-- variant: hypothetical
create aggregate a(variadic "any" order by variadic "any") (sfunc = ordered_set_transition_multi, stype = internal, finalfunc = rank_final, finalfunc_extra, hypothetical);
-- variant: ordered
create aggregate a(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra, finalfunc_modify = read_write);
-- variant: named
create aggregate a(x int) (sfunc = int4pl, stype = int);
-- variant: star
create aggregate a(*) (sfunc = int8inc, stype = bigint, initcond = '0');
-- variant: owner
create aggregate a(int) (sfunc = int4pl, stype = int); alter aggregate a(int) owner to alice;
-- variant: comment
create aggregate a(int) (sfunc = int4pl, stype = int); comment on aggregate a(int) is 'one';
-- variant: revoked
create aggregate a(int) (sfunc = int4pl, stype = int); revoke execute on function a(int) from public;
-- variant: renamed
create aggregate a(int) (sfunc = int4pl, stype = int); alter aggregate a(int) rename to b;
-- variant: moved
create aggregate a(int) (sfunc = int4pl, stype = int); alter aggregate a(int) set schema s;
-- variant: replaced same-as: initial
create aggregate a(int) (sfunc = int4pl, stype = int); create or replace aggregate a(int) (sfunc = int4pl, stype = int, initcond = '0');

-- family: trigger
create table t (a int, b text); create function f() returns trigger language plpgsql as 'begin return new; end'; create function g() returns trigger language plpgsql as 'begin return new; end';
create view v as select a, b from t;
-- variant: plain
create trigger x after insert on t for each row execute function f();
-- variant: replaced same-as: plain
create trigger x before insert on t for each row execute function g(); create or replace trigger x after insert on t for each row execute procedure f();
-- variant: before
create trigger x before insert on t for each row execute function f();
-- variant: update
create trigger x after update on t for each row execute function f();
-- variant: update-of
create trigger x after update of a on t for each row execute function f();
-- variant: update-of-b
create trigger x after update of b on t for each row execute function f();
-- variant: update-of-both
create trigger x after update of a, b on t for each row execute function f();
-- variant: delete
create trigger x after delete on t for each row execute function f();
-- variant: truncate
create trigger x after truncate on t execute function f();
-- variant: insert-update
create trigger x after insert or update on t for each row execute function f();
-- variant: update-insert same-as: insert-update
create trigger x after update or insert on t for each row execute function f();
-- variant: statement
create trigger x after insert on t for each statement execute function f();
-- variant: when
create trigger x after insert on t for each row when (new.a > 0) execute function f();
-- variant: when-other
create trigger x after insert on t for each row when (new.a > 1) execute function f();
-- variant: function
create trigger x after insert on t for each row execute function g();
-- variant: argument
create trigger x after insert on t for each row execute function f('one');
-- variant: argument-two
create trigger x after insert on t for each row execute function f('two');
-- variant: arguments
create trigger x after insert on t for each row execute function f('one', 'two');
-- variant: new-table
create trigger x after insert on t referencing new table as n for each statement execute function f();
-- variant: new-table-name
create trigger x after insert on t referencing new table as m for each statement execute function f();
-- variant: old-new-table
create trigger x after update on t referencing old table as o new table as n for each statement execute function f();
-- variant: constraint
create constraint trigger x after insert on t for each row execute function f();
-- variant: constraint-deferrable
create constraint trigger x after insert on t deferrable for each row execute function f();
-- variant: constraint-deferred
create constraint trigger x after insert on t deferrable initially deferred for each row execute function f();
-- variant: constraint-from
create table u (a int); create constraint trigger x after insert on t from u for each row execute function f();
-- variant: constraint-not-from
create table u (a int); create constraint trigger x after insert on t for each row execute function f();
-- variant: instead
create trigger x instead of insert on v for each row execute function f();
-- variant: disabled
create trigger x after insert on t for each row execute function f(); alter table t disable trigger x;
-- variant: always
create trigger x after insert on t for each row execute function f(); alter table t enable always trigger x;
-- variant: replica
create trigger x after insert on t for each row execute function f(); alter table t enable replica trigger x;
-- variant: enabled same-as: plain
create trigger x after insert on t for each row execute function f(); alter table t disable trigger user; alter table t enable trigger user;
-- variant: renamed
create trigger x after insert on t for each row execute function f(); alter trigger x on t rename to y;
-- variant: comment
create trigger x after insert on t for each row execute function f(); comment on trigger x on t is 'one';
-- variant: depends
create extension hstore; create trigger x after insert on t for each row execute function f(); alter trigger x on t depends on extension hstore;
-- variant: does-not-depend
create extension hstore; create trigger x after insert on t for each row execute function f();
-- variant: dropped same-as: base
create trigger x after insert on t for each row execute function f(); drop trigger x on t;

-- family: event-trigger
create function f() returns event_trigger language plpgsql as 'begin null; end'; create function g() returns event_trigger language plpgsql as 'begin null; end';
-- variant: start
create event trigger e on ddl_command_start execute function f();
-- variant: end
create event trigger e on ddl_command_end execute function f();
-- variant: drop
create event trigger e on sql_drop execute function f();
-- variant: rewrite
create event trigger e on table_rewrite execute function f();
-- variant: function
create event trigger e on ddl_command_start execute function g();
-- variant: tags
create event trigger e on ddl_command_start when tag in ('CREATE TABLE') execute function f();
-- variant: tags-two
create event trigger e on ddl_command_start when tag in ('CREATE TABLE', 'DROP TABLE') execute function f();
-- variant: disabled
create event trigger e on ddl_command_start execute function f(); alter event trigger e disable;
-- variant: always
create event trigger e on ddl_command_start execute function f(); alter event trigger e enable always;
-- variant: replica
create event trigger e on ddl_command_start execute function f(); alter event trigger e enable replica;
-- variant: enabled same-as: start
create event trigger e on ddl_command_start execute function f(); alter event trigger e disable; alter event trigger e enable;
-- variant: renamed
create event trigger e on ddl_command_start execute function f(); alter event trigger e rename to d;
-- variant: comment
create event trigger e on ddl_command_start execute function f(); comment on event trigger e is 'one';
-- variant: owner
create event trigger e on ddl_command_start execute function f(); alter event trigger e owner to super_carol;
-- variant: dropped same-as: base
create event trigger e on ddl_command_start execute function f(); drop event trigger e;

-- family: language
create function handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create function inliner(internal) returns void language c as '$libdir/plpgsql', 'plpgsql_inline_handler';
create function validator(oid) returns void language c as '$libdir/plpgsql', 'plpgsql_validator';
-- variant: plain
create language l handler handler;
-- variant: trusted
create trusted language l handler handler;
-- variant: inline
create language l handler handler inline inliner;
-- variant: validator
create language l handler handler validator validator;
-- variant: all-handlers
create language l handler handler inline inliner validator validator;
-- variant: owner
create language l handler handler; alter language l owner to alice;
-- variant: comment
create language l handler handler; comment on language l is 'one';
-- variant: renamed
create language l handler handler; alter language l rename to m;
-- variant: trusted-revoked
create trusted language l handler handler; revoke usage on language l from public;
-- variant: trusted-granted
create trusted language l handler handler; grant usage on language l to alice;
-- variant: plpgsql-dropped
drop extension plpgsql;
-- variant: dropped same-as: base
create language l handler handler; drop language l;

-- family: transform
-- variant: from
create transform for int language sql (from sql with function prsd_lextype(internal));
-- variant: to
create transform for int language sql (to sql with function int4recv(internal));
-- variant: both
create transform for int language sql (from sql with function prsd_lextype(internal), to sql with function int4recv(internal));
-- variant: replaced same-as: from
create transform for int language sql (from sql with function prsd_lextype(internal), to sql with function int4recv(internal)); create or replace transform for int language sql (from sql with function prsd_lextype(internal));
-- variant: type
create transform for bigint language sql (from sql with function prsd_lextype(internal));
-- variant: comment
create transform for int language sql (from sql with function prsd_lextype(internal)); comment on transform for int language sql is 'one';
-- variant: dropped same-as: base
create transform for int language sql (from sql with function prsd_lextype(internal)); drop transform for int language sql;

-- family: access-method
-- variant: index
create access method m type index handler bthandler;
-- variant: index-handler
create access method m type index handler gisthandler;
-- variant: table
create access method m type table handler heap_tableam_handler;
-- variant: comment
create access method m type index handler bthandler; comment on access method m is 'one';
-- variant: other-name
create access method n type index handler bthandler;
-- variant: dropped same-as: base
create access method m type index handler bthandler; drop access method m;
