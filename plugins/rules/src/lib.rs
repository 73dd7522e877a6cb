//! Pure rules shared by the default policies, the guardrail and the host's caps. Nothing here reads a clock, a file or
//! an environment; nothing here knows WebAssembly.

pub mod after_sale;
pub mod blacklist;
pub mod civil;
pub mod contract;
pub mod delay;
pub mod lexicon;
pub mod normalise;
pub mod notes;
pub mod review;
#[cfg(feature = "text")]
pub mod text;
