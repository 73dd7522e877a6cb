-- What was approved in an after-sales case, paid or promised: a reply may promise that much and no more.
ALTER TABLE after_sale_cases ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE after_sale_cases ADD COLUMN compensation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE after_sale_cases ADD COLUMN reason TEXT;

-- What customers are on record for: malicious returns and extortion, said by an event or confirmed by a supervisor.
CREATE TABLE incidents (
  merchant_no INTEGER NOT NULL,
  customer TEXT NOT NULL,
  criterion TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  confirmed INTEGER NOT NULL,
  ticket TEXT,
  at_ms INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (merchant_no, customer, criterion, incident_id)
) STRICT, WITHOUT ROWID;
INSERT INTO incidents (merchant_no, customer, criterion, incident_id, confirmed, ticket, at_ms, seq)
SELECT merchant_no, customer, 'malicious-returns', incident_id, 1, ticket, at_ms, seq FROM malicious_returns;
DROP TABLE malicious_returns;
