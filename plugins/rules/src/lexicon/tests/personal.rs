//! Personal data: what is masked, what a known id protects, and that masking once is masking for good.

use super::{checked, counted, draft};
use crate::contract::types::Surface;
use proptest::prelude::*;

fn masked(text: &str) -> String {
    checked(&draft(text)).masked
}

#[test]
fn numbers_are_masked_in_every_spelling() {
    for (text, want) in [
        ("+86 13812345678", "+86 138****5678"),
        ("8613812345678", "86138****5678"),
        ("１３８-1234-5678", "138****5678"),
        ("138\u{200B}1234\u{200B}5678", "138****5678"),
        ("幺三八一二三四五六七八转分机", "138****5678转分机"),
        ("11010519491231002x", "110***********002x"),
        ("110105 19491231 002X", "110***********002X"),
        ("6222 0202 0011 2233 446", "***************3446"),
        ("13812345678,13912345678", "138****5678,139****5678"),
    ] {
        assert_eq!(masked(text), want, "{text}");
    }
}

#[test]
fn numbers_that_fail_their_own_check_are_not_personal_data() {
    for text in ["110105194912310021", "11010519490230002X", "6222020200112233447", "138123456789", "12812345678", "幺三八一二"] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn known_ids_are_cut_out_but_do_not_open_a_longer_number() {
    let mut case = draft("订单6937332647110776166，电话13812345678");
    case.known_ids = vec!["6937332647110776166".into(), "138".into()];
    let report = checked(&case);
    assert_eq!(report.masked, "订单6937332647110776166，电话138****5678");
    assert_eq!(counted(&report), [("RC-701", 24, 35)]);
}

#[test]
fn in_public_ids_and_personal_data_stop() {
    let mut case = draft("单号ｓｆ100200，电话13812345678");
    case.known_ids = vec!["SF100200".into()];
    case.surface = Surface::LiveRoom;
    assert_eq!(counted(&checked(&case)), [("RC-705", 2, 10), ("RC-701", 13, 24), ("RC-705", 13, 24)]);
}

#[test]
fn no_finding_repeats_the_number() {
    let report = checked(&draft("加我微信13812345678聊"));
    assert!(report.findings.iter().any(|finding| finding.rule.id == "RC-604"));
    assert!(report.findings.iter().all(|finding| !finding.matched.contains("1234")), "{:?}", report.masked);
}

/// The last four of a card and the digits behind them can make the next card.
#[test]
fn what_a_mask_leaves_is_looked_at_again() {
    let luhn = |digits: &str| {
        let double = |(index, digit): (usize, u32)| if index % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit };
        let sum: u32 = digits.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate().map(double).sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    };
    let first = luhn("6222 0202 0011 223");
    let second = luhn(&format!("{} 5555 5555 555", &first[15..]));
    let text = format!("{first}{}", &second[4..]);
    assert_eq!(masked(&text), format!("************************{}", &second[15..]), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    // Invariant 8: masking is idempotent and keeps the length of ids and cards.
    #[test]
    fn masking_is_idempotent(parts in prop::collection::vec(prop_oneof![
        "1[3-9][0-9] ?[0-9]{4} ?[0-9]{4}", "[0-9]{4}( ?[0-9]{4}){3,5}", "[0-9]{1,4}", "[ -]", "[一二三幺〇洞拐]{1,6}", "[0-9]{17}[0-9X]",
        Just("11010519491231002X".to_owned()), Just("6222020200112233446".to_owned()), "[，。a好]",
    ], 0..12)) {
        let once = masked(&parts.concat());
        prop_assert_eq!(masked(&once), once);
    }

    #[test]
    fn masks_of_plain_ids_and_cards_keep_the_length(card in "[0-9]{15,18}", id in "[1-9][0-9]{16}") {
        for text in (0..=9).map(|check| format!("{card}{check}")).chain("0123456789X".chars().map(|check| format!("{id}{check}"))) {
            prop_assert_eq!(masked(&text).chars().count(), text.chars().count());
        }
    }
}
