//! What a record says in clear, against what is sealed in it; and what may not stand in a log at all. Whoever holds every key of the operator
//! makes each of these records well sealed: they contradict themselves, which needs no second source.

use ombud_ledger::{BodyKind, Digest, Entry};
use ombud_tests::forge::{Bodies, Forge};

use super::*;

/// What somebody does to a record, and what is found.
type Change = (fn(&mut Entry, &mut Bodies), &'static str);

/// The records of a merchant's log in their order.
fn entries(store: &Store, merchant: &Merchant<'_>) -> Vec<Entry> {
    let listed = ledger::read(&store.server.data, &merchant.id);
    listed.iter().map(|record| ledger::header(&store.server.data, &merchant.id, record.seq).entry).collect()
}

/// Changes one record, and asserts that both the bundle and `audit check` name what is wrong with it.
#[track_caller]
fn found(pick: fn(&Entry) -> bool, change: impl FnOnce(&mut Entry, &mut Bodies), what: &str) {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    assert!(store.checked(&merchant.id, &ExportQuery::default()).well);
    let seq = entries(&store, &merchant).iter().position(pick).expect("such a record") as u64;
    Forge::on(&store.server.data).rewrite_any(&merchant.id, seq, change);
    names(&store.checked(&merchant.id, &ExportQuery::default()), Some(seq), "body", what);
    let checked = ombud_tests::command::on(&store.server.data, &["audit", "check", "--json"]).json();
    let findings = checked["findings"].as_array().expect("findings");
    assert!(
        findings.iter().any(|found| found["problem"].as_str().is_some_and(|problem| problem.contains(what))),
        "no `{what}` in {findings:#?}"
    );
}

fn is_refund(entry: &Entry) -> bool {
    matches!(entry, Entry::Decision(decision) if decision.outcome == "approve-refund-only")
}

fn is_event(entry: &Entry) -> bool {
    matches!(entry, Entry::Event(_))
}

fn is_override(entry: &Entry) -> bool {
    matches!(entry, Entry::Act(act) if act.act == "decision.override")
}

#[test]
fn a_header_that_says_another_event_than_is_sealed() {
    let changes: [Change; 3] = [
        (|entry, _| of(entry).key = Digest::of(b"another"), "another key of the event"),
        (|entry, _| of(entry).event_type = "com.ombud.order.paid".into(), "another type of the event"),
        (|entry, _| of(entry).time_ms -= 86_400_000, "another time of the event"),
    ];
    for (change, what) in changes {
        found(is_event, change, what);
    }
    found(is_refund, |entry, _| of(entry).time_ms += 1, "another time of the event");
    let another = |entry: &mut Entry, _: &mut Bodies| {
        let Entry::Decision(decision) = entry else { panic!("a decision") };
        decision.id = ombud_core::ids::DecisionId::new("0".repeat(32)).expect("an id");
    };
    found(is_refund, another, "another id of the decision than follows from its event");
    found(is_refund, |_, bodies| bodies.remove(BodyKind::Event), "no event that can be read");
    found(is_refund, |_, bodies| bodies.replace(BodyKind::Event, "{", "["), "its event is none that this version takes");
}

/// The event of a record.
fn of(entry: &mut Entry) -> &mut ombud_ledger::EventEntry {
    match entry {
        Entry::Decision(decision) => &mut decision.event,
        Entry::Event(event) => event,
        Entry::Act(_) => panic!("an act has no event"),
    }
}

/// Nobody reads it: somebody may be told that it was decided by.
#[test]
fn a_body_that_a_record_of_its_header_has_not() {
    found(is_refund, |_, bodies| bodies.put(BodyKind::Act, "{}"), "it has the body `act`");
    found(is_event, |_, bodies| bodies.put(BodyKind::Case, "{}"), "it has the body `case`");
    found(is_override, |_, bodies| bodies.put(BodyKind::Decision, "{}"), "it has the body `decision`");
}

/// The policy is run on the case, so that a case that is not the event's runs as well.
#[test]
fn a_case_that_is_of_another_event_than_is_sealed() {
    found(
        is_refund,
        |_, bodies| bodies.replace(BodyKind::Case, "\"order_id\":\"", "\"order_id\":\"x"),
        "its case has another order than its event",
    );
    found(is_refund, |_, bodies| bodies.replace(BodyKind::Case, "\"now\":1", "\"now\":2"), "its case has another time than its event");
    found(is_refund, |_, bodies| bodies.replace(BodyKind::Case, "\"event_bytes\":", "\"event_bytes\":1"), "another length than its event");
    found(
        is_refund,
        |_, bodies| bodies.replace(BodyKind::Case, "\"merchant_id\":\"", "\"merchant_id\":\"x"),
        "its case is of another merchant than its header",
    );
    // What is not read may have been decided by.
    for (at, unknown) in [
        ("\"order_id\":\"", "\"vip\":1,\"order_id\":\""),
        ("\"terms\":{", "\"terms\":{\"vip\":1,"),
        ("\"event_bytes\":", "\"vip\":1,\"event_bytes\":"),
    ] {
        found(is_refund, |_, bodies| bodies.replace(BodyKind::Case, at, unknown), "the case body cannot be read: unknown field `vip`");
    }
}

/// Whoever takes a decision out of the log leaves its event, as one on which nothing was to be decided.
#[test]
fn a_decision_that_is_called_an_event() {
    let only_the_event = |entry: &mut Entry, bodies: &mut Bodies| {
        *entry = Entry::Event(of(entry).clone());
        for kind in [BodyKind::Case, BodyKind::Ruling, BodyKind::Review, BodyKind::Decision] {
            bodies.remove(kind);
        }
    };
    found(is_refund, only_the_event, "it is no decision, and there is one of the kind `after-sale` on such an event");
}

/// Without running anything: so it is with `--no-replay`, and where a component is missing.
#[test]
fn a_header_that_says_another_decision_than_is_sealed() {
    fn decision(entry: &mut Entry) -> &mut ombud_ledger::DecisionEntry {
        let Entry::Decision(decision) = entry else { panic!("a decision") };
        decision
    }
    let changes: [Change; 5] = [
        (|entry, _| decision(entry).amounts.refund += 100, "another amounts than its decision"),
        (|entry, _| decision(entry).outcome = "human-review".into(), "another outcome than its decision"),
        (|entry, _| decision(entry).caps.limits.order_refund += 1, "another caps than its decision"),
        (|entry, _| decision(entry).policy.as_mut().expect("a policy").version = "9".into(), "another policy than its decision"),
        (|_, bodies| bodies.replace(BodyKind::Decision, "{", "["), "its decision cannot be read"),
    ];
    for (change, what) in changes {
        found(is_refund, change, what);
    }
}

#[test]
fn a_header_that_says_another_act_than_is_sealed() {
    fn act(entry: &mut Entry) -> &mut ombud_ledger::ActEntry {
        let Entry::Act(act) = entry else { panic!("an act") };
        act
    }
    let changes: [Change; 4] = [
        (|entry, _| act(entry).actor = "somebody-else".into(), "another actor than its act"),
        (|entry, _| act(entry).act = "hold.set".into(), "another name than its act"),
        (|_, bodies| bodies.replace(BodyKind::Act, "\"at\":\"2", "\"at\":\"1"), "another time than its act"),
        (|_, bodies| bodies.replace(BodyKind::Act, "{", "["), "its act cannot be read"),
    ];
    for (change, what) in changes {
        found(is_override, change, what);
    }
    // One that a later release may know.
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let seq = entries(&store, &merchant).iter().position(is_override).expect("an override") as u64;
    Forge::on(&store.server.data).rewrite_any(&merchant.id, seq, |entry, bodies| {
        act(entry).act = "decision.undone".into();
        bodies.replace(BodyKind::Act, "decision.override", "decision.undone");
    });
    names(&store.checked(&merchant.id, &ExportQuery::default()), Some(seq), "body", "none that this release knows");
}

/// What a person put in the place of a decision is held against the decision.
#[test]
fn an_override_that_no_act_on_its_decision_can_be() {
    let changes: [Change; 3] = [
        (
            |_, bodies| bodies.replace(BodyKind::Act, "\"refund\":900000", "\"refund\":800000"),
            "it approves other amounts than waited for it",
        ),
        (|_, bodies| bodies.replace(BodyKind::Act, "\"refund\":900000", "\"refund\":9000000000000"), "its amounts are out of bounds"),
        (
            |_, bodies| bodies.replace(BodyKind::Act, "approve-refund-only", "approve-nothing"),
            "its outcome is none of the kind of its decision",
        ),
    ];
    for (change, what) in changes {
        found(is_override, change, what);
    }
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let seq = entries(&store, &merchant).iter().position(is_override).expect("an override") as u64;
    let another = format!("\"decision\":\"{}\",\"x\":\"", "0".repeat(32));
    Forge::on(&store.server.data).rewrite_any(&merchant.id, seq, |_, bodies| bodies.replace(BodyKind::Act, "\"decision\":\"", &another));
    names(&store.checked(&merchant.id, &ExportQuery::default()), Some(seq), "body", "which is not before it in the log");
}

/// A record that was copied behind the log's end is well sealed, and replays: what it says was decided once.
#[test]
fn a_decision_stands_once() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let all = entries(&store, &merchant);
    let first = all.iter().position(is_refund).expect("a refund") as u64;
    let again = all.iter().rposition(is_event).expect("an event") as u64;
    assert!(first < again);
    let copied = all[usize::try_from(first).expect("a place")].clone();
    let forge = Forge::on(&store.server.data);
    forge.rewrite_any(&merchant.id, again, |entry, _| *entry = copied);
    let report = store.checked(&merchant.id, &ExportQuery::default());
    names(&report, Some(again), "sequence", &format!("its decision stands in record {first} already"));
    names(&report, Some(again), "sequence", &format!("its event stands in record {first} already"));
}

