//! What a ruling pays, promises or proposes, in fen, and which payments it stands for.

mod late;
mod lines;
#[cfg(test)]
mod sequences;
mod told;

use ombud_rules::after_sale::{Account, Bill, largest_remainder, requested, yuan};
use ombud_rules::contract::after_sale::{self, AfterSaleCase};
use ombud_rules::contract::delay::{self, Award, CompForm, DelayCase, DelayKind, DelayLine, Episode};
use ombud_rules::contract::types::Attribute;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::edition::Edition;
use crate::kind::Kind;
use crate::ruling::Ruling;

pub use late::{Late, Short, bear, episodes_of, late_keys, new_payments, pay, short_lines, spread, spread_beside, spread_bounded};
pub use lines::{LinePart, by_line, line_refunds};
pub(crate) use told::REFUND_ALONE;
pub use told::tell_late;

/// When the money of a ruling falls due (domain policies 5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Paid without a person: approve-refund-only, approve-partial-refund, refund-now, compensate.
    Now,
    /// Promised for later: approve-return-refund, intercept-then-refund.
    Later,
    /// A proposal to a person, or no money at all.
    Proposal,
}

/// The amounts of a ruling in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Amounts {
    /// Goods money and freight given back.
    pub refund: i64,
    /// Goodwill in cash: percentage refunds and solatia.
    pub cash: i64,
    /// Goodwill at face value: coupons and samples.
    pub coupon: i64,
}

impl Amounts {
    /// Cash and face value together.
    pub const fn goodwill(&self) -> i64 {
        self.cash.saturating_add(self.coupon)
    }

    /// Whether any amount is above zero.
    pub const fn any(&self) -> bool {
        self.refund > 0 || self.cash > 0 || self.coupon > 0
    }
}

/// What kind of payment an intent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payment {
    /// A refund of goods money or freight.
    Refund,
    /// Goodwill in cash.
    Cash,
    /// A coupon or a sample.
    Coupon,
}

impl Payment {
    /// As what a form of compensation is paid.
    pub const fn of(form: CompForm) -> Option<Self> {
        match form {
            CompForm::CashRefund | CompForm::Solatium => Some(Self::Cash),
            CompForm::Coupon | CompForm::SampleGift => Some(Self::Coupon),
            CompForm::None => None,
        }
    }

    /// So much of it in fen.
    pub const fn amounts(self, fen: i64) -> Amounts {
        let none = Amounts { refund: 0, cash: 0, coupon: 0 };
        match self {
            Self::Refund => Amounts { refund: fen, ..none },
            Self::Cash => Amounts { cash: fen, ..none },
            Self::Coupon => Amounts { coupon: fen, ..none },
        }
    }

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Cash => "cash",
            Self::Coupon => "coupon",
        }
    }
}

/// One intended payment: CAP-03 lets each key be paid once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Intent {
    /// After-sale id, or order id and episode id.
    pub key: String,
    /// What is paid.
    pub payment: Payment,
    /// Fen, above zero.
    pub amount: i64,
    /// Restates a payment that may have been decided before but was never made: up to the amount on record it counts nothing
    /// and breaches nothing, what is above is paid as well.
    pub restates: bool,
}

impl Intent {
    /// `PAYMENT KEY`: unique for a merchant.
    pub fn name(&self) -> String {
        format!("{} {}", self.payment.as_str(), self.key)
    }
}

/// When the money of this ruling falls due.
pub const fn due(ruling: &Ruling) -> Due {
    match ruling {
        Ruling::AfterSale(ruling) => due_after_sale(ruling.outcome),
        Ruling::Delay(ruling) => due_delay(ruling.outcome),
        Ruling::Blacklist(_) | Ruling::Reply(_) => Due::Proposal,
    }
}

/// When the money of an outcome falls due, by the outcome's wire name; no money follows from another word.
pub fn due_of(kind: Kind, outcome: &str) -> Due {
    let due = match kind {
        Kind::AfterSale => after_sale::Outcome::parse(outcome).map(due_after_sale),
        Kind::Delay => delay::Outcome::parse(outcome).map(due_delay),
        Kind::Blacklist | Kind::Reply => None,
    };
    due.unwrap_or(Due::Proposal)
}

const fn due_after_sale(outcome: after_sale::Outcome) -> Due {
    use after_sale::Outcome as A;
    match outcome {
        A::ApproveRefundOnly | A::ApprovePartialRefund | A::RefundNow => Due::Now,
        A::ApproveReturnRefund | A::InterceptThenRefund => Due::Later,
        _ => Due::Proposal,
    }
}

