//! The runtime on a real server.

mod engine;
