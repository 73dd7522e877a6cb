//! Packing: the bodies of a record as one LZ4 block, which for a decision goes on after a dictionary of its kind.
//!
//! # The format
//!
//! | first byte | the rest | dictionary | its SHA-256 |
//! | --- | --- | --- | --- |
//! | 0 | the bytes as they are | none | |
//! | 1 | an LZ4 block | none | |
//! | 2 | an LZ4 block | `dictionaries/after-sale.txt` | `b60b6af38591c942470150281a0340e174195978698ec6ce29a7f824fa0214d8` |
//! | 3 | an LZ4 block | `dictionaries/delay.txt` | `50cc1901b67baf486f05def01a668b192c7d7a4f855437ca901958ed6a3a6e85` |
//! | 4 | an LZ4 block | `dictionaries/blacklist.txt` | `98465ae89a7cbee471f44991f3acd4da237658ebdbeeac75ecd3bfb6637a2a56` |
//! | 5 | an LZ4 block | `dictionaries/reply.txt` | `bfa903c63d0b906bede0c5e38e8a811f6708919d6eefc5c89663c307a8e3de73` |
//!
//! A block is in LZ4's block format, without a frame and without its length: what it unpacks to has the length that the header gives, 32 bytes
//! of salt and its length for each body together, and any other is damage. The dictionary is the whole file as it is; its last byte
//! stands directly before the first that is unpacked. Decisions are packed by their kind, events without a decision and acts with 1, and
//! either with 0 where a block would be no smaller. Who reads goes by the byte alone: every number may stand in every record.
//!
//! # The dictionaries
//!
//! The dictionaries hold bodies of the demonstration's tickets, picked one after the other by what they spare in the bodies of the others.
//! A decision that none of them was made from takes 40 % of the room that it takes without, is packed in less time and unpacked in half of it.
//! They are part of the format: what stands in one is never changed, and a better one gets a number of its own.

use lz4_flex::block;
use ombud_core::kind::Kind;

use super::{SEALED_BYTES_MAX, UnsealError};

/// How bytes stand that follow, by the byte before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As they are.
    Plain,
    /// An LZ4 block.
    Block,
    /// An LZ4 block after the first dictionary of a kind.
    After(Kind),
}

impl Packing {
    /// By their numbers.
    const ALL: [Self; 6] = [
        Self::Plain,
        Self::Block,
        Self::After(Kind::AfterSale),
        Self::After(Kind::Delay),
        Self::After(Kind::Blacklist),
        Self::After(Kind::Reply),
    ];

    fn number(self) -> u8 {
        // Every packing is listed, and they are few.
        Self::ALL.iter().position(|known| *known == self).unwrap_or_default() as u8
    }

    /// What the block goes on after; nothing where it stands alone.
    const fn dictionary(self) -> &'static [u8] {
        match self {
            Self::Plain | Self::Block => &[],
            Self::After(Kind::AfterSale) => include_bytes!("dictionaries/after-sale.txt"),
            Self::After(Kind::Delay) => include_bytes!("dictionaries/delay.txt"),
            Self::After(Kind::Blacklist) => include_bytes!("dictionaries/blacklist.txt"),
            Self::After(Kind::Reply) => include_bytes!("dictionaries/reply.txt"),
        }
    }

    /// Appends bytes packed in this way, or as they are where packing does not make them smaller.
    pub(super) fn pack(self, plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        if self != Self::Plain {
            out.push(self.number());
            out.resize(start + 1 + block::get_maximum_output_size(plain.len()), 0);
            let into = out.get_mut(start + 1..).unwrap_or_default();
            let packed = match self.dictionary() {
                [] => block::compress_into(plain, into),
                dictionary => block::compress_into_with_dict(plain, into, dictionary),
            };
            if let Ok(packed) = packed
                && packed < plain.len()
            {
                return out.truncate(start + 1 + packed);
            }
            out.truncate(start);
        }
        out.push(Self::Plain.number());
        out.extend_from_slice(plain);
    }
}

