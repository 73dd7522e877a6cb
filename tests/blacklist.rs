//! Blacklist requests over HTTP: each step by another authenticated person in the right role; what follows from them for the
//! customer, and how it ends.

mod deferred;
mod endings;
mod people;
mod rights;
mod timer;

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, only, rules, shared};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
/// 2026-03-02T10:00:00+08:00: far enough back that a measure of 180 days has ended by now.
const T0: i64 = 1_772_416_800_000;

fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// A request of a criterion with complete evidence and incidents so many days before it.
fn request(id: &str, customer: &str, at: i64, criterion: &str, days: &[i64]) -> Value {
    let kinds: &[&str] = match criterion {
        "malicious-returns" => &["order-screenshot", "logistics-record", "chat-log", "photo"],
        _ => &["order-screenshot", "chat-log"],
    };
    let mut event = event("blacklist.requested", id);
    set(&mut event, "/id", json!(format!("{id}-{at}")));
    set(&mut event, "/time", json!(rfc3339(at)));
    event["data"]["customer_ref"] = customer.into();
    event["data"]["blacklist"]["request_id"] = id.into();
    event["data"]["blacklist"]["criterion"] = criterion.into();
    let incident = |day: &i64| json!({"incident_id": format!("i-{day}"), "at": at - day * DAY_MS, "criterion": criterion, "ticket_id": format!("t-{day}"), "threat_of_violence": false});
    event["data"]["blacklist"]["incidents"] = days.iter().map(incident).collect();
    let item = |kind: &&str| json!({"evidence_id": kind, "kind": kind, "strength": "strong", "captured_at": at, "intact": true, "ref": "sha256:00"});
    event["data"]["blacklist"]["evidence"] = kinds.iter().map(item).collect();
    event
}

fn step(id: &str, customer: &str, at: i64, verdict: &str) -> Value {
    let mut event = event("blacklist.step", id);
    set(&mut event, "/id", json!(format!("{id}-step-{at}-{verdict}")));
    set(&mut event, "/time", json!(rfc3339(at)));
    event["data"]["customer_ref"] = customer.into();
    event["data"]["blacklist"] = json!({"request_id": id, "verdict": verdict, "note": "核实"});
    event
}

fn tick(id: &str, customer: &str, at: i64) -> Value {
    let mut event = event("timer.tick", id);
    set(&mut event, "/id", json!(format!("{id}-tick-{at}")));
    set(&mut event, "/time", json!(rfc3339(at)));
    event["data"]["customer_ref"] = customer.into();
    event["data"]["blacklist"]["request_id"] = id.into();
    event
}

fn decided(merchant: &Merchant<'_>, role: Role, event: &Value) -> Value {
    only(&merchant.post_as(role, event))
}

fn outcome(decision: &Value) -> (&str, &str) {
    (decision["outcome"].as_str().unwrap(), decision["ruling"]["measure"].as_str().unwrap())
}

/// Posts with the key of a person.
fn by(merchant: &Merchant<'_>, key: &str, event: &Value) -> Value {
    only(&merchant.server.call("POST", &format!("/v1/merchants/{}/events", merchant.id)).key(key).event(event).send().ok())
}

fn state(merchant: &Merchant<'_>, id: &str) -> Value {
    merchant.call(Role::Auditor, "GET", &format!("/blacklist/requests/{id}")).send().ok()
}

fn measures(merchant: &Merchant<'_>, customer: &str) -> Value {
    merchant.call(Role::Auditor, "GET", &format!("/blacklist/measures?customer={customer}")).send().ok()
}

