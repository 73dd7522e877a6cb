//! Which of a decision's reasons decided it: the cap's where a cap escalated, the guardrail's where it changed the ruling,
//! else the policy's first that does more than join.

use ombud_rules::contract::types::Severity;

use crate::caps::{BALANCE, CapResult};
use crate::chain::{ReasonBy, ReviewResult};
use crate::kind::Kind;

/// Rules that join a ruling and do not decide it: the `+` rows of the default policies (domain policies 5.1 to 5.3) and the
/// amount rules.
const JOINING: [&str; 20] = [
    "AS-104", "AS-312", "AS-401", "AS-409", "AS-411", "AS-421", "AS-422", "AS-423", "AS-80", "AS-810", "DC-005", "DC-050", "DC-060",
    "DC-061", "DC-062", "DC-070", "DC-081", "DC-082", "DC-090", "BL-040",
];

/// What is read of one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonHead<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Who gave it.
    pub by: ReasonBy,
    /// How grave.
    pub severity: Severity,
}

/// The place of the reason that decided; none where there is no reason.
pub fn deciding<'a, I>(kind: Kind, guardrail: ReviewResult, caps: CapResult, reasons: I) -> Option<usize>
where
    I: Iterator<Item = ReasonHead<'a>> + Clone,
{
    let first_by = |by: ReasonBy| reasons.clone().position(|reason| reason.by == by);
    if caps == CapResult::Escalate {
        // CAP-01 lowers an amount: where another cap stands beside it, that one escalated.
        let escalates = |reason: ReasonHead<'_>| reason.by == ReasonBy::Host && reason.rule != BALANCE;
        return reasons.clone().position(escalates).or_else(|| first_by(ReasonBy::Host));
    }
    if matches!(guardrail, ReviewResult::Amend | ReviewResult::Escalate) {
        return first_by(ReasonBy::Guardrail);
    }
    if kind == Kind::Reply {
        // Every finding counts there; the gravest decides the verdict, the first of them where several are.
        let mut gravest: Option<(usize, Severity)> = None;
        for (at, reason) in reasons.enumerate() {
            if gravest.is_none_or(|(_, severity)| reason.severity > severity) {
                gravest = Some((at, reason.severity));
            }
        }
        return gravest.map(|(at, _)| at);
    }
    let joins = |reason: &ReasonHead<'_>| JOINING.iter().any(|rule| reason.rule.starts_with(rule));
    reasons.clone().position(|reason| !joins(&reason)).or_else(|| reasons.clone().next().map(|_| 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn head(rule: &str, by: ReasonBy, severity: Severity) -> ReasonHead<'_> {
        ReasonHead { rule, by, severity }
    }

    #[test]
    fn what_joins_does_not_decide_and_the_last_word_wins() {
        let reasons = [
            head("AS-401", ReasonBy::Policy, Severity::Info),
            head("AS-402", ReasonBy::Policy, Severity::Low),
            head("GR-101", ReasonBy::Guardrail, Severity::High),
            head("CAP-11", ReasonBy::Host, Severity::High),
        ];
        let rule = |guardrail, caps| deciding(Kind::AfterSale, guardrail, caps, reasons.into_iter()).map(|at| reasons[at].rule);
        assert_eq!(rule(ReviewResult::Uphold, CapResult::Uphold), Some("AS-402"));
        assert_eq!(rule(ReviewResult::Amend, CapResult::Uphold), Some("GR-101"));
        assert_eq!(rule(ReviewResult::Amend, CapResult::Escalate), Some("CAP-11"));
        let lowered = [reasons[1], head("CAP-01", ReasonBy::Host, Severity::High), head("CAP-22", ReasonBy::Host, Severity::High)];
        let decided = |caps| deciding(Kind::AfterSale, ReviewResult::Uphold, caps, lowered.into_iter()).map(|at| lowered[at].rule);
        assert_eq!((decided(CapResult::Escalate), decided(CapResult::Amend)), (Some("CAP-22"), Some("AS-402")));
        let joining = reasons.into_iter().take(1);
        assert_eq!(deciding(Kind::AfterSale, ReviewResult::Uphold, CapResult::Uphold, joining), Some(0));
        assert_eq!(deciding(Kind::AfterSale, ReviewResult::Uphold, CapResult::Uphold, [].into_iter()), None);
    }

    #[test]
    fn the_first_of_the_gravest_findings_decides_a_reply() {
        let reasons = [
            head("RC-801", ReasonBy::Policy, Severity::Low),
            head("RC-301", ReasonBy::Policy, Severity::High),
            head("RC-602", ReasonBy::Policy, Severity::High),
        ];
        assert_eq!(deciding(Kind::Reply, ReviewResult::Uphold, CapResult::Uphold, reasons.into_iter()), Some(1));
    }
}
