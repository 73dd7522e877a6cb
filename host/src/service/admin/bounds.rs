//! The operator's bounds of a merchant's caps (5.8: a merchant may lower its caps, the operator sets how high they may be).
//!
//! What the operator sets as a cap is its bound from then on. What the merchant sets stays within it.

use ombud_core::caps::CapLimits;
use ombud_core::problem::Problem;
use ombud_core::share_limits::SomeShare;
use serde_json::{Map, Value};

use crate::service::error::ServiceError;

/// The bounds after the operator's change from `known` (the caps and their bounds before) to `caps`: each cap that the operator
/// changes is its own new bound; one that stays as the merchant has it leaves the bound where it was.
pub(in crate::service) fn set_by_operator(known: Option<(&CapLimits, &CapLimits)>, caps: &CapLimits) -> CapLimits {
    let Some((before, bound)) = known else { return caps.clone() };
    let (before, now, mut bounds) = (members(before), members(caps), members(bound));
    for (name, value) in now {
        if before.get(&name) != Some(&value) {
            bounds.insert(name, value);
        }
    }
    serde_json::from_value(Value::Object(bounds)).unwrap_or_else(|_| bound.clone())
}

/// Puts what a merchant leaves out of its caps at the platform's default, or at the operator's bound where that is lower.
pub(super) fn fill(config: &mut Value, bound: &CapLimits) {
    let Some(config) = config.as_object_mut() else { return };
    let caps = config.entry("caps").or_insert_with(|| Value::Object(Map::new()));
    // What is no object is refused when it is read.
    let Some(caps) = caps.as_object_mut() else { return };
    let bounds = members(bound);
    for name in CapLimits::default().above(bound) {
        if let Some(most) = bounds.get(name) {
            caps.entry(name).or_insert_with(|| most.clone());
        }
    }
}

/// Puts the share that the operator has set where a merchant says nothing of it.
pub(super) fn fill_share(config: &mut Value, share: &SomeShare) {
    if let (Some(config), Ok(share)) = (config.as_object_mut(), serde_json::to_value(share))
        && share.as_object().is_some_and(|members| !members.is_empty())
    {
        config.entry("share").or_insert(share);
    }
}

/// Refuses caps of a merchant above the operator's bounds, each by its place.
pub(super) fn check(caps: &CapLimits, bound: &CapLimits) -> Result<(), ServiceError> {
    let bounds = members(bound);
    let problem = |name: &str| {
        let most = bounds.get(name).and_then(Value::as_i64).unwrap_or_default();
        Problem::at(format!("/caps/{name}"), "is above the operator's bound")
            .allowed(format!("0 to {most} fen; only the operator raises it"))
    };
    let problems: Vec<Problem> = caps.above(bound).into_iter().map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(problems)) }
}

fn members(caps: &CapLimits) -> Map<String, Value> {
    match serde_json::to_value(caps) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(refund: i64) -> CapLimits {
        CapLimits { order_refund_auto_fen_max: refund, ..CapLimits::default() }
    }

    #[test]
    fn what_the_operator_changes_is_the_bound_and_what_stays_is_not() {
        assert_eq!(set_by_operator(None, &order(7)), order(7));
        assert_eq!(set_by_operator(Some((&order(500_000), &order(500_000))), &order(800_000)), order(800_000));
        // The merchant has lowered its cap; the operator changes something else.
        assert_eq!(set_by_operator(Some((&order(100), &order(800_000))), &order(100)), order(800_000));
        assert_eq!(set_by_operator(Some((&order(100), &order(800_000))), &order(99)), order(99));
    }

    #[test]
    fn what_a_merchant_leaves_out_is_within_the_bound() {
        let mut config = json!({"caps": {}});
        fill(&mut config, &order(1_000));
        assert_eq!(config, json!({"caps": {"order_refund_auto_fen_max": 1_000}}));
        let mut config = json!({});
        fill(&mut config, &order(800_000));
        assert_eq!(config, json!({"caps": {}}), "the default is lower");
        let mut config = json!({"caps": {"order_refund_auto_fen_max": 2_000}});
        fill(&mut config, &order(1_000));
        assert_eq!(config["caps"]["order_refund_auto_fen_max"], 2_000, "what is asked for is refused, not changed");
    }

    #[test]
    fn a_bound_may_be_reached_and_not_passed() {
        assert!(check(&order(1_000), &order(1_000)).is_ok());
        let Err(ServiceError::Invalid(problems)) = check(&order(1_001), &order(1_000)) else { panic!("taken") };
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().contains("/caps/order_refund_auto_fen_max"), "{}", problems[0]);
    }
}
