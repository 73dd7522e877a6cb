//! What the database certainly does not hold: most decisions are about an order and a customer that were never seen, and
//! this says so without a read.
//!
//! A Bloom filter over the keys by which rows are looked for, in blocks of one cache line. It is filled when the store is
//! opened, and every write adds its key before the row is committed; a key is never taken out. What it does not know is not
//! there; what it may know is read. Beyond some ten million keys it says "perhaps" more often, and costs nothing else.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes of the filter. A million decisions have some four million keys, which it tells apart but for one in ten thousand.
const FILTER_BYTES: usize = 16 << 20;
/// Words of a block, one bit of each for a key.
const BLOCK_WORDS: usize = 8;

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyOf {
    Event,
    AfterSales,
    Grants,
    Incidents,
    Measure,
    Request,
    Subject,
    CountedOrder,
    CountedCustomer,
    Intent,
}

/// Bits that one access to memory brings.
#[repr(align(64))]
#[derive(Default)]
struct Block([AtomicU64; BLOCK_WORDS]);

/// The filter.
pub(super) struct Known {
    blocks: Box<[Block]>,
    hasher: RandomState,
    /// Every row that was there when the store was opened is in it.
    complete: AtomicBool,
}

impl Known {
    /// Knows nothing, and says "perhaps" to everything until it is complete.
    pub(super) fn new() -> Self {
        let blocks = (0..FILTER_BYTES / size_of::<Block>()).map(|_| Block::default()).collect();
        Self { blocks, hasher: RandomState::new(), complete: AtomicBool::new(false) }
    }

    /// From now on what was not added is not there.
    pub(super) fn completed(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Adds a key: before its row is committed, so that nobody who sees the row misses the key.
    pub(super) fn add(&self, of: KeyOf, merchant: i64, parts: &[&str]) {
        let hash = self.hasher.hash_one((of, merchant, parts));
        for (word, bit) in self.block(hash).0.iter().zip(bits(hash)) {
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Release);
            }
        }
    }

    /// Whether a row with this key may be there; false is certain.
    pub(super) fn may_hold(&self, of: KeyOf, merchant: i64, parts: &[&str]) -> bool {
        if !self.complete.load(Ordering::Acquire) {
            return true;
        }
        let hash = self.hasher.hash_one((of, merchant, parts));
        self.block(hash).0.iter().zip(bits(hash)).all(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
    }

    fn block(&self, hash: u64) -> &Block {
        // The upper half of the hash chooses the block, all of it the bits: a product of two numbers below 2³² has 64 bits.
        let at = ((hash >> 32) * self.blocks.len() as u64) >> 32;
        #[expect(clippy::indexing_slicing, reason = "the upper half is below 2³², so that the place is below the length")]
        &self.blocks[usize::try_from(at).unwrap_or(0)]
    }
}

/// One bit for each word of a block.
fn bits(hash: u64) -> impl Iterator<Item = u64> {
    // 48 bits, six for each word.
    let spread = (hash & 0xffff_ffff).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (hash >> 7);
    (0..BLOCK_WORDS).map(move |word| 1 << ((spread >> (word * 6)) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_known_and_hardly_anything_else() {
        let known = Known::new();
        for number in 0..100_000 {
            known.add(KeyOf::Event, 1, &["/shop", &number.to_string()]);
        }
        assert!(known.may_hold(KeyOf::Measure, 9, &["anything"]), "nothing is certain before it is complete");
        known.completed();
        let held = |of, merchant, number: u32| known.may_hold(of, merchant, &["/shop", &number.to_string()]);
        assert!((0..100_000).all(|number| held(KeyOf::Event, 1, number)));
        let wrong = (0..100_000).filter(|number| held(KeyOf::Event, 2, *number) || held(KeyOf::Grants, 1, *number)).count();
        assert!(wrong < 20, "{wrong} of 200,000 keys are taken for known");
    }

    #[test]
    fn parts_are_told_apart() {
        let known = Known::new();
        known.completed();
        known.add(KeyOf::Event, 1, &["ab", "c"]);
        assert!(!known.may_hold(KeyOf::Event, 1, &["a", "bc"]));
        assert!(known.may_hold(KeyOf::Event, 1, &["ab", "c"]));
    }
}
