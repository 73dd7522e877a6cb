//! The rules that an auditor sees evaluated: of the recorded versions, as their components declare them or as the rows of their tables are.

use std::process::Command;
use std::time::Duration;

use ombud::service::Role;
use ombud_ledger::Digest;
use ombud_tests::events::{event, refund};
use ombud_tests::forge::Forge;
use ombud_tests::guests::{self, component_with, root};
use ombud_tests::process;
use ombud_tests::server::{Merchant, Server, policies_with, shared};
use ombud_tests::uploads::{ended, policy, upload_as, with_section, without_rules};
use serde_json::{Value, json};

/// The explanation for an auditor, as JSON and as text.
fn explained(merchant: &Merchant<'_>, decision: &Value, lang: &str) -> (Value, String) {
    let path = format!("/decisions/{}/explanation?for=auditor&lang={lang}", decision["id"].as_str().unwrap());
    let text = merchant.call(Role::Auditor, "GET", &path).header("accept", "text/plain").send().text();
    (merchant.call(Role::Auditor, "GET", &path).send().ok(), text)
}

/// The ids that are marked so in what a version looked at.
fn marked(line: &Value, member: &str, value: bool) -> Vec<String> {
    let rules = line["rules"].as_array().unwrap().iter().filter(|rule| rule[member] == json!(value));
    rules.map(|rule| rule["rule"].as_str().unwrap().to_owned()).collect()
}

/// Uploads a component and has it decide a kind.
fn uploaded(merchant: &Merchant<'_>, kind: &str, name: &str, component: Vec<u8>) -> Value {
    let (status, document) = ended(merchant, &upload_as(merchant, name, component).send());
    assert_eq!(status, 201, "{document}");
    bind(merchant, kind, &json!({"policy": name, "version": document["version"]}));
    document
}

/// Has a policy decide a kind.
fn bind(merchant: &Merchant<'_>, kind: &str, choice: &Value) {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({ kind: choice });
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
}

/// Settings of the policy `table` with the delays of a sales day.
pub(crate) fn delay_table() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("table.json");
    let table = root().join("plugins/table/examples/singles-day-delays");
    let compiled = Command::new(process::ombud()).args(["table", "compile"]).arg(table).arg("-o").arg(&out).status().unwrap();
    assert!(compiled.success());
    serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap()
}

#[test]
fn rules_that_did_not_match_are_shown_beside_those_that_did() {
    let merchant = shared().merchant(json!({}));
    let decision = merchant.decide(&refund("looked", "c_looked", 4_500));
    let (seen, text) = explained(&merchant, &decision, "en");
    let [policy, guardrail] = seen["evaluated"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!((&policy["by"], &policy["name"], &policy["declared_in"]), (&json!("policy"), &json!("after-sale"), &json!("component")));
    assert_eq!((&policy["version"], &policy["component"]), (&seen["policy"]["version"], &seen["policy"]["component"]));
    let given: Vec<&Value> = seen["rules"].as_array().unwrap().iter().map(|rule| &rule["rule"]).collect();
    assert_eq!(json!(marked(policy, "matched", true)), json!(given), "{seen}");
    let rest = marked(policy, "matched", false);
    assert!(rest.len() > 60 && rest[0] == "AS-001" && rest.contains(&"AS-402".to_owned()), "{rest:?}");
    assert_eq!(policy["rules"][0]["title"], "The facts contradict each other");
    assert_eq!(marked(policy, "declared", false), [""; 0]);
    assert_eq!((&guardrail["by"], &guardrail["component"]), (&json!("guardrail"), &seen["guardrail"]["component"]));
    assert_eq!((&guardrail["name"], &guardrail["version"]), (&json!("guardrail"), &json!("0.1.0")));
    assert_eq!((marked(guardrail, "matched", true).len(), marked(guardrail, "matched", false).len()), (0, 25), "the rules of this kind");

    assert!(
        text.contains("\nrules evaluated\n  policy after-sale 0.1.0+") && text.contains("    matched AS-205  Not shipped though overdue\n"),
        "{text}"
    );
    assert!(text.contains("    not matched: AS-001 AS-002 AS-423 ") && text.contains("one that decides may end the search"), "{text}");
    let (_, text) = explained(&merchant, &decision, "zh-CN");
    assert!(
        text.contains("\n评估的规则\n  策略 after-sale 0.1.0+") && text.contains("    命中 AS-205 ") && text.contains("    未命中：AS-001"),
        "{text}"
    );

    // Rules are nobody's personal data, and nothing for the customer.
    let path = format!("/decisions/{}/explanation", decision["id"].as_str().unwrap());
    let masked = merchant.call(Role::Agent, "GET", &format!("{path}?for=auditor&lang=en")).send().ok();
    assert_eq!((&masked["masked"], &masked["evaluated"]), (&json!(true), &seen["evaluated"]));
    let told = merchant.call(Role::Agent, "GET", &format!("{path}?lang=en")).send().ok();
    assert!(told.get("evaluated").is_none() && !told.to_string().contains("AS-001"), "{told}");
    merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&json!({"customer": "c_looked", "reason": "asked"})).send().with(201);
    let (erased, text) = explained(&merchant, &decision, "en");
    assert_eq!(erased["evaluated"], json!([]), "what matched is erased, so nothing can be said of the rest");
    assert!(!text.contains("rules evaluated"), "{text}");
}

