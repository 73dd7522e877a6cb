//! Cases for property tests: plausible ones, in which every row of the table is met now and then.

use ombud_rules::civil::{DAY_MS, HOUR_MS};
use ombud_rules::contract::after_sale::*;
use ombud_rules::contract::types::*;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// 2026-11-02 10:00 in Shanghai.
pub const PAID_AT: InstantMs = 1_793_584_800_000;

fn tri() -> impl Strategy<Value = Tri> {
    prop_oneof![4 => Just(Tri::No), 2 => Just(Tri::Yes), 3 => Just(Tri::Unknown)]
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.12)
}

/// A wait: none, hours, or up to twenty days; rarely months.
fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => Just(0),
        4 => (0i64..72).prop_map(|hours| hours * HOUR_MS),
        4 => (0i64..480).prop_map(|hours| hours * HOUR_MS + 1),
        1 => (20i64..400).prop_map(|days| days * DAY_MS),
    ]
}

fn money() -> impl Strategy<Value = Fen> {
    prop_oneof![3 => 1i64..50_000, 1 => Just(0), 1 => (1i64..400).prop_map(|yuan| yuan * 100)]
}

prop_compose! {
    fn goods()(
        category in select(ItemCategory::ALL),
        custom_made in prop_oneof![6 => Just(Tri::No), 1 => Just(Tri::Yes), 1 => Just(Tri::Unknown)],
        may_exclude in prop_oneof![4 => Just(MayExcludeClass::None), 1 => select(MayExcludeClass::ALL)],
        (exclusion_marked, exclusion_confirmed) in (any::<bool>(), any::<bool>()),
        promised_no_reason_days in option::weighted(0.25, 1u32..20),
        (three_guarantee, durable_burden) in (any::<bool>(), rarely()),
        warranty_days in option::weighted(0.4, 1u32..400),
        recalled in rarely(),
        (qty, back, unit_price) in (1u32..4, 0u32..3, money()),
        refunded_bp in prop_oneof![3 => Just(0i64), 1 => 0i64..10_500],
    ) -> OrderLine {
        let qty_returned = back.min(qty - 1);
        let refunded = if qty_returned == 0 && refunded_bp < 9_000 { 0 } else { unit_price * i64::from(qty) * refunded_bp / 10_000 };
        OrderLine {
            line_id: String::new(), sku_id: "s".into(), qty, qty_returned, unit_price, paid: None, category, custom_made, may_exclude,
            exclusion_marked, exclusion_confirmed, promised_no_reason_days, three_guarantee, durable_burden, warranty_days, recalled,
            shipped_at: None, signed_at: None, picked_up_at: None, locker_without_consent: Tri::No, refunded,
        }
    }
}

prop_compose! {
    fn line()(
        goods in goods().boxed(),
        (ship, sign, pick) in (wait(), wait(), wait()),
        progress in prop_oneof![1 => Just(0), 1 => Just(1), 8 => Just(2), 2 => Just(3)],
        locker in prop_oneof![5 => Just(Tri::No), 2 => Just(Tri::Yes), 1 => Just(Tri::Unknown)],
    ) -> OrderLine {
        let shipped = PAID_AT + ship;
        let signed = shipped + sign;
        OrderLine {
            shipped_at: (progress > 0).then_some(shipped),
            signed_at: (progress > 1).then_some(signed),
            picked_up_at: (progress > 2).then_some(signed + pick),
            locker_without_consent: locker,
            ..goods
        }
    }
}

prop_compose! {
    fn promos()(
        threshold in option::weighted(0.4, (money(), money(), any::<bool>())),
        bundle in option::weighted(0.3, (money(), any::<bool>(), 1usize..4)),
        free_ship in option::weighted(0.3, (money(), money(), any::<bool>())),
        gifts in prop::collection::vec((option::of(money()), option::of(0usize..3), option::weighted(0.8, money()), tri()), 0..3),
        payments in prop::collection::vec((select(PayChannel::ALL), money(), 0i64..200), 0..4),
        platform_discount in prop_oneof![3 => Just(0i64), 1 => 0i64..5_000],
        freight in prop_oneof![2 => Just((0i64, 0i64)), 1 => (0i64..2_000, 0i64..500)],
        (insured, merchant_pays, chose_carrier) in (any::<bool>(), rarely(), rarely()),
        special in option::weighted(0.05, select(OrderFlags::NAMES)),
        reported in rarely(),
    ) -> Order {
        let id = |index: usize| format!("L{index}");
        Order {
            order_id: if reported { "reported".into() } else { "o".into() },
            paid_at: Some(PAID_AT), promised_ship_by: None, freight_paid: freight.0, freight_refunded: freight.1.min(freight.0),
            lines: Vec::new(),
            threshold: threshold.map(|(threshold, reduce_by, disclosed)| ThresholdPromo { threshold, reduce_by, disclosed }),
            bundle: bundle.map(|(bundle_off, disclosed, lines)| BundlePromo { line_ids: (0..lines).map(id).collect(), bundle_off, disclosed }),
            platform_discount,
            free_ship: free_ship.map(|(threshold, would_be_freight, disclosed)| FreeShip { threshold, would_be_freight, disclosed }),
            gifts: gifts.into_iter().map(|(tied_to_threshold, line, marked_price, returned)| Gift {
                gift_id: "g".into(), tied_to_threshold, tied_to_line: line.map(id), marked_price, returned,
            }).collect(),
            payments: payments.into_iter().map(|(channel, amount, fee)| Payment { channel, amount, fee }).collect(),
            freight_insurance: insured, merchant_pays_return_freight: merchant_pays, buyer_chose_carrier: chose_carrier,
            special: special.map_or(OrderFlags::empty(), |(flag, _)| flag),
        }
    }
}

