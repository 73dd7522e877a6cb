//! What requests and answers look like: the JSON of the HTTP interface and of `--json`, beside no other type.

use ombud_core::call_limits::Limits;
use ombud_core::caps::CapLimits;
use ombud_core::decision::Decision;
use ombud_core::explain::{self, ForAuditor, ForCustomer};
use ombud_core::kind::Kind;
use ombud_core::money::Amounts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::actor::Role;
use super::acts::ActBody;
pub use crate::replay::{Counts, Divergence, EngineCounts, EngineSeen, ReplayReport, Tally};

/// The answer to an event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventAnswer {
    /// The event's id.
    pub event: String,
    /// The event was known: these are the decisions made then.
    pub duplicate: bool,
    /// One decision for each kind that decided, as recorded; empty where the event is only recorded.
    #[schemars(with = "Vec<AnsweredDecision>")]
    pub decisions: Vec<Verbatim>,
}

impl EventAnswer {
    /// The answer as JSON, its decisions as they are: reading them again, as a serializer must, would take longer than
    /// everything else here.
    pub fn to_json(&self) -> Vec<u8> {
        let decisions: usize = self.decisions.iter().map(|decision| decision.0.len() + 1).sum();
        let mut json = Vec::with_capacity(decisions + self.event.len() + 64);
        json.extend_from_slice(b"{\"event\":");
        // Writing a string into memory cannot fail.
        _ = serde_json::to_writer(&mut json, &self.event);
        json.extend_from_slice(if self.duplicate { b",\"duplicate\":true" } else { b",\"duplicate\":false" });
        json.extend_from_slice(b",\"decisions\":[");
        for (at, Verbatim(decision)) in self.decisions.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            json.extend_from_slice(decision.as_bytes());
        }
        json.extend_from_slice(b"]}");
        json
    }
}

/// JSON text that is answered as it stands on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verbatim(String);

impl Verbatim {
    /// Text that was written as JSON.
    pub const fn new(json: String) -> Self {
        Self(json)
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Serialize for Verbatim {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(out)
    }
}

/// A decision as it is answered; for the interface's description, because the bytes that are sent are those on record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnsweredDecision {
    /// The decision's id; none in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place in the merchant's ledger; none in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Its leaf hash, hex; none in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<String>,
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
}

/// A recorded decision with what it was made on; for the interface's description too.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecisionDetail {
    /// The decision as it was answered.
    #[serde(flatten)]
    pub answered: AnsweredDecision,
    /// Received at, RFC 3339.
    pub received_at: String,
    /// Whether text, facts and customers are left out or stand as `***`.
    pub masked: bool,
    /// The event as a structured CloudEvent; none where the customer's key was erased, or masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<serde_json::Value>,
    /// The facts put to the policy; none where the customer's key was erased, or masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<serde_json::Value>,
    /// Acts of persons on the decision, in their order.
    pub acts: Vec<ActBody>,
}

/// Which decisions to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionsQuery {
    /// Of this ticket.
    pub ticket: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// By this policy.
    pub policy: Option<String>,
    /// Received at or after, RFC 3339.
    pub from: Option<String>,
    /// Received before, RFC 3339.
    pub to: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 200; default 50.
    pub limit: Option<u32>,
    /// Why customers are to be shown unmasked; it is recorded.
    pub unmask: Option<String>,
}

/// One line of a list of decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionLine {
    /// The decision's id.
    pub id: String,
    /// Its place in the merchant's ledger.
    pub seq: u64,
    /// The kind.
    pub kind: String,
    /// The outcome.
    pub outcome: String,
    /// The policy and its version.
    pub policy: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// The customer's pseudonymous reference; masked, its last two characters.
    pub customer: Option<String>,
    /// Received at, RFC 3339.
    pub received_at: String,
}

/// A page of decisions, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionsPage {
    /// The decisions.
    pub decisions: Vec<DecisionLine>,
    /// Where the next page starts; none at the end.
    pub cursor: Option<String>,
    /// Whether customers are masked.
    pub masked: bool,
}

