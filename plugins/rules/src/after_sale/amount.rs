//! What is refunded (domain policies 5.1.3): plain, fault and no-reason amounts with the rules that joined.

use super::bill::{Bill, bounded, half_up, largest_remainder, price, sum};
use super::explain::Row;
use super::line::Requested;
use super::sources::{AS_801, AS_802, AS_803, AS_804, AS_805, AS_808, AS_809};
use crate::contract::after_sale::{Gift, Order};
use crate::contract::types::{Fen, Tri};

/// Which of the three amounts is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The lines' shares alone.
    Plain,
    /// The same plus the freight paid, once everything has come back. No promo, free shipping or gift is withdrawn.
    Fault,
    /// The account after this return over all returns of the order (七日办法 12, 17, 18).
    NoReason,
}

/// What a merchant may choose of the no-reason amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReasonTerms {
    /// How a part return that breaks a promo is settled.
    pub partial: PartialMode,
    /// Whether the card fee that the merchant bore is taken off (七日办法 16).
    pub deduct_card_fee: bool,
}

/// How a part return that breaks a threshold or bundle promo is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialMode {
    /// What is kept is settled at the prices of the purchase (七日办法 17).
    RecomputeIfBroken,
    /// The buyer keeps the apportioned discount.
    Apportion,
}

impl NoReasonTerms {
    /// The seven-day rules as they stand, nothing agreed beyond them.
    pub const STATUTORY: Self = Self { partial: PartialMode::RecomputeIfBroken, deduct_card_fee: false };
}

/// An amount with what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// The refund in fen, never negative.
    pub refund: Fen,
    /// The part of it that is freight.
    pub freight: Fen,
    /// The AS-80x rules that were used, in the order of the table.
    pub rules: Vec<&'static Row>,
}

/// An order and the lines of it that a case asks about.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its arithmetic.
    pub bill: &'a Bill,
    /// R: the requested lines.
    pub lines: &'a [Requested<'a>],
}

