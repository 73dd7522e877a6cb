//! The operator's signing keys and the verifier keys that others have (c2sp.org/signed-note).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ombud_core::ids::MerchantId;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::note::Signature;
use crate::keys::random;

/// Bytes of a key's name; an operator's leaves room for `/` and a merchant's id.
pub const KEY_NAME_BYTES_MAX: usize = 256;
/// Verifier keys of one file.
pub const VERIFIER_KEYS_MAX: usize = 64;

const PRIVATE: &str = "PRIVATE+KEY+";

/// The name of a key, which is also the origin of the log that it signs: not empty, at most 256 bytes, neither spaces nor
/// control characters nor `+`. It should look like an address without its scheme, e.g. `ombud.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// The text of a note, with Ed25519.
    Note = 1,
    /// A checkpoint at an instant, with Ed25519: a witness's `cosignature/v1`.
    CosignatureV1 = 4,
}

/// A key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogKeyError {
    #[error("`{0}` cannot name a key: 1 to {KEY_NAME_BYTES_MAX} bytes without spaces, control characters and `+` are allowed")]
    Name(String),
    #[error("not a verifier key: expected NAME+ID+KEY, as in `example.com/foo+530d903a+AekyeRrm…`")]
    Verifier,
    #[error("not a signing key: expected PRIVATE+KEY+NAME+ID+KEY")]
    Signing,
    #[error("the id of key `{name}` is {given}, but its name and key give {expected}")]
    Id { name: String, given: String, expected: String },
    #[error("key `{name}` is of signature type {found}, which is not known here; types 1 (Ed25519) and 4 (cosignature/v1) are")]
    Algorithm { name: String, found: u8 },
    #[error("there is no key in the file")]
    Empty,
    #[error("there are more than {VERIFIER_KEYS_MAX} keys in the file")]
    TooMany,
}

