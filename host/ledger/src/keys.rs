//! Keys: one data key for each subject, wrapped by the operator's master key. Erasing a wrapped key erases what it sealed.
//!
//! # The format
//!
//! A data key is 32 random bytes, and is the cipher's key as it is: nothing is derived from it for sealing bodies. In a bundle it
//! stands bare, as these 32 bytes. In the store it is wrapped:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | the master key's id: the first 8 bytes of SHA-256(`ombud master key id v1` ‖ 0x00 ‖ 32 as 8 bytes, big-endian ‖ master key) |
//! | 24 | nonce |
//! | 32 | the data key under XChaCha20-Poly1305 with the master key, 32 bytes that are the content of the file `master.key` |
//! | 16 | its tag |
//!
//! The associated data are 32 bytes: SHA-256(`ombud data key v1` ‖ 0x00 ‖ parts), where the parts are the master key's id, the merchant's
//! id and the subject, each behind its number of bytes as 8 bytes, big-endian. A subject is `customer:REFERENCE`, `ticket:ID` or
//! `merchant` ([`Subject`]). An event's and a decision's bodies are sealed under the customer's key, or the ticket's where there is
//! no customer or the customer was erased, or the merchant's where there is no ticket either; an act's under the merchant's, or its
//! subject's where it is about one.
//!
//! While a master key is replaced each of the two is kept sealed by the other: nonce(24) ‖ key(32) ‖ tag(16), where the associated data
//! are the label `ombud master key rotation v1` and a zero byte.
//!
//! The key of digests ([`DataKey::digest_key`]) is 64 bytes: HKDF-SHA-256 of the merchant's data key, without a salt, with the info
//! `ombud body digest v1` (no zero byte). It is the key of HMAC-SHA-256 in [`crate::id`].

use std::fmt;

use hkdf::Hkdf;
use ombud_core::ids::MerchantId;
use rand::Rng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Digest;
use crate::aead::{self, NONCE_BYTES, TAG_BYTES};

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a master key's id, with which a wrapped data key begins; a nonce, the key and a tag follow.
const MASTER_ID_BYTES: usize = 8;
/// What one master key seals of another is nothing else.
const BETWEEN_MASTERS: &[u8] = b"ombud master key rotation v1\0";
/// A whole block of SHA-256, which HMAC uses as it is.
const DIGEST_KEY_BYTES: usize = 64;

/// Whose data key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// A customer of the merchant, by the pseudonymous reference.
    Customer(&'a str),
    /// A ticket without a customer.
    Ticket(&'a str),
    /// The merchant itself: bodies of administrative acts, and the key of body digests.
    Merchant,
}

impl fmt::Display for Subject<'_> {
    /// The text under which the store keeps the subject's key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(customer) => write!(f, "customer:{customer}"),
            Self::Ticket(ticket) => write!(f, "ticket:{ticket}"),
            Self::Merchant => f.write_str("merchant"),
        }
    }
}

/// Why a wrapped key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the data key is wrapped by the master key {wrapped_by}, not by {given}")]
    OtherMaster { wrapped_by: String, given: String },
    #[error("the wrapped data key is damaged or belongs to another subject")]
    Damaged,
}

