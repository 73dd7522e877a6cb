//! `ombud replay`: recorded decisions run again, on a data directory or through a server.

mod local;
mod remote;
mod show;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use super::source::{Named, Source};
use super::{EXIT_FINDINGS, EXIT_OK, data};
use crate::replay::Tally;
use crate::service::{Archive, Service, cores};
pub(super) use show::{by_engine, counts, json, tables as print_divergences};

/// Arguments of `ombud replay`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 every decision that can be compared is identical (those of erased customers, and faults that belong \
to another machine or engine, are counted apart), 1 at least one diverges, 2 the command could not run.\n\nExamples:\n  \
ombud replay --data ombud-data --all\n  \
ombud replay --data ombud-data --merchant m-1 --from 2026-11-01T00:00:00+08:00 --to 2026-12-01T00:00:00+08:00\n  \
ombud replay --data ombud-data --merchant m-1 --ticket t-17\n  \
ombud replay --url http://127.0.0.1:8787 --key $OMBUD_KEY --merchant m-1 0f3a…"
)]
pub(super) struct Replay {
    #[command(flatten)]
    source: Source,
    /// The merchant; every merchant, unless it is given.
    #[arg(long, value_name = "MERCHANT")]
    merchant: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Threads that replay; as many as there are cores, unless it is given. A server has its own number.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which decisions.
#[derive(Args, Clone, Default)]
pub(super) struct Which {
    /// One decision, by its id.
    #[arg(requires = "merchant", conflicts_with_all = ["all", "ticket", "from", "to"])]
    decision: Option<String>,
    /// Every decision.
    #[arg(long, conflicts_with_all = ["ticket", "from", "to"])]
    all: bool,
    /// Those of a ticket.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Those received at or after this time: RFC 3339, or a date for its beginning in the merchant's zone.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Those received before this time: RFC 3339, or a date for its beginning in the merchant's zone.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// What was replayed, and how long it took.
pub(super) struct Replayed {
    /// The sum.
    pub(super) tally: Tally,
    /// From the first read to the last comparison.
    pub(super) took: Duration,
}

impl Replay {
    pub(super) fn run(self) -> Result<u8> {
        let Which { decision, all, ticket, from, to } = &self.which;
        if !all && [decision, ticket, from, to].into_iter().all(Option::is_none) {
            bail!("which decisions? Name one by its id, a ticket with --ticket, a time with --from and --to, or all with --all");
        }
        let merchant = self.merchant.as_deref();
        let replayed = match self.source.named()? {
            Named::Data(folder) => {
                data::must_exist(folder)?;
                local::run(&Archive::open(folder, data::options(None))?, merchant, &self.which, self.threads.unwrap_or_else(cores))?
            }
            Named::Server(api) => remote::run(&api, merchant, &self.which)?,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&show::json(&replayed.tally, replayed.took))?);
        } else {
            show::print(&replayed);
        }
        Ok(if replayed.tally.total().diverged() == 0 { EXIT_OK } else { EXIT_FINDINGS })
    }
}

/// Replays every decision of a merchant of an open service.
pub(super) fn every(service: &Service, merchant: &str) -> Result<Tally> {
    local::many(service.own_replays(), vec![data::merchant_id(merchant)?], &Which::default(), cores())
}

/// Takes the time of some replays.
fn timed(replay: impl FnOnce() -> Result<Tally>) -> Result<Replayed> {
    let began = Instant::now();
    Ok(Replayed { tally: replay()?, took: began.elapsed() })
}
