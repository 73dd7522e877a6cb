//! Shadow runs: what a version would have decided, found after the answer has left, kept beside the decision, and added up. It
//! is never answered and counts nothing (domain policies 5.8).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ombud_core::decision::{Counted, conclude};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::impact::{Change, Fuel, Impact, ImpactReport, Observed, Stand};
use ombud_core::kind::Kind;
use ombud_core::rollout::VersionId;
use ombud_rules::contract::types::Context;
use ombud_store::{Group, Reads, ShadowRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{Bound, Inputs, judge};
use crate::metrics::Shadowed;
use crate::service::Service;
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::pending::Pending;

/// Cases that wait for their shadow runs, of all merchants together and of one; what comes beyond is left out and counted.
const WAITING_MAX: usize = 1_000;
const MERCHANT_WAITING_MAX: usize = 200;
/// Results that are kept of a merchant's kind; the oldest make room.
const KEPT_MAX: u32 = 10_000;

/// What a pending case keeps for its shadow runs.
pub struct ShadowRun {
    /// The context it was judged in.
    pub ctx: Context,
    /// The versions.
    pub versions: Vec<Arc<Bound>>,
    /// The platform's guardrail then.
    pub guardrail: Arc<Bound>,
}

/// A decided case with what runs for it now.
pub struct ShadowJob {
    pub pending: Arc<Pending>,
    /// Which of its cases.
    pub at: usize,
    /// The decision's place in the log.
    pub seq: u64,
    /// What was decided.
    pub before: Stand,
    /// What the caps had counted.
    pub counted: Counted,
}

/// Cases that wait for their shadow runs.
#[derive(Default)]
pub struct ShadowQueue(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    next: VecDeque<ShadowJob>,
    of: HashMap<MerchantId, usize>,
    running: bool,
}

/// Both sides of a case, as they are kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    before: Stand,
    after: Stand,
    policy_fuel: u64,
    guardrail_fuel: u64,
    recorded_fuel: u64,
}

/// What a version said in shadow, beside what was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowSummary {
    /// Results received at or after this moment, RFC 3339.
    pub since: String,
    /// Decisions compared; at most the latest 10 000 of the kind are kept.
    pub decisions: u64,
    /// Decisions with the same outcome and the same money.
    pub agree: u64,
    /// Their share in basis points.
    pub agreement_bp: u64,
    /// Flips, money before and after, faults, fuel, and the dearest differences.
    pub impact: ImpactReport,
}

impl ShadowQueue {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next case; none ends the thread.
    fn next(&self) -> Option<ShadowJob> {
        let mut queue = self.lock();
        let next = queue.next.pop_front();
        queue.running = next.is_some();
        if let Some(job) = &next {
            let merchant = &job.pending.tenant.config.id;
            let left = queue.of.get(merchant).map_or(0, |waiting| waiting.saturating_sub(1));
            if left == 0 {
                queue.of.remove(merchant);
            } else {
                queue.of.insert(merchant.clone(), left);
            }
        }
        next
    }
}

impl Service {
    /// Has a decided case run in shadow, beside everything else.
    pub(in crate::service) fn run_in_shadow(self: &Arc<Self>, job: ShadowJob) {
        let merchant = job.pending.tenant.config.id.clone();
        let mut queue = self.shadows.lock();
        let waiting = queue.of.get(&merchant).copied().unwrap_or(0);
        if queue.next.len() >= WAITING_MAX || waiting >= MERCHANT_WAITING_MAX {
            self.metrics.shadowed(Shadowed::LeftOut);
            return;
        }
        queue.of.insert(merchant, waiting + 1);
        queue.next.push_back(job);
        if queue.running {
            return;
        }
        let service = Arc::clone(self);
        match std::thread::Builder::new().name("shadow".into()).spawn(move || service.run_shadows()) {
            Ok(_) => queue.running = true,
            Err(error) => {
                tracing::error!(%error, "no thread can be started for shadow runs");
                queue.next.clear();
                queue.of.clear();
            }
        }
    }

    /// Runs whatever waits, and ends when nothing does.
    fn run_shadows(&self) {
        crate::priority::behind_others();
        while let Some(job) = self.shadows.next() {
            if let Err(error) = self.run_shadow(&job) {
                tracing::error!(%error, "a shadow run could not be kept");
            }
        }
    }

