//! Erasure and holds: what is left of an erased customer, and that every sum and sequence stays as it is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{Made, Opened, SECONDS, append, merchant, open};
use ombud_ledger::keys::Subject;
use ombud_store::{
    AfterSaleRow, CaseState, Count, Erased, Erasure, Filter, HoldRow, HoldScope, IncidentRow, JobError, LineHistory, MeasureRow,
    RequestRow, Store, StoreError, SubjectKey, UsageOf,
};

const NOW: i64 = 100 * 86_400_000;
const DAY: i64 = 100;
const MARK: &str = "erased:00112233445566778899aabbccddeeff";

/// A customer with something in every table, in two tickets; and another one.
fn furnished(directory: &Path) -> Opened {
    let opened = open(directory, &["a", "b"]);
    opened
        .writer
        .wait(|group| {
            for (of, customer) in [("a", "c_gone"), ("a", "c_stays"), ("b", "c_gone")] {
                let m = merchant(of);
                group.insert_subject_key(&m, Subject::Customer(customer), format!("wrapped key of {customer} at {of}").as_bytes(), 1)?;
                for (at, ticket) in ["t1", "t2"].into_iter().enumerate() {
                    let ticket = format!("{ticket}-{customer}");
                    let order = format!("o-{customer}");
                    let made = Made {
                        ticket: Some(ticket.clone()),
                        customer: Some(customer.into()),
                        order: Some(order.clone()),
                        received_at_ms: NOW - 10 + at as i64,
                        ..Made::default()
                    };
                    let seq = append(group, &m, &format!("{customer}-{at}"), &made)?;
                    group.insert_subject_key(&m, Subject::Ticket(&ticket), format!("wrapped key of {ticket}").as_bytes(), 1)?;
                    for (nth, at_ms) in [(0, NOW - 5), (1, NOW - 90_000_000)] {
                        let counted = (200 * at + 10 * nth) as i64;
                        let count =
                            Count { seq, order: &order, customer: Some(customer), at_ms, day: DAY as i32, refund: counted, goodwill: 1 };
                        group.count(&m, &count)?;
                    }
                }
                group.put_after_sale_case(
                    &m,
                    &AfterSaleRow {
                        order: format!("o-{customer}"),
                        after_sale_id: "as-1".into(),
                        customer: Some(customer.into()),
                        state: CaseState::Open,
                        outcome: "approve-return-refund".into(),
                        resolution: None,
                        attempts: 1,
                        lines: vec![LineHistory {
                            line_id: "L1".into(),
                            qty: 1,
                            refunded: 700,
                            due: None,
                            by_platform: 0,
                            confirmed: 0,
                            back: None,
                        }],
                        freight_refunded: 5,
                        approved: 700,
                        compensation: 0,
                        reason: None,
                        policy: None,
                        version: None,
                        opened_at_ms: 1,
                        updated_at_ms: 1,
                        last_seq: 0,
                    },
                )?;
                let incident = IncidentRow {
                    customer: customer.into(),
                    criterion: "extortion".into(),
                    incident_id: "i1".into(),
                    confirmed: true,
                    ticket: None,
                    at_ms: NOW,
                    seq: 0,
                };
                group.put_incident(&m, &incident)?;
                group.put_measure(
                    &m,
                    &MeasureRow {
                        customer: customer.into(),
                        measure: "marked".into(),
                        review_by_ms: Some(NOW + 1),
                        request_id: format!("bl-{customer}"),
                        since_ms: 1,
                        seq: 0,
                    },
                )?;
                group.put_blacklist_request(
                    &m,
                    &RequestRow {
                        request_id: format!("bl-{customer}"),
                        customer: customer.into(),
                        state: CaseState::Open,
                        stage: "submitted".into(),
                        criterion: "extortion".into(),
                        submitter_id: "u1".into(),
                        submitter_role: "agent".into(),
                        round: 1,
                        detail: Vec::new(),
                        opened_at_ms: 1,
                        updated_at_ms: 1,
                        last_seq: 0,
                    },
                )?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    opened
}

fn erase(opened: &Opened, tickets: Vec<String>) -> Erased {
    opened
        .writer
        .wait(move |group| {
            let erasure = Erasure { customer: "c_gone", mark: MARK, tickets: &tickets, at_ms: NOW, counted_since_ms: NOW - 86_400_000 };
            group.erase_customer(&merchant("a"), &erasure)
        })
        .unwrap()
}

#[test]
fn nothing_is_left_of_an_erased_customer_but_the_sums() {
    let directory = tempfile::tempdir().unwrap();
    let opened = furnished(directory.path());
    let (a, b) = (merchant("a"), merchant("b"));
    let reads = |read: &dyn Fn(&dyn ombud_store::Reads) -> Result<bool, StoreError>| opened.store.read(|reads| read(reads)).unwrap();
    let usage = |of: &str, customer: &str, formerly: Option<&str>| {
        let (of, order) = (merchant(of), format!("o-{customer}"));
        let asked = UsageOf { order: Some(&order), customer: Some(customer), formerly, at_ms: NOW, day: DAY as i32 };
        opened.store.read(|reads| reads.usage(&of, &asked)).unwrap()
    };
    let (before, others) = (usage("a", "c_gone", None), usage("a", "c_stays", None));
    assert_eq!((before.order_refund, before.customer_24h_refund, before.merchant_day_refund), (420, 200, 840));
    let tickets = opened.store.read(|reads| reads.tickets_of(&a, "c_gone")).unwrap();
    assert_eq!(tickets, ["t1-c_gone", "t2-c_gone"]);
    assert_eq!(opened.store.read(|reads| reads.customers_of(&a, "t1-c_gone")).unwrap(), ["c_gone"]);
    assert!(reads(&|reads| reads.has_open_request(&a, "c_gone")));
    // An executed one is open while its own measure is in force.
    for (request, open) in [("bl-c_stays", true), ("bl-later", false)] {
        let stage = |group: &mut dyn ombud_store::Group| {
            let (row, _) = group.blacklist_request(&merchant("a"), "bl-c_stays")?.unwrap();
            group.put_blacklist_request(&merchant("a"), &RequestRow { stage: "executed".into(), ..row })?;
            let measure = group.measure(&merchant("a"), "c_stays")?.unwrap();
            group.put_measure(&merchant("a"), &MeasureRow { request_id: request.into(), ..measure })
        };
        opened.writer.wait(stage).unwrap();
        assert_eq!(reads(&|reads| reads.has_open_request(&a, "c_stays")), open, "{request}");
    }

    let erased = erase(&opened, tickets);
    assert_eq!(erased, Erased { keys: 3, records: 2, measure: true, requests: 1, incidents: 1 });
    assert_eq!(opened.store.read(|reads| reads.subject_key(&a, Subject::Customer("c_gone"))).unwrap(), SubjectKey::None);
    assert_eq!(opened.store.read(|reads| reads.subject_key(&a, Subject::Ticket("t1-c_gone"))).unwrap(), SubjectKey::None);
    assert_eq!(opened.store.read(|reads| reads.erased_at(&a, MARK)).unwrap(), Some(NOW));
    assert_eq!(opened.store.read(|reads| reads.with_erased()).unwrap(), std::slice::from_ref(&a));
    assert!(reads(&|reads| Ok(reads.measure(&a, "c_gone")?.is_none() && reads.incidents(&a, "c_gone", 0)?.is_empty())));
    let (request, _) = opened.store.read(|reads| reads.blacklist_request(&a, "bl-c_gone")).unwrap().unwrap();
    assert_eq!((request.customer.as_str(), request.state, request.stage.as_str()), (MARK, CaseState::Closed, "archived"));
    let case = opened.store.read(|reads| reads.after_sale_cases(&a, "o-c_gone")).unwrap().remove(0);
    assert_eq!((case.customer, case.lines[0].refunded, case.freight_refunded), (None, 700, 5), "the order's money stays");

    // Every sum is as it was: the customer's own too, for whoever knows the mark, and for a day.
    assert_eq!(usage("a", "c_gone", Some(MARK)), before);
    assert_eq!(usage("a", "c_gone", None).customer_24h_refund, 0);
    assert_eq!(usage("a", "c_stays", None), others);
    let forget = |before_ms| opened.writer.wait(move |group| group.forget_marks(&merchant("a"), before_ms)).unwrap();
    assert_eq!((forget(NOW - 5), forget(NOW - 4), forget(NOW)), (0, 2, 0));
    let later = usage("a", "c_gone", Some(MARK));
    assert_eq!((later.customer_24h_refund, later.order_refund, later.merchant_day_refund), (0, 420, 840));

    // The log is as it was, and nobody else's data was touched.
    assert_eq!(opened.store.read(|reads| reads.log_size(&a)).unwrap(), 4);
    let listed = |of: &str, customer: &str| {
        let filter = Filter { customer: Some(customer.into()), ..Filter::default() };
        opened.store.read(|reads| reads.list(&merchant(of), &filter, None, 10)).unwrap().entries.len()
    };
    assert_eq!((listed("a", "c_gone"), listed("a", "c_stays"), listed("b", "c_gone")), (0, 2, 2));
    assert!(reads(&|reads| Ok(reads.measure(&b, "c_gone")?.is_some() && reads.measure(&a, "c_stays")?.is_some())));
    assert!(matches!(opened.store.read(|reads| reads.subject_key(&b, Subject::Customer("c_gone"))).unwrap(), SubjectKey::Wrapped(_)));

    // Once more is nothing more.
    assert_eq!(erase(&opened, Vec::new()), Erased::default());
}

#[test]
fn the_files_do_not_hold_what_was_erased() {
    let directory = tempfile::tempdir().unwrap();
    let opened = furnished(directory.path());
    // The other merchant's customer of the same name would hide what this is about.
    let other = |group: &mut dyn ombud_store::Group| {
        let tickets = group.tickets_of(&merchant("b"), "c_gone")?;
        let erasure = Erasure { customer: "c_gone", mark: MARK, tickets: &tickets, at_ms: NOW, counted_since_ms: NOW };
        group.erase_customer(&merchant("b"), &erasure)
    };
    let holds = |text: &str| {
        ["ombud.db", "ombud.db-wal"].into_iter().any(|file| {
            let bytes = std::fs::read(directory.path().join(file)).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    assert!(opened.store.empty_log().wait(SECONDS).unwrap());
    assert!(holds("wrapped key of c_gone") && holds("wrapped key of t1-c_gone"));
    opened.writer.wait(other).unwrap();
    let tickets = opened.store.read(|reads| reads.tickets_of(&merchant("a"), "c_gone")).unwrap();
    erase(&opened, tickets);
    assert!(opened.store.empty_log().wait(SECONDS).unwrap());
    assert!(!holds("wrapped key of c_gone") && !holds("wrapped key of t1-c_gone"), "a destroyed key is still in a file");
    assert!(holds("wrapped key of c_stays"));
}

#[test]
fn tickets_are_erased_alone_and_keys_are_wrapped_anew() {
    let directory = tempfile::tempdir().unwrap();
    let opened = furnished(directory.path());
    let a = merchant("a");
    let keys = |after: &str, most| opened.store.read(|reads| reads.wrapped_keys(&a, after, most)).unwrap();
    let names: Vec<String> = keys("", 10).into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(
        names,
        ["customer:c_gone", "customer:c_stays", "ticket:t1-c_gone", "ticket:t1-c_stays", "ticket:t2-c_gone", "ticket:t2-c_stays"]
    );
    assert_eq!((keys("", 2).len(), keys("customer:c_stays", 10).len()), (2, 4));
    let last = |subject: Subject<'_>| opened.store.read(|reads| reads.last_record_at(&a, subject)).unwrap();
    assert_eq!((last(Subject::Customer("c_gone")), last(Subject::Ticket("t1-c_gone"))), (Some(NOW - 9), Some(NOW - 10)));
    assert_eq!((last(Subject::Customer("nobody")), last(Subject::Merchant)), (None, None));
    let erase = || opened.writer.wait(|group| group.erase_ticket(&merchant("a"), "t1-c_gone", NOW)).unwrap();
    let erased = || opened.store.read(|reads| reads.erased_subjects(&a)).unwrap();
    assert_eq!(erased(), 0);
    assert!(erase() && !erase());
    assert_eq!(erased(), 1);
    assert_eq!(keys("", 10).len(), 5);
    let rewrap = |subject: &'static str| opened.writer.wait(move |group| group.rewrap_key(&merchant("a"), subject, b"anew")).unwrap();
    assert!(rewrap("customer:c_stays") && !rewrap("ticket:t1-c_gone") && !rewrap("customer:nobody"));
    assert_eq!(keys("customer:c_gone", 1), [("customer:c_stays".to_owned(), b"anew".to_vec())]);
}

#[test]
fn holds_are_set_and_lifted() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let hold = |id: &str, scope, subject: Option<&str>, set_at_ms| HoldRow {
        hold_id: id.into(),
        scope,
        subject: subject.map(str::to_owned),
        set_by: "lawyer".into(),
        set_at_ms,
    };
    let all = [
        hold("h1", HoldScope::Merchant, None, 1),
        hold("h3", HoldScope::Ticket, Some("t"), 2),
        hold("h2", HoldScope::Customer, Some("c"), 3),
    ];
    for row in all.clone() {
        opened.writer.wait(move |group| group.insert_hold(&merchant("a"), &row)).unwrap();
    }
    let holds = |of: &str| opened.store.read(|reads| reads.holds(&merchant(of))).unwrap();
    assert_eq!((holds("a").as_slice(), holds("b").len()), (&all[..], 0));
    let again = all[0].clone();
    let conflict = opened.writer.wait(move |group| group.insert_hold(&merchant("a"), &again));
    assert!(matches!(conflict, Err(JobError::Job(StoreError::Conflict(_)))));
    let lift = |of: &'static str| opened.writer.wait(move |group| group.lift_hold(&merchant(of), "h3")).unwrap();
    assert!(!lift("b") && lift("a") && !lift("a"));
    assert_eq!(holds("a").len(), 2);
}
