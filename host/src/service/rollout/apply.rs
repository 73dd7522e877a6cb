//! What a move does to the plans: each step of a rollout applied, and the act that is recorded of it.

use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_core::rollout::{Changed, Hand, Plan, Refused, Rollouts, Scope, Step, Stop, local_ms, local_text};

use crate::service::acts::RolloutAct;
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;

/// For how long a window that has ended is still shown.
pub(in crate::service) const WINDOW_KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// A move with everything that is recorded of it.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The kind whose plan moves; none for kill switches, which no plan has.
    pub kind: Option<Kind>,
    pub step: Step,
    pub reason: Option<String>,
}

impl From<Refused> for ServiceError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflict(why) | Refused::NotThere(why) => Self::Conflict(why),
            Refused::Invalid(pointer, why) => Self::Invalid(vec![Problem::at(pointer, why)]),
        }
    }
}

/// Whether a move is possible and changes anything.
pub(super) fn try_out(tenant: &Tenant, order: &Order, hand: Hand, at_ms: i64) -> Result<bool, ServiceError> {
    Ok(apply(&mut tenant.rollouts.clone(), tenant, order, hand, at_ms)?.is_some())
}

/// Moves the plans. None where everything is that way already; else what is recorded.
pub(super) fn apply(
    rollouts: &mut Rollouts,
    tenant: &Tenant,
    order: &Order,
    hand: Hand,
    at_ms: i64,
) -> Result<Option<RolloutAct>, ServiceError> {
    let zone = tenant.config.tz_offset_min;
    let (changed, what) = match (&order.step, order.kind) {
        (Step::Pause { scope }, _) => {
            let reason = order.reason.clone().unwrap_or_default();
            (rollouts.pause(scope.clone(), hand, &reason, at_ms)?, RolloutAct::Paused { scope: scope.clone() })
        }
        (Step::Resume { scope }, _) => (rollouts.resume(scope, hand)?, RolloutAct::Resumed { scope: scope.clone(), hand: None }),
        (Step::ApprovalsOff, _) => (Changed::Yes, RolloutAct::ApprovalsOff),
        (step, Some(kind)) => {
            is_not_paused(rollouts, kind, step)?;
            let Rollouts { plans, stops, .. } = rollouts;
            move_plan(
                (plans.entry(kind).or_default(), stops),
                kind,
                step,
                hand,
                order.reason.as_deref().unwrap_or_default(),
                (at_ms, zone),
            )?
        }
        (_, None) => return Err(ServiceError::Internal(anyhow::anyhow!("a move of a plan names no kind"))),
    };
    Ok(if changed == Changed::Yes { Some(what) } else { None })
}

fn move_plan(
    (plan, stops): (&mut Plan, &[Stop]),
    kind: Kind,
    step: &Step,
    hand: Hand,
    reason: &str,
    (at_ms, zone): (i64, i32),
) -> Result<(Changed, RolloutAct), ServiceError> {
    Ok(match step {
        Step::Activate { version: id } => (plan.activate(id, at_ms), RolloutAct::Activated { kind, version: id.clone() }),
        Step::Canary { version: id, share_bp } => {
            (plan.canary(id, *share_bp, at_ms)?, RolloutAct::Canary { kind, version: id.clone(), share_bp: *share_bp })
        }
        Step::Shadow { version: id, on } => {
            let changed = if *on { plan.shadow(id, at_ms)? } else { plan.end_shadow(id)? };
            (changed, RolloutAct::Shadow { kind, version: id.clone(), on: *on })
        }
        Step::Rollback { to } => {
            let (taken, changed) = plan.rollback(to.as_ref(), stops, hand, reason, at_ms)?;
            let active = plan.active.as_ref().map(|active| active.version.clone());
            (changed, RolloutAct::RolledBack { kind, taken, active, hand: None })
        }
        Step::AddWindow { window } => {
            let forget_ms = local_ms(at_ms.saturating_sub(WINDOW_KEPT_MS), zone);
            let (from, to) = (local_text(window.from_local_ms), local_text(window.to_local_ms));
            (plan.add_window(window.clone(), at_ms, forget_ms)?, RolloutAct::Window { kind, version: window.version.clone(), from, to })
        }
        Step::RemoveWindow { version: id, from_local_ms: from } => {
            let changed = plan.remove_window(id, *from)?;
            (changed, RolloutAct::WindowRemoved { kind, version: id.clone(), from: from.map(local_text) })
        }
        Step::Pause { .. } | Step::Resume { .. } | Step::ApprovalsOff => {
            return Err(ServiceError::Internal(anyhow::anyhow!("a kill switch is in no plan")));
        }
    })
}

/// What is paused is not placed: it would not run, and whoever places it would believe that it does.
fn is_not_paused(rollouts: &Rollouts, kind: Kind, step: &Step) -> Result<(), ServiceError> {
    let Some(id) = step.placed() else { return Ok(()) };
    // Whoever paused a policy goes back to another version before resuming it: else the bad one would run once more.
    let goes_back = matches!(step, Step::Rollback { .. });
    let own = |stop: &&Stop| match stop.scope {
        Scope::Version { .. } => stop.scope.covers(kind, id),
        Scope::Policy { .. } => !goes_back && stop.scope.covers(kind, id),
        Scope::Merchant | Scope::Kind { .. } => false,
    };
    match rollouts.stops.iter().find(own) {
        Some(stop) => Err(ServiceError::Conflict(format!("{} is paused ({}): resume it first", stop.scope, stop.reason))),
        None => Ok(()),
    }
}
