//! Properties of every ruling (golden.md 6.1: 1, 8), and the bounds of what a ruling carries.

use super::{ctx, draft, ruled};
use crate::Settings;
use crate::rule::decide;
use ombud_sdk::Settings as _;
use ombud_sdk::reply::{Action, Verdict};
use ombud_sdk::rules::contract::types::Surface;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "最好",
            "先",
            "国家级",
            "13812345678",
            "11010519491231002X",
            "6222020200112233446",
            "加微信",
            "好评返现",
            "赔您",
            "三百",
            "元",
            "请勿",
            "私下转账",
            "“",
            "”",
            "不能用",
            "，",
            "。",
            "❤",
            "6666",
            "保证",
            "明天",
            "到",
            "yyds",
            "已售",
            "10万",
            "件",
            "消炎",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[0-9 ]{0,6}",
    ];
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn rulings_hold_together(text in text(), surface in prop::sample::select(Surface::ALL)) {
        let mut case = draft(&text);
        case.surface = surface;
        let ruling = decide(&Settings::default(), &ctx(), &case);
        prop_assert_eq!(&ruling, &decide(&Settings::default(), &ctx(), &case));

        // Spans lie inside the text, and the worst action is the verdict.
        let length = text.chars().count() as u32;
        prop_assert!(ruling.findings.iter().all(|finding| finding.start < finding.end && finding.end <= length));
        let worst = ruling.findings.iter().map(|finding| finding.action).max().unwrap_or(Action::None);
        let verdict = [Verdict::Pass, Verdict::PassWithWarnings, Verdict::PassMasked, Verdict::HoldForEvidence, Verdict::Block];
        prop_assert_eq!(ruling.verdict, verdict[worst as usize]);
        prop_assert_eq!(ruling.notes.reasons.len(), ruling.notes.messages.len());

        // Masking is idempotent, and a masked text holds no personal data.
        let again = decide(&Settings::default(), &ctx(), &draft(&ruling.masked_text));
        prop_assert_eq!(&again.masked_text, &ruling.masked_text);
        prop_assert!(!again.findings.iter().any(|finding| ["RC-701", "RC-702", "RC-703"].contains(&finding.rule.as_str())));
    }
}

#[test]
fn all_findings_of_a_text_of_forbidden_words_are_reported() {
    let ruling = ruled(&"最好".repeat(2_000));
    assert_eq!((ruling.verdict, ruling.findings.len(), ruling.notes.attributes.len()), (Verdict::Block, 2_000, 0));
}

#[test]
fn what_a_ruling_has_no_room_for_is_counted_and_the_worst_is_kept() {
    let terms = ["RC-101", "RC-102", "RC-803"].map(|rule| {
        let action = if rule == "RC-803" { "warn" } else { "stop" };
        format!(r#"{{"term": "甲乙", "rule": "{rule}", "action": "{action}"}}"#)
    });
    let settings = Settings::parse(&format!(r#"{{"extra_terms": [{}]}}"#, terms.join(","))).unwrap();
    let ruling = decide(&settings, &ctx(), &draft(&"甲乙".repeat(2_000)));
    let stops = ruling.findings.iter().filter(|finding| finding.action == Action::Stop).count();
    assert!(stops == 4_000 || stops == ruling.findings.len(), "{stops} of {}", ruling.findings.len());
    assert_eq!(ruling.notes.attributes[0].value, (6_000 - ruling.findings.len()).to_string());
    assert!(ruling.findings.is_sorted_by_key(|finding| finding.start));
}

#[test]
fn a_long_match_is_cut_short() {
    let mut case = draft(&"好".repeat(4_000));
    case.author_role = ombud_sdk::Role::SystemBot;
    let ruling = decide(&Settings::default(), &ctx(), &case);
    assert_eq!((ruling.findings[0].end, ruling.findings[0].matched.chars().count()), (4_000, 61));
}
