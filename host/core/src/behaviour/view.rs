//! What a version answers, as what can be compared: named aspects, each a word, an amount or an instant.

use ombud_rules::after_sale::{Account, Bill, requested, yuan};
use ombud_rules::civil::{DAY_MS, parse_iso_date};
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_rules::contract::blacklist::BlacklistRuling;
use ombud_rules::contract::delay::{Award, CompForm, DelayCase, DelayRuling, Tier};
use ombud_rules::contract::reply::{Action, ReplyRuling};
use ombud_rules::contract::types::{Arg, InstantMs, Notes};

use crate::case::Case;
use crate::fault::Fault;
use crate::money;
use crate::ruling::Ruling;

/// What an aspect holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// A word or a list of words.
    Word(String),
    /// Fen.
    Money(i64),
    /// Epoch milliseconds.
    Instant(InstantMs),
    /// Numbers and times by what they are of, in the order of the answer.
    Figures(Vec<(String, Figure)>),
}

/// A number or a time within a text or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// As it stands.
    Number(i64),
    /// Epoch milliseconds.
    Instant(InstantMs),
}

/// One aspect: its name, and what it holds.
pub type Aspect = (&'static str, Sight);

/// The aspect every answer has.
pub const OUTCOME: &str = "outcome";
/// The rules that gave reasons.
const RULES: &str = "rules";
/// What those rules rest on.
const CITATIONS: &str = "citations";
/// What the customer is told.
const MESSAGES: &str = "messages";
/// The names of the tiers.
const TIERS: &str = "tiers";
/// Of what an amount is made up.
const BREAKDOWN: &str = "breakdown";
/// How many incidents counted.
const COUNTED: &str = "counted-incidents";
/// What an answer says about itself, beside what it does.
pub const QUIET: [&str; 6] = [RULES, CITATIONS, MESSAGES, TIERS, BREAKDOWN, COUNTED];

/// The forms of what a delay is paid in.
const FORMS: [(&str, CompForm); 4] = [
    ("coupon", CompForm::Coupon),
    ("sample or gift", CompForm::SampleGift),
    ("cash", CompForm::CashRefund),
    ("solatium", CompForm::Solatium),
];

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// In the order in which people want to hear of them; what is empty or zero is left out.
    pub aspects: Vec<Aspect>,
    /// The awards by which one delay is paid twice, in words; empty where none is.
    pub twice: String,
}

impl View {
    /// The view of an answer.
    pub fn of(case: &Case, answer: &Result<Ruling, Fault>) -> Self {
        let mut view = Self { aspects: Vec::new(), twice: String::new() };
        match (case, answer) {
            (_, Err(fault)) => view.word(OUTCOME, format!("fault: {}", fault.code)),
            (Case::AfterSale(_), Ok(Ruling::AfterSale(ruling))) => view.after_sale(ruling),
            (Case::Delay(_), Ok(Ruling::Delay(ruling))) => view.delay(ruling),
            (Case::Blacklist(_), Ok(Ruling::Blacklist(ruling))) => view.blacklist(ruling),
            (Case::Reply(_), Ok(Ruling::Reply(ruling))) => view.reply(ruling),
            (_, Ok(ruling)) => view.word(OUTCOME, format!("a ruling of kind {}", ruling.kind())),
        }
        if let Ok(ruling) = answer {
            view.notes(ruling.notes());
        }
        view
    }

    /// One aspect.
    pub fn get(&self, name: &str) -> Option<&Sight> {
        self.aspects.iter().find(|(own, _)| *own == name).map(|(_, sight)| sight)
    }

    /// The outcome.
    pub fn outcome(&self) -> &str {
        match self.get(OUTCOME) {
            Some(Sight::Word(word)) => word,
            _ => "",
        }
    }

    /// Every amount, added up.
    pub fn benefit(&self) -> i64 {
        self.aspects.iter().fold(0, |sum: i64, (_, sight)| match sight {
            Sight::Money(fen) => sum.saturating_add(*fen),
            _ => sum,
        })
    }

