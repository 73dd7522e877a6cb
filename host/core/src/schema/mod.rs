//! JSON from outside: one definition of what is allowed, read in two ways.
//!
//! The **fast path** deserialises straight into the typed records and checks their bounds ([`bound`], [`contract`]). Only
//! when it refuses, the **slow path** reads the JSON again as a tree and finds every problem with its place
//! ([`check`]), against the JSON Schema that is generated from the same types and the same bounds, and that is served
//! to callers. A property test holds the two together.

pub mod bound;
pub mod check;
pub mod contract;
pub mod open;
pub mod strict;
pub mod text;
pub mod typed;

pub use bound::{Bound, Bounded};
pub use check::Checker;
