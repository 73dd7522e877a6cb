//! Who sees text. An answer for those who may not is the same answer without a person's words, the facts and the references of
//! customers (domain policies PP-1: masked for everybody, unmasked from supervisors upwards with a reason, which is recorded).

use ombud_core::explain::ForAuditor;
use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::HoldScopeView;
use crate::replay::ReplayReport;
use crate::service::Service;
use crate::service::actor::{Principal, Right, Role};
use crate::service::acts::{ActBody, Look, NewAct, What, is_reason};
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;

/// What stands for what is hidden.
pub const MASK: &str = "***";
/// Characters of a customer's reference that stay, the last ones, by which two customers can be told apart.
const SHOWN_SCALARS: usize = 2;
/// A reference this short is hidden whole.
const SHORT_SCALARS: usize = 5;

/// Members that hold what a person wrote, or a value of a fact, in rulings, states of requests and explanations.
const WORDS: [&str; 8] = ["text", "masked_text", "matched", "value", "shown", "detail", "note", "ref"];
/// Members that name a customer.
const CUSTOMERS: [&str; 2] = ["customer", "customer_ref"];

/// Why somebody wants to see text.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnmaskQuery {
    /// Why text and customers are to be shown, 1 to 2 000 characters: it is recorded. Without it the view is masked, except for
    /// auditors, whose looks are recorded anyway.
    pub unmask: Option<String>,
}

/// How much an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Sight {
    /// Everything on record.
    Full,
    /// No text, no facts, no customer.
    Masked,
}

impl Sight {
    /// Of the acts of persons, and of what is held: for those who may unmask, it is their work.
    pub(in crate::service) const fn of_acts(role: Role) -> Self {
        if role.may(Right::Unmask) { Self::Full } else { Self::Masked }
    }

    /// Of what differs in a replay: for those who look for the cause.
    pub(in crate::service) const fn of_replays(role: Role) -> Self {
        if matches!(role, Role::Auditor | Role::Operator) { Self::Full } else { Self::Masked }
    }

    /// Whether something is hidden.
    pub(in crate::service) const fn is_masked(self) -> bool {
        matches!(self, Self::Masked)
    }

    /// A customer's reference.
    pub(in crate::service) fn customer(self, reference: String) -> String {
        match self {
            Self::Full => reference,
            Self::Masked => masked_reference(&reference),
        }
    }

    /// A ruling, a state, an explanation.
    pub(in crate::service) fn json(self, value: &mut Value) {
        if self.is_masked() {
            mask(value);
        }
    }

    /// The messages of a decision: those on a draft are to its author, and quote it.
    pub(in crate::service) fn messages(self, decision: &mut Value) {
        if !self.is_masked() || decision["kind"] != Kind::Reply.as_str() {
            return;
        }
        for message in decision["messages"].as_array_mut().into_iter().flatten() {
            for text in ["zh_cn", "en"] {
                message[text] = MASK.into();
            }
        }
    }

    /// An explanation.
    pub(in crate::service) fn explanation(self, explanation: ForAuditor) -> Result<ForAuditor, serde_json::Error> {
        if !self.is_masked() {
            return Ok(explanation);
        }
        let mut value = serde_json::to_value(explanation)?;
        mask(&mut value);
        let masked: ForAuditor = serde_json::from_value(value)?;
        let overrides = masked.overrides.into_iter().map(|line| ombud_core::explain::ActLine { reason: MASK.to_owned(), ..line }).collect();
        let quoting = masked.kind == Kind::Reply;
        let messages = masked.messages.into_iter().map(|message| if quoting { MASK.to_owned() } else { message }).collect();
        Ok(ForAuditor { masked: true, trace: Vec::new(), overrides, messages, ..masked })
    }

