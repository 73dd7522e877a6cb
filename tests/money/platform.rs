//! What the platform refunded is paid: nobody pays it again, and it is booked on the lines that it was promised for.

use ombud::service::Role;
use ombud_tests::events::{event, refund, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, rules, shared};
use serde_json::{Value, json};

use super::delayed::late;
use super::{caps, refund_of};

/// The platform refunded so much of a case.
fn told(own: &str, case: &str, amount: i64) -> Value {
    let mut told = event("aftersale.refunded", own);
    told["data"].as_object_mut().unwrap().remove("delay");
    set(&mut told, "/data/after_sale_state/after_sale_id", case.into());
    set(&mut told, "/data/after_sale_state/amount", amount.into());
    told
}

/// Refunds on record of a case, in fen: those of decisions and persons, and those of the platform.
fn paid(merchant: &Merchant<'_>, case: &str) -> i64 {
    let of = format!("SELECT merchant_no FROM merchants WHERE id = '{}'", merchant.id);
    let count = |sql: String| ledger::count(&merchant.server.data, &sql);
    count(format!("SELECT coalesce(sum(amount), 0) FROM intents WHERE key = '{case}' AND merchant_no = ({of}) AND NOT cancelled"))
        + count(format!(
            "SELECT CAST(total(line.value ->> 'by_platform') AS INTEGER) FROM after_sale_cases, json_each(lines) AS line
                WHERE after_sale_id = '{case}' AND merchant_no = ({of})"
        ))
}

/// A late refund of L1 that names the case of the same order.
fn late_of_case(own: &str, owed: i64) -> Value {
    let mut late = late(own, &format!("late-{own}"), "e", owed);
    late["data"]["delay"]["attributes"] = json!([{"key": "after-sale-id:e", "value": format!("case-{own}")}]);
    late
}

fn merchant() -> Merchant<'static> {
    shared().merchant(caps(json!({})))
}

#[test]
fn what_the_platform_refunded_is_not_refunded_again() {
    let merchant = merchant();
    // The goods arrive behind it.
    let promised = merchant.decide(&event("aftersale.requested", "behind"));
    assert_eq!((&promised["due"], refund_of(&promised)), (&json!("later"), 18_903), "{promised}");
    merchant.post(&told("behind", "case-behind", 18_903));
    let again = merchant.decide(&event("aftersale.return_received", "behind"));
    assert_eq!((paid(&merchant, "case-behind"), again["due"] == "now"), (18_903, false), "{again}");
    // Nor is it for being told twice.
    let mut twice = told("behind", "case-behind", 18_903);
    twice["id"] = "told-twice".into();
    merchant.post(&twice);
    assert_eq!(paid(&merchant, "case-behind"), 18_903);

    // A person approves what waited.
    let waits = merchant.decide(&refund("waits", "customer-waits", 900_000));
    assert!(waits["due"] == "proposal" && refund_of(&waits) == 900_000, "{waits}");
    merchant.post(&told("waits", "case-waits", 900_000));
    let path = format!("/decisions/{}/override", waits["id"].as_str().unwrap());
    let approve = merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "approve", "reason": "checked"})).send();
    assert!((400..500).contains(&approve.status), "{}", approve.text());
    assert_eq!(paid(&merchant, "case-waits"), 900_000);

    // A late refund names the case: after it, and before it.
    merchant.decide(&event("aftersale.requested", "after"));
    merchant.post(&told("after", "case-after", 18_903));
    let late = merchant.decide(&late_of_case("after", 18_903));
    let new = &late["caps"]["counted"]["refund"];
    assert_eq!((paid(&merchant, "case-after"), new), (18_903, &json!(0)), "it states again what was paid: {late}");
    merchant.decide(&event("aftersale.requested", "before"));
    let late = merchant.decide(&late_of_case("before", 10_000));
    assert_eq!((refund_of(&late), paid(&merchant, "case-before")), (10_000, 10_000), "{late}");
    merchant.post(&told("before", "case-before", 18_903));
    assert_eq!(paid(&merchant, "case-before"), 18_903);
}

#[test]
fn what_the_platform_refunded_is_of_the_lines_that_it_was_promised_for() {
    let merchant = merchant();
    // L1 of three pieces for ¥300, L2 of one for ¥600.
    let ask = |id: &str, lines: Value| {
        let mut ask = event("aftersale.requested", "lines");
        (ask["id"], ask["data"]["after_sale"]["after_sale_id"]) = (id.into(), id.into());
        (ask["data"]["after_sale"]["lines"], ask["data"]["after_sale"]["requested_amount"]) = (lines, Value::Null);
        let order = &mut ask["data"]["order"];
        for (member, value) in [
            ("freight_paid", json!(0)),
            ("threshold", Value::Null),
            ("free_ship", Value::Null),
            ("bundle", Value::Null),
            ("gifts", json!([])),
            ("platform_discount", json!(0)),
        ] {
            order[member] = value;
        }
        order["payments"][0]["amount"] = json!(90_000);
        let line = order["lines"][0].clone();
        order["lines"] = [("L1", 3, 10_000), ("L2", 1, 60_000)]
            .map(|(id, qty, price)| {
                let mut line = line.clone();
                for (member, value) in
                    [("line_id", json!(id)), ("qty", json!(qty)), ("unit_price", json!(price)), ("paid", json!(price * qty))]
                {
                    line[member] = value;
                }
                line
            })
            .into();
        ask
    };
    let first = merchant.decide(&ask("lines-1", json!([{"line_id": "L1", "qty": 1}, {"line_id": "L2", "qty": 1}])));
    assert_eq!((&first["due"], refund_of(&first)), (&json!("later"), 70_000), "{first}");
    merchant.post(&told("lines", "lines-1", 70_000));
    let rest = merchant.decide(&ask("lines-2", json!([{"line_id": "L1", "qty": 2}])));
    assert_eq!((&rest["due"], refund_of(&rest)), (&json!("later"), 20_000), "{rest} {:?}", rules(&rest));
    let check = ombud_tests::ledger::findings(&merchant.server.data, &merchant.id);
    assert_eq!(check, [""; 0]);
}
