//! The service, its HTTP interface and its command line.

pub mod cases;
pub mod cli;
pub mod judge;
pub mod package;
pub mod registry;
pub mod service;
