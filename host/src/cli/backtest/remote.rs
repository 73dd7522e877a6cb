//! A backtest that a server runs: this one begins it, shows how far it is, and fetches the report.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use ombud_ledger::Digest;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::api::{self, Api, as_options};
use super::super::progress::Progress;
use super::{Backtest, Named};
use crate::backtest::BacktestReport;
use crate::service::wire::BacktestRequest;
use crate::service::{BacktestState, BacktestView};

/// How often the server is asked how far it is.
const PAUSE: Duration = Duration::from_millis(250);

/// A backtest with its report, as the server answers it.
#[derive(Deserialize)]
struct Answer {
    #[serde(flatten)]
    view: BacktestView,
    report: Option<BacktestReport>,
}

pub(super) fn run(api: &Api, command: &Backtest, named: Named, settings: Option<Map<String, Value>>) -> Result<BacktestReport> {
    let mut request = command.request(settings);
    match named {
        Named::Version { policy, version } => (request.policy, request.version) = (Some(policy), version),
        Named::Stored(digest) => request.component = Some(digest.to_string()),
        // The server has the component if it was uploaded or installed there; the settings beside it are this command's.
        Named::File { bytes, settings } => {
            request.component = Some(Digest::of(&bytes).to_string());
            request.settings = match (request.settings, settings) {
                (None, Some(text)) => Some(serde_json::from_str(&text)?),
                (own, _) => own,
            };
        }
    }
    let path = format!("/v1/merchants/{}/backtests", api::plain(&command.merchant));
    let said = |error: anyhow::Error| match api::refused_with(&error) {
        Some(_) => anyhow!(as_options(&api.explained(&command.merchant, error).to_string()).replace("`--component`", "the component")),
        None => error,
    };
    let begun: BacktestView = begin(api, &path, &request).map_err(said)?;
    let one = format!("{path}/{}", begun.id);
    let mut progress = None;
    let mut shown = 0;
    loop {
        let answer: Answer = api.get(&one)?;
        match (answer.view.state, answer.report) {
            (BacktestState::Done, Some(report)) => return Ok(report),
            (BacktestState::Failed, _) => bail!("the backtest failed: {}", answer.view.problem.unwrap_or_default()),
            (BacktestState::Cancelled, _) => bail!("the backtest was cancelled"),
            (BacktestState::Queued, _) => _ = progress.get_or_insert_with(|| Progress::waiting("waiting for another backtest")),
            (BacktestState::Running | BacktestState::Done, _) => {
                if answer.view.done > 0 && shown == 0 {
                    progress = Some(Progress::new(answer.view.total, "records"));
                }
                if let Some(bar) = progress.as_ref().filter(|_| answer.view.done > shown) {
                    bar.steps(answer.view.done - shown);
                    shown = answer.view.done;
                }
            }
        }
        std::thread::sleep(PAUSE);
    }
}

fn begin(api: &Api, path: &str, request: &BacktestRequest) -> Result<BacktestView> {
    api.post(path, serde_json::to_vec(request)?)
}
