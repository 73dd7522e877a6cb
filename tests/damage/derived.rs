//! Payments, counters, cases and measures follow from the records alone, whatever persons did in between, and whoever was
//! erased since; what does not is named with its row.

use ombud::service::Role;
use ombud_tests::command::on;
use ombud_tests::events::{event, refund};
use ombud_tests::guests::root;
use ombud_tests::ledger::{self, findings};
use ombud_tests::random::Random;
use ombud_tests::server::{Merchant, Server, shared};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::tables::{BESIDE_RECORDS, TABLES};

const DAY_MS: i64 = 86_400_000;

fn act(merchant: &Merchant<'_>, decision: &Value, body: Value) -> u16 {
    let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&body).send().status
}

fn amended(refund: i64) -> Value {
    json!({"action": "amend", "amounts": {"refund": refund, "cash": 0, "coupon": 0}, "outcome": "approve-partial-refund", "reason": "half"})
}

fn erase(merchant: &Merchant<'_>, customer: &str) -> u16 {
    let request = json!({"customer": customer, "reason": "the person asked for it"});
    merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&request).send().status
}

/// The platform's word on a case.
fn platform(event_type: &str, own: &str, case: &str, customer: &str) -> Value {
    let mut event = event(event_type, own);
    event["data"]["after_sale_state"]["after_sale_id"] = format!("case-{case}").into();
    event["data"]["customer_ref"] = customer.into();
    event
}

/// Payments, acts on them, compensations, a blacklist request and closed cases.
fn history(merchant: &Merchant<'_>) {
    merchant.decide(&refund("paid", "c_1", 2_000));
    let waits = merchant.decide(&refund("approved", "c_1", 900_000));
    assert_eq!(act(merchant, &waits, json!({"action": "approve", "reason": "seen"})), 201);
    assert_eq!(act(merchant, &waits, amended(500)), 201);
    assert_eq!(act(merchant, &waits, amended(700)), 201);
    assert_eq!(act(merchant, &waits, json!({"action": "cancel", "reason": "taken back"})), 201);
    let paid = merchant.decide(&refund("cancelled", "c_2", 3_000));
    assert_eq!(act(merchant, &paid, json!({"action": "cancel", "reason": "sent twice"})), 201);
    let late = merchant.decide(&event("delay.detected", "d"));
    assert_eq!(act(merchant, &late, json!({"action": "cancel", "reason": "paid elsewhere"})), 201);
    merchant.decide(&event("delay.detected", "stands"));
    merchant.post(&platform("aftersale.closed", "closed", "paid", "c_1"));
    merchant.decide(&event("blacklist.requested", "b"));
    merchant.decide(&event("reply.drafted", "p"));
    let mut threat = event("message.received", "x");
    threat["data"]["message"]["extortion_flag"] = "yes".into();
    merchant.post(&threat);
    for held in
        [json!({"customer": "customer-x", "reason": "court"}), json!({"ticket": "ticket-x", "reason": "court"}), json!({"reason": "all"})]
    {
        let held = merchant.call(Role::Compliance, "POST", "/holds").json(&held).send().with(201);
        let path = format!("/holds/{}/lift", held["hold"].as_str().or(held["id"].as_str()).unwrap());
        assert_eq!(merchant.call(Role::Compliance, "POST", &path).json(&json!({"reason": "over"})).send().status, 204);
    }
}

