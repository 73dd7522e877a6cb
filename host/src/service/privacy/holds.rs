//! Legal holds: what may not be erased for now. Set and lifted by compliance or the operator, each time on record.

use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_core::problem::Problem;
use ombud_ledger::BodyKind;
use ombud_ledger::keys::Subject;
use ombud_store::{EntryKind, Filter, Group, HoldRow, HoldScope, Reads, Store as _, SubjectKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Sight;
use crate::clock::now_ms;
use crate::service::actor::{Principal, Right};
use crate::service::acts::{self, About, ActBody, HOLD_SET, Look, NewAct, What};
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::vault::{SubjectId, Vault};
use crate::service::{Service, aside, read};

/// Acts about one customer or ticket, set in the same millisecond, that are looked through for a hold's own.
const ACTS_MAX: u32 = 100;

/// What is to be held, and why.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// The customer; at most one of customer and ticket. Neither: the whole merchant.
    #[serde(default)]
    pub customer: Option<String>,
    /// The ticket.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Why; 1 to 2 000 characters.
    pub reason: String,
}

/// Why a hold is lifted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    /// Why; 1 to 2 000 characters.
    pub reason: String,
}

/// What a hold is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HoldScopeView {
    /// A customer's data.
    Customer,
    /// A ticket's data, and those of its customers.
    Ticket,
    /// The whole merchant's.
    Merchant,
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldView {
    /// The hold's id, by which it is lifted.
    pub id: String,
    /// What it is about.
    pub scope: HoldScopeView,
    /// The customer or ticket; none for the whole merchant.
    pub subject: Option<String>,
    /// Who set it.
    pub set_by: String,
    /// Since when, RFC 3339.
    pub set_at: String,
    /// Why, from the act that set it; none for those who do not see text, and where the act was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<HoldScope> for HoldScopeView {
    fn from(scope: HoldScope) -> Self {
        match scope {
            HoldScope::Customer => Self::Customer,
            HoldScope::Ticket => Self::Ticket,
            HoldScope::Merchant => Self::Merchant,
        }
    }
}

impl From<HoldRow> for HoldView {
    fn from(row: HoldRow) -> Self {
        Self {
            id: row.hold_id,
            scope: row.scope.into(),
            subject: row.subject,
            set_by: row.set_by,
            set_at: rfc3339(row.set_at_ms),
            reason: None,
        }
    }
}

