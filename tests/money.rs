//! Money over HTTP: no policy, no crowd of requests and no person spends more than the caps allow, and the guardrail gives
//! what an unfair policy denies.

use std::collections::BTreeSet;

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund, set};
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, Server, only, policies_with, rules, shared};
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
    let minutes = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 60 % 1440;
    json!({"caps": caps, "tz_offset_min": 720 - i64::try_from(minutes).unwrap()})
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
    assert_eq!(entries.iter().filter(|entry| entry.entry == "act").count(), 1);
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

/// A server with the three test policies beside the real ones.
fn with_test_policies() -> &'static Server {
    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    SERVER.get_or_init(|| {
        let built = root().join("tests/policies");
        let more: Vec<_> = ["unfair", "spendthrift", "lavish"].iter().map(|name| built.join(name)).collect();
        let (folder, policies) = policies_with(&more.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>());
        let server = Server::start(tempfile::tempdir().unwrap(), &policies);
        drop(folder);
        server
    })
}

#[test]
fn the_guardrail_gives_what_an_unfair_policy_denies() {
    let merchant = with_test_policies().merchant(json!({"policies": {"after-sale": {"policy": "unfair"}}}));
    // A fault of the goods, shown within seven days (GR-108).
    let quality = merchant.decide(&event("aftersale.requested", "unfair-quality"));
    assert_eq!((&quality["policy"]["name"], &quality["guardrail"]), (&json!("unfair"), &json!("amend")), "{quality}");
    assert_eq!((&quality["outcome"], rules(&quality)), (&json!("approve-return-refund"), vec!["UNFAIR-1", "GR-108"]));
    assert!(refund_of(&quality) > 0 && quality["due"] == "later");
    // No reason at all, within seven days (GR-101).
    let mut changed = event("aftersale.requested", "unfair-mind");
    for (pointer, value) in [
        ("/data/after_sale/reason", json!("changed-mind")),
        ("/data/after_sale/condition/opened", json!("no")),
        ("/data/after_sale/condition/soiled_or_damaged", json!("no")),
        ("/data/after_sale/condition/used_beyond_inspection", json!("no")),
        ("/data/after_sale/evidence", json!([])),
    ] {
        set(&mut changed, pointer, value);
    }
    let changed = merchant.decide(&changed);
    assert_eq!((&changed["outcome"], rules(&changed)), (&json!("approve-return-refund"), vec!["UNFAIR-1", "GR-101"]), "{changed}");
    // Not shipped and late: the money at once (GR-113).
    let late = merchant.decide(&refund("unfair-late", "c_late", 10_000));
    assert_eq!((&late["outcome"], rules(&late), refund_of(&late)), (&json!("approve-refund-only"), vec!["UNFAIR-1", "GR-113"], 10_000));
    // And caps still stand behind the guardrail.
    assert_eq!((&late["due"], &late["caps"]["counted"]["refund"]), (&json!("now"), &json!(10_000)));
    // Whatever it refuses goes to the customer with a reason and the offer of a person.
    for decision in [&quality, &changed, &late] {
        assert!(!decision["messages"].as_array().unwrap().is_empty(), "{decision}");
    }
    all_replay(&merchant);
}

#[test]
fn the_caps_hold_a_spendthrift_policy() {
    let mut config = caps(json!({"order_refund_auto_fen_max": 15_000, "customer_24h_refund_fen_max": 25_000}));
    config["policies"] = json!({"after-sale": {"policy": "spendthrift", "settings": {"times": 10}}});
    let merchant = with_test_policies().merchant(config);
    let first = merchant.decide(&refund("spend-1", "c_lucky", 10_000));
    // Not shipped and late: the guardrail makes it a refund without return and leaves the amount, the host's cap does not.
    assert_eq!((&first["due"], refund_of(&first), breaches(&first)), (&json!("now"), 10_000, vec!["CAP-01"]), "{first}");
    // Customers are told what they get, and not what the policy wanted.
    assert!(first["messages"][0]["zh_cn"].as_str().unwrap().contains("100.00元") && !first.to_string().contains("1000.00"), "{first}");
    assert_eq!(
        (&first["caps"]["result"], &first["ruling"]["breakdown"]),
        (&json!("amend"), &json!([{"code": "cash-channel", "amount": 10_000}]))
    );
    // The same goods once more: nothing is left to refund.
    let mut again = refund("spend-1", "c_lucky", 10_000);
    set(&mut again, "/id", json!("spend-again"));
    assert_eq!(refund_of(&merchant.decide(&again)), 0);
    let large = merchant.decide(&refund("spend-2", "c_other", 15_001));
    assert_eq!((&large["outcome"], refund_of(&large), breaches(&large)), (&json!("escalate"), 15_001, vec!["CAP-01", "CAP-11"]));
    let events: Vec<Value> = (3..9).map(|at| refund(&format!("spend-{at}"), "c_lucky", 5_000)).collect();
    let decisions = at_once(&merchant, &events);
    assert_eq!(decisions.iter().filter(|decision| decision["due"] == "now").count(), 3, "15 000 of the customer's 25 000 were left");
    assert_eq!(counted(&merchant), (25_000, 0));
    all_replay(&merchant);
}

