//! Roots, frontiers and proofs.

use proptest::prelude::*;

use super::super::proof::{
    PROOF_HASHES_MAX, ProofError, ProveError, RangeProof, frontier, prove_consistency, prove_inclusion, root, root_of_inclusion,
    verify_consistency, verify_inclusion,
};
use super::super::tree::{Frontier, FrontierError, FullTile, Subtree, cover, empty_root};
use super::{InMemory, leaves, mth};
use crate::{Digest, leaf_hash};

/// The tree of the reference implementation of Certificate Transparency: eight leaves, with the root after each.
const REFERENCE: [(&[u8], &str); 8] = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"@ABC", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (b"PQRSTUVW", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (b"`abcdefghijklmno", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

fn reference() -> Vec<Digest> {
    REFERENCE.iter().map(|(leaf, _)| leaf_hash(leaf)).collect()
}

fn digests(hex: &[&str]) -> Vec<Digest> {
    hex.iter().map(|hex| Digest::parse(hex).unwrap()).collect()
}

#[test]
fn roots_are_those_of_the_reference_implementation() {
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (leaf, root) in REFERENCE {
        frontier.append(leaf_hash(leaf));
        assert_eq!(frontier.root().to_string(), root, "{} leaves", frontier.size());
    }
}

#[test]
fn proofs_are_those_of_the_reference_implementation() {
    let tree = InMemory(reference());
    let path = digests(&[
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]);
    assert_eq!(prove_inclusion(&tree, 0, 8).unwrap(), path);
    let path = digests(&[
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    assert_eq!(prove_inclusion(&tree, 5, 8).unwrap(), path);
    let path = digests(&[
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    assert_eq!(prove_consistency(&tree, 6, 8).unwrap(), path);
}

#[test]
fn what_is_not_in_the_tree_is_not_proved() {
    let tree = InMemory(leaves(5));
    assert_eq!(prove_inclusion(&tree, 5, 5), Err(ProveError::Range { from: 5, to: 6, size: 5 }));
    assert_eq!(prove_consistency(&tree, 6, 5), Err(ProveError::Range { from: 0, to: 6, size: 5 }));
    assert_eq!(RangeProof::of(&tree, 4..6, 5), Err(ProveError::Range { from: 4, to: 6, size: 5 }));
    assert!(root_of_inclusion(&leaves(1)[0], 5, 5, &[]).is_err());
    assert_eq!(prove_inclusion(&tree, u64::MAX, 5), Err(ProveError::Range { from: u64::MAX, to: u64::MAX, size: 5 }));
}

#[test]
fn covers_are_short_at_every_size() {
    assert_eq!(cover(0..0).count(), 0);
    assert_eq!(cover(7..7).count(), 0);
    assert_eq!(cover(0..1 << 63).collect::<Vec<_>>(), [Subtree { height: 63, index: 0 }]);
    assert!(cover(1..u64::MAX).count() <= 126);
    assert_eq!(cover(0..u64::MAX).count(), 64);
}

#[test]
fn an_edge_of_another_length_is_refused() {
    let edge = leaves(2);
    assert_eq!(Frontier::from_edge(4, edge.clone()), Err(FrontierError::Hashes { size: 4, given: 2 }));
    assert!(Frontier::from_edge(5, edge.clone()).is_ok());
    let mut odd = Frontier::of(leaves(3));
    assert_eq!(odd.append_subtree(1, edge[0]), Err(FrontierError::Unaligned { size: 3, height: 1 }));
    assert!(odd.append_subtree(64, edge[0]).is_err());
    // At most 2^63 leaves.
    let mut full = Frontier::from_edge(1 << 63, vec![edge[0]]).unwrap();
    assert!(full.append_subtree(0, edge[1]).is_err());
    assert_eq!(full.append(edge[1]), []);
}

#[test]
fn full_tiles_are_named_when_they_fill() {
    let leaves = leaves(65_536);
    let mut frontier = Frontier::new();
    let mut full = Vec::new();
    for leaf in &leaves {
        full.extend(frontier.append(*leaf));
    }
    assert_eq!(full.len(), 257);
    for (number, tile) in full.iter().take(256).enumerate() {
        let index = number as u64;
        assert_eq!(*tile, FullTile { level: 0, index, hash: mth(&leaves[number * 256..(number + 1) * 256]) });
    }
    assert_eq!(full[256], FullTile { level: 1, index: 0, hash: mth(&leaves) });
    assert_eq!(frontier.edge(), [mth(&leaves)]);
}

/// Every proof of every small tree, and every tree that differs in one hash of the proof, in size, place or root.
#[test]
fn every_small_proof_holds_and_no_other_does() {
    let leaves = leaves(34);
    let tree = InMemory(leaves.clone());
    for size in 0..=leaves.len() as u64 {
        let root_of = mth(&leaves[..size as usize]);
        assert_eq!(root(&tree, size).unwrap(), root_of);
        assert_eq!(frontier(&tree, size).unwrap(), Frontier::of(leaves[..size as usize].iter().copied()));
        for index in 0..size {
            let leaf = &leaves[index as usize];
            let proof = prove_inclusion(&tree, index, size).unwrap();
            verify_inclusion(leaf, index, size, &root_of, &proof).unwrap();
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(leaf, other, size, &root_of, &proof).is_err(), "{index} as {other} of {size}");
                assert!(verify_inclusion(&leaves[other as usize], index, size, &root_of, &proof).is_err());
            }
            refuses_other_proofs(&proof, |proof| verify_inclusion(leaf, index, size, &root_of, proof));
        }
        for old in 0..=size {
            let old_root = mth(&leaves[..old as usize]);
            let proof = prove_consistency(&tree, old, size).unwrap();
            verify_consistency(old, &old_root, size, &root_of, &proof).unwrap();
            assert!(verify_consistency(old, &Digest([1; 32]), size, &root_of, &proof).is_err(), "{old} of {size}");
            if old > 0 {
                assert!(verify_consistency(old, &old_root, size, &Digest([1; 32]), &proof).is_err());
            }
            assert!(verify_consistency(size + 1, &old_root, size, &root_of, &proof).is_err());
            refuses_other_proofs(&proof, |proof| verify_consistency(old, &old_root, size, &root_of, proof));
        }
    }
}

fn refuses_other_proofs(proof: &[Digest], verify: impl Fn(&[Digest]) -> Result<(), ProofError>) {
    assert!(verify(&[proof, &[Digest([9; 32])]].concat()).is_err(), "longer");
    if let Some((_, shorter)) = proof.split_last() {
        assert!(verify(shorter).is_err(), "shorter");
    }
    for at in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[at].0[at % 32] ^= 1 << (at % 8);
        assert!(verify(&changed).is_err(), "hash {at}");
    }
}

#[test]
fn proofs_of_the_largest_trees_are_bounded() {
    /// Any hash will do: only the shape counts.
    struct Anything;
    impl super::HashReader for Anything {
        type Error = std::convert::Infallible;
        fn hash(&self, subtree: Subtree) -> Result<Digest, Self::Error> {
            Ok(Digest::of(&[&[subtree.height], &subtree.index.to_be_bytes()[..]].concat()))
        }
    }
    let size = (1 << 63) - 1;
    for index in [0, 1, size / 2, size - 1] {
        let proof = prove_inclusion(&Anything, index, size).unwrap();
        assert!(proof.len() < PROOF_HASHES_MAX, "{}", proof.len());
        root_of_inclusion(&Digest([0; 32]), index, size, &proof).unwrap();
        assert!(prove_consistency(&Anything, index + 1, size).unwrap().len() < PROOF_HASHES_MAX);
    }
}

proptest! {
    #[test]
    fn appending_gives_the_rfc_s_root(size in 0_usize..700) {
        let leaves = leaves(size);
        prop_assert_eq!(Frontier::of(leaves.iter().copied()).root(), mth(&leaves));
    }

    #[test]
    fn covers_have_exactly_the_leaves(from in 0_u64..100_000, count in 0_u64..100_000) {
        let mut next = from;
        for subtree in cover(from..from + count) {
            prop_assert_eq!(subtree.index << subtree.height, next);
            next += 1 << subtree.height;
        }
        prop_assert_eq!(next, from + count);
    }

    #[test]
    fn a_run_is_proved_at_its_place_only(size in 1_usize..400, cut in (0_usize..400, 0_usize..400), flip in 0_usize..4096) {
        let leaves = leaves(size);
        let (from, to) = (cut.0 % (size + 1), cut.1 % (size + 1));
        let (from, to) = (from.min(to), from.max(to));
        let (tree, root) = (InMemory(leaves.clone()), mth(&leaves));
        let proof = RangeProof::of(&tree, from as u64..to as u64, size as u64).unwrap();
        let run = &leaves[from..to];
        prop_assert_eq!(proof.verify(from as u64, run, size as u64, &root), Ok(()));
        prop_assert!(proof.verify(from as u64, run, size as u64, &empty_root()).is_err());
        // One leaf less, one twice, two exchanged, one bit changed.
        if let Some((_, shorter)) = run.split_first() {
            prop_assert!(proof.verify(from as u64, shorter, size as u64, &root).is_err());
            prop_assert!(proof.verify(from as u64, &[run, &run[..1]].concat(), size as u64, &root).is_err());
            let mut changed = run.to_vec();
            changed[flip % run.len()].0[flip % 32] ^= 1 << (flip % 8);
            prop_assert!(proof.verify(from as u64, &changed, size as u64, &root).is_err());
            if run.len() > 1 {
                let mut swapped = run.to_vec();
                swapped.swap(flip % run.len(), (flip + 1) % run.len());
                prop_assert!(proof.verify(from as u64, &swapped, size as u64, &root).is_err());
            }
        }
        for side in 0..2 {
            let mut changed = proof.clone();
            let hashes = if side == 0 { &mut changed.left } else { &mut changed.right };
            if !hashes.is_empty() {
                let at = flip % hashes.len();
                hashes[at].0[flip % 32] ^= 1 << (flip % 8);
                prop_assert!(changed.verify(from as u64, run, size as u64, &root).is_err());
                let hashes = if side == 0 { &mut changed.left } else { &mut changed.right };
                hashes.pop();
                prop_assert!(changed.verify(from as u64, run, size as u64, &root).is_err());
            }
        }
    }
}