prop_compose! {
    /// An order of one to three lines, `L0` to `L2`; now and then the platform reports what was paid.
    pub fn order()(
        promos in promos().boxed(),
        lines in prop::collection::vec(line().boxed(), 1..4),
        ship_days in option::of(0i64..10),
    ) -> Order {
        let mut order = promos;
        order.promised_ship_by = ship_days.map(|days| PAID_AT + days * DAY_MS);
        let reported = order.order_id == "reported";
        order.lines = lines;
        for (index, line) in order.lines.iter_mut().enumerate() {
            line.line_id = format!("L{index}");
            line.paid = reported.then_some(line.unit_price * i64::from(line.qty) * 9 / 10);
        }
        order
    }
}

prop_compose! {
    fn condition()(facts in prop::array::uniform9(tri())) -> ConditionFacts {
        let [opened, inner_seal_broken, tags_removed, soiled_or_damaged, activated, used_beyond_inspection, unauthorized_repair,
            accessories_complete, human_damage] = facts;
        ConditionFacts { opened, inner_seal_broken, tags_removed, soiled_or_damaged, activated, used_beyond_inspection,
            unauthorized_repair, accessories_complete, human_damage }
    }
}

prop_compose! {
    fn evidence()(
        kind in prop_oneof![2 => select(&[EvidenceKind::Photo, EvidenceKind::Video, EvidenceKind::InspectionReport][..]), 1 => select(EvidenceKind::ALL)],
        strength in select(Strength::ALL),
        captured in option::weighted(0.7, wait()),
        intact in prop::bool::weighted(0.9),
    ) -> Evidence {
        Evidence { evidence_id: "e".into(), kind, strength, captured_at: captured.map(|wait| PAID_AT + wait), intact, ref_: String::new() }
    }
}

fn reason() -> impl Strategy<Value = ReasonKind> {
    prop_oneof![
        3 => select(&[ReasonKind::NoReason, ReasonKind::Dislike, ReasonKind::Other][..]),
        3 => select(&[ReasonKind::Quality, ReasonKind::Spoiled, ReasonKind::UndisclosedDefect][..]),
        4 => select(ReasonKind::ALL),
    ]
}

prop_compose! {
    fn request()(
        reason in reason().boxed(),
        request in prop_oneof![2 => Just(RequestKind::ReturnRefund), 3 => select(RequestKind::ALL)],
        stage in prop_oneof![6 => Just(Stage::Requested), 2 => Just(Stage::EvidenceAdded), 3 => select(Stage::ALL)],
        agreed in option::weighted(0.4, select(RequestKind::ALL)),
        (applied, later, received) in (wait(), wait(), wait()),
        condition in condition().boxed(),
        evidence in prop::collection::vec(evidence().boxed(), 0..3),
        spoiled in option::weighted(0.8, 0u32..10_300),
        (troubleshooting_done, extortion_flag) in (tri(), tri()),
        (repairs_failed, repair_open_days, attempts_used, malicious) in (0u32..3, 0u32..40, 0u32..7, 0u32..5),
        parcel in prop_oneof![4 => Just(ParcelContent::Ok), 1 => select(ParcelContent::ALL)],
        (duplicate, amount, extra) in (prop::bool::weighted(0.03), option::weighted(0.2, money()), option::weighted(0.15, money())),
    ) -> (AfterSaleCase, InstantMs, InstantMs) {
        let case = AfterSaleCase {
            after_sale_id: "a".into(), stage, request, agreed_resolution: agreed, reason, applied_at: applied, lines: Vec::new(),
            requested_amount: amount, extra_compensation_demand: extra, condition, evidence, spoiled_share: spoiled, troubleshooting_done,
            repairs_failed, repair_open_days, return_received_at: None, parcel_content: parcel, duplicate_active: duplicate, attempts_used,
            order: Order {
                order_id: String::new(), paid_at: None, promised_ship_by: None, freight_paid: 0, freight_refunded: 0, lines: Vec::new(),
                threshold: None, bundle: None, platform_discount: 0, free_ship: None, gifts: Vec::new(), payments: Vec::new(),
                freight_insurance: false, merchant_pays_return_freight: false, buyer_chose_carrier: false, special: OrderFlags::empty(),
            },
            customer: CustomerFacts { customer_ref: "c".into(), malicious_returns: malicious, extortion_flag },
            attributes: Vec::new(),
        };
        (case, later, received)
    }
}