impl KeyName {
    /// The name with this text.
    ///
    /// # Errors
    /// [`LogKeyError::Name`].
    pub fn new(text: &str) -> Result<Self, LogKeyError> {
        let bad = |character: char| character.is_whitespace() || character.is_control() || character == '+';
        if text.is_empty() || text.len() > KEY_NAME_BYTES_MAX || text.contains(bad) {
            return Err(LogKeyError::Name(text.chars().take(KEY_NAME_BYTES_MAX).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name of a merchant's log under this operator: `OPERATOR/MERCHANT`.
    pub fn of_merchant(&self, merchant: &MerchantId) -> Self {
        Self(format!("{}/{merchant}", self.0))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256(name ‖ newline ‖ signature type ‖ public key), its first four bytes.
fn key_id(name: &KeyName, algorithm: Algorithm, public: &[u8; 32]) -> u32 {
    let mut hash = Sha256::new();
    hash.update(name.as_str());
    hash.update([b'\n', algorithm as u8]);
    hash.update(public);
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    u32::from_be_bytes([a, b, c, d])
}

/// A key that checks signatures: what an auditor is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    algorithm: Algorithm,
    key: ed25519_dalek::VerifyingKey,
    id: u32,
}

impl VerifierKey {
    fn new(name: KeyName, algorithm: Algorithm, key: ed25519_dalek::VerifyingKey) -> Self {
        let id = key_id(&name, algorithm, key.as_bytes());
        Self { name, algorithm, key, id }
    }

    /// The key's name, which is the origin of the log it belongs to or a witness's name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id, as signatures carry it.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What it checks.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The operator's key under the name of a merchant's log: the same key pair, another name and id.
    pub fn of_merchant(&self, merchant: &MerchantId) -> Self {
        Self::new(self.name.of_merchant(merchant), self.algorithm, self.key)
    }

    /// Whether a signature names this key: name and id.
    pub fn is_named_by(&self, signature: &Signature) -> bool {
        signature.id == self.id && signature.name == self.name.as_str()
    }

    /// Whether these 64 bytes are this key's signature of the message. Only canonical signatures are (RFC 8032; weak keys
    /// are refused).
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    /// The verifier key's line: NAME+ID+KEY.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm as u8], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = LogKeyError;

    fn from_str(text: &str) -> Result<Self, LogKeyError> {
        let parts = Parts::parse(text, LogKeyError::Verifier)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&parts.bytes).map_err(|_| LogKeyError::Verifier)?;
        let key = Self::new(parts.name, parts.algorithm, key);
        check_id(&key, &parts.id)?;
        Ok(key)
    }
}

/// The operator's verifier keys, the newest first: several where keys were rotated. A checkpoint is good where one of them
/// signed it and none of them refutes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKeys(Vec<VerifierKey>);

impl VerifierKeys {
    /// These keys, the newest first.
    ///
    /// # Errors
    /// None or more than [`VERIFIER_KEYS_MAX`].
    pub fn new(keys: Vec<VerifierKey>) -> Result<Self, LogKeyError> {
        match keys.len() {
            0 => Err(LogKeyError::Empty),
            1..=VERIFIER_KEYS_MAX => Ok(Self(keys)),
            _ => Err(LogKeyError::TooMany),
        }
    }

    /// The keys, the newest first.
    pub fn iter(&self) -> std::slice::Iter<'_, VerifierKey> {
        self.0.iter()
    }

    /// The keys as a slice, for [`super::Checkpoint::open`].
    pub fn as_slice(&self) -> &[VerifierKey] {
        &self.0
    }

    /// These keys under the name of a merchant's log.
    pub fn of_merchant(&self, merchant: &MerchantId) -> Self {
        Self(self.0.iter().map(|key| key.of_merchant(merchant)).collect())
    }
}

impl FromStr for VerifierKeys {
    type Err = LogKeyError;

    /// Reads one key a line; empty lines and lines that begin with `#` say nothing.
    fn from_str(text: &str) -> Result<Self, LogKeyError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self::new(lines.take(VERIFIER_KEYS_MAX + 1).map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for VerifierKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|key| writeln!(f, "{key}"))
    }
}

/// A key that signs. It never shows itself but in [`SigningKey::to_text`].
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

impl SigningKey {
    /// A new random key that signs notes under this name.
    pub fn generate(name: KeyName) -> Self {
        Self::from_seed(name, Algorithm::Note, &Zeroizing::new(random()))
    }

    /// The key with this seed.
    pub fn from_seed(name: KeyName, algorithm: Algorithm, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, algorithm, key.verifying_key());
        Self { key, verifier }
    }

    /// Reads a key's line, as [`SigningKey::to_text`] wrote it.
    ///
    /// # Errors
    /// The line is not a signing key, or its id does not fit.
    pub fn parse(text: &str) -> Result<Self, LogKeyError> {
        let rest = text.strip_prefix(PRIVATE).ok_or(LogKeyError::Signing)?;
        let parts = Parts::parse(rest, LogKeyError::Signing)?;
        let key = Self::from_seed(parts.name, parts.algorithm, &parts.bytes);
        check_id(&key.verifier, &parts.id)?;
        Ok(key)
    }

    /// The key's line, for its file: PRIVATE+KEY+NAME+ID+KEY, as the Go module `sumdb/note` has it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new([&[self.verifier.algorithm as u8], &self.key.as_bytes()[..]].concat());
        let key = Zeroizing::new(STANDARD.encode(&*seed));
        Zeroizing::new(format!("{PRIVATE}{}+{:08x}+{}", self.verifier.name, self.verifier.id, &*key))
    }

    /// The key that checks what this one signs.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// This key under the name of a merchant's log.
    pub fn of_merchant(&self, merchant: &MerchantId) -> Self {
        Self { key: self.key.clone(), verifier: self.verifier.of_merchant(merchant) }
    }

    /// Its 64 bytes of signature.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.verifier)
    }
}

/// What a key's line says.
struct Parts {
    name: KeyName,
    algorithm: Algorithm,
    bytes: Zeroizing<[u8; 32]>,
    /// The id as given.
    id: String,
}

impl Parts {
    /// Reads NAME+ID+KEY.
    fn parse(text: &str, malformed: LogKeyError) -> Result<Self, LogKeyError> {
        let (name, rest) = text.split_once('+').ok_or(malformed.clone())?;
        let (id, key) = rest.split_once('+').ok_or(malformed.clone())?;
        let key = Zeroizing::new(STANDARD.decode(key).map_err(|_| malformed.clone())?);
        let (algorithm, key) = key.split_first().ok_or(malformed.clone())?;
        let algorithm = match algorithm {
            1 => Algorithm::Note,
            4 => Algorithm::CosignatureV1,
            other => return Err(LogKeyError::Algorithm { name: name.to_owned(), found: *other }),
        };
        let bytes: [u8; 32] = key.try_into().map_err(|_| malformed)?;
        Ok(Self { name: KeyName::new(name)?, algorithm, bytes: Zeroizing::new(bytes), id: id.to_owned() })
    }
}

/// Checks that the given id is the one that name and key have.
fn check_id(key: &VerifierKey, given: &str) -> Result<(), LogKeyError> {
    let expected = format!("{:08x}", key.id);
    if expected == given {
        return Ok(());
    }
    Err(LogKeyError::Id { name: key.name.to_string(), given: given.chars().take(16).collect(), expected })
}
