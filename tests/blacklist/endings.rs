//! What ends a measure, and what does not: its date, whoever put it in force and however; and nobody's act on a decision.

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, Server, shared};
use serde_json::{Value, json};

use super::{DAY_MS, T0, blacklisted, decided, measures, only, outcome, request, rules, state, step, tick};

/// Lets the server's timer look as if it were that time.
fn look(until_ms: i64) {
    look_of(shared(), until_ms);
}

fn look_of(server: &Server, until_ms: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(server.service.expire_due(until_ms)).unwrap();
}

fn measure(merchant: &Merchant<'_>, customer: &str) -> Value {
    let in_force = measures(merchant, customer);
    json!([in_force[0]["measure"], in_force[0]["request_id"]])
}

#[test]
fn a_restriction_that_a_supervisor_put_in_force_ends_by_its_date() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("end-1", "c_end1");
    decided(&merchant, Role::Agent, &request(id, customer, T0, "malicious-returns", &[10, 30]));
    let approved = decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 1_000, "approve"));
    assert_eq!((outcome(&approved), rules(&approved)), (("recommend-restrict", "service-restricted"), vec!["BL-020"]));
    assert_eq!(
        (measure(&merchant, customer), &state(&merchant, id)["state"]["stage"]),
        (json!(["service-restricted", id]), &json!("executed"))
    );
    // It is carried out: nobody adds a step, or a round.
    let more = decided(&merchant, Role::DepartmentHead, &step(id, customer, T0 + 2_000, "approve"));
    assert_eq!((outcome(&more), rules(&more)), (("closed", "service-restricted"), vec!["BL-042"]));
    let ends = T0 + 1_000 + 180 * DAY_MS;
    look(ends - 1);
    assert_eq!(measure(&merchant, customer), json!(["service-restricted", id]));
    look(ends);
    assert_eq!((measures(&merchant, customer), &state(&merchant, id)["state"]["stage"]), (json!([]), &json!("archived")));
    let last = merchant.decisions("kind=blacklist").remove(0);
    let report = merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", last["id"].as_str().unwrap())).send().ok();
    assert_eq!((&last["outcome"], &report["identical"]), (&json!("closed"), &json!(true)));
}

#[test]
fn a_restriction_from_before_ends_by_its_date_too() {
    // Requests whose restriction came into force before that made them executed: their stage is that of the last step.
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({}));
    let (id, customer) = ("end-2", "c_end2");
    decided(&merchant, Role::Agent, &request(id, customer, T0, "malicious-returns", &[10, 30]));
    decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 1_000, "approve"));
    ledger::change(&server.data, &format!("UPDATE blacklist_requests SET stage = 'supervisor-reviewed' WHERE request_id = '{id}'"));
    let early = decided(&merchant, Role::Agent, &tick(id, customer, T0 + 180 * DAY_MS));
    assert_eq!(rules(&early), ["BL-042"]);
    look_of(&server, T0 + 181 * DAY_MS);
    assert_eq!(measures(&merchant, customer), json!([]));
}

#[test]
fn a_lesser_measure_takes_nothing_over() {
    let merchant = shared().merchant(json!({}));
    let (grave, customer) = ("end-3", "c_end3");
    blacklisted(&merchant, grave, customer, T0);
    for (id, criterion, days, at, says) in [
        ("end-4", "abuse", &[1][..], T0 + 10_000, "recommend-mark"),
        ("end-5", "malicious-returns", &[10, 30][..], T0 + 20_000, "recommend-restrict"),
    ] {
        decided(&merchant, Role::Agent, &request(id, customer, at, criterion, days));
        let approved = decided(&merchant, Role::Supervisor, &step(id, customer, at + 1_000, "approve"));
        assert_eq!(outcome(&approved).0, says, "{approved}");
        assert_eq!(measure(&merchant, customer), json!(["blacklisted", grave]), "{id}");
    }
    // A graver one does; and what is in force ends by its own date.
    look(T0 + 2 + 180 * DAY_MS);
    assert_eq!(measures(&merchant, customer), json!([]));
    let (marked, restricted, customer) = ("end-6", "end-7", "c_end6");
    decided(&merchant, Role::Agent, &request(marked, customer, T0, "abuse", &[1]));
    decided(&merchant, Role::Supervisor, &step(marked, customer, T0 + 1, "approve"));
    assert_eq!(measure(&merchant, customer), json!(["marked", marked]));
    decided(&merchant, Role::Agent, &request(restricted, customer, T0 + 2, "abuse", &[3, 9]));
    decided(&merchant, Role::Supervisor, &step(restricted, customer, T0 + 3, "approve"));
    assert_eq!(measure(&merchant, customer), json!(["service-restricted", restricted]));
    look(T0 + 3 + 180 * DAY_MS);
    assert_eq!(measures(&merchant, customer), json!([]));
}

