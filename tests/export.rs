//! Exports of a running service: everything is in them, whatever is wrong with the store is found in them, and nobody gets more
//! than the role may see.

mod claims;

use std::path::Path;
use std::sync::Arc;

use ombud::audit::{AuditReport, CARRIED_BYTES_MAX, CARRIED_EACH_BYTES, Checks, verify};
use ombud::service::MERCHANT_EXPORTS_MAX;
use ombud::service::export::{EXPORTS_MAX, ExportQuery};
use ombud::service::{Principal, Role, Service, ServiceError};
use ombud_core::ids::{ActorId, MerchantId};
use ombud_ledger::bundle::{Trust, Verifier};
use ombud_ledger::log::VerifierKeys;
use ombud_tests::events::{event, refund};
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::random::Random;
use ombud_tests::server::{Merchant, Server};
use rusqlite::Connection;
use serde_json::{Value, json};

/// A service with its runtime, and a connection by which somebody else changes its database.
struct Store {
    server: Server,
    runtime: tokio::runtime::Runtime,
    outside: Connection,
    keys: VerifierKeys,
}

impl Store {
    fn new() -> Self {
        let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
        server.service.sign_now().unwrap();
        let outside = Connection::open(server.data.join("ombud.db")).unwrap();
        outside.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let keys = std::fs::read_to_string(server.data.join("ledger.vkey")).unwrap().parse().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { server, runtime, outside, keys }
    }

    fn service(&self) -> &Arc<Service> {
        &self.server.service
    }

    fn export(&self, merchant: &str, query: &ExportQuery) -> Vec<u8> {
        let export = self.runtime.block_on(self.service().export(&auditor(merchant), merchant, query.clone())).unwrap();
        let mut bundle = Vec::new();
        export.write(&mut bundle).unwrap();
        bundle
    }

    /// Exports and checks, without running decisions again.
    fn checked(&self, merchant: &str, query: &ExportQuery) -> AuditReport {
        checked(&self.export(merchant, query), &self.keys)
    }

    fn change(&self, sql: &str) {
        assert!(self.outside.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}")) > 0, "{sql}");
    }
}

fn checked(bundle: &[u8], keys: &VerifierKeys) -> AuditReport {
    carrying(bundle, keys, CARRIED_BYTES_MAX)
}

fn carrying(bundle: &[u8], keys: &VerifierKeys, carried_bytes_max: u64) -> AuditReport {
    let verifier = Verifier::open(bundle, Trust { keys, kept: None, witnesses: &[] }).unwrap();
    verify(verifier, &Checks { replayer: None, lanes: 1, witnesses: &[], accepted_losses: None, carried_bytes_max, progress: &|_| {} })
}

fn auditor(merchant: &str) -> Principal {
    Principal {
        actor: ActorId::new("the-auditor").unwrap(),
        role: Role::Auditor,
        merchant: Some(MerchantId::new(merchant).unwrap()),
        key: None,
    }
}