#[test]
fn a_request_goes_through_three_people_is_executed_and_ends() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("bl-1", "c_bl1");
    let submitted = decided(&merchant, Role::Agent, &request(id, customer, T0, "extortion", &[1, 20]));
    assert_eq!((outcome(&submitted), rules(&submitted)), (("forward-to-supervisor", "blacklisted"), vec!["BL-030"]));
    assert_eq!(submitted["ruling"]["next_role"], "supervisor");
    assert_eq!(measures(&merchant, customer), json!([]), "a proposal is no measure");
    let fresh = state(&merchant, id);
    assert_eq!((&fresh["state"]["stage"], &fresh["state"]["submitter_id"]), (&json!("submitted"), &json!("the-agent")));

    // Who has acted may not act again, and who has the wrong role may not at all: nothing changes.
    let records = merchant.records();
    let other_agent = merchant.new_key(Role::Agent, "another-agent");
    let invalid = [
        (decided(&merchant, Role::Agent, &step(id, customer, T0 + 1_000, "approve")), "BL-034"),
        (by(&merchant, &other_agent, &step(id, customer, T0 + 2_000, "approve")), "BL-036"),
        (decided(&merchant, Role::DepartmentHead, &step(id, customer, T0 + 3_000, "approve")), "BL-036"),
        (decided(&merchant, Role::Compliance, &step(id, customer, T0 + 4_000, "approve")), "BL-036"),
        (decided(&merchant, Role::MerchantAdmin, &step(id, customer, T0 + 5_000, "reject")), "BL-036"),
    ];
    for (decision, rule) in &invalid {
        assert_eq!((outcome(decision), rules(decision)), (("invalid", "none"), vec![*rule]), "{decision}");
    }
    assert_eq!(state(&merchant, id), fresh, "an invalid act changes nothing");
    assert_eq!(merchant.records(), records + invalid.len(), "but is on record");
    merchant.call(Role::Auditor, "POST", "/events").event(&step(id, customer, T0 + 6_000, "approve")).send().problem(403);

    let reviewed = decided(&merchant, Role::Supervisor, &step(id, customer, T0 + DAY_MS, "approve"));
    assert_eq!((outcome(&reviewed), rules(&reviewed)), (("forward-to-dept-head", "blacklisted"), vec!["BL-031"]));
    let again = decided(&merchant, Role::Supervisor, &step(id, customer, T0 + DAY_MS + 1, "approve"));
    assert_eq!((outcome(&again), rules(&again)), (("invalid", "none"), vec!["BL-034"]));
    let other_supervisor = merchant.new_key(Role::Supervisor, "another-supervisor");
    let wrong = by(&merchant, &other_supervisor, &step(id, customer, T0 + DAY_MS + 2, "approve"));
    assert_eq!((outcome(&wrong), rules(&wrong)), (("invalid", "none"), vec!["BL-036"]));
    // The same person under another key of a higher role is still the same person.
    let promoted = merchant.new_key(Role::DepartmentHead, "the-supervisor");
    let same = by(&merchant, &promoted, &step(id, customer, T0 + DAY_MS + 3, "approve"));
    assert_eq!((outcome(&same), rules(&same)), (("invalid", "none"), vec!["BL-034"]));
    assert_eq!(measures(&merchant, customer), json!([]));

    let executed = decided(&merchant, Role::DepartmentHead, &step(id, customer, T0 + 2 * DAY_MS, "approve"));
    assert_eq!((outcome(&executed), rules(&executed)), (("execute", "blacklisted"), vec!["BL-032"]));
    assert!(!executed["messages"].as_array().unwrap().is_empty(), "the customer is told");
    let ends = T0 + 182 * DAY_MS;
    assert_eq!(executed["ruling"]["review_by"], ends);
    let in_force = measures(&merchant, customer);
    assert_eq!((&in_force[0]["measure"], &in_force[0]["request_id"]), (&json!("blacklisted"), &json!(id)));
    assert_eq!(in_force[0]["review_by"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond(), ends);
    let done = state(&merchant, id);
    assert_eq!((&done["state"]["stage"], done["state"]["steps"].as_array().unwrap().len()), (&json!("executed"), 3));
    let actors: Vec<&str> = done["state"]["steps"].as_array().unwrap().iter().map(|step| step["actor_id"].as_str().unwrap()).collect();
    assert_eq!(actors, ["the-agent", "the-supervisor", "the-department-head"]);

    // Nothing more is done to it, until its time is over.
    let resubmitted = decided(&merchant, Role::Agent, &request(id, customer, T0 + 3 * DAY_MS, "extortion", &[2]));
    assert_eq!((outcome(&resubmitted), rules(&resubmitted)), (("closed", "blacklisted"), vec!["BL-042"]));
    let early = decided(&merchant, Role::Agent, &tick(id, customer, ends - 1));
    assert_eq!((outcome(&early), rules(&early)), (("closed", "blacklisted"), vec!["BL-042"]));
    assert_eq!(measures(&merchant, customer), in_force);
    let over = decided(&merchant, Role::Agent, &tick(id, customer, ends));
    assert_eq!((outcome(&over), rules(&over)), (("closed", "none"), vec!["BL-041"]));
    assert_eq!(measures(&merchant, customer), json!([]));
    assert_eq!(state(&merchant, id)["state"]["stage"], "archived");
    ledger::gap_free(&shared().data, &merchant.id);
    for line in merchant.decisions("limit=200") {
        let report = merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", line["id"].as_str().unwrap())).send().ok();
        assert_eq!(report["identical"], true, "{report}");
    }
}

