//! The service, its HTTP interface and its command line.

pub mod audit;
pub mod backtest;
pub mod backup;
pub mod behaviour;
pub mod bench;
pub mod bodies;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod gate;
pub mod http;
pub mod judge;
pub mod metrics;
pub mod package;
pub mod plugins;
mod priority;
pub mod registry;
pub mod replay;
pub mod scaffold;
pub mod service;
pub mod signature;
pub mod telemetry;
mod temporary;
