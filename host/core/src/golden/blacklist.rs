//! Blacklist cases: incidents by age, steps as tuples, to the contract's records.

use ombud_rules::civil::{DAY_MS, HOUR_MS};
use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Incident, Outcome, Stage, Step, Verdict};
use ombud_rules::contract::types::{Context, CustomerMeasure, Evidence, EvidenceKind, InstantMs, Role, Strength, Tri};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fixture::{self, Base};
use super::load::read;
use super::notes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BlacklistGiven {
    context: Option<Map<String, Value>>,
    criterion: Criterion,
    stage: Option<Stage>,
    submitter_role: Option<Role>,
    current_measure: Option<CustomerMeasure>,
    #[serde(default)]
    review_due: bool,
    /// Ages in days, one ticket each.
    #[serde(default)]
    incidents_d: Vec<i64>,
    /// The latest incident carries a threat of violence.
    #[serde(default)]
    violence: bool,
    evidence: Option<Vec<EvidenceKind>>,
    /// Nothing of the evidence is usable.
    #[serde(default)]
    untimed: bool,
    alternatives_tried: Option<Tri>,
    impact_assessed: Option<Tri>,
    platform_rule_ok: Option<Tri>,
    protected_conduct_only: Option<Tri>,
    #[serde(default)]
    open_after_sales: u32,
    /// Stage, actor, role, verdict.
    steps: Option<Vec<(Stage, String, Role, Verdict)>>,
}

pub(super) fn given(base: &Base, given: Value) -> Result<(Context, BlacklistCase), String> {
    let given: BlacklistGiven = read(given, "given")?;
    let context = fixture::context(base, given.context.as_ref())?;
    let now = context.now;
    let stage = given.stage.unwrap_or(Stage::Submitted);
    let current_measure = given.current_measure.unwrap_or(CustomerMeasure::None);

    let role = given.submitter_role.unwrap_or(Role::Agent);
    let steps = given.steps.unwrap_or_else(|| match stage {
        // What a draft lacks is its submission.
        Stage::Draft => Vec::new(),
        _ => vec![(Stage::Submitted, "u1".to_owned(), role, Verdict::Approve)],
    });
    let (submitter_id, first_role) = steps.first().map_or_else(|| ("u1".to_owned(), role), |(_, actor, role, _)| (actor.clone(), *role));
    let review_by = match (given.review_due, current_measure) {
        (true, _) => Some(now),
        (false, CustomerMeasure::None) => None,
        // A measure in force ends some day, not yet.
        (false, _) => Some(now + 90 * DAY_MS),
    };

    let case = BlacklistCase {
        request_id: "b1".to_owned(),
        stage,
        criterion: given.criterion,
        submitter_id,
        submitter_role: given.submitter_role.unwrap_or(first_role),
        current_measure,
        review_by,
        incidents: incidents(&given.incidents_d, given.criterion, given.violence, now),
        evidence: evidence(given.evidence.as_deref().unwrap_or_else(|| complete(given.criterion)), given.untimed, now),
        alternatives_tried: given.alternatives_tried.unwrap_or(Tri::Yes),
        impact_assessed: given.impact_assessed.unwrap_or(Tri::Yes),
        platform_rule_ok: given.platform_rule_ok.unwrap_or(Tri::Yes),
        protected_conduct_only: given.protected_conduct_only.unwrap_or(Tri::No),
        open_after_sales: given.open_after_sales,
        steps: timed(steps, now),
        attributes: Vec::new(),
    };
    Ok((context, case))
}

fn incidents(ages: &[i64], criterion: Criterion, violence: bool, now: InstantMs) -> Vec<Incident> {
    let latest = ages.iter().enumerate().min_by_key(|(_, age)| **age).map(|(index, _)| index);
    let incident = |(index, age): (usize, &i64)| Incident {
        incident_id: format!("i{}", index + 1),
        at: now - age * DAY_MS,
        criterion,
        ticket_id: format!("t{}", index + 1),
        threat_of_violence: violence && latest == Some(index),
    };
    ages.iter().enumerate().map(incident).collect()
}

/// The required evidence of 5.3, one kind for each set of alternatives.
fn complete(criterion: Criterion) -> &'static [EvidenceKind] {
    use EvidenceKind::{ChatLog, LogisticsRecord, OrderScreenshot, Photo, PlatformRuling};
    match criterion {
        Criterion::MaliciousReturns => &[OrderScreenshot, LogisticsRecord, ChatLog, Photo],
        Criterion::Extortion | Criterion::Other => &[OrderScreenshot, ChatLog],
        Criterion::Abuse => &[ChatLog],
        Criterion::FalseComplaint => &[OrderScreenshot, ChatLog, PlatformRuling],
    }
}

fn evidence(kinds: &[EvidenceKind], untimed: bool, now: InstantMs) -> Vec<Evidence> {
    let item = |(index, kind): (usize, &EvidenceKind)| Evidence {
        evidence_id: format!("e{}", index + 1),
        kind: *kind,
        strength: Strength::Strong,
        captured_at: (!untimed).then_some(now - DAY_MS),
        intact: true,
        ref_: format!("ref:e{}", index + 1),
    };
    kinds.iter().enumerate().map(item).collect()
}

/// Steps one hour apart, the last one an hour ago.
fn timed(steps: Vec<(Stage, String, Role, Verdict)>, now: InstantMs) -> Vec<Step> {
    let mut at = now - HOUR_MS * i64::try_from(steps.len()).unwrap_or(0);
    let step = |(stage, actor_id, role, verdict)| {
        let step = Step { stage, actor_id, role, verdict, at, note: String::new() };
        at += HOUR_MS;
        step
    };
    steps.into_iter().map(step).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RulingGiven {
    outcome: Outcome,
    measure: Option<CustomerMeasure>,
    next_role: Option<Role>,
    #[serde(default)]
    missing: Vec<String>,
    /// review-by in days from now.
    review_in_d: Option<i64>,
    #[serde(default)]
    obligations: Vec<String>,
    reasons: Option<Vec<String>>,
}

/// The merchant's ruling of a guardrail case; what it does not list is neutral.
pub(super) fn ruling(ruling: Value, case: &BlacklistCase, now: InstantMs) -> Result<BlacklistRuling, String> {
    let given: RulingGiven = read(ruling, "ruling")?;
    Ok(BlacklistRuling {
        outcome: given.outcome,
        measure: given.measure.unwrap_or(case.current_measure),
        next_role: given.next_role,
        missing: given.missing,
        review_by: given.review_in_d.map(|days| now + days * DAY_MS),
        counted_incidents: u32::try_from(case.incidents.len()).unwrap_or(u32::MAX),
        notes: notes::neutral(given.reasons, given.obligations),
    })
}