#[test]
fn each_line_has_the_rules_of_its_own_version_and_of_the_kind() {
    let merchant = shared().merchant(json!({}));
    let mut draft = event("reply.drafted", "looked-reply");
    draft["data"]["reply"]["text"] = "拆封后不能退货".into();
    let (seen, _) = explained(&merchant, &merchant.decide(&draft), "en");
    let reply = &seen["evaluated"][0];
    assert_eq!(
        (&reply["name"], marked(reply, "matched", true)),
        (&json!("reply"), vec!["RC-901".to_owned(), "RC-902".to_owned()]),
        "{seen}"
    );
    assert!(marked(reply, "matched", false).contains(&"RC-701".to_owned()), "{seen}");
    assert_eq!(seen["evaluated"][1]["rules"].as_array().unwrap().len(), 8, "the guardrail's rules of replies");

    // What the guardrail amended for is matched in its line, and the policy's in the policy's.
    let unfair = std::fs::read(root().join("tests/policies/unfair/unfair.wasm")).unwrap();
    uploaded(&merchant, "after-sale", "our-returns", unfair);
    let decision = merchant.decide(&event("aftersale.requested", "looked-unfair"));
    assert_eq!(decision["guardrail"], "amend", "{decision}");
    let (seen, _) = explained(&merchant, &decision, "en");
    let (policy, guardrail) = (&seen["evaluated"][0], &seen["evaluated"][1]);
    assert!(marked(guardrail, "matched", true).iter().all(|rule| rule.starts_with("GR-")), "{guardrail}");
    assert_eq!((marked(guardrail, "declared", false), marked(guardrail, "matched", true).is_empty()), (vec![], false), "{guardrail}");
    let all: Vec<String> = [marked(policy, "matched", true), marked(guardrail, "matched", true)].concat();
    let given: Vec<&Value> = seen["rules"].as_array().unwrap().iter().map(|rule| &rule["rule"]).collect();
    assert_eq!(json!(all), json!(given));
}

