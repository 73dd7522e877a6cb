//! Rows beside erased records: whoever was erased has left them, and whoever was not has all of them.

use rusqlite::Connection;

use super::*;
use crate::sqlite::SqliteStore;

/// What the records give. `gone` was erased by an act (record 4) and came back (8), `twice` was erased again by retention; `live` was
/// not. Records 0 to 3 and 11 were erased, and 11 ended a case.
const AGAIN: &str = "
INSERT INTO erased VALUES (1, 0, 'decision', 'after-sale', 'o-gone', 0, 50, 50, 0), (1, 1, 'decision', 'blacklist', NULL, 0, 0, 0, 0),
  (1, 2, 'event', NULL, NULL, 0, 0, 0, 0), (1, 3, 'act', 'override', 'o-gone', 0, 0, 0, 0), (1, 11, 'event', NULL, NULL, 1, 0, 0, 0);
INSERT INTO erasures VALUES (1, 'erased:gone', 20, 4);
INSERT INTO entries (merchant_no, seq, record_no, entry, event_type, customer, order_id, received_at_ms, leaf) VALUES
  (1, 5, 5, 'decision', 'x', 'live', 'o-live', 30, x''), (1, 6, 6, 'decision', 'x', 'live', NULL, 31, x''),
  (1, 8, 8, 'decision', 'x', 'gone', 'o-back', 33, x''), (1, 9, 9, 'act', 'x', 'live', 'o-live', 34, x''),
  (1, 10, 10, 'decision', 'x', NULL, 'o-twice', 35, x''), (1, 12, 12, 'decision', 'x', 'live', 'o-two', 37, x''),
  (1, 13, 13, 'act', 'x', NULL, 'o-twice', 38, x'');
INSERT INTO unlisted VALUES (1, 'o-twice', 'twice');
INSERT INTO intents VALUES (1, 'case-live', 'refund', 5, 100, 0), (1, 'case-back', 'refund', 8, 9, 0), (1, 'case-twice', 'refund', 10, 7, 0);
INSERT INTO counted VALUES (1, 'o-live', 5, 'live', 30, 0, 100, 0), (1, 'o-back', 8, 'gone', 33, 0, 9, 0),
  (1, 'o-twice', 10, 'twice', 35, 0, 7, 0), (1, 'o-twice', 13, NULL, 38, 0, 3, 0);
INSERT INTO delay_grants VALUES (1, 'o-live', 9, 'ep', 'cash', 4, 34);
INSERT INTO after_sale_cases VALUES (1, 'o-live', 'case-live', 'live', 'open', 'a', NULL, 1, '[]', 0, NULL, NULL, 30, 34, 9, 0, 0, NULL),
  (1, 'o-back', 'case-back', 'gone', 'open', 'a', NULL, 1, '[]', 0, NULL, NULL, 33, 33, 8, 0, 0, NULL),
  (1, 'o-twice', 'case-twice', 'twice', 'open', 'a', NULL, 1, '[]', 0, NULL, NULL, 35, 38, 13, 0, 0, NULL),
  (1, 'o-two', 'promised', 'live', 'open', 'a', NULL, 1, '[{\"refunded\": 10}]', 0, NULL, NULL, 30, 30, 5, 70, 0, NULL);
INSERT INTO after_sale_cases VALUES (1, 'o-two', 'promised', 'live', 'open', 'b', NULL, 1, '[{\"refunded\": 80}]', 0, NULL, NULL, 30, 37, 12, 70, 0, NULL)
  ON CONFLICT DO UPDATE SET lines = excluded.lines, outcome = excluded.outcome, last_seq = 12, updated_at_ms = 37;
