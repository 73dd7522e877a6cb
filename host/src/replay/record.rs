//! A record as stored, decoded and opened.

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::DataKey;
use ombud_ledger::seal::{UnsealError, Unsealed};
use ombud_ledger::{BodyKind, Header, HeaderError, Stray};

/// A record with its bodies.
#[derive(Debug)]
pub struct Record {
    /// The header.
    pub header: Header,
    /// The bodies.
    pub bodies: Bodies,
}

/// The bodies of a record.
#[derive(Debug)]
pub enum Bodies {
    /// Opened, each what the header commits to.
    Opened(Vec<(BodyKind, Vec<u8>)>),
    /// Opened from the sealed part that the header commits to; see [`Bodies::unsealed`].
    Unsealed(Unsealed),
    /// Their key was erased.
    Erased,
}

/// Why stored bytes are not the record that belongs there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The log has it, and there are no bytes of it.
    #[error("record {0} is missing")]
    Missing(u64),
    /// The log has them, and nothing is listed of them; the end is not one of them.
    #[error("records {0} to {last} are missing", last = .1 - 1)]
    AllMissing(u64, u64),
    /// They are listed behind the log's end; the last number is not one of them.
    #[error("the log has {0} records, and more are listed behind its end, up to place {last}", last = .1 - 1)]
    Behind(u64, u64),
    /// The header's bytes.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A sound header of another place.
    #[error("the header is of record {seq} of `{merchant}`")]
    Place { merchant: MerchantId, seq: u64 },
    /// The header is not the leaf that was listed.
    #[error("the header is not the one whose hash is in the log")]
    Leaf,
    /// What the listing says of it, which decides whether it is found.
    #[error("its {0} is listed otherwise than its header has it")]
    Listed(&'static str),
    /// The sealed part.
    #[error(transparent)]
    Sealed(#[from] UnsealError),
    /// A body that nobody reads.
    #[error(transparent)]
    Stray(#[from] Stray),
    /// The subject's key.
    #[error("{0}")]
    Key(String),
    /// No key of its subjects is there, and none of them was erased.
    #[error("its key is missing: nobody it is listed with was erased, and no key of theirs is there")]
    NoKey,
    /// A body that does not read as what it should be.
    #[error("the {body} body cannot be read: {detail}")]
    Body { body: &'static str, detail: String },
}

impl Bodies {
    /// Opens bodies and checks each against its own commitment.
    pub fn opened(header: &Header, key: &DataKey, sealed: &[u8]) -> Result<Self, UnsealError> {
        header.open(Some(key), sealed).map(Self::Opened)
    }

    /// The same without hashing each body once more, for many records of one's own store.
    pub fn unsealed(header: &Header, key: &DataKey, sealed: &[u8]) -> Result<Self, UnsealError> {
        header.unseal(Some(key), sealed).map(Self::Unsealed)
    }
}

impl Record {
    /// Decodes the header and opens the bodies, by [`Bodies::opened`] or [`Bodies::unsealed`], with the first of `keys` that fits:
    /// those of the record's subjects which were not erased. Where none fits the bodies are erased, unless `kept` says that the
    /// subject's key was not.
    ///
    /// # Errors
    /// What is stored is not the record `seq` of `merchant`, or not what its header commits to.
    pub fn open<'k>(
        merchant: &MerchantId,
        seq: u64,
        header: &[u8],
        sealed: &[u8],
        keys: impl IntoIterator<Item = &'k DataKey>,
        kept: bool,
        bodies: fn(&Header, &DataKey, &[u8]) -> Result<Bodies, UnsealError>,
    ) -> Result<Self, Damage> {
        let header = Header::decode(header)?;
        if header.merchant != *merchant || header.seq != seq {
            return Err(Damage::Place { merchant: header.merchant, seq: header.seq });
        }
        let mut tried = false;
        for key in keys {
            tried = true;
            match bodies(&header, key, sealed) {
                Ok(bodies) => return Ok(Self { header, bodies }),
                Err(UnsealError::WrongKey) => {}
                Err(error) => return Err(error.into()),
            }
        }
        header.intact(sealed)?;
        if kept {
            return Err(if tried { UnsealError::WrongKey.into() } else { Damage::NoKey });
        }
        Ok(Self { header, bodies: Bodies::Erased })
    }

    /// Whether the key of the bodies was erased.
    pub const fn is_erased(&self) -> bool {
        matches!(self.bodies, Bodies::Erased)
    }

    /// One body as text; none where there is none of the kind, or it is erased.
    pub fn body(&self, kind: BodyKind) -> Option<&str> {
        self.bytes(kind).and_then(|bytes| simdutf8::basic::from_utf8(bytes).ok())
    }

    /// The bytes of one body; none where there is none of the kind, or it is erased.
    pub fn bytes(&self, kind: BodyKind) -> Option<&[u8]> {
        match &self.bodies {
            Bodies::Opened(bodies) => bodies.iter().find(|(own, _)| *own == kind).map(|(_, bytes)| bytes.as_slice()),
            Bodies::Unsealed(bodies) => bodies.body(kind),
            Bodies::Erased => None,
        }
    }
}
