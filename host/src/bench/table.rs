//! A decision table beside the default policy in Rust, on the same case: the component alone, prepare and decide in a fresh instance.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use ombud_core::case::Case;
use ombud_core::golden::{self, Given};
use ombud_sandbox::{Facts, Limits, Plugin, Sandbox};
use ombud_table::Form;

use super::BenchRow;
use crate::registry::Registry;

const WARM_UP: u32 = 2_000;
const CALLS: u32 = 2_000;
/// Samples, of which the best counts.
const SAMPLES: u32 = 15;

/// A table of thirteen rows and one of seven, each with the case put to it.
const DELAYS: (&str, Form) = (include_str!("../../../plugins/table/examples/singles-day-delays/table.csv"), Form::Csv);
const FRUIT: (&str, Form) = (include_str!("../../../plugins/table/examples/fresh-fruit/table.yaml"), Form::Yaml);
const CASES: &str = "
cases:
- {id: delay, kind: delay, title: a late parcel, given: {episodes: [{kind: shipping, overdue-h: 73, paid: 19900}]}, expect: {cash: 0}}
- id: after-sale
  kind: after-sale
  title: spoiled fruit
  given:
    line: {category: fresh, unit-price: 6000}
    after-sale: {reason: spoiled, request: refund-only, spoiled-share: 7000, evidence: [{kind: photo, strength: moderate}]}
  expect: {refund: 0}
";

/// The row of the slower of the two, with both in its phases.
pub(super) fn row(policies: &Path) -> Result<BenchRow> {
    let sandbox = Sandbox::new()?;
    let limits = Limits::default();
    let registry = Registry::load(policies, &sandbox)?;
    let plugin = |name: &str| -> Result<Plugin> {
        let package = registry.packages.get(name).with_context(|| format!("no package `{name}`"))?;
        package.plugin.clone().map_err(|reason| anyhow!(reason))
    };
    let cases = golden::load(CASES)?;
    let tables = plugin("table")?;
    let mut phases = Vec::new();
    let mut worst: Option<(f64, f64)> = None;
    for (kind, (text, form)) in [("delay", DELAYS), ("after-sale", FRUIT)] {
        let case = cases.iter().find(|case| case.id == kind).with_context(|| format!("no case of kind {kind}"))?;
        let compiled = ombud_table::compile(text, form).map_err(|problems| anyhow!("{problems:?}"))?;
        let settings = ombud_table::settings(&[compiled]).to_string();
        let (rust, table) = measure((&plugin(kind)?, "{}"), (&tables, &settings), case, &limits)?;
        phases.push((format!("{kind}: the policy in Rust"), rust));
        phases.push((format!("{kind}: the table"), table));
        if worst.is_none_or(|(floor, value)| table / rust > value / floor) {
            worst = Some((rust, table));
        }
    }
    let (floor, value) = worst.context("nothing was measured")?;
    Ok(BenchRow::at_most("table", "µs", floor, value, 2.0, phases))
}

fn measure(rust: (&Plugin, &str), table: (&Plugin, &str), case: &golden::GoldenCase, limits: &Limits) -> Result<(f64, f64)> {
    let (ctx, case) = match &case.given {
        Given::AfterSale(ctx, case) => (ctx, Case::AfterSale(case.clone())),
        Given::Delay(ctx, case) => (ctx, Case::Delay(case.clone())),
        _ => return Err(anyhow!("`{}` is of another kind", case.id)),
    };
    let facts = Facts::new(ctx, &case);
    let once = |(plugin, settings): (&Plugin, &str)| {
        let call = plugin.decide(&facts, settings, limits, 0);
        call.result.map(|ruling| drop(black_box(ruling))).map_err(|fault| anyhow!("no ruling: {fault}"))
    };
    let mut best = [f64::MAX; 2];
    for _ in 0..WARM_UP {
        once(rust)?;
        once(table)?;
    }
    // They take turns, so that a slower minute of the machine hits both.
    for _ in 0..SAMPLES {
        for (best, subject) in best.iter_mut().zip([rust, table]) {
            let started = Instant::now();
            for _ in 0..CALLS {
                once(subject)?;
            }
            *best = best.min(started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
        }
    }
    let [rust, table] = best;
    Ok((rust, table))
}
