//! Which units of an order a case holds for as long as it is open, and which word of a case stands.

use ombud::service::Role;
use ombud_tests::events::{event, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, rules, shared};
use serde_json::{Value, json};

use super::{draft, facts};

/// An event of a case about so many of the two units of L2.
fn case(event_type: &str, order: &str, case: &str, qty: u32) -> Value {
    // The platform's own words of a change are about another wish.
    let mut event = event(if event_type == "aftersale.modified" { "aftersale.requested" } else { event_type }, order);
    set(&mut event, "/type", json!(event_type));
    set(&mut event, "/id", json!(format!("{event_type}-{case}-{qty}")));
    set(&mut event, "/data/after_sale/after_sale_id", json!(case));
    set(&mut event, "/data/after_sale/lines", json!([{"line_id": "L2", "qty": qty}]));
    set(&mut event, "/data/after_sale/requested_amount", Value::Null);
    event
}

fn refund_of(decision: &Value) -> i64 {
    decision["amounts"]["refund"].as_i64().unwrap()
}

fn act(merchant: &Merchant<'_>, decision: &Value, body: &Value) -> ombud_tests::client::Reply {
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(body).send()
}

#[test]
fn another_case_may_ask_for_the_units_that_nobody_asked_for() {
    let merchant = shared().merchant(json!({}));
    let ask = |order: &str, id: &str, qty: u32| merchant.decide(&case("aftersale.requested", order, id, qty));
    assert!(refund_of(&ask("units", "units-a", 1)) > 0);
    let second = ask("units", "units-b", 1);
    assert!(refund_of(&second) > 0 && second["disposition"] != "deny", "{second}");
    // Both units are asked for now.
    let third = ask("units", "units-c", 1);
    assert_eq!((&third["outcome"], rules(&third)[0]), (&json!("reject-duplicate"), "AS-002"), "{third}");
    // Two where one is held.
    assert!(refund_of(&ask("more", "more-a", 1)) > 0);
    assert_eq!(rules(&ask("more", "more-b", 2))[0], "AS-002");
}

#[test]
fn a_request_that_was_lowered_holds_what_it_asks_for_now() {
    let merchant = shared().merchant(json!({}));
    let tell = |event_type: &str, id: &str, qty: u32| merchant.decide(&case(event_type, "lowered", id, qty));
    tell("aftersale.requested", "lowered-a", 2);
    tell("aftersale.modified", "lowered-a", 1);
    let paid = tell("aftersale.return_received", "lowered-a", 1);
    assert_eq!(paid["outcome"], "refund-now", "{paid}");
    let other = tell("aftersale.requested", "lowered-b", 1);
    assert!(refund_of(&other) > 0, "{other}");
    assert_eq!(ledger::findings(&shared().data, &merchant.id), [""; 0]);
}

#[test]
fn an_event_that_contradicts_the_order_changes_nothing_of_its_case() {
    let merchant = shared().merchant(json!({}));
    merchant.decide(&case("aftersale.requested", "invalid", "invalid-a", 2));
    let mut wrong = case("aftersale.modified", "invalid", "invalid-a", 2);
    set(&mut wrong, "/data/after_sale/spoiled_share", json!(20_000));
    assert_eq!(merchant.decide(&wrong)["outcome"], "invalid-input");
    let other = merchant.decide(&case("aftersale.requested", "invalid", "invalid-b", 1));
    assert_eq!((&other["outcome"], rules(&other)[0]), (&json!("reject-duplicate"), "AS-002"), "the first case is open still: {other}");
    assert_eq!(ledger::findings(&shared().data, &merchant.id), [""; 0]);
}

#[test]
fn a_decision_that_a_later_one_of_its_case_overtook_is_not_acted_on() {
    let merchant = shared().merchant(json!({}));
    let mut bare = case("aftersale.requested", "overtaken", "overtaken", 1);
    set(&mut bare, "/data/after_sale/evidence", json!([]));
    let first = merchant.decide(&bare);
    let second = merchant.decide(&case("aftersale.evidence_added", "overtaken", "overtaken", 1));
    assert!(refund_of(&second) > 0, "{second}");
    let cancel = json!({"action": "cancel", "reason": "客户补充了凭证"});
    let refused = act(&merchant, &first, &cancel).problem(409);
    assert!(refused["detail"].as_str().unwrap().contains(second["id"].as_str().unwrap()), "{refused}");
    // What was approved stands, and so does the way back: the newer one first.
    act(&merchant, &second, &cancel).with(201);
    act(&merchant, &first, &cancel).with(201);
    assert_eq!(ledger::findings(&shared().data, &merchant.id), [""; 0]);
}

