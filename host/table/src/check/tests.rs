//! Gaps, overlaps and idle rows in tables that have them, and none in those that have not.

use super::{Findings, check};
use crate::{Form, compile};

fn found(text: &str) -> Findings {
    check(&compile(text, Form::Yaml).unwrap_or_else(|problems| panic!("{problems:?}")))
}

fn value<'a>(facts: &'a [(String, String)], path: &str) -> &'a str {
    facts.iter().find(|(name, _)| name == path).map_or("nowhere", |(_, value)| value)
}

#[test]
fn a_gap_between_two_intervals_is_shown_with_a_case_in_it() {
    let ladder = |first: &str, second: &str| {
        found(&format!(
            "kind: delay\nhit: unique\nrows:\n- {{id: A, derived.overdue: '{first}', outcome: none}}\n- {{id: B, derived.overdue: '{second}', outcome: care-only}}\n"
        ))
    };
    let sound = ladder("< 72h", ">= 72h");
    assert_eq!((sound.gap_count, sound.overlaps.len(), sound.idle.len(), sound.complete), (0, 0, 0, true));
    let gap = ladder("< 72h", "> 72h");
    let example = gap.gaps.first().expect("a gap");
    assert_eq!(value(&example.facts, "derived.overdue"), "72h");
    let due = |path: &str| example.case["episodes"][0][path].as_i64().unwrap();
    assert_eq!(example.context["now"].as_i64().unwrap() - due("due"), 72 * 3_600_000, "the case is as late as it is said to be");
    let overlap = ladder("<= 72h", ">= 72h");
    let both = overlap.overlaps.first().expect("an overlap");
    assert_eq!((both.rows.clone(), both.contradict), (("A".to_owned(), "B".to_owned()), true));
    assert_eq!(value(&both.example.facts, "derived.overdue"), "72h");
}

#[test]
fn a_name_that_no_row_has_is_a_gap() {
    let text = "kind: after-sale\nhit: first\nrows:\n- {id: A, reason: quality, outcome: human-review}\n- {id: B, reason: not quality, request: exchange, outcome: approve-exchange}\n";
    let findings = found(text);
    let request = value(&findings.gaps.first().expect("a gap").facts, "request").to_owned();
    assert_ne!(request, "exchange");
}

#[test]
fn a_row_behind_a_wider_one_never_decides() {
    let text = "kind: delay\nrows:\n- {id: WIDE, derived.overdue: '> 24h', outcome: care-only}\n- {id: NARROW, derived.overdue: '> 72h', outcome: human-review}\n";
    let findings = found(text);
    let idle = findings.idle.first().expect("an idle row");
    assert_eq!((idle.row.as_str(), idle.behind.as_slice()), ("NARROW", ["WIDE".to_owned()].as_slice()));
    let turned = "kind: delay\nrows:\n- {id: NARROW, derived.overdue: '> 72h', outcome: human-review}\n- {id: WIDE, derived.overdue: '> 24h', outcome: care-only}\n";
    assert!(found(turned).idle.is_empty());
}

#[test]
fn a_condition_that_cannot_hold_is_named() {
    let text =
        "kind: delay\nrows:\n- {id: NEVER, when: derived.overdue > duration('2h') && derived.overdue < duration('1h'), outcome: none}\n";
    let findings = found(text);
    assert_eq!(findings.idle.first().map(|idle| (idle.row.as_str(), idle.behind.len())), Some(("NEVER", 0)));
}

#[test]
fn lists_options_and_unknown_facts_are_varied() {
    let text = "kind: after-sale\nrows:\n\
        - {id: SHOWN, when: \"evidence.exists(e, e.kind == 'photo' && e.intact)\", outcome: approve-refund-only}\n\
        - {id: NOBODY, order.threshold.reduce_by: unknown, evidence: unknown, outcome: human-review}\n\
        - {id: PROMO, order.threshold.reduce_by: '> ¥10', outcome: human-review}\n";
    let findings = found(text);
    assert_eq!(findings.idle.iter().map(|idle| idle.row.as_str()).collect::<Vec<_>>(), ["NOBODY"], "a list is always known");
}

