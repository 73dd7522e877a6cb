//! Erasing a customer: the keys are destroyed, and with them whatever they sealed. Records, their hashes, the sequence and every
//! amount stay; the act itself is a record that names nobody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ombud_core::ids::{CustomerRef, MerchantId, on_record};
use ombud_core::problem::Problem;
use ombud_ledger::keys::Subject;
use ombud_store::{Erasure, Group, HoldScope, Reads, SubjectKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::holds::{self, held};
use crate::clock::now_ms;
use crate::service::actor::{Principal, Right};
use crate::service::acts::{self, NewAct, Recorded, What};
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::snapshot::Tenant;
use crate::service::vault::SubjectId;
use crate::service::{Service, owner};

/// Milliseconds in which the caps of a customer count: for so long the counters must know an erased customer again.
pub(super) const WINDOW_MS: i64 = 24 * 3_600_000;
/// For so long an erasure's answer waits for the store's log to be emptied.
pub(super) const LOG_WAIT: Duration = Duration::from_secs(5);

/// Whom to erase, and why.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureRequest {
    /// The customer's pseudonymous reference.
    pub customer: String,
    /// Why; 1 to 2 000 characters. It stays on record: it must not name the customer.
    pub reason: String,
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureAnswer {
    /// The act's place in the ledger.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// What stands for the customer from now on: a keyed digest, from which nobody finds the reference.
    pub mark: String,
    /// Records that can be opened no more and name nobody.
    pub records: u64,
    /// Keys that were destroyed: the customer's, and those of the customer's tickets.
    pub keys: u64,
    /// Whether a measure in force ended with what it rested on.
    pub measure_lifted: bool,
    /// Blacklist requests that were closed.
    pub requests_closed: u64,
    /// Tickets whose own keys stayed, because another customer of them is under legal hold: what was sealed with them stays
    /// readable, and the host destroys them once the hold is lifted.
    #[serde(default)]
    pub tickets_held: u64,
}

impl Service {
    /// Erases a customer of a merchant.
    pub async fn erase(self: &Arc<Self>, who: &Principal, merchant: &str, request: ErasureRequest) -> Result<ErasureAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Erase, "erase customers")?;
        let reason = acts::reason(&request.reason)?;
        // Whoever is on record can be erased.
        let customer = on_record(|| CustomerRef::new(request.customer.as_str()))
            .map_err(|error| ServiceError::Invalid(vec![Problem::at("/customer", error.to_string())]))?
            .to_string();
        if reason.contains(&customer) {
            let problem = Problem::at("/reason", "names the customer, and stays on record").allowed("a reason without the reference");
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let (answer, answered) = tokio::sync::oneshot::channel();
        let (service, who, of) = (Arc::clone(self), who.clone(), tenant.clone());
        let job = move |group: &mut dyn Group| service.erase_in(group, &of, &who, &customer, (&reason, holds::ALL));
        let service = Arc::clone(self);
        let done = move |result: Result<(ErasureAnswer, Vec<SubjectId>), ombud_store::JobError<ServiceError>>| {
            _ = answer.send(result.map(|(erased, subjects)| {
                service.vault.forget(&tenant.config.id, subjects);
                service.keep_erasures(&tenant.config.id, std::slice::from_ref(&erased.mark));
                erased
            }));
        };
        self.writer.submit(job, done)?;
        let erased = answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??;
        self.empty_log().await;
        Ok(erased)
    }

    /// Erases a customer, unless a hold stands that was set since a moment.
    pub(super) fn erase_in(
        &self,
        group: &mut dyn Group,
        tenant: &Tenant,
        who: &Principal,
        customer: &str,
        (reason, held_since_ms): (&str, i64),
    ) -> Result<(ErasureAnswer, Vec<SubjectId>), ServiceError> {
        self.still_valid(who)?;
        let merchant = &tenant.config.id;
        let reads: &dyn Reads = group;
        let mark = owner::mark(tenant, customer);
        let tickets = reads.tickets_of(merchant, customer)?;
        if tickets.is_empty() && reads.subject_key(merchant, Subject::Customer(customer))? == SubjectKey::None {
            return Err(match reads.erased_at(merchant, &mark)? {
                Some(at_ms) => ServiceError::Conflict(format!(
                    "the customer was erased at {} already, and no record lists the reference since: of what came without it later, \
                     name the ticket in an event with the reference, and erase again",
                    rfc3339(at_ms)
                )),
                None => ServiceError::NotFound("customer"),
            });
        }
        if let Some(hold) = held(reads, merchant, Some(customer), &tickets, held_since_ms)? {
            return Err(ServiceError::Conflict(hold));
        }
        let at_ms = now_ms();
        let (tickets, kept) = apart(reads, merchant, customer, tickets)?;
        let erasure = Erasure { customer, mark: &mark, tickets: &tickets, at_ms, counted_since_ms: at_ms.saturating_sub(WINDOW_MS) };
        let erased = group.erase_customer(merchant, &erasure)?;
        let tickets_held = owe(group, merchant, &kept)?;
        let subjects: Vec<SubjectId> =
            tickets.into_iter().map(SubjectId::Ticket).chain([SubjectId::Customer(customer.to_owned())]).collect();
        // From here on nothing is sealed with what is destroyed, whatever was read before.
        self.vault.forget(merchant, subjects.iter().cloned());
        let what = What::Erasure {
            mark: mark.clone(),
            records: erased.records as u64,
            keys: erased.keys as u64,
            measure_lifted: erased.measure,
            requests_closed: erased.requests as u64,
            tickets_held,
        };
        let act = NewAct { reason: Some(reason.to_owned()), at_ms, ..NewAct::new(who, what) };
        let Recorded { seq, leaf } = act.append(group, &self.vault, merchant)?;
        let answer = ErasureAnswer {
            seq,
            leaf: leaf.to_string(),
            mark,
            records: erased.records as u64,
            keys: erased.keys as u64,
            measure_lifted: erased.measure,
            requests_closed: erased.requests as u64,
            tickets_held,
        };
        Ok((answer, subjects))
    }

    /// Takes what was overwritten out of the database's log as well. Where readers hold it for long, it leaves once they let go.
    pub(super) async fn empty_log(self: &Arc<Self>) {
        let service = Arc::clone(self);
        let emptied = tokio::task::spawn_blocking(move || service.store.empty_log().wait(LOG_WAIT)).await;
        match emptied {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => tracing::warn!("the write-ahead log is being read: what was erased leaves it once that is over"),
            Ok(Err(error)) => tracing::error!(%error, "the write-ahead log could not be emptied"),
            Err(error) => tracing::error!(%error, "the write-ahead log could not be emptied"),
        }
    }
}

