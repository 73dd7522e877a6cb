//! What decided, against the acts that brought it in: a policy's component and settings are uploaded or bound before they decide.

use std::collections::BTreeMap;

use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Digest, Entry, Header, PolicyCall};

use crate::service::BroughtIn;

/// Components and settings that are held against acts, each with the policy's name: a merchant has some dozens. What goes beyond is a problem.
const CALLED_MAX: usize = 100_000;

/// A policy's name with the digest of a component or of settings.
type Called = (String, Digest);

/// The policies of a log: what acts brought in, and what decided.
#[derive(Debug)]
pub(super) struct Bindings {
    /// With the first record that brought it in.
    brought: BTreeMap<Called, u64>,
    /// With the first record that it decided, and whether it is a component.
    decided: BTreeMap<(Called, bool), u64>,
    /// [`CALLED_MAX`], of each.
    max: usize,
    /// There were more.
    beyond: bool,
}

impl Default for Bindings {
    fn default() -> Self {
        Self { brought: BTreeMap::new(), decided: BTreeMap::new(), max: CALLED_MAX, beyond: false }
    }
}

impl Bindings {
    /// Takes a record.
    pub(super) fn record(&mut self, header: &Header) {
        let Entry::Decision(entry) = &header.entry else { return };
        for PolicyCall { name, call, .. } in entry.policy.iter().chain(entry.beside.iter().map(|beside| &beside.policy)) {
            for (digest, is_component) in [(call.component, true), (call.settings, false)] {
                self.beyond |= !earliest(&mut self.decided, ((name.clone(), digest), is_component), header.seq, self.max);
            }
        }
    }

    /// Takes what an act brought in.
    pub(super) fn act(&mut self, seq: u64, brought: BroughtIn) {
        for digest in brought.digests.iter().filter_map(|digest| Digest::parse(digest)) {
            self.beyond |= !earliest(&mut self.brought, (brought.policy.clone(), digest), seq, self.max);
        }
    }

    /// Adds what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        self.beyond |= other.beyond;
        for (key, seq) in other.brought {
            self.beyond |= !earliest(&mut self.brought, key, seq, self.max);
        }
        for (key, seq) in other.decided {
            self.beyond |= !earliest(&mut self.decided, key, seq, self.max);
        }
    }

    /// Tells what decided before any act brought it in. The log is whole: it has all acts.
    pub(super) fn tell(self, problems: &mut Problems) {
        if self.beyond {
            let max = self.max;
            let problem = format!(
                "the records name more than {max} components and settings: the rest is not held against the acts that brought them in"
            );
            problems.add(Problem::of(Part::Body, problem));
        }
        for ((called, is_component), seq) in self.decided {
            if self.brought.get(&called).is_some_and(|act| *act < seq) {
                continue;
            }
            let (policy, digest) = called;
            let what = if is_component { "component" } else { "settings" };
            let problem = format!("no act before it uploaded or bound the {what} {digest} of `{policy}`, by which it was decided");
            problems.add(Problem::at(seq, Part::Body, problem));
        }
    }
}

/// Remembers the first place of something; false where there are too many.
fn earliest<K: Ord>(places: &mut BTreeMap<K, u64>, key: K, seq: u64, max: usize) -> bool {
    if let Some(place) = places.get_mut(&key) {
        *place = seq.min(*place);
        return true;
    }
    let has_room = places.len() < max;
    if has_room {
        places.insert(key, seq);
    }
    has_room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_components_and_settings_are_held_against_acts_and_no_more() {
        let brought = |acts: u64| {
            let mut all = Bindings { max: 4, ..Bindings::default() };
            for act in 0..acts {
                let digests = vec![Digest::of(&act.to_be_bytes()).to_string()];
                let mut own = Bindings { max: 4, ..Bindings::default() };
                own.act(act, BroughtIn { policy: "p".into(), digests: digests.clone() });
                // The same once more takes no room.
                own.act(act, BroughtIn { policy: "p".into(), digests });
                all.merge(own);
            }
            let mut problems = Problems::default();
            all.tell(&mut problems);
            problems.sorted().into_iter().map(|problem| problem.what).collect::<Vec<_>>()
        };
        assert_eq!(brought(4), [""; 0]);
        assert!(brought(5)[0].starts_with("the records name more than 4 components and settings"));
        assert_eq!(Bindings::default().max, CALLED_MAX);
    }
}
