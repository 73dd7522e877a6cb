//! Ids of records, and the digest by which a redelivered event is told from another event of the same id.

mod canonical;

use hmac::{Hmac, KeyInit, Mac};
use ombud_core::ids::{BadId, DecisionId, EventKey, MerchantId};
use serde_json::Value;
use sha2::Sha256;

use crate::Digest;
use crate::digest::hex_into;
use crate::keys::DigestKey;

/// The digest under which a header names an event: SHA-256 over merchant, source and id, each preceded by its length.
pub fn event_key(merchant: &MerchantId, event: &EventKey) -> Digest {
    let parts = [merchant.as_str().as_bytes(), event.source().as_bytes(), event.id().as_bytes()];
    Digest::of_parts(b"ombud event v1\0", &parts)
}

/// The 16 bytes of a decision id, as headers and the store keep it.
pub fn decision_bytes(id: &DecisionId) -> [u8; 16] {
    let mut bytes = [0; 16];
    // A `DecisionId` is 32 lower-case hexadecimal digits by construction.
    hex_into(id.as_str(), &mut bytes);
    bytes
}

/// The decision id of 16 bytes.
///
/// # Errors
/// None in practice: any 16 bytes are a decision id.
pub fn decision_id(bytes: &[u8; 16]) -> Result<DecisionId, BadId> {
    DecisionId::new(format!("{:032x}", u128::from_be_bytes(*bytes)))
}

/// The digest by which two deliveries of one event id are compared: HMAC-SHA-256 over the canonical JSON of type, time
/// and data. Transport mode, order of keys, white space and the spelling of numbers and times do not matter. It is keyed,
/// so that the digest of an erased body cannot be matched against guesses.
pub fn body_digest(key: &DigestKey, event_type: &str, time_ms: i64, data: &Value) -> Digest {
    let mut text = Vec::with_capacity(2048);
    canonical::string(event_type, &mut text);
    canonical::integer(time_ms.into(), &mut text);
    canonical::value(data, &mut text);
    let mut mac = Hmac::<Sha256>::new(key.bytes().into());
    mac.update(&text);
    Digest(mac.finalize().into_bytes().into())
}

/// The same digest over canonical bytes that the event itself wrote.
pub fn canonical_digest(key: &DigestKey, canonical: &[u8]) -> Digest {
    let mut mac = Hmac::<Sha256>::new(key.bytes().into());
    mac.update(canonical);
    Digest(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::DataKey;
    use ombud_core::kind::Kind;
    use proptest::prelude::*;
    use serde_json::json;

    fn key() -> DigestKey {
        DataKey::from_bytes([7; 32]).digest_key()
    }

    #[test]
    fn the_spelling_of_the_body_does_not_matter() {
        let one: Value =
            serde_json::from_str(r#"{"a": 1, "b": [1.50, "退款", null, true, -0.0], "c": {"x": 1e2, "y": 7000893114000949001}}"#).unwrap();
        let two: Value =
            serde_json::from_str(r#"{"c":{"y":7000893114000949001,"x":100},"b":[1.5,"\u9000\u6b3e",null,true,0],"a":1.0}"#).unwrap();
        assert_eq!(body_digest(&key(), "t", 5, &one), body_digest(&key(), "t", 5, &two));
    }

    #[test]
    fn every_part_of_the_body_matters() {
        let base = body_digest(&key(), "t", 5, &json!({"id": 7_000_893_114_000_949_001_i64}));
        for other in [
            body_digest(&key(), "u", 5, &json!({"id": 7_000_893_114_000_949_001_i64})),
            body_digest(&key(), "t", 6, &json!({"id": 7_000_893_114_000_949_001_i64})),
            // Ids of 19 digits differ beyond what a double can tell apart.
            body_digest(&key(), "t", 5, &json!({"id": 7_000_893_114_000_949_000_i64})),
            body_digest(&key(), "t", 5, &json!({"id": "7000893114000949001"})),
            body_digest(&key(), "t", 5, &json!({"id": 7_000_893_114_000_949_001_i64, "x": null})),
            body_digest(&DataKey::from_bytes([8; 32]).digest_key(), "t", 5, &json!({"id": 7_000_893_114_000_949_001_i64})),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn event_keys_depend_on_every_part() {
        let merchant = |text: &str| MerchantId::new(text).unwrap();
        let event = |source: &str, id: &str| EventKey::new(source, id).unwrap();
        let base = event_key(&merchant("m"), &event("/a", "1"));
        assert_eq!(base, event_key(&merchant("m"), &event("/a", "1")));
        for other in [
            event_key(&merchant("n"), &event("/a", "1")),
            event_key(&merchant("m"), &event("/a1", "1")),
            event_key(&merchant("m"), &event("/a", "11")),
        ] {
            assert_ne!(base, other);
        }
    }

    proptest! {
        #[test]
        fn decision_ids_survive_their_bytes(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(decision_bytes(&decision_id(&bytes).unwrap()), bytes);
        }
    }

    #[test]
    fn decision_ids_of_the_core_have_their_bytes() {
        let id = DecisionId::derive(&MerchantId::new("m").unwrap(), &EventKey::new("/a", "1").unwrap(), Kind::AfterSale);
        assert_eq!(decision_id(&decision_bytes(&id)).unwrap(), id);
    }
}
