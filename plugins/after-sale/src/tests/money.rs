//! Properties of the amounts (domain policies 5.1.3), over generated orders.

use ombud_rules::after_sale::{Account, Amount, Basis, Bill, NoReasonTerms, PartialMode, Requested};
use ombud_rules::contract::after_sale::Order;
use proptest::prelude::*;

use super::generate;
use super::returns::{after, requests, two_returns};

fn no_reason(order: &Order, units: &[u32], terms: &NoReasonTerms) -> Amount {
    let lines = requests(order, units);
    Account { order, bill: &Bill::of(order), lines: &lines }.amount(Basis::NoReason, terms)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, max_global_rejects: u32::MAX, ..ProptestConfig::default() })]

    /// 5: the lines' shares add up to the total, and all units of a line to what it cost.
    #[test]
    fn shares_add_up(order in generate::order().boxed()) {
        let bill = Bill::of(&order);
        prop_assert_eq!(bill.paid.iter().sum::<i64>(), bill.total);
        prop_assert!(bill.paid.iter().all(|paid| *paid >= 0));
        for (index, line) in order.lines.iter().enumerate() {
            let mut whole = order.clone();
            let mut sum = 0;
            for back in 0..line.qty {
                whole.lines[index].qty_returned = back;
                let one = [Requested { index, asked: 0, line: &whole.lines[index], units: 1 }];
                sum += Account { order: &whole, bill: &bill, lines: &one }.share(&one[0]);
            }
            prop_assert_eq!(sum, bill.paid[index]);
        }
    }

    /// 15: no-reason returns in two steps give the same sum as one, the floor apart.
    #[test]
    fn two_steps_are_one((order, first, second) in two_returns().boxed(), apportion in any::<bool>(), deduct_card_fee in any::<bool>()) {
        let partial = if apportion { PartialMode::Apportion } else { PartialMode::RecomputeIfBroken };
        let terms = NoReasonTerms { partial, deduct_card_fee };
        let both: Vec<u32> = first.iter().zip(&second).map(|(first, second)| first + second).collect();
        // A line that cost nothing cannot show that its gift was charged.
        prop_assume!(order.gifts.is_empty() || Bill::of(&order).paid.iter().all(|paid| *paid > 0));
        let at_once = no_reason(&order, &both, &terms);
        let one = no_reason(&order, &first, &terms);
        let two = no_reason(&after(&order, &first, one.refund), &second, &terms);
        let floored = [&at_once, &one, &two].iter().any(|amount| amount.rules.iter().any(|rule| rule.id == "AS-809"));
        prop_assert!(floored || one.refund + two.refund == at_once.refund, "{:?} then {:?}, at once {:?}", one, two, at_once);
    }

    /// Withdrawn discounts never leave the buyer with more than apportioned ones, a few fen of rounding apart.
    #[test]
    fn withdrawal_never_pays_more((order, first, _) in two_returns().boxed()) {
        prop_assume!(order.lines.iter().all(|line| line.paid.is_none()));
        let recomputed = no_reason(&order, &first, &NoReasonTerms::STATUTORY).refund;
        let apportioned = no_reason(&order, &first, &NoReasonTerms { partial: PartialMode::Apportion, deduct_card_fee: false }).refund;
        prop_assert!(recomputed <= apportioned + 3, "{} {}", recomputed, apportioned);
    }

    /// A refund split over lines and freight loses nothing.
    #[test]
    fn a_split_adds_up((order, first, _) in two_returns().boxed(), refund in 0i64..200_000, with_freight in any::<bool>()) {
        let lines = requests(&order, &first);
        prop_assume!(!lines.is_empty());
        let split = Account { order: &order, bill: &Bill::of(&order), lines: &lines }.split(refund, with_freight);
        prop_assert_eq!(split.lines.iter().sum::<i64>() + split.freight, refund);
        prop_assert_eq!(split.lines.len(), lines.len());
    }
}
