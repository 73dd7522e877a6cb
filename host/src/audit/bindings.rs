//! What decided, against the acts that brought it in: a policy's component and settings are uploaded or bound before they decide.

use std::collections::BTreeMap;

use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Entry, Header, PolicyCall};

use crate::service::BroughtIn;

/// The policies of a log: what acts brought in, and what decided.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    /// A policy's name with the digest of a component or of settings, and the first record that brought it in.
    brought: BTreeMap<(String, String), u64>,
    /// The same with the first record that it decided; whether it is a component.
    decided: BTreeMap<(String, String, bool), u64>,
}

impl Bindings {
    /// Takes a record.
    pub(super) fn record(&mut self, header: &Header) {
        let Entry::Decision(entry) = &header.entry else { return };
        for PolicyCall { name, call, .. } in entry.policy.iter().chain(entry.beside.iter().map(|beside| &beside.policy)) {
            for (digest, is_component) in [(call.component, true), (call.settings, false)] {
                earliest(&mut self.decided, (name.clone(), digest.to_string(), is_component), header.seq);
            }
        }
    }

    /// Takes what an act brought in.
    pub(super) fn act(&mut self, seq: u64, brought: BroughtIn) {
        for digest in brought.digests {
            earliest(&mut self.brought, (brought.policy.clone(), digest), seq);
        }
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        other.brought.into_iter().for_each(|(key, seq)| earliest(&mut self.brought, key, seq));
        other.decided.into_iter().for_each(|(key, seq)| earliest(&mut self.decided, key, seq));
    }

    /// Tells what decided before any act brought it in. The log is whole: it has all acts.
    pub(super) fn tell(self, problems: &mut Problems) {
        for ((policy, digest, is_component), seq) in self.decided {
            let key = (policy, digest);
            if self.brought.get(&key).is_some_and(|act| *act < seq) {
                continue;
            }
            let (policy, digest) = key;
            let what = if is_component { "component" } else { "settings" };
            let problem = format!("no act before it uploaded or bound the {what} {digest} of `{policy}`, by which it was decided");
            problems.add(Problem::at(seq, Part::Body, problem));
        }
    }
}

/// Remembers the first place of something.
fn earliest<K: Ord>(places: &mut BTreeMap<K, u64>, key: K, seq: u64) {
    let place = places.entry(key).or_insert(seq);
    *place = seq.min(*place);
}
