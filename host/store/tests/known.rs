//! What was written is found, whether the store was opened before it or after it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::{Made, Opened, merchant, open, submit};
use ombud_core::ids::EventKey;
use ombud_core::money::{Intent, Payment};
use ombud_ledger::keys::Subject;
use ombud_store::{
    AfterSaleRow, CaseState, Count, GrantRow, Group, IncidentRow, MeasureRow, Reads, RequestRow, Store, StoreError, SubjectKey, UsageOf,
};

fn write(group: &mut dyn Group) -> Result<(), StoreError> {
    let of = merchant("a");
    let (customer, order) = ("c_1".to_owned(), "o1".to_owned());
    group.put_after_sale_case(
        &of,
        &AfterSaleRow {
            order: order.clone(),
            after_sale_id: "s1".into(),
            customer: Some(customer.clone()),
            state: CaseState::Open,
            outcome: "approve-exchange".into(),
            resolution: None,
            attempts: 1,
            lines: Vec::new(),
            freight_refunded: 0,
            approved: 0,
            compensation: 0,
            reason: None,
            policy: None,
            version: None,
            opened_at_ms: 1,
            updated_at_ms: 1,
            last_seq: 0,
        },
    )?;
    let grant = GrantRow { order: order.clone(), episode_id: "e1".into(), form: "coupon".into(), value: 500, at_ms: 1, seq: 0 };
    group.insert_grant(&of, &grant)?;
    let incident = IncidentRow {
        customer: customer.clone(),
        criterion: "malicious-returns".into(),
        incident_id: "i1".into(),
        confirmed: true,
        ticket: None,
        at_ms: 1,
        seq: 0,
    };
    group.put_incident(&of, &incident)?;
    let measure = MeasureRow {
        customer: customer.clone(),
        measure: "marked".into(),
        review_by_ms: None,
        request_id: "r1".into(),
        since_ms: 1,
        seq: 0,
    };
    group.put_measure(&of, &measure)?;
    group.put_blacklist_request(
        &of,
        &RequestRow {
            request_id: "r1".into(),
            customer,
            state: CaseState::Open,
            stage: "submitted".into(),
            criterion: "malicious-returns".into(),
            submitter_id: "p1".into(),
            submitter_role: "agent".into(),
            round: 1,
            detail: Vec::new(),
            opened_at_ms: 1,
            updated_at_ms: 1,
            last_seq: 0,
        },
    )?;
    group.insert_subject_key(&of, Subject::Ticket("t1"), b"wrapped", 1)?;
    group.pay_intent(&of, &Intent { key: "s1".into(), payment: Payment::Refund, amount: 700, restates: false }, 0)?;
    group.count(&of, &Count { seq: 0, order: &order, customer: Some("c_1"), at_ms: 1, day: 0, refund: 700, goodwill: 0 })
}

/// Looks for each row that was written, and for one of the same table that was not.
fn look(reads: &dyn Reads) -> Result<(), StoreError> {
    let of = merchant("a");
    for (there, number) in [(true, 1), (false, 2)] {
        let (order, customer) = (format!("o{number}"), format!("c_{number}"));
        let event = EventKey::new("/test", format!("event-{number}")).unwrap();
        assert_eq!(reads.event(&of, &event)?.is_some(), there);
        assert_eq!(reads.after_sale_cases(&of, &order)?.len() == 1, there);
        assert_eq!(reads.grants(&of, &order)?.len() == 1, there);
        assert_eq!(reads.incidents(&of, &customer, 0)?.len() == 1, there);
        assert_eq!(reads.measure(&of, &customer)?.is_some(), there);
        assert_eq!(reads.blacklist_request(&of, &format!("r{number}"))?.is_some(), there);
        assert_eq!(reads.subject_key(&of, Subject::Ticket(&format!("t{number}")))? != SubjectKey::None, there);
        assert_eq!(reads.intent(&of, &format!("s{number}"), Payment::Refund)?.len() == 1, there);
        let usage =
            |order: Option<&str>, customer: Option<&str>| reads.usage(&of, &UsageOf { order, customer, formerly: None, at_ms: 2, day: 0 });
        assert_eq!(usage(Some(&order), None)?.order_refund == 700, there);
        assert_eq!(usage(None, Some(&customer))?.customer_24h_refund == 700, there);
    }
    assert!(reads.measure(&merchant("b"), "c_1")?.is_none(), "another merchant's customer");
    Ok(())
}

fn look_for_a_while(opened: &Opened) {
    // Before and after the keys of old rows are read, and in between.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(300) {
        opened.store.read(look).unwrap();
        opened.writer.wait(|group| look(group)).unwrap();
    }
}

#[test]
fn what_was_written_is_found_before_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    submit(&opened.writer, &merchant("a"), "event-1", Made::default()).unwrap();
    opened.writer.wait(write).unwrap();
    look_for_a_while(&opened);
    drop(opened);
    look_for_a_while(&open(directory.path(), &[]));
}

#[test]
fn what_was_rolled_back_is_not_found_and_can_be_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    submit(&opened.writer, &merchant("a"), "event-1", Made::default()).unwrap();
    let failed = opened.writer.wait(|group| write(group).and(Err::<(), _>(StoreError::Closed)));
    assert!(failed.is_err());
    let nothing = opened.store.read(|reads| reads.after_sale_cases(&merchant("a"), "o1")).unwrap();
    assert!(nothing.is_empty(), "{nothing:?}");
    opened.writer.wait(write).unwrap();
    look_for_a_while(&opened);
}
