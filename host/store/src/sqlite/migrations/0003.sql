-- A person who amends a payment takes one amount back and pays another in one record: each has an entry of its own, in the
-- window in which it counts.
CREATE TABLE counted_by_instant (
  merchant_no INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  customer TEXT,
  at_ms INTEGER NOT NULL,
  day INTEGER NOT NULL, -- days since 1970-01-01 in merchant time
  refund INTEGER NOT NULL,
  goodwill INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, order_id, seq, at_ms)
) STRICT, WITHOUT ROWID;
INSERT INTO counted_by_instant (merchant_no, order_id, seq, customer, at_ms, day, refund, goodwill)
SELECT merchant_no, order_id, seq, customer, at_ms, day, refund, goodwill FROM counted;
DROP TABLE counted;
ALTER TABLE counted_by_instant RENAME TO counted;
CREATE INDEX counted_by_customer ON counted (merchant_no, customer, at_ms, refund, goodwill) WHERE customer IS NOT NULL;
