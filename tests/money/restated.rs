//! A refund that is late restates one that was decided: up to the amount on record, of the same order and customer. What is
//! above is money like any other.

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund};
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{breaches, caps, counted, refund_of};

/// A refund of an order that is late, one episode for each amount; `own` names the event.
fn late(own: &str, order: &str, customer: &str, owed: &[i64]) -> Value {
    let mut late = event("delay.detected", own);
    late["data"]["customer_ref"] = customer.into();
    let delay = &mut late["data"]["delay"];
    delay["order_id"] = order.into();
    // Compensated as the tiers have it: what is left is the refund.
    let already = |at| json!({"episode_id": format!("r{at}"), "form": "solatium", "value": 8_000, "by_platform": false});
    delay["already"] = (0..owed.len()).map(already).collect();
    delay["lines"] = json!([{"line_id": "L1", "paid": owed.iter().sum::<i64>(), "refunded": 0}]);
    let episode = delay["episodes"][0].clone();
    let episodes = owed.iter().enumerate().map(|(at, owed)| {
        let mut episode = episode.clone();
        episode["episode_id"] = format!("r{at}").into();
        episode["kind"] = "refund-processing".into();
        (episode["refund_owed"], episode["refund_paid"], episode["line_ids"]) = ((*owed).into(), 0.into(), json!(["L1"]));
        episode["due"] = json!(1_793_944_000_000_i64);
        (episode["basis_at"], episode["merchant_marked_done"]) = (json!(1_793_844_000_000_i64), Value::Null);
        episode
    });
    let episodes: Vec<Value> = episodes.collect();
    delay["episodes"] = episodes.into();
    late
}

/// The same, naming the after-sales case that the first episode is about.
fn naming(case: &str, mut late: Value) -> Value {
    late["data"]["delay"]["attributes"] = json!([{"key": "after-sale-id:r0", "value": case}]);
    late
}

/// Decides; what was counted for the decision, and the caps it breached.
fn decided(merchant: &Merchant<'_>, event: &Value) -> (Value, i64, Vec<String>) {
    let decision = merchant.decide(event);
    let replay = format!("/decisions/{}/replay", decision["id"].as_str().unwrap());
    let report = merchant.call(Role::Auditor, "POST", &replay).send().ok();
    assert_eq!(report["identical"], true, "{report}");
    let counted = decision["caps"]["counted"]["refund"].as_i64().unwrap();
    let breached = breaches(&decision).into_iter().map(str::to_owned).collect();
    (decision, counted, breached)
}

fn act(merchant: &Merchant<'_>, decision: &Value, body: &Value) -> ombud_tests::client::Reply {
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(body).send()
}

#[test]
fn what_is_above_the_amount_on_record_counts_and_is_capped() {
    let merchant = shared().merchant(caps(json!({})));
    let ask = |own: &str, owed: i64| decided(&merchant, &late(own, "o-y", "c_y", &[owed]));
    let (first, counts, _) = ask("y1", 20_000);
    assert_eq!((&first["outcome"], refund_of(&first), counts), (&json!("compensate"), 20_000, 20_000), "{first}");
    // The same amount again, or less, counts nothing.
    for (own, owed) in [("y2", 20_000), ("y3", 19_999)] {
        let (again, counts, breached) = ask(own, owed);
        assert_eq!((&again["due"], counts, breached.len()), (&json!("now"), 0, 0), "{again}");
        assert_eq!(again["caps"]["restated"], json!([{"intent": "refund o-y/r0", "amount": 20_000}]));
    }
    // One fen more counts as that fen, and so on to the cap of the order, to the fen.
    assert_eq!(ask("y4", 20_001).1, 1);
    assert_eq!(ask("y5", 500_000).1, 479_999);
    for (own, owed) in [("y6", 500_001), ("y7", 50_000_000), ("y8", 100_000_000_000)] {
        let (above, counts, breached) = ask(own, owed);
        assert_eq!((&above["outcome"], &above["due"], counts), (&json!("escalate"), &json!("proposal"), 0), "{above}");
        assert!(breached.contains(&"CAP-11".to_owned()), "{breached:?}");
    }
    assert_eq!(counted(&merchant), (500_000, 0));
    assert_eq!(ask("y9", 500_000).1, 0);
}

#[test]
fn episodes_are_restated_one_by_one() {
    let merchant = shared().merchant(caps(json!({})));
    // Of a line that bears them all: one that is worth less than what was refunded of it pays nothing more.
    let of = |paid: i64, mut late: Value| {
        late["data"]["delay"]["lines"][0]["paid"] = paid.into();
        late
    };
    assert_eq!(decided(&merchant, &of(15_001, late("e1", "o-e", "c_e", &[10_000]))).1, 10_000);
    assert_eq!(decided(&merchant, &of(8_000, late("e0", "o-e", "c_e", &[5_000, 3_000]))).1, 0);
    assert_eq!(decided(&merchant, &of(15_001, late("e2", "o-e", "c_e", &[5_000, 3_000]))).1, 3_000);
    assert_eq!(decided(&merchant, &of(15_001, late("e3", "o-e", "c_e", &[11_000, 4_000, 1]))).1, 2_001);
    assert_eq!(counted(&merchant), (15_001, 0));
    // An episode of the same name of another order is another refund.
    assert_eq!(decided(&merchant, &late("e4", "o-f", "c_e", &[10_000])).1, 10_000);
}

