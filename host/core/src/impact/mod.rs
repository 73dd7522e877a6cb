//! What another version would have changed: decisions as recorded beside what a candidate says of the same cases, added up.
//! Pure; parts counted on several threads merge to the same sums in any order.

mod bounded;
mod cases;
mod report;
mod stand;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::bounded::{Bounded, Sum};
use self::cases::Cases;
pub use self::cases::{CasesLine, PAYMENTS_MAX, Stated};
pub use self::report::{
    BeforeAfter, Change, Counts, FaultLine, FlipLine, FuelReport, GroupLine, ImpactReport, MarkLine, SegmentLine, SkippedLine,
};
pub use self::stand::{Money, Recorded, Stand};
use crate::caps::CapResult;
use crate::chain::ReviewResult;
use crate::fault::FaultCode;
use crate::kind::Kind;

/// Examples that are kept: the tickets whose change costs or saves most if every proposal is approved, each with its dearest decision.
pub const EXAMPLES_MAX: usize = 10;
/// Pairs of outcomes or of rules that are told apart; the others are added up as the rest.
const PAIRS_MAX: usize = 1_000;
/// Segments that are told apart.
pub const SEGMENTS_MAX: usize = 2_000;

/// By what decisions are told apart beside their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// The recorded outcome.
    Outcome,
    /// What the buyer asked for, or what was agreed on earlier (after-sale).
    Resolution,
    /// The highest tier of delay (delay), as recorded.
    DelayTier,
    /// Whether the ledger knew the customer before.
    Customer,
    /// The month of receipt in the merchant's time zone, `YYYY-MM`.
    Month,
    /// The policy version on record.
    Version,
}

impl Dimension {
    /// Every dimension, in the order of reports.
    pub const ALL: [Self; 6] = [Self::Month, Self::Outcome, Self::Resolution, Self::DelayTier, Self::Customer, Self::Version];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Resolution => "resolution",
            Self::DelayTier => "delay-tier",
            Self::Customer => "customer",
            Self::Month => "month",
            Self::Version => "version",
        }
    }
}

/// Why a record is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skipped {
    /// The customer's key was erased: the facts are gone.
    Erased,
    /// The record does not match its own digests, or cannot be read.
    Damaged,
    /// The guardrail on record is missing, or does not load any more.
    Guardrail,
    /// The candidate met the machine's clock: another run may say otherwise.
    Environmental,
}

/// One decision of the window.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    /// The decision's id.
    pub id: &'a str,
    /// Its place in the ledger.
    pub seq: u64,
    /// The ticket, where the listing has one.
    pub ticket: Option<&'a str>,
    /// When it was received, epoch milliseconds.
    pub received_at_ms: i64,
    /// The kind.
    pub kind: Kind,
    /// Where it belongs.
    pub segments: &'a [(Dimension, String)],
    /// As recorded.
    pub before: &'a Stand,
    /// As the candidate has it.
    pub after: &'a Stand,
    /// The case whose money it is, with what is on record and what the candidate says; none where cases are not counted.
    pub of_case: Option<(&'a str, [&'a Stated; 2])>,
    /// Fuel of the candidate and of the guardrail on its ruling.
    pub fuel: Fuel,
    /// Fuel on record, where the engine was the same: fuel of different engines is not compared.
    pub recorded_fuel: Option<Fuel>,
}

/// Fuel of one decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fuel {
    /// Of the policy.
    pub policy: u64,
    /// Of the guardrail.
    pub guardrail: u64,
}

/// A decision that comes out otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Example {
    /// The decision's id.
    pub id: String,
    /// Its place in the ledger.
    pub seq: u64,
    /// The ticket.
    pub ticket: Option<String>,
    /// When it was received, epoch milliseconds.
    pub received_at_ms: i64,
    /// The kind.
    pub kind: Kind,
    /// As recorded.
    pub before: Side,
    /// As the candidate has it.
    pub after: Side,
}

/// One side of an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Side {
    /// The outcome.
    pub outcome: String,
    /// The rule that decided.
    pub rule: String,
    /// The money.
    pub money: Money,
}

