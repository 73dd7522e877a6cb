//! The blacklist case. Its state is a projection of the host's records; an event adds one act of the authenticated person.
//! What the act is worth (roles, distinct people, order of the steps) is the policy's to rule on (BL-003, BL-034–036).

use ombud_rules::contract::blacklist::{BlacklistCase, Incident, Stage, Step, Verdict};
use ombud_rules::contract::types::{CustomerMeasure, Evidence, InstantMs, Role};

use crate::event::input::{BlacklistInput, BlacklistRequest, BlacklistVerdict};
use crate::history::{Actor, History, RequestState};
use crate::ids::CustomerRef;
use crate::limits::{EVIDENCE_MAX, INCIDENTS_MAX, STEPS_MAX};
use crate::problem::Problem;

/// Why an event is no act on a request.
pub(super) enum Refusal {
    /// Nobody is authenticated.
    NoActor,
    /// No such request.
    Unknown,
    /// The request is about somebody else.
    OtherCustomer,
    /// No measure follows from the request.
    NothingToAppeal,
    /// The last verdict asked for evidence: a new round must be submitted first.
    WaitsForSubmission,
    /// Incidents of all rounds together.
    Incidents,
    /// Evidence of all rounds together.
    Evidence,
    /// Steps of this round.
    Steps,
    /// The act is dated before the last one.
    Backdated,
}

impl Refusal {
    /// The problem in the posted body.
    pub(super) fn at(self, data: &str) -> Problem {
        let request = format!("{data}/blacklist/request_id");
        match self {
            Self::NoActor => Problem::at(format!("{data}/blacklist"), "is an act of a person").allowed("a request with a person's API key"),
            Self::Unknown => Problem::at(request, "is not a known request").allowed("a request that was submitted"),
            Self::NothingToAppeal => {
                Problem::at(request, "has no measure in force to appeal against").allowed("a request whose measure is in force")
            }
            Self::OtherCustomer => Problem::at(format!("{data}/customer_ref"), "is not the customer of this request"),
            Self::WaitsForSubmission => {
                Problem::at(request, "was returned for evidence").allowed("blacklist.requested with the same id, with the evidence")
            }
            Self::Incidents => Problem::at(format!("{data}/blacklist/incidents"), "makes too many incidents with those of earlier rounds")
                .allowed(format!("at most {INCIDENTS_MAX}")),
            Self::Evidence => Problem::at(format!("{data}/blacklist/evidence"), "makes too many items with those of earlier rounds")
                .allowed(format!("at most {EVIDENCE_MAX}")),
            Self::Backdated => Problem::at(format!("{data}/blacklist"), "is dated before the last act on this request")
                .allowed("an event whose `time` is that of the act: not before those on record"),
            Self::Steps => {
                Problem::at(request, "has too many steps in this round").allowed(format!("at most {STEPS_MAX}, then a new round"))
            }
        }
    }
}

/// The case after the event's act.
pub(super) fn case(
    input: &BlacklistInput,
    customer: &CustomerRef,
    now: InstantMs,
    history: &History,
    actor: Option<&Actor>,
) -> Result<BlacklistCase, Refusal> {
    let known = history.blacklist.request.as_ref();
    if known.is_some_and(|known| known.customer_ref != customer.as_str()) {
        return Err(Refusal::OtherCustomer);
    }
    // Acts follow each other: one that is dated back would be judged by the look-back of another day.
    let acts = matches!(input, BlacklistInput::Request(_) | BlacklistInput::Verdict(_));
    if acts && known.and_then(|known| known.steps.last()).is_some_and(|last| now < last.at) {
        return Err(Refusal::Backdated);
    }
    let (state, said) = match input {
        BlacklistInput::Request(request) => {
            (submitted(request, customer, now, known, actor.ok_or(Refusal::NoActor)?)?, request.open_after_sales)
        }
        BlacklistInput::Verdict(verdict) => {
            (judged(verdict, now, known.ok_or(Refusal::Unknown)?, actor.ok_or(Refusal::NoActor)?)?, verdict.open_after_sales)
        }
        BlacklistInput::Appeal(_) => {
            let (known, _) = (known.ok_or(Refusal::Unknown)?, actor.ok_or(Refusal::NoActor)?);
            // What is appealed is what is in force, and it ends on its own request.
            if history.blacklist.measure == CustomerMeasure::None || !history.blacklist.on_this_request {
                return Err(Refusal::NothingToAppeal);
            }
            (RequestState { stage: Stage::Appealed, ..known.clone() }, None)
        }
        BlacklistInput::Review(_) => {
            let known = known.ok_or(Refusal::Unknown)?.clone();
            // A measure in force on the request was carried out, however far its chain came: it ends by its date (BL-041).
            let in_force = history.blacklist.on_this_request && history.blacklist.measure != CustomerMeasure::None;
            (if in_force && !is_over(known.stage) { RequestState { stage: Stage::Executed, ..known } } else { known }, None)
        }
    };
    // Who says nothing takes nothing back of what an earlier act said (BL-040).
    let open_after_sales = said.or(known.and_then(|known| known.open_after_sales)).unwrap_or(0);
    Ok(BlacklistCase {
        request_id: input.request_id().to_owned(),
        stage: state.stage,
        criterion: state.criterion,
        submitter_id: state.submitter_id,
        submitter_role: state.submitter_role,
        current_measure: history.blacklist.measure,
        review_by: history.blacklist.review_by,
        incidents: state.incidents,
        evidence: state.evidence,
        alternatives_tried: state.alternatives_tried,
        impact_assessed: state.impact_assessed,
        platform_rule_ok: state.platform_rule_ok,
        protected_conduct_only: state.protected_conduct_only,
        open_after_sales: open_after_sales.max(history.customer.open_after_sales),
        steps: state.steps,
        attributes: state.attributes,
    })
}