impl Account<'_> {
    /// The amount on a basis.
    pub fn amount(&self, basis: Basis, terms: &NoReasonTerms) -> Amount {
        match basis {
            Basis::Plain => self.plain(),
            Basis::Fault => self.fault(),
            Basis::NoReason => self.no_reason(terms),
        }
    }

    /// The price of the units asked for, as paid; what a multiple of the price is counted on (消法 55).
    pub fn price(&self) -> Fen {
        sum(self.lines.iter().map(|line| self.share(line)))
    }

    /// The share of one line's units: with k units back and m asked, what k + m units are worth less what k are.
    pub fn share(&self, line: &Requested<'_>) -> Fen {
        let paid = self.bill.paid_of(line.index);
        let before = line.line.qty_returned.min(line.line.qty);
        let after = before.saturating_add(line.units).min(line.line.qty);
        returned_share(paid, after, line.line.qty) - returned_share(paid, before, line.line.qty)
    }

    /// What can still be refunded for one line's units.
    pub fn due_of(&self, line: &Requested<'_>) -> Fen {
        self.share(line).min(self.bill.paid_of(line.index).saturating_sub(bounded(line.line.refunded))).max(0)
    }

    /// The freight that comes back when everything has.
    pub fn freight_due(&self) -> Fen {
        if self.is_last() { bounded(self.order.freight_paid.saturating_sub(bounded(self.order.freight_refunded))) } else { 0 }
    }

    /// `last`: with R every unit of the order has come back or is cancelled.
    pub fn is_last(&self) -> bool {
        (0..self.order.lines.len()).all(|index| self.kept(index) == 0)
    }

    fn plain(&self) -> Amount {
        let refund = bounded(sum(self.lines.iter().map(|line| self.due_of(line))));
        let rules = if self.bill.discount() > 0 { vec![&AS_801] } else { Vec::new() };
        Amount { refund, freight: 0, rules }
    }

    fn fault(&self) -> Amount {
        let plain = self.plain();
        let freight = self.freight_due();
        Amount { refund: bounded(plain.refund.saturating_add(freight)), freight, rules: plain.rules }
    }

    fn no_reason(&self, terms: &NoReasonTerms) -> Amount {
        let bill = self.bill;
        let after = AfterReturn::of(self);
        let mut rules = Vec::new();
        let recompute = terms.partial == PartialMode::RecomputeIfBroken && (after.threshold_broken || after.bundle_broken);
        let kept_cost = if recompute {
            if after.threshold_broken {
                rules.push(&AS_803);
            }
            if after.bundle_broken {
                rules.push(&AS_804);
            }
            self.cost_at_purchase_prices(&after)
        } else {
            if bill.discount() > 0 {
                rules.push(&AS_801);
            }
            self.cost_apportioned(&after)
        };
        let mut amount = bill.total.saturating_sub(kept_cost).saturating_sub(self.refunded_of_gone_lines(&after));
        if let Some(freight) = self.would_be_freight(&after) {
            rules.push(&AS_802);
            amount = amount.saturating_sub(freight);
        }
        let gifts: Fen = sum(self.order.gifts.iter().map(|gift| self.gift_price(gift, &after)));
        if gifts > 0 {
            rules.push(&AS_805);
            amount = amount.saturating_sub(gifts);
        }
        let fee = if terms.deduct_card_fee { self.card_fee(&after) } else { 0 };
        if fee > 0 {
            rules.push(&AS_808);
            amount = amount.saturating_sub(fee);
        }
        if amount < 0 {
            rules.push(&AS_809);
        }
        Amount { refund: amount.clamp(0, self.goods_balance(&after)), freight: 0, rules }
    }

    /// Units of a line that stay with the buyer after this return.
    fn kept(&self, index: usize) -> u32 {
        let Some(line) = self.order.lines.get(index) else { return 0 };
        let asked = self.lines.iter().find(|line| line.index == index).map_or(0, |line| line.units);
        line.qty.saturating_sub(line.qty_returned.saturating_add(asked))
    }

    fn cost_apportioned(&self, after: &AfterReturn) -> Fen {
        let costs = self.order.lines.iter().zip(&after.kept).enumerate().map(|(index, (line, kept))| {
            let paid = self.bill.paid_of(index);
            paid - returned_share(paid, line.qty.saturating_sub(*kept), line.qty)
        });
        sum(costs)
    }

    fn cost_at_purchase_prices(&self, after: &AfterReturn) -> Fen {
        let bill = self.bill;
        let other = largest_remainder(bill.other_off, &bill.weights);
        let threshold = largest_remainder(if after.threshold_broken { 0 } else { bill.threshold_off }, &bill.weights);
        let costs = self.order.lines.iter().zip(&after.kept).enumerate().map(|(index, (line, kept))| {
            // Outside the bundle `sub` and `w` are the same, so the bundle's share is their difference.
            let bundle = if after.bundle_broken { 0 } else { bill.subs[index] - bill.weights[index] };
            let discounts = other[index].saturating_add(threshold[index]).saturating_add(bundle);
            // Goods that are kept never cost less than nothing, whatever discounts a platform reports.
            (price(line.unit_price, *kept) - half_up(discounts, i64::from(*kept), i64::from(line.qty))).max(0)
        });
        sum(costs)
    }

    fn refunded_of_gone_lines(&self, after: &AfterReturn) -> Fen {
        let gone = self.order.lines.iter().zip(&after.kept).filter(|(line, kept)| **kept < line.qty);
        sum(gone.map(|(line, _)| bounded(line.refunded)))
    }

    /// What the buyer paid for the lines that went or go back, less what was refunded for them: no account pays more.
    fn goods_balance(&self, after: &AfterReturn) -> Fen {
        let gone = self.order.lines.iter().zip(&after.kept).enumerate().filter(|(_, (line, kept))| **kept < line.qty);
        bounded(sum(gone.map(|(index, (line, _))| self.bill.paid_of(index) - bounded(line.refunded))))
    }

    /// AS-802: something is kept and the disclosed free-shipping threshold is no longer met.
    fn would_be_freight(&self, after: &AfterReturn) -> Option<Fen> {
        let free = self.order.free_ship.as_ref().filter(|free| free.disclosed)?;
        (after.keeps_something && self.bill.gross >= free.threshold && free.threshold > after.kept_value)
            .then(|| bounded(free.would_be_freight))
            .filter(|freight| *freight > 0)
    }

    /// AS-805: the marked price of a gift that the buyer keeps though its condition is gone; unmarked or not said, nothing.
    fn gift_price(&self, gift: &Gift, after: &AfterReturn) -> Fen {
        let Some(marked) = gift.marked_price.filter(|_| gift.returned == Tri::No) else { return 0 };
        let threshold_gone = gift.tied_to_threshold.is_some_and(|threshold| threshold > after.kept_value);
        let line_gone = gift.tied_to_line.as_ref().is_some_and(|id| self.charged_with_gift(id, after));
        if threshold_gone || line_gone { bounded(marked) } else { 0 }
    }

    /// Nothing of the gift's line is kept, and it is a line of R, or one whose earlier return was already charged with the gift: its
    /// refund is below its share then. Charging it again here keeps the account over all returns in step; a line that came back
    /// for a fault was refunded in full and never pays for its gift.
    fn charged_with_gift(&self, line_id: &str, after: &AfterReturn) -> bool {
        let Some(index) = self.order.lines.iter().position(|line| line.line_id == line_id) else { return false };
        let (line, kept) = (&self.order.lines[index], after.kept[index]);
        if kept > 0 || line.qty == 0 {
            return false;
        }
        self.lines.iter().any(|requested| requested.index == index) || bounded(line.refunded) < self.bill.paid_of(index)
    }

    /// The marked prices of the kept gifts that came with a requested line of which nothing is kept.
    pub(super) fn gifts_with(&self, line: &Requested<'_>) -> Fen {
        if self.kept(line.index) > 0 {
            return 0;
        }
        let kept_gifts = self.order.gifts.iter().filter(|gift| gift.returned == Tri::No);
        let of_line = kept_gifts.filter(|gift| gift.tied_to_line.as_ref() == Some(&line.line.line_id));
        sum(of_line.filter_map(|gift| gift.marked_price.map(bounded)))
    }

    /// AS-808: the fee's part for everything that went back so far.
    fn card_fee(&self, after: &AfterReturn) -> Fen {
        let fee = bounded(sum(self.order.payments.iter().map(|payment| bounded(payment.fee))));
        let back = self.bill.total.saturating_sub(self.cost_apportioned(after));
        half_up(fee, back, self.bill.total)
    }
}

