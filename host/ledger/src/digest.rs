//! SHA-256 digests, and the hash of a leaf.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// 32 bytes of SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// SHA-256 of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// SHA-256 over a label and parts, each part behind its number of bytes as 8 bytes, big-endian, so that no two lists of parts
    /// share a preimage. The label stands as it is, without a length; each ends with its only zero byte.
    pub fn of_parts(label: &[u8], parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new_with_prefix(label);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The digest with these hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        (text.len() == 64 && hex_into(text, &mut bytes)).then_some(Self(bytes))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of a leaf: SHA-256(0x00 ‖ leaf) (RFC 6962, section 2.1). The leaf is the header's bytes as stored.
pub fn leaf_hash(header: &[u8]) -> Digest {
    let mut hash = Sha256::new_with_prefix([0]);
    hash.update(header);
    Digest(hash.finalize().into())
}

/// Fills `bytes` from lower-case hexadecimal digits; false where the text is anything else.
pub(crate) fn hex_into(text: &str, bytes: &mut [u8]) -> bool {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    text.len() == bytes.len() * 2
        && text.as_bytes().chunks_exact(2).zip(bytes).all(|(pair, byte)| match pair {
            [high, low] => nibble(*high).zip(nibble(*low)).map(|(high, low)| *byte = high << 4 | low).is_some(),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_hashed_as_rfc_6962_says() {
        // The empty leaf of RFC 6962's reference implementation.
        assert_eq!(leaf_hash(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_ne!(leaf_hash(b"a"), Digest::of(b"a"));
    }

    #[test]
    fn digests_survive_their_text() {
        let digest = Digest::of(b"ombud");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse(&digest.to_string().to_uppercase()), None);
        assert_eq!(Digest::parse("00"), None);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Digest::of_parts(b"x", &[b"ab", b"c"]), Digest::of_parts(b"x", &[b"a", b"bc"]));
    }
}