/// A new round. A request that was carried out, put away or appealed stays what it is (BL-041–043).
fn submitted(
    request: &BlacklistRequest,
    customer: &CustomerRef,
    now: InstantMs,
    known: Option<&RequestState>,
    actor: &Actor,
) -> Result<RequestState, Refusal> {
    if let Some(done) = known.filter(|known| is_over(known.stage)) {
        return Ok(done.clone());
    }
    let (earlier_incidents, earlier_evidence) = known.map_or((&[][..], &[][..]), |known| (&known.incidents, &known.evidence));
    // A bot may only leave a draft (BL-003, BL-004; PIPL 24(3)).
    let bot = actor.role == Role::SystemBot;
    let submission = Step {
        stage: Stage::Submitted,
        actor_id: actor.id.to_string(),
        role: actor.role,
        verdict: Verdict::Approve,
        at: now,
        note: String::new(),
    };
    Ok(RequestState {
        customer_ref: customer.to_string(),
        stage: if bot { Stage::Draft } else { Stage::Submitted },
        criterion: request.criterion,
        submitter_id: actor.id.to_string(),
        submitter_role: actor.role,
        incidents: all_incidents(earlier_incidents, &request.incidents)?,
        evidence: all_evidence(earlier_evidence, &request.evidence)?,
        alternatives_tried: request.alternatives_tried,
        impact_assessed: request.impact_assessed,
        platform_rule_ok: request.platform_rule_ok,
        protected_conduct_only: request.protected_conduct_only,
        open_after_sales: request.open_after_sales.or(known.and_then(|known| known.open_after_sales)),
        steps: if bot { Vec::new() } else { vec![submission] },
        attributes: request.attributes.clone(),
    })
}

/// One more step of the round.
fn judged(verdict: &BlacklistVerdict, now: InstantMs, known: &RequestState, actor: &Actor) -> Result<RequestState, Refusal> {
    if is_over(known.stage) || known.stage == Stage::Draft {
        return Ok(known.clone());
    }
    if known.steps.last().is_some_and(|last| last.verdict == Verdict::ReturnForEvidence) {
        return Err(Refusal::WaitsForSubmission);
    }
    if known.steps.len() >= STEPS_MAX {
        return Err(Refusal::Steps);
    }
    // A step beyond the head's keeps its stage: the chain is then not the one of BL-035.
    let stage = if known.stage == Stage::Submitted { Stage::SupervisorReviewed } else { Stage::HeadReviewed };
    let step =
        Step { stage, actor_id: actor.id.to_string(), role: actor.role, verdict: verdict.verdict, at: now, note: verdict.note.clone() };
    let mut state = known.clone();
    state.stage = stage;
    state.steps.push(step);
    state.evidence = all_evidence(&known.evidence, &verdict.evidence)?;
    Ok(state)
}

const fn is_over(stage: Stage) -> bool {
    matches!(stage, Stage::Executed | Stage::Archived | Stage::Appealed)
}

/// Incidents of all rounds; one reported again keeps its first record, so that nobody is counted twice for it.
fn all_incidents(earlier: &[Incident], more: &[Incident]) -> Result<Vec<Incident>, Refusal> {
    let mut all = earlier.to_vec();
    for incident in more {
        if !all.iter().any(|known| known.incident_id == incident.incident_id) {
            all.push(incident.clone());
        }
    }
    if all.len() <= INCIDENTS_MAX { Ok(all) } else { Err(Refusal::Incidents) }
}

/// Evidence of all rounds; an item given again replaces its earlier record, as when its integrity was restored.
fn all_evidence(earlier: &[Evidence], more: &[Evidence]) -> Result<Vec<Evidence>, Refusal> {
    let mut all = earlier.to_vec();
    for item in more {
        match all.iter_mut().find(|known| known.evidence_id == item.evidence_id) {
            Some(known) => *known = item.clone(),
            None => all.push(item.clone()),
        }
    }
    if all.len() <= EVIDENCE_MAX { Ok(all) } else { Err(Refusal::Evidence) }
}
