//! What tables rule: rows that decide together, and what hangs on unknown facts.

use ombud_core::golden::{self, Given};
use ombud_rows::{Kind, Table, ruling};
use ombud_rules::contract::after_sale::{self, AfterSaleRuling, Payer};
use ombud_rules::contract::delay::{self, CompForm, DelayRuling, Tier};
use ombud_rules::contract::types::{Notes, Tri};

use crate::{Form, compile};

/// Whether there was a threat, which nobody knows: what hangs on it is passed over.
const DELAY: &str = "{id: D, kind: delay, title: t, given: {extortion-flag: unknown, episodes: [{kind: shipping, overdue-h: 50, paid: 20000}]}, expect: {cash: 0}}";
const AFTER_SALE: &str = "{id: A, kind: after-sale, title: t, given: {}, expect: {refund: 0}}";

fn given(case: &str) -> Given {
    golden::load(&format!("cases:\n- {case}\n")).unwrap().remove(0).given
}

fn table(kind: Kind, hit: &str, rows: &[&str], default: &str) -> Vec<u8> {
    let rows: String = rows.iter().enumerate().map(|(at, row)| format!("- {{id: R{at}, {row}}}\n")).collect();
    let default = if default.is_empty() { String::new() } else { format!("default: {{{default}}}\n") };
    let text = format!("kind: {}\nhit: {hit}\nrows:\n{rows}{default}", kind.as_str());
    compile(&text, Form::Yaml).unwrap_or_else(|problems| panic!("{text}: {problems:?}")).bytes
}

/// The ruling on an ordinary delay.
fn delayed(hit: &str, rows: &[&str], default: &str) -> DelayRuling {
    let bytes = table(Kind::Delay, hit, rows, default);
    let Given::Delay(ctx, case) = given(DELAY) else { panic!("a delay") };
    ruling::delay(Some(&Table::read(&bytes, Kind::Delay).unwrap()), &ctx, &case)
}

/// The ruling on an ordinary return of which nobody knows whether the customer threatens.
fn returned(hit: &str, rows: &[&str], default: &str) -> AfterSaleRuling {
    let bytes = table(Kind::AfterSale, hit, rows, default);
    let Given::AfterSale(ctx, mut case) = given(AFTER_SALE) else { panic!("a return") };
    case.customer.extortion_flag = Tri::Unknown;
    ruling::after_sale(Some(&Table::read(&bytes, Kind::AfterSale).unwrap()), &ctx, &case)
}

fn asked_by(notes: &Notes) -> &str {
    notes.reasons.last().map_or("", |reason| reason.rule.as_str())
}

const LATE: &str = "episode.kind: shipping";
const LATER: &str = "derived.overdue: '> 1h'";

fn award(condition: &str, form: &str, tier: &str, amount: &str) -> String {
    format!("{condition}, outcome: compensate, form: {form}, tier: {tier}, amount: {amount}")
}

#[test]
fn forms_that_contradict_each_other_go_to_a_person() {
    let (coupon, cash) = (award(LATE, "coupon", "slight", "¥30"), award(LATER, "cash-refund", "severe", "¥10"));
    for hit in ["collect sum", "collect max", "collect min"] {
        for rows in [[coupon.as_str(), &cash], [cash.as_str(), &coupon]] {
            let ruled = delayed(hit, &rows, "");
            assert_eq!((ruled.outcome, asked_by(&ruled.notes)), (delay::Outcome::HumanReview, "TABLE-CONFLICT"), "{hit}");
            assert_eq!((ruled.total_cash, ruled.total_coupon, ruled.awards.len()), (0, 0, 0));
        }
    }
    // Who asks for a supervisor gets one, without an award that depends on the order of rows.
    let ruled = delayed("collect", &[&coupon, &cash.replace("outcome: compensate", "outcome: escalate")], "");
    assert_eq!((ruled.outcome, ruled.total_cash + ruled.total_coupon), (delay::Outcome::Escalate, 0));
    assert_eq!(asked_by(&ruled.notes), "TABLE-CONFLICT");
}

