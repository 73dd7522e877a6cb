//! Rows 310–346: something is wrong with the goods (消法 24). No exclusion of the no-reason right counts here.

use ombud_rules::after_sale::{
    Basis, ExchangeFor, Requested, Row, Standing, convincing, damage_proven, disclosed_defect, first_convincing_capture, is_electronic,
    is_quality, within_burden_months,
};
use ombud_rules::civil::HOUR_MS;
use ombud_rules::contract::after_sale::{Outcome, Payer, RequestKind, Stage};
use ombud_rules::contract::types::{ItemCategory, ReasonKind, Tri};

use crate::run::{LineRuling, Met, Money, Run};
use crate::table::*;

/// Rows 310–319 for classes F and S: evidence, spoiled goods, the buyer's own damage, the defect disclosed at sale.
pub fn shown(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    let case = run.case;
    if !convincing(&case.evidence) {
        return Some(if within_burden_months(run.ctx, case, line, run.settings.burden_months) {
            met.ask_person(&AS_302)
        } else if case.stage == Stage::EvidenceAdded {
            met.ask_person(&AS_301B)
        } else {
            met.end(&AS_301, Outcome::NeedEvidence).missing(evidence_for(case.reason))
        });
    }
    met.note(&AS_312, matches!(case.reason, ReasonKind::UndisclosedDefect | ReasonKind::Expired));
    if case.reason == ReasonKind::Spoiled {
        return Some(spoiled(run, line, met));
    }
    let by_the_buyer =
        matches!(case.reason, ReasonKind::Quality | ReasonKind::DamagedInTransit | ReasonKind::UndisclosedDefect | ReasonKind::Injury);
    if by_the_buyer && case.condition.human_damage == Tri::Yes {
        return Some(if damage_proven(case) && !run.injury {
            met.end(&AS_310, Outcome::RejectWithAlternative)
        } else {
            met.ask_person(&AS_310B)
        });
    }
    disclosed_defect(case, line).then(|| met.ask_person(&AS_313))
}

/// AS-301: what would show the fault.
const fn evidence_for(reason: ReasonKind) -> &'static [&'static str] {
    match reason {
        ReasonKind::MissingItem => &["photo|unboxing-video"],
        ReasonKind::Injury => &["medical-record|photo"],
        ReasonKind::FoodSafety => &["inspection-report|medical-record|photo"],
        ReasonKind::Counterfeit => &["inspection-report|platform-ruling|regulator-finding"],
        _ => &["photo|video"],
    }
}

