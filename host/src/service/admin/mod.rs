//! Merchants, keys and bindings: from the store into the snapshot, and every change of them.

mod bindings;
mod files;
mod keys;
mod load;
mod merchants;

use anyhow::{Result, anyhow};
use ombud_core::ids::ActorId;

use super::Service;
use super::actor::{Principal, Role};
use super::error::ServiceError;

pub(super) use files::private_folder;
pub(crate) use files::secret;
pub(super) use load::guardrail;

impl Service {
    /// The operator as the data directory's owner: commands on the directory act as this.
    pub fn owner() -> Result<Principal> {
        Ok(Principal { actor: ActorId::new("operator").map_err(|error| anyhow!("{error}"))?, role: Role::Operator, merchant: None })
    }
}

/// Runs what waits for the writer off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Internal(error.into()))?
}
