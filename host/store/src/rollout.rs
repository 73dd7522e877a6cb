//! Rollouts: the plan of each merchant, which version decided first, and what versions said in shadow.

use std::ops::Range;

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::rollout::{Opened, VersionId};

use crate::StoreError;

/// What a version said of a case in shadow, beside what was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowRow {
    pub kind: Kind,
    pub version: VersionId,
    /// The decision's place in the log.
    pub seq: u64,
    pub at_ms: i64,
    /// Both sides, JSON.
    pub result: String,
}

/// Which decision is looked for.
#[derive(Clone, Copy, Debug)]
pub struct FirstOf<'a> {
    /// Whom it is about.
    pub customer: &'a str,
    /// About this order; any where it is none.
    pub order: Option<&'a str>,
    /// Received at this moment or later, epoch milliseconds.
    pub since_ms: i64,
}

/// A decision, by the version whose ruling stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its place in the log.
    pub seq: u64,
    pub version: VersionId,
    /// When it was received, epoch milliseconds.
    pub at_ms: i64,
}

/// Reading rollouts.
pub trait ReadRollouts {
    /// A merchant's plans, JSON; none where nothing was ever placed.
    fn rollouts(&self, merchant: &MerchantId) -> Result<Option<String>, StoreError>;
    /// When they were kept last, epoch milliseconds.
    fn rollouts_changed_at(&self, merchant: &MerchantId) -> Result<Option<i64>, StoreError>;
    /// Which version made the first decision of a kind about a customer that fits; none where the customer was erased.
    fn first_decision(&self, merchant: &MerchantId, kind: Kind, of: &FirstOf<'_>) -> Result<Option<Opened>, StoreError>;
    /// The decisions of a kind in a piece of the log that a version made, the latest first. Every entry of the piece is looked at.
    fn decided(&self, merchant: &MerchantId, kind: Kind, seqs: Range<u64>) -> Result<Vec<Decided>, StoreError>;
    /// The latest shadow results of a version since a moment, the latest first.
    fn shadow_rows(
        &self,
        merchant: &MerchantId,
        kind: Kind,
        version: &VersionId,
        since_ms: i64,
        rows_max: u32,
    ) -> Result<Vec<ShadowRow>, StoreError>;
}

/// Writing rollouts.
pub trait WriteRollouts {
    /// Keeps a merchant's plans.
    fn put_rollouts(&mut self, merchant: &MerchantId, json: &str, at_ms: i64) -> Result<(), StoreError>;
    /// Keeps a shadow result, and of the kind's no more than `rows_max`, the oldest going first.
    fn insert_shadow(&mut self, merchant: &MerchantId, row: &ShadowRow, rows_max: u32) -> Result<(), StoreError>;
}
