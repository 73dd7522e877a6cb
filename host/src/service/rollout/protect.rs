//! The host's own protection: what versions decide is watched, and one that does harm is taken back or paused, with the reason on
//! record, in the log, in the metrics and at the operator's webhook. What it took back only a person brings back.

use std::sync::Arc;

use ombud_core::decision::Decision;
use ombud_core::fault::{FaultCode, FaultOf};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::{Protection, heard};
use ombud_core::rollout::{Changed, Hand, Rollouts, Scope, VersionId};
use ombud_rules::civil::DAY_MS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guards::{Found, Told};
use crate::clock::now_ms;
use crate::metrics::Protected;
use crate::service::Service;
use crate::service::acts::{By, Host, NewAct, RolloutAct, What};
use crate::service::error::ServiceError;
use crate::service::pending::Item;
use crate::service::snapshot::Tenant;

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

impl Service {
    /// Watches a decision that was answered, by what it says of every version that ran for it.
    pub(in crate::service) fn watch(self: &Arc<Self>, tenant: &Tenant, item: &Item, seq: u64, decision: &Decision) {
        let kind = item.kind;
        let told = heard(decision, item.opens).into_iter().flatten().map(|heard| {
            let version = VersionId { policy: heard.policy.name.clone(), version: heard.policy.version.clone() };
            Told { version, in_shadow: false, sample: heard.sample }
        });
        let merchant = &tenant.config.id;
        let of_guardrail = decision.fault.as_ref().filter(|fault| fault.of == FaultOf::Guardrail);
        if item.guardrail_call.is_some() && (decision.fault.is_none() || of_guardrail.is_some()) {
            self.guards.tell_guardrail(merchant, kind, of_guardrail.is_some_and(|fault| fault.code == FaultCode::Deadline));
        }
        let heard = self.guards.tell(tenant, kind, seq, told);
        if heard.is_first {
            self.read_earlier(merchant, kind, seq);
        }
        for found in heard.found {
            let (service, merchant) = (Arc::clone(self), merchant.clone());
            // Off the decision's path: it waits for nobody's change of a plan.
            tokio::task::spawn_blocking(move || service.protect(&merchant, kind, &found));
        }
    }

    /// Watches a shadow run beside the decision at a place in the log.
    pub(super) fn watch_shadow(&self, merchant: &MerchantId, item: &Item, seq: u64, id: &VersionId, decision: &Decision) {
        let kind = item.kind;
        let Some(tenant) = self.snapshot.load().tenants.get(merchant).cloned() else { return };
        let told = heard(decision, item.opens).into_iter().flatten().map(|heard| Told {
            version: id.clone(),
            in_shadow: true,
            sample: heard.sample,
        });
        for found in self.guards.tell(&tenant, kind, seq, told).found {
            self.protect(merchant, kind, &found);
        }
    }

    /// Does what is to be done about a version that does harm.
    fn protect(&self, merchant: &MerchantId, kind: Kind, found: &Found) {
        let (id, why) = (&found.version, &found.finding);
        match self.protect_now(merchant, kind, found) {
            Ok(Some(measure)) => {
                tracing::error!(%merchant, kind = kind.as_str(), version = %id, %why, ?measure, "protection");
                self.metrics.protected(match measure {
                    Measure::RolledBack => Protected::RolledBack,
                    Measure::Paused => Protected::Paused,
                    Measure::Announced => Protected::Announced,
                });
                if let Some(webhook) = &self.webhook {
                    webhook.announce(merchant, kind, id, why, measure);
                }
            }
            // Where it still does harm it is found again.
            Ok(None) => self.guards.look_again(merchant, &[kind]),
            Err(error) => {
                // It is found again with the next decision.
                self.guards.look_again(merchant, &[kind]);
                tracing::error!(%merchant, version = %id, %why, %error, "the protection could not act");
            }
        }
    }

