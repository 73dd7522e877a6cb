//! Rollouts over HTTP: which version answers which case, in force with the next event, each decision wholly of one version and
//! replayed to the byte.

mod approvals;
mod cases;
pub(crate) mod protection;
mod shadow;
mod steps;
mod switches;
mod switching;
mod watched;

use ombud::service::Role;
use ombud_tests::client::Call;
use ombud_tests::events::{event, set};
use ombud_tests::ledger::findings;
use ombud_tests::server::Merchant;
use serde_json::{Value, json};

/// 2026-11-04T18:00:00+08:00: the example's parcel is a day and some hours late, the slight tier.
const LATE: i64 = 1_793_786_400_000;

/// Makes a version of the policy `delay` that pays so much for a slight delay the active one, as a merchant does without rollouts.
fn bind(merchant: &Merchant<'_>, value: i64) -> String {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({"delay": {"policy": "delay", "settings": {"ship_slight_value": value}}});
    let bound = merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    let policy = bound["policies"].as_array().unwrap().iter().find(|policy| policy["kind"] == "delay").unwrap();
    policy["version"].as_str().unwrap().to_owned()
}

/// A step of the policy `delay`'s rollout.
fn step(merchant: &Merchant<'_>, name: &str, body: Value) -> Call {
    merchant.call(Role::MerchantAdmin, "POST", &format!("/policies/delay/rollout/{name}")).json(&body)
}

/// The rollout of delays.
fn plan(merchant: &Merchant<'_>) -> Value {
    let all = merchant.call(Role::Auditor, "GET", "/rollout").send().ok();
    all["kinds"].as_array().unwrap().iter().find(|plan| plan["kind"] == "delay").unwrap().clone()
}

/// A delay of an order of its own, at a time.
fn delay(order: &str, id: &str, at_ms: i64) -> Value {
    let mut event = event("delay.detected", order);
    event["id"] = format!("{order}-{id}").into();
    event["time"] = jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string().into();
    set(&mut event, "/data/delay/already", json!([]));
    event
}

/// Decides a delay of a new order; the decision.
fn decide(merchant: &Merchant<'_>, order: &str) -> Value {
    merchant.decide(&delay(order, "1", LATE))
}

/// The coupon of a decision, in fen.
fn coupon(decision: &Value) -> i64 {
    decision["amounts"]["coupon"].as_i64().unwrap()
}

/// Asserts that what stands in the database of a merchant's rollouts follows from the acts.
#[track_caller]
fn whole(merchant: &Merchant<'_>) {
    assert_eq!(findings(&merchant.server.data, &merchant.id), [""; 0]);
}

/// Asserts that a replay of a decision gives the same bytes.
#[track_caller]
fn replays(merchant: &Merchant<'_>, decision: &Value) {
    let path = format!("/decisions/{}/replay", decision["id"].as_str().unwrap());
    let report = merchant.call(Role::Auditor, "POST", &path).send().ok();
    assert_eq!(report["identical"], true, "{report}");
}
