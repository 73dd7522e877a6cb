//! Rows and conditions that the golden cases do not reach: mostly combinations.

use ombud_sdk::delay::{Cause, CompForm, DelayKind, DelayLine, Episode, Outcome, Tier};
use ombud_sdk::rules::civil::HOUR_MS;
use ombud_sdk::{DelayPolicy, ErrorCode, Tri};

use super::fixture::{actions, case, context, decide, granted, late, now, rules};
use crate::{Delay, Settings};

fn episode(id: &str, lines: &[&str], one: Episode) -> Episode {
    Episode { episode_id: id.into(), line_ids: lines.iter().map(|line| (*line).to_owned()).collect(), ..one }
}

#[test]
fn an_excuse_without_proof_refuses_nobody() {
    let blamed = Episode { cause: Cause::Buyer, ..late(DelayKind::Shipping, 40 * HOUR_MS) };
    let ruling = decide(&Settings::default(), &case(vec![blamed.clone()]));
    assert_eq!((ruling.outcome, ruling.total_coupon), (Outcome::HumanReview, 0));
    assert_eq!(rules(&ruling), ["DC-002"]);

    // Where nothing is at stake, nobody need look.
    let shortly = Episode { cause: Cause::AgreedExtension, ..late(DelayKind::Shipping, 5 * HOUR_MS) };
    assert_eq!(decide(&Settings::default(), &case(vec![shortly])).outcome, Outcome::None);
    let proven = Episode { cause_proven: Tri::Yes, ..blamed };
    assert_eq!(decide(&Settings::default(), &case(vec![proven])).outcome, Outcome::None);
}

#[test]
fn force_majeure_excuses_only_what_was_notified_and_came_in_time() {
    let struck = Episode {
        cause: Cause::ForceMajeure,
        cause_proven: Tri::Yes,
        cause_began_at: Some(now() - 100 * HOUR_MS),
        cause_notified_at: Some(now() - 99 * HOUR_MS),
        ..late(DelayKind::Shipping, 100 * HOUR_MS)
    };
    assert_eq!(rules(&decide(&Settings::default(), &case(vec![struck.clone()]))), ["DC-003"], "it began at the due time itself");
    let ways_out = [
        Episode { cause_began_at: Some(struck.due + 1), ..struck.clone() },
        Episode { cause_began_at: None, ..struck.clone() },
        Episode { cause_notified_at: None, ..struck.clone() },
        Episode { cause_proven: Tri::No, ..struck.clone() },
    ];
    for refused in ways_out {
        assert_eq!(rules(&decide(&Settings::default(), &case(vec![refused]))), ["DC-012"]);
    }
}

#[test]
fn a_refund_owed_is_paid_whatever_excuses_its_delay() {
    for (cause, proven, outcome) in [
        (Cause::Buyer, Tri::Yes, Outcome::Compensate),
        (Cause::Buyer, Tri::Unknown, Outcome::HumanReview),
        (Cause::PaymentChannel, Tri::Unknown, Outcome::Compensate),
        (Cause::ForceMajeure, Tri::Unknown, Outcome::HumanReview),
    ] {
        let refund = Episode { cause, cause_proven: proven, refund_paid: 5_000, ..late(DelayKind::RefundProcessing, HOUR_MS) };
        let ruling = decide(&Settings::default(), &case(vec![refund]));
        assert_eq!((ruling.outcome, ruling.total_refund_due, ruling.total_cash), (outcome, 15_000, 0), "{cause}");
        assert!(actions(&ruling).contains(&"refund-now"), "{cause}");
    }
    let overpaid = Episode { refund_paid: 30_000, ..late(DelayKind::RefundProcessing, HOUR_MS) };
    assert_eq!(decide(&Settings::default(), &case(vec![overpaid])).total_refund_due, 0);
    let in_time = late(DelayKind::RefundProcessing, 0);
    assert_eq!(decide(&Settings::default(), &case(vec![in_time])).total_refund_due, 0);
}

