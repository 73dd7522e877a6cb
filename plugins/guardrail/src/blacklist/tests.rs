//! The golden cases of blacklist requests, and what holds for every ruling.

use ombud_core::golden::{self, Answer, Given};
use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Incident, Outcome, Stage, Step, Verdict};
use ombud_sdk::rules::blacklist::{acted_by_bot, required_evidence};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::rules::notes::{fact, obligation};
use ombud_sdk::{
    Calendar, Context, CustomerMeasure, Evidence, EvidenceKind, Notes, Platform, Reason, Review, Role, Severity, Strength, Tri,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::review;

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

fn step(stage: Stage, actor: &str, role: Role, verdict: Verdict) -> Step {
    Step { stage, actor_id: actor.into(), role, verdict, at: NOW - HOUR_MS, note: String::new() }
}

fn chain(stage: Stage) -> Vec<Step> {
    let all = [
        step(Stage::Submitted, "u1", Role::Agent, Verdict::Approve),
        step(Stage::SupervisorReviewed, "u2", Role::Supervisor, Verdict::Approve),
        step(Stage::HeadReviewed, "u3", Role::DeptHead, Verdict::Approve),
    ];
    let length = all.iter().position(|step| step.stage == stage).map_or(0, |last| last + 1);
    all.into_iter().take(length).collect()
}

fn item(kind: EvidenceKind, captured_at: Option<i64>, intact: bool) -> Evidence {
    Evidence { evidence_id: "e".into(), kind, strength: Strength::Strong, captured_at, intact, ref_: "r".into() }
}

fn request(criterion: Criterion, stage: Stage, ages: &[i64]) -> BlacklistCase {
    let incident = |(index, age): (usize, &i64)| Incident {
        incident_id: format!("i{index}"),
        at: NOW - age * DAY_MS,
        criterion,
        ticket_id: format!("t{index}"),
        threat_of_violence: false,
    };
    BlacklistCase {
        request_id: "b1".into(),
        stage,
        criterion,
        submitter_id: "u1".into(),
        submitter_role: Role::Agent,
        current_measure: CustomerMeasure::None,
        review_by: None,
        incidents: ages.iter().enumerate().map(incident).collect(),
        evidence: required_evidence(criterion).iter().filter_map(|kinds| kinds.first()).map(|kind| item(*kind, Some(NOW), true)).collect(),
        alternatives_tried: Tri::Yes,
        impact_assessed: Tri::Yes,
        platform_rule_ok: Tri::Yes,
        protected_conduct_only: Tri::No,
        open_after_sales: 0,
        steps: chain(stage),
        attributes: Vec::new(),
    }
}

fn ruling(outcome: Outcome, measure: CustomerMeasure) -> BlacklistRuling {
    let reason = Reason { rule: "X-1".into(), severity: Severity::Low, facts: vec![fact("a", "b")], citations: Vec::new() };
    let obligations = ["execute-in-platform", "notify-customer-of-measure", "schedule-review"];
    let obligations = obligations.iter().map(|action| obligation(action, Role::Agent, None, Vec::new())).collect();
    BlacklistRuling {
        outcome,
        measure,
        next_role: None,
        missing: Vec::new(),
        review_by: Some(NOW + 180 * DAY_MS),
        counted_incidents: 2,
        notes: Notes { reasons: vec![reason], obligations, ..Notes::empty() },
    }
}

fn executed() -> BlacklistRuling {
    ruling(Outcome::Execute, CustomerMeasure::Blacklisted)
}

fn rules(facts: &BlacklistCase, ruling: &BlacklistRuling) -> Vec<String> {
    match review(&context(), facts, ruling) {
        Review::Uphold => Vec::new(),
        Review::Amend { reasons, .. } | Review::Escalate(reasons) => reasons.into_iter().map(|reason| reason.rule).collect(),
    }
}

#[test]
fn every_golden_case_passes() {
    assert_eq!(run(include_str!("../../../../tests/cases/guardrail-cases.yaml")), 10);
    assert_eq!(run(include_str!("../../../../tests/cases/examined/guardrail-caps.yaml")), 19);
}

/// Runs the blacklist reviews of a file; how many passed.
fn run(text: &str) -> usize {
    let cases = golden::load(text).expect("the cases load");
    let mut passed = 0;
    for case in &cases {
        let Given::ReviewBlacklist(ctx, facts, ruling) = &case.given else { continue };
        let differences = case.check(&Answer::ReviewBlacklist(&review(ctx, facts, ruling)));
        assert!(differences.is_empty(), "{} {}: {differences:?}", case.id, case.title);
        passed += 1;
    }
    passed
}

#[test]
fn the_default_policy_is_upheld_on_every_golden_case() {
    for case in &golden::load(include_str!("../../../../tests/cases/golden.yaml")).expect("the golden cases load") {
        let Given::Blacklist(ctx, facts) = &case.given else { continue };
        let ruling = ::blacklist::rule::decide(&::blacklist::Settings::default(), ctx, facts);
        assert_eq!(review(ctx, facts, &ruling), Review::Uphold, "{} {}", case.id, case.title);
    }
}

#[test]
fn an_execution_in_order_stands() {
    assert!(rules(&request(Criterion::Extortion, Stage::HeadReviewed, &[1, 2]), &executed()).is_empty());
}

#[test]
fn only_three_approving_people_in_their_roles_execute() {
    let changed = |change: fn(&mut BlacklistCase)| {
        let mut facts = request(Criterion::Extortion, Stage::HeadReviewed, &[1, 2]);
        change(&mut facts);
        rules(&facts, &executed())
    };
    assert_eq!(changed(|facts| facts.steps[2].actor_id = "u2".into()), ["GR-301"]);
    assert_eq!(changed(|facts| facts.steps[1].verdict = Verdict::ReturnForEvidence), ["GR-301"]);
    assert_eq!(changed(|facts| facts.steps[2].role = Role::Supervisor), ["GR-301"]);
    assert_eq!(changed(|facts| facts.steps.swap(1, 2)), ["GR-301"]);
    assert_eq!(changed(|facts| facts.stage = Stage::SupervisorReviewed), ["GR-301"]);
    assert_eq!(changed(|facts| facts.steps[1].role = Role::SystemBot), ["GR-306"]);
}

#[test]
fn unknown_conduct_comes_after_the_steps() {
    let mut facts = request(Criterion::Extortion, Stage::Submitted, &[1, 2]);
    facts.protected_conduct_only = Tri::Unknown;
    assert_eq!(rules(&facts, &executed()), ["GR-301"]);
    facts.stage = Stage::HeadReviewed;
    facts.steps = chain(Stage::HeadReviewed);
    assert_eq!(rules(&facts, &executed()), ["GR-302"]);
    assert_eq!(rules(&facts, &ruling(Outcome::ForwardToDeptHead, CustomerMeasure::Blacklisted)), ["GR-302"]);
    assert!(rules(&facts, &ruling(Outcome::ForwardToSupervisor, CustomerMeasure::Blacklisted)).is_empty());
    assert!(rules(&facts, &ruling(Outcome::RecommendMark, CustomerMeasure::Marked)).is_empty());
    facts.protected_conduct_only = Tri::Yes;
    assert_eq!(rules(&facts, &ruling(Outcome::RecommendMark, CustomerMeasure::Marked)), ["GR-302"]);
}

#[test]
fn one_incident_is_no_pattern_unless_violence_was_threatened() {
    let mut facts = request(Criterion::Abuse, Stage::HeadReviewed, &[1, 181]);
    assert_eq!(rules(&facts, &executed()), ["GR-309"]);
    facts.incidents[0].threat_of_violence = true;
    assert!(rules(&facts, &executed()).is_empty());
    facts.incidents[0].threat_of_violence = false;
    facts.incidents[1].at = NOW - 180 * DAY_MS;
    assert!(rules(&facts, &executed()).is_empty());
}

#[test]
fn a_sanction_without_a_reason_waits_for_a_person() {
    let facts = request(Criterion::Extortion, Stage::HeadReviewed, &[1, 2]);
    let mut silent = executed();
    silent.notes.reasons.clear();
    assert_eq!(rules(&facts, &silent), ["GR-001"]);
}

#[test]
fn an_execution_ends_is_reviewed_and_told() {
    let facts = BlacklistCase { open_after_sales: 2, ..request(Criterion::Extortion, Stage::HeadReviewed, &[1, 2]) };
    let mut bare = executed();
    bare.review_by = Some(NOW + 365 * DAY_MS + 1);
    bare.notes.obligations.clear();
    let Review::Amend { ruling: amended, reasons } = review(&context(), &facts, &bare) else { panic!("an amendment") };
    assert_eq!(reasons.iter().map(|reason| reason.rule.as_str()).collect::<Vec<_>>(), ["GR-304", "GR-305"]);
    assert_eq!((amended.outcome, amended.review_by), (Outcome::ExecuteDeferred, Some(NOW + 180 * DAY_MS)));
    assert_eq!(amended.notes.messages[0].key, "bl.notice");
    let mut kept = executed();
    kept.review_by = Some(NOW + 365 * DAY_MS);
    kept.notes.obligations.pop();
    let Review::Amend { ruling: amended, .. } = review(&context(), &request(Criterion::Extortion, Stage::HeadReviewed, &[1, 2]), &kept)
    else {
        panic!("an amendment")
    };
    assert_eq!(amended.review_by, kept.review_by, "an end within the year stays");
}

#[test]
fn an_appeal_reaches_a_person() {
    let facts = BlacklistCase { current_measure: CustomerMeasure::Blacklisted, ..request(Criterion::Extortion, Stage::Appealed, &[1, 2]) };
    assert_eq!(rules(&facts, &ruling(Outcome::Reject, CustomerMeasure::Blacklisted)), ["GR-307"]);
    assert!(rules(&facts, &ruling(Outcome::Closed, CustomerMeasure::None)).is_empty());
    assert!(rules(&facts, &ruling(Outcome::Escalate, CustomerMeasure::Blacklisted)).is_empty());
}

fn tri(usual: Tri) -> impl Strategy<Value = Tri> {
    prop_oneof![3 => Just(usual), 1 => select(Tri::ALL)]
}

fn steps(stage: Stage) -> impl Strategy<Value = Vec<Step>> {
    let any_step = (select(Stage::ALL), select(vec!["u1", "u2", "u3"]), select(Role::ALL), select(Verdict::ALL))
        .prop_map(|(stage, actor, role, verdict)| step(stage, actor, role, verdict));
    prop_oneof![3 => Just(chain(stage)), 1 => prop::collection::vec(any_step, 0..4)]
}

prop_compose! {
    fn any_request()(stage in select(Stage::ALL))(
        steps in steps(stage), stage in Just(stage), criterion in select(Criterion::ALL), ages in prop::collection::vec(0..200_i64, 0..5),
        violence in prop::bool::weighted(0.2), evidence in prop_oneof![3 => Just(None), 1 => (any::<bool>(), any::<bool>()).prop_map(Some)],
        facts in (tri(Tri::Yes), tri(Tri::Yes), tri(Tri::Yes), tri(Tri::No)), open_after_sales in 0..2_u32,
        current_measure in select(CustomerMeasure::ALL), review in prop::option::of(-DAY_MS..DAY_MS), bot in prop::bool::weighted(0.1),
    ) -> BlacklistCase {
        let mut plain = request(criterion, stage, &ages);
        if let Some(first) = plain.incidents.first_mut() {
            first.threat_of_violence = violence;
        }
        if let Some((timed, intact)) = evidence {
            plain.evidence.iter_mut().for_each(|item| (item.captured_at, item.intact) = (timed.then_some(NOW), intact));
        }
        BlacklistCase {
            steps, open_after_sales, current_measure,
            review_by: review.map(|offset| NOW + offset),
            submitter_role: if bot { Role::SystemBot } else { Role::Agent },
            alternatives_tried: facts.0,
            impact_assessed: facts.1,
            platform_rule_ok: facts.2,
            protected_conduct_only: facts.3,
            ..plain
        }
    }
}

prop_compose! {
    fn any_ruling()(
        outcome in select(Outcome::ALL), measure in select(CustomerMeasure::ALL), review in prop::option::of(0..500_i64),
        told in any::<bool>(), reasoned in any::<bool>(),
    ) -> BlacklistRuling {
        let mut ruling = BlacklistRuling { review_by: review.map(|days| NOW + days * DAY_MS), ..ruling(outcome, measure) };
        if !told {
            ruling.notes.obligations.clear();
        }
        if !reasoned {
            ruling.notes.reasons.clear();
        }
        ruling
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_default_policy_is_upheld(facts in any_request()) {
        // A bot's chain makes a request invalid before anything else is looked at (BL-003), a measure past its end included; the guardrail
        // lifts it all the same. No host keeps such a measure.
        let in_force = matches!(facts.stage, Stage::Executed | Stage::Archived);
        prop_assume!(!(in_force && acted_by_bot(&facts)));
        let ruling = ::blacklist::rule::decide(&::blacklist::Settings::default(), &context(), &facts);
        prop_assert_eq!(review(&context(), &facts, &ruling), Review::Uphold);
    }

    #[test]
    fn an_amended_ruling_is_upheld(facts in any_request(), ruling in any_ruling()) {
        if let Review::Amend { ruling: amended, reasons } = review(&context(), &facts, &ruling) {
            prop_assert!(!reasons.is_empty());
            prop_assert!(amended.measure == facts.current_measure || amended.measure == CustomerMeasure::None || amended.measure == ruling.measure);
            prop_assert_eq!(review(&context(), &facts, &amended), Review::Uphold);
        }
    }

    #[test]
    fn nothing_is_executed_without_three_people(facts in any_request(), ruling in any_ruling()) {
        let stands = match review(&context(), &facts, &ruling) {
            Review::Uphold => ruling,
            Review::Amend { ruling, .. } => ruling,
            Review::Escalate(_) => return Ok(()),
        };
        if matches!(stands.outcome, Outcome::Execute | Outcome::ExecuteDeferred) {
            prop_assert_eq!(&facts.steps, &chain(Stage::HeadReviewed));
            prop_assert!(stands.review_by.is_some_and(|until| until <= NOW + 365 * DAY_MS));
        }
    }
}
