//! Pure decision logic: what comes in (events, cases), what policies say (rulings, faults), what stands (chain, caps, decision).
//! No clock, no files, no database, no WebAssembly.

pub mod case;
pub mod disposition;
pub mod event;
pub mod facts;
pub mod history;
pub mod ids;
pub mod kind;
pub mod limits;
pub mod merchant;
pub mod problem;
pub mod ruling;
pub mod schema;

pub mod behaviour;
pub mod boundary;
pub mod call_limits;
pub mod caps;
pub mod chain;
pub mod compact;
pub mod deciding;
pub mod decision;
pub mod declared;
pub mod edition;
pub mod explain;
pub mod fallback;
pub mod fault;
pub mod golden;
pub mod impact;
pub mod measure;
pub mod messages;
pub mod money;
pub mod protect;
pub mod rollout;
pub mod ruling_check;
pub mod share_limits;
pub mod shown;
pub mod upload_limits;
pub mod yaml;
