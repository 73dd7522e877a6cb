//! Signatures of policies, in the format of minisign: keys, signing, verification. Whoever has the component, the signature and the public key can check it
//! with `minisign -V` as well.
//!
//! What is signed is the component, byte for byte, and in the trusted comment for whom it is and with which settings it shall run: a signature of one
//! merchant's policy is good for no other merchant, and for no other settings.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b256, Blake2b512, Digest as _};
use ed25519_dalek::{Signer as _, SigningKey};
use minisign_verify::{PublicKey as Verifier, Signature};
use zeroize::Zeroizing;

/// Bytes of a signature as text.
pub const SIGNATURE_BYTES_MAX: usize = 4 << 10;
/// Bytes of a public key as text.
pub const PUBLIC_KEY_BYTES_MAX: usize = 1 << 10;

/// What a trusted comment of a policy begins with.
const SCHEME: &str = "ombud policy v1";
/// Ed25519 over the message itself, as keys name it.
const KEY_ALGORITHM: [u8; 2] = *b"Ed";
/// Ed25519 over the message's BLAKE2b-512, as signatures name it.
const PREHASHED: [u8; 2] = *b"ED";
/// BLAKE2b-256, the checksum of a secret key's file.
const CHECKSUM: [u8; 2] = *b"B2";
/// A secret key's file: algorithms, salt and costs of a password that is not asked for, key id, key pair, checksum.
const SECRET_BYTES: usize = 2 + 2 + 2 + 32 + 8 + 8 + ID_BYTES + 64 + 32;
const ID_BYTES: usize = 8;

/// Why a key or signature is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A public key that cannot be read.
    #[error("no public key of minisign: send the file that ends in `.pub`, or its second line")]
    PublicKey,
    /// A secret key that cannot be read.
    #[error("no secret key of minisign: `ombud key new FILE` makes one")]
    SecretKey,
    /// A secret key under a password.
    #[error(
        "the secret key has a password: sign with `minisign -S` and give the signature with --signature, or make a key with `ombud key new`"
    )]
    Password,
    /// A signature that cannot be read.
    #[error("no signature of minisign: `ombud push --key FILE` makes one")]
    Signature,
    /// A signature by another key.
    #[error("the signature is not by this key, or over another component")]
    Wrong,
    /// A signature whose comment says something else.
    #[error("the signature is for {what} `{said}`, and this is `{own}`: sign it again with `ombud push --key`")]
    For { what: &'static str, said: String, own: String },
    /// A signature that says nothing.
    #[error("the signature's trusted comment does not begin with `{SCHEME}`: sign with `ombud push --key`")]
    Comment,
}

/// For whom and with what a component is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The merchant's id.
    pub merchant: String,
    /// The policy's name.
    pub policy: String,
    /// The readable version, which has the first digits of the settings' digest.
    pub version: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// SHA-256 of the settings' text, hex.
    pub settings: String,
}