/// What somebody does to a row, and what must be said of it.
const BY_HAND: [(&str, &str); 14] = [
    ("DELETE FROM intents WHERE key = 'case-paid'", "row `case-paid refund 11` of `intents`: it is missing"),
    ("UPDATE intents SET amount = amount + 1 WHERE key = 'case-paid'", "row `case-paid refund 11` of `intents`: `amount` is another"),
    ("UPDATE intents SET cancelled = 1 WHERE key = 'case-paid'", "row `case-paid refund 11` of `intents`: `cancelled` is another"),
    (
        "INSERT INTO intents SELECT merchant_no, 'case-none', 'refund', 1, 7, 0 FROM merchants WHERE id = 'M'",
        "row `case-none refund 1` of `intents`: the records give no such row",
    ),
    ("DELETE FROM counted WHERE order_id = 'order-paid'", "row `order-paid 11 "),
    ("UPDATE counted SET refund = 1 WHERE order_id = 'order-paid'", "of `counted`: `refund` is another"),
    (
        "UPDATE day_totals SET refund = refund - 1 WHERE merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'M')",
        "of `day_totals`: ",
    ),
    (
        "UPDATE after_sale_cases SET state = 'open' WHERE after_sale_id = 'case-paid'",
        "row `order-paid case-paid` of `after_sale_cases`: `state` is another",
    ),
    (
        "DELETE FROM after_sale_cases WHERE after_sale_id = 'case-approved'",
        "row `order-approved case-approved` of `after_sale_cases`: it is missing",
    ),
    ("UPDATE delay_grants SET value = value * 2 WHERE order_id = 'order-stands'", "of `delay_grants`: `value` is another"),
    ("DELETE FROM incidents WHERE customer = 'customer-x'", "of `incidents`: it is missing"),
    (
        "INSERT INTO measures SELECT merchant_no, 'c_1', 'blacklisted', NULL, 'request-b', 0, 0 FROM merchants WHERE id = 'M'",
        "row `c_1` of `measures`: the records give no such row",
    ),
    (
        "UPDATE blacklist_requests SET stage = 'executed' WHERE request_id = 'request-b'",
        "row `request-b` of `blacklist_requests`: `stage` is another",
    ),
    ("DELETE FROM blacklist_steps WHERE request_id = 'request-b'", "of `blacklist_steps`: it is missing"),
];

fn change(server: &Server, merchant: &str, sql: &str) -> usize {
    let database = Connection::open(server.data.join("ombud.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    database.execute(&sql.replace("'M'", &format!("'{merchant}'")), []).unwrap()
}

#[test]
fn what_stands_beside_the_records_follows_from_them_and_what_does_not_is_named() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"tz_offset_min": 839}));
    history(&merchant);
    let tables =
        ["intents", "counted", "day_totals", "after_sale_cases", "delay_grants", "incidents", "blacklist_requests", "blacklist_steps"];
    for table in tables {
        assert!(ledger::count(&server.data, &format!("SELECT count(*) FROM {table}")) > 0, "{table}");
    }
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    server.service.sign_now().unwrap();
    let report = on(&server.data, &["audit", "check", "--json"]).exits(0).json();
    assert_eq!((&report["logs_computed_again"], &report["logs_not_computed_again"]), (&report["logs"], &0.into()), "{report}");

    let good = tempfile::tempdir().unwrap();
    let kept = good.path().join("good.db");
    Connection::open(server.data.join("ombud.db")).unwrap().execute("VACUUM INTO ?1", [kept.to_str().unwrap()]).unwrap();
    for_each_by_hand(&server, &merchant, &kept);
    // The erasure of somebody else excuses none of it.
    merchant.decide(&refund("other", "c_other", 1_000));
    assert_eq!(erase(&merchant, "c_other"), 201);
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    std::fs::remove_file(&kept).unwrap();
    Connection::open(server.data.join("ombud.db")).unwrap().execute("VACUUM INTO ?1", [kept.to_str().unwrap()]).unwrap();
    for_each_by_hand(&server, &merchant, &kept);
    // The day on which a person's act counts hangs on the zone of then.
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    config["tz_offset_min"] = json!(-600);
    server.call("PUT", &format!("/v1/merchants/{}", merchant.id)).key(&server.operator).json(&config).send().ok();
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
}

/// Each change is named, and what is put back is accused of nothing.
fn for_each_by_hand(server: &Server, merchant: &Merchant<'_>, good: &std::path::Path) {
    for (sql, said) in BY_HAND {
        assert!(change(server, &merchant.id, sql) > 0, "{sql}");
        let found = findings(&server.data, &merchant.id);
        assert!(found.iter().any(|one| one.contains(said)), "{sql}: {found:#?}");
        restore(server, good);
        assert_eq!(findings(&server.data, &merchant.id), [""; 0], "{sql}");
    }
}