#[test]
fn every_derived_fact_can_be_brought_about() {
    let rows = |kind: &str, cells: &[&str]| {
        let rows: String = cells.iter().enumerate().map(|(at, cell)| format!("- {{id: R{at}, {cell}, outcome: OUT}}\n")).collect();
        let out = if kind == "reply" {
            "pass"
        } else if kind == "blacklist" {
            "reject"
        } else {
            "human-review"
        };
        found(&format!("kind: {kind}\nhit: unique\nrows:\n{}", rows.replace("OUT", out))).idle
    };
    assert_eq!(rows("after-sale", &["derived.category: fresh", "derived.category: not fresh"]), []);
    for fact in ["shipped", "received", "in_no_reason_window", "in_warranty", "intact", "excluded"] {
        let (yes, no) = (format!("derived.{fact}: yes"), format!("derived.{fact}: no"));
        assert_eq!(rows("after-sale", &[&yes, &no]), [], "{fact}");
    }
    for fact in ["price", "refund_due", "refund_fault", "refund_no_reason", "balance"] {
        let (low, high) = (format!("derived.{fact}: '< ¥50'"), format!("derived.{fact}: '>= ¥50'"));
        assert_eq!(rows("after-sale", &[&low, &high]), [], "{fact}");
    }
    let classes = ["no-reason", "fault", "safety", "lost", "open", "price-drop"].map(|class| format!("derived.reason_class: {class}"));
    assert_eq!(rows("after-sale", &classes.each_ref().map(String::as_str)), []);
    assert_eq!(rows("after-sale", &["derived.evidence_strength: strong", "derived.evidence_strength: unknown"]), []);
    assert_eq!(rows("after-sale", &["derived.days_since_receipt: '< 8'", "derived.days_since_receipt: '>= 8'"]), []);
    assert_eq!(rows("after-sale", &["derived.today: '>= 2026-11-11'", "derived.today: '< 2026-11-11'"]), []);
    assert_eq!(rows("delay", &["derived.weekday: 7", "derived.weekday: '< 7'"]), []);
    for fact in ["excused", "blames_buyer"] {
        let (yes, no) = (format!("derived.{fact}: yes"), format!("derived.{fact}: no"));
        assert_eq!(rows("delay", &[&yes, &no]), [], "{fact}");
    }
    for fact in ["paid", "left", "refund_due"] {
        let (low, high) = (format!("derived.{fact}: '< ¥50'"), format!("derived.{fact}: '>= ¥50'"));
        assert_eq!(rows("delay", &[&low, &high]), [], "{fact}");
    }
    assert_eq!(rows("blacklist", &["derived.incidents_counted: '< 3'", "derived.incidents_counted: '>= 3'"]), []);
    for fact in ["violence", "evidence_complete", "evidence_usable"] {
        let (yes, no) = (format!("derived.{fact}: yes"), format!("derived.{fact}: no"));
        assert_eq!(rows("blacklist", &[&yes, &no]), [], "{fact}");
    }
    assert_eq!(rows("blacklist", &["stage: submitted", "stage: supervisor-reviewed", "stage: head-reviewed"]), []);
    assert_eq!(rows("reply", &["derived.length: '> 100'", "derived.length: '<= 100'"]), []);
}

#[test]
fn words_that_two_rows_have_in_common_overlap() {
    let text = "kind: reply\nhit: unique\nrows:\n- {id: A, words: 保值, outcome: block}\n- {id: B, words: 升值 | 保值, outcome: pass}\n";
    let findings = found(text);
    assert_eq!(findings.overlaps.len(), 1);
    assert_eq!(findings.gaps.first().map(|example| value(&example.facts, "text")), Some("您好"));
}

#[test]
fn a_long_ladder_is_tried_at_every_rung() {
    let rungs = |count: usize, cell: &dyn Fn(usize) -> String| {
        let rows: String = (0..count).map(|at| format!("- {{id: R{at}, {}, outcome: care-only}}\n", cell(at))).collect();
        found(&format!("kind: delay\nrows:\n{rows}"))
    };
    let alone = rungs(100, &|at| format!("derived.overdue: '[{at}h..{}h)'", at + 1));
    assert_eq!((alone.idle, alone.overlap_count, alone.complete), (vec![], 0, true));
    let late: Vec<&str> = alone.gaps.iter().map(|gap| value(&gap.facts, "derived.overdue")).collect();
    assert_eq!(late, ["-1ms", "100h", "360000001ms"], "before the first and behind the last");
    // Too many combinations to try all: each row is still met, and what was not tried is said.
    let cell = |at: usize| format!("derived.overdue: '[{at}h..{}h)', derived.paid: '>= ¥{at}', demanded: '> ¥{at}'", at + 1);
    let sampled = rungs(100, &cell);
    assert_eq!((sampled.idle, sampled.complete), (vec![], false));
}

#[test]
fn every_row_beside_every_other_is_counted_and_the_first_are_shown() {
    let rows: String = (0..500).map(|at| format!("- {{id: R{at}, derived.overdue: '> {}h', outcome: care-only}}\n", 500 - at)).collect();
    let findings = found(&format!("kind: delay\nrows:\n{rows}"));
    assert_eq!((findings.overlap_count, findings.overlaps.len()), (500 * 499 / 2, 200));
    assert_eq!(findings.idle, []);
}

#[test]
fn fields_of_an_item_are_varied_together() {
    let text = "kind: after-sale\nrows:\n- {id: A, when: \"evidence.exists(e, e.kind == 'video' && !e.intact)\", outcome: human-review}\n";
    assert_eq!(found(text).idle, []);
}
