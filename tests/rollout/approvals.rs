//! Two persons, where the merchant asks for two: one proposes, another approves; stopping never waits.

use ombud::service::Role;
use ombud_tests::client::Call;
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{bind, coupon, decide, plan, step, whole};

/// A call on a proposal with somebody's key.
fn word(merchant: &Merchant<'_>, key: &str, proposal: &Value, word: &str) -> Call {
    let id = proposal["id"].as_str().unwrap();
    let path = format!("/v1/merchants/{}/rollout/proposals/{id}/{word}", merchant.id);
    shared().call("POST", &path).key(key).json(&json!({}))
}

fn ask_for_two(merchant: &Merchant<'_>) {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["approvals"] = json!({"rollout": 2});
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
}

#[test]
fn what_changes_the_answers_waits_for_another_person() {
    let merchant = shared().merchant(json!({}));
    let (new, old) = (bind(&merchant, 4_900), bind(&merchant, 3_050));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let asked = step(&merchant, "activate", json!({"version": new, "reason": "better"})).send().ok();
    assert_eq!((&asked["changed"], &asked["proposal"]["by"]), (&json!(false), &json!("the-merchant-admin")));
    let proposal = asked["proposal"].clone();
    assert_eq!(proposal["step"], "activate");
    assert_eq!(coupon(&decide(&merchant, "ap-1")), 3_050, "it waits");
    assert_eq!(step(&merchant, "activate", json!({"version": new})).send().ok()["proposal"]["id"], proposal["id"], "the same again");
    let list = || merchant.call(Role::Auditor, "GET", "/rollout/proposals").send().ok();
    assert_eq!(list().as_array().unwrap().len(), 1);
    // Not by the same person, nor by a role without the right; then by another one.
    let own = word(&merchant, merchant.key(Role::MerchantAdmin), &proposal, "approve").send().problem(409);
    assert!(own["detail"].as_str().unwrap().contains("another person"), "{own}");
    for role in [Role::Agent, Role::Supervisor, Role::Auditor] {
        word(&merchant, merchant.key(role), &proposal, "approve").send().problem(403);
    }
    let other = shared().merchant(json!({}));
    word(&merchant, other.key(Role::MerchantAdmin), &proposal, "approve").send().problem(404);
    assert_eq!(word(&merchant, &second, &proposal, "approve").send().ok()["changed"], true);
    assert_eq!(coupon(&decide(&merchant, "ap-2")), 4_900);
    assert_eq!(list(), json!([]));
    word(&merchant, &second, &proposal, "approve").send().problem(404);
    // Canary and rollback wait as well, one is withdrawn; stopping never waits.
    let canary = step(&merchant, "canary", json!({"version": old, "share_bp": 10_000})).send().ok()["proposal"].clone();
    word(&merchant, merchant.key(Role::MerchantAdmin), &canary, "withdraw").send().ok();
    word(&merchant, &second, &canary, "approve").send().problem(404);
    let back = step(&merchant, "rollback", json!({"reason": "complaints"})).send().ok()["proposal"].clone();
    let paused = step(&merchant, "pause", json!({"reason": "now"})).send().ok();
    assert_eq!((&paused["changed"], paused.get("proposal")), (&json!(true), None));
    assert_eq!(decide(&merchant, "ap-3")["fault"]["code"], "paused");
    let resumed = step(&merchant, "resume", json!({"reason": "now"})).send().ok()["proposal"].clone();
    word(&merchant, &shared().operator, &resumed, "approve").send().problem(409);
    word(&merchant, &second, &resumed, "approve").send().ok();
    word(&merchant, &shared().operator, &back, "approve").send().ok();
    assert_eq!(plan(&merchant)["active"]["version"], json!(old));
    let acts = merchant.call(Role::Auditor, "GET", "/acts?act=rollout.approved").send().ok();
    let approved: Vec<&Value> = acts["acts"].as_array().unwrap().iter().collect();
    assert_eq!(approved.len(), 3);
    assert_eq!((&approved[2]["by"], &approved[2]["body"]["proposed_by"]), (&json!("the second"), &json!("the-merchant-admin")));
    whole(&merchant);
}

