//! The floor of the benchmarks: wasmtime alone. The same components, stores and settings, called with arguments that are
//! already built; what comes back is dropped as it is.

use ombud_core::fault::Fault;
use ombud_core::ruling::Ruling;

use crate::limits::Limits;
use crate::plugin::{Facts, Plugin, Run};
use crate::v1::bindings::ombud::policy as guest;
use crate::v1::wire::Lower as _;

/// A ruling in the contract's binary shape.
pub struct LoweredRuling(pub(crate) GuestRuling);

pub(crate) enum GuestRuling {
    AfterSale(guest::after_sale_types::AfterSaleRuling),
    Delay(guest::delay_types::DelayRuling),
    Blacklist(guest::blacklist_types::BlacklistRuling),
    Reply(guest::reply_types::ReplyRuling),
}

impl LoweredRuling {
    /// Lowers a ruling.
    pub fn new(ruling: &Ruling) -> Self {
        Self(match ruling {
            Ruling::AfterSale(ruling) => GuestRuling::AfterSale(ruling.lower()),
            Ruling::Delay(ruling) => GuestRuling::Delay(ruling.lower()),
            Ruling::Blacklist(ruling) => GuestRuling::Blacklist(ruling.lower()),
            Ruling::Reply(ruling) => GuestRuling::Reply(ruling.lower()),
        })
    }
}

/// Calls policy and guardrail once each; an error is their fault.
pub fn floor(
    policy: &Plugin,
    guardrail: &Plugin,
    facts: &Facts,
    ruling: &LoweredRuling,
    settings: &str,
    limits: &Limits,
) -> Result<(), Fault> {
    let decided: Run<()> = policy.decide_only(facts, settings, limits);
    decided.result?;
    guardrail.review_only(facts, ruling, settings, limits).result
}
