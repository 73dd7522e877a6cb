//! What became of a measure since, what a measure rests on, and what is left to say of what was erased.

use ombud_rules::contract::blacklist::{BlacklistCase, Outcome, Stage, Step, Verdict};
use ombud_rules::contract::types::{Arg, Citation, CustomerMeasure, Fact, Message, Severity};

use super::*;
use crate::decision::{DecisionMessage, DecisionReason};

/// The notice of a measure, as the default policies give it.
const NOTICE: &str = "因以差评要挟额外赔偿，我们对您的购买与咨询服务作出限制，至2027-05-23；不影响您的法定售后权利，您可申诉。";

fn reason(rule: &str, facts: &[&str], citations: &[(&str, &str)]) -> DecisionReason {
    DecisionReason {
        rule: rule.into(),
        severity: Severity::High,
        by: ReasonBy::Policy,
        facts: facts.iter().map(|path| Fact { path: (*path).into(), value: "yes".into() }).collect(),
        citations: citations.iter().map(|(source, locator)| Citation { source: (*source).into(), locator: (*locator).into() }).collect(),
    }
}

/// A decision on a request against somebody of whom nothing is in force, with the notice of the measure and these reasons.
fn decided_on(id: &str, stage: Stage, outcome: Outcome, measure: CustomerMeasure, reasons: Vec<DecisionReason>) -> RecordedDecision {
    let (_, mut recorded) = decided().into_iter().find(|(_, own)| own.request().is_some()).unwrap();
    let Ruling::Blacklist(ruling) = &mut recorded.decision.ruling else { panic!("a request has a ruling of its kind") };
    (ruling.outcome, ruling.measure) = (outcome, measure);
    let args = [("reason", "以差评要挟额外赔偿"), ("scope", "购买与咨询"), ("until", "2027-05-23")];
    let args = args.map(|(key, value)| Arg { key: key.into(), value: value.into() }).to_vec();
    let notice = Message { key: "bl.notice".into(), locale: "zh-CN".into(), args };
    let text = |locale| crate::messages::render(&notice, locale).unwrap();
    let written = DecisionMessage { key: notice.key.clone(), zh_cn: text("zh-CN"), en: text("en") };
    ruling.notes.messages = vec![notice];
    let decision = &mut recorded.decision;
    (decision.outcome, decision.kind, decision.fault) = (outcome.as_str().to_owned(), Kind::Blacklist, None);
    (decision.messages, decision.reasons) = (vec![written], reasons);
    let request = request(&mut recorded);
    (request.request_id, request.stage, request.current_measure) = (id.to_owned(), stage, CustomerMeasure::None);
    request.steps = [Stage::SupervisorReviewed, Stage::HeadReviewed]
        .map(|stage| Step {
            stage,
            actor_id: stage.as_str().into(),
            role: Role::Supervisor,
            verdict: Verdict::Approve,
            at: 1_788_000_000_000,
            note: String::new(),
        })
        .to_vec();
    recorded
}

fn request(recorded: &mut RecordedDecision) -> &mut BlacklistCase {
    let Some(Case::Blacklist(request)) = &mut recorded.case else { panic!("no request") };
    request
}

/// What puts somebody on the list: the chain of approvals, and what it leaves untouched.
fn executed(outcome: Outcome) -> RecordedDecision {
    let rights = [("消费者权益保护法", "第24条"), ("消费者权益保护法", "第25条"), ("消费者权益保护法", "第48条第1款第8项")];
    let chain = reason("BL-032", &[], &[("003_8b0dd9d774a2b4b6.txt", "拉黑流程規範"), ("个人信息保护法", "第19条")]);
    decided_on("r1", Stage::HeadReviewed, outcome, CustomerMeasure::Blacklisted, vec![chain, reason("BL-040", &[], &rights)])
}

/// Steps on the days after the decision.
fn steps(became: &[Became]) -> Vec<MeasureStep> {
    let day = |at: usize| WHEN.decided_at_ms + (at as i64 + 1) * 86_400_000;
    became.iter().enumerate().map(|(at, became)| MeasureStep { at_ms: day(at), became: *became }).collect()
}

fn told(recorded: &RecordedDecision, became: &[Became], locale: Locale) -> ForCustomer {
    for_customer("d1", recorded, Since { acts: &[], measure: &steps(became) }, WHEN, locale)
}

