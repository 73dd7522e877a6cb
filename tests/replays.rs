//! Replays of records that were altered: each cause of a divergence is produced and told by its name, and an honest record
//! beside it stays identical.

mod audit;
mod bounds;
mod listed;
mod missing;
mod served;
mod strangers;
mod together;
mod upgrade;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ombud::replay::{Divergence, ReplayReport};
use ombud::service::{Options, Role, Scope, Service};
use ombud_core::fault::{FaultCode, FaultOf};
use ombud_core::ids::MerchantId;
use ombud_ledger::{BodyKind, Digest};
use ombud_tests::events::{event, refund};
use ombud_tests::forge::Forge;
use ombud_tests::guests;
use ombud_tests::server::{Server, policies_with};
use rusqlite::params;
use serde_json::json;
use tempfile::TempDir;

const MERCHANT: &str = "m-replays";

/// The places of the recorded decisions, by what they are.
#[derive(Clone, Copy, Debug)]
struct Places {
    after_sale: u64,
    delay: u64,
    reply: u64,
    /// A fault of fuel.
    fuel: u64,
    /// A trap.
    trap: u64,
}

/// A data directory with a few decisions, recorded once; each test works on a copy.
fn recorded() -> &'static (TempDir, Places) {
    static RECORDED: OnceLock<(TempDir, Places)> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let data = tempfile::tempdir().unwrap();
        let made = tempfile::tempdir().unwrap();
        let hostile: Vec<PathBuf> =
            ["endless-loop", "trap"].map(|name| guests::package(made.path(), name, &guests::component(name, "delay-policy"))).into();
        let (_folder, policies) = policies_with(&hostile.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        let server = Server::on(data.path(), &policies);
        let put = |policy: &str| {
            let config = json!({"id": MERCHANT, "shop_id": "1", "platform": "douyin", "policies": {"delay": {"policy": policy}}});
            server.call("PUT", &format!("/v1/merchants/{MERCHANT}")).key(&server.operator).json(&config).send().ok();
        };
        put("delay");
        let owner = Service::owner().unwrap();
        let agent = server.service.create_key_now(&owner, Some(MERCHANT), Role::Agent, "agent").unwrap().secret;
        let decide = |event: &serde_json::Value| {
            let answer = server.call("POST", &format!("/v1/merchants/{MERCHANT}/events")).key(&agent).event(event).send().ok();
            ombud_tests::server::only(&answer)["seq"].as_u64().unwrap()
        };
        let after_sale = decide(&refund("altered", "c_altered", 1_000));
        let delay = decide(&event("delay.detected", "late"));
        let reply = decide(&event("reply.drafted", "draft"));
        put("endless-loop");
        let fuel = decide(&event("delay.detected", "loops"));
        put("trap");
        let trap = decide(&event("delay.detected", "traps"));
        server.stop();
        (data, Places { after_sale, delay, reply, fuel, trap })
    })
}

