//! `ombud audit check`: a data directory against itself and against what was published.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ombud_core::shown::one_line;
use serde_json::json;

use crate::backup::MANIFEST;
use crate::cli::progress::Progress;
use crate::cli::{EXIT_FINDINGS, EXIT_OK, data, screen};
use crate::service::ledger::check::{Checks, Closed, check, check_copy};

/// Findings that are printed; with `--json` all that are kept.
const PRINTED_MAX: usize = 50;
/// What is checked with the bodies opened only.
const INSIDE: [&str; 5] = ["bodies", "payments", "counters", "cases", "measures"];

/// Arguments of `ombud audit check`.
#[derive(Args)]
#[command(
    after_help = "Recomputes every log from its records and compares what is stored beside them: leaves, tiles, the tree, checkpoints with their \
signatures, cosignatures, listings, the index of events, components and settings, the last checkpoint published outside the database, and the file `erasures`. With the master \
key it opens every body as well; without it that cannot be checked and all is not well, unless --sealed says that it is not wanted. It may run beside a \
server, and changes nothing.\n\nExit codes: 0 all is well, 1 findings, or bodies that could not be opened, 2 the command could not run."
)]
pub(super) struct Check {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// One merchant only.
    #[arg(long, value_name = "MERCHANT")]
    merchant: Option<String>,
    /// Leave the sealed bodies closed: what is stored is checked, what is inside is not.
    #[arg(long)]
    sealed: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<u8> {
        data::must_exist(&self.data)?;
        let merchant = self.merchant.as_deref().map(data::merchant_id).transpose()?;
        let bar = Progress::waiting("checking the records");
        let check = if self.data.join(MANIFEST).exists() { check_copy } else { check };
        let checks = check(&self.data, &data::master_key(), merchant.as_ref(), !self.sealed, &|_| ())?;
        let elapsed = bar.elapsed();
        drop(bar);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&as_json(&checks))?);
        } else {
            print(&checks);
            let words = match (checks.report.is_well(), checks.closed) {
                (false, _) => "not all is well",
                (true, None) => "all is well",
                (true, Some(Closed::Unwanted)) => "what was checked is well",
                (true, Some(Closed::NoMasterKey)) => "what was checked is well, but the bodies could not be opened",
            };
            println!("{words}, in {:.2} s", elapsed.as_secs_f64());
        }
        Ok(if checks.is_well() { EXIT_OK } else { EXIT_FINDINGS })
    }
}

/// What is administered and held against its acts.
const ADMINISTERED: &str = "erased keys, holds, API keys, signing keys, versions with their signatures, bindings and rollouts, configuration, caps with \
their bounds, limits, retention, guardrail";
/// What nothing on record says, so that a change of it is not found.
const NOT_ADMINISTERED: &str = "results of shadow runs, when retention looks at keys next, when erased customers were marked first, when bytes were \
stored; of erased records: tickets, orders, digests of events, cases, what of an act or an order was paid for what; of acts of earlier releases: times \
to less than a minute; of plans that an earlier release moved last: windows, shadows, what was taken back";

/// What was checked and found, for programs.
pub(in crate::cli) fn as_json(checks: &Checks) -> serde_json::Value {
    let report = &checks.report;
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|found| json!({"merchant": found.merchant, "kind": found.place.kind(), "place": found.place.to_string(), "problem": found.problem}))
        .collect();
    json!({
        "well": checks.is_well(),
        "logs": report.logs, "records": report.records, "tiles": report.tiles, "checkpoints": report.checkpoints,
        "cosignatures": report.cosignatures, "events": report.events, "blobs": report.blobs,
        "bodies_opened": checks.opened, "bodies_erased": checks.erased, "bodies_left_closed": checks.closed.is_some(),
        "not_checked": if checks.closed.is_some() { &INSIDE[..] } else { &[] },
        "logs_computed_again": checks.derived, "logs_not_computed_again": checks.not_derived,
        "held_against_acts": if checks.closed.is_some() { "" } else { ADMINISTERED }, "not_on_record": NOT_ADMINISTERED,
        "findings": findings, "more_findings": report.more,
    })
}

/// What was checked and found, for people.
pub(in crate::cli) fn print(checks: &Checks) {
    let report = &checks.report;
    let mut table = screen::table(&["what", "checked"]);
    for (what, count) in [
        ("logs", report.logs),
        ("records", report.records),
        ("full tiles", report.tiles),
        ("checkpoints", report.checkpoints),
        ("cosignatures", report.cosignatures),
        ("events", report.events),
        ("components and settings", report.blobs),
    ] {
        table.add_row([what.to_owned(), count.to_string()]);
    }
    let closed = checks.closed.map(|_| "NOT CHECKED".to_owned());
    let bodies = closed.clone().unwrap_or_else(|| format!("{} opened, {} erased", checks.opened, checks.erased));
    table.add_row(["bodies".to_owned(), bodies]);
    let again = closed.unwrap_or_else(|| {
        let again = format!("{} computed again", screen::count(checks.derived, "log"));
        match checks.not_derived {
            0 => again,
            left => format!("{again}, {left} NOT CHECKED: records are damaged"),
        }
    });
    table.add_row(["payments, counters, cases, measures".to_owned(), again]);
    let acts = if checks.closed.is_some() { "NOT CHECKED" } else { ADMINISTERED };
    table.add_row(["held against acts".to_owned(), acts.to_owned()]);
    table.add_row(["not on record, not checked".to_owned(), NOT_ADMINISTERED.to_owned()]);
    println!("{table}");
    if let Some(why) = checks.closed {
        let why = match why {
            Closed::Unwanted => "--sealed leaves the bodies closed",
            Closed::NoMasterKey => {
                "the master key is not there: give it with OMBUD_MASTER_KEY or --master-key, or leave them closed with --sealed"
            }
        };
        println!("not checked: {}: {why}", INSIDE.join(", "));
    }
    for found in report.findings.iter().take(PRINTED_MAX) {
        println!("{}", one_line(&found.to_string()));
    }
    let rest = report.findings.len().saturating_sub(PRINTED_MAX) as u64 + report.more;
    if rest > 0 {
        println!("and {}: --json has more", screen::count(rest, "more finding"));
    }
    let findings = report.findings.len() as u64 + report.more;
    if findings > 0 {
        println!("{}", screen::count(findings, "finding"));
    }
}
