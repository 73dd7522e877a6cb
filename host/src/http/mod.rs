//! The HTTP interface. A handler extracts, calls the service and converts; what is decided, and who may what, is the
//! service's. In reading order: the server, the router and its table, what every request passes, the handlers.

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
mod finish;

mod admin;
mod batch;
mod blacklist;
mod decisions;
mod events;
mod meta;
mod openapi;

pub use limits::HttpLimits;
pub use openapi::document as openapi_document;
pub use problem::{Code, ProblemDocument};
pub use router::router;
pub use serve::{Drained, serve, stop_signal};

#[cfg(test)]
mod tests;
