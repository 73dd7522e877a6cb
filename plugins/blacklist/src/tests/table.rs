//! Rows and conditions that the golden cases do not reach: mostly their order.

use ombud_sdk::blacklist::{BlacklistCase, Criterion, Outcome, Stage, Verdict};
use ombud_sdk::reply::ReplyCase;
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::rules::lexicon;
use ombud_sdk::{CustomerMeasure, EvidenceKind, Role, Surface, Tri};

use super::fixture::{chain, context, decide, evidence, incident, now, request, rules, step};
use crate::Settings;

fn ruled(facts: &BlacklistCase) -> (Outcome, String) {
    let ruling = decide(&Settings::default(), facts);
    (ruling.outcome, rules(&ruling).join(" "))
}

fn is(outcome: Outcome, rules: &str) -> (Outcome, String) {
    (outcome, rules.to_owned())
}

#[test]
fn one_ticket_and_one_day_count_once() {
    let mut facts = request(Criterion::MaliciousReturns, Stage::Submitted, &[1, 2, 3]);
    assert_eq!(decide(&Settings::default(), &facts).counted_incidents, 3);
    facts.incidents[2].ticket_id = facts.incidents[0].ticket_id.clone();
    assert_eq!(ruled(&facts), is(Outcome::RecommendRestrict, "BL-020"));
    facts.incidents[1].at = facts.incidents[2].at + HOUR_MS;
    let ruling = decide(&Settings::default(), &facts);
    // Oldest first: t0 of three days ago, then t1 of the same day and t0 of yesterday, which no longer count.
    assert_eq!((ruling.counted_incidents, ruling.measure), (1, CustomerMeasure::Marked));
}

#[test]
fn both_ends_of_the_look_back_count_and_other_criteria_do_not() {
    let at = |ages: &[i64]| {
        let mut facts = request(Criterion::Extortion, Stage::Submitted, &[]);
        facts.incidents = ages.iter().enumerate().map(|(index, age)| incident(index, Criterion::Extortion, *age)).collect();
        decide(&Settings::default(), &facts).counted_incidents
    };
    assert_eq!(at(&[0, 180 * DAY_MS]), 2);
    assert_eq!(at(&[-1, 180 * DAY_MS + 1]), 0);
    let mut mixed = request(Criterion::Extortion, Stage::Submitted, &[1, 2]);
    mixed.incidents[1].criterion = Criterion::Abuse;
    assert_eq!(ruled(&mixed), is(Outcome::RecommendRestrict, "BL-020"));
}

#[test]
fn violence_escalates_early_and_does_not_lift_a_stronger_measure() {
    let mut facts = request(Criterion::MaliciousReturns, Stage::Draft, &[1]);
    facts.incidents[0].criterion = Criterion::Abuse;
    facts.incidents[0].threat_of_violence = true;
    facts.current_measure = CustomerMeasure::ServiceRestricted;
    facts.review_by = Some(now() + DAY_MS);
    let ruling = decide(&Settings::default(), &facts);
    assert_eq!(
        (ruling.outcome, ruling.measure, ruling.review_by),
        (Outcome::Escalate, CustomerMeasure::ServiceRestricted, facts.review_by)
    );
    facts.incidents[0].at = now() - 181 * DAY_MS;
    assert_eq!(ruled(&facts), is(Outcome::ReturnForEvidence, "BL-004"));
    // In the chain it weighs; of another criterion it does not.
    let mut abuse = request(Criterion::Abuse, Stage::SupervisorReviewed, &[1]);
    abuse.incidents[0].threat_of_violence = true;
    assert_eq!(ruled(&abuse), is(Outcome::ForwardToDeptHead, "BL-031"));
    let mut extortion = request(Criterion::Extortion, Stage::SupervisorReviewed, &[1]);
    extortion.incidents[0].threat_of_violence = true;
    assert_eq!(ruled(&extortion), is(Outcome::RecommendRestrict, "BL-020"));
}

#[test]
fn a_draft_names_everything_it_lacks() {
    let mut facts = request(Criterion::FalseComplaint, Stage::Draft, &[1, 2]);
    facts.evidence.clear();
    let missing = decide(&Settings::default(), &facts).missing;
    assert_eq!(missing, ["submission", "order-screenshot", "chat-log", "platform-ruling|regulator-finding"]);
}

#[test]
fn of_alternatives_one_will_do() {
    let mut facts = request(Criterion::MaliciousReturns, Stage::Submitted, &[1, 2, 3]);
    facts.evidence.retain(|item| item.kind != EvidenceKind::Photo);
    assert_eq!(decide(&Settings::default(), &facts).missing, ["photo|video"]);
    facts.evidence.push(evidence(EvidenceKind::Video));
    assert_eq!(ruled(&facts), is(Outcome::ForwardToSupervisor, "BL-030"));
    facts.evidence.last_mut().expect("the video").intact = false;
    assert_eq!(ruled(&facts), is(Outcome::ReturnForEvidence, "BL-011"));
    facts.evidence.push(evidence(EvidenceKind::Photo));
    assert_eq!(ruled(&facts), is(Outcome::ForwardToSupervisor, "BL-030"), "one usable item of the kinds is enough");
}

