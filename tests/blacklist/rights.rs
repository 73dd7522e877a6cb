//! Who a customer is decides nothing: a measure in force is no part of what the other kinds are decided on (golden.md 6.1, invariant 2).

use ombud::service::Role;
use ombud_tests::events::{event, refund};
use ombud_tests::server::{Merchant, shared};
use serde_json::{Value, json};

use super::{DAY_MS, decided, measures, request, step};

/// What a decision says apart from its ids.
fn said(decision: &Value) -> Value {
    let members = ["kind", "outcome", "disposition", "amounts", "ruling", "caps", "guardrail", "messages"];
    members.iter().map(|member| ((*member).to_owned(), decision[*member].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn of(merchant: &Merchant<'_>, event_type: &str, customer: &str) -> Value {
    let mut posted = event(event_type, "same");
    for pointer in ["/data/customer_ref", "/data/customer/customer_ref"] {
        if let Some(known) = posted.pointer_mut(pointer) {
            *known = customer.into();
        }
    }
    said(&merchant.decide(&posted))
}

#[test]
fn a_measure_in_force_changes_no_decision_of_another_kind() {
    // Two merchants, so that the same events come under the same ids; the customer of one of them is blacklisted.
    let (plain, marked) = (shared().merchant(json!({})), shared().merchant(json!({})));
    let customer = "c_rights";
    // For abuse: what extortion and malicious returns leave behind are facts of a case, and the measure is not.
    let (id, at) = ("bl-rights", ombud::clock::now_ms() - DAY_MS);
    decided(&marked, Role::Agent, &request(id, customer, at, "abuse", &[1, 20, 40]));
    decided(&marked, Role::Supervisor, &step(id, customer, at + 1, "approve"));
    decided(&marked, Role::DepartmentHead, &step(id, customer, at + 2, "approve"));
    assert_eq!(measures(&marked, customer)[0]["measure"], "blacklisted");
    assert_eq!(measures(&plain, customer), json!([]));
    for event_type in ["aftersale.requested", "delay.detected", "reply.drafted"] {
        let (free, restricted) = (of(&plain, event_type, customer), of(&marked, event_type, customer));
        assert_eq!(free, restricted, "{event_type}");
        assert!(free["outcome"].is_string() && free["ruling"].is_object(), "{event_type}: {free}");
    }
    let paid = refund("rights", customer, 1_500);
    assert_eq!(said(&plain.decide(&paid)), said(&marked.decide(&paid)));
}
