//! Proofs: a leaf is in the tree, one tree is the beginning of another, a run of leaves stands at its place.

use std::ops::Range;

use super::tree::{Frontier, FrontierError, Subtree, cover, empty_root, folded, node_hash};
use crate::Digest;

/// Hashes of one inclusion or consistency proof; a tree has at most 2^63 leaves.
pub const PROOF_HASHES_MAX: usize = 64;

/// Where the hashes of complete subtrees come from: tiles ([`super::TileHashes`]), a database, or a test's vector.
pub trait HashReader {
    type Error;

    /// The hash of a complete subtree. Asked only for subtrees of the tree that the caller named.
    fn hash(&self, subtree: Subtree) -> Result<Digest, Self::Error>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn hash(&self, subtree: Subtree) -> Result<Digest, Self::Error> {
        (**self).hash(subtree)
    }
}

/// A proof was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    #[error("leaves {from} to {to} are not in a tree of {size} leaves")]
    Range { from: u64, to: u64, size: u64 },
    #[error("{0}")]
    Read(#[from] E),
}

/// A proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("leaves {from} to {to} are not in a tree of {size} leaves")]
    Range { from: u64, to: u64, size: u64 },
    #[error("the proof has {given} hashes, which is not what it needs")]
    Length { given: usize },
    #[error("the proof leads to root {found}, not to {expected}")]
    Root { expected: Digest, found: Digest },
    #[error("the proof does not begin at the older root {expected} but at {found}")]
    OldRoot { expected: Digest, found: Digest },
}

