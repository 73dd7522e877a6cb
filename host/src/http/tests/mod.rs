//! The interface over a real service on a temporary directory: `world` has the fixture, every other file one concern.

mod batch;
mod description;
mod errors;
mod events;
mod leaving;
mod ledger;
mod limits;
mod people;
mod server;
mod silence;
mod turns;
mod world;
