//! The real server as a process: killed at any moment it loses nothing that it answered; asked to stop it finishes what is
//! under way; one process holds a data directory.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ombud_tests::client::{Call, agent};
use ombud_tests::events::event;
use ombud_tests::ledger;
use ombud_tests::process::{Process, command, demo_keys};
use serde_json::Value;

/// The merchants of `serve --demo`.
const MERCHANTS: [&str; 3] = ["m-cosmetics", "m-fresh", "m-electronics"];
/// What is posted: every kind, one event with two decisions, one with none.
const TYPES: [&str; 6] =
    ["aftersale.requested", "delay.detected", "logistics.updated", "reply.drafted", "blacklist.requested", "order.paid"];
/// Clients at the same time.
const CLIENTS: usize = 6;

/// How often the server is killed; `OMBUD_CRASH_ROUNDS` raises it.
fn rounds() -> usize {
    std::env::var("OMBUD_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10)
}

/// An event that was answered, with the bytes of its decisions.
struct Answered {
    merchant: &'static str,
    event: Value,
    decisions: Vec<String>,
}

fn key(keys: &Value, merchant: &str, role: &str) -> String {
    keys["merchants"][merchant][role].as_str().expect("a key of the demonstration").to_owned()
}

fn post(server: &Process, agent: &ureq::Agent, keys: &Value, merchant: &str, event: &Value) -> Call {
    server.call(agent, "POST", &format!("/v1/merchants/{merchant}/events")).key(&key(keys, merchant, "agent")).event(event)
}

/// Posts events until told to stop, or until the server is gone; what was answered comes back.
fn client(server: &Process, keys: &Value, own: &str, stop: &AtomicBool, count: &AtomicUsize) -> Vec<Answered> {
    let agent = agent();
    let mut answered = Vec::new();
    for at in 0.. {
        let merchant = MERCHANTS[at % MERCHANTS.len()];
        let event = event(TYPES[at % TYPES.len()], &format!("{own}-{at}"));
        let Ok(reply) = post(server, &agent, keys, merchant, &event).try_send() else { return answered };
        // A full write queue is an answer as well, and leaves nothing behind.
        if reply.status == 200 {
            answered.push(Answered { merchant, event, decisions: reply.decisions() });
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            assert!(matches!(reply.status, 429 | 503), "{}", reply.text());
        }
        if stop.load(Ordering::Relaxed) {
            return answered;
        }
    }
    answered
}

/// Holds every answer against the store: the decision as it is read, and the event posted again.
fn verify(server: &Process, keys: &Value, answers: &[Answered]) {
    std::thread::scope(|scope| {
        for share in answers.chunks(answers.len().div_ceil(4).max(1)) {
            scope.spawn(move || {
                let agent = agent();
                for Answered { merchant, event, decisions } in share {
                    for decision in decisions {
                        let id = serde_json::from_str::<Value>(decision).unwrap()["id"].as_str().unwrap().to_owned();
                        let path = format!("/v1/merchants/{merchant}/decisions/{id}");
                        let read = server.call(&agent, "GET", &path).key(&key(keys, merchant, "auditor")).send();
                        assert_eq!(read.status, 200, "{} is lost: {}", event["id"], read.text());
                        assert!(read.text().starts_with(decision.strip_suffix('}').unwrap()), "{decision}\n{}", read.text());
                    }
                    let again = post(server, &agent, keys, merchant, event).send();
                    assert_eq!(again.ok()["duplicate"], true, "{} is lost", event["id"]);
                    assert_eq!(&again.decisions(), decisions);
                }
            });
        }
    });
}

/// What must hold of the database after every crash, whatever was answered.
fn consistent(data: &Path) {
    let number = |query: &str| ledger::count(data, query);
    for merchant in MERCHANTS {
        ledger::gap_free(data, merchant);
    }
    // All records of an event, or none; no record without its bytes; no bytes without an entry.
    assert_eq!(number("SELECT coalesce(sum(records), 0) FROM events"), number("SELECT count(*) FROM entries WHERE entry <> 'act'"));
    assert_eq!(number("SELECT count(*) FROM entries"), number("SELECT count(*) FROM records"));
    assert_eq!(number("SELECT count(*) FROM entries e LEFT JOIN records r USING (record_no) WHERE r.record_no IS NULL"), 0);
    // Money is counted with the record that pays it.
    assert_eq!(
        number("SELECT coalesce(sum(refund), 0) * 1000003 + coalesce(sum(goodwill), 0) FROM counted"),
        number("SELECT coalesce(sum(refund), 0) * 1000003 + coalesce(sum(goodwill), 0) FROM day_totals")
    );
    assert_eq!(number("SELECT count(*) FROM intents i LEFT JOIN entries e USING (merchant_no, seq) WHERE e.seq IS NULL"), 0);
    assert_eq!(number("SELECT count(*) FROM counted c LEFT JOIN entries e USING (merchant_no, seq) WHERE e.seq IS NULL"), 0);
}

#[test]
fn a_killed_server_keeps_every_answer() {
    let data = tempfile::tempdir().unwrap();
    let mut all: Vec<Answered> = Vec::new();
    let began = Instant::now();
    let mut server = Process::serve(data.path());
    let keys = demo_keys(data.path());
    for round in 0..rounds() {
        let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        // Anywhere in the life of a loaded server: from its first answers on.
        let moment = Duration::from_micros(u64::from(std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), round) as u16) * 5);
        let (answered, restarted) = std::thread::scope(|scope| {
            let (running, keys, stop, count) = (&server, &keys, &stop, &count);
            let clients: Vec<_> =
                (0..CLIENTS).map(|at| scope.spawn(move || client(running, keys, &format!("r{round}-c{at}"), stop, count))).collect();
            while count.load(Ordering::Relaxed) < CLIENTS {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(moment);
            running.kill();
            let answered: Vec<Answered> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
            (answered, Process::serve(data.path()))
        });
        server = restarted;
        assert_eq!(demo_keys(data.path()), keys, "the keys outlive the crash");
        consistent(data.path());
        verify(&server, &keys, &answered);
        all.extend(answered);
    }
    // No later crash took an earlier answer either, and every decision still replays.
    verify(&server, &keys, &all);
    let mut by_type: BTreeMap<&str, &Answered> = BTreeMap::new();
    for answer in &all {
        by_type.insert(answer.event["type"].as_str().unwrap(), answer);
    }
    let agent = agent();
    for Answered { merchant, decisions, .. } in by_type.values() {
        for decision in decisions {
            let id = serde_json::from_str::<Value>(decision).unwrap()["id"].as_str().unwrap().to_owned();
            let path = format!("/v1/merchants/{merchant}/decisions/{id}/replay");
            let report = server.call(&agent, "POST", &path).key(&key(&keys, merchant, "auditor")).send().ok();
            assert_eq!(report["identical"], true, "{report}");
        }
    }
    println!("{} kills, {} answers, {:?}", rounds(), all.len(), began.elapsed());
}

