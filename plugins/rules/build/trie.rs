//! The trie of all words and of all literals that patterns need, over class ids.

use crate::Outcome;
use std::collections::BTreeMap;

/// What ends at a node: a word (its index) or a group of literals (its index with this bit).
pub const GROUP: u16 = 0x8000;

#[derive(Default)]
pub struct Trie {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    edges: BTreeMap<u16, u16>,
    ends: Vec<u16>,
}

impl Trie {
    pub fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    pub fn add(&mut self, text: &[u16], end: u16) -> Outcome<()> {
        let mut at = 0_usize;
        for class in text {
            let next = u16::try_from(self.nodes.len())?;
            let child = *self.nodes[at].edges.entry(*class).or_insert(next);
            if child == next {
                self.nodes.push(Node::default());
            }
            at = usize::from(child);
        }
        if at == 0 {
            return Err("an empty word".into());
        }
        if !self.nodes[at].ends.contains(&end) {
            self.nodes[at].ends.push(end);
        }
        Ok(())
    }

    /// Child of the root by class, 0 = none.
    pub fn root(&self, classes: usize) -> Vec<u16> {
        (0..classes).map(|class| self.nodes[0].edges.get(&(class as u16)).copied().unwrap_or(0)).collect()
    }

    /// Per node where its edges and its ends begin; one entry more for the end of the last. The root's edges are in `root`.
    pub fn flat(&self) -> Outcome<Flat> {
        let mut flat = Flat { edge_start: Vec::new(), end_start: Vec::new(), edges: Vec::new(), ends: Vec::new() };
        for (index, node) in self.nodes.iter().enumerate() {
            flat.edge_start.push(u16::try_from(flat.edges.len())?);
            flat.end_start.push(u16::try_from(flat.ends.len())?);
            if index > 0 {
                flat.edges.extend(node.edges.iter().map(|(class, child)| (*class, *child)));
                flat.ends.extend(&node.ends);
            }
        }
        flat.edge_start.push(u16::try_from(flat.edges.len())?);
        flat.end_start.push(u16::try_from(flat.ends.len())?);
        Ok(flat)
    }
}

pub struct Flat {
    pub edge_start: Vec<u16>,
    pub end_start: Vec<u16>,
    pub edges: Vec<(u16, u16)>,
    pub ends: Vec<u16>,
}
