//! What a case expects, and the comparison with an answer.
//!
//! `rules`, `missing`, `missing-evidence`, `approvals` and `alerts` are exact sets; `obligations` are at least these;
//! `order` and `options` are exact lists; `spans` and `template` must be among those given (golden.md 6.1).

use ombud_rules::contract::after_sale::{AfterSaleRuling, Outcome as AfterSaleOutcome, Payer, RequestKind};
use ombud_rules::contract::blacklist::{BlacklistRuling, Outcome as BlacklistOutcome};
use ombud_rules::contract::delay::{DelayRuling, Outcome as DelayOutcome, Tier};
use ombud_rules::contract::reply::{Action, ReplyRuling, Verdict};
use ombud_rules::contract::types::{CustomerMeasure, Fen, InstantMs, Notes, Role};
use ombud_rules::review::Review;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::caps::CapsResult;
use super::difference::Differences;
use super::fixture::optional_instant;
use super::{Answer, Caps, Difference, Given};

/// What must come out of a case; one variant for each of [`Given`].
#[derive(Clone, Debug)]
pub enum Expect {
    Ruling(RulingExpect),
    Review(ReviewExpect),
    Caps(CapsExpect),
    /// Expectations of a kind this version does not decide.
    Skipped,
}

/// Expected fields of a ruling; `None` = not asserted.
#[derive(Clone, Debug)]
pub enum RulingExpect {
    AfterSale(AfterSaleExpect),
    Delay(DelayExpect),
    Blacklist(BlacklistExpect),
    Reply(ReplyExpect),
}

