//! What customers are told with a decision, by the edition of the host's rules.

use ombud_rules::contract::{after_sale, blacklist};
use ombud_rules::review::Review;

use super::*;
use crate::chain::judge;
use crate::golden::Given;

fn concluded(case: &Case, ruling: Ruling, platform: Platform, edition: Edition) -> Decision {
    let terms = Terms {
        caps: CapLimits::default(),
        currency: caps::CURRENCY.into(),
        fallback: Fallbacks::default(),
        limits: CallLimits::default(),
        edition,
    };
    let judged = judge(case, &Ok(ruling), Some(&Ok(Review::Uphold)), &terms.fallback, 0);
    conclude(case, judged, None, &terms, &Counted::default(), At { platform, now: 0 }).0
}

fn given() -> Vec<Given> {
    let cases = crate::golden::load(include_str!("../../../../tests/cases/guardrail-cases.yaml")).unwrap();
    cases.into_iter().map(|case| case.given).collect()
}

#[test]
fn the_basis_of_a_refusal_is_told_to_a_platforms_own_customers_and_in_their_words() {
    let (case, ruling) = given()
        .into_iter()
        .find_map(|given| if let Given::ReviewAfterSale(_, case, ruling) = given { Some((Case::AfterSale(case), ruling)) } else { None })
        .unwrap();
    let told = |citations: &[(&str, &str)], platform: Platform, edition: Edition| {
        let cite = |(source, locator): &(&str, &str)| Citation { source: (*source).into(), locator: (*locator).into() };
        let mut ruling = ruling.clone();
        (ruling.outcome, ruling.refund) = (after_sale::Outcome::Reject, 0);
        ruling.notes.reasons = vec![Reason {
            rule: "AS-206b".into(),
            severity: Severity::Low,
            facts: Vec::new(),
            citations: citations.iter().map(cite).collect(),
        }];
        ruling.notes.messages = vec![Message {
            key: "as.explain.as-206b".into(),
            locale: "zh-CN".into(),
            args: vec![Arg { key: "rule".into(), value: "默认售后政策（AS-206b）".into() }],
        }];
        let decision = concluded(&case, Ruling::AfterSale(ruling), platform, edition);
        let [message] = decision.messages.try_into().unwrap();
        let DecisionMessage { zh_cn, en, .. } = message;
        (zh_cn, en)
    };
    let words =
        |zh: &str, en: &str| (format!("处理依据：{zh}；您有权要求人工复核。"), format!("Basis: {en}; you may ask for human review."));
    let law = ("网络购买商品七日无理由退货暂行办法", "第10条");
    let wechat = ("微信小店售后指引", "同一商品仅允许一个进行中的售后单");
    let measures = "Interim Measures for Seven-Day No-Reason Returns of Goods Bought Online, art. 10";
    assert_eq!(told(&[law], Platform::Jd, Edition::Third), words("网络购买商品七日无理由退货暂行办法第10条", measures));
    let own = words("本店的售后规则", "the shop's own after-sales rules");
    assert_eq!(told(&[wechat], Platform::Jd, Edition::Third), own);
    assert_eq!(told(&[], Platform::Jd, Edition::Third), own);
    let guide = words("微信小店售后指引 同一商品仅允许一个进行中的售后单", "WeChat Shop After-Sales Guide, one open case for an item");
    assert_eq!(told(&[wechat], Platform::WechatShop, Edition::Third), guide);
    assert_eq!(told(&[wechat, law], Platform::Taobao, Edition::Third), words("网络购买商品七日无理由退货暂行办法第10条", measures));
    // As records of earlier releases have it.
    assert!(told(&[wechat], Platform::Jd, Edition::Second).0.contains("默认售后政策（AS-206b）"));
}

#[test]
fn a_measure_that_is_only_recommended_is_announced_to_nobody() {
    let (case, ruling) = given()
        .into_iter()
        .find_map(|given| if let Given::ReviewBlacklist(_, case, ruling) = given { Some((Case::Blacklist(case), ruling)) } else { None })
        .unwrap();
    let told = |outcome: blacklist::Outcome, edition: Edition| {
        let mut ruling = ruling.clone();
        ruling.outcome = outcome;
        let arg = |key: &str, value: &str| Arg { key: key.into(), value: value.into() };
        ruling.notes.messages = vec![Message {
            key: "bl.notice".into(),
            locale: "zh-CN".into(),
            args: vec![arg("reason", "多次异常退货"), arg("scope", "购买与咨询"), arg("until", "2027-05-05")],
        }];
        let decision = concluded(&case, Ruling::Blacklist(ruling), Platform::Douyin, edition);
        assert_eq!(decision.outcome, outcome.as_str());
        (decision.messages.len(), decision.ruling.notes().messages.len())
    };
    use blacklist::Outcome;
    for outcome in [Outcome::RecommendMark, Outcome::RecommendRestrict, Outcome::ForwardToSupervisor, Outcome::ForwardToDeptHead] {
        assert_eq!((told(outcome, Edition::Second), told(outcome, Edition::Third)), ((1, 1), (0, 0)), "{outcome:?}");
    }
    for outcome in [Outcome::Execute, Outcome::ExecuteDeferred] {
        assert_eq!(told(outcome, Edition::Third), (1, 1), "{outcome:?}");
    }
}
