//! What is said of a stretch is true of all of it: where the law of an amount changes is located, and what has no law is told by its ends.

use std::sync::atomic::{AtomicU64, Ordering};

use ombud_rules::civil::DAY_MS;
use ombud_rules::contract::delay::Granted;
use ombud_rules::delay::{floor_of, share_of};

use super::*;

/// The goods money of a case.
fn paid(case: &DelayCase) -> i64 {
    case.lines.iter().map(|line| line.paid).sum()
}

/// One award, whatever the delay.
fn gives(form: CompForm, value: impl Fn(i64) -> i64 + Sync) -> impl Answers {
    Ladder(move |_, case: &DelayCase, _| vec![(form, value(paid(case)))])
}

fn coupon() -> impl Answers {
    gives(CompForm::Coupon, |_| 3_000)
}

/// The differences along the money of the first line.
fn along_paid(old: &dyn Answers, new: &dyn Answers) -> Vec<String> {
    let all = lines(&probed(old, new, Kind::Delay, &Seeds::default()));
    all.into_iter().filter(|line| line.starts_with("lines[0].paid")).collect()
}

#[test]
fn a_least_and_a_most_are_limits() {
    let tenth = gives(CompForm::CashRefund, |paid| floor_of(paid, 1_000, 600, 5_000));
    assert_eq!(
        along_paid(&coupon(), &tenth),
        [
            "lines[0].paid from ¥299.95, up to ¥300.04: coupon ¥30.00 → cash ¥30.00",
            "lines[0].paid over ¥500.00: coupon ¥30.00 → cash ¥50.00",
            "lines[0].paid up to ¥60.00: coupon ¥30.00 → cash ¥6.00",
        ]
    );
    // Between them it is a tenth, on both sides of where it is as much as the coupon; the ordinary case is on the one, so that it is told as a whole.
    let found = probed(&coupon(), &tenth, Kind::Delay, &Seeds::default());
    let told: Vec<Finding> = found.findings().into_iter().filter(|own| own.difference.new == "cash 10 % of the goods money").collect();
    assert!(!told.is_empty(), "{:#?}", lines(&found));
}

