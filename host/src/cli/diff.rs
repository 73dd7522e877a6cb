//! `ombud diff`: in what two versions of a policy differ, without any history.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use ombud_core::behaviour::{BASES_MAX, Carried, Finding, Matter, RemarkSort, Which};
use ombud_core::kind::Kind;
use ombud_ledger::Digest;
use ombud_sandbox::{Limits, Sandbox};
use serde::Serialize;

use super::progress::Progress;
use super::{EXIT_FINDINGS, EXIT_OK, data, packages, screen};
use crate::behaviour::{KindReport, Version, compare};

/// Findings printed for one kind; `--json` has all.
const LISTED_MAX: usize = 25;
/// Remarks printed for one kind.
const REMARKED_MAX: usize = 8;

/// Arguments of `ombud diff`.
#[derive(Args)]
#[command(
    after_help = "Cases are generated around every boundary: the ordinary cases of the kind and the golden cases that the policies carry \
are moved along each fact (days, hours, amounts, counts, flags, words), and where the answers of the two versions part is located by bisection. \
At most 128 cases of a kind are moved: first those that are answered in a new way, then those that differ from the others in anything but such numbers \
(attributes before words and flags). What is carried and not moved is counted. \
The guardrail and the money caps are not asked: it is the policies that are compared.\n\n\
Exit codes: 0 no difference was found, 1 at least one, 2 the command could not run.\n\n\
Examples:\n  ombud diff policies/delay new/delay.wasm\n  ombud diff policies/delay policies/delay --settings-new stricter.json"
)]
pub(super) struct Diff {
    /// The old version: a component (`.wasm`) or a package's folder.
    old: PathBuf,
    /// The new version.
    new: PathBuf,
    /// One kind only: after-sale, delay, blacklist or reply.
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Settings of the old version, instead of its package's.
    #[arg(long, value_name = "FILE")]
    settings_old: Option<PathBuf>,
    /// Settings of the new version, instead of its package's.
    #[arg(long, value_name = "FILE")]
    settings_new: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One version, for people and programs.
#[derive(Serialize)]
struct Named {
    path: String,
    name: Option<String>,
    version: Option<String>,
    component: String,
    settings: String,
}

#[derive(Serialize)]
struct Output {
    old: Named,
    new: Named,
    same: bool,
    kinds: Vec<KindReport>,
    /// Kinds that only one of them decides.
    only_old: Vec<Kind>,
    only_new: Vec<Kind>,
}

impl Diff {
    pub(super) fn run(self) -> Result<u8> {
        let sandbox = data::sandbox()?;
        let loading = Progress::waiting("compiling the policies");
        let old = load(&sandbox, &self.old, self.settings_old.as_deref())?;
        let new = load(&sandbox, &self.new, self.settings_new.as_deref())?;
        drop(loading);
        let wanted = |kind: &Kind| self.kind.is_none_or(|own| own == *kind);
        let both: Vec<Kind> = Kind::ALL.into_iter().filter(wanted).filter(|kind| old.decides(*kind) && new.decides(*kind)).collect();
        if both.is_empty() {
            bail!(
                "there is no kind to compare: `{}` decides {}, `{}` decides {}",
                self.old.display(),
                decided(&old),
                self.new.display(),
                decided(&new)
            );
        }
        let only = |one: &Version, other: &Version| -> Vec<Kind> {
            Kind::ALL.into_iter().filter(wanted).filter(|kind| one.decides(*kind) && !other.decides(*kind)).collect()
        };
        let lanes = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut kinds = Vec::new();
        for kind in both {
            let progress = Progress::unknown("cases moved along every fact");
            kinds.push(compare(&old, &new, kind, lanes, |of| progress.step_of(of as u64))?);
        }
        let same = kinds.iter().all(|report| report.findings.is_empty());
        let output = Output {
            same,
            only_old: only(&old, &new),
            only_new: only(&new, &old),
            old: named(&self.old, &old),
            new: named(&self.new, &new),
            kinds,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&output)?);
        } else {
            print(&output);
        }
        Ok(if same { EXIT_OK } else { EXIT_FINDINGS })
    }
}

fn load(sandbox: &Sandbox, path: &Path, settings: Option<&Path>) -> Result<Version> {
    let limits = Limits::default().patient();
    let (plugin, own, beside) = packages::load(sandbox, path)?;
    let settings = match settings {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?,
        None => own,
    };
    packages::accept_settings(&plugin, &settings, &limits, &path.display().to_string())?;
    Ok(Version { plugin, settings, beside, limits })
}

