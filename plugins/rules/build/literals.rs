//! What a text must contain for a pattern to match: sets of literals of which each match holds at least one.
//!
//! The word trie looks for these literals in the same pass as for the words, so that a pattern's program runs only over
//! the few texts that have all its sets, and only from where its first set begins when that opens the pattern.

use crate::Outcome;
use crate::alphabet::Alphabet;
use crate::program::{Pattern, unicode_class};
use regex_syntax::hir::{Hir, HirKind, Repetition};
use std::collections::BTreeSet;

/// A literal, as class ids.
pub type Literal = Vec<u16>;

/// Every match contains one of these.
pub type Group = BTreeSet<Literal>;

/// A group may hold this many literals; a longer product of alternatives is cut in two groups.
const GROUP_MAX: usize = 64;
/// A pattern is guarded by at most this many groups.
pub const GROUPS_MAX: usize = 3;

pub struct Needs {
    /// The most telling groups, best first.
    pub groups: Vec<Group>,
    /// The one every match begins with, if it is among them.
    pub prefix: Option<usize>,
}

/// What a pattern needs; empty when nothing is known, so that it always runs.
pub fn needs(pattern: &Pattern, alphabet: &Alphabet) -> Outcome<Needs> {
    let mut found = required(&pattern.hir, alphabet)?;
    // A single character is met in almost every text: it guards only where there is nothing better.
    if found.iter().any(|(group, _)| shortest(group) >= 2) {
        found.retain(|(group, _)| shortest(group) >= 2);
    }
    found.sort_by_key(|(group, _)| (std::cmp::Reverse(shortest(group).min(2)), group.len()));
    found.truncate(GROUPS_MAX);
    let prefix = found.iter().position(|(_, prefix)| *prefix);
    Ok(Needs { groups: found.into_iter().map(|(group, _)| group).collect(), prefix })
}

fn shortest(group: &Group) -> usize {
    group.iter().map(Vec::len).min().unwrap_or(0)
}

/// Groups of a node, each with whether every match of the node begins with it.
fn required(hir: &Hir, alphabet: &Alphabet) -> Outcome<Vec<(Group, bool)>> {
    if let Some(group) = language(hir, alphabet)? {
        return Ok(if shortest(&group) > 0 { vec![(group, true)] } else { Vec::new() });
    }
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub, alphabet),
        HirKind::Concat(_) => concat(&flat(hir), alphabet),
        HirKind::Alternation(branches) => {
            // One literal of the best group of every branch; a branch without a group leaves the whole without one.
            let mut union = Group::new();
            let mut prefix = true;
            for branch in branches {
                let groups = required(branch, alphabet)?;
                let Some((group, opens)) = groups.into_iter().max_by_key(|(group, _)| shortest(group)) else { return Ok(Vec::new()) };
                union.extend(group);
                prefix &= opens;
            }
            Ok(if union.len() <= GROUP_MAX { vec![(union, prefix)] } else { Vec::new() })
        }
        HirKind::Repetition(Repetition { min: 1.., sub, .. }) => required(sub, alphabet),
        _ => Ok(Vec::new()),
    }
}

/// Neighbouring parts of finite language are joined to longer literals while their product stays small.
fn concat(parts: &[&Hir], alphabet: &Alphabet) -> Outcome<Vec<(Group, bool)>> {
    let mut groups = Vec::new();
    let mut joined = Group::from([Vec::new()]);
    let mut at_start = true;
    let flush = |joined: &mut Group, at_start: bool, groups: &mut Vec<(Group, bool)>| {
        let group = std::mem::replace(joined, Group::from([Vec::new()]));
        if shortest(&group) > 0 {
            groups.push((group, at_start));
        }
    };
    for part in parts {
        match language(part, alphabet)? {
            Some(group) if joined.len() * group.len() <= GROUP_MAX => joined = product(&joined, &group),
            Some(group) => {
                flush(&mut joined, at_start, &mut groups);
                at_start = false;
                joined = group;
            }
            None => {
                flush(&mut joined, at_start, &mut groups);
                let first = at_start && groups.is_empty();
                groups.extend(required(part, alphabet)?.into_iter().map(|(group, opens)| (group, opens && first)));
                at_start = false;
            }
        }
    }
    flush(&mut joined, at_start, &mut groups);
    Ok(groups)
}

/// The parts of a concatenation, groups opened.
fn flat(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().flat_map(flat).collect(),
        HirKind::Capture(capture) => flat(&capture.sub),
        _ => vec![hir],
    }
}

/// Everything a node can match, if that is a short list.
fn language(hir: &Hir, alphabet: &Alphabet) -> Outcome<Option<Group>> {
    Ok(match hir.kind() {
        HirKind::Empty => Some(Group::from([Vec::new()])),
        HirKind::Literal(literal) => Some(Group::from([alphabet.word(std::str::from_utf8(&literal.0)?)?])),
        HirKind::Class(class) => {
            let inside = alphabet.finite_set(unicode_class(class)?);
            inside.filter(|classes| classes.len() <= 16).map(|classes| classes.into_iter().map(|class| vec![class]).collect())
        }
        HirKind::Look(_) => None,
        HirKind::Capture(capture) => language(&capture.sub, alphabet)?,
        HirKind::Concat(parts) => {
            let mut joined = Group::from([Vec::new()]);
            for part in parts {
                match language(part, alphabet)? {
                    Some(group) if joined.len() * group.len() <= GROUP_MAX => joined = product(&joined, &group),
                    _ => return Ok(None),
                }
            }
            Some(joined)
        }
        HirKind::Alternation(branches) => {
            let mut union = Group::new();
            for branch in branches {
                let Some(group) = language(branch, alphabet)? else { return Ok(None) };
                union.extend(group);
            }
            Some(union).filter(|union| union.len() <= GROUP_MAX)
        }
        HirKind::Repetition(Repetition { min, max: Some(max @ 0..=3), sub, .. }) => {
            let Some(once) = language(sub, alphabet)? else { return Ok(None) };
            let mut powers = Group::new();
            let mut power = Group::from([Vec::new()]);
            for times in 0..=*max {
                if times >= *min {
                    powers.extend(power.iter().cloned());
                }
                if power.len() * once.len() > GROUP_MAX {
                    return Ok(None);
                }
                power = product(&power, &once);
            }
            Some(powers).filter(|powers| powers.len() <= GROUP_MAX)
        }
        HirKind::Repetition(_) => None,
    })
}

fn product(left: &Group, right: &Group) -> Group {
    left.iter().flat_map(|head| right.iter().map(move |tail| [head.as_slice(), tail].concat())).collect()
}
