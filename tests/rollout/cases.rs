//! A case keeps the version of its first decision; where a newer one came into force both run, and the better one for the
//! consumer stands (domain model 4.0, rule 8).

use ombud::service::Role;
use ombud_tests::events::{event, refund};
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{LATE, bind, coupon, delay, replays, step, whole};

const HOUR: i64 = 3_600_000;

/// The versions of a decision: the one whose ruling stands, and the one beside with the stages of both.
fn versions(decision: &Value) -> (Value, Value, Value, Value) {
    let rollout = &decision["rollout"];
    (
        decision["policy"]["version"].clone(),
        rollout["stage"].clone(),
        rollout["beside"]["policy"]["version"].clone(),
        rollout["beside"]["stage"].clone(),
    )
}

#[test]
fn a_delay_is_decided_under_both_versions_and_the_better_one_stands() {
    let merchant = shared().merchant(json!({}));
    let opened = bind(&merchant, 3_000);
    let first = merchant.decide(&delay("bo-1", "1", LATE));
    assert_eq!((coupon(&first), versions(&first)), (3_000, (json!(opened), Value::Null, Value::Null, Value::Null)));
    // A dearer one comes into force: what it owes beyond is better.
    let better = bind(&merchant, 5_000);
    let second = merchant.decide(&delay("bo-1", "2", LATE + HOUR));
    assert_eq!(versions(&second), (json!(better), json!("active"), json!(opened), json!("opened")), "{second}");
    assert_eq!(coupon(&second), 2_000, "3,000 of 5,000 are granted already");
    // A stingier one does not lower what the case was promised.
    let worse = bind(&merchant, 1_000);
    let mut order = delay("bo-2", "1", LATE);
    order["data"]["customer_ref"] = "customer-bo-2".into();
    let other = merchant.decide(&order);
    assert_eq!((coupon(&other), versions(&other).0), (1_000, json!(worse)), "a new case is the active version's");
    let third = merchant.decide(&delay("bo-1", "3", LATE + 2 * HOUR));
    assert_eq!(versions(&third), (json!(opened), json!("opened"), json!(worse), json!("active")), "{third}");
    for decision in [&first, &second, &third, &other] {
        replays(&merchant, decision);
    }
    // The record names both in clear, and says what the other one ruled.
    let path = format!("/decisions/{}", second["id"].as_str().unwrap());
    let detail = merchant.call(Role::Auditor, "GET", &path).send().ok();
    assert_eq!(detail["rollout"]["beside"]["policy"]["version"], json!(opened), "{detail}");
    // An auditor sees what each of them looked at.
    let seen = merchant.call(Role::Auditor, "GET", &format!("{path}/explanation?for=auditor&lang=en")).send().ok();
    let lines = seen["evaluated"].as_array().unwrap();
    let looked: Vec<Value> = lines.iter().map(|line| json!([line["by"], line["version"], line["beside"], line["answered"]])).collect();
    let each = [
        json!(["policy", better, null, true]),
        json!(["guardrail", "0.1.0", null, true]),
        json!(["policy", opened, true, true]),
        json!(["guardrail", "0.1.0", true, true]),
    ];
    assert_eq!(looked, each, "{seen}");
    // What was taken back runs no more, not even beside; its cases are judged by what is active.
    step(&merchant, "rollback", json!({"reason": "stingy"})).send().ok();
    let fourth = merchant.decide(&delay("bo-2", "2", LATE + HOUR));
    assert_eq!(versions(&fourth).0, json!(better));
    assert_eq!(versions(&fourth).2, Value::Null, "{fourth}");
    replays(&merchant, &fourth);
    whole(&merchant);
}

/// Binds the policy of after-sales with settings.
fn after_sale(merchant: &Merchant<'_>, settings: Value) -> String {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({"after-sale": {"policy": "after-sale", "settings": settings}});
    let bound = merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    let policy = bound["policies"].as_array().unwrap().iter().find(|policy| policy["kind"] == "after-sale").unwrap();
    policy["version"].as_str().unwrap().to_owned()
}

#[test]
fn an_after_sale_case_keeps_its_version_until_a_better_one_comes() {
    let merchant = shared().merchant(json!({}));
    let opened = after_sale(&merchant, json!({"refund_after_receipt_days": 3}));
    let first = merchant.decide(&refund("cs", "c_case", 8_800));
    assert_eq!(first["policy"]["version"], json!(opened));
    let newer = after_sale(&merchant, json!({"refund_after_receipt_days": 2}));
    let mut again = refund("cs", "c_case", 8_800);
    again["id"] = "cs-again".into();
    let second = merchant.decide(&again);
    // Both say the same: the case keeps its own.
    assert_eq!(versions(&second), (json!(opened), json!("opened"), json!(newer), json!("active")), "{second}");
    replays(&merchant, &first);
    replays(&merchant, &second);
    let new_case = merchant.decide(&refund("cs2", "c_case2", 8_800));
    assert_eq!(versions(&new_case), (json!(newer), Value::Null, Value::Null, Value::Null));
    whole(&merchant);
}

#[test]
fn a_reply_is_judged_anew_each_time() {
    let merchant = shared().merchant(json!({}));
    let draft = |id: &str| {
        let mut event = event("reply.drafted", "ro");
        event["id"] = id.into();
        event
    };
    let first = merchant.decide(&draft("ro-1"));
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({"reply": {"policy": "reply", "settings": {}}});
    let bound = merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    let version = &bound["policies"].as_array().unwrap().iter().find(|policy| policy["kind"] == "reply").unwrap()["version"];
    let second = merchant.decide(&draft("ro-2"));
    assert_eq!((&second["policy"]["version"], &second["rollout"]), (version, &Value::Null));
    replays(&merchant, &first);
    replays(&merchant, &second);
    whole(&merchant);
}
