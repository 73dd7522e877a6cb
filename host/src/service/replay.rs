//! Replays of this service's own records: reads them, opens them, and gives them to the replayer.

use std::sync::Arc;

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_ledger::Entry;
use ombud_store::{Reads, Store as _};

use super::actor::{Principal, Right};
use super::acts::Look;
use super::error::ServiceError;
use super::wire::ReplayReport;
use super::{Service, read};

impl Service {
    /// Replays one decision.
    pub async fn replay(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str) -> Result<ReplayReport, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Replay, "replay decisions")?;
        self.looked(who, &tenant, Look::Replay).await?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        let record = self.store.read(|reads| reads.decision(&tenant.config.id, &id))?.ok_or(ServiceError::NotFound("decision"))?;
        self.replay_at(&tenant.config.id, record.seq)?.ok_or(ServiceError::NotFound("decision"))
    }

    /// Replays the decision at a place of the ledger; none if the record there is of something else.
    pub fn replay_at(&self, merchant: &MerchantId, seq: u64) -> Result<Option<ReplayReport>, ServiceError> {
        self.store.read(|reads| self.replay_read(reads, merchant, seq))
    }

    fn replay_read(&self, reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Option<ReplayReport>, ServiceError> {
        let Some(stored) = reads.record(merchant, seq)? else { return Ok(None) };
        let subjects = read::subjects_of(reads, merchant, seq)?;
        match read::recorded(reads, &self.vault, merchant, &stored, &subjects)? {
            Ok(record) if !matches!(record.header.entry, Entry::Decision(_)) => Ok(None),
            Ok(record) => Ok(self.replayer.replay(&record, reads)?),
            Err(damage) => {
                tracing::error!(seq, %damage, "a record cannot be opened");
                Ok(Some(ReplayReport::damaged(String::new(), seq, damage)))
            }
        }
    }
}