    /// Acts, under the lock of all changes; not where the plan moved since the finding was made.
    fn protect_now(&self, merchant: &MerchantId, kind: Kind, found: &Found) -> Result<Option<Measure>, ServiceError> {
        let _changing = self.changing.lock();
        let tenant = self.snapshot.load().tenants.get(merchant).cloned().ok_or(ServiceError::NotFound("merchant"))?;
        let (mut rollouts, at_ms) = (tenant.rollouts.clone(), now_ms());
        let Some(measure) = measured(&mut rollouts, &tenant.protection, kind, found, at_ms)? else { return Ok(None) };
        let active = rollouts.plan(kind).and_then(|plan| plan.active.as_ref()).map(|active| active.version.clone());
        let Found { version, finding, .. } = found.clone();
        let reason = Some(finding.to_string());
        let what = RolloutAct::Protected { kind, version, finding, measure, active };
        let act = NewAct { reason, at_ms, ..NewAct::new(By::host(Host::Protection), What::Rollout(what)) };
        let next = self.next_tenant(&tenant, rollouts)?;
        self.keep_moved(&tenant, &next, vec![act], None)?;
        self.change(|snapshot| _ = snapshot.tenants.insert(merchant.clone(), Arc::new(next)));
        Ok(Some(measure))
    }
}

/// Moves the plan as far as the merchant lets the protection go; none where the version stands otherwise than when it was found, for a
/// person placed it anew, or it is out already.
fn measured(
    rollouts: &mut Rollouts,
    limits: &Protection,
    kind: Kind,
    Found { version: id, finding, stood }: &Found,
    at_ms: i64,
) -> Result<Option<Measure>, ServiceError> {
    let Rollouts { plans, stops, .. } = rollouts;
    let Some(plan) = plans.get_mut(&kind).filter(|plan| plan.standing(id) == *stood) else { return Ok(None) };
    if !limits.on {
        return Ok(Some(Measure::Announced));
    }
    let reason = finding.to_string();
    let is_old = plan
        .active
        .as_ref()
        .is_some_and(|active| active.version == *id && at_ms.saturating_sub(active.since_ms) > i64::from(limits.watch_days) * DAY_MS);
    let before = plan.before(stops).cloned();
    if !is_old && plan.take_back(id, before.as_ref(), Hand::Protection, &reason, at_ms) {
        return Ok(Some(Measure::RolledBack));
    }
    if limits.pause_last && stood.is_placed() {
        let scope = Scope::Version { policy: id.policy.clone(), version: id.version.clone() };
        if rollouts.pause(scope, Hand::Protection, &reason, at_ms)? == Changed::Yes {
            return Ok(Some(Measure::Paused));
        }
    }
    Ok(Some(Measure::Announced))
}

#[cfg(test)]
mod tests {
    use ombud_core::protect::Finding;

    use super::*;

    fn id(version: &str) -> VersionId {
        VersionId { policy: "p".into(), version: version.into() }
    }

    #[test]
    fn what_was_placed_anew_since_it_was_found_is_left_alone() {
        let (kind, limits) = (Kind::Delay, Protection { pause_last: true, ..Protection::default() });
        let mut all = Rollouts::default();
        let plan = all.plans.entry(kind).or_default();
        plan.activate(&id("1"), 0);
        plan.activate(&id("2"), 1);
        let found = Found { version: id("2"), finding: Finding::ErrorStreak { faults: 10 }, stood: plan.standing(&id("2")) };
        let act = |all: &Rollouts| {
            let mut all = all.clone();
            let measure = measured(&mut all, &limits, kind, &found, 9).unwrap();
            (measure, all.plans[&kind].active.clone().unwrap().version)
        };
        assert_eq!(act(&all), (Some(Measure::RolledBack), id("1")));
        // A person took it back and activated it again; or another finding took it back; or it answers as a canary only.
        let mut anew = all.clone();
        anew.plans.get_mut(&kind).unwrap().activate(&id("1"), 2);
        assert_eq!(act(&anew), (None, id("1")));
        anew.plans.get_mut(&kind).unwrap().activate(&id("2"), 3);
        assert_eq!(act(&anew), (None, id("2")));
        anew.plans.get_mut(&kind).unwrap().rollback(None, &[], Hand::Protection, "faults", 4).unwrap();
        assert_eq!(act(&anew), (None, id("1")));
        // With the one before paused by a person there is nothing to go back to: it is paused itself.
        let scope = Scope::Version { policy: "p".into(), version: "1".into() };
        all.pause(scope, Hand::Merchant, "broken", 5).unwrap();
        assert_eq!(act(&all), (Some(Measure::Paused), id("2")));
    }
}
