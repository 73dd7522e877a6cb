//! What is refused, and how the problems read.

use serde_json::{Value, json};

use super::super::{EventType, batch, recorded, structured};
use super::{RECEIVED, example_value, headers, read, read_binary};
use crate::limits::{EVENT_AHEAD_MS_MAX, EVENT_BYTES_MAX};
use crate::problem::Problem;

/// The problems of an example after a change, as one line each.
fn after(event_type: EventType, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut event = example_value(event_type);
    change(&mut event);
    lines(read(&event.to_string()).unwrap_err())
}

fn lines(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn every_problem_of_an_event_is_found_at_once() {
    let found = after(EventType::AftersaleRequested, |event| {
        event["specversion"] = json!("0.3");
        event["time"] = json!("yesterday");
        let data = event["data"].as_object_mut().unwrap();
        data.insert("tier".into(), json!("vip"));
        data.remove("ticket_id");
        data["after_sale"]["reason"] = json!("bad-mood");
        data["after_sale"]["lines"][0].as_object_mut().unwrap().remove("qty");
        data["after_sale"]["condition"]["opened"] = json!(true);
        data["order"]["lines"][1]["paid"] = json!(1_000_000_000_001_i64);
        data["order"]["threshold"]["reduce_by"] = json!(10.5);
        data["order"]["bundle"] = json!({"line_ids": ["L1"], "bundle_off": -1, "disclosed": true});
        data["order"]["special"] = json!(["vip"]);
    });
    assert_eq!(
        found,
        [
            "`/data/after_sale/condition/opened`: has the wrong type, a boolean; allowed: yes, no, unknown",
            "`/data/after_sale/lines/0/qty`: is missing; allowed: a whole number from 0 to 1000000",
            "`/data/after_sale/reason`: is not one of the allowed values; allowed: no-reason, dislike, size-mismatch, style-or-shade, \
             changed-mind, duplicate-order, quality, damaged-in-transit, wrong-item, missing-item, not-as-described, spoiled, expired, \
             undisclosed-defect, not-received, late-shipment, counterfeit, food-safety, injury, price-drop, other",
            "`/data/order/bundle/bundle_off`: is too small; allowed: a whole number from 0 to 1000000000000",
            "`/data/order/lines/1/paid`: is too large; allowed: a whole number from 0 to 1000000000000",
            "`/data/order/special/0`: is not one of the allowed values; allowed: presale-deposit, cross-border, gift-order, minor-buyer",
            "`/data/order/threshold/reduce_by`: has the wrong type, a number with a fraction or exponent; \
             allowed: a whole number from 0 to 1000000000000",
            "`/data/ticket_id`: is missing; allowed: 1 to 256 bytes without control or invisible characters and without space at its ends",
            "`/data/tier`: is not a known member; allowed: after_sale, currency, customer, customer_ref, merchant, order, ticket_id",
            "`/specversion`: is not allowed; allowed: 1.0",
            "`/time`: is not allowed; allowed: an RFC 3339 time from 1970 on with an offset, such as 2026-11-06T10:00:00+08:00",
        ]
    );
}

#[test]
fn the_attributes_are_checked() {
    let one = |event: &Value| lines(read(&event.to_string()).unwrap_err());
    for (attribute, bad) in [
        ("specversion", json!("1.1")),
        ("id", json!("")),
        ("id", json!(7)),
        ("source", json!("a b")),
        ("type", json!("aftersale.agreed / refused")),
        ("time", json!(1_793_930_400_000_i64)),
        ("time", json!("2026-11-06 10:00:00")),
        ("time", json!("2026-11-07T02:00:00+24:00")),
        ("subject", json!("")),
        ("datacontenttype", json!("application/xml")),
        ("dataschema", json!("a b")),
        ("data_base64", json!("e30=")),
        ("traceParent", json!("x")),
        ("traceparent", json!("x".repeat(513))),
        ("sequence", json!(1.5)),
        ("sequence", json!(2_147_483_648_i64)),
        ("extra", json!({"a": 1})),
        ("extra", json!([])),
    ] {
        let mut event = example_value(EventType::MetricsWindow);
        event[attribute] = bad.clone();
        let problems = one(&event);
        assert_eq!(problems.len(), 1, "{attribute} {bad}: {problems:?}");
        assert!(problems[0].starts_with(&format!("`/{attribute}`: ")), "{problems:?}");
    }
    for attribute in ["specversion", "id", "source", "type", "time", "data"] {
        for gone in [true, false] {
            let mut event = example_value(EventType::MetricsWindow);
            if gone {
                event.as_object_mut().unwrap().remove(attribute);
            } else {
                event[attribute] = Value::Null;
            }
            assert!(one(&event)[0].starts_with(&format!("`/{attribute}`: ")), "{attribute}: {:?}", one(&event));
        }
    }
}

/// No policy could rule on a delay like that: it would be a fault of each version that answers, and the caller's.
#[test]
fn a_delay_that_does_not_belong_together_is_refused() {
    let delay = |change: fn(&mut Value)| after(EventType::DelayDetected, |event| change(&mut event["data"]["delay"]));
    let line = "names a line that the delay does not have; allowed: a `line_id` of the delay's `lines`";
    assert_eq!(
        delay(|delay| delay["episodes"][0]["line_ids"] = json!(["L9", "L2", "l1"])),
        [format!("`/data/delay/episodes/0/line_ids/0`: {line}"), format!("`/data/delay/episodes/0/line_ids/2`: {line}")]
    );
    assert_eq!(
        delay(|delay| delay["lines"][1]["line_id"] = json!("L1")),
        [
            format!("`/data/delay/episodes/0/line_ids/1`: {line}"),
            "`/data/delay/lines/1/line_id`: is told twice; allowed: each line once".to_owned(),
        ]
    );
    assert_eq!(
        delay(|delay| {
            let again = delay["episodes"][0].clone();
            delay["episodes"].as_array_mut().unwrap().push(again);
        }),
        ["`/data/delay/episodes/1/episode_id`: is told twice; allowed: each episode once"]
    );
    assert_eq!(
        delay(|delay| (delay["lines"], delay["episodes"]) = (json!([]), json!([]))),
        ["`/data/delay/lines`: is empty; allowed: the lines that are late, at least one"]
    );
    // With what is wrong beside it, where the delay comes with another event, and in the other modes.
    let mut event = example_value(EventType::AftersaleRefunded);
    event["data"]["delay"]["episodes"][0]["line_ids"] = json!(["L9"]);
    let binary = read_binary(&headers(&event), &event["data"].to_string()).unwrap_err();
    assert_eq!(lines(binary), [format!("`/delay/episodes/0/line_ids/0`: {line}")]);
    let mut batched = batch(json!([event]).to_string().as_bytes(), RECEIVED).unwrap();
    assert_eq!(lines(batched.remove(0).unwrap_err()), [format!("`/0/data/delay/episodes/0/line_ids/0`: {line}")]);
    event["specversion"] = json!("0.3");
    let both = read(&event.to_string()).unwrap_err();
    assert_eq!(
        both.iter().map(|problem| problem.pointer.as_str()).collect::<Vec<_>>(),
        ["/data/delay/episodes/0/line_ids/0", "/specversion"]
    );
}

/// What was taken before something more was asked of events is read as it was: records are checked and counted by what they say.
#[test]
fn what_is_on_record_stays_readable() {
    let mut event = example_value(EventType::DelayDetected);
    event["time"] = json!("2026-11-07T06:00:00+24:00");
    event["data"]["delay"]["episodes"][0]["line_ids"] = json!(["L9"]);
    let pointers: Vec<String> = read(&event.to_string()).unwrap_err().into_iter().map(|problem| problem.pointer).collect();
    assert_eq!(pointers, ["/data/delay/episodes/0/line_ids/0", "/time"]);
    let on_record = recorded(event.to_string().as_bytes(), RECEIVED).unwrap();
    assert_eq!(on_record.now(), read(EventType::DelayDetected.example()).unwrap().now());
    event["data"]["delay"]["lines"] = json!(7);
    assert!(recorded(event.to_string().as_bytes(), RECEIVED).is_err());
}

#[test]
fn an_event_may_be_a_little_ahead_of_the_clock() {
    let event = example_value(EventType::TicketCreated);
    let time = read(&event.to_string()).unwrap().now();
    assert!(structured(event.to_string().as_bytes(), time - EVENT_AHEAD_MS_MAX).is_ok());
    let problems = structured(event.to_string().as_bytes(), time - EVENT_AHEAD_MS_MAX - 1).unwrap_err();
    assert_eq!(lines(problems), ["`/time`: lies in the future; allowed: at most 5 minutes ahead of receipt"]);
}

#[test]
fn a_missing_header_is_named() {
    let event = example_value(EventType::ReplyDrafted);
    let mut headers = headers(&event);
    headers.retain(|(name, _)| name != "Ce-time" && name != "Ce-id");
    headers.push(("ce-type".into(), b"reply.drafted".to_vec()));
    headers.push(("ce-data".into(), b"{}".to_vec()));
    let mut data = event["data"].clone();
    data["reply"]["text"] = json!("好".repeat(4001));
    let problems = read_binary(&headers, &data.to_string()).unwrap_err();
    assert_eq!(
        lines(problems),
        [
            "`ce-data`: is not an attribute's name; allowed: 1 to 64 lower-case letters and digits",
            "`ce-id`: is missing; allowed: 1 to 256 bytes without control or invisible characters and without space at its ends",
            "`ce-time`: is missing; allowed: an RFC 3339 time from 1970 on with an offset, such as 2026-11-06T10:00:00+08:00",
            "`ce-type`: stands more than once",
            "`/reply/text`: is too long; allowed: a string of at most 4000 characters",
        ]
    );
}

#[test]
fn malformed_json_is_located() {
    let text = "{\n  \"specversion\": \"1.0\",\n  \"data\": {\"a\": 1,}\n}";
    assert_eq!(lines(read(text).unwrap_err()), ["``: is not well-formed JSON: key must be a string at line 3 column 19"]);
    assert_eq!(lines(read("").unwrap_err()), ["``: is not well-formed JSON: EOF while parsing a value at line 1 column 0"]);
    assert!(lines(read("[1]").unwrap_err())[0].starts_with("``: has the wrong type; allowed: an object"));
    assert_eq!(
        lines(structured(b"{\"a\":\n \"\xff\"}", RECEIVED).unwrap_err()),
        ["``: is not UTF-8 at line 2 column 3; allowed: JSON in UTF-8"]
    );
    assert_eq!(
        lines(structured(&vec![b' '; EVENT_BYTES_MAX + 1], RECEIVED).unwrap_err()),
        ["``: is too long; allowed: at most 1048576 bytes"]
    );
    // A surrogate alone is found only when the data is read; its place is still that of the whole body.
    let text = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/a\",\"type\":\"ticket.created\",\"time\":\"2026-11-06T02:00:00Z\",\n \"data\":{\"ticket_id\":\"\\ud800\"}}";
    let found = lines(read(text).unwrap_err());
    assert!(found[0].starts_with("`/data`: is not well-formed JSON: ") && found[0].contains(" at line 2 column "), "{found:?}");
    let mut deep = example_value(EventType::TicketCreated);
    deep["data"]["ticket"] = serde_json::from_str(&format!("{}{}", "[".repeat(120), "]".repeat(120))).unwrap();
    assert!(!lines(read(&deep.to_string()).unwrap_err()).is_empty());
    let deeper = deep.to_string().replace("[[", &"[".repeat(200)).replace("]]", &"]".repeat(200));
    assert!(lines(read(&deeper).unwrap_err())[0].contains("recursion limit"));
}

#[test]
fn repeated_members_are_refused() {
    let text = example_value(EventType::DelayDetected).to_string();
    let twice = text.replacen("\"order_id\":\"o_8842\"", "\"order_id\":\"o_8842\",\"order_id\":\"o_8842\"", 1);
    assert_eq!(lines(read(&twice).unwrap_err()), ["`/data/delay/order_id`: stands more than once"]);
    let twice = text.replacen("\"id\":", "\"id\":\"0\",\"id\":", 1);
    assert_eq!(lines(read(&twice).unwrap_err()), ["`/id`: stands more than once"]);
    let twice = text.replacen("\"data\":", "\"data\":{},\"data\":", 1);
    assert_eq!(lines(read(&twice).unwrap_err()), ["`/data`: stands more than once"]);
    // Open objects too.
    let open = r#"{"specversion":"1.0","id":"1","source":"/a","type":"ticket.created","time":"2026-11-06T02:00:00Z","data":{"ticket_id":"t","ticket":{"x":[{"a":1,"a":1}]}}}"#;
    assert_eq!(lines(read(open).unwrap_err()), ["`/data/ticket/x/0/a`: stands more than once"]);
}

#[test]
fn a_contradicting_stage_is_a_problem_and_a_missing_one_where_nothing_fixes_it() {
    let found = after(EventType::AftersaleRequested, |event| event["data"]["after_sale"]["stage"] = json!("return-received"));
    assert_eq!(found, ["`/data/after_sale/stage`: is not one of the allowed values; allowed: requested"]);
    let found = after(EventType::LogisticsUpdated, |event| {
        event["data"]["after_sale"].as_object_mut().unwrap().remove("stage");
    });
    assert_eq!(
        found,
        [
            "`/data/after_sale/stage`: is missing; allowed: requested, evidence-added, return-in-transit, return-received, arbitration, closed"
        ]
    );
}

#[test]
fn a_decision_on_a_customer_needs_the_customer() {
    for event_type in [EventType::AftersaleRequested, EventType::DelayDetected, EventType::BlacklistStep, EventType::TimerTick] {
        let found = after(event_type, |event| {
            event["data"].as_object_mut().unwrap().remove("customer_ref");
        });
        assert_eq!(
            found,
            [
                "`/data/customer_ref`: is missing; allowed: 1 to 256 bytes without control or invisible characters and without space at its ends; a pseudonym: not a telephone number, resident number or e-mail address"
            ],
            "{event_type}"
        );
    }
    let mut event = example_value(EventType::ReplyDrafted);
    event["data"].as_object_mut().unwrap().remove("customer_ref");
    assert!(read(&event.to_string()).is_ok());
    let found = after(EventType::AftersaleRequested, |event| event["data"]["customer"]["customer_ref"] = json!("c_other"));
    assert_eq!(
        found,
        [
            "`/data/customer/customer_ref`: is another customer than `customer_ref` of the event's data; allowed: the same reference, or none"
        ]
    );
    let found = after(EventType::TicketCreated, |event| event["data"]["customer_ref"] = json!("13812345678"));
    assert_eq!(
        found,
        [
            "`/data/customer_ref`: is not allowed; allowed: 1 to 256 bytes without control or invisible characters and without space at its ends; a pseudonym: not a telephone number, resident number or e-mail address"
        ]
    );
}

#[test]
fn steps_and_roles_of_a_blacklist_request_are_the_hosts_own() {
    for member in ["steps", "stage", "submitter_id", "submitter_role", "current_measure", "review_by"] {
        for event_type in [EventType::BlacklistRequested, EventType::BlacklistStep] {
            let found = after(event_type, |event| event["data"]["blacklist"][member] = json!("admin"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].starts_with(&format!(
                    "`/data/blacklist/{member}`: is kept by the host: a step is one act of the authenticated person"
                )),
                "{found:?}"
            );
        }
    }
}

#[test]
fn objects_of_other_event_types_are_unknown_members() {
    let found = after(EventType::AftersaleReturnShipped, |event| event["data"]["after_sale"] = json!({}));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with(
            "`/data/after_sale`: is not a known member; allowed: currency, customer_ref, merchant, return_shipment, ticket_id"
        )
    );
}

