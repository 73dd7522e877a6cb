//! Blacklist requests: their state is a projection of the ledger's records; each step is an act of an authenticated person.

use ombud_core::edition::Edition;
use ombud_core::history::RequestState;
use ombud_core::kind::Kind;
use ombud_core::measure::{Effect, effect, is_approved};
use ombud_rules::civil::DAY_MS;
use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Outcome, Stage, Verdict};
use ombud_rules::contract::types::{CustomerMeasure, Tri};
use ombud_store::{CaseState, Group, IncidentRow, MeasureRow, RequestRow, StepRow};

use super::acts::{About, NewAct, What};
use super::error::ServiceError;
use super::project::{Made, Occasion};

/// Days after which a restriction put in force by a supervisor is reviewed, where the ruling names no date (`bl.review_after_days`).
const REVIEW_AFTER_DAYS: i64 = 180;
/// Days after which an incident is not taken down any more: nothing looks back as far.
const INCIDENT_LOOK_BACK_DAYS: i64 = 400;

/// The state of a request after a ruling on it, but for what acts said of open after-sales cases.
pub fn state_after(case: &BlacklistCase, customer_ref: &str, outcome: Outcome, measure: CustomerMeasure) -> RequestState {
    let stage = match outcome {
        Outcome::Execute | Outcome::ExecuteDeferred => Stage::Executed,
        // A lesser measure is in force with the approvals it needs: nothing more is to come but its end (BL-041).
        Outcome::RecommendMark | Outcome::RecommendRestrict if is_approved(case) => Stage::Executed,
        Outcome::Reject => Stage::Archived,
        Outcome::Closed if matches!(case.stage, Stage::Executed | Stage::Archived) && measure == CustomerMeasure::None => Stage::Archived,
        Outcome::Closed if !matches!(case.stage, Stage::Executed) => Stage::Archived,
        _ => case.stage,
    };
    RequestState {
        customer_ref: customer_ref.to_owned(),
        stage,
        criterion: case.criterion,
        submitter_id: case.submitter_id.clone(),
        submitter_role: case.submitter_role,
        incidents: case.incidents.clone(),
        evidence: case.evidence.clone(),
        alternatives_tried: case.alternatives_tried,
        impact_assessed: case.impact_assessed,
        platform_rule_ok: case.platform_rule_ok,
        protected_conduct_only: case.protected_conduct_only,
        // The case has the larger of this and the host's own count: what acts said is in their events.
        open_after_sales: None,
        steps: case.steps.clone(),
        attributes: case.attributes.clone(),
    }
}

/// Writes what a ruling means for the request, the measure in force and what the customer is on record for. Returns the act of
/// the person whose step it is.
pub fn project(
    group: &mut dyn Group,
    on: &Occasion<'_>,
    case: &BlacklistCase,
    ruling: &BlacklistRuling,
    made: &Made<'_>,
) -> Result<Vec<NewAct>, ServiceError> {
    // An invalid act changes nothing: the request stays as its last valid record left it.
    if ruling.outcome == Outcome::Invalid {
        return Ok(Vec::new());
    }
    let seq = made.seq;
    let mut acts = Vec::new();
    let merchant = on.merchant;
    let now = on.received_at_ms;
    let customer = on.event.data.customer_ref.as_ref().map(ToString::to_string).unwrap_or_default();
    let state = state_after(case, &customer, ruling.outcome, ruling.measure);
    let known = group.blacklist_request(merchant, &case.request_id)?;
    let new_round = matches!(case.stage, Stage::Submitted | Stage::Draft);
    let round = known.as_ref().map_or(1, |(row, _)| row.round + u32::from(new_round));
    let steps_known = known.as_ref().filter(|(row, _)| row.round == round).map_or(0, |(_, steps)| steps.len());
    group.put_blacklist_request(
        merchant,
        &RequestRow {
            request_id: case.request_id.clone(),
            customer: customer.clone(),
            state: if state.stage == Stage::Archived { CaseState::Closed } else { CaseState::Open },
            stage: state.stage.as_str().to_owned(),
            criterion: case.criterion.as_str().to_owned(),
            submitter_id: case.submitter_id.clone(),
            submitter_role: case.submitter_role.as_str().to_owned(),
            round,
            detail: Vec::new(),
            opened_at_ms: known.as_ref().map_or(now, |(row, _)| row.opened_at_ms),
            updated_at_ms: now,
            last_seq: seq,
        },
    )?;
    for (at, step) in case.steps.iter().enumerate().skip(steps_known) {
        group.insert_blacklist_step(
            merchant,
            &StepRow {
                request_id: case.request_id.clone(),
                round,
                step: u32::try_from(at).unwrap_or(u32::MAX),
                stage: step.stage.as_str().to_owned(),
                actor_id: step.actor_id.clone(),
                role: step.role.as_str().to_owned(),
                verdict: step.verdict.as_str().to_owned(),
                at_ms: step.at,
                seq,
            },
        )?;
        let what = What::BlacklistStep {
            request: case.request_id.clone(),
            stage: step.stage.as_str().to_owned(),
            verdict: step.verdict.as_str().to_owned(),
            decision: made.id.to_string(),
        };
        let about = About {
            kind: Some(Kind::Blacklist.as_str().to_owned()),
            outcome: Some(ruling.outcome.as_str().to_owned()),
            ticket: on.event.data.ticket_id.as_ref().map(ToString::to_string),
            customer: Some(customer.clone()),
            order: None,
        };
        let act = NewAct::new(on.by.clone(), what).change(None, Some(made.leaf));
        acts.push(NewAct { at_ms: now, about, ..act });
    }
    let approved_by_supervisor = case.stage == Stage::SupervisorReviewed
        && case.steps.last().is_some_and(|step| step.stage == Stage::SupervisorReviewed && step.verdict == Verdict::Approve);
    if approved_by_supervisor && matches!(case.criterion, Criterion::MaliciousReturns | Criterion::Extortion) {
        confirm_incidents(group, on, case, &customer, seq)?;
    }
    // A person found nothing in it, or only what is the customer's right (BL-033, BL-002): what events said does not stand.
    let refuted = case.protected_conduct_only == Tri::Yes || case.steps.iter().any(|step| step.verdict == Verdict::Reject);
    if refuted && state.stage == Stage::Archived {
        group.drop_incidents(merchant, &customer, case.criterion.as_str())?;
    }
    measure(group, on, case, (ruling, made.edition), &customer, seq)?;
    Ok(acts)
}

