//! Under whose key an event's records are sealed, and how the counters know the customer.

use ombud_core::event::Event;
use ombud_ledger::id;
use ombud_ledger::keys::DigestKey;
use ombud_store::{MARK, Reads};

use super::error::ServiceError;
use super::snapshot::Tenant;
use super::vault::{Epoch, SubjectId, SubjectSecret, Vault};

/// Whose records they are.
pub struct Owner {
    /// The customer, or the ticket where there is none. Whoever was erased does not get a second key: new records are the
    /// ticket's.
    pub subject: SubjectId,
    /// The subject's key.
    pub secret: SubjectSecret,
    /// The mark of a customer who was erased, under which amounts were counted before.
    pub formerly: Option<String>,
    /// When this was so: an erasure since may have destroyed the key.
    pub epoch: Epoch,
}

impl Owner {
    /// The owner of an event's records. `epoch` is from before `reads` began.
    pub fn of(reads: &dyn Reads, vault: &Vault, tenant: &Tenant, event: &Event, epoch: Epoch) -> Result<Self, ServiceError> {
        let merchant = &tenant.config.id;
        let mut formerly = None;
        if let Some(customer) = event.data.customer_ref.as_ref().filter(|_| vault.has_erased(merchant)) {
            let mark = mark(tenant, customer.as_str());
            formerly = reads.erased_at(merchant, &mark)?.map(|_| mark);
        }
        let customer = event.data.customer_ref.as_ref().filter(|_| formerly.is_none());
        let customer = customer.map(|customer| SubjectId::Customer(customer.to_string()));
        let ticket = event.data.ticket_id.as_ref().map(|ticket| SubjectId::Ticket(ticket.to_string()));
        let subject = customer.or(ticket).unwrap_or(SubjectId::Merchant);
        let secret = vault.open_or_draw(merchant, &subject, reads, epoch)?;
        Ok(Self { subject, secret, formerly, epoch })
    }
}

/// What stands where an erased customer's reference stood.
pub fn mark(tenant: &Tenant, customer: &str) -> String {
    mark_by(&tenant.digest_key, customer)
}

/// The same by the merchant's key.
pub fn mark_by(key: &DigestKey, customer: &str) -> String {
    format!("{MARK}{}", id::erased_mark(key, customer))
}