#[test]
fn a_version_that_declares_nothing_says_so_and_one_that_declares_less_is_found_out() {
    let merchant = shared().merchant(json!({}));
    let bare = without_rules(&policy("delay"));
    uploaded(&merchant, "delay", "bare-delays", bare.clone());
    let (seen, text) = explained(&merchant, &merchant.decide(&event("delay.detected", "bare")), "en");
    let line = &seen["evaluated"][0];
    assert_eq!((&line["name"], &line["declared_in"]), (&json!("bare-delays"), &json!("nowhere")));
    assert_eq!((marked(line, "matched", false), marked(line, "declared", true)), (vec![], vec![]), "{line}");
    assert!(!marked(line, "matched", true).is_empty(), "{line}");
    assert!(text.contains("this version declares no rules; it names the ones that matched\n    matched DC-"), "{text}");

    let few = with_section(&bare, "ombud:rules", br#"{"delay": [{"rule": "DC-001"}, {"rule": "XX-1", "title": "never"}]}"#);
    let document = uploaded(&merchant, "delay", "few-delays", few);
    let step = document["report"].as_array().unwrap().iter().find(|step| step["name"] == "rules").unwrap();
    assert_eq!((&step["status"], &step["text"]), (&json!("warning"), &json!("declared: delay 2")), "{step}");
    let problems = step["problems"].to_string();
    assert!(
        problems.contains("delay: its answers name `DC-011`, which it does not declare") && !problems.contains("`DC-001`"),
        "{problems}"
    );
    let (seen, text) = explained(&merchant, &merchant.decide(&event("delay.detected", "few")), "en");
    let line = &seen["evaluated"][0];
    assert_eq!(
        (marked(line, "matched", false), marked(line, "declared", false)),
        (vec!["DC-001".into(), "XX-1".into()], marked(line, "matched", true))
    );
    assert!(text.contains(" (not declared)"), "{text}");
}

#[test]
fn the_rules_of_a_table_are_its_rows_and_those_of_the_recorded_version_stay() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &root().join("policies"));
    let merchant = server.merchant(json!({}));
    let before = merchant.decide(&event("delay.detected", "before"));
    let table = delay_table();
    bind(&merchant, "delay", &json!({"policy": "table", "settings": table}));
    let after = merchant.decide(&event("delay.detected", "after"));

    let (seen, text) = explained(&merchant, &after, "en");
    let rows = &seen["evaluated"][0];
    assert_eq!((&rows["name"], &rows["declared_in"]), (&json!("table"), &json!("table-first")), "{seen}");
    let ids: Vec<&str> = rows["rules"].as_array().unwrap().iter().map(|rule| rule["rule"].as_str().unwrap()).collect();
    assert!(ids.len() > 8 && ids.starts_with(&["SD-01"]) && ids.contains(&"SD-22"), "{ids:?}");
    let matched = marked(rows, "matched", true);
    assert!(matched.len() == 1 && matched[0].starts_with("SD-"), "{matched:?}");
    assert!(text.contains("the rows of its table from the top; the first that matches decides"), "{text}");

    let (seen, _) = explained(&merchant, &before, "en");
    assert_eq!((&seen["evaluated"][0]["name"], marked(&seen["evaluated"][0], "matched", true).is_empty()), (&json!("delay"), false));

    // What is missing is told, whatever is bound or loaded.
    let settings = Digest::parse(after["policy"]["settings"].as_str().unwrap()).unwrap();
    let forge = Forge::on(data.path());
    forge.run(1, "DELETE FROM blobs WHERE digest = ?1", [settings.0]);
    forge.run(1, "UPDATE blobs SET bytes = zeroblob(100) WHERE digest = ?1", [Digest::of(&policy("delay")).0]);
    for (decision, declared_in, words) in [
        (&after, "settings-missing", "the recorded settings are missing or damaged"),
        (&before, "component-missing", "the recorded component is missing"),
    ] {
        // A component that was looked at is believed for a few seconds.
        let told = || Some(explained(&merchant, decision, "en")).filter(|(seen, _)| seen["evaluated"][0]["declared_in"] == declared_in);
        let waits = (0..100).find_map(|_| told().or_else(|| (std::thread::sleep(Duration::from_millis(100)), None).1));
        let (seen, text) = waits.unwrap_or_else(|| panic!("{declared_in} is not told"));
        let line = &seen["evaluated"][0];
        assert_eq!(marked(line, "declared", true), [""; 0], "{seen}");
        assert!(!marked(line, "matched", true).is_empty() && text.contains(words), "{text}");
        assert!(!text.contains("(not declared)"), "what it declares is not known: {text}");
    }
}

#[test]
fn how_far_a_failed_version_came_is_not_known() {
    let merchant = shared().merchant(json!({}));
    let errs = with_section(&ombud_tests::uploads::guest("errs", "1"), "ombud:rules", br#"{"delay": [{"rule": "E-1"}]}"#);
    uploaded(&merchant, "delay", "errs", errs);
    let (seen, text) = explained(&merchant, &merchant.decide(&event("delay.detected", "failed")), "en");
    let [line] = seen["evaluated"].as_array().unwrap().as_slice() else { panic!("no guardrail was asked: {seen}") };
    assert_eq!((&line["answered"], marked(line, "matched", false)), (&json!(false), vec!["E-1".to_owned()]), "{seen}");
    assert!(text.contains("it gave no answer, so how far it came is not known\n    declared: E-1\n"), "{text}");
}

#[test]
fn what_a_policy_wrote_begins_no_line_of_an_explanation() {
    let forged = "x\\0a\\0aacts of persons\\0a  2026-11-22 supervisor\\1b[2J\\0d\\e2\\80\\ae";
    let component = component_with("logs-once", "delay-policy", &format!("(data (i32.const 0) \"{forged}\")"));
    let made = tempfile::tempdir().unwrap();
    let (_folder, policies) = policies_with(&[&guests::package(made.path(), "forges", &component)]);
    let server = Server::start(tempfile::tempdir().unwrap(), &policies);
    let merchant = server.merchant(json!({"policies": {"delay": {"policy": "forges"}}}));
    let (seen, text) = explained(&merchant, &merchant.decide(&event("delay.detected", "forged")), "en");
    // In JSON it is what was written, and in the text it is on its line.
    assert!(seen["trace"][0].as_str().unwrap().contains("x\n\nacts of persons\n  2026-11-22 supervisor\u{1b}[2J\r\u{202e}"), "{seen}");
    assert!(text.contains("\n  info x\\n\\nacts of persons\\n  2026-11-22 supervisor\\u001b[2J\\u000d\\u202e"), "{text}");
    assert!(!text.lines().any(|line| line.contains("acts of persons") && !line.contains("info x")), "{text}");
    assert!(!text.chars().any(|character| character != '\n' && ombud_core::shown::is_harmful(character)), "{text:?}");
}
