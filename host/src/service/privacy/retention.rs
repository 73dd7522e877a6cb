//! Retention: customers and tickets of whom nothing was heard for as many days as the merchant keeps data are erased by the host.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::Subject;
use ombud_rules::civil::DAY_MS;
use ombud_store::{Erasure, Group, JobError, Reads, Store as _, StoreError, SubjectKey};
use serde_json::Value;

use super::erasure::{WINDOW_MS, apart, owe};
use super::holds::{self, held};
use crate::clock::now_ms;
use crate::service::acts::{By, Host, NewAct, What};
use crate::service::commit::as_reads;
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::snapshot::{MerchantDocument, Tenant};
use crate::service::vault::SubjectId;
use crate::service::{Service, owner};

/// How long a server waits between two looks.
pub const RETAIN_EVERY: Duration = Duration::from_secs(3_600);
/// From how long after the newest record a clock is in doubt when a server starts.
const LEAP_MS: i64 = 2 * DAY_MS;
/// From how long before it, in milliseconds: clocks are set by moments all the time.
const BEHIND_MS: i64 = 60_000;
/// Keys looked at together, and erased with one act at most.
const KEYS_OF_A_LOOK: u32 = 200;

/// What a look erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Customers.
    pub customers: u64,
    /// Tickets without a customer.
    pub tickets: u64,
    /// Subjects that were looked at: those of whom nothing was heard for too long when retention looked last.
    pub looked_at: u64,
}

impl Service {
    /// Looks for what is kept too long now and then again after each `every`, until the task is dropped.
    pub async fn retain_for_ever(self: Arc<Self>, every: Duration) {
        let mut every = tokio::time::interval(every);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let service = Arc::clone(&self);
        // One that cannot be asked about is in doubt.
        if tokio::task::spawn_blocking(move || service.is_clock_in_doubt()).await.unwrap_or(true) {
            every.tick().await;
        }
        loop {
            every.tick().await;
            if let Err(error) = self.retain(now_ms()).await {
                tracing::error!(%error, "retention could not be applied; the next look tries again");
            }
        }
    }

    /// Whether the clock may have been set forward since the newest record, where retention would erase by it: what it erases is gone for
    /// good, and a machine that starts with a wrong clock mostly has the right one soon. A clock that stands before the newest record is
    /// told of as well.
    fn is_clock_in_doubt(&self) -> bool {
        let snapshot = self.snapshot.load();
        let newest = self.store.read(|reads| {
            let mut newest = None;
            for merchant in snapshot.tenants.keys() {
                if let Some(last) = reads.log_size(merchant)?.checked_sub(1) {
                    newest = newest.max(reads.listed(merchant, last)?.map(|entry| entry.received_at_ms));
                }
            }
            Ok::<_, StoreError>(newest)
        });
        let (now, newest) = match newest {
            Ok(Some(newest)) => (now_ms(), newest),
            Ok(None) => return false,
            Err(error) => {
                tracing::error!(%error, "the newest records cannot be read: retention waits for its next look");
                return true;
            }
        };
        let (ahead, newest_at) = (now.saturating_sub(newest), rfc3339(newest));
        if ahead < -BEHIND_MS {
            tracing::warn!(
                newest_at,
                "the clock stands before the newest record: events that come are refused as lying in the future, and days and windows of caps \
                 are counted by it; set the clock"
            );
        }
        let leapt = ahead > LEAP_MS && snapshot.tenants.values().any(|tenant| tenant.config.retention_days.is_some());
        if leapt {
            tracing::warn!(
                newest_at,
                "nothing was recorded for days, or the clock was set forward: retention, which erases for good, waits for an hour; if the clock \
                 is wrong, stop the server and set it"
            );
        }
        leapt
    }

    /// Erases what is kept too long at a time. A merchant whose data cannot be looked at hinders no other.
    pub async fn retain(self: &Arc<Self>, at_ms: i64) -> Result<Retained, ServiceError> {
        let service = Arc::clone(self);
        let looked = move || {
            let tenants: Vec<_> = service.snapshot.load().tenants.values().cloned().collect();
            let mut retained = Retained::default();
            for tenant in tenants {
                if service.is_draining() {
                    break;
                }
                if let Err(error) = service.retain_tenant(&tenant, at_ms, &mut retained) {
                    // The writer takes nothing: that is no merchant's, and the next one's would fail as well.
                    if matches!(error, ServiceError::Unavailable(_)) {
                        return (retained, Some(error));
                    }
                    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                    let merchant = &tenant.config.id;
                    tracing::error!(%merchant, "retention could not be applied, the next look tries again: {error}{cause}");
                }
            }
            (retained, None)
        };
        let (retained, failed) = tokio::task::spawn_blocking(looked).await.map_err(|error| ServiceError::Internal(error.into()))?;
        if retained.customers > 0 || retained.tickets > 0 {
            let (customers, tickets) = (retained.customers, retained.tickets);
            tracing::info!(customers, tickets, "erased what is older than the merchants keep it: acts `retention.applied` say whose");
            self.empty_log().await;
        }
        failed.map_or(Ok(retained), Err)
    }

