//! Requests that only read, and downloads: a merchant's own wait for each other, and nobody else's.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use ombud_core::event::EventType;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::world::{MERCHANT, OTHER, World, at, call, event, open};
use crate::http::HttpLimits;
use crate::service::{MERCHANT_CHANGES_MAX, Role};

fn own() -> World {
    open(tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn a_merchants_reads_wait_for_each_other_and_for_nobody_else() {
    let world = own();
    let router = world.router();
    let get = |merchant: &'static str, role| call("GET", &format!("/v1/merchants/{merchant}/decisions")).key(world.key(merchant, role));
    let who = world.service.authenticate(world.key(OTHER, Role::Agent)).unwrap();
    let reads = world.service.share(&who).unwrap().reads.clone();
    let all = u32::try_from(reads.available_permits()).unwrap();
    assert!(all >= 1);
    let taken = reads.clone().acquire_many_owned(all).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_millis(100), get(OTHER, Role::Auditor).send(&router));
    assert!(waits.await.is_err(), "whoever has the key");
    get(MERCHANT, Role::Agent).send(&router).await.ok();
    call("GET", &format!("/v1/merchants/{OTHER}/decisions")).key(&world.operator).send(&router).await.ok();
    // Decisions have a queue of their own, and what is changed is not held up by what is looked at.
    let mut preview = event(EventType::AftersaleRequested);
    preview["data"].as_object_mut().unwrap().remove("merchant");
    let preview = call("POST", &format!("/v1/merchants/{OTHER}/preview")).key(world.key(OTHER, Role::Agent)).event(&preview);
    preview.send(&router).await.ok();
    drop(taken);
    get(OTHER, Role::Auditor).send(&router).await.ok();
    assert_eq!(reads.available_permits(), all as usize, "given back with the answer");
}

#[tokio::test]
async fn a_merchants_large_bodies_are_parsed_one_after_the_other() {
    let world = own();
    let router = world.router();
    let who = world.service.authenticate(world.key(OTHER, Role::Agent)).unwrap();
    let taken = world.service.share(&who).unwrap().parses.clone().acquire_owned().await.unwrap();
    let send = async |merchant: &'static str, bytes: usize| {
        let body = format!("{}{}", event(EventType::TicketCreated), " ".repeat(bytes));
        let call = call("POST", &format!("/v1/merchants/{merchant}/preview")).key(world.key(merchant, Role::Agent));
        let call = call.header("content-type", "application/cloudevents+json").body(body);
        tokio::time::timeout(Duration::from_millis(300), call.send(&router)).await
    };
    for bytes in [9 << 10, 70 << 10] {
        assert!(send(OTHER, bytes).await.is_err());
        send(MERCHANT, bytes).await.unwrap().ok();
    }
    send(OTHER, 0).await.expect("usual events have no such turn").ok();
    drop(taken);
    send(OTHER, 9 << 10).await.unwrap().ok();
}

/// A reply with so many findings that its decision is large.
fn wordy(id: &str) -> Value {
    let mut reply = event(EventType::ReplyDrafted);
    reply["id"] = id.into();
    reply["data"].as_object_mut().unwrap().remove("merchant");
    reply["data"]["reply"]["text"] = "最好".repeat(1_000).into();
    reply
}

#[tokio::test]
async fn what_is_not_read_counts_until_it_is() {
    let world = own();
    let router = world.limited(HttpLimits { merchant_answer_bytes_max: 100_000, ..HttpLimits::default() });
    let ask = async |merchant: &'static str, id: &str| {
        let key = format!("Bearer {}", world.key(merchant, Role::Agent));
        let request = Request::post(format!("/v1/merchants/{merchant}/events")).header("authorization", key);
        let request = request.header("content-type", "application/cloudevents+json").body(Body::from(wordy(id).to_string())).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let unread = ask(OTHER, "1").await;
    assert!(unread.status().is_success());
    let length: usize = unread.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert!(length > 100_000, "{length}");
    assert_eq!(ask(OTHER, "2").await.status(), 429);
    assert!(ask(MERCHANT, "3").await.status().is_success(), "another's answers are not its");
    let bytes = axum::body::to_bytes(unread.into_body(), usize::MAX).await.unwrap();
    assert_eq!(bytes.len(), length);
    drop(bytes);
    assert!(ask(OTHER, "2").await.status().is_success());
}

#[tokio::test]
async fn a_batch_answers_so_much_and_no_more() {
    let world = own();
    let batch: Vec<Value> = ["1", "2", "3"].iter().map(|id| wordy(id)).collect();
    let send = async |max: usize| {
        let router = world.limited(HttpLimits { batch_answer_bytes_max: max, ..HttpLimits::default() });
        let call = world.agent("POST", &at("/events:batch")).header("content-type", "application/cloudevents-batch+json");
        call.body(json!(batch).to_string()).send(&router).await.ok()
    };
    let all = send(usize::MAX).await;
    let statuses = |answer: &Value| answer.as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(statuses(&all), [200, 200, 200]);
    let one = all[0]["answer"]["decisions"][0].to_string().len();
    let some = send(one * 5 / 2).await;
    assert_eq!(statuses(&some).iter().filter(|status| **status == 503).count(), 1, "{:?}", statuses(&some));
    let refused = some.as_array().unwrap().iter().find(|item| item["status"] == 503).unwrap();
    assert!(refused["problem"]["detail"].as_str().unwrap().contains("in a smaller batch"), "{refused}");
}

