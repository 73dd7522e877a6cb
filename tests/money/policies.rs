//! Unfair, spendthrift and lavish policies of merchants, and what a merchant may set.

use std::collections::BTreeSet;

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund, set};
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, Server, policies_with, rules, shared};
use serde_json::{Value, json};

use super::{at_once, breaches, caps, counted, refund_of};

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
    let alerts = json!([{"code": "cap-balance", "severity": "high", "rule": "CAP-01"}]);
    assert_eq!(first["ruling"]["notes"]["alerts"], alerts, "somebody looks why a policy pays what is not left");
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
    // Whoever works off obligations does not pay what a person has yet to decide, and the person reads which cap asks.
    let notes = &large["ruling"]["notes"];
    let paying = |decision: &Value| {
        let duties = decision["ruling"]["notes"]["obligations"].as_array().unwrap();
        duties.iter().filter(|duty| duty["action"] == "refund-now").count()
    };
    assert_eq!((paying(&first), paying(&large)), (1, 0), "{notes}");
    assert_eq!((&notes["approvals"][0]["rule"], &notes["alerts"]), (&json!("CAP-11"), &alerts), "{notes}");
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
fn decisions_of_one_event_count_each_other() {
    let mut config = caps(json!({}));
    config["policies"] = json!({"delay": {"policy": "lavish", "settings": {"coupon_fen": 7_000}}});
    let merchant = with_test_policies().merchant(config);
    let both = |own: &str, id: &str| {
        let mut both = refund(own, "c_both", 10_000);
        both["id"] = id.into();
        both["type"] = "logistics.updated".into();
        both["data"]["after_sale"]["stage"] = "requested".into();
        both["data"]["delay"] = event("delay.detected", own)["data"]["delay"].clone();
        both["data"]["delay"]["already"] = json!([]);
        merchant.post(&both)["decisions"].as_array().unwrap().clone()
    };
    let decisions = both("both", "both-1");
    let [after_sale, delay] = decisions.as_slice() else { panic!("{decisions:?}") };
    assert_eq!(
        (refund_of(after_sale), &after_sale["due"], &delay["amounts"]["coupon"], &delay["due"]),
        (10_000, &json!("now"), &json!(7_000), &json!("now"))
    );
    // The refund is not yet on record when the compensation is counted, and counts all the same.
    for window in ["order_refund", "customer_24h_refund", "merchant_day_refund"] {
        assert_eq!((&after_sale["caps"]["used"][window], &delay["caps"]["used"][window]), (&json!(0), &json!(10_000)), "{window}: {delay}");
    }
    assert_eq!(counted(&merchant), (10_000, 7_000));
    // What the two came to is on record together, and the next event finds it once.
    let next = both("next", "both-2");
    assert_eq!(
        (&next[0]["caps"]["used"]["customer_24h_refund"], &next[1]["caps"]["used"]["customer_24h_goodwill"]),
        (&json!(10_000), &json!(7_000)),
        "{next:?}"
    );
    ledger::gap_free(&merchant.server.data, &merchant.id);
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
