//! What customers are told with a decision, by the edition of the host's rules.

use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_rules::contract::delay::{Award, CompForm, DelayCase, DelayLine, DelayRuling, Episode};
use ombud_rules::contract::types::{ApprovalRequest, Attribute, Role};
use ombud_rules::contract::{after_sale, blacklist, delay};
use ombud_rules::review::Review;

use super::*;
use crate::caps::{CapLimits, Restated};
use crate::chain::judge;
use crate::golden::Given;

fn concluded(case: &Case, ruling: Ruling, platform: Platform, edition: Edition) -> Decision {
    let judged = judge(case, &Ok(ruling), Some(&Ok(Review::Uphold)), &Fallbacks::default(), 0);
    conclude(case, judged, None, &terms(edition), &Counted::default(), At { platform, now: 0 }).0
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

/// A policy may forget to say who decides what it leaves to a person (a delay of which the cause is not proven).
#[test]
fn what_waits_for_a_person_asks_one_and_tells_the_customer() {
    let ((case, mut ruling), (delay, mut late)) = plain();
    let told = |case: Case, ruling: Ruling, edition: Edition| {
        let notes = made(&case, ruling, &Counted::default(), edition).0.ruling.notes().clone();
        let messages: Vec<String> = notes.messages.iter().map(|message| message.key.clone()).collect();
        (notes.approvals.iter().map(|asked| (asked.role, asked.rule.clone())).collect::<Vec<_>>(), messages)
    };
    (ruling.outcome, ruling.refund) = (after_sale::Outcome::HumanReview, 0);
    (late.outcome, late.total_refund_due, late.total_cash, late.total_coupon) = (delay::Outcome::HumanReview, 0, 0, 0);
    late.awards.clear();
    for notes in [&mut ruling.notes, &mut late.notes] {
        (notes.approvals, notes.messages) = (Vec::new(), Vec::new());
    }
    let rules = [&ruling.notes, &late.notes].map(|notes| notes.reasons[0].rule.clone());
    for (rule, case, ruling) in [
        (&rules[0], Case::AfterSale(case.clone()), Ruling::AfterSale(ruling.clone())),
        (&rules[1], Case::Delay(delay.clone()), Ruling::Delay(late.clone())),
    ] {
        assert_eq!(told(case.clone(), ruling.clone(), Edition::Third), (vec![], vec![]));
        let asked = vec![(Role::Supervisor, rule.clone())];
        assert_eq!(told(case.clone(), ruling.clone(), Edition::Fourth), (asked, vec!["as.human_review".to_owned()]));
    }
    // What the policy says itself stands.
    late.notes.approvals = vec![ApprovalRequest { role: Role::DeptHead, rule: "OWN-1".into(), due: None, distinct_from: Vec::new() }];
    late.notes.messages = vec![Message { key: "dc.care".into(), locale: "zh-CN".into(), args: Vec::new() }];
    let stands = (vec![(Role::DeptHead, "OWN-1".to_owned())], vec!["dc.care".to_owned()]);
    assert_eq!(told(Case::Delay(delay), Ruling::Delay(late), Edition::Fourth), stands);
}

/// The kinds' plain cases: an item of ¥199.00 that was wrong is refunded (GC-13), and a refund of ¥150.00 is late (GC-39).
fn plain() -> ((AfterSaleCase, AfterSaleRuling), (DelayCase, DelayRuling)) {
    let cases = crate::golden::load(include_str!("../../../../tests/cases/guardrail-cases.yaml")).unwrap();
    let of = |id: &str| cases.iter().find(|case| case.id == id).unwrap().given.clone();
    let (Given::ReviewAfterSale(_, case, mut ruling), Given::ReviewDelay(_, delay, late)) = (of("GC-13"), of("GC-39")) else { panic!() };
    (ruling.outcome, ruling.refund) = (after_sale::Outcome::ApproveRefundOnly, 19_900);
    ((case, ruling), (delay, late))
}

/// An episode and the award of it for each of some late refunds: of which line, how much, and whether it is the first of that line.
fn late_refunds(case: &mut DelayCase, ruling: &mut DelayRuling, told: &[(&str, i64, bool)]) {
    let (episode, award) = (case.episodes[0].clone(), ruling.awards[0].clone());
    let id = |at: usize| format!("e{at}");
    let episodes = told.iter().enumerate().map(|(at, (line, owed, _))| Episode {
        episode_id: id(at),
        line_ids: vec![(*line).to_owned()],
        refund_owed: *owed,
        ..episode.clone()
    });
    case.episodes = episodes.collect();
    let awards = told.iter().enumerate().map(|(at, (_, owed, first))| Award {
        episode_id: id(at),
        refund_due: *owed,
        form: if *first { CompForm::Solatium } else { CompForm::None },
        value: if *first { 5_000 } else { 0 },
        ..award.clone()
    });
    ruling.awards = awards.collect();
    let arg = |key: &str, fen: i64| Arg { key: key.into(), value: ombud_rules::after_sale::yuan(fen) };
    let message = |owed: i64| Message {
        key: "dc.refund.severe".into(),
        locale: "zh-CN".into(),
        args: vec![arg("refund", owed), arg("amount", 5_000)],
    };
    ruling.notes.messages = told.iter().filter(|(.., first)| *first).map(|(_, owed, _)| message(*owed)).collect();
    ruling.total_refund_due = told.iter().map(|(_, owed, _)| *owed).sum();
    ruling.total_cash = 5_000 * i64::try_from(ruling.awards.iter().filter(|award| award.value > 0).count()).unwrap();
}

fn terms(edition: Edition) -> Terms {
    Terms {
        caps: CapLimits::default(),
        currency: caps::CURRENCY.into(),
        fallback: Fallbacks::default(),
        limits: CallLimits::default(),
        edition,
    }
}

fn made(case: &Case, ruling: Ruling, counted: &Counted, edition: Edition) -> (Decision, Vec<Intent>) {
    let judged = judge(case, &Ok(ruling), Some(&Ok(Review::Uphold)), &Fallbacks::default(), 0);
    conclude(case, judged, None, &terms(edition), counted, At { platform: Platform::Douyin, now: 0 })
}

#[test]
fn a_case_and_a_delay_in_one_event_refund_a_line_once() {
    let ((mut case, ruling), (mut delay, mut late)) = plain();
    case.order.lines[0].line_id = "L1".into();
    case.lines[0].line_id = "L1".into();
    case.after_sale_id = "as1".into();
    (case.order.order_id, delay.order_id) = ("o1".into(), "o1".into());
    delay.lines =
        vec![DelayLine { line_id: "L1".into(), paid: 19_900, refunded: 0 }, DelayLine { line_id: "L2".into(), paid: 8_000, refunded: 0 }];
    late_refunds(&mut delay, &mut late, &[("L1", 15_000, true)]);
    let refund_of = |refund: i64, delay: &DelayCase, late: &DelayRuling| {
        let case = Case::AfterSale(case.clone());
        let (first, first_paid) =
            made(&case, Ruling::AfterSale(AfterSaleRuling { refund, ..ruling.clone() }), &Counted::default(), Edition::Third);
        let (delay, late) = (Case::Delay(delay.clone()), Ruling::Delay(late.clone()));
        let mut counted = Counted::default();
        let mut asked = money::intents(&delay, &late);
        if let Case::Delay(delay) = &delay {
            asked.extend(money::late_keys(delay));
        }
        let earlier = Earlier { case: &case, counts: &first.caps.counted, paid: &first_paid, of_customer: true };
        counted.add(&delay, &asked, &earlier);
        let (second, paid) = made(&delay, late, &counted, Edition::Third);
        assert_eq!(counted.usage.order_refund, refund);
        // A record holds what the event's first decision refunds, so that its replay concludes the same.
        assert_eq!(second.caps.beside, counted.beside);
        let again: CapReview = serde_json::from_str(&serde_json::to_string(&second.caps).unwrap()).unwrap();
        assert_eq!(again, second.caps);
        let new = paid.iter().filter(|intent| intent.payment == Payment::Refund).map(|intent| intent.amount).sum::<i64>();
        (second.amounts.refund, new, second.caps.breaches.iter().any(|mark| mark.cap == caps::BALANCE))
    };
    assert_eq!(refund_of(19_900, &delay, &late), (0, 0, true));
    assert_eq!(refund_of(4_900, &delay, &late), (15_000, 15_000, false));
    assert_eq!(refund_of(4_901, &delay, &late), (14_999, 14_999, true));
    // Under the name of the very case it is stated again, and under another one it is of the same line.
    let named = |name: &str| {
        let attribute = Attribute { key: "after-sale-id:e0".into(), value: name.into() };
        DelayCase { attributes: vec![attribute], ..delay.clone() }
    };
    assert_eq!(refund_of(19_900, &named("as1"), &late), (15_000, 0, false));
    assert_eq!(refund_of(19_900, &named("as2"), &late), (0, 0, true));
    // Another line, and another order.
    let mut other = (delay.clone(), late.clone());
    late_refunds(&mut other.0, &mut other.1, &[("L2", 8_000, true)]);
    assert_eq!(refund_of(19_900, &other.0, &other.1), (8_000, 8_000, false));
    assert_eq!(
        serde_json::to_value(made(&Case::Delay(delay), Ruling::Delay(late), &Counted::default(), Edition::Third).0.caps)
            .unwrap()
            .get("beside"),
        None
    );
}

#[test]
fn the_customer_is_told_of_each_late_refund() {
    let told = |refunded: i64, refunds: &[(&str, i64, bool)], on_record: &[(&str, i64)], edition: Edition| {
        let (_, (mut case, mut ruling)) = plain();
        case.order_id = "o1".into();
        case.lines =
            vec![DelayLine { line_id: "L1".into(), paid: 22_000, refunded }, DelayLine { line_id: "L2".into(), paid: 15_000, refunded: 0 }];
        late_refunds(&mut case, &mut ruling, refunds);
        let restated = on_record.iter().map(|(key, amount)| Restated { intent: format!("refund o1/{key}"), amount: *amount });
        let mut counted = Counted { restated: restated.collect(), ..Counted::default() };
        counted.on_record = counted.restated.iter().map(|own| own.intent.clone()).collect();
        let (decision, _) = made(&Case::Delay(case), Ruling::Delay(ruling), &counted, edition);
        decision.messages.into_iter().map(|message| message.en).collect::<Vec<_>>()
    };
    let severe = |yuan: &str| format!("Sorry for the late refund: ¥{yuan} is being paid now plus ¥50.00.");
    let alone = |yuan: &str| format!("¥{yuan} is being refunded to the original payment method.");
    // Of one line only the first has an award of its own, and so a message of the policy's.
    let of_one_line = [("L1", 15_000, true), ("L1", 7_000, false)];
    assert_eq!(told(0, &of_one_line, &[], Edition::Third), [severe("150.00"), alone("70.00")]);
    assert_eq!(told(4_000, &of_one_line, &[], Edition::Third), [severe("150.00"), alone("30.00")]);
    // What is stated again was told when it was decided; of nothing nothing is told.
    assert_eq!(told(7_000, &of_one_line, &[("e1", 7_000)], Edition::Third), [severe("150.00")]);
    assert_eq!(told(7_000, &of_one_line, &[], Edition::Third), [severe("150.00")]);
    assert_eq!(told(0, &of_one_line[..1], &[], Edition::Third), [severe("150.00")]);
    // Two of the same amount, of which one line bears nothing any more.
    let the_same = [("L1", 15_000, true), ("L2", 15_000, true)];
    assert_eq!(told(0, &the_same, &[], Edition::Third), [severe("150.00"), severe("150.00")]);
    assert_eq!(told(22_000, &the_same, &[], Edition::Third), [severe("150.00")]);
    assert_eq!(told(15_000, &the_same, &[], Edition::Third), [severe("70.00"), severe("150.00")]);
    // As records of earlier releases have it.
    for edition in [Edition::First, Edition::Second] {
        assert_eq!(told(0, &of_one_line, &[], edition), [severe("150.00")], "{edition:?}");
    }
}
