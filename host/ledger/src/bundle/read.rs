//! Reads a bundle item by item.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::ITEM_BYTES_MAX;
use super::item::Item;
use crate::Digest;

/// The two bytes of tag 24, an embedded CBOR item.
const TAG: [u8; 2] = [0xd8, 0x18];
/// The major type of byte strings.
const BYTES: u8 = 0x40;

/// Reads items. It holds one at a time.
pub struct Reader<R: Read> {
    input: R,
    offset: u64,
    hash: Sha256,
    frame: Vec<u8>,
}

/// The sequence cannot be followed any further.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the file ends in the middle of an item")]
    CutOff,
    #[error("no item begins here")]
    NoItem,
    #[error("an item of {bytes} bytes begins here, at most {ITEM_BYTES_MAX} are allowed")]
    TooLarge { bytes: u64 },
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// An item, or why it is none, with the place of its frame.
pub(super) struct Found {
    /// Where its frame begins, in bytes.
    pub(super) offset: u64,
    /// The item, or in words why it is none.
    pub(super) item: Result<Item, String>,
}

impl<R: Read> Reader<R> {
    /// Reads from the beginning. The input should be buffered.
    pub fn new(input: R) -> Self {
        Self { input, offset: 0, hash: Sha256::new(), frame: Vec::new() }
    }

    /// Bytes read so far.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// SHA-256 of all items read so far but the end.
    pub fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }

    /// The next item; none at the end of the file.
    ///
    /// # Errors
    /// What comes is no item at all, so that the place of the next one is not known.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Broken> {
        let offset = self.offset;
        self.frame.clear();
        match self.take(1) {
            Err(Broken::CutOff) => return Ok(None),
            taken => taken?,
        }
        self.take(2)?;
        let (tag, length) = self.frame.split_at_checked(TAG.len()).ok_or(Broken::NoItem)?;
        let (Some(head), true) = (length.first().copied(), tag == TAG) else { return Err(Broken::NoItem) };
        if head & 0xe0 != BYTES {
            return Err(Broken::NoItem);
        }
        let (bytes, shortest) = match head & 0x1f {
            short @ 0..24 => (u64::from(short), 0),
            24 => (self.number(1)?, 24),
            25 => (self.number(2)?, 1 << 8),
            26 => (self.number(4)?, 1 << 16),
            27 => (self.number(8)?, 1 << 32),
            _ => return Err(Broken::NoItem),
        };
        if bytes < shortest {
            return Err(Broken::NoItem);
        }
        let length = usize::try_from(bytes).ok().filter(|bytes| *bytes <= ITEM_BYTES_MAX).ok_or(Broken::TooLarge { bytes })?;
        let start = self.frame.len();
        self.take(length)?;
        let item = Item::decode(self.frame.get(start..).unwrap_or_default());
        if !matches!(item, Ok(Item::End(_))) {
            self.hash.update(&self.frame);
        }
        Ok(Some(Found { offset, item }))
    }

    /// Appends so many bytes of the input to the frame. A length that is announced takes no memory before its bytes come.
    fn take(&mut self, bytes: usize) -> Result<(), Broken> {
        let read = (&mut self.input).take(bytes as u64).read_to_end(&mut self.frame)?;
        self.offset += read as u64;
        if read == bytes { Ok(()) } else { Err(Broken::CutOff) }
    }

    /// A number of so many bytes, big-endian.
    fn number(&mut self, bytes: usize) -> Result<u64, Broken> {
        let start = self.frame.len();
        self.take(bytes)?;
        let number = self.frame.get(start..).unwrap_or_default();
        Ok(number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}
