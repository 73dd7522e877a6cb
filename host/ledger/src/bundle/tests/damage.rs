//! Damage: bits that flipped, items that are lost, doubled or swapped, files that are cut off. All of it is found and named.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

/// Random flips of one bundle.
const FLIPS: usize = 4_000;

/// The places at which a problem of this item is expected: its record, or a place beside it.
fn named(problems: &[Problem], frames: &[(Range<usize>, Item)], at: usize) -> bool {
    let item = frames.iter().find(|(frame, _)| frame.contains(&at)).map(|(_, item)| item).unwrap();
    let seq = match item {
        Item::Record(Record { seq, .. }) | Item::Neighbour(Neighbour { seq, .. }) => *seq,
        Item::Manifest(_) => return problems.iter().any(|problem| matches!(problem.part, Part::Manifest | Part::End)),
        Item::Range(_) => return problems.iter().any(|problem| matches!(problem.part, Part::RangeProof | Part::File)),
        Item::Growth(Growth { checkpoint: None, .. }) => {
            return problems.iter().any(|problem| matches!(problem.part, Part::KeptCheckpoint | Part::File));
        }
        Item::Growth(_) => {
            return problems.iter().any(|problem| matches!(problem.part, Part::ConsistencyProof | Part::Checkpoint | Part::File));
        }
        Item::Blob { .. } => return problems.iter().any(|problem| matches!(problem.part, Part::Blob | Part::File)),
        Item::Checkpoint(_) => return problems.iter().any(|problem| matches!(problem.part, Part::Checkpoint | Part::File | Part::End)),
        Item::End(_) => return problems.iter().any(|problem| matches!(problem.part, Part::End | Part::File)),
        Item::Trouble(_) => return false,
    };
    let beside = [format!("after record {}:", seq.wrapping_sub(1)), "before the first record:".to_owned()];
    problems.iter().any(|problem| problem.seq == Some(seq) || beside.iter().any(|beside| problem.what.contains(beside.as_str())))
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let log = Log::of(9);
    let kept = log.kept(1);
    let bundle = log.bundle_with(4..7, false, &[1, 3], |manifest| manifest);
    check(&bundle, &log.keys(), Some(&kept)).clean();
    let frames = frames(&bundle);
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    // Every byte once, and more at random.
    let places = (0..bundle.len()).chain((0..FLIPS).map(|_| random.random_range(0..bundle.len())));
    let mut bits = StdRng::seed_from_u64(seed);
    for at in places.collect::<Vec<_>>() {
        let mut damaged = bundle.clone();
        let bit = bits.random_range(0..8);
        damaged[at] ^= 1 << bit;
        let found = check(&damaged, &log.keys(), Some(&kept));
        assert!(!found.problems.is_empty(), "bit {bit} of byte {at} was missed (seed {seed})");
        assert!(named(&found.problems, &frames, at), "bit {bit} of byte {at} (seed {seed}): {:#?}", found.problems);
    }
}

