//! Sums do not depend on how the window is cut, and every decision is counted once.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::case::Case;
use crate::money::{Amounts, Due, Intent, Payment};

#[derive(Clone, Debug)]
struct Seen {
    kind: Kind,
    ticket: Option<String>,
    segments: Vec<(Dimension, String)>,
    before: Stand,
    after: Stand,
    of_case: Option<(String, [Stated; 2])>,
    fuel: u64,
    recorded: Option<u64>,
}

/// Payments of a few cases, so that they meet.
fn stated() -> impl Strategy<Value = Stated> {
    let due = prop_oneof![Just(Due::Now), Just(Due::Later), Just(Due::Proposal)];
    let payment = prop_oneof![Just(Payment::Refund), Just(Payment::Cash), Just(Payment::Coupon)];
    let intent = (0..6_u8, payment, 1..50_i64).prop_map(|(key, payment, amount)| Intent {
        key: format!("k{key}"),
        payment,
        amount,
        restates: false,
    });
    (due, vec(intent, 0..3)).prop_map(|(due, mut intents)| {
        intents.sort();
        intents.dedup_by(|next, kept| (&next.key, next.payment) == (&kept.key, kept.payment));
        Stated { due, intents, on_record: Vec::new() }
    })
}

fn stand() -> impl Strategy<Value = Stand> {
    let due = prop_oneof![Just(Due::Now), Just(Due::Later), Just(Due::Proposal)];
    let fault = prop_oneof![4 => Just(None), 1 => Just(Some(FaultCode::Trap)), 1 => Just(Some(FaultCode::Fuel))];
    (0..3_u8, 0..4_u8, due, 0..3_i64, 0..300_i64, fault).prop_map(|(outcome, rule, due, refund, coupon, fault)| {
        let amounts = Amounts { refund: refund * 1_000, cash: 0, coupon };
        Stand {
            outcome: format!("outcome-{outcome}"),
            rule: format!("R-{rule}"),
            money: Money::of(due, amounts, amounts, 0),
            guardrail: if rule == 0 { ReviewResult::Amend } else { ReviewResult::Uphold },
            caps: if rule == 1 { CapResult::Escalate } else { CapResult::Uphold },
            fault,
        }
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    let kind = prop_oneof![Just(Kind::AfterSale), Just(Kind::Delay), Just(Kind::Reply)];
    let ticket = proptest::option::of(0..20_u8);
    let of_case = proptest::option::of((0..4_u8, stated(), stated()));
    (kind, 0..5_u8, stand(), stand(), 0..1_000_u64, proptest::option::of(0..1_000_u64), ticket, of_case).prop_map(
        |(kind, month, before, after, fuel, recorded, ticket, of_case)| Seen {
            kind,
            of_case: of_case.map(|(case, before, after)| (format!("c{case}"), [before, after])),
            ticket: ticket.map(|ticket| format!("t{ticket}")),
            segments: vec![(Dimension::Month, format!("2026-0{month}")), (Dimension::Outcome, before.outcome.clone())],
            before,
            after,
            fuel,
            recorded,
        },
    )
}

fn add(impact: &mut Impact, at: usize, seen: &Seen) {
    impact.add(&Observed {
        id: &format!("d{at}"),
        seq: at as u64,
        ticket: seen.ticket.as_deref(),
        received_at_ms: 0,
        kind: seen.kind,
        segments: &seen.segments,
        before: &seen.before,
        after: &seen.after,
        of_case: seen.of_case.as_ref().map(|(case, [before, after])| (case.as_str(), [before, after])),
        fuel: Fuel { policy: seen.fuel, guardrail: 1 },
        recorded_fuel: seen.recorded.map(|policy| Fuel { policy, guardrail: 1 }),
    });
}

/// An impact with small bounds, so that they are met.
fn small() -> Impact {
    Impact { segments: Bounded::new(4), outcomes: Bounded::new(3), rules: Bounded::new(5), ..Impact::default() }
}

proptest! {
    #[test]
    fn parts_merge_to_the_whole_in_any_order(window in vec(seen(), 0..80), parts in 1..6_usize, backwards: bool) {
        let mut whole = small();
        let mut pieces: Vec<Impact> = (0..parts).map(|_| small()).collect();
        for (at, seen) in window.iter().enumerate() {
            add(&mut whole, at, seen);
            add(&mut pieces[at % parts], at, seen);
        }
        if backwards {
            pieces.reverse();
        }
        let merged = pieces.into_iter().reduce(|mut own, other| { own.merge(other); own }).unwrap();
        prop_assert_eq!(merged.report(), whole.report());
    }

    #[test]
    fn every_decision_is_counted_once_in_each_view(window in vec(seen(), 0..80)) {
        let mut impact = small();
        window.iter().enumerate().for_each(|(at, seen)| add(&mut impact, at, seen));
        let report = impact.report();
        let counts = report.total.counts;
        prop_assert_eq!(counts.decisions, window.len() as u64);
        prop_assert_eq!(report.kinds.iter().map(|line| line.counts.decisions).sum::<u64>(), counts.decisions);
        // Two segments for each decision, those that are not told apart included.
        prop_assert_eq!(report.segments.iter().map(|line| line.counts.decisions).sum::<u64>(), 2 * counts.decisions);
        prop_assert_eq!(report.outcomes.iter().map(|line| line.decisions).sum::<u64>(), counts.flips + counts.money_only);
        let otherwise = window.iter().filter(|seen| Change::between(&seen.before, &seen.after) != Change::None).count();
        prop_assert_eq!(report.rules.iter().map(|line| line.decisions).sum::<u64>(), otherwise as u64);
        let sum = |of: fn(&Seen) -> i64| window.iter().map(of).sum::<i64>();
        prop_assert_eq!(report.total.money.before.paid.refund, sum(|seen| seen.before.money.paid.refund));
        prop_assert_eq!(report.total.money.after.promised.coupon, sum(|seen| seen.after.money.promised.coupon));
        let differences: i64 = report.outcomes.iter().map(|line| line.money.difference()).sum();
        prop_assert_eq!(differences, report.total.money.difference(), "money moves only where a decision changes");
        prop_assert_eq!(report.guardrail.iter().map(|line| line.before).sum::<u64>(), counts.decisions);
        prop_assert_eq!(report.faults.iter().map(|line| line.after).sum::<u64>(), window.iter().filter(|seen| seen.after.fault.is_some()).count() as u64);
    }

    #[test]
    fn the_dearest_decision_of_the_dearest_tickets_are_the_examples(window in vec(seen(), 0..120)) {
        let mut impact = Impact::default();
        window.iter().enumerate().for_each(|(at, seen)| add(&mut impact, at, seen));
        let mut all: Vec<(u64, u64, u64)> = window
            .iter()
            .enumerate()
            .filter(|(_, seen)| Change::between(&seen.before, &seen.after) >= Change::Money)
            .map(|(at, seen)| {
                let (before, after) = (&seen.before.money, &seen.after.money);
                (after.if_approved().abs_diff(before.if_approved()), after.standing().abs_diff(before.standing()), at as u64)
            })
            .collect();
        all.sort_by_key(|(approved, stands, seq)| (std::cmp::Reverse(*approved), std::cmp::Reverse(*stands), *seq));
        let mut tickets = std::collections::HashSet::new();
        all.retain(|(_, _, seq)| window[*seq as usize].ticket.as_ref().is_none_or(|ticket| tickets.insert(ticket.clone())));
        let expected: Vec<u64> = all.iter().take(EXAMPLES_MAX).map(|(_, _, seq)| *seq).collect();
        let got: Vec<u64> = impact.report().examples.iter().map(|example| example.seq).collect();
        prop_assert_eq!(got, expected);
    }
}

fn terms() -> crate::decision::Terms {
    crate::decision::Terms {
        caps: crate::caps::CapLimits::default(),
        currency: "CNY".into(),
        fallback: crate::fallback::Fallbacks::default(),
        limits: crate::call_limits::CallLimits::default(),
        edition: crate::edition::Edition::NEWEST,
    }
}

#[test]
fn a_recorded_body_reads_as_the_decision_it_was() {
    let cases = crate::golden::load(include_str!("../../../../tests/cases/golden.yaml")).unwrap();
    let mut compared = 0;
    for golden in cases {
        let crate::golden::Given::Delay(ctx, case) = golden.given else { continue };
        let case = crate::case::Case::Delay(case);
        let fault = crate::fault::Fault::new(FaultCode::Trap, "unreachable");
        let judged = crate::chain::judge(&case, &Err(fault), None, &crate::fallback::Fallbacks::default(), ctx.now);
        let terms = terms();
        let (decision, _) = crate::decision::conclude(&case, judged, None, &terms, &crate::decision::Counted::default(), (&ctx).into());
        let body = serde_json::to_string(&decision).unwrap();
        assert_eq!(Recorded::read(&case, &body).unwrap().stand, Stand::of(&decision));
        compared += 1;
    }
    assert!(compared > 20);
}

#[test]
fn a_recorded_body_states_the_payments_of_its_decision() {
    let cases = crate::golden::load(include_str!("../../../../tests/cases/guardrail-cases.yaml")).unwrap();
    let mut compared = std::collections::BTreeMap::new();
    for golden in cases {
        let (ctx, case, ruling) = match golden.given {
            crate::golden::Given::ReviewDelay(ctx, case, ruling) => (ctx, Case::Delay(case), crate::ruling::Ruling::Delay(ruling)),
            crate::golden::Given::ReviewAfterSale(ctx, case, ruling) => {
                (ctx, Case::AfterSale(case), crate::ruling::Ruling::AfterSale(ruling))
            }
            _ => continue,
        };
        let tier =
            if let crate::ruling::Ruling::Delay(ruling) = &ruling { ruling.awards.iter().map(|award| award.tier).max() } else { None };
        let uphold = ombud_rules::review::Review::Uphold;
        let judged = crate::chain::judge(&case, &Ok(ruling), Some(&Ok(uphold)), &crate::fallback::Fallbacks::default(), ctx.now);
        let terms = terms();
        let (decision, _) = crate::decision::conclude(&case, judged, None, &terms, &crate::decision::Counted::default(), (&ctx).into());
        let recorded = Recorded::read(&case, &serde_json::to_string(&decision).unwrap()).unwrap();
        assert_eq!(recorded.stated, Stated::of(&case, &decision));
        assert_eq!(recorded.tier, tier);
        for intent in recorded.stated.intents {
            *compared.entry(intent.payment).or_insert(0) += 1;
        }
    }
    assert_eq!(compared.len(), 3, "refunds, cash and coupons: {compared:?}");
}

#[test]
fn what_is_paid_promised_and_proposed_is_kept_apart() {
    let amounts = Amounts { refund: 100, cash: 20, coupon: 3 };
    let restated = Amounts { refund: 0, ..amounts };
    assert_eq!(Money::of(Due::Now, amounts, restated, 0).standing(), 23, "a restated refund is not paid twice");
    assert_eq!(Money::of(Due::Later, amounts, Amounts::default(), 0).standing(), 123);
    let proposed = Money::of(Due::Proposal, amounts, Amounts::default(), 0);
    assert_eq!((proposed.standing(), proposed.waiting(), proposed.if_approved()), (0, 123, 123));
    let again = Money::of(Due::Proposal, amounts, Amounts::default(), 60);
    assert_eq!(again.if_approved(), 63, "what is on record is not paid anew");
    // Sending everything to a person saves nothing.
    let sent = BeforeAfter { before: Money::of(Due::Now, amounts, amounts, 0), after: proposed };
    assert_eq!((sent.difference(), sent.difference_if_approved()), (-123, 0));
}

#[test]
fn a_rule_of_any_length_is_clipped_at_a_character() {
    let cases = crate::golden::load(include_str!("../../../../tests/cases/golden.yaml")).unwrap();
    let case = cases.into_iter().find_map(|golden| match golden.given {
        crate::golden::Given::Delay(_, case) => Some(Case::Delay(case)),
        _ => None,
    });
    let body = serde_json::json!({
        "kind": "delay", "outcome": "none", "due": "proposal", "amounts": {"refund": 0, "cash": 0, "coupon": 0},
        "reasons": [{"rule": "规".repeat(100), "by": "policy", "severity": "info"}],
        "guardrail": "uphold", "caps": {"result": "uphold", "counted": {"refund": 0, "cash": 0, "coupon": 0}},
        "ruling": {"outcome": "none"},
    });
    assert_eq!(Recorded::read(&case.unwrap(), &body.to_string()).unwrap().stand.rule, "规".repeat(21));
}
