//! `ombud diff` on versions whose thresholds are known.

use serde_json::{Value, json};

use super::run::{Ran, folder, ombud};

const HOUR_MS: i64 = 3_600_000;

/// Compares a package with itself under other settings.
fn with_settings(package: &str, settings: &Value) -> Ran {
    let folder = folder();
    let file = folder.write("settings.json", &settings.to_string());
    ombud(&["diff", package, package, "--settings-new", &file, "--json"])
}

/// The finding at a place, as (old, new, from, to).
fn finding(report: &Value, place: &str, old: &str) -> (String, Option<i64>, Option<i64>) {
    let findings = report["kinds"][0]["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["place"]["words"] == place && finding["difference"]["old"] == old);
    let Some(found) = found else {
        let all: Vec<String> =
            findings.iter().map(|found| format!("{}: {}", found["place"]["words"], found["difference"]["old"])).collect();
        panic!("no `{place}: {old}` among\n{}", all.join("\n"));
    };
    let end = |name: &str| found["place"][name].as_i64();
    (found["difference"]["new"].as_str().unwrap().to_owned(), end("from"), end("to"))
}

#[test]
fn a_moved_tier_of_the_delay_policy_is_found_to_the_millisecond() {
    let ran = with_settings("policies/delay", &json!({"ship_upper_hours": 48, "auto_max": 5_000}));
    let report = ran.exits(1).json();
    assert_eq!(report["same"], false);
    assert_eq!(
        finding(&report, "over 48 h, up to 72 h overdue", "coupon ¥30.00"),
        ("cash 10 % of the goods money".to_owned(), Some(48 * HOUR_MS + 1), Some(72 * HOUR_MS))
    );
    // Ten per cent of ¥500.05 are the first fen beyond the ¥50 that are now paid without a person.
    assert_eq!(
        finding(&report, "lines[0].paid from ¥500.05, up to ¥1000.04", "compensate, cash 10 % of the goods money"),
        ("compensate-with-approval, cash 10 % of the goods money".to_owned(), Some(50_005), Some(100_004))
    );
    let falls = report["kinds"][0]["remarks"].as_array().unwrap();
    assert!(
        falls.iter().any(|line| line["sort"] == "falls" && line["version"] == "new" && line["place"] == "over 48 h, up to 72 h overdue")
    );
}

/// Settings that change only what the customer is told, by when a person acts, or what few cases meet.
#[test]
fn what_is_told_when_persons_act_and_what_few_cases_meet_is_compared() {
    for (package, settings, said_new) in [
        ("policies/after-sale", json!({"send_back_days": 10}), "told: as.approve.return deadline 72 h later"),
        ("policies/after-sale", json!({"deduct_waived_card_fee": true}), "refund 100 % of the goods money − ¥1.20"),
        ("policies/blacklist", json!({"supervisor_hours": 12, "head_hours": 24}), "due: supervisor 12 h earlier"),
        ("policies/reply", json!({"allow_terms": ["最强"]}), "pass"),
        ("policies/reply", json!({"severity_overrides": [{"rule": "RC-802", "action": "stop"}]}), "block"),
    ] {
        let report = with_settings(package, &settings).json();
        let findings = report["kinds"][0]["findings"].as_array().unwrap().iter();
        let said: Vec<&str> = findings.map(|finding| finding["difference"]["new"].as_str().unwrap()).collect();
        assert!(said.contains(&said_new), "{package} {settings}: {said:?}");
    }
}

/// A share with a least and a most: each stretch is told by the law that holds on all of it, and what raises a coupon is not paid twice.
#[test]
fn the_ends_of_a_platforms_floor_are_limits_of_their_own() {
    let floor = json!({"platform_floor": {"bp": 500, "min": 500, "max": 5_000, "trigger_hours": 30}});
    let report = with_settings("policies/delay", &floor).exits(1).json();
    for (place, said, from, to) in [
        ("lines[0].paid up to ¥100.00", "coupon ¥25.00 and cash ¥5.00", None, Some(10_000)),
        ("lines[0].paid from ¥600.10, up to ¥1000.00", "cash 5 % of the goods money", Some(60_010), Some(100_000)),
        ("lines[0].paid over ¥1000.00", "cash ¥50.00", Some(100_001), None),
    ] {
        assert_eq!(finding(&report, place, "coupon ¥30.00"), (said.to_owned(), from, to));
    }
    let said = "coupon ¥30.00 − 5 % of the goods money and cash 5 % of the goods money";
    assert_eq!(finding(&report, "from 30 h, up to 72 h overdue", "coupon ¥30.00").0, said);
    let remarks = report["kinds"][0]["remarks"].as_array().unwrap();
    assert!(!remarks.iter().any(|line| line["sort"] == "overlap"), "{remarks:?}");
}

#[test]
fn an_inclusive_limit_differs_in_exactly_one_value() {
    let report = with_settings("policies/delay", &json!({"ship_upper_tier_inclusive": true})).exits(1).json();
    assert_eq!(
        finding(&report, "exactly 72 h overdue", "coupon ¥30.00"),
        ("cash 10 % of the goods money".to_owned(), Some(72 * HOUR_MS), Some(72 * HOUR_MS))
    );
}

#[test]
fn windows_counts_and_words_of_the_other_policies_are_found() {
    let report = with_settings("policies/after-sale", &json!({"no_reason_days": 15, "malicious_returns_review": 5})).exits(1).json();
    let window = "from the beginning of day 8, below the beginning of day 16 after signing";
    assert_eq!(finding(&report, window, "reject-with-alternative").0, "approve-return-refund, refund 100 % of the goods money");
    assert_eq!(finding(&report, "customer.malicious-returns from 3, up to 4", "human-review").1, Some(3));

    let report = with_settings("policies/blacklist", &json!({"lookback_days": 90})).exits(1).json();
    let day = 24 * HOUR_MS;
    assert_eq!(
        finding(&report, "over 90 d, up to 180 d since the incident", "recommend-mark"),
        ("reject".to_owned(), Some(90 * day + 1), Some(180 * day))
    );

    let report = with_settings("policies/reply", &json!({"allow_terms": ["顶级"]})).exits(1).json();
    assert_eq!(finding(&report, "text 您好，顶级，谢谢。", "block").0, "pass");
}

#[test]
fn an_unfair_policy_is_seen_through() {
    let ran = ombud(&["diff", "policies/after-sale", "tests/policies/unfair", "--json"]);
    let report = ran.exits(1).json();
    assert_eq!(
        finding(&report, "below the beginning of day 8 after signing", "approve-return-refund, refund 100 % of the goods money").0,
        "reject"
    );
    assert_eq!((&report["old"]["name"], &report["new"]["name"]), (&json!("after-sale"), &json!("unfair")));
}

#[test]
fn the_same_version_does_not_differ_and_the_screen_says_what_was_asked() {
    let same = with_settings("policies/delay", &json!({}));
    assert_eq!(same.exits(0).json()["same"], true);
    let folder = folder();
    let file = folder.write("settings.json", r#"{"ship_upper_hours": 48}"#);
    let ran = ombud(&["diff", "policies/delay", "policies/delay", "--settings-new", &file, "--kind", "delay"]);
    ran.exits(1)
        .says("over 48 h, up to 72 h overdue")
        .says("coupon ¥30.00 → cash 10 % of the goods money")
        .says("cases moved along every fact");
}

/// A shop's own rule for some customers: what its cases have and no number brings about is moved, whatever is answered to the case itself.
#[test]
fn a_rule_for_an_attribute_is_found_where_a_case_has_it() {
    let folder = folder();
    let table = |from: u32| {
        format!(
            "kind: after-sale\nhit: first\nrows:\n- id: VIP-1\n  when: \"attributes.exists(a, a.key == 'shop.tier' && a.value == 'vip')\"\n  \
             requested_amount: \">= ¥{from}\"\n  outcome: escalate\n  severity: high\n- id: ALL-1\n  reason: no-reason\n  outcome: human-review\n  severity: low\n"
        )
    };
    let case = "cases:\n- {id: V, kind: after-sale, title: t, given: {after-sale: {requested-amount: 10000, attributes: [{key: shop.tier, value: vip}]}}, \
                expect: {outcome: human-review}}\n";
    for (name, from) in [("old", 800), ("new", 900)] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        folder.write(&format!("{name}/table.yaml"), &table(from));
        folder.write(&format!("{name}/cases.yaml"), case);
    }
    let of = |name: &str| format!("{}/{name}", folder.text());
    let report = ombud(&["diff", &of("old"), &of("new"), "--json"]).exits(1).json();
    assert_eq!(finding(&report, "requested-amount from ¥800.00, below ¥900.00", "escalate").0, "human-review");
    assert_eq!(report["kinds"][0]["carried"], json!({"cases": 1, "moved": 1, "alike": 0, "left_out": 0}));
    ombud(&["diff", &of("old"), &of("new")]).exits(1).says("1 golden case: 1 moved, 0 left out as alike");
}

#[test]
fn what_cannot_be_compared_says_why() {
    ombud(&["diff", "policies/guardrail", "policies/delay"]).exits(2).complains("`policies/guardrail` decides nothing");
    ombud(&["diff", "policies/delay", "policies/delay", "--kind", "reply"]).exits(2).complains("there is no kind to compare");
    let folder = folder();
    let file = folder.write("settings.json", r#"{"ship_upper_hours": 73}"#);
    ombud(&["diff", "policies/delay", "policies/delay", "--settings-old", &file]).exits(2).complains("/ship_upper_hours");
    ombud(&["diff", "policies/delay", "missing.wasm"]).exits(2).complains("cannot read `missing.wasm`");
}
