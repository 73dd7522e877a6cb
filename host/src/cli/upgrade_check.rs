//! `ombud upgrade-check`: the latest decisions of every active policy, run again under the engine of this binary before it
//! serves.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::{Value, json};

use super::data::{self, explain};
use super::progress::Progress;
use super::replay::{self, by_engine, print_divergences};
use super::{EXIT_FINDINGS, EXIT_OK, screen};
use crate::replay::{EngineSeen, Tally};
use crate::service::{Active, Archive, Part, cores};

/// Decisions of each policy, unless the command says otherwise.
const LAST: u64 = 1_000;

/// Arguments of `ombud upgrade-check`.
#[derive(Args)]
#[command(
    after_help = "The directory is only read: the server of the release before may go on serving it. Where that release has an older database, a \
copy of it in the folder for temporary files (TMPDIR) is brought up to date and read.\n\nExit codes: 0 every active policy \
loads and every decision that can be compared is identical under this binary's engine, 1 not so, 2 the command could not run.\n\n\
Example: ./ombud-new upgrade-check --data ombud-data --last 5000"
)]
pub(super) struct UpgradeCheck {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How many decisions of each active policy, the latest ones.
    #[arg(long, value_name = "N", default_value_t = LAST, value_parser = clap::value_parser!(u64).range(1..))]
    last: u64,
    /// Threads that replay; as many as there are cores, unless it is given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One active policy and what became of its decisions.
struct Checked {
    active: Active,
    /// Why it does not load.
    refusal: Option<String>,
    tally: Tally,
}

impl UpgradeCheck {
    pub(super) fn run(self) -> Result<u8> {
        data::must_exist(&self.data)?;
        let archive = Archive::open(&self.data, data::options(None))?;
        let began = Instant::now();
        let checked = self.check(&archive)?;
        let took = began.elapsed();
        let mut whole = Tally::default();
        checked.iter().for_each(|own| whole.merge(own.tally.clone()));
        Self::damage(&archive, &checked, &mut whole)?;
        let engine = EngineSeen::from(archive.engine());
        if self.json {
            println!("{}", serde_json::to_string_pretty(&self.to_json(&engine, &checked, &whole, took))?);
        } else {
            self.print(&engine, &checked, &whole, took);
        }
        let sound = whole.total().diverged() == 0 && checked.iter().all(|own| own.refusal.is_none());
        Ok(if sound { EXIT_OK } else { EXIT_FINDINGS })
    }

    /// What is wrong with the logs: of which policy it was cannot be told.
    fn damage(archive: &Archive, checked: &[Checked], whole: &mut Tally) -> Result<()> {
        for merchant in checked.iter().map(|own| &own.active.merchant).collect::<BTreeSet<_>>() {
            for report in archive.replays().damage(merchant)? {
                whole.add(merchant.as_str(), report);
            }
        }
        Ok(())
    }

    fn check(&self, archive: &Archive) -> Result<Vec<Checked>> {
        let active = archive.active()?;
        let parts = active.iter().map(|own| archive.latest(own, self.last)).collect::<Result<Vec<_>, _>>()?;
        let progress = Progress::new(Part::all_places(parts.iter().flatten()), "records");
        let threads = self.threads.unwrap_or_else(cores);
        let check = |(active, parts): (Active, Vec<_>)| {
            let refusal = archive.refusal(&active)?;
            let run = archive.replays().run(&parts, threads, |places| progress.steps(places));
            Ok(Checked { active, refusal, tally: run.map_err(|error| anyhow!(explain(&error)))? })
        };
        active.into_iter().zip(parts).map(check).collect()
    }

    fn print(&self, engine: &EngineSeen, checked: &[Checked], whole: &Tally, took: Duration) {
        screen::field("engine", &format!("wasmtime {}, profile {}", engine.wasmtime, engine.profile));
        let mut table = screen::table(&["merchant", "kind", "policy", "decisions", "identical", "diverged", "not compared"]);
        for own in checked {
            let (version, counts) = (&own.active.version, own.tally.total());
            let not_compared: u64 = counts.not_compared.values().sum();
            let numbers = [counts.replayed(), counts.identical, counts.diverged(), not_compared].map(|number| number.to_string());
            let policy = format!("{} {}", version.policy, version.version);
            let named = [own.active.merchant.to_string(), own.active.kind.to_string(), policy];
            table.add_row(named.into_iter().chain(numbers));
        }
        println!("{table}");
        if whole.engines.len() == 1 {
            println!("{}", by_engine(whole));
        }
        print_divergences(whole);
        for Checked { active, refusal, .. } in checked {
            if let Some(refusal) = refusal {
                println!("{} of merchant {} for {}: {refusal}", active.version.policy, active.merchant, active.kind);
            }
        }
        let total = whole.total();
        println!(
            "{} checked, {} replayed, {} identical, {} diverged, in {:.2} s",
            if checked.len() == 1 { "1 active policy".to_owned() } else { format!("{} active policies", checked.len()) },
            screen::count(total.replayed(), "decision"),
            total.identical,
            total.diverged(),
            took.as_secs_f64()
        );
    }

    fn to_json(&self, engine: &EngineSeen, checked: &[Checked], whole: &Tally, took: Duration) -> Value {
        let policies = checked.iter().map(|own| {
            let mut json = replay::counts(&own.tally.total());
            let version = &own.active.version;
            json["merchant"] = json!(own.active.merchant);
            json["kind"] = json!(own.active.kind);
            json["policy"] = json!(version.policy);
            json["version"] = json!(version.version);
            json["component"] = json!(version.component.to_string());
            json["loads"] = json!(own.refusal.is_none());
            json["refusal"] = json!(own.refusal);
            json
        });
        let mut json = replay::json(whole, took);
        json["engine"] = json!(engine);
        json["last"] = json!(self.last);
        json["policies"] = policies.collect();
        json
    }
}
