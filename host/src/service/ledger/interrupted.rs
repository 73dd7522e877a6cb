//! A change of the keys that was cut off between its record and its files: the next start finishes it, for it is on record.

use std::sync::{Arc, PoisonError};

use anyhow::Result;
use ombud_ledger::BodyKind;
use ombud_store::{EntryKind, Filter, Reads, Store as _};

use super::keys::LogKeys;
use crate::service::acts::{ActBody, What, log_of};
use crate::service::error::ServiceError;
use crate::service::{Service, read};

/// The acts that change the keys.
const CHANGES: [&str; 2] = ["ledger.key-rotated", "ledger.key-retired"];

impl Service {
    /// Puts the keys in their place that a change had written and recorded when the process ended.
    ///
    /// # Errors
    /// Its record or its files cannot be read, or these cannot be put in their place.
    pub(in crate::service) fn finish_key_change(&self) -> Result<()> {
        let data = &self.ledger.data;
        if !LogKeys::is_interrupted(data) {
            return Ok(());
        }
        let Some(newest) = self.store.read(|reads| self.newest_key_change(reads))? else { return Ok(()) };
        if LogKeys::finish(data, &newest)? {
            *self.ledger.keys.lock().unwrap_or_else(PoisonError::into_inner) = LogKeys::read(data)?.map(Arc::new);
            tracing::warn!("a change of the ledger's keys was cut off when it was recorded already, and is finished now");
        }
        Ok(())
    }

    fn newest_key_change(&self, reads: &dyn Reads) -> Result<Option<What>, ServiceError> {
        let log = log_of(None)?;
        let mut newest = None;
        for name in CHANGES {
            let filter = Filter { entry: Some(EntryKind::Act), event_type: Some(name.to_owned()), ..Filter::default() };
            newest = newest.max(reads.list(&log, &filter, None, 1)?.entries.first().map(|entry| entry.seq));
        }
        let Some(opened) = newest.map(|seq| read::opened_at(reads, &self.vault, &log, seq)).transpose()?.flatten() else {
            return Ok(None);
        };
        let body = opened.body(BodyKind::Act).map(serde_json::from_str::<ActBody>).transpose();
        Ok(body.map_err(|error| ServiceError::Internal(error.into()))?.map(|body| body.what))
    }
}
