-- Nothing stands in the log's tables that cannot be checked: times are those of the records and of the cosignatures.
DROP VIEW heads;
ALTER TABLE checkpoints DROP COLUMN at_ms;
ALTER TABLE cosignatures DROP COLUMN at_ms;

CREATE VIEW heads AS
SELECT
  m.id AS merchant,
  l.size AS records,
  c.size AS signed_records,
  lower(hex(c.root)) AS signed_root,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.received_at_ms / 1000.0, 'unixepoch') AS signed_until
FROM logs l JOIN merchants m USING (merchant_no)
LEFT JOIN checkpoints c ON c.merchant_no = l.merchant_no AND c.size = (SELECT max(size) FROM checkpoints x WHERE x.merchant_no = l.merchant_no)
LEFT JOIN entries e ON e.merchant_no = l.merchant_no AND e.seq = c.size - 1;
