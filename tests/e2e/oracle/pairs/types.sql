-- family: enum
create schema s;
-- variant: plain
create type e as enum ('a', 'b');
-- variant: grown same-as: plain
create type e as enum ('a'); alter type e add value 'b';
-- variant: before same-as: plain
create type e as enum ('b'); alter type e add value 'a' before 'b';
-- variant: renamed-label same-as: plain
create type e as enum ('a', 'x'); alter type e rename value 'x' to 'b';
-- variant: swapped
create type e as enum ('b', 'a');
-- variant: one
create type e as enum ('a');
-- variant: three
create type e as enum ('a', 'b', 'c');
-- variant: between
create type e as enum ('a', 'c', 'b');
-- variant: between-altered same-as: between
create type e as enum ('a', 'b'); alter type e add value 'c' after 'a';
-- variant: empty
create type e as enum ();
-- variant: upper
create type e as enum ('A', 'b');
-- variant: owner
create type e as enum ('a', 'b'); alter type e owner to alice;
-- variant: comment
create type e as enum ('a', 'b'); comment on type e is 'one';
-- variant: revoked
create type e as enum ('a', 'b'); revoke usage on type e from public;
-- variant: granted
create type e as enum ('a', 'b'); grant usage on type e to alice;
-- variant: revoked-and-granted same-as: plain
create type e as enum ('a', 'b'); revoke usage on type e from public; grant usage on type e to public;
-- variant: renamed
create type e as enum ('a', 'b'); alter type e rename to f;
-- variant: moved
create type e as enum ('a', 'b'); alter type e set schema s;
-- variant: dropped same-as: base
create type e as enum ('a', 'b'); drop type e;

-- family: domain
create schema s;
-- variant: plain
create domain d as int;
-- variant: spelled same-as: plain
create domain d as pg_catalog.int4 null;
-- variant: bigint
create domain d as bigint;
-- variant: typmod
create domain d as varchar(5);
-- variant: typmod-6
create domain d as varchar(6);
-- variant: text
create domain d as text;
-- variant: collation
create domain d as text collate "C";
-- variant: not-null
create domain d as int not null;
-- variant: not-null-altered same-as: not-null
create domain d as int; alter domain d set not null;
-- variant: nullable-again same-as: plain
create domain d as int not null; alter domain d drop not null;
-- variant: default
create domain d as int default 1;
-- variant: default-2
create domain d as int default 2;
-- variant: default-dropped same-as: plain
create domain d as int default 2; alter domain d drop default;
-- variant: check
create domain d as int constraint k check (value > 0);
-- variant: check-later same-as: check
create domain d as int; alter domain d add constraint k check (value > 0);
-- variant: check-other
create domain d as int constraint k check (value > 1);
-- variant: check-name
create domain d as int constraint l check (value > 0);
-- variant: check-renamed same-as: check-name
create domain d as int constraint k check (value > 0); alter domain d rename constraint k to l;
-- variant: check-two
create domain d as int constraint k check (value > 0) constraint l check (value < 9);
-- variant: check-not-valid
create domain d as int; alter domain d add constraint k check (value > 0) not valid;
-- variant: check-validated same-as: check
create domain d as int; alter domain d add constraint k check (value > 0) not valid; alter domain d validate constraint k;
-- variant: check-comment
create domain d as int constraint k check (value > 0); comment on constraint k on domain d is 'one';
-- variant: array
create domain d as int[];
-- variant: over-domain
create domain b as int; create domain d as b;
-- variant: owner
create domain d as int; alter domain d owner to alice;
-- variant: comment
create domain d as int; comment on domain d is 'one';
-- variant: grant
create domain d as int; grant usage on domain d to alice;
-- variant: revoked
create domain d as int; revoke usage on domain d from public;
-- variant: renamed
create domain d as int; alter domain d rename to e;
-- variant: moved
create domain d as int; alter domain d set schema s;

