//! Merchant's words, names and overrides; settings that are refused, each with its place.

use super::{ctx, draft, rules, with};
use crate::Settings;
use crate::rule::decide;
use ombud_sdk::Settings as _;
use ombud_sdk::reply::Verdict;

fn verdict(settings: &str, text: &str) -> Verdict {
    decide(&with(settings), &ctx(), &draft(text)).verdict
}

#[test]
fn extra_terms_act_as_the_merchant_says() {
    let settings = r#"{"extra_terms": [
        {"term": "獨有", "rule": "RC-102", "action": "evidence"},
        {"term": "亲爱的", "rule": "RC-803", "action": "warn"},
        {"term": "假货", "rule": "RC-107", "action": "stop"}
    ]}"#;
    assert_eq!(verdict(settings, "独 有的配方"), Verdict::HoldForEvidence);
    assert_eq!(verdict(settings, "亲爱的顾客"), Verdict::PassWithWarnings);
    assert_eq!(verdict(settings, "都是假货"), Verdict::Block);
    assert_eq!(verdict(settings, "您好"), Verdict::Pass);
}

#[test]
fn an_extra_term_never_weakens_the_lexicon() {
    let settings = r#"{"extra_terms": [{"term": "最好的面霜", "rule": "RC-101", "action": "warn"}]}"#;
    assert_eq!(verdict(settings, "全店最好的面霜"), Verdict::Block);
}

#[test]
fn names_lift_guide_words_only() {
    let settings = r#"{"allow_terms": ["顶级厨师", "最好家"]}"#;
    let ruling = decide(&with(settings), &ctx(), &draft("顶级厨师牌锅具"));
    assert_eq!((ruling.verdict, ruling.findings[0].exemption.as_deref()), (Verdict::Pass, Some("EX-NAME")));
    assert_eq!(verdict(settings, "最好家的锅具"), Verdict::Block);
}

#[test]
fn overrides_raise() {
    let settings = r#"{"severity_overrides": [{"rule": "RC-802", "action": "stop"}, {"rule": "RC-701", "action": "evidence"}]}"#;
    assert_eq!(verdict(settings, "我也没办法"), Verdict::Block);
    let ruling = decide(&with(settings), &ctx(), &draft("电话13812345678"));
    assert_eq!((ruling.verdict, ruling.masked_text.as_str()), (Verdict::HoldForEvidence, "电话138****5678"));
    // What an exemption lifts stays lifted.
    let settings = r#"{"severity_overrides": [{"rule": "RC-101", "action": "stop"}]}"#;
    assert_eq!(verdict(settings, "您最好先拍照"), Verdict::Pass);
}

#[test]
fn bad_settings_are_refused_with_their_places() {
    let too_long = "长".repeat(65);
    for (settings, path) in [
        (r#"{"extra_terms": [{"term": "词", "rule": "RC-701", "action": "stop"}]}"#, "/extra_terms/0/rule"),
        (r#"{"extra_terms": [{"term": "词", "rule": "RC-101", "action": "mask"}]}"#, "/extra_terms/0/action"),
        (r#"{"extra_terms": [{"term": " ❤", "rule": "RC-101", "action": "stop"}]}"#, "/extra_terms/0/term"),
        (r#"{"extra_terms": [{"term": "词", "rule": "RC-101"}]}"#, "/extra_terms/0/action"),
        (r#"{"allow_terms": ["好", ""]}"#, "/allow_terms/1"),
        (&format!(r#"{{"allow_terms": ["{too_long}"]}}"#), "/allow_terms/0"),
        (r#"{"severity_overrides": [{"rule": "RC-101", "action": "warn"}]}"#, "/severity_overrides/0/action"),
        (r#"{"severity_overrides": [{"rule": "RC-100", "action": "stop"}]}"#, "/severity_overrides/0/rule"),
        (r#"{"allowed": []}"#, "/allowed"),
    ] {
        let paths: Vec<String> = Settings::parse(settings).unwrap_err().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, [path], "{settings}");
    }
    let many = |count: usize| format!(r#"{{"allow_terms": [{}]}}"#, vec![r#""词""#; count].join(","));
    assert!(Settings::parse(&many(200)).is_ok());
    assert!(Settings::parse(&many(201)).is_err());
}

#[test]
fn the_schema_names_the_rules() {
    let schema: serde_json::Value = serde_json::from_str(&Settings::schema()).unwrap();
    let rules = |property: &str| schema["properties"][property]["items"]["properties"]["rule"]["enum"].as_array().unwrap().len();
    assert_eq!((rules("extra_terms"), rules("severity_overrides")), (29, 34));
}

#[test]
fn the_published_schema_is_that_of_the_settings() {
    ombud_sdk::schema_file_is_current::<Settings>(concat!(env!("CARGO_MANIFEST_DIR"), "/settings.schema.json")).unwrap();
}

#[test]
fn reasons_name_each_rule_once_with_its_sources() {
    let ruling = decide(&Settings::default(), &ctx(), &draft("最好最佳,顶级品质,无语😀😀"));
    assert_eq!(rules(&ruling), ["RC-101", "RC-803"]);
    assert!(ruling.notes.reasons.iter().all(|reason| !reason.citations.is_empty()));
    let keys: Vec<&str> = ruling.notes.messages.iter().map(|message| message.key.as_str()).collect();
    assert_eq!(keys, ["rc.fix.RC-101", "rc.fix.RC-803"]);
    for rule in ombud_sdk::rules::lexicon::RULES.iter() {
        assert!(!crate::sources::of(rule.id).is_empty(), "{}", rule.id);
    }
}
