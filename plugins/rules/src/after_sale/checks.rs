//! Tests of single rows of the table that the policy and the guardrail ask alike.

use super::amount::Basis;
use super::class::Class;
use super::condition::{Intact, intact};
use super::evidence::strong;
use super::line::{Requested, requested};
use super::window::{Standing, window};
use crate::civil::{add_months, day_of};
use crate::contract::after_sale::{AfterSaleCase, MayExcludeClass, ParcelContent, Payer, RequestKind, Stage};
use crate::contract::types::{Bp, Context, EvidenceKind, Fen, ItemCategory, ReasonKind, Tri};

/// A share of 100 %.
const WHOLE_BP: Bp = 10_000;

/// AS-001: the facts contradict each other, so nothing can be decided on them.
pub fn input_is_broken(case: &AfterSaleCase) -> bool {
    let Some(lines) = requested(case) else { return true };
    let Some(paid_at) = case.order.paid_at else { return true };
    let times_out_of_order = lines.iter().any(|requested| {
        let line = requested.line;
        let times = [Some(paid_at), line.shipped_at, line.signed_at, line.picked_up_at];
        !times.iter().flatten().is_sorted() || (line.signed_at.is_some() && line.shipped_at.is_none())
    });
    times_out_of_order
        || case.applied_at < paid_at
        || case.stage == Stage::Closed
        || (case.stage == Stage::ReturnReceived && case.return_received_at.is_none())
        || case.spoiled_share.is_some_and(|share| share > WHOLE_BP)
}

/// AS-002: another case for the same units is open (微信小店: one active case per article).
pub const fn duplicate(case: &AfterSaleCase) -> bool {
    case.duplicate_active
}

/// AS-003: more units are asked for than are still with the buyer, or the line is refunded in full. `paid` is what the buyer paid for it.
pub const fn already_settled(line: &Requested<'_>, paid: Fen) -> bool {
    line.units > line.line.qty.saturating_sub(line.line.qty_returned) || (line.line.refunded > 0 && line.line.refunded >= paid)
}

/// AS-104: an injury is claimed or a medical record lies before us, however weak (消法 11, 49). No machine refuses then.
pub fn injury(case: &AfterSaleCase) -> bool {
    case.reason == ReasonKind::Injury || case.evidence.iter().any(|item| item.kind == EvidenceKind::MedicalRecord)
}

/// What was approved for goods that are back or on their way: the agreed resolution, else the request.
pub fn resolution(case: &AfterSaleCase) -> RequestKind {
    case.agreed_resolution.unwrap_or(case.request)
}

/// AS-702 for a line at stage return-received: what came back is not what should have.
pub fn parcel_disputed(case: &AfterSaleCase, line: &Requested<'_>) -> bool {
    if matches!(case.parcel_content, ParcelContent::Empty | ParcelContent::WrongItem | ParcelContent::Incomplete) {
        return true;
    }
    let class = case.class();
    !line.line.recalled
        && ((class.is_free() && intact(line.line.category, &case.condition) == Intact::No)
            || (class == Class::Fault && case.condition.human_damage == Tri::Yes))
}

/// AS-310 but for AS-104: an inspection report shows that the buyer caused the damage.
pub fn damage_proven(case: &AfterSaleCase) -> bool {
    case.condition.human_damage == Tri::Yes && strong(&case.evidence, &[EvidenceKind::InspectionReport])
}

/// AS-313: the defect claimed may be the one disclosed at sale, which gives no claim (消法 23(1)).
pub fn disclosed_defect(case: &AfterSaleCase, line: &Requested<'_>) -> bool {
    use ReasonKind::*;
    matches!(line.line.may_exclude, MayExcludeClass::DisclosedDefect | MayExcludeClass::DisclosedNearExpiry)
        && line.line.exclusion_marked
        && matches!(case.reason, Quality | UndisclosedDefect | NotAsDescribed | Expired)
}

/// AS-302: durable goods whose defect shows within so many months, so that the seller has to prove (消法 23(3); Civil Code 202).
pub fn within_burden_months(ctx: &Context, case: &AfterSaleCase, line: &Requested<'_>, months: u32) -> bool {
    let Some(start) = line.start().filter(|_| line.line.durable_burden) else { return false };
    day_of(case.applied_at, ctx.tz_offset_min) <= add_months(day_of(start, ctx.tz_offset_min), months)
}

/// AS-404b: whether the goods are custom-made is not known and decides. Within a promise it does not, since the promise binds anyway.
pub fn custom_made_decides(ctx: &Context, case: &AfterSaleCase, line: &Requested<'_>, extend: bool) -> bool {
    line.line.custom_made == Tri::Unknown
        && match (line.line.promised_no_reason_days, line.window_start(case)) {
            (Some(promise), Some(start)) => window(ctx, start, promise, case.applied_at, extend).standing != Standing::In,
            _ => true,
        }
}

/// AS-406b: whether digital goods were opened or downloaded is not known and decides.
pub fn download_decides(case: &AfterSaleCase, line: &Requested<'_>) -> bool {
    let condition = &case.condition;
    line.line.category == ItemCategory::DigitalGoods
        && line.line.promised_no_reason_days.is_none()
        && condition.opened != Tri::Yes
        && condition.activated != Tri::Yes
        && (condition.opened == Tri::Unknown || condition.activated == Tri::Unknown)
}

/// Who bears the freight of a no-reason return: a merchant's promise, else the freight insurance, else the buyer (消法 25; 七日办法 18).
pub const fn no_reason_payer(case: &AfterSaleCase) -> Payer {
    if case.order.merchant_pays_return_freight {
        Payer::Merchant
    } else if case.order.freight_insurance {
        Payer::Insurer
    } else {
        Payer::Buyer
    }
}

/// Who bears the freight of a return: the merchant for a fault or a recall (消法 24(2), 19), else as without a reason.
pub const fn return_payer(case: &AfterSaleCase, line: &Requested<'_>) -> Payer {
    match case.class() {
        Class::Fault | Class::Safety | Class::Lost => Payer::Merchant,
        _ if line.line.recalled => Payer::Merchant,
        _ => no_reason_payer(case),
    }
}

/// Which amount a refund of these lines has: once goods come back, the no-reason amount for classes N and O and the fault amount else
/// (AS-701); before that, the fault amount for what was never shipped, the plain one for what is still on its way (AS-201, AS-204).
/// A recalled line makes it the fault amount (AS-101).
pub fn due_basis(case: &AfterSaleCase, lines: &[Requested<'_>]) -> Basis {
    let fault = lines.iter().any(|line| line.line.recalled) || !(case.class().is_free() || case.class() == Class::PriceDrop);
    if fault {
        return Basis::Fault;
    }
    if !matches!(case.stage, Stage::ReturnInTransit | Stage::ReturnReceived) {
        if lines.iter().any(|line| !line.shipped()) {
            return Basis::Fault;
        }
        if lines.iter().any(Requested::in_transit) {
            return Basis::Plain;
        }
    }
    if case.class().is_free() { Basis::NoReason } else { Basis::Fault }
}
