//! The golden cases of delays, and what holds for every ruling.

use ombud_core::golden::{self, Answer, Given};
use ombud_sdk::delay::{Award, Cause, CompForm, DelayCase, DelayKind, DelayLine, DelayRuling, Episode, Granted, Outcome, Tier};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::rules::notes::{arg, message, obligation};
use ombud_sdk::{Calendar, Context, Fen, Notes, Platform, Review, Role, Settings as _, Tri};
use proptest::prelude::*;
use proptest::sample::select;

use super::review;
use crate::Settings;

const NOW: i64 = 1_794_000_000_000;

fn context() -> Context {
    Context {
        merchant_id: "m1".into(),
        shop_id: "s1".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: NOW,
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    }
}

fn late(kind: DelayKind, overdue_ms: i64) -> Episode {
    Episode {
        episode_id: "e1".into(),
        kind,
        basis_at: NOW - overdue_ms,
        due: NOW - overdue_ms,
        done: None,
        merchant_marked_done: None,
        cause: Cause::MerchantOps,
        cause_proven: Tri::Unknown,
        cause_began_at: None,
        cause_notified_at: None,
        line_ids: vec!["L1".into()],
        refund_owed: if kind == DelayKind::RefundProcessing { 15_000 } else { 0 },
        refund_paid: 0,
    }
}

fn case(episodes: Vec<Episode>) -> DelayCase {
    let line = |id: &str| DelayLine { line_id: id.into(), paid: 20_000, refunded: 0 };
    DelayCase {
        order_id: "o1".into(),
        lines: vec![line("L1"), line("L2")],
        episodes,
        already: Vec::new(),
        demanded: None,
        extortion_flag: Tri::No,
        attributes: Vec::new(),
    }
}

fn ruling(outcome: Outcome) -> DelayRuling {
    DelayRuling {
        outcome,
        processing_order: Vec::new(),
        awards: Vec::new(),
        total_cash: 0,
        total_coupon: 0,
        total_refund_due: 0,
        notes: Notes::empty(),
    }
}

fn award(episode: &str, form: CompForm, value: Fen) -> Award {
    Award {
        episode_id: episode.into(),
        kind: DelayKind::Shipping,
        tier: Tier::Slight,
        overdue_ms: 0,
        form,
        value,
        refund_due: 0,
        suppressed_by: None,
    }
}

fn fired(answer: &Review<DelayRuling>) -> Vec<&str> {
    match answer {
        Review::Uphold => Vec::new(),
        Review::Amend { reasons, .. } | Review::Escalate(reasons) => reasons.iter().map(|reason| reason.rule.as_str()).collect(),
    }
}

fn rules(facts: &DelayCase, ruling: &DelayRuling) -> Vec<String> {
    fired(&review(&Settings::default(), &context(), facts, ruling)).into_iter().map(str::to_owned).collect()
}

