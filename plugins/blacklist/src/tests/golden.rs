//! The golden cases of the kind (domain golden.md).

use ombud_core::golden::{self, Answer, Given};

use crate::{Settings, rule};

#[test]
fn every_golden_case_passes() {
    let cases = golden::load(include_str!("../../../../tests/cases/golden.yaml")).expect("the golden cases load");
    let mut passed = 0;
    let mut failures = Vec::new();
    for case in &cases {
        let Given::Blacklist(ctx, facts) = &case.given else { continue };
        let ruling = rule::decide(&Settings::default(), ctx, facts);
        let differences = case.check(&Answer::Blacklist(&ruling));
        if differences.is_empty() { passed += 1 } else { failures.push(format!("{} {}: {differences:?}", case.id, case.title)) }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(passed, 33);
}
