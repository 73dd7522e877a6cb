//! What the host's own records say about an event over HTTP: the amounts a reply may promise, the extortion flag of a customer,
//! the trace a record belongs to.

mod units;

use ombud::service::Role;
use ombud_tests::events::{event, refund, set};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, only, rules, shared};
use serde_json::{Value, json};

/// 2026-11-06T10:00:00+08:00.
const T0: i64 = 1_793_930_400_000;
const DAY_MS: i64 = 86_400_000;

fn at(ms: i64) -> Value {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string().into()
}

/// The facts a decision was made on.
fn facts(merchant: &Merchant<'_>, decision: &Value) -> Value {
    let detail = merchant.call(Role::Auditor, "GET", &format!("/decisions/{}", decision["id"].as_str().unwrap())).send().ok();
    detail["facts"]["case"].clone()
}

/// A draft in a ticket in which the helpdesk says that everything up to ¥1,000 was approved.
fn draft(ticket: &str, id: &str, text: &str) -> Value {
    let mut event = event("reply.drafted", id);
    event["data"]["ticket_id"] = ticket.into();
    let reply = &mut event["data"]["reply"];
    reply["text"] = text.into();
    (reply["approved_refund"], reply["approved_compensation"], reply["case_reason"]) = (100_000.into(), 100_000.into(), Value::Null);
    event
}