fn decided(version: &Version) -> String {
    let kinds = &version.plugin.inspection().decides;
    if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") }
}

fn named(path: &Path, version: &Version) -> Named {
    let inspection = version.plugin.inspection();
    Named {
        path: path.display().to_string(),
        name: inspection.package.as_ref().map(|package| package.name.clone()),
        version: inspection.package.as_ref().map(|package| package.version.clone()),
        component: Digest(inspection.digest).to_string(),
        settings: Digest::of(version.settings.as_bytes()).to_string(),
    }
}

fn print(output: &Output) {
    for (which, version) in [("old", &output.old), ("new", &output.new)] {
        let name = match (&version.name, &version.version) {
            (Some(name), Some(number)) => format!("{name} {number}"),
            _ => version.path.clone(),
        };
        let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
        screen::field(which, &format!("{name}, component {}, settings {}", short(&version.component), short(&version.settings)));
    }
    for (kinds, which) in [(&output.only_old, "old"), (&output.only_new, "new")] {
        for kind in kinds {
            screen::field("", &format!("only the {which} version decides {kind}"));
        }
    }
    for report in &output.kinds {
        screen::heading(&format!("{}: {}", report.kind, screen::count(report.findings.len() as u64, "difference")));
        let matters = |finding: &&Finding| finding.difference.matter != Matter::Reasons;
        let listed = report.findings.iter().filter(matters).count();
        for finding in report.findings.iter().filter(matters).take(LISTED_MAX) {
            println!("   {}", console::Style::new().bold().apply_to(&finding.place.words));
            screen::field("", &format!("{} → {}", finding.difference.old, finding.difference.new));
            let mut seen = format!("in {}, such as {}", screen::count(finding.cases.into(), "case"), finding.example);
            if let Some(other) = finding.also.first() {
                seen.push_str(&format!("; also with {other}"));
            }
            if finding.also.len() > 1 {
                seen.push_str(&format!(" and {} more", finding.also.len() - 1));
            }
            screen::field_in("", &seen, &screen::dim());
        }
        let (rest, quiet) = (listed.saturating_sub(LISTED_MAX) as u64 + report.left_out, (report.findings.len() - listed) as u64);
        if rest > 0 {
            screen::field("", &format!("and {}: --json has them", screen::count(rest, "more difference")));
        }
        if quiet > 0 {
            screen::field_in("", &format!("and {} of reasons and wording only", screen::count(quiet, "difference")), &screen::dim());
        }
        for line in report.remarks.iter().take(REMARKED_MAX) {
            let version = match line.version {
                Which::Old => "the old version",
                Which::New => "the new version",
                Which::Both => "both versions",
            };
            let what = match line.remark.sort {
                RemarkSort::Gap => "gap",
                RemarkSort::Overlap => "overlap",
                RemarkSort::Falls => "falls",
                RemarkSort::Fault => "fault",
            };
            screen::field_in(what, &format!("{version}, {}: {}", line.remark.place, line.remark.text), &screen::warn());
        }
        let remarks = report.remarks.len().saturating_sub(REMARKED_MAX) as u64;
        if remarks > 0 {
            screen::field_in("", &format!("and {}: --json has them", screen::count(remarks, "more remark")), &screen::dim());
        }
        let asked = format!("{} cases moved along every fact, {} questions", report.cases, report.questions);
        screen::field_in("asked", &asked, &screen::dim());
        screen::field_in("carried", &carried(&report.carried), &screen::dim());
        let other_bytes = (&output.old.component, &output.old.settings) != (&output.new.component, &output.new.settings);
        if report.findings.is_empty() && other_bytes {
            screen::field("", "nothing that was asked is answered otherwise; this is a search, and no proof that nothing is");
        }
    }
}

/// What became of the golden cases that the versions carry.
fn carried(carried: &Carried) -> String {
    if carried.cases == 0 {
        return "no golden case of this kind: only ordinary cases were moved".to_owned();
    }
    let mut said =
        format!("{}: {} moved, {} left out as alike", screen::count(carried.cases.into(), "golden case"), carried.moved, carried.alike);
    if carried.left_out > 0 {
        said.push_str(&format!(", {} beyond the {BASES_MAX} cases that are moved", carried.left_out));
    }
    said
}
