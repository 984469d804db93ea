-- family: key
create table t (a int not null, b int not null, c text not null);
-- variant: primary
alter table t add primary key (a);
-- variant: inline same-as: primary
drop table t; create table t (a int primary key, b int not null, c text not null);
-- variant: from-index same-as: primary
create unique index t_pkey on t (a); alter table t add primary key using index t_pkey;
-- variant: named
alter table t add constraint k primary key (a);
-- variant: renamed same-as: named
alter table t add primary key (a); alter table t rename constraint t_pkey to k;
-- variant: index-renamed same-as: named
alter table t add primary key (a); alter index t_pkey rename to k;
-- variant: primary-ab
alter table t add primary key (a, b);
-- variant: primary-ba
alter table t add primary key (b, a);
-- variant: primary-include
alter table t add primary key (a) include (b);
-- variant: unique
alter table t add constraint t_pkey unique (a);
-- variant: unique-nulls
alter table t add constraint t_pkey unique nulls not distinct (a);
-- variant: unique-index
create unique index t_pkey on t (a);
-- variant: unique-b
alter table t add constraint t_pkey unique (b);
-- variant: unique-include
alter table t add constraint t_pkey unique (a) include (b);
-- variant: unique-include-c
alter table t add constraint t_pkey unique (a) include (c);
-- variant: deferrable
alter table t add primary key (a) deferrable;
-- variant: deferred
alter table t add primary key (a) deferrable initially deferred;
-- variant: not-deferrable same-as: primary
alter table t add primary key (a) not deferrable;
-- variant: fillfactor
alter table t add primary key (a) with (fillfactor = 70);
-- variant: fillfactor-altered same-as: fillfactor
alter table t add primary key (a); alter index t_pkey set (fillfactor = 70);
-- variant: clustered
alter table t add primary key (a); alter table t cluster on t_pkey;
-- variant: replica
alter table t add constraint t_pkey unique (a); alter table t replica identity using index t_pkey;
-- variant: comment
alter table t add primary key (a); comment on constraint t_pkey on t is 'one';
-- variant: comment-index
alter table t add primary key (a); comment on index t_pkey is 'one';
-- variant: opclass-unique
create unique index t_pkey on t (c text_pattern_ops);
-- variant: two
alter table t add primary key (a); alter table t add constraint u unique (b);
-- variant: two-swapped same-as: two
alter table t add constraint u unique (b); alter table t add primary key (a);
-- variant: dropped same-as: base
alter table t add primary key (a); alter table t drop constraint t_pkey;
-- variant: not-null-left same-as: base
alter table t add primary key (a, b); alter table t drop constraint t_pkey;

-- family: check
create table t (a int, b int);
-- variant: plain
alter table t add constraint k check (a > 0);
-- variant: inline same-as: plain
drop table t; create table t (a int constraint k check (a > 0), b int);
-- variant: table-level same-as: plain
drop table t; create table t (a int, b int, constraint k check ((a > 0)));
-- variant: other-expression
alter table t add constraint k check (a > 1);
-- variant: other-column
alter table t add constraint k check (b > 0);
-- variant: two-columns
alter table t add constraint k check (a > b);
-- variant: named
alter table t add constraint l check (a > 0);
-- variant: generated-name
alter table t add check (a > 0);
-- variant: generated-name-inline same-as: generated-name
drop table t; create table t (a int check (a > 0), b int);
-- variant: no-inherit
alter table t add constraint k check (a > 0) no inherit;
-- variant: not-valid
alter table t add constraint k check (a > 0) not valid;
-- variant: validated same-as: plain
alter table t add constraint k check (a > 0) not valid; alter table t validate constraint k;
-- variant: renamed same-as: named
alter table t add constraint k check (a > 0); alter table t rename constraint k to l;
-- variant: comment
alter table t add constraint k check (a > 0); comment on constraint k on t is 'one';
-- variant: twice
alter table t add constraint k check (a > 0); alter table t add constraint l check (a > 0);
-- variant: function
create function f(int) returns bool language sql immutable as 'select true'; alter table t add constraint k check (f(a));
-- variant: dropped same-as: base
alter table t add constraint k check (a > 0); alter table t drop constraint k;
-- variant: in-list
alter table t add constraint k check (a in (1, 2));
-- variant: any-array same-as: in-list
alter table t add constraint k check (a = any (array[1, 2]));

