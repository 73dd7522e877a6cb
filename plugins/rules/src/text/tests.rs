//! Words as they are found, and that every scalar folds as contract version 1.1 says for good.

use super::*;
use sha2::{Digest, Sha256};

fn found(text: &str, words: &[&str]) -> Vec<(u32, u32, u32, String)> {
    find(text, words).into_iter().map(|found| (found.word, found.start, found.end, found.matched)).collect()
}

#[test]
fn every_scalar_folds_as_version_1_1_of_the_contract_says() {
    let mut hash = Sha256::new();
    for scalar in '\0'..=char::MAX {
        let folded = fold(scalar.encode_utf8(&mut [0; 4]));
        hash.update(u32::from(scalar).to_le_bytes());
        hash.update((folded.len() as u32).to_le_bytes());
        hash.update(folded);
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        digest, "322a4ffe0eef6b3c4fcd47050dd6a43f7ae4c854dddc982a882920dff4353afc",
        "the fold of 1.1 is released: other tables are for a later version of the contract (wit/README.md)"
    );
}

#[test]
fn words_are_found_however_they_are_spelt() {
    let as_typed =
        |text: &str, matched: &str, start, end| assert_eq!(found(text, &["保值"]), [(0, start, end, matched.to_owned())], "{text}");
    as_typed("包您保值！", "保值", 2, 4);
    as_typed("包您保 *值", "保 *值", 2, 6);
    as_typed("保\u{200b}😀值", "保\u{200b}😀值", 0, 4);
    assert_eq!(
        found("ＡＢ賣 ab卖", &["AB卖", "b"]),
        [(0, 0, 3, "ＡＢ賣".into()), (1, 1, 2, "Ｂ".into()), (0, 4, 7, "ab卖".into()), (1, 5, 6, "b".into())]
    );
    assert_eq!(found("2㎏", &["k"]), [(0, 1, 2, "㎏".into())]);
    assert!(found("保单，值得", &["保值"]).is_empty());
}

#[test]
fn a_word_does_not_overlap_itself_and_others_may() {
    assert_eq!(
        found("哈哈哈", &["哈哈", "哈"]),
        [(0, 0, 2, "哈哈".into()), (1, 0, 1, "哈".into()), (1, 1, 2, "哈".into()), (1, 2, 3, "哈".into())]
    );
    assert_eq!(found("a", &["a", "a"]), [(0, 0, 1, "a".into()), (1, 0, 1, "a".into())]);
}

#[test]
fn a_word_of_which_nothing_is_left_stands_nowhere() {
    assert!(found("a b", &["", " ", "😀"]).is_empty());
    assert!(found("", &["a"]).is_empty());
    assert!(find("a", &[] as &[&str]).is_empty());
}

#[test]
fn the_first_1024_are_told() {
    let text = "ab".repeat(FOUND_MAX);
    assert_eq!(find(&text, &["b"]).len(), FOUND_MAX);
    let both = find(&text, &["b", "a"]);
    assert_eq!(both.len(), FOUND_MAX);
    assert_eq!(both.last().map(|last| (last.word, last.start)), Some((0, FOUND_MAX as u32 - 1)));
    assert_eq!(find(&"a".repeat(FOUND_MAX + 1), &["a"]).len(), FOUND_MAX);
}
