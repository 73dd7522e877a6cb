//! Personal data: what is erased of a customer, and what may not be erased for now.

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::Subject;

use crate::StoreError;

/// Before the digest that stands where an erased customer's reference stood.
pub const MARK: &str = "erased:";
/// What stands for all tickets whose keys were destroyed.
pub const TICKETS: &str = "erased:tickets";

/// When retention looks at a ticket whose key was to be destroyed with a customer's and stayed because another customer of it is
/// held: never as at others, only whether it is held still.
pub(crate) const OWED_FROM_MS: i64 = i64::MAX;

/// What an erasure needs to know.
#[derive(Clone, Debug)]
pub struct Erasure<'a> {
    /// The customer's reference.
    pub customer: &'a str,
    /// [`MARK`] and a digest of the reference that only the merchant's own key gives: it stands where the reference stood and
    /// still has to be recognised.
    pub mark: &'a str,
    /// Tickets of the customer: what was sealed under their keys is the customer's too.
    pub tickets: &'a [String],
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Counted amounts from then on keep the mark, for a window of the caps still holds them; earlier ones are nobody's.
    pub counted_since_ms: i64,
}

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Keys that were destroyed, the customer's and those of tickets.
    pub keys: usize,
    /// Records that do not name the customer any more.
    pub records: usize,
    /// A measure that was in force ended: what it rested on is gone.
    pub measure: bool,
    /// Blacklist requests that were closed with it.
    pub requests: usize,
    /// Incidents on record that are gone.
    pub incidents: usize,
}

/// What is held against erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldScope {
    Customer,
    Ticket,
    /// The whole merchant.
    Merchant,
}

impl HoldScope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Ticket => "ticket",
            Self::Merchant => "merchant",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Ticket, Self::Merchant].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    pub hold_id: String,
    pub scope: HoldScope,
    /// The customer or ticket; none for the whole merchant.
    pub subject: Option<String>,
    /// The person who set it.
    pub set_by: String,
    pub set_at_ms: i64,
}

/// Reading what is erased and held.
pub trait ReadPrivacy {
    /// When the customer with this mark was erased.
    fn erased_at(&self, merchant: &MerchantId, mark: &str) -> Result<Option<i64>, StoreError>;
    /// What stands in the place of keys that were destroyed: marks of customers, [`TICKETS`], and whatever else has none.
    fn destroyed_keys(&self, merchant: &MerchantId) -> Result<Vec<String>, StoreError>;
    /// The merchants with an erased customer.
    fn with_erased(&self) -> Result<Vec<MerchantId>, StoreError>;

    /// The marks of a merchant's erased customers, each with when it was erased last, epoch milliseconds.
    fn erased_marks(&self, merchant: &MerchantId) -> Result<Vec<(String, i64)>, StoreError>;
    /// Subjects with a key to which retention has not looked since before then; the longest ago first.
    fn quiet_subjects(&self, merchant: &MerchantId, before_ms: i64, subjects_max: u32) -> Result<Vec<String>, StoreError>;
    /// Tickets whose keys stayed at an erasure because others were held, and are to be destroyed when nobody is.
    fn owed_tickets(&self, merchant: &MerchantId) -> Result<Vec<String>, StoreError>;
    /// The tickets of records that list the customer.
    fn tickets_of(&self, merchant: &MerchantId, customer: &str) -> Result<Vec<String>, StoreError>;
    /// The customers of records that list the ticket.
    fn customers_of(&self, merchant: &MerchantId, ticket: &str) -> Result<Vec<String>, StoreError>;
    /// When the newest record that lists the customer or ticket was received; none for others.
    fn last_record_at(&self, merchant: &MerchantId, subject: Subject<'_>) -> Result<Option<i64>, StoreError>;
    /// Whether the customer has a blacklist request that is open.
    fn has_open_request(&self, merchant: &MerchantId, customer: &str) -> Result<bool, StoreError>;
    /// Wrapped keys with the texts of their subjects, in the order of these texts, after `after`.
    fn wrapped_keys(&self, merchant: &MerchantId, after: &str, keys_max: u32) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
    /// The holds of a merchant, oldest first.
    fn holds(&self, merchant: &MerchantId) -> Result<Vec<HoldRow>, StoreError>;
}

/// Writing what is erased and held.
pub trait WritePrivacy {
    /// Destroys the keys of a customer and of the tickets, and takes the customer's reference out of every table. Records, their
    /// hashes, sequences, sums and intents stay as they are.
    fn erase_customer(&mut self, merchant: &MerchantId, erasure: &Erasure<'_>) -> Result<Erased, StoreError>;
    /// Destroys the key of a ticket, and with it what later records of erased customers hold; false where there is none. What
    /// is sealed for the ticket from then on has a new key.
    fn erase_ticket(&mut self, merchant: &MerchantId, ticket: &str, at_ms: i64) -> Result<bool, StoreError>;
    /// Notes that retention need not look at a subject as long as it looks at what was quiet before then.
    fn look_again(&mut self, merchant: &MerchantId, subject: &str, from_ms: i64) -> Result<(), StoreError>;
    /// Notes that the key of a ticket is to be destroyed as soon as nothing holds it; false where there is none.
    fn owe_ticket(&mut self, merchant: &MerchantId, ticket: &str) -> Result<bool, StoreError>;
    /// Takes the marks out of amounts that were counted before; how many there were.
    fn forget_marks(&mut self, merchant: &MerchantId, before_ms: i64) -> Result<usize, StoreError>;
    /// Replaces a subject's wrapped key; false where there is none.
    fn rewrap_key(&mut self, merchant: &MerchantId, subject: &str, wrapped: &[u8]) -> Result<bool, StoreError>;
    fn insert_hold(&mut self, merchant: &MerchantId, row: &HoldRow) -> Result<(), StoreError>;
    /// Lifts a hold; false where there is none.
    fn lift_hold(&mut self, merchant: &MerchantId, hold_id: &str) -> Result<bool, StoreError>;
}
