//! The formats as they are documented, byte for byte: `example.hex` and `masked.hex` were made as documented by an implementation that
//! shares no code with this one. What is read of them is what they say, and what is written is the same bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use ombud_core::fault::{FaultCode, FaultOf};
use ombud_core::ids::{Currency, DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::bundle::{Bodies, Growth, Key, Manifest, Step, Trust, Verifier, Window, Writer};
use ombud_ledger::keys::{DataKey, MasterKey, Subject};
use ombud_ledger::log::key::Algorithm;
use ombud_ledger::log::{KeyName, RangeProof, SigningKey, VerifierKey, VerifierKeys};
use ombud_ledger::{
    ActEntry, Amounts, BesideCall, BodyKind, Call, Caps, DecisionEntry, Digest, Engine, Entry, EventEntry, Fault, Header, PolicyCall,
    Windows, id, leaf_hash,
};

const EXAMPLE: &str = include_str!("example.hex");
const MASKED: &str = include_str!("masked.hex");
const OPERATOR_KEY: &str = "ombud.example.com+fab10ec5+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
const WITNESS_KEY: &str = "witness.test/w1+f1b6f23f+BBOY9ixtGkV8UbpqS189vS9p/KkyFiGNyJl+QWvRfZPK";
const BEGAN_MS: i64 = 1_790_000_000_000;
const COMPONENT: &[u8] = b"\0asm, a component";
const SETTINGS: &[u8] = b"{}";
const GUARDRAIL_SETTINGS: &[u8] = b"{\"strict\":true}";

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The bytes of an annotated file.
fn bytes(text: &str) -> Vec<u8> {
    hex(&text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).collect::<String>())
}

/// What the annotations say that the bodies of each record open to.
fn told_bodies(text: &str) -> Vec<Vec<(String, String)>> {
    let mut records: Vec<Vec<(String, String)>> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.ends_with("Bodies:") {
            records.push(Vec::new());
            inside = true;
        } else if let Some(more) = line.strip_prefix("#     ").filter(|_| inside) {
            records.last_mut().unwrap().last_mut().unwrap().1.push_str(more);
        } else if let Some(body) = line.strip_prefix("#   ").filter(|_| inside) {
            let (head, body) = body.split_once(": ").unwrap();
            records.last_mut().unwrap().push((head.to_owned(), body.to_owned()));
        } else {
            inside = false;
        }
    }
    records
}

fn merchant() -> MerchantId {
    MerchantId::new("m-1").unwrap()
}

fn event(id: &str) -> EventKey {
    EventKey::new("/helpdesk", id).unwrap()
}

fn operator() -> SigningKey {
    SigningKey::from_seed(KeyName::new("ombud.example.com").unwrap(), Algorithm::Note, &[7; 32])
}

/// The records of a bundle, which is found sound, and the notes of its witnesses.
fn records(bundle: &[u8], kept: Option<&str>) -> Vec<ombud_ledger::bundle::Record> {
    let keys: VerifierKeys = OPERATOR_KEY.parse().unwrap();
    let witness: VerifierKey = WITNESS_KEY.parse().unwrap();
    let mut verifier = Verifier::open(bundle, Trust { keys: &keys, kept, witnesses: &[witness] }).unwrap();
    let mut records = Vec::new();
    while let Some(step) = verifier.step() {
        if let Step::Record(record) = step {
            assert!(record.open(verifier.manifest()).is_ok());
            records.push(record);
        }
    }
    let verified = verifier.finish();
    assert_eq!(verified.problems.count(), 0, "{:?}", verified.problems);
    records
}

fn call(settings: &[u8], fuel: u64) -> Call {
    Call { component: Digest::of(COMPONENT), settings: Digest::of(settings), fuel }
}

fn windows(amounts: [i64; 6]) -> Windows {
    let [order_refund, order_goodwill, customer_24h_refund, customer_24h_goodwill, merchant_day_refund, merchant_day_goodwill] = amounts;
    Windows { order_refund, order_goodwill, customer_24h_refund, customer_24h_goodwill, merchant_day_refund, merchant_day_goodwill }
}