-- family: foreign-key
create table p (id int primary key, a int, b int, unique (a, b), unique (a)); create table c (x int, y int, z int);
-- variant: plain
alter table c add constraint f foreign key (x) references p (id);
-- variant: implicit-key same-as: plain
alter table c add constraint f foreign key (x) references p;
-- variant: inline order-of: plain
drop table c; create table c (y int, z int, x int constraint f references p);
-- variant: spelled same-as: plain
alter table c add constraint f foreign key (x) references p (id) match simple on delete no action on update no action not deferrable initially immediate;
-- variant: other-target
alter table c add constraint f foreign key (x) references p (a);
-- variant: other-column
alter table c add constraint f foreign key (y) references p (id);
-- variant: two-columns
alter table c add constraint f foreign key (x, y) references p (a, b);
-- variant: two-columns-swapped
alter table c add constraint f foreign key (y, x) references p (a, b);
-- variant: delete-cascade
alter table c add constraint f foreign key (x) references p on delete cascade;
-- variant: delete-restrict
alter table c add constraint f foreign key (x) references p on delete restrict;
-- variant: delete-null
alter table c add constraint f foreign key (x) references p on delete set null;
-- variant: delete-default
alter table c add constraint f foreign key (x) references p on delete set default;
-- variant: update-cascade
alter table c add constraint f foreign key (x) references p on update cascade;
-- variant: update-restrict
alter table c add constraint f foreign key (x) references p on update restrict;
-- variant: update-null
alter table c add constraint f foreign key (x) references p on update set null;
-- variant: delete-null-two
alter table c add constraint f foreign key (x, y) references p (a, b) on delete set null;
-- variant: delete-null-one
alter table c add constraint f foreign key (x, y) references p (a, b) on delete set null (x);
-- variant: delete-null-other
alter table c add constraint f foreign key (x, y) references p (a, b) on delete set null (y);
-- variant: delete-default-one
alter table c add constraint f foreign key (x, y) references p (a, b) on delete set default (x);
-- variant: match-full
alter table c add constraint f foreign key (x, y) references p (a, b) match full;
-- variant: deferrable
alter table c add constraint f foreign key (x) references p deferrable;
-- variant: deferred
alter table c add constraint f foreign key (x) references p deferrable initially deferred;
-- variant: altered-deferrable same-as: deferred
alter table c add constraint f foreign key (x) references p; alter table c alter constraint f deferrable initially deferred;
-- variant: not-valid
alter table c add constraint f foreign key (x) references p not valid;
-- variant: validated same-as: plain
alter table c add constraint f foreign key (x) references p not valid; alter table c validate constraint f;
-- variant: named
alter table c add constraint g foreign key (x) references p;
-- variant: generated-name
alter table c add foreign key (x) references p;
-- variant: comment
alter table c add constraint f foreign key (x) references p; comment on constraint f on c is 'one';
-- variant: self
alter table p add constraint f foreign key (a) references p;
-- variant: triggers-disabled
alter table c add constraint f foreign key (x) references p; alter table c disable trigger all;
-- variant: triggers-back same-as: plain
alter table c add constraint f foreign key (x) references p; alter table c disable trigger all; alter table c enable trigger all;
-- variant: dropped same-as: base
alter table c add constraint f foreign key (x) references p; alter table c drop constraint f;

-- family: exclusion
create table t (a int, r int4range, c circle);
-- variant: plain
alter table t add constraint x exclude using gist (r with &&);
-- variant: inline same-as: plain
drop table t; create table t (a int, r int4range, c circle, constraint x exclude using gist (r with &&));
-- variant: other-operator
alter table t add constraint x exclude using gist (r with -|-);
-- variant: other-column
alter table t add constraint x exclude using gist (c with &&);
-- variant: two
alter table t add constraint x exclude using gist (r with &&, c with &&);
-- variant: where
alter table t add constraint x exclude using gist (r with &&) where (a > 0);
-- variant: where-other
alter table t add constraint x exclude using gist (r with &&) where (a > 1);
-- variant: deferrable
alter table t add constraint x exclude using gist (r with &&) deferrable;
-- variant: deferred
alter table t add constraint x exclude using gist (r with &&) deferrable initially deferred;
-- variant: include
alter table t add constraint x exclude using gist (r with &&) include (a);
-- variant: method
alter table t add constraint x exclude using btree (a with =);
-- variant: hash
alter table t add constraint x exclude using hash (a with =);
-- variant: expression
alter table t add constraint x exclude using btree ((a + 1) with =);
-- variant: options
alter table t add constraint x exclude using gist (r with &&) with (fillfactor = 70);
-- variant: comment
alter table t add constraint x exclude using gist (r with &&); comment on constraint x on t is 'one';

