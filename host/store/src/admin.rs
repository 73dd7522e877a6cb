//! Merchants, API keys, stored bytes, subject keys and the operator's values.

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_ledger::keys::Subject;

use crate::StoreError;

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantRow {
    pub id: MerchantId,
    /// The merchant's configuration, JSON.
    pub config: String,
    pub created_at_ms: i64,
}

/// An API key; the key itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// The readable id, by which it is listed and revoked.
    pub key_id: String,
    /// Hash of the key.
    pub hash: Digest,
    /// None for the operator's keys.
    pub merchant: Option<MerchantId>,
    pub role: String,
    /// The person behind the key.
    pub actor: String,
    pub created_at_ms: i64,
    pub revoked_at_ms: Option<i64>,
}

/// What is stored of a subject's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectKey {
    /// There is none: nothing was sealed for the subject yet, or its key was destroyed and what it sealed cannot be opened any
    /// more. An erased customer is known by a mark ([`crate::ReadPrivacy::erased_at`]).
    None,
    /// Wrapped by the master key.
    Wrapped(Vec<u8>),
}

/// Reading what is administered.
pub trait ReadAdmin {
    fn merchant(&self, id: &MerchantId) -> Result<Option<MerchantRow>, StoreError>;
    /// Every merchant, in the order of their ids.
    fn merchants(&self) -> Result<Vec<MerchantRow>, StoreError>;
    /// The key with this hash, revoked ones included.
    fn api_key(&self, hash: &Digest) -> Result<Option<ApiKeyRow>, StoreError>;
    /// The keys of a merchant, or the operator's.
    fn api_keys(&self, merchant: Option<&MerchantId>) -> Result<Vec<ApiKeyRow>, StoreError>;
    /// Stored bytes: components, settings.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError>;
    fn subject_key(&self, merchant: &MerchantId, subject: Subject<'_>) -> Result<SubjectKey, StoreError>;
    /// How many of the merchant's subjects were erased.
    fn erased_subjects(&self, merchant: &MerchantId) -> Result<u64, StoreError>;
    /// A value of the operator's: guardrail, bounds, signing key.
    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Writing what is administered.
pub trait WriteAdmin {
    /// Adds a merchant or replaces its configuration.
    fn put_merchant(&mut self, row: &MerchantRow) -> Result<(), StoreError>;
    fn insert_api_key(&mut self, row: &ApiKeyRow) -> Result<(), StoreError>;
    /// Revokes a key; false where there is none in force with this id.
    fn revoke_api_key(&mut self, key_id: &str, at_ms: i64) -> Result<bool, StoreError>;
    /// Keeps bytes under their SHA-256, which is computed here; the same bytes again change nothing, unless those that are kept
    /// are damaged. `media` is their media type.
    fn put_blob(&mut self, media: &str, bytes: &[u8], at_ms: i64) -> Result<Digest, StoreError>;
    /// Keeps a new subject's wrapped key. A subject that has one, or had one, is a conflict.
    fn insert_subject_key(&mut self, merchant: &MerchantId, subject: Subject<'_>, wrapped: &[u8], at_ms: i64) -> Result<(), StoreError>;
    fn set_value(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError>;
}
