//! The host's only timer: a measure whose review date has come is put to the blacklist policy, as an event of the host.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use ombud_core::event;
use ombud_core::ids::{ActorId, EventKey, MerchantId};
use ombud_core::limits::ID_BYTES_MAX;
use ombud_ledger::Digest;
use ombud_rules::civil::DAY_MS;
use ombud_store::{DueMeasure, MeasureRow, Reads, Store as _, StoreError};
use serde_json::json;

use super::Service;
use super::actor::{Principal, Role};
use super::acts::Host;
use super::error::ServiceError;
use super::listing::rfc3339;
use crate::clock::now_ms;

/// How long a server waits between two looks.
pub const EXPIRY_EVERY: Duration = Duration::from_secs(60);
/// Measures that a look reads together, and of one merchant puts to the policy: those of others do not wait for more of them, which
/// the next look goes on with.
pub const MEASURES_OF_A_TURN: u32 = 100;
/// The source of the host's own events.
const SOURCE: &str = "/ombud/timers";

/// What a look did for a merchant.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    /// Measures that were put to the policy.
    asked: u32,
    /// Measures that could not be.
    failed: u32,
}

/// The event that puts a measure to its policy: one a day until it is lifted. A policy that failed is asked again, but not every
/// minute.
struct Question {
    id: String,
    timer_id: String,
    due: i64,
    time: i64,
}

impl Question {
    fn of(row: &MeasureRow, at_ms: i64) -> Self {
        let due = row.review_by_ms.unwrap_or(at_ms);
        let days = at_ms.saturating_sub(due) / DAY_MS;
        let named = |request: &str| Self {
            id: format!("review-{request}-{due}-{days}"),
            timer_id: format!("review-{request}"),
            due,
            time: due.saturating_add(days * DAY_MS),
        };
        // A request's id may be as long as an event's.
        Some(named(&row.request_id))
            .filter(|own| own.id.len() <= ID_BYTES_MAX)
            .unwrap_or_else(|| named(&Digest::of(row.request_id.as_bytes()).to_string()))
    }

    /// Whether it was asked.
    fn is_known(&self, reads: &dyn Reads, merchant: &MerchantId) -> Result<bool, StoreError> {
        let Ok(key) = EventKey::new(SOURCE, self.id.as_str()) else { return Ok(false) };
        Ok(reads.event(merchant, &key)?.is_some())
    }
}

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

    /// Goes through all measures that are due, and puts those to their policy that were not today, of one merchant
    /// [`MEASURES_OF_A_TURN`] at most; how many are due. One that cannot be reviewed hinders no other.
    pub async fn expire_due(self: &Arc<Self>, until_ms: i64) -> Result<usize, ServiceError> {
        let mut turns: HashMap<MerchantId, Turn> = HashMap::new();
        let (mut due, mut last) = (0, None);
        loop {
            let page = self.store.read(|reads| {
                let page = reads.measures_due(until_ms, last.as_ref(), MEASURES_OF_A_TURN)?;
                let with_question = |measure: DueMeasure| {
                    let question = Question::of(&measure.1, until_ms);
                    let is_known = question.is_known(reads, &measure.0)?;
                    Ok((measure, (!is_known).then_some(question)))
                };
                page.into_iter().map(with_question).collect::<Result<Vec<_>, StoreError>>()
            })?;
            due += page.len();
            for ((merchant, row), question) in &page {
                let Some(question) = question else { continue };
                let turn = turns.entry(merchant.clone()).or_default();
                if turn.asked >= MEASURES_OF_A_TURN {
                    continue;
                }
                if let Err(error) = self.expire(merchant, row, question, until_ms).await {
                    turn.failed += 1;
                    if turn.failed == 1 {
                        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                        tracing::error!(%merchant, request = row.request_id, "a due measure could not be reviewed: {error}{cause}");
                    }
                } else {
                    turn.asked += 1;
                }
            }
            match page.into_iter().next_back() {
                Some((measure, _)) => last = Some(measure),
                None => break,
            }
        }
        for (merchant, Turn { failed, .. }) in turns.iter().filter(|(_, turn)| turn.failed > 1) {
            tracing::error!(%merchant, measures = failed, "several due measures of a merchant could not be reviewed");
        }
        Ok(due)
    }

    async fn expire(
        self: &Arc<Self>,
        merchant: &MerchantId,
        row: &MeasureRow,
        question: &Question,
        at_ms: i64,
    ) -> Result<(), ServiceError> {
        let actor = ActorId::new(Host::Timer.as_str()).map_err(|error| ServiceError::Internal(anyhow::anyhow!("{error}")))?;
        // The event is the host's own; the role stands for nobody and gives no verdict.
        let host = Principal { actor, role: Role::MerchantAdmin, merchant: Some(merchant.clone()), key: None };
        let Question { id, timer_id, due, time } = question;
        let event = json!({
            "specversion": "1.0", "id": id, "source": SOURCE, "type": "timer.tick",
            "time": rfc3339(*time), "datacontenttype": "application/json",
            "data": {
                "customer_ref": row.customer,
                "timer": {"timer_id": timer_id, "purpose": "blacklist review", "due": due},
                "blacklist": {"request_id": row.request_id},
            },
        });
        let event = event::recorded(event.to_string().as_bytes(), now_ms().max(at_ms)).map_err(ServiceError::Invalid)?;
        self.decide_own(&host, merchant.as_str(), event).await.map(|_| ())
    }
}