/// Somebody exchanges what decided, under the name that it had: the acts in the same log know nothing of it.
#[test]
fn what_decided_was_uploaded_or_bound_before() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let all = entries(&store, &merchant);
    let first = all.iter().position(is_refund).expect("a refund") as u64;
    let forge = Forge::on(&store.server.data);
    let others = Digest::of(b"others");
    forge.rewrite(&merchant.id, first, |entry, _| {
        let call = &mut entry.policy.as_mut().expect("a policy").call;
        (call.component, call.settings) = (others, others);
    });
    let report = store.checked(&merchant.id, &ExportQuery::default());
    names(&report, Some(first), "body", &format!("no act before it uploaded or bound the component {others} of `after-sale`"));
    // A policy that has another name than any act.
    forge.rewrite(&merchant.id, first, |entry, _| entry.policy.as_mut().expect("a policy").name = "never-uploaded".into());
    let report = store.checked(&merchant.id, &ExportQuery::default());
    names(&report, Some(first), "body", &format!("no act before it uploaded or bound the settings {others} of `never-uploaded`"));
    // The act itself, after which everything is decided.
    let act = all.iter().position(|entry| matches!(entry, Entry::Act(act) if act.act == "policy.bound")).expect("an act") as u64;
    forge.rewrite_any(&merchant.id, act, |_, bodies| bodies.replace(BodyKind::Act, "\"policy\":\"", "\"policy\":\"x-"));
    let report = store.checked(&merchant.id, &ExportQuery::default());
    let unbound = report.problems.iter().filter(|problem| problem.problem.contains("no act before it uploaded or bound")).count();
    assert!(unbound >= 3, "{:#?}", report.problems);
}

/// Somebody lifts the caps for some decisions, and the act says nothing of it.
#[test]
fn decisions_are_held_to_caps_that_acts_set() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    merchant.decide(&refund("before", "customer-b", 2_000));
    let caps = json!({"order_refund_auto_fen_max": 400_000});
    let config = json!({"id": merchant.id, "shop_id": "10437917", "platform": "douyin", "caps": caps});
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    every_kind(&merchant);
    assert!(store.checked(&merchant.id, &ExportQuery::default()).well);
    let all = entries(&store, &merchant);
    let act = all.iter().position(|entry| matches!(entry, Entry::Act(act) if act.act == "caps.changed")).expect("an act") as u64;
    let after = all.iter().rposition(is_refund).expect("a refund") as u64;
    assert!(act < after);
    let forge = Forge::on(&store.server.data);
    forge.rewrite_any(&merchant.id, act, |_, bodies| bodies.replace(BodyKind::Act, "400000", "300000"));
    let report = store.checked(&merchant.id, &ExportQuery::default());
    let held = all.iter().enumerate().position(|(at, entry)| at as u64 > act && matches!(entry, Entry::Decision(_)));
    names(&report, held.map(|at| at as u64), "body", "no act before it set the caps that it was held to");
}
