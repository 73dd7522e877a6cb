//! The HTTP interface. A handler extracts, calls the service and converts; what is decided, and who may what, is the
//! service's. In reading order: the server, the router and its table, what every request passes, the handlers.

mod local;
mod router;
mod routes;
mod serve;

mod app;
mod edge;
mod limits;
mod problem;

mod answer;
mod body;
mod caller;
mod connection;
mod finish;
mod leaving;
mod strangers;
mod stream;
mod unsent;
mod uploads;

mod acts;
mod admin;
mod backtests;
mod backup;
mod batch;
mod blacklist;
mod contracts;
mod decisions;
mod events;
mod export;
mod ledger;
mod master_key;
mod meta;
mod openapi;
mod privacy;
mod rollout;

pub use limits::HttpLimits;
pub use local::{LocalListener, SOCKET, connect};
pub use openapi::document as openapi_document;
pub use problem::{Code, ProblemDocument};
pub use router::{owners_router, router};
pub use serve::{Drained, Listeners, serve, stop_signal};

#[cfg(test)]
mod tests;