impl Statement {
    fn members(&self) -> [(&'static str, &str); 5] {
        [
            ("merchant", &self.merchant),
            ("policy", &self.policy),
            ("version", &self.version),
            ("component", &self.component),
            ("settings", &self.settings),
        ]
    }

    /// What a trusted comment says of something else than this.
    fn held_against(&self, comment: &str) -> Result<(), SignatureError> {
        let mut parts = comment.split('\t');
        if parts.next() != Some(SCHEME) {
            return Err(SignatureError::Comment);
        }
        let said: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once(':')).collect();
        for (what, own) in self.members() {
            // Said twice is said by nobody.
            let mut found = said.iter().filter(|(name, _)| *name == what).map(|(_, value)| *value);
            let value = found.next().filter(|_| found.next().is_none()).unwrap_or_default();
            if value != own {
                return Err(SignatureError::For { what, said: value.to_owned(), own: own.to_owned() });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Statement {
    /// The trusted comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        self.members().iter().try_for_each(|(name, value)| write!(f, "\t{name}:{value}"))
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    text: String,
    id: [u8; ID_BYTES],
}

impl PublicKey {
    /// Reads the file of a public key, or its second line alone.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).ok_or(SignatureError::PublicKey)?;
        let bytes = STANDARD.decode(line).map_err(|_| SignatureError::PublicKey)?;
        Verifier::from_base64(line).map_err(|_| SignatureError::PublicKey)?;
        let id = bytes.get(2..2 + ID_BYTES).and_then(|id| id.try_into().ok()).ok_or(SignatureError::PublicKey)?;
        Ok(Self { text: line.to_owned(), id })
    }

    /// The key's id as minisign shows it: sixteen hexadecimal digits.
    pub fn id(&self) -> String {
        shown(&self.id)
    }

    /// The key as a line of text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The key's file.
    pub fn file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{}\n", self.id(), self.text)
    }

    /// Whether `signature` is by this key over `component`, and says what is so.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, component: &[u8], statement: &Statement, signature: &str) -> Result<(), SignatureError> {
        let signature = Signature::decode(signature).map_err(|_| SignatureError::Signature)?;
        let verifier = Verifier::from_base64(&self.text).map_err(|_| SignatureError::PublicKey)?;
        verifier.verify(component, &signature, false).map_err(|_| SignatureError::Wrong)?;
        statement.held_against(signature.trusted_comment())
    }
}

/// The id of the key that a signature names.
///
/// # Errors
/// It is no signature.
pub fn signing_key(signature: &str) -> Result<String, SignatureError> {
    Signature::decode(signature).map_err(|_| SignatureError::Signature)?;
    let line = signature.lines().nth(1).ok_or(SignatureError::Signature)?;
    let bytes = STANDARD.decode(line.trim()).map_err(|_| SignatureError::Signature)?;
    let id = bytes.get(2..2 + ID_BYTES).and_then(|id| id.try_into().ok()).ok_or(SignatureError::Signature)?;
    Ok(shown(&id))
}

/// A key id as minisign shows it: the number that its bytes are, little end first.
fn shown(id: &[u8; ID_BYTES]) -> String {
    format!("{:016X}", u64::from_le_bytes(*id))
}

/// A key pair, whose file has no password.
pub struct SecretKey {
    id: [u8; ID_BYTES],
    key: SigningKey,
}

impl SecretKey {
    /// Draws a key pair.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let (mut id, mut seed) = ([0; ID_BYTES], Zeroizing::new([0; 32]));
        getrandom::fill(&mut id)?;
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self { id, key: SigningKey::from_bytes(&seed) })
    }

    /// Reads the file of a secret key.
    ///
    /// # Errors
    /// It is none, or has a password.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let none = SignatureError::SecretKey;
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).ok_or(none.clone())?;
        let bytes = Zeroizing::new(STANDARD.decode(line).map_err(|_| none.clone())?);
        if bytes.len() != SECRET_BYTES || !bytes.starts_with(&KEY_ALGORITHM) || bytes.get(4..6) != Some(&CHECKSUM) {
            return Err(none);
        }
        if bytes.get(2..4) != Some(&[0, 0]) {
            return Err(SignatureError::Password);
        }
        let (_, rest) = bytes.split_at_checked(2 + 2 + 2 + 32 + 8 + 8).ok_or(none.clone())?;
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>().ok_or(none.clone())?;
        let (pair, checksum) = rest.split_first_chunk::<64>().ok_or(none.clone())?;
        if checksum != checksum_of(id, pair).as_slice() {
            return Err(none);
        }
        let key = SigningKey::from_keypair_bytes(pair).map_err(|_| none)?;
        Ok(Self { id: *id, key })
    }

    /// The key's file.
    pub fn file(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(self.key.to_keypair_bytes());
        let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
        // Neither password nor salt nor costs.
        for part in [&KEY_ALGORITHM[..], &[0, 0], &CHECKSUM, &[0; 48], &self.id, pair.as_slice(), &checksum_of(&self.id, &pair)] {
            bytes.extend_from_slice(part);
        }
        Zeroizing::new(format!("untrusted comment: minisign secret key {}\n{}\n", shown(&self.id), STANDARD.encode(&*bytes)))
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        let bytes = [&KEY_ALGORITHM[..], &self.id, self.key.verifying_key().as_bytes()].concat();
        PublicKey { text: STANDARD.encode(bytes), id: self.id }
    }

    /// Signs a component for what a statement says.
    pub fn sign(&self, component: &[u8], statement: &Statement) -> String {
        let signature = self.key.sign(&Blake2b512::digest(component)).to_bytes();
        let comment = statement.to_string();
        let whole = self.key.sign(&[&signature[..], comment.as_bytes()].concat()).to_bytes();
        format!(
            "untrusted comment: signature from minisign secret key {}\n{}\ntrusted comment: {comment}\n{}\n",
            shown(&self.id),
            STANDARD.encode([&PREHASHED[..], &self.id, &signature].concat()),
            STANDARD.encode(whole)
        )
    }
}