/// What a number of units back is worth of what the line cost.
fn returned_share(paid: Fen, back: u32, qty: u32) -> Fen {
    half_up(paid, i64::from(back), i64::from(qty))
}

/// The order after this return.
struct AfterReturn {
    /// K_i: units kept of each line.
    kept: Vec<u32>,
    /// K: their value at unit prices.
    kept_value: Fen,
    /// At least one unit is kept.
    keeps_something: bool,
    /// AS-803: something is kept and the disclosed threshold, met before, is no longer.
    threshold_broken: bool,
    /// AS-804: a disclosed bundle is kept in part.
    bundle_broken: bool,
}

impl AfterReturn {
    fn of(account: &Account<'_>) -> Self {
        let order = account.order;
        let kept: Vec<u32> = (0..order.lines.len()).map(|index| account.kept(index)).collect();
        let kept_value = sum(order.lines.iter().zip(&kept).map(|(line, kept)| price(line.unit_price, *kept)));
        let keeps_something = kept.iter().any(|kept| *kept > 0);
        let threshold_broken = account.bill.threshold_off > 0
            && keeps_something
            && order.threshold.as_ref().is_some_and(|promo| promo.disclosed && promo.threshold > kept_value);
        let bundle_broken = order.bundle.as_ref().is_some_and(|bundle| {
            let mut lines = order.lines.iter().zip(&kept).filter(|(line, _)| bundle.line_ids.contains(&line.line_id));
            let keeps_some = lines.clone().any(|(_, kept)| *kept > 0);
            bundle.disclosed && bundle.bundle_off > 0 && keeps_some && lines.any(|(line, kept)| *kept < line.qty)
        });
        Self { kept, kept_value, keeps_something, threshold_broken, bundle_broken }
    }
}
