//! Headers survive the round trip, and nothing else is read as a header.

use super::*;
use ombud_core::ids::MerchantId;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text(max: usize) -> impl Strategy<Value = String> {
    // Characters of one to four bytes, cut to the bound in bytes.
    vec(prop_oneof![Just('a'), Just('é'), Just('退'), Just('😀'), any::<char>()], 0..=max).prop_map(move |chars| {
        let mut text = String::new();
        for one in chars {
            if text.len() + one.len_utf8() <= max {
                text.push(one);
            }
        }
        text
    })
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn windows() -> impl Strategy<Value = Windows> {
    any::<[i64; 6]>().prop_map(|[a, b, c, d, e, f]| Windows {
        order_refund: a,
        order_goodwill: b,
        customer_24h_refund: c,
        customer_24h_goodwill: d,
        merchant_day_refund: e,
        merchant_day_goodwill: f,
    })
}

fn call() -> impl Strategy<Value = Call> {
    (digest(), digest(), any::<u64>()).prop_map(|(component, settings, fuel)| Call { component, settings, fuel })
}

fn event() -> impl Strategy<Value = EventEntry> {
    (digest(), text(256), any::<i64>()).prop_map(|(key, event_type, time_ms)| EventEntry { key, event_type, time_ms })
}

fn decision() -> impl Strategy<Value = Entry> {
    let policy =
        (text(256), text(256), text(64), call()).prop_map(|(name, version, contract, call)| PolicyCall { name, version, contract, call });
    let fault = (any::<bool>(), 0..FaultCode::ALL.len(), option::of(text(64))).prop_map(|(policy, code, limit)| Fault {
        of: if policy { FaultOf::Policy } else { FaultOf::Guardrail },
        code: FaultCode::ALL[code],
        limit,
    });
    let amounts = (any::<[i64; 3]>(), "[A-Z]{3}").prop_map(|([refund, cash, coupon], currency)| Amounts {
        refund,
        cash,
        coupon,
        currency: Currency::new(currency).unwrap(),
    });
    let caps = (windows(), windows(), vec(text(16), 0..=BREACHES_MAX)).prop_map(|(used, limits, breaches)| Caps { used, limits, breaches });
    let beside = (text(256), text(256), text(64), call(), option::of(call())).prop_map(|(name, version, contract, call, guardrail)| {
        BesideCall { policy: PolicyCall { name, version, contract, call }, guardrail }
    });
    let calls = (option::of(policy), option::of(call()), option::of(beside), digest(), text(64));
    (event(), "[0-9a-f]{32}", 0..Kind::ALL.len(), calls, option::of(fault), text(64), amounts, caps).prop_map(
        |(event, id, kind, (policy, guardrail, beside, profile, wasmtime), fault, outcome, amounts, caps)| {
            Entry::Decision(Box::new(DecisionEntry {
                event,
                id: DecisionId::new(id).unwrap(),
                kind: Kind::ALL[kind],
                policy,
                guardrail,
                beside,
                engine: Engine { profile, wasmtime },
                fault,
                outcome,
                amounts,
                caps,
            }))
        },
    )
}

fn header() -> impl Strategy<Value = Header> {
    let act = (any::<[u8; 16]>(), text(256), text(256)).prop_map(|(id, act, actor)| Entry::Act(ActEntry { id, act, actor }));
    let entry = prop_oneof![4 => decision(), 1 => event().prop_map(Entry::Event), 1 => act];
    let bodies = proptest::sample::subsequence(BodyKind::ALL.to_vec(), 0..=6).prop_flat_map(|kinds| {
        let commitments = vec((any::<u32>(), digest()), kinds.len());
        commitments.prop_map(move |commitments| {
            let of = |(kind, (len, plain)): (&BodyKind, _)| BodyCommitment { kind: *kind, len, plain };
            kinds.iter().zip(commitments).map(of).collect::<Vec<_>>()
        })
    });
    let detached =
        option::of((any::<u32>(), digest(), bodies).prop_map(|(sealed_len, sealed, bodies)| Detached { sealed_len, sealed, bodies }));
    ("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", any::<u64>(), entry, any::<i64>(), option::of(any::<[u8; 16]>()), detached).prop_map(
        |(merchant, seq, entry, received_at_ms, trace_id, detached)| Header {
            merchant: MerchantId::new(merchant).unwrap(),
            seq,
            entry,
            received_at_ms,
            trace_id,
            detached,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn headers_within_their_bounds_survive_the_round_trip(header in header()) {
        let bytes = header.encode().unwrap();
        prop_assert!(bytes.len() <= HEADER_BYTES_MAX);
        prop_assert_eq!(Header::decode(&bytes).unwrap(), header);
    }

    #[test]
    fn a_damaged_header_is_refused_or_another_header(header in header(), at in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let bytes = header.encode().unwrap();
        let mut damaged = bytes.clone();
        damaged[at.index(bytes.len())] ^= 1 << bit;
        if let Ok(read) = Header::decode(&damaged) {
            prop_assert_ne!(&read, &header);
            prop_assert_eq!(read.encode().unwrap(), damaged.clone());
        }
        prop_assert_ne!(crate::leaf_hash(&damaged), crate::leaf_hash(&bytes));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..600)) {
        _ = Header::decode(&bytes);
    }
}

/// Every field at its bound.
fn largest() -> Header {
    let text = |bytes: usize| "x".repeat(bytes);
    let digest = Digest([0xff; 32]);
    let call = Call { component: digest, settings: digest, fuel: u64::MAX };
    let windows = Windows {
        order_refund: i64::MIN,
        order_goodwill: i64::MIN,
        customer_24h_refund: i64::MIN,
        customer_24h_goodwill: i64::MIN,
        merchant_day_refund: i64::MIN,
        merchant_day_goodwill: i64::MIN,
    };
    Header {
        merchant: MerchantId::new(text(64)).unwrap(),
        seq: u64::MAX,
        received_at_ms: i64::MIN,
        trace_id: Some([0xff; 16]),
        detached: Some(Detached {
            sealed_len: u32::MAX,
            sealed: digest,
            bodies: BodyKind::ALL.iter().map(|kind| BodyCommitment { kind: *kind, len: u32::MAX, plain: digest }).collect(),
        }),
        entry: Entry::Decision(Box::new(DecisionEntry {
            event: EventEntry { key: digest, event_type: text(256), time_ms: i64::MIN },
            id: DecisionId::new("f".repeat(32)).unwrap(),
            kind: Kind::AfterSale,
            policy: Some(PolicyCall { name: text(256), version: text(256), contract: text(64), call }),
            guardrail: Some(call),
            beside: Some(BesideCall {
                policy: PolicyCall { name: text(256), version: text(256), contract: text(64), call },
                guardrail: Some(call),
            }),
            engine: Engine { profile: digest, wasmtime: text(64) },
            fault: Some(Fault { of: FaultOf::Guardrail, code: FaultCode::PolicyError, limit: Some(text(64)) }),
            outcome: text(64),
            amounts: Amounts { refund: i64::MIN, cash: i64::MIN, coupon: i64::MIN, currency: Currency::default() },
            caps: Caps { used: windows, limits: windows, breaches: vec![text(16); BREACHES_MAX] },
        })),
    }
}

#[test]
fn every_field_at_its_bound_fits() {
    let bytes = largest().encode().unwrap();
    assert!(bytes.len() < HEADER_BYTES_MAX, "{}", bytes.len());
    assert_eq!(Header::decode(&bytes).unwrap(), largest());
}

fn decision_of(header: &mut Header) -> &mut DecisionEntry {
    match &mut header.entry {
        Entry::Decision(decision) => decision,
        _ => panic!(),
    }
}

#[test]
fn a_field_beyond_its_bound_is_named() {
    type Change = fn(&mut Header);
    let changes: [(&str, Change); 7] = [
        ("event.event_type", |header| decision_of(header).event.event_type.push('x')),
        ("policy.version", |header| decision_of(header).policy.as_mut().unwrap().version.push('x')),
        ("engine.wasmtime", |header| decision_of(header).engine.wasmtime.push('x')),
        ("outcome", |header| decision_of(header).outcome.push('x')),
        ("caps", |header| decision_of(header).caps.breaches.push(String::new())),
        ("fault", |header| decision_of(header).fault.as_mut().unwrap().limit.as_mut().unwrap().push('x')),
        ("detached", |header| header.detached.as_mut().unwrap().bodies.reverse()),
    ];
    for (field, change) in changes {
        let mut header = largest();
        change(&mut header);
        let message = header.encode().unwrap_err().to_string();
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
}

/// An event's header, small enough to be changed by hand.
fn small() -> Vec<u8> {
    let entry = Entry::Event(EventEntry { key: Digest([0; 32]), event_type: "order.paid".into(), time_ms: 7 });
    Header { merchant: MerchantId::new("m").unwrap(), seq: 3, entry, received_at_ms: 9, trace_id: None, detached: None }.encode().unwrap()
}

#[test]
fn only_the_canonical_encoding_is_read() {
    let small = small();
    // map(8) 0:1 1:"m" 2:3 3:1 4:9 6:… 7:… 8:7
    assert_eq!(small[..11], [0xa8, 0, 1, 1, 0x61, b'm', 2, 3, 3, 1, 4]);
    let replace = |at: usize, len: usize, with: &[u8]| [&small[..at], with, &small[at + len..]].concat();
    let refused: [(Vec<u8>, &str); 12] = [
        (replace(7, 1, &[0x18, 3]), "canonical encoding at field `seq`"), // 3 in two bytes
        (replace(7, 1, &[0x61, b'3']), "field `seq` is malformed"),       // a text
        (replace(7, 1, &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]), "field `seq` is malformed"), // a double
        (replace(4, 2, &[0x7f, 0x61, b'm', 0xff]), "field `merchant` is malformed"), // an indefinite text
        (replace(4, 2, &[0x61, b'/']), "field `merchant` is malformed"),  // no merchant id
        (replace(0, 1, &[0xb8, 8]), "canonical encoding"),                // 8 in two bytes
        (replace(0, 1, &[0xbf]), "canonical encoding"),                   // an indefinite map
        (replace(2, 1, &[2]), "format 2 is not known"),
        (replace(6, 2, &[1, 0x61]), "`merchant`"), // a key twice
        (replace(1, 2, &[]), "`format` is missing"),
        ([&small[..], &[0]].concat(), "followed by 1 bytes"),
        (small[..small.len() - 1].to_vec(), "field `event.time_ms` is malformed"),
    ];
    for (bytes, expected) in refused {
        let message = Header::decode(&bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message} ({expected})");
    }
    // An unknown field, and a field of another kind of entry, in their places.
    let with = |field: &[u8]| [&[small[0] + 1], &small[1..], field].concat();
    assert_eq!(Header::decode(&with(&[0x18, 27, 0])), Err(HeaderError::UnknownKey(27)));
    let actor = [&[small[0] + 1], &small[1..], &[0x18, 24, 0x61, b'a']].concat();
    assert_eq!(Header::decode(&actor), Err(HeaderError::Unexpected { field: "act.actor" }));
}

#[test]
fn the_encoding_is_frozen() {
    // A ledger outlives its software: these bytes must be read for ever.
    let mut without_beside = largest();
    decision_of(&mut without_beside).beside = None;
    without_beside.detached.as_mut().unwrap().bodies.retain(|body| body.kind != BodyKind::Beside);
    assert_eq!(crate::leaf_hash(&without_beside.encode().unwrap()).to_string(), FROZEN_LARGEST);
    assert_eq!(crate::leaf_hash(&largest().encode().unwrap()).to_string(), FROZEN_BESIDE);
    assert_eq!(crate::leaf_hash(&small()).to_string(), FROZEN_SMALL);
}

const FROZEN_LARGEST: &str = "3d4b09da344ef19aca06b364d932e4afc0047203372d20106c1020d0161c7765";
const FROZEN_BESIDE: &str = "302408d59307a187ffdb0786331f8c898b06f5cebb08cdfa3f940deef330c6be";
const FROZEN_SMALL: &str = "c37a026c1a0d2fb44b85dbb23f52d905d670d91438afaa01c97f0c00f60ea7c8";
