//! The domain's two files load whole; shorthands expand; nothing unknown passes.

use super::*;
use ombud_rules::civil::{DAY_MS, HOUR_MS};
use ombud_rules::contract::after_sale::Outcome;
use ombud_rules::contract::blacklist::Stage;
use ombud_rules::contract::delay::CompForm;
use ombud_rules::contract::types::{Notes, Reason, Severity, Tri};
use std::collections::BTreeMap;

const GOLDEN: &str = include_str!("../../../../tests/cases/golden.yaml");
const GUARDRAIL: &str = include_str!("../../../../tests/cases/guardrail-cases.yaml");

/// 2026-11-06T10:00:00+08:00, `now` of the base fixture.
const NOW: i64 = 1_793_930_400_000;

fn golden(id: &str) -> GoldenCase {
    [GOLDEN, GUARDRAIL].into_iter().flat_map(|text| load(text).unwrap()).find(|case| case.id == id).unwrap()
}

fn counts(text: &str) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for case in load(text).unwrap_or_else(|error| panic!("{error}")) {
        let kind = match case.given {
            Given::AfterSale(..) => "after-sale",
            Given::Delay(..) => "delay",
            Given::Blacklist(..) => "blacklist",
            Given::Reply(..) => "reply",
            Given::ReviewAfterSale(..) => "review-after-sale",
            Given::ReviewDelay(..) => "review-delay",
            Given::ReviewBlacklist(..) => "review-blacklist",
            Given::ReviewReply(..) => "review-reply",
            Given::Caps(_) => "caps",
            Given::Skipped { .. } => "skipped",
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

#[test]
fn both_files_load_whole() {
    let rulings = [("after-sale", 114), ("blacklist", 33), ("delay", 39), ("reply", 78), ("skipped", 7)];
    assert_eq!(counts(GOLDEN), BTreeMap::from(rulings));
    assert_eq!(counts(GOLDEN).values().sum::<usize>(), 271);
    let reviews = [("caps", 13), ("review-after-sale", 37), ("review-blacklist", 10), ("review-delay", 9), ("review-reply", 9)];
    assert_eq!(counts(GUARDRAIL), BTreeMap::from(reviews));
    assert_eq!(counts(GUARDRAIL).values().sum::<usize>(), 78);
}

#[test]
fn the_built_in_base_is_the_domains() {
    let file: serde_json::Value = serde_json::to_value(serde_norway::from_str::<serde_norway::Value>(GOLDEN).unwrap()).unwrap();
    let built_in: serde_json::Value =
        serde_json::to_value(serde_norway::from_str::<serde_norway::Value>(include_str!("base.yaml")).unwrap()).unwrap();
    assert_eq!(built_in, file["base"]);
}

#[test]
fn after_sale_shorthands_expand_over_the_base() {
    let Given::AfterSale(context, case) = golden("AS-G01").given else { panic!() };
    assert_eq!((context.now, context.tz_offset_min, case.applied_at), (NOW, 480, NOW));
    assert_eq!((case.order.lines.len(), case.lines[0].line_id.as_str(), case.lines[0].qty), (1, "L1", 1));
    assert_eq!((case.condition.opened, case.customer.extortion_flag), (Tri::Unknown, Tri::No));

    // `now` is the later of context.now and applied-at …
    let Given::AfterSale(context, case) = golden("AS-G02").given else { panic!() };
    assert_eq!(context.now, case.applied_at);
    // … unless the case sets it.
    let Given::AfterSale(context, case) = golden("AS-G49").given else { panic!() };
    assert_eq!(context.now - case.return_received_at.unwrap(), 2 * HOUR_MS);

    let Given::AfterSale(_, case) = golden("AS-G104").given else { panic!() };
    assert_eq!((case.order.lines[0].qty_returned, case.order.lines[0].paid, case.lines[0].qty), (2, Some(10_000), 1));
    let Given::AfterSale(_, case) = golden("AS-G113").given else { panic!() };
    assert_eq!((case.order.lines.len(), case.lines.len(), case.lines[0].line_id.as_str()), (2, 1, "B"));
    let Given::AfterSale(_, case) = golden("AS-G10").given else { panic!() };
    assert_eq!((case.evidence[0].intact, case.evidence[0].captured_at), (true, Some(NOW)));
    let Given::AfterSale(_, case) = golden("AS-G50").given else { panic!() };
    assert_eq!(case.customer.malicious_returns, 3);
    let Given::AfterSale(context, _) = golden("AS-G100").given else { panic!() };
    assert_eq!(context.calendar.non_working, [ombud_rules::civil::to_day(2026, 11, 7), ombud_rules::civil::to_day(2026, 11, 8)]);
}

#[test]
fn delay_shorthands_expand() {
    let Given::Delay(context, case) = golden("DC-G04").given else { panic!() };
    assert_eq!((context.now - case.episodes[0].due, case.episodes[0].done), (259_201_000, None));
    let Given::Delay(_, case) = golden("DC-G34").given else { panic!() };
    assert_eq!((case.episodes[0].line_ids.len(), case.lines.iter().map(|line| line.paid).sum::<i64>()), (2, 30_000));
    let Given::Delay(_, case) = golden("DC-G31").given else { panic!() };
    assert!(case.episodes[0].cause_began_at.unwrap() > case.episodes[0].due && case.episodes[0].cause_proven == Tri::Yes);
    let Given::Delay(_, case) = golden("DC-G38").given else { panic!() };
    assert_eq!((case.lines.len(), case.already.len(), case.already[0].value), (1, 1, 3000));
    let Given::Delay(_, case) = golden("DC-G21").given else { panic!() };
    assert!(case.already[0].by_platform);

    let Given::ReviewDelay(context, case, ruling) = golden("GC-39").given else { panic!() };
    assert_eq!(context.now - case.episodes[0].basis_at, 16 * DAY_MS);
    assert_eq!((ruling.awards[0].form, ruling.awards[0].value, ruling.total_refund_due), (CompForm::Solatium, 5000, 15_000));
    let Given::ReviewDelay(_, _, ruling) = golden("GC-41").given else { panic!() };
    assert_eq!(ruling.notes.obligations[0].args[0].key, "condition");
    assert_eq!(golden("GC-42").settings.unwrap()["floor"]["trigger_hours"], 48);
}

#[test]
fn blacklist_shorthands_expand() {
    let Given::Blacklist(context, case) = golden("BL-G19").given else { panic!() };
    assert!(case.incidents[0].threat_of_violence && case.incidents[0].at == context.now);
    let Given::Blacklist(_, case) = golden("BL-G11").given else { panic!() };
    assert_eq!((case.submitter_id.as_str(), case.steps.len(), case.stage), ("u2", 2, Stage::SupervisorReviewed));
    let Given::Blacklist(context, case) = golden("BL-G29").given else { panic!() };
    assert!(case.review_by.unwrap() <= context.now);
    let Given::Blacklist(context, case) = golden("BL-G33").given else { panic!() };
    assert!(case.review_by.unwrap() > context.now);
    let Given::Blacklist(_, case) = golden("BL-G16").given else { panic!() };
    assert!(case.evidence.len() == 4 && case.evidence.iter().all(|item| item.captured_at.is_none()));
    let Given::ReviewBlacklist(context, _, ruling) = golden("GC-47").given else { panic!() };
    assert_eq!(ruling.review_by, Some(context.now + 180 * DAY_MS));
}

#[test]
fn reply_and_caps_shorthands_expand() {
    let Given::Reply(_, case) = golden("RC-G02").given else { panic!() };
    assert_eq!(case.product, None);
    let Given::Reply(_, case) = golden("RC-G62").given else { panic!() };
    assert_eq!(case.product.unwrap().substantiated[0].phrase, "已售10万件");
    let Given::ReviewReply(_, case, ruling) = golden("GC-57").given else { panic!() };
    assert_eq!(ruling.masked_text, case.text);
    let Given::Caps(caps) = golden("GC-77").given else { panic!() };
    assert_eq!((caps.used.customer_24h_refund, caps.currency.as_str()), (600_000, "CNY"));
    assert_eq!(caps.ruling.outcome, CapsOutcome::AfterSale(Outcome::RefundNow));
}

#[test]
fn an_unknown_key_names_its_case_and_itself() {
    let one = |kind: &str, given: &str, rest: &str| format!("cases: [{{id: X-1, kind: {kind}, title: t, given: {given}, {rest}}}]");
    let refused = [
        (one("after-sale", "{}", "expect: {outcom: reject}"), "outcom"),
        (one("after-sale", "{}", "expected: {outcome: reject}"), "expected"),
        (one("after-sale", "{line: {qyt: 2}}", "expect: {outcome: reject}"), "qyt"),
        (one("after-sale", "{after-sale: {spoilt-share: 2}}", "expect: {outcome: reject}"), "spoilt-share"),
        (one("after-sale", "{context: {time: 2}}", "expect: {outcome: reject}"), "time"),
        (one("after-sale", "{after-sale: {applied-at: yesterday}}", "expect: {outcome: reject}"), "applied-at"),
        (one("after-sale", "{after-sale: {lines: [Z]}}", "expect: {outcome: reject}"), "Z"),
        (one("after-sale", "{}", "expect: {window-deadline: null}"), "window-deadline"),
        (one("after-sale", "{}", "ruling: {outcome: reject}, expect: {review: amend, ruling: {refnd: 1}}"), "refnd"),
        (one("after-sale", "{}", "ruling: {outcome: reject}, expect: {review: uphold, ruling: {refund: 1}}"), "ruling"),
        (one("after-sale", "{}", "ruling: {outcome: reject, refnd: 1}, expect: {review: amend}"), "refnd"),
        (one("delay", "{episodes: [{kind: shipping, late-h: 1, paid: 1}]}", "expect: {cash: 0}"), "late-h"),
        (
            one("delay", "{episodes: [{kind: shipping, overdue-h: soon, paid: 1}]}", "expect: {cash: 0}"),
            "given: episodes[0].overdue-h: invalid type: string \"soon\", expected a whole number",
        ),
        (one("after-sale", "{}", "expect: {rules: AS-205}"), "expect: rules: invalid type: string \"AS-205\", expected a list"),
        (one("blacklist", "{criterion: abuse, stap: 1}", "expect: {outcome: reject}"), "stap"),
        (one("reply", "{text: x, stok: 1}", "expect: {verdict: pass}"), "stok"),
        (one("caps", "{balance: 1, used: {order: 1}}", "ruling: {outcome: refund-now}, expect: {result: uphold}"), "order"),
        (one("refunds", "{}", "expect: {outcome: reject}"), "refunds"),
    ];
    for (text, key) in refused {
        let message = load(&text).unwrap_err().to_string();
        assert!(message.contains("`X-1`") && message.contains(key), "{text}\n{message}");
    }
    assert!(load("cases: [{id: A, id: B}]").is_err());
    let twice = "cases: [{id: A, kind: reply, title: t, given: {text: x}, expect: {verdict: pass}}, {id: A, kind: reply, title: t, given: {text: x}, expect: {verdict: pass}}]";
    assert!(load(twice).unwrap_err().to_string().contains("twice"));
}

#[test]
fn sets_are_exact_and_obligations_are_at_least() {
    let case = golden("AS-G111"); // outcome, refund, rules AS-420 411 810, obligations explain-policy-basis
    let mut ruling =
        answer(Outcome::ApproveReturnRefund, 19_900, &["AS-810", "AS-420", "AS-411"], &["explain-policy-basis", "inspect-on-receipt"]);
    assert_eq!(case.check(&Answer::AfterSale(&ruling)), []);
    ruling.notes.reasons.pop();
    ruling.notes.obligations.remove(0);
    ruling.refund = 1;
    let fields: Vec<String> = case.check(&Answer::AfterSale(&ruling)).into_iter().map(|difference| difference.field).collect();
    assert_eq!(fields, ["refund", "rules", "obligations"]);
}

#[test]
fn reviews_compare_verdict_rules_and_the_amended_ruling() {
    let case = golden("GC-01");
    let mut ruling = answer(Outcome::ApproveReturnRefund, 19_900, &[], &["inspect-on-receipt", "provide-return-address"]);
    ruling.return_freight = ombud_rules::contract::after_sale::Payer::Buyer;
    let reasons = vec![Reason { rule: "GR-101".to_owned(), severity: Severity::High, facts: vec![], citations: vec![] }];
    let amended = Review::Amend { ruling: ruling.clone(), reasons: reasons.clone() };
    assert_eq!(case.check(&Answer::ReviewAfterSale(&amended)), []);
    ruling.refund = 3;
    let found = case.check(&Answer::ReviewAfterSale(&Review::Amend { ruling, reasons }));
    assert_eq!(found[0].to_string(), "ruling.refund: expected 19900, got 3");
    assert_eq!(case.check(&Answer::ReviewAfterSale(&Review::Uphold)).len(), 2);
    assert_eq!(case.check(&Answer::ReviewDelay(&Review::Uphold)).len(), 1, "an answer of another kind");
}

fn answer(outcome: Outcome, refund: i64, rules: &[&str], obligations: &[&str]) -> AfterSaleRuling {
    let notes =
        super::notes::neutral(Some(rules.iter().map(ToString::to_string).collect()), obligations.iter().map(ToString::to_string).collect());
    let notes = Notes { attributes: Vec::new(), ..notes };
    AfterSaleRuling {
        outcome,
        options: Vec::new(),
        refund,
        breakdown: Vec::new(),
        return_freight: ombud_rules::contract::after_sale::Payer::NotApplicable,
        window_deadline: None,
        refund_deadline: None,
        statutory_exposure: None,
        missing_evidence: Vec::new(),
        notes,
    }
}
