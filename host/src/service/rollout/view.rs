//! A rollout as people see it.

use ombud_core::kind::Kind;
use ombud_core::rollout::{Hand, Plan, Scope, Stop, VersionId, local_text};
use ombud_store::Store as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shadow::{ShadowSummary, summary};
use crate::service::actor::{Principal, Right};
use crate::service::error::ServiceError;
use crate::service::listing::{instant, rfc3339};
use crate::service::snapshot::Tenant;
use crate::service::{Service, aside};

/// The rollouts of a merchant, or of one of its policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutView {
    /// By kind.
    pub kinds: Vec<PlanView>,
    /// Kill switches that are thrown.
    pub paused: Vec<StopView>,
}

/// The rollout of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// The kind.
    pub kind: Kind,
    /// What answers whatever nothing else answers.
    pub active: Option<PlacedView>,
    /// What answers a share of the customers.
    pub canary: Option<CanaryView>,
    /// What runs beside, unanswered.
    pub shadows: Vec<ShadowView>,
    /// What answers at times of its own.
    pub windows: Vec<WindowView>,
    /// What was active before, the latest first.
    pub earlier: Vec<VersionId>,
    /// What was taken back, the latest first.
    pub taken_back: Vec<TakenView>,
}

/// A version in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedView {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// Since when, RFC 3339.
    pub since: String,
    /// `loaded`, or why it is not.
    pub status: String,
    /// Why signatures would keep it from being placed now, where they would; it goes on nevertheless. Told where the rollout is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsigned: Option<String>,
}

/// A version that runs beside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowView {
    /// The version.
    #[serde(flatten)]
    pub placed: PlacedView,
    /// How what it said compares with what was decided; where a policy's rollout is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<ShadowSummary>,
}

/// A version that answers a share of the customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryView {
    /// The version.
    #[serde(flatten)]
    pub placed: PlacedView,
    /// The share of the customers in basis points: 500 are 5 %.
    pub share_bp: u16,
}

/// A version that answers at a time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowView {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// From then on, on the merchant's clock.
    pub from: String,
    /// Up to then, which is not in it any more.
    pub to: String,
}

/// A version that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenView {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// On whose behalf.
    pub by: Hand,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// A kill switch that is thrown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopView {
    /// What does not run.
    pub scope: Scope,
    /// On whose behalf.
    pub by: Hand,
    /// Since when, RFC 3339.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// Since when results of shadows are compared.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutQuery {
    /// Received at or after: RFC 3339, or a date for its beginning in the merchant's zone; left out: since the shadow run began.
    pub since: Option<String>,
}

impl Service {
    /// The rollouts of a merchant; those that have a policy anywhere in them, where one is named.
    /// Then its shadows have their comparisons, of all results since they began, or since a moment.
    pub fn rollout(
        &self,
        who: &Principal,
        merchant: &str,
        policy: Option<&str>,
        query: &RolloutQuery,
    ) -> Result<RolloutView, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "see rollouts")?;
        let mut view = view(&tenant, policy);
        let since_ms = instant("/since", query.since.as_deref(), tenant.config.tz_offset_min)?;
        for plan in view.kinds.iter_mut().filter(|_| policy.is_some()) {
            let placed = tenant.rollouts.plan(plan.kind).map(|plan| plan.shadows.as_slice()).unwrap_or_default();
            for (shadow, placed) in plan.shadows.iter_mut().zip(placed) {
                let since_ms = since_ms.unwrap_or(placed.since_ms);
                let merchant = &tenant.config.id;
                shadow.compared = Some(aside(|| self.store.read(|reads| summary(reads, merchant, plan.kind, &placed.version, since_ms)))?);
            }
        }
        aside(|| self.tell_unsigned(&tenant, &mut view))?;
        if view.kinds.is_empty() && policy.is_some_and(|policy| !self.knows_policy(&tenant, policy)) {
            return Err(ServiceError::NotFound("policy"));
        }
        Ok(view)
    }

    /// Tells of each version that is in a place and could not be placed now for want of a good signature.
    fn tell_unsigned(&self, tenant: &Tenant, view: &mut RolloutView) -> Result<(), ServiceError> {
        self.store.read(|reads| {
            for plan in &mut view.kinds {
                let canary = plan.canary.as_mut().map(|canary| &mut canary.placed);
                let placed = plan.active.iter_mut().chain(canary).chain(plan.shadows.iter_mut().map(|shadow| &mut shadow.placed));
                for placed in placed {
                    if let Some(row) = reads.version(&tenant.config.id, &placed.version.policy, &placed.version.version)? {
                        placed.unsigned = self.kept_out(reads, &tenant.config, &row)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// The rollouts of a merchant, with every plan that names `policy`.
pub(super) fn view(tenant: &Tenant, policy: Option<&str>) -> RolloutView {
    let names = |id: &VersionId| policy.is_none_or(|policy| policy == id.policy);
    let plans = tenant.rollouts.plans.iter().filter(|(_, plan)| mentioned(plan).any(names));
    let covers = |stop: &&Stop| match (&stop.scope, policy) {
        (Scope::Policy { policy: own } | Scope::Version { policy: own, .. }, Some(policy)) => own == policy,
        _ => true,
    };
    RolloutView {
        kinds: plans.map(|(kind, plan)| plan_view(tenant, *kind, plan)).collect(),
        paused: tenant.rollouts.stops.iter().filter(covers).map(stop_view).collect(),
    }
}

/// Every version that a plan knows of.
pub(super) fn mentioned(plan: &Plan) -> impl Iterator<Item = &VersionId> {
    plan.in_place().chain(&plan.earlier).chain(plan.taken.iter().map(|taken| &taken.version))
}

fn plan_view(tenant: &Tenant, kind: Kind, plan: &Plan) -> PlanView {
    let placed = |version: &VersionId, since_ms: i64| PlacedView {
        version: version.clone(),
        since: rfc3339(since_ms),
        status: match tenant.versions.get(kind, version).map(|bound| bound.status()) {
            Some(Ok(())) => "loaded".into(),
            Some(Err(reason)) => reason.to_string(),
            None => "not stored".into(),
        },
        unsigned: None,
    };
    PlanView {
        kind,
        active: plan.active.as_ref().map(|active| placed(&active.version, active.since_ms)),
        canary: plan
            .canary
            .as_ref()
            .map(|canary| CanaryView { placed: placed(&canary.version, canary.since_ms), share_bp: canary.share_bp }),
        shadows: plan
            .shadows
            .iter()
            .map(|shadow| ShadowView { placed: placed(&shadow.version, shadow.since_ms), compared: None })
            .collect(),
        windows: plan
            .windows
            .iter()
            .map(|window| WindowView {
                version: window.version.clone(),
                from: local_text(window.from_local_ms),
                to: local_text(window.to_local_ms),
            })
            .collect(),
        earlier: plan.earlier.clone(),
        taken_back: plan
            .taken
            .iter()
            .rev()
            .map(|taken| TakenView { version: taken.version.clone(), by: taken.by, at: rfc3339(taken.at_ms), reason: taken.reason.clone() })
            .collect(),
    }
}

fn stop_view(stop: &Stop) -> StopView {
    StopView { scope: stop.scope.clone(), by: stop.by, at: rfc3339(stop.at_ms), reason: stop.reason.clone() }
}
