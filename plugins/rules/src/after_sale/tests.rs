//! The arithmetic and the terms of the after-sale table, by hand.

use super::*;
use crate::civil::{end_of_day, start_of_day, to_day};
use crate::contract::after_sale::*;
use crate::contract::types::*;

const TZ: i32 = 480;

fn line(id: &str, unit_price: Fen, qty: u32) -> OrderLine {
    OrderLine {
        line_id: id.to_owned(),
        sku_id: String::new(),
        qty,
        qty_returned: 0,
        unit_price,
        paid: None,
        category: ItemCategory::Apparel,
        custom_made: Tri::No,
        may_exclude: MayExcludeClass::None,
        exclusion_marked: false,
        exclusion_confirmed: false,
        promised_no_reason_days: None,
        three_guarantee: false,
        durable_burden: false,
        warranty_days: None,
        recalled: false,
        shipped_at: Some(0),
        signed_at: Some(0),
        picked_up_at: None,
        locker_without_consent: Tri::No,
        refunded: 0,
    }
}

fn order(lines: Vec<OrderLine>) -> Order {
    Order {
        order_id: String::new(),
        paid_at: Some(0),
        promised_ship_by: None,
        freight_paid: 0,
        freight_refunded: 0,
        lines,
        threshold: None,
        bundle: None,
        platform_discount: 0,
        free_ship: None,
        gifts: Vec::new(),
        payments: Vec::new(),
        freight_insurance: false,
        merchant_pays_return_freight: false,
        buyer_chose_carrier: false,
        special: OrderFlags::empty(),
    }
}

fn context(off: &[(i32, u32, u32)]) -> Context {
    let non_working = off.iter().map(|(year, month, day)| to_day(*year, *month, *day)).collect();
    Context {
        merchant_id: String::new(),
        shop_id: String::new(),
        platform: Platform::Douyin,
        tz_offset_min: TZ,
        now: 0,
        calendar: Calendar { non_working, statutory_holidays: Vec::new() },
    }
}

#[test]
fn halves_go_up() {
    assert_eq!((half_up(5, 1, 2), half_up(4, 1, 3), half_up(5, 1, 3), half_up(19_995, 1_000, 10_000)), (3, 1, 2, 2_000));
    assert_eq!((half_up(7, 0, 0), half_up(-7, 1, 2), half_up(7, -1, 2)), (0, 0, 0), "what makes no sense is nothing");
    assert_eq!(half_up(AMOUNT_MAX, AMOUNT_MAX, AMOUNT_MAX), AMOUNT_MAX);
    assert_eq!(half_up(i64::MAX, i64::MAX, 1), i64::MAX);
}

