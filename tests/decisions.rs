//! Events over HTTP: every kind decides; once is once; what is answered is what is on record and what a replay gives.

use std::collections::BTreeSet;

use ombud::service::Role;
use ombud_core::kind::Kind;
use ombud_tests::client::agent;
use ombud_tests::events::{event, set, types};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, only, shared};
use serde_json::{Value, json};

/// The kinds that decide on the examples, in the alphabetical order of their types; the others are only recorded.
const DECIDES: [(&str, &[&str]); 15] = [
    ("aftersale.evidence_added", &["after-sale"]),
    ("aftersale.modified", &["after-sale"]),
    ("aftersale.refunded", &["delay"]),
    ("aftersale.requested", &["after-sale"]),
    ("aftersale.return_received", &["after-sale"]),
    ("blacklist.requested", &["blacklist"]),
    ("blacklist.step", &["blacklist"]),
    ("comment.posted", &["reply"]),
    ("delay.detected", &["delay"]),
    ("dispute.opened", &["after-sale"]),
    ("dispute.ruled", &["after-sale"]),
    ("guarantee.updated", &["after-sale"]),
    ("logistics.updated", &["after-sale", "delay"]),
    ("reply.drafted", &["reply"]),
    ("timer.tick", &["blacklist"]),
];

/// The example as it can be posted on its own: the clock of a test machine stands before the review of the measure.
fn postable(event_type: &str, own: &str) -> Value {
    let mut event = event(event_type, own);
    if event_type == "timer.tick" {
        set(&mut event, "/time", json!("2026-11-06T19:00:00+08:00"));
    }
    event
}

/// A step is the supervisor's; everything else the agent sends.
fn sender(event_type: &str) -> Role {
    if event_type == "blacklist.step" { Role::Supervisor } else { Role::Agent }
}

#[test]
fn every_example_is_taken_and_the_bound_kinds_decide() {
    let merchant = shared().merchant(json!({}));
    let (mut kinds, mut records) = (BTreeSet::new(), 0);
    for event_type in types() {
        let answer = merchant.post_as(sender(&event_type), &postable(&event_type, "all"));
        let decisions = answer["decisions"].as_array().unwrap();
        let expected = DECIDES.iter().find(|(name, _)| *name == event_type).map_or(&[][..], |(_, kinds)| kinds);
        let decided: Vec<&str> = decisions.iter().map(|decision| decision["kind"].as_str().unwrap()).collect();
        assert_eq!(decided, expected, "{event_type}: {answer}");
        for decision in decisions {
            assert!(decision.get("fault").is_none(), "{event_type}: {decision}");
            assert_eq!(decision["guardrail"], "uphold", "{event_type}: {decision}");
            kinds.insert(decision["kind"].as_str().unwrap().to_owned());
        }
        records += expected.len().max(1);
        assert_eq!(merchant.records(), records, "{event_type}: one record a decision, one where nothing decides");
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    ledger::gap_free(&shared().data, &merchant.id);
    replayed(&merchant);
}

/// Replays every decision of a merchant.
fn replayed(merchant: &Merchant<'_>) {
    let decisions = merchant.decisions("limit=200");
    assert!(!decisions.is_empty());
    for line in decisions {
        let report = merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", line["id"].as_str().unwrap())).send().ok();
        assert_eq!((&report["identical"], &report["fuel_now"]), (&json!(true), &report["fuel_recorded"]), "{report} {line}");
    }
}

#[test]
fn a_decision_is_the_same_in_every_mode() {
    let decided = |how: &dyn Fn(&Merchant<'_>, &Value) -> Value| {
        let merchant = shared().merchant(json!({}));
        let mut decision = how(&merchant, &event("aftersale.requested", "mode"));
        // They differ by merchant, and so does the hash of the record.
        decision["id"].take();
        decision["leaf"].take();
        decision
    };
    let structured = decided(&|merchant, event| merchant.decide(event));
    let binary = decided(&|merchant, event| {
        let mut call = merchant.call(Role::Agent, "POST", "/events").header("content-type", "application/json");
        for (name, value) in event.as_object().unwrap() {
            if !matches!(name.as_str(), "data" | "datacontenttype") {
                call = call.header(&format!("ce-{name}"), value.as_str().unwrap());
            }
        }
        only(&call.body(event["data"].to_string()).send().ok())
    });
    let batch = decided(&|merchant, event| {
        let call = merchant.call(Role::Agent, "POST", "/events:batch").header("content-type", "application/cloudevents-batch+json");
        let items = call.body(json!([event]).to_string()).send().ok();
        assert_eq!(items[0]["status"], 200, "{items}");
        only(&items[0]["answer"])
    });
    assert_eq!(structured, binary);
    assert_eq!(structured, batch);
}

#[test]
fn a_batch_answers_item_by_item() {
    let merchant = shared().merchant(json!({}));
    let good = event("aftersale.requested", "batch");
    let mut bad = event("aftersale.requested", "bad");
    set(&mut bad, "/data/order/lines/0/paid", json!(-1));
    let mut other = good.clone();
    set(&mut other, "/data/after_sale/requested_amount", json!(1));
    let events = json!([good, bad, event("order.paid", "batch"), good, other]);
    let call = merchant.call(Role::Agent, "POST", "/events:batch").header("content-type", "application/cloudevents-batch+json");
    let items = call.body(events.to_string()).send().ok();
    let statuses: Vec<u64> = items.as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 422, 200, 200, 409], "{items}");
    assert_eq!(items[1]["problem"]["problems"][0]["pointer"], "/1/data/order/lines/0/paid", "{items}");
    assert_eq!(items[0]["answer"]["decisions"], items[3]["answer"]["decisions"]);
    assert_eq!(items[2]["answer"]["decisions"], json!([]));
    assert_eq!(merchant.records(), 2);
}

