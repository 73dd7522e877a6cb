//! What checking a bundle found: for people as a table, for programs as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use ombud_core::fault::FaultCode;
use ombud_ledger::bundle::{Bodies, Manifest, Opened, Part, Problem, Problems};
use ombud_ledger::log::Checkpoint;
use ombud_ledger::{BodyKind, Entry, Header};
use serde::Serialize;

use super::bindings::Bindings;
use super::caps::CapsInForce;
use super::overrides::Overrides;
use super::repeats::Repeats;
use crate::replay::{Divergence, ReplayReport, cut};
use crate::service::{ErasureProof, Told, told};

/// Reports of divergences that are kept; the rest is only counted.
const REPORTS_MAX: usize = 100;

/// Losses that somebody accepted and that an auditor may know of; more are problems in any case.
const LOSSES_MAX: usize = 1_000;
/// Characters of what was lost, as an act says it.
const LOSS_CHARS_MAX: usize = 1_000;

/// The part of a problem that a replay found.
pub const REPLAY: &str = "replay";

/// Everything that was found. All is well if [`AuditReport::well`].
#[derive(Debug, Serialize)]
pub struct AuditReport {
    /// Whether nothing at all is wrong.
    pub well: bool,
    /// What the bundle says it is.
    pub bundle: BundleClaims,
    /// Records of the latest checkpoint, whose signature is good; none where it is not.
    pub signed_records: Option<u64>,
    /// The latest checkpoint's root, hex.
    pub signed_root: Option<String>,
    /// Whether the newest of the keys that were given signed it; none where it is not signed. Where another one did, the bundle is older than the
    /// newest key, or was made with a key that is in use no more.
    pub signed_by_newest_key: Option<bool>,
    /// The latest checkpoint, a signed note, to be kept for the next time.
    pub checkpoint: String,
    /// Witnesses asked for, and the largest tree that each has signed.
    pub witnesses: BTreeMap<String, WitnessLine>,
    /// Proofs that were checked and hold: the records' own, and each consistency with an earlier checkpoint.
    pub proofs: u64,
    /// Earlier checkpoints that are signed with a key of the log's which was not given, such as one from before a rotation. Their roots are those
    /// of the records, so that nothing is wrong.
    pub checkpoints_by_other_keys: u64,
    /// Whether decisions were run again.
    pub replayed: bool,
    /// What was found in the records.
    #[serde(flatten)]
    pub found: Found,
    /// Problems in all, those below included: what is wrong with the bundle, and each decision that came out otherwise.
    pub problem_count: u64,
    /// What is wrong, and where: the first thousand of the bundle's, and the first divergences, of which `diverging` says more.
    pub problems: Vec<ProblemLine>,
    /// Neither checkpoint nor bundle is signed by the key that was given.
    pub wrong_key: bool,
    /// How long it took, milliseconds.
    pub elapsed_ms: u64,
}

/// What a bundle says it is.
#[derive(Debug, Serialize)]
pub struct BundleClaims {
    /// The log.
    pub origin: String,
    /// The merchant.
    pub merchant: String,
    /// Received at or after, RFC 3339; none from the beginning.
    pub from: Option<String>,
    /// Received before, RFC 3339; none up to the latest checkpoint.
    pub to: Option<String>,
    /// The first record's sequence number.
    pub first: u64,
    /// The sequence number after the last record's.
    pub end: u64,
    /// Whether the keys were left out.
    pub masked: bool,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// What made it.
    pub made_by: String,
}

/// What a witness has signed.
#[derive(Debug, Serialize)]
pub struct WitnessLine {
    /// Records of the largest tree it has signed.
    pub records: u64,
    /// When, RFC 3339.
    pub at: String,
}

/// An act by which somebody went on although published records were lost.
#[derive(Debug, Serialize)]
pub struct LossLine {
    /// Its record.
    pub seq: u64,
    /// What was lost.
    pub loss: String,
    /// Whether whoever checks knows of it, and said so.
    pub accepted: bool,
}

/// One problem.
#[derive(Debug, Serialize)]
pub struct ProblemLine {
    /// The record; none where it is about the bundle.
    pub seq: Option<u64>,
    /// Which part; [`REPLAY`] where the decision came out otherwise.
    pub part: &'static str,
    /// What is wrong.
    pub problem: String,
}

