//! Reads items strictly: what is accepted is what would be written.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;
use ombud_core::ids::MerchantId;

use super::encode::{BLOB, CHECKPOINT, END, GROWTH, KEY_ERASED, KEY_MASKED, KEY_MISSING, MANIFEST, NEIGHBOUR, RANGE, RECORD, TROUBLE};
use super::item::{Counts, End, Growth, Item, Key, Manifest, Neighbour, Record, Window};
use super::{FORMATS, MAGIC};
use crate::Digest;
use crate::keys::DataKey;
use crate::log::{KeyName, RangeProof};
use crate::unread::told;

/// Hashes of one proof: a tree has at most 2^63 leaves.
const HASHES_MAX: u64 = 64;

impl Item {
    /// Reads the embedded item.
    ///
    /// # Errors
    /// In words: no such item, another format, or another spelling than this version's.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut decoder = Decoder::new(bytes);
        let item = item(&mut decoder).map_err(|error| told(&error))?;
        if let Self::Manifest(manifest) = &item {
            manifest.check().map_err(|error| error.to_string())?;
        }
        // The one check for every rule of the encoding, trailing bytes included.
        let mut again = Vec::with_capacity(bytes.len());
        item.piece().write(&mut again);
        if again == bytes { Ok(item) } else { Err("it is not in its canonical encoding".to_owned()) }
    }
}

fn item(decoder: &mut Decoder<'_>) -> Result<Item, Error> {
    let elements = decoder.array()?.ok_or_else(|| Error::message("its length is not given"))?;
    let number = decoder.u64()?;
    let expected = match number {
        MANIFEST => 13,
        CHECKPOINT | TROUBLE => 2,
        RANGE | BLOB => 3,
        GROWTH | NEIGHBOUR => 4,
        RECORD => 6,
        END => 7,
        other => return Err(Error::message(format!("no item has the number {other}"))),
    };
    if elements != expected {
        return Err(Error::message(format!("item {number} has {expected} elements, not {elements}")));
    }
    Ok(match number {
        MANIFEST => Item::Manifest(manifest(decoder)?),
        CHECKPOINT => Item::Checkpoint(decoder.str()?.to_owned()),
        RANGE => Item::Range(RangeProof { left: hashes(decoder)?, right: hashes(decoder)? }),
        GROWTH => Item::Growth(Growth {
            old_size: decoder.u64()?,
            proof: hashes(decoder)?,
            checkpoint: optional(decoder, |decoder| decoder.str().map(str::to_owned))?,
        }),
        BLOB => Item::Blob { digest: digest(decoder)?, bytes: optional(decoder, |decoder| Ok(decoder.bytes()?.to_vec()))? },
        RECORD => Item::Record(Record {
            seq: decoder.u64()?,
            leaf: digest(decoder)?,
            header: decoder.bytes()?.to_vec(),
            sealed: decoder.bytes()?.to_vec(),
            key: key(decoder)?,
        }),
        NEIGHBOUR => Item::Neighbour(Neighbour { seq: decoder.u64()?, leaf: digest(decoder)?, header: decoder.bytes()?.to_vec() }),
        TROUBLE => Item::Trouble(decoder.str()?.to_owned()),
        _ => Item::End(End {
            counts: Counts { records: decoder.u64()?, blobs: decoder.u64()?, checkpoints: decoder.u64()?, troubles: decoder.u64()? },
            digest: digest(decoder)?,
            note: decoder.str()?.to_owned(),
        }),
    })
}

fn manifest(decoder: &mut Decoder<'_>) -> Result<Manifest, Error> {
    if decoder.str()? != MAGIC {
        return Err(Error::message("it is no bundle of Ombud's"));
    }
    let format = decoder.u64()?;
    if !FORMATS.contains(&format) {
        let (first, last) = FORMATS.into_inner();
        return Err(Error::message(format!("it has format {format}, this version reads formats {first} to {last}: use a newer release")));
    }
    Ok(Manifest {
        format,
        origin: KeyName::new(decoder.str()?).map_err(|error| Error::message(error.to_string()))?,
        merchant: MerchantId::new(decoder.str()?).map_err(|error| Error::message(error.to_string()))?,
        window: Window { from_ms: optional(decoder, Decoder::i64)?, to_ms: optional(decoder, Decoder::i64)? },
        records: decoder.u64()?..decoder.u64()?,
        tree_size: decoder.u64()?,
        masked: decoder.bool()?,
        made_at_ms: decoder.i64()?,
        made_by: decoder.str()?.to_owned(),
    })
}

fn optional<'b, T>(decoder: &mut Decoder<'b>, read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Error>) -> Result<Option<T>, Error> {
    if decoder.datatype()? == Type::Null { decoder.null().map(|()| None) } else { read(decoder).map(Some) }
}

fn digest(decoder: &mut Decoder<'_>) -> Result<Digest, Error> {
    decoder.bytes()?.try_into().map(Digest).map_err(|_| Error::message("a hash has 32 bytes"))
}

fn hashes(decoder: &mut Decoder<'_>) -> Result<Vec<Digest>, Error> {
    match decoder.array()? {
        Some(count @ 0..=HASHES_MAX) => (0..count).map(|_| digest(decoder)).collect(),
        _ => Err(Error::message(format!("a proof has at most {HASHES_MAX} hashes"))),
    }
}

fn key(decoder: &mut Decoder<'_>) -> Result<Key, Error> {
    match decoder.datatype()? {
        Type::Bytes => return Ok(Key::Data(DataKey::from_bytes(digest(decoder)?.0))),
        Type::Null => return decoder.null().map(|()| Key::None),
        _ => {}
    }
    match decoder.u64()? {
        KEY_ERASED => Ok(Key::Erased),
        KEY_MASKED => Ok(Key::Masked),
        KEY_MISSING => Ok(Key::Missing),
        other => Err(Error::message(format!("{other} stands for no reason why there is no key"))),
    }
}
