//! `ombud bench`: the promised speeds against floors of the same run.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::{EXIT_FINDINGS, EXIT_OK};
use crate::bench;

/// Arguments of `ombud bench`.
#[derive(Args)]
pub(super) struct Bench {
    /// One row only.
    #[arg(long)]
    only: Option<String>,
    /// Records of the row `backtest`; a million takes some minutes to write.
    #[arg(long, value_name = "N", requires = "only", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    records: Option<u64>,
    /// Folder of the policy packages.
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> Result<u8> {
        if let Some(only) = &self.only
            && !bench::NAMES.contains(&only.as_str())
        {
            bail!("no row `{only}`; there are {}", bench::NAMES.join(", "));
        }
        let records = self.records.map(usize::try_from).transpose()?;
        if records.is_some() && self.only.as_deref() != Some("backtest") {
            bail!("--records goes with --only backtest");
        }
        if cfg!(debug_assertions) {
            eprintln!("ombud: this is a debug build; its figures say nothing: cargo run --release -- bench");
        }
        crate::demo::set_clock();
        let rows = bench::run(&self.policies, self.only.as_deref(), records)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&rows)?);
        } else {
            for row in &rows {
                let mark = if row.met { "met" } else { "NOT MET" };
                println!(
                    "{:<22} floor {:>10.1} {unit}  value {:>10.1} {unit}  ratio {:>6.2}  target {}  {mark}",
                    row.name,
                    row.floor,
                    row.value,
                    row.ratio,
                    row.target,
                    unit = row.unit
                );
                for (phase, value) in &row.phases {
                    println!("    {phase:<30} {value:>10.1}");
                }
            }
        }
        Ok(if rows.iter().all(|row| row.met) { EXIT_OK } else { EXIT_FINDINGS })
    }
}