-- family: composite
create schema s;
-- variant: plain
create type c as (a int, b text);
-- variant: altered same-as: plain
create type c as (a int); alter type c add attribute b text;
-- variant: swapped
create type c as (b text, a int);
-- variant: type
create type c as (a bigint, b text);
-- variant: typmod
create type c as (a int, b varchar(5));
-- variant: name
create type c as (x int, b text);
-- variant: renamed-attribute same-as: name
create type c as (a int, b text); alter type c rename attribute a to x;
-- variant: three
create type c as (a int, b text, d int);
-- variant: dropped-attribute same-as: plain
create type c as (a int, b text, d int); alter type c drop attribute d;
-- variant: empty
create type c as ();
-- variant: collation
create type c as (a int, b text collate "C");
-- variant: owner
create type c as (a int, b text); alter type c owner to alice;
-- variant: comment
create type c as (a int, b text); comment on type c is 'one';
-- variant: attribute-comment
create type c as (a int, b text); comment on column c.a is 'one';
-- variant: grant
create type c as (a int, b text); grant usage on type c to alice;
-- variant: revoked
create type c as (a int, b text); revoke usage on type c from public;
-- variant: renamed
create type c as (a int, b text); alter type c rename to d;
-- variant: moved
create type c as (a int, b text); alter type c set schema s;
-- variant: table
create table c (a int, b text);

-- family: range
create schema s; create function diff(float8, float8) returns float8 language sql immutable strict as 'select $1 - $2';
create function diff2(float8, float8) returns float8 language sql immutable strict as 'select $1 - $2';
-- variant: plain
create type r as range (subtype = float8);
-- variant: subtype
create type r as range (subtype = float4);
-- variant: diff
create type r as range (subtype = float8, subtype_diff = diff);
-- variant: diff-other
create type r as range (subtype = float8, subtype_diff = diff2);
-- variant: multirange-name
create type r as range (subtype = float8, multirange_type_name = rm);
-- variant: multirange-renamed same-as: multirange-name
create type r as range (subtype = float8); alter type r_multirange rename to rm;
-- variant: text
create type r as range (subtype = text);
-- variant: collation
create type r as range (subtype = text, collation = "C");
-- variant: opclass
create type r as range (subtype = text, subtype_opclass = text_pattern_ops);
-- variant: opclass-default same-as: text
create type r as range (subtype = text, subtype_opclass = text_ops);
-- variant: canonical
create type r; create function canon(r) returns r language internal immutable strict as 'int4range_canonical'; create type r as range (subtype = int, canonical = canon);
-- variant: not-canonical
create type r as range (subtype = int);
-- variant: owner
create type r as range (subtype = float8); alter type r owner to alice;
-- variant: comment
create type r as range (subtype = float8); comment on type r is 'one';
-- variant: grant
create type r as range (subtype = float8); revoke usage on type r from public;
-- variant: renamed
create type r as range (subtype = float8); alter type r rename to q;
-- variant: moved
create type r as range (subtype = float8); alter type r set schema s;
-- variant: recreated same-as: plain
create type r as range (subtype = float8); drop type r; create type r as range (subtype = double precision);

-- family: base-type
create type b; create function b_in(cstring) returns b language internal immutable strict as 'int4in'; create function b_out(b) returns cstring language internal immutable strict as 'int4out';
create function b_recv(internal) returns b language internal immutable strict as 'int4recv'; create function b_send(b) returns bytea language internal immutable strict as 'int4send';
create function b_tin(cstring[]) returns int language internal immutable strict as 'varchartypmodin'; create function b_tout(int) returns cstring language internal immutable strict as 'varchartypmodout';
create function b_analyze(internal) returns bool language internal strict as 'range_typanalyze'; create function b_subscript(internal) returns internal language internal strict as 'array_subscript_handler';
-- variant: plain
create type b (input = b_in, output = b_out, internallength = 4, passedbyvalue, alignment = int4);
-- variant: like same-as: plain
create type b (input = b_in, output = b_out, like = int4);
-- variant: receive
create type b (input = b_in, output = b_out, like = int4, receive = b_recv);
-- variant: send
create type b (input = b_in, output = b_out, like = int4, send = b_send);
-- variant: typmod
create type b (input = b_in, output = b_out, like = int4, typmod_in = b_tin, typmod_out = b_tout);
-- variant: analyze
create type b (input = b_in, output = b_out, like = int4, analyze = b_analyze);
-- variant: subscript
create type b (input = b_in, output = b_out, like = int4, subscript = b_subscript, element = int4);
-- variant: length
create type b (input = b_in, output = b_out, internallength = 2, passedbyvalue, alignment = int2);
-- variant: by-reference
create type b (input = b_in, output = b_out, internallength = 4, alignment = int4);
-- variant: variable
create type b (input = b_in, output = b_out, internallength = variable);
-- variant: alignment
create type b (input = b_in, output = b_out, internallength = variable, alignment = double);
-- variant: storage
create type b (input = b_in, output = b_out, internallength = variable, storage = extended);
-- variant: category
create type b (input = b_in, output = b_out, like = int4, category = 'N');
-- variant: preferred
create type b (input = b_in, output = b_out, like = int4, category = 'x', preferred = true);
-- variant: category-x
create type b (input = b_in, output = b_out, like = int4, category = 'x');
-- variant: default
create type b (input = b_in, output = b_out, like = int4, default = '7');
-- variant: element
create type b (input = b_in, output = b_out, internallength = 8, element = int4);
-- variant: no-element
create type b (input = b_in, output = b_out, internallength = 8);
-- variant: delimiter
create type b (input = b_in, output = b_out, like = int4, delimiter = ';');
-- variant: collatable
create type b (input = b_in, output = b_out, internallength = variable, collatable = true);
-- variant: owner
create type b (input = b_in, output = b_out, like = int4); alter type b owner to alice;
-- variant: comment
create type b (input = b_in, output = b_out, like = int4); comment on type b is 'one';
-- variant: revoked
create type b (input = b_in, output = b_out, like = int4); revoke usage on type b from public;
-- variant: shell-comment
comment on type b is 'one';
-- variant: other-shell
create type bb;
-- variant: send-altered same-as: send
create type b (input = b_in, output = b_out, like = int4); alter type b set (send = b_send);

