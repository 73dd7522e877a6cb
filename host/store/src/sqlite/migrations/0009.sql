-- What comes in at the same time lies together, whosever it is: tickets, orders and cases of a platform are numbered in the
-- order of time, over all its merchants. With the merchant in front, a group of decisions of many merchants changed a page of
-- each index for each of them.
DROP INDEX entries_by_ticket;
DROP INDEX entries_by_customer;
CREATE INDEX entries_by_ticket ON entries (ticket, merchant_no) WHERE ticket IS NOT NULL;
CREATE INDEX entries_by_customer ON entries (customer, merchant_no) WHERE customer IS NOT NULL;

CREATE TABLE after_sale_cases_together (
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
  approved INTEGER NOT NULL,
  compensation INTEGER NOT NULL,
  reason TEXT,
  PRIMARY KEY (order_id, merchant_no, after_sale_id)
) STRICT, WITHOUT ROWID;
INSERT INTO after_sale_cases_together (merchant_no, order_id, after_sale_id, customer, state, outcome, resolution, attempts, lines,
  freight_refunded, policy, version, opened_at_ms, updated_at_ms, last_seq, approved, compensation, reason)
SELECT merchant_no, order_id, after_sale_id, customer, state, outcome, resolution, attempts, lines,
  freight_refunded, policy, version, opened_at_ms, updated_at_ms, last_seq, approved, compensation, reason FROM after_sale_cases;
DROP TABLE after_sale_cases;
ALTER TABLE after_sale_cases_together RENAME TO after_sale_cases;
CREATE INDEX after_sale_cases_by_id ON after_sale_cases (after_sale_id, merchant_no);
