//! History that later cases need: projections of ledger records, written in the same transaction.
//!
//! Texts are the contract's wire names (`return-refund`, `blacklisted`); the service knows their types.

use ombud_core::ids::MerchantId;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Whether something is still going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseState {
    Open,
    Closed,
}

impl CaseState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// An after-sale case of an order, as its last decision left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterSaleRow {
    pub order: String,
    pub after_sale_id: String,
    pub customer: Option<String>,
    pub state: CaseState,
    /// The last decision's outcome.
    pub outcome: String,
    /// What was approved, as a request kind.
    pub resolution: Option<String>,
    /// Requests and modifications so far.
    pub attempts: u32,
    pub lines: Vec<LineHistory>,
    /// Fen.
    pub freight_refunded: i64,
    /// Refund approved in the case, paid or promised, in fen.
    pub approved: i64,
    /// Goodwill that a person added, in fen.
    pub compensation: i64,
    /// Why the buyer applied, as the contract names reasons.
    pub reason: Option<String>,
    /// The version of the first decision, which the case keeps.
    pub policy: Option<String>,
    pub version: Option<String>,
    pub opened_at_ms: i64,
    pub updated_at_ms: i64,
    pub last_seq: u64,
}

/// One line of an after-sale case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineHistory {
    pub line_id: String,
    /// Units that are asked for.
    pub qty: u32,
    /// Goods money refunded, in fen.
    pub refunded: i64,
    /// Goods money promised and not paid yet, in fen; none of cases that were decided before the third edition of the host's rules only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
    /// What of that the platform refunded by itself, in fen; freight that it refunded stands with the first line.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub by_platform: i64,
    /// What the platform said in all that it refunded of the case, whoever decided it, in fen; it stands with the first line.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub confirmed: i64,
    /// Units that the customer gave up for the refund, and keeps no longer; none of cases that were decided before the fourth edition only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<u32>,
}

impl LineHistory {
    /// Units that went back for good, or will: of cases of earlier editions all that were asked for, once anything was refunded of the line.
    pub fn units_back(&self) -> u32 {
        self.back.unwrap_or(if self.refunded > 0 { self.qty } else { 0 })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_nothing(fen: &i64) -> bool {
    *fen == 0
}

/// Compensation granted for a delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    pub order: String,
    pub episode_id: String,
    /// `coupon`, `cash-refund` …
    pub form: String,
    /// Fen, at face value.
    pub value: i64,
    pub at_ms: i64,
    pub seq: u64,
}

/// What a customer is on record for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    pub customer: String,
    /// `malicious-returns`, `extortion`.
    pub criterion: String,
    pub incident_id: String,
    /// A supervisor approved it; else an event said it.
    pub confirmed: bool,
    pub ticket: Option<String>,
    pub at_ms: i64,
    pub seq: u64,
}

/// A measure in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureRow {
    pub customer: String,
    /// `marked`, `service-restricted`, `blacklisted`.
    pub measure: String,
    /// When it ends unless renewed; marks do not end.
    pub review_by_ms: Option<i64>,
    pub request_id: String,
    pub since_ms: i64,
    pub seq: u64,
}

/// A measure whose review date has come, and whose it is.
pub type DueMeasure = (MerchantId, MeasureRow);

/// A blacklist request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    pub request_id: String,
    pub customer: String,
    pub state: CaseState,
    pub stage: String,
    pub criterion: String,
    pub submitter_id: String,
    pub submitter_role: String,
    /// Counts from 1; a file sent back for evidence begins a new round.
    pub round: u32,
    /// What else the next case needs (incidents, evidence, notes), sealed by the caller.
    pub detail: Vec<u8>,
    pub opened_at_ms: i64,
    pub updated_at_ms: i64,
    pub last_seq: u64,
}

/// One step of a blacklist request: an act of an authenticated person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    pub request_id: String,
    pub round: u32,
    /// Counts from 0 within the round.
    pub step: u32,
    pub stage: String,
    pub actor_id: String,
    pub role: String,
    pub verdict: String,
    pub at_ms: i64,
    pub seq: u64,
}

