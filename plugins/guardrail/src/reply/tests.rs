//! The golden cases of drafted replies, and what holds for every ruling (golden.md 6.1, invariant 13).

use super::review;
use ombud_core::golden::{Answer, Given, load};
use ombud_sdk::reply::{Finding, ProductFacts, ReplyCase, ReplyRuling, Verdict};
use ombud_sdk::{Calendar, Context, ItemCategory, Notes, Platform, ReasonKind, Review, Role, Settings as _, Surface, Tri};
use proptest::prelude::*;
use proptest::sample::select;

const NOW: i64 = 1_794_000_000_000;

fn context() -> Context {
    Context {
        merchant_id: "m1".into(),
        shop_id: "s1".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: NOW,
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    }
}

fn ruling(verdict: Verdict, masked_text: &str) -> ReplyRuling {
    ReplyRuling { verdict, findings: Vec::new(), masked_text: masked_text.into(), notes: Notes::empty() }
}

fn draft(text: &str, surface: Surface, product: Option<ProductFacts>) -> ReplyCase {
    ReplyCase {
        reply_id: "r1".into(),
        text: text.into(),
        author_role: Role::Agent,
        ai_labelled: false,
        surface,
        official_contact_allowed: false,
        product,
        known_ids: vec!["6937332647110776166".into()],
        case_reason: Some(ReasonKind::Quality),
        eta: None,
        approved_compensation: 3_000,
        approved_refund: None,
        attributes: Vec::new(),
    }
}

fn rules<R>(review: &Review<R>) -> Vec<&str> {
    match review {
        Review::Uphold => Vec::new(),
        Review::Amend { reasons, .. } | Review::Escalate(reasons) => reasons.iter().map(|reason| reason.rule.as_str()).collect(),
    }
}

#[test]
fn golden_cases() {
    assert_eq!(run(include_str!("../../../../tests/cases/guardrail-cases.yaml")), 9);
    assert_eq!(run(include_str!("../../../../tests/cases/examined/guardrail-caps.yaml")), 12);
}

/// Runs the reply reviews of a file; how many there were.
fn run(text: &str) -> usize {
    let mut count = 0;
    for case in load(text).unwrap() {
        let Given::ReviewReply(ctx, facts, ruling) = &case.given else { continue };
        count += 1;
        let differences = case.check(&Answer::ReviewReply(&review(ctx, facts, ruling)));
        assert!(differences.is_empty(), "{}: {differences:#?}", case.id);
    }
    count
}

/// Invariant 10 for what a guardrail tells the customer.
#[test]
fn messages_of_amended_rulings_have_texts_that_pass() {
    for case in load(include_str!("../../../../tests/cases/guardrail-cases.yaml")).unwrap() {
        let settings = case.settings.as_ref().map_or_else(Default::default, |all| crate::Settings::parse(&all.to_string()).unwrap());
        let (notes, compensation, refund) = match &case.given {
            Given::ReviewAfterSale(ctx, facts, ruling) => match crate::after_sale::review(ctx, facts, ruling) {
                Review::Amend { ruling, .. } => (ruling.notes, 0, ruling.refund),
                _ => continue,
            },
            Given::ReviewDelay(ctx, facts, ruling) => match crate::delay::review(&settings, ctx, facts, ruling) {
                Review::Amend { ruling, .. } => (ruling.notes, ruling.total_cash + ruling.total_coupon, ruling.total_refund_due),
                _ => continue,
            },
            Given::ReviewBlacklist(ctx, facts, ruling) => match crate::blacklist::review(ctx, facts, ruling) {
                Review::Amend { ruling, .. } => (ruling.notes, 0, 0),
                _ => continue,
            },
            _ => continue,
        };
        for message in &notes.messages {
            for locale in ["zh-CN", "en"] {
                let text = ombud_core::messages::write(message, locale).unwrap_or_else(|error| panic!("{}: {error}", case.id));
                let mut said = draft(&text, Surface::PrivateChat, None);
                (said.approved_compensation, said.approved_refund) = (compensation, Some(refund));
                let ruled = reply::rule::decide(&reply::Settings::default(), &context(), &said);
                assert_eq!(ruled.verdict, Verdict::Pass, "{}: `{text}`", case.id);
            }
        }
    }
}

/// Every ruling of the default policy on the golden cases is upheld, and so is every one amended from a lax merchant's.
#[test]
fn golden_rulings_stand() {
    for case in load(include_str!("../../../../tests/cases/golden.yaml")).unwrap() {
        let Given::Reply(ctx, facts) = &case.given else { continue };
        let own = reply::rule::decide(&reply::Settings::default(), ctx, facts);
        assert_eq!(rules(&review(ctx, facts, &own)), Vec::<&str>::new(), "{}", case.id);
    }
}

