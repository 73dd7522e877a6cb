//! Personal data over HTTP: erasing a customer leaves every proof, sequence and amount; what is held is not erased (`holds`); what is kept
//! too long is erased by the host (`retention`).

mod holds;
mod retention;

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund, set};
use ombud_tests::guests::root;
use ombud_tests::ledger::{self, findings};
use ombud_tests::server::{Merchant, Server, only, shared};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

fn erase(merchant: &Merchant<'_>, customer: &str) -> Value {
    let request = json!({"customer": customer, "reason": "the person asked for it"});
    merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&request).send().with(201)
}

fn detail(merchant: &Merchant<'_>, decision: &Value) -> Value {
    merchant.call(Role::Auditor, "GET", &format!("/decisions/{}", decision["id"].as_str().unwrap())).send().ok()
}

fn replay(merchant: &Merchant<'_>, decision: &Value) -> Value {
    merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", decision["id"].as_str().unwrap())).send().ok()
}

/// A refund of a customer in a ticket.
fn refund_in(own: &str, customer: &str, ticket: &str, paid: i64) -> Value {
    let mut event = refund(own, customer, paid);
    event["data"]["ticket_id"] = ticket.into();
    event
}

/// How often a text stands in the tables of a merchant.
fn mentions(merchant: &Merchant<'_>, text: &str) -> i64 {
    let columns = [
        ("entries", "customer"),
        ("counted", "customer"),
        ("after_sale_cases", "customer"),
        ("incidents", "customer"),
        ("measures", "customer"),
        ("blacklist_requests", "customer"),
        ("subject_keys", "subject"),
        ("holds", "subject"),
    ];
    let count = |(table, column): (&str, &str)| {
        let query = format!(
            "SELECT count(*) FROM {table} JOIN merchants USING (merchant_no) WHERE id = '{}' AND {column} LIKE '%{text}%'",
            merchant.id
        );
        ledger::count(&merchant.server.data, &query)
    };
    columns.into_iter().map(count).sum()
}

#[test]
fn an_erased_customer_leaves_proofs_sequence_and_amounts() {
    let merchant = shared().merchant(json!({}));
    let customer = "c_to_be_erased";
    let paid = merchant.decide(&refund_in("gone", customer, "t_gone", 10_000));
    let mut reply = event("reply.drafted", "gone");
    reply["data"]["ticket_id"] = "t_gone".into();
    reply["data"].as_object_mut().unwrap().remove("customer_ref");
    let reply = merchant.decide(&reply);
    let mut request = event("blacklist.requested", "gone");
    request["data"]["customer_ref"] = customer.into();
    let submitted = merchant.decide(&request);
    let other = merchant.decide(&refund("stays", "c_stays", 5_000));
    let override_path = format!("/decisions/{}/override", paid["id"].as_str().unwrap());
    let amend = json!({"action": "amend", "reason": "less was agreed", "amounts": {"refund": 9_000, "cash": 0, "coupon": 0}});
    merchant.call(Role::Supervisor, "POST", &override_path).json(&amend).send().with(201);
    assert!(mentions(&merchant, customer) > 4);
    let before = ledger::gap_free(&shared().data, &merchant.id);
    let sums = |table: &str| {
        let query = format!("SELECT total(refund) FROM {table} JOIN merchants USING (merchant_no) WHERE id = '{}'", merchant.id);
        ledger::count(&shared().data, &query.replace("total(refund)", "CAST(total(refund) AS INTEGER)"))
    };
    assert_eq!((sums("counted"), sums("day_totals")), (14_000, 14_000));

    let erased = erase(&merchant, customer);
    assert_eq!((&erased["measure_lifted"], &erased["requests_closed"]), (&json!(false), &json!(1)), "{erased}");
    assert!(erased["keys"].as_u64().unwrap() >= 2 && erased["records"].as_u64().unwrap() >= 4, "{erased}");
    assert_eq!(mentions(&merchant, customer), 0);

    // The log is what it was, with the act behind it, which names nobody.
    let after = ledger::gap_free(&shared().data, &merchant.id);
    assert_eq!(after[..before.len()], before);
    let act = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=erasure").send().ok()["acts"][0].clone();
    assert_eq!((&act["seq"], &act["body"]["actor"], &act["body"]["mark"]), (&erased["seq"], &json!("the-merchant-admin"), &erased["mark"]));
    assert!(!act.to_string().contains(customer));
    // Why somebody was erased may say who: it is shown to those who may see text.
    let whole = merchant.call(Role::Compliance, "GET", "/acts?act=erasure").send().ok()["acts"][0].clone();
    assert_eq!((&act["body"]["reason"], &whole["body"]["reason"]), (&json!("***"), &json!("the person asked for it")));
    assert_eq!((sums("counted"), sums("day_totals")), (14_000, 14_000));

    // What is left of a decision is its header.
    for decision in [&paid, &reply, &submitted] {
        let left = detail(&merchant, decision);
        assert_eq!((&left["erased"], &left["outcome"], &left["leaf"]), (&json!(true), &decision["outcome"], &decision["leaf"]));
        assert!(left.get("event").is_none() && left.get("facts").is_none() && left["acts"] == json!([]), "{left}");
        let report = replay(&merchant, decision);
        assert_eq!((&report["compared"], &report["divergence"]), (&json!(false), &json!("erased")), "{report}");
    }
    assert_eq!(detail(&merchant, &paid)["amounts"]["refund"], 10_000);
    assert_eq!(replay(&merchant, &other)["identical"], true);
    assert_eq!(merchant.decisions(&format!("customer={customer}")).len(), 0);
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=decision.override").send().ok();
    assert_eq!((&acts["acts"][0]["by"], &acts["acts"][0]["body"]), (&json!("the-supervisor"), &Value::Null));
    let view = merchant.call(Role::Compliance, "GET", "/blacklist/requests/request-gone").send().ok();
    assert_eq!((&view["state"]["erased"], &view["state"]["stage"]), (&json!(true), &json!("archived")));
    // Nothing more is decided on such a record, and the same event is still the same event.
    merchant.call(Role::Supervisor, "POST", &override_path).json(&json!({"action": "cancel", "reason": "x"})).send().problem(409);
    let again = merchant.post(&refund_in("gone", customer, "t_gone", 10_000));
    assert_eq!((&again["duplicate"], &again["decisions"][0]["erased"]), (&json!(true), &json!(true)));
    let twice = merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&json!({"customer": customer, "reason": "again"})).send();
    assert!(twice.problem(409)["detail"].as_str().unwrap().contains("already"));
}

