//! Versions whose thresholds are known: what is probed is what was built in, to the millisecond and the fen.

use ombud_rules::civil::HOUR_MS;
use ombud_rules::contract::after_sale::Payer;
use ombud_rules::contract::delay::{Award, Cause, CompForm, DelayCase, DelayKind, DelayRuling, Outcome, Tier};
use ombud_rules::contract::types::{Notes, Tri};

use proptest::prelude::*;

use super::*;
use crate::golden;
use crate::kind::Kind;

/// Amounts that do not stay what they are along a stretch.
mod amounts;
/// Remarks on one version.
mod odd;

/// A delay policy in a few lines: what it gives after so many hours of shipping delay.
struct Ladder<F: Fn(&Context, &DelayCase, i64) -> Vec<(CompForm, i64)> + Sync>(F);

impl<F: Fn(&Context, &DelayCase, i64) -> Vec<(CompForm, i64)> + Sync> Answers for Ladder<F> {
    fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
        let Case::Delay(case) = case else { panic!("{}", case.kind()) };
        let mut awards = Vec::new();
        for episode in case.episodes.iter().filter(|episode| episode.kind == DelayKind::Shipping) {
            let overdue_ms = episode.done.unwrap_or(context.now) - episode.due;
            for (form, value) in (self.0)(context, case, overdue_ms) {
                awards.push(Award {
                    episode_id: episode.episode_id.clone(),
                    kind: episode.kind,
                    tier: Tier::None,
                    overdue_ms,
                    form,
                    value,
                    refund_due: 0,
                    suppressed_by: None,
                });
            }
        }
        let sum = |cash: bool| {
            awards
                .iter()
                .filter(|award| matches!(award.form, CompForm::CashRefund | CompForm::Solatium) == cash)
                .map(|award| award.value)
                .sum()
        };
        Ok(Ruling::Delay(DelayRuling {
            outcome: if awards.is_empty() { Outcome::CareOnly } else { Outcome::Compensate },
            processing_order: Vec::new(),
            total_cash: sum(true),
            total_coupon: sum(false),
            total_refund_due: 0,
            awards,
            notes: Notes::empty(),
        }))
    }
}

/// A coupon of so many fen from `min`, and a tenth of the goods money beyond `upper`, in hours.
fn tiers(min: i64, upper: i64, coupon: i64) -> impl Answers {
    Ladder(move |_, case, overdue| {
        let paid: i64 = case.lines.iter().map(|line| line.paid).sum();
        match overdue {
            late if late < min * HOUR_MS => Vec::new(),
            late if late <= upper * HOUR_MS => vec![(CompForm::Coupon, coupon)],
            _ => vec![(CompForm::CashRefund, (paid + 5) / 10)],
        }
    })
}

fn probed(old: &dyn Answers, new: &dyn Answers, kind: Kind, seeds: &Seeds) -> Found {
    let versions = Versions { old, new };
    let mut found = Found::default();
    for base in bases_of(kind, &[], &versions).unwrap().bases {
        found.merge(probe(&base, seeds, &versions).unwrap());
    }
    found
}

/// Every finding as a line.
fn lines(found: &Found) -> Vec<String> {
    found
        .findings()
        .iter()
        .map(|finding| format!("{}: {} → {}", finding.place.words, finding.difference.old, finding.difference.new))
        .collect()
}

fn remarks(found: &Found) -> Vec<(RemarkSort, Which, String)> {
    found.remarks().into_iter().map(|line| (line.remark.sort, line.version, line.remark.place)).collect()
}

#[test]
fn a_version_does_not_differ_from_itself() {
    let found = probed(&tiers(24, 72, 3_000), &tiers(24, 72, 3_000), Kind::Delay, &Seeds::default());
    assert_eq!(lines(&found), Vec::<String>::new());
    assert!(found.questions > 1_000, "{}", found.questions);
}

#[test]
fn moved_thresholds_are_found_to_the_millisecond_and_put_in_words() {
    let found = probed(&tiers(24, 72, 3_000), &tiers(12, 48, 3_000), Kind::Delay, &Seeds::default());
    assert_eq!(
        lines(&found),
        [
            "from 12 h, below 24 h overdue: care-only → compensate, coupon ¥30.00",
            "over 48 h, up to 72 h overdue: coupon ¥30.00 → cash 10 % of the goods money",
        ]
    );
    let place = &found.findings()[1].place;
    assert_eq!((place.from, place.to), (Some(48 * HOUR_MS + 1), Some(72 * HOUR_MS)));
}

