//! The host's own protection: what versions decide is watched, and one that does harm is taken back or paused, with the reason on
//! record, in the log, in the metrics and at the operator's webhook. What it took back only a person brings back.

use std::sync::Arc;

use ombud_core::decision::Decision;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::{Finding, Protection, heard};
use ombud_core::rollout::{Changed, Hand, Rollouts, Scope, VersionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guards::Told;
use crate::clock::now_ms;
use crate::metrics::Protected;
use crate::service::Service;
use crate::service::acts::{By, NewAct, RolloutAct, What};
use crate::service::error::ServiceError;
use crate::service::pending::Item;
use crate::service::snapshot::Tenant;

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

impl Service {
    /// Watches a decision that was answered, by what it says of every version that ran for it.
    pub(in crate::service) fn watch(self: &Arc<Self>, tenant: &Tenant, item: &Item, seq: u64, decision: &Decision) {
        let kind = item.kind;
        let told = heard(decision, item.opens).into_iter().flatten().map(|heard| {
            let version = VersionId { policy: heard.policy.name.clone(), version: heard.policy.version.clone() };
            Told { version, in_shadow: false, sample: heard.sample }
        });
        let merchant = &tenant.config.id;
        let heard = self.guards.tell(tenant, kind, seq, told);
        if heard.is_first {
            self.read_earlier(merchant, kind, seq);
        }
        for (id, found) in heard.found {
            let (service, merchant) = (Arc::clone(self), merchant.clone());
            // Off the decision's path: it waits for nobody's change of a plan.
            tokio::task::spawn_blocking(move || service.protect(&merchant, kind, &id, &found));
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
        for (id, found) in self.guards.tell(&tenant, kind, seq, told).found {
            self.protect(merchant, kind, &id, &found);
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
            Err(error) => {
                // It is found again with the next decision.
                self.guards.look_again(merchant, &[kind]);
                tracing::error!(%merchant, version = %id, why = %found, %error, "the protection could not act");
            }
        }
    }

    fn protect_now(&self, merchant: &MerchantId, kind: Kind, id: &VersionId, found: &Finding) -> Result<Measure, ServiceError> {
        let _changing = self.changing.lock();
        let tenant = self.snapshot.load().tenants.get(merchant).cloned().ok_or(ServiceError::NotFound("merchant"))?;
        let (mut rollouts, at_ms) = (tenant.rollouts.clone(), now_ms());
        let measure = measured(&mut rollouts, &tenant.protection, kind, id, found, at_ms)?;
        let active = rollouts.plan(kind).and_then(|plan| plan.active.as_ref()).map(|active| active.version.clone());
        let what = RolloutAct::Protected { kind, version: id.clone(), finding: found.clone(), measure, active };
        let act = NewAct { reason: Some(found.to_string()), at_ms, ..NewAct::new(By::host("protection"), What::Rollout(what)) };
        let next = self.next_tenant(&tenant, rollouts)?;
        self.keep_moved(&tenant, &next, vec![act], None)?;
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
