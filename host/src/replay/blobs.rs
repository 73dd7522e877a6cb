//! Where components and settings come from.

use std::collections::HashMap;
use std::convert::Infallible;

use ombud_ledger::Digest;
use ombud_store::{Reads, StoreError};

/// Stored bytes by their digest: the store's, or those in an export.
pub trait Blobs {
    /// Why nothing can be read at all.
    type Error;

    /// The bytes under a digest; none where they are missing or damaged. The replay checks the digest of what it is given.
    ///
    /// # Errors
    /// The source itself fails; missing bytes are no error.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Self::Error>;
}

impl Blobs for dyn Reads + '_ {
    type Error = StoreError;

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match ombud_store::ReadAdmin::blob(self, digest) {
            Err(StoreError::Damaged(what)) => {
                tracing::error!(what, "stored bytes are damaged");
                Ok(None)
            }
            other => other,
        }
    }
}

impl Blobs for HashMap<Digest, Vec<u8>> {
    type Error = Infallible;

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.get(digest).cloned())
    }
}
