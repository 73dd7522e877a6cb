//! What is published and signed stands in files.

use std::path::PathBuf;

use ombud_tests::command::{demo_data, on};
use ombud_tests::random::Random;

use super::Store;

#[test]
fn no_flipped_bit_of_a_published_checkpoint_goes_undetected() {
    let store = Store::new(false);
    let mut random = Random::new();
    let files: Vec<PathBuf> = std::fs::read_dir(store.data.join("checkpoints")).unwrap().flatten().map(|entry| entry.path()).collect();
    for _ in 0..80 {
        let (seed, file) = (random.0, &files[random.below(files.len())]);
        let good = std::fs::read(file).unwrap();
        let mut bad = good.clone();
        random.flip(&mut bad);
        std::fs::write(file, &bad).unwrap();
        assert!(
            !store.findings().is_empty(),
            "seed {seed}: undetected: {} became {}",
            String::from_utf8_lossy(&good),
            String::from_utf8_lossy(&bad)
        );
        std::fs::write(file, &good).unwrap();
    }
    assert_eq!(store.findings(), [""; 0]);
}

/// A witness that came after the database does not hide what the sizes say.
#[test]
fn a_database_from_before_a_witness_says_how_much_is_missing() {
    let Store { _folder, data, db, .. } = Store::new(false);
    db.close().unwrap();
    for rest in ["ombud.db-wal", "ombud.db-shm"] {
        _ = std::fs::remove_file(data.join(rest));
    }
    std::fs::copy(demo_data().path().join("data/ombud.db"), data.join("ombud.db")).unwrap();
    let checked = on(&data, &["audit", "check"]);
    let found: Vec<&str> = checked.exits(1).out.lines().filter(|line| line.contains("published checkpoint")).collect();
    assert!(found.iter().all(|line| line.contains("the database was set back") && !line.contains("not known")), "{found:#?}");
    let size = |line: &str, before: &str| -> u64 {
        line.split(before).next().unwrap().split_whitespace().last().unwrap().parse().unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    let fresh = found.iter().find(|line| line.starts_with("m-fresh: ")).expect("a log that grew");
    let [published, there, missing] = [" records were published", " records are there", " are missing"].map(|words| size(fresh, words));
    assert!(missing > 0 && published == there + missing, "{fresh}");
}

/// A note that is published twice stands with its cosignatures in both files of a log.
#[test]
fn no_flipped_bit_of_a_cosignature_in_the_file_before_goes_undetected() {
    const WITNESS: &str = "\u{2014} witness.test/";
    let store = Store::new(false);
    let mut random = Random::new();
    let files = std::fs::read_dir(store.data.join("checkpoints")).unwrap().flatten().map(|entry| entry.path());
    let mut notes = files.filter(|path| path.extension().is_none()).map(|path| (std::fs::read_to_string(&path).unwrap(), path));
    let (note, path) = notes.find(|(note, _)| note.contains(WITNESS)).expect("a witness has signed");
    let before = path.with_extension("before");
    std::fs::write(&before, &note).unwrap();
    assert_eq!(store.findings(), [""; 0]);
    for at in note.find(WITNESS).unwrap()..note.len() {
        let mut bad = note.clone().into_bytes();
        bad[at] ^= 1 << random.below(8);
        std::fs::write(&before, &bad).unwrap();
        assert!(!store.findings().is_empty(), "undetected: {note} became {}", String::from_utf8_lossy(&bad));
    }
    std::fs::write(&before, &note).unwrap();
    assert_eq!(store.findings(), [""; 0]);
}
