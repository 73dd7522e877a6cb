//! Invariants 13 and 14 of the domain's golden.md 6.1 and those of policies.md 5.7, over golden and generated cases.

use after_sale::rule::decide;
use after_sale::settings::{AttemptsMax, HolidayMode, LadderStep, PartialMode, PreferencePayer, Settings};
use ombud_core::case::Case;
use ombud_core::chain::{ReviewResult, judge};
use ombud_core::fallback::Fallbacks;
use ombud_core::golden::{Given, load};
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome, Payer, RequestKind};
use ombud_rules::contract::types::{Context, Notes, Reason, Severity};
use ombud_rules::review::Review;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::generate;
use crate::after_sale::amend::pays;
use crate::after_sale::review;

/// Settings anywhere within the merchant's bounds.
fn settings() -> impl Strategy<Value = Settings> {
    (
        (7u32..=90, 7u32..=90, any::<bool>(), any::<bool>(), 6u32..=36, 15u32..=90),
        (24u32..=168, 12u32..=168, 0i64..=100_000, 2u32..=20, 24u32..=168, 1u32..=7),
        (1u32..=30, 3u32..=30, any::<bool>(), any::<bool>(), any::<bool>()),
    )
        .prop_map(|((no_reason_days, quality_return_days, extend, needs_trigger, burden_months, exchange_days), more, rest)| {
            let (spoiled_report_hours, spoiled_report_hours_live, refund_only_auto_max, malicious, sign_proof_hours, refund_days) = more;
            let (repair_days, send_back_days, apportion, fee, merchant) = rest;
            Settings {
                no_reason_days,
                quality_return_days,
                holiday_mode: if extend { HolidayMode::Extend } else { HolidayMode::HumanReview },
                may_exclude_needs_trigger: needs_trigger,
                burden_months,
                three_guarantee_exchange_days: exchange_days,
                spoiled_report_hours,
                spoiled_report_hours_live,
                spoiled_ladder: vec![LadderStep { upto_bp: 5_000, pay_bp: 6_000 }, LadderStep { upto_bp: 10_000, pay_bp: 10_000 }],
                refund_only_auto_max,
                malicious_returns_review: malicious,
                attempts_max: AttemptsMax::default(),
                sign_proof_hours,
                refund_after_receipt_days: refund_days,
                exchange_ship_days: refund_days,
                repair_days,
                send_back_days,
                exchange_preference_payer: if merchant { PreferencePayer::Merchant } else { PreferencePayer::Buyer },
                partial_mode_no_reason: if apportion { PartialMode::Apportion } else { PartialMode::RecomputeIfBroken },
                deduct_waived_card_fee: fee,
            }
        })
}

/// What some other policy might say.
fn any_ruling() -> impl Strategy<Value = AfterSaleRuling> {
    (
        select(Outcome::ALL),
        prop::collection::vec(select(RequestKind::ALL), 0..3),
        0i64..60_000,
        select(Payer::ALL),
        option::of(generate::PAID_AT..generate::PAID_AT + 5_000_000_000),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(outcome, options, refund, return_freight, refund_deadline, reasoned)| {
            let reason = Reason { rule: "M-1".to_owned(), severity: Severity::Low, facts: Vec::new(), citations: Vec::new() };
            AfterSaleRuling {
                outcome,
                options,
                refund,
                breakdown: Vec::new(),
                return_freight,
                window_deadline: None,
                refund_deadline,
                statutory_exposure: None,
                missing_evidence: Vec::new(),
                notes: Notes { reasons: if reasoned { vec![reason] } else { Vec::new() }, ..Notes::empty() },
            }
        })
}

fn upheld(ctx: &Context, case: &AfterSaleCase, ruling: &AfterSaleRuling) -> Result<(), TestCaseError> {
    let answer = review(ctx, case, ruling);
    prop_assert!(answer == Review::Uphold, "{:?}\non\n{:?}", answer, ruling);
    Ok(())
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn the_default_policy_passes_on_every_golden_case() {
    for case in load(include_str!("../../../../../tests/cases/golden.yaml")).expect("the golden cases") {
        if let Given::AfterSale(ctx, facts) = &case.given {
            let ruling = decide(&Settings::default(), ctx, facts);
            assert_eq!(review(ctx, facts, &ruling), Review::Uphold, "{}", case.id);
        }
    }
}

proptest! {
    #![proptest_config(cases(20000))]

    /// 13: every ruling of the default policy passes, and with a merchant's settings none is replaced. A window longer than the
    /// statutory one may bring an excluded article before a person: the statutory window would have asked for one before it came
    /// to the exclusion, because it ended on a day off (GR-106) or at a locker (GR-102).
    #[test]
    fn the_default_policy_passes((ctx, case) in generate::case(), settings in settings().boxed()) {
        upheld(&ctx, &case, &decide(&Settings::default(), &ctx, &case))?;
        let ruling = decide(&settings, &ctx, &case);
        match review(&ctx, &case, &ruling) {
            Review::Escalate(reasons) if reasons.iter().all(|reason| ["GR-102", "GR-106"].contains(&reason.rule.as_str())) => {
                prop_assert!(settings.no_reason_days > 7 || settings.holiday_mode == HolidayMode::Extend);
            }
            answer => prop_assert!(answer == Review::Uphold, "{:?}\non\n{:?}", answer, ruling),
        }
    }

    /// No number, however absurd, traps.
    #[test]
    fn nothing_traps((ctx, case) in generate::wild(), ruling in any_ruling().boxed()) {
        if let Review::Amend { ruling: amended, .. } = review(&ctx, &case, &ruling) {
            prop_assert!((0..=1_000_000_000_000).contains(&amended.refund));
        }
    }

    /// 13: what the guardrail wrote itself passes. 14: no ruling that pays is lowered, and no return of received goods becomes a refund
    /// without return; the host agrees that the amendment is none for the worse.
    #[test]
    fn an_amended_ruling_is_better_and_final((ctx, case) in generate::case(), ruling in any_ruling().boxed()) {
        let answer = review(&ctx, &case, &ruling);
        if let Review::Amend { ruling: amended, reasons } = &answer {
            upheld(&ctx, &case, amended)?;
            let said = Ok(Ruling::AfterSale(ruling.clone()));
            let reviewed: Result<RulingReview, _> =
                Ok(Review::Amend { ruling: Ruling::AfterSale(amended.clone()), reasons: reasons.clone() });
            let judged = judge(&Case::AfterSale(case.clone()), &said, Some(&reviewed), &Fallbacks::default(), ctx.now);
            prop_assert!(judged.review == ReviewResult::Amend, "{:?} from {:?}", judged.fault, ruling);
            prop_assert!(!reasons.is_empty() && !amended.notes.reasons.is_empty());
            prop_assert!(!pays(ruling.outcome) || amended.refund >= ruling.refund);
            let kept = amended.outcome == ruling.outcome;
            prop_assert!(kept || !amended.notes.messages.is_empty());
            let refund_only = amended.outcome == Outcome::ApproveRefundOnly;
            prop_assert!(kept || !refund_only || case.order.lines.iter().any(|line| line.signed_at.is_none()));
        }
        if matches!(ruling.outcome, Outcome::HumanReview | Outcome::Escalate) {
            prop_assert_eq!(&answer, &Review::Uphold);
        }
    }
}