impl Example {
    /// What the candidate pays or promises beyond the record, in fen; below zero where it is less.
    pub fn difference(&self) -> i64 {
        self.after.money.standing().saturating_sub(self.before.money.standing())
    }

    /// The same in fen if every proposal is approved on both sides.
    pub fn difference_if_approved(&self) -> i64 {
        self.after.money.if_approved().saturating_sub(self.before.money.if_approved())
    }

    /// The dearest first: by money that falls due if every proposal is approved, then by money that stands without a person, then
    /// the earlier.
    fn rank(&self) -> (std::cmp::Reverse<u64>, std::cmp::Reverse<u64>, u64) {
        (std::cmp::Reverse(self.difference_if_approved().unsigned_abs()), std::cmp::Reverse(self.difference().unsigned_abs()), self.seq)
    }
}

/// Decisions of a group with their money on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    counts: Counts,
    before: Money,
    after: Money,
}

impl Sum for Cell {
    fn add(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.before.add(other.before);
        self.after.add(other.after);
    }
}

/// Decisions that went from one outcome, or rule, to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pair {
    decisions: u64,
    before: Money,
    after: Money,
    /// The earliest of them.
    first: Option<(u64, String)>,
}

impl Sum for Pair {
    fn add(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.before.add(other.before);
        self.after.add(other.after);
        self.first = match (self.first.take(), other.first) {
            (Some(own), Some(others)) => Some(own.min(others)),
            (own, others) => own.or(others),
        };
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FuelSums {
    policy: u64,
    guardrail: u64,
    /// The thirstiest call of the candidate, the earliest of equals.
    most: Option<(u64, std::cmp::Reverse<u64>, String)>,
    comparable: u64,
    recorded: u64,
    candidate: u64,
}

type PairKey = (Kind, String, String);

/// The sum over a window, or over a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    kinds: BTreeMap<Kind, Cell>,
    cases: Cases,
    segments: Bounded<(Kind, Dimension, String), Cell>,
    outcomes: Bounded<PairKey, Pair>,
    rules: Bounded<PairKey, Pair>,
    faults: BTreeMap<FaultCode, (u64, u64)>,
    guardrail: BTreeMap<ReviewResult, (u64, u64)>,
    caps: BTreeMap<CapResult, (u64, u64)>,
    fuel: FuelSums,
    skipped: BTreeMap<Skipped, u64>,
    examples: Vec<Example>,
}

impl Default for Impact {
    fn default() -> Self {
        Self {
            kinds: BTreeMap::new(),
            cases: Cases::new(PAYMENTS_MAX),
            segments: Bounded::new(SEGMENTS_MAX),
            outcomes: Bounded::new(PAIRS_MAX),
            rules: Bounded::new(PAIRS_MAX),
            faults: BTreeMap::new(),
            guardrail: BTreeMap::new(),
            caps: BTreeMap::new(),
            fuel: FuelSums::default(),
            skipped: BTreeMap::new(),
            examples: Vec::new(),
        }
    }
}

impl Impact {
    /// Adds one decision.
    pub fn add(&mut self, observed: &Observed<'_>) {
        let Observed { before, after, kind, .. } = *observed;
        let change = Change::between(before, after);
        let cell = Cell { counts: Counts::of(change), before: before.money, after: after.money };
        self.kinds.entry(kind).or_default().add(cell);
        if let Some((case, sides)) = observed.of_case {
            self.cases.add(kind, case, observed.seq, sides);
        }
        for (dimension, value) in observed.segments {
            self.segments.add((kind, *dimension, value.clone()), cell);
        }
        if let Some(code) = before.fault {
            self.faults.entry(code).or_default().0 += 1;
        }
        if let Some(code) = after.fault {
            self.faults.entry(code).or_default().1 += 1;
        }
        self.guardrail.entry(before.guardrail).or_default().0 += 1;
        self.guardrail.entry(after.guardrail).or_default().1 += 1;
        self.caps.entry(before.caps).or_default().0 += 1;
        self.caps.entry(after.caps).or_default().1 += 1;
        self.add_fuel(observed);
        let pair = || Pair { decisions: 1, before: before.money, after: after.money, first: Some((observed.seq, observed.id.to_owned())) };
        if change >= Change::Rule {
            self.rules.add((kind, before.rule.clone(), after.rule.clone()), pair());
        }
        if change >= Change::Money {
            self.outcomes.add((kind, before.outcome.clone(), after.outcome.clone()), pair());
            self.keep(Example::of(observed));
        }
    }