#[test]
fn no_way_around_the_second_person_is_open() {
    let merchant = shared().merchant(json!({}));
    bind(&merchant, 3_060);
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    let put = |config: &Value| merchant.call(Role::MerchantAdmin, "PUT", "").json(config).send();
    config["policies"] = json!({"delay": {"policy": "delay", "settings": {"ship_slight_value": 9_000}}});
    assert!(put(&config).problem(409)["detail"].as_str().unwrap().contains("takes two persons to activate"));
    config.as_object_mut().unwrap().remove("policies");
    put(&config).ok();
    config.as_object_mut().unwrap().remove("approvals");
    assert!(put(&config).problem(409)["detail"].as_str().unwrap().contains("/rollout/approvals/off"));
    // Nor by making a second person of oneself.
    let made = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "merchant-admin", "label": "me too"})).send();
    made.problem(409);
    merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "agent", "label": "helper"})).send().with(201);
    // With two it is turned off.
    let asked = merchant.call(Role::MerchantAdmin, "POST", "/rollout/approvals/off").json(&json!({"reason": "alone now"})).send().ok();
    let proposal = asked["proposal"].clone();
    word(&merchant, merchant.key(Role::MerchantAdmin), &proposal, "approve").send().problem(409);
    word(&merchant, &second, &proposal, "approve").send().ok();
    let now = merchant.call(Role::MerchantAdmin, "GET", "").send().ok();
    assert!(now["config"].get("approvals").is_none(), "{now}");
    assert_eq!(put(&config).status, 200);
    assert_eq!(coupon(&decide(&merchant, "aw-1")), 3_060);
    merchant.call(Role::MerchantAdmin, "POST", "/rollout/approvals/off").json(&json!({})).send().problem(409);
    whole(&merchant);
}

#[test]
fn what_was_overtaken_since_it_was_proposed_is_not_carried_out() {
    let merchant = shared().merchant(json!({}));
    let (newest, old, bad) = (bind(&merchant, 3_070), bind(&merchant, 3_080), bind(&merchant, 4_080));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let proposed = |name: &str, body: Value| step(&merchant, name, body).send().ok()["proposal"].clone();
    let back = proposed("rollback", json!({"reason": "complaints"}));
    assert_eq!(back["takes"], json!([{"policy": "delay", "version": bad}]), "{back}");
    assert_eq!(back["to"]["version"], json!(old), "it says to what");
    let onward = proposed("activate", json!({"version": newest}));
    word(&merchant, &second, &onward, "approve").send().ok();
    // The version that it was about answers no more: nobody meant the one that does.
    let refused = word(&merchant, &second, &back, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("withdraw the proposal"), "{refused}");
    assert_eq!(plan(&merchant)["active"]["version"], json!(newest));
    word(&merchant, &second, &back, "withdraw").send().ok();
    // One that was taken back since is not placed by an older word.
    let canary = proposed("canary", json!({"version": bad, "share_bp": 500}));
    let other = proposed("rollback", json!({"to": old, "reason": "further back"}));
    let again = proposed("canary", json!({"version": old, "share_bp": 500}));
    word(&merchant, &second, &canary, "approve").send().ok();
    let refused = word(&merchant, &second, &other, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("would take back"), "{refused}");
    let end = proposed("rollback", json!({"reason": "the canary alone"}));
    word(&merchant, &second, &end, "approve").send().ok();
    assert_eq!((plan(&merchant)["canary"].clone(), plan(&merchant)["active"]["version"].clone()), (Value::Null, json!(newest)));
    word(&merchant, &second, &again, "approve").send().ok();
    assert_eq!(plan(&merchant)["canary"]["version"], json!(old));
}
