//! Replays of a recorded data directory: everything `ombud replay --all` does, against decisions made in process.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use ombud_core::ids::MerchantId;

use super::decision::InProcess;
use super::recorded::record;
use super::{BenchRow, served};
use crate::service::{Scope, Service, cores};

/// Decisions on record.
const DECISIONS: usize = 30_000;
/// Rounds of floor and value in turns, of which the best of each counts.
const ROUNDS: usize = 3;

/// The row.
pub(super) fn row(policies: &Path) -> Result<BenchRow> {
    let data = tempfile::tempdir()?;
    record(data.path(), policies, DECISIONS)?;
    let service = Service::open(data.path(), served::options(policies))?;
    let merchants = vec![MerchantId::new("m0").map_err(|error| anyhow!("{error}"))?];
    let parts = service.own_replays().parts(&Scope { merchants, ..Scope::default() })?;
    let rate = |lanes: usize| -> Result<f64> {
        let began = Instant::now();
        let total = service.own_replays().run(&parts, lanes, |_| ()).map_err(served::said)?.total();
        if total.identical != DECISIONS as u64 {
            bail!("{} of {DECISIONS} replays are identical: {total:?}", total.identical);
        }
        Ok(DECISIONS as f64 / began.elapsed().as_secs_f64())
    };
    let floor = InProcess::open(policies)?;
    let (mut in_process, mut alone, mut replayed) = (0.0_f64, 0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        in_process = in_process.max(floor.rate());
        alone = alone.max(rate(1)?);
        replayed = replayed.max(rate(cores())?);
    }
    let cores = cores() as f64;
    let phases =
        vec![("decisions in process, one core, 1/s".into(), in_process), ("replays, one core, 1/s".into(), alone), ("cores".into(), cores)];
    Ok(BenchRow::at_least("replay", "1/s", in_process * cores, replayed, 0.8, phases))
}
