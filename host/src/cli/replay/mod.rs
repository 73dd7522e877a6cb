//! `ombud replay`: recorded decisions run again, on a data directory or through a server.

mod lanes;
mod local;
mod remote;
mod tally;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};

use super::{EXIT_FINDINGS, EXIT_OK, data, screen};
use crate::service::Service;
use remote::Remote;
pub(super) use tally::Tally;

/// Arguments of `ombud replay`.
#[derive(Args)]
#[command(group = ArgGroup::new("source").args(["data", "url"]).required(true))]
#[command(after_help = "Exit codes: 0 every decision is identical (those of erased customers and of faults of the machine are counted \
apart), 1 at least one diverges, 2 the command could not run.\n\nExamples:\n  ombud replay --data ombud-data --merchant m-1 --all\n  \
ombud replay --url http://127.0.0.1:8787 --key $OMBUD_KEY --merchant m-1 0f3a…\n  \
ombud replay --data ombud-data --merchant m-1 --from 2026-11-01T00:00:00+08:00 --to 2026-12-01T00:00:00+08:00")]
pub(super) struct Replay {
    /// A data directory that no server holds.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A server.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// An API key of the merchant's auditor, or another that may replay.
    #[arg(long, env = "OMBUD_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The merchant.
    #[arg(long, value_name = "MERCHANT")]
    merchant: String,
    #[command(flatten)]
    which: Which,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which decisions.
#[derive(Args, Clone)]
pub(super) struct Which {
    /// One decision, by its id.
    #[arg(conflicts_with_all = ["all", "from", "to"])]
    decision: Option<String>,
    /// Every decision of the merchant.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    all: bool,
    /// Those received at or after this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Those received before this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl Replay {
    pub(super) fn run(self) -> Result<u8> {
        if self.which.decision.is_none() && !self.which.all && self.which.from.is_none() && self.which.to.is_none() {
            bail!("which decisions? Name one by its id, all with --all, or a time with --from and --to");
        }
        let tally = match (&self.data, &self.url, &self.key) {
            (Some(folder), _, _) => {
                let service = data::open_existing(folder, None)?;
                local::run(&service, &self.merchant, &self.which)?
            }
            (None, Some(url), Some(key)) => Remote::new(url, key, &self.merchant).run(&self.which)?,
            _ => bail!("name a data directory with --data, or a server with --url and --key"),
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&tally.json(&self.merchant))?);
        } else {
            tally.print();
        }
        Ok(if tally.diverged() == 0 { EXIT_OK } else { EXIT_FINDINGS })
    }
}

/// Replays every decision of a merchant of an open service.
pub(super) fn every(service: &std::sync::Arc<Service>, merchant: &str) -> Result<Tally> {
    local::run(service, merchant, &Which { decision: None, all: true, from: None, to: None })
}

/// The sentence about a tally.
fn sentence(tally: &Tally) -> String {
    format!(
        "{} replayed, {} identical, {} diverged, in {:.2} s ({:.0}/s)",
        screen::count(tally.replayed(), "decision"),
        tally.identical,
        tally.diverged(),
        tally.elapsed.as_secs_f64(),
        tally.rate()
    )
}
