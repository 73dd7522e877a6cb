//! The service, its HTTP interface and its command line.

pub mod cases;
pub mod cli;
pub mod package;
pub mod service;
