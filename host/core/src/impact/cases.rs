//! Money of cases, each counted once on either side: a case that is decided when it is asked for, when it changes and when the goods are back
//! is paid once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};

use serde::{Deserialize, Serialize};

use super::bounded::Sum as _;
use super::report::BeforeAfter;
use super::stand::Money;
use crate::caps::Restated;
use crate::kind::Kind;
use crate::money::{Due, Intent, Payment};

/// Payments of a window that are told apart, and as many cases: some 150 bytes each. A window with more of them has no sums of cases.
pub const PAYMENTS_MAX: usize = 1 << 20;

/// What one side of a decision pays, promises or proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// When it falls due.
    pub due: Due,
    /// The payments that it names.
    pub intents: Vec<Intent>,
    /// What of them was on record before it, and is not paid anew.
    pub on_record: Vec<Restated>,
}

impl Stated {
    /// The payment of the same name.
    fn named(&self, intent: &Intent) -> Option<&Intent> {
        self.intents.iter().find(|own| (own.payment, &own.key) == (intent.payment, &intent.key))
    }

    /// What it says of the payment of that name.
    fn side(&self, intent: &Intent) -> Side {
        let amount = self.named(intent).map_or(0, |own| own.amount);
        match self.due {
            Due::Now => Side { paid: amount, ..Side::default() },
            Due::Later => Side { open: amount, promised: true, ..Side::default() },
            Due::Proposal => Side { open: amount, ..Side::default() },
        }
    }
}

/// Money of cases, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CasesLine {
    /// The kind; none for the whole.
    pub kind: Option<Kind>,
    /// Cases with money on either side: after-sales cases, and orders with delays.
    pub cases: u64,
    /// What the case's decisions pay at most, and what its last one promises or proposes beyond that.
    pub money: BeforeAfter,
}

/// A payment of one side, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    /// The most that a decision pays: what is stated again is paid once (CAP-03).
    paid: i64,
    /// What the newest decision that names it promises or proposes.
    open: i64,
    /// Whether that is promised.
    promised: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    kind: Kind,
    payment: Payment,
    /// The case of the newest decision that names it.
    case: u64,
    /// The place of that decision.
    seq: u64,
    /// The place of the oldest decision that names it.
    first: u64,
    /// What was on record before that one: paid before the window, or by what is not in it.
    base: i64,
    sides: [Side; 2],
}

/// Payments of a window by their names, and where each case was decided last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cases {
    /// None once there were more than are told apart.
    kept: Option<(HashMap<u64, Account>, HashMap<u64, u64>)>,
    payments_max: usize,
}

impl Cases {
    /// Of at most so many payments, and cases.
    pub(super) fn new(payments_max: usize) -> Self {
        Self { kept: Some((HashMap::new(), HashMap::new())), payments_max }
    }

    /// Adds a decision of a case: what is on record, and what the candidate says.
    pub(super) fn add(&mut self, kind: Kind, case: &str, seq: u64, [before, after]: [&Stated; 2]) {
        let Some((accounts, last)) = &mut self.kept else { return };
        let case = hash(&(kind, case));
        let newest = last.entry(case).or_default();
        *newest = seq.max(*newest);
        let others = after.intents.iter().filter(|intent| before.named(intent).is_none());
        for intent in before.intents.iter().chain(others) {
            let sides = [before, after].map(|stated| stated.side(intent));
            let name = intent.name();
            let base = before.on_record.iter().find(|own| own.intent == name).map_or(0, |own| own.amount.max(0));
            let account = Account { kind, payment: intent.payment, case, seq, first: seq, base, sides };
            merge(accounts, hash(&(&intent.key, intent.payment)), account);
        }
        self.bound();
    }

    /// Adds those of another part of the window.
    pub(super) fn merge(&mut self, other: Self) {
        match (&mut self.kept, other.kept) {
            (Some((accounts, last)), Some((others, others_last))) => {
                for (key, account) in others {
                    merge(accounts, key, account);
                }
                for (case, seq) in others_last {
                    let newest = last.entry(case).or_default();
                    *newest = seq.max(*newest);
                }
                self.bound();
            }
            (own, _) => *own = None,
        }
    }

    fn bound(&mut self) {
        let more = |(accounts, last): &(HashMap<_, _>, HashMap<_, _>)| accounts.len().max(last.len()) > self.payments_max;
        if self.kept.as_ref().is_some_and(more) {
            self.kept = None;
        }
    }

