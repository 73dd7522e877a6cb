//! Sealed bodies open for their record and key, and damage of any bit is noticed.

use super::*;
use crate::{ActEntry, EventEntry};
use proptest::collection::vec;
use proptest::prelude::*;

fn merchant(text: &str) -> MerchantId {
    MerchantId::new(text).unwrap()
}

/// A record with these bodies: an event's, for it has the fewest fields.
fn record(key: &DataKey, bodies: &[(BodyKind, &[u8])]) -> (Header, Vec<u8>) {
    let event = EventEntry { key: Digest::of(b"event"), event_type: "order.paid".into(), time_ms: 7 };
    let mut sealed = b"before".to_vec();
    let detached = seal(key, &merchant("m"), Of::Event(&event.key), bodies, &mut sealed).unwrap();
    let sealed = sealed.strip_prefix(b"before").unwrap().to_vec();
    let header =
        Header { merchant: merchant("m"), seq: 0, entry: Entry::Event(event), received_at_ms: 8, trace_id: None, detached: Some(detached) };
    (header, sealed)
}

proptest! {
    #[test]
    fn bodies_survive_the_round_trip(bodies in vec(vec(any::<u8>(), 0..3000), 0..=5)) {
        let key = DataKey::generate();
        let bodies: Vec<(BodyKind, &[u8])> = BodyKind::ALL.into_iter().zip(bodies.iter().map(Vec::as_slice)).collect();
        let (header, sealed) = record(&key, &bodies);
        let opened = header.open(Some(&key), &sealed).unwrap();
        prop_assert_eq!(opened.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect::<Vec<_>>(), bodies);
        prop_assert_eq!(Header::decode(&header.encode().unwrap()).unwrap(), header);
    }
}

#[test]
fn bodies_that_repeat_each_other_take_less_room_and_random_ones_hardly_more() {
    let key = DataKey::generate();
    let text = "{\"reason\":\"七天无理由\",\"amount\":19900}".repeat(50);
    let random: Vec<u8> = (0..20).flat_map(|_| random::<32>()).collect();
    for (bytes, sealed_max) in [(text.as_bytes(), 500), (random.as_slice(), 3 * (640 + 32) + 41), (b"", 3 * 32 + 41)] {
        let (header, sealed) = record(&key, &[(BodyKind::Event, bytes), (BodyKind::Case, bytes), (BodyKind::Decision, bytes)]);
        assert!(sealed.len() <= sealed_max, "{} bytes", sealed.len());
        assert!(header.open(Some(&key), &sealed).unwrap().iter().all(|(_, opened)| opened == bytes));
    }
}

#[test]
fn every_damaged_bit_is_noticed() {
    let key = DataKey::generate();
    let (header, sealed) = record(&key, &[(BodyKind::Event, "退货".as_bytes()), (BodyKind::Case, b"facts")]);
    for bit in 0..sealed.len() * 8 {
        let mut damaged = sealed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(header.open(Some(&key), &damaged), Err(UnsealError::Damaged), "bit {bit}");
        // Even where somebody changes the header to fit.
        let mut fitted = header.clone();
        fitted.detached.as_mut().unwrap().sealed = Digest::of(&damaged);
        assert_eq!(fitted.open(Some(&key), &damaged), Err(UnsealError::WrongKey), "bit {bit}");
    }
    assert_eq!(header.open(Some(&key), &sealed[1..]), Err(UnsealError::Damaged));
}

#[test]
fn bodies_open_for_their_record_and_key_only() {
    let key = DataKey::generate();
    let (header, sealed) = record(&key, &[(BodyKind::Event, b"facts")]);
    assert_eq!(header.open(Some(&DataKey::generate()), &sealed), Err(UnsealError::WrongKey));
    let changes: [fn(&mut Header); 5] = [
        |header| header.merchant = merchant("n"),
        |header| header.entry = Entry::Act(ActEntry { id: [0; 16], act: String::new(), actor: String::new() }),
        |header| header.detached.as_mut().unwrap().bodies[0].kind = BodyKind::Case,
        |header| header.detached.as_mut().unwrap().bodies[0].len = 4,
        |header| header.detached.as_mut().unwrap().bodies.clear(),
    ];
    for change in changes {
        let mut other = header.clone();
        change(&mut other);
        assert_eq!(other.open(Some(&key), &sealed), Err(UnsealError::WrongKey));
    }
    // The sequence number is assigned after sealing.
    assert!(Header { seq: 77, ..header }.open(Some(&key), &sealed).is_ok());
}

#[test]
fn an_erased_key_says_so_and_damage_comes_first() {
    let key = DataKey::generate();
    let (header, sealed) = record(&key, &[(BodyKind::Event, b"facts")]);
    assert_eq!(header.open(None, &sealed), Err(UnsealError::Erased));
    assert_eq!(header.open(None, b""), Err(UnsealError::Damaged));
    assert_eq!(header.intact(&sealed), Ok(()));
    let bare = Header { detached: None, ..header };
    assert_eq!(bare.open(None, b""), Ok(Vec::new()));
    assert_eq!(bare.intact(b"x"), Err(UnsealError::Damaged));
}

#[test]
fn another_plaintext_is_forged_and_the_same_plaintext_never_looks_the_same() {
    let key = DataKey::generate();
    let (mut first, sealed) = record(&key, &[(BodyKind::Event, b"facts")]);
    let (second, sealed_again) = record(&key, &[(BodyKind::Event, b"facts")]);
    assert_ne!(first, second);
    assert_ne!(sealed, sealed_again);
    first.detached.as_mut().unwrap().bodies[0].plain = second.detached.unwrap().bodies[0].plain;
    assert_eq!(first.open(Some(&key), &sealed), Err(UnsealError::Forged { kind: BodyKind::Event }));
}

#[test]
fn bodies_too_large_or_out_of_order_are_refused() {
    let bytes = vec![0; SEALED_BYTES_MAX];
    let seal = |bodies: &[(BodyKind, &[u8])]| seal(&DataKey::generate(), &merchant("m"), Of::Act(&[0; 16]), bodies, &mut Vec::new());
    assert_eq!(seal(&[(BodyKind::Act, &bytes)]), Err(SealError::TooLarge { bytes: bytes.len() + 73 }));
    assert_eq!(seal(&[(BodyKind::Case, b""), (BodyKind::Event, b"")]), Err(SealError::Order));
    assert_eq!(seal(&[(BodyKind::Case, b""), (BodyKind::Case, b"")]), Err(SealError::Order));
}
