//! One pass over a view through the word trie: the words of the rules, and the literals that patterns need.

use super::table::{self, END_START, ENDS, GROUP, GROUPS, NONE, PATTERNS, Pattern, RULES, WORDS};
use super::vm::{Found, Scratch, Search, contains};
use crate::normalise::View;

/// A word of the lexicon found in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordHit {
    /// Index into `WORDS`.
    pub word: u16,
    pub start: u32,
    pub end: u32,
}

/// What the pass found.
pub struct Scan {
    /// For each rule the leftmost words, the longest at each position, none overlapping another of its rule.
    pub words: Vec<WordHit>,
    /// Which groups of literals are in the text at all.
    present: [bool; GROUPS],
    /// Each literal of a group, with where it begins; positions rise.
    literals: Vec<(u8, u32)>,
}

impl Scan {
    pub fn of(view: &View) -> Self {
        let classes = view.classes.as_slice();
        let mut scan = Self { words: Vec::new(), present: [false; GROUPS], literals: Vec::new() };
        let mut free_from = [0_u32; RULES.len()];
        for (start, class) in (0..).zip(classes) {
            let mut node = table::ROOT[usize::from(*class)];
            let mut end = start;
            let first = scan.words.len();
            while node != 0 {
                end += 1;
                let next = classes.get(end as usize).copied();
                scan.ends_at(node, start, end, next, first, &mut free_from);
                node = next.map_or(0, |class| child(node, class));
            }
            scan.words[first..].iter().for_each(|hit| free_from[usize::from(WORDS[usize::from(hit.word)].rule)] = hit.end);
        }
        scan
    }

    /// Takes what ends at a node. Words met at this position stand from `first` on: a longer one of the same rule replaces the shorter.
    fn ends_at(&mut self, node: u16, start: u32, end: u32, next: Option<u16>, first: usize, free_from: &mut [u32; RULES.len()]) {
        for id in &ENDS[usize::from(END_START[usize::from(node)])..usize::from(END_START[usize::from(node) + 1])] {
            if id & GROUP != 0 {
                let group = (id & !GROUP) as u8;
                self.present[usize::from(group)] = true;
                self.literals.push((group, start));
                continue;
            }
            let word = &WORDS[usize::from(*id)];
            let blocked = next.is_some_and(|class| word.not_before.contains(&class));
            if blocked || free_from[usize::from(word.rule)] > start {
                continue;
            }
            let hit = WordHit { word: *id, start, end };
            match self.words[first..].iter_mut().find(|shorter| WORDS[usize::from(shorter.word)].rule == word.rule) {
                Some(shorter) => *shorter = hit,
                None => self.words.push(hit),
            }
        }
    }

    /// Every match of a pattern: leftmost first, and on from the end of its span.
    pub fn matches(&self, pattern: u8, view: &View, scratch: &mut Scratch, mut each: impl FnMut(Found)) {
        let pattern = &PATTERNS[usize::from(pattern)];
        if pattern.needs.iter().any(|group| *group != NONE && !self.present[usize::from(*group)]) {
            return;
        }
        let mut search = Search::new(pattern.code, &view.classes, scratch);
        let mut from = 0;
        loop {
            let found = if pattern.prefix == NONE {
                search.next(from, candidates(pattern, &view.classes, from))
            } else {
                let starts = self.literals.iter().filter(|(group, _)| *group == pattern.prefix).map(|(_, start)| *start);
                search.next(from, starts)
            };
            let Some(found) = found else { return };
            // No pattern matches the empty text, but the search must move on whatever the data says.
            from = found.span.1.max(from + 1);
            each(found);
        }
    }
}

/// The child of a node that is not the root; most nodes have one or two.
fn child(node: u16, class: u16) -> u16 {
    let edges = &table::EDGES[usize::from(table::EDGE_START[usize::from(node)])..usize::from(table::EDGE_START[usize::from(node) + 1])];
    edges.iter().find(|(label, _)| *label == class).map_or(0, |(_, child)| *child)
}

/// Every match of a pattern in a view that no trie was run over.
pub fn matches_everywhere(pattern: u8, view: &View, scratch: &mut Scratch, mut each: impl FnMut(Found)) {
    let pattern = &PATTERNS[usize::from(pattern)];
    let mut search = Search::new(pattern.code, &view.classes, scratch);
    let mut from = 0;
    while let Some(found) = search.next(from, candidates(pattern, &view.classes, from)) {
        from = found.span.1.max(from + 1);
        each(found);
    }
}

/// Whether a pattern is found in a part of a view, taken for itself.
pub fn is_in(pattern: u8, classes: &[u16], scratch: &mut Scratch) -> bool {
    let pattern = &PATTERNS[usize::from(pattern)];
    Search::new(pattern.code, classes, scratch).next(0, candidates(pattern, classes, 0)).is_some()
}

/// Positions where the two next classes do not speak against a match.
fn candidates<'a>(pattern: &Pattern, classes: &'a [u16], from: u32) -> impl Iterator<Item = u32> + use<'a> {
    let (first, second) = pattern.begins;
    (from..classes.len() as u32).filter(move |at| {
        let next = classes.get(*at as usize + 1);
        *at == 0 || first == NONE || contains(first, classes[*at as usize]) && next.is_none_or(|class| contains(second, *class))
    })
}