#[test]
fn the_gravest_tier_stands_whatever_the_order_of_rows() {
    let (slight, severe) = (award(LATE, "coupon", "slight", "¥30"), award(LATER, "coupon", "severe", "¥10"));
    for (hit, value) in [("collect sum", 4_000), ("collect max", 3_000), ("collect min", 1_000)] {
        for rows in [[slight.as_str(), &severe], [severe.as_str(), &slight]] {
            let ruled = delayed(hit, &rows, "");
            let award = ruled.awards.first().unwrap();
            assert_eq!((award.form, award.tier, award.value), (CompForm::Coupon, Tier::Severe, value), "{hit}");
        }
    }
    // A row that gives nothing says nothing of the award.
    let ruled = delayed("collect", &[&format!("{LATER}, outcome: care-only, form: cash-refund, tier: severe"), &slight], "");
    assert_eq!(ruled.awards.first().map(|award| (award.form, award.tier)), Some((CompForm::Coupon, Tier::Slight)));
}

#[test]
fn payers_that_contradict_each_other_go_to_a_person() {
    let row = |condition: &str, payer: &str| format!("{condition}, outcome: approve-exchange{payer}");
    let buyer = row("reason: known", ", payer: buyer");
    let merchant = row("request: known", ", payer: merchant");
    for rows in [[buyer.as_str(), &merchant], [merchant.as_str(), &buyer]] {
        let ruled = returned("collect", &rows, "");
        assert_eq!((ruled.outcome, asked_by(&ruled.notes)), (after_sale::Outcome::HumanReview, "TABLE-CONFLICT"));
    }
    // A row that names no payer contradicts nobody.
    let ruled = returned("collect", &[&row("request: known", ""), &buyer], "");
    assert_eq!((ruled.outcome, ruled.return_freight), (after_sale::Outcome::ApproveExchange, Payer::Buyer));
}

#[test]
fn a_refund_without_an_amount_counts_as_what_is_due() {
    let due = returned("first", &["reason: known, outcome: approve-refund-only"], "");
    assert!(due.refund > 1_000, "{}", due.refund);
    let part = "reason: known, outcome: approve-refund-only, amount: ¥10";
    let plain = "request: known, outcome: approve-refund-only";
    for (hit, refund) in [("collect sum", due.refund), ("collect max", due.refund), ("collect min", 1_000)] {
        for rows in [[part, plain], [plain, part]] {
            let ruled = returned(hit, &rows, "");
            assert_eq!((ruled.outcome, ruled.refund), (after_sale::Outcome::ApproveRefundOnly, refund), "{hit}");
        }
        // Rows that all have none are what is due, once.
        assert_eq!(returned(hit, &[plain, "reason: known, outcome: approve-refund-only"], "").refund, due.refund);
    }
    assert_eq!(returned("collect max", &[part, plain], "").breakdown, due.breakdown);
    // What a person is to decide is proposed alike.
    let ruled = returned("collect max", &[plain, "reason: known, outcome: human-review, amount: ¥10"], "");
    assert_eq!((ruled.outcome, ruled.refund), (after_sale::Outcome::HumanReview, due.refund));
}

/// What hangs on whether there was a threat.
const OPEN: &str = "extortion_flag: no";
const ASKED: (delay::Outcome, &str) = (delay::Outcome::HumanReview, "TABLE-UNKNOWN");

#[test]
fn a_smaller_award_does_not_stand_where_a_larger_hangs_on_an_unknown_fact() {
    let asked = |hit: &str, open: (&str, &str), stands: (&str, &str), default: bool| {
        let open = award(OPEN, open.0, "slight", open.1);
        let given = award(LATE, stands.0, "slight", stands.1);
        let ruled = if default {
            delayed(hit, &[&open], given.strip_prefix(&format!("{LATE}, ")).unwrap())
        } else {
            delayed(hit, &[&open, &given], "")
        };
        let asked = (ruled.outcome, asked_by(&ruled.notes)) == ASKED;
        assert_eq!(asked, ruled.outcome != delay::Outcome::Compensate);
        asked
    };
    for hit in ["first", "unique"] {
        for default in [false, true] {
            assert!(asked(hit, ("coupon", "¥50"), ("coupon", "¥5"), default));
            assert!(asked(hit, ("cash-refund", "¥50"), ("cash-refund", "¥5"), default));
            assert!(asked(hit, ("cash-refund", "¥5"), ("coupon", "¥5"), default), "cash becomes a coupon");
            assert!(asked(hit, ("cash-refund", "¥5"), ("coupon", "¥50"), default), "nor does a larger coupon compare");
            assert!(asked(hit, ("sample-gift", "¥5"), ("coupon", "¥5"), default));
            assert!(asked(hit, ("coupon", "100 / episode.refund_owed"), ("coupon", "¥5"), default), "unknown");
            assert!(!asked(hit, ("coupon", "¥5"), ("coupon", "¥5"), default));
            assert!(!asked(hit, ("coupon", "¥5"), ("cash-refund", "¥5"), default));
            assert!(!asked(hit, ("solatium", "¥5"), ("cash-refund", "¥50"), default));
            assert!(!asked(hit, ("cash-refund", "0"), ("coupon", "¥5"), default));
        }
    }
    // Collected rows are compared with what they would have been together.
    for (hit, open, is) in [
        ("collect sum", "¥5", true),
        ("collect sum", "0", false),
        ("collect max", "¥50", true),
        ("collect max", "¥5", false),
        ("collect min", "¥50", false),
    ] {
        assert_eq!(asked(hit, ("coupon", open), ("coupon", "¥10"), false), is, "{hit} {open}");
    }
    assert!(asked("collect min", ("coupon", "¥50"), ("coupon", "¥10"), true), "instead of the default");
    assert!(asked("collect max", ("coupon", "¥5"), ("cash-refund", "¥10"), false), "beside each other they would contradict");
    // What gives nothing is not more.
    let ruled = delayed("first", &[&format!("{OPEN}, outcome: care-only"), &award(LATE, "coupon", "slight", "¥5")], "");
    assert_eq!(ruled.outcome, delay::Outcome::Compensate);
    // Who escalates does so still.
    let ruled = delayed("first", &[&award(OPEN, "coupon", "slight", "¥50"), &format!("{LATE}, outcome: escalate")], "");
    assert_eq!(ruled.outcome, delay::Outcome::Escalate);
}

