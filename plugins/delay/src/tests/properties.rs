//! What holds for every case (domain golden.md 6.1, invariants 1, 2, 10 and 11; domain model 4.0).

use ombud_sdk::delay::{Cause, CompForm, DelayCase, DelayKind, DelayLine, DelayRuling, Episode, Granted, Outcome};
use ombud_sdk::reply::{Action, ReplyCase};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::rules::lexicon;
use ombud_sdk::{Attribute, Fen, Role, Surface, Tri};
use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::{case, context, decide, late, now};
use crate::settings::{DayMode, LadderApproval, ModerateForm, PlatformFloor, SlightForm};
use crate::{Settings, facts};

/// Around every limit of the ladder, and anywhere.
fn overdue() -> impl Strategy<Value = i64> {
    let limits = select(vec![0, 1, 24, 48, 72, 360]).prop_flat_map(|hours: i64| (hours * HOUR_MS - 2)..(hours * HOUR_MS + 3));
    prop_oneof![limits, -DAY_MS..20 * DAY_MS]
}

/// Any amount within the contract's bounds, small ones more often.
fn amount() -> impl Strategy<Value = Fen> {
    prop_oneof![Just(0), 0..100_000_i64, 0..=1_000_000_000_000_i64]
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(vec!["L1".to_owned(), "L2".to_owned(), "L3".to_owned()], 0..=3)
}

prop_compose! {
    fn episode()(
        kind in select(DelayKind::ALL), overdue in overdue(), done in any::<bool>(), marked in any::<bool>(), cause in select(Cause::ALL),
        cause_proven in select(Tri::ALL), began in proptest::option::of(-DAY_MS..DAY_MS), notified in any::<bool>(), line_ids in lines(),
        refund_owed in amount(), refund_paid in amount(),
    ) -> Episode {
        let plain = late(kind, overdue);
        Episode {
            done: done.then_some(now()),
            merchant_marked_done: marked.then_some(plain.due),
            cause, cause_proven,
            cause_began_at: began.map(|offset| plain.due + offset),
            cause_notified_at: notified.then_some(plain.due),
            line_ids, refund_owed, refund_paid,
            ..plain
        }
    }
}

prop_compose! {
    fn any_case()(
        paid in proptest::collection::vec((amount(), amount()), 3), episodes in proptest::collection::vec(episode(), 0..5),
        already in proptest::collection::vec((0..6_usize, select(CompForm::ALL), 0..20_000_i64, any::<bool>()), 0..4),
        extortion_flag in select(Tri::ALL),
    ) -> DelayCase {
        let episodes: Vec<Episode> =
            episodes.into_iter().enumerate().map(|(index, episode)| Episode { episode_id: format!("e{index}"), ..episode }).collect();
        let line = |(index, (paid, refunded)): (usize, (Fen, Fen))| DelayLine { line_id: format!("L{}", index + 1), paid, refunded };
        DelayCase {
            lines: paid.into_iter().enumerate().map(line).collect(),
            already: already.into_iter().map(|(index, form, value, by_platform)| Granted { episode_id: format!("e{index}"), form, value, by_platform }).collect(),
            extortion_flag,
            ..case(episodes)
        }
    }
}

prop_compose! {
    fn any_settings()(
        inclusive in any::<bool>(), civil in any::<bool>(), gifts in any::<bool>(), approve in any::<bool>(), net in any::<bool>(),
        grace in 0..=24_u32, auto_max in 0..=50_000_i64, approval in 0..3, floor in any::<bool>(),
    ) -> Settings {
        Settings {
            ship_upper_tier_inclusive: inclusive,
            day_mode: if civil { DayMode::CivilDays } else { DayMode::Elapsed },
            ship_slight_form: if gifts { SlightForm::SampleGift } else { SlightForm::Coupon },
            ship_moderate_form: if gifts { ModerateForm::SampleGift } else { ModerateForm::CashRefund },
            approve_over_base: approve,
            net_platform_paid: net,
            refund_grace_hours: grace,
            auto_max,
            ladder_approval: [LadderApproval::None, LadderApproval::Supervisor, LadderApproval::DeptHead][approval as usize],
            platform_floor: floor.then_some(PlatformFloor { bp: 500, min: 300, max: 5_000, trigger_hours: 36 }),
            ..Settings::default()
        }
    }
}

/// A draft as an agent would send it in private chat.
fn reply(text: String) -> ReplyCase {
    ReplyCase {
        reply_id: "r1".into(),
        text,
        author_role: Role::Agent,
        ai_labelled: false,
        surface: Surface::PrivateChat,
        official_contact_allowed: false,
        product: None,
        known_ids: Vec::new(),
        case_reason: None,
        eta: None,
        approved_compensation: 0,
        approved_refund: None,
        attributes: Vec::new(),
    }
}

fn goodwill(ruling: &DelayRuling) -> Fen {
    ruling.total_cash + ruling.total_coupon
}

