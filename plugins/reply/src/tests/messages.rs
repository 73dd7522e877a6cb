//! Invariant 10: every message that a default policy produces has a text in both languages, and the text passes this policy with the
//! amounts of the ruling approved.

use super::{ctx, draft};
use crate::Settings;
use crate::rule::decide;
use ombud_core::golden::{Given, GoldenCase, load};
use ombud_core::messages::write;
use ombud_sdk::reply::Verdict;
use ombud_sdk::{Fen, Message};
use std::collections::BTreeSet;

/// Settings of a case in the shape of its policy; those of a guardrail's case are the guardrail's.
fn settings<S: ombud_sdk::Settings>(case: &GoldenCase) -> S {
    let review =
        matches!(case.given, Given::ReviewAfterSale(..) | Given::ReviewDelay(..) | Given::ReviewBlacklist(..) | Given::ReviewReply(..));
    case.settings.as_ref().filter(|_| !review).map_or_else(S::default, |settings| S::parse(&settings.to_string()).unwrap())
}

/// Writes the messages and checks each; what is wrong goes to `problems`.
fn check(case: &str, messages: &[Message], compensation: Fen, refund: Fen, problems: &mut Vec<String>) {
    for message in messages {
        for locale in ["zh-CN", "en"] {
            let text = match write(message, locale) {
                Ok(text) => text,
                Err(error) => {
                    problems.push(format!("{case}: {error}"));
                    continue;
                }
            };
            let mut said = draft(&text);
            said.approved_compensation = compensation;
            said.approved_refund = Some(refund);
            let ruling = decide(&Settings::default(), &ctx(), &said);
            if ruling.verdict != Verdict::Pass {
                problems.push(format!("{case} {}: `{text}` is {} by {:?}", message.key, ruling.verdict, super::rules(&ruling)));
            }
        }
    }
}

#[test]
fn messages_of_the_default_policies_pass() {
    let files = [include_str!("../../../../tests/cases/golden.yaml"), include_str!("../../../../tests/cases/guardrail-cases.yaml")];
    let (mut keys, mut problems) = (BTreeSet::new(), Vec::new());
    for case in files.iter().flat_map(|file| load(file).unwrap()) {
        let (notes, compensation, refund) = match &case.given {
            Given::AfterSale(ctx, facts) | Given::ReviewAfterSale(ctx, facts, _) => {
                let ruling = after_sale::rule::decide(&settings(&case), ctx, facts);
                (ruling.notes, 0, ruling.refund)
            }
            Given::Delay(ctx, facts) | Given::ReviewDelay(ctx, facts, _) => {
                let ruling = delay::rule::decide(&settings(&case), ctx, facts);
                (ruling.notes, ruling.total_cash + ruling.total_coupon, ruling.total_refund_due)
            }
            Given::Blacklist(ctx, facts) | Given::ReviewBlacklist(ctx, facts, _) => {
                (blacklist::rule::decide(&settings(&case), ctx, facts).notes, 0, 0)
            }
            Given::Reply(ctx, facts) | Given::ReviewReply(ctx, facts, _) => {
                // Advice stays inside: it must have a text, and what it says is not sent.
                let advice = decide(&settings(&case), ctx, facts).notes.messages;
                let failed = |message: &Message| ["zh-CN", "en"].iter().find_map(|locale| write(message, locale).err());
                problems.extend(advice.iter().filter_map(failed).map(|error| error.to_string()));
                continue;
            }
            Given::Caps(_) | Given::Skipped { .. } => continue,
        };
        keys.extend(notes.messages.iter().map(|message| message.key.clone()));
        check(&case.id, &notes.messages, compensation, refund, &mut problems);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(keys.len() >= 30, "the cases reach most templates: {keys:?}");
}