#[test]
fn the_caps_hold_a_lavish_policy() {
    let mut config = caps(json!({"order_goodwill_fen_max": 20_000, "customer_24h_goodwill_fen_max": 15_000}));
    config["policies"] = json!({"delay": {"policy": "lavish", "settings": {"coupon_fen": 7_000}}});
    let merchant = with_test_policies().merchant(config);
    let delay = |own: &str, order: &str, customer: &str, episode: &str| {
        let mut event = event("delay.detected", own);
        set(&mut event, "/data/customer_ref", json!(customer));
        set(&mut event, "/data/delay/order_id", json!(order));
        set(&mut event, "/data/delay/already", json!([]));
        set(&mut event, "/data/delay/episodes/0/episode_id", json!(episode));
        merchant.decide(&event)
    };
    for (at, (order, customer, episode, expected)) in [
        ("o1", "c1", "e1", vec![]),
        ("o1", "c1", "e1", vec!["CAP-03"]),
        ("o1", "c1", "e2", vec![]),
        ("o1", "c1", "e3", vec!["CAP-12", "CAP-22"]),
        ("o2", "c1", "e1", vec!["CAP-22"]),
        ("o2", "c2", "e1", vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let decision = delay(&format!("lavish-{at}"), order, customer, episode);
        assert_eq!(breaches(&decision), expected, "{at}: {decision}");
        assert_eq!(decision["outcome"], if expected.is_empty() { "compensate" } else { "escalate" });
    }
    assert_eq!(counted(&merchant), (0, 21_000));
    all_replay(&merchant);
}

#[test]
fn settings_out_of_bounds_and_unknown_policies_are_refused_with_their_place() {
    let server = with_test_policies();
    let merchant = server.merchant(json!({}));
    let put = |policies: Value| {
        let config = json!({"id": merchant.id, "shop_id": "10437917", "platform": "douyin", "policies": policies});
        merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send()
    };
    for (policies, expected) in [
        (json!({"after-sale": {"policy": "spendthrift", "settings": {"times": 1001}}}), vec!["/policies/after-sale/settings/times"]),
        (
            json!({"after-sale": {"settings": {"no_reason_days": 6, "colour": "red"}}}),
            vec!["/policies/after-sale/settings/colour", "/policies/after-sale/settings/no_reason_days"],
        ),
        (json!({"after-sale": {"policy": "nobody"}}), vec!["/policies/after-sale/policy"]),
        (json!({"delay": {"policy": "unfair"}}), vec!["/policies/delay/policy"]),
        (json!({"refunds": {"policy": "unfair"}}), vec!["/policies/refunds"]),
        (json!([]), vec!["/policies"]),
    ] {
        let found: BTreeSet<String> = pointers(&put(policies.clone()).problem(422)).into_iter().collect();
        assert_eq!(found, expected.into_iter().map(str::to_owned).collect(), "{policies}");
    }
    // Nothing of it took effect.
    let policies = merchant.call(Role::Auditor, "GET", "/policies").send().ok();
    assert!(policies.as_array().unwrap().iter().all(|policy| policy["name"] == policy["kind"]), "{policies}");
}

#[test]
fn a_merchant_lowers_its_caps_and_only_the_operator_raises_them() {
    let merchant = shared().merchant(json!({}));
    let put = |key: &str, cap: i64| {
        let config = json!({"id": merchant.id, "shop_id": "10437917", "platform": "douyin", "caps": {"order_refund_auto_fen_max": cap}});
        shared().call("PUT", &format!("/v1/merchants/{}", merchant.id)).key(key).json(&config).send()
    };
    assert_eq!(pointers(&put(merchant.key(Role::MerchantAdmin), 500_001).problem(422)), ["/caps/order_refund_auto_fen_max"]);
    put(merchant.key(Role::Supervisor), 1).problem(403);
    put(merchant.key(Role::MerchantAdmin), 9_999).ok();
    assert_eq!(breaches(&merchant.decide(&refund("lowered", "c", 10_000))), ["CAP-11"]);
    put(&shared().operator, 600_000).ok();
    assert_eq!(merchant.decide(&refund("raised", "c", 600_000))["due"], "now");
}

fn all_replay(merchant: &Merchant<'_>) {
    for line in merchant.decisions("limit=200") {
        let report = merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", line["id"].as_str().unwrap())).send().ok();
        assert_eq!(report["identical"], true, "{report} {line}");
    }
}