#[test]
fn the_same_event_gives_the_same_bytes_and_another_body_a_conflict() {
    let merchant = shared().merchant(json!({}));
    for event_type in ["aftersale.requested", "delay.detected", "reply.drafted", "blacklist.requested", "order.paid"] {
        let event = event(event_type, "twice");
        let post = |event: &Value| merchant.call(Role::Agent, "POST", "/events").event(event).send();
        let (first, again) = (post(&event), post(&event));
        assert_eq!(first.decisions(), again.decisions(), "{event_type}");
        assert_eq!((first.ok()["duplicate"].clone(), again.ok()["duplicate"].clone()), (json!(false), json!(true)));
        // Members in another order, and what the host does not compare, are the same event.
        let mut turned: Value = serde_json::from_str(&event.to_string()).unwrap();
        set(&mut turned, "/subject", json!("something else"));
        assert_eq!(post(&turned).decisions(), first.decisions(), "{event_type}");
        for (pointer, value) in [("/data/ticket_id", json!("another")), ("/time", json!("2026-11-06T10:00:01+08:00"))] {
            let mut other = event.clone();
            set(&mut other, pointer, value);
            post(&other).problem(409);
        }
        // Another source is another event.
        let mut elsewhere = event.clone();
        set(&mut elsewhere, "/source", json!("/elsewhere"));
        assert_eq!(post(&elsewhere).ok()["duplicate"], false, "{event_type}");
    }
    assert_eq!(merchant.records(), 10);
}