#[test]
fn of_a_measure_is_told_what_became_of_it() {
    use Became::{Appealed, Dismissed, Ended, Granted, Replaced, Withdrawn};
    let gone = "The restriction that had been decided for you is no longer in force";
    let stands = "Some services were restricted for you";
    let person = "Reviewed by a person: ";
    for (became, result, lines) in [
        (&[][..], stands, vec![]),
        (&[Appealed][..], stands, vec!["A person is handling your appeal, the restriction stays meanwhile.".to_owned()]),
        (
            &[Appealed, Dismissed],
            stands,
            vec!["You appealed.".into(), format!("{person}Your appeal was not granted, the restriction stays.")],
        ),
        (&[Appealed, Withdrawn], stands, vec!["You appealed.".into(), "Your appeal was withdrawn, the restriction stays.".into()]),
        (&[Appealed, Granted], gone, vec!["You appealed.".into(), format!("{person}The restriction has ended.")]),
        (&[Ended], gone, vec!["The restriction has ended.".into()]),
        (&[Replaced], gone, vec!["A later decision took its place.".into()]),
        // What follows its end is about another measure.
        (&[Ended, Replaced, Appealed], gone, vec!["The restriction has ended.".into()]),
    ] {
        let recorded = executed(Outcome::Execute);
        let own = told(&recorded, became, Locale::En);
        assert_eq!(own.result, result, "{became:?}");
        assert_eq!(own.later.iter().map(|line| line.text.clone()).collect::<Vec<_>>(), lines, "{became:?}");
        assert_eq!(own.messages.is_empty(), result == gone, "what is past is not announced: {became:?} {:?}", own.messages);
        assert_eq!(own.basis[0].starts_with("a person's review"), became.contains(&Granted), "{became:?} {:?}", own.basis);
        for locale in Locale::ALL {
            let text = customer_text(&told(&recorded, became, locale));
            assert!(findings(&text, 0, 0).is_empty(), "{became:?}: {:?} in\n{text}", findings(&text, 0, 0));
        }
    }
    let own = told(&executed(Outcome::Execute), &[Appealed, Granted], Locale::ZhCn);
    assert_eq!(own.result, "此前对您作出的限制已不再有效");
    assert_eq!((own.later[1].on.as_str(), own.later[1].text.as_str()), ("2026-09-06", "经人工复核：对您的限制已经结束。"));
    // Of a mark it is told as one.
    let approved = |outcome, measure| decided_on("r1", Stage::HeadReviewed, outcome, measure, vec![]);
    let marked = told(&approved(Outcome::RecommendMark, CustomerMeasure::Marked), &[Ended], Locale::En);
    assert_eq!(
        (marked.result.as_str(), marked.later[0].text.as_str()),
        ("The mark that had been set on your record is no longer in force", "The mark on your record was removed.")
    );
}

#[test]
fn an_appeal_that_was_not_granted_is_told_with_the_measures_end() {
    let mut recorded = decided_on("r1", Stage::Appealed, Outcome::Escalate, CustomerMeasure::Blacklisted, vec![]);
    request(&mut recorded).current_measure = CustomerMeasure::Blacklisted;
    let acts = [PersonAct {
        at_ms: WHEN.decided_at_ms + 1,
        act: ActOf::Approve,
        outcome: "appeal-dismissed".into(),
        amounts: crate::money::Amounts::default(),
    }];
    let own = for_customer("d1", &recorded, Since { acts: &acts, measure: &steps(&[Became::Ended]) }, WHEN, Locale::En);
    assert_eq!(own.result, "The restriction that had been decided for you is no longer in force");
    let lines: Vec<&str> = own.later.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["Reviewed by a person: Your appeal was not granted, the restriction stays.", "The restriction has ended."]);
}

#[test]
fn what_a_later_decision_makes_of_a_measure_follows_from_its_record() {
    let later = |id: &str, stage, outcome, measure, before| {
        let mut recorded = decided_on(id, stage, outcome, measure, vec![]);
        request(&mut recorded).current_measure = before;
        became(&recorded, "r1")
    };
    use CustomerMeasure as M;
    assert_eq!(later("r1", Stage::Appealed, Outcome::Escalate, M::Blacklisted, M::Blacklisted), Some(Became::Appealed));
    assert_eq!(later("r2", Stage::Appealed, Outcome::Escalate, M::Blacklisted, M::Blacklisted), None, "another measure's appeal");
    assert_eq!(later("r1", Stage::Executed, Outcome::Closed, M::None, M::Blacklisted), Some(Became::Ended));
    assert_eq!(later("r1", Stage::Executed, Outcome::Closed, M::Blacklisted, M::Blacklisted), None, "it stays");
    assert_eq!(later("r2", Stage::HeadReviewed, Outcome::Execute, M::Blacklisted, M::Marked), Some(Became::Replaced));
    assert_eq!(later("r2", Stage::Submitted, Outcome::ForwardToSupervisor, M::Blacklisted, M::Marked), None);
    for (act, outcome, expected) in [
        (ActOf::Approve, "appeal-dismissed", Became::Dismissed),
        (ActOf::Amend, "closed", Became::Granted),
        (ActOf::Cancel, "cancelled", Became::Withdrawn),
    ] {
        assert_eq!(became_by(act, outcome), expected);
    }
}

