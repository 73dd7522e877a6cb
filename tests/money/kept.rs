//! Which units went back and which the customer keeps, whoever paid how much of them: what is kept stays claimable and is paid for once, what went
//! back is not asked for again; and what was granted or confirmed once stays so, however it is told again.

use ombud::service::Role;
use ombud_tests::events::{event, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, rules, shared};
use serde_json::{Value, json};

use super::{caps, refund_of};

/// 2026-11-06T10:00:00+08:00.
const T0: i64 = 1_793_930_400_000;
const DAY_MS: i64 = 86_400_000;

/// An order that came yesterday: line, units, price of one.
struct Shop<'a> {
    merchant: Merchant<'a>,
    order: Value,
}

impl<'a> Shop<'a> {
    fn sells(id: &str, lines: &[(&str, i64, i64)], freight: i64) -> Shop<'a> {
        let mut order = event("aftersale.requested", id)["data"]["order"].clone();
        let line = order["lines"][0].clone();
        let sold = lines.iter().map(|(id, qty, price)| {
            let mut line = line.clone();
            for (member, value) in [
                ("line_id", json!(id)),
                ("qty", json!(qty)),
                ("unit_price", json!(price)),
                ("paid", json!(price * qty)),
                ("shipped_at", json!(T0 - 2 * DAY_MS)),
                ("signed_at", json!(T0 - DAY_MS)),
            ] {
                line[member] = value;
            }
            line
        });
        order["lines"] = sold.collect();
        for (member, value) in [
            ("freight_paid", json!(freight)),
            ("threshold", Value::Null),
            ("free_ship", Value::Null),
            ("bundle", Value::Null),
            ("gifts", json!([])),
            ("platform_discount", json!(0)),
        ] {
            order[member] = value;
        }
        order["payments"][0]["amount"] = (lines.iter().map(|(_, qty, price)| qty * price).sum::<i64>() + freight).into();
        Shop {
            merchant: shared().merchant(caps(json!({"order_goodwill_fen_max": 100_000, "customer_24h_goodwill_fen_max": 100_000}))),
            order,
        }
    }

    /// An event of a case about units of lines, of the order's first days.
    fn ask(&self, event_type: &str, case: &str, (reason, request): (&str, &str), lines: &[(&str, i64)]) -> Value {
        let mut ask = event("aftersale.requested", case);
        (ask["type"], ask["id"]) = (event_type.into(), format!("{event_type}-{case}-{lines:?}").into());
        ask["data"]["order"] = self.order.clone();
        let own = &mut ask["data"]["after_sale"];
        own["lines"] = lines.iter().map(|(line, qty)| json!({"line_id": line, "qty": qty})).collect();
        for (member, value) in [
            ("after_sale_id", json!(case)),
            ("reason", json!(reason)),
            ("request", json!(request)),
            ("requested_amount", Value::Null),
            ("applied_at", json!(T0)),
        ] {
            own[member] = value;
        }
        own.as_object_mut().unwrap().remove("stage");
        let unused = ["opened", "inner_seal_broken", "soiled_or_damaged", "activated", "used_beyond_inspection", "human_damage"];
        unused.iter().for_each(|member| own["condition"][member] = "no".into());
        if event_type == "aftersale.return_received" {
            (own["return_received_at"], own["parcel_content"]) = (json!(T0 + DAY_MS), json!("ok"));
            set(&mut ask, "/time", json!("2026-11-07T10:00:00+08:00"));
        }
        ask
    }

    fn decide(&self, event_type: &str, case: &str, wish: (&str, &str), lines: &[(&str, i64)]) -> Value {
        self.merchant.decide(&self.ask(event_type, case, wish, lines))
    }

    /// Asks for units without a reason and sends them back.
    fn returns(&self, case: &str, lines: &[(&str, i64)]) -> Value {
        self.decide("aftersale.requested", case, ("no-reason", "return-refund"), lines);
        self.decide("aftersale.return_received", case, ("no-reason", "return-refund"), lines)
    }

    fn act(&self, decision: &Value, body: &Value) -> ombud_tests::client::Reply {
        let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
        self.merchant.call(Role::Supervisor, "POST", &path).json(body).send()
    }

    fn amends(&self, decision: &Value, outcome: &str, refund: i64) -> ombud_tests::client::Reply {
        let amounts = json!({"refund": refund, "cash": 0, "coupon": 0});
        self.act(decision, &json!({"action": "amend", "outcome": outcome, "amounts": amounts, "reason": "agreed on the phone"}))
    }

    /// The platform refunded so much of a case.
    fn platform(&self, case: &str, amount: i64) {
        let mut told = event("aftersale.refunded", case);
        told["data"].as_object_mut().unwrap().remove("delay");
        set(&mut told, "/data/after_sale_state/after_sale_id", case.into());
        set(&mut told, "/data/after_sale_state/amount", amount.into());
        self.merchant.post(&told);
    }

    /// Everything on record is what the records give.
    fn is_sound(&self) {
        assert_eq!(ledger::findings(&self.merchant.server.data, &self.merchant.id), [""; 0]);
    }
}

