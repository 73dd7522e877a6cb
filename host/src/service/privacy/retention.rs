//! Retention: customers and tickets of whom nothing was heard for as many days as the merchant keeps data are erased by the host.

use std::sync::Arc;
use std::time::Duration;

use ombud_ledger::keys::Subject;
use ombud_rules::civil::DAY_MS;
use ombud_store::{Erasure, Group, JobError, Reads, Store as _};

use super::erasure::WINDOW_MS;
use super::holds::held;
use crate::clock::now_ms;
use crate::service::acts::{By, NewAct, What};
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::snapshot::Tenant;
use crate::service::vault::SubjectId;
use crate::service::{Service, owner};

/// How long a server waits between two looks.
pub const RETAIN_EVERY: Duration = Duration::from_secs(3_600);
/// Who erases, in records.
const ACTOR: &str = "ombud-retention";
/// Keys looked at together, and erased with one act at most.
const KEYS_OF_A_LOOK: u32 = 200;

/// What a look erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Customers.
    pub customers: u64,
    /// Tickets without a customer.
    pub tickets: u64,
}

impl Service {
    /// Looks for what is kept too long now and then again after each `every`, until the task is dropped.
    pub async fn retain_for_ever(self: Arc<Self>, every: Duration) {
        let mut every = tokio::time::interval(every);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = self.retain(now_ms()).await {
                tracing::error!(%error, "retention could not be applied; the next look tries again");
            }
        }
    }

    /// Erases what is kept too long at a time.
    pub async fn retain(self: &Arc<Self>, at_ms: i64) -> Result<Retained, ServiceError> {
        let service = Arc::clone(self);
        let looked = move || {
            let tenants: Vec<_> = service.snapshot.load().tenants.values().cloned().collect();
            let mut retained = Retained::default();
            for tenant in tenants {
                if service.vault.has_erased(&tenant.config.id) {
                    // Their caps' windows are over: nobody has to know them again.
                    let merchant = tenant.config.id.clone();
                    service.writer.wait(move |group| group.forget_marks(&merchant, at_ms.saturating_sub(WINDOW_MS))).map_err(|error| {
                        match error {
                            JobError::Job(error) | JobError::Store(error) => ServiceError::from(error),
                        }
                    })?;
                }
                if let Some(days) = tenant.config.retention_days {
                    let own = service.retain_merchant(&tenant, at_ms.saturating_sub(i64::from(days) * DAY_MS))?;
                    retained.customers += own.customers;
                    retained.tickets += own.tickets;
                }
            }
            Ok::<_, ServiceError>(retained)
        };
        let retained = tokio::task::spawn_blocking(looked).await.map_err(|error| ServiceError::Internal(error.into()))??;
        if retained != Retained::default() {
            self.empty_log().await;
        }
        Ok(retained)
    }

    fn retain_merchant(self: &Arc<Self>, tenant: &Arc<Tenant>, before_ms: i64) -> Result<Retained, ServiceError> {
        let merchant = &tenant.config.id;
        let mut retained = Retained::default();
        let mut after = String::new();
        loop {
            let (last, stale) = self.store.read(|reads| {
                let keys = reads.wrapped_keys(merchant, &after, KEYS_OF_A_LOOK)?;
                let mut stale = Vec::new();
                for subject in keys.iter().filter_map(|(text, _)| SubjectId::parse(text)) {
                    if is_stale(reads, tenant, &subject, before_ms)? {
                        stale.push(subject);
                    }
                }
                Ok::<_, ServiceError>((keys.into_iter().last().map(|(text, _)| text), stale))
            })?;
            if !stale.is_empty() {
                let own = self.retain_subjects(tenant, stale, before_ms)?;
                retained.customers += own.customers;
                retained.tickets += own.tickets;
            }
            match last {
                Some(last) => after = last,
                None => return Ok(retained),
            }
        }
    }

    fn retain_subjects(self: &Arc<Self>, tenant: &Arc<Tenant>, stale: Vec<SubjectId>, before_ms: i64) -> Result<Retained, ServiceError> {
        let (service, of) = (Arc::clone(self), Arc::clone(tenant));
        let erased = self.writer.wait(move |group| service.retain_in(group, &of, &stale, before_ms));
        let (retained, subjects) = erased?;
        self.vault.forget(&tenant.config.id, subjects);
        Ok(retained)
    }

    fn retain_in(
        &self,
        group: &mut dyn Group,
        tenant: &Tenant,
        stale: &[SubjectId],
        before_ms: i64,
    ) -> Result<(Retained, Vec<SubjectId>), ServiceError> {
        let merchant = &tenant.config.id;
        let at_ms = now_ms();
        let (mut retained, mut subjects) = (Retained::default(), Vec::new());
        let (mut keys, mut records) = (0, 0);
        for subject in stale {
            // Something may have come since.
            if !is_stale(as_reads(group), tenant, subject, before_ms)? {
                continue;
            }
            match subject {
                SubjectId::Customer(customer) => {
                    let tickets = group.tickets_of(merchant, customer)?;
                    let mark = owner::mark(tenant, customer);
                    let counted_since_ms = at_ms.saturating_sub(WINDOW_MS);
                    let erasure = Erasure { customer, mark: &mark, tickets: &tickets, at_ms, counted_since_ms };
                    let erased = group.erase_customer(merchant, &erasure)?;
                    subjects.extend(tickets.into_iter().map(SubjectId::Ticket));
                    retained.customers += 1;
                    (keys, records) = (keys + erased.keys as u64, records + erased.records as u64);
                }
                SubjectId::Ticket(ticket) => {
                    keys += u64::from(group.erase_ticket(merchant, ticket, at_ms)?);
                    retained.tickets += 1;
                }
                SubjectId::Merchant => continue,
            }
            subjects.push(subject.clone());
        }
        if retained != Retained::default() {
            self.vault.forget(merchant, subjects.iter().cloned());
            let Retained { customers, tickets } = retained;
            let what = What::RetentionApplied { older_than: rfc3339(before_ms), customers, tickets, keys, records };
            NewAct::new(By::host(ACTOR), what).append(group, &self.vault, merchant)?;
        }
        Ok((retained, subjects))
    }
}