#[test]
fn an_appeal_ends_the_measure_of_its_own_request() {
    let merchant = shared().merchant(json!({}));
    let (first, later, customer) = ("end-8", "end-9", "c_end8");
    let now = ombud::clock::now_ms();
    decided(&merchant, Role::Agent, &request(first, customer, now - 9_000, "abuse", &[1]));
    decided(&merchant, Role::Supervisor, &step(first, customer, now - 8_000, "approve"));
    assert_eq!(measure(&merchant, customer), json!(["marked", first]));
    let appeal = json!({"event_id": "appeal-8", "customer_ref": customer, "ticket_id": "t", "blacklist": {"note": "不是我"}});
    let path = format!("/blacklist/requests/{first}/appeal");
    let appealed = only(&merchant.call(Role::Agent, "POST", &path).json(&appeal).send().ok());
    // A graver measure comes into force while compliance looks at the appeal.
    blacklisted(&merchant, later, customer, now - 5_000);
    let in_force = measures(&merchant, customer);
    let shown = state(&merchant, first);
    assert_eq!((&shown["state"]["stage"], &shown["measure"], &shown["review_by"]), (&json!("appealed"), &json!("none"), &Value::Null));
    let path = format!("/decisions/{}/override", appealed["id"].as_str().unwrap());
    let granted = json!({"action": "amend", "outcome": "closed", "reason": "没有证据"});
    merchant.call(Role::Compliance, "POST", &path).json(&granted).send().with(201);
    assert_eq!((measures(&merchant, customer), measure(&merchant, customer)), (in_force, json!(["blacklisted", later])));
    assert_eq!(
        (&state(&merchant, first)["state"]["stage"], &state(&merchant, later)["measure"]),
        (&json!("archived"), &json!("blacklisted"))
    );
    // To take the act back does not bring the measure back, and so not the request.
    merchant.call(Role::Compliance, "POST", &path).json(&json!({"action": "cancel", "reason": "弄错了"})).send().with(201);
    assert_eq!(
        (&state(&merchant, first)["state"]["stage"], measure(&merchant, customer)),
        (&json!("archived"), json!(["blacklisted", later]))
    );
}

