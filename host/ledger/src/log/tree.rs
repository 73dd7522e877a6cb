//! The Merkle tree of RFC 6962, section 2.1, kept by its right edge.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::tile::TILE_HEIGHT;
use crate::Digest;

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Sha256::new_with_prefix([1]);
    hash.update(left.0);
    hash.update(right.0);
    Digest(hash.finalize().into())
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// A complete subtree: the leaves from `index · 2^height` to before `(index + 1) · 2^height`. Its hash never changes once
/// its leaves are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subtree {
    /// 0 for a leaf, at most 63.
    pub height: u8,
    pub index: u64,
}

/// The fewest complete subtrees that have exactly these leaves, from left to right. At most 126.
pub fn cover(leaves: Range<u64>) -> impl Iterator<Item = Subtree> {
    let Range { start: mut from, end: to } = leaves;
    std::iter::from_fn(move || {
        let rest = to.checked_sub(from).filter(|rest| *rest > 0)?;
        // As large as the start allows and as the rest needs; both are below 64.
        let height = from.trailing_zeros().min(rest.ilog2()).min(63);
        let subtree = Subtree { height: height as u8, index: from >> height };
        from += 1 << height;
        Some(subtree)
    })
}

/// The hash of neighbouring complete subtrees, as the tree puts them together where nothing follows: the smaller ones on the
/// right first.
pub(super) fn folded(hashes: impl DoubleEndedIterator<Item = Digest>) -> Option<Digest> {
    hashes.rev().reduce(|right, left| node_hash(&left, &right))
}

/// The right edge of a tree: all that is needed to append and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The hashes of `cover(0..size)`: one for each bit of the size, the largest subtree first.
    edge: Vec<Digest>,
}

/// A tile that an append has filled: 256 hashes of its level, whose own hash is the next one of the level above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullTile {
    /// The tile's level: 0 where its hashes are leaves.
    pub level: u8,
    pub index: u64,
    /// The Merkle tree hash of the tile.
    pub hash: Digest,
}

/// Hashes are not a right edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    #[error("the right edge of a tree of {size} leaves has {} hashes, not {given}", size.count_ones())]
    Hashes { size: u64, given: usize },
    #[error("a subtree of height {height} does not follow leaf {size}")]
    Unaligned { size: u64, height: u8 },
}

impl Frontier {
    /// The tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, edge: Vec::new() }
    }

    /// The frontier with these hashes, as [`Frontier::edge`] gave them.
    ///
    /// # Errors
    /// There are more or fewer hashes than a tree of this size has. That they are the right ones shows only in the root.
    pub fn from_edge(size: u64, edge: Vec<Digest>) -> Result<Self, FrontierError> {
        if edge.len() != size.count_ones() as usize {
            return Err(FrontierError::Hashes { size, given: edge.len() });
        }
        Ok(Self { size, edge })
    }

    /// The tree of these leaves.
    pub fn of(leaves: impl IntoIterator<Item = Digest>) -> Self {
        let mut frontier = Self::new();
        for leaf in leaves {
            frontier.append(leaf);
        }
        frontier
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the complete subtrees at the right edge, the largest first: one for each bit of the size.
    pub fn edge(&self) -> &[Digest] {
        &self.edge
    }

    /// Appends a leaf's hash ([`crate::leaf_hash`]). Returns the tiles that are full now, from level 0 upwards: none but after
    /// every 256th leaf.
    pub fn append(&mut self, leaf: Digest) -> Vec<FullTile> {
        // A single leaf always follows.
        self.append_subtree(0, leaf).unwrap_or_default()
    }

    /// Appends a complete subtree of 2^`height` leaves.
    ///
    /// # Errors
    /// The size is not a multiple of 2^`height`, or would be larger than 2^63.
    pub fn append_subtree(&mut self, height: u8, hash: Digest) -> Result<Vec<FullTile>, FrontierError> {
        let unaligned = FrontierError::Unaligned { size: self.size, height };
        let leaves = 1_u64.checked_shl(u32::from(height)).ok_or(unaligned)?;
        if !self.size.is_multiple_of(leaves) || self.size.checked_add(leaves).is_none_or(|size| size > 1 << 63) {
            return Err(unaligned);
        }
        let (mut hash, mut at) = (hash, height);
        let mut full = Vec::new();
        while self.size >> at & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
            at += 1;
            if at % TILE_HEIGHT == 0 {
                full.push(FullTile { level: at / TILE_HEIGHT - 1, index: self.size >> at, hash });
            }
        }
        self.edge.push(hash);
        self.size += leaves;
        Ok(full)
    }

    /// The Merkle tree hash of all leaves.
    pub fn root(&self) -> Digest {
        folded(self.edge.iter().copied()).unwrap_or_else(empty_root)
    }
}
