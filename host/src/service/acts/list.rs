//! The acts of a log, listed.

use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_core::problem::Problem;
use ombud_ledger::{BodyKind, Entry};
use ombud_store::{EntryKind, Filter, ListedEntry, Reads, Store as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::what::names;
use super::{ActBody, Look, log_of};
use crate::service::actor::{Principal, Right};
use crate::service::error::ServiceError;
use crate::service::listing::{limit, rfc3339, window};
use crate::service::privacy::Sight;
use crate::service::{Service, allowed, aside, read};

/// Which acts to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActsQuery {
    /// Of this name, such as `settings.changed`.
    pub act: Option<String>,
    /// Recorded at or after: RFC 3339, or a date for its beginning in the merchant's zone (UTC in the operator's log).
    pub from: Option<String>,
    /// Recorded before, likewise.
    pub to: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 200; default 50.
    pub limit: Option<u32>,
}

/// An act as it is listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActView {
    /// Its place in the log.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// Recorded at, RFC 3339.
    pub recorded_at: String,
    /// What was done, as the header names it.
    pub name: String,
    /// Who did it, as the header names it.
    pub by: String,
    /// The act; none where the customer it is about was erased.
    pub body: Option<ActBody>,
}

/// A page of acts, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActsPage {
    /// The acts.
    pub acts: Vec<ActView>,
    /// Where the next page starts; none at the end.
    pub cursor: Option<String>,
}

impl Service {
    /// The acts of a merchant's log, newest first.
    pub async fn acts(self: &Arc<Self>, who: &Principal, merchant: &str, query: ActsQuery) -> Result<ActsPage, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::ReadActs, "read acts")?;
        self.looked(who, &tenant, Look::Acts).await?;
        self.acts_of(&tenant.config.id, query, tenant.config.tz_offset_min, Sight::of_acts(who.role))
    }

    /// The acts of the operator's log, newest first.
    pub async fn operators_acts(self: &Arc<Self>, who: &Principal, query: ActsQuery) -> Result<ActsPage, ServiceError> {
        allowed(who, Right::Operate, "read the operator's acts")?;
        self.acts_of(&log_of(None)?, query, 0, Sight::Full)
    }

    fn acts_of(&self, log: &MerchantId, query: ActsQuery, tz_offset_min: i32, sight: Sight) -> Result<ActsPage, ServiceError> {
        let unknown = query.act.as_deref().is_some_and(|act| names().all(|name| name != act));
        let (from_ms, to_ms) = window(query.from.as_deref(), query.to.as_deref(), tz_offset_min)?;
        let filter = Filter { entry: Some(EntryKind::Act), event_type: query.act, from_ms, to_ms, ..Filter::default() };
        let limit = limit(query.limit)?;
        let read = |reads: &dyn Reads| {
            let page = reads.list(log, &filter, query.cursor.as_deref(), limit)?;
            // A log may have acts that this release has no name for; a mistyped name finds none.
            if unknown && page.entries.is_empty() {
                let problem = Problem::at("/act", "is the name of no act").allowed(names().collect::<Vec<_>>().join(", "));
                return Err(ServiceError::Invalid(vec![problem]));
            }
            let acts = page.entries.iter().map(|entry| self.act_view(reads, log, entry, sight)).collect::<Result<_, _>>()?;
            Ok(ActsPage { acts, cursor: page.next })
        };
        aside(|| self.store.read(read))
    }

    fn act_view(&self, reads: &dyn Reads, log: &MerchantId, entry: &ListedEntry, sight: Sight) -> Result<ActView, ServiceError> {
        let opened = read::opened_at(reads, &self.vault, log, entry.seq)?.ok_or(ServiceError::NotFound("record"))?;
        let Entry::Act(header) = &opened.header.entry else { return Err(ServiceError::NotFound("act")) };
        let body = opened.body(BodyKind::Act).map(serde_json::from_str).transpose();
        let body: Option<ActBody> =
            body.map_err(|error| ServiceError::Internal(anyhow::Error::new(error).context("an act's body cannot be read")))?;
        let about_somebody = entry.customer.is_some() || entry.ticket.is_some();
        Ok(ActView {
            seq: entry.seq,
            leaf: opened.leaf.to_string(),
            recorded_at: rfc3339(opened.header.received_at_ms),
            name: header.act.clone(),
            by: header.actor.clone(),
            body: body.map(|body| sight.act(body, about_somebody)),
        })
    }
}
