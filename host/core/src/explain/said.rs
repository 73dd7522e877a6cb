//! The messages of a decision, as far as they are true of what stands: what the ruling's templates say of the money is held against the money
//! that is paid, and what they leave out is added.
//!
//! The texts on record stay as they are: an explanation is made anew each time.

use ombud_rules::contract::types::{Arg, Message, ReasonKind};

use super::outcomes::{SETTLED, Told};
use super::paid;
use super::recorded::RecordedDecision;
use super::text::yuan;
use crate::case::Case;
use crate::decision::DecisionMessage;
use crate::messages::{self, Locale};
use crate::money::{Due, REFUND_ALONE};
use crate::ruling::Ruling;

/// Where a delayed refund stands that is not paid yet, as the default policies say it.
const REFUND_IN_PROGRESS: &str = "退款处理中";

/// What becomes of a message.
enum Said {
    /// Its text on record is true.
    AsRecorded,
    /// It is true of other amounts.
    Instead(Message),
    /// In other words.
    InWords(String),
    /// It is not true of what stands.
    Not,
}

/// The messages of a decision that nobody changed since.
pub(super) fn messages(recorded: &RecordedDecision, told: Told<'_>, locale: Locale) -> Vec<String> {
    let decision = &recorded.decision;
    let mut written = decision.messages.iter().peekable();
    let mut open = Open::of(&decision.ruling);
    let mut said: Vec<String> = Vec::new();
    for message in &decision.ruling.notes().messages {
        // A message that no template knows has no text.
        let Some(text) = written.next_if(|own| own.key == message.key) else { continue };
        // The explanation states the basis itself.
        if message.key.starts_with(messages::EXPLANATION) {
            continue;
        }
        let names_amount = message.args.iter().any(is_amount);
        let text = match judge(recorded, told, message, &mut open, locale) {
            Said::AsRecorded => Some(text_of(text, locale)),
            Said::Instead(message) => messages::render(&message, locale.tag()),
            Said::InWords(words) => Some(words),
            Said::Not => None,
        };
        // Two late refunds of the same amount are two; where things stand is said once.
        said.extend(text.filter(|text| names_amount || !said.contains(text)));
    }
    if decision.due == Due::Now {
        said.extend(open.refunds.iter().map(|fen| late_refund(&yuan(*fen), locale)));
    }
    said
}

fn late_refund(yuan: &str, locale: Locale) -> String {
    match locale {
        Locale::ZhCn => format!("一笔延误的退款{yuan}元正在办理，原路退回。"),
        Locale::En => format!("A late refund of ¥{yuan} is being made to the original payment method."),
    }
}

fn text_of(message: &DecisionMessage, locale: Locale) -> String {
    match locale {
        Locale::ZhCn => message.zh_cn.clone(),
        Locale::En => message.en.clone(),
    }
}

fn judge(recorded: &RecordedDecision, told: Told<'_>, message: &Message, open: &mut Open, locale: Locale) -> Said {
    let decision = &recorded.decision;
    let names_amount = message.args.iter().any(is_amount);
    // A person decides it first, or nothing is paid.
    if names_amount && decision.due == Due::Proposal {
        return Said::Not;
    }
    let in_progress = message.args.iter().any(|arg| arg.value == REFUND_IN_PROGRESS);
    if in_progress && paid::lowered(recorded) && decision.amounts.refund == 0 {
        return Said::Not;
    }
    match &decision.ruling {
        Ruling::AfterSale(ruling) => match message.args.iter().find(|arg| is_refund(arg)) {
            None => in_words(recorded, message, locale),
            Some(_) if ruling.refund <= 0 || told == Told::NothingDue => Said::Not,
            Some(arg) if arg.value == yuan(ruling.refund) => Said::AsRecorded,
            Some(_) => {
                let mut now = message.clone();
                now.args.iter_mut().filter(|arg| is_refund(arg)).for_each(|arg| arg.value = yuan(ruling.refund));
                Said::Instead(now)
            }
        },
        Ruling::Delay(_) if names_amount => match message.args.iter().find(|arg| is_refund(arg)) {
            _ if !open.take(message) => Said::Not,
            Some(refund) if message.key == REFUND_ALONE => Said::InWords(late_refund(&refund.value, locale)),
            _ => Said::AsRecorded,
        },
        _ => Said::AsRecorded,
    }
}

/// Templates whose words fit some of the requests only that they are used for.
fn in_words(recorded: &RecordedDecision, message: &Message, locale: Locale) -> Said {
    let reason = match &recorded.case {
        Some(Case::AfterSale(case)) => Some(case.reason),
        _ => None,
    };
    let arg = |key: &str| message.args.iter().find(|arg| arg.key == key).map_or("", |arg| &arg.value);
    let (zh, en) = match (message.key.as_str(), reason) {
        ("as.resend", Some(ReasonKind::NotReceived)) => {
            ("未收到的商品将为您重新寄出。".to_owned(), "The goods that did not arrive will be sent again.".to_owned())
        }
        ("as.resend", reason) if reason != Some(ReasonKind::MissingItem) => {
            ("将为您补寄需要更换的商品或部件。".to_owned(), "We will send the goods or the part that is to be replaced.".to_owned())
        }
        ("as.exchange.guide", reason) if reason != Some(ReasonKind::WrongItem) => (
            format!("我们会寄送换货商品，您无需承担额外运费，预计{}天内完成。", arg("days")),
            format!("We will send the replacement at no extra freight, expected within {} days.", arg("days")),
        ),
        (SETTLED, _) => (
            "您申请的商品此前已经退回或退款，无需再次申请。".to_owned(),
            "The goods of this request were returned or refunded before; there is nothing left to request.".to_owned(),
        ),
        _ => return Said::AsRecorded,
    };
    Said::InWords(if locale == Locale::ZhCn { zh } else { en })
}

fn is_refund(arg: &Arg) -> bool {
    arg.key == "refund"
}

fn is_amount(arg: &Arg) -> bool {
    is_refund(arg) || arg.key == "amount"
}

/// What a delay's awards pay and no message has named yet, in fen.
struct Open {
    refunds: Vec<i64>,
    goodwill: Vec<i64>,
}

impl Open {
    fn of(ruling: &Ruling) -> Self {
        let Ruling::Delay(ruling) = ruling else { return Self { refunds: Vec::new(), goodwill: Vec::new() } };
        let above_zero = |values: &mut dyn Iterator<Item = i64>| values.filter(|fen| *fen > 0).collect();
        Self {
            refunds: above_zero(&mut ruling.awards.iter().map(|award| award.refund_due)),
            goodwill: above_zero(&mut ruling.awards.iter().map(|award| award.value)),
        }
    }

    /// Takes what a message names; nothing where not all of it is paid.
    fn take(&mut self, message: &Message) -> bool {
        let place = |values: &[i64], arg: &Arg| values.iter().position(|fen| yuan(*fen) == arg.value);
        let (refund, amount) = (message.args.iter().find(|arg| is_refund(arg)), message.args.iter().find(|arg| arg.key == "amount"));
        let refund_at = refund.map(|arg| place(&self.refunds, arg));
        let amount_at = amount.map(|arg| place(&self.goodwill, arg));
        if refund_at == Some(None) || amount_at == Some(None) {
            return false;
        }
        if let Some(at) = refund_at.flatten() {
            self.refunds.remove(at);
        }
        if let Some(at) = amount_at.flatten() {
            self.goodwill.remove(at);
        }
        true
    }
}
