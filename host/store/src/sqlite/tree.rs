//! The Merkle log: trees, tiles, checkpoints, cosignatures.

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_ledger::log::tile::{decode_tile, encode_tile};
use ombud_ledger::log::{Frontier, FullTile, Tile, TileLevel};
use rusqlite::{Connection, Row, params};

use super::connection::{Database, SqliteWriter};
use super::ledger::{digest, signed, unsigned};
use crate::StoreError;
use crate::tree::{CHECKPOINTS_KEPT, CheckpointRow, CosignatureRow, ReadTree, WriteTree};

const DAY_MS: i64 = 86_400_000;

/// A merchant's tree as the writer has it.
pub(crate) struct Log {
    pub(super) merchant: MerchantId,
    pub(super) tree: Frontier,
}

impl<T: Database> ReadTree for T {
    fn frontier(&self, merchant: &MerchantId) -> Result<Frontier, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(Frontier::new()) };
        match self.known_log(number) {
            Some(log) => Ok(log.tree.clone()),
            None => stored(self, number, merchant),
        }
    }

    fn tile(&self, merchant: &MerchantId, tile: Tile) -> Result<Vec<Digest>, StoreError> {
        let no_tile = || StoreError::Damaged(format!("the log of `{merchant}` has no {tile}"));
        let Some(number) = self.merchant_no(merchant)? else { return Err(no_tile()) };
        let TileLevel::Hashes(level) = tile.level else { return Err(no_tile()) };
        let first = tile.index.checked_mul(256).ok_or_else(no_tile)?;
        let hashes = match level {
            0 => {
                let sql = "SELECT leaf FROM entries WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq";
                self.all("read a tile", sql, params![number, signed(first), signed(first + u64::from(tile.width))], |row| digest(row, 0))?
            }
            _ => {
                let sql = "SELECT hash FROM tiles WHERE merchant_no = ?1 AND level = ?2 AND tile >= ?3 AND tile < ?4 ORDER BY tile";
                let parameters = params![number, level - 1, signed(first), signed(first + u64::from(tile.width))];
                self.all("read a tile", sql, parameters, |row| digest(row, 0))?
            }
        };
        if hashes.len() == usize::from(tile.width) { Ok(hashes) } else { Err(no_tile()) }
    }

    fn checkpoint(&self, merchant: &MerchantId) -> Result<Option<CheckpointRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT size, root, note FROM checkpoints WHERE merchant_no = ?1 ORDER BY size DESC LIMIT 1";
        self.one("read the newest checkpoint", sql, [merchant], checkpoint)
    }

    fn checkpoints(&self, merchant: &MerchantId, size: u64, count: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT size, root, note FROM checkpoints WHERE merchant_no = ?1 AND size >= ?2 ORDER BY size LIMIT ?3";
        self.all("read checkpoints", sql, params![merchant, signed(size), count], checkpoint)
    }

    fn cosignatures(&self, merchant: &MerchantId, size: u64) -> Result<Vec<CosignatureRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT size, witness, line FROM cosignatures WHERE merchant_no = ?1 AND size = ?2 ORDER BY witness";
        self.all("read cosignatures", sql, params![merchant, signed(size)], |row| {
            Ok(CosignatureRow { size: unsigned(row, 0)?, witness: row.get(1)?, line: row.get(2)? })
        })
    }

    fn cosigned_size(&self, merchant: &MerchantId, witness: &str) -> Result<u64, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(0) };
        let sql = "SELECT size FROM cosignatures WHERE merchant_no = ?1 AND witness = ?2 ORDER BY size DESC LIMIT 1";
        Ok(self.one("read what a witness signed", sql, params![merchant, witness], |row| unsigned(row, 0))?.unwrap_or(0))
    }

    fn unsigned(&self) -> Result<Vec<(MerchantId, Frontier)>, StoreError> {
        let sql = "SELECT m.id FROM logs l JOIN merchants m USING (merchant_no)
            WHERE l.size > coalesce((SELECT max(size) FROM checkpoints c WHERE c.merchant_no = l.merchant_no), 0) ORDER BY m.id";
        let ids: Vec<String> = self.all("look for unsigned logs", sql, [], |row| row.get(0))?;
        let head = |id: String| {
            let merchant = MerchantId::new(id.as_str()).map_err(|_| StoreError::Damaged(format!("`{id}` is no merchant's id")))?;
            let tree = self.frontier(&merchant)?;
            Ok((merchant, tree))
        };
        ids.into_iter().map(head).collect()
    }
}

