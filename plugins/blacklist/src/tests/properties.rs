//! What holds for every request (domain golden.md 6.1, invariants 1, 3, 9 and 12).

use std::collections::HashSet;

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Incident, Outcome, Stage, Step, Verdict};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::{CustomerMeasure, Evidence, EvidenceKind, Role, Tri};
use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::{chain, decide, evidence, now, request, step};
use crate::Settings;

fn any_incident() -> impl Strategy<Value = Incident> {
    (select(Criterion::ALL), 0..4_usize, -HOUR_MS..200 * DAY_MS, prop::bool::weighted(0.1)).prop_map(|(criterion, ticket, age, threat)| {
        Incident { incident_id: "i".into(), at: now() - age, criterion, ticket_id: format!("t{ticket}"), threat_of_violence: threat }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![4 => Just(Verdict::Approve), 1 => select(Verdict::ALL)];
    (select(Stage::ALL), select(vec!["u1", "u2", "u3", "u4"]), select(Role::ALL), verdict)
        .prop_map(|(stage, actor, role, verdict)| step(stage, actor, role, verdict))
}

/// The right chain of some stage, the right one with a step changed, or any steps.
fn steps(stage: Stage) -> impl Strategy<Value = Vec<Step>> {
    let changed = (any_step(), 0..3_usize).prop_map(move |(other, index)| {
        let mut steps = chain(stage);
        if let Some(step) = steps.get_mut(index) {
            *step = Step { stage: step.stage, ..other };
        }
        steps
    });
    prop_oneof![3 => Just(chain(stage)), 3 => changed, 1 => prop::collection::vec(any_step(), 0..4)]
}

fn tri(usual: Tri) -> impl Strategy<Value = Tri> {
    prop_oneof![3 => Just(usual), 1 => select(Tri::ALL)]
}

prop_compose! {
    fn any_evidence()(kind in select(EvidenceKind::ALL), timed in prop::bool::weighted(0.8), intact in prop::bool::weighted(0.8)) -> Evidence {
        Evidence { captured_at: timed.then_some(now() - DAY_MS), intact, ..evidence(kind) }
    }
}

prop_compose! {
    fn any_request()(
        stage in select(Stage::ALL),
    )(
        steps in steps(stage), stage in Just(stage), criterion in select(Criterion::ALL), ages in prop::collection::vec(0..200_i64, 0..4),
        others in prop::collection::vec(any_incident(), 0..4), more in prop::collection::vec(any_evidence(), 0..4), complete in prop::bool::weighted(0.8),
        facts in (tri(Tri::Yes), tri(Tri::Yes), tri(Tri::Yes), tri(Tri::No)), open in 0..2_u32, measure in select(CustomerMeasure::ALL),
        review in prop::option::of(-DAY_MS..DAY_MS), submitter_role in prop_oneof![4 => Just(Role::Agent), 1 => select(Role::ALL)],
    ) -> BlacklistCase {
        let plain = request(criterion, stage, &ages);
        BlacklistCase {
            submitter_role,
            current_measure: measure,
            review_by: review.map(|offset| now() + offset),
            incidents: plain.incidents.iter().cloned().chain(others).collect(),
            evidence: if complete { plain.evidence.iter().cloned().chain(more).collect() } else { more },
            alternatives_tried: facts.0,
            impact_assessed: facts.1,
            platform_rule_ok: facts.2,
            protected_conduct_only: facts.3,
            open_after_sales: open,
            steps,
            ..plain
        }
    }
}

fn sanctions(ruling: &BlacklistRuling) -> bool {
    matches!(ruling.outcome, Outcome::RecommendRestrict | Outcome::ForwardToDeptHead | Outcome::Execute | Outcome::ExecuteDeferred)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_executed_without_three_distinct_people(facts in any_request()) {
        let ruling = decide(&Settings::default(), &facts);
        if matches!(ruling.outcome, Outcome::Execute | Outcome::ExecuteDeferred) {
            let people: HashSet<&str> = facts.steps.iter().map(|step| step.actor_id.as_str()).collect();
            prop_assert_eq!((people.len(), facts.steps.len()), (3, 3));
            prop_assert!(facts.steps.iter().all(|step| step.verdict == Verdict::Approve && step.role != Role::SystemBot));
            prop_assert_eq!(facts.stage, Stage::HeadReviewed);
            prop_assert!(ruling.review_by.is_some_and(|until| until > now() && until <= now() + 365 * DAY_MS));
            prop_assert!(!ruling.notes.messages.is_empty());
        }
    }

    #[test]
    fn every_ruling_has_a_reason_and_is_the_same_each_time(facts in any_request()) {
        let ruling = decide(&Settings::default(), &facts);
        prop_assert!(!ruling.notes.reasons.is_empty());
        prop_assert_eq!(&ruling, &decide(&Settings::default(), &facts));
    }

    #[test]
    fn what_is_unknown_sanctions_nobody(facts in any_request()) {
        let unknown = |change: fn(&mut BlacklistCase)| {
            let mut facts = facts.clone();
            change(&mut facts);
            decide(&Settings::default(), &facts)
        };
        prop_assert!(!sanctions(&unknown(|facts| facts.protected_conduct_only = Tri::Unknown)));
        for ruling in [
            unknown(|facts| facts.alternatives_tried = Tri::Unknown),
            unknown(|facts| facts.impact_assessed = Tri::Unknown),
            unknown(|facts| facts.platform_rule_ok = Tri::Unknown),
        ] {
            prop_assert!(!matches!(ruling.outcome, Outcome::Execute | Outcome::ExecuteDeferred | Outcome::ForwardToDeptHead));
        }
    }

    #[test]
    fn only_the_end_of_a_measure_lowers_it(facts in any_request()) {
        let ruling = decide(&Settings::default(), &facts);
        let ended = ruling.notes.reasons.iter().any(|reason| reason.rule == "BL-041");
        prop_assert!(ended || ruling.measure >= facts.current_measure);
        let named = sanctions(&ruling) || matches!(ruling.outcome, Outcome::RecommendMark | Outcome::ForwardToSupervisor | Outcome::Escalate);
        prop_assert!(ended || named || ruling.measure == facts.current_measure);
    }

    #[test]
    fn nonsense_does_not_trap(facts in any_request(), at in any::<i64>(), now in any::<i64>(), review in any::<i64>()) {
        let mut facts = facts;
        facts.incidents.iter_mut().for_each(|incident| incident.at = at);
        facts.review_by = Some(review);
        let ctx = ombud_sdk::Context { now, ..super::fixture::context() };
        crate::rule::decide(&Settings::default(), &ctx, &facts);
    }
}
