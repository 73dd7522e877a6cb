//! Acts of persons on decisions: approve what waits, put something else in its place, or take a decision back. Each is a
//! record of the same ledger; money counts when a person approves it.

use std::sync::Arc;

use ombud_core::caps::CURRENCY;
use ombud_core::case::Case;

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money::{self, Amounts, Due, Intent};
use ombud_core::problem::Problem;
use ombud_core::ruling::Ruling;
use ombud_ledger::seal::{Of, seal};
use ombud_ledger::{ActEntry, BodyKind, Digest, Entry, Header, leaf_hash};
use ombud_rules::civil;
use ombud_rules::contract::blacklist;
use ombud_rules::contract::types::Role as ContractRole;
use ombud_store::{Count, EntryKind, Filter, Group, ListedEntry, Listing, NewRecord, Reads, Store as _};
use serde::{Deserialize, Serialize};

use super::actor::{Principal, Right, Role};
use super::decide::now_ms;
use super::error::ServiceError;
use super::read::Opened;
use super::snapshot::Tenant;
use super::wire::{OverrideAction, OverrideAnswer, OverrideRequest};
use super::{Service, history, locks, project, read};
use crate::bodies::CaseBodyBack;

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

/// The decision that is acted on.
struct Target {
    case: Case,
    ruling: Ruling,
    due: Due,
    received_at_ms: i64,
}

/// What stands before an act.
struct Standing {
    /// The decision's own word, or the last act's.
    outcome: String,
    amounts: Amounts,
    /// Whether its money counts.
    counts: bool,
    /// In whose windows it was counted: when it was decided, or approved by a person; epoch milliseconds.
    counted_at_ms: i64,
    cancelled: bool,
    approved: bool,
}

/// What stands after an act.
struct After {
    outcome: String,
    amounts: Amounts,
}

impl Target {
    fn read(opened: &Opened) -> Result<Self, ServiceError> {
        let Entry::Decision(entry) = &opened.header.entry else { return Err(ServiceError::NotFound("decision")) };
        let (Some(facts), Some(decision)) = (opened.body(BodyKind::Case), opened.body(BodyKind::Decision)) else {
            return Err(ServiceError::Conflict("the customer was erased: nothing more is decided on this record".into()));
        };
        let unreadable = |error: serde_json::Error| ServiceError::Internal(error.into());
        let facts: CaseBodyBack = serde_json::from_str(facts).map_err(unreadable)?;
        let json = facts.case.get();
        let case = match entry.kind {
            Kind::AfterSale => Case::AfterSale(serde_json::from_str(json).map_err(unreadable)?),
            Kind::Delay => Case::Delay(serde_json::from_str(json).map_err(unreadable)?),
            Kind::Blacklist => Case::Blacklist(serde_json::from_str(json).map_err(unreadable)?),
            Kind::Reply => Case::Reply(serde_json::from_str(json).map_err(unreadable)?),
        };
        let ruling = read::ruling_of(decision, entry.kind)?;
        Ok(Self { due: money::due(&ruling), case, ruling, received_at_ms: opened.header.received_at_ms })
    }

    fn standing(&self, acts: &[Act]) -> Standing {
        let own = Standing {
            outcome: self.ruling.outcome().to_owned(),
            amounts: money::amounts(&self.ruling),
            counts: self.due == Due::Now,
            counted_at_ms: self.received_at_ms,
            cancelled: false,
            approved: false,
        };
        acts.iter().fold(own, |_, act| Standing {
            outcome: act.body.outcome.clone(),
            amounts: act.body.amounts,
            counts: act.body.action != OverrideAction::Cancel,
            counted_at_ms: act.at_ms,
            cancelled: act.body.action == OverrideAction::Cancel,
            approved: act.body.action != OverrideAction::Cancel,
        })
    }

    /// The payments of these amounts.
    fn intents(&self, amounts: &Amounts) -> Vec<Intent> {
        let (prefix, refund_key) = match &self.case {
            Case::AfterSale(case) => (case.after_sale_id.clone(), case.after_sale_id.clone()),
            Case::Delay(case) => {
                let first = case.episodes.first().map(|episode| episode.episode_id.as_str()).unwrap_or_default();
                let refund = money::intents(&self.case, &self.ruling).into_iter().find(|intent| intent.payment == money::Payment::Refund);
                (format!("{}/{first}", case.order_id), refund.map_or_else(|| format!("{}/{first}", case.order_id), |intent| intent.key))
            }
            Case::Blacklist(_) | Case::Reply(_) => return Vec::new(),
        };
        // The proposal's own payments where the amounts are the proposal's: each keeps its episode.
        if *amounts == money::amounts(&self.ruling) {
            return money::intents(&self.case, &self.ruling);
        }
        [
            (refund_key, money::Payment::Refund, amounts.refund),
            (prefix.clone(), money::Payment::Cash, amounts.cash),
            (prefix, money::Payment::Coupon, amounts.coupon),
        ]
        .into_iter()
        .filter(|(_, _, amount)| *amount > 0)
        .map(|(key, payment, amount)| Intent { key, payment, amount, restates: false })
        .collect()
    }

