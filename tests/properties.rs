//! The invariants of the domain's golden set (6.1) through the built components, in the server's own sandbox: over generated
//! after-sales cases, and over the golden cases of the other kinds with facts changed.

mod given;
mod money;
mod returns;

use std::sync::OnceLock;

use ombud::registry::Registry;
use ombud_core::case::Case;
use ombud_core::golden::{self, Given};
use ombud_core::messages;
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_rules::after_sale::Bill;
use ombud_rules::civil::HOUR_MS;
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome, RequestKind, Stage};
use ombud_rules::contract::blacklist::{self, BlacklistCase};
use ombud_rules::contract::delay::{DelayCase, DelayKind, DelayRuling};
use ombud_rules::contract::reply::{ReplyCase, ReplyRuling, Verdict};
use ombud_rules::contract::types::{Context, EvidenceKind, ReasonKind, Role, Strength, Surface, Tri};
use ombud_rules::review::Review;
use ombud_sandbox::{Facts, Limits, Plugin, Sandbox};
use ombud_tests::guests::root;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

#[allow(dead_code, reason = "the policy's own tests use the rest")]
#[path = "../plugins/after-sale/src/tests/generate.rs"]
mod generate;
#[path = "../plugins/after-sale/src/tests/invariant.rs"]
mod invariant;

use given::{after_sale, delay, draft, golden_cases, of_blacklist, of_delay, plugin, policies, reply, reviewed, ruled, text};
use invariant::{denies, refuses_line_by_line, tri_facts};

