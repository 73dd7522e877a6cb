//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): a nonce of 192 bits, which may be random, over the cipher of RFC 8439.

use chacha20::{R20, hchacha};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::keys::KEY_BYTES;

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 24;
/// Bytes of a tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of the nonce that choose the key.
const CHOOSING_BYTES: usize = 16;

/// A key or a tag that does not fit, or a message of more than 256 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// Encrypts in place and returns the tag.
pub(crate) fn seal(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES], aad: &[u8], bytes: &mut [u8]) -> Result<[u8; TAG_BYTES], Refused> {
    let (key, nonce) = chosen(key, nonce)?;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), bytes).map_err(|_| Refused)?;
    tag.as_ref().try_into().map_err(|_| Refused)
}

/// Decrypts ciphertext and tag in place; what is returned is the plaintext. Where it is refused the bytes are of no use any more.
pub(crate) fn open<'b>(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES], aad: &[u8], bytes: &'b mut [u8]) -> Result<&'b mut [u8], Refused> {
    let (key, nonce) = chosen(key, nonce)?;
    key.open_in_place(nonce, Aad::from(aad), bytes).map_err(|_| Refused)
}

/// The key of one message, and what is left of its nonce (section 2.3).
fn chosen(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES]) -> Result<(LessSafeKey, Nonce), Refused> {
    let (choosing, left) = nonce.split_first_chunk::<CHOOSING_BYTES>().ok_or(Refused)?;
    let key = Zeroizing::new(<[u8; KEY_BYTES]>::from(hchacha::<R20>(key.into(), choosing.into())));
    let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).map_err(|_| Refused)?;
    let mut nonce = [0; 12];
    nonce.iter_mut().skip(4).zip(left).for_each(|(into, byte)| *into = *byte);
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::{Aead as _, Payload};
    use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// Appendix A.3.1 of the draft.
    #[test]
    fn the_example_of_the_draft_is_met() {
        let mut text =
            *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let key = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce = std::array::from_fn(|at| 0x40 + at as u8);
        let tag = seal(&key, &nonce, &bytes("50515253c0c1c2c3c4c5c6c7"), &mut text).unwrap();
        let sealed = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
                      2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e";
        assert_eq!(text.to_vec(), bytes(sealed));
        assert_eq!(tag.to_vec(), bytes("c0875924c1c7987947deafd8780acf49"));
    }

    proptest! {
        /// An implementation by others gives the same bytes, and opens them.
        #[test]
        fn another_implementation_agrees(
            key in any::<[u8; 32]>(), nonce in any::<[u8; 24]>(), aad in prop::collection::vec(any::<u8>(), 0..200),
            plain in prop::collection::vec(any::<u8>(), 0..2000), flipped in any::<usize>(),
        ) {
            let other = XChaCha20Poly1305::new(&key.into());
            let expected = other.encrypt(&nonce.into(), Payload { msg: &plain, aad: &aad }).unwrap();
            let mut own = plain.clone();
            let tag = seal(&key, &nonce, &aad, &mut own).unwrap();
            own.extend(tag);
            prop_assert_eq!(&own, &expected);
            prop_assert_eq!(open(&key, &nonce, &aad, &mut own).unwrap().to_vec(), plain);
            let mut damaged = expected;
            let at = flipped % damaged.len();
            damaged[at] ^= 1;
            prop_assert_eq!(open(&key, &nonce, &aad, &mut damaged), Err(Refused));
        }
    }
}