#[test]
fn a_request_returned_for_evidence_begins_a_new_round() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("bl-2", "c_bl2");
    let mut thin = request(id, customer, T0, "extortion", &[1, 20]);
    set(&mut thin, "/data/blacklist/evidence", json!([]));
    let thin = decided(&merchant, Role::Agent, &thin);
    assert_eq!((outcome(&thin), rules(&thin)), (("return-for-evidence", "none"), vec!["BL-010"]));
    assert_eq!(thin["ruling"]["missing"], json!(["order-screenshot", "chat-log"]));

    let whole = decided(&merchant, Role::Agent, &request(id, customer, T0 + 1_000, "extortion", &[1, 20]));
    assert_eq!(outcome(&whole).0, "forward-to-supervisor");
    let returned = decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 2_000, "return-for-evidence"));
    assert_eq!((outcome(&returned), rules(&returned)), (("return-for-evidence", "none"), vec!["BL-037"]));
    // A verdict on what was sent back stands on nothing: it is refused and not recorded.
    let records = merchant.records();
    let refused = merchant.call(Role::DepartmentHead, "POST", "/events").event(&step(id, customer, T0 + 3_000, "approve")).send();
    assert_eq!(pointers(&refused.problem(422)), ["/data/blacklist/request_id"]);
    assert_eq!(merchant.records(), records);

    let again = decided(&merchant, Role::Agent, &request(id, customer, T0 + 4_000, "extortion", &[]));
    assert_eq!((outcome(&again).0, &again["ruling"]["counted_incidents"]), ("forward-to-supervisor", &json!(2)), "{again}");
    assert_eq!(state(&merchant, id)["state"]["steps"].as_array().unwrap().len(), 1, "a new round begins with its submission");
    // Whoever sent it back may judge the new round.
    assert_eq!(outcome(&decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 5_000, "approve"))).0, "forward-to-dept-head");
    let closed = decided(&merchant, Role::DepartmentHead, &step(id, customer, T0 + 6_000, "reject"));
    assert_eq!((outcome(&closed), rules(&closed)), (("closed", "none"), vec!["BL-033"]));
    assert_eq!((&state(&merchant, id)["state"]["stage"], measures(&merchant, customer)), (&json!("archived"), json!([])));
    let late = decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 7_000, "approve"));
    assert_eq!((outcome(&late), rules(&late)), (("closed", "none"), vec!["BL-042"]), "what was put away stays so");
}

