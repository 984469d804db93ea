//! End-to-end tests, in one binary: the real program and a real PostgreSQL.

mod oracle;