/// A share along a delay, of an amount that a most holds fast as soon as the money is half as much again.
#[test]
fn a_share_near_its_most_is_a_share_as_long_as_it_is_one() {
    let most =
        |from: i64| {
            Ladder(move |_, case: &DelayCase, overdue| {
                if overdue > from * HOUR_MS { vec![(CompForm::CashRefund, floor_of(paid(case), 1_000, 600, 3_000))] } else { Vec::new() }
            })
        };
    let found = lines(&probed(&most(48), &most(30), Kind::Delay, &Seeds::default()));
    assert!(
        found.contains(&"over 30 h, up to 48 h overdue: care-only → compensate, cash 10 % of the goods money".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn only_limits_that_the_versions_do_not_share_are_differences() {
    let bent = |dearer: bool| {
        gives(CompForm::CashRefund, move |paid| {
            let tenth = floor_of(paid, 1_000, 600, 5_000);
            if dearer && (100_000..150_000).contains(&paid) { tenth + 1_000 } else { tenth }
        })
    };
    assert_eq!(
        lines(&probed(&bent(false), &bent(true), Kind::Delay, &Seeds::default())),
        ["lines[0].paid from ¥1000.00, below ¥1500.00: cash ¥50.00 → cash ¥60.00"]
    );
    // Of another most, the stretch between the two.
    let most = |most: i64| gives(CompForm::CashRefund, move |paid| floor_of(paid, 1_000, 600, most));
    assert_eq!(
        lines(&probed(&most(5_000), &most(8_000), Kind::Delay, &Seeds::default())),
        [
            "lines[0].paid from ¥500.05, up to ¥800.00: cash ¥50.00 → cash 10 % of the goods money",
            "lines[0].paid over ¥800.00: cash ¥50.00 → cash ¥80.00",
        ]
    );
}

#[test]
fn an_amount_that_is_a_share_at_one_price_is_none() {
    // ¥20 are a tenth of the ordinary ¥200, and ¥40 of twice as much.
    let stair = gives(CompForm::CashRefund, |paid| if paid < 35_000 { 2_000 } else { 4_000 });
    let found = lines(&probed(&coupon(), &stair, Kind::Delay, &Seeds::default()));
    assert!(!found.iter().any(|line| line.contains('%')), "{found:#?}");
    assert!(found.contains(&"lines[0].paid from ¥350.00: coupon ¥30.00 → cash ¥40.00".to_owned()), "{found:#?}");
}

/// A tenth up to 96 h and ¥20 after it, which is the same for goods of ¥200: of both together, only the amount can be said.
#[test]
fn two_laws_that_come_to_the_same_are_told_by_the_amount() {
    let laws = Ladder(|_, case: &DelayCase, overdue| match overdue {
        late if late <= 24 * HOUR_MS => Vec::new(),
        late if late <= 96 * HOUR_MS => vec![(CompForm::CashRefund, share_of(paid(case), 1_000))],
        _ => vec![(CompForm::CashRefund, 2_000)],
    });
    let found = lines(&probed(&tiers(24, 1_000_000, 3_000), &laws, Kind::Delay, &Seeds::default()));
    assert!(found.contains(&"over 24 h overdue: coupon ¥30.00 → cash ¥20.00".to_owned()), "{found:#?}");
}

#[test]
fn a_coupon_less_a_share_is_told_as_that() {
    let floor = Ladder(|_, case: &DelayCase, _| {
        let cash = share_of(paid(case), 500);
        if cash < 3_000 { vec![(CompForm::Coupon, 3_000 - cash), (CompForm::CashRefund, cash)] } else { vec![(CompForm::CashRefund, cash)] }
    });
    let found = lines(&probed(&coupon(), &floor, Kind::Delay, &Seeds::default()));
    let said = "coupon ¥30.00 → coupon ¥30.00 − 5 % of the goods money and cash 5 % of the goods money";
    assert!(found.iter().any(|line| line.ends_with(said)), "{found:#?}");
    assert!(found.contains(&"lines[0].paid from ¥600.10: coupon ¥30.00 → cash 5 % of the goods money".to_owned()), "{found:#?}");
}

/// What was granted before comes off: the rest is no share of the money, though it is 7.5 % of the money of one case.
#[test]
fn what_is_taken_off_a_share_is_told() {
    struct Granting<T>(T);
    impl<T: Answers> Answers for Granting<T> {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            let Case::Delay(mut facts) = case.clone() else { panic!() };
            facts.already = vec![Granted { episode_id: "e".into(), form: CompForm::Coupon, value: 500, by_platform: false }];
            self.0.answer(context, &Case::Delay(facts))
        }
    }
    let net = Ladder(|_, case: &DelayCase, overdue| {
        let granted: i64 = case.already.iter().map(|granted| granted.value).sum();
        if overdue > 24 * HOUR_MS { vec![(CompForm::CashRefund, (share_of(paid(case), 1_000) - granted).max(1))] } else { Vec::new() }
    });
    let found = lines(&probed(&tiers(24, 1_000_000, 2_500), &Granting(net), Kind::Delay, &Seeds::default()));
    assert!(found.contains(&"over 24 h overdue: coupon ¥25.00 → cash 10 % of the goods money − ¥5.00".to_owned()), "{found:#?}");
}

#[test]
fn what_grows_with_the_delay_is_told_by_its_ends() {
    // Ten fen for each hour begun after 60 h, at most ¥12.
    let hourly = Ladder(|_, _: &DelayCase, overdue| match overdue {
        late if late <= 72 * HOUR_MS => vec![(CompForm::Coupon, 3_000)],
        late => vec![(CompForm::CashRefund, (late / (HOUR_MS / 10)).min(1_200))],
    });
    assert_eq!(
        lines(&probed(&tiers(-100, 1_000_000, 3_000), &hourly, Kind::Delay, &Seeds::default()))[..2],
        [
            "over 120 h overdue: coupon ¥30.00 → cash ¥12.00",
            "over 72 h, up to 120 h overdue: coupon ¥30.00 → cash ¥7.20 at 72 h 0 min 0.001 s … ¥12.00 at 120 h",
        ]
    );
}

/// More steps than anybody wants to read, at the very distances at which the search begins.
#[test]
fn a_long_staircase_varies() {
    let daily = Ladder(|_, _: &DelayCase, overdue| vec![(CompForm::CashRefund, (overdue / DAY_MS).clamp(1, 60) * 500)]);
    let found = lines(&probed(&tiers(-100, 1_000_000, 100_000), &daily, Kind::Delay, &Seeds::default()));
    assert_eq!(found[0], "any overdue: coupon ¥1000.00 → cash varying, ¥5.00 at −24 h … ¥300.00 at 1080 d");
}

#[test]
fn a_share_that_is_rounded_otherwise_does_not_read_the_same() {
    let down = gives(CompForm::CashRefund, |paid| paid / 10);
    let half_up = gives(CompForm::CashRefund, |paid| share_of(paid, 1_000));
    for finding in probed(&down, &half_up, Kind::Delay, &Seeds::default()).findings() {
        assert_ne!(finding.difference.old, finding.difference.new);
    }
}

/// A limit below a yuan is a limit; a fen more or less there is none.
#[test]
fn less_than_a_yuan_is_looked_at_as_well() {
    let from =
        |from: i64| Ladder(move |_, case: &DelayCase, _| if paid(case) < from { Vec::new() } else { vec![(CompForm::Coupon, 3_000)] });
    assert_eq!(
        lines(&probed(&from(50), &from(80), Kind::Delay, &Seeds::default())),
        ["lines[0].paid from ¥0.50, below ¥0.80: compensate, coupon ¥30.00 → care-only"]
    );
}

/// An instant is compared at both ends of a stretch: what is a day later here may be three days later there.
#[test]
fn times_that_do_not_keep_their_distance_are_told_by_the_ends() {
    use ombud_rules::contract::types::{Obligation, Role};
    struct Due(bool);
    impl Answers for Due {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            let Ok(Ruling::Delay(mut ruling)) = tiers(24, 72, 3_000).answer(context, case) else { panic!() };
            let Case::Delay(facts) = case else { panic!() };
            let episode = &facts.episodes[0];
            let late = episode.done.unwrap_or(context.now) - episode.due;
            let due = episode.due + 100 * DAY_MS + if self.0 && late > 24 * HOUR_MS { late } else { 0 };
            ruling.notes.obligations.push(Obligation { action: "pay".into(), owner: Role::Agent, due: Some(due), args: Vec::new() });
            Ok(Ruling::Delay(ruling))
        }
    }
    let found = lines(&probed(&Due(false), &Due(true), Kind::Delay, &Seeds::default()));
    assert!(
        found
            .contains(&"over 24 h, up to 72 h overdue: due: pay as it was → due: pay 24 h 0 min 0.001 s later … pay 72 h later".to_owned()),
        "{found:#?}"
    );
}

/// To say what is true of a stretch takes more questions, not many more.
#[test]
fn laws_are_found_with_few_questions() {
    struct Counting<'a, T>(T, &'a AtomicU64);
    impl<T: Answers> Answers for Counting<'_, T> {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.answer(context, case)
        }
    }
    let asked = |new: fn(i64) -> i64| {
        let calls = AtomicU64::new(0);
        let found =
            probed(&Counting(coupon(), &calls), &Counting(gives(CompForm::CashRefund, new), &calls), Kind::Delay, &Seeds::default());
        assert!(found.questions <= calls.load(Ordering::Relaxed), "{} questions were not put", found.questions);
        calls.load(Ordering::Relaxed)
    };
    let (plain, bent) = (asked(|_| 2_000), asked(|paid| floor_of(paid, 1_000, 600, 3_000)));
    assert!(bent < plain + plain / 4, "{plain} questions became {bent}");
}
