//! What the tests share: hostile guests built from text, example events, a server to talk to.

pub mod client;
pub mod command;
pub mod events;
pub mod forge;
pub mod guests;
pub mod ledger;
pub mod process;
pub mod random;
pub mod server;
pub mod uploads;
pub mod witness;
