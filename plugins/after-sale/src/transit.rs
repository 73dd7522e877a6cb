//! Rows 195–210: the buyer has not got the goods.

use ombud_rules::after_sale::{Basis, Class, Requested, strong};
use ombud_rules::civil::HOUR_MS;
use ombud_rules::contract::after_sale::{Outcome, RequestKind};
use ombud_rules::contract::types::{EvidenceKind, Tri};

use crate::run::{LineRuling, Met, Run};
use crate::table::*;

/// The first of these rows that fits.
pub fn not_there(run: &Run<'_>, line: &Requested<'_>, met: &mut Met) -> Option<LineRuling> {
    let case = run.case;
    let wants_goods = matches!(case.request, RequestKind::Exchange | RequestKind::Repair | RequestKind::Resend);
    if !line.shipped() {
        return Some(if wants_goods {
            met.ask_person(&AS_203)
        } else if line.overdue_to_ship(case) {
            met.end(&AS_205, Outcome::ApproveRefundOnly).basis(Basis::Fault)
        } else if line.line.custom_made != Tri::No {
            met.ask_person(&AS_202)
        } else {
            met.end(&AS_201, Outcome::ApproveRefundOnly).basis(Basis::Fault)
        });
    }
    if case.class() == Class::Lost {
        return Some(not_received(run, met));
    }
    if line.in_transit() {
        if wants_goods {
            return Some(met.ask_person(&AS_208));
        }
        let basis = if case.class().is_fault() { Basis::Fault } else { Basis::Plain };
        return Some(met.end(&AS_204, Outcome::InterceptThenRefund).basis(basis));
    }
    None
}

/// AS-206c, 206b, 206: the merchant bears the risk until delivery (电商法 20) and has to show the signing (52).
fn not_received(run: &Run<'_>, met: &mut Met) -> LineRuling {
    let case = run.case;
    if strong(&case.evidence, &[EvidenceKind::SignRecord, EvidenceKind::Cctv]) || case.order.buyer_chose_carrier {
        return met.ask_person(&AS_206C);
    }
    let due = case.applied_at.saturating_add(i64::from(run.settings.sign_proof_hours) * HOUR_MS);
    if run.ctx.now < due {
        return met.end(&AS_206, Outcome::Investigate);
    }
    if case.request == RequestKind::Resend {
        return met.end(&AS_206B, Outcome::ApproveResend);
    }
    met.end(&AS_206B, Outcome::ApproveRefundOnly).basis(Basis::Fault)
}
