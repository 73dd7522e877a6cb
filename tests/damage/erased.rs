//! What an erasure leaves checkable: everybody else's rows, and the file that says who was erased.

use std::time::Duration;

use ombud_tests::process::{Process, command};
use ombud_tests::random::Random;

use super::tables::restore;
use super::{ERASED, ERASED_OF, Store};

/// Rows of whom was not erased, changed by somebody who knows the tables and uses what an erasure leaves.
#[test]
fn an_erasure_excuses_no_change_of_other_customers_rows() {
    let store = Store::with_erased();
    assert_eq!(store.findings(), [""; 0]);
    let of = format!("merchant_no = (SELECT merchant_no FROM merchants WHERE id = '{ERASED_OF}')");
    store.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let good = std::fs::read(store.data.join("ombud.db")).unwrap();
    let mark = format!("(SELECT min(subject) FROM subject_keys WHERE {of} AND subject >= 'erased:' AND subject < 'erased;')");
    let mut changes = vec![
        ("measures", format!("DELETE FROM measures WHERE {of}")),
        ("incidents", format!("DELETE FROM incidents WHERE {of}")),
        ("after_sale_cases", format!("UPDATE after_sale_cases SET customer = NULL WHERE {of}")),
        ("blacklist_requests", format!("UPDATE blacklist_requests SET state = 'closed', stage = 'archived', customer = {mark} WHERE {of}")),
        ("entries", format!("UPDATE entries SET customer = NULL WHERE {of} AND customer = 'c_9999' AND entry = 'decision'")),
        ("events", format!("UPDATE events SET body = x'' WHERE {of}")),
        ("events", format!("UPDATE events SET body = zeroblob(31) WHERE {of}")),
        ("counted", format!("UPDATE counted SET customer = 'c_9999' WHERE {of}")),
    ];
    for seq in &store.erased {
        for (table, column) in [
            ("measures", "seq"),
            ("incidents", "seq"),
            ("after_sale_cases", "last_seq"),
            ("blacklist_requests", "last_seq"),
            ("blacklist_steps", "seq"),
        ] {
            changes.push((table, format!("UPDATE {table} SET {column} = {seq} WHERE {of}")));
        }
    }
    for (table, sql) in changes {
        assert!(store.db.execute(&sql, []).unwrap() > 0, "{sql}");
        let found = store.findings();
        // Records that list nobody are those of nobody who was erased; the index of events is no row beside the records.
        let place = match table {
            "entries" => "",
            "events" => "event",
            table => table,
        };
        assert!(found.iter().any(|one| one.starts_with(ERASED_OF) && one.contains(place)), "{sql}: {found:#?}");
        restore(&store.db, &good, &store.data);
    }
    assert_eq!(store.findings(), [""; 0]);
}

/// Who was erased stands in a file as well, which a backup that is put back is held against.
#[test]
fn no_change_of_the_file_that_says_who_was_erased_goes_undetected() {
    let store = Store::with_erased();
    let mut random = Random::new();
    let file = store.data.join("erasures");
    let good = std::fs::read(&file).unwrap();
    assert_eq!(good.iter().filter(|byte| **byte == b'\n').count(), ERASED.len());
    let found = |bad: Option<&[u8]>| {
        match bad {
            Some(bad) => std::fs::write(&file, bad).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let found = store.findings();
        assert!(found.iter().any(|one| one.contains("file `erasures`: ")), "{:?}: {found:#?}", bad.map(String::from_utf8_lossy));
        found
    };
    for gone in [None, Some(&b""[..])] {
        let found = found(gone);
        assert_eq!(found.len(), ERASED.len());
        assert!(
            found[0].contains("of a customer who was erased at") && found[0].contains("the next start of a server writes it"),
            "{found:?}"
        );
    }
    for end in (1..good.len()).step_by(6).chain([good.len() - 1]) {
        found(Some(&good[..end]));
    }
    for _ in 0..40 {
        let mut bad = good.clone();
        random.flip(&mut bad);
        found(Some(&bad));
    }
    let more = [&good[..], format!("{ERASED_OF} erased:00 1\n").as_bytes()].concat();
    assert!(found(Some(&more))[0].contains("it has `erased:00` as erased when the database has not"));
    // A start of a server adds who is missing.
    std::fs::remove_file(&file).unwrap();
    let process = Process::start(command(&store.data));
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    assert_eq!(store.findings(), [""; 0]);
    let lines =
        |text: &[u8]| String::from_utf8(text.to_vec()).unwrap().lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(lines(&std::fs::read(&file).unwrap()), lines(&good));
}
