//! Each limit from both sides.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Uri;
use ombud_core::event::EventType;
use ombud_core::limits::{BATCH_BYTES_MAX, EVENT_BYTES_MAX, MERCHANT_BYTES_MAX};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use super::world::{Call, MERCHANT, OTHER, World, at, call, event, open, world};
use crate::http::HttpLimits;
use crate::service::Role;

/// An event filled up with white space.
fn filled(bytes: usize) -> String {
    let text = event(EventType::TicketCreated).to_string();
    format!("{text}{}", " ".repeat(bytes - text.len()))
}

/// The same body with and without its length in the header.
fn both(call: impl Fn() -> Call, body: &str) -> [Call; 2] {
    let chunks: Vec<Result<Bytes, Infallible>> = body.as_bytes().chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let chunked = Body::new(http_body_util::StreamBody::new(futures_util::stream::iter(
        chunks.into_iter().map(|chunk| chunk.map(hyper::body::Frame::data)),
    )));
    [call().body(body.to_owned()), call().body(chunked)]
}

/// A body that comes when it is told to.
fn held_back() -> (oneshot::Sender<()>, Body) {
    let (finish, waits) = oneshot::channel::<()>();
    let body = Body::new(http_body_util::StreamBody::new(futures_util::stream::once(Box::pin(async move {
        let _ = waits.await;
        Ok::<_, Infallible>(hyper::body::Frame::data(Bytes::from_static(b"{}")))
    }))));
    (finish, body)
}

#[tokio::test]
async fn bodies() {
    let world = world();
    let router = world.router();
    let events = || world.agent("POST", &at("/events")).header("content-type", "application/json");
    let batches = || world.agent("POST", &at("/events:batch")).header("content-type", "application/json");
    let keys = || call("POST", &at("/keys")).key(world.key(MERCHANT, Role::MerchantAdmin)).header("content-type", "application/json");
    for call in both(events, &filled(EVENT_BYTES_MAX)) {
        call.send(&router).await.ok();
    }
    for bytes in [EVENT_BYTES_MAX + 1, 2 * EVENT_BYTES_MAX, 2 * EVENT_BYTES_MAX + 1] {
        for call in both(events, &filled(bytes)) {
            let reply = call.send(&router).await;
            assert_eq!(reply.problem(413)["type"], "urn:ombud:problem:body-too-large");
            assert_eq!(reply.headers["connection"], "close");
        }
    }
    let list = format!("[]{}", " ".repeat(BATCH_BYTES_MAX - 2));
    for call in both(batches, &list) {
        call.send(&router).await.ok();
    }
    for call in both(batches, &format!("{list} ")) {
        call.send(&router).await.problem(413);
    }
    let empty = format!("{{}}{}", " ".repeat(MERCHANT_BYTES_MAX - 2));
    for call in both(keys, &empty) {
        call.send(&router).await.problem(422);
    }
    for call in both(keys, &format!("{empty} ")) {
        call.send(&router).await.problem(413);
    }
}

#[tokio::test]
async fn header_and_uri() {
    let router = world().limited(HttpLimits { header_bytes_max: 100, headers_max: 3, uri_bytes_max: 20, ..HttpLimits::default() });
    let of = |bytes: usize| call("GET", "/healthz").header("x", &"v".repeat(bytes - 1));
    of(100).send(&router).await.ok();
    assert_eq!(of(101).send(&router).await.problem(431)["type"], "urn:ombud:problem:header-too-large");
    let many = |count: usize| (0..count).fold(call("GET", "/healthz"), |call, at| call.header(&format!("x{at}"), "v"));
    many(3).send(&router).await.ok();
    many(4).send(&router).await.problem(431);
    let uri = |bytes: usize| call("GET", &format!("/healthz?{}", "q".repeat(bytes - 9)));
    uri(20).send(&router).await.ok();
    uri(21).send(&router).await.problem(414);
    // Without a path there is nothing to hold against the limit.
    let star = axum::http::Request::options(Uri::from_static("*")).body(Body::empty()).unwrap();
    assert!(router.oneshot(star).await.unwrap().status().is_client_error());
}

