//! Forgeries: somebody who knows the format changes what is said, and makes every digest and proof anew.

use super::*;

/// The log with one decision's outcome and amount changed, everything made anew and signed with `key`.
fn forged(log: &Log, seq: usize, key: SigningKey) -> Log {
    let mut header = Header::decode(&log.rows[seq].header).unwrap();
    let Entry::Decision(decision) = &mut header.entry else { panic!("record {seq} is a decision") };
    decision.amounts.cash = 0;
    decision.outcome = "deny".into();
    let mut rows = log.rows.clone();
    rows[seq].header = header.encode().unwrap();
    let mut forged = Log { merchant: log.merchant.clone(), key, rows: Vec::new(), published: Vec::new() };
    for row in rows {
        forged.rows.push(row);
        if forged.rows.len().is_multiple_of(3) || forged.rows.len() == log.rows.len() {
            forged.publish();
        }
    }
    forged
}

#[test]
fn an_altered_ruling_with_proofs_made_anew_needs_the_operators_key() {
    let log = Log::of(10);
    // The forger's key bears the operator's name: the auditor's key tells them apart.
    let forgery = forged(&log, 3, operator_key(66));
    check(&forgery.bundle(0..10, false), &keys(&forgery.key), None).clean();
    let found = check(&forgery.bundle(0..10, false), &log.keys(), None);
    found.names(None, Part::Checkpoint, "not signed by").names(None, Part::End, "not signed by");
    assert!(found.verified.unwrap().wrong_key);
    // With the log's own checkpoints the records do not lead to their root.
    let forgery = Log { key: operator_key(66), published: log.published.clone(), ..forged(&log, 3, operator_key(66)) };
    let found = check(&forgery.bundle(0..10, false), &log.keys(), None);
    found.names(None, Part::Checkpoint, "is not that of these records: one of 3 to 5 was changed");
    found.names(None, Part::RangeProof, "do not lead to the signed root").names(None, Part::End, "not signed by");
    assert!(!found.verified.unwrap().wrong_key);
}

#[test]
fn an_operator_who_rewrites_the_log_is_shown_by_any_earlier_checkpoint() {
    let log = Log::of(10);
    let forgery = forged(&log, 3, log.key.clone());
    // By itself it is sound: the operator's signature is what an auditor trusts, so checkpoints are to be kept.
    check(&forgery.bundle(0..10, false), &log.keys(), None).clean();
    for size in 4..=10 {
        let found = check(&forgery.bundle(0..10, false), &log.keys(), Some(&log.kept(size)));
        found.names(None, Part::KeptCheckpoint, "the log is not the one that you have a checkpoint of");
        let found = check(&forgery.bundle_with(8..10, false, &[size as u64], |manifest| manifest), &log.keys(), Some(&log.kept(size)));
        found.names(None, Part::KeptCheckpoint, "the log is not the one that you have a checkpoint of");
    }
    check(&forgery.bundle(0..10, false), &log.keys(), Some(&log.kept(3))).clean();
}