fn restore(server: &Server, good: &std::path::Path) {
    let database = Connection::open(server.data.join("ombud.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    database.execute("ATTACH ?1 AS good", [good.to_str().unwrap()]).unwrap();
    for (table, ..) in &TABLES[BESIDE_RECORDS] {
        database.execute_batch(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM good.{table}")).unwrap();
    }
}

#[test]
fn after_erasure_and_retention_nothing_is_accused_and_amounts_still_are_checked() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"retention_days": 30}));
    history(&merchant);
    // Who was erased comes back, to the same order as well.
    assert_eq!(erase(&merchant, "c_1"), 201);
    assert_eq!(erase(&merchant, "customer-b"), 201);
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    let mut again = refund("paid", "c_1", 2_000);
    again["id"] = "once more".into();
    merchant.decide(&again);
    let back = merchant.decide(&refund("back", "c_1", 1_500));
    assert_eq!(act(&merchant, &back, amended(1_000)), 201);
    merchant.post(&platform("aftersale.refunded", "refunded", "back", "c_1"));
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    for (sql, said) in [
        ("UPDATE intents SET amount = amount + 1 WHERE key = 'case-paid'", "of `intents`: the amounts of the record, which was erased"),
        ("UPDATE counted SET refund = 1 WHERE order_id = 'order-paid'", "of `counted`: the amounts of the record, which was erased"),
        ("UPDATE intents SET cancelled = 0 WHERE key = 'case-approved'", "what is counted for the order is not what is paid for it"),
        ("UPDATE counted SET at_ms = at_ms + 1 WHERE order_id = 'order-paid'", "it counts for another order or at another time"),
        ("UPDATE after_sale_cases SET outcome = 'reject' WHERE order_id = 'order-approved'", "it is another case, outcome or time"),
        ("UPDATE blacklist_requests SET state = 'open' WHERE request_id = 'request-b'", "or it is not closed"),
        ("UPDATE intents SET amount = amount + 1 WHERE key = 'case-back'", "of `intents`: `amount` is another than the records give"),
        ("DELETE FROM delay_grants WHERE order_id = 'order-stands'", "of `delay_grants`: it is missing"),
        // Whoever came back is named again, and whoever was not erased always was.
        ("UPDATE counted SET customer = NULL WHERE order_id = 'order-back'", "of `counted`: `customer` is another than the records give"),
        (
            "UPDATE after_sale_cases SET customer = NULL WHERE order_id = 'order-back'",
            "of `after_sale_cases`: `customer` is another than the records give",
        ),
        (
            "UPDATE counted SET customer = NULL WHERE order_id = 'order-cancelled'",
            "of `counted`: `customer` is another than the records give",
        ),
        (
            "UPDATE counted SET customer = (SELECT min(subject) FROM subject_keys WHERE subject GLOB 'erased:[0-9a-f]*') WHERE order_id = 'order-cancelled'",
            "of `counted`: `customer` is another than the records give",
        ),
        ("UPDATE counted SET customer = 'c_2' WHERE order_id = 'order-paid'", "of `counted`: no record gives it"),
        ("DELETE FROM incidents WHERE customer = 'customer-x'", "of `incidents`: it is missing"),
        (
            "UPDATE incidents SET seq = (SELECT min(seq) FROM intents WHERE key = 'case-paid') WHERE customer = 'customer-x'",
            "of `incidents`: `seq` is another than the records give",
        ),
    ] {
        let good = tempfile::tempdir().unwrap();
        let kept = good.path().join("good.db");
        Connection::open(server.data.join("ombud.db")).unwrap().execute("VACUUM INTO ?1", [kept.to_str().unwrap()]).unwrap();
        assert!(change(&server, &merchant.id, sql) > 0, "{sql}");
        let found = findings(&server.data, &merchant.id);
        assert!(found.iter().any(|one| one.contains(said)), "{sql}: {found:#?}");
        restore(&server, &kept);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let retained = runtime.block_on(server.service.retain(ombud::clock::now_ms() + 31 * DAY_MS)).unwrap();
    assert!(retained.customers > 2, "{retained:?}");
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
}

/// One thing that happens: what, to whom, in which order or case, how much, and what a person then does.
type Happens = (usize, usize, usize, i64, usize);

fn happens() -> impl Strategy<Value = Happens> {
    (0..12_usize, 0..3_usize, 0..4_usize, 1..40_000_i64, 0..6_usize)
}

/// A hold on a ticket that is lifted at once, where the ticket is known.
fn hold_and_lift(merchant: &Merchant<'_>, ticket: &str) {
    let held = merchant.call(Role::Compliance, "POST", "/holds").json(&json!({"ticket": ticket, "reason": "court"})).send();
    assert!(matches!(held.status, 201 | 404), "{}", held.text());
    if held.status == 201 {
        let path = format!("/holds/{}/lift", held.json()["id"].as_str().unwrap());
        assert_eq!(merchant.call(Role::Compliance, "POST", &path).json(&json!({"reason": "over"})).send().status, 204);
    }
}

