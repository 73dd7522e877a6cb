//! Versions of merchants' policies, and the keys that sign them.

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;

use crate::StoreError;

/// Where a version stands in its rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    Draft,
    Shadow,
    Canary,
    Active,
    Retired,
}

impl VersionState {
    /// Every state, in the order of a rollout.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Shadow, Self::Canary, Self::Active, Self::Retired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A version of a policy. All but its state is immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    pub policy: String,
    pub version: String,
    /// The kind it decides; the first of [`Origin::kinds`] where it decides several.
    pub kind: String,
    /// SHA-256 of the component.
    pub component: Digest,
    /// SHA-256 of the settings.
    pub settings: Digest,
    pub contract: String,
    pub state: VersionState,
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a version came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Every kind it decides.
    pub kinds: Vec<String>,
    /// The version that the component names.
    pub component_version: String,
    /// Size of the component in bytes.
    pub component_bytes: u64,
    /// What the component says of itself, JSON.
    pub package: String,
    /// The uploader's words.
    pub note: Option<String>,
    /// Who uploaded it: the label of the key.
    pub created_by: String,
    /// In which role.
    pub created_role: String,
    /// The signature it came with, in minisign's format.
    pub signature: Option<String>,
    /// The id of the key that signed it.
    pub signing_key: Option<String>,
}

/// A public key under which a merchant's uploads are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// The key's id, sixteen hexadecimal digits.
    pub key_id: String,
    /// The key, as minisign writes it.
    pub public_key: String,
    /// Whose it is.
    pub label: String,
    /// Who registered it.
    pub created_by: String,
    pub created_at_ms: i64,
    pub revoked_at_ms: Option<i64>,
}

/// The place in a list of versions after which a page begins: the last one's time and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionCursor {
    pub created_at_ms: i64,
    pub version: String,
}

/// Reading versions.
pub trait ReadVersions {
    /// Every version of the merchant's policies, in the order of policy and creation.
    fn versions(&self, merchant: &MerchantId) -> Result<Vec<VersionRow>, StoreError>;
    /// One version.
    fn version(&self, merchant: &MerchantId, policy: &str, version: &str) -> Result<Option<VersionRow>, StoreError>;
    /// Versions of a policy, newest first, at most `limit`.
    fn versions_of(
        &self,
        merchant: &MerchantId,
        policy: &str,
        after: Option<&VersionCursor>,
        limit: u32,
    ) -> Result<Vec<VersionRow>, StoreError>;
    /// The component under the name that it gives its version, if a version of the policy has it.
    fn component_named(&self, merchant: &MerchantId, policy: &str, component_version: &str) -> Result<Option<Digest>, StoreError>;
    /// Bytes of the components that a merchant's uploads keep and of the settings of all its versions, each once, without these.
    fn uploaded_bytes(&self, merchant: &MerchantId, without: &[Digest; 2]) -> Result<u64, StoreError>;
    /// The checks of a version's upload, JSON.
    fn version_report(&self, merchant: &MerchantId, policy: &str, version: &str) -> Result<Option<String>, StoreError>;
    /// The keys under which a merchant's uploads are signed, revoked ones included.
    fn signing_keys(&self, merchant: &MerchantId) -> Result<Vec<SigningKeyRow>, StoreError>;
}

/// Writing versions.
pub trait WriteVersions {
    /// Adds a version with the report of its checks, JSON; a second one of its name is a conflict. Which one is active of a kind, the
    /// rollout's plan says.
    fn insert_version(&mut self, merchant: &MerchantId, row: &VersionRow, report: &str) -> Result<(), StoreError>;
    /// Moves a version, as its plan has it. False where there is no such version.
    fn set_version_state(
        &mut self,
        merchant: &MerchantId,
        policy: &str,
        version: &str,
        state: VersionState,
        at_ms: i64,
    ) -> Result<bool, StoreError>;
    /// Adds a key; one that is or was there is a conflict.
    fn insert_signing_key(&mut self, merchant: &MerchantId, row: &SigningKeyRow) -> Result<(), StoreError>;
    /// Revokes a key; false where there is none in force with this id.
    fn revoke_signing_key(&mut self, merchant: &MerchantId, key_id: &str, at_ms: i64) -> Result<bool, StoreError>;
}
