//! Keys, notes, checkpoints and cosignatures.

use ombud_core::ids::MerchantId;
use proptest::prelude::*;

use super::super::key::{Algorithm, KEY_NAME_BYTES_MAX, VERIFIER_KEYS_MAX};
use super::super::note::{SIGNATURES_MAX, parse_signatures};
use super::super::witness::{AddCheckpoint, PROOF_LINES_MAX, good_signatures};
use super::super::{
    Checkpoint, CheckpointError, Cosignature, KeyName, LogKeyError, Note, NoteError, Signature, SigningKey, VerifierKey, VerifierKeys,
    cosignature, proof,
};
use super::{InMemory, leaves, mth};
use crate::Digest;

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn operator(seed: u8) -> SigningKey {
    SigningKey::from_seed(name("ombud.example"), Algorithm::Note, &[seed; 32])
}

fn witness(seed: u8) -> SigningKey {
    SigningKey::from_seed(name("witness.example/w1"), Algorithm::CosignatureV1, &[seed; 32])
}

fn merchant() -> MerchantId {
    MerchantId::new("m-books").unwrap()
}

fn checkpoint(size: usize) -> Checkpoint {
    Checkpoint { origin: name("ombud.example/m-books"), size: size as u64, root: mth(&leaves(size)) }
}

/// The example of c2sp.org/signed-note.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
     Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_specification_s_example_verifies() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!((key.to_string(), key.id()), (EXAMPLE_KEY.to_owned(), 0x530d_903a));
    let note = Note::parse(EXAMPLE).unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap(), [&key]);
    assert_eq!((note.text(), note.to_string()), ("This is an example message.\n", EXAMPLE.to_owned()));
    let changed = EXAMPLE.replace("an example", "no example");
    assert!(matches!(Note::parse(&changed).unwrap().verify(&[key]), Err(NoteError::Wrong { .. })));
}

