//! Whatever is said of an order, in whatever sequence: what is counted is what stands as paid, and stays within the caps.

use ombud::service::Role;
use ombud_tests::events::event;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, shared};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

/// The order's cap on refunds, in fen.
const CAP: i64 = 30_000;

/// One thing that is said: of which order and episode, how much is owed, whose case it is said to be, and what a person then does.
type Said = (usize, usize, i64, Option<usize>, Option<&'static str>);

fn said() -> impl Strategy<Value = Said> {
    let person = prop_oneof![3 => Just(None), 1 => Just(Some("approve")), 1 => Just(Some("cancel"))];
    (0..2_usize, 0..2_usize, 1..40_000_i64, prop::option::weighted(0.3, 0..2_usize), person)
}

/// A refund that is late.
fn late(own: usize, (order, episode, owed, named, _): &Said) -> Value {
    let mut late = event("delay.detected", &own.to_string());
    late["data"]["customer_ref"] = format!("c_{order}").into();
    let delay = &mut late["data"]["delay"];
    delay["order_id"] = format!("o-{order}").into();
    delay["lines"] = json!([{"line_id": "L1", "paid": owed, "refunded": 0}]);
    let id = format!("r{episode}");
    delay["already"] = json!([{"episode_id": id, "form": "solatium", "value": 100_000, "by_platform": false}]);
    let mut one = delay["episodes"][0].clone();
    (one["episode_id"], one["kind"], one["line_ids"]) = (json!(id), json!("refund-processing"), json!(["L1"]));
    (one["refund_owed"], one["refund_paid"], one["merchant_marked_done"]) = (json!(owed), json!(0), Value::Null);
    delay["episodes"] = json!([one]);
    if let Some(named) = named {
        delay["attributes"] = json!([{"key": format!("after-sale-id:{id}"), "value": format!("as-{named}")}]);
    }
    late
}

/// A sum over the merchant's rows.
fn sum(merchant: &Merchant<'_>, of: &str, rows: &str) -> i64 {
    ledger::count(&merchant.server.data, &format!("SELECT CAST(round(coalesce(sum({of}), 0)) AS INTEGER) FROM {rows} = '{}'", merchant.id))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(58), ..ProptestConfig::default() })]

    #[test]
    fn what_counts_is_what_stands_and_within_the_caps(all in prop::collection::vec(said(), 1..9)) {
        let merchant = shared().merchant(json!({"caps": {"order_refund_auto_fen_max": CAP}}));
        let mut by_persons = 0;
        for (own, one) in all.iter().enumerate() {
            let decision = merchant.decide(&late(own, one));
            if let Some(action) = one.4 {
                let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
                let act = merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": action, "reason": "x"})).send();
                prop_assert!(matches!(act.status, 201 | 409 | 422), "{}", act.text());
                by_persons += i64::from(act.status == 201 && action == "approve");
            }
            let counted = sum(&merchant, "refund", "counted JOIN merchants USING (merchant_no) WHERE id");
            let stands = sum(&merchant, "yuan * 100", "payments WHERE NOT cancelled AND merchant");
            prop_assert_eq!(counted, stands);
            prop_assert!(counted >= 0);
            if by_persons == 0 {
                prop_assert!(counted <= 2 * CAP, "{counted} of two orders");
            }
        }
    }
}
