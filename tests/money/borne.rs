//! Late refunds of an order, in whatever names and order they are told: no line is refunded above what it cost, what is listed is what is
//! counted, and a person cannot pass it either (CAP-01, CAP-03).

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{caps, counted, refund_of};

/// An episode: its id, the lines, owed, paid, the case that it names.
type Told<'a> = (&'a str, &'a [&'a str], i64, i64, Option<&'a str>);

/// Late refunds of an order whose lines cost so much each.
fn late(id: &str, order: &str, lines: &[(&str, i64)], told: &[Told<'_>]) -> Value {
    let mut late = event("delay.detected", order);
    late["id"] = id.into();
    let delay = &mut late["data"]["delay"];
    delay["order_id"] = format!("order-{order}").into();
    delay["already"] =
        told.iter().map(|(own, ..)| json!({"episode_id": own, "form": "solatium", "value": 8_000, "by_platform": false})).collect();
    delay["lines"] = lines.iter().map(|(line, paid)| json!({"line_id": line, "paid": paid, "refunded": 0})).collect();
    let one = delay["episodes"][0].clone();
    let episode = |(own, lines, owed, paid, _): &Told<'_>| {
        let mut episode = one.clone();
        (episode["episode_id"], episode["kind"], episode["line_ids"]) = ((*own).into(), "refund-processing".into(), json!(lines));
        (episode["refund_owed"], episode["refund_paid"]) = ((*owed).into(), (*paid).into());
        (episode["basis_at"], episode["due"]) = (json!(1_793_844_000_000_i64), json!(1_793_944_000_000_i64));
        episode["merchant_marked_done"] = Value::Null;
        episode
    };
    delay["episodes"] = told.iter().map(episode).collect();
    let named = told.iter().filter_map(|(own, .., case)| Some(json!({"key": format!("after-sale-id:{own}"), "value": (*case)?})));
    delay["attributes"] = named.collect();
    late
}

fn merchant() -> Merchant<'static> {
    shared().merchant(caps(json!({"order_goodwill_fen_max": 0})))
}

/// Refunds that are listed for a merchant, which are what is counted.
fn refunded(merchant: &Merchant<'_>) -> i64 {
    let query = format!(
        "SELECT CAST(round(coalesce(sum(yuan), 0) * 100) AS INTEGER) FROM payments WHERE merchant = '{}' AND payment = 'refund' AND NOT cancelled",
        merchant.id
    );
    let listed = ledger::count(&merchant.server.data, &query);
    assert_eq!(counted(merchant).0, listed, "what is listed is what is counted");
    listed
}

fn act(merchant: &Merchant<'_>, decision: &Value, body: &Value) -> ombud_tests::client::Reply {
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(body).send()
}

/// Decides, and replays what was decided.
fn decide(merchant: &Merchant<'_>, event: &Value) -> Value {
    let decision = merchant.decide(event);
    let report = merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", decision["id"].as_str().unwrap())).send().ok();
    assert_eq!(report["identical"], true, "{report}");
    decision
}

const L1: &[(&str, i64)] = &[("L1", 60_000)];

