//! Where a refund goes: the channels it was paid from (七日办法 14, 15), the balance it may not exceed (CAP-01), and the lines it is for.

use super::amount::{Account, Amount};
use super::bill::{bounded, half_up, largest_remainder, sum};
use super::explain::Row;
use super::sources::{AS_806, AS_807};
use crate::contract::after_sale::{AmountLine, PayChannel};
use crate::contract::types::Fen;

/// Channels that money goes back to, in the order of the contract.
const MONEY: [PayChannel; 3] = [PayChannel::CashChannel, PayChannel::Balance, PayChannel::Installment];

/// A refund by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Along the requested lines: the goods money of each.
    pub lines: Vec<Fen>,
    /// Freight in the refund.
    pub freight: Fen,
}

impl Account<'_> {
    /// The lines of a ruling's `breakdown` and the rules that shaped them (AS-806, AS-807).
    pub fn breakdown(&self, amount: &Amount) -> (Vec<AmountLine>, Vec<&'static Row>) {
        let mut lines = Vec::new();
        let mut rules = Vec::new();
        for (channel, code) in [(PayChannel::Points, "points-in-kind"), (PayChannel::MerchantCoupon, "merchant-coupon-in-kind")] {
            let paid = self.paid_by(channel);
            let back = half_up(paid, amount.refund.saturating_sub(amount.freight), self.bill.total).min(paid);
            if back > 0 {
                lines.push(AmountLine { code: code.to_owned(), amount: back });
            }
        }
        if !lines.is_empty() {
            rules.push(&AS_806);
        }
        let money = MONEY.map(|channel| self.paid_by(channel));
        if amount.refund > 0 && sum(money) > 0 {
            let shares = largest_remainder(amount.refund, &money);
            let paid = MONEY.iter().zip(shares).filter(|(_, share)| *share > 0);
            lines.splice(0..0, paid.map(|(channel, share)| AmountLine { code: channel.as_str().to_owned(), amount: share }));
            if money.iter().filter(|paid| **paid > 0).count() > 1 {
                rules.push(&AS_807);
            }
        }
        (lines, rules)
    }

    /// CAP-01: the most that may still be refunded: Σ (paid − refunded) of the requested lines plus the open freight. Lines that were
    /// refunded before count with what is open of them, because the no-reason account runs over all returns and may settle what an
    /// earlier one withheld (AS-G113). A line that came back without a refund was exchanged: its money is not to be claimed here.
    pub fn balance(&self) -> Fen {
        let goods = sum(self.order.lines.iter().enumerate().map(|(index, line)| {
            let open = self.bill.paid_of(index) - bounded(line.refunded);
            match self.lines.iter().any(|requested| requested.index == index) {
                true => open,
                false if line.qty_returned > 0 && line.refunded > 0 => open.max(0),
                false => 0,
            }
        }));
        bounded(goods.saturating_add(bounded(self.order.freight_paid) - bounded(self.order.freight_refunded)))
    }

    /// Splits a refund over the requested lines by what is due for each, largest remainder. On the fault basis (`with_freight`) what
    /// exceeds that is freight as far as freight is due; on the no-reason basis a gift is charged to the line it came with.
    pub fn split(&self, refund: Fen, with_freight: bool) -> Split {
        let due: Vec<Fen> = self.lines.iter().map(|line| self.due_of(line)).collect();
        let refund = bounded(refund);
        let freight = if with_freight { refund.saturating_sub(sum(due.iter().copied())).clamp(0, self.freight_due()) } else { 0 };
        let less_gifts: Vec<Fen> = match with_freight {
            true => Vec::new(),
            false => self.lines.iter().zip(&due).map(|(line, due)| due.saturating_sub(self.gifts_with(line)).max(0)).collect(),
        };
        let units: Vec<Fen> = self.lines.iter().map(|line| i64::from(line.units)).collect();
        let weights = [less_gifts, due, units].into_iter().find(|weights| weights.iter().any(|weight| *weight > 0)).unwrap_or_default();
        Split { lines: largest_remainder(refund - freight, &weights), freight }
    }

    fn paid_by(&self, channel: PayChannel) -> Fen {
        let payments = self.order.payments.iter().filter(|payment| payment.channel == channel);
        bounded(sum(payments.map(|payment| bounded(payment.amount))))
    }
}