#[test]
fn what_was_paid_stays_true_whatever_is_asked_for_afterwards() {
    let merchant = shared().merchant(json!({}));
    let paid = merchant.decide(&ombud_tests::events::refund("true", "c_true", 18_903));
    assert_eq!(refund_of(&paid), 18_903);
    let mut again = ombud_tests::events::refund("true", "c_true", 18_903);
    set(&mut again, "/id", json!("true-again"));
    set(&mut again, "/type", json!("aftersale.modified"));
    assert_eq!(merchant.decide(&again)["outcome"], "reject-duplicate");
    let reply = merchant.decide(&draft("ticket-true", "true-reply", "已为您退款189.03元,原路退回。"));
    assert_eq!((&reply["outcome"], &facts(&merchant, &reply)["approved_refund"]), (&json!("pass"), &json!(18_903)), "{reply}");
}

#[test]
fn the_platforms_refund_and_the_shops_are_never_both_paid() {
    let merchant = shared().merchant(json!({"caps": {"merchant_day_refund_fen_max": 100_000_000}}));
    for at in 0..40 {
        let own = format!("race-{at}");
        merchant.decide(&event("aftersale.requested", &own));
        let mut platform = event("aftersale.refunded", &own);
        platform["data"].as_object_mut().unwrap().remove("delay");
        set(&mut platform, "/data/after_sale_state/after_sale_id", json!(format!("case-{own}")));
        let received = event("aftersale.return_received", &own);
        let post = |event: &Value| merchant.post(event);
        let answer = std::thread::scope(|scope| {
            let other = scope.spawn(|| post(&platform));
            let answer = post(&received);
            other.join().unwrap();
            answer
        });
        let decision = &answer["decisions"][0];
        let lines = format!(
            "SELECT sum(json_extract(line.value, '$.refunded')) FROM after_sale_cases, json_each(lines) AS line
                WHERE after_sale_id = 'case-{own}'"
        );
        assert_eq!(ledger::count(&shared().data, &lines), 18_903, "{decision}");
    }
}

#[test]
fn a_window_that_ends_on_a_day_off_is_not_over_where_no_calendar_is_known() {
    let merchant = shared().merchant(json!({}));
    // Signed on 2026-11-01: the seventh day, 11-08, is a Sunday, and the request comes on Monday morning.
    let request = |own: &str, applied_at: i64| {
        let mut event = event("aftersale.requested", own);
        set(&mut event, "/time", jiff::Timestamp::from_millisecond(applied_at).unwrap().to_string().into());
        let data = &mut event["data"];
        for line in data["order"]["lines"].as_array_mut().unwrap() {
            (line["shipped_at"], line["signed_at"]) = (json!(1_793_512_800_000_i64), json!(1_793_516_400_000_i64));
        }
        let case = &mut data["after_sale"];
        (case["reason"], case["evidence"], case["requested_amount"]) = (json!("no-reason"), json!([]), Value::Null);
        case["applied_at"] = json!(applied_at);
        let condition = case["condition"].as_object_mut().unwrap();
        condition.values_mut().for_each(|value| *value = json!("no"));
        condition.insert("accessories_complete".into(), json!("yes"));
        merchant.decide(&event)
    };
    let monday = request("sunday-1", 1_794_186_000_000);
    assert_eq!((&monday["outcome"], rules(&monday)[0]), (&json!("human-review"), "AS-403"), "{monday}");
    let tuesday = request("sunday-2", 1_794_186_000_000 + super::DAY_MS);
    assert_eq!((&tuesday["outcome"], rules(&tuesday)[0]), (&json!("reject-with-alternative"), "AS-402"), "{tuesday}");
}
