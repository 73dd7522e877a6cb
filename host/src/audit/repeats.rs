//! What stands more than once in a log: a decision is made once, an event is decided once, an act is done once.

use std::collections::{BTreeMap, BTreeSet};

use ombud_core::kind::Kind;
use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Digest, Entry, Header, id};

/// What may not stand twice, with the places where it stands: at most some 70 bytes of each record, which has several hundred.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    decisions: Vec<([u8; 16], Kind, u64)>,
    acts: Vec<([u8; 16], u64)>,
    /// The beginnings of events' keys, which are hashes, with what of the event the record is: its decision of a kind, or that nothing was to be
    /// decided.
    events: Vec<([u8; 16], Option<Kind>, u64)>,
}

impl Repeats {
    /// Takes a record.
    pub(super) fn record(&mut self, header: &Header) {
        let seq = header.seq;
        match &header.entry {
            Entry::Decision(entry) => {
                self.decisions.push((id::decision_bytes(&entry.id), entry.kind, seq));
                self.events.push((beginning(&entry.event.key), Some(entry.kind), seq));
            }
            Entry::Event(event) => self.events.push((beginning(&event.key), None, seq)),
            Entry::Act(act) => self.acts.push((act.id, seq)),
        }
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        self.decisions.extend(other.decisions);
        self.acts.extend(other.acts);
        self.events.extend(other.events);
    }

    /// The decisions of some ids: of which kind, and where each stands first.
    pub(super) fn decided(&self, wanted: &BTreeSet<[u8; 16]>) -> BTreeMap<[u8; 16], (Kind, u64)> {
        let mut found = BTreeMap::new();
        for (id, kind, seq) in self.decisions.iter().filter(|(id, ..)| wanted.contains(id)) {
            let (_, first) = found.entry(*id).or_insert((*kind, *seq));
            *first = (*seq).min(*first);
        }
        found
    }

    /// Tells what stands more than once.
    pub(super) fn tell(mut self, problems: &mut Problems) {
        let mut tell = |what: &str, first: u64, again: u64| {
            problems.add(Problem::at(again, Part::Sequence, format!("{what} stands in record {first} already")));
        };
        let decisions: Vec<([u8; 16], u64)> = self.decisions.into_iter().map(|(id, _, seq)| (id, seq)).collect();
        for (what, mut ids) in [("its decision", decisions), ("its act", self.acts)] {
            ids.sort_unstable();
            for ((id, first), (same, again)) in ids.iter().zip(ids.iter().skip(1)) {
                if id == same {
                    tell(what, *first, *again);
                }
            }
        }
        self.events.sort_unstable_by_key(|(key, _, seq)| (*key, *seq));
        for group in self.events.chunk_by(|(key, ..), (same, ..)| key == same) {
            for ((_, of, first), (_, other, again)) in group.iter().zip(group.iter().skip(1)) {
                // All decisions on one event are made at once.
                if again - first > 1 || of == other {
                    tell("its event", *first, *again);
                }
            }
        }
    }
}

fn beginning(key: &Digest) -> [u8; 16] {
    key.0.first_chunk().copied().unwrap_or_default()
}