/// A copy of the recorded directory, altered.
fn altered(alter: impl FnOnce(&Forge, Places)) -> TempDir {
    let (data, places) = recorded();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(data.path(), copy.path());
    alter(&Forge::on(copy.path()), *places);
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn service(data: &Path) -> Arc<Service> {
    Service::open(data, Options { policies: None, ..Options::default() }).unwrap()
}

fn merchant() -> MerchantId {
    MerchantId::new(MERCHANT).unwrap()
}

#[track_caller]
fn report(service: &Service, seq: u64) -> ReplayReport {
    service.own_replays().at(&merchant(), seq).unwrap().unwrap_or_else(|| panic!("record {seq} is a decision"))
}

/// What became of one record after it was altered; every other decision is as before.
#[track_caller]
fn cause(seq: impl Fn(Places) -> u64, alter: impl FnOnce(&Forge, u64)) -> ReplayReport {
    let data = altered(|forge, places| alter(forge, seq(places)));
    let (service, places) = (service(data.path()), recorded().1);
    let seq = seq(places);
    for honest in [places.after_sale, places.delay, places.reply, places.fuel, places.trap].into_iter().filter(|own| *own != seq) {
        let report = report(&service, honest);
        assert!(report.identical, "an honest record: {report:?}");
    }
    let report = report(&service, seq);
    assert_eq!(report.identical, report.divergence.is_none(), "{report:?}");
    report
}

/// Cause, body and pointer of the first difference.
fn first(report: &ReplayReport) -> (Option<Divergence>, &str, &str) {
    let difference = report.differences.first().unwrap_or_else(|| panic!("{report:?}"));
    (report.divergence, &difference.body, &difference.pointer)
}

#[test]
fn what_was_not_touched_is_identical_faults_included() {
    let data = altered(|_, _| ());
    let (service, places) = (service(data.path()), recorded().1);
    for seq in [places.after_sale, places.delay, places.reply, places.fuel, places.trap] {
        let report = report(&service, seq);
        assert!(report.identical && report.differences.is_empty(), "{report:?}");
        assert_eq!(report.fuel_now, report.fuel_recorded, "{report:?}");
    }
    assert_eq!(report(&service, places.fuel).fault, Some(FaultCode::Fuel));
    let parts = service.own_replays().parts(&Scope { merchants: vec![merchant()], ..Scope::default() }).unwrap();
    for lanes in [1, 4] {
        let total = service.own_replays().run(&parts, lanes, |_| ()).unwrap().total();
        assert_eq!((total.replayed(), total.identical, total.faults.len()), (5, 5, 2), "{total:?}");
    }
}

#[test]
fn guest_another_ruling_is_on_record_under_the_same_engine() {
    let report = cause(
        |places| places.after_sale,
        |forge, seq| forge.rewrite(MERCHANT, seq, |_, bodies| bodies.replace(BodyKind::Ruling, "approve-refund-only", "human-review")),
    );
    assert_eq!(first(&report).0, Some(Divergence::Guest));
    let difference = &report.differences[0];
    assert_eq!((difference.body.as_str(), difference.recorded.as_str()), ("ruling", Some("human-review")), "{report:?}");
    assert_eq!(difference.now.as_str(), Some("approve-refund-only"));
}

#[test]
fn engine_another_ruling_is_on_record_under_another_engine() {
    let report = cause(
        |places| places.delay,
        |forge, seq| {
            forge.rewrite(MERCHANT, seq, |entry, bodies| {
                entry.engine.wasmtime = "47.0.0".into();
                bodies.replace(BodyKind::Ruling, "compensate", "human-review");
            });
        },
    );
    assert_eq!(report.divergence, Some(Divergence::Engine), "{report:?}");
    assert_eq!(report.engine.unwrap().wasmtime, "47.0.0");
}

#[test]
fn another_engine_with_the_same_answers_is_identical_whatever_its_fuel() {
    let report = cause(
        |places| places.delay,
        |forge, seq| {
            forge.rewrite(MERCHANT, seq, |entry, _| {
                entry.engine.profile = Digest::of(b"another profile");
                entry.policy.as_mut().unwrap().call.fuel += 12_345;
            });
        },
    );
    assert!(report.identical, "{report:?}");
    assert_eq!(report.fuel_recorded - report.fuel_now, 12_345);
}

#[test]
fn fuel_other_fuel_is_on_record_under_the_same_engine() {
    let report =
        cause(|places| places.delay, |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.guardrail.as_mut().unwrap().fuel += 1));
    assert_eq!(first(&report), (Some(Divergence::Fuel), "header", "/guardrail/fuel"));
}

#[test]
fn host_another_decision_is_on_record_than_the_rulings_give() {
    let body = cause(
        |places| places.after_sale,
        |forge, seq| forge.rewrite(MERCHANT, seq, |_, bodies| bodies.replace(BodyKind::Decision, "\"refund\":1000", "\"refund\":900")),
    );
    assert_eq!(first(&body), (Some(Divergence::Host), "decision", "/amounts/refund"));
    assert_eq!((&body.differences[0].recorded, &body.differences[0].now), (&json!(900), &json!(1_000)));
    // Whoever reads only the header must not be told otherwise either.
    let header = cause(|places| places.after_sale, |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.amounts.refund = 900));
    assert_eq!(first(&header), (Some(Divergence::Host), "header", "/amounts/refund"));
    let outcome =
        cause(|places| places.reply, |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.outcome = "allow-with-changes".into()));
    assert_eq!(first(&outcome), (Some(Divergence::Host), "header", "/outcome"));
}

#[test]
fn settings_that_are_missing_or_damaged() {
    let named = cause(
        |places| places.delay,
        |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.policy.as_mut().unwrap().call.settings = Digest::of(b"others")),
    );
    assert_eq!(named.divergence, Some(Divergence::Settings));
    assert!(named.detail.unwrap().contains(&Digest::of(b"others").to_string()));
    // Every decision was made under these settings: the bytes are others now.
    let data = altered(|forge, _| forge.run(1, "UPDATE blobs SET bytes = CAST('{ }' AS BLOB) WHERE bytes = CAST('{}' AS BLOB)", []));
    let service = service(data.path());
    let report = report(&service, recorded().1.after_sale);
    assert_eq!(report.divergence, Some(Divergence::Settings), "{report:?}");
}

