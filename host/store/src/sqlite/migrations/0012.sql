-- When retention looks at a subject again: its records were last heard of then, or somebody held it. It is written when the key is
-- made and when retention looks, not with each record, so that decisions pay nothing for it.
ALTER TABLE subject_keys ADD COLUMN quiet_from_ms INTEGER NOT NULL DEFAULT 0;
UPDATE subject_keys SET quiet_from_ms = created_at_ms;
CREATE INDEX subject_keys_quiet ON subject_keys (merchant_no, quiet_from_ms) WHERE wrapped IS NOT NULL;
