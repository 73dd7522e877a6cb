//! Sound bundles: nothing is found, and everything was looked at.

use super::*;

#[test]
fn a_whole_log_is_found_sound() {
    let mut log = Log::of(20);
    log.rows[4].key = None;
    let found = check(&log.bundle(0..20, false), &log.keys(), None).clean();
    let verified = found.verified.unwrap();
    assert_eq!((found.opened, found.erased, found.masked), (19, 1, 0));
    assert_eq!(verified.counts, Counts { records: 20, blobs: 2, checkpoints: 6, troubles: 0 });
    // The run to the latest checkpoint, and each earlier checkpoint.
    assert_eq!(verified.proofs, 7);
    assert_eq!(verified.head, Some(log.checkpoint(20)));
}

#[test]
fn every_window_of_a_log_is_found_sound() {
    let log = Log::of(11);
    for from in 0..=11 {
        for to in from..=11 {
            let found = check(&log.bundle(from..to, true), &log.keys(), None).clean();
            // An act here has no bodies.
            assert_eq!((found.masked + found.opened) as u64, to - from);
            assert_eq!(found.opened as u64, (from..to).filter(|seq| seq % 3 == 2).count() as u64);
        }
    }
}

#[test]
fn a_key_of_the_merchants_log_is_as_good_as_the_operators() {
    let log = Log::of(4);
    check(&log.bundle(0..4, false), &keys(&log.signing()), None).clean();
    // After a rotation there are several.
    let rotated = VerifierKeys::new(vec![operator_key(9).verifier().clone(), log.key.verifier().clone()]).unwrap();
    check(&log.bundle(0..4, false), &rotated, None).clean();
}

/// After a rotation the newest key is enough: what the older one signed is the beginning of what the newest signed.
#[test]
fn checkpoints_of_an_older_key_are_proved_by_the_records() {
    let log = rotated(20);
    let by_others = |bundle: &[u8]| check(bundle, &log.keys(), None).clean().verified.unwrap().by_other_keys;
    assert_eq!(by_others(&log.bundle(0..20, false)), 6);
    // In a window those in it, and those that a consistency proof leads from.
    assert_eq!(by_others(&log.bundle_with(7..13, false, &[3, 15], |manifest| manifest)), 4);
    // Both keys check as before.
    let both = VerifierKeys::new(vec![log.key.verifier().clone(), operator_key(7).verifier().clone()]).unwrap();
    let verified = check(&log.bundle(0..20, false), &both, None).clean().verified.unwrap();
    assert_eq!((verified.by_other_keys, verified.proofs), (0, 7));
    // The older one alone is none of those that count.
    let found = check(&log.bundle(0..20, false), &keys(&operator_key(7)), None);
    found.names(None, Part::Checkpoint, "the latest one: the note is not signed by").names(None, Part::End, "not signed by");
}

#[test]
fn an_earlier_checkpoint_is_proved_wherever_it_lies() {
    let log = Log::of(20);
    for size in 0..=20 {
        let kept = log.kept(size);
        // In the run the records prove it, outside a consistency proof does.
        let bundle = log.bundle_with(8..14, false, &[size as u64], |manifest| manifest);
        check(&bundle, &log.keys(), Some(&kept)).clean();
        check(&log.bundle(0..20, false), &log.keys(), Some(&kept)).clean();
        let found = check(&log.bundle(8..14, false), &log.keys(), Some(&kept));
        match size {
            0 | 7..=15 | 20 => assert_eq!(found.problems, [], "{size}"),
            _ => _ = found.names(None, Part::KeptCheckpoint, "export again"),
        }
    }
}

#[test]
fn what_witnesses_have_signed_is_told() {
    let witness = |seed: u8| {
        let name = KeyName::new(&format!("witness.test/{seed}")).unwrap();
        SigningKey::from_seed(name, crate::log::key::Algorithm::CosignatureV1, &[seed; 32])
    };
    let (one, other) = (witness(1), witness(2));
    let mut log = Log::of(10);
    for (size, note) in &mut log.published {
        let mut cosigned = crate::log::Note::parse(note).unwrap();
        let checkpoint = Checkpoint::parse(cosigned.text()).unwrap();
        // One is late, the other has seen the head.
        for witness in [&one, &other].into_iter().take(if *size == 10 {
            0
        } else if *size < 6 {
            2
        } else {
            1
        }) {
            cosigned.add(crate::log::cosignature::sign(witness, 1_800_000_000 + *size, &checkpoint).unwrap());
        }
        *note = cosigned.to_string();
    }
    let (keys, known) = (log.keys(), [one.verifier().clone(), other.verifier().clone(), witness(3).verifier().clone()]);
    let found = check_with(&log.bundle(0..10, false), Trust { keys: &keys, kept: None, witnesses: &known }).clean();
    let told = |witness: &SigningKey, size: u64| {
        let (name, id) = (witness.verifier().name().to_string(), witness.verifier().id());
        Witnessed { witness: name, id, size, time_s: 1_800_000_000 + size }
    };
    assert_eq!(found.verified.unwrap().witnessed, [told(&one, 9), told(&other, 3)]);
    // Outside the run a consistency proof leads to what they have signed.
    let window = log.bundle_with(7..8, false, &[1, 6], |manifest| manifest);
    let found = check_with(&window, Trust { keys: &keys, kept: None, witnesses: &known }).clean();
    assert_eq!(found.verified.unwrap().witnessed, [told(&one, 6)]);
    let window = log.bundle_with(4..5, false, &[9], |manifest| manifest);
    let found = check_with(&window, Trust { keys: &keys, kept: None, witnesses: &known }).clean();
    assert_eq!(found.verified.unwrap().witnessed, [told(&one, 9)]);
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_read_ends_in_a_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0..10_000_usize, cut in 0..400_usize) {
        let log = Log::of(4);
        let mut bundle = log.bundle(0..4, false);
        check(&bytes, &log.keys(), None);
        // Somewhere in the middle, in place of what was there.
        let at = at % bundle.len();
        bundle.splice(at..bundle.len().min(at + cut), bytes);
        check(&bundle, &log.keys(), Some(&log.kept(2)));
    }
}

#[test]
fn more_problems_than_are_kept_are_counted() {
    let mut problems = Problems::default();
    for seq in 0..1_001 {
        assert_eq!(problems.clone().sorted().len() as u64, problems.count().min(1_000));
        problems.add(Problem::at(seq, Part::Header, "x"));
    }
    assert_eq!((problems.count(), problems.clone().sorted().len()), (1_001, 1_000));
    problems.merge(problems.clone());
    assert_eq!((problems.count(), problems.sorted().len()), (2_002, 1_000));
}

#[test]
fn items_survive_their_encoding() {
    let log = Log::of(5);
    for (frame, item) in frames(&log.bundle_with(1..4, false, &[1], |manifest| manifest)) {
        let mut again = Vec::new();
        super::super::encode::framed(&item.piece(), &mut again);
        assert_eq!(again.len(), frame.len(), "{item:?}");
        assert!(!format!("{item:?}").contains("[2, 2, 2, 2"), "keys are not shown");
    }
}
