//! Lists and details of decisions.

use std::sync::Arc;

use ombud_core::ids::DecisionId;
use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_ledger::BodyKind;
use ombud_store::{EntryKind, Filter, Reads, Store as _};
use serde_json::Value;
use serde_json::value::RawValue;

use super::actor::{Principal, Right};
use super::acts::{ActBody, Look};
use super::backtest::Window;
use super::decide::raw;
use super::error::ServiceError;
use super::export::at_ms;
use super::overrides::Act;
use super::privacy::{Sight, UnmaskQuery};
use super::project::{APPEAL_DISMISSED, CANCELLED};
use super::wire::{DecisionLine, DecisionsPage, DecisionsQuery};
use super::{Service, aside, read};

/// Decisions of one page, unless the query says otherwise.
const PAGE_DEFAULT: u32 = 50;
/// Decisions of one page at most.
pub const PAGE_MAX: u32 = 200;

impl Service {
    /// Decisions that fit the query, newest first.
    pub async fn decisions(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        query: DecisionsQuery,
    ) -> Result<DecisionsPage, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read decisions")?;
        let limit = limit(query.limit)?;
        let (from_ms, to_ms) = window(query.from.as_deref(), query.to.as_deref(), tenant.config.tz_offset_min)?;
        let filter = Filter {
            entry: Some(EntryKind::Decision),
            ticket: query.ticket,
            customer: query.customer,
            kind: query.kind.map(|kind| kind.as_str().to_owned()),
            outcome: query.outcome.map(outcome).transpose()?,
            policy: query.policy,
            event_type: None,
            from_ms,
            to_ms,
        };
        let sight = self.sight(who, &tenant, (Look::Decisions, None), filter.customer.as_deref(), query.unmask.as_deref()).await?;
        let page = aside(|| self.store.read(|reads| reads.list(&tenant.config.id, &filter, query.cursor.as_deref(), limit)))?;
        let line = |entry: ombud_store::ListedEntry| DecisionLine {
            id: entry.decision.as_ref().map(read::decision_id).unwrap_or_default(),
            seq: entry.seq,
            kind: entry.kind.unwrap_or_default(),
            outcome: entry.outcome.unwrap_or_default(),
            policy: entry.policy.map(|policy| format!("{policy} {}", entry.version.unwrap_or_default())),
            ticket: entry.ticket,
            customer: entry.customer.map(|customer| sight.customer(customer)),
            received_at: rfc3339(entry.received_at_ms),
        };
        Ok(DecisionsPage { decisions: page.entries.into_iter().map(line).collect(), cursor: page.next, masked: sight.is_masked() })
    }

    /// A decision with the event and the facts it was made on, and the acts of persons on it; masked, without event and facts.
    pub async fn decision(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        id: &str,
        query: UnmaskQuery,
    ) -> Result<Box<RawValue>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read decisions")?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        let merchant = &tenant.config.id;
        let read = |reads: &dyn Reads| {
            let record = reads.decision(merchant, &id)?.ok_or(ServiceError::NotFound("decision"))?;
            let subjects = read::subjects_of(reads, merchant, record.seq)?;
            let opened = read::open(reads, &self.vault, merchant, &record, &subjects)?;
            let customer = reads.listed(merchant, record.seq)?.and_then(|listed| listed.customer);
            Ok::<_, ServiceError>((opened, self.acts_on(reads, merchant, &id, record.seq)?, customer))
        };
        let (opened, acts, customer) = aside(|| self.store.read(read))?;
        let answer = read::recorded_answer(&opened).ok_or(ServiceError::NotFound("decision"))?;
        let sight = self.sight(who, &tenant, (Look::Decision, Some(id.as_str())), customer.as_deref(), query.unmask.as_deref()).await?;
        let received_at = rfc3339(opened.header.received_at_ms);
        if sight.is_masked() {
            return masked(sight, &answer, &received_at, &acts).map_err(|error| ServiceError::Internal(error.into()));
        }
        let mut json = answer.strip_suffix('}').unwrap_or(&answer).to_owned();
        json.push_str(&format!(",\"masked\":false,\"received_at\":\"{received_at}\""));
        for (name, kind) in [("event", BodyKind::Event), ("facts", BodyKind::Case)] {
            if let Some(body) = opened.body(kind) {
                json.push_str(&format!(",\"{name}\":{body}"));
            }
        }
        let acts: Vec<&str> = acts.iter().map(|act| act.json.as_str()).collect();
        json.push_str(&format!(",\"acts\":[{}]}}", acts.join(",")));
        raw(json)
    }
}

/// A decision for those who may not see text.
fn masked(sight: Sight, answer: &str, received_at: &str, acts: &[Act]) -> serde_json::Result<Box<RawValue>> {
    let mut detail: Value = serde_json::from_str(answer)?;
    sight.json(&mut detail);
    sight.messages(&mut detail);
    let acts = acts.iter().map(|act| Ok(sight.act(serde_json::from_str(&act.json)?, true)));
    detail["acts"] = serde_json::to_value(acts.collect::<serde_json::Result<Vec<ActBody>>>()?)?;
    detail["received_at"] = received_at.into();
    detail["masked"] = true.into();
    serde_json::value::to_raw_value(&detail)
}

/// How many entries a page has.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, ServiceError> {
    let limit = asked.unwrap_or(PAGE_DEFAULT);
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(ServiceError::Invalid(vec![Problem::at("/limit", "is out of bounds").allowed(format!("1 to {PAGE_MAX}"))]))
}

/// An outcome of a query: one of some kind's, or what a person made of a decision. A mistyped one would find nothing.
fn outcome(asked: String) -> Result<String, ServiceError> {
    let mut known: Vec<&str> = Vec::new();
    for name in Kind::ALL.into_iter().flat_map(Kind::outcomes).chain([CANCELLED, APPEAL_DISMISSED]) {
        if name == asked {
            return Ok(asked);
        }
        if !known.contains(&name) {
            known.push(name);
        }
    }
    Err(ServiceError::Invalid(vec![Problem::at("/outcome", "is no outcome").allowed(known.join(", "))]))
}

/// The ends of a query's window: received at or after the one, before the other. Dates begin so many minutes east of UTC.
///
/// # Errors
/// What does not read as a time, and a window that ends before it begins; one that ends where it begins is empty.
pub(super) fn window(from: Option<&str>, to: Option<&str>, tz_offset_min: i32) -> Result<(Option<i64>, Option<i64>), ServiceError> {
    let Window { from_ms, to_ms } = Window::between(from, to, tz_offset_min).map_err(ServiceError::Invalid)?;
    Ok((from_ms, to_ms))
}

/// An instant of a query: a date begins so many minutes east of UTC.
pub(super) fn instant(pointer: &str, text: Option<&str>, tz_offset_min: i32) -> Result<Option<i64>, ServiceError> {
    let Some(text) = text else { return Ok(None) };
    let allowed = "RFC 3339, such as 2026-11-06T10:00:00+08:00, or a date, such as 2026-11-06";
    let not_a_time = || ServiceError::Invalid(vec![Problem::at(pointer, "is not a time").allowed(allowed)]);
    at_ms(text, tz_offset_min).ok_or_else(not_a_time).map(Some)
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}
