//! Every kind of act, with what it says and the name under which the ledger lists it. A new act is one more variant of [`What`], or of
//! [`RolloutAct`] where it moves a rollout; `ARCHITECTURE.md` (where a change leads) has the other places.

use ombud_core::call_limits::{OperatorLimits, SomeLimits};
use ombud_core::caps::CapLimits;
use ombud_core::kind::Kind;
use ombud_core::money::Amounts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::looks::Look;
use super::rollout::RolloutAct;
use crate::replay::Divergence;
use crate::service::actor::Role;
use crate::service::privacy::HoldScopeView;
use crate::service::wire::OverrideAction;

/// Every act there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act")]
pub enum What {
    /// A merchant was created.
    #[serde(rename = "merchant.created")]
    MerchantCreated,
    /// A merchant's configuration was changed, caps apart.
    #[serde(rename = "merchant.changed")]
    MerchantChanged {
        /// The members that differ.
        members: Vec<String>,
    },
    /// A merchant's money caps were changed.
    #[serde(rename = "caps.changed")]
    CapsChanged {
        /// The caps that stood before.
        from: CapLimits,
        /// The caps that stand now.
        to: CapLimits,
    },
    /// What a merchant asks for its policies' calls was changed.
    #[serde(rename = "limits.changed")]
    LimitsChanged {
        /// What was asked for before.
        from: SomeLimits,
        /// What is asked for now.
        to: SomeLimits,
    },
    /// The operator's limits on what policies use are others.
    #[serde(rename = "operator-limits.changed")]
    OperatorLimitsChanged {
        /// The limits that stood before.
        from: Box<OperatorLimits>,
        /// The limits that stand now.
        to: Box<OperatorLimits>,
    },
    /// A policy was bound to a kind. Before and after are the digests of the components.
    #[serde(rename = "policy.bound")]
    PolicyBound {
        /// The kind it decides.
        kind: Kind,
        /// Its name.
        policy: String,
        /// Its version.
        version: String,
        /// SHA-256 of the settings it came with, hex.
        settings: String,
        /// SHA-256 of everything that is kept of the version, hex; none in acts of earlier releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row: Option<String>,
    },
    /// The settings of a bound policy were changed. Before and after are the digests of the settings.
    #[serde(rename = "settings.changed")]
    SettingsChanged {
        /// The kind it decides.
        kind: Kind,
        /// The policy's name.
        policy: String,
        /// The version that it is with these settings; none in acts of earlier releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// SHA-256 of everything that is kept of the version, hex; none in acts of earlier releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row: Option<String>,
    },
    /// A policy passed the gate and is a version now, a draft. After is the digest of the component.
    #[serde(rename = "policy.uploaded")]
    PolicyUploaded {
        /// The policy's name.
        policy: String,
        /// The version.
        version: String,
        /// The kinds it decides.
        kinds: Vec<String>,
        /// SHA-256 of the settings, hex.
        settings: String,
        /// The id of the key that signed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signing_key: Option<String>,
        /// SHA-256 of everything that is kept of the version, the report of its checks included, hex; none in acts of earlier releases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row: Option<String>,
    },
    /// A policy was refused by the gate, and nothing of it was kept. After is the digest of the component.
    #[serde(rename = "policy.refused")]
    PolicyRefused {
        /// The policy's name, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
        /// SHA-256 of the settings, hex.
        settings: String,
        /// The step that refused it.
        step: String,
    },
    /// A key is registered under which the merchant's uploads are signed.
    #[serde(rename = "signing-key.added")]
    SigningKeyAdded {
        /// The key's id.
        key: String,
        /// Whose it is.
        label: String,
    },
    /// A key signs no uploads any more.
    #[serde(rename = "signing-key.revoked")]
    SigningKeyRevoked {
        /// The key's id.
        key: String,
        /// Whose it was.
        label: String,
    },
    /// The platform's guardrail is another one. Before and after are the digests of component and settings.
    #[serde(rename = "guardrail.bound")]
    GuardrailBound {
        /// Its version.
        version: String,
        /// SHA-256 of the component, hex.
        component: String,
        /// SHA-256 of the settings, hex.
        settings: String,
    },
    /// An API key was created. After is the digest of its secret.
    #[serde(rename = "key.created")]
    KeyCreated {
        /// The key's id.
        key: String,
        /// Its role.
        key_role: Role,
        /// Who its bearer is.
        label: String,
    },
    /// An API key was revoked.
    #[serde(rename = "key.revoked")]
    KeyRevoked {
        /// The key's id.
        key: String,
        /// Its role.
        key_role: String,
        /// Who its bearer was.
        label: String,
    },
    /// A person approved, amended or cancelled a decision. Before is the leaf of the decision, or of the last act on it.
    #[serde(rename = "decision.override")]
    Override {
        /// The decision.
        decision: String,
        /// What the person did.
        action: OverrideAction,
        /// What stands now.
        outcome: String,
        /// The amounts that stand now, in fen.
        amounts: Amounts,
    },
    /// One step of a blacklist request. After is the leaf of the decision on it.
    #[serde(rename = "blacklist.step")]
    BlacklistStep {
        /// The request.
        request: String,
        /// How far the step brought it.
        stage: String,
        /// The person's verdict.
        verdict: String,
        /// The decision on it.
        decision: String,
    },
    /// A new key signs checkpoints; the one before goes on beside it.
    #[serde(rename = "ledger.key-rotated")]
    LedgerKeyRotated {
        /// The new key's verifier key.
        key: String,
    },
    /// Only the newest key signs checkpoints from here on.
    #[serde(rename = "ledger.key-retired")]
    LedgerKeyRetired {
        /// The verifier key of the one that still signs.
        key: String,
    },
    /// The operator goes on with a log although what was published of it is lost.
    #[serde(rename = "ledger.loss-accepted")]
    LossAccepted {
        /// What does not fit.
        loss: String,
        /// The published checkpoint, a signed note.
        checkpoint: String,
    },
    /// Records were exported.
    #[serde(rename = "ledger.exported")]
    Exported {
        /// Received at or after, as asked for; none from the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Received before, as asked for; none up to now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Whether the keys of the text were left out.
        masked: bool,
    },
    /// A candidate version was run on recorded decisions. After is the digest of its settings.
    #[serde(rename = "backtest.begun")]
    Backtested {
        /// The backtest's id.
        backtest: String,
        /// The candidate's name.
        policy: String,
        /// Its version.
        version: String,
        /// SHA-256 of its component, hex.
        component: String,
        /// The kinds that are compared.
        kinds: Vec<Kind>,
        /// Decisions received at or after, RFC 3339; none from the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Decisions received before, RFC 3339; none up to now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A customer was erased: nobody is named.
    #[serde(rename = "erasure")]
    Erasure {
        /// What stands for the customer from then on.
        mark: String,
        /// Records that can be opened no more.
        records: u64,
        /// Keys that were destroyed.
        keys: u64,
        /// Whether a measure in force ended.
        measure_lifted: bool,
        /// Blacklist requests that were closed.
        requests_closed: u64,
        /// Tickets whose own keys stayed because another customer of them is held.
        #[serde(default, skip_serializing_if = "is_zero")]
        tickets_held: u64,
    },
    /// The host erased what was kept for as long as the merchant keeps data.
    #[serde(rename = "retention.applied")]
    RetentionApplied {
        /// Nothing was heard of them since, RFC 3339; of tickets that a hold had kept from an erasure, when they were erased.
        older_than: String,
        /// Customers erased.
        customers: u64,
        /// Tickets without a customer erased.
        tickets: u64,
        /// Keys that were destroyed.
        keys: u64,
        /// Records that name nobody any more.
        records: u64,
    },
    /// How long a merchant keeps data was changed.
    #[serde(rename = "retention.set")]
    RetentionSet {
        /// Days before; none: for ever.
        from_days: Option<u32>,
        /// Days from now on; none: for ever.
        to_days: Option<u32>,
    },
    /// Data may not be erased for now.
    #[serde(rename = "hold.set")]
    HoldSet {
        /// The hold's id.
        hold: String,
        /// What it is about.
        scope: HoldScopeView,
        /// The customer or ticket.
        subject: Option<String>,
    },
    /// A hold was lifted.
    #[serde(rename = "hold.lifted")]
    HoldLifted {
        /// The hold's id.
        hold: String,
        /// What it was about.
        scope: HoldScopeView,
        /// The customer or ticket.
        subject: Option<String>,
    },
    /// The data keys are wrapped with another master key; nothing that they sealed was touched.
    #[serde(rename = "master-key.rotated")]
    MasterKeyRotated {
        /// The id of the key that was replaced.
        from: String,
        /// The id of the key in force.
        to: String,
        /// Data keys that were wrapped anew.
        keys: u64,
    },
    /// A person saw text and customers unmasked, for the reason given.
    #[serde(rename = "text.unmasked")]
    Unmasked {
        /// At what.
        look: Look,
        /// Which, where it is one thing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
    },
    /// The data directory is copied. The act is recorded first, and so is in the copy.
    #[serde(rename = "backup.made")]
    BackupMade {
        /// Whether the master key goes along.
        master_key: bool,
    },
    /// The data directory is a restored backup. After is the digest of its database's file.
    #[serde(rename = "backup.restored")]
    BackupRestored {
        /// When the backup was made, RFC 3339.
        made_at: String,
    },
    /// The self-audit met a decision that diverges when it is run again, for the first time with this cause since the start.
    #[serde(rename = "self-audit.diverged")]
    SelfAuditDiverged {
        /// The decision; empty where its record cannot be read.
        decision: String,
        /// Its place in the log.
        seq: u64,
        /// Why it diverges.
        cause: Divergence,
    },
    /// An auditor looked, for the first time in this hour.
    #[serde(rename = "audit.viewed")]
    Viewed {
        /// At what.
        look: Look,
        /// The hour that the record stands for, RFC 3339.
        hour: String,
    },
    /// A rollout was moved.
    #[serde(untagged)]
    Rollout(RolloutAct),
}

impl What {
    /// The name under which the ledger lists it: the tag of its JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MerchantCreated => "merchant.created",
            Self::MerchantChanged { .. } => MERCHANT_CHANGED,
            Self::CapsChanged { .. } => "caps.changed",
            Self::LimitsChanged { .. } => "limits.changed",
            Self::OperatorLimitsChanged { .. } => "operator-limits.changed",
            Self::PolicyBound { .. } => "policy.bound",
            Self::SettingsChanged { .. } => "settings.changed",
            Self::PolicyUploaded { .. } => "policy.uploaded",
            Self::PolicyRefused { .. } => "policy.refused",
            Self::SigningKeyAdded { .. } => "signing-key.added",
            Self::SigningKeyRevoked { .. } => "signing-key.revoked",
            Self::GuardrailBound { .. } => "guardrail.bound",
            Self::KeyCreated { .. } => "key.created",
            Self::KeyRevoked { .. } => "key.revoked",
            Self::Override { .. } => OVERRIDE,
            Self::BlacklistStep { .. } => BLACKLIST_STEP,
            Self::LedgerKeyRotated { .. } => "ledger.key-rotated",
            Self::LedgerKeyRetired { .. } => "ledger.key-retired",
            Self::LossAccepted { .. } => LOSS_ACCEPTED,
            Self::Exported { .. } => "ledger.exported",
            Self::Backtested { .. } => "backtest.begun",
            Self::Erasure { .. } => ERASURE,
            Self::RetentionApplied { .. } => "retention.applied",
            Self::RetentionSet { .. } => "retention.set",
            Self::HoldSet { .. } => HOLD_SET,
            Self::HoldLifted { .. } => HOLD_LIFTED,
            Self::MasterKeyRotated { .. } => "master-key.rotated",
            Self::Unmasked { .. } => "text.unmasked",
            Self::BackupMade { .. } => "backup.made",
            Self::BackupRestored { .. } => BACKUP_RESTORED,
            Self::SelfAuditDiverged { .. } => SELF_AUDIT_DIVERGED,
            Self::Viewed { .. } => "audit.viewed",
            Self::Rollout(act) => act.name(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The names of all acts but those of rollouts.
pub(super) const NAMES: [&str; 32] = [
    "merchant.created",
    MERCHANT_CHANGED,
    "caps.changed",
    "limits.changed",
    "operator-limits.changed",
    "policy.bound",
    "settings.changed",
    "policy.uploaded",
    "policy.refused",
    "signing-key.added",
    "signing-key.revoked",
    "guardrail.bound",
    "key.created",
    "key.revoked",
    OVERRIDE,
    BLACKLIST_STEP,
    "ledger.key-rotated",
    "ledger.key-retired",
    LOSS_ACCEPTED,
    "ledger.exported",
    "backtest.begun",
    ERASURE,
    "retention.applied",
    "retention.set",
    HOLD_SET,
    HOLD_LIFTED,
    "master-key.rotated",
    "text.unmasked",
    "backup.made",
    BACKUP_RESTORED,
    SELF_AUDIT_DIVERGED,
    "audit.viewed",
];

/// The names of all acts there are.
pub(in crate::service) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain(RolloutAct::NAMES)
}

/// The name of a person's act on a decision.
pub(in crate::service) const OVERRIDE: &str = "decision.override";
/// The name of a change of a merchant's configuration.
pub(in crate::service) const MERCHANT_CHANGED: &str = "merchant.changed";
/// The name of one step of a blacklist request.
pub(in crate::service) const BLACKLIST_STEP: &str = "blacklist.step";
/// How the erasure of a customer is named in headers and listings.
pub(in crate::service) const ERASURE: &str = "erasure";
/// How the act of a hold that is set is named in headers and listings.
pub(in crate::service) const HOLD_SET: &str = "hold.set";
/// The same of one that is lifted.
pub(in crate::service) const HOLD_LIFTED: &str = "hold.lifted";
/// The name of the act of a backup that was put back.
pub(in crate::service) const BACKUP_RESTORED: &str = "backup.restored";
/// The name of the act by which records that were published are given up.
pub(in crate::service) const LOSS_ACCEPTED: &str = "ledger.loss-accepted";
/// The name of an alarm of the self-audit.
pub(in crate::service) const SELF_AUDIT_DIVERGED: &str = "self-audit.diverged";