    /// The same of one merchant; what was erased before an error counts.
    fn retain_tenant(self: &Arc<Self>, tenant: &Arc<Tenant>, at_ms: i64, retained: &mut Retained) -> Result<(), ServiceError> {
        if self.vault.has_erased(&tenant.config.id) {
            // Their caps' windows are over: nobody has to know them again.
            let merchant = tenant.config.id.clone();
            let forgotten = self.writer.wait(move |group| group.forget_marks(&merchant, at_ms.saturating_sub(WINDOW_MS)));
            forgotten.map_err(|error| match error {
                JobError::Job(error) | JobError::Store(error) => ServiceError::from(error),
            })?;
            retained.tickets += self.retain_owed(tenant, at_ms)?;
        }
        let Some(days) = tenant.config.retention_days else { return Ok(()) };
        let (merchant, before_ms) = (&tenant.config.id, at_ms.saturating_sub(i64::from(days) * DAY_MS));
        // Whoever stops the server waits for one page at most.
        while !self.is_draining() {
            // Each look erases them, or notes when to look again: none comes twice.
            let due = self.store.read(|reads| reads.quiet_subjects(merchant, before_ms, KEYS_OF_A_LOOK))?;
            if due.is_empty() {
                return Ok(());
            }
            retained.looked_at += due.len() as u64;
            let Some(own) = self.retain_subjects(tenant, due, days, before_ms)? else { return Ok(()) };
            retained.customers += own.customers;
            retained.tickets += own.tickets;
        }
        Ok(())
    }

    /// Destroys the keys of tickets that were to go with a customer, and that nothing holds any more; how many.
    fn retain_owed(self: &Arc<Self>, tenant: &Arc<Tenant>, at_ms: i64) -> Result<u64, ServiceError> {
        let merchant = tenant.config.id.clone();
        if self.store.read(|reads| reads.owed_tickets(&merchant))?.is_empty() {
            return Ok(0);
        }
        let service = Arc::clone(self);
        let subjects = self.writer.wait(move |group| {
            let mut subjects = Vec::new();
            for ticket in group.owed_tickets(&merchant)? {
                if !is_ticket_held(as_reads(group), &merchant, &ticket)? {
                    group.erase_ticket(&merchant, &ticket, now_ms())?;
                    subjects.push(SubjectId::Ticket(ticket));
                }
            }
            if !subjects.is_empty() {
                service.vault.forget(&merchant, subjects.iter().cloned());
                let tickets = subjects.len() as u64;
                let what = What::RetentionApplied { older_than: rfc3339(at_ms), customers: 0, tickets, keys: tickets, records: 0 };
                NewAct::new(By::host(Host::Retention), what).append(group, &service.vault, &merchant)?;
            }
            Ok::<_, ServiceError>(subjects)
        })?;
        let tickets = subjects.len() as u64;
        if tickets > 0 {
            self.vault.forget(&tenant.config.id, subjects);
        }
        Ok(tickets)
    }

    /// Erases what of these subjects is due; none where the merchant does not keep data for so many days any more.
    fn retain_subjects(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        due: Vec<String>,
        days: u32,
        before_ms: i64,
    ) -> Result<Option<Retained>, ServiceError> {
        let (service, of) = (Arc::clone(self), Arc::clone(tenant));
        let erased = self.writer.wait(move |group| {
            // As it stands on record now: the one that the look began with may have been changed since, and what is erased is gone.
            if kept_days(as_reads(group), &of.config.id)? != Some(days) {
                return Ok(None);
            }
            service.retain_in(group, &of, &due, before_ms).map(Some)
        });
        let Some((retained, subjects)) = erased? else { return Ok(None) };
        let marks: Vec<String> = subjects
            .iter()
            .filter_map(|subject| if let SubjectId::Customer(customer) = subject { Some(owner::mark(tenant, customer)) } else { None })
            .collect();
        self.vault.forget(&tenant.config.id, subjects);
        self.keep_erasures(&tenant.config.id, &marks);
        Ok(Some(retained))
    }

