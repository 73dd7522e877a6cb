//! Events as they are posted: the examples, the three modes, and what is refused with which problems.

mod agreement;
mod refused;

use serde_json::{Value, json};

use super::schemas::{self, data_schema_for, schema_for};
use super::{Event, EventType, Mode, batch, binary, data, mode, structured};
use crate::kind::Kind;
use crate::problem::Problem;
use crate::schema::Checker;

/// Receipt of every example: after all of them have happened.
pub const RECEIVED: i64 = 1_900_000_000_000;

pub fn example_value(event_type: EventType) -> Value {
    serde_json::from_str(event_type.example()).unwrap()
}

fn read(text: &str) -> Result<Event, Vec<Problem>> {
    structured(text.as_bytes(), RECEIVED)
}

#[test]
fn every_example_is_accepted_on_both_paths() {
    for event_type in EventType::ALL {
        let event = read(event_type.example()).unwrap_or_else(|problems| panic!("{event_type}: {problems:#?}"));
        assert_eq!(event.envelope.event_type, *event_type);
        assert!(data::read(*event_type, event.data_json()).is_some(), "{event_type}: fast path");
        assert_eq!(schemas::problems(*event_type, event.data_json(), "").unwrap(), [], "{event_type}: slow path");
    }
}

#[test]
fn every_example_fits_the_schemas_that_are_served() {
    for event_type in EventType::ALL {
        let event = example_value(*event_type);
        for (schema, value) in [(schema_for(*event_type), &event), (data_schema_for(*event_type), &event["data"])] {
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
            assert!(jsonschema::meta::is_valid(&schema), "{event_type}");
            let problems = Checker::new(schema, 200).unwrap().check(&value.to_string(), "").unwrap().1;
            assert_eq!(problems, [], "{event_type}");
        }
    }
}

#[test]
fn the_kinds_that_decide_are_those_whose_object_is_there() {
    let kinds = |event: &Value| read(&event.to_string()).unwrap().kinds().collect::<Vec<_>>();
    let expected: &[(EventType, &[Kind])] = &[
        (EventType::AftersaleRequested, &[Kind::AfterSale]),
        (EventType::AftersaleReturnShipped, &[]),
        (EventType::AftersaleRefunded, &[Kind::Delay]),
        (EventType::AftersaleAgreed, &[]),
        (EventType::LogisticsUpdated, &[Kind::AfterSale, Kind::Delay]),
        (EventType::DelayDetected, &[Kind::Delay]),
        (EventType::CommentPosted, &[Kind::Reply]),
        (EventType::ReplyDrafted, &[Kind::Reply]),
        (EventType::BlacklistStep, &[Kind::Blacklist]),
        (EventType::TimerTick, &[Kind::Blacklist]),
        (EventType::MetricsWindow, &[]),
        (EventType::TicketCreated, &[]),
    ];
    for (event_type, expected) in expected {
        assert_eq!(kinds(&example_value(*event_type)), *expected, "{event_type}");
    }
    // Without its order an after-sales case is only recorded; without its object an event is too.
    let mut event = example_value(EventType::AftersaleRequested);
    event["data"].as_object_mut().unwrap().remove("order");
    assert_eq!(kinds(&event), []);
    event["data"].as_object_mut().unwrap().remove("after_sale");
    assert_eq!(kinds(&event), []);
}

#[test]
fn the_modes_are_told_apart_by_content_type_and_headers() {
    assert_eq!(mode(Some("application/cloudevents+json; charset=utf-8"), false), Ok(Mode::Structured));
    assert_eq!(mode(Some("application/cloudevents-batch+json"), false), Ok(Mode::Batch));
    assert_eq!(mode(Some("Application/JSON"), true), Ok(Mode::Binary));
    assert_eq!(mode(Some("application/json"), false), Ok(Mode::Structured));
    assert_eq!(mode(None, false), Ok(Mode::Structured));
    assert_eq!(mode(Some("application/json; profile=x; Charset=\"UTF-8\""), false), Ok(Mode::Structured));
    for refused in [
        "text/plain",
        "application/cloudevents+xml",
        "application/cloudevents-batch+avro",
        "",
        "application/x-www-form-urlencoded",
        "application/json; charset=gbk",
        "application/cloudevents+json;charset=\"utf-16\"",
        "application/cloudevents-batch+json; x=1; CHARSET = iso-8859-1",
        "application/json; charset",
    ] {
        assert_eq!(mode(Some(refused), true).unwrap_err().header.as_deref(), Some("content-type"), "{refused}");
    }
}

/// The headers of an event in binary mode.
fn headers(event: &Value) -> Vec<(String, Vec<u8>)> {
    let attributes = event.as_object().unwrap().iter().filter(|(name, _)| *name != "data");
    attributes
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let name = if name == "datacontenttype" { "Content-Type".to_owned() } else { format!("Ce-{name}") };
            (name, value.into_bytes())
        })
        .chain([("Authorization".to_owned(), b"Bearer x".to_vec())])
        .collect()
}