INSERT INTO incidents VALUES (1, 'live', 'extortion', 'i', 0, NULL, 32, 7), (1, 'twice', 'extortion', 'i', 0, NULL, 35, 10);
INSERT INTO measures VALUES (1, 'live', 'blacklisted', NULL, 'r-live', 31, 6), (1, 'twice', 'marked', NULL, 'r-twice', 35, 10);
INSERT INTO blacklist_requests VALUES (1, 'r-live', 'live', 'open', 'submitted', 'x', 'a', 'b', 1, x'', 31, 31, 6),
  (1, 'r-twice', 'twice', 'open', 'submitted', 'x', 'a', 'b', 1, x'', 35, 35, 10);
INSERT INTO blacklist_steps VALUES (1, 'r-live', 1, 0, 'submitted', 'a', 'b', 'approve', 31, 6);";

/// What is there, and honest.
const MAIN: &str = "
INSERT INTO entries (merchant_no, seq, record_no, entry, event_type, outcome, customer, order_id, received_at_ms, leaf) VALUES
  (1, 0, 0, 'decision', 'x', 'a', NULL, 'o-gone', 10, x''), (1, 1, 1, 'decision', 'x', 'a', NULL, NULL, 11, x''),
  (1, 2, 2, 'event', 'x', NULL, NULL, NULL, 12, x''), (1, 3, 3, 'act', 'x', 'a', NULL, 'o-gone', 13, x''),
  (1, 4, 4, 'act', 'erasure', NULL, NULL, NULL, 20, x''), (1, 5, 5, 'decision', 'x', 'a', 'live', 'o-live', 30, x''),
  (1, 6, 6, 'decision', 'x', 'a', 'live', NULL, 31, x''), (1, 7, 7, 'event', 'x', NULL, 'live', NULL, 32, x''),
  (1, 8, 8, 'decision', 'x', 'a', 'gone', 'o-back', 33, x''), (1, 9, 9, 'act', 'x', 'a', 'live', 'o-live', 34, x''),
  (1, 10, 10, 'decision', 'x', 'a', NULL, 'o-twice', 35, x''), (1, 11, 11, 'event', 'x', NULL, NULL, NULL, 36, x''),
  (1, 12, 12, 'decision', 'x', 'b', 'live', 'o-two', 37, x''), (1, 13, 13, 'act', 'x', 'a', NULL, 'o-twice', 38, x'');
UPDATE entries SET ticket = 't' WHERE seq IN (5, 6);
INSERT INTO subject_keys (merchant_no, subject, wrapped, created_at_ms, erased_at_ms, quiet_from_ms) VALUES (1, 'customer:live', x'00', 30, NULL, 1),
  (1, 'ticket:t', x'00', 31, NULL, 1), (1, 'merchant', x'00', 1, NULL, 1),
  (1, 'erased:gone', NULL, 20, 20, 1), (1, 'erased:twice', NULL, 40, 40, 1), (1, 'erased:other', NULL, 50, 50, 1);
INSERT INTO intents VALUES (1, 'case-gone', 'refund', 0, 50, 0), (1, 'case-live', 'refund', 5, 100, 0), (1, 'case-back', 'refund', 8, 9, 0),
  (1, 'case-twice', 'refund', 10, 7, 0);
INSERT INTO counted VALUES (1, 'o-gone', 0, NULL, 10, 0, 50, 0), (1, 'o-live', 5, 'live', 30, 0, 100, 0), (1, 'o-back', 8, 'gone', 33, 0, 9, 0),
  (1, 'o-twice', 10, 'erased:twice', 35, 0, 7, 0), (1, 'o-twice', 13, 'erased:twice', 38, 0, 3, 0);
