//! Whether what a table gives is less than what a row would give that was passed over because a fact is not known. What cannot be compared
//! counts as less: a person decides.

use ombud_rules::contract::after_sale::{Outcome, Payer, RequestKind};
use ombud_rules::contract::delay::CompForm;
use ombud_rules::contract::types::Fen;

/// What a delay's rows give.
#[derive(Clone, Copy)]
pub struct Award {
    pub form: CompForm,
    pub value: Fen,
}

impl Award {
    /// Cash is at least as much as anything of its value; two other forms cannot be compared.
    pub fn is_less_than(self, other: Self) -> bool {
        let cash = matches!(self.form, CompForm::CashRefund | CompForm::Solatium);
        other.value > 0 && (other.value > self.value || !(cash || self.form == other.form))
    }
}

/// What the rows of an after-sale case give.
pub struct Remedy {
    pub outcome: Outcome,
    pub refund: Fen,
    pub payer: Payer,
    pub options: Vec<RequestKind>,
}

impl Remedy {
    /// `due` is what a whole refund is.
    pub fn is_less_than(&self, other: &Self, due: impl FnOnce() -> Fen) -> bool {
        if self.refund < other.refund || (self.payer == Payer::Buyer && other.payer != Payer::Buyer) {
            return true;
        }
        match (burden(self.outcome), burden(other.outcome)) {
            (Some(own), Some(others)) => own > others,
            // All the money with nothing to send back is as good as any other remedy.
            (Some(own), None) => own > 0 || self.refund < due(),
            (None, Some(_)) => true,
            (None, None) if self.outcome == other.outcome => !other.options.iter().all(|option| self.options.contains(option)),
            (None, None) => !option(other.outcome).is_some_and(|option| self.options.contains(&option)),
        }
    }
}

/// Whether an outcome gives the customer something, so that another may be less.
pub const fn gives(outcome: Outcome) -> bool {
    burden(outcome).is_some() || option(outcome).is_some() || matches!(outcome, Outcome::OfferOptions)
}

/// What a refund asks of the customer: nothing, the parcel on its way, the goods. None of what is no refund.
pub const fn burden(outcome: Outcome) -> Option<u8> {
    match outcome {
        Outcome::ApproveRefundOnly | Outcome::ApprovePartialRefund | Outcome::RefundNow => Some(0),
        Outcome::InterceptThenRefund => Some(1),
        Outcome::ApproveReturnRefund => Some(2),
        _ => None,
    }
}

/// The option that an outcome without a refund would be.
const fn option(outcome: Outcome) -> Option<RequestKind> {
    match outcome {
        Outcome::ApproveExchange => Some(RequestKind::Exchange),
        Outcome::ApproveRepair => Some(RequestKind::Repair),
        Outcome::ApproveResend => Some(RequestKind::Resend),
        _ => None,
    }
}