impl Service {
    /// Sets a hold.
    pub async fn set_hold(self: &Arc<Self>, who: &Principal, merchant: &str, request: HoldRequest) -> Result<HoldView, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Hold, "set holds")?;
        let reason = acts::reason(&request.reason)?;
        let (scope, subject) = match (request.customer, request.ticket) {
            (Some(customer), None) => (HoldScope::Customer, Some(customer)),
            (None, Some(ticket)) => (HoldScope::Ticket, Some(ticket)),
            (None, None) => (HoldScope::Merchant, None),
            (Some(_), Some(_)) => {
                let problem = Problem::at("/ticket", "stands beside a customer").allowed("one of customer and ticket, or neither");
                return Err(ServiceError::Invalid(vec![problem]));
            }
        };
        let mut bits = [0_u8; 8];
        getrandom::fill(&mut bits).map_err(|error| ServiceError::Internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let row =
            HoldRow { hold_id: format!("h_{}", hex::encode(bits)), scope, subject, set_by: who.actor.to_string(), set_at_ms: now_ms() };
        let what = What::HoldSet { hold: row.hold_id.clone(), scope: scope.into(), subject: row.subject.clone() };
        let act = NewAct { reason: Some(reason.clone()), at_ms: row.set_at_ms, ..NewAct::new(who, what) };
        let (log, vault, stored) = (tenant.config.id.clone(), self.vault.clone(), row.clone());
        let (answer, answered) = tokio::sync::oneshot::channel();
        let (service, who) = (Arc::clone(self), who.clone());
        let job = move |group: &mut dyn Group| {
            service.still_valid(&who)?;
            // Whoever was erased meanwhile is not there to be held.
            let (subjects, about) = subjects(group, &log, stored.scope, stored.subject.as_deref())?;
            group.insert_hold(&log, &stored)?;
            NewAct { subjects, about, ..act.clone() }.append(group, &vault, &log)
        };
        self.writer.submit(job, move |result| _ = answer.send(result))?;
        answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??;
        Ok(HoldView { reason: Some(reason), ..row.into() })
    }

    /// Lifts a hold.
    pub async fn lift_hold(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        hold: &str,
        request: LiftRequest,
    ) -> Result<(), ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Hold, "lift holds")?;
        let reason = acts::reason(&request.reason)?;
        let id = tenant.config.id.clone();
        let rows = self.store.read(|reads| reads.holds(&id))?;
        let row = rows.into_iter().find(|row| row.hold_id == hold).ok_or(ServiceError::NotFound("hold"))?;
        let what = What::HoldLifted { hold: row.hold_id.clone(), scope: row.scope.into(), subject: row.subject.clone() };
        let act = NewAct { reason: Some(reason), ..NewAct::new(who, what) };
        let vault = self.vault.clone();
        let (answer, answered) = tokio::sync::oneshot::channel();
        let (service, who) = (Arc::clone(self), who.clone());
        let job = move |group: &mut dyn Group| {
            service.still_valid(&who)?;
            let (subjects, about) = subjects(group, &id, row.scope, row.subject.as_deref())?;
            match group.lift_hold(&id, &row.hold_id)? {
                true => NewAct { subjects, about, ..act.clone() }.append(group, &vault, &id).map(|_| ()),
                false => Err(ServiceError::NotFound("hold")),
            }
        };
        self.writer.submit(job, move |result| _ = answer.send(result))?;
        Ok(answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??)
    }

    /// The holds in force, each with the reason for which it was set. An auditor's look is recorded.
    pub async fn holds(self: &Arc<Self>, who: &Principal, merchant: &str) -> Result<Vec<HoldView>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::ReadActs, "see holds")?;
        self.looked(who, &tenant, Look::Holds).await?;
        let merchant = &tenant.config.id;
        let sight = Sight::of_acts(who.role);
        let read = |reads: &dyn Reads| {
            let view = |row: HoldRow| {
                // A reason may name whom it is about.
                let shown = row.scope == HoldScope::Merchant || !sight.is_masked();
                let reason = if shown { self.reason(reads, merchant, &row)? } else { None };
                let mut view = HoldView { reason, ..HoldView::from(row) };
                if view.scope == HoldScopeView::Customer {
                    view.subject = view.subject.map(|subject| sight.customer(subject));
                }
                Ok(view)
            };
            reads.holds(merchant)?.into_iter().map(view).collect()
        };
        aside(|| self.store.read(read))
    }

    /// Why a hold was set, from its own act; none where it was erased.
    fn reason(&self, reads: &dyn Reads, merchant: &MerchantId, row: &HoldRow) -> Result<Option<String>, ServiceError> {
        let filter = Filter {
            entry: Some(EntryKind::Act),
            event_type: Some(HOLD_SET.to_owned()),
            from_ms: Some(row.set_at_ms),
            to_ms: Some(row.set_at_ms.saturating_add(1)),
            ..Filter::default()
        };
        let listed = |filter: Filter| {
            let page = reads.list(merchant, &filter, None, ACTS_MAX)?;
            Ok::<_, ServiceError>(page.entries.into_iter().map(|entry| entry.seq).collect())
        };
        let places: Vec<u64> = match row.scope {
            HoldScope::Customer => listed(Filter { customer: row.subject.clone(), ..filter })?,
            HoldScope::Ticket => listed(Filter { ticket: row.subject.clone(), ..filter })?,
            HoldScope::Merchant => reads.acts_at(merchant, HOLD_SET, row.set_at_ms)?,
        };
        for seq in places {
            let Some(opened) = read::opened_at(reads, &self.vault, merchant, seq)? else { continue };
            let Some(act) = opened.body(BodyKind::Act).and_then(|body| serde_json::from_str::<ActBody>(body).ok()) else { continue };
            if matches!(&act.what, What::HoldSet { hold, .. } if *hold == row.hold_id) {
                return Ok(act.reason);
            }
        }
        Ok(None)
    }
}

/// Whatever holds stand.
pub(super) const ALL: i64 = i64::MIN;

