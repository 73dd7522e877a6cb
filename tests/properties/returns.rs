//! Invariant 15: no-reason returns in two steps give the same sum as in one, the floor apart.

use ombud_rules::after_sale::Bill;
use ombud_rules::civil::{DAY_MS, HOUR_MS};
use ombud_rules::contract::after_sale::{
    AfterSaleCase, AfterSaleRuling, ConditionFacts, LineRequest, MayExcludeClass, Order, OrderFlags, Outcome, RequestKind, Stage,
};
use ombud_rules::contract::types::{Context, ItemCategory, ReasonKind, Tri};
use proptest::prelude::*;

use super::generate::{self, PAID_AT};
use super::{after_sale, config};
use parts::{after, two_returns};

#[path = "../../plugins/after-sale/src/tests/returns.rs"]
mod parts;

/// A case in which nothing stands against a no-reason return of anything in the order (domain policies 5.1, AS-420).
fn plain(case: &AfterSaleCase, mut order: Order) -> AfterSaleCase {
    let signed_at = PAID_AT + DAY_MS;
    (order.special, order.paid_at) = (OrderFlags::empty(), Some(PAID_AT));
    for line in &mut order.lines {
        (line.category, line.custom_made, line.recalled) = (ItemCategory::Apparel, Tri::No, false);
        (line.may_exclude, line.exclusion_marked, line.exclusion_confirmed) = (MayExcludeClass::None, false, false);
        (line.shipped_at, line.signed_at, line.picked_up_at) = (Some(PAID_AT + HOUR_MS), Some(signed_at), None);
        (line.promised_no_reason_days, line.locker_without_consent) = (None, Tri::No);
    }
    let mut case = case.clone();
    (case.stage, case.request, case.reason) = (Stage::Requested, RequestKind::ReturnRefund, ReasonKind::NoReason);
    (case.agreed_resolution, case.requested_amount, case.extra_compensation_demand) = (None, None, None);
    (case.duplicate_active, case.attempts_used, case.applied_at) = (false, 0, signed_at + DAY_MS);
    case.condition = ConditionFacts {
        opened: Tri::No,
        inner_seal_broken: Tri::No,
        tags_removed: Tri::No,
        soiled_or_damaged: Tri::No,
        activated: Tri::No,
        used_beyond_inspection: Tri::No,
        unauthorized_repair: Tri::No,
        accessories_complete: Tri::Yes,
        human_damage: Tri::No,
    };
    case.evidence.clear();
    (case.return_received_at, case.spoiled_share) = (None, None);
    case.customer.malicious_returns = 0;
    case.order = order;
    case
}

/// The policy's ruling on a return of so many units of each line.
fn returned(ctx: &Context, case: &AfterSaleCase, order: &Order, units: &[u32]) -> AfterSaleRuling {
    let mut case = plain(case, order.clone());
    let asked = case.order.lines.iter().zip(units).filter(|(_, units)| **units > 0);
    case.lines = asked.map(|(line, units)| LineRequest { line_id: line.line_id.clone(), qty: *units }).collect();
    after_sale(&Context { now: case.applied_at, ..ctx.clone() }, &case)
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 20_000, ..config() })]

    #[test]
    fn invariant_15_two_steps_are_one((ctx, case) in generate::case().boxed(), (order, first, second) in two_returns().boxed()) {
        prop_assume!(first.iter().any(|units| *units > 0) && second.iter().any(|units| *units > 0));
        let order = plain(&case, order).order;
        // A line that cost nothing cannot show that its gift was charged.
        prop_assume!(order.gifts.is_empty() || Bill::of(&order).paid.iter().all(|paid| *paid > 0));
        let both: Vec<u32> = first.iter().zip(&second).map(|(first, second)| first + second).collect();
        let at_once = returned(&ctx, &case, &order, &both);
        let one = returned(&ctx, &case, &order, &first);
        let two = returned(&ctx, &case, &after(&order, &first, one.refund), &second);
        for ruling in [&at_once, &one, &two] {
            prop_assert_eq!(ruling.outcome, Outcome::ApproveReturnRefund, "{:?}", ruling);
        }
        let floored = [&at_once, &one, &two].iter().any(|ruling| ruling.notes.reasons.iter().any(|reason| reason.rule == "AS-809"));
        prop_assert!(floored || one.refund + two.refund == at_once.refund, "{:?} then {:?}, at once {:?}", one, two, at_once);
    }
}
