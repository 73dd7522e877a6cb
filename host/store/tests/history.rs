//! Money, history and administration: what is written is read back, and nothing of another merchant.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Made, append, merchant, open, submit};
use ombud_core::caps::CapUsage;
use ombud_core::kind::Kind;
use ombud_core::money::{Intent, Payment};
use ombud_core::rollout::VersionId;
use ombud_ledger::Digest;
use ombud_store::{
    AfterSaleRow, ApiKeyRow, CaseState, Count, GrantRow, IncidentRow, JobError, LineHistory, MeasureRow, Origin, RequestRow, ShadowRow,
    SigningKeyRow, StepRow, Store, StoreError, UsageOf, VersionCursor, VersionRow, VersionState,
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
        lines: vec![LineHistory { line_id: "L'1".into(), qty: 2, refunded: 0 }],
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
        seq: 0,
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
            for (customer, review_by) in [("c1", Some(100)), ("c2", None), ("c3", Some(50))] {
                group.put_measure(&a, &measure(customer, review_by))?;
            }
            group.put_measure(&merchant("b"), &measure("c1", Some(70)))?;
            group.put_incident(&a, &incident("i1", true, 10))?;
            group.put_incident(&a, &incident("i2", false, 19))?;
            group.put_incident(&a, &incident("i2", false, 20))?;
            // What is confirmed stays as it is.
            group.put_incident(&a, &incident("i1", false, 30))
        })
        .unwrap();
    let (a, b) = (merchant("a"), merchant("b"));
    let (row, steps) = opened.store.read(|reads| reads.blacklist_request(&a, "b1")).unwrap().unwrap();
    assert_eq!((row, steps), (request.clone(), vec![step(2, 0), step(2, 1)]));
    assert!(opened.store.read(|reads| reads.blacklist_request(&b, "b1")).unwrap().is_none());
    let listed =
        |state, after: &'static str| opened.store.read(|reads| reads.blacklist_requests(&merchant("a"), state, after, 10)).unwrap().len();
    assert_eq!((listed(CaseState::Open, ""), listed(CaseState::Open, "b1"), listed(CaseState::Closed, "")), (1, 0, 0));
    assert!(matches!(
        opened.writer.wait(move |group| group.insert_blacklist_step(&merchant("a"), &step(2, 0))),
        Err(JobError::Job(StoreError::Conflict(_)))
    ));

    assert_eq!(opened.store.read(|reads| reads.measure(&a, "c1")).unwrap(), Some(measure("c1", Some(100))));
    let due = opened.store.read(|reads| reads.measures_due(80, 10)).unwrap();
    assert_eq!(due, [(a.clone(), measure("c3", Some(50))), (b, measure("c1", Some(70)))]);
    assert!(opened.writer.wait(|group| group.lift_measure(&merchant("a"), "c3")).unwrap());
    assert!(!opened.writer.wait(|group| group.lift_measure(&merchant("a"), "c3")).unwrap());

    let since = |since_ms| opened.store.read(|reads| reads.incidents(&a, "c1", since_ms)).unwrap().len();
    assert_eq!((since(0), since(20), since(21)), (2, 1, 0));
    let dropped = |criterion| opened.writer.wait(move |group| group.drop_incidents(&merchant("a"), "c1", criterion)).unwrap();
    assert_eq!((dropped("malicious-returns"), dropped("extortion"), since(0)), (0, 1, 1));
}

