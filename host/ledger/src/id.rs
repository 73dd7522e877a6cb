//! Ids of records, and the digest by which a redelivered event is told from another event of the same id.

use hmac::{Hmac, KeyInit, Mac};
use ombud_core::ids::{BadId, DecisionId, EventKey, MerchantId};
use sha2::Sha256;

use crate::Digest;
use crate::digest::hex_into;
use crate::keys::DigestKey;

/// The digest under which a header names an event: SHA-256 over the label `ombud event v1` with a zero byte behind it, then
/// merchant, CloudEvents `source` and `id`, each as its UTF-8 bytes behind their number as 8 bytes, big-endian
/// ([`Digest::of_parts`]).
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

/// The digest by which two deliveries of one event id are compared: HMAC-SHA-256 over the event's canonical bytes
/// (`Event::canonical`), without a label, under the merchant's [`DigestKey`]. It is keyed, so that the digest of an erased body
/// cannot be matched against guesses.
pub fn body_digest(key: &DigestKey, canonical: &[u8]) -> Digest {
    let mut mac = Hmac::<Sha256>::new(key.bytes().into());
    mac.update(canonical);
    Digest(mac.finalize().into_bytes().into())
}

/// The mark of an erased customer: HMAC-SHA-256 over the label `ombud erased customer v1` with a zero byte behind it and the
/// reference's bytes, its first 32 hexadecimal digits in lower case. Whoever has the reference and the merchant's key finds the
/// mark; nobody finds the reference from it.
pub fn erased_mark(key: &DigestKey, customer: &str) -> String {
    let mut mac = Hmac::<Sha256>::new(key.bytes().into());
    mac.update(b"ombud erased customer v1\0");
    mac.update(customer.as_bytes());
    let digest = Digest(mac.finalize().into_bytes().into());
    digest.to_string().chars().take(32).collect()
}

/// By which the customers of a canary are told from the others: HMAC-SHA-256 over the label `ombud rollout v1` with a zero byte
/// behind it, then policy, version and customer, each behind its length as 8 bytes, big-endian. It is keyed, so that nobody chooses a reference that is in, and each version divides the customers anew.
pub fn rollout_digest(key: &DigestKey, policy: &str, version: &str, subject: &str) -> Digest {
    let mut mac = Hmac::<Sha256>::new(key.bytes().into());
    mac.update(b"ombud rollout v1\0");
    for part in [policy, version, subject] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    Digest(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::DataKey;
    use ombud_core::kind::Kind;
    use proptest::prelude::*;

    fn key() -> DigestKey {
        DataKey::from_bytes([7; 32]).digest_key()
    }

    #[test]
    fn the_body_and_the_key_both_matter() {
        let base = body_digest(&key(), b"one");
        assert_eq!(base, body_digest(&key(), b"one"));
        assert_ne!(base, body_digest(&key(), b"two"));
        assert_ne!(base, body_digest(&DataKey::from_bytes([8; 32]).digest_key(), b"one"));
    }

    #[test]
    fn a_mark_depends_on_customer_and_key() {
        let mark = erased_mark(&key(), "c1");
        assert_eq!((mark.len(), &mark), (32, &erased_mark(&key(), "c1")));
        assert_ne!(mark, erased_mark(&key(), "c2"));
        assert_ne!(mark, erased_mark(&DataKey::from_bytes([8; 32]).digest_key(), "c1"));
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