INSERT INTO day_totals VALUES (1, 0, 169, 0);
INSERT INTO delay_grants VALUES (1, 'o-live', 9, 'ep', 'cash', 4, 34);
INSERT INTO after_sale_cases VALUES (1, 'o-gone', 'case-gone', NULL, 'closed', 'a', NULL, 1, '[]', 0, NULL, NULL, 10, 13, 3, 0, 0, NULL),
  (1, 'o-live', 'case-live', 'live', 'open', 'a', NULL, 1, '[]', 0, NULL, NULL, 30, 34, 9, 0, 0, NULL),
  (1, 'o-back', 'case-back', 'gone', 'open', 'a', NULL, 1, '[]', 0, NULL, NULL, 33, 33, 8, 0, 0, NULL),
  (1, 'o-twice', 'case-twice', NULL, 'open', 'a', NULL, 1, '[]', 0, NULL, NULL, 35, 38, 13, 0, 0, NULL),
  (1, 'o-two', 'promised', 'live', 'open', 'b', NULL, 1, '[{\"refunded\": 140}]', 0, NULL, NULL, 30, 37, 12, 70, 0, NULL);
INSERT INTO incidents VALUES (1, 'live', 'extortion', 'i', 0, NULL, 32, 7);
INSERT INTO measures VALUES (1, 'live', 'blacklisted', NULL, 'r-live', 31, 6);
INSERT INTO blacklist_requests VALUES (1, 'r-gone', 'erased:gone', 'closed', 'archived', 'x', 'a', 'b', 1, x'', 11, 11, 1),
  (1, 'r-live', 'live', 'open', 'submitted', 'x', 'a', 'b', 1, x'', 31, 31, 6),
  (1, 'r-twice', 'erased:twice', 'closed', 'archived', 'x', 'a', 'b', 1, x'', 35, 35, 10);
INSERT INTO blacklist_steps VALUES (1, 'r-gone', 1, 0, 'submitted', 'a', 'b', 'approve', 11, 1),
  (1, 'r-live', 1, 0, 'submitted', 'a', 'b', 'approve', 31, 6);";