#[test]
fn one_value_is_enough() {
    let inclusive = Ladder(|_, case: &DelayCase, overdue| {
        let paid: i64 = case.lines.iter().map(|line| line.paid).sum();
        if overdue >= 72 * HOUR_MS { vec![(CompForm::CashRefund, paid / 10)] } else { vec![(CompForm::Coupon, 3_000)] }
    });
    let exclusive = Ladder(|_, case: &DelayCase, overdue| {
        let paid: i64 = case.lines.iter().map(|line| line.paid).sum();
        if overdue > 72 * HOUR_MS { vec![(CompForm::CashRefund, paid / 10)] } else { vec![(CompForm::Coupon, 3_000)] }
    });
    let found = probed(&exclusive, &inclusive, Kind::Delay, &Seeds::default());
    assert_eq!(lines(&found), ["exactly 72 h overdue: coupon ¥30.00 → cash 10 % of the goods money"]);
}

#[test]
fn gaps_overlaps_and_falls_are_named() {
    let odd = Ladder(|_, _: &DelayCase, overdue| match overdue / HOUR_MS {
        ..24 => Vec::new(),
        24..48 => vec![(CompForm::Coupon, 3_000)],
        48..72 => Vec::new(),
        72..96 => vec![(CompForm::Coupon, 3_000), (CompForm::CashRefund, 5_000)],
        _ => vec![(CompForm::CashRefund, 1_000)],
    });
    let found = probed(&tiers(24, 72, 3_000), &odd, Kind::Delay, &Seeds::default());
    let remarks = remarks(&found);
    assert!(remarks.contains(&(RemarkSort::Gap, Which::New, "from 48 h, below 72 h overdue".into())), "{remarks:?}");
    assert!(remarks.contains(&(RemarkSort::Overlap, Which::New, "from 72 h, below 96 h overdue".into())), "{remarks:?}");
    assert!(remarks.contains(&(RemarkSort::Falls, Which::New, "from 96 h overdue".into())), "{remarks:?}");
    // The old ladder gives a tenth of ¥200 after a coupon of ¥30: it falls, too.
    assert!(remarks.contains(&(RemarkSort::Falls, Which::Old, "over 72 h overdue".into())), "{remarks:?}");
}

#[test]
fn amounts_that_rise_in_steps_are_located_to_the_fen() {
    let stepped = |limit: i64| {
        Ladder(move |_, case: &DelayCase, _| {
            let paid: i64 = case.lines.iter().map(|line| line.paid).sum();
            vec![(CompForm::Coupon, if paid >= limit { 5_000 } else { 3_000 })]
        })
    };
    let found = probed(&stepped(30_000), &stepped(45_678), Kind::Delay, &Seeds::default());
    assert_eq!(lines(&found), ["lines[0].paid from ¥300.00, up to ¥456.77: coupon ¥50.00 → coupon ¥30.00"]);
}

#[test]
fn a_share_that_becomes_another_is_told_once() {
    let share = |bp: i64| {
        Ladder(move |_, case: &DelayCase, overdue| {
            let paid: i64 = case.lines.iter().map(|line| line.paid).sum();
            if overdue > 24 * HOUR_MS { vec![(CompForm::CashRefund, (paid * bp + 5_000) / 10_000)] } else { Vec::new() }
        })
    };
    let found = probed(&share(1_000), &share(1_250), Kind::Delay, &Seeds::default());
    assert_eq!(lines(&found), ["over 24 h overdue: cash 10 % of the goods money → cash 12.5 % of the goods money"]);
}

#[test]
fn a_limit_between_the_points_is_found_where_a_setting_names_it() {
    // Thirteen seconds within an hour: nothing would look there, if the setting did not say so.
    let narrow = |from: i64| {
        Ladder(move |_, case: &DelayCase, _| {
            let paid: i64 = case.lines.iter().map(|line| line.paid).sum();
            vec![(CompForm::Coupon, if (from..from + 13).contains(&paid) { 1 } else { 3_000 })]
        })
    };
    let same = |seeds: &Seeds| lines(&probed(&narrow(0), &narrow(777_777), Kind::Delay, seeds)).len();
    let mut seeds = Seeds::default();
    let without = same(&seeds);
    seeds.add(&serde_json::json!({"limit": 777_777}));
    assert_eq!(same(&seeds), without + 1);
}