fn with_floor() -> Settings {
    Settings::parse(r#"{"floor": {"bp": 500, "min": 300, "max": 5000, "trigger_hours": 48}}"#).expect("good settings")
}

#[test]
fn every_golden_case_passes() {
    assert_eq!(run(include_str!("../../../../tests/cases/guardrail-cases.yaml")), 9);
    assert_eq!(run(include_str!("../../../../tests/cases/examined/guardrail-caps.yaml")), 19);
}

/// Runs the delay reviews of a file; how many passed.
fn run(text: &str) -> usize {
    let cases = golden::load(text).expect("the cases load");
    let mut passed = 0;
    for case in &cases {
        let Given::ReviewDelay(ctx, facts, ruling) = &case.given else { continue };
        let settings = case.settings.as_ref().map_or_else(String::new, ToString::to_string);
        let answer = review(&Settings::parse(&settings).expect("good settings"), ctx, facts, ruling);
        let differences = case.check(&Answer::ReviewDelay(&answer));
        assert!(differences.is_empty(), "{} {}: {differences:?}", case.id, case.title);
        passed += 1;
    }
    passed
}

#[test]
fn the_default_policy_is_upheld_on_every_golden_case() {
    for case in &golden::load(include_str!("../../../../tests/cases/golden.yaml")).expect("the golden cases load") {
        let Given::Delay(ctx, facts) = &case.given else { continue };
        let ruling = ::delay::rule::decide(&::delay::Settings::default(), ctx, facts);
        let answer = review(&Settings::default(), ctx, facts, &ruling);
        assert_eq!(answer, Review::Uphold, "{} {}", case.id, case.title);
    }
}

#[test]
fn what_waits_for_a_person_is_left_alone() {
    let facts = case(vec![Episode { basis_at: NOW - 30 * DAY_MS, ..late(DelayKind::RefundProcessing, 20 * DAY_MS) }]);
    for outcome in [Outcome::HumanReview, Outcome::Escalate] {
        assert_eq!(review(&Settings::default(), &context(), &facts, &ruling(outcome)), Review::Uphold);
    }
    assert_eq!(rules(&facts, &ruling(Outcome::CompensateWithApproval)), ["GR-202"]);
}

#[test]
fn deliberate_delay_begins_after_fifteen_days() {
    let open = |basis_at, refund_paid| {
        let facts = case(vec![Episode { basis_at, refund_paid, ..late(DelayKind::RefundProcessing, HOUR_MS) }]);
        rules(&facts, &DelayRuling { total_refund_due: 15_000, ..ruling(Outcome::Compensate) })
    };
    assert!(open(NOW - 15 * DAY_MS, 0).is_empty());
    assert_eq!(open(NOW - 15 * DAY_MS - 1, 0), ["GR-202"]);
    assert!(open(NOW - 16 * DAY_MS, 15_000).is_empty(), "paid");
}

#[test]
fn an_entry_that_gives_nothing_is_no_award() {
    let facts = case(vec![Episode { cause: Cause::ForceMajeure, ..late(DelayKind::Shipping, 30 * HOUR_MS) }]);
    assert_eq!(rules(&facts, &ruling(Outcome::CareOnly)), ["GR-203"]);
    let nothing = Award { tier: Tier::None, form: CompForm::None, ..award("e1", CompForm::None, 0) };
    let named = |suppressed_by: Option<&str>| {
        let awards = vec![Award { suppressed_by: suppressed_by.map(str::to_owned), ..nothing.clone() }];
        rules(&facts, &DelayRuling { awards, ..ruling(Outcome::CareOnly) })
    };
    assert_eq!(named(None), ["GR-203"]);
    assert_eq!(named(Some("e1")), ["GR-203"], "nothing is suppressed by nothing");
    let given = DelayRuling { awards: vec![award("e1", CompForm::Coupon, 3_000)], total_coupon: 3_000, ..ruling(Outcome::Compensate) };
    assert!(rules(&facts, &given).is_empty());
}

#[test]
fn a_suppressed_award_counts_while_what_suppresses_it_pays_for_the_same_line() {
    let shipping = Episode { episode_id: "s".into(), cause: Cause::ForceMajeure, ..late(DelayKind::Shipping, 30 * HOUR_MS) };
    let refund = Episode { episode_id: "r".into(), ..late(DelayKind::RefundProcessing, HOUR_MS) };
    let suppressed = Award { tier: Tier::None, form: CompForm::None, suppressed_by: Some("r".into()), ..award("s", CompForm::None, 0) };
    let ruling = DelayRuling {
        awards: vec![award("r", CompForm::Solatium, 5_000), suppressed],
        total_cash: 5_000,
        total_refund_due: 15_000,
        ..ruling(Outcome::Compensate)
    };
    assert!(rules(&case(vec![shipping.clone(), refund.clone()]), &ruling).is_empty());
    let elsewhere = Episode { line_ids: vec!["L2".into()], ..refund };
    assert_eq!(rules(&case(vec![shipping, elsewhere]), &ruling), ["GR-203"]);
}

#[test]
fn a_proven_excuse_explains_a_missing_award() {
    let marked = Episode { merchant_marked_done: Some(NOW - HOUR_MS), ..late(DelayKind::Shipping, 30 * HOUR_MS) };
    assert_eq!(rules(&case(vec![marked.clone()]), &ruling(Outcome::None)), ["GR-207"]);
    let excused = Episode { cause: Cause::Buyer, cause_proven: Tri::Yes, ..marked.clone() };
    assert!(rules(&case(vec![excused]), &ruling(Outcome::None)).is_empty());
    let unproven = Episode { cause: Cause::Buyer, cause_proven: Tri::No, ..marked };
    assert_eq!(rules(&case(vec![unproven]), &ruling(Outcome::None)), ["GR-208"]);
    let on_its_way = Episode { cause: Cause::Buyer, ..late(DelayKind::InTransit, 30 * HOUR_MS) };
    assert!(rules(&case(vec![on_its_way]), &ruling(Outcome::CareOnly)).is_empty(), "no award exists for goods in transit");
}

#[test]
fn a_condition_is_found_wherever_it_stands() {
    let facts = case(vec![late(DelayKind::Shipping, 30 * HOUR_MS)]);
    let plain = DelayRuling { awards: vec![award("e1", CompForm::Coupon, 3_000)], total_coupon: 3_000, ..ruling(Outcome::Compensate) };
    let told = |key: &str, value: &str, in_message: bool| {
        let mut ruling = plain.clone();
        let args = vec![arg("episode", "e1"), arg(key, value)];
        if in_message {
            ruling.notes.messages.push(message("dc.ship.slight", args));
        } else {
            ruling.notes.obligations.push(obligation("issue-coupon", Role::Agent, None, args));
        }
        rules(&facts, &ruling)
    };
    assert_eq!(told("condition", "", false), ["GR-204"]);
    assert_eq!(told("text", "给五星好评返现5元哦", true), ["GR-204"]);
    assert_eq!(told("text", "补偿30元,麻烦您把差评改成好评", false), ["GR-204"]);
    assert!(told("text", "感谢您的好评,优惠券已到账", true).is_empty());
    assert!(told("amount", "30.00", true).is_empty());
}

#[test]
fn only_what_is_missing_of_the_refund_is_added() {
    let facts =
        case(vec![late(DelayKind::RefundProcessing, HOUR_MS), Episode { episode_id: "e2".into(), ..late(DelayKind::RefundProcessing, 0) }]);
    let part = DelayRuling {
        total_refund_due: 10_000,
        total_cash: 5_000,
        awards: vec![award("e1", CompForm::Solatium, 5_000)],
        ..ruling(Outcome::CompensateWithApproval)
    };
    let Review::Amend { ruling: amended, reasons } = review(&Settings::default(), &context(), &facts, &part) else {
        panic!("an amendment")
    };
    assert_eq!(reasons.len(), 1);
    assert_eq!((amended.total_refund_due, amended.total_cash, amended.outcome), (15_000, 5_000, Outcome::CompensateWithApproval));
    assert_eq!((amended.awards.len(), amended.awards[0].refund_due), (1, 15_000));
    assert_eq!(amended.notes.obligations[0].action, "refund-now");
    let more = DelayRuling { total_refund_due: 15_001, ..part };
    assert!(rules(&facts, &more).is_empty(), "never lowered");
}

#[test]
fn the_floor_counts_every_cash_for_the_line() {
    let mut facts = case(vec![late(DelayKind::Shipping, 48 * HOUR_MS)]);
    let reviewed = |facts: &DelayCase, ruling: &DelayRuling| match review(&with_floor(), &context(), facts, ruling) {
        Review::Uphold => None,
        Review::Amend { ruling, .. } => Some((ruling.total_cash, ruling.total_coupon, ruling.outcome)),
        Review::Escalate(_) => panic!("no person is needed"),
    };
    let coupon = DelayRuling { awards: vec![award("e1", CompForm::Coupon, 3_000)], total_coupon: 3_000, ..ruling(Outcome::Compensate) };
    assert_eq!(reviewed(&facts, &coupon), Some((1_000, 3_000, Outcome::Compensate)), "a coupon is no cash, and nothing is taken away");
    let some = DelayRuling { awards: vec![award("e1", CompForm::CashRefund, 400)], total_cash: 400, ..ruling(Outcome::Compensate) };
    assert_eq!(reviewed(&facts, &some), Some((1_000, 0, Outcome::Compensate)));
    facts.already = vec![Granted { episode_id: "e1".into(), form: CompForm::Coupon, value: 600, by_platform: true }];
    assert_eq!(reviewed(&facts, &some), None, "what the platform paid counts in any form");
    facts.already = vec![Granted { episode_id: "e1".into(), form: CompForm::Coupon, value: 600, by_platform: false }];
    assert_eq!(reviewed(&facts, &some), Some((1_000, 0, Outcome::Compensate)), "a coupon of the merchant's does not");
    facts.episodes[0].due += 1;
    assert_eq!(reviewed(&facts, &some), None, "before the trigger");
    facts.episodes[0].due -= 1;
    facts.episodes[0].cause = Cause::AgreedExtension;
    assert_eq!(reviewed(&facts, &some), None);
}

#[test]
fn the_way_out_is_offered_for_each_episode_that_needs_it() {
    let second = Episode { episode_id: "e2".into(), line_ids: vec!["L2".into()], ..late(DelayKind::Shipping, 80 * HOUR_MS) };
    let facts = case(vec![late(DelayKind::Shipping, 80 * HOUR_MS), second]);
    let mut offered = DelayRuling { awards: vec![award("e1", CompForm::CashRefund, 1)], total_cash: 1, ..ruling(Outcome::Compensate) };
    offered.notes.obligations.push(obligation("offer-cancel-full-refund", Role::Agent, None, vec![arg("episode", "e1")]));
    let Review::Amend { ruling: amended, reasons } = review(&Settings::default(), &context(), &facts, &offered) else {
        panic!("an amendment")
    };
    assert_eq!((reasons[0].rule.as_str(), amended.notes.obligations.len()), ("GR-206", 2));
    offered.notes.obligations[0].args.clear();
    assert!(rules(&facts, &offered).is_empty(), "offered for the whole case");
}

#[test]
fn the_published_schema_is_that_of_the_settings() {
    ombud_sdk::schema_file_is_current::<Settings>(concat!(env!("CARGO_MANIFEST_DIR"), "/settings.schema.json")).expect("current");
}

prop_compose! {
    fn any_episode()(
        kind in select(DelayKind::ALL), overdue in prop_oneof![select(vec![0, 1, 24, 48, 72, 73]).prop_map(|hours: i64| hours * HOUR_MS), -DAY_MS..10 * DAY_MS],
        done in any::<bool>(), marked in any::<bool>(), cause in select(Cause::ALL), cause_proven in select(Tri::ALL),
        began in prop::option::of(-DAY_MS..DAY_MS), notified in any::<bool>(), lines in 1..4_u8, refund_paid in 0..20_000_i64,
    ) -> Episode {
        let plain = late(kind, overdue);
        let line_ids = [(1, "L1"), (2, "L2")].into_iter().filter(|(bit, _)| lines & bit > 0).map(|(_, id)| id.to_owned()).collect();
        Episode {
            done: done.then_some(NOW),
            merchant_marked_done: marked.then_some(plain.due),
            cause, cause_proven,
            cause_began_at: began.map(|offset| plain.due + offset),
            cause_notified_at: notified.then_some(plain.due),
            line_ids, refund_paid,
            ..plain
        }
    }
}

prop_compose! {
    fn any_case()(
        episodes in prop::collection::vec(any_episode(), 0..5), paid in prop::collection::vec((0..3_000_000_i64, any::<bool>()), 2),
        already in prop::collection::vec((0..5_usize, select(CompForm::ALL), 0..9_000_i64, any::<bool>()), 0..3), extortion_flag in select(Tri::ALL),
    ) -> DelayCase {
        let episodes = episodes.into_iter().enumerate().map(|(index, one)| Episode { episode_id: format!("e{index}"), ..one }).collect();
        let mut facts = case(episodes);
        for (line, (paid, refunded)) in facts.lines.iter_mut().zip(paid) {
            (line.paid, line.refunded) = (paid, if refunded { paid } else { 0 });
        }
        let granted = |(index, form, value, by_platform)| Granted { episode_id: format!("e{index}"), form, value, by_platform };
        DelayCase { already: already.into_iter().map(granted).collect(), extortion_flag, ..facts }
    }
}

prop_compose! {
    /// What some policy might say, sound in itself.
    fn any_ruling()(
        outcome in select(Outcome::ALL), given in prop::collection::vec((0..5_usize, select(Tier::ALL), select(CompForm::ALL), 0..9_000_i64), 0..4),
        total_refund_due in 0..40_000_i64, offered in any::<bool>(),
    ) -> DelayRuling {
        let mut ruling = DelayRuling { outcome, total_refund_due, ..ruling(outcome) };
        for (index, tier, form, value) in given {
            let value = if form == CompForm::None { 0 } else { value };
            ruling.awards.push(Award { tier, ..award(&format!("e{index}"), form, value) });
            match form {
                CompForm::CashRefund | CompForm::Solatium => ruling.total_cash += value,
                _ => ruling.total_coupon += value,
            }
        }
        if offered {
            ruling.notes.obligations.push(obligation("offer-cancel-full-refund", Role::Agent, None, Vec::new()));
        }
        ruling
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_default_policy_is_upheld(facts in any_case()) {
        let ruling = ::delay::rule::decide(&::delay::Settings::default(), &context(), &facts);
        // One row is against the default policy by intent (GR-202, golden case GC-39): a refund open for more than fifteen days goes to a
        // person. No episode here is that old.
        prop_assert_eq!(review(&Settings::default(), &context(), &facts, &ruling), Review::Uphold);
    }

    #[test]
    fn an_amended_ruling_is_upheld_and_costs_the_buyer_nothing(facts in any_case(), ruling in any_ruling(), floor in any::<bool>()) {
        let settings = if floor { with_floor() } else { Settings::default() };
        let Review::Amend { ruling: amended, reasons } = review(&settings, &context(), &facts, &ruling) else { return Ok(()) };
        prop_assert!(!reasons.is_empty());
        prop_assert!(amended.total_cash >= ruling.total_cash && amended.total_coupon == ruling.total_coupon);
        prop_assert!(amended.total_refund_due >= ruling.total_refund_due);
        let cash = amended.awards.iter().filter(|award| matches!(award.form, CompForm::CashRefund | CompForm::Solatium));
        prop_assert_eq!(cash.map(|award| award.value).sum::<Fen>(), amended.total_cash);
        prop_assert_eq!(review(&settings, &context(), &facts, &amended), Review::Uphold);
    }

    #[test]
    fn nonsense_does_not_trap(facts in any_case(), ruling in any_ruling(), values in prop::collection::vec(any::<i64>(), 6)) {
        let (mut facts, mut ruling) = (facts, ruling);
        for episode in &mut facts.episodes {
            (episode.due, episode.basis_at, episode.refund_owed, episode.refund_paid) = (values[0], values[1], values[2], values[3]);
        }
        facts.lines.iter_mut().for_each(|line| (line.paid, line.refunded) = (values[4], values[5]));
        ruling.awards.iter_mut().for_each(|award| (award.value, award.refund_due) = (values[4], values[5]));
        ruling.total_refund_due = values[0];
        review(&with_floor(), &Context { now: values[1], ..context() }, &facts, &ruling);
    }
}
