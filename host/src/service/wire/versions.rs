//! Uploads, versions of policies, and the keys that sign them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::gate::Step;

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionView {
    /// The policy's name.
    pub policy: String,
    /// The readable version: the component's, and the first eight digits of the settings' digest.
    pub version: String,
    /// `draft`, `shadow`, `canary`, `active` or `retired`.
    pub state: String,
    /// Every kind that it decides.
    pub kinds: Vec<String>,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// The version that the component names.
    pub component_version: String,
    /// Size of the component.
    pub component_bytes: u64,
    /// SHA-256 of the settings' text, hex.
    pub settings: String,
    /// The version of the contract.
    pub contract: String,
    /// What the component says of itself: name, licence, source, author.
    pub package: Value,
    /// The uploader's words.
    pub note: Option<String>,
    /// Who uploaded it; empty for a default policy, which the host bound.
    pub created_by: String,
    /// In which role.
    pub created_role: String,
    /// RFC 3339.
    pub created_at: String,
    /// When its state last changed, RFC 3339.
    pub changed_at: String,
    /// The id of the key that signed it; none where it is not signed.
    pub signing_key: Option<String>,
}

/// A version with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionDetail {
    /// The version.
    #[serde(flatten)]
    pub version: VersionView,
    /// The settings' text.
    pub settings_text: String,
    /// Its signature, checked again.
    pub signature: SignatureView,
    /// What the gate found when it was uploaded.
    pub report: Vec<Step>,
}

/// A signature that was checked again just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignatureView {
    /// How it stands.
    pub status: SignatureStatus,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// The signature, as minisign writes it: whoever has the component and the key can check it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// How a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureStatus {
    /// There is none.
    None,
    /// It is good, by a key in force.
    Valid,
    /// It is good, by a key that was revoked since.
    Revoked,
    /// It is not good.
    Invalid,
}

/// Versions of a policy, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionsPage {
    /// The versions.
    pub versions: Vec<VersionView>,
    /// Where the next page starts; none at the end.
    pub cursor: Option<String>,
}

/// Which versions to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VersionsQuery {
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 200; default 50.
    pub limit: Option<u32>,
}

/// A policy that has versions: an uploaded one, or a default policy that is or was bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadedPolicy {
    /// Its name.
    pub policy: String,
    /// How many versions it has.
    pub versions: u64,
    /// The newest.
    pub newest: VersionView,
}

/// How an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UploadState {
    /// Others are checked before it.
    Waiting,
    /// It is being checked.
    Checking,
    /// It is a version now, or was one already.
    Accepted,
    /// It is refused: `report` and `problem` say why and what to do.
    Refused,
    /// The server could not check or keep it, which says nothing of the policy: `problem` says what to do.
    Failed,
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadView {
    /// Its id. It is remembered until the server ends, or fifty others of the merchant have ended.
    pub id: String,
    /// How it stands.
    pub state: UploadState,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// What is under way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub under_way: Option<UnderWay>,
    /// The steps that are done.
    pub report: Vec<Step>,
    /// What it has become.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<VersionRef>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// The status that an answer with this end has: 200, 201, 401, 409, 422, 500 or 503.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
}

/// The step that an upload is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnderWay {
    /// Its name.
    pub step: String,
    /// Questions put so far, where the step is one of many questions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub done: Option<u64>,
    /// Questions of the step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<u64>,
}

/// A version by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionRef {
    /// The policy's name.
    pub policy: String,
    /// The readable version.
    pub version: String,
}

/// What comes with a component.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UploadQuery {
    /// The merchant's name for the policy; left out, the component's own.
    pub name: Option<String>,
    /// A word on the version, for people.
    pub note: Option<String>,
}

/// Other settings for a policy: a new version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsRequest {
    /// The version whose component it is; left out, the newest.
    #[serde(default)]
    pub version: Option<String>,
    /// The settings; their text is kept as it is.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub settings: Box<RawValue>,
    /// A word on the version, for people.
    #[serde(default)]
    pub note: Option<String>,
    /// A signature over the component for these settings, as minisign writes it.
    #[serde(default)]
    pub signature: Option<String>,
}

/// A key under which a merchant's uploads are signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningKeyView {
    /// Its id: sixteen hexadecimal digits, as minisign shows them.
    pub id: String,
    /// The key, as minisign writes it.
    pub public_key: String,
    /// Whose it is.
    pub label: String,
    /// Who registered it.
    pub created_by: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; none while it is in force.
    pub revoked_at: Option<String>,
}
