//! Plans, first decisions, shadow results.

use std::ops::Range;

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::rollout::{Opened, VersionId};
use rusqlite::params;

use super::connection::{Database, SqliteWriter};
use super::ledger::{signed, unsigned};
use crate::StoreError;
use crate::rollout::{Decided, FirstOf, ReadRollouts, ShadowRow, WriteRollouts};

impl<T: Database> ReadRollouts for T {
    fn rollouts(&self, merchant: &MerchantId) -> Result<Option<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        self.one("read a rollout", "SELECT plans FROM rollouts WHERE merchant_no = ?1", [merchant], |row| row.get(0))
    }

    fn rollouts_changed_at(&self, merchant: &MerchantId) -> Result<Option<i64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        self.one("read when a rollout was kept", "SELECT changed_at_ms FROM rollouts WHERE merchant_no = ?1", [merchant], |row| row.get(0))
    }

    fn first_decision(&self, merchant: &MerchantId, kind: Kind, of: &FirstOf<'_>) -> Result<Option<Opened>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        // By the customer, whose entries stand in the order of the log.
        let sql =
            "SELECT policy, version, received_at_ms FROM entries INDEXED BY entries_by_customer WHERE customer = ?1 AND merchant_no = ?2
            AND entry = 'decision' AND kind = ?3 AND policy IS NOT NULL AND version IS NOT NULL AND (?4 IS NULL OR order_id = ?4)
            AND received_at_ms >= ?5 ORDER BY seq LIMIT 1";
        self.one("look for a first decision", sql, params![of.customer, merchant, kind.as_str(), of.order, of.since_ms], |row| {
            Ok(Opened { version: VersionId { policy: row.get(0)?, version: row.get(1)? }, at_ms: row.get(2)? })
        })
    }

    fn decided(&self, merchant: &MerchantId, kind: Kind, seqs: Range<u64>) -> Result<Vec<Decided>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, policy, version, received_at_ms FROM entries WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3
            AND entry = 'decision' AND kind = ?4 AND policy IS NOT NULL AND version IS NOT NULL ORDER BY seq DESC";
        self.all("read which versions decided", sql, params![merchant, signed(seqs.start), signed(seqs.end), kind.as_str()], |row| {
            let version = VersionId { policy: row.get(1)?, version: row.get(2)? };
            Ok(Decided { seq: unsigned(row, 0)?, version, at_ms: row.get(3)? })
        })
    }

    fn shadow_rows(
        &self,
        merchant: &MerchantId,
        kind: Kind,
        id: &VersionId,
        since_ms: i64,
        rows_max: u32,
    ) -> Result<Vec<ShadowRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, at_ms, result FROM shadow_results WHERE merchant_no = ?1 AND kind = ?2 AND policy = ?3 AND version = ?4
            AND at_ms >= ?5 ORDER BY seq DESC LIMIT ?6";
        self.all("read shadow results", sql, params![merchant, kind.as_str(), id.policy, id.version, since_ms, rows_max], |row| {
            Ok(ShadowRow { kind, version: id.clone(), seq: unsigned(row, 0)?, at_ms: row.get(1)?, result: row.get(2)? })
        })
    }
}

impl WriteRollouts for SqliteWriter {
    fn put_rollouts(&mut self, merchant: &MerchantId, json: &str, at_ms: i64) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO rollouts (merchant_no, plans, changed_at_ms) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET plans = excluded.plans, changed_at_ms = excluded.changed_at_ms";
        self.run("keep a rollout", sql, params![merchant, json, at_ms]).map(|_| ())
    }

    fn insert_shadow(&mut self, merchant: &MerchantId, row: &ShadowRow, rows_max: u32) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO shadow_results (merchant_no, kind, seq, policy, version, at_ms, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO NOTHING";
        let (kind, seq) = (row.kind.as_str(), signed(row.seq));
        self.run(
            "keep a shadow result",
            sql,
            params![merchant, kind, seq, row.version.policy, row.version.version, row.at_ms, row.result],
        )?;
        let sql = "DELETE FROM shadow_results WHERE merchant_no = ?1 AND kind = ?2 AND seq <
            (SELECT seq FROM shadow_results WHERE merchant_no = ?1 AND kind = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)";
        self.run("make room for shadow results", sql, params![merchant, kind, rows_max.saturating_sub(1)]).map(|_| ())
    }
}