    /// An act. `about_somebody`: it is listed with a customer or a ticket. Who looks at text, or erases, does it for somebody's sake, who is not
    /// listed with it: the reason may name them.
    pub(in crate::service) fn act(self, body: ActBody, about_somebody: bool) -> ActBody {
        let about_somebody = about_somebody || matches!(body.what, What::Unmasked { .. } | What::Erasure { .. });
        if !self.is_masked() || !about_somebody {
            return body;
        }
        let what = match body.what {
            What::HoldSet { hold, scope: scope @ HoldScopeView::Customer, subject } => {
                What::HoldSet { hold, scope, subject: subject.map(|subject| self.customer(subject)) }
            }
            What::HoldLifted { hold, scope: scope @ HoldScopeView::Customer, subject } => {
                What::HoldLifted { hold, scope, subject: subject.map(|subject| self.customer(subject)) }
            }
            // Nothing in these names a person but the reason.
            what @ (What::HoldSet { scope: HoldScopeView::Ticket | HoldScopeView::Merchant, .. }
            | What::HoldLifted { scope: HoldScopeView::Ticket | HoldScopeView::Merchant, .. }
            | What::MerchantCreated
            | What::MerchantChanged { .. }
            | What::CapsChanged { .. }
            | What::LimitsChanged { .. }
            | What::OperatorLimitsChanged { .. }
            | What::PolicyBound { .. }
            | What::SettingsChanged { .. }
            | What::PolicyUploaded { .. }
            | What::PolicyRefused { .. }
            | What::SigningKeyAdded { .. }
            | What::SigningKeyRevoked { .. }
            | What::GuardrailBound { .. }
            | What::KeyCreated { .. }
            | What::KeyRevoked { .. }
            | What::Override { .. }
            | What::BlacklistStep { .. }
            | What::LedgerKeyRotated { .. }
            | What::LedgerKeyRetired { .. }
            | What::LossAccepted { .. }
            | What::Exported { .. }
            | What::Backtested { .. }
            | What::Erasure { .. }
            | What::RetentionApplied { .. }
            | What::RetentionSet { .. }
            | What::MasterKeyRotated { .. }
            | What::Unmasked { .. }
            | What::BackupMade { .. }
            | What::BackupRestored { .. }
            | What::SelfAuditDiverged { .. }
            | What::Viewed { .. }
            | What::Rollout(_)) => what,
        };
        ActBody { what, reason: body.reason.map(|_| MASK.to_owned()), ..body }
    }

    /// What differs in a replay: the places stay, the texts do not.
    pub(in crate::service) fn replay(self, mut report: ReplayReport) -> ReplayReport {
        if self.is_masked() {
            for difference in &mut report.differences {
                mask_all(&mut difference.recorded);
                mask_all(&mut difference.now);
            }
        }
        report
    }
}

impl Service {
    /// How much a caller sees. Whoever unmasks, and every auditor's look, is on record before anything is answered. `of` is what is
    /// looked at, where it is one thing; it must be there. `customer` is whom the look is at, where it is one: the reason stays on record when
    /// the customer is erased, and may not name them.
    pub(in crate::service) async fn sight(
        &self,
        who: &Principal,
        tenant: &Tenant,
        (look, of): (Look, Option<&str>),
        customer: Option<&str>,
        unmask: Option<&str>,
    ) -> Result<Sight, ServiceError> {
        let Some(reason) = unmask else {
            self.looked(who, tenant, look).await?;
            return Ok(if who.role == Role::Auditor { Sight::Full } else { Sight::Masked });
        };
        if !who.role.may(Right::Unmask) {
            return Err(ServiceError::Forbidden { role: who.role.as_str(), what: "see text and customers unmasked" });
        }
        is_reason("/unmask", reason)?;
        if customer.is_some_and(|customer| reason.contains(customer)) {
            let problem = Problem::at("/unmask", "names the customer, and stays on record").allowed("a reason without the reference");
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let what = What::Unmasked { look, of: of.map(str::to_owned) };
        self.record(&tenant.config.id, vec![NewAct { reason: Some(reason.to_owned()), ..NewAct::new(who, what) }]).await?;
        Ok(Sight::Full)
    }
}

fn masked_reference(reference: &str) -> String {
    let scalars = reference.chars().count();
    let hidden = if scalars > SHORT_SCALARS { scalars - SHOWN_SCALARS } else { scalars };
    reference.chars().skip(hidden).fold(MASK.to_owned(), |mut masked, scalar| {
        masked.push(scalar);
        masked
    })
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if WORDS.contains(&name.as_str()) => MASK.clone_into(text),
                    Value::String(text) if CUSTOMERS.contains(&name.as_str()) => *text = masked_reference(text),
                    value => mask(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

fn mask_all(value: &mut Value) {
    match value {
        Value::String(text) => MASK.clone_into(text),
        Value::Object(members) => members.values_mut().for_each(mask_all),
        Value::Array(items) => items.iter_mut().for_each(mask_all),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_keep_their_ends_and_words_nothing() {
        for (reference, masked) in [("c_9f3a41", "***41"), ("c_9f3a", "***3a"), ("c_9f3", "***"), ("c", "***"), ("客户编号一二", "***一二")]
        {
            assert_eq!(masked_reference(reference), masked);
        }
        let mut value =
            json!({"customer_ref": "c_9f3a41", "findings": [{"rule": "RC-1", "matched": "保证", "start": 3}], "note": "", "value": 7});
        Sight::Full.json(&mut value);
        assert_eq!(value["findings"][0]["matched"], "保证");
        Sight::Masked.json(&mut value);
        let masked =
            json!({"customer_ref": "***41", "findings": [{"rule": "RC-1", "matched": "***", "start": 3}], "note": "***", "value": 7});
        assert_eq!(value, masked);
        mask_all(&mut value);
        assert_eq!(value["findings"][0], json!({"rule": "***", "matched": "***", "start": 3}));
    }
}
