//! The money of a decision in the words of a customer: what is paid, promised, offered or proposed, and why it is less than was asked for.

use ombud_rules::contract::{after_sale, delay};

use super::outcomes::Told;
use super::recorded::RecordedDecision;
use super::text::yuan;
use super::{ActOf, PersonAct};
use crate::caps::{BALANCE, CURRENCY, CapResult};
use crate::case::Case;
use crate::kind::Kind;
use crate::messages::Locale;
use crate::money::{Amounts, Due, due_of};
use crate::ruling::Ruling;

/// What goes back in kind, by the code of its line in a breakdown.
const IN_KIND: [(&str, &str, &str); 2] =
    [("points-in-kind", "退回积分折合", "points worth"), ("merchant-coupon-in-kind", "退回店铺优惠券折合", "shop coupons worth")];

/// The money of a decision; none where there is none, or where what is told of it names none.
pub(super) fn of_decision(recorded: &RecordedDecision, told: Told<'_>, locale: Locale) -> Option<String> {
    let decision = &recorded.decision;
    // What was paid before is no proposal: nobody knows yet whether anything is due.
    if told == Told::PaidBefore {
        return None;
    }
    let in_kind = match &decision.ruling {
        Ruling::AfterSale(ruling) if decision.due != Due::Proposal => {
            let of = |code: &str| ruling.breakdown.iter().filter(|line| line.code == code).map(|line| line.amount).sum::<i64>();
            IN_KIND.map(|(code, zh, en)| (of(code), zh, en)).to_vec()
        }
        _ => Vec::new(),
    };
    money(decision.kind, &decision.outcome, &decision.amounts, &in_kind, &decision.currency, locale)
}

/// The money that stands since a person's act.
pub(super) fn of_act(kind: Kind, act: &PersonAct, currency: &str, locale: Locale) -> Option<String> {
    if act.act == ActOf::Cancel { None } else { money(kind, &act.outcome, &act.amounts, &[], currency, locale) }
}

/// An amount as the language writes it.
fn sum(fen: i64, currency: &str, locale: Locale) -> String {
    match locale {
        _ if currency != CURRENCY => format!("{} {currency}", yuan(fen)),
        Locale::ZhCn => format!("{}元", yuan(fen)),
        Locale::En => format!("¥{}", yuan(fen)),
    }
}

fn money(kind: Kind, outcome: &str, amounts: &Amounts, in_kind: &[(i64, &str, &str)], currency: &str, locale: Locale) -> Option<String> {
    let own =
        [(amounts.refund, "退款", "refund"), (amounts.cash, "补偿", "compensation"), (amounts.coupon, "优惠券或赠品", "coupon or gift")];
    let parts: Vec<String> = own
        .iter()
        .chain(in_kind)
        .filter(|(fen, _, _)| *fen > 0)
        .map(|(fen, zh, en)| match locale {
            Locale::ZhCn => format!("{zh}{}", sum(*fen, currency, locale)),
            Locale::En => format!("{en} {}", sum(*fen, currency, locale)),
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let (zh, en) = condition(kind, outcome)?;
    Some(match locale {
        Locale::ZhCn => format!("{zh}{}", parts.join("，")),
        Locale::En => format!("{en}{}", parts.join(", ")),
    })
}

/// On what the money of an outcome depends, in both languages; none where no money follows from it, whatever the ruling names.
fn condition(kind: Kind, outcome: &str) -> Option<(&'static str, &'static str)> {
    use after_sale::Outcome as A;
    let is = |own: A| kind == Kind::AfterSale && outcome == own.as_str();
    match due_of(kind, outcome) {
        Due::Now => Some(("", "")),
        Due::Later if is(A::InterceptThenRefund) => Some(("拦截成功或包裹退回后：", "once the parcel is stopped or back: ")),
        Due::Later => Some(("收到退回商品后：", "once the goods are back: ")),
        Due::Proposal if is(A::OfferOptions) => Some(("如您选择退款：", "if you choose a refund: ")),
        Due::Proposal => {
            let waits = [A::HumanReview, A::Escalate].map(A::as_str).contains(&outcome);
            let waits = waits || outcome == delay::Outcome::CompensateWithApproval.as_str();
            waits.then_some(("建议金额（以人工确认为准）：", "proposed, to be confirmed by a person: "))
        }
    }
}

/// Why the money is less than was asked for, or than it seems: the first of a decision's sentences on money.
pub(super) fn notes(recorded: &RecordedDecision, told: Told<'_>, locale: Locale) -> Vec<String> {
    let decision = &recorded.decision;
    let say = |zh: String, en: String| if locale == Locale::ZhCn { zh } else { en };
    let own = |fen: i64| sum(fen, &decision.currency, locale);
    let refund = decision.amounts.refund;
    let mut notes = Vec::new();
    if decision.due == Due::Proposal && told != Told::NothingLeft {
        return notes;
    }
    // The greater amounts are not named: what is sent promises no more than what is paid (RC-606).
    if lowered(recorded) && told != Told::NothingLeft {
        notes.push(match refund {
            0 => say("所涉商品已没有可退的金额，本次不再退款。".into(), "Nothing is left to refund of these goods.".into()),
            _ => say(
                format!("退款以所涉商品尚可退的金额为限，因此为{}，少于原先的核算。", own(refund)),
                format!("A refund is limited to what is left to refund of these goods: it is {}, less than first computed.", own(refund)),
            ),
        });
    }
    if refund > 0 && asked(recorded).is_some_and(|asked| asked > refund) {
        notes.push(say(
            format!("按规则核算的退款为{}，少于您申请的金额。", own(refund)),
            format!("By the rules the refund is {}, less than you asked for.", own(refund)),
        ));
    }
    let again = if decision.due == Due::Now && decision.caps.result != CapResult::Escalate {
        refund.saturating_sub(decision.caps.counted.refund).max(0)
    } else {
        0
    };
    if again > 0 {
        let part = own(again);
        notes.push(match again == refund {
            true => say("这笔退款此前已经决定，不会重复支付。".into(), "This refund was decided before; it is not paid twice.".into()),
            false => say(
                format!("其中{part}此前已经决定退还，不会重复支付。"),
                format!("Of the refund {part} was decided before and is not paid twice."),
            ),
        });
    }
    notes
}

/// Whether less is paid than was asked for or computed first.
pub(super) fn is_less(recorded: &RecordedDecision) -> bool {
    let decision = &recorded.decision;
    // What waits for a person is not decided yet.
    decision.due != Due::Proposal && (lowered(recorded) || asked(recorded).is_some_and(|asked| asked > decision.amounts.refund))
}

/// Whether a refund was lowered to what is left (CAP-01).
pub(super) fn lowered(recorded: &RecordedDecision) -> bool {
    recorded.decision.caps.breaches.iter().any(|mark| mark.cap == BALANCE)
}

/// What the customer asked for, in fen.
const fn asked(recorded: &RecordedDecision) -> Option<i64> {
    match &recorded.case {
        Some(Case::AfterSale(case)) => case.requested_amount,
        _ => None,
    }
}
