//! What the tests share: hostile guests built from text, cases, a server to talk to.

pub mod guests;
