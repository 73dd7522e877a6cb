//! Parameters away from their defaults, and what settings are refused.

use ombud_sdk::Settings as _;
use ombud_sdk::after_sale::{Outcome, Payer};

use super::fixture::{at, decide, due, rules, said, with};
use crate::settings::Settings;

const QUALITY: &str = "reason: quality, evidence: [{kind: photo, strength: strong}]";

#[test]
fn windows_may_be_longer_than_the_law() {
    let day_12 = r#"{after-sale: {applied-at: "2026-11-17T10:00:00+08:00"}}"#;
    assert_eq!(decide(day_12).outcome, Outcome::RejectWithAlternative);
    let ruling = with(r#"{"no_reason_days": 15}"#, day_12);
    assert_eq!((ruling.outcome, ruling.window_deadline), (Outcome::ApproveReturnRefund, Some(at("2026-11-20T23:59:59"))));
    let fault = format!(r#"{{after-sale: {{applied-at: "2026-11-17T10:00:00+08:00", {QUALITY}}}}}"#);
    assert_eq!(rules(&decide(&fault)), ["AS-309"]);
    assert_eq!(rules(&with(r#"{"quality_return_days": 15}"#, &fault)), ["AS-305"]);
}

#[test]
fn a_window_may_extend_over_a_day_off() {
    let monday = r#"{context: {non-working: ["2026-11-07", "2026-11-08"]}, order: {paid-at: "2026-10-28T10:00:00+08:00"},
        line: {shipped-at: "2026-10-29T10:00:00+08:00", signed-at: "2026-11-01T10:00:00+08:00"}, after-sale: {applied-at: "2026-11-09T23:59:59+08:00"}}"#;
    assert_eq!(rules(&decide(monday)), ["AS-403"]);
    let ruling = with(r#"{"holiday_mode": "extend"}"#, monday);
    assert_eq!((ruling.outcome, ruling.window_deadline), (Outcome::ApproveReturnRefund, Some(at("2026-11-09T23:59:59"))));
    let tuesday = monday.replace("11-09T23:59:59", "11-10T00:00:00");
    assert_eq!(rules(&with(r#"{"holiday_mode": "extend"}"#, &tuesday)), ["AS-402"]);
}

#[test]
fn confirmed_goods_may_be_excluded_unopened() {
    let unopened = "{line: {category: food, may-exclude: opened-health-or-quality, exclusion-marked: true, exclusion-confirmed: true}, after-sale: {condition: {opened: \"no\"}}}";
    assert_eq!(rules(&decide(unopened)), ["AS-420"]);
    assert_eq!(rules(&with(r#"{"may_exclude_needs_trigger": false}"#, unopened)), ["AS-408"]);
}

#[test]
fn the_burden_may_lie_on_the_seller_for_longer() {
    let month_7 = r#"{line: {durable-burden: true}, after-sale: {reason: quality, applied-at: "2027-06-01T10:00:00+08:00"}}"#;
    assert_eq!(rules(&decide(month_7)), ["AS-301"]);
    assert_eq!(rules(&with(r#"{"burden_months": 7}"#, month_7)), ["AS-302"]);
}

#[test]
fn three_guarantee_goods_may_be_exchanged_for_longer() {
    let day_20 = format!(
        r#"{{line: {{three-guarantee: true}}, after-sale: {{request: exchange, applied-at: "2026-11-25T10:00:00+08:00", {QUALITY}}}}}"#
    );
    assert_eq!(rules(&decide(&day_20)), ["AS-309"]);
    assert_eq!(rules(&with(r#"{"three_guarantee_exchange_days": 20}"#, &day_20)), ["AS-307"]);
}

#[test]
fn spoiled_goods_have_clocks_and_a_ladder() {
    let spoiled = |category: &str, captured: &str| {
        format!(
            r#"{{line: {{category: {category}, unit-price: 10000}}, after-sale: {{request: refund-only, reason: spoiled, spoiled-share: 3500,
            applied-at: "2026-11-09T10:00:00+08:00", evidence: [{{kind: photo, strength: strong, captured-at: "{captured}+08:00"}}]}}}}"#
        )
    };
    let after_49_h = spoiled("fresh", "2026-11-07T16:00:00");
    assert_eq!(rules(&decide(&after_49_h)), ["AS-311b"]);
    assert_eq!(with(r#"{"spoiled_report_hours": 49}"#, &after_49_h).refund, 5_000);
    let after_13_h = spoiled("live-animal", "2026-11-06T04:00:00");
    assert_eq!(rules(&decide(&after_13_h)), ["AS-311b"]);
    assert_eq!(with(r#"{"spoiled_report_hours_live": 13}"#, &after_13_h).refund, 5_000);
    let ladder = r#"{"spoiled_ladder": [{"upto_bp": 3499, "pay_bp": 3499}, {"upto_bp": 10000, "pay_bp": 10000}]}"#;
    let ruling = with(ladder, &spoiled("fresh", "2026-11-06T10:00:00"));
    assert_eq!((ruling.outcome, ruling.refund), (Outcome::ApproveRefundOnly, 10_000));
}

#[test]
fn small_refunds_without_return_may_need_nobody() {
    let refund_only = format!("{{after-sale: {{request: refund-only, {QUALITY}}}}}");
    assert_eq!(decide(&refund_only).outcome, Outcome::HumanReview);
    let ruling = with(r#"{"refund_only_auto_max": 19900}"#, &refund_only);
    assert_eq!((ruling.outcome, ruling.refund, ruling.return_freight), (Outcome::ApproveRefundOnly, 19_900, Payer::NotApplicable));
    assert_eq!(with(r#"{"refund_only_auto_max": 19899}"#, &refund_only).outcome, Outcome::HumanReview);
}

#[test]
fn counts_that_bring_a_person_may_move() {
    let two = "{after-sale: {malicious-return-count: 2}}";
    assert_eq!(decide(two).outcome, Outcome::ApproveReturnRefund);
    assert!(rules(&with(r#"{"malicious_returns_review": 2}"#, two)).contains(&"AS-412"));
    let attempts = "{after-sale: {attempts-used: 4}}";
    assert_eq!(rules(&with(r#"{"attempts_max": {"douyin": 4}}"#, attempts)), ["AS-004"]);
    assert_eq!(decide(attempts).outcome, Outcome::ApproveReturnRefund);
    let wechat = "{context: {platform: wechat-shop}, after-sale: {attempts-used: 9}}";
    assert_eq!(with(r#"{"attempts_max": {}}"#, wechat).outcome, Outcome::ApproveReturnRefund, "a platform not named has no limit");
}

#[test]
fn the_clocks_of_the_shop_reach_obligations_and_messages() {
    let lost = r#"{context: {now: "2026-11-07T11:00:00+08:00"}, after-sale: {request: refund-only, reason: not-received}}"#;
    let day = r#"{"sign_proof_hours": 24}"#;
    assert_eq!(rules(&with(day, lost)), ["AS-206b"]);
    assert_eq!(due(&decide(lost), "fetch-sign-record"), Some(at("2026-11-09T10:00:00")));

    let back = |more: &str| {
        format!(
            r#"{{context: {{now: "2026-11-20T12:00:00+08:00"}}, after-sale: {{stage: return-received, return-received-at: "2026-11-20T10:00:00+08:00",
            condition: {{tags-removed: "no", soiled-or-damaged: "no"}}{more}}}}}"#
        )
    };
    let ruling = with(r#"{"refund_after_receipt_days": 1}"#, &back(""));
    assert_eq!(ruling.refund_deadline, Some(at("2026-11-21T10:00:00")));
    let exchange = back(", agreed-resolution: exchange");
    assert_eq!(due(&with(r#"{"exchange_ship_days": 2}"#, &exchange), "arrange-exchange"), Some(at("2026-11-22T10:00:00")));
    let repair = back(", agreed-resolution: repair");
    assert_eq!(due(&with(r#"{"repair_days": 10}"#, &repair), "arrange-repair"), Some(at("2026-11-30T10:00:00")));

    let settings = r#"{"send_back_days": 10, "refund_after_receipt_days": 2}"#;
    let ruling = with(settings, "{}");
    assert_eq!(said(&ruling, "as.approve.return", "deadline"), Some("2026-11-16"));
    assert_eq!(said(&ruling, "as.approve.return", "days"), Some("2"));
    assert_eq!(said(&ruling, "as.approve.return", "refund"), Some("199.00"));
}

#[test]
fn a_long_repair_opens_exchange_and_return() {
    let day_11 = format!(
        r#"{{line: {{warranty-days: 365}}, after-sale: {{request: repair, repair-open-days: 11, applied-at: "2026-12-15T10:00:00+08:00", {QUALITY}}}}}"#
    );
    assert_eq!(rules(&decide(&day_11)), ["AS-308"]);
    assert_eq!(rules(&with(r#"{"repair_days": 10}"#, &day_11)), ["AS-308b"]);
}

#[test]
fn the_merchant_may_bear_the_freight_of_a_preference() {
    let exchange = "{after-sale: {request: exchange, reason: size-mismatch}}";
    let ruling = decide(exchange);
    assert_eq!((ruling.outcome, ruling.return_freight), (Outcome::ApproveExchange, Payer::Buyer));
    assert_eq!(said(&ruling, "as.exchange.preference", "days"), Some("3"));
    let ruling = with(r#"{"exchange_preference_payer": "merchant"}"#, exchange);
    assert_eq!(ruling.return_freight, Payer::Merchant);
    assert_eq!(said(&ruling, "as.exchange.guide", "days"), Some("10"));
}

#[test]
fn the_discount_of_a_broken_promo_may_be_left_to_the_buyer() {
    let promo = "{order: {threshold: {threshold: 30000, reduce-by: 5000, disclosed: true}}, lines: [{line-id: A, unit-price: 28000}, {line-id: B, unit-price: 2000}], after-sale: {lines: [A]}}";
    let ruling = with(r#"{"partial_mode_no_reason": "apportion"}"#, promo);
    assert_eq!((ruling.refund, rules(&ruling)), (23_333, vec!["AS-411", "AS-420", "AS-801"]));
}

/// AS-808.
#[test]
fn the_card_fee_may_be_taken_off() {
    let order = "{order: {payments: [{channel: cash-channel, amount: 30000, fee: 150}]}, lines: [{line-id: A, unit-price: 20000}, {line-id: B, unit-price: 10000}], after-sale: {lines: [A]}}";
    assert_eq!(decide(order).refund, 20_000);
    let fee = r#"{"deduct_waived_card_fee": true}"#;
    let ruling = with(fee, order);
    assert_eq!((ruling.refund, rules(&ruling)), (19_900, vec!["AS-411", "AS-420", "AS-808"]));
    // The second return takes off the rest of the fee and not the whole of it again.
    let second = order
        .replace("line-id: A, unit-price: 20000", "line-id: A, unit-price: 20000, qty-returned: 1, refunded: 19900")
        .replace("lines: [A]", "lines: [B]");
    assert_eq!(with(fee, &second).refund, 9_950);
    let fault = order.replace("lines: [A]", &format!("lines: [A], {QUALITY}"));
    assert_eq!(with(fee, &fault).refund, 20_000, "a fault costs the buyer nothing");
}

#[test]
fn settings_against_the_law_or_each_other_are_refused() {
    let refused = |json: &str| {
        let mut paths: Vec<_> = Settings::parse(json).expect_err(json).into_iter().map(|problem| problem.path).collect();
        paths.sort();
        paths
    };
    assert_eq!(
        refused(r#"{"no_reason_days": 6, "quality_return_days": 6, "burden_months": 5}"#),
        ["/burden_months", "/no_reason_days", "/quality_return_days"]
    );
    assert_eq!(refused(r#"{"refund_after_receipt_days": 8, "repair_days": 31}"#), ["/refund_after_receipt_days", "/repair_days"]);
    assert_eq!(
        refused(r#"{"attempts_max": {"ebay": 3, "douyin": 0, "jd": 100}}"#),
        ["/attempts_max/douyin", "/attempts_max/ebay", "/attempts_max/jd"]
    );
    assert_eq!(refused(r#"{"spoiled_ladder": []}"#), ["/spoiled_ladder"]);
    assert_eq!(refused(r#"{"spoiled_ladder": [{"upto_bp": 9000, "pay_bp": 9000}]}"#), ["/spoiled_ladder"]);
    assert_eq!(refused(r#"{"spoiled_ladder": [{"upto_bp": 10000, "pay_bp": 9999}]}"#), ["/spoiled_ladder/0/pay_bp"]);
    let falling = r#"{"spoiled_ladder": [{"upto_bp": 5000, "pay_bp": 5000}, {"upto_bp": 5000, "pay_bp": 6000}, {"upto_bp": 10000, "pay_bp": 10000}]}"#;
    assert_eq!(refused(falling), ["/spoiled_ladder"]);
}

#[test]
fn the_schema_names_every_parameter() {
    let schema: ombud_sdk::serde_json::Value = ombud_sdk::serde_json::from_str(&Settings::schema()).expect("JSON");
    let properties = schema["properties"].as_object().expect("an object");
    assert_eq!(properties.len(), 20);
    assert_eq!(properties["no_reason_days"]["minimum"], 7);
    assert_eq!(properties["attempts_max"]["default"]["wechat-shop"], 5);
}

#[test]
fn the_published_schema_is_that_of_the_settings() {
    ombud_sdk::schema_file_is_current::<Settings>(concat!(env!("CARGO_MANIFEST_DIR"), "/settings.schema.json")).expect("current");
}
