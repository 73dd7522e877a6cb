//! Persons' acts on decisions, against the decisions that they are on.

use std::collections::{BTreeMap, BTreeSet};

use ombud_core::kind::Kind;
use ombud_core::money::{self, Due};
use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Entry, Header, id};

use super::repeats::Repeats;
use crate::service::Overridden;

/// The id of a decision.
type Id = [u8; 16];

/// The acts of a log, and the amounts that waited for a person: only of few decisions do any.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    acts: Vec<(u64, Id, Overridden)>,
    waited: BTreeMap<Id, money::Amounts>,
}

impl Overrides {
    /// Takes a record.
    pub(super) fn record(&mut self, header: &Header) {
        let Entry::Decision(entry) = &header.entry else { return };
        let amounts = amounts(&entry.amounts);
        if amounts.any() && money::due_of(entry.kind, &entry.outcome) == Due::Proposal {
            self.waited.insert(id::decision_bytes(&entry.id), amounts);
        }
    }

    /// Takes a person's act.
    pub(super) fn act(&mut self, seq: u64, act: Overridden) {
        self.acts.push((seq, id::decision_bytes(&act.decision), act));
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        self.acts.extend(other.acts);
        self.waited.extend(other.waited);
    }

    /// Tells which acts are on no decision before them, and what no act on theirs can say. The log is whole: it has all decisions.
    pub(super) fn tell(mut self, repeats: &Repeats, problems: &mut Problems) {
        let wanted: BTreeSet<Id> = self.acts.iter().map(|(_, decision, _)| *decision).collect();
        let decided: BTreeMap<Id, (Kind, u64)> = repeats.decided(&wanted);
        let mut acted = BTreeSet::new();
        self.acts.sort_unstable_by_key(|(seq, ..)| *seq);
        for (seq, decision, act) in self.acts {
            let Some((kind, _)) = decided.get(&decision).filter(|(_, first)| *first < seq) else {
                problems.add(Problem::at(
                    seq,
                    Part::Body,
                    format!("it is on the decision {}, which is not before it in the log", act.decision),
                ));
                continue;
            };
            let waited = acted.insert(decision).then(|| self.waited.get(&decision).copied().unwrap_or_default());
            for problem in act.problems(*kind, waited) {
                problems.add(Problem::at(seq, Part::Body, problem));
            }
        }
    }
}

/// Of a header, in fen.
fn amounts(of: &ombud_ledger::Amounts) -> money::Amounts {
    money::Amounts { refund: of.refund, cash: of.cash, coupon: of.coupon }
}