/// Reading the history.
pub trait ReadHistory {
    /// The after-sale cases of an order, in the order of their ids.
    fn after_sale_cases(&self, merchant: &MerchantId, order: &str) -> Result<Vec<AfterSaleRow>, StoreError>;
    /// The after-sale cases with an id, of whatever order: a platform gives each id once, but nobody else sees to it.
    fn after_sale_cases_named(&self, merchant: &MerchantId, after_sale_id: &str) -> Result<Vec<AfterSaleRow>, StoreError>;
    /// Open after-sale cases of a customer.
    fn open_after_sales(&self, merchant: &MerchantId, customer: &str) -> Result<u32, StoreError>;
    /// Grants of an order, oldest first.
    fn grants(&self, merchant: &MerchantId, order: &str) -> Result<Vec<GrantRow>, StoreError>;
    /// What a customer is on record for since a time, oldest first.
    fn incidents(&self, merchant: &MerchantId, customer: &str, since_ms: i64) -> Result<Vec<IncidentRow>, StoreError>;
    /// The measure in force for a customer.
    fn measure(&self, merchant: &MerchantId, customer: &str) -> Result<Option<MeasureRow>, StoreError>;
    /// Measures in force, in the order of their customers, after `after`.
    fn measures(&self, merchant: &MerchantId, after: &str, rows_max: u32) -> Result<Vec<MeasureRow>, StoreError>;
    /// Measures of every merchant whose review date has come, earliest first, after `after`, the last of those before: the host's only
    /// timer.
    fn measures_due(&self, until_ms: i64, after: Option<&DueMeasure>, rows_max: u32) -> Result<Vec<DueMeasure>, StoreError>;
    /// A blacklist request with the steps of its current round, oldest first.
    fn blacklist_request(&self, merchant: &MerchantId, request: &str) -> Result<Option<(RequestRow, Vec<StepRow>)>, StoreError>;
    /// The records of a blacklist request's steps, those of earlier rounds too, newest first.
    fn blacklist_acts(&self, merchant: &MerchantId, request: &str, rows_max: u32) -> Result<Vec<u64>, StoreError>;
    /// Blacklist requests in a state, in the order of their ids, after `after`.
    fn blacklist_requests(
        &self,
        merchant: &MerchantId,
        state: CaseState,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<RequestRow>, StoreError>;
}

/// Writing the history. `put_…` replaces the row of the same key, `insert_…` refuses it.
pub trait WriteHistory {
    fn put_after_sale_case(&mut self, merchant: &MerchantId, row: &AfterSaleRow) -> Result<(), StoreError>;
    /// Keeps a grant; a second one of the same record, episode and form adds to the first.
    fn insert_grant(&mut self, merchant: &MerchantId, row: &GrantRow) -> Result<(), StoreError>;
    /// Keeps an incident; one that an event said may be confirmed or said again, one that is confirmed stays as it is.
    fn put_incident(&mut self, merchant: &MerchantId, row: &IncidentRow) -> Result<(), StoreError>;
    /// Takes back what events said of a customer, for one criterion; how many there were. What was confirmed stays.
    fn drop_incidents(&mut self, merchant: &MerchantId, customer: &str, criterion: &str) -> Result<usize, StoreError>;
    fn put_measure(&mut self, merchant: &MerchantId, row: &MeasureRow) -> Result<(), StoreError>;
    /// Lifts the measure in force; false where there is none.
    fn lift_measure(&mut self, merchant: &MerchantId, customer: &str) -> Result<bool, StoreError>;
    fn put_blacklist_request(&mut self, merchant: &MerchantId, row: &RequestRow) -> Result<(), StoreError>;
    fn insert_blacklist_step(&mut self, merchant: &MerchantId, row: &StepRow) -> Result<(), StoreError>;
}