/// What the records of the example say, but for the commitments to their bodies.
fn entries() -> [(Option<[u8; 16]>, Entry); 6] {
    let event_entry = |id: &str, event_type: &str, after_ms: i64| EventEntry {
        key: id::event_key(&merchant(), &event(id)),
        event_type: event_type.into(),
        time_ms: BEGAN_MS + after_ms,
    };
    let policy = |name: &str, version: &str, contract: &str, call| PolicyCall {
        name: name.into(),
        version: version.into(),
        contract: contract.into(),
        call,
    };
    let engine = || Engine { profile: Digest([1; 32]), wasmtime: "48.0.0".into() };
    let limits = windows([100_000, 10_000, 200_000, 20_000, 5_000_000, 500_000]);
    let amounts = |refund, cash, coupon| Amounts { refund, cash, coupon, currency: Currency::new("CNY").unwrap() };
    let delay = DecisionEntry {
        event: event_entry("e-1", "delay.detected", 1_000),
        id: DecisionId::derive(&merchant(), &event("e-1"), Kind::Delay),
        kind: Kind::Delay,
        policy: Some(policy("delay", "1.0.0", "ombud:policy@1.0.0", call(SETTINGS, 1_001))),
        guardrail: Some(call(GUARDRAIL_SETTINGS, 502)),
        beside: None,
        engine: engine(),
        fault: None,
        outcome: "grant".into(),
        amounts: amounts(0, 2_000, 0),
        caps: Caps { used: windows([0, 1, 2, 3, 4, 5]), limits, breaches: vec![] },
    };
    let after_sale = DecisionEntry {
        event: event_entry("e-2", "aftersale.requested", 2_000),
        id: DecisionId::derive(&merchant(), &event("e-2"), Kind::AfterSale),
        kind: Kind::AfterSale,
        policy: Some(policy("after-sale", "1.1.0", "ombud:policy@1.1.0", call(SETTINGS, 70_000))),
        guardrail: Some(call(GUARDRAIL_SETTINGS, 5_000_000_000)),
        beside: Some(BesideCall {
            policy: policy("after-sale", "1.0.0", "ombud:policy@1.0.0", call(SETTINGS, 255)),
            guardrail: Some(call(GUARDRAIL_SETTINGS, 256)),
        }),
        engine: engine(),
        fault: Some(Fault { of: FaultOf::Guardrail, code: FaultCode::Fuel, limit: Some("fuel".into()) }),
        outcome: "human-review".into(),
        amounts: amounts(19_900, 0, -1),
        caps: Caps { used: Windows::default(), limits, breaches: vec!["CAP-11".into(), "CAP-21".into()] },
    };
    let act = |id, act: &str, actor: &str| Entry::Act(ActEntry { id, act: act.into(), actor: actor.into() });
    [
        (None, Entry::Event(event_entry("e-0", "order.paid", 0))),
        (Some(std::array::from_fn(|at| 0xa0 + at as u8)), Entry::Decision(Box::new(delay))),
        (Some(std::array::from_fn(|at| 0xb0 + at as u8)), Entry::Decision(Box::new(after_sale))),
        (None, act(std::array::from_fn(|at| 0xd0 + at as u8), "erasure", "supervisor")),
        (None, act([0xe4; 16], "audit.viewed", "auditor")),
        (None, act([0xe5; 16], "audit.viewed", "auditor")),
    ]
}

#[test]
fn headers_are_as_documented() {
    for (record, (trace_id, entry)) in records(&bytes(EXAMPLE), None).into_iter().zip(entries()) {
        let read = Header::decode(&record.header).unwrap();
        let received_at_ms = BEGAN_MS + i64::try_from(record.seq).unwrap() * 1_000 + 500;
        let expected = Header { merchant: merchant(), seq: record.seq, entry, received_at_ms, trace_id, detached: read.detached.clone() };
        assert_eq!(read, expected);
        assert_eq!(expected.encode().unwrap(), record.header, "record {}", record.seq);
        assert_eq!(leaf_hash(&record.header), record.leaf);
    }
}

#[test]
fn sealed_bodies_open_as_documented() {
    let told = told_bodies(EXAMPLE);
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [1, 5, 3, 1]);
    for ((record, told), key) in records(&bytes(EXAMPLE), None).into_iter().zip(told).zip([0x11, 0x12, 0x13, 0x14]) {
        // The third one's key is erased in the bundle, and named above it.
        let key = DataKey::from_bytes([key; 32]);
        let opened = Header::decode(&record.header).unwrap().open(Some(&key), &record.sealed).unwrap();
        let opened = opened.into_iter().map(|(kind, body)| (format!("{} {}", kind as u8, kind.as_str()), String::from_utf8(body).unwrap()));
        assert_eq!(opened.collect::<Vec<_>>(), told);
    }
    assert_eq!(BodyKind::ALL.map(|kind| kind as u8), [1, 2, 3, 4, 5, 6, 7]);
}

