//! How large a ruling is: its texts, counted without writing it out.

use ombud_core::ruling::Ruling;
use ombud_rules::contract::types::{Arg, Notes};

/// Bytes of every text in a ruling, and a few for each entry of its lists.
pub(crate) fn text_bytes(ruling: &Ruling) -> usize {
    let own = match ruling {
        Ruling::AfterSale(ruling) => {
            texts(ruling.breakdown.iter().map(|line| line.code.len()))
                + texts(ruling.missing_evidence.iter().map(String::len))
                + ruling.options.len()
        }
        Ruling::Delay(ruling) => {
            texts(ruling.processing_order.iter().map(String::len))
                + texts(ruling.awards.iter().map(|award| award.episode_id.len() + award.suppressed_by.as_ref().map_or(0, String::len)))
        }
        Ruling::Blacklist(ruling) => texts(ruling.missing.iter().map(String::len)),
        Ruling::Reply(ruling) => {
            let finding = |finding: &ombud_rules::contract::reply::Finding| {
                finding.rule.len()
                    + finding.category.len()
                    + finding.matched.len()
                    + finding.suggestion_key.len()
                    + finding.exemption.as_ref().map_or(0, String::len)
            };
            ruling.masked_text.len() + texts(ruling.findings.iter().map(finding))
        }
    };
    own + notes(ruling.notes())
}

fn notes(notes: &Notes) -> usize {
    let args = |args: &[Arg]| texts(args.iter().map(|arg| arg.key.len() + arg.value.len()));
    let reasons = notes.reasons.iter().map(|reason| {
        reason.rule.len()
            + texts(reason.facts.iter().map(|fact| fact.path.len() + fact.value.len()))
            + texts(reason.citations.iter().map(|citation| citation.source.len() + citation.locator.len()))
    });
    texts(reasons)
        + texts(notes.obligations.iter().map(|obligation| obligation.action.len() + args(&obligation.args)))
        + texts(notes.approvals.iter().map(|approval| approval.rule.len() + texts(approval.distinct_from.iter().map(String::len))))
        + texts(notes.messages.iter().map(|message| message.key.len() + message.locale.len() + args(&message.args)))
        + texts(notes.alerts.iter().map(|alert| alert.code.len() + alert.rule.len()))
        + texts(notes.attributes.iter().map(|attribute| attribute.key.len() + attribute.value.len()))
}

/// An entry of a list counts its texts and what it takes beside them.
fn texts(entries: impl Iterator<Item = usize>) -> usize {
    const ENTRY_BYTES: usize = 16;
    entries.map(|text| text + ENTRY_BYTES).sum()
}
