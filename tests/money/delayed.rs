//! A refund that is late is money of the order's: what an after-sales case, another episode or an event under another name was paid is not
//! paid again, and what waits for a person promises nothing.

use ombud::service::Role;
use ombud_tests::events::{event, set};
use ombud_tests::server::{Merchant, rules, shared};
use serde_json::{Value, json};

use super::{breaches, caps, refund_of};

/// A refund of L1 (¥189.03) that is late, of an order, a ticket and a customer that are named after `own`.
pub(super) fn late(own: &str, id: &str, episode: &str, owed: i64) -> Value {
    let mut late = delay(own, id, episode);
    for (member, value) in [
        ("kind", json!("refund-processing")),
        ("refund_owed", json!(owed)),
        ("due", json!(1_793_844_000_000_i64)),
        ("basis_at", json!(1_793_744_000_000_i64)),
    ] {
        late["data"]["delay"]["episodes"][0][member] = value;
    }
    late
}

/// A delay in shipping of the same line, of more than three days.
fn delay(own: &str, id: &str, episode: &str) -> Value {
    let mut delay = event("delay.detected", own);
    delay["id"] = id.into();
    let facts = &mut delay["data"]["delay"];
    (facts["already"], facts["lines"]) = (json!([]), json!([{"line_id": "L1", "paid": 18_903, "refunded": 0}]));
    let own = &mut facts["episodes"][0];
    (own["episode_id"], own["line_ids"], own["merchant_marked_done"]) = (episode.into(), json!(["L1"]), Value::Null);
    own["due"] = json!(1_793_600_000_000_i64);
    delay
}

/// L1 of the same order came back.
fn returned(own: &str) -> Value {
    event("aftersale.return_received", own)
}

fn merchant() -> Merchant<'static> {
    shared().merchant(caps(json!({})))
}

/// Asserts that the decision replays to the same bytes.
fn identical(merchant: &Merchant<'_>, decision: &Value) {
    let path = format!("/decisions/{}/replay", decision["id"].as_str().unwrap());
    let report = merchant.call(Role::Auditor, "POST", &path).send().ok();
    assert_eq!(report["identical"], true, "{report}");
}

#[test]
fn a_late_refund_is_never_more_than_what_is_left_of_its_lines() {
    let merchant = merchant();
    let exact = merchant.decide(&late("left-0", "left-0", "e", 18_903));
    assert_eq!((&exact["outcome"], refund_of(&exact), breaches(&exact).len()), (&json!("compensate"), 18_903, 0), "{exact}");
    let above = merchant.decide(&late("left-1", "left-1", "e", 18_904));
    assert_eq!((refund_of(&above), breaches(&above)), (18_903, vec!["CAP-01"]), "{above}");
    // Twenty times the price, and of a line that was refunded.
    let mistaken = merchant.decide(&late("left-2", "left-2", "e", 400_000));
    assert_eq!((refund_of(&mistaken), breaches(&mistaken)), (18_903, vec!["CAP-01"]));
    let mut refunded = late("left-3", "left-3", "e", 18_903);
    set(&mut refunded, "/data/delay/lines/0/refunded", json!(18_000));
    assert_eq!(refund_of(&merchant.decide(&refunded)), 903);
    for decision in [exact, above, mistaken] {
        identical(&merchant, &decision);
    }
}

#[test]
fn a_line_is_refunded_once_under_however_many_names() {
    let merchant = merchant();
    assert_eq!(refund_of(&merchant.decide(&late("names", "names-0", "e1", 18_903))), 18_903);
    let other = merchant.decide(&late("names", "names-1", "e2", 18_903));
    assert_eq!((refund_of(&other), breaches(&other)), (0, vec!["CAP-01"]), "{other}");
    // The same episode states it again, and the goods that come back have been paid for.
    let again = merchant.decide(&late("names", "names-2", "e1", 18_903));
    assert_eq!((refund_of(&again), &again["caps"]["counted"]["refund"], breaches(&again).len()), (18_903, &json!(0), 0), "{again}");
    let case = merchant.decide(&returned("names"));
    assert_eq!((refund_of(&case), rules(&case)[0]), (0, "AS-003"), "{case}");
    // The other line of the order was never refunded.
    let mut second = returned("names");
    set(&mut second, "/id", json!("names-L2"));
    set(&mut second, "/data/after_sale/after_sale_id", json!("names-L2"));
    set(&mut second, "/data/after_sale/lines/0/line_id", json!("L2"));
    assert!(refund_of(&merchant.decide(&second)) > 0);
    for decision in [other, again, case] {
        identical(&merchant, &decision);
    }
}

