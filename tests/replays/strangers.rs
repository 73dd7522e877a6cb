//! Records of strangers, as a bundle has them: replaying them ends, whatever they say and carry.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ombud::replay::{Bodies as Opened, Record, Replayer};
use ombud_ledger::bundle::{self, Step, Trust, Verifier};
use ombud_ledger::{Entry, Header};
use ombud_sandbox::Sandbox;
use serde_json::Value;

use super::*;

/// Bodies with their kinds.
type OpenBodies = Vec<(BodyKind, Vec<u8>)>;

/// What a bundle with decisions of every kind carries.
#[derive(Default)]
struct Carried {
    blobs: HashMap<Digest, Vec<u8>>,
    decisions: Vec<(Header, OpenBodies)>,
}

fn carried() -> Carried {
    let server = Server::start(tempfile::tempdir().unwrap(), &guests::root().join("policies"));
    let merchant = server.merchant(json!({}));
    merchant.decide(&refund("small", "customer", 2_000));
    merchant.decide(&refund("large", "customer", 900_000));
    merchant.decide(&event("delay.detected", "late"));
    merchant.decide(&event("blacklist.requested", "listed"));
    merchant.decide(&event("reply.drafted", "drafted"));
    let bundle = merchant.call(Role::Auditor, "GET", "/ledger/export").send().bytes;
    let keys = std::fs::read_to_string(server.data.join("ledger.vkey")).unwrap().parse().unwrap();
    let mut verifier = Verifier::open(bundle.as_slice(), Trust { keys: &keys, kept: None, witnesses: &[] }).unwrap();
    let mut carried = Carried::default();
    while let Some(step) = verifier.step() {
        match step {
            Step::Blob(digest, bytes) => _ = carried.blobs.insert(digest, bytes),
            Step::NoBlob(digest) => panic!("{digest} is missing"),
            Step::Record(record) => {
                let opened = record.open(verifier.manifest()).unwrap();
                if let (Entry::Decision(_), bundle::Bodies::Opened(bodies)) = (&opened.header.entry, opened.bodies) {
                    carried.decisions.push((opened.header, bodies));
                }
            }
        }
    }
    assert_eq!(carried.decisions.len(), 5);
    carried
}

/// Every number of a document, by its pointer.
fn numbers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(pointer.to_owned()),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| numbers(item, &format!("{pointer}/{at}"), found)),
        Value::Object(members) => members.iter().for_each(|(name, item)| numbers(item, &format!("{pointer}/{name}"), found)),
        _ => {}
    }
}

#[test]
fn replaying_extreme_numbers_ends_and_panics_nowhere() {
    let Carried { blobs, decisions } = carried();
    let replayer = Replayer::new(Arc::new(Sandbox::new().unwrap()));
    let (mut found, mut compared) = (Vec::new(), 0);
    for (header, bodies) in &decisions {
        for (at, (kind, body)) in bodies.iter().enumerate() {
            let whole: Value = serde_json::from_slice(body).unwrap();
            let mut places = Vec::new();
            numbers(&whole, "", &mut places);
            for (place, extreme) in
                places.iter().flat_map(|place| [json!(i64::MAX), json!(i64::MIN), json!(u32::MAX)].map(|of| (place, of)))
            {
                let mut changed = whole.clone();
                *changed.pointer_mut(place).unwrap() = extreme.clone();
                let mut bodies = bodies.clone();
                bodies[at].1 = changed.to_string().into_bytes();
                let record = Record { header: header.clone(), bodies: Opened::Opened(bodies) };
                let began = Instant::now();
                match catch_unwind(AssertUnwindSafe(|| replayer.replay(&record, &blobs).unwrap().unwrap())) {
                    Ok(report) => compared += usize::from(report.divergence != Some(Divergence::RecordDamaged)),
                    Err(_) => found.push(format!("{} {place} {extreme} panics", kind.as_str())),
                }
                if began.elapsed() > Duration::from_secs(10) {
                    found.push(format!("{} {place} {extreme} takes {:?}", kind.as_str(), began.elapsed()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(compared > 200, "{compared}");
}

#[test]
fn a_component_of_strangers_is_looked_at_before_it_is_read() {
    let Carried { blobs, decisions } = carried();
    let (header, bodies) = decisions.into_iter().next().unwrap();
    let record = Record { header, bodies: Opened::Opened(bodies) };
    let looks = Arc::new(AtomicUsize::new(0));
    let replayed = |refuses: bool| {
        let looks = Arc::clone(&looks);
        let look = move |_: &[u8]| {
            looks.fetch_add(1, Ordering::Relaxed);
            if refuses { Err("it is made of too many parts".to_owned()) } else { Ok(()) }
        };
        let replayer = Replayer::of_strangers(Arc::new(Sandbox::new().unwrap()), Box::new(look));
        let first = replayer.replay(&record, &blobs).unwrap().unwrap();
        assert_eq!(replayer.replay(&record, &blobs).unwrap().unwrap(), first);
        first
    };
    assert!(replayed(false).identical);
    assert_eq!(looks.swap(0, Ordering::Relaxed), 2, "policy and guardrail, once each");
    let refused = replayed(true);
    assert_eq!(refused.divergence, Some(Divergence::ComponentMissing));
    assert!(refused.detail.unwrap().ends_with("does not load: it is made of too many parts"));
    assert_eq!(looks.load(Ordering::Relaxed), 1, "what is refused is not looked at again");
}