/// The pair of keys of the Go module's documentation.
#[test]
fn a_key_of_the_go_module_signs_as_it_does_there() {
    let key = SigningKey::parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    assert_eq!(key.verifier().to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    let mut note =
        Note::new("If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n").unwrap();
    note.sign(&key);
    assert!(note.to_string().ends_with(
        "\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ));
    assert_eq!(SigningKey::parse(&key.to_text()).unwrap().verifier(), key.verifier());
    assert!(!format!("{key:?}").contains("AYEKFAL"));
}

#[test]
fn keys_that_are_none_are_refused_by_name() {
    let parse = |text: &str| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(parse("x"), LogKeyError::Verifier);
    assert_eq!(parse("x+00000000+"), LogKeyError::Verifier);
    assert!(matches!(parse(&EXAMPLE_KEY.replace("530d903a", "530d903b")), LogKeyError::Id { .. }));
    assert!(matches!(parse(&EXAMPLE_KEY.replace("530d903a", "530D903A")), LogKeyError::Id { .. }));
    assert!(matches!(parse(&EXAMPLE_KEY.replace("foo", "bar")), LogKeyError::Id { .. }));
    assert!(matches!(parse(&EXAMPLE_KEY.replace("+Aeky", "+Beky")), LogKeyError::Algorithm { found: 5, .. }));
    assert_eq!(SigningKey::parse(EXAMPLE_KEY).unwrap_err(), LogKeyError::Signing);
    for bad in ["", " ", "a b", "a+b", "a\u{a0}b", "a\nb", "a\u{7}b", &"x".repeat(KEY_NAME_BYTES_MAX + 1)] {
        assert!(KeyName::new(bad).is_err(), "{bad:?}");
    }
    assert!(KeyName::new(&"x".repeat(KEY_NAME_BYTES_MAX)).is_ok());
}

#[test]
fn a_file_of_keys_has_one_a_line() {
    let text = format!("# the operator's\n{}\n\n {} \n", operator(1).verifier(), operator(2).verifier());
    let keys: VerifierKeys = text.parse().unwrap();
    assert_eq!(keys.iter().map(VerifierKey::id).collect::<Vec<_>>(), [operator(1).verifier().id(), operator(2).verifier().id()]);
    assert_eq!(keys.to_string().parse::<VerifierKeys>().unwrap(), keys);
    assert_eq!("# nothing\n".parse::<VerifierKeys>().unwrap_err(), LogKeyError::Empty);
    let line = format!("{}\n", operator(1).verifier());
    assert!(line.repeat(VERIFIER_KEYS_MAX).parse::<VerifierKeys>().is_ok());
    assert_eq!(line.repeat(VERIFIER_KEYS_MAX + 1).parse::<VerifierKeys>().unwrap_err(), LogKeyError::TooMany);
}

#[test]
fn a_merchant_s_key_follows_from_the_operator_s() {
    let (signing, verifier) = (operator(1).of_merchant(&merchant()), operator(1).verifier().of_merchant(&merchant()));
    assert_eq!(signing.verifier(), &verifier);
    assert_eq!(verifier.name().as_str(), "ombud.example/m-books");
    assert_ne!(verifier.id(), operator(1).verifier().id());
    let note = checkpoint(3).sign(&[signing]).unwrap().to_string();
    assert_eq!(Checkpoint::open(&note, &[verifier]).unwrap(), checkpoint(3));
    // Neither the operator's own name nor another merchant's opens it.
    let other = operator(1).verifier().of_merchant(&MerchantId::new("m-shoes").unwrap());
    for key in [operator(1).verifier().clone(), other] {
        assert!(matches!(Checkpoint::open(&note, &[key]), Err(CheckpointError::Note(NoteError::Unsigned(_)))));
    }
}

/// The bytes of a checkpoint are frozen: whoever keeps one must be able to compare it.
#[test]
fn the_checkpoint_is_frozen() {
    let note = checkpoint(3).sign(&[operator(1).of_merchant(&merchant())]).unwrap().to_string();
    assert_eq!(note, include_str!("checkpoint.txt"));
}

#[test]
fn a_checkpoint_of_another_origin_is_refused() {
    let key = operator(1).of_merchant(&merchant());
    let other = Checkpoint { origin: name("ombud.example/m-shoes"), ..checkpoint(3) };
    let note = other.sign(std::slice::from_ref(&key)).unwrap().to_string();
    let error = Checkpoint::open(&note, &[key.verifier().clone()]).unwrap_err();
    assert_eq!(error.to_string(), "the checkpoint is of the log `ombud.example/m-shoes`, not of `ombud.example/m-books`");
}

#[test]
fn a_rotated_key_and_the_one_before_it_both_open() {
    let [new, old, stranger] = [2, 1, 3].map(|seed| operator(seed).of_merchant(&merchant()));
    let note = checkpoint(3).sign(&[new.clone(), old.clone()]).unwrap().to_string();
    let opens = |key: &SigningKey| Checkpoint::open(&note, &[key.verifier().clone()]).is_ok();
    assert!(opens(&new) && opens(&old) && !opens(&stranger));
    // One good signature does not outweigh a wrong one of a key that is known.
    let mut note = Note::parse(&note).unwrap();
    let mut wrong = note.signatures()[1].clone();
    wrong.bytes[10] ^= 1;
    note.add(wrong);
    assert!(Checkpoint::open(&note.to_string(), &[new.verifier().clone()]).is_ok());
    let error = Checkpoint::open(&note.to_string(), &[new.verifier().clone(), old.verifier().clone()]).unwrap_err();
    assert!(matches!(error, CheckpointError::Note(NoteError::Wrong { .. })), "{error}");
}

#[test]
fn checkpoints_are_read_strictly() {
    let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(Checkpoint::parse(&format!("o\n0\n{root}\n")).is_ok());
    for text in [
        format!("o\n0\n{root}"),
        format!("o\n00\n{root}\n"),
        format!("o\n+1\n{root}\n"),
        format!("o\n-1\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("\n0\n{root}\n"),
        format!("a b\n0\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n0\n{}\n", &root[..43]),
        format!("o\n0\n{}B=\n", &root[..42]),
        format!("o\n0\n{root}\nmore\n"),
        format!("o\n0\n{root}\n\n"),
        "o\n0\n".to_owned(),
    ] {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
}

#[test]
fn notes_are_read_strictly() {
    let line = EXAMPLE.rsplit_once("\n\n").unwrap().1;
    for (text, why) in [
        ("no signatures\n".to_owned(), "no blank line"),
        ("text\n\n".to_owned(), "no signature"),
        (format!("text\n\n{}", line.trim_end()), "newline"),
        (format!("te\rxt\n\n{line}"), "control characters"),
        (format!("text\n\n{}", line.replace('\u{2014}', "-")), "not a signature"),
        (format!("text\n\n{}", line.replace("foo ", "f+o ")), "not a signature"),
        ("text\n\n\u{2014} x AAAAAA==\n".to_owned(), "not a signature"),
        ("text\n\n\u{2014} x AAAAAAB=\n".to_owned(), "not a signature"),
    ] {
        let error = Note::parse(&text).unwrap_err().to_string();
        assert!(error.contains(why), "{text:?}: {error}");
    }
    assert!(Note::new("no newline").is_err() && Note::new("tab\t\n").is_err());
    // The last blank line separates.
    assert_eq!(Note::parse(&format!("a\n\nb\n\n{line}")).unwrap().text(), "a\n\nb\n");
    assert_eq!(parse_signatures(&line.repeat(SIGNATURES_MAX)).unwrap().len(), SIGNATURES_MAX);
    assert_eq!(parse_signatures(&line.repeat(SIGNATURES_MAX + 1)), Err(NoteError::TooMany));
}

#[test]
fn a_cosignature_says_when_and_by_whom() {
    let mut note = checkpoint(3).sign(&[operator(1).of_merchant(&merchant())]).unwrap();
    let signature = cosignature::sign(&witness(7), 1_679_315_147, &checkpoint(3)).unwrap();
    assert_eq!(signature.bytes.len(), 72);
    note.add(signature.clone());
    let seen = Cosignature { witness: "witness.example/w1".to_owned(), id: witness(7).verifier().id(), time_s: 1_679_315_147 };
    assert_eq!(cosignature::of_note(&note, &[witness(7).verifier().clone()]), [seen]);
    assert_eq!(cosignature::of_note(&note, &[witness(8).verifier().clone()]), []);
    // The log's keys open it as before.
    assert!(Checkpoint::open(&note.to_string(), &[operator(1).of_merchant(&merchant()).verifier().clone()]).is_ok());
    let key = witness(7).verifier().clone();
    assert!(key.to_string().parse::<VerifierKey>().unwrap() == key);
    for byte in 0..72 {
        let mut wrong = signature.clone();
        wrong.bytes[byte] ^= 1;
        assert_eq!(cosignature::verify(&key, note.text(), &wrong), None, "byte {byte}");
    }
    assert!(cosignature::sign(&operator(1), 1, &checkpoint(3)).is_none(), "a log's key cosigns nothing");
    assert!(cosignature::sign(&witness(7), 1 << 63, &checkpoint(3)).is_none());
}

#[test]
fn a_request_to_a_witness_is_read_back_and_checked() {
    let tree = InMemory(leaves(9));
    let note = checkpoint(9).sign(&[operator(1).of_merchant(&merchant())]).unwrap();
    let request = AddCheckpoint { old_size: 5, proof: proof::prove_consistency(&tree, 5, 9).unwrap(), checkpoint: note.to_string() };
    let read = AddCheckpoint::parse(&request.to_string()).unwrap();
    assert_eq!(read, request);
    read.check(Some(&checkpoint(5)), &checkpoint(9)).unwrap();
    assert!(read.check(Some(&checkpoint(6)), &checkpoint(9)).is_err());
    let first = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: note.to_string() };
    assert!(first.to_string().starts_with("old 0\n\nombud.example/m-books\n9\n"));
    AddCheckpoint::parse(&first.to_string()).unwrap().check(None, &checkpoint(9)).unwrap();
    let line = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    assert!(AddCheckpoint::parse(&format!("old 5\n{}\nx", line.repeat(PROOF_LINES_MAX))).is_ok());
    for body in [
        format!("old 5\n{}\nx", line.repeat(PROOF_LINES_MAX + 1)),
        "old 05\n\nx".into(),
        "old\n\nx".into(),
        "5\n\nx".into(),
        "old 5\nx".into(),
        "old 5\nAA==\n\nx".into(),
    ] {
        assert!(AddCheckpoint::parse(&body).is_err(), "{body}");
    }
}

#[test]
fn of_a_witness_s_answer_only_its_own_signatures_are_taken() {
    let note = checkpoint(9).sign(&[operator(1).of_merchant(&merchant())]).unwrap();
    let own = cosignature::sign(&witness(7), 5, &checkpoint(9)).unwrap();
    let other = cosignature::sign(&witness(8), 5, &checkpoint(9)).unwrap();
    let late = cosignature::sign(&witness(7), 5, &checkpoint(8)).unwrap();
    let key = witness(7).verifier().clone();
    assert_eq!(good_signatures(&format!("{other}\n{own}\n"), &note, &key).unwrap(), [own]);
    assert!(matches!(good_signatures(&format!("{other}\n"), &note, &key), Err(NoteError::Unsigned(_))));
    assert!(matches!(good_signatures(&format!("{late}\n"), &note, &key), Err(NoteError::Wrong { .. })));
    assert!(good_signatures("<html>", &note, &key).is_err());
}

proptest! {
    #[test]
    fn no_changed_byte_of_a_checkpoint_passes(at in 0_usize..400, bit in 0_u8..8) {
        let key = operator(1).of_merchant(&merchant());
        let note = checkpoint(3).sign(std::slice::from_ref(&key)).unwrap().to_string();
        let mut bytes = note.into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // Not UTF-8 is not a note.
        if let Ok(note) = String::from_utf8(bytes) {
            prop_assert!(Checkpoint::open(&note, &[key.verifier().clone()]).is_err(), "{}", note);
        }
    }

    #[test]
    fn nothing_that_is_read_panics(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        _ = (Note::parse(&text), Checkpoint::parse(&text), text.parse::<VerifierKey>(), AddCheckpoint::parse(&text));
        _ = Signature { name: "x".into(), id: 0, bytes }.to_string();
        _ = Digest::of(text.as_bytes());
    }
}
