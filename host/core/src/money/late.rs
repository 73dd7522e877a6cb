//! Late refunds since the third edition: what merely states again what is on record, and what of the rest each line still bears (CAP-01).

use std::collections::HashMap;
use std::fmt;

use ombud_rules::contract::delay::{DelayCase, DelayKind, DelayLine, Episode};

use super::lines::{LinePart, borne, by_line};
use super::{Intent, Payment, after_sale_of};
use crate::caps::LineRefund;

/// One late refund of a case, in fen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late<'c> {
    /// The episode's id.
    pub episode: &'c str,
    /// Under what it is paid: its after-sales case, or order and episode.
    pub key: String,
    /// What of it is on record and is stated again.
    pub stated: i64,
    /// What is paid beyond that.
    pub new: i64,
}

/// The late refunds of a case with nothing of them paid yet: episodes, their keys, and what is owed and not paid.
fn owed(case: &DelayCase) -> impl Iterator<Item = (&Episode, String, i64)> {
    let late = case.episodes.iter().filter(|episode| episode.kind == DelayKind::RefundProcessing);
    late.map(|episode| (episode, key_of(case, &episode.episode_id), episode.refund_owed.saturating_sub(episode.refund_paid).max(0)))
}

fn key_of(case: &DelayCase, episode: &str) -> String {
    after_sale_of(case, episode).map_or_else(|| format!("{}/{episode}", case.order_id), str::to_owned)
}

/// The keys of a case's late refunds, whether anything of them is still owed or not.
pub fn late_keys(case: &DelayCase) -> Vec<Intent> {
    let mut intents: Vec<Intent> = Vec::new();
    for (_, key, amount) in owed(case) {
        match intents.iter_mut().find(|intent| intent.key == key) {
            Some(intent) => intent.amount = intent.amount.saturating_add(amount),
            None => intents.push(Intent { key, payment: Payment::Refund, amount, restates: true }),
        }
    }
    intents
}

/// The episodes of a case whose late refunds are paid under a key.
pub fn episodes_of<'c>(case: &'c DelayCase, key: &str) -> Vec<&'c Episode> {
    owed(case).filter(|(_, own, _)| own == key).map(|(episode, ..)| episode).collect()
}

/// Whether an episode is about a line; one that names none is about all of them.
pub(super) fn is_about(episode: &Episode, line: &str) -> bool {
    episode.line_ids.is_empty() || episode.line_ids.iter().any(|own| own == line)
}

/// `total` fen spread over the late refunds of a case, in its order: first what is on record and is stated again, of which `on_record` knows the
/// amount under a key; then what the lines of each still bear, those of few lines before those of many, which
/// make room on others of their own lines for whatever comes later. What the lines do not bear together is left out.
pub fn spread<'c>(case: &'c DelayCase, total: i64, on_record: impl Fn(&str) -> i64) -> Vec<Late<'c>> {
    spread_beside(case, &[], total, on_record)
}

/// The same where other decisions of the event refund something of the lines as well, which the case does not have.
pub fn spread_beside<'c>(case: &'c DelayCase, beside: &[LineRefund], total: i64, on_record: impl Fn(&str) -> i64) -> Vec<Late<'c>> {
    let beside = |line: &DelayLine| {
        let own = beside.iter().filter(|own| own.line_id == line.line_id);
        own.fold(line.refunded.max(0), |sum: i64, own| sum.saturating_add(own.refunded.max(0)))
    };
    let bears = case.lines.iter().map(|line| line.paid.saturating_sub(beside(line)).max(0)).collect();
    spread_over(case, total, on_record, bears)
}

/// The same whatever the lines bear: for a sum that is bounded already.
pub fn spread_bounded<'c>(case: &'c DelayCase, total: i64, on_record: impl Fn(&str) -> i64) -> Vec<Late<'c>> {
    spread_over(case, total, on_record, vec![i64::MAX; case.lines.len()])
}