/// The note of the first checkpoint of this size.
fn note(text: &str, size: u64) -> String {
    let origin = b"ombud.example.com/m-1\n";
    let bytes = bytes(text);
    let begins = [&origin[..], format!("{size}\n").as_bytes()].concat();
    let at = bytes.windows(begins.len()).position(|window| window == begins).unwrap();
    // Each has one signature of the log; a witness's may follow.
    let lines = if size == 5 { 6 } else { 5 };
    bytes[at..].split_inclusive(|byte| *byte == b'\n').take(lines).map(|line| std::str::from_utf8(line).unwrap()).collect()
}

fn manifest(window: [Option<i64>; 2], records: std::ops::Range<u64>, masked: bool) -> Manifest {
    Manifest {
        format: 2,
        origin: KeyName::new("ombud.example.com/m-1").unwrap(),
        merchant: merchant(),
        window: Window { from_ms: window[0], to_ms: window[1] },
        records,
        tree_size: 6,
        masked,
        made_at_ms: BEGAN_MS + 86_400_000,
        made_by: "an example".into(),
    }
}

#[test]
fn a_bundle_is_written_as_documented() {
    let rows = records(&bytes(EXAMPLE), None);
    let leaves: Vec<Digest> = rows.iter().map(|row| row.leaf).collect();
    let node = ombud_ledger::log::node_hash;
    let mut writer = Writer::begin(Vec::new(), &manifest([None; 2], 0..6, false), &note(EXAMPLE, 6), &RangeProof::default()).unwrap();
    let proof = vec![leaves[1], node(&leaves[2], &leaves[3]), node(&leaves[4], &leaves[5])];
    writer.growth(&Growth { old_size: 1, proof, checkpoint: None }).unwrap();
    let keys = [Key::Data(DataKey::from_bytes([0x11; 32])), Key::Data(DataKey::from_bytes([0x12; 32])), Key::Erased].into_iter();
    let keys = keys.chain([Key::Data(DataKey::from_bytes([0x14; 32])), Key::None, Key::None]);
    for (row, key) in rows.iter().zip(keys) {
        assert_eq!(row.key, key, "record {}", row.seq);
        if row.seq == 1 {
            for blob in [COMPONENT, SETTINGS, GUARDRAIL_SETTINGS] {
                writer.blob(&Digest::of(blob), Some(blob)).unwrap();
            }
        }
        writer.record(row.seq, &row.leaf, &row.header, &row.sealed, &key).unwrap();
        if row.seq == 1 {
            writer.checkpoint(&note(EXAMPLE, 2)).unwrap();
        }
    }
    let signing = operator().of_merchant(&merchant());
    assert_eq!((operator().verifier().to_string().as_str(), signing.verifier().id()), (OPERATOR_KEY, 0x6fcf_aa42));
    assert!(writer.finish(&[signing]).unwrap() == bytes(EXAMPLE), "other bytes are written");
}

#[test]
fn a_masked_bundle_of_a_window_is_written_as_documented() {
    let rows = records(&bytes(EXAMPLE), None);
    let leaves: Vec<Digest> = rows.iter().map(|row| row.leaf).collect();
    let node = ombud_ledger::log::node_hash;
    let claims = manifest([Some(BEGAN_MS + 2_000), Some(BEGAN_MS + 3_000)], 2..3, true);
    let range = RangeProof { left: vec![leaves[0]], right: vec![node(&leaves[4], &leaves[5])] };
    let mut writer = Writer::begin(Vec::new(), &claims, &note(MASKED, 6), &range).unwrap();
    let first_four = node(&node(&leaves[0], &leaves[1]), &node(&leaves[2], &leaves[3]));
    let checkpoint = note(MASKED, 5);
    writer.growth(&Growth { old_size: 5, proof: vec![leaves[4], leaves[5], first_four], checkpoint: Some(checkpoint.clone()) }).unwrap();
    writer.neighbour(1, &leaves[1], &rows[1].header).unwrap();
    writer.checkpoint(&note(EXAMPLE, 2)).unwrap();
    writer.record(2, &leaves[2], &rows[2].header, &rows[2].sealed, &Key::Masked).unwrap();
    writer.neighbour(3, &leaves[3], &rows[3].header).unwrap();
    assert!(writer.finish(&[operator().of_merchant(&merchant())]).unwrap() == bytes(MASKED), "other bytes are written");

    // It is sound, and what the witness signed leads to the head.
    let masked = records(&bytes(MASKED), Some(&checkpoint));
    assert_eq!(masked.iter().map(|record| (record.seq, &record.key)).collect::<Vec<_>>(), [(2, &Key::Masked)]);
    assert_eq!(masked[0].open(&claims).unwrap().bodies, Bodies::Masked);
    let witness: VerifierKey = WITNESS_KEY.parse().unwrap();
    let cosigned = ombud_ledger::log::Note::parse(&checkpoint).unwrap();
    let cosigned = ombud_ledger::log::cosignature::of_note(&cosigned, &[witness]);
    assert_eq!(cosigned.iter().map(|seen| seen.time_s).collect::<Vec<_>>(), [1_790_000_006]);
}