const fn due_delay(outcome: delay::Outcome) -> Due {
    match outcome {
        delay::Outcome::Compensate => Due::Now,
        _ => Due::Proposal,
    }
}

/// The amounts a ruling names, whenever they fall due.
pub fn amounts(ruling: &Ruling) -> Amounts {
    match ruling {
        Ruling::AfterSale(ruling) => Amounts { refund: ruling.refund, ..Amounts::default() },
        Ruling::Delay(ruling) => Amounts { refund: ruling.total_refund_due, cash: ruling.total_cash, coupon: ruling.total_coupon },
        Ruling::Blacklist(_) | Ruling::Reply(_) => Amounts::default(),
    }
}

/// The order that the money belongs to.
pub fn order_id(case: &Case) -> Option<&str> {
    match case {
        Case::AfterSale(case) => Some(&case.order.order_id),
        Case::Delay(case) => Some(&case.order_id),
        Case::Blacklist(_) | Case::Reply(_) => None,
    }
}

/// What may still be refunded, in fen (CAP-01); none where a kind pays no refund.
pub fn balance(case: &Case) -> Option<i64> {
    match case {
        Case::AfterSale(case) => Some(after_sale_balance(case)),
        Case::Delay(case) => Some(refund_owed(case)),
        Case::Blacklist(_) | Case::Reply(_) => None,
    }
}

/// What [`Account::balance`] says of the requested lines; a case with unknown lines has none.
fn after_sale_balance(case: &AfterSaleCase) -> i64 {
    let Some(lines) = requested(case) else { return 0 };
    let bill = Bill::of(&case.order);
    Account { order: &case.order, bill: &bill, lines: &lines }.balance()
}

/// Σ max(0, owed − paid) of the refund episodes.
fn refund_owed(case: &DelayCase) -> i64 {
    case.episodes
        .iter()
        .filter(|episode| episode.kind == DelayKind::RefundProcessing)
        .fold(0, |sum: i64, episode| sum.saturating_add(episode.refund_owed.saturating_sub(episode.refund_paid).max(0)))
}

/// What a delay's late refunds may come to, in fen (CAP-01), in the second edition: what is left of the lines that they are about, Σ max(0, paid − refunded), and what
/// `stated` says of each refund that is on record already: an after-sales case was paid what its lines say was refunded. What merely states
/// again what is on record stays. An episode that names no line is about all of them.
pub fn delayed_balance(case: &DelayCase, stated: impl Fn(&Intent) -> i64) -> i64 {
    let late: Vec<&Episode> = case.episodes.iter().filter(|episode| episode.kind == DelayKind::RefundProcessing).collect();
    let is_late = |line: &&DelayLine| late.iter().any(|episode| episode.line_ids.is_empty() || episode.line_ids.contains(&line.line_id));
    let sum = |of: fn(&DelayLine) -> i64| case.lines.iter().filter(is_late).map(of).fold(0, i64::saturating_add);
    let (left, refunded) = (sum(|line| line.paid.saturating_sub(line.refunded).max(0)), sum(|line| line.refunded.max(0)));
    let (mut of_cases, mut all) = (0, 0);
    for intent in delay_refunds(case, i64::MAX) {
        let stated: i64 = stated(&intent);
        all = stated.saturating_add(all);
        of_cases = if episode_of(&case.order_id, &intent.key).is_none() { stated.saturating_add(of_cases) } else { of_cases };
    }
    refund_owed(case).min(left.saturating_add(of_cases.min(refunded)).max(all))
}

/// The episode that an intent's key names, if it goes by an episode of this order.
pub fn episode_of<'k>(order: &str, key: &'k str) -> Option<&'k str> {
    key.strip_prefix(order)?.strip_prefix('/')
}

/// What an award of a delay gives, whoever read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awarded<'a> {
    /// The episode's id.
    pub episode: &'a str,
    /// The form.
    pub form: CompForm,
    /// Fen.
    pub value: i64,
}

/// The payments that a ruling whose money is due stands for.
pub fn intents(case: &Case, ruling: &Ruling) -> Vec<Intent> {
    let (refund, awards) = match ruling {
        Ruling::AfterSale(ruling) => (ruling.refund, &[][..]),
        Ruling::Delay(ruling) => (ruling.total_refund_due, &ruling.awards[..]),
        Ruling::Blacklist(_) | Ruling::Reply(_) => return Vec::new(),
    };
    let awarded = awards.iter().map(|award| Awarded { episode: &award.episode_id, form: award.form, value: award.value });
    payments(case, refund, awarded)
}

