//! With which two classes a match can begin: a program need not be entered where the text begins otherwise.

use crate::program::Inst;

/// Classes that can stand first and second in a match that does not begin at the start of the text; bit = class.
pub struct Starts {
    pub first: Vec<u32>,
    pub second: Vec<u32>,
}

/// Reads them off a program. A match that may end earlier, or that an end of the text may satisfy, leaves a row full.
pub fn starts(code: &[Inst], sets: &[Vec<u32>], classes: usize) -> Starts {
    let full = full_row(classes);
    let Some(first_places) = reachable(code, [0].into()) else { return Starts { first: full.clone(), second: full } };
    let first = union(code, sets, classes, &first_places);
    let after = first_places.iter().flat_map(|place| after(code, *place)).collect();
    let second = reachable(code, after).map_or(full, |places| union(code, sets, classes, &places));
    Starts { first, second }
}

fn full_row(classes: usize) -> Vec<u32> {
    vec![u32::MAX; classes.div_ceil(32)]
}

/// Where a program may stand after one scalar, before forks are followed.
fn after(code: &[Inst], place: usize) -> Vec<usize> {
    match code[place] {
        // Again in the same repeat, or behind it: more than can happen where it is full, which is safe.
        Inst::Repeat { .. } => vec![place, place + 1],
        _ => vec![place + 1],
    }
}

/// The instructions that read a scalar next, from these places on; none if the match may be over or ask for an end.
fn reachable(code: &[Inst], mut open: Vec<usize>) -> Option<Vec<usize>> {
    let (mut seen, mut reading) = (vec![false; code.len()], Vec::new());
    while let Some(place) = open.pop() {
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        match code[place] {
            Inst::Class(_) | Inst::Set(_) => reading.push(place),
            Inst::Repeat { min, .. } => {
                reading.push(place);
                if min == 0 {
                    open.push(place + 1);
                }
            }
            Inst::Split(one, other) => open.extend([usize::from(one), usize::from(other)]),
            Inst::Jump(to) => open.push(usize::from(to)),
            Inst::Save(_) => open.push(place + 1),
            // Position 0 is always tried; anywhere else this branch fails.
            Inst::Start => {}
            Inst::End | Inst::Match => return None,
        }
    }
    Some(reading)
}

fn union(code: &[Inst], sets: &[Vec<u32>], classes: usize, places: &[usize]) -> Vec<u32> {
    let mut row = vec![0_u32; classes.div_ceil(32)];
    for place in places {
        match code[*place] {
            Inst::Class(class) => row[usize::from(class / 32)] |= 1 << (class % 32),
            Inst::Set(set) | Inst::Repeat { set, .. } => row.iter_mut().zip(&sets[usize::from(set)]).for_each(|(bits, more)| *bits |= more),
            _ => {}
        }
    }
    row
}