/// Expected answer of a guardrail.
#[derive(Clone, Debug)]
pub struct ReviewExpect {
    pub review: ReviewVerdict,
    /// The exact set of guardrail rules that fired.
    pub rules: Option<Vec<String>>,
    /// Fields of the amended ruling.
    pub ruling: Option<RulingExpect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewVerdict {
    Uphold,
    Amend,
    Escalate,
}

/// Expected answer of the caps.
#[derive(Clone, Debug)]
pub struct CapsExpect {
    pub result: CapsResult,
    pub caps: Option<Vec<String>>,
    /// Refund after the caps, in fen.
    pub refund: Option<Fen>,
}

/// Fields of the notes that every kind may assert.
macro_rules! expectation {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name {
            $($(#[$field_meta])* pub $field: Option<$type>,)+
            pub rules: Option<Vec<String>>,
            pub obligations: Option<Vec<String>>,
            /// Roles asked to approve.
            pub approvals: Option<Vec<Role>>,
            pub alerts: Option<Vec<String>>,
            /// Key of a customer message.
            pub template: Option<String>,
        }

        impl $name {
            fn check_notes(&self, notes: &Notes, out: &mut Differences) {
                let actions: Vec<String> = notes.obligations.iter().map(|one| one.action.clone()).collect();
                out.among("obligations", self.obligations.as_deref().unwrap_or_default(), &actions);
                let approvals = self.approvals.as_ref().map(|roles| roles.iter().map(ToString::to_string).collect());
                out.set("approvals", approvals.as_ref(), notes.approvals.iter().map(|one| one.role.as_str()));
                out.set("alerts", self.alerts.as_ref(), notes.alerts.iter().map(|one| one.code.as_str()));
                let keys: Vec<String> = notes.messages.iter().map(|one| one.key.clone()).collect();
                out.among("template", self.template.as_slice(), &keys);
            }
        }
    };
}

expectation! { AfterSaleExpect {
    outcome: AfterSaleOutcome,
    options: Vec<RequestKind>,
    refund: Fen,
    /// Code to amount, exactly these.
    breakdown: BTreeMap<String, Fen>,
    return_freight: Payer,
    #[serde(deserialize_with = "optional_instant")]
    window_deadline: InstantMs,
    #[serde(deserialize_with = "optional_instant")]
    refund_deadline: InstantMs,
    statutory_exposure: Fen,
    missing_evidence: Vec<String>,
} }

expectation! { DelayExpect {
    outcome: DelayOutcome,
    cash: Fen,
    coupon: Fen,
    refund_due: Fen,
    /// Tier of the first award.
    tier: Tier,
    /// `processing-order`.
    order: Vec<String>,
} }

expectation! { BlacklistExpect {
    outcome: BlacklistOutcome,
    measure: CustomerMeasure,
    next_role: Role,
    missing: Vec<String>,
    /// `review-by` in days from now.
    review_in_d: i64,
} }

expectation! { ReplyExpect {
    verdict: Verdict,
    masked: String,
    spans: Vec<Span>,
} }

/// Rule, start, end in Unicode scalar values of the original text, half-open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(pub String, pub u32, pub u32);

pub(super) fn check(expect: &Expect, given: &Given, answer: &Answer<'_>) -> Vec<Difference> {
    match (expect, given, answer) {
        (Expect::Ruling(expect), Given::AfterSale(..), Answer::AfterSale(ruling)) => ruling.check(expect, given, ""),
        (Expect::Ruling(expect), Given::Delay(..), Answer::Delay(ruling)) => ruling.check(expect, given, ""),
        (Expect::Ruling(expect), Given::Blacklist(..), Answer::Blacklist(ruling)) => ruling.check(expect, given, ""),
        (Expect::Ruling(expect), Given::Reply(..), Answer::Reply(ruling)) => ruling.check(expect, given, ""),
        (Expect::Review(expect), Given::ReviewAfterSale(..), Answer::ReviewAfterSale(review)) => expect.check(*review, given),
        (Expect::Review(expect), Given::ReviewDelay(..), Answer::ReviewDelay(review)) => expect.check(*review, given),
        (Expect::Review(expect), Given::ReviewBlacklist(..), Answer::ReviewBlacklist(review)) => expect.check(*review, given),
        (Expect::Review(expect), Given::ReviewReply(..), Answer::ReviewReply(review)) => expect.check(*review, given),
        (Expect::Caps(expect), Given::Caps(_), Answer::Caps(caps)) => expect.check(caps),
        _ => wrong_kind(),
    }
}

fn wrong_kind() -> Vec<Difference> {
    vec![Difference {
        field: "kind".to_owned(),
        expected: "an answer of the case's kind".to_owned(),
        got: "one of another kind".to_owned(),
    }]
}

/// A ruling of the contract, as a comparison needs it.
trait Checked {
    fn check(&self, expect: &RulingExpect, given: &Given, prefix: &'static str) -> Vec<Difference>;
}

impl Checked for AfterSaleRuling {
    fn check(&self, expect: &RulingExpect, _: &Given, prefix: &'static str) -> Vec<Difference> {
        let RulingExpect::AfterSale(expect) = expect else { return wrong_kind() };
        let mut out = Differences::new(prefix);
        out.value("outcome", expect.outcome.as_ref(), &self.outcome);
        out.list("options", expect.options.as_ref(), &self.options);
        out.value("refund", expect.refund.as_ref(), &self.refund);
        out.value("breakdown", expect.breakdown.as_ref(), &self.breakdown.iter().map(|line| (line.code.clone(), line.amount)).collect());
        out.value("return-freight", expect.return_freight.as_ref(), &self.return_freight);
        out.value("window-deadline", expect.window_deadline.map(Some).as_ref(), &self.window_deadline);
        out.value("refund-deadline", expect.refund_deadline.map(Some).as_ref(), &self.refund_deadline);
        out.value("statutory-exposure", expect.statutory_exposure.map(Some).as_ref(), &self.statutory_exposure);
        out.set("missing-evidence", expect.missing_evidence.as_ref(), &self.missing_evidence);
        out.set("rules", expect.rules.as_ref(), self.notes.reasons.iter().map(|reason| &reason.rule));
        expect.check_notes(&self.notes, &mut out);
        out.found
    }
}

impl Checked for DelayRuling {
    fn check(&self, expect: &RulingExpect, _: &Given, prefix: &'static str) -> Vec<Difference> {
        let RulingExpect::Delay(expect) = expect else { return wrong_kind() };
        let mut out = Differences::new(prefix);
        out.value("outcome", expect.outcome.as_ref(), &self.outcome);
        out.value("cash", expect.cash.as_ref(), &self.total_cash);
        out.value("coupon", expect.coupon.as_ref(), &self.total_coupon);
        out.value("refund-due", expect.refund_due.as_ref(), &self.total_refund_due);
        out.value("tier", expect.tier.map(Some).as_ref(), &self.awards.first().map(|award| award.tier));
        out.list("order", expect.order.as_ref(), &self.processing_order);
        out.set("rules", expect.rules.as_ref(), self.notes.reasons.iter().map(|reason| &reason.rule));
        expect.check_notes(&self.notes, &mut out);
        out.found
    }
}

impl Checked for BlacklistRuling {
    fn check(&self, expect: &RulingExpect, given: &Given, prefix: &'static str) -> Vec<Difference> {
        let RulingExpect::Blacklist(expect) = expect else { return wrong_kind() };
        let now = match given {
            Given::Blacklist(context, _) | Given::ReviewBlacklist(context, _, _) => context.now,
            _ => return wrong_kind(),
        };
        let mut out = Differences::new(prefix);
        out.value("outcome", expect.outcome.as_ref(), &self.outcome);
        out.value("measure", expect.measure.as_ref(), &self.measure);
        out.value("next-role", expect.next_role.map(Some).as_ref(), &self.next_role);
        out.set("missing", expect.missing.as_ref(), &self.missing);
        let review_by = expect.review_in_d.map(|days| Some(now + days * ombud_rules::civil::DAY_MS));
        out.value("review-by", review_by.as_ref(), &self.review_by);
        out.set("rules", expect.rules.as_ref(), self.notes.reasons.iter().map(|reason| &reason.rule));
        expect.check_notes(&self.notes, &mut out);
        out.found
    }
}

impl Checked for ReplyRuling {
    fn check(&self, expect: &RulingExpect, _: &Given, prefix: &'static str) -> Vec<Difference> {
        let RulingExpect::Reply(expect) = expect else { return wrong_kind() };
        let mut out = Differences::new(prefix);
        out.value("verdict", expect.verdict.as_ref(), &self.verdict);
        out.value("masked", expect.masked.as_ref(), &self.masked_text);
        // "for replies: findings whose action is not none"
        let counted: Vec<_> = self.findings.iter().filter(|finding| finding.action != Action::None).collect();
        out.set("rules", expect.rules.as_ref(), counted.iter().map(|finding| &finding.rule));
        let spans: Vec<Span> = self.findings.iter().map(|finding| Span(finding.rule.clone(), finding.start, finding.end)).collect();
        out.among("spans", expect.spans.as_deref().unwrap_or_default(), &spans);
        expect.check_notes(&self.notes, &mut out);
        out.found
    }
}

impl ReviewExpect {
    fn check<R: Checked>(&self, review: &Review<R>, given: &Given) -> Vec<Difference> {
        let (verdict, reasons, ruling) = match review {
            Review::Uphold => (ReviewVerdict::Uphold, &[][..], None),
            Review::Amend { ruling, reasons } => (ReviewVerdict::Amend, reasons.as_slice(), Some(ruling)),
            Review::Escalate(reasons) => (ReviewVerdict::Escalate, reasons.as_slice(), None),
        };
        let mut out = Differences::new("");
        out.value("review", Some(&self.review), &verdict);
        out.set("rules", self.rules.as_ref(), reasons.iter().map(|reason| &reason.rule));
        // Where no ruling came back, the difference in `review` says so already.
        if let (Some(expect), Some(ruling)) = (&self.ruling, ruling) {
            out.found.extend(ruling.check(expect, given, "ruling."));
        }
        out.found
    }
}

impl CapsExpect {
    fn check(&self, caps: &Caps) -> Vec<Difference> {
        let mut out = Differences::new("");
        out.value("result", Some(&self.result), &caps.result);
        out.set("caps", self.caps.as_ref(), &caps.caps);
        out.value("ruling.refund", self.refund.as_ref(), &caps.refund);
        out.found
    }
}