-- family: index
create table t (a int not null, b text, c int[], d text);
-- variant: plain
create index i on t (a);
-- variant: recreated same-as: plain
create index i on t (a); drop index i; create index i on t using btree (a asc nulls last);
-- variant: reindexed same-as: plain
create index i on t (a); reindex index i;
-- variant: renamed same-as: plain
create index j on t (a); alter index j rename to i;
-- variant: other-name
create index j on t (a);
-- variant: unique
create unique index i on t (a);
-- variant: unique-nulls
create unique index i on t (a) nulls not distinct;
-- variant: desc
create index i on t (a desc);
-- variant: nulls-first
create index i on t (a nulls first);
-- variant: desc-nulls-last
create index i on t (a desc nulls last);
-- variant: other-column
create index i on t (b);
-- variant: opclass
create index i on t (b text_pattern_ops);
-- variant: opclass-default same-as: other-column
create index i on t (b text_ops);
-- variant: collation
create index i on t (b collate "C");
-- variant: two
create index i on t (a, b);
-- variant: two-swapped
create index i on t (b, a);
-- variant: include
create index i on t (a) include (b);
-- variant: include-d
create index i on t (a) include (d);
-- variant: expression
create index i on t (lower(b));
-- variant: expression-other
create index i on t (upper(b));
-- variant: where
create index i on t (a) where a > 0;
-- variant: where-other
create index i on t (a) where a > 1;
-- variant: hash
create index i on t using hash (a);
-- variant: brin
create index i on t using brin (a);
-- variant: brin-pages
create index i on t using brin (a) with (pages_per_range = 64);
-- variant: brin-opclass
create index i on t using brin (a int4_bloom_ops);
-- variant: brin-opclass-options
create index i on t using brin (a int4_bloom_ops (false_positive_rate = 0.05));
-- variant: gin
create index i on t using gin (c);
-- variant: gin-fastupdate
create index i on t using gin (c) with (fastupdate = off);
-- variant: fillfactor
create index i on t (a) with (fillfactor = 70);
-- variant: fillfactor-reset same-as: plain
create index i on t (a) with (fillfactor = 70); alter index i reset (fillfactor);
-- variant: deduplicate
create index i on t (a) with (deduplicate_items = off);
-- variant: statistics
create index i on t (lower(b)); alter index i alter column 1 set statistics 500;
-- variant: statistics-back same-as: expression
create index i on t (lower(b)); alter index i alter column 1 set statistics 500; alter index i alter column 1 set statistics -1;
-- variant: clustered
create index i on t (a); alter table t cluster on i;
-- variant: replica
create unique index i on t (a); alter table t replica identity using index i;
-- variant: comment
create index i on t (a); comment on index i is 'one';
-- variant: invalid
create index i on t (a); update pg_index set indisvalid = false where indexrelid = 'i'::regclass;
-- variant: invalid-unique
create unique index i on t (a); update pg_index set indisvalid = false where indexrelid = 'i'::regclass;
-- variant: repaired same-as: plain
create index i on t (a); update pg_index set indisvalid = false where indexrelid = 'i'::regclass; reindex index i;
-- variant: duplicate
create index i on t (a); create index j on t (a);
-- variant: matview
create materialized view m as select a, b from t; create unique index i on m (a);
-- variant: dropped same-as: base
create index i on t (a); drop index i;
-- variant: depends
create extension hstore; create index i on t (a); alter index i depends on extension hstore;
-- variant: does-not-depend
create extension hstore; create index i on t (a);
-- variant: system-column-tid
create index i on t ((b || d));

-- family: statistics
create table t (a int, b int, c text);
-- variant: all
create statistics s on a, b from t;
-- variant: listed same-as: all
create statistics s (ndistinct, dependencies, mcv) on b, a from t;
-- variant: ndistinct
create statistics s (ndistinct) on a, b from t;
-- variant: dependencies
create statistics s (dependencies) on a, b from t;
-- variant: mcv
create statistics s (mcv) on a, b from t;
-- variant: two-kinds
create statistics s (ndistinct, mcv) on a, b from t;
-- variant: other-columns
create statistics s on a, c from t;
-- variant: expression
create statistics s on (a + b) from t;
-- variant: mixed
create statistics s on a, (lower(c)) from t;
-- variant: target
create statistics s on a, b from t; alter statistics s set statistics 100;
-- variant: target-0
create statistics s on a, b from t; alter statistics s set statistics 0;
-- variant: target-back same-as: all
create statistics s on a, b from t; alter statistics s set statistics 100; alter statistics s set statistics -1;
-- variant: renamed
create statistics s on a, b from t; alter statistics s rename to r;
-- variant: owner
create statistics s on a, b from t; alter statistics s owner to alice;
-- variant: comment
create statistics s on a, b from t; comment on statistics s is 'one';
-- variant: moved
create schema x; create statistics s on a, b from t; alter statistics s set schema x;
-- variant: analyzed same-as: all
create statistics s on a, b from t; insert into t values (1, 2, '3'), (1, 2, '4'); analyze t;
-- variant: dropped same-as: base
create statistics s on a, b from t; drop statistics s;