#[test]
fn a_later_event_of_an_erased_customer_is_decided_as_ever() {
    let merchant = shared().merchant(json!({"caps": {"customer_24h_refund_fen_max": 10_000}}));
    let customer = "c_comes_back";
    merchant.decide(&refund_in("back-1", customer, "t_back", 8_000));
    erase(&merchant, customer);
    // The customer's window still counts what was paid before: nobody escapes a cap by being erased.
    let above = merchant.decide(&refund_in("back-2", customer, "t_back", 3_000));
    assert_eq!((&above["disposition"], &above["caps"]["used"]["customer_24h_refund"]), (&json!("escalate"), &json!(8_000)), "{above}");
    let within = merchant.decide(&refund_in("back-3", customer, "t_back_2", 2_000));
    assert_eq!(within["due"], "now");
    assert_eq!(detail(&merchant, &within)["event"]["data"]["customer_ref"], customer, "sealed under the ticket's key, and readable");
    assert_eq!(replay(&merchant, &within)["identical"], true);
    assert_eq!(merchant.decisions(&format!("customer={customer}")).len(), 2);
    let keys = |subject: &str| {
        let query = format!(
            "SELECT count(*) FROM subject_keys JOIN merchants USING (merchant_no) WHERE id = '{}' AND subject = '{subject}'",
            merchant.id
        );
        ledger::count(&shared().data, &query)
    };
    assert_eq!((keys(&format!("customer:{customer}")), keys("ticket:t_back"), keys("ticket:t_back_2")), (0, 1, 1));
    // Erased once more, the later records go as well.
    erase(&merchant, customer);
    assert_eq!((keys("ticket:t_back"), keys("ticket:t_back_2"), mentions(&merchant, customer)), (0, 0, 0));
    assert_eq!(replay(&merchant, &within)["divergence"], "erased");
    // And the same ticket goes on under a new key.
    let third = merchant.decide(&refund_in("back-4", customer, "t_back", 1));
    assert_eq!(replay(&merchant, &third)["identical"], true);
    ledger::gap_free(&shared().data, &merchant.id);
}

