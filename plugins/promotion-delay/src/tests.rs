//! The cases it ships with, natively, and the schema file.

use ombud_core::golden::{self, Answer, Given};
use ombud_sdk::Settings as _;

use crate::{Settings, rule};

#[test]
fn the_schema_file_is_current() {
    ombud_sdk::schema_file_is_current::<Settings>("settings.schema.json").unwrap();
}

#[test]
fn every_case_is_answered_as_expected() {
    let cases = golden::load(include_str!("../cases.yaml")).unwrap();
    assert!(cases.len() >= 8);
    for case in cases {
        let Given::Delay(ctx, facts) = &case.given else { panic!("{}: not a delay", case.id) };
        let settings = case.settings.as_ref().map_or_else(String::new, ToString::to_string);
        let settings = Settings::parse(&settings).unwrap_or_else(|problems| panic!("{}: {problems:?}", case.id));
        let ruling = rule::decide(&settings, ctx, facts);
        assert_eq!(case.check(&Answer::Delay(&ruling)), [], "{} {}", case.id, case.title);
    }
}

#[test]
fn sales_weeks_have_two_ends_in_order() {
    let path = |json: &str| Settings::parse(json).err().map(|problems| problems[0].path.clone());
    assert_eq!(path(r#"{"promotion_from": "2026-11-01", "promotion_to": "2026-11-01"}"#), None);
    assert_eq!(path(r#"{"promotion_from": "2026-11-02", "promotion_to": "2026-11-01"}"#).as_deref(), Some("/promotion_to"));
    assert_eq!(path(r#"{"promotion_from": "2026-11-02"}"#).as_deref(), Some("/promotion_to"));
    assert_eq!(path(r#"{"promotion_to": "November"}"#).as_deref(), Some("/promotion_to"));
    assert_eq!(path(r#"{"coupon_from_hours": 72, "share_after_hours": 71}"#).as_deref(), Some("/share_after_hours"));
}
