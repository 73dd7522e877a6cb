//! From an event and the host's own records to a case. Effective facts: the larger of both for counts and refunds, either
//! for flags, the union for grants; what was approved earlier, and measures in force, come from the host's records alone
//! once there is a decision.

mod after_sale;
mod blacklist;
mod delay;
mod follows;
mod reply;

use ombud_rules::contract::types::{Context, Tri};

pub use self::follows::differing;
use crate::case::Case;
use crate::event::Event;
use crate::history::{Actor, History};
use crate::kind::Kind;
use crate::limits::EVENT_AHEAD_MS_MAX;
use crate::merchant::MerchantConfig;
use crate::problem::{Problem, below};

/// The context and case of `kind` for this event. `actor` is the authenticated person; only an act on a blacklist request
/// needs one. A problem points into the posted body, as those of reading the event do.
pub fn build_case(
    kind: Kind,
    event: &Event,
    merchant: &MerchantConfig,
    history: &History,
    actor: Option<&Actor>,
) -> Result<(Context, Case), Vec<Problem>> {
    let data = &event.data;
    let now = event.now();
    let missing = |member: &str| vec![Problem::at(below(event.data_pointer(), member), "is missing").allowed("an object")];
    match kind {
        Kind::AfterSale => {
            let input = data.after_sale.as_ref().ok_or_else(|| missing("after_sale"))?;
            let order = data.order.as_ref().ok_or_else(|| missing("order"))?;
            let customer = data.customer_ref.as_ref().ok_or_else(|| missing("customer_ref"))?;
            let stage = event.envelope.event_type.stage().or(input.stage).ok_or_else(|| missing("after_sale"))?;
            // What the warehouse has not seen yet pays nothing (AS-701): the clocks may differ by minutes, not more.
            if input.return_received_at.is_some_and(|at| at > now.saturating_add(EVENT_AHEAD_MS_MAX)) {
                let place = below(&below(event.data_pointer(), "after_sale"), "return_received_at");
                let allowed = format!("at most {} minutes after the event's `time`", EVENT_AHEAD_MS_MAX / 60_000);
                return Err(vec![Problem::at(place, "is still to come").allowed(allowed)]);
            }
            let case = after_sale::case(input, stage, order, customer, data.customer.as_ref(), history);
            Ok((merchant.context(now, Some(input.applied_at)), Case::AfterSale(case)))
        }
        Kind::Delay => {
            let input = data.delay.as_ref().ok_or_else(|| missing("delay"))?;
            let foreign = delay::foreign_cases(input, history, event.data_pointer());
            if !foreign.is_empty() {
                return Err(foreign);
            }
            Ok((merchant.context(now, None), Case::Delay(delay::case(input, history))))
        }
        Kind::Blacklist => {
            let input = data.blacklist.as_ref().ok_or_else(|| missing("blacklist"))?;
            let customer = data.customer_ref.as_ref().ok_or_else(|| missing("customer_ref"))?;
            let case = blacklist::case(input, customer, now, history, actor).map_err(|problem| vec![problem.at(event.data_pointer())])?;
            Ok((merchant.context(now, None), Case::Blacklist(case)))
        }
        Kind::Reply => {
            let input = data.reply.as_ref().ok_or_else(|| missing("reply"))?;
            Ok((merchant.context(now, None), Case::Reply(reply::case(input, history))))
        }
    }
}

/// A flag that the event or the host's records raise.
const fn either(event: Tri, own: bool) -> Tri {
    if own { Tri::Yes } else { event }
}

#[cfg(test)]
mod tests;
