//! The caps that decisions were held to, against the acts that set them: whoever lowers or lifts a cap for one decision must have said so.

use std::collections::BTreeMap;

use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Entry, Header, Windows};

use super::report::rfc3339;

/// Sets of caps, and acts that set them, that are held against each other. What goes beyond is a problem.
const SETS_MAX: usize = 10_000;
/// So long after other caps are set may a decision come in that was made under those before: it was under way, milliseconds.
const UNDER_WAY_MS_MAX: i64 = 60_000;

/// A set of caps: one limit for each window, in its order.
type Set = [i64; 6];

/// A decision, by its number and when its event was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    seq: u64,
    at_ms: i64,
}

/// An act that set caps.
#[derive(Clone, Copy, Debug)]
struct Change {
    from: Set,
    to: Set,
    at_ms: i64,
}

/// The caps of a log: what acts set, and what decisions were held to.
#[derive(Debug)]
pub(super) struct CapsInForce {
    /// With the first decision by its number and the last one by its time.
    decided: BTreeMap<Set, (Place, Place)>,
    /// By their numbers.
    changes: BTreeMap<u64, Change>,
    /// [`SETS_MAX`], of each.
    max: usize,
    /// There were more.
    beyond: bool,
}

impl Default for CapsInForce {
    fn default() -> Self {
        Self { decided: BTreeMap::new(), changes: BTreeMap::new(), max: SETS_MAX, beyond: false }
    }
}

fn set(of: &Windows) -> Set {
    let Windows { order_refund, order_goodwill, customer_24h_refund, customer_24h_goodwill, merchant_day_refund, merchant_day_goodwill } =
        *of;
    [order_refund, order_goodwill, customer_24h_refund, customer_24h_goodwill, merchant_day_refund, merchant_day_goodwill]
}

impl CapsInForce {
    /// Takes a record.
    pub(super) fn record(&mut self, header: &Header) {
        if let Entry::Decision(entry) = &header.entry {
            let place = Place { seq: header.seq, at_ms: header.received_at_ms };
            self.held_to(set(&entry.caps.limits), (place, place));
        }
    }

    /// Takes what an act set.
    pub(super) fn act(&mut self, header: &Header, (from, to): &(Windows, Windows)) {
        self.change(header.seq, Change { from: set(from), to: set(to), at_ms: header.received_at_ms });
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        self.beyond |= other.beyond;
        other.decided.into_iter().for_each(|(set, places)| self.held_to(set, places));
        other.changes.into_iter().for_each(|(seq, change)| self.change(seq, change));
    }

    fn held_to(&mut self, set: Set, (first, last): (Place, Place)) {
        if let Some((own_first, own_last)) = self.decided.get_mut(&set) {
            if first.seq < own_first.seq {
                *own_first = first;
            }
            if last.at_ms > own_last.at_ms {
                *own_last = last;
            }
        } else if self.decided.len() < self.max {
            self.decided.insert(set, (first, last));
        } else {
            self.beyond = true;
        }
    }

    fn change(&mut self, seq: u64, change: Change) {
        if self.changes.len() < self.max {
            self.changes.insert(seq, change);
        } else {
            self.beyond = true;
        }
    }

    /// Tells which decisions were held to caps that no act had set, or that an act had replaced. The log is whole: it has all acts.
    pub(super) fn tell(self, problems: &mut Problems) {
        if self.beyond {
            let max = self.max;
            let problem = format!("the records name more than {max} sets of caps: the rest is not held against the acts that set them");
            return problems.add(Problem::of(Part::Body, problem));
        }
        // Those that the merchant began with.
        let earliest = self.decided.iter().min_by_key(|(_, (first, _))| first.seq).map(|(set, _)| *set);
        let Some(begun_with) = self.changes.values().next().map(|change| change.from).or(earliest) else { return };
        let mut stood = begun_with;
        for (seq, change) in &self.changes {
            if change.from != stood {
                problems.add(Problem::at(*seq, Part::Body, "it says of the caps before it otherwise than the act that set them"));
            }
            stood = change.to;
        }
        for (set, (first, last)) in &self.decided {
            let was_set = *set == begun_with || self.changes.range(..first.seq).any(|(_, change)| change.to == *set);
            if !was_set {
                problems.add(Problem::at(first.seq, Part::Body, "no act before it set the caps that it was held to"));
            }
            if let Some((seq, replaced)) = self.replaced(set)
                && last.seq > seq
                && last.at_ms > replaced.at_ms.saturating_add(UNDER_WAY_MS_MAX)
            {
                let at = rfc3339(replaced.at_ms);
                problems.add(Problem::at(
                    last.seq,
                    Part::Body,
                    format!("the caps that it was held to were replaced by record {seq} at {at}"),
                ));
            }
        }
    }

