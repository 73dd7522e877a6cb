//! Events and previews.

use std::time::Duration;

use ombud_core::event::EventType;
use serde_json::json;

use super::world::{MERCHANT, OTHER, at, call, event, pointers, world};
use crate::http::HttpLimits;
use crate::service::Role;

#[tokio::test]
async fn an_event_is_decided_once_and_answered_the_same_again() {
    let (world, event) = (world(), event(EventType::AftersaleRequested));
    let router = world.router();
    let first = world.agent("POST", &at("/events")).event(&event).send(&router).await.ok();
    assert_eq!((&first["event"], &first["duplicate"]), (&event["id"], &json!(false)));
    let decision = &first["decisions"][0];
    assert_eq!(decision["kind"], "after-sale");
    assert!(decision["id"].is_string() && decision["seq"].is_u64() && decision["outcome"].is_string(), "{decision}");

    let again = world.agent("POST", &at("/events")).event(&event).send(&router).await.ok();
    assert_eq!((&again["duplicate"], &again["decisions"]), (&json!(true), &first["decisions"]));

    // The same event in binary mode is the same event.
    let mut binary = world.agent("POST", &at("/events")).header("content-type", "application/json").body(event["data"].to_string());
    for name in ["specversion", "id", "source", "type", "time", "subject"] {
        binary = binary.header(&format!("ce-{name}"), event[name].as_str().unwrap());
    }
    assert_eq!(binary.send(&router).await.ok(), again);

    let mut other = event.clone();
    other["data"]["ticket_id"] = "another".into();
    let conflict = world.agent("POST", &at("/events")).event(&other).send(&router).await.problem(409);
    assert_eq!(conflict["type"], "urn:ombud:problem:conflict");
}

#[tokio::test]
async fn a_preview_is_decided_and_leaves_nothing() {
    let (world, event) = (world(), event(EventType::AftersaleRequested));
    let router = world.router();
    let shown = world.agent("POST", &at("/preview")).event(&event).send(&router).await.ok();
    assert_eq!(shown["decisions"][0]["kind"], "after-sale");
    assert!(shown["decisions"][0].get("seq").is_none());
    let decided = world.agent("POST", &at("/events")).event(&event).send(&router).await.ok();
    assert_eq!(decided["duplicate"], false);
    assert_eq!(decided["decisions"][0]["outcome"], shown["decisions"][0]["outcome"]);
}

#[tokio::test]
async fn every_kind_of_event_is_taken() {
    let world = world();
    let router = world.router();
    for event_type in EventType::ALL {
        let event = event(*event_type);
        let reply = world.agent("POST", &at("/events")).event(&event).send(&router).await;
        // A step of a request that is not there is the service's to refuse.
        assert!(reply.status.is_success() || reply.status.as_u16() == 422, "{event_type}: {}", reply.text());
    }
}

#[tokio::test]
async fn problems_of_an_event_stand_by_their_pointers() {
    let (world, mut event) = (world(), event(EventType::AftersaleRequested));
    let router = world.router();
    event["data"]["order"]["lines"][0]["qty"] = json!(-1);
    event["data"]["after_sale"]["reason"] = json!("because");
    event["specversion"] = json!("0.3");
    let document = world.agent("POST", &at("/events")).event(&event).send(&router).await.problem(422);
    assert_eq!(pointers(&document), ["/data/after_sale/reason", "/data/order/lines/0/qty", "/specversion"]);

    let mut claimed = super::world::event(EventType::AftersaleRequested);
    claimed["data"]["merchant"]["merchant_id"] = OTHER.into();
    let document = world.agent("POST", &at("/events")).event(&claimed).send(&router).await.problem(422);
    assert_eq!(pointers(&document), ["/data/merchant/merchant_id"]);
}

#[tokio::test]
async fn what_is_no_event_says_so() {
    let world = world();
    let router = world.router();
    let post = || world.agent("POST", &at("/events"));
    let broken = post().header("content-type", "application/cloudevents+json").body("{\"id\": \"a\",").send(&router).await;
    assert_eq!(broken.problem(400)["type"], "urn:ombud:problem:malformed");
    let bytes = post().header("content-type", "application/json").body(vec![b'"', 0xff, b'"']).send(&router).await;
    bytes.problem(400);
    post().header("content-type", "application/json").body("[1]").send(&router).await.problem(422);
    post().body("").send(&router).await.problem(400);
    for media_type in ["text/plain", "application/cloudevents+avro", "application/cloudevents-batch+json", "\u{e9}"] {
        let reply = post().header("content-type", media_type).body("[]").send(&router).await;
        assert_eq!(reply.problem(415)["problems"][0]["header"], "content-type", "{media_type}");
    }
}

#[tokio::test]
async fn a_key_opens_its_own_merchant_only() {
    let (world, event) = (world(), event(EventType::TicketCreated));
    let router = world.router();
    let nobody = call("POST", &at("/events")).event(&event).send(&router).await;
    nobody.problem(401);
    assert_eq!(nobody.headers["www-authenticate"], "Bearer");
    for wrong in ["Bearer ombud_0000", "Basic Zm9vOmJhcg==", "Bearer", "bearer  ", "\u{e9}"] {
        call("POST", &at("/events")).header("authorization", wrong).event(&event).send(&router).await.problem(401);
    }
    let elsewhere = call("POST", &at("/events")).key(world.key(OTHER, Role::Agent)).event(&event).send(&router).await;
    let nowhere = call("POST", "/v1/merchants/m_999/events").key(world.key(OTHER, Role::Agent)).event(&event).send(&router).await;
    assert_eq!(elsewhere.problem(404), nowhere.problem(404));
    let auditor = call("POST", &at("/events")).key(world.key(MERCHANT, Role::Auditor)).event(&event).send(&router).await;
    auditor.problem(403);
    // The scheme's case is free.
    let key = format!("bEaReR {}", world.key(MERCHANT, Role::Agent));
    call("POST", &at("/events")).header("authorization", &key).event(&event).send(&router).await.ok();
}

#[tokio::test]
async fn a_decision_that_was_begun_is_finished_whoever_has_gone() {
    let (world, event) = (world(), event(EventType::AftersaleRequested));
    let hasty = world.limited(HttpLimits { request_ms: 1, ..HttpLimits::default() });
    let first = world.agent("POST", &at("/events")).event(&event).send(&hasty).await;
    assert!(first.status == 200 || first.problem(503)["detail"].as_str().unwrap().contains("repeat"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let again = world.agent("POST", &at("/events")).event(&event).send(&world.router()).await.ok();
    assert_eq!(again["duplicate"], true);
}
