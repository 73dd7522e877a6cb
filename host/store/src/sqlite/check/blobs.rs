//! Stored bytes: components and settings are what their digests say, and those that records and versions name are there.

use ombud_ledger::Digest;

use super::Check;
use super::cells::{bytes, digest, text};
use crate::check::{CheckReport, Place};

/// What a component begins with.
const WASM: &[u8] = b"\0asm";

impl Check<'_> {
    pub(super) fn blobs(&mut self) -> rusqlite::Result<()> {
        let mut query = self.db.prepare("SELECT blob_no, digest, media, bytes FROM blobs")?;
        let mut rows = query.query([])?;
        let mut there = std::collections::HashSet::new();
        while let Some(row) = rows.next()? {
            self.report.blobs += 1;
            let (stored, bytes) = (digest(row, 1)?, bytes(row, 3)?.unwrap_or_default());
            let own = Digest::of(bytes);
            let Some(stored) = stored else {
                self.report.found(None, Place::Blob(format!("number {}", row.get::<_, i64>(0)?)), "their digest is damaged");
                continue;
            };
            if own != stored {
                self.report.found(None, CheckReport::blob(&stored), "they have another digest");
                continue;
            }
            let media = text(row, 2)?.unwrap_or_default();
            let wasm = bytes.starts_with(WASM);
            if !matches!((media.as_str(), wasm), ("application/wasm", true) | ("application/json", false)) {
                self.report.found(None, CheckReport::blob(&stored), format!("they are not of the type `{media}`"));
            }
            there.insert(stored);
        }
        self.named.extend(self.of_versions()?);
        let mut missing: Vec<Digest> = self.named.difference(&there).copied().collect();
        missing.sort();
        for digest in missing {
            self.report.found(None, CheckReport::blob(&digest), "records or versions name them, but they are not there, or not whole");
        }
        Ok(())
    }

    /// Components and settings of every version, whether it has decided anything or not.
    fn of_versions(&self) -> rusqlite::Result<Vec<Digest>> {
        let mut query = self.db.prepare("SELECT component FROM versions UNION SELECT settings FROM versions")?;
        let digests = query.query_map([], |row| digest(row, 0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(digests.into_iter().flatten().collect())
    }
}
