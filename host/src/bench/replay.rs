//! Replays of a recorded data directory: everything `ombud replay --all` does, against decisions made in process.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use ombud_core::ids::MerchantId;

use super::decision::InProcess;
use super::recorded::record;
use super::{BenchRow, served};
use crate::service::{Part, Scope, Service, cores};

/// Decisions on record.
const DECISIONS: usize = 30_000;
/// Times that all of them are replayed.
const ROUNDS: usize = 3;
/// Parts of the log in one sample: it takes as long as one of the floor. What disturbs a sample only ever makes it slower, so the best counts, as of
/// the floor.
const PARTS: usize = 16;

/// The row.
pub(super) fn row(policies: &Path) -> Result<BenchRow> {
    let data = tempfile::tempdir()?;
    record(data.path(), policies, DECISIONS)?;
    let service = Service::open(data.path(), served::options(policies))?;
    let merchants = vec![MerchantId::new("m0").map_err(|error| anyhow!("{error}"))?];
    let parts = service.own_replays().parts(&Scope { merchants, ..Scope::default() })?;
    let replay = |parts: &[Part], lanes: usize| -> Result<(u64, f64)> {
        let began = Instant::now();
        let total = service.own_replays().run(parts, lanes, |_| ()).map_err(served::said)?.total();
        if !total.divergences.is_empty() || !total.not_compared.is_empty() {
            bail!("not all replays are identical: {total:?}");
        }
        Ok((total.identical, total.identical as f64 / began.elapsed().as_secs_f64()))
    };
    let floor = InProcess::open(policies)?;
    let (mut in_process, mut alone, mut replayed, mut whole) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        // They take turns, so that a slower minute of the machine hits all of them.
        for sample in parts.chunks_exact(PARTS) {
            in_process = in_process.max(floor.sample());
            alone = alone.max(replay(sample, 1)?.1);
            replayed = replayed.max(replay(sample, cores())?.1);
        }
        let (identical, rate) = replay(&parts, cores())?;
        if identical != DECISIONS as u64 {
            bail!("{identical} of {DECISIONS} decisions are replayed");
        }
        whole = whole.max(rate);
    }
    let cores = cores() as f64;
    let phases = vec![
        ("decisions in process, one core, 1/s".into(), in_process),
        ("replays, one core, 1/s".into(), alone),
        ("replays, all in one go, 1/s".into(), whole),
        ("cores".into(), cores),
    ];
    Ok(BenchRow::at_least("replay", "1/s", in_process * cores, replayed, 0.8, phases))
}
