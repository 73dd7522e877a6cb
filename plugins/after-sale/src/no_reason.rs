//! Rows 398–470: received goods of classes N and O, the no-reason right (消法 25).

use ombud_rules::after_sale::{
    Basis, Class, ExchangeFor, Excluded, Intact, Requested, Row, Standing, Trigger, custom_made_decides, excluded, exclusion_usable,
    intact, no_reason_payer, trigger,
};
use ombud_rules::contract::after_sale::{MayExcludeClass, Outcome, RequestKind};
use ombud_rules::contract::types::{ItemCategory, Tri};

use crate::run::{LineRuling, Met, Run};
use crate::standing::{intactness_unknown, trigger_unknown};
use crate::table::*;

/// The first of these rows that fits; AS-420 always does.
pub fn right(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> LineRuling {
    let case = run.case;
    if matches!(case.request, RequestKind::Repair | RequestKind::Resend) {
        return met.ask_person(&AS_417);
    }
    if line.line.category == ItemCategory::Service {
        return met.ask_person(&AS_414);
    }
    let promised = line.line.promised_no_reason_days.is_some();
    met.note(&AS_401, promised);
    if let Some(ruling) = too_late(run, line, met) {
        return ruling;
    }
    if custom_made_decides(run.ctx, case, line, run.extend()) {
        return met.ask_person(&AS_404B);
    }
    if !promised && let Some(ruling) = excluded_goods(run, line, met) {
        return ruling;
    }
    match intact(line.line.category, &case.condition) {
        Intact::No => return refuse(run, met, &AS_410),
        Intact::Yes | Intact::Unknown => {}
    }
    if case.condition.accessories_complete == Tri::No {
        return met.end(&AS_416, Outcome::NeedEvidence).missing(&["accessories"]);
    }
    met.note(&AS_411, intactness_unknown(run, line) || trigger_unknown(run, line));
    if case.customer.malicious_returns >= run.settings.malicious_returns_review {
        return met.ask_person(&AS_412);
    }
    met.note(&AS_421, case.extra_compensation_demand.is_some_and(|demand| demand > 0));
    if case.request == RequestKind::Exchange {
        return met.end(&AS_420, Outcome::ApproveExchange).payer(run.preference_payer()).exchange(ExchangeFor::Other);
    }
    met.end(&AS_420, Outcome::ApproveReturnRefund).payer(no_reason_payer(case)).basis(Basis::NoReason)
}

/// AS-403, 403b, 402.
fn too_late(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    match run.no_reason_window(line)?.standing {
        Standing::In => None,
        Standing::Held => Some(met.ask_person(&AS_403)),
        Standing::Out => Some(match (line.line.locker_without_consent, line.line.picked_up_at) {
            (Tri::Unknown, _) | (Tri::Yes, None) => met.ask_person(&AS_403B),
            _ => refuse(run, met, &AS_402),
        }),
    }
}

/// AS-404 to AS-409; a promise skips them.
fn excluded_goods(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    let (case, needs_trigger) = (run.case, run.settings.may_exclude_needs_trigger);
    let row = match excluded(case, line.line, needs_trigger) {
        Excluded::Custom => &AS_404,
        Excluded::CustomUnknown => return Some(met.ask_person(&AS_404B)),
        Excluded::Perishable => &AS_405,
        Excluded::Digital => &AS_406,
        Excluded::DigitalUnknown => return Some(met.ask_person(&AS_406B)),
        Excluded::Periodical => &AS_407,
        Excluded::Confirmed | Excluded::No => {
            met.note(&AS_409, line.line.may_exclude != MayExcludeClass::None && !exclusion_usable(line.line));
            if trigger(case, line.line, needs_trigger) != Trigger::Met {
                return None;
            }
            &AS_408
        }
    };
    Some(refuse(run, met, row))
}

/// A refusal, or AS-413 in its place: what says too little (class O) or speaks of an injury is not refused by a machine.
fn refuse(run: &Run<'_>, met: &mut Met, row: &'static Row) -> LineRuling {
    if run.case.class() == Class::Open || run.injury {
        return met.ask_person(&AS_413);
    }
    met.end(row, Outcome::RejectWithAlternative)
}