#[test]
fn api_keys_versions_blobs_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let key = |id: &str, of: Option<&str>| ApiKeyRow {
        key_id: id.into(),
        hash: Digest::of(id.as_bytes()),
        merchant: of.map(merchant),
        role: "supervisor".into(),
        actor: "u1".into(),
        created_at_ms: 1,
        revoked_at_ms: None,
    };
    let version = |name: &str, state| VersionRow {
        policy: "returns".into(),
        version: name.into(),
        kind: "after-sale".into(),
        component: Digest::of(b"component"),
        settings: Digest::of(b"{}"),
        contract: "ombud:policy@1.0.0".into(),
        state,
        created_at_ms: 1,
        changed_at_ms: 1,
        origin: Origin {
            kinds: vec!["after-sale".into(), "delay".into()],
            component_version: format!("v{name}"),
            component_bytes: 9,
            package: "{}".into(),
            note: Some("first".into()),
            created_by: "dev".into(),
            created_role: "merchant-admin".into(),
            signature: None,
            signing_key: None,
        },
    };
    opened
        .writer
        .wait(move |group| {
            group.insert_api_key(&key("k1", Some("a")))?;
            group.insert_api_key(&key("k2", None))?;
            group.insert_version(&merchant("a"), &version("1", VersionState::Active), "[]")?;
            group.insert_version(&merchant("a"), &version("2", VersionState::Draft), "[1]")?;
            assert_eq!(group.put_blob("application/wasm", b"component", 1)?, Digest::of(b"component"));
            group.put_blob("application/wasm", b"component", 2)?;
            group.set_value("guardrail", b"one")?;
            group.set_value("guardrail", b"two")
        })
        .unwrap();
    let found = opened.store.read(|reads| reads.api_key(&Digest::of(b"k1"))).unwrap();
    assert_eq!(found, Some(key("k1", Some("a"))));
    assert_eq!(opened.store.read(|reads| reads.api_keys(None)).unwrap(), [key("k2", None)]);
    assert_eq!(opened.store.read(|reads| reads.api_keys(Some(&merchant("b")))).unwrap(), []);
    assert!(opened.writer.wait(|group| group.revoke_api_key("k1", 5)).unwrap());
    assert!(!opened.writer.wait(|group| group.revoke_api_key("k1", 6)).unwrap());
    assert_eq!(opened.store.read(|reads| reads.api_key(&Digest::of(b"k1"))).unwrap().unwrap().revoked_at_ms, Some(5));

    let set =
        |name: &'static str, state| opened.writer.wait(move |group| group.set_version_state(&merchant("a"), "returns", name, state, 7));
    assert!(set("1", VersionState::Retired).unwrap() && set("2", VersionState::Active).unwrap());
    assert!(!set("3", VersionState::Shadow).unwrap());
    let again = opened.writer.wait(move |group| group.insert_version(&merchant("a"), &version("1", VersionState::Draft), "[]"));
    assert!(matches!(again, Err(JobError::Job(StoreError::Conflict(_)))));
    let versions = opened.store.read(|reads| reads.versions(&merchant("a"))).unwrap();
    assert_eq!(
        versions.iter().map(|row| (row.version.as_str(), row.state)).collect::<Vec<_>>(),
        [("1", VersionState::Retired), ("2", VersionState::Active)]
    );
    assert_eq!(versions[0].origin, version("1", VersionState::Draft).origin);
    opened
        .store
        .read(|reads| {
            let a = merchant("a");
            assert_eq!(reads.version(&a, "returns", "2")?.as_ref(), Some(&versions[1]));
            assert_eq!(reads.version(&merchant("b"), "returns", "2")?, None);
            assert_eq!(reads.version_report(&a, "returns", "2")?.as_deref(), Some("[1]"));
            assert_eq!(reads.component_named(&a, "returns", "v1")?, Some(Digest::of(b"component")));
            assert_eq!(reads.component_named(&a, "returns", "v3")?, None);
            let newest = reads.versions_of(&a, "returns", None, 1)?;
            assert_eq!(newest, versions[1..]);
            let after = VersionCursor { created_at_ms: newest[0].created_at_ms, version: newest[0].version.clone() };
            assert_eq!(reads.versions_of(&a, "returns", Some(&after), 5)?, versions[..1]);
            assert_eq!(reads.versions_of(&a, "other", None, 5)?, []);
            Ok::<_, StoreError>(())
        })
        .unwrap();

    let signing = SigningKeyRow {
        key_id: "0123456789abcdef".into(),
        public_key: "RW".into(),
        label: "dev".into(),
        created_by: "admin".into(),
        created_at_ms: 3,
        revoked_at_ms: None,
    };
    let row = signing.clone();
    opened.writer.wait(move |group| group.insert_signing_key(&merchant("a"), &row)).unwrap();
    let row = signing.clone();
    assert!(matches!(
        opened.writer.wait(move |group| group.insert_signing_key(&merchant("a"), &row)),
        Err(JobError::Job(StoreError::Conflict(_)))
    ));
    assert!(!opened.writer.wait(|group| group.revoke_signing_key(&merchant("b"), "0123456789abcdef", 4)).unwrap(), "another merchant's");
    assert!(opened.writer.wait(|group| group.revoke_signing_key(&merchant("a"), "0123456789abcdef", 5)).unwrap());
    assert!(!opened.writer.wait(|group| group.revoke_signing_key(&merchant("a"), "0123456789abcdef", 6)).unwrap());
    let kept = opened.store.read(|reads| reads.signing_keys(&merchant("a"))).unwrap();
    assert_eq!(kept, [SigningKeyRow { revoked_at_ms: Some(5), ..signing }]);

    assert_eq!(opened.store.read(|reads| reads.blob(&Digest::of(b"component"))).unwrap().unwrap(), b"component");
    assert_eq!(opened.store.read(|reads| reads.blob(&Digest::of(b"other"))).unwrap(), None);
    assert_eq!(opened.store.read(|reads| reads.value("guardrail")).unwrap().unwrap(), b"two");
    assert_eq!(opened.store.read(|reads| reads.value("other")).unwrap(), None);
}