/// The tree as stored.
fn stored(db: &(impl Database + ?Sized), number: i64, merchant: &MerchantId) -> Result<Frontier, StoreError> {
    let sql = "SELECT size, edge FROM logs WHERE merchant_no = ?1";
    let row: Option<(u64, Vec<u8>)> = db.one("read a tree", sql, [number], |row| Ok((unsigned(row, 0)?, row.get(1)?)))?;
    let Some((size, edge)) = row else { return Ok(Frontier::new()) };
    let tree = decode_tile(&edge).and_then(|edge| Frontier::from_edge(size, edge).ok());
    tree.ok_or_else(|| StoreError::Damaged(format!("the tree of `{merchant}` is not one of {size} records")))
}

impl WriteTree for SqliteWriter {
    fn put_checkpoint(&mut self, merchant: &MerchantId, row: &CheckpointRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO checkpoints (merchant_no, size, root, note) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        self.insert("a checkpoint of this size", sql, params![merchant, signed(row.size), row.root.0, row.note])?;
        // The newest that is too old to be kept for itself goes, unless it is the last of its day.
        let sql =
            "SELECT c.size, e.received_at_ms FROM checkpoints c JOIN entries e ON e.merchant_no = c.merchant_no AND e.seq = c.size - 1
            WHERE c.merchant_no = ?1 ORDER BY c.size DESC LIMIT 2 OFFSET ?2";
        let at = |row: &Row<'_>| Ok((unsigned(row, 0)?, row.get::<_, i64>(1)?));
        let oldest = self.all("look for old checkpoints", sql, params![merchant, CHECKPOINTS_KEPT - 1], at)?;
        if let [(_, kept), (size, old)] = oldest[..]
            && kept.div_euclid(DAY_MS) == old.div_euclid(DAY_MS)
        {
            for sql in [
                "DELETE FROM checkpoints WHERE merchant_no = ?1 AND size = ?2",
                "DELETE FROM cosignatures WHERE merchant_no = ?1 AND size = ?2",
            ] {
                self.run("let go of an old checkpoint", sql, params![merchant, signed(size)])?;
            }
        }
        Ok(())
    }

    fn sign_again(&mut self, merchant: &MerchantId, size: u64, note: &str) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE checkpoints SET note = ?3 WHERE merchant_no = ?1 AND size = ?2";
        Ok(self.run("sign a checkpoint again", sql, params![merchant, signed(size), note])? > 0)
    }

    fn put_cosignature(&mut self, merchant: &MerchantId, row: &CosignatureRow) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO cosignatures (merchant_no, witness, size, line)
            SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM checkpoints WHERE merchant_no = ?1 AND size = ?3)
            ON CONFLICT DO UPDATE SET line = excluded.line";
        Ok(self.run("keep a cosignature", sql, params![merchant, row.witness, signed(row.size), row.line])? > 0)
    }
}

impl SqliteWriter {
    /// The number of records in the merchant's log, which is in memory from here on.
    pub(super) fn log_of(&mut self, number: i64, merchant: &MerchantId) -> Result<u64, StoreError> {
        if let Some(log) = self.logs.get(&number) {
            return Ok(log.tree.size());
        }
        let tree = stored(self, number, merchant)?;
        let records = self.entries_of(number)?;
        if records != tree.size() {
            let text =
                format!("the log of `{merchant}` has {records} records, its tree has {}: `ombud audit check` says more", tree.size());
            return Err(StoreError::Damaged(text));
        }
        self.logs.insert(number, Log { merchant: merchant.clone(), tree });
        Ok(records)
    }