-- family: collation
create schema s;
-- variant: libc
create collation c (locale = 'C');
-- variant: libc-posix
create collation c (locale = 'POSIX');
-- variant: parts
create collation c (lc_collate = 'C', lc_ctype = 'POSIX');
-- variant: copied same-as: libc
create collation c from "C";
-- variant: icu
create collation c (provider = icu, locale = 'de');
-- variant: icu-fr
create collation c (provider = icu, locale = 'fr');
-- variant: nondeterministic
create collation c (provider = icu, locale = 'de', deterministic = false);
-- variant: renamed
create collation c (locale = 'C'); alter collation c rename to d;
-- variant: moved
create collation c (locale = 'C'); alter collation c set schema s;
-- variant: owner
create collation c (locale = 'C'); alter collation c owner to alice;
-- variant: comment
create collation c (locale = 'C'); comment on collation c is 'one';
-- variant: dropped same-as: base
create collation c (locale = 'C'); drop collation c;

-- family: conversion
create schema s;
-- variant: plain
create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
-- variant: default
create default conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
-- variant: other-way
create conversion c for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
-- variant: function
create function conv(integer, integer, cstring, internal, integer, boolean) returns integer language c strict as '$libdir/utf8_and_iso8859_1', 'utf8_to_iso8859_1'; create conversion c for 'UTF8' to 'LATIN1' from conv;
-- variant: renamed
create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1; alter conversion c rename to d;
-- variant: moved
create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1; alter conversion c set schema s;
-- variant: owner
create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1; alter conversion c owner to alice;
-- variant: comment
create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1; comment on conversion c is 'one';

-- family: cast
create type a as (x int); create type b as enum ('q'); create function f(a) returns b language sql immutable as $$ select 'q'::b $$; create function g(a) returns b language sql immutable as $$ select 'q'::b $$;
-- variant: plain
create cast (a as b) with function f(a);
-- variant: other-function
create cast (a as b) with function g(a);
-- variant: assignment
create cast (a as b) with function f(a) as assignment;
-- variant: implicit
create cast (a as b) with function f(a) as implicit;
-- variant: inout
create cast (a as b) with inout;
-- variant: other-way
create cast (b as text) with inout as assignment;
-- variant: binary
create type n; create function n_in(cstring) returns n language internal immutable strict as 'int4in'; create function n_out(n) returns cstring language internal immutable strict as 'int4out'; create type n (input = n_in, output = n_out, like = int4); create cast (n as int) without function;
-- variant: not-binary
create type n; create function n_in(cstring) returns n language internal immutable strict as 'int4in'; create function n_out(n) returns cstring language internal immutable strict as 'int4out'; create type n (input = n_in, output = n_out, like = int4);
-- variant: comment
create cast (a as b) with function f(a); comment on cast (a as b) is 'one';
-- variant: dropped same-as: base
create cast (a as b) with function f(a); drop cast (a as b);
