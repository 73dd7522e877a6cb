//! What a version answers, as what can be compared: named aspects, each a word, an amount or an instant.

use ombud_rules::after_sale::{Account, Bill, requested, yuan};
use ombud_rules::civil::{DAY_MS, parse_iso_date};
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_rules::contract::blacklist::BlacklistRuling;
use ombud_rules::contract::delay::{CompForm, DelayCase, DelayRuling};
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

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// In the order in which people want to hear of them; what is empty or zero is left out.
    pub aspects: Vec<Aspect>,
    /// Awards of value beyond the first for one episode: one delay is paid twice.
    pub overlaps: u32,
}

impl View {
    /// The view of an answer.
    pub fn of(case: &Case, answer: &Result<Ruling, Fault>) -> Self {
        let mut view = Self { aspects: Vec::new(), overlaps: 0 };
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
        timeless(self).count() == timeless(other).count() && timeless(self).zip(timeless(other)).all(same)
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
        for (name, form) in [
            ("coupon", CompForm::Coupon),
            ("sample or gift", CompForm::SampleGift),
            ("cash", CompForm::CashRefund),
            ("solatium", CompForm::Solatium),
        ] {
            let sum = ruling.awards.iter().filter(|award| award.form == form);
            self.money(name, sum.fold(0, |sum: i64, award| sum.saturating_add(award.value)));
        }
        self.money("refund due", ruling.total_refund_due);
        self.word(TIERS, joined(ruling.awards.iter().map(|award| award.tier.as_str())));
        self.word("processing-order", ruling.processing_order.join(", "));
        let valued: Vec<&str> = ruling.awards.iter().filter(|award| award.value > 0).map(|award| award.episode_id.as_str()).collect();
        let twice = valued.iter().enumerate().filter(|(at, id)| valued.iter().take(*at).any(|earlier| earlier == *id)).count();
        self.overlaps = u32::try_from(twice).unwrap_or(u32::MAX);
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

/// Of what an amount may be a share, in fen, with the words for it.
pub fn bases(case: &Case) -> Vec<(&'static str, i64)> {
    match case {
        Case::AfterSale(case) => vec![
            ("of the goods money", goods_money(case)),
            ("of what may still be refunded", money::balance(&Case::AfterSale(case.clone())).unwrap_or(0)),
        ],
        Case::Delay(case) => vec![
            ("of the goods money", delayed_money(case)),
            ("of the refund owed", money::balance(&Case::Delay(case.clone())).unwrap_or(0)),
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
