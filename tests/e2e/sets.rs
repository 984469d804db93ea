//! Migrations that many tests use, as `(name, up, down)`.

pub(crate) type Set<'a> = (&'a str, &'a str, &'a str);

/// A table.
pub(crate) const USERS: Set<'_> = (
    "create_users",
    "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);\n",
    "DROP TABLE users;\n",
);

/// A table that refers to it.
pub(crate) const ORDERS: Set<'_> = (
    "create_orders",
    "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id));\n\
     CREATE INDEX orders_user_id ON orders (user_id);\n",
    "DROP TABLE orders;\n",
);

/// A column.
pub(crate) const NICK: Set<'_> =
    ("add_nick", "ALTER TABLE users ADD COLUMN nick text;\n", "ALTER TABLE users DROP COLUMN nick;\n");

/// Files of the first of them.
pub(crate) const FIRST: &str = "migrations/V20200101000001__create_users.sql";
pub(crate) const FIRST_DOWN: &str = "migrations/V20200101000001__create_users.down.sql";
/// And of the second.
pub(crate) const SECOND: &str = "migrations/V20200101000002__create_orders.sql";
pub(crate) const SECOND_DOWN: &str = "migrations/V20200101000002__create_orders.down.sql";
pub(crate) const LOCK: &str = "migrations/dbmigrate.lock";
