-- Where a version came from: what its component says of itself, who brought it, what signed it, and what the checks of its upload found.
ALTER TABLE versions ADD COLUMN kinds TEXT NOT NULL DEFAULT ''; -- every kind it decides, apart by commas; `kind` is the first
ALTER TABLE versions ADD COLUMN component_version TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN component_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN package TEXT NOT NULL DEFAULT '{}'; -- JSON: the component's own facts
ALTER TABLE versions ADD COLUMN note TEXT;
ALTER TABLE versions ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN created_role TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN signature TEXT;   -- minisign
ALTER TABLE versions ADD COLUMN signing_key TEXT; -- key_id
ALTER TABLE versions ADD COLUMN report TEXT NOT NULL DEFAULT '[]'; -- JSON: the steps
CREATE INDEX versions_by_time ON versions (merchant_no, policy, created_at_ms, version);

-- Public keys under which a merchant's uploads are signed.
CREATE TABLE signing_keys (
  merchant_no INTEGER NOT NULL,
  key_id TEXT NOT NULL, -- sixteen hexadecimal digits
  public_key TEXT NOT NULL, -- minisign
  label TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  PRIMARY KEY (merchant_no, key_id)
) STRICT, WITHOUT ROWID;
