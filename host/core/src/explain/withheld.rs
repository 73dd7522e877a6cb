//! What is taken off a refund, and who bears the freight of sending goods back: a sentence each.

use ombud_rules::contract::after_sale::{Outcome, Payer};

use super::recorded::RecordedDecision;
use crate::chain::{ReasonBy, ReviewResult};
use crate::messages::Locale;
use crate::money::Due;
use crate::ruling::Ruling;

/// The amount rules that take something off (domain policies 5.1.3), each with what it took.
const FROM_REFUND: [(&str, &str, &str); 6] = [
    (
        "AS-802",
        "退货后订单不再满足包邮条件，退款中已扣除相应运费。",
        "With this return the order no longer ships free, so the freight it would have cost is taken off the refund.",
    ),
    (
        "AS-803",
        "退货后订单不再满足满减条件，满减优惠不再适用，保留的商品按购买时的单价结算。",
        "With this return the order no longer reaches the discount's threshold: the discount is withdrawn, and what you keep is settled at its own price.",
    ),
    (
        "AS-804",
        "套装未整套退回，套装优惠不再适用，保留的商品按购买时的单价结算。",
        "Part of a bundle is kept: the bundle's discount is withdrawn, and what you keep is settled at its own price.",
    ),
    (
        "AS-805",
        "随商品赠送的赠品未退回，退款中已扣除赠品的标示价格。",
        "A gift that came with the goods was kept, so its marked price is taken off the refund.",
    ),
    ("AS-808", "退款中已扣除支付手续费。", "The fee of the payment is taken off the refund."),
    (
        "AS-809",
        "应扣除的金额不低于退回商品的价款，因此没有应退的款项。",
        "What is taken off is no less than what the goods cost, so no money is to be refunded.",
    ),
];

/// What is taken off the refund that stands: by the policy's rules, where the guardrail left the ruling as it was.
pub(super) fn from_refund(recorded: &RecordedDecision, locale: Locale) -> Vec<String> {
    let decision = &recorded.decision;
    let is_own =
        matches!(decision.ruling, Ruling::AfterSale(_)) && !matches!(decision.guardrail, ReviewResult::Amend | ReviewResult::Escalate);
    if !is_own || decision.due == Due::Proposal {
        return Vec::new();
    }
    let joined = |rule: &str| decision.reasons.iter().any(|reason| reason.by == ReasonBy::Policy && reason.rule == rule);
    let said = FROM_REFUND.iter().filter(|(rule, _, _)| joined(rule));
    said.map(|(_, zh, en)| (if locale == Locale::ZhCn { *zh } else { *en }).to_owned()).collect()
}

/// Who bears the freight of an approved return.
pub(super) fn freight(recorded: &RecordedDecision, locale: Locale) -> Vec<String> {
    let Ruling::AfterSale(ruling) = &recorded.decision.ruling else { return Vec::new() };
    if ruling.outcome != Outcome::ApproveReturnRefund || recorded.decision.outcome != ruling.outcome.as_str() {
        return Vec::new();
    }
    let (zh, en) = match ruling.return_freight {
        Payer::Buyer => ("寄回商品的运费由您承担。", "You bear the freight of sending the goods back."),
        Payer::Merchant => ("寄回商品的运费由本店承担。", "The shop bears the freight of sending the goods back."),
        Payer::Insurer => ("寄回商品的运费由运费险承担。", "The freight insurance bears the freight of sending the goods back."),
        Payer::Carrier => ("寄回商品的运费由快递公司承担。", "The carrier bears the freight of sending the goods back."),
        Payer::NotApplicable => return Vec::new(),
    };
    vec![(if locale == Locale::ZhCn { zh } else { en }).to_owned()]
}
