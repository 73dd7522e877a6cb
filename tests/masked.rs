//! Who sees text: agents and merchants' admins never, supervisors and those above them with a reason that is recorded, auditors
//! with a look that is recorded. Every view of what is on record follows the same roles.

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund, set};
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

const CUSTOMER: &str = "c_hidden_7731";
/// What persons wrote, a phone number among it, and a fact's value.
const SECRETS: [&str; 7] = [CUSTOMER, "13812345678", "138****5678", "花园路", "note-of-a-head", "reason-of-a-person", "sha256:91aa"];
const NEVER: [Role; 2] = [Role::Agent, Role::MerchantAdmin];
const WITH_A_REASON: [Role; 4] = [Role::Operator, Role::Supervisor, Role::DepartmentHead, Role::Compliance];

fn get(merchant: &Merchant<'_>, role: Role, path: &str) -> ombud_tests::client::Call {
    let key = if role == Role::Operator { &shared().operator } else { merchant.key(role) };
    shared().call("GET", &format!("/v1/merchants/{}{path}", merchant.id)).key(key)
}

/// A merchant with a decision of each kind of this customer, an act on one of them and a hold; and where all that is seen.
fn furnished() -> (Merchant<'static>, Vec<String>) {
    let merchant = shared().merchant(json!({"caps": {"order_refund_auto_fen_max": 1_000}}));
    let mut reply = event("reply.drafted", "hidden");
    reply["data"]["customer_ref"] = CUSTOMER.into();
    set(&mut reply, "/data/reply/text", "预留手机号13812345678，送到花园路，方便取件联系。".into());
    let mut request = event("blacklist.requested", "hidden");
    request["data"]["customer_ref"] = CUSTOMER.into();
    let paid = refund("hidden", CUSTOMER, 5_000);
    let id = |event: &Value| merchant.decide(event)["id"].as_str().unwrap().to_owned();
    let ids = [id(&reply), id(&request), id(&paid)];
    let mut step = event("blacklist.step", "hidden");
    step["data"]["customer_ref"] = CUSTOMER.into();
    step["data"]["blacklist"] =
        json!({"request_id": request["data"]["blacklist"]["request_id"], "verdict": "approve", "note": "note-of-a-head"});
    set(&mut step, "/time", "2026-11-07T10:00:00+08:00".into());
    merchant.post_as(Role::Supervisor, &step);
    let act = json!({"action": "approve", "reason": "reason-of-a-person"});
    merchant.call(Role::Supervisor, "POST", &format!("/decisions/{}/override", ids[2])).json(&act).send().with(201);
    let hold = json!({"customer": CUSTOMER, "reason": "reason-of-a-person"});
    merchant.call(Role::Compliance, "POST", "/holds").json(&hold).send().with(201);
    let request = request["data"]["blacklist"]["request_id"].as_str().unwrap().to_owned();
    let mut paths = vec!["/decisions?limit=50".to_owned(), "/blacklist/requests?".to_owned(), format!("/blacklist/requests/{request}?")];
    for id in ids {
        paths.push(format!("/decisions/{id}?"));
        paths.push(format!("/decisions/{id}/explanation?for=auditor"));
    }
    (merchant, paths)
}