#[test]
fn a_covered_line_is_not_compensated_twice_and_the_rest_is() {
    let mut facts = case(vec![
        episode("ship", &["L1", "L2"], late(DelayKind::Shipping, 100 * HOUR_MS)),
        episode("refund", &["L1"], late(DelayKind::RefundProcessing, HOUR_MS)),
    ]);
    facts.lines.push(DelayLine { line_id: "L2".into(), paid: 10_000, refunded: 0 });
    let ruling = decide(&Settings::default(), &facts);
    // ¥50 for the refund of L1; 10 % of L2 alone for the shipping.
    assert_eq!((ruling.total_cash, ruling.total_refund_due), (6_000, 20_000));
    assert_eq!(ruling.processing_order, ["refund", "ship"]);

    facts.episodes.iter_mut().for_each(|episode| episode.line_ids = vec!["L1".into()]);
    let ruling = decide(&Settings::default(), &facts);
    assert_eq!(ruling.total_cash, 5_000);
    let suppressed = ruling.awards.iter().find(|award| award.episode_id == "ship").expect("an entry");
    assert_eq!((suppressed.suppressed_by.as_deref(), suppressed.value, suppressed.tier), (Some("refund"), 0, Tier::None));
    assert_eq!(rules(&ruling), ["DC-020", "DC-050"]);
}

#[test]
fn an_excused_delay_of_higher_rank_covers_nothing() {
    let facts = case(vec![
        episode("refund", &["L1"], Episode { cause: Cause::Buyer, cause_proven: Tri::Yes, ..late(DelayKind::RefundProcessing, HOUR_MS) }),
        episode("ship", &["L1"], late(DelayKind::Shipping, 100 * HOUR_MS)),
    ]);
    assert_eq!(decide(&Settings::default(), &facts).total_cash, 2_000);
}

#[test]
fn a_grant_counts_once_even_for_two_awards() {
    let mut facts = case(vec![
        episode("both", &["L1", "L2"], late(DelayKind::InTransit, HOUR_MS)),
        episode("one", &["L1"], late(DelayKind::Shipping, 100 * HOUR_MS)),
        episode("two", &["L2"], late(DelayKind::Shipping, 100 * HOUR_MS)),
    ]);
    facts.lines.push(DelayLine { line_id: "L2".into(), paid: 10_000, refunded: 0 });
    facts.already = vec![granted("both", CompForm::Coupon, 2_500, false), granted("elsewhere", CompForm::Coupon, 9_999, false)];
    // 2000 + 1000, less 2500 once; a grant on an episode of other lines counts nothing.
    assert_eq!(decide(&Settings::default(), &facts).total_cash, 500);
}

#[test]
fn netting_takes_cash_first_and_then_the_coupon() {
    let mut facts = case(vec![late(DelayKind::Shipping, 30 * HOUR_MS)]);
    facts.already = vec![granted("e1", CompForm::CashRefund, 1_000, true), granted("e1", CompForm::SampleGift, 500, false)];
    let ruling = decide(&Settings::default(), &facts);
    assert_eq!((ruling.outcome, ruling.total_coupon), (Outcome::Compensate, 1_500));
    assert_eq!(rules(&ruling), ["DC-011", "DC-060", "DC-061"]);
}

#[test]
fn only_unshipped_goods_of_four_days_open_the_way_out() {
    let offered = |episodes| actions(&decide(&Settings::default(), &case(episodes))).contains(&"offer-cancel-full-refund");
    let unproven = Episode { cause: Cause::ForceMajeure, ..late(DelayKind::Shipping, 73 * HOUR_MS) };
    assert!(offered(vec![unproven]), "whatever the ruling waits for");
    assert!(!offered(vec![late(DelayKind::Shipping, 72 * HOUR_MS)]));
    let exchange_first = vec![
        episode("x", &["L1"], late(DelayKind::Exchange, 73 * HOUR_MS)),
        episode("s", &["L1"], late(DelayKind::Shipping, 73 * HOUR_MS)),
    ];
    assert!(offered(exchange_first), "a suppressed award does not take it away");
    let refund_under_way = vec![
        episode("r", &["L1"], late(DelayKind::RefundProcessing, HOUR_MS)),
        episode("s", &["L1"], late(DelayKind::Shipping, 73 * HOUR_MS)),
    ];
    assert!(!offered(refund_under_way));
}

