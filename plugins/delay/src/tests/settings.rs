//! Parameters away from their defaults, DC-022 and DC-070 among them, and what settings are refused.

use ombud_sdk::Settings as _;
use ombud_sdk::delay::{CompForm, DelayKind, Episode, Outcome, Tier};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS, start_of_day, to_day};

use super::fixture::{case, decide, granted, late, now, rules};
use crate::Settings;

fn with(json: &str) -> Settings {
    Settings::parse(json).unwrap_or_else(|problems| panic!("{json}: {problems:?}"))
}

fn tier(settings: &Settings, kind: DelayKind, overdue_ms: i64) -> Option<Tier> {
    decide(settings, &case(vec![late(kind, overdue_ms)])).awards.first().map(|award| award.tier)
}

#[test]
fn a_refund_within_the_grace_is_answered_with_care() {
    let grace = with(r#"{"refund_grace_hours": 2}"#);
    let at = |overdue_ms| decide(&grace, &case(vec![late(DelayKind::RefundProcessing, overdue_ms)]));
    let within = at(2 * HOUR_MS);
    assert_eq!(rules(&within), ["DC-022"]);
    assert_eq!((within.outcome, within.total_cash, within.total_refund_due), (Outcome::Compensate, 0, 20_000), "the refund itself is due");
    assert_eq!(rules(&at(2 * HOUR_MS + 1)), ["DC-020"]);
    let paid = Episode { done: Some(now()), refund_paid: 20_000, ..late(DelayKind::RefundProcessing, HOUR_MS) };
    assert_eq!(decide(&grace, &case(vec![paid])).outcome, Outcome::CareOnly);
}

#[test]
fn the_platforms_floor_raises_the_cash_and_takes_it_off_the_coupon() {
    let floor = with(r#"{"platform_floor": {"bp": 500, "min": 300, "max": 5000, "trigger_hours": 48}}"#);
    let at = |hours: i64| decide(&floor, &case(vec![late(DelayKind::Shipping, hours * HOUR_MS)]));
    let before = at(47);
    assert_eq!((before.total_cash, before.total_coupon), (0, 3_000));
    assert_eq!(rules(&before), ["DC-011"]);
    let from_the_trigger = at(48);
    assert_eq!((from_the_trigger.total_cash, from_the_trigger.total_coupon), (1_000, 2_000));
    assert_eq!(rules(&from_the_trigger), ["DC-011", "DC-070"]);
    let above_the_floor = at(100);
    assert_eq!((above_the_floor.total_cash, above_the_floor.total_coupon), (2_000, 0), "10 % is more than the floor");
    assert_eq!(rules(&above_the_floor), ["DC-012"]);
    let exchange = decide(&floor, &case(vec![late(DelayKind::Exchange, 48 * HOUR_MS)]));
    assert_eq!(exchange.total_cash, 0, "a floor for shipping alone");
}

#[test]
fn the_floor_is_clamped_netted_and_owed_below_the_ladder_too() {
    let high = with(r#"{"platform_floor": {"bp": 10000, "min": 300, "max": 5000, "trigger_hours": 12}}"#);
    let mut facts = case(vec![late(DelayKind::Shipping, 12 * HOUR_MS)]);
    let ruling = decide(&high, &facts);
    assert_eq!((ruling.outcome, ruling.total_cash), (Outcome::Compensate, 5_000), "at most `max`");
    assert_eq!(rules(&ruling), ["DC-010", "DC-070"]);
    facts.already = vec![granted("e1", CompForm::CashRefund, 4_000, true)];
    assert_eq!(decide(&high, &facts).total_cash, 1_000, "what the platform paid counts");
    facts.lines[0].refunded = 20_000;
    facts.already.clear();
    assert_eq!(decide(&high, &facts).total_cash, 300, "at least `min`");
}

#[test]
fn civil_days_count_dates_in_the_merchants_zone() {
    let civil = with(r#"{"day_mode": "civil-days"}"#);
    // now is 10:00 on the 6th: late since 23:59:59 on the 5th is one civil day, since 00:00 on the 6th none.
    let midnight = now() - start_of_day(to_day(2026, 11, 6), 480);
    assert_eq!(tier(&civil, DelayKind::Shipping, midnight), None);
    assert_eq!(tier(&civil, DelayKind::Shipping, midnight + 1), Some(Tier::Slight));
    assert_eq!(tier(&civil, DelayKind::Shipping, midnight + 3 * DAY_MS), Some(Tier::Slight), "the third day whole");
    assert_eq!(tier(&civil, DelayKind::Shipping, midnight + 3 * DAY_MS + 1), Some(Tier::Moderate));
    assert_eq!(tier(&civil, DelayKind::Repair, midnight + 3 * DAY_MS + 1), Some(Tier::Moderate));
    let inclusive = with(r#"{"day_mode": "civil-days", "ship_upper_tier_inclusive": true}"#);
    assert_eq!(tier(&inclusive, DelayKind::Shipping, midnight + 2 * DAY_MS + 1), Some(Tier::Moderate));
    assert_eq!(tier(&inclusive, DelayKind::Shipping, midnight + 2 * DAY_MS), Some(Tier::Slight));
}

#[test]
fn the_limits_in_hours_move() {
    let quick = with(r#"{"ship_min_hours": 1, "ship_upper_hours": 24, "exchange_min_hours": 2, "repair_upper_hours": 48}"#);
    assert_eq!(tier(&quick, DelayKind::Shipping, HOUR_MS - 1), None);
    assert_eq!(tier(&quick, DelayKind::Shipping, HOUR_MS), Some(Tier::Slight));
    assert_eq!(tier(&quick, DelayKind::Shipping, 24 * HOUR_MS + 1), Some(Tier::Moderate));
    assert_eq!(tier(&quick, DelayKind::Exchange, 2 * HOUR_MS), Some(Tier::Slight));
    assert_eq!(tier(&quick, DelayKind::Repair, 48 * HOUR_MS + 1), Some(Tier::Moderate));
    let inclusive = with(r#"{"ship_upper_tier_inclusive": true}"#);
    assert_eq!(tier(&inclusive, DelayKind::Shipping, 72 * HOUR_MS), Some(Tier::Moderate));
    assert_eq!(tier(&inclusive, DelayKind::Shipping, 72 * HOUR_MS - 1), Some(Tier::Slight));
}

#[test]
fn forms_and_amounts_are_the_merchants() {
    let gifts = with(
        r#"{"ship_slight_form": "sample-gift", "ship_slight_value": 1200, "ship_moderate_form": "sample-gift", "ship_moderate_bp": 2000}"#,
    );
    let lower = decide(&gifts, &case(vec![late(DelayKind::Shipping, 30 * HOUR_MS)]));
    assert_eq!((lower.awards[0].form, lower.total_coupon), (CompForm::SampleGift, 1_200));
    let upper = decide(&gifts, &case(vec![late(DelayKind::Shipping, 90 * HOUR_MS)]));
    assert_eq!((upper.awards[0].form, upper.total_coupon, upper.total_cash), (CompForm::SampleGift, 4_000, 0));
    let other = with(r#"{"exchange_slight_value": 100, "repair_moderate_bp": 500, "refund_solatium": 0}"#);
    assert_eq!(decide(&other, &case(vec![late(DelayKind::Exchange, 30 * HOUR_MS)])).total_coupon, 100);
    assert_eq!(decide(&other, &case(vec![late(DelayKind::Repair, 90 * HOUR_MS)])).total_cash, 1_000);
    let refund = decide(&other, &case(vec![late(DelayKind::RefundProcessing, HOUR_MS)]));
    assert_eq!((refund.outcome, refund.total_cash, refund.total_refund_due), (Outcome::Compensate, 0, 20_000));
}

#[test]
fn approvals_follow_the_settings() {
    let asked = |settings: &Settings, kind, hours: i64| {
        let ruling = decide(settings, &case(vec![late(kind, hours * HOUR_MS)]));
        (ruling.outcome, ruling.notes.approvals.first().map(|approval| (approval.role.as_str(), approval.rule.clone())))
    };
    let approval = |role, rule: &str| (Outcome::CompensateWithApproval, Some((role, rule.to_owned())));
    assert_eq!(asked(&with(r#"{"ladder_approval": "none"}"#), DelayKind::Exchange, 30), (Outcome::Compensate, None));
    assert_eq!(asked(&with(r#"{"ladder_approval": "dept-head"}"#), DelayKind::Repair, 30), approval("dept-head", "DC-040"));
    let strict = with(r#"{"auto_max": 0, "supervisor_max": 1999}"#);
    assert_eq!(asked(&strict, DelayKind::Shipping, 90), approval("dept-head", "DC-082"));
    let exactly = with(r#"{"auto_max": 2000, "supervisor_max": 2000}"#);
    assert_eq!(asked(&exactly, DelayKind::Shipping, 90), (Outcome::Compensate, None), "exactly the limit is allowed");
    assert_eq!(asked(&with(r#"{"auto_max": 0}"#), DelayKind::Exchange, 30), approval("supervisor", "DC-030"), "the first rule that asked");

    let small = Episode { refund_owed: 990, ..late(DelayKind::RefundProcessing, HOUR_MS) };
    let unlooked = decide(&with(r#"{"approve_over_base": false}"#), &case(vec![small]));
    assert_eq!((unlooked.outcome, rules(&unlooked)), (Outcome::Compensate, vec!["DC-020"]));
}

#[test]
fn what_the_platform_paid_may_be_left_out_of_account() {
    let mut facts = case(vec![late(DelayKind::Shipping, 90 * HOUR_MS)]);
    facts.already = vec![granted("e1", CompForm::CashRefund, 500, true)];
    let ruling = decide(&with(r#"{"net_platform_paid": false}"#), &facts);
    assert_eq!((ruling.total_cash, rules(&ruling)), (2_000, vec!["DC-012"]));
}

#[test]
fn settings_that_contradict_each_other_or_the_law_are_refused() {
    let refused = |json: &str| Settings::parse(json).expect_err(json).into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    assert_eq!(refused(r#"{"auto_max": 60000}"#), ["/supervisor_max"]);
    assert_eq!(refused(r#"{"ship_min_hours": 25, "ship_upper_hours": 73}"#), ["/ship_min_hours", "/ship_upper_hours"]);
    assert_eq!(refused(r#"{"platform_floor": {"bp": 500, "min": 300, "max": 200, "trigger_hours": 1}}"#), ["/platform_floor/max"]);
    assert_eq!(refused(r#"{"platform_floor": {"bp": 500}}"#).len(), 3);
}

#[test]
fn the_schema_names_every_parameter() {
    let schema: serde_json::Value = serde_json::from_str(&Settings::schema()).expect("JSON");
    let properties = schema["properties"].as_object().expect("an object");
    assert_eq!(properties.len(), 24);
    assert_eq!(properties["ship_upper_hours"]["maximum"], 72);
    assert_eq!(properties["ladder_approval"]["default"], "supervisor");
}

#[test]
fn the_published_schema_is_that_of_the_settings() {
    ombud_sdk::schema_file_is_current::<Settings>(concat!(env!("CARGO_MANIFEST_DIR"), "/settings.schema.json")).expect("current");
}
