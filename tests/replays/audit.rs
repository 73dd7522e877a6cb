//! The server's audit of itself: an alarm at the first divergence, none without one, and no more than its share of the time.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use ombud::service::SelfAudit;
use ombud_tests::client::agent;
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::process::{self, Process};
use ombud_tests::server::wait_for;
use serde_json::Value;

use super::*;

/// A ruling that the policy did not give is on the after-sale record.
fn diverging() -> TempDir {
    altered(|forge, places| {
        forge.rewrite(MERCHANT, places.after_sale, |_, bodies| bodies.replace(BodyKind::Ruling, "approve-refund-only", "human-review"));
    })
}

fn start(service: &Arc<Service>, share: &str) -> SelfAudit {
    SelfAudit::start(Arc::clone(service), share.parse().unwrap()).unwrap()
}

/// The value of a series.
#[track_caller]
fn series(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

const IDENTICAL: &str = "ombud_self_audit_replays_total{result=\"identical\"}";

/// The alarms that are on record.
fn recorded_alarms(data: &Path) -> usize {
    ledger::read(data, MERCHANT).iter().filter(|entry| entry.event_type == "self-audit.diverged").count()
}

#[test]
fn the_first_divergence_is_an_alarm_and_the_next_ones_count() {
    let data = diverging();
    let service = service(data.path());
    let audit = start(&service, "100%");
    wait_for(|| service.alarms().first().is_some_and(|alarm| alarm.count >= 3));
    drop(audit);
    let alarms = service.alarms();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!((alarms[0].merchant.as_str(), alarms[0].seq, alarms[0].cause), (MERCHANT, recorded().1.after_sale, Divergence::Guest));
    assert!(alarms[0].detail.starts_with("ruling/"), "{alarms:?}");
    assert!(!format!("{alarms:?}").contains("human-review"), "an alarm says where, not what: {alarms:?}");
    let text = service.metrics.text();
    assert_eq!(series(&text, "ombud_self_audit_alarms"), 1.0);
    assert!(series(&text, "ombud_self_audit_replays_total{result=\"guest\"}") >= 3.0);
    assert!(series(&text, IDENTICAL) >= 1.0, "the honest ones are met, too");
    assert!(series(&text, "ombud_self_audit_last_replay_seconds") > 1.7e9);
    assert_eq!(recorded_alarms(data.path()), 1, "one act, however often it is met");
}

#[test]
fn sound_records_raise_no_alarm() {
    let data = altered(|_, _| ());
    let service = service(data.path());
    let audit = start(&service, "100%");
    wait_for(|| series(&service.metrics.text(), IDENTICAL) >= 20.0);
    drop(audit);
    assert_eq!(service.alarms(), []);
    assert_eq!(series(&service.metrics.text(), "ombud_self_audit_alarms"), 0.0);
    assert_eq!(recorded_alarms(data.path()), 0);
}

#[test]
fn erased_and_environmental_records_raise_no_alarm() {
    let data = altered(|forge, places| {
        forge.run(1, "DELETE FROM subject_keys WHERE subject = 'customer:c_altered'", []);
        forge.run(1, "UPDATE entries SET customer = NULL WHERE customer = 'c_altered'", []);
        forge.rewrite(MERCHANT, places.trap, |entry, bodies| bodies.fault(entry, FaultCode::Deadline));
    });
    let service = service(data.path());
    let audit = start(&service, "100%");
    let met = |result: &str| series(&service.metrics.text(), &format!("ombud_self_audit_replays_total{{result=\"{result}\"}}"));
    wait_for(|| met("erased") >= 1.0 && met("environmental") >= 1.0);
    drop(audit);
    assert_eq!(service.alarms(), []);
}

#[test]
fn the_audit_keeps_to_its_share_of_the_time() {
    let data = altered(|_, _| ());
    let service = service(data.path());
    // Whatever is loaded for the first time is loaded before.
    for seq in [recorded().1.after_sale, recorded().1.delay, recorded().1.reply, recorded().1.fuel, recorded().1.trap] {
        assert!(report(&service, seq).identical);
    }
    let busy = || series(&service.metrics.text(), "ombud_self_audit_busy_seconds_total");
    let began = Instant::now();
    let audit = start(&service, "10%");
    // Each replay but the last has paid for itself by its pause, however slow the machine is: the last one is no longer than the
    // longest that was seen.
    let (mut last, mut longest) = (0.0, 0.0_f64);
    wait_for(|| {
        let now = busy();
        longest = longest.max(now - std::mem::replace(&mut last, now));
        series(&service.metrics.text(), IDENTICAL) >= 20.0
    });
    drop(audit);
    let (busy, elapsed) = (busy(), began.elapsed().as_secs_f64());
    longest = longest.max(busy - last);
    assert!(busy - longest <= 0.1 * elapsed, "{busy} s of {elapsed} s, {longest} s at once");
    let before = series(&service.metrics.text(), IDENTICAL);
    let off = start(&service, "0%");
    std::thread::sleep(Duration::from_millis(300));
    drop(off);
    assert_eq!(series(&service.metrics.text(), IDENTICAL), before, "0 turns it off");
}

#[test]
fn a_served_directory_tells_its_alarms_in_log_health_metrics_and_ledger() {
    let data = diverging();
    let run = |arguments: &[&str]| {
        let output = Command::new(process::ombud()).args(arguments).arg("--data").arg(data.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let key = run(&["key", "create", "--role", "operator", "--label", "me", "--json"])["secret"].as_str().unwrap().to_owned();
    let log = data.path().join("serve.log");
    let mut serve = Command::new(process::ombud());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--self-audit-cpu", "100%", "--data"]).arg(data.path());
    serve.arg("--policies").arg(root().join("policies"));
    let server = Process::logging(serve, File::create(&log).unwrap());
    let agent = agent();
    let health = || server.call(&agent, "GET", "/healthz");
    wait_for(|| health().send().ok()["alarms"] == 1);
    assert_eq!(health().send().ok()["raised"], Value::Null, "what it is about is the operator's to know");
    let raised = health().key(&key).send().ok()["raised"][0].clone();
    assert_eq!(
        (&raised["merchant"], &raised["cause"], &raised["seq"]),
        (&json!(MERCHANT), &json!("guest"), &json!(recorded().1.after_sale))
    );
    // It goes on: the policies decide what they decided before, and a person has to look.
    assert_eq!(health().send().ok()["status"], "ok");
    wait_for(|| recorded_alarms(data.path()) == 1);
    let acts = run(&["audit", "acts", "--merchant", MERCHANT, "--json"]);
    let act = acts.as_array().unwrap().iter().find(|act| act["name"] == "self-audit.diverged").unwrap_or_else(|| panic!("{acts}"));
    assert_eq!((&act["body"]["cause"], &act["body"]["seq"]), (&json!("guest"), &json!(recorded().1.after_sale)));
    let logged = std::fs::read_to_string(&log).unwrap();
    let line = logged.lines().find(|line| line.contains("diverges when it is run again")).unwrap_or_else(|| panic!("{logged}"));
    assert!(line.contains("\"ERROR\"") && line.contains("guest") && !line.contains("c_altered"), "{line}");
    server.terminate();
    assert!(server.ended(Duration::from_secs(30)).success());
}
