//! The golden cases of the kind (domain golden.md) and the examiner's.

use ombud_core::golden::{self, Answer, Given};
use ombud_sdk::Settings as _;

use crate::{Settings, rule};

#[test]
fn every_golden_case_passes() {
    assert_eq!(run(include_str!("../../../../tests/cases/golden.yaml")), 39);
}

#[test]
fn every_examined_case_passes() {
    assert_eq!(run(include_str!("../../../../tests/cases/examined/delay.yaml")), 81);
    assert_eq!(run(include_str!("../../../../tests/cases/examined/random-delay.yaml")), 90);
}

/// Runs the delay cases of a file; how many passed.
fn run(text: &str) -> usize {
    let cases = golden::load(text).expect("the cases load");
    let mut passed = 0;
    let mut failures = Vec::new();
    for case in &cases {
        let Given::Delay(ctx, facts) = &case.given else { continue };
        let settings = case.settings.as_ref().map_or_else(String::new, ToString::to_string);
        let settings = Settings::parse(&settings).expect("the case's settings");
        let ruling = rule::decide(&settings, ctx, facts);
        let differences = case.check(&Answer::Delay(&ruling));
        if differences.is_empty() {
            passed += 1
        } else {
            failures.push(format!("{} {}: {differences:?}", case.id, case.title))
        }
        assert!(crate::facts::check(facts).is_ok(), "{}: the facts are in order", case.id);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    passed
}
