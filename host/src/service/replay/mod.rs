//! Replays of recorded decisions: they are read and opened here, and run by the replayer.
//!
//! In reading order: decisions read together ([`page`]), many of them side by side ([`lanes`]), what is not met for how it is listed
//! ([`left_out`]), a directory that is only read ([`archive`]), the server's audit of itself ([`audit`]), and what callers of the service may
//! ask for.

mod archive;
mod audit;
mod lanes;
mod left_out;
mod page;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::problem::Problem;
use ombud_ledger::keys::Subject;
use ombud_store::{Reads, Store as _, StoreError, Wanted};

use super::actor::{Principal, Right};
use super::acts::Look;
use super::error::ServiceError;
use super::listing;
use super::privacy::Sight;
use super::wire::{ReplayReport, ReplaysAnswer, ReplaysRequest};
use super::{Service, behind, locks};
use crate::replay::Tally;
pub use archive::{Active, Archive};
pub(super) use audit::Alarms;
pub use audit::{ALARMS_MAX, CpuShare, NoShare, SelfAudit};
pub(super) use lanes::Told;
use lanes::{ONE_BY_ONE, PART_PLACES, behind_the_end};
pub(super) use lanes::{PAGE_MAX, Stored, side_by_side};
pub use lanes::{Part, Replays, Scope, cores};
pub(super) use page::Page;

/// Decisions that one request replays at most.
pub const REPLAYS_MAX: u32 = 1_000;
/// How long one request replays before it answers with a cursor.
const REPLAYS_TIME_MAX: Duration = Duration::from_secs(5);
/// Places of the log that one request looks through at most.
const PLACES_MAX: u64 = 100_000;

