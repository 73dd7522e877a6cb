//! Outcomes in the words of a customer. A reply's verdict is about a colleague's draft and has none.

use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling, Outcome, Stage};
use ombud_rules::contract::types::CustomerMeasure;
use ombud_rules::contract::{after_sale, delay};

use super::recorded::RecordedDecision;
use super::{ActOf, PersonAct};
use crate::caps::{BALANCE, CapResult, PAID_BEFORE};
use crate::kind::Kind;
use crate::measure::{Effect, effect, is_approved};
use crate::messages::Locale;
use crate::money::{Amounts, Due, due_of};
use crate::ruling::Ruling;

const AFTER_SALE: &[(&str, &str, &str)] = &[
    ("approve-refund-only", "您的退款申请已通过", "Your refund is approved"),
    ("approve-return-refund", "您的退货退款申请已通过", "Your return and refund is approved"),
    ("approve-exchange", "您的换货申请已通过", "Your exchange is approved"),
    ("approve-repair", "您的维修申请已通过", "Your repair is approved"),
    ("approve-resend", "我们将为您补寄", "A resend is arranged for you"),
    ("approve-partial-refund", "已同意为您部分退款", "A partial refund is approved"),
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
    ("care-only", "我们正在跟进本次延误", "This delay is being followed up"),
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
    (DISMISSED, "您的申诉未获支持，原限制继续有效", "Your appeal was not granted, the restriction stays"),
    (CANCELLED, "您的申诉已撤回，原限制继续有效", "Your appeal was withdrawn, the restriction stays"),
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
    /// A measure that stood after the decision is none any more.
    Over(CustomerMeasure),
    /// The goods of the request came back or were refunded before.
    Settled,
    /// Money of this kind was paid before, and a person looks whether more is due (CAP-03).
    PaidBefore,
    /// Of the goods nothing is left to refund (CAP-01).
    NothingLeft,
    /// The request is approved, and there is no money to give back.
    NothingDue,
    /// A choice is to be given, and nothing on record says between what.
    OptionsOpen,
    /// More is asked for, and nothing on record says what.
    EvidenceOpen,
    /// Nothing that was looked at is late.
    NotLate,
    /// A late refund is made, without compensation.
    LateRefund,
    /// A late refund is made, with compensation.
    LateRefundAndMore,
}

