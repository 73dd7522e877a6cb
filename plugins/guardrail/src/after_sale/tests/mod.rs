//! The guardrail cases of the domain, natively.

use ombud_core::golden::{Answer, Given, load};

use super::review;

#[path = "../../../../after-sale/src/tests/generate.rs"]
mod generate;
mod properties;
mod rows;

#[test]
fn every_after_sale_case_passes() {
    let cases = load(include_str!("../../../../../tests/cases/guardrail-cases.yaml")).expect("the guardrail cases");
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
    assert_eq!(run, 37);
}
