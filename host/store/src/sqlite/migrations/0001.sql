-- Times are epoch milliseconds, amounts fen, digests blobs (SHA-256), enumerations the words of the JSON.

CREATE TABLE operator_values (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE merchants (
  merchant_no INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  config TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
  hash BLOB PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,
  merchant_no INTEGER, -- none: the operator's
  role TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
  blob_no INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  media TEXT NOT NULL,
  bytes BLOB NOT NULL,
  added_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE versions (
  merchant_no INTEGER NOT NULL,
  policy TEXT NOT NULL,
  version TEXT NOT NULL,
  kind TEXT NOT NULL,
  component BLOB NOT NULL,
  settings BLOB NOT NULL,
  contract TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, policy, version)
) STRICT, WITHOUT ROWID;
-- One policy a kind.
CREATE UNIQUE INDEX versions_active ON versions (merchant_no, kind) WHERE state = 'active';

CREATE TABLE subject_keys (
  merchant_no INTEGER NOT NULL,
  subject TEXT NOT NULL, -- customer:…, ticket:…, merchant
  wrapped BLOB,          -- none: erased
  created_at_ms INTEGER NOT NULL,
  erased_at_ms INTEGER,
  PRIMARY KEY (merchant_no, subject)
) STRICT, WITHOUT ROWID;

-- The bytes of the ledger, appended in the order of commits.
CREATE TABLE records (
  record_no INTEGER PRIMARY KEY,
  header BLOB NOT NULL, -- the leaf: deterministic CBOR
  sealed BLOB NOT NULL  -- the encrypted bodies
) STRICT;

-- By what records are found. seq is the leaf's index in the merchant's log.
CREATE TABLE entries (
  merchant_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  record_no INTEGER NOT NULL,
  entry TEXT NOT NULL, -- decision, event, act
  decision_id BLOB,
  kind TEXT,
  outcome TEXT,
  policy TEXT,
  version TEXT,
  event_type TEXT NOT NULL,
  ticket TEXT,
  customer TEXT,
  order_id TEXT,
  event_at_ms INTEGER,
  received_at_ms INTEGER NOT NULL,
  leaf BLOB NOT NULL, -- SHA-256(0x00 ‖ header)
  PRIMARY KEY (merchant_no, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entries_by_decision ON entries (decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX entries_by_ticket ON entries (merchant_no, ticket) WHERE ticket IS NOT NULL;
CREATE INDEX entries_by_customer ON entries (merchant_no, customer) WHERE customer IS NOT NULL;

CREATE TABLE sources (
  source_no INTEGER PRIMARY KEY,
  source TEXT NOT NULL UNIQUE
) STRICT;

-- Idempotency: which records an event has.
CREATE TABLE events (
  merchant_no INTEGER NOT NULL,
  source_no INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  body BLOB NOT NULL, -- keyed digest
  first_seq INTEGER NOT NULL,
  records INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, source_no, event_id)
) STRICT, WITHOUT ROWID;

-- One intent, one payment.
CREATE TABLE intents (
  merchant_no INTEGER NOT NULL,
  key TEXT NOT NULL,
  payment TEXT NOT NULL, -- refund, cash, coupon
  amount INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_no, key, payment)
) STRICT, WITHOUT ROWID;

-- Amounts counted in the windows of the caps; cancelled ones are counted back with a minus, under the record that did it.
CREATE TABLE counted (
  merchant_no INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  customer TEXT,
  at_ms INTEGER NOT NULL,
  day INTEGER NOT NULL, -- days since 1970-01-01 in merchant time
  refund INTEGER NOT NULL,
  goodwill INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, order_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX counted_by_customer ON counted (merchant_no, customer, at_ms, refund, goodwill) WHERE customer IS NOT NULL;

CREATE TABLE day_totals (
  merchant_no INTEGER NOT NULL,
  day INTEGER NOT NULL,
  refund INTEGER NOT NULL,
  goodwill INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE after_sale_cases (
  merchant_no INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  after_sale_id TEXT NOT NULL,
  customer TEXT,
  state TEXT NOT NULL, -- open, closed
  outcome TEXT NOT NULL,
  resolution TEXT,
  attempts INTEGER NOT NULL,
  lines TEXT NOT NULL, -- JSON: line_id, qty, refunded
  freight_refunded INTEGER NOT NULL,
  policy TEXT,
  version TEXT,
  opened_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, order_id, after_sale_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE delay_grants (
  merchant_no INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  episode_id TEXT NOT NULL,
  form TEXT NOT NULL,
  value INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, order_id, seq, episode_id, form)
) STRICT, WITHOUT ROWID;

CREATE TABLE malicious_returns (
  merchant_no INTEGER NOT NULL,
  customer TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  ticket TEXT,
  at_ms INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, customer, incident_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE measures (
  merchant_no INTEGER NOT NULL,
  customer TEXT NOT NULL,
  measure TEXT NOT NULL,
  review_by_ms INTEGER,
  request_id TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, customer)
) STRICT, WITHOUT ROWID;
CREATE INDEX measures_due ON measures (review_by_ms) WHERE review_by_ms IS NOT NULL;

CREATE TABLE blacklist_requests (
  merchant_no INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  customer TEXT NOT NULL,
  state TEXT NOT NULL, -- open, closed
  stage TEXT NOT NULL,
  criterion TEXT NOT NULL,
  submitter_id TEXT NOT NULL,
  submitter_role TEXT NOT NULL,
  round INTEGER NOT NULL,
  detail BLOB NOT NULL, -- sealed
  opened_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX blacklist_requests_by_state ON blacklist_requests (merchant_no, state);

CREATE TABLE blacklist_steps (
  merchant_no INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  round INTEGER NOT NULL,
  step INTEGER NOT NULL,
  stage TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  role TEXT NOT NULL,
  verdict TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, request_id, round, step)
) STRICT, WITHOUT ROWID;
