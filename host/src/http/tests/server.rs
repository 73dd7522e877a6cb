//! The server over real connections: kept alive, slow, idle, drained.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ombud_core::event::EventType;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::world::{MERCHANT, World, at, event, open, world};
use crate::http::{Drained, HttpLimits, serve};
use crate::service::Role;

pub(super) struct Running {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

pub(super) async fn start(world: &World, limits: HttpLimits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = world.service.clone();
    let ended = tokio::spawn(async move {
        serve(listener, service, limits, async {
            let _ = stopped.await;
        })
        .await
    });
    Running { address, stop, ended }
}

impl Running {
    /// Stops the server, and waits for its end.
    pub(super) async fn stop(self) -> Drained {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap()
    }
}

/// Reads one answer with a length; its head and body.
pub(super) async fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// Waits until so many connections are open and so many requests under way.
async fn busy_with(world: &World, connections: i64, requests: i64) {
    let metrics = &world.service.metrics;
    while metrics.http_connections().get() != connections || metrics.http_in_flight().get() != requests {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads until the other side closes.
pub(super) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

fn post(world: &World, body: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        at("/events"),
        world.key(MERCHANT, Role::Agent),
        body.len()
    )
}

#[tokio::test]
async fn a_connection_carries_many_requests() {
    let running = start(world(), HttpLimits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(post(world(), &event(EventType::TicketCreated).to_string()).as_bytes()).await.unwrap();
        let (head, body) = answer(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}{body}");
    }
    // Two at once are answered one after the other.
    let two = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    stream.write_all(two.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.1.contains("ok") && answer(&mut stream).await.1.contains("ok"));
}

#[tokio::test]
async fn a_header_that_trickles_in_and_an_idle_connection_are_cut_off() {
    let running = start(world(), HttpLimits { header_ms: 300, ..HttpLimits::default() }).await;
    let began = Instant::now();
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let mut kept = TcpStream::connect(running.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    answer(&mut kept).await;
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    let trickle = tokio::spawn(async move {
        for byte in b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ".iter().chain(std::iter::repeat_n(&b'a', 200)) {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        rest(&mut slow).await
    });
    rest(&mut idle).await;
    rest(&mut kept).await;
    assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let said = String::from_utf8(trickle.await.unwrap()).unwrap();
    assert!(!said.contains("200 OK"), "{said}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_before_the_connection_closes() {
    let running = start(world(), HttpLimits::default()).await;
    // Somewhat too large: all of it is sent before the answer is read.
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(post(world(), &" ".repeat((1 << 20) + 1)).as_bytes()).await.unwrap();
    let (head, body) = answer(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 413 ") && body.contains("body-too-large"), "{head}{body}");
    // Much too large: the answer comes before any of it is read.
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = post(world(), "").replace("content-length: 0", "content-length: 99999999999\r\nexpect: 100-continue");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (head, body) = answer(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 413 ") && body.contains("body-too-large"), "{head}{body}");
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn heads_beyond_every_limit_and_heads_that_are_none_are_refused() {
    let running = start(world(), HttpLimits::default()).await;
    for (head, status) in [
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "v".repeat(20 << 10)), "431"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "v".repeat(100 << 10)), "431"),
        (format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: v\r\n".repeat(150)), "431"),
        (format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: v\r\n".repeat(1000)), "431"),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "p".repeat(9 << 10)), "414"),
        ("\u{1}\u{2}\u{3} no HTTP\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let _ = stream.write_all(head.as_bytes()).await;
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(std::str::from_utf8(&first).unwrap(), format!("HTTP/1.1 {status}"), "{}", head.get(..40).unwrap_or(&head));
    }
}

#[tokio::test]
async fn connections_beyond_their_number_wait() {
    let running = start(world(), HttpLimits { connections_max: 1, stranger_ms: 60_000, ..HttpLimits::default() }).await;
    let get = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = TcpStream::connect(running.address).await.unwrap();
    first.write_all(get).await.unwrap();
    answer(&mut first).await;
    let mut second = TcpStream::connect(running.address).await.unwrap();
    second.write_all(get).await.unwrap();
    let mut byte = [0];
    assert!(tokio::time::timeout(Duration::from_millis(150), second.peek(&mut byte)).await.is_err());
    drop(first);
    answer(&mut second).await;
}

#[tokio::test]
async fn who_says_nothing_gives_way_and_who_has_shown_a_key_does_not() {
    let limits = HttpLimits { connections_max: 3, stranger_ms: 300, ..HttpLimits::default() };
    let running = start(world(), limits).await;
    let request = format!("GET {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", at(""), world().key(MERCHANT, Role::Agent));
    let mut known = TcpStream::connect(running.address).await.unwrap();
    known.write_all(request.as_bytes()).await.unwrap();
    answer(&mut known).await;
    let began = Instant::now();
    let mut first = TcpStream::connect(running.address).await.unwrap();
    let _second = TcpStream::connect(running.address).await.unwrap();
    let mut late = TcpStream::connect(running.address).await.unwrap();
    late.write_all(request.as_bytes()).await.unwrap();
    answer(&mut late).await;
    // It waited until the oldest stranger had had its time, and no longer.
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(rest(&mut first).await, b"");
    known.write_all(request.as_bytes()).await.unwrap();
    answer(&mut known).await;
}

#[tokio::test]
async fn draining_finishes_what_is_under_way_and_takes_nothing_new() {
    let own = open(tempfile::tempdir().unwrap());
    let running = start(&own, HttpLimits::default()).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let mut busy = TcpStream::connect(running.address).await.unwrap();
    let request = post(&own, &event(EventType::AftersaleRequested).to_string());
    let (begun, left) = request.split_at(request.len() - 10);
    busy.write_all(begun.as_bytes()).await.unwrap();
    busy_with(&own, 2, 1).await;
    assert!(own.service.readiness().ready);
    running.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, b"");
    assert!(!own.service.readiness().ready);
    assert!(TcpStream::connect(running.address).await.is_err());
    busy.write_all(left.as_bytes()).await.unwrap();
    let (head, body) = answer(&mut busy).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && body.contains("decisions"), "{head}{body}");
    assert_eq!(running.ended.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn draining_ends_at_its_deadline() {
    let own = open(tempfile::tempdir().unwrap());
    let running = start(&own, HttpLimits { drain_ms: 200, ..HttpLimits::default() }).await;
    let mut stuck = TcpStream::connect(running.address).await.unwrap();
    stuck.write_all(post(&own, "{}").replace("content-length: 2", "content-length: 3").as_bytes()).await.unwrap();
    busy_with(&own, 1, 1).await;
    let began = Instant::now();
    running.stop.send(()).unwrap();
    assert_eq!(running.ended.await.unwrap(), Drained { cut: 1 });
    assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < Duration::from_secs(3));
    assert_eq!(rest(&mut stuck).await, b"");
}
