//! Field rows: what a ruling that stands must say of freight, amount and time. Every row that fits is applied.

use ombud_rules::after_sale::{Account, Amount, Basis, Class, NoReasonTerms, PartialMode, Requested, Row, due_basis, resolution, yuan};
use ombud_rules::civil::{HOUR_MS, day_of, iso_date};
use ombud_rules::contract::after_sale::{AfterSaleRuling, Outcome, Payer, RequestKind, Stage};
use ombud_rules::contract::types::{Alert, Fen, Role, Severity};
use ombud_rules::notes::{arg, message, obligation};
use ombud_rules::review::Review;

use super::Look;
use super::amend::{legal_deadline, pay};
use super::table::*;

/// Civil days after receipt of the goods beyond which the law punishes (七日办法 31).
const PENALTY_DAYS: i64 = 15;

/// What a field row did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Nothing,
    Amended,
    /// It fits some lines only, or nothing can be amended.
    AskPerson,
}

/// Applies the field rows to the ruling in hand; `rows` amended it already.
pub fn review(look: &Look<'_>, mut ruling: AfterSaleRuling, mut rows: Vec<&'static Row>) -> Review<AfterSaleRuling> {
    type Apply = fn(&Look<'_>, &mut AfterSaleRuling) -> Done;
    let fields: [(&'static Row, Apply); 4] = [(&GR_107, freight), (&GR_112, amount), (&GR_117, deadline), (&GR_118, penalty)];
    for (row, apply) in fields {
        match apply(look, &mut ruling) {
            Done::Nothing => {}
            Done::AskPerson => {
                rows.push(row);
                return look.escalate(&rows);
            }
            Done::Amended => {
                ruling.notes.reasons.push(look.reason(row));
                rows.push(row);
            }
        }
    }
    if rows.is_empty() {
        return Review::Uphold;
    }
    Review::Amend { ruling, reasons: rows.iter().map(|row| look.reason(row)).collect() }
}

/// GR-107: the merchant bears the freight of a fault or recall.
fn freight(look: &Look<'_>, ruling: &mut AfterSaleRuling) -> Done {
    let moves_goods =
        matches!(ruling.outcome, Outcome::ApproveReturnRefund | Outcome::ApproveExchange | Outcome::ApproveRepair | Outcome::RefundNow);
    if !moves_goods || ruling.return_freight != Payer::Buyer {
        return Done::Nothing;
    }
    let by_fault = matches!(look.case.class(), Class::Fault | Class::Safety | Class::Lost);
    let fits = look.lines.iter().filter(|line| by_fault || line.line.recalled).count();
    match fits {
        0 => Done::Nothing,
        fits if fits < look.lines.len() => Done::AskPerson,
        _ => {
            ruling.return_freight = Payer::Merchant;
            // The default policy's words for an exchange at the buyer's cost would now be untrue.
            if let Some(said) = ruling.notes.messages.iter_mut().find(|said| said.key == "as.exchange.preference") {
                *said = message("as.exchange.guide", vec![arg("days", "10")]);
            }
            Done::Amended
        }
    }
}

/// GR-112: the amount is at least what is due.
fn amount(look: &Look<'_>, ruling: &mut AfterSaleRuling) -> Done {
    let counts: fn(&Look<'_>, &Requested<'_>) -> bool = match ruling.outcome {
        Outcome::ApproveReturnRefund | Outcome::RefundNow | Outcome::InterceptThenRefund => |_, _| true,
        // Refund without return of received goods is the merchant's own choice (order 116 art. 27).
        Outcome::ApproveRefundOnly => |look, line| !line.received() || look.case.class() == Class::Lost,
        _ => return Done::Nothing,
    };
    let lines: Vec<Requested<'_>> = look.lines.iter().filter(|line| counts(look, line)).copied().collect();
    if lines.is_empty() {
        return Done::Nothing;
    }
    let account = Account { lines: &lines, ..look.account() };
    let basis = due_basis(look.case, &lines);
    let due = account.amount(basis, &NoReasonTerms::STATUTORY);
    if ruling.refund >= due.refund || ruling.refund >= lawful_least(&account, basis, &due) {
        return Done::Nothing;
    }
    if lines.len() < look.lines.len() {
        return Done::AskPerson;
    }
    pay(&account, ruling, &due);
    reword(ruling, "refund", &yuan(due.refund));
    Done::Amended
}

/// The least that the seven-day rules allow to agree: apportioned discounts (17), the waived card fee taken off (16).
fn lawful_least(account: &Account<'_>, basis: Basis, due: &Amount) -> Fen {
    if basis != Basis::NoReason {
        return due.refund;
    }
    let modes = [PartialMode::RecomputeIfBroken, PartialMode::Apportion];
    let agreed = modes.map(|partial| account.amount(basis, &NoReasonTerms { partial, deduct_card_fee: true }).refund);
    agreed.into_iter().fold(due.refund, Fen::min)
}

/// GR-117: refunded within seven civil days of receipt.
fn deadline(look: &Look<'_>, ruling: &mut AfterSaleRuling) -> Done {
    if ruling.outcome != Outcome::RefundNow {
        return Done::Nothing;
    }
    let Some(legal) = legal_deadline(look) else { return Done::Nothing };
    if ruling.refund_deadline.is_some_and(|deadline| deadline <= legal) {
        return Done::Nothing;
    }
    ruling.refund_deadline = Some(legal);
    reword(ruling, "deadline", &iso_date(day_of(legal.max(look.ctx.now), look.ctx.tz_offset_min)));
    for duty in ruling.notes.obligations.iter_mut().filter(|duty| duty.action == "refund-now") {
        duty.due = Some(legal);
    }
    Done::Amended
}

/// GR-118: fifteen civil days without a refund are a matter for compliance. A replacement or repair owed instead is no refund.
fn penalty(look: &Look<'_>, ruling: &mut AfterSaleRuling) -> Done {
    let Some(received) = look.case.return_received_at.filter(|_| look.case.stage == Stage::ReturnReceived) else {
        return Done::Nothing;
    };
    let tz = look.ctx.tz_offset_min;
    if i64::from(day_of(look.ctx.now, tz)) - i64::from(day_of(received, tz)) <= PENALTY_DAYS {
        return Done::Nothing;
    }
    match (ruling.outcome, resolution(look.case)) {
        (Outcome::ApproveExchange, RequestKind::Exchange) | (Outcome::ApproveRepair, RequestKind::Repair) => Done::Nothing,
        (Outcome::RefundNow, _) if ruling.notes.obligations.iter().any(|duty| duty.action == "notify-compliance") => Done::Nothing,
        (Outcome::RefundNow, _) => {
            let soon = look.ctx.now.saturating_add(2 * HOUR_MS);
            ruling.notes.obligations.push(obligation("notify-compliance", Role::Agent, Some(soon), Vec::new()));
            if ruling.notes.alerts.iter().all(|alert| alert.code != "refund-penalty-limit") {
                let rule = GR_118.id.to_owned();
                ruling.notes.alerts.push(Alert { code: "refund-penalty-limit".to_owned(), severity: Severity::Critical, rule });
            }
            Done::Amended
        }
        _ => Done::AskPerson,
    }
}

/// Messages and obligations say the new value wherever they name it.
fn reword(ruling: &mut AfterSaleRuling, key: &str, value: &str) {
    let notes = &mut ruling.notes;
    let said = notes.messages.iter_mut().flat_map(|message| &mut message.args);
    let owed = notes.obligations.iter_mut().flat_map(|duty| &mut duty.args);
    for arg in said.chain(owed).filter(|arg| arg.key == key) {
        value.clone_into(&mut arg.value);
    }
}
