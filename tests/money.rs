//! Money over HTTP: no policy, no crowd of requests and no person spends more than the caps allow, and the guardrail gives
//! what an unfair policy denies. Here the caps themselves; acts of persons and policies of merchants stand beside.

mod borne;
mod delayed;
mod kept;
mod outcomes;
mod persons;
mod platform;
mod policies;
mod restated;

use ombud::service::Role;
use ombud_tests::events::{refund, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, only, rules, shared};
use serde_json::{Value, json};

/// Caps that only the named ones bind.
fn caps(own: Value) -> Value {
    let mut caps = json!({
        "order_refund_auto_fen_max": 500_000, "order_goodwill_fen_max": 20_000, "customer_24h_refund_fen_max": 1_000_000,
        "customer_24h_goodwill_fen_max": 20_000, "merchant_day_refund_fen_max": 20_000_000, "merchant_day_goodwill_fen_max": 2_000_000,
    });
    for (name, value) in own.as_object().unwrap() {
        caps[name] = value.clone();
    }
    // Noon at the merchant's: its day does not end while a test runs.
    let minutes = ombud::clock::now_ms() / 60_000 % 1440;
    json!({"caps": caps, "tz_offset_min": 720 - minutes})
}
/// What the ledger counts for a merchant: refunds and goodwill.
fn counted(merchant: &Merchant<'_>) -> (i64, i64) {
    let sum = |column: &str| {
        let query =
            format!("SELECT coalesce(sum({column}), 0) FROM counted JOIN merchants USING (merchant_no) WHERE id = '{}'", merchant.id);
        ledger::count(&merchant.server.data, &query)
    };
    (sum("refund"), sum("goodwill"))
}

/// Breached caps of a decision.
fn breaches(decision: &Value) -> Vec<&str> {
    decision["caps"]["breaches"].as_array().unwrap().iter().map(|mark| mark["cap"].as_str().unwrap()).collect()
}