    /// The act after which these caps stood no more; none where they stand, or where it cannot be told for no act replaced them.
    fn replaced(&self, set: &Set) -> Option<(u64, Change)> {
        let stands = self.changes.values().next_back().is_some_and(|change| change.to == *set);
        let replacing = |(_, change): &(&u64, &Change)| change.from == *set && change.to != *set;
        (!stands).then(|| self.changes.iter().rev().find(replacing)).flatten().map(|(seq, change)| (*seq, *change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// A log's records in their order, an hour apart: a decision under caps, or an act that sets them.
    #[derive(Clone, Copy)]
    enum Of {
        Decision(i64),
        Act(i64, i64),
    }
    use Of::{Act, Decision};

    /// What is found in a log, of whose records the second half is another thread's.
    fn told(max: usize, records: &[Of]) -> Vec<String> {
        let mut both = [CapsInForce { max, ..CapsInForce::default() }, CapsInForce { max, ..CapsInForce::default() }];
        for (at, record) in records.iter().enumerate() {
            let own = &mut both[usize::from(at < records.len() / 2)];
            let (seq, at_ms) = (at as u64, at as i64 * HOUR);
            match *record {
                Decision(caps) => own.held_to([caps; 6], (Place { seq, at_ms }, Place { seq, at_ms })),
                Act(from, to) => own.change(seq, Change { from: [from; 6], to: [to; 6], at_ms }),
            }
        }
        let [mut all, other] = both;
        all.merge(other);
        let mut problems = Problems::default();
        all.tell(&mut problems);
        problems.sorted().into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn decisions_are_held_to_the_caps_that_acts_set() {
        for sound in [
            &[][..],
            &[Decision(1), Decision(1)],
            &[Act(1, 2), Decision(2)],
            &[Decision(1), Act(1, 2), Decision(2), Act(2, 1), Decision(1), Act(1, 2)],
            // The share at which they warn is no cap.
            &[Decision(1), Act(1, 1), Decision(1)],
            // One was under way when they were replaced.
            &[Decision(1), Decision(1), Act(1, 2)],
        ] {
            assert_eq!(told(100, sound), [""; 0]);
        }
        let none_set = "no act before it set the caps that it was held to";
        let otherwise = "it says of the caps before it otherwise than the act that set them";
        let replaced = "the caps that it was held to were replaced by record 1 at 1970-01-01T01:00:00.000Z";
        for (records, seq, what) in [
            (&[Decision(1), Decision(2), Decision(1)][..], 1, none_set),
            (&[Decision(2), Act(1, 2), Decision(2)], 0, none_set),
            (&[Decision(1), Act(1, 2), Decision(3)], 2, none_set),
            (&[Decision(1), Act(1, 2), Decision(2), Decision(1)], 3, replaced),
            (&[Decision(1), Act(1, 2), Act(3, 4)], 2, otherwise),
        ] {
            let found = told(100, records);
            assert!(found.iter().any(|found| found.contains(what) && found.contains(&seq.to_string())), "{found:?}");
        }
    }

    #[test]
    fn so_many_sets_are_held_against_acts_and_no_more() {
        let log: Vec<Of> = (0..4).flat_map(|at| [Decision(at), Act(at, at + 1)]).collect();
        assert_eq!(told(4, &log), [""; 0]);
        assert!(told(3, &log)[0].contains("more than 3 sets of caps"));
        assert_eq!(CapsInForce::default().max, SETS_MAX);
    }
}
