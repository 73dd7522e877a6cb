//! The header's own records from the core's. They are separate types: the record's format outlives the core's.

use ombud_core::caps::{CapLimits, CapReview, CapUsage};

use super::{Caps, Windows};

impl From<&CapUsage> for Windows {
    fn from(used: &CapUsage) -> Self {
        Self {
            order_refund: used.order_refund,
            order_goodwill: used.order_goodwill,
            customer_24h_refund: used.customer_24h_refund,
            customer_24h_goodwill: used.customer_24h_goodwill,
            merchant_day_refund: used.merchant_day_refund,
            merchant_day_goodwill: used.merchant_day_goodwill,
        }
    }
}

impl From<&CapLimits> for Windows {
    fn from(limits: &CapLimits) -> Self {
        Self {
            order_refund: limits.order_refund_auto_fen_max,
            order_goodwill: limits.order_goodwill_fen_max,
            customer_24h_refund: limits.customer_24h_refund_fen_max,
            customer_24h_goodwill: limits.customer_24h_goodwill_fen_max,
            merchant_day_refund: limits.merchant_day_refund_fen_max,
            merchant_day_goodwill: limits.merchant_day_goodwill_fen_max,
        }
    }
}

impl From<&CapReview> for Caps {
    fn from(review: &CapReview) -> Self {
        let breaches = review.breaches.iter().map(|mark| mark.cap.clone()).collect();
        Self { used: Windows::from(&review.used), limits: Windows::from(&review.limits), breaches }
    }
}
