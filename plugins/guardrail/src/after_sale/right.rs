//! The no-reason right (消法 25) as the guardrail grants it: rows GR-101 to GR-105.

use ombud_rules::after_sale::{
    Class, Excluded, Intact, Requested, Row, Standing, custom_made_decides, download_decides, excluded, exclusion_usable, intact, window,
};
use ombud_rules::contract::after_sale::{MayExcludeClass, Outcome, RequestKind};
use ombud_rules::contract::types::{ItemCategory, Tri};

use super::Look;
use super::outcome::asks_refund;
use super::table::*;

/// Days of the window (消法 25).
const NO_REASON_DAYS: u32 = 7;

/// How the application stands to the window of the line: 7 days, longer by promise; the promise alone for goods that are excluded or
/// whose exclusion was marked and confirmed.
pub fn standing(look: &Look<'_>, line: &Requested<'_>) -> Option<Standing> {
    let days = match line.line.promised_no_reason_days {
        Some(promise) if always_excluded(look, line) || exclusion_usable(line.line) => promise,
        Some(promise) => NO_REASON_DAYS.max(promise),
        None => NO_REASON_DAYS,
    };
    standing_in(look, line, days)
}

/// GR-102: the refusal may only hold if a fact nobody knows turns out one way.
pub fn rests_on_the_unknown(look: &Look<'_>, line: &Requested<'_>) -> bool {
    if look.case.class() != Class::NoReason || not_intact(look, line) {
        return false;
    }
    match standing(look, line) {
        Some(Standing::Out) => match line.line.locker_without_consent {
            Tri::Unknown => true,
            Tri::Yes => line.line.picked_up_at.is_none(),
            Tri::No => false,
        },
        Some(Standing::In) => uncertain(look, line),
        _ => false,
    }
}

/// The row by which the right overrules the ruling, if the line has it and the ruling withholds it.
pub fn row(look: &Look<'_>, line: &Requested<'_>) -> Option<&'static Row> {
    if look.case.class() != Class::NoReason || !withholds(look) || !asks_refund(look) {
        return None;
    }
    if line.line.category == ItemCategory::Service || not_intact(look, line) || uncertain(look, line) {
        return None;
    }
    let promised = line.line.promised_no_reason_days.is_some();
    let excluded = always_excluded(look, line) || exclusion_usable(line.line);
    if standing(look, line) != Some(Standing::In) || (excluded && !promised) {
        return None;
    }
    let surely_not_excluded = !excluded && line.line.custom_made == Tri::No && !download_unknown(look, line);
    let without_promise = surely_not_excluded && standing_in(look, line, NO_REASON_DAYS) == Some(Standing::In);
    Some(if !without_promise {
        &GR_105
    } else if line.line.may_exclude != MayExcludeClass::None {
        &GR_103
    } else if look.case.condition.opened == Tri::Yes {
        &GR_104
    } else {
        &GR_101
    })
}

/// Rulings that do not give the money back for the goods; a complete set may be asked for (AS-416).
fn withholds(look: &Look<'_>) -> bool {
    match look.ruling.outcome {
        Outcome::Investigate
        | Outcome::ApproveExchange
        | Outcome::ApproveRepair
        | Outcome::ApproveResend
        | Outcome::ApprovePartialRefund => true,
        Outcome::OfferOptions => !look.ruling.options.contains(&RequestKind::ReturnRefund),
        Outcome::NeedEvidence => look.case.condition.accessories_complete != Tri::No,
        _ => look.denies(),
    }
}

fn standing_in(look: &Look<'_>, line: &Requested<'_>, days: u32) -> Option<Standing> {
    let start = line.window_start(look.case)?;
    Some(window(look.ctx, start, days, look.case.applied_at, false).standing)
}

/// AS-404 to AS-407, whatever the facts that are not known.
fn always_excluded(look: &Look<'_>, line: &Requested<'_>) -> bool {
    let condition = &look.case.condition;
    match line.line.category {
        _ if line.line.custom_made == Tri::Yes => true,
        ItemCategory::Fresh | ItemCategory::LiveAnimal | ItemCategory::Periodical => true,
        ItemCategory::DigitalGoods => condition.opened == Tri::Yes || condition.activated == Tri::Yes,
        _ => false,
    }
}

/// Digital goods of which nobody knows whether they were opened or downloaded.
fn download_unknown(look: &Look<'_>, line: &Requested<'_>) -> bool {
    let condition = &look.case.condition;
    line.line.category == ItemCategory::DigitalGoods && (condition.opened == Tri::Unknown || condition.activated == Tri::Unknown)
}

/// AS-404b or AS-406b fits, as the first exclusion of the table.
fn uncertain(look: &Look<'_>, line: &Requested<'_>) -> bool {
    match excluded(look.case, line.line, true) {
        Excluded::CustomUnknown => custom_made_decides(look.ctx, look.case, line, false),
        Excluded::DigitalUnknown => download_decides(look.case, line),
        _ => false,
    }
}

fn not_intact(look: &Look<'_>, line: &Requested<'_>) -> bool {
    intact(line.line.category, &look.case.condition) == Intact::No
}
