//! Requests that only read, and downloads: a merchant's own wait for each other, and nobody else's.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;

use super::world::{MERCHANT, OTHER, World, at, call, event, open};
use crate::service::Role;
use ombud_core::event::EventType;

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
        assert!(send(MERCHANT, bytes).await.is_ok());
    }
    assert!(send(OTHER, 0).await.is_ok(), "usual events have no such turn");
    drop(taken);
    assert!(send(OTHER, 9 << 10).await.is_ok());
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
    drop(bytes);
    assert_eq!(download().await.status(), 200);
    drop(second);
}