const FAULT: (&str, &str) = ("quality", "refund-only");

#[test]
fn goods_that_stay_after_a_part_was_refunded_are_not_paid_with_the_next_return() {
    for whose in ["person", "platform"] {
        let shop = Shop::sells("kept", &[("phone", 1, 399_900), ("cable", 1, 100)], 0);
        let waits = shop.decide("aftersale.requested", "kept-a", FAULT, &[("phone", 1)]);
        assert_eq!(waits["outcome"], "human-review", "{waits}");
        if whose == "person" {
            shop.amends(&waits, "approve-partial-refund", 500).with(201);
        } else {
            shop.platform("kept-a", 500);
        }
        let cable = shop.returns("kept-b", &[("cable", 1)]);
        assert_eq!((&cable["outcome"], refund_of(&cable)), (&json!("refund-now"), 100), "{whose}: {cable}");
        // The phone stays claimable, for what is left of it.
        let phone = shop.returns("kept-c", &[("phone", 1)]);
        assert_eq!((&phone["outcome"], refund_of(&phone)), (&json!("refund-now"), 399_400), "{whose}: {phone}");
        shop.is_sound();
    }
}

#[test]
fn a_request_that_is_refused_takes_no_units() {
    let shop = Shop::sells("edit", &[("L1", 2, 10_000), ("L2", 1, 10_000)], 0);
    let fault = ("quality", "return-refund");
    shop.decide("aftersale.requested", "edit-a", fault, &[("L1", 1)]);
    let paid = shop.decide("aftersale.return_received", "edit-a", fault, &[("L1", 1)]);
    assert_eq!(refund_of(&paid), 10_000, "{paid}");
    let more = shop.decide("aftersale.modified", "edit-a", fault, &[("L1", 2)]);
    assert_eq!((&more["outcome"], rules(&more)[0]), (&json!("reject-duplicate"), "AS-003"), "{more}");
    let other = shop.returns("edit-b", &[("L2", 1)]);
    assert_eq!((&other["outcome"], refund_of(&other)), (&json!("refund-now"), 10_000), "{other}");
    // The second unit is still the customer's.
    let second = shop.returns("edit-c", &[("L1", 1)]);
    assert_eq!((&second["outcome"], refund_of(&second)), (&json!("refund-now"), 10_000), "{second}");
    let third = shop.decide("aftersale.requested", "edit-d", fault, &[("L1", 1)]);
    assert_eq!(rules(&third)[0], "AS-003", "{third}");
    shop.is_sound();
}

#[test]
fn units_whose_refund_was_paid_late_are_back() {
    let shop = Shop::sells("late", &[("L1", 2, 10_000)], 0);
    let promised = shop.decide("aftersale.requested", "late-a", ("no-reason", "return-refund"), &[("L1", 1)]);
    assert_eq!((&promised["due"], refund_of(&promised)), (&json!("later"), 10_000), "{promised}");
    let mut late = super::delayed::late("late", "late-late", "late-a", 10_000);
    late["data"]["delay"]["order_id"] = shop.order["order_id"].clone();
    late["data"]["delay"]["lines"] = json!([{"line_id": "L1", "paid": 20_000, "refunded": 0}]);
    let paid = shop.merchant.decide(&late);
    assert_eq!(refund_of(&paid), 10_000, "{paid}");
    let second = shop.returns("late-b", &[("L1", 1)]);
    assert_eq!((&second["outcome"], refund_of(&second)), (&json!("refund-now"), 10_000), "{second}");
    shop.is_sound();
}

#[test]
fn a_return_for_which_nothing_was_due_is_a_return() {
    let mut shop = Shop::sells("zero", &[("L1", 1, 28_000), ("L2", 1, 2_000)], 0);
    shop.order["threshold"] = json!({"threshold": 30_000, "reduce_by": 5_000, "disclosed": true});
    shop.order["payments"][0]["amount"] = json!(25_000);
    shop.order["lines"].as_array_mut().unwrap().iter_mut().for_each(|line| line["paid"] = Value::Null);
    let small = shop.returns("zero-a", &[("L2", 1)]);
    assert_eq!((&small["outcome"], refund_of(&small)), (&json!("refund-now"), 0), "{small}");
    let again = shop.decide("aftersale.requested", "zero-c", ("no-reason", "return-refund"), &[("L2", 1)]);
    assert_eq!(rules(&again)[0], "AS-003", "{again}");
    let large = shop.returns("zero-b", &[("L1", 1)]);
    assert!(refund_of(&large) > 23_000, "nothing is kept any more: {large}");
    shop.is_sound();
}