    fn retain_in(
        &self,
        group: &mut dyn Group,
        tenant: &Tenant,
        due: &[String],
        before_ms: i64,
    ) -> Result<(Retained, Vec<SubjectId>), ServiceError> {
        let merchant = &tenant.config.id;
        let at_ms = now_ms();
        let (mut retained, mut subjects) = (Retained::default(), Vec::new());
        let (mut keys, mut records) = (0, 0);
        for text in due {
            let subject = SubjectId::parse(text).unwrap_or(SubjectId::Merchant);
            if let Some(from_ms) = quiet_from(as_reads(group), tenant, &subject, before_ms)? {
                group.look_again(merchant, text, from_ms)?;
                continue;
            }
            let customers = match &subject {
                SubjectId::Customer(customer) => vec![customer.clone()],
                SubjectId::Ticket(ticket) => came_back(as_reads(group), merchant, ticket)?,
                SubjectId::Merchant => continue,
            };
            for customer in &customers {
                let tickets = group.tickets_of(merchant, customer)?;
                let (tickets, kept) = apart(as_reads(group), merchant, customer, tickets)?;
                let mark = owner::mark(tenant, customer);
                let counted_since_ms = at_ms.saturating_sub(WINDOW_MS);
                let erasure = Erasure { customer, mark: &mark, tickets: &tickets, at_ms, counted_since_ms };
                let erased = group.erase_customer(merchant, &erasure)?;
                owe(group, merchant, &kept)?;
                subjects.extend(tickets.into_iter().map(SubjectId::Ticket));
                subjects.push(SubjectId::Customer(customer.clone()));
                // Who came back has no key but the tickets'.
                match &subject {
                    SubjectId::Customer(_) => retained.customers += 1,
                    _ => retained.tickets += erased.keys as u64,
                }
                (keys, records) = (keys + erased.keys as u64, records + erased.records as u64);
            }
            if let (SubjectId::Ticket(ticket), []) = (&subject, customers.as_slice()) {
                // It may have gone with a customer of this look.
                let destroyed = u64::from(group.erase_ticket(merchant, ticket, at_ms)?);
                (keys, retained.tickets) = (keys + destroyed, retained.tickets + destroyed);
                subjects.push(subject);
            }
        }
        if !subjects.is_empty() {
            self.vault.forget(merchant, subjects.iter().cloned());
            let Retained { customers, tickets, .. } = retained;
            let what = What::RetentionApplied { older_than: rfc3339(before_ms), customers, tickets, keys, records };
            NewAct::new(By::host(Host::Retention), what).append(group, &self.vault, merchant)?;
        }
        Ok((retained, subjects))
    }
}

/// For how many days a merchant keeps data, as its row has it; none where it keeps them for good.
fn kept_days(reads: &dyn Reads, merchant: &MerchantId) -> Result<Option<u32>, ServiceError> {
    let row = reads.merchant(merchant)?.ok_or(ServiceError::NotFound("merchant"))?;
    let document: MerchantDocument = serde_json::from_str(&row.config).map_err(|error| ServiceError::Internal(error.into()))?;
    Ok(document.config.get("retention_days").and_then(Value::as_u64).and_then(|days| u32::try_from(days).ok()))
}

/// The customers of a ticket who were erased and were heard of since: their later records are the ticket's, for they have no key.
pub(super) fn came_back(reads: &dyn Reads, merchant: &MerchantId, ticket: &str) -> Result<Vec<String>, ServiceError> {
    let mut back = Vec::new();
    for customer in reads.customers_of(merchant, ticket)? {
        if reads.subject_key(merchant, Subject::Customer(&customer))? == SubjectKey::None {
            back.push(customer);
        }
    }
    Ok(back)
}

/// Whether a ticket is held: itself, or any of its customers.
fn is_ticket_held(reads: &dyn Reads, merchant: &MerchantId, ticket: &String) -> Result<bool, ServiceError> {
    if held(reads, merchant, None, std::slice::from_ref(ticket), holds::ALL)?.is_some() {
        return Ok(true);
    }
    for customer in reads.customers_of(merchant, ticket)? {
        if held(reads, merchant, Some(&customer), &[], holds::ALL)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// From when on the subject is quiet, or is to be looked at as if it were: something was heard of it since, it is held, or
/// something of it is under way. None where nothing keeps it.
fn quiet_from(reads: &dyn Reads, tenant: &Tenant, subject: &SubjectId, before_ms: i64) -> Result<Option<i64>, ServiceError> {
    let merchant = &tenant.config.id;
    let heard = |subject: Subject<'_>| reads.last_record_at(merchant, subject).map(|last| last.unwrap_or(i64::MIN));
    let latest = |tickets: &[String]| {
        tickets.iter().try_fold(i64::MIN, |latest, ticket| Ok::<_, ServiceError>(latest.max(heard(Subject::Ticket(ticket))?)))
    };
    let of_customer = |customer: &str| {
        let tickets = reads.tickets_of(merchant, customer)?;
        let kept = reads.measure(merchant, customer)?.is_some()
            || reads.has_open_request(merchant, customer)?
            || held(reads, merchant, Some(customer), &tickets, holds::ALL)?.is_some();
        Ok::<_, ServiceError>((heard(Subject::Customer(customer))?.max(latest(&tickets)?), kept))
    };
    let (heard_at, kept) = match subject {
        SubjectId::Merchant => (i64::MIN, true),
        SubjectId::Customer(customer) => of_customer(customer)?,
        SubjectId::Ticket(ticket) => {
            let mut kept = is_ticket_held(reads, merchant, ticket)?;
            let mut heard_at = heard(subject.as_subject())?;
            // Whoever was erased and came back is erased again with all of it.
            for customer in came_back(reads, merchant, ticket)? {
                let (heard_of, is_kept) = of_customer(&customer)?;
                (heard_at, kept) = (heard_at.max(heard_of), kept || is_kept);
            }
            (heard_at, kept)
        }
    };
    Ok(match heard_at {
        // A key whose first record is not there yet, or belongs to others.
        i64::MIN => Some(before_ms.saturating_add(DAY_MS)),
        heard_at if heard_at >= before_ms => Some(heard_at),
        _ => kept.then(|| before_ms.saturating_add(DAY_MS)),
    })
}
