//! What versions decided before the start, read from the records once the first decision of a kind is made: beside everything else, so
//! that no decision waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use ombud_core::event;
use ombud_core::fault::FaultCode;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::{REMEMBERED_MAX, Recorded};
use ombud_core::rollout::VersionId;
use ombud_ledger::BodyKind;
use ombud_store::{Reads, Store as _, StoreError};

use super::choose::first_decision;
use super::guards::{ARMS_MAX, Told};
use crate::service::Service;
use crate::service::error::ServiceError;
use crate::service::read;
use crate::service::snapshot::Tenant;

/// Entries of a merchant's log, of whatever kind, among which the decisions of a kind's versions are looked for: the latest ones.
const LOOKED_THROUGH_MAX: u64 = 200_000;
/// Entries that are looked through at a time, so that no reader is kept for long.
const PIECE: u64 = 10_000;

/// What is to be read, and whether somebody does.
#[derive(Default)]
pub(super) struct Unread {
    next: VecDeque<(MerchantId, Kind, u64)>,
    reading: bool,
}

/// A version whose decisions are looked for.
struct Sought {
    version: VersionId,
    /// Since it has its place, epoch milliseconds: what it decided before is not held against it.
    since_ms: i64,
    /// How many more are remembered.
    left: u32,
}

impl Service {
    /// Has earlier decisions of a kind read, beside everything else.
    pub(super) fn read_earlier(self: &Arc<Self>, merchant: &MerchantId, kind: Kind, before_seq: u64) {
        let mut unread = self.guards.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.next.push_back((merchant.clone(), kind, before_seq));
        if unread.reading {
            return;
        }
        unread.reading = true;
        drop(unread);
        self.read_next();
    }

    /// One after the other, each as work of its own, so that a server that stops does not wait for all of them.
    fn read_next(self: &Arc<Self>) {
        let service = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let next = {
                let mut unread = service.guards.unread.lock().unwrap_or_else(PoisonError::into_inner);
                let next = unread.next.pop_front();
                unread.reading = next.is_some();
                next
            };
            let Some((merchant, kind, before_seq)) = next else { return };
            let tenant = || service.snapshot.load().tenants.get(&merchant).cloned();
            let older = tenant().map(|tenant| service.earlier(&tenant, kind, before_seq));
            if let Some((tenant, older)) = tenant().zip(older) {
                service.guards.put_before(&tenant, kind, older);
            }
            service.read_next();
        });
    }

    /// What the records before a place say of versions, the oldest first, each with the time of its decision. What was erased says nothing,
    /// and what cannot be read is left out.
    fn earlier(&self, tenant: &Tenant, kind: Kind, before_seq: u64) -> Vec<(i64, Told)> {
        let merchant = &tenant.config.id;
        let places = self.places(tenant, kind, before_seq).unwrap_or_else(|error| {
            tracing::error!(%merchant, kind = kind.as_str(), %error, "what versions decided before the start cannot be read");
            Vec::new()
        });
        let (mut older, mut unreadable) = (Vec::new(), 0_u32);
        for seq in places {
            match self.store.read(|reads: &dyn Reads| self.told_by(reads, merchant, kind, seq)) {
                Ok(told) => older.extend(told),
                Err(error) => {
                    if unreadable == 0 {
                        tracing::error!(%merchant, kind = kind.as_str(), seq, %error, "a record cannot be read for what it says of a version");
                    }
                    unreadable += 1;
                }
            }
        }
        if unreadable > 0 {
            let read = older.len();
            tracing::error!(%merchant, kind = kind.as_str(), unreadable, read, "the protection goes on without records that cannot be read");
        }
        older
    }

    /// Where the latest decisions of the versions stand that are watched, or that others are compared with; the oldest first. Of each as
    /// many as are remembered.
    fn places(&self, tenant: &Tenant, kind: Kind, before_seq: u64) -> Result<Vec<u64>, StoreError> {
        let (mut places, mut sought) = (Vec::new(), sought(tenant, kind));
        let lowest = before_seq.saturating_sub(LOOKED_THROUGH_MAX);
        let mut end = before_seq;
        while end > lowest && !sought.is_empty() {
            let from = end.saturating_sub(PIECE).max(lowest);
            for decided in self.store.read(|reads: &dyn Reads| reads.decided(&tenant.config.id, kind, from..end))? {
                sought.retain(|own| own.left > 0 && own.since_ms <= decided.at_ms);
                if let Some(own) = sought.iter_mut().find(|own| own.version == decided.version) {
                    own.left -= 1;
                    places.push(decided.seq);
                }
            }
            end = from;
        }
        places.reverse();
        Ok(places)
    }

    /// What one record says of the versions that ran for it.
    fn told_by(&self, reads: &dyn Reads, merchant: &MerchantId, kind: Kind, seq: u64) -> Result<Vec<(i64, Told)>, ServiceError> {
        let damaged = |what: &str| ServiceError::Damaged(format!("record {seq} of `{merchant}` {what}"));
        let opened = read::opened_at(reads, &self.vault, merchant, seq)?.ok_or_else(|| damaged("is missing"))?;
        if opened.erased {
            return Ok(Vec::new());
        }
        let (Some(body), Some(event)) = (opened.body(BodyKind::Decision), opened.body(BodyKind::Event)) else {
            return Err(damaged("has no decision or no event"));
        };
        let at_ms = opened.header.received_at_ms;
        let recorded: Recorded = serde_json::from_str(body).map_err(|error| damaged(&format!("has another decision: {error}")))?;
        let event = event::recorded(event.as_bytes(), at_ms).map_err(|_| damaged("has an event that is none"))?;
        let first = first_decision(reads, merchant, kind, &event)?;
        let heard = recorded.heard(first.is_none_or(|first| first.at_ms >= at_ms)).into_iter().flatten();
        // Whether it was the machine that was slow then, nobody can tell any more.
        let told = heard.filter(|heard| heard.sample.fault != Some(FaultCode::Deadline)).map(|heard| {
            let version = VersionId { policy: heard.policy.name.clone(), version: heard.policy.version.clone() };
            (at_ms, Told { version, in_shadow: false, sample: heard.sample })
        });
        Ok(told.collect())
    }
}

/// The versions whose decisions matter: those that answer, the one before them, and others that may still answer their open cases; as many
/// as are watched.
fn sought(tenant: &Tenant, kind: Kind) -> Vec<Sought> {
    let Some(plan) = tenant.rollouts.plan(kind) else { return Vec::new() };
    let active = plan.active.iter().map(|active| &active.version);
    let canary = plan.canary.iter().map(|canary| &canary.version);
    let windows = plan.windows.iter().map(|window| &window.version);
    let others = plan.before(&tenant.rollouts.stops).into_iter().chain(windows).chain(&plan.earlier);
    let mut all: Vec<Sought> = Vec::new();
    for version in active.chain(canary).chain(others) {
        if all.len() < ARMS_MAX && !all.iter().any(|own| own.version == *version) {
            let since_ms = plan.standing(version).answers_ms().unwrap_or(i64::MIN);
            all.push(Sought { version: version.clone(), since_ms, left: REMEMBERED_MAX });
        }
    }
    all
}
