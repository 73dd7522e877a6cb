//! Two persons: a move that one proposes waits for another, where the merchant asks for that.

use std::sync::Arc;
use std::time::Duration;

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::rollout::{Changed, Hand, Proposal, Rollouts, Step, VersionId, Waited};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::apply::{Order, try_out};
use super::change::{Answer, hand, may_say};
use super::step::StepAnswer;
use super::view;
use crate::clock::now_ms;
use crate::service::actor::{Principal, Right};
use crate::service::acts::{By, NewAct, RolloutAct, What};
use crate::service::admin::is_same_person;
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::snapshot::Tenant;
use crate::service::{Service, blocking};

/// A move that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    /// By which it is approved or withdrawn.
    pub id: String,
    /// The kind whose rollout moves.
    pub kind: Option<Kind>,
    /// The move.
    #[serde(flatten)]
    pub step: Step,
    /// What it takes back, where it is a rollback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<VersionId>,
    /// Who proposes it.
    pub by: String,
    /// On whose behalf; none of what an earlier release proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<Hand>,
    /// Why.
    pub reason: Option<String>,
    /// When, RFC 3339.
    pub at: String,
    /// Until when it waits, RFC 3339.
    pub expires_at: String,
}

/// A move that waited, and that a second person approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovedView {
    /// As it was proposed.
    pub proposal: ProposalView,
    /// Who approves it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// What a person says of a proposal.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalWord {
    /// Why; at most 2 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl From<&Proposal> for ProposalView {
    fn from(own: &Proposal) -> Self {
        Self {
            id: own.id.clone(),
            kind: own.kind,
            step: own.step.clone(),
            takes: own.takes.clone(),
            by: own.by.clone(),
            hand: own.hand,
            reason: own.reason.clone(),
            at: rfc3339(own.at_ms),
            expires_at: rfc3339(own.expires_at_ms()),
        }
    }
}

/// A moment after whatever was done before, epoch milliseconds: what is done in the moment of a proposal was done since. A clock that was set
/// back is not waited for.
fn after(rollouts: &Rollouts) -> i64 {
    let now = now_ms();
    if rollouts.latest_ms() != Some(now) {
        return now;
    }
    std::thread::sleep(Duration::from_millis(1));
    now_ms()
}

