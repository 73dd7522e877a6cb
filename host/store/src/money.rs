//! The money's rows: intents, of which each is paid once (CAP-03), and the amounts counted in the windows of the caps.

use ombud_core::caps::CapUsage;
use ombud_core::ids::MerchantId;
use ombud_core::money::{Intent, Payment};

use crate::StoreError;

/// An intent on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntentRow {
    /// Fen.
    pub amount: i64,
    /// The record that paid it.
    pub seq: u64,
    /// Cancelled by an override: it may be paid again.
    pub cancelled: bool,
}

/// Whose usage is asked for.
#[derive(Clone, Copy, Debug)]
pub struct UsageOf<'a> {
    pub order: Option<&'a str>,
    pub customer: Option<&'a str>,
    /// The mark of a customer who was erased: what was counted before counts as well.
    pub formerly: Option<&'a str>,
    /// `received_at` of the decision, epoch milliseconds: the customer's window is the 24 h before it.
    pub at_ms: i64,
    /// The civil day of that time in the merchant's zone, as days since 1970-01-01.
    pub day: i32,
}

/// Amounts that fall due with a record, in fen. An override that cancels a payment counts the same amounts negative, at
/// the time and day of the payment, and so gives them back to their windows.
#[derive(Clone, Copy, Debug)]
pub struct Count<'a> {
    /// The record with which they fall due, or which cancels them; one count for each record, order and time.
    pub seq: u64,
    pub order: &'a str,
    pub customer: Option<&'a str>,
    pub at_ms: i64,
    pub day: i32,
    pub refund: i64,
    pub goodwill: i64,
}

/// Reading the money.
pub trait ReadMoney {
    fn intent(&self, merchant: &MerchantId, key: &str, payment: Payment) -> Result<Option<IntentRow>, StoreError>;
    /// What was counted in each window before.
    fn usage(&self, merchant: &MerchantId, of: &UsageOf<'_>) -> Result<CapUsage, StoreError>;
}

/// Writing the money.
pub trait WriteMoney {
    /// Pays an intent. One that is paid and not cancelled is a conflict.
    fn pay_intent(&mut self, merchant: &MerchantId, intent: &Intent, seq: u64) -> Result<(), StoreError>;
    /// Cancels a paid intent; false where there is none.
    fn cancel_intent(&mut self, merchant: &MerchantId, key: &str, payment: Payment) -> Result<bool, StoreError>;
    fn count(&mut self, merchant: &MerchantId, count: &Count<'_>) -> Result<(), StoreError>;
}