/// The operator's key, which wraps the data keys. It lies in a file of its own, outside the database.
#[derive(Clone)]
pub struct MasterKey {
    key: Zeroizing<[u8; KEY_BYTES]>,
    id: [u8; MASTER_ID_BYTES],
}

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self::from_bytes(random())
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let mut id = [0; MASTER_ID_BYTES];
        let digest = Digest::of_parts(b"ombud master key id v1\0", &[&bytes]);
        id.iter_mut().zip(digest.0).for_each(|(into, byte)| *into = byte);
        Self { key: Zeroizing::new(bytes), id }
    }

    /// The bytes, for the key's file.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    /// The key's id, which may be shown: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        hex(&self.id)
    }

    /// The id of the master key that wrapped a data key; none where that is too short to be one.
    pub fn id_of(wrapped: &[u8]) -> Option<String> {
        wrapped.first_chunk::<MASTER_ID_BYTES>().map(|id| hex(id))
    }

    /// Whether a wrapped data key says that this one wrapped it.
    pub fn has_wrapped(&self, wrapped: &[u8]) -> bool {
        wrapped.first_chunk() == Some(&self.id)
    }

    /// Wraps a data key for one subject of one merchant; it opens for no other.
    ///
    /// # Errors
    /// None in practice: the cipher refuses only messages of many gigabytes.
    pub fn wrap(&self, key: &DataKey, merchant: &MerchantId, subject: Subject<'_>) -> Result<Vec<u8>, KeyError> {
        let mut wrapped = self.id.to_vec();
        self.seal(&self.binding(merchant, subject), key.bytes(), &mut wrapped)?;
        Ok(wrapped)
    }

    /// Opens a wrapped data key.
    ///
    /// # Errors
    /// Another master key wrapped it; it is damaged or another subject's.
    pub fn unwrap(&self, wrapped: &[u8], merchant: &MerchantId, subject: Subject<'_>) -> Result<DataKey, KeyError> {
        let (id, rest) = wrapped.split_first_chunk::<MASTER_ID_BYTES>().ok_or(KeyError::Damaged)?;
        if *id != self.id {
            return Err(KeyError::OtherMaster { wrapped_by: hex(id), given: self.id() });
        }
        self.open(&self.binding(merchant, subject), rest).map(DataKey)
    }

    /// Seals another master key, for the time in which data keys are wrapped with either.
    ///
    /// # Errors
    /// None in practice: the cipher refuses only messages of many gigabytes.
    pub fn wrap_master(&self, other: &Self) -> Result<Vec<u8>, KeyError> {
        let mut wrapped = Vec::new();
        self.seal(BETWEEN_MASTERS, other.as_bytes(), &mut wrapped)?;
        Ok(wrapped)
    }

    /// Opens what [`Self::wrap_master`] sealed with this key.
    ///
    /// # Errors
    /// Another key sealed it, or it is damaged.
    pub fn unwrap_master(&self, wrapped: &[u8]) -> Result<Self, KeyError> {
        self.open(BETWEEN_MASTERS, wrapped).map(|key| Self::from_bytes(*key))
    }

    /// Appends a nonce, the key sealed and the tag.
    fn seal(&self, binding: &[u8], key: &[u8; KEY_BYTES], out: &mut Vec<u8>) -> Result<(), KeyError> {
        let nonce: [u8; NONCE_BYTES] = random();
        let mut sealed = Zeroizing::new(*key);
        let tag = aead::seal(&self.key, &nonce, binding, &mut *sealed).map_err(|_| KeyError::Damaged)?;
        [&nonce[..], &*sealed, &tag].iter().for_each(|part| out.extend_from_slice(part));
        Ok(())
    }

    fn open(&self, binding: &[u8], sealed: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(KeyError::Damaged)?;
        let sealed: [u8; KEY_BYTES + TAG_BYTES] = sealed.try_into().map_err(|_| KeyError::Damaged)?;
        let mut sealed = Zeroizing::new(sealed);
        let opened = aead::open(&self.key, nonce, binding, &mut *sealed).map_err(|_| KeyError::Damaged)?;
        let key: &[u8; KEY_BYTES] = (&*opened).try_into().map_err(|_| KeyError::Damaged)?;
        Ok(Zeroizing::new(*key))
    }

    fn binding(&self, merchant: &MerchantId, subject: Subject<'_>) -> [u8; 32] {
        Digest::of_parts(b"ombud data key v1\0", &[&self.id, merchant.as_str().as_bytes(), subject.to_string().as_bytes()]).0
    }
}

