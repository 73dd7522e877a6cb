//! Backtests: any candidate version on recorded decisions. Nothing is written but that it was asked for; live state is not touched.
//!
//! In reading order: which decisions ([`window`]), which candidate ([`candidate`]), how a window is run ([`run`]), and backtests
//! that callers ask for and come back to ([`jobs`]).

mod candidate;
mod jobs;
mod run;
mod window;

use std::sync::Arc;

use ombud_core::call_limits::Limits;
use ombud_store::Store as _;

use super::Service;
use super::replay::{Archive, Replays};
use crate::judge::Bound;
use crate::registry::Registry;

pub use candidate::CandidateSource;
pub(super) use jobs::Jobs;
pub use jobs::{BACKTEST_TIME_MAX, BACKTESTS_KEPT_MAX, BACKTESTS_UNDER_WAY_MAX, BacktestState, BacktestView};
pub use run::{Asked, Plan};
pub(super) use window::Window;

/// Recorded decisions, and where candidates for them are found.
#[derive(Clone)]
pub struct Backtests<'a> {
    /// Records, what opens them, and what runs them.
    replays: Replays<'a>,
    /// The operator's packages; none for a directory that is only read.
    registry: Option<&'a Registry>,
    /// The guardrail in force; none for a directory that is only read.
    guardrail: Option<Arc<Bound>>,
    /// The most that a merchant's policies may use: what a candidate may use to take its settings.
    most: Limits,
}

impl Service {
    /// The backtests of this service's records, without asking who wants them.
    pub fn own_backtests(&self) -> Backtests<'_> {
        Backtests {
            replays: self.own_replays(),
            registry: Some(&self.registry),
            guardrail: Some(self.snapshot.load().guardrail.clone()),
            most: self.limits.most.clone(),
        }
    }
}

impl Archive {
    /// The backtests of this directory.
    ///
    /// # Errors
    /// The operator's limits on record cannot be read.
    pub fn backtests(&self) -> anyhow::Result<Backtests<'_>> {
        let replays = self.replays();
        let most = super::admin::kept_limits(replays.store)?.unwrap_or_default().most;
        Ok(Backtests { replays, registry: None, guardrail: None, most })
    }
}

impl Backtests<'_> {
    /// The merchant's document as stored, with the active versions as its policies; none if there is no such merchant.
    fn document(&self, merchant: &ombud_core::ids::MerchantId) -> Result<Option<super::MerchantDocument>, super::ServiceError> {
        let Some(row) = self.replays.store.read(|reads| reads.merchant(merchant))? else { return Ok(None) };
        let mut document: super::MerchantDocument = serde_json::from_str(&row.config)
            .map_err(|error| super::ServiceError::Internal(anyhow::anyhow!("the document of `{merchant}`: {error}")))?;
        if let Some(active) = self.replays.store.read(|reads| super::rollout::active_bindings(reads, merchant))? {
            document.policies = active;
        }
        Ok(Some(document))
    }
}
