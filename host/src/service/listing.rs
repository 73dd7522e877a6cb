//! Lists and details of decisions.

use std::sync::Arc;

use ombud_core::ids::DecisionId;
use ombud_core::problem::Problem;
use ombud_ledger::BodyKind;
use ombud_store::{EntryKind, Filter, Store as _};
use serde_json::value::RawValue;

use super::actor::{Principal, Right};
use super::acts::Look;
use super::decide::raw;
use super::error::ServiceError;
use super::wire::{DecisionLine, DecisionsPage, DecisionsQuery};
use super::{Service, read};

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
        self.looked(who, &tenant, Look::Decisions).await?;
        let limit = limit(query.limit)?;
        let filter = Filter {
            entry: Some(EntryKind::Decision),
            ticket: query.ticket,
            customer: query.customer,
            kind: query.kind.map(|kind| kind.as_str().to_owned()),
            outcome: query.outcome,
            policy: query.policy,
            event_type: None,
            from_ms: instant("/from", query.from.as_deref())?,
            to_ms: instant("/to", query.to.as_deref())?,
        };
        let page = self.store.read(|reads| reads.list(&tenant.config.id, &filter, query.cursor.as_deref(), limit))?;
        let line = |entry: ombud_store::ListedEntry| DecisionLine {
            id: entry.decision.as_ref().map(read::decision_id).unwrap_or_default(),
            seq: entry.seq,
            kind: entry.kind.unwrap_or_default(),
            outcome: entry.outcome.unwrap_or_default(),
            policy: entry.policy.map(|policy| format!("{policy} {}", entry.version.unwrap_or_default())),
            ticket: entry.ticket,
            customer: entry.customer,
            received_at: rfc3339(entry.received_at_ms),
        };
        Ok(DecisionsPage { decisions: page.entries.into_iter().map(line).collect(), cursor: page.next })
    }

    /// A decision with the event and the facts it was made on, and the acts of persons on it.
    pub async fn decision(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str) -> Result<Box<RawValue>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read decisions")?;
        self.looked(who, &tenant, Look::Decision).await?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        let merchant = &tenant.config.id;
        self.store.read(|reads| {
            let record = reads.decision(merchant, &id)?.ok_or(ServiceError::NotFound("decision"))?;
            let subjects = read::subjects_of(reads, merchant, record.seq)?;
            let opened = read::open(reads, &self.vault, merchant, &record, &subjects)?;
            let answer = read::recorded_answer(&opened).ok_or(ServiceError::NotFound("decision"))?;
            let mut json = answer.strip_suffix('}').unwrap_or(&answer).to_owned();
            json.push_str(&format!(",\"received_at\":\"{}\"", rfc3339(opened.header.received_at_ms)));
            for (name, kind) in [("event", BodyKind::Event), ("facts", BodyKind::Case)] {
                if let Some(body) = opened.body(kind) {
                    json.push_str(&format!(",\"{name}\":{body}"));
                }
            }
            let acts: Vec<String> = self.acts_on(reads, merchant, &id, record.seq)?.into_iter().map(|act| act.json).collect();
            json.push_str(&format!(",\"acts\":[{}]}}", acts.join(",")));
            raw(json)
        })
    }
}

/// How many entries a page has.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, ServiceError> {
    let limit = asked.unwrap_or(PAGE_DEFAULT);
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(ServiceError::Invalid(vec![Problem::at("/limit", "is out of bounds").allowed(format!("1 to {PAGE_MAX}"))]))
}

/// An instant of a query.
pub(super) fn instant(pointer: &str, text: Option<&str>) -> Result<Option<i64>, ServiceError> {
    let Some(text) = text else { return Ok(None) };
    let parsed: jiff::Timestamp = text.parse().map_err(|_| {
        ServiceError::Invalid(vec![Problem::at(pointer, "is not a time").allowed("RFC 3339, such as 2026-11-06T10:00:00+08:00")])
    })?;
    Ok(Some(parsed.as_millisecond()))
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}
