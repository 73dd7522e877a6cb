//! Replays of records that this process can read, on all cores.

use anyhow::{Result, anyhow, bail};
use ombud_core::ids::{DecisionId, MerchantId};

use super::super::api::as_options;
use super::super::data::{explain, merchant_id};
use super::super::progress::Progress;
use super::{Replayed, Which, timed};
use crate::replay::Tally;
use crate::service::{Archive, Part, Replays, ServiceError};

/// Replays what was asked for of a data directory, of one merchant or of all.
pub(super) fn run(archive: &Archive, merchant: Option<&str>, which: &Which, threads: usize) -> Result<Replayed> {
    let known = archive.merchants()?;
    let merchants = match merchant {
        None => {
            archive.all_named()?;
            known
        }
        Some(id) if known.iter().any(|known| known.as_str() == id) => vec![merchant_id(id)?],
        Some(id) if known.is_empty() => return Err(anyhow!("no merchant `{id}`: there is none yet")),
        Some(id) => {
            let known: Vec<&str> = known.iter().map(MerchantId::as_str).collect();
            return Err(anyhow!("no merchant `{id}`: there are {}", known.join(", ")));
        }
    };
    match (&which.decision, merchants.as_slice()) {
        (Some(decision), [merchant]) => timed(|| one(archive.replays(), merchant, decision)),
        _ => timed(|| many(archive.replays(), merchants, which, threads)),
    }
}

fn one(replays: Replays<'_>, merchant: &MerchantId, decision: &str) -> Result<Tally> {
    let id = DecisionId::new(decision).ok();
    let report = id.map(|id| replays.decision(merchant, &id)).transpose()?.flatten();
    let Some(report) = report else { return Err(not_there(replays, merchant, decision)?) };
    let mut tally = Tally::default();
    tally.add(merchant.as_str(), report);
    Ok(tally)
}

/// Why there is no such decision: none with this id, or one that may be among records that are lost.
fn not_there(replays: Replays<'_>, merchant: &MerchantId, decision: &str) -> Result<anyhow::Error> {
    let damage = replays.damage(merchant)?;
    let first = damage.first().and_then(|report| report.detail.as_deref());
    Ok(match first {
        None => anyhow!("merchant `{merchant}` has no decision `{decision}`"),
        Some(first) => {
            anyhow!("merchant `{merchant}` has no decision `{decision}`, but its log is damaged ({first}): it may have been there")
        }
    })
}

/// Replays many decisions, with a bar.
pub(super) fn many(replays: Replays<'_>, merchants: Vec<MerchantId>, which: &Which, threads: usize) -> Result<Tally> {
    let failed = |error: ServiceError| match error {
        // The query's members are this command's options.
        ServiceError::Invalid(_) => anyhow!(as_options(&explain(&error))),
        error => anyhow!(explain(&error)),
    };
    let names: Vec<String> = merchants.iter().map(ToString::to_string).collect();
    let mut parts = Vec::new();
    let mut known = which.ticket.is_none();
    for merchant in &merchants {
        let ticket = which.ticket.as_deref();
        known = known || ticket.is_some_and(|ticket| replays.knows_ticket(merchant, ticket).unwrap_or(true));
        let scope = replays.scope(merchant, ticket, which.from.as_deref(), which.to.as_deref()).map_err(failed)?;
        parts.extend(replays.parts(&scope)?);
    }
    if !known {
        bail!("nothing of the ticket `{}` is on record", which.ticket.as_deref().unwrap_or_default());
    }
    let progress = Progress::new(Part::all_places(&parts), "records");
    let mut tally = replays.run(&parts, threads, |places| progress.steps(places)).map_err(failed)?;
    // A merchant without a decision is told, too.
    names.into_iter().for_each(|name| _ = tally.merchants.entry(name).or_default());
    Ok(tally)
}
