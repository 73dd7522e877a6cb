//! Replays on an open data directory, on all cores.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow};

use super::super::data::{explain, merchant_id, owner, refused, runtime};
use super::{Tally, Which, lanes};
use crate::service::wire::DecisionsQuery;
use crate::service::{Service, ServiceError};

/// Lines of one page of the list of decisions.
const PAGE: u32 = 200;

/// Replays what was asked for.
pub(super) fn run(service: &Arc<Service>, merchant: &str, which: &Which) -> Result<Tally> {
    let id = merchant_id(merchant)?;
    let began = Instant::now();
    if let Some(decision) = &which.decision {
        let report = runtime()?.block_on(service.replay(&owner()?, merchant, decision)).map_err(|error| match error {
            ServiceError::NotFound("decision") => anyhow!("merchant `{merchant}` has no decision `{decision}`"),
            error => refused(service, merchant, error),
        })?;
        let mut tally = Tally::default();
        tally.add(report);
        tally.elapsed = began.elapsed();
        return Ok(tally);
    }
    let places = places(service, merchant, which)?;
    let replay = |seq: &u64| service.replay_at(&id, *seq).map_err(|error| anyhow!("record {seq} of `{id}`: {}", explain(&error)));
    let mut tally = lanes::run(&places, lanes::cores(), replay)?;
    tally.elapsed = began.elapsed();
    Ok(tally)
}

/// The places in the ledger that are looked at.
fn places(service: &Arc<Service>, merchant: &str, which: &Which) -> Result<Vec<u64>> {
    let runtime = runtime()?;
    let page = |query: DecisionsQuery| {
        let owner = owner()?;
        runtime.block_on(service.decisions(&owner, merchant, query)).map_err(|error| match error {
            // The query's members are this command's options.
            ServiceError::Invalid(_) => anyhow!(explain(&error).replace("`/", "`--")),
            error => refused(service, merchant, error),
        })
    };
    if which.all {
        // The newest decision's place says how many there are; records of events and acts between them are passed over.
        let mut query = DecisionsQuery { limit: Some(1), ..DecisionsQuery::default() };
        loop {
            let newest = page(query.clone())?;
            if let Some(line) = newest.decisions.first() {
                return Ok((0..=line.seq).collect());
            }
            match newest.cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => return Ok(Vec::new()),
            }
        }
    }
    let mut places = Vec::new();
    let mut query = DecisionsQuery { from: which.from.clone(), to: which.to.clone(), limit: Some(PAGE), ..DecisionsQuery::default() };
    loop {
        let found = page(query.clone())?;
        places.extend(found.decisions.iter().map(|line| line.seq));
        match found.cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    places.reverse();
    Ok(places)
}
