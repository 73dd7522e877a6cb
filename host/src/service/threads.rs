//! Where work runs that would hold up a thread of the runtime.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::error::ServiceError;
use crate::priority::behind_others;

/// Reads for long where a request is handled, while another thread takes what else was to run there.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A runtime of one thread, as tests have, has none to give it to.
        _ => work(),
    }
}

/// Runs what waits for the writer, or works for long, off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Internal(error.into()))?
}

/// Runs what works for long and may wait on a thread of its own, behind those who decide.
pub(super) async fn behind<T: Send + 'static>(work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static) -> Result<T, ServiceError> {
    let (answer, answered) = oneshot::channel();
    let work = move || {
        behind_others();
        // Nobody waits where the caller has gone.
        _ = answer.send(work());
    };
    std::thread::Builder::new().name("behind".into()).spawn(work).map_err(|error| ServiceError::Internal(error.into()))?;
    answered.await.map_err(|error| ServiceError::Internal(error.into()))?
}