#[test]
fn the_customer_is_told_what_is_left_and_what_was_paid_before() {
    let merchant = merchant();
    let told = |decision: &Value| {
        let path = format!("/decisions/{}/explanation?lang=zh-CN", decision["id"].as_str().unwrap());
        merchant.call(Role::Agent, "GET", &path).header("accept", "text/plain").send().text()
    };
    let first = told(&merchant.decide(&late("told", "told-0", "e1", 18_903)));
    assert!(first.contains("退款189.03元") && !first.contains("重复支付"), "{first}");
    // Nothing is left of the line: nothing is in progress.
    let other = told(&merchant.decide(&late("told", "told-1", "e2", 18_903)));
    assert!(other.contains("所涉商品已没有可退的金额，本次不再退款") && !other.contains("退款处理中"), "{other}");
    assert!(other.contains("如不同意本处理，您有权要求人工复核"), "{other}");
    let again = told(&merchant.decide(&late("told", "told-2", "e1", 18_903)));
    assert!(again.contains("这笔退款此前已经决定，不会重复支付。"), "{again}");
    let case = told(&merchant.decide(&returned("told")));
    assert!(case.starts_with("您申请的商品此前已经退回或退款。") && !case.contains("处理中"), "{case}");
}

#[test]
fn what_an_after_sales_case_was_paid_is_not_paid_again_for_its_delay() {
    let merchant = merchant();
    let paid = merchant.decide(&returned("paid"));
    assert_eq!((&paid["outcome"], refund_of(&paid)), (&json!("refund-now"), 18_903));
    let unnamed = merchant.decide(&late("paid", "paid-0", "some-episode", 18_903));
    assert_eq!((refund_of(&unnamed), breaches(&unnamed)), (0, vec!["CAP-01"]), "{unnamed}");
    // By the case's own id it is known for the case's: it is stated again, and nothing more is paid.
    let named = merchant.decide(&late("paid", "paid-1", "case-paid", 18_903));
    assert_eq!((refund_of(&named), &named["caps"]["counted"]["refund"], breaches(&named).len()), (18_903, &json!(0), 0), "{named}");
}

#[test]
fn a_delay_that_is_told_again_under_another_name_is_compensated_once() {
    let merchant = merchant();
    let first = merchant.decide(&delay("twice", "twice-0", "e-morning"));
    let cash = first["amounts"]["cash"].as_i64().unwrap();
    assert!(cash > 0, "{first}");
    let second = merchant.decide(&delay("twice", "twice-1", "e-evening"));
    assert_eq!(second["amounts"], json!({"refund": 0, "cash": 0, "coupon": 0}), "{second}");
    // Another line is another delay.
    let mut other = delay("twice", "twice-2", "e-other");
    set(&mut other, "/data/delay/lines/0/line_id", json!("L2"));
    set(&mut other, "/data/delay/episodes/0/line_ids", json!(["L2"]));
    assert_eq!(merchant.decide(&other)["amounts"]["cash"], cash);
}

#[test]
fn two_late_episodes_of_one_case_are_approved_as_one_payment() {
    let merchant = merchant();
    let mut waiting = late("two", "two-0", "ep1", 10_000);
    let facts = &mut waiting["data"]["delay"];
    let mut second = facts["episodes"][0].clone();
    (second["episode_id"], second["line_ids"], second["refund_owed"]) = (json!("ep2"), json!(["L2"]), json!(5_000));
    facts["episodes"].as_array_mut().unwrap().push(second);
    facts["lines"].as_array_mut().unwrap().push(json!({"line_id": "L2", "paid": 18_997, "refunded": 0}));
    facts["attributes"] = json!([{"key": "after-sale-id:ep1", "value": "as-two"}, {"key": "after-sale-id:ep2", "value": "as-two"}]);
    facts["extortion_flag"] = "yes".into();
    let decision = merchant.decide(&waiting);
    assert_eq!((&decision["disposition"], refund_of(&decision)), (&json!("escalate"), 15_000), "{decision}");
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    let act = merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "approve", "reason": "核实无误"})).send().with(201);
    assert_eq!(act["amounts"]["refund"], 15_000);
    merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "approve", "reason": "核实无误"})).send().problem(409);
}