#[test]
fn a_named_case_is_one_of_the_same_order_and_customer() {
    let merchant = shared().merchant(caps(json!({})));
    let paid = merchant.decide(&refund("paid", "c_paid", 100));
    assert_eq!((&paid["due"], refund_of(&paid)), (&json!("now"), 100));
    let late = |own: &str, order: &str, customer: &str, owed: i64| naming("case-paid", late(own, order, customer, &[owed]));
    let (same, counts, _) = decided(&merchant, &late("n1", "order-paid", "c_paid", 100));
    assert_eq!((&same["due"], counts), (&json!("now"), 0), "{same}");
    assert_eq!(decided(&merchant, &late("n2", "order-paid", "c_paid", 4_100)).1, 4_000);
    for (own, order, customer) in [("n3", "order-other", "c_paid"), ("n4", "order-other", "c_other"), ("n5", "order-paid", "c_other")] {
        let refused = merchant.call(Role::Agent, "POST", "/events").event(&late(own, order, customer, 400_000)).send();
        assert_eq!(pointers(&refused.problem(422)), ["/data/delay/attributes/0/value"], "{own}");
    }
    assert_eq!(counted(&merchant), (4_100, 0));
}

#[test]
fn a_case_that_nobody_knows_is_paid_for_one_order_and_customer() {
    let merchant = shared().merchant(caps(json!({})));
    let late = |own: &str, order: &str, customer: &str| naming("case-unknown", late(own, order, customer, &[4_000]));
    assert_eq!(decided(&merchant, &late("u1", "o-u", "c_u")).1, 4_000);
    for (own, order, customer) in [("u2", "o-v", "c_u"), ("u3", "o-u", "c_v"), ("u4", "o-w", "c_w")] {
        let (other, counts, breached) = decided(&merchant, &late(own, order, customer));
        assert_eq!((&other["outcome"], counts, breached), (&json!("escalate"), 0, vec!["CAP-03".to_owned()]), "{other}");
        // Nor by a person.
        act(&merchant, &other, &json!({"action": "approve", "reason": "x"})).problem(409);
    }
    assert_eq!(counted(&merchant), (4_000, 0));
}

#[test]
fn persons_pay_the_difference_too() {
    let merchant = shared().merchant(caps(json!({"order_refund_auto_fen_max": 10_000})));
    let ask = |own: &str, owed: i64| decided(&merchant, &late(own, "o-p", "c_p", &[owed])).0;
    let first = ask("p1", 10_000);
    let more = ask("p2", 15_000);
    assert_eq!((breaches(&more), refund_of(&more)), (vec!["CAP-11"], 15_000));
    act(&merchant, &more, &json!({"action": "approve", "reason": "the bank returned it"})).with(201);
    assert_eq!(counted(&merchant), (15_000, 0));
    // Each takes back what it paid, once.
    let to = |refund: i64| json!({"action": "amend", "reason": "agreed", "amounts": {"refund": refund, "cash": 0, "coupon": 0}});
    for (refund, in_all) in [(12_000, 12_000), (9_000, 10_000), (15_000, 15_000)] {
        act(&merchant, &more, &to(refund)).with(201);
        assert_eq!(counted(&merchant), (in_all, 0), "{refund}");
    }
    assert_eq!(pointers(&act(&merchant, &more, &to(15_001)).problem(422)), ["/amounts/refund"]);
    act(&merchant, &more, &json!({"action": "cancel", "reason": "it had arrived"})).with(201);
    assert_eq!(counted(&merchant), (10_000, 0));
    act(&merchant, &first, &json!({"action": "cancel", "reason": "both had"})).with(201);
    assert_eq!(counted(&merchant), (0, 0));
}

#[test]
fn goodwill_beside_a_refund_leaves_its_episodes_alone() {
    let merchant = shared().merchant(caps(json!({})));
    let first = decided(&merchant, &late("g1", "o-g", "c_g", &[6_000, 4_000])).0;
    assert_eq!(counted(&merchant), (10_000, 0));
    let amounts = json!({"refund": 10_000, "cash": 500, "coupon": 0});
    act(&merchant, &first, &json!({"action": "amend", "reason": "an apology", "amounts": amounts})).with(201);
    assert_eq!(counted(&merchant), (10_000, 500));
    assert_eq!(decided(&merchant, &late("g2", "o-g", "c_g", &[6_000, 4_000])).1, 0, "every episode is on record as it was");
}
