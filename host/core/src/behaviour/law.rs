//! By which law an amount goes along a stretch: it stays what it is, is a share of some money, or moves evenly with what is moved.

/// One fen: by so much rounding makes an amount differ from its law, whichever way it rounds.
const ROUNDING: i128 = 1;
/// Basis points of the whole.
const WHOLE: i128 = 10_000;
/// The more money the questions are about, the finer the shares that they tell apart: shares of so many basis points, the roundest first, and
/// from how many fen on the next one gives ten fen more. Below, one or the other would fit whatever the amount.
const FINEST: [(i128, i128); 5] = [(1_000, 100), (500, 200), (100, 1_000), (10, 10_000), (1, 100_000)];

/// One question of a stretch, as far as it concerns amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Where along the axis.
    pub at: i64,
    /// Every amount of both answers, in fen.
    pub amounts: Vec<i64>,
    /// Of what they may be shares, in fen.
    pub bases: Vec<i64>,
}

impl Sample {
    fn amount(&self, nth: usize) -> Option<i128> {
        self.amounts.get(nth).map(|fen| i128::from(*fen))
    }

    fn base(&self, nth: usize) -> Option<i128> {
        self.bases.get(nth).map(|fen| i128::from(*fen))
    }
}

/// How an amount goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// It stays what it is, in fen.
    Fixed(i64),
    /// So many basis points of a base, and so many fen more or less.
    Share {
        /// Which base.
        base: usize,
        /// Basis points; below zero where the amount falls as the base grows.
        bp: i64,
        /// What is added, in fen.
        plus: i64,
    },
    /// It moves evenly between two points of the axis.
    Even {
        /// A point, and the amount there.
        from: (i64, i64),
        /// Another one.
        to: (i64, i64),
    },
    /// It moves in a way that has no words.
    Varies,
}

impl Law {
    /// Whether an amount at a point goes by the law.
    pub fn holds(&self, sample: &Sample, nth: usize) -> bool {
        let Some(fen) = sample.amount(nth) else { return false };
        match self {
            Self::Fixed(own) => fen == i128::from(*own),
            Self::Share { base, bp, plus } => sample.base(*base).is_some_and(|base| {
                let off = (fen - i128::from(*plus)) * WHOLE - i128::from(*bp) * base;
                off.abs() <= ROUNDING * WHOLE
            }),
            Self::Even { from, to } => {
                let (at, from_at, to_at) = (i128::from(sample.at), i128::from(from.0), i128::from(to.0));
                let run = to_at - from_at;
                let off = (fen - i128::from(from.1)) * run - (i128::from(to.1) - i128::from(from.1)) * (at - from_at);
                // Beyond the two points, what they were rounded by counts the more the farther away.
                off.abs() <= ROUNDING * ((at - from_at).abs() + (to_at - at).abs())
            }
            Self::Varies => true,
        }
    }

    /// Whether so many questions are enough for it: through two points there always is an even line.
    pub fn supported(&self, samples: usize) -> bool {
        match self {
            Self::Fixed(_) => samples >= 1,
            Self::Share { plus: 0, .. } => samples >= 2,
            Self::Share { .. } | Self::Even { .. } => samples >= 3,
            Self::Varies => true,
        }
    }
}

/// The law by which one amount goes through all samples, the plainest that fits.
pub fn law(samples: &[Sample], nth: usize) -> Option<Law> {
    let (first, last) = (samples.first()?, samples.last()?);
    let (low, high) = (*first.amounts.get(nth)?, *last.amounts.get(nth)?);
    let all = |law: Law| samples.iter().all(|sample| law.holds(sample, nth)).then_some(law);
    if let Some(fixed) = all(Law::Fixed(low)) {
        return Some(fixed);
    }
    let bases = 0..first.bases.len();
    let shares = |with: bool| bases.clone().filter_map(|base| share(samples, nth, base, with).and_then(&all)).min_by_key(meant);
    let even = || (first.at != last.at).then_some(Law::Even { from: (first.at, low), to: (last.at, high) });
    shares(false).or_else(|| shares(true)).or_else(|| even().and_then(&all))
}

/// The whole of one thing is what is meant, whatever share it is of another; and more than the whole seldom is.
fn meant(law: &Law) -> (bool, bool) {
    match law {
        Law::Share { bp, .. } => (bp.abs() != 10_000, bp.abs() > 10_000),
        _ => (true, true),
    }
}