/// The same cases at every run; a found failure is a case to be written down.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, rng_seed: RngSeed::Fixed(20_261_106), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// 1: the same facts give the same ruling for the same fuel.
    #[test]
    fn invariant_01_a_ruling_is_a_function_of_its_facts((ctx, case) in generate::case()) {
        let facts = Facts::new(&ctx, &Case::AfterSale(case));
        let decide = || plugin("after-sale").decide(&facts, "{}", &policies().limits, 4_096);
        prop_assert_eq!(decide(), decide());
    }

    /// 3: whichever way an unknown fact turns out, a refusal stays a refusal; where it gives two lines different grounds, both stay refused.
    #[test]
    fn invariant_03_the_unknown_refuses_nobody((ctx, case) in generate::case()) {
        if denies(&after_sale(&ctx, &case)) {
            for place in 0..tri_facts(&mut case.clone()).len() {
                for value in [Tri::Yes, Tri::No] {
                    let mut known = case.clone();
                    let fact = tri_facts(&mut known).remove(place);
                    if *fact == Tri::Unknown {
                        *fact = value;
                        let ruling = after_sale(&ctx, &known);
                        prop_assert!(denies(&ruling) || refuses_line_by_line(&ruling), "fact {} as {:?}: {:?}", place, value, ruling);
                    }
                }
            }
        }
    }

    /// 4: never more than paid − refunded + freight, never negative.
    #[test]
    fn invariant_04_a_refund_is_never_more_than_was_paid((ctx, case) in generate::case()) {
        let refund = after_sale(&ctx, &case).refund;
        let bill = Bill::of(&case.order);
        let refunded: i64 = case.order.lines.iter().zip(&bill.paid).map(|(line, paid)| line.refunded.min(*paid)).sum();
        let most = bill.total - refunded + case.order.freight_paid - case.order.freight_refunded;
        prop_assert!((0..=most.max(0)).contains(&refund), "{} of {}", refund, most);
    }

    /// 5: what the lines of an order give one by one is what they give together, and what was paid, whatever the promotions.
    #[test]
    fn invariant_05_the_lines_add_up((ctx, case) in generate::case()) {
        let mut case = case;
        case.order.special = ombud_rules::contract::after_sale::OrderFlags::empty();
        (case.stage, case.request, case.reason) = (Stage::Requested, RequestKind::RefundOnly, ReasonKind::LateShipment);
        (case.duplicate_active, case.agreed_resolution) = (false, None);
        (case.order.freight_paid, case.order.freight_refunded) = (0, 0);
        case.order.promised_ship_by = Some(case.applied_at - 100 * HOUR_MS);
        case.order.paid_at = Some(case.applied_at - 200 * HOUR_MS);
        for line in &mut case.order.lines {
            (line.shipped_at, line.signed_at, line.picked_up_at) = (None, None, None);
            (line.qty_returned, line.refunded) = (0, 0);
        }
        let ask = |case: &mut AfterSaleCase, which: &dyn Fn(usize) -> bool| {
            let all = case.order.lines.iter().enumerate().filter(|(at, _)| which(*at));
            case.lines =
                all.map(|(_, line)| ombud_rules::contract::after_sale::LineRequest { line_id: line.line_id.clone(), qty: line.qty }).collect();
            after_sale(&ctx, case)
        };
        let whole = ask(&mut case, &|_| true);
        let parts: Vec<AfterSaleRuling> = (0..case.order.lines.len()).map(|own| ask(&mut case, &|at| at == own)).collect();
        if std::iter::once(&whole).chain(&parts).all(|ruling| ruling.outcome == Outcome::ApproveRefundOnly) {
            prop_assert_eq!(parts.iter().map(|ruling| ruling.refund).sum::<i64>(), whole.refund);
            prop_assert_eq!(whole.refund, Bill::of(&case.order).total);
        }
    }

    /// 6: stronger evidence of the buyer never turns an approval or a review into a refusal.
    #[test]
    fn invariant_06_stronger_evidence_never_hurts((ctx, case) in generate::case(), place in any::<Index>()) {
        let before = after_sale(&ctx, &case);
        let mut stronger = case;
        let merchants = [EvidenceKind::InspectionReport, EvidenceKind::SignRecord, EvidenceKind::Cctv];
        if !stronger.evidence.is_empty() && !denies(&before) {
            let item = place.index(stronger.evidence.len());
            if !merchants.contains(&stronger.evidence[item].kind) {
                (stronger.evidence[item].strength, stronger.evidence[item].intact) = (Strength::Strong, true);
                prop_assert!(!denies(&after_sale(&ctx, &stronger)));
            }
        }
    }

    /// 7: a later application never turns a refusal into an approval of the same right.
    #[test]
    fn invariant_07_waiting_never_wins((ctx, case) in generate::case(), wait in 1i64..3_000_000_000) {
        if matches!(after_sale(&ctx, &case).outcome, Outcome::RejectWithAlternative | Outcome::Reject | Outcome::RejectDuplicate) {
            let (mut ctx, mut later) = (ctx, case);
            later.applied_at += wait;
            ctx.now += wait;
            let after = after_sale(&ctx, &later);
            prop_assert!(denies(&after) || after.outcome == Outcome::HumanReview, "{:?}", after);
        }
    }

    /// 8: masking is idempotent, and keeps the length of identity and card numbers.
    #[test]
    fn invariant_08_masking_is_idempotent(text in text()) {
        let ctx = golden_cases()[0].0.clone();
        let masked = reply(&ctx, &draft(&text)).masked_text;
        let again = reply(&ctx, &draft(&masked));
        prop_assert_eq!(&again.masked_text, &masked);
        prop_assert!(!again.findings.iter().any(|finding| ["RC-701", "RC-702", "RC-703"].contains(&finding.rule.as_str())), "{}", masked);
        for number in ["11010519491231002X", "6222020200112233446"] {
            let one = reply(&ctx, &draft(&format!("号码：{number}。"))).masked_text;
            prop_assert_eq!(one.chars().count(), "号码：。".chars().count() + number.len());
            prop_assert!(!one.contains(number));
        }
    }

    /// 9 and 10: an adverse ruling has a reason, and a message that offers a person; every message passes the reply check.
    #[test]
    fn invariants_09_and_10_rulings_are_explained_in_words_that_pass((ctx, case) in generate::case()) {
        let ruling = after_sale(&ctx, &case);
        prop_assert!(!ruling.notes.reasons.is_empty());
        let texts: Vec<String> =
            ruling.notes.messages.iter().map(|message| messages::render(message, "zh-CN").unwrap_or_else(|| panic!("{message:?}"))).collect();
        if denies(&ruling) {
            prop_assert!(texts.iter().any(|text| text.contains("人工复核")), "{:?}", texts);
        }
        for text in texts {
            let approved = ReplyCase { approved_refund: Some(ruling.refund), approved_compensation: ruling.refund, ..draft(&text) };
            let verdict = reply(&ctx, &approved).verdict;
            prop_assert!(matches!(verdict, Verdict::Pass | Verdict::PassWithWarnings), "{:?}: {}", verdict, text);
        }
    }

    /// 11: the tier never falls with longer overdue time, and within a tier the award does not.
    #[test]
    fn invariant_11_longer_is_never_a_lower_tier(index in any::<Index>(), hours in prop_oneof![3 => 0i64..80, 1 => 0i64..500], more in 1i64..100, paid in 0i64..200_000) {
        let (ctx, mut case) = of_delay(index);
        case.already.clear();
        for line in &mut case.lines {
            (line.paid, line.refunded) = (paid, 0);
        }
        case.episodes.truncate(1);
        for episode in case.episodes.iter_mut().filter(|episode| episode.kind == DelayKind::RefundProcessing) {
            (episode.refund_owed, episode.refund_paid) = (paid, 0);
        }
        let mut at = |hours: i64| {
            for episode in &mut case.episodes {
                // Notified in good time, and still not done: only the length differs.
                (episode.done, episode.due) = (None, ctx.now - hours * HOUR_MS);
                episode.basis_at = episode.basis_at.min(episode.due);
                episode.cause_began_at = episode.cause_began_at.map(|began| began.min(episode.due - HOUR_MS));
            }
            delay(&ctx, &case)
        };
        let (short, long) = (at(hours), at(hours + more));
        for (before, after) in short.awards.iter().zip(&long.awards) {
            prop_assert!(after.tier >= before.tier, "{:?} after {} h, {:?} after {} h", before.tier, hours, after.tier, hours + more);
            prop_assert!(after.tier != before.tier || after.value >= before.value, "{:?} {:?}", before, after);
        }
    }

    /// 12: nobody is blacklisted without three distinct people.
    #[test]
    fn invariant_12_no_execution_without_three_people(
        index in any::<Index>(),
        actors in prop::collection::vec((select(vec!["u1", "u2", "u3", "u4"]), prop_oneof![6 => Just(None), 1 => select(Role::ALL).prop_map(Some)]), 3),
        stage in prop_oneof![3 => Just(blacklist::Stage::HeadReviewed), 1 => select(blacklist::Stage::ALL)],
        left_out in prop::option::weighted(0.2, 0usize..3),
    ) {
        let (ctx, mut case) = of_blacklist(index);
        case.stage = stage;
        let chain = [
            (blacklist::Stage::Submitted, Role::Agent),
            (blacklist::Stage::SupervisorReviewed, Role::Supervisor),
            (blacklist::Stage::HeadReviewed, Role::DeptHead),
        ];
        case.steps = chain.iter().zip(&actors).map(|((stage, role), (actor, other))| blacklist::Step {
            stage: *stage, actor_id: (*actor).into(), role: other.unwrap_or(*role), verdict: blacklist::Verdict::Approve, at: ctx.now, note: String::new(),
        }).collect();
        case.submitter_id = case.steps[0].actor_id.clone();
        case.submitter_role = case.steps[0].role;
        if let Some(place) = left_out {
            case.steps.remove(place);
        }
        let Ruling::Blacklist(ruling) = ruled(&ctx, Case::Blacklist(case.clone())) else { unreachable!() };
        if matches!(ruling.outcome, blacklist::Outcome::Execute | blacklist::Outcome::ExecuteDeferred) {
            let mut people: Vec<&str> = case.steps.iter().map(|step| step.actor_id.as_str()).collect();
            people.sort_unstable();
            people.dedup();
            prop_assert_eq!(people.len(), 3);
            prop_assert!(case.steps.iter().all(|step| step.role != Role::SystemBot));
        }
    }

    /// 13: the guardrail upholds every ruling of the default policy.
    #[test]
    fn invariant_13_the_guardrail_upholds_the_default_policy((ctx, case) in generate::case()) {
        let case = Case::AfterSale(case);
        let ruling = ruled(&ctx, case.clone());
        prop_assert_eq!(reviewed(&ctx, &case, &ruling), Review::Uphold, "{:?}", ruling);
    }

    /// 13 and 14: whatever a merchant's policy says, a review never lowers a refund that is paid, and an amended ruling stands.
    #[test]
    fn invariants_13_and_14_a_review_only_gives(
        (ctx, case) in generate::case(),
        outcome in prop_oneof![
            2 => select(&[Outcome::Reject, Outcome::RejectWithAlternative, Outcome::ApproveReturnRefund, Outcome::RefundNow][..]),
            1 => select(Outcome::ALL),
        ],
        refund_bp in prop_oneof![Just(0i64), Just(10_000), 0i64..12_000],
    ) {
        let mut ruling = after_sale(&ctx, &case);
        ruling.outcome = outcome;
        ruling.refund = Bill::of(&case.order).total * refund_bp / 10_000;
        ruling.breakdown.clear();
        let (case, unfair) = (Case::AfterSale(case), Ruling::AfterSale(ruling.clone()));
        if let Review::Amend { ruling: amended, .. } = reviewed(&ctx, &case, &unfair) {
            prop_assert_eq!(reviewed(&ctx, &case, &amended), Review::Uphold, "{:?}", &amended);
            let Ruling::AfterSale(amended) = amended else { unreachable!() };
            let pays = matches!(
                outcome,
                Outcome::ApproveRefundOnly | Outcome::ApprovePartialRefund | Outcome::RefundNow | Outcome::ApproveReturnRefund | Outcome::InterceptThenRefund
            );
            prop_assert!(!pays || amended.refund >= ruling.refund, "{} became {}", ruling.refund, amended.refund);
        }
    }
}