    /// Counts a record that is not compared.
    pub fn skip(&mut self, why: Skipped) {
        *self.skipped.entry(why).or_default() += 1;
    }

    /// Adds the sum of another part of the window.
    pub fn merge(&mut self, other: Self) {
        for (kind, cell) in other.kinds {
            self.kinds.entry(kind).or_default().add(cell);
        }
        self.cases.merge(other.cases);
        self.segments.merge(other.segments);
        self.outcomes.merge(other.outcomes);
        self.rules.merge(other.rules);
        merge_sides(&mut self.faults, other.faults);
        merge_sides(&mut self.guardrail, other.guardrail);
        merge_sides(&mut self.caps, other.caps);
        for (why, count) in other.skipped {
            *self.skipped.entry(why).or_default() += count;
        }
        let (own, others) = (&mut self.fuel, other.fuel);
        own.policy = own.policy.saturating_add(others.policy);
        own.guardrail = own.guardrail.saturating_add(others.guardrail);
        own.most = own.most.take().max(others.most);
        own.comparable += others.comparable;
        own.recorded = own.recorded.saturating_add(others.recorded);
        own.candidate = own.candidate.saturating_add(others.candidate);
        for example in other.examples {
            self.keep(example);
        }
    }

    /// Decisions compared.
    pub fn decisions(&self) -> u64 {
        self.kinds.values().map(|cell| cell.counts.decisions).sum()
    }

    /// The sums for people and programs.
    pub fn report(&self) -> ImpactReport {
        report::report(self)
    }

    fn add_fuel(&mut self, observed: &Observed<'_>) {
        let Fuel { policy, guardrail } = observed.fuel;
        let sums = &mut self.fuel;
        sums.policy = sums.policy.saturating_add(policy);
        sums.guardrail = sums.guardrail.saturating_add(guardrail);
        if sums.most.as_ref().is_none_or(|(most, seq, _)| (policy, std::cmp::Reverse(observed.seq)) > (*most, *seq)) {
            sums.most = Some((policy, std::cmp::Reverse(observed.seq), observed.id.to_owned()));
        }
        if let Some(recorded) = observed.recorded_fuel {
            sums.comparable += 1;
            sums.recorded = sums.recorded.saturating_add(recorded.policy);
            sums.candidate = sums.candidate.saturating_add(policy);
        }
    }

    /// Keeps one example of a ticket. Which ones are kept does not depend on the order: what falls out stands behind so many
    /// tickets, and they only grow dearer.
    fn keep(&mut self, example: Example) {
        let same = |own: &Example| own.ticket.is_some() && own.ticket == example.ticket;
        if let Some(at) = self.examples.iter().position(same) {
            if self.examples.get(at).is_some_and(|own| own.rank() <= example.rank()) {
                return;
            }
            self.examples.remove(at);
        }
        let at = self.examples.partition_point(|kept| kept.rank() < example.rank());
        if at < EXAMPLES_MAX {
            self.examples.insert(at, example);
            self.examples.truncate(EXAMPLES_MAX);
        }
    }
}

impl Example {
    fn of(observed: &Observed<'_>) -> Self {
        let side = |stand: &Stand| Side { outcome: stand.outcome.clone(), rule: stand.rule.clone(), money: stand.money };
        Self {
            id: observed.id.to_owned(),
            seq: observed.seq,
            ticket: observed.ticket.map(str::to_owned),
            received_at_ms: observed.received_at_ms,
            kind: observed.kind,
            before: side(observed.before),
            after: side(observed.after),
        }
    }
}

fn merge_sides<K: Ord>(own: &mut BTreeMap<K, (u64, u64)>, others: BTreeMap<K, (u64, u64)>) {
    for (key, (before, after)) in others {
        let sides = own.entry(key).or_default();
        sides.0 += before;
        sides.1 += after;
    }
}

#[cfg(test)]
mod tests;