#[test]
fn freight_is_refunded_once_whoever_refunds_it_with_which_line() {
    let shop = Shop::sells("freight", &[("L1", 1, 1_000), ("L2", 1, 1_000), ("L3", 1, 1_000), ("L4", 1, 1_000)], 3_000);
    let ask = |line: &str| shop.decide("aftersale.requested", &format!("freight-{line}"), FAULT, &[(line, 1)]);
    let refunded = |line: &str, refund: i64| shop.amends(&ask(line), "approve-refund-only", refund);
    refunded("L1", 4_000).with(201);
    let refused = refunded("L2", 1_001).problem(422);
    assert!(refused.to_string().contains("at most 1000 fen"), "{refused}");
    refunded("L3", 1_000).with(201);
    shop.platform("freight-L2", 1_000);
    let last = shop.decide("aftersale.requested", "freight-last", ("quality", "return-refund"), &[("L4", 1)]);
    assert_eq!(refund_of(&last), 1_000, "{last}");
    shop.is_sound();
}

#[test]
fn what_the_platform_confirmed_stays_paid_whoever_takes_the_decision_back() {
    let shop = Shop::sells("confirmed", &[("L1", 1, 10_000), ("L2", 1, 5_000)], 0);
    let fault = ("quality", "return-refund");
    shop.decide("aftersale.requested", "confirmed-a", fault, &[("L1", 1)]);
    let paid = shop.decide("aftersale.return_received", "confirmed-a", fault, &[("L1", 1)]);
    assert_eq!((&paid["due"], refund_of(&paid)), (&json!("now"), 10_000), "{paid}");
    shop.platform("confirmed-a", 10_000);
    shop.act(&paid, &json!({"action": "cancel", "reason": "a mistake"})).with(201);
    let mut again = shop.ask("aftersale.return_received", "confirmed-a", fault, &[("L1", 1)]);
    again["id"] = "confirmed-again".into();
    let again = shop.merchant.decide(&again);
    assert!(again["due"] != "now", "{again}");
    let other = shop.returns("confirmed-b", &[("L2", 1)]);
    assert_eq!(refund_of(&other), 5_000, "{other}");
    shop.is_sound();
}

#[test]
fn a_delay_that_is_told_in_parts_is_compensated_once() {
    let merchant = shared().merchant(caps(json!({"order_goodwill_fen_max": 100_000, "customer_24h_goodwill_fen_max": 100_000})));
    let tell = |id: &str, episodes: &[(&str, &[&str])]| {
        let mut told = event("delay.detected", "parts");
        told["id"] = id.into();
        let delay = &mut told["data"]["delay"];
        delay["already"] = json!([]);
        delay["lines"] = json!([{"line_id": "L1", "paid": 10_000, "refunded": 0}, {"line_id": "L2", "paid": 50_000, "refunded": 0}]);
        let episode = delay["episodes"][0].clone();
        let of = |(id, lines): &(&str, &[&str])| {
            let mut episode = episode.clone();
            (episode["episode_id"], episode["line_ids"]) = (json!(id), json!(lines));
            episode["kind"] = "shipping".into();
            episode["cause"] = "merchant-stock".into();
            (episode["done"], episode["merchant_marked_done"]) = (Value::Null, Value::Null);
            (episode["refund_owed"], episode["refund_paid"]) = (json!(0), json!(0));
            (episode["basis_at"], episode["due"]) = (json!(T0 - 6 * DAY_MS), json!(T0 - 4 * DAY_MS));
            episode
        };
        delay["episodes"] = episodes.iter().map(of).collect();
        let decided = merchant.decide(&told);
        decided["amounts"]["cash"].as_i64().unwrap() + decided["amounts"]["coupon"].as_i64().unwrap()
    };
    assert_eq!(tell("parts-1", &[("e1", &["L1", "L2"])]), 6_000);
    assert_eq!(tell("parts-2", &[("e1", &["L1"]), ("e2", &["L2"])]), 0);
    assert_eq!(tell("parts-3", &[("e3", &["L2"]), ("e4", &["L1"])]), 0);
    assert_eq!(tell("parts-4", &[("e5", &["L1", "L2"])]), 0);
    assert_eq!(ledger::findings(&merchant.server.data, &merchant.id), [""; 0]);
}
