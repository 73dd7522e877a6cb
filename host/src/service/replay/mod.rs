//! Replays of this service's own records: they are read and opened here, and run by the replayer.

mod lanes;
mod page;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::problem::Problem;
use ombud_store::{Store as _, StoreError, Wanted};

use super::actor::{Principal, Right};
use super::acts::Look;
use super::error::ServiceError;
use super::privacy::Sight;
use super::wire::{ReplayReport, ReplaysAnswer, ReplaysRequest};
use super::{Service, blocking, listing, locks};
use crate::replay::Tally;
use lanes::{PAGE_MAX, PAGE_PLACES, Stored, Tools};
pub use lanes::{Part, Scope, cores};
use page::Page;

/// Decisions that one request replays at most.
pub const REPLAYS_MAX: u32 = 1_000;
/// How long one request replays before it answers with a cursor.
const REPLAYS_TIME_MAX: Duration = Duration::from_secs(5);
/// Places of the log that one request looks through at most.
const PLACES_MAX: u64 = 100_000;

impl Tools<'_> {
    /// Runs the decisions of a page, in the order of the log, until `add` says to stop.
    fn page(self, mut page: Page, mut add: impl FnMut(ReplayReport) -> bool) -> Result<(), StoreError> {
        page.each(self.vault, |seq, record| {
            let report = match record {
                Ok(record) => self.replayer.replay(&record, &Stored(self.store))?,
                Err(damage) => Some(ReplayReport::damaged(String::new(), seq, damage)),
            };
            Ok(report.is_none_or(&mut add))
        })
    }
}

impl Service {
    /// What replays need.
    pub(super) fn tools(&self) -> Tools<'_> {
        Tools { store: &self.store, vault: &self.vault, replayer: &self.replayer }
    }

    /// Replays one decision.
    pub async fn replay(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str) -> Result<ReplayReport, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Replay, "replay decisions")?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        self.looked(who, &tenant, Look::Replay).await?;
        let _permit = tenant.permits.clone().try_acquire_owned().map_err(|_| ServiceError::Saturated(merchant.to_owned()))?;
        let (service, sight) = (Arc::clone(self), Sight::of_replays(who.role));
        self.in_a_lane(move || {
            let merchant = &tenant.config.id;
            let record = service.store.read(|reads| reads.decision(merchant, &id))?.ok_or(ServiceError::NotFound("decision"))?;
            let report = service.replay_at(merchant, record.seq)?.ok_or(ServiceError::NotFound("decision"))?;
            // A record that cannot be read does not name its decision: the caller did.
            Ok(sight.replay(ReplayReport { id: id.to_string(), ..report }))
        })
        .await
    }

    /// Replays the decision at a place of the log; none if the record there is of something else.
    pub fn replay_at(&self, merchant: &MerchantId, seq: u64) -> Result<Option<ReplayReport>, ServiceError> {
        let wanted = Wanted { seqs: seq..seq.saturating_add(1), ticket: None, from_ms: None, to_ms: None };
        let page = self.store.read(|reads| Page::read(reads, merchant, &wanted, 1))?;
        let mut report = None;
        self.tools().page(page, |own| {
            report = Some(own);
            false
        })?;
        Ok(report)
    }

    /// The parts of the logs that a scope covers.
    pub fn replay_parts(&self, scope: &Scope) -> Result<Vec<Part>, ServiceError> {
        Ok(scope.parts(&self.store)?)
    }

    /// Replays every decision of the parts in so many threads; for commands, which have the machine for themselves. `done`
    /// is called with the places that were passed, from any thread.
    pub fn replay_all(&self, parts: &[Part], lanes: usize, done: impl Fn(u64) + Sync) -> Result<Tally, ServiceError> {
        self.tools().run(parts, lanes, done)
    }

    /// Replays decisions of a merchant, oldest first, so many as fit into one request.
    pub async fn replays(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        request: ReplaysRequest,
    ) -> Result<ReplaysAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Replay, "replay decisions")?;
        let _permit = tenant.permits.clone().try_acquire_owned().map_err(|_| ServiceError::Saturated(merchant.to_owned()))?;
        let limit = request.limit.unwrap_or(REPLAYS_MAX);
        if !(1..=REPLAYS_MAX).contains(&limit) {
            return Err(ServiceError::Invalid(vec![Problem::at("/limit", "is out of bounds").allowed(format!("1 to {REPLAYS_MAX}"))]));
        }
        let wanted = Wanted {
            seqs: request.cursor.unwrap_or(0)..0,
            from_ms: listing::instant("/from", request.from.as_deref())?,
            to_ms: listing::instant("/to", request.to.as_deref())?,
            ticket: request.ticket,
        };
        self.looked(who, &tenant, Look::Replay).await?;
        // One at a time for each merchant: whoever audits one does not keep the others waiting.
        let _turn = self.locks.hold(vec![locks::key(&[merchant, "replays"])]).await;
        let service = Arc::clone(self);
        let mut answer = self.in_a_lane(move || service.some(&tenant.config.id, wanted, limit)).await?;
        let sight = Sight::of_replays(who.role);
        answer.diverging = answer.diverging.into_iter().map(|report| sight.replay(report)).collect();
        Ok(answer)
    }

    /// Up to `limit` replays from where `wanted` begins.
    fn some(&self, merchant: &MerchantId, mut wanted: Wanted, limit: u32) -> Result<ReplaysAnswer, ServiceError> {
        let began = Instant::now();
        let log_size = self.store.read(|reads| reads.log_size(merchant))?;
        let last = log_size.min(wanted.seqs.start.saturating_add(PLACES_MAX));
        // A ticket's decisions are found by their index, wherever they are.
        let (step, last) = if wanted.ticket.is_some() { (log_size, log_size) } else { (PAGE_PLACES, last) };
        let mut tally = Tally::default();
        let (mut left, mut in_time) = (limit, true);
        while wanted.seqs.start < last && left > 0 && in_time {
            wanted.seqs.end = last.min(wanted.seqs.start.saturating_add(step));
            let count = left.min(PAGE_MAX);
            let page = self.store.read(|reads| Page::read(reads, merchant, &wanted, count))?;
            let whole = page.len() < count as usize;
            let mut reached = wanted.seqs.start;
            self.tools().page(page, |report| {
                reached = report.seq + 1;
                left -= 1;
                tally.add(merchant.as_str(), report);
                in_time = began.elapsed() <= REPLAYS_TIME_MAX;
                in_time
            })?;
            // A page with room left says that nothing more is wanted up to its end.
            wanted.seqs.start = if whole && in_time { wanted.seqs.end } else { reached };
        }
        Ok(ReplaysAnswer::new(tally, log_size, (wanted.seqs.start < log_size).then_some(wanted.seqs.start)))
    }

    /// Runs replays off the runtime's threads, and at most on half of the cores: decisions come first.
    async fn in_a_lane<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        // The semaphore is never closed.
        let lane = self.replay_lanes.clone().acquire_owned().await;
        blocking(move || {
            let _lane = lane;
            work()
        })
        .await
    }
}

/// Replays that callers' requests run at the same time.
pub(super) fn lanes_for_callers() -> usize {
    (cores() / 2).max(1)
}
