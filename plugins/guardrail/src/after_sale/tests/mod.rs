//! The guardrail cases of the domain and the examiner's, natively.

use ombud_core::golden::{Answer, Given, load};

use super::review;

#[path = "../../../../after-sale/src/tests/generate.rs"]
mod generate;
mod properties;
mod rows;

#[test]
fn every_after_sale_case_passes() {
    assert_eq!(run(include_str!("../../../../../tests/cases/guardrail-cases.yaml")), 37);
    assert_eq!(run(include_str!("../../../../../tests/cases/examined/guardrail-caps.yaml")), 77);
    assert_eq!(run(include_str!("../../../../../tests/cases/examined/random-guardrail-after-sale.yaml")), 40);
}

/// Runs the after-sale reviews of a file; how many there were.
fn run(text: &str) -> usize {
    let cases = load(text).expect("the guardrail cases");
    let mut run = 0;
    let mut differences = Vec::new();
    for case in &cases {
        let Given::ReviewAfterSale(ctx, facts, ruling) = &case.given else { continue };
        let answer = review(ctx, facts, ruling);
        run += 1;
        let found = case.check(&Answer::ReviewAfterSale(&answer));
        differences.extend(found.into_iter().map(|difference| format!("{}: {difference:?}", case.id)));
    }
    assert_eq!(differences, Vec::<String>::new());
    run
}
