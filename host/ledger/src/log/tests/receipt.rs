//! Receipts.

use ombud_core::ids::MerchantId;
use proptest::prelude::*;

use super::super::key::Algorithm;
use super::super::receipt::{EXTRA_BYTES_MAX, Receipt, ReceiptError};
use super::super::{Checkpoint, CheckpointError, KeyName, SigningKey, VerifierKeys, cosignature, proof};
use super::{InMemory, mth};
use crate::{Digest, leaf_hash};

fn key() -> SigningKey {
    SigningKey::from_seed(KeyName::new("ombud.example").unwrap(), Algorithm::Note, &[1; 32])
}

fn witness() -> SigningKey {
    SigningKey::from_seed(KeyName::new("witness.example").unwrap(), Algorithm::CosignatureV1, &[2; 32])
}

fn header(number: u64) -> Vec<u8> {
    format!("leaf {number}").into_bytes()
}

fn receipt(index: u64, size: u64) -> Receipt {
    let merchant = MerchantId::new("m").unwrap();
    let leaves: Vec<Digest> = (0..size).map(|number| leaf_hash(&header(number))).collect();
    let key = key().of_merchant(&merchant);
    let checkpoint = Checkpoint { origin: key.verifier().name().clone(), size, root: mth(&leaves) };
    let mut note = checkpoint.sign(&[key]).unwrap();
    note.add(cosignature::sign(&witness(), 1_757_000_000, &checkpoint).unwrap());
    let proof = proof::prove_inclusion(&InMemory(leaves), index, size).unwrap();
    Receipt { header: Some(header(index)), index, proof, checkpoint: note.to_string() }
}

fn keys() -> VerifierKeys {
    VerifierKeys::new(vec![key().verifier().clone()]).unwrap().of_merchant(&MerchantId::new("m").unwrap())
}

/// The bytes of a receipt are frozen: customers keep them.
#[test]
fn the_receipt_is_frozen() {
    assert_eq!(receipt(3, 7).to_string(), include_str!("receipt.tlog-proof"));
}

#[test]
fn a_receipt_shows_record_place_and_witnesses() {
    let receipt = Receipt::parse(&receipt(3, 7).to_string()).unwrap();
    let shown = receipt.verify(None, keys().as_slice(), &[witness().verifier().clone()]).unwrap();
    assert_eq!((shown.header, shown.index, shown.checkpoint.size), (header(3), 3, 7));
    assert_eq!(shown.cosignatures.len(), 1);
    assert!(receipt.verify(Some(&header(3)), keys().as_slice(), &[]).unwrap().cosignatures.is_empty());
}

#[test]
fn a_receipt_of_another_record_or_log_is_refused() {
    let receipt = receipt(3, 7);
    let verify = |receipt: &Receipt, header: Option<&[u8]>| receipt.verify(header, keys().as_slice(), &[]).unwrap_err();
    assert_eq!(verify(&receipt, Some(&header(4))), ReceiptError::OtherRecord);
    let without = Receipt { header: None, ..receipt.clone() };
    assert_eq!(verify(&without, None), ReceiptError::NoHeader);
    assert!(matches!(verify(&without, Some(&header(4))), ReceiptError::Proof(_)));
    assert!(matches!(verify(&Receipt { index: 2, ..receipt.clone() }, None), ReceiptError::Proof(_)));
    assert!(matches!(verify(&Receipt { index: 7, ..receipt.clone() }, None), ReceiptError::Proof(_)));
    let other = VerifierKeys::new(vec![key().verifier().clone()]).unwrap();
    assert!(matches!(receipt.verify(None, other.as_slice(), &[]), Err(ReceiptError::Checkpoint(CheckpointError::Note(_)))));
}

#[test]
fn receipts_are_read_strictly() {
    let good = receipt(3, 7).to_string();
    let rest = good.split_once("index").unwrap().1;
    for (text, why) in [
        (good.replacen("@v1", "@v2", 1), "first line"),
        (good.replacen("index 3", "index 03", 1), "line `index"),
        (good.replacen("index 3\n", "", 1), "line `index"),
        (good.replacen("extra ", "extra =", 1), "base64"),
        (good.replacen("\n\n", "\n", 1), "proof is not a hash"),
        (format!("c2sp.org/tlog-proof@v1\nindex 0\n{}\nx", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(65)), "too long"),
        (format!("c2sp.org/tlog-proof@v1\nextra {}\nindex{rest}", "AAAA".repeat(EXTRA_BYTES_MAX / 3 + 1)), "base64"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n".to_owned(), "no empty line"),
    ] {
        let error = Receipt::parse(&text).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    assert!(Receipt::parse(&format!("c2sp.org/tlog-proof@v1\nextra {}\nindex{rest}", "AAAA".repeat(EXTRA_BYTES_MAX / 3))).is_ok());
}

proptest! {
    /// A changed receipt is refused, or shows exactly what the good one shows (a witness's line may be lost).
    #[test]
    fn no_changed_bit_of_a_receipt_shows_something_else(at in 0_usize..2000, bit in 0_u8..8) {
        let mut bytes = receipt(3, 7).to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        if let Ok(shown) = Receipt::parse(&text).and_then(|receipt| receipt.verify(None, keys().as_slice(), &[witness().verifier().clone()])) {
            prop_assert_eq!((shown.header, shown.index, shown.checkpoint.size, shown.cosignatures.len()), (header(3), 3, 7, 0));
        }
    }
}
