//! Answers that come before the body does, and merchants' connections.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::server::{answer, rest, start};
use super::world::{MERCHANT, OTHER, at, open, world};
use crate::http::HttpLimits;
use crate::service::Role;

/// The head of an upload that an agent may not make, with a body of so many bytes.
fn refused(bytes: usize) -> String {
    head("POST", &at("/policies"), MERCHANT, &format!("content-type: application/wasm\r\ncontent-length: {bytes}\r\n"))
}

fn head(method: &str, path: &str, merchant: &'static str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{more}\r\n", world().key(merchant, Role::Agent))
}

#[tokio::test]
async fn a_small_body_that_comes_after_its_answer_keeps_the_connection() {
    let running = start(world(), HttpLimits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for bytes in [1, 100_000, 1 << 20] {
        stream.write_all(refused(bytes).as_bytes()).await.unwrap();
        let (said, body) = answer(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 403 ") && !said.contains("connection: close"), "{said}{body}");
        stream.write_all(&vec![b' '; bytes]).await.unwrap();
    }
    stream.write_all(head("GET", &at(""), MERCHANT, "").as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.0.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn whoever_sends_a_large_body_first_hears_the_answer_and_that_it_is_the_last_one() {
    let running = start(world(), HttpLimits::default()).await;
    for bytes in [(1 << 20) + 1, 30 << 20] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(refused(bytes).as_bytes()).await.unwrap();
        // The answer is there long before the body is.
        stream.readable().await.unwrap();
        stream.write_all(&vec![b' '; bytes]).await.unwrap();
        let (said, body) = answer(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("connection: close"), "{said}{body}");
        assert_eq!(rest(&mut stream).await, b"");
    }
    // Who waits for leave to send gets none, and an answer.
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(refused(10).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let (said, _) = answer(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("connection: close"), "{said}");
}

#[tokio::test]
async fn who_never_ends_its_body_is_listened_to_no_longer_than_that() {
    let limits = HttpLimits { leftover_ms: 100, linger_ms: 300, ..HttpLimits::default() };
    let running = start(world(), limits).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(refused(100).as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.0.starts_with("HTTP/1.1 403 "));
    tokio::time::timeout(Duration::from_secs(5), rest(&mut stream)).await.unwrap();
    // Nobody is there any more.
    tokio::time::sleep(Duration::from_millis(600)).await;
    _ = stream.write_all(b" ").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stream.write_all(b" ").await.is_err());
}

#[tokio::test]
async fn who_lingers_keeps_no_server_from_stopping() {
    let limits = HttpLimits { linger_ms: 60_000, drain_ms: 60_000, ..HttpLimits::default() };
    let own = open(tempfile::tempdir().unwrap());
    let running = start(&own, limits).await;
    let mut stays = TcpStream::connect(running.address).await.unwrap();
    stays.write_all(refused(30 << 20).as_bytes()).await.unwrap();
    assert!(answer(&mut stays).await.0.contains("connection: close"));
    // It still sends: the server reads it, and nobody is told to stop yet.
    for _ in 0..3 {
        stays.write_all(&[b' '; 1024]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let drained = tokio::time::timeout(Duration::from_secs(10), running.stop()).await.unwrap();
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn who_lingers_gives_way() {
    let limits = HttpLimits { connections_max: 1, stranger_ms: 10, ..HttpLimits::default() };
    let running = start(world(), limits).await;
    let mut stays = TcpStream::connect(running.address).await.unwrap();
    stays.write_all(refused(30 << 20).as_bytes()).await.unwrap();
    assert!(answer(&mut stays).await.0.contains("connection: close"));
    let mut next = TcpStream::connect(running.address).await.unwrap();
    next.write_all(head("GET", &at(""), MERCHANT, "").as_bytes()).await.unwrap();
    let (said, _) = tokio::time::timeout(Duration::from_secs(5), answer(&mut next)).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
}

#[tokio::test]
async fn a_merchant_has_no_more_connections_than_it_may() {
    let limits = HttpLimits { merchant_connections_max: 2, ..HttpLimits::default() };
    let running = start(world(), limits).await;
    let ask = async |stream: &mut TcpStream, merchant| {
        let path = format!("/v1/merchants/{merchant}");
        stream.write_all(head("GET", &path, merchant, "").as_bytes()).await.unwrap();
        answer(stream).await
    };
    let connect = async || TcpStream::connect(running.address).await.unwrap();
    let (mut first, mut second, mut third, mut other) = (connect().await, connect().await, connect().await, connect().await);
    for _ in 0..2 {
        assert!(ask(&mut first, OTHER).await.0.starts_with("HTTP/1.1 200 "));
        assert!(ask(&mut second, OTHER).await.0.starts_with("HTTP/1.1 200 "));
    }
    let (said, body) = ask(&mut third, OTHER).await;
    assert!(said.starts_with("HTTP/1.1 429 ") && said.contains("connection: close") && said.contains("retry-after"), "{said}");
    assert!(body.contains("2 connections of this merchant are open"), "{body}");
    assert_eq!(third.read(&mut [0]).await.unwrap(), 0);
    assert!(ask(&mut other, MERCHANT).await.0.starts_with("HTTP/1.1 200 "), "another's are its own");
    // One that is gone makes room, and one that serves another merchant now counts as that one's, as a proxy's do.
    assert!(ask(&mut second, MERCHANT).await.0.starts_with("HTTP/1.1 200 "));
    let mut fourth = connect().await;
    assert!(ask(&mut fourth, OTHER).await.0.starts_with("HTTP/1.1 200 "));
    assert!(ask(&mut second, OTHER).await.0.starts_with("HTTP/1.1 429 "));
}