    /// The whole, then by kind; nothing where there are more payments than are told apart.
    pub(super) fn lines(&self) -> Vec<CasesLine> {
        let Some((accounts, last)) = &self.kept else { return Vec::new() };
        if last.is_empty() {
            return Vec::new();
        }
        let mut kinds: BTreeMap<Kind, (HashSet<u64>, BeforeAfter)> = BTreeMap::new();
        for account in accounts.values() {
            let is_last = last.get(&account.case) == Some(&account.seq);
            let [before, after] = account.sides.map(|side| side.money(account.payment, account.base, is_last));
            if before == Money::default() && after == Money::default() {
                continue;
            }
            let (cases, money) = kinds.entry(account.kind).or_default();
            cases.insert(account.case);
            money.before.add(before);
            money.after.add(after);
        }
        let mut whole = CasesLine::default();
        let mut lines = Vec::with_capacity(kinds.len() + 1);
        for (kind, (cases, money)) in kinds {
            let line = CasesLine { kind: Some(kind), cases: cases.len() as u64, money };
            whole.cases += line.cases;
            whole.money.before.add(money.before);
            whole.money.after.add(money.after);
            lines.push(line);
        }
        lines.insert(0, whole);
        lines
    }
}

impl Side {
    /// Its money beyond what was on record before; what is open counts if no later decision of the case leaves it out.
    fn money(self, payment: Payment, base: i64, is_last: bool) -> Money {
        let open = if is_last { self.open.saturating_sub(self.paid.max(base)).max(0) } else { 0 };
        let (promised, proposed) = if self.promised { (open, 0) } else { (0, open) };
        let amounts = |fen: i64| payment.amounts(fen);
        Money { paid: amounts(self.paid.saturating_sub(base).max(0)), promised: amounts(promised), proposed: amounts(proposed) }
    }
}

/// Adds what other decisions say of a payment. An after-sales case that is refunded late belongs to after-sales.
fn merge(accounts: &mut HashMap<u64, Account>, key: u64, other: Account) {
    let own = match accounts.entry(key) {
        Entry::Occupied(own) => own.into_mut(),
        Entry::Vacant(place) => {
            place.insert(other);
            return;
        }
    };
    let newer = if other.seq > own.seq { other } else { *own };
    let mut sides = newer.sides;
    for (side, (one, another)) in sides.iter_mut().zip(own.sides.iter().zip(&other.sides)) {
        side.paid = one.paid.max(another.paid);
    }
    let older = if other.first < own.first { other } else { *own };
    *own = Account { kind: own.kind.min(other.kind), first: older.first, base: older.base, sides, ..newer };
}

