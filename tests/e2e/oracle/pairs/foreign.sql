-- family: foreign-data-wrapper
create extension file_fdw;
-- variant: plain
create foreign data wrapper w;
-- variant: handler
create foreign data wrapper w handler file_fdw_handler;
-- variant: validator
create foreign data wrapper w validator postgresql_fdw_validator;
-- variant: handler-altered same-as: handler
create foreign data wrapper w; alter foreign data wrapper w handler file_fdw_handler;
-- variant: handler-dropped same-as: plain
create foreign data wrapper w handler file_fdw_handler; alter foreign data wrapper w no handler;
-- variant: options
create foreign data wrapper w options (a '1');
-- variant: options-value
create foreign data wrapper w options (a '2');
-- variant: options-two
create foreign data wrapper w options (a '1', b '2');
-- variant: owner
create foreign data wrapper w; alter foreign data wrapper w owner to super_carol;
-- variant: comment
create foreign data wrapper w; comment on foreign data wrapper w is 'one';
-- variant: grant
create foreign data wrapper w; grant usage on foreign data wrapper w to alice;
-- variant: grantable
create foreign data wrapper w; grant usage on foreign data wrapper w to alice with grant option;
-- variant: revoked same-as: plain
create foreign data wrapper w; grant usage on foreign data wrapper w to alice; revoke usage on foreign data wrapper w from alice;
-- variant: renamed
create foreign data wrapper w; alter foreign data wrapper w rename to v;
-- variant: dropped same-as: base
create foreign data wrapper w; drop foreign data wrapper w;

-- family: server
create foreign data wrapper w; create foreign data wrapper v;
-- variant: plain
create server s foreign data wrapper w;
-- variant: wrapper
create server s foreign data wrapper v;
-- variant: type
create server s type 'x' foreign data wrapper w;
-- variant: version
create server s version '1' foreign data wrapper w;
-- variant: version-2
create server s version '1' foreign data wrapper w; alter server s version '2';
-- variant: options
create server s foreign data wrapper w options (host 'a');
-- variant: options-altered same-as: options
create server s foreign data wrapper w options (host 'b'); alter server s options (set host 'a');
-- variant: options-value
create server s foreign data wrapper w options (host 'b');
-- variant: owner
create server s foreign data wrapper w; grant usage on foreign data wrapper w to alice; alter server s owner to alice; 
-- variant: grant
create server s foreign data wrapper w; grant usage on foreign server s to alice;
-- variant: comment
create server s foreign data wrapper w; comment on server s is 'one';
-- variant: renamed
create server s foreign data wrapper w; alter server s rename to r;
-- variant: dropped same-as: base
create server s foreign data wrapper w; drop server s;

-- family: user-mapping
create foreign data wrapper w; create server s foreign data wrapper w; create server r foreign data wrapper w;
-- variant: plain
create user mapping for alice server s;
-- variant: public
create user mapping for public server s;
-- variant: bob
create user mapping for bob server s;
-- variant: server
create user mapping for alice server r;
-- variant: options
create user mapping for alice server s options (password 'a');
-- variant: options-value
create user mapping for alice server s options (password 'b');
-- variant: options-altered same-as: options
create user mapping for alice server s options (password 'b'); alter user mapping for alice server s options (set password 'a');
-- variant: options-dropped same-as: plain
create user mapping for alice server s options (password 'b'); alter user mapping for alice server s options (drop password);
-- variant: two
create user mapping for alice server s; create user mapping for bob server s;
-- variant: dropped same-as: base
create user mapping for alice server s; drop user mapping for alice server s;

-- family: foreign-table
create schema x; create foreign data wrapper w; create server s foreign data wrapper w; create server r foreign data wrapper w; create table p (a int, b text); create table pp (a int, b text) partition by list (a);
-- variant: plain
create foreign table f (a int, b text) server s;
-- variant: server
create foreign table f (a int, b text) server r;
-- variant: options
create foreign table f (a int, b text) server s options (x '1');
-- variant: options-value
create foreign table f (a int, b text) server s options (x '2');
-- variant: options-altered same-as: options
create foreign table f (a int, b text) server s; alter foreign table f options (add x '1');
-- variant: options-dropped same-as: plain
create foreign table f (a int, b text) server s options (x '1'); alter foreign table f options (drop x);
-- variant: column-options
create foreign table f (a int options (c '1'), b text) server s;
-- variant: column-options-value
create foreign table f (a int options (c '2'), b text) server s;
-- variant: column-options-b
create foreign table f (a int, b text options (c '1')) server s;
-- variant: column-type
create foreign table f (a bigint, b text) server s;
-- variant: reordered order-of: plain
create foreign table f (b text, a int) server s;
-- variant: not-null
create foreign table f (a int not null, b text) server s;
-- variant: default
create foreign table f (a int default 1, b text) server s;
-- variant: check
create foreign table f (a int, b text, constraint k check (a > 0)) server s;
-- variant: generated
create foreign table f (a int, b text generated always as ('x') stored) server s;
-- variant: storage
create foreign table f (a int, b text) server s; alter foreign table f alter b set storage plain;
-- variant: statistics
create foreign table f (a int, b text) server s; alter foreign table f alter a set statistics 10;
-- variant: distinct
create foreign table f (a int, b text) server s; alter foreign table f alter a set (n_distinct = 5);
-- variant: inherits
create foreign table f () inherits (p) server s;
-- variant: partition
create foreign table f partition of pp for values in (1) server s;
-- variant: trigger
create function tf() returns trigger language plpgsql as 'begin return new; end'; create foreign table f (a int, b text) server s; create trigger g after insert on f for each row execute function tf();
-- variant: comment
create foreign table f (a int, b text) server s; comment on foreign table f is 'one';
-- variant: column-comment
create foreign table f (a int, b text) server s; comment on column f.a is 'one';
-- variant: grant
create foreign table f (a int, b text) server s; grant select on f to alice;
-- variant: owner
create foreign table f (a int, b text) server s; alter foreign table f owner to alice;
-- variant: renamed
create foreign table f (a int, b text) server s; alter foreign table f rename to g;
-- variant: moved
create foreign table f (a int, b text) server s; alter foreign table f set schema x;
-- variant: table
create table f (a int, b text);
-- variant: dropped same-as: base
create foreign table f (a int, b text) server s; drop foreign table f;
