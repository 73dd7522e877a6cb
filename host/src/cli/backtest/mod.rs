//! `ombud backtest`: what a candidate version would have changed.

mod local;
mod remote;
mod show;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use ombud_core::kind::Kind;
use ombud_ledger::Digest;
use serde_json::{Map, Value};

use super::api::as_options;
use super::source::{self, Source};
use super::{EXIT_FINDINGS, EXIT_OK, data, packages};
use crate::backtest::page;
use crate::service::wire::BacktestRequest;
use crate::service::{Archive, ServiceError, cores};

/// Arguments of `ombud backtest`.
#[derive(Args)]
#[command(
    after_help = "Nothing is written. Only the candidate is executed, with the guardrail on record; the recorded decision is the \"before\". \
History facts and counted money are as recorded: what the candidate would have decided earlier changes neither.\n\n\
Exit codes: 0 the report is made and the candidate has no faults beyond those on record, 1 it has, 2 the command could not run.\n\n\
Examples:\n  ombud backtest --data ombud-data --merchant m-1 --policy new.wasm --last 90d\n  \
ombud backtest --data ombud-data --merchant m-1 --policy delay --settings stricter.json --last 12w --html report.html\n  \
ombud backtest --url http://127.0.0.1:8787 --key $OMBUD_KEY --merchant m-1 --policy delay@1.2.0 --from 2026-07-01 --to 2026-10-01"
)]
pub(super) struct Backtest {
    #[command(flatten)]
    source: Source,
    /// The merchant.
    #[arg(long, value_name = "MERCHANT")]
    merchant: String,
    /// The candidate: a component (`.wasm`), a package's folder, a decision table, NAME or NAME@VERSION of a policy that the
    /// merchant has or had, or the SHA-256 of a stored component.
    #[arg(long, value_name = "POLICY")]
    policy: String,
    /// Settings, instead of the candidate's own.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Decisions of this kind only.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    #[command(flatten)]
    which: Which,
    /// Threads that run it; as many as there are cores, unless it is given. A server has its own number.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Write a page with charts, with nothing in it from anywhere else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which decisions.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Which {
    /// Every decision on record.
    #[arg(long, conflicts_with_all = ["last", "from", "to"])]
    all: bool,
    /// Those received in the last so many hours, days or weeks: 36h, 90d, 12w.
    #[arg(long, value_name = "LENGTH", conflicts_with_all = ["from", "to"])]
    last: Option<String>,
    /// Those received at or after this time: RFC 3339, or a date for its beginning in the merchant's zone.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Those received before this time: RFC 3339, or a date for its beginning in the merchant's zone.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// The candidate as it was named.
enum Named {
    /// A component with the settings beside it.
    File { bytes: Vec<u8>, settings: Option<String> },
    /// A version of the merchant's.
    Version { policy: String, version: Option<String> },
    /// A stored component.
    Stored(Digest),
}

impl Backtest {
    pub(super) fn run(self) -> Result<u8> {
        let named = self.named()?;
        let settings = self.settings()?;
        let report = match self.source.named()? {
            source::Named::Data(folder) => {
                data::must_exist(folder)?;
                let archive = Archive::open(folder, data::options(None))?;
                local::run(&archive, &self, named, settings, self.threads.unwrap_or_else(cores))?
            }
            source::Named::Server(api) => remote::run(&api, &self, named, settings)?,
        };
        if let Some(file) = &self.html {
            std::fs::write(file, page(&report)).with_context(|| format!("cannot write `{}`", file.display()))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            show::print(&report);
            if let Some(file) = &self.html {
                println!("written to {}", file.display());
            }
        }
        Ok(if report.new_faults() == 0 { EXIT_OK } else { EXIT_FINDINGS })
    }

    fn named(&self) -> Result<Named> {
        let path = Path::new(&self.policy);
        let is_file = path.exists() || path.extension().is_some_and(|extension| extension == "wasm") || path.components().count() > 1;
        if is_file {
            let files = packages::read(path)?;
            return Ok(Named::File { settings: files.settings, bytes: files.bytes });
        }
        if let Some(digest) = Digest::parse(&self.policy) {
            return Ok(Named::Stored(digest));
        }
        let (policy, version) = match self.policy.split_once('@') {
            Some((policy, version)) => (policy.to_owned(), Some(version.to_owned())),
            None => (self.policy.clone(), None),
        };
        Ok(Named::Version { policy, version })
    }

    fn settings(&self) -> Result<Option<Map<String, Value>>> {
        let Some(file) = &self.settings else { return Ok(None) };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("`{}` is no JSON object", file.display()))
    }

    /// What is asked for, but for the candidate.
    fn request(&self, settings: Option<Map<String, Value>>) -> BacktestRequest {
        let Which { last, from, to, .. } = &self.which;
        BacktestRequest { settings, kind: self.kind, last: last.clone(), from: from.clone(), to: to.clone(), ..BacktestRequest::default() }
    }
}

fn kind(text: &str) -> Result<Kind> {
    let kinds = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(text).ok_or_else(|| anyhow!("there are {}", kinds()))
}

/// A refusal in terms of this command.
fn refused(error: &ServiceError) -> anyhow::Error {
    anyhow!(as_options(&data::explain(error)))
}
