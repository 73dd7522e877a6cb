-- The Merkle log of each merchant (RFC 6962): its leaves are entries.leaf.

-- The tree's right edge, which grows with the records.
CREATE TABLE logs (
  merchant_no INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  edge BLOB NOT NULL -- one hash for each bit of size, the largest subtree first
) STRICT;

-- The hash of each full tile: of 256 leaves at level 0, of 256 full tiles of the level below at the others.
CREATE TABLE tiles (
  merchant_no INTEGER NOT NULL,
  level INTEGER NOT NULL,
  tile INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (merchant_no, level, tile)
) STRICT, WITHOUT ROWID;

-- Signed heads.
CREATE TABLE checkpoints (
  merchant_no INTEGER NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL, -- C2SP signed note
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, size)
) STRICT, WITHOUT ROWID;

-- What witnesses signed.
CREATE TABLE cosignatures (
  merchant_no INTEGER NOT NULL,
  witness TEXT NOT NULL, -- C2SP verifier key
  size INTEGER NOT NULL,
  line TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, witness, size)
) STRICT, WITHOUT ROWID;

CREATE VIEW heads AS
SELECT
  m.id AS merchant,
  l.size AS records,
  c.size AS signed_records,
  lower(hex(c.root)) AS signed_root,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.at_ms / 1000.0, 'unixepoch') AS signed_at
FROM logs l JOIN merchants m USING (merchant_no)
LEFT JOIN checkpoints c ON c.merchant_no = l.merchant_no AND c.size = (SELECT max(size) FROM checkpoints x WHERE x.merchant_no = l.merchant_no);