#[test]
fn facts_and_flags_are_moved_as_well() {
    let strict = Ladder(|_, case: &DelayCase, _| {
        let episode = &case.episodes[0];
        let excused = matches!(episode.cause, Cause::Buyer | Cause::Carrier) && episode.cause_proven == Tri::Yes;
        if excused { Vec::new() } else { vec![(CompForm::Coupon, 3_000)] }
    });
    let kind = Ladder(|_, case: &DelayCase, _| {
        let episode = &case.episodes[0];
        let excused = episode.cause == Cause::Buyer && episode.cause_proven == Tri::Yes;
        if excused { Vec::new() } else { vec![(CompForm::Coupon, 3_000)] }
    });
    let found = probed(&strict, &kind, Kind::Delay, &Seeds::default());
    assert_eq!(lines(&found), ["episodes[0].cause carrier: care-only → compensate, coupon ¥30.00"]);
}

#[test]
fn a_difference_everywhere_is_told_once_for_each_base() {
    let found = probed(&tiers(-100, 1_000_000, 3_000), &tiers(-100, 1_000_000, 4_000), Kind::Delay, &Seeds::default());
    // Bases of other kinds show it as soon as they are moved to shipping, which says more than the name of a case.
    assert_eq!(lines(&found), ["episodes[0].kind shipping: coupon ¥30.00 → coupon ¥40.00"]);
    assert_eq!(found.findings()[0].also, ["cases like delay-shipping"]);
}

#[test]
fn a_fault_is_a_difference_and_a_remark() {
    struct Fragile;
    impl Answers for Fragile {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            let Case::Delay(delay) = case else { panic!() };
            let late = context.now - delay.episodes[0].due;
            if late > 100 * HOUR_MS {
                Err(Fault::new(crate::fault::FaultCode::Trap, "boom"))
            } else {
                tiers(24, 72, 3_000).answer(context, case)
            }
        }
    }
    let found = probed(&tiers(24, 72, 3_000), &Fragile, Kind::Delay, &Seeds::default());
    assert!(
        lines(&found).contains(&"over 100 h overdue: compensate, cash 10 % of the goods money → fault: trap".to_owned()),
        "{:?}",
        lines(&found)
    );
    assert!(remarks(&found).contains(&(RemarkSort::Fault, Which::New, "over 100 h overdue".into())));
}

#[test]
fn civil_windows_end_with_a_day_of_the_shop() {
    /// Refuses what was applied for later than so many civil days after signing.
    struct Window(i32);
    impl Answers for Window {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            use ombud_rules::civil::day_of;
            use ombud_rules::contract::after_sale as contract;
            let Case::AfterSale(facts) = case else { panic!() };
            let signed = facts.order.lines[0].signed_at.unwrap_or(facts.applied_at);
            let days = day_of(facts.applied_at, context.tz_offset_min) - day_of(signed, context.tz_offset_min);
            let outcome = if days <= self.0 { contract::Outcome::ApproveReturnRefund } else { contract::Outcome::Reject };
            Ok(Ruling::AfterSale(contract::AfterSaleRuling {
                outcome,
                options: Vec::new(),
                refund: if days <= self.0 { facts.order.lines[0].unit_price } else { 0 },
                breakdown: Vec::new(),
                return_freight: Payer::Buyer,
                window_deadline: None,
                refund_deadline: Some(context.now + i64::from(self.0) * HOUR_MS),
                statutory_exposure: None,
                missing_evidence: Vec::new(),
                notes: Notes::empty(),
            }))
        }
    }
    let found = probed(&Window(7), &Window(15), Kind::AfterSale, &Seeds::default());
    let lines = lines(&found);
    let window = "from the beginning of day 8, below the beginning of day 16 after signing: reject → approve-return-refund, refund 100 % of the goods money";
    assert!(lines.contains(&window.to_owned()), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with("refund-deadline: as it was → refund-deadline: 8 h later")), "{lines:#?}");
}

