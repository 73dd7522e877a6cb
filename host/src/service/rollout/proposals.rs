//! Two persons: a move that one proposes waits for another, where the merchant asks for that.

use std::sync::Arc;

use ombud_core::kind::Kind;
use ombud_core::rollout::{Changed, Proposal, Step, VersionId};
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
    /// Why.
    pub reason: Option<String>,
    /// When, RFC 3339.
    pub at: String,
    /// Until when it waits, RFC 3339.
    pub expires_at: String,
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
            reason: own.reason.clone(),
            at: rfc3339(own.at_ms),
            expires_at: rfc3339(own.expires_at_ms()),
        }
    }
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
        let at_ms = now_ms();
        if !try_out(tenant, &order, hand(who), at_ms)? {
            return Ok(StepAnswer { changed: false, proposal: None, rollout: view::view(tenant, of) });
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
        let proposal = Proposal { id: format!("p_{}", hex::encode(bits)), kind, step, takes, by: who.actor.to_string(), reason, at_ms };
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
        Ok(StepAnswer { changed: false, proposal: waiting, rollout: view::view(tenant, of) })
    }

    /// Approves a proposal, as another person than who made it: it is carried out now.
    pub async fn approve(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str, word: ProposalWord) -> Answer {
        self.settle(who, merchant, id, word, |service, tenant, proposal, who, _| {
            if is_same_person(&proposal.by, who.actor.as_str()) {
                let why = format!("`{}` proposed it: another person with the right approves it", proposal.by);
                return Err(ServiceError::Conflict(why));
            }
            if let Some(why) = proposal.overtaken(&tenant.rollouts) {
                return Err(ServiceError::Conflict(format!("{why}: withdraw the proposal, and propose what is meant now")));
            }
            let order = Order { kind: proposal.kind, step: proposal.step.clone(), reason: proposal.reason.clone() };
            service.carry_out(tenant, &order, (By::from(who), hand(who)), Some(proposal), None)
        })
        .await
    }

    /// Takes a proposal away.
    pub async fn withdraw(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str, word: ProposalWord) -> Answer {
        self.settle(who, merchant, id, word, |service, tenant, proposal, who, reason| {
            let mut rollouts = tenant.rollouts.clone();
            rollouts.settle(&proposal.id);
            let what = RolloutAct::Withdrawn { proposal: proposal.id.clone(), proposed_by: proposal.by.clone() };
            let act = NewAct { reason, ..NewAct::new(who, What::Rollout(what)) };
            let next = service.next_tenant(tenant, rollouts)?;
            service.keep_moved(tenant, &next, vec![act], None)?;
            let rollout = view::view(&next, None);
            service.change(|snapshot| _ = snapshot.tenants.insert(next.config.id.clone(), Arc::new(next)));
            Ok(StepAnswer { changed: true, proposal: None, rollout })
        })
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

    async fn settle<F>(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str, word: ProposalWord, then: F) -> Answer
    where
        F: FnOnce(&Self, &Tenant, &Proposal, &Principal, Option<String>) -> Answer + Send + 'static,
    {
        self.tenant(who, merchant, Right::Configure, "settle proposals")?;
        let reason = may_say(word.reason.as_ref())?;
        let _turn = self.turn_to_change(who).await?;
        let (service, who, merchant, id) = (Arc::clone(self), who.clone(), merchant.to_owned(), id.to_owned());
        blocking(move || {
            let _changing = service.changing.lock();
            service.still_valid(&who)?;
            let tenant = service.tenant(&who, &merchant, Right::Configure, "settle proposals")?;
            let proposal = tenant.rollouts.proposal(&id, now_ms()).cloned().ok_or(ServiceError::NotFound("proposal"))?;
            then(&service, &tenant, &proposal, &who, reason)
        })
        .await
    }
}