impl Service {
    /// The moves of a merchant's rollouts that wait for a second person.
    pub fn proposals(&self, who: &Principal, merchant: &str) -> Result<Vec<ProposalView>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "see rollouts")?;
        let now = now_ms();
        Ok(tenant.rollouts.proposals.iter().filter(|own| own.expires_at_ms() > now).map(ProposalView::from).collect())
    }

    /// Keeps a move until another person approves it. It is tried out first: what cannot be done is not proposed.
    pub(super) fn propose(&self, tenant: &Tenant, order: Order, who: &Principal, of: Option<&str>) -> Answer {
        let at_ms = after(&tenant.rollouts);
        if !try_out(tenant, &order, hand(who), at_ms)? {
            return Ok(StepAnswer { changed: false, proposal: None, approved: None, rollout: view::view(tenant, of) });
        }
        let mut bits = [0_u8; 8];
        getrandom::fill(&mut bits).map_err(|error| ServiceError::Internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let Order { kind, step, reason } = order;
        let (step, takes) = match kind {
            Some(kind) => {
                let step = tenant.rollouts.said_plainly(kind, step);
                (step.clone(), tenant.rollouts.would_take(kind, &step))
            }
            None => (step, Vec::new()),
        };
        let (id, by) = (format!("p_{}", hex::encode(bits)), who.actor.to_string());
        let proposal = Proposal { id, kind, step, takes, by, hand: Some(hand(who)), reason, at_ms };
        let mut rollouts = tenant.rollouts.clone();
        let is_new = rollouts.propose(proposal.clone())? == Changed::Yes;
        let same = |own: &&Proposal| (own.kind, &own.step, &own.by) == (proposal.kind, &proposal.step, &proposal.by);
        let waiting = rollouts.proposals.iter().find(same).map(ProposalView::from);
        if is_new {
            let what = RolloutAct::Proposed { proposal: proposal.id.clone(), kind: proposal.kind, proposed: proposal.step.clone() };
            let act = NewAct { reason: proposal.reason.clone(), at_ms, ..NewAct::new(who, What::Rollout(what)) };
            let next = self.next_tenant(tenant, rollouts)?;
            self.keep_moved(tenant, &next, vec![act], None)?;
            self.change(|snapshot| _ = snapshot.tenants.insert(next.config.id.clone(), Arc::new(next)));
        }
        Ok(StepAnswer { changed: false, proposal: waiting, approved: None, rollout: view::view(tenant, of) })
    }

    /// Approves a proposal, as another person than who made it: it is carried out now.
    pub async fn approve(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str, word: ProposalWord) -> Answer {
        let ask = |service: &Self, tenant: &Tenant, proposal: &Proposal, who: &Principal| {
            service.may_approve(tenant, proposal, who)?;
            service.ask_again(tenant, proposal)
        };
        self.settle(who, merchant, id, word, ask, |service, tenant, proposal, who, reason| {
            service.may_approve(tenant, proposal, who)?;
            let order = order_of(proposal);
            let approved = ApprovedView { proposal: proposal.into(), by: who.actor.to_string(), reason: reason.clone() };
            let answer = service.carry_out(tenant, &order, (By::from(who), hand(who)), Some((proposal, reason)), None)?;
            Ok(StepAnswer { approved: Some(approved), ..answer })
        })
        .await
    }

    /// Whether somebody may approve a proposal now.
    fn may_approve(&self, tenant: &Tenant, proposal: &Proposal, who: &Principal) -> Result<(), ServiceError> {
        if is_same_person(&proposal.by, who.actor.as_str()) {
            let why = format!("`{}` proposed it: another person with the right approves it", proposal.by);
            return Err(ServiceError::Conflict(why));
        }
        let overtaken = |why: &str| ServiceError::Conflict(format!("{why}: withdraw the proposal, and propose what is meant now"));
        if !self.still_a_person(&proposal.by, tenant)? {
            return Err(overtaken(&format!("`{}`, who proposed it, has no valid key with the right any more", proposal.by)));
        }
        if let Some(why) = proposal.overtaken(&tenant.rollouts) {
            return Err(overtaken(&why));
        }
        // It is carried out on behalf of who proposed it, and lets nobody have a say in what only the other hand may do.
        let hands = (hand(who), proposal.hand.unwrap_or(hand(who)));
        if let Step::Resume { scope } = &proposal.step
            && let Some(stop) = tenant.rollouts.lifted_by_other(scope, hands)
        {
            let whose = if stop.by == Hand::Operator { "operator" } else { "merchant" };
            return Err(ServiceError::Conflict(format!(
                "the {whose} paused {scope}: another person of the {whose} approves that it is resumed"
            )));
        }
        let hand = proposal.hand.unwrap_or(hand(who));
        try_out(tenant, &order_of(proposal), hand, now_ms()).map(|_| ()).map_err(not_as_things_are)
    }

    /// Whether a label is that of somebody who may still roll out the merchant's policies.
    fn still_a_person(&self, label: &str, tenant: &Tenant) -> Result<bool, ServiceError> {
        let owner = Self::owner().map_err(ServiceError::Internal)?;
        let is_own = |of: Option<&MerchantId>| of.is_none_or(|of| *of == tenant.config.id);
        let may =
            |own: &Principal| own.role.may(Right::Configure) && is_own(own.merchant.as_ref()) && is_same_person(label, own.actor.as_str());
        Ok(may(&owner) || self.snapshot.load().principals.values().any(may))
    }

    /// Asks the version that a proposal places whether it still loads and takes its settings: days may have passed. Going back to whatever was
    /// before asks nothing, with one person or two: what does harm is taken out.
    fn ask_again(&self, tenant: &Tenant, proposal: &Proposal) -> Result<(), ServiceError> {
        let (Some(kind), Some(id)) = (proposal.kind, proposal.step.placed()) else { return Ok(()) };
        if proposal.step == tenant.rollouts.said_plainly(kind, Step::Rollback { to: None }) {
            return Ok(());
        }
        self.can_be_placed(tenant, kind, id).map_err(not_as_things_are)
    }

    /// Takes a proposal away.
    pub async fn withdraw(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str, word: ProposalWord) -> Answer {
        self.settle(
            who,
            merchant,
            id,
            word,
            |_, _, _, _| Ok(()),
            |service, tenant, proposal, who, reason| {
                let mut rollouts = tenant.rollouts.clone();
                rollouts.settle(&proposal.id);
                let what = RolloutAct::Withdrawn { proposal: proposal.id.clone(), proposed_by: proposal.by.clone() };
                let act = NewAct { reason, ..NewAct::new(who, What::Rollout(what)) };
                let next = service.next_tenant(tenant, rollouts)?;
                service.keep_moved(tenant, &next, vec![act], None)?;
                let rollout = view::view(&next, None);
                service.change(|snapshot| _ = snapshot.tenants.insert(next.config.id.clone(), Arc::new(next)));
                Ok(StepAnswer { changed: true, proposal: None, approved: None, rollout })
            },
        )
        .await
    }

    /// Proposes that one person be enough from then on.
    pub async fn ask_one_person(self: &Arc<Self>, who: &Principal, merchant: &str, word: ProposalWord) -> Answer {
        self.step(who, merchant, "", move |_, tenant, _| {
            if tenant.config.approvals.is_default() {
                return Err(ServiceError::Conflict("one person is enough already".into()));
            }
            Ok(Order { kind: None, step: Step::ApprovalsOff, reason: may_say(word.reason.as_ref())? })
        })
        .await
    }

    /// Settles a proposal: `ask` may take its time and run policies, `then` follows under the lock of all changes.
    async fn settle<A, F>(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str, word: ProposalWord, ask: A, then: F) -> Answer
    where
        A: Fn(&Self, &Tenant, &Proposal, &Principal) -> Result<(), ServiceError> + Send + 'static,
        F: FnOnce(&Self, &Tenant, &Proposal, &Principal, Option<String>) -> Answer + Send + 'static,
    {
        self.tenant(who, merchant, Right::Configure, "settle proposals")?;
        let reason = may_say(word.reason.as_ref())?;
        let _turn = self.turn_to_change(who).await?;
        let (service, who, merchant, id) = (Arc::clone(self), who.clone(), merchant.to_owned(), id.to_owned());
        blocking(move || {
            let proposal = |tenant: &Tenant| {
                tenant.rollouts.proposal(&id, now_ms()).cloned().map_err(|why| match why {
                    Waited::NotThere => ServiceError::NotFound("proposal"),
                    Waited::TooLong(until_ms) => {
                        ServiceError::Conflict(format!("it waited until {}: propose it again if it is still meant", rfc3339(until_ms)))
                    }
                })
            };
            let prepare = |tenant: Option<&Arc<Tenant>>| {
                let tenant = tenant.ok_or(ServiceError::NotFound("merchant"))?;
                ask(&service, tenant, &proposal(tenant)?, &who)
            };
            service.changed(&merchant, prepare, |_, ()| {
                service.still_valid(&who)?;
                let tenant = service.tenant(&who, &merchant, Right::Configure, "settle proposals")?;
                then(&service, &tenant, &proposal(&tenant)?, &who, reason)
            })
        })
        .await
    }
}

fn order_of(proposal: &Proposal) -> Order {
    Order { kind: proposal.kind, step: proposal.step.clone(), reason: proposal.reason.clone() }
}

/// Why something that was proposed cannot be carried out now, with what to do.
fn not_as_things_are(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Conflict(why) => {
            ServiceError::Conflict(format!("as things are it cannot be carried out ({why}): mend that, or withdraw the proposal"))
        }
        other => other,
    }
}