/// The same of a ruling of which only its refund, in fen, and its awards are known.
pub fn payments<'a>(case: &Case, refund: i64, awards: impl IntoIterator<Item = Awarded<'a>>) -> Vec<Intent> {
    match case {
        Case::AfterSale(case) if refund > 0 => {
            vec![Intent { key: case.after_sale_id.clone(), payment: Payment::Refund, amount: refund, restates: false }]
        }
        Case::Delay(case) => delay_payments(case, refund, awards),
        Case::AfterSale(_) | Case::Blacklist(_) | Case::Reply(_) => Vec::new(),
    }
}

/// The attribute of a delay case by which a refund episode names its after-sale case: `after-sale-id:EPISODE`.
pub const EPISODE_AFTER_SALE: &str = "after-sale-id:";

fn delay_payments<'a>(case: &DelayCase, refund: i64, awards: impl IntoIterator<Item = Awarded<'a>>) -> Vec<Intent> {
    let mut intents = Vec::new();
    for award in awards {
        let key = format!("{}/{}", case.order_id, award.episode);
        if let Some(payment) = Payment::of(award.form).filter(|_| award.value > 0) {
            intents.push(Intent { key, payment, amount: award.value, restates: false });
        }
    }
    intents.extend(delay_refunds(case, refund));
    intents.sort();
    // A ruling may award one episode twice, as a percentage and a solatium: that is one intent, for CAP-03 pays each key once.
    intents.dedup_by(|next, kept| {
        let same = (&next.key, next.payment) == (&kept.key, kept.payment);
        if same {
            kept.amount = kept.amount.saturating_add(next.amount);
        }
        same
    });
    intents
}

/// The payments of a refund that is late, spread over its episodes in the order of the case: one for all episodes of an after-sales case.
pub fn delay_refunds(case: &DelayCase, refund: i64) -> Vec<Intent> {
    let mut left = refund;
    let mut intents: Vec<Intent> = Vec::new();
    for episode in case.episodes.iter().filter(|episode| episode.kind == DelayKind::RefundProcessing) {
        let amount = episode.refund_owed.saturating_sub(episode.refund_paid).clamp(0, left.max(0));
        if amount == 0 {
            continue;
        }
        left -= amount;
        let named = after_sale_of(case, &episode.episode_id);
        let key = named.map_or_else(|| format!("{}/{}", case.order_id, episode.episode_id), str::to_owned);
        match intents.iter_mut().find(|intent| intent.key == key) {
            Some(intent) => intent.amount = intent.amount.saturating_add(amount),
            None => intents.push(Intent { key, payment: Payment::Refund, amount, restates: true }),
        }
    }
    intents
}

/// The after-sales case whose refund an episode is about, where the case names one.
pub fn after_sale_of<'c>(case: &'c DelayCase, episode: &str) -> Option<&'c str> {
    let names = |attribute: &&Attribute| attribute.key.strip_prefix(EPISODE_AFTER_SALE) == Some(episode) && !attribute.value.is_empty();
    case.attributes.iter().find(names).map(|attribute| attribute.value.as_str())
}