#[test]
fn component_missing_damaged_or_none_that_loads() {
    let missing = cause(
        |places| places.reply,
        |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.policy.as_mut().unwrap().call.component = Digest::of(b"nothing")),
    );
    assert_eq!(missing.divergence, Some(Divergence::ComponentMissing));
    let text = b"no component at all";
    let no_component = cause(
        |places| places.reply,
        |forge, seq| {
            let insert = "INSERT INTO blobs (digest, media, bytes, added_at_ms) VALUES (?1, 'application/wasm', ?2, 0)";
            forge.run(1, insert, params![Digest::of(text).0, text]);
            forge.rewrite(MERCHANT, seq, |entry, _| entry.policy.as_mut().unwrap().call.component = Digest::of(text));
        },
    );
    assert_eq!(no_component.divergence, Some(Divergence::ComponentMissing));
    assert!(no_component.detail.unwrap().contains("does not load"));
    // One bit of the component that traps, in the middle of its bytes.
    let data = altered(|forge, places| {
        let trap = Digest::of(&guests::component("trap", "delay-policy")).0;
        forge.run(
            1,
            "UPDATE blobs SET bytes = CAST(substr(bytes, 1, 200) || x'ff' || substr(bytes, 202) AS BLOB) WHERE digest = ?1",
            [trap],
        );
        _ = places;
    });
    let service = service(data.path());
    let damaged = report(&service, recorded().1.trap);
    assert_eq!(damaged.divergence, Some(Divergence::ComponentMissing), "{damaged:?}");
    assert!(report(&service, recorded().1.fuel).identical);
}

#[test]
fn record_damaged_wherever_a_bit_flips_and_whoever_changes_places() {
    let places = recorded().1;
    for (column, part) in [("header", 0), ("header", 1), ("header", 2), ("sealed", 0), ("sealed", 1), ("sealed", 2)] {
        let report = cause(
            |places| places.delay,
            // The first bit, one in the middle, the last one.
            |forge, seq| forge.flip(MERCHANT, seq, column, |bits| [0, bits / 2, bits - 1][part]),
        );
        assert_eq!(report.divergence, Some(Divergence::RecordDamaged), "{column} {part}: {report:?}");
        assert!(report.detail.is_some());
    }
    // The bodies of another record of the same customer's, and whole records that changed places.
    let swap = |column: &str| altered(|forge, places| forge.swap(MERCHANT, column, places.after_sale, places.reply));
    for column in ["record_no", "leaf"] {
        let data = swap(column);
        let service = service(data.path());
        for seq in [places.after_sale, places.reply] {
            assert_eq!(report(&service, seq).divergence, Some(Divergence::RecordDamaged), "{column} {seq}");
        }
        assert!(report(&service, places.delay).identical);
    }
    // A body that is sound and says nothing.
    let missing = cause(|places| places.delay, |forge, seq| forge.rewrite(MERCHANT, seq, |_, bodies| bodies.remove(BodyKind::Case)));
    assert_eq!(missing.divergence, Some(Divergence::RecordDamaged));
    assert!(missing.detail.unwrap().contains("case"));
}

#[test]
fn erased_only_if_the_key_was_erased() {
    let customer = |of: &str| format!("UPDATE subject_keys SET {of} WHERE subject = 'customer:c_altered'");
    let data = altered(|forge, _| {
        forge.run(1, "DELETE FROM subject_keys WHERE subject = 'customer:c_altered'", []);
        forge.run(1, "UPDATE entries SET customer = NULL WHERE customer = 'c_altered'", []);
    });
    let (service, places) = (service(data.path()), recorded().1);
    assert_eq!(report(&service, places.after_sale).divergence, Some(Divergence::Erased));
    assert!(report(&service, places.delay).identical);
    drop(service);
    // A key that is lost, another's, or damaged is no erasure.
    for damage in [
        "DELETE FROM subject_keys WHERE subject = 'customer:c_altered'".to_owned(),
        customer("wrapped = (SELECT wrapped FROM subject_keys WHERE subject = 'merchant' LIMIT 1)"),
        customer("wrapped = CAST(substr(wrapped, 1, 8) || zeroblob(72) AS BLOB)"),
    ] {
        let lost = cause(|places| places.after_sale, |forge, _| forge.run(1, &damage, []));
        assert_eq!(lost.divergence, Some(Divergence::RecordDamaged), "{damage}: {lost:?}");
    }
}