fn spread_over<'c>(case: &'c DelayCase, total: i64, on_record: impl Fn(&str) -> i64, bears: Vec<i64>) -> Vec<Late<'c>> {
    let mut left = total.max(0);
    let mut known: HashMap<String, i64> = HashMap::new();
    let mut open = Vec::new();
    let mut all = Vec::new();
    for (episode, key, amount) in owed(case) {
        let of_key = known.entry(key.clone()).or_insert_with(|| on_record(&key).max(0));
        let again = amount.min(*of_key);
        *of_key -= again;
        let stated = again.min(left);
        left -= stated;
        open.push((all.len(), episode, amount - again));
        all.push(Late { episode: &episode.episode_id, key, stated, new: 0 });
    }
    let lines = |episode: &Episode| -> Vec<usize> {
        let about = case.lines.iter().enumerate().filter(|(_, line)| is_about(episode, &line.line_id));
        about.map(|(at, _)| at).collect()
    };
    let mut open: Vec<(usize, (Vec<usize>, i64))> = open.into_iter().map(|(at, episode, amount)| (at, (lines(episode), amount))).collect();
    open.sort_by_key(|(at, (lines, _))| (lines.len(), *at));
    let (places, parts): (Vec<usize>, Vec<(Vec<usize>, i64)>) = open.into_iter().unzip();
    for (at, taken) in places.into_iter().zip(borne(bears, &parts, left)) {
        if let Some(late) = all.get_mut(at) {
            late.new = taken;
        }
    }
    all
}

/// The payments of spread refunds beyond what is on record, one for all episodes of an after-sales case.
pub fn new_payments(spread: &[Late<'_>]) -> Vec<Intent> {
    let mut intents: Vec<Intent> = Vec::new();
    for late in spread.iter().filter(|late| late.new > 0) {
        match intents.iter_mut().find(|intent| intent.key == late.key) {
            Some(intent) => intent.amount = intent.amount.saturating_add(late.new),
            None => intents.push(Intent { key: late.key.clone(), payment: Payment::Refund, amount: late.new, restates: true }),
        }
    }
    intents
}

/// A line that does not bear all that is to be refunded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The line.
    pub line_id: String,
    /// What it cost, in fen.
    pub paid: i64,
    /// What was refunded of it before.
    pub refunded: i64,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line_id, paid, refunded } = self;
        let left = paid.saturating_sub(*refunded).max(0);
        write!(f, "line `{line_id}` cost {paid} fen, {refunded} fen were refunded before, {left} fen are left")
    }
}

fn shorts(case: &DelayCase, is_short: impl Fn(&DelayLine) -> bool) -> Vec<Short> {
    let short = case.lines.iter().filter(|line| is_short(line));
    short.map(|line| Short { line_id: line.line_id.clone(), paid: line.paid, refunded: line.refunded.max(0) }).collect()
}

/// The lines of which less is refunded than is owed, however much is asked for: they do not bear it.
pub fn short_lines(case: &DelayCase, on_record: impl Fn(&str) -> i64) -> Vec<Short> {
    let all = spread(case, i64::MAX, on_record);
    let told = owed(case).zip(&all);
    let short: Vec<&Episode> =
        told.filter(|((.., amount), late)| late.stated.saturating_add(late.new) < *amount).map(|((episode, ..), _)| episode).collect();
    shorts(case, |line| short.iter().any(|episode| is_about(episode, &line.line_id)))
}

/// What a person pays of a case's late refunds beyond what is on record: `refund` fen in all, of which that is stated again first, the rest line by
/// line; the lines that do not bear it where they do not.
pub fn pay(case: &DelayCase, refund: i64, on_record: impl Fn(&str) -> i64) -> Result<Vec<Intent>, Vec<Short>> {
    let spread = spread(case, refund, &on_record);
    let told = spread.iter().fold(0, |sum: i64, late| sum.saturating_add(late.stated).saturating_add(late.new));
    if told < refund { Err(short_lines(case, on_record)) } else { Ok(new_payments(&spread)) }
}

