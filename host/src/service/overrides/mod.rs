//! Acts of persons on decisions: approve what waits, put something else in its place, or take a decision back. Each is a
//! record of the same ledger; money counts when a person approves it.

mod again;
mod settle;
mod standing;
mod target;

use std::sync::Arc;

use ombud_core::case::Case;
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money::{self, Amounts, Due, Intent, Payment};
use ombud_ledger::{BodyKind, Digest, Entry};
use ombud_rules::contract::delay::DelayCase;
use ombud_store::{EntryKind, Filter, Group, Reads, Store as _, StoreError};

use super::actor::{Principal, Right};
use super::acts::{self, About, ActBody, NewAct, OVERRIDE, Recorded, What};
use super::commit::Whose;
use super::error::ServiceError;
use super::snapshot::Tenant;
use super::vault::Vault;
use super::wire::{OverrideAction, OverrideAnswer, OverrideRequest};
use super::{Service, locks, project, read};
pub(super) use again::ActsAgain;
use settle::{Counting, Part, check_money, must_be_left, paid_by, settle};
use standing::Standing;
use target::Target;

/// What an act changes of the money and the later cases of a decision.
struct Change<'a> {
    target: &'a Target,
    /// What stood before.
    standing: &'a Standing,
    /// The customer, as the decision is listed.
    customer: Option<&'a str>,
    /// What stands now.
    outcome: &'a str,
    /// The amounts that stand now.
    amounts: &'a Amounts,
    due: Due,
    /// What was paid and is taken back.
    cancelled: Vec<Part>,
}

impl Change<'_> {
    fn whose(&self) -> Whose<'_> {
        Whose { order: money::order_id(&self.target.case), customer: self.customer }
    }

    /// The payments that the act makes. `delayed` reads the case of a delay's decision or of an act on one.
    fn paid(
        &self,
        reads: &dyn Reads,
        merchant: &MerchantId,
        delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
    ) -> Result<Vec<Intent>, ServiceError> {
        let asked = if self.due == Due::Now { self.target.intents(self.amounts) } else { Vec::new() };
        let (own, before) = (&self.cancelled, self.target.intents(&self.standing.amounts));
        let Some(delay) = self.target.spread() else { return settle::open(reads, merchant, &self.whose(), own, &before, asked) };
        let (late, goodwill): (Vec<Intent>, Vec<Intent>) = asked.into_iter().partition(|intent| intent.payment == Payment::Refund);
        let mut open = settle::open(reads, merchant, &self.whose(), own, &before, goodwill)?;
        let refund = late.iter().fold(0, |sum: i64, late| sum.saturating_add(late.amount));
        open.extend(settle::open_late(reads, merchant, &self.whose(), own, (delay, refund), delayed)?);
        Ok(open)
    }

    /// Writes it, under the act's place in the ledger.
    fn settle(
        self,
        group: &mut dyn Group,
        merchant: &MerchantId,
        tz_offset_min: i32,
        at_ms: i64,
        seq: u64,
        paid: &[Intent],
    ) -> Result<(), ServiceError> {
        let (whose, before_ms) = (self.whose(), self.standing.counted_at_ms);
        let counting = Counting { whose: &whose, tz_offset_min, seq, at_ms: at_ms.max(before_ms + 1), before_ms };
        settle(group, merchant, &counting, &self.cancelled, paid)?;
        let cancelled: Vec<Intent> = self.cancelled.into_iter().map(|part| part.intent).collect();
        let (customer, outcome, amounts) = (self.customer.unwrap_or_default(), self.outcome, self.amounts);
        let edition = self.target.edition;
        let act = project::Act { customer, outcome, amounts, cancelled: &cancelled, paid, at_ms, seq, edition };
        project::act(group, merchant, &self.target.case, &self.target.ruling, &act)
    }
}

/// Acts of a ticket and customer that are looked through together for those on one decision.
const ACTS_OF_A_LOOK: u32 = 100;

