//! Outcome rows: the first situation that holds for a line is the only one looked at, and in it the first row that fits.

use core::ops::RangeInclusive;

use ombud_rules::after_sale::{
    Class, Requested, Row, Standing, convincing, damage_proven, disclosed_defect, injury, is_electronic, parcel_disputed, resolution,
    strong, window, within_burden_months,
};
use ombud_rules::civil::HOUR_MS;
use ombud_rules::contract::after_sale::{Outcome, RequestKind, Stage};
use ombud_rules::contract::types::{EvidenceKind, ReasonKind, Tri};

use super::amend::Amendment;
use super::right;
use super::table::*;
use super::{Effect, Look};

/// Days of the window for faults (消法 24); a longer promise counts.
const QUALITY_DAYS: u32 = 7;
/// Months in which the seller has to prove (消法 23(3)).
const BURDEN_MONTHS: u32 = 6;
/// Civil days after receipt on which three-guarantee goods are exchanged; on the day of receipt itself GR-128 does not look yet.
const EXCHANGE_DAYS: RangeInclusive<i64> = 1..=15;
/// Hours in which a signing record must be shown.
const SIGN_PROOF_HOURS: i64 = 72;

/// What a row says of a line.
pub type Found = Option<(&'static Row, Effect)>;

/// The first row that fits the line.
pub fn row(look: &Look<'_>, line: &Requested<'_>) -> Found {
    let case = look.case;
    match case.stage {
        Stage::ReturnInTransit => return look.denies().then_some((&GR_125, Effect::Escalate)),
        Stage::ReturnReceived => return goods_are_back(look, line),
        _ => {}
    }
    if line.line.recalled && case.reason != ReasonKind::NotReceived {
        return recalled(look, line);
    }
    if injury(case) && look.denies() {
        return Some((&GR_121, Effect::Escalate));
    }
    if case.class() == Class::Safety && convincing(&case.evidence) && (look.denies() || look.ruling.outcome == Outcome::NeedEvidence) {
        return Some((&GR_120, Effect::Escalate));
    }
    if !line.shipped() {
        return not_shipped(look, line);
    }
    match case.class() {
        Class::Lost => not_received(look),
        _ if line.in_transit() => None,
        Class::Fault | Class::Safety => fault(look, line),
        Class::NoReason | Class::Open if matches!(case.stage, Stage::Requested | Stage::EvidenceAdded) => no_reason(look, line),
        Class::NoReason | Class::Open | Class::PriceDrop => None,
    }
}

/// Refund requests: return-refund, refund-only, unspecified.
pub const fn asks_refund(look: &Look<'_>) -> bool {
    matches!(look.case.request, RequestKind::ReturnRefund | RequestKind::RefundOnly | RequestKind::Unspecified)
}

/// GR-116.
fn goods_are_back(look: &Look<'_>, line: &Requested<'_>) -> Found {
    if look.ruling.outcome == Outcome::RefundNow {
        return None;
    }
    if matches!(resolution(look.case), RequestKind::Exchange | RequestKind::Repair) {
        return look.denies().then_some((&GR_116, Effect::Escalate));
    }
    if parcel_disputed(look.case, line) {
        let settled_short = look.denies() || look.ruling.outcome == Outcome::ApprovePartialRefund;
        return settled_short.then_some((&GR_116, Effect::Escalate));
    }
    Some((&GR_116, Effect::Amend(Amendment::RefundNow)))
}

/// GR-119.
fn recalled(look: &Look<'_>, line: &Requested<'_>) -> Found {
    let evades =
        matches!(look.ruling.outcome, Outcome::NeedEvidence | Outcome::Investigate | Outcome::OfferOptions | Outcome::ApprovePartialRefund);
    if !look.denies() && !evades {
        return None;
    }
    let amendment = if !line.shipped() {
        Amendment::CancelRecalled
    } else if line.in_transit() {
        Amendment::InterceptRecalled
    } else {
        Amendment::ReturnRecalled
    };
    Some((&GR_119, Effect::Amend(amendment)))
}

/// GR-113, 114.
fn not_shipped(look: &Look<'_>, line: &Requested<'_>) -> Found {
    if !asks_refund(look) {
        return None;
    }
    if line.overdue_to_ship(look.case) && look.ruling.outcome != Outcome::ApproveRefundOnly {
        return Some((&GR_113, Effect::Amend(Amendment::Cancel)));
    }
    look.denies().then_some((&GR_114, Effect::Escalate))
}

/// GR-115.
fn not_received(look: &Look<'_>) -> Found {
    if !look.denies() {
        return None;
    }
    let due = look.case.applied_at.saturating_add(SIGN_PROOF_HOURS * HOUR_MS);
    let proven = strong(&look.case.evidence, &[EvidenceKind::SignRecord, EvidenceKind::Cctv]);
    let effect = if !proven && look.ctx.now < due { Effect::Amend(Amendment::Investigate) } else { Effect::Escalate };
    Some((&GR_115, effect))
}

/// GR-106, 109, 108, 128, 111.
fn fault(look: &Look<'_>, line: &Requested<'_>) -> Found {
    let (case, outcome) = (look.case, look.ruling.outcome);
    let denied = look.denies();
    let days = QUALITY_DAYS.max(line.line.promised_no_reason_days.unwrap_or(0));
    let standing = line.window_start(case).map(|start| window(look.ctx, start, days, case.applied_at, false).standing);
    // Damage by the buyer that a strong report shows is refused on any day; GR-109 and GR-111 except it as well.
    let own_damage = outcome == Outcome::RejectWithAlternative && damage_proven(case);
    if denied && !own_damage && standing == Some(Standing::Held) {
        return Some((&GR_106, Effect::Escalate));
    }
    let proof_again = outcome == Outcome::NeedEvidence && case.stage == Stage::EvidenceAdded && !convincing(&case.evidence);
    if within_burden_months(look.ctx, case, line, BURDEN_MONTHS) && ((denied && !damage_proven(case)) || proof_again) {
        return Some((&GR_109, Effect::Escalate));
    }
    let returns = case.reason != ReasonKind::Spoiled
        && standing == Some(Standing::In)
        && convincing(&case.evidence)
        && case.condition.human_damage != Tri::Yes
        && !disclosed_defect(case, line);
    if returns && !gives_return(look, line) {
        return Some((&GR_108, Effect::Amend(Amendment::ReturnForFault)));
    }
    if imposes_repair(look, line) {
        return Some((&GR_128, Effect::Escalate));
    }
    (denied && !own_damage).then_some((&GR_111, Effect::Escalate))
}

/// GR-108: whether the ruling gives the return asked for; where nothing certain was asked, exchange, repair and resend do as well.
fn gives_return(look: &Look<'_>, line: &Requested<'_>) -> bool {
    let outcome = look.ruling.outcome;
    let offers_return = outcome == Outcome::OfferOptions && look.ruling.options.contains(&RequestKind::ReturnRefund);
    // Money at once is more than money for the goods; GR-112 sees to the amount.
    let gives = offers_return || matches!(outcome, Outcome::ApproveReturnRefund | Outcome::ApproveRefundOnly | Outcome::RefundNow);
    match look.case.request {
        RequestKind::ReturnRefund => gives,
        RequestKind::Unspecified => {
            // AS-306a: a simple check may come first.
            let check_first = outcome == Outcome::NeedEvidence
                && look.case.reason == ReasonKind::Quality
                && is_electronic(line.line.category)
                && look.case.troubleshooting_done != Tri::Yes;
            gives || check_first || matches!(outcome, Outcome::ApproveExchange | Outcome::ApproveRepair | Outcome::ApproveResend)
        }
        _ => true,
    }
}

/// GR-128: three-guarantee goods repaired against the buyer's choice.
fn imposes_repair(look: &Look<'_>, line: &Requested<'_>) -> bool {
    if !line.line.three_guarantee {
        return false;
    }
    let (case, outcome) = (look.case, look.ruling.outcome);
    let no_exchange =
        outcome == Outcome::ApproveRepair || (outcome == Outcome::OfferOptions && !look.ruling.options.contains(&RequestKind::Exchange));
    let early = line.days(case, look.ctx.tz_offset_min).is_some_and(|days| EXCHANGE_DAYS.contains(&days));
    let exchange_refused = case.request == RequestKind::Exchange && early && convincing(&case.evidence) && no_exchange;
    let third_repair = case.repairs_failed >= 2 && case.request != RequestKind::Repair && outcome == Outcome::ApproveRepair;
    exchange_refused || third_repair
}

/// GR-127, 106, 102 and the right itself.
fn no_reason(look: &Look<'_>, line: &Requested<'_>) -> Found {
    if look.denies() {
        if look.case.class() == Class::Open {
            return Some((&GR_127, Effect::Escalate));
        }
        if right::standing(look, line) == Some(Standing::Held) {
            return Some((&GR_106, Effect::Escalate));
        }
        if right::rests_on_the_unknown(look, line) {
            return Some((&GR_102, Effect::Escalate));
        }
    }
    right::row(look, line).map(|row| (row, Effect::Amend(Amendment::ReturnWithoutReason)))
}