    /// Whether two answers say the same but for how much, how many and until when: an amount may grow with the goods money and
    /// still be the same share of it.
    pub fn like(&self, other: &Self) -> bool {
        let same = |(own, others): (&Aspect, &Aspect)| match (own, others) {
            ((name, Sight::Word(word)), (others_name, Sight::Word(others_word))) => name == others_name && word == others_word,
            ((name, Sight::Money(_)), (others_name, Sight::Money(_))) => name == others_name,
            _ => false,
        };
        fn timeless(view: &View) -> impl Iterator<Item = &Aspect> {
            view.aspects.iter().filter(|(_, sight)| !matches!(sight, Sight::Instant(_) | Sight::Figures(_)))
        }
        self.twice == other.twice && timeless(self).count() == timeless(other).count() && timeless(self).zip(timeless(other)).all(same)
    }

    fn word(&mut self, name: &'static str, word: impl Into<String>) {
        let word: String = word.into();
        if !word.is_empty() {
            self.aspects.push((name, Sight::Word(word)));
        }
    }

    fn money(&mut self, name: &'static str, fen: i64) {
        if fen != 0 {
            self.aspects.push((name, Sight::Money(fen)));
        }
    }

    fn instant(&mut self, name: &'static str, instant: Option<InstantMs>) {
        self.aspects.extend(instant.map(|instant| (name, Sight::Instant(instant))));
    }

    fn figures(&mut self, name: &'static str, figures: Vec<(String, Figure)>) {
        if !figures.is_empty() {
            self.aspects.push((name, Sight::Figures(figures)));
        }
    }

    fn after_sale(&mut self, ruling: &AfterSaleRuling) {
        self.word(OUTCOME, ruling.outcome.as_str());
        self.money("refund", ruling.refund);
        self.word("return-freight", ruling.return_freight.as_str());
        self.word("options", joined(ruling.options.iter().map(|option| option.as_str())));
        self.word("missing-evidence", ruling.missing_evidence.join(", "));
        self.instant("window-deadline", ruling.window_deadline);
        self.instant("refund-deadline", ruling.refund_deadline);
        self.word(BREAKDOWN, joined(ruling.breakdown.iter().map(|line| line.code.as_str())));
    }

    fn delay(&mut self, ruling: &DelayRuling) {
        self.word(OUTCOME, ruling.outcome.as_str());
        for (name, form) in FORMS {
            let sum = ruling.awards.iter().filter(|award| award.form == form);
            self.money(name, sum.fold(0, |sum: i64, award| sum.saturating_add(award.value)));
        }
        self.money("refund due", ruling.total_refund_due);
        self.word(TIERS, joined(ruling.awards.iter().map(|award| award.tier.as_str())));
        self.word("processing-order", ruling.processing_order.join(", "));
        let valued: Vec<&Award> = ruling.awards.iter().filter(|award| award.value > 0).collect();
        let again = |(at, award): &(usize, &&Award)| valued.iter().take(*at).any(|earlier| pay_twice(earlier, award));
        let twice = valued.iter().enumerate().filter(again).flat_map(|(at, award)| {
            let earlier = valued.iter().take(at).filter(|earlier| pay_twice(earlier, award));
            earlier.chain([award]).map(|award| named(award)).collect::<Vec<_>>()
        });
        self.twice = twice.collect::<Vec<_>>().join(" and ");
    }

    fn blacklist(&mut self, ruling: &BlacklistRuling) {
        self.word(OUTCOME, ruling.outcome.as_str());
        self.word("measure", ruling.measure.as_str());
        self.word("next-role", ruling.next_role.map(|role| role.as_str()).unwrap_or_default());
        self.word("missing", ruling.missing.join(", "));
        self.instant("review-by", ruling.review_by);
        self.word(COUNTED, ruling.counted_incidents.to_string());
    }

    fn reply(&mut self, ruling: &ReplyRuling) {
        self.word(OUTCOME, ruling.verdict.as_str());
        let counted = ruling.findings.iter().filter(|finding| finding.action != Action::None);
        self.word("findings", joined(counted.map(|finding| format!("{} {} “{}”", finding.rule, finding.action, finding.matched))));
        self.word("masked-text", ruling.masked_text.clone());
    }

