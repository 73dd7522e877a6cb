//! A map that never grows beyond its bound: what a candidate policy makes up, such as a rule id for each case, must not fill
//! the memory.

use std::collections::BTreeMap;

/// What can be added up.
pub(super) trait Sum: Default {
    /// Adds another part.
    fn add(&mut self, other: Self);
}

/// The smallest keys with what was added under each; everything under larger keys is added up as the rest.
///
/// Which keys are kept depends on the keys alone: one that is among the smallest of the whole is among the smallest of every
/// part, so that parts counted on different threads give the same sums in whatever order they are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded<K: Ord, V> {
    kept: BTreeMap<K, V>,
    rest: V,
    keys_max: usize,
}

impl<K: Ord, V: Sum> Bounded<K, V> {
    /// An empty map of at most `keys_max` keys.
    pub(super) fn new(keys_max: usize) -> Self {
        Self { kept: BTreeMap::new(), rest: V::default(), keys_max }
    }

    /// Adds under a key.
    pub(super) fn add(&mut self, key: K, part: V) {
        if let Some(sum) = self.kept.get_mut(&key) {
            sum.add(part);
            return;
        }
        let full = self.kept.len() >= self.keys_max;
        if full && self.kept.last_key_value().is_none_or(|(last, _)| key > *last) {
            self.rest.add(part);
            return;
        }
        self.kept.insert(key, part);
        if full && let Some((_, evicted)) = self.kept.pop_last() {
            self.rest.add(evicted);
        }
    }

    /// Adds another map of the same bound.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, part) in other.kept {
            self.add(key, part);
        }
        self.rest.add(other.rest);
    }

    /// The kept keys in their order, and the rest.
    pub(super) fn parts(&self) -> (impl Iterator<Item = (&K, &V)>, &V) {
        (self.kept.iter(), &self.rest)
    }
}
