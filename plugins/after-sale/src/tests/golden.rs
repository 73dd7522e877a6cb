//! The domain's golden cases and the examiner's, natively.

use ombud_core::golden::{Answer, Given, load};
use ombud_sdk::Settings as _;

use crate::rule::decide;
use crate::settings::Settings;

#[test]
fn every_golden_case_passes() {
    assert_eq!(run(include_str!("../../../../tests/cases/golden.yaml")), 114);
}

#[test]
fn every_examined_case_passes() {
    assert_eq!(run(include_str!("../../../../tests/cases/examined/after-sale.yaml")), 255);
    assert_eq!(run(include_str!("../../../../tests/cases/examined/random-after-sale.yaml")), 80);
}

/// Runs the after-sale cases of a file; how many there were.
fn run(text: &str) -> usize {
    let cases = load(text).expect("the cases load");
    let mut run = 0;
    let mut differences = Vec::new();
    for case in &cases {
        let Given::AfterSale(ctx, facts) = &case.given else { continue };
        let settings = case.settings.as_ref().map_or_else(String::new, ToString::to_string);
        let settings = Settings::parse(&settings).expect("the case's settings");
        let ruling = decide(&settings, ctx, facts);
        run += 1;
        differences.extend(case.check(&Answer::AfterSale(&ruling)).into_iter().map(|difference| format!("{}: {difference:?}", case.id)));
    }
    assert_eq!(differences, Vec::<String>::new());
    run
}