#[test]
fn the_largest_remainders_get_the_rest_and_ties_go_first() {
    assert_eq!(largest_remainder(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(largest_remainder(25_000, &[28_000, 2_000]), [23_333, 1_667]);
    assert_eq!(largest_remainder(5, &[0, 0]), [0, 0]);
    assert_eq!(largest_remainder(AMOUNT_MAX, &[AMOUNT_MAX; 3]), [333_333_333_334, 333_333_333_333, 333_333_333_333]);
}

/// The example of domain policies 5.1.3.
#[test]
fn kept_goods_keep_their_share_of_the_platform_discount() {
    let mut order = order(vec![line("A", 28_000, 1), line("B", 2_000, 1)]);
    order.threshold = Some(ThresholdPromo { threshold: 30_000, reduce_by: 5_000, disclosed: true });
    order.platform_discount = 1_000;
    let bill = Bill::of(&order);
    assert_eq!((bill.gross, bill.total, bill.discount()), (30_000, 24_000, 6_000));
    let lines = [Requested { index: 0, asked: 0, line: &order.lines[0], units: 1 }];
    let account = Account { order: &order, bill: &bill, lines: &lines };
    assert_eq!(account.amount(Basis::NoReason, &NoReasonTerms::STATUTORY).refund, 22_067);
    assert_eq!(account.amount(Basis::Fault, &NoReasonTerms::STATUTORY).refund, 22_400);
}

#[test]
fn a_bundle_keeps_its_discount_to_itself() {
    let mut order = order(vec![line("A", 19_900, 1), line("B", 19_900, 1), line("C", 20_000, 1), line("D", 10_000, 1)]);
    order.bundle =
        Some(BundlePromo { line_ids: vec!["A".to_owned(), "B".to_owned(), "C".to_owned()], bundle_off: 10_000, disclosed: true });
    let bill = Bill::of(&order);
    assert_eq!((bill.weights[3], bill.paid.iter().take(3).sum::<Fen>()), (10_000, 49_800));
}

#[test]
fn what_the_platform_reports_counts_only_for_every_line() {
    let mut order = order(vec![line("A", 1_000, 1), line("B", 1_000, 1)]);
    order.lines[0].paid = Some(900);
    assert_eq!(Bill::of(&order).total, 2_000);
    order.lines[1].paid = Some(800);
    assert_eq!((Bill::of(&order).total, Bill::of(&order).paid), (1_700, vec![900, 800]));
}

#[test]
fn amounts_stay_within_the_contract() {
    let mut order = order(vec![line("A", AMOUNT_MAX, 1_000_000), line("B", -5, 3), line("C", i64::MAX, u32::MAX), line("D", 100, 0)]);
    order.platform_discount = i64::MAX;
    let bill = Bill::of(&order);
    assert_eq!((bill.subs[0], bill.subs[1], bill.subs[2]), (AMOUNT_MAX, 0, AMOUNT_MAX));
    assert_eq!((bill.gross, bill.total), (2 * AMOUNT_MAX, AMOUNT_MAX));
}

#[test]
fn a_refund_goes_back_by_channel_and_points_as_points() {
    let mut order = order(vec![line("A", 10_000, 1)]);
    let payment = |channel, amount| Payment { channel, amount, fee: 0 };
    order.payments = vec![payment(PayChannel::Points, 1_000), payment(PayChannel::Balance, 3_000), payment(PayChannel::CashChannel, 6_000)];
    order.freight_paid = 500;
    let bill = Bill::of(&order);
    let lines = [Requested { index: 0, asked: 0, line: &order.lines[0], units: 1 }];
    let account = Account { order: &order, bill: &bill, lines: &lines };
    let amount = account.amount(Basis::Fault, &NoReasonTerms::STATUTORY);
    let (breakdown, rules) = account.breakdown(&amount);
    let parts: Vec<_> = breakdown.iter().map(|line| (line.code.as_str(), line.amount)).collect();
    assert_eq!((amount.refund, amount.freight), (9_500, 500));
    assert_eq!(parts, [("cash-channel", 6_333), ("balance", 3_167), ("points-in-kind", 1_000)]);
    assert_eq!(rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), ["AS-806", "AS-807"]);
    assert_eq!(account.split(9_500, true), Split { lines: vec![9_000], freight: 500 });
    assert_eq!(account.balance(), 9_500);
}

#[test]
fn a_window_ends_at_midnight_and_waits_for_a_working_day() {
    let start = start_of_day(to_day(2026, 11, 1), TZ) + 15 * 3_600_000;
    let last = to_day(2026, 11, 8);
    let ctx = context(&[(2026, 11, 7), (2026, 11, 8)]);
    let standing = |ctx: &Context, applied, extend| window(ctx, start, 7, applied, extend).standing;
    assert_eq!(window(&ctx, start, 7, start, false).deadline, end_of_day(last, TZ));
    let midnight = start_of_day(last + 1, TZ);
    assert_eq!(standing(&ctx, midnight - 1, false), Standing::In);
    assert_eq!(standing(&ctx, midnight, false), Standing::Held);
    assert_eq!(standing(&ctx, midnight, true), Standing::In);
    assert_eq!(window(&ctx, start, 7, start, true).deadline, end_of_day(last + 1, TZ));
    assert_eq!(standing(&ctx, start_of_day(last + 2, TZ), true), Standing::Out);
    assert_eq!(standing(&context(&[]), midnight, false), Standing::Out);
}

#[test]
fn intactness_asks_what_the_category_asks() {
    let nothing = ConditionFacts {
        opened: Tri::Unknown,
        inner_seal_broken: Tri::Unknown,
        tags_removed: Tri::Unknown,
        soiled_or_damaged: Tri::Unknown,
        activated: Tri::Unknown,
        used_beyond_inspection: Tri::Unknown,
        unauthorized_repair: Tri::Unknown,
        accessories_complete: Tri::Unknown,
        human_damage: Tri::Unknown,
    };
    for category in ItemCategory::ALL {
        assert_eq!(intact(*category, &nothing), Intact::Unknown, "{category}");
    }
    let unopened = ConditionFacts { opened: Tri::No, ..nothing.clone() };
    assert_eq!(intact(ItemCategory::Cosmetics, &unopened), Intact::Yes);
    let clean = ConditionFacts { tags_removed: Tri::No, soiled_or_damaged: Tri::No, ..nothing.clone() };
    assert_eq!((intact(ItemCategory::Toys, &clean), intact(ItemCategory::Appliance, &clean)), (Intact::Yes, Intact::Unknown));
    let used = ConditionFacts { used_beyond_inspection: Tri::Yes, ..clean };
    assert_eq!((intact(ItemCategory::Toys, &used), intact(ItemCategory::Food, &used)), (Intact::No, Intact::Unknown));
}

#[test]
fn every_reason_has_a_class() {
    let of = |class| ReasonKind::ALL.iter().filter(|reason| class_of(**reason) == class).count();
    let counts = [Class::NoReason, Class::Fault, Class::Safety, Class::Lost, Class::Open, Class::PriceDrop].map(of);
    assert_eq!(counts, [6, 9, 2, 1, 2, 1]);
}

#[test]
fn yuan_have_two_decimals() {
    assert_eq!([0, 5, 99, 19_900, 123_456].map(yuan), ["0.00", "0.05", "0.99", "199.00", "1234.56"]);
}