fn checksum_of(id: &[u8; ID_BYTES], pair: &[u8; 64]) -> [u8; 32] {
    let mut hash = Blake2b256::new();
    hash.update(KEY_ALGORITHM);
    hash.update(id);
    hash.update(pair);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        let text = |text: &str| text.to_owned();
        Statement { merchant: text("m"), policy: text("p"), version: text("1+ab"), component: text("c0"), settings: text("ab") }
    }

    #[test]
    fn what_is_signed_is_verified_by_another_implementation() {
        let key = SecretKey::draw().unwrap();
        let again = SecretKey::parse(&key.file()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(PublicKey::parse(&key.public().file()).unwrap(), key.public());
        assert_eq!(PublicKey::parse(key.public().text()).unwrap(), key.public());
        let signature = again.sign(b"component", &statement());
        assert_eq!(signing_key(&signature).unwrap(), key.public().id());
        key.public().verify(b"component", &statement(), &signature).unwrap();
    }

    #[test]
    fn another_component_key_merchant_or_settings_is_refused() {
        let key = SecretKey::draw().unwrap();
        let signature = key.sign(b"component", &statement());
        assert_eq!(key.public().verify(b"another", &statement(), &signature), Err(SignatureError::Wrong));
        let other = SecretKey::draw().unwrap();
        assert_eq!(other.public().verify(b"component", &statement(), &signature), Err(SignatureError::Wrong));
        let for_another = |change: fn(&mut Statement)| {
            let mut other = statement();
            change(&mut other);
            key.public().verify(b"component", &other, &signature).unwrap_err().to_string()
        };
        assert!(for_another(|other| other.merchant = "n".into()).contains("for merchant `m`, and this is `n`"));
        assert!(for_another(|other| other.settings = "cd".into()).contains("for settings `ab`"));
        assert!(for_another(|other| other.policy = "q".into()).contains("for policy"));
        // The comment is signed too.
        let forged = signature.replace("merchant:m", "merchant:n");
        let other = Statement { merchant: "n".into(), ..statement() };
        assert_eq!(key.public().verify(b"component", &other, &forged), Err(SignatureError::Wrong));
        let twice = Statement { version: "1+ab\tmerchant:n".into(), ..statement() };
        let signature = key.sign(b"component", &twice);
        assert!(matches!(key.public().verify(b"component", &statement(), &signature), Err(SignatureError::For { what: "merchant", .. })));
    }

    /// A key and a signature of minisign's own, from its documentation.
    #[test]
    fn keys_and_signatures_of_minisign_are_read() {
        let key = PublicKey::parse(
            "untrusted comment: minisign public key E7620F1842B4E81F\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
        )
        .unwrap();
        assert_eq!(key.id(), "E7620F1842B4E81F");
        let signature = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";
        assert_eq!(signing_key(signature).unwrap(), key.id());
        assert_eq!(key.verify(b"test", &statement(), signature), Err(SignatureError::Comment));
        for none in ["", "RW", "untrusted comment: x\n%%%"] {
            assert_eq!(PublicKey::parse(none), Err(SignatureError::PublicKey));
            assert_eq!(SecretKey::parse(none).err(), Some(SignatureError::SecretKey));
            assert_eq!(signing_key(none), Err(SignatureError::Signature));
        }
    }
}
