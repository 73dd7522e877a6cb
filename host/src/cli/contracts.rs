//! `ombud contracts`: which merchants use which version of the contract.

use anyhow::Result;
use clap::Args;

use super::api::{self, Api};
use super::source::Source;
use super::{EXIT_OK, screen};
use crate::service::wire::{ContractUse, ContractsPage};

/// Uses asked for at once.
const PAGE: u32 = 200;

/// Arguments of `ombud contracts`.
#[derive(Args)]
#[command(after_help = "Components of all versions run side by side. A version that nobody uses is still needed for replays.\n\n\
Exit codes: 0 done, 2 the command could not run.")]
pub(super) struct Contracts {
    #[command(flatten)]
    source: Source,
    /// List the policies of this version, such as 1.0.0.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Print JSON, with every policy.
    #[arg(long)]
    json: bool,
}

impl Contracts {
    pub(super) fn run(self) -> Result<u8> {
        let page = self.read(&self.source.api()?)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&page)?);
            return Ok(EXIT_OK);
        }
        let mut table = screen::table(&["contract", "merchants", "policies", ""]);
        for count in &page.contracts {
            let contract = if count.contract.is_empty() { "(no component)" } else { &count.contract };
            let note = if !page.guardrail.is_empty() && count.contract == page.guardrail { "the platform's guardrail" } else { "" };
            table.add_row([contract.to_owned(), count.merchants.to_string(), count.policies.to_string(), note.to_owned()]);
        }
        println!("{table}");
        if self.version.is_some() {
            show(&page.uses);
        }
        Ok(EXIT_OK)
    }

    /// Through as many pages as are needed.
    fn read(&self, api: &Api) -> Result<ContractsPage> {
        let version = self.version.as_ref().map(|version| format!("&version={}", api::plain(version))).unwrap_or_default();
        let ask = |cursor: &str| api.get::<ContractsPage>(&format!("/v1/contracts?limit={PAGE}{version}{cursor}"));
        let mut whole = ask("")?;
        if self.version.is_none() && !self.json {
            return Ok(whole);
        }
        while let Some(cursor) = whole.cursor.take() {
            let next = ask(&format!("&cursor={}", api::plain(&cursor)))?;
            whole.uses.extend(next.uses);
            whole.cursor = next.cursor;
        }
        Ok(whole)
    }
}

fn show(uses: &[ContractUse]) {
    let mut table = screen::table(&["merchant", "kind", "policy", "version"]);
    for used in uses {
        table.add_row([&used.merchant, &used.kind, &used.policy, &used.version]);
    }
    println!("{table}");
}
