//! Acts of persons on decisions: approve what waits, put something else in its place, or take a decision back. Each is a
//! record of the same ledger; money counts when a person approves it.

mod settle;
mod standing;
mod target;

use std::sync::Arc;

use ombud_core::case::Case;
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::money::{self, Amounts};
use ombud_core::problem::Problem;
use ombud_ledger::seal::{Of, seal};
use ombud_ledger::{ActEntry, BodyKind, Digest, Entry, Header, leaf_hash};
use ombud_store::{EntryKind, Filter, Group, ListedEntry, Listing, NewRecord, Reads, Store as _};
use serde::{Deserialize, Serialize};

use super::actor::{Principal, Right, Role};
use super::decide::now_ms;
use super::error::ServiceError;
use super::snapshot::Tenant;
use super::wire::{OverrideAction, OverrideAnswer, OverrideRequest};
use super::{Service, locks, project, read};
use settle::{Counting, check_money, paid_by, settle};
use target::Target;

/// The act's name in the ledger.
const OVERRIDE: &str = "decision.override";
/// Characters of a reason.
const REASON_SCALARS_MAX: usize = 2_000;
/// Acts looked through for those on one decision.
const ACTS_MAX: u32 = 1_000;

/// The sealed body of an override.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OverrideBody {
    decision: String,
    action: OverrideAction,
    reason: String,
    actor: String,
    role: Role,
    at: String,
    outcome: String,
    amounts: Amounts,
}

/// An act on a decision, as found again.
pub(super) struct Act {
    /// Its place in the ledger.
    pub(super) seq: u64,
    /// When it was recorded, epoch milliseconds.
    pub(super) at_ms: i64,
    pub(super) body: OverrideBody,
    pub(super) json: String,
}

