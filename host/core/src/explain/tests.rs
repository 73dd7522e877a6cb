//! What the customer is told passes the reply check itself, says nothing internal, and always offers a person.

mod clock;
mod measures;
mod since;
mod told;

use ombud_rules::contract::reply::{Action, ReplyCase};
use ombud_rules::contract::types::{Calendar, Context, Platform, Role, Surface};
use ombud_rules::lexicon::{self, Terms as LexiconTerms};
use ombud_rules::review::Review;

use super::*;
use crate::call_limits::CallLimits;
use crate::caps::CapLimits;
use crate::case::Case;
use crate::chain::ReasonBy;
use crate::decision::{Counted, Terms, conclude};
use crate::fallback::Fallbacks;
use crate::golden::{self, Given};
use crate::kind::Kind;
use crate::messages::Locale;
use crate::ruling::Ruling;

/// When the decisions of these tests were made.
const WHEN: When = When { decided_at_ms: 1_788_492_000_000, tz_offset_min: 480 };

/// After these acts, and nothing else.
const fn since(acts: &[PersonAct]) -> Since<'_> {
    Since { acts, measure: &[] }
}

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
        let terms = Terms {
            caps: CapLimits::default(),
            currency: "CNY".into(),
            fallback: Fallbacks::default(),
            limits: CallLimits::default(),
            edition: crate::edition::Edition::NEWEST,
        };
        let judged = crate::chain::judge(&case, &Ok(ruling), Some(&Ok(Review::Uphold)), &terms.fallback, ctx.now);
        let (decision, _) = conclude(&case, judged, None, &terms, &Counted::default(), (&ctx).into());
        let body = serde_json::to_string(&decision).unwrap();
        let recorded = RecordedDecision::read(&body).unwrap().on(Some(ctx.platform), Some(case));
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
                let told = for_customer(&id, &recorded, since(&acts), WHEN, locale);
                let text = customer_text(&ForCustomer { messages: Vec::new(), ..told });
                let found = findings(&text, amounts.refund, amounts.goodwill());
                assert!(found.is_empty(), "{id}: {found:?} in\n{text}");
            }
        }
    }
    for (told, kind) in outcomes::OF_MONEY.into_iter().flat_map(|told| [(told, Kind::AfterSale), (told, Kind::Delay)]) {
        for locale in Locale::ALL {
            let words = told.words(kind, locale);
            assert!(told.concerns_customer(kind) && findings(words, 0, 0).is_empty(), "{told:?}: {words}");
        }
    }
    for (kind, outcome) in outcomes::all() {
        for locale in Locale::ALL {
            let words = outcomes::words(kind, outcome, locale);
            assert!(findings(words, 0, 0).is_empty(), "{kind} {outcome}: {words}");
            let text = customer_text(&erased("d1", kind, outcome, &[], WHEN, locale));
            assert!(text.contains(words) && findings(&text, 0, 0).is_empty(), "{text}");
            assert!(!text.contains("按要求") && !text.contains("as requested"), "nobody says that it was asked for: {text}");
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
            let told = for_customer(&id, &recorded, Since::default(), WHEN, locale);
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
    assert_eq!(text::readable("order.lines[0].signed-at", "1788492600000", 480), "2026-09-04 11:30:00 +08:00");
    assert_eq!(text::readable("already[0].value", "3860", 480), "¥38.60");
    assert_eq!(text::readable("caps.limit", "500000", 480), "¥5000.00");
    assert_eq!(text::readable("caps.limit", "1", 480), "¥0.01");
    assert_eq!(text::readable("caps.used", "0", 480), "¥0.00");
    assert_eq!(text::readable("attributes[0].value", "3860", 480), "3860", "whatever a merchant says");
    assert_eq!(text::readable("customer.malicious-returns", "3", 480), "3");
    assert_eq!(text::readable("reason", "quality", 480), "quality");
    assert_eq!(text::date(1_788_492_600_000, 480), "2026-09-04");
}

#[test]
fn every_amount_of_a_case_is_shown_as_money() {
    let amounts = [
        include_str!("../../../../plugins/rules/src/contract/after_sale.rs"),
        include_str!("../../../../plugins/rules/src/contract/delay.rs"),
        include_str!("../../../../plugins/rules/src/contract/reply.rs"),
    ];
    let field = |line: &str| {
        let (name, of) = line.trim().strip_prefix("pub ")?.split_once(": ")?;
        ["Fen,", "Option<Fen>,"].contains(&of).then(|| name.replace('_', "-"))
    };
    // Those of rulings, which no rule reads.
    let ruled = ["refund", "statutory-exposure", "refund-due", "total-cash", "total-coupon", "total-refund-due"];
    let fields: Vec<String> = amounts.iter().flat_map(|text| text.lines()).filter_map(field).collect();
    assert!(fields.len() > 20, "{fields:?}");
    for field in fields.iter().filter(|field| !ruled.contains(&field.as_str())) {
        assert_eq!(text::readable(&format!("already[0].{field}"), "3860", 480), "¥38.60", "{field}");
    }
}

/// Amounts of a case for its texts.
const PAID: crate::money::Amounts = crate::money::Amounts { refund: 8_000, cash: 0, coupon: 0 };

fn act(act: ActOf, outcome: &str) -> PersonAct {
    PersonAct { at_ms: 1_788_492_600_000, act, outcome: outcome.into(), amounts: PAID }
}

#[test]
fn after_a_person_decided_the_text_says_what_stands_and_nothing_that_is_past() {
    let waits = ["escalate", "human-review"];
    let waiting: Vec<_> = decided()
        .into_iter()
        .filter(|(_, recorded)| {
            recorded.decision.kind == Kind::AfterSale
                && waits.contains(&recorded.decision.outcome.as_str())
                && recorded.decision.fault.is_none()
        })
        .collect();
    assert!(!waiting.is_empty());
    for (id, recorded) in waiting {
        let told = |acts: &[PersonAct], locale| customer_text(&for_customer(&id, &recorded, since(acts), WHEN, locale));
        let before = told(&[], Locale::En);
        assert!(before.contains("Handed to a person by fixed rules,"), "{before}");
        let after = told(&[act(ActOf::Approve, "approve-refund-only")], Locale::En);
        assert!(after.starts_with("Your refund is approved.\nAmount: refund ¥80.00\n"), "{after}");
        assert!(
            after.contains("to a person, who decided") && after.contains("2026-09-04: Approved by a person; refund ¥80.00."),
            "{after}"
        );
        for past in ["is reviewing", "is handling", "to be confirmed", "within 24"] {
            assert!(!after.contains(past), "{id}: `{past}` in\n{after}");
        }
        let taken_back = told(&[act(ActOf::Approve, "approve-refund-only"), act(ActOf::Cancel, "cancelled")], Locale::ZhCn);
        assert!(taken_back.starts_with("该处理已撤销。\n处理依据"), "no money stands: {taken_back}");
        assert!(!taken_back.contains("正在") && !taken_back.contains("以人工确认为准"), "{taken_back}");
    }
}

#[test]
fn of_an_erased_decision_nothing_is_said_to_go_on() {
    let text = customer_text(&erased("d1", Kind::AfterSale, "escalate", &[], WHEN, Locale::En));
    assert!(text.starts_with("The result at the time: A supervisor is handling your request.\n"), "{text}");
    assert!(text.contains("what a person may have decided later can"), "{text}");
    let paid = [act(ActOf::Approve, "approve-refund-only")];
    let text = customer_text(&erased("d1", Kind::AfterSale, "escalate", &paid, WHEN, Locale::En));
    assert!(text.starts_with("Your refund is approved.\nAmount: refund ¥80.00\n") && !text.contains("is handling"), "{text}");
}

#[test]
fn of_a_step_inside_the_shop_no_decision_about_the_customer_is_claimed() {
    let inside: Vec<_> = decided().into_iter().filter(|(_, own)| own.decision.kind == Kind::Reply).collect();
    assert!(!inside.is_empty());
    for (id, recorded) in inside {
        let text = customer_text(&for_customer(&id, &recorded, Since::default(), WHEN, Locale::En));
        assert!(text.starts_with("This is an internal step; nothing was decided about you.\n"), "{text}");
        assert!(
            !text.contains("Decided automatically") && text.contains("Of decisions about you, you may ask for review by a person"),
            "{text}"
        );
        let text = customer_text(&for_customer(&id, &recorded, Since::default(), WHEN, Locale::ZhCn));
        assert!(!text.contains("自动作出") && text.contains("对涉及您的决定"), "{text}");
    }
}

#[test]
fn a_refund_now_does_not_say_that_a_return_arrived() {
    assert_eq!(outcomes::words(Kind::AfterSale, "refund-now", Locale::En), "Your refund is made now");
}

#[test]
fn an_english_text_for_customers_has_no_chinese() {
    let chinese = |text: &str| text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
    for (id, recorded) in decided() {
        let told = for_customer(&id, &recorded, since(&[act(ActOf::Amend, "approve-refund-only")]), WHEN, Locale::En);
        assert!(!chinese(&customer_text(&told)), "{id}: {}", customer_text(&told));
        let told = for_customer(&id, &recorded, Since::default(), WHEN, Locale::En);
        assert!(!told.basis.iter().any(|basis| chinese(basis)), "{id}: {:?}", told.basis);
    }
}

#[test]
fn what_nobody_declared_and_what_did_not_match_is_said() {
    use crate::declared::DeclaredRule;
    let of = |given: Option<&[&str]>, declared_in, declared: &[DeclaredRule]| {
        let given = given.map(|given| given.iter().map(ToString::to_string).collect());
        let call = RecordedCall {
            by: ReasonBy::Policy,
            name: "p".into(),
            version: Some("1".into()),
            component: String::new(),
            beside: false,
            given,
        };
        evaluated(call, declared_in, declared, Locale::En)
    };
    let line = |given: &[&str], declared_in, declared: &[DeclaredRule]| of(Some(given), declared_in, declared);
    let text = |line: EvaluatedLine| {
        let mut text = String::new();
        super::evaluated::text(&mut text, &[line], false);
        text.split_once('\n').unwrap().1.to_owned()
    };
    let declared: Vec<DeclaredRule> =
        (0..14).map(|at| DeclaredRule { rule: format!("R-{at}"), title: (at == 1).then(|| "the second".into()) }).collect();
    assert_eq!(text(line(&[], DeclaredIn::Nowhere, &[])), "    none matched\n");
    assert_eq!(text(line(&["X", "X"], DeclaredIn::Nowhere, &[])), "    matched X\n", "once");
    assert_eq!(
        text(line(&["X", "R-1", "R-0"], DeclaredIn::Component, &declared)),
        "    matched R-0\n    matched R-1  the second\n    matched X (not declared)\n    \
         not matched: R-2 R-3 R-4 R-5 R-6 R-7 R-8 R-9 R-10 R-11 R-12 R-13\n"
    );
    let all = text(line(&[], DeclaredIn::Component, &declared));
    assert!(all.ends_with(" R-10 R-11\n      R-12 R-13\n"), "{all}");
    // Where nobody knows what is declared, nothing is said to be undeclared.
    for unknown in [DeclaredIn::ComponentMissing, DeclaredIn::SettingsMissing] {
        assert_eq!(text(line(&["X"], unknown, &[])), "    matched X\n");
    }
    // Nor is a rule of a version without an answer said not to have matched.
    assert_eq!(text(of(None, DeclaredIn::Component, &declared[..2])), "    declared: R-0 R-1\n");
    assert_eq!(text(of(None, DeclaredIn::Nowhere, &[])), "");
}
