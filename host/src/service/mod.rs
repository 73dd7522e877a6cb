//! The service: it knows merchants, policies, records and people, and no HTTP.

pub mod actor;
pub mod error;
pub mod wire;

pub use actor::{NewKey, Principal, Right, Role};
pub use error::ServiceError;
