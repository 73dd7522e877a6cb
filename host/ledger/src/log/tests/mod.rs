//! The log against the RFC's own recursion, against vectors of other implementations, and against tampering.

mod note;
mod receipt;
mod tile;
mod tree;

use std::convert::Infallible;

use super::HashReader;
use super::tree::{Subtree, node_hash};
use crate::{Digest, leaf_hash};

/// MTH of RFC 6962, section 2.1, as it is written there.
fn mth(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
        }
    }
}

fn leaves(count: usize) -> Vec<Digest> {
    (0..count).map(|number| leaf_hash(format!("leaf {number}").as_bytes())).collect()
}

/// The hashes of a tree that is all in memory.
struct InMemory(Vec<Digest>);

impl HashReader for InMemory {
    type Error = Infallible;

    fn hash(&self, subtree: Subtree) -> Result<Digest, Infallible> {
        let width = 1_usize << subtree.height;
        let from = subtree.index as usize * width;
        Ok(mth(&self.0[from..from + width]))
    }
}
