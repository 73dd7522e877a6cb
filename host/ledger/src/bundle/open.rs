//! Opens a record of a bundle: its header, the commitments of its sealed bodies, and the bodies with the key it carries.

use super::item::{Key, Manifest, Record};
use super::problem::{Part, Problem};
use super::verify::place;
use crate::seal::UnsealError;
use crate::{BodyKind, Header};

/// A record whose header and sealed part are sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub header: Header,
    pub bodies: Bodies,
}

/// The bodies of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// Opened, each what the header commits to.
    Opened(Vec<(BodyKind, Vec<u8>)>),
    /// Their key was erased.
    Erased,
    /// Their key was left out.
    Masked,
}

impl Record {
    /// Opens the record, which must be one of this merchant at this place.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(&self, manifest: &Manifest) -> Result<Opened, Problem> {
        let header = place(&self.header, manifest, self.seq)?;
        let unsealed = |error: UnsealError| {
            let part = match &error {
                UnsealError::Damaged | UnsealError::Packing(_) => Part::Sealed,
                UnsealError::Erased | UnsealError::WrongKey => Part::Key,
                UnsealError::Forged { .. } => Part::Body,
            };
            Problem::at(self.seq, part, error)
        };
        let key = |what| Err(Problem::at(self.seq, Part::Key, what));
        let bodies = match (&self.key, manifest.masked) {
            (Key::None, _) if header.detached.is_none() => Bodies::Opened(Vec::new()),
            (Key::None, _) => return key("it is not here, though there are sealed bodies"),
            _ if header.detached.is_none() => return key("something stands where there are no sealed bodies"),
            (Key::Data(key), false) => Bodies::Opened(header.open(Some(key), &self.sealed).map_err(unsealed)?),
            (Key::Erased, _) => Bodies::Erased,
            (Key::Masked, true) => Bodies::Masked,
            (Key::Masked, false) => return key("it was left out, though the bundle claims to be full"),
            (Key::Data(_), true) => return key("it is here, though the bundle claims to be masked"),
            (Key::Missing, _) => return key("the store has it not, or damaged, and it was not erased"),
        };
        header.intact(&self.sealed).map_err(unsealed)?;
        Ok(Opened { header, bodies })
    }
}