#[test]
fn concurrent_duplicates_give_one_record() {
    let merchant = shared().merchant(json!({}));
    let events: Vec<Value> = (0..4).map(|at| event("aftersale.requested", &format!("race-{at}"))).collect();
    for event in &events {
        let answers: Vec<_> = std::thread::scope(|scope| {
            let post = || {
                let call = merchant.call(Role::Agent, "POST", "/events").event(event);
                scope.spawn(move || call.send())
            };
            let posts: Vec<_> = (0..8).map(|_| post()).collect();
            posts.into_iter().map(|post| post.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| answer.decisions() == answers[0].decisions()));
        assert_eq!(answers.iter().filter(|answer| answer.ok()["duplicate"] == false).count(), 1);
    }
    assert_eq!(merchant.records(), events.len());
}

#[test]
fn a_decision_is_read_as_it_was_answered_by_the_owner_only() {
    let merchant = shared().merchant(json!({}));
    for event_type in ["aftersale.requested", "delay.detected", "reply.drafted", "blacklist.requested"] {
        let event = event(event_type, "read");
        let answer = merchant.call(Role::Agent, "POST", "/events").event(&event).send();
        let bytes = answer.decisions().remove(0);
        let decision: Value = serde_json::from_str(&bytes).unwrap();
        let path = format!("/decisions/{}", decision["id"].as_str().unwrap());
        let read = merchant.call(Role::Auditor, "GET", &path).send();
        let detail = read.ok();
        // The recorded bytes, then what is read beside them.
        assert!(read.text().starts_with(bytes.strip_suffix('}').unwrap()), "{}\n{bytes}", read.text());
        assert_eq!(detail["event"]["id"], event["id"]);
        assert_eq!(detail["event"]["data"]["ticket_id"], event["data"]["ticket_id"]);
        assert_eq!(detail["acts"], json!([]));
        assert!(detail["facts"]["case"].is_object() && detail["received_at"].is_string(), "{detail}");
    }
    let other = shared().merchant(json!({}));
    let id = merchant.decisions("")[0]["id"].as_str().unwrap().to_owned();
    other.call(Role::Auditor, "GET", &format!("/decisions/{id}")).send().problem(404);
}

#[test]
fn decisions_are_listed_by_every_filter_and_page_by_page() {
    let merchant = shared().merchant(json!({}));
    for own in ["a", "b", "c"] {
        for event_type in ["aftersale.requested", "delay.detected", "reply.drafted", "blacklist.requested", "order.paid"] {
            merchant.post(&event(event_type, own));
        }
    }
    let all = merchant.decisions("");
    let seqs = |lines: &[Value]| lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect::<Vec<_>>();
    let entries = ledger::read(&shared().data, &merchant.id);
    let decisions = entries.iter().rev().filter(|entry| entry.entry == "decision").map(|entry| entry.seq);
    assert_eq!(seqs(&all), decisions.collect::<Vec<_>>(), "newest first; events without a decision are not among them");
    assert_eq!(all.len(), 12);
    let of = |query: &str| merchant.decisions(query);
    let fits = |query: &str, member: &str, value: &str| {
        let expected: Vec<&Value> = all.iter().filter(|line| line[member].as_str().unwrap().starts_with(value)).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{query} says nothing: {all:?}");
        assert_eq!(of(query).iter().collect::<Vec<_>>(), expected, "{query}");
    };
    fits("ticket=ticket-b", "ticket", "ticket-b");
    fits("customer=customer-c", "customer", "customer-c");
    fits("kind=reply", "kind", "reply");
    let outcome = all[0]["outcome"].as_str().unwrap();
    fits(&format!("outcome={outcome}"), "outcome", outcome);
    fits("policy=delay", "policy", "delay ");
    assert_eq!(of("kind=delay&customer=customer-a&ticket=ticket-a&policy=delay").len(), 1);
    assert_eq!(of("kind=delay&customer=customer-nobody").len(), 0);
    let at = |line: &Value| line["received_at"].as_str().unwrap().to_owned();
    let (first, last) = (at(&all[11]), at(&all[0]));
    assert_eq!(of(&format!("from={first}")), all);
    assert_eq!(of(&format!("to={first}")).len(), 0);
    assert!(of(&format!("from={last}")).contains(&all[0]) && !of(&format!("to={last}")).contains(&all[0]));
    assert_eq!(of("from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z").len(), 0);
    assert_eq!(of("from=2026-07-01&to=2026-07-01").len(), 0, "an empty window is one");
    for outcome in Kind::ALL.into_iter().flat_map(Kind::outcomes).chain(["cancelled", "appeal-dismissed"]) {
        let expected: Vec<&Value> = all.iter().filter(|line| line["outcome"] == outcome).collect();
        assert_eq!(of(&format!("outcome={outcome}")).iter().collect::<Vec<_>>(), expected, "{outcome}");
    }
    for limit in [1, 2, 5, 11, 12, 13, 200] {
        assert_eq!(of(&format!("limit={limit}")), all, "pages of {limit}");
        assert_eq!(of(&format!("limit={limit}&kind=reply")).len(), 3, "pages of {limit}");
    }
    // New records do not move the pages of a list that is being read.
    let page = merchant.call(Role::Auditor, "GET", "/decisions?limit=4").send().ok();
    merchant.post(&event("aftersale.requested", "later"));
    let cursor = page["cursor"].as_str().unwrap();
    let next = merchant.call(Role::Auditor, "GET", &format!("/decisions?limit=4&cursor={cursor}")).send().ok();
    assert_eq!(next["decisions"].as_array().unwrap()[..], all[4..8]);
    for bad in ["limit=0", "limit=201", "limit=many", "kind=unknown", "from=yesterday", "to=1", "cursor=xyz", "color=red"] {
        merchant.call(Role::Auditor, "GET", &format!("/decisions?{bad}")).send().problem(422);
    }
    // A cursor belongs to its list.
    merchant.call(Role::Auditor, "GET", &format!("/decisions?kind=reply&cursor={cursor}")).send().problem(422);
}

#[test]
fn a_preview_shows_the_decision_and_records_nothing() {
    let merchant = shared().merchant(json!({}));
    for event_type in ["aftersale.requested", "delay.detected", "reply.drafted", "blacklist.requested"] {
        let event = event(event_type, "preview");
        let preview = || merchant.call(Role::Agent, "POST", "/preview").event(&event).send();
        let (before, records) = (preview(), merchant.records());
        let mut shown = only(&before.ok());
        for member in ["id", "seq", "leaf"] {
            assert!(shown.get(member).is_none(), "{event_type}: {shown}");
        }
        assert_eq!(before.bytes, preview().bytes, "a preview leaves no trace");
        assert_eq!(merchant.records(), records);
        let decided = merchant.post(&event);
        assert_eq!(decided["duplicate"], false, "{event_type}");
        let mut decision = only(&decided);
        for member in ["id", "seq", "leaf"] {
            decision.as_object_mut().unwrap().remove(member);
        }
        // The caps' marks and the rest: the very decision.
        assert_eq!(shown.take(), decision, "{event_type}");
    }
    let nothing = merchant.call(Role::Agent, "POST", "/preview").event(&event("order.paid", "preview")).send().ok();
    assert_eq!(nothing["decisions"], json!([]));
    assert_eq!(merchant.records(), 4);
    // A customer who was only previewed leaves no key behind.
    let other = shared().merchant(json!({}));
    other.call(Role::Agent, "POST", "/preview").event(&event("aftersale.requested", "unseen")).send().ok();
    let keys =
        format!("SELECT count(*) FROM subject_keys JOIN merchants USING (merchant_no) WHERE id = '{}' AND subject <> 'merchant'", other.id);
    assert_eq!(ledger::count(&shared().data, &keys), 0);
}

#[test]
fn many_merchants_decide_side_by_side() {
    let merchants: Vec<_> = (0..3).map(|_| shared().merchant(json!({}))).collect();
    std::thread::scope(|scope| {
        for merchant in &merchants {
            for thread in 0..3 {
                scope.spawn(move || {
                    let own = agent();
                    for at in 0..5 {
                        let url = format!("/v1/merchants/{}/events", merchant.id);
                        let call = ombud_tests::client::Call::new(&own, "POST", format!("http://{}{url}", merchant.server.address));
                        call.key(merchant.key(Role::Agent)).event(&event("reply.drafted", &format!("{thread}-{at}"))).send().ok();
                    }
                });
            }
        }
    });
    for merchant in &merchants {
        ledger::gap_free(&shared().data, &merchant.id);
        assert_eq!(merchant.records(), 15);
        replayed(merchant);
    }
}
