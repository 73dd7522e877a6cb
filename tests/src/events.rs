//! Example events of every type, each under ids of its own.

use serde_json::{Value, json};

use crate::guests::root;

/// The names of every event type, from the examples.
pub fn types() -> Vec<String> {
    let folder = root().join("tests/events");
    let mut types: Vec<String> = std::fs::read_dir(folder)
        .expect("tests/events")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    types.sort();
    types
}

/// The example of a type as it stands.
pub fn example(event_type: &str) -> Value {
    let path = root().join(format!("tests/events/{event_type}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The example of a type about a ticket, a customer, an order and a case that are all named after `own`.
pub fn event(event_type: &str, own: &str) -> Value {
    let mut event = example(event_type);
    event["id"] = format!("{event_type}-{own}").into();
    let data = event["data"].as_object_mut().expect("data");
    data.remove("merchant");
    for (pointer, prefix) in [
        ("/data/ticket_id", "ticket"),
        ("/data/customer_ref", "customer"),
        ("/data/customer/customer_ref", "customer"),
        ("/data/order/order_id", "order"),
        ("/data/delay/order_id", "order"),
        ("/data/after_sale/after_sale_id", "case"),
        ("/data/blacklist/request_id", "request"),
    ] {
        if let Some(id) = event.pointer_mut(pointer) {
            *id = format!("{prefix}-{own}").into();
        }
    }
    event
}

/// Sets what stands at a JSON pointer whose parent is there.
pub fn set(event: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let parent = event.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at `{parent}`"));
    match parent {
        Value::Array(items) if member == "-" => items.push(value),
        Value::Array(items) => items[member.parse::<usize>().expect("an index")] = value,
        Value::Object(members) => _ = members.insert(member.to_owned(), value),
        other => panic!("`{pointer}` is below {other}"),
    }
}

/// An order cancelled before it was shipped, which is refunded without a person: `paid` fen of one line, in an order, a case
/// and an event of its own.
pub fn refund(own: &str, customer: &str, paid: i64) -> Value {
    let mut event = event("aftersale.requested", own);
    let data = &mut event["data"];
    data["customer_ref"] = customer.into();
    data["customer"]["customer_ref"] = customer.into();
    data["after_sale"]["request"] = "refund-only".into();
    data["after_sale"]["reason"] = "changed-mind".into();
    data["after_sale"]["requested_amount"] = paid.into();
    let mut line = data["order"]["lines"][0].clone();
    line["paid"] = paid.into();
    line["unit_price"] = paid.into();
    line["shipped_at"] = Value::Null;
    line["signed_at"] = Value::Null;
    data["order"]["lines"] = json!([line]);
    for member in ["threshold", "bundle", "free_ship"] {
        data["order"][member] = Value::Null;
    }
    data["order"]["gifts"] = json!([]);
    data["order"]["platform_discount"] = 0.into();
    data["order"]["payments"] = json!([{"channel": "cash-channel", "amount": paid, "fee": 0}]);
    event
}