#[test]
fn what_waits_for_a_person_promises_the_customer_nothing() {
    let merchant = merchant();
    let mut dear = delay("promise", "promise", "e");
    set(&mut dear, "/data/delay/lines/0/paid", json!(300_000));
    let decision = merchant.decide(&dear);
    assert_eq!((&decision["outcome"], &decision["amounts"]["cash"]), (&json!("compensate-with-approval"), &json!(30_000)), "{decision}");
    let keys: Vec<&str> = decision["messages"].as_array().unwrap().iter().map(|message| message["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["as.human_review"]);
    let obligations = decision["ruling"]["notes"]["obligations"].as_array().unwrap();
    assert!(obligations.iter().all(|obligation| obligation["action"] != "pay-cash"), "{obligations:?}");
    let path = format!("/decisions/{}/explanation?for=customer&lang=zh-CN", decision["id"].as_str().unwrap());
    let explanation = merchant.call(Role::Agent, "GET", &path).send().ok();
    assert!(explanation["messages"].as_array().unwrap().iter().all(|text| !text.as_str().unwrap().contains("300")), "{explanation}");
    identical(&merchant, &decision);
}

#[test]
fn a_delay_is_judged_by_its_own_order() {
    let merchant = merchant();
    assert_eq!(refund_of(&merchant.decide(&returned("own-a"))), 18_903);
    // One event brings a case of that order and a delay of another one.
    let mut both = event("logistics.updated", "own-a");
    let facts = delay("own-b", "own-b", "e")["data"]["delay"].clone();
    let case = event("aftersale.requested", "own-a")["data"].clone();
    for member in ["after_sale", "order", "customer"] {
        both["data"][member] = case[member].clone();
    }
    both["data"]["after_sale"]["after_sale_id"] = "own-a-second".into();
    both["data"]["delay"] = facts;
    let answer = merchant.post(&both);
    let decision = answer["decisions"].as_array().unwrap().iter().find(|decision| decision["kind"] == "delay").unwrap().clone();
    assert_eq!((&decision["outcome"], &decision["amounts"]["coupon"]), (&json!("compensate"), &json!(3_000)), "{decision}");
}

#[test]
fn a_person_pays_a_line_once_as_well() {
    let merchant = shared().merchant(caps(json!({"order_refund_auto_fen_max": 5_000})));
    let act = |decision: &Value, body: &Value| {
        let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
        merchant.call(Role::Supervisor, "POST", &path).json(body).send()
    };
    let approve = json!({"action": "approve", "reason": "核实无误"});
    // A case and two late refunds of one line wait at the same time; whichever is approved first, the others are too late.
    for (own, order) in [("person-0", [0, 1, 2]), ("person-1", [1, 0, 2]), ("person-2", [2, 1, 0])] {
        let waiting = [
            merchant.decide(&returned(own)),
            merchant.decide(&late(own, &format!("{own}-a"), "e1", 18_903)),
            merchant.decide(&late(own, &format!("{own}-b"), "e2", 18_903)),
        ];
        for decision in &waiting {
            assert_eq!((refund_of(decision), breaches(decision)), (18_903, vec!["CAP-11"]), "{decision}");
        }
        let [first, second, third] = order.map(|at| &waiting[at]);
        assert_eq!(act(first, &approve).with(201)["amounts"]["refund"], 18_903);
        for late in [second, third] {
            let problem = act(late, &approve).problem(422);
            assert!(problem.to_string().contains("CAP-01"), "{problem}");
        }
        // Once it is taken back, another one may be paid.
        act(first, &json!({"action": "cancel", "reason": "弄错了"})).with(201);
        assert_eq!(act(third, &approve).with(201)["amounts"]["refund"], 18_903);
        act(second, &approve).problem(422);
    }
}

#[test]
fn a_person_does_not_pay_what_a_late_refund_paid_since() {
    let merchant = merchant();
    let case = merchant.decide(&event("aftersale.requested", "since"));
    let late = merchant.decide(&late("since", "since-late", "e", 18_903));
    assert_eq!((&late["outcome"], refund_of(&late)), (&json!("compensate"), 18_903), "{late}");
    let path = format!("/decisions/{}/override", case["id"].as_str().unwrap());
    let amend = |refund: i64| {
        let amounts = json!({"refund": refund, "cash": 0, "coupon": 0});
        let body = json!({"action": "amend", "outcome": "approve-refund-only", "amounts": amounts, "reason": "核实无误"});
        merchant.call(Role::Supervisor, "POST", &path).json(&body).send()
    };
    let problem = amend(18_903).problem(422);
    assert!(problem.to_string().contains("CAP-01"), "{problem}");
}