/// Whether the lines bear payments of a case's late refunds beside what was refunded before, each line no more than it cost; else those that
/// do not.
pub fn bear(case: &DelayCase, paid: &[Intent]) -> Result<(), Vec<Short>> {
    let refunds: Vec<&Intent> = paid.iter().filter(|intent| intent.payment == Payment::Refund && intent.amount > 0).collect();
    let parts: Vec<LinePart<'_>> = refunds.iter().map(|intent| LinePart::late(case, &intent.key, intent.amount)).collect();
    let refunded = |line: &str| case.lines.iter().find(|own| own.line_id == line).map_or(0, |own| own.refunded.max(0));
    let told = by_line(&parts, refunded);
    let of = |line: &str| told.iter().find(|own| own.line_id == line).map_or(0, |own| own.refunded);
    let left = |line: &DelayLine| line.paid.saturating_sub(line.refunded.max(0)).max(0).saturating_sub(of(&line.line_id));
    let beyond = |line: &DelayLine| left(line) < 0;
    let sum = told.iter().fold(0, |sum: i64, own| sum.saturating_add(own.refunded));
    let asked = refunds.iter().fold(0, |sum: i64, intent| sum.saturating_add(intent.amount));
    // What is of no line of the case is told of none.
    if sum >= asked && !case.lines.iter().any(beyond) {
        return Ok(());
    }
    // A refund of several lines is beyond one of them when it is beyond all.
    let is_of = |part: &LinePart<'_>, line: &DelayLine| part.lines.iter().any(|(own, _)| *own == line.line_id);
    let not_borne: Vec<&LinePart<'_>> =
        parts.iter().filter(|part| case.lines.iter().any(|line| beyond(line) && is_of(part, line))).collect();
    Err(shorts(case, |line| left(line) <= 0 && not_borne.iter().any(|part| is_of(part, line))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines as paid and refunded, episodes as lines, owed, paid and the case they name.
    fn case(lines: &[(i64, i64)], episodes: &[(&[usize], i64, i64, Option<&str>)]) -> DelayCase {
        let json = serde_json::json!({
            "order_id": "O",
            "lines": lines.iter().enumerate().map(|(at, (paid, refunded))| serde_json::json!({
                "line_id": format!("L{at}"), "paid": paid, "refunded": refunded
            })).collect::<Vec<_>>(),
            "episodes": episodes.iter().enumerate().map(|(at, (lines, owed, paid, _))| serde_json::json!({
                "episode_id": format!("e{at}"), "kind": "refund-processing", "basis_at": 1, "due": 2, "done": null, "merchant_marked_done": null,
                "cause": "merchant-ops", "cause_proven": "yes", "cause_began_at": null, "cause_notified_at": null,
                "line_ids": lines.iter().map(|line| format!("L{line}")).collect::<Vec<_>>(), "refund_owed": owed, "refund_paid": paid
            })).collect::<Vec<_>>(),
            "already": [], "demanded": null, "extortion_flag": "no",
            "attributes": episodes.iter().enumerate().filter_map(|(at, (.., named))| Some(serde_json::json!({
                "key": format!("after-sale-id:e{at}"), "value": (*named)?
            }))).collect::<Vec<_>>(),
        });
        serde_json::from_value(json).unwrap()
    }

    type OnRecord<'a> = &'a [(&'a str, i64)];

    fn of(on_record: OnRecord<'_>) -> impl Fn(&str) -> i64 {
        move |key| on_record.iter().find(|(own, _)| *own == key).map_or(0, |(_, amount)| *amount)
    }

    fn told(case: &DelayCase, total: i64, on_record: OnRecord<'_>) -> Vec<(i64, i64)> {
        spread(case, total, of(on_record)).into_iter().map(|late| (late.stated, late.new)).collect()
    }

    #[test]
    fn a_refund_is_what_is_stated_again_and_what_its_lines_bear() {
        let all = i64::MAX;
        // Nothing on record: what is left of the lines.
        assert_eq!(told(&case(&[(100, 0)], &[(&[0], 60, 0, None)]), all, &[]), [(0, 60)]);
        assert_eq!(told(&case(&[(100, 70)], &[(&[0], 60, 0, None)]), all, &[]), [(0, 30)]);
        // The same again; more than before; and another episode beside it.
        assert_eq!(told(&case(&[(60, 60)], &[(&[0], 60, 0, None)]), all, &[("O/e0", 60)]), [(60, 0)]);
        assert_eq!(told(&case(&[(60, 40)], &[(&[0], 60, 0, None)]), all, &[("O/e0", 40)]), [(40, 20)]);
        assert_eq!(told(&case(&[(60, 60)], &[(&[0], 30, 0, None), (&[0], 60, 0, None)]), all, &[("O/e1", 60)]), [(0, 0), (60, 0)]);
        // What was paid since is not owed, and nothing of it is stated again.
        assert_eq!(told(&case(&[(60, 60)], &[(&[0], 60, 60, None), (&[0], 60, 0, None)]), all, &[("O/e0", 60)]), [(0, 0), (0, 0)]);
        assert_eq!(told(&case(&[(60, 60)], &[(&[0], 60, 50, None), (&[0], 50, 0, None)]), all, &[("O/e0", 60)]), [(10, 0), (0, 0)]);
        // Under the name of a case, which has two episodes.
        let two: [(&[usize], i64, i64, Option<&str>); 2] = [(&[0], 40, 0, Some("AS")), (&[0], 40, 0, Some("AS"))];
        assert_eq!(told(&case(&[(100, 50)], &two), all, &[("AS", 50)]), [(40, 0), (10, 30)]);
        // A line bears what it cost, not what others did; who has few lines comes first.
        assert_eq!(told(&case(&[(90, 0), (1, 0)], &[(&[1], 80, 0, None), (&[0], 10, 0, None)]), all, &[]), [(0, 1), (0, 10)]);
        assert_eq!(told(&case(&[(50, 0), (50, 0)], &[(&[], 50, 0, None), (&[0], 50, 0, None)]), all, &[]), [(0, 50), (0, 50)]);
        // A smaller sum states again before it pays.
        assert_eq!(told(&case(&[(90, 30)], &[(&[0], 60, 0, None), (&[0], 30, 0, None)]), 40, &[("O/e1", 30)]), [(0, 10), (30, 0)]);
        assert_eq!(told(&case(&[(90, 30)], &[(&[0], 60, 0, None), (&[0], 30, 0, None)]), 20, &[("O/e1", 30)]), [(0, 0), (20, 0)]);
    }

    #[test]
    fn a_person_pays_each_line_what_it_bears_and_is_told_which_one_does_not() {
        let paid = |case: &DelayCase, refund: i64, on_record: OnRecord<'_>| {
            pay(case, refund, of(on_record))
                .map(|paid| paid.into_iter().map(|intent| (intent.key, intent.amount)).collect::<Vec<_>>())
                .map_err(|short| short.iter().map(Short::to_string).collect::<Vec<_>>())
        };
        let is = |paid: &[(&str, i64)]| Ok(paid.iter().map(|(key, amount)| ((*key).to_owned(), *amount)).collect::<Vec<_>>());
        // Together the lines would bear what is owed of the first alone.
        let two = case(&[(10, 0), (900, 0)], &[(&[0], 800, 0, None), (&[1], 100, 0, None)]);
        assert_eq!(paid(&two, 110, &[]), is(&[("O/e0", 10), ("O/e1", 100)]));
        assert_eq!(paid(&two, 60, &[]), is(&[("O/e0", 10), ("O/e1", 50)]));
        assert_eq!(paid(&two, 0, &[]), is(&[]));
        let short = |text: &str| Err(vec![text.to_owned()]);
        assert_eq!(paid(&two, 111, &[]), short("line `L0` cost 10 fen, 0 fen were refunded before, 10 fen are left"));
        // What was refunded since, and what is stated again.
        let since = case(&[(10, 4), (900, 0)], &[(&[0], 800, 0, None), (&[1], 100, 0, None)]);
        assert_eq!(paid(&since, 107, &[]), short("line `L0` cost 10 fen, 4 fen were refunded before, 6 fen are left"));
        assert_eq!(paid(&since, 110, &[("O/e0", 4)]), is(&[("O/e0", 6), ("O/e1", 100)]));
        let gone = case(&[(10, 12), (900, 0)], &[(&[0], 800, 0, None)]);
        assert_eq!(paid(&gone, 1, &[]), short("line `L0` cost 10 fen, 12 fen were refunded before, 0 fen are left"));
        // More than is owed is no matter of a line.
        assert_eq!(paid(&case(&[(10, 0)], &[(&[0], 5, 0, None)]), 6, &[]), Err(Vec::new()));
    }

    #[test]
    fn payments_of_late_refunds_are_borne_line_by_line() {
        let intent = |key: &str, amount: i64| Intent { key: key.into(), payment: Payment::Refund, amount, restates: true };
        let short = |case: &DelayCase, paid: &[Intent]| {
            bear(case, paid).map_err(|short| short.into_iter().map(|line| line.line_id).collect::<Vec<_>>())
        };
        let two = case(&[(10, 0), (900, 0)], &[(&[0], 800, 0, None), (&[0, 1], 800, 0, None)]);
        assert_eq!(short(&two, &[intent("O/e0", 10), intent("O/e1", 890)]), Ok(()));
        assert_eq!(short(&two, &[intent("O/e0", 11)]), Err(vec!["L0".to_owned()]));
        assert_eq!(short(&two, &[intent("O/e1", 911)]), Err(vec!["L0".to_owned(), "L1".to_owned()]));
        // Goodwill is of no line, and a refund that no line of the case is about is not borne at all.
        assert_eq!(short(&two, &[Intent { payment: Payment::Cash, ..intent("O/e0", 5_000) }]), Ok(()));
        assert_eq!(short(&two, &[intent("O/other", 1)]), Err(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_line_is_refunded_above_what_it_cost(
            lines in prop::collection::vec((0..100_i64, 0..120_i64), 1..4),
            episodes in prop::collection::vec((prop::collection::vec(0..4_usize, 0..3), 0..150_i64, 0..50_i64, 0..3_u8), 1..5),
            records in prop::collection::vec(0..120_i64, 7),
            total in 0..400_i64,
        ) {
            let names = ["A", "B"];
            let episodes: Vec<(Vec<usize>, i64, i64, Option<&str>)> = episodes
                .into_iter()
                .map(|(about, owed, paid, named)| {
                    (about.into_iter().map(|line| line % lines.len()).collect(), owed, paid, names.get(usize::from(named)).copied())
                })
                .collect();
            let given: Vec<(&[usize], i64, i64, Option<&str>)> =
                episodes.iter().map(|(about, owed, paid, named)| (about.as_slice(), *owed, *paid, *named)).collect();
            let case = case(&lines, &given);
            let keys = ["A", "B", "O/e0", "O/e1", "O/e2", "O/e3", "O/e4"];
            let on_record: Vec<(&str, i64)> = keys.into_iter().zip(records).collect();
            let spread = spread(&case, total, of(&on_record));
            let sum = |of: fn(&Late<'_>) -> i64| spread.iter().map(of).sum::<i64>();
            prop_assert!(sum(|late| late.stated + late.new) <= total);
            let left: i64 = lines.iter().map(|(paid, refunded)| (paid - refunded).max(0)).sum();
            prop_assert!(sum(|late| late.new) <= left);
            for (late, (episode, key, amount)) in spread.iter().zip(owed(&case)) {
                prop_assert!(late.stated >= 0 && late.new >= 0 && late.stated + late.new <= amount);
                prop_assert_eq!(&late.key, &key);
                prop_assert_eq!(late.episode, &episode.episode_id);
            }
            for (key, known) in &on_record {
                prop_assert!(spread.iter().filter(|late| late.key == *key).map(|late| late.stated).sum::<i64>() <= *known);
            }
            prop_assert_eq!(new_payments(&spread).iter().map(|intent| intent.amount).sum::<i64>(), sum(|late| late.new));
        }
    }
}
