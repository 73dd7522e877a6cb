//! Invariants of the domain's golden.md 6.1 that concern this kind, over generated cases.

use ombud_core::messages::write;
use ombud_rules::after_sale::{AMOUNT_MAX, Account, Bill, requested};
use ombud_rules::contract::after_sale::Outcome;
use ombud_rules::contract::types::{EvidenceKind, Strength, Tri};
use proptest::prelude::*;

use super::generate;
use super::invariant::{denies, refuses_line_by_line, tri_facts};
use crate::rule::decide;
use crate::settings::Settings;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// 1: the same facts give the same ruling.
    #[test]
    fn a_ruling_is_a_function_of_its_facts((ctx, case) in generate::case()) {
        let settings = Settings::default();
        prop_assert_eq!(decide(&settings, &ctx, &case), decide(&settings, &ctx, &case));
    }

    /// No number, however absurd, traps or leaves the contract's bounds: a trap in a policy is a fault.
    #[test]
    fn nothing_traps((ctx, case) in generate::wild()) {
        let ruling = decide(&Settings::default(), &ctx, &case);
        let amounts = ruling.breakdown.iter().map(|line| line.amount).chain([ruling.refund, ruling.statutory_exposure.unwrap_or(0)]);
        prop_assert!(amounts.into_iter().all(|amount| (0..=AMOUNT_MAX).contains(&amount)), "{:?}", ruling);
    }

    /// 3: whichever way an unknown fact turns out, a refusal stays a refusal; where it gives two lines different grounds, both stay refused.
    #[test]
    fn a_refusal_does_not_hang_on_what_is_unknown((ctx, case) in generate::case()) {
        let settings = Settings::default();
        if denies(&decide(&settings, &ctx, &case)) {
            let count = tri_facts(&mut case.clone()).len();
            for place in 0..count {
                for value in [Tri::Yes, Tri::No] {
                    let mut known = case.clone();
                    if *tri_facts(&mut known)[place] != Tri::Unknown {
                        continue;
                    }
                    *tri_facts(&mut known)[place] = value;
                    let ruling = decide(&settings, &ctx, &known);
                    prop_assert!(denies(&ruling) || refuses_line_by_line(&ruling), "fact {} as {:?}: {:?}", place, value, ruling);
                }
            }
        }
    }

    /// 4: never more than paid − refunded + freight of the order, never negative.
    #[test]
    fn a_refund_is_never_more_than_was_paid((ctx, case) in generate::case()) {
        let ruling = decide(&Settings::default(), &ctx, &case);
        let bill = Bill::of(&case.order);
        let refunded: i64 = case.order.lines.iter().zip(&bill.paid).map(|(line, paid)| line.refunded.min(*paid)).sum();
        let freight = case.order.freight_paid - case.order.freight_refunded;
        prop_assert!(ruling.refund >= 0 && ruling.refund <= bill.total - refunded + freight, "{}", ruling.refund);
        prop_assert!(ruling.breakdown.iter().all(|line| line.amount > 0));
    }

    /// CAP-01 leaves every refund of this policy alone, unless units are said to have come back without a refund.
    #[test]
    fn a_refund_fits_the_balance((ctx, case) in generate::case()) {
        let ruling = decide(&Settings::default(), &ctx, &case);
        let settled = case.order.lines.iter().all(|line| line.qty_returned == 0 || line.refunded > 0);
        if let Some(lines) = requested(&case).filter(|_| settled) {
            let bill = Bill::of(&case.order);
            let balance = Account { order: &case.order, bill: &bill, lines: &lines }.balance();
            prop_assert!(ruling.refund <= balance.max(0), "{} of {}", ruling.refund, balance);
        }
    }

    /// Money comes back by channel to the fen.
    #[test]
    fn a_breakdown_adds_up((ctx, case) in generate::case()) {
        let ruling = decide(&Settings::default(), &ctx, &case);
        let money: i64 = ruling.breakdown.iter().filter(|line| !line.code.ends_with("-in-kind")).map(|line| line.amount).sum();
        prop_assert!(money == ruling.refund || money == 0);
    }

    /// 6: stronger evidence of the buyer never turns an approval or a review into a refusal.
    #[test]
    fn stronger_evidence_never_hurts((ctx, case) in generate::case(), place in 0usize..3) {
        let settings = Settings::default();
        let before = decide(&settings, &ctx, &case);
        let mut stronger = case;
        let merchants = [EvidenceKind::InspectionReport, EvidenceKind::SignRecord, EvidenceKind::Cctv];
        if let Some(item) = stronger.evidence.get_mut(place).filter(|item| !merchants.contains(&item.kind)) {
            item.strength = Strength::Strong;
            item.intact = true;
            prop_assert!(denies(&before) || !denies(&decide(&settings, &ctx, &stronger)));
        }
    }

    /// 7: a later application never turns a refusal into an approval of the same right.
    #[test]
    fn waiting_never_wins((ctx, case) in generate::case(), wait in 1i64..3_000_000_000) {
        let settings = Settings::default();
        let before = decide(&settings, &ctx, &case);
        let (mut later_ctx, mut later) = (ctx, case);
        later.applied_at += wait;
        later_ctx.now += wait;
        if matches!(before.outcome, Outcome::RejectWithAlternative | Outcome::Reject | Outcome::RejectDuplicate) {
            let after = decide(&settings, &later_ctx, &later);
            prop_assert!(denies(&after) || after.outcome == Outcome::HumanReview, "{:?}", after);
        }
    }

    /// 9: every adverse ruling has a reason and a message that names the basis and offers a person.
    #[test]
    fn an_adverse_ruling_is_explained((ctx, case) in generate::case()) {
        let ruling = decide(&Settings::default(), &ctx, &case);
        let notes = &ruling.notes;
        prop_assert!(!notes.reasons.is_empty());
        prop_assert!(notes.reasons.iter().all(|reason| !reason.citations.is_empty()));
        if denies(&ruling) {
            let explained = notes.messages.iter().find(|message| message.key.starts_with("as.explain."));
            prop_assert!(explained.is_some_and(|message| message.args.iter().any(|arg| arg.key == "rule" && !arg.value.is_empty())));
        }
        if matches!(ruling.outcome, Outcome::HumanReview | Outcome::Escalate) {
            prop_assert!(!notes.approvals.is_empty() && notes.messages.iter().any(|message| message.key == "as.human_review"));
        }
    }

    /// 10: every message has its text in every language, nothing missing and nothing left over. The reply policy checks the texts.
    #[test]
    fn every_message_can_be_written((ctx, case) in generate::case()) {
        for message in &decide(&Settings::default(), &ctx, &case).notes.messages {
            for locale in ["zh-CN", "en"] {
                prop_assert!(write(message, locale).is_ok(), "{:?}", write(message, locale));
            }
        }
    }
}
