//! Outcomes in the words of a customer. A reply's verdict is about a colleague's draft and has none.

use crate::kind::Kind;
use crate::messages::Locale;

const AFTER_SALE: &[(&str, &str, &str)] = &[
    ("approve-refund-only", "您的退款申请已通过", "Your refund is approved"),
    ("approve-return-refund", "您的退货退款申请已通过", "Your return and refund is approved"),
    ("approve-exchange", "您的换货申请已通过", "Your exchange is approved"),
    ("approve-repair", "您的维修申请已通过", "Your repair is approved"),
    ("approve-resend", "我们将为您补寄", "The missing part will be sent"),
    ("approve-partial-refund", "您的部分退款申请已通过", "A refund of the damaged share is approved"),
    ("refund-now", "现为您办理退款", "Your refund is made now"),
    ("offer-options", "您可以选择处理方式", "You may choose how this is settled"),
    ("intercept-then-refund", "正在拦截包裹，随后为您退款", "The parcel is being intercepted, the refund follows"),
    ("investigate", "正在核实物流情况", "The delivery is being investigated"),
    ("need-evidence", "需要您补充资料", "More information is needed from you"),
    ("reject", "您的申请未通过", "Your request was not approved"),
    ("reject-with-alternative", "您的申请未通过，我们提供了其他处理方式", "Your request was not approved; an alternative is offered"),
    ("reject-duplicate", "该商品已在其他售后单中处理", "This item is handled in another case"),
    ("human-review", "您的申请正在由人工复核", "A person is reviewing your request"),
    ("escalate", "您的申请已交由主管处理", "A supervisor is handling your request"),
    ("invalid-input", "您的申请与订单信息不一致，暂未受理", "Your request does not agree with the order and was not handled yet"),
];

const DELAY: &[(&str, &str, &str)] = &[
    ("none", "本次延误没有新增补偿", "There is no further compensation for this delay"),
    ("care-only", "我们正在加急处理您的订单", "Your order is being expedited"),
    ("compensate", "已为本次延误给予补偿", "You are compensated for this delay"),
    ("compensate-with-approval", "本次延误的补偿正在由人工确认", "A person is confirming the compensation for this delay"),
    ("human-review", "本次延误正在由人工复核", "A person is reviewing this delay"),
    ("escalate", "本次延误已交由主管处理", "A supervisor is handling this delay"),
];

const BLACKLIST: &[(&str, &str, &str)] = &[
    ("execute", "我们对您的部分服务作出了限制", "Some services were restricted for you"),
    ("execute-deferred", "我们将对您的部分服务作出限制", "Some services will be restricted for you"),
    ("closed", "对您的限制已经结束", "The restriction has ended"),
    ("appeal-dismissed", "您的申诉未获支持，原限制继续有效", "Your appeal was not granted, the restriction stays"),
];

/// What a person made of a decision, beside the outcomes themselves.
const BY_PERSON: &[(&str, &str, &str)] = &[("cancelled", "该处理已撤销", "The decision was taken back")];

/// Nothing was decided against or for the customer.
const INTERNAL: (&str, &str) = ("这是内部处理步骤，没有对您作出任何决定", "This is an internal step; nothing was decided about you");

/// An outcome in words.
pub(super) fn words(kind: Kind, outcome: &str, locale: Locale) -> &'static str {
    let of = |table: &'static [(&'static str, &'static str, &'static str)]| {
        table.iter().find(|(name, _, _)| *name == outcome).map(|(_, zh, en)| (*zh, *en))
    };
    let own = match kind {
        Kind::AfterSale => of(AFTER_SALE),
        Kind::Delay => of(DELAY),
        Kind::Blacklist => of(BLACKLIST),
        Kind::Reply => None,
    };
    let (zh, en) = own.or_else(|| of(BY_PERSON)).unwrap_or(INTERNAL);
    match locale {
        Locale::ZhCn => zh,
        Locale::En => en,
    }
}

/// Whether an outcome is the customer's business.
pub(super) fn concerns_customer(kind: Kind, outcome: &str) -> bool {
    words(kind, outcome, Locale::En) != INTERNAL.1
}

/// Every outcome with words; for the tests of the words.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (Kind, &'static str)> {
    [(Kind::AfterSale, AFTER_SALE), (Kind::Delay, DELAY), (Kind::Blacklist, BLACKLIST)]
        .into_iter()
        .flat_map(|(kind, table)| table.iter().map(move |(outcome, _, _)| (kind, *outcome)))
}