#[test]
fn environmental_and_other_engines_faults_are_not_compared() {
    let deadline =
        cause(|places| places.trap, |forge, seq| forge.rewrite(MERCHANT, seq, |entry, bodies| bodies.fault(entry, FaultCode::Deadline)));
    assert_eq!(deadline.divergence, Some(Divergence::Environmental));
    assert!(!deadline.compared && deadline.differences.is_empty(), "{deadline:?}");
    // What such a fault leads to is the same everywhere: nothing else may stand beside it, in clear or sealed.
    type Change = fn(&mut ombud_ledger::DecisionEntry, &mut ombud_tests::forge::Bodies);
    let others: [(Change, &str, &str); 4] = [
        (|entry, _| entry.outcome = "compensate".into(), "header", "/outcome"),
        (|entry, _| entry.amounts.cash = 5_000, "header", "/amounts/cash"),
        (|_, bodies| bodies.replace(BodyKind::Decision, "\"cash\":0", "\"cash\":5000"), "decision", "/amounts/cash"),
        (|_, bodies| bodies.replace(BodyKind::Decision, "human-review", "compensate"), "decision", "/outcome"),
    ];
    for (change, body, pointer) in others {
        let lie = cause(
            |places| places.trap,
            |forge, seq| {
                forge.rewrite(MERCHANT, seq, |entry, bodies| {
                    bodies.fault(entry, FaultCode::Deadline);
                    change(entry, bodies);
                });
            },
        );
        assert_eq!(first(&lie), (Some(Divergence::Host), body, pointer), "{lie:?}");
        assert!(lie.compared);
    }
    // A fault that nobody has, on a decision that pays.
    let paid = cause(
        |places| places.after_sale,
        |forge, seq| {
            forge.rewrite(MERCHANT, seq, |entry, _| {
                entry.fault = Some(ombud_ledger::Fault { of: FaultOf::Policy, code: FaultCode::Deadline, limit: None });
            });
        },
    );
    assert_eq!(first(&paid), (Some(Divergence::Host), "header", "/fault"), "{paid:?}");
    // And a limit that no decision tells.
    let limit = |entry: &mut ombud_ledger::DecisionEntry| entry.fault.as_mut().unwrap().limit = Some("fuel".into());
    let limited = cause(|places| places.trap, |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| limit(entry)));
    assert_eq!(first(&limited), (Some(Divergence::Host), "header", "/fault/limit"), "{limited:?}");
    let fuel = cause(
        |places| places.fuel,
        |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.engine.profile = Digest::of(b"another profile")),
    );
    assert_eq!(fuel.divergence, Some(Divergence::OtherEngine));
    // A trap is the guest's own, whatever runs it.
    let trap = cause(
        |places| places.trap,
        |forge, seq| forge.rewrite(MERCHANT, seq, |entry, _| entry.engine.profile = Digest::of(b"another profile")),
    );
    assert!(trap.identical, "{trap:?}");
}

/// A version that did not run has no fault that anything could be excused by.
#[test]
fn a_body_that_the_header_does_not_name_is_damage() {
    let beside = r#"{"ruling":{"fault":{"code":"deadline","detail":"1000 ms"}}}"#;
    for (kind, body) in [(BodyKind::Beside, beside), (BodyKind::Act, "{}")] {
        let lie = cause(
            |places| places.after_sale,
            |forge, seq| {
                forge.rewrite(MERCHANT, seq, |_, bodies| {
                    bodies.replace(BodyKind::Ruling, "approve-refund-only", "human-review");
                    bodies.put(kind, body);
                });
            },
        );
        assert_eq!(lie.divergence, Some(Divergence::RecordDamaged), "{lie:?}");
        assert!(lie.detail.as_deref().is_some_and(|detail| detail.contains(&format!("it has the body `{}`", kind.as_str()))), "{lie:?}");
    }
    // One that it names is there.
    let lacks = cause(|places| places.after_sale, |forge, seq| forge.rewrite(MERCHANT, seq, |_, bodies| bodies.remove(BodyKind::Review)));
    assert_eq!(lacks.divergence, Some(Divergence::RecordDamaged), "{lacks:?}");
}