/// 13 over the golden cases of every kind.
#[test]
fn the_guardrail_upholds_every_golden_case() {
    for (ctx, case) in golden_cases() {
        let ruling = ruled(ctx, case.clone());
        assert_eq!(reviewed(ctx, case, &ruling), Review::Uphold, "{case:?}\n{ruling:?}");
    }
}

/// 10 over the golden cases of every kind: each message, in both languages, is one that could be sent.
#[test]
fn every_message_of_a_golden_case_passes_the_reply_check() {
    for (ctx, case) in golden_cases() {
        let ruling = ruled(ctx, case.clone());
        let amounts = ombud_core::money::amounts(&ruling);
        for message in &ruling.notes().messages {
            let text = messages::render(message, "zh-CN").unwrap_or_else(|| panic!("{message:?}"));
            assert!(messages::render(message, "en").is_some(), "{message:?}");
            let approved = ReplyCase {
                approved_refund: Some(amounts.refund.max(amounts.cash)),
                approved_compensation: amounts.refund.max(amounts.goodwill()),
                ..draft(&text)
            };
            // Messages of the reply policy go to the agent and name what was found.
            if !matches!(case, Case::Reply(_)) {
                let verdict = reply(ctx, &approved).verdict;
                assert!(matches!(verdict, Verdict::Pass | Verdict::PassWithWarnings), "{verdict:?}: {text}");
            }
        }
    }
}
