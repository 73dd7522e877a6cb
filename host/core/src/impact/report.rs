//! The sums as lines that can be printed, drawn and read by programs.

use serde::{Deserialize, Serialize};

use super::bounded::{Bounded, Sum as _};
use super::cases::CasesLine;
use super::{Cell, Dimension, Example, Impact, Money, Pair, PairKey, Skipped, Stand};
use crate::caps::CapResult;
use crate::chain::ReviewResult;
use crate::fault::FaultCode;
use crate::kind::Kind;

/// How far a candidate's decision is from the recorded one, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Outcome, money and deciding rule are the same.
    None,
    /// Another rule decides, to the same end.
    Rule,
    /// The same outcome with other money.
    Money,
    /// Another outcome: a flip.
    Outcome,
}

impl Change {
    /// The change between two sides.
    pub fn between(before: &Stand, after: &Stand) -> Self {
        if before.outcome != after.outcome {
            Self::Outcome
        } else if before.money != after.money {
            Self::Money
        } else if before.rule != after.rule {
            Self::Rule
        } else {
            Self::None
        }
    }
}

/// How many decisions, and how many of them changed how far; each is counted under one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Counts {
    /// Decisions compared.
    pub decisions: u64,
    /// Another outcome.
    pub flips: u64,
    /// The same outcome with other money.
    pub money_only: u64,
    /// Outcome and money are the same, another rule decides.
    pub rule_only: u64,
}

impl Counts {
    pub(super) fn of(change: Change) -> Self {
        let one = |of: Change| u64::from(change == of);
        Self { decisions: 1, flips: one(Change::Outcome), money_only: one(Change::Money), rule_only: one(Change::Rule) }
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.flips += other.flips;
        self.money_only += other.money_only;
        self.rule_only += other.rule_only;
    }
}

/// Money on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BeforeAfter {
    /// As recorded, fen.
    pub before: Money,
    /// Under the candidate, fen.
    pub after: Money,
}

impl BeforeAfter {
    /// What the candidate pays or promises beyond the record, in fen.
    pub fn difference(&self) -> i64 {
        self.after.standing().saturating_sub(self.before.standing())
    }

    /// The same in fen if every proposal is approved on both sides: money that only waits for a person now is not saved.
    pub fn difference_if_approved(&self) -> i64 {
        self.after.if_approved().saturating_sub(self.before.if_approved())
    }
}

/// A kind, or the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GroupLine {
    /// The kind; none for the whole.
    pub kind: Option<Kind>,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// Money.
    pub money: BeforeAfter,
}

/// A segment of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SegmentLine {
    /// The kind; none for what is not told apart.
    pub kind: Option<Kind>,
    /// By what.
    pub dimension: Option<Dimension>,
    /// Which.
    pub value: String,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// Money.
    pub money: BeforeAfter,
}

/// From one outcome, or rule, to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlipLine {
    /// The kind; none for pairs that are not told apart.
    pub kind: Option<Kind>,
    /// As recorded.
    pub from: String,
    /// Under the candidate.
    pub to: String,
    /// How many.
    pub decisions: u64,
    /// Money.
    pub money: BeforeAfter,
    /// The earliest decision among them.
    pub first: Option<String>,
}

/// Faults of one code on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FaultLine {
    /// The code.
    pub code: FaultCode,
    /// On record.
    pub before: u64,
    /// Under the candidate.
    pub after: u64,
}

/// What guardrail or caps did, on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MarkLine<T> {
    /// What was done.
    pub result: T,
    /// On record.
    pub before: u64,
    /// Under the candidate.
    pub after: u64,
}

/// Fuel, which is compared only where the recorded engine is the one that ran the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FuelReport {
    /// Mean of the candidate's calls.
    pub policy_mean: u64,
    /// Mean of the guardrail's calls on its rulings.
    pub guardrail_mean: u64,
    /// The thirstiest call of the candidate.
    pub policy_max: u64,
    /// The decision it was for.
    pub policy_max_at: Option<String>,
    /// Decisions of the same engine.
    pub comparable: u64,
    /// Mean of the recorded policies on those.
    pub recorded_mean: u64,
    /// Mean of the candidate on those.
    pub candidate_mean: u64,
}

/// Records that were not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SkippedLine {
    /// Why.
    pub why: Skipped,
    /// How many.
    pub records: u64,
}