/// The tickets of a customer whose keys go with the customer, and those whose keys stay for now: another customer of them is held,
/// and what came of that one after an erasure is sealed with them.
pub(super) fn apart(
    reads: &dyn Reads,
    merchant: &MerchantId,
    customer: &str,
    tickets: Vec<String>,
) -> Result<(Vec<String>, Vec<String>), ServiceError> {
    let holds = reads.holds(merchant)?;
    let held: BTreeSet<&str> =
        holds.iter().filter(|row| row.scope == HoldScope::Customer).filter_map(|row| row.subject.as_deref()).collect();
    let (mut go, mut stay) = (tickets, Vec::new());
    if !held.is_empty() {
        for ticket in std::mem::take(&mut go) {
            let others = reads.customers_of(merchant, &ticket)?;
            let is_held = others.iter().any(|other| other != customer && held.contains(other.as_str()));
            if is_held { stay.push(ticket) } else { go.push(ticket) }
        }
    }
    Ok((go, stay))
}

/// Notes the tickets whose keys stay for now; how many have one.
pub(super) fn owe(group: &mut dyn Group, merchant: &MerchantId, tickets: &[String]) -> Result<u64, ServiceError> {
    let mut owed = 0;
    for ticket in tickets {
        owed += u64::from(group.owe_ticket(merchant, ticket)?);
    }
    Ok(owed)
}