/// The key that seals one subject's bodies.
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self::from_bytes(random())
    }

    /// The key with these bytes, as an export carries it.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for an export that is to be replayed.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The key of body digests that follows from this one; taken from the merchant's data key.
    pub fn digest_key(&self) -> DigestKey {
        let mut key = Zeroizing::new([0; DIGEST_KEY_BYTES]);
        // HKDF gives up to 8160 bytes; 64 cannot be too many.
        _ = Hkdf::<Sha256>::new(None, self.bytes()).expand(b"ombud body digest v1", key.as_mut());
        DigestKey(key)
    }
}

/// The key of body digests of one merchant.
pub struct DigestKey(Zeroizing<[u8; DIGEST_KEY_BYTES]>);

impl DigestKey {
    pub(crate) fn bytes(&self) -> &[u8; DIGEST_KEY_BYTES] {
        &self.0
    }
}

/// Keys are never shown, in logs or elsewhere.
macro_rules! redacted {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
redacted!(MasterKey, DataKey, DigestKey);

/// Random bytes of the thread's generator: ChaCha, seeded and reseeded by the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merchant(text: &str) -> MerchantId {
        MerchantId::new(text).unwrap()
    }

    #[test]
    fn a_wrapped_key_opens_for_its_subject_only() {
        let (master, key) = (MasterKey::generate(), DataKey::generate());
        let subject = Subject::Customer("c_9f3a");
        let wrapped = master.wrap(&key, &merchant("m"), subject).unwrap();
        assert_eq!(wrapped.len(), MASTER_ID_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES);
        assert_eq!(master.unwrap(&wrapped, &merchant("m"), subject).unwrap().bytes(), key.bytes());
        for (merchant, subject) in
            [(merchant("n"), subject), (merchant("m"), Subject::Ticket("c_9f3a")), (merchant("m"), Subject::Merchant)]
        {
            assert_eq!(master.unwrap(&wrapped, &merchant, subject).unwrap_err(), KeyError::Damaged);
        }
    }

    #[test]
    fn another_master_key_is_named() {
        let (master, other) = (MasterKey::generate(), MasterKey::generate());
        let wrapped = master.wrap(&DataKey::generate(), &merchant("m"), Subject::Merchant).unwrap();
        let error = other.unwrap(&wrapped, &merchant("m"), Subject::Merchant).unwrap_err();
        assert_eq!(error, KeyError::OtherMaster { wrapped_by: master.id(), given: other.id() });
        assert_eq!((MasterKey::id_of(&wrapped), MasterKey::id_of(&wrapped[..7])), (Some(master.id()), None));
        assert_eq!([&master, &other].map(|key| key.has_wrapped(&wrapped)), [true, false]);
        assert!(!master.has_wrapped(&wrapped[..7]));
    }

    #[test]
    fn every_damaged_bit_of_a_wrapped_key_is_noticed() {
        let master = MasterKey::generate();
        let wrapped = master.wrap(&DataKey::generate(), &merchant("m"), Subject::Merchant).unwrap();
        for bit in 0..wrapped.len() * 8 {
            let mut damaged = wrapped.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(master.unwrap(&damaged, &merchant("m"), Subject::Merchant).is_err(), "bit {bit}");
        }
        assert!(master.unwrap(&wrapped[..40], &merchant("m"), Subject::Merchant).is_err());
    }

    #[test]
    fn one_master_key_opens_the_other_and_nothing_else_does() {
        let (old, new, third) = (MasterKey::generate(), MasterKey::generate(), MasterKey::generate());
        let sealed = old.wrap_master(&new).unwrap();
        assert_eq!(old.unwrap_master(&sealed).unwrap().id(), new.id());
        for key in [&new, &third] {
            assert_eq!(key.unwrap_master(&sealed).unwrap_err(), KeyError::Damaged);
        }
        assert_eq!(old.unwrap_master(&sealed[..20]).unwrap_err(), KeyError::Damaged);
    }

    #[test]
    fn keys_do_not_show_themselves() {
        assert_eq!(format!("{:?} {:?}", MasterKey::generate(), DataKey::generate()), "MasterKey(…) DataKey(…)");
    }
}
