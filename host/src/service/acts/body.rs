//! What an act is: who did what, why, and from what to what. The body is sealed; the header names the act and who did it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::what::What;
use crate::service::actor::Role;

/// The body of an act's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActBody {
    /// What was done, with its particulars.
    #[serde(flatten)]
    pub what: What,
    /// Who did it: the label of the key, or the host's own name.
    pub actor: String,
    /// In which role; none for the host itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The id of the key that was used; none for the host and the data directory's owner, and in acts of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_key: Option<String>,
    /// When, RFC 3339.
    pub at: String,
    /// Why, in the person's words, where the act asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of what stood before, hex: of a document, a settings text, or the leaf of the record that is acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// SHA-256 of what stands now, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// SHA-256 of the document of the merchant's plans as the change found it, hex: of nothing where there was none. The first act of a change
    /// of the merchant or its plans has it; none in acts of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans_before: Option<String>,
    /// SHA-256 of the document of the merchant's plans as it is now, hex, where the change moved any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<String>,
}

#[cfg(test)]
mod tests {
    use ombud_core::call_limits::SomeLimits;
    use ombud_core::caps::CapLimits;
    use ombud_core::kind::Kind;
    use ombud_core::money::Amounts;

    use super::super::looks::Look;
    use super::super::what::{NAMES, names};
    use super::*;
    use crate::replay::Divergence;
    use crate::service::privacy::HoldScopeView;
    use crate::service::wire::OverrideAction;

    /// The tags of acts wherever they stand in a schema.
    fn tags(schema: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
        found.extend(schema.pointer("/properties/act/const").and_then(|tag| tag.as_str()).map(str::to_owned));
        match schema {
            serde_json::Value::Object(members) => members.values().for_each(|member| tags(member, found)),
            serde_json::Value::Array(items) => items.iter().for_each(|item| tags(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_name_is_the_tag() {
        let acts = [
            What::MerchantCreated,
            What::MerchantChanged { members: vec!["shop_id".into()] },
            What::CapsChanged { from: CapLimits::default(), to: CapLimits::default() },
            What::LimitsChanged { from: SomeLimits::default(), to: SomeLimits { deadline_ms: Some(1), ..SomeLimits::default() } },
            What::OperatorLimitsChanged { from: Box::default(), to: Box::default() },
            What::PolicyBound { kind: Kind::Delay, policy: "delay".into(), version: "1".into(), settings: String::new(), row: None },
            What::SettingsChanged { kind: Kind::Reply, policy: "reply".into(), version: None, row: None },
            What::PolicyUploaded {
                policy: "p".into(),
                version: "1+a".into(),
                kinds: vec!["delay".into()],
                settings: "s".into(),
                signing_key: None,
                row: None,
            },
            What::PolicyRefused { policy: None, settings: "s".into(), step: "cases".into() },
            What::SigningKeyAdded { key: "E7".into(), label: "me".into() },
            What::SigningKeyRevoked { key: "E7".into(), label: "me".into() },
            What::GuardrailBound { version: "1".into(), component: String::new(), settings: String::new() },
            What::KeyCreated { key: "k".into(), key_role: Role::Agent, label: "a".into() },
            What::KeyRevoked { key: "k".into(), key_role: "agent".into(), label: "a".into() },
            What::Override {
                decision: "d".into(),
                action: OverrideAction::Amend,
                outcome: "compensate".into(),
                amounts: Amounts { refund: 1, cash: 2, coupon: 3 },
            },
            What::BlacklistStep { request: "r".into(), stage: "submitted".into(), verdict: "approve".into(), decision: "d".into() },
            What::LedgerKeyRotated { key: "k".into() },
            What::LedgerKeyRetired { key: "k".into() },
            What::LossAccepted { loss: "l".into(), checkpoint: "c".into() },
            What::Exported { from: Some("2026-07-01".into()), to: None, masked: true },
            What::Backtested {
                backtest: "b".into(),
                policy: "delay".into(),
                version: "1".into(),
                component: String::new(),
                kinds: vec![Kind::Delay],
                from: None,
                to: Some("2026-11-06T10:00:00Z".into()),
            },
            What::Erasure { mark: "m".into(), records: 1, keys: 2, measure_lifted: true, requests_closed: 0, tickets_held: 0 },
            What::RetentionApplied { older_than: String::new(), customers: 1, tickets: 2, keys: 3, records: 4 },
            What::RetentionSet { from_days: None, to_days: Some(1_095) },
            What::HoldSet { hold: "h".into(), scope: HoldScopeView::Merchant, subject: None },
            What::HoldLifted { hold: "h".into(), scope: HoldScopeView::Ticket, subject: Some("t".into()) },
            What::MasterKeyRotated { from: "a".into(), to: "b".into(), keys: 7 },
            What::Unmasked { look: Look::Decisions, of: None },
            What::Unmasked { look: Look::Decision, of: Some("d".into()) },
            What::BackupMade { master_key: true },
            What::BackupRestored { made_at: "2026-11-06T10:00:00Z".into() },
            What::SelfAuditDiverged { decision: "d".into(), seq: 7, cause: Divergence::Guest },
            What::Viewed { look: Look::Decision, hour: "2026-11-06T10:00:00Z".into() },
        ];
        let mut known: std::collections::BTreeSet<&str> = NAMES.into_iter().collect();
        assert_eq!(known.len(), NAMES.len());
        acts.iter().for_each(|what| _ = known.remove(what.name()));
        assert!(known.is_empty(), "names of no act: {known:?}");
        // The schema has every variant that is written: one without a name could not be asked for.
        let mut written = std::collections::BTreeSet::new();
        tags(schemars::schema_for!(What).as_value(), &mut written);
        assert_eq!(written, names().map(str::to_owned).collect());
        for what in acts {
            let name = what.name();
            assert!(names().any(|known| known == name), "{name} is not among the names");
            let body = ActBody {
                what,
                actor: "me".into(),
                role: Some(Role::Operator),
                by_key: Some("k_0".into()),
                at: "2026-11-06T10:20:00.000Z".into(),
                reason: Some("because".into()),
                before: None,
                after: Some("00".into()),
                plans_before: None,
                plans: None,
            };
            let json = serde_json::to_string(&body).unwrap();
            assert!(json.starts_with(&format!("{{\"act\":\"{name}\"")), "{json}");
            assert_eq!(serde_json::from_str::<ActBody>(&json).unwrap(), body);
        }
    }
}