/// Decisions of every kind, events on which nothing is to be decided, and a person's act.
fn every_kind(merchant: &Merchant<'_>) {
    merchant.post(&event("ticket.created", "e"));
    merchant.decide(&refund("r", "customer-r", 2_000));
    merchant.decide(&event("delay.detected", "d"));
    merchant.decide(&event("blacklist.requested", "b"));
    merchant.decide(&event("reply.drafted", "p"));
    merchant.post(&event("order.paid", "e"));
    let large = merchant.decide(&refund("l", "customer-l", 900_000));
    let path = format!("/decisions/{}/override", large["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "approve", "reason": "checked"})).send().with(201);
}

/// Asserts that a problem is named at its place.
#[track_caller]
fn names(report: &AuditReport, seq: Option<u64>, part: &str, what: &str) {
    let named = report.problems.iter().any(|problem| problem.seq == seq && problem.part == part && problem.problem.contains(what));
    assert!(named, "no `{what}` of {part} at {seq:?} in {:#?}", report.problems);
    assert!(!report.well);
}

#[test]
fn everything_that_happened_is_in_a_bundle_and_the_same_again() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({}));
    every_kind(&merchant);
    let reply = merchant.call(Role::Auditor, "GET", "/ledger/export").send();
    assert_eq!((reply.status, reply.headers["content-type"].to_str().unwrap()), (200, "application/cbor-seq"));
    assert!(reply.headers["content-disposition"].to_str().unwrap().contains(&format!("{}.ombud", merchant.id)));
    // Somewhere else, by a process that knows nothing but the file and the key.
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("b"), &reply.bytes).unwrap();
    let key = std::fs::read_to_string(server.data.join("ledger.vkey")).unwrap();
    let report = alone(elsewhere.path(), &["audit", "verify", "b", "--key", key.trim(), "--json"]);
    assert_eq!((&report["well"], &report["decisions"], &report["identical"]), (&json!(true), &json!(5), &json!(5)), "{report}");
    assert_eq!(report["events"], 2);
    assert_eq!(report["records"], report["signed_records"]);
    // Without the text, and without the right to it.
    let masked = merchant.call(Role::MerchantAdmin, "GET", "/ledger/export?masked=true").send();
    std::fs::write(elsewhere.path().join("m"), &masked.bytes).unwrap();
    let report = alone(elsewhere.path(), &["audit", "verify", "m", "--key", key.trim(), "--json"]);
    assert_eq!((&report["well"], &report["masked"]), (&json!(true), &report["records"]), "{report}");
    for role in [Role::MerchantAdmin, Role::Supervisor, Role::DepartmentHead] {
        merchant.call(role, "GET", "/ledger/export").send().problem(403);
    }
    merchant.call(Role::Agent, "GET", "/ledger/export?masked=true").send().problem(403);
    let other = server.merchant(json!({}));
    server.call("GET", &format!("/v1/merchants/{}/ledger/export", merchant.id)).key(other.key(Role::Auditor)).send().problem(404);
    merchant.call(Role::Auditor, "GET", "/ledger/export?from=soon").send().problem(422);
    merchant.call(Role::Auditor, "GET", "/ledger/export?since=soon").send().problem(422);
    // A checkpoint that the log cannot have grown from is named in the file.
    let larger = merchant.call(Role::Auditor, "GET", "/ledger/export?checkpoint=99999999").send();
    let report = checked(&larger.bytes, &key.parse().unwrap());
    names(&report, None, "store", "no proof leads from a checkpoint of 99999999 records");
    assert_eq!(report.problem_count, 1);
}

/// Runs the binary in a folder, knowing nothing of this machine but that folder; its JSON.
fn alone(folder: &Path, arguments: &[&str]) -> Value {
    let output =
        std::process::Command::new(ombud_tests::process::ombud()).args(arguments).current_dir(folder).env_clear().output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn so_many_exports_are_under_way_and_no_more() {
    let store = Store::new();
    let merchants: Vec<_> = (0..=EXPORTS_MAX / MERCHANT_EXPORTS_MAX).map(|_| store.server.merchant(json!({}))).collect();
    let begin = |merchant: &Merchant<'_>| {
        store.runtime.block_on(store.service().export(&auditor(&merchant.id), &merchant.id, ExportQuery::default()))
    };
    let records = |merchant: &Merchant<'_>| ledger::read(&store.server.data, &merchant.id).len();
    let (last, others) = merchants.split_last().unwrap();
    let mut under_way: Vec<_> =
        others.iter().flat_map(|own| (0..MERCHANT_EXPORTS_MAX).map(move |_| own)).map(|own| begin(own).unwrap()).collect();
    let before = (records(&others[0]), records(last));
    assert!(matches!(begin(&others[0]), Err(ServiceError::Saturated(_))), "its own places are taken");
    assert!(matches!(begin(last), Err(ServiceError::Unavailable(_))), "all places are taken");
    assert_eq!((records(&others[0]), records(last)), before, "what is refused is not on record");
    under_way.pop().unwrap().write(&mut std::io::sink()).unwrap();
    assert!(begin(last).is_ok());
    assert!(matches!(begin(&others[0]), Err(ServiceError::Saturated(_))), "another's place is not its own");
}