impl Service {
    /// Approves, amends or cancels a decision.
    pub async fn override_decision(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        id: &str,
        request: OverrideRequest,
    ) -> Result<OverrideAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Override, "override decisions")?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        let scalars = request.reason.chars().count();
        if scalars == 0 || scalars > REASON_SCALARS_MAX {
            let problem = Problem::at("/reason", "has the wrong length").allowed(format!("1 to {REASON_SCALARS_MAX} characters"));
            return Err(ServiceError::Invalid(vec![problem]));
        }
        // The order's or the request's lock too: a decision between reading its history and its record must not miss this act.
        let on = self.store.read(|reads| {
            let record = reads.decision(&tenant.config.id, &id)?.ok_or(ServiceError::NotFound("decision"))?;
            let subjects = read::subjects_of(reads, &tenant.config.id, record.seq)?;
            Target::read(&read::open(reads, &self.vault, &tenant.config.id, &record, &subjects)?).map(|target| match target.case {
                Case::Blacklist(case) => ("blacklist", case.request_id),
                case => ("order", money::order_id(&case).unwrap_or_default().to_owned()),
            })
        })?;
        let keys = vec![locks::key(&[merchant, "override", id.as_str()]), locks::key(&[merchant, on.0, &on.1])];
        let _held = self.locks.hold(keys).await;
        let (service, who) = (Arc::clone(self), who.clone());
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job = move |group: &mut dyn Group| service.override_in(group, &tenant, &who, &id, &request);
        self.writer.submit(job, move |result| _ = answer.send(result))?;
        Ok(answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??)
    }

    fn override_in(
        &self,
        group: &mut dyn Group,
        tenant: &Tenant,
        who: &Principal,
        id: &DecisionId,
        request: &OverrideRequest,
    ) -> Result<OverrideAnswer, ServiceError> {
        let merchant = &tenant.config.id;
        let reads: &dyn Reads = group;
        let record = reads.decision(merchant, id)?.ok_or(ServiceError::NotFound("decision"))?;
        let listed = reads.listed(merchant, record.seq)?.ok_or(ServiceError::NotFound("decision"))?;
        let subjects = read::subjects_of(reads, merchant, record.seq)?;
        let opened = read::open(reads, &self.vault, merchant, &record, &subjects)?;
        let target = Target::read(&opened)?;
        let earlier = self.acts_on(reads, merchant, id, record.seq)?;
        let standing = target.standing(&earlier);
        let after = standing.after(&target, request, who)?;

        // The money that stands after the act, against what the ledger has counted.
        let own: Vec<u64> = std::iter::once(record.seq).chain(earlier.iter().map(|act| act.seq)).collect();
        let cancelled = paid_by(reads, merchant, &own, standing.paid(&target))?;
        let paid = match request.action {
            OverrideAction::Cancel => Vec::new(),
            OverrideAction::Approve | OverrideAction::Amend => target.intents(&after.amounts),
        };
        check_money(reads, tenant, &target, &cancelled, &paid, &after.amounts)?;

        let at_ms = now_ms();
        let body = OverrideBody {
            decision: id.to_string(),
            action: request.action,
            reason: request.reason.clone(),
            actor: who.actor.to_string(),
            role: who.role,
            at: super::listing::rfc3339(at_ms),
            outcome: after.outcome.clone(),
            amounts: after.amounts,
        };
        let body_json = serde_json::to_vec(&body).map_err(|error| ServiceError::Internal(error.into()))?;
        let mut act_id = [0_u8; 16];
        getrandom::fill(&mut act_id).map_err(|error| ServiceError::Internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let key = match subjects.iter().map(|subject| self.vault.open(merchant, subject, reads)).find_map(Result::transpose) {
            Some(key) => key?,
            None => return Err(ServiceError::Conflict("the customer was erased: nothing more is decided on this record".into())),
        };
        let mut sealed = Vec::new();
        let detached = seal(&key, merchant, Of::Act(&act_id), &[(BodyKind::Act, &body_json)], &mut sealed)
            .map_err(|error| ServiceError::Internal(error.into()))?;
        let seq = reads.log_size(merchant)?;
        let header = Header {
            merchant: merchant.clone(),
            seq,
            entry: Entry::Act(ActEntry { id: act_id, act: OVERRIDE.to_owned(), actor: who.actor.to_string() }),
            received_at_ms: at_ms,
            trace_id: None,
            detached: Some(detached),
        }
        .encode()
        .map_err(|error| ServiceError::Internal(error.into()))?;
        let leaf = leaf_hash(&header);

        append(group, merchant, seq, &header, leaf, &sealed, &listed, &after.outcome, at_ms)?;
        let counted = Counting { seq, at_ms: at_ms.max(standing.counted_at_ms + 1), before_ms: standing.counted_at_ms };
        let paid = settle(group, tenant, &target, &listed, &counted, &cancelled, paid)?;
        let customer = listed.customer.as_deref().unwrap_or_default();
        let act =
            project::Act { customer, outcome: &after.outcome, amounts: &after.amounts, cancelled: &cancelled, paid: &paid, at_ms, seq };
        project::act(group, merchant, &target.case, &target.ruling, &act)?;
        Ok(OverrideAnswer { decision: id.to_string(), seq, leaf: leaf.to_string(), outcome: after.outcome, amounts: after.amounts })
    }

    /// The amounts that stand after a person's act on a decision; none where the customer was erased.
    pub(super) fn amounts_of_act(&self, reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Option<Amounts>, ServiceError> {
        let Some(opened) = read::opened_at(reads, &self.vault, merchant, seq)? else { return Ok(None) };
        let Some(text) = opened.body(BodyKind::Act) else { return Ok(None) };
        let body: OverrideBody = serde_json::from_str(text).map_err(|error| ServiceError::Internal(error.into()))?;
        Ok(Some(body.amounts))
    }

    /// The acts on a decision, oldest first.
    pub(super) fn acts_on(&self, reads: &dyn Reads, merchant: &MerchantId, id: &DecisionId, seq: u64) -> Result<Vec<Act>, ServiceError> {
        let Some(listed) = reads.listed(merchant, seq)? else { return Ok(Vec::new()) };
        let filter = Filter { entry: Some(EntryKind::Act), ticket: listed.ticket, customer: listed.customer, ..Filter::default() };
        if filter.ticket.is_none() && filter.customer.is_none() {
            return Ok(Vec::new());
        }
        let page = reads.list(merchant, &filter, None, ACTS_MAX)?;
        let mut acts = Vec::new();
        for entry in page.entries.iter().rev().filter(|entry| entry.event_type == OVERRIDE && entry.seq > seq) {
            let Some(opened) = read::opened_at(reads, &self.vault, merchant, entry.seq)? else { continue };
            let Some(text) = opened.body(BodyKind::Act) else { continue };
            let body: OverrideBody = serde_json::from_str(text).map_err(|error| ServiceError::Internal(error.into()))?;
            if body.decision == id.as_str() {
                acts.push(Act { seq: entry.seq, at_ms: entry.received_at_ms, body, json: text.to_owned() });
            }
        }
        Ok(acts)
    }
}

#[expect(clippy::too_many_arguments, reason = "one record has these parts")]
fn append(
    group: &mut dyn Group,
    merchant: &MerchantId,
    seq: u64,
    header: &[u8],
    leaf: Digest,
    sealed: &[u8],
    listed: &ListedEntry,
    outcome: &str,
    at_ms: i64,
) -> Result<(), ServiceError> {
    let listing = Listing {
        entry: EntryKind::Act,
        decision: None,
        kind: listed.kind.as_deref(),
        outcome: Some(outcome),
        policy: None,
        version: None,
        event_type: OVERRIDE,
        ticket: listed.ticket.as_deref(),
        customer: listed.customer.as_deref(),
        order: listed.order.as_deref(),
        event_at_ms: None,
        received_at_ms: at_ms,
    };
    group.append(&NewRecord { merchant, seq, header, leaf, sealed, listing })?;
    Ok(())
}
