//! Rows and combinations that the guardrail cases leave out.

use ombud_core::golden::{Given, load};
use ombud_core::messages::write;
use ombud_rules::contract::after_sale::{AfterSaleRuling, Outcome, Payer};
use ombud_rules::notes::{arg, message};
use ombud_rules::review::Review;

use crate::after_sale::review;

const STRONG: &str = "evidence: [{kind: photo, strength: strong}]";

/// The review of `ruling: {…}` on `given: {…}`, after `prepare`.
fn after(given: &str, ruling: &str, prepare: impl FnOnce(&mut AfterSaleRuling)) -> Review<AfterSaleRuling> {
    let text = format!(
        "cases:\n- {{id: T, kind: after-sale, title: t, given: {given}, ruling: {ruling}, expect: {{review: uphold, rules: []}}, src: s}}\n"
    );
    match load(&text).unwrap_or_else(|error| panic!("{given}: {error}")).pop().map(|case| case.given) {
        Some(Given::ReviewAfterSale(ctx, facts, mut ruling)) => {
            prepare(&mut ruling);
            review(&ctx, &facts, &ruling)
        }
        other => panic!("{given}: {other:?}"),
    }
}

fn of(given: &str, ruling: &str) -> Review<AfterSaleRuling> {
    after(given, ruling, |_| {})
}

fn amended(answer: Review<AfterSaleRuling>) -> (AfterSaleRuling, Vec<String>) {
    match answer {
        Review::Amend { ruling, reasons } => (ruling, reasons.into_iter().map(|reason| reason.rule).collect()),
        other => panic!("{other:?}"),
    }
}

fn escalated(answer: Review<AfterSaleRuling>) -> Vec<String> {
    match answer {
        Review::Escalate(reasons) => reasons.into_iter().map(|reason| reason.rule).collect(),
        other => panic!("{other:?}"),
    }
}

fn back(now: &str, more: &str) -> String {
    format!(
        "{{context: {{now: \"{now}+08:00\"}}, after-sale: {{stage: return-received, return-received-at: \"2026-11-20T10:00:00+08:00\", condition: {{tags-removed: \"no\", soiled-or-damaged: \"no\"}}{more}}}}}"
    )
}

#[test]
fn an_amended_ruling_is_worded_and_explained() {
    let answer = after(
        "{order: {threshold: {threshold: 30000, reduce-by: 5000, disclosed: true}}, lines: [{line-id: A, unit-price: 28000}, {line-id: B, unit-price: 2000}], after-sale: {lines: [A]}}",
        "{outcome: reject}",
        |ruling| {
            ruling.notes.messages = vec![message("m.no", vec![])];
        },
    );
    let (ruling, rules) = amended(answer);
    assert_eq!((rules, ruling.refund), (vec!["GR-101".to_owned()], 23_000));
    let reasons: Vec<_> = ruling.notes.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    assert_eq!(reasons, ["GR-101", "AS-803"]);
    assert!(ruling.notes.reasons.iter().all(|reason| !reason.citations.is_empty()));
    let texts: Vec<_> = ruling.notes.messages.iter().map(|message| write(message, "zh-CN").expect("a text")).collect();
    assert_eq!(texts, ["您的退货申请已通过。请在2026-11-13前寄回商品并保留凭证，我们收到后7天内退款230.00元。"]);
}

#[test]
fn a_row_that_fits_some_lines_only_escalates() {
    let two = |second: &str| format!("{{lines: [{{line-id: A}}, {{line-id: B, {second}}}], after-sale: {{lines: [A, B]}}}}");
    assert_eq!(escalated(of(&two("category: fresh"), "{outcome: reject}")), ["GR-101"]);
    assert_eq!(escalated(of(&two("recalled: true"), "{outcome: reject}")), ["GR-101", "GR-119"]);
    let unconfirmed = two("may-exclude: opened-health-or-quality, exclusion-marked: true");
    assert_eq!(amended(of(&unconfirmed, "{outcome: reject}")).1, ["GR-101", "GR-103"], "the same ruling for both");
    let freight = "{outcome: approve-return-refund, refund: 60000, return-freight: buyer}";
    assert_eq!(escalated(of(&two("recalled: true"), freight)), ["GR-107"]);
}

#[test]
fn what_contradicts_itself_is_never_amended_into_a_payment() {
    let unpaid = "{order: {paid-at: null}}";
    for outcome in ["reject", "invalid-input", "need-evidence"] {
        assert_eq!(of(unpaid, &format!("{{outcome: {outcome}}}")), Review::Uphold, "{outcome}");
    }
    assert_eq!(of("{after-sale: {duplicate-active: true}}", "{outcome: reject}"), Review::Uphold);
    assert_eq!(of("{line: {refunded: 19900}}", "{outcome: reject-duplicate}"), Review::Uphold);
    assert_eq!(escalated(of("{after-sale: {duplicate-active: true}}", "{outcome: reject, reasons: []}")), ["GR-001"]);
    assert_eq!(escalated(of("{}", "{outcome: invalid-input}")), ["GR-110"]);
}