impl From<FrontierError> for ProofError {
    fn from(error: FrontierError) -> Self {
        match error {
            FrontierError::Hashes { given, .. } => Self::Length { given },
            FrontierError::Unaligned { size, height } => {
                Self::Range { from: size, to: size.saturating_add(1_u64.checked_shl(u32::from(height)).unwrap_or(u64::MAX)), size }
            }
        }
    }
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// The reader's.
pub fn root<R: HashReader>(reader: &R, size: u64) -> Result<Digest, R::Error> {
    Ok(range_hash(reader, 0..size)?.unwrap_or_else(empty_root))
}

/// The right edge of the tree of the first `size` leaves.
///
/// # Errors
/// The reader's.
pub fn frontier<R: HashReader>(reader: &R, size: u64) -> Result<Frontier, R::Error> {
    let edge = cover(0..size).map(|subtree| reader.hash(subtree)).collect::<Result<Vec<_>, _>>()?;
    // One hash for each bit of the size, by construction.
    Ok(Frontier::from_edge(size, edge).unwrap_or_default())
}

/// The inclusion proof of RFC 6962, section 2.1.1: from the leaf's sibling up to the root's child.
///
/// # Errors
/// The leaf is not in the tree; the reader's.
pub fn prove_inclusion<R: HashReader>(reader: &R, index: u64, size: u64) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if index >= size {
        return Err(ProveError::Range { from: index, to: index.saturating_add(1), size });
    }
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.extend(range_hash(reader, middle..to)?);
            to = middle;
        } else {
            path.extend(range_hash(reader, from..middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The root to which an inclusion proof leads (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// The leaf is not in a tree of this size; the proof is too long or too short.
pub fn root_of_inclusion(leaf: &Digest, index: u64, size: u64, proof: &[Digest]) -> Result<Digest, ProofError> {
    if index >= size {
        return Err(ProofError::Range { from: index, to: index.saturating_add(1), size });
    }
    let length = ProofError::Length { given: proof.len() };
    let (mut at, mut last) = (index, size - 1);
    let mut root = *leaf;
    for hash in proof {
        if last == 0 {
            return Err(length);
        }
        if at & 1 == 1 || at == last {
            root = node_hash(hash, &root);
            // Where the path goes up without a sibling.
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            root = node_hash(&root, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last == 0 { Ok(root) } else { Err(length) }
}

/// Checks that the leaf with this hash is leaf `index` of the tree with this size and root.
///
/// # Errors
/// It is not, or the proof does not show it.
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, root: &Digest, proof: &[Digest]) -> Result<(), ProofError> {
    let found = root_of_inclusion(leaf, index, size, proof)?;
    if found == *root { Ok(()) } else { Err(ProofError::Root { expected: *root, found }) }
}

/// The consistency proof of RFC 6962, section 2.1.2, from the tree of `old` leaves to that of `new` leaves. It is empty where
/// `old` is 0 or `new`.
///
/// # Errors
/// `old` is larger than `new`; the reader's.
pub fn prove_consistency<R: HashReader>(reader: &R, old: u64, new: u64) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if old > new {
        return Err(ProveError::Range { from: 0, to: old, size: new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut path = Vec::new();
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            path.extend(range_hash(reader, middle..to)?);
            to = middle;
        } else {
            path.extend(range_hash(reader, from..middle)?);
            from = middle;
        }
    }
    // The old tree's own root is known to whoever checks; a part of it is not.
    if from > 0 {
        path.extend(range_hash(reader, from..to)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 9162, section 2.1.4.2).
///
/// # Errors
/// It is not, or the proof does not show it.
pub fn verify_consistency(old: u64, old_root: &Digest, new: u64, new_root: &Digest, proof: &[Digest]) -> Result<(), ProofError> {
    let length = ProofError::Length { given: proof.len() };
    let same = |expected: &Digest, found: Digest| if *expected == found { Ok(()) } else { Err((*expected, found)) };
    let old_is = |found| same(old_root, found).map_err(|(expected, found)| ProofError::OldRoot { expected, found });
    let new_is = |found| same(new_root, found).map_err(|(expected, found)| ProofError::Root { expected, found });
    if old > new {
        return Err(ProofError::Range { from: 0, to: old, size: new });
    }
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(length);
        }
        return if old == new { new_is(*old_root) } else { old_is(empty_root()) };
    }
    // The old root itself begins the path where the old tree is one complete subtree.
    let (first, rest) = if old.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(length)? };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut old_found, mut new_found) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return Err(length);
        }
        if at & 1 == 1 || at == last {
            old_found = node_hash(hash, &old_found);
            new_found = node_hash(hash, &new_found);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            new_found = node_hash(&new_found, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(length);
    }
    old_is(old_found)?;
    new_is(new_found)
}

/// What proves a run of leaves [from, to) of a tree: the complete subtrees to its left and to its right.
///
/// Whoever has the leaves checks them one after the other, without holding them all: [`RangeProof::start`], then
/// [`Frontier::append`] for each leaf, then [`RangeProof::finish`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeProof {
    /// The hashes of `cover(0..from)`.
    pub left: Vec<Digest>,
    /// The hashes of `cover(to..size)`.
    pub right: Vec<Digest>,
}

impl RangeProof {
    /// The proof of a run of leaves, which may be empty, in the tree of `size` leaves.
    ///
    /// # Errors
    /// The run is not in the tree; the reader's.
    pub fn of<R: HashReader>(reader: &R, leaves: Range<u64>, size: u64) -> Result<Self, ProveError<R::Error>> {
        let Range { start: from, end: to } = leaves;
        if from > to || to > size {
            return Err(ProveError::Range { from, to, size });
        }
        let hashes = |range| cover(range).map(|subtree| reader.hash(subtree)).collect::<Result<Vec<_>, _>>();
        Ok(Self { left: hashes(0..from)?, right: hashes(to..size)? })
    }

    /// The tree to the left of the run, to which the run's leaves are appended.
    ///
    /// # Errors
    /// [`ProofError::Length`].
    pub fn start(&self, from: u64) -> Result<Frontier, ProofError> {
        Ok(Frontier::from_edge(from, self.left.clone())?)
    }

    /// Checks that the run, appended to [`RangeProof::start`], leads to the tree with this size and root.
    ///
    /// # Errors
    /// It does not.
    pub fn finish(&self, run: Frontier, size: u64, root: &Digest) -> Result<(), ProofError> {
        let mut tree = run;
        if tree.size() > size {
            return Err(ProofError::Range { from: 0, to: tree.size(), size });
        }
        if cover(tree.size()..size).count() != self.right.len() {
            return Err(ProofError::Length { given: self.right.len() });
        }
        for (subtree, hash) in cover(tree.size()..size).zip(&self.right) {
            tree.append_subtree(subtree.height, *hash)?;
        }
        let found = tree.root();
        if found == *root { Ok(()) } else { Err(ProofError::Root { expected: *root, found }) }
    }

    /// Checks that these are the leaves from `from` on of the tree with this size and root.
    ///
    /// # Errors
    /// They are not, or the proof does not show it.
    pub fn verify(&self, from: u64, leaves: &[Digest], size: u64, root: &Digest) -> Result<(), ProofError> {
        let mut run = self.start(from)?;
        for leaf in leaves {
            run.append(*leaf);
        }
        self.finish(run, size, root)
    }
}

/// The Merkle tree hash of a run that the tree's own recursion cuts out; none where it is empty.
fn range_hash<R: HashReader>(reader: &R, leaves: Range<u64>) -> Result<Option<Digest>, R::Error> {
    let hashes = cover(leaves).map(|subtree| reader.hash(subtree)).collect::<Result<Vec<_>, _>>()?;
    Ok(folded(hashes.into_iter()))
}

/// The largest power of two below `leaves`, which is at least 2.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}
