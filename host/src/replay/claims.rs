//! What a header says in clear, held against the bodies that it commits to: whoever reads only the log must not be told otherwise than
//! whoever opens its records.

use ombud_core::caps::CapReview;
use ombud_core::decision::{DecisionFault, PolicyRef};
use ombud_core::event::{self, Event, EventType};
use ombud_core::facts;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::money;
use ombud_ledger::{ActEntry, BodyKind, Caps, DecisionEntry, Entry, EventEntry, id};
use serde::Deserialize;

use super::case::RecordedCase;
use super::record::{Bodies, Record};

/// How far an act's own time may be from the time of its record, milliseconds: acts of earlier releases were written a little later.
const ACT_APART_MS_MAX: i64 = 60_000;

/// What a header says otherwise than the bodies of its record, but for a decision's; nothing where they are erased. `event` is the record's, if
/// it has one.
pub fn contradictions(record: &Record, event: Option<&Event>) -> Vec<String> {
    if matches!(record.bodies, Bodies::Erased) {
        return Vec::new();
    }
    let of_own_event = |entry: &EventEntry| match event {
        Some(event) => of_event(&record.header.merchant, entry, event),
        None => vec!["it has no event that can be read".to_owned()],
    };
    match &record.header.entry {
        // Whoever reads its case says what it has beyond.
        Entry::Decision(entry) => {
            let id = event.filter(|event| event.decision_id(&record.header.merchant, entry.kind) != entry.id);
            let id = id.map(|_| "its header has another id of the decision than follows from its event".to_owned());
            of_own_event(&entry.event).into_iter().chain(id).collect()
        }
        Entry::Event(entry) => {
            // A fallback stands where no policy is bound: there is a decision in any case. The first releases decided no appeals.
            let kinds = event.filter(|event| event.envelope.event_type != EventType::PrivacyRequest).into_iter().flat_map(Event::kinds);
            let erased = kinds.map(|kind| format!("it is no decision, and there is one of the kind `{}` on such an event", kind.as_str()));
            stray(record).chain(of_own_event(entry)).chain(erased).collect()
        }
        Entry::Act(entry) => stray(record).chain(of_act(record, entry)).collect(),
    }
}

/// What is sealed in a record that a record of its header has not.
fn stray(record: &Record) -> impl Iterator<Item = String> {
    record.header.stray().map(|stray| stray.to_string()).into_iter()
}

/// The event of a record, as this version reads it.
///
/// # Errors
/// It is none that this version takes.
pub fn event_of(record: &Record) -> Result<Option<Event>, String> {
    let Some(body) = record.body(BodyKind::Event) else { return Ok(None) };
    let read = event::recorded(body.as_bytes(), record.header.received_at_ms);
    read.map(Some).map_err(|problems| {
        let problem = problems.first().map(ToString::to_string).unwrap_or_default();
        format!("its event is none that this version takes: {problem}")
    })
}

/// What is said of an event otherwise than it is.
fn of_event(merchant: &MerchantId, entry: &EventEntry, event: &Event) -> Vec<String> {
    let envelope = &event.envelope;
    let said = [
        ("key", entry.key == id::event_key(merchant, &envelope.key)),
        ("type", entry.event_type == envelope.event_type.as_str()),
        ("time", entry.time_ms == envelope.time),
    ];
    said.into_iter()
        .filter(|(_, same)| !same)
        .map(|(what, _)| format!("its header has another {what} of the event than its event"))
        .collect()
}

/// What a case has otherwise than its record and its event; what the host's own records added is of other records.
pub fn of_case(record: &Record, event: &Event, case: &RecordedCase<'_>) -> Vec<String> {
    let now = (case.context.now != event.now()).then_some("time");
    // By them it was told how much fuel the calls have.
    let bytes = (record.bytes(BodyKind::Event).map(<[u8]>::len) != Some(case.event_bytes)).then_some("length");
    let differing = now.into_iter().chain(bytes).chain(facts::differing(event, &case.case));
    let mut found: Vec<String> = differing.map(|what| format!("its case has another {what} than its event")).collect();
    if case.context.merchant_id != record.header.merchant.as_str() {
        found.push("its case is of another merchant than its header".to_owned());
    }
    found
}

/// The parts of a decision body that its header repeats.
#[derive(Deserialize)]
struct Decided {
    kind: Kind,
    outcome: String,
    amounts: money::Amounts,
    currency: String,
    caps: CapReview,
    #[serde(default)]
    fault: Option<DecisionFault>,
    #[serde(default)]
    policy: Option<PolicyRef>,
}

/// What a header says of a decision otherwise than its body.
pub fn of_decision(record: &Record, entry: &DecisionEntry) -> Vec<String> {
    let Some(body) = record.body(BodyKind::Decision) else { return vec!["it has no decision that can be read".to_owned()] };
    let decided: Decided = match serde_json::from_str(body) {
        Ok(decided) => decided,
        Err(error) => return vec![format!("its decision cannot be read: {error}")],
    };
    let Decided { kind, outcome, amounts, currency, caps, fault, policy } = decided;
    let own = (entry.amounts.refund, entry.amounts.cash, entry.amounts.coupon, entry.amounts.currency.to_string());
    let called = |policy: &PolicyRef| (policy.name.clone(), policy.version.clone(), policy.component.clone(), policy.settings.clone());
    let calls = entry.policy.as_ref().map(|policy| {
        let call = policy.call;
        (policy.name.clone(), policy.version.clone(), call.component.to_string(), call.settings.to_string())
    });
    let said = [
        ("kind", entry.kind == kind),
        ("outcome", entry.outcome == outcome),
        ("amounts", own == (amounts.refund, amounts.cash, amounts.coupon, currency)),
        ("caps", entry.caps == Caps::from(&caps)),
        ("fault", entry.fault.as_ref().map(|fault| (fault.of, fault.code)) == fault.map(|fault| (fault.of, fault.code))),
        // What a limit was is told by no decision.
        ("limit", entry.fault.as_ref().is_none_or(|fault| fault.limit.is_none())),
        ("policy", calls == policy.as_ref().map(called)),
    ];
    said.into_iter().filter(|(_, same)| !same).map(|(what, _)| format!("its header has another {what} than its decision")).collect()
}

/// The parts of an act that its header repeats.
#[derive(Deserialize)]
struct Acted {
    act: String,
    actor: String,
    at: String,
}

/// What a header says of an act otherwise than its body.
fn of_act(record: &Record, entry: &ActEntry) -> Vec<String> {
    let Some(body) = record.body(BodyKind::Act) else { return vec!["it has no act that can be read".to_owned()] };
    let acted: Acted = match serde_json::from_str(body) {
        Ok(acted) => acted,
        Err(error) => return vec![format!("its act cannot be read: {error}")],
    };
    let at_ms = acted.at.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    let apart = at_ms.map(|at_ms| at_ms.saturating_sub(record.header.received_at_ms).saturating_abs());
    let said = [
        ("name", entry.act == acted.act),
        ("actor", entry.actor == acted.actor),
        ("time", apart.is_ok_and(|apart| apart <= ACT_APART_MS_MAX)),
    ];
    said.into_iter().filter(|(_, same)| !same).map(|(what, _)| format!("its header has another {what} than its act")).collect()
}