#[test]
fn a_confirmed_incident_counts_and_a_lesser_measure_needs_the_supervisor_alone() {
    let merchant = shared().merchant(json!({}));
    let customer = "c_returns";
    let after_sale = |own: &str, time: i64| {
        let mut event = event("aftersale.requested", own);
        set(&mut event, "/time", json!(rfc3339(time)));
        event["data"]["customer_ref"] = customer.into();
        event["data"]["customer"]["customer_ref"] = customer.into();
        let preview = merchant.decide(&event);
        merchant.call(Role::Auditor, "GET", &format!("/decisions/{}", preview["id"].as_str().unwrap())).send().ok()["facts"]["case"].clone()
    };
    let at = 1_793_930_400_000;
    assert_eq!(after_sale("before", at)["customer"]["malicious_returns"], 0);
    let marked = decided(&merchant, Role::Agent, &request("bl-3", customer, at, "malicious-returns", &[10]));
    assert_eq!((outcome(&marked), rules(&marked)), (("recommend-mark", "marked"), vec!["BL-020"]));
    // Recommended, but not in force, and not confirmed.
    assert_eq!(measures(&merchant, customer), json!([]));
    assert_eq!(after_sale("recommended", at)["customer"]["malicious_returns"], 0);
    let approved = decided(&merchant, Role::Supervisor, &step("bl-3", customer, at + 1_000, "approve"));
    assert_eq!(outcome(&approved), ("recommend-mark", "marked"));
    assert_eq!(measures(&merchant, customer)[0]["measure"], "marked");
    assert_eq!(after_sale("confirmed", at + 2_000)["customer"]["malicious_returns"], 1);

    // The measure in force is a fact of the next request about this customer; the incident is reported again and counted once.
    let second = decided(&merchant, Role::Agent, &request("bl-4", customer, at + 3_000, "malicious-returns", &[10, 30]));
    assert_eq!(outcome(&second), ("recommend-restrict", "service-restricted"), "{second}");
    let facts = merchant.call(Role::Auditor, "GET", &format!("/decisions/{}", second["id"].as_str().unwrap())).send().ok();
    assert_eq!(facts["facts"]["case"]["current_measure"], "marked");
    let approved = decided(&merchant, Role::Supervisor, &step("bl-4", customer, at + 4_000, "approve"));
    assert_eq!(outcome(&approved), ("recommend-restrict", "service-restricted"));
    assert_eq!(measures(&merchant, customer)[0]["measure"], "service-restricted");
    assert_eq!(after_sale("twice", at + 5_000)["customer"]["malicious_returns"], 2);
    // No measure touches a right: the same case gives the same ruling as before.
    let decisions = merchant.decisions("kind=after-sale");
    assert!(decisions.iter().all(|line| line["outcome"] == decisions[0]["outcome"]), "{decisions:?}");
    // Another merchant knows nothing of it.
    let elsewhere = shared().merchant(json!({}));
    assert_eq!(measures(&elsewhere, customer), json!([]));
}

#[test]
fn open_cases_defer_the_block() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("bl-5", "c_open");
    let mut open = event("aftersale.requested", "open");
    open["data"]["customer_ref"] = customer.into();
    open["data"]["customer"]["customer_ref"] = customer.into();
    assert_eq!(merchant.decide(&open)["outcome"], "approve-return-refund", "goods are on their way back: the case is open");
    let at = 1_793_930_400_000;
    decided(&merchant, Role::Agent, &request(id, customer, at, "extortion", &[1, 20]));
    decided(&merchant, Role::Supervisor, &step(id, customer, at + 1_000, "approve"));
    let executed = decided(&merchant, Role::DepartmentHead, &step(id, customer, at + 2_000, "approve"));
    assert_eq!((outcome(&executed), rules(&executed)), (("execute-deferred", "blacklisted"), vec!["BL-032", "BL-040"]));
}

