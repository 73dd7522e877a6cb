//! Tiles and entry bundles with their paths (c2sp.org/tlog-tiles).

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::proof::HashReader;
use super::tree::{Subtree, node_hash};
use crate::Digest;

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 1 << TILE_HEIGHT;
/// The highest level: 2^64 leaves have no more.
const TILE_LEVEL_MAX: u8 = 63;
/// Bytes of the longest entry of a bundle: its length stands in two bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// What a tile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileLevel {
    /// Hashes: of leaves at level 0, of full tiles of the level below at the others.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// A tile's place and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    pub level: TileLevel,
    /// The tile's number within its level.
    pub index: u64,
    /// Its hashes or entries, 1 to 256; fewer than 256 in a partial tile.
    pub width: u16,
}

/// A path does not name a tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no tile: expected tile/<level>/<index> or tile/entries/<index>, index as in x001/x234/067, with .p/<width> where partial"
)]
pub struct TilePathError(String);

/// An entry bundle cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    #[error("an entry of {0} bytes is longer than {ENTRY_BYTES_MAX}")]
    TooLong(usize),
    #[error("the bundle ends inside its entry {0}")]
    Cut(usize),
}

impl Tile {
    /// The tile at this place in a tree of `size` leaves, with the width that it has there; none where it would be empty.
    pub fn in_tree(level: TileLevel, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(level.height()).unwrap_or(0);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = hashes.checked_sub(before).filter(|width| *width > 0)?.min(u64::from(TILE_WIDTH));
        // At most 256.
        Some(Self { level, index, width: width as u16 })
    }

    /// The leaves under its hashes, or its entries; none where they would lie beyond 2^64.
    pub fn leaves(&self) -> Option<Range<u64>> {
        let each = 1_u64.checked_shl(self.level.height())?;
        let from = self.index.checked_mul(u64::from(TILE_WIDTH))?.checked_mul(each)?;
        Some(from..from.checked_add(u64::from(self.width).checked_mul(each)?)?)
    }

    /// Whether a tree of `size` leaves has it: full, or partial with this width or more.
    pub fn is_in_tree(&self, size: u64) -> bool {
        Self::in_tree(self.level, self.index, size).is_some_and(|tile| tile.width >= self.width)
    }

    /// Whether it is full, and so never changes.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

impl TileLevel {
    /// The height of its hashes above the leaves.
    const fn height(self) -> u32 {
        match self {
            Self::Hashes(level) => level as u32 * TILE_HEIGHT as u32,
            Self::Entries => 0,
        }
    }
}

impl fmt::Display for Tile {
    /// The tile's path without a leading slash, e.g. `tile/0/x001/x234/067.p/8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            TileLevel::Hashes(level) => write!(f, "tile/{level}/")?,
            TileLevel::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            if left > 0 { write!(f, "x{group:03}/")? } else { write!(f, "{group:03}")? }
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = TilePathError;

    /// Reads a path as [`Tile`] writes it, and no other spelling.
    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let parse = || {
            let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
            let level = if level == "entries" { TileLevel::Entries } else { TileLevel::Hashes(level.parse().ok()?) };
            let (index, width) = match place.split_once(".p/") {
                Some((index, width)) => (index, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?),
                None => (place, TILE_WIDTH),
            };
            let mut number = 0_u64;
            for group in index.split('/') {
                let group: u64 = group.trim_start_matches('x').parse().ok()?;
                number = number.checked_mul(1000)?.checked_add(group)?;
            }
            Some(Self { level, index: number, width })
        };
        let in_bounds = |tile: &Self| !matches!(tile.level, TileLevel::Hashes(level) if level > TILE_LEVEL_MAX);
        // Leading zeroes, signs and missing or misplaced `x` are other spellings.
        let tile = parse().filter(in_bounds).filter(|tile| tile.to_string() == path);
        tile.ok_or_else(|| TilePathError(path.chars().take(64).collect()))
    }
}

/// Where tiles come from: a database, files, a server.
pub trait TileReader {
    type Error;

    /// The hashes of a tile of level [`TileLevel::Hashes`], exactly as many as it is wide.
    fn tile(&self, tile: Tile) -> Result<Vec<Digest>, Self::Error>;
}

/// The hashes of a tree of `size` leaves, read from its tiles; each tile is read once.
pub struct TileHashes<R> {
    reader: R,
    size: u64,
    read: RefCell<HashMap<Tile, Vec<Digest>>>,
}

/// A hash could not be read from its tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError<E> {
    #[error("subtree {index} of height {height} is not in the tree of {size} leaves")]
    Absent { height: u8, index: u64, size: u64 },
    #[error("{tile} has {found} hashes")]
    Width { tile: Tile, found: usize },
    #[error("{0}")]
    Read(#[from] E),
}

impl<R: TileReader> TileHashes<R> {
    /// The tree of `size` leaves whose tiles `reader` has.
    pub fn new(reader: R, size: u64) -> Self {
        Self { reader, size, read: RefCell::new(HashMap::new()) }
    }
}

impl<R: TileReader> HashReader for TileHashes<R> {
    type Error = TileError<R::Error>;

    fn hash(&self, subtree: Subtree) -> Result<Digest, Self::Error> {
        let Subtree { height, index } = subtree;
        let absent = TileError::Absent { height, index, size: self.size };
        let (level, within) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        // The subtree's first hash in its level, then in its tile.
        let Some(first) = index.checked_shl(u32::from(within)).filter(|first| first >> within == index) else { return Err(absent) };
        let (number, at) = (first / u64::from(TILE_WIDTH), (first % u64::from(TILE_WIDTH)) as usize);
        let Some(tile) = Tile::in_tree(TileLevel::Hashes(level), number, self.size) else { return Err(absent) };
        if !self.read.borrow().contains_key(&tile) {
            let hashes = self.reader.tile(tile)?;
            if hashes.len() != usize::from(tile.width) {
                return Err(TileError::Width { tile, found: hashes.len() });
            }
            self.read.borrow_mut().insert(tile, hashes);
        }
        let read = self.read.borrow();
        read.get(&tile).and_then(|hashes| complete(hashes.get(at..at + (1 << within))?)).ok_or(absent)
    }
}

/// The hash of a complete subtree whose hashes at some level these are: a power of two of them.
fn complete(hashes: &[Digest]) -> Option<Digest> {
    match hashes {
        [] => None,
        [hash] => Some(*hash),
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(node_hash(&complete(left)?, &complete(right)?))
        }
    }
}

/// The bytes of a tile: its hashes, one after the other.
pub fn encode_tile(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile's bytes; none where they are not a whole number of hashes.
pub fn decode_tile(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.iter().map(|hash| Digest(*hash)).collect())
}

/// The bytes of an entry bundle: each entry behind its length in two bytes, big-endian.
///
/// # Errors
/// An entry longer than [`ENTRY_BYTES_MAX`]; headers are far shorter.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLong(entry.len()))?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle's bytes.
///
/// # Errors
/// The bundle is cut off.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let cut = BundleError::Cut(entries.len());
        let (length, after) = rest.split_first_chunk::<2>().ok_or(cut)?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(cut)?;
        entries.push(entry);
        rest = after;
    }
    Ok(entries)
}