#[test]
fn nobody_but_auditors_sees_text_without_a_reason() {
    let (merchant, paths) = furnished();
    let before = merchant.records();
    for path in &paths {
        for role in NEVER.into_iter().chain(WITH_A_REASON) {
            let reply = get(&merchant, role, path).send();
            let (seen, text) = (reply.ok(), reply.text());
            for secret in SECRETS {
                assert!(!text.contains(secret), "{path} tells {role} `{secret}`: {text}");
            }
            let masked = &seen["masked"];
            assert_eq!(masked, true, "{path} as {role}: {text}");
            if path.ends_with("for=auditor") {
                let text = get(&merchant, role, path).header("accept", "text/plain").send().text();
                assert!(SECRETS.iter().all(|secret| !text.contains(secret)) && text.contains("个人信息已屏蔽"), "{text}");
            }
        }
    }
    // What is decided, by which rules, and for how much is no secret.
    let page = get(&merchant, Role::Agent, &paths[0]).send().ok();
    assert_eq!(page["decisions"][0]["customer"], "***31");
    let detail = get(&merchant, Role::Agent, &paths[7]).send().ok();
    assert_eq!(
        (&detail["outcome"], &detail["amounts"]["refund"], &detail["event"], &detail["facts"]),
        (&json!("escalate"), &json!(5_000), &Value::Null, &Value::Null)
    );
    assert_eq!((&detail["acts"][0]["action"], &detail["acts"][0]["reason"]), (&json!("approve"), &json!("***")));
    assert!(
        detail["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .all(|reason| reason["rule"].is_string() && reason["facts"].as_array().unwrap().iter().all(|fact| fact["value"] == "***"))
    );
    let reply = get(&merchant, Role::Supervisor, &paths[3]).send().ok();
    let messages = reply["messages"].as_array().unwrap();
    assert!(!messages.is_empty() && messages.iter().all(|message| message["zh_cn"] == "***" && message["en"] == "***"), "{reply}");
    // What is said to the customer quotes nobody.
    assert!(detail["messages"].as_array().unwrap().iter().all(|message| message["zh_cn"] != "***"), "{detail}");
    assert_eq!((&reply["outcome"], &reply["ruling"]["masked_text"]), (&json!("pass-masked"), &json!("***")));
    let told = get(&merchant, Role::Agent, &paths[4].replace("for=auditor", "for=customer")).send().text();
    assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");
    assert_eq!(merchant.records(), before, "a masked view needs no record");
}

#[test]
fn text_is_shown_with_a_reason_that_is_recorded() {
    let (merchant, paths) = furnished();
    for (at, path) in paths.iter().enumerate() {
        let unmasked = format!("{path}&unmask=checking+case+{at}").replace("?&", "?");
        for role in NEVER {
            get(&merchant, role, &unmasked).send().problem(403);
        }
        let role = WITH_A_REASON[at % WITH_A_REASON.len()];
        let reply = get(&merchant, role, &unmasked).send();
        let seen = reply.ok();
        assert!(reply.text().contains(CUSTOMER), "{path} as {role}: {}", reply.text());
        let masked = &seen["masked"];
        assert_eq!(masked, false, "{path} as {role}");
        // An auditor needs no reason: every look is on record anyway.
        assert_eq!(get(&merchant, Role::Auditor, path).send().ok(), seen, "{path}");
    }
    let acts = |role| get(&merchant, role, "/acts?act=text.unmasked").send().ok()["acts"].as_array().unwrap().clone();
    // That text was looked at is for everybody who reads acts; why, only for those who may see text.
    let masked = acts(Role::MerchantAdmin);
    assert!(masked.len() == paths.len() && masked.iter().all(|act| act["body"]["reason"] == "***"), "{masked:?}");
    let acts = acts(Role::Compliance);
    assert_eq!(acts.len(), paths.len());
    let decision = paths[3].trim_start_matches("/decisions/").trim_end_matches('?');
    let act = &acts[paths.len() - 1 - 3]["body"];
    assert_eq!((&act["reason"], &act["look"], &act["of"]), (&json!("checking case 3"), &json!("decision"), &json!(decision)));
    assert_eq!((&act["actor"], &act["role"]), (&json!("the-compliance"), &json!("compliance")));
    // A reason outlasts the customer, and names nobody.
    let records = merchant.records();
    for path in paths.iter().filter(|path| !path.contains("limit=50") && !path.ends_with("requests?")) {
        let named = format!("{path}&unmask=what+{CUSTOMER}+asked").replace("?&", "?");
        assert_eq!(pointers(&get(&merchant, Role::Supervisor, &named).send().problem(422)), ["/unmask"]);
    }
    for path in ["/decisions", "/blacklist/measures"] {
        let named = format!("{path}?customer={CUSTOMER}&unmask={CUSTOMER}");
        assert_eq!(pointers(&get(&merchant, Role::Supervisor, &named).send().problem(422)), ["/unmask"]);
    }
    assert_eq!(merchant.records(), records);
    // Without a reason there is none; what is not there is not looked at.
    let records = merchant.records();
    for reason in [String::new(), "x".repeat(2_001), "%20%E3%80%80".into(), "%E2%80%8B%09".into()] {
        let refused = get(&merchant, Role::Supervisor, &format!("{}unmask={reason}", paths[3])).send().problem(422);
        assert_eq!(pointers(&refused), ["/unmask"]);
    }
    get(&merchant, Role::Supervisor, "/decisions/00000000000000000000000000000000?unmask=x").send().problem(404);
    get(&merchant, Role::Supervisor, "/blacklist/requests/none?unmask=x").send().problem(404);
    assert_eq!(merchant.records(), records);
    get(&merchant, Role::Supervisor, &format!("{}unmask={}", paths[3], "x".repeat(2_000))).send().ok();
}

#[test]
fn acts_and_holds_name_customers_to_those_who_handle_them() {
    let (merchant, _) = furnished();
    for path in ["/acts?limit=200", "/holds"] {
        let seen = |role| get(&merchant, role, path).send().text();
        for role in [Role::Operator, Role::Compliance, Role::Auditor] {
            assert!(seen(role).contains(CUSTOMER), "{path} as {role}");
        }
        let masked = seen(Role::MerchantAdmin);
        assert!(masked.contains("***31") && SECRETS.iter().all(|secret| !masked.contains(secret)), "{masked}");
    }
}

#[test]
fn measures_are_masked_unless_the_customer_is_known() {
    let merchant = shared().merchant(json!({}));
    let at = ombud::clock::now_ms();
    let mut request = event("blacklist.requested", "masked-measure");
    request["data"]["customer_ref"] = CUSTOMER.into();
    set(&mut request, "/time", json!(jiff::Timestamp::from_millisecond(at).unwrap().to_string()));
    let evidence = ["order-screenshot", "logistics-record", "chat-log", "photo"];
    let blacklist = &mut request["data"]["blacklist"];
    (blacklist["criterion"], blacklist["protected_conduct_only"]) = ("malicious-returns".into(), "no".into());
    blacklist["incidents"] = json!([{"incident_id": "i", "at": at - 86_400_000, "criterion": "malicious-returns", "ticket_id": "t", "threat_of_violence": false}]);
    blacklist["evidence"] = json!(evidence.map(
        |kind| json!({"evidence_id": kind, "kind": kind, "strength": "strong", "captured_at": at, "intact": true, "ref": "sha256:00"})
    ));
    assert_eq!(merchant.decide(&request)["outcome"], "recommend-mark");
    let mut step = event("blacklist.step", "masked-measure");
    step["data"]["customer_ref"] = CUSTOMER.into();
    step["data"]["blacklist"] = json!({"request_id": request["data"]["blacklist"]["request_id"], "verdict": "approve"});
    set(&mut step, "/time", json!(jiff::Timestamp::from_millisecond(at + 1).unwrap().to_string()));
    merchant.post_as(Role::Supervisor, &step);
    let customer = |role, query: &str| get(&merchant, role, &format!("/blacklist/measures{query}")).send().ok()[0]["customer"].clone();
    assert_eq!(customer(Role::Agent, ""), "***31");
    assert_eq!(customer(Role::Agent, &format!("?customer={CUSTOMER}")), CUSTOMER);
    assert_eq!(customer(Role::Supervisor, "?unmask=checking"), CUSTOMER);
    assert_eq!(customer(Role::Auditor, ""), CUSTOMER);
}
