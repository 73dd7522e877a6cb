//! The golden cases of the domain, the examiner's, and the scripts of the training material.

use crate::Settings;
use crate::rule::decide;
use ombud_core::golden::{Answer, Given, load};
use ombud_sdk::Settings as _;

/// Runs the reply cases of a file; how many there were.
fn run(text: &str) -> usize {
    let mut count = 0;
    let mut failures = Vec::new();
    for case in load(text).unwrap() {
        let Given::Reply(ctx, facts) = &case.given else { continue };
        count += 1;
        let settings = case.settings.as_ref().map_or_else(Settings::default, |settings| Settings::parse(&settings.to_string()).unwrap());
        let ruling = decide(&settings, ctx, facts);
        let differences = case.check(&Answer::Reply(&ruling));
        if !differences.is_empty() {
            failures.push(format!("{} {}: {differences:#?}\n`{}`: {:#?}", case.id, case.title, facts.text, ruling.findings));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    count
}

#[test]
fn golden_cases() {
    assert_eq!(run(include_str!("../../../../tests/cases/golden.yaml")), 78);
}

#[test]
fn examined_cases() {
    assert_eq!(run(include_str!("../../../../tests/cases/examined/reply.yaml")), 131);
    assert_eq!(run(include_str!("../../../../tests/cases/examined/random-reply.yaml")), 150);
}

/// golden.md 6.3: the material that teaches the rules breaks some of them.
#[test]
fn scripts_of_the_training_material() {
    assert!(run(include_str!("../../../../tests/cases/source-scripts.yaml")) >= 21);
}
