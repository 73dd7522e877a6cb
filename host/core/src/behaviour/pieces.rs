//! Where within a stretch the law of an amount changes: the limits of a least and a most, and the steps of a staircase. The longest run of points
//! that one law explains is taken, its end is located by bisection, and what comes after it begins anew.

use super::ladder::{Point, Search};
use super::law::{Law, Sample, law};

/// Pieces of one region: beyond them an amount has no law that could be told.
const PIECES_MAX: usize = 8;
/// Questions that the pieces of one region may take.
const QUESTIONS_MAX: usize = 600;
/// Where between two points it is looked whether a law holds there too, in hundredths: what lies at regular distances shows.
const BETWEEN: [i64; 2] = [38, 71];

/// From where to where, and the law of each amount.
pub(super) type Piece = (i64, i64, Vec<Law>);

impl<F: FnMut(i64) -> Option<Point>> Search<'_, F> {
    /// The law of each amount in the whole of a region, as far as was asked.
    pub(super) fn whole(&self, from: i64, to: i64) -> Vec<Law> {
        let samples = self.samples(from, to);
        let amounts = samples.first().map_or(0, |sample| sample.amounts.len());
        (0..amounts).map(|nth| law(&samples, nth).filter(|law| law.supported(samples.len())).unwrap_or(Law::Varies)).collect()
    }

    /// The pieces of a region in which the answers are alike and amounts are not.
    pub(super) fn pieces(&mut self, from: i64, to: i64) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut begin, mut asked) = (from, 0);
        while pieces.len() < PIECES_MAX && asked < QUESTIONS_MAX {
            let Some((end, laws)) = self.longest(begin, to, &mut asked) else { break };
            pieces.push((begin, end, laws));
            if end >= to {
                return self.rounded(pieces);
            }
            begin = end + 1;
        }
        vec![(from, to, self.whole(from, to))]
    }

    /// The longest piece from a value on. None where nothing can be asked any more.
    fn longest(&mut self, begin: i64, to: i64, asked: &mut usize) -> Option<(i64, Vec<Law>)> {
        while *asked < QUESTIONS_MAX {
            let samples = self.samples(begin, to);
            let (count, laws) = explained(&samples)?;
            let explained = samples.get(..count)?;
            let end = explained.last()?.at;
            if !laws.iter().all(|law| law.supported(count)) {
                // Two points, through which there always is a line: what is between them tells. Between neighbours there is a step.
                if end - begin <= 1 {
                    return Some((begin, samples.first()?.amounts.iter().map(|fen| Law::Fixed(*fen)).collect()));
                }
                *asked += 1;
                self.point(begin + (end - begin) / 2)?;
                continue;
            }
            if !self.confirmed(explained, &laws, asked) {
                continue;
            }
            let Some(after) = samples.get(count).map(|sample| sample.at) else { return Some((end, laws)) };
            return Some((self.last_of(end, after, &laws, asked), laws));
        }
        None
    }

    /// Whether laws hold between the points that they were found from: in the widest gap, and at the beginning.
    fn confirmed(&mut self, samples: &[Sample], laws: &[Law], asked: &mut usize) -> bool {
        let gaps = samples.windows(2).filter_map(|pair| match pair {
            [one, next] if next.at - one.at > 1 => Some((one.at, next.at - one.at)),
            _ => None,
        });
        let gaps: Vec<(i64, i64)> = gaps.collect();
        let widest = gaps.iter().max_by_key(|(_, gap)| *gap);
        let chosen: Vec<i64> =
            [widest, gaps.first()].into_iter().flatten().zip(BETWEEN).map(|((at, gap), part)| at + gap * part / 100).collect();
        chosen.into_iter().all(|at| {
            *asked += 1;
            self.holds(at, laws)
        })
    }

    /// The last value to which laws hold, between one where they do and one where they do not.
    fn last_of(&mut self, mut holds: i64, mut fails: i64, laws: &[Law], asked: &mut usize) -> i64 {
        while fails - holds > 1 {
            let middle = holds + (fails - holds) / 2;
            *asked += 1;
            if self.holds(middle, laws) { holds = middle } else { fails = middle }
        }
        // The next piece begins with a value that was asked for.
        self.point(fails);
        holds
    }

    fn holds(&mut self, at: i64, laws: &[Law]) -> bool {
        self.point(at);
        let samples = self.samples(at, at);
        samples
            .first()
            .is_some_and(|sample| sample.amounts.len() == laws.len() && laws.iter().enumerate().all(|(nth, law)| law.holds(sample, nth)))
    }

    /// Two laws that meet hold both where rounding makes them the same: there the roundest value is where one ends.
    fn rounded(&mut self, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut rounded: Vec<Piece> = Vec::new();
        for (mut from, to, laws) in pieces {
            while let Some((earlier, end, _)) = rounded.last_mut() {
                let (earlier, own_end) = (*earlier, *end);
                let mut first = from;
                if self.holds(own_end, &laws) {
                    first = if self.holds(earlier, &laws) { earlier } else { self.first_of(earlier, own_end, &laws) };
                }
                if first == earlier {
                    // The piece before is but the beginning of this one.
                    from = earlier;
                    rounded.pop();
                    continue;
                }
                if first < from {
                    let steps = self.ground.steps.iter().chain([&1]);
                    let limit = steps.map(|step| own_end.div_euclid(*step) * step).find(|round| *round >= first).unwrap_or(own_end);
                    // Both sides are ends, and ends are asked for.
                    self.point(limit);
                    self.point(limit + 1);
                    if let Some((_, end, _)) = rounded.last_mut() {
                        *end = limit;
                    }
                    from = limit + 1;
                }
                break;
            }
            rounded.push((from, to, laws));
        }
        rounded
    }

    /// The first value from which laws hold, between one where they do not and one where they do.
    fn first_of(&mut self, mut fails: i64, mut holds: i64, laws: &[Law]) -> i64 {
        while holds - fails > 1 {
            let middle = fails + (holds - fails) / 2;
            if self.holds(middle, laws) { holds = middle } else { fails = middle }
        }
        holds
    }
}

/// How many samples from the first on go by one law for each amount, and these laws.
fn explained(samples: &[Sample]) -> Option<(usize, Vec<Law>)> {
    let amounts = samples.first()?.amounts.len();
    let laws = |count: usize| -> Option<Vec<Law>> { (0..amounts).map(|nth| law(samples.get(..count)?, nth)).collect() };
    let (mut least, mut beyond) = (1, samples.len() + 1);
    while beyond - least > 1 {
        let middle = least + (beyond - least) / 2;
        if laws(middle).is_some() { least = middle } else { beyond = middle }
    }
    Some((least, laws(least)?))
}