#[test]
fn a_checkpoint_of_a_key_that_was_not_given_must_be_of_the_records() {
    let of_another_root = |size: usize| {
        let mut log = rotated(10);
        let other = Checkpoint { root: Digest([1; 32]), ..log.checkpoint(size) };
        let note = other.sign(&[operator_key(7).of_merchant(&log.merchant)]).unwrap().to_string();
        log.published.iter_mut().find(|(own, _)| *own == size as u64).unwrap().1 = note;
        log
    };
    let log = of_another_root(6);
    let found = check(&log.bundle(0..10, false), &log.keys(), None);
    found.names(None, Part::Checkpoint, "the one after record 5: the note is not signed by");
    assert_eq!((found.problems.len(), found.verified.unwrap().by_other_keys), (1, 2));
    let window = log.bundle_with(7..9, false, &[3, 6], |manifest| manifest);
    let found = check(&window, &log.keys(), None);
    found.names(None, Part::ConsistencyProof, "from 6 records");
    assert_eq!((found.problems.len(), found.verified.unwrap().by_other_keys), (1, 2));
    // Under another name it is nobody's of this log.
    let mut log = rotated(10);
    let name = KeyName::new("other.example.com/m-1").unwrap();
    let other = SigningKey::from_seed(name, crate::log::key::Algorithm::Note, &[7; 32]);
    log.published[1].1 = log.checkpoint(6).sign(&[other]).unwrap().to_string();
    check(&log.bundle(0..10, false), &log.keys(), None).names(None, Part::Checkpoint, "the one after record 5: the note is not signed by");
    // Without the latest one nothing vouches for it.
    let log = Log { key: operator_key(9), ..Log::of(10) };
    let found = check(&log.bundle(0..10, false), &log.keys(), None);
    assert_eq!(found.verified.unwrap().by_other_keys, 0);
    found.problems.iter().filter(|problem| problem.part == Part::Checkpoint).nth(3).unwrap();
}

#[test]
fn a_log_that_was_rolled_back_is_shown_by_an_earlier_checkpoint() {
    let (log, rolled_back) = (Log::of(10), Log::of(8));
    let found = check(&rolled_back.bundle(0..8, false), &log.keys(), Some(&log.kept(10)));
    found.names(None, Part::KeptCheckpoint, "rolled back: you have a checkpoint of 10 records, the latest one here is of 8");
}

#[test]
fn a_checkpoint_to_compare_with_must_be_the_logs_own() {
    let (log, other) = (Log::of(4), Log { key: operator_key(66), ..Log::of(4) });
    check(&log.bundle(0..4, false), &log.keys(), Some(&other.kept(2))).names(None, Part::Manifest, "not one of this log");
    check(&log.bundle(0..4, false), &log.keys(), Some("nothing")).names(None, Part::Manifest, "not one of this log");
}

#[test]
fn a_bundle_of_another_merchant_or_operator_is_not_taken() {
    let log = Log::of(4);
    let bundle = log.bundle(0..4, false);
    let other = SigningKey::from_seed(KeyName::new("other.example.com").unwrap(), crate::log::key::Algorithm::Note, &[7; 32]);
    check(&bundle, &keys(&other), None).names(None, Part::Manifest, "the key is of `other.example.com/m-1`");
    let merchant = MerchantId::new("m-2").unwrap();
    check(&bundle, &keys(&log.key.of_merchant(&merchant)), None).names(
        None,
        Part::Manifest,
        "the bundle is of the log `ombud.example.com/m-1`",
    );
    let found = check(&bundle, &keys(&operator_key(8)), None);
    assert!(found.verified.unwrap().wrong_key);
    // Records of one merchant in the bundle of another, with the operator's help.
    let moved = Log { merchant, rows: log.rows.clone(), published: Vec::new(), key: log.key.clone() };
    let mut moved = moved;
    moved.publish();
    check(&moved.bundle(0..4, false), &log.keys(), None).names(Some(2), Part::Header, "it is that of record 2 of `m-1`");
}

#[test]
fn claims_of_the_manifest_are_held_against_the_records() {
    let log = Log::of(10);
    let bundle = |claim: &dyn Fn(Manifest) -> Manifest| check(&log.bundle_with(3..7, false, &[], claim), &log.keys(), None);
    // The window is said to be wider than the records: the neighbours are in it.
    let wider = |ms: i64| {
        move |manifest: Manifest| {
            let Window { from_ms, to_ms } = manifest.window;
            Manifest { window: Window { from_ms: from_ms.map(|at| at - ms), to_ms: to_ms.map(|at| at + ms) }, ..manifest }
        }
    };
    bundle(&wider(999)).names(Some(7), Part::Window, "was not received");
    bundle(&wider(1_000)).names(Some(2), Part::Window, "was not received").names(Some(7), Part::Window, "was not received");
    // A window is said to be over, and nothing that is signed stands behind it: there may be more of it.
    let last = |over: bool| {
        move |manifest: Manifest| {
            let to_ms = Some(manifest.made_at_ms + i64::from(!over));
            Manifest { window: Window { to_ms, ..manifest.window }, ..manifest }
        }
    };
    check(&log.bundle_with(3..10, false, &[], last(true)), &log.keys(), None).names(None, Part::Window, "may have been left out");
    assert!(check(&log.bundle_with(3..10, false, &[], last(false)), &log.keys(), None).problems.is_empty());
    // Keys where none should be.
    bundle(&|manifest| Manifest { masked: true, ..manifest }).names(Some(3), Part::Key, "claims to be masked");
    let masked = log.bundle_with(3..7, true, &[], |manifest| Manifest { masked: false, ..manifest });
    assert!(!check(&masked, &log.keys(), None).problems.is_empty());
}

