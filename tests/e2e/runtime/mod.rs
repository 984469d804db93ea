//! The runtime on a real server.

mod connect;
mod engine;
mod secured;
mod testing;
