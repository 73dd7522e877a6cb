//! Outcomes in the words of a customer. A reply's verdict is about a colleague's draft and has none.

use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling, Outcome, Stage};
use ombud_rules::contract::types::CustomerMeasure;

use crate::kind::Kind;
use crate::measure::{Effect, effect, is_approved};
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

/// What became of the measure is told by [`Told`], where the request on record says it.
const BLACKLIST: &[(&str, &str, &str)] = &[
    ("execute", "我们对您的部分服务作出了限制", "Some services were restricted for you"),
    ("execute-deferred", "我们将对您的部分服务作出限制", "Some services will be restricted for you"),
    ("closed", "该事项已经处理完毕", "The matter was closed"),
    ("appeal-dismissed", "您的申诉未获支持，原限制继续有效", "Your appeal was not granted, the restriction stays"),
    ("cancelled", "您的申诉已撤回，原限制继续有效", "Your appeal was withdrawn, the restriction stays"),
];

/// What a decision means for the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// What its outcome says.
    Outcome(&'a str),
    /// Nothing was decided against or for the customer.
    Nothing,
    /// A lesser measure was proposed; whether it came into force is not known any more.
    Proposed,
    /// A measure came into force.
    Measure(CustomerMeasure),
    /// A measure ended.
    Ended(CustomerMeasure),
    /// A measure stays as it was.
    Stays(CustomerMeasure),
    /// A measure stays until a person has decided on the appeal against it.
    Appealed(CustomerMeasure),
}

impl<'a> Told<'a> {
    /// Of a decision on a blacklist request.
    pub(super) fn on_request(request: &BlacklistCase, ruling: &'a BlacklistRuling) -> Self {
        match (effect(request, ruling, request.current_measure), ruling.outcome) {
            (Effect::Puts(CustomerMeasure::Blacklisted), outcome) => Self::Outcome(outcome.as_str()),
            (Effect::Puts(measure), _) => Self::Measure(measure),
            (Effect::Lifts(measure), _) => Self::Ended(measure),
            (Effect::Leaves(measure), Outcome::Escalate) if request.stage == Stage::Appealed => Self::Appealed(measure),
            (Effect::Leaves(measure), Outcome::Closed | Outcome::Execute | Outcome::ExecuteDeferred) => Self::Stays(measure),
            (Effect::Leaves(measure), Outcome::RecommendMark | Outcome::RecommendRestrict) if is_approved(request) => Self::Stays(measure),
            _ => Self::Nothing,
        }
    }

    /// Of a decision of which nothing but its outcome is on record any more.
    pub(super) fn erased(kind: Kind, outcome: &'a str) -> Self {
        let proposed = [Outcome::RecommendMark, Outcome::RecommendRestrict].map(Outcome::as_str);
        if kind == Kind::Blacklist && proposed.contains(&outcome) { Self::Proposed } else { Self::Outcome(outcome) }
    }

    /// Of a person's act, on a decision while this measure was in force, if it is known.
    pub(super) fn by_person(kind: Kind, outcome: &'a str, in_force: Option<CustomerMeasure>) -> Self {
        let lifts = kind == Kind::Blacklist && outcome == Outcome::Closed.as_str();
        if lifts { Self::Ended(in_force.unwrap_or(CustomerMeasure::Blacklisted)) } else { Self::Outcome(outcome) }
    }

    /// In words.
    pub(super) fn words(self, kind: Kind, locale: Locale) -> &'static str {
        use CustomerMeasure::Marked;
        let (zh, en) = match self {
            Self::Outcome(outcome) => return words(kind, outcome, locale),
            Self::Nothing => INTERNAL,
            Self::Proposed => ("店内建议采取一项措施", "A measure was proposed"),
            Self::Measure(Marked) => {
                ("我们在您的服务记录中作了标记，您的服务不受限制", "A mark was set on your record, no service is restricted")
            }
            Self::Measure(_) => ("我们对您的部分服务作出了限制", "Some services were restricted for you"),
            Self::Ended(Marked) => ("您服务记录中的标记已经取消", "The mark on your record was removed"),
            Self::Ended(_) => ("对您的限制已经结束", "The restriction has ended"),
            Self::Stays(Marked) => ("您服务记录中的标记没有变化，继续有效", "The mark on your record has not changed and stays"),
            Self::Stays(_) => ("对您的限制没有变化，继续有效", "The restriction has not changed and stays in force"),
            Self::Appealed(Marked) => (
                "您的申诉正在由人工处理，在此期间标记继续有效",
                "A person is handling your appeal, the mark on your record stays meanwhile",
            ),
            Self::Appealed(_) => {
                ("您的申诉正在由人工处理，在此期间限制继续有效", "A person is handling your appeal, the restriction stays meanwhile")
            }
        };
        match locale {
            Locale::ZhCn => zh,
            Locale::En => en,
        }
    }

    /// Whether it is the customer's business.
    pub(super) fn concerns_customer(self, kind: Kind) -> bool {
        self.words(kind, Locale::En) != INTERNAL.1
    }
}

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

/// Whether an outcome alone is the customer's business; for the tests of the words.
#[cfg(test)]
pub(super) fn concerns_customer(kind: Kind, outcome: &str) -> bool {
    Told::Outcome(outcome).concerns_customer(kind)
}

/// Every outcome with words; for the tests of the words.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (Kind, &'static str)> {
    [(Kind::AfterSale, AFTER_SALE), (Kind::Delay, DELAY), (Kind::Blacklist, BLACKLIST)]
        .into_iter()
        .flat_map(|(kind, table)| table.iter().map(move |(outcome, _, _)| (kind, *outcome)))
}

/// What a customer may be told of measures; for the tests of the words.
#[cfg(test)]
pub(super) fn of_measures() -> impl Iterator<Item = Told<'static>> {
    let each = [Told::Measure, Told::Ended, Told::Stays, Told::Appealed].into_iter();
    each.flat_map(|told| CustomerMeasure::ALL.iter().map(move |measure| told(*measure))).chain([Told::Proposed])
}