/// Several batches of one merchant at once answer no more together than the merchant's answers may be.
#[tokio::test]
async fn batches_count_while_they_grow() {
    let world = own();
    let events = ["1", "2", "3", "4", "5", "6"].map(wordy);
    let post = async |max: usize, merchant: &'static str, which: std::ops::Range<usize>| {
        let router = world.limited(HttpLimits { merchant_answer_bytes_max: max, ..HttpLimits::default() });
        let key = format!("Bearer {}", world.key(merchant, Role::Agent));
        let request = Request::post(format!("/v1/merchants/{merchant}/events:batch")).header("authorization", key);
        let request = request.header("content-type", "application/cloudevents-batch+json");
        let request = request.body(Body::from(json!(events[which]).to_string())).unwrap();
        router.oneshot(request).await.unwrap()
    };
    let read = async |response: axum::response::Response| {
        assert!(response.status().is_success());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice::<Vec<Value>>(&bytes).unwrap()
    };
    let unread = || {
        let who = world.service.authenticate(world.key(OTHER, Role::Agent)).unwrap();
        world.service.share(&who).unwrap().answer_bytes.load(std::sync::atomic::Ordering::Relaxed)
    };
    let first = read(post(usize::MAX, OTHER, 0..2).await).await;
    let one = first[0]["answer"]["decisions"][0].to_string().len();
    assert_eq!(unread(), 0, "given back with the answer");
    // Two decisions fit and the third does not, whichever of the batches asks for it.
    let max = one * 5 / 2;
    let (left, right, other) = tokio::join!(post(max, OTHER, 0..2), post(max, OTHER, 2..4), post(max, MERCHANT, 4..6));
    assert!(unread() > one && unread() <= max + (64 << 10), "{} of {max}", unread());
    let statuses = |items: &[Value]| items.iter().map(|item| item["status"].as_u64().unwrap()).collect::<Vec<_>>();
    let (left, right, other) = (read(left).await, read(right).await, read(other).await);
    let all = [statuses(&left), statuses(&right)].concat();
    assert_eq!(
        (all.iter().filter(|status| **status == 200).count(), all.iter().filter(|status| **status == 429).count()),
        (2, 2),
        "{all:?}"
    );
    assert_eq!(statuses(&other), [200, 200], "another's answers are not its");
    let refused = left.iter().chain(&right).find(|item| item["status"] == 429).unwrap();
    assert!(refused["problem"]["detail"].as_str().unwrap().contains("wait to be read"), "{refused}");
    assert_eq!(unread(), 0);
    assert_eq!(statuses(&read(post(max, OTHER, 2..4).await).await), [200, 200], "posted again they are answered");
}

#[tokio::test]
async fn so_many_changes_of_a_merchant_wait_and_no_more() {
    let world = own();
    let router = world.router();
    let who = world.service.authenticate(world.key(OTHER, Role::MerchantAdmin)).unwrap();
    let places = world.service.share(&who).unwrap().changes.clone();
    assert_eq!(places.available_permits(), MERCHANT_CHANGES_MAX);
    let make = async |merchant: &'static str, key: &str| {
        let request = json!({"role": "agent", "label": "made"});
        call("POST", &format!("/v1/merchants/{merchant}/keys")).key(key).json(&request).send(&router).await
    };
    let all_but_one = places.clone().acquire_many_owned(u32::try_from(MERCHANT_CHANGES_MAX - 1).unwrap()).await.unwrap();
    assert_eq!(make(OTHER, world.key(OTHER, Role::MerchantAdmin)).await.status, 201);
    let last = places.clone().acquire_owned().await.unwrap();
    let refused = make(OTHER, world.key(OTHER, Role::MerchantAdmin)).await;
    assert_eq!(refused.headers["retry-after"], "1");
    let problem = refused.problem(429);
    assert!(problem["detail"].as_str().unwrap().contains("16 changes are under way"), "{problem}");
    assert_eq!(make(MERCHANT, world.key(MERCHANT, Role::MerchantAdmin)).await.status, 201);
    assert_eq!(make(OTHER, &world.operator).await.status, 201);
    drop((all_but_one, last));
    assert_eq!(make(OTHER, world.key(OTHER, Role::MerchantAdmin)).await.status, 201);
}

#[tokio::test]
async fn so_many_components_are_on_their_way_and_no_more() {
    let world = own();
    let router = world.router();
    let versions = world.agent("GET", &at("/policies/delay/versions")).send(&router).await.ok();
    let version = versions["versions"][0]["version"].as_str().unwrap().replace('+', "%2B");
    let path = at(&format!("/policies/delay/versions/{version}/component"));
    let download = async || {
        let key = format!("Bearer {}", world.key(MERCHANT, Role::Auditor));
        let request = Request::builder().uri(&path).header("authorization", key).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let (first, second) = (download().await, download().await);
    assert!(first.status().is_success() && second.status().is_success());
    let third = download().await;
    assert_eq!(third.status(), 429);
    assert_eq!(third.headers()["retry-after"], "1");
    // One that is read to its end makes room, one that nobody reads does not.
    let bytes = axum::body::to_bytes(first.into_body(), usize::MAX).await.unwrap();
    assert!(bytes.starts_with(b"\0asm"));
    assert_eq!(download().await.status(), 429, "as long as its bytes are somewhere");
    let other = call("GET", &path.replace(MERCHANT, OTHER)).key(world.key(OTHER, Role::Auditor)).send(&router).await;
    assert_eq!(other.status, 200, "another merchant's places are its own");
    drop(bytes);
    assert_eq!(download().await.status(), 200);
    drop(second);
}
