//! What is an id and what is none, in code and in patterns.

use super::*;

#[test]
fn the_patterns_say_what_the_code_takes() {
    let (id, not) = (regex(ID_PATTERN), regex(NOT_A_PSEUDONYM));
    for (text, good) in [
        ("c_1", true),
        ("订单 1", true),
        ("a b", true),
        ("a", true),
        (" a", false),
        ("a ", false),
        ("a\u{3000}", false),
        ("\u{a0}a", false),
        ("a\u{200b}", false),
        ("a\u{202e}b", false),
        ("\u{feff}a", false),
        ("a\u{85}b", false),
        ("a\u{ad}b", false),
        ("a\tb", false),
        (" ", false),
        ("a\u{2003}", false),
        ("\u{1680}a", false),
    ] {
        assert_eq!((is_id(text), id(text)), (good, good), "{text:?}");
    }
    // Every character where an invisible one could be, within and at the ends; of the other planes those that are near one.
    let near = [0x1_3430, 0x1_6fe4, 0x1_bca0, 0x1_d159, 0x1_d173, 0xe_0000, 0xe_0fff].map(|at: u32| at - 16..at + 32);
    for character in (0..0x1_0000).chain(near.into_iter().flatten()).filter_map(char::from_u32) {
        let within = format!("a{character}b");
        assert_eq!(is_id(&within), id(&within), "{character:?}");
        let last = format!("a{character}");
        assert_eq!(is_id(&last), id(&last), "{character:?}");
    }
    for (text, good) in [
        ("110101199003074578", false),
        ("11010119900307457X", false),
        ("110101199013074578", true),
        ("6222021234567890123", true),
        ("zhang@example.com", false),
        ("zhang@example", true),
        ("@a.b", true),
        ("a@.b", true),
        ("a@b@c.d", true),
        ("+8613812345678", false),
        ("u13812345678", true),
        ("13812345678", false),
    ] {
        assert_eq!((CustomerRef::new(text).is_ok(), !not(text)), (good, good), "{text:?}");
    }
}

#[test]
fn what_draws_nothing_is_in_no_id() {
    let hidden = [
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180e}',
        '\u{200d}',
        '\u{2062}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{ffa0}',
        '\u{fff9}',
        '\u{e0001}',
        '\u{e0020}',
        '\u{e0041}',
        '\u{e0100}',
    ];
    for hidden in hidden {
        let text = format!("c{hidden}_1");
        assert!(!is_id(&text) && CustomerRef::new(&text).is_err() && ActorId::new(&text).is_err(), "{hidden:?}");
    }
    for seen in ["李雷", "ʻOkina", "Zoë", "김", "가방", "👍", "a\u{301}", "ﬁ", "№ 7"] {
        assert!(is_id(seen), "{seen}");
    }
}

#[test]
fn what_is_on_record_stays_an_id() {
    for taken in ["c\u{fe0f}", "c\u{2003}"] {
        assert!(CustomerRef::new(taken).is_err(), "{taken:?}");
        assert!(on_record(|| CustomerRef::new(taken)).is_ok(), "{taken:?}");
        assert!(CustomerRef::new(taken).is_err(), "{taken:?}");
    }
    assert!(on_record(|| CustomerRef::new("c\u{200b}")).is_err());
    assert!(std::panic::catch_unwind(|| on_record(|| panic!("a reader"))).is_err());
    assert!(!is_id("c\u{fe0f}"));
}

/// A pattern as the schema's checker reads it.
fn regex(pattern: &str) -> impl Fn(&str) -> bool {
    let checker = jsonschema::validator_for(&serde_json::json!({"pattern": pattern})).unwrap();
    move |text| checker.is_valid(&serde_json::json!(text))
}

#[test]
fn merchant_ids_fit_paths() {
    for good in ["m_001", "a", "10437917", "Shop-1.cn", &"x".repeat(64)] {
        assert!(MerchantId::new(good).is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "-a", "a/b", "a b", "商店", &"x".repeat(65)] {
        assert!(MerchantId::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_customer_is_a_pseudonym() {
    for good in ["c_9f3a", "客户7", "23812345678", "138123456789", &"x".repeat(256)] {
        assert!(CustomerRef::new(good).is_ok(), "{good}");
    }
    for bad in ["", "13812345678", "+8613812345678", "8613812345678", "a\nb", &"x".repeat(257), &"客".repeat(86)] {
        assert!(CustomerRef::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_currency_is_three_capital_letters() {
    assert!(Currency::new("USD").is_ok());
    assert!(["", "usd", "CN", "CNYY", "￥"].into_iter().all(|bad| Currency::new(bad).is_err()));
}

#[test]
fn a_decision_id_depends_on_every_part_and_on_where_parts_end() {
    let merchant = |text: &str| MerchantId::new(text).unwrap();
    let key = |source: &str, id: &str| EventKey::new(source, id).unwrap();
    let base = DecisionId::derive(&merchant("m"), &key("/a", "1"), Kind::AfterSale);
    assert_eq!(base, DecisionId::derive(&merchant("m"), &key("/a", "1"), Kind::AfterSale));
    assert!(DecisionId::new(base.as_str()).is_ok());
    for other in [
        DecisionId::derive(&merchant("n"), &key("/a", "1"), Kind::AfterSale),
        DecisionId::derive(&merchant("m"), &key("/b", "1"), Kind::AfterSale),
        DecisionId::derive(&merchant("m"), &key("/a", "2"), Kind::AfterSale),
        DecisionId::derive(&merchant("m"), &key("/a1", "1"), Kind::AfterSale),
        DecisionId::derive(&merchant("m"), &key("/a", "1"), Kind::Delay),
    ] {
        assert_ne!(base, other);
    }
    // Stored ids outlive the process: the derivation is frozen.
    assert_eq!(base.as_str(), "87d49a5fee12e3ca3df967ddf9494a19");
}

#[test]
fn an_event_key_needs_both_parts() {
    assert!(EventKey::new("https://shop.example/feige", "dy-7000893114000949000-6-1793988000").is_ok());
    assert!(EventKey::new("", "1").is_err());
    assert!(EventKey::new("a b", "1").is_err());
    assert!(EventKey::new("/a", "").is_err());
}