#[test]
fn every_row_that_fits_is_named() {
    let facts = draft("您是国家级VIP,拆封了就不能退货,电话13812345678", Surface::PublicComment, None);
    let answer = review(&context(), &facts, &ruling(Verdict::HoldForEvidence, &facts.text));
    assert_eq!(rules(&answer), ["GR-402", "GR-405", "GR-406"]);
    let Review::Amend { ruling, .. } = answer else { panic!("upheld") };
    assert_eq!((ruling.verdict, ruling.masked_text.ends_with("138****5678")), (Verdict::Block, true));
    let found: Vec<&str> = ruling.findings.iter().map(|finding: &Finding| finding.rule.as_str()).collect();
    assert_eq!(found, ["RC-705", "RC-101", "RC-901", "RC-902", "RC-701"]);
}

#[test]
fn a_mask_of_the_merchants_own_is_replaced() {
    let facts = draft("电话13812345678", Surface::PrivateChat, None);
    for (verdict, masked, amended) in [
        (Verdict::PassMasked, "电话138****5678", false),
        (Verdict::PassMasked, "电话1381234****", true),
        (Verdict::PassWithWarnings, "电话138****5678", true),
        (Verdict::HoldForEvidence, "电话13812345678", false),
    ] {
        let answer = review(&context(), &facts, &ruling(verdict, masked));
        assert_eq!(rules(&answer), if amended { vec!["GR-401"] } else { vec![] }, "{verdict} {masked}");
    }
}

#[test]
fn words_of_the_material_are_the_merchants_affair() {
    // 最好 is no word of the statute: RC-101 blocks it in the default policy, GR-405 does not.
    let facts = draft("全店最好的面霜", Surface::PrivateChat, None);
    assert_eq!(review(&context(), &facts, &ruling(Verdict::Pass, &facts.text)), Review::Uphold);
}

fn text() -> impl Strategy<Value = String> {
    let part = select(vec![
        "国家级",
        "最佳",
        "赏味期",
        "最好",
        "13812345678",
        "6937332647110776166",
        "好评",
        "返现",
        "改差评",
        "补偿",
        "治疗",
        "不能",
        "痘痘",
        "增强免疫力",
        "媲美母乳",
        "拆封了就",
        "不能退货",
        "卫生原因",
        "最终解释权",
        "仅剩30件",
        "保证",
        "明天",
        "到",
        "没有任何瑕疵",
        "闭嘴",
        "您是不是有病吧",
        "“",
        "”",
        "违反广告法",
        ",",
        "。",
        "❤",
        "感谢您的",
        "红包",
    ]);
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn product() -> impl Strategy<Value = Option<ProductFacts>> {
    let known = (select(ItemCategory::ALL), prop::option::of(0..60_u32), any::<bool>(), any::<bool>());
    prop::option::of(known.prop_map(|(category, stock, defect, approved)| ProductFacts {
        category,
        stock,
        known_defects: if defect { vec!["划痕".into()] } else { Vec::new() },
        substantiated: Vec::new(),
        approved_health_claims: if approved { vec!["增强免疫力".into()] } else { Vec::new() },
        price_evidence: Tri::Unknown,
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_default_policy_is_upheld_and_an_amended_ruling_stands(
        text in text(), surface in select(Surface::ALL), product in product(), verdict in select(Verdict::ALL), eta in prop::option::of(NOW..NOW + 300_000_000),
    ) {
        let mut facts = draft(&text, surface, product);
        facts.eta = eta;
        let lax = reply::Settings::parse(r#"{"allow_terms": ["国家级", "没有任何瑕疵", "好评返现"], "extra_terms": [{"term": "好评", "rule": "RC-803", "action": "warn"}]}"#).unwrap();
        for settings in [reply::Settings::default(), lax] {
            let own = reply::rule::decide(&settings, &context(), &facts);
            prop_assert_eq!(review(&context(), &facts, &own), Review::Uphold);
        }
        if let Review::Amend { ruling: amended, .. } = review(&context(), &facts, &ruling(verdict, &text)) {
            prop_assert!(amended.verdict > verdict || (amended.verdict, verdict) == (Verdict::PassMasked, Verdict::PassMasked));
            prop_assert_eq!(review(&context(), &facts, &amended), Review::Uphold);
        }
    }
}