    /// Appends a leaf to the tree of a log that is in memory, and keeps the tiles that it fills.
    pub(super) fn grow(&mut self, number: i64, leaf: Digest) -> Result<(), StoreError> {
        let Some(log) = self.logs.get_mut(&number) else { return Ok(()) };
        let full = log.tree.append(leaf);
        if !self.trees {
            return Ok(());
        }
        if self.touched.last() != Some(&number) {
            self.touched.push(number);
        }
        full.iter().try_for_each(|tile| {
            self.run("keep a tile", KEEP_TILE, params![number, tile.level, signed(tile.index), tile.hash.0]).map(|_| ())
        })
    }

    /// Keeps the trees that have grown in this group.
    pub(super) fn keep_trees(&mut self) -> Result<(), StoreError> {
        self.touched.sort_unstable();
        self.touched.dedup();
        for at in 0..self.touched.len() {
            let grown = self.touched.get(at).and_then(|number| Some((*number, self.logs.get(number)?)));
            let Some((number, size, edge)) = grown.map(|(number, log)| (number, log.tree.size(), encode_tile(log.tree.edge()))) else {
                continue;
            };
            self.run("keep a tree", KEEP_TREE, params![number, signed(size), edge])?;
        }
        Ok(())
    }

    /// Tells of the trees that have grown, once they are durable.
    pub(super) fn tell_grown(&mut self) {
        for number in self.touched.drain(..) {
            if let Some(log) = self.logs.get(&number) {
                self.grown.note(&log.merchant, &log.tree);
            }
        }
    }
}

const KEEP_TILE: &str = "INSERT INTO tiles (merchant_no, level, tile, hash) VALUES (?1, ?2, ?3, ?4)";
const KEEP_TREE: &str = "INSERT INTO logs (merchant_no, size, edge) VALUES (?1, ?2, ?3)
    ON CONFLICT (merchant_no) DO UPDATE SET size = excluded.size, edge = excluded.edge";

/// Builds the trees of records that were there before there were trees.
pub(super) fn build(db: &Connection) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::backend("build the trees of the records", error);
    let mut leaves = db.prepare("SELECT merchant_no, seq, leaf FROM entries ORDER BY merchant_no, seq").map_err(failed)?;
    let mut keep_tile = db.prepare(KEEP_TILE).map_err(failed)?;
    let mut keep_tree = db.prepare(KEEP_TREE).map_err(failed)?;
    let mut rows = leaves.query([]).map_err(failed)?;
    let mut tree: Option<(i64, Frontier)> = None;
    let mut keep = |tree: Option<(i64, Frontier)>| match tree {
        Some((number, tree)) => {
            keep_tree.execute(params![number, signed(tree.size()), encode_tile(tree.edge())]).map(|_| ()).map_err(failed)
        }
        None => Ok(()),
    };
    while let Some(row) = rows.next().map_err(failed)? {
        let (number, seq, leaf): (i64, u64, Digest) =
            (row.get(0).map_err(failed)?, unsigned(row, 1).map_err(failed)?, digest(row, 2).map_err(failed)?);
        if tree.as_ref().is_none_or(|(known, _)| *known != number) {
            keep(tree.replace((number, Frontier::new())))?;
        }
        let Some((_, tree)) = &mut tree else { continue };
        if tree.size() != seq {
            return Err(StoreError::Damaged(format!("record {} of merchant number {number} is not there", tree.size())));
        }
        for FullTile { level, index, hash } in tree.append(leaf) {
            keep_tile.execute(params![number, level, signed(index), hash.0]).map_err(failed)?;
        }
    }
    keep(tree)
}

fn checkpoint(row: &Row<'_>) -> rusqlite::Result<CheckpointRow> {
    // Bytes that are no text any more are read as a note that is not signed: whoever checks it names the damage.
    let note = String::from_utf8_lossy(row.get_ref(2)?.as_bytes()?).into_owned();
    Ok(CheckpointRow { size: unsigned(row, 0)?, root: digest(row, 1)?, note })
}
