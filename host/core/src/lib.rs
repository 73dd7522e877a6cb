//! Pure decision logic, in reading order: what comes in (events, cases), what policies say (rulings, faults), what stands
//! (chain, caps, decision). No clock, no files, no database, no WebAssembly.

pub mod ids;
pub mod kind;
pub mod limits;
pub mod problem;
pub mod schema;
pub mod event;
pub mod ruling;
pub mod disposition;
pub mod case;
pub mod merchant;
pub mod history;
pub mod facts;

pub mod golden;
pub mod fault;
pub mod messages;
pub mod money;
pub mod caps;
pub mod chain;
pub mod fallback;
pub mod ruling_check;
pub mod decision;
