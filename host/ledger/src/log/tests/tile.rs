//! Tiles, their paths and entry bundles.

use std::convert::Infallible;

use proptest::prelude::*;

use super::super::proof::{prove_consistency, prove_inclusion, root};
use super::super::tile::{
    BundleError, ENTRY_BYTES_MAX, TILE_WIDTH, Tile, TileError, TileHashes, TileLevel, TileReader, decode_bundle, decode_tile,
    encode_bundle, encode_tile,
};
use super::super::{HashReader, Subtree};
use super::{InMemory, leaves, mth};
use crate::Digest;

const fn tile(level: u8, index: u64, width: u16) -> Tile {
    Tile { level: TileLevel::Hashes(level), index, width }
}

#[test]
fn paths_are_those_of_the_specification() {
    for (path, expected) in [
        ("tile/0/x001/x234/067", tile(0, 1_234_067, 256)),
        ("tile/0/000", tile(0, 0, 256)),
        ("tile/0/999.p/255", tile(0, 999, 255)),
        ("tile/1/x001/000.p/1", tile(1, 1000, 1)),
        ("tile/63/000", tile(63, 0, 256)),
        ("tile/entries/x001/x234/067.p/8", Tile { level: TileLevel::Entries, index: 1_234_067, width: 8 }),
        ("tile/0/x018/x446/x744/x073/x709/x551/615", tile(0, u64::MAX, 256)),
    ] {
        assert_eq!(path.parse::<Tile>().unwrap(), expected, "{path}");
        assert_eq!(expected.to_string(), path);
    }
}

#[test]
fn other_spellings_are_no_tiles() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/8/0/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/xx01/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/data/000",
        "tile/0/00０",
        "tile/entries",
        "tile/entries/x1/000",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
    assert!("tile/0/x".parse::<Tile>().unwrap_err().to_string().contains("`tile/0/x` is no tile"));
}

#[test]
fn widths_are_those_of_the_specification() {
    // The example of the specification: 70,000 entries.
    let in_tree = |level, index| Tile::in_tree(TileLevel::Hashes(level), index, 70_000).map(|tile| tile.width);
    assert_eq!([in_tree(0, 0), in_tree(0, 272), in_tree(0, 273), in_tree(0, 274)], [Some(256), Some(256), Some(112), None]);
    assert_eq!([in_tree(1, 0), in_tree(1, 1), in_tree(1, 2)], [Some(256), Some(17), None]);
    assert_eq!([in_tree(2, 0), in_tree(2, 1), in_tree(3, 0), in_tree(63, 0)], [Some(1), None, None, None]);
    assert_eq!(Tile::in_tree(TileLevel::Hashes(0), 0, 256), Some(tile(0, 0, 256)));
    assert_eq!(Tile::in_tree(TileLevel::Hashes(1), 0, 256), Some(tile(1, 0, 1)));
    assert_eq!(Tile::in_tree(TileLevel::Hashes(0), u64::MAX, 256), None);
    assert!(tile(0, 273, 112).is_in_tree(70_000) && tile(0, 273, 5).is_in_tree(70_000));
    assert!(!tile(0, 273, 113).is_in_tree(70_000) && !tile(1, 2, 1).is_in_tree(70_000));
    assert_eq!(tile(1, 1, 17).leaves(), Some(65_536..69_888));
    assert_eq!(tile(7, u64::MAX, 256).leaves(), None);
    assert_eq!(tile(8, 0, 1).leaves(), None);
}

/// Tiles of a tree in memory; counts what is read.
struct Tiles(Vec<Digest>, std::cell::Cell<usize>);

impl TileReader for &Tiles {
    type Error = Infallible;

    fn tile(&self, tile: Tile) -> Result<Vec<Digest>, Infallible> {
        self.1.set(self.1.get() + 1);
        let leaves = tile.leaves().unwrap();
        let each = ((leaves.end - leaves.start) / u64::from(tile.width)) as usize;
        Ok(self.0[leaves.start as usize..leaves.end as usize].chunks(each).map(mth).collect())
    }
}

#[test]
fn hashes_out_of_tiles_are_those_of_the_tree() {
    let leaves = leaves(66_000);
    let tiles = Tiles(leaves.clone(), 0.into());
    for size in [1, 255, 256, 257, 700, 65_535, 65_536, 66_000] {
        assert_eq!(root(&TileHashes::new(&tiles, size), size).unwrap(), mth(&leaves[..size as usize]), "{size}");
    }
    tiles.1.set(0);
    let (reader, plain) = (TileHashes::new(&tiles, 66_000), InMemory(leaves));
    for index in [0, 255, 256, 40_000, 65_999] {
        assert_eq!(prove_inclusion(&reader, index, 66_000).unwrap(), prove_inclusion(&plain, index, 66_000).unwrap());
        assert_eq!(prove_consistency(&reader, index + 1, 66_000).unwrap(), prove_consistency(&plain, index + 1, 66_000).unwrap());
    }
    assert!(tiles.1.get() <= 10, "{} tiles read", tiles.1.get());
    let absent = |height, index| matches!(reader.hash(Subtree { height, index }), Err(TileError::Absent { .. }));
    assert!(absent(0, 66_000) && absent(8, 257) && absent(1, 33_000) && absent(63, 1) && absent(3, u64::MAX) && absent(16, 1));
}

#[test]
fn a_tile_of_another_width_is_noticed() {
    struct Short;
    impl TileReader for Short {
        type Error = Infallible;
        fn tile(&self, _: Tile) -> Result<Vec<Digest>, Infallible> {
            Ok(leaves(3))
        }
    }
    let error = TileHashes::new(Short, 4).hash(Subtree { height: 0, index: 1 }).unwrap_err();
    assert_eq!(error.to_string(), "tile/0/000.p/4 has 3 hashes");
}

#[test]
fn bundles_are_read_back_and_cuts_are_noticed() {
    let entries: [&[u8]; 4] = [b"a", b"", b"bcd", &[7; ENTRY_BYTES_MAX]];
    let bytes = encode_bundle(entries).unwrap();
    assert_eq!(bytes[..10], [0, 1, b'a', 0, 0, 0, 3, b'b', b'c', b'd']);
    assert_eq!(decode_bundle(&bytes).unwrap(), entries);
    assert_eq!(decode_bundle(&bytes[..bytes.len() - 1]), Err(BundleError::Cut(3)));
    assert_eq!(decode_bundle(&bytes[..4]), Err(BundleError::Cut(1)));
    assert_eq!(encode_bundle([&[7; ENTRY_BYTES_MAX + 1][..]]), Err(BundleError::TooLong(ENTRY_BYTES_MAX + 1)));
    assert!(decode_bundle(b"").unwrap().is_empty());
}

#[test]
fn tiles_are_read_back() {
    let hashes = leaves(usize::from(TILE_WIDTH));
    let bytes = encode_tile(&hashes);
    assert_eq!(bytes.len(), 8192);
    assert_eq!(decode_tile(&bytes).unwrap(), hashes);
    assert_eq!(decode_tile(&bytes[1..]), None);
}

proptest! {
    #[test]
    fn every_tile_survives_its_path(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256, entries in any::<bool>()) {
        let level = if entries { TileLevel::Entries } else { TileLevel::Hashes(level) };
        for index in [index, index % 1_000_000, index % 1000] {
            let tile = Tile { level, index, width };
            prop_assert_eq!(tile.to_string().parse::<Tile>().unwrap(), tile);
        }
    }
}
