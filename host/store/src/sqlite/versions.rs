//! Versions of merchants' policies, and the keys that sign them.

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use rusqlite::{Row, params};

use super::connection::{Database, SqliteWriter};
use super::ledger::{digest, unknown, unsigned};
use crate::StoreError;
use crate::versions::{Origin, ReadVersions, SigningKeyRow, VersionCursor, VersionRow, VersionState, WriteVersions};

/// What a version is read from.
macro_rules! columns {
    () => {
        "policy, version, kind, component, settings, contract, state, created_at_ms, changed_at_ms, kinds, component_version, component_bytes,
            package, note, created_by, created_role, signature, signing_key"
    };
}

impl<T: Database> ReadVersions for T {
    fn versions(&self, merchant: &MerchantId) -> Result<Vec<VersionRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = concat!("SELECT ", columns!(), " FROM versions WHERE merchant_no = ?1 ORDER BY policy, created_at_ms, version");
        self.all("list versions", sql, [merchant], version)
    }

    fn version(&self, merchant: &MerchantId, policy: &str, name: &str) -> Result<Option<VersionRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = concat!("SELECT ", columns!(), " FROM versions WHERE merchant_no = ?1 AND policy = ?2 AND version = ?3");
        self.one("read a version", sql, params![merchant, policy, name], version)
    }

    fn versions_of(
        &self,
        merchant: &MerchantId,
        policy: &str,
        after: Option<&VersionCursor>,
        limit: u32,
    ) -> Result<Vec<VersionRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM versions WHERE merchant_no = ?1 AND policy = ?2 AND (?3 IS NULL OR (created_at_ms, version) < (?3, ?4))
            ORDER BY created_at_ms DESC, version DESC LIMIT ?5"
        );
        let (at, name) = (after.map(|after| after.created_at_ms), after.map(|after| after.version.as_str()));
        self.all("list versions of a policy", sql, params![merchant, policy, at, name, limit], version)
    }

    fn component_named(&self, merchant: &MerchantId, policy: &str, component_version: &str) -> Result<Option<Digest>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT component FROM versions WHERE merchant_no = ?1 AND policy = ?2 AND component_version = ?3 LIMIT 1";
        self.one("look for a component's version", sql, params![merchant, policy, component_version], |row| digest(row, 0))
    }

    fn uploaded_bytes(&self, merchant: &MerchantId, without: &[Digest; 2]) -> Result<u64, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(0) };
        // What was bound and not uploaded has no author: its component is the platform's, its settings the merchant's. Of a blob the length alone
        // is read.
        let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM blobs WHERE digest NOT IN (?2, ?3) AND digest IN
            (SELECT component FROM versions WHERE merchant_no = ?1 AND created_by <> ''
            UNION SELECT settings FROM versions WHERE merchant_no = ?1)";
        let held = self.one("add up what uploads keep", sql, params![merchant, without[0].0, without[1].0], |row| unsigned(row, 0))?;
        Ok(held.unwrap_or(0))
    }

    fn version_report(&self, merchant: &MerchantId, policy: &str, name: &str) -> Result<Option<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT report FROM versions WHERE merchant_no = ?1 AND policy = ?2 AND version = ?3";
        self.one("read a version's report", sql, params![merchant, policy, name], |row| row.get(0))
    }

    fn signing_keys(&self, merchant: &MerchantId) -> Result<Vec<SigningKeyRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT key_id, public_key, label, created_by, created_at_ms, revoked_at_ms FROM signing_keys
            WHERE merchant_no = ?1 ORDER BY created_at_ms, key_id";
        self.all("list signing keys", sql, [merchant], signing_key)
    }
}

impl WriteVersions for SqliteWriter {
    fn insert_version(&mut self, merchant: &MerchantId, row: &VersionRow, report: &str) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = concat!(
            "INSERT INTO versions (merchant_no, report, ",
            columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) ON CONFLICT DO NOTHING"
        );
        let origin = &row.origin;
        let parameters = params![
            merchant,
            report,
            row.policy,
            row.version,
            row.kind,
            row.component.0,
            row.settings.0,
            row.contract,
            row.state.as_str(),
            row.created_at_ms,
            row.changed_at_ms,
            origin.kinds.join(","),
            origin.component_version,
            i64::try_from(origin.component_bytes).unwrap_or(i64::MAX),
            origin.package,
            origin.note,
            origin.created_by,
            origin.created_role,
            origin.signature,
            origin.signing_key,
        ];
        self.insert("the version", sql, parameters)
    }

    fn set_version_state(
        &mut self,
        merchant: &MerchantId,
        policy: &str,
        version: &str,
        state: VersionState,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE versions SET state = ?4, changed_at_ms = ?5 WHERE merchant_no = ?1 AND policy = ?2 AND version = ?3";
        Ok(self.run("move a version", sql, params![merchant, policy, version, state.as_str(), at_ms])? > 0)
    }

    fn insert_signing_key(&mut self, merchant: &MerchantId, row: &SigningKeyRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO signing_keys (merchant_no, key_id, public_key, label, created_by, created_at_ms, revoked_at_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let parameters = params![merchant, row.key_id, row.public_key, row.label, row.created_by, row.created_at_ms, row.revoked_at_ms];
        self.insert("the signing key", sql, parameters)
    }

    fn revoke_signing_key(&mut self, merchant: &MerchantId, key_id: &str, at_ms: i64) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE signing_keys SET revoked_at_ms = ?3 WHERE merchant_no = ?1 AND key_id = ?2 AND revoked_at_ms IS NULL";
        Ok(self.run("revoke a signing key", sql, params![merchant, key_id, at_ms])? > 0)
    }
}

fn version(row: &Row<'_>) -> rusqlite::Result<VersionRow> {
    let (state, kind, kinds): (String, String, String) = (row.get(6)?, row.get(2)?, row.get(9)?);
    // A row of an earlier release names one kind only.
    let kinds = if kinds.is_empty() { vec![kind.clone()] } else { kinds.split(',').map(str::to_owned).collect() };
    Ok(VersionRow {
        policy: row.get(0)?,
        version: row.get(1)?,
        kind,
        component: digest(row, 3)?,
        settings: digest(row, 4)?,
        contract: row.get(5)?,
        state: VersionState::parse(&state).ok_or_else(|| unknown(6, &state))?,
        created_at_ms: row.get(7)?,
        changed_at_ms: row.get(8)?,
        origin: Origin {
            kinds,
            component_version: row.get(10)?,
            component_bytes: unsigned(row, 11)?,
            package: row.get(12)?,
            note: row.get(13)?,
            created_by: row.get(14)?,
            created_role: row.get(15)?,
            signature: row.get(16)?,
            signing_key: row.get(17)?,
        },
    })
}

fn signing_key(row: &Row<'_>) -> rusqlite::Result<SigningKeyRow> {
    Ok(SigningKeyRow {
        key_id: row.get(0)?,
        public_key: row.get(1)?,
        label: row.get(2)?,
        created_by: row.get(3)?,
        created_at_ms: row.get(4)?,
        revoked_at_ms: row.get(5)?,
    })
}