#[tokio::test]
async fn requests_under_way_and_bytes_under_way() {
    let world = world();
    let none = world.limited(HttpLimits { requests_max: 0, ..HttpLimits::default() });
    let reply = world.agent("GET", &at("/policies")).send(&none).await;
    assert_eq!(reply.problem(503)["type"], "urn:ombud:problem:unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    call("GET", "/healthz").send(&none).await.ok();
    call("GET", "/readyz").send(&none).await.ok();

    // One place: while a body is awaited nobody else gets in, and afterwards somebody does.
    let one = world.limited(HttpLimits { requests_max: 1, ..HttpLimits::default() });
    let (finish, body) = held_back();
    let (router, path) = (one.clone(), at("/events"));
    let slow = tokio::spawn(async move { world.agent("POST", &path).body(body).send(&router).await });
    let asked = || world.agent("GET", &at("/policies")).send(&one);
    while asked().await.status == 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked().await.problem(503);
    finish.send(()).unwrap();
    slow.await.unwrap().problem(422);
    asked().await.ok();

    let few = world.limited(HttpLimits { body_bytes_in_flight_max: 4_000, ..HttpLimits::default() });
    let post = || world.agent("POST", &at("/events")).header("content-type", "application/json");
    for call in both(post, &filled(4_000)) {
        call.send(&few).await.ok();
    }
    for call in both(post, &filled(4_001)) {
        call.send(&few).await.problem(503);
    }
    post().body(filled(4_000)).send(&few).await.ok();
}

#[tokio::test]
async fn one_key_a_request() {
    let world = world();
    let twice = world.agent("GET", &at("/policies")).key(world.key(OTHER, Role::Agent));
    assert_eq!(twice.send(&world.router()).await.problem(400)["problems"][0]["header"], "authorization");
}

#[tokio::test]
async fn a_merchant_takes_no_more_than_its_share() {
    // Its own service: other tests' requests would count as well.
    let world: &'static World = Box::leak(Box::new(open(tempfile::tempdir().unwrap())));
    let other = || call("GET", &format!("/v1/merchants/{OTHER}/policies")).key(world.key(OTHER, Role::Agent));

    // A body that does not come holds a place of its own merchant, and nobody else's.
    let one = world.limited(HttpLimits { merchant_requests_max: 1, ..HttpLimits::default() });
    let (finish, body) = held_back();
    let (router, path) = (one.clone(), at("/events"));
    let slow = tokio::spawn(async move { world.agent("POST", &path).body(body).send(&router).await });
    let asked = || world.agent("GET", &at("/policies")).send(&one);
    while asked().await.status == 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(asked().await.problem(429)["type"], "urn:ombud:problem:saturated");
    other().send(&one).await.ok();
    call("GET", &at("/policies")).key(&world.operator).send(&one).await.ok();
    finish.send(()).unwrap();
    slow.await.unwrap().problem(422);
    asked().await.ok();

    let few = world.limited(HttpLimits { merchant_body_bytes_max: 4_000, ..HttpLimits::default() });
    let post = || world.agent("POST", &at("/events")).header("content-type", "application/json");
    for call in both(post, &filled(4_000)) {
        call.send(&few).await.ok();
    }
    for call in both(post, &filled(4_001)) {
        call.send(&few).await.problem(429);
    }
    post().body(filled(4_000)).send(&few).await.ok();
}

#[tokio::test]
async fn a_merchant_with_too_much_under_way_is_told_to_come_again() {
    let world = world();
    let router = world.router();
    let post = |_| {
        let mut event = event(EventType::TicketCreated);
        event["data"].as_object_mut().unwrap().remove("merchant");
        call("POST", &format!("/v1/merchants/{OTHER}/events")).key(world.key(OTHER, Role::Agent)).event(&event).send(&router)
    };
    // On one thread: all have begun before the first is finished.
    let replies = futures_util::future::join_all((0..300).map(post)).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert!(!refused.is_empty() && refused.len() < 200, "{}", refused.len());
    for reply in refused {
        assert_eq!(reply.problem(429)["type"], "urn:ombud:problem:saturated");
        assert_eq!(reply.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_and_an_answer_that_does_not_come() {
    let world = world();
    let never =
        || Body::new(http_body_util::StreamBody::new(futures_util::stream::pending::<Result<hyper::body::Frame<Bytes>, Infallible>>()));
    let router = world.limited(HttpLimits { body_ms: 30, ..HttpLimits::default() });
    let reply = world.agent("POST", &at("/events")).body(never()).send(&router).await;
    assert_eq!(reply.problem(408)["type"], "urn:ombud:problem:body-timeout");
    let router = world.limited(HttpLimits { request_ms: 30, ..HttpLimits::default() });
    let reply = world.agent("POST", &at("/events")).body(never()).send(&router).await;
    assert!(reply.problem(503)["detail"].as_str().unwrap().contains("30 ms"));
    let router = world.limited(HttpLimits { batch_ms: 30, ..HttpLimits::default() });
    world.agent("POST", &at("/events:batch")).body(never()).send(&router).await.problem(503);
}

#[tokio::test]
async fn what_was_refused_is_counted() {
    let world = world();
    let router = world.limited(HttpLimits { requests_max: 0, ..HttpLimits::default() });
    let count = || async {
        let text = call("GET", "/metrics").key(&world.operator).send(&router).await.text();
        let line = text.lines().find(|line| line.starts_with(r#"ombud_http_refused_total{limit="requests"}"#)).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let before = count().await;
    world.agent("GET", &at("/policies")).send(&router).await.problem(503);
    assert!(count().await > before);
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let limits = HttpLimits::default();
    assert_eq!((limits.event_bytes_max, limits.batch_bytes_max), (1 << 20, 16 << 20));
    let _: Value = json!(limits.drain_ms);
}
