//! The runtime on a real server.

mod blocking;
mod cli;
mod connect;
mod engine;
mod faults;
mod journal;
mod journal_locks;
mod secured;
mod testing;