/// What the customer is told in numbers and dates, and by when persons have to act, is part of an answer.
#[test]
fn days_in_messages_and_times_of_obligations_are_compared() {
    use ombud_rules::contract::types::{ApprovalRequest, Arg, Message, Obligation, Role};
    struct Told(i64);
    impl Answers for Told {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            let Ok(Ruling::Delay(mut ruling)) = tiers(24, 72, 3_000).answer(context, case) else { panic!() };
            let arg = |key: &str, value: String| Arg { key: key.into(), value };
            let due = Some(context.now + self.0 * HOUR_MS);
            let args = vec![arg("days", self.0.to_string()), arg("amount", "12.50".into())];
            ruling.notes.messages.push(Message { key: "told".into(), locale: String::new(), args });
            ruling.notes.approvals.push(ApprovalRequest { role: Role::Supervisor, rule: "T-1".into(), due, distinct_from: Vec::new() });
            ruling.notes.obligations.push(Obligation { action: "pay".into(), owner: Role::Agent, due, args: Vec::new() });
            Ok(Ruling::Delay(ruling))
        }
    }
    let found = probed(&Told(3), &Told(5), Kind::Delay, &Seeds::default());
    let finding = found.findings().into_iter().next().unwrap();
    assert_eq!(finding.difference.matter, Matter::Conduct);
    let said: Vec<(&str, &str, &str)> =
        finding.difference.aspects.iter().map(|aspect| (aspect.aspect.as_str(), aspect.old.as_str(), aspect.new.as_str())).collect();
    let due = ("due", "supervisor as it was, pay as it was", "supervisor 2 h later, pay 2 h later");
    assert_eq!(said, [due, ("told", "told days 3", "told days 5")]);
    assert_eq!(probed(&Told(3), &Told(3), Kind::Delay, &Seeds::default()).findings(), []);
}

#[test]
fn an_amount_is_a_share_of_what_it_is_the_whole_of() {
    let bases = [("of the goods money", 2_000), ("of the refund owed", 20_000)];
    let said = |fen: &dyn Fn(i64) -> i64| {
        let sample = |tenths: i64| law::Sample {
            at: tenths,
            amounts: vec![fen(tenths)],
            bases: bases.iter().map(|(_, base)| base * tenths / 10).collect(),
        };
        match law::law(&[sample(9), sample(10), sample(11)], 0) {
            Some(law::Law::Share { base, bp, plus }) => words::share(bp, bases[base].0, plus),
            Some(law::Law::Fixed(fen)) => view::in_yuan(fen),
            other => panic!("{other:?}"),
        }
    };
    let share = |fen: i64| said(&|tenths| fen * tenths / 10);
    assert_eq!(
        [share(20_000), share(2_000), share(200)],
        ["100 % of the refund owed", "100 % of the goods money", "10 % of the goods money"]
    );
    assert_eq!([share(4_000), share(60_000), said(&|_| 20_000)], ["20 % of the refund owed", "3000 % of the goods money", "¥200.00"]);
}