/// AS-311c, 311b, 311: paid by the spoiled share, nothing comes back.
fn spoiled(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> LineRuling {
    let (case, settings) = (run.case, run.settings);
    let Some(share) = case.spoiled_share else {
        return met.end(&AS_311C, Outcome::NeedEvidence).missing(&["spoiled-share"]);
    };
    let hours =
        if line.line.category == ItemCategory::LiveAnimal { settings.spoiled_report_hours_live } else { settings.spoiled_report_hours };
    let latest = line.start().map(|start| start.saturating_add(i64::from(hours) * HOUR_MS));
    let in_time = first_convincing_capture(&case.evidence).zip(latest).is_some_and(|(captured, latest)| captured <= latest);
    if !in_time {
        return met.ask_person(&AS_311B);
    }
    if matches!(case.request, RequestKind::Exchange | RequestKind::Resend) {
        return met.end(&AS_311, Outcome::ApproveResend);
    }
    // The last step reaches 100 %, and AS-001 has refused shares above that.
    let pay_bp = settings.spoiled_ladder.iter().find(|step| step.upto_bp >= share).map_or(10_000, |step| step.pay_bp);
    if pay_bp >= 10_000 {
        met.end(&AS_311, Outcome::ApproveRefundOnly).basis(Basis::Fault)
    } else {
        met.end(&AS_311, Outcome::ApprovePartialRefund).money(Money { basis: Basis::Plain, part: pay_bp })
    }
}

/// AS-601: a refund without return of received goods. No platform may force it on a merchant (order 116 art. 27).
pub fn refund_only(run: &Run<'_>, met: &mut Met) -> Option<LineRuling> {
    if run.case.request != RequestKind::RefundOnly {
        return None;
    }
    let amount = run.amount(Basis::Fault).refund;
    Some(if amount > 0 && amount <= run.settings.refund_only_auto_max {
        met.end(&AS_601, Outcome::ApproveRefundOnly).basis(Basis::Fault)
    } else {
        met.ask_person(&AS_601)
    })
}

/// Rows 325–346 for classes F and S: in the first days the buyer chooses, afterwards exchange or repair.
pub fn remedy(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> LineRuling {
    let case = run.case;
    match run.quality_window(line).map(|window| window.standing) {
        Some(Standing::Held) => return met.ask_person(&AS_403),
        Some(Standing::In) => {
            if let Some(ruling) = in_first_days(run, line, met) {
                return ruling;
            }
        }
        _ => {}
    }
    if is_quality(case.reason)
        && let Some(ruling) = later(run, line, met)
    {
        return ruling;
    }
    met.ask_person(&AS_309)
}

/// AS-303 to AS-305 with the fault window in.
fn in_first_days(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    let case = run.case;
    match (case.reason, case.request) {
        (ReasonKind::WrongItem | ReasonKind::DamagedInTransit, request) => Some(match request {
            RequestKind::Exchange | RequestKind::Resend => exchange(met, &AS_303, ExchangeFor::Other),
            RequestKind::Repair if case.reason == ReasonKind::WrongItem => exchange(met, &AS_303, ExchangeFor::Other),
            RequestKind::Repair => repair(met, &AS_303),
            _ => take_back(met, &AS_303),
        }),
        (ReasonKind::MissingItem, RequestKind::ReturnRefund) => Some(take_back(met, &AS_304)),
        (ReasonKind::MissingItem, _) => Some(met.end(&AS_304, Outcome::ApproveResend)),
        (ReasonKind::Quality, request) if is_electronic(line.line.category) => match (case.troubleshooting_done, request) {
            (Tri::Yes, RequestKind::Exchange | RequestKind::Unspecified) => Some(exchange(met, &AS_306, ExchangeFor::Quality)),
            (Tri::No | Tri::Unknown, RequestKind::Exchange | RequestKind::Repair | RequestKind::Unspecified) => {
                Some(met.end(&AS_306A, Outcome::NeedEvidence).missing(&["remote-troubleshoot"]))
            }
            _ => Some(as_asked(met, request)),
        },
        (reason, request) if is_quality(reason) => Some(as_asked(met, request)),
        _ => None,
    }
}

/// AS-305: the buyer's choice (消法 24).
fn as_asked(met: &mut Met, request: RequestKind) -> LineRuling {
    match request {
        RequestKind::Exchange => exchange(met, &AS_305, ExchangeFor::Quality),
        RequestKind::Repair => repair(met, &AS_305),
        RequestKind::Resend => met.end(&AS_305, Outcome::ApproveResend).payer(Payer::Merchant),
        _ => take_back(met, &AS_305),
    }
}

/// AS-308b, 307, 308: Q reasons after the first days.
fn later(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    use RequestKind::{Exchange, Repair, ReturnRefund, Unspecified};
    let (case, settings) = (run.case, run.settings);
    let tz = run.ctx.tz_offset_min;
    let in_warranty = line.in_warranty(case, tz);
    if in_warranty && (case.repairs_failed >= 2 || case.repair_open_days > settings.repair_days) {
        return Some(offer(met, &AS_308B, &[Exchange, ReturnRefund]));
    }
    let exchange_days = i64::from(settings.three_guarantee_exchange_days);
    if line.line.three_guarantee && line.days(case, tz).is_some_and(|days| days <= exchange_days) {
        return Some(match case.request {
            Exchange => exchange(met, &AS_307, ExchangeFor::Quality),
            Repair => repair(met, &AS_307),
            _ => offer(met, &AS_307, &[Exchange, Repair]),
        });
    }
    if in_warranty {
        return Some(match case.request {
            Repair | Unspecified => repair(met, &AS_308),
            _ if line.line.three_guarantee => offer(met, &AS_308, &[Repair]),
            _ => offer(met, &AS_308, &[Exchange, Repair]),
        });
    }
    None
}

fn take_back(met: &mut Met, row: &'static Row) -> LineRuling {
    met.end(row, Outcome::ApproveReturnRefund).payer(Payer::Merchant).basis(Basis::Fault)
}

fn exchange(met: &mut Met, row: &'static Row, exchange: ExchangeFor) -> LineRuling {
    met.end(row, Outcome::ApproveExchange).payer(Payer::Merchant).exchange(exchange)
}

fn repair(met: &mut Met, row: &'static Row) -> LineRuling {
    met.end(row, Outcome::ApproveRepair).payer(Payer::Merchant)
}

/// The customer is told that the freight is on us both ways (as.options).
fn offer(met: &mut Met, row: &'static Row, options: &'static [RequestKind]) -> LineRuling {
    met.end(row, Outcome::OfferOptions).payer(Payer::Merchant).options(options)
}