#[test]
fn an_episode_that_is_told_again_in_another_way_was_paid_all_the_same() {
    let first: Told<'_> = ("1", &["L1"], 60_000, 0, None);
    let other: Told<'_> = ("2", &["L1"], 60_000, 0, None);
    let again: [(&str, &[Told<'_>]); 5] = [
        ("paid", &[("1", &["L1"], 60_000, 60_000, None), other]),
        ("part", &[("1", &["L1"], 60_000, 50_000, None), ("2", &["L1"], 50_000, 0, None)]),
        ("named", &[("1", &["L1"], 60_000, 0, Some("1"))]),
        ("alone", &[other]),
        ("both", &[("0", &["L1"], 30_000, 0, None), first]),
    ];
    for (own, told) in again {
        let merchant = merchant();
        assert_eq!(refund_of(&decide(&merchant, &late("first", own, L1, &[first]))), 60_000);
        decide(&merchant, &late("second", own, L1, told));
        assert_eq!(refunded(&merchant), 60_000, "{own}");
        decide(&merchant, &late("third", own, L1, told));
        assert_eq!(refunded(&merchant), 60_000, "{own}");
    }
    // As an episode of another kind.
    let merchant = merchant();
    decide(&merchant, &late("first", "kind", L1, &[first]));
    let mut repair = late("second", "kind", L1, &[first, other]);
    repair["data"]["delay"]["episodes"][0]["kind"] = "repair".into();
    decide(&merchant, &repair);
    assert_eq!(refunded(&merchant), 60_000);
}

#[test]
fn what_was_paid_under_a_cases_name_was_refunded_of_the_order() {
    let merchant = merchant();
    let named: Told<'_> = ("1", &["L1"], 60_000, 0, Some("case-name"));
    assert_eq!(refund_of(&decide(&merchant, &late("first", "name", L1, &[named]))), 60_000);
    decide(&merchant, &late("second", "name", L1, &[("2", &["L1"], 60_000, 0, None)]));
    assert_eq!(refunded(&merchant), 60_000);
    // Nor by another case of the same line.
    let mut asked = refund("name", "customer-name", 60_000);
    asked["data"]["after_sale"]["after_sale_id"] = "case-other".into();
    let other = decide(&merchant, &asked);
    assert_eq!((refund_of(&other), refunded(&merchant)), (0, 60_000), "{other}");
}

#[test]
fn each_line_bears_what_it_cost() {
    let merchant = merchant();
    let lines = [("L1", 90_000), ("L2", 1_000)];
    let told: [Told<'_>; 2] = [("x", &["L2"], 80_000, 0, None), ("y", &["L1"], 10_000, 0, None)];
    let decision = decide(&merchant, &late("first", "pool", &lines, &told));
    assert_eq!((refund_of(&decision), refunded(&merchant)), (11_000, 11_000), "{decision}");
    let due: Vec<i64> = decision["ruling"]["awards"].as_array().unwrap().iter().map(|own| own["refund_due"].as_i64().unwrap()).collect();
    assert_eq!(due.iter().sum::<i64>(), 11_000, "{decision}");
}

#[test]
fn a_person_pays_no_more_than_the_lines_bear() {
    let merchant = merchant();
    let mut asked = refund("person", "customer-person", 10_000);
    asked["data"]["after_sale"]["after_sale_id"] = "case-person".into();
    assert_eq!(refund_of(&decide(&merchant, &asked)), 10_000);
    let told: [Told<'_>; 2] = [("a", &["L1"], 4_000, 0, Some("case-person")), ("b", &["L1"], 6_500, 0, None)];
    let line = asked["data"]["order"]["lines"][0]["line_id"].as_str().unwrap();
    assert_eq!(line, "L1");
    let mut event = late("late", "person", &[("L1", 10_000)], &told);
    event["data"]["customer_ref"] = "customer-person".into();
    let lowered = decide(&merchant, &event);
    assert_eq!((refund_of(&lowered), refunded(&merchant)), (4_000, 10_000), "{lowered}");
    for fen in [4_001, 7_500, 10_000, 10_500] {
        let body =
            json!({"action": "amend", "reason": "more", "outcome": "compensate", "amounts": {"refund": fen, "cash": 0, "coupon": 0}});
        assert_eq!(pointers(&act(&merchant, &lowered, &body).problem(422)), ["/amounts/refund"], "{fen}");
    }
    assert_eq!(refunded(&merchant), 10_000);
}

#[test]
fn a_person_refunds_no_line_above_what_it_cost() {
    // L1 bears little of what is owed of it, and L2 less than what it cost: together they would bear what is told of L1 alone.
    let merchant = shared().merchant(caps(json!({"order_goodwill_fen_max": 0, "order_refund_auto_fen_max": 0})));
    let lines = [("L1", 1_000), ("L2", 90_000)];
    let waiting = merchant.decide(&late("first", "lines", &lines, &[("x", &["L1"], 80_000, 0, None), ("y", &["L2"], 10_000, 0, None)]));
    assert_eq!((refund_of(&waiting), super::breaches(&waiting)), (11_000, vec!["CAP-01", "CAP-11"]), "{waiting}");
    let amend = |fen: i64| {
        let amounts = json!({"refund": fen, "cash": 0, "coupon": 0});
        act(&merchant, &waiting, &json!({"action": "amend", "reason": "more", "outcome": "compensate", "amounts": amounts}))
    };
    let refused = amend(11_001).problem(422);
    assert_eq!(pointers(&refused), ["/amounts/refund"]);
    let text = refused.to_string();
    assert!(text.contains("line `L1` cost 1000 fen, 0 fen were refunded before, 1000 fen are left"), "{text}");
    assert!(text.contains("at most 11000 fen") && !text.contains("`L2`"), "{text}");
    amend(11_000).with(201);
    assert_eq!(refunded(&merchant), 11_000);
    // What is left is what L2 bears.
    let again = merchant.decide(&late("second", "lines", &lines, &[("z", &["L1", "L2"], 91_000, 0, None)]));
    assert_eq!(refund_of(&again), 80_000, "{again}");
}

#[test]
fn a_case_and_a_delay_of_one_event_are_paid_together_what_the_line_cost() {
    for (own, case, owed, expected) in [("left", 4_000, 10_000, 6_000), ("all", 10_000, 10_000, 0), ("named", 10_000, 10_000, 10_000)] {
        let merchant = merchant();
        let named = (own == "named").then_some("case-named");
        let delay = late("late", own, &[("L1", 10_000)], &[("e", &["L1"], owed, 0, named)]);
        let mut both = refund(own, &format!("customer-{own}"), case);
        (both["type"], both["time"]) = ("logistics.updated".into(), delay["time"].clone());
        both["data"]["after_sale"]["stage"] = "requested".into();
        both["data"]["delay"] = delay["data"]["delay"].clone();
        let preview = merchant.call(Role::Agent, "POST", "/preview").event(&both).send().ok();
        let decided = merchant.post(&both);
        let decisions = decided["decisions"].as_array().unwrap();
        let refunds = |of: &Value| of["decisions"].as_array().unwrap().iter().map(refund_of).collect::<Vec<_>>();
        // By the case's own name it is stated again, and nothing more is paid.
        assert_eq!((refunds(&decided), refunds(&preview)), (vec![case, expected], vec![case, expected]), "{own}: {decided}");
        assert_eq!(refunded(&merchant), 10_000, "{own}");
        for decision in decisions {
            let path = format!("/decisions/{}/replay", decision["id"].as_str().unwrap());
            assert_eq!(merchant.call(Role::Auditor, "POST", &path).send().ok()["identical"], true, "{own}");
        }
    }
}

#[test]
fn what_one_line_does_not_bear_was_of_the_others() {
    let merchant = merchant();
    let mut asked = refund("shift", "customer-shift", 10_000);
    asked["data"]["after_sale"]["after_sale_id"] = "case-shift".into();
    assert_eq!(refund_of(&decide(&merchant, &asked)), 10_000);
    let lines = [("L1", 10_000), ("L2", 10_000)];
    // Of both lines; L1 was refunded, so it was all of L2.
    assert_eq!(refund_of(&decide(&merchant, &late("first", "shift", &lines, &[("x", &["L1", "L2"], 10_000, 0, None)]))), 10_000);
    assert_eq!(refund_of(&decide(&merchant, &late("second", "shift", &lines, &[("y", &["L2"], 10_000, 0, None)]))), 0);
    assert_eq!(refunded(&merchant), 20_000);
}

#[test]
fn what_is_taken_back_is_what_was_counted() {
    let merchant = merchant();
    decide(&merchant, &late("first", "back", L1, &[("b", &["L1"], 40_000, 0, None)]));
    let told: [Told<'_>; 2] = [("a", &["L1"], 30_000, 0, None), ("b", &["L1"], 40_000, 0, None)];
    let second = decide(&merchant, &late("second", "back", L1, &told));
    assert_eq!((refund_of(&second), second["caps"]["counted"]["refund"].as_i64(), refunded(&merchant)), (60_000, Some(20_000), 60_000));
    for (refund, in_all) in [(50_000, 50_000), (60_000, 60_000), (30_000, 40_000)] {
        let body =
            json!({"action": "amend", "reason": "moved", "outcome": "compensate", "amounts": {"refund": refund, "cash": 0, "coupon": 0}});
        act(&merchant, &second, &body).with(201);
        assert_eq!(refunded(&merchant), in_all, "{refund}");
    }
    act(&merchant, &second, &json!({"action": "cancel", "reason": "it had arrived"})).with(201);
    assert_eq!(refunded(&merchant), 40_000);
}

#[test]
fn what_is_taken_back_returns_to_the_day_on_which_it_was_counted() {
    let server = shared();
    // Nearly a whole day lies between these zones.
    let merchant = server.merchant(json!({"tz_offset_min": 839}));
    let paid = decide(&merchant, &refund("zone", "customer-zone", 6_000));
    let days = |of: &str| {
        let query = format!("SELECT {of} FROM day_totals JOIN merchants USING (merchant_no) WHERE id = '{}'", merchant.id);
        ledger::count(&server.data, &query)
    };
    assert_eq!((days("count(*)"), days("sum(refund)")), (1, 6_000));
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    config["tz_offset_min"] = json!(-600);
    server.call("PUT", &format!("/v1/merchants/{}", merchant.id)).key(&server.operator).json(&config).send().ok();
    act(&merchant, &paid, &json!({"action": "cancel", "reason": "it had arrived"})).with(201);
    assert_eq!((days("count(*)"), days("max(refund)"), days("min(refund)")), (1, 0, 0), "no day is below zero");
}

/// Two late refunds of which one has the choice between lines: what the lines bear together is paid, in whatever order they are told.
#[test]
fn lines_make_room_for_one_another() {
    let lines = [("A", 10_000), ("B", 10_000), ("C", 5_000)];
    let told: [Told<'_>; 2] = [("e1", &["A", "B"], 10_000, 0, None), ("e2", &["A", "C"], 12_000, 0, None)];
    for (own, lines, told) in [("forth", lines, told), ("back", lines, [told[1], told[0]]), ("other", [lines[1], lines[2], lines[0]], told)]
    {
        let merchant = merchant();
        let decision = decide(&merchant, &late("first", own, &lines, &told));
        assert_eq!((refund_of(&decision), refunded(&merchant)), (22_000, 22_000), "{own}: {decision}");
    }
    let merchant = merchant();
    let above = [("e1", &["A", "B"][..], 10_000, 0, None), ("e2", &["A", "C"][..], 15_001, 0, None)];
    let decision = decide(&merchant, &late("first", "above", &lines, &above));
    assert_eq!((refund_of(&decision), refunded(&merchant)), (25_000, 25_000), "{decision}");
}

/// No solatium comes with it, so that the policy has no word for it.
#[test]
fn a_late_refund_alone_is_told() {
    let merchant = merchant();
    let decision = decide(&merchant, &late("first", "alone-told", L1, &[("1", &["L1"], 4_000, 0, None)]));
    assert_eq!((refund_of(&decision), &decision["amounts"]["cash"]), (4_000, &json!(0)), "{decision}");
    let words = decision["messages"].as_array().unwrap().iter().map(|message| message["zh_cn"].as_str().unwrap_or_default());
    assert!(words.clone().any(|text| text.contains("40.00元")), "{decision}");
}