    fn run_shadow(&self, job: &ShadowJob) -> Result<(), ServiceError> {
        let ShadowJob { pending, at, seq, before, counted } = job;
        let Some(item) = pending.items.get(*at) else { return Ok(()) };
        let Some(run) = &item.shadow else { return Ok(()) };
        let (tenant, merchant) = (&pending.tenant, pending.tenant.config.id.clone());
        let mut rows = Vec::with_capacity(run.versions.len());
        for version in &run.versions {
            let (taken, limits) = (&tenant.share.decisions, &tenant.share_limits);
            if !self.fair.has_spare(taken, limits) {
                self.metrics.shadowed(Shadowed::LeftOut);
                continue;
            }
            let terms = &tenant.terms;
            let bytes = pending.event_body.len();
            let outcome = judge(&Inputs {
                ctx: &run.ctx,
                case: &item.case,
                policy: Ok(version),
                guardrail: &run.guardrail,
                limits: &terms.limits,
                fallbacks: &terms.fallback,
                event_bytes: bytes,
            });
            let (policy_fuel, guardrail_fuel) = (outcome.policy_fuel, outcome.guardrail_fuel);
            self.fair.used_in_shadow(taken, limits, policy_fuel.saturating_add(guardrail_fuel));
            let (decision, _) = conclude(&item.case, outcome.judged, Some(version.reference()), terms, counted, (&run.ctx).into());
            let after = Stand::of(&decision);
            self.metrics.shadowed(how(before, &after));
            let id = VersionId { policy: version.name.clone(), version: version.version.clone() };
            self.watch_shadow(&merchant, item, *seq, &id, &decision);
            let kept =
                Kept { id: item.id.to_string(), before: before.clone(), after, policy_fuel, guardrail_fuel, recorded_fuel: item.fuel() };
            let result = serde_json::to_string(&kept).map_err(|error| ServiceError::Internal(error.into()))?;
            rows.push(ShadowRow { kind: item.kind, version: id, seq: *seq, at_ms: pending.received_at_ms, result });
        }
        if rows.is_empty() {
            return Ok(());
        }
        Ok(self.writer.wait(move |group: &mut dyn Group| {
            rows.iter().try_for_each(|row| group.insert_shadow(&merchant, row, KEPT_MAX)).map_err(ServiceError::from)
        })?)
    }
}

fn how(before: &Stand, after: &Stand) -> Shadowed {
    match Change::between(before, after) {
        _ if after.fault.is_some() => Shadowed::Fault,
        Change::None | Change::Rule => Shadowed::Agrees,
        Change::Money | Change::Outcome => Shadowed::Differs,
    }
}

/// Adds up what a version said in shadow since a moment.
pub fn summary(
    reads: &dyn Reads,
    merchant: &MerchantId,
    kind: Kind,
    version: &VersionId,
    since_ms: i64,
) -> Result<ShadowSummary, ServiceError> {
    let mut impact = Impact::default();
    for row in reads.shadow_rows(merchant, kind, version, since_ms, KEPT_MAX)? {
        // A row of a later release is no result of this one's.
        let Ok(kept) = serde_json::from_str::<Kept>(&row.result) else { continue };
        let Ok(id) = DecisionId::new(kept.id.as_str()) else { continue };
        impact.add(&Observed {
            id: id.as_str(),
            seq: row.seq,
            ticket: None,
            received_at_ms: row.at_ms,
            kind,
            segments: &[],
            before: &kept.before,
            after: &kept.after,
            of_case: None,
            fuel: Fuel { policy: kept.policy_fuel, guardrail: kept.guardrail_fuel },
            recorded_fuel: Some(Fuel { policy: kept.recorded_fuel, guardrail: 0 }),
        });
    }
    let report = impact.report();
    let counts = report.total.counts;
    let agree = counts.decisions - counts.flips - counts.money_only;
    Ok(ShadowSummary {
        since: rfc3339(since_ms),
        decisions: counts.decisions,
        agree,
        agreement_bp: (agree * 10_000).checked_div(counts.decisions).unwrap_or(0),
        impact: report,
    })
}
