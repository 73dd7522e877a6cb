//! Explanations over HTTP: for the customer in words that may be sent, for the auditor in full, with what persons made of a
//! decision in both.

use ombud::service::Role;
use ombud_tests::events::{event, refund};
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

fn path(decision: &Value) -> String {
    format!("/decisions/{}/explanation", decision["id"].as_str().unwrap())
}

fn cautious() -> Merchant<'static> {
    shared().merchant(json!({"caps": {"order_refund_auto_fen_max": 5_000}}))
}

#[test]
fn the_customer_hears_outcome_reason_law_and_the_right_to_a_person() {
    let merchant = shared().merchant(json!({}));
    let decision = merchant.decide(&refund("told", "c_told", 4_500));
    let told = merchant.call(Role::Agent, "GET", &path(&decision)).send().ok();
    assert_eq!((&told["decision"], &told["lang"]), (&decision["id"], &json!("zh-CN")));
    assert_eq!((&told["result"], &told["money"]), (&json!("您的退款申请已通过"), &json!("退款45.00元")));
    assert_eq!(told["messages"], json!(["已为您办理退款45.00元，原路退回。"]));
    assert!(told["rights"].as_str().unwrap().contains("您有权要求人工复核"), "{told}");
    assert_eq!(told["later"], json!([]));
    assert!(told["decided_at"].as_str().unwrap().ends_with("+08:00"), "by the shop's clock: {told}");

    let text = merchant.call(Role::Agent, "GET", &format!("{}?lang=en", path(&decision))).header("accept", "text/plain").send();
    assert_eq!((text.status, text.headers["content-type"].to_str().unwrap()), (200, "text/plain; charset=utf-8"));
    let text = text.text();
    for said in ["Your refund is approved.", "refund ¥45.00", "Basis: ", "review by a person"] {
        assert!(text.contains(said), "no `{said}` in\n{text}");
    }
    // Nothing internal: no pseudonym, no rule of the caps, no file of the training course.
    for internal in ["c_told", "CAP-", "003_", "component"] {
        assert!(!text.contains(internal), "`{internal}` in\n{text}");
    }
}

#[test]
fn the_auditor_sees_rules_facts_versions_caps_and_the_timeline() {
    let merchant = cautious();
    merchant.post(&event("order.paid", "seen"));
    let decision = merchant.decide(&refund("seen", "customer-seen", 10_000));
    let seen = merchant.call(Role::Auditor, "GET", &format!("{}?for=auditor&lang=en", path(&decision))).send().ok();
    assert_eq!((&seen["decision"], &seen["seq"], &seen["leaf"]), (&decision["id"], &decision["seq"], &decision["leaf"]));

    let rules = seen["rules"].as_array().unwrap();
    let given: Vec<&Value> = decision["reasons"].as_array().unwrap().iter().map(|reason| &reason["rule"]).collect();
    assert_eq!(rules.iter().map(|rule| &rule["rule"]).collect::<Vec<_>>(), given);
    let decided: Vec<&Value> = rules.iter().filter(|rule| rule["decided"] == true).map(|rule| &rule["rule"]).collect();
    assert_eq!(decided, ["CAP-11"], "the cap escalated");
    let read: Vec<&str> = seen["facts_read"].as_array().unwrap().iter().map(|fact| fact["path"].as_str().unwrap()).collect();
    assert!(read.contains(&"applied-at") && read.contains(&"caps.limit"), "{read:?}");

    let policies = merchant.call(Role::Auditor, "GET", "/policies").send().ok();
    let bound = policies.as_array().unwrap().iter().find(|policy| policy["kind"] == "after-sale").unwrap();
    for member in ["name", "version", "component", "settings"] {
        assert_eq!(seen["policy"][member], bound[member], "{member}");
    }
    assert_eq!((&seen["policy"]["ruled"], &seen["outcome"]), (&json!("approve-refund-only"), &json!("escalate")));
    assert_eq!((&seen["guardrail"]["result"], &seen["caps"]["result"]), (&json!("uphold"), &json!("escalate")));
    assert_eq!(seen["caps"]["breaches"], json!([{"cap": "CAP-11", "used": 0, "asked": 10_000, "limit": 5_000}]));
    assert_eq!((&seen["event"]["id"], &seen["event"]["ticket"]), (&json!("aftersale.requested-seen"), &json!("ticket-seen")));
    assert!(seen["engine"]["wasmtime"].as_str().unwrap().starts_with("48."), "{seen}");

    let timeline = seen["timeline"].as_array().unwrap();
    let what: Vec<(&str, &str)> = timeline.iter().map(|line| (line["what"].as_str().unwrap(), line["name"].as_str().unwrap())).collect();
    assert_eq!(what, [("event", "order.paid"), ("decision", "after-sale")]);
    assert_eq!(timeline.iter().filter(|line| line["this"] == true).count(), 1);
    // The links lead somewhere.
    let linked = |name: &str| seen["links"][name].as_str().unwrap().split_once(&merchant.id).unwrap().1.to_owned();
    assert_eq!(merchant.call(Role::Auditor, "GET", &linked("decision")).send().ok()["id"], decision["id"]);
    assert_eq!(merchant.call(Role::Auditor, "POST", &linked("replay")).send().ok()["identical"], true);
    assert_eq!(merchant.call(Role::Auditor, "GET", &linked("ticket")).send().ok()["decisions"][0]["id"], decision["id"]);
}

