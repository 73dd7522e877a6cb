//! The money's rows: intents, of which each is paid once (CAP-03) but may be stated again, and the amounts counted in the windows of the caps.

use ombud_core::caps::CapUsage;
use ombud_core::ids::MerchantId;
use ombud_core::money::{Intent, Payment};

use crate::StoreError;

/// What one record paid of an intent, and was not taken back since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentPart {
    /// Fen: of an intent that is stated again, what is above the parts before it.
    pub amount: i64,
    /// The record that paid it.
    pub seq: u64,
    /// The order that the record is about.
    pub order: Option<String>,
    /// The customer that the record is about; none where the customer was erased.
    pub customer: Option<String>,
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
    /// What stands of an intent, oldest first: a part for each record that paid some of it.
    fn intent(&self, merchant: &MerchantId, key: &str, payment: Payment) -> Result<Vec<IntentPart>, StoreError>;
    /// What stands of the refunds that an order's delays paid by their own episodes, with the intents' keys, oldest first.
    fn delayed_refunds(&self, merchant: &MerchantId, order: &str) -> Result<Vec<(String, IntentPart)>, StoreError>;
    /// The records of delays that refunded something of an order, oldest first: decisions and acts on them.
    fn refunding_delays(&self, merchant: &MerchantId, order: &str) -> Result<Vec<u64>, StoreError>;
    /// The civil day on which a record's amounts of an order were counted, as days since 1970-01-01: the merchant's zone may have been another
    /// one then. None where it counted nothing at that time.
    fn counted_day(&self, merchant: &MerchantId, order: &str, seq: u64, at_ms: i64) -> Result<Option<i32>, StoreError>;
    /// What was counted in each window before.
    fn usage(&self, merchant: &MerchantId, of: &UsageOf<'_>) -> Result<CapUsage, StoreError>;
}

/// Writing the money.
pub trait WriteMoney {
    /// Pays an intent. One that stands already is a conflict, unless it is stated again: then this is one more part of it.
    fn pay_intent(&mut self, merchant: &MerchantId, intent: &Intent, seq: u64) -> Result<(), StoreError>;
    /// Takes back what a record paid of an intent; false where it paid nothing.
    fn cancel_intent(&mut self, merchant: &MerchantId, key: &str, payment: Payment, seq: u64) -> Result<bool, StoreError>;
    fn count(&mut self, merchant: &MerchantId, count: &Count<'_>) -> Result<(), StoreError>;
}
