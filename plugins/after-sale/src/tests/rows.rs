//! Rows and edge cases that the golden file leaves out (domain policies 5.1, 5.6).

use ombud_core::messages::write;
use ombud_sdk::after_sale::{Outcome, Payer, RequestKind};
use ombud_sdk::{Role, Severity};

use super::fixture::{at, case, decide, due, messages, obliges, rules, said};

const STRONG: &str = "evidence: [{kind: photo, strength: strong}]";
const TWO_LINES: &str = "lines: [{line-id: A, unit-price: 10000}, {line-id: B, unit-price: 5000}]";

fn back(more: &str) -> String {
    format!(
        r#"{{context: {{now: "2026-11-20T12:00:00+08:00"}}, after-sale: {{stage: return-received, return-received-at: "2026-11-20T10:00:00+08:00", {more}}}}}"#
    )
}

#[test]
fn contradictions_are_invalid() {
    for given in [
        "{after-sale: {lines: []}}",
        "{after-sale: {lines: [{line-id: L9, qty: 1}]}}",
        "{after-sale: {lines: [L1, L1]}}",
        "{after-sale: {lines: [{line-id: L1, qty: 0}]}}",
        "{after-sale: {stage: closed}}",
        "{after-sale: {stage: return-received}}",
        "{after-sale: {spoiled-share: 10001}}",
        "{line: {shipped-at: null}}",
        r#"{line: {signed-at: "2026-11-02T17:59:59+08:00"}}"#,
        r#"{line: {picked-up-at: "2026-11-05T14:59:59+08:00"}}"#,
        r#"{line: {shipped-at: "2026-11-01T09:59:59+08:00"}}"#,
        r#"{after-sale: {applied-at: "2026-11-01T09:59:59+08:00"}}"#,
    ] {
        let ruling = decide(given);
        assert_eq!((ruling.outcome, rules(&ruling)), (Outcome::InvalidInput, vec!["AS-001"]), "{given}");
        assert_eq!(messages(&ruling), ["as.invalid", "as.explain.as-001"], "{given}");
    }
}

#[test]
fn lines_that_agree_give_one_ruling_with_one_amount() {
    let ruling = decide(&format!("{{{TWO_LINES}, after-sale: {{lines: [A, B]}}}}"));
    assert_eq!((ruling.outcome, ruling.refund), (Outcome::ApproveReturnRefund, 15_000));
    let facts = &ruling.notes.reasons.iter().find(|reason| reason.rule == "AS-420").expect("AS-420").facts;
    assert!(facts.iter().any(|fact| fact.path == "order.lines[1].signed-at"), "{facts:?}");
}

#[test]
fn lines_that_differ_go_to_a_person_with_a_reason_each() {
    let ruling = decide(
        "{lines: [{line-id: A}, {line-id: B, category: fresh}], after-sale: {lines: [B, A], extortion-flag: \"yes\", evidence: [{kind: medical-record, strength: weak}]}}",
    );
    assert_eq!((ruling.outcome, ruling.refund), (Outcome::HumanReview, 0));
    assert_eq!(rules(&ruling), ["AS-423", "AS-104", "AS-005", "AS-005"], "what all lines met stays");
    let said: Vec<_> = ruling.notes.reasons[2].facts.iter().map(|fact| (fact.path.as_str(), fact.value.as_str())).collect();
    assert_eq!(said, [("lines[0].line-id", "B"), ("lines[0].ruling.rule", "AS-413"), ("lines[0].ruling.outcome", "human-review")]);
    assert!(obliges(&ruling, "preserve-evidence") && obliges(&ruling, "notify-compliance"));
    assert_eq!(ruling.notes.alerts[0].code, "injury");
}

#[test]
fn goods_on_their_way_back_keep_what_was_agreed() {
    let agreed = |more: &str| decide(&format!("{{after-sale: {{stage: return-in-transit, {more}}}}}"));
    let fault = agreed(&format!("agreed-resolution: return-refund, reason: quality, {STRONG}"));
    assert_eq!((fault.outcome, fault.refund, fault.return_freight), (Outcome::ApproveReturnRefund, 19_900, Payer::Merchant));
    assert!(!obliges(&fault, "provide-return-address") && messages(&fault).is_empty(), "the buyer has long been told");
    assert_eq!(agreed("agreed-resolution: exchange").outcome, Outcome::ApproveExchange);
    assert_eq!(agreed("agreed-resolution: repair").outcome, Outcome::ApproveRepair);
    for unclear in ["request: return-refund", "agreed-resolution: refund-only"] {
        assert_eq!(agreed(unclear).outcome, Outcome::HumanReview);
    }
}

