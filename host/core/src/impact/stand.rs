//! What one decision came to, whichever version made it: the side of a comparison.

use ombud_rules::contract::delay::{CompForm, Tier};
use ombud_rules::contract::types::Severity;
use serde::{Deserialize, Serialize};

use super::bounded::Sum;
use super::cases::Stated;
use crate::caps::{CapResult, Restated};
use crate::case::Case;
use crate::chain::{ReasonBy, ReviewResult};
use crate::deciding::{ReasonHead, deciding};
use crate::decision::Decision;
use crate::fault::FaultCode;
use crate::kind::Kind;
use crate::money::{Amounts, Awarded, Due, intents, payments};

/// The word for a decision without any reason.
const NO_RULE: &str = "none";
/// Bytes of a rule's id that are kept: a candidate may write what it likes there.
const RULE_BYTES_MAX: usize = 64;

/// Money in fen by when it falls due. What is promised is paid by a later decision of the same
/// case, and what is proposed may never be: the sum with it is always named as what falls due if every proposal is approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Money {
    /// Paid without a person, restated payments not counted twice.
    pub paid: Amounts,
    /// Promised for when the goods are back.
    pub promised: Amounts,
    /// Proposed to a person.
    pub proposed: Amounts,
}

impl Money {
    /// The money of a decision; of what waits, `restated` fen of the refund are on record already and are not paid anew.
    pub fn of(due: Due, amounts: Amounts, counted: Amounts, restated: i64) -> Self {
        let open = Amounts { refund: amounts.refund.saturating_sub(restated.max(0)).max(0), ..amounts };
        match due {
            Due::Now => Self { paid: counted, ..Self::default() },
            Due::Later => Self { promised: open, ..Self::default() },
            Due::Proposal => Self { proposed: open, ..Self::default() },
        }
    }

    /// What stands without a person: paid and promised, refund and goodwill together.
    pub fn standing(&self) -> i64 {
        total(&self.paid).saturating_add(total(&self.promised))
    }

    /// What waits for a person.
    pub fn waiting(&self) -> i64 {
        total(&self.proposed)
    }

    /// What falls due if every proposal is approved as it is.
    pub fn if_approved(&self) -> i64 {
        self.standing().saturating_add(self.waiting())
    }
}

fn total(amounts: &Amounts) -> i64 {
    amounts.refund.saturating_add(amounts.goodwill())
}

impl Sum for Money {
    fn add(&mut self, other: Self) {
        for (own, others) in [(&mut self.paid, other.paid), (&mut self.promised, other.promised), (&mut self.proposed, other.proposed)] {
            // Amounts are never negative, so that saturating sums are the same in every order.
            own.refund = own.refund.saturating_add(others.refund);
            own.cash = own.cash.saturating_add(others.cash);
            own.coupon = own.coupon.saturating_add(others.coupon);
        }
    }
}

/// What a decision came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// The outcome's wire name.
    pub outcome: String,
    /// The rule that decided.
    pub rule: String,
    /// Its money.
    pub money: Money,
    /// What the guardrail did.
    pub guardrail: ReviewResult,
    /// What the caps did.
    pub caps: CapResult,
    /// Why a fallback stands, if it does.
    pub fault: Option<FaultCode>,
}

impl Stand {
    /// Of a decision just made.
    pub fn of(decision: &Decision) -> Self {
        let heads = decision.reasons.iter().map(|reason| ReasonHead { rule: &reason.rule, by: reason.by, severity: reason.severity });
        let rule = deciding(decision.kind, decision.guardrail, decision.caps.result, heads).and_then(|at| decision.reasons.get(at));
        Self {
            outcome: decision.outcome.clone(),
            rule: clipped(rule.map_or(NO_RULE, |reason| &reason.rule)),
            money: Money::of(decision.due, decision.amounts, decision.caps.counted, sum(&decision.caps.restated)),
            guardrail: decision.guardrail,
            caps: decision.caps.result,
            fault: decision.fault.as_ref().map(|fault| fault.code),
        }
    }
}

/// A decision as recorded: what it came to, and what it stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What it came to.
    pub stand: Stand,
    /// What it pays, promises or proposes, payment by payment.
    pub stated: Stated,
    /// The highest tier of delay that it awards; none where it awards nothing.
    pub tier: Option<Tier>,
}

impl Recorded {
    /// Of a decision body of a case. Only what is compared is read: a body is long, and a million of them are read.
    ///
    /// # Errors
    /// The text is no decision body.
    pub fn read(case: &Case, body: &str) -> serde_json::Result<Self> {
        let part: Part<'_> = serde_json::from_str(body)?;
        let heads = part.reasons.iter().map(|reason| ReasonHead { rule: &reason.rule, by: reason.by, severity: reason.severity });
        let rule = deciding(part.kind, part.guardrail, part.caps.result, heads).and_then(|at| part.reasons.get(at));
        let awards = &part.ruling.awards;
        let awarded = awards.iter().map(|award| Awarded { episode: &award.episode_id, form: award.form, value: award.value });
        Ok(Self {
            tier: awards.iter().map(|award| award.tier).max(),
            stand: Stand {
                rule: clipped(rule.map_or(NO_RULE, |reason| &reason.rule)),
                outcome: part.outcome,
                money: Money::of(part.due, part.amounts, part.caps.counted, sum(&part.caps.restated)),
                guardrail: part.guardrail,
                caps: part.caps.result,
                fault: part.fault.map(|fault| fault.code),
            },
            stated: Stated { due: part.due, intents: payments(case, part.amounts.refund, awarded), on_record: part.caps.restated },
        })
    }
}

impl Stated {
    /// What a decision just made pays, promises or proposes.
    pub fn of(case: &Case, decision: &Decision) -> Self {
        Self { due: decision.due, intents: intents(case, &decision.ruling), on_record: decision.caps.restated.clone() }
    }
}

/// What is on record of all intents that may be stated again, in fen.
fn sum(restated: &[Restated]) -> i64 {
    restated.iter().fold(0, |sum: i64, own| sum.saturating_add(own.amount))
}

fn clipped(rule: &str) -> String {
    let end = (0..=RULE_BYTES_MAX.min(rule.len())).rev().find(|at| rule.is_char_boundary(*at)).unwrap_or(0);
    rule.get(..end).unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
struct Part<'a> {
    kind: Kind,
    outcome: String,
    due: Due,
    amounts: Amounts,
    #[serde(borrow)]
    reasons: Vec<ReasonPart<'a>>,
    guardrail: ReviewResult,
    caps: CapsPart,
    #[serde(default)]
    fault: Option<FaultPart>,
    #[serde(borrow)]
    ruling: RulingPart<'a>,
}

#[derive(Deserialize)]
struct RulingPart<'a> {
    #[serde(borrow, default)]
    awards: Vec<AwardPart<'a>>,
}

#[derive(Deserialize)]
struct AwardPart<'a> {
    #[serde(borrow)]
    episode_id: std::borrow::Cow<'a, str>,
    tier: Tier,
    form: CompForm,
    value: i64,
}

#[derive(Deserialize)]
struct ReasonPart<'a> {
    #[serde(borrow)]
    rule: std::borrow::Cow<'a, str>,
    by: ReasonBy,
    severity: Severity,
}

#[derive(Deserialize)]
struct CapsPart {
    result: CapResult,
    counted: Amounts,
    #[serde(default)]
    restated: Vec<Restated>,
}

#[derive(Deserialize)]
struct FaultPart {
    code: FaultCode,
}