#[test]
fn bounds_are_exact() {
    let with = |pointer: &str, value: Value| {
        let mut event = example_value(EventType::DelayDetected);
        *event.pointer_mut(pointer).unwrap() = value;
        read(&event.to_string()).is_ok()
    };
    let line = "/data/delay/lines/0/paid";
    assert!(with(line, json!(1_000_000_000_000_i64)) && !with(line, json!(1_000_000_000_001_i64)));
    assert!(with(line, json!(0)) && !with(line, json!(-1)));
    let id = "/data/delay/order_id";
    assert!(with(id, json!("x".repeat(256))) && !with(id, json!("x".repeat(257))) && !with(id, json!("")));
    assert!(with(id, json!("单".repeat(85))) && !with(id, json!("单".repeat(86))));
    let attributes =
        |count: usize, key: usize, value: usize| json!(vec![json!({"key": "k".repeat(key), "value": "v".repeat(value)}); count]);
    let place = "/data/delay/attributes";
    assert!(with(place, attributes(32, 64, 512)));
    assert!(!with(place, attributes(33, 1, 1)) && !with(place, attributes(1, 65, 1)) && !with(place, attributes(1, 1, 513)));
    let lines = |count: usize| (1..=count).map(|at| json!({"line_id": format!("L{at}"), "paid": 1, "refunded": 0})).collect();
    assert!(with("/data/delay/lines", lines(200)) && !with("/data/delay/lines", lines(201)));
    let due = "/data/delay/episodes/0/due";
    assert!(with(due, json!(253_402_300_799_999_i64)) && !with(due, json!(253_402_300_800_000_i64)) && !with(due, json!(-1)));
}

#[test]
fn a_flood_of_wrong_items_is_refused_for_its_number() {
    let mut event = example_value(EventType::DelayDetected);
    event["data"]["delay"]["lines"] = json!(vec![7; 200_000]);
    let found = lines(read(&event.to_string()).unwrap_err());
    assert!(found.contains(&"`/data/delay/lines`: has too many items; allowed: a list of at most 200 items".to_owned()), "{found:?}");
    let mut event = example_value(EventType::DelayDetected);
    for number in 0..40_000 {
        event[format!("x{number}")] = json!(number);
    }
    let found = lines(read(&event.to_string()).unwrap_err());
    assert!(found.contains(&"``: has too many extension attributes; allowed: at most 32".to_owned()), "{found:?}");
    // As many as are allowed.
    let mut event = example_value(EventType::DelayDetected);
    for number in 0..32 {
        event[format!("x{number}")] = json!(number);
    }
    assert_eq!(read(&event.to_string()).unwrap().envelope.extensions.len(), 32);
    event["x32"] = json!(0);
    assert_eq!(lines(read(&event.to_string()).unwrap_err()), ["``: has too many extension attributes; allowed: at most 32"]);
}
