//! A backtest of a recorded data directory: everything `ombud backtest --all` does, against decisions made in process.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;

use super::decision::InProcess;
use super::processor::process_micros;
use super::recorded::record;
use super::{BenchRow, served};
use crate::service::{Asked, CandidateSource, Service, cores};

/// Decisions on record, unless the command says otherwise.
const DECISIONS: usize = 30_000;
/// Rounds of floor and value in turns, of which the best of each counts.
const ROUNDS: usize = 3;
/// What is promised: so many decisions within so many seconds, on two cores, for a policy in Rust.
const PROMISED: f64 = 1_000_000.0;
/// The time for them.
const PROMISED_S: f64 = 120.0;
/// The candidate is the policy in force with other settings, which it reads for each decision.
const SETTINGS: &str = r#"{"no_reason_days":10}"#;

/// The row: met where the promised number of decisions fits into the promised time at the measured rate.
pub(super) fn row(policies: &Path, decisions: Option<usize>) -> Result<BenchRow> {
    let decisions = decisions.unwrap_or(DECISIONS);
    let data = tempfile::tempdir()?;
    record(data.path(), policies, decisions)?;
    let service = Service::open(data.path(), served::options(policies))?;
    let merchant = MerchantId::new("m0").map_err(|error| anyhow!("{error}"))?;
    let asked = Asked {
        source: CandidateSource::Bound(Kind::AfterSale),
        settings: Some(SETTINGS.to_owned()),
        kind: None,
        last: None,
        from: None,
        to: None,
    };
    let alone = InProcess::open(policies)?;
    let backtests = service.own_backtests();
    let (mut in_process, mut compared, mut seconds, mut processor) = (0.0_f64, 0.0_f64, f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        in_process = in_process.max(alone.rate());
        let (began, used) = (Instant::now(), process_micros());
        let plan = backtests.plan(&merchant, asked.clone()).map_err(served::said)?;
        let report = backtests.run(&plan, cores(), &AtomicBool::new(false), |_| ()).map_err(served::said)?;
        let took = began.elapsed().as_secs_f64();
        if let Some((before, after)) = used.zip(process_micros()) {
            processor = processor.min(after.saturating_sub(before) as f64 / decisions as f64);
        }
        if report.impact.total.counts.decisions != decisions as u64 || report.new_faults() > 0 {
            bail!("{} of {decisions} decisions are compared: {:?}", report.impact.total.counts.decisions, report.impact.faults);
        }
        compared = compared.max(decisions as f64 / took);
        seconds = seconds.min(took);
    }
    let cores = cores() as f64;
    let a_million = PROMISED / compared;
    let phases = vec![
        ("decisions in process, one core, 1/s".into(), in_process),
        ("cores".into(), cores),
        ("records".into(), decisions as f64),
        ("their time, s".into(), seconds),
        ("a million at this rate, s".into(), a_million),
        ("processor, µs a decision".into(), processor),
        ("a million on idle cores, s".into(), processor * PROMISED / 1e6 / cores),
    ];
    let floor = in_process * cores;
    let target = "a million ≤ 120 s".to_owned();
    Ok(BenchRow {
        name: "backtest".into(),
        floor,
        value: compared,
        ratio: compared / floor,
        target,
        met: a_million <= PROMISED_S,
        unit: "1/s",
        phases,
    })
}
