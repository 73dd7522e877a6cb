//! Administration: keys, versions, blobs, values, rollouts and shadow results are read back, and nothing of another merchant.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Made, merchant, open, submit};
use ombud_core::kind::Kind;
use ombud_core::rollout::VersionId;
use ombud_ledger::Digest;
use ombud_store::{ApiKeyRow, JobError, Origin, ShadowRow, SigningKeyRow, Store, StoreError, VersionCursor, VersionRow, VersionState};

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