#[test]
fn a_manifest_that_contradicts_itself_is_not_written() {
    let log = Log::of(10);
    let good = Manifest {
        format: FORMAT,
        origin: log.signing().verifier().name().clone(),
        merchant: log.merchant.clone(),
        window: Window::default(),
        records: 0..10,
        tree_size: 10,
        masked: false,
        made_at_ms: 0,
        made_by: "x".repeat(256),
    };
    good.check().unwrap();
    let window = |from_ms, to_ms| Window { from_ms, to_ms };
    let merchant = MerchantId::new("m-2").unwrap();
    for (bad, why) in [
        (Manifest { merchant, ..good.clone() }, "the origin"),
        (Manifest { records: 0..11, ..good.clone() }, "not a run"),
        (Manifest { records: Range { start: 3, end: 2 }, window: window(Some(0), Some(0)), ..good.clone() }, "not a run"),
        (Manifest { records: 1..10, ..good.clone() }, "open at its beginning"),
        (Manifest { records: 0..9, ..good.clone() }, "open at its end"),
        (Manifest { window: window(Some(2), Some(1)), ..good.clone() }, "before it begins"),
        (Manifest { made_by: "x".repeat(257), ..good.clone() }, "longer than 256"),
    ] {
        assert!(bad.check().unwrap_err().to_string().contains(why), "{bad:?}");
        assert!(Writer::begin(Vec::new(), &bad, "", &RangeProof::default()).is_err());
    }
}

#[test]
fn a_body_that_was_exchanged_under_its_key_is_named() {
    let log = Log::of(6);
    let mut changed =
        Log { merchant: log.merchant.clone(), key: log.key.clone(), rows: log.rows.clone(), published: log.published.clone() };
    // Sealed again with the right key for the right record: only the commitments show it.
    let header = Header::decode(&log.rows[3].header).unwrap();
    let of @ Of::Decision(..) = header.of() else { panic!("record 3 is a decision") };
    let key = DataKey::from_bytes(log.rows[3].key.unwrap());
    changed.rows[3].sealed.clear();
    seal(&key, &log.merchant, of, &[(BodyKind::Event, b"{}"), (BodyKind::Case, b"{\"facts\":2}")], &mut changed.rows[3].sealed).unwrap();
    check(&changed.bundle(0..6, false), &log.keys(), None).names(Some(3), Part::Sealed, "not the bytes that the header commits to");
    // Another subject's key.
    let mut changed = Log { rows: log.rows.clone(), ..changed };
    changed.rows[3].key = log.rows[4].key;
    check(&changed.bundle(0..6, false), &log.keys(), None).names(Some(3), Part::Key, "do not open with this key");
}

#[test]
fn bundles_of_every_format_so_far_are_read_and_others_are_not() {
    let log = Log::of(6);
    let of = |format| check(&log.bundle_with(0..6, false, &[], |manifest| Manifest { format, ..manifest }), &log.keys(), None);
    for format in FORMATS {
        of(format).clean();
    }
    for other in [0, FORMAT + 1] {
        of(other).names(None, Part::Manifest, "this version reads formats 1 to 2: use a newer release");
    }
}
