-- What may not be erased for now: a customer's data, a ticket's, or the whole merchant's.
CREATE TABLE holds (
  merchant_no INTEGER NOT NULL,
  hold_id TEXT NOT NULL,
  scope TEXT NOT NULL, -- customer, ticket, merchant
  subject TEXT,        -- the customer or ticket
  set_by TEXT NOT NULL,
  set_at_ms INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, hold_id)
) STRICT, WITHOUT ROWID;