/// Which decisions to replay, oldest first; all of them, unless a member says otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaysRequest {
    /// Of this ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Received at or after, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Received before, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Where an earlier answer left off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// How many, 1 to 1 000; 1 000 unless it is given. An answer may have fewer and still a cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What some replays gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplaysAnswer {
    /// By what came of them.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first decisions that diverged, at most 100.
    pub diverging: Vec<ReplayReport>,
    /// Under which engines the records were made.
    pub engines: Vec<EngineLine>,
    /// Records in the merchant's log, of which the decisions are a part.
    pub log_size: u64,
    /// Where the next request goes on; none at the end.
    pub cursor: Option<u64>,
}

impl ReplaysAnswer {
    /// What one merchant's tally says.
    pub fn new(tally: Tally, log_size: u64, cursor: Option<u64>) -> Self {
        let counts = tally.total();
        let engines = tally.engines.into_iter().map(|(engine, counts)| EngineLine { engine, counts }).collect();
        let diverging = tally.diverging.into_iter().map(|(_, report)| report).collect();
        Self { counts, diverging, engines, log_size, cursor }
    }

    /// As a tally of this merchant, to be added to others.
    pub fn into_tally(self, merchant: &str) -> Tally {
        Tally {
            merchants: [(merchant.to_owned(), self.counts)].into(),
            engines: self.engines.into_iter().map(|line| (line.engine, line.counts)).collect(),
            diverging: self.diverging.into_iter().map(|report| (merchant.to_owned(), report)).collect(),
        }
    }
}

/// What the self-audit found: the first divergence of a merchant and cause, and how many there were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// The merchant.
    pub merchant: String,
    /// The place of the first one in the merchant's log.
    pub seq: u64,
    /// Its decision; empty where the record cannot be read.
    pub decision: String,
    /// Why it diverges.
    pub cause: Divergence,
    /// Where, without what stands there.
    pub detail: String,
    /// When it was found, RFC 3339.
    pub since: String,
    /// How often it was found since.
    pub count: u64,
}

/// An engine with the records that it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineLine {
    /// The engine.
    #[serde(flatten)]
    pub engine: EngineSeen,
    /// Its records.
    #[serde(flatten)]
    pub counts: EngineCounts,
}

/// A person's act on a decision that waits for one, or that is to be taken back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// What the person does.
    pub action: OverrideAction,
    /// Why; 1 to 2 000 characters.
    pub reason: String,
    /// The amounts that stand instead, in fen; with `amend` only.
    #[serde(default)]
    pub amounts: Option<Amounts>,
    /// The outcome that stands instead; with `amend` only.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// What a person does with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideAction {
    /// The proposal stands: its money counts now.
    Approve,
    /// Something else stands.
    Amend,
    /// The decision is taken back; a payment not yet made returns to its windows.
    Cancel,
}

/// The recorded act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OverrideAnswer {
    /// The decision.
    pub decision: String,
    /// The act's place in the ledger.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// What stands now.
    pub outcome: String,
    /// Money that counts by this act, in fen.
    pub amounts: Amounts,
}

/// For whom a decision is explained, and in which language.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExplanationQuery {
    /// `customer` (default) or `auditor`.
    #[serde(rename = "for")]
    pub audience: Audience,
    /// `zh-CN` (default) or `en`.
    pub lang: Lang,
    /// Why an auditor's explanation is to show facts, customer and persons' words; it is recorded.
    pub unmask: Option<String>,
}

/// For whom a decision is explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// In plain words, with nothing internal.
    #[default]
    Customer,
    /// In full.
    Auditor,
}

/// A language of explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Lang {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English.
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// The tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }
}

/// An explanation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Explanation {
    /// For the customer.
    Customer(Box<ForCustomer>),
    /// For an auditor.
    Auditor(Box<ForAuditor>),
}

impl Explanation {
    /// The same as text.
    pub fn text(&self) -> String {
        match self {
            Self::Customer(explanation) => explain::customer_text(explanation),
            Self::Auditor(explanation) => explain::auditor_text(explanation),
        }
    }
}

