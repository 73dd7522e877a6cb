//! Signed notes (c2sp.org/signed-note): a text and the signatures below it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cosignature;
use super::key::{Algorithm, SigningKey, VerifierKey};

/// Signatures of one note.
pub const SIGNATURES_MAX: usize = 64;
/// Bytes of one note; signatures that are safe against quantum computers have nearly 5 kB each.
pub(crate) const NOTE_BYTES_MAX: usize = 1 << 20;

/// What begins a signature's line: em dash, space.
const MARK: &str = "\u{2014} ";

/// A text with signatures, none of which need be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: u32,
    /// What follows the id: 64 bytes with Ed25519, 72 in a `cosignature/v1`.
    pub bytes: Vec<u8>,
}

/// A note is not well formed, or not signed as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note has {0} bytes, at most {NOTE_BYTES_MAX} are allowed")]
    TooLarge(usize),
    #[error("the note is malformed: {0}")]
    Malformed(&'static str),
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    TooMany,
    #[error("the signature of key `{name}` ({id:08x}) is wrong: the text was changed, or somebody else signed it")]
    Wrong { name: String, id: u32 },
    #[error("the note is not signed by {0}")]
    Unsigned(String),
}

/// A note is kept in another way than it was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptNoteError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("a key that is not known has signed it: `{name}` ({id:08x})")]
    Stranger { name: String, id: u32 },
    #[error("it is not spelled as it was signed")]
    Spelling,
}

impl Note {
    /// An unsigned note.
    ///
    /// # Errors
    /// The text does not end with a newline, or has control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        if !text.ends_with('\n') {
            return Err(NoteError::Malformed("its text does not end with a newline"));
        }
        check_characters(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note; whether its signatures are good is [`Note::verify`]'s matter.
    ///
    /// # Errors
    /// What is not a note by the format: no blank line, no signature, control characters, other spellings of base64.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge(note.len()));
        }
        check_characters(note)?;
        let at = note.rfind("\n\n").ok_or(NoteError::Malformed("there is no blank line between text and signatures"))?;
        let (text, signatures) = (note.get(..=at), note.get(at + 2..));
        let (Some(text), Some(signatures)) = (text, signatures) else { return Err(NoteError::Malformed("it is cut off")) };
        if signatures.is_empty() {
            return Err(NoteError::Malformed("there is no signature"));
        }
        Ok(Self { text: text.to_owned(), signatures: parse_signatures(signatures)? })
    }

    /// Reads a note that is kept where nobody but its signers adds to it: every signature names one of these keys, for what nobody can
    /// check does not belong there. Whether they are good is [`Note::verify`]'s matter.
    ///
    /// # Errors
    /// As [`Note::parse`]; another key; the same bytes in another spelling.
    pub fn kept(note: &str, keys: &[VerifierKey]) -> Result<Self, KeptNoteError> {
        let parsed = Self::parse(note)?;
        let stranger = parsed.signatures.iter().find(|signature| !keys.iter().any(|key| key.is_named_by(signature)));
        match stranger {
            Some(Signature { name, id, .. }) => Err(KeptNoteError::Stranger { name: name.clone(), id: *id }),
            None if parsed.to_string() != note => Err(KeptNoteError::Spelling),
            None => Ok(parsed),
        }
    }

    /// Reads a note that is published: these keys of the log and these witnesses have signed it, each witness well, and nobody else.
    /// Whether the log's keys did is [`Note::verify`]'s matter.
    ///
    /// # Errors
    /// As [`Note::kept`]; a witness's signature that is not its.
    pub fn published(note: &str, keys: &[VerifierKey], witnesses: &[VerifierKey]) -> Result<Self, KeptNoteError> {
        let parsed = Self::kept(note, &[keys, witnesses].concat())?;
        match parsed.verify(witnesses) {
            // No witness needs to have seen it.
            Ok(_) | Err(NoteError::Unsigned(_)) => Ok(parsed),
            Err(error) => Err(error.into()),
        }
    }

    /// The text, which ends with a newline. Trust it only after [`Note::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, good or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Signs the text as well. A signature of the same key is replaced.
    pub fn sign(&mut self, key: &SigningKey) {
        self.add(Signature {
            name: key.verifier().name().to_string(),
            id: key.verifier().id(),
            bytes: key.sign(self.text.as_bytes()).into(),
        });
    }

    /// Adds a signature made elsewhere; one with the same name and id is replaced.
    pub fn add(&mut self, signature: Signature) {
        match self.signatures.iter_mut().find(|known| known.name == signature.name && known.id == signature.id) {
            Some(known) => *known = signature,
            None => self.signatures.push(signature),
        }
    }

    /// The keys that signed this note. Signatures of keys that are not asked for say nothing.
    ///
    /// # Errors
    /// [`NoteError::Wrong`] where a signature that names one of these keys is not its; [`NoteError::Unsigned`] where none of
    /// them signed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signed = Vec::new();
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| key.is_named_by(signature)) {
                let good = match key.algorithm() {
                    Algorithm::Note => key.verifies(self.text.as_bytes(), &signature.bytes),
                    Algorithm::CosignatureV1 => cosignature::verify(key, &self.text, signature).is_some(),
                };
                if !good {
                    return Err(NoteError::Wrong { name: signature.name.clone(), id: signature.id });
                }
                signed.push(key);
            }
        }
        if !signed.is_empty() {
            return Ok(signed);
        }
        let wanted: Vec<String> = keys.iter().map(|key| format!("`{}` ({:08x})", key.name(), key.id())).collect();
        Err(NoteError::Unsigned(if wanted.is_empty() { "any key: none was given".to_owned() } else { wanted.join(" or ") }))
    }
}

impl fmt::Display for Note {
    /// The note's bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for Signature {
    /// The signature's line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes()[..], &self.bytes].concat();
        write!(f, "{MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// Reads signature lines, each ending with a newline: the end of a note, or a witness's answer.
///
/// # Errors
/// A line that is not a signature's; more than [`SIGNATURES_MAX`].
pub fn parse_signatures(lines: &str) -> Result<Vec<Signature>, NoteError> {
    let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed("it does not end with a newline"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == SIGNATURES_MAX {
            return Err(NoteError::TooMany);
        }
        signatures.push(parse_signature(line).ok_or(NoteError::Malformed("a line below the blank line is not a signature"))?);
    }
    Ok(signatures)
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix(MARK)?.split_once(' ')?;
    let bytes = STANDARD.decode(bytes).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    let named = !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || character == '+');
    (named && !bytes.is_empty()).then(|| Signature { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Malformed("it has control characters"));
    }
    Ok(())
}