/// What is held against what: erased records against the acts that erased them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proved {
    /// Nothing is erased in the bundle.
    #[default]
    NothingErased,
    /// Acts that erased stand after the records, and account for as many as there are.
    Counted,
    /// Acts that erased stand after the records; how many they account for cannot be told from what the bundle has.
    Named,
    /// The bundle ends before the log: what erased the records may come after it.
    NotInThisWindow,
}

/// What was found in the records.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Records.
    pub records: u64,
    /// Records of decisions.
    pub decisions: u64,
    /// Records of events on which nothing was to be decided.
    pub events: u64,
    /// Records of persons' acts.
    pub acts: u64,
    /// Records whose bodies nobody can open any more.
    pub erased: u64,
    /// Records whose keys were left out.
    pub masked: u64,
    /// What of the erased records is held against the acts that erased.
    pub erasures_proved: Proved,
    /// Decisions run again with the recorded bytes as the result.
    pub identical: u64,
    /// Decisions run again with another result, by cause.
    pub divergences: BTreeMap<Divergence, u64>,
    /// Decisions that nothing can be compared of, by cause.
    pub not_compared: BTreeMap<Divergence, u64>,
    /// Faults of policies and guardrails that are on record, by code: decisions in which the fallback stood.
    pub faults: BTreeMap<&'static str, u64>,
    /// The first reports of divergences.
    pub diverging: Vec<ReplayReport>,
    /// Acts by which somebody went on although published records were lost.
    pub losses: Vec<LossLine>,
    /// What was erased, and what says so.
    #[serde(skip)]
    pub(super) erasures: ErasureProof,
    /// What may not stand twice.
    #[serde(skip)]
    pub(super) repeats: Repeats,
    /// What decided, and what brought it in.
    #[serde(skip)]
    pub(super) bindings: Bindings,
    /// What decisions were held to, and what set it.
    #[serde(skip)]
    pub(super) caps: CapsInForce,
    /// Persons' acts on decisions.
    #[serde(skip)]
    pub(super) overrides: Overrides,
    /// What is wrong with records themselves.
    #[serde(skip)]
    pub(super) problems: Problems,
}

impl Found {
    /// Counts a record that opened.
    pub(super) fn opened(&mut self, opened: &Opened) {
        self.header(&opened.header);
        self.repeats.record(&opened.header);
        self.bindings.record(&opened.header);
        self.caps.record(&opened.header);
        self.overrides.record(&opened.header);
        match &opened.bodies {
            Bodies::Opened(bodies) => {
                let act = bodies.iter().find(|(kind, _)| *kind == BodyKind::Act);
                let act = act.map(|(_, bytes)| std::str::from_utf8(bytes).unwrap_or_default());
                self.erasures.opened(&opened.header, act);
                self.told(&opened.header, act.or(Some("")));
            }
            Bodies::Erased => {
                self.erased += 1;
                self.erasures.erased(&opened.header, None);
            }
            Bodies::Masked => {
                self.masked += 1;
                self.told(&opened.header, None);
                self.erasures.opened(&opened.header, None);
            }
        }
    }

    /// Keeps a loss, or names it at once where there are too many.
    fn lost(&mut self, line: LossLine) {
        if self.losses.len() < LOSSES_MAX {
            self.losses.push(line);
        } else {
            self.problems.add(line.problem());
        }
    }

    fn told(&mut self, header: &Header, act: Option<&str>) {
        match told(header, act) {
            Some(Told::Loss(loss)) => self.lost(LossLine { seq: header.seq, loss: cut(&loss, LOSS_CHARS_MAX), accepted: false }),
            Some(Told::Unknown(why)) => {
                self.problems.add(Problem::at(header.seq, Part::Body, format!("its act is none that this release knows: {why}")));
            }
            Some(Told::BroughtIn(brought)) => self.bindings.act(header.seq, brought),
            Some(Told::Caps(change)) => self.caps.act(header, &change),
            Some(Told::Override(Some(act))) => self.overrides.act(header.seq, act),
            Some(Told::Override(None)) => {
                self.problems.add(Problem::at(header.seq, Part::Body, "it is on a decision that has no id"));
            }
            None => {}
        }
    }

    fn header(&mut self, header: &Header) {
        match &header.entry {
            Entry::Decision(decision) => {
                self.decisions += 1;
                if let Some(fault) = &decision.fault {
                    *self.faults.entry(name(fault.code)).or_default() += 1;
                }
            }
            Entry::Event(_) => self.events += 1,
            Entry::Act(_) => self.acts += 1,
        }
    }

