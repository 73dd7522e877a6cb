//! Acts of persons on decisions: they pass the caps that bind policies, and nothing else.

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{breaches, caps, counted, refund_of};

/// A refund that waits for a person, since it is above the order's cap of 5 000 fen.
fn waiting(merchant: &Merchant<'_>, own: &str) -> String {
    let decision = merchant.decide(&refund(own, "c_wait", 10_000));
    assert_eq!(breaches(&decision), ["CAP-11"]);
    format!("/decisions/{}/override", decision["id"].as_str().unwrap())
}

fn cautious() -> Value {
    caps(json!({"order_refund_auto_fen_max": 5_000}))
}

#[test]
fn a_person_approves_once_and_then_it_counts() {
    let merchant = shared().merchant(cautious());
    let path = waiting(&merchant, "approve");
    assert_eq!(counted(&merchant), (0, 0));
    for blank in ["", " \u{3000}", "\u{200b}\t"] {
        let problem =
            merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "approve", "reason": blank})).send().problem(422);
        assert_eq!(pointers(&problem), ["/reason"], "{problem}");
    }
    let approve = json!({"action": "approve", "reason": "承运商确认丢失"});
    let act = merchant.call(Role::Supervisor, "POST", &path).json(&approve).send().with(201);
    assert_eq!((&act["outcome"], &act["amounts"]["refund"]), (&json!("approve-refund-only"), &json!(10_000)));
    assert_eq!(counted(&merchant), (10_000, 0));
    merchant.call(Role::Supervisor, "POST", &path).json(&approve).send().problem(409);
    assert_eq!(counted(&merchant), (10_000, 0));
    // The window of the customer has it, and so has the order.
    let next = merchant.decide(&refund("next", "c_wait", 4_000));
    assert_eq!((&next["caps"]["used"]["customer_24h_refund"], &next["caps"]["used"]["order_refund"]), (&json!(10_000), &json!(0)));
    // The units are refunded: another case about them gets nothing more, neither by itself nor by a person.
    let mut other = refund("approve", "c_wait", 10_000);
    set(&mut other, "/id", json!("approve-other"));
    set(&mut other, "/data/after_sale/after_sale_id", json!("case-other"));
    let other = merchant.decide(&other);
    assert_eq!(refund_of(&other), 0, "{other}");
    for state in ["open", "closed"] {
        // However the platform goes on with the case.
        let cases = format!(
            "SELECT count(*) FROM after_sale_cases JOIN merchants USING (merchant_no) WHERE id = '{}' AND state = '{state}'",
            merchant.id
        );
        assert_eq!(ledger::count(&shared().data, &cases), if state == "closed" { 3 } else { 0 });
    }
    // The act stands with the decision, under the person's name.
    let detail = merchant.call(Role::Auditor, "GET", path.strip_suffix("/override").unwrap()).send().ok();
    let acts = detail["acts"].as_array().unwrap();
    assert_eq!(acts.len(), 1);
    assert_eq!(
        (&acts[0]["actor"], &acts[0]["role"], &acts[0]["reason"]),
        (&json!("the-supervisor"), &json!("supervisor"), &json!("承运商确认丢失"))
    );
    let replay = merchant.call(Role::Auditor, "POST", &path.replace("/override", "/replay")).send().ok();
    assert_eq!(replay["identical"], true, "an act does not change what was decided");
    let entries = ledger::gap_free(&shared().data, &merchant.id);
    assert_eq!(entries.iter().filter(|entry| entry.event_type == "decision.override").count(), 1);
    assert_eq!(entries[act["seq"].as_u64().unwrap() as usize].leaf, act["leaf"].as_str().unwrap());
}