/// What is found after statements on what is there.
fn after(sql: &str) -> Vec<String> {
    let [main, again] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let row = MerchantRow { id: MerchantId::new("m").unwrap(), config: "{}".into(), created_at_ms: 1 };
    let (store, mut writer) = SqliteStore::open(main.path()).unwrap();
    writer.begin().unwrap();
    writer.put_merchant(&row).unwrap();
    writer.commit().unwrap();
    drop((writer, store));
    let db = Connection::open(main.path().join(DATABASE)).unwrap();
    db.execute_batch(MAIN).unwrap();
    for statement in sql.split(';') {
        assert_ne!(db.execute(statement, []).unwrap_or_else(|error| panic!("{statement}: {error}")), 0, "{statement}");
    }
    let mut scratch = Scratch::new(again.path()).unwrap();
    let found =
        Inspection::open(main.path()).unwrap().derived(&row, &mut scratch, &|customer| Some(format!("erased:{customer}")), |_, scratch| {
            scratch.writer.db().connection.execute_batch(AGAIN).unwrap();
            Ok::<_, StoreError>(Some(Rebuilt { zone_changed: false }))
        });
    found.unwrap().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn keys_are_as_old_as_their_records() {
    for (sql, said) in [
        ("UPDATE subject_keys SET created_at_ms = 31 WHERE subject = 'customer:live'", "m: key of `customer:live`: it was made at another"),
        ("UPDATE subject_keys SET created_at_ms = 32 WHERE subject = 'ticket:t'", "m: key of `ticket:t`: it was made at another time"),
        ("UPDATE subject_keys SET created_at_ms = 2 WHERE subject = 'merchant'", "m: key of `merchant`: it was made at another time"),
        ("UPDATE merchants SET created_at_ms = 2", "m: key of `merchant`: it was made at another time"),
    ] {
        let found = after(sql);
        assert!(found.len() == 1 && found[0].contains(said), "{sql}: {found:#?}");
    }
}

/// Statements that change nothing.
const NOTHING: &str = "UPDATE merchants SET id = id";

#[test]
fn what_erasures_leave_is_accused_of_nothing() {
    for sql in [
        NOTHING,
        // The window of the caps is over.
        "UPDATE counted SET customer = NULL WHERE order_id = 'o-twice'",
        // Whose ticket was destroyed with somebody else's erasure is still named.
        "UPDATE after_sale_cases SET customer = 'gone' WHERE after_sale_id = 'case-gone'; UPDATE counted SET customer = 'gone' WHERE seq = 0",
        "INSERT INTO incidents VALUES (1, 'gone', 'extortion', 'j', 0, NULL, 12, 2)",
        "INSERT INTO measures VALUES (1, 'gone', 'marked', NULL, 'r-gone', 11, 1)",
        "UPDATE blacklist_requests SET customer = 'gone', state = 'open', stage = 'submitted' WHERE request_id = 'r-gone'",
        // A request of somebody who was erased, which somebody else begins anew.
        "UPDATE blacklist_requests SET round = 2, opened_at_ms = 11 WHERE request_id = 'r-live';
         UPDATE blacklist_steps SET round = 2 WHERE request_id = 'r-live';
         INSERT INTO blacklist_steps VALUES (1, 'r-live', 1, 0, 'submitted', 'c', 'b', 'approve', 11, 1)",
        // The platform ended a case, in an event that was erased; or it was the last word.
        "UPDATE after_sale_cases SET lines = '[]', approved = 10 WHERE after_sale_id = 'promised'",
        "UPDATE after_sale_cases SET state = 'closed', approved = 0, last_seq = 11, updated_at_ms = 36 WHERE after_sale_id = 'case-live'",
    ] {
        assert_eq!(after(sql), [""; 0], "{sql}");
    }
}

#[test]
fn the_erasure_of_somebody_else_excuses_nothing() {
    for (sql, said) in [
        ("DELETE FROM measures WHERE customer = 'live'", "row `live` of `measures`: it is missing"),
        ("DELETE FROM incidents WHERE customer = 'live'", "row `live extortion i` of `incidents`: it is missing"),
        ("UPDATE measures SET seq = 1 WHERE customer = 'live'", "row `live` of `measures`: `seq` is another"),
        (
            "INSERT INTO measures VALUES (1, 'other', 'blacklisted', NULL, 'r', 31, 6)",
            "row `other` of `measures`: the records give no such row",
        ),
        ("INSERT INTO measures VALUES (1, 'nobody', 'marked', NULL, 'r', 11, 1)", "row `nobody` of `measures`: no record gives it"),
        ("INSERT INTO measures VALUES (1, 'gone', 'marked', NULL, 'r', 12, 2)", "row `gone` of `measures`: no record gives it"),
        ("UPDATE incidents SET seq = 2 WHERE customer = 'live'", "of `incidents`: `seq` is another"),
        ("UPDATE counted SET customer = NULL WHERE seq = 5", "row `o-live 5 30` of `counted`: `customer` is another"),
        ("UPDATE counted SET customer = 'erased:gone' WHERE seq = 5", "of `counted`: `customer` is another"),
        ("UPDATE counted SET customer = 'live' WHERE seq = 0", "row `o-gone 0 10` of `counted`: no record gives it"),
        // Whoever came back is named again, until the next erasure.
        ("UPDATE counted SET customer = 'erased:gone' WHERE seq = 8", "row `o-back 8 33` of `counted`: `customer` is another"),
        ("UPDATE counted SET customer = 'erased:gone' WHERE seq = 10", "row `o-twice 10 35` of `counted`: `customer` is another"),
        ("UPDATE counted SET customer = 'erased:gone' WHERE seq = 13", "row `o-twice 13 38` of `counted`: `customer` is another"),
        ("UPDATE after_sale_cases SET customer = NULL WHERE after_sale_id = 'case-live'", "of `after_sale_cases`: `customer` is another"),
        ("UPDATE after_sale_cases SET customer = NULL WHERE after_sale_id = 'case-back'", "of `after_sale_cases`: `customer` is another"),
        ("UPDATE after_sale_cases SET customer = 'live' WHERE after_sale_id = 'case-gone'", "of `after_sale_cases`: no record gives it"),
        ("UPDATE after_sale_cases SET last_seq = 3 WHERE after_sale_id = 'case-live'", "of `after_sale_cases`: `last_seq` is another"),
        (
            "UPDATE after_sale_cases SET last_seq = 11 WHERE after_sale_id = 'promised'",
            "of `after_sale_cases`: `lines`, `last_seq` is another",
        ),
        (
            "UPDATE after_sale_cases SET lines = '[{\"refunded\": 1}]', last_seq = 11, updated_at_ms = 36, outcome = 'z' WHERE after_sale_id = 'case-live'",
            "of `after_sale_cases`: `outcome`, `lines`, `updated_at_ms`, `last_seq` is another",
        ),
        (
            "DELETE FROM after_sale_cases WHERE after_sale_id = 'case-gone'",
            "row `o-gone` of `after_sale_cases`: a decision on a case of this",
        ),
        // Nothing was promised in it.
        (
            "UPDATE after_sale_cases SET approved = 1 WHERE after_sale_id = 'case-twice'",
            "of `after_sale_cases`: `customer`, `approved` is another",
        ),
        (
            "UPDATE blacklist_requests SET customer = 'erased:gone', state = 'closed', stage = 'archived' WHERE request_id = 'r-live'",
            "of `blacklist_requests`: `customer`, `state`, `stage` is another",
        ),
        (
            "UPDATE blacklist_requests SET customer = 'erased:gone' WHERE request_id = 'r-twice'",
            "of `blacklist_requests`: `customer`, `state`, `stage` is another",
        ),
        ("UPDATE blacklist_requests SET last_seq = 1 WHERE request_id = 'r-live'", "of `blacklist_requests`: `last_seq` is another"),
        ("UPDATE blacklist_requests SET round = 2 WHERE request_id = 'r-live'", "of `blacklist_requests`: `round` is another"),
        ("UPDATE blacklist_requests SET customer = 'live' WHERE request_id = 'r-gone'", "of `blacklist_requests`: no record gives it"),
        ("UPDATE blacklist_requests SET last_seq = 2 WHERE request_id = 'r-gone'", "of `blacklist_requests`: no record gives it"),
        ("UPDATE blacklist_steps SET seq = 1 WHERE request_id = 'r-live'", "row `r-live 1 0` of `blacklist_steps`: `seq` is another"),
        ("UPDATE blacklist_steps SET seq = 2 WHERE request_id = 'r-gone'", "row `r-gone 1 0` of `blacklist_steps`: no record gives it"),
        (
            "UPDATE blacklist_requests SET round = 2, opened_at_ms = 11 WHERE request_id = 'r-live'",
            "row `r-live` of `blacklist_requests`: `round`, `opened_at_ms` is another",
        ),
        ("UPDATE intents SET seq = 1 WHERE key = 'case-live'", "row `case-live refund 5` of `intents`: it is missing"),
        ("INSERT INTO intents VALUES (1, 'k', 'cash', 2, 5, 0)", "row `k cash 2` of `intents`: no record gives it"),
        ("INSERT INTO intents VALUES (1, 'k', 'cash', 3, 0, 0)", "row `k cash 3` of `intents`: no record gives it"),
        ("UPDATE intents SET payment = 'x' WHERE seq = 0", "row `case-gone x 0` of `intents`: no record gives it"),
        ("UPDATE intents SET cancelled = 2 WHERE seq = 0", "row `case-gone refund 0` of `intents`: no record gives it"),
        ("UPDATE delay_grants SET value = 5", "row `o-live 9 ep cash` of `delay_grants`: `value` is another"),
        ("INSERT INTO delay_grants VALUES (1, 'o-gone', 2, 'ep', 'cash', 5, 12)", "of `delay_grants`: no record gives it"),
    ] {
        let found = after(sql);
        assert!(found.iter().any(|one| one.contains(said)), "{sql}: {found:#?}");
    }
}
