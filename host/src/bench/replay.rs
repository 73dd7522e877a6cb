//! Replays of a recorded data directory: everything `ombud replay --all` does, against decisions made in process.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use ombud_core::event;
use ombud_core::ids::MerchantId;

use super::{BenchRow, decision, served};
use crate::clock::now_ms;
use crate::service::{Scope, Service, cores};

/// Decisions on record.
const DECISIONS: usize = 30_000;
/// Events under way at the same time while they are recorded.
const LANES: usize = 64;
/// Rounds of floor and value in turns, of which the best of each counts.
const ROUNDS: usize = 3;

/// The row.
pub(super) fn row(policies: &Path) -> Result<BenchRow> {
    let data = tempfile::tempdir()?;
    record(data.path(), policies)?;
    let service = Service::open(data.path(), served::options(policies))?;
    let merchants = vec![MerchantId::new("m0").map_err(|error| anyhow!("{error}"))?];
    let parts = service.own_replays().parts(&Scope { merchants, ..Scope::default() })?;
    let (mut in_process, mut replayed) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        in_process = in_process.max(1e6 / decision::after_sale_micros(policies)?);
        let began = Instant::now();
        let total = service.own_replays().run(&parts, cores(), |_| ()).map_err(served::said)?.total();
        if total.identical != DECISIONS as u64 {
            bail!("{} of {DECISIONS} replays are identical: {total:?}", total.identical);
        }
        replayed = replayed.max(DECISIONS as f64 / began.elapsed().as_secs_f64());
    }
    let cores = cores() as f64;
    let phases = vec![("decisions in process, one core, 1/s".into(), in_process), ("cores".into(), cores)];
    Ok(BenchRow::at_least("replay", "1/s", in_process * cores, replayed, 0.8, phases))
}

/// Records decisions on orders of five lines, each of another customer.
fn record(data: &Path, policies: &Path) -> Result<()> {
    let (service, _) = served::open(data, policies, 1)?;
    let template = served::event(decision::LINES)?.to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let who = crate::service::Principal { role: crate::service::Role::Agent, ..Service::owner()? };
    runtime.block_on(async {
        let mut lanes = tokio::task::JoinSet::new();
        for lane in 0..LANES {
            let (service, template, who) = (Arc::clone(&service), template.clone(), who.clone());
            lanes.spawn(async move {
                for at in (lane..DECISIONS).step_by(LANES) {
                    let text = template.replace(super::load::MARK, &format!("{at:012}"));
                    let event = event::structured(text.as_bytes(), now_ms()).map_err(|problems| anyhow!("{problems:?}"))?;
                    service.decide(&who, "m0", event).await.map_err(served::said)?;
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane??;
        }
        Ok(())
    })
}
