-- What answers which case. The plans of all kinds are one document, so that every change of them is one row; the states of the
-- versions follow from it. One version may be active for one kind and retired for another.
DROP INDEX versions_active;

CREATE TABLE rollouts (
  merchant_no INTEGER PRIMARY KEY,
  plans TEXT NOT NULL, -- JSON
  changed_at_ms INTEGER NOT NULL
) STRICT;

-- What versions in shadow said, beside what was decided; the oldest rows of a kind make room.
CREATE TABLE shadow_results (
  merchant_no INTEGER NOT NULL,
  kind TEXT NOT NULL,
  seq INTEGER NOT NULL, -- of the decision
  policy TEXT NOT NULL,
  version TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  result TEXT NOT NULL, -- JSON
  PRIMARY KEY (merchant_no, kind, seq, policy, version)
) STRICT, WITHOUT ROWID;