#[test]
fn a_measure_rests_on_the_shops_own_rules_and_not_on_the_rights_it_leaves_untouched() {
    for (locale, basis) in [
        (Locale::ZhCn, ["本店的售后规则", "个人信息保护法第19条"]),
        (Locale::En, ["the shop's own after-sales rules", "Personal Information Protection Law, art. 19"]),
    ] {
        for outcome in [Outcome::Execute, Outcome::ExecuteDeferred] {
            assert_eq!(told(&executed(outcome), &[], locale).basis, basis, "{outcome}");
        }
    }
}

#[test]
fn of_a_measure_that_waits_for_open_cases_is_told_when_it_begins() {
    for (locale, begins) in [
        (Locale::ZhCn, "该限制在您未完结的售后全部办结后才开始。"),
        (Locale::En, "It begins only once your open after-sales cases are closed."),
    ] {
        let messages = told(&executed(Outcome::ExecuteDeferred), &[], locale).messages;
        assert_eq!((messages.len(), messages[1].as_str()), (2, begins));
        assert_eq!(told(&executed(Outcome::Execute), &[], locale).messages.len(), 1, "at once");
    }
    assert_eq!(told(&executed(Outcome::Execute), &[], Locale::ZhCn).messages, [NOTICE]);
}

#[test]
fn of_a_step_inside_the_shop_no_message_and_no_law_is_told() {
    let threat = || vec![reason("X-1", &["criterion"], &[("消费者权益保护法实施条例", "第49条第2款")])];
    for (stage, outcome) in [
        (Stage::Submitted, Outcome::RecommendRestrict),
        (Stage::Submitted, Outcome::RecommendMark),
        (Stage::Submitted, Outcome::ForwardToSupervisor),
        (Stage::Submitted, Outcome::Escalate),
        (Stage::SupervisorReviewed, Outcome::ForwardToDeptHead),
        (Stage::HeadReviewed, Outcome::ReturnForEvidence),
        (Stage::HeadReviewed, Outcome::Reject),
    ] {
        let mut recorded = decided_on("r1", stage, outcome, CustomerMeasure::ServiceRestricted, threat());
        request(&mut recorded).steps.retain(|step| stage != Stage::Submitted && step.stage == Stage::SupervisorReviewed);
        let own = told(&recorded, &[], Locale::En);
        assert_eq!(own.result, "This is an internal step; nothing was decided about you", "{outcome}");
        assert!(own.messages.is_empty() && own.basis.is_empty() && own.later.is_empty(), "{outcome}: {own:?}");
        // Nor what became of the customer's measure by other decisions.
        assert!(told(&recorded, &[Became::Replaced], Locale::En).later.is_empty(), "{outcome}");
    }
}

#[test]
fn a_suspicion_is_known_by_the_fact_that_was_read() {
    let law = [("民法典", "第577条")];
    let public = |facts: &[&str]| {
        let (_, mut recorded) = decided().into_iter().find(|(_, own)| own.decision.kind == Kind::Delay).unwrap();
        (recorded.decision.fault, recorded.decision.reasons) = (None, vec![reason("X-1", facts, &law)]);
        for_customer("d1", &recorded, Since::default(), WHEN, Locale::ZhCn).basis
    };
    assert_eq!(public(&["episodes[0].due"]), ["民法典第577条"]);
    for path in ["extortion-flag", "customer.extortion-flag"] {
        assert_eq!(public(&[path]), ["本店的售后规则"], "{path}");
    }
}

#[test]
fn of_what_was_erased_only_what_is_still_possible_is_offered() {
    for (kind, outcome) in [(Kind::AfterSale, "reject"), (Kind::Delay, "compensate"), (Kind::Blacklist, "execute")] {
        for (locale, offered, not) in [(Locale::En, "review by a person", "for an explanation"), (Locale::ZhCn, "人工复核", "要求说明理由")]
        {
            let own = erased("d1", kind, outcome, &[], WHEN, locale);
            assert!(own.rights.contains(offered) && !own.rights.contains(not), "{kind}: {}", own.rights);
            let appeal = own.rights.contains("appeal") || own.rights.contains("申诉");
            assert_eq!(appeal, kind == Kind::Blacklist, "{}", own.rights);
            assert!(findings(&customer_text(&own), 0, 0).is_empty(), "{}", own.rights);
        }
    }
}

#[test]
fn a_decision_is_told_with_its_time_in_the_zone_of_its_case() {
    let recorded = executed(Outcome::Execute);
    let own = told(&recorded, &[], Locale::En);
    assert_eq!(own.decided_at, "2026-09-04T11:20:00+08:00");
    assert!(customer_text(&own).contains("\nDecided: 2026-09-04 11:20:00+08:00\n"), "{}", customer_text(&own));
    let later = customer_text(&told(&recorded, &[Became::Appealed], Locale::ZhCn));
    assert!(later.contains("\n最初处理时间：2026-09-04 11:20:00+08:00\n"), "{later}");
    let west = When { tz_offset_min: -570, ..WHEN };
    assert_eq!(erased("d1", Kind::Delay, "none", &[], west, Locale::En).decided_at, "2026-09-03T17:50:00-09:30");
}
