//! The host's only timer: a measure whose review date has come is put to the blacklist policy, as an event of the host.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use ombud_core::event;
use ombud_core::ids::{ActorId, MerchantId};
use ombud_rules::civil::DAY_MS;
use ombud_store::{MeasureRow, Store as _};
use serde_json::json;

use super::Service;
use super::actor::{Principal, Role};
use super::error::ServiceError;
use super::listing::rfc3339;
use crate::clock::now_ms;

/// How long a server waits between two looks.
pub const EXPIRY_EVERY: Duration = Duration::from_secs(60);
/// Measures of one look.
const MEASURES_MAX: u32 = 100;
/// The source of the host's own events.
const SOURCE: &str = "/ombud/timers";

impl Service {
    /// Looks for due measures now and then again after each `every`, until the task is dropped.
    pub async fn expire_for_ever(self: Arc<Self>, every: Duration) {
        let mut every = tokio::time::interval(every);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = self.expire_due(now_ms()).await {
                tracing::error!(%error, "due blacklist measures could not be reviewed; the next look tries again");
            }
        }
    }

    /// Puts every measure that is due to its policy; how many there were. One that cannot be reviewed hinders no other.
    pub async fn expire_due(self: &Arc<Self>, until_ms: i64) -> Result<usize, ServiceError> {
        let due = self.store.read(|reads| reads.measures_due(until_ms, MEASURES_MAX))?;
        for (merchant, row) in &due {
            if let Err(error) = self.expire(merchant, row, until_ms).await {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                tracing::error!(%merchant, request = row.request_id, "a due measure could not be reviewed: {error}{cause}");
            }
        }
        Ok(due.len())
    }

    async fn expire(self: &Arc<Self>, merchant: &MerchantId, row: &MeasureRow, at_ms: i64) -> Result<(), ServiceError> {
        let actor = ActorId::new("ombud-timer").map_err(|error| ServiceError::Internal(anyhow::anyhow!("{error}")))?;
        // The event is the host's own; the role stands for nobody and gives no verdict.
        let host = Principal { actor, role: Role::MerchantAdmin, merchant: Some(merchant.clone()), key: None };
        let due = row.review_by_ms.unwrap_or(at_ms);
        // One event a day until the measure is lifted: a policy that failed is asked again, but not every minute.
        let days = at_ms.saturating_sub(due) / DAY_MS;
        let time = due.saturating_add(days * DAY_MS);
        let event = json!({
            "specversion": "1.0", "id": format!("review-{}-{due}-{days}", row.request_id), "source": SOURCE, "type": "timer.tick",
            "time": rfc3339(time), "datacontenttype": "application/json",
            "data": {
                "customer_ref": row.customer,
                "timer": {"timer_id": format!("review-{}", row.request_id), "purpose": "blacklist review", "due": due},
                "blacklist": {"request_id": row.request_id},
            },
        });
        let event = event::structured(event.to_string().as_bytes(), now_ms().max(at_ms)).map_err(ServiceError::Invalid)?;
        self.decide_own(&host, merchant.as_str(), event).await.map(|_| ())
    }
}
