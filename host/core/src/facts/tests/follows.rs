//! Recorded cases against their events.

use super::*;

/// Every value of a case that is changed alone is seen, but for what the host's own records may have added.
#[test]
fn what_a_case_says_otherwise_than_its_event_is_named() {
    let known =
        History { blacklist: crate::history::BlacklistHistory { request: Some(state()), ..Default::default() }, ..History::default() };
    let mut unseen = std::collections::BTreeSet::new();
    let mut seen = 0;
    for event_type in EventType::ALL {
        let event = structured(example_value(*event_type).to_string().as_bytes(), RECEIVED).unwrap();
        let history = if *event_type == EventType::BlacklistRequested { &History::default() } else { &known };
        for kind in event.kinds() {
            let (_, case) = build_case(kind, &event, &merchant(), history, Some(&actor("u2", Role::Supervisor))).unwrap();
            let json = serde_json::to_value(&case).unwrap();
            let mut pointers = Vec::new();
            leaves(&json, String::new(), &mut pointers);
            for pointer in pointers {
                let mut changed = json.clone();
                let place = changed.pointer_mut(&pointer).unwrap();
                *place = match &*place {
                    Value::Bool(own) => json!(!own),
                    Value::Number(own) => json!(own.as_i64().unwrap() + 1),
                    Value::String(own) => json!(format!("{own}x")),
                    _ => json!("x"),
                };
                // Not every value can be another one.
                let Ok(other) = Case::from_json(kind, &changed.to_string()) else { continue };
                if differing(&event, &other).is_empty() {
                    unseen.insert(format!("{kind}{}", pointer.replace(|scalar: char| scalar.is_ascii_digit(), "#")));
                } else {
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
    let unseen: Vec<_> = unseen.iter().map(String::as_str).collect();
    // Counts and refunds that are higher than the event's, what was approved, and what earlier acts on a blacklist request said.
    let of_other_records = [
        "after-sale/attempts_used",
        "after-sale/customer/malicious_returns",
        "after-sale/duplicate_active",
        "after-sale/order/freight_refunded",
        "after-sale/order/lines/#/qty_returned",
        "after-sale/order/lines/#/refunded",
        "blacklist/evidence/#/captured_at",
        "blacklist/evidence/#/evidence_id",
        "blacklist/evidence/#/intact",
        "blacklist/evidence/#/ref",
        "blacklist/incidents/#/at",
        "blacklist/incidents/#/incident_id",
        "blacklist/incidents/#/threat_of_violence",
        "blacklist/incidents/#/ticket_id",
        "blacklist/open_after_sales",
        "blacklist/steps/#/actor_id",
        "blacklist/steps/#/at",
        "blacklist/steps/#/note",
        "blacklist/submitter_id",
        "delay/lines/#/refunded",
        "reply/approved_compensation",
        "reply/approved_refund",
    ];
    assert_eq!(unseen, of_other_records);
}

/// The places of a document's values.
fn leaves(value: &Value, pointer: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| leaves(value, format!("{pointer}/{name}"), into)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| leaves(value, format!("{pointer}/{at}"), into)),
        _ => into.push(pointer),
    }
}
