//! Requests in short.

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Incident, Stage, Step, Verdict};
use ombud_sdk::rules::blacklist::required_evidence;
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS, start_of_day, to_day};
use ombud_sdk::{Calendar, Context, CustomerMeasure, Evidence, EvidenceKind, Platform, Role, Strength, Tri};

use crate::{Settings, rule};

/// 2026-11-06 10:00 in Shanghai.
pub fn now() -> i64 {
    start_of_day(to_day(2026, 11, 6), 480) + 10 * HOUR_MS
}

pub fn context() -> Context {
    Context {
        merchant_id: "m1".into(),
        shop_id: "s1".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: now(),
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    }
}

pub fn incident(index: usize, criterion: Criterion, age_ms: i64) -> Incident {
    Incident { incident_id: format!("i{index}"), at: now() - age_ms, criterion, ticket_id: format!("t{index}"), threat_of_violence: false }
}

pub fn evidence(kind: EvidenceKind) -> Evidence {
    Evidence {
        evidence_id: kind.as_str().into(),
        kind,
        strength: Strength::Strong,
        captured_at: Some(now() - DAY_MS),
        intact: true,
        ref_: "r".into(),
    }
}

pub fn step(stage: Stage, actor: &str, role: Role, verdict: Verdict) -> Step {
    Step { stage, actor_id: actor.into(), role, verdict, at: now() - HOUR_MS, note: String::new() }
}

/// The steps that lead to a stage, by three people who approve.
pub fn chain(stage: Stage) -> Vec<Step> {
    let all = [
        step(Stage::Submitted, "u1", Role::Agent, Verdict::Approve),
        step(Stage::SupervisorReviewed, "u2", Role::Supervisor, Verdict::Approve),
        step(Stage::HeadReviewed, "u3", Role::DeptHead, Verdict::Approve),
    ];
    let length = all.iter().position(|step| step.stage == stage).map_or(0, |last| last + 1);
    all.into_iter().take(length).collect()
}

/// A request in order, with incidents of these ages in days.
pub fn request(criterion: Criterion, stage: Stage, ages: &[i64]) -> BlacklistCase {
    BlacklistCase {
        request_id: "b1".into(),
        stage,
        criterion,
        submitter_id: "u1".into(),
        submitter_role: Role::Agent,
        current_measure: CustomerMeasure::None,
        review_by: None,
        incidents: ages.iter().enumerate().map(|(index, age)| incident(index, criterion, age * DAY_MS)).collect(),
        evidence: required_evidence(criterion).iter().filter_map(|kinds| kinds.first()).map(|kind| evidence(*kind)).collect(),
        alternatives_tried: Tri::Yes,
        impact_assessed: Tri::Yes,
        platform_rule_ok: Tri::Yes,
        protected_conduct_only: Tri::No,
        open_after_sales: 0,
        steps: chain(stage),
        attributes: Vec::new(),
    }
}

pub fn decide(settings: &Settings, facts: &BlacklistCase) -> BlacklistRuling {
    rule::decide(settings, &context(), facts)
}

pub fn rules(ruling: &BlacklistRuling) -> Vec<&str> {
    ruling.notes.reasons.iter().map(|reason| reason.rule.as_str()).collect()
}