#[test]
fn messages_carry_what_their_templates_need() {
    let told = |episode: Episode| {
        let message = decide(&Settings::default(), &case(vec![episode])).notes.messages.into_iter().next().expect("a message");
        let args: Vec<String> = message.args.iter().map(|arg| format!("{}={}", arg.key, arg.value)).collect();
        (message.key, args.join(" "))
    };
    let is = |key: &str, args: &str| (key.to_owned(), args.to_owned());
    assert_eq!(told(late(DelayKind::Shipping, 30 * HOUR_MS)), is("dc.ship.slight", "amount=30.00"));
    assert_eq!(told(late(DelayKind::Shipping, 90 * HOUR_MS)), is("dc.ship.moderate", "amount=20.00"));
    assert_eq!(told(late(DelayKind::RefundProcessing, HOUR_MS)), is("dc.refund.severe", "refund=200.00 amount=50.00"));
    assert_eq!(told(late(DelayKind::Exchange, 30 * HOUR_MS)), is("dc.exchange", ""));
    assert_eq!(told(late(DelayKind::Repair, 90 * HOUR_MS)), is("dc.repair", ""));
    assert_eq!(told(late(DelayKind::Shipping, HOUR_MS)), is("dc.care", "status=待发货 eta=24小时内更新进度"));
    assert_eq!(told(late(DelayKind::InTransit, HOUR_MS)).0, "dc.care");
    let paid_late = Episode { refund_paid: 20_000, ..late(DelayKind::RefundProcessing, HOUR_MS) };
    assert_eq!(told(paid_late).0, "dc.care", "nothing is paid out any more, so the template would name a refund of nothing");
}

#[test]
fn a_case_that_does_not_fit_together_is_the_callers_error() {
    let broken = |change: fn(&mut ombud_sdk::delay::DelayCase)| {
        let mut facts = case(vec![late(DelayKind::Shipping, 30 * HOUR_MS)]);
        facts.already.push(granted("e1", CompForm::Coupon, 1, false));
        change(&mut facts);
        Delay::decide(&Settings::default(), &context(), &facts).map_err(|error| (error.code, error.path)).err()
    };
    let bad = |path: &str| Some((ErrorCode::BadFacts, path.to_owned()));
    assert_eq!(broken(|_| {}), None);
    assert_eq!(broken(|facts| facts.episodes[0].line_ids.push("L9".into())), bad("episodes[0].line-ids"));
    assert_eq!(broken(|facts| facts.lines[0].paid = -1), bad("lines[0].paid"));
    assert_eq!(broken(|facts| facts.episodes[0].refund_owed = -1), bad("episodes[0].refund-owed"));
    assert_eq!(broken(|facts| facts.already[0].value = -1), bad("already[0].value"));
    assert_eq!(broken(|facts| facts.episodes.push(facts.episodes[0].clone())), bad("episodes[1].episode-id"));
    assert_eq!(broken(|facts| facts.lines.push(facts.lines[0].clone())), bad("lines[1].line-id"));
}

#[test]
fn rules_that_no_source_has_cite_the_default_policy() {
    use crate::words::*;
    let own = [&DC_002, &DC_010, &DC_021, &DC_022, &DC_030, &DC_031, &DC_040, &DC_041, &DC_060, &DC_061, &DC_062, &DC_082];
    for rule in own {
        assert_eq!(rule.sources, [("默认延误补偿政策", rule.id)]);
    }
}