fn read_binary(headers: &[(String, Vec<u8>)], body: &str) -> Result<Event, Vec<Problem>> {
    binary(headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())), body.as_bytes(), RECEIVED)
}

#[test]
fn binary_mode_carries_the_same_event() {
    for event_type in EventType::ALL {
        let value = example_value(*event_type);
        let structured = read(&value.to_string()).unwrap();
        let binary = read_binary(&headers(&value), &serde_json::to_string_pretty(&value["data"]).unwrap()).unwrap();
        assert_eq!(binary.envelope, structured.envelope);
        assert_eq!(binary.data, structured.data);
        assert_eq!(binary.canonical(), structured.canonical());
        assert_eq!(binary.data_pointer(), "");
    }
}

#[test]
fn headers_are_percent_decoded() {
    let mut value = example_value(EventType::TicketCreated);
    let mut headers = headers(&value);
    headers.push(("ce-subject".into(), b"%E5%B7%A5%E5%8D%95 100%25 %".to_vec()));
    let event = read_binary(&headers, &value["data"].to_string()).unwrap();
    assert_eq!(event.envelope.subject.as_deref(), Some("工单 100% %"));
    headers.push(("ce-note".into(), b"\xff".to_vec()));
    let problems = read_binary(&headers, &value["data"].take().to_string()).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.header.as_deref()).collect::<Vec<_>>(), [Some("ce-note")]);
}

#[test]
fn an_event_written_as_structured_reads_back_the_same() {
    for event_type in EventType::ALL {
        let mut value = example_value(*event_type);
        value["partitionkey"] = json!(7);
        value["sampled"] = json!(true);
        let event = read(&value.to_string()).unwrap();
        let again = read(&event.to_structured()).unwrap();
        assert_eq!(again.envelope, event.envelope);
        assert_eq!(again.data, event.data);
        assert_eq!(again.canonical(), event.canonical());
    }
}

#[test]
fn canonical_bytes_see_through_spelling_and_see_every_fact() {
    let event = |text: &str| read(text).unwrap().canonical();
    let head = r#"{"specversion":"1.0","id":"1","source":"/a","type":"ticket.created""#;
    let base = event(&format!(r#"{head},"time":"2026-11-06T02:00:00Z","data":{{"ticket_id":"t","ticket":{{"a":1,"b":"é"}}}}}}"#));
    assert_eq!(
        String::from_utf8(base.clone()).unwrap(),
        r#"{"data":{"ticket":{"a":1,"b":"é"},"ticket_id":"t"},"time":1793930400000,"type":"ticket.created"}"#
    );
    let spelled = format!(
        "{head},\"data\": {{\"ticket\":{{\"b\":\"\\u00e9\", \"a\":1}},\n\"\\u0074icket_id\":\"t\"}},\"traceparent\":\"x\",\"time\":\"2026-11-06T10:00:00.0+08:00\"}}"
    );
    assert_eq!(event(&spelled), base);
    for other in [
        format!(r#"{head},"time":"2026-11-06T02:00:01Z","data":{{"ticket_id":"t","ticket":{{"a":1,"b":"é"}}}}}}"#),
        format!(r#"{head},"time":"2026-11-06T02:00:00Z","data":{{"ticket_id":"t","ticket":{{"a":2,"b":"é"}}}}}}"#),
        format!(r#"{head},"time":"2026-11-06T02:00:00Z","data":{{"ticket_id":"t","ticket":{{"a":1,"b":"e"}}}}}}"#),
    ] {
        assert_ne!(event(&other), base);
    }
    // Ids of 19 digits differ beyond what a double can tell apart, and a number is no text.
    let numbered =
        |number: &str| event(&format!(r#"{head},"time":"2026-11-06T02:00:00Z","data":{{"ticket_id":"t","ticket":{{"a":{number}}}}}}}"#));
    assert_ne!(numbered("7000893114000949001"), numbered("7000893114000949000"));
    assert_ne!(numbered("7000893114000949001"), numbered("\"7000893114000949001\""));
}

#[test]
fn a_batch_answers_item_by_item() {
    let mut second = example_value(EventType::DelayDetected);
    second["data"]["delay"]["lines"][1]["paid"] = json!(-1);
    let items = json!([example_value(EventType::AftersaleRequested), second, 7, example_value(EventType::MetricsWindow)]);
    let read = batch(items.to_string().as_bytes(), RECEIVED).unwrap();
    assert_eq!(read.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    assert_eq!(read[1].as_ref().unwrap_err()[0].pointer, "/1/data/delay/lines/1/paid");
    assert_eq!(read[2].as_ref().unwrap_err()[0].pointer, "/2");
    assert_eq!(read[3].as_ref().unwrap().data_pointer(), "/3/data");
    assert!(batch(b"[]", RECEIVED).unwrap().is_empty());
    for malformed in ["", "{}", "[{]", "null"] {
        assert_eq!(batch(malformed.as_bytes(), RECEIVED).unwrap_err()[0].pointer, "", "{malformed}");
    }
}