/// A merchant as configured.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MerchantView {
    /// The configuration.
    pub config: serde_json::Value,
    /// How high the merchant may set its caps; the operator's own changes set it.
    pub caps_bound: CapLimits,
    /// Which policy decides which kind.
    pub policies: Vec<PolicyView>,
    /// What one call of its policies may use.
    pub limits: LimitsView,
}

/// What one call of a merchant's policies may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitsView {
    /// What is in force: what the configuration asks for in `limits`, else the operator's default.
    pub in_force: Limits,
    /// The most that `limits` of the configuration may ask for.
    pub most: Limits,
}

/// A policy bound to a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyView {
    /// The kind.
    pub kind: String,
    /// The merchant's name for the policy.
    pub name: String,
    /// The readable version.
    pub version: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// SHA-256 of the settings, hex.
    pub settings: String,
    /// `loaded`, or why it is not.
    pub status: String,
}

/// A new key, shown once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// The key's id: who its bearer is in records.
    pub id: String,
    /// The secret; it cannot be shown again.
    pub secret: String,
    /// Its role.
    pub role: Role,
    /// Its merchant; none for an operator.
    pub merchant: Option<String>,
}

/// The keys of the ledger's checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerKeysView {
    /// The operator's name: a merchant's log has the origin `OPERATOR/MERCHANT`.
    pub operator: String,
    /// The keys that sign: the newest, and while a rotation is not finished the one before.
    pub signing: Vec<String>,
    /// Every verifier key there ever was, the newest first.
    pub verifier_keys: Vec<String>,
}

/// A backup that may be made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupBegun {
    /// When it was recorded, RFC 3339.
    pub at: String,
}

/// A key as it is listed: everything but the secret, which nobody has but its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// The key's id, by which it is revoked.
    pub id: String,
    /// Its role.
    pub role: String,
    /// Its merchant; none for an operator.
    pub merchant: Option<String>,
    /// Who its bearer is, in records.
    pub label: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; none while it is in force.
    pub revoked_at: Option<String>,
}

/// Whether the service takes requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Readiness {
    /// Every bound policy is compiled and linked, the store is open.
    pub ready: bool,
    /// What is missing.
    pub reasons: Vec<String>,
}

/// An act on a blacklist request; the person and the role come from the key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlacklistAct {
    /// The event's id: repeating it repeats nothing.
    pub event_id: String,
    /// `submit`, `step` or `appeal`.
    pub act: BlacklistActKind,
    /// The customer's pseudonymous reference.
    pub customer_ref: String,
    /// The ticket in which the request is handled.
    pub ticket_id: String,
    /// The `blacklist` object of the event, as its schema says.
    pub blacklist: serde_json::Value,
}

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlacklistActKind {
    /// A new request, or a new round of one returned for evidence: `blacklist.requested`.
    Submit,
    /// A supervisor's, head of department's or compliance's verdict: `blacklist.step`.
    Step,
    /// The customer's appeal, passed on by an agent.
    Appeal,
}

/// A blacklist request as its records leave it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BlacklistView {
    /// The request.
    pub request_id: String,
    /// Its state: stage, criterion, steps.
    pub state: serde_json::Value,
    /// The measure in force against the customer.
    pub measure: String,
    /// When it ends, RFC 3339.
    pub review_by: Option<String>,
    /// Whether customer, notes and evidence are masked in the state.
    pub masked: bool,
}

/// A measure in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasureView {
    /// The customer's pseudonymous reference; masked, its last two characters, unless it was asked for.
    pub customer: String,
    /// The request it follows from.
    pub request_id: String,
    /// `marked`, `service-restricted` or `blacklisted`.
    pub measure: String,
    /// When it ends, RFC 3339.
    pub review_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_written_as_a_serializer_would() {
        for count in 0..3 {
            let decisions = (0..count).map(|at| Verbatim::new(format!("{{\"at\":{at},\"text\":\"\\\"{{\"}}"))).collect();
            let answer = EventAnswer { event: "\"quoted\" \u{1} 事件".into(), duplicate: count == 1, decisions };
            assert_eq!(String::from_utf8(answer.to_json()).unwrap(), serde_json::to_string(&answer).unwrap());
        }
    }
}