/// All of it happens to one merchant, whose directory is whole afterwards.
fn nothing_whole_is_accused(all: Vec<Happens>) {
    let merchant = shared().merchant(json!({"caps": {"order_refund_auto_fen_max": 30_000}}));
    let mut random = Random(all.len() as u64);
    for (at, (what, customer, order, amount, person)) in all.into_iter().enumerate() {
        let (own, case, who) = (format!("{at}"), format!("{order}"), format!("c_{customer}"));
        let mut said = match what {
            0..=3 => refund(&case, &who, amount),
            4..=5 => event("delay.detected", &case),
            6 => platform(["aftersale.closed", "aftersale.refunded", "aftersale.refused"][random.below(3)], &own, &case, &who),
            7 => event("blacklist.requested", &case),
            8 => event("blacklist.step", &case),
            9 => {
                let mut threat = event("message.received", &own);
                threat["data"]["message"]["extortion_flag"] = "yes".into();
                threat
            }
            10 => {
                hold_and_lift(&merchant, &format!("t_{}", random.below(3)));
                continue;
            }
            _ => {
                let status = erase(&merchant, &who);
                assert!(matches!(status, 201 | 404 | 409), "{status}");
                continue;
            }
        };
        said["id"] = own.into();
        said["data"]["ticket_id"] = format!("t_{}", random.below(3)).into();
        said["data"]["customer_ref"] = who.as_str().into();
        let role = if matches!(what, 7 | 8) { Role::Supervisor } else { Role::Agent };
        let answer = merchant.call(role, "POST", "/events").event(&said).send();
        assert!(matches!(answer.status, 200 | 409 | 422), "{}", answer.text());
        let decision = answer.json()["decisions"][0].clone();
        if !decision.is_object() {
            continue;
        }
        let status = match person {
            0 => act(&merchant, &decision, json!({"action": "approve", "reason": "x"})),
            1 => act(&merchant, &decision, json!({"action": "cancel", "reason": "x"})),
            2 => act(&merchant, &decision, amended(amount / 2 + 1)),
            _ => 201,
        };
        assert!(matches!(status, 201 | 409 | 422), "{status}");
    }
    assert_eq!(findings(&shared().data, &merchant.id), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, rng_seed: RngSeed::Fixed(77), ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_whole_is_accused(all in prop::collection::vec(happens(), 1..14)) {
        nothing_whole_is_accused(all);
    }
}

/// What the property met once.
#[test]
fn what_was_accused_once_is_not() {
    nothing_whole_is_accused(vec![
        (3, 2, 0, 18_589, 4),
        (6, 2, 0, 8_845, 2),
        (0, 0, 0, 10_887, 1),
        (5, 0, 2, 29_530, 1),
        (0, 2, 1, 31_635, 2),
        (8, 0, 0, 23_324, 4),
        (0, 2, 2, 4_000, 0),
        (3, 0, 3, 27_003, 3),
    ]);
}

/// Of a request whose first round was erased with a ticket, the next one is counted after it.
#[test]
fn a_request_that_is_begun_anew_after_an_erasure_is_accused_of_nothing() {
    let merchant = shared().merchant(json!({}));
    let said = |event_type: &str, id: &str, ticket: &str| {
        let mut event = event(event_type, "anew");
        event["id"] = id.into();
        event["data"]["ticket_id"] = ticket.into();
        event["data"]["customer_ref"] = "c_back".into();
        event
    };
    merchant.decide(&refund("first", "c_back", 100));
    assert_eq!(erase(&merchant, "c_back"), 201);
    merchant.post_as(Role::Agent, &said("blacklist.requested", "one", "t_one"));
    let mut other = refund("other", "c_other", 100);
    other["data"]["ticket_id"] = "t_one".into();
    merchant.decide(&other);
    assert_eq!(findings(&shared().data, &merchant.id), [""; 0]);
    assert_eq!(erase(&merchant, "c_other"), 201);
    assert_eq!(findings(&shared().data, &merchant.id), [""; 0]);
    merchant.post_as(Role::Agent, &said("blacklist.requested", "two", "t_two"));
    merchant.post_as(Role::Supervisor, &said("blacklist.step", "three", "t_two"));
    let rounds = format!(
        "SELECT max(round) FROM blacklist_steps JOIN merchants USING (merchant_no) WHERE id = '{}' AND request_id = 'request-anew'",
        merchant.id
    );
    assert_eq!(ledger::count(&shared().data, &rounds), 2);
    assert_eq!(findings(&shared().data, &merchant.id), [""; 0]);
}