#[test]
fn an_erasure_beside_events_of_the_same_customer_loses_none_of_them() {
    let merchant = shared().merchant(json!({}));
    let customer = "c_busy";
    merchant.decide(&refund_in("busy", customer, "t_busy", 100));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let merchant = &merchant;
            scope.spawn(move || {
                for at in 0..25 {
                    let own = format!("busy-{thread}-{at}");
                    merchant.decide(&refund_in(&own, customer, &format!("t_busy_{thread}"), 100));
                }
            });
        }
        for _ in 0..5 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let request = json!({"customer": customer, "reason": "the person asked for it"});
            let call = shared().call("POST", &format!("/v1/merchants/{}/erasures", merchant.id));
            let status = call.key(&shared().operator).json(&request).send().status;
            assert!(matches!(status, 201 | 409), "{status}");
        }
    });
    // Every record opens, or was erased by an erasure behind it: none was sealed with a key that was destroyed before.
    let erasures: Vec<u64> = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=erasure&limit=200").send().ok()["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["seq"].as_u64().unwrap())
        .collect();
    let last = erasures.iter().max().copied().unwrap();
    let decisions = merchant.decisions("");
    assert_eq!(decisions.len(), 101);
    for line in decisions {
        let erased = detail(&merchant, &line).get("erased").is_some();
        assert_eq!(erased, line["seq"].as_u64().unwrap() < last, "{line} with erasures at {erasures:?}");
        let divergence = replay(&merchant, &line)["divergence"].clone();
        assert_eq!(divergence, if erased { json!("erased") } else { Value::Null });
    }
}

#[test]
fn erasure_needs_the_right_a_reason_and_a_customer() {
    let merchant = shared().merchant(json!({}));
    merchant.decide(&refund("who", "c_who", 100));
    let request = |customer: &str, reason: &str| json!({"customer": customer, "reason": reason});
    for role in [Role::Agent, Role::Supervisor, Role::DepartmentHead, Role::Compliance, Role::Auditor] {
        merchant.call(role, "POST", "/erasures").json(&request("c_who", "x")).send().problem(403);
    }
    let as_admin = |body: &Value| merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(body).send();
    as_admin(&request("c_nobody", "x")).problem(404);
    assert_eq!(pointers(&as_admin(&request("c_who", "")).problem(422)), ["/reason"]);
    assert_eq!(pointers(&as_admin(&request("c_who", &"x".repeat(2_001))).problem(422)), ["/reason"]);
    assert_eq!(pointers(&as_admin(&request("c_who", "because c_who asked")).problem(422)), ["/reason"], "a reason stays on record");
    assert_eq!(pointers(&as_admin(&request("13812345678", "x")).problem(422)), ["/customer"]);
    assert_eq!(pointers(&as_admin(&json!({"reason": "x"})).problem(422)), ["/customer"]);
    let elsewhere = shared().merchant(json!({}));
    let theirs = shared().call("POST", &format!("/v1/merchants/{}/erasures", merchant.id)).key(elsewhere.key(Role::MerchantAdmin));
    theirs.json(&request("c_who", "x")).send().problem(404);
    as_admin(&request("c_who", &"x".repeat(2_000))).with(201);
}

#[test]
fn erasing_ends_a_measure_that_rests_on_what_is_gone() {
    let merchant = shared().merchant(json!({}));
    let customer = "c_measured";
    let mut request = event("blacklist.requested", "measured");
    request["data"]["customer_ref"] = customer.into();
    let at = ombud::clock::now_ms();
    set(&mut request, "/time", json!(jiff::Timestamp::from_millisecond(at).unwrap().to_string()));
    let incident = |day: i64| json!({"incident_id": format!("i{day}"), "at": at - day * DAY_MS, "criterion": "malicious-returns", "ticket_id": format!("t{day}"), "threat_of_violence": false});
    let item = |kind: &str| json!({"evidence_id": kind, "kind": kind, "strength": "strong", "captured_at": at, "intact": true, "ref": "sha256:00"});
    let blacklist = &mut request["data"]["blacklist"];
    (blacklist["criterion"], blacklist["protected_conduct_only"]) = ("malicious-returns".into(), "no".into());
    blacklist["incidents"] = json!([incident(3)]);
    blacklist["evidence"] = json!(["order-screenshot", "logistics-record", "chat-log", "photo"].map(item));
    assert_eq!(merchant.decide(&request)["outcome"], "recommend-mark");
    let mut step = event("blacklist.step", "measured");
    step["data"]["customer_ref"] = customer.into();
    step["data"]["blacklist"] = json!({"request_id": "request-measured", "verdict": "approve"});
    set(&mut step, "/time", json!(jiff::Timestamp::from_millisecond(at + 1).unwrap().to_string()));
    only(&merchant.post_as(Role::Supervisor, &step));
    let measures = || merchant.call(Role::Compliance, "GET", &format!("/blacklist/measures?customer={customer}")).send().ok();
    assert_eq!(measures()[0]["measure"], "marked");
    let erased = erase(&merchant, customer);
    assert_eq!((&erased["measure_lifted"], measures(), mentions(&merchant, customer)), (&json!(true), json!([]), 0));
    // The host's timer has nothing to stumble over.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(shared().service.expire_due(at + 400 * DAY_MS)).unwrap();
}