#[test]
fn a_late_refund_raises_alerts() {
    let alerts = |now: &str| {
        let given = back("condition: {tags-removed: \"no\", soiled-or-damaged: \"no\"}").replace("2026-11-20T12:00:00", now);
        let ruling = decide(&given);
        let compliance = obliges(&ruling, "notify-compliance");
        assert_eq!(ruling.refund_deadline, Some(at("2026-11-23T10:00:00")));
        (ruling.notes.alerts.into_iter().map(|alert| alert.code).collect::<Vec<_>>(), compliance)
    };
    assert_eq!(alerts("2026-11-27T23:59:59"), (vec![], false));
    assert_eq!(alerts("2026-11-28T00:00:00"), (vec!["refund-legal-limit".to_owned()], false));
    let both = vec!["refund-legal-limit".to_owned(), "refund-penalty-limit".to_owned()];
    assert_eq!(alerts("2026-12-06T00:00:00"), (both, true));
}

#[test]
fn a_parcel_is_inspected_where_something_is_not_known() {
    let unknown = decide(&back("parcel-content: unknown"));
    assert_eq!(rules(&unknown), ["AS-701", "AS-411"]);
    assert!(obliges(&unknown, "inspect-on-receipt"));
    let fault = decide(&back(&format!("reason: quality, {STRONG}")));
    assert_eq!(rules(&fault), ["AS-701"], "AS-411 joins for classes N and O only");
    let damaged = decide(&back(&format!("reason: quality, {STRONG}, condition: {{human-damage: \"yes\"}}")));
    assert_eq!(rules(&damaged), ["AS-702"]);
    assert_eq!(damaged.missing_evidence, ["unboxing-video"]);
}

#[test]
fn unsafe_goods_that_are_no_food_take_the_way_of_faults() {
    let ruling = decide(&format!("{{line: {{category: cosmetics}}, after-sale: {{reason: food-safety, {STRONG}}}}}"));
    assert_eq!((rules(&ruling), ruling.statutory_exposure), (vec!["AS-305"], None));
    let weak = decide("{after-sale: {reason: counterfeit}}");
    assert_eq!(weak.missing_evidence, ["inspection-report|platform-ruling|regulator-finding"]);
    assert_eq!(said(&weak, "as.need_evidence", "items"), Some("检测报告或平台判定或监管部门的认定"));
}

#[test]
fn an_escalation_goes_to_the_supervisor_within_two_hours() {
    let ruling = decide(&format!("{{after-sale: {{reason: counterfeit, {STRONG}}}}}"));
    assert_eq!(due(&ruling, "supervisor-call"), Some(at("2026-11-06T12:00:00")));
    assert_eq!(ruling.notes.approvals[0].role, Role::Supervisor);
    assert_eq!(said(&ruling, "as.human_review", "hours"), Some("2"));
}

#[test]
fn an_unshipped_order_without_a_promise_is_due_after_48_hours() {
    let applied = |time: &str| {
        decide(&format!(
            "{{order: {{promised-ship-by: null}}, line: {{shipped-at: null, signed-at: null, custom-made: unknown}}, after-sale: {{request: unspecified, applied-at: \"{time}+08:00\"}}}}"
        ))
    };
    assert_eq!(rules(&applied("2026-11-03T10:00:00")), ["AS-202"]);
    assert_eq!(rules(&applied("2026-11-03T10:00:01")), ["AS-205"]);
}

#[test]
fn a_parcel_on_its_way_is_refunded_by_the_fault_it_has() {
    let intercept = |reason: &str| {
        let ruling = decide(&format!("{{order: {{freight-paid: 800}}, line: {{signed-at: null}}, after-sale: {{reason: {reason}}}}}"));
        assert_eq!(rules(&ruling), ["AS-204"]);
        ruling.refund
    };
    assert_eq!((intercept("no-reason"), intercept("quality")), (19_900, 20_700));
}

#[test]
fn a_resend_may_replace_what_never_came() {
    let given = "{context: {now: \"2026-11-09T10:00:00+08:00\"}, after-sale: {request: resend, reason: not-received}}";
    assert_eq!((decide(given).outcome, rules(&decide(given))), (Outcome::ApproveResend, vec!["AS-206b"]));
    let earlier = given.replace("T10:00:00+08:00\"}, after", "T09:59:59+08:00\"}, after");
    assert_eq!(decide(&earlier).outcome, Outcome::Investigate);
}

#[test]
fn a_report_whose_chain_is_broken_refuses_nothing() {
    let given = "{after-sale: {reason: quality, condition: {human-damage: \"yes\"}, evidence: [{kind: photo, strength: strong}, {kind: inspection-report, strength: strong, intact: false}]}}";
    assert_eq!(rules(&decide(given)), ["AS-310b"]);
}

