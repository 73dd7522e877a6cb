//! Rulings that take the place of a merchant's: outcome, amount, payer, obligations and words.

use ombud_rules::after_sale::{Account, Amount, Basis, Draft, ExchangeFor, NoReasonTerms, Row, Terms, due_basis, no_reason_payer};
use ombud_rules::civil::{day_of, end_of_day};
use ombud_rules::contract::after_sale::{AfterSaleRuling, Outcome, Payer};
use ombud_rules::contract::types::{InstantMs, Role};

use super::Look;

/// Civil days after receipt of the goods in which the law wants the refund (消法 25).
const REFUND_LEGAL_DAYS: i32 = 7;

/// What a ruling is replaced with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// GR-101, 103–105: return, no-reason amount.
    ReturnWithoutReason,
    /// GR-108: return, fault amount, the merchant bears the freight.
    ReturnForFault,
    /// GR-113: the order is cancelled, everything goes back.
    Cancel,
    /// GR-115: the signing record is fetched first.
    Investigate,
    /// GR-116: the goods are back.
    RefundNow,
    /// GR-119 by where the recalled goods are.
    CancelRecalled,
    InterceptRecalled,
    ReturnRecalled,
}

impl Amendment {
    const fn outcome(self) -> Outcome {
        match self {
            Self::ReturnWithoutReason | Self::ReturnForFault | Self::ReturnRecalled => Outcome::ApproveReturnRefund,
            Self::Cancel | Self::CancelRecalled => Outcome::ApproveRefundOnly,
            Self::InterceptRecalled => Outcome::InterceptThenRefund,
            Self::RefundNow => Outcome::RefundNow,
            Self::Investigate => Outcome::Investigate,
        }
    }

    const fn payer(self, look: &Look<'_>) -> Payer {
        match self {
            Self::ReturnWithoutReason => no_reason_payer(look.case),
            Self::ReturnForFault | Self::ReturnRecalled | Self::InterceptRecalled => Payer::Merchant,
            Self::Cancel | Self::CancelRecalled | Self::RefundNow | Self::Investigate => Payer::NotApplicable,
        }
    }

    fn basis(self, look: &Look<'_>) -> Option<Basis> {
        match self {
            Self::ReturnWithoutReason => Some(Basis::NoReason),
            Self::RefundNow => Some(due_basis(look.case, look.lines)),
            Self::Investigate => None,
            _ => Some(Basis::Fault),
        }
    }

    const fn recalls(self) -> bool {
        matches!(self, Self::CancelRecalled | Self::InterceptRecalled | Self::ReturnRecalled)
    }
}

/// The ruling that stands instead, with the rows that decided as its reasons.
pub fn ruling(look: &Look<'_>, amendment: Amendment, rows: &[&'static Row]) -> AfterSaleRuling {
    let mut draft = Draft::new(look.ctx, look.case, look.lines, Terms::STATUTORY, amendment.outcome());
    for row in rows {
        draft.because(row);
    }
    draft.ruling.return_freight = amendment.payer(look);
    draft.ruling.window_deadline = look.ruling.window_deadline;
    if let Some(basis) = amendment.basis(look) {
        let mut due = look.account().amount(basis, &NoReasonTerms::STATUTORY);
        // A guardrail never lowers what a ruling pays.
        if pays(look.ruling.outcome) && look.ruling.refund > due.refund {
            due.refund = look.ruling.refund;
        }
        for row in &due.rules {
            draft.because(row);
        }
        pay(&look.account(), &mut draft.ruling, &due);
    }
    if amendment == Amendment::RefundNow {
        draft.ruling.refund_deadline = legal_deadline(look);
    }
    let urgent = Some(draft.in_hours(2));
    if amendment.recalls() {
        draft.oblige("stop-sale", Role::Supervisor, urgent, &[]);
        draft.oblige("notify-compliance", Role::Agent, urgent, &[]);
    }
    if let Some(row) = rows.first() {
        draft.settle(row, ExchangeFor::Other);
    }
    if amendment == Amendment::ReturnWithoutReason {
        draft.oblige("inspect-on-receipt", Role::Agent, None, &[]);
    }
    keep_what_stands(look, &mut draft.ruling);
    draft.ruling
}

/// Obligations that do not depend on the outcome, and every alert and attribute, are the merchant's to keep.
fn keep_what_stands(look: &Look<'_>, ruling: &mut AfterSaleRuling) {
    const LASTING: [&str; 5] =
        ["preserve-evidence", "notify-compliance", "hand-over-supervisor", "stop-sale", "decline-extra-compensation"];
    let before = &look.ruling.notes;
    for obligation in before.obligations.iter().filter(|obligation| LASTING.contains(&obligation.action.as_str())) {
        if ruling.notes.obligations.iter().all(|known| known.action != obligation.action) {
            ruling.notes.obligations.push(obligation.clone());
        }
    }
    ruling.notes.alerts.clone_from(&before.alerts);
    ruling.notes.attributes.clone_from(&before.attributes);
}

/// Writes an amount and where it goes.
pub fn pay(account: &Account<'_>, ruling: &mut AfterSaleRuling, amount: &Amount) {
    ruling.refund = amount.refund;
    ruling.breakdown = account.breakdown(amount).0;
}

/// Outcomes that pay or promise money.
pub const fn pays(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::ApproveReturnRefund
            | Outcome::ApproveRefundOnly
            | Outcome::ApprovePartialRefund
            | Outcome::RefundNow
            | Outcome::InterceptThenRefund
    )
}

/// The end of the seventh civil day after the goods came back (消法 25; 七日办法 13).
pub fn legal_deadline(look: &Look<'_>) -> Option<InstantMs> {
    let tz = look.ctx.tz_offset_min;
    Some(end_of_day(day_of(look.case.return_received_at?, tz).saturating_add(REFUND_LEGAL_DAYS), tz))
}