/// An act on a decision, as found again.
pub(super) struct Act {
    /// Its place in the ledger.
    pub(super) seq: u64,
    /// Its leaf.
    pub(super) leaf: Digest,
    /// When it was recorded, epoch milliseconds.
    pub(super) at_ms: i64,
    /// What the person did.
    pub(super) action: OverrideAction,
    /// What stood from then on.
    pub(super) outcome: String,
    /// The amounts that stood from then on.
    pub(super) amounts: Amounts,
    /// The body as it is on record.
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
        acts::reason(&request.reason)?;
        // The order's or the request's lock too: a decision between reading its history and its record must not miss this act.
        let (on, policy) = self.store.read(|reads| {
            let record = reads.decision(&tenant.config.id, &id)?.ok_or(ServiceError::NotFound("decision"))?;
            let subjects = read::subjects_of(reads, &tenant.config.id, record.seq)?;
            let opened = read::open(reads, &self.vault, &tenant.config.id, &record, &subjects)?;
            let on = Target::read(&opened).map(|target| match target.case {
                Case::Blacklist(case) => vec![locks::key(&[merchant, "blacklist", &case.request_id])],
                Case::AfterSale(case) => {
                    vec![locks::key(&[merchant, "order", &case.order.order_id]), locks::key(&[merchant, "case", &case.after_sale_id])]
                }
                case => vec![locks::key(&[merchant, "order", money::order_id(&case).unwrap_or_default()])],
            })?;
            let policy = if let Entry::Decision(entry) = &opened.header.entry { entry.policy.as_ref() } else { None };
            Ok::<_, ServiceError>((on, policy.map(|policy| policy.name.clone())))
        })?;
        let keys = std::iter::once(locks::key(&[merchant, "override", id.as_str()])).chain(on);
        let _held = self.locks.hold(keys.collect()).await;
        let (service, who) = (Arc::clone(self), who.clone());
        let (answer, answered) = tokio::sync::oneshot::channel();
        let action = request.action;
        let job = move |group: &mut dyn Group| service.override_in(group, &tenant, &who, &id, &request);
        self.writer.submit(job, move |result| _ = answer.send(result))?;
        let answer = answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??;
        self.metrics.observe_override(policy.as_deref(), action);
        Ok(answer)
    }

    fn override_in(
        &self,
        group: &mut dyn Group,
        tenant: &Tenant,
        who: &Principal,
        id: &DecisionId,
        request: &OverrideRequest,
    ) -> Result<OverrideAnswer, ServiceError> {
        self.still_valid(who)?;
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
        let cancelled = paid_by(reads, merchant, &own, &target)?;
        check_money(reads, tenant, &target, &cancelled, &after.amounts, |seq| self.delay_at(reads, merchant, seq))?;
        if let Some(later) = self.overtaken(reads, merchant, &target.case, &own)? {
            return Err(ServiceError::Conflict(format!(
                "decision `{later}` of the same after-sales case came later: act on that one; once it is cancelled this one can be acted on"
            )));
        }
        let change = Change {
            target: &target,
            standing: &standing,
            customer: listed.customer.as_deref(),
            outcome: &after.outcome,
            amounts: &after.amounts,
            due: after.due,
            cancelled,
        };
        let paid = change.paid(reads, merchant, |seq| self.delay_at(reads, merchant, seq))?;
        must_be_left(reads, merchant, &target.case, &change.cancelled, &paid, |seq| self.delay_at(reads, merchant, seq))?;

        let what =
            What::Override { decision: id.to_string(), action: request.action, outcome: after.outcome.clone(), amounts: after.amounts };
        let act = NewAct {
            reason: Some(request.reason.clone()),
            before: Some(earlier.last().map_or(opened.leaf, |act| act.leaf)),
            subjects,
            about: About {
                kind: listed.kind.clone(),
                outcome: Some(after.outcome.clone()),
                ticket: listed.ticket.clone(),
                customer: listed.customer.clone(),
                order: listed.order.clone(),
            },
            ..NewAct::new(who, what)
        };
        let at_ms = act.at_ms;
        let Recorded { seq, leaf } = act.append(group, &self.vault, merchant)?;
        change.settle(group, merchant, tenant.config.tz_offset_min, at_ms, seq, &paid)?;
        Ok(OverrideAnswer { decision: id.to_string(), seq, leaf: leaf.to_string(), outcome: after.outcome, amounts: after.amounts })
    }

    /// The amounts that stand after a person's act on a decision; none where the customer was erased.
    pub(super) fn amounts_of_act(&self, reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Option<Amounts>, ServiceError> {
        Ok(self.override_at(reads, merchant, seq)?.map(|(_, act)| act.amounts))
    }

    /// A later decision of the same after-sales case that stands: what a person does to the earlier one would undo it.
    fn overtaken(&self, reads: &dyn Reads, merchant: &MerchantId, case: &Case, own: &[u64]) -> Result<Option<String>, ServiceError> {
        let Case::AfterSale(facts) = case else { return Ok(None) };
        let rows = reads.after_sale_cases(merchant, &facts.order.order_id)?;
        let last = rows.iter().find(|row| row.after_sale_id == facts.after_sale_id).map(|row| row.last_seq);
        let Some(last) = last.filter(|last| !own.contains(last)) else { return Ok(None) };
        let Some(listed) = reads.listed(merchant, last)? else { return Ok(None) };
        Ok(match listed.entry {
            EntryKind::Decision if listed.kind.as_deref() == Some(Kind::AfterSale.as_str()) => {
                listed.decision.as_ref().map(read::decision_id)
            }
            EntryKind::Act => {
                self.override_at(reads, merchant, last)?.filter(|(_, act)| act.action != OverrideAction::Cancel).map(|(id, _)| id)
            }
            _ => None,
        })
    }

    /// A person's act on a decision, with the decision's id; none for other acts, and where the customer was erased.
    pub(super) fn override_at(&self, reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Option<(String, Act)>, ServiceError> {
        override_at(reads, &self.vault, merchant, seq)
    }

    /// The acts on a decision, oldest first.
    pub(super) fn acts_on(&self, reads: &dyn Reads, merchant: &MerchantId, id: &DecisionId, seq: u64) -> Result<Vec<Act>, ServiceError> {
        let Some(listed) = reads.listed(merchant, seq)? else { return Ok(Vec::new()) };
        let filter = Filter {
            entry: Some(EntryKind::Act),
            event_type: Some(OVERRIDE.to_owned()),
            ticket: listed.ticket,
            customer: listed.customer,
            ..Filter::default()
        };
        if filter.ticket.is_none() && filter.customer.is_none() {
            return Ok(Vec::new());
        }
        let (mut acts, mut cursor) = (Vec::new(), None);
        loop {
            let page = reads.list(merchant, &filter, cursor.as_deref(), ACTS_OF_A_LOOK)?;
            for entry in page.entries.iter().take_while(|entry| entry.seq > seq) {
                match self.override_at(reads, merchant, entry.seq)? {
                    Some((decision, act)) if decision == id.as_str() => acts.push(act),
                    _ => {}
                }
            }
            // What was done before the decision was not done on it.
            cursor = page.next.filter(|_| page.entries.last().is_some_and(|last| last.seq > seq));
            if cursor.is_none() {
                break;
            }
        }
        acts.reverse();
        Ok(acts)
    }
}

fn override_at(reads: &dyn Reads, vault: &Vault, merchant: &MerchantId, seq: u64) -> Result<Option<(String, Act)>, ServiceError> {
    let Some(opened) = read::opened_at(reads, vault, merchant, seq)? else { return Ok(None) };
    let Some(text) = opened.body(BodyKind::Act) else { return Ok(None) };
    let body: ActBody = serde_json::from_str(text).map_err(|error| ServiceError::Internal(error.into()))?;
    let What::Override { decision, action, outcome, amounts } = body.what else { return Ok(None) };
    let at_ms = opened.header.received_at_ms;
    Ok(Some((decision, Act { seq, leaf: opened.leaf, at_ms, action, outcome, amounts, json: text.to_owned() })))
}

/// The place of the decision that a person's act at `seq` is on, or `seq` itself where a decision is; none where the customer was erased.
fn decision_of_act(reads: &dyn Reads, vault: &Vault, merchant: &MerchantId, seq: u64) -> Result<Option<u64>, ServiceError> {
    if reads.listed(merchant, seq)?.is_none_or(|entry| entry.entry != EntryKind::Act) {
        return Ok(Some(seq));
    }
    let Some((decision, _)) = override_at(reads, vault, merchant, seq)? else { return Ok(None) };
    let id = DecisionId::new(&decision).map_err(|_| ServiceError::NotFound("decision"))?;
    Ok(reads.place(merchant, &id)?)
}

/// The case of a delay's decision, or of a person's act on one; none where it was erased.
pub(super) fn delay_at(reads: &dyn Reads, vault: &Vault, merchant: &MerchantId, seq: u64) -> Result<Option<DelayCase>, ServiceError> {
    let Some(seq) = decision_of_act(reads, vault, merchant, seq)? else { return Ok(None) };
    read::delay_case(reads, vault, merchant, seq)
}