/// Lowers the refund of a ruling to `refund` fen and keeps its parts consistent. In the first edition a delay's words kept the amounts they had;
/// since the third its awards are told as `late` spreads it, before that each was lowered by its share.
pub fn lower_refund(ruling: &mut Ruling, refund: i64, edition: Edition, late: &[Late<'_>]) {
    match ruling {
        Ruling::AfterSale(ruling) => {
            let parts: Vec<i64> =
                ruling.breakdown.iter().map(|line| if line.code.ends_with("-in-kind") { 0 } else { line.amount.max(0) }).collect();
            let shares = largest_remainder(refund, &parts);
            for (line, share) in ruling.breakdown.iter_mut().zip(shares).filter(|(line, _)| !line.code.ends_with("-in-kind")) {
                line.amount = share;
            }
            // What the customer and the agent are told is the amount that is paid.
            let (before, after) = (yuan(ruling.refund), yuan(refund));
            let messages = ruling.notes.messages.iter_mut().flat_map(|message| &mut message.args);
            let obligations = ruling.notes.obligations.iter_mut().flat_map(|obligation| &mut obligation.args);
            for arg in messages.chain(obligations).filter(|arg| arg.value == before) {
                arg.value.clone_from(&after);
            }
            ruling.refund = refund;
        }
        Ruling::Delay(ruling) => {
            let parts: Vec<i64> = ruling.awards.iter().map(|award| award.refund_due.max(0)).collect();
            let of =
                |episode: &str| late.iter().find(|late| late.episode == episode).map_or(0, |late| late.stated.saturating_add(late.new));
            let shares: Vec<i64> = match edition {
                Edition::First | Edition::Second => largest_remainder(refund, &parts),
                Edition::Third | Edition::Fourth => {
                    ruling.awards.iter().zip(&parts).map(|(award, due)| of(&award.episode_id).min(*due)).collect()
                }
            };
            let pairs = parts.iter().copied().zip(shares.iter().copied());
            let total = (ruling.total_refund_due, refund);
            match edition {
                Edition::First => {}
                Edition::Second => told::retell(&mut ruling.notes, &pairs.chain([total]).collect::<Vec<_>>()),
                Edition::Third | Edition::Fourth => {
                    let lowered =
                        |(award, (before, after)): (&Award, (i64, i64))| told::Lowered { episode: award.episode_id.clone(), before, after };
                    let mut lowered: Vec<told::Lowered> = ruling.awards.iter().zip(pairs).map(lowered).collect();
                    // Two awards of one episode name its refund twice and pay it once.
                    lowered.dedup_by(|next, kept| next.episode == kept.episode);
                    told::retell_each(&mut ruling.notes, &lowered, total);
                }
            }
            for (award, share) in ruling.awards.iter_mut().zip(shares) {
                award.refund_due = share;
            }
            ruling.total_refund_due = refund;
        }
        Ruling::Blacklist(_) | Ruling::Reply(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ombud_rules::review::Review;

    use crate::call_limits::CallLimits;
    use crate::caps::CapLimits;
    use crate::chain::judge;
    use crate::decision::{Counted, Decision, Terms, conclude};
    use crate::fallback::Fallbacks;

    /// A late refund of ¥150 of lines that cost so much, and what is left of it after the caps.
    fn late(paid: i64, edition: Edition) -> (Decision, Vec<Intent>) {
        let cases = crate::golden::load(include_str!("../../../tests/cases/guardrail-cases.yaml")).unwrap();
        let given = cases.into_iter().find(|case| case.id == "GC-39").unwrap().given;
        let crate::golden::Given::ReviewDelay(ctx, mut case, ruling) = given else { panic!() };
        case.lines.truncate(1);
        case.lines[0].paid = paid;
        let case = Case::Delay(case);
        let terms = Terms {
            caps: CapLimits::default(),
            currency: "CNY".into(),
            fallback: Fallbacks::default(),
            limits: CallLimits::default(),
            edition,
        };
        let judged = judge(&case, &Ok(Ruling::Delay(ruling)), Some(&Ok(Review::Uphold)), &terms.fallback, ctx.now);
        conclude(&case, judged, None, &terms, &Counted::default(), (&ctx).into())
    }

    #[test]
    fn a_late_refund_is_held_against_its_lines_since_the_second_edition() {
        for (paid, edition, refund, cap) in [
            (15_000, Edition::Second, 15_000, None),
            (14_999, Edition::Second, 14_999, Some("CAP-01")),
            (1, Edition::Second, 1, Some("CAP-01")),
            // As records of earlier releases have it.
            (1, Edition::First, 15_000, None),
        ] {
            let (decision, intents) = late(paid, edition);
            let breached: Vec<&str> = decision.caps.breaches.iter().map(|mark| mark.cap.as_str()).collect();
            assert_eq!((decision.amounts.refund, breached), (refund, cap.into_iter().collect()), "{paid} {edition:?}");
            let refunds = intents.iter().filter(|intent| intent.payment == Payment::Refund).map(|intent| intent.amount).sum::<i64>();
            assert_eq!(refunds, refund);
        }
    }

    #[test]
    fn two_awards_of_one_episode_and_form_of_payment_are_one_intent() {
        let cases = crate::golden::load(include_str!("../../../tests/cases/guardrail-cases.yaml")).unwrap();
        let given = cases.into_iter().find(|case| case.id == "GC-39").unwrap().given;
        let crate::golden::Given::ReviewDelay(_, case, mut ruling) = given else { panic!() };
        let solatium = ruling.awards[0].clone();
        ruling.awards.push(Award { form: CompForm::CashRefund, value: 700, ..solatium });
        let intents: Vec<(Payment, i64)> =
            intents(&Case::Delay(case), &Ruling::Delay(ruling)).iter().map(|intent| (intent.payment, intent.amount)).collect();
        assert_eq!(intents, [(Payment::Refund, 15_000), (Payment::Cash, 5_700)]);
    }
}
