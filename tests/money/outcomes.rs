//! What a person puts in the place of a decision: the outcome says whether money falls due (domain policies 5.8), for persons
//! as for policies.

use ombud::service::Role;
use ombud_tests::client::{Reply, pointers};
use ombud_tests::events::{event, refund, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{caps, counted, refund_of};

fn act(merchant: &Merchant<'_>, decision: &Value, body: &Value) -> Reply {
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(body).send()
}

fn amend(outcome: &str) -> Value {
    json!({"action": "amend", "outcome": outcome, "reason": "customer prefers"})
}

fn amounts(refund: i64, cash: i64, coupon: i64) -> Value {
    json!({"refund": refund, "cash": cash, "coupon": coupon})
}

/// Payments that stand on a merchant's record.
fn payments(merchant: &Merchant<'_>) -> i64 {
    let query = format!("SELECT count(*) FROM payments WHERE merchant = '{}' AND NOT cancelled", merchant.id);
    ledger::count(&merchant.server.data, &query)
}

/// A return that was agreed: its refund is promised.
fn promised(merchant: &Merchant<'_>, own: &str) -> (Value, i64) {
    let decision = merchant.decide(&event("aftersale.requested", own));
    assert_eq!((&decision["outcome"], &decision["due"]), (&json!("approve-return-refund"), &json!("later")), "{decision}");
    let promised = refund_of(&decision);
    assert!(promised > 0);
    (decision, promised)
}

/// What the warehouse says of it.
fn returned(own: &str) -> Value {
    let mut returned = event("aftersale.return_received", own);
    returned["data"]["order"] = event("aftersale.requested", own)["data"]["order"].clone();
    returned["data"]["after_sale"]["lines"] = event("aftersale.requested", own)["data"]["after_sale"]["lines"].clone();
    returned
}

#[test]
fn an_outcome_that_pays_nothing_pays_nothing() {
    let merchant = shared().merchant(caps(json!({})));
    for (at, outcome) in
        ["approve-exchange", "approve-repair", "approve-resend", "reject", "reject-with-alternative", "human-review", "need-evidence"]
            .into_iter()
            .enumerate()
    {
        for paid in [false, true] {
            let own = format!("out-{at}-{paid}");
            let decision = if paid { merchant.decide(&refund(&own, "c_out", 1_000)) } else { promised(&merchant, &own).0 };
            let before = counted(&merchant);
            assert_eq!(before.0, if paid { 1_000 } else { 0 });
            for (name, fen) in [("refund", amounts(1, 0, 0)), ("cash", amounts(0, 1, 0)), ("coupon", amounts(0, 0, 1))] {
                let mut body = amend(outcome);
                body["amounts"] = fen;
                assert_eq!(pointers(&act(&merchant, &decision, &body).problem(422)), [format!("/amounts/{name}")], "{outcome}");
            }
            assert_eq!(counted(&merchant), before);
            let done = act(&merchant, &decision, &amend(outcome)).with(201);
            assert_eq!((&done["outcome"], &done["amounts"]), (&json!(outcome), &amounts(0, 0, 0)));
            assert_eq!((counted(&merchant), payments(&merchant)), ((0, 0), 0), "{outcome}");
        }
    }
}

#[test]
fn a_promise_stays_one_until_the_goods_are_back() {
    let merchant = shared().merchant(caps(json!({})));
    let (decision, refund) = promised(&merchant, "promise");
    for outcome in ["approve-exchange", "approve-return-refund", "intercept-then-refund"] {
        let mut body = amend(outcome);
        if outcome != "approve-exchange" {
            body["amounts"] = amounts(refund, 0, 0);
        }
        let done = act(&merchant, &decision, &body).with(201);
        let stands = if outcome == "approve-exchange" { 0 } else { refund };
        assert_eq!((&done["outcome"], &done["amounts"]["refund"]), (&json!(outcome), &json!(stands)));
        assert_eq!((counted(&merchant), payments(&merchant)), ((0, 0), 0), "{outcome}");
    }
    // Goodwill is not promised: it falls due or it does not.
    let mut body = amend("approve-return-refund");
    body["amounts"] = amounts(refund, 500, 0);
    assert_eq!(pointers(&act(&merchant, &decision, &body).problem(422)), ["/amounts/cash"]);
    act(&merchant, &decision, &amend("approve-return-refund")).with(201);
    // The goods are back: now it is paid, and counted.
    let back = merchant.decide(&returned("promise"));
    assert_eq!((&back["outcome"], refund_of(&back)), (&json!("refund-now"), refund), "{back}");
    assert_eq!((counted(&merchant), payments(&merchant)), ((refund, 0), 1));
    // What was promised is paid: an act on the promise does not pay it again.
    assert_eq!(pointers(&act(&merchant, &decision, &amend("approve-refund-only")).problem(422)), ["/amounts/refund"]);
    assert_eq!((counted(&merchant), payments(&merchant)), ((refund, 0), 1));
}

#[test]
fn what_was_paid_may_become_a_promise_and_fall_due_again() {
    let merchant = shared().merchant(caps(json!({})));
    let decision = merchant.decide(&refund("back", "c_back", 1_000));
    for (outcome, refund, in_all) in
        [("approve-return-refund", 1_000, 0), ("approve-refund-only", 1_000, 1_000), ("approve-exchange", 0, 0), ("reject", 0, 0)]
    {
        let done = act(&merchant, &decision, &amend(outcome)).with(201);
        assert_eq!((&done["amounts"]["refund"], counted(&merchant)), (&json!(refund), (in_all, 0)), "{outcome}");
    }
    // Nothing stands any more that an outcome that pays could pay.
    assert_eq!(pointers(&act(&merchant, &decision, &amend("approve-refund-only")).problem(422)), ["/amounts"]);
    let mut body = amend("approve-partial-refund");
    body["amounts"] = amounts(600, 0, 0);
    act(&merchant, &decision, &body).with(201);
    assert_eq!(counted(&merchant), (600, 0));
}

#[test]
fn only_what_waits_is_approved() {
    let merchant = shared().merchant(caps(json!({})));
    let approve = json!({"action": "approve", "reason": "why not"});
    let reply = |id: &str, text: &str| {
        let mut draft = event("reply.drafted", id);
        draft["data"]["reply"]["text"] = text.into();
        merchant.decide(&draft)
    };
    let exchange = || {
        let mut exchange = event("aftersale.requested", "b6-exchange");
        set(&mut exchange, "/data/after_sale/request", json!("exchange"));
        merchant.decide(&exchange)
    };
    let twice = || {
        let mut twice = event("aftersale.requested", "b6-promised");
        set(&mut twice, "/id", json!("b6-twice"));
        set(&mut twice, "/data/after_sale/after_sale_id", json!("b6-twice"));
        merchant.decide(&twice)
    };
    let early = || {
        let mut early = event("delay.detected", "b6-early");
        set(&mut early, "/data/delay/episodes/0/due", json!(1_793_944_900_000_i64));
        merchant.decide(&early)
    };
    for (decision, outcome) in [
        (reply("b6-pass", "您好"), "pass"),
        (reply("b6-block", "国家级产品，全国第一"), "block"),
        (promised(&merchant, "b6-promised").0, "approve-return-refund"),
        (twice(), "reject-duplicate"),
        (exchange(), "approve-exchange"),
        (merchant.decide(&refund("b6-paid", "c_b6", 1_000)), "approve-refund-only"),
        (early(), "none"),
    ] {
        assert_eq!(decision["outcome"], outcome, "{decision}");
        act(&merchant, &decision, &approve).problem(409);
        assert_eq!(counted(&merchant).1, 0);
    }
}

#[test]
fn replies_move_no_money() {
    let merchant = shared().merchant(caps(json!({})));
    let decision = merchant.decide(&event("reply.drafted", "b2"));
    for (name, fen) in [("refund", amounts(50_000, 0, 0)), ("cash", amounts(0, 1, 0)), ("coupon", amounts(0, 0, 1))] {
        for outcome in [json!("pass"), Value::Null] {
            let mut body = json!({"action": "amend", "reason": "x", "amounts": fen});
            if outcome.is_string() {
                body["outcome"] = outcome;
            }
            assert_eq!(pointers(&act(&merchant, &decision, &body).problem(422)), [format!("/amounts/{name}")]);
        }
    }
    act(&merchant, &decision, &amend("block")).with(201);
    assert_eq!((counted(&merchant), payments(&merchant)), ((0, 0), 0));
}

#[test]
fn goodwill_of_a_person_is_bounded_by_what_the_law_gives_at_most() {
    let merchant = shared().merchant(caps(json!({})));
    // Ten times the price, and ¥1,000 whatever the price (食品安全法 art. 148).
    for (own, price, most) in [("cheap", 1_000, 100_000), ("dear", 20_000, 200_000)] {
        let decision = merchant.decide(&refund(own, "c_goodwill", price));
        let with = |cash: i64, coupon: i64| {
            let mut body = amend("approve-refund-only");
            body["amounts"] = amounts(price, cash, coupon);
            act(&merchant, &decision, &body)
        };
        for (cash, coupon, place) in [
            (most + 1, 0, "/amounts/cash"),
            (0, most + 1, "/amounts/coupon"),
            (most, 1, "/amounts/coupon"),
            (1_000_000_000_000, 1_000_000_000_000, "/amounts/cash"),
        ] {
            assert_eq!(pointers(&with(cash, coupon).problem(422)), [place], "{cash} {coupon}");
        }
        with(most - 500, 500).with(201);
        with(0, 0).with(201);
        assert_eq!(counted(&merchant).1, 0);
    }
}