#[test]
fn a_lesser_remedy_does_not_stand_where_a_better_hangs_on_an_unknown_fact() {
    let asked = |hit: &str, open: &str, stands: &str, default: bool| {
        let open = format!("customer.extortion_flag: no, outcome: {open}");
        let given = format!("outcome: {stands}");
        let ruled = if default { returned(hit, &[&open], &given) } else { returned(hit, &[&open, &format!("reason: known, {given}")], "") };
        let asked = asked_by(&ruled.notes) == "TABLE-UNKNOWN";
        assert_eq!(asked, ruled.outcome == after_sale::Outcome::HumanReview, "{open} {stands}");
        asked
    };
    for default in [false, true] {
        let first = |open, stands| asked("first", open, stands, default);
        assert!(first("approve-refund-only", "approve-refund-only, amount: ¥1"));
        assert!(first("approve-partial-refund, amount: ¥20", "approve-partial-refund, amount: ¥10"));
        assert!(first("approve-refund-only", "approve-return-refund"), "the goods are to be sent back");
        assert!(first("approve-refund-only", "approve-exchange"));
        assert!(first("approve-refund-only, amount: ¥1", "approve-resend"));
        assert!(first("approve-exchange, payer: merchant", "approve-exchange, payer: buyer"));
        assert!(first("approve-exchange", "approve-repair"));
        assert!(first("approve-exchange", "approve-partial-refund, amount: ¥1"));
        assert!(first("offer-options, options: exchange | repair", "offer-options, options: repair"));
        assert!(first("approve-refund-only", "reject"));
        assert!(first("approve-refund-only, amount: 100 / (order.freight_paid - order.freight_paid)", "approve-refund-only"));
        assert!(!first("approve-refund-only", "approve-refund-only"));
        assert!(!first("approve-partial-refund, amount: ¥10", "approve-refund-only"));
        assert!(!first("approve-return-refund", "approve-refund-only"));
        assert!(!first("approve-exchange", "approve-refund-only"));
        assert!(!first("approve-exchange, payer: buyer", "approve-exchange, payer: merchant"));
        assert!(!first("approve-repair, payer: merchant", "offer-options, payer: merchant, options: exchange | repair"));
        assert!(!first("reject", "approve-exchange"));
        assert!(!first("approve-refund-only", "need-evidence, missing: photo"), "nothing is decided yet");
    }
    let amounts = ("approve-refund-only, amount: ¥5", "approve-refund-only, amount: ¥10");
    for (hit, is) in [("collect sum", true), ("collect max", false), ("collect min", false)] {
        assert_eq!(asked(hit, amounts.0, amounts.1, false), is, "{hit}");
        assert_eq!(asked(hit, amounts.1, amounts.0, false), hit != "collect min", "{hit}");
        assert!(!asked(hit, amounts.0, "approve-refund-only", false), "what is due is the most a sum is");
    }
    assert!(asked("collect max", "approve-refund-only", amounts.0, false));
}