#[test]
fn the_customer_is_told_what_stands() {
    let merchant = shared().merchant(json!({}));
    let told = |decision: &Value| {
        let path = format!("/decisions/{}/explanation?lang=en", decision["id"].as_str().unwrap());
        let told = merchant.call(Role::Agent, "GET", &path).send().ok();
        let appeal = told["rights"].as_str().unwrap().contains("appeal");
        (told["result"].as_str().unwrap().to_owned(), told["how"].as_str().unwrap().to_owned(), appeal)
    };
    let internal = "This is an internal step; nothing was decided about you";
    let (id, customer, now) = ("end-13", "c_end13", ombud::clock::now_ms());
    let submitted = decided(&merchant, Role::Agent, &request(id, customer, now - 5_000, "malicious-returns", &[10, 30]));
    let (result, _, appeal) = told(&submitted);
    assert_eq!((outcome(&submitted).0, result.as_str(), appeal), ("recommend-restrict", internal, false));
    let approved = decided(&merchant, Role::Supervisor, &step(id, customer, now - 4_000, "approve"));
    let (result, how, appeal) = told(&approved);
    assert_eq!((outcome(&approved).0, measure(&merchant, customer)), ("recommend-restrict", json!(["service-restricted", id])));
    let notices = |decision: &Value| {
        let messages = decision["messages"].as_array().unwrap();
        messages.iter().map(|message| message["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((notices(&submitted), notices(&approved)), (vec![], vec!["bl.notice".to_owned()]), "{approved}");
    assert_eq!((result.as_str(), how.as_str(), appeal), ("Some services were restricted for you", "Decided by a supervisor.", true));
    let unchanged = decided(&merchant, Role::Agent, &request(id, customer, now - 3_000, "malicious-returns", &[10, 30]));
    assert_eq!(notices(&unchanged), [""; 0]);
    let (result, how, appeal) = told(&unchanged);
    assert_eq!((rules(&unchanged), measure(&merchant, customer)), (vec!["BL-042"], json!(["service-restricted", id])));
    assert_eq!((result.as_str(), appeal), ("The restriction has not changed and stays in force", true), "{how}");
    let appeal = json!({"event_id": "a13", "customer_ref": customer, "ticket_id": "t", "blacklist": {"note": "我没有"}});
    let appeal = merchant.call(Role::Agent, "POST", &format!("/blacklist/requests/{id}/appeal")).json(&appeal).send().ok();
    let appeal = &appeal["decisions"][0];
    assert_eq!(told(appeal).0, "A person is handling your appeal, the restriction stays meanwhile");
    assert_eq!(told(&approved).0, "Some services were restricted for you", "it stands until a person has decided");
    let path = format!("/decisions/{}/override", appeal["id"].as_str().unwrap());
    let grant = json!({"action": "amend", "outcome": "closed", "reason": "she is right"});
    merchant.call(Role::Compliance, "POST", &path).json(&grant).send().with(201);
    assert_eq!((told(appeal).0.as_str(), measures(&merchant, customer)), ("The restriction has ended", json!([])));
    // So is who reads the decision that had put it in force, with what became of it; and an auditor reads whose act it was.
    let path = format!("/decisions/{}/explanation?lang=en", approved["id"].as_str().unwrap());
    let past = merchant.call(Role::Agent, "GET", &path).send().ok();
    assert_eq!(
        (&past["result"], &past["messages"]),
        (&json!("The restriction that had been decided for you is no longer in force"), &json!([]))
    );
    let lines: Vec<&str> = past["later"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(lines, ["You appealed.", "Reviewed by a person: The restriction has ended."]);
    let seen = merchant.call(Role::Auditor, "GET", &format!("{path}&for=auditor")).send().ok();
    assert_eq!((&seen["overrides"][0]["decision"], &seen["overrides"][0]["outcome"]), (&appeal["id"], &json!("closed")), "{seen}");
    // Of a request that a supervisor rejected nothing came.
    let (id, customer) = ("end-14", "c_end14");
    decided(&merchant, Role::Agent, &request(id, customer, now - 5_000, "abuse", &[1]));
    let rejected = decided(&merchant, Role::Supervisor, &step(id, customer, now - 4_000, "reject"));
    let (result, how, appeal) = told(&rejected);
    assert_eq!((outcome(&rejected).0, result.as_str(), appeal), ("closed", internal, false), "{how}");
    assert!(!how.contains("Decided by"), "{how}");
}

#[test]
fn no_act_on_a_decision_replaces_the_steps() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("end-8", "c_end8");
    let submitted = decided(&merchant, Role::Agent, &request(id, customer, T0, "extortion", &[1, 20]));
    assert_eq!(outcome(&submitted).0, "forward-to-supervisor");
    let act = |decision: &Value, role: Role, body: &Value| {
        let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
        merchant.call(role, "POST", &path).json(body).send().problem(409)
    };
    let bodies = [
        json!({"action": "amend", "outcome": "execute", "reason": "shortcut"}),
        json!({"action": "amend", "outcome": "closed", "reason": "shortcut"}),
        json!({"action": "amend", "outcome": "execute", "reason": "shortcut", "amounts": {"refund": 500, "cash": 500, "coupon": 0}}),
        json!({"action": "approve", "reason": "shortcut"}),
        json!({"action": "cancel", "reason": "shortcut"}),
    ];
    for role in [Role::Supervisor, Role::DepartmentHead, Role::Compliance] {
        for body in &bodies {
            act(&submitted, role, body);
        }
    }
    assert_eq!((&state(&merchant, id)["state"]["stage"], measures(&merchant, customer)), (&json!("submitted"), json!([])));
    decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 1, "approve"));
    let executed = decided(&merchant, Role::DepartmentHead, &step(id, customer, T0 + 2, "approve"));
    for body in &bodies {
        act(&executed, Role::Compliance, body);
    }
    assert_eq!(measure(&merchant, customer), json!(["blacklisted", id]));
    let path = format!("/decisions/{}/explanation?lang=en", executed["id"].as_str().unwrap());
    assert!(merchant.call(Role::Agent, "GET", &path).send().ok()["later"].as_array().is_none_or(Vec::is_empty));
}

#[test]
fn an_appeal_moves_no_money() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("end-9", "c_end9");
    blacklisted(&merchant, id, customer, ombud::clock::now_ms() - 5_000);
    let appeal = json!({"event_id": "a1", "customer_ref": customer, "ticket_id": "t", "blacklist": {"note": "我没有"}});
    let appealed = merchant.call(Role::Agent, "POST", &format!("/blacklist/requests/{id}/appeal")).json(&appeal).send().ok();
    let path = format!("/decisions/{}/override", appealed["decisions"][0]["id"].as_str().unwrap());
    let grant = json!({"action": "amend", "outcome": "closed", "reason": "x", "amounts": {"refund": 1, "cash": 0, "coupon": 0}});
    assert_eq!(pointers(&merchant.call(Role::Compliance, "POST", &path).json(&grant).send().problem(422)), ["/amounts/refund"]);
    assert_eq!(measure(&merchant, customer), json!(["blacklisted", id]));
}