#[test]
fn items_that_stand_in_no_example_are_as_documented() {
    let begin = || Writer::begin(Vec::new(), &manifest([None; 2], 0..6, false), "", &RangeProof::default()).unwrap();
    let none = begin().finish(&[]).unwrap().len();
    let item = |write: fn(&mut Writer<Vec<u8>>), expected: &str| {
        let mut writer = begin();
        write(&mut writer);
        let written = writer.finish(&[]).unwrap();
        let expected = hex(expected);
        let found = written.windows(expected.len()).any(|window| window == expected);
        assert!(found && written.len() == none + expected.len(), "{written:02x?}");
    };
    // 24(h'…') around [7, "x"].
    item(|writer| writer.trouble("x").unwrap(), "d8184482076178");
    // Around [4, 32 bytes, null].
    let blob = format!("d818582583045820{}f6", "05".repeat(32));
    item(|writer| writer.blob(&Digest([5; 32]), None).unwrap(), &blob);
    // Around [5, 7, 32 bytes, 1 byte, 2 bytes, 2].
    let record = format!("d818582b8605075820{}410142020302", "06".repeat(32));
    item(|writer| writer.record(7, &Digest([6; 32]), &[1], &[2, 3], &Key::Missing).unwrap(), &record);
}

#[test]
fn digests_and_ids_are_as_documented() {
    let key = "9b9c09f2b08cee83751ac2c13fda5d0fd6a74c70884ad2dc43ed0b537a534c38";
    assert_eq!(id::event_key(&merchant(), &event("e-1")).to_string(), key);
    assert_eq!(DecisionId::derive(&merchant(), &event("e-1"), Kind::Delay).as_str(), "86eaac2c60b441c552ac9022180b1daa");
    let keyed = DataKey::from_bytes([0x14; 32]).digest_key();
    assert_eq!(id::body_digest(&keyed, b"{}").to_string(), "ef6110a111c58b7f7cb5af2c1a2ecd4817dc4a43ed4cb82de1fb86022ded4a2c");
    assert_eq!(id::erased_mark(&keyed, "c-1"), "3120eaf71c58ccf4255cfd4bca87c38e");
    let rollout = "f17ac32e19ed2fd78bd948586b74d0fba50d6a2872f5f0a16bfcc0bf430ad27e";
    assert_eq!(id::rollout_digest(&keyed, "delay", "1.0.0", "c-1").to_string(), rollout);
}

#[test]
fn wrapped_keys_open_as_documented() {
    let master = MasterKey::from_bytes([0x31; 32]);
    assert_eq!(master.id(), "34307e56869f3b15");
    let wrapped = "34307e56869f3b154141414141414141414141414141414141414141414141411d8e17686dce5b5707b2e4bcc4a980cb4bc388f025f44256de89c1e9005ade813a40f1\
                   03fe39e738ab371aed24c0cf0b";
    let opened = master.unwrap(&hex(wrapped), &merchant(), Subject::Customer("c-1")).unwrap();
    assert_eq!(opened.bytes(), &[0x12; 32]);
    let between = "424242424242424242424242424242424242424242424242e09f23002accbf97649cba74cfd956a433e500aeba5adb2ddd32ec5c9d0cfe4c7260df824da565b75334e3\
                   6c99c6daa9";
    assert_eq!(master.unwrap_master(&hex(between)).unwrap().as_bytes(), &[0x32; 32]);
}