#[test]
fn the_clients_word_on_steps_and_roles_is_refused() {
    let merchant = shared().merchant(json!({}));
    for member in ["steps", "stage", "submitter_id", "submitter_role", "current_measure", "review_by"] {
        for (role, mut event) in
            [(Role::Agent, request("bl-6", "c_word", T0, "extortion", &[1, 20])), (Role::Supervisor, step("bl-6", "c_word", T0, "approve"))]
        {
            event["data"]["blacklist"][member] = json!("department-head");
            let refused = merchant.call(role, "POST", "/events").event(&event).send().problem(422);
            assert_eq!(pointers(&refused), [format!("/data/blacklist/{member}")]);
        }
        let act = json!({
            "event_id": "e", "customer_ref": "c_word", "ticket_id": "t",
            "blacklist": {"request_id": "bl-6", "criterion": "extortion", member: "department-head"},
        });
        let refused = merchant.call(Role::Agent, "POST", "/blacklist/requests").json(&act).send().problem(422);
        assert_eq!(pointers(&refused), [format!("/blacklist/{member}")]);
    }
    // A step on what was never submitted, and one about somebody else.
    let unknown = merchant.call(Role::Supervisor, "POST", "/events").event(&step("bl-none", "c_word", T0, "approve")).send().problem(422);
    assert_eq!(pointers(&unknown), ["/data/blacklist/request_id"]);
    decided(&merchant, Role::Agent, &request("bl-6", "c_word", T0, "extortion", &[1, 20]));
    let other = merchant.call(Role::Supervisor, "POST", "/events").event(&step("bl-6", "c_other", T0, "approve")).send().problem(422);
    assert_eq!(pointers(&other), ["/data/customer_ref"]);
    assert_eq!(merchant.records(), 1);
}

/// A customer who is blacklisted from now on.
fn blacklisted(merchant: &Merchant<'_>, id: &str, customer: &str, at: i64) {
    decided(merchant, Role::Agent, &request(id, customer, at, "extortion", &[1, 20]));
    decided(merchant, Role::Supervisor, &step(id, customer, at + 1, "approve"));
    let executed = decided(merchant, Role::DepartmentHead, &step(id, customer, at + 2, "approve"));
    assert_eq!(outcome(&executed), ("execute", "blacklisted"));
}

#[test]
fn an_appeal_goes_to_compliance_and_the_measure_stands_until_it_is_decided() {
    let merchant = shared().merchant(json!({}));
    let now = ombud::clock::now_ms();
    let appeal = |id: &str, event: &str, customer: &str| {
        let act = json!({"event_id": event, "customer_ref": customer, "ticket_id": "t", "blacklist": {"note": "我没有威胁过任何人"}});
        merchant.call(Role::Agent, "POST", &format!("/blacklist/requests/{id}/appeal")).json(&act).send()
    };
    // Nothing to appeal against: no such request, another customer's, no measure.
    assert_eq!(pointers(&appeal("bl-a", "a0", "c_a").problem(422)), ["/blacklist/request_id"]);
    decided(&merchant, Role::Agent, &request("bl-none", "c_none", now - 9, "extortion", &[1, 20]));
    assert_eq!(pointers(&appeal("bl-none", "a1", "c_none").problem(422)), ["/blacklist/request_id"]);
    assert_eq!(pointers(&appeal("bl-none", "a2", "c_other").problem(422)), ["/customer_ref"]);
    // Nor against a measure that is in force on another request: it would be lifted, or confirmed, under a request it never stood on.
    decided(&merchant, Role::Agent, &request("bl-rejected", "c_two", now - 9_000, "abuse", &[1]));
    decided(&merchant, Role::Supervisor, &step("bl-rejected", "c_two", now - 8_000, "reject"));
    blacklisted(&merchant, "bl-two", "c_two", now - 5_000);
    assert_eq!(pointers(&appeal("bl-rejected", "a3", "c_two").problem(422)), ["/blacklist/request_id"]);
    assert_eq!(state(&merchant, "bl-rejected")["state"]["stage"], "archived");

    for (id, customer, decide, (stands, stage, left)) in [
        ("bl-a", "c_a", json!({"action": "amend", "outcome": "closed", "reason": "没有证据"}), ("closed", "archived", 0)),
        ("bl-b", "c_b", json!({"action": "approve", "reason": "证据充分"}), ("appeal-dismissed", "executed", 1)),
        ("bl-c", "c_c", json!({"action": "cancel", "reason": "客户撤回"}), ("cancelled", "executed", 1)),
    ] {
        blacklisted(&merchant, id, customer, now - 5_000);
        let in_force = measures(&merchant, customer);
        let appealed = only(&appeal(id, &format!("appeal-{id}"), customer).ok());
        assert_eq!((outcome(&appealed), rules(&appealed)), (("escalate", "blacklisted"), vec!["BL-043"]), "{appealed}");
        assert_eq!(appealed["ruling"]["next_role"], "compliance");
        assert_eq!(only(&appeal(id, &format!("appeal-{id}"), customer).ok()), appealed, "the same appeal again");
        assert_eq!((&state(&merchant, id)["state"]["stage"], measures(&merchant, customer)), (&json!("appealed"), in_force.clone()));
        // Steps and submissions do not end it, and who had a part in it does not decide it.
        let step = decided(&merchant, Role::Supervisor, &step(id, customer, now, "approve"));
        assert_eq!((outcome(&step).0, rules(&step)), ("escalate", vec!["BL-043"]));
        let path = format!("/decisions/{}/override", appealed["id"].as_str().unwrap());
        for role in [Role::Agent, Role::Supervisor, Role::DepartmentHead, Role::MerchantAdmin, Role::Auditor] {
            merchant.call(role, "POST", &path).json(&decide).send().problem(403);
        }
        let same_person = merchant.new_key(Role::Compliance, "the-supervisor");
        let url = format!("/v1/merchants/{}{path}", merchant.id);
        merchant.server.call("POST", &url).key(&same_person).json(&decide).send().problem(403);
        let wrong = json!({"action": "amend", "outcome": "execute", "reason": "x"});
        assert_eq!(pointers(&merchant.call(Role::Compliance, "POST", &path).json(&wrong).send().problem(422)), ["/outcome"]);
        assert_eq!(measures(&merchant, customer), in_force);

        let act = merchant.call(Role::Compliance, "POST", &path).json(&decide).send().with(201);
        assert_eq!(act["outcome"], stands);
        assert_eq!(
            (&state(&merchant, id)["state"]["stage"], measures(&merchant, customer).as_array().unwrap().len()),
            (&json!(stage), left)
        );
        // What was decided stays: at its end the measure is lifted, and not before.
        let early = decided(&merchant, Role::Agent, &tick(id, customer, now + 60_000));
        assert_eq!((outcome(&early).0, rules(&early)), ("closed", vec!["BL-042"]));
        let report = merchant.call(Role::Auditor, "POST", &path.replace("/override", "/replay")).send().ok();
        assert_eq!(report["identical"], true, "{report}");
    }
    ledger::gap_free(&shared().data, &merchant.id);
}

