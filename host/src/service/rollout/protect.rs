//! The host's own protection: what versions decide is watched, and one that does harm is taken back or paused, with the reason on
//! record, in the log, in the metrics and at the operator's webhook. What it took back only a person brings back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ombud_core::decision::Decision;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::{Finding, Protection, Sample, Watched};
use ombud_core::rollout::{Changed, Hand, Plan, Rollouts, Scope, VersionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::metrics::Protected;
use crate::service::Service;
use crate::service::acts::{By, NewAct, RolloutAct, What};
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;

/// Versions of one kind that are watched at the same time; the one that was heard of least lately goes first.
const ARMS_MAX: usize = 6;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;

/// What the protection did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The version was taken back: the one before it answers, or the customers of the canary are the active version's again.
    RolledBack,
    /// The version was paused: the kind's fallback stands.
    Paused,
    /// Nothing but this word.
    Announced,
}

/// What every version decided lately. In memory: after a restart it begins anew.
#[derive(Default)]
pub struct Guards(Mutex<HashMap<(MerchantId, Kind), Vec<Arm>>>);

/// One version of a kind, as it answers or in shadow.
struct Arm {
    version: VersionId,
    in_shadow: bool,
    watched: Watched,
    /// Found and acted on: it is not said again while it stands there.
    found: bool,
}

impl Guards {
    /// Takes a decision in; what it shows of its version.
    fn take(&self, merchant: &MerchantId, kind: Kind, own: (&VersionId, bool), sample: Sample, tenant: &Tenant) -> Option<Finding> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let arms = all.entry((merchant.clone(), kind)).or_default();
        let is_own = |arm: &Arm| arm.version == *own.0 && arm.in_shadow == own.1;
        let at = match arms.iter().position(is_own) {
            Some(at) => at,
            None => {
                if arms.len() >= ARMS_MAX {
                    arms.remove(0);
                }
                arms.push(Arm { version: own.0.clone(), in_shadow: own.1, watched: Watched::default(), found: false });
                arms.len() - 1
            }
        };
        let arm = arms.get_mut(at)?;
        arm.watched.add(sample);
        let plan = tenant.rollouts.plan(kind)?;
        let (arm, other) = (arms.get(at)?, compared_with(arms, plan, own));
        if arm.found {
            return None;
        }
        let found = arm.watched.judge(other, &tenant.config.protection)?;
        arms.get_mut(at)?.found = true;
        Some(found)
    }

    /// A version begins anew, for a person placed it.
    pub fn forget(&self, merchant: &MerchantId, kind: Kind, id: &VersionId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arms) = all.get_mut(&(merchant.clone(), kind)) {
            arms.retain(|arm| arm.version != *id);
        }
    }
}

/// What a version is compared with: the canary with the active version, the active version with one in shadow or with the one before it;
/// one in shadow with what answers.
fn compared_with<'a>(arms: &'a [Arm], plan: &Plan, (own, in_shadow): (&VersionId, bool)) -> Option<&'a Watched> {
    let arm = |id: &VersionId, shadow: bool| arms.iter().find(|arm| arm.version == *id && arm.in_shadow == shadow).map(|arm| &arm.watched);
    let active = plan.active.as_ref().map(|active| &active.version);
    if in_shadow || active != Some(own) {
        return active.and_then(|active| arm(active, false));
    }
    let shadow = plan.shadows.iter().find_map(|shadow| arm(&shadow.version, true));
    shadow.or_else(|| plan.before().and_then(|before| arm(before, false)))
}

impl Service {
    /// Watches a decision that was answered.
    pub(in crate::service) fn watch(self: &Arc<Self>, tenant: &Tenant, kind: Kind, decision: &Decision) {
        let Some(policy) = &decision.policy else { return };
        let id = VersionId { policy: policy.name.clone(), version: policy.version.clone() };
        let merchant = &tenant.config.id;
        let Some(found) = self.guards.take(merchant, kind, (&id, false), Sample::of(decision), tenant) else { return };
        let (service, merchant) = (Arc::clone(self), merchant.clone());
        // Off the decision's path: it waits for nobody's change of a plan.
        tokio::task::spawn_blocking(move || service.protect(&merchant, kind, &id, &found));
    }

    /// Watches a shadow run.
    pub(super) fn watch_shadow(&self, merchant: &MerchantId, kind: Kind, id: &VersionId, decision: &Decision) {
        let Some(tenant) = self.snapshot.load().tenants.get(merchant).cloned() else { return };
        if let Some(found) = self.guards.take(merchant, kind, (id, true), Sample::of(decision), &tenant) {
            self.protect(merchant, kind, id, &found);
        }
    }

    /// Does what is to be done about a version that does harm.
    fn protect(&self, merchant: &MerchantId, kind: Kind, id: &VersionId, found: &Finding) {
        match self.protect_now(merchant, kind, id, found) {
            Ok(measure) => {
                tracing::error!(%merchant, kind = kind.as_str(), version = %id, why = %found, ?measure, "protection");
                self.metrics.protected(match measure {
                    Measure::RolledBack => Protected::RolledBack,
                    Measure::Paused => Protected::Paused,
                    Measure::Announced => Protected::Announced,
                });
                if let Some(webhook) = &self.webhook {
                    webhook.announce(merchant, kind, id, found, measure);
                }
            }
            Err(error) => tracing::error!(%merchant, version = %id, why = %found, %error, "the protection could not act"),
        }
    }

    fn protect_now(&self, merchant: &MerchantId, kind: Kind, id: &VersionId, found: &Finding) -> Result<Measure, ServiceError> {
        let _changing = self.changing.lock();
        let tenant = self.snapshot.load().tenants.get(merchant).cloned().ok_or(ServiceError::NotFound("merchant"))?;
        let (mut rollouts, at_ms) = (tenant.rollouts.clone(), now_ms());
        let measure = measured(&mut rollouts, &tenant.config.protection, kind, id, found, at_ms)?;
        let active = rollouts.plan(kind).and_then(|plan| plan.active.as_ref()).map(|active| active.version.clone());
        let what = RolloutAct::Protected { kind, version: id.clone(), finding: found.clone(), measure, active };
        let act = NewAct { reason: Some(found.to_string()), at_ms, ..NewAct::new(By::host("protection"), What::Rollout(what)) };
        let next = self.next_tenant(&tenant, rollouts)?;
        self.keep_moved(&next, vec![act], None)?;
        self.change(|snapshot| _ = snapshot.tenants.insert(merchant.clone(), Arc::new(next)));
        Ok(measure)
    }
}

/// Moves the plan as far as the merchant lets the protection go.
fn measured(
    rollouts: &mut Rollouts,
    limits: &Protection,
    kind: Kind,
    id: &VersionId,
    found: &Finding,
    at_ms: i64,
) -> Result<Measure, ServiceError> {
    let Some(plan) = rollouts.plans.get_mut(&kind).filter(|_| limits.on) else { return Ok(Measure::Announced) };
    let is_old = plan
        .active
        .as_ref()
        .is_some_and(|active| active.version == *id && at_ms.saturating_sub(active.since_ms) > i64::from(limits.watch_days) * DAY_MS);
    if !is_old && plan.take_back(id, Hand::Protection, &found.to_string(), at_ms) {
        return Ok(Measure::RolledBack);
    }
    if limits.pause_last && plan.in_place().any(|own| own == id) {
        let scope = Scope::Version { policy: id.policy.clone(), version: id.version.clone() };
        if rollouts.pause(scope, Hand::Protection, &found.to_string(), at_ms)? == Changed::Yes {
            return Ok(Measure::Paused);
        }
    }
    Ok(Measure::Announced)
}