    /// Whether it is a customer's appeal against a measure.
    fn is_appeal(&self) -> bool {
        matches!(&self.case, Case::Blacklist(case) if case.stage == blacklist::Stage::Appealed)
    }

    /// The highest role that the ruling asks for.
    fn asked_role(&self) -> Option<ContractRole> {
        let rank = |role: &ContractRole| match role {
            ContractRole::Compliance => 3,
            ContractRole::DeptHead => 2,
            _ => 1,
        };
        self.ruling.notes().approvals.iter().map(|approval| approval.role).max_by_key(rank)
    }
}

impl Standing {
    /// Payments that count before the act.
    fn paid(&self, target: &Target) -> Vec<Intent> {
        if self.counts { target.intents(&self.amounts) } else { Vec::new() }
    }

    fn after(&self, target: &Target, request: &OverrideRequest, who: &Principal) -> Result<After, ServiceError> {
        if self.cancelled {
            return Err(ServiceError::Conflict("the decision was cancelled: a new event is needed".into()));
        }
        let distinct_from = target.ruling.notes().approvals.iter().flat_map(|approval| &approval.distinct_from);
        if distinct_from.into_iter().any(|earlier| earlier == who.actor.as_str()) {
            return Err(ServiceError::Forbidden { role: who.role.as_str(), what: "decide this as a person who had a part in it" });
        }
        if !may_decide(target.asked_role(), who.role) {
            return Err(ServiceError::Forbidden { role: who.role.as_str(), what: "decide this: the ruling asks for a higher role" });
        }
        if target.is_appeal() && request.action == OverrideAction::Amend && request.outcome.as_deref() != Some(project::APPEAL_GRANTED) {
            let problem = Problem::at("/outcome", "does not decide an appeal")
                .allowed("`amend` with outcome `closed` lifts the measure, `approve` lets it stand, `cancel` takes the appeal back");
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let approved = || if target.is_appeal() { project::APPEAL_DISMISSED.to_owned() } else { approved_outcome(&target.ruling) };
        let proposal = || After { outcome: approved(), amounts: self.amounts };
        match request.action {
            OverrideAction::Approve if self.approved || target.due != Due::Proposal => {
                Err(ServiceError::Conflict("nothing waits for approval here: use `amend` or `cancel`".into()))
            }
            OverrideAction::Approve => Ok(proposal()),
            OverrideAction::Cancel => Ok(After { outcome: project::CANCELLED.into(), amounts: Amounts::default() }),
            OverrideAction::Amend => {
                let mut problems = Vec::new();
                let amounts = request.amounts.unwrap_or(self.amounts);
                for (name, fen) in [("refund", amounts.refund), ("cash", amounts.cash), ("coupon", amounts.coupon)] {
                    if !(0..=ombud_core::limits::MONEY_FEN_MAX).contains(&fen) {
                        problems.push(Problem::at(format!("/amounts/{name}"), "is out of bounds").allowed("0 to 10^12 fen"));
                    }
                }
                if request.amounts.is_none() && request.outcome.is_none() {
                    problems.push(Problem::at("", "amends nothing").allowed("`amounts`, `outcome` or both"));
                }
                let outcome = request.outcome.clone().unwrap_or_else(|| self.outcome.clone());
                if !is_outcome(&target.ruling, &outcome) {
                    problems.push(Problem::at("/outcome", format!("is no outcome of {}", target.ruling.kind())));
                }
                if problems.is_empty() { Ok(After { outcome, amounts }) } else { Err(ServiceError::Invalid(problems)) }
            }
        }
    }
}

/// Whether a role may decide what asks for another.
fn may_decide(asked: Option<ContractRole>, own: Role) -> bool {
    match asked {
        Some(ContractRole::Compliance) => own == Role::Compliance,
        Some(ContractRole::DeptHead) => own == Role::DepartmentHead,
        _ => true,
    }
}

/// What a proposal becomes when it is approved.
fn approved_outcome(ruling: &Ruling) -> String {
    match ruling {
        Ruling::Delay(_) => "compensate".into(),
        Ruling::AfterSale(ruling) if ruling.refund > 0 => "approve-refund-only".into(),
        _ => format!("{}-approved", ruling.outcome()),
    }
}

fn is_outcome(ruling: &Ruling, outcome: &str) -> bool {
    use ombud_rules::contract::{after_sale, delay, reply};
    match ruling {
        Ruling::AfterSale(_) => after_sale::Outcome::parse(outcome).is_some(),
        Ruling::Delay(_) => delay::Outcome::parse(outcome).is_some(),
        Ruling::Blacklist(_) => blacklist::Outcome::parse(outcome).is_some(),
        Ruling::Reply(_) => reply::Verdict::parse(outcome).is_some(),
    }
}

/// A person may pass CAP-11 to CAP-32, never CAP-01 to CAP-03 (domain policies 5.8).
fn check_money(
    reads: &dyn Reads,
    tenant: &Tenant,
    target: &Target,
    cancelled: &[Intent],
    paid: &[Intent],
    amounts: &Amounts,
) -> Result<(), ServiceError> {
    if let Some(balance) = balance_now(reads, &tenant.config.id, &target.case, cancelled)?.filter(|balance| amounts.refund > *balance) {
        let problem =
            Problem::at("/amounts/refund", "is above what may still be refunded (CAP-01)").allowed(format!("at most {balance} fen"));
        return Err(ServiceError::Invalid(vec![problem]));
    }
    if amounts.any() && tenant.terms.currency != CURRENCY {
        return Err(ServiceError::Conflict(format!("the merchant settles in {}, only {CURRENCY} is paid (CAP-02)", tenant.terms.currency)));
    }
    for intent in paid.iter().filter(|intent| !cancelled.iter().any(|own| own.key == intent.key && own.payment == intent.payment)) {
        let row = reads.intent(&tenant.config.id, &intent.key, intent.payment)?;
        if row.is_some_and(|row| !row.cancelled) && !intent.restates {
            return Err(ServiceError::Conflict(format!("`{}` is paid already (CAP-03)", intent.name())));
        }
    }
    Ok(())
}

/// What may still be refunded now: other cases of the order may have been paid since the decision.
fn balance_now(reads: &dyn Reads, merchant: &MerchantId, case: &Case, cancelled: &[Intent]) -> Result<Option<i64>, ServiceError> {
    let Case::AfterSale(facts) = case else { return Ok(money::balance(case)) };
    let mut rows = reads.after_sale_cases(merchant, &facts.order.order_id)?;
    if let Some(own) = rows.iter_mut().find(|row| row.after_sale_id == facts.after_sale_id) {
        let back = cancelled.iter().filter(|intent| intent.payment == money::Payment::Refund).map(|intent| intent.amount).sum::<i64>();
        let (lines, freight) = project::refunded(facts, Some(own), -back, false);
        own.lines = lines;
        own.freight_refunded = own.freight_refunded.saturating_add(freight).max(0);
    }
    let known = history::order_history(&rows.iter().collect::<Vec<_>>());
    let mut facts = facts.clone();
    for line in &mut facts.order.lines {
        let own = known.lines.iter().find(|own| own.line_id == line.line_id).map_or(0, |own| own.refunded);
        line.refunded = line.refunded.max(own);
    }
    facts.order.freight_refunded = facts.order.freight_refunded.max(known.freight_refunded);
    Ok(money::balance(&Case::AfterSale(facts)))
}

/// Those of the intents that were paid by the decision or an act on it: what merely restated another's payment is not its own.
fn paid_by(reads: &dyn Reads, merchant: &MerchantId, own: &[u64], intents: Vec<Intent>) -> Result<Vec<Intent>, ServiceError> {
    let mut paid = Vec::with_capacity(intents.len());
    for intent in intents {
        if reads.intent(merchant, &intent.key, intent.payment)?.is_some_and(|row| !row.cancelled && own.contains(&row.seq)) {
            paid.push(intent);
        }
    }
    Ok(paid)
}

/// In which windows an act counts.
struct Counting {
    /// The act's place in the ledger.
    seq: u64,
    /// What is paid now.
    at_ms: i64,
    /// When that was counted which is taken back: another instant, for each has an entry of its own.
    before_ms: i64,
}

/// Gives cancelled payments back to their windows and counts the new ones, which it returns: what restates a payment on
/// record counts nothing.
fn settle(
    group: &mut dyn Group,
    tenant: &Tenant,
    target: &Target,
    listed: &ListedEntry,
    counting: &Counting,
    cancelled: &[Intent],
    paid: Vec<Intent>,
) -> Result<Vec<Intent>, ServiceError> {
    let merchant = &tenant.config.id;
    let count = |group: &mut dyn Group, intents: &[Intent], sign: i64, at_ms: i64| {
        let sum = |refund: bool| {
            intents
                .iter()
                .filter(|intent| (intent.payment == money::Payment::Refund) == refund)
                .fold(0_i64, |sum, intent| sum.saturating_add(intent.amount))
        };
        let (refund, goodwill) = (sum(true), sum(false));
        if refund == 0 && goodwill == 0 {
            return Ok(());
        }
        group.count(
            merchant,
            &Count {
                seq: counting.seq,
                order: money::order_id(&target.case).unwrap_or_default(),
                customer: listed.customer.as_deref(),
                at_ms,
                day: civil::day_of(at_ms, tenant.config.tz_offset_min),
                refund: refund * sign,
                goodwill: goodwill * sign,
            },
        )
    };
    for intent in cancelled {
        group.cancel_intent(merchant, &intent.key, intent.payment)?;
    }
    count(group, cancelled, -1, counting.before_ms)?;
    let mut fresh = Vec::with_capacity(paid.len());
    for intent in paid {
        if group.intent(merchant, &intent.key, intent.payment)?.is_none_or(|row| row.cancelled) {
            group.pay_intent(merchant, &intent, counting.seq)?;
            fresh.push(intent);
        }
    }
    count(group, &fresh, 1, counting.at_ms)?;
    Ok(fresh)
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