/// What a candidate would have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ImpactReport {
    /// Money of cases, each counted once: the whole first, then by kind. Empty where cases are not counted, and where there are more of them
    /// than are told apart.
    pub cases: Vec<CasesLine>,
    /// The whole; each decision counts with its money.
    pub total: GroupLine,
    /// By kind; each decision counts with its money.
    pub kinds: Vec<GroupLine>,
    /// By outcome, the most frequent first; pairs of equal outcomes are changes of money alone.
    pub outcomes: Vec<FlipLine>,
    /// By deciding rule, the most frequent first; decisions where only the rule is another are among them.
    pub rules: Vec<FlipLine>,
    /// By kind and segment.
    pub segments: Vec<SegmentLine>,
    /// By fault.
    pub faults: Vec<FaultLine>,
    /// By what the guardrail did.
    pub guardrail: Vec<MarkLine<ReviewResult>>,
    /// By what the caps did.
    pub caps: Vec<MarkLine<CapResult>>,
    /// Fuel.
    pub fuel: FuelReport,
    /// Records that were not compared.
    pub skipped: Vec<SkippedLine>,
    /// The dearest tickets if every proposal is approved, each with the decision that changes most.
    pub examples: Vec<Example>,
}

/// The word for what is not told apart.
const REST: &str = "(others)";

pub(super) fn report(impact: &Impact) -> ImpactReport {
    let mut whole = Cell::default();
    impact.kinds.values().for_each(|cell| whole.add(*cell));
    let decisions = whole.counts.decisions;
    let mean = |sum: u64, of: u64| sum.checked_div(of).unwrap_or(0);
    let fuel = &impact.fuel;
    ImpactReport {
        cases: impact.cases.lines(),
        total: group(None, &whole),
        kinds: impact.kinds.iter().map(|(kind, cell)| group(Some(*kind), cell)).collect(),
        outcomes: flips(&impact.outcomes),
        rules: flips(&impact.rules),
        segments: segments(impact),
        faults: impact.faults.iter().map(|(code, (before, after))| FaultLine { code: *code, before: *before, after: *after }).collect(),
        guardrail: marks(&impact.guardrail),
        caps: marks(&impact.caps),
        fuel: FuelReport {
            policy_mean: mean(fuel.policy, decisions),
            guardrail_mean: mean(fuel.guardrail, decisions),
            policy_max: fuel.most.as_ref().map_or(0, |(most, _, _)| *most),
            policy_max_at: fuel.most.as_ref().map(|(_, _, id)| id.clone()),
            comparable: fuel.comparable,
            recorded_mean: mean(fuel.recorded, fuel.comparable),
            candidate_mean: mean(fuel.candidate, fuel.comparable),
        },
        skipped: impact.skipped.iter().map(|(why, records)| SkippedLine { why: *why, records: *records }).collect(),
        examples: impact.examples.clone(),
    }
}

fn group(kind: Option<Kind>, cell: &Cell) -> GroupLine {
    GroupLine { kind, counts: cell.counts, money: BeforeAfter { before: cell.before, after: cell.after } }
}

fn marks<T: Copy>(sides: &std::collections::BTreeMap<T, (u64, u64)>) -> Vec<MarkLine<T>> {
    sides.iter().map(|(result, (before, after))| MarkLine { result: *result, before: *before, after: *after }).collect()
}

fn flips(pairs: &Bounded<PairKey, Pair>) -> Vec<FlipLine> {
    let line = |kind: Option<Kind>, from: &str, to: &str, pair: &Pair| FlipLine {
        kind,
        from: from.to_owned(),
        to: to.to_owned(),
        decisions: pair.decisions,
        money: BeforeAfter { before: pair.before, after: pair.after },
        first: pair.first.as_ref().map(|(_, id)| id.clone()),
    };
    let (kept, rest) = pairs.parts();
    let mut lines: Vec<FlipLine> = kept.map(|((kind, from, to), pair)| line(Some(*kind), from, to, pair)).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.decisions));
    if rest.decisions > 0 {
        lines.push(line(None, REST, REST, rest));
    }
    lines
}

fn segments(impact: &Impact) -> Vec<SegmentLine> {
    let line = |kind: Option<Kind>, dimension: Option<Dimension>, value: &str, cell: &Cell| SegmentLine {
        kind,
        dimension,
        value: value.to_owned(),
        counts: cell.counts,
        money: BeforeAfter { before: cell.before, after: cell.after },
    };
    let (kept, rest) = impact.segments.parts();
    let mut lines: Vec<SegmentLine> =
        kept.map(|((kind, dimension, value), cell)| line(Some(*kind), Some(*dimension), value, cell)).collect();
    let order = |dimension: Option<Dimension>| Dimension::ALL.iter().position(|own| Some(*own) == dimension);
    lines.sort_by_key(|line| (line.kind, order(line.dimension)));
    if rest.counts.decisions > 0 {
        lines.push(line(None, None, REST, rest));
    }
    lines
}
