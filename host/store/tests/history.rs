//! Money and history: what is written is read back, and nothing of another merchant; a reader sees one snapshot.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Made, append, merchant, open, submit};
use ombud_core::caps::CapUsage;
use ombud_core::ids::MerchantId;
use ombud_core::money::{Intent, Payment};
use ombud_store::{
    AfterSaleRow, CaseState, Count, DueMeasure, GrantRow, IncidentRow, JobError, LineHistory, MeasureRow, RequestRow, StepRow, Store,
    StoreError, UsageOf,
};

const DAY_MS: i64 = 86_400_000;

#[test]
fn an_intent_is_paid_once_until_it_is_cancelled() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let pay = |of: &'static str, payment: Payment, seq: u64, restates: bool| {
        let intent = Intent { key: "as-1".into(), payment, amount: 19_900, restates };
        opened.writer.wait(move |group| group.pay_intent(&merchant(of), &intent, seq))
    };
    pay("a", Payment::Refund, 4, false).unwrap();
    pay("a", Payment::Cash, 4, false).unwrap();
    pay("b", Payment::Refund, 4, false).unwrap();
    for seq in [4, 5] {
        assert!(matches!(pay("a", Payment::Refund, seq, false), Err(JobError::Job(StoreError::Conflict(_)))));
    }
    let parts = || {
        let parts = opened.store.read(|reads| reads.intent(&merchant("a"), "as-1", Payment::Refund)).unwrap();
        parts.iter().map(|part| (part.amount, part.seq)).collect::<Vec<_>>()
    };
    let cancel = |seq| opened.writer.wait(move |group| group.cancel_intent(&merchant("a"), "as-1", Payment::Refund, seq)).unwrap();
    // What is stated again has a part for each record, once.
    pay("a", Payment::Refund, 6, true).unwrap();
    assert!(matches!(pay("a", Payment::Refund, 6, true), Err(JobError::Job(StoreError::Conflict(_)))));
    assert_eq!(parts(), [(19_900, 4), (19_900, 6)]);
    assert!(cancel(4) && !cancel(4) && !cancel(5));
    assert_eq!(parts(), [(19_900, 6)]);
    assert!(pay("a", Payment::Refund, 7, false).is_err());
    assert!(cancel(6));
    pay("a", Payment::Refund, 7, false).unwrap();
    assert_eq!(parts(), [(19_900, 7)]);
}

#[test]
fn usage_is_summed_over_each_window() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let now = 100 * DAY_MS;
    let count = |seq, order: &'static str, customer: Option<&'static str>, at_ms, day, refund, goodwill| {
        opened
            .writer
            .wait(move |group| group.count(&merchant("a"), &Count { seq, order, customer, at_ms, day, refund, goodwill }))
            .unwrap();
    };
    count(0, "o1", Some("c1"), now - DAY_MS, 99, 100, 1); // exactly 24 h before: outside
    count(1, "o1", Some("c1"), now - DAY_MS + 1, 99, 200, 2);
    count(2, "o2", Some("c1"), now - 5, 100, 400, 4);
    count(3, "o1", Some("c2"), now - 4, 100, 800, 8);
    count(4, "o3", None, now - 3, 100, 1600, 16);
    let usage = |of: &str, order, customer, day| {
        opened.store.read(|reads| reads.usage(&merchant(of), &UsageOf { order, customer, formerly: None, at_ms: now, day })).unwrap()
    };
    let expected = CapUsage {
        order_refund: 1100,
        order_goodwill: 11,
        customer_24h_refund: 600,
        customer_24h_goodwill: 6,
        merchant_day_refund: 2800,
        merchant_day_goodwill: 28,
    };
    assert_eq!(usage("a", Some("o1"), Some("c1"), 100), expected);
    assert_eq!(usage("a", None, None, 101), CapUsage::default());
    assert_eq!(usage("b", Some("o1"), Some("c1"), 100), CapUsage::default());
    // A cancelled payment is counted back into its windows.
    count(5, "o2", Some("c1"), now - 5, 100, -400, -4);
    let usage = usage("a", Some("o2"), Some("c1"), 100);
    assert_eq!((usage.order_refund, usage.customer_24h_refund, usage.merchant_day_refund), (0, 200, 2400));
}