/// However many cases the versions answer alike, one that they answer differently is asked.
#[test]
fn no_case_that_is_answered_differently_is_left_out_for_others() {
    let base = golden::load(include_str!("bases.yaml")).unwrap().into_iter().find(|case| case.kind == Kind::Delay.as_str()).unwrap();
    let line = |number: usize| format!("L-{number}");
    let numbered = |number: usize| {
        let mut case = base.clone();
        case.id = format!("case-{number}");
        let golden::Given::Delay(_, facts) = &mut case.given else { panic!() };
        facts.lines[0].line_id = line(number);
        case
    };
    let cases: Vec<_> = (0..2 * BASES_MAX).map(numbered).collect();
    // An answer of its own for each line, and another one of the new version for the last.
    struct Lines(Option<String>);
    impl Answers for Lines {
        fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
            let Case::Delay(facts) = case else { panic!() };
            let Ok(Ruling::Delay(mut ruling)) = tiers(24, 72, 3_000).answer(context, case) else { panic!() };
            ruling.processing_order = vec![facts.lines[0].line_id.clone()];
            if self.0.as_deref() == Some(facts.lines[0].line_id.as_str()) {
                ruling.processing_order.push("other".into());
            }
            Ok(Ruling::Delay(ruling))
        }
    }
    let last = line(2 * BASES_MAX - 1);
    let versions = Versions { old: &Lines(None), new: &Lines(Some(last)) };
    let bases = bases_of(Kind::Delay, &cases, &versions).unwrap().bases;
    assert!(bases.len() <= BASES_MAX && bases.iter().any(|base| base.name == format!("case-{}", 2 * BASES_MAX - 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Thresholds anywhere within ten days, an hour apart at least: what is found is where the answers differ, and all of it.
    #[test]
    fn what_is_found_is_where_the_answers_differ(
        gaps in proptest::collection::vec(HOUR_MS..40 * HOUR_MS, 2..6),
        old in proptest::collection::vec(0..4_i64, 6),
        new in proptest::collection::vec(0..4_i64, 6),
        looked_at in proptest::collection::vec(-20 * HOUR_MS..240 * HOUR_MS, 40),
    ) {
        let limits: Vec<i64> = gaps.iter().scan(0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
        let given = |steps: &[i64], overdue: i64| steps[limits.iter().filter(|limit| **limit <= overdue).count()];
        let stepped = |steps: Vec<i64>| {
            let limits = limits.clone();
            Ladder(move |_, _: &DelayCase, overdue| {
                match steps[limits.iter().filter(|limit| **limit <= overdue).count()] {
                    0 => Vec::new(),
                    step => vec![(CompForm::Coupon, step * 1_000)],
                }
            })
        };
        let found = probed(&stepped(old.clone()), &stepped(new.clone()), Kind::Delay, &Seeds::default());
        let stretches: Vec<Place> = found.findings().into_iter().map(|finding| finding.place).filter(|place| place.axis == "overdue").collect();
        let everywhere = found.findings().iter().any(|finding| finding.place.sort != Sort::Stretch);
        for overdue in looked_at.into_iter().chain(limits.iter().flat_map(|limit| [limit - 1, *limit])) {
            let covered = everywhere
                || stretches.iter().any(|place| place.from.is_none_or(|from| from <= overdue) && place.to.is_none_or(|to| overdue <= to));
            prop_assert_eq!(covered, given(&old, overdue) != given(&new, overdue), "{} ms: {:?}", overdue, lines(&found));
        }
    }
}

#[test]
fn the_ordinary_cases_are_cases_of_every_kind() {
    let ordinary = golden::load(include_str!("bases.yaml")).unwrap();
    for kind in Kind::ALL {
        assert!(ordinary.iter().any(|case| case.kind == kind.as_str()), "{kind}");
    }
}

#[test]
fn every_number_of_the_contract_has_a_unit() {
    // A field whose unit is not known would not be moved, and its thresholds never found.
    let golden = golden::load(include_str!("../../../../tests/cases/golden.yaml")).unwrap();
    for case in golden::load(include_str!("bases.yaml")).unwrap().into_iter().chain(golden) {
        let (context, facts) = match case.given {
            golden::Given::AfterSale(context, facts) => (context, Case::AfterSale(facts)),
            golden::Given::Delay(context, facts) => (context, Case::Delay(facts)),
            golden::Given::Blacklist(context, facts) => (context, Case::Blacklist(facts)),
            golden::Given::Reply(context, facts) => (context, Case::Reply(facts)),
            _ => continue,
        };
        let document = document::Document::new(&context, &facts).unwrap();
        let known = leaves::leaves(&document);
        let mut numbers = Vec::new();
        collect(&serde_json::to_value(&facts).unwrap(), "/case", &mut numbers);
        for pointer in numbers {
            assert!(known.iter().any(|leaf| leaf.pointer == pointer), "{pointer} of {} is not moved", case.id);
        }
    }

    fn collect(value: &serde_json::Value, pointer: &str, numbers: &mut Vec<String>) {
        match value {
            serde_json::Value::Number(_) | serde_json::Value::Bool(_) => numbers.push(pointer.to_owned()),
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, value)| collect(value, &format!("{pointer}/{name}"), numbers))
            }
            serde_json::Value::Array(items) => {
                items.iter().take(3).enumerate().for_each(|(at, value)| collect(value, &format!("{pointer}/{at}"), numbers))
            }
            _ => {}
        }
    }
}
