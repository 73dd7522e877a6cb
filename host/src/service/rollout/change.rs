//! How persons move a plan: each move is checked, recorded in the transaction that keeps it, and in force with the next event.

use std::sync::Arc;

use ombud_core::kind::Kind;
use ombud_core::merchant::Approvals;
use ombud_core::rollout::{Hand, Plan, Proposal, Rollouts, Scope, Step, VersionId, Window};
use ombud_ledger::Digest;
use ombud_store::{MerchantRow, Store as _};

use super::apply::{Order, apply};
use super::load::{Moved, keep};
use super::named::{kind_named, moment, rolled_out};
use super::step::{
    ActivateRequest, CanaryRequest, KillRequest, PauseRequest, RollbackRequest, ShadowRequest, StepAnswer, WindowRemoval, WindowRequest,
};
use super::view;
use crate::clock::now_ms;
use crate::service::actor::{Principal, Right, Role};
use crate::service::acts::{self, By, NewAct, RolloutAct, What};
use crate::service::error::ServiceError;
use crate::service::snapshot::{MerchantDocument, Tenant};
use crate::service::{Service, admin, blocking};

impl Service {
    /// Makes a version the active one.
    pub async fn activate(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: ActivateRequest) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            let (id, kind) = service.placeable(tenant, policy, &asked.version, asked.kind.as_deref())?;
            Ok(Order { kind: Some(kind), step: Step::Activate { version: id }, reason: may_say(asked.reason.as_ref())? })
        })
        .await
    }

    /// Lets a version answer a share of the customers.
    pub async fn canary(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: CanaryRequest) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            let (id, kind) = service.placeable(tenant, policy, &asked.version, asked.kind.as_deref())?;
            Ok(Order {
                kind: Some(kind),
                step: Step::Canary { version: id, share_bp: asked.share_bp },
                reason: may_say(asked.reason.as_ref())?,
            })
        })
        .await
    }

    /// Lets a version run beside, unanswered, or ends that.
    pub async fn shadow(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: ShadowRequest) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            let (id, kind) = if asked.on {
                service.placeable(tenant, policy, &asked.version, asked.kind.as_deref())?
            } else {
                let runs = |plan: &Plan, id: &VersionId| plan.shadows.iter().any(|shadow| shadow.version == *id);
                service.standing(tenant, policy, &asked.version, asked.kind.as_deref(), runs)?
            };
            Ok(Order { kind: Some(kind), step: Step::Shadow { version: id, on: asked.on }, reason: may_say(asked.reason.as_ref())? })
        })
        .await
    }

    /// Takes back what was rolled out last, or goes back to an earlier version.
    pub async fn roll_back(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: RollbackRequest) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            let reason = Some(acts::reason(&asked.reason)?);
            let target = asked.to.as_deref().map(|version| (asked.to_policy.as_deref().unwrap_or(policy), version));
            let target = target.map(|(policy, version)| service.placeable_at("/to", tenant, policy, version, asked.kind.as_deref()));
            let (to, kind) = target.transpose()?.map_or((None, None), |(id, kind)| (Some(id), Some(kind)));
            let kind = match kind {
                Some(kind) => kind,
                None => rolled_out(tenant, policy, asked.kind.as_deref())?,
            };
            Ok(Order { kind: Some(kind), step: Step::Rollback { to }, reason })
        })
        .await
    }

    /// Lets a version answer at a time of its own.
    pub async fn add_window(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: WindowRequest) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            let zone = tenant.config.tz_offset_min;
            let (from, to) = (moment("/from", &asked.from, zone, false), moment("/to", &asked.to, zone, true));
            let (id, kind) = service.placeable(tenant, policy, &asked.version, asked.kind.as_deref())?;
            let window = Window { version: id, from_local_ms: from?, to_local_ms: to?, set_ms: 0 };
            Ok(Order { kind: Some(kind), step: Step::AddWindow { window }, reason: may_say(asked.reason.as_ref())? })
        })
        .await
    }

    /// Removes windows of a version.
    pub async fn remove_window(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: WindowRemoval) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            let from = asked.from.as_deref().map(|from| moment("/from", from, tenant.config.tz_offset_min, false)).transpose()?;
            let has = |plan: &Plan, id: &VersionId| plan.windows_of(id, None).next().is_some();
            let (id, kind) = service.standing(tenant, policy, &asked.version, asked.kind.as_deref(), has)?;
            Ok(Order {
                kind: Some(kind),
                step: Step::RemoveWindow { version: id, from_local_ms: from },
                reason: may_say(asked.reason.as_ref())?,
            })
        })
        .await
    }

    /// Throws or takes back the kill switch of a policy or of one version.
    pub async fn pause_policy(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, asked: PauseRequest, on: bool) -> Answer {
        self.step(who, merchant, policy, move |service, tenant, policy| {
            if !service.knows_policy(tenant, policy) {
                return Err(ServiceError::NotFound("policy"));
            }
            let policy = policy.to_owned();
            let scope = match asked.version.clone() {
                Some(version) => {
                    let id = VersionId { policy: policy.clone(), version: version.clone() };
                    service.stored("/version", tenant, &id)?;
                    Scope::Version { policy, version }
                }
                None => Scope::Policy { policy },
            };
            switch(scope, on, &asked.reason)
        })
        .await
    }

    /// Throws or takes back the kill switch of a kind or of the whole merchant.
    pub async fn pause_kind(self: &Arc<Self>, who: &Principal, merchant: &str, asked: KillRequest, on: bool) -> Answer {
        self.step(who, merchant, "", move |_, _, _| {
            let scope = match asked.kind.as_deref() {
                None => Scope::Merchant,
                Some(name) => Scope::Kind { kind: kind_named(name)? },
            };
            switch(scope, on, &asked.reason)
        })
        .await
    }

    /// Makes an order of what was asked for, which may load and run policies, and carries it out under the lock of all changes.
    pub(super) async fn step<F>(self: &Arc<Self>, who: &Principal, merchant: &str, policy: &str, order: F) -> Answer
    where
        F: Fn(&Self, &Tenant, &str) -> Result<Order, ServiceError> + Send + 'static,
    {
        self.tenant(who, merchant, Right::Configure, "roll out policies")?;
        // Asking a version to take its settings may take long.
        let _turn = self.turn_to_change(who).await?;
        let (service, who, merchant, policy) = (Arc::clone(self), who.clone(), merchant.to_owned(), policy.to_owned());
        blocking(move || {
            let prepare = |tenant: Option<&Arc<Tenant>>| order(&service, tenant.ok_or(ServiceError::NotFound("merchant"))?, &policy);
            service.changed(&merchant, prepare, |_, order| {
                service.still_valid(&who)?;
                let tenant = service.tenant(&who, &merchant, Right::Configure, "roll out policies")?;
                let of = Some(policy.as_str()).filter(|policy| !policy.is_empty());
                if order.step.waits() && tenant.config.approvals.rollout > 1 {
                    return service.propose(&tenant, order, &who, of);
                }
                service.carry_out(&tenant, &order, (By::from(&who), hand(&who)), None, of)
            })
        })
        .await
    }

    /// Moves a plan. The caller holds the lock of all changes. `approved` is the proposal that is carried out, which is settled by it, and what
    /// its second person says; it is carried out on behalf of who proposed it.
    pub(super) fn carry_out(
        &self,
        tenant: &Tenant,
        order: &Order,
        (by, own): (By, Hand),
        approved: Option<(&Proposal, Option<String>)>,
        of: Option<&str>,
    ) -> Answer {
        let at_ms = now_ms();
        let hand = approved.as_ref().and_then(|(proposal, _)| proposal.hand).unwrap_or(own);
        let mut rollouts = tenant.rollouts.clone();
        let what = apply(&mut rollouts, tenant, order, hand, at_ms)?;
        let what = if hand == own { what } else { what.map(|what| what.on_behalf_of(hand)) };
        let changed = what.is_some();
        if order.step == Step::ApprovalsOff {
            rollouts.settle_approvals_off();
        }
        if let Some((proposal, _)) = &approved {
            rollouts.settle(&proposal.id);
        } else if !changed {
            return Ok(StepAnswer { changed, proposal: None, approved: None, rollout: view::view(tenant, of) });
        }
        let component = |rollouts: &Rollouts, tenant: &Tenant| -> Option<Digest> {
            let kind = order.kind?;
            Some(tenant.versions.get(kind, &rollouts.plan(kind)?.active.as_ref()?.version)?.component)
        };
        let before = component(&tenant.rollouts, tenant);
        let mut next = self.next_tenant(tenant, rollouts)?;
        let after = component(&next.rollouts, &next);
        let (before, after) = match &order.step {
            Step::ApprovalsOff => {
                next.config.approvals = Approvals::default();
                (Some(admin::digest_of(&tenant.config)), Some(admin::digest_of(&next.config)))
            }
            _ => (before, after),
        };
        let mut acts = Vec::new();
        if let Some(what) = what {
            let act = NewAct { reason: order.reason.clone(), at_ms, ..NewAct::new(by.clone(), What::Rollout(what)) };
            acts.push(if before == after { act } else { act.change(before, after) });
        }
        if let Some((proposal, reason)) = approved {
            let what = RolloutAct::Approved { proposal: proposal.id.clone(), proposed_by: proposal.by.clone() };
            acts.push(NewAct { reason, at_ms, ..NewAct::new(by, What::Rollout(what)) });
        }
        let row = match &order.step {
            Step::ApprovalsOff => Some(self.row_with(&next)?),
            _ => None,
        };
        self.keep_moved(tenant, &next, acts, row)?;
        let rollout = view::view(&next, of);
        let next = Arc::new(next);
        self.change(|snapshot| _ = snapshot.tenants.insert(next.config.id.clone(), Arc::clone(&next)));
        self.watch_anew(tenant, &next, order);
        Ok(StepAnswer { changed, proposal: None, approved: None, rollout })
    }

    /// What a person placed begins anew before the protection, and what was found is found again under the plan as it is now.
    fn watch_anew(&self, before: &Tenant, now: &Tenant, order: &Order) {
        let merchant = &now.config.id;
        let Some(kind) = order.kind else {
            // What was paused and is resumed begins anew as well: nothing was seen of it meanwhile.
            for stop in before.rollouts.stops.iter().filter(|stop| !now.rollouts.stops.contains(stop)) {
                self.guards.forget_under(merchant, &stop.scope);
            }
            return self.guards.look_again(merchant, &Kind::ALL);
        };
        let active = |tenant: &Tenant| Some(tenant.rollouts.plan(kind)?.active.as_ref()?.version.clone());
        let activated = active(now).filter(|id| active(before).as_ref() != Some(id));
        for id in order.step.placed().into_iter().chain(&activated) {
            self.guards.forget(merchant, kind, id);
        }
        self.guards.look_again(merchant, &[kind]);
    }

    /// The merchant's row with the approvals that it asks for now.
    fn row_with(&self, next: &Tenant) -> Result<MerchantRow, ServiceError> {
        let internal = |error: serde_json::Error| ServiceError::Internal(error.into());
        let row = self.store.read(|reads| reads.merchant(&next.config.id))?.ok_or(ServiceError::NotFound("merchant"))?;
        let mut document: MerchantDocument = serde_json::from_str(&row.config).map_err(internal)?;
        if let Some(members) = document.config.as_object_mut() {
            members.insert("approvals".into(), serde_json::to_value(next.config.approvals).map_err(internal)?);
        }
        Ok(MerchantRow { config: serde_json::to_string(&document).map_err(internal)?, ..row })
    }

    /// The merchant with other plans.
    pub(in crate::service) fn next_tenant(&self, tenant: &Tenant, rollouts: Rollouts) -> Result<Tenant, ServiceError> {
        let (config, bound) = (tenant.config.clone(), tenant.caps_bound.clone());
        self.store.read(|reads| self.assemble(reads, config, bound, rollouts).map_err(ServiceError::from))
    }

    /// Keeps moved plans with the acts that moved them, and the merchant's row where it changes too.
    pub(super) fn keep_moved(
        &self,
        before: &Tenant,
        next: &Tenant,
        acts: Vec<NewAct>,
        row: Option<MerchantRow>,
    ) -> Result<(), ServiceError> {
        let (merchant, vault) = (next.config.id.clone(), self.vault.clone());
        let at_ms = acts.first().map_or_else(now_ms, |act| act.at_ms);
        let moved = Moved { before: before.rollouts.clone(), now: next.rollouts.clone(), new: Vec::new(), at_ms, acts };
        Ok(self.writer.wait(move |group| {
            if let Some(row) = &row {
                group.put_merchant(row)?;
            }
            keep(group, &vault, &merchant, &moved)
        })?)
    }
}

pub(super) type Answer = Result<StepAnswer, ServiceError>;

fn switch(scope: Scope, on: bool, reason: &str) -> Result<Order, ServiceError> {
    let reason = Some(acts::reason(reason)?);
    Ok(Order { kind: None, step: if on { Step::Pause { scope } } else { Step::Resume { scope } }, reason })
}

pub(super) fn hand(who: &Principal) -> Hand {
    if who.role == Role::Operator { Hand::Operator } else { Hand::Merchant }
}

pub(super) fn may_say(reason: Option<&String>) -> Result<Option<String>, ServiceError> {
    reason.map(|reason| acts::reason(reason)).transpose()
}