#[test]
fn what_persons_decide_is_linked_in_both_and_counted_by_policy() {
    let merchant = cautious();
    let decision = merchant.decide(&refund("later", "c_later", 10_000));
    let act = json!({"action": "amend", "reason": "内部：老客户", "outcome": "approve-refund-only", "amounts": {"refund": 8_000, "cash": 0, "coupon": 0}});
    let override_path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    let done = merchant.call(Role::Supervisor, "POST", &override_path).json(&act).send().with(201);

    let told = merchant.call(Role::Agent, "GET", &path(&decision)).send().ok();
    assert_eq!((&told["result"], &told["money"]), (&json!("您的退款申请已通过"), &json!("退款80.00元")), "what stands: {told}");
    assert_eq!(told["messages"], json!([]), "what was announced is past");
    let later = told["later"][0]["text"].as_str().unwrap();
    assert_eq!(later, "经人工复核改为：您的退款申请已通过；退款80.00元。");
    assert_eq!(told["basis"], json!(["人工复核（您可要求说明理由）"]), "no law is cited for what a person changed");
    let text = merchant.call(Role::Agent, "GET", &path(&decision)).header("accept", "text/plain").send().text();
    assert!(text.contains(later) && !text.contains("老客户"), "a colleague's words stay inside:\n{text}");

    let seen = merchant.call(Role::Auditor, "GET", &format!("{}?for=auditor", path(&decision))).send().ok();
    let linked = &seen["overrides"][0];
    assert_eq!((&linked["seq"], &linked["act"], &linked["actor"]), (&done["seq"], &json!("amend"), &json!("the-supervisor")));
    assert_eq!(linked["leaf"], done["leaf"]);
    assert_eq!((&linked["reason"], &linked["amounts"]["refund"]), (&json!("内部：老客户"), &json!(8_000)));
    let last = seen["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["seq"], &last["what"], &last["name"]), (&done["seq"], &json!("act"), &json!("decision.override")));
    let text =
        merchant.call(Role::Auditor, "GET", &format!("{}?for=auditor", path(&decision))).header("accept", "text/plain").send().text();
    assert!(text.contains("内部：老客户") && text.contains("人工处理"), "{text}");
    assert!(text.contains("售后 升级至主管（escalate）  (建议，未经人工同意不支付：退款¥100.00"), "{text}");
    assert!(text.contains("同意仅退款（approve-refund-only）  (退款¥80.00"), "{text}");

    let metrics = shared().call("GET", "/metrics").key(&shared().operator).send().text();
    let value = |series: &str| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no {series} in\n{metrics}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("ombud_policy_overrides_total{policy=\"after-sale\",action=\"amend\"}") >= 1.0);
    let ratio = value("ombud_policy_override_ratio{policy=\"after-sale\"}");
    assert!(ratio > 0.0 && ratio <= 1.0, "{ratio}");
}

#[test]
fn an_explanation_is_refused_where_the_decision_is() {
    let merchant = shared().merchant(json!({}));
    let decision = merchant.decide(&refund("mine", "c_mine", 1_000));
    let other = shared().merchant(json!({}));
    other.call(Role::Auditor, "GET", &path(&decision)).send().problem(404);
    merchant.call(Role::Auditor, "GET", "/decisions/00000000000000000000000000000000/explanation").send().problem(404);
    for (query, place) in [("?lang=fr", "/lang"), ("?lang=en&for=everybody", "/for"), ("?unknown=1", "/unknown")] {
        let problem = merchant.call(Role::Auditor, "GET", &format!("{}{query}", path(&decision))).send().problem(422);
        assert_eq!(problem["problems"][0]["pointer"], place, "{problem}");
        assert!(!problem.to_string().contains("deserialize"), "{problem}");
    }
}

#[test]
fn of_an_erased_customer_the_header_is_left() {
    let merchant = shared().merchant(json!({}));
    let decision = merchant.decide(&refund("gone", "c_gone", 4_500));
    merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&json!({"customer": "c_gone", "reason": "asked"})).send().with(201);
    let get = |query: &str| merchant.call(Role::Auditor, "GET", &format!("{}{query}", path(&decision)));
    let told = get("?lang=en").send().ok();
    assert!(told["how"].as_str().unwrap().contains("erased"), "{told}");
    assert_eq!(told["messages"], json!([]));
    let seen = get("?for=auditor&lang=en").send().ok();
    assert_eq!((&seen["erased"], &seen["outcome"], &seen["amounts"]["refund"]), (&json!(true), &decision["outcome"], &json!(4_500)));
    assert_eq!((&seen["rules"], &seen["policy"]["name"]), (&json!([]), &json!("after-sale")));
    // Of guardrail and caps what the header has.
    assert_eq!((&seen["guardrail"]["result"], seen["guardrail"]["component"].as_str().unwrap().len()), (&Value::Null, 64), "{seen}");
    assert_eq!((&seen["caps"], &seen["caps_header"]["limits"]["order_refund"]), (&Value::Null, &json!(500_000)), "{seen}");
    let text = get("?for=auditor").header("accept", "text/plain").send().text();
    assert!(text.contains("客户密钥已删除") && text.contains("CAP-11: 已用¥0.00，上限¥5000.00"), "{text}");
    assert!(!text.contains("命中的规则"), "{text}");
    let agents = merchant.call(Role::Agent, "GET", &format!("{}?for=auditor&lang=en", path(&decision)));
    let text = agents.header("accept", "text/plain").send().text();
    assert!(text.contains("the customer's key was erased") && !text.contains("masked"), "{text}");
}
