//! Records that cannot be compared are counted apart, each with its cause, from a directory that is only read.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use ombud::backtest::BacktestReport;
use ombud::service::{Archive, Asked, CandidateSource, Options, Role, Service};
use ombud_core::ids::MerchantId;
use ombud_core::impact::{Skipped, SkippedLine};
use ombud_core::kind::Kind;
use ombud_ledger::{BodyKind, Digest, Entry};
use ombud_tests::forge::Forge;
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Server, only};
use rusqlite::params;
use serde_json::json;

use super::delay;

const MERCHANT: &str = "m-apart";

/// The backtest of what is bound to delays, with other settings.
fn backtest(data: &Path) -> BacktestReport {
    let archive = Archive::open(data, Options { policies: None, ..Options::default() }).unwrap();
    let asked = Asked {
        source: CandidateSource::Bound(Kind::Delay),
        settings: Some(r#"{"ship_slight_value":4500}"#.to_owned()),
        kind: None,
        last: None,
        from: None,
        to: None,
    };
    let backtests = archive.backtests().unwrap();
    let plan = backtests.plan(&MerchantId::new(MERCHANT).unwrap(), asked).unwrap();
    backtests.run(&plan, 2, &AtomicBool::new(false), |_| ()).unwrap()
}

#[test]
fn damaged_records_and_missing_guardrails_are_counted_apart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &root().join("policies"));
    let config = json!({"id": MERCHANT, "shop_id": "1", "platform": "douyin"});
    server.call("PUT", &format!("/v1/merchants/{MERCHANT}")).key(&server.operator).json(&config).send().ok();
    let agent = server.service.create_key_now(&Service::owner().unwrap(), Some(MERCHANT), Role::Agent, "agent").unwrap().secret;
    let seqs: Vec<u64> = (0..4)
        .map(|at| {
            let event = delay(&format!("apart-{at}"), &format!("c_apart{at}"), 30);
            let call = server.call("POST", &format!("/v1/merchants/{MERCHANT}/events")).key(&agent);
            only(&call.event(&event).send().ok())["seq"].as_u64().unwrap()
        })
        .collect();
    server.stop();
    let coupons = |report: &BacktestReport| (report.impact.total.money.before.paid.coupon, report.impact.total.money.after.paid.coupon);
    let report = backtest(data.path());
    assert_eq!((report.impact.total.counts.decisions, coupons(&report)), (4, (12_000, 18_000)));

    let forge = Forge::on(data.path());
    // A bit of the sealed part, a bit of the header, and a body that is none.
    forge.flip(MERCHANT, seqs[0], "sealed", |bits| bits / 2);
    forge.flip(MERCHANT, seqs[1], "header", |bits| bits - 1);
    forge.rewrite(MERCHANT, seqs[2], |_, bodies| bodies.remove(BodyKind::Case));
    let report = backtest(data.path());
    assert_eq!((report.impact.total.counts.decisions, coupons(&report)), (1, (3_000, 4_500)));
    assert_eq!(report.impact.skipped, [SkippedLine { why: Skipped::Damaged, records: 3 }]);

    let Entry::Decision(entry) = ledger::header(data.path(), MERCHANT, seqs[3]).entry else { panic!("a decision") };
    let guardrail: Digest = entry.guardrail.unwrap().component;
    forge.run(1, "DELETE FROM blobs WHERE digest = ?1", params![guardrail.0]);
    let report = backtest(data.path());
    assert_eq!(report.impact.total.counts.decisions, 0);
    let skipped = [SkippedLine { why: Skipped::Damaged, records: 3 }, SkippedLine { why: Skipped::Guardrail, records: 1 }];
    assert_eq!(report.impact.skipped, skipped);
}
