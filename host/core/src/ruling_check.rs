//! What a ruling must keep to be a ruling: amounts in bounds, parts that belong to the case, an adverse outcome explained.
//! A breach is a fault (`bad-ruling`), never a cap.

use ombud_rules::contract::after_sale::AfterSaleRuling;
use ombud_rules::contract::blacklist::BlacklistRuling;
use ombud_rules::contract::delay::{CompForm, DelayCase, DelayRuling};
use ombud_rules::contract::reply::{ReplyCase, ReplyRuling};

use crate::case::Case;
use crate::disposition;
use crate::fault::{Fault, FaultCode};
use crate::limits::MONEY_FEN_MAX;
use crate::ruling::Ruling;

/// Entries of any one list in a ruling.
const LIST_ENTRIES_MAX: usize = 1_000;

fn bad<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::new(FaultCode::BadRuling, what))
}

/// Checks a ruling against its case.
pub fn check(case: &Case, ruling: &Ruling) -> Result<(), Fault> {
    let notes = ruling.notes();
    let longest = [notes.reasons.len(), notes.obligations.len(), notes.approvals.len(), notes.messages.len(), notes.alerts.len()];
    if longest.into_iter().any(|entries| entries > LIST_ENTRIES_MAX) {
        return bad(format!("a list of the notes has more than {LIST_ENTRIES_MAX} entries"));
    }
    match (case, ruling) {
        (Case::AfterSale(_), Ruling::AfterSale(ruling)) => after_sale(ruling),
        (Case::Delay(case), Ruling::Delay(ruling)) => delay(case, ruling),
        (Case::Blacklist(_), Ruling::Blacklist(ruling)) => blacklist(ruling),
        (Case::Reply(case), Ruling::Reply(ruling)) => reply(case, ruling),
        _ => bad(format!("a ruling of kind {} on a case of kind {}", ruling.kind(), case.kind())),
    }
}

/// An adverse and significant outcome carries a reason and a message to the customer (domain model 4.0, rule 7).
pub fn explained(ruling: &Ruling) -> Result<(), Fault> {
    if !disposition::adverse(ruling) {
        return Ok(());
    }
    let notes = ruling.notes();
    if notes.reasons.is_empty() {
        return bad(format!("adverse outcome `{}` without a reason (PIPL art. 24(3))", ruling.outcome()));
    }
    // A blacklist recommendation goes to colleagues, not to the customer; what is executed does.
    let to_customer = matches!(ruling, Ruling::AfterSale(_)) || ruling.outcome().starts_with("execute");
    if to_customer && notes.messages.is_empty() {
        return bad(format!(
            "adverse outcome `{}` without a message that names it and offers a person (PIPL art. 24(3))",
            ruling.outcome()
        ));
    }
    Ok(())
}

fn money(name: &str, fen: i64) -> Result<(), Fault> {
    if (0..=MONEY_FEN_MAX).contains(&fen) { Ok(()) } else { bad(format!("`{name}` is {fen} fen, allowed are 0 to {MONEY_FEN_MAX}")) }
}

fn after_sale(ruling: &AfterSaleRuling) -> Result<(), Fault> {
    money("refund", ruling.refund)?;
    money("statutory-exposure", ruling.statutory_exposure.unwrap_or(0))?;
    ruling.breakdown.iter().try_for_each(|line| money("breakdown.amount", line.amount))
}

fn delay(case: &DelayCase, ruling: &DelayRuling) -> Result<(), Fault> {
    money("total-cash", ruling.total_cash)?;
    money("total-coupon", ruling.total_coupon)?;
    money("total-refund-due", ruling.total_refund_due)?;
    let (mut cash, mut coupon) = (0_i64, 0_i64);
    for award in &ruling.awards {
        money("awards.value", award.value)?;
        money("awards.refund-due", award.refund_due)?;
        if !case.episodes.iter().any(|episode| episode.episode_id == award.episode_id) {
            return bad(format!("an award for `{}`, which is no episode of the case", award.episode_id));
        }
        match award.form {
            CompForm::CashRefund | CompForm::Solatium => cash = cash.saturating_add(award.value),
            CompForm::Coupon | CompForm::SampleGift => coupon = coupon.saturating_add(award.value),
            CompForm::None => {}
        }
    }
    // Every fen of goodwill belongs to an episode: otherwise CAP-03 could not tell one payment from another.
    if (cash, coupon) != (ruling.total_cash, ruling.total_coupon) {
        return bad(format!(
            "the totals (cash {}, coupon {}) are not the sums of the awards (cash {cash}, coupon {coupon})",
            ruling.total_cash, ruling.total_coupon
        ));
    }
    Ok(())
}

fn blacklist(ruling: &BlacklistRuling) -> Result<(), Fault> {
    if ruling.missing.len() > LIST_ENTRIES_MAX {
        return bad(format!("`missing` has more than {LIST_ENTRIES_MAX} entries"));
    }
    Ok(())
}

fn reply(case: &ReplyCase, ruling: &ReplyRuling) -> Result<(), Fault> {
    let scalars = case.text.chars().count();
    if let Some(finding) = ruling.findings.iter().find(|finding| finding.start > finding.end || finding.end as usize > scalars) {
        return bad(format!("finding {} spans {}..{} of a text of {scalars} characters", finding.rule, finding.start, finding.end));
    }
    // A policy masks, it does not write: the text to be sent is the draft with some characters replaced.
    if ruling.masked_text.chars().count() > scalars {
        return bad("`masked-text` is longer than the draft");
    }
    Ok(())
}
