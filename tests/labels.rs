//! Who acts is told by the labels of keys, and who is a customer by a reference: neither has a second spelling that looks the same.

use ombud::service::Role;
use ombud_tests::client::{Reply, pointers};
use ombud_tests::events::{refund, set};
use ombud_tests::server::{Merchant, shared};
use serde_json::json;

fn create(merchant: &Merchant<'_>, role: Role, label: &str) -> Reply {
    merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": role, "label": label})).send()
}

#[track_caller]
fn refused(reply: &Reply, says: &str) {
    let document = reply.problem(422);
    assert_eq!(pointers(&document), ["/label"], "{document}");
    let problem = &document["problems"][0];
    assert!(problem.to_string().contains(says) && problem["allowed"].is_string(), "no {says:?} in {document}");
}

#[test]
fn a_label_has_nothing_that_nobody_sees() {
    let merchant = shared().merchant(json!({}));
    create(&merchant, Role::Supervisor, "li").with(201);
    for hidden in [
        "\u{fe0f}",
        "\u{3164}",
        "\u{115f}",
        "\u{1160}",
        "\u{ffa0}",
        "\u{34f}",
        "\u{2800}",
        "\u{e0020}",
        "\u{e0041}",
        "\u{e0100}",
        "\u{180e}",
    ] {
        let reply = create(&merchant, Role::Compliance, &format!("l{hidden}i"));
        assert_eq!(pointers(&reply.problem(422)), ["/label"], "{hidden:?}");
    }
}

#[test]
fn a_person_has_one_spelling_however_it_is_composed() {
    let merchant = shared().merchant(json!({}));
    create(&merchant, Role::Supervisor, "Zo\u{eb} li").with(201);
    create(&merchant, Role::Compliance, "Zo\u{eb} li").with(201);
    for other in ["Zoe\u{308} li", "ZO\u{cb} LI", "Zo\u{eb}li", "Zo\u{eb} ｌｉ"] {
        refused(&create(&merchant, Role::Compliance, other), "in another spelling");
    }
    refused(&create(&merchant, Role::Compliance, "l\u{456}"), "Cyrillic");
    create(&merchant, Role::Compliance, "李雷").with(201);
}

#[test]
fn nobody_is_called_what_the_host_or_the_operator_is_called() {
    let server = shared();
    let merchant = server.merchant(json!({}));
    for name in ["ombud", "OMBUD", "protection", "ombud-retention", "ombud-self-audit", "ombud-timer"] {
        refused(&create(&merchant, Role::Auditor, name), "the host itself");
        let by_operator = server.call("POST", "/v1/keys").key(&server.operator);
        refused(&by_operator.json(&json!({"role": "operator", "label": name})).send(), "the host itself");
    }
    let keys = server.call("GET", "/v1/keys").key(&server.operator).send().ok();
    let own = keys[0]["label"].as_str().unwrap();
    for name in ["operator", "Operator", own, &own.to_uppercase()] {
        refused(&create(&merchant, Role::Auditor, name), "the operator");
        let by_operator = server.call("POST", &format!("/v1/merchants/{}/keys", merchant.id)).key(&server.operator);
        refused(&by_operator.json(&json!({"role": "auditor", "label": name})).send(), "the operator");
    }
}

#[test]
fn an_act_says_by_which_key_it_was_done() {
    let merchant = shared().merchant(json!({}));
    let second = create(&merchant, Role::MerchantAdmin, "the-merchant-admin").with(201);
    let made = merchant.server.call("POST", &format!("/v1/merchants/{}/keys", merchant.id)).key(second["secret"].as_str().unwrap());
    made.json(&json!({"role": "agent", "label": "li"})).send().with(201);
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts").send().ok()["acts"].take();
    let key = |at: usize| acts[at]["body"]["by_key"].as_str().unwrap_or_else(|| panic!("{acts}"));
    assert_eq!((key(0), &acts[0]["by"]), (second["id"].as_str().unwrap(), &acts[1]["by"]));
    let keys = merchant.call(Role::MerchantAdmin, "GET", "/keys").send().ok();
    let used = keys.as_array().unwrap().iter().find(|own| own["id"] == key(1)).unwrap();
    assert_eq!((&used["role"], key(0) == key(1)), (&json!("merchant-admin"), false));
}

#[test]
fn a_customer_has_one_reference() {
    let merchant = shared().merchant(json!({}));
    merchant.decide(&refund("plain", "c_seen", 1_000));
    for hidden in ["\u{fe0f}", "\u{3164}", "\u{34f}", "\u{2800}", "\u{e0041}", "\u{2003}"] {
        let mut other = refund("hidden", "c_seen", 1_000);
        other["id"] = format!("hidden-{hidden}").into();
        for pointer in ["/data/customer_ref", "/data/customer/customer_ref", "/data/order/order_id"] {
            set(&mut other, pointer, json!(format!("c_seen{hidden}")));
        }
        let document = merchant.call(Role::Agent, "POST", "/events").event(&other).send().problem(422);
        let found = pointers(&document);
        for pointer in ["/id", "/data/customer_ref", "/data/order/order_id"] {
            assert!(found.iter().any(|own| own == pointer), "{hidden:?}: no {pointer} in {document}");
        }
    }
}
