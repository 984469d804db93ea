//! The insides of `cargo dbmigrate`. Not a library for others: the binary and the workspace's own tests use it, and
//! nothing in it is stable. What applications embed is the crate `dbmigrate-runtime`.
#![allow(rustdoc::private_intra_doc_links, reason = "these pages are for whoever works on the tool")]

pub mod adopt;
pub mod cli;
pub mod commands;
pub mod config;
pub mod consolidate;
pub mod directory;
pub mod operate;
pub mod printer;
pub mod problem;
pub mod project;
pub mod report;
pub mod server;
pub mod sql;
pub mod verify;

pub use dbmigrate_runtime::snapshot;
