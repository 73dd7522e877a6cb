//! Replays on an open data directory, on all cores.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use ombud_core::ids::MerchantId;

use super::super::data::{explain, known_merchants, merchant_id, owner, refused, runtime};
use super::super::progress::Progress;
use super::{Replayed, Which, timed};
use crate::replay::Tally;
use crate::service::{Scope, Service, ServiceError};

/// Replays what was asked for, of one merchant or of all.
pub(super) fn run(service: &Arc<Service>, merchant: Option<&str>, which: &Which, threads: usize) -> Result<Replayed> {
    match (&which.decision, merchant) {
        (Some(decision), Some(merchant)) => timed(|| one(service, merchant, decision)),
        _ => {
            let merchants = merchants(service, merchant)?;
            timed(|| many(service, merchants, which, threads))
        }
    }
}

fn one(service: &Arc<Service>, merchant: &str, decision: &str) -> Result<Tally> {
    let report = runtime()?.block_on(service.replay(&owner()?, merchant, decision)).map_err(|error| match error {
        ServiceError::NotFound("decision") => anyhow!("merchant `{merchant}` has no decision `{decision}`"),
        error => refused(service, merchant, error),
    })?;
    let mut tally = Tally::default();
    tally.add(merchant, report);
    Ok(tally)
}

fn many(service: &Service, merchants: Vec<MerchantId>, which: &Which, threads: usize) -> Result<Tally> {
    let failed = |error: ServiceError| match error {
        // The query's members are this command's options.
        ServiceError::Invalid(_) => anyhow!(explain(&error).replace("`/", "`--")),
        error => anyhow!(explain(&error)),
    };
    let names: Vec<String> = merchants.iter().map(ToString::to_string).collect();
    let scope = Scope::new(merchants, which.ticket.clone(), which.from.as_deref(), which.to.as_deref()).map_err(failed)?;
    let parts = service.replay_parts(&scope).map_err(failed)?;
    let progress = Progress::new(parts.iter().map(|part| part.places()).sum(), "records");
    let mut tally = service.replay_all(&parts, threads, |places| progress.steps(places)).map_err(failed)?;
    // A merchant without a decision is told, too.
    names.into_iter().for_each(|name| _ = tally.merchants.entry(name).or_default());
    Ok(tally)
}

/// The merchant that was named, or all.
fn merchants(service: &Service, merchant: Option<&str>) -> Result<Vec<MerchantId>> {
    let known = known_merchants(service)?;
    match merchant {
        None => known.iter().map(|id| merchant_id(id)).collect(),
        Some(id) if known.iter().any(|known| known == id) => Ok(vec![merchant_id(id)?]),
        Some(id) => Err(refused(service, id, ServiceError::NotFound("merchant"))),
    }
}