    /// Counts a replay.
    pub(super) fn replayed(&mut self, report: ReplayReport) {
        match report.divergence {
            None => self.identical += 1,
            // Erased records are counted whether they are of decisions or not.
            Some(Divergence::Erased) => {}
            Some(cause) if !cause.diverged() => *self.not_compared.entry(cause).or_default() += 1,
            Some(cause) => {
                *self.divergences.entry(cause).or_default() += 1;
                if self.diverging.len() < REPORTS_MAX {
                    self.diverging.push(report);
                }
            }
        }
    }

    /// Counts a decision that was not run, as it would go on until the deadline.
    pub(super) fn not_run(&mut self) {
        *self.not_compared.entry(Divergence::Environmental).or_default() += 1;
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        self.records += other.records;
        self.decisions += other.decisions;
        self.events += other.events;
        self.acts += other.acts;
        self.erased += other.erased;
        self.masked += other.masked;
        self.identical += other.identical;
        for (own, others) in [(&mut self.divergences, other.divergences), (&mut self.not_compared, other.not_compared)] {
            others.into_iter().for_each(|(cause, count)| *own.entry(cause).or_default() += count);
        }
        other.faults.into_iter().for_each(|(code, count)| *self.faults.entry(code).or_default() += count);
        self.diverging.extend(other.diverging);
        self.diverging.sort_by_key(|report| report.seq);
        self.diverging.truncate(REPORTS_MAX);
        other.losses.into_iter().for_each(|line| self.lost(line));
        self.losses.sort_by_key(|loss| loss.seq);
        self.erasures.merge(other.erasures);
        self.repeats.merge(other.repeats);
        self.bindings.merge(other.bindings);
        self.caps.merge(other.caps);
        self.overrides.merge(other.overrides);
        self.problems.merge(other.problems);
    }

    /// Decisions run again with another result.
    pub fn diverged(&self) -> u64 {
        self.divergences.values().sum()
    }
}

fn name(code: FaultCode) -> &'static str {
    code.as_str()
}

impl BundleClaims {
    /// The claims of a manifest.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            origin: manifest.origin.to_string(),
            merchant: manifest.merchant.to_string(),
            from: manifest.window.from_ms.map(rfc3339),
            to: manifest.window.to_ms.map(rfc3339),
            first: manifest.records.start,
            end: manifest.records.end,
            masked: manifest.masked,
            made_at: rfc3339(manifest.made_at_ms),
            made_by: manifest.made_by.clone(),
        }
    }
}

impl LossLine {
    /// What is told of it where nobody knows of it.
    pub(super) fn problem(&self) -> Problem {
        let what = format!(
            "published records were lost, and the log goes on without them: {}; where you know of it, `--accept-loss {}`",
            self.loss, self.seq
        );
        Problem::at(self.seq, Part::Sequence, what)
    }
}

impl From<Problem> for ProblemLine {
    fn from(problem: Problem) -> Self {
        Self { seq: problem.seq, part: problem.part.as_str(), problem: problem.what }
    }
}

impl From<&ReplayReport> for ProblemLine {
    /// Cause and places, without what stands there.
    fn from(report: &ReplayReport) -> Self {
        let cause = report.divergence.map_or("", Divergence::as_str);
        let places = report.differences.iter().map(|difference| format!("{}{}", difference.body, difference.pointer));
        let told = report.detail.iter().cloned().chain(places).collect::<Vec<_>>().join(", ");
        Self { seq: Some(report.seq), part: REPLAY, problem: format!("{cause}: {told}") }
    }
}

impl AuditReport {
    /// The latest checkpoint as the report has it.
    pub(super) fn signed(head: Option<&Checkpoint>) -> (Option<u64>, Option<String>) {
        (head.map(|head| head.size), head.map(|head| head.root.to_string()))
    }

    /// Records a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let (records, ms) = (self.found.records as f64, self.elapsed_ms.max(1) as f64);
        records * 1_000.0 / ms
    }

    /// How long it took.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms)
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_losses_can_be_known_of_and_no_more() {
        let found = |losses: usize| {
            let mut all = Found::default();
            for seq in 0..losses as u64 {
                let mut own = Found::default();
                own.lost(LossLine { seq, loss: String::new(), accepted: false });
                all.merge(own);
            }
            (all.losses.len(), all.problems.count())
        };
        assert_eq!(found(LOSSES_MAX), (LOSSES_MAX, 0));
        assert_eq!(found(LOSSES_MAX + 1), (LOSSES_MAX, 1));
    }
}
