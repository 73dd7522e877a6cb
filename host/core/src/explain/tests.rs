//! What the customer is told passes the reply check itself, says nothing internal, and always offers a person.

use ombud_rules::contract::reply::{Action, ReplyCase};
use ombud_rules::contract::types::{Calendar, Context, Platform, Role, Surface};
use ombud_rules::lexicon::{self, Terms as LexiconTerms};
use ombud_rules::review::Review;

use super::*;
use crate::call_limits::CallLimits;
use crate::caps::CapLimits;
use crate::case::Case;
use crate::decision::{Counted, Terms, conclude};
use crate::fallback::Fallbacks;
use crate::golden::{self, Given};
use crate::kind::Kind;
use crate::messages::Locale;
use crate::ruling::Ruling;

/// Every ruling of the guardrail's golden cases, decided as it is.
fn decided() -> Vec<(String, RecordedDecision)> {
    let cases = golden::load(include_str!("../../../../tests/cases/guardrail-cases.yaml")).unwrap();
    let mut decided = Vec::new();
    for golden in cases {
        let (ctx, case, ruling) = match golden.given {
            Given::ReviewAfterSale(ctx, case, ruling) => (ctx, Case::AfterSale(case), Ruling::AfterSale(ruling)),
            Given::ReviewDelay(ctx, case, ruling) => (ctx, Case::Delay(case), Ruling::Delay(ruling)),
            Given::ReviewBlacklist(ctx, case, ruling) => (ctx, Case::Blacklist(case), Ruling::Blacklist(ruling)),
            Given::ReviewReply(ctx, case, ruling) => (ctx, Case::Reply(case), Ruling::Reply(ruling)),
            _ => continue,
        };
        let terms =
            Terms { caps: CapLimits::default(), currency: "CNY".into(), fallback: Fallbacks::default(), limits: CallLimits::default() };
        let judged = crate::chain::judge(&case, &Ok(ruling), Some(&Ok(Review::Uphold)), &terms.fallback, ctx.now);
        let (decision, _) = conclude(&case, judged, None, &terms, &Counted::default(), ctx.now);
        let body = serde_json::to_string(&decision).unwrap();
        let recorded = RecordedDecision::read(&body).unwrap();
        assert_eq!(serde_json::to_string(&recorded.decision).unwrap(), body, "{}", golden.id);
        decided.push((golden.id, recorded));
    }
    assert!(decided.len() > 40, "{}", decided.len());
    decided
}

/// What the reply check says of a text that goes to a customer who was granted these amounts.
fn findings(text: &str, refund: i64, goodwill: i64) -> Vec<String> {
    let case = ReplyCase {
        reply_id: "r1".into(),
        text: text.into(),
        author_role: Role::Agent,
        ai_labelled: false,
        surface: Surface::PrivateChat,
        official_contact_allowed: false,
        product: None,
        known_ids: Vec::new(),
        case_reason: None,
        eta: None,
        approved_compensation: goodwill,
        approved_refund: Some(refund),
        attributes: Vec::new(),
    };
    let ctx = Context {
        merchant_id: "m1".into(),
        shop_id: "s1".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: 1_788_000_000_000,
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    };
    let report = lexicon::check(&case, &ctx, &LexiconTerms::default());
    let counted = report.findings.iter().filter(|finding| finding.action != Action::None);
    counted.map(|finding| format!("{} “{}”", finding.rule.id, finding.matched)).collect()
}

