//! The neutral notes of a ruling that a guardrail case gives in shorthand.

use ombud_rules::contract::types::{Arg, Notes, Obligation, Reason, Role, Severity};

/// The reason of a ruling that lists none: some rule of the merchant's.
const MERCHANT_RULE: &str = "MERCHANT-1";

/// Notes with these obligations, and the reasons given or one merchant rule.
pub(super) fn neutral(reasons: Option<Vec<String>>, obligations: Vec<String>) -> Notes {
    let rules = reasons.unwrap_or_else(|| vec![MERCHANT_RULE.to_owned()]);
    Notes {
        reasons: rules
            .into_iter()
            .map(|rule| Reason { rule, severity: Severity::Info, facts: Vec::new(), citations: Vec::new() })
            .collect(),
        obligations: obligations.into_iter().map(|action| obligation(&action, Vec::new())).collect(),
        ..Notes::empty()
    }
}

/// One obligation of an agent, without a due time.
pub(super) fn obligation(action: &str, args: Vec<Arg>) -> Obligation {
    Obligation { action: action.to_owned(), owner: Role::Agent, due: None, args }
}
