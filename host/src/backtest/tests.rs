//! The page of a report: everything is on it, nothing is from elsewhere, and what a candidate writes is text.

use ombud_core::caps::CapResult;
use ombud_core::chain::ReviewResult;
use ombud_core::fault::FaultCode;
use ombud_core::impact::{Dimension, Fuel, Impact, Money, Observed, Skipped, Stand};
use ombud_core::kind::Kind;
use ombud_core::money::{Amounts, Due};

use super::{BacktestReport, CandidateView, PREMISES, page};

fn stand(outcome: &str, rule: &str, due: Due, refund: i64, coupon: i64) -> Stand {
    let amounts = Amounts { refund, cash: 0, coupon };
    Stand {
        outcome: outcome.into(),
        rule: rule.into(),
        money: Money::of(due, amounts, amounts, 0),
        guardrail: ReviewResult::Uphold,
        caps: CapResult::Uphold,
        fault: None,
    }
}

/// Two years of two kinds, in which everything occurs.
fn report() -> BacktestReport {
    let mut impact = Impact::default();
    for at in 0..480_u64 {
        let month = format!("{}-{:02}", 2025 + at / 240, at / 20 % 12 + 1);
        let fen = 10_000 + i64::try_from(at * 37 % 400).unwrap() * 100;
        let kind = if at % 3 == 0 { Kind::Delay } else { Kind::AfterSale };
        let (before, mut after) = match (kind, at % 5) {
            (Kind::Delay, 0) => (stand("compensate", "DC-011", Due::Now, 0, 3_000), stand("compensate", "DC-011", Due::Now, 0, 4_500)),
            (Kind::Delay, 1) => (stand("care-only", "DC-010", Due::Now, 0, 0), stand("compensate", "DC-011", Due::Now, 0, 3_000)),
            (_, 2) => (
                stand("approve-return-refund", "AS-420", Due::Later, fen, 0),
                stand("reject-with-alternative", "<script>alert(1)</script>", Due::Later, 0, 0),
            ),
            (_, 3) => (stand("refund-now", "AS-103", Due::Now, fen, 0), stand("escalate", "CAP-11", Due::Proposal, fen, 0)),
            _ => (stand("refund-now", "AS-103", Due::Now, fen, 0), stand("refund-now", "AS-103", Due::Now, fen, 0)),
        };
        after.fault = (at % 97 == 0).then_some(FaultCode::Fuel);
        let segments = [(Dimension::Month, month), (Dimension::Outcome, before.outcome.clone()), (Dimension::Customer, "new".to_owned())];
        impact.add(&Observed {
            id: &format!("{at:032x}"),
            seq: at,
            ticket: Some(&format!("t-{at}")),
            received_at_ms: 0,
            kind,
            segments: &segments,
            before: &before,
            after: &after,
            of_case: None,
            fuel: Fuel { policy: 20_000 + at, guardrail: 9_000 },
            recorded_fuel: Some(Fuel { policy: 19_000, guardrail: 9_000 }),
        });
    }
    impact.skip(Skipped::Erased);
    let candidate =
        CandidateView { name: "after-sale".into(), version: "2.0.0".into(), component: "ab".repeat(32), settings: "cd".repeat(32) };
    BacktestReport {
        merchant: "m-1".into(),
        candidate,
        kinds: vec![Kind::AfterSale, Kind::Delay],
        from: Some("2025-01-01T00:00:00+08:00".into()),
        to: None,
        made_at: "2026-12-31T23:59:59Z".into(),
        elapsed_ms: 1_234,
        per_second: 389.0,
        premises: PREMISES.map(str::to_owned).to_vec(),
        impact: impact.report(),
    }
}

#[test]
fn the_page_has_everything_and_nothing_from_elsewhere() {
    let (report, page) = (report(), page(&report()));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "what a candidate writes is text");
    for foreign in ["src=", "href=", "@import", "url(", "http:", "https:"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    // Charts of the money, of its months and of the flips.
    assert_eq!(page.matches("<svg").count(), 3);
    for shown in [
        "480",
        "1 record not compared: the customer was erased",
        "2026-12",
        "t-",
        "fault fuel",
        "Paid and promised by month",
        "if every proposal is approved",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    for premise in PREMISES {
        assert!(page.contains(&premise.replace('\'', "&#39;")) || page.contains(premise), "{premise}");
    }
    assert_eq!(report.new_faults(), 5);
    assert_eq!(report.window(), "from 2025-01-01T00:00:00+08:00");
    // A report reads back as it was written.
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<BacktestReport>(&json).unwrap(), report);
}