#[test]
fn a_bundle_carries_so_many_bytes_of_components_and_no_more() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    merchant.decide(&event("delay.detected", "d"));
    let bundle = store.export(&merchant.id, &ExportQuery::default());
    let header = ombud_tests::ledger::header(&store.server.data, &merchant.id, merchant.decisions("limit=1")[0]["seq"].as_u64().unwrap());
    let ombud_ledger::Entry::Decision(decision) = header.entry else { panic!("a decision") };
    let calls = [decision.policy.unwrap().call, decision.guardrail.unwrap()];
    let digests: std::collections::BTreeSet<_> = calls.iter().flat_map(|call| [call.component, call.settings]).collect();
    let bytes: u64 = digests
        .iter()
        .map(|digest| {
            let sql = format!("SELECT length(bytes) FROM blobs WHERE lower(hex(digest)) = '{digest}'");
            store.outside.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned() + CARRIED_EACH_BYTES
        })
        .sum();
    assert!(carrying(&bundle, &store.keys, bytes).well);
    let report = carrying(&bundle, &store.keys, bytes - 1);
    assert!(
        report.problems.iter().any(|problem| problem.part == "blob" && problem.problem.contains("may carry")),
        "{:#?}",
        report.problems
    );
}

/// A bundle without its components and settings: frames of tag 24 and a byte string, in which an item is an array that begins with its number.
fn without_blobs(bundle: &[u8]) -> Vec<u8> {
    let (mut rest, mut kept) = (bundle, Vec::new());
    while let [0xd8, 0x18, head, ..] = *rest {
        let bytes = match head {
            0x58..=0x5b => 1 << (head - 0x58),
            _ => 0,
        };
        let length = rest[3..3 + bytes].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let length = if bytes == 0 { usize::from(head - 0x40) } else { length };
        let (frame, behind) = rest.split_at(3 + bytes + length);
        if frame[3 + bytes..][..2] != [0x83, 4] {
            kept.extend_from_slice(frame);
        }
        rest = behind;
    }
    assert!(rest.is_empty() && kept.len() * 2 < bundle.len(), "components are most of a bundle");
    kept
}

#[test]
fn a_full_bundle_without_what_its_records_name_is_not_well_even_if_nothing_is_run() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let bundle = store.export(&merchant.id, &ExportQuery::default());
    let lacking = |report: &AuditReport| report.problems.iter().filter(|problem| problem.problem.contains("the bundle has no ")).count();
    assert_eq!(lacking(&checked(&bundle, &store.keys)), 0);
    let report = checked(&without_blobs(&bundle), &store.keys);
    let seq = merchant.decisions("limit=100").iter().map(|decision| decision["seq"].as_u64().unwrap()).min();
    names(&report, seq, "blob", "a component that it names");
    names(&report, seq, "blob", "settings that it names");
    assert!(lacking(&report) >= 6, "each is told once: {:#?}", report.problems);
    // A masked one has none, and needs none.
    let masked = ExportQuery { masked: true, ..ExportQuery::default() };
    assert!(store.checked(&merchant.id, &masked).well);
}

impl Store {
    /// The number of a merchant in the database.
    fn number(&self, merchant: &Merchant<'_>) -> i64 {
        self.outside.query_row("SELECT merchant_no FROM merchants WHERE id = ?1", [&merchant.id], |row| row.get(0)).unwrap()
    }