    fn notes(&mut self, notes: &Notes) {
        self.word("approvals", joined(notes.approvals.iter().map(|approval| approval.role.as_str())));
        self.word("obligations", joined(notes.obligations.iter().map(|obligation| obligation.action.as_str())));
        self.word("alerts", joined(notes.alerts.iter().map(|alert| alert.code.as_str())));
        self.word(RULES, joined(notes.reasons.iter().map(|reason| reason.rule.as_str())));
        let citations = notes.reasons.iter().flat_map(|reason| &reason.citations);
        self.word(CITATIONS, joined(citations.map(|citation| format!("{} {}", citation.source, citation.locator))));
        self.word(MESSAGES, joined(notes.messages.iter().map(|message| message.key.as_str())));
        let due = |of: &str, due: Option<InstantMs>| due.map(|due| (of.to_owned(), Figure::Instant(due)));
        let approvals = notes.approvals.iter().filter_map(|approval| due(approval.role.as_str(), approval.due));
        let obligations = notes.obligations.iter().flat_map(|obligation| {
            due(&obligation.action, obligation.due).into_iter().chain(figures(&obligation.action, &obligation.args))
        });
        self.figures("due", approvals.chain(obligations).collect());
        self.figures("told", notes.messages.iter().flat_map(|message| figures(&message.key, &message.args)).collect());
    }
}

/// Whether two awards pay one delay twice: by two rungs of the ladder, or in the same form. One rung may be given in two forms, of which the
/// tier that they share is the sign, and what the platform prescribes at least stands beside a rung in no tier of its own.
fn pay_twice(one: &Award, next: &Award) -> bool {
    let rungs = (one.tier == Tier::None) == (next.tier == Tier::None) && (one.tier != next.tier || one.tier == Tier::None);
    one.episode_id == next.episode_id && (one.form == next.form || rungs)
}

fn named(award: &Award) -> String {
    let form = FORMS.iter().find(|(_, form)| *form == award.form).map_or("award", |(name, _)| name);
    if award.tier == Tier::None { form.to_owned() } else { format!("{} {form}", award.tier.as_str()) }
}

/// Whole numbers and dates among arguments. Amounts are aspects of their own, and words are the message's.
fn figures(of: &str, args: &[Arg]) -> Vec<(String, Figure)> {
    let figure = |value: &str| match parse_iso_date(value) {
        Some(day) => Some(Figure::Instant(i64::from(day) * DAY_MS)),
        None => value.parse().ok().map(Figure::Number),
    };
    args.iter().filter_map(|arg| Some((format!("{of} {}", arg.key), figure(&arg.value)?))).collect()
}

fn joined<T: AsRef<str>>(words: impl Iterator<Item = T>) -> String {
    let mut joined = String::new();
    for word in words {
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(word.as_ref());
    }
    joined
}

/// An amount in yuan.
pub fn in_yuan(fen: i64) -> String {
    format!("¥{}", yuan(fen))
}

/// Of what an amount may be a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// In words.
    pub words: &'static str,
    /// In fen.
    pub fen: i64,
    /// Where the money stands of which it is made up.
    pub under: &'static str,
}

/// Of what the amounts of answers to a case may be shares; of one kind always as many.
pub fn bases(case: &Case) -> Vec<Basis> {
    let basis = |words, fen, under| Basis { words, fen, under };
    let balance = || money::balance(case).unwrap_or(0);
    match case {
        Case::AfterSale(facts) => vec![
            basis("of the goods money", goods_money(facts), "/case/order/lines/"),
            basis("of what may still be refunded", balance(), "/case/order/lines/"),
            basis("of the amount asked for", facts.requested_amount.unwrap_or(0), "/case/requested_amount"),
        ],
        Case::Delay(facts) => vec![
            basis("of the goods money", delayed_money(facts), "/case/lines/"),
            basis("of the refund owed", balance(), "/case/episodes/"),
        ],
        Case::Blacklist(_) | Case::Reply(_) => Vec::new(),
    }
}

/// The price of the units asked for, as paid.
fn goods_money(case: &AfterSaleCase) -> i64 {
    let Some(lines) = requested(case) else { return 0 };
    let bill = Bill::of(&case.order);
    Account { order: &case.order, bill: &bill, lines: &lines }.price()
}

fn delayed_money(case: &DelayCase) -> i64 {
    case.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.paid.saturating_sub(line.refunded)))
}