#[test]
fn an_act_is_its_persons() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("end-10", "c_end10");
    let now = ombud::clock::now_ms();
    let steps = format!("/blacklist/requests/{id}/steps");
    let say = |role: Role, event_id: &str| {
        let act = json!({"event_id": event_id, "customer_ref": customer, "ticket_id": "t", "blacklist": {"verdict": "approve"}});
        merchant.call(role, "POST", &steps).json(&act).send()
    };
    decided(&merchant, Role::Agent, &request(id, customer, now, "extortion", &[1, 20]));
    // Who sends it first does not make it somebody else's: neither through the route for people nor as an event.
    assert_eq!(say(Role::Agent, "s1").ok()["decisions"][0]["outcome"], "invalid");
    say(Role::Supervisor, "s1").problem(409);
    let supervised = say(Role::Supervisor, "s2").ok();
    assert_eq!((&supervised["duplicate"], &supervised["decisions"][0]["outcome"]), (&json!(false), &json!("forward-to-dept-head")));
    say(Role::DepartmentHead, "s2").problem(409);
    assert_eq!(state(&merchant, id)["state"]["stage"], "supervisor-reviewed");
    assert_eq!(say(Role::Supervisor, "s2").ok()["duplicate"], true);
    let same = step(id, customer, now + 60_000, "approve");
    assert_eq!(outcome(&decided(&merchant, Role::DepartmentHead, &same)), ("execute", "blacklisted"));
    merchant.call(Role::Supervisor, "POST", "/events").event(&same).send().problem(409);
    assert_eq!(merchant.post_as(Role::DepartmentHead, &same)["duplicate"], true);
}

#[test]
fn acts_are_not_dated_back() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("end-11", "c_end11");
    decided(&merchant, Role::Agent, &request(id, customer, T0, "extortion", &[1, 20]));
    let records = merchant.records();
    for (role, event) in [
        (Role::Supervisor, step(id, customer, T0 - 1, "approve")),
        (Role::Supervisor, step(id, customer, 1_577_836_800_000, "reject")),
        (Role::Agent, request(id, customer, T0 - 1, "extortion", &[1, 20])),
    ] {
        let refused = merchant.call(role, "POST", "/events").event(&event).send().problem(422);
        assert_eq!(pointers(&refused), ["/data/blacklist"]);
    }
    assert_eq!((merchant.records(), &state(&merchant, id)["state"]["stage"]), (records, &json!("submitted")));
    assert_eq!(outcome(&decided(&merchant, Role::Supervisor, &step(id, customer, T0, "approve"))).0, "forward-to-dept-head");
}

#[test]
fn nobody_sends_events_under_the_servers_own_name() {
    let merchant = shared().merchant(json!({}));
    for source in ["/ombud/timers", "/ombud/blacklist", "/ombud/"] {
        let mut event = tick("end-12", "c_end12", T0);
        event["source"] = source.into();
        for path in ["/events", "/preview"] {
            assert_eq!(pointers(&merchant.call(Role::Agent, "POST", path).event(&event).send().problem(422)), ["/source"]);
        }
    }
    assert_eq!(merchant.records(), 0);
}