/// Lifts the holds on a customer that were set before the customer was erased, in a database from before that: nobody is erased who is
/// held, so they had been lifted. Holds on tickets and on the merchant may be about others and stay.
pub(super) fn lift_before(
    group: &mut dyn Group,
    vault: &Vault,
    merchant: &MerchantId,
    who: &Principal,
    customer: &str,
    (erased_at_ms, reason): (i64, &str),
) -> Result<(), ServiceError> {
    let is_over =
        |row: &HoldRow| row.scope == HoldScope::Customer && row.subject.as_deref() == Some(customer) && row.set_at_ms < erased_at_ms;
    let over: Vec<HoldRow> = group.holds(merchant)?.into_iter().filter(is_over).collect();
    for row in over {
        let (subjects, about) = subjects(group, merchant, row.scope, Some(customer))?;
        group.lift_hold(merchant, &row.hold_id)?;
        let what = What::HoldLifted { hold: row.hold_id, scope: row.scope.into(), subject: row.subject };
        let act = NewAct { reason: Some(reason.to_owned()), subjects, about, ..NewAct::new(who, what) };
        act.append(group, vault, merchant)?;
    }
    Ok(())
}

/// Under whose key a hold's act is sealed, and by what it is found: whoever is erased later takes it along.
fn subjects(
    reads: &dyn Reads,
    merchant: &MerchantId,
    scope: HoldScope,
    subject: Option<&str>,
) -> Result<(Vec<SubjectId>, About), ServiceError> {
    let Some(subject) = subject else { return Ok((vec![SubjectId::Merchant], About::default())) };
    let mut subjects = Vec::new();
    let mut about = About::default();
    match scope {
        HoldScope::Ticket => {
            if reads.last_record_at(merchant, Subject::Ticket(subject))?.is_none() {
                return Err(ServiceError::NotFound("ticket"));
            }
            subjects.push(SubjectId::Ticket(subject.to_owned()));
            let customers = reads.customers_of(merchant, subject)?;
            // A ticket of a customer has no key of its own: the act is found, and opened, by the customer as well.
            about.customer = customers.first().cloned();
            subjects.extend(customers.into_iter().map(SubjectId::Customer));
            about.ticket = Some(subject.to_owned());
        }
        HoldScope::Customer | HoldScope::Merchant => {
            if reads.last_record_at(merchant, Subject::Customer(subject))?.is_none()
                && reads.subject_key(merchant, Subject::Customer(subject))? == SubjectKey::None
            {
                return Err(ServiceError::NotFound("customer"));
            }
            about.customer = Some(subject.to_owned());
            subjects.push(SubjectId::Customer(subject.to_owned()));
            if reads.subject_key(merchant, Subject::Customer(subject))? == SubjectKey::None {
                // Whoever was erased and came back has no key but the tickets': the act is found, and opened, by one of them as well.
                for ticket in reads.tickets_of(merchant, subject)? {
                    if reads.subject_key(merchant, Subject::Ticket(&ticket))? != SubjectKey::None {
                        about.ticket = Some(ticket.clone());
                        subjects.push(SubjectId::Ticket(ticket));
                        break;
                    }
                }
            }
        }
    }
    subjects.push(SubjectId::Merchant);
    Ok((subjects, about))
}

/// Why a customer or these tickets may not be erased now; none where nothing holds them that was set since a moment.
pub(super) fn held(
    reads: &dyn Reads,
    merchant: &MerchantId,
    customer: Option<&str>,
    tickets: &[String],
    since_ms: i64,
) -> Result<Option<String>, ServiceError> {
    let holds = |row: &HoldRow| match (row.scope, row.subject.as_deref()) {
        _ if row.set_at_ms < since_ms => false,
        (HoldScope::Merchant, _) => true,
        (HoldScope::Customer, held) => held.is_some() && held == customer,
        (HoldScope::Ticket, held) => tickets.iter().any(|ticket| held == Some(ticket)),
    };
    let hold = reads.holds(merchant)?.into_iter().find(holds);
    Ok(hold.map(|row| {
        let what = match row.scope {
            HoldScope::Merchant => "the whole merchant is",
            HoldScope::Customer => "the customer is",
            HoldScope::Ticket => "a ticket of the customer is",
        };
        format!(
            "{what} under legal hold `{}`, set by `{}` at {}: nothing is erased until it is lifted",
            row.hold_id,
            row.set_by,
            rfc3339(row.set_at_ms)
        )
    }))
}