/// A group reads like a reader.
fn as_reads(group: &mut dyn Group) -> &dyn Reads {
    group
}

/// Whether nothing was heard of the subject since, nothing holds it, and nothing of it is under way.
fn is_stale(reads: &dyn Reads, tenant: &Tenant, subject: &SubjectId, before_ms: i64) -> Result<bool, ServiceError> {
    let merchant = &tenant.config.id;
    let quiet = |subject: Subject<'_>| reads.last_record_at(merchant, subject).map(|last| last.is_some_and(|at_ms| at_ms < before_ms));
    Ok(match subject {
        SubjectId::Merchant => false,
        SubjectId::Customer(customer) => {
            quiet(subject.as_subject())?
                && reads.measure(merchant, customer)?.is_none()
                && !reads.has_open_request(merchant, customer)?
                && {
                    let tickets = reads.tickets_of(merchant, customer)?;
                    let all_quiet =
                        tickets.iter().try_fold(true, |all, ticket| Ok::<_, ServiceError>(all && quiet(Subject::Ticket(ticket))?))?;
                    all_quiet && held(reads, merchant, Some(customer), &tickets)?.is_none()
                }
        }
        SubjectId::Ticket(ticket) => {
            let customers = reads.customers_of(merchant, ticket)?;
            quiet(subject.as_subject())?
                && held(reads, merchant, None, std::slice::from_ref(ticket))?.is_none()
                && customers
                    .iter()
                    .try_fold(true, |free, customer| Ok::<_, ServiceError>(free && held(reads, merchant, Some(customer), &[])?.is_none()))?
        }
    })
}