/// The same for the same names in every part of a window.
fn hash(of: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn refund(key: &str, amount: i64) -> (&str, Payment, i64) {
        (key, Payment::Refund, amount)
    }

    fn stated((due, intents): &(Due, Vec<(&str, Payment, i64)>)) -> Stated {
        let intent = |(key, payment, amount): &(&str, Payment, i64)| Intent {
            key: (*key).to_owned(),
            payment: *payment,
            amount: *amount,
            restates: false,
        };
        Stated { due: *due, intents: intents.iter().map(intent).collect(), on_record: Vec::new() }
    }

    type Said<'k> = (Due, Vec<(&'k str, Payment, i64)>);

    /// Decisions of one side in the order of the log, by kind and case; what they pay, promise and propose, in whatever order they are met.
    fn sums(decisions: &[(Kind, &str, Said<'_>)]) -> Vec<(Option<Kind>, u64, [i64; 3])> {
        let nothing = Stated { due: Due::Proposal, intents: Vec::new(), on_record: Vec::new() };
        let of = |backwards: bool| {
            let mut cases = Cases::new(PAYMENTS_MAX);
            let mut order: Vec<usize> = (0..decisions.len()).collect();
            if backwards {
                order.reverse();
            }
            for at in order {
                let (kind, case, said) = &decisions[at];
                cases.add(*kind, case, at as u64, [&stated(said), &nothing]);
            }
            cases.lines()
        };
        assert_eq!(of(false), of(true));
        let sum = |amounts: crate::money::Amounts| amounts.refund + amounts.goodwill();
        let line = |line: CasesLine| {
            assert_eq!(line.money.after, Money::default());
            let Money { paid, promised, proposed } = line.money.before;
            (line.kind, line.cases, [sum(paid), sum(promised), sum(proposed)])
        };
        of(false).into_iter().map(line).collect()
    }

    #[test]
    fn a_case_counts_once_by_what_its_decisions_come_to_together() {
        use Due::{Later, Now, Proposal};
        let case = |said: &[Said<'_>]| {
            let decisions: Vec<_> = said.iter().map(|said| (Kind::AfterSale, "AS1", said.clone())).collect();
            sums(&decisions)[0].2
        };
        let one = |due: Due, fen: i64| (due, vec![refund("AS1", fen)]);
        let none = (Proposal, Vec::new());
        assert_eq!(case(&[one(Later, 100)]), [0, 100, 0]);
        assert_eq!(case(&[one(Later, 100), one(Now, 100)]), [100, 0, 0], "the goods are back");
        assert_eq!(case(&[one(Proposal, 100), one(Later, 90), one(Now, 80)]), [80, 0, 0], "less than was promised");
        assert_eq!(case(&[one(Proposal, 100), none.clone()]), [0, 0, 0], "rejected at last");
        assert_eq!(case(&[none, one(Proposal, 100)]), [0, 0, 100]);
        assert_eq!(case(&[one(Now, 100), one(Proposal, 100)]), [100, 0, 0], "CAP-03 asks a person for what is paid already");
        assert_eq!(case(&[one(Now, 60), one(Proposal, 100)]), [60, 0, 40]);
        assert_eq!(case(&[one(Now, 60), one(Now, 60), one(Now, 70)]), [70, 0, 0], "stated again, and more");
        // Kinds that have no money leave no line but the whole's.
        assert_eq!(sums(&[(Kind::Reply, "t", (Proposal, Vec::new()))]), [(None, 0, [0, 0, 0])]);
        assert_eq!(Cases::new(1).lines(), []);
    }

    #[test]
    fn each_payment_of_a_delay_counts_once_and_a_late_refund_with_its_case() {
        let cash = |key, fen| (key, Payment::Cash, fen);
        let coupon = |key, fen| (key, Payment::Coupon, fen);
        let lines = sums(&[
            (Kind::Delay, "O1", (Due::Now, vec![coupon("O1/e1", 30)])),
            (Kind::Delay, "O1", (Due::Now, vec![coupon("O1/e1", 30), cash("O1/e1", 7), coupon("O1/e2", 5)])),
            (Kind::Delay, "O2", (Due::Proposal, vec![coupon("O2/e1", 11)])),
            (Kind::AfterSale, "AS1", (Due::Later, vec![refund("AS1", 100)])),
            (Kind::Delay, "O3", (Due::Now, vec![refund("AS1", 100), coupon("O3/e1", 2)])),
        ]);
        let expected = [(None, 4, [144, 0, 11]), (Some(Kind::AfterSale), 1, [100, 0, 0]), (Some(Kind::Delay), 3, [44, 0, 11])];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_was_on_record_before_the_window_is_not_paid_in_it() {
        let of = |decisions: &[(i64, Said<'_>, Said<'_>)]| {
            let mut cases = Cases::new(PAYMENTS_MAX);
            for (seq, (on_record, before, after)) in (0..).zip(decisions) {
                let known = vec![Restated { intent: "refund AS1".into(), amount: *on_record }];
                let side = |said: &Said<'_>| Stated { on_record: known.clone(), ..stated(said) };
                cases.add(Kind::Delay, "O1", seq, [&side(before), &side(after)]);
            }
            let money = cases.lines()[0].money;
            [money.before, money.after].map(|side| (side.paid.refund, side.proposed.refund))
        };
        let one = |due: Due, fen: i64| (due, vec![refund("AS1", fen)]);
        let (paid, waits) = (one(Due::Now, 600), one(Due::Proposal, 600));
        assert_eq!(of(&[(600, paid.clone(), waits.clone())]), [(0, 0), (0, 0)], "its own case had paid it");
        assert_eq!(of(&[(0, paid.clone(), waits.clone())]), [(600, 0), (0, 600)]);
        assert_eq!(of(&[(0, paid.clone(), paid.clone()), (600, paid.clone(), waits)]), [(600, 0), (600, 0)]);
        assert_eq!(of(&[(400, paid.clone(), paid), (600, one(Due::Now, 700), one(Due::Now, 700))]), [(300, 0), (300, 0)]);
    }

    #[test]
    fn so_many_payments_are_told_apart_and_no_more() {
        let one = |at: u64| stated(&(Due::Now, vec![refund(&format!("AS{at}"), 1)]));
        let of = |range: std::ops::Range<u64>| {
            let mut cases = Cases::new(4);
            range.for_each(|at| cases.add(Kind::AfterSale, &format!("AS{at}"), at, [&one(at), &one(at)]));
            cases
        };
        assert_eq!(of(0..4).lines()[0].cases, 4);
        assert_eq!(of(0..5).lines(), []);
        let merged = |one: std::ops::Range<u64>, other: std::ops::Range<u64>| {
            let mut cases = of(one);
            cases.merge(of(other));
            cases.lines()
        };
        assert_eq!(merged(0..2, 2..4)[0].cases, 4);
        assert_eq!(merged(0..2, 2..5), []);
        assert_eq!(merged(0..5, 0..1), []);
        assert_eq!(merged(0..1, 0..5), []);
    }
}
