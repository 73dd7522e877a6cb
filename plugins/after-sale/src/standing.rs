//! Rows 25–160: what comes before the question whether the goods are there and what is wrong with them.

use ombud_rules::after_sale::{
    Basis, Class, Intact, Requested, Trigger, already_settled, convincing, due_basis, intact, is_food, no_reason_payer, parcel_disputed,
    resolution, return_payer, trigger,
};
use ombud_rules::contract::after_sale::{Outcome, Payer, RequestKind, Stage};
use ombud_rules::contract::types::{ReasonKind, Tri};

use crate::run::{LineRuling, Met, Run};
use crate::table::*;

/// Rows 25–60: threats, double claims, arbitration, goods on their way back or back.
pub fn settled_before(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    let case = run.case;
    met.note(&AS_423, case.customer.extortion_flag == Tri::Yes);
    if already_settled(line, run.bill.paid_of(line.index)) {
        return Some(met.end(&AS_003, Outcome::RejectDuplicate));
    }
    match case.stage {
        Stage::Arbitration => Some(met.ask_person(&AS_007)),
        Stage::ReturnInTransit => Some(on_the_way_back(run, met)),
        Stage::ReturnReceived => Some(back(run, line, met)),
        _ if run.settings.attempts_max.of(run.ctx.platform).is_some_and(|limit| case.attempts_used >= limit) => {
            Some(met.ask_person(&AS_004))
        }
        _ => None,
    }
}

/// AS-704: the approval stands, with the freight and amount it had; nothing is judged anew (Civil Code 509), so all lines have one answer.
fn on_the_way_back(run: &Run<'_>, met: &mut Met) -> LineRuling {
    let case = run.case;
    // Goods recalled since then come back at the merchant's cost (消法 19); the freight of one parcel is not divided.
    let by_merchant = run.lines.iter().any(|line| return_payer(case, line) == Payer::Merchant);
    let payer = |otherwise| if by_merchant { Payer::Merchant } else { otherwise };
    match case.agreed_resolution {
        Some(RequestKind::ReturnRefund) => {
            met.end(&AS_704, Outcome::ApproveReturnRefund).payer(payer(no_reason_payer(case))).basis(due_basis(case, run.lines))
        }
        Some(RequestKind::Exchange) => met.end(&AS_704, Outcome::ApproveExchange).payer(payer(run.preference_payer())),
        Some(RequestKind::Repair) => met.end(&AS_704, Outcome::ApproveRepair).payer(payer(no_reason_payer(case))),
        _ => met.ask_person(&AS_704),
    }
}

/// AS-702, 703, 701: the goods are back.
fn back(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> LineRuling {
    let case = run.case;
    if parcel_disputed(case, line) {
        return met.ask_person(&AS_702).missing(&["unboxing-video"]);
    }
    match resolution(case) {
        RequestKind::Exchange => met.end(&AS_703, Outcome::ApproveExchange),
        RequestKind::Repair => met.end(&AS_703, Outcome::ApproveRepair),
        _ => {
            let unsure = case.class().is_free() && (intactness_unknown(run, line) || trigger_unknown(run, line));
            met.end(&AS_701, Outcome::RefundNow).basis(due_basis(case, run.lines)).joined_by(&AS_411, unsure)
        }
    }
}

/// Rows 95–160: injury, recall, counterfeit and unsafe food, orders with rules of their own, price protection.
pub fn safety(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    let case = run.case;
    let class = case.class();
    met.note(&AS_104, run.injury);
    let demands_more = case.extra_compensation_demand.is_some_and(|demand| demand > 0);
    met.note(&AS_422, demands_more && matches!(class, Class::Fault | Class::Safety | Class::Lost));
    if line.line.recalled && case.reason != ReasonKind::NotReceived {
        return Some(recalled(line, met));
    }
    if line.received() && convincing(&case.evidence) {
        let unsafe_food = is_food(line.line.category) && matches!(case.reason, ReasonKind::FoodSafety | ReasonKind::Expired);
        let proven = match case.reason {
            ReasonKind::Counterfeit => Some(&AS_102),
            _ if unsafe_food => Some(&AS_103),
            _ => None,
        };
        if let Some(row) = proven {
            return Some(met.end(row, Outcome::Escalate).payer(Payer::Merchant).basis(Basis::Fault));
        }
    }
    if !case.order.special.is_empty() {
        return Some(met.ask_person(&AS_009));
    }
    (case.reason == ReasonKind::PriceDrop).then(|| met.ask_person(&AS_602))
}

/// AS-101: recalled goods are taken back at any time, the merchant bears everything (消法 19).
fn recalled(line: &Requested<'_>, met: &mut Met) -> LineRuling {
    let (outcome, payer) = if !line.shipped() {
        (Outcome::ApproveRefundOnly, Payer::NotApplicable)
    } else if line.in_transit() {
        (Outcome::InterceptThenRefund, Payer::Merchant)
    } else {
        (Outcome::ApproveReturnRefund, Payer::Merchant)
    };
    met.end(&AS_101, outcome).payer(payer).basis(Basis::Fault)
}

/// AS-411, first half.
pub fn intactness_unknown(run: &Run<'_>, line: &Requested<'_>) -> bool {
    intact(line.line.category, &run.case.condition) == Intact::Unknown
}

/// AS-411, second half: the trigger of AS-408 is not known, where a promise does not skip that row.
pub fn trigger_unknown(run: &Run<'_>, line: &Requested<'_>) -> bool {
    line.line.promised_no_reason_days.is_none() && trigger(run.case, line.line, run.settings.may_exclude_needs_trigger) == Trigger::Unknown
}