/// The message to who asks for what came back or was refunded before.
pub(super) const SETTLED: &str = "as.settled";

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

    /// Of a decision on money: what its outcome says, but where no money or other money follows from it than the outcome's words mean.
    pub(super) fn on_money(recorded: &'a RecordedDecision) -> Self {
        let decision = &recorded.decision;
        let breached = |cap: &str| decision.caps.breaches.iter().any(|mark| mark.cap == cap);
        if decision.caps.result == CapResult::Escalate && breached(PAID_BEFORE) {
            return Self::PaidBefore;
        }
        if decision.caps.result == CapResult::Amend && breached(BALANCE) && !decision.amounts.any() {
            return Self::NothingLeft;
        }
        let duplicate = decision.outcome == after_sale::Outcome::RejectDuplicate.as_str();
        if duplicate && decision.ruling.notes().messages.iter().any(|message| message.key == SETTLED) {
            return Self::Settled;
        }
        if is_in_time(recorded) {
            return Self::NotLate;
        }
        match Self::paying(decision.kind, &decision.outcome, &decision.amounts) {
            told @ Self::Outcome(outcome) if !names(&decision.ruling, outcome) => told.unnamed(),
            told => told,
        }
    }

    /// The same where what the outcome's words announce is nowhere named.
    fn unnamed(self) -> Self {
        use after_sale::Outcome::{NeedEvidence, OfferOptions, Reject, RejectWithAlternative};
        match self {
            Self::Outcome(outcome) if outcome == RejectWithAlternative.as_str() => Self::Outcome(Reject.as_str()),
            Self::Outcome(outcome) if outcome == OfferOptions.as_str() => Self::OptionsOpen,
            Self::Outcome(outcome) if outcome == NeedEvidence.as_str() => Self::EvidenceOpen,
            told => told,
        }
    }

    /// The measure that stands after the decision, as far as it is known.
    pub(super) fn measure(self) -> Option<CustomerMeasure> {
        let blacklisted = [Outcome::Execute, Outcome::ExecuteDeferred].map(Outcome::as_str);
        match self {
            Self::Measure(measure) | Self::Stays(measure) | Self::Appealed(measure) => Some(measure),
            Self::Outcome(outcome) if blacklisted.contains(&outcome) || [DISMISSED, CANCELLED].contains(&outcome) => {
                Some(CustomerMeasure::Blacklisted)
            }
            _ => None,
        }
    }

    /// The same since the measure that stood after it is none any more.
    pub(super) fn ended(self) -> Self {
        self.measure().map_or(self, Self::Over)
    }

    /// Whether it puts a measure in force.
    pub(super) fn restricts(self, kind: Kind) -> bool {
        let put = matches!(self, Self::Measure(_)) || matches!(self, Self::Outcome(outcome) if ![DISMISSED, CANCELLED].contains(&outcome));
        kind == Kind::Blacklist && put && self.measure().is_some()
    }

    /// Of an outcome with the money that follows from it.
    fn paying(kind: Kind, outcome: &'a str, amounts: &Amounts) -> Self {
        if due_of(kind, outcome) == Due::Proposal {
            return Self::Outcome(outcome);
        }
        match (kind, amounts.refund > 0, amounts.goodwill() > 0) {
            (Kind::Delay, true, false) => Self::LateRefund,
            (Kind::Delay, true, true) => Self::LateRefundAndMore,
            (Kind::Delay, false, false) => Self::Outcome(delay::Outcome::None.as_str()),
            (Kind::AfterSale, false, _) => Self::NothingDue,
            _ => Self::Outcome(outcome),
        }
    }

    /// Whether the customer gets nothing, or nothing yet, of what the outcome alone would mean.
    pub(super) fn gives_nothing(self) -> bool {
        use after_sale::Outcome::{InvalidInput, Reject, RejectDuplicate, RejectWithAlternative};
        let refused = [Reject, RejectWithAlternative, RejectDuplicate, InvalidInput].map(after_sale::Outcome::as_str);
        match self {
            Self::Outcome(outcome) => refused.contains(&outcome) || [delay::Outcome::None.as_str(), CANCELLED].contains(&outcome),
            told => matches!(told, Self::Settled | Self::PaidBefore | Self::NothingLeft | Self::NothingDue | Self::NotLate),
        }
    }

    /// Of a decision of which nothing but its outcome is on record any more.
    pub(super) fn erased(kind: Kind, outcome: &'a str) -> Self {
        let proposed = [Outcome::RecommendMark, Outcome::RecommendRestrict].map(Outcome::as_str);
        if kind == Kind::Blacklist && proposed.contains(&outcome) { Self::Proposed } else { Self::Outcome(outcome) }
    }

    /// Of a person's act, on a decision while this measure was in force, if it is known.
    pub(super) fn by_person(kind: Kind, act: &'a PersonAct, in_force: Option<CustomerMeasure>) -> Self {
        let lifts = kind == Kind::Blacklist && act.outcome == Outcome::Closed.as_str();
        match act.act {
            _ if lifts => Self::Ended(in_force.unwrap_or(CustomerMeasure::Blacklisted)),
            ActOf::Cancel => Self::Outcome(&act.outcome),
            // An act names an outcome and amounts, and nothing else.
            _ => Self::paying(kind, &act.outcome, &act.amounts).unnamed(),
        }
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
            Self::Settled => ("您申请的商品此前已经退回或退款", "The goods of this request were returned or refunded before"),
            Self::PaidBefore if kind == Kind::Delay => (
                "本次延误的款项中有此前已经办理的，不会自动重复支付，其余是否应付由人工核对",
                "Some or all of what this delay is due was paid before and is not paid twice by itself; a person checks the rest",
            ),
            Self::PaidBefore => (
                "此售后单号下此前已经办理退款，不会自动重复支付，是否还应退款由人工核对",
                "A refund was made under this case number before and is not repeated by itself; a person checks whether more is due",
            ),
            Self::NothingLeft => {
                ("所涉商品已没有可退的金额，本次不再退款", "Nothing is left to refund of these goods, so no refund is made")
            }
            Self::NothingDue => ("您的申请已通过，本次没有应退的款项", "Your request is approved; there is no money to be refunded"),
            Self::OptionsOpen => ("处理方式有待与您商定", "How this is settled is still to be agreed with you"),
            Self::EvidenceOpen => {
                ("您的申请需要补充资料，所需资料尚待告知", "Your request needs more information; which is still to be told")
            }
            Self::NotLate => ("作出本次处理时没有发生延误，因此没有补偿", "Nothing was late when this was decided, so nothing is paid"),
            Self::Over(Marked) => {
                ("此前在您服务记录中作的标记已不再有效", "The mark that had been set on your record is no longer in force")
            }
            Self::Over(_) => ("此前对您作出的限制已不再有效", "The restriction that had been decided for you is no longer in force"),
            Self::LateRefund => ("延误的退款现为您办理", "Your late refund is made now"),
            Self::LateRefundAndMore => {
                ("延误的退款现为您办理，并给予补偿", "Your late refund is made now, with compensation for the delay")
            }
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

/// The outcome of what a person took back.
pub(super) const CANCELLED: &str = "cancelled";

/// The outcome of an appeal that a person did not grant.
pub(super) const DISMISSED: &str = "appeal-dismissed";

/// The obligation to offer something instead of what is refused.
const OFFER: &str = "offer-alternative";

/// The default policy's rule on what is done in time, or not due yet.
const IN_TIME: &str = "DC-001";

/// Whether the record of a ruling names what the words of its outcome announce: another offer, options, or what is missing.
fn names(ruling: &Ruling, outcome: &str) -> bool {
    let Ruling::AfterSale(own) = ruling else { return true };
    let says = |key: &str| own.notes.messages.iter().any(|message| message.key == key);
    match after_sale::Outcome::parse(outcome) {
        Some(after_sale::Outcome::RejectWithAlternative) => {
            !own.options.is_empty() || own.notes.obligations.iter().any(|obligation| obligation.action == OFFER)
        }
        Some(after_sale::Outcome::OfferOptions) => !own.options.is_empty() || says("as.options"),
        Some(after_sale::Outcome::NeedEvidence) => !own.missing_evidence.is_empty() || says("as.need_evidence"),
        _ => true,
    }
}

/// Whether nothing is given because nothing is late.
fn is_in_time(recorded: &RecordedDecision) -> bool {
    let decision = &recorded.decision;
    let none = decision.kind == Kind::Delay && decision.outcome == delay::Outcome::None.as_str() && !decision.amounts.any();
    none && !decision.reasons.is_empty() && decision.reasons.iter().all(|reason| reason.rule == IN_TIME)
}

/// What a person made of a decision, beside the outcomes themselves.
const BY_PERSON: &[(&str, &str, &str)] = &[(CANCELLED, "该处理已撤销", "The decision was taken back")];

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

/// What a customer may be told of money beside the outcomes; for the tests of the words.
#[cfg(test)]
pub(super) const OF_MONEY: [Told<'static>; 9] = [
    Told::Settled,
    Told::PaidBefore,
    Told::NothingLeft,
    Told::NothingDue,
    Told::OptionsOpen,
    Told::EvidenceOpen,
    Told::NotLate,
    Told::LateRefund,
    Told::LateRefundAndMore,
];

/// What a customer may be told of measures; for the tests of the words.
#[cfg(test)]
pub(super) fn of_measures() -> impl Iterator<Item = Told<'static>> {
    let each = [Told::Measure, Told::Ended, Told::Stays, Told::Appealed, Told::Over].into_iter();
    each.flat_map(|told| CustomerMeasure::ALL.iter().map(move |measure| told(*measure))).chain([Told::Proposed])
}
