//! What followed on a blacklist request: what became of a measure stands in the later records of its request, and of the customer's others.

use ombud_core::explain::{self, MeasureStep, RecordedDecision};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::Entry;
use ombud_rules::contract::blacklist::Stage;
use ombud_store::{EntryKind, Filter, ListedEntry, Reads};

use super::super::acts::OVERRIDE;
use super::super::overrides::Act;
use super::super::read::{self, Opened};
use super::super::{Service, ServiceError};
use super::{act_of, recorded};

/// Records of a page that are looked through.
const PAGE_MAX: u32 = 200;

/// What followed on a request, in the order of the ledger.
#[derive(Default)]
pub(super) struct OnRequest {
    /// What became of the measure.
    pub(super) steps: Vec<MeasureStep>,
    /// Acts of persons on other decisions of the request, each with that decision's id.
    pub(super) acts: Vec<(String, Act)>,
    /// Its later decisions, and those acts.
    pub(super) listed: Vec<ListedEntry>,
}

impl Service {
    /// What followed on the request that a decision is on; nothing for decisions on anything else, and for erased ones.
    pub(super) fn later_on_request(
        &self,
        reads: &dyn Reads,
        merchant: &MerchantId,
        id: &DecisionId,
        opened: &Opened,
        listed: Option<&ListedEntry>,
    ) -> Result<OnRequest, ServiceError> {
        let mut followed = OnRequest::default();
        let own = decision_of(opened)?;
        let customer = listed.and_then(|listed| listed.customer.clone());
        let (Some(request), Some(customer)) = (own.as_ref().and_then(RecordedDecision::request), customer) else { return Ok(followed) };
        let request_id = request.request_id.as_str();
        let filter = Filter { kind: Some(Kind::Blacklist.as_str().to_owned()), customer: Some(customer), ..Filter::default() };
        for entry in after(reads, merchant, &filter, opened.header.seq)? {
            let at_ms = entry.received_at_ms;
            match entry.entry {
                EntryKind::Decision => {
                    let Some(later) = self.decision_at(reads, merchant, entry.seq)? else { continue };
                    followed.steps.extend(explain::became(&later, request_id).map(|became| MeasureStep { at_ms, became }));
                    if later.request().is_some_and(|later| later.request_id == request_id) {
                        followed.listed.push(entry);
                    }
                }
                EntryKind::Act if entry.event_type == OVERRIDE => {
                    let Some((decision, act)) = self.override_at(reads, merchant, entry.seq)? else { continue };
                    if decision == id.as_str() || !self.is_appeal_on(reads, merchant, &decision, request_id)? {
                        continue;
                    }
                    let became = explain::became_by(act_of(act.action), &act.outcome);
                    followed.steps.push(MeasureStep { at_ms, became });
                    followed.acts.push((decision, act));
                    followed.listed.push(entry);
                }
                _ => {}
            }
        }
        Ok(followed)
    }

    fn decision_at(&self, reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Option<RecordedDecision>, ServiceError> {
        read::opened_at(reads, &self.vault, merchant, seq)?.map_or(Ok(None), |opened| decision_of(&opened))
    }

    /// Whether a decision is on an appeal against the measure of this request.
    fn is_appeal_on(&self, reads: &dyn Reads, merchant: &MerchantId, decision: &str, request_id: &str) -> Result<bool, ServiceError> {
        let id = DecisionId::new(decision).map_err(|_| ServiceError::NotFound("decision"))?;
        let Some(seq) = reads.place(merchant, &id)? else { return Ok(false) };
        let decision = self.decision_at(reads, merchant, seq)?;
        let request = decision.as_ref().and_then(RecordedDecision::request);
        Ok(request.is_some_and(|own| own.request_id == request_id && own.stage == Stage::Appealed))
    }
}

fn decision_of(opened: &Opened) -> Result<Option<RecordedDecision>, ServiceError> {
    let Entry::Decision(entry) = &opened.header.entry else { return Ok(None) };
    if entry.kind == Kind::Blacklist { recorded(opened, entry.kind) } else { Ok(None) }
}

/// The records of a list after a place in the ledger, oldest first.
fn after(reads: &dyn Reads, merchant: &MerchantId, filter: &Filter, seq: u64) -> Result<Vec<ListedEntry>, ServiceError> {
    let mut entries = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = reads.list(merchant, filter, cursor.as_deref(), PAGE_MAX)?;
        let reached = page.entries.iter().any(|entry| entry.seq <= seq);
        entries.extend(page.entries.into_iter().filter(|entry| entry.seq > seq));
        match page.next {
            Some(next) if !reached => cursor = Some(next),
            _ => break,
        }
    }
    entries.reverse();
    Ok(entries)
}
