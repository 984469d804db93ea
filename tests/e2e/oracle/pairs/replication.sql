-- family: publication
create schema x; create table t (a int primary key, b text, c int); create table u (a int primary key); create table x.v (a int);
create table pp (a int primary key) partition by list (a);
-- variant: plain
create publication p;
-- variant: all
create publication p for all tables;
-- variant: insert
create publication p with (publish = 'insert');
-- variant: insert-update
create publication p with (publish = 'insert, update');
-- variant: altered same-as: insert-update
create publication p; alter publication p set (publish = 'update, insert');
-- variant: no-delete
create publication p with (publish = 'insert, update, truncate');
-- variant: root
create publication p with (publish_via_partition_root = true);
-- variant: table
create publication p for table t;
-- variant: table-u
create publication p for table u;
-- variant: tables
create publication p for table t, u;
-- variant: tables-swapped same-as: tables
create publication p for table u; alter publication p add table t;
-- variant: table-dropped same-as: table
create publication p for table u, t; alter publication p drop table u;
-- variant: columns
create publication p for table t (a, b);
-- variant: columns-swapped same-as: columns
create publication p for table t (b, a);
-- variant: columns-other
create publication p for table t (a, c);
-- variant: where
create publication p for table t where (a > 0);
-- variant: where-other
create publication p for table t where (a > 1);
-- variant: columns-where
create publication p for table t (a, b) where (a > 0);
-- variant: schema
create publication p for tables in schema x;
-- variant: schema-table
create publication p for tables in schema x, table t;
-- variant: schemas
create publication p for tables in schema x, public;
-- variant: partitioned
create publication p for table pp;
-- variant: owner
create publication p; alter publication p owner to super_carol;
-- variant: comment
create publication p; comment on publication p is 'one';
-- variant: renamed
create publication p; alter publication p rename to q;
-- variant: dropped same-as: base
create publication p; drop publication p;

-- family: publication-order
create table t (a int primary key, b text, c int);
-- variant: plain
create publication p for table t (a, b);
-- variant: columns-moved order-of: plain
alter table t drop b; alter table t add b text; create publication p for table t (a, b);

-- family: subscription
create schema x;
-- variant: plain
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none);
-- variant: connection
create subscription s connection 'dbname=elsewhere' publication p with (connect = false, slot_name = none);
-- variant: publication
create subscription s connection 'dbname=nowhere' publication q with (connect = false, slot_name = none);
-- variant: publications
create subscription s connection 'dbname=nowhere' publication p, q with (connect = false, slot_name = none);
-- variant: slot
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = 'slot');
-- variant: binary
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, binary = true);
-- variant: streaming
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, streaming = true);
-- variant: commit
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, synchronous_commit = 'local');
-- variant: two-phase
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, two_phase = true);
-- variant: disable-on-error
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none, disable_on_error = true);
-- variant: comment
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none); comment on subscription s is 'one';
-- variant: owner
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none); alter subscription s owner to super_carol;
-- variant: renamed
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none); alter subscription s rename to r;
-- variant: dropped same-as: base
create subscription s connection 'dbname=nowhere' publication p with (connect = false, slot_name = none); drop subscription s;