prop_compose! {
    /// A case with the context it is judged in. Most apply after the goods have come.
    pub fn case()(
        (case, later, received) in request().boxed(),
        order in order().boxed(),
        wanted in prop::collection::vec((any::<bool>(), 1u32..4), 3),
        after_start in prop::bool::weighted(0.85),
        platform in prop_oneof![3 => Just(Platform::Douyin), 1 => Just(Platform::WechatShop)],
        off in prop::collection::vec(0i32..30, 0..8),
    ) -> (Context, AfterSaleCase) {
        let mut case = case;
        let started = order.lines.iter().filter_map(|line| line.signed_at.or(line.shipped_at)).max().filter(|_| after_start);
        case.applied_at += started.unwrap_or(PAID_AT);
        let now = case.applied_at + later;
        case.return_received_at = (case.stage == Stage::ReturnReceived).then_some(now - received / 2);
        let chosen: Vec<_> = order.lines.iter().zip(&wanted).filter(|(_, (chosen, _))| *chosen).collect();
        let chosen = if chosen.is_empty() { order.lines.iter().zip(&wanted).take(1).collect() } else { chosen };
        case.lines = chosen.into_iter().map(|(line, (_, qty))| LineRequest {
            line_id: line.line_id.clone(),
            qty: (*qty).min(line.qty - line.qty_returned),
        }).collect();
        case.order = order;
        let first_day = ombud_rules::civil::day_of(PAID_AT, 480);
        let ctx = Context {
            merchant_id: "m".into(), shop_id: "s".into(), platform, tz_offset_min: 480, now,
            calendar: Calendar { non_working: off.iter().map(|day| first_day + day).collect(), statutory_holidays: Vec::new() },
        };
        (ctx, case)
    }
}

/// Every amount and time of a case, to be made absurd.
fn numbers<'a>(ctx: &'a mut Context, case: &'a mut AfterSaleCase) -> Vec<&'a mut i64> {
    let order = &mut case.order;
    let mut numbers =
        vec![&mut ctx.now, &mut case.applied_at, &mut order.freight_paid, &mut order.freight_refunded, &mut order.platform_discount];
    numbers.extend([&mut case.return_received_at, &mut case.requested_amount, &mut case.extra_compensation_demand].into_iter().flatten());
    numbers.extend([&mut order.paid_at, &mut order.promised_ship_by].into_iter().flatten());
    numbers.extend(case.evidence.iter_mut().filter_map(|item| item.captured_at.as_mut()));
    for line in &mut order.lines {
        numbers.extend([&mut line.unit_price, &mut line.refunded]);
        numbers.extend([&mut line.paid, &mut line.shipped_at, &mut line.signed_at, &mut line.picked_up_at].into_iter().flatten());
    }
    numbers.extend(order.threshold.iter_mut().flat_map(|promo| [&mut promo.threshold, &mut promo.reduce_by]));
    numbers.extend(order.bundle.iter_mut().map(|bundle| &mut bundle.bundle_off));
    numbers.extend(order.free_ship.iter_mut().flat_map(|free| [&mut free.threshold, &mut free.would_be_freight]));
    numbers.extend(order.gifts.iter_mut().flat_map(|gift| [&mut gift.marked_price, &mut gift.tied_to_threshold]).flatten());
    numbers.extend(order.payments.iter_mut().flat_map(|payment| [&mut payment.amount, &mut payment.fee]));
    numbers
}

/// Every count of a case.
fn counts(case: &mut AfterSaleCase) -> Vec<&mut u32> {
    let mut counts =
        vec![&mut case.repairs_failed, &mut case.repair_open_days, &mut case.attempts_used, &mut case.customer.malicious_returns];
    counts.extend(case.spoiled_share.as_mut());
    counts.extend(case.lines.iter_mut().map(|line| &mut line.qty));
    for line in &mut case.order.lines {
        counts.extend([&mut line.qty, &mut line.qty_returned]);
        counts.extend([&mut line.promised_no_reason_days, &mut line.warranty_days].into_iter().flatten());
    }
    counts
}

prop_compose! {
    /// A case in which some numbers are at, or far beyond, the bounds of the contract.
    pub fn wild()(
        (ctx, case) in case().boxed(),
        absurd in prop::collection::vec((any::<prop::sample::Index>(), select(&[
            0, 1, -1, 999_999_999_999, 1_000_000_000_000, i64::MAX, i64::MIN, i64::MAX / 1_000_000,
        ][..])), 0..12),
        counted in prop::collection::vec((any::<prop::sample::Index>(), select(&[0u32, 1, 10_000, 1_000_000, u32::MAX][..])), 0..6),
        tz_offset_min in prop_oneof![3 => Just(480), 1 => any::<i32>()],
    ) -> (Context, AfterSaleCase) {
        let (mut ctx, mut case) = (ctx, case);
        ctx.tz_offset_min = tz_offset_min;
        for (place, value) in absurd {
            let mut numbers = numbers(&mut ctx, &mut case);
            let place = place.index(numbers.len());
            *numbers[place] = value;
        }
        for (place, value) in counted {
            let mut counts = counts(&mut case);
            let place = place.index(counts.len());
            *counts[place] = value;
        }
        (ctx, case)
    }
}
