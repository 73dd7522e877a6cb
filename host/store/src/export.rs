//! What an export reads: every row as it is, damaged ones too, so that whoever checks the export can name the damage.

use std::ops::Range;

use ombud_core::ids::MerchantId;

use crate::StoreError;

/// A record's rows as they are. What is not there, or is not of its type any more, is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    pub seq: u64,
    /// The leaf hash as listed; the log is built from these.
    pub leaf: Option<Vec<u8>>,
    pub header: Option<Vec<u8>>,
    pub sealed: Option<Vec<u8>>,
    /// None where the customer was erased, too.
    pub customer: Option<String>,
    pub ticket: Option<String>,
}

/// Reading for exports.
pub trait ReadExport {
    /// The fewest records in a row such that all before them were received before `from_ms`, and all after them at `to_ms` or
    /// later (epoch milliseconds; no bound where it is none): they have all that were received in between.
    fn received_in(&self, merchant: &MerchantId, from_ms: Option<i64>, to_ms: Option<i64>) -> Result<Range<u64>, StoreError>;
    /// Up to `count` records of a run; one that is not listed is left out.
    fn export_rows(&self, merchant: &MerchantId, seqs: Range<u64>, count: u32) -> Result<Vec<ExportRow>, StoreError>;
}