impl Service {
    /// The replays of this service's records, without asking who wants them.
    pub fn own_replays(&self) -> Replays<'_> {
        Replays { store: self.store.readers(), vault: &self.vault, replayer: &self.replayer }
    }

    /// Replays one decision.
    pub async fn replay(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str) -> Result<ReplayReport, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Replay, "replay decisions")?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        self.looked(who, &tenant, Look::Replay).await?;
        let _under_way = self.under_way(&tenant)?;
        let _turn = self.replays_turn(merchant).await;
        let (service, sight) = (Arc::clone(self), Sight::of_replays(who.role));
        let work = move || {
            service
                .own_replays()
                .decision(&tenant.config.id, &id)?
                .ok_or(ServiceError::NotFound("decision"))
                .map(|report| sight.replay(report))
        };
        self.in_a_lane(work).await
    }

    /// Replays decisions of a merchant, oldest first, so many as fit into one request.
    pub async fn replays(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        request: ReplaysRequest,
    ) -> Result<ReplaysAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Replay, "replay decisions")?;
        let _under_way = self.under_way(&tenant)?;
        let limit = request.limit.unwrap_or(REPLAYS_MAX);
        if !(1..=REPLAYS_MAX).contains(&limit) {
            return Err(ServiceError::Invalid(vec![Problem::at("/limit", "is out of bounds").allowed(format!("1 to {REPLAYS_MAX}"))]));
        }
        let zone = tenant.config.tz_offset_min;
        let (from_ms, to_ms) = listing::window(request.from.as_deref(), request.to.as_deref(), zone)?;
        let ticket = request.ticket.as_deref();
        if let Some(ticket) = ticket.filter(|_| request.cursor.is_none())
            && !self.store.read(|reads| known_ticket(reads, &tenant.config.id, ticket))?
        {
            return Err(ServiceError::NotFound("ticket"));
        }
        let wanted = Wanted { seqs: request.cursor.unwrap_or(0)..0, ticket: request.ticket, from_ms, to_ms, ..Wanted::default() };
        self.looked(who, &tenant, Look::Replay).await?;
        let _turn = self.replays_turn(merchant).await;
        let service = Arc::clone(self);
        let mut answer = self.in_a_lane(move || service.some(&tenant.config.id, wanted, limit)).await?;
        let sight = Sight::of_replays(who.role);
        answer.diverging = answer.diverging.into_iter().map(|report| sight.replay(report)).collect();
        Ok(answer)
    }

    /// Up to `limit` replays from where `wanted` begins.
    fn some(&self, merchant: &MerchantId, mut wanted: Wanted, limit: u32) -> Result<ReplaysAnswer, ServiceError> {
        let began = Instant::now();
        let extent = self.store.read(|reads| reads.extent(merchant))?;
        let log_size = extent.records();
        let last = log_size.min(wanted.seqs.start.saturating_add(PLACES_MAX));
        // A ticket's decisions are found by their index, wherever they are.
        let (step, last) = if wanted.ticket.is_some() { (log_size, log_size) } else { (PART_PLACES, last) };
        let mut tally = Tally::default();
        let window = self.store.read(|reads| left_out::places_of_window(reads, merchant, (wanted.from_ms, wanted.to_ms), log_size))?;
        let missing = |seqs: Range<u64>, tally: &mut Tally| {
            let reports = self.own_replays().missing(merchant, seqs)?;
            reports.into_iter().for_each(|report| tally.add(merchant.as_str(), report));
            Ok::<_, StoreError>(())
        };
        let (mut left, mut in_time) = (limit, true);
        while wanted.seqs.start < last && left > 0 && in_time {
            wanted.seqs.end = last.min(wanted.seqs.start.saturating_add(step));
            let count = left.min(PAGE_MAX);
            let page = self.store.read(|reads| Page::read(reads, merchant, &wanted, count))?;
            let whole = page.len() < count as usize;
            let mut reached = wanted.seqs.start;
            self.own_replays().page(page, ONE_BY_ONE, |report| {
                reached = report.seq + 1;
                left -= 1;
                tally.add(merchant.as_str(), report);
                in_time = began.elapsed() <= REPLAYS_TIME_MAX;
                in_time
            })?;
            // A page with room left says that nothing more is wanted up to its end; a gap behind it is passed with it.
            let end = wanted.seqs.end;
            let passed = if whole && in_time {
                self.store.read(|reads| reads.listed_from(merchant, end))?.map_or(log_size, |next| next.clamp(end, log_size))
            } else {
                reached
            };
            missing(wanted.seqs.start..passed, &mut tally)?;
            let looked_at = wanted.seqs.start.max(window.start)..passed.min(window.end);
            let left_out = self.own_replays().left_out(merchant, &Wanted { seqs: looked_at, ..wanted.clone() })?;
            left_out.into_iter().for_each(|report| tally.add(merchant.as_str(), report));
            wanted.seqs.start = passed;
        }
        if wanted.seqs.start >= log_size {
            if wanted.to_ms.is_none() {
                missing(extent.lost(), &mut tally)?;
            }
            behind_the_end(extent.behind()).into_iter().for_each(|report| tally.add(merchant.as_str(), report));
        }
        Ok(ReplaysAnswer::new(tally, log_size, (wanted.seqs.start < log_size).then_some(wanted.seqs.start)))
    }

    /// One at a time of each merchant's: whoever replays one's decisions does not keep the others waiting.
    async fn replays_turn(&self, merchant: &str) -> locks::Held<'_> {
        self.locks.hold(vec![locks::key(&[merchant, "replays"])]).await
    }

    /// Runs replays off the runtime's threads, and at most on half of the cores: decisions come first.
    async fn in_a_lane<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        // The semaphore is never closed.
        let lane = self.replay_lanes.clone().acquire_owned().await;
        behind(move || {
            let _lane = lane;
            work()
        })
        .await
    }
}

/// Whether anything of a ticket is on record. One that was erased is not, any more: it is no different from one that never was.
/// A log that lacks records, or has some at places that are none of it, cannot say that there was none: the damage is told instead.
fn known_ticket(reads: &dyn Reads, merchant: &MerchantId, ticket: &str) -> Result<bool, StoreError> {
    if reads.last_record_at(merchant, Subject::Ticket(ticket))?.is_some() {
        return Ok(true);
    }
    let extent = reads.extent(merchant)?;
    Ok(!extent.behind().is_empty() || !reads.missing(merchant, 0..extent.claimed, 1)?.is_empty())
}

/// Replays that callers' requests run at the same time.
pub(in super::super) fn lanes_for_callers() -> usize {
    (cores() / 2).max(1)
}