#[test]
fn a_reply_may_promise_what_the_merchants_own_records_approved() {
    let merchant = shared().merchant(json!({}));
    let promise = |id: &str, text: &str| merchant.decide(&draft("ticket-p", id, text));
    let approved = |decision: &Value| {
        let case = facts(&merchant, decision);
        (case["approved_refund"].clone(), case["approved_compensation"].clone(), case["case_reason"].clone())
    };
    // Nothing was decided yet: the helpdesk's word stands.
    let early = promise("p-0", "我们给您退款800元。");
    assert_eq!(approved(&early), (json!(100_000), json!(100_000), Value::Null));
    assert_eq!(early["outcome"], "pass");

    let paid = merchant.decide(&refund("p", "c_promise", 19_900));
    assert_eq!(paid["outcome"], "approve-refund-only");
    let right = promise("p-1", "我们给您退款199元。");
    assert_eq!((&right["outcome"], approved(&right)), (&json!("pass"), (json!(19_900), json!(0), json!("changed-mind"))));
    let more = promise("p-2", "我们给您退款200元。");
    assert_eq!((&more["outcome"], rules(&more)), (&json!("block"), vec!["RC-606"]));

    // Compensation granted for the delay of an order of the same ticket comes on top.
    let mut delay = event("delay.detected", "p");
    delay["data"]["ticket_id"] = "ticket-p".into();
    delay["data"]["delay"]["already"] = json!([]);
    let granted = merchant.decide(&delay);
    assert_eq!(granted["outcome"], "compensate", "{granted}");
    let goodwill = granted["amounts"]["cash"].as_i64().unwrap() + granted["amounts"]["coupon"].as_i64().unwrap();
    assert!(goodwill > 0);
    assert_eq!(approved(&promise("p-3", "您好")), (json!(19_900), json!(goodwill), json!("changed-mind")));

    // What a person puts in its place, or takes back, is what was approved.
    let amend = json!({"action": "amend", "reason": "agreed on the phone", "amounts": {"refund": 5_000, "cash": 300, "coupon": 0}});
    let path = format!("/decisions/{}/override", paid["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&amend).send().with(201);
    assert_eq!(approved(&promise("p-4", "您好")), (json!(5_000), json!(goodwill + 300), json!("changed-mind")));
    for decision in [&paid, &granted] {
        let path = format!("/decisions/{}/override", decision["id"].as_str().unwrap());
        let cancel = json!({"action": "cancel", "reason": "the buyer withdrew"});
        merchant.call(Role::Supervisor, "POST", &path).json(&cancel).send().with(201);
    }
    let nothing = promise("p-5", "我们给您退款1元。");
    assert_eq!((&nothing["outcome"], approved(&nothing)), (&json!("block"), (json!(0), json!(0), json!("changed-mind"))));

    // Another ticket, and another merchant, have nothing to do with it.
    assert_eq!(approved(&merchant.decide(&draft("ticket-q", "q-1", "您好"))).0, 100_000);
    assert_eq!(shared().merchant(json!({})).decide(&draft("ticket-p", "p-1", "我们给您退款800元。"))["outcome"], "pass");
}

#[test]
fn a_promised_refund_counts_as_approved_and_a_refused_one_does_not() {
    let merchant = shared().merchant(json!({}));
    let asked = event("aftersale.requested", "later");
    let promised = merchant.decide(&asked);
    assert_eq!(promised["outcome"], "approve-return-refund");
    let reply = merchant.decide(&draft("ticket-later", "l-1", "您好"));
    assert_eq!(facts(&merchant, &reply)["approved_refund"], promised["amounts"]["refund"]);
    assert!(promised["amounts"]["refund"].as_i64().unwrap() > 0);
    // The same case is refused when it is asked for again after the window.
    let mut late = event("aftersale.modified", "later");
    set(&mut late, "/data/after_sale/reason", json!("no-reason"));
    set(&mut late, "/data/after_sale/applied_at", json!(T0 + 60 * DAY_MS));
    set(&mut late, "/time", json!("2026-11-06T10:00:01+08:00"));
    let refused = merchant.decide(&late);
    assert_eq!(refused["disposition"], "deny", "{refused}");
    let reply = merchant.decide(&draft("ticket-later", "l-2", "您好"));
    assert_eq!(facts(&merchant, &reply)["approved_refund"], 0);
}

/// Whether the next after-sale and delay cases of a customer carry the flag.
fn flagged(merchant: &Merchant<'_>, customer: &str, own: &str, time: i64) -> Vec<Value> {
    let mut request = event("aftersale.requested", own);
    request["data"]["customer"]["customer_ref"] = customer.into();
    request["data"]["customer"]["extortion_flag"] = "no".into();
    let mut delay = event("delay.detected", own);
    delay["data"]["delay"]["extortion_flag"] = "unknown".into();
    [request, delay]
        .into_iter()
        .map(|mut event| {
            event["data"]["customer_ref"] = customer.into();
            set(&mut event, "/time", at(time));
            let case = facts(merchant, &merchant.decide(&event));
            case.pointer("/customer/extortion_flag").unwrap_or(&case["extortion_flag"]).clone()
        })
        .collect()
}

#[test]
fn extortion_that_an_event_reports_is_remembered_until_a_person_refutes_it() {
    let merchant = shared().merchant(json!({}));
    let customer = "c_threat";
    let now = T0 - 200 * DAY_MS;
    assert_eq!(flagged(&merchant, customer, "before", now), ["no", "unknown"]);
    let mut message = event("message.received", "threat");
    message["data"]["customer_ref"] = customer.into();
    message["data"]["message"]["extortion_flag"] = "yes".into();
    set(&mut message, "/time", at(now));
    assert_eq!(merchant.post(&message)["decisions"], json!([]));
    assert_eq!(flagged(&merchant, customer, "after", now + 1_000), ["yes", "yes"]);
    // What comes late of the same ticket does not shorten it.
    let mut older = message.clone();
    older["id"] = "threat-before".into();
    set(&mut older, "/time", at(now - 30 * DAY_MS));
    merchant.post(&older);
    assert_eq!(flagged(&merchant, customer, "half-a-year", now + 180 * DAY_MS), ["yes", "yes"]);
    assert_eq!(flagged(&merchant, customer, "later", now + 180 * DAY_MS + 1), ["no", "unknown"]);
    assert_eq!(flagged(&merchant, "c_other", "other", now), ["no", "unknown"]);
    let mut unreadable = message.clone();
    (unreadable["id"], unreadable["data"]["message"]["extortion_flag"]) = ("x".into(), "perhaps".into());
    merchant.call(Role::Agent, "POST", "/events").event(&unreadable).send().problem(422);

    // Lawful conduct only (BL-002): the flag goes.
    let mut request = event("blacklist.requested", "threat");
    request["data"]["customer_ref"] = customer.into();
    set(&mut request, "/time", at(now + 2_000));
    let blacklist = &mut request["data"]["blacklist"];
    (blacklist["criterion"], blacklist["protected_conduct_only"]) = ("extortion".into(), "yes".into());
    let rejected = only(&merchant.post(&request));
    assert_eq!((&rejected["outcome"], rules(&rejected)), (&json!("reject"), vec!["BL-002"]));
    assert_eq!(flagged(&merchant, customer, "refuted", now + 3_000), ["no", "unknown"]);
}

#[test]
fn extortion_that_a_supervisor_confirmed_is_a_fact_of_later_cases() {
    let merchant = shared().merchant(json!({}));
    let customer = "c_confirmed";
    let mut request = event("blacklist.requested", "confirmed");
    request["data"]["customer_ref"] = customer.into();
    set(&mut request, "/time", at(T0));
    let blacklist = &mut request["data"]["blacklist"];
    (blacklist["criterion"], blacklist["protected_conduct_only"]) = ("extortion".into(), "no".into());
    let incident =
        json!({"incident_id": "i1", "at": T0 - DAY_MS, "criterion": "extortion", "ticket_id": "t1", "threat_of_violence": false});
    blacklist["incidents"] = json!([incident]);
    let recommended = only(&merchant.post(&request));
    assert_eq!(recommended["outcome"], "recommend-restrict", "{recommended}");
    assert_eq!(flagged(&merchant, customer, "submitted", T0 + 1_000), ["no", "unknown"], "an agent's word alone counts for nothing");
    let mut step = event("blacklist.step", "confirmed");
    step["data"]["customer_ref"] = customer.into();
    step["data"]["blacklist"] = json!({"request_id": "request-confirmed", "verdict": "approve"});
    set(&mut step, "/time", at(T0 + 2_000));
    merchant.post_as(Role::Supervisor, &step);
    assert_eq!(flagged(&merchant, customer, "approved", T0 + 3_000), ["yes", "yes"]);
}

#[test]
fn the_trace_of_a_request_reaches_the_record_and_the_events_own_outranks_it() {
    let merchant = shared().merchant(json!({}));
    let (of_request, of_event) = ("4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c");
    let parent = |trace: &str| format!("00-{trace}-00f067aa0ba902b7-01");
    let trace_of = |seq: &Value| {
        let bytes = ledger::header(&merchant.server.data, &merchant.id, seq.as_u64().unwrap()).trace_id;
        bytes.map(|bytes| format!("{:032x}", u128::from_be_bytes(bytes)))
    };
    let post = |event: &Value, header: &str| {
        let reply = merchant.call(Role::Agent, "POST", "/events").header("traceparent", header).event(event).send().ok();
        trace_of(&only(&reply)["seq"])
    };
    // The example has a trace of its own.
    let event = |event_type: &str, id: &str| {
        let mut event = event(event_type, id);
        event.as_object_mut().unwrap().remove("traceparent");
        event
    };
    let mut own = event("reply.drafted", "trace-1");
    assert_eq!(post(&own, &parent(of_request)).as_deref(), Some(of_request));
    (own["id"], own["traceparent"]) = ("trace-2".into(), parent(of_event).into());
    assert_eq!(post(&own, &parent(of_request)).as_deref(), Some(of_event));
    assert_eq!(post(&event("reply.drafted", "trace-3"), "00-nonsense"), None);

    let plain = event("reply.drafted", "trace-4");
    let batch = json!([plain, {"specversion": "1.0"}]).to_string();
    let call = merchant.call(Role::Agent, "POST", "/events:batch").header("content-type", "application/cloudevents-batch+json");
    let items = call.header("traceparent", &parent(of_request)).body(batch).send().ok();
    assert_eq!(trace_of(&only(&items[0]["answer"])["seq"]).as_deref(), Some(of_request));

    let data = event("reply.drafted", "trace-5");
    let mut call = merchant.call(Role::Agent, "POST", "/events").header("content-type", "application/json").body(data["data"].to_string());
    for name in ["specversion", "id", "source", "type", "time"] {
        call = call.header(&format!("ce-{name}"), data[name].as_str().unwrap());
    }
    let reply = call.header("traceparent", &parent(of_request)).header("ce-traceparent", &parent(of_event)).send().ok();
    assert_eq!(trace_of(&only(&reply)["seq"]).as_deref(), Some(of_event));
}

#[test]
fn a_case_that_the_platform_ended_is_in_nobodys_way() {
    let merchant = shared().merchant(json!({}));
    let ask = |own: &str, case: &str, time: i64| {
        let mut asked = event("aftersale.requested", own);
        set(&mut asked, "/id", json!(format!("ask-{case}")));
        set(&mut asked, "/time", at(time));
        set(&mut asked, "/data/after_sale/after_sale_id", json!(case));
        merchant.decide(&asked)
    };
    let says = |event_type: &str, case: &str, customer: Option<String>, delay: bool| {
        let mut said = event(event_type, case);
        set(&mut said, "/data/after_sale_state/after_sale_id", json!(case));
        set(&mut said, "/id", json!(format!("{event_type} {case} {customer:?}")));
        let data = said["data"].as_object_mut().unwrap();
        match customer {
            Some(customer) => data.insert("customer_ref".into(), customer.into()),
            None => data.remove("customer_ref"),
        };
        // With a delay in it, a decision is made on the event as well.
        match (delay, data.get("delay").is_some()) {
            (true, false) => _ = data.insert("delay".into(), event("delay.detected", case)["data"]["delay"].clone()),
            (false, true) => _ = data.remove("delay"),
            _ => {}
        }
        merchant.post(&said)
    };
    for (at, (event_type, names_customer, delay)) in [
        ("aftersale.closed", true, false),
        ("aftersale.closed", false, false),
        ("aftersale.closed", true, true),
        ("aftersale.refused", true, false),
    ]
    .into_iter()
    .enumerate()
    {
        let own = format!("over-{at}");
        let case = |which: &str| format!("{which}-{own}");
        let customer = || Some(format!("customer-{own}"));
        assert_eq!(ask(&own, &case("first"), T0)["outcome"], "approve-return-refund");
        assert_eq!(rules(&ask(&own, &case("early"), T0 + 1_000)), ["AS-002"], "one is under way");
        // Not the case of the customer whom the event names: nothing happens.
        says("aftersale.closed", &case("first"), Some("c_somebody_else".into()), false);
        assert_eq!(rules(&ask(&own, &case("still"), T0 + 2_000)), ["AS-002"]);
        let said = event_type.to_owned();
        let mut ended = says(&said, &case("first"), if names_customer { customer() } else { None }, delay);
        assert_eq!(ended["decisions"].take().as_array().unwrap().len(), usize::from(delay));
        let reply = merchant.decide(&draft(&format!("ticket-{own}"), &own, "您好"));
        assert_eq!(facts(&merchant, &reply)["approved_refund"], 0, "what was promised is not to come");
        assert_eq!(ask(&own, &case("second"), T0 + 3_000)["outcome"], "approve-return-refund", "{event_type}");
    }
}

#[test]
fn what_the_platform_refunded_is_not_refunded_again() {
    let merchant = shared().merchant(json!({}));
    let ask = |case: &str| {
        let mut asked = event("aftersale.requested", "refunded");
        set(&mut asked, "/id", json!(case));
        set(&mut asked, "/data/after_sale/after_sale_id", json!(case));
        merchant.decide(&asked)
    };
    let promised = ask("r-1");
    assert_eq!(promised["outcome"], "approve-return-refund");
    let mut paid = event("aftersale.refunded", "refunded");
    set(&mut paid, "/data/after_sale_state/after_sale_id", json!("r-1"));
    paid["data"].as_object_mut().unwrap().remove("delay");
    merchant.post(&paid);
    let again = ask("r-2");
    assert_eq!((&again["outcome"], rules(&again)), (&json!("reject-duplicate"), vec!["AS-003"]), "{again}");
    let reply = merchant.decide(&draft("ticket-refunded", "refunded", "您好"));
    assert_eq!(facts(&merchant, &reply)["approved_refund"], promised["amounts"]["refund"], "it may be spoken of");
}