fn refund_of(decision: &Value) -> i64 {
    decision["amounts"]["refund"].as_i64().unwrap()
}
/// Posts events at the same time; their decisions, in no order.
fn at_once(merchant: &Merchant<'_>, events: &[Value]) -> Vec<Value> {
    std::thread::scope(|scope| {
        let posts: Vec<_> = events
            .iter()
            .map(|event| {
                let call = merchant.call(Role::Agent, "POST", "/events").event(event);
                scope.spawn(move || only(&call.send().ok()))
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    })
}
/// Asserts that of some decisions as many were paid as the cap allows, and that the others wait for a person.
fn only_paid(decisions: &[Value], paid: usize, cap: &str) {
    let (now, waiting): (Vec<&Value>, Vec<&Value>) = decisions.iter().partition(|decision| decision["due"] == "now");
    assert_eq!(now.len(), paid, "{decisions:?}");
    assert!(now.iter().all(|decision| decision["outcome"] == "approve-refund-only" && decision["caps"]["result"] == "uphold"));
    for decision in waiting {
        assert_eq!(
            (&decision["outcome"], &decision["disposition"], &decision["due"]),
            (&json!("escalate"), &json!("escalate"), &json!("proposal"))
        );
        assert_eq!((breaches(decision), refund_of(decision)), (vec![cap], 10_000), "the amount stays as a proposal");
        assert!(rules(decision).contains(&cap), "{decision}");
        assert_eq!(decision["caps"]["counted"], json!({"refund": 0, "cash": 0, "coupon": 0}));
        assert!(
            !decision["messages"].as_array().unwrap().is_empty()
                && !decision["ruling"]["notes"]["approvals"].as_array().unwrap().is_empty()
        );
    }
}

#[test]
fn refunds_of_one_customer_at_the_same_moment_stay_below_the_cap() {
    let merchant = shared().merchant(caps(json!({"customer_24h_refund_fen_max": 50_000})));
    let events: Vec<Value> = (0..12).map(|at| refund(&format!("cap21-{at}"), "c_many", 10_000)).collect();
    only_paid(&at_once(&merchant, &events), 5, "CAP-21");
    assert_eq!(counted(&merchant), (50_000, 0));
    // Another customer's window is another one.
    assert_eq!(merchant.decide(&refund("cap21-other", "c_other", 50_000))["due"], "now");
    ledger::gap_free(&shared().data, &merchant.id);
}

#[test]
fn refunds_of_one_day_at_the_same_moment_stay_below_the_cap() {
    let merchant = shared().merchant(caps(json!({"merchant_day_refund_fen_max": 49_999})));
    let events: Vec<Value> = (0..12).map(|at| refund(&format!("cap31-{at}"), &format!("c_{at}"), 10_000)).collect();
    only_paid(&at_once(&merchant, &events), 4, "CAP-31");
    assert_eq!(counted(&merchant), (40_000, 0));
    // What is left of the day may still be paid, to the fen.
    let last = merchant.decide(&refund("cap31-last", "c_last", 9_999));
    assert_eq!((&last["due"], refund_of(&last)), (&json!("now"), 9_999));
    assert_eq!(breaches(&merchant.decide(&refund("cap31-more", "c_more", 1))), ["CAP-31"]);
}

#[test]
fn all_breaches_are_named_and_the_cap_itself_is_allowed() {
    let merchant = shared().merchant(caps(json!({"order_refund_auto_fen_max": 10_000, "customer_24h_refund_fen_max": 10_000})));
    let exact = merchant.decide(&refund("exact", "c_exact", 10_000));
    assert_eq!((&exact["due"], &exact["caps"]["result"]), (&json!("now"), &json!("uphold")));
    let warned: Vec<&str> = exact["caps"]["warnings"].as_array().unwrap().iter().map(|mark| mark["cap"].as_str().unwrap()).collect();
    assert_eq!(warned, ["CAP-11", "CAP-21"]);
    assert_eq!(breaches(&merchant.decide(&refund("above", "c_above", 10_001))), ["CAP-11", "CAP-21"]);
}

#[test]
fn a_case_is_paid_once_however_often_it_is_asked_for() {
    let merchant = shared().merchant(caps(json!({})));
    let mut events: Vec<Value> = (0..8).map(|_| refund("once", "c_once", 10_000)).collect();
    for (at, event) in events.iter_mut().enumerate() {
        set(event, "/id", json!(format!("once-{at}")));
    }
    let decisions = at_once(&merchant, &events);
    assert_eq!(decisions.iter().filter(|decision| decision["due"] == "now" && refund_of(decision) > 0).count(), 1, "{decisions:?}");
    assert_eq!(counted(&merchant), (10_000, 0));
    // Another case about the same units finds them refunded.
    let mut other = refund("once", "c_once", 10_000);
    set(&mut other, "/id", json!("once-other"));
    set(&mut other, "/data/after_sale/after_sale_id", json!("case-other"));
    assert_eq!(refund_of(&merchant.decide(&other)), 0);
    assert_eq!(counted(&merchant), (10_000, 0));
}

/// Fruit of 10 000 fen, a share of it spoiled.
fn spoiled(own: &str, share: u32) -> Value {
    let mut event = refund(own, "c_fruit", 10_000);
    for (pointer, value) in [
        ("/data/after_sale/reason", json!("spoiled")),
        ("/data/after_sale/spoiled_share", json!(share)),
        ("/data/order/lines/0/category", json!("fresh")),
        ("/data/order/lines/0/shipped_at", json!(1_793_613_600_000_i64)),
        ("/data/order/lines/0/signed_at", json!(1_793_862_000_000_i64)),
    ] {
        set(&mut event, pointer, value);
    }
    event
}

#[test]
fn an_intent_on_record_is_not_paid_again() {
    let merchant = shared().merchant(caps(json!({})));
    let first = merchant.decide(&spoiled("fruit", 3_000));
    assert_eq!((&first["outcome"], &first["due"]), (&json!("approve-partial-refund"), &json!("now")), "{first}");
    let paid = refund_of(&first);
    let mut again = spoiled("fruit", 5_000);
    set(&mut again, "/id", json!("fruit-again"));
    let second = merchant.decide(&again);
    assert_eq!((&second["outcome"], breaches(&second)), (&json!("escalate"), vec!["CAP-03"]), "{second}");
    assert_eq!(counted(&merchant), (paid, 0));
    // Nor may a person pay it again.
    let act = json!({"action": "approve", "reason": "the customer insists"});
    let path = format!("/decisions/{}/override", second["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&act).send().problem(409);
    assert_eq!(counted(&merchant), (paid, 0));
}

#[test]
fn only_the_settling_currency_is_paid() {
    let mut config = caps(json!({}));
    config["currency"] = "USD".into();
    let merchant = shared().merchant(config);
    let mut event = refund("usd", "c_usd", 10_000);
    merchant.call(Role::Agent, "POST", "/events").event(&event).send().problem(422);
    event["data"].as_object_mut().unwrap().remove("currency");
    let decision = merchant.decide(&event);
    assert_eq!((&decision["outcome"], breaches(&decision)), (&json!("escalate"), vec!["CAP-02"]));
    assert_eq!(counted(&merchant), (0, 0));
    // Nor by a person.
    let act = json!({"action": "approve", "reason": "dollars"});
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&act).send().problem(409);
}

#[test]
fn the_operator_bounds_the_caps_and_the_merchant_moves_within() {
    let merchant = shared().merchant(json!({}));
    let as_operator = || shared().call("PUT", &format!("/v1/merchants/{}", merchant.id)).key(&shared().operator);
    let put = |role: Role, caps: Value| {
        let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
        config["caps"] = caps;
        match role {
            Role::Operator => as_operator().json(&config).send(),
            role => merchant.call(role, "PUT", "").json(&config).send(),
        }
    };
    let order = |answer: &Value| {
        (answer["config"]["caps"]["order_refund_auto_fen_max"].clone(), answer["caps_bound"]["order_refund_auto_fen_max"].clone())
    };
    let caps = |order: i64| json!({"order_refund_auto_fen_max": order});

    // Above the platform's default: what the operator allows, the merchant keeps when it changes something else.
    assert_eq!(order(&put(Role::Operator, caps(800_000)).ok()), (json!(800_000), json!(800_000)));
    let kept = merchant.call(Role::MerchantAdmin, "GET", "").send().ok();
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&kept["config"]).send().ok();
    assert_eq!(order(&put(Role::MerchantAdmin, caps(700_000)).ok()), (json!(700_000), json!(800_000)));
    let refused = put(Role::MerchantAdmin, caps(800_001)).problem(422);
    assert_eq!(refused["problems"][0]["pointer"], "/caps/order_refund_auto_fen_max");
    assert!(refused["problems"][0]["allowed"].as_str().unwrap().contains("800000"), "{refused}");

    // Below it: leaving the cap out does not lift it.
    assert_eq!(order(&put(Role::Operator, caps(1_000)).ok()), (json!(1_000), json!(1_000)));
    assert_eq!(order(&put(Role::MerchantAdmin, json!({})).ok()), (json!(1_000), json!(1_000)));
    put(Role::MerchantAdmin, caps(1_001)).problem(422);

    // The civil day of two caps is not the merchant's to move.
    let mut config = kept["config"].clone();
    config["caps"] = caps(1_000);
    config["tz_offset_min"] = json!(config["tz_offset_min"].as_i64().unwrap() - 60);
    let refused = merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().problem(422);
    assert_eq!(refused["problems"][0]["pointer"], "/tz_offset_min");
    as_operator().json(&config).send().ok();
}
