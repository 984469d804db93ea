-- family: operator
create schema s; create function f(int, text) returns bool language sql immutable as 'select true'; create function g(int, text) returns bool language sql immutable as 'select true'; create function r(text, int) returns bool language sql immutable as 'select true';
create function u(int) returns int language sql immutable as 'select 1'; create function e(int, int) returns bool language sql immutable as 'select true';
-- variant: plain
create operator === (leftarg = int, rightarg = text, function = f);
-- variant: function
create operator === (leftarg = int, rightarg = text, function = g);
-- variant: prefix
create operator === (rightarg = int, function = u);
-- variant: types
create operator === (leftarg = int, rightarg = int, function = e);
-- variant: commutator
create operator === (leftarg = int, rightarg = int, function = e, commutator = ===);
-- variant: negator
create operator !=== (leftarg = int, rightarg = int, function = e); create operator === (leftarg = int, rightarg = int, function = e, negator = !===);
-- variant: no-negator
create operator !=== (leftarg = int, rightarg = int, function = e); create operator === (leftarg = int, rightarg = int, function = e);
-- variant: restrict
create operator === (leftarg = int, rightarg = int, function = e, restrict = eqsel);
-- variant: restrict-altered same-as: restrict
create operator === (leftarg = int, rightarg = int, function = e); alter operator === (int, int) set (restrict = eqsel);
-- variant: restrict-none same-as: types
create operator === (leftarg = int, rightarg = int, function = e, restrict = eqsel); alter operator === (int, int) set (restrict = none);
-- variant: join
create operator === (leftarg = int, rightarg = int, function = e, join = eqjoinsel);
-- variant: hashes
create operator === (leftarg = int, rightarg = int, function = e, commutator = ===, hashes);
-- variant: merges
create operator === (leftarg = int, rightarg = int, function = e, commutator = ===, merges);
-- variant: shell
create operator === (leftarg = int, rightarg = text, function = f, commutator = ====);
-- variant: owner
create operator === (leftarg = int, rightarg = text, function = f); alter operator === (int, text) owner to alice;
-- variant: comment
create operator === (leftarg = int, rightarg = text, function = f); comment on operator === (int, text) is 'one';
-- variant: moved
create operator === (leftarg = int, rightarg = text, function = f); alter operator === (int, text) set schema s;
-- variant: dropped same-as: base
create operator === (leftarg = int, rightarg = text, function = f); drop operator === (int, text);

-- family: operator-family
create schema s; create function cmp(int, int) returns int language sql immutable as 'select 1'; create function sortsupport(internal) returns void language internal as 'btint4sortsupport';
-- variant: plain
create operator family o using btree;
-- variant: hash
create operator family o using hash;
-- variant: operator
create operator family o using btree; alter operator family o using btree add operator 1 < (int, int);
-- variant: strategy
create operator family o using btree; alter operator family o using btree add operator 2 < (int, int);
-- variant: operator-other
create operator family o using btree; alter operator family o using btree add operator 1 < (int, bigint);
-- variant: function
create operator family o using btree; alter operator family o using btree add function 1 cmp(int, int);
-- variant: function-support
create operator family o using btree; alter operator family o using btree add function 2 (int, int) sortsupport(internal);
-- variant: order-by
create operator family o using gist; alter operator family o using gist add operator 15 <-> (point, point) for order by float_ops;
-- variant: search
create operator family o using gist; alter operator family o using gist add operator 15 ~= (point, point);
-- variant: dropped-operator same-as: plain
create operator family o using btree; alter operator family o using btree add operator 1 < (int, int); alter operator family o using btree drop operator 1 (int, int);
-- variant: owner
create operator family o using btree; alter operator family o using btree owner to alice;
-- variant: comment
create operator family o using btree; comment on operator family o using btree is 'one';
-- variant: renamed
create operator family o using btree; alter operator family o using btree rename to n;
-- variant: moved
create operator family o using btree; alter operator family o using btree set schema s;
-- variant: dropped same-as: base
create operator family o using btree; drop operator family o using btree;
-- variant: built-in
create function lt(int, text) returns bool language sql immutable as 'select true'; create operator <<< (leftarg = int, rightarg = text, function = lt); alter operator family integer_ops using btree add operator 1 <<< (int, text);
-- variant: not-built-in
create function lt(int, text) returns bool language sql immutable as 'select true'; create operator <<< (leftarg = int, rightarg = text, function = lt);

-- family: operator-class
create schema s; create operator family o using btree; create operator family q using btree; create type d as enum ('a'); create function cmp(int, int) returns int language sql immutable as 'select 1';
-- variant: plain
create operator class c for type int using btree family o as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(int, int);
-- variant: swapped same-as: plain
create operator class c for type int using btree family o as function 1 btint4cmp(int, int), operator 5 >, operator 4 >=, operator 3 =, operator 2 <=, operator 1 <;
-- variant: default
create operator class c default for type d using btree family o as function 1 enum_cmp(anyenum, anyenum);
-- variant: not-default
create operator class c for type d using btree family o as function 1 enum_cmp(anyenum, anyenum);
-- variant: no-operators
create operator class c for type int using btree family o as function 1 btint4cmp(int, int);
-- variant: function
create operator class c for type int using btree family o as function 1 cmp(int, int);
-- variant: family
create operator class c for type int using btree family q as function 1 btint4cmp(int, int);
-- variant: own-family
create operator class c for type int using btree as function 1 btint4cmp(int, int);
-- variant: type
create operator class c for type bigint using btree family o as function 1 btint8cmp(bigint, bigint);
-- variant: method
create operator class c for type int using hash as operator 1 =, function 1 hashint4(int);
-- variant: storage
create operator class c for type int[] using gin as operator 1 &&(anyarray, anyarray), function 2 ginarrayextract(anyarray, internal, internal), storage bigint;
-- variant: storage-int
create operator class c for type int[] using gin as operator 1 &&(anyarray, anyarray), function 2 ginarrayextract(anyarray, internal, internal), storage int;
-- variant: gist-order
create operator class c for type point using gist as operator 1 ~=, operator 15 <-> for order by float_ops, function 1 gist_point_consistent(internal, point, smallint, oid, internal);
-- variant: gist-no-order
create operator class c for type point using gist as operator 1 ~=, function 1 gist_point_consistent(internal, point, smallint, oid, internal);
-- variant: owner
create operator class c for type int using btree family o as function 1 btint4cmp(int, int); alter operator class c using btree owner to alice;
-- variant: comment
create operator class c for type int using btree family o as function 1 btint4cmp(int, int); comment on operator class c using btree is 'one';
-- variant: renamed
create operator class c for type int using btree family o as function 1 btint4cmp(int, int); alter operator class c using btree rename to b;
-- variant: moved
create operator class c for type int using btree family o as function 1 btint4cmp(int, int); alter operator class c using btree set schema s;
-- variant: dropped same-as: base
create operator class c for type int using btree family o as function 1 btint4cmp(int, int); drop operator class c using btree;