#[test]
fn two_cases_about_the_same_goods_are_not_both_approved() {
    let merchant = shared().merchant(cautious());
    let first = waiting(&merchant, "goods");
    merchant.call(Role::Supervisor, "POST", &first).json(&json!({"action": "cancel", "reason": "asked for by mistake"})).send().with(201);
    // Nothing is under way: the customer may ask again, in another case; both are decided before either is paid.
    let ask = |own: &str| {
        let mut event = refund("goods", "c_wait", 10_000);
        set(&mut event, "/id", json!(own));
        set(&mut event, "/data/after_sale/after_sale_id", json!(own));
        merchant.decide(&event)
    };
    let second = ask("goods-second");
    assert_eq!((breaches(&second), refund_of(&second)), (vec!["CAP-11"], 10_000), "{second}");
    let amend = json!({"action": "amend", "reason": "part of it", "amounts": {"refund": 4_000, "cash": 0, "coupon": 0}});
    let path = format!("/decisions/{}/override", second["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&amend).send().with(201);
    // Six thousand are left of the goods, whoever decides.
    let third = ask("goods-third");
    assert!(refund_of(&third) <= 6_000, "{third}");
    let more = |fen: i64| {
        let more = json!({"action": "amend", "reason": "more", "amounts": {"refund": fen, "cash": 0, "coupon": 0}});
        merchant.call(Role::Supervisor, "POST", &path).json(&more).send()
    };
    assert_eq!(pointers(&more(10_001).problem(422)), ["/amounts/refund"]);
    more(10_000).with(201);
    assert_eq!(counted(&merchant), (10_000, 0));
}

#[test]
fn compensation_that_a_person_approved_is_not_granted_again() {
    let merchant = shared().merchant(caps(json!({"order_goodwill_fen_max": 1})));
    let delay = |own: &str| {
        let mut event = event("delay.detected", "person");
        set(&mut event, "/id", json!(own));
        set(&mut event, "/data/delay/already", json!([]));
        merchant.decide(&event)
    };
    let goodwill = |decision: &Value| decision["amounts"]["cash"].as_i64().unwrap() + decision["amounts"]["coupon"].as_i64().unwrap();
    let first = delay("delay-1");
    assert_eq!((breaches(&first), &first["outcome"]), (vec!["CAP-12"], &json!("escalate")));
    let granted = goodwill(&first);
    assert!(granted > 0);
    let path = format!("/decisions/{}/override", first["id"].as_str().unwrap());
    let act =
        |action: &str| merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": action, "reason": "agreed"})).send().with(201);
    assert_eq!(act("approve")["outcome"], "compensate");
    assert_eq!(counted(&merchant), (0, granted));
    assert_eq!(goodwill(&delay("delay-2")), 0, "it was granted already");
    act("cancel");
    assert_eq!(counted(&merchant), (0, 0));
    assert_eq!(goodwill(&delay("delay-3")), granted, "what was taken back is due again");
}

#[test]
fn persons_at_the_same_moment_approve_once() {
    let merchant = shared().merchant(cautious());
    let path = waiting(&merchant, "race");
    let approve = json!({"action": "approve", "reason": "agreed"});
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..6)
            .map(|_| {
                let call = merchant.call(Role::Supervisor, "POST", &path).json(&approve);
                scope.spawn(move || call.send().status)
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
    assert_eq!(counted(&merchant), (10_000, 0));
}

#[test]
fn a_person_amends_and_cancels_and_the_window_gets_it_back() {
    let merchant = shared().merchant(cautious());
    let path = waiting(&merchant, "amend");
    let act = |body: Value| merchant.call(Role::Supervisor, "POST", &path).json(&body).send();
    for (body, pointer) in [
        (json!({"action": "amend", "reason": "more", "amounts": {"refund": 10_001, "cash": 0, "coupon": 0}}), "/amounts/refund"),
        (json!({"action": "amend", "reason": "less", "amounts": {"refund": -1, "cash": 0, "coupon": 0}}), "/amounts/refund"),
        (json!({"action": "amend", "reason": "other", "outcome": "pay-it-all"}), "/outcome"),
        (json!({"action": "amend", "reason": "nothing"}), ""),
        (json!({"action": "amend", "reason": "", "amounts": {"refund": 1, "cash": 0, "coupon": 0}}), "/reason"),
        (json!({"action": "amend", "reason": "字".repeat(2_001), "amounts": {"refund": 1, "cash": 0, "coupon": 0}}), "/reason"),
        (json!({"action": "amend", "amounts": {"refund": 1, "cash": 0, "coupon": 0}}), "/reason"),
        (json!({"action": "pay", "reason": "x"}), "/action"),
        (json!({"action": "approve", "reason": "x", "actor": "somebody"}), "/actor"),
    ] {
        assert_eq!(pointers(&act(body.clone()).problem(422)), [pointer], "{body}");
    }
    assert_eq!(counted(&merchant), (0, 0));
    let amended = act(
        json!({"action": "amend", "reason": "字".repeat(2_000), "amounts": {"refund": 6_000, "cash": 0, "coupon": 0}, "outcome": "approve-partial-refund"}),
    );
    assert_eq!(amended.with(201)["amounts"]["refund"], 6_000);
    assert_eq!(counted(&merchant), (6_000, 0));
    let amended = act(json!({"action": "amend", "reason": "half", "amounts": {"refund": 5_000, "cash": 0, "coupon": 0}}));
    assert_eq!(amended.with(201)["outcome"], "approve-partial-refund");
    assert_eq!(counted(&merchant), (5_000, 0));
    let cancelled = act(json!({"action": "cancel", "reason": "the parcel was found"}));
    assert_eq!((&cancelled.with(201)["outcome"], &cancelled.json()["amounts"]["refund"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(counted(&merchant), (0, 0));
    for action in ["approve", "amend", "cancel"] {
        act(json!({"action": action, "reason": "again", "amounts": if action == "amend" { json!({"refund": 1, "cash": 0, "coupon": 0}) } else { Value::Null }})).problem(409);
    }
    // What was given back can be paid: by the same intent, and within the windows.
    let fresh = merchant.decide(&refund("after-cancel", "c_wait", 5_000));
    assert_eq!((&fresh["caps"]["used"]["customer_24h_refund"], &fresh["due"]), (&json!(0), &json!("now")));
}

#[test]
fn an_automatic_refund_can_be_taken_back() {
    let merchant = shared().merchant(caps(json!({"customer_24h_refund_fen_max": 10_000})));
    let paid = merchant.decide(&refund("auto", "c_auto", 10_000));
    assert_eq!(paid["due"], "now");
    assert_eq!(breaches(&merchant.decide(&refund("full", "c_auto", 1_000))), ["CAP-21"]);
    let path = format!("/decisions/{}/override", paid["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "approve", "reason": "x"})).send().problem(409);
    merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "cancel", "reason": "paid by mistake"})).send().with(201);
    assert_eq!(counted(&merchant), (0, 0));
    let other = merchant.decide(&refund("room", "c_auto", 10_000));
    assert_eq!(other["due"], "now");
    // The units of the cancelled refund are due again: the case asked once more is paid once more.
    let mut again = refund("auto", "c_new_window", 10_000);
    set(&mut again, "/id", json!("auto-again"));
    let again = merchant.decide(&again);
    assert_eq!((refund_of(&again), breaches(&again)), (10_000, vec![]), "{again}");
}

#[test]
fn overrides_need_the_right_the_role_and_the_merchant() {
    let merchant = shared().merchant(cautious());
    let other = shared().merchant(json!({}));
    let path = waiting(&merchant, "roles");
    let approve = json!({"action": "approve", "reason": "agreed"});
    for role in [Role::Agent, Role::Auditor, Role::MerchantAdmin] {
        merchant.call(role, "POST", &path).json(&approve).send().problem(403);
    }
    let as_other = |key: &str| shared().call("POST", &format!("/v1/merchants/{}{path}", merchant.id)).key(key).json(&approve).send();
    as_other(other.key(Role::Supervisor)).problem(404);
    as_other(&shared().operator).problem(403);
    other.call(Role::Supervisor, "POST", &path).json(&approve).send().problem(404);
    merchant.call(Role::Supervisor, "POST", "/decisions/nothing/override").json(&approve).send().problem(404);
    assert_eq!(counted(&merchant), (0, 0));
    merchant.call(Role::DepartmentHead, "POST", &path).json(&approve).send().with(201);
}

/// What is given with an act that does not take it is refused, and nothing else is paid in its place.
#[test]
fn only_an_amendment_takes_amounts_and_an_outcome() {
    let merchant = shared().merchant(cautious());
    let path = waiting(&merchant, "given");
    let amounts = json!({"refund": 1, "cash": 0, "coupon": 0});
    for action in ["approve", "cancel"] {
        let act = |body: Value| merchant.call(Role::Supervisor, "POST", &path).json(&body).send();
        let with = act(json!({"action": action, "reason": "less", "amounts": amounts}));
        assert_eq!(pointers(&with.problem(422)), ["/amounts"]);
        let with = act(json!({"action": action, "reason": "less", "amounts": amounts, "outcome": "approve-partial-refund"}));
        assert_eq!(pointers(&with.problem(422)), ["/amounts", "/outcome"]);
    }
    assert_eq!(counted(&merchant), (0, 0));
}

/// A case is compensated by what stands over all its decisions.
#[test]
fn an_act_on_a_later_decision_takes_nothing_of_an_earlier_one() {
    let merchant = shared().merchant(caps(json!({})));
    let act = |decision: &Value, body: Value| {
        let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
        merchant.call(Role::Supervisor, "POST", &path).json(&body).send().with(201)
    };
    let first = merchant.decide(&event("aftersale.requested", "over"));
    let amounts = json!({"refund": 18_903, "cash": 2_000, "coupon": 0});
    act(&first, json!({"action": "amend", "reason": "lost", "outcome": "approve-refund-only", "amounts": amounts}));
    let mut again = event("aftersale.requested", "over");
    (again["id"], again["type"]) = ("over-again".into(), "aftersale.modified".into());
    let again = merchant.decide(&again);
    assert_eq!(again["outcome"], "reject-duplicate", "{again}");
    act(&again, json!({"action": "cancel", "reason": "told twice"}));
    let compensation = |case: &str| {
        ledger::count(&merchant.server.data, &format!("SELECT compensation FROM after_sale_cases WHERE after_sale_id = '{case}'"))
    };
    assert_eq!(compensation("case-over"), 2_000);
    act(&first, json!({"action": "cancel", "reason": "found"}));
    assert_eq!(compensation("case-over"), 0);
}

/// However many acts on other decisions of the same person came since.
#[test]
fn what_was_cancelled_long_ago_stays_cancelled() {
    let merchant = shared().merchant(cautious());
    let act = |path: &str, body: Value| merchant.call(Role::Supervisor, "POST", path).json(&body).send();
    let first = waiting(&merchant, "long-ago");
    act(&first, json!({"action": "cancel", "reason": "told twice"})).with(201);
    for number in 0..101 {
        let mut other = refund(&format!("since-{number}"), "c_wait", 10_000);
        // The same ticket, in which the acts are looked for.
        other["data"]["ticket_id"] = refund("long-ago", "c_wait", 10_000)["data"]["ticket_id"].clone();
        let other = merchant.decide(&other);
        let path = format!("/decisions/{}/override", other["id"].as_str().unwrap());
        act(&path, json!({"action": "cancel", "reason": "told twice"})).with(201);
    }
    let again = act(&first, json!({"action": "amend", "reason": "paid once more", "outcome": "approve-refund-only"}));
    assert!(again.problem(409)["detail"].as_str().unwrap().contains("was cancelled"), "{}", again.text());
    assert_eq!(counted(&merchant), (0, 0));
}