#[test]
fn separation_of_duties_includes_the_submitter() {
    let mut facts = request(Criterion::Extortion, Stage::SupervisorReviewed, &[1, 2]);
    facts.submitter_id = "u2".into();
    assert_eq!(ruled(&facts), is(Outcome::Invalid, "BL-034"));
    facts.submitter_id = "u1".into();
    facts.steps[1].role = Role::AfterSaleSupervisor;
    assert_eq!(ruled(&facts), is(Outcome::ForwardToDeptHead, "BL-031"));
    facts.steps[1].role = Role::DeptHead;
    assert_eq!(ruled(&facts), is(Outcome::Invalid, "BL-036"), "a higher role is not the one asked for");
    facts.steps[1].role = Role::SystemBot;
    assert_eq!(ruled(&facts), is(Outcome::Invalid, "BL-003"));
}

#[test]
fn nobody_goes_on_with_a_file_sent_back() {
    let mut facts = request(Criterion::Extortion, Stage::HeadReviewed, &[1, 2]);
    facts.steps[1].verdict = Verdict::ReturnForEvidence;
    assert_eq!(ruled(&facts), is(Outcome::Invalid, "BL-035"));
    facts.steps[1].verdict = Verdict::Reject;
    assert_eq!(ruled(&facts), is(Outcome::Closed, "BL-033"));
    facts.steps = chain(Stage::HeadReviewed);
    facts.steps.push(step(Stage::HeadReviewed, "u4", Role::DeptHead, Verdict::Approve));
    assert_eq!(ruled(&facts), is(Outcome::Invalid, "BL-035"), "one step too many");
    facts.steps.clear();
    assert_eq!(ruled(&facts), is(Outcome::Invalid, "BL-035"));
}

#[test]
fn a_measure_ends_at_its_review_unless_it_has_none() {
    for stage in [Stage::Executed, Stage::Archived] {
        let mut facts = request(Criterion::Extortion, stage, &[]);
        facts.current_measure = CustomerMeasure::Blacklisted;
        facts.review_by = Some(now());
        let ended = decide(&Settings::default(), &facts);
        assert_eq!((ended.measure, ended.review_by, rules(&ended)), (CustomerMeasure::None, None, vec!["BL-041"]));
        facts.review_by = Some(now() + 1);
        assert_eq!(ruled(&facts), is(Outcome::Closed, "BL-042"));
        facts.review_by = None;
        assert_eq!(ruled(&facts), is(Outcome::Closed, "BL-042"));
    }
}

#[test]
fn an_appeal_goes_to_somebody_new() {
    let mut facts = request(Criterion::Extortion, Stage::Appealed, &[]);
    facts.steps = chain(Stage::HeadReviewed);
    let ruling = decide(&Settings::default(), &facts);
    let approval = &ruling.notes.approvals[0];
    assert_eq!((approval.role, ruling.next_role), (Role::Compliance, Some(Role::Compliance)));
    assert_eq!(approval.distinct_from, ["u1", "u2", "u3"]);
}

#[test]
fn protected_conduct_comes_before_every_other_question() {
    let mut facts = request(Criterion::Other, Stage::SupervisorReviewed, &[1, 2, 3]);
    facts.steps.clear();
    facts.evidence.clear();
    facts.protected_conduct_only = Tri::Yes;
    assert_eq!(ruled(&facts), is(Outcome::Reject, "BL-002"));
    facts.protected_conduct_only = Tri::Unknown;
    assert_eq!(ruled(&facts), is(Outcome::Reject, "BL-001"));
}

#[test]
fn an_execution_is_told_reviewed_and_timed() {
    let facts = request(Criterion::MaliciousReturns, Stage::HeadReviewed, &[1, 2, 3]);
    let ruling = decide(&Settings::default(), &facts);
    assert_eq!(ruling.review_by, Some(now() + 180 * DAY_MS));
    let notice = &ruling.notes.messages[0];
    let args: Vec<&str> = notice.args.iter().map(|arg| arg.value.as_str()).collect();
    assert_eq!((notice.key.as_str(), args), ("bl.notice", vec!["多次异常退货", "购买与咨询", "2027-05-05"]));
}

#[test]
fn every_notice_passes_the_reply_check() {
    for criterion in Criterion::ALL {
        for measure in [CustomerMeasure::ServiceRestricted, CustomerMeasure::Blacklisted] {
            let notice = ombud_sdk::rules::blacklist::notice(*criterion, measure, now(), &context());
            let text = ombud_core::messages::render(&notice, &notice.locale).expect("a text");
            let report = lexicon::check(&draft(text.clone()), &context(), &lexicon::Terms::default());
            assert!(report.findings.is_empty(), "{text}");
        }
    }
}

/// A text as an agent would send it in private chat.
fn draft(text: String) -> ReplyCase {
    ReplyCase {
        reply_id: "r1".into(),
        text,
        author_role: Role::Agent,
        ai_labelled: false,
        surface: Surface::PrivateChat,
        official_contact_allowed: false,
        product: None,
        known_ids: Vec::new(),
        case_reason: None,
        eta: None,
        approved_compensation: 0,
        approved_refund: None,
        attributes: Vec::new(),
    }
}

#[test]
fn rules_that_no_source_has_cite_the_default_policy() {
    use crate::words::{BL_019, BL_034, BL_042};
    for rule in [&BL_019, &BL_034, &BL_042] {
        assert_eq!(rule.sources, [("默认黑名单政策", rule.id)]);
    }
}
