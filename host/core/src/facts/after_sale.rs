//! The after-sale case.

use ombud_rules::contract::after_sale::{AfterSaleCase, CustomerFacts, Order, OrderLine, Stage};
use ombud_rules::contract::types::Tri;

use super::either;
use crate::event::input::{AfterSaleInput, CustomerInput};
use crate::history::{History, OrderHistory};
use crate::ids::CustomerRef;

/// The case of an event with the host's own counts.
pub(super) fn case(
    input: &AfterSaleInput,
    stage: Stage,
    order: &Order,
    customer_ref: &CustomerRef,
    customer: Option<&CustomerInput>,
    history: &History,
) -> AfterSaleCase {
    let own = &history.case;
    AfterSaleCase {
        after_sale_id: input.after_sale_id.clone(),
        stage,
        request: input.request,
        agreed_resolution: if own.decided { own.approved } else { input.agreed_resolution },
        reason: input.reason,
        applied_at: input.applied_at,
        lines: input.lines.clone(),
        requested_amount: input.requested_amount,
        extra_compensation_demand: input.extra_compensation_demand,
        condition: input.condition.clone(),
        evidence: input.evidence.clone(),
        spoiled_share: input.spoiled_share,
        troubleshooting_done: input.troubleshooting_done,
        repairs_failed: input.repairs_failed,
        repair_open_days: input.repair_open_days,
        return_received_at: input.return_received_at,
        parcel_content: input.parcel_content,
        duplicate_active: input.duplicate_active || own.duplicate_open,
        attempts_used: input.attempts_used.max(own.attempts),
        order: with_own_counts(order, &history.order),
        customer: CustomerFacts {
            customer_ref: customer_ref.to_string(),
            malicious_returns: customer.map_or(0, |customer| customer.malicious_returns).max(history.customer.malicious_returns),
            extortion_flag: either(customer.map_or(Tri::Unknown, |customer| customer.extortion_flag), history.customer.extortion),
        },
        attributes: input.attributes.clone(),
    }
}

/// The order with what the host itself refunded and saw come back.
fn with_own_counts(order: &Order, own: &OrderHistory) -> Order {
    let line = |line: &OrderLine| match own.lines.iter().find(|known| known.line_id == line.line_id) {
        Some(known) => OrderLine {
            refunded: line.refunded.max(known.refunded),
            qty_returned: line.qty_returned.max(known.qty_returned),
            ..line.clone()
        },
        None => line.clone(),
    };
    Order {
        freight_refunded: order.freight_refunded.max(own.freight_refunded),
        lines: order.lines.iter().map(line).collect(),
        ..order.clone()
    }
}
