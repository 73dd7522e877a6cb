//! How long one record takes to be sealed and its header to be written: `cargo run --release -p ombud-ledger --example seal_speed`.

use std::time::Instant;

use ombud_core::ids::{Currency, DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::keys::DataKey;
use ombud_ledger::{
    Amounts, BodyKind, Call, Caps, DecisionEntry, Digest, Engine, Entry, EventEntry, Header, PolicyCall, id, leaf_hash, seal,
};

/// Bytes of event, case, ruling, review and decision of a usual after-sale decision.
const BODIES: [(BodyKind, usize); 5] =
    [(BodyKind::Event, 2900), (BodyKind::Case, 3300), (BodyKind::Ruling, 1300), (BodyKind::Review, 20), (BodyKind::Decision, 3200)];
const RECORDS: u32 = 50_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let merchant = MerchantId::new("m_001")?;
    let key = DataKey::generate();
    let event = EventKey::new("/helpdesk", "dy-7000893114000949000-6-1793988000")?;
    let decision = DecisionId::derive(&merchant, &event, Kind::AfterSale);
    let bytes: Vec<Vec<u8>> = BODIES.iter().map(|(_, size)| vec![b'x'; *size]).collect();
    let bodies: Vec<(BodyKind, &[u8])> = BODIES.iter().zip(&bytes).map(|((kind, _), bytes)| (*kind, bytes.as_slice())).collect();

    let start = Instant::now();
    let mut sealed = Vec::new();
    let mut detached = None;
    for _ in 0..RECORDS {
        sealed.clear();
        detached = Some(seal::seal(&key, &merchant, seal::Of::Decision(&decision, Kind::AfterSale), &bodies, &mut sealed)?);
    }
    report("seal five bodies", start, sealed.len());

    let digest = Digest::of(b"x");
    let call = Call { component: digest, settings: digest, fuel: 123_456 };
    let mut header = Header {
        merchant: merchant.clone(),
        seq: 0,
        received_at_ms: 1_793_930_400_000,
        trace_id: None,
        detached,
        entry: Entry::Decision(Box::new(DecisionEntry {
            event: EventEntry {
                key: id::event_key(&merchant, &event),
                event_type: "aftersale.requested".into(),
                time_ms: 1_793_930_400_000,
            },
            id: decision,
            kind: Kind::AfterSale,
            policy: Some(PolicyCall { name: "returns".into(), version: "1.4.2".into(), contract: "ombud:policy@1.0.0".into(), call }),
            guardrail: Some(call),
            beside: None,
            engine: Engine { profile: digest, wasmtime: "48.0.8".into() },
            fault: None,
            outcome: "approve-return-refund".into(),
            amounts: Amounts { refund: 19_900, cash: 0, coupon: 0, currency: Currency::default() },
            caps: Caps::default(),
        })),
    };
    let start = Instant::now();
    let mut leaf = Vec::new();
    for seq in 0..RECORDS {
        header.seq = u64::from(seq);
        leaf = header.encode()?;
        std::hint::black_box(leaf_hash(&leaf));
    }
    report("write and hash the header", start, leaf.len());

    let canonical = include_bytes!("event.json");
    let digest_key = key.digest_key();
    let start = Instant::now();
    for _ in 0..RECORDS {
        std::hint::black_box(id::body_digest(&digest_key, std::hint::black_box(canonical)));
    }
    report("digest of the body", start, include_str!("event.json").len());
    Ok(())
}

fn report(what: &str, start: Instant, bytes: usize) {
    println!("{what}: {:.2} µs, {bytes} bytes", start.elapsed().as_secs_f64() * 1e6 / f64::from(RECORDS));
}
