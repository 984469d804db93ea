//! The runtime on a real server.

mod blocking;
mod cli;
mod connect;
mod engine;
mod secured;
mod testing;
