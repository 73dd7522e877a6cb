//! A backtest of records that this process can read, on all cores.

use std::sync::atomic::AtomicBool;

use anyhow::{Result, anyhow};
use ombud_core::ids::MerchantId;
use serde_json::{Map, Value};

use super::super::data::merchant_id;
use super::super::progress::Progress;
use super::{Backtest, Named, refused};
use crate::backtest::BacktestReport;
use crate::service::wire::BacktestRequest;
use crate::service::{Archive, Asked, CandidateSource, ServiceError};

/// Runs the backtest on a data directory.
pub(super) fn run(
    archive: &Archive,
    command: &Backtest,
    named: Named,
    settings: Option<Map<String, Value>>,
    threads: usize,
) -> Result<BacktestReport> {
    let source = match named {
        Named::File { bytes, settings } => CandidateSource::File { bytes, settings },
        Named::Version { policy, version } => CandidateSource::Named { policy, version },
        Named::Stored(digest) => CandidateSource::Stored(digest),
    };
    let BacktestRequest { settings, kind, last, from, to, .. } = command.request(settings);
    let asked = Asked { source, settings: settings.map(|settings| Value::Object(settings).to_string()), kind, last, from, to };
    let merchant = merchant_id(&command.merchant)?;
    let backtests = archive.backtests()?;
    let loading = Progress::waiting("loading the candidate");
    let plan = match backtests.plan(&merchant, asked) {
        Err(ServiceError::NotFound(_)) => return Err(no_merchant(archive, &command.merchant)),
        other => other.map_err(|error| refused(&error))?,
    };
    drop(loading);
    let progress = Progress::new(plan.places(), "records");
    let never = AtomicBool::new(false);
    backtests.run(&plan, threads, &never, |places| progress.steps(places)).map_err(|error| refused(&error))
}

fn no_merchant(archive: &Archive, id: &str) -> anyhow::Error {
    let known = archive.merchants().unwrap_or_default();
    if known.is_empty() {
        return anyhow!("no merchant `{id}`: there is none yet");
    }
    let known: Vec<&str> = known.iter().map(MerchantId::as_str).collect();
    anyhow!("no merchant `{id}`: there are {}", known.join(", "))
}
