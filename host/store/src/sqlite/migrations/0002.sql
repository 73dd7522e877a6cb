-- Views for people with the sqlite3 shell: names instead of numbers, ISO times, hexadecimal digests, yuan.

CREATE VIEW ledger AS
SELECT
  m.id AS merchant,
  e.seq,
  e.entry,
  lower(hex(e.decision_id)) AS decision_id,
  e.kind,
  e.outcome,
  e.policy,
  e.version,
  e.event_type,
  e.ticket,
  e.customer,
  e.order_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.event_at_ms / 1000.0, 'unixepoch') AS event_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.received_at_ms / 1000.0, 'unixepoch') AS received_at,
  lower(hex(e.leaf)) AS leaf,
  length(r.header) AS header_bytes,
  length(r.sealed) AS sealed_bytes
FROM entries e JOIN merchants m USING (merchant_no) JOIN records r USING (record_no);

CREATE VIEW payments AS
SELECT m.id AS merchant, i.key, i.payment, i.amount / 100.0 AS yuan, i.seq, i.cancelled
FROM intents i JOIN merchants m USING (merchant_no);

CREATE VIEW measures_in_force AS
SELECT
  m.id AS merchant,
  x.customer,
  x.measure,
  strftime('%Y-%m-%dT%H:%M:%fZ', x.review_by_ms / 1000.0, 'unixepoch') AS review_by,
  x.request_id,
  x.seq
FROM measures x JOIN merchants m USING (merchant_no);