#[test]
fn a_part_paid_becomes_the_whole() {
    let (ruling, rules) = amended(of("{}", "{outcome: approve-partial-refund, refund: 5000}"));
    assert_eq!((ruling.outcome, ruling.refund, rules), (Outcome::ApproveReturnRefund, 19_900, vec!["GR-101".to_owned()]));
    let (ruling, _) = amended(of("{}", "{outcome: approve-partial-refund, refund: 30000}"));
    assert_eq!(ruling.refund, 30_000, "never lowered");
}

#[test]
fn several_field_rows_apply_at_once() {
    let given = back("2026-12-07T12:00:00", &format!(", reason: quality, {STRONG}"));
    let (ruling, rules) = amended(of(&given, "{outcome: refund-now, refund: 100, return-freight: buyer}"));
    assert_eq!(rules, ["GR-107", "GR-112", "GR-117", "GR-118"]);
    assert_eq!((ruling.refund, ruling.return_freight), (19_900, Payer::Merchant));
    assert!(ruling.notes.alerts.iter().any(|alert| alert.code == "refund-penalty-limit"));
}

#[test]
fn what_was_said_of_amount_and_time_is_corrected() {
    let answer = after(&back("2026-11-20T12:00:00", ""), "{outcome: refund-now, refund: 15000}", |ruling| {
        ruling.notes.messages = vec![message("as.refund_now", vec![arg("deadline", "2026-12-20"), arg("refund", "150.00")])];
    });
    let (ruling, rules) = amended(answer);
    assert_eq!(rules, ["GR-112", "GR-117"]);
    let text = write(&ruling.notes.messages[0], "zh-CN").expect("a text");
    assert_eq!(text, "已收到您寄回的商品，将在2026-11-27前退款199.00元，原路退回。");
}

#[test]
fn fifteen_days_without_an_answer_go_to_a_person_unless_goods_are_owed() {
    let late = |more: &str, outcome: &str| of(&back("2026-12-06T00:00:00", more), &format!("{{outcome: {outcome}}}"));
    assert_eq!(escalated(late(", parcel-content: empty", "need-evidence")), ["GR-118"]);
    assert_eq!(late(", agreed-resolution: exchange", "approve-exchange"), Review::Uphold);
    let in_time = of(&back("2026-12-05T23:59:59", ", parcel-content: empty"), "{outcome: need-evidence}");
    assert_eq!(in_time, Review::Uphold);
}

#[test]
fn lawful_deductions_are_left_alone() {
    let order = "{order: {payments: [{channel: cash-channel, amount: 19900, fee: 150}]}}";
    assert_eq!(of(order, "{outcome: approve-return-refund, refund: 19750, return-freight: buyer}"), Review::Uphold, "art. 16");
    let less = amended(of(order, "{outcome: approve-return-refund, refund: 19749, return-freight: buyer}"));
    assert_eq!((less.0.refund, less.0.breakdown[0].amount), (19_900, 19_900));
}

#[test]
fn own_damage_that_a_report_shows_is_refused_on_any_day() {
    let given = |strength: &str| {
        format!(
            "{{line: {{durable-burden: true}}, after-sale: {{reason: quality, condition: {{human-damage: \"yes\"}}, evidence: [{{kind: inspection-report, strength: {strength}}}]}}}}"
        )
    };
    assert_eq!(of(&given("strong"), "{outcome: reject-with-alternative}"), Review::Uphold);
    assert_eq!(escalated(of(&given("moderate"), "{outcome: reject-with-alternative}")), ["GR-109"]);
}

#[test]
fn the_check_before_an_exchange_is_no_refusal() {
    let given =
        |request: &str| format!("{{line: {{category: electronics}}, after-sale: {{request: {request}, reason: quality, {STRONG}}}}}");
    assert_eq!(of(&given("unspecified"), "{outcome: need-evidence}"), Review::Uphold);
    assert_eq!(amended(of(&given("return-refund"), "{outcome: need-evidence}")).1, ["GR-108"]);
    assert_eq!(of(&given("return-refund"), "{outcome: refund-now, refund: 19900}"), Review::Uphold, "money at once is no less");
}

#[test]
fn money_for_goods_on_their_way_is_raised_to_what_is_due() {
    let given = |reason: &str| format!("{{order: {{freight-paid: 800}}, line: {{signed-at: null}}, after-sale: {{reason: {reason}}}}}");
    let refund = |reason: &str| amended(of(&given(reason), "{outcome: intercept-then-refund, refund: 1}")).0.refund;
    assert_eq!((refund("no-reason"), refund("quality")), (19_900, 20_700));
}