#[test]
fn everything_a_customer_is_told_passes_the_reply_check() {
    for (id, recorded) in decided() {
        let amounts = recorded.decision.amounts;
        // The rulings of the guardrail's cases are deliberately wrong; it is the explanation's own words that are checked.
        for act in [ActOf::Approve, ActOf::Amend, ActOf::Cancel] {
            let acts = [PersonAct { at_ms: 1_788_000_000_000, act, outcome: "approve-refund-only".into(), amounts }];
            for locale in Locale::ALL {
                let told = for_customer(&id, &recorded, &acts, 480, locale);
                let text = customer_text(&ForCustomer { messages: Vec::new(), ..told });
                let found = findings(&text, amounts.refund, amounts.goodwill());
                assert!(found.is_empty(), "{id}: {found:?} in\n{text}");
            }
        }
    }
    for (kind, outcome) in outcomes::all() {
        for locale in Locale::ALL {
            let words = outcomes::words(kind, outcome, locale);
            assert!(findings(words, 0, 0).is_empty(), "{kind} {outcome}: {words}");
            assert!(customer_text(&erased("d1", kind, outcome, locale)).contains(words));
        }
    }
}

#[test]
fn every_outcome_of_the_contract_has_its_words() {
    use ombud_rules::contract::{after_sale, delay};
    for outcome in after_sale::Outcome::ALL {
        assert!(outcomes::concerns_customer(Kind::AfterSale, outcome.as_str()), "{outcome}");
    }
    for outcome in delay::Outcome::ALL {
        assert!(outcomes::concerns_customer(Kind::Delay, outcome.as_str()), "{outcome}");
    }
    // A request that is still being looked at, and a colleague's draft, are nobody's business but the shop's.
    for (kind, outcome) in [(Kind::Blacklist, "forward-to-supervisor"), (Kind::Blacklist, "recommend-mark"), (Kind::Reply, "block")] {
        assert!(!outcomes::concerns_customer(kind, outcome), "{kind} {outcome}");
    }
}

#[test]
fn a_person_is_always_offered_and_nothing_internal_is_said() {
    for (id, recorded) in decided() {
        for (locale, person, law) in [
            (Locale::ZhCn, "人工复核", "个人信息保护法第24条第3款"),
            (Locale::En, "review by a person", "Personal Information Protection Law, art. 24(3)"),
        ] {
            let told = for_customer(&id, &recorded, &[], 480, locale);
            assert!(told.rights.contains(person) && told.rights.contains(law), "{id}: {}", told.rights);
            let text = customer_text(&told);
            for internal in ["003_", "ombud", "CAP-", "caps", "customer.", "extortion"] {
                assert!(!text.contains(internal), "{id}: `{internal}` in\n{text}");
            }
            if matches!(recorded.decision.kind, Kind::Reply) {
                assert!(told.messages.is_empty() && told.basis.is_empty(), "{id}");
            } else if outcomes::concerns_customer(recorded.decision.kind, &recorded.decision.outcome) {
                assert!(!told.basis.is_empty(), "{id}");
            }
        }
    }
}

#[test]
fn the_auditor_sees_every_rule_with_what_it_read_and_which_decided() {
    for (id, recorded) in decided() {
        let (rules, read) = rules(&recorded, 480, Locale::En);
        assert_eq!(rules.len(), recorded.decision.reasons.len(), "{id}");
        assert_eq!(rules.iter().filter(|rule| rule.decided).count(), usize::from(!rules.is_empty()), "{id}");
        for rule in &rules {
            assert!(rule.facts.iter().all(|fact| read.contains(fact)), "{id}");
        }
        let unique: std::collections::BTreeSet<_> = read.iter().map(|fact| (&fact.path, &fact.value)).collect();
        assert_eq!(unique.len(), read.len(), "{id}: a fact is named once");
    }
}

#[test]
fn facts_are_shown_as_people_read_them() {
    assert_eq!(text::readable("order.lines[0].signed-at", "1788492600000", 480), "2026-09-04 11:30:00");
    assert_eq!(text::readable("already[0].value", "3860", 480), "¥38.60");
    assert_eq!(text::readable("caps.limit", "500000", 480), "¥5000.00");
    assert_eq!(text::readable("customer.malicious-returns", "3", 480), "3");
    assert_eq!(text::readable("reason", "quality", 480), "quality");
    assert_eq!(text::date(1_788_492_600_000, 480), "2026-09-04");
}
