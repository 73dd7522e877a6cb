//! The caps that decisions were held to, against the acts that set them: whoever lowers or lifts a cap for one decision must have said so.

use std::collections::{BTreeMap, BTreeSet};

use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Entry, Header, Windows};

use super::report::rfc3339;

/// Sets of caps, and acts that set them, that are held against each other. What goes beyond is a problem.
const SETS_MAX: usize = 10_000;
/// So long after other caps are set may a decision come in that was made under those before: it was under way, milliseconds.
const UNDER_WAY_MS_MAX: i64 = 60_000;

/// A set of caps: one limit for each window, in its order.
type Set = [i64; 6];

/// Decisions that stand together in the log and were held to the same caps: no act that set others is among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// The number of the first one.
    seq: u64,
    set: Set,
    /// Of that whose event was received last.
    latest: Place,
}

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
    /// At most some 70 bytes of a record, and mostly of some dozens: a thread takes records that follow each other.
    held: Vec<Held>,
    /// The last record that was taken, if what follows it may be added to the last of those.
    open: Option<u64>,
    /// Those that decisions were held to.
    sets: BTreeSet<Set>,
    /// By their numbers.
    changes: BTreeMap<u64, Change>,
    /// [`SETS_MAX`], of each.
    max: usize,
    /// There were more.
    beyond: bool,
}

impl Default for CapsInForce {
    fn default() -> Self {
        Self { held: Vec::new(), open: None, sets: BTreeSet::new(), changes: BTreeMap::new(), max: SETS_MAX, beyond: false }
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
        let decided = match &header.entry {
            Entry::Decision(entry) => Some(set(&entry.caps.limits)),
            Entry::Event(_) | Entry::Act(_) => None,
        };
        self.take(Place { seq: header.seq, at_ms: header.received_at_ms }, decided);
    }

    /// Takes what an act set.
    pub(super) fn act(&mut self, header: &Header, (from, to): &(Windows, Windows)) {
        self.change(header.seq, Change { from: set(from), to: set(to), at_ms: header.received_at_ms });
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        self.beyond |= other.beyond;
        self.open = None;
        self.held.extend(other.held);
        other.sets.into_iter().for_each(|set| self.is_known(set));
        other.changes.into_iter().for_each(|(seq, change)| self.change(seq, change));
    }

    fn take(&mut self, place: Place, decided: Option<Set>) {
        let follows = self.open.and_then(|before| before.checked_add(1)) == Some(place.seq);
        self.open = Some(place.seq);
        let last = self.held.last_mut().filter(|_| follows);
        match (decided, last) {
            (Some(set), Some(last)) if last.set == set => {
                if place.at_ms > last.latest.at_ms {
                    last.latest = place;
                }
            }
            (Some(set), _) => {
                self.is_known(set);
                self.held.push(Held { seq: place.seq, set, latest: place });
            }
            // What goes on behind a gap is not added to what stands before it.
            (None, None) => self.open = None,
            (None, Some(_)) => {}
        }
    }

    fn is_known(&mut self, set: Set) {
        if self.sets.len() < self.max || self.sets.contains(&set) {
            self.sets.insert(set);
        } else {
            self.beyond = true;
        }
    }

    fn change(&mut self, seq: u64, change: Change) {
        self.open = None;
        if self.changes.len() < self.max {
            self.changes.insert(seq, change);
        } else {
            self.beyond = true;
        }
    }

    /// Tells which decisions were held to caps that no act had set, or that an act had replaced. The log is whole: it has all acts.
    pub(super) fn tell(mut self, problems: &mut Problems) {
        if self.beyond {
            let max = self.max;
            let problem = format!("the records name more than {max} sets of caps: the rest is not held against the acts that set them");
            return problems.add(Problem::of(Part::Body, problem));
        }
        self.held.sort_unstable_by_key(|held| held.seq);
        // Those that the merchant began with.
        let earliest = self.held.first().map(|held| held.set);
        let Some(mut stood) = self.changes.values().next().map(|change| change.from).or(earliest) else { return };
        let mut changes = self.changes.into_iter().peekable();
        // Those that stood before, each with the last act that replaced it; and what was told already.
        let mut replaced: BTreeMap<Set, (u64, i64)> = BTreeMap::new();
        let mut told: BTreeSet<(Set, Option<u64>)> = BTreeSet::new();
        let pass = |seq: u64, change: Change, stood: &mut Set, replaced: &mut BTreeMap<Set, (u64, i64)>, problems: &mut Problems| {
            if change.from != *stood {
                problems.add(Problem::at(seq, Part::Body, "it says of the caps before it otherwise than the act that set them"));
            }
            if change.to != *stood {
                replaced.insert(*stood, (seq, change.at_ms));
            }
            *stood = change.to;
        };
        for Held { seq, set, latest } in self.held {
            while let Some((act, change)) = changes.next_if(|(act, _)| *act < seq) {
                pass(act, change, &mut stood, &mut replaced, problems);
            }
            if set == stood {
                continue;
            }
            match replaced.get(&set) {
                None if told.insert((set, None)) => {
                    problems.add(Problem::at(seq, Part::Body, "no act before it set the caps that it was held to"));
                }
                Some((act, at_ms)) if latest.at_ms > at_ms.saturating_add(UNDER_WAY_MS_MAX) && told.insert((set, Some(*act))) => {
                    let at = rfc3339(*at_ms);
                    let problem = format!("the caps that it was held to were replaced by record {act} at {at}");
                    problems.add(Problem::at(latest.seq, Part::Body, problem));
                }
                _ => {}
            }
        }
        for (act, change) in changes {
            pass(act, change, &mut stood, &mut replaced, problems);
        }
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
                Decision(caps) => own.take(Place { seq, at_ms }, Some([caps; 6])),
                Act(from, to) => {
                    own.take(Place { seq, at_ms }, None);
                    own.change(seq, Change { from: [from; 6], to: [to; 6], at_ms });
                }
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
            // That they are restored later is no excuse, and what stands between is no matter.
            (&[Decision(1), Act(1, 2), Decision(1), Act(2, 1), Decision(1)], 2, replaced),
            (&[Decision(1), Act(1, 2), Decision(2), Decision(1), Decision(2), Act(2, 1), Decision(1)], 3, replaced),
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