#[test]
fn requests_are_listed_page_by_page() {
    let merchant = shared().merchant(json!({}));
    for number in 0..7 {
        decided(&merchant, Role::Agent, &request(&format!("bl-{number}"), &format!("c_{number}"), T0, "extortion", &[3, 2, 1]));
    }
    // Two of them are over: they come last.
    for number in [1, 4] {
        decided(&merchant, Role::Supervisor, &step(&format!("bl-{number}"), &format!("c_{number}"), T0 + DAY_MS, "reject"));
    }
    let page = |query: &str| merchant.call(Role::Auditor, "GET", &format!("/blacklist/requests{query}")).send();
    let ids = |page: &Value| page["requests"].as_array().unwrap().iter().map(|one| one["request_id"].clone()).collect::<Vec<_>>();
    let all = page("").ok();
    assert_eq!(
        (ids(&all), &all["cursor"]),
        (["0", "2", "3", "5", "6", "1", "4"].map(|id| json!(format!("bl-{id}"))).to_vec(), &Value::Null)
    );
    for limit in 1..=8 {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = page(&format!("?limit={limit}{cursor}")).ok();
            assert!(ids(&page).len() <= limit);
            seen.extend(ids(&page));
            pages += 1;
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!((seen, pages), (ids(&all), 7_usize.div_ceil(limit)), "{limit}");
    }
    assert_eq!(page("?limit=200").status, 200);
    for bad in ["limit=0", "limit=201", "cursor=zz", "cursor=00", "cursor="] {
        assert_eq!(page(&format!("?{bad}")).status, 422, "{bad}");
    }
}