/// A signature's line that names no known key for a bit that flipped is not taken for that of an older key.
#[test]
fn a_damaged_line_of_a_known_key_is_no_other_keys() {
    let log = Log::of(9);
    let bundle = log.bundle_with(4..7, false, &[3], |manifest| manifest);
    let frames = frames(&bundle);
    let signed = frames.iter().filter(|(_, item)| matches!(item, Item::Checkpoint(_) | Item::Growth(_)));
    for at in signed.flat_map(|(frame, _)| frame.clone()) {
        for bit in 0..8 {
            let mut damaged = bundle.clone();
            damaged[at] ^= 1 << bit;
            let found = check(&damaged, &log.keys(), None);
            let of_item = |problem: &Problem| matches!(problem.part, Part::Checkpoint | Part::ConsistencyProof | Part::File);
            assert!(found.problems.iter().any(of_item), "bit {bit} of byte {at}: {:#?}", found.problems);
            assert_eq!(found.verified.map_or(0, |verified| verified.by_other_keys), 0, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn what_flips_in_a_record_is_found_without_the_digest_of_the_file() {
    let log = Log::of(9);
    let bundle = log.bundle(3..7, false);
    let seq_of = |item: &Item| match item {
        Item::Record(Record { seq, .. }) | Item::Neighbour(Neighbour { seq, .. }) => Some(*seq),
        _ => None,
    };
    let mut random = StdRng::seed_from_u64(1);
    let mut looked_at = 0;
    for (frame, seq) in frames(&bundle).iter().filter_map(|(frame, item)| Some((frame.clone(), seq_of(item)?))) {
        // Behind the frame's head: what flips there is another sequence of items.
        for at in frame.start + 5..frame.end {
            let mut damaged = bundle.clone();
            damaged[at] ^= 1 << random.random_range(0..8);
            let sound = Item::decode(&damaged[frame.start + 5..frame.end]).or_else(|_| Item::decode(&damaged[frame.start + 4..frame.end]));
            if sound.is_err() {
                continue;
            }
            looked_at += 1;
            let found = check(&resigned(&log, &damaged, |items| items), &log.keys(), None);
            let named = found.problems.iter().any(|problem| problem.seq == Some(seq));
            assert!(named, "byte {at} of record {seq}: {:#?}", found.problems);
        }
    }
    assert!(looked_at > 1_000, "{looked_at}");
}

/// The bundle of these frames of another, its end made anew by whoever has the operator's key: so that nothing but the
/// records themselves can show what was done.
fn resigned(log: &Log, bundle: &[u8], keep: impl Fn(Vec<(Range<usize>, Item)>) -> Vec<(Range<usize>, Item)>) -> Vec<u8> {
    let mut items = frames(bundle);
    items.pop();
    let mut out = Vec::new();
    let mut counts = Counts::default();
    for (frame, item) in keep(items) {
        match item {
            Item::Record(_) => counts.records += 1,
            Item::Blob { .. } => counts.blobs += 1,
            Item::Checkpoint(_) => counts.checkpoints += 1,
            Item::Trouble(_) => counts.troubles += 1,
            _ => {}
        }
        out.extend_from_slice(&bundle[frame]);
    }
    // The latest one is not among those inside the run.
    counts.checkpoints -= 1;
    let digest = Digest::of(&out);
    let mut note = crate::log::Note::new(end_text(FORMAT, log.signing().verifier().name(), &digest)).unwrap();
    note.sign(&log.signing());
    let end = Item::End(End { counts, digest, note: note.to_string() });
    super::super::encode::framed(&end.piece(), &mut out);
    out
}

fn is_record(item: &Item, wanted: u64) -> bool {
    matches!(item, Item::Record(Record { seq, .. }) | Item::Neighbour(Neighbour { seq, .. }) if *seq == wanted)
}

#[test]
fn a_bundle_made_anew_from_its_items_is_sound() {
    let log = Log::of(9);
    check(&resigned(&log, &log.bundle(2..7, false), |items| items), &log.keys(), None).clean();
}

#[test]
fn every_lost_record_is_named_even_where_the_operator_left_it_out() {
    let log = Log::of(9);
    let bundle = log.bundle(2..7, false);
    for seq in 1..=7 {
        let without = resigned(&log, &bundle, |items| items.into_iter().filter(|(_, item)| !is_record(item, seq)).collect());
        check(&without, &log.keys(), None).names(Some(seq), Part::Sequence, "missing");
    }
}

#[test]
fn what_is_counted_otherwise_and_what_is_no_item_is_said_in_words() {
    let log = Log::of(9);
    let bundle = log.bundle(2..7, false);
    let frames = frames(&bundle);
    let at = frames.iter().position(|(_, item)| is_record(item, 4)).unwrap();
    let without = [&bundle[..frames[at].0.start], &bundle[frames[at].0.end..]].concat();
    check(&without, &log.keys(), None).names(
        None,
        Part::End,
        "it counts records: 5, components and settings: 2, earlier checkpoints: 2, troubles: 0; found were records: 4,",
    );
    // The item is a number instead of an array, in a frame of the same length.
    let mut other = bundle.clone();
    let item = frames[at].0.end - 1;
    other[frames[at].0.start + 5] = 0x01;
    assert!(item > frames[at].0.start + 5);
    check(&other, &log.keys(), None).names(None, Part::File, "another type of value stands at its byte 0 than belongs there");
}

#[test]
fn every_doubled_and_every_swapped_record_is_named() {
    let log = Log::of(9);
    let bundle = log.bundle(2..7, false);
    for seq in 2..7 {
        let doubled = resigned(&log, &bundle, |items| {
            let twice = |(frame, item): (Range<usize>, Item)| {
                let count = if is_record(&item, seq) { 2 } else { 1 };
                std::iter::repeat_n(frame, count).map(|frame| (frame.clone(), frames(&bundle[frame]).remove(0).1))
            };
            items.into_iter().flat_map(twice).collect()
        });
        check(&doubled, &log.keys(), None).names(Some(seq), Part::Sequence, "twice");
        for other in seq + 1..7 {
            let swapped = resigned(&log, &bundle, |mut items| {
                let at = |seq| items.iter().position(|(_, item)| is_record(item, seq)).unwrap();
                let (one, two) = (at(seq), at(other));
                items.swap(one, two);
                items
            });
            check(&swapped, &log.keys(), None).names(Some(seq), Part::Sequence, "missing").names(
                Some(seq),
                Part::Sequence,
                "another's place",
            );
        }
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_not_taken() {
    let log = Log::of(6);
    let bundle = log.bundle(1..5, false);
    let ends: Vec<usize> = frames(&bundle).iter().map(|(frame, _)| frame.end).collect();
    for length in 0..bundle.len() {
        let problems = check(&bundle[..length], &log.keys(), None).problems;
        let said = problems.iter().any(|problem| match problem.part {
            Part::End | Part::File => {
                problem.what.contains("cut off") || problem.what.contains("in the middle") || problem.what.contains("no item")
            }
            Part::Manifest => true,
            _ => false,
        });
        assert!(said, "{length} of {} bytes ({}): {problems:#?}", bundle.len(), ends.contains(&length));
    }
    let longer = [&bundle[..], b"\0"].concat();
    check(&longer, &log.keys(), None).names(None, Part::File, "follows the end");
}

#[test]
fn damage_in_one_item_hides_nothing_in_the_next() {
    let log = Log::of(9);
    let mut bundle = log.bundle(0..9, false);
    let frames = frames(&bundle);
    for seq in [2, 4, 7] {
        let frame = &frames.iter().find(|(_, item)| is_record(item, seq)).unwrap().0;
        // Into the header, which stands behind the leaf hash.
        bundle[frame.start + 60] ^= 1;
    }
    let found = check(&bundle, &log.keys(), None);
    for seq in [2, 4, 7] {
        found.names(Some(seq), Part::Leaf, "one of them was changed");
    }
    found.names(None, Part::RangeProof, "the leaf hashes lead to the signed root, the headers do not");
    assert_eq!(found.problems.iter().filter(|problem| problem.part == Part::Leaf).count(), 3);
}

#[test]
fn items_of_any_size_are_bounded_before_they_take_memory() {
    let log = Log::of(3);
    let mut bundle = log.bundle(0..3, false);
    let start = frames(&bundle)[1].0.start;
    for (announced, why) in
        [(ITEM_BYTES_MAX as u64, "in the middle"), (ITEM_BYTES_MAX as u64 + 1, "are allowed"), (u64::MAX, "are allowed")]
    {
        bundle.truncate(start);
        bundle.extend([0xd8, 0x18]);
        match u32::try_from(announced) {
            Ok(announced) => bundle.extend([&[0x5a][..], &announced.to_be_bytes()].concat()),
            Err(_) => bundle.extend([&[0x5b][..], &announced.to_be_bytes()].concat()),
        }
        let found = check(&bundle, &log.keys(), None);
        found.names(None, Part::File, why);
    }
}

#[test]
fn a_bundle_carries_so_many_blobs_and_no_more() {
    let log = Log::of(9);
    let bundle = log.bundle(3..7, false);
    let problems = |blobs_max: usize| {
        let mut verifier = Verifier::open(bundle.as_slice(), Trust { keys: &log.keys(), kept: None, witnesses: &[] }).unwrap();
        verifier.blobs_max = blobs_max;
        while verifier.step().is_some() {}
        verifier.finish().problems.sorted()
    };
    assert_eq!(problems(2), []);
    let found = problems(1);
    assert_eq!((found.len(), found[0].part), (1, Part::Blob));
    assert!(found[0].what.contains("beyond the 1 components and settings"), "{}", found[0].what);
}

#[test]
fn a_checkpoint_that_is_too_long_for_one_is_not_kept() {
    let kept = |bytes: usize| {
        let mut log = Log::of(3);
        log.published.last_mut().unwrap().1 = "x".repeat(bytes);
        let found = check(&log.bundle(0..3, false), &log.keys(), None);
        found.names(None, Part::Checkpoint, "the latest one").verified.as_ref().unwrap().head_note.len()
    };
    assert_eq!((kept(1 << 20), kept((1 << 20) + 1)), (1 << 20, 0));
}