#[test]
fn an_injury_is_never_refused() {
    let damage =
        "{after-sale: {reason: injury, condition: {human-damage: \"yes\"}, evidence: [{kind: inspection-report, strength: strong}]}}";
    assert_eq!(rules(&decide(damage)), ["AS-104", "AS-310b"]);
    let late = "{after-sale: {applied-at: \"2026-12-13T00:00:00+08:00\", evidence: [{kind: medical-record, strength: weak}]}}";
    assert_eq!(rules(&decide(late)), ["AS-104", "AS-413"]);
}

#[test]
fn the_fault_window_follows_a_longer_promise() {
    let given = format!(
        "{{line: {{promised-no-reason-days: 3}}, after-sale: {{reason: quality, applied-at: \"2026-11-12T10:00:00+08:00\", {STRONG}}}}}"
    );
    assert_eq!(rules(&decide(&given)), ["AS-305"], "never shorter than seven days");
}

#[test]
fn unknown_custom_making_counts_once_a_short_promise_has_run_out() {
    let given = |day: &str| {
        format!(
            "{{line: {{custom-made: unknown, promised-no-reason-days: 3}}, after-sale: {{applied-at: \"2026-11-{day}T10:00:00+08:00\"}}}}"
        )
    };
    assert_eq!(decide(&given("08")).outcome, Outcome::ApproveReturnRefund);
    assert_eq!(rules(&decide(&given("09"))), ["AS-401", "AS-404b"]);
    assert_eq!(rules(&decide(&given("13"))), ["AS-401", "AS-402"]);
}

#[test]
fn a_trigger_that_is_not_known_is_looked_at_when_the_goods_are_back() {
    let given = "{line: {category: electronics, may-exclude: activation-depreciation, exclusion-marked: true, exclusion-confirmed: true}, after-sale: {condition: {unauthorized-repair: \"no\", soiled-or-damaged: \"no\"}}}";
    assert_eq!(rules(&decide(given)), ["AS-411", "AS-420"]);
}

/// 5.6, 3: the window of a bundle starts with its last parcel.
#[test]
fn a_bundle_waits_for_its_last_parcel() {
    let given = |second: &str| {
        format!(
            "{{order: {{bundle: {{line-ids: [A, B], bundle-off: 1000, disclosed: true}}}}, lines: [{{line-id: A}}, {{line-id: B, signed-at: {second}}}], after-sale: {{lines: [A], applied-at: \"2026-11-14T10:00:00+08:00\"}}}}"
        )
    };
    assert_eq!(rules(&decide(&given("\"2026-11-05T15:00:00+08:00\""))), ["AS-402"]);
    let later = decide(&given("\"2026-11-08T15:00:00+08:00\""));
    assert_eq!((later.outcome, later.window_deadline), (Outcome::ApproveReturnRefund, Some(at("2026-11-15T23:59:59"))));
    assert_eq!(decide(&given("null")).outcome, Outcome::ApproveReturnRefund, "one parcel is still on its way");
}

#[test]
fn two_failed_repairs_come_before_another() {
    let given = |request: &str, failed: u32| {
        format!(
            "{{line: {{category: electronics, three-guarantee: true, warranty-days: 365}}, after-sale: {{request: {request}, reason: quality, troubleshooting-done: \"yes\", repairs-failed: {failed}, applied-at: \"2026-12-15T10:00:00+08:00\", {STRONG}}}}}"
        )
    };
    assert_eq!(decide(&given("exchange", 0)).options, [RequestKind::Repair]);
    assert_eq!(decide(&given("unspecified", 1)).outcome, Outcome::ApproveRepair);
    let offered = decide(&given("repair", 2));
    assert_eq!(offered.options, [RequestKind::Exchange, RequestKind::ReturnRefund]);
    assert_eq!(said(&offered, "as.options", "options"), Some("换货、退货退款"));
}

#[test]
fn a_refusal_names_what_it_rests_on() {
    let ruling = decide("{after-sale: {condition: {tags-removed: \"yes\", soiled-or-damaged: \"yes\"}}}");
    let texts: Vec<_> = ruling.notes.messages.iter().map(|message| write(message, "zh-CN").expect("a text")).collect();
    assert_eq!(
        texts,
        [
            "商品吊牌或标识已摘除、有污损，不符合商品完好标准；如有异议可申请人工复核。",
            "处理依据：网络购买商品七日无理由退货暂行办法第9条（AS-410）；您有权要求人工复核。"
        ]
    );
    let reason = &ruling.notes.reasons[0];
    assert_eq!((reason.rule.as_str(), reason.severity), ("AS-410", Severity::Medium));
    assert!(reason.facts.iter().any(|fact| (fact.path.as_str(), fact.value.as_str()) == ("condition.tags-removed", "yes")));
    assert!(reason.citations.iter().any(|citation| citation.locator == "第9条"));
}