#[test]
fn a_second_server_on_the_directory_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path());
    let second = command(data.path()).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains("in use") && said.contains(&data.path().display().to_string()), "{said}");
    assert_eq!(server.call(&agent(), "GET", "/healthz").send().status, 200);
    // Nothing of the first one is left when it is gone, however it went.
    server.kill();
    let third = Process::serve(data.path());
    assert_eq!(third.call(&agent(), "GET", "/readyz").send().status, 200);
}

#[test]
fn asked_to_stop_the_server_answers_what_is_under_way() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path());
    let keys = demo_keys(data.path());
    let merchant = MERCHANTS[0];
    // Under load, and one request whose body is only half there.
    let slow = event("aftersale.requested", "slow");
    let body = slow.to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        stream,
        "POST /v1/merchants/{merchant}/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\
         content-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n{first}",
        key(&keys, merchant, "agent"),
        body.len()
    )
    .unwrap();
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let answered: Vec<Answered> = std::thread::scope(|scope| {
        let (running, keys, stop, count) = (&server, &keys, &stop, &count);
        let clients: Vec<_> = (0..3).map(|at| scope.spawn(move || client(running, keys, &format!("d-{at}"), stop, count))).collect();
        while count.load(Ordering::Relaxed) < 6 {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.terminate();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    // The listener is closed now: nobody new is taken, and who is under way goes on.
    assert!(TcpStream::connect(&server.address).is_err());
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    assert!(server.ended(Duration::from_secs(30)).success());
    let again = Process::serve(data.path());
    consistent(data.path());
    verify(&again, &keys, &answered);
    let known = post(&again, &agent(), &keys, merchant, &slow).send();
    assert_eq!(known.ok()["duplicate"], true);
    assert!(answer.contains(known.decisions()[0].as_str()), "{answer}");
}
