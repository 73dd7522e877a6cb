//! What the buyer paid for each line (domain policies 5.1.3): promos, discounts and apportioning.

use crate::contract::after_sale::{Order, PayChannel};
use crate::contract::types::Fen;

/// The largest amount the contract knows, in fen; every amount is kept within it, so that no sum or product can overflow.
pub const AMOUNT_MAX: Fen = 1_000_000_000_000;

/// The order's arithmetic. Vectors run along the order's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// `sub_i`: unit price × units.
    pub subs: Vec<Fen>,
    /// `w_i`: the same less the bundle's discount, which belongs to the bundle's own lines.
    pub weights: Vec<Fen>,
    /// `paid_i`: what the buyer paid for the line, freight apart.
    pub paid: Vec<Fen>,
    /// G = Σ `sub_i`.
    pub gross: Fen,
    /// What the buyer paid for the goods: Σ `paid_i`.
    pub total: Fen,
    /// T: the threshold promo's reduction, 0 if the order does not reach the threshold.
    pub threshold_off: Fen,
    /// X: platform discount, points and merchant coupons.
    pub other_off: Fen,
}

impl Bill {
    /// The bill of an order. Where the platform reports `paid` for every line, those values stand.
    pub fn of(order: &Order) -> Self {
        let subs: Vec<Fen> = order.lines.iter().map(|line| price(line.unit_price, line.qty)).collect();
        let gross = sum(subs.iter().copied());
        let weights = after_bundle(order, &subs);
        let threshold_off = match &order.threshold {
            Some(promo) if gross >= promo.threshold => bounded(promo.reduce_by),
            _ => 0,
        };
        let in_kind = order.payments.iter().filter(|payment| matches!(payment.channel, PayChannel::Points | PayChannel::MerchantCoupon));
        let other_off = bounded(bounded(order.platform_discount).saturating_add(sum(in_kind.map(|payment| bounded(payment.amount)))));
        let reported: Vec<Fen> = order.lines.iter().filter_map(|line| line.paid.map(bounded)).collect();
        let (total, paid) = if !reported.is_empty() && reported.len() == order.lines.len() {
            (sum(reported.iter().copied()), reported)
        } else {
            let total = sum(weights.iter().copied()).saturating_sub(threshold_off).saturating_sub(other_off).max(0);
            (total, largest_remainder(total, &weights))
        };
        Self { subs, weights, paid, gross, total, threshold_off, other_off }
    }

    /// D: what all discounts took off together; positive means that the lines' shares are apportioned.
    pub const fn discount(&self) -> Fen {
        self.gross.saturating_sub(self.total)
    }

    /// What the buyer paid for the line at `index`; 0 for a line that is not there.
    pub fn paid_of(&self, index: usize) -> Fen {
        self.paid.get(index).copied().unwrap_or(0)
    }
}

/// The price of so many units, within the contract's bounds.
pub fn price(unit_price: Fen, units: u32) -> Fen {
    bounded(bounded(unit_price).saturating_mul(i64::from(units)))
}

/// An amount as the contract allows it: never negative, never above [`AMOUNT_MAX`].
pub const fn bounded(amount: Fen) -> Fen {
    if amount < 0 {
        0
    } else if amount > AMOUNT_MAX {
        AMOUNT_MAX
    } else {
        amount
    }
}

/// The sum of amounts; saturates.
pub fn sum(amounts: impl IntoIterator<Item = Fen>) -> Fen {
    amounts.into_iter().fold(0, Fen::saturating_add)
}

/// `amount × part / whole`, half up to 1 fen; 0 if the whole is nothing.
pub fn half_up(amount: Fen, part: i64, whole: i64) -> Fen {
    if whole <= 0 {
        return 0;
    }
    let (quotient, rest) = mul_div(amount, part, whole);
    quotient.saturating_add(i64::from(rest >= whole - rest))
}

/// Distributes `total` over the weights: floors first, then 1 fen each to the largest remainders, ties to the lowest index. Weights
/// that are all zero get nothing.
pub fn largest_remainder(total: Fen, weights: &[Fen]) -> Vec<Fen> {
    let whole = sum(weights.iter().copied());
    if whole <= 0 || total <= 0 {
        return vec![0; weights.len()];
    }
    let mut rests = Vec::with_capacity(weights.len());
    let mut shares = Vec::with_capacity(weights.len());
    for weight in weights {
        let (share, rest) = mul_div(total, *weight, whole);
        shares.push(share);
        rests.push(rest);
    }
    let mut left = total.saturating_sub(sum(shares.iter().copied()));
    while left > 0 {
        // A strictly larger remainder wins, so that ties go to the lowest index; each line is raised once.
        let Some((index, _)) =
            rests.iter().enumerate().filter(|(_, rest)| **rest > 0).max_by(|one, two| one.1.cmp(two.1).then(two.0.cmp(&one.0)))
        else {
            break;
        };
        shares[index] += 1;
        rests[index] = 0;
        left -= 1;
    }
    shares
}

/// Quotient and remainder of a product of non-negative amounts; 64 bits where they are enough, as they nearly always are.
fn mul_div(amount: i64, part: i64, whole: i64) -> (i64, i64) {
    let (amount, part) = (amount.max(0), part.max(0));
    if let Some(product) = amount.checked_mul(part) {
        return (product / whole, product % whole);
    }
    let product = i128::from(amount) * i128::from(part);
    let (quotient, rest) = (product / i128::from(whole), product % i128::from(whole));
    (i64::try_from(quotient).unwrap_or(i64::MAX), i64::try_from(rest).unwrap_or(0))
}

fn after_bundle(order: &Order, subs: &[Fen]) -> Vec<Fen> {
    let Some(bundle) = &order.bundle else { return subs.to_vec() };
    let in_bundle: Vec<Fen> =
        order.lines.iter().zip(subs).map(|(line, sub)| if bundle.line_ids.contains(&line.line_id) { *sub } else { 0 }).collect();
    let bundled = largest_remainder(sum(in_bundle.iter().copied()).saturating_sub(bounded(bundle.bundle_off)).max(0), &in_bundle);
    order
        .lines
        .iter()
        .zip(subs.iter().zip(bundled))
        .map(|(line, (sub, bundled))| if bundle.line_ids.contains(&line.line_id) { bundled } else { *sub })
        .collect()
}
