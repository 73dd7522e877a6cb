//! The check against damage: a store with every kind of record, and whatever can happen to it.

mod damage;
mod fixture;

use super::{CheckReport, check};
use crate::check::{Checked, Place};
use fixture::Fixture;

/// The check of a fixture's database as it is.
fn checked(fixture: &Fixture) -> CheckReport {
    let published = |merchant: &ombud_core::ids::MerchantId| {
        fixture.published.get(merchant).cloned().map(|note| crate::Publication { note, before: true })
    };
    let asked = Checked { merchant: None, keys: Some(&fixture.keys), published: &published, progress: &|_| () };
    check(&fixture.db, &asked)
}

/// What is wrong after a statement, in the words of the report.
#[track_caller]
fn after(fixture: &Fixture, sql: &str) -> Vec<String> {
    fixture.db.execute_batch("SAVEPOINT damage").unwrap();
    let changed = fixture.db.execute_batch(sql);
    let report = changed.map(|()| checked(fixture));
    fixture.db.execute_batch("ROLLBACK TO damage; RELEASE damage").unwrap();
    report.unwrap().findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_store_is_well() {
    let fixture = Fixture::new(300);
    let report = checked(&fixture);
    assert!(report.is_well(), "{:#?}", report.findings);
    assert_eq!((report.logs, report.records, report.tiles, report.blobs), (3, 300 + 5, 1, 3));
    assert_eq!((report.checkpoints, report.cosignatures), (3 + 1, 3 + 1));
    assert!(report.events > 200);
}

#[test]
fn each_damage_is_named_with_its_place() {
    let fixture = Fixture::new(40);
    for (sql, finding) in [
        ("DELETE FROM entries WHERE merchant_no = 1 AND seq = 7", "m-1: record 7: it is missing"),
        (
            "UPDATE entries SET seq = 1 << 40 WHERE merchant_no = 1 AND seq = 7",
            "m-1: record 1099511627776: it does not follow: the log before it has 40 records",
        ),
        (
            "DELETE FROM entries WHERE merchant_no = 1 AND seq = 39",
            "m-1: tree: it has 40 records, but only 39 are there: the last ones are missing",
        ),
        ("DELETE FROM records WHERE record_no = 8", "m-1: record 7: its bytes are missing"),
        (
            "UPDATE records SET header = CAST(header || x'00' AS BLOB) WHERE record_no = 8",
            "m-1: record 7: its header is not the one of its leaf",
        ),
        (
            "UPDATE entries SET leaf = zeroblob(32) WHERE merchant_no = 1 AND seq = 7",
            "m-1: record 7: its header is not the one of its leaf",
        ),
        (
            "UPDATE records SET sealed = zeroblob(99) WHERE record_no = 8",
            "m-1: record 7: the sealed bodies are damaged: they are not the bytes that the header commits to",
        ),
        ("UPDATE entries SET record_no = 9 WHERE merchant_no = 1 AND seq = 7", "m-1: record 7: its header is that of record 8 of `m-1`"),
        ("UPDATE entries SET record_no = 9 WHERE merchant_no = 1 AND seq = 7", "m-1: record 8: its bytes stand for another record as well"),
        ("UPDATE entries SET record_no = 9 WHERE merchant_no = 1 AND seq = 7", "bytes number 8 of the records: no log has them"),
        ("UPDATE entries SET record_no = 3 WHERE merchant_no = 2 AND seq = 0", "m-2: record 0: its header is that of record 2 of `m-1`"),
        (
            "UPDATE entries SET outcome = 'deny' WHERE merchant_no = 1 AND seq = 0",
            "m-1: record 0: its outcome is listed otherwise than the header has it",
        ),
        ("INSERT INTO records (header, sealed) VALUES (x'00', x'')", "bytes number 46 of the records: no log has them"),
        ("UPDATE logs SET edge = zeroblob(length(edge)) WHERE merchant_no = 1", "m-1: tree: its edge is not that of the records"),
        ("DELETE FROM logs WHERE merchant_no = 1", "m-1: tree: it is missing, although there are 40 records"),
        ("INSERT INTO tiles VALUES (1, 0, 0, zeroblob(32))", "m-1: tree: 1 tiles are stored, but 40 records fill only 0"),
        ("INSERT INTO tiles VALUES (77, 0, 0, zeroblob(32))", "database: 1 rows of `tiles` belong to no merchant"),
        (
            "UPDATE checkpoints SET note = replace(note, 'm-1', 'm-2') WHERE merchant_no = 1",
            "m-1: checkpoint at 40 records: the note is not signed by `ombud.test/m-1`",
        ),
        (
            "UPDATE checkpoints SET size = 39 WHERE merchant_no = 1 AND size = 40",
            "m-1: checkpoint at 39 records: size or root differ from the signed ones",
        ),
        ("UPDATE cosignatures SET line = replace(line, 'w1', 'w2') WHERE merchant_no = 1", "m-1: cosignature of `"),
        (
            "DELETE FROM checkpoints WHERE merchant_no = 1 AND size = 40",
            "m-1: published checkpoint: 40 records were published, but no such checkpoint is stored: the database was set back",
        ),
        ("DELETE FROM events WHERE event_id = '6'", "m-1: record 7: the event index does not lead to it"),
        (
            "UPDATE events SET first_seq = 4 WHERE event_id = '6'",
            "m-1: event `6` of source `/test`: the records that it names are not there, or are another event's",
        ),
        ("UPDATE events SET records = 2 WHERE event_id = '6'", "m-1: record 8: the event index counts it to another event"),
        (
            "UPDATE events SET records = 9 WHERE event_id = '38'",
            "m-1: record 39: the event index counts records after it, but the log ends with it",
        ),
        (
            "UPDATE events SET body = zeroblob(31) WHERE event_id = '6'",
            "m-1: event `6` of source `/test`: its digest is damaged: who sends it again gets no answer",
        ),
        ("UPDATE sources SET source = '/other'", "m-1: record 7: the event index does not lead to it"),
        ("UPDATE blobs SET bytes = x'0061736d00' WHERE blob_no = 1", ": they have another digest"),
        ("DELETE FROM blobs WHERE blob_no = 1", ": records or versions name them, but they are not there, or not whole"),
        ("UPDATE blobs SET media = 'application/json' WHERE blob_no = 1", ": they are not of the type `application/json`"),
        ("UPDATE merchants SET id = 'm 1' WHERE id = 'm-1'", "m 1: database: the merchant's id is damaged"),
        ("UPDATE merchants SET id = 'm-9' WHERE id = 'm-1'", "m-9: record 0: its header is that of record 0 of `m-1`"),
    ] {
        let findings = after(&fixture, sql);
        assert!(findings.iter().any(|found| found.contains(finding)), "{sql}: {findings:#?}");
    }
}

#[test]
fn what_nothing_signs_any_more_is_told_where_what_came_later_is_signed() {
    let mut fixture = Fixture::new(40);
    fixture.published.clear();
    let most = super::heads::UNSIGNED_MS_MAX;
    let gone = |what: &str| format!("DELETE FROM checkpoints WHERE {what}; DELETE FROM cosignatures WHERE {what};");
    let than = |seq: u64, ms: i64| {
        let own = format!("SELECT received_at_ms FROM entries WHERE merchant_no = 1 AND seq = {seq}");
        format!("UPDATE entries SET received_at_ms = {ms} + ({own}) WHERE merchant_no = 2;")
    };
    let later = |ms: i64| than(0, ms);
    let told = |sql: &str, words: &str| after(&fixture, sql).into_iter().filter(|finding| finding.contains(words)).collect::<Vec<_>>();
    let of_one =
        |ms: i64, from: u64| told(&(gone(&format!("merchant_no = 1 AND size > {from}")) + &than(from, ms)), "no checkpoint signs it");
    assert_eq!(of_one(most, 20), [""; 0], "both may be of one round");
    for from in [0, 10, 20] {
        let [finding] = of_one(most + 1, from).try_into().unwrap();
        assert!(finding.starts_with(&format!("m-1: record {from}: no checkpoint signs it or what follows it")), "{finding}");
    }
    // What nobody has signed since is no sign of anything: a server was killed, and a command wrote later.
    assert_eq!(told(&(gone("merchant_no = 2") + &later(most + 1)), "no checkpoint signs it"), [""; 0]);
    // A clock that was wrong for a while accuses nobody once it is right: what was written later counts.
    let ahead = format!("UPDATE entries SET received_at_ms = received_at_ms + {} WHERE merchant_no = 1;", most + 1);
    assert_eq!(told(&(gone("merchant_no = 2") + &ahead), "no checkpoint signs it"), [""; 0]);
    // Nothing at all.
    let words = "and no log has one: they were removed";
    assert_eq!(told(&(gone("true") + &later(most + 1)), words).len(), 1);
    assert_eq!(told(&gone("true"), words), [""; 0]);
}

#[test]
fn what_is_published_holds_the_database_to_it() {
    let mut fixture = Fixture::new(40);
    let said = |fixture: &Fixture| checked(fixture).findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    let merchant = fixture.merchant(1);
    let good = fixture.published[&merchant].clone();
    for (published, finding) in [
        (None, "m-1: published checkpoint: there is none, although 40 records were signed"),
        (
            Some(fixture.sign(1, 45)),
            "m-1: published checkpoint: 45 records were published, but no such checkpoint is stored: the database was set back",
        ),
        // A witness that came since says nothing else.
        (
            Some(format!("{}\u{2014} w2.test AAAAAAAA\n", fixture.sign(1, 45))),
            "m-1: published checkpoint: 45 records were published, but no such checkpoint is stored: the database was set back; 40 records are \
             there, and 5 are missing",
        ),
        (Some(fixture.other_root(1, 40)), "m-1: published checkpoint: the first 40 records are not those that were published"),
        (Some(good.replace("m-1", "m-2")), "is not signed by `ombud.test/m-1`"),
        (Some(format!("{good}\u{2014} stranger AAAAAAAA\n")), "a key that is not known has signed it: `stranger`"),
        (Some(String::new()), "m-1: published checkpoint: the note is malformed"),
    ] {
        match published {
            Some(note) => _ = fixture.published.insert(merchant.clone(), note),
            None => _ = fixture.published.remove(&merchant),
        }
        let findings = said(&fixture);
        assert!(findings.iter().any(|found| found.contains(finding)), "{finding}: {findings:#?}");
    }
    // An older one is no contradiction: the file is written after the database.
    fixture.published.insert(merchant, fixture.sign(1, 20));
    assert_eq!(said(&fixture), [""; 0]);
    // Without a key nothing signed can be trusted.
    let published = |_: &ombud_core::ids::MerchantId| None;
    let report = check(&fixture.db, &Checked { merchant: None, keys: None, published: &published, progress: &|_| () });
    assert!(report.findings.iter().any(|found| found.problem == "there is no key to check it with"));
}

#[test]
fn one_merchant_is_checked_alone() {
    let fixture = Fixture::new(40);
    fixture.db.execute_batch("DELETE FROM entries WHERE merchant_no = 1 AND seq = 7; DELETE FROM blobs WHERE blob_no = 3").unwrap();
    let published = |merchant: &ombud_core::ids::MerchantId| {
        fixture.published.get(merchant).cloned().map(|note| crate::Publication { note, before: true })
    };
    let of = |number: i64| {
        let merchant = fixture.merchant(number);
        check(&fixture.db, &Checked { merchant: Some(&merchant), keys: Some(&fixture.keys), published: &published, progress: &|_| () })
    };
    assert!(of(2).is_well(), "{:#?}", of(2).findings);
    assert_eq!(of(2).records, 5);
    assert!(of(1).findings.iter().any(|found| found.place == Place::Record(7)));
    let nobody = ombud_core::ids::MerchantId::new("nobody").unwrap();
    let report = check(&fixture.db, &Checked { merchant: Some(&nobody), keys: None, published: &published, progress: &|_| () });
    assert_eq!(report.findings[0].to_string(), "nobody: database: there is no such merchant");
}
