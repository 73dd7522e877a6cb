//! Runs the program of one pattern: a backtracking matcher that prefers as Perl and RE2 do (leftmost, then first branch).
//!
//! Every fork is remembered with its position and never tried twice, so that the work is bounded by the length of the
//! program times the length of the text, times the longest bounded repeat (30). Nothing depends on the wording of a text
//! in any worse way, which matters because the text is whatever an agent or a customer typed.

use super::table::SETS;

/// One instruction. Positions count scalars of a view, programs are entered at 0.
#[derive(Clone, Copy, Debug)]
pub enum Inst {
    /// One scalar of this class.
    Class(u16),
    /// One scalar of this set.
    Set(u8),
    /// The first branch if it leads to a match, else the second.
    Split(u16, u16),
    Jump(u16),
    /// Remembers the position in a slot.
    Save(u8),
    /// Only at the start of the view.
    Start,
    /// Only at the end of the view.
    End,
    /// Between `min` and `max` scalars of a set, the longest first, or the shortest if `lazy`.
    Repeat {
        set: u8,
        min: u8,
        max: u8,
        lazy: bool,
    },
    Match,
}

/// A match of a pattern, in scalars of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The whole match.
    pub whole: (u32, u32),
    /// The group `span`, else the whole match.
    pub span: (u32, u32),
    /// The group beside `span`, if the pattern has one and it took part.
    pub value: Option<(u32, u32)>,
}

/// A slot that was not passed.
const UNSET: u32 = u32::MAX;

/// What is left to try, last in first out.
enum Job {
    Go {
        pc: u16,
        at: u32,
    },
    /// The other lengths of a repeat that took between `low` and `high`, in scalars of the text.
    Lengths {
        pc: u16,
        low: u32,
        high: u32,
        lazy: bool,
    },
    /// A slot as it was before the branch that failed.
    Restore {
        slot: u8,
        at: u32,
    },
}

/// Memory of the matcher, kept from pattern to pattern of one check.
#[derive(Default)]
pub struct Scratch {
    jobs: Vec<Job>,
    visited: Vec<u32>,
}

/// Looks for one pattern in one view, from left to right.
pub struct Search<'a> {
    code: &'a [Inst],
    classes: &'a [u16],
    scratch: &'a mut Scratch,
    /// `visited` has a bit for each instruction at each position from here on.
    base: u32,
}

impl<'a> Search<'a> {
    pub fn new(code: &'a [Inst], classes: &'a [u16], scratch: &'a mut Scratch) -> Self {
        Self { code, classes, scratch, base: 0 }
    }

    /// The first match that begins at `from` or later, where only the positions `starts` can begin one. `starts` rises.
    pub fn next(&mut self, from: u32, starts: impl Iterator<Item = u32>) -> Option<Found> {
        let mut starts = starts.skip_while(|start| *start < from).peekable();
        self.base = *starts.peek()?;
        self.scratch.visited.clear();
        // Forks that failed from one start fail from the next: `visited` is kept between them.
        starts.find_map(|start| self.at(start))
    }

    /// The match that begins at `start`.
    fn at(&mut self, start: u32) -> Option<Found> {
        let mut slots = [UNSET; 4];
        self.scratch.jobs.clear();
        self.scratch.jobs.push(Job::Go { pc: 0, at: start });
        while let Some(job) = self.scratch.jobs.pop() {
            let (pc, at) = match job {
                Job::Go { pc, at } => (pc, at),
                Job::Restore { slot, at } => {
                    slots[usize::from(slot)] = at;
                    continue;
                }
                Job::Lengths { pc, low, high, lazy } => {
                    let at = if lazy { low } else { high };
                    if low < high {
                        let (low, high) = if lazy { (low + 1, high) } else { (low, high - 1) };
                        self.scratch.jobs.push(Job::Lengths { pc, low, high, lazy });
                    }
                    (pc, at)
                }
            };
            if let Some(end) = self.run(pc, at, &mut slots) {
                return Some(found(start, end, slots));
            }
        }
        None
    }

    /// Follows one branch to its match or its failure, leaving the others as jobs.
    fn run(&mut self, pc: u16, at: u32, slots: &mut [u32; 4]) -> Option<u32> {
        let (mut pc, mut at) = (pc, at);
        loop {
            let class = self.classes.get(at as usize).copied();
            match *self.code.get(usize::from(pc))? {
                Inst::Class(wanted) if class == Some(wanted) => at += 1,
                Inst::Set(set) if class.is_some_and(|class| contains(set, class)) => at += 1,
                Inst::Class(_) | Inst::Set(_) => return None,
                Inst::Start if at == 0 => {}
                Inst::End if class.is_none() => {}
                Inst::Start | Inst::End => return None,
                Inst::Save(slot) => {
                    let before = std::mem::replace(&mut slots[usize::from(slot)], at);
                    self.scratch.jobs.push(Job::Restore { slot, at: before });
                }
                Inst::Jump(to) => {
                    pc = to;
                    continue;
                }
                Inst::Split(first, second) => {
                    if self.seen(pc, at) {
                        return None;
                    }
                    self.scratch.jobs.push(Job::Go { pc: second, at });
                    pc = first;
                    continue;
                }
                Inst::Repeat { set, min, max, lazy } => {
                    if self.seen(pc, at) {
                        return None;
                    }
                    let rest = self.classes.get(at as usize..).unwrap_or_default();
                    let longest = rest.iter().take(usize::from(max)).take_while(|class| contains(set, **class)).count() as u32;
                    if longest < u32::from(min) {
                        return None;
                    }
                    let (low, high) = (at + u32::from(min), at + longest);
                    self.scratch.jobs.push(Job::Lengths { pc: pc + 1, low, high, lazy });
                    return None;
                }
                Inst::Match => return Some(at),
            }
            pc += 1;
        }
    }

    /// Whether this fork was met before at this position; it is from now on.
    fn seen(&mut self, pc: u16, at: u32) -> bool {
        let bit = (at - self.base) as usize * self.code.len() + usize::from(pc);
        let (word, mask) = (bit / 32, 1 << (bit % 32));
        if word >= self.scratch.visited.len() {
            self.scratch.visited.resize(word + 1, 0);
        }
        let seen = self.scratch.visited[word] & mask != 0;
        self.scratch.visited[word] |= mask;
        seen
    }
}

fn found(start: u32, end: u32, slots: [u32; 4]) -> Found {
    let group = |from: u32, to: u32| (from != UNSET && to != UNSET).then_some((from, to));
    Found { whole: (start, end), span: group(slots[0], slots[1]).unwrap_or((start, end)), value: group(slots[2], slots[3]) }
}

/// Whether a class is inside a set of the tables.
pub(super) fn contains(set: u8, class: u16) -> bool {
    SETS[usize::from(set)][usize::from(class / 32)] & (1 << (class % 32)) != 0
}