#[test]
fn after_sale_cases_and_grants_of_an_order() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let mut case = AfterSaleRow {
        order: "o1".into(),
        after_sale_id: "as-1".into(),
        customer: Some("c1".into()),
        state: CaseState::Open,
        outcome: "approve-return-refund".into(),
        resolution: Some("return-refund".into()),
        attempts: 1,
        lines: vec![LineHistory { line_id: "L'1".into(), qty: 2, refunded: 0, due: None, by_platform: 0, confirmed: 0, back: None }],
        freight_refunded: 0,
        approved: 19_900,
        compensation: 500,
        reason: Some("quality".into()),
        policy: Some("returns".into()),
        version: Some("1".into()),
        opened_at_ms: 10,
        updated_at_ms: 10,
        last_seq: 0,
    };
    let grant = GrantRow { order: "o1".into(), episode_id: "e1".into(), form: "coupon".into(), value: 3000, at_ms: 11, seq: 1 };
    let (first, other, granted) = (case.clone(), AfterSaleRow { after_sale_id: "as-0".into(), ..case.clone() }, grant.clone());
    let of_order = |order: &'static str| Made { customer: Some("c1".into()), order: Some(order.into()), ..Made::default() };
    opened
        .writer
        .wait(move |group| {
            append(group, &merchant("a"), "1", &of_order("o1"))?;
            append(group, &merchant("a"), "2", &of_order("o1"))?;
            group.put_after_sale_case(&merchant("a"), &first)?;
            group.put_after_sale_case(&merchant("a"), &other)?;
            group.insert_grant(&merchant("a"), &granted)
        })
        .unwrap();
    assert_eq!(opened.store.read(|reads| reads.open_after_sales(&merchant("a"), "c1")).unwrap(), 2);
    (case.state, case.outcome, case.last_seq, case.lines[0].refunded) = (CaseState::Closed, "refund-now".into(), 2, 19_900);
    let second = case.clone();
    opened.writer.wait(move |group| group.put_after_sale_case(&merchant("a"), &second)).unwrap();

    let cases = opened.store.read(|reads| reads.after_sale_cases(&merchant("a"), "o1")).unwrap();
    assert_eq!(cases.iter().map(|case| case.after_sale_id.as_str()).collect::<Vec<_>>(), ["as-0", "as-1"]);
    assert_eq!(cases[1], case);
    assert_eq!(opened.store.read(|reads| reads.open_after_sales(&merchant("a"), "c1")).unwrap(), 1);
    assert_eq!(opened.store.read(|reads| reads.grants(&merchant("a"), "o1")).unwrap(), std::slice::from_ref(&grant));
    // A ruling may award one episode twice in the same form.
    opened.writer.wait(move |group| group.insert_grant(&merchant("a"), &grant)).unwrap();
    assert_eq!(opened.store.read(|reads| reads.grants(&merchant("a"), "o1")).unwrap()[0].value, 6000);
    assert_eq!(opened.store.read(|reads| reads.after_sale_cases(&merchant("b"), "o1")).unwrap(), []);
}