#[test]
fn rollouts_are_kept_and_shadow_results_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let id = |version: &str| VersionId { policy: "p".into(), version: version.into() };
    let shadow = |seq, version: &str| ShadowRow {
        kind: Kind::Delay,
        version: id(version),
        seq,
        at_ms: seq.cast_signed(),
        result: format!("{{\"seq\":{seq}}}"),
    };
    let rows = [shadow(1, "1"), shadow(2, "1"), shadow(2, "2"), shadow(3, "1"), shadow(3, "1")];
    opened
        .writer
        .wait(move |group| {
            group.put_rollouts(&merchant("a"), "{}", 1)?;
            group.put_rollouts(&merchant("a"), "[]", 2)?;
            rows.iter().try_for_each(|row| group.insert_shadow(&merchant("a"), row, 3))
        })
        .unwrap();
    opened
        .store
        .read(|reads| {
            assert_eq!(reads.rollouts(&merchant("a"))?.as_deref(), Some("[]"));
            assert_eq!(reads.rollouts(&merchant("b"))?, None);
            // Three rows of the kind, the latest, whatever their versions.
            let seqs = |version: &str, since, max| -> Result<Vec<u64>, StoreError> {
                let rows = reads.shadow_rows(&merchant("a"), Kind::Delay, &id(version), since, max)?;
                Ok(rows.into_iter().map(|row| row.seq).collect())
            };
            assert_eq!((seqs("1", 0, 9)?, seqs("2", 0, 9)?), (vec![3, 2], vec![2]));
            assert_eq!((seqs("1", 3, 9)?, seqs("1", 0, 1)?), (vec![3], vec![3]));
            Ok::<(), StoreError>(())
        })
        .unwrap();
}

#[test]
fn decisions_of_a_kind_are_found_by_the_version_that_made_them() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let made = |kind, version| Made { kind: Some(kind), policy: Some("p"), version, received_at_ms: 7, ..Made::default() };
    let all = [made("delay", Some("1")), made("reply", Some("1")), made("delay", Some("2")), made("delay", None), made("delay", Some("1"))];
    for (n, made) in all.into_iter().enumerate() {
        submit(&opened.writer, &merchant("a"), &n.to_string(), made).unwrap();
    }
    let found = |of: &str, seqs| -> Vec<(u64, String, i64)> {
        let found = opened.store.read(|reads| reads.decided(&merchant(of), Kind::Delay, seqs)).unwrap();
        found.into_iter().map(|own| (own.seq, own.version.to_string(), own.at_ms)).collect()
    };
    assert_eq!(found("a", 0..9), [(4, "p 1".to_owned(), 7), (2, "p 2".to_owned(), 7), (0, "p 1".to_owned(), 7)]);
    assert_eq!((found("a", 1..4).len(), found("b", 0..9).len(), found("c", 0..9).len()), (1, 0, 0));
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
