//! Records that are gone, their bytes or their place in the log: every replay says so, and nothing counts less than was there.

use ombud::service::SelfAudit;
use ombud_tests::client::agent;
use ombud_tests::command::on;
use ombud_tests::ledger;
use ombud_tests::process::Process;
use ombud_tests::server::wait_for;
use serde_json::Value;

use super::*;

const BYTES: &str = "DELETE FROM records WHERE record_no = (SELECT record_no FROM entries WHERE seq = ?1 AND merchant_no = \
                     (SELECT merchant_no FROM merchants WHERE id = 'm-replays'))";
const PLACE: &str = "DELETE FROM entries WHERE seq = ?1 AND merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays')";

/// The directory without a record, whose place is given.
fn without(sql: &str, seq: impl Fn(Places) -> u64) -> (TempDir, u64) {
    let seq = seq(recorded().1);
    (altered(|forge, _| forge.run(1, sql, [seq.cast_signed()])), seq)
}

/// Decision and ticket of the after-sale record.
fn known() -> (String, String) {
    let of = "merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays')";
    // Of a copy: SQLite makes files beside a database and removes them, and others copy the recorded one meanwhile.
    let data = altered(|_, _| ());
    let database = rusqlite::Connection::open(data.path().join("ombud.db")).unwrap();
    let sql = format!("SELECT lower(hex(decision_id)), ticket FROM entries WHERE {of} AND seq = ?1");
    let seq = recorded().1.after_sale.cast_signed();
    let (_, ticket): (String, String) = database.query_row(&sql, [seq], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    drop(database);
    (report(&service(data.path()), recorded().1.after_sale).id, ticket)
}

/// The only divergence.
#[track_caller]
fn only(json: &Value) -> &Value {
    assert_eq!((&json["diverged"], &json["divergences"]["record-damaged"]), (&json!(1), &json!(1)), "{json}");
    &json["diverging"][0]
}

#[test]
fn a_record_without_bytes_is_damage_however_it_is_asked_for() {
    let (data, seq) = without(BYTES, |places| places.after_sale);
    let (id, ticket) = known();
    let told = format!("record {seq} is missing");
    for which in [&["--all"][..], &["--merchant", MERCHANT, "--ticket", &ticket], &["--merchant", MERCHANT, &id]] {
        let ran = on(data.path(), &[&["replay", "--json"], which].concat());
        let json = ran.exits(1).json();
        let found = only(&json);
        assert_eq!((&found["seq"], &found["id"], &found["detail"]), (&json!(seq), &json!(id), &json!(told)), "{json}");
    }
    let whole = on(data.path(), &["replay", "--all"]);
    whole.exits(1).says("5 decisions replayed").says("record-damaged").says(&told);
    let upgrade = on(data.path(), &["upgrade-check", "--json"]);
    assert_eq!(only(&upgrade.exits(1).json())["seq"], seq);
    let backtest = on(data.path(), &["backtest", "--merchant", MERCHANT, "--policy", "after-sale", "--all", "--json"]);
    let bundle = data.path().join("whole.ombud");
    let export = on(data.path(), &["audit", "export", "--merchant", MERCHANT, "-o", bundle.to_str().unwrap()]);
    export.exits(1).complains("something is wrong with the log").complains(&format!("record {seq}"));
    assert!(backtest.out.contains("\"why\": \"damaged\"") && backtest.out.contains("\"records\": 1"), "{}\n{}", backtest.out, backtest.err);
}

#[test]
fn a_record_that_is_listed_no_more_is_counted_against_the_log() {
    let (data, seq) = without(PLACE, |places| places.after_sale);
    let (id, ticket) = known();
    let told = format!("record {seq} is missing");
    for which in [&["--all"][..], &["--merchant", MERCHANT, "--ticket", &ticket]] {
        let json = on(data.path(), &[&["replay", "--json"], which].concat()).exits(1).json();
        assert_eq!((&only(&json)["seq"], &only(&json)["detail"]), (&json!(seq), &json!(told)), "{json}");
    }
    on(data.path(), &["replay", "--merchant", MERCHANT, &id]).exits(2).complains(&told);
    // Where nothing is missing, such a ticket never was.
    let whole = altered(|_, _| ());
    on(whole.path(), &["replay", "--merchant", MERCHANT, "--ticket", "nope"])
        .exits(2)
        .complains("nothing of the ticket `nope` is on record");
    assert_eq!(only(&on(data.path(), &["upgrade-check", "--json"]).exits(1).json())["seq"], seq);
    let backtest = on(data.path(), &["backtest", "--merchant", MERCHANT, "--policy", "after-sale", "--all", "--json"]);
    assert!(backtest.out.contains("\"why\": \"damaged\"") && backtest.out.contains("\"records\": 1"), "{}\n{}", backtest.out, backtest.err);
    // The last one: nothing that is listed stands behind it.
    let (data, seq) = without(PLACE, |places| places.trap);
    let last = ledger::count(
        data.path(),
        "SELECT max(size) FROM logs WHERE merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays')",
    );
    assert_eq!(last, seq.cast_signed() + 1);
    let json = on(data.path(), &["replay", "--all", "--json"]).exits(1).json();
    assert_eq!(only(&json)["detail"], format!("record {seq} is missing"), "{json}");
    on(data.path(), &["upgrade-check"]).exits(1).says(&format!("record {seq} is missing"));
}

#[test]
fn a_log_that_was_cut_is_held_against_what_was_signed_of_it() {
    const OF: &str = "merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays')";
    let last = recorded().1.trap.cast_signed();
    let data = altered(|forge, _| {
        let signed = format!(
            "INSERT OR IGNORE INTO checkpoints (merchant_no, size, root, note) SELECT merchant_no, ?1, zeroblob(32), 'signed' FROM logs WHERE {OF}"
        );
        forge.run(1, &signed, [last + 1]);
        forge.run(1, &format!("DELETE FROM entries WHERE seq = ?1 AND {OF}"), [last]);
        forge.run(1, &format!("UPDATE logs SET size = ?1 WHERE {OF}"), [last]);
    });
    for command in [&["replay", "--all", "--json"][..], &["upgrade-check", "--json"]] {
        let json = on(data.path(), command).exits(1).json();
        assert_eq!(only(&json)["detail"], format!("record {last} is missing"), "{command:?}: {json}");
    }
}

#[test]
fn a_merchant_who_is_named_no_more_is_not_left_out() {
    let data = altered(|forge, _| forge.run(1, "DELETE FROM merchants WHERE id = 'm-replays'", []));
    for command in [&["replay", "--all"][..], &["upgrade-check"]] {
        on(data.path(), command).exits(2).complains("records of a merchant that it does not name");
    }
}

#[test]
fn a_size_that_nobody_has_records_for_is_one_finding_and_costs_nothing() {
    let sql = "UPDATE logs SET size = 4611686018427387904 WHERE merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays')";
    let data = altered(|forge, _| forge.run(1, sql, []));
    let json = on(data.path(), &["replay", "--all", "--json"]).exits(1).json();
    let detail = only(&json)["detail"].as_str().unwrap();
    assert!(detail.ends_with("to 4611686018427387903 are missing"), "{json}");
}

/// Its own place is one finding, and what stands behind the log's end is another, however far.
#[test]
fn a_record_at_a_place_that_no_log_has_is_two_findings_and_costs_nothing() {
    const OF: &str = "merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays')";
    let seq = recorded().1.after_sale;
    let details = |json: &Value| -> Vec<String> {
        let diverging = json["diverging"].as_array().unwrap();
        diverging.iter().map(|found| found["detail"].as_str().unwrap_or_default().to_owned()).collect()
    };
    for place in [1_000_000_000_000_i64, i64::MAX - 1, i64::MAX] {
        let data =
            altered(|forge, _| forge.run(1, &format!("UPDATE entries SET seq = ?1 WHERE seq = ?2 AND {OF}"), [place, seq.cast_signed()]));
        let size = ledger::count(data.path(), &format!("SELECT size FROM logs WHERE {OF}"));
        let told = [
            format!("record {seq} is missing"),
            format!("the log has {size} records, and more are listed behind its end, up to place {place}"),
        ];
        for command in [&["replay", "--all", "--json"][..], &["upgrade-check", "--json"]] {
            assert_eq!(details(&on(data.path(), command).exits(1).json()), told, "{command:?}");
        }
        let backtest = on(data.path(), &["backtest", "--merchant", MERCHANT, "--policy", "after-sale", "--all", "--json"]);
        assert!(
            backtest.out.contains("\"why\": \"damaged\"") && backtest.out.contains("\"records\": 2"),
            "{}\n{}",
            backtest.out,
            backtest.err
        );
        // Where the tree is said to go as far, there is a gap, and nothing behind the end.
        let data = altered(|forge, _| {
            forge.run(1, &format!("UPDATE entries SET seq = ?1 WHERE seq = ?2 AND {OF}"), [place, seq.cast_signed()]);
            forge.run(1, &format!("UPDATE logs SET size = ?1 WHERE {OF}"), [i64::MAX]);
        });
        for command in [&["replay", "--all", "--json"][..], &["upgrade-check", "--json"]] {
            let json = on(data.path(), command).exits(1).json();
            let details = details(&json);
            assert!(details.iter().any(|detail| *detail == told[0]) && details.len() <= 4, "{command:?}: {json}");
        }
    }
}

#[test]
fn over_http_damage_is_told_and_is_not_taken_for_absence() {
    let (data, seq) = without(BYTES, |places| places.after_sale);
    let (id, _) = known();
    let created =
        on(data.path(), &["key", "create", "--merchant", MERCHANT, "--role", "auditor", "--label", "auditor", "--json"]).exits(0).json();
    let key = created["secret"].as_str().unwrap();
    let server = Process::serve(data.path());
    let agent = agent();
    let at = |path: &str| format!("/v1/merchants/{MERCHANT}{path}");
    let listed = server.call(&agent, "GET", &at("/decisions")).key(key).send().ok();
    assert!(listed["decisions"].as_array().unwrap().iter().any(|line| line["id"] == id.as_str()), "{listed}");
    let problem = server.call(&agent, "GET", &at(&format!("/decisions/{id}"))).key(key).send();
    let problem = problem.with(500);
    assert_eq!(problem["type"], "urn:ombud:problem:damaged", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(&format!("record {seq} of `{MERCHANT}` is missing")), "{problem}");
    let none = server.call(&agent, "GET", &at("/decisions/d_1")).key(key).send();
    assert_eq!(none.status, 404);
    let replays = server.call(&agent, "POST", &at("/replays")).key(key).json(&json!({})).send().ok();
    assert_eq!((&replays["divergences"]["record-damaged"], &replays["diverging"][0]["id"]), (&json!(1), &json!(id)), "{replays}");
}

#[test]
fn the_self_audit_meets_what_is_gone() {
    for sql in [BYTES, PLACE] {
        let (data, seq) = without(sql, |places| places.delay);
        let service = service(data.path());
        let audit = SelfAudit::start(Arc::clone(&service), "100%".parse().unwrap()).unwrap();
        wait_for(|| !service.alarms().is_empty());
        drop(audit);
        let alarms = service.alarms();
        assert_eq!((alarms[0].seq, alarms[0].cause), (seq, Divergence::RecordDamaged), "{alarms:?}");
        assert_eq!(alarms[0].detail, format!("record {seq} is missing"));
    }
}

/// The places behind the last decision, and those behind the last record, are nobody's.
#[test]
fn the_self_audit_does_not_look_behind_the_log() {
    let data = altered(|_, _| ());
    let service = service(data.path());
    let audit = SelfAudit::start(Arc::clone(&service), "100%".parse().unwrap()).unwrap();
    let met = || {
        service
            .metrics
            .text()
            .lines()
            .find_map(|line| line.strip_prefix("ombud_self_audit_replays_total{result=\"identical\"} ")?.parse().ok())
            .unwrap_or(0.0)
    };
    wait_for(|| met() >= 200.0);
    drop(audit);
    assert_eq!(service.alarms(), []);
}
