//! Merchants, API keys, stored bytes, subject keys, values.

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_ledger::keys::Subject;
use rusqlite::{Row, params};

use super::connection::{Database, SqliteWriter};
use super::known::KeyOf;
use super::ledger::{digest, unknown, unsigned};
use crate::StoreError;
use crate::admin::{ApiKeyRow, MerchantRow, ReadAdmin, SubjectKey, WriteAdmin};

impl<T: Database> ReadAdmin for T {
    fn merchant(&self, id: &MerchantId) -> Result<Option<MerchantRow>, StoreError> {
        self.one("read a merchant", "SELECT id, config, created_at_ms FROM merchants WHERE id = ?1", [id.as_str()], merchant)
    }

    fn merchants(&self) -> Result<Vec<MerchantRow>, StoreError> {
        self.all("read the merchants", "SELECT id, config, created_at_ms FROM merchants ORDER BY id", [], merchant)
    }

    fn api_key(&self, hash: &Digest) -> Result<Option<ApiKeyRow>, StoreError> {
        let sql = "SELECT key_id, hash, m.id, role, actor, k.created_at_ms, revoked_at_ms
            FROM api_keys k LEFT JOIN merchants m USING (merchant_no) WHERE hash = ?1";
        self.one("look for an API key", sql, [hash.0], api_key)
    }

    fn api_keys(&self, merchant: Option<&MerchantId>) -> Result<Vec<ApiKeyRow>, StoreError> {
        let number = match merchant {
            None => None,
            Some(merchant) => match self.merchant_no(merchant)? {
                None => return Ok(Vec::new()),
                number => number,
            },
        };
        let sql = "SELECT key_id, hash, m.id, role, actor, k.created_at_ms, revoked_at_ms
            FROM api_keys k LEFT JOIN merchants m USING (merchant_no) WHERE k.merchant_no IS ?1 ORDER BY key_id";
        self.all("list API keys", sql, [number], api_key)
    }

    fn blob(&self, of: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes: Option<Vec<u8>> =
            self.one("read stored bytes", "SELECT bytes FROM blobs WHERE digest = ?1", [of.0], |row| row.get(0))?;
        match bytes {
            Some(bytes) if Digest::of(&bytes) != *of => Err(StoreError::Damaged(format!("the stored bytes of {of} have another digest"))),
            bytes => Ok(bytes),
        }
    }

    fn subject_key(&self, merchant: &MerchantId, subject: Subject<'_>) -> Result<SubjectKey, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(SubjectKey::None) };
        let subject = subject.to_string();
        if !self.may_hold(KeyOf::Subject, merchant, &[&subject]) {
            return Ok(SubjectKey::None);
        }
        let sql = "SELECT wrapped FROM subject_keys WHERE merchant_no = ?1 AND subject = ?2";
        let found: Option<Option<Vec<u8>>> = self.one("read a subject's key", sql, params![merchant, subject], |row| row.get(0))?;
        Ok(found.flatten().map_or(SubjectKey::None, SubjectKey::Wrapped))
    }

    fn erased_subjects(&self, merchant: &MerchantId) -> Result<u64, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(0) };
        let sql = "SELECT count(*) FROM subject_keys WHERE merchant_no = ?1 AND wrapped IS NULL";
        Ok(self.one("count the erased", sql, [merchant], |row| unsigned(row, 0))?.unwrap_or(0))
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.one("read a value", "SELECT value FROM operator_values WHERE key = ?1", [key], |row| row.get(0))
    }
}

impl WriteAdmin for SqliteWriter {
    fn put_merchant(&mut self, row: &MerchantRow) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO merchants (id, config, created_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET config = excluded.config";
        self.run("keep a merchant", sql, params![row.id.as_str(), row.config, row.created_at_ms]).map(|_| ())
    }

    fn insert_api_key(&mut self, row: &ApiKeyRow) -> Result<(), StoreError> {
        let merchant = row.merchant.as_ref().map(|merchant| self.known_merchant(merchant)).transpose()?;
        let sql = "INSERT INTO api_keys (hash, key_id, merchant_no, role, actor, created_at_ms, revoked_at_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let parameters = params![row.hash.0, row.key_id, merchant, row.role, row.actor, row.created_at_ms, row.revoked_at_ms];
        self.insert("the API key", sql, parameters)
    }

    fn revoke_api_key(&mut self, key_id: &str, at_ms: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE api_keys SET revoked_at_ms = ?2 WHERE key_id = ?1 AND revoked_at_ms IS NULL";
        Ok(self.run("revoke an API key", sql, params![key_id, at_ms])? > 0)
    }

    fn put_blob(&mut self, media: &str, bytes: &[u8], at_ms: i64) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        // Whoever brings bytes with this digest mends those that are damaged.
        let sql = "INSERT INTO blobs (digest, media, bytes, added_at_ms) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET bytes = excluded.bytes WHERE bytes IS NOT excluded.bytes";
        self.run("keep bytes", sql, params![digest.0, media, bytes, at_ms])?;
        Ok(digest)
    }

    fn insert_subject_key(&mut self, merchant: &MerchantId, subject: Subject<'_>, wrapped: &[u8], at_ms: i64) -> Result<(), StoreError> {
        let (merchant, subject) = (self.known_merchant(merchant)?, subject.to_string());
        self.now_known(KeyOf::Subject, merchant, &[&subject]);
        let sql = "INSERT INTO subject_keys (merchant_no, subject, wrapped, created_at_ms, quiet_from_ms) VALUES (?1, ?2, ?3, ?4, ?4)
            ON CONFLICT DO NOTHING";
        self.insert("a key of the subject", sql, params![merchant, subject, wrapped, at_ms])
    }

    fn set_value(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO operator_values (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.run("keep a value", sql, params![key, value]).map(|_| ())
    }
}

fn merchant(row: &Row<'_>) -> rusqlite::Result<MerchantRow> {
    Ok(MerchantRow { id: merchant_id(row.get(0)?, 0)?, config: row.get(1)?, created_at_ms: row.get(2)? })
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKeyRow> {
    let merchant: Option<String> = row.get(2)?;
    Ok(ApiKeyRow {
        key_id: row.get(0)?,
        hash: digest(row, 1)?,
        merchant: merchant.map(|id| merchant_id(id, 2)).transpose()?,
        role: row.get(3)?,
        actor: row.get(4)?,
        created_at_ms: row.get(5)?,
        revoked_at_ms: row.get(6)?,
    })
}

fn merchant_id(id: String, column: usize) -> rusqlite::Result<MerchantId> {
    MerchantId::new(id.as_str()).map_err(|_| unknown(column, &id))
}
