-- A delayed refund may be stated again, for more than before: what is above the amount on record is paid by the record that
-- says so. Each record has its own part of an intent.
CREATE TABLE intent_parts (
  merchant_no INTEGER NOT NULL,
  key TEXT NOT NULL,
  payment TEXT NOT NULL, -- refund, cash, coupon
  seq INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_no, key, payment, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO intent_parts (merchant_no, key, payment, seq, amount, cancelled)
SELECT merchant_no, key, payment, seq, amount, cancelled FROM intents;
DROP VIEW payments;
DROP TABLE intents;
ALTER TABLE intent_parts RENAME TO intents;

CREATE VIEW payments AS
SELECT m.id AS merchant, i.key, i.payment, i.amount / 100.0 AS yuan, i.seq, i.cancelled
FROM intents i JOIN merchants m USING (merchant_no);

-- Events on the state of a case name the case, not its order.
CREATE INDEX after_sale_cases_by_id ON after_sale_cases (merchant_no, after_sale_id);