/// Takes down that an event says the customer tries extortion (domain model 4.1, `message.received`; 4.3, extortion-flag): it
/// stands until a person refutes it, or for as long as incidents look back.
pub fn flag(group: &mut dyn Group, on: &Occasion<'_>, seq: u64) -> Result<(), ServiceError> {
    let data = &on.event.data;
    let note = data.note.as_ref().and_then(|note| note.get("extortion_flag")).and_then(serde_json::Value::as_str);
    let flagged = data.customer.as_ref().is_some_and(|customer| customer.extortion_flag == Tri::Yes)
        || data.delay.as_ref().is_some_and(|delay| delay.extortion_flag == Tri::Yes)
        || note == Some(Tri::Yes.as_str());
    let (true, Some(customer)) = (flagged, &data.customer_ref) else { return Ok(()) };
    let ticket = data.ticket_id.as_ref().map(ToString::to_string);
    let row = IncidentRow {
        customer: customer.to_string(),
        criterion: Criterion::Extortion.as_str().to_owned(),
        incident_id: format!("ticket/{}", ticket.as_deref().unwrap_or_default()),
        confirmed: false,
        ticket,
        at_ms: on.event.now(),
        seq,
    };
    Ok(group.put_incident(on.merchant, &row)?)
}

/// An incident counts once a supervisor has approved it.
fn confirm_incidents(group: &mut dyn Group, on: &Occasion<'_>, case: &BlacklistCase, customer: &str, seq: u64) -> Result<(), ServiceError> {
    let merchant = on.merchant;
    let since = on.event.now().saturating_sub(INCIDENT_LOOK_BACK_DAYS * DAY_MS);
    for incident in case.incidents.iter().filter(|incident| incident.criterion == case.criterion && incident.at >= since) {
        let row = IncidentRow {
            customer: customer.to_owned(),
            criterion: incident.criterion.as_str().to_owned(),
            incident_id: incident.incident_id.clone(),
            confirmed: true,
            ticket: Some(incident.ticket_id.clone()),
            at_ms: incident.at,
            seq,
        };
        group.put_incident(merchant, &row)?;
    }
    Ok(())
}

/// Puts the measure of a ruling in force, or lifts the one that is.
fn measure(
    group: &mut dyn Group,
    on: &Occasion<'_>,
    case: &BlacklistCase,
    (ruling, edition): (&BlacklistRuling, Edition),
    customer: &str,
    seq: u64,
) -> Result<(), ServiceError> {
    let merchant = on.merchant;
    let known = group.measure(merchant, customer)?;
    // Another request may have put its own in force since the ruling's case was read.
    let is_own = edition < Edition::Third || known.as_ref().is_none_or(|row| row.request_id == case.request_id);
    let in_force = known.as_ref().and_then(|row| CustomerMeasure::parse(&row.measure)).unwrap_or(CustomerMeasure::None);
    let measure = match effect(case, ruling, in_force) {
        Effect::Puts(measure) => measure,
        Effect::Lifts(_) => {
            if is_own {
                group.lift_measure(merchant, customer)?;
            }
            return Ok(());
        }
        Effect::Leaves(_) | Effect::Nothing => return Ok(()),
    };
    let review_by = ruling
        .review_by
        .or_else(|| (measure != CustomerMeasure::Marked).then(|| on.event.now().saturating_add(REVIEW_AFTER_DAYS * DAY_MS)));
    group.put_measure(
        merchant,
        &MeasureRow {
            customer: customer.to_owned(),
            measure: measure.as_str().to_owned(),
            review_by_ms: review_by,
            request_id: case.request_id.clone(),
            since_ms: on.received_at_ms,
            seq,
        },
    )?;
    Ok(())
}