#[test]
fn a_broken_seal_counts_against_the_buyer_only_once_the_goods_are_known_to_be_opened() {
    for (opened, expected) in [("yes", &["AS-410"][..]), ("no", &["AS-420"]), ("unknown", &["AS-411", "AS-420"])] {
        let given =
            format!("{{line: {{category: cosmetics}}, after-sale: {{condition: {{opened: \"{opened}\", inner-seal-broken: \"yes\"}}}}}}");
        assert_eq!(rules(&decide(&given)), expected, "{opened}");
    }
}

#[test]
fn a_shortfall_is_explained_and_not_collected() {
    let ruling = decide(
        "{order: {threshold: {threshold: 30000, reduce-by: 5000, disclosed: true}}, lines: [{line-id: A, unit-price: 28000}, {line-id: B, unit-price: 2000}], after-sale: {lines: [B]}}",
    );
    assert_eq!(ruling.refund, 0);
    assert!(obliges(&ruling, "explain-policy-basis"));
}

#[test]
fn an_undisclosed_promo_is_never_withdrawn() {
    let ruling = decide(
        "{order: {threshold: {threshold: 30000, reduce-by: 5000, disclosed: false}, bundle: {line-ids: [A, B], bundle-off: 1000, disclosed: true}}, lines: [{line-id: A, unit-price: 28000}, {line-id: B, unit-price: 2000}], after-sale: {lines: [B]}}",
    );
    // Kept: 28000 less its share of the undisclosed reduction; the bundle's discount is withdrawn. 24000 − (28000 − 4667) = 667.
    assert!(rules(&ruling).contains(&"AS-804") && !rules(&ruling).contains(&"AS-803"));
    assert_eq!(ruling.refund, 667);
}

#[test]
fn a_gift_of_a_line_is_charged_with_it_and_never_for_a_fault() {
    let gift = "gifts: [{gift-id: G, tied-to-line: A, marked-price: 900, returned: \"no\"}]";
    let asked = |lines: &str, more: &str| decide(&format!("{{order: {{{gift}}}, lines: [{lines}], after-sale: {{{more}}}}}"));
    let two = "{line-id: A, unit-price: 10000}, {line-id: B, unit-price: 5000}";
    assert_eq!(asked(two, "lines: [A]").refund, 9_100);
    assert_eq!(asked(two, &format!("lines: [A], reason: quality, {STRONG}")).refund, 10_000);
    let charged = "{line-id: A, unit-price: 10000, qty-returned: 1, refunded: 9100}, {line-id: B, unit-price: 5000}";
    assert_eq!(asked(charged, "lines: [B]").refund, 5_000, "the account over both returns charges it once");
    let fault_before = "{line-id: A, unit-price: 10000, qty-returned: 1, refunded: 10000}, {line-id: B, unit-price: 5000}";
    assert_eq!(asked(fault_before, "lines: [B]").refund, 5_000, "returned for a fault, its gift is free");
}

#[test]
fn freight_comes_back_with_the_last_unit() {
    let fault = |back: u32| {
        let given = format!(
            "{{order: {{freight-paid: 1000, freight-refunded: 200}}, line: {{qty: 2, unit-price: 5000, qty-returned: {back}, refunded: {}}}, after-sale: {{lines: [{{line-id: L1, qty: 1}}], reason: quality, {STRONG}}}}}",
            back * 5_000
        );
        decide(&given).refund
    };
    assert_eq!((fault(0), fault(1)), (5_000, 5_800));
}

#[test]
fn who_bears_the_freight_of_a_return() {
    let payer = |order: &str| decide(&format!("{{order: {{{order}}}}}")).return_freight;
    assert_eq!(payer(""), Payer::Buyer);
    assert_eq!(payer("freight-insurance: true"), Payer::Insurer);
    assert_eq!(payer("freight-insurance: true, merchant-pays-return-freight: true"), Payer::Merchant);
}

#[test]
fn nothing_is_read_that_the_case_does_not_hold() {
    let (ctx, mut facts) = case("{}");
    facts.order.lines.clear();
    let ruling = crate::rule::decide(&Default::default(), &ctx, &facts);
    assert_eq!(rules(&ruling), ["AS-001"]);
}