fn sound(facts: &DelayCase, ruling: &DelayRuling) -> Result<(), TestCaseError> {
    prop_assert!(ruling.total_cash >= 0 && ruling.total_coupon >= 0 && ruling.total_refund_due >= 0);
    prop_assert!(ruling.awards.iter().all(|award| award.value >= 0 && award.refund_due >= 0));
    let by_form =
        |cash: bool| ruling.awards.iter().filter(move |award| matches!(award.form, CompForm::CashRefund | CompForm::Solatium) == cash);
    prop_assert_eq!(by_form(true).map(|award| award.value).sum::<Fen>(), ruling.total_cash);
    prop_assert_eq!(by_form(false).map(|award| award.value).sum::<Fen>(), ruling.total_coupon);
    let mut order: Vec<&str> = ruling.processing_order.iter().map(String::as_str).collect();
    let mut episodes: Vec<&str> = facts.episodes.iter().map(|episode| episode.episode_id.as_str()).collect();
    order.sort();
    episodes.sort();
    prop_assert_eq!(order, episodes);
    prop_assert_eq!(ruling.notes.reasons.is_empty(), facts.episodes.is_empty() && facts.extortion_flag != Tri::Yes);
    prop_assert!(ruling.notes.approvals.len() <= 1);
    if ruling.outcome == Outcome::Compensate {
        prop_assert!(ruling.notes.approvals.is_empty() && (goodwill(ruling) > 0 || ruling.total_refund_due > 0));
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_ruling_is_sound_and_the_same_each_time(settings in any_settings(), facts in any_case()) {
        let ruling = decide(&settings, &facts);
        sound(&facts, &ruling)?;
        prop_assert_eq!(&ruling, &decide(&settings, &facts));
        prop_assert!(facts::check(&facts).is_ok());
    }

    #[test]
    fn nothing_about_the_customer_changes_a_ruling(facts in any_case(), demanded in proptest::option::of(0..1_000_000_i64)) {
        let plain = decide(&Settings::default(), &facts);
        let attribute = |key: &str, value: &str| Attribute { key: key.to_owned(), value: value.to_owned() };
        let vip = DelayCase {
            demanded,
            attributes: vec![attribute("tier", "vip"), attribute("measure", "blacklisted"), attribute("value", "high")],
            ..facts
        };
        prop_assert_eq!(plain, decide(&Settings::default(), &vip));
    }

    #[test]
    fn an_unanswered_demand_of_an_extortioner_leaves_the_money(facts in any_case()) {
        let calm = decide(&Settings::default(), &DelayCase { extortion_flag: Tri::No, ..facts.clone() });
        let threatened = decide(&Settings::default(), &DelayCase { extortion_flag: Tri::Yes, ..facts });
        prop_assert_eq!((&calm.awards, calm.total_refund_due), (&threatened.awards, threatened.total_refund_due));
        prop_assert_eq!(threatened.outcome, Outcome::Escalate);
    }

    #[test]
    fn the_tier_never_falls_with_time_nor_the_award_within_it(
        settings in any_settings(), one in episode(), paid in amount(), earlier in overdue(), later in overdue(),
    ) {
        let (earlier, later) = (earlier.min(later), earlier.max(later));
        let at = |overdue: i64| {
            let due = now() - overdue;
            let shift = due - one.due;
            let moved = Episode {
                episode_id: "e1".into(), due, line_ids: vec!["L1".into()], cause_began_at: one.cause_began_at.map(|began| began + shift), ..one.clone()
            };
            let mut facts = case(vec![moved]);
            facts.lines[0].paid = paid;
            let ruling = decide(&settings, &facts);
            (ruling.awards.iter().map(|award| award.tier).max(), goodwill(&ruling))
        };
        let ((before, paid_before), (after, paid_after)) = (at(earlier), at(later));
        prop_assert!(before <= after, "{before:?} then {after:?}");
        if before == after {
            prop_assert!(paid_before <= paid_after, "{paid_before} then {paid_after}");
        }
    }

    #[test]
    fn what_was_granted_is_never_taken_back_nor_paid_again(facts in any_case()) {
        let without = decide(&Settings::default(), &DelayCase { already: Vec::new(), ..facts.clone() });
        let with = decide(&Settings::default(), &facts);
        prop_assert!(goodwill(&with) <= goodwill(&without));
        let known = |granted: &&Granted| facts.episodes.iter().any(|episode| episode.episode_id == granted.episode_id);
        let earlier: Fen = facts.already.iter().filter(known).map(|granted| granted.value).sum();
        prop_assert!(goodwill(&with) + earlier >= goodwill(&without));
    }

    #[test]
    fn every_message_has_a_text_and_passes_the_reply_check(facts in any_case()) {
        let ruling = decide(&Settings::default(), &facts);
        for message in &ruling.notes.messages {
            let text = ombud_core::messages::render(message, &message.locale);
            prop_assert!(text.is_some(), "{}: no text", message.key);
            let mut reply = reply(text.unwrap_or_default());
            reply.approved_compensation = goodwill(&ruling);
            reply.approved_refund = Some(ruling.total_refund_due);
            let report = lexicon::check(&reply, &context(), &lexicon::Terms::default());
            let found: Vec<_> = report.findings.iter().filter(|finding| finding.action != Action::None).map(|finding| finding.start).collect();
            prop_assert!(found.is_empty(), "{}: findings at {found:?}", reply.text);
        }
    }

    #[test]
    fn nonsense_does_not_trap(
        settings in any_settings(), amounts in proptest::collection::vec(any::<i64>(), 12), kind in select(DelayKind::ALL), cause in select(Cause::ALL),
    ) {
        let mut facts = case(vec![late(kind, HOUR_MS), late(kind, 100 * HOUR_MS), late(DelayKind::Shipping, 200 * HOUR_MS)]);
        for (episode, values) in facts.episodes.iter_mut().zip(amounts.chunks(4)) {
            episode.cause = cause;
            (episode.due, episode.done) = (values[0], (values[1] > 0).then_some(values[1]));
            (episode.refund_owed, episode.refund_paid) = (values[2], values[3]);
            episode.line_ids = vec!["L1".into(), "L1".into(), "nowhere".into()];
        }
        (facts.lines[0].paid, facts.lines[0].refunded) = (amounts[0], amounts[1]);
        facts.lines.push(DelayLine { line_id: "L1".into(), paid: amounts[2], refunded: amounts[3] });
        facts.already = vec![Granted { episode_id: "e1".into(), form: CompForm::Coupon, value: amounts[4], by_platform: amounts[5] > 0 }];
        decide(&settings, &facts);
    }
}