/// The bytes that were packed, if they are so many, and no more than [`SEALED_BYTES_MAX`].
///
/// # Errors
/// [`UnsealError::Damaged`] where they are not, [`UnsealError::Packing`] where a later release packed them.
pub(super) fn unpack(packed: &[u8], bytes: usize) -> Result<Vec<u8>, UnsealError> {
    let (number, rest) = packed.split_first().ok_or(UnsealError::Damaged)?;
    let packing = *Packing::ALL.get(usize::from(*number)).ok_or(UnsealError::Packing(*number))?;
    if bytes > SEALED_BYTES_MAX {
        return Err(UnsealError::Damaged);
    }
    let plain = match (packing, packing.dictionary()) {
        (Packing::Plain, _) => rest.to_vec(),
        (_, []) => block::decompress(rest, bytes).map_err(|_| UnsealError::Damaged)?,
        (_, dictionary) => block::decompress_with_dict(rest, bytes, dictionary).map_err(|_| UnsealError::Damaged)?,
    };
    if plain.len() == bytes { Ok(plain) } else { Err(UnsealError::Damaged) }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::Digest;

    fn packed(packing: Packing, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        packing.pack(plain, &mut out);
        out
    }

    proptest! {
        #[test]
        fn bytes_survive_each_packing(random in vec(any::<u8>(), 0..2000), from in 0_usize..12_000, len in 0_usize..3000, again in 1_usize..30) {
            for packing in Packing::ALL {
                // Some that the dictionary has, some that it has not, and what repeats itself.
                let dictionary = packing.dictionary();
                let known = dictionary.get(from..(from + len).min(dictionary.len())).unwrap_or_default();
                let plain = [random.as_slice(), known].concat().repeat(again);
                let packed = packed(packing, &plain);
                prop_assert!(packed.len() <= plain.len() + 1);
                prop_assert_eq!(unpack(&packed, plain.len()), Ok(plain.clone()));
                prop_assert_eq!(unpack(&packed, plain.len() + 1), Err(UnsealError::Damaged));
                if let Some(fewer) = plain.len().checked_sub(1) {
                    prop_assert_eq!(unpack(&packed, fewer), Err(UnsealError::Damaged));
                }
            }
        }

        /// Whoever has the key may have written anything.
        #[test]
        fn no_bytes_are_too_much(number in 0_u8..6, block in vec(any::<u8>(), 0..300), bytes in 0_usize..100_000) {
            let packed = [&[number], block.as_slice()].concat();
            match unpack(&packed, bytes) {
                Ok(plain) => prop_assert_eq!(plain.len(), bytes),
                Err(error) => prop_assert_eq!(error, UnsealError::Damaged),
            }
        }
    }

    #[test]
    fn a_packing_of_a_later_release_is_no_damage() {
        assert_eq!(unpack(&[6, 0], 1), Err(UnsealError::Packing(6)));
        assert_eq!(unpack(&[255], 1), Err(UnsealError::Packing(255)));
    }

    #[test]
    fn a_block_of_another_length_or_of_no_sense_is_damaged() {
        for packing in Packing::ALL {
            for (len, fits) in [(42, true), (43, false), (41, false)] {
                let plain = vec![7; len];
                assert_eq!(unpack(&packed(packing, &plain), 42), fits.then_some(plain).ok_or(UnsealError::Damaged));
            }
            let number = packing.number();
            for bad in [&[][..], &[number], &[number, 0xff, 0xff, 0xff]] {
                assert_eq!(unpack(bad, 42), Err(UnsealError::Damaged), "{bad:?}");
            }
            // Whoever says that a small block holds more than any record may is not believed.
            assert_eq!(unpack(&[number, 0x10, 7], u32::MAX as usize + 32), Err(UnsealError::Damaged));
        }
    }

    #[test]
    fn what_is_unpacked_is_bounded() {
        for packing in Packing::ALL {
            for (bytes, fits) in [(SEALED_BYTES_MAX, true), (SEALED_BYTES_MAX + 1, false)] {
                let unpacked = unpack(&packed(packing, &vec![7; bytes]), bytes);
                assert_eq!(unpacked.map(|plain| plain.len()), fits.then_some(bytes).ok_or(UnsealError::Damaged));
            }
        }
    }

    #[test]
    fn the_dictionaries_never_change() {
        let digests = Packing::ALL.map(|packing| (packing.number(), Digest::of(packing.dictionary()).to_string()));
        let expected = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (2, "b60b6af38591c942470150281a0340e174195978698ec6ce29a7f824fa0214d8"),
            (3, "50cc1901b67baf486f05def01a668b192c7d7a4f855437ca901958ed6a3a6e85"),
            (4, "98465ae89a7cbee471f44991f3acd4da237658ebdbeeac75ecd3bfb6637a2a56"),
            (5, "bfa903c63d0b906bede0c5e38e8a811f6708919d6eefc5c89663c307a8e3de73"),
        ];
        assert_eq!(
            digests,
            expected.map(|(number, digest)| (number, digest.to_owned())),
            "records of earlier releases would not open any more"
        );
    }
}
