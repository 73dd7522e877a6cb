//! Two versions of a policy compared without history: the search of `ombud_core::behaviour`, its questions answered by
//! components in the server's own sandbox, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow};
use ombud_core::behaviour::{Answers, Bases, Carried, Finding, Found, RemarkLine, Seeds, Versions, bases_of, probe};
use ombud_core::case::Case;
use ombud_core::chain;
use ombud_core::fault::Fault;
use ombud_core::golden::{self, GoldenCase};
use ombud_core::kind::Kind;
use ombud_core::ruling::Ruling;
use ombud_rules::contract::types::Context;
use ombud_sandbox::{Facts, Limits, Plugin};
use serde::Serialize;

/// A component with its settings.
pub struct Version {
    /// The component.
    pub plugin: Plugin,
    /// The settings' text.
    pub settings: String,
    /// Golden cases that stand beside it and belong to its settings, as those of a table do.
    pub beside: Option<String>,
    /// What one call may use.
    pub limits: Limits,
}

impl Answers for Version {
    fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
        let answer = self.plugin.decide(&Facts::new(context, case), &self.settings, &self.limits, 0).result;
        // A ruling that breaks the contract is a fault, as it is when a decision is made.
        chain::accepted(case, &answer).map(|_| ())?;
        answer
    }
}

impl Version {
    /// Whether it decides a kind.
    pub fn decides(&self, kind: Kind) -> bool {
        self.plugin.inspection().decides.iter().any(|own| own == kind.as_str())
    }

    fn golden(&self) -> Result<Vec<GoldenCase>> {
        match self.beside.as_ref().or(self.plugin.inspection().cases.as_ref()) {
            Some(text) => golden::load(text).context("the cases that the policy carries"),
            None => Ok(Vec::new()),
        }
    }

    fn seed(&self, seeds: &mut Seeds) {
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        seeds.add(&json(&self.settings));
        seeds.add_schema(&json(self.plugin.inspection().settings_schema.as_deref().unwrap_or_default()));
    }
}

/// What was found for one kind.
#[derive(Clone, Debug, Serialize)]
pub struct KindReport {
    /// The kind.
    pub kind: Kind,
    /// Cases that were moved along every fact.
    pub cases: u32,
    /// What became of the golden cases that the versions carry.
    pub carried: Carried,
    /// Questions put, to both versions together.
    pub questions: u64,
    /// Differences, with their places.
    pub findings: Vec<Finding>,
    /// What is odd about one version or both.
    pub remarks: Vec<RemarkLine>,
    /// Findings beyond the bound, which are only counted.
    pub left_out: u64,
}

/// Compares two versions on a kind that both decide. `step` is called after each case of how many.
///
/// # Errors
/// The cases that a component carries cannot be read.
pub fn compare(old: &Version, new: &Version, kind: Kind, lanes: usize, step: impl Fn(usize) + Sync) -> Result<KindReport> {
    let versions = Versions { old, new };
    let mut golden = new.golden()?;
    golden.extend(old.golden()?);
    let mut seeds = Seeds::default();
    old.seed(&mut seeds);
    new.seed(&mut seeds);
    let Bases { bases, carried } = bases_of(kind, &golden, &versions)?;

    let next = AtomicUsize::new(0);
    let work = || {
        let mut parts = Vec::new();
        while let Some((at, base)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, bases.get(at)?))) {
            parts.extend(probe(base, &seeds, &versions).map(|found| (at, found)));
            step(bases.len());
        }
        parts
    };
    let mut parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..lanes.clamp(1, bases.len().max(1))).map(|_| scope.spawn(work)).collect();
        let mut parts = Vec::new();
        for worker in workers {
            parts.extend(worker.join().map_err(|_| anyhow!("a comparison panicked"))?);
        }
        anyhow::Ok(parts)
    })?;
    // In the order of the cases, whichever thread was first: two runs print the same.
    parts.sort_by_key(|(at, _)| *at);
    let mut found = Found::default();
    parts.into_iter().for_each(|(_, part)| found.merge(part));
    Ok(KindReport {
        kind,
        cases: found.bases,
        carried,
        questions: found.questions,
        findings: found.findings(),
        remarks: found.remarks(),
        left_out: found.left_out,
    })
}