/// The share of one base that the amounts may be, without anything added or with.
fn share(samples: &[Sample], nth: usize, base: usize, with: bool) -> Option<Law> {
    let least = samples.iter().min_by_key(|sample| sample.base(base))?;
    let most = samples.iter().max_by_key(|sample| sample.base(base))?;
    let (low, high) = (least.base(base)?, most.base(base)?);
    let (from, to) = (least.amount(nth)?, most.amount(nth)?);
    if low == high {
        return None;
    }
    // Where something may be added, the money in between tells, and that twice as hard.
    let (rise, run, hard) = if with { (to - from, high - low, 2) } else { (to, high, 1) };
    if run <= 0 {
        return None;
    }
    let fits = |step: i128| {
        let bp = nearest(rise * WHOLE, run * step)? * step;
        let plus = if with { added(samples, nth, base, bp)? } else { 0 };
        let law = Law::Share { base, bp: i64::try_from(bp).ok()?, plus };
        (bp != 0 && samples.iter().all(|sample| law.holds(sample, nth))).then_some(law)
    };
    FINEST.into_iter().filter(|(_, apart)| run >= hard * *apart).find_map(|(step, _)| fits(step))
}

/// The roundest number of fen that may be added to a share at every sample.
fn added(samples: &[Sample], nth: usize, base: usize, bp: i128) -> Option<i64> {
    let mut ends: Option<(i128, i128)> = None;
    for sample in samples {
        let off = sample.amount(nth)? * WHOLE - bp * sample.base(base)?;
        let own = (-(-off + ROUNDING * WHOLE).div_euclid(WHOLE), (off + ROUNDING * WHOLE).div_euclid(WHOLE));
        ends = Some(ends.map_or(own, |(low, high)| (low.max(own.0), high.min(own.1))));
    }
    let (low, high) = ends.filter(|(low, high)| low <= high)?;
    let steps = [10_000_i128, 1_000, 100, 10, 1];
    let round = steps.iter().map(|step| high.div_euclid(*step) * step).find(|round| *round >= low)?;
    i64::try_from(round).ok()
}

/// The whole number next to a fraction.
fn nearest(above: i128, below: i128) -> Option<i128> {
    (below > 0).then(|| (2 * above + below).div_euclid(2 * below))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples with one amount and one base.
    fn samples(points: &[(i64, i64)]) -> Vec<Sample> {
        points.iter().map(|(base, fen)| Sample { at: *base, amounts: vec![*fen], bases: vec![*base] }).collect()
    }

    #[test]
    fn the_plainest_law_that_fits_is_told() {
        let of = |points: &[(i64, i64)]| law(&samples(points), 0);
        assert_eq!(of(&[(1_000, 600), (5_000, 600)]), Some(Law::Fixed(600)));
        assert_eq!(of(&[(10_000, 1_000), (19_994, 1_999), (40_000, 4_000)]), Some(Law::Share { base: 0, bp: 1_000, plus: 0 }));
        assert_eq!(of(&[(10_000, 125), (20_000, 250), (120_000, 1_500)]), Some(Law::Share { base: 0, bp: 125, plus: 0 }));
        // Rounded down, a tenth is a tenth.
        assert_eq!(of(&[(10_009, 1_000), (19_999, 1_999), (40_000, 4_000)]), Some(Law::Share { base: 0, bp: 1_000, plus: 0 }));
        assert_eq!(of(&[(10_000, 2_500), (20_000, 2_000), (50_000, 500)]), Some(Law::Share { base: 0, bp: -500, plus: 3_000 }));
        assert_eq!(of(&[(1_000, 880), (19_900, 19_780), (30_000, 29_880)]), Some(Law::Share { base: 0, bp: 10_000, plus: -120 }));
        assert_eq!(of(&[(5_000, 600), (6_000, 600), (20_000, 2_000)]), None, "a share with a least");
    }

    #[test]
    fn what_is_moved_moves_the_amount_where_no_base_does() {
        let at = |at: i64, fen: i64| Sample { at, amounts: vec![fen], bases: vec![20_000] };
        let even = law(&[at(10, 100), at(15, 150), at(30, 300)], 0).unwrap();
        assert_eq!(even, Law::Even { from: (10, 100), to: (30, 300) });
        assert!(even.holds(&at(20, 200), 0) && even.holds(&at(20, 201), 0) && !even.holds(&at(20, 203), 0));
        assert!(!even.supported(2) && even.supported(3));
        assert_eq!(law(&[at(10, 100), at(15, 100), at(30, 300)], 0), None);
    }

    /// Among a few yuan, a share to the basis point would fit anything.
    #[test]
    fn what_is_close_together_tells_only_round_shares() {
        let of = |points: &[(i64, i64)]| law(&samples(points), 0);
        assert_eq!(of(&[(1_800, 180), (2_000, 200), (2_200, 220)]), Some(Law::Share { base: 0, bp: 1_000, plus: 0 }));
        assert!(!matches!(of(&[(1_800, 59), (2_000, 66), (2_200, 73)]), Some(Law::Share { .. })));
    }
}