#[test]
fn blacklist_requests_steps_measures_and_incidents() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let request = RequestRow {
        request_id: "b1".into(),
        customer: "c1".into(),
        state: CaseState::Open,
        stage: "submitted".into(),
        criterion: "extortion".into(),
        submitter_id: "u1".into(),
        submitter_role: "agent".into(),
        round: 2,
        detail: vec![1, 2, 3],
        opened_at_ms: 5,
        updated_at_ms: 6,
        last_seq: 1,
    };
    let step = |round, step| StepRow {
        request_id: "b1".into(),
        round,
        step,
        stage: "submitted".into(),
        actor_id: "u1".into(),
        role: "agent".into(),
        verdict: "approve".into(),
        at_ms: 5,
        seq: u64::from(10 * round + step),
    };
    let measure = |customer: &str, review_by_ms| MeasureRow {
        customer: customer.into(),
        measure: "blacklisted".into(),
        review_by_ms,
        request_id: "b1".into(),
        since_ms: 7,
        seq: 2,
    };
    let incident = |id: &str, confirmed, at_ms| IncidentRow {
        customer: "c1".into(),
        criterion: "extortion".into(),
        incident_id: id.into(),
        confirmed,
        ticket: Some("t1".into()),
        at_ms,
        seq: 3,
    };
    let written = request.clone();
    opened
        .writer
        .wait(move |group| {
            let a = merchant("a");
            group.put_blacklist_request(&a, &written)?;
            for (round, number) in [(1, 0), (2, 1), (2, 0)] {
                group.insert_blacklist_step(&a, &step(round, number))?;
            }
            for (customer, review_by) in [("c1", Some(100)), ("c2", None), ("c3", Some(50)), ("c4", Some(70))] {
                group.put_measure(&a, &measure(customer, review_by))?;
            }
            group.put_measure(&merchant("b"), &measure("c1", Some(70)))?;
            group.put_incident(&a, &incident("i1", true, 10))?;
            group.put_incident(&a, &incident("i2", false, 19))?;
            group.put_incident(&a, &incident("i2", false, 20))?;
            // What came late does not make it older.
            group.put_incident(&a, &incident("i2", false, 18))?;
            // What is confirmed stays as it is.
            group.put_incident(&a, &incident("i1", false, 30))
        })
        .unwrap();
    let (a, b) = (merchant("a"), merchant("b"));
    let (row, steps) = opened.store.read(|reads| reads.blacklist_request(&a, "b1")).unwrap().unwrap();
    assert_eq!((row, steps), (request.clone(), vec![step(2, 0), step(2, 1)]));
    assert!(opened.store.read(|reads| reads.blacklist_request(&b, "b1")).unwrap().is_none());
    let acts = |of: &MerchantId, rows_max| opened.store.read(|reads| reads.blacklist_acts(of, "b1", rows_max)).unwrap();
    assert_eq!((acts(&a, 10), acts(&a, 2), acts(&b, 10)), (vec![21, 20, 10], vec![21, 20], Vec::new()));
    let listed =
        |state, after: &'static str| opened.store.read(|reads| reads.blacklist_requests(&merchant("a"), state, after, 10)).unwrap().len();
    assert_eq!((listed(CaseState::Open, ""), listed(CaseState::Open, "b1"), listed(CaseState::Closed, "")), (1, 0, 0));
    assert!(matches!(
        opened.writer.wait(move |group| group.insert_blacklist_step(&merchant("a"), &step(2, 0))),
        Err(JobError::Job(StoreError::Conflict(_)))
    ));

    assert_eq!(opened.store.read(|reads| reads.measure(&a, "c1")).unwrap(), Some(measure("c1", Some(100))));
    let due = |after: Option<&DueMeasure>, rows_max| opened.store.read(|reads| reads.measures_due(80, after, rows_max)).unwrap();
    let all = [(a.clone(), measure("c3", Some(50))), (a.clone(), measure("c4", Some(70))), (b, measure("c1", Some(70)))];
    assert_eq!(due(None, 10), all);
    for (at, own) in all.iter().enumerate() {
        assert_eq!((due(Some(own), 10), due(Some(own), 1)), (all[at + 1..].to_vec(), all[at + 1..].iter().take(1).cloned().collect()));
    }
    assert!(opened.writer.wait(|group| group.lift_measure(&merchant("a"), "c3")).unwrap());
    assert!(!opened.writer.wait(|group| group.lift_measure(&merchant("a"), "c3")).unwrap());

    let since = |since_ms| opened.store.read(|reads| reads.incidents(&a, "c1", since_ms)).unwrap().len();
    assert_eq!((since(0), since(20), since(21)), (2, 1, 0));
    let dropped = |criterion| opened.writer.wait(move |group| group.drop_incidents(&merchant("a"), "c1", criterion)).unwrap();
    assert_eq!((dropped("malicious-returns"), dropped("extortion"), since(0)), (0, 1, 1));
}

#[test]
fn a_reader_sees_one_snapshot_while_groups_are_committed() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    submit(&opened.writer, &merchant("a"), "1", Made::default()).unwrap();
    opened
        .store
        .read(|reads| {
            let before = reads.log_size(&merchant("a"))?;
            submit(&opened.writer, &merchant("a"), "2", Made::default()).unwrap();
            assert_eq!((before, reads.log_size(&merchant("a"))?), (1, 1));
            Ok::<(), StoreError>(())
        })
        .unwrap();
    assert_eq!(opened.store.read(|reads| reads.log_size(&merchant("a"))).unwrap(), 2);
}
