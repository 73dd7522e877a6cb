//! What is said of one version alone: what is paid twice, what falls, what is missing.

use super::*;

/// Awards in tiers, by hours of delay.
struct Rungs(fn(i64) -> Vec<(Tier, CompForm, i64)>);

impl Answers for Rungs {
    fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
        let rungs = self.0;
        let plain = Ladder(move |_, _: &DelayCase, overdue| {
            rungs(overdue.div_euclid(HOUR_MS)).into_iter().map(|(_, form, value)| (form, value)).collect()
        });
        let Ok(Ruling::Delay(mut ruling)) = plain.answer(context, case) else { panic!() };
        for award in &mut ruling.awards {
            let told = rungs(award.overdue_ms.div_euclid(HOUR_MS));
            award.tier = told.into_iter().find(|(_, form, value)| (*form, *value) == (award.form, award.value)).unwrap().0;
        }
        Ok(Ruling::Delay(ruling))
    }
}

fn of_sort(version: &dyn Answers, sort: RemarkSort) -> Vec<(String, String)> {
    let found = probed(version, version, Kind::Delay, &Seeds::default());
    let lines = found.remarks().into_iter().filter(|line| line.remark.sort == sort && line.version == Which::Both);
    lines.map(|line| (line.remark.place, line.remark.text)).collect()
}

/// What the platform prescribes at least raises the cash of a rung and takes it off the coupon: one award in two parts.
#[test]
fn a_least_beside_a_rung_is_not_paid_twice() {
    let floor = Rungs(|hours| match hours {
        ..24 => Vec::new(),
        24..48 => vec![(Tier::Slight, CompForm::Coupon, 3_000)],
        48..72 => vec![(Tier::Slight, CompForm::Coupon, 2_000), (Tier::Slight, CompForm::CashRefund, 1_000)],
        _ => vec![(Tier::Moderate, CompForm::CashRefund, 4_000)],
    });
    assert_eq!(of_sort(&floor, RemarkSort::Overlap), []);
    // A policy that hands out the least as an award of its own, in no tier.
    let beside = Rungs(|hours| match hours {
        ..24 => vec![(Tier::None, CompForm::CashRefund, 500)],
        _ => vec![(Tier::Slight, CompForm::Coupon, 3_000), (Tier::None, CompForm::CashRefund, 500)],
    });
    assert_eq!(of_sort(&beside, RemarkSort::Overlap), []);
}

#[test]
fn two_rungs_and_two_awards_in_one_form_are_paid_twice() {
    let rungs = Rungs(|hours| match hours {
        ..48 => vec![(Tier::Slight, CompForm::Coupon, 3_000)],
        48..72 => vec![(Tier::Slight, CompForm::Coupon, 3_000), (Tier::Moderate, CompForm::CashRefund, 5_000)],
        _ => vec![(Tier::Moderate, CompForm::CashRefund, 5_000)],
    });
    let twice = "paid twice, by slight coupon and moderate cash: compensate, coupon ¥30.00 and cash ¥50.00";
    assert_eq!(of_sort(&rungs, RemarkSort::Overlap), [("from 48 h, below 72 h overdue".to_owned(), twice.to_owned())]);
    let again = Rungs(|_| vec![(Tier::Slight, CompForm::Coupon, 3_000), (Tier::Slight, CompForm::Coupon, 1_000)]);
    // It does not depend on what is moved: it is said once of any delay, and not of every other number.
    let twice = "paid twice, by slight coupon and slight coupon: compensate, coupon ¥40.00";
    assert_eq!(of_sort(&again, RemarkSort::Overlap), [("any overdue".to_owned(), twice.to_owned())]);
}

#[test]
fn what_falls_falls_at_the_limit_and_not_between_two_samples() {
    // It rises to ¥48 until the limit, and is ¥30 after it, though ¥30 are more than in the middle of the rise.
    let rises = Ladder(|_, _: &DelayCase, overdue| match overdue {
        late if late < 0 => Vec::new(),
        late if late <= 48 * HOUR_MS => vec![(CompForm::Coupon, 1 + late / (HOUR_MS / 100))],
        _ => vec![(CompForm::Coupon, 3_000)],
    });
    assert_eq!(
        of_sort(&rises, RemarkSort::Falls),
        [("over 48 h overdue".to_owned(), "compensate, coupon ¥30.00 after compensate, coupon ¥0.01 at 0 h … ¥48.01 at 48 h".to_owned())]
    );
    // It is ¥20 until the limit, and rises from ¥20.01 after it.
    let grows = Ladder(|_, _: &DelayCase, overdue| vec![(CompForm::Coupon, 2_000 + (overdue / (HOUR_MS / 10)).clamp(0, 1_000))]);
    assert_eq!(of_sort(&grows, RemarkSort::Falls), []);
}

#[test]
fn what_falls_evenly_and_what_falls_to_nothing_is_named() {
    let melts = Ladder(|_, _: &DelayCase, overdue| vec![(CompForm::Coupon, 3_000 - (overdue / HOUR_MS).clamp(0, 100) * 10)]);
    let falls = of_sort(&melts, RemarkSort::Falls);
    assert!(!falls.is_empty(), "{falls:?}");
    let stops = Ladder(
        |_, _: &DelayCase, overdue| if (24..72).contains(&(overdue / HOUR_MS)) { vec![(CompForm::Coupon, 3_000)] } else { Vec::new() },
    );
    assert_eq!(
        of_sort(&stops, RemarkSort::Falls),
        [("from 72 h overdue".to_owned(), "care-only after compensate, coupon ¥30.00".to_owned())]
    );
    assert_eq!(of_sort(&stops, RemarkSort::Gap), []);
}

/// Where a person decides it is not known that nothing is given.
#[test]
fn a_person_between_two_rungs_is_no_gap() {
    struct Asks;
    impl Answers for Asks {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            let ladder = Ladder(
                |_, _: &DelayCase, overdue| {
                    if (48..72).contains(&(overdue / HOUR_MS)) { Vec::new() } else { vec![(CompForm::Coupon, 3_000)] }
                },
            );
            let Ok(Ruling::Delay(mut ruling)) = ladder.answer(context, case) else { panic!() };
            if ruling.awards.is_empty() {
                ruling.outcome = Outcome::HumanReview;
            }
            Ok(Ruling::Delay(ruling))
        }
    }
    assert_eq!(of_sort(&Asks, RemarkSort::Gap), []);
    assert_eq!(of_sort(&Asks, RemarkSort::Falls), []);
}

/// Both versions fall at the same limit, each from and to amounts of its own: what is said of the one is not true of the other.
#[test]
fn a_remark_on_both_versions_is_true_of_both() {
    let falls =
        |to: i64| Ladder(move |_, _: &DelayCase, overdue| vec![(CompForm::Coupon, if overdue > 48 * HOUR_MS { to } else { 3_000 })]);
    let found = probed(&falls(2_000), &falls(1_000), Kind::Delay, &Seeds::default());
    let said: Vec<(Which, String)> = found.remarks().into_iter().map(|line| (line.version, line.remark.text)).collect();
    let text = |yuan: &str| format!("compensate, coupon {yuan} after compensate, coupon ¥30.00");
    assert_eq!(said, [(Which::New, text("¥10.00")), (Which::Old, text("¥20.00"))]);
}
