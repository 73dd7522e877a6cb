//! The policy against the golden cases, away from the defaults, and as properties.

mod fixture;
mod golden;
mod properties;
mod settings;
mod table;
