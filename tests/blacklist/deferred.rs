//! What defers a block: open after-sales cases that the helpdesk tells of, until it says otherwise.

use ombud::service::Role;
use ombud_tests::server::shared;
use serde_json::{Value, json};

use super::{T0, decided, outcome, request, step};

#[test]
fn open_cases_that_the_helpdesk_told_of_defer_the_block_until_it_says_otherwise() {
    let merchant = shared().merchant(json!({}));
    for (id, steps, expected) in [
        // Who says nothing takes nothing back: the supervisor, the head, or a new round.
        ("bl-o1", [None, None], "execute-deferred"),
        ("bl-o2", [Some(0), None], "execute"),
        ("bl-o3", [None, Some(0)], "execute"),
        ("bl-o4", [Some(0), Some(1)], "execute-deferred"),
    ] {
        let customer = format!("c_{id}");
        let mut requested = request(id, &customer, T0, "extortion", &[1, 20]);
        requested["data"]["blacklist"]["open_after_sales"] = json!(2);
        decided(&merchant, Role::Agent, &requested);
        decided(&merchant, Role::Supervisor, &step(id, &customer, T0 + 1_000, "return-for-evidence"));
        let mut again = request(id, &customer, T0 + 2_000, "extortion", &[1, 20]);
        again["data"]["blacklist"].as_object_mut().unwrap().remove("open_after_sales");
        decided(&merchant, Role::Agent, &again);
        let mut last = Value::Null;
        for ((role, at), says) in [(Role::Supervisor, 3_000), (Role::DepartmentHead, 4_000)].into_iter().zip(steps) {
            let mut approve = step(id, &customer, T0 + at, "approve");
            if let Some(number) = says {
                approve["data"]["blacklist"]["open_after_sales"] = json!(number);
            }
            last = decided(&merchant, role, &approve);
        }
        assert_eq!(outcome(&last), (expected, "blacklisted"), "{id}: {last}");
    }
}
