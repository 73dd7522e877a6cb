//! The load generator: keep-alive connections that each send one request after the other, over plain sockets, the same for
//! every server under test.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is sent: a request with places for numbers that differ from request to request.
pub(super) struct Request {
    /// Text before, between and after the numbers; each number has [`DIGITS`] digits.
    parts: Vec<Vec<u8>>,
    next: AtomicU64,
}

/// Digits of an inserted number, so that the length never changes.
const DIGITS: usize = 12;
/// The mark in a template where a number goes.
pub(super) const MARK: &str = "@@@@@@@@@@@@";

/// What a load came to.
pub(super) struct Loaded {
    /// Answers per second.
    pub(super) per_second: f64,
    /// Time to the answer, sorted.
    pub(super) micros: Vec<u32>,
}

impl Loaded {
    /// The answers of one load or of several at the same rate.
    pub(super) fn of(mut micros: Vec<u32>, per_second: f64) -> Self {
        micros.sort_unstable();
        Self { per_second, micros }
    }

    /// The 99th percentile in microseconds.
    pub(super) fn p99(&self) -> f64 {
        self.quantile(990)
    }

    /// The time in microseconds below which this many of a thousand answers came.
    pub(super) fn quantile(&self, of_a_thousand: usize) -> f64 {
        let at = self.micros.len().saturating_sub(1) * of_a_thousand / 1000;
        self.micros.get(at).copied().map_or(0.0, f64::from)
    }
}

impl Request {
    /// A POST of `body` to `path`; each [`MARK`] becomes the request's own number.
    pub(super) fn post(path: &str, key: &str, body: &str) -> Self {
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { parts: text.split(MARK).map(|part| part.as_bytes().to_vec()).collect(), next: AtomicU64::new(1) }
    }

    fn write(&self, into: &mut Vec<u8>) {
        let number = format!("{:0width$}", self.next.fetch_add(1, Ordering::Relaxed), width = DIGITS);
        into.clear();
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                into.extend_from_slice(number.as_bytes());
            }
            into.extend_from_slice(part);
        }
    }
}

/// Sends from `connections` connections for `time`, as fast as answers come, or `rate` a second over all connections.
pub(super) async fn load(
    address: SocketAddr,
    requests: &[Arc<Request>],
    connections: usize,
    time: Duration,
    rate: Option<f64>,
) -> Result<Loaded> {
    let started = Instant::now();
    let mut tasks = Vec::with_capacity(connections);
    for at in 0..connections {
        let requests = requests.to_vec();
        let pause = rate.map(|rate| Duration::from_secs_f64(connections as f64 / rate));
        let offset = pause.map_or(Duration::ZERO, |pause| pause.mul_f64(at as f64 / connections as f64));
        tasks.push(tokio::spawn(connection(address, requests, at, started, time, pause, offset)));
    }
    let mut micros = Vec::new();
    for task in tasks {
        micros.extend(task.await??);
    }
    let per_second = micros.len() as f64 / started.elapsed().as_secs_f64();
    Ok(Loaded::of(micros, per_second))
}

async fn connection(
    address: SocketAddr,
    requests: Vec<Arc<Request>>,
    at: usize,
    started: Instant,
    time: Duration,
    pause: Option<Duration>,
    offset: Duration,
) -> Result<Vec<u32>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut out = Vec::with_capacity(8 << 10);
    let mut read = vec![0_u8; 64 << 10];
    let mut micros = Vec::with_capacity(1 << 16);
    let mut due = started + offset;
    let mut turn = at;
    while started.elapsed() < time {
        let began = match pause {
            // At a fixed rate the clock starts when the request was due: waiting in the sender counts as well.
            Some(pause) => {
                tokio::time::sleep_until(due.into()).await;
                let began = due;
                due += pause;
                began
            }
            None => Instant::now(),
        };
        let request = requests.get(turn % requests.len()).context("no request")?;
        turn += connections_step(&requests);
        request.write(&mut out);
        stream.write_all(&out).await?;
        answer(&mut stream, &mut read).await?;
        micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(micros)
}

/// Sends each request once over one connection; the microseconds of each.
pub(super) async fn one_by_one(address: SocketAddr, requests: &[Arc<Request>]) -> Result<Vec<u32>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut out, mut read) = (Vec::new(), vec![0_u8; 64 << 10]);
    let mut micros = Vec::with_capacity(requests.len());
    for request in requests {
        let began = Instant::now();
        request.write(&mut out);
        stream.write_all(&out).await?;
        answer(&mut stream, &mut read).await?;
        micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(micros)
}

/// Sends from `connections` connections for `time`, as fast as answers come, whatever they say; how many had each status.
pub(super) async fn blast(address: SocketAddr, request: &Arc<Request>, connections: usize, time: Duration) -> Result<HashMap<u16, usize>> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                let (mut out, mut read) = (Vec::new(), vec![0_u8; 64 << 10]);
                let mut seen: HashMap<u16, usize> = HashMap::new();
                while started.elapsed() < time {
                    request.write(&mut out);
                    stream.write_all(&out).await?;
                    let (status, _) = any_answer(&mut stream, &mut read).await?;
                    *seen.entry(status).or_default() += 1;
                }
                Ok::<_, anyhow::Error>(seen)
            })
        })
        .collect();
    let mut all: HashMap<u16, usize> = HashMap::new();
    for task in tasks {
        for (status, count) in task.await?? {
            *all.entry(status).or_default() += count;
        }
    }
    Ok(all)
}

/// Neighbouring connections walk over different requests.
const fn connections_step(requests: &[Arc<Request>]) -> usize {
    if requests.len() > 1 { 7 } else { 1 }
}

/// Bytes of the body that one request is answered with.
pub(super) async fn body_bytes(address: SocketAddr, request: &Request) -> Result<usize> {
    let mut stream = TcpStream::connect(address).await?;
    let mut out = Vec::new();
    request.write(&mut out);
    stream.write_all(&out).await?;
    answer(&mut stream, &mut vec![0_u8; 64 << 10]).await
}

/// Reads one answer and tells the size of its body; anything but 200 ends the load with what the server said.
async fn answer(stream: &mut TcpStream, read: &mut [u8]) -> Result<usize> {
    match any_answer(stream, read).await? {
        (200, length) => Ok(length),
        (status, _) => bail!("the server answered {status}: {}", String::from_utf8_lossy(read).trim_end_matches('\0')),
    }
}

/// Reads one answer and tells its status and the size of its body.
async fn any_answer(stream: &mut TcpStream, read: &mut [u8]) -> Result<(u16, usize)> {
    let mut have = 0;
    loop {
        let more = stream.read(read.get_mut(have..).context("an answer is larger than the buffer")?).await?;
        if more == 0 {
            bail!("the server closed the connection");
        }
        have += more;
        let seen = read.get(..have).unwrap_or_default();
        let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(seen.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|text| text.trim().parse().ok())
            .context("an answer without content-length")?;
        if have >= end + 4 + length {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer without a status")?;
            return Ok((status, length));
        }
    }
}
