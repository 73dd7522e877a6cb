//! Records that are listed as something else than they are: the listing is signed by nobody, so that no replay takes its word for what it
//! leaves out.

use ombud::service::SelfAudit;
use ombud_tests::command::{on, run};
use ombud_tests::process::Process;
use ombud_tests::server::wait_for;
use serde_json::Value;

use super::*;

/// The directory with the listing of a record changed.
fn listed_as(change: &str, seq: u64) -> TempDir {
    let of = "merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-replays') AND seq = ?1";
    altered(|forge, _| forge.run(1, &format!("UPDATE entries SET {change} WHERE {of}"), [seq.cast_signed()]))
}

/// The only divergence: its place, its decision and what is told of it.
#[track_caller]
fn only(json: &Value) -> (u64, String, String) {
    assert_eq!((&json["diverged"], &json["divergences"]["record-damaged"]), (&json!(1), &json!(1)), "{json}");
    let (found, text) = (&json["diverging"][0], |value: &Value| value.as_str().unwrap().to_owned());
    (found["seq"].as_u64().unwrap(), text(&found["id"]), text(&found["detail"]))
}

/// Half an hour before the last record at the latest, and a moment behind it.
fn around() -> [String; 2] {
    let minute = |ms: i64| jiff::Timestamp::from_millisecond(ombud::clock::now_ms() + ms).unwrap().to_string();
    [minute(-30 * 60_000), minute(60_000)]
}

#[test]
fn a_decision_that_is_listed_as_something_else_is_damage() {
    let places = recorded().1;
    let id = report(&service(altered(|_, _| ()).path()), places.after_sale).id;
    let [from, to] = around();
    let hour = 3_600_000;
    for (change, what) in [
        ("entry = 'act', decision_id = NULL, kind = NULL".to_owned(), "entry"),
        ("entry = 'event'".to_owned(), "entry"),
        ("kind = 'reply'".to_owned(), "kind"),
        ("kind = NULL".to_owned(), "kind"),
        ("received_at_ms = received_at_ms + 1".to_owned(), "time of receipt"),
        (format!("received_at_ms = received_at_ms - {}", 1_000_i64 * hour), "time of receipt"),
        (format!("received_at_ms = received_at_ms + {}", 1_000_i64 * hour), "time of receipt"),
    ] {
        let data = listed_as(&change, places.after_sale);
        let told = (places.after_sale, id.clone(), format!("its {what} is listed otherwise than its header has it"));
        for which in [&["--all"][..], &["--merchant", MERCHANT, "--from", &from, "--to", &to], &["--merchant", MERCHANT, "--from", &from]] {
            let json = on(data.path(), &[&["replay", "--json"], which].concat()).exits(1).json();
            assert_eq!((json["replayed"].as_u64(), only(&json)), (Some(5), told.clone()), "{change}, {which:?}: {json}");
        }
        // Where it is by its header, it is not.
        on(data.path(), &["replay", "--merchant", MERCHANT, "--to", "2020-01-01"]).exits(0);
        assert_eq!(report(&service(data.path()), places.after_sale).divergence, Some(Divergence::RecordDamaged), "{change}");
    }
    // Another decision's id: told under the one that is listed.
    let data = listed_as("decision_id = randomblob(16)", places.after_sale);
    let (seq, _, detail) = only(&on(data.path(), &["replay", "--all", "--json"]).exits(1).json());
    assert_eq!((seq, detail.as_str()), (places.after_sale, "its decision id is listed otherwise than its header has it"));
}

#[test]
fn what_is_no_decision_is_none_however_it_is_listed() {
    // The first record of a merchant's log is the act that made the merchant.
    let data = listed_as("entry = 'decision'", 0);
    let (seq, _, detail) = only(&on(data.path(), &["replay", "--all", "--json"]).exits(1).json());
    assert_eq!((seq, detail.as_str()), (0, "its entry is listed otherwise than its header has it"));
    // Whether it was a decision cannot be told where its header is not the log's.
    let data = altered(|forge, _| forge.flip(MERCHANT, 0, "header", |bits| bits / 2));
    let (seq, _, detail) = only(&on(data.path(), &["replay", "--all", "--json"]).exits(1).json());
    assert_eq!((seq, detail.as_str()), (0, "the header is not the one whose hash is in the log"));
}

#[test]
fn over_http_and_in_the_self_audit_it_is_met_as_well() {
    let places = recorded().1;
    let data = listed_as("entry = 'act', decision_id = NULL, kind = NULL", places.after_sale);
    let created =
        on(data.path(), &["key", "create", "--merchant", MERCHANT, "--role", "auditor", "--label", "auditor", "--json"]).exits(0).json();
    let server = Process::serve(data.path());
    let [from, to] = around();
    for request in [json!({}), json!({"limit": 1}), json!({"from": from, "to": to})] {
        let (mut request, mut diverged) = (request, Vec::new());
        loop {
            let call = server.call(&ombud_tests::client::agent(), "POST", &format!("/v1/merchants/{MERCHANT}/replays"));
            let mut answer = call.key(created["secret"].as_str().unwrap()).json(&request).send().ok();
            diverged.extend(answer["diverging"].as_array_mut().unwrap().drain(..).map(|report| report["seq"].as_u64().unwrap()));
            request["cursor"] = answer["cursor"].take();
            if request["cursor"].is_null() {
                break;
            }
        }
        assert_eq!(diverged, [places.after_sale], "{request}");
    }
    let data = listed_as("entry = 'act', decision_id = NULL, kind = NULL", places.after_sale);
    let service = service(data.path());
    let audit = SelfAudit::start(Arc::clone(&service), "100%".parse().unwrap()).unwrap();
    wait_for(|| !service.alarms().is_empty());
    drop(audit);
    assert_eq!((service.alarms()[0].seq, service.alarms()[0].cause), (places.after_sale, Divergence::RecordDamaged));
}

/// A window that ends before it begins is a mistake, and no window without decisions.
#[test]
fn a_window_that_ends_before_it_begins_is_refused() {
    let data = altered(|_, _| ());
    let created =
        on(data.path(), &["key", "create", "--merchant", MERCHANT, "--role", "auditor", "--label", "auditor", "--json"]).exits(0).json();
    let server = Process::serve(data.path());
    let replays = |from: &str, to: &str| {
        let call = server.call(&ombud_tests::client::agent(), "POST", &format!("/v1/merchants/{MERCHANT}/replays"));
        call.key(created["secret"].as_str().unwrap()).json(&json!({"from": from, "to": to})).send()
    };
    let problem = replays("2026-12-01", "2026-01-01").with(422);
    assert_eq!(problem["problems"][0]["pointer"], "/to", "{problem}");
    assert_eq!(replays("2026-12-01", "2026-12-01").status, 200, "an empty window is one");
    let backwards = ["replay", "--merchant", MERCHANT, "--from", "2026-12-01", "--to", "2026-01-01"];
    let url = format!("http://{}", server.address);
    let through = run(&[&backwards[..], &["--url", &url, "--key", created["secret"].as_str().unwrap()]].concat());
    through.exits(2).complains("`--to`: is before `from`");
    on(data.path(), &backwards).exits(2).complains("`--to`: is before `from`");
}
