//! What runs for one case: the plan's choice, with the versions as they run.

use std::sync::Arc;

use ombud_core::event::Event;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::history::History;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::rollout::{Asked, BUCKETS, Chosen, Halt, Opened, Stage, VersionId, bucket};
use ombud_ledger::id::rollout_digest;
use ombud_store::{FirstOf, Reads, StoreError};

use crate::judge::{Bound, NO_POLICY};
use crate::service::Service;
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;

/// What runs for one case.
pub struct Runs {
    /// The version that answers, or why none may.
    pub first: Result<Arc<Bound>, Fault>,
    /// The version that runs beside, so that the better answer for the consumer stands.
    pub second: Option<Arc<Bound>>,
    /// Versions in shadow.
    pub shadows: Vec<Arc<Bound>>,
    /// What was chosen, as the record keeps it; none where the active version answers alone.
    pub chosen: Option<Chosen>,
}

/// Under which version the case of an event was opened. Nothing is looked for where no other version ever answered. A reply is
/// judged anew each time: it has none.
pub fn opened(reads: &dyn Reads, tenant: &Tenant, kind: Kind, event: &Event) -> Result<Option<Opened>, StoreError> {
    if tenant.rollouts.plan(kind).is_none_or(|plan| !plan.had_others()) {
        return Ok(None);
    }
    first_decision(reads, &tenant.config.id, kind, event)
}

/// Whether an event opens its case: nothing was decided in it before.
pub fn opens(
    reads: &dyn Reads,
    merchant: &MerchantId,
    kind: Kind,
    event: &Event,
    history: &History,
    opened: Option<&Opened>,
) -> Result<bool, StoreError> {
    Ok(match kind {
        Kind::AfterSale => !history.case.decided,
        Kind::Delay if opened.is_some() || !history.delay.grants.is_empty() => false,
        Kind::Delay => first_decision(reads, merchant, kind, event)?.is_none(),
        Kind::Blacklist => history.blacklist.request.is_none(),
        Kind::Reply => true,
    })
}

/// The first decision of an event's case, by whatever version. A reply has none.
pub fn first_decision(reads: &dyn Reads, merchant: &MerchantId, kind: Kind, event: &Event) -> Result<Option<Opened>, StoreError> {
    let data = &event.data;
    let customer = data.customer_ref.as_ref().map(|customer| customer.as_str());
    match (kind, customer) {
        (Kind::AfterSale, _) => {
            let (Some(input), Some(order)) = (&data.after_sale, &data.order) else { return Ok(None) };
            let rows = reads.after_sale_cases(merchant, &order.order_id)?;
            let row = rows.into_iter().find(|row| row.after_sale_id == input.after_sale_id);
            Ok(row.and_then(|row| {
                let version = VersionId { policy: row.policy?, version: row.version? };
                Some(Opened { version, at_ms: row.opened_at_ms })
            }))
        }
        // A delay is its order's, whatever the episode.
        (Kind::Delay, Some(customer)) => {
            let order = data.delay.as_ref().map(|delay| delay.order_id.as_str());
            reads.first_decision(merchant, kind, &FirstOf { customer, order, since_ms: i64::MIN })
        }
        (Kind::Blacklist, Some(customer)) => {
            let Some(input) = &data.blacklist else { return Ok(None) };
            let Some((row, _)) = reads.blacklist_request(merchant, input.request_id())? else { return Ok(None) };
            reads.first_decision(merchant, kind, &FirstOf { customer, order: None, since_ms: row.opened_at_ms })
        }
        _ => Ok(None),
    }
}

impl Service {
    /// What runs for a case of `kind`. A version that made its first decision and is in no place any more is read from the store.
    pub(in crate::service) fn runs(
        &self,
        reads: &dyn Reads,
        tenant: &Tenant,
        kind: Kind,
        event: &Event,
        opened: Option<Opened>,
    ) -> Result<Runs, ServiceError> {
        let (opened, retired) = match opened {
            Some(opened) if tenant.versions.get(kind, &opened.version).is_none() => {
                match self.version_as_it_runs(reads, &tenant.config.id, kind, &opened.version)? {
                    Some(bound) if bound.status().is_ok() => (Some(opened), Some(Arc::new(bound))),
                    // It cannot run any more: the case goes on as one that is opened now.
                    _ => (None, None),
                }
            }
            opened => (opened, None),
        };
        let data = &event.data;
        let subject = data.customer_ref.as_ref().map(|customer| customer.as_str());
        let subject = subject.or_else(|| data.ticket_id.as_ref().map(|ticket| ticket.as_str()));
        let part = |id: &VersionId| match subject {
            Some(subject) => bucket(&rollout_digest(&tenant.digest_key, &id.policy, &id.version, subject).0),
            // Nobody's event is among the last that come in.
            None => BUCKETS - 1,
        };
        let selected = tenant.rollouts.select(&Asked {
            kind,
            now: event.now(),
            tz_offset_min: tenant.config.tz_offset_min,
            bucket: &part,
            opened: opened.as_ref(),
        });
        let at_hand = |id: &VersionId| {
            let own = tenant.versions.get(kind, id).cloned();
            own.or_else(|| retired.clone().filter(|bound| bound.name == id.policy && bound.version == id.version))
        };
        let missing = |id: &VersionId| Fault::new(FaultCode::NotLoaded, format!("the version `{id}` is not stored"));
        let (stage, first, halted) = match selected.answers {
            Ok((stage, id)) => (stage, at_hand(id).ok_or_else(|| missing(id)), None),
            Err(Halt::NoPolicy) => (Stage::Active, Err(Fault::new(FaultCode::NoPolicy, NO_POLICY)), None),
            Err(Halt::Paused(why)) => (Stage::Active, Err(Fault::new(FaultCode::Paused, why.as_str())), Some(why)),
        };
        let second = selected.beside.and_then(|(stage, id)| Some((stage, at_hand(id)?)));
        let is_usual = stage == Stage::Active && halted.is_none();
        let chosen = (!is_usual).then(|| Chosen {
            stage,
            beside: second.as_ref().map(|(stage, _)| *stage),
            opened: opened.clone().filter(|_| stage == Stage::Opened),
            halted,
        });
        let shadows = selected.shadows.into_iter().filter_map(at_hand).collect();
        Ok(Runs { first, second: second.map(|(_, bound)| bound), shadows, chosen })
    }
}