    /// The keys of the rows that a condition finds.
    fn rows(&self, key: &str, table: &str, condition: &str) -> Vec<i64> {
        let sql = format!("SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} DESC");
        self.outside.prepare(&sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Flips a random bit of what stands in one place, exports and checks, and takes the flip back.
    fn flipped(&self, random: &mut Random, table: &str, column: &str, place: &str, checked: impl FnOnce() -> AuditReport) -> AuditReport {
        let read = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {place}");
        let before: Vec<u8> = self.outside.query_row(&read, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{read}: {error}"));
        let mut after = before.clone();
        let (at, bit) = (random.below(after.len()), random.below(8));
        after[at] ^= 1 << bit;
        let value = if column == "note" { "CAST(?1 AS TEXT)" } else { "?1" };
        let write = |bytes: &[u8]| self.outside.execute(&format!("UPDATE {table} SET {column} = {value} WHERE {place}"), [bytes]).unwrap();
        assert_eq!(write(&after), 1);
        let report = checked();
        write(&before);
        assert!(!report.well || table == "blobs", "bit {bit} of byte {at} of {column} of {place} is missed");
        report
    }
}

#[test]
fn every_bit_that_flips_in_a_record_is_found_in_its_export() {
    const FLIPS: usize = 2_000;
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    // Components are large, and are looked at elsewhere.
    let query = ExportQuery { masked: true, ..up_to_now() };
    let sound = store.checked(&merchant.id, &query);
    assert!(sound.well, "{:#?}", sound.problems);
    let own = format!("merchant_no = {} AND seq < {}", store.number(&merchant), sound.bundle.end);
    let seqs = store.rows("seq", "entries", &own);
    let mut random = Random(7);
    for _ in 0..FLIPS {
        let seq = seqs[random.below(seqs.len())];
        let place = format!("merchant_no = {} AND seq = {seq}", store.number(&merchant));
        let record = format!("record_no = (SELECT record_no FROM entries WHERE {place})");
        let (table, column, place) =
            [("records", "header", &record), ("records", "sealed", &record), ("entries", "leaf", &place)][random.below(3)];
        let report = store.flipped(&mut random, table, column, place, || store.checked(&merchant.id, &query));
        let named = report.problems.iter().any(|problem| problem.seq == u64::try_from(seq).ok());
        assert!(named, "{column} of record {seq} is not named: {:#?}", report.problems);
    }
    assert!(store.checked(&merchant.id, &query).well, "all is as it was");
}

#[test]
fn every_bit_that_flips_in_a_checkpoint_is_found_in_an_export() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let own = format!("merchant_no = {}", store.number(&merchant));
    let mut random = Random(13);
    for _ in 0..150 {
        // Each export leaves a checkpoint; only so many are kept.
        assert!(store.checked(&merchant.id, &ExportQuery::default()).well);
        let sizes = store.rows("size", "checkpoints", &own);
        let size = sizes[random.below(sizes.len().min(40))];
        let place = format!("{own} AND size = {size}");
        let report = store.flipped(&mut random, "checkpoints", "note", &place, || store.checked(&merchant.id, &ExportQuery::default()));
        let named = report.problems.iter().any(|problem| problem.part == "checkpoint");
        assert!(named, "the checkpoint of {size} records is not named: {:#?}", report.problems);
    }
}

/// Everything up to now: the exports that follow are records themselves.
fn up_to_now() -> ExportQuery {
    let to = jiff::Timestamp::from_millisecond(ombud::clock::now_ms() + 1).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    ExportQuery { to: Some(to.to_string()), ..ExportQuery::default() }
}

#[test]
fn what_flips_in_components_settings_and_tiles_is_found_too() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    // Enough records for tiles.
    for from in (0..300).step_by(100) {
        let events: Vec<Value> = (from..from + 100).map(|own| event("ticket.created", &format!("t{own}"))).collect();
        let call = merchant.call(Role::Agent, "POST", "/events:batch").header("content-type", "application/cloudevents-batch+json");
        call.body(Value::from(events).to_string()).send().ok();
    }
    let all = ExportQuery::default();
    assert!(store.checked(&merchant.id, &all).well);
    let mut random = Random(11);
    let place = format!("merchant_no = {} AND level = 0 AND tile = 0", store.number(&merchant));
    for _ in 0..20 {
        let report = store.flipped(&mut random, "tiles", "hash", &place, || store.checked(&merchant.id, &all));
        names(&report, None, "store", "tile 0 of level 0");
    }
    let digests: Vec<String> = {
        let sql = "SELECT lower(hex(digest)) FROM blobs";
        let mut query = store.outside.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut met = 0;
    for digest in &digests {
        let place = format!("lower(hex(digest)) = '{digest}'");
        let report = store.flipped(&mut random, "blobs", "bytes", &place, || store.checked(&merchant.id, &all));
        // Packages that decided nothing are not in the bundle.
        if !report.well {
            names(&report, None, "blob", digest);
            met += 1;
        }
    }
    assert!(met >= 6, "components of four kinds and the guardrail, with their settings: {met}");
    assert!(store.checked(&merchant.id, &all).well);
}

#[test]
fn records_that_are_lost_doubled_or_swapped_in_a_store_are_named() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    let query = up_to_now();
    assert!(store.checked(&merchant.id, &query).well);
    let number = store.number(&merchant);
    let record_no = |seq: u64| -> i64 {
        let sql = format!("SELECT record_no FROM entries WHERE merchant_no = {number} AND seq = {seq}");
        store.outside.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let points_to = |seq: u64, record: i64| {
        store.change(&format!("UPDATE entries SET record_no = {record} WHERE merchant_no = {number} AND seq = {seq}"))
    };
    let (one, other) = (record_no(13), record_no(16));
    // Swapped, then doubled.
    points_to(13, other);
    points_to(16, one);
    let report = store.checked(&merchant.id, &query);
    for (seq, found) in [(13, 16), (16, 13)] {
        names(&report, Some(seq), "header", &format!("it is that of record {found}"));
        names(&report, Some(seq), "leaf", "one of them was changed");
    }
    points_to(13, one);
    let report = store.checked(&merchant.id, &query);
    names(&report, Some(16), "header", "it is that of record 13");
    points_to(16, other);
    // The bytes lost.
    store.change(&format!("UPDATE entries SET record_no = -1 WHERE merchant_no = {number} AND seq = 14"));
    let report = store.checked(&merchant.id, &query);
    names(&report, None, "store", "record 14 has no header");
    names(&report, Some(14), "sequence", "missing");
    points_to(14, record_no(13) + 1);
    assert!(store.checked(&merchant.id, &query).well, "all is as it was");
    // The place lost: every later record moves up.
    store.change(&format!("DELETE FROM entries WHERE merchant_no = {number} AND seq = 14"));
    let report = store.checked(&merchant.id, &query);
    names(&report, Some(14), "sequence", "missing");
}

#[test]
fn an_altered_ruling_with_everything_recomputed_but_the_signature_is_found() {
    let store = Store::new();
    let merchant = store.server.merchant(json!({}));
    every_kind(&merchant);
    store.service().sign_now().unwrap();
    let number = store.number(&merchant);
    let sql = format!("SELECT record_no, seq FROM entries WHERE merchant_no = {number} AND kind = 'delay'");
    let (record, seq): (i64, i64) = store.outside.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let bytes: Vec<u8> =
        store.outside.query_row(&format!("SELECT header FROM records WHERE record_no = {record}"), [], |row| row.get(0)).unwrap();
    let mut header = ombud_ledger::Header::decode(&bytes).unwrap();
    let ombud_ledger::Entry::Decision(decision) = &mut header.entry else { panic!("a decision") };
    decision.amounts.cash += 100_000;
    let bytes = header.encode().unwrap();
    let leaf = ombud_ledger::leaf_hash(&bytes);
    store.outside.execute(&format!("UPDATE records SET header = ?1 WHERE record_no = {record}"), [&bytes]).unwrap();
    store.outside.execute(&format!("UPDATE entries SET leaf = ?1 WHERE merchant_no = {number} AND seq = {seq}"), [&leaf.0]).unwrap();
    let report = store.checked(&merchant.id, &ExportQuery::default());
    names(&report, None, "range-proof", "do not lead to the signed root");
    names(&report, None, "checkpoint", "was changed");
}
