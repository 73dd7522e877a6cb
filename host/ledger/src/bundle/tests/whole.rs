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
fn items_survive_their_encoding() {
    let log = Log::of(5);
    for (frame, item) in frames(&log.bundle_with(1..4, false, &[1], |manifest| manifest)) {
        let mut again = Vec::new();
        super::super::encode::framed(&item.piece(), &mut again);
        assert_eq!(again.len(), frame.len(), "{item:?}");
        assert!(!format!("{item:?}").contains("[2, 2, 2, 2"), "keys are not shown");
    }
}
